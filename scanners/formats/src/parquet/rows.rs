//! The rows of one row group, in batches.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use residuum_source::{Batch, Limits, Record, RecordKind, Records, Sink, Stop};

use super::{File, beside, schema};
use crate::arrays::{Flatten, LONG, pieces, push_long};

/// Rows the library reads at a time, at most.
const MAX_ROWS: usize = 8192;

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
    let mut beside = beside::of(metadata, &leaves, &names);
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
                push_long(&long, RecordKind::RowGroup, first + long.row as u64, limits, sink)?;
            }
            row += count;
        }
    }
    beside.hand_over(&beside::name(row_group), limits.batch_bytes, sink)?;
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
