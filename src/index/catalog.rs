//! The catalog: one SQLite database that says which segments are the index and what they stand for.
//!
//! Every change is one transaction in write-ahead mode with full synchronisation: a process killed at any moment,
//! or a full disk, leaves the state before it, and readers keep the state they began with. Rows travel in bulk as
//! JSON arrays, in and out, because a call for each row would cost more than the row.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::error::{IndexError, Result, sqlite_code};
use super::{live, sums};

/// What a generation (a version of an object as one scan read it) is for look-ups.
pub(super) const BUILDING: i64 = 0;
pub(super) const LIVE: i64 = 1;
pub(super) const DEAD: i64 = 2;

/// A connection to the catalog.
pub(crate) struct Catalog {
    /// There until it is closed.
    connection: Option<SqliteConnection>,
    file: PathBuf,
}

/// A parameter of a statement.
pub(crate) enum Arg {
    Int(i64),
    Text(String),
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// Rows or keys as the JSON array that `json_each` takes.
pub(crate) fn bulk(rows: &impl Serialize) -> Arg {
    Arg::Text(serde_json::to_string(rows).expect("rows are numbers and texts"))
}

impl Catalog {
    /// Makes the catalog of a new index.
    pub(super) fn create(file: &Path) -> Result<()> {
        let mut catalog =
            Self::connect(file, options(file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal))?;
        catalog.begin()?;
        catalog.run(SCHEMA, &[])?;
        catalog.run(sums::SCHEMA, &[])?;
        catalog.run(live::SCHEMA, &[])?;
        catalog.end(Ok(()))?;
        catalog.close()
    }

    /// Opens it for the writer.
    pub(super) fn open(file: &Path) -> Result<Self> {
        Self::connect(file, options(file).journal_mode(SqliteJournalMode::Wal))
    }

    /// Opens it for reading and holds one state of it until it is dropped.
    pub(super) fn snapshot(file: &Path) -> Result<Self> {
        let read = |options: SqliteConnectOptions| {
            let mut catalog = Self::connect(file, options)?;
            catalog.run("BEGIN", &[])?;
            let _: i64 = catalog.one("SELECT count(*) FROM source", &[])?;
            Ok(catalog)
        };
        match read(options(file).read_only(true)) {
            // A directory we may not write to has no place for the shared memory of write-ahead mode. No writer
            // can be at work there either, so the file may be taken as it is.
            Err(IndexError::Catalog { cause, .. })
                if matches!(sqlite_code(&cause), Some(8 | 14)) && log_is_empty(file) =>
            {
                read(options(file).immutable(true))
            }
            result => result,
        }
    }

    /// Opens a file of another kind that is only added to; makes it, and what the statements say, if need be.
    pub(crate) fn append_only(file: &Path, schema: &'static str) -> Result<Self> {
        let mut catalog = Self::connect(file, options(file).create_if_missing(true))?;
        catalog.begin()?;
        let made = catalog.run(schema, &[]).map(drop);
        catalog.end(made)?;
        Ok(catalog)
    }

    /// Opens such a file for reading and holds one state of it until it is dropped.
    pub(crate) fn state_of(file: &Path, first: &'static str) -> Result<Self> {
        let mut catalog = Self::connect(file, options(file).read_only(true))?;
        catalog.run("BEGIN", &[])?;
        let _: i64 = catalog.one(first, &[])?;
        Ok(catalog)
    }

    fn connect(file: &Path, options: SqliteConnectOptions) -> Result<Self> {
        let connection = block_on(options.disable_statement_logging().connect()).map_err(IndexError::catalog(file))?;
        Ok(Self { connection: Some(connection), file: file.to_owned() })
    }

    /// Runs statements that give nothing back; says how many rows they touched.
    pub(crate) fn run(&mut self, sql: &'static str, args: &[Arg]) -> Result<u64> {
        let done = if args.is_empty() {
            block_on(sqlx::raw_sql(sql).execute(self.connection()))
        } else {
            block_on(bound(sql, args).execute(self.connection()))
        };
        done.map(|done| done.rows_affected()).map_err(IndexError::catalog(&self.file))
    }

    /// The only row's only column.
    pub(crate) fn one<T>(&mut self, sql: &'static str, args: &[Arg]) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let row = block_on(bound(sql, args).fetch_one(self.connection()));
        row.and_then(|row| row.try_get(0)).map_err(IndexError::catalog(&self.file))
    }

    /// The rows of a statement that gathers them with `json_group_array`.
    pub(crate) fn rows<T: DeserializeOwned>(&mut self, sql: &'static str, args: &[Arg]) -> Result<Vec<T>> {
        let text: String = self.one(sql, args)?;
        parsed(&self.file, &text)
    }

    /// Begins a transaction that writes.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.run("BEGIN IMMEDIATE", &[]).map(drop)
    }

    /// Ends the transaction: with everything if all went well, else with nothing.
    pub(crate) fn end<T>(&mut self, result: Result<T>) -> Result<T> {
        let ended = result.and_then(|value| self.run("COMMIT", &[]).map(|_| value));
        if ended.is_err() {
            // It fails when SQLite has rolled back by itself, as it does on a full disk; the first error counts.
            let _ = self.run("ROLLBACK", &[]);
        }
        ended
    }

    /// Closes the connection, for good; the last one to close folds the write-ahead log in.
    pub(crate) fn close(&mut self) -> Result<()> {
        let closed = self.connection.take().map_or(Ok(()), |connection| block_on(connection.close()));
        closed.map_err(IndexError::catalog(&self.file))
    }

    /// Where it is, for messages.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("nothing is asked of a closed catalog")
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        // Waits, so that nothing of the log is left for whoever opens or copies the index next. What cannot be
        // folded in now stays in the log, which is as good.
        if let Some(connection) = self.connection.take() {
            let _ = block_on(connection.close());
        }
    }
}

/// Rows that a catalog has gathered with `json_group_array`.
pub(super) fn parsed<T: DeserializeOwned>(catalog: &Path, text: &str) -> Result<Vec<T>> {
    serde_json::from_str(text)
        .map_err(|error| IndexError::damaged(catalog, format!("holds rows of another shape ({error})")))
}

fn log_is_empty(file: &Path) -> bool {
    file.with_extension("sqlite-wal").metadata().map_or(true, |log| log.len() == 0)
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30))
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16000")
}

fn bound<'q>(
    sql: &'static str,
    args: &'q [Arg],
) -> sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    args.iter().fold(sqlx::query(sql), |query, arg| match arg {
        Arg::Int(value) => query.bind(*value),
        Arg::Text(value) => query.bind(value.as_str()),
    })
}

/// Waits for a future on this thread. SQLite's work is done on a thread of sqlx's own and needs no reactor, so
/// the index can be used from any thread, one that belongs to an async runtime included.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

const SCHEMA: &str = "
CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL);
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    path TEXT NOT NULL,
    first_scan INTEGER,
    gone INTEGER,
    UNIQUE (source, path)
);
CREATE TABLE field (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE rule (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE scan (
    id INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,
    ended INTEGER,
    digest TEXT NOT NULL,
    full_scan INTEGER NOT NULL,
    sample INTEGER,
    interrupted INTEGER NOT NULL DEFAULT 0,
    totals TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE generation (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL,
    scan INTEGER NOT NULL,
    version TEXT NOT NULL,
    sound INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    key TEXT NOT NULL,
    state INTEGER NOT NULL
);
CREATE INDEX generation_object ON generation (object, state);
CREATE INDEX generation_state ON generation (state) WHERE state <> 1;
CREATE TABLE unit (generation INTEGER, part INTEGER, id TEXT NOT NULL, PRIMARY KEY (generation, part)) WITHOUT ROWID;
CREATE TABLE coverage (
    generation INTEGER,
    object INTEGER,
    part INTEGER,
    state TEXT NOT NULL,
    reason TEXT,
    format TEXT,
    encoding TEXT,
    bytes INTEGER NOT NULL,
    records INTEGER NOT NULL,
    members INTEGER NOT NULL,
    primary_key TEXT NOT NULL,
    plan TEXT,
    PRIMARY KEY (generation, object, part)
) WITHOUT ROWID;
CREATE INDEX coverage_object ON coverage (object);
CREATE TABLE field_stat (
    generation INTEGER,
    object INTEGER,
    field INTEGER,
    kind INTEGER,
    rule INTEGER,
    part INTEGER,
    n_values INTEGER NOT NULL,
    n_records INTEGER NOT NULL,
    PRIMARY KEY (generation, object, field, kind, rule, part)
) WITHOUT ROWID;
CREATE TABLE field_total (
    generation INTEGER,
    object INTEGER,
    field INTEGER,
    part INTEGER,
    n_values INTEGER NOT NULL,
    n_records INTEGER NOT NULL,
    PRIMARY KEY (generation, object, field, part)
) WITHOUT ROWID;
CREATE TABLE segment (id INTEGER PRIMARY KEY, key TEXT NOT NULL, n_rows INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE segment_object (
    segment INTEGER,
    object INTEGER,
    generation INTEGER NOT NULL,
    first INTEGER NOT NULL,
    n_rows INTEGER NOT NULL,
    PRIMARY KEY (segment, object)
) WITHOUT ROWID;
CREATE INDEX segment_object_generation ON segment_object (generation);
CREATE INDEX segment_object_object ON segment_object (object);
CREATE TABLE declared_key (
    source INTEGER NOT NULL,
    object TEXT NOT NULL,
    columns TEXT NOT NULL,
    kind TEXT NOT NULL,
    to_object TEXT,
    to_columns TEXT
);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_travel_in_bulk_and_failed_transactions_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("catalog.sqlite");
        Catalog::create(&file).unwrap();
        let mut catalog = Catalog::open(&file).unwrap();
        catalog.begin().unwrap();
        let rows = [(1, "a"), (2, "b\"é")];
        let inserted =
            catalog.run("INSERT INTO rule SELECT value ->> 0, value ->> 1 FROM json_each(?)", &[bulk(&rows)]);
        assert_eq!(catalog.end(inserted).unwrap(), 2);
        let mut before = Catalog::snapshot(&file).unwrap();
        catalog.begin().unwrap();
        let failed = catalog.run("DELETE FROM rule; INSERT INTO rule VALUES (1, NULL)", &[]);
        assert!(catalog.end(failed).is_err());
        catalog.run("INSERT INTO rule VALUES (3, 'c')", &[]).unwrap();
        let read = |catalog: &mut Catalog| -> Vec<(u32, String)> {
            catalog.rows("SELECT json_group_array(json_array(id, name) ORDER BY id) FROM rule", &[]).unwrap()
        };
        let first = vec![(1, "a".to_owned()), (2, "b\"é".to_owned())];
        assert_eq!(read(&mut before), first, "a snapshot stays as it was");
        assert_eq!(read(&mut catalog), [first, vec![(3, "c".to_owned())]].concat());
    }

    #[test]
    fn damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("catalog.sqlite");
        assert!(matches!(Catalog::open(&file), Err(IndexError::Damaged { .. })), "missing");
        std::fs::write(&file, vec![7; 10_000]).unwrap();
        assert!(matches!(Catalog::snapshot(&file), Err(IndexError::Damaged { .. })), "not a database");
    }
}
