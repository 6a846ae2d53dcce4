//! Avro files as fastavro writes them.

use residuum_source::{Coverage, Limits};

use crate::testing::{Seen, read_bytes, read_stream, read_with};

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/records/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn check_people(seen: &Seen, what: &str) {
    let one = |row: u64, text: &str| vec![(row, text.to_owned())];
    for (field, values) in [
        ("email", vec![(1, "maria.lopez@example.com".to_owned()), (2, "jon.smith@example.org".to_owned())]),
        ("phone", vec![(1, "2025550143".to_owned()), (2, "4155550199".to_owned())]),
        ("born", vec![(1, "1984-03-12".to_owned()), (2, "1990-11-02".to_owned())]),
        ("seen", vec![(1, "2024-05-01T13:45:00".to_owned()), (2, "2023-01-02T00:00:00".to_owned())]),
        ("balance", vec![(1, "-12.50".to_owned()), (2, "1000000.01".to_owned())]),
        ("emails[]", vec![(1, "maria.home@example.org".to_owned()), (1, "maria.work@example.net".to_owned())]),
        ("address.zip", one(1, "02134")),
        ("labels.{key}", one(1, "vip@example.com")),
        ("labels.{}", one(1, "yes")),
        ("note", one(2, "call 212-555-0101")),
        ("friend.email", one(2, "friend@example.com")),
        ("friend.address.street", one(2, "12 Example Street")),
    ] {
        assert_eq!(seen.field(field), values, "{what}: {field}");
    }
}

#[test]
fn every_codec_is_read() {
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"] {
        let bytes = fixture(&format!("{codec}.avro"));
        for seen in [read_bytes("a.avro", &bytes), read_stream("a.avro", &bytes, &Limits::default())] {
            let outcome = seen.outcome("a.avro");
            assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, 2), "{codec}: {outcome:?}");
            check_people(&seen, codec);
        }
    }
}

#[test]
fn what_the_writer_noted_is_read() {
    let bytes = fixture("notes.avro");
    for seen in [read_bytes("a.avro", &bytes), read_stream("a.avro", &bytes, &Limits::default())] {
        let texts = |field: &str| seen.field(field).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(
            (texts("owner"), texts("purpose")),
            (vec!["jane@example.com".to_owned()], vec!["billing".to_owned()])
        );
        assert_eq!((texts("email").len(), seen.outcome("a.avro").records), (2, 2), "notes are no row");
    }
}

#[test]
fn a_damaged_block_is_told_and_the_next_is_read() {
    let mut bytes = fixture("null.avro");
    let at = memchr::memmem::find(&bytes, b"Maria Lopez").expect("the first block holds her");
    bytes[at - 1] = 0x7e;
    let seen = read_bytes("a.avro", &bytes);
    assert_eq!(seen.outcome("a.avro").coverage, Coverage::Unreadable);
    assert!(seen.field("email").iter().any(|(_, email)| email == "jon.smith@example.org"), "{:?}", seen.reasons());
    let whole = fixture("deflate.avro");
    for len in 4..whole.len() {
        let seen = read_bytes("a.avro", &whole[..len]);
        let outcome = seen.outcome("a.avro");
        assert!(outcome.coverage == Coverage::Unreadable || outcome.records < 2, "{len}: {outcome:?}");
    }
}

#[test]
fn what_takes_no_bytes_comes_to_an_end() {
    // A block of very many records that are all null.
    let schema = br#""null""#;
    let mut bytes = b"Obj\x01\x02\x16avro.schema".to_vec();
    bytes.push(schema.len() as u8 * 2);
    bytes.extend_from_slice(schema);
    bytes.push(0);
    bytes.extend([7; 16]);
    bytes.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]);
    bytes.extend([7; 16]);
    let limits = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
    let seen = read_with("a.avro", &bytes, &limits);
    assert_eq!(seen.outcome("a.avro").coverage, Coverage::Limit, "{:?}", seen.reasons());
}
