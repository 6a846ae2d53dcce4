//! Findings on their way into the index: columns in memory, filled by one worker.

use residuum_detect::{Fingerprint, Scheme, Type};
use residuum_source::{Record, RecordKind};

/// Where the value stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Place {
    /// Bytes of the decompressed object, as they stand.
    Object {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// Bytes of the field's value.
    Value {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
}

impl Place {
    /// Whether another place of the same field lies in it.
    pub fn holds(self, other: Self) -> bool {
        match (self, other) {
            (Self::Object { start, end }, Self::Object { start: from, end: to })
            | (Self::Value { start, end }, Self::Value { start: from, end: to }) => start <= from && to <= end,
            _ => false,
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Object { .. } => 0,
            Self::Value { .. } => 1,
        }
    }

    pub(super) const fn bounds(self) -> (u64, u64) {
        match self {
            Self::Object { start, end } | Self::Value { start, end } => (start, end),
        }
    }

    pub(super) const fn from_code(code: u8, start: u64, end: u64) -> Option<Self> {
        match code {
            0 => Some(Self::Object { start, end }),
            1 => Some(Self::Value { start, end }),
            _ => None,
        }
    }
}

/// One finding, as a worker gives it.
#[derive(Clone, Copy, Debug)]
pub struct FindingRow<'a> {
    /// The object, as [`Writer::object`](super::Writer::object) numbered it.
    pub object: u32,
    /// The field, as [`Writer::field`](super::Writer::field) numbered it.
    pub field: u32,
    /// The record; what is personal in it is sealed.
    pub record: &'a Record,
    /// Where the value stands.
    pub place: Place,
    /// The type.
    pub kind: Type,
    /// The rule, as [`Writer::rule`](super::Writer::rule) numbered it.
    pub rule: u16,
    /// How sure, in thousandths.
    pub confidence: u16,
    /// The canonical fingerprint.
    pub fp: Fingerprint,
}

/// A buffer of findings: columns, so that sorting and writing touch little memory.
#[derive(Default, Debug)]
pub struct Findings {
    pub(super) object: Vec<u32>,
    pub(super) field: Vec<u32>,
    pub(super) record_kind: Vec<u8>,
    pub(super) number: Vec<u64>,
    /// 0, or 1 + the index of the record's text.
    pub(super) text: Vec<u32>,
    pub(super) place: Vec<u8>,
    pub(super) start: Vec<u64>,
    pub(super) length: Vec<u32>,
    pub(super) kind: Vec<u8>,
    pub(super) rule: Vec<u16>,
    pub(super) confidence: Vec<u16>,
    pub(super) fp: Vec<Fingerprint>,
    pub(super) lookups: Vec<(u32, Scheme, Fingerprint)>,
    pub(super) texts: Texts,
}

/// Texts of records, one after the other; a text equal to the one before is not stored again.
#[derive(Default, Debug)]
pub(super) struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    pub(super) fn get(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[start..self.ends[index] as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Keeps a text and gives 1 + its index.
    pub(super) fn push(&mut self, text: &str) -> u32 {
        if self.ends.is_empty() || self.get(self.ends.len() - 1) != text {
            self.bytes.push_str(text);
            let end = u32::try_from(self.bytes.len()).expect("findings are written long before 4 GiB of record texts");
            self.ends.push(end);
        }
        self.ends.len() as u32
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

impl Findings {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding and gives its row number, for [`Findings::lookup`].
    #[inline]
    pub fn push(&mut self, row: &FindingRow<'_>) -> u32 {
        let (start, end) = row.place.bounds();
        self.object.push(row.object);
        self.field.push(row.field);
        self.record_kind.push(row.record.kind() as u8);
        self.number.push(row.record.number());
        self.text.push(row.record.text().map_or(0, |text| self.texts.push(text)));
        self.place.push(row.place.code());
        self.start.push(start);
        self.length.push(end.saturating_sub(start).try_into().unwrap_or(u32::MAX));
        self.kind.push(row.kind as u8);
        self.rule.push(row.rule);
        self.confidence.push(row.confidence);
        self.fp.push(row.fp);
        (self.fp.len() - 1) as u32
    }

    /// Adds a form under which the finding of this row is found, too.
    #[inline]
    pub fn lookup(&mut self, row: u32, scheme: Scheme, fp: Fingerprint) {
        self.lookups.push((row, scheme, fp));
    }

    /// Adds the findings of another buffer after its own.
    pub fn append(&mut self, other: &Self) {
        let row = self.fp.len() as u32;
        for (i, &text) in other.text.iter().enumerate() {
            self.text.push(match text {
                0 => 0,
                text if i > 0 && other.text[i - 1] == text => *self.text.last().expect("a row stands before this one"),
                text => self.texts.push(other.texts.get(text as usize - 1)),
            });
        }
        self.object.extend_from_slice(&other.object);
        self.field.extend_from_slice(&other.field);
        self.record_kind.extend_from_slice(&other.record_kind);
        self.number.extend_from_slice(&other.number);
        self.place.extend_from_slice(&other.place);
        self.start.extend_from_slice(&other.start);
        self.length.extend_from_slice(&other.length);
        self.kind.extend_from_slice(&other.kind);
        self.rule.extend_from_slice(&other.rule);
        self.confidence.extend_from_slice(&other.confidence);
        self.fp.extend_from_slice(&other.fp);
        self.lookups.extend(other.lookups.iter().map(|&(at, scheme, fp)| (at + row, scheme, fp)));
    }

    /// How many findings.
    pub fn len(&self) -> usize {
        self.fp.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fp.is_empty()
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        self.len() * 55 + self.lookups.len() * 24 + self.texts.bytes.len() + self.texts.ends.len() * 4
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.object.clear();
        self.field.clear();
        self.record_kind.clear();
        self.number.clear();
        self.text.clear();
        self.place.clear();
        self.start.clear();
        self.length.clear();
        self.kind.clear();
        self.rule.clear();
        self.confidence.clear();
        self.fp.clear();
        self.lookups.clear();
        self.texts.clear();
    }

    /// Adds a row of another buffer, look-up forms not included.
    pub(super) fn push_from(&mut self, other: &Self, row: usize) {
        self.object.push(other.object[row]);
        self.field.push(other.field[row]);
        self.record_kind.push(other.record_kind[row]);
        self.number.push(other.number[row]);
        self.text.push(match other.text[row] {
            0 => 0,
            text => self.texts.push(other.texts.get(text as usize - 1)),
        });
        self.place.push(other.place[row]);
        self.start.push(other.start[row]);
        self.length.push(other.length[row]);
        self.kind.push(other.kind[row]);
        self.rule.push(other.rule[row]);
        self.confidence.push(other.confidence[row]);
        self.fp.push(other.fp[row]);
    }

    /// The record of a row, unless its kind is unknown, as only a damaged segment has it.
    pub(super) fn record(&self, row: usize) -> Option<Record> {
        let kind = RecordKind::from_number(self.record_kind[row])?;
        Some(match self.text[row] {
            0 => Record::Number(kind, self.number[row]),
            text => Record::Text(kind, self.texts.get(text as usize - 1).to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_texts_come_back() {
        let mut findings = Findings::new();
        let records = [
            Record::Number(RecordKind::Line, 9),
            Record::Text(RecordKind::Part, "body".into()),
            Record::Text(RecordKind::Part, "body".into()),
            Record::Text(RecordKind::Cell, r#"["S","B7"]"#.into()),
        ];
        for (i, record) in records.iter().enumerate() {
            let place = Place::Value { start: 3, end: 8 };
            let fp = Fingerprint([i as u8; 16]);
            let row =
                FindingRow { object: 1, field: 1, record, place, kind: Type::Email, rule: 0, confidence: 980, fp };
            assert_eq!(findings.push(&row), i as u32);
        }
        findings.lookup(0, Scheme::Drop12, Fingerprint([7; 16]));
        for (i, record) in records.iter().enumerate() {
            assert_eq!(findings.record(i).as_ref(), Some(record));
        }
        assert_eq!(findings.texts.len(), 2, "a repeated text is stored once");
        findings.clear();
        assert!(findings.is_empty() && findings.lookups.is_empty());
    }
}
