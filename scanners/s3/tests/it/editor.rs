//! Deletes the records that hold a text, and remembers what it was refused.

use std::collections::{BTreeMap, BTreeSet};

use residuum_s3::S3;
use residuum_source::conformance::{self, Collect};
use residuum_source::{
    Action, Apply as _, Batch, Change, Editor, Limits, ObjectPath, Part, Receipt, Record, RecordKind, Records, Refusal,
    RefusalKind, Rows, Target,
};

/// What came of an edit.
#[derive(Debug)]
pub struct Edited {
    pub receipts: Vec<Receipt>,
    pub refused: Vec<Refusal>,
}

impl Edited {
    /// The refusal of the whole object, which is the only one.
    #[track_caller]
    pub fn refusal(&self, kind: RefusalKind, parts: &[&str]) {
        assert_eq!(self.receipts, [], "nothing is written");
        assert_eq!(self.refused.len(), 1, "{:?}", self.refused);
        assert_eq!(self.refused[0].kind, kind, "{:?}", self.refused);
        for part in parts {
            assert!(self.refused[0].reason.contains(part), "expected `{part}` in: {}", self.refused[0].reason);
        }
    }

    /// The notes of the one receipt.
    #[track_caller]
    pub fn notes(&self) -> &[String] {
        assert_eq!((self.receipts.len(), self.refused.len()), (1, 0), "{self:?}");
        &self.receipts[0].notes
    }
}

/// The records of an object that hold the text, as they are found now.
pub fn target(source: &S3, name: &str, text: &str) -> Target {
    let unit = conformance::whole(source, name);
    let read = Collect::unit(source, &unit, &Limits::default()).expect("it can be read");
    let holds = |value: &[u8]| value.windows(text.len()).any(|window| window == text.as_bytes());
    let mut records: BTreeMap<ObjectPath, Vec<Record>> = BTreeMap::new();
    for (part, values) in &read.values {
        let wanted = values.iter().filter(|(.., value)| holds(value)).map(|(record, ..)| record.whole());
        let part = ObjectPath::from_escaped(part).expect("a valid name");
        records.insert(part, wanted.collect());
    }
    records.retain(|_, records| !records.is_empty());
    records.values_mut().for_each(|records| {
        records.sort();
        records.dedup();
    });
    Target { object: unit.objects[0].path.clone(), version: Some(unit.objects[0].version.clone()), records }
}

/// Deletes what holds the text, and does something else whenever it is asked.
pub fn delete(source: &S3, target: &Target, text: &str, meanwhile: &mut dyn FnMut()) -> Edited {
    let mut editor = Deletes { text, meanwhile, refused: Vec::new() };
    let receipts = source.apply(std::slice::from_ref(target), &Limits::default(), &mut editor).expect("it is applied");
    Edited { receipts, refused: editor.refused }
}

/// Finds and deletes at once.
pub fn delete_all(source: &S3, name: &str, text: &str) -> Edited {
    delete(source, &target(source, name, text), text, &mut || ())
}

struct Deletes<'t> {
    text: &'t str,
    meanwhile: &'t mut dyn FnMut(),
    refused: Vec<Refusal>,
}

impl Editor for Deletes<'_> {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        (self.meanwhile)();
        let holds = |value: &[u8]| value.windows(self.text.len()).any(|window| window == self.text.as_bytes());
        let mut records = BTreeSet::new();
        for column in &batch.columns {
            if matches!(batch.records, Records::Sequence { kind: RecordKind::Document, .. }) {
                records.extend(holds(&column.bytes).then_some(0));
                continue;
            }
            assert!(matches!(column.rows, Rows::Each), "only tables and documents are edited here");
            records.extend((0..column.len()).filter(|&record| holds(column.value(record))));
        }
        records.into_iter().map(|record| Change { record, action: Action::Delete }).collect()
    }

    fn close(&mut self) {}

    fn refused(&mut self, _: &ObjectPath, _: Option<&Record>, refusal: Refusal) {
        self.refused.push(refusal);
    }
}
