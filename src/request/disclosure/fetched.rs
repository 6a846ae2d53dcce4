//! The current records, as they come from a source: pieces of long values joined, each value by itself.

use std::collections::HashMap;
use std::sync::Arc;

use residuum_source::{
    Batch, Column, Coverage, Flow, Limits, Logical, Object, ObjectPath, Outcome, Part, Pick, Record, RecordKind,
    Records, Rows, Sink, Source, SourceError, SplitTarget, Stop, Unit,
};

/// A record with its values.
pub(in crate::request) struct Fetched {
    /// Which; of a sheet the row.
    pub record: Record,
    pub fields: Vec<FetchedField>,
}

/// A field of a record with the values it has there.
pub(in crate::request) struct FetchedField {
    pub name: Arc<str>,
    pub logical: Logical,
    pub values: Vec<Vec<u8>>,
}

/// Reads certain records of a part as they are now; those that are there no longer are missing from the answer.
///
/// A source that cannot fetch records reads the object, and they are picked out.
///
/// # Errors
/// When the object cannot be read, or the records hold more than `most` bytes: the reason, in which a system may have
/// named somebody.
pub(in crate::request) fn fetch(
    source: &dyn Source,
    listed: &ObjectPath,
    part: &ObjectPath,
    records: &[Record],
    limits: &Limits,
    most: u64,
) -> Result<Vec<Fetched>, String> {
    let mut gather = Gather { records: Vec::new(), at: HashMap::new(), left: most, overflown: false, trouble: None };
    let read = match source.as_fetch() {
        Some(fetch) => fetch.fetch(part, records, limits, &mut gather),
        None => read_through(source, listed, part, records, limits, &mut gather),
    };
    if gather.overflown {
        return Err("the records are larger than a package can hold: hand the object over by itself".to_owned());
    }
    read.map_err(reason)?;
    match gather.trouble {
        Some(reason) => Err(reason),
        None => Ok(gather.records),
    }
}

/// Why not; the object is named beside it, and its name may say who it is about.
fn reason(error: SourceError) -> String {
    match error {
        SourceError::Lost { reason, .. } | SourceError::Unreadable { reason, .. } => reason,
        error => error.to_string(),
    }
}

/// Reads the whole object, of which only the records wanted are kept.
fn read_through(
    source: &dyn Source,
    listed: &ObjectPath,
    part: &ObjectPath,
    records: &[Record],
    limits: &Limits,
    gather: &mut Gather,
) -> Result<(), SourceError> {
    let mut found: Option<Object> = None;
    let listing = source.list(&mut |object| {
        if object.path != *listed {
            return Flow::Continue(());
        }
        found = Some(object);
        Flow::Break(Stop)
    });
    let Some(object) = found else {
        listing?;
        return Ok(()); // it is there no longer
    };
    if let Some((_, reason)) = &object.not_read {
        return Err(SourceError::unreadable(listed, reason.clone()));
    }
    for range in source.split(&object, SplitTarget { bytes: u64::MAX })? {
        let unit = Unit { objects: vec![object.clone()], range };
        let mut pick = Pick::new(part, records, gather);
        match source.read(&unit, limits, &mut pick) {
            Err(SourceError::Stopped) if pick.is_done() => {}
            read => read?,
        }
        if let Some(reason) = pick.trouble() {
            return Err(SourceError::unreadable(part, reason));
        }
    }
    Ok(())
}

/// Gathers records.
struct Gather {
    records: Vec<Fetched>,
    at: HashMap<Record, usize>,
    /// Bytes that may still come.
    left: u64,
    overflown: bool,
    trouble: Option<String>,
}

impl Sink for Gather {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let bytes: u64 = batch.columns.iter().map(|column| column.bytes.len() as u64).sum();
        self.overflown = bytes > self.left;
        if self.overflown {
            return Flow::Break(Stop);
        }
        self.left -= bytes;
        for column in &batch.columns {
            self.column(&batch, column);
        }
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        if matches!(outcome.coverage, Coverage::Unreadable | Coverage::Limit | Coverage::Unsupported) {
            self.trouble = Some(outcome.reason.unwrap_or_else(|| outcome.coverage.name().to_owned()));
        }
        Flow::Continue(())
    }
}

impl Gather {
    fn column(&mut self, batch: &Batch, column: &Column) {
        // Pieces of one value follow each other: windows of it, of which the first begins where the value does, or of a line.
        let is_piece = match &column.window {
            Some(window) => window.value_offset + u64::from(window.core.start) > 0,
            None => column.field.is_empty(),
        };
        for value in 0..column.len() {
            let bytes = match &column.window {
                Some(window) => &column.bytes[window.core.start as usize..window.core.end as usize],
                None => column.value(value),
            };
            if bytes.is_empty() {
                continue;
            }
            match &column.rows {
                Rows::Each => self.value(batch.record(value), column, bytes, is_piece),
                Rows::Listed(rows) => self.value(batch.record(rows[value] as usize), column, bytes, is_piece),
                Rows::Dictionary(keys) => {
                    for record in (0..keys.len()).filter(|&record| keys[record] as usize == value) {
                        self.value(batch.record(record), column, bytes, is_piece);
                    }
                }
            }
        }
    }

    fn value(&mut self, record: Record, column: &Column, bytes: &[u8], is_piece: bool) {
        let record = record.whole();
        let at = *self.at.entry(record.clone()).or_insert_with(|| {
            self.records.push(Fetched { record, fields: Vec::new() });
            self.records.len() - 1
        });
        let fields = &mut self.records[at].fields;
        let field = match fields.iter().position(|field| field.name == column.field) {
            Some(at) => &mut fields[at],
            None => {
                fields.push(FetchedField { name: column.field.clone(), logical: column.logical, values: Vec::new() });
                fields.last_mut().expect("pushed above")
            }
        };
        match field.values.last_mut() {
            Some(last) if is_piece => last.extend_from_slice(bytes),
            _ => field.values.push(bytes.to_vec()),
        }
    }
}

/// Records as one batch, to be looked at again: a value of field `f` of record `r` stands in the column of that name.
pub(super) fn batch(records: &[Fetched]) -> Batch {
    let mut columns: Vec<Column> = Vec::new();
    let mut at: HashMap<Arc<str>, usize> = HashMap::new();
    for field in records.iter().flat_map(|record| &record.fields) {
        at.entry(field.name.clone()).or_insert_with(|| {
            let mut column = Column::new(field.name.clone());
            column.logical = field.logical;
            columns.push(column);
            columns.len() - 1
        });
    }
    for column in &mut columns {
        let of = |record: &Fetched| -> usize {
            record.fields.iter().find(|field| field.name == column.field).map_or(0, |field| field.values.len())
        };
        let is_listed = records.iter().any(|record| of(record) > 1);
        let mut rows = Vec::new();
        for (row, record) in records.iter().enumerate() {
            let field = record.fields.iter().find(|field| field.name == column.field);
            let values = field.map_or(&[][..], |field| field.values.as_slice());
            if values.is_empty() && !is_listed {
                column.push(&[]);
            }
            for value in values {
                column.push(value);
                rows.push(row as u32);
            }
        }
        if is_listed {
            column.rows = Rows::Listed(rows);
        }
    }
    let records = Records::Sequence { kind: RecordKind::Row, first: 1, count: records.len() as u64 };
    Batch { records, raw_bytes: 0, columns }
}
