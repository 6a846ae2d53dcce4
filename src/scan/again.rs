//! Looking again at records that a scan has seen, with the plans it made for their fields: the same hits, as they
//! stand at the moment of writing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use residuum_detect::{Detector, FieldPlan, Fingerprint, Literals, RuleId, Type};
use residuum_source::{Batch, Column, Record, Records, Rows};

use super::examine::{Examiner, Holders, LineCounter, Rules, composite};
use super::nested::{self, Within};
use crate::index::Keyring;

/// What stands somewhere in a record.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Which record of the batch; in running text the number of line feeds before it.
    pub record: usize,
    /// The field, a path in nested values.
    pub field: Arc<str>,
    /// The column of the batch as it was given.
    pub column: usize,
    /// Where in the bytes of that column.
    pub bytes: Range<u32>,
    /// Whether the value is part of a nested text, such as JSON in a column.
    pub is_nested: bool,
    /// Whether those bytes hold it encoded, beside other things; see [`Hit::is_encoded`](residuum_detect::Hit::is_encoded).
    pub is_encoded: bool,
    /// Its type.
    pub kind: Type,
    /// The rule that found it.
    pub rule: RuleId,
    /// Its fingerprint under the current key; of a key of a table, the one that was wanted.
    pub fp: Fingerprint,
    /// Its fingerprints under older keys of the index.
    pub older: Box<[Fingerprint]>,
}

impl Sight {
    /// Whether the index may have it under this fingerprint.
    pub fn is(&self, fp: Fingerprint) -> bool {
        self.fp == fp || self.older.contains(&fp)
    }
}

/// Nothing is written to an index here, so that no rule needs a number of it.
static NO_RULES: Rules = Rules { of: Vec::new(), literal: 0 };

/// Fingerprints of keys that are looked for, by field and domain.
pub(crate) type KeysWanted<'k> = BTreeMap<(&'k str, &'k str), HashSet<Fingerprint>>;

/// A value within a nested text, such as JSON in a column.
#[derive(Clone, Debug)]
pub(crate) struct NestedValue {
    /// Which record of the batch.
    pub record: usize,
    /// Its path.
    pub field: Arc<str>,
    /// The column of the batch as it was given.
    pub column: usize,
    /// Where in the bytes of that column.
    pub bytes: Range<u32>,
}

/// Examines batches of one object again.
pub(crate) struct Again<'a> {
    examiner: Examiner<'a>,
    keys: &'a Keyring,
    plans: HashMap<String, FieldPlan>,
    nesting: u32,
}

impl<'a> Again<'a> {
    /// With the plans of the scan, whose names of fields are opened, and what a verification looked for besides.
    pub fn new(
        detector: &'a Detector,
        keys: &'a Keyring,
        plans: Vec<FieldPlan>,
        literals: Option<&'a dyn Literals>,
        nesting: u32,
    ) -> Self {
        let plans = plans.into_iter().map(|plan| (plan.field.clone(), plan)).collect();
        Self { examiner: Examiner::new(detector, keys, &NO_RULES, literals).with_older_keys(), keys, plans, nesting }
    }

    /// All that stands in the records of a batch, column by column.
    pub fn look(&mut self, batch: &Batch) -> Vec<Sight> {
        let mut expanded = batch.clone();
        let mut within = vec![None; batch.columns.len()];
        nested::expand(&mut HashSet::new(), &|_| false, &mut expanded, &mut within, self.nesting);
        let mut sights = Vec::new();
        for (index, column) in expanded.columns.iter().enumerate() {
            let unplanned = FieldPlan::search(&*column.field);
            let plan = self.plans.get(&*column.field).unwrap_or(&unplanned);
            let mut lines = matches!(expanded.records, Records::Lines { .. }).then(|| LineCounter::new(&column.bytes));
            let holders = Held::new(column);
            for found in self.examiner.hits(column, plan, &expanded.records) {
                let hit = &found.hit;
                let (parent, bytes) = match &within[index] {
                    Some(within) => (within.parent, within.range(hit.start, hit.end)),
                    None => (index, hit.start..hit.end),
                };
                let line = lines.as_mut().map(|lines| lines.before(hit.start));
                let records = line.as_slice();
                let records = if records.is_empty() { holders.of(&found.value) } else { records };
                sights.extend(records.iter().map(|&record| Sight {
                    record: record as usize,
                    field: column.field.clone(),
                    column: parent,
                    bytes: bytes.clone(),
                    is_nested: within[index].is_some(),
                    is_encoded: hit.is_encoded,
                    kind: hit.kind,
                    rule: hit.rule,
                    fp: found.fingerprint,
                    older: found.older.clone(),
                }));
            }
        }
        sights
    }

    /// These records of a batch as the index calls them: sealed where they are personal.
    pub fn sealed(&mut self, batch: &Batch, records: &[usize]) -> Vec<Record> {
        let unplanned: Vec<FieldPlan> = batch.columns.iter().map(|of| FieldPlan::search(&*of.field)).collect();
        let plan = |column: usize| self.plans.get(&*batch.columns[column].field).unwrap_or(&unplanned[column]);
        self.examiner.sealed(batch, &plan, records)
    }

    /// The values within nested texts, each with its path.
    pub fn nested(&self, batch: &Batch) -> Vec<NestedValue> {
        let mut expanded = batch.clone();
        let mut within = vec![None; batch.columns.len()];
        nested::expand(&mut HashSet::new(), &|_| false, &mut expanded, &mut within, self.nesting);
        let mut values = Vec::new();
        for (column, within) in expanded.columns.iter().zip(&within) {
            let Some(within) = within else { continue };
            let holders = Held::new(column);
            for value in (0..column.len()).filter(|&value| !column.value(value).is_empty()) {
                let bytes = within.range(column.offsets[value], column.offsets[value + 1]);
                let of = |&record: &u32| NestedValue {
                    record: record as usize,
                    field: column.field.clone(),
                    column: within.parent,
                    bytes: bytes.clone(),
                };
                values.extend(holders.of(&(value as u32)).iter().map(of));
            }
        }
        values
    }

    /// Where the values of keys stand that have these fingerprints: the record and the place of each.
    ///
    /// Of a key of several fields, named `a+b`, the places of all of them are given. Every value of a field is looked
    /// at once for each domain, however many fingerprints are wanted.
    pub fn keys(&self, batch: &Batch, wanted: &KeysWanted<'_>) -> Vec<Sight> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut expanded = batch.clone();
        let mut within = vec![None; batch.columns.len()];
        nested::expand(&mut HashSet::new(), &|_| false, &mut expanded, &mut within, self.nesting);
        let of = |(&(field, domain), fps): (&(&str, &str), &HashSet<Fingerprint>)| {
            self.keys_of_field(&expanded, &within, field, domain, fps)
        };
        wanted.iter().flat_map(of).collect()
    }

    fn keys_of_field(
        &self,
        expanded: &Batch,
        within: &[Option<Within>],
        field: &str,
        domain: &str,
        fps: &HashSet<Fingerprint>,
    ) -> Vec<Sight> {
        let column_of = |name: &str| expanded.columns.iter().position(|column| *column.field == *name);
        let columns = match column_of(field) {
            Some(column) => Some(vec![column]),
            None => field.split('+').map(column_of).collect(),
        };
        let Some(columns) = columns else { return Vec::new() };
        // Under several keys of the index a value may be wanted by the fingerprint of each.
        let wanted = |value: &[u8]| -> Vec<Fingerprint> {
            self.keys.all().map(|key| key.fingerprint_of_key(domain, value)).filter(|fp| fps.contains(fp)).collect()
        };
        let sight = |index: usize, value: usize, record: usize, fp: Fingerprint| {
            let column = &expanded.columns[index];
            let (start, end) = (column.offsets[value], column.offsets[value + 1]);
            let (parent, bytes) = match &within[index] {
                Some(within) => (within.parent, within.range(start, end)),
                None => (index, start..end),
            };
            let (field, is_nested) = (column.field.clone(), within[index].is_some());
            // Of the rule nothing is asked: a key is none of the detector's.
            let (kind, rule, older) = (Type::Key, RuleId(u16::MAX), Box::default());
            Sight { record, field, column: parent, bytes, is_nested, is_encoded: false, kind, rule, fp, older }
        };
        let mut sights = Vec::new();
        if let [index] = columns[..] {
            let column = &expanded.columns[index];
            let holders = Held::new(column);
            for value in 0..column.len() as u32 {
                let holders = holders.of(&value);
                for fp in wanted(column.value(value as usize).trim_ascii()) {
                    sights.extend(holders.iter().map(|&record| sight(index, value as usize, record as usize, fp)));
                }
            }
            return sights;
        }
        if columns.iter().any(|&index| expanded.columns[index].rows != Rows::Each) {
            return sights;
        }
        for record in 0..expanded.records.count() as usize {
            let parts: Vec<_> = columns.iter().map(|&i| expanded.columns[i].value(record).trim_ascii()).collect();
            for fp in wanted(&composite(&parts)) {
                sights.extend(columns.iter().map(|&index| sight(index, record, record, fp)));
            }
        }
        sights
    }
}

/// The records that hold the values of a column.
enum Held<'c> {
    /// The record of each value has its number.
    Each,
    /// The record of each value.
    Listed(&'c [u32]),
    Dictionary(Holders),
}

impl<'c> Held<'c> {
    fn new(column: &'c Column) -> Self {
        match &column.rows {
            Rows::Each => Self::Each,
            Rows::Listed(rows) => Self::Listed(rows),
            Rows::Dictionary(keys) => Self::Dictionary(Holders::new(keys, column.len())),
        }
    }

    fn of<'h>(&'h self, value: &'h u32) -> &'h [u32] {
        match self {
            Self::Each => std::slice::from_ref(value),
            Self::Listed(rows) => std::slice::from_ref(&rows[*value as usize]),
            Self::Dictionary(holders) => holders.of(*value),
        }
    }
}
