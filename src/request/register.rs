//! The register of requests: what has to be known of them once they were carried out, and is about nobody by name.
//!
//! One file beside the index. What stands in it is split by what it is for: `log.rs` has the six things that a business
//! keeps of every request, `notice.rs` whom it has to tell, `contest.rs` what a person says is wrong. The parts share one
//! file because they are kept, read and forgotten together (11 CCR § 7101).

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{RequestError, StoreError};
use crate::index::catalog::Catalog;

/// The register in the directory of an index.
pub struct Register {
    pub(super) catalog: Catalog,
}

/// Fields are in the form in which outputs show them: what is personal in a name is a tag.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS request (
    id TEXT NOT NULL,
    nature TEXT NOT NULL,
    received TEXT,
    manner TEXT,
    responded TEXT,
    response TEXT,
    basis TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (id, nature)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS request_mark (
    request TEXT NOT NULL,
    mark TEXT NOT NULL,
    PRIMARY KEY (request, mark)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notice (
    id TEXT PRIMARY KEY,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    nature TEXT NOT NULL,
    request TEXT NOT NULL,
    people INTEGER NOT NULL,
    made TEXT NOT NULL,
    due TEXT NOT NULL,
    written TEXT,
    sent TEXT,
    acknowledged TEXT,
    excuse TEXT,
    approved_by TEXT
);
CREATE INDEX IF NOT EXISTS notice_request ON notice (request);
CREATE TABLE IF NOT EXISTS notice_field (
    notice TEXT NOT NULL REFERENCES notice (id),
    source TEXT NOT NULL,
    object TEXT NOT NULL,
    field TEXT NOT NULL,
    categories TEXT NOT NULL,
    kept TEXT NOT NULL,
    PRIMARY KEY (notice, source, object, field, kept)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reminder (
    notice TEXT NOT NULL REFERENCES notice (id),
    day TEXT NOT NULL,
    PRIMARY KEY (notice, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contest (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    source TEXT NOT NULL,
    object TEXT NOT NULL,
    field TEXT NOT NULL,
    made TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    basis TEXT NOT NULL,
    statement TEXT NOT NULL,
    factors TEXT NOT NULL,
    documents TEXT NOT NULL,
    withdrawn TEXT
);
CREATE TABLE IF NOT EXISTS contest_mark (
    contest TEXT NOT NULL REFERENCES contest (id),
    mark TEXT NOT NULL,
    PRIMARY KEY (mark, contest)
) WITHOUT ROWID;
";

impl Register {
    /// The file in the directory of an index.
    pub fn file(index: &Path) -> PathBuf {
        index.join("requests.sqlite")
    }

    /// Opens the register of an index; makes it, for its owner's eyes only (11 CCR § 7101(d)), if there is none.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn open(index: &Path) -> Result<Self, RequestError> {
        let file = Self::file(index);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Io { file, action: "made", cause }.into());
            }
            _ => {}
        }
        Ok(Self { catalog: Catalog::append_only(&Self::file(index), SCHEMA)? })
    }

    /// The register of an index, if there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn existing(index: &Path) -> Result<Option<Self>, RequestError> {
        if Self::file(index).exists() { Self::open(index).map(Some) } else { Ok(None) }
    }
}
