//! Takes apart the text format of `COPY … TO STDOUT` (PostgreSQL's manual, `COPY`, "Text Format").

use std::cell::RefCell;

use memchr::{memchr3, memrchr};

use crate::batch::Batcher;
use crate::link::Trouble;

/// What stands in a field of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// `(block,offset)`: begins a row by its place.
    Ctid,
    /// Numbers of the columns whose values are left out as too long, separated by commas.
    Long,
    /// Text for this column.
    Text(usize),
    /// Hexadecimal digits for this column.
    Bytes(usize),
}

/// Decodes rows into a batcher. Pieces may end anywhere.
pub struct Rows<'p> {
    plan: &'p [Cell],
    carry: Vec<u8>,
    /// Columns of the current row that are too long.
    long: Vec<usize>,
    scratch: Vec<u8>,
    count: u64,
    /// Where the places of rows are noted.
    noted: Option<&'p RefCell<Vec<u64>>>,
}

impl<'p> Rows<'p> {
    /// Rows of these fields; a [`Cell::Ctid`] stands first, a [`Cell::Long`] before the columns.
    pub fn new(plan: &'p [Cell]) -> Self {
        Self { plan, carry: Vec::new(), long: Vec::new(), scratch: Vec::new(), count: 0, noted: None }
    }

    /// Notes the place of each row.
    #[must_use]
    pub fn noting(self, places: Option<&'p RefCell<Vec<u64>>>) -> Self {
        Self { noted: places, ..self }
    }

    /// Takes the next piece of output.
    #[inline]
    pub fn piece(&mut self, bytes: &[u8], batcher: &mut Batcher<'_>) -> Result<(), Trouble> {
        // A line feed inside a value is escaped, so one that stands ends a row; servers send whole rows.
        if self.carry.is_empty() && bytes.last() == Some(&b'\n') {
            return self.rows(bytes, batcher);
        }
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(bytes);
        if let Some(end) = memrchr(b'\n', &carry) {
            self.rows(&carry[..=end], batcher)?;
            carry.drain(..=end);
        }
        self.carry = carry;
        Ok(())
    }

    fn rows(&mut self, mut rows: &[u8], batcher: &mut Batcher<'_>) -> Result<(), Trouble> {
        while !rows.is_empty() {
            let taken = self.row(rows, batcher)?;
            rows = &rows[taken..];
        }
        Ok(())
    }

    /// Decodes one row and gives its length.
    fn row(&mut self, row: &[u8], batcher: &mut Batcher<'_>) -> Result<usize, Trouble> {
        self.count += 1;
        let (mut at, mut number, mut begun) = (0, self.count, false);
        for &cell in self.plan {
            let rest = &row[at..];
            let end = match cell {
                Cell::Text(i) => {
                    begun = begun || begin(batcher, number)?;
                    let column = batcher.column(i);
                    let end = text(rest, &mut column.bytes)?;
                    column.end_value();
                    end
                }
                Cell::Bytes(i) => {
                    begun = begun || begin(batcher, number)?;
                    let column = batcher.column(i);
                    let end = bytes(rest, &mut column.bytes)?;
                    column.end_value();
                    end
                }
                Cell::Ctid => {
                    self.scratch.clear();
                    let end = text(rest, &mut self.scratch)?;
                    number = ctid(&self.scratch).ok_or_else(malformed)?;
                    end
                }
                Cell::Long => {
                    self.scratch.clear();
                    let end = text(rest, &mut self.scratch)?;
                    for number in self.scratch.split(|&b| b == b',').filter(|n| !n.is_empty()) {
                        let column = decimal(number).map(|n| n as usize).filter(|&n| n < self.plan.len());
                        self.long.push(column.ok_or_else(malformed)?);
                    }
                    end
                }
            };
            at += end + 1;
        }
        if !begun {
            begin(batcher, number)?;
        }
        // A table may have no column at all; its rows are empty lines.
        at = at.max(1);
        if row.get(at - 1) != Some(&b'\n') {
            return Err(malformed());
        }
        for i in self.long.drain(..) {
            batcher.long(i, number);
        }
        if let Some(noted) = self.noted {
            noted.borrow_mut().push(number);
        }
        batcher.end(at)?;
        Ok(at)
    }
}

#[inline]
fn begin(batcher: &mut Batcher<'_>, number: u64) -> Result<bool, Trouble> {
    batcher.begin(number)?;
    Ok(true)
}

/// Appends a field's value, nothing for a null; gives the position of the tab or line feed that ends it.
#[inline]
fn text(row: &[u8], out: &mut Vec<u8>) -> Result<usize, Trouble> {
    let mut at = 0;
    loop {
        let rest = &row[at..];
        let plain = memchr3(b'\t', b'\n', b'\\', rest).ok_or_else(malformed)?;
        out.extend_from_slice(&rest[..plain]);
        at += plain;
        if row[at] != b'\\' {
            return Ok(at);
        }
        match row.get(at + 1).ok_or_else(malformed)? {
            b'N' => {} // `\N` is a null; an N after a backslash in a value is `\\N`
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            &other => out.push(other),
        }
        at += 2;
    }
}

/// The same for `\\x` and hexadecimal digits.
fn bytes(row: &[u8], out: &mut Vec<u8>) -> Result<usize, Trouble> {
    let Some(digits) = row.strip_prefix(b"\\\\x") else { return text(row, out) };
    let end = memchr3(b'\t', b'\n', b'\\', digits).ok_or_else(malformed)?;
    let pairs = digits[..end].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(malformed());
    }
    let start = out.len();
    let mut valid = 0;
    out.extend(pairs.map(|pair| {
        let (high, low) = (HEX[usize::from(pair[0])], HEX[usize::from(pair[1])]);
        valid |= high | low;
        high << 4 | low
    }));
    if valid > 0x0f {
        out.truncate(start);
        return Err(malformed());
    }
    Ok(end + 3)
}

/// The value of each hexadecimal digit, 0xff for anything else.
const HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut i = 0;
    while i < 16 {
        table[b"0123456789abcdef"[i] as usize] = i as u8;
        table[b"0123456789ABCDEF"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// `(block,offset)` packed as [`residuum_source::Record::ctid`] does.
pub fn ctid(text: &[u8]) -> Option<u64> {
    let inner = text.strip_prefix(b"(")?.strip_suffix(b")")?;
    let comma = inner.iter().position(|&b| b == b',')?;
    Some(decimal(&inner[..comma])? << 16 | decimal(&inner[comma + 1..])?)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let add = |sum: u64, &digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'));
    if digits.is_empty() || digits.len() > 18 { None } else { digits.iter().try_fold(0, add) }
}

fn malformed() -> Trouble {
    Trouble::Lost("the server sent a row that is not in the text format of `COPY`".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Field, Identity};
    use proptest::prelude::*;
    use residuum_source::{Batch, Flow, Outcome, Part, Record, RecordKind, Sink};

    #[derive(Default)]
    struct Batches(Vec<Batch>);

    impl Sink for Batches {
        fn open(&mut self, _: Part) -> Flow {
            Flow::Continue(())
        }
        fn batch(&mut self, batch: Batch) -> Flow {
            self.0.push(batch);
            Flow::Continue(())
        }
        fn close(&mut self, _: Outcome) -> Flow {
            Flow::Continue(())
        }
    }

    fn escape(value: &Option<Vec<u8>>) -> Vec<u8> {
        let Some(value) = value else { return b"\\N".to_vec() };
        let mut out = Vec::new();
        for &byte in value {
            match byte {
                0x08 => out.extend(b"\\b"),
                0x0c => out.extend(b"\\f"),
                b'\n' => out.extend(b"\\n"),
                b'\r' => out.extend(b"\\r"),
                b'\t' => out.extend(b"\\t"),
                0x0b => out.extend(b"\\v"),
                b'\\' => out.extend(b"\\\\"),
                other => out.push(other),
            }
        }
        out
    }

    proptest! {
        /// Rows escaped as the manual says come out as they went in, however the output is cut.
        #[test]
        fn rows_come_back(
            rows in proptest::collection::vec((proptest::option::of(proptest::collection::vec(any::<u8>(), 0..30)), proptest::collection::vec(any::<u8>(), 0..30)), 1..20),
            cut in 1usize..50,
        ) {
            let mut output = Vec::new();
            for (i, (value, raw)) in rows.iter().enumerate() {
                output.extend(format!("({i},{})\t", i + 1).bytes());
                output.extend(escape(value));
                output.extend(b"\t\\\\x");
                raw.iter().for_each(|byte| output.extend(format!("{byte:02x}").bytes()));
                output.push(b'\n');
            }
            let fields = ["a", "b"].map(|name| Field { name: name.into(), logical: Some(Default::default()) });
            let mut sink = Batches::default();
            let mut batcher = Batcher::new(&mut sink, fields.to_vec(), Identity::Numbered(RecordKind::Ctid), 1 << 20);
            let plan = [Cell::Ctid, Cell::Text(0), Cell::Bytes(1)];
            let mut decoder = Rows::new(&plan);
            for piece in output.chunks(cut) {
                prop_assert!(decoder.piece(piece, &mut batcher).is_ok());
            }
            prop_assert!(batcher.flush().is_ok());
            let batch = &sink.0[0];
            prop_assert_eq!(batch.records.count(), rows.len() as u64);
            for (i, (value, raw)) in rows.iter().enumerate() {
                prop_assert_eq!(batch.record(i), Record::ctid(i as u32, i as u16 + 1));
                prop_assert_eq!(batch.columns[0].value(i), value.as_deref().unwrap_or_default());
                prop_assert_eq!(batch.columns[1].value(i), &raw[..]);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(output in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'\t'), Just(b'\n'), Just(b'N'), any::<u8>()], 0..60)) {
            let fields = vec![Field { name: "a".into(), logical: None }];
            let mut sink = Batches::default();
            let mut batcher = Batcher::new(&mut sink, fields, Identity::Counted, 1 << 20);
            let _ = Rows::new(&[Cell::Long, Cell::Text(0)]).piece(&output, &mut batcher);
            let _ = Rows::new(&[Cell::Ctid, Cell::Bytes(0)]).piece(&output, &mut batcher);
        }
    }
}
