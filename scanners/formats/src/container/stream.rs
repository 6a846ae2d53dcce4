//! Compressed streams: gzip, zstd and bzip2, each of which holds one member.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use residuum_source::{Flow, ObjectPath, Sink};

use super::inflate::Inflate;
use super::{Within, open, outcome, read_member};
use crate::{Bytes, Fault};

/// Reads what a gzip file holds; all its gzip members together are one object.
pub(crate) fn gzip(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let mut gzip = Gzip { inflate: Inflate::new(bytes), crc: Crc::new(), inside: false, given: 0 };
    let header = gzip.header();
    let name = match &header {
        Ok(Some(stored)) if !stored.is_empty() => stored.clone(),
        _ => name_inside(path, &[".gz", ".gzip", ".z"], &[(".tgz", ".tar"), (".taz", ".tar")]),
    };
    let position = |gzip: &mut Gzip<'_>| gzip.inflate.inner().position();
    if let Err(error) = header {
        let fault = Fault::from_io(&error, 0);
        let bytes = position(&mut gzip);
        return match open(path, "gzip", within, sink) {
            Ok(_) => sink.close(outcome(bytes, 0, Some(fault))),
            Err(flow) => flow,
        };
    }
    one_member(path, "gzip", &name, &mut gzip, position, within, sink)
}

/// Reads what a zstd file holds; its frames together are one object.
pub(crate) fn zstd(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &[".zst", ".zstd"], &[(".tzst", ".tar")]);
    match zstd::stream::read::Decoder::with_buffer(bytes) {
        Ok(decoder) => {
            let mut named = Named { inner: decoder, what: "zstd", given: 0 };
            one_member(path, "zstd", &name, &mut named, |d| d.inner.get_ref().position(), within, sink)
        }
        Err(error) => match open(path, "zstd", within, sink) {
            Ok(_) => sink.close(outcome(0, 0, Some(Fault::from_io(&error, 0)))),
            Err(flow) => flow,
        },
    }
}

/// Reads what a bzip2 file holds; its streams together are one object.
pub(crate) fn bzip2(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let name = name_inside(path, &[".bz2", ".bz"], &[(".tbz2", ".tar"), (".tbz", ".tar")]);
    let decoder = bzip2::bufread::MultiBzDecoder::new(bytes);
    let mut named = Named { inner: decoder, what: "bzip2", given: 0 };
    one_member(path, "bzip2", &name, &mut named, |d| d.inner.get_ref().position(), within, sink)
}

fn one_member<R: Read>(
    path: &ObjectPath,
    format: &'static str,
    name: &[u8],
    decoder: &mut R,
    position: impl Fn(&mut R) -> u64,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let deeper = match open(path, format, within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut kept = KeepFault { inner: deeper.expand(&mut *decoder), fault: None };
    read_member(&path.member(name), &mut kept, &deeper, sink)?;
    let fault = kept.fault.or_else(|| deeper.exhausted());
    sink.close(outcome(position(decoder), 1, fault))
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

/// A decoder whose errors name the format and the place.
pub(super) struct Named<R> {
    pub inner: R,
    pub what: &'static str,
    pub given: u64,
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
                let (what, given) = (self.what, self.given);
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
