//! ORC files (Apache ORC v1, versions 0.11 and 0.12): stripes in bounded batches, nested values under paths like those
//! of JSON.
//!
//! ```text
//! tail ─→ stripe ─→ streams ─→ ints, bits, times ─→ column ─→ arrays ─→ batch
//! ```
//!
//! A record is a row, counted from 1 through all stripes. `struct` fields are steps of a path, list elements `[]`, keys
//! and values of a map `{key}` and `{}`, the values of a union stand under its own path. Values are text as a person
//! reads it; truth values are left out. What stands in dictionaries, indexes and statistics and in no row is a record of
//! its own, and so is what the writer noted about the file.
//!
//! A stripe that is damaged is told when the file is closed, and the others are read. Nothing is believed before it is
//! checked: a damaged file is told, whatever it claims.
//!
//! This is written anew, as the reader of Avro is. The library for it, orc-rust 0.9, follows columns that contain
//! themselves until the stack overflows, and asks for whatever memory the lengths of lists in a damaged file claim: both
//! end the program, and who unpacks and decodes enough to exclude both has read the file. It also takes a damaged stream
//! of nulls for one without nulls, and gives up a stripe for a text that is not UTF-8 or a time in the year 9999.

mod beside;
mod bits;
mod column;
mod fields;
mod ints;
mod proto;
mod stream;
mod streams;
mod stripe;
mod tail;
#[cfg(test)]
mod tests;
mod times;
mod types;

use std::sync::Arc;

use residuum_source::{Flow, ObjectPath, Outcome, Part, Sink};

use crate::container::Within;
use crate::{Fault, ReadAt};
use fields::Fields;
use stream::Storage;
use stripe::Progress;
use tail::Tail;

/// Reads an ORC file.
///
/// Memory is bounded by a batch, one chunk of each column, the dictionaries of a stripe and the footers; each of them
/// may have [`residuum_source::Limits::whole_bytes`].
///
/// # Errors
/// Breaks only if the sink asked to stop.
pub(crate) fn read(path: &ObjectPath, from: Arc<dyn ReadAt>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    sink.open(Part { path: path.clone(), format: "orc", encoding: None, primary_key: Vec::new() })?;
    let size = from.size();
    let file = match File::open(from, within) {
        Ok(file) => file,
        Err(fault) => return sink.close(Outcome::not_read(fault.coverage, fault.reason)),
    };
    beside::of_notes(&file).hand_over("metadata", within.limits.batch_bytes, sink)?;
    let mut progress = Progress { beside: beside::of_file(&file), ..Progress::default() };
    progress.faults.extend(file.faults());
    let mut rows = 0;
    for (number, stripe) in file.tail.stripes.iter().enumerate() {
        stripe::read(&file, number, rows + 1, &mut progress, sink)?;
        rows += stripe.rows;
        if within.exhausted().is_some() {
            break;
        }
    }
    if progress.records == file.tail.rows {
        progress.beside.hand_over(&beside::of_all(), within.limits.batch_bytes, sink)?;
    }
    if rows != file.tail.rows && within.exhausted().is_none() {
        let reason = format!("its stripes have {rows} rows where the footer says {}", file.tail.rows);
        progress.faults.push(Fault::unreadable(reason));
    }
    sink.close(outcome(Outcome::read(size, progress.records), &progress.faults))
}

/// Faults that are told one by one.
const TOLD: usize = 4;

/// What became of a file in which this is wrong.
fn outcome(read: Outcome, faults: &[Fault]) -> Outcome {
    let Some(first) = faults.first() else { return read };
    let mut reason = faults.iter().take(TOLD).map(|fault| fault.reason.as_str()).collect::<Vec<_>>().join("; ");
    if faults.len() > TOLD {
        reason.push_str(&format!("; and {} more", faults.len() - TOLD));
    }
    Outcome { coverage: first.coverage, reason: Some(reason), ..read }
}

/// A file whose tail has been read.
struct File<'w> {
    storage: Storage<'w>,
    tail: Tail,
    fields: Fields,
}

impl<'w> File<'w> {
    fn open(from: Arc<dyn ReadAt>, within: &'w Within<'w>) -> Result<Self, Fault> {
        let (storage, tail) = tail::read(from, within)?;
        let fields = Fields::new(&tail.columns, within.limits)?;
        Ok(Self { storage, tail, fields })
    }

    /// What is known to be missing before a row is read.
    fn faults(&self) -> impl Iterator<Item = Fault> {
        let name = |number: &u32| self.fields.paths.get(*number as usize).map(|path| format!("`{path}`"));
        let names: Vec<_> = self.tail.encrypted.iter().filter_map(name).collect();
        let encrypted = (!self.tail.encrypted.is_empty())
            .then(|| Fault::unreadable(format!("encrypted, and the keys are not known: {}", names.join(", "))));
        encrypted.into_iter().chain(self.tail.fault.clone())
    }
}
