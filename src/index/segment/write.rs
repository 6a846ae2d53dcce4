//! Encodes rows into the two files of a segment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};

use super::pages;
use super::sum::{FileSum, NAME, Summed};
use super::{PAGE_ROWS, Print, repeats};
use crate::index::Findings;
use crate::index::error::{IndexError, Result};

const RECORDS: &str = "message records {
    required int32 object (INTEGER(32, false));
    required int32 record_kind (INTEGER(8, false));
    required int64 record (INTEGER(64, false));
    optional binary record_text (STRING);
    required int32 field (INTEGER(32, false));
    required int32 place (INTEGER(8, false));
    required int64 start (INTEGER(64, false));
    required int32 length (INTEGER(32, false));
    required int32 type (INTEGER(8, false));
    required int32 rule (INTEGER(16, false));
    required int32 confidence (INTEGER(16, false));
    required fixed_len_byte_array(16) fp;
}";

const PRINTS: &str = "message prints {
    required fixed_len_byte_array(16) fp;
    required int32 type (INTEGER(8, false));
    required int32 scheme (INTEGER(8, false));
    required int32 row (INTEGER(32, false));
}";

/// Rows encoded at a time: what is copied stays in the cache.
const CHUNK: usize = 1 << 14;

/// For what repeats. Zstandard packs a little tighter, but Parquet makes a context of it for every page, which
/// took a third of the time of writing and most of the time of a look-up.
const COMPRESSED: Compression = Compression::LZ4_RAW;

type FileWriter = SerializedFileWriter<Summed>;
/// A row group that is being written.
pub(super) type GroupWriter<'a> = SerializedRowGroupWriter<'a, Summed>;

/// Writes the `records` file, one row group after the other.
pub(in crate::index) struct RecordsWriter {
    path: PathBuf,
    writer: Option<FileWriter>,
    rows: u64,
}

impl RecordsWriter {
    pub(in crate::index) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), writer: None, rows: 0 }
    }

    /// Appends these rows of a buffer, in this order, which continues the canonical one.
    pub(in crate::index) fn group(&mut self, findings: &Findings, order: &[u32]) -> Result<()> {
        self.rows += order.len() as u64;
        let writer = opened(&mut self.writer, &self.path, RECORDS, records_properties)?;
        let columns = columns(writer);
        let mut group = writer.next_row_group().map_err(IndexError::writing(&self.path))?;
        let written = records_group(&mut group, &columns, findings, order).and_then(|()| group.close());
        written.map(drop).map_err(IndexError::writing(&self.path))
    }

    /// Completes the file and hands it to the disk; gives its rows and what it is checked by.
    pub(in crate::index) fn finish(self) -> Result<(u64, FileSum)> {
        Ok((self.rows, finished(self.writer, &self.path)?))
    }
}

/// Writes the `prints` file, one row group after the other.
pub(in crate::index) struct PrintsWriter {
    path: PathBuf,
    writer: Option<FileWriter>,
}

impl PrintsWriter {
    pub(in crate::index) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), writer: None }
    }

    /// Appends prints in order.
    pub(in crate::index) fn group(&mut self, prints: &[Print]) -> Result<()> {
        let writer = opened(&mut self.writer, &self.path, PRINTS, prints_properties)?;
        let columns = columns(writer);
        let mut group = writer.next_row_group().map_err(IndexError::writing(&self.path))?;
        let written = prints_group(&mut group, &columns, prints).and_then(|()| group.close());
        written.map(drop).map_err(IndexError::writing(&self.path))
    }

    /// Completes the file and hands it to the disk; gives what it is checked by.
    pub(in crate::index) fn finish(self) -> Result<FileSum> {
        finished(self.writer, &self.path)
    }
}

fn opened<'a>(
    writer: &'a mut Option<FileWriter>,
    path: &Path,
    schema: &str,
    properties: impl FnOnce() -> WriterPropertiesBuilder,
) -> Result<&'a mut FileWriter> {
    if writer.is_none() {
        let file = File::create(path).map_err(IndexError::io(path, "made"))?;
        let schema = Arc::new(parse_message_type(schema).expect("the schema is a constant"));
        let properties = Arc::new(properties().set_created_by("residuum".to_owned()).build());
        *writer =
            Some(SerializedFileWriter::new(Summed::new(file), schema, properties).map_err(IndexError::writing(path))?);
    }
    Ok(writer.as_mut().expect("opened above"))
}

fn columns(writer: &FileWriter) -> Vec<ColumnDescPtr> {
    writer.schema_descr().columns().to_vec()
}

fn finished(writer: Option<FileWriter>, path: &Path) -> Result<FileSum> {
    let Some(mut writer) = writer else {
        return Err(IndexError::Misuse("a segment without rows is not written".to_owned()));
    };
    // What the writer still holds belongs to the data; what it writes from here on is indexes and footer.
    writer.flush().map_err(IndexError::io(path, "written"))?;
    let sums = writer.inner_mut().begin_tail();
    writer.append_key_value_metadata(KeyValue::new(NAME.to_owned(), sums));
    writer.finish().map_err(IndexError::writing(path))?;
    writer.inner_mut().finish().map_err(IndexError::io(path, "written"))
}

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_bloom_filter_enabled(false)
        .set_compression(Compression::UNCOMPRESSED)
}

fn records_properties() -> WriterPropertiesBuilder {
    let column = ColumnPath::from;
    let mut properties = properties()
        .set_column_statistics_enabled(column("object"), EnabledStatistics::Page)
        .set_column_statistics_enabled(column("record"), EnabledStatistics::Page);
    // What is the same for long stretches packs to nothing, and packing is cheaper than looking up a dictionary.
    for (name, encoding) in [
        ("object", Encoding::DELTA_BINARY_PACKED),
        ("record_kind", Encoding::DELTA_BINARY_PACKED),
        ("place", Encoding::DELTA_BINARY_PACKED),
        ("record", Encoding::DELTA_BINARY_PACKED),
        ("start", Encoding::DELTA_BINARY_PACKED),
        ("record_text", Encoding::DELTA_BYTE_ARRAY),
    ] {
        properties =
            properties.set_column_dictionary_enabled(column(name), false).set_column_encoding(column(name), encoding);
    }
    properties.set_column_compression(column("record_text"), COMPRESSED)
}

fn prints_properties() -> WriterPropertiesBuilder {
    let column = ColumnPath::from;
    properties()
        .set_column_dictionary_enabled(column("scheme"), false)
        .set_column_encoding(column("scheme"), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled(column("row"), false)
        .set_column_encoding(column("row"), Encoding::DELTA_BINARY_PACKED)
}

fn records_group(
    group: &mut GroupWriter<'_>,
    columns: &[ColumnDescPtr],
    f: &Findings,
    order: &[u32],
) -> Result<(), ParquetError> {
    int32(group, order, |row| f.object[row] as i32)?;
    int32(group, order, |row| f.record_kind[row].into())?;
    int64(group, order, |row| f.number[row] as i64)?;
    texts(group, f, order)?;
    pages::numbers(group, columns[4].clone(), order, true, |&row| f.field[row as usize])?;
    int32(group, order, |row| f.place[row].into())?;
    int64(group, order, |row| f.start[row] as i64)?;
    pages::numbers(group, columns[7].clone(), order, true, |&row| f.length[row as usize])?;
    pages::numbers(group, columns[8].clone(), order, true, |&row| f.kind[row as usize].into())?;
    pages::numbers(group, columns[9].clone(), order, true, |&row| f.rule[row as usize].into())?;
    pages::numbers(group, columns[10].clone(), order, true, |&row| f.confidence[row as usize].into())?;
    let fp = |row: &u32| f.fp[*row as usize];
    pages::fingerprints(group, columns[11].clone(), order, (false, repeats(order, fp)), fp)
}

fn prints_group(group: &mut GroupWriter<'_>, columns: &[ColumnDescPtr], prints: &[Print]) -> Result<(), ParquetError> {
    let fp = |print: &Print| print.fp;
    pages::fingerprints(group, columns[0].clone(), prints, (true, repeats(prints, fp)), fp)?;
    pages::numbers(group, columns[1].clone(), prints, false, |print| print.kind.into())?;
    column::<Int32Type, _>(group, prints, |print| print.scheme.into())?;
    column::<Int32Type, _>(group, prints, |print| print.row as i32)
}

fn int32(group: &mut GroupWriter<'_>, order: &[u32], value: impl Fn(usize) -> i32) -> Result<(), ParquetError> {
    column::<Int32Type, _>(group, order, |&row| value(row as usize))
}

fn int64(group: &mut GroupWriter<'_>, order: &[u32], value: impl Fn(usize) -> i64) -> Result<(), ParquetError> {
    column::<Int64Type, _>(group, order, |&row| value(row as usize))
}

fn column<T: DataType, R>(
    group: &mut GroupWriter<'_>,
    rows: &[R],
    value: impl Fn(&R) -> T::T,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("columns are written in the schema's order");
    let mut values = Vec::with_capacity(CHUNK.min(rows.len()));
    for rows in rows.chunks(CHUNK) {
        values.clear();
        values.extend(rows.iter().map(&value));
        column.typed::<T>().write_batch(&values, None, None)?;
    }
    column.close()
}

fn texts(group: &mut GroupWriter<'_>, findings: &Findings, order: &[u32]) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("columns are written in the schema's order");
    for rows in order.chunks(CHUNK) {
        let texts = rows.iter().map(|&row| findings.text[row as usize]);
        let levels: Vec<i16> = texts.clone().map(|text| i16::from(text != 0)).collect();
        let value = |text: u32| ByteArray::from(findings.texts.get(text as usize - 1));
        let values: Vec<_> = texts.filter(|&text| text != 0).map(value).collect();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
    }
    column.close()
}
