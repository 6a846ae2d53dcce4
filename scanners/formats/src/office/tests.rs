//! Documents as other programs write them.

use std::io::{Cursor, Write};

use residuum_source::{Coverage, Limits, Record, RecordKind};

use crate::testing::{Seen, read_bytes, read_stream, read_with};

/// A document of `fixtures/documents`.
fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/documents/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A zip archive with these members.
fn package(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(content.as_bytes()).unwrap();
    }
    out.finish().unwrap().into_inner()
}

/// Where a value stands: as outputs give the record, with the field.
fn places(seen: &Seen, value: &str) -> Vec<(String, String)> {
    let here = seen.values.iter().filter(|v| v.bytes == value.as_bytes());
    here.map(|v| (v.record.key_json(&[]).to_string(), v.field.clone())).collect()
}

fn cell(sheet: &str, cell: &str) -> String {
    serde_json::json!({"sheet": sheet, "cell": cell}).to_string()
}

fn part(name: &str) -> String {
    serde_json::json!(name).to_string()
}

#[test]
fn sheets_give_cells_under_the_names_of_their_header() {
    for file in ["people.xlsx", "libreoffice.xlsx", "people.ods"] {
        let seen = read_bytes(file, &fixture(file));
        assert_eq!(seen.outcome(file).coverage, Coverage::Read, "{file}");
        let mut cases = vec![
            ("Maria Lopez", "A4", "Name"),
            ("aiko@example.net", "B6", "Email"),
            ("2025550143", "C4", "Phone"),
            ("734-55-1234", "D4", "SSN"),
            ("1984-03-12", "E4", "Date of birth"),
            ("Prefers calls at 202-555-0117", "A4", "(comment)"),
            ("Customers of the first quarter", "A1", ""),
            ("Date of birth", "E3", ""),
        ];
        if file != "people.xlsx" {
            cases.push(("Dear Jon Smith", "F5", "Greeting"));
        }
        for (value, at, field) in cases {
            assert_eq!(places(&seen, value), [(cell("People", at), field.to_owned())], "{file}: {value}");
        }
        assert_eq!(places(&seen, "hidden@example.com"), [(cell("Old", "B2"), "email".to_owned())], "{file}");
        for beside in ["mailto:jon.home@example.org", "Carla Author", "last.editor@example.com"] {
            assert_eq!(places(&seen, beside).len(), 1, "{file}: {beside}");
        }
        assert!(seen.values.iter().any(|v| v.bytes.ends_with(b"Questions to privacy@example.com")), "{file}");
    }
    let seen = read_bytes("a.xlsx", &fixture("people.xlsx"));
    assert_eq!(places(&seen, "\"kim@example.com,lee@example.com\""), [(part("People"), "(formula)".to_owned())]);
}

#[test]
fn rows_of_a_sheet_are_records() {
    let seen = read_bytes("a.xlsx", &fixture("people.xlsx"));
    let of = |value: &str| {
        seen.values.iter().find(|v| v.bytes == value.as_bytes()).map(|v| v.record.whole()).expect("it is there")
    };
    assert_eq!(of("Maria Lopez"), of("734-55-1234"));
    assert_eq!(of("Maria Lopez"), of("Prefers calls at 202-555-0117"));
    assert_ne!(of("Maria Lopez"), of("jon.smith@example.org"));
}

#[test]
fn strings_that_no_cell_uses_are_read() {
    let seen = read_bytes("a.xlsx", &fixture("orphans.xlsx"));
    let [(record, field)] = places(&seen, "deleted.person@example.com").try_into().expect("it stands once");
    assert!(record.contains("in no cell") && field == "(unused string)", "{record} {field}");
    assert_eq!(places(&read_bytes("a.xlsx", &fixture("libreoffice.xlsx")), "Maria Lopez").len(), 1);
}

/// Values, each with its record and field.
type Values<'t> = &'t [(&'t str, &'t str, &'t str)];

#[test]
fn documents_give_paragraphs_tables_and_what_stands_beside() {
    let text = "She can be reached at maria.lopez@example.com or 202-555-0143.";
    let cases: &[(&str, Values<'_>)] = &[
        (
            "letter.docx",
            &[
                (text, "paragraph 2", ""),
                ("The old address was new.address@example.com", "paragraph 3", ""),
                ("old.address@example.com", "paragraph 3", "(deleted)"),
                ("maria.lopez@example.com", "table 1 row 2", "Email"),
                ("000-12-3456", "table 1 row 4", "SSN"),
                ("11/02/1990", "table 2 form", "Date of birth"),
                ("415-555-0199", "table 2 form", "Phone"),
                ("Case worker: worker@example.com", "header1 paragraph 1", ""),
                ("Print shop 212-555-0166", "footer1 paragraph 1", ""),
                ("Ask aiko@example.net, too", "comments paragraph 1", ""),
                ("last.editor@example.com", "docProps/core.xml", "lastModifiedBy"),
            ],
        ),
        ("libreoffice.docx", &[(text, "paragraph 2", ""), ("old.address@example.com", "paragraph 3", "(deleted)")]),
        (
            "changed.odt",
            &[
                (text, "paragraph 4", ""),
                ("old.address@example.com", "paragraph 1", "(deleted)"),
                ("Ask aiko@example.net, too", "paragraph 3", ""),
                ("Case worker: worker@example.com", "styles paragraph 1", ""),
                ("Carla Author", "meta.xml", "initial-creator"),
            ],
        ),
        (
            "letter.odt",
            &[
                ("Reach her at maria.lopez@example.com 1", "paragraph 4", ""),
                ("or 202-555-0143", "paragraph 2", ""),
                ("Paula Reviewer", "paragraph 3", "(author)"),
                ("aiko@example.net", "table 1 row 4", "Email"),
                ("client@example.com", "meta.xml", "Client e-mail"),
            ],
        ),
        ("show.odp", &[("Lead: maria.lopez@example.com", "paragraph 2", ""), ("Jon Smith", "table 1 row 2", "Name")]),
        ("show.pptx", &[("Do not mention aiko@example.net", "notesSlide1 paragraph 1", "")]),
    ];
    for (file, values) in cases {
        let seen = read_bytes(file, &fixture(file));
        assert_eq!(seen.outcome(file).coverage, Coverage::Read, "{file}");
        for (value, record, field) in *values {
            let expected = (part(record), (*field).to_owned());
            assert!(places(&seen, value).contains(&expected), "{file}: {value} {:?}", places(&seen, value));
        }
    }
}

#[test]
fn slides_are_pages() {
    let seen = read_bytes("a.pptx", &fixture("show.pptx"));
    for (value, page) in
        [("Lead: maria.lopez@example.com", 1), ("Call 415-555-0199", 2), ("Name\tEmail", 2), ("Jon Smith", 2)]
    {
        let found = seen.values.iter().find(|v| v.bytes == value.as_bytes()).expect(value);
        assert_eq!(found.record, Record::Number(RecordKind::Page, page), "{value}");
    }
}

#[test]
fn what_is_no_xml_is_a_member() {
    let seen = read_bytes("letter.docx", &fixture("letter.docx"));
    let image = seen.outcome("letter.docx!word/media/image1.png");
    assert_eq!(image.coverage, Coverage::Unsupported);
    let inner = String::from_utf8_lossy(&fixture("people.xlsx")).len();
    assert!(inner > 0);
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default();
    for (name, content) in [
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("word/document.xml", b"<d><p><t>outer@example.com</t></p></d>".to_vec()),
        ("word/embeddings/x.xlsx", fixture("people.xlsx")),
    ] {
        out.start_file(name, stored).unwrap();
        out.write_all(&content).unwrap();
    }
    let bytes = out.finish().unwrap().into_inner();
    for seen in [read_bytes("a.docx", &bytes), read_stream("a.docx", &bytes, &Limits::default())] {
        assert_eq!(places(&seen, "outer@example.com").len(), 1);
        let embedded = seen.values.iter().find(|v| v.bytes == b"Maria Lopez").expect("it is read");
        assert_eq!(embedded.part, "a.docx!word/embeddings/x.xlsx");
        assert_eq!(seen.outcome("a.docx").members, 1);
    }
}

const SHEET: [(&str, &str); 4] = [
    ("[Content_Types].xml", "<Types/>"),
    ("_rels/.rels", r#"<r><Relationship Id="a" Type="x/officeDocument" Target="/xl/workbook.xml"/></r>"#),
    ("xl/workbook.xml", r#"<workbook><sheets><sheet name="S" sheetId="1" r:id="b"/></sheets></workbook>"#),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<r><Relationship Id="b" Type="x/worksheet" Target="worksheets/sheet1.xml"/>
           <Relationship Id="c" Type="x/sharedStrings" Target="sharedStrings.xml"/></r>"#,
    ),
];

fn workbook(sheet: &str, strings: &str) -> Vec<u8> {
    let parts = [("xl/worksheets/sheet1.xml", sheet), ("xl/sharedStrings.xml", strings)];
    package(&[SHEET.as_slice(), &parts].concat())
}

#[test]
fn cells_of_every_kind_are_read() {
    let sheet = r#"<worksheet><sheetData>
        <row r="2"><c r="B2" t="s"><v>1</v></c><c t="s"><v>0</v></c><c r="AA2" t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c></row>
        <row><c t="str"><f>A1</f><v>cached</v></c><c t="e"><v>#N/A</v></c><c t="b"><v>1</v></c><c t="d"><v>2024-05-01</v></c><c><v>1.5E3</v></c></row>
        <row r="1048576"><c r="XFD1048576"><v>7</v></c></row>
        </sheetData></worksheet>"#;
    let strings = "<sst><si><r><t>rich</t></r><r><t xml:space=\"preserve\"> text_x000A_two</t></r></si><si><t>A &amp; B</t></si></sst>";
    let seen = read_bytes("a.xlsx", &workbook(sheet, strings));
    assert_eq!(seen.outcome("a.xlsx").coverage, Coverage::Read, "{:?}", seen.reasons());
    for (value, at) in [
        ("A & B", "B2"),
        ("rich text\ntwo", "C2"),
        ("inline", "AA2"),
        ("cached", "A3"),
        ("true", "C3"),
        ("2024-05-01", "D3"),
        ("1500", "E3"),
        ("7", "XFD1048576"),
    ] {
        assert_eq!(
            places(&seen, value).into_iter().map(|(record, _)| record).collect::<Vec<_>>(),
            [cell("S", at)],
            "{value}"
        );
    }
}

#[test]
fn a_large_sheet_comes_in_bounded_batches() {
    let rows: String = (1..20_000)
        .map(|i| {
            format!(
                "<row r=\"{i}\"><c t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><t>p{i}@example.com</t></is></c></row>"
            )
        })
        .collect();
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let limits = Limits { batch_bytes: 10_000, ..Limits::default() };
    let seen = read_with("a.xlsx", &workbook(&sheet, "<sst><si><t>shared</t></si></sst>"), &limits);
    assert_eq!((seen.outcome("a.xlsx").coverage, seen.outcome("a.xlsx").records), (Coverage::Read, 19_999));
    assert!(seen.largest < 30_000, "{}", seen.largest);
    assert_eq!(places(&seen, "p19000@example.com"), [(cell("S", "B19000"), "column_2".to_owned())]);
}

#[test]
fn what_is_wrong_is_told_and_the_rest_is_read() {
    let types = ("[Content_Types].xml", "<Types/>");
    let good = "<d><p><t>kept@example.com</t></p>";
    let deep = format!("{good}{}", "<a>".repeat(600));
    let long = format!("<d><p><t>kept@example.com</t></p><p><t>{}</t></p></d>", "x".repeat(3 << 20));
    let laughs = format!("<!DOCTYPE d [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>{good}<p><t>&b; end</t></p></d>");
    let limits = Limits { whole_bytes: 4 << 20, ..Limits::default() };
    let cases: &[(&str, &str, Coverage, &str)] = &[
        ("cut off", good, Coverage::Unreadable, "cut off"),
        ("damaged", "<d><p><t>kept@example.com</t></p></oops>", Coverage::Unreadable, "damaged at byte"),
        ("deep", &deep, Coverage::Limit, "`nesting`"),
        ("long", &long, Coverage::Limit, "`whole_bytes`"),
        ("entities", &laughs, Coverage::Read, ""),
    ];
    for (name, document, coverage, reason) in cases {
        let seen = read_with("a.docx", &package(&[types, ("word/document.xml", document)]), &limits);
        let outcome = seen.outcome("a.docx");
        assert_eq!(outcome.coverage, *coverage, "{name}: {outcome:?}");
        let told = outcome.reason.clone().unwrap_or_default();
        assert!(told.contains(reason) && (reason.is_empty() || told.contains("word/document.xml")), "{name}: {told}");
        assert_eq!(places(&seen, "kept@example.com").len(), 1, "{name}");
    }
    let encrypted = [
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("META-INF/manifest.xml", "<m><file-entry><encryption-data/></file-entry></m>"),
        ("content.xml", "\u{1}\u{2}noise"),
    ];
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in encrypted {
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        out.start_file(name, stored).unwrap();
        out.write_all(content.as_bytes()).unwrap();
    }
    let seen = read_bytes("a.odt", &out.finish().unwrap().into_inner());
    assert_eq!(seen.outcome("a.odt").coverage, Coverage::Unreadable);
    assert!(seen.reasons()[0].contains("without a password"), "{:?}", seen.reasons());
}

#[test]
fn bombs_stop_at_a_limit() {
    let long = "x".repeat(30_000);
    let rows: String = (1..9_000).map(|i| format!("<row r=\"{i}\"><c t=\"s\"><v>0</v></c></row>")).collect();
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let shared = workbook(&sheet, &format!("<sst><si><t>{long}</t></si></sst>"));
    let repeated = r#"<c><table name="S"><table-row number-rows-repeated="1048576"><table-cell number-columns-repeated="16384"
        office:value-type="string"><p>person@example.com</p></table-cell></table-row></table></c>"#;
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", repeated)] {
        out.start_file(name, stored).unwrap();
        out.write_all(content.as_bytes()).unwrap();
    }
    let limits = Limits { expanded_bytes: 4 << 20, ..Limits::default() };
    for (name, bytes) in [("a.xlsx", shared), ("a.ods", out.finish().unwrap().into_inner())] {
        let seen = read_with(name, &bytes, &limits);
        assert_eq!(seen.outcome(name).coverage, Coverage::Limit, "{name}: {:?}", seen.reasons());
        assert!(seen.largest < 8 << 20, "{name}: {}", seen.largest);
    }
}
