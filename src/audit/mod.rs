//! The audit log: what was done, when, by whom and why; never about whom.
//!
//! Entries are only ever added. Each holds the digest of the one before it and is signed, so that an edit, a removal
//! or a change of order shows ([`AuditLog::verify`]). What has been cut off at the end shows against a *head* that was
//! kept elsewhere: the last entry's number and digest. The user's state directory keeps one by itself.
//!
//! ```text
//! entry n:  time, actor, action, purpose, details, digest of entry n-1  ─SHA-256→ digest ─Ed25519→ signature
//! ```
//!
//! The file is SQLite with triggers that forbid `UPDATE` and `DELETE`: no defence against who owns the file, whom the
//! chain is for, but one against mistakes. Details are counts, names of options and of sources; whoever calls puts no
//! value of a person in (CCPA Regulations, 11 CCR § 7101(e)).

mod chain;
mod head;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

pub use chain::Entry;
pub use head::Head;

use crate::clock::utc;
use crate::index::IndexError;
use crate::index::catalog::{Catalog, bulk};
use crate::signature::{SignatureError, Signer};

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot be read or written.
    #[error("the audit log `{}` could not be used", .file.display())]
    Store {
        /// The log.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: IndexError,
    },
    /// Entries cannot be signed.
    #[error("the audit log cannot be signed")]
    Signature(#[from] SignatureError),
    /// It is not what was written.
    #[error("the audit log `{}` is damaged: it {what}; keep it as evidence, and put a backup in its place", .file.display())]
    Damaged {
        /// The log.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// There is none.
    #[error("there is no audit log `{}`", .0.display())]
    Missing(PathBuf),
}

/// What is to be noted.
#[derive(Clone, Debug, Default)]
pub struct Act {
    /// What is done: the command, in a word or two.
    pub action: String,
    /// Why, as whoever does it says.
    pub purpose: Option<String>,
    /// Which request it is for.
    pub request: Option<String>,
    /// Counts and names that say more; never a value.
    pub details: Value,
}

/// Whether the log is what was written, and how far it goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Entries looked at.
    pub entries: u64,
    /// The last of them.
    pub head: Option<Head>,
    /// Public keys that entries are signed with, each with the first entry it signed.
    pub keys: Vec<(String, u64)>,
    /// What does not hold, in order; a log that holds has none.
    pub problems: Vec<String>,
}

/// An append-only log.
pub struct AuditLog {
    catalog: Catalog,
    file: PathBuf,
}

/// Entries that are read at a time.
const PAGE: u64 = 5_000;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS entry (
    seq INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    purpose TEXT,
    request TEXT,
    details TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL,
    public_key TEXT NOT NULL,
    signature TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS log (id TEXT NOT NULL);
INSERT INTO log SELECT lower(hex(randomblob(16))) WHERE NOT EXISTS (SELECT 1 FROM log);
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_remains BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_stays BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS log_remains BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
";

impl AuditLog {
    /// Opens the log to be written; makes it if there is none.
    ///
    /// # Errors
    /// When the file cannot be made or is none of ours.
    pub fn open(file: &Path) -> Result<Self, AuditError> {
        let store = store(file);
        let catalog = Catalog::append_only(file, SCHEMA).map_err(store)?;
        Ok(Self { catalog, file: file.to_owned() })
    }

    /// Opens an existing log to be read.
    ///
    /// # Errors
    /// [`AuditError::Missing`], or when it cannot be read.
    pub fn read(file: &Path) -> Result<Self, AuditError> {
        if !file.exists() {
            return Err(AuditError::Missing(file.to_owned()));
        }
        let catalog = Catalog::state_of(file, "SELECT count(*) FROM entry").map_err(store(file))?;
        Ok(Self { catalog, file: file.to_owned() })
    }

    /// Adds an entry by the current user, signed. Several processes may.
    ///
    /// # Errors
    /// When it cannot be written: then nothing was noted, and what was to be noted should not be done.
    pub fn append(&mut self, act: &Act, signer: &Signer) -> Result<Head, AuditError> {
        let store = store(&self.file);
        let catalog = &mut self.catalog;
        catalog.begin().map_err(&store)?;
        let added = last(catalog).and_then(|last| {
            let entry = Entry::after(last.as_ref(), utc(SystemTime::now()), head::actor(), act, signer);
            let sql = "INSERT INTO entry SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                       value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10 FROM json_each(?)";
            catalog.run(sql, &[bulk(&[entry.row()])])?;
            Ok(entry)
        });
        let entry = catalog.end(added).map_err(&store)?;
        let log: String = catalog.one("SELECT id FROM log", &[]).map_err(&store)?;
        let head = Head::of(log, &entry);
        head.keep(&self.file);
        Ok(head)
    }

    /// Gives entries one after the other, from this number on.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn each(&mut self, from: u64, each: &mut dyn FnMut(Entry)) -> Result<(), AuditError> {
        let mut from = from as i64;
        loop {
            let sql = "SELECT json_group_array(json_array(seq, time, actor, action, purpose, request, details, previous, \
                       digest, public_key, signature)) FROM (SELECT * FROM entry WHERE seq >= ?1 ORDER BY seq LIMIT ?2)";
            let args = [from.into(), (PAGE as i64).into()];
            let rows: Vec<chain::Row> = self.catalog.rows(sql, &args).map_err(store(&self.file))?;
            let Some(last) = rows.last() else { return Ok(()) };
            from = last.0 as i64 + 1;
            rows.into_iter().map(Entry::from_row).for_each(&mut *each);
        }
    }

    /// Recomputes the chain and every signature, and compares with heads that were kept elsewhere.
    ///
    /// `trusted` are the public keys that may have signed; if none is given, the keys found are only told.
    ///
    /// # Errors
    /// When the log cannot be read; what does not hold is in the verdict.
    pub fn verify(&mut self, heads: &[Head], trusted: &[String]) -> Result<Verdict, AuditError> {
        let id: String = self.catalog.one("SELECT id FROM log", &[]).map_err(store(&self.file))?;
        let mut chain = chain::Chain::new(trusted);
        let mut anchored = head::Anchors::new(&id, heads);
        self.each(1, &mut |entry| {
            anchored.pass(&entry);
            chain.link(&entry);
        })?;
        let mut verdict = chain.end(&id);
        let before: i64 =
            self.catalog.one("SELECT count(*) FROM entry WHERE seq < 1", &[]).map_err(store(&self.file))?;
        if before > 0 {
            verdict.problems.push(format!("{before} entries stand before the first: they were added"));
        }
        verdict.problems.extend(anchored.missed());
        Ok(verdict)
    }

    /// The heads that the user's state directory keeps of this log and of any that was in its place before, each with
    /// where it is kept and whether it is of this log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn kept_heads(&mut self) -> Result<Vec<(PathBuf, Head, bool)>, AuditError> {
        let id: String = self.catalog.one("SELECT id FROM log", &[]).map_err(store(&self.file))?;
        let kept = Head::kept(&self.file, &id).into_iter();
        let with_own = |(path, head): (PathBuf, Head)| {
            let is_own = head.log == id;
            (path, head, is_own)
        };
        Ok(kept.map(with_own).collect())
    }

    /// The last entry's number and digest, to be kept where the log's owner cannot change it.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn head(&mut self) -> Result<Option<Head>, AuditError> {
        let store = store(&self.file);
        let id: String = self.catalog.one("SELECT id FROM log", &[]).map_err(&store)?;
        Ok(last(&mut self.catalog).map_err(&store)?.map(|entry| Head::of(id, &entry)))
    }
}

fn last(catalog: &mut Catalog) -> Result<Option<Entry>, IndexError> {
    let sql = "SELECT json_group_array(json_array(seq, time, actor, action, purpose, request, details, previous, digest, \
               public_key, signature)) FROM (SELECT * FROM entry ORDER BY seq DESC LIMIT 1)";
    let rows: Vec<chain::Row> = catalog.rows(sql, &[])?;
    Ok(rows.into_iter().next().map(Entry::from_row))
}

fn store(file: &Path) -> impl Fn(IndexError) -> AuditError + use<> {
    let file = file.to_owned();
    move |cause| match cause {
        IndexError::Damaged { what, .. } if file.exists() => {
            let what = what.replace("is not the catalog that was written", "is not an audit log");
            AuditError::Damaged { file: file.clone(), what }
        }
        cause => AuditError::Store { file: file.clone(), cause },
    }
}

#[cfg(test)]
mod tests;
