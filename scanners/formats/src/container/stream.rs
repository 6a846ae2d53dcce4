//! Compressed streams: gzip, zstd, bzip2, xz and lz4, each of which holds one member.
//!
//! What is damaged is told once, by the member: the container's own bytes were read. Only where they could not be
//! had, or the damage shows nowhere else, it is told of the container.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use lzma_rust2::XzReader;
use residuum_source::{Batch, Extent, Flow, ObjectPath, Outcome, Part, Sink};

use super::inflate::Inflate;
use super::lz4::Lz4;
use super::{Within, open, outcome, read_member};
use crate::recognise::Format;
use crate::{Bytes, Fault};

/// Reads what a gzip file holds; all its gzip members together are one object.
pub(crate) fn gzip(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let mut gzip = Gzip { inflate: Inflate::new(bytes), crc: Crc::new(), inside: false, given: 0 };
    let header = gzip.header();
    let name = gzip_name(path, header.as_ref().ok().and_then(Option::as_deref));
    if let Err(error) = header {
        let fault = Fault::from_io(&error, 0);
        let bytes = gzip.inflate.inner().position();
        return unopened(path, "gzip", bytes, fault, within, sink);
    }
    one_member(path, "gzip", &name, &mut gzip, |gzip| gzip.inflate.inner(), within, sink)
}

/// Reads what a zstd file holds; its frames together are one object.
pub(crate) fn zstd(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &ZSTD.0, &ZSTD.1);
    match zstd_decoder(bytes, within.window()) {
        Ok(mut named) => one_member(path, "zstd", &name, &mut named, |d| d.inner.get_mut(), within, sink),
        Err(error) => unopened(path, "zstd", 0, Fault::from_io(&error, 0), within, sink),
    }
}

/// A zstd decoder that holds no more than `window` bytes to look back over.
pub(super) fn zstd_decoder<R: BufRead>(bytes: R, window: u64) -> io::Result<Named<zstd::Decoder<'static, R>>> {
    let mut decoder = zstd::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(window.max(1).ilog2().clamp(10, 31))?;
    Ok(Named { inner: decoder, what: "zstd", given: 0, window })
}

/// Reads what a bzip2 file holds; its streams together are one object.
pub(crate) fn bzip2(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &BZIP2.0, &BZIP2.1);
    let decoder = bzip2::bufread::MultiBzDecoder::new(bytes);
    let mut named = Named { inner: decoder, what: "bzip2", given: 0, window: within.window() };
    one_member(path, "bzip2", &name, &mut named, |d| d.inner.get_mut(), within, sink)
}

/// Reads what an xz file holds; its streams together are one object.
pub(crate) fn xz(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &XZ.0, &XZ.1);
    let mut named = xz_decoder(bytes, within.window());
    one_member(path, "xz", &name, &mut named, |d| &mut d.inner.inner_mut().0, within, sink)
}

/// An xz decoder that holds no more than `window` bytes to look back over.
pub(super) fn xz_decoder<R: Read>(bytes: R, window: u64) -> Named<XzReader<Fully<R>>> {
    let kib = u32::try_from(window >> 10).unwrap_or(u32::MAX);
    Named { inner: XzReader::new_mem_limit(Fully(bytes), true, kib), what: "xz", given: 0, window }
}

/// Reads what an lz4 file holds; its frames together are one object.
pub(crate) fn lz4(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &LZ4.0, &LZ4.1);
    one_member(path, "lz4", &name, &mut Lz4::new(bytes), Lz4::bytes, within, sink)
}

/// What a compressed stream holds, and the name it has.
pub(crate) fn unpack_stream<'b>(
    path: &ObjectPath,
    format: &Format,
    bytes: Bytes<'b>,
    within: &Within<'_>,
) -> Result<(Vec<u8>, Box<dyn Read + 'b>), Fault> {
    let window = within.window();
    Ok(match format {
        Format::Gzip => {
            let mut gzip = Gzip { inflate: Inflate::new(bytes), crc: Crc::new(), inside: false, given: 0 };
            let header = gzip.header().map_err(|error| Fault::from_io(&error, 0))?;
            (gzip_name(path, header.as_deref()), Box::new(gzip))
        }
        Format::Zstd => {
            let decoder = zstd_decoder(bytes, window).map_err(|error| Fault::from_io(&error, 0))?;
            (name_inside(path, &ZSTD.0, &ZSTD.1), Box::new(decoder))
        }
        Format::Bzip2 => {
            let decoder = bzip2::bufread::MultiBzDecoder::new(bytes);
            (name_inside(path, &BZIP2.0, &BZIP2.1), Box::new(Named { inner: decoder, what: "bzip2", given: 0, window }))
        }
        Format::Xz => (name_inside(path, &XZ.0, &XZ.1), Box::new(xz_decoder(bytes, window))),
        Format::Lz4 => (name_inside(path, &LZ4.0, &LZ4.1), Box::new(Lz4::new(bytes))),
        _ => return Err(Fault::unsupported("it is no compressed stream")),
    })
}

/// The name of what a gzip file holds: the one it stores, or its own without the suffix.
fn gzip_name(path: &ObjectPath, stored: Option<&[u8]>) -> Vec<u8> {
    match stored {
        Some(stored) if !stored.is_empty() => stored.to_vec(),
        _ => name_inside(path, &GZIP.0, &GZIP.1),
    }
}

/// Suffixes that are dropped, and those that others take the place of.
type Suffixes<const N: usize, const M: usize> = ([&'static str; N], [(&'static str, &'static str); M]);

const GZIP: Suffixes<3, 2> = ([".gz", ".gzip", ".z"], [(".tgz", ".tar"), (".taz", ".tar")]);
const ZSTD: Suffixes<2, 1> = ([".zst", ".zstd"], [(".tzst", ".tar")]);
const BZIP2: Suffixes<2, 2> = ([".bz2", ".bz"], [(".tbz2", ".tar"), (".tbz", ".tar")]);
const XZ: Suffixes<1, 1> = ([".xz"], [(".txz", ".tar")]);
const LZ4: Suffixes<1, 1> = ([".lz4"], [(".tlz4", ".tar")]);

fn unopened(
    path: &ObjectPath,
    format: &'static str,
    bytes: u64,
    fault: Fault,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    match open(path, format, within, sink) {
        Ok(_) => sink.close(outcome(bytes, 0, Some(fault))),
        Err(flow) => flow,
    }
}

fn one_member<'b, R: Read>(
    path: &ObjectPath,
    format: &'static str,
    name: &[u8],
    decoder: &mut R,
    compressed: impl Fn(&mut R) -> &mut Bytes<'b>,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let deeper = match open(path, format, within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut kept = KeepFault { inner: deeper.expand(&mut *decoder), fault: None };
    let mut told = Told { sink, incomplete: false };
    read_member(&path.member(name), &mut kept, &deeper, &mut told)?;
    let told = told.incomplete;
    let fault = kept.fault.or_else(|| deeper.exhausted()).filter(|_| !told);
    let compressed = compressed(decoder);
    let own = compressed.fault().cloned();
    sink.close(outcome(compressed.position(), 1, own.or(fault)))
}

/// Passes everything on and remembers whether something was told to be incomplete.
struct Told<'s> {
    sink: &'s mut dyn Sink,
    incomplete: bool,
}

impl Sink for Told<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.sink.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.sink.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.incomplete |= outcome.coverage.is_incomplete();
        self.sink.close(outcome)
    }

    fn wants_extents(&self) -> bool {
        self.sink.wants_extents()
    }

    fn extent(&mut self, extent: Extent) {
        self.sink.extent(extent);
    }
}

/// The name of the one thing inside: the outer file's name without the suffix of the container.
fn name_inside(path: &ObjectPath, drop: &[&str], swap: &[(&str, &str)]) -> Vec<u8> {
    let outer = path.levels().pop().unwrap_or_default();
    let name = outer.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let stem = |suffix: &str| {
        let at = name.len().checked_sub(suffix.len()).filter(|&at| at > 0)?;
        name[at..].eq_ignore_ascii_case(suffix.as_bytes()).then(|| name[..at].to_vec())
    };
    let swapped = swap.iter().find_map(|(from, to)| stem(from).map(|stem| [stem, to.as_bytes().to_vec()].concat()));
    let dropped = || drop.iter().find_map(|suffix| stem(suffix));
    swapped.or_else(dropped).unwrap_or_else(|| name.to_vec())
}

/// Remembers why a stream ended early: the container's outcome says it, too.
struct KeepFault<R> {
    inner: R,
    fault: Option<Fault>,
}

impl<R: Read> Read for KeepFault<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.fault = Some(Fault::from_io(error, 0));
            }
        })
    }
}

/// Gives as many bytes as are asked for while there are any: the xz decoder takes a short read for the end.
pub(super) struct Fully<R>(pub R);

impl<R: Read> Read for Fully<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.0.read(&mut buf[done..]) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if done > 0 => break, // it comes again
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

/// A decoder whose errors name the format and the place.
pub(super) struct Named<R> {
    pub inner: R,
    pub what: &'static str,
    pub given: u64,
    /// How many bytes it may look back over.
    pub window: u64,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(n) => {
                self.given += n as u64;
                Ok(n)
            }
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Fault>()) => Err(error),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let (what, given, window) = (self.what, self.given, self.window);
                let is_too_large =
                    error.kind() == io::ErrorKind::OutOfMemory || error.to_string().contains("too much memory");
                if is_too_large {
                    return Err(too_large(what, window).into());
                }
                let reason = match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        format!("the {what} data end in the middle after {given} bytes of content")
                    }
                    _ => format!("the {what} data are corrupt after {given} bytes of content: {error}"),
                };
                Err(Fault::unreadable(reason).into())
            }
        }
    }
}

/// Data whose decoder would have to hold more than is allowed.
pub(super) fn too_large(what: &str, window: u64) -> Fault {
    Fault::limit(format!(
        "the {what} data cannot be unpacked with {window} bytes of memory; raise the limit `whole_bytes`, half of \
         which a decompressor may take"
    ))
}

/// All gzip members of a file, one after the other.
struct Gzip<'a> {
    inflate: Inflate<Bytes<'a>>,
    crc: Crc,
    /// Between a member's header and its end.
    inside: bool,
    given: u64,
}

impl Gzip<'_> {
    /// Reads a member's header (RFC 1952 section 2.3) and gives the name it stores.
    fn header(&mut self) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.inflate.inner();
        let mut fixed = [0; 10];
        bytes.read_exact(&mut fixed).map_err(cut_off)?;
        if fixed[..3] != [0x1f, 0x8b, 8] {
            let at = bytes.position() - 10;
            return Err(Fault::unreadable(format!("there is no gzip header at byte {at}")).into());
        }
        let flags = fixed[3];
        if flags & 4 != 0 {
            let mut len = [0; 2];
            bytes.read_exact(&mut len).map_err(cut_off)?;
            let len = u64::from(u16::from_le_bytes(len));
            io::copy(&mut bytes.take(len), &mut io::sink())?;
        }
        let mut text = |set: bool| -> io::Result<Option<Vec<u8>>> {
            if !set {
                return Ok(None);
            }
            let mut text = Vec::new();
            let inner: &mut Bytes<'_> = bytes;
            inner.take(64 << 10).read_until(0, &mut text)?;
            text.pop_if(|last| *last == 0);
            Ok(Some(text))
        };
        let name = text(flags & 8 != 0)?;
        text(flags & 16 != 0)?;
        if flags & 2 != 0 {
            bytes.read_exact(&mut [0; 2]).map_err(cut_off)?;
        }
        self.inside = true;
        Ok(name)
    }

    /// Checks the end of a member and says whether another follows.
    fn next_member(&mut self) -> io::Result<bool> {
        let given = self.given;
        let bytes = self.inflate.inner();
        let mut trailer = [0; 8];
        bytes.read_exact(&mut trailer).map_err(cut_off)?;
        let crc = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        if crc != self.crc.sum() {
            let reason = format!("the checksum of the gzip data does not match after {given} bytes of content");
            return Err(Fault::unreadable(reason).into());
        }
        // Tapes and block devices pad with zeros; gzip itself skips them.
        while bytes.fill_buf()?.first() == Some(&0) {
            let zeros = bytes.window().iter().take_while(|&&b| b == 0).count();
            Bytes::consume(bytes, zeros);
        }
        match bytes.fill(2) {
            [] => match bytes.fault() {
                Some(fault) => Err(fault.clone().into()),
                None => Ok(false),
            },
            [0x1f, 0x8b, ..] => {
                self.inflate.reset();
                self.crc.reset();
                self.header()?;
                Ok(true)
            }
            _ => {
                let at = bytes.position();
                Err(Fault::unreadable(format!("what follows the gzip data at byte {at} is not gzip data")).into())
            }
        }
    }
}

impl Read for Gzip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.inside && !buf.is_empty() {
            let n = self.inflate.read(buf)?;
            if n > 0 {
                self.crc.update(&buf[..n]);
                self.given += n as u64;
                return Ok(n);
            }
            self.inside = false;
            self.inside = self.next_member()?;
        }
        Ok(0)
    }
}

fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::unreadable("the gzip data end in the middle of a header").into(),
        _ => error,
    }
}
