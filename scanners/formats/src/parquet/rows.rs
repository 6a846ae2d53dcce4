//! The rows of one row group, in batches.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use residuum_source::{Batch, Column, Flow, Limits, Record, RecordKind, Records, Rows, Sink, Stop, Window};

use super::File;
use super::beside::Beside;
use super::flatten::{Flatten, LongValue};
use super::schema;

/// Rows the library reads at a time, at most.
const MAX_ROWS: usize = 8192;
/// A value longer than this (or than a batch) is handed over in windows.
pub(super) const LONG: usize = 64 << 10;
/// What consecutive windows of a long value have in common.
const OVERLAP: usize = 4 << 10;

/// Why a row group could not be read to its end.
type Reason = String;

/// Reads a row group, and counts its rows.
pub(super) fn read(
    file: &File,
    row_group: usize,
    limits: &Limits,
    records: &mut u64,
    sink: &mut dyn Sink,
) -> ControlFlow<Stop, Result<(), Reason>> {
    let opened = caught(|| open(file, row_group, limits));
    let (mut reader, names) = match opened {
        Ok(opened) => opened,
        Err(reason) => return ControlFlow::Continue(Err(reason)),
    };
    let leaves: Vec<_> = (0..file.leaves.len()).filter(|leaf| !file.encrypted.contains(leaf)).collect();
    let metadata = file.metadata.row_group(row_group);
    let mut beside = Beside::new(metadata, &leaves, &names);
    let leaves: Vec<_> = leaves.into_iter().map(|leaf| file.leaves[leaf]).collect();
    let mut flatten = Flatten::new(&names, &leaves, LONG.max(limits.batch_bytes));
    let stored_row = metadata.compressed_size() as f64 / metadata.num_rows().max(1) as f64;
    let mut row = 0u64;
    loop {
        let batch = match caught(|| reader.next().transpose().map_err(|error| error.to_string())) {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(reason) => {
                let reason = format!("damaged from row {row} on, which is not read ({reason})");
                return ControlFlow::Continue(Err(reason));
            }
        };
        for piece in pieces(&batch, limits.batch_bytes) {
            let flat = flatten.batch(&piece);
            flat.dictionaries.iter().for_each(|(name, entries)| beside.dictionary(name, entries));
            flat.columns.iter().for_each(|column| beside.in_rows(column));
            flat.long.iter().for_each(|long| beside.in_row(long));
            let count = piece.num_rows() as u64;
            let first = Record::row_group(row_group as u32, row).number();
            *records += count;
            sink.batch(Batch {
                records: Records::Sequence { kind: RecordKind::RowGroup, first, count },
                columns: flat.columns,
                raw_bytes: (stored_row * count as f64) as u64,
            })?;
            for long in flat.long {
                push_long(&long, first + long.row as u64, limits, sink)?;
            }
            row += count;
        }
    }
    beside.hand_over(row_group, limits.batch_bytes, sink)?;
    let expected = metadata.num_rows() as u64;
    ControlFlow::Continue(match row == expected {
        true => Ok(()),
        false => Err(format!("holds {row} rows where the footer says {expected}")),
    })
}

type Opened = (ParquetRecordBatchReader, Vec<Arc<str>>);

fn open(file: &File, row_group: usize, limits: &Limits) -> Result<Opened, Reason> {
    let described = ArrowReaderMetadata::try_new(file.metadata.clone(), file.options()).map_err(|e| e.to_string())?;
    let row_group_metadata = file.metadata.row_group(row_group);
    let parquet = file.metadata.file_metadata().schema_descr();
    let wanted = schema::wanted(described.schema(), parquet, row_group_metadata);
    let options = file.options().with_schema(Arc::new(wanted));
    let metadata = ArrowReaderMetadata::try_new(file.metadata.clone(), options).map_err(|e| e.to_string())?;
    let rows = rows_at_a_time(row_group_metadata, limits);
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.storage.clone(), metadata)
        .with_row_groups(vec![row_group])
        .with_batch_size(rows);
    if !file.encrypted.is_empty() {
        let plain = (0..file.leaves.len()).filter(|leaf| !file.encrypted.contains(leaf));
        builder = builder.with_projection(ProjectionMask::leaves(parquet, plain));
    }
    let reader = builder.build().map_err(|e| e.to_string())?;
    let names = schema::names(&arrow_array::RecordBatchReader::schema(&reader));
    Ok((reader, names))
}

/// How many rows of a row group make about a batch: its footer says how large they are.
pub(crate) fn rows_at_a_time(row_group: &RowGroupMetaData, limits: &Limits) -> usize {
    let row_bytes = row_group.total_byte_size().max(0) as usize / row_group.num_rows().max(1) as usize;
    (limits.batch_bytes / row_bytes.max(1)).clamp(16, MAX_ROWS)
}

/// The names of the columns as fields.
pub(super) fn names(file: &File, limits: &Limits) -> Result<Vec<Arc<str>>, Reason> {
    caught(|| open(file, 0, limits)).map(|(_, names)| names)
}

/// Runs what the library does; a panic on damaged bytes is an error like others.
fn caught<T>(run: impl FnOnce() -> Result<T, Reason>) -> Result<T, Reason> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the bytes make no sense".into()))
}

/// Cuts what the library gave into pieces of about a batch.
fn pieces(batch: &RecordBatch, batch_bytes: usize) -> impl Iterator<Item = RecordBatch> {
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

/// Hands over a long value in windows.
fn push_long(long: &LongValue, record: u64, limits: &Limits, sink: &mut dyn Sink) -> Flow {
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
        let records = Records::Sequence { kind: RecordKind::RowGroup, first: record, count: 1 };
        sink.batch(Batch { records, columns: vec![column], raw_bytes: 0 })?;
        core = core_end;
    }
    Flow::Continue(())
}
