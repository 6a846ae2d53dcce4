//! Tar archives, read front to back.

use std::io::{self, Read};

use residuum_source::{Flow, ObjectPath, Sink};

use super::{Within, open, outcome, read_member};
use crate::{Bytes, Fault};

/// Reads the files of a tar archive. Directories, links and devices hold no bytes of their own.
pub(crate) fn tar(path: &ObjectPath, mut bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let deeper = match open(path, "tar", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut members = 0;
    let ended = members_of(path, &mut bytes, &deeper, sink, &mut members);
    let fault = match ended {
        Ok(flow) => {
            flow?;
            bytes.fault().cloned()
        }
        Err(error) => Some(match bytes.fault() {
            Some(fault) => fault.clone(),
            None => {
                let fault = Fault::from_io(&error, bytes.position());
                Fault {
                    reason: format!("the tar archive is damaged after {members} members: {}", fault.reason),
                    ..fault
                }
            }
        }),
    };
    sink.close(outcome(bytes.position(), members, fault))
}

fn members_of(
    path: &ObjectPath,
    bytes: &mut Bytes<'_>,
    within: &Within<'_>,
    sink: &mut dyn Sink,
    members: &mut u64,
) -> io::Result<Flow> {
    let mut archive = ::tar::Archive::new(bytes);
    // Archives may be appended to one another; what stands behind the first end is data, too.
    archive.set_ignore_zeros(true);
    for entry in archive.entries()? {
        let entry = entry?;
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            continue;
        }
        *members += 1;
        let member = path.member(&entry.path_bytes());
        let mut whole = Whole { left: entry.size(), given: 0, inner: entry };
        if let stop @ Flow::Break(_) = read_member(&member, &mut whole, within, sink) {
            return Ok(stop);
        }
    }
    Ok(Flow::Continue(()))
}

/// A member that must not end early.
struct Whole<R> {
    inner: R,
    left: u64,
    given: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if n == 0 && !buf.is_empty() && self.left > 0 {
            let reason = format!("the archive ends in the middle of this member, after {} bytes of it", self.given);
            return Err(Fault::unreadable(reason).into());
        }
        self.left = self.left.saturating_sub(n as u64);
        self.given += n as u64;
        Ok(n)
    }
}
