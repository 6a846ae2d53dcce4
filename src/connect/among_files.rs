//! SQLite databases among files, read as what they are: `people.db!customers` is a table of `people.db`.
//!
//! The files' connector knows no databases and the databases' no directories; here is where both are known. A
//! database is read in one piece; for several threads it is given as a source of its own, `sqlite:PATH`. The keys that
//! its schema declares are known if the file's name says what it is ([`EXTENSIONS`]).

mod write;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use residuum_files::Files;
use residuum_source::{
    Apply, Batch, Check, Coverage, Fetch, Flow, KeyKind, Leftover, Limits, Object, ObjectPath, Outcome, Part, Range,
    Sink, Source, SourceError, TableKey, Unit,
};
use residuum_sql::Sqlite;

/// What files that are databases are called, mostly: to look into every file for its keys would be to scan twice.
const EXTENSIONS: &[&str] = &["db", "db3", "s3db", "sl3", "sqlite", "sqlite3", "sqlitedb", "gpkg"];

/// Files, and the databases among them.
pub(super) struct WithDatabases {
    files: Files,
}

/// Whether a file may be a database by its size: pages are powers of two from 512 bytes on (SQLite file format, §1.3).
fn has_pages(object: &Object) -> bool {
    object.bytes.is_some_and(|bytes| bytes > 0 && bytes % 512 == 0)
}

/// Whether a file is called as databases are.
fn is_called_a_database(object: &Object) -> bool {
    let extension = object.path.as_str().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// What is said of a database that ends within a page.
const CUT_OFF: &str = "it is a SQLite database that was cut off: it ends in the middle of a page; copy it again, `.recover` of \
                       the sqlite3 program gives what is left of it, or take it from a backup";

/// The file that holds what was written to a database and is not yet in it.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

impl WithDatabases {
    pub fn new(files: Files) -> Self {
        Self { files }
    }

    /// Whether a file is a database, by its first bytes.
    fn is_database(&self, object: &ObjectPath) -> bool {
        Sqlite::is_one(&self.files.path_of(object))
    }

    /// Corrects what the files' connector says of a database and of what stands beside it.
    fn listed(&self, mut object: Object) -> Object {
        if object.not_read.is_some() {
            return object;
        }
        let name = object.path.as_str();
        if let Some(database) = name.strip_suffix("-wal").or_else(|| name.strip_suffix("-shm")) {
            let database = ObjectPath::from_escaped(database).ok();
            if database.is_some_and(|database| self.is_database(&database)) {
                object.not_read = Some((Coverage::Derived, "read with the database it belongs to".to_owned()));
            }
        } else if has_pages(&object) && self.is_database(&object.path) {
            let written = |log: Metadata| format!(", log {} bytes {}.{:09}", log.len(), log.mtime(), log.mtime_nsec());
            let log = std::fs::metadata(log_of(&self.files.path_of(&object.path)));
            object.version.text.push_str(&log.map_or_else(|_| String::new(), written));
        }
        object
    }

    /// Reads all tables of a database.
    fn read_database(&self, object: &Object, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let part = Part { path: object.path.clone(), format: "sqlite", encoding: None, primary_key: Vec::new() };
        flow(sink.open(part))?;
        let mut tables = Vec::new();
        let opened = Sqlite::open(self.name(), &self.files.path_of(&object.path)).and_then(|database| {
            database.list(&mut |table| {
                tables.push(table);
                Flow::Continue(())
            })?;
            Ok(database)
        });
        let database = match opened {
            Ok(database) => database,
            Err(error) => return flow(sink.close(Outcome::not_read(Coverage::Unreadable, error.to_string()))),
        };
        let members = tables.len() as u64;
        for table in tables {
            let mut member = Renamed { sink, path: member(&object.path, &table.path) };
            match table.not_read.clone() {
                Some((coverage, reason)) => {
                    let (path, primary_key) = (table.path, table.primary_key);
                    flow(member.open(Part { path, format: "table", encoding: None, primary_key }))?;
                    flow(member.close(Outcome::not_read(coverage, reason)))?;
                }
                None => database.read(&Unit { objects: vec![table], range: Range::Whole }, limits, &mut member)?,
            }
        }
        flow(sink.close(Outcome { members, ..Outcome::read(object.bytes.unwrap_or(0), 0) }))
    }
}

impl Source for WithDatabases {
    fn name(&self) -> &str {
        self.files.name()
    }

    fn kind(&self) -> &'static str {
        self.files.kind()
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        self.files.list(&mut |object| found(self.listed(object)))
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            if has_pages(object) && self.is_database(&object.path) {
                self.read_database(object, limits, sink)?;
            } else if is_called_a_database(object) && self.is_database(&object.path) {
                let part =
                    Part { path: object.path.clone(), format: "sqlite", encoding: None, primary_key: Vec::new() };
                flow(sink.open(part))?;
                flow(sink.close(Outcome::not_read(Coverage::Unreadable, CUT_OFF.to_owned())))?;
            } else {
                let unit = Unit { objects: vec![object.clone()], range: unit.range.clone() };
                self.files.read(&unit, limits, sink)?;
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        let mut keys = Vec::new();
        for database in self.files.with_extension(EXTENSIONS).into_iter().filter(|object| self.is_database(object)) {
            // One that cannot be opened is named when it is read.
            let Ok(opened) = Sqlite::open(self.name(), &self.files.path_of(&database)) else { continue };
            let Ok(declared) = opened.keys() else { continue };
            keys.extend(declared.into_iter().map(|key| within(&database, key)));
        }
        Ok(keys)
    }

    fn leftovers(&self, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
        let mut databases = Vec::new();
        self.list(&mut |object| {
            if object.not_read.is_none() && has_pages(&object) && self.is_database(&object.path) {
                databases.push(object.path);
            }
            Flow::Continue(())
        })?;
        for object in databases {
            let database = Sqlite::open(self.name(), &self.files.path_of(&object))?;
            database.leftovers(&mut |leftover| look(Leftover { object: &object, ..leftover }))?;
        }
        Ok(())
    }

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        self.files.check()
    }
}

/// A table of a database as a member of its file.
fn member(database: &ObjectPath, table: &ObjectPath) -> ObjectPath {
    database.member(table.parts().pop().unwrap_or_default().as_bytes())
}

fn within(database: &ObjectPath, key: TableKey) -> TableKey {
    let kind = match key.kind {
        KeyKind::Foreign { object, columns } => KeyKind::Foreign { object: member(database, &object), columns },
        kind => kind,
    };
    TableKey { object: member(database, &key.object), kind, ..key }
}

fn flow(flow: Flow) -> Result<(), SourceError> {
    if flow.is_break() { Err(SourceError::Stopped) } else { Ok(()) }
}

/// Passes a table on as a member of its file.
struct Renamed<'s> {
    sink: &'s mut dyn Sink,
    path: ObjectPath,
}

impl Sink for Renamed<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.sink.open(Part { path: self.path.clone(), ..part })
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.sink.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.sink.close(outcome)
    }
}
