//! Compressed streams, packed again as one: what was several members or frames is one afterwards.

use std::io::{self, Write};

use flate2::Crc;
use residuum_source::ObjectPath;

use super::{Job, part, written};
use crate::container::{Within, unpack_stream};
use crate::recognise::Format;
use crate::{Bytes, Fault, Input};

/// Unpacks, walks, and packs.
fn again<W: Write>(
    path: &ObjectPath,
    format: &Format,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    packer: impl FnOnce() -> io::Result<W>,
    finish: impl FnOnce(W) -> io::Result<()>,
) -> Result<(), Fault> {
    let (name, mut unpacked) = unpack_stream(path, format, bytes, within)?;
    let mut unpacked = within.expand(&mut *unpacked);
    let bytes = Bytes::new(Input::Stream(&mut unpacked));
    let member = path.member(&name);
    if job.is_dry() {
        return part(&member, bytes, within, job, &mut io::sink());
    }
    let mut packer = packer().map_err(written)?;
    part(&member, bytes, within, job, &mut packer)?;
    finish(packer).map_err(written)
}

pub(super) fn gzip(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    // Time, name and comment stay: the first header is copied as it is.
    let header = bytes.window()[..header_len(bytes.window()).unwrap_or(0)].to_vec();
    let packer = || {
        let header: &[u8] = if header.is_empty() { &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] } else { &header };
        out.write_all(header)?;
        let deflate = flate2::write::DeflateEncoder::new(out, flate2::Compression::default());
        Ok(Gzip { deflate, crc: Crc::new() })
    };
    again(path, &Format::Gzip, bytes, within, job, packer, |gzip| {
        let out = gzip.deflate.finish()?;
        out.write_all(&gzip.crc.sum().to_le_bytes())?;
        out.write_all(&gzip.crc.amount().to_le_bytes())
    })
}

/// Deflate with the sum that its end needs.
struct Gzip<'o> {
    deflate: flate2::write::DeflateEncoder<&'o mut dyn Write>,
    crc: Crc,
}

impl Write for Gzip<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.deflate.write(bytes)?;
        self.crc.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

pub(super) fn zstd(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let packer = || {
        let mut packer = ::zstd::Encoder::new(out, 3)?;
        packer.include_checksum(true)?;
        Ok(packer)
    };
    again(path, &Format::Zstd, bytes, within, job, packer, |packer| packer.finish().map(drop))
}

pub(super) fn bzip2(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let packer = || Ok(::bzip2::write::BzEncoder::new(out, ::bzip2::Compression::best()));
    again(path, &Format::Bzip2, bytes, within, job, packer, |packer| packer.finish().map(drop))
}

pub(super) fn xz(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let packer = || lzma_rust2::XzWriter::new(out, lzma_rust2::XzOptions::with_preset(6));
    again(path, &Format::Xz, bytes, within, job, packer, |packer| packer.finish().map(drop))
}

pub(super) fn lz4(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let packer = || {
        let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
        Ok(lz4_flex::frame::FrameEncoder::with_frame_info(info, out))
    };
    again(path, &Format::Lz4, bytes, within, job, packer, |packer| packer.finish().map(drop).map_err(io::Error::other))
}
