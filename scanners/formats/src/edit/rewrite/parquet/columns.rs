//! One column of a row group, value by value: rows left out, values replaced.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::file::writer::SerializedColumnWriter;

use super::values::Written;
use super::{GroupEdits, fault};
use crate::Fault;

/// Copies a column with its edits, `rows` at a time; `drain` is called now and then, for what was written may be handed
/// on.
pub(super) fn edited(
    from: ColumnReader,
    to: &mut SerializedColumnWriter<'_>,
    leaf: usize,
    rows: usize,
    edits: &GroupEdits,
    drain: &mut dyn FnMut() -> Result<(), Fault>,
) -> Result<(), Fault> {
    match from {
        ColumnReader::BoolColumnReader(from) => copy::<BoolType>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::Int32ColumnReader(from) => copy::<Int32Type>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::Int64ColumnReader(from) => copy::<Int64Type>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::Int96ColumnReader(from) => copy::<Int96Type>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::FloatColumnReader(from) => copy::<FloatType>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::DoubleColumnReader(from) => copy::<DoubleType>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::ByteArrayColumnReader(from) => copy::<ByteArrayType>(from, to.typed(), leaf, rows, edits, drain),
        ColumnReader::FixedLenByteArrayColumnReader(from) => {
            copy::<FixedLenByteArrayType>(from, to.typed(), leaf, rows, edits, drain)
        }
    }
}

fn copy<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    to: &mut ColumnWriterImpl<'_, T>,
    leaf: usize,
    rows: usize,
    edits: &GroupEdits,
    drain: &mut dyn FnMut() -> Result<(), Fault>,
) -> Result<(), Fault>
where
    T::T: Written,
{
    let descriptor = to.get_descriptor().clone();
    let (most_definition, most_repetition) = (descriptor.max_def_level(), descriptor.max_rep_level());
    let mut unmet = edits.sets.keys().filter(|(of, ..)| *of == leaf).count();
    // Rows are counted as they begin, from 0.
    let mut row: Option<u64> = None;
    loop {
        let (mut definition, mut repetition, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let read = from.read_records(
            rows,
            (most_definition > 0).then_some(&mut definition),
            (most_repetition > 0).then_some(&mut repetition),
            &mut values,
        );
        let (records, _, levels) = read.map_err(fault)?;
        if records == 0 {
            return if unmet == 0 { Ok(()) } else { Err(not_met()) };
        }
        let mut kept = Levels::default();
        let (mut values, mut nth) = (values.into_iter(), 0);
        for level in 0..levels {
            let repeats = repetition.get(level).copied().unwrap_or(0);
            if repeats == 0 {
                row = Some(row.map_or(0, |row| row + 1));
                nth = 0;
            }
            let row = row.unwrap_or_default();
            let defines = definition.get(level).copied().unwrap_or(most_definition);
            let value = if defines == most_definition { values.next() } else { None };
            let is_value = value.is_some();
            if !edits.deleted.contains(&row) {
                let set = edits.sets.get(&(leaf, row, nth)).filter(|_| is_value);
                let value = match (value, set) {
                    (Some(value), Some(new)) => {
                        unmet -= 1;
                        value.edited(new).ok_or_else(not_met)?
                    }
                    (value, _) => value,
                };
                // A value that becomes null is undefined at its own level.
                kept.definition.push(if is_value && value.is_none() { defines - 1 } else { defines });
                kept.repetition.push(repeats);
                kept.values.extend(value);
            }
            nth += usize::from(is_value);
        }
        if !kept.repetition.is_empty() {
            let definition = (most_definition > 0).then_some(kept.definition.as_slice());
            let repetition = (most_repetition > 0).then_some(kept.repetition.as_slice());
            to.write_batch(&kept.values, definition, repetition).map_err(fault)?;
        }
        drain()?;
    }
}

/// Why nothing is written: what has been told to be replaced would stay.
fn not_met() -> Fault {
    Fault::unreadable(
        "the Parquet file cannot be written anew: a value that is to be replaced is not where it was read",
    )
}

/// What is kept of some rows.
struct Levels<T> {
    definition: Vec<i16>,
    repetition: Vec<i16>,
    values: Vec<T>,
}

impl<T> Default for Levels<T> {
    fn default() -> Self {
        Self { definition: Vec::new(), repetition: Vec::new(), values: Vec::new() }
    }
}
