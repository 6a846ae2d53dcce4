//! What can go wrong with an index, one variant for each thing a caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

/// An error of the index or of its keys. Never holds a personal value.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no index in the directory.
    #[error("there is no index in `{}`: `residuum scan` makes one, `--index` names another", .0.display())]
    Missing(PathBuf),
    /// Another process writes to the index.
    #[error(
        "the index `{}` is being written by process {pid}: wait for it to end, or use another directory with `--index`",
        .dir.display()
    )]
    Locked {
        /// The index.
        dir: PathBuf,
        /// The process that holds the lock, as it noted itself.
        pid: String,
    },
    /// The index was made by a later version of the program.
    #[error("the index `{}` has format {found}, this program reads up to {known}: use a newer residuum", .dir.display())]
    Newer {
        /// The index.
        dir: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program reads.
        known: u32,
    },
    /// A part of the index is missing or not as it was written.
    #[error(
        "the index is damaged: `{}` {what}: restore the directory from a backup, or delete it and scan again",
        .file.display()
    )]
    Damaged {
        /// The file concerned.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// No room is left; the index is as it was before.
    #[error("no space left while writing `{}`: make room and run the same command again; the index is whole", .file.display())]
    Full {
        /// The file that could not grow.
        file: PathBuf,
    },
    /// The key of the index cannot be had.
    #[error("index key {id}: {reason}")]
    Key {
        /// The public name of the key wanted.
        id: String,
        /// What is wrong, and the cure.
        reason: String,
    },
    /// A sealed name is not one, or its key is not at hand.
    #[error("a sealed name cannot be opened: {0}")]
    Sealed(&'static str),
    /// A call that does not fit the state of the index.
    #[error("{0}")]
    Misuse(String),
    /// The system refused.
    #[error("`{}` cannot be {action}", .file.display())]
    Io {
        /// The file concerned.
        file: PathBuf,
        /// What was tried: `read`, `written`, …
        action: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The catalog refused.
    #[error("the catalog `{}` could not be used", .file.display())]
    Catalog {
        /// The catalog.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        cause: sqlx::Error,
    },
}

/// The result of most calls on an index.
pub type Result<T, E = IndexError> = std::result::Result<T, E>;

impl IndexError {
    pub(super) fn damaged(file: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), what: what.into() }
    }

    /// For `map_err` on system calls.
    pub(super) fn io(file: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |cause| match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { file }
            }
            _ => Self::Io { file, action, cause },
        }
    }

    /// For `map_err` while a segment is read: what Parquet cannot read was damaged, unless the system refused.
    pub(super) fn reading(file: &Path) -> impl Fn(ParquetError) -> Self {
        let file = file.to_owned();
        move |error| match io_cause(&error) {
            Some(kind) if !matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) => {
                Self::Io { file: file.clone(), action: "read", cause: kind.into() }
            }
            _ => Self::damaged(&file, format!("is not the segment that was written ({error})")),
        }
    }

    /// For `map_err` while a segment is written.
    pub(super) fn writing(file: &Path) -> impl Fn(ParquetError) -> Self {
        let file = file.to_owned();
        move |error| {
            let cause = io_cause(&error).map_or_else(|| io::Error::other(error.to_string()), io::Error::from);
            Self::io(&file, "written")(cause)
        }
    }

    /// For `map_err` on statements of the catalog.
    pub(super) fn catalog(file: &Path) -> impl Fn(sqlx::Error) -> Self {
        let file = file.to_owned();
        move |cause| match sqlite_code(&cause) {
            Some(13) => Self::Full { file: file.clone() },
            Some(11 | 26) => Self::damaged(&file, "is not the catalog that was written"),
            // Statements are constants: what they name was there when the catalog was made.
            Some(1) if cause.to_string().contains("no such") => {
                Self::damaged(&file, "is not the catalog that was written: tables are missing")
            }
            Some(14) if !file.exists() => Self::damaged(&file, "is missing"),
            _ => Self::Catalog { file: file.clone(), cause },
        }
    }
}

/// The primary result code of SQLite.
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

fn io_cause(error: &ParquetError) -> Option<io::ErrorKind> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match error {
        ParquetError::External(inner) => Some(inner.as_ref()),
        _ => None,
    };
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}
