//! Binary formats from end to end: type, field and record of values that are known.

use std::fs;

use crate::sandbox::Sandbox;

/// Copies a file that another program made into the directory that is scanned.
fn copy(sandbox: &Sandbox, file: &str) {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/");
    let content = fs::read(format!("{fixture}{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
    sandbox.file(format!("data/{}", file.rsplit('/').next().expect("a name")), content);
}

/// Checks that a scan of these files finds each type in its field at its record; each case names the file first.
fn check(files: &[&str], cases: &[(&str, &str, &str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    files.iter().for_each(|file| copy(&sandbox, file));
    sandbox.run(["scan", "data"]);
    let found: Vec<String> = sandbox
        .run(["findings", "--format", "jsonl"])
        .lines()
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().expect("a text").to_owned();
            format!("{} {} {} {}", text("object"), text("type"), text("field"), line["record"]["key"])
        })
        .collect();
    for (object, kind, field, key) in cases {
        let expected = format!("{object} {kind} {field} {key}");
        let of_object: Vec<_> = found.iter().filter(|line| line.starts_with(object)).collect();
        assert!(found.contains(&expected), "{expected} is not among {of_object:#?}");
    }
    sandbox
}

#[test]
fn office_documents() {
    let files = ["people.xlsx", "people.ods", "orphans.xlsx", "letter.docx", "letter.odt", "show.pptx"];
    let files = files.map(|file| format!("documents/{file}"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let sandbox = check(
        &files,
        &[
            ("people.xlsx", "EMAIL", "Email", r#"{"cell":"B4","sheet":"People"}"#),
            ("people.xlsx", "US_SSN", "SSN", r#"{"cell":"D4","sheet":"People"}"#),
            ("people.xlsx", "PHONE", "Phone", r#"{"cell":"C5","sheet":"People"}"#),
            ("people.xlsx", "DATE_OF_BIRTH", "Date of birth", r#"{"cell":"E6","sheet":"People"}"#),
            ("people.xlsx", "PHONE", "(comment)", r#"{"cell":"A4","sheet":"People"}"#),
            ("people.xlsx", "EMAIL", "lastModifiedBy", r#""docProps/core.xml""#),
            ("people.ods", "PERSON_NAME", "Name", r#"{"cell":"A5","sheet":"People"}"#),
            ("orphans.xlsx", "EMAIL", "(unused string)", r#""xl/sharedStrings.xml string 16, in no cell""#),
            ("letter.docx", "EMAIL", "", r#""paragraph 2""#),
            ("letter.docx", "EMAIL", "(deleted)", r#""paragraph 3""#),
            ("letter.docx", "US_SSN", "SSN", r#""table 1 row 2""#),
            ("letter.docx", "DATE_OF_BIRTH", "Date of birth", r#""table 2 form""#),
            ("letter.odt", "EMAIL", "Client e-mail", r#""meta.xml""#),
            ("show.pptx", "PHONE", "", "2"),
        ],
    );
    // A picture cannot be read, and that stands in the ledger.
    sandbox.run(["scan", "data", "--full"]).exits(2).prints("letter.docx!word/media/image1.png");
}

#[test]
fn a_row_of_a_sheet_is_one_person() {
    let sandbox = Sandbox::new();
    copy(&sandbox, "documents/people.xlsx");
    sandbox.run(["scan", "data"]).exits(0);
    let given = ["find", "--email", "maria.lopez@example.com", "--name", "Maria Lopez", "--format", "jsonl"];
    let lines = sandbox.run(given).exits(0).lines();
    let cells: Vec<_> = lines.iter().map(|line| line["record"]["key"]["cell"].as_str().unwrap_or_default()).collect();
    assert!(cells.contains(&"A4") && cells.contains(&"B4"), "{cells:?}");
    let weak = ["find", "--name", "Maria Lopez", "--dob", "1984-03-12", "--format", "jsonl"];
    let lines = sandbox.run(weak).exits(0).lines();
    let cells: Vec<_> = lines.iter().map(|line| line["record"]["key"]["cell"].as_str().unwrap_or_default()).collect();
    assert_eq!(cells, ["A4", "E4"]);
}

#[cfg(feature = "pdf")]
#[test]
fn pdf_documents() {
    let files = ["documents/libreoffice.pdf", "documents/form.pdf", "documents/encrypted.pdf"];
    let sandbox = check(
        &files,
        &[
            ("libreoffice.pdf", "EMAIL", "", "1"),
            ("form.pdf", "EMAIL", "email", r#""form""#),
            ("form.pdf", "PHONE", "(annotation)", "1"),
        ],
    );
    sandbox.run(["scan", "data", "--full"]).exits(2).prints("encrypted.pdf").prints("without a password");
}

#[cfg(not(feature = "pdf"))]
#[test]
fn pdf_documents_are_named_where_they_are_not_read() {
    let sandbox = Sandbox::new();
    copy(&sandbox, "documents/form.pdf");
    sandbox.run(["scan", "data"]).exits(2).prints("build it with the feature `pdf`");
}

#[test]
fn old_documents_and_files_of_records() {
    let files = [
        "documents/people.xls",
        "documents/old.doc",
        "documents/message.msg",
        "records/deflate.avro",
        "records/people.bson",
    ];
    check(
        &files,
        &[
            ("people.xls", "EMAIL", "Email", r#"{"cell":"B2","sheet":"People"}"#),
            ("message.msg", "EMAIL", "body", r#""message""#),
            ("message.msg!list.csv", "EMAIL", "email", "1"),
            ("deflate.avro", "EMAIL", "emails[]", "1"),
            ("deflate.avro", "DATE_OF_BIRTH", "born", "2"),
            ("people.bson", "EMAIL", "email", "2"),
        ],
    );
}

#[test]
fn images_are_named_and_what_is_written_about_them_is_read() {
    let sandbox = check(&["images/photo.jpg"], &[("photo.jpg", "EMAIL", "Artist", r#""EXIF""#)]);
    sandbox.run(["scan", "data", "--full"]).exits(2).prints("photo.jpg").prints("no text recognition");
}

#[cfg(feature = "orc")]
#[test]
fn orc_files() {
    let files = ["orc/zlib.orc", "orc/zones.orc"];
    let sandbox = check(
        &files,
        &[
            ("zlib.orc", "EMAIL", "email", "2"),
            ("zlib.orc", "EMAIL", "user.mail", "1"),
            ("zlib.orc", "PHONE", "phones.{}", "1"),
            ("zones.orc", "EMAIL", "either", "1"),
            ("zones.orc", "EMAIL", "owner", r#""metadata""#),
        ],
    );
    sandbox.run(["scan", "data", "--full"]).exits(0);
    let lines = sandbox.run(["find", "--email", "joe@example.com", "--format", "jsonl"]).exits(0).lines();
    let found: Vec<_> = lines.iter().map(|line| (line["object"].as_str(), &line["record"])).collect();
    assert_eq!(found, [(Some("zlib.orc"), &serde_json::json!({"kind": "row", "key": 2}))]);
    // A damaged file is named, and ends nothing.
    let mut damaged = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/orc/stripes.orc")).expect("it is there");
    let half = damaged.len() / 2;
    damaged[half..half + 8].fill(0xff);
    sandbox.file("data/damaged.orc", damaged);
    sandbox.run(["scan", "data", "--full"]).exits(2).prints("damaged.orc").prints("stripe 2");
}

#[cfg(not(feature = "orc"))]
#[test]
fn orc_files_are_named_where_they_are_not_read() {
    let sandbox = Sandbox::new();
    copy(&sandbox, "orc/zlib.orc");
    sandbox.run(["scan", "data"]).exits(2).prints("build it with the feature `orc`");
}

/// In lists of lists, maps keyed by ids and envelopes of envelopes the record is the person's own: it goes, with every other
/// byte where it was.
#[test]
fn people_in_a_document_of_json_are_records_of_their_own() {
    let jane = r#"{"email" : "jane.roe@example.com", "plan":"gold", "orders": [{"n": 1}]}"#;
    let (bob, ann) = (r#"{"email":"bob@example.org","plan":"tin"}"#, r#"{"email":"ann@example.net", "plan":"tin"}"#);
    let cases = [
        (
            "map.json",
            format!("{{\"c17\": {jane} ,\n \"c18\":{bob},\n\"c19\":{ann} }}"),
            format!("{{\"c18\":{bob},\n\"c19\":{ann} }}"),
        ),
        (
            "envelope.json",
            format!("{{\"total\":2,\"people\":{{\"c18\":{bob} ,\"c17\":{jane}}},\n\"meta\":{{\"by\":\"x\"}} }}"),
            format!("{{\"total\":2,\"people\":{{\"c18\":{bob}}},\n\"meta\":{{\"by\":\"x\"}} }}"),
        ),
        ("lists.json", format!("[[{bob},\n  {jane}],\n [{ann}]]\n"), format!("[[{bob}],\n [{ann}]]\n")),
        (
            "deep.json",
            format!("{{\"response\":{{\"status\":\"ok\",\"people\":[{jane} , {ann}]}}}}"),
            format!("{{\"response\":{{\"status\":\"ok\",\"people\":[{ann}]}}}}"),
        ),
    ];
    let sandbox = Sandbox::new();
    for (name, before, _) in &cases {
        sandbox.file(format!("data/{name}"), before);
    }
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let find = ["find", "--email", "jane.roe@example.com", "--format", "jsonl"];
    let found = sandbox.run(find).exits(0).lines();
    assert!(found.len() == cases.len() && found.iter().all(|at| at["record"]["kind"] == "row"), "{found:?}");
    sandbox.run(["erase", "data", "--email", "jane.roe@example.com", "--apply"]).exits(0).says("4 records deleted");
    for (name, _, after) in &cases {
        let text = std::fs::read_to_string(sandbox.path(format!("data/{name}"))).expect("it is there");
        assert_eq!(&text, after, "{name}");
    }
    sandbox.run(["verify", "data", "--email", "jane.roe@example.com", "--quiet"]).exits(0);
    sandbox.run(["verify", "data", "--email", "ann@example.net", "--quiet"]).exits(3);
}
