//! Segments against a plain vector of rows.

use hashbrown::HashMap;
use proptest::prelude::*;
use residuum_detect::{Fingerprint, Scheme, Type};
use residuum_source::{Record, RecordKind};

use super::*;
use crate::index::{FindingRow, Findings, Place};

fn fp(n: u32) -> Fingerprint {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
    Fingerprint(bytes)
}

fn ranks() -> Ranks {
    let all = |n: u32| (0..n).map(|i| (i, n - i)).collect::<HashMap<_, _>>();
    Ranks { objects: all(16), fields: all(16), rules: (0..8).map(|i| (i, 8 - u32::from(i))).collect() }
}

fn write(dir: &Path, findings: &Findings) -> (Records, Prints, Vec<u32>) {
    let order = canonical(findings, &ranks());
    let (records, prints) = (records_file(dir, 1), prints_file(dir, 1));
    let mut writer = RecordsWriter::new(&records);
    writer.group(findings, &order).unwrap();
    assert_eq!(writer.finish().unwrap().0, findings.len() as u64);
    let mut place = vec![0; findings.len()];
    order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
    let print = |row: u32, scheme: Scheme, fp| Print {
        fp,
        kind: findings.kind[row as usize],
        scheme: scheme as u8,
        row: place[row as usize],
    };
    let canonical = (0..findings.len() as u32).map(|row| print(row, Scheme::Canonical, findings.fp[row as usize]));
    let lookups = findings.lookups.iter().map(|&(row, scheme, fp)| print(row, scheme, fp));
    let mut writer = PrintsWriter::new(&prints);
    writer.group(&sort_prints(canonical.chain(lookups).collect())).unwrap();
    writer.finish().unwrap();
    (Records::open(&records, None).unwrap(), Prints::open(&prints, None).unwrap(), order)
}

#[test]
fn many_rows_come_back_in_order_and_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut findings = Findings::new();
    for i in 0..40_000u32 {
        let record = Record::Number(RecordKind::Row, u64::from(i * 7 % 40_000));
        let place = Place::Value { start: 0, end: u64::from(i % 30) };
        let row = FindingRow {
            object: i % 3,
            field: i % 5,
            record: &record,
            place,
            kind: Type::Email,
            rule: (i % 8) as u16,
            confidence: 900,
            fp: fp(i % 9_000),
        };
        findings.push(&row);
    }
    findings.lookup(17, Scheme::Drop12, fp(1_000_000));
    let (records, prints, order) = write(dir.path(), &findings);
    assert_eq!(records.rows(), 40_000);
    let ranks = ranks();
    assert!(order.windows(2).all(|w| ranks.compare(&findings, w[0] as usize, &findings, w[1] as usize).is_le()));

    let mut cursor = Cursor::new(records.clone(), vec![3..9_000, 9_005..9_006, 39_000..40_000]);
    let mut expected = (3..9_000).chain(9_005..9_006).chain(39_000..40_000);
    while cursor.fill().unwrap() {
        for (i, &number) in cursor.numbers.iter().enumerate() {
            assert_eq!(Some(number), expected.next());
            assert!(ranks.compare(&cursor.block, i, &findings, order[number as usize] as usize).is_eq());
        }
    }
    assert_eq!(expected.next(), None);

    let mut probes: Vec<_> = (8_990..9_100).map(fp).chain([fp(1_000_000)]).collect();
    probes.sort();
    let mut found: Vec<(usize, u32)> = Vec::new();
    prints.lookup(&probes, |probe, print| found.push((probe, order[print.row as usize]))).unwrap();
    let holds = |probe: &Fingerprint, row: usize| findings.fp[row] == *probe || row == 17 && *probe == fp(1_000_000);
    let mut model: Vec<(usize, u32)> = (0..probes.len())
        .flat_map(|p| (0..findings.len()).map(move |row| (p, row)))
        .filter(|&(p, row)| holds(&probes[p], row))
        .map(|(p, row)| (p, row as u32))
        .collect();
    found.sort_unstable();
    model.sort_unstable();
    assert_eq!(found, model);
    assert!(model.len() > 40);
}

#[test]
fn damage_is_named_not_panicked_about() {
    let dir = tempfile::tempdir().unwrap();
    let mut findings = Findings::new();
    let record = Record::Text(RecordKind::Part, "body".into());
    let place = Place::Object { start: 1, end: 2 };
    let row = FindingRow {
        object: 1,
        field: 1,
        record: &record,
        place,
        kind: Type::Email,
        rule: 1,
        confidence: 1,
        fp: fp(1),
    };
    findings.push(&row);
    write(dir.path(), &findings);
    for path in [records_file(dir.path(), 1), prints_file(dir.path(), 1)] {
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 3, 8, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = match path.to_str().unwrap().contains("records") {
                true => Records::open(&path, None).err(),
                false => Prints::open(&path, None).err(),
            };
            let message = error.expect("cut files do not open").to_string();
            assert!(message.contains("damaged") && message.contains("parquet"), "{message}");
        }
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (0u64..6).prop_map(|n| Record::Number(RecordKind::Line, n)),
        any::<u64>().prop_map(|n| Record::Number(RecordKind::Pk, n)),
        "[a-c]{0,2}".prop_map(|t| Record::Text(RecordKind::Pk, t)),
        "[a-c]{0,2}".prop_map(|t| Record::Text(RecordKind::Part, t)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn canonical_order_is_that_of_the_names(
        rows in proptest::collection::vec((0u32..16, 0u32..16, any_record(), 0u64..4, 0u16..8, 0u32..50), 1..200)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut findings = Findings::new();
        for (object, field, record, start, rule, n) in &rows {
            let place = Place::Value { start: *start, end: start + 1 };
            findings.push(&FindingRow {
                object: *object, field: *field, record, place, kind: Type::Phone, rule: *rule, confidence: 1, fp: fp(*n),
            });
        }
        let mut model = rows.clone();
        model.sort_by_key(|(object, field, record, start, rule, n)| {
            (16 - object, record.clone(), 16 - field, *start, 8 - rule, fp(*n))
        });
        let (records, _, _) = write(dir.path(), &findings);
        let mut read = Findings::new();
        records.read(0..rows.len() as u32, &mut read).unwrap();
        for (i, (object, field, record, start, rule, n)) in model.iter().enumerate() {
            prop_assert_eq!(read.object[i], *object);
            prop_assert_eq!(read.field[i], *field);
            prop_assert_eq!(read.record(i), Some(record.clone()));
            prop_assert_eq!(read.start[i], *start);
            prop_assert_eq!(read.rule[i], *rule);
            prop_assert_eq!(read.fp[i], fp(*n));
        }
    }
}
