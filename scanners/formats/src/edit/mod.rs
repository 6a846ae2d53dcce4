//! Editing: records of an object deleted and values replaced, every other byte as it was.
//!
//! The bytes are read three times, so that memory is bounded by the edits, not by the object:
//!
//! ```text
//! 1  read   ─batches→ editor ─changes→ wishes        what is to become of which bytes
//! 2  look   ─the bytes around them─→ splices          how the format writes that, or why it cannot
//! 3  write  ─copy, with splices and containers anew→ output
//! ```
//!
//! The first goes through the ordinary readers, the second and third through [`walk`], which opens containers on the way
//! in and packs them on the way out. Nothing has been written when the second ends, so that everything that can be
//! refused is refused by then. What Parquet, Avro and workbooks hold is not spliced but written anew ([`rewrite`]).
//!
//! Nothing here knows where the bytes are stored: whoever calls hands in what can be read twice and something to write to.

mod ability;
mod ask;
mod look;
mod page;
mod rewrite;
mod splice;
mod text;
mod walk;
mod wish;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use residuum_source::{Coverage, Editor, Limits, ObjectPath, Record, Refusal, RefusalKind};

use crate::container::Within;
use crate::{Bytes, Fault, Input, ReadAt};

pub use ability::ability;
use ask::Ask;
use look::Look;
use rewrite::Rewrite;
use splice::Splice;
use write::{Out, Write as WriteJob};

/// What is to be done with one object.
pub struct Plan {
    path: ObjectPath,
    limits: Limits,
    parts: BTreeMap<ObjectPath, Edited>,
    /// Records that go.
    pub deleted: u64,
    /// Records in which something is replaced.
    pub changed: u64,
}

/// What is done with a part.
enum Edited {
    /// Its bytes are copied with these replaced; `len` is how many there are before.
    Spliced { splices: Vec<Splice>, len: u64 },
    /// It is written anew.
    Rewritten(Rewrite),
    /// It goes.
    Gone,
}

/// Why an object was not written.
#[derive(Debug)]
pub enum Unwritten {
    /// It could not be read again, or not be packed again.
    Input(Fault),
    /// The output could not be written to.
    Output(io::Error),
}

/// Shows records of an object to the editor and finds how its changes are written.
///
/// What cannot be done is told to the editor. Memory is proportional to the changes.
pub fn plan(
    path: &ObjectPath,
    input: &Arc<dyn ReadAt>,
    records: &BTreeMap<ObjectPath, Vec<Record>>,
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Plan {
    let mut ask = Ask::new(records, editor);
    // It never asks to stop.
    let _ = crate::read(path, Input::Stored(input.clone()), limits, &mut ask);
    let mut wishes = ask.finish();
    let mut plan = Plan { path: path.clone(), limits: limits.clone(), parts: BTreeMap::new(), deleted: 0, changed: 0 };
    wishes.retain(|_, wishes| !wishes.is_empty());
    if wishes.is_empty() {
        return plan;
    }
    let within = Within::new(limits, input.size());
    let mut look = Look::new(wishes, limits, editor);
    let walked = walk::part(path, Bytes::new(Input::Stored(input.clone())), &within, &mut look, &mut io::sink());
    if let Err(fault) = walked {
        look.editor.refused(path, None, refusal(&fault));
        return plan;
    }
    look.refuse_unmet();
    (plan.parts, plan.deleted, plan.changed) = (look.done, look.deleted, look.changed);
    plan
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether the object goes, as a whole: then there is nothing to write.
    pub fn removes_object(&self) -> bool {
        matches!(self.parts.get(&self.path), Some(Edited::Gone))
    }

    /// The parts that are changed.
    pub fn parts(&self) -> BTreeSet<&ObjectPath> {
        self.parts.keys().collect()
    }

    /// Writes the object as it is afterwards. The input must be what it was when the plan was made.
    ///
    /// # Errors
    /// When the input cannot be read, or the output not be written.
    pub fn write(&self, input: &Arc<dyn ReadAt>, output: &mut dyn Write) -> Result<(), Unwritten> {
        let within = Within::new(&self.limits, input.size());
        let mut out = Out { inner: io::BufWriter::with_capacity(128 << 10, output), error: None };
        let mut job = WriteJob::new(&self.parts, &self.limits);
        let bytes = Bytes::new(Input::Stored(input.clone()));
        let walked = walk::part(&self.path, bytes, &within, &mut job, &mut out);
        let flushed = out.flush();
        match (out.error.take(), walked, flushed) {
            (Some(error), ..) | (None, Ok(()), Err(error)) => Err(Unwritten::Output(error)),
            (None, Err(fault), _) => Err(Unwritten::Input(fault)),
            (None, Ok(()), Ok(())) => Ok(()),
        }
    }
}

/// Why nothing is done with what cannot be read or packed.
pub fn refusal(fault: &Fault) -> Refusal {
    let kind = match fault.coverage {
        Coverage::Limit => RefusalKind::Limit,
        Coverage::Unsupported => RefusalKind::Unsupported,
        _ => RefusalKind::Failed,
    };
    Refusal::new(kind, fault.reason.clone())
}

/// Whether any of some parts is inside of this one.
fn holds_any<T>(parts: &BTreeMap<ObjectPath, T>, path: &ObjectPath) -> bool {
    parts.range(path.member(b"")..).next().is_some_and(|(part, _)| path.holds(part))
}

/// Why nothing is done with what the first pass has shown and a later one does not meet.
fn not_found_again() -> Refusal {
    Refusal::new(RefusalKind::Failed, "it was not found again when it was to be written")
}

fn unsupported(reason: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::Unsupported, reason)
}
