//! Parquet files: row groups in bounded batches, nested values under paths like those of JSON.
//!
//! A record is a row of a row group. `struct` fields are steps of a path, list elements `[]`, keys and values of a map
//! `{key}` and `{}`. Values are text as a person reads it; truth values are left out. Strings of a
//! dictionary-encoded column stand once for each batch. What stands in dictionaries and statistics and in no row is a
//! record of its own, and so is what the writer noted about the file.
//!
//! A row group that is damaged is told when the file is closed, and the others are read. Encrypted
//! columns are told and the others are read.

mod beside;
mod footer;
mod notes;
mod rows;
mod schema;
mod storage;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader};
use parquet::schema::types::SchemaDescriptor;
use residuum_source::{Coverage, Flow, Limits, ObjectPath, Outcome, Part, Sink};

use crate::arrays::{Leaf, MAX_DEPTH};
use crate::{Fault, ReadAt};
pub(crate) use beside::row_group_of;
pub(crate) use notes::{NewNote, is_notes, is_there, replaced};
pub(crate) use rows::rows_at_a_time;
pub(crate) use storage::Storage;

/// Reads a Parquet file.
///
/// Memory is bounded by the footer (at most [`Limits::whole_bytes`]), one page of each column and a batch.
///
/// # Errors
/// Breaks only if the sink asked to stop.
pub fn read(path: &ObjectPath, from: Arc<dyn ReadAt>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    sink.open(Part { path: path.clone(), format: "parquet", encoding: None, primary_key: Vec::new() })?;
    let file = match File::open(from, limits) {
        Ok(file) => file,
        Err(outcome) => return sink.close(outcome),
    };
    let mut read = Outcome::read(file.storage.size(), 0);
    let mut reasons = file.unread_columns();
    notes::of(file.metadata.file_metadata().key_value_metadata()).hand_over(notes::NAME, limits.batch_bytes, sink)?;
    for row_group in 0..file.metadata.num_row_groups() {
        if let Err(reason) = rows::read(&file, row_group, limits, &mut read.records, sink)? {
            reasons.push(format!("row group {row_group}: {reason}"));
        }
    }
    if !reasons.is_empty() {
        read.coverage = Coverage::Unreadable;
        read.reason = Some(reasons.join("; "));
    }
    sink.close(read)
}

/// The names that the columns of a file have as fields.
pub(crate) fn leaf_names(from: &Arc<dyn ReadAt>, limits: &Limits) -> Result<Vec<Arc<str>>, Fault> {
    let file = File::open(from.clone(), limits).map_err(Fault::from)?;
    if !file.encrypted.is_empty() {
        return Err(Fault::unsupported(
            "a Parquet file with encrypted columns is not written: delete the rows with what made it",
        ));
    }
    match file.metadata.num_row_groups() {
        0 => Ok(Vec::new()),
        _ => rows::names(&file, limits).map_err(Fault::unreadable),
    }
}

/// A file whose footer has been read.
struct File {
    storage: Storage,
    metadata: Arc<ParquetMetaData>,
    leaves: Vec<Leaf>,
    /// Leaves that are encrypted.
    encrypted: std::collections::BTreeSet<usize>,
}

impl File {
    fn open(from: Arc<dyn ReadAt>, limits: &Limits) -> Result<Self, Outcome> {
        let unreadable = |reason: String| Outcome::not_read(Coverage::Unreadable, reason);
        let storage = Storage::new(from);
        let footer = storage.footer(limits)?;
        let facts = footer::facts(&footer)
            .ok_or_else(|| unreadable("the footer is damaged, so that nothing can be located".into()))?;
        let depth = MAX_DEPTH.min(limits.nesting as usize);
        if facts.depth > depth {
            let reason = format!("the schema is nested {} levels deep; at most {depth} are read", facts.depth);
            return Err(Outcome::not_read(Coverage::Limit, reason));
        }
        // The library is careful but does not promise never to panic on what is damaged.
        let parsed = catch_unwind(AssertUnwindSafe(|| {
            let annotated = ParquetMetaDataReader::decode_metadata(&footer)?;
            let annotated = annotated.file_metadata().schema_descr();
            let leaves = schema::leaves(annotated);
            let plain = Arc::new(SchemaDescriptor::new(schema::without_strings(annotated.root_schema())?));
            let options = ParquetMetaDataOptions::new().with_schema(plain);
            let metadata = ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&options))?;
            Ok::<_, parquet::errors::ParquetError>((leaves, metadata))
        }));
        match parsed {
            Ok(Ok((leaves, metadata))) => {
                Ok(Self { storage, metadata: Arc::new(metadata), leaves, encrypted: facts.encrypted })
            }
            Ok(Err(error)) => Err(unreadable(format!("the footer cannot be read: {error}"))),
            Err(_) => Err(unreadable("the footer is damaged".into())),
        }
    }

    fn unread_columns(&self) -> Vec<String> {
        let name =
            |&leaf: &usize| format!("`{}`", self.metadata.file_metadata().schema_descr().column(leaf).path().string());
        let names: Vec<_> = self.encrypted.iter().map(name).collect();
        if names.is_empty() {
            return Vec::new();
        }
        vec![format!("encrypted, and the keys are not known: {}", names.join(", "))]
    }

    fn options(&self) -> ArrowReaderOptions {
        ArrowReaderOptions::new().with_skip_arrow_metadata(true)
    }
}
