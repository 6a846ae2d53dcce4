//! Edits that need not succeed, and what is told of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use residuum_source::{
    Action, Apply, Batch, Change, Editor, Limits, NewValue, ObjectPath, Part, Record, Refusal, Rows, Sensitive, Target,
};

use super::store::Store;
use crate::testing::read_bytes;

/// What came of edits of one object.
pub(super) struct Told {
    pub deleted: u64,
    pub changed: u64,
    pub refused: Vec<(String, Option<Record>, Refusal)>,
    /// The object afterwards.
    pub bytes: Vec<u8>,
}

impl Told {
    /// Nothing was written, and that was said once, in these words.
    pub fn is_refused(&self, before: &[u8], why: &str, case: &str) {
        let reasons: Vec<&str> = self.refused.iter().map(|(.., refusal)| refusal.reason.as_str()).collect();
        assert!(reasons.len() == 1 && reasons[0].contains(why), "{case}: {reasons:?}");
        assert_eq!((self.deleted, self.changed), (0, 0), "{case}");
        assert!(self.bytes == before, "{case}: nothing is written");
    }
}

/// What is done with the records in which a text stands.
#[derive(Clone, Copy)]
pub(super) enum Do {
    Delete,
    /// Only the text itself is replaced.
    Replace(&'static str),
}

/// Edits the records of a part in which a text stands.
pub(super) fn edit(name: &str, bytes: &[u8], part: &str, holds: &'static str, what: Do, limits: &Limits) -> Told {
    let seen = read_bytes(name, bytes);
    let is_one = |value: &&crate::testing::Value| {
        value.part == part && memchr::memmem::find(&value.bytes, holds.as_bytes()).is_some()
    };
    let records: BTreeSet<Record> = seen.values.iter().filter(is_one).map(|value| value.record.whole()).collect();
    assert!(!records.is_empty(), "`{holds}` stands in `{part}`");
    let path = ObjectPath::from_escaped(part).unwrap();
    let records = BTreeMap::from([(path.clone(), records.into_iter().collect())]);
    let target = Target { object: path.outermost(), version: None, records };
    let store = Store::with(name, bytes);
    let mut editor = ByText { holds, what, refused: Vec::new() };
    let receipts = store.apply(&[target], limits, &mut editor).unwrap();
    let sum = |of: fn(&residuum_source::Receipt) -> u64| receipts.iter().map(of).sum();
    Told {
        deleted: sum(|receipt| receipt.deleted),
        changed: sum(|receipt| receipt.changed),
        refused: editor.refused,
        bytes: store.bytes(name).unwrap_or_default(),
    }
}

/// Edits whatever it is shown that holds a text.
struct ByText {
    holds: &'static str,
    what: Do,
    refused: Vec<(String, Option<Record>, Refusal)>,
}

impl Editor for ByText {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let mut changes = Vec::new();
        for (index, column) in batch.columns.iter().enumerate() {
            for value in 0..column.len() {
                let Some(at) = memchr::memmem::find(column.value(value), self.holds.as_bytes()) else { continue };
                let record = match &column.rows {
                    Rows::Each => value,
                    Rows::Listed(rows) => rows[value] as usize,
                    Rows::Dictionary(keys) => keys.iter().position(|&key| key as usize == value).unwrap(),
                };
                let from = column.offsets[value] + at as u32;
                let action = match self.what {
                    Do::Delete => Action::Delete,
                    Do::Replace(new) => Action::Set(vec![NewValue {
                        column: index,
                        bytes: from..from + self.holds.len() as u32,
                        new: Some(Sensitive::new(new.as_bytes().to_vec())),
                    }]),
                };
                changes.push(Change { record, action });
            }
        }
        changes
    }

    fn close(&mut self) {}

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.refused.push((part.to_string(), record.cloned(), refusal));
    }
}

/// Bytes that others may take the place of.
impl crate::ReadAt for Mutex<Vec<u8>> {
    fn size(&self) -> u64 {
        self.lock().unwrap().len() as u64
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> std::io::Result<usize> {
        self.lock().unwrap().read_at(buf, at)
    }
}

/// Deletes all, and changes the bytes when it has seen them.
pub(super) struct DeleteAndChange {
    pub bytes: Arc<Mutex<Vec<u8>>>,
    pub then: Vec<u8>,
    pub refused: Vec<(String, Refusal)>,
}

impl Editor for DeleteAndChange {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        (0..batch.records.count() as usize).map(|record| Change { record, action: Action::Delete }).collect()
    }

    fn close(&mut self) {
        self.bytes.lock().unwrap().clone_from(&self.then);
    }

    fn refused(&mut self, part: &ObjectPath, _: Option<&Record>, refusal: Refusal) {
        self.refused.push((part.to_string(), refusal));
    }
}
