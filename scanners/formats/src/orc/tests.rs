//! What a caller of the ORC reader sees.

mod made;

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use residuum_source::conformance::Collect;
use residuum_source::{Coverage, Limits, ObjectPath, Record, RecordKind};

use made::{LIST, LONG, Made, STRING, head, message, number, of, structure, three_times};

use crate::Input;
use crate::testing::{Seen, Value, read_bytes, read_stream, read_with};

fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/orc/");
    std::fs::read(format!("{path}{name}")).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What stands in rows: `row field=value`, in order.
fn rows(bytes: &[u8], limits: &Limits) -> Vec<String> {
    let (path, mut sink) = (ObjectPath::from_bytes(b"x"), Collect::default());
    assert!(crate::read(&path, Input::Stored(Arc::new(bytes.to_vec())), limits, &mut sink).is_continue());
    let mut values = sink.values.remove("x").unwrap_or_default();
    values.retain(|(record, _, value)| record.kind() == RecordKind::Row && !value.is_empty());
    let show = |(record, field, value): (Record, String, Vec<u8>)| {
        format!("{} {field}={}", record.number(), value.escape_ascii())
    };
    let mut rows: Vec<String> = values.into_iter().map(show).collect();
    rows.sort();
    rows
}

/// What stands in no row: `record field=value`.
fn beside(seen: &Seen) -> Vec<String> {
    let is_beside = |value: &&Value| value.record.kind() == RecordKind::Part;
    let show = |value: &Value| {
        format!("{} {}={}", value.record.text().unwrap_or_default(), value.field, value.bytes.escape_ascii())
    };
    seen.values.iter().filter(is_beside).map(show).collect()
}

#[test]
fn every_type_reads_as_a_person_reads_it() {
    let expected = [
        "1 a%2Eb=dot",
        "1 born=1980-05-04",
        "1 dec=12.50",
        "1 email=jane@example.com",
        "1 f32=1.5",
        "1 f=2025550143",
        "1 i16=-32768",
        "1 i32=2025550143",
        "1 i8=-128",
        "1 id=1",
        "1 local=2024-01-31T12:30:00.123456789",
        "1 matrix[][]=1",
        "1 matrix[][]=2",
        "1 matrix[][]=3",
        "1 name=Jane",
        "1 orders[].n=1",
        "1 orders[].sku=s1",
        "1 orders[].sku=s2",
        "1 phones.{key}=jane@example.com",
        "1 phones.{}=+12025550143",
        "1 raw=jane",
        "1 seen=2024-01-31T12:30:00Z",
        "1 tags[]=a",
        "1 tags[]=b",
        "1 user.at.zip=94110",
        "1 user.mail=jane@example.com",
        "1 wide=12345678901234567890123456.789",
        "2 email=joe@example.com",
        "2 f=0.5",
        "2 id=2",
        r"2 raw=\xff\xfe\x00",
        "3 born=1899-12-31",
        "3 dec=-0.05",
        "3 email=jane@example.com",
        "3 i16=0",
        "3 i32=0",
        "3 i8=127",
        "3 id=-3",
        "3 local=1969-12-31T23:59:59.999999999",
        "3 matrix[][]=4",
        "3 orders[].n=3",
    ];
    for name in ["uncompressed", "zlib", "snappy", "lz4", "zstd", "old"] {
        let bytes = fixture(&format!("{name}.orc"));
        let small = Limits { batch_bytes: 1, ..Limits::default() };
        assert_eq!(rows(&bytes, &Limits::default()), expected, "{name}");
        assert_eq!(rows(&bytes, &small), expected, "{name}");
        for seen in [read_bytes("a.orc", &bytes), read_stream("a.orc", &bytes, &Limits::default())] {
            let outcome = seen.outcome("a.orc");
            assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, 3), "{name}: {outcome:?}");
            assert_eq!(beside(&seen), [""; 0], "{name}");
        }
    }
}

#[test]
fn numbers_of_all_runs_are_read() {
    let n = 1000i64;
    let mut expected = Vec::new();
    for i in 0..n {
        let mut say = |field: &str, value: String| expected.push(format!("{} {field}={value}", i + 1));
        say("row", (i + 1).to_string());
        say("same", "42".into());
        say("down", (5 * (n - i)).to_string());
        say("steps", (i * i).to_string());
        say("mixed", if i % 97 == 0 { 1_000_000_000 + i } else { i % 7 }.to_string());
        let sign = if i % 2 == 0 { 1 } else { -1 };
        say("far", ((i * 2_654_435_761) % (1 << 32) * sign * (1 << 28)).to_string());
        if (i / 150) % 2 == 1 {
            say("some", i.to_string());
        }
        say("kind", ["new", "known", "gone"][(i * i % 3) as usize].into());
    }
    expected.sort();
    for name in ["runs-0.11.orc", "runs-0.12.orc"] {
        for batch_bytes in [3_000, 1 << 20] {
            let limits = Limits { batch_bytes, ..Limits::default() };
            let outcome = read_with("a.orc", &fixture(name), &limits).outcome("a.orc").clone();
            assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, 1000), "{name}: {outcome:?}");
            let found = rows(&fixture(name), &limits);
            let missing = expected.iter().filter(|value| found.binary_search(value).is_err());
            assert_eq!(missing.take(5).collect::<Vec<_>>(), [""; 0], "{name}");
            assert_eq!(found.len(), expected.len(), "{name}");
        }
    }
}

#[test]
fn rows_are_counted_through_all_stripes() {
    let seen = read_bytes("a.orc", &fixture("stripes.orc"));
    assert_eq!((seen.outcome("a.orc").coverage, seen.outcome("a.orc").records), (Coverage::Read, 1500));
    let emails: Vec<_> = (0..1500).map(|i| (i + 1, format!("person{i}@example.com"))).collect();
    assert_eq!(seen.field("email"), emails);
    assert_eq!(beside(&seen), [""; 0]);
}

#[test]
fn a_damaged_stripe_does_not_hide_the_others() {
    let mut bytes = fixture("stripes.orc");
    let at = bytes.len() / 2;
    bytes[at..at + 8].fill(0xff);
    let seen = read_bytes("a.orc", &bytes);
    let outcome = seen.outcome("a.orc");
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.as_ref().unwrap().starts_with("stripe 2: "), "{:?}", outcome.reason);
    let emails = seen.field("email");
    for (row, email) in [(1, "person0@example.com"), (600, "person599@example.com"), (901, "person900@example.com")] {
        assert!(emails.contains(&(row, email.to_owned())), "{row}");
    }
    // A file that was not read to its end says nothing of what no row has.
    assert_eq!(beside(&seen), [""; 0]);
}

#[test]
fn times_are_what_clocks_showed() {
    let seen = read_bytes("a.orc", &fixture("zones.orc"));
    assert_eq!(seen.outcome("a.orc").coverage, Coverage::Read, "{:?}", seen.reasons());
    let expected = [
        "1 at=2024-07-01T15:00:00Z",
        "1 city=Oakland",
        // In July clocks were an hour ahead of those of January.
        "1 clock=1984-07-12T00:00:00",
        "1 code=AB12  ",
        "1 either=jane@example.com",
        "2 clock=2024-01-31T12:30:00.500",
        "2 code=CD3456",
        "2 either#2=2025550143",
        "3 city=Fresno",
        "3 clock=9999-12-31T23:59:59",
    ];
    assert_eq!(rows(&fixture("zones.orc"), &Limits::default()), expected);
    assert_eq!(beside(&seen), ["metadata owner=crm@example.com"]);
}

#[test]
fn files_without_rows_or_columns_are_read() {
    let seen = read_bytes("a.orc", &fixture("none.orc"));
    assert_eq!((seen.outcome("a.orc").coverage, seen.outcome("a.orc").records), (Coverage::Read, 0));
    assert_eq!(rows(&fixture("value.orc"), &Limits::default()), ["1 =jane@example.com"]);
    let nothing = Made { columns: vec![structure(&[])], rows: i64::MAX as u64, ..Made::default() };
    let seen = read_bytes("a.orc", &nothing.file());
    assert_eq!((seen.outcome("a.orc").coverage, seen.outcome("a.orc").records), (Coverage::Read, i64::MAX as u64));
}

#[test]
fn cut_files_say_so() {
    for name in ["zlib.orc", "stripes.orc", "none.orc"] {
        let whole = fixture(name);
        for len in (0..whole.len()).rev().step_by(7).chain(1..20) {
            let seen = read_bytes("a.orc", &whole[..len]);
            let outcome = seen.outcome("a.orc");
            // Its first bytes alone may be those of a text.
            let is_orc = seen.closed[0].0.format == "orc";
            assert!(is_orc || len < 8, "{name} cut to {len}");
            assert!(!is_orc || outcome.coverage == Coverage::Unreadable, "{name} cut to {len}: {outcome:?}");
        }
    }
}

#[test]
fn what_a_damaged_file_claims_is_not_believed() {
    let list = vec![structure(&[1]), of(LIST, &[2]), of(LONG, &[])];
    let lists = |lengths: Vec<u8>| Made {
        columns: list.clone(),
        streams: vec![(1, 2, lengths), (2, 1, three_times(1))],
        rows: 3,
        ..Made::default()
    };
    let text = |streams, encoding| Made {
        columns: vec![structure(&[1]), of(STRING, &[])],
        encodings: vec![(0, 0), encoding],
        streams,
        rows: 3,
        ..Made::default()
    };
    let deep: Vec<_> = (1..=600).map(|i| of(LIST, &[i + 1])).chain([of(LONG, &[])]).collect();
    let deepest = Made {
        columns: (0..192)
            .map(|i| if i == 0 { structure(&[1]) } else { of(LIST, &[i + 1]) })
            .chain([of(LONG, &[])])
            .collect(),
        streams: (1..192).map(|i| (i, 2, three_times(1))).chain([(192, 1, three_times(1))]).collect(),
        rows: 3,
        ..Made::default()
    };
    let packed = |kind: u64, packed: Vec<u8>| Made {
        compression: (kind, 1 << 12),
        ..text(vec![(1, 1, [&head(packed.len(), true)[..], &packed].concat()), (1, 2, head(0, false).to_vec())], (2, 0))
    };
    let zeros = vec![0; 1 << 20];
    let zstd = ::zstd::encode_all(zeros.as_slice(), 3).unwrap();
    let snappy = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
    let nulls = [0x7f, 0].repeat(1 << 16);
    let cases: Vec<(&str, Made, Coverage, &str)> = vec![
        ("as it should be", lists(three_times(1)), Coverage::Read, ""),
        (
            "columns in themselves",
            Made { columns: vec![structure(&[1]), of(LIST, &[1])], ..lists(vec![]) },
            Coverage::Unreadable,
            "column 1 holds one that cannot be in it (1)",
        ),
        (
            "columns in a circle",
            Made { columns: vec![structure(&[1]), of(LIST, &[2]), of(LIST, &[1])], ..lists(vec![]) },
            Coverage::Unreadable,
            "column 2 holds one that cannot be in it (1)",
        ),
        ("columns as deep as they are read", deepest, Coverage::Read, ""),
        (
            "more rows than can be counted",
            Made { rows: u64::MAX, ..lists(vec![]) },
            Coverage::Unreadable,
            "more rows than can be counted",
        ),
        (
            "very deep columns",
            Made { columns: [vec![structure(&[1])], deep].concat(), ..Made::default() },
            Coverage::Limit,
            "nested more than",
        ),
        (
            "a list of 2^40 elements",
            lists(three_times(1 << 40)),
            Coverage::Limit,
            "column `c1`: few rows take more than",
        ),
        (
            "lists of 2^63 elements together",
            lists(three_times(u64::MAX / 4)),
            Coverage::Unreadable,
            "a length makes no sense",
        ),
        (
            "a list of less than no elements",
            lists(three_times(u64::MAX)),
            Coverage::Unreadable,
            "a length makes no sense",
        ),
        (
            "a list of more elements than there are",
            lists(three_times(1000)),
            Coverage::Unreadable,
            "column `c1[]`: it ends too early",
        ),
        (
            "a text of 2^40 bytes",
            text(vec![(1, 2, three_times(1 << 40))], (2, 0)),
            Coverage::Limit,
            "column `c1`: few rows take",
        ),
        (
            "a dictionary of 2^32 entries",
            text(vec![(1, 2, three_times(1)), (1, 1, three_times(0))], (3, 1 << 32)),
            Coverage::Limit,
            "the dictionaries have more than",
        ),
        (
            "a dictionary that is not there",
            text(vec![(1, 1, three_times(0))], (3, 5)),
            Coverage::Unreadable,
            "column `c1`: it ends too early",
        ),
        (
            "entries that are not there",
            text(vec![(1, 1, three_times(7)), (1, 2, three_times(1)), (1, 3, b"abc".to_vec())], (3, 3)),
            Coverage::Unreadable,
            "an entry that is not in the dictionary",
        ),
        (
            "an encoding that is not known",
            text(vec![], (9, 0)),
            Coverage::Unsupported,
            "encoded in a way that is not known",
        ),
        (
            "a type that is not known",
            Made { columns: vec![structure(&[1]), of(77, &[])], ..Made::default() },
            Coverage::Unsupported,
            "column 1: its type (number 77) is not known",
        ),
        (
            "two streams of a kind",
            text(vec![(1, 1, vec![0]), (1, 1, vec![0])], (2, 0)),
            Coverage::Unreadable,
            "two streams of the same kind",
        ),
        ("a packed bomb (zstd)", Made { rows: 1, ..packed(5, zstd) }, Coverage::Unreadable, "ends too early"),
        ("packed with LZO", packed(3, vec![]), Coverage::Unsupported, "packed with LZO"),
        (
            "packed in no known way",
            packed(9, vec![]),
            Coverage::Unsupported,
            "packed in a way that is not known (number 9)",
        ),
        (
            "chunks that are too large",
            Made { compression: (1, 1 << 30), ..text(vec![], (2, 0)) },
            Coverage::Unreadable,
            "chunks of 1073741824 bytes",
        ),
        (
            "a chunk longer than its stream",
            Made { compression: (2, 1 << 12), ..text(vec![(1, 2, vec![0xfe, 0xff, 0xff])], (2, 0)) },
            Coverage::Unreadable,
            "a chunk is cut off",
        ),
        (
            "a chunk longer than the file says (snappy)",
            Made {
                compression: (2, 1 << 12),
                ..text(vec![(1, 2, [&head(snappy.len(), true)[..], &snappy].concat())], (2, 0))
            },
            Coverage::Unreadable,
            "a chunk is longer than the file says",
        ),
        (
            "rows without end",
            Made { rows: 1 << 60, ..lists(three_times(1)) },
            Coverage::Unreadable,
            "stripe 0: not read from row 1 on: column `c1`: it ends too early",
        ),
        (
            "nulls without end",
            Made { rows: 1 << 40, ..text(vec![(1, 0, nulls)], (2, 0)) },
            Coverage::Limit,
            "raise the limit `ratio`",
        ),
        (
            "clocks of nowhere",
            Made { columns: vec![structure(&[1]), of(9, &[])], zone: "Mars/Olympus", rows: 3, ..Made::default() },
            Coverage::Unreadable,
            "column `c1` is not read: its times are those of a time zone that is not known",
        ),
    ];
    for (name, made, coverage, reason) in cases {
        let limits = Limits { ratio: 100, ..Limits::default() };
        let seen = read_with("a.orc", &made.file(), &limits);
        let outcome = seen.outcome("a.orc");
        let told = outcome.reason.as_deref().unwrap_or_default();
        assert!(outcome.coverage == coverage && told.contains(reason), "{name}: {outcome:?}");
    }
}

#[test]
fn what_is_larger_than_the_limits_is_named() {
    let mut told = String::new();
    for (limits, name) in [
        (Limits { whole_bytes: 1 << 10, ..Limits::default() }, "zlib.orc"),
        (Limits { nesting: 1, ..Limits::default() }, "zlib.orc"),
        (Limits { whole_bytes: 20 << 10, ..Limits::default() }, "runs-0.12.orc"),
        (Limits { expanded_bytes: 4 << 10, ..Limits::default() }, "stripes.orc"),
    ] {
        let seen = read_with("a.orc", &fixture(name), &limits);
        let outcome = seen.outcome("a.orc");
        assert_eq!(outcome.coverage, Coverage::Limit, "{:?}", outcome);
        writeln!(told, "{}", outcome.reason.as_deref().unwrap()).unwrap();
    }
    let expected = "\
the footer cannot be read: what is unpacked of all columns at once is more than 1024 bytes; raise the limit `whole_bytes`
the footer cannot be read: the columns are nested more than 1 levels deep; write them flat, or raise the limit `nesting` (at most 192 levels are read)
stripe 0: not read from row 1 on: column `same`: few rows take more than 20480 bytes in memory; raise the limit `whole_bytes`
stripe 0: not read from row 1 on: column `email`: the members of this object expand to more than 4096 bytes; raise the limit `expanded_bytes` if that is expected
";
    assert_eq!(told, expected);
}

#[test]
fn what_no_row_has_any_more_is_a_record_of_its_own() {
    let whole = fixture("uncompressed.orc");
    let places: Vec<usize> = memchr::memmem::find_iter(&whole, b"joe@example.com").collect();
    // An index, a dictionary, the statistics of a stripe and those of the file.
    let [index, _, stripe, file] = places[..] else { panic!("{places:?}") };
    for (place, record) in
        [(index, "stripe 0, in no row"), (stripe, "stripe 0, in no row"), (file, "statistics, in no row")]
    {
        let mut bytes = whole.clone();
        bytes[place] = b'z';
        let seen = read_bytes("a.orc", &bytes);
        assert_eq!(seen.outcome("a.orc").coverage, Coverage::Read);
        assert_eq!(beside(&seen), [format!("{record} email=zoe@example.com")]);
    }
    let dictionary = Made {
        columns: vec![structure(&[1]), of(STRING, &[])],
        encodings: vec![(0, 0), (3, 3)],
        streams: vec![(1, 1, three_times(1)), (1, 2, three_times(3)), (1, 3, b"annbobcat".to_vec())],
        rows: 3,
        ..Made::default()
    };
    let seen = read_bytes("a.orc", &dictionary.file());
    assert_eq!(rows(&dictionary.file(), &Limits::default()), ["1 c1=bob", "2 c1=bob", "3 c1=bob"]);
    assert_eq!(beside(&seen), ["stripe 0, in no row c1=ann", "stripe 0, in no row c1=cat"]);
}

#[test]
fn columns_that_are_encrypted_are_named() {
    // A variant of column 1, as a footer has it.
    let made = Made {
        columns: vec![structure(&[1]), of(LONG, &[])],
        streams: vec![(1, 1, three_times(2))],
        rows: 3,
        ..Made::default()
    };
    let mut bytes = made.file();
    let length = bytes[bytes.len() - 1] as usize;
    let end = bytes.len() - 1 - length;
    let variant = message(10, &message(3, &number(1, 1)));
    bytes.splice(end..end, variant.iter().copied());
    let at = end + variant.len() + 1;
    bytes[at] += variant.len() as u8;
    let seen = read_bytes("a.orc", &bytes);
    assert_eq!(seen.reasons(), ["encrypted, and the keys are not known: `c1`"]);
    assert_eq!(rows(&bytes, &Limits::default()), ["1 c1=1", "2 c1=1", "3 c1=1"]);
}

proptest! {
    #![proptest_config(crate::testing::cases(256))]

    /// A file with any bytes overwritten is read or refused.
    #[test]
    fn damage_anywhere_is_survived(
        name in prop::sample::select(&["uncompressed.orc", "old.orc", "lz4.orc", "zones.orc", "runs-0.12.orc"][..]),
        at in any::<prop::sample::Index>(),
        with in any::<[u8; 4]>(),
    ) {
        let mut bytes = fixture(name);
        let at = at.index(bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&with);
        read_with("a.orc", &bytes, &Limits { whole_bytes: 16 << 20, ..Limits::default() });
    }
}
