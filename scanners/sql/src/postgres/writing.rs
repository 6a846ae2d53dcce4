//! A table that is written to: its rows locked, deleted and changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{Limits, Logical, Record, RecordKind, Refusal, RefusalKind};

use super::Postgres;
use super::find::{at, condition, tid, tids};
use super::read::Table;
use super::references::Reference;
use super::refused::refusal;
use super::session::Link;
use super::written::Written;
use crate::batch::Batcher;
use crate::edit::{After, Assign, Changed, Locked, RowDigest, Shown};
use crate::key;
use crate::link::Trouble;
use crate::quote::Ident;
use crate::write::{Tables, Takes, Tried, locked, still_computed};

/// What is known of a table that is written to.
pub struct About {
    /// The table.
    pub table: Table,
    written: Vec<Written>,
    references: Vec<Reference>,
    triggers: u64,
    batch_bytes: usize,
    long_value: u64,
    role: String,
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

impl About {
    /// Sees what the schema says.
    pub fn of(table: Table, link: &mut Link, source: &Postgres, limits: &Limits) -> Result<Self, Trouble> {
        let triggers = link.rows(&format!(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = {} AND NOT tgisinternal AND tgenabled <> 'D'",
            table.relation.oid()
        ))?;
        let triggers = triggers.into_iter().flatten().next().flatten().and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok(Self {
            written: Written::all(link, &source.server, &table)?,
            references: table.relation.references(link, &source.server)?,
            triggers,
            batch_bytes: limits.batch_bytes,
            long_value: table.long_value(),
            role: source.server.role.clone(),
            table,
        })
    }

    /// The same, to be written to.
    fn with<'l>(&'l self, link: &'l mut Link) -> Writing<'l> {
        Writing { about: self, link, notes: Vec::new() }
    }

    fn name(&self, column: usize) -> Ident<'_> {
        Ident(&self.table.columns[column].name)
    }
}

impl Writing<'_> {
    /// Shows the records of which nobody else has a lock.
    fn show(
        &mut self,
        records: &[Record],
        shown: &mut Shown<'_, u64>,
        places: &RefCell<Vec<u64>>,
    ) -> Result<(), Trouble> {
        let table = &self.about.table;
        let Some(condition) = condition(self.link, table, records)? else { return Ok(()) };
        let together = self.about.batch_bytes.min(SHOWN);
        let mut batcher = Batcher::new(shown, table.fields(), table.identity(), together);
        table.find(self.link, &format!("{condition} FOR UPDATE SKIP LOCKED"), Some(places), &mut batcher)
    }

    /// How many rows refer to each of these places by a foreign key; rows of its table that go themselves left out.
    fn referring(&mut self, reference: &Reference, ctids: &[u64], going: &[u64]) -> Tried<HashMap<u64, u64>, Trouble> {
        let table = self.about.table.relation.quoted();
        let own = if going.is_empty() {
            String::new()
        } else {
            format!(" AND NOT EXISTS (SELECT FROM unnest({}) AS o(t) WHERE o.t = c.ctid)", tids(going))
        };
        let only = if reference.is_partitioned { "" } else { "ONLY " };
        let sql = format!(
            "SELECT p.ctid::text, count(*) FROM ONLY {table} AS p JOIN {only}{} AS c ON {} WHERE p.{}{own} GROUP BY 1",
            reference.table,
            reference.condition(),
            at(ctids)
        );
        let rows = match self.link.undoable(|link| link.rows(&sql))? {
            Ok(rows) => rows,
            Err(trouble) => return Ok(Err(refusal(&trouble))),
        };
        let counted = rows.iter().filter_map(|row| {
            let [Some(place), Some(count)] = &row[..] else { return None };
            Some((super::copy::ctid(place.as_bytes())?, count.parse().ok()?))
        });
        Ok(Ok(counted.collect()))
    }

    /// What else would change with values that others refer to; a note if they merely follow.
    fn followed(&mut self, columns: &[usize], ctids: &[u64]) -> Tried<Vec<String>, Trouble> {
        let names: Vec<String> = columns.iter().map(|&i| self.about.table.columns[i].name.clone()).collect();
        let mut notes = Vec::new();
        for i in 0..self.about.references.len() {
            let reference = self.about.references[i].clone();
            if !names.iter().any(|column| reference.refers_to(column)) || !Reference::carries(&reference.on_update) {
                continue;
            }
            if !reference.is_readable {
                return Ok(Err(reference.unseen(&self.about.role)));
            }
            let rows: u64 = match self.referring(&reference, ctids, &[])? {
                Ok(referring) => referring.values().sum(),
                Err(refusal) => return Ok(Err(refusal)),
            };
            match (rows, reference.on_update.as_str()) {
                (0, _) => {}
                (_, "c") => notes.push(format!("{rows} rows of {} followed the new key", reference.table)),
                _ => return Ok(Err(reference.refers(rows, "change those first"))),
            }
        }
        Ok(Ok(notes))
    }

    /// Changes rows that get new values of the same columns.
    fn set_alike(&mut self, rows: &[&Changed<u64>], columns: &[usize]) -> Tried<Vec<RowDigest>, Trouble> {
        let ctids: Vec<u64> = rows.iter().map(|(row, _)| row.place).collect();
        let notes = match self.followed(columns, &ctids)? {
            Ok(notes) => notes,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut parameters = vec![ctids.iter().map(|ctid| Some(tid(*ctid))).collect::<Vec<_>>()];
        for (at, &column) in columns.iter().enumerate() {
            let mut values = Vec::with_capacity(rows.len());
            for (_, assigned) in rows {
                let new = assigned[at].new.as_ref().map(|new| self.about.written[column].parameter(new.expose()));
                match new.transpose() {
                    Ok(value) => values.push(value),
                    Err(what) => {
                        let reason = format!("the column {} holds {what}", self.about.name(column));
                        return Ok(Err(Refusal::new(RefusalKind::Constraint, reason)));
                    }
                }
            }
            parameters.push(values);
        }
        let sql = self.update(columns);
        let moved = match self.link.with_names_of_role(|link| link.bound(&sql, parameters)) {
            Ok(moved) => moved,
            Err(trouble) if trouble.is_lost() => return Err(trouble),
            Err(trouble) => return Ok(Err(refusal(&trouble))),
        };
        let lossy = || columns.iter().any(|&column| self.about.written[column].may_lose());
        if moved.len() != rows.len() {
            let reason = if lossy() { LOSSY } else { KEPT };
            return Ok(Err(Refusal::new(RefusalKind::Constraint, reason)));
        }
        let mut to = HashMap::new();
        for row in moved {
            let place = |i: usize| super::copy::ctid(row.get(i)?.as_ref()?.as_bytes());
            let differs = (0..columns.len()).find(|i| row.get(i + 2).is_none_or(|is| is.as_deref() != Some("t")));
            if let Some(differs) = differs {
                let reason = format!(
                    "the column {} would not hold the new value as it is: its type or a trigger changes it",
                    self.about.name(columns[differs])
                );
                return Ok(Err(Refusal::new(RefusalKind::Constraint, reason)));
            }
            if let Some((from, now)) = place(0).zip(place(1)) {
                to.insert(from, now);
            }
        }
        let (numbers, after) = self.after(to.values().copied().collect())?;
        let number = |ctid: &u64| to.get(ctid).and_then(|now| numbers.get(now)).copied();
        for (row, _) in rows {
            let now = |of: &Assign| {
                let row = number(&row.place).unwrap_or(usize::MAX);
                after.value_in(row, &self.about.table.columns[of.column].name)
            };
            if let Some(of) = row.computed.iter().find(|of| of.still_stands_in(now(of))) {
                return Ok(Err(still_computed(&self.about.name(of.column))));
            }
        }
        let digests = after.digests();
        self.notes.extend(notes);
        let digest = |ctid| number(ctid).and_then(|row| digests.get(row)).copied();
        let digests: Option<Vec<_>> = ctids.iter().map(digest).collect();
        Ok(digests.ok_or_else(|| Refusal::new(RefusalKind::Constraint, KEPT)))
    }

    /// The statement that gives columns new values, and says which place each row went to and whether it took them.
    fn update(&self, columns: &[usize]) -> String {
        let (table, written) = (self.about.table.relation.quoted(), &self.about.written);
        let (mut list, mut new, mut set, mut took, mut only) =
            (vec!["i".to_owned()], Vec::new(), Vec::new(), Vec::new(), String::new());
        for (at, &column) in columns.iter().enumerate() {
            let name = self.about.name(column);
            list.push(format!("v{at}"));
            new.push(format!(", v{at}, {} AS n{at}", written[column].value(&table, &format!("v{at}"))));
            set.push(format!("{name} = v.n{at}"));
            let is = written[column].took(&format!("t.{name}"), &format!("v.n{at}"), &format!("v.v{at}"));
            took.push(format!(", CASE WHEN {is} THEN 't' END"));
            if let Some(keeps) = written[column].keeps(&table, &format!("t.{name}")) {
                only.push_str(&format!(" AND {keeps}"));
            }
        }
        let parameters: Vec<_> = (1..=list.len()).map(|i| format!("${i}::text[]")).collect();
        format!(
            "UPDATE ONLY {table} AS t SET {} FROM (SELECT i::tid AS i{} FROM unnest({}) AS u({})) AS v \
             WHERE t.ctid = v.i{only} RETURNING v.i::text, t.ctid::text{}",
            set.join(", "),
            new.concat(),
            parameters.join(", "),
            list.join(", "),
            took.concat()
        )
    }

    /// What stands at these places, and which row of it is at which.
    fn after(&mut self, ctids: Vec<u64>) -> Result<(HashMap<u64, usize>, After), Trouble> {
        let (table, places) = (&self.about.table, RefCell::new(Vec::new()));
        let mut after = After::default();
        let mut batcher = Batcher::new(&mut after, table.fields(), table.identity(), self.about.batch_bytes);
        table.find(self.link, &format!(" WHERE {}", at(&ctids)), Some(&places), &mut batcher)?;
        drop(batcher);
        Ok((places.take().into_iter().zip(0..).collect(), after))
    }
}

impl crate::write::Table for Writing<'_> {
    type Place = u64;
    type Error = Trouble;

    fn columns(&self) -> Vec<Arc<str>> {
        self.about.table.columns.iter().map(|column| column.name.as_str().into()).collect()
    }

    fn fits(&self, record: &Record) -> bool {
        let table = &self.about.table;
        match record {
            Record::Number(RecordKind::Ctid, _) => table.key.is_empty(),
            _ => key::fits(
                record,
                &table.key.iter().map(|&i| table.columns[i].logical == Logical::Integer).collect::<Vec<_>>(),
            ),
        }
    }

    fn lock(
        &mut self,
        records: &[Record],
        shown: &mut Shown<'_, u64>,
        places: &RefCell<Vec<u64>>,
    ) -> Result<Vec<(Record, Refusal)>, Trouble> {
        self.show(records, shown, places)?;
        let missing = |shown: &Shown<'_, u64>| records.iter().filter(|r| !shown.has(r)).cloned().collect::<Vec<_>>();
        let others = missing(shown);
        // What does not exist is not waited for.
        let Some(condition) = condition(self.link, &self.about.table, &others)? else { return Ok(Vec::new()) };
        let table = self.about.table.relation.quoted();
        let wait = format!("SELECT count(*) FROM (SELECT FROM ONLY {table}{condition} FOR UPDATE) AS w");
        let waited = self.link.undoable(|link| link.rows(&wait))?;
        let is_free = match &waited {
            Ok(rows) if rows.first().is_some_and(|row| row[0].as_deref() == Some("0")) => return Ok(Vec::new()),
            Ok(_) => true,
            Err(trouble) if matches!(trouble.code().as_deref(), Some("55P03" | "40P01")) => false,
            Err(_) => return waited.map(|_| Vec::new()),
        };
        self.show(&others, shown, places)?;
        let others = missing(shown);
        if is_free || others.is_empty() {
            return Ok(Vec::new());
        }
        let table = &self.about.table;
        let Some(condition) = super::find::condition(self.link, table, &others)? else { return Ok(Vec::new()) };
        let mut there = After::default();
        let mut batcher = Batcher::new(&mut there, table.fields(), table.identity(), self.about.batch_bytes);
        table.find(self.link, &condition, None, &mut batcher)?;
        drop(batcher);
        Ok(there.into_records().into_iter().map(|record| (record, locked())).collect())
    }

    fn is_generated(&self, column: usize) -> bool {
        self.about.written[column].is_generated
    }

    fn forbids(&self, value: &Assign) -> Option<Refusal> {
        let (name, written) = (self.about.name(value.column), &self.about.written[value.column]);
        let takes =
            Takes { is_generated: written.is_generated, is_not_null: written.is_not_null, most: self.about.long_value };
        takes.forbid(value, &name)
    }

    fn delete(&mut self, rows: &[Locked<u64>]) -> Tried<(), Trouble> {
        let ctids: Vec<u64> = rows.iter().map(|row| row.place).collect();
        let table = self.about.table.relation.quoted();
        let deleted = self.link.undoable(|link| {
            let sql = format!("DELETE FROM ONLY {table} WHERE ctid = ANY ({})", link.places(&ctids)?);
            match link.with_names_of_role(|link| link.affected(&sql))? {
                touched if touched == rows.len() as u64 => Ok(()),
                _ => Err(Trouble::Unreadable(KEPT.into())),
            }
        })?;
        Ok(deleted.map_err(|trouble| refusal(&trouble)))
    }

    fn set(&mut self, rows: &[Changed<u64>]) -> Tried<Vec<RowDigest>, Trouble> {
        // Rows with new values of the same columns are changed together.
        let mut alike: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (number, (_, values)) in rows.iter().enumerate() {
            alike.entry(values.iter().map(|value| value.column).collect()).or_default().push(number);
        }
        self.link.run("SAVEPOINT residuum_rows")?;
        let known = self.notes.len();
        let mut after = vec![RowDigest::default(); rows.len()];
        for (columns, numbers) in alike {
            let together: Vec<&Changed<u64>> = numbers.iter().map(|&number| &rows[number]).collect();
            match self.set_alike(&together, &columns)? {
                Ok(digests) => numbers.into_iter().zip(digests).for_each(|(number, digest)| after[number] = digest),
                Err(refusal) => {
                    self.link.run("ROLLBACK TO residuum_rows; RELEASE residuum_rows")?;
                    self.notes.truncate(known);
                    return Ok(Err(refusal));
                }
            }
        }
        self.link.run("RELEASE residuum_rows")?;
        Ok(Ok(after))
    }

    fn noted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn remarks(&self, _: bool) -> Vec<String> {
        let of = |triggers: &u64| {
            format!("the table has {triggers} triggers, which ran: what they write to other tables is not looked at")
        };
        Some(&self.about.triggers).filter(|&&triggers| triggers > 0).map(of).into_iter().collect()
    }
}

impl Tables for Together<'_> {
    type Place = u64;
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
        going: &[Vec<Locked<u64>>],
        with: Range<usize>,
    ) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let places = |number: usize| -> Vec<u64> { going[number].iter().map(|row| row.place).collect() };
        let names: Vec<String> = with.clone().map(|number| self.all[number].table.relation.quoted()).collect();
        let ctids = places(table);
        let mut refused: BTreeMap<usize, Refusal> = BTreeMap::new();
        for reference in &self.all[table].references {
            let all = |refusal: Refusal| (0..ctids.len()).map(|number| (number, refusal.clone())).collect();
            if !reference.is_readable {
                // The server itself sees to it that what merely forbids is kept.
                if Reference::carries(&reference.on_delete) {
                    return Ok(all(reference.unseen(&self.all[table].role)));
                }
                continue;
            }
            let go_too = names.iter().position(|name| *name == reference.table).map(|at| places(with.start + at));
            let mut writing = self.all[table].with(self.link);
            let referring = match writing.referring(reference, &ctids, &go_too.unwrap_or_default())? {
                Ok(referring) if referring.is_empty() => continue,
                Ok(referring) => referring,
                Err(refusal) => return Ok(all(refusal)),
            };
            for (number, ctid) in ctids.iter().enumerate() {
                if let Some(&rows) = referring.get(ctid) {
                    refused.entry(number).or_insert_with(|| reference.refers(rows, "delete or change those first"));
                }
            }
        }
        Ok(refused.into_iter().collect())
    }

    /// In one statement, at whose end the server looks at its foreign keys, whether they can be deferred or not.
    fn delete_together(&mut self, going: &[Vec<Locked<u64>>], tables: Range<usize>) -> Tried<(), Trouble> {
        let (mut parts, mut counts, mut all) = (Vec::new(), Vec::new(), 0);
        for number in tables.filter(|&number| !going[number].is_empty()) {
            let ctids: Vec<u64> = going[number].iter().map(|row| row.place).collect();
            let table = self.all[number].table.relation.quoted();
            parts.push(format!("d{number} AS (DELETE FROM ONLY {table} WHERE {} RETURNING 1)", at(&ctids)));
            counts.push(format!("(SELECT count(*) FROM d{number})"));
            all += ctids.len();
        }
        let sql = format!("WITH {} SELECT {}", parts.join(", "), counts.join(" + "));
        let deleted = self.link.undoable(|link| {
            let rows = link.with_names_of_role(|link| link.rows(&sql))?;
            let touched = rows.into_iter().flatten().next().flatten();
            if touched == Some(all.to_string()) { Ok(()) } else { Err(Trouble::Unreadable(KEPT.into())) }
        })?;
        Ok(deleted.map_err(|trouble| refusal(&trouble)))
    }
}

/// Bytes of locked rows that are shown together, about: while the first are looked at, the server locks the next ones, as
/// far ahead as the connection holds what it sends.
const SHOWN: usize = 64 << 10;

const KEPT: &str = "a trigger or a rule keeps the row as it is";
const LOSSY: &str =
    "its value cannot be written back from what is read of it without a loss, or a trigger keeps it: change it by hand";
