//! What every connector must do that writes: make exactly the changes asked for, and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Collect, Seen, is_lines, list, read_all};
use crate::{
    Action, Batch, Change, Editor, Limits, NewValue, ObjectPath, Part, Receipt, Record, RecordKind, Refusal,
    RefusalKind, Rows, Sensitive, Source, SplitTarget, Target,
};

/// Edits of one part, chosen by values that stand in it.
#[derive(Clone, Debug)]
pub struct Edits {
    part: String,
    delete: Vec<(String, String)>,
    set: Vec<(String, String, Option<String>)>,
    may_go: Option<RecordKind>,
}

impl Edits {
    /// No edits yet of the part of this full name.
    pub fn new(part: &str) -> Self {
        Self { part: part.to_owned(), delete: Vec::new(), set: Vec::new(), may_go: None }
    }

    /// Deletes the records in which this value stands, whole, in a field; in running text the lines that contain it.
    #[must_use]
    pub fn delete(mut self, field: &str, value: &str) -> Self {
        self.delete.push((field.to_owned(), value.to_owned()));
        self
    }

    /// Replaces a text wherever it stands within values of a field; the empty field name is running text.
    #[must_use]
    pub fn set(mut self, field: &str, old: &str, new: &str) -> Self {
        self.set.push((field.to_owned(), old.to_owned(), Some(new.to_owned())));
        self
    }

    /// Makes values of a field null that are this, whole.
    #[must_use]
    pub fn null(mut self, field: &str, value: &str) -> Self {
        self.set.push((field.to_owned(), value.to_owned(), None));
        self
    }

    /// Records of this kind may go or stay: what stands in a file beside its rows goes when these are written anew.
    #[must_use]
    pub fn may_go(mut self, kind: RecordKind) -> Self {
        self.may_go = Some(kind);
        self
    }

    /// Whether a record with this value goes.
    fn deletes(&self, field: &str, value: &[u8], is_line: bool) -> bool {
        self.delete.iter().any(|(of, whole)| {
            of == field && if is_line { find(value, whole).is_some() } else { value == whole.as_bytes() }
        })
    }

    /// The stretches of a value that are replaced, ascending, with what stands there afterwards.
    fn replaces(&self, field: &str, value: &[u8]) -> Vec<(std::ops::Range<usize>, Option<&str>)> {
        let mut found = Vec::new();
        for (_, old, new) in self.set.iter().filter(|(of, ..)| of == field) {
            match new {
                None if value == old.as_bytes() => found.push((0..value.len(), None)),
                None => {}
                Some(new) => {
                    let mut from = 0;
                    while let Some(at) = find(&value[from..], old) {
                        found.push((from + at..from + at + old.len(), Some(new.as_str())));
                        from += at + old.len();
                    }
                }
            }
        }
        found.sort_by_key(|(stretch, _)| stretch.start);
        found
    }

    fn replaced(&self, field: &str, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        for (stretch, new) in self.replaces(field, &value.clone()).into_iter().rev() {
            value.splice(stretch, new.unwrap_or_default().bytes());
        }
        value
    }
}

fn find(value: &[u8], wanted: &str) -> Option<usize> {
    value.windows(wanted.len()).position(|window| window == wanted.as_bytes())
}

/// Makes the edits and compares all that the source holds before and after; then makes them again, to no effect.
///
/// Gives the receipts. The source must be a small one: running text has to fit into one batch.
///
/// # Panics
/// If a change is refused or missing, or anything else has changed.
pub fn check_apply(source: &dyn Source, edits: &Edits) -> Vec<Receipt> {
    let apply = source.as_apply().expect("the source can be written to");
    let read = || read_all(source, &list(source), SplitTarget { bytes: u64::MAX }, &Limits::default());
    let before = read();
    let target = target(&before, edits);
    assert!(!target.records.values().all(Vec::is_empty), "there is something to edit in `{}`", edits.part);
    let mut editor = ByValue::new(edits);
    let receipts =
        apply.apply(std::slice::from_ref(&target), &Limits::default(), &mut editor).expect("edits are applied");
    assert_eq!(editor.refused, [], "nothing is refused");
    let told: (u64, u64) = receipts.iter().fold((0, 0), |sum, of| (sum.0 + of.deleted, sum.1 + of.changed));
    assert_eq!(told, editor.asked(), "deleted and changed records of the receipts");

    let after = read();
    let names = |all: &Collect| all.values.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&before), names(&after), "the same parts are there");
    for (name, values) in &before.values {
        if *name == edits.part {
            let compared = |values: &[Seen]| -> Vec<Seen> {
                values.iter().filter(|(record, ..)| Some(record.kind()) != edits.may_go).cloned().collect()
            };
            let expected = records(&compared(values), Some(edits));
            let is = records(&compared(&after.values[name]), None);
            assert!(expected == is, "`{name}` holds what it should: {} and {} records", expected.len(), is.len());
        } else {
            assert!(records(values, None) == records(&after.values[name], None), "`{name}` is as it was");
        }
    }
    let mut again = ByValue::new(edits);
    let receipts_again = apply.apply(&[target], &Limits::default(), &mut again).expect("edits are applied again");
    // A place at which nothing stands any more does not say whether its row is gone.
    again.refused.retain(|(record, refusal)| {
        let is_place = record.as_ref().is_some_and(|record| record.kind() == RecordKind::Ctid);
        !(is_place && refusal.kind == RefusalKind::Changed)
    });
    assert_eq!((receipts_again, again.refused), (Vec::new(), Vec::new()), "what is done is done once");
    receipts
}

/// The records that the edits concern.
fn target(before: &Collect, edits: &Edits) -> Target {
    let part = ObjectPath::from_escaped(&edits.part).expect("a valid name");
    let values = before.values.get(&edits.part).unwrap_or_else(|| panic!("`{}` is read", edits.part));
    let mut found = BTreeSet::new();
    for (record, field, value) in values {
        if field.is_empty() && record.kind() == RecordKind::Line {
            for (number, line) in value.split(|&byte| byte == b'\n').enumerate() {
                if edits.deletes(field, line, true) || !edits.replaces(field, line).is_empty() {
                    found.insert(Record::Number(RecordKind::Line, record.number() + number as u64));
                }
            }
        } else if edits.deletes(field, value, false) || !edits.replaces(field, value).is_empty() {
            found.insert(record.clone());
        }
    }
    Target { object: part.outermost(), version: None, records: BTreeMap::from([(part, found.into_iter().collect())]) }
}

/// The records of a part by content: what they are numbered is left out, since deleting moves those behind.
fn records(values: &[Seen], edits: Option<&Edits>) -> Vec<Vec<(String, Vec<u8>)>> {
    let mut by_record: BTreeMap<Record, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for (record, field, value) in values {
        if field.is_empty() && record.kind() == RecordKind::Line {
            for (number, line) in value.split(|&byte| byte == b'\n').enumerate() {
                let line_record = Record::Number(RecordKind::Line, record.number() + number as u64);
                by_record.entry(line_record).or_default().push((String::new(), line.to_vec()));
            }
        } else {
            by_record.entry(record.whole()).or_default().push((field.clone(), value.clone()));
        }
    }
    let mut all: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
    for (record, mut values) in by_record {
        let is_line = record.kind() == RecordKind::Line;
        if let Some(edits) = edits {
            if values.iter().any(|(field, value)| edits.deletes(field, value, is_line)) {
                continue;
            }
            for (field, value) in &mut values {
                *value = edits.replaced(field, value);
            }
        }
        values.retain(|(field, value)| (is_line && field.is_empty()) || !value.is_empty());
        values.sort();
        if !values.is_empty() {
            all.push(values);
        }
    }
    all.sort();
    all
}

/// Edits whatever holds the values, wherever it stands now.
struct ByValue<'e> {
    edits: &'e Edits,
    open: Vec<Part>,
    deleted: BTreeSet<Record>,
    changed: BTreeSet<Record>,
    refused: Vec<(Option<Record>, Refusal)>,
}

impl<'e> ByValue<'e> {
    fn new(edits: &'e Edits) -> Self {
        Self { edits, open: Vec::new(), deleted: BTreeSet::new(), changed: BTreeSet::new(), refused: Vec::new() }
    }

    fn asked(&self) -> (u64, u64) {
        (self.deleted.len() as u64, self.changed.len() as u64)
    }

    /// The values of one column, each with its record's number in the batch.
    fn values(batch: &Batch, column: usize) -> Vec<(usize, std::ops::Range<usize>)> {
        let held = &batch.columns[column];
        let range = |value: usize| held.offsets[value] as usize..held.offsets[value + 1] as usize;
        match &held.rows {
            Rows::Each if is_lines(batch) => {
                let (mut start, mut lines) = (0, Vec::new());
                for (number, line) in held.bytes.split(|&byte| byte == b'\n').enumerate() {
                    lines.push((number, start..start + line.len()));
                    start += line.len() + 1;
                }
                lines
            }
            Rows::Each => (0..held.len()).map(|i| (i, range(i))).collect(),
            Rows::Listed(rows) => rows.iter().enumerate().map(|(i, &row)| (row as usize, range(i))).collect(),
            Rows::Dictionary(keys) => {
                let there = keys.iter().enumerate().filter(|(_, key)| **key != u32::MAX);
                there.map(|(row, &key)| (row, range(key as usize))).collect()
            }
        }
    }
}

impl Editor for ByValue<'_> {
    fn open(&mut self, part: &Part) {
        self.open.push(part.clone());
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        if self.open.last().is_none_or(|part| part.path.as_str() != self.edits.part) {
            return Vec::new();
        }
        let mut actions: BTreeMap<usize, Action> = BTreeMap::new();
        for (number, column) in batch.columns.iter().enumerate() {
            for (record, stretch) in Self::values(batch, number) {
                let value = &column.bytes[stretch.clone()];
                if self.edits.deletes(&column.field, value, is_lines(batch)) {
                    actions.insert(record, Action::Delete);
                }
                for (of_value, new) in self.edits.replaces(&column.field, value) {
                    let bytes = (stretch.start + of_value.start) as u32..(stretch.start + of_value.end) as u32;
                    let new = new.map(|new| Sensitive::new(new.as_bytes().to_vec()));
                    let value = NewValue { column: number, bytes, new };
                    match actions.entry(record).or_insert_with(|| Action::Set(Vec::new())) {
                        Action::Set(values) => values.push(value),
                        Action::Delete => {}
                    }
                }
            }
        }
        for (&record, action) in &actions {
            let id = batch.record(record);
            match action {
                Action::Delete => self.deleted.insert(id),
                Action::Set(_) => self.changed.insert(id),
            };
        }
        actions.into_iter().map(|(record, action)| Change { record, action }).collect()
    }

    fn close(&mut self) {
        self.open.pop();
    }

    fn refused(&mut self, _: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.refused.push((record.cloned(), refusal));
    }
}
