//! Files that are written anew (`fixtures/parquet`), and that nothing of the old values is left in them.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine as _;
use parquet::file::reader::{FileReader, SerializedFileReader};
use residuum_source::conformance::{Edits, check_apply};
use residuum_source::{Apply, Limits, ObjectPath, RecordKind, Target};

use super::Case;
use super::matrix::DeleteAll;
use super::store::Store;

const TYPES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/parquet/types.parquet"));
const OLD: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/parquet/old.parquet"));

const NOTES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/parquet/notes.parquet"));

const PEOPLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/people.xlsx"));
const LIBREOFFICE: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/libreoffice.xlsx"));
const ORPHANS: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/orphans.xlsx"));

macro_rules! avro {
    ($name:literal) => {
        Case::new(
            $name,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/records/", $name)).as_slice(),
            |edits| {
                edits
                    .delete("name", "Jon Smith")
                    .set("email", "maria.lopez@example.com", "\u{e9}, and longer than what stood there before, by far")
                    .set("emails[]", "maria.home@example.org", "x")
                    .set("labels.{key}", "vip@example.com", "nobody")
                    .set("address.zip", "02134", "1")
                    .set("phone", "2025550143", "5550100")
                    .set("id", "7", "99")
            },
        )
    };
}

const NOTED: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/records/notes.avro"));

/// A case for each format that is written anew.
pub(super) fn cases() -> Vec<Case> {
    vec![
        avro!("null.avro"),
        avro!("deflate.avro"),
        avro!("snappy.avro"),
        avro!("zstandard.avro"),
        avro!("bzip2.avro"),
        avro!("xz.avro"),
        Case::new(
            "again.avro",
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/records/deflate.avro")).as_slice(),
            |edits| {
                edits.delete("name", "Maria Lopez").null("note", "call 212-555-0101").set("friend.email", "friend", "x")
            },
        ),
        Case::new("types.parquet", TYPES, |edits| {
            edits
                .may_go(RecordKind::Part)
                .delete("dec", "-0.05")
                .set("email", "jane", "nobody")
                .set("user.mail", "jane@example.com", "y")
                .set("tags[]", "b", "z")
                .set("orders[].sku", "s2", "S")
                .set("born", "1980-05-04", "1984-02-29")
                .set("id", "1", "7")
                .set("f", "2025550143", "0")
                .set("uuid", "550e8400", "00000000")
                .null("name", "Jane")
                .null("orders[].n", "1")
                .null("local", "2024-01-31T12:30:00")
        }),
        Case::new("notes.avro", NOTED, |edits| {
            edits.set("owner", "jane@example.com", "Zo\u{eb}, and much longer than before").delete("name", "Jon Smith")
        }),
        Case::new("notes.parquet", NOTES, |edits| {
            edits
                .may_go(RecordKind::Part)
                .set("owner", "jane@example.com", "nobody")
                .set("email.contact", "jane@example.com", "-")
                .set("user.mail.source", "joe", "x")
                .delete("email", "ann@example.com")
        }),
        Case::new("people.xlsx", PEOPLE, |edits| {
            edits
                .delete("Name", "Maria Lopez")
                .set("Email", "jon.smith@example.org", "<x> & \"_x0041_\"\n\u{1f600}")
                .set("Phone", "4155550199", "none")
                .null("Email", "aiko@example.net")
        }),
        Case::new("libreoffice.xlsx", LIBREOFFICE, |edits| {
            edits.delete("Name", "Maria Lopez").set("Email", "jon.smith", "x").set("Phone", "4155550199", "5550100")
        }),
        Case::new("old.parquet", OLD, |edits| edits.delete("email", "joe@example.com").set("email", "jane", "x")),
    ]
}

#[test]
fn statistics_do_not_keep_what_is_gone() {
    let store = Store::with("types.parquet", TYPES);
    let holds = |store: &Store| {
        let bytes = store.bytes("types.parquet").unwrap();
        memchr::memmem::find(&bytes, b"jane@example.com").is_some()
    };
    assert!(holds(&store), "statistics hold values as they are");
    let edits = Edits::new("types.parquet")
        .may_go(RecordKind::Part)
        .delete("dec", "-0.05")
        .set("email", "jane@example.com", "-")
        .set("user.mail", "jane@example.com", "-")
        .set("phones.{key}", "jane@example.com", "-")
        .set("json", "jane@example.com", "-");
    check_apply(&store, &edits);
    assert!(!holds(&store));
    assert!(memchr::memmem::find(&store.bytes("types.parquet").unwrap(), b"ARROW:schema").is_some(), "metadata stay");
}

#[test]
fn notes_go_wherever_they_are_written() {
    let edits = |name| Edits::new(name).may_go(RecordKind::Part).null("owner", "jane@example.com");
    let store = Store::with("notes.avro", NOTED);
    check_apply(&store, &edits("notes.avro"));
    let bytes = store.bytes("notes.avro").unwrap();
    let holds = |bytes: &[u8], text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    assert!(!holds(&bytes, "jane@example.com") && holds(&bytes, "billing") && holds(&bytes, "maria.lopez@example.com"));

    let store = Store::with("notes.parquet", NOTES);
    check_apply(&store, &edits("notes.parquet").set("email.contact", "Jane Roe <jane@example.com>", "-"));
    let bytes = store.bytes("notes.parquet").unwrap();
    assert!(!holds(&bytes, "jane@example.com") && holds(&bytes, "billing"));
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let entries = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let arrow = entries.iter().find(|entry| entry.key == "ARROW:schema").unwrap().value.clone().unwrap();
    let arrow = base64::engine::general_purpose::STANDARD.decode(arrow).unwrap();
    assert!(!holds(&arrow, "jane@example.com"), "Arrow keeps notes for itself");
    assert!(holds(&arrow, "joe@example.com") && holds(&arrow, "billing"), "what is another's stays");
}

/// All parts of a package, unpacked.
fn parts(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut all = BTreeMap::new();
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).unwrap();
        let mut text = Vec::new();
        part.read_to_end(&mut text).unwrap();
        all.insert(part.name().unwrap().into_owned(), String::from_utf8_lossy(&text).into_owned());
    }
    all
}

/// Deletes the records in which a text stands, whatever else that takes along.
fn delete(name: &str, bytes: &[u8], holds: &str) -> Vec<u8> {
    let seen = crate::testing::read_bytes(name, bytes);
    let of = |value: &&crate::testing::Value| String::from_utf8_lossy(&value.bytes).contains(holds);
    let records = seen.values.iter().filter(of).map(|value| value.record.whole()).collect();
    let path = ObjectPath::from_bytes(name.as_bytes());
    let target = Target { object: path.clone(), version: None, records: BTreeMap::from([(path, records)]) };
    let store = Store::with(name, bytes);
    let mut editor = DeleteAll::of(target.records.values().flatten().cloned().collect());
    store.apply(&[target], &Limits::default(), &mut editor).unwrap();
    store.bytes(name).unwrap()
}

#[test]
fn nothing_of_a_deleted_row_stays_in_a_workbook() {
    let gone = ["Jon Smith", "jon.smith", "jon.home", "4155550199", "899123456"];
    let before = parts(LIBREOFFICE);
    let after = parts(&delete("libreoffice.xlsx", LIBREOFFICE, "Jon Smith"));
    for text in gone {
        assert!(before.values().any(|part| part.contains(text)), "{text} was there");
        let left: Vec<_> = after.iter().filter(|(_, part)| part.contains(text)).map(|(name, _)| name).collect();
        assert!(left.is_empty(), "{text} is left in {left:?}");
    }
    let sheet = &after["xl/worksheets/sheet1.xml"];
    assert!(sheet.contains("<row r=\"5\"") && sheet.contains("<row r=\"6\""), "rows stay where they are");
    let same = ["xl/styles.xml", "docProps/core.xml", "xl/worksheets/sheet2.xml"];
    assert!(same.iter().all(|part| before[*part] == after[*part]));

    let after = parts(&delete("orphans.xlsx", ORPHANS, "deleted.person@example.com"));
    assert!(after.values().all(|part| !part.contains("deleted.person")), "a string that no cell uses");
}
