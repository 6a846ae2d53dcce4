//! Counts of a scan: how many values and records of each field hold what. Counts and rates, never a mean.

use std::collections::{HashMap, HashSet};

use residuum_detect::Type;
use residuum_source::{Column, Records, Rows};

use crate::index::{FieldStats, FieldTotals};

/// Counts of one unit's fields, by the numbers of object and field in the index.
#[derive(Default, Debug)]
pub(crate) struct Statistics {
    /// Values that are not empty, and records, of each field.
    pub totals: HashMap<(u32, u32), Totals>,
    /// Findings by field, type and rule.
    pub found: HashMap<(u32, u32, Type, u16), Totals>,
    /// Pieces of encoded content in an object that were not searched to their end.
    pub cut: HashMap<u32, u64>,
}

/// Values and the records that hold them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Totals {
    pub values: u64,
    pub records: u64,
}

/// Counts the hits of one column of one batch.
pub(super) struct ColumnCount<'s> {
    statistics: &'s mut Statistics,
    object: u32,
    field: u32,
    kinds: Vec<(Type, u16, Totals, Option<u32>)>,
}

impl Statistics {
    /// Counts a column's values and gives the counter of its hits.
    pub(super) fn field(&mut self, object: u32, field: u32, column: &Column, records: &Records) -> ColumnCount<'_> {
        let filled = |i: &usize| column.offsets[*i] < column.offsets[*i + 1];
        let values = match &column.rows {
            _ if matches!(records, Records::Lines { .. }) => records.count(),
            Rows::Dictionary(keys) => {
                keys.iter().filter(|&&key| key != u32::MAX && filled(&(key as usize))).count() as u64
            }
            Rows::Each | Rows::Listed(_) => (0..column.len()).filter(filled).count() as u64,
        };
        let totals = self.totals.entry((object, field)).or_default();
        totals.values += values;
        totals.records += records.count();
        ColumnCount { statistics: self, object, field, kinds: Vec::new() }
    }

    /// Takes out the counts of these objects.
    pub fn take(&mut self, objects: &HashSet<u32>) -> Self {
        Self {
            totals: self.totals.extract_if(|key, _| objects.contains(&key.0)).collect(),
            found: self.found.extract_if(|key, _| objects.contains(&key.0)).collect(),
            cut: self.cut.extract_if(|object, _| objects.contains(object)).collect(),
        }
    }

    /// The counts as the index keeps them.
    pub fn rows(self) -> (Vec<FieldStats>, Vec<FieldTotals>) {
        let found = self.found.into_iter().map(|((object, field, kind, rule), totals)| FieldStats {
            object,
            field,
            kind,
            rule,
            values: totals.values,
            records: totals.records,
        });
        let looked_at = self.totals.into_iter().map(|((object, field), totals)| FieldTotals {
            object,
            field,
            values: totals.values,
            records: totals.records,
        });
        (found.collect(), looked_at.collect())
    }

    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &Self) {
        for (&key, totals) in &other.totals {
            self.totals.entry(key).or_default().add(*totals);
        }
        for (&key, totals) in &other.found {
            self.found.entry(key).or_default().add(*totals);
        }
        for (&object, cut) in &other.cut {
            *self.cut.entry(object).or_default() += cut;
        }
    }
}

impl ColumnCount<'_> {
    /// Counts a hit in a record; hits come by ascending record.
    pub fn hit(&mut self, kind: Type, rule: u16, record: u32) {
        let at = self.kinds.iter().position(|(k, r, ..)| (*k, *r) == (kind, rule));
        let at = at.unwrap_or_else(|| {
            self.kinds.push((kind, rule, Totals::default(), None));
            self.kinds.len() - 1
        });
        let (.., totals, last) = &mut self.kinds[at];
        totals.values += 1;
        if *last != Some(record) {
            totals.records += 1;
            *last = Some(record);
        }
    }
}

impl Drop for ColumnCount<'_> {
    fn drop(&mut self) {
        for (kind, rule, totals, _) in self.kinds.drain(..) {
            self.statistics.found.entry((self.object, self.field, kind, rule)).or_default().add(totals);
        }
    }
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.values += other.values;
        self.records += other.records;
    }
}
