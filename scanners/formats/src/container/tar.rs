//! Tar archives, read front to back.
//!
//! Headers are read here rather than by a library: a name or extended header of any length is bounded, members that
//! stand behind damage are found again, and every entry is accounted for:
//!
//! - Files, sparse ones with their holes, and whatever kind POSIX does not know are read.
//! - A hard link to an earlier member is *derived*, one to something outside of the archive *unreadable*: its content
//!   is elsewhere.
//! - Symbolic links, named pipes and devices are *derived*: in an archive nothing stands behind them. (On a disk
//!   something may, so there they are judged otherwise.) Where a link leads is not told: it may name a person.
//! - Directories are no entries.

pub(crate) mod header;
mod sparse;

use std::io::{self, Read};

use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Sink};

use self::header::{Extended, Header, Kind};
use self::sparse::{Sparse, Stretch};
use super::names::Names;
use super::{Within, open, outcome};
use crate::{Bytes, Fault, Input, close_unread, read_part};

/// Bytes of a header, and what everything is padded to.
pub(crate) const BLOCK: usize = 512;
/// Bytes that a long name or an extended header may have.
pub(crate) const LONGEST: u64 = 1 << 20;

/// Reads the members of a tar archive.
pub(crate) fn tar(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let deeper = match open(path, "tar", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut archive = Archive {
        path,
        bytes,
        within: &deeper,
        names: Names::default(),
        members: 0,
        next: Extended::default(),
        fault: None,
    };
    archive.read(sink)?;
    let Archive { bytes, members, fault, .. } = archive;
    let fault = bytes.fault().cloned().or(fault);
    sink.close(outcome(bytes.position(), members, fault))
}

struct Archive<'a, 'b> {
    path: &'a ObjectPath,
    bytes: Bytes<'b>,
    within: &'a Within<'a>,
    names: Names,
    members: u64,
    /// What extended headers say of the next entry.
    next: Extended,
    /// The first thing that was wrong with the archive itself.
    fault: Option<Fault>,
}

impl Archive<'_, '_> {
    fn read(&mut self, sink: &mut dyn Sink) -> Flow {
        while let Some(header) = self.next_header() {
            let extended = match header.kind {
                Kind::LongName | Kind::LongLink | Kind::Extended => {
                    self.extend(&header);
                    continue;
                }
                Kind::GlobalExtended => {
                    self.pass(padded(header.size));
                    continue;
                }
                _ => std::mem::take(&mut self.next),
            };
            self.entry(header, extended, sink)?;
        }
        Flow::Continue(())
    }

    /// The next header; what is none is passed over, and told.
    fn next_header(&mut self) -> Option<Header> {
        loop {
            let at = self.bytes.position();
            let block = self.bytes.fill(BLOCK);
            let Some(block) = block.first_chunk::<BLOCK>() else {
                if block.iter().any(|&b| b != 0) && self.bytes.fault().is_none() {
                    self.damaged(format!("it ends in the middle of a header at byte {at}"));
                }
                let rest = self.bytes.window().len();
                self.bytes.consume(rest);
                return None;
            };
            // Archives may be appended to one another; what stands behind the zeros at an end is data, too.
            let is_end = block.iter().all(|&b| b == 0);
            let header = Header::parse(block);
            self.bytes.consume(BLOCK);
            if header.is_some() {
                return header;
            }
            if !is_end {
                self.next = Extended::default();
                if self.fault.is_none() {
                    self.damaged(format!("there is no header at byte {at}"));
                }
            }
        }
    }

    fn damaged(&mut self, what: String) {
        let members = self.members;
        self.fault.get_or_insert_with(|| {
            Fault::unreadable(format!("the tar archive is damaged after {members} members: {what}"))
        });
    }

    /// Takes in what stands before an entry and belongs to it.
    fn extend(&mut self, header: &Header) {
        if header.size > LONGEST {
            self.fault.get_or_insert_with(|| {
                Fault::limit(format!("an extended header of the tar archive is longer than {LONGEST} bytes"))
            });
            self.pass(padded(header.size));
            return;
        }
        let len = header.size as usize;
        let window = self.bytes.fill(len);
        let value = &window[..len.min(window.len())];
        let is_whole = value.len() == len;
        self.next.take_in(header.kind, value);
        if !is_whole {
            self.damaged("it ends in the middle of an extended header".to_owned());
        }
        self.pass(padded(header.size));
    }

    fn entry(&mut self, header: Header, mut extended: Extended, sink: &mut dyn Sink) -> Flow {
        let size = extended.size.unwrap_or(header.size);
        let name = extended.real_name.take().or(extended.name.take()).unwrap_or(header.name);
        let stored = padded(size);
        if header.kind == Kind::Directory || (name.ends_with(b"/") && size == 0 && header.kind == Kind::File) {
            self.pass(stored);
            return Flow::Continue(());
        }
        if let Some(link) = header.kind.is_link().then(|| extended.link.take().unwrap_or(header.link))
            && size == 0
        {
            let is_known = self.names.has(&link);
            return self.close(&name, header.kind, is_known, sink);
        }
        if header.kind.is_nothing() && size == 0 {
            return self.close(&name, header.kind, true, sink);
        }
        let member = self.member(&name);
        let stretches = match sparse::stretches(&mut self.bytes, &header.sparse, &extended, size) {
            Ok(stretches) => stretches,
            Err(fault) => {
                close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink)?;
                self.pass(stored);
                return Flow::Continue(());
            }
        };
        let behind = self.bytes.position() + stored - stretches.as_ref().map_or(0, |sparse| sparse.used);
        let left = size - stretches.as_ref().map_or(0, |sparse| sparse.used.min(size));
        let mut content = Content { bytes: &mut self.bytes, left, given: 0 };
        let flow = match stretches {
            None => read_part(&member, Bytes::new(Input::Stream(&mut content)).expecting(size), self.within, sink),
            Some(Stretch { list, size, .. }) => {
                let mut sparse = self.within.expand(Sparse::new(content, list, size));
                read_part(&member, Bytes::new(Input::Stream(&mut sparse)), self.within, sink)
            }
        };
        flow?;
        self.pass(behind.saturating_sub(self.bytes.position()));
        Flow::Continue(())
    }

    fn member(&mut self, name: &[u8]) -> ObjectPath {
        self.members += 1;
        self.path.member(&self.names.next(name))
    }

    /// Accounts for an entry without content.
    fn close(&mut self, name: &[u8], kind: Kind, is_known: bool, sink: &mut dyn Sink) -> Flow {
        let member = self.member(name);
        let (format, outcome) = match kind {
            Kind::HardLink if !is_known => {
                let reason = "a hard link to a file that is not in this archive; scan the archive that holds it";
                ("link", Outcome::not_read(Coverage::Unreadable, reason))
            }
            Kind::HardLink => {
                ("link", Outcome::not_read(Coverage::Derived, "a hard link to an earlier member of this archive"))
            }
            Kind::SymbolicLink => ("link", Outcome::not_read(Coverage::Derived, "a symbolic link")),
            Kind::Pipe => ("pipe", Outcome::not_read(Coverage::Derived, "a named pipe, which holds nothing")),
            Kind::Label => ("label", Outcome::not_read(Coverage::Derived, "a label of the archive")),
            _ => ("device", Outcome::not_read(Coverage::Derived, "a device, of which an archive holds nothing")),
        };
        close_unread(&member, format, outcome, sink)
    }

    /// Passes over bytes.
    fn pass(&mut self, mut bytes: u64) {
        while bytes > 0 {
            let window = self.bytes.fill(1).len();
            if window == 0 {
                if self.bytes.fault().is_none() && bytes >= BLOCK as u64 {
                    self.damaged("it ends in the middle of a member".to_owned());
                }
                return;
            }
            let n = bytes.min(window as u64);
            self.bytes.consume(n as usize);
            bytes -= n;
        }
    }
}

/// The bytes that so many take in an archive.
pub(crate) fn padded(size: u64) -> u64 {
    size.checked_next_multiple_of(BLOCK as u64).unwrap_or(size)
}

/// The bytes of one member, which must not end early.
struct Content<'a, 'b> {
    bytes: &'a mut Bytes<'b>,
    left: u64,
    given: u64,
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.bytes.read(&mut buf[..most])?;
        if n == 0 {
            let reason = format!("the archive ends in the middle of this member, after {} bytes of it", self.given);
            return Err(Fault::unreadable(reason).into());
        }
        self.left -= n as u64;
        self.given += n as u64;
        Ok(n)
    }
}
