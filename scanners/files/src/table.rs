//! Directories that belong to a table format.

use std::fs;
use std::path::{Path, PathBuf};

/// A format that keeps a table in the files of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableFormat {
    /// Delta Lake: `_delta_log/`.
    Delta,
    /// Apache Iceberg: `metadata/*.metadata.json`.
    Iceberg,
}

impl TableFormat {
    /// How a message calls a table of this format.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delta => "a Delta table",
            Self::Iceberg => "an Iceberg table",
        }
    }
}

/// The table format that a directory is the root of a table of.
///
/// Its files may be read one by one, but only the format's own programs may change them.
pub fn table_format(dir: &Path) -> Option<TableFormat> {
    let has = |folder: &str, suffixes: &[&str]| {
        let entries = fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
        entries.map(|e| e.file_name()).any(|name| {
            let name = name.to_string_lossy();
            suffixes.iter().any(|suffix| name.ends_with(suffix))
        })
    };
    if has("_delta_log", &[".json", ".checkpoint.parquet", "_last_checkpoint"]) {
        Some(TableFormat::Delta)
    } else if has("metadata", &[".metadata.json"]) {
        Some(TableFormat::Iceberg)
    } else {
        None
    }
}

/// The tables under a directory, by their path relative to it.
pub(crate) fn tables_under(root: &Path) -> Vec<(PathBuf, TableFormat)> {
    let mut tables = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(dir) = ahead.pop() {
        if let Some(format) = table_format(&dir) {
            tables.push((dir.strip_prefix(root).unwrap_or(&dir).to_owned(), format));
            continue;
        }
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        ahead.extend(entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
    }
    tables.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    tables
}
