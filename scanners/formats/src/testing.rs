//! What tests of readers share: reading bytes, and looking at every value with its place.

use std::sync::Arc;

use residuum_source::conformance::check_shape;
use residuum_source::{
    Batch, Coverage, Flow, Limits, ObjectPath, Outcome, Part, Record, RecordKind, Records, Rows, Sink,
};

use crate::{Input, read};

/// A value as it was pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Value {
    pub part: String,
    pub record: Record,
    pub field: String,
    pub bytes: Vec<u8>,
    /// Where it stands in the object's own bytes.
    pub raw: Option<(u64, u64)>,
    /// Where each of its bytes stands.
    pub place: Option<residuum_source::OffsetMap>,
    /// The part of it that the window answers for.
    pub core: std::ops::Range<usize>,
    /// Position of its first byte within the whole value, for a window.
    pub offset: u64,
}

/// Everything a reader pushed.
#[derive(Default)]
pub(crate) struct Seen {
    pub values: Vec<Value>,
    pub closed: Vec<(Part, Outcome)>,
    pub largest: usize,
    open: Vec<Part>,
}

impl Sink for Seen {
    fn open(&mut self, part: Part) -> Flow {
        self.open.push(part);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        check_shape(&batch);
        self.largest = self.largest.max(batch.columns.iter().map(|c| c.bytes.len()).sum());
        let part = self.open.last().expect("a batch belongs to an open part").path.to_string();
        for (number, column) in batch.columns.iter().enumerate() {
            for i in 0..column.len() {
                let record = match (&column.rows, &batch.records) {
                    (Rows::Each, Records::Lines { first, .. }) => Record::Number(RecordKind::Line, *first),
                    (Rows::Listed(rows), _) => batch.place_of(rows[i] as usize, number),
                    _ => batch.place_of(i, number),
                };
                let (start, end) = (column.offsets[i], column.offsets[i + 1]);
                let whole = 0..(end - start) as usize;
                self.values.push(Value {
                    part: part.clone(),
                    record,
                    field: column.field.to_string(),
                    bytes: column.value(i).to_vec(),
                    raw: column.place.as_ref().filter(|_| end > start).map(|p| (p.start(start), p.end(end))),
                    place: column.place.as_ref().map(|p| p.slice(start, end)),
                    core: column.window.as_ref().map_or(whole, |w| w.core.start as usize..w.core.end as usize),
                    offset: column.window.as_ref().map_or(0, |w| w.value_offset),
                });
            }
        }
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.closed.push((self.open.pop().expect("only an open part is closed"), outcome));
        Flow::Continue(())
    }
}

impl Seen {
    /// What became of a part.
    pub fn outcome(&self, path: &str) -> &Outcome {
        let found = self.closed.iter().find(|(part, _)| part.path.as_str() == path);
        &found.unwrap_or_else(|| panic!("`{path}` is closed; closed are {:?}", self.names())).1
    }

    /// Names, formats and states of the parts, in closing order.
    pub fn names(&self) -> Vec<(&str, &str, &str)> {
        self.closed.iter().map(|(p, o)| (p.path.as_str(), p.format, o.coverage.name())).collect()
    }

    /// Values of a field that are not empty, with the number of their record.
    pub fn field(&self, field: &str) -> Vec<(u64, String)> {
        let text = |v: &Value| (v.record.number(), String::from_utf8_lossy(&v.bytes).into_owned());
        self.values.iter().filter(|v| v.field == field && !v.bytes.is_empty()).map(text).collect()
    }

    /// Where a text stands, wherever it is part of a value.
    pub fn places(&self, text: &str) -> Vec<(u64, u64)> {
        let mut places = Vec::new();
        for value in &self.values {
            let (bytes, place) = (String::from_utf8_lossy(&value.bytes), value.place.as_ref());
            for (at, _) in bytes.match_indices(text).filter(|(at, _)| value.core.contains(at)) {
                let place = place.expect("text has places");
                places.push((place.start(at as u32), place.end((at + text.len()) as u32)));
            }
        }
        places.sort_unstable();
        places
    }

    /// The running text, put together from what the windows answer for.
    pub fn text(&self) -> Vec<u8> {
        self.values.iter().filter(|v| v.field.is_empty()).flat_map(|v| v.bytes[v.core.clone()].to_vec()).collect()
    }

    /// All reasons given.
    pub fn reasons(&self) -> Vec<&str> {
        self.closed.iter().filter_map(|(_, outcome)| outcome.reason.as_deref()).collect()
    }
}

/// Reads bytes under a name, by position.
pub(crate) fn read_bytes(name: &str, bytes: &[u8]) -> Seen {
    read_with(name, bytes, &Limits::default())
}

/// Reads bytes under a name with these limits.
pub(crate) fn read_with(name: &str, bytes: &[u8], limits: &Limits) -> Seen {
    let mut seen = Seen::default();
    let path = ObjectPath::from_bytes(name.as_bytes());
    assert!(read(&path, Input::Stored(Arc::new(bytes.to_vec())), limits, &mut seen).is_continue());
    assert!(seen.open.is_empty(), "every part is closed");
    for (part, outcome) in &seen.closed {
        let told = outcome.coverage == Coverage::Read || outcome.reason.is_some();
        assert!(told, "`{}` says why it is {}", part.path, outcome.coverage.name());
    }
    seen
}

/// Reads bytes under a name as a stream that gives few bytes at a time.
pub(crate) fn read_stream(name: &str, bytes: &[u8], limits: &Limits) -> Seen {
    struct Drip<'b>(&'b [u8]);
    impl std::io::Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = buf.len().min(self.0.len()).min(7);
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let mut seen = Seen::default();
    let path = ObjectPath::from_bytes(name.as_bytes());
    assert!(read(&path, Input::Stream(&mut Drip(bytes)), limits, &mut seen).is_continue());
    seen
}

/// Encodes text for a test.
pub(crate) fn encode(text: &str, encoding: crate::Encoding) -> Vec<u8> {
    use crate::Encoding::{Declared, Utf8, Utf16Be, Utf16Le, Windows1252};
    match encoding {
        Utf8 => text.as_bytes().to_vec(),
        Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Windows1252 => text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1 only")).collect(),
        Declared(encoding) => encoding.encode(text).0.into_owned(),
    }
}

/// Decodes bytes for a test, independently of the code under test.
pub(crate) fn decode(bytes: &[u8], encoding: crate::Encoding) -> String {
    use crate::Encoding::{Declared, Utf8, Utf16Be, Utf16Le, Windows1252};
    let units = |unit: fn([u8; 2]) -> u16| -> String {
        String::from_utf16_lossy(&bytes.chunks_exact(2).map(|p| unit([p[0], p[1]])).collect::<Vec<_>>())
    };
    match encoding {
        Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Utf16Le => units(u16::from_le_bytes),
        Utf16Be => units(u16::from_be_bytes),
        Windows1252 => bytes.iter().map(|&b| b as char).collect(),
        Declared(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// As many cases as usual, or as PROPTEST_CASES asks for.
pub fn cases(usual: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    proptest::test_runner::Config { cases: asked.unwrap_or(usual), ..Default::default() }
}
