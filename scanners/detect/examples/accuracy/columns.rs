//! Fields: which types the columns of tables hold, against labels made by hand.
//!
//! Labels are a CSV with `database,table,column,types,optional_types`, types parted by `;`. The table itself is
//! `DATABASE/TABLE.csv` below one of the folders named. A type counts for a column when a tenth of its values hold it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use residuum_detect::Detector;
use residuum_source::{Batch, Column, RecordKind, Records};

use super::corpora::Outcome;
use super::score::{self, Tally};

/// How fields were judged: by type, and whether they hold anything personal at all.
#[derive(Default)]
pub struct Fields {
    /// By database, then by type; `is-PI` beside the types.
    pub tallies: BTreeMap<(String, String), Tally>,
    /// Columns whose types are all right, and all columns.
    pub right: (u64, u64),
    /// What was missed or wrong, by name.
    pub errors: Vec<String>,
    /// Tables with labels that are in none of the folders.
    pub absent: BTreeSet<String>,
}

/// Judges every column with a label.
pub fn judge(detector: &Detector, labels: &Path, folders: &[PathBuf]) -> Outcome<Fields> {
    let mut fields = Fields::default();
    let rows = records(&std::fs::read(labels)?);
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    let (header, rows) = rows.split_first().ok_or("labels without a header")?;
    let place = |name: &str| header.iter().position(|cell| text(cell) == name).ok_or(format!("no column `{name}`"));
    let (database, table, column) = (place("database")?, place("table")?, place("column")?);
    let (types, optional) = (place("types")?, place("optional_types")?);
    let mut found = BTreeMap::new();
    for row in rows {
        let cell = |i: usize| row.get(i).map(|cell| text(cell)).unwrap_or_default();
        let kinds = |i: usize| -> BTreeSet<String> {
            cell(i).split(';').filter(|kind| !kind.trim().is_empty()).map(score::kind).collect()
        };
        let name = (cell(database), cell(table));
        let held = found.entry(name.clone()).or_insert_with(|| types_of(detector, &name, folders));
        let Some(held) = held else {
            fields.absent.insert(format!("{}.{}", name.0, name.1));
            continue;
        };
        let held = held.get(&cell(column).to_lowercase()).cloned().unwrap_or_default();
        fields.add(&name.0, &format!("{}.{}", name.1, cell(column)), &kinds(types), &kinds(optional), &held);
    }
    Ok(fields)
}

impl Fields {
    fn add(
        &mut self,
        database: &str,
        column: &str,
        required: &BTreeSet<String>,
        optional: &BTreeSet<String>,
        held: &BTreeSet<String>,
    ) {
        let mut count = |kind: &str, tally: Tally| {
            for set in [format!("fields {database}"), "fields".to_owned()] {
                *self.tallies.entry((set, kind.to_owned())).or_default() += &tally;
            }
        };
        for kind in required.union(held).filter(|kind| required.contains(*kind) || !optional.contains(*kind)) {
            let tally = Tally::of_one(required.contains(kind), held.contains(kind));
            count(kind, tally);
            count("every type", tally);
            if required.contains(kind) != held.contains(kind) {
                let what = if held.contains(kind) { "wrong" } else { "missed" };
                self.errors.push(format!("{what}: {kind} in {column}"));
            }
        }
        // A column that may hold something is not asked whether it does.
        if !(required.is_empty() && !optional.is_empty() && !held.is_empty()) {
            count("is-PI", Tally::of_one(!required.is_empty(), !held.is_empty()));
            let agrees = required.is_empty() == held.is_empty();
            count("is-PI accuracy", Tally::of_one(true, agrees));
        }
        let right =
            required.is_subset(held) && held.iter().all(|kind| required.contains(kind) || optional.contains(kind));
        self.right = (self.right.0 + u64::from(right), self.right.1 + 1);
    }
}

/// The types of a table's columns, by their names in lower case.
fn types_of(
    detector: &Detector,
    name: &(String, String),
    folders: &[PathBuf],
) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let file = |folder: &PathBuf| folder.join(&name.0).join(format!("{}.csv", name.1));
    let bytes = folders.iter().find_map(|folder| std::fs::read(file(folder)).ok())?;
    let batch = table(&bytes);
    let plans = detector.plan(&name.1, &batch);
    let mut worker = detector.worker();
    let columns = batch.columns.iter().zip(&plans).map(|(column, plan)| {
        let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
        worker.values(plan, &column.bytes, &column.offsets, &mut |_, hit, _| {
            *hits.entry(hit.kind.name()).or_default() += 1;
        });
        let filled = column.offsets.windows(2).filter(|ends| ends[0] < ends[1]).count();
        let held = hits.iter().filter(|(_, n)| **n * 10 >= filled.max(1)).map(|(kind, _)| (*kind).to_owned());
        (column.field.to_lowercase(), held.collect())
    });
    Some(columns.collect())
}

/// A plain CSV reader: the real one is a crate of its own.
pub fn table(text: &[u8]) -> Batch {
    let mut rows = records(text).into_iter();
    let header = rows.next().unwrap_or_default();
    let mut columns: Vec<_> =
        header.iter().map(|name| Column::new(String::from_utf8_lossy(name).into_owned())).collect();
    let mut count = 0;
    for row in rows {
        count += 1;
        for (i, column) in columns.iter_mut().enumerate() {
            column.push(row.get(i).map_or(&[][..], Vec::as_slice));
        }
    }
    Batch {
        records: Records::Sequence { kind: RecordKind::Row, first: 0, count },
        columns,
        raw_bytes: text.len() as u64,
    }
}

fn records(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), Vec::new(), false);
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => row.push(std::mem::take(&mut field)),
            b'\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            b'\r' if !quoted => {}
            _ => field.push(byte),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}
