//! A table that is written to: its rows locked, deleted and changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{Limits, Logical, Record, Refusal, RefusalKind};

use super::MySql;
use super::error::{is_lost, number};
use super::find::{AT_ONCE, Place, condition, of_records, of_row};
use super::references::{Reference, Unseen};
use super::refused::refusal;
use super::schema::grant_of;
use super::session::{Link, Sent};
use super::table::Table;
use super::types::Form;
use crate::batch::Batcher;
use crate::edit::{After, Assign, Changed, Locked, RowDigest, Shown};
use crate::key;
use crate::link::Trouble;
use crate::quote::{Backticked, Hexadecimal, bytes_of};
use crate::write::{Tables, Takes, Tried, locked, still_computed};

/// What is known of a table that is written to.
pub struct About {
    /// The table.
    pub table: Table,
    /// Columns that may not be null, and those that the server computes.
    not_null: Vec<bool>,
    generated: Vec<bool>,
    references: Vec<Reference>,
    unseen: Unseen,
    user: String,
    remarks: Vec<String>,
    batch_bytes: usize,
    long_value: u64,
}

/// A table within a transaction.
pub struct Writing<'l> {
    about: &'l About,
    link: &'l mut Link,
    notes: Vec<String>,
}

/// The tables of a transaction.
pub struct Together<'l> {
    /// What is known of each, in the order in which they are written.
    pub all: Vec<About>,
    /// The transaction.
    pub link: &'l mut Link,
}

/// Rows in the order in which they can go, layer by layer; of a circle, in which no row can be the first, the rest.
struct Layers {
    free: Vec<Vec<Place>>,
    circle: Vec<Place>,
}

/// Whether the server has undone the whole transaction.
pub fn is_undone(trouble: &Trouble) -> bool {
    matches!(number(trouble), Some(1213 | 1305))
}

impl About {
    /// Sees what the schema says.
    pub fn of(table: Table, link: &mut Link, source: &MySql, limits: &Limits) -> Result<Self, Trouble> {
        let relation = &table.relation;
        let (schema, name) = (Hexadecimal(&relation.schema), Hexadecimal(&relation.name));
        let rows = link.rows(&format!(
            "SELECT COLUMN_NAME, IS_NULLABLE = 'NO', GENERATION_EXPRESSION <> '' OR EXTRA LIKE '%ROW START%' OR EXTRA LIKE '%ROW END%' \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {name}"
        ))?;
        let is = |column: &str, i: usize| {
            let row = rows.iter().find(|row| row.first().is_some_and(|name| name.as_deref() == Some(column)));
            row.and_then(|row| row.get(i)).is_some_and(|value| value.as_deref() == Some("1"))
        };
        let all = |i: usize| table.columns.iter().map(|column| is(&column.name, i)).collect();
        let (not_null, generated) = (all(1), all(2));
        let triggers = link.rows(&format!(
            "SELECT COUNT(*), @@log_bin FROM information_schema.TRIGGERS \
             WHERE EVENT_OBJECT_SCHEMA = {schema} AND EVENT_OBJECT_TABLE = {name} AND EVENT_MANIPULATION <> 'INSERT'"
        ))?;
        let said = |i: usize| triggers.first().and_then(|row| row.get(i)).cloned().flatten().unwrap_or_default();
        let mut remarks = Vec::new();
        if said(0) != "0" {
            remarks.push(format!(
                "the table has {} triggers, which ran: what they write to other tables is not looked at",
                said(0)
            ));
        }
        if said(1) == "1" {
            remarks
                .push("the server's binary log keeps what was replaced until it is purged: `PURGE BINARY LOGS`".into());
        }
        if relation.keeps_history() {
            remarks.push(format!(
                "the table keeps its history, and what was replaced stands there: `DELETE HISTORY FROM {}`",
                relation.quoted()
            ));
        }
        let references = relation.references(link)?;
        let user = source.server.user.clone();
        let unseen = relation.unseen(link, &source.server)?;
        if unseen.triggers {
            remarks.push(format!(
                "triggers of the table are not shown to this user, and may have run: {}",
                grant_of("TRIGGER", &relation.schema, &relation.name, &user)
            ));
        }
        let (batch_bytes, long_value) = (limits.batch_bytes, source.options.long_value);
        Ok(Self { not_null, generated, references, unseen, user, remarks, batch_bytes, long_value, table })
    }

    /// The same, to be written to.
    fn with<'l>(&'l self, link: &'l mut Link) -> Writing<'l> {
        Writing { about: self, link, notes: Vec::new() }
    }

    fn name(&self, column: usize) -> Backticked<'_> {
        Backticked(&self.table.columns[column].name)
    }
}

impl Writing<'_> {
    /// Pushes rows at these places, and notes where those are that come.
    fn find(
        &mut self,
        at: &[Place],
        locking: &'static str,
        places: Option<&RefCell<Vec<Place>>>,
        batcher: &mut Batcher<'_>,
    ) -> Result<(), Trouble> {
        self.about.table.find(self.link, at, locking, places, batcher)
    }

    /// Shows the records of which nobody else has a lock.
    fn show(
        &mut self,
        at: &[Place],
        shown: &mut Shown<'_, Place>,
        places: &RefCell<Vec<Place>>,
    ) -> Result<(), Trouble> {
        let table = &self.about.table;
        let mut batcher = Batcher::new(shown, table.fields(), table.identity(), self.about.batch_bytes);
        self.find(at, " FOR UPDATE SKIP LOCKED", Some(places), &mut batcher)
    }

    /// The rows that refer to rows at these places: of the table itself with their places, of others by number, those
    /// left out for which a condition holds.
    fn referring(
        &mut self,
        reference: &Reference,
        at: &[Place],
        but: Option<&str>,
    ) -> Tried<Vec<(Place, Option<Place>, u64)>, Trouble> {
        let but = but.map(|but| format!(" AND NOT ({but})")).unwrap_or_default();
        let table = &self.about.table;
        let key = |alias: &str| {
            let expression = |&i: &usize| table.columns[i].expression_of(alias);
            table.key.iter().map(expression).collect::<Vec<_>>().join(", ")
        };
        let mut found = Vec::new();
        for at in at.chunks(AT_ONCE) {
            let (own, group) = match reference.is_own {
                true => (format!(", {}", key("c.")), ""),
                false => (", COUNT(*)".to_owned(), " GROUP BY "),
            };
            let group = if group.is_empty() { String::new() } else { format!("{group}{}", key("p.")) };
            let sql = format!(
                "SELECT {}{own} FROM {} AS p JOIN {} AS c ON {} WHERE {}{but}{group} LOCK IN SHARE MODE",
                key("p."),
                table.relation.quoted(),
                reference.table,
                reference.condition(),
                condition(table, "p.", at)
            );
            let rows = self.link.undoable(|link| match link.rows(&sql) {
                Err(trouble) if is_lost(&trouble) || is_undone(&trouble) => Err(trouble),
                Err(trouble) if matches!(number(&trouble), Some(1142 | 1143)) => {
                    Ok(Err(reference.unseen(&self.about.user)))
                }
                rows => Ok(rows.map_err(|trouble| refusal(&trouble))),
            })?;
            let rows = match rows {
                Ok(rows) => rows,
                Err(refusal) => return Ok(Err(refusal)),
            };
            for row in rows {
                let width = table.key.len();
                let place = |from: usize| {
                    let value = |i: usize| {
                        let at = table.key.iter().position(|&key| key == i).unwrap_or(0);
                        Ok(row.get(from + at).cloned().flatten().unwrap_or_default().into_bytes())
                    };
                    of_row(table, value)
                };
                let count = row.get(width).cloned().flatten().and_then(|count| count.parse().ok()).unwrap_or(1);
                found.push(match reference.is_own {
                    true => (place(0)?, Some(place(width)?), 1),
                    false => (place(0)?, None, count),
                });
            }
        }
        Ok(Ok(found))
    }

    /// What else would change with values that others refer to; a note if they merely follow.
    fn followed(&mut self, place: &Place, values: &[Assign]) -> Tried<Vec<String>, Trouble> {
        let names: Vec<String> = values.iter().map(|v| self.about.table.columns[v.column].name.clone()).collect();
        let mut notes = Vec::new();
        for i in 0..self.about.references.len() {
            let reference = self.about.references[i].clone();
            if !names.iter().any(|column| reference.refers_to(column)) {
                continue;
            }
            let rows: u64 = match self.referring(&reference, std::slice::from_ref(place), None)? {
                Ok(referring) => referring.iter().map(|(.., rows)| rows).sum(),
                Err(refusal) => return Ok(Err(refusal)),
            };
            match (rows, reference.on_update.as_str()) {
                (0, _) => {}
                (_, "CASCADE") => notes.push(format!("{rows} rows of {} followed the new key", reference.table)),
                _ => return Ok(Err(reference.refers(rows, "change those first"))),
            }
        }
        Ok(Ok(notes))
    }

    /// What is sent for a value, and the expression that takes it.
    fn sent(&self, value: &Assign) -> Result<(Sent, String), Refusal> {
        let column = &self.about.table.columns[value.column];
        let unlike = |what: &str| {
            let reason = format!("the column {} holds {what}, and the new value is none", Backticked(&column.name));
            Refusal::new(RefusalKind::Constraint, reason)
        };
        let Some(new) = &value.new else { return Ok((Sent::Null, "?".to_owned())) };
        if column.form == Form::Bytes {
            return Ok((Sent::Bytes(new.expose().clone()), "?".to_owned()));
        }
        let text = String::from_utf8(new.expose().clone()).map_err(|_| unlike("text"))?;
        Ok(match column.form {
            Form::Bits => (Sent::Text(text), "CAST(? AS UNSIGNED)".to_owned()),
            Form::Shape => (Sent::Text(text), format!("ST_GeomFromText(?, ST_SRID({}))", Backticked(&column.name))),
            Form::Digits => (
                Sent::Bytes(text.strip_prefix("0x").and_then(bytes_of).ok_or_else(|| unlike("bytes"))?),
                "?".to_owned(),
            ),
            _ => (Sent::Text(text), "?".to_owned()),
        })
    }

    /// Changes one row.
    fn set_one(&mut self, row: &Changed<Place>) -> Tried<RowDigest, Trouble> {
        let (row, values) = row;
        let (mut set, mut sent) = (Vec::new(), Vec::new());
        for value in values {
            match self.sent(value) {
                Ok((new, expression)) => {
                    set.push(format!("{} = {expression}", self.about.name(value.column)));
                    sent.push(new);
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let followed = match self.followed(&row.place, values)? {
            Ok(followed) => followed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let table = &self.about.table;
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            table.relation.quoted(),
            set.join(", "),
            condition(table, "", std::slice::from_ref(&row.place))
        );
        match self.link.bound(&sql, sent) {
            Ok(1) => {}
            Ok(_) => return Ok(Err(self.about.untouched())),
            Err(trouble) if is_lost(&trouble) || is_undone(&trouble) => return Err(trouble),
            Err(trouble) => return Ok(Err(refusal(&trouble))),
        }
        let now = self.after(&row.place, values);
        let mut after = After::default();
        let mut batcher = Batcher::new(&mut after, table.fields(), table.identity(), self.about.batch_bytes);
        self.find(std::slice::from_ref(&now), "", None, &mut batcher)?;
        drop(batcher);
        let table = &self.about.table;
        let differs = |value: &&Assign| {
            let column = &table.columns[value.column];
            let wanted = value.new.as_ref().map_or(&[][..], |new| new.expose());
            !after.value(&column.name).is_some_and(|is| is == wanted || is_same_number(column.logical, is, wanted))
        };
        if let Some(value) = values.iter().find(differs) {
            let reason = format!(
                "the column {} would not hold the new value as it is: its type or a trigger changes it",
                self.about.name(value.column)
            );
            return Ok(Err(Refusal::new(RefusalKind::Constraint, reason)));
        }
        let now = |of: &Assign| after.value(&table.columns[of.column].name).unwrap_or_default();
        if let Some(of) = row.computed.iter().find(|of| of.still_stands_in(now(of))) {
            return Ok(Err(still_computed(&self.about.name(of.column))));
        }
        self.notes.extend(followed);
        Ok(after.digests().first().copied().ok_or_else(|| self.about.untouched()))
    }

    /// Where a row is once it is changed.
    fn after(&self, place: &Place, values: &[Assign]) -> Place {
        let table = &self.about.table;
        let new = |column: usize| {
            let new = values.iter().find(|value| value.column == column)?.new.as_ref()?;
            Some(super::find::literal(&table.columns[column], std::str::from_utf8(new.expose()).ok()?))
        };
        table.key.iter().zip(place).map(|(&column, old)| new(column).unwrap_or_else(|| old.clone())).collect()
    }

    /// Rows in the order in which they can go: a row that refers to another of them before that one.
    fn layers(&mut self, rows: &[Locked<Place>]) -> Tried<Layers, Trouble> {
        let places: Vec<Place> = rows.iter().map(|row| row.place.clone()).collect();
        let mut left: HashSet<Place> = places.iter().cloned().collect();
        let mut pairs = Vec::new();
        for i in 0..self.about.references.len() {
            let reference = self.about.references[i].clone();
            if reference.is_own {
                let found = match self.referring(&reference, &places, None)? {
                    Ok(found) => found,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                pairs.extend(found.into_iter().filter_map(|(to, from, _)| Some((to, from?))));
            }
        }
        pairs.retain(|(to, from)| to != from);
        let mut layers = Layers { free: Vec::new(), circle: Vec::new() };
        while !left.is_empty() && !pairs.is_empty() {
            let held: HashSet<&Place> =
                pairs.iter().filter(|(_, from)| left.contains(from)).map(|(to, _)| to).collect();
            let (free, stay): (Vec<_>, Vec<_>) = left.drain().partition(|place| !held.contains(place));
            if free.is_empty() {
                layers.circle = stay;
                return Ok(Ok(layers));
            }
            layers.free.push(free);
            left.extend(stay);
        }
        layers.free.push(if layers.free.is_empty() { places } else { left.into_iter().collect() });
        Ok(Ok(layers))
    }
}

impl About {
    /// Deletes the rows at these places, all of them or the first that the server keeps stops it.
    fn delete_at(&self, link: &mut Link, places: &[Place]) -> Tried<(), Trouble> {
        for at in places.chunks(AT_ONCE) {
            let sql = format!("DELETE FROM {} WHERE {}", self.table.relation.quoted(), condition(&self.table, "", at));
            match link.affected(&sql) {
                Ok(touched) if touched == at.len() as u64 => {}
                Ok(_) => return Ok(Err(self.untouched())),
                Err(trouble) if is_lost(&trouble) || is_undone(&trouble) => return Err(trouble),
                Err(trouble) => return Ok(Err(refusal(&trouble))),
            }
        }
        Ok(Ok(()))
    }

    /// Why a row that was locked was not touched.
    fn untouched(&self) -> Refusal {
        let relation = &self.table.relation;
        match relation.keeps_history() {
            true => Refusal::new(
                RefusalKind::Unsupported,
                format!("a row of the table's history, which only `DELETE HISTORY FROM {}` deletes", relation.quoted()),
            ),
            false => Refusal::new(RefusalKind::Constraint, "the server keeps the row as it is"),
        }
    }
}

/// Does something while the server does not look at foreign keys, which it would do row by row: of rows that refer to each
/// other in a circle none could be the first. It has been seen that nothing refers to them that stays, and that nothing
/// comes to: who adds a row that refers to another waits for its lock.
fn without_foreign_keys<T>(link: &mut Link, work: impl FnOnce(&mut Link) -> Tried<T, Trouble>) -> Tried<T, Trouble> {
    link.run("SET SESSION foreign_key_checks = 0")?;
    let done = work(link);
    link.run("SET SESSION foreign_key_checks = 1")?;
    done
}

impl crate::write::Table for Writing<'_> {
    type Place = Place;
    type Error = Trouble;

    fn columns(&self) -> Vec<Arc<str>> {
        self.about.table.columns.iter().map(|column| column.name.as_str().into()).collect()
    }

    fn fits(&self, record: &Record) -> bool {
        let table = &self.about.table;
        let are_integers: Vec<bool> = table.key.iter().map(|&i| table.columns[i].logical == Logical::Integer).collect();
        key::fits(record, &are_integers)
    }

    fn lock(
        &mut self,
        records: &[Record],
        shown: &mut Shown<'_, Place>,
        places: &RefCell<Vec<Place>>,
    ) -> Result<Vec<(Record, Refusal)>, Trouble> {
        let at = of_records(&self.about.table, records);
        self.show(&at, shown, places)?;
        let missing = |shown: &Shown<'_, Place>| records.iter().filter(|r| !shown.has(r)).cloned().collect::<Vec<_>>();
        let others = of_records(&self.about.table, &missing(shown));
        if others.is_empty() {
            return Ok(Vec::new());
        }
        // What does not exist is not waited for.
        let mut is_free = true;
        for at in others.chunks(AT_ONCE) {
            let table = &self.about.table;
            let (source, condition) = (table.relation.quoted(), condition(table, "", at));
            let wait = format!("SELECT 1 FROM {source} WHERE {condition} FOR UPDATE");
            // Where `innodb_rollback_on_timeout` is on, the server undoes all of the transaction: going back within it
            // notices that.
            let waited = self.link.undoable(|link| match link.run(&wait) {
                Err(trouble) if number(&trouble) == Some(1205) => Ok(Err(())),
                done => done.map(Ok),
            })?;
            is_free &= waited.is_ok();
        }
        self.show(&others, shown, places)?;
        let others = of_records(&self.about.table, &missing(shown));
        let keeps_history = self.about.table.relation.keeps_history();
        if others.is_empty() || (is_free && !keeps_history) {
            return Ok(Vec::new());
        }
        let refusal = if keeps_history && is_free { self.about.untouched() } else { locked() };
        let table = &self.about.table;
        let mut there = After::default();
        let mut batcher = Batcher::new(&mut there, table.fields(), table.identity(), self.about.batch_bytes);
        self.find(&others, "", None, &mut batcher)?;
        drop(batcher);
        Ok(there.into_records().into_iter().map(|record| (record, refusal.clone())).collect())
    }

    fn is_generated(&self, column: usize) -> bool {
        self.about.generated[column]
    }

    fn forbids(&self, value: &Assign) -> Option<Refusal> {
        let name = self.about.name(value.column);
        let takes = Takes {
            is_generated: self.about.generated[value.column],
            is_not_null: self.about.not_null[value.column],
            most: self.about.long_value,
        };
        takes.forbid(value, &name)
    }

    fn delete(&mut self, rows: &[Locked<Place>]) -> Tried<(), Trouble> {
        let layers = match self.layers(rows)? {
            Ok(layers) => layers,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let about = self.about;
        self.link.undoable(|link| {
            for layer in &layers.free {
                if let Err(refusal) = about.delete_at(link, layer)? {
                    return Ok(Err(refusal));
                }
            }
            match layers.circle.is_empty() {
                true => Ok(Ok(())),
                false => without_foreign_keys(link, |link| about.delete_at(link, &layers.circle)),
            }
        })
    }

    fn set(&mut self, rows: &[Changed<Place>]) -> Tried<Vec<RowDigest>, Trouble> {
        self.link.run(super::session::SAVEPOINT)?;
        let known = self.notes.len();
        let mut after = Vec::with_capacity(rows.len());
        for row in rows {
            match self.set_one(row)? {
                Ok(digest) => after.push(digest),
                Err(refusal) => {
                    self.link.run(super::session::ROLLBACK_TO)?;
                    self.notes.truncate(known);
                    return Ok(Err(refusal));
                }
            }
        }
        Ok(Ok(after))
    }

    fn noted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn remarks(&self, has_deleted: bool) -> Vec<String> {
        let unseen = self.about.unseen.note(&self.about.user).filter(|_| has_deleted);
        self.about.remarks.iter().cloned().chain(unseen).collect()
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
        Ok(self.all[number].with(self.link))
    }

    fn refers(&self, from: usize, to: usize) -> bool {
        let name = self.all[from].table.relation.quoted();
        self.all[to].references.iter().any(|reference| reference.table == name)
    }

    fn referred(
        &mut self,
        table: usize,
        going: &[Vec<Locked<Place>>],
        with: Range<usize>,
    ) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let Self { all: tables, link } = self;
        let about = &tables[table];
        let places_of = |number: usize| -> Vec<Place> { going[number].iter().map(|row| row.place.clone()).collect() };
        let places = places_of(table);
        let all = |refusal: Refusal| Ok((0..places.len()).map(|number| (number, refusal.clone())).collect());
        if let Some(refusal) = about.unseen.refusal(&about.user) {
            return all(refusal);
        }
        let them: HashSet<&Place> = places.iter().collect();
        let mut refused: BTreeMap<usize, Refusal> = BTreeMap::new();
        for reference in &about.references {
            let goes_too = |number: &usize| {
                let other = &tables[*number].table;
                !reference.is_own && !going[*number].is_empty() && other.relation.quoted() == reference.table
            };
            let but = with.clone().find(goes_too).map(|of| condition(&tables[of].table, "c.", &places_of(of)));
            let referring = match about.with(link).referring(reference, &places, but.as_deref())? {
                Ok(referring) => referring,
                Err(refusal) => return all(refusal),
            };
            let mut by_place: HashMap<Place, u64> = HashMap::new();
            for (to, from, rows) in referring {
                if from.is_none_or(|from| !them.contains(&from)) {
                    *by_place.entry(to).or_default() += rows;
                }
            }
            for (number, place) in places.iter().enumerate() {
                if let Some(&rows) = by_place.get(place) {
                    refused.entry(number).or_insert_with(|| reference.refers(rows, "delete or change those first"));
                }
            }
        }
        Ok(refused.into_iter().collect())
    }

    fn delete_together(&mut self, going: &[Vec<Locked<Place>>], tables: Range<usize>) -> Tried<(), Trouble> {
        use crate::write::Table as _;

        let Self { all, link } = self;
        if tables.len() == 1 {
            return all[tables.start].with(link).delete(&going[tables.start]);
        }
        link.undoable(|link| {
            without_foreign_keys(link, |link| {
                for number in tables {
                    let places: Vec<Place> = going[number].iter().map(|row| row.place.clone()).collect();
                    if let Err(refusal) = all[number].delete_at(link, &places)? {
                        return Ok(Err(refusal));
                    }
                }
                Ok(Ok(()))
            })
        })
    }
}

/// Whether two texts are one number: a column of `decimal(8,2)` has `1.5` as `1.50`.
fn is_same_number(logical: Logical, is: &[u8], wanted: &[u8]) -> bool {
    let plain = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?.trim_start_matches('+');
        let is_decimal = text.bytes().all(|b| b.is_ascii_digit() || b"-.".contains(&b)) && !text.is_empty();
        let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        is_decimal.then(|| trimmed.to_owned())
    };
    matches!(logical, Logical::Integer | Logical::Number) && plain(is).is_some() && plain(is) == plain(wanted)
}
