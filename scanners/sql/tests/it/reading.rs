//! What tests of every connector do: list, read and look at what came.

use residuum_source::conformance::{self, Collect};
use residuum_source::{Batch, Flow, KeyKind, Limits, Logical, Object, Outcome, Part, Range, Sink, Source, Unit};

/// All that a source lists.
pub fn objects(source: &dyn Source) -> Vec<Object> {
    let mut objects = Vec::new();
    let listed = source.list(&mut |object| {
        objects.push(object);
        Flow::Continue(())
    });
    listed.unwrap();
    objects
}

/// A unit of one whole object.
pub fn unit(object: &Object) -> Unit {
    Unit { objects: vec![object.clone()], range: Range::Whole }
}

/// The object of this name.
pub fn named<'o>(objects: &'o [Object], name: &str) -> &'o Object {
    objects.iter().find(|o| o.path.as_str() == name).unwrap_or_else(|| panic!("`{name}` is listed"))
}

/// Reads a whole object.
pub fn read(source: &dyn Source, object: &Object) -> Collect {
    Collect::unit(source, &unit(object), &Limits::default()).unwrap()
}

/// The values of a field, in order.
pub fn column(collect: &Collect, table: &str, field: &str) -> Vec<String> {
    let values = collect.values[table].iter().filter(|(_, name, _)| name == field);
    values.map(|(.., value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The keys of a source, a line each, sorted.
pub fn shown_keys(source: &dyn Source) -> Vec<String> {
    let keys = source.keys().unwrap();
    let shown = keys.iter().map(|key| match &key.kind {
        KeyKind::Foreign { object, columns } => {
            format!("{} {} -> {} {}", key.object, key.columns.join(","), object, columns.join(","))
        }
        kind => format!("{} {} {kind:?}", key.object, key.columns.join(",")),
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    shown
}

/// Checks the types and the first values of a batch's fields; the batch has no others.
pub fn check_first(batch: &Batch, cases: &[(&str, Logical, &[u8])]) {
    assert_eq!(batch.columns.len(), cases.len());
    for (name, logical, value) in cases {
        let column = batch.columns.iter().find(|c| &*c.field == *name).unwrap();
        let shown = String::from_utf8_lossy(column.value(0));
        assert_eq!((column.logical, column.value(0)), (*logical, *value), "{name}: {shown}");
    }
}

/// Keeps batches and outcomes.
#[derive(Default)]
pub struct Batches(pub Vec<Batch>, pub Vec<Outcome>);

impl Sink for Batches {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        conformance::check_shape(&batch);
        self.0.push(batch);
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.1.push(outcome);
        Flow::Continue(())
    }
}
