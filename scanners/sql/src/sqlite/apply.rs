//! Deletes and changes rows, in one transaction over all tables.
//!
//! A connection of its own, which may write, takes the database's one place for a writer (`BEGIN IMMEDIATE`), so that
//! what is shown to the editor is what is written to. What is freed is overwritten (`secure_delete`), and a write-ahead
//! log, in which the old pages stand, is emptied after the commit as far as readers allow. What the application freed
//! before without such care, as a page that it split, is found by [`super::leftover`], and goes with `VACUUM`.

use std::path::Path;
use std::time::Duration;

use residuum_source::{
    Editor, Limits, Object, Part, Receipt, Record, Refusal, RefusalKind, SourceError, Target, Version,
};
use rusqlite::{Connection, OpenFlags, ffi};

use super::Sqlite;
use super::error::{Trouble, code};
use super::open::{Stamp, keep_open};
use super::schema::{self, Schema, Table};
use super::table::Together;
use crate::quote::Ident;
use crate::write::write;

/// How long other programs that write are waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// See [`residuum_source::Apply::apply`].
pub fn apply(
    source: &Sqlite,
    targets: &[Target],
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Vec<Receipt>, SourceError> {
    let whole = |trouble: Trouble| trouble.of(&source.database.object());
    let stamp = source.database.stamp().map_err(whole)?;
    let _files = keep_open();
    let connection = match open(source.database.path()) {
        Ok(connection) => connection,
        Err(error) => return refuse_all(targets, editor, error.into(), source),
    };
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        return refuse_all(targets, editor, error.into(), source);
    }
    let now =
        Now { is_still: source.database.is_still(&stamp), stamp, cookie: schema::cookie(&connection).map_err(whole)? };
    let (mut tables, mut parts) = (Vec::new(), Vec::new());
    for target in targets {
        if let Some((table, part, records)) = described(&connection, &now, target, editor).map_err(whole)? {
            tables.push(table);
            parts.push((part, records));
        }
    }
    let mut together = Together::new(&connection, tables, limits, source.long_value).map_err(whole)?;
    let mut receipts = write(&mut together, &parts, editor).map_err(whole)?;
    if receipts.is_empty() {
        connection.execute_batch("ROLLBACK").map_err(|error| whole(error.into()))?;
        return Ok(receipts);
    }
    if let Err(error) = connection.execute_batch("COMMIT") {
        let _ = connection.execute_batch("ROLLBACK");
        return refuse_all(targets, editor, error.into(), source);
    }
    if let Some(note) = empty_log(&connection) {
        receipts.iter_mut().for_each(|receipt| receipt.notes.push(note.clone()));
    }
    Ok(receipts)
}

/// What the database is at the moment of writing.
struct Now {
    stamp: Stamp,
    is_still: bool,
    cookie: i64,
}

impl Now {
    /// Whether the database is no longer what it was in this version.
    fn is_other(&self, version: &Version) -> bool {
        let now = format!("{} schema {}", self.stamp, self.cookie);
        version.sound && !(self.is_still && version.text == now)
    }
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; \
         PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
    )?;
    if connection.is_readonly("main")? {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None));
    }
    Ok(connection)
}

/// A table with the records of it that are to be shown.
type Described<'t> = (Table, Part, &'t [Record]);

/// What is known of a table that can be written to.
fn described<'t>(
    connection: &Connection,
    now: &Now,
    target: &'t Target,
    editor: &mut dyn Editor,
) -> Result<Option<Described<'t>>, Trouble> {
    let records = target.records.get(&target.object).map_or(&[][..], Vec::as_slice);
    if records.is_empty() {
        return Ok(None);
    }
    let mut refuse = |kind, reason: String| {
        editor.refused(&target.object, None, Refusal::new(kind, reason));
        Ok(None)
    };
    if target.version.as_ref().is_some_and(|version| now.is_other(version)) {
        return refuse(RefusalKind::Changed, "the database was written to since it was scanned: scan again".into());
    }
    let parts = target.object.parts();
    let name = parts.last().map_or("", String::as_str);
    let kind = connection
        .prepare("SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1")?
        .query_map([name], |row| row.get::<_, String>(0))?
        .next()
        .transpose()?;
    match kind.as_deref() {
        Some("table") => {}
        Some("shadow") => {
            let owner = name.rsplit_once('_').map_or(name, |(owner, _)| owner);
            let reason = format!(
                "the virtual table `{owner}` keeps its data here: delete and change its rows through it, in the program that has its module"
            );
            return refuse(RefusalKind::Unsupported, reason);
        }
        Some(_) => return refuse(RefusalKind::Unsupported, "it is no table that holds rows of its own".into()),
        None => return refuse(RefusalKind::Changed, "there is no such table any more: scan again".into()),
    }
    let table = Schema::table(connection, name)?;
    if table.rowid.is_none() && table.key_columns().is_empty() {
        let reason = "its rows cannot be told apart: it has no key, and its columns hide the rowid";
        return refuse(RefusalKind::Unsupported, reason.into());
    }
    let part = Part { path: target.object.clone(), format: "table", encoding: None, primary_key: table.primary_key() };
    Ok(Some((table, part, records)))
}

/// Refuses everything, because nothing can be written, or says why the source is of no use.
fn refuse_all(
    targets: &[Target],
    editor: &mut dyn Editor,
    trouble: Trouble,
    source: &Sqlite,
) -> Result<Vec<Receipt>, SourceError> {
    let said = match &trouble {
        Trouble::Sqlite(error) => code(error),
        _ => None,
    };
    let refusal = match said.map(|code| code & 0xff) {
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => {
            Refusal::new(RefusalKind::Locked, "another program has the database locked: try again when it is done")
        }
        Some(ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM) => Refusal::new(
            RefusalKind::ReadOnly,
            "no right to write: give the user the right to write to the file and to its directory, in which SQLite keeps its journal",
        ),
        Some(ffi::SQLITE_FULL) => {
            Refusal::new(RefusalKind::Failed, "no space is left on the disk: nothing was written")
        }
        Some(ffi::SQLITE_CONSTRAINT) => Refusal::new(
            RefusalKind::Constraint,
            "a deferred foreign key is not kept at the end of the transaction: nothing was written",
        ),
        _ => return Err(trouble.of(&source.database.object())),
    };
    for target in targets.iter().filter(|target| !target.records.is_empty()) {
        editor.refused(&target.object, None, refusal.clone());
    }
    Ok(Vec::new())
}

/// Writes the log back and empties it; a note if somebody's reading does not allow it.
fn empty_log(connection: &Connection) -> Option<String> {
    let mode = connection.query_row("PRAGMA main.journal_mode", [], |row| row.get::<_, String>(0));
    if mode.ok().as_deref() != Some("wal") {
        return None;
    }
    let busy = connection.query_row("PRAGMA main.wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    (busy != Ok(0)).then(|| {
        "another program reads the database, so that its write-ahead log could not be emptied: what was replaced stands there until `PRAGMA wal_checkpoint(TRUNCATE)`".into()
    })
}

/// An object that is named but was not listed.
pub fn unlisted(path: &residuum_source::ObjectPath) -> Object {
    Object::new(path.clone(), Version::snapshot(String::new()))
}

/// Runs statements that can be undone by themselves: the error is that of the statements.
pub fn undoable<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, Trouble>,
) -> Result<Result<T, Trouble>, Trouble> {
    let savepoint = Ident("residuum");
    connection.execute_batch(&format!("SAVEPOINT {savepoint}"))?;
    match work() {
        Ok(done) => {
            connection.execute_batch(&format!("RELEASE {savepoint}"))?;
            Ok(Ok(done))
        }
        Err(_) if connection.is_autocommit() => {
            Err(Trouble::Reason("a trigger or a constraint rolled everything back: nothing was written".into()))
        }
        Err(trouble) => {
            connection.execute_batch(&format!("ROLLBACK TO {savepoint}; RELEASE {savepoint}"))?;
            Ok(Err(trouble))
        }
    }
}
