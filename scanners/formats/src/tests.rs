//! Properties of everything that is read: nothing panics, text is whole, places are right.

mod texts;

use proptest::prelude::*;
use residuum_source::{Coverage, Flow, Limits, ObjectPath, Record, RecordKind, Stop};

use crate::testing::{decode, encode, read_bytes, read_stream, read_with};
use crate::{Encoding, Input, read};

fn small() -> Limits {
    Limits { batch_bytes: 300, ..Limits::default() }
}

#[test]
fn empty_objects_are_read() {
    let seen = read_bytes("a.csv", b"");
    assert_eq!((seen.outcome("a.csv").coverage, seen.outcome("a.csv").records), (Coverage::Read, 0));
}

#[test]
fn lines_are_counted_across_windows() {
    let text: String = (1..=2_000).map(|i| format!("line {i} {}\n", "x".repeat(i % 40))).collect();
    let seen = read_with("a.txt", text.as_bytes(), &small());
    assert_eq!(seen.text(), text.as_bytes());
    assert_eq!(seen.outcome("a.txt").records, 2_000);
    for value in &seen.values {
        let before = &value.bytes[..value.core.start];
        let feeds = before.iter().filter(|&&b| b == b'\n').count() as u64;
        let rest = String::from_utf8_lossy(&value.bytes[value.core.start..]).into_owned();
        let told: u64 = rest.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(value.record, Record::Number(RecordKind::Line, told - feeds));
        assert!(
            value.core.end == value.bytes.len() || value.bytes[value.core.end - 1] == b'\n',
            "cores end with a line"
        );
    }
}

#[test]
fn a_line_longer_than_a_window_is_cut_with_overlap() {
    let long = "é".repeat(200_000);
    let text = format!("first\n{long}\nlast");
    let limits = Limits { batch_bytes: 64 << 10, ..Limits::default() };
    let seen = read_with("a.txt", text.as_bytes(), &limits);
    assert_eq!(seen.text(), text.as_bytes());
    assert_eq!(seen.outcome("a.txt").records, 3);
    assert!(seen.largest < 80 << 10);
    for value in &seen.values {
        assert!(std::str::from_utf8(&value.bytes).is_ok(), "characters stay whole");
    }
    assert!(
        seen.values
            .iter()
            .filter(|v| v.core.end < v.bytes.len())
            .all(|v| v.bytes.len() - v.core.end >= 256 || v.bytes.ends_with(b"last"))
    );
}

#[test]
fn an_encoding_is_settled_where_it_shows() {
    let mut bytes = "only ASCII so far\n".repeat(10_000).into_bytes();
    bytes.extend(b"Jos\xe9 Mu\xf1oz, M\xfcnchen\n");
    let seen = read_bytes("a.txt", &bytes);
    let last = seen.values.last().unwrap();
    assert!(String::from_utf8_lossy(&last.bytes).ends_with("José Muñoz, München\n"));
    assert_eq!(last.raw.unwrap().1, bytes.len() as u64);
    let broken = [b"ascii \xff\xfe in \xc3\xa9 \xc3\xa9 \xc3\xa9 the middle".to_vec(), vec![b'x'; 10]].concat();
    assert_eq!(read_bytes("a.txt", &broken).text(), broken, "bad bytes stay where they are");
}

#[test]
fn a_sink_that_stops_is_obeyed() {
    struct Once;
    impl residuum_source::Sink for Once {
        fn open(&mut self, _: residuum_source::Part) -> Flow {
            Flow::Continue(())
        }
        fn batch(&mut self, _: residuum_source::Batch) -> Flow {
            Flow::Break(Stop)
        }
        fn close(&mut self, _: residuum_source::Outcome) -> Flow {
            panic!("nothing is closed after a stop")
        }
    }
    for (name, bytes) in [("a.txt", "x\n".repeat(9_000)), ("a.csv", "id,name\n1,x\n".repeat(9_000))] {
        let path = ObjectPath::from_bytes(name.as_bytes());
        let stored = Input::Stored(std::sync::Arc::new(bytes.into_bytes()));
        assert!(read(&path, stored, &small(), &mut Once).is_break(), "{name}");
    }
}

#[test]
fn an_error_while_reading_is_told_after_what_was_readable() {
    struct Breaks(usize);
    impl std::io::Read for Breaks {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("the disk is gone"));
            }
            let n = buf.len().min(self.0);
            buf[..n].fill(b'x');
            self.0 -= n;
            Ok(n)
        }
    }
    let mut seen = crate::testing::Seen::default();
    let path = ObjectPath::from_bytes(b"a.txt");
    assert!(read(&path, Input::Stream(&mut Breaks(5_000)), &small(), &mut seen).is_continue());
    assert_eq!(seen.text().len(), 5_000);
    assert_eq!(seen.reasons(), ["reading failed at byte 5000: the disk is gone"]);
}

const MAGIC: [&[u8]; 14] = [
    b"",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PAR1",
    b"BZh91AY&SY",
    b"\xff\xfe",
    b"{\"a\":",
    b"-- MySQL dump\nINSERT INTO t VALUES (",
    b"-- PostgreSQL\nCOPY t FROM stdin;\n",
    b"a,b\n\"",
    b"[",
    b"\xfe\xff",
];

proptest! {
    #![proptest_config(crate::testing::cases(400))]

    #[test]
    fn nothing_panics(
        magic in prop::sample::select(MAGIC.to_vec()),
        rest in proptest::collection::vec(any::<u8>(), 0..1_500),
        name in prop::sample::select(vec!["a", "a.csv", "a.json", "a.jsonl", "a.sql", "a.zip", "a.gz", "a.parquet"]),
    ) {
        let bytes = [magic, &rest].concat();
        let seen = read_with(name, &bytes, &small());
        let stream = read_stream(name, &bytes, &small());
        prop_assert_eq!(seen.closed.len(), stream.closed.len());
    }

    /// Damage anywhere in an archive neither panics nor goes unnoticed.
    #[test]
    fn damaged_archives_do_not_panic(at in 0usize..600, flip in 1u8.., kind in 0usize..3) {
        let content = "id,email\n1,a@example.com\n".repeat(20);
        let mut bytes = match kind {
            0 => {
                let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                out.start_file("a.csv", ::zip::write::SimpleFileOptions::default()).unwrap();
                std::io::Write::write_all(&mut out, content.as_bytes()).unwrap();
                out.finish().unwrap().into_inner()
            }
            1 => ::zstd::encode_all(content.as_bytes(), 1).unwrap(),
            _ => {
                let mut out = ::tar::Builder::new(Vec::new());
                let mut header = ::tar::Header::new_ustar();
                header.set_size(content.len() as u64);
                out.append_data(&mut header, "a.csv", content.as_bytes()).unwrap();
                out.into_inner().unwrap()
            }
        };
        let at = at % bytes.len();
        bytes[at] ^= flip;
        read_with("a", &bytes, &small());
    }

    /// Text in any encoding comes back whole, and every window stands where its place says.
    #[test]
    fn text_comes_back(
        text in "[a-zé€\u{10348}ÿ\n ]{0,40}é[ a-z\n]{1,900}",
        encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be]),
    ) {
        let mut bytes = encode("\u{feff}", encoding);
        bytes.extend(encode(&text, encoding));
        for seen in [read_with("a.md", &bytes, &small()), read_stream("a.md", &bytes, &small())] {
            prop_assert_eq!(String::from_utf8(seen.text()).unwrap(), text.clone());
            for value in &seen.values {
                let (start, end) = value.raw.unwrap();
                let raw = decode(&bytes[start as usize..end as usize], encoding);
                prop_assert_eq!(raw.as_bytes(), &value.bytes);
            }
        }
    }
}
