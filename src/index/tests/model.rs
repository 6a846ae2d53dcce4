//! Random lives of an index against a plain vector of findings.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Row {
    field: u8,
    record: Record,
    start: u64,
    kind: u8,
    rule: u8,
    n: u32,
    drop: Option<u32>,
}

/// What one scan does with one object.
#[derive(Clone, Debug)]
struct Step {
    object: u8,
    /// Rows of each part; the last part may be missing.
    parts: Vec<Vec<Row>>,
    finish: bool,
}

#[derive(Clone, Debug)]
struct Round {
    steps: Vec<Step>,
    complete: bool,
    shared: bool,
    compact: bool,
    retract: Option<u32>,
}

const KINDS: [Type; 3] = [Type::Phone, Type::Email, Type::UsSsn];

fn any_row() -> impl Strategy<Value = Row> {
    let record = prop_oneof![
        4 => (1u64..6).prop_map(line),
        1 => "[ab]{1,2}".prop_map(|text| Record::Text(RecordKind::Pk, text)),
        1 => any::<i64>().prop_map(|n| Record::Number(RecordKind::Pk, n as u64)),
    ];
    (0u8..4, record, 0u64..3, 0u8..3, 0u8..3, 0u32..12, proptest::option::weighted(0.2, 100u32..103))
        .prop_map(|(field, record, start, kind, rule, n, drop)| Row { field, record, start, kind, rule, n, drop })
}

fn any_round() -> impl Strategy<Value = Round> {
    let parts = proptest::collection::vec(proptest::collection::vec(any_row(), 0..6), 1..3);
    let step =
        (0u8..5, parts, prop::bool::weighted(0.8)).prop_map(|(object, parts, finish)| Step { object, parts, finish });
    let steps = proptest::collection::vec(step, 0..5);
    (steps, any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::weighted(0.2, 0u32..12))
        .prop_map(|(steps, complete, shared, compact, retract)| Round { steps, complete, shared, compact, retract })
}

/// Names whose order is not that of their numbers.
fn object_name(object: u8) -> (&'static str, String) {
    (if object.is_multiple_of(2) { "zeta" } else { "alpha" }, format!("dir/{}.csv", (b'e' - object) as char))
}

fn field_name(field: u8) -> String {
    format!("f{}", 9 - field)
}

fn rule_name(rule: u8) -> String {
    format!("r{}", 9 - rule)
}

fn expected(object: u8, row: &Row) -> Finding {
    let (source, path) = object_name(object);
    Finding {
        source: source.into(),
        object_id: 0,
        object: path.into(),
        primary_key: [].into(),
        record: row.record.clone(),
        field: field_name(row.field).into(),
        place: Place::Value { start: row.start, end: row.start + 4 },
        kind: KINDS[usize::from(row.kind)],
        rule: rule_name(row.rule).into(),
        confidence: 900,
        fp: fp(row.n),
    }
}

type Order = (String, String, Record, String, Place, Type, String, Fingerprint);

fn order(f: &Finding) -> Order {
    let text = |s: &str| s.to_owned();
    (text(&f.source), text(&f.object), f.record.clone(), text(&f.field), f.place, f.kind, text(&f.rule), f.fp)
}

fn buffer(writer: &Writer, findings: &mut Findings, object: u32, rows: &[Row]) {
    for row in rows {
        let at = findings.push(&FindingRow {
            object,
            field: writer.field(&field_name(row.field)),
            record: &row.record,
            place: Place::Value { start: row.start, end: row.start + 4 },
            kind: KINDS[usize::from(row.kind)],
            rule: writer.rule(&rule_name(row.rule)),
            confidence: 900,
            fp: fp(row.n),
        });
        if let Some(n) = row.drop {
            findings.lookup(at, Scheme::Drop12, fp(n));
        }
    }
}

/// Runs one scan on the index and on the model.
fn play(writer: &Writer, round: &Round, version: usize, live: &mut BTreeMap<u8, Vec<Row>>) {
    let scan = writer.begin_scan(&ScanInfo { full: true, ..ScanInfo::default() }).unwrap();
    let sources = [writer.source("zeta", "files"), writer.source("alpha", "files")];
    let mut steps: BTreeMap<u8, &Step> = BTreeMap::new();
    round.steps.iter().for_each(|step| {
        steps.insert(step.object, step);
    });
    let mut commit = Commit { scan, units: Vec::new() };
    let mut shared = Findings::new();
    for step in steps.values() {
        let (_, path) = object_name(step.object);
        let object = writer.object(sources[usize::from(step.object % 2)], &path);
        let parts = step.parts.len() as u32 + u32::from(!step.finish);
        for (number, rows) in step.parts.iter().enumerate() {
            let version = Version::sound(version.to_string());
            let listed = vec![ListedPart { object, version, part: number as u32, parts }];
            let objects = vec![ObjectRecord::new(object, Coverage::Read)];
            let mut unit = UnitRecord { id: [number as u8; 32], listed, objects, ..UnitRecord::default() };
            if round.shared && parts == 1 {
                buffer(writer, &mut shared, object, rows);
            } else if !rows.is_empty() {
                let mut findings = Findings::new();
                buffer(writer, &mut findings, object, rows);
                unit.segments.push(writer.write_segment(&mut findings).unwrap());
            }
            commit.units.push(unit);
            if !round.shared {
                writer.commit(std::mem::replace(&mut commit, Commit { scan, units: Vec::new() })).unwrap();
            }
        }
        if step.finish {
            live.insert(step.object, step.parts.concat());
        }
    }
    if let (false, Some(unit)) = (shared.is_empty(), commit.units.first_mut()) {
        unit.segments.push(writer.write_segment(&mut shared).unwrap());
    }
    writer.commit(commit).unwrap();
    let complete = if round.complete { sources.to_vec() } else { Vec::new() };
    writer.end_scan(scan, &ScanEnd { complete, interrupted: false }).unwrap();
    if round.complete {
        live.retain(|object, _| steps.contains_key(object));
    }
}

fn check(index: &Index, live: &BTreeMap<u8, Vec<Row>>) {
    let reader = index.reader().unwrap();
    let mut model: Vec<(Finding, Option<u32>)> =
        live.iter().flat_map(|(&object, rows)| rows.iter().map(move |row| (expected(object, row), row.drop))).collect();
    model.sort_by_key(|(finding, _)| order(finding));
    let plain = |mut finding: Finding| {
        finding.object_id = 0;
        finding
    };
    let all = findings(&reader, &Filter::default());
    assert_eq!(reader.len(), all.len() as u64);
    let ids: Vec<(u32, Record)> = all.iter().map(|f| (f.object_id, f.record.clone())).collect();
    assert_eq!(
        all.into_iter().map(plain).collect::<Vec<_>>(),
        model.iter().map(|(f, _)| f.clone()).collect::<Vec<_>>()
    );

    let filter = Filter { source: Some("zeta".into()), object: Some("*/[a-c].csv".into()), kind: Some(Type::Email) };
    let wanted = |f: &Finding| {
        &*f.source == "zeta" && matches!(&*f.object, "dir/a.csv" | "dir/b.csv" | "dir/c.csv") && f.kind == Type::Email
    };
    let filtered: Vec<_> = findings(&reader, &filter).into_iter().map(plain).collect();
    assert_eq!(filtered, model.iter().map(|(f, _)| f.clone()).filter(wanted).collect::<Vec<_>>());

    let probes: Vec<Fingerprint> = [0, 3, 3, 7, 101, 500].map(fp).to_vec();
    let mut met: Vec<(usize, Scheme, Order)> = Vec::new();
    for (probe, &wanted) in probes.iter().enumerate() {
        for (finding, drop) in &model {
            if finding.fp == wanted {
                met.push((probe, Scheme::Canonical, order(finding)));
            }
            if drop.map(fp) == Some(wanted) {
                met.push((probe, Scheme::Drop12, order(finding)));
            }
        }
    }
    met.sort_by_key(|(probe, scheme, order)| (probes[*probe], *probe, order.clone(), *scheme));
    let found: Vec<_> = lookup(&reader, &probes).into_iter().map(|(p, s, f)| (p, s, order(&f))).collect();
    assert_eq!(found, met);

    for step in [1, 4] {
        let mut some: Vec<_> = ids.iter().step_by(step).cloned().collect();
        some.push((u32::MAX, line(1)));
        some.sort_unstable();
        some.dedup();
        let mut beside = Vec::new();
        let mut each = |finding: &Finding| {
            assert!(some.binary_search(&(finding.object_id, finding.record.clone())).is_ok());
            beside.push(plain(finding.clone()));
            ControlFlow::Continue(())
        };
        reader.findings_of_records(&some, &mut each).unwrap();
        let is_wanted = |f: &&Finding| some.binary_search(&(f.object_id, f.record.clone())).is_ok();
        let all = findings(&reader, &Filter::default());
        assert_eq!(beside, all.iter().filter(is_wanted).cloned().map(plain).collect::<Vec<_>>());
    }
    for (object, record) in ids.iter().step_by(3) {
        let mut beside = Vec::new();
        let mut name = None;
        reader
            .record_findings(*object, record, &mut |finding| {
                name = Some((finding.source.clone(), finding.object.clone()));
                beside.push(plain(finding.clone()));
                ControlFlow::Continue(())
            })
            .unwrap();
        let (source, path) = name.expect("the record has a finding");
        let same = |f: &Finding| f.source == source && f.object == path && f.record == *record;
        assert_eq!(beside, model.iter().map(|(f, _)| f.clone()).filter(same).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_life_of_an_index_gives_what_a_vector_would(rounds in proptest::collection::vec(any_round(), 1..7)) {
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path());
        let mut live = BTreeMap::new();
        let mut writer = index.writer().unwrap();
        for (version, round) in rounds.iter().enumerate() {
            play(&writer, round, version, &mut live);
            check(&index, &live);
            if let Some(n) = round.retract {
                writer.retract(&Retract::Fingerprints(vec![fp(n)])).unwrap();
                live.values_mut().for_each(|rows| rows.retain(|row| row.n != n));
                check(&index, &live);
            }
            if round.compact {
                writer.compact().unwrap();
                check(&index, &live);
                drop(writer);
                writer = index.writer().unwrap();
            }
        }
    }
}

#[test]
fn full_levels_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let names: Vec<String> = (0..20).map(|i| format!("o{:02}", 19 - i)).collect();
    let source = writer.source("s", "files");
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    for (n, name) in names.iter().enumerate() {
        let object = writer.object(source, name);
        writer.commit(Commit { scan, units: vec![unit(&writer, object, "1", &[n as u32, 1000])] }).unwrap();
    }
    writer.end_scan(scan, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
    let before = index.reader().unwrap();
    let merged = writer.compact().unwrap();
    assert_eq!((merged.before, merged.after, merged.dropped), (20, 1, 0));
    let after = index.reader().unwrap();
    assert_eq!((before.segments(), after.segments(), after.len()), (20, 1, 40));
    assert_eq!(findings(&before, &Filter::default()), findings(&after, &Filter::default()));
    assert_eq!(lookup(&before, &[fp(1000), fp(3)]), lookup(&after, &[fp(1000), fp(3)]));
    assert_eq!(writer.compact().unwrap(), Compacted::default());
}
