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

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    /// The object. Where it refers, a glob that matches it, and others that differ from it in their numbers only.
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

/// What was suggested, and of how much.
#[derive(Debug, Default)]
pub struct Suggested {
    /// The suggestions, strongest first.
    pub links: Vec<Suggestion>,
    /// Objects that could not be read, or not to their end.
    pub unread: u64,
    /// Whether there were more fields than are compared.
    pub is_cut: bool,
}

/// Distinct values of a field that are looked at: those with the smallest hashes, which is a fair sample of all of them
/// (Beyer et al., "On Synopses for Distinct-Value Estimation Under Multiset Operations", SIGMOD 2007). Of 4,096 the share
/// that are keys is known to within two in a hundred.
const DISTINCT: usize = 4096;
/// Fields that are compared.
const FIELDS: usize = 10_000;
/// Distinct values without which nothing is said.
const LEAST: u64 = 5;
/// Addresses beside both without which agreement says nothing.
const LEAST_PAIRS: u64 = 3;
/// Part of the values that are keys there, at least.
const INCLUDED: f64 = 0.95;
/// The same for addresses that agree.
const AGREEING: f64 = 0.9;

/// Looks for links in all that the sources hold. Reads every object once, and tables with a key of one column twice; objects
/// whose names differ in their numbers only are taken together.
///
/// Memory grows with the keys, and with the addresses beside them, by 8 and 24 bytes each and the room that hash tables
/// keep; beyond that it is bounded by 4,096 values of each of 10,000 fields that might refer.
///
/// # Errors
/// When a source cannot be listed, or it was asked to stop: half of the values say nothing. An object that cannot be read
/// suggests nothing, and is counted.
pub fn suggest(
    sources: &[Box<dyn Source>],
    declared: &HashSet<End>,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Suggested, SourceError> {
    let hasher = RandomState::new();
    let mut tables: Vec<KeyTable> = Vec::new();
    let mut foreign: HashSet<End> = declared.clone();
    let mut listed: Vec<(usize, Object)> = Vec::new();
    let mut unread: HashSet<(usize, ObjectPath)> = HashSet::new();
    for (number, source) in sources.iter().enumerate() {
        let keys = source.keys().unwrap_or_default();
        source.list(&mut |object| {
            match &object.not_read {
                None => listed.push((number, object)),
                Some((state, _)) if state.is_incomplete() => drop(unread.insert((number, object.path))),
                Some(_) => {}
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
        let mut gather = Gather { field: table.end.field.clone(), table, hasher: &hasher, stop, is_whole: true };
        let read = read(sources[gather.table.source].as_ref(), object, limits, &mut gather);
        if !(read && gather.is_whole) {
            unread.insert((gather.table.source, object.path.clone()));
        }
    }
    tables.retain(|table| table.keys.len() as u64 >= LEAST);
    let mut fields: BTreeMap<End, Referring> = BTreeMap::new();
    let mut is_cut = false;
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
            is_whole: true,
            is_cut: &mut is_cut,
        };
        let read = read(sources[*source].as_ref(), object, limits, &mut compare);
        if !(read && compare.is_whole) {
            unread.insert((*source, object.path.clone()));
        }
        if stop.load(Ordering::Relaxed) {
            return Err(SourceError::Stopped);
        }
    }
    Ok(Suggested { links: judge(fields, &tables), unread: unread.len() as u64, is_cut })
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
    /// The only object in which it was seen, as a glob; of several it is the key under which this stands.
    only: Option<String>,
    is_in_several: bool,
    /// The smallest hashes of its values.
    distinct: BTreeSet<u64>,
    sampled: bool,
    /// Whether not all values are whole numbers.
    has_text: bool,
    /// By table: addresses beside both, and how many agree.
    pairs: HashMap<usize, (u64, u64)>,
}

fn end(source: &str, object: &ObjectPath, field: &str) -> End {
    End { source: source.to_owned(), object: object.as_str().to_owned(), field: field.to_owned() }
}

/// Whether an object could be read; why not, scans tell.
fn read(source: &dyn Source, object: &Object, limits: &Limits, sink: &mut dyn Sink) -> bool {
    let unit = Unit { objects: vec![object.clone()], range: Range::Whole };
    source.read(&unit, limits, sink).is_ok()
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
    /// Whether nothing of the object was left out.
    is_whole: bool,
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

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.is_whole &= !outcome.coverage.is_incomplete();
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
    /// Whether nothing of the object was left out.
    is_whole: bool,
    /// Becomes true when there are more fields than are compared.
    is_cut: &'c mut bool,
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
            let exact = exactly(&from.object);
            let from = End { object: without_numbers(&from.object), ..from };
            if self.fields.len() >= FIELDS && !self.fields.contains_key(&from) {
                *self.is_cut = true;
                continue;
            }
            let seen = self.fields.entry(from).or_default();
            seen.is_in_several |= seen.only.get_or_insert_with(|| exact.clone()) != &exact;
            for (record, value) in values(column) {
                let value = value.trim_ascii();
                if value.is_empty() || value.len() > 64 || value.contains(&b' ') || value.contains(&b'@') {
                    continue;
                }
                let key = hash(self.hasher, value);
                seen.has_text |= !value.iter().all(u8::is_ascii_digit);
                if seen.distinct.insert(key) && seen.distinct.len() > DISTINCT {
                    seen.distinct.pop_last();
                    seen.sampled = true;
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

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.is_whole &= !outcome.coverage.is_incomplete();
        self.open.pop();
        go_on(self.stop)
    }
}

fn go_on(stop: &AtomicBool) -> Flow {
    if stop.load(Ordering::Relaxed) { Flow::Break(Stop) } else { Flow::Continue(()) }
}

/// What is worth suggesting, strongest first.
fn judge(fields: BTreeMap<End, Referring>, tables: &[KeyTable]) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    for (shape, seen) in fields {
        let object = seen.only.filter(|_| !seen.is_in_several).unwrap_or(shape.object);
        let from = End { object, ..shape };
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
    found.sort_by(|a, b| {
        let strength = |of: &Suggestion| (of.agreeing, of.named_alike, of.included);
        strength(b).cmp(&strength(a)).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
    });
    found
}

/// A glob over all names that differ from this in their numbers only: `events/web-2026-09.jsonl` is
/// `events/web-*-*.jsonl`.
fn without_numbers(name: &str) -> String {
    let mut shape = String::new();
    let name = exactly(name);
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        match c {
            // The digits of `%2E` are none of the name's.
            '%' => shape.extend(std::iter::once(c).chain(rest.by_ref().take(2))),
            '0'..='9' if shape.ends_with('*') => {}
            '0'..='9' => shape.push('*'),
            c => shape.push(c),
        }
    }
    shape
}

/// A glob over this name alone.
fn exactly(name: &str) -> String {
    globset::escape(name).replace('\\', "[\\]")
}

#[cfg(test)]
mod tests {
    use residuum_source::Memory;

    use super::*;

    fn suggested(sources: &[Box<dyn Source>]) -> Vec<(String, String)> {
        let found = suggest(sources, &HashSet::new(), &Limits::default(), &AtomicBool::new(false))
            .expect("they are read")
            .links;
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

    /// Customers with the numbers 1 to 50, and what refers to them.
    fn with_customers(tables: &[Table<'_>]) -> Vec<Box<dyn Source>> {
        let customers = (1..=50).map(|i| vec![i.to_string()]).collect();
        let shop = memory("shop", &[("customers", &["id"], customers)]).key(TableKey {
            object: ObjectPath::from_parts(["customers"]),
            columns: vec!["id".to_owned()],
            kind: KeyKind::Primary,
        });
        vec![Box::new(shop), Box::new(memory("exports", tables))]
    }

    #[test]
    fn a_suggestion_matches_the_objects_it_was_made_of() {
        let refers = || (1..=20).map(|i| vec![i.to_string()]).collect::<Vec<_>>();
        for names in [
            &["orders.csv"][..],
            &["orders[2026].csv"],
            &["orders[2025].csv", "orders[2026].csv"],
            &["{a,b}?.csv", "c*.csv"],
            &["a\\b1.csv"],
        ] {
            let tables: Vec<Table<'_>> = names.iter().map(|name| (*name, &["customer_id"][..], refers())).collect();
            let found = suggest(&with_customers(&tables), &HashSet::new(), &Limits::default(), &AtomicBool::new(false));
            let found = found.expect("they are read").links;
            for name in names {
                let is_it = |of: &&Suggestion| {
                    let glob = globset::Glob::new(&of.from.object).expect("it is a glob").compile_matcher();
                    glob.is_match(ObjectPath::from_parts([*name]).as_str())
                };
                assert_eq!(found.iter().filter(is_it).count(), 1, "{name}: {found:?}");
            }
            let other = globset::Glob::new(&found[0].from.object).expect("it is a glob").compile_matcher();
            for name in ["orders2.csv", "b.csv", "ab1.csv"] {
                assert!(!other.is_match(ObjectPath::from_parts([name]).as_str()), "{name}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_left_out_is_said() {
        let rows = |n: usize| (0..n).map(|i| vec![i.to_string()]).collect::<Vec<_>>();
        let many: Vec<String> = (0..FIELDS + 1).map(|i| format!("f{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let sources = with_customers(&[("visits", &["customer_id"], rows(DISTINCT * 2))]);
        let look = |sources: &[Box<dyn Source>], stop: bool| {
            suggest(sources, &HashSet::new(), &Limits::default(), &AtomicBool::new(stop))
        };
        let all = look(&sources, false).expect("they are read");
        assert!(all.links.is_empty() && (all.unread, all.is_cut) == (0, false), "{all:?}");
        assert!(matches!(look(&sources, true), Err(SourceError::Stopped)), "half of it suggests nothing");
        let wide = with_customers(&[("wide", &many, vec![vec!["x".to_owned(); FIELDS + 1]])]);
        assert!(look(&wide, false).expect("they are read").is_cut);
        let broken = memory("broken", &[]).unread("a.pdf", residuum_source::Coverage::Unreadable, "no permission");
        let broken = broken.unread("a_view", residuum_source::Coverage::Derived, "a view");
        assert_eq!(look(&[Box::new(broken)], false).expect("they are listed").unread, 1);
    }

    #[test]
    fn a_field_with_more_values_than_are_looked_at_is_judged_by_a_sample() {
        let keys = |n: usize| (0..n).map(|i| vec![format!("c-{i}")]).collect::<Vec<_>>();
        let shop = memory("shop", &[("customers", &["id"], keys(DISTINCT * 3))]).key(TableKey {
            object: ObjectPath::from_parts(["customers"]),
            columns: vec!["id".to_owned()],
            kind: KeyKind::Primary,
        });
        // Two in a hundred are none, and come first.
        let mut codes: Vec<_> = (0..DISTINCT / 16).map(|i| vec![format!("x-{i}")]).collect();
        codes.extend(keys(DISTINCT * 3));
        let sources: Vec<Box<dyn Source>> =
            vec![Box::new(shop), Box::new(memory("exports", &[("log", &["code"], codes)]))];
        let found =
            suggest(&sources, &HashSet::new(), &Limits::default(), &AtomicBool::new(false)).expect("they are read");
        let [one] = &found.links[..] else { panic!("{found:?}") };
        assert!(one.sampled && one.distinct == DISTINCT as u64 && one.included < one.distinct, "{one:?}");
    }
}
