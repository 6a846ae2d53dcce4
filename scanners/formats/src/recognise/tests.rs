//! Which reader an object is given to.

use super::{Format, TextFormat, recognise, text_format};
use crate::Encoding;

#[test]
fn formats_by_content() {
    let text = |encoding, mark| Format::Text { encoding, mark };
    let cases: [(&str, &[u8], Format); 25] = [
        ("avro", b"Obj\x01\x04", Format::Avro),
        ("bson", b"\x0c\0\0\0\x10a\0\x01\0\0\0\0", Format::Bson),
        ("ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::Ole),
        ("png", b"\x89PNG\r\n\x1a\n", Format::Image { format: "png", what: "an image (PNG)" }),
        ("orc", b"ORC\x11\0\0", Format::Orc),
        ("pdf", b"%PDF-1.7\n", Format::Pdf),
        ("pdf behind a printer's commands", b"\x1b%-12345X@PJL\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\0", Format::Pdf),
        ("gzip", b"\x1f\x8b\x08\0", Format::Gzip),
        ("zstd", b"\x28\xb5\x2f\xfd", Format::Zstd),
        ("xz", b"\xfd7zXZ\0", Format::Xz),
        ("lz4", b"\x04\x22\x4d\x18", Format::Lz4),
        ("lz4 behind a skippable frame", b"\x50\x2a\x4d\x18\x02\0\0\0xx\x04\x22\x4d\x18", Format::Lz4),
        ("7z", b"7z\xbc\xaf\x27\x1c", Format::SevenZ),
        ("zip", b"PK\x03\x04", Format::Zip),
        ("empty zip", b"PK\x05\x06", Format::Zip),
        ("parquet", b"PAR1\x15\0\x15", Format::Parquet),
        ("text", b"hello", text(Encoding::Utf8, 0)),
        ("byte order mark", b"\xef\xbb\xbfhello", text(Encoding::Utf8, 3)),
        ("UTF-16", b"\xff\xfeh\0i\0", text(Encoding::Utf16Le, 2)),
        ("UTF-16 without mark", b"h\0e\0l\0l\0o\0\n\0", text(Encoding::Utf16Le, 0)),
        ("UTF-16BE without mark", b"\0h\0e\0l\0l\0o\0\n", text(Encoding::Utf16Be, 0)),
        ("Latin-1", b"Jos\xe9 Mu\xf1oz", text(Encoding::Windows1252, 0)),
        ("a few bad bytes", "grüße aus köln \u{fffd}".as_bytes(), text(Encoding::Utf8, 0)),
        ("PDF-like text", b"ORC is a file format", text(Encoding::Utf8, 0)),
        ("zeros", &[0; 300], Format::Binary),
    ];
    for (name, head, format) in cases {
        assert_eq!(recognise(head), format, "{name}");
    }
    for (head, format) in [(&b"SQLite format 3\0"[..], "sqlite"), (b"\x7fELF\x02\x01", "elf")] {
        assert!(matches!(recognise(head), Format::Unsupported { format: f, .. } if f == format), "{format}");
    }
}

#[test]
fn noise_is_binary() {
    let noise: Vec<u8> = (0u32..4096).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(recognise(&noise), Format::Binary);
}

#[test]
fn texts_by_structure() {
    let (json, lines) = (TextFormat::Json, TextFormat::JsonLines);
    let text = |format| TextFormat::Lines(format);
    let cases: [(&str, &str, &[u8], TextFormat); 30] = [
        ("object", "a", b"{\"a\": 1}", json.clone()),
        ("pretty", "a", b"{\n  \"a\": [1, 2],\n  \"b\": null\n}\n", json.clone()),
        ("array", "a.txt", b"[{\"a\":1},{\"a\":2}]", json.clone()),
        ("lines", "a", b"{\"a\":1}\n{\"a\":2}\n", lines.clone()),
        ("one line of lines", "a.jsonl", b"{\"a\":1}\n", lines.clone()),
        ("concatenated", "a", b"{\"a\":1}{\"a\":2}", lines.clone()),
        ("lines with a bad one first", "a", b"oops\n{\"a\":1}\n{\"a\":2}\n", lines.clone()),
        ("lines with a cut-off one first", "a", b"{\"a\":\n{\"a\":1}\n{\"a\":2}\n", lines.clone()),
        ("cut off", "a.json", b"{\"a\": [1, 2", json.clone()),
        ("number in a JSON file", "a.json", b"12\n", json),
        ("log with brackets", "a", b"[2024-05-01] start\n[2024-05-01] stop\n", text("text")),
        ("log with levels", "a", b"[INFO] start\n[WARN] stop\n", text("text")),
        ("rich text", "a", b"{\\rtf1 hello}", text("text")),
        ("style sheet", "a", b"{ color: red }", text("text")),
        ("number", "a", b"12", text("text")),
        ("XML", "a", b"<?xml version=\"1.0\"?><a/>", TextFormat::Xml),
        ("XML without a declaration", "a", b"<!-- x -->\n<a b='1'><c/></a>", TextFormat::Xml),
        ("XML by name", "a.xml", b"<a><b>", TextFormat::Xml),
        ("HTML", "a", b"<!DOCTYPE html><p>", TextFormat::Html),
        ("XHTML", "a", b"<?xml version='1.0'?>\n<!-- x --><html xmlns='x'/>", TextFormat::Html),
        ("part of a page", "a", b"<div class=x><p>Hello</div>", TextFormat::Html),
        ("text with a tag", "a", b"<note> and more\n", text("text")),
        ("an address", "a", b"<jane@example.com> wrote:\n", text("text")),
        ("YAML by its mark", "a", b"---\n- name: x\n", TextFormat::Yaml),
        ("front matter", "a.md", b"---\ntitle: x\n---\n# y\n", text("text")),
        ("a card", "a", b"BEGIN:VCARD\nFN:x\nEND:VCARD\n", TextFormat::Cards("vcard")),
        ("a log of IIS", "a", b"#Software: x\n#Fields: a b\n1 2\n", TextFormat::W3c),
        ("a log with tags", "a", b"<34>Oct 11 22:14:15 host su: failed\n", text("text")),
        ("dump", "a", b"CREATE TABLE t (\n a int);\n", TextFormat::Sql),
        ("template", "a", b"{{ name }} [x]", text("text")),
    ];
    for (name, file, head, format) in cases {
        assert_eq!(text_format(head, true, file.as_bytes()), format, "{name}");
    }
}
