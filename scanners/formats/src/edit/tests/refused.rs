//! What cannot be done is refused, nothing is written then, and nothing is said to be gone that may be there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, Mutex};

use residuum_source::conformance::{Edits, check_apply};
use residuum_source::{Limits, ObjectPath, Record, RecordKind, RefusalKind};

use super::packed::{gzip, tar, zip};
use super::store::Store;
use super::told::{DeleteAndChange, Do, edit};
use crate::ReadAt;

const PEOPLE: &str = "id,name\n1,Ann\n2,Bob\n3,Cy\n";

#[test]
fn what_cannot_be_written_is_refused_with_the_reason() {
    let csv = PEOPLE.as_bytes();
    // The third member is stored.
    let members: [(&str, &[u8]); 3] = [("a.txt", b"a\n"), ("b.txt", b"b\n"), ("p.csv", csv)];
    let mut damaged_stream = gzip(&zip(&members));
    let sum = damaged_stream.len() - 8;
    damaged_stream[sum] ^= 1;
    let mut damaged_member = zip(&members);
    let at = memchr::memmem::find(&damaged_member, b"Ann").unwrap();
    damaged_member[at] = b'E';
    let mut overlapping = zip(&[("p.csv", csv), ("q.csv", csv)]);
    let second = memchr::memmem::rfind(&overlapping, b"PK\x01\x02").unwrap();
    overlapping[second + 42..second + 46].fill(0);
    let name = format!("{}.csv", "n".repeat(150));
    let mut apart = tar(&[(&name, csv)]);
    apart.splice(1024..1024, [0; 512]);
    let long_name = format!("a.tar!{name}");
    let cases: [(&str, &str, Vec<u8>, &str, &str); 6] = [
        ("a sum that is wrong", "a.gz", damaged_stream, "a.gz!a!p.csv", "checksum"),
        ("a stored member's sum that is wrong", "a.zip", damaged_member, "a.zip!p.csv", "checksum"),
        ("members that share bytes", "a.zip", overlapping, "a.zip!p.csv", "overlap"),
        ("a name apart from its member", "a.tar", apart, &long_name, "stands apart"),
        (
            "a statement that says more",
            "a.sql",
            b"-- MySQL dump\nINSERT INTO t VALUES (1,'Bob')\nON CONFLICT (id) DO UPDATE SET note='a;b';\nSELECT 1;\n"
                .to_vec(),
            "a.sql",
            "more than a semicolon",
        ),
        (
            "a row beside text",
            "a.sql",
            b"-- MySQL dump\nINSERT INTO t VALUES (1,'Bob'); INSERT INTO t VALUES (2,'Acme');\n".to_vec(),
            "a.sql",
            "on the same line",
        ),
    ];
    for (case, name, bytes, part, why) in cases {
        edit(name, &bytes, part, "Bob", Do::Delete, &Limits::default()).is_refused(&bytes, why, case);
    }
}

#[test]
fn the_end_of_its_line_keeps_no_row() {
    let before = b"-- MySQL dump\nINSERT INTO t VALUES\n(1,'Ann'),\n(2,'Bob')\nON CONFLICT DO NOTHING;\n";
    let told = edit("a.sql", before, "a.sql", "Bob", Do::Delete, &Limits::default());
    assert_eq!((told.deleted, told.refused.len()), (1, 0), "{:?}", told.refused);
    let after = "-- MySQL dump\nINSERT INTO t VALUES\n(1,'Ann')\nON CONFLICT DO NOTHING;\n";
    assert_eq!(String::from_utf8_lossy(&told.bytes), after);
}

#[test]
fn what_is_not_read_again_is_not_gone() {
    let bytes = zip(&[("a.txt", b"a\n"), ("b.csv.gz", &gzip(PEOPLE.as_bytes()))]);
    let part = "a.zip!b.csv.gz!b.csv";
    for (case, limits, kind) in [
        ("a container in a container", Limits { depth: 1, ..Limits::default() }, RefusalKind::Limit),
        ("more bytes than may be unpacked", Limits { expanded_bytes: 8, ..Limits::default() }, RefusalKind::Limit),
    ] {
        let told = edit("a.zip", &bytes, part, "Bob", Do::Replace("-"), &limits);
        assert_eq!((told.changed, told.refused.len()), (0, 1), "{case}");
        let told = edit("a.zip", &bytes, part, "Bob", Do::Delete, &limits);
        let [(of, Some(record), refusal)] = told.refused.as_slice() else { panic!("{case}: {:?}", told.refused) };
        assert_eq!((of.as_str(), record, refusal.kind), (part, &Record::Number(RecordKind::Row, 2), kind), "{case}");
        assert!((told.deleted, told.bytes) == (0, bytes.clone()), "{case}");
    }
    let told = edit("a.zip", &bytes, part, "Bob", Do::Delete, &Limits::default());
    assert_eq!((told.deleted, told.refused.len()), (1, 0));
}

#[test]
fn what_is_not_met_when_it_is_to_be_written_is_refused() {
    let letter = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/letter.docx")).unwrap();
    let cases: [(&str, &[u8]); 2] = [("p.csv", PEOPLE.as_bytes()), ("p.docx", &letter)];
    for (name, content) in cases {
        let before = zip(&[(name, content)]);
        let then = zip(&[(&name.replace('p', "q"), content)]);
        let part = ObjectPath::from_escaped(&format!("a.zip!{name}")).unwrap();
        let seen = crate::testing::read_bytes("a.zip", &before);
        let records = seen.values.iter().filter(|value| value.part == part.as_str());
        let records: BTreeSet<Record> = records.map(|value| value.record.whole()).collect();
        let records: Vec<Record> = records.into_iter().collect();
        let bytes = Arc::new(Mutex::new(before));
        let mut editor = DeleteAndChange { bytes: bytes.clone(), then, refused: Vec::new() };
        let input: Arc<dyn ReadAt> = bytes;
        let wanted = BTreeMap::from([(part.clone(), records.clone())]);
        let plan = crate::edit::plan(&part.outermost(), &input, &wanted, &Limits::default(), &mut editor);
        assert!(plan.is_empty() && (plan.deleted, plan.changed) == (0, 0), "{name}");
        let told: Vec<_> = editor.refused.iter().map(|(part, refusal)| (part.as_str(), refusal.kind)).collect();
        assert_eq!(told, vec![(part.as_str(), RefusalKind::Failed); records.len()], "{name}");
    }
}

#[test]
fn a_gzip_header_says_nothing_of_the_old_blocks() {
    let mut packer = flate2::GzBuilder::new()
        .mtime(1_700_000_000)
        .filename("people.csv")
        .comment("made")
        // As BGZF says how long its first block is (SAM specification, section 4.1).
        .extra(b"BC\x02\x00\x10\x00".to_vec())
        .write(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, PEOPLE.as_bytes()).unwrap();
    let store = Store::with("people.csv.gz", packer.finish().unwrap());
    check_apply(&store, &Edits::new("people.csv.gz!people.csv").delete("name", "Bob"));
    let after = store.bytes("people.csv.gz").unwrap();
    let mut reader = flate2::read::GzDecoder::new(after.as_slice());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, PEOPLE.replace("2,Bob\n", ""));
    let header = reader.header().unwrap();
    assert_eq!((header.mtime(), header.extra()), (1_700_000_000, None));
    assert_eq!((header.filename(), header.comment()), (Some(&b"people.csv"[..]), Some(&b"made"[..])));
}

#[test]
fn a_member_that_the_directory_does_not_list_does_not_stay() {
    let mut bytes = zip(&[("old.txt", b"old@example.com\n"), ("p.csv", PEOPLE.as_bytes())]);
    // As a program does that removes a member from the directory alone.
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let second = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
    bytes.drain(directory..second);
    let removed = (second - directory) as u32;
    let end = memchr::memmem::rfind(&bytes, b"PK\x05\x06").unwrap();
    bytes[end + 8..end + 12].copy_from_slice(&[1, 0, 1, 0]);
    let len = u32::from_le_bytes(bytes[end + 12..end + 16].try_into().unwrap()) - removed;
    bytes[end + 12..end + 16].copy_from_slice(&len.to_le_bytes());
    let store = Store::with("a.zip", bytes);
    check_apply(&store, &Edits::new("a.zip!p.csv").delete("name", "Bob"));
    let after = store.bytes("a.zip").unwrap();
    assert!(memchr::memmem::find(&after, b"old.txt").is_none());
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(after)).unwrap();
    assert_eq!(archive.by_index(0).unwrap().name().unwrap(), "p.csv");
}
