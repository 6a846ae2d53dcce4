//! The index as its callers see it.

mod crash;
mod damage;
mod golden;
mod life;
mod model;

use std::ops::ControlFlow;
use std::path::Path;

use residuum_detect::{Fingerprint, IndexKey, Scheme, Type};
use residuum_source::{Coverage, Record, RecordKind, Version};

use super::*;

const KEY: IndexKey = IndexKey::new([5; 32]);

fn index(dir: &Path) -> Index {
    Index::create_or_open(dir, Keyring::new(KEY, Vec::new())).unwrap()
}

fn fp(n: u32) -> Fingerprint {
    KEY.fingerprint(&n.to_le_bytes())
}

fn line(n: u64) -> Record {
    Record::Number(RecordKind::Line, n)
}

/// One e-mail on a line of an object.
fn push(writer: &Writer, findings: &mut Findings, object: u32, record: &Record, n: u32) -> u32 {
    findings.push(&FindingRow {
        object,
        field: writer.field("email"),
        record,
        place: Place::Object { start: 10, end: 26 },
        kind: Type::Email,
        rule: writer.rule("email"),
        confidence: 980,
        fp: fp(n),
    })
}

/// Reads an object whole: an e-mail on each line.
fn unit(writer: &Writer, object: u32, version: &str, emails: &[u32]) -> UnitRecord {
    part(writer, object, version, 0, 1, emails)
}

fn part(writer: &Writer, object: u32, version: &str, part: u32, parts: u32, emails: &[u32]) -> UnitRecord {
    let mut findings = Findings::new();
    for (i, &n) in emails.iter().enumerate() {
        push(writer, &mut findings, object, &line(u64::from(part) * 100 + i as u64 + 1), n);
    }
    let mut id = [part as u8; 32];
    id[31] = object as u8;
    let (field, rule, values) = (writer.field("email"), writer.rule("email"), emails.len() as u64);
    UnitRecord {
        id,
        listed: vec![ListedPart { object, version: Version::sound(version), part, parts }],
        objects: vec![ObjectRecord {
            records: values,
            bytes: values * 30,
            ..ObjectRecord::new(object, Coverage::Read)
        }],
        segments: if emails.is_empty() { Vec::new() } else { vec![writer.write_segment(&mut findings).unwrap()] },
        field_stats: vec![FieldStats { object, field, kind: Type::Email, rule, values, records: values }],
        field_totals: vec![FieldTotals { object, field, values, records: values }],
    }
}

/// Scans objects whole; the listing is complete.
fn scan(writer: &Writer, source: &str, objects: &[(&str, &str, &[u32])]) {
    let source = writer.source(source, "files");
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let units =
        objects.iter().map(|(path, version, emails)| unit(writer, writer.object(source, path), version, emails));
    writer.commit(Commit { scan, units: units.collect() }).unwrap();
    writer.end_scan(scan, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
}

fn findings(reader: &Reader, filter: &Filter) -> Vec<Finding> {
    let mut all = Vec::new();
    reader
        .findings(filter, &mut |finding| {
            all.push(finding.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

fn lookup(reader: &Reader, probes: &[Fingerprint]) -> Vec<(usize, Scheme, Finding)> {
    let mut all = Vec::new();
    reader
        .lookup(probes, &mut |found| {
            all.push((found.probe, found.scheme, found.finding.clone()));
            ControlFlow::Continue(())
        })
        .unwrap();
    all
}

/// Where findings are, as text: `object:line`.
fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{}:{}", f.object, f.record.number())).collect()
}
