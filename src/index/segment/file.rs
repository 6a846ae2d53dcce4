//! A Parquet file of ours, opened for reading: positioned reads, so that threads share one descriptor, each checked
//! by the sums of the blocks it touches.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::sum::{Checked, FileSum};
use crate::index::error::{IndexError, Result};

/// An open file with its footer and page index.
#[derive(Clone)]
pub(super) struct Parquet {
    pub(super) path: PathBuf,
    pub(super) metadata: Arc<ParquetMetaData>,
    bytes: Arc<Positioned>,
}

impl Parquet {
    pub(super) fn open(path: &Path, written: Option<&FileSum>) -> Result<Self> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => IndexError::damaged(path, "is missing"),
            _ => IndexError::io(path, "read")(error),
        })?;
        let mut bytes = Positioned(Arc::new(Checked::open(path, file, written)?));
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = reader.parse_and_finish(&bytes).map_err(IndexError::reading(path))?;
        let checked = Arc::get_mut(&mut bytes.0).expect("nothing else reads yet");
        checked.take_sums(path, &metadata)?;
        let bytes = Arc::new(bytes);
        Ok(Self { path: path.to_owned(), metadata: Arc::new(metadata), bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.0.length
    }

    /// Reads every byte; says whether there were sums to check them by.
    pub(super) fn check(&self) -> Result<bool> {
        self.bytes.0.read_all().map_err(|error| IndexError::reading(&self.path)(error.into()))
    }

    pub(super) fn rows(&self) -> u64 {
        self.metadata.file_metadata().num_rows().max(0) as u64
    }

    /// Rows of each row group.
    pub(super) fn groups(&self) -> impl Iterator<Item = u64> + '_ {
        self.metadata.row_groups().iter().map(|group| group.num_rows().max(0) as u64)
    }

    /// The pages of one column of one row group.
    pub(super) fn pages(&self, group: usize, column: usize) -> Result<SerializedPageReader<Positioned>> {
        let chunk = self.metadata.row_group(group);
        let offsets = self.metadata.offset_index().map(|index| index[group][column].page_locations().clone());
        SerializedPageReader::new(self.bytes.clone(), chunk.column(column), chunk.num_rows().max(0) as usize, offsets)
            .map_err(IndexError::reading(&self.path))
    }

    /// The values of one column of one row group.
    pub(super) fn column<T: DataType>(&self, group: usize, column: usize) -> Result<ColumnReaderImpl<T>> {
        let description = self.metadata.file_metadata().schema_descr().column(column);
        if description.physical_type() != T::get_physical_type() {
            return Err(IndexError::damaged(&self.path, format!("has another column `{}`", description.name())));
        }
        Ok(get_typed_column_reader(get_column_reader(description, Box::new(self.pages(group, column)?))))
    }
}

pub(super) struct Positioned(Arc<Checked>);

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.0.length
    }
}

impl ChunkReader for Positioned {
    type T = PositionedRead;

    fn get_read(&self, start: u64) -> parquet::errors::Result<PositionedRead> {
        Ok(PositionedRead { file: self.0.clone(), at: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        Ok(self.0.read(start, length)?)
    }
}

pub(super) struct PositionedRead {
    file: Arc<Checked>,
    at: u64,
    buffer: Bytes,
}

impl Read for PositionedRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let length = self.file.length.saturating_sub(self.at).min(1 << 13);
            self.buffer = self.file.read(self.at, length as usize)?;
            self.at += length;
        }
        let now = self.buffer.split_to(into.len().min(self.buffer.len()));
        into[..now.len()].copy_from_slice(&now);
        Ok(now.len())
    }
}
