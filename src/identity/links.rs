//! Joins that nobody has declared: which fields hold the keys of another table's records, by the values that stand in
//! them.
//!
//! Two things speak for a link. *Inclusion*: nearly every value of a field is a key there (Papenbrock et al., "Divide &
//! Conquer-based Inclusion Dependency Discovery", PVLDB 2015); small whole numbers are included almost anywhere, so it
//! counts only where the field is named after the table, or its values are no whole numbers. *Co-occurrence*: where an
//! e-mail address stands beside the field as well as beside the key, the two agree. An owner decides: nothing found here
//! is followed before it stands in `[[join]]`.
//!
//! Values are compared by 64-bit hashes under a random key of one run; none is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Type, standard_form};
use residuum_source::{
    Batch, Column, Flow, KeyKind, Limits, Object, ObjectPath, Outcome, Part, Range, Rows, Sink, Source, SourceError,
    Stop, TableKey, Unit,
};
use serde::{Deserialize, Serialize};

/// A field of an object of a source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct End {
    /// The source's name.
    pub source: String,
    /// The object, or a glob over objects that differ in their numbers only.
    pub object: String,
    /// The field.
    pub field: String,
}

impl End {
    /// Puts other names in place of its own.
    pub fn each(&mut self, name: &mut dyn FnMut(&str) -> String) {
        for held in [&mut self.source, &mut self.object, &mut self.field] {
            *held = name(held);
        }
    }
}

/// A join that the values speak for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Suggestion {
    /// The field that refers.
    pub from: End,
    /// The key it refers to.
    pub to: End,
    /// Distinct values of the field that were looked at.
    pub distinct: u64,
    /// How many of them are keys there.
    pub included: u64,
    /// Addresses that stand beside both.
    pub pairs: u64,
    /// How many of those stand beside the same key.
    pub agreeing: u64,
    /// Whether the field is named after the table.
    pub named_alike: bool,
    /// Whether more values stand in it than were looked at.
    pub sampled: bool,
}

/// Distinct values of a field that are looked at.
const DISTINCT: usize = 200_000;
/// Distinct values without which nothing is said.
const LEAST: u64 = 5;
/// Addresses beside both without which agreement says nothing.
const LEAST_PAIRS: u64 = 3;
/// Part of the values that are keys there, at least.
const INCLUDED: f64 = 0.95;
/// The same for addresses that agree.
const AGREEING: f64 = 0.9;

/// Looks for links in all that the sources hold, strongest first. Reads every object once, and tables with a key of one
/// column twice; memory is bounded by the keys, 16 bytes each, and by 200,000 values of each field that might refer.
///
/// # Errors
/// When a source cannot be listed. An object that cannot be read suggests nothing.
pub fn suggest(
    sources: &[Box<dyn Source>],
    declared: &HashSet<End>,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Vec<Suggestion>, SourceError> {
    let hasher = RandomState::new();
    let mut tables: Vec<KeyTable> = Vec::new();
    let mut foreign: HashSet<End> = declared.clone();
    let mut listed: Vec<(usize, Object)> = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let keys = source.keys().unwrap_or_default();
        source.list(&mut |object| {
            if object.not_read.is_none() {
                listed.push((number, object));
            }
            Flow::Continue(())
        })?;
        for TableKey { object, columns, kind } in &keys {
            let [column] = columns.as_slice() else { continue };
            let end = end(source.name(), object, column);
            match kind {
                KeyKind::Primary => tables.push(KeyTable::new(number, object.clone(), end)),
                KeyKind::Foreign { .. } => drop(foreign.insert(end)),
                KeyKind::Unique => {}
            }
        }
    }
    for table in &mut tables {
        let Some((_, object)) = listed.iter().find(|(of, object)| *of == table.source && object.path == table.object)
        else {
            continue;
        };
        let mut gather = Gather { field: table.end.field.clone(), table, hasher: &hasher, stop };
        read(sources[gather.table.source].as_ref(), object, limits, &mut gather);
    }
    tables.retain(|table| table.keys.len() as u64 >= LEAST);
    let mut fields: BTreeMap<End, Referring> = BTreeMap::new();
    for (source, object) in &listed {
        let name = sources[*source].name();
        let mut compare = Compare {
            source: name,
            tables: &tables,
            foreign: &foreign,
            fields: &mut fields,
            hasher: &hasher,
            stop,
            open: Vec::new(),
        };
        read(sources[*source].as_ref(), object, limits, &mut compare);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(judge(fields, &tables))
}

/// A table whose records have a key of one column.
struct KeyTable {
    source: usize,
    object: ObjectPath,
    end: End,
    keys: HashSet<u64>,
    /// The key beside which an address stands; none beside several.
    by_address: HashMap<u64, Option<u64>>,
}

impl KeyTable {
    fn new(source: usize, object: ObjectPath, end: End) -> Self {
        Self { source, object, end, keys: HashSet::new(), by_address: HashMap::new() }
    }

    /// Whether a field is named after it: `customer_id`, `customerNumber`, `user.customer`.
    fn names(&self, field: &str) -> bool {
        let letters =
            |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
        let table = letters(&self.object.parts().pop().unwrap_or_default());
        let singular = table.strip_suffix("ies").map(|stem| format!("{stem}y"));
        let singular = singular.or_else(|| table.strip_suffix('s').map(str::to_owned)).unwrap_or_else(|| table.clone());
        let field = letters(field);
        singular.len() > 2 && (field.contains(&singular) || field.contains(&table))
    }
}

/// What was seen of a field that might refer.
#[derive(Default)]
struct Referring {
    distinct: HashSet<u64>,
    sampled: bool,
    /// Whether all values are whole numbers.
    has_text: bool,
    /// By table: addresses beside both, and how many agree.
    pairs: HashMap<usize, (u64, u64)>,
}

fn end(source: &str, object: &ObjectPath, field: &str) -> End {
    End { source: source.to_owned(), object: object.as_str().to_owned(), field: field.to_owned() }
}

fn read(source: &dyn Source, object: &Object, limits: &Limits, sink: &mut dyn Sink) {
    let unit = Unit { objects: vec![object.clone()], range: Range::Whole };
    // What cannot be read is told by scans.
    let _ = source.read(&unit, limits, sink);
}

/// The values of a column with their records.
fn values(column: &Column) -> Vec<(usize, &[u8])> {
    match &column.rows {
        Rows::Each => (0..column.len()).map(|i| (i, column.value(i))).collect(),
        Rows::Listed(rows) => rows.iter().enumerate().map(|(i, &row)| (row as usize, column.value(i))).collect(),
        Rows::Dictionary(keys) => {
            let held = keys.iter().enumerate().filter(|(_, key)| **key != u32::MAX);
            held.map(|(row, &key)| (row, column.value(key as usize))).collect()
        }
    }
}

fn hash(hasher: &RandomState, value: &[u8]) -> u64 {
    hasher.hash_one(value.trim_ascii())
}

/// The first address of each record of a batch that stands in a field of its own.
fn addresses(batch: &Batch, hasher: &RandomState) -> HashMap<usize, u64> {
    let mut found = HashMap::new();
    for column in &batch.columns {
        for (record, value) in values(column) {
            if value.contains(&b'@')
                && let Some(form) = std::str::from_utf8(value).ok().and_then(|text| standard_form(Type::Email, text))
            {
                found.entry(record).or_insert_with(|| hash(hasher, &form));
            }
        }
    }
    found
}

/// Gathers the keys of a table.
struct Gather<'g> {
    table: &'g mut KeyTable,
    field: String,
    hasher: &'g RandomState,
    stop: &'g AtomicBool,
}

impl Sink for Gather<'_> {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let addresses = addresses(&batch, self.hasher);
        let column = batch.columns.iter().find(|column| *column.field == *self.field);
        for (record, value) in column.map(values).unwrap_or_default() {
            let key = hash(self.hasher, value);
            self.table.keys.insert(key);
            if let Some(&address) = addresses.get(&record) {
                let held = self.table.by_address.entry(address).or_insert(Some(key));
                *held = held.filter(|held| *held == key);
            }
        }
        go_on(self.stop)
    }

    fn close(&mut self, _: Outcome) -> Flow {
        go_on(self.stop)
    }
}

/// Compares every field with the keys of every table.
struct Compare<'c> {
    source: &'c str,
    tables: &'c [KeyTable],
    foreign: &'c HashSet<End>,
    fields: &'c mut BTreeMap<End, Referring>,
    hasher: &'c RandomState,
    stop: &'c AtomicBool,
    open: Vec<ObjectPath>,
}

impl Sink for Compare<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.open.push(part.path);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let Some(object) = self.open.last() else { return Flow::Continue(()) };
        let addresses = addresses(&batch, self.hasher);
        for column in batch.columns.iter().filter(|column| !column.field.is_empty() && column.window.is_none()) {
            let from = end(self.source, object, &column.field);
            let is_key = self.tables.iter().any(|table| table.end == from);
            if is_key || self.foreign.contains(&from) {
                continue;
            }
            let seen = self.fields.entry(from).or_default();
            for (record, value) in values(column) {
                let value = value.trim_ascii();
                if value.is_empty() || value.len() > 64 || value.contains(&b' ') || value.contains(&b'@') {
                    continue;
                }
                let key = hash(self.hasher, value);
                seen.has_text |= !value.iter().all(u8::is_ascii_digit);
                if seen.distinct.len() < DISTINCT {
                    seen.distinct.insert(key);
                } else {
                    seen.sampled |= !seen.distinct.contains(&key);
                }
                let Some(address) = addresses.get(&record) else { continue };
                for (number, table) in self.tables.iter().enumerate() {
                    if let Some(Some(held)) = table.by_address.get(address) {
                        let (pairs, agreeing) = seen.pairs.entry(number).or_default();
                        *pairs += 1;
                        *agreeing += u64::from(*held == key);
                    }
                }
            }
        }
        go_on(self.stop)
    }

    fn close(&mut self, _: Outcome) -> Flow {
        self.open.pop();
        go_on(self.stop)
    }
}

fn go_on(stop: &AtomicBool) -> Flow {
    if stop.load(Ordering::Relaxed) { Flow::Break(Stop) } else { Flow::Continue(()) }
}

/// What is worth suggesting, strongest first; objects that differ in numbers only come as one.
fn judge(fields: BTreeMap<End, Referring>, tables: &[KeyTable]) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    for (from, seen) in fields {
        let distinct = seen.distinct.len() as u64;
        for (number, table) in tables.iter().enumerate() {
            let included = seen.distinct.iter().filter(|key| table.keys.contains(key)).count() as u64;
            let (pairs, agreeing) = seen.pairs.get(&number).copied().unwrap_or_default();
            let named_alike = table.names(&from.field);
            let is_included = distinct >= LEAST && included as f64 >= INCLUDED * distinct as f64;
            let agrees = pairs >= LEAST_PAIRS && agreeing as f64 >= AGREEING * pairs as f64;
            let contradicts = pairs >= LEAST_PAIRS && (agreeing as f64) < AGREEING * pairs as f64;
            if agrees && included * 2 >= distinct || is_included && !contradicts && (named_alike || seen.has_text) {
                let (from, to, sampled) = (from.clone(), table.end.clone(), seen.sampled);
                found.push(Suggestion { from, to, distinct, included, pairs, agreeing, named_alike, sampled });
            }
        }
    }
    let mut merged: Vec<Suggestion> = merge(found);
    merged.sort_by(|a, b| {
        let strength = |of: &Suggestion| (of.agreeing, of.named_alike, of.included);
        strength(b).cmp(&strength(a)).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
    });
    merged
}

/// Suggestions for objects whose names differ in numbers only, under a glob.
fn merge(found: Vec<Suggestion>) -> Vec<Suggestion> {
    let mut groups: BTreeMap<(String, String, String, End), Vec<Suggestion>> = BTreeMap::new();
    for of in found {
        let shape = without_numbers(&of.from.object);
        groups.entry((of.from.source.clone(), shape, of.from.field.clone(), of.to.clone())).or_default().push(of);
    }
    let as_one = |((source, shape, field, _), all): ((String, String, String, End), Vec<Suggestion>)| {
        let mut all = all.into_iter();
        let mut one = all.next().expect("a group has one");
        for of in all {
            one.from = End { source: source.clone(), object: shape.clone(), field: field.clone() };
            one.distinct += of.distinct;
            one.included += of.included;
            one.pairs += of.pairs;
            one.agreeing += of.agreeing;
            one.sampled |= of.sampled;
        }
        one
    };
    groups.into_iter().map(as_one).collect()
}

/// `events/web-2026-09.jsonl` as `events/web-*-*.jsonl`.
fn without_numbers(name: &str) -> String {
    let mut shape = String::new();
    for c in name.chars() {
        match c {
            '0'..='9' if shape.ends_with('*') => {}
            '0'..='9' => shape.push('*'),
            c => shape.push(c),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use residuum_source::Memory;

    use super::*;

    fn suggested(sources: &[Box<dyn Source>]) -> Vec<(String, String)> {
        let found =
            suggest(sources, &HashSet::new(), &Limits::default(), &AtomicBool::new(false)).expect("they are read");
        let name = |end: &End| format!("{}:{}.{}", end.source, end.object, end.field);
        found.iter().map(|of| (name(&of.from), name(&of.to))).collect()
    }

    type Table<'t> = (&'t str, &'t [&'t str], Vec<Vec<String>>);

    fn memory(name: &str, tables: &[Table<'_>]) -> Memory {
        let mut memory = Memory::new(name);
        for (table, columns, rows) in tables {
            let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
            let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
            memory = memory.table(table, columns, &rows);
        }
        memory
    }

    #[test]
    fn links_are_told_from_numbers_that_happen_to_fit() {
        let email = |i: usize| format!("person{i}@example.com");
        let customers = (1..=50).map(|i| vec![i.to_string(), email(i)]).collect();
        let shop = memory("shop", &[("customers", &["id", "email"], customers)]).key(TableKey {
            object: ObjectPath::from_parts(["customers"]),
            columns: vec!["id".to_owned()],
            kind: KeyKind::Primary,
        });
        // By name; by what stands beside it, though its name says nothing; a quantity that lies among the numbers.
        let orders = |from: usize| {
            (from..from + 20).map(|i| vec![(i % 50 + 1).to_string(), (i % 7 + 1).to_string()]).collect::<Vec<_>>()
        };
        let kunden = (1..=30).map(|i| vec![i.to_string(), email(i), (i % 9 + 1).to_string()]).collect();
        let exports = memory(
            "exports",
            &[
                ("orders-2025", &["customer_id", "quantity"], orders(3)),
                ("orders-2026", &["customer_id", "quantity"], orders(30)),
                ("kunden", &["nummer", "adresse", "stufe"], kunden),
            ],
        );
        let sources: Vec<Box<dyn Source>> = vec![Box::new(shop), Box::new(exports)];
        let expected =
            [("exports:kunden.nummer", "shop:customers.id"), ("exports:orders-*.customer_id", "shop:customers.id")];
        assert_eq!(suggested(&sources), expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    }
}
