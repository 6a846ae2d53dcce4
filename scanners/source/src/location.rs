//! Where in an object a record is.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// How the records of an object are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum RecordKind {
    /// The whole object is one record.
    Document = 0,
    /// A line of text, counted from 1.
    Line = 1,
    /// A row, counted from 1 (the header of a CSV file is not a row).
    Row = 2,
    /// A Parquet row: row group and row within it, both counted from 0.
    RowGroup = 3,
    /// A SQLite rowid.
    Rowid = 4,
    /// A PostgreSQL tuple: block and offset within one snapshot.
    Ctid = 5,
    /// The values of a primary key.
    Pk = 6,
    /// A cell of a sheet.
    Cell = 7,
    /// A page, counted from 1.
    Page = 8,
    /// A part of a mail or document, by name.
    Part = 9,
}

impl RecordKind {
    /// The name used in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Line => "line",
            Self::Row | Self::RowGroup => "row",
            Self::Rowid => "rowid",
            Self::Ctid => "ctid",
            Self::Pk => "pk",
            Self::Cell => "cell",
            Self::Page => "page",
            Self::Part => "part",
        }
    }

    /// The kind with this number, as stored in an index.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Document,
            1 => Self::Line,
            2 => Self::Row,
            3 => Self::RowGroup,
            4 => Self::Rowid,
            5 => Self::Ctid,
            6 => Self::Pk,
            7 => Self::Cell,
            8 => Self::Page,
            9 => Self::Part,
            _ => return None,
        })
    }
}

/// One value of a primary key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum KeyValue {
    /// An integer key.
    Integer(i64),
    /// Any other key, in the source's text form.
    Text(String),
    /// SQLite allows it in a key.
    Null,
}

/// Where a record is: the kind with what identifies the record within its object.
///
/// Stored as a kind, a number and, only where a number is not enough, a text; see [`Record::number`]
/// and [`Record::text`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Record {
    /// Identified by a number: lines, rows, rowids (as two's complement), pages; packed for
    /// [`RecordKind::RowGroup`] (`row_group << 40 | row`) and [`RecordKind::Ctid`] (`block << 16 | offset`);
    /// 0 for a document; the value itself for a primary key of one integer.
    Number(RecordKind, u64),
    /// Identified by text: key values as a JSON array, the cell B7 as `["Sheet1",7,"B"]`, a part's name.
    Text(RecordKind, String),
}

impl Record {
    /// A Parquet row.
    pub const fn row_group(row_group: u32, row: u64) -> Self {
        Self::Number(RecordKind::RowGroup, (row_group as u64) << 40 | row)
    }

    /// A PostgreSQL tuple.
    pub const fn ctid(block: u32, offset: u16) -> Self {
        Self::Number(RecordKind::Ctid, (block as u64) << 16 | offset as u64)
    }

    /// A record by the values of its primary key, in the key's column order.
    pub fn pk(values: &[KeyValue]) -> Self {
        match values {
            [KeyValue::Integer(only)] => Self::Number(RecordKind::Pk, *only as u64),
            _ => {
                let value = |v: &KeyValue| match v {
                    KeyValue::Integer(n) => json!(n),
                    KeyValue::Text(s) => json!(s),
                    KeyValue::Null => Value::Null,
                };
                let array: Value = values.iter().map(value).collect();
                Self::Text(RecordKind::Pk, array.to_string())
            }
        }
    }

    /// A cell of a sheet: the row counted from 1, the column from 0.
    ///
    /// The row stands before the column, so that the cells of a row stand together in the order of records.
    pub fn cell(sheet: &str, row: u32, column: u32) -> Self {
        Self::Text(RecordKind::Cell, format!("[{},{row},\"{}\"]", json!(sheet), letters(column)))
    }

    /// The record that this is a part of: for a cell its row, else itself.
    #[must_use]
    pub fn whole(&self) -> Self {
        match self {
            Self::Text(RecordKind::Cell, text) => match text.rsplit_once(",\"") {
                Some((row, _)) if is_row(row) => Self::Text(RecordKind::Cell, row.to_owned()),
                _ => self.clone(),
            },
            _ => self.clone(),
        }
    }

    /// Where, in the order of records, a record stands to another or, if that is a row, to the row's cells.
    pub fn cmp_whole(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(RecordKind::Cell, text), Self::Text(RecordKind::Cell, row))
                if is_row(row) && text.strip_prefix(row.as_str()).is_some_and(|rest| rest.starts_with(',')) =>
            {
                Ordering::Equal
            }
            _ => self.cmp(other),
        }
    }

    /// The kind.
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Number(kind, _) | Self::Text(kind, _) => *kind,
        }
    }

    /// The number, 0 for a record identified by text.
    pub const fn number(&self) -> u64 {
        match self {
            Self::Number(_, number) => *number,
            Self::Text(..) => 0,
        }
    }

    /// The text, if that is what identifies the record.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Number(..) => None,
            Self::Text(_, text) => Some(text),
        }
    }

    /// The `key` of this record as outputs give it; `columns` are the names of the primary key's columns.
    pub fn key_json(&self, columns: &[String]) -> Value {
        let array = |text: &str| serde_json::from_str::<Vec<Value>>(text).unwrap_or_default();
        let object = |values: Vec<Value>| {
            let name = |i: usize| columns.get(i).cloned().unwrap_or_else(|| format!("key{}", i + 1));
            Value::Object(values.into_iter().enumerate().map(|(i, v)| (name(i), v)).collect::<Map<_, _>>())
        };
        match self {
            Self::Number(RecordKind::Document, _) => Value::Null,
            Self::Number(RecordKind::RowGroup, n) => json!({"row_group": n >> 40, "row": n & ((1 << 40) - 1)}),
            Self::Number(RecordKind::Ctid, n) => json!(format!("({},{})", n >> 16, n & 0xffff)),
            Self::Number(RecordKind::Rowid, n) => json!(*n as i64),
            Self::Number(RecordKind::Pk, n) => object(vec![json!(*n as i64)]),
            Self::Number(_, n) => json!(n),
            Self::Text(RecordKind::Pk, text) => object(array(text)),
            Self::Text(RecordKind::Cell, text) => match array(text).as_slice() {
                [sheet, Value::Number(row), Value::String(column)] => {
                    json!({"sheet": sheet, "cell": format!("{column}{row}")})
                }
                [sheet, cell] => json!({"sheet": sheet, "cell": cell}),
                _ => json!(text),
            },
            Self::Text(_, text) => json!(text),
        }
    }
}

/// The letters of a column, counted from 0: A, B, … Z, AA.
fn letters(column: u32) -> String {
    let (mut letters, mut rest) = (Vec::new(), u64::from(column) + 1);
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|&letter| char::from(letter)).collect()
}

/// Whether this is the text of a cell without its column: `["Sheet1",7`.
fn is_row(text: &str) -> bool {
    let row = text.rsplit_once("\",").map(|(_, row)| row);
    text.starts_with("[\"") && row.is_some_and(|row| !row.is_empty() && row.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_row_stand_together() {
        let mut cells: Vec<Record> = [(7, 1), (70, 0), (7, 0), (8, 27), (7, 700), (6, 0)]
            .iter()
            .flat_map(|&(row, column)| ["S", "S \"2\",7"].map(|sheet| Record::cell(sheet, row, column)))
            .collect();
        cells.sort();
        for cell in cells.clone() {
            let row = cell.whole();
            assert_eq!(row.whole(), row, "a row is whole");
            let is_in = |other: &&Record| other.cmp_whole(&row) == Ordering::Equal;
            assert!(cells.iter().filter(is_in).all(|other| other.whole() == row));
            assert_eq!(cells.iter().filter(is_in).count(), cells.iter().filter(|c| c.whole() == row).count());
            assert!(cells.is_sorted_by_key(|other| other.cmp_whole(&row)), "{row:?}");
        }
        let far = Record::cell("S", 1_048_576, 16_383);
        assert_eq!(far.key_json(&[]), json!({"sheet": "S", "cell": "XFD1048576"}));
        let old = Record::Text(RecordKind::Cell, r#"["S","B7"]"#.into());
        assert_eq!((old.whole(), old.cmp_whole(&old)), (old.clone(), Ordering::Equal));
    }

    #[test]
    fn keys_print_as_the_contract_says() {
        let columns = ["id".to_owned(), "region".to_owned()];
        let cases = [
            (Record::pk(&[KeyValue::Integer(-7)]), json!({"id": -7})),
            (Record::pk(&[KeyValue::Integer(7), KeyValue::Text("w".into())]), json!({"id": 7, "region": "w"})),
            (Record::ctid(3, 9), json!("(3,9)")),
            (Record::row_group(2, 5), json!({"row_group": 2, "row": 5})),
            (Record::Number(RecordKind::Line, 12), json!(12)),
            (Record::Number(RecordKind::Rowid, -1i64 as u64), json!(-1)),
            (Record::Number(RecordKind::Document, 0), Value::Null),
            (Record::Text(RecordKind::Cell, r#"["Sheet1","B7"]"#.into()), json!({"sheet": "Sheet1", "cell": "B7"})),
        ];
        for (record, key) in cases {
            assert_eq!(record.key_json(&columns), key, "{record:?}");
        }
    }
}
