//! Compressed streams, packed again as one: what was several members or frames is one afterwards.

use std::io::{self, Write};

use residuum_source::ObjectPath;

use super::{Job, pack, part, written};
use crate::container::{Within, unpack_stream};
use crate::recognise::Format;
use crate::{Bytes, Fault, Input};

/// A gzip header without name, time or flags, of an unknown system.
const BARE_GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Unpacks a stream, walks, and packs it in the same format: gzip unless it is one of the others named here.
pub(super) fn stream(
    path: &ObjectPath,
    format: &Format,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let header = header_again(bytes.window()).unwrap_or(BARE_GZIP.to_vec());
    let (name, mut unpacked) = unpack_stream(path, format, bytes, within)?;
    let mut unpacked = within.expand(&mut *unpacked);
    let bytes = Bytes::new(Input::Stream(&mut unpacked));
    let member = path.member(&name);
    if job.is_dry() {
        return part(&member, bytes, within, job, &mut io::sink());
    }
    let packer = match format {
        Format::Zstd => pack::zstd(out),
        Format::Bzip2 => pack::bzip2(out),
        Format::Xz => pack::xz(out),
        Format::Lz4 => pack::lz4(out),
        _ => pack::gzip(out, &header),
    };
    let mut packer = packer.map_err(written)?;
    part(&member, bytes, within, job, &mut packer)?;
    packer.finish().map_err(written)
}

/// The header of a gzip member (RFC 1952 section 2.3) with its time, name and comment.
///
/// Extra fields are left out, as the sum over them: they hold positions in the packed bytes, those of BGZF and dictzip.
fn header_again(bytes: &[u8]) -> Option<Vec<u8>> {
    const SUM: u8 = 2;
    const EXTRA: u8 = 4;
    let mut header = bytes.get(..10)?.to_vec();
    let flags = header[3];
    header[3] = flags & !(SUM | EXTRA);
    let mut at = 10;
    if flags & EXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let text = bytes.get(at..)?;
            let end = memchr::memchr(0, text)? + 1;
            header.extend_from_slice(&text[..end]);
            at += end;
        }
    }
    Some(header)
}
