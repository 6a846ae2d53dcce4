//! From Arrow's nested arrays to flat columns: every leaf becomes one, each value with the row it belongs to.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, LargeBinaryArray, RecordBatch};
use arrow_schema::DataType;
use residuum_source::{Column, Logical, Rows};

use super::{Leaf, text};

/// Flattens batches of one row group.
pub(crate) struct Flatten<'a> {
    names: &'a [Arc<str>],
    leaves: &'a [Leaf],
    /// Values longer than this are set apart.
    long: usize,
    leaf: usize,
    /// For each entry of a dictionary, its place in the column being made.
    remap: Vec<u32>,
    out: Flat,
}

/// What a batch holds.
#[derive(Default)]
pub(crate) struct Flat {
    /// The columns.
    pub(crate) columns: Vec<Column>,
    /// Values too long to stand in a column.
    pub(crate) long: Vec<LongValue>,
    /// The dictionaries of columns that have one, with all their entries.
    pub(crate) dictionaries: Vec<(Arc<str>, ArrayRef)>,
}

/// A value too long to stand in a column.
pub(crate) struct LongValue {
    pub(crate) field: Arc<str>,
    pub(crate) logical: Logical,
    /// Which row of the batch it belongs to.
    pub(crate) row: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Which row each value of an array belongs to: itself, or as listed (`u32::MAX` where something around it is null).
type RowOf<'r> = Option<&'r [u32]>;

const HIDDEN: u32 = u32::MAX;

impl<'a> Flatten<'a> {
    pub(crate) fn new(names: &'a [Arc<str>], leaves: &'a [Leaf], long: usize) -> Self {
        Self { names, leaves, long, leaf: 0, remap: Vec::new(), out: Flat::default() }
    }

    /// The columns of a batch. Truth values and columns without any value are left out.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Flat {
        self.leaf = 0;
        batch.columns().iter().for_each(|array| self.array(array, None));
        std::mem::take(&mut self.out)
    }

    fn array(&mut self, array: &ArrayRef, rows: RowOf<'_>) {
        match array.data_type() {
            DataType::Struct(_) => {
                let structure = array.as_struct();
                let visible = hide_nulls(array, rows);
                let rows = visible.as_deref().or(rows);
                structure.columns().iter().for_each(|child| self.array(child, rows));
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let (elements, rows) = spread(array, list.value_offsets(), rows);
                self.array(&list.values().slice(elements.start, elements.len()), Some(&rows));
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (entries, rows) = spread(array, map.value_offsets(), rows);
                self.array(&map.keys().slice(entries.start, entries.len()), Some(&rows));
                self.array(&map.values().slice(entries.start, entries.len()), Some(&rows));
            }
            _ => {
                let leaf = self.leaf;
                self.leaf += 1;
                self.leaf(array, leaf, rows);
            }
        }
    }

    fn leaf(&mut self, array: &ArrayRef, leaf: usize, rows: RowOf<'_>) {
        if array.null_count() == array.len() || rows.is_some_and(|rows| rows.iter().all(|row| *row == HIDDEN)) {
            return;
        }
        let (field, kind) = (self.names[leaf].clone(), self.leaves[leaf]);
        let mut column = Column::new(field);
        match array.data_type() {
            DataType::Boolean | DataType::Null => return,
            DataType::Dictionary(..) => return self.dictionary(array.as_dictionary(), column, kind),
            DataType::LargeBinary => {
                let values: &LargeBinaryArray = array.as_binary();
                self.bytes(&mut column, array, kind, rows, |i| values.value(i));
            }
            DataType::FixedSizeBinary(_) => {
                let values: &FixedSizeBinaryArray = array.as_fixed_size_binary();
                match kind {
                    Leaf::Uuid => {
                        column.logical = Logical::Uuid;
                        each(&mut column, array, rows, |i, column| text::uuid(values.value(i), &mut column.bytes));
                    }
                    _ => self.bytes(&mut column, array, kind, rows, |i| values.value(i)),
                }
            }
            _ => {
                column.logical = text::logical(array.data_type());
                let mut write = text::writer(array);
                each(&mut column, array, rows, |i, column| write(i, &mut column.bytes));
            }
        }
        self.out.columns.push(column);
    }

    /// Strings and bytes; those too long are set apart.
    fn bytes<'v>(
        &mut self,
        column: &mut Column,
        array: &ArrayRef,
        kind: Leaf,
        rows: RowOf<'_>,
        value: impl Fn(usize) -> &'v [u8],
    ) {
        let (long, out) = (self.long, &mut self.out.long);
        let before = out.len();
        each(column, array, rows, |i, column| {
            let value = value(i);
            if value.len() <= long {
                column.bytes.extend_from_slice(value);
            } else {
                let row = rows.map_or(i, |rows| rows[i] as usize);
                let (field, bytes) = (column.field.clone(), value.to_vec());
                out.push(LongValue { field, logical: Logical::Text, row, bytes });
            }
        });
        column.logical = logical_of_bytes(kind, &column.bytes);
        for long in &mut out[before..] {
            long.logical = logical_of_bytes(kind, &long.bytes);
        }
    }

    /// Strings that stand once for many rows.
    fn dictionary(&mut self, array: &DictionaryArray<Int32Type>, mut column: Column, kind: Leaf) {
        let values: &BinaryArray = array.values().as_binary();
        self.out.dictionaries.push((column.field.clone(), array.values().clone()));
        let keys = array.keys();
        self.remap.resize(values.len().max(self.remap.len()), HIDDEN);
        let (mut used, mut rows) = (Vec::new(), Vec::with_capacity(keys.len()));
        for row in 0..keys.len() {
            let key = keys.is_valid(row).then(|| keys.value(row) as usize).filter(|&key| values.is_valid(key));
            let Some(key) = key else {
                rows.push(HIDDEN);
                continue;
            };
            if values.value(key).len() > self.long {
                let (field, bytes) = (column.field.clone(), values.value(key).to_vec());
                let logical = logical_of_bytes(kind, &bytes);
                self.out.long.push(LongValue { field, logical, row, bytes });
                rows.push(HIDDEN);
                continue;
            }
            if self.remap[key] == HIDDEN {
                self.remap[key] = used.len() as u32;
                used.push(key);
            }
            rows.push(self.remap[key]);
        }
        // Where few values repeat, a list is simpler to read than a dictionary.
        if used.len() * 4 > rows.len() * 3 {
            for row in 0..rows.len() {
                if rows[row] != HIDDEN {
                    column.bytes.extend_from_slice(values.value(used[rows[row] as usize]));
                }
                column.end_value();
            }
        } else {
            used.iter().for_each(|&key| column.push(values.value(key)));
            column.rows = Rows::Dictionary(rows);
        }
        used.into_iter().for_each(|key| self.remap[key] = HIDDEN);
        column.logical = logical_of_bytes(kind, &column.bytes);
        self.out.columns.push(column);
    }
}

/// Writes each value that is there; one for each row if values are rows.
fn each(column: &mut Column, array: &ArrayRef, rows: RowOf<'_>, mut write: impl FnMut(usize, &mut Column)) {
    let Some(rows) = rows else {
        for i in 0..array.len() {
            if array.is_valid(i) {
                write(i, column);
            }
            column.end_value();
        }
        return;
    };
    let mut listed = Vec::with_capacity(array.len());
    for (i, &row) in rows.iter().enumerate() {
        if row != HIDDEN && array.is_valid(i) {
            write(i, column);
            column.end_value();
            listed.push(row);
        }
    }
    column.rows = Rows::Listed(listed);
}

/// The rows of a struct's children, if some of its values are null.
fn hide_nulls(array: &ArrayRef, rows: RowOf<'_>) -> Option<Vec<u32>> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
    let row = |i: usize| if nulls.is_valid(i) { rows.map_or(i as u32, |rows| rows[i]) } else { HIDDEN };
    Some((0..array.len()).map(row).collect())
}

/// Which elements a list array has, and their rows.
fn spread(array: &ArrayRef, offsets: &[i32], rows: RowOf<'_>) -> (Range<usize>, Vec<u32>) {
    let elements = offsets[0] as usize..offsets[array.len()] as usize;
    let mut spread = vec![HIDDEN; elements.len()];
    for i in (0..array.len()).filter(|&i| array.is_valid(i)) {
        let row = rows.map_or(i as u32, |rows| rows[i]);
        let (from, to) = (offsets[i] as usize - elements.start, offsets[i + 1] as usize - elements.start);
        spread[from..to].fill(row);
    }
    (elements, spread)
}

/// Files of some programs do not say which bytes are strings.
fn logical_of_bytes(kind: Leaf, bytes: &[u8]) -> Logical {
    match kind {
        Leaf::Json => Logical::Json,
        Leaf::Text => Logical::Text,
        _ if std::str::from_utf8(bytes).is_ok() => Logical::Text,
        _ => Logical::Bytes,
    }
}
