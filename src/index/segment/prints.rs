//! Reads the `prints` file: which rows stand under these fingerprints?
//!
//! The first and last fingerprint of every page are in memory; a look-up bisects over them, then inside the page's
//! bytes as they stand, and decodes the other columns only where something was found.

use std::path::Path;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader as _};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::Int32Type;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use residuum_detect::Fingerprint;

use super::Print;
use super::file::Parquet;
use super::sum::FileSum;
use crate::index::error::{IndexError, Result};

/// An open `prints` file.
#[derive(Clone)]
pub(in crate::index) struct Prints {
    file: Parquet,
    fences: Vec<Fence>,
}

/// A page of fingerprints.
#[derive(Clone, Copy)]
struct Fence {
    first: Fingerprint,
    last: Fingerprint,
    group: usize,
    /// The page within the row group.
    page: usize,
    /// Its first row within the row group.
    start: usize,
    rows: usize,
}

impl Prints {
    pub(in crate::index) fn open(path: &Path, written: Option<&FileSum>) -> Result<Self> {
        let file = Parquet::open(path, written)?;
        let fences = fences(&file).ok_or_else(|| IndexError::damaged(path, "has no index of its pages"))?;
        Ok(Self { file, fences })
    }

    /// Bytes of the file.
    pub(in crate::index) fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// Where the file is, for messages.
    pub(in crate::index) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Reads every byte; says whether there were sums to check them by.
    pub(in crate::index) fn check(&self) -> Result<bool> {
        self.file.check()
    }

    /// Calls `hit` with the position of a probe and each print equal to it. Probes ascend.
    pub(in crate::index) fn lookup(&self, probes: &[Fingerprint], mut hit: impl FnMut(usize, Print)) -> Result<()> {
        let mut page: Option<(usize, LoadedPage)> = None;
        let mut from = 0;
        for (number, probe) in probes.iter().enumerate() {
            from += self.fences[from..].partition_point(|fence| fence.last < *probe);
            for at in from..self.fences.len() {
                if self.fences[at].first > *probe {
                    break;
                }
                if page.as_ref().is_none_or(|(loaded, _)| *loaded != at) {
                    page = Some((at, self.load(at)?));
                }
                let (_, page) = page.as_mut().expect("loaded above");
                let (start, end) = page.find(probe);
                if start < end {
                    page.decode(self)?;
                    (start..end).for_each(|i| hit(number, page.print(i)));
                }
                if end < page.fence.rows {
                    break;
                }
            }
        }
        Ok(())
    }

    fn load(&self, at: usize) -> Result<LoadedPage> {
        let fence = self.fences[at];
        let mut pages = self.file.pages(fence.group, 0)?;
        for _ in 0..fence.page {
            pages.skip_next_page().map_err(IndexError::reading(&self.file.path))?;
        }
        match pages.get_next_page().map_err(IndexError::reading(&self.file.path))? {
            Some(Page::DataPage { buf, encoding: Encoding::PLAIN, .. }) if buf.len() == fence.rows * 16 => {
                Ok(LoadedPage { fence, fps: buf, columns: None })
            }
            _ => Err(IndexError::damaged(&self.file.path, "has pages of another shape")),
        }
    }
}

struct LoadedPage {
    fence: Fence,
    fps: Bytes,
    /// Kinds, schemes and rows, once something was found.
    columns: Option<[Vec<i32>; 3]>,
}

impl LoadedPage {
    fn fp(&self, i: usize) -> Fingerprint {
        Fingerprint(self.fps[i * 16..i * 16 + 16].try_into().expect("16 bytes"))
    }

    /// Where prints equal to the probe begin and end.
    fn find(&self, probe: &Fingerprint) -> (usize, usize) {
        let (mut low, mut high) = (0, self.fence.rows);
        while low < high {
            let middle = (low + high) / 2;
            if self.fp(middle) < *probe {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let equal = (low..self.fence.rows).take_while(|&i| self.fp(i) == *probe).count();
        (low, low + equal)
    }

    fn decode(&mut self, prints: &Prints) -> Result<()> {
        if self.columns.is_none() {
            let mut columns = [const { Vec::new() }; 3];
            for (i, values) in columns.iter_mut().enumerate() {
                let mut column: ColumnReaderImpl<Int32Type> = prints.file.column(self.fence.group, i + 1)?;
                read(&prints.file, &mut column, self.fence.start, self.fence.rows, values)?;
            }
            self.columns = Some(columns);
        }
        Ok(())
    }

    fn print(&self, i: usize) -> Print {
        let [kinds, schemes, rows] = self.columns.as_ref().expect("decoded when something was found");
        Print { fp: self.fp(i), kind: kinds[i] as u8, scheme: schemes[i] as u8, row: rows[i] as u32 }
    }
}

/// All prints of a file, in order.
pub(in crate::index) struct PrintStream {
    prints: Prints,
    next: usize,
    page: Option<LoadedPage>,
    at: usize,
}

impl PrintStream {
    pub(in crate::index) fn new(prints: Prints) -> Self {
        Self { prints, next: 0, page: None, at: 0 }
    }

    /// The next print.
    pub(in crate::index) fn next(&mut self) -> Result<Option<Print>> {
        loop {
            if let Some(page) = self.page.as_ref().filter(|page| self.at < page.fence.rows) {
                self.at += 1;
                return Ok(Some(page.print(self.at - 1)));
            }
            if self.next == self.prints.fences.len() {
                return Ok(None);
            }
            let mut page = self.prints.load(self.next)?;
            page.decode(&self.prints)?;
            self.page = Some(page);
            self.next += 1;
            self.at = 0;
        }
    }
}

fn read(
    file: &Parquet,
    column: &mut ColumnReaderImpl<Int32Type>,
    skip: usize,
    count: usize,
    values: &mut Vec<i32>,
) -> Result<()> {
    let short = || IndexError::damaged(&file.path, "ends too early");
    if column.skip_records(skip).map_err(IndexError::reading(&file.path))? != skip {
        return Err(short());
    }
    while values.len() < count {
        let missing = count - values.len();
        let (read, ..) = column.read_records(missing, None, None, values).map_err(IndexError::reading(&file.path))?;
        if read == 0 {
            return Err(short());
        }
    }
    Ok(())
}

fn fences(file: &Parquet) -> Option<Vec<Fence>> {
    let (columns, offsets) = (file.metadata.column_index()?, file.metadata.offset_index()?);
    let mut fences = Vec::new();
    for (group, rows) in file.groups().enumerate() {
        let ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(index) = columns.get(group)?.first()? else { return None };
        let locations = offsets.get(group)?.first()?.page_locations();
        let fp = |bytes: Option<&[u8]>| bytes?.try_into().ok().map(Fingerprint);
        for (page, location) in locations.iter().enumerate() {
            let start = usize::try_from(location.first_row_index).ok()?;
            let end = locations.get(page + 1).map_or(rows as usize, |next| next.first_row_index as usize);
            let (first, last) = (fp(index.min_value(page))?, fp(index.max_value(page))?);
            fences.push(Fence { first, last, group, page, start, rows: end.checked_sub(start)? });
        }
    }
    Some(fences)
}
