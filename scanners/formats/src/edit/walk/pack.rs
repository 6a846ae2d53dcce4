//! What packs bytes again: one for every compression that is written, for streams and for members of archives.

use std::io::{self, Write};

use flate2::Crc;

/// Packs what is written to it; [`finish`](Self::finish) writes the end, without which nothing unpacks it.
pub(super) trait Packer: Write {
    /// Writes the end.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Something that packs into an output.
type Packing<'o> = Box<dyn Packer + 'o>;

pub(super) fn bzip2<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    Ok(Box::new(::bzip2::write::BzEncoder::new(out, ::bzip2::Compression::best())))
}

pub(super) fn deflate<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    Ok(Box::new(flate2::write::DeflateEncoder::new(out, flate2::Compression::default())))
}

/// Gzip behind a header that is written as it is (RFC 1952).
pub(super) fn gzip<'o>(out: &'o mut dyn Write, header: &[u8]) -> io::Result<Packing<'o>> {
    out.write_all(header)?;
    let deflate = flate2::write::DeflateEncoder::new(out, flate2::Compression::default());
    Ok(Box::new(Gzip { deflate, crc: Crc::new() }))
}

pub(super) fn lz4<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    Ok(Box::new(lz4_flex::frame::FrameEncoder::with_frame_info(info, out)))
}

pub(super) fn store<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    Ok(Box::new(Stored(out)))
}

pub(super) fn xz<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    Ok(Box::new(lzma_rust2::XzWriter::new(out, lzma_rust2::XzOptions::with_preset(6))?))
}

pub(super) fn zstd<'o>(out: &'o mut dyn Write) -> io::Result<Packing<'o>> {
    let mut packer = ::zstd::Encoder::new(out, 3)?;
    packer.include_checksum(true)?;
    Ok(Box::new(packer))
}

impl<W: Write> Packer for ::bzip2::write::BzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        (*self).finish().map(drop)
    }
}

impl<W: Write> Packer for flate2::write::DeflateEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        (*self).finish().map(drop)
    }
}

impl<W: Write> Packer for lz4_flex::frame::FrameEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        (*self).finish().map(drop).map_err(io::Error::other)
    }
}

impl<W: Write> Packer for lzma_rust2::XzWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        (*self).finish().map(drop)
    }
}

impl<W: Write> Packer for ::zstd::Encoder<'_, W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        (*self).finish().map(drop)
    }
}

/// No compression.
struct Stored<'o>(&'o mut dyn Write);

impl Write for Stored<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Packer for Stored<'_> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
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

impl Packer for Gzip<'_> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        let out = self.deflate.finish()?;
        out.write_all(&self.crc.sum().to_le_bytes())?;
        out.write_all(&self.crc.amount().to_le_bytes())
    }
}
