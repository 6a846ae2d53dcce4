//! A Parquet file of ours, opened for reading: positioned reads, so that threads share one descriptor.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::DataType;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::index::error::{IndexError, Result};

/// An open file with its footer and page index.
#[derive(Clone)]
pub(super) struct Parquet {
    pub(super) path: PathBuf,
    pub(super) metadata: Arc<ParquetMetaData>,
    bytes: Arc<Positioned>,
}

impl Parquet {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => IndexError::damaged(path, "is missing"),
            _ => IndexError::io(path, "read")(error),
        })?;
        let length = file.metadata().map_err(IndexError::io(path, "read"))?.len();
        let bytes = Arc::new(Positioned { file, length });
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = reader.parse_and_finish(bytes.as_ref()).map_err(IndexError::reading(path))?;
        Ok(Self { path: path.to_owned(), metadata: Arc::new(metadata), bytes })
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

pub(super) struct Positioned {
    file: File,
    length: u64,
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Positioned {
    type T = PositionedRead;

    fn get_read(&self, start: u64) -> parquet::errors::Result<PositionedRead> {
        Ok(PositionedRead { file: self.file.try_clone()?, at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut buffer = vec![0; length];
        self.file.read_exact_at(&mut buffer, start)?;
        Ok(buffer.into())
    }
}

pub(super) struct PositionedRead {
    file: File,
    at: u64,
}

impl Read for PositionedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
