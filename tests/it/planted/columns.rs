//! Parquet files, and such as were made smaller without making everything anew: their dictionaries or statistics still
//! have what no row has any more.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;

use super::people::Row;

pub fn parquet(rows: &[Row]) -> Vec<u8> {
    written(rows, 5)
}

fn written(rows: &[Row], in_group: usize) -> Vec<u8> {
    let texts =
        |of: &dyn Fn(&Row) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id as i64)));
    let columns = [
        ("id", ids),
        ("ref", texts(&Row::tag)),
        ("email", texts(&|row| row.email.clone())),
        ("phone", texts(&|row| row.phone.clone())),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(in_group)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a schema it can write");
    writer.write(&batch).expect("memory takes everything");
    writer.into_inner().expect("memory takes everything")
}

/// What a file still has of a row that is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Dictionary,
    Statistics,
}

pub fn with_entry(rows: &[Row], last: &Row) -> Vec<u8> {
    without(rows, last, Kept::Dictionary)
}

pub fn with_bounds(rows: &[Row], last: &Row) -> Vec<u8> {
    without(rows, last, Kept::Statistics)
}

/// The pages of a file without the last row, under a dictionary or statistics of one that had it.
fn without(rows: &[Row], last: &Row, kept: Kept) -> Vec<u8> {
    let open = |rows: &[Row]| {
        let bytes = Bytes::from(written(rows, 1_000));
        (bytes.clone(), SerializedFileReader::new(bytes).expect("it was written"))
    };
    let (old_bytes, old) = open(&[rows, std::slice::from_ref(last)].concat());
    let (new_bytes, new) = open(rows);
    let (old_group, new_group) = (old.metadata().row_group(0), new.metadata().row_group(0));
    let schema = new.metadata().file_metadata().schema_descr().root_schema_ptr();
    let properties = Arc::new(WriterProperties::builder().set_offset_index_disabled(true).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).expect("a schema it can write");
    let mut group = writer.next_row_group().expect("it begins");
    for (old, new) in old_group.columns().iter().zip(new_group.columns()) {
        let pages = |bytes: &Bytes, column: &ColumnChunkMetaData| {
            let start = column.dictionary_page_offset().expect("it has a dictionary") as usize;
            let (data, end) = (column.data_page_offset() as usize, start + column.compressed_size() as usize);
            (bytes.slice(start..data), bytes.slice(data..end))
        };
        let (dictionary, data) = pages(&new_bytes, new);
        let dictionary = if kept == Kept::Dictionary { pages(&old_bytes, old).0 } else { dictionary };
        let bound = match (kept, new.column_path().string().as_str()) {
            (Kept::Statistics, "email") => Some(&last.email),
            (Kept::Statistics, "phone") => Some(&last.phone),
            _ => None,
        };
        let statistics = match bound.filter(|bound| !bound.is_empty()) {
            Some(bound) => {
                let bound = || Some(ByteArray::from(bound.as_bytes().to_vec()));
                Statistics::byte_array(bound(), bound(), None, Some(0), false)
            }
            None => new.statistics().expect("it has some").clone(),
        };
        let chunk = Bytes::from([&dictionary[..], &data[..]].concat());
        let metadata = new
            .clone()
            .into_builder()
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(dictionary.len() as i64)
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(chunk.len() as i64)
            .set_statistics(statistics)
            .build()
            .expect("all is there");
        let close = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: rows.len() as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        group.append_column(&chunk, close).expect("it is copied");
    }
    group.close().expect("it ends");
    writer.into_inner().expect("it ends")
}
