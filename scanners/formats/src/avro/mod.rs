//! Avro files (Apache Avro 1.12, "Object Container Files"): blocks of records, nested values under paths like those of
//! JSON.
//!
//! A record is a row, counted from 1. A damaged block is told when the file is closed and the blocks after it, which
//! begin behind the file's own mark, are read. What the writer noted in the file's head is a record of its own.

mod block;
pub(crate) mod edit;
mod schema;
#[cfg(test)]
mod tests;
mod value;

use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Part, Sink};

use crate::arrays::Beside;
use crate::container::Within;
use crate::json::append_key;
use crate::values::Values;
use crate::{Bytes, Fault};
use block::Blocks;
use value::Reader;

/// Reads an Avro file.
///
/// Memory is bounded by a batch and two blocks, which may have [`residuum_source::Limits::whole_bytes`].
pub(crate) fn read(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    sink.open(Part { path: path.clone(), format: "avro", encoding: None, primary_key: Vec::new() })?;
    let mut blocks = match Blocks::open(bytes, within) {
        Ok(blocks) => blocks,
        Err(fault) => return sink.close(Outcome::not_read(fault.coverage, fault.reason)),
    };
    let schemas = match schema::parse(&blocks.schema, within.limits.nesting.min(MAX_DEPTH)) {
        Ok(schemas) => schemas,
        Err(reason) => return sink.close(Outcome::not_read(Coverage::Unreadable, reason)),
    };
    of_notes(&blocks.entries).hand_over(NOTES, within.limits.batch_bytes, sink)?;
    let mut reader = Reader::new(&schemas, Values::new(within.limits), within);
    let mut faults: Vec<Fault> = Vec::new();
    let mut rows = 0;
    loop {
        match blocks.next() {
            Ok(Some((count, content))) => {
                if let Err(fault) = reader.block(rows, count, &content, sink)? {
                    faults.push(fault);
                }
                rows += count;
            }
            Ok(None) => break,
            Err(fault) => {
                let ends = fault.coverage != Coverage::Unreadable || !blocks.skip_to_mark();
                faults.push(fault);
                if ends {
                    break;
                }
            }
        }
        if faults.last().is_some_and(|fault| fault.coverage == Coverage::Limit) {
            break;
        }
    }
    reader.values.flush(sink)?;
    let read = Outcome::read(blocks.position(), reader.values.records);
    sink.close(match faults.first() {
        Some(first) => {
            let more = if faults.len() > 1 { format!("; and {} blocks more", faults.len() - 1) } else { String::new() };
            Outcome { coverage: first.coverage, reason: Some(format!("{}{more}", first.reason)), ..read }
        }
        None => read,
    })
}

/// What whoever wrote the file noted about it: the entries of its head that are not Avro's own (1.12, "Object Container
/// Files": names that begin with `avro.`).
fn of_notes(entries: &[(Vec<u8>, Vec<u8>)]) -> Beside {
    let mut beside = Beside::default();
    for (name, value) in entries.iter().filter(|(name, value)| !name.starts_with(b"avro.") && !value.is_empty()) {
        beside.entry(&note_field(name).into(), value.clone());
    }
    beside
}

/// The field that such an entry is.
pub(crate) fn note_field(name: &[u8]) -> String {
    let mut field = String::new();
    append_key(&mut field, name);
    field
}

/// The record of such entries.
pub(crate) const NOTES: &str = "metadata";

/// Levels that are read, whatever the limit says: reading recurses.
const MAX_DEPTH: u32 = 192;
