//! Arrow's arrays to batches, for the readers of columnar formats: nested values under paths like those of JSON.
//!
//! `struct` fields are steps of a path, list elements `[]`, keys and values of a map `{key}` and `{}`. Values are text
//! as a person reads it; truth values are left out.

pub(crate) mod beside;
mod flatten;
mod text;

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use residuum_source::{Batch, Column, Flow, Limits, RecordKind, Records, Rows, Sink, Window};

pub(crate) use beside::Beside;
pub(crate) use flatten::{Flatten, LongValue};

/// What the values of a leaf are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaf {
    /// Strings.
    Text,
    /// JSON texts.
    Json,
    /// UUIDs in sixteen bytes.
    Uuid,
    /// Whatever its Arrow type says.
    Other,
}

/// Levels of a schema that are read, whatever the limit says: reading recurses.
pub(crate) const MAX_DEPTH: usize = 192;
/// A value longer than this (or than a batch) is handed over in windows.
pub(crate) const LONG: usize = 64 << 10;
/// What consecutive windows of a long value have in common.
const OVERLAP: usize = 4 << 10;

/// The names of columns as fields, each only once: two columns of one name are legal, if unwise.
pub(crate) fn unique(names: Vec<String>) -> Vec<Arc<str>> {
    let mut seen = HashSet::new();
    let unique = |mut name: String| {
        let mut n = 2;
        let plain = name.len();
        while !seen.insert(name.clone()) {
            name.truncate(plain);
            name.push_str(&format!("#{n}"));
            n += 1;
        }
        name.into()
    };
    names.into_iter().map(unique).collect()
}

/// Cuts rows into pieces of about a batch.
pub(crate) fn pieces(batch: &RecordBatch, batch_bytes: usize) -> impl Iterator<Item = RecordBatch> {
    let bytes: usize = batch.columns().iter().map(size).sum();
    let rows = batch.num_rows().div_ceil(bytes / batch_bytes.max(1) + 1).max(1);
    let starts = (0..batch.num_rows()).step_by(rows);
    starts.map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}

/// About how many bytes an array's values have; those of a dictionary count where they are used.
fn size(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Dictionary(..) => {
            let values = array.as_dictionary::<Int32Type>().values();
            let average = values.to_data().get_slice_memory_size().unwrap_or(0) / values.len().max(1);
            array.len() * (4 + average)
        }
        _ => array.to_data().get_slice_memory_size().unwrap_or(0),
    }
}

/// Hands over a long value of the record with this number in windows.
pub(crate) fn push_long(long: &LongValue, kind: RecordKind, record: u64, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let size = limits.batch_bytes.max(4 * OVERLAP);
    let mut core = 0;
    while core < long.bytes.len() {
        let start = core.saturating_sub(OVERLAP);
        let core_end = (core + size).min(long.bytes.len());
        let end = (core_end + OVERLAP).min(long.bytes.len());
        let bytes = long.bytes[start..end].to_vec();
        let column = Column {
            logical: long.logical,
            offsets: vec![0, bytes.len() as u32],
            bytes,
            rows: Rows::Each,
            window: Some(Window { core: (core - start) as u32..(core_end - start) as u32, value_offset: start as u64 }),
            ..Column::new(long.field.clone())
        };
        let records = Records::Sequence { kind, first: record, count: 1 };
        sink.batch(Batch { records, columns: vec![column], raw_bytes: 0 })?;
        core = core_end;
    }
    Flow::Continue(())
}
