//! From items to batches: the fields of many items become columns.

use std::time::{Duration, Instant};

use residuum_formats::json::expand;
use residuum_source::{Batch, Column, Logical, RecordKind, Records, Sink, Stop};
use serde_json::value::RawValue;

use crate::json;

/// How long items wait for a batch to fill, so that a slow server does not hold back what it gave.
const WAIT: Duration = Duration::from_secs(5);

/// Items on their way into a sink.
pub struct Items<'s> {
    sink: &'s mut dyn Sink,
    key: &'s [String],
    limit: usize,
    nesting: u32,
    column: Column,
    keys: Vec<(Column, bool)>,
    since: Instant,
    /// Bytes of the items.
    pub bytes: u64,
    /// Items.
    pub records: u64,
    /// Items that lack a part of the key.
    pub without_key: u64,
    flushed: u64,
}

impl<'s> Items<'s> {
    pub fn new(sink: &'s mut dyn Sink, key: &'s [String], limit: usize, nesting: u32) -> Self {
        let mut items = Self {
            sink,
            key,
            limit: limit.max(1),
            nesting,
            column: Column::new(""),
            keys: Vec::new(),
            since: Instant::now(),
            bytes: 0,
            records: 0,
            without_key: 0,
            flushed: 0,
        };
        items.clear();
        items
    }

    /// Adds an item; `listed` is how the list has it, which holds the key.
    pub fn push(&mut self, listed: &RawValue, item: &RawValue) -> Result<(), Stop> {
        let mut complete = true;
        for ((column, integers), field) in self.keys.iter_mut().zip(self.key) {
            let value = json::at(listed, field).or_else(|| json::at(item, field));
            let text = value.and_then(json::text).unwrap_or_default();
            complete &= !text.is_empty();
            *integers &= text.is_empty() || value.is_some_and(json::is_integer);
            column.push(text.as_bytes());
        }
        self.column.push(item.get().as_bytes());
        self.records += 1;
        self.bytes += item.get().len() as u64;
        self.without_key += u64::from(!complete);
        let is_full = self.column.bytes.len() >= self.limit || self.since.elapsed() >= WAIT;
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Hands on what has been gathered.
    pub fn flush(&mut self) -> Result<(), Stop> {
        let count = self.column.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let raw_bytes = self.column.bytes.len() as u64;
        let column = std::mem::replace(&mut self.column, Column::new(""));
        let mut columns = Vec::new();
        for (mut column, integers) in std::mem::take(&mut self.keys) {
            if integers {
                column.logical = Logical::Integer;
            }
            columns.push(column);
        }
        let records = match columns.len() {
            0 => Records::Sequence { kind: RecordKind::Row, first: self.flushed + 1, count },
            keys => Records::Keyed { columns: (0..keys).collect(), count },
        };
        for expanded in expand(&column, self.nesting) {
            let mut column = expanded.column;
            if column.field.is_empty() {
                column.field = "$".into(); // an item that is a text or a number
            }
            column.place = None;
            if self.key.iter().all(|field| **field != *column.field) {
                columns.push(column);
            }
        }
        self.flushed += count;
        self.clear();
        match self.sink.batch(Batch { records, columns, raw_bytes }).is_break() {
            true => Err(Stop),
            false => Ok(()),
        }
    }

    fn clear(&mut self) {
        self.keys = self.key.iter().map(|field| (Column::new(field.as_str()), true)).collect();
        self.since = Instant::now();
    }
}
