//! `residuum detect`: positions in bytes and code points, streams, and lines that are not what they should be.

use serde_json::json;

use crate::sandbox::Sandbox;

#[test]
fn positions_count_code_points_and_bytes() {
    let sandbox = Sandbox::new();
    let run = sandbox
        .run_on("Grüße an 東京\n🙂 jane@example.com ü omar@example.org\n", ["detect", "--format", "jsonl"])
        .exits(0);
    let found: Vec<_> = run
        .lines()
        .iter()
        .map(|f| json!([f["type"], f["line"], f["start"], f["end"], f["start_byte"], f["end_byte"]]))
        .collect();
    assert_eq!(found, [json!(["EMAIL", 2, 14, 30, 23, 39]), json!(["EMAIL", 2, 33, 49, 43, 59])]);
}

#[test]
fn other_encodings_are_read_as_in_a_scan() {
    let sandbox = Sandbox::new();
    let text = "Grüße an jane@example.com\nund (202) 555-0123\n";
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (name, bytes) in [
        ("le.txt", marked(b"\xff\xfe", utf16(u16::to_le_bytes))),
        ("be.txt", marked(b"\xfe\xff", utf16(u16::to_be_bytes))),
        ("latin.txt", latin),
        ("utf8.txt", text.as_bytes().to_vec()),
    ] {
        sandbox.file(format!("texts/{name}"), &bytes);
        let found = sandbox.run_on(&bytes, ["detect", "--format", "jsonl"]).exits(0).lines();
        let places = |key: &str| found.iter().map(|f| f[key].as_u64().expect("a number")).collect::<Vec<_>>();
        assert_eq!((places("start"), places("line")), (vec![9, 30], vec![1, 2]), "{name}");
        sandbox.run(["scan", "texts", "--include", name, "--index", name]).exits(0);
        let scanned = sandbox.run(["findings", "--index", name, "--format", "jsonl"]).exits(0).lines();
        let bytes_of = |lines: &[serde_json::Value], start: &str, end: &str| {
            lines.iter().map(|f| (f[start].as_u64(), f[end].as_u64())).collect::<Vec<_>>()
        };
        assert_eq!(bytes_of(&found, "start_byte", "end_byte"), bytes_of(&scanned, "byte_start", "byte_end"), "{name}");
    }
}

#[test]
fn values_are_shown_only_on_request() {
    let sandbox = Sandbox::new();
    for format in ["table", "jsonl", "csv"] {
        sandbox
            .run_on("to jane@example.com\n", ["detect", "--format", format])
            .exits(0)
            .prints("EMAIL")
            .nowhere("jane");
        sandbox
            .run_on("to jane@example.com\n", ["detect", "--format", format, "--show-values"])
            .exits(0)
            .prints("jane@");
    }
}

#[test]
fn windows_and_line_buffering_change_nothing() {
    let sandbox = Sandbox::new();
    // Several windows long, with something personal on every line and none of them of the same length.
    let mut text = String::new();
    for n in 0..60_000 {
        text.push_str(&format!("{} line {n} is from person{n}@example.com é\n", "x".repeat(n % 37)));
    }
    let whole = sandbox.run_on(&text, ["detect", "--format", "jsonl"]).exits(0).stdout;
    assert_eq!(whole.lines().count(), 60_000);
    assert!(sandbox.run_on(&text, ["detect", "--format", "jsonl", "--line-buffered"]).exits(0).stdout == whole);
    let documents: String = text.lines().map(|line| format!("{}\n", json!({"id": 1, "text": line}))).collect();
    let answers = sandbox.run_on(&documents, ["detect", "--input", "jsonl", "--jobs", "2"]).exits(0);
    let one = sandbox.run_on(&documents, ["detect", "--input", "jsonl", "--jobs", "1"]).exits(0);
    assert!(answers.stdout == one.stdout, "threads change nothing");
    assert!(answers.lines().iter().all(|line| line["findings"].as_array().is_some_and(|found| found.len() == 1)));
}

#[test]
fn bad_lines_are_named_and_the_others_answered() {
    let sandbox = Sandbox::new();
    let input =
        "{\"id\":\"a\",\"text\":\"x@example.com\"}\n\nnot json secret\n{\"id\":2}\n{\"id\":{\"n\":3},\"text\":\"\"}\n";
    let run =
        sandbox.run_on(input, ["detect", "--input", "jsonl"]).exits(2).says("line 3").says("line 4").nowhere("secret");
    let ids: Vec<_> = run.lines().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, [json!("a"), json!({"n": 3})]);
}

#[test]
fn bytes_that_are_not_utf8_are_no_obstacle() {
    let sandbox = Sandbox::new();
    let run = sandbox.run_on(b"caf\xe9 \xff\xfe jane@example.com\0\n", ["detect", "--format", "jsonl"]).exits(0);
    assert_eq!((&run.lines()[0]["start_byte"], &run.lines()[0]["end_byte"]), (&json!(8), &json!(24)));
}
