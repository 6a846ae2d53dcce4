//! 7z archives, by their directory.
//!
//! Members that are packed together are read one after the other, so a solid block costs one pass. What a decoder
//! needs to look back over is known from the directory and bounded before anything is taken.

mod coders;
mod header;

use std::io::{self, Read};
use std::sync::Arc;

use flate2::Crc;
use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Sink, Stop};

use self::coders::{START, range};
use self::header::{Directory, Member, Parsed, Piece, next_name, parse};
use super::names::Names;
use super::{Within, open, outcome};
use crate::{Bytes, Fault, Input, ReadAt, close_unread, read_part, stored_or_held};

/// Directories that are packed within one another; programs write one.
const PACKED_WITHIN: u32 = 4;

/// Reads the members of a 7z archive.
pub(crate) fn sevenz(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let archive = match stored_or_held(bytes, within.limits, "7z archive") {
        Ok(archive) => archive,
        Err(outcome) => return close_unread(path, "7z", outcome, sink),
    };
    let deeper = match open(path, "7z", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let directory = match directory(&archive, &deeper) {
        Ok(directory) => directory,
        Err(fault) => return sink.close(outcome(0, 0, Some(fault))),
    };
    match read_members(path, &archive, &directory, &deeper, sink) {
        Ok(members) => sink.close(outcome(archive.size(), members, None)),
        Err(stop) => Flow::Break(stop),
    }
}

/// The directory, unpacked.
fn directory(archive: &Arc<dyn ReadAt>, within: &Within<'_>) -> Result<Directory, Fault> {
    let head = range(&**archive, 0, START)?;
    let number = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let crc = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if crc_of(&head[12..]) != crc(8) {
        return Err(Fault::unreadable("the header of the 7z archive is damaged: its checksum does not match"));
    }
    let (at, len) = (number(12), number(20));
    if len == 0 {
        return Ok(Directory::default());
    }
    bounded(len, within)?;
    let mut bytes = range(&**archive, START.saturating_add(at), len)?;
    if crc_of(&bytes) != crc(28) {
        return Err(Fault::unreadable("the directory of the 7z archive is damaged: its checksum does not match"));
    }
    for _ in 0..=PACKED_WITHIN {
        let packed = match parse(&bytes)? {
            Parsed::Directory(directory) => return Ok(directory),
            Parsed::Packed(packed) => packed,
        };
        let damaged = || Fault::unreadable("the directory of the 7z archive is damaged");
        let block = packed.blocks.first().ok_or_else(damaged)?;
        if block.is_encrypted() {
            return Err(Fault::unreadable(
                "its directory is encrypted; give the archive without a password to have it read",
            ));
        }
        bounded(block.size(), within)?;
        let content = coders::open(archive, &packed, block, 0, within.window())?;
        let mut unpacked = Vec::new();
        let read = content.take(block.size()).read_to_end(&mut unpacked);
        read.map_err(|error| Fault::from_io(&error, 0))?;
        if unpacked.len() as u64 != block.size() || block.crc.is_some_and(|crc| crc != crc_of(&unpacked)) {
            return Err(damaged());
        }
        bytes = unpacked;
    }
    Err(Fault::limit(format!("its directory is packed more than {PACKED_WITHIN} times")))
}

/// A directory takes some times its length in memory: an eighth of what may be held is its share.
fn bounded(len: u64, within: &Within<'_>) -> Result<(), Fault> {
    let most = within.limits.whole_bytes / 8;
    if len > most {
        return Err(Fault::limit(format!(
            "the directory of the 7z archive is longer than {most} bytes; raise the limit `whole_bytes`, an eighth of \
             which it may take"
        )));
    }
    Ok(())
}

struct Members<'a> {
    path: &'a ObjectPath,
    directory: &'a Directory,
    kinds: std::slice::Iter<'a, Member>,
    /// Names of the members that are left.
    rest: &'a [u8],
    names: Names,
    count: u64,
}

impl Members<'_> {
    /// The next member with content of its own; those before it are accounted for.
    fn next(&mut self, sink: &mut dyn Sink) -> Result<Option<ObjectPath>, Stop> {
        for kind in self.kinds.by_ref() {
            let name = next_name(&mut self.rest);
            if *kind == Member::Directory {
                continue;
            }
            self.count += 1;
            let member = self.path.member(&self.names.next(&name));
            let (format, outcome) = match kind {
                Member::Empty => ("empty", Outcome::read(0, 0)),
                Member::Deleted => ("deleted", Outcome::not_read(Coverage::Derived, "a note that a file was deleted")),
                _ => return Ok(Some(member)),
            };
            if close_unread(&member, format, outcome, sink).is_break() {
                return Err(Stop);
            }
        }
        Ok(None)
    }
}

/// Reads all members and says how many there are.
fn read_members(
    path: &ObjectPath,
    archive: &Arc<dyn ReadAt>,
    directory: &Directory,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Result<u64, Stop> {
    let kinds = directory.members.iter();
    let mut members = Members { path, directory, kinds, rest: &directory.names, names: Names::default(), count: 0 };
    let mut first = 0;
    for block in &members.directory.blocks {
        let mut content = coders::open(archive, directory, block, first, within.window());
        first += block.packed.len();
        for piece in &block.pieces {
            let Some(member) = members.next(sink)? else { return Ok(members.count) };
            let flow = match &mut content {
                Ok(reader) => match read_piece(&member, reader, piece, within, sink) {
                    Ok(None) => continue,
                    Ok(Some(fault)) => {
                        content = Err(fault);
                        continue;
                    }
                    Err(Stop) => Flow::Break(Stop),
                },
                Err(fault) => {
                    let format = if block.is_encrypted() { "encrypted" } else { "unknown" };
                    close_unread(&member, format, outcome(0, 0, Some(fault.clone())), sink)
                }
            };
            if flow.is_break() {
                return Err(Stop);
            }
        }
    }
    while let Some(member) = members.next(sink)? {
        let fault = Fault::unreadable("the directory of the 7z archive does not say where it stands");
        if close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink).is_break() {
            return Err(Stop);
        }
    }
    Ok(members.count)
}

/// Reads one member; gives why those behind it in the block cannot be had, if so.
fn read_piece(
    member: &ObjectPath,
    block: &mut dyn Read,
    piece: &Piece,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Result<Option<Fault>, Stop> {
    let mut content = within.expand(Content {
        inner: block,
        left: piece.size,
        given: 0,
        crc: Crc::new(),
        expected: piece.crc,
        fault: None,
    });
    let bytes = Bytes::new(Input::Stream(&mut content)).expecting(piece.size);
    if read_part(member, bytes, within, sink).is_break() {
        return Err(Stop);
    }
    // What a reader left is in the way of what follows.
    let _ = io::copy(&mut content, &mut io::sink()); // an error is kept
    if let Some(fault) = within.exhausted() {
        return Ok(Some(fault));
    }
    Ok(content.inner.fault.map(|fault| Fault {
        reason: format!("it is packed together with a member that is damaged before it: {}", fault.reason),
        ..fault
    }))
}

/// The content of one member, which must be as long as the directory says.
struct Content<'r> {
    inner: &'r mut dyn Read,
    left: u64,
    given: u64,
    crc: Crc,
    expected: Option<u32>,
    /// Why the decoder gives no more.
    fault: Option<Fault>,
}

impl Read for Content<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        if most == 0 {
            let is_wrong = self.left == 0 && self.expected.take().is_some_and(|crc| crc != self.crc.sum());
            return if is_wrong {
                let reason = format!("its checksum does not match after {} bytes", self.given);
                Err(Fault::unreadable(reason).into())
            } else {
                Ok(0)
            };
        }
        if let Some(fault) = &self.fault {
            return Err(fault.clone().into());
        }
        let read = self.inner.read(&mut buf[..most]).and_then(|n| match n {
            0 => Err(Fault::unreadable(format!("its packed data end after {} bytes of it", self.given)).into()),
            n => Ok(n),
        });
        let n = match read {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fault = Some(Fault::from_io(&error, self.given));
                return Err(error);
            }
        };
        self.crc.update(&buf[..n]);
        self.left -= n as u64;
        self.given += n as u64;
        Ok(n)
    }
}

fn crc_of(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
