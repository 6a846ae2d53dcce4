//! The rows of one stripe, in batches.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use residuum_source::{Batch, RecordKind, Records, Sink, Stop};

use super::column::{Column, Room, arrow};
use super::streams::Streams;
use super::{File, beside};
use crate::Fault;
use crate::arrays::{Beside, Flatten, LONG, pieces, push_long};

/// Rows that are read at a time, at most.
const MAX_ROWS: u64 = 8192;

/// What is learnt while stripes are read.
#[derive(Default)]
pub(super) struct Progress {
    /// Rows that were read.
    pub records: u64,
    /// Faults, each with its place.
    pub faults: Vec<Fault>,
    /// What the file's own statistics hold and no row so far.
    pub beside: Beside,
}

/// Reads a stripe whose first row has this number.
pub(super) fn read(
    file: &File<'_>,
    number: usize,
    first: u64,
    progress: &mut Progress,
    sink: &mut dyn Sink,
) -> ControlFlow<Stop> {
    let mut faults = Vec::new();
    let read = rows(file, number, first, &mut faults, progress, sink)?;
    faults.extend(read.err());
    let placed = |fault: Fault| Fault { reason: format!("stripe {number}: {}", fault.reason), ..fault };
    progress.faults.extend(faults.into_iter().map(placed));
    ControlFlow::Continue(())
}

/// Faults that leave the rows readable are added to `faults`.
fn rows(
    file: &File<'_>,
    number: usize,
    first: u64,
    faults: &mut Vec<Fault>,
    progress: &mut Progress,
    sink: &mut dyn Sink,
) -> ControlFlow<Stop, Result<(), Fault>> {
    let (stripe, limits) = (&file.tail.stripes[number], file.storage.limits());
    if file.fields.leaves.is_empty() {
        // Rows of nothing.
        progress.records += stripe.rows;
        return ControlFlow::Continue(Ok(()));
    }
    let opened = Streams::open(file, number).and_then(|mut streams| {
        let columns = streams.columns(faults)?;
        Ok((columns, streams))
    });
    let (mut columns, mut streams) = match opened {
        Ok(opened) => opened,
        Err(fault) => return ControlFlow::Continue(Err(fault)),
    };
    let mut beside = beside::of(file, number, &mut streams, faults);
    let mut flatten = Flatten::new(&file.fields.names, &file.fields.kinds, LONG.max(limits.batch_bytes));
    let stored_row = (stripe.streams.end - stripe.streams.start) / stripe.rows.max(1);
    let row_bytes = stored_row.max(8 * file.fields.leaves.len() as u64);
    let at_a_time = (limits.batch_bytes as u64 / row_bytes).clamp(1, MAX_ROWS);
    let mut row = 0;
    while row < stripe.rows {
        let count = at_a_time.min(stripe.rows - row);
        let batch = match next(file, &mut columns, count as usize) {
            Ok(batch) => batch,
            Err(fault) => {
                let reason = format!("not read from row {} on: {}", first + row, fault.reason);
                return ControlFlow::Continue(Err(Fault { reason, ..fault }));
            }
        };
        for piece in pieces(&batch, limits.batch_bytes) {
            let flat = flatten.batch(&piece);
            for beside in [&mut beside, &mut progress.beside] {
                flat.columns.iter().for_each(|column| beside.in_rows(column));
                flat.long.iter().for_each(|long| beside.in_row(long));
            }
            let (from, count) = (first + row, piece.num_rows() as u64);
            progress.records += count;
            sink.batch(Batch {
                records: Records::Sequence { kind: RecordKind::Row, first: from, count },
                columns: flat.columns,
                raw_bytes: stored_row * count,
            })?;
            for long in flat.long {
                push_long(&long, RecordKind::Row, from + long.row as u64, limits, sink)?;
            }
            row += count;
        }
    }
    beside.hand_over(&beside::of_stripe(number), limits.batch_bytes, sink)?;
    ControlFlow::Continue(Ok(()))
}

/// The next rows.
fn next(file: &File<'_>, columns: &mut [Column<'_>], count: usize) -> Result<RecordBatch, Fault> {
    let within = file.storage.within;
    within.spend(count as u64)?;
    let mut room = Room { within, bytes: within.limits.whole_bytes };
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        arrays.push(column.next(count, None, &mut room)?);
    }
    let field = |array: &ArrayRef| Field::new("", array.data_type().clone(), true);
    let schema = Schema::new(arrays.iter().map(field).collect::<Vec<_>>());
    arrow(RecordBatch::try_new(Arc::new(schema), arrays))
}
