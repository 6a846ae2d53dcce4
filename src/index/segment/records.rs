//! Reads the `records` file: chosen rows, in order, decoded in blocks.

use std::ops::Range;
use std::path::Path;

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type};
use residuum_detect::Fingerprint;

use super::file::Parquet;
use super::PAGE_ROWS;
use crate::index::Findings;
use crate::index::error::{IndexError, Result};

/// An open `records` file.
#[derive(Clone)]
pub(in crate::index) struct Records {
    file: Parquet,
    /// First row of each row group, and the number of all rows.
    groups: Vec<u64>,
}

/// Rows of a segment, as ascending ranges that neither touch nor overlap.
pub(in crate::index) type Selection = Vec<Range<u32>>;

impl Records {
    pub(in crate::index) fn open(path: &Path) -> Result<Self> {
        let file = Parquet::open(path)?;
        let mut groups = vec![0];
        groups.extend(file.groups().scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum)
        }));
        Ok(Self { file, groups })
    }

    pub(in crate::index) fn rows(&self) -> u64 {
        self.file.rows()
    }

    /// Decodes these rows.
    pub(in crate::index) fn read(&self, rows: Range<u32>, into: &mut Findings) -> Result<()> {
        let mut cursor = Cursor::new(self.clone(), vec![rows]);
        while cursor.fill()? {
            (0..cursor.block.len()).for_each(|row| into.push_from(&cursor.block, row));
        }
        Ok(())
    }

    /// The first row in a range that is not before what `before` says, by bisection over single rows.
    pub(in crate::index) fn partition_point(
        &self,
        mut rows: Range<u32>,
        before: impl Fn(&Findings, usize) -> bool,
    ) -> Result<u32> {
        let mut block = Findings::new();
        while rows.end - rows.start > PAGE_ROWS as u32 {
            let middle = rows.start + (rows.end - rows.start) / 2;
            block.clear();
            self.read(middle..middle + 1, &mut block)?;
            if before(&block, 0) {
                rows.start = middle + 1;
            } else {
                rows.end = middle;
            }
        }
        block.clear();
        self.read(rows.clone(), &mut block)?;
        let (mut low, mut high) = (0, block.len());
        while low < high {
            let middle = (low + high) / 2;
            if before(&block, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(rows.start + low as u32)
    }
}

/// Walks over chosen rows.
pub(in crate::index) struct Cursor {
    records: Records,
    selection: std::vec::IntoIter<Range<u32>>,
    left: Range<u32>,
    group: Option<Group>,
    /// The decoded rows.
    pub(in crate::index) block: Findings,
    /// The row of the segment each of them is.
    pub(in crate::index) numbers: Vec<u32>,
    /// The row of the block the cursor stands on.
    pub(in crate::index) at: usize,
}

impl Cursor {
    pub(in crate::index) fn new(records: Records, selection: Selection) -> Self {
        Self {
            records,
            selection: selection.into_iter(),
            left: 0..0,
            group: None,
            block: Findings::new(),
            numbers: Vec::new(),
            at: 0,
        }
    }

    /// Goes to the next row; false after the last.
    pub(in crate::index) fn next(&mut self) -> Result<bool> {
        if self.at + 1 < self.block.len() {
            self.at += 1;
            return Ok(true);
        }
        self.fill()
    }

    /// The row of the segment it stands on.
    pub(in crate::index) fn row(&self) -> u32 {
        self.numbers[self.at]
    }

    /// Decodes the next block of rows and goes to its first; false when there is none.
    pub(in crate::index) fn fill(&mut self) -> Result<bool> {
        self.block.clear();
        self.numbers.clear();
        self.at = 0;
        while self.block.len() < PAGE_ROWS {
            if self.left.is_empty() {
                match self.selection.next() {
                    Some(range) => self.left = range,
                    None => break,
                }
                continue;
            }
            let start = u64::from(self.left.start);
            let number = self.records.groups.partition_point(|&first| first <= start) - 1;
            let Some(&end) = self.records.groups.get(number + 1) else {
                return Err(IndexError::damaged(&self.records.file.path, "has fewer rows than the catalog says"));
            };
            let count = u64::from(self.left.end).min(end) - start;
            let count = (count as usize).min(PAGE_ROWS - self.block.len());
            if self.group.as_ref().is_none_or(|group| group.number != number) {
                self.group = Some(Group::open(&self.records.file, number, self.records.groups[number])?);
            }
            let group = self.group.as_mut().expect("opened above");
            group.read(start, count, &mut self.block)?;
            self.numbers.extend(self.left.start..self.left.start + count as u32);
            self.left.start += count as u32;
        }
        Ok(!self.block.is_empty())
    }
}

/// The columns of one row group, all at the same row.
struct Group {
    number: usize,
    file: Parquet,
    at: u64,
    object: ColumnReaderImpl<Int32Type>,
    record_kind: ColumnReaderImpl<Int32Type>,
    record: ColumnReaderImpl<Int64Type>,
    record_text: ColumnReaderImpl<ByteArrayType>,
    field: ColumnReaderImpl<Int32Type>,
    place: ColumnReaderImpl<Int32Type>,
    start: ColumnReaderImpl<Int64Type>,
    length: ColumnReaderImpl<Int32Type>,
    kind: ColumnReaderImpl<Int32Type>,
    rule: ColumnReaderImpl<Int32Type>,
    confidence: ColumnReaderImpl<Int32Type>,
    fp: ColumnReaderImpl<FixedLenByteArrayType>,
}

impl Group {
    fn open(file: &Parquet, number: usize, first: u64) -> Result<Self> {
        Ok(Self {
            number,
            file: file.clone(),
            at: first,
            object: file.column(number, 0)?,
            record_kind: file.column(number, 1)?,
            record: file.column(number, 2)?,
            record_text: file.column(number, 3)?,
            field: file.column(number, 4)?,
            place: file.column(number, 5)?,
            start: file.column(number, 6)?,
            length: file.column(number, 7)?,
            kind: file.column(number, 8)?,
            rule: file.column(number, 9)?,
            confidence: file.column(number, 10)?,
            fp: file.column(number, 11)?,
        })
    }

    fn read(&mut self, start: u64, count: usize, into: &mut Findings) -> Result<()> {
        let file = &self.file;
        let skip = (start - self.at) as usize;
        self.at = start + count as u64;
        values(file, &mut self.object, skip, count, &mut into.object, |v| v as u32)?;
        values(file, &mut self.record_kind, skip, count, &mut into.record_kind, |v| v as u8)?;
        values(file, &mut self.record, skip, count, &mut into.number, |v| v as u64)?;
        texts(file, &mut self.record_text, skip, count, into)?;
        values(file, &mut self.field, skip, count, &mut into.field, |v| v as u32)?;
        values(file, &mut self.place, skip, count, &mut into.place, |v| v as u8)?;
        values(file, &mut self.start, skip, count, &mut into.start, |v| v as u64)?;
        values(file, &mut self.length, skip, count, &mut into.length, |v| v as u32)?;
        values(file, &mut self.kind, skip, count, &mut into.kind, |v| v as u8)?;
        values(file, &mut self.rule, skip, count, &mut into.rule, |v| v as u16)?;
        values(file, &mut self.confidence, skip, count, &mut into.confidence, |v| v as u16)?;
        let fp = |v: parquet::data_type::FixedLenByteArray| {
            Fingerprint(v.data().try_into().expect("the schema says 16 bytes"))
        };
        values(file, &mut self.fp, skip, count, &mut into.fp, fp)
    }
}

fn skipped<T: DataType>(file: &Parquet, column: &mut ColumnReaderImpl<T>, skip: usize) -> Result<()> {
    if skip > 0 {
        let skipped = column.skip_records(skip).map_err(IndexError::reading(&file.path))?;
        if skipped != skip {
            return Err(IndexError::damaged(&file.path, "ends too early"));
        }
    }
    Ok(())
}

fn values<T: DataType, U>(
    file: &Parquet,
    column: &mut ColumnReaderImpl<T>,
    skip: usize,
    count: usize,
    into: &mut Vec<U>,
    convert: impl Fn(T::T) -> U,
) -> Result<()> {
    skipped(file, column, skip)?;
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        let missing = count - values.len();
        let (read, ..) = column.read_records(missing, None, None, &mut values).map_err(IndexError::reading(&file.path))?;
        if read == 0 {
            return Err(IndexError::damaged(&file.path, "ends too early"));
        }
    }
    into.extend(values.into_iter().map(convert));
    Ok(())
}

fn texts(
    file: &Parquet,
    column: &mut ColumnReaderImpl<ByteArrayType>,
    skip: usize,
    count: usize,
    into: &mut Findings,
) -> Result<()> {
    skipped(file, column, skip)?;
    let (mut levels, mut values) = (Vec::with_capacity(count), Vec::new());
    while levels.len() < count {
        let missing = count - levels.len();
        let (read, ..) = column
            .read_records(missing, Some(&mut levels), None, &mut values)
            .map_err(IndexError::reading(&file.path))?;
        if read == 0 {
            return Err(IndexError::damaged(&file.path, "ends too early"));
        }
    }
    let mut values = values.into_iter();
    for level in levels {
        let text = if level == 0 {
            0
        } else {
            let value = values.next().expect("a value for each level");
            let text = value.as_utf8().map_err(IndexError::reading(&file.path))?;
            into.texts.push(text)
        };
        into.text.push(text);
    }
    Ok(())
}
