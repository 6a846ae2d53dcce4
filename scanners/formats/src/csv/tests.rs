//! Dialects, headers and places of separated values.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits};

use super::Dialect;
use crate::Encoding;
use crate::testing::{decode, encode, read_bytes, read_stream, read_with};

/// A case: file name, content, and what is expected: fields in order with the first row's value, and rows.
fn check(name: &str, file: &str, content: &[u8], expected: &[(&str, &str)], rows: u64) {
    let seen = read_bytes(file, content);
    let (part, outcome) = &seen.closed[0];
    assert!(matches!(part.format, "csv" | "tsv"), "{name}: format {}", part.format);
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, rows), "{name}");
    for (field, value) in expected {
        let first = seen.field(field).into_iter().find(|(row, _)| *row == 1).map(|(_, value)| value);
        assert_eq!(first.as_deref(), Some(*value), "{name}: `{field}` in the first row");
    }
}

#[test]
fn dialects() {
    let a = &[("name", "Ann"), ("email", "ann@example.com")];
    check("plain", "a.csv", b"name,email\nAnn,ann@example.com\nBob,bob@example.com\n", a, 2);
    check("without a suffix", "a", b"name,email\nAnn,ann@example.com\nBob,bob@example.com\nC,c@example.com\n", a, 3);
    check("no line feed at the end", "a.csv", b"name,email\nAnn,ann@example.com", a, 1);
    check("byte order mark, CRLF", "a.csv", b"\xef\xbb\xbfname,email\r\nAnn,ann@example.com\r\n", a, 1);
    check("old Mac", "a.csv", b"name,email\rAnn,ann@example.com\rBob,b@example.com\r", a, 2);
    check("tabs", "a.tsv", b"name\temail\nAnn\tann@example.com\n", a, 1);
    check(
        "semicolons with decimal commas",
        "a.csv",
        b"name;email;x\nAnn;ann@example.com;1,5\nB;b@example.com;2,5\n",
        a,
        2,
    );
    check("pipes", "a.txt", b"name|email\nAnn|ann@example.com\nB|b@example.com\nC|c@example.com\n", a, 3);
    check(
        "Hive",
        "000000_0",
        b"Ann\x01ann@example.com\nB\x01b@example.com\nC\x01c@example.com\n",
        &[("column_2", "ann@example.com")],
        3,
    );
    check("told by Excel", "a.csv", b"sep=^\r\nname^email\r\nAnn^ann@example.com\r\n", a, 1);
    check("one column", "a.csv", b"email\nann@example.com\nbob@example.com\n", &[("email", "ann@example.com")], 2);
    check(
        "spaces before quotes",
        "a.csv",
        b"name, email\n\"Ann\", \"ann@example.com\"\n\"B, C\", \"b@example.com\"\n",
        a,
        2,
    );
    check(
        "single quotes",
        "a.csv",
        b"id,name,email\n1,'Ann, MD','ann@example.com'\n2,'B, MD','b@example.com'\n",
        &[("name", "Ann, MD")],
        2,
    );
    check(
        "backslashes",
        "a.csv",
        b"id,name,note\n1,\"Ann \\\"A\\\" X\",\"x, y\"\n2,\"B \\\"B\\\" Y\",\"z, y\"\n",
        &[("name", "Ann \"A\" X"), ("note", "x, y")],
        2,
    );
    let quotes = b"id,name,note\n1,\"Ann \"\"A\"\"\",\"two\nlines, one\r\nmore\"\n2,,\n";
    check("quotes and newlines", "a.csv", quotes, &[("name", "Ann \"A\""), ("note", "two\nlines, one\r\nmore")], 2);
    check(
        "inches",
        "a.tsv",
        b"id\tname\tsize\n1\tpipe\t5\"\n2\t\"round\" pipe\t7\"\n3\tx\t9\"\n",
        &[("size", "5\"")],
        3,
    );
    check("empty lines", "a.csv", b"name,email\n\nAnn,ann@example.com\n\n\n", a, 1);
    check(
        "the same name twice",
        "a.csv",
        b"name,email,email\nAnn,a@example.com,b@example.com\n",
        &[("email_2", "b@example.com")],
        1,
    );
    check("a name missing", "a.csv", b"name,,email\nAnn,x,a@example.com\n", &[("column_2", "x")], 1);
}

#[test]
fn a_header_is_told_from_a_record() {
    let cases: [(&str, &[u8], bool); 19] = [
        ("words over values", b"name,email\nAnn,ann@example.com\n", true),
        ("unknown words over numbers", b"foo,bar\n1,2\n3,4\n", true),
        ("an address in the first row", b"ann@example.com,5\nbob@example.com,6\n", false),
        ("people only", b"Ann,Smith\nBob,Jones\nCarla,Diaz\n", false),
        ("people with names that are words", b"Mark,Price\nBob,Jones\nCarla,Diaz\n", false),
        ("one known word in lower case", b"name,kundenart\nAnn,x\nBob,y\n", true),
        ("numbers only", b"1,2\n3,4\n5,6\n", false),
        ("identifiers", b"customer_id,first_name\nAnn,x\n", true),
        ("the same cell twice", b"Ann,Ann,Ann\nBob,Bob,Bob\n", false),
        ("a phone number", b"Ann,555-0100\nBob,555-0101\n", false),
        ("header only", b"id,name,email\n", true),
        ("a year in a name", b"id,phone,total_2024\n1001,2125550134,500\n1002,3125550177,731\n", true),
        ("a year as a name", b"id,phone,2023\n1001,2125550134,500\n1002,3125550177,731\n", true),
        ("quarters", b"id,dob,q1,q2\n1,1984-03-12,5,6\n2,1990-01-02,7,8\n", true),
        ("no for number", b"no,cust,qty\n1,17,3\n2,18,4\n", true),
        ("no for number, and a phone", b"no,phone,amount\n1,2125550134,500\n2,3125550177,731\n", true),
        ("answers", b"david,no,2023\nanna,yes,2024\n", false),
        ("answers under answers", b"item,no,4711\nprice,yes,4712\n", false),
        ("sizes and years", b"shirt,l30,2023\nskirt,m28,2024\n", false),
    ];
    for (name, content, header) in cases {
        let dialect = Dialect::sniff(content, true, "csv").unwrap_or_else(|| panic!("{name}: is a CSV"));
        assert_eq!(dialect.header, header, "{name}");
    }
}

#[test]
fn what_is_not_csv_is_text() {
    let cases: [(&str, &str, &[u8]); 8] = [
        ("prose", "a.txt", b"Dear Ann,\nthank you, and see you soon.\nYours, Bob\nP.S. call me, or write, or come\n"),
        ("python log", "a.log", b"2024-05-01 12:00:00,123 INFO a\n2024-05-01 12:00:01,456 INFO b\n2024-05-01 12:00:02,789 INFO c\n"),
        ("web log", "a", b"192.0.2.1 - - [01/May/2024:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n192.0.2.2 - - [01/May/2024:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 2\n"),
        ("program", "a.txt", b"int a;\nint b;\nint c;\nreturn a;\n"),
        ("named so, without a pattern", "a.csv", b"one line\na, b, c, d\nx,y\nfour, five\n, , , , , ,\nq\n"),
        ("markdown", "a.md", b"a,b\nc,d\ne,f\n"),
        ("one word", "a.txt", b"hello"),
        ("names after a comma", "a.txt", b"Smith, Ann\nJones, Bob\nDiaz, Carla\n"),
    ];
    for (name, file, content) in cases {
        let seen = read_bytes(file, content);
        assert_eq!(seen.closed[0].0.format, "text", "{name}");
        assert_eq!(seen.text(), content, "{name}");
    }
}

#[test]
fn ragged_rows_are_kept_and_counted() {
    let seen = read_bytes("a.csv", b"id,name\n1,Ann\n2,Bob,x@example.com,y\n3\n4,Dan\n5,Eve\n6,Fay\n");
    let outcome = seen.outcome("a.csv");
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, 6));
    let reason = "2 of 6 rows do not have 2 cells, first row 2; all their cells were read";
    assert_eq!(outcome.reason.as_deref(), Some(reason));
    assert_eq!(seen.field("column_3"), [(2, "x@example.com".to_owned())]);
    assert_eq!(seen.field("column_4"), [(2, "y".to_owned())]);
    assert_eq!(seen.field("id").len(), 6);
}

#[test]
fn a_long_cell_comes_in_overlapping_windows() {
    let limits = Limits { batch_bytes: 32 << 10, ..Limits::default() };
    let long: String = (0..300_000).map(|i| format!("{i:06},\"\"\n")).collect();
    let content = format!("id,note,email\n1,short,a@example.com\n2,\"{long}\",b@example.com\n3,x,c@example.com\n");
    let seen = read_with("a.csv", content.as_bytes(), &limits);
    assert_eq!(seen.outcome("a.csv").records, 3);
    assert!(seen.largest < 4 << 20, "memory is bounded: {}", seen.largest);
    let windows: Vec<_> = seen.values.iter().filter(|v| v.field == "note" && v.record.number() == 2).collect();
    assert!(windows.len() > 2, "{} windows; {:?}", windows.len(), seen.names());
    let cores: Vec<u8> = windows.iter().flat_map(|v| v.bytes[v.core.clone()].to_vec()).collect();
    assert_eq!(cores, long.replace("\"\"", "\"").into_bytes());
    for pair in windows.windows(2) {
        let end = pair[0].offset + pair[0].core.end as u64;
        assert_eq!(end, pair[1].offset + pair[1].core.start as u64, "cores follow one another");
        assert!(pair[0].bytes.len() > pair[0].core.end, "and show what comes");
    }
    for window in windows {
        let (start, end) = window.raw.expect("a place");
        let raw = &content[start as usize..end as usize];
        assert_eq!(raw.replace("\"\"", "\"").as_bytes(), window.bytes);
    }
    assert_eq!(seen.field("email").into_iter().map(|(row, _)| row).collect::<Vec<_>>(), [1, 2, 3]);
}

/// A quote that opens on the last byte is a cell of one byte, and its closing quote is missing.
#[test]
fn a_quote_at_the_very_end_is_kept() {
    for end in ["\"", "x,\"", "1,2\n3,\"", "1;2\n3;'", "\"a\",\""] {
        let content = format!("a,b\n1,2\n{end}");
        let seen = read_bytes("a.csv", content.as_bytes());
        assert_eq!(seen.closed.len(), 1, "{end}");
        assert_eq!(seen.outcome("a.csv").coverage, Coverage::Read, "{end}");
    }
}

#[test]
fn a_quote_that_never_closes_loses_nothing() {
    let mut content = b"id,note\n1,a\n2,b\n3,\"open".to_vec();
    for i in 0..200_000 {
        content.extend_from_slice(format!("\n{i},x@example.com").as_bytes());
    }
    let seen = read_with("a.csv", &content, &Limits { batch_bytes: 64 << 10, ..Limits::default() });
    let note: usize = seen.values.iter().filter(|v| v.field == "note").map(|v| v.core.len()).sum();
    assert_eq!(note, content.len() - b"id,note\n1,a\n2,b\n3,\"".len() + 2);
}

const CELL: &str = "[a-z0-9 ,;|\t\"'\n\\\\é@.]{0,12}";

proptest! {
    #![proptest_config(crate::testing::cases(200))]

    /// Whatever is written is read back, cell by cell, from bytes that stand where the place says.
    #[test]
    fn cells_come_back_with_their_places(
        rows in proptest::collection::vec(proptest::collection::vec(CELL, 3), 3..20),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        crlf in any::<bool>(),
        encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16Le, Encoding::Windows1252]),
        batch_bytes in prop::sample::select(vec![16usize, 1 << 20]),
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let mut text = String::new();
        let header = ["id_number", "full_name", "email_address"].map(str::to_owned);
        for row in std::iter::once(&header.to_vec()).chain(&rows) {
            let quoted: Vec<_> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(&delimiter.to_string()));
            text.push_str(newline);
        }
        let mut bytes = if encoding == Encoding::Utf16Le { vec![0xff, 0xfe] } else { Vec::new() };
        bytes.extend(encode(&text, encoding));
        let dialect = Dialect {
            delimiter: delimiter as u8, quote: Some(b'"'), backslash: false, spaced: false, newline: b'\n',
            header: true, width: 3, skip: 0,
        };
        let limits = Limits { batch_bytes, ..Limits::default() };
        let seen = read_dialect(&bytes, &dialect, encoding, &limits);
        prop_assert_eq!(seen.outcome("a.csv").records, rows.len() as u64);
        for value in &seen.values {
            let column = header.iter().position(|name| *name == value.field).expect("a named column");
            let cell = &rows[value.record.number() as usize - 1][column];
            prop_assert_eq!(std::str::from_utf8(&value.bytes).unwrap(), cell);
            if let Some((start, end)) = value.raw {
                let raw = decode(&bytes[start as usize..end as usize], encoding);
                prop_assert_eq!(&raw.replace("\"\"", "\""), cell);
            }
        }
    }

    /// Any text in any dialect: every byte of it that is no separator or quote is given.
    #[test]
    fn nothing_is_lost(text in "[a-c,\"'\n\r\\\\ ]{0,80}", backslash in any::<bool>(), spaced in any::<bool>()) {
        let dialect = Dialect {
            delimiter: b',', quote: Some(b'"'), backslash, spaced, newline: b'\n', header: false, width: 2, skip: 0,
        };
        let seen = read_dialect(text.as_bytes(), &dialect, Encoding::Utf8, &Limits::default());
        let count = |bytes: &[u8]| bytes.iter().filter(|b| b.is_ascii_lowercase()).count();
        let given: usize = seen.values.iter().map(|v| count(&v.bytes)).sum();
        prop_assert_eq!(given, count(text.as_bytes()));
    }
}

fn read_dialect(bytes: &[u8], dialect: &Dialect, encoding: Encoding, limits: &Limits) -> crate::testing::Seen {
    use crate::{Bytes, Input, Text};
    let mut seen = crate::testing::Seen::default();
    let mut bytes = Bytes::new(Input::Stored(std::sync::Arc::new(bytes.to_vec())));
    if encoding == Encoding::Utf16Le {
        bytes.fill(2);
        bytes.consume(2);
    }
    let text = Text::new(bytes, encoding);
    let path = residuum_source::ObjectPath::from_bytes(b"a.csv");
    assert!(super::read(&path, text, dialect, limits, &mut seen).is_continue());
    seen
}

#[test]
fn a_stream_gives_the_same() {
    let content: String = (0..5_000).map(|i| format!("{i},\"n {i}\"\"\",e{i}@example.com\n")).collect();
    let content = format!("id,name,email\n{content}");
    let limits = Limits { batch_bytes: 4 << 10, ..Limits::default() };
    let (stored, stream) =
        (read_with("a.csv", content.as_bytes(), &limits), read_stream("a.csv", content.as_bytes(), &limits));
    assert_eq!(stored.field("email"), stream.field("email"));
    assert_eq!(stored.field("name").len(), 5_000);
}
