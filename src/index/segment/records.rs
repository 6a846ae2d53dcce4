//! Reads the `records` file: chosen rows, in order, decoded in blocks.

use std::ops::Range;
use std::path::Path;

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type};
use residuum_detect::Fingerprint;
use residuum_source::Record;

use super::PAGE_ROWS;
use super::file::Parquet;
use super::sum::FileSum;
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
    pub(in crate::index) fn open(path: &Path, written: Option<&FileSum>) -> Result<Self> {
        let file = Parquet::open(path, written)?;
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

    /// Where the file is, for messages.
    pub(in crate::index) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Bytes of the file.
    pub(in crate::index) fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// Reads every byte; says whether there were sums to check them by.
    pub(in crate::index) fn check(&self) -> Result<bool> {
        self.file.check()
    }

    /// Decodes these rows.
    #[cfg(test)]
    pub(in crate::index) fn read(&self, rows: Range<u32>, into: &mut Findings) -> Result<()> {
        let mut cursor = Cursor::new(self.clone(), vec![rows]);
        while cursor.fill()? {
            (0..cursor.block.len()).for_each(|row| into.push_from(&cursor.block, row));
        }
        Ok(())
    }

    /// The rows of one record, or of all cells of a row of a sheet, within rows that are all of one object.
    pub(in crate::index) fn of_record(&self, rows: Range<u32>, record: &Record) -> Result<Range<u32>> {
        let start = self.partition_point(rows.clone(), |other| other.cmp_whole(record).is_lt())?;
        let end = self.partition_point(start..rows.end, |other| other.cmp_whole(record).is_le())?;
        Ok(start..end)
    }

    /// Adds the rows of ascending records, as [`Records::of_record`] gives those of one.
    ///
    /// From a record to the next the way is doubled until the next is passed, so that near ones are found on the same
    /// page and far ones without reading what lies between.
    pub(in crate::index) fn of_records<'r>(
        &self,
        rows: Range<u32>,
        records: impl Iterator<Item = &'r Record>,
        into: &mut Selection,
    ) -> Result<()> {
        // Rows whose records are at hand.
        let (mut held, mut keys) = (rows.start..rows.start, Vec::new());
        for record in records {
            let is_before = |other: &Record| other.cmp_whole(record).is_lt();
            if keys.last().is_none_or(is_before) {
                let (mut next, mut step) = (held.end, PAGE_ROWS as u32);
                while rows.end - next > step && is_before(&self.record_keys(next + step..next + step + 1)?[0]) {
                    next += step;
                    step = step.saturating_mul(2);
                }
                if step > PAGE_ROWS as u32 {
                    next = self.partition_point(next..rows.end.min(next.saturating_add(step)), is_before)?;
                }
                held = next..rows.end.min(next.saturating_add(PAGE_ROWS as u32));
                keys = self.record_keys(held.clone())?;
            }
            let start = held.start + keys.partition_point(is_before) as u32;
            let mut end = held.start + keys.partition_point(|other| other.cmp_whole(record).is_le()) as u32;
            if end == held.end {
                end = self.partition_point(end..rows.end, |other| other.cmp_whole(record).is_le())?;
            }
            if start < end {
                into.push(start..end);
            }
        }
        Ok(())
    }

    /// The first row in a range whose record is not before what `before` says.
    fn partition_point(&self, mut rows: Range<u32>, before: impl Fn(&Record) -> bool) -> Result<u32> {
        // A few rows more than a page may lie on two pages; from there on one read serves.
        while rows.end - rows.start > PAGE_ROWS as u32 {
            let middle = rows.start + (rows.end - rows.start) / 2;
            if before(&self.record_keys(middle..middle + 1)?[0]) {
                rows.start = middle + 1;
            } else {
                rows.end = middle;
            }
        }
        let records = self.record_keys(rows.clone())?;
        Ok(rows.start + records.partition_point(before) as u32)
    }

    /// What identifies the records of these rows.
    fn record_keys(&self, mut rows: Range<u32>) -> Result<Vec<Record>> {
        let mut found = Vec::with_capacity(rows.len());
        while !rows.is_empty() {
            let (number, count) = self.in_group(&rows)?;
            let skip = (u64::from(rows.start) - self.groups[number]) as usize;
            let mut block = Findings::new();
            let file = &self.file;
            values(file, &mut file.column::<Int32Type>(number, 1)?, skip, count, &mut block.record_kind, |v| v as u8)?;
            values(file, &mut file.column::<Int64Type>(number, 2)?, skip, count, &mut block.number, |v| v as u64)?;
            texts(file, &mut file.column(number, 3)?, skip, count, &mut block)?;
            for row in 0..count {
                found.push(
                    block.record(row).ok_or_else(|| IndexError::damaged(&file.path, "holds an unknown record kind"))?,
                );
            }
            rows.start += count as u32;
        }
        Ok(found)
    }

    /// The row group in which a range begins, and how many of its rows are in it.
    fn in_group(&self, rows: &Range<u32>) -> Result<(usize, usize)> {
        let start = u64::from(rows.start);
        let number = self.groups.partition_point(|&first| first <= start) - 1;
        let Some(&end) = self.groups.get(number + 1) else {
            return Err(IndexError::damaged(&self.file.path, "has fewer rows than the catalog says"));
        };
        Ok((number, (u64::from(rows.end).min(end) - start) as usize))
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
            let (number, count) = self.records.in_group(&self.left)?;
            let count = count.min(PAGE_ROWS - self.block.len());
            if self.group.as_ref().is_none_or(|group| group.number != number) {
                self.group = Some(Group::open(&self.records.file, number, self.records.groups[number])?);
            }
            let group = self.group.as_mut().expect("opened above");
            group.read(u64::from(self.left.start), count, &mut self.block)?;
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
        let (read, ..) =
            column.read_records(missing, None, None, &mut values).map_err(IndexError::reading(&file.path))?;
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
