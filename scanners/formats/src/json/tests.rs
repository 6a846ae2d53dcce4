//! What a caller of the JSON readers sees.

mod property;

use std::io::{self, Read};

use residuum_source::conformance::{Collect, Seen, check_shape};
use residuum_source::{
    Batch, Column, Coverage, Flow, Limits, Logical, ObjectPath, Outcome, Part, Record, RecordKind, Rows, Sink,
};

use super::layout::layout;
use super::span::Layout;
use super::stream::Stream;
use super::{expand, read_json, read_jsonl};
use crate::{Bytes, Encoding, Input, Text};

/// Gives a few bytes at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.len().min(buf.len()).min(7);
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

/// Keeps whole batches.
#[derive(Default)]
struct Keep {
    batches: Vec<Batch>,
    outcome: Option<Outcome>,
}

impl Sink for Keep {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        check_shape(&batch);
        self.batches.push(batch);
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.outcome = Some(outcome);
        Flow::Continue(())
    }
}

/// Reads bytes that drip in.
fn keep(bytes: &[u8], encoding: Encoding, lines: bool, limits: &Limits) -> Keep {
    let (mut keep, mut drip) = (Keep::default(), Drip(bytes));
    let text = Text::new(Bytes::new(Input::Stream(&mut drip)), encoding);
    let mut head = bytes;
    let mut head = Text::new(Bytes::new(Input::Stream(&mut head)), encoding);
    let layout = if lines { Layout::Lines } else { layout(head.fill(bytes.len())) };
    assert!(Stream::new(text, layout, limits, &mut keep).run().is_continue());
    let outcome = keep.outcome.as_ref().expect("closed");
    assert_eq!(outcome.bytes, bytes.len() as u64, "every byte is read");
    assert!(keep.batches.iter().map(|b| b.raw_bytes).sum::<u64>() <= outcome.bytes);
    keep
}

/// Reads through the public functions.
fn read(bytes: &[u8], lines: bool) -> (Vec<Seen>, Outcome) {
    let (path, mut sink, mut from) = (ObjectPath::from_bytes(b"x"), Collect::default(), bytes);
    let text = Text::new(Bytes::new(Input::Stream(&mut from)), Encoding::Utf8);
    let flow = match lines {
        true => read_jsonl(&path, text, &Limits::default(), &mut sink),
        false => read_json(&path, text, &Limits::default(), &mut sink),
    };
    assert!(flow.is_continue());
    (sink.values.remove("x").expect("opened"), sink.closed.remove(0).1)
}

/// Values as `record field=value`, in order of record and field.
fn show(mut values: Vec<Seen>) -> Vec<String> {
    values.sort();
    let line = |(record, field, value): Seen| {
        let record = match record {
            Record::Number(RecordKind::Document, _) => "doc".to_owned(),
            record => format!("{}{}", record.kind().name(), record.number()),
        };
        format!("{record} {field}={}", String::from_utf8_lossy(&value))
    };
    values.into_iter().map(line).collect()
}

#[test]
fn fields_and_records() {
    let cases: &[(&str, bool, &str, &[&str], u64)] = &[
        (
            "a document",
            false,
            r#"{"a":"x","b":{"c":[1,"y",[2.5]]},"t":true,"n":null}"#,
            &["doc a=x", "doc b.c[]=1", "doc b.c[]=y", "doc b.c[][]=2.5"],
            1,
        ),
        (
            "an array of objects",
            false,
            "\u{feff} [ {\"a\":\"x\"}, {\"a\":\"y\",\"l\":[\"p\",\"q\"]}, 7, {} ]",
            &["row1 a=x", "row2 a=y", "row2 l[]=p", "row2 l[]=q", "row3 $=7"],
            4,
        ),
        (
            "an envelope",
            false,
            r#"{"total":2,"users":[{"a":"x"},{"a":"y"}],"next":"n","more":[{"z":1}]}"#,
            &["doc next=n", "doc total=2", "row1 users[].a=x", "row2 users[].a=y", "row3 more[].z=1"],
            4,
        ),
        (
            "a map of records",
            false,
            r#"{"c17":{"email":"x","l":[{"z":1}]},"total":2,"meta":{"by":"b"}, "c18" : {"email":"y"},"none":null}"#,
            &["doc meta.by=b", "doc total=2", "row1 c17.email=x", "row1 c17.l[].z=1", "row2 c18.email=y"],
            3,
        ),
        (
            "a map of records in an envelope",
            false,
            r#"{"total":2,"users":{"jane@example.com":{"age":1},"joe@example.com":{"age":2}},"meta":{"by":"b"}}"#,
            &[
                "doc meta.by=b",
                "doc total=2",
                "row1 users.{key}=jane@example.com",
                "row1 users.{}.age=1",
                "row2 users.{key}=joe@example.com",
                "row2 users.{}.age=2",
            ],
            3,
        ),
        (
            "lists in lists",
            false,
            r#"[[{"a":"x"},{"a":"y"}],[],[{"a":"z"},7]]"#,
            &["doc []=7", "row1 [].a=x", "row2 [].a=y", "row3 [].a=z"],
            4,
        ),
        (
            "an envelope in an envelope",
            false,
            r#"{"response":{"status":"ok","users":[{"a":"x"},{"a":"y"}]}}"#,
            &["doc response.status=ok", "row1 response.users[].a=x", "row2 response.users[].a=y"],
            3,
        ),
        ("a scalar", false, "\"x\"", &["doc $=x"], 1),
        (
            "keys that are data",
            false,
            r#"{"u":{"jane@example.com":{"p":"1"},"550e8400-e29b-41d4-a716-446655440000":"v"},"Jane Doe":{"a":2}}"#,
            &[
                "doc Jane Doe.a=2",
                "doc u.{key}=550e8400-e29b-41d4-a716-446655440000",
                "doc u.{key}=jane@example.com",
                "doc u.{}=v",
                "doc u.{}.p=1",
                "doc {key}=Jane Doe",
            ],
            1,
        ),
        (
            "keys that are escaped",
            false,
            r#"{"a.b":{"\u0063[":"x"},"":"e","$":1}"#,
            &["doc \"\"=e", "doc %24=1", "doc a%2Eb.c%5B=x"],
            1,
        ),
        (
            "strings that are escaped",
            false,
            r#"{"a":"j\u0061ne\u0040example.com","b":"\ud83d\ude00 \"q\" \/"}"#,
            &["doc a=jane@example.com", "doc b=😀 \"q\" /"],
            1,
        ),
        (
            "lines",
            true,
            "{\"a\":\"x\"}\n\n{\"a\":\"y\"}\r\n\"z\"\n[1,2]\n",
            &["line1 a=x", "line3 a=y", "line4 $=z", "line5 []=1", "line5 []=2"],
            4,
        ),
        (
            "values one after the other",
            true,
            "{\"a\":1}{\"a\":2}\n{\n \"a\":3\n}\n{\"a\":4},\n\u{1e}{\"a\":5}",
            &["line1 a=1", "line1 a=2", "line2 a=3", "line5 a=4", "line6 a=5"],
            4,
        ),
        (
            "more than JSON allows",
            false,
            "{\"a\":\"x\ty\",\"n\":NaN,\"m\":-Infinity,\"l\":[1,],}",
            &["doc a=x\ty", "doc l[]=1"],
            1,
        ),
        ("a document and what follows", false, "{\"a\":1}\n{\"a\":2}\n", &["doc a=1", "line2 a=2"], 2),
        ("nothing", false, "  \n", &[], 0),
        ("an empty object", false, "{}", &[], 1),
    ];
    for (name, lines, input, expected, records) in cases {
        let input = input.strip_prefix('\u{feff}').unwrap_or(input);
        let (values, outcome) = read(input.as_bytes(), *lines);
        assert_eq!(show(values), *expected, "{name}");
        assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, *records), "{name}");
        assert_eq!(outcome.reason, None, "{name}");
    }
}

#[test]
fn what_is_not_json_is_text() {
    type Case<'a> = (&'a str, bool, &'a str, &'a [&'a str], Coverage, &'a str);
    let cases: &[Case<'_>] = &[
        (
            "a line of text",
            true,
            "{\"a\":1}\n12 Main St, call 202-555-0143\n{\"a\":2}\n",
            &["line1 a=1", "line2 =12 Main St, call 202-555-0143", "line3 a=2"],
            Coverage::Read,
            "1 record is not JSON and read as text; the first is on line 2",
        ),
        (
            "a line cut off in a string",
            true,
            "{\"a\":1}\n{\"a\":2,\"b\":\"jane@exam\n{\"a\":3}",
            &["line1 a=1", "line2 ={\"a\":2,\"b\":\"jane@exam", "line3 a=3"],
            Coverage::Read,
            "1 record is not JSON and read as text; the first is on line 2",
        ),
        (
            "a line cut off between",
            true,
            "{\"a\":1,\"b\":\n{\"a\":3}\n{\"a\":\n",
            &["line1 ={\"a\":1,\"b\":", "line2 a=3", "line3 ={\"a\":\n"],
            Coverage::Read,
            "2 records are not JSON and read as text; the first is on line 1",
        ),
        (
            "text after a value",
            true,
            "{\"a\":1} trailing\n",
            &["line1 =trailing", "line1 a=1"],
            Coverage::Read,
            "1 record is not JSON and read as text; the first is on line 1",
        ),
        (
            "a document cut off",
            false,
            r#"{"a":"x","b":"jane@exam"#,
            &["doc =\"jane@exam", "doc a=x"],
            Coverage::Unreadable,
            "ends inside a value at byte 23 (line 1): it is incomplete",
        ),
        (
            "an array cut off",
            false,
            "[{\"a\":\"x\"},\n{\"a\":",
            &["row1 a=x"],
            Coverage::Unreadable,
            "ends inside a value at byte 17 (line 2): it is incomplete",
        ),
        (
            "a document broken",
            false,
            "{\"a\":\"x\",\n\"b\" \"jane\"\nmore\n",
            &["doc a=x", "line2 =\"jane\"\nmore\n"],
            Coverage::Unreadable,
            "not JSON from line 2 on (byte 14: expected `:` after a key); the rest was read as text",
        ),
    ];
    for (name, lines, input, expected, coverage, reason) in cases {
        let (values, outcome) = read(input.as_bytes(), *lines);
        assert_eq!(show(values), *expected, "{name}");
        assert_eq!((outcome.coverage, outcome.reason.as_deref()), (*coverage, Some(*reason)), "{name}");
    }
}

#[test]
fn what_is_nested_too_deep_is_left_out_and_told() {
    let deep = |n: usize| format!("{}\"in\"{}", "[{\"k\":".repeat(n), "}]".repeat(n));
    let document = format!("{{\"a\":\"before\",\"d\":{},\"b\":\"after\"}}", deep(5_000));
    let (values, outcome) = read(document.as_bytes(), false);
    assert_eq!(show(values), ["doc a=before", "doc b=after"]);
    assert_eq!(outcome.coverage, Coverage::Limit);
    let reason = "1 values nested deeper than 512 levels were not read; raise the limit `nesting`";
    assert_eq!(outcome.reason.as_deref(), Some(reason));

    let lines = format!("{{\"a\":1}}\n{}\n{{\"a\":2}}\n", deep(5_000));
    let (values, outcome) = read(lines.as_bytes(), true);
    assert_eq!((show(values).len(), outcome.records, outcome.coverage), (2, 3, Coverage::Limit));

    let (values, outcome) = read("[".repeat(10_000).as_bytes(), false);
    assert_eq!((values.len(), outcome.coverage), (0, Coverage::Limit));
}

#[test]
fn a_long_string_comes_in_windows() {
    let item = r"\u00e9jane\u0040example.com, \ud83d\ude00 ";
    let value = "éjane@example.com, 😀 ".repeat(20_000);
    let limits = Limits { batch_bytes: 20_000, ..Limits::default() };
    let cases = [
        ("a value", format!("{{\"a\":\"x\",\"long\":\"{}\",\"b\":\"y\"}}", item.repeat(20_000)), false, "long"),
        ("a line", format!("{{\"z\":1}}\n{{\"long\":\"{}\"}}\n", item.repeat(20_000)), true, "long"),
        ("a key", format!("{{\"a\":\"x\",\"{}\":\"y\"}}", item.repeat(20_000)), false, "{key}"),
        ("a bad line", format!("{{\"z\":1}}\n{}", value), true, ""),
    ];
    for (name, input, lines, field) in cases {
        let keep = keep(input.as_bytes(), Encoding::Utf8, lines, &limits);
        let mut whole = Vec::new();
        for column in keep.batches.iter().flat_map(|b| &b.columns).filter(|c| &*c.field == field) {
            let window = column.window.as_ref().expect("a window");
            assert!(column.bytes.len() <= 3 * limits.batch_bytes, "{name}: windows are bounded");
            assert_eq!(whole.len() as u64, window.value_offset + u64::from(window.core.start), "{name}");
            whole.extend_from_slice(&column.bytes[window.core.start as usize..window.core.end as usize]);
            let overlap = column.bytes.len() - window.core.end as usize;
            assert!(whole.len() == value.len() || overlap >= 4_000, "{name}: what stands across an edge is seen");
            assert_places(column, input.as_bytes());
        }
        assert_eq!(whole.len(), value.len(), "{name}");
        assert!(whole == value.as_bytes(), "{name}: the cores are the value");
        let outcome = keep.outcome.expect("closed");
        assert_eq!(outcome.records, if lines { 2 } else { 1 }, "{name}");
    }
}

#[test]
fn a_long_string_that_is_cut_off_or_too_deep() {
    let limits = Limits { batch_bytes: 1000, nesting: 3, ..Limits::default() };
    let long = "jane@example.com ".repeat(10_000);
    let read = keep(format!("[{{\"a\":\"{long}").as_bytes(), Encoding::Utf8, false, &limits);
    let cores = read.batches.iter().flat_map(|b| &b.columns).map(|c| c.window.as_ref().unwrap().core.len());
    assert_eq!(cores.sum::<usize>(), long.len());
    assert_eq!(read.outcome.unwrap().coverage, Coverage::Unreadable);

    let deep = format!("[[[[\"{long}\",1],2],3],\"after\"]");
    let read = keep(deep.as_bytes(), Encoding::Utf8, false, &limits);
    let values: Vec<_> = read.batches.iter().flat_map(|b| &b.columns).map(|c| c.bytes.clone()).collect();
    assert_eq!(values, [b"2".to_vec(), b"3".to_vec(), b"after".to_vec()]);
}

#[test]
fn many_paths_and_many_records_stay_bounded() {
    let limits = Limits { batch_bytes: 64 << 10, ..Limits::default() };
    let name = |mut i: u32| {
        let mut name = String::new();
        while i > 0 || name.is_empty() {
            name.push((b'a' + (i % 20) as u8) as char);
            i /= 20;
        }
        name
    };
    let object =
        |i: u32| format!("{{\"{}\":{{\"{}\":{{\"{}\":\"v{i}\"}}}}}}\n", name(i % 200), name(i / 7), name(i / 3));
    let input: String = (0..60_000).map(object).collect();
    let read = keep(input.as_bytes(), Encoding::Utf8, true, &limits);
    let values: usize =
        read.batches.iter().flat_map(|b| &b.columns).filter(|c| !c.field.ends_with("{key}")).map(Column::len).sum();
    assert_eq!((values, read.outcome.unwrap().records), (60_000, 60_000));
    assert!(read.batches.iter().all(|b| b.columns.len() <= 4096 + 8));
}

#[test]
fn other_encodings_keep_their_places() {
    let json = "[{\"näme\":\"Zoë \\u0040 😀\",\"n\":12}]\n";
    let utf16: Vec<u8> = json.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let read = keep(&utf16, Encoding::Utf16Be, false, &Limits::default());
    let columns: Vec<_> = read.batches.iter().flat_map(|b| &b.columns).collect();
    let name = columns.iter().find(|c| &*c.field == "näme").unwrap();
    assert_eq!(name.bytes, "Zoë @ 😀".as_bytes());
    let place = name.place.as_ref().unwrap();
    let raw = |at: u32, end: u32| {
        let bytes = &utf16[place.start(at) as usize..place.end(end) as usize];
        String::from_utf16(&bytes.chunks(2).map(|u| u16::from_be_bytes([u[0], u[1]])).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!((raw(0, 4), raw(5, 6), raw(7, 11)), ("Zoë".into(), "\\u0040".into(), "😀".into()));

    let invalid = b"{\"a\":\"caf\xe9 \xff\xfe x\",\"b\":\"ok\"}";
    let columns: Vec<_> = keep(invalid, Encoding::Utf8, false, &Limits::default()).batches.remove(0).columns;
    assert!(columns.iter().any(|c| c.bytes == b"ok"));
    assert!(columns.iter().any(|c| c.bytes == b"caf\xe9 \xff\xfe x" || c.bytes == "café ÿþ x".as_bytes()));
}

#[test]
fn a_sink_that_stops_is_obeyed_at_once() {
    let input = "{\"a\":\"x\"}\n".repeat(10_000);
    let mut sink = Collect::default();
    sink.stop_after = Some(2);
    let mut from = input.as_bytes();
    let text = Text::new(Bytes::new(Input::Stream(&mut from)), Encoding::Utf8);
    let limits = Limits { batch_bytes: 100, ..Limits::default() };
    assert!(read_jsonl(&ObjectPath::from_bytes(b"x"), text, &limits, &mut sink).is_break());
    assert!(sink.values["x"].len() < 50);
}

/// Every value's bytes, at their place, say the value; so does every part of it.
fn assert_places(column: &Column, object: &[u8]) {
    let place = column.place.as_ref().expect("JSON has places");
    for i in 0..column.len() {
        let (from, to) = (column.offsets[i], column.offsets[i + 1]);
        if from == to {
            continue;
        }
        let value = std::str::from_utf8(column.value(i)).expect("invented values are UTF-8");
        let cut = (value.len() / 2..).find(|&at| value.is_char_boundary(at)).expect("the end is one") as u32;
        for (from, to) in [(from, to), (from, from + cut), (from + cut, to)] {
            if from == to {
                continue;
            }
            let raw = &object[place.start(from) as usize..place.end(to) as usize];
            let raw = std::str::from_utf8(raw).unwrap();
            let said: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
            assert_eq!(said.as_bytes(), &column.bytes[from as usize..to as usize], "at {from}");
        }
    }
}

#[test]
fn values_that_are_json() {
    let mut column = Column::new("payload");
    for value in
        [r#"{"user":{"email":"jane@example.com","tags":["a","b"]}}"#, "not json {", "", r#""te\u0078t""#, "[[[7]]]"]
    {
        column.push(value.as_bytes());
    }
    let names = |column: &Column, nesting| {
        let expanded = expand(column, nesting);
        let line = |c: &Column, i| format!("{}={}", c.field, String::from_utf8_lossy(c.value(i)));
        let each = expanded.iter().flat_map(|e| (0..e.column.len()).map(move |i| line(&e.column, i)));
        each.collect::<Vec<_>>()
    };
    let expected = [
        "payload.user.email=jane@example.com",
        "payload.user.tags[]=a",
        "payload.user.tags[]=b",
        "payload=not json {",
        "payload=text",
        "payload[][][]=7",
    ];
    assert_eq!(names(&column, 512), expected);
    assert!(names(&column, 2).contains(&"payload=[7]".to_owned()), "too deep: as text");

    let expanded = expand(&column, 512);
    let rest = expanded.iter().find(|e| &*e.column.field == "payload").unwrap();
    assert_eq!(rest.column.rows, Rows::Listed(vec![1, 3]));
    assert_eq!(rest.within.start(0), u64::from(column.offsets[1]));
    assert_eq!(rest.column.logical, Logical::Text);

    // Values that stand once for many records.
    column.rows = Rows::Dictionary(vec![1, 0, 0, u32::MAX, 4]);
    let rows = |field: &str| expand(&column, 512).into_iter().find(|e| &*e.column.field == field).unwrap().column;
    assert_eq!(rows("payload.user.email").rows, Rows::Dictionary(vec![u32::MAX, 0, 0, u32::MAX, u32::MAX]));
    let tags = rows("payload.user.tags[]");
    assert_eq!((tags.rows, tags.bytes), (Rows::Listed(vec![1, 1, 2, 2]), b"abab".to_vec()));
}
