//! What must be known of a Parquet footer before the library parses it: how deep its schema is (the library
//! recurses) and which columns are encrypted (the library cannot tell).
//!
//! The footer is Thrift in its compact protocol. Only the few fields that matter are looked at; see
//! `parquet.thrift` of the Parquet format for their numbers.

use std::collections::BTreeSet;

/// What was learnt.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Levels of the schema.
    pub(super) depth: usize,
    /// Leaf columns that are encrypted, by number.
    pub(super) encrypted: BTreeSet<usize>,
}

/// Looks through the footer; `None` if it is damaged.
pub(super) fn facts(footer: &[u8]) -> Option<Facts> {
    let (mut facts, mut thrift) = (Facts::default(), Compact { rest: footer });
    let mut open: Vec<u64> = Vec::new();
    thrift.structure(|id, kind, thrift| match (id, kind) {
        // FileMetaData.schema: the tree in depth-first order, each element with its number of children
        (2, LIST) => thrift.list(|_, _, thrift| {
            let mut children = 0;
            thrift.structure(|id, kind, thrift| match (id, kind) {
                (5, I32) => {
                    children = thrift.integer()?;
                    Some(())
                }
                _ => thrift.skip(kind, 0),
            })?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children as u64);
            }
            facts.depth = facts.depth.max(open.len());
            Some(())
        }),
        // FileMetaData.row_groups
        (4, LIST) => thrift.list(|_, _, thrift| {
            thrift.structure(|id, kind, thrift| match (id, kind) {
                // RowGroup.columns
                (1, LIST) => thrift.list(|column, _, thrift| {
                    thrift.structure(|id, kind, thrift| {
                        // ColumnChunk.crypto_metadata, encrypted_column_metadata
                        if matches!(id, 8 | 9) {
                            facts.encrypted.insert(column);
                        }
                        thrift.skip(kind, 0)
                    })
                }),
                _ => thrift.skip(kind, 0),
            })
        }),
        _ => thrift.skip(kind, 0),
    })?;
    Some(facts)
}

const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// Structures within structures that are skipped at most.
const MAX_DEPTH: u32 = 32;

struct Compact<'a> {
    rest: &'a [u8],
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn drop(&mut self, n: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(n).ok()?..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Calls `field` with the number and kind of each field; it reads or skips the value.
    fn structure(&mut self, mut field: impl FnMut(i64, u8, &mut Self) -> Option<()>) -> Option<()> {
        let mut id = 0;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            id = match header >> 4 {
                0 => self.integer()?,
                delta => id + i64::from(delta),
            };
            field(id, header & 0xf, self)?;
        }
    }

    /// Calls `element` with the number and kind of each element; it reads or skips it.
    fn list(&mut self, mut element: impl FnMut(usize, u8, &mut Self) -> Option<()>) -> Option<()> {
        let header = self.byte()?;
        let size = match header >> 4 {
            15 => self.unsigned()?,
            size => u64::from(size),
        };
        for i in 0..usize::try_from(size).ok()? {
            element(i, header & 0xf, self)?;
        }
        Some(())
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            // A field's truth value is its kind.
            1 | 2 => Some(()),
            BYTE => self.drop(1),
            I16 | I32 | I64 => self.unsigned().map(|_| ()),
            DOUBLE => self.drop(8),
            BINARY => {
                let length = self.unsigned()?;
                self.drop(length)
            }
            LIST | SET => self.list(|_, kind, thrift| thrift.skip_element(kind, depth + 1)),
            MAP => {
                let size = self.unsigned()?;
                let kinds = if size > 0 { self.byte()? } else { 0 };
                for _ in 0..size {
                    self.skip_element(kinds >> 4, depth + 1)?;
                    self.skip_element(kinds & 0xf, depth + 1)?;
                }
                Some(())
            }
            STRUCT => self.structure(|_, kind, thrift| thrift.skip(kind, depth + 1)),
            _ => None,
        }
    }

    fn skip_element(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            1 | 2 => self.drop(1),
            kind => self.skip(kind, depth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn depth_and_encryption_are_seen() {
        // schema: root(2) { a, b(1) { c } }; one row group of two columns, the second with crypto_metadata
        let element = |children: u8| if children > 0 { vec![0x55, children * 2, 0] } else { vec![0x18, 1, b'x', 0] };
        let mut footer = vec![0x15, 2, 0x19, 0x4c];
        [2, 0, 1, 0].iter().for_each(|&children| footer.extend(element(children)));
        footer.extend([0x16, 2]); // num_rows
        footer.extend([0x19, 0x1c, 0x19, 0x2c, 0x26, 0, 0, 0x8c, 0, 0, 0]); // columns; end of row group
        footer.push(0);
        let expected = Facts { depth: 2, encrypted: BTreeSet::from([1]) };
        assert_eq!(facts(&footer), Some(expected));
        assert_eq!(facts(&footer[..footer.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn damaged_footers_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            facts(&bytes);
        }
    }
}
