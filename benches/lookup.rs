//! Claim: in an open index of ten million findings, one fingerprint is answered in under 10 ms at the 99th percentile.
//!
//! The index is written by the product's own writer: a hundred files of customers, five findings a row, each customer
//! in some rows of several files. Ten thousand draws, half of them of people who are not there, after a warm-up with
//! others; every answer is compared with what was written.
//!
//!     cargo bench --bench lookup
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Outcome, Workspace};
use residuum::index::{Commit, FindingRow, Findings, Index, Keyring, ListedPart, ObjectRecord, Place, Reader, ScanEnd};
use residuum::index::{ScanInfo, UnitRecord};
use residuum_detect::fingerprint::lookup_forms;
use residuum_detect::{Fingerprint, IndexKey, Scheme, Type};
use residuum_source::{Coverage, Record, RecordKind, Version};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const GOAL: Duration = Duration::from_millis(10);

/// Findings that stand in one row.
const FIELDS: [(&str, Type); 5] = [
    ("email", Type::Email),
    ("phone", Type::Phone),
    ("ssn", Type::UsSsn),
    ("ip", Type::IpAddress),
    ("card_number", Type::CreditCard),
];

const OBJECTS: u64 = 100;

/// Objects in a unit, which is a segment.
const PACK: u64 = 10;

fn main() -> ExitCode {
    measure::bench("lookup", || {
        let findings = measure::setting("RESIDUUM_BENCH_FINDINGS", 10_000_000);
        let people = (findings / 12).max(1);
        let workspace = Workspace::new()?;
        let key = IndexKey::new([0x5a; 32]);
        let index =
            Index::create_or_open(&workspace.path("index"), Keyring::new(key.clone(), Vec::new())).map_err(text)?;
        let begun = Instant::now();
        let rows_of = write(&index, &key, findings, people)?;
        println!("  {findings} findings of {people} people written and merged in {:.1?}", begun.elapsed());

        let reader = index.reader().map_err(text)?;
        let mut state = 1;
        let mut draw = |count: u64| (0..count).map(|_| next(&mut state)).collect::<Vec<_>>();
        ask(&reader, &key, &draw(1000), people, &rows_of)?;
        let mut times = ask(&reader, &key, &draw(10_000), people, &rows_of)?;
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (p50, p99, worst) = (at(0.5), at(0.99), at(1.0));
        println!("  10,000 draws: p50 {p50:.1?}, p99 {p99:.1?}, slowest {worst:.1?}");
        let mut claims = Claims::default();
        claims.state(format!("p99 {p99:.1?} under {GOAL:?}"), p99 < GOAL);
        claims.end()
    })
}

/// Writes the index; gives the number of rows of each person.
fn write(index: &Index, key: &IndexKey, findings: u64, people: u64) -> Outcome<Vec<u8>> {
    let rows = findings / FIELDS.len() as u64 / OBJECTS;
    let mut rows_of = vec![0_u8; people as usize];
    let writer = index.writer().map_err(text)?;
    let scan = writer.begin_scan(&ScanInfo::default()).map_err(text)?;
    let source = writer.source("crm", "files");
    let fields = FIELDS.map(|(name, _)| writer.field(name));
    let rule = writer.rule("bench");
    for pack in 0..OBJECTS / PACK {
        let mut buffer = Findings::new();
        let mut unit = UnitRecord { id: [pack as u8 + 1; 32], ..UnitRecord::default() };
        for number in pack * PACK..(pack + 1) * PACK {
            let object = writer.object(source, &format!("crm/customers-{number:04}.csv"));
            for row in 0..rows {
                let person = mix(number * rows + row) % people;
                rows_of[person as usize] = rows_of[person as usize].saturating_add(1);
                let record = Record::Number(RecordKind::Row, row + 1);
                for (at, (_, kind)) in FIELDS.into_iter().enumerate() {
                    let start = row * 210 + at as u64 * 30;
                    let form = standard_form(person, kind);
                    let place = Place::Object { start, end: start + 20 };
                    let fp = key.fingerprint(form.as_bytes());
                    let field = fields[at];
                    let finding = FindingRow { object, field, record: &record, place, kind, rule, confidence: 990, fp };
                    let written = buffer.push(&finding);
                    lookup_forms(kind, form.as_bytes(), |scheme, form| {
                        buffer.lookup(written, scheme, key.fingerprint(form));
                    });
                }
            }
            let version = Version::sound(format!("{number}"));
            unit.listed.push(ListedPart::whole(object, version));
            unit.objects.push(ObjectRecord { records: rows, ..ObjectRecord::new(object, Coverage::Read) });
        }
        unit.segments.push(writer.write_segment(&mut buffer).map_err(text)?);
        writer.commit(Commit { scan, units: vec![unit] }).map_err(text)?;
    }
    writer.end_scan(scan, &ScanEnd { complete: vec![source], interrupted: false }).map_err(text)?;
    writer.compact().map_err(text)?;
    Ok(rows_of)
}

/// Asks for one identifier of each drawn person and for as many of people who are not there; gives the times.
fn ask(reader: &Reader, key: &IndexKey, draws: &[u64], people: u64, rows_of: &[u8]) -> Outcome<Vec<Duration>> {
    let mut times = Vec::with_capacity(draws.len());
    for (number, draw) in draws.iter().enumerate() {
        let present = number % 2 == 0;
        let person = draw % people + if present { 0 } else { people };
        let probe: [Fingerprint; 1] =
            [key.fingerprint(standard_form(person, FIELDS[number / 2 % FIELDS.len()].1).as_bytes())];
        let mut found = 0;
        let begun = Instant::now();
        reader
            .lookup(&probe, &mut |hit| {
                found += u64::from(hit.scheme == Scheme::Canonical);
                ControlFlow::Continue(())
            })
            .map_err(text)?;
        times.push(begun.elapsed());
        let expected = if present { u64::from(rows_of[person as usize]) } else { 0 };
        if found != expected {
            return Err(format!("draw {number}: {found} findings where {expected} were written"));
        }
    }
    Ok(times)
}

/// A person's identifier of a type, in a form that no other type has.
fn standard_form(person: u64, kind: Type) -> String {
    match kind {
        Type::Email => format!("person{person}@example.com"),
        Type::Phone => format!("1{person:010}"),
        _ => format!("{}{person:012}", kind.name()),
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(1);
    mix(*state ^ 0x5eed)
}

/// splitmix64's finisher.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
