//! What every connector must do, checked against data whose content the caller knows.
//!
//! The suite lists, splits and reads a source as a scan would and compares with an [`Expected`] that the
//! test made by other means: `SELECT count(*)`, `wc -l`, the program that wrote the files.

mod apply;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Batch, Coverage, Flow, Limits, Object, ObjectPath, Outcome, Part, Range, Record, Records, Rows, Sink, Source,
    SourceError, SplitTarget, Stop, Unit,
};

pub use apply::{Edits, check_apply};

/// What is known about the content of a source.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    objects: BTreeMap<String, u64>,
    not_read: BTreeMap<String, Coverage>,
    values: Vec<(String, String, String)>,
}

impl Expected {
    /// Nothing expected yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A part that is read, by full name, with its number of records.
    #[must_use]
    pub fn object(mut self, name: &str, records: u64) -> Self {
        self.objects.insert(name.to_owned(), records);
        self
    }

    /// An object or part that is listed but not, or not fully, read.
    #[must_use]
    pub fn not_read(mut self, name: &str, state: Coverage) -> Self {
        self.not_read.insert(name.to_owned(), state);
        self
    }

    /// A value that must be seen in a part under a field.
    #[must_use]
    pub fn value(mut self, object: &str, field: &str, value: &str) -> Self {
        self.values.push((object.to_owned(), field.to_owned(), value.to_owned()));
        self
    }
}

/// A value as a reader gave it: (record, field, bytes).
pub type Seen = (Record, String, Vec<u8>);

/// Everything a reader pushed, part by part. Useful in any test that reads.
#[derive(Default, Debug)]
pub struct Collect {
    /// Closed parts with what became of them, in closing order. A part read in several ranges stands several times.
    pub closed: Vec<(Part, Outcome)>,
    /// The values of each part.
    pub values: BTreeMap<String, Vec<Seen>>,
    /// Largest batch seen, in bytes.
    pub largest_batch: usize,
    /// Stop after this many batches.
    pub stop_after: Option<usize>,
    open: Vec<Part>,
    batches: usize,
}

impl Collect {
    /// Reads a unit and collects what it gives.
    ///
    /// # Errors
    /// What the source says.
    pub fn unit(source: &dyn Source, unit: &Unit, limits: &Limits) -> Result<Self, SourceError> {
        let mut collect = Self::default();
        source.read(unit, limits, &mut collect)?;
        assert!(collect.open.is_empty(), "a reader that ends without error closes every part");
        Ok(collect)
    }

    /// Total of records over all closed parts of this name.
    pub fn records(&self, name: &str) -> u64 {
        self.closed.iter().filter(|(part, _)| part.path.as_str() == name).map(|(_, o)| o.records).sum()
    }
}

impl Sink for Collect {
    fn open(&mut self, part: Part) -> Flow {
        self.values.entry(part.path.as_str().to_owned()).or_default();
        self.open.push(part);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        check_shape(&batch);
        self.batches += 1;
        self.largest_batch = self.largest_batch.max(batch.columns.iter().map(|c| c.bytes.len()).sum());
        let part = self.open.last().expect("a batch belongs to an open part");
        let seen = self.values.get_mut(part.path.as_str()).expect("opened above");
        for column in 0..batch.columns.len() {
            seen.extend(values_of(&batch, column));
        }
        if self.stop_after.is_some_and(|limit| self.batches >= limit) {
            return Flow::Break(Stop);
        }
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        let part = self.open.pop().expect("only an open part is closed");
        self.closed.push((part, outcome));
        Flow::Continue(())
    }
}

fn values_of(batch: &Batch, number: usize) -> Vec<Seen> {
    let column = &batch.columns[number];
    let seen = |record: usize, value: usize| {
        (batch.place_of(record, number), column.field.to_string(), column.value(value).to_vec())
    };
    match &column.rows {
        Rows::Each => (0..column.len()).map(|i| seen(if is_lines(batch) { 0 } else { i }, i)).collect(),
        Rows::Listed(rows) => rows.iter().enumerate().map(|(i, &row)| seen(row as usize, i)).collect(),
        Rows::Dictionary(keys) => {
            let held = keys.iter().enumerate().filter(|(_, key)| **key != u32::MAX);
            held.map(|(row, &key)| seen(row, key as usize)).collect()
        }
    }
}

fn is_lines(batch: &Batch) -> bool {
    matches!(batch.records, Records::Lines { .. })
}

/// Checks that a batch is well formed; a test that has batches by other means may call it, too.
///
/// # Panics
/// If it is not.
pub fn check_shape(batch: &Batch) {
    let mut names = BTreeSet::new();
    if let Records::Cells { rows, columns, .. } = &batch.records {
        assert_eq!(columns.len(), batch.columns.len(), "a column of the sheet for each column");
        assert!(rows.is_sorted(), "rows of a sheet ascend");
    }
    for column in &batch.columns {
        let field = &column.field;
        assert!(names.insert(field.clone()), "field `{field}` stands twice in one batch");
        assert_eq!(column.offsets.first(), Some(&0), "`{field}`: offsets start at 0");
        assert!(column.offsets.is_sorted(), "`{field}`: offsets ascend");
        assert_eq!(
            column.offsets.last().copied(),
            Some(column.bytes.len() as u32),
            "`{field}`: offsets end at the last byte"
        );
        let records = batch.records.count();
        match &column.rows {
            Rows::Each if is_lines(batch) => assert_eq!(column.len(), 1, "running text is one value"),
            Rows::Each => assert_eq!(column.len() as u64, records, "`{field}`: one value for each record"),
            Rows::Listed(rows) => {
                assert_eq!(rows.len(), column.len(), "`{field}`: one row number for each value");
                assert!(rows.is_sorted(), "`{field}`: row numbers ascend");
                assert!(rows.iter().all(|&row| u64::from(row) < records), "`{field}`: rows exist");
            }
            Rows::Dictionary(keys) => {
                assert_eq!(keys.len() as u64, records, "`{field}`: one key for each record");
                let exists = |&key: &u32| key == u32::MAX || (key as usize) < column.len();
                assert!(keys.iter().all(exists), "`{field}`: keys exist");
            }
        }
    }
}

/// Runs the whole suite.
///
/// # Panics
/// At the first thing that is not as it must be, naming it.
pub fn check(source: &dyn Source, expected: &Expected) {
    let objects = list(source);
    let listed: BTreeSet<_> = objects.iter().map(|o| o.path.as_str().to_owned()).collect();
    assert_eq!(listed.len(), objects.len(), "no object is listed twice");
    assert_eq!(listed, list(source).iter().map(|o| o.path.as_str().to_owned()).collect(), "two listings agree");
    assert!(!source.kind().is_empty() && !source.name().is_empty());
    source.check().expect("a source that lists can be checked");

    let whole = read_all(source, &objects, SplitTarget { bytes: u64::MAX }, &Limits::default());
    let mut states: BTreeMap<String, Coverage> = BTreeMap::new();
    for object in &objects {
        if let Some((state, reason)) = &object.not_read {
            assert!(!reason.is_empty(), "`{}` says why it is not read", object.path);
            states.insert(object.path.as_str().to_owned(), *state);
        }
    }
    for (part, outcome) in &whole.closed {
        if outcome.coverage != Coverage::Read {
            assert!(outcome.reason.is_some(), "`{}` says why it is {}", part.path, outcome.coverage.name());
        }
        states.insert(part.path.as_str().to_owned(), outcome.coverage);
    }
    for (name, state) in &expected.not_read {
        assert_eq!(states.get(name), Some(state), "state of `{name}`");
    }
    for (name, records) in &expected.objects {
        assert_eq!(states.get(name), Some(&Coverage::Read), "state of `{name}`; seen: {:?}", states.keys());
        assert_eq!(whole.records(name), *records, "records of `{name}`");
    }
    for (object, field, value) in &expected.values {
        let seen = whole.values.get(object).unwrap_or_else(|| panic!("`{object}` is read"));
        let found = seen.iter().any(|(_, f, v)| f == field && contains(v, value.as_bytes()));
        assert!(found, "a known value of `{object}` stands under `{field}`");
    }

    splits_agree(source, &objects, &whole);
    stops_when_asked(source, &objects);
}

fn contains(value: &[u8], wanted: &[u8]) -> bool {
    value == wanted || (!wanted.is_empty() && value.windows(wanted.len()).any(|window| window == wanted))
}

fn list(source: &dyn Source) -> Vec<Object> {
    let mut objects = Vec::new();
    let listed = source.list(&mut |object| {
        objects.push(object);
        Flow::Continue(())
    });
    listed.expect("the source can be listed");
    objects
}

fn read_all(source: &dyn Source, objects: &[Object], target: SplitTarget, limits: &Limits) -> Collect {
    let mut all = Collect::default();
    for object in objects.iter().filter(|o| o.not_read.is_none()) {
        let ranges = source.split(object, target).expect("an object that is listed can be split");
        assert!(!ranges.is_empty(), "`{}` splits into something", object.path);
        for range in ranges {
            let unit = Unit { objects: vec![object.clone()], range };
            let read = Collect::unit(source, &unit, limits).expect("a listed object can be read");
            all.closed.extend(read.closed);
            for (name, values) in read.values {
                all.values.entry(name).or_default().extend(values);
            }
        }
    }
    all
}

/// Small ranges and small batches give the same values under the same records as one whole read.
fn splits_agree(source: &dyn Source, objects: &[Object], whole: &Collect) {
    let limits = Limits { batch_bytes: 4 << 10, ..Limits::default() };
    let split = read_all(source, objects, SplitTarget { bytes: 8 << 10 }, &limits);
    for (name, values) in &whole.values {
        if values.iter().any(|(_, field, _)| field.is_empty()) {
            continue; // running text: windows depend on the batch size
        }
        let multiset = |values: &Vec<Seen>| {
            let mut sorted: Vec<_> = values.iter().filter(|(.., value)| !value.is_empty()).cloned().collect();
            sorted.sort_unstable();
            sorted
        };
        let small = split.values.get(name).map(multiset).unwrap_or_default();
        assert!(multiset(values) == small, "`{name}`: ranges and small batches cover the same values once");
        assert_eq!(whole.records(name), split.records(name), "`{name}`: ranges cover every record once");
    }
}

fn stops_when_asked(source: &dyn Source, objects: &[Object]) {
    for object in objects.iter().filter(|o| o.not_read.is_none()) {
        let unit = Unit { objects: vec![object.clone()], range: Range::Whole };
        let mut collect = Collect { stop_after: Some(1), ..Collect::default() };
        let ended = source.read(&unit, &Limits::default(), &mut collect);
        if collect.batches > 0 {
            assert!(matches!(ended, Err(SourceError::Stopped)), "`{}` stops when asked", object.path);
            assert_eq!(collect.batches, 1, "`{}` stops at once", object.path);
        }
    }
}

/// A unit over one whole object of this name, for tests.
pub fn whole(source: &dyn Source, name: &str) -> Unit {
    let path = ObjectPath::from_escaped(name).expect("a valid name");
    let object = list(source).into_iter().find(|o| o.path == path).unwrap_or_else(|| panic!("`{name}` is listed"));
    Unit { objects: vec![object], range: Range::Whole }
}
