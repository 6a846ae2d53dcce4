//! What carrying a plan out costs, as far as that is known before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::plan::{Plan, PlannedAction, PlannedObject};

/// What has to be read, written and locked.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Cost {
    /// Bytes to be read: files and S3 objects whole, of tables the rows that are planned. Unpacked, and as large as the
    /// last scan found them.
    pub bytes_read: u64,
    /// Bytes to be written: files and S3 objects whole, because a new one takes the place of the old; of tables the rows
    /// that stay.
    pub bytes_written: u64,
    /// Rows of tables that are locked until their transaction ends.
    pub rows_locked: u64,
    /// Statements that lock rows, delete or change them.
    pub statements: u64,
    /// Bytes that are scanned again afterwards: each object written to, tables included, as a whole.
    pub bytes_scanned: u64,
}

impl Cost {
    /// Adds what something else costs.
    pub fn add(&mut self, other: Self) {
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.rows_locked += other.rows_locked;
        self.statements += other.statements;
        self.bytes_scanned += other.bytes_scanned;
    }
}

/// How large an object is, and what it takes to write to it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Size {
    /// Whether its records are rows of a database.
    pub is_table: bool,
    /// Bytes of the listed object it is or lies in.
    pub bytes: u64,
    /// Records of it.
    pub records: u64,
    /// Statements that lock the planned rows, delete or change them.
    pub statements: u64,
}

impl Plan {
    /// What it costs, by source.
    pub fn costs(&self) -> BTreeMap<&str, Cost> {
        let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
        // Of a file with several parts, the whole is read and written once.
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        for object in &self.objects {
            let is_first = seen.insert((&object.source, &object.listed));
            costs.entry(&object.source).or_default().add(object.cost(is_first));
        }
        costs
    }

    /// What all of it costs.
    pub fn cost(&self) -> Cost {
        let mut all = Cost::default();
        self.costs().into_values().for_each(|cost| all.add(cost));
        all
    }
}

impl PlannedObject {
    /// What it costs; a part of a file after the first costs nothing more.
    fn cost(&self, is_first: bool) -> Cost {
        let Size { is_table, bytes, records, statements } = self.size;
        let whole = if is_first { bytes } else { 0 };
        let planned = self.records.len() as u64;
        if is_table {
            let goes = |action: PlannedAction| matches!(action, PlannedAction::Delete | PlannedAction::DeleteObject);
            let stay = self.records.iter().filter(|record| !goes(record.action)).count() as u64;
            let of = |rows: u64| (u128::from(bytes) * u128::from(rows) / u128::from(records.max(1))) as u64;
            return Cost {
                bytes_read: of(planned),
                bytes_written: of(stay),
                rows_locked: planned,
                statements,
                bytes_scanned: whole,
            };
        }
        let is_gone = self.records.iter().all(|record| record.action == PlannedAction::DeleteObject);
        let stays = if is_gone { 0 } else { whole };
        Cost { bytes_read: whole, bytes_written: stays, bytes_scanned: stays, ..Cost::default() }
    }
}

#[cfg(test)]
mod tests {
    use residuum_source::{Record, RecordKind};

    use super::*;
    use crate::request::PlannedRecord;

    fn object(listed: &str, part: &str, size: Size, actions: &[PlannedAction]) -> PlannedObject {
        let record = |(n, &action): (usize, &PlannedAction)| PlannedRecord {
            record: Record::Number(RecordKind::Row, n as u64 + 1),
            subjects: vec!["1".to_owned()],
            action,
            evidence: Vec::new(),
        };
        PlannedObject {
            source: "s".to_owned(),
            object: 1,
            part: part.to_owned(),
            listed: listed.to_owned(),
            version: None,
            formats: Vec::new(),
            ability: "splice".to_owned(),
            primary_key: Vec::new(),
            size,
            stays_behind: Vec::new(),
            not_null: Default::default(),
            records: actions.iter().enumerate().map(record).collect(),
            chains: Default::default(),
        }
    }

    #[test]
    fn files_are_written_once_and_tables_by_row() {
        use PlannedAction::{Delete, DeleteObject, EditFound};
        let file = Size { bytes: 1000, records: 10, ..Size::default() };
        let table = Size { is_table: true, bytes: 5000, records: 100, statements: 3 };
        let cost = |bytes_read, bytes_written, rows_locked, statements, bytes_scanned| Cost {
            bytes_read,
            bytes_written,
            rows_locked,
            statements,
            bytes_scanned,
        };
        let cases = [
            ("a file", vec![object("a", "a", file, &[Delete])], cost(1000, 1000, 0, 0, 1000)),
            (
                "two members of a file",
                vec![object("a", "a!b", file, &[Delete]), object("a", "a!c", file, &[EditFound])],
                cost(1000, 1000, 0, 0, 1000),
            ),
            ("a file that goes", vec![object("a", "a", file, &[DeleteObject])], cost(1000, 0, 0, 0, 0)),
            ("rows", vec![object("t", "t", table, &[Delete, Delete, EditFound])], cost(150, 50, 3, 3, 5000)),
            ("nothing", Vec::new(), Cost::default()),
        ];
        for (name, objects, expected) in cases {
            let plan = Plan { objects, ..Plan::default() };
            assert_eq!(plan.cost(), expected, "{name}");
        }
    }
}
