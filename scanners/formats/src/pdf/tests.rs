//! PDF documents as other programs write them.

use residuum_source::{Coverage, Limits, Record, RecordKind};

use crate::testing::{Seen, read_bytes, read_with};

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn page(seen: &Seen, number: u64) -> String {
    let record = Record::Number(RecordKind::Page, number);
    let here = seen.values.iter().filter(|v| v.record == record && v.field.is_empty());
    here.map(|v| String::from_utf8_lossy(&v.bytes).into_owned()).collect()
}

fn has(seen: &Seen, record: &str, field: &str, value: &str) -> bool {
    let found = |v: &&crate::testing::Value| v.field == field && v.bytes == value.as_bytes();
    seen.values.iter().filter(found).any(|v| v.record.key_json(&[]).to_string().contains(record))
}

#[test]
fn pages_are_read_whoever_wrote_them() {
    for file in ["libreoffice.pdf", "chromium.pdf", "reportlab.pdf", "owner.pdf"] {
        let seen = read_bytes(file, &fixture(file));
        let text = page(&seen, 1);
        for part in
            ["She can be reached at maria.lopez@example.com or 202-555-0143.", "Jon Smith jon.smith@example.org"]
        {
            assert!(text.replace('\n', " ").contains(part), "{file}: {part}: {text}");
        }
    }
    let seen = read_bytes("a.pdf", &fixture("chromium.pdf"));
    assert!(page(&seen, 1).contains("José Muñoz, Straße “fine” office"), "{}", page(&seen, 1));
    assert_eq!(page(&seen, 2), "Second page write");
    assert_eq!(seen.outcome("a.pdf").coverage, Coverage::Read);
    assert!(has(&seen, "2", "(link)", "mailto:link.person@example.com"));
}

#[test]
fn what_stands_beside_the_pages_is_read() {
    let seen = read_bytes("a.pdf", &fixture("form.pdf"));
    assert_eq!(seen.outcome("a.pdf").coverage, Coverage::Read, "{:?}", seen.reasons());
    for (record, field, value) in [
        ("form", "email", "form.person@example.com"),
        ("1", "(link)", "mailto:link.person@example.com"),
        ("1", "(annotation)", "Call 415-555-0199 about it"),
        ("object", "(outline)", "Chapter on outline@example.com"),
    ] {
        assert!(has(&seen, record, field, value), "{value}");
    }
    let seen = read_bytes("a.pdf", &fixture("reportlab.pdf"));
    assert!(has(&seen, "document information", "Author", "Carla Author"));
}

#[test]
fn what_cannot_be_read_is_named_with_the_cure() {
    let cut = fixture("chromium.pdf");
    let cases: [(&str, Vec<u8>, Coverage, &str); 4] = [
        ("encrypted", fixture("encrypted.pdf"), Coverage::Unreadable, "without a password"),
        ("a picture", fixture("scanned.pdf"), Coverage::Unsupported, "pages 2;"),
        ("nothing in it", b"%PDF-1.7\nnothing\n%%EOF".to_vec(), Coverage::Unreadable, "damaged"),
        ("cut off", cut[..cut.len() / 2].to_vec(), Coverage::Unreadable, ""),
    ];
    for (name, bytes, coverage, reason) in cases {
        let seen = read_bytes("a.pdf", &bytes);
        let outcome = seen.outcome("a.pdf");
        assert_eq!(outcome.coverage, coverage, "{name}: {outcome:?}");
        assert!(outcome.reason.as_ref().is_some_and(|told| told.contains(reason)), "{name}: {outcome:?}");
    }
    let scanned = read_bytes("a.pdf", &fixture("scanned.pdf"));
    assert!(page(&scanned, 1).contains("scan.person@example.com"));
    let limits = Limits { whole_bytes: 1000, ..Limits::default() };
    let seen = read_with("a.pdf", &fixture("chromium.pdf"), &limits);
    assert_eq!(seen.outcome("a.pdf").coverage, Coverage::Limit);
}

/// A document of these objects, the first of which is the catalog, with a table of where they stand.
fn document(objects: &[&str]) -> Vec<u8> {
    let (mut bytes, mut table) = (b"%PDF-1.4\n".to_vec(), String::new());
    for (i, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", bytes.len()));
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let (size, at) = (objects.len() + 1, bytes.len());
    bytes.extend(format!("xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root 1 0 R>>\n").bytes());
    bytes.extend(format!("startxref\n{at}\n%%EOF\n").bytes());
    bytes
}

fn stream(dictionary: &str, content: &str) -> String {
    format!("<<{dictionary}/Length {}>>\nstream\n{content}\nendstream", content.len())
}

#[test]
fn loops_and_depth_come_to_an_end() {
    let catalog = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]>>>>";
    let pages = "<</Type/Pages/Kids[3 0 R 2 0 R 3 0 R]/Count 3/Parent 2 0 R>>";
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>/Font<</A 7 0 R>>>>/Contents 4 0 R>>";
    let content = stream("", "BT /A 12 Tf (kept@example.com) Tj ET /F Do /F Do");
    let form = stream("/Type/XObject/Subtype/Form/Resources<</XObject<</F 5 0 R>>>>", "/F Do /F Do");
    let field = "<</T(loop)/Kids[6 0 R]/V(value@example.com)>>";
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
    let bytes = document(&[catalog, pages, page, &content, &form, field, font]);
    let seen = read_bytes("a.pdf", &bytes);
    assert!(page_text_has(&seen, "kept@example.com"), "{:?}", seen.reasons());
    assert!(has(&seen, "form", "loop", "value@example.com"));
    assert_eq!(seen.outcome("a.pdf").coverage, Coverage::Limit, "{:?}", seen.reasons());
    for deep in ["[", "<</A", "("] {
        let deep = format!("<</Type/Catalog/Pages 2 0 R/X {}>>", deep.repeat(100_000));
        read_bytes("a.pdf", &document(&[&deep, pages, page, &content]));
        let deep = stream("", &format!("BT {} Tj ET", "[".repeat(100_000)));
        read_bytes(
            "a.pdf",
            &document(&["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, &deep]),
        );
    }
}

fn page_text_has(seen: &Seen, text: &str) -> bool {
    seen.values.iter().any(|v| v.record.kind() == RecordKind::Page && String::from_utf8_lossy(&v.bytes).contains(text))
}
