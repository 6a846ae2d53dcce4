//! Shows locked rows to an editor and keeps what it decides, until it can be written.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{
    Action, Batch, Column, Editor, Flow, Logical, NewValue, Outcome, Part, Record, RecordKind, Records, Refusal,
    RefusalKind, Rows, Sensitive, Sink,
};
use sha2::{Digest, Sha256};

/// SHA-256 of a row's values.
pub type RowDigest = [u8; 32];

/// A row that is locked and about which the editor decided something.
pub struct Locked<P> {
    /// Its identity.
    pub record: Record,
    /// Where it is.
    pub place: P,
    /// What stood in it.
    pub before: RowDigest,
    /// Values that the database computes from others of the row: they are to be gone once those are changed.
    pub computed: Vec<Assign>,
}

/// A new value of a column.
pub struct Assign {
    /// Index of the column.
    pub column: usize,
    /// The whole value, in the form in which it is read; `None` for null.
    pub new: Option<Sensitive<Vec<u8>>>,
    /// Whether it was shown as raw bytes.
    pub is_bytes: bool,
    /// The whole value that stood there.
    old: Sensitive<Vec<u8>>,
    /// What of it is replaced.
    replaced: Vec<Range<usize>>,
}

impl Assign {
    /// Bytes that it takes in memory.
    pub fn size(&self) -> usize {
        self.new.as_ref().map_or(0, |new| new.expose().len()) + self.old.expose().len()
    }

    /// Whether what is to be replaced stands in a value that the database has computed anew, in any case.
    pub fn still_stands_in(&self, now: &[u8]) -> bool {
        let (old, now) = (self.old.expose().to_ascii_lowercase(), now.to_ascii_lowercase());
        let count = |text: &[u8], part: &[u8]| text.windows(part.len()).filter(|window| *window == part).count();
        let mut parts = self.replaced.iter().map(|place| &old[place.clone()]).filter(|part| !part.is_empty());
        parts.any(|part| count(&now, part) >= count(&old, part))
    }
}

/// A row with its new values.
pub type Changed<P> = (Locked<P>, Vec<Assign>);

/// What the editor decided about some rows.
pub struct Decided<P> {
    /// Rows that go.
    pub going: Vec<Locked<P>>,
    /// Rows in which values are replaced.
    pub changing: Vec<Changed<P>>,
    /// Changes that cannot be made.
    pub refused: Vec<(Record, Refusal)>,
}

/// Takes the batches of locked rows, and asks an editor about them.
///
/// The reader notes the place of each row, in the order in which it pushes them.
pub struct Shown<'e, P> {
    editor: &'e mut dyn Editor,
    places: &'e RefCell<Vec<P>>,
    wanted: HashSet<&'e Record>,
    fields: HashMap<Arc<str>, usize>,
    rows: Vec<Row>,
    refused: Vec<(Record, Refusal)>,
    /// The row of each record; `None` where several have the same.
    by_record: HashMap<Record, Option<usize>>,
}

struct Row {
    record: Record,
    digest: Sha256,
    decision: Decision,
}

enum Decision {
    Nothing,
    Delete,
    Set(Vec<Assign>),
    Refused(Refusal),
}

impl<'e, P> Shown<'e, P> {
    /// Asks about these records of a table with these columns.
    pub fn new(
        editor: &'e mut dyn Editor,
        columns: impl Iterator<Item = Arc<str>>,
        wanted: &'e [Record],
        places: &'e RefCell<Vec<P>>,
    ) -> Self {
        Self {
            editor,
            places,
            wanted: wanted.iter().collect(),
            fields: columns.enumerate().map(|(i, name)| (name, i)).collect(),
            rows: Vec::new(),
            refused: Vec::new(),
            by_record: HashMap::new(),
        }
    }

    /// Whether a record was shown.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub fn has(&self, record: &Record) -> bool {
        self.by_record.contains_key(record)
    }

    /// Refuses records known by their place only that were neither shown nor are among `others`: that nothing stands in
    /// the place any more does not say that the row is gone, for every change of a row moves it.
    pub fn moved(&self, records: &[Record], others: &[(Record, Refusal)]) -> Vec<(Record, Refusal)> {
        let others: HashSet<&Record> = others.iter().map(|(record, _)| record).collect();
        let moved = |record: &&Record| {
            let is_place = record.kind() == RecordKind::Ctid;
            is_place && !self.by_record.contains_key(*record) && !others.contains(record)
        };
        let reason = "nothing stands in the row's place any more, and without a key it cannot be told whether it is gone or has moved: scan again";
        let refused = |record: &Record| (record.clone(), Refusal::new(RefusalKind::Changed, reason));
        records.iter().filter(moved).map(refused).collect()
    }

    /// What the editor decided.
    pub fn decided(self) -> Decided<P> {
        let mut decided = Decided { going: Vec::new(), changing: Vec::new(), refused: self.refused };
        for (row, place) in self.rows.into_iter().zip(self.places.take()) {
            let locked = |record, digest: Sha256| Locked {
                record,
                place,
                before: digest.finalize().into(),
                computed: Vec::new(),
            };
            match row.decision {
                Decision::Nothing => {}
                Decision::Delete => decided.going.push(locked(row.record, row.digest)),
                Decision::Set(values) => decided.changing.push((locked(row.record, row.digest), values)),
                Decision::Refused(refusal) => decided.refused.push((row.record, refusal)),
            }
        }
        decided
    }

    /// The rows of a batch. A row is new, unless this batch holds more of rows that came before.
    fn rows_of(&mut self, batch: &Batch) -> Vec<Option<usize>> {
        let is_keyed = matches!(batch.records, Records::Keyed { .. });
        let row_of = |i| {
            let record = batch.record(i);
            let row = self.rows.len();
            let known = self.by_record.get(&record);
            if !is_keyed && let Some(known) = known {
                return *known;
            }
            let only = if known.is_some() { None } else { Some(row) };
            self.by_record.insert(record.clone(), only);
            self.rows.push(Row { record, digest: Sha256::new(), decision: Decision::Nothing });
            Some(row)
        };
        (0..batch.records.count() as usize).map(row_of).collect()
    }

    fn decide(&mut self, batch: &Batch, record: usize, row: usize, action: Action) {
        let is_window = batch.columns.iter().any(|column| column.window.is_some());
        let decided = match action {
            Action::Delete => Decision::Delete,
            Action::Set(_) if is_window => {
                let reason = "its value is too long to be held whole: delete the record, or change the value by hand";
                Decision::Refused(Refusal::new(RefusalKind::Limit, reason))
            }
            Action::Set(values) => match assigned(batch, record, &self.fields, values) {
                Ok(values) => Decision::Set(values),
                Err(refusal) => Decision::Refused(refusal),
            },
        };
        let decision = &mut self.rows[row].decision;
        match (&mut *decision, decided) {
            (Decision::Delete, _) => {}
            (_, Decision::Delete) => *decision = Decision::Delete,
            (Decision::Refused(_), _) => {}
            (Decision::Set(values), Decision::Set(more)) => values.extend(more),
            (_, decided) => *decision = decided,
        }
    }
}

impl<P> Sink for Shown<'_, P> {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let rows = self.rows_of(&batch);
        for (i, row) in rows.iter().enumerate() {
            if let Some(row) = row {
                add(&mut self.rows[*row].digest, &batch, i);
            }
        }
        for change in self.editor.edit(&batch) {
            let Some(&row) = rows.get(change.record) else { continue };
            let record = batch.record(change.record);
            if !self.wanted.contains(&record) {
                continue;
            }
            match row {
                Some(row) => self.decide(&batch, change.record, row, change.action),
                None => {
                    let reason = "several rows have this key, so that it is not clear which is meant";
                    self.refused.push((record, Refusal::new(RefusalKind::Unsupported, reason)));
                }
            }
        }
        Flow::Continue(())
    }

    fn close(&mut self, _: Outcome) -> Flow {
        Flow::Continue(())
    }
}

/// Takes rows as they stand in a table after they were changed.
#[derive(Default)]
pub struct After {
    rows: Vec<AfterRow>,
    by_record: HashMap<Record, usize>,
}

struct AfterRow {
    digest: Sha256,
    values: HashMap<Arc<str>, Vec<u8>>,
}

impl After {
    /// SHA-256 of the values of each row.
    pub fn digests(&self) -> Vec<RowDigest> {
        self.rows.iter().map(|row| row.digest.clone().finalize().into()).collect()
    }

    /// What stands in a column of the one row; `None` unless there is one.
    pub fn value(&self, column: &str) -> Option<&[u8]> {
        let [_] = &self.rows[..] else { return None };
        Some(self.value_in(0, column))
    }

    /// What stands in a column of the row that came after so many others.
    pub fn value_in(&self, row: usize, column: &str) -> &[u8] {
        self.rows.get(row).and_then(|row| row.values.get(column)).map_or(&[], Vec::as_slice)
    }

    /// The records that came.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub fn into_records(self) -> Vec<Record> {
        self.by_record.into_keys().collect()
    }
}

impl Sink for After {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let is_keyed = matches!(batch.records, Records::Keyed { .. });
        for i in 0..batch.records.count() as usize {
            let record = batch.record(i);
            let known = self.by_record.get(&record).copied().filter(|_| !is_keyed);
            let row = known.unwrap_or_else(|| {
                self.by_record.insert(record, self.rows.len());
                self.rows.push(AfterRow { digest: Sha256::new(), values: HashMap::new() });
                self.rows.len() - 1
            });
            let row = &mut self.rows[row];
            add(&mut row.digest, &batch, i);
            for column in &batch.columns {
                if let Some(value) = value_of(column, i).filter(|value| !value.is_empty()) {
                    row.values.entry(column.field.clone()).or_default().extend_from_slice(&column.bytes[value]);
                }
            }
        }
        Flow::Continue(())
    }

    fn close(&mut self, _: Outcome) -> Flow {
        Flow::Continue(())
    }
}

/// Adds what a batch has of a record, values that are null or empty left out.
pub fn add(digest: &mut Sha256, batch: &Batch, record: usize) {
    for column in &batch.columns {
        if let Some(value) = value_of(column, record).filter(|value| !value.is_empty()) {
            let bytes = &column.bytes[value];
            for part in [column.field.as_bytes(), bytes] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
    }
}

/// Where the value of a record stands in a column.
fn value_of(column: &Column, record: usize) -> Option<Range<usize>> {
    let value = match &column.rows {
        Rows::Each => record,
        Rows::Listed(rows) => rows.binary_search(&(record as u32)).ok()?,
        Rows::Dictionary(keys) => keys.get(record).filter(|key| **key != u32::MAX).map(|key| *key as usize)?,
    };
    Some(*column.offsets.get(value)? as usize..*column.offsets.get(value + 1)? as usize)
}

/// The whole new values of a record, its replacements made.
fn assigned(
    batch: &Batch,
    record: usize,
    fields: &HashMap<Arc<str>, usize>,
    values: Vec<NewValue>,
) -> Result<Vec<Assign>, Refusal> {
    let mut by_column: BTreeMap<usize, Vec<NewValue>> = BTreeMap::new();
    for value in values {
        by_column.entry(value.column).or_default().push(value);
    }
    by_column.into_iter().map(|(column, values)| assign(batch, record, fields, column, values)).collect()
}

fn assign(
    batch: &Batch,
    record: usize,
    fields: &HashMap<Arc<str>, usize>,
    column: usize,
    mut values: Vec<NewValue>,
) -> Result<Assign, Refusal> {
    let meaningless = || Refusal::new(RefusalKind::Unsupported, "the change is not of a value of this record");
    let column = batch.columns.get(column).ok_or_else(meaningless)?;
    let old = value_of(column, record).ok_or_else(meaningless)?;
    let place = |value: &NewValue| value.bytes.start as usize..value.bytes.end as usize;
    values.sort_by_key(|value| value.bytes.start);
    let inside = values.iter().map(place).all(|place| old.start <= place.start && place.end <= old.end);
    let apart = values.windows(2).all(|pair| pair[0].bytes.end <= pair[1].bytes.start);
    if !inside || !apart {
        return Err(meaningless());
    }
    let is_whole = values.len() == 1 && place(&values[0]) == old;
    let new = match &values[..] {
        [NewValue { new: None, .. }] if is_whole => None,
        _ => {
            let mut new = Vec::with_capacity(old.len());
            let mut at = old.start;
            for value in &values {
                let place = place(value);
                new.extend_from_slice(&column.bytes[at..place.start]);
                new.extend_from_slice(value.new.as_ref().ok_or_else(meaningless)?.expose());
                at = place.end;
            }
            new.extend_from_slice(&column.bytes[at..old.end]);
            Some(Sensitive::new(new))
        }
    };
    let index = *fields.get(&column.field).ok_or_else(meaningless)?;
    let replaced = values.iter().map(place).map(|place| place.start - old.start..place.end - old.start).collect();
    let old = Sensitive::new(column.bytes[old].to_vec());
    Ok(Assign { column: index, new, is_bytes: column.logical == Logical::Bytes, old, replaced })
}
