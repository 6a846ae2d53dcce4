//! Profiles CSV files through the library: one line a column with how it is planned and which types are found in it.
//!
//! `cargo run -p residuum-detect --example columns -- DATABASE FILE.csv…` writes `database,table,column,types` to standard
//! output, for comparing with labels made by hand, and the plans to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the terminal")]

use std::collections::BTreeMap;
use std::path::Path;

use residuum_detect::{Detector, RuleSet};
use residuum_source::{Batch, Column, RecordKind, Records};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next().expect("a name for the database");
    let detector = Detector::new(&RuleSet::builtin()).expect("the pack compiles");
    println!("database,table,column,types");
    for file in arguments {
        let table = Path::new(&file).file_stem().expect("a file").to_string_lossy().into_owned();
        let text = std::fs::read(&file).expect("a readable file");
        let batch = read(&text);
        let plans = detector.plan(&table, &batch);
        let mut worker = detector.worker();
        for (column, plan) in batch.columns.iter().zip(&plans) {
            let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
            worker.values(plan, &column.bytes, &column.offsets, &mut |_, hit, _| {
                *hits.entry(hit.kind.name()).or_default() += 1;
            });
            eprintln!("{table}.{}: {:?} {:?} {:?}", column.field, plan.treatment, hits, plan.evidence);
            // A type counts for a column when a tenth of its values hold it.
            let filled = column.offsets.windows(2).filter(|ends| ends[0] < ends[1]).count();
            let types: Vec<_> = hits.iter().filter(|(_, n)| **n * 10 >= filled.max(1)).map(|(t, _)| *t).collect();
            println!("{database},{table},{},{}", quoted(&column.field), types.join(";"));
        }
    }
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

/// A plain CSV reader: the real one is a crate of its own.
fn read(text: &[u8]) -> Batch {
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
