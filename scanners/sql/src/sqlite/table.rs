//! A table that is written to: its rows locked by the transaction, deleted and changed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{Limits, Record, Refusal, RefusalKind};
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, ffi, params_from_iter};

use super::apply::undoable;
use super::error::{Trouble, code};
use super::places::{self, Place};
use super::rows::Rows;
use super::schema::{Reference, Table, references_to};
use crate::edit::{After, Assign, Changed, Locked, RowDigest, Shown};
use crate::quote::Ident;
use crate::write::{Tables, Takes, Tried, still_computed};

/// A table within a transaction.
pub struct Writing<'t> {
    connection: &'t Connection,
    table: &'t Table,
    limits: &'t Limits,
    long_value: u64,
    /// Columns that may not be null, and those that are computed.
    not_null: Vec<bool>,
    generated: Vec<bool>,
    references: &'t [Reference],
    triggers: u64,
    notes: Vec<String>,
    /// Holds the rows that are being deleted or changed, by number and place.
    going: String,
}

/// The tables of a transaction.
pub struct Together<'t> {
    connection: &'t Connection,
    /// In the order in which they are written, each with the foreign keys that refer to it.
    all: Vec<(Table, Vec<Reference>)>,
    limits: &'t Limits,
    long_value: u64,
}

impl<'t> Together<'t> {
    /// Sees what refers to the tables.
    pub fn new(
        connection: &'t Connection,
        tables: Vec<Table>,
        limits: &'t Limits,
        long_value: u64,
    ) -> Result<Self, Trouble> {
        let with_references = |table: Table| references_to(connection, &table).map(|references| (table, references));
        let all = tables.into_iter().map(with_references).collect::<Result<_, _>>()?;
        Ok(Self { connection, all, limits, long_value })
    }

    fn writing(&self, number: usize) -> Result<Writing<'_>, Trouble> {
        let (table, references) = &self.all[number];
        Writing::new(self.connection, number, (table, references), self.limits, self.long_value)
    }
}

/// The table that holds the rows of one that are being deleted or changed.
fn going_of(number: usize) -> String {
    format!("temp.residuum_going_{number}")
}

impl<'t> Writing<'t> {
    /// Sees what the schema says about the table.
    fn new(
        connection: &'t Connection,
        number: usize,
        (table, references): (&'t Table, &'t [Reference]),
        limits: &'t Limits,
        long_value: u64,
    ) -> Result<Self, Trouble> {
        let going = going_of(number);
        let mut about: HashMap<String, (bool, bool)> = HashMap::new();
        let mut columns = connection.prepare("SELECT name, \"notnull\", hidden FROM pragma_table_xinfo(?1, 'main')")?;
        let mut rows = columns.query([&table.name])?;
        while let Some(row) = rows.next()? {
            about.insert(row.get(0)?, (row.get(1)?, row.get::<_, i64>(2)? >= 2));
        }
        let of = |name: &String| about.get(name).copied().unwrap_or_default();
        let keyed = table.rowid.is_none() || table.keeps_rowids;
        let not_null = table.columns.iter().map(|column| of(&column.name).0 || (keyed && column.key > 0)).collect();
        let generated = table.columns.iter().map(|column| of(&column.name).1).collect();
        let triggers = "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower(?1)";
        let triggers = connection.query_row(triggers, [&table.name], |row| row.get::<_, i64>(0))?;
        let key = match &table.rowid {
            Some(_) => 1,
            None => table.key_columns().len(),
        };
        let key: Vec<_> = (0..key).map(|i| format!("k{i}")).collect();
        connection.execute_batch(&format!(
            "DROP TABLE IF EXISTS {going}; CREATE TABLE {going}(n INTEGER PRIMARY KEY, {})",
            key.join(", ")
        ))?;
        let (triggers, notes) = (triggers.unsigned_abs(), Vec::new());
        Ok(Self { connection, table, limits, long_value, not_null, generated, references, triggers, notes, going })
    }

    fn quoted(&self) -> String {
        format!("main.{}", Ident(&self.table.name))
    }

    /// Writes down which rows are meant.
    fn note<'p>(&self, places: impl Iterator<Item = &'p Place>) -> Result<(), Trouble> {
        self.connection.execute_batch(&format!("DELETE FROM {}", self.going))?;
        let width = if self.table.rowid.is_some() { 1 } else { self.table.key_columns().len() };
        let sql = format!("INSERT INTO {} VALUES ({})", self.going, vec!["?"; width + 1].join(", "));
        let mut insert = self.connection.prepare(&sql)?;
        for (number, place) in places.enumerate() {
            let values = match place {
                Place::Rowid(rowid) => vec![Value::Integer(*rowid)],
                Place::Key(values) => values.clone(),
            };
            insert.execute(params_from_iter([Value::Integer(number as i64)].into_iter().chain(values)))?;
        }
        Ok(())
    }

    /// Whether none of the noted rows exists.
    fn none_is_left(&self) -> Result<bool, Trouble> {
        let sql = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM {} AS g CROSS JOIN {} AS p ON {})",
            self.going,
            self.quoted(),
            is_noted(self.table, "p", "g")
        );
        Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
    }

    /// How many rows refer to each of the noted rows by a foreign key; those left out that are noted themselves, in the
    /// table that holds those of a table.
    fn referring(&self, reference: &Reference, noted: Option<(&str, &Table)>) -> Tried<Vec<(usize, u64)>, Trouble> {
        let is_column = |to: &String| self.table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(to));
        if reference.from.len() != reference.to.len() || !reference.to.iter().all(is_column) {
            let reason = format!(
                "a foreign key of {} leads to a key that the table does not have, so that SQLite deletes none of its rows: correct the schema",
                Ident(&reference.table)
            );
            return Ok(Err(Refusal::new(RefusalKind::Unsupported, reason)));
        }
        let pairs = reference.from.iter().zip(&reference.to);
        let equal: Vec<_> = pairs.map(|(from, to)| format!("p.{} = c.{}", Ident(to), Ident(from))).collect();
        let but = |(noted, table): (&str, &Table)| {
            format!(" AND NOT EXISTS (SELECT 1 FROM {noted} AS o WHERE {})", is_noted(table, "c", "o"))
        };
        let but = noted.map(but).unwrap_or_default();
        let sql = format!(
            "SELECT g.n, count(*) FROM {} AS g CROSS JOIN {} AS p ON {} JOIN main.{} AS c ON {}{but} GROUP BY g.n",
            self.going,
            self.quoted(),
            is_noted(self.table, "p", "g"),
            Ident(&reference.table),
            equal.join(" AND ")
        );
        let count = || {
            let mut statement = self.connection.prepare(&sql)?;
            let counted = statement
                .query_map([], |row| Ok((row.get::<_, i64>(0)? as usize, row.get::<_, i64>(1)?.unsigned_abs())))?;
            counted.collect::<Result<_, _>>()
        };
        match count() {
            Ok(counted) => Ok(Ok(counted)),
            Err(error) => refusal(error.into()).map(Err),
        }
    }

    /// The value as SQLite is to keep it: of the type that stands there.
    fn typed(&self, value: &Assign, held: &str) -> Result<Value, Refusal> {
        let name = &self.table.columns[value.column].name;
        let Some(new) = &value.new else { return Ok(Value::Null) };
        let text = || String::from_utf8(new.expose().clone());
        let unlike = |what: &str| {
            let reason = format!("the column {} holds {what}, and the new value is none", Ident(name));
            Refusal::new(RefusalKind::Constraint, reason)
        };
        if value.is_bytes {
            return Ok(Value::Blob(new.expose().clone()));
        }
        match (held, text()) {
            ("integer", Ok(text)) => text.parse().map(Value::Integer).map_err(|_| unlike("a whole number")),
            ("real", Ok(text)) => text.parse().map(Value::Real).map_err(|_| unlike("a number")),
            ("blob", Ok(text)) => places::blob(&text).map(Value::Blob).ok_or_else(|| unlike("bytes")),
            (_, Ok(text)) => Ok(Value::Text(text)),
            (_, Err(_)) => Err(unlike("text")),
        }
    }

    /// Changes one row.
    fn set_one(&mut self, row: &Changed<Place>) -> Tried<RowDigest, Trouble> {
        let (row, values) = row;
        let place = std::slice::from_ref(&row.place);
        let (condition, at) = (places::condition(self.table, place), places::parameters(place));
        let names: Vec<_> = values.iter().map(|value| Ident(&self.table.columns[value.column].name)).collect();
        let types: Vec<_> = names.iter().map(|name| format!("typeof({name})")).collect();
        let sql = format!("SELECT {} FROM {} WHERE {condition}", types.join(", "), self.quoted());
        let held: Vec<String> = self
            .connection
            .query_row(&sql, params_from_iter(&at), |row| (0..types.len()).map(|i| row.get(i)).collect())?;
        let mut new = Vec::new();
        for (value, held) in values.iter().zip(&held) {
            match self.typed(value, held) {
                Ok(value) => new.push(value),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let followed = match self.followed(&row.place, values)? {
            Ok(followed) => followed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let list: Vec<_> = names.iter().map(|name| format!("{name} = ?")).collect();
        let sql = format!("UPDATE OR ABORT {} SET {} WHERE {condition}", self.quoted(), list.join(", "));
        let after = self.after(&row.place, values, &new);
        let updated = undoable(self.connection, || {
            let touched = self.connection.execute(&sql, params_from_iter(new.into_iter().chain(at)))?;
            if touched != 1 {
                return Err(Trouble::Reason(KEPT.into()));
            }
            let mut now = After::default();
            let mut rows = Rows::new(self.table, self.limits, self.long_value, &mut now);
            rows.at(self.connection, &[after])?;
            drop(rows);
            let differs = |value: &&Assign| {
                let is = now.value(&self.table.columns[value.column].name);
                is != Some(value.new.as_ref().map_or(&[][..], |new| new.expose()))
            };
            let computed = |of: &Assign| now.value(&self.table.columns[of.column].name).unwrap_or_default();
            if let Some(of) = row.computed.iter().find(|of| of.still_stands_in(computed(of))) {
                return Err(Trouble::Reason(still_computed(&Ident(&self.table.columns[of.column].name)).reason));
            }
            match (values.iter().find(differs), &now.digests()[..]) {
                (Some(value), [_]) => Err(Trouble::Reason(format!(
                    "the column {} would not hold the new value as it is: its type or a trigger changes it",
                    Ident(&self.table.columns[value.column].name)
                ))),
                (None, [digest]) => Ok(*digest),
                _ => Err(Trouble::Reason(KEPT.into())),
            }
        })?;
        match updated {
            Ok(digest) => {
                self.notes.extend(followed);
                Ok(Ok(digest))
            }
            Err(trouble) => refusal(trouble).map(Err),
        }
    }

    /// Where a row is once it is changed.
    fn after(&self, place: &Place, values: &[Assign], new: &[Value]) -> Place {
        let new = |column: usize| values.iter().position(|value| value.column == column).map(|i| new[i].clone());
        let key = self.table.key_columns();
        match place {
            Place::Rowid(rowid) => match key[..] {
                [only] if self.table.keeps_rowids => match new(only) {
                    Some(Value::Integer(rowid)) => Place::Rowid(rowid),
                    _ => Place::Rowid(*rowid),
                },
                _ => Place::Rowid(*rowid),
            },
            Place::Key(old) => Place::Key(
                key.iter().zip(old).map(|(&column, old)| new(column).unwrap_or_else(|| old.clone())).collect(),
            ),
        }
    }

    /// What else would change with values that others refer to; a note if they merely follow.
    fn followed(&self, place: &Place, values: &[Assign]) -> Tried<Vec<String>, Trouble> {
        let is_set = |column: &String| {
            values.iter().any(|value| self.table.columns[value.column].name.eq_ignore_ascii_case(column))
        };
        let mut notes = Vec::new();
        for reference in self.references.iter().filter(|reference| reference.to.iter().any(is_set)) {
            self.note(std::iter::once(place))?;
            let is_own = reference.table.eq_ignore_ascii_case(&self.table.name);
            let own = is_own.then_some((self.going.as_str(), self.table));
            let rows: u64 = match self.referring(reference, own)? {
                Ok(referring) => referring.iter().map(|(_, rows)| rows).sum(),
                Err(refusal) => return Ok(Err(refusal)),
            };
            let table = Ident(&reference.table);
            match (rows, reference.on_update.as_str()) {
                (0, _) => {}
                (_, "CASCADE") => notes.push(format!("{rows} rows of {table} followed the new key")),
                _ => return Ok(Err(refers(rows, reference, "change them first"))),
            }
        }
        Ok(Ok(notes))
    }
}

/// The condition that a row of a table is the one noted, each by the name that it has in the statement.
fn is_noted(table: &Table, row: &str, noted: &str) -> String {
    match &table.rowid {
        Some(rowid) => format!("{row}.{rowid} = {noted}.k0"),
        None => {
            let key = table.key_columns().into_iter().enumerate();
            let equal =
                |(i, column): (usize, usize)| format!("{row}.{} IS {noted}.k{i}", Ident(&table.columns[column].name));
            key.map(equal).collect::<Vec<_>>().join(" AND ")
        }
    }
}

impl crate::write::Table for Writing<'_> {
    type Place = Place;
    type Error = Trouble;

    fn columns(&self) -> Vec<Arc<str>> {
        self.table.columns.iter().map(|column| column.name.as_str().into()).collect()
    }

    fn fits(&self, record: &Record) -> bool {
        self.table.fits(record)
    }

    fn lock(
        &mut self,
        records: &[Record],
        shown: &mut Shown<'_, Place>,
        places: &RefCell<Vec<Place>>,
    ) -> Result<Vec<(Record, Refusal)>, Trouble> {
        let at = places::of_records(self.connection, self.table, records)?;
        let longest = i32::try_from(self.long_value).unwrap_or(i32::MAX);
        let limit = self.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
        let pushed = Rows::new(self.table, self.limits, self.long_value, shown).noting(places).at(self.connection, &at);
        self.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit)?;
        // The transaction locks the whole database.
        pushed.map(|()| Vec::new())
    }

    fn is_generated(&self, column: usize) -> bool {
        self.generated[column]
    }

    fn forbids(&self, value: &Assign) -> Option<Refusal> {
        let name = Ident(&self.table.columns[value.column].name);
        let takes = Takes {
            is_generated: self.generated[value.column],
            is_not_null: self.not_null[value.column],
            most: self.long_value,
        };
        takes.forbid(value, &name)
    }

    fn delete(&mut self, rows: &[Locked<Place>]) -> Tried<(), Trouble> {
        self.note(rows.iter().map(|row| &row.place))?;
        let key: Vec<_> = match &self.table.rowid {
            Some(rowid) => vec![rowid.clone()],
            None => self.table.key_columns().iter().map(|&i| Ident(&self.table.columns[i].name).to_string()).collect(),
        };
        let noted: Vec<_> = (0..key.len()).map(|i| format!("k{i}")).collect();
        let (key, noted) = (key.join(", "), noted.join(", "));
        let sql = format!("DELETE FROM {} WHERE ({key}) IN (SELECT {noted} FROM {})", self.quoted(), self.going);
        let deleted = undoable(self.connection, || {
            // A row that refers to another of them may go with that one, and is not counted then.
            let all_went = self.connection.execute(&sql, [])? == rows.len() || self.none_is_left()?;
            if all_went { Ok(()) } else { Err(Trouble::Reason(KEPT.into())) }
        })?;
        match deleted {
            Ok(()) => Ok(Ok(())),
            Err(trouble) => refusal(trouble).map(Err),
        }
    }

    fn set(&mut self, rows: &[Changed<Place>]) -> Tried<Vec<RowDigest>, Trouble> {
        // Each change is a statement of its own, so one that is refused need not be searched for.
        match rows {
            [row] => Ok(self.set_one(row)?.map(|digest| vec![digest])),
            _ => {
                let (mut refused, known) = (None, self.notes.len());
                let done = undoable(self.connection, || {
                    let mut after = Vec::with_capacity(rows.len());
                    for row in rows {
                        match self.set_one(row)? {
                            Ok(digest) => after.push(digest),
                            Err(refusal) => {
                                refused = Some(refusal);
                                return Err(Trouble::Reason(String::new()));
                            }
                        }
                    }
                    Ok(after)
                })?;
                match (done, refused) {
                    (Ok(after), _) => Ok(Ok(after)),
                    (Err(_), Some(refusal)) => {
                        self.notes.truncate(known);
                        Ok(Err(refusal))
                    }
                    (Err(trouble), None) => Err(trouble),
                }
            }
        }
    }

    fn noted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn remarks(&self, _: bool) -> Vec<String> {
        let of = |triggers: &u64| {
            format!("the table has {triggers} triggers, which ran: what they write to other tables is not looked at")
        };
        Some(&self.triggers).filter(|&&triggers| triggers > 0).map(of).into_iter().collect()
    }
}

impl Tables for Together<'_> {
    type Place = Place;
    type Error = Trouble;
    type Table<'t>
        = Writing<'t>
    where
        Self: 't;

    fn count(&self) -> usize {
        self.all.len()
    }

    fn table(&mut self, number: usize) -> Result<Writing<'_>, Trouble> {
        self.writing(number)
    }

    fn refers(&self, from: usize, to: usize) -> bool {
        let name = &self.all[from].0.name;
        self.all[to].1.iter().any(|reference| reference.table.eq_ignore_ascii_case(name))
    }

    fn referred(
        &mut self,
        table: usize,
        going: &[Vec<Locked<Place>>],
        with: Range<usize>,
    ) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let (_, references) = &self.all[table];
        let mut refused = HashMap::new();
        if references.is_empty() {
            return Ok(Vec::new());
        }
        for number in with.clone().filter(|&number| number != table) {
            self.writing(number)?.note(going[number].iter().map(|row| &row.place))?;
        }
        let writing = self.writing(table)?;
        writing.note(going[table].iter().map(|row| &row.place))?;
        for reference in references {
            let refers = |number: &usize| self.all[*number].0.name.eq_ignore_ascii_case(&reference.table);
            let goes_too = with.clone().find(refers).map(|number| (going_of(number), &self.all[number].0));
            let goes_too = goes_too.as_ref().map(|(noted, table)| (noted.as_str(), *table));
            let referring = match writing.referring(reference, goes_too)? {
                Ok(referring) => referring,
                Err(refusal) => return Ok((0..going[table].len()).map(|number| (number, refusal.clone())).collect()),
            };
            for (number, rows) in referring {
                refused.entry(number).or_insert_with(|| refers_to(rows, reference));
            }
        }
        Ok(refused.into_iter().collect())
    }

    /// Foreign keys are looked at when all are gone, as if they had been declared so (`PRAGMA defer_foreign_keys`).
    fn delete_together(&mut self, going: &[Vec<Locked<Place>>], tables: Range<usize>) -> Tried<(), Trouble> {
        use crate::write::Table as _;

        let names: Vec<_> = tables.clone().map(|number| format!("`{}`", self.all[number].0.name)).collect();
        self.connection.execute_batch("SAVEPOINT residuum_together; PRAGMA defer_foreign_keys = ON")?;
        let mut refused = None;
        for number in tables {
            if let Err(refusal) = self.writing(number)?.delete(&going[number])? {
                refused = Some(refusal);
                break;
            }
        }
        let undone = if refused.is_some() { "ROLLBACK TO residuum_together;" } else { "" };
        self.connection
            .execute_batch(&format!("{undone} RELEASE residuum_together; PRAGMA defer_foreign_keys = OFF"))?;
        Ok(refused.map_or(Ok(()), |refusal| {
            let (names, reason) = (names.join(", "), refusal.reason);
            let reason = format!(
                "{reason}; rows of {names} refer to each other in a circle, so that none can go first where a key is \
                 declared `ON DELETE RESTRICT`: set such a key to null first"
            );
            Err(Refusal::new(refusal.kind, reason))
        }))
    }
}

/// Why a row stays to which others refer.
fn refers_to(rows: u64, reference: &Reference) -> Refusal {
    refers(rows, reference, "delete or change those first")
}

/// Why a row cannot go, or get another key.
fn refers(rows: u64, reference: &Reference, cure: &str) -> Refusal {
    let table = Ident(&reference.table);
    let columns: Vec<_> = reference.from.iter().map(|column| Ident(column).to_string()).collect();
    let reason = format!("{rows} rows of {table} refer to it by {}: {cure}", columns.join(", "));
    Refusal::new(RefusalKind::Constraint, reason)
}

/// What SQLite says about a row, if it is about the row; else nothing can be written.
fn refusal(trouble: Trouble) -> Result<Refusal, Trouble> {
    let error = match trouble {
        Trouble::Reason(reason) => return Ok(Refusal::new(RefusalKind::Constraint, reason)),
        Trouble::Sqlite(error) => error,
        other => return Err(other),
    };
    let Some(said) = code(&error) else { return Err(error.into()) };
    // What is behind the colon names columns and constraints, but a trigger may say anything.
    let named = match &error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.split_once("failed: ").map(|(_, named)| named),
        _ => None,
    };
    let of = named.map(|named| format!(" of `{named}`")).unwrap_or_default();
    let constraint = |what: &str| Refusal::new(RefusalKind::Constraint, what);
    Ok(match said {
        ffi::SQLITE_CONSTRAINT_CHECK => constraint(&format!("the constraint CHECK{of} forbids it")),
        ffi::SQLITE_CONSTRAINT_NOTNULL => constraint(&format!("the constraint NOT NULL{of} forbids it")),
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            constraint(&format!("another row has this value already, and the constraint UNIQUE{of} forbids that"))
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => constraint("a foreign key forbids it"),
        ffi::SQLITE_CONSTRAINT_TRIGGER => constraint("a trigger of the table forbids it"),
        ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH => {
            constraint("the table is STRICT, and the new value is not of its column's type")
        }
        _ if said & 0xff == ffi::SQLITE_CONSTRAINT => constraint("a constraint forbids it"),
        ffi::SQLITE_ERROR => {
            let reason = match &error {
                // Said when a statement is prepared, about names.
                rusqlite::Error::SqlInputError { msg, .. } => format!("SQLite: {msg}"),
                _ => "a trigger, an index or a generated column of the table cannot be evaluated here".into(),
            };
            Refusal::new(RefusalKind::Unsupported, reason)
        }
        ffi::SQLITE_TOOBIG => Refusal::new(RefusalKind::Limit, "the row would be too long for SQLite"),
        _ => return Err(error.into()),
    })
}

const KEPT: &str = "a trigger keeps the row as it is";
