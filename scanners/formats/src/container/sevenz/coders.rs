//! The coders of a 7z block, one behind the other.

use std::io::{BufReader, Read};
use std::sync::Arc;

use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use ppmd_rust::Ppmd7Decoder;

use super::header::{Block, Directory};
use crate::bytes::Slice;
use crate::container::directory::read_exact_at;
use crate::container::inflate::Inflate;
use crate::container::stream::{Named, too_large, zstd_decoder};
use crate::container::zip::ENCRYPTED;
use crate::{Bytes, Fault, Input, ReadAt};

/// Bytes of the archive's own header, from whose end packed data are counted.
pub(super) const START: u64 = 32;

const AES: &[u8] = &[0x06, 0xf1, 0x07, 0x01];

impl Block {
    /// Whether a password is needed.
    pub fn is_encrypted(&self) -> bool {
        self.coders.iter().any(|coder| coder.method == AES)
    }
}

/// The content of a block, which is the `nth` packed stream and those behind it.
pub(super) fn open(
    archive: &Arc<dyn ReadAt>,
    directory: &Directory,
    block: &Block,
    first: usize,
    window: u64,
) -> Result<Box<dyn Read>, Fault> {
    if block.is_encrypted() {
        return Err(Fault::unreadable(ENCRYPTED));
    }
    if block.packed.len() != 1 || block.coders.iter().any(|coder| coder.inputs != 1) {
        return Err(unsupported(&[3, 3, 1, 0x1b]));
    }
    let damaged = || Fault::unreadable("the directory of the 7z archive is damaged");
    let before: u64 = directory.pack_sizes.iter().take(first).fold(0, |sum, size| sum.saturating_add(*size));
    let len = directory.pack_sizes.get(first).copied().ok_or_else(damaged)?;
    let from = START.saturating_add(directory.pack_at).saturating_add(before);
    if from.checked_add(len).is_none_or(|end| end > archive.size()) {
        return Err(Fault::unreadable("the archive ends before its packed data do: it is cut off"));
    }
    let packed: Arc<dyn ReadAt> = Arc::new(Slice { inner: archive.clone(), from, len });
    let mut content: Box<dyn Read> = Box::new(Bytes::new(Input::Stored(packed)));
    let mut input = block.packed[0];
    for _ in 0..block.coders.len() {
        let index = usize::try_from(input).map_err(|_| damaged())?;
        content = decoder(content, block, index, window)?;
        match block.pairs.iter().find(|(_, output)| *output == input) {
            Some((next, _)) => input = *next,
            None => return Ok(content),
        }
    }
    Err(damaged())
}

fn decoder(from: Box<dyn Read>, block: &Block, index: usize, window: u64) -> Result<Box<dyn Read>, Fault> {
    let damaged = |what: &str| Fault::unreadable(format!("the directory of the 7z archive is damaged: {what}"));
    let (coder, size) = block.coders.get(index).zip(block.sizes.get(index)).ok_or_else(|| damaged("no such coder"))?;
    let named =
        |what, inner: Box<dyn Read>| -> Box<dyn Read> { Box::new(Named { inner, what, given: 0, window }.take(*size)) };
    let failed = |error: std::io::Error| Fault::from_io(&error, 0);
    let bounded = |what, memory: u64| if memory > window { Err(too_large(what, window)) } else { Ok(()) };
    Ok(match (coder.method.as_slice(), coder.properties.as_slice()) {
        ([0], _) => from,
        ([0x21], [bits, ..]) => {
            let dictionary = match bits {
                0..40 => (2 | u32::from(bits & 1)) << (bits / 2 + 11),
                40 => u32::MAX,
                _ => return Err(damaged("a dictionary larger than there are")),
            };
            bounded("LZMA2", dictionary.into())?;
            named("LZMA2", Box::new(Lzma2Reader::new(from, dictionary, None)))
        }
        ([3, 1, 1], [properties, a, b, c, d, ..]) => {
            let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
            bounded("LZMA", dictionary.into())?;
            let reader = LzmaReader::new_with_props(from, *size, *properties, dictionary, None);
            named("LZMA", Box::new(reader.map_err(failed)?))
        }
        ([3, 4, 1], [order, a, b, c, d, ..]) => {
            let memory = u32::from_le_bytes([*a, *b, *c, *d]);
            bounded("PPMd", memory.into())?;
            let reader = Ppmd7Decoder::new(from, u32::from(*order), memory);
            let reader = reader.map_err(|error| Fault::unreadable(format!("the PPMd data are damaged: {error}")))?;
            named("PPMd", Box::new(reader))
        }
        ([4, 1, 8], _) => named("deflate", Box::new(Inflate::new(BufReader::new(from)))),
        ([4, 1, 9], _) => named("deflate64", Box::new(deflate64::Deflate64Decoder::new(from))),
        ([4, 2, 2], _) => named("bzip2", Box::new(bzip2::read::MultiBzDecoder::new(from))),
        ([4, 0xf7, 0x11, 1], _) => named("zstd", Box::new(zstd_decoder(BufReader::new(from), window).map_err(failed)?)),
        ([3], distance) => {
            let distance = distance.first().map_or(1, |distance| usize::from(*distance) + 1);
            named("filtered", Box::new(DeltaReader::new(from, distance)))
        }
        ([4] | [3, 3, 1, 3], _) => named("filtered", Box::new(BcjReader::new_x86(from, 0))),
        ([5] | [3, 3, 2, 5], _) => named("filtered", Box::new(BcjReader::new_ppc(from, 0))),
        ([6] | [3, 3, 4, 1], _) => named("filtered", Box::new(BcjReader::new_ia64(from, 0))),
        ([7] | [3, 3, 5, 1], _) => named("filtered", Box::new(BcjReader::new_arm(from, 0))),
        ([8] | [3, 3, 7, 1], _) => named("filtered", Box::new(BcjReader::new_arm_thumb(from, 0))),
        ([9] | [3, 3, 8, 5], _) => named("filtered", Box::new(BcjReader::new_sparc(from, 0))),
        ([10], _) => named("filtered", Box::new(BcjReader::new_arm64(from, 0))),
        ([11], _) => named("filtered", Box::new(BcjReader::new_riscv(from, 0))),
        (method, _) => return Err(unsupported(method)),
    })
}

fn unsupported(method: &[u8]) -> Fault {
    let name = match method {
        [3, 3, 1, 0x1b] => "BCJ2, a filter for programs".to_owned(),
        other => other.iter().map(|b| format!("{b:02x}")).collect(),
    };
    Fault::unsupported(format!("its packing method ({name}) cannot be read; pack it with LZMA2"))
}

/// Reads a range of the archive.
pub(super) fn range(archive: &dyn ReadAt, at: u64, len: u64) -> Result<Vec<u8>, Fault> {
    let cut_off = || Fault::unreadable("the directory of the 7z archive is missing: the archive is cut off or damaged");
    if at.checked_add(len).is_none_or(|end| end > archive.size()) {
        return Err(cut_off());
    }
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| cut_off())?];
    read_exact_at(archive, &mut bytes, at).map_err(|error| Fault::from_io(&error, at))?;
    Ok(bytes)
}
