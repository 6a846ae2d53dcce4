//! Parquet: row groups in which nothing is edited are copied as they stand, the others written anew column by column, at
//! the level of values with their repetition and definition, so that schema and types stay what they are.
//!
//! Dictionaries and statistics are made anew of what is left; key-value metadata stay but for what is replaced in them. Bloom filters are left out: they
//! would still answer for what is gone, and a file without them says the same.

mod columns;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use residuum_source::{Limits, Record, RecordKind, Refusal};

use self::values::{New, new_value};
use crate::edit::wish::{Set, Wishes};
use crate::edit::{not_found_again, unsupported};
use crate::parquet::{NewNote, Storage, is_notes, is_there, leaf_names, replaced, row_group_of, rows_at_a_time};
use crate::{Fault, ReadAt};

/// What is done.
#[derive(Default)]
pub(in crate::edit) struct Edits {
    /// With the rows, by row group.
    groups: BTreeMap<u32, GroupEdits>,
    /// With what the writer noted.
    notes: Vec<NewNote>,
}

/// What is done with the rows of one row group.
#[derive(Default)]
struct GroupEdits {
    deleted: BTreeSet<u64>,
    /// Replaced values by leaf column, row, and which of the row's values it is.
    sets: BTreeMap<(usize, u64, usize), New>,
}

/// Finds out which wishes can be written.
pub(super) fn settle(
    from: Arc<dyn ReadAt>,
    wishes: Wishes,
    limits: &Limits,
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> Result<(Edits, u64, u64), Fault> {
    let names = leaf_names(&from, limits)?;
    let reader = SerializedFileReader::new(Storage::new(from)).map_err(fault)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let entries = reader.metadata().file_metadata().key_value_metadata();
    let place = |record: &Record| match record {
        Record::Number(RecordKind::RowGroup, number) => Some(((number >> 40) as u32, number & ((1 << 40) - 1))),
        _ => None,
    };
    let (mut edits, mut deleted, mut changed) = (Edits::default(), 0, 0);
    for record in &wishes.deletes {
        if let Some((group, row)) = place(record) {
            edits.groups.entry(group).or_default().deleted.insert(row);
            deleted += 1;
        }
    }
    for (record, sets) in wishes.sets.into_iter().filter(|(record, _)| !wishes.deletes.contains(record)) {
        if let Some(group) = row_group_of(&record) {
            // What no row has is gone when the row group is written anew.
            edits.groups.entry(group).or_default();
            changed += 1;
            continue;
        }
        if is_notes(&record) {
            let notes: Result<Vec<_>, Refusal> = sets.into_iter().map(|set| new_note(set, entries)).collect();
            match notes {
                Ok(notes) => {
                    edits.notes.extend(notes);
                    changed += 1;
                }
                Err(refusal) => refuse(&record, refusal),
            }
            continue;
        }
        let Some((group, row)) = place(&record) else { continue };
        let new_of = |set: Set| {
            let leaf = names.iter().position(|name| **name == *set.field);
            let leaf = leaf.ok_or_else(|| unsupported("the field is not a column of the file"))?;
            let nth = set.nth;
            Ok(((leaf, row, nth), new_value(&schema.column(leaf), set)?))
        };
        let new: Result<Vec<_>, Refusal> = sets.into_iter().map(new_of).collect();
        match new {
            Ok(new) => {
                edits.groups.entry(group).or_default().sets.extend(new);
                changed += 1;
            }
            Err(refusal) => refuse(&record, refusal),
        }
    }
    Ok((edits, deleted, changed))
}

/// What becomes of a note.
fn new_note(set: Set, entries: Option<&Vec<KeyValue>>) -> Result<NewNote, Refusal> {
    let old = set.text.clone().ok_or_else(not_found_again)?;
    let no_text = |_| unsupported(format!("`{}` takes text only", set.field));
    let new = match set.is_null() {
        true => None,
        false => Some(String::from_utf8(set.new_text().unwrap_or_default()).map_err(no_text)?),
    };
    let note = NewNote { field: set.field.clone(), old, new };
    is_there(entries, &note).then_some(note).ok_or_else(not_found_again)
}

/// Writes the file anew.
pub(super) fn write(edits: &Edits, from: Arc<dyn ReadAt>, limits: &Limits, out: &mut dyn Write) -> Result<(), Fault> {
    let storage = Storage::new(from);
    let reader = SerializedFileReader::new(storage.clone()).map_err(fault)?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let buffer = Buffer::default();
    let properties = Arc::new(properties(&reader, &edits.notes));
    let mut writer = SerializedFileWriter::new(buffer.clone(), schema, properties).map_err(fault)?;
    for (i, group) in metadata.row_groups().iter().enumerate() {
        let edits = edits.groups.get(&(i as u32));
        if edits.is_some_and(|edits| edits.deleted.len() as i64 >= group.num_rows()) {
            continue;
        }
        let mut group_writer = writer.next_row_group().map_err(fault)?;
        match edits {
            None => copied(group, &storage, &mut group_writer, &buffer, out)?,
            Some(edits) => {
                let group_reader = reader.get_row_group(i).map_err(fault)?;
                let rows = rows_at_a_time(group, limits);
                for leaf in 0..group.num_columns() {
                    let column = group_reader.get_column_reader(leaf).map_err(fault)?;
                    let Some(mut to) = group_writer.next_column().map_err(fault)? else { break };
                    columns::edited(column, &mut to, leaf, rows, edits, &mut || buffer.drain(out))?;
                    to.close().map_err(fault)?;
                    buffer.drain(out)?;
                }
            }
        }
        group_writer.close().map_err(fault)?;
    }
    writer.close().map_err(fault)?;
    buffer.drain(out)
}

/// Copies the columns of a row group as they stand.
fn copied(
    group: &RowGroupMetaData,
    storage: &Storage,
    writer: &mut SerializedRowGroupWriter<'_, Buffer>,
    buffer: &Buffer,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    for column in group.columns() {
        let close = ColumnCloseResult {
            bytes_written: column.compressed_size() as u64,
            rows_written: group.num_rows() as u64,
            metadata: column.clone(),
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        writer.append_column(storage, close).map_err(fault)?;
        buffer.drain(out)?;
    }
    Ok(())
}

/// How columns are written: as they were.
fn properties(reader: &SerializedFileReader<Storage>, notes: &[NewNote]) -> WriterProperties {
    let metadata = reader.metadata();
    let mut builder = WriterProperties::builder()
        // A row group that is copied has none, and the library takes all or nothing.
        .set_offset_index_disabled(true)
        .set_key_value_metadata(replaced(metadata.file_metadata().key_value_metadata(), notes))
        .set_writer_version(match metadata.file_metadata().version() {
            2.. => parquet::file::properties::WriterVersion::PARQUET_2_0,
            _ => parquet::file::properties::WriterVersion::PARQUET_1_0,
        });
    // A file says how each of its chunks is packed; its columns mostly agree on it.
    for column in metadata.row_groups().first().map(RowGroupMetaData::columns).unwrap_or_default() {
        let path = column.column_path().clone();
        let compression = match column.compression() {
            Compression::ZSTD(_) => Compression::ZSTD(ZstdLevel::default()),
            // Written by nobody any more, in a form that is not the standard's.
            Compression::LZO | Compression::LZ4 => Compression::LZ4_RAW,
            other => other,
        };
        let statistics = if column.statistics().is_some() { EnabledStatistics::Chunk } else { EnabledStatistics::None };
        builder = builder
            .set_column_compression(path.clone(), compression)
            .set_column_dictionary_enabled(path.clone(), column.dictionary_page_offset().is_some())
            .set_column_statistics_enabled(path, statistics);
    }
    builder.build()
}

/// What the library writes to: it wants to own it, and to be able to send it away.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// Hands on what was written.
    fn drain(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&held).map_err(|error| Fault::from_io(&error, 0))?;
        held.clear();
        Ok(())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fault(error: ParquetError) -> Fault {
    match error {
        ParquetError::NYI(what) => Fault::unsupported(format!("the Parquet file cannot be written anew: {what}")),
        error => Fault::unreadable(format!("the Parquet file cannot be written anew: {error}")),
    }
}
