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
    // Time, name and comment stay: the first header is copied as it is.
    let header = header_len(bytes.window()).map_or(BARE_GZIP.to_vec(), |len| bytes.window()[..len].to_vec());
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

/// How long the header of a gzip member is (RFC 1952 section 2.3).
fn header_len(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    let mut len = 10;
    if flags & 4 != 0 {
        len += 2 + usize::from(u16::from_le_bytes([*bytes.get(10)?, *bytes.get(11)?]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            len += memchr::memchr(0, bytes.get(len..)?)? + 1;
        }
    }
    len += if flags & 2 != 0 { 2 } else { 0 };
    (len <= bytes.len()).then_some(len)
}
