//! BSON as pymongo writes it.

use std::io::Write;

use residuum_source::{Coverage, Limits, Record, RecordKind};

use super::*;
use crate::testing::{read_bytes, read_stream, read_with};

fn fixture() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/records/people.bson");
    std::fs::read(path).expect("it stands there")
}

#[test]
fn documents_are_rows() {
    let bytes = fixture();
    let small = Limits { batch_bytes: 50, ..Limits::default() };
    for seen in [read_bytes("a.bson", &bytes), read_stream("a.bson", &bytes, &small)] {
        let outcome = seen.outcome("a.bson");
        assert_eq!(
            (outcome.coverage, outcome.records, outcome.bytes),
            (Coverage::Read, 2, bytes.len() as u64),
            "{outcome:?}"
        );
        assert_eq!(seen.closed[0].0.format, "bson");
        let text = |row: u64, text: &str| (row, text.to_owned());
        for (field, values) in [
            ("email", vec![text(1, "maria.lopez@example.com"), text(2, "jon.smith@example.org")]),
            ("phone", vec![text(1, "2025550143"), text(2, "4155550199")]),
            ("born", vec![text(1, "1984-03-12T00:00:00"), text(2, "1984-03-12T00:00:00")]),
            ("balance", vec![text(1, "-12.50"), text(2, "1000000.01")]),
            ("emails[]", vec![text(1, "maria.home@example.org"), text(1, "maria.work@example.net")]),
            ("address.zip", vec![text(1, "02134")]),
            ("note", vec![text(2, "call 212-555-0101")]),
            ("_id", vec![text(1, "65f000000000000000000001"), text(2, "65f000000000000000000001")]),
            ("photo", vec![text(1, "AP/+"), text(2, "AP/+")]),
            ("count", vec![text(1, "5"), text(2, "5")]),
        ] {
            assert_eq!(seen.field(field), values, "{field}");
        }
        assert!(seen.values.iter().all(|v| v.raw.is_none() && v.record.kind() == RecordKind::Row));
        let keys = seen.values.iter().filter(|v| v.bytes == b"vip@example.com");
        assert!(keys.map(|v| &v.record).eq([&Record::Number(RecordKind::Row, 1)]), "a key that is data is a value");
    }
}

#[test]
fn compressed_dumps_are_read() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&fixture()).unwrap();
    let seen = read_bytes("people.bson.gz", &gzip.finish().unwrap());
    assert_eq!(seen.outcome("people.bson.gz!people.bson").records, 2);
}

#[test]
fn damage_is_named() {
    let whole = fixture();
    let first = i32::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    for (name, bytes, coverage, records) in [
        ("cut off", whole[..whole.len() - 3].to_vec(), Coverage::Unreadable, 1),
        ("something behind", [whole.clone(), b"xyz".to_vec()].concat(), Coverage::Unreadable, 2),
        (
            "between",
            [&whole[..first], &[9, 0, 0, 0, 0xee, b'a', 0, 0, 0], &whole[first..]].concat(),
            Coverage::Unreadable,
            1,
        ),
    ] {
        let seen = read_bytes("a.bson", &bytes);
        let outcome = seen.outcome("a.bson");
        assert_eq!((outcome.coverage, outcome.records), (coverage, records), "{name}: {outcome:?}");
        assert!(outcome.reason.as_ref().is_some_and(|reason| reason.contains("the document at byte")), "{name}");
    }
    let limits = Limits { whole_bytes: 400, ..Limits::default() };
    assert_eq!(read_with("a.bson", &whole, &limits).outcome("a.bson").coverage, Coverage::Limit);
}

#[test]
fn decimals_are_written_out() {
    for (coefficient, exponent, text) in [
        (1250u128, -2i32, "12.50"),
        (5, -3, "0.005"),
        (0, 0, "0"),
        (7, 2, "700"),
        (123_456_789_012_345, 0, "123456789012345"),
        (9, 90, "9e90"),
    ] {
        let bits = coefficient | ((exponent + 6176) as u128) << 113;
        for (sign, minus) in [(0, ""), (1u128 << 127, "-")] {
            let mut shown = String::new();
            decimal(bits | sign, &mut shown);
            assert_eq!(shown, format!("{minus}{text}"));
        }
    }
}
