//! Indexes of every format, made once and kept: they stay readable.
//!
//! `fixtures/index-v2` was made by [`make`], run as `cargo test --lib index::tests::golden -- --ignored`. When the
//! format changes, a new directory is made beside it and this one stays.

use std::fs;
use std::path::PathBuf;

use super::*;

fn fixture(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/index-v{format}"))
}

fn ring(format: u32) -> Keyring {
    let text = fs::read_to_string(fixture(format).join("key.txt")).unwrap();
    Keyring::new(keys::parse(&text).unwrap().remove(0), Vec::new())
}

#[test]
fn an_index_of_format_1_is_read_and_has_no_digests() {
    is_read(1);
    assert_eq!(checked(1), (2, 3, 0));
}

#[test]
fn an_index_of_format_2_is_read_and_checked() {
    is_read(2);
    assert_eq!(checked(2), (2, 0, 0));
}

/// Files of segments, files without digests, and damage.
fn checked(format: u32) -> (u64, usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    super::crash::copy(&fixture(format).join("index"), dir.path());
    let checked = Index::open(dir.path(), ring(format)).unwrap().check().unwrap();
    (checked.files, checked.unsummed.len(), checked.damaged.len())
}

fn is_read(format: u32) {
    let dir = tempfile::tempdir().unwrap();
    super::crash::copy(&fixture(format).join("index"), dir.path());
    let ring = ring(format);
    let index = Index::open(dir.path(), ring.clone()).unwrap();
    let reader = index.reader().unwrap();
    let found: Vec<_> = findings(&reader, &Filter::default())
        .into_iter()
        .map(|f| {
            let (start, end) = f.place.bounds();
            let object = ring.reveal(&f.object).unwrap();
            let key = f.record.key_json(&f.primary_key);
            format!(
                "{} {object} {key} {} {start}..{end} {} {} {}",
                f.source,
                f.field,
                f.kind.name(),
                f.rule,
                f.confidence
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            r#"crm main.customers {"id":7} email 0..16 EMAIL email 980"#,
            r#"crm main.customers {"id":7} phone 0..12 PHONE phone 900"#,
            r#"crm main.visits {"day":"2026-01-05","id":8} note 4..20 EMAIL email 980"#,
            r#"files mail/jane@example.com.txt 3  120..136 EMAIL email 980"#,
            r#"files part.parquet {"row":5,"row_group":1} phone 0..12 PHONE phone 900"#,
        ]
    );
    let met =
        |fp: Fingerprint| lookup(&reader, &[fp]).into_iter().map(|(_, scheme, f)| (scheme, f.kind)).collect::<Vec<_>>();
    assert_eq!(met(ring.current().fingerprint(b"jane@example.com")), [(Scheme::Canonical, Type::Email); 3]);
    assert_eq!(met(ring.current().fingerprint(b"2025550123")), [(Scheme::Drop12, Type::Phone); 2]);
    assert_eq!(reader.coverage().unwrap().read, 4);
    assert_eq!(reader.coverage().unwrap().unsupported, 1);
    assert_eq!(reader.scans().unwrap().len(), 1);
    assert_eq!(reader.fields().unwrap()[0].n_values, 40);
    assert_eq!(reader.declared_keys().unwrap().len(), 1);
    drop(reader);
    index.writer().unwrap().compact().unwrap();
    assert_eq!(index.reader().unwrap().len(), 5, "and written on");
}

/// What the fixture holds: source, object, record, field, place, type, value.
type Row = (&'static str, String, Record, &'static str, Place, Type, &'static str);

#[test]
#[ignore = "makes the fixture; run it once for a new format, in a checkout without the old directory"]
fn make() {
    use residuum_source::{KeyKind, KeyValue, ObjectPath, TableKey};
    fs::create_dir(fixture(FORMAT)).expect("a kept index is never made again");
    let text: String = (0..32u8).map(|byte| format!("{byte:02x}")).collect();
    fs::write(fixture(FORMAT).join("key.txt"), format!("# invented; of no other use\n{text}\n")).unwrap();
    let ring = ring(FORMAT);
    let index = Index::create_or_open(&fixture(FORMAT).join("index"), ring.clone()).unwrap();
    let writer = index.writer().unwrap();
    let visit = Record::pk(&[KeyValue::Integer(8), KeyValue::Text("2026-01-05".into())]);
    let mail = format!("mail/{}.txt", ring.seal_name(Type::Email, "jane@example.com"));
    let value = |start, end| Place::Value { start, end };
    let (email, phone) = ("jane@example.com", "12025550123");
    let rows: [Row; 5] = [
        (
            "crm",
            "main.customers".into(),
            Record::pk(&[KeyValue::Integer(7)]),
            "email",
            value(0, 16),
            Type::Email,
            email,
        ),
        (
            "crm",
            "main.customers".into(),
            Record::pk(&[KeyValue::Integer(7)]),
            "phone",
            value(0, 12),
            Type::Phone,
            phone,
        ),
        ("crm", "main.visits".into(), visit, "note", value(4, 20), Type::Email, email),
        ("files", mail, line(3), "", Place::Object { start: 120, end: 136 }, Type::Email, email),
        ("files", "part.parquet".into(), Record::row_group(1, 5), "phone", value(0, 12), Type::Phone, phone),
    ];
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let mut findings = Findings::new();
    let mut units: Vec<UnitRecord> = Vec::new();
    for (source, path, record, field, place, kind, standard) in &rows {
        let object = writer.object(writer.source(source, source), path);
        let (field, name) = (writer.field(field), if *kind == Type::Email { "email" } else { "phone" });
        let (fp, rule) = (ring.current().fingerprint(standard.as_bytes()), writer.rule(name));
        let confidence = if *kind == Type::Email { 980 } else { 900 };
        let row = FindingRow { object, field, record, place: *place, kind: *kind, rule, confidence, fp };
        let row = findings.push(&row);
        if *kind == Type::Phone {
            findings.lookup(row, Scheme::Drop12, ring.current().fingerprint(&standard.as_bytes()[1..]));
        }
        if units.iter().all(|unit| unit.listed[0].object != object) {
            let primary_key: &[&str] = match path.as_str() {
                "main.customers" => &["id"],
                "main.visits" => &["id", "day"],
                _ => &[],
            };
            let primary_key = primary_key.iter().map(|&name| name.to_owned()).collect();
            let record = ObjectRecord { primary_key, records: 40, ..ObjectRecord::new(object, Coverage::Read) };
            units.push(UnitRecord {
                id: [units.len() as u8; 32],
                listed: vec![ListedPart::whole(object, Version::sound("1"))],
                objects: vec![record],
                field_stats: vec![FieldStats { object, field, kind: *kind, rule, values: 1, records: 1 }],
                field_totals: vec![FieldTotals { object, field, values: 40, records: 40 }],
                ..UnitRecord::default()
            });
        }
    }
    units[0].segments.push(writer.write_segment(&mut findings).unwrap());
    let picture = writer.object(writer.source("files", "files"), "scan.png");
    let mut unread = ObjectRecord::new(picture, Coverage::Unsupported);
    unread.reason = Some("pictures are not read".to_owned());
    let listed = vec![ListedPart::whole(picture, Version::sound("1"))];
    units.push(UnitRecord { id: [77; 32], listed, objects: vec![unread], ..UnitRecord::default() });
    writer.commit(Commit { scan, units }).unwrap();
    let object = ObjectPath::from_parts(["main", "customers"]);
    let key = TableKey { object, columns: vec!["id".to_owned()], kind: KeyKind::Primary };
    writer.set_keys(writer.source("crm", "crm"), &[key]).unwrap();
    writer.end_scan(scan, &ScanEnd::default()).unwrap();
}
