//! The blocks of an Avro file, unpacked.

use std::io::{self, Read};

use crate::container::{Within, unpack};
use crate::{Bytes, Fault};

/// A file's head has been read; its blocks follow.
pub(super) struct Blocks<'b, 'w> {
    bytes: Bytes<'b>,
    within: &'w Within<'w>,
    codec: Codec,
    mark: [u8; 16],
    /// The schema, as JSON.
    pub schema: Vec<u8>,
    /// All entries of the head, the schema among them, in their order.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

impl<'b, 'w> Blocks<'b, 'w> {
    /// Reads the head.
    pub fn open(mut bytes: Bytes<'b>, within: &'w Within<'w>) -> Result<Self, Fault> {
        let most = within.limits.whole_bytes / 4;
        bytes.fill(4);
        bytes.consume(4.min(bytes.window().len()));
        let (mut schema, mut codec, mut entries, mut held) = (Vec::new(), Codec::Null, Vec::new(), 0);
        loop {
            let mut count = long(&mut bytes)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                count = count.checked_neg().ok_or_else(|| damaged(&bytes))?;
                long(&mut bytes)?;
            }
            for _ in 0..count {
                let key = counted(&mut bytes, most)?;
                let value = counted(&mut bytes, most)?;
                held += key.len() as u64 + value.len() as u64 + 2 * ENTRY;
                if held > most {
                    return Err(too_long(bytes.position(), most));
                }
                entries.push((key.clone(), value.clone()));
                match key.as_slice() {
                    b"avro.schema" => schema = value,
                    b"avro.codec" => {
                        codec = match value.as_slice() {
                            b"null" | b"" => Codec::Null,
                            b"deflate" => Codec::Deflate,
                            b"snappy" => Codec::Snappy,
                            b"zstandard" => Codec::Zstandard,
                            b"bzip2" => Codec::Bzip2,
                            b"xz" => Codec::Xz,
                            _ => {
                                return Err(Fault::unsupported(
                                    "its blocks are packed in a way that is not known; write it with deflate or zstandard",
                                ));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut mark = [0; 16];
        bytes.read_exact(&mut mark).map_err(|_| damaged(&bytes))?;
        Ok(Self { bytes, within, codec, mark, schema, entries })
    }

    /// How many records the next block has, and their bytes.
    pub fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        match self.next_packed()? {
            Some((count, packed)) => Ok(Some((count, self.unpacked(packed)?))),
            None => Ok(None),
        }
    }

    /// How many records the next block has, and their bytes as they are packed.
    pub fn next_packed(&mut self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        if self.bytes.fill(1).is_empty() {
            return self.bytes.fault().map_or(Ok(None), |fault| Err(fault.clone()));
        }
        let count = u64::try_from(long(&mut self.bytes)?).map_err(|_| damaged(&self.bytes))?;
        let packed = counted(&mut self.bytes, self.within.limits.whole_bytes)?;
        let mut mark = [0; 16];
        self.bytes.read_exact(&mut mark).map_err(|_| damaged(&self.bytes))?;
        if mark != self.mark {
            return Err(damaged(&self.bytes));
        }
        Ok(Some((count, packed)))
    }

    /// Goes on behind the next mark, if there is one.
    pub fn skip_to_mark(&mut self) -> bool {
        loop {
            let window = self.bytes.fill(64 << 10);
            if let Some(at) = memchr::memmem::find(window, &self.mark) {
                self.bytes.consume(at + 16);
                return true;
            }
            let passed = window.len().saturating_sub(15);
            if passed == 0 || self.bytes.ended() {
                return false;
            }
            self.bytes.consume(passed);
        }
    }

    /// Where in the file the next block begins.
    pub fn position(&self) -> u64 {
        self.bytes.position()
    }

    /// The content of a block, packed as those of the file are.
    pub fn packed(&self, content: &[u8]) -> io::Result<Vec<u8>> {
        let mut packed = Vec::new();
        match self.codec {
            Codec::Null => packed.extend_from_slice(content),
            Codec::Snappy => {
                packed = snap::raw::Encoder::new().compress_vec(content).map_err(io::Error::other)?;
                let mut crc = flate2::Crc::new();
                crc.update(content);
                packed.extend(crc.sum().to_be_bytes());
            }
            Codec::Deflate => {
                let level = flate2::Compression::default();
                flate2::read::DeflateEncoder::new(content, level).read_to_end(&mut packed)?;
            }
            Codec::Zstandard => packed = ::zstd::encode_all(content, 3)?,
            Codec::Bzip2 => {
                let level = ::bzip2::Compression::best();
                ::bzip2::read::BzEncoder::new(content, level).read_to_end(&mut packed)?;
            }
            Codec::Xz => {
                let mut packer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6))?;
                io::Write::write_all(&mut packer, content)?;
                packed = packer.finish()?;
            }
        }
        Ok(packed)
    }

    pub fn unpacked(&self, packed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let at = self.bytes.position();
        let most = self.within.limits.whole_bytes;
        let unpacked = match self.codec {
            Codec::Null => return Ok(packed),
            Codec::Snappy => {
                // A checksum of four bytes follows.
                let packed = packed.get(..packed.len().saturating_sub(4)).unwrap_or_default();
                let len = snap::raw::decompress_len(packed).map_err(|_| damaged(&self.bytes))? as u64;
                if len > most {
                    return Err(too_long(at, most));
                }
                self.within.spend(len)?;
                snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| damaged(&self.bytes))?
            }
            Codec::Deflate => unpack::deflate(&packed, self.within, most)?,
            Codec::Zstandard => unpack::zstd(&packed, self.within, most)?,
            Codec::Bzip2 => unpack::bzip2(&packed, self.within, most)?,
            Codec::Xz => unpack::xz(&packed, self.within, most)?,
        };
        if unpacked.len() as u64 > most { Err(too_long(at, most)) } else { Ok(unpacked) }
    }
}

/// What an entry of the head takes in memory beside its bytes.
const ENTRY: u64 = 24;

fn too_long(at: u64, most: u64) -> Fault {
    Fault::limit(format!("the block before byte {at} is longer than {most} bytes; raise the limit `whole_bytes`"))
}

fn damaged(bytes: &Bytes<'_>) -> Fault {
    match bytes.fault() {
        Some(fault) => fault.clone(),
        None => Fault::unreadable(format!("it is damaged or cut off at byte {}", bytes.position())),
    }
}

/// A whole number of variable length (zig-zag).
fn long(bytes: &mut Bytes<'_>) -> Result<i64, Fault> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let Some(&byte) = bytes.fill(1).first() else { return Err(damaged(bytes)) };
        bytes.consume(1);
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(damaged(bytes))
}

/// Bytes behind their length.
fn counted(bytes: &mut Bytes<'_>, most: u64) -> Result<Vec<u8>, Fault> {
    let len = u64::try_from(long(bytes)?).map_err(|_| damaged(bytes))?;
    if len > most {
        return Err(too_long(bytes.position(), most));
    }
    let mut held = Vec::new();
    let read = io::Read::take(&mut *bytes, len).read_to_end(&mut held);
    if read.is_err() || held.len() as u64 != len {
        return Err(damaged(bytes));
    }
    Ok(held)
}
