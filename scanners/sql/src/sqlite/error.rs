//! What SQLite says, in words that help and hold no value.

use residuum_source::{ObjectPath, SourceError, Stop};
use rusqlite::ffi;

/// Why a table, or the whole file, could not be read.
#[derive(Debug)]
pub enum Trouble {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// Something else is in the way.
    Reason(String),
    /// The file changed under a reading that could not be protected from it.
    Changed,
    /// Rowids may have changed between two ranges of them.
    Renumbered,
    /// The sink asked to stop.
    Stopped,
}

impl Trouble {
    /// As an error of this object.
    pub fn of(self, object: &ObjectPath) -> SourceError {
        match self {
            Self::Stopped => SourceError::Stopped,
            other => SourceError::unreadable(object, other.reason()),
        }
    }

    /// As the reason in an outcome.
    pub fn reason(&self) -> String {
        match self {
            Self::Sqlite(error) => reason(error),
            Self::Reason(reason) => reason.clone(),
            Self::Changed => "the database was written to while it was read: scan it again".into(),
            Self::Renumbered => {
                "the database was vacuumed, or its schema altered, while this table was scanned: scan again".into()
            }
            Self::Stopped => "stopped".into(),
        }
    }
}

impl From<Stop> for Trouble {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The result code of a failure, extended where SQLite extends it.
pub fn code(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => Some(failure.extended_code),
        rusqlite::Error::SqlInputError { error, .. } => Some(error.extended_code),
        _ => None,
    }
}

fn reason(error: &rusqlite::Error) -> String {
    let Some(code) = code(error) else {
        return format!("SQLite: {error}");
    };
    match code & 0xff {
        ffi::SQLITE_NOTADB => "not a SQLite database, or an encrypted one: decrypt it to a private file and scan that",
        ffi::SQLITE_CORRUPT => {
            "the database is damaged here: `PRAGMA integrity_check` says where, `.recover` of the sqlite3 program or a backup helps"
        }
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            "locked by another program for longer than 5 seconds: scan again when its writing is done"
        }
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => "permission denied: give the scanning user the right to read the file",
        ffi::SQLITE_CANTOPEN => "SQLite cannot open the file: check its permissions and those of its directory",
        ffi::SQLITE_FULL => "no space is left for SQLite's working memory",
        ffi::SQLITE_NOMEM => "not enough memory",
        // Messages of preparing name tables, columns, functions and modules; those of running could quote values.
        ffi::SQLITE_ERROR => {
            return match error {
                rusqlite::Error::SqlInputError { msg, .. } => format!("SQLite: {msg}"),
                _ => "SQLite cannot evaluate a generated column of this table".into(),
            };
        }
        _ => return format!("SQLite: {} (code {code})", ffi::code_to_str(code)),
    }
    .into()
}
