//! Old documents as other programs write them.

use residuum_source::{Coverage, RecordKind};

use crate::testing::{Seen, read_bytes};

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn places(seen: &Seen, value: &str) -> Vec<(String, String)> {
    let here = seen.values.iter().filter(|v| v.bytes == value.as_bytes());
    here.map(|v| (v.record.key_json(&[]).to_string(), v.field.clone())).collect()
}

#[test]
fn binary_workbooks_give_cells() {
    for (file, row) in [("people.xls", 2), ("libreoffice.xls", 4)] {
        let seen = read_bytes(file, &fixture(file));
        assert_eq!(seen.outcome(file).coverage, Coverage::Read, "{file}: {:?}", seen.reasons());
        for (value, column, field) in [("maria.lopez@example.com", "B", "Email"), ("2025550143", "C", "Phone")] {
            let key = serde_json::json!({"sheet": "People", "cell": format!("{column}{row}")}).to_string();
            assert_eq!(places(&seen, value), [(key, field.to_owned())], "{file}");
        }
        assert!(places(&seen, "1984-03-12").iter().any(|(_, field)| field == "Date of birth"), "{file}");
    }
    let seen = read_bytes("a.xlsb", &fixture("people.xlsb"));
    let key = serde_json::json!({"sheet": "People", "cell": "A2"}).to_string();
    assert!(places(&seen, "maria.lopez@example.com").iter().any(|(record, _)| *record == key), "{:?}", seen.reasons());
    let seen = read_bytes("a.xlsb", &fixture("short.xlsb"));
    assert_eq!(seen.outcome("a.xlsb").coverage, Coverage::Unsupported);
    assert!(seen.reasons().iter().any(|reason| reason.contains("short form")), "{:?}", seen.reasons());
}

#[test]
fn old_documents_give_paragraphs() {
    let seen = read_bytes("old.doc", &fixture("old.doc"));
    assert_eq!(seen.outcome("old.doc").coverage, Coverage::Read, "{:?}", seen.reasons());
    let text: Vec<String> = seen
        .values
        .iter()
        .filter(|v| v.field.is_empty())
        .map(|v| String::from_utf8_lossy(&v.bytes).into_owned())
        .collect();
    for part in [
        "She can be reached at maria.lopez@example.com or 202-555-0143.",
        "Complaint of Maria Lopez",
        "aiko@example.net",
        "Case worker: worker@example.com",
    ] {
        assert!(text.iter().any(|line| line.contains(part)), "{part}: {text:?}");
    }
    assert!(seen.values.iter().any(|v| v.field == "creator" && v.bytes == b"Carla Author"));
}

#[test]
fn messages_give_properties_and_attachments() {
    let seen = read_bytes("message.msg", &fixture("message.msg"));
    assert_eq!(seen.outcome("message.msg").coverage, Coverage::Read, "{:?}", seen.reasons());
    for (field, value) in [
        ("subject", "Complaint of Maria Lopez"),
        ("body", "Reach me at maria.lopez@example.com or 202-555-0143."),
        ("from", "jon.smith@example.org"),
        ("address", "aiko@example.net"),
        ("attachment", "list.csv"),
    ] {
        assert!(places(&seen, value).iter().any(|(_, of)| of == field), "{field}");
    }
    assert_eq!(seen.outcome("message.msg!list.csv").records, 399);
    assert!(seen.values.iter().filter(|v| v.part == "message.msg").all(|v| v.record.kind() == RecordKind::Part));
}

#[test]
fn what_cannot_be_read_is_named() {
    let seen = read_bytes("old.ppt", &fixture("old.ppt"));
    let outcome = seen.outcome("old.ppt");
    assert_eq!(outcome.coverage, Coverage::Unsupported);
    assert!(outcome.reason.as_ref().is_some_and(|reason| reason.contains("newer format")), "{outcome:?}");
    let whole = fixture("old.doc");
    for len in (8..whole.len()).step_by(511) {
        read_bytes("old.doc", &whole[..len]);
    }
}
