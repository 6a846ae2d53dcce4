//! Containers: compressed streams and archives, whose members are objects again.
//!
//! What members may cost is bounded by one [`Budget`] for each listed object.

pub(crate) mod directory;
mod inflate;
mod lz4;
mod names;
mod sevenz;
mod stream;
pub(crate) mod tar;
pub(crate) mod unpack;
mod zip;

use std::cell::Cell;
use std::io::{self, Read};

use residuum_source::{Coverage, Flow, Limits, ObjectPath, Outcome, Part, Sink};

use crate::{Bytes, Fault, Input, close_unread, read_part};

pub(crate) use self::directory::Entry;
pub(crate) use self::names::Names;
pub(crate) use self::sevenz::sevenz;
pub(crate) use self::stream::{bzip2, gzip, lz4, unpack_stream, xz, zstd};
pub(crate) use self::tar::tar;
pub(crate) use self::zip::{office_document, read_entry, wants_random_access, with_entry, zip};

/// Where reading stands: the limits, what has been spent, how deep we are.
pub(crate) struct Within<'a> {
    pub limits: &'a Limits,
    budget: std::rc::Rc<Budget>,
    depth: u32,
}

/// What the members of one listed object have cost.
#[derive(Default)]
struct Budget {
    stored: Cell<u64>,
    expanded: Cell<u64>,
    exhausted: std::cell::RefCell<Option<Fault>>,
}

/// Expanded bytes below which no ratio is suspicious.
const RATIO_FROM: u64 = 64 << 20;

impl<'a> Within<'a> {
    /// At the top of a listed object of this size.
    pub fn new(limits: &'a Limits, stored: u64) -> Self {
        let budget = Budget { stored: Cell::new(stored), ..Budget::default() };
        Self { limits, budget: budget.into(), depth: 0 }
    }

    /// Bytes that a decompressor may look back over, all of which it holds in memory.
    fn window(&self) -> u64 {
        self.limits.whole_bytes / 2
    }

    /// Counts the bytes of a listed object whose size is not known.
    pub fn count_stored<'r>(&self, inner: &'r mut dyn Read) -> impl Read + use<'r> {
        Counted { inner, budget: self.budget.clone() }
    }

    /// One level deeper, for the members of a container, unless that is too deep.
    pub fn deeper(&self) -> Option<Self> {
        let depth = self.depth + 1;
        (depth <= self.limits.depth).then(|| Self { limits: self.limits, budget: self.budget.clone(), depth })
    }

    /// Takes what a decompressor gives from the budget.
    pub fn expand<R: Read>(&self, inner: R) -> Expand<'_, R> {
        Expand { inner, within: self }
    }

    /// Takes bytes that are handed over from the budget.
    pub fn spend(&self, bytes: u64) -> Result<(), Fault> {
        let expanded = self.budget.expanded.get() + bytes;
        self.budget.expanded.set(expanded);
        let Limits { expanded_bytes, ratio, .. } = *self.limits;
        let reason = if expanded > expanded_bytes {
            format!(
                "the members of this object expand to more than {expanded_bytes} bytes; raise the limit \
                 `expanded_bytes` if that is expected"
            )
        } else if expanded > RATIO_FROM && expanded / ratio.max(1) > self.budget.stored.get() {
            format!(
                "the members of this object expand to more than {ratio} times its size, as in a decompression bomb; \
                 raise the limit `ratio` if that is expected"
            )
        } else {
            return Ok(());
        };
        let fault = Fault::limit(reason);
        self.budget.exhausted.replace(Some(fault.clone()));
        Err(fault)
    }

    /// Why nothing more may be expanded, once that is so.
    pub fn exhausted(&self) -> Option<Fault> {
        self.budget.exhausted.borrow().clone()
    }
}

struct Counted<'r> {
    inner: &'r mut dyn Read,
    budget: std::rc::Rc<Budget>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.budget.stored.set(self.budget.stored.get() + n as u64);
        Ok(n)
    }
}

/// A reader whose bytes are taken from the budget.
pub(crate) struct Expand<'w, R> {
    inner: R,
    within: &'w Within<'w>,
}

impl<R: Read> Read for Expand<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.within.spend(n as u64)?;
        Ok(n)
    }
}

/// Opens a container, or says that it is too deep inside others.
pub(crate) fn open<'a>(
    path: &ObjectPath,
    format: &'static str,
    within: &Within<'a>,
    sink: &mut dyn Sink,
) -> Result<Within<'a>, Flow> {
    let Some(deeper) = within.deeper() else {
        let depth = within.limits.depth;
        let reason = format!("it stands inside {depth} other containers; raise the limit `depth` to read it");
        return Err(close_unread(path, format, Outcome::not_read(Coverage::Limit, reason), sink));
    };
    match sink.open(Part { path: path.clone(), format, encoding: None, primary_key: Vec::new() }) {
        Flow::Continue(()) => Ok(deeper),
        stop => Err(stop),
    }
}

/// Reads a member that streams.
pub(crate) fn read_member(path: &ObjectPath, stream: &mut dyn Read, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    read_part(path, Bytes::new(Input::Stream(stream)), within, sink)
}

/// What became of a container whose own bytes were read this far.
fn outcome(bytes: u64, members: u64, fault: Option<Fault>) -> Outcome {
    let read = Outcome { members, ..Outcome::read(bytes, 0) };
    match fault {
        Some(fault) => Outcome { coverage: fault.coverage, reason: Some(fault.reason), ..read },
        None => read,
    }
}

#[cfg(test)]
mod tests;
