//! What tests of every connector that writes do: choose records, say what becomes of them, and look at what was refused.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use residuum_source::conformance::Collect;
use residuum_source::{
    Action, Batch, Change, Editor, Limits, NewValue, ObjectPath, Part, Receipt, Record, Refusal, RefusalKind, Rows,
    Sensitive, Source, SourceError, Target,
};

use crate::reading::{named, objects, read};

/// What becomes of every record that is shown.
#[derive(Clone, Copy, Debug)]
pub enum Becomes {
    /// It goes.
    Gone,
    /// A field gets a value.
    Set(&'static str, &'static str),
    /// A field becomes null.
    Null(&'static str),
}

/// Does the same to every record, and keeps what it saw.
pub struct All {
    becomes: Becomes,
    /// The values seen, by field.
    pub seen: Vec<(String, String)>,
    /// What was refused: the part, the record, the refusal.
    pub refused: Vec<(String, Option<Record>, Refusal)>,
}

impl All {
    pub fn new(becomes: Becomes) -> Self {
        Self { becomes, seen: Vec::new(), refused: Vec::new() }
    }
}

impl Editor for All {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        for column in &batch.columns {
            let value = |i| (column.field.to_string(), String::from_utf8_lossy(column.value(i)).into_owned());
            self.seen.extend((0..column.len()).map(value));
        }
        let all = 0..batch.records.count() as usize;
        let (field, new) = match self.becomes {
            Becomes::Gone => return all.map(|record| Change { record, action: Action::Delete }).collect(),
            Becomes::Set(field, new) => (field, Some(Sensitive::new(new.as_bytes().to_vec()))),
            Becomes::Null(field) => (field, None),
        };
        let Some(number) = batch.columns.iter().position(|column| &*column.field == field) else { return Vec::new() };
        let column = &batch.columns[number];
        let value = |record: usize| match &column.rows {
            Rows::Listed(rows) => rows.binary_search(&(record as u32)).ok(),
            _ => Some(record),
        };
        let change = |record: usize| {
            let value = value(record)?;
            let bytes = column.offsets[value]..column.offsets[value + 1];
            let action = Action::Set(vec![NewValue { column: number, bytes, new: new.clone() }]);
            Some(Change { record, action })
        };
        all.filter_map(change).collect()
    }

    fn close(&mut self) {}

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.refused.push((part.as_str().to_owned(), record.cloned(), refusal));
    }
}

/// The records of a table in which some value is this.
pub fn with_value(source: &dyn Source, table: &str, value: &str) -> Target {
    let listed = objects(source);
    let object = named(&listed, table);
    let all: Collect = read(source, object);
    let mut records: Vec<_> =
        all.values[table].iter().filter(|(.., v)| v == value.as_bytes()).map(|(record, ..)| record.clone()).collect();
    records.sort();
    records.dedup();
    assert!(!records.is_empty(), "`{value}` stands in `{table}`");
    target(table, records)
}

/// These records of a table.
pub fn target(table: &str, records: Vec<Record>) -> Target {
    let object = ObjectPath::from_escaped(table).unwrap();
    Target { object: object.clone(), version: None, records: BTreeMap::from([(object, records)]) }
}

/// Does the same to all records of some targets.
pub fn apply(source: &dyn Source, targets: &[Target], becomes: Becomes) -> (Result<Vec<Receipt>, SourceError>, All) {
    let mut editor = All::new(becomes);
    let receipts = source.as_apply().unwrap().apply(targets, &Limits::default(), &mut editor);
    (receipts, editor)
}

/// Checks that a change to the one record of a table with this value is refused, so and with these words.
pub fn check_refused(
    source: &dyn Source,
    table: &str,
    value: &str,
    becomes: Becomes,
    kind: RefusalKind,
    words: &[&str],
) {
    let target = with_value(source, table, value);
    let (receipts, editor) = apply(source, &[target], becomes);
    assert_eq!(receipts.unwrap(), [], "{table} {value} {becomes:?}: nothing is written");
    let [(_, _, refusal)] = &editor.refused[..] else { panic!("{table} {value} {becomes:?}: {:?}", editor.refused) };
    assert_eq!(refusal.kind, kind, "{table} {value} {becomes:?}: {}", refusal.reason);
    for word in words {
        assert!(refusal.reason.contains(word), "{table} {value} {becomes:?}: `{}` says {word}", refusal.reason);
    }
    assert!(!refusal.reason.contains(value), "{table}: no value stands in `{}`", refusal.reason);
}

/// Checks that a target whose rows are told apart otherwise by now is refused, record by record, and not taken for gone.
pub fn check_told_apart_otherwise(source: &dyn Source, target: &Target) {
    let (receipts, editor) = apply(source, std::slice::from_ref(target), Becomes::Gone);
    assert_eq!(receipts.unwrap(), [], "{}", target.object);
    let refused: Vec<_> = editor.refused.iter().map(|(_, record, refusal)| (record.clone(), refusal.kind)).collect();
    let records = target.records.values().flatten();
    let expected: Vec<_> = records.map(|record| (Some(record.clone()), RefusalKind::Changed)).collect();
    assert_eq!(refused, expected, "{}", target.object);
    assert!(editor.refused[0].2.reason.contains("scan again"), "{}", editor.refused[0].2.reason);
}

/// Checks that all records of a table are fetched as they are read, however they are asked for.
pub fn check_fetch(source: &dyn Source, table: &str) {
    let listed = objects(source);
    let whole = read(source, named(&listed, table));
    let mut expected: Vec<_> = whole.values[table].iter().filter(|(.., v)| !v.is_empty()).cloned().collect();
    expected.sort();
    let mut records: Vec<_> = expected.iter().map(|(record, ..)| record.clone()).collect();
    records.dedup();
    let path = ObjectPath::from_escaped(table).unwrap();
    let fetch = |records: &[Record]| {
        let mut fetched = Collect::default();
        source.as_fetch().unwrap().fetch(&path, records, &Limits::default(), &mut fetched).unwrap();
        let mut values = fetched.values.remove(table).unwrap_or_default();
        values.retain(|(.., value)| !value.is_empty());
        values.sort();
        values
    };
    assert!(fetch(&records) == expected, "`{table}`: all records are fetched as they are read");
    let last = &records[records.len() - 1..];
    let expected: Vec<_> = expected.into_iter().filter(|(record, ..)| record == &last[0]).collect();
    assert_eq!(fetch(last), expected, "`{table}`: one record is fetched");
}

/// A program whose session holds a transaction open; it ends with this.
pub struct Holding(Child);

impl Holding {
    /// Starts the program, and waits until its session is seen to be where it stays.
    pub fn begin(mut command: Command, is_there: impl Fn() -> bool) -> Self {
        let holding = Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        for _ in 0..400 {
            if is_there() {
                return holding;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("the other session begins");
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
