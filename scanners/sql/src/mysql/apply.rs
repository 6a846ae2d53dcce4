//! Deletes and changes rows, in one transaction over all tables.
//!
//! Rows are locked (`FOR UPDATE`) by the statement that shows them, and addressed by their key from there on. A
//! deadlock makes the server undo the whole transaction: everything begins again then. Tables of engines without
//! transactions are refused: what is done to them could not be undone when something else fails.

use std::sync::atomic::Ordering;

use residuum_source::{
    Batch, Change, Editor, Limits, ObjectPath, Part, Receipt, Record, Refusal, RefusalKind, SourceError, Target,
};

use super::error::{is_lost, number, verdict};
use super::schema::{Relation, grant_of};
use super::session::Link;
use super::table::Table;
use super::writing::{About, Together, is_undone};
use super::{MySql, error, parts};
use crate::link::{Trouble, Verdict};
use crate::quote::Backticked;
use crate::write::write;

/// Attempts at a transaction that the server undid because of a deadlock.
const ATTEMPTS: u32 = 3;

/// See [`residuum_source::Apply::apply`].
pub fn apply(
    source: &MySql,
    targets: &[Target],
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Vec<Receipt>, SourceError> {
    let whole = |trouble: Trouble| match is_lost(&trouble) {
        true => verdict(trouble, "").lost(targets),
        false => error::source(&source.name, &source.target, trouble),
    };
    let mut link = begin(source)?;
    for _ in 0..ATTEMPTS {
        let mut attempted = Attempted { editor: &mut *editor, refused: Vec::new() };
        match attempt(source, &mut link, targets, limits, &mut attempted) {
            Err(trouble) if is_undone(&trouble) => link.run("ROLLBACK").map_err(whole)?,
            done => {
                let done = done.map_err(whole)?;
                attempted.settle();
                return Ok(done);
            }
        }
    }
    let refusal = Refusal::new(RefusalKind::Locked, "other sessions hold locks that it needs: try again");
    targets.iter().for_each(|target| editor.refused(&target.object, None, refusal.clone()));
    Ok(Vec::new())
}

/// Passes everything on to an editor but refusals: what an attempt refused that the server undid, the next may not.
struct Attempted<'e> {
    editor: &'e mut dyn Editor,
    refused: Vec<(ObjectPath, Option<Record>, Refusal)>,
}

impl Attempted<'_> {
    /// Hands over what was refused, once it is settled.
    fn settle(self) {
        for (part, record, refusal) in self.refused {
            self.editor.refused(&part, record.as_ref(), refusal);
        }
    }
}

impl Editor for Attempted<'_> {
    fn open(&mut self, part: &Part) {
        self.editor.open(part);
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        self.editor.edit(batch)
    }

    fn close(&mut self) {
        self.editor.close();
    }

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        // What is decided about rows that are shown later may depend on it; a part that is opened again forgets it.
        if record.is_some() && refusal.kind == RefusalKind::Locked {
            return self.editor.refused(part, record, refusal);
        }
        self.refused.push((part.clone(), record.cloned(), refusal));
    }
}

/// A session that waits for locks as long as its options say, and takes no value that does not fit.
fn begin(source: &MySql) -> Result<Link, SourceError> {
    let mut link = Link::connect(&source.name, &source.target, &source.options)?;
    let wait = source.options.lock_timeout.as_secs().max(1);
    let settled = link.settle(&source.server).and_then(|()| {
        link.run(&format!(
            "SET SESSION innodb_lock_wait_timeout = {wait}, foreign_key_checks = 1, unique_checks = 1, autocommit = 1, \
             sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO'"
        ))
    });
    settled.map_err(|trouble| error::source(&source.name, &source.target, trouble))?;
    Ok(link)
}

fn attempt(
    source: &MySql,
    link: &mut Link,
    targets: &[Target],
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Vec<Receipt>, Trouble> {
    link.run("START TRANSACTION")?;
    let (mut all, mut parts) = (Vec::new(), Vec::new());
    for target in targets {
        if let Some((about, part, records)) = described(source, link, target, limits, editor)? {
            all.push(about);
            parts.push((part, records));
        }
    }
    let receipts = write(&mut Together { all, link: &mut *link }, &parts, editor)?;
    if !receipts.is_empty() {
        source.written.store(true, Ordering::Relaxed);
    }
    link.run(if receipts.is_empty() { "ROLLBACK" } else { "COMMIT" })?;
    Ok(receipts)
}

/// A table with the records of it that are to be shown.
type Described<'t> = (About, Part, &'t [Record]);

/// What is known of a table that can be written to.
fn described<'t>(
    source: &MySql,
    link: &mut Link,
    target: &'t Target,
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Option<Described<'t>>, Trouble> {
    let records = target.records.get(&target.object).map_or(&[][..], Vec::as_slice);
    if records.is_empty() {
        return Ok(None);
    }
    let (schema, name) = parts(&target.object);
    let server = &source.server;
    let described = Table::describe(link, &schema, &name, &server.user, source.options.long_value, server.max_packet)
        .and_then(|table| match unwritable(&table.relation, !table.key.is_empty()) {
            Some(reason) => Ok(Err(Refusal::new(RefusalKind::Unsupported, reason))),
            None => {
                may_write(link, &table)?;
                Ok(Ok(About::of(table, link, source, limits)?))
            }
        });
    let grant = grant_of("SELECT, UPDATE, DELETE", &schema, &name, &server.user);
    let about = match described {
        Ok(Ok(about)) => about,
        Ok(Err(refusal)) => {
            editor.refused(&target.object, None, refusal);
            return Ok(None);
        }
        Err(trouble) if is_lost(&trouble) || is_undone(&trouble) => return Err(trouble),
        Err(trouble) => {
            let (kind, reason) = match number(&trouble) {
                Some(1142 | 1143 | 1044 | 1370 | 1227) => {
                    (RefusalKind::ReadOnly, format!("permission denied: {grant}"))
                }
                Some(1290 | 1792 | 1836) => {
                    (RefusalKind::ReadOnly, "the server takes no changes: it is read-only".into())
                }
                Some(1205) => (RefusalKind::Locked, "another session has the table locked: try again".into()),
                Some(1146 | 1049) => (RefusalKind::Changed, "there is no such table any more: scan again".into()),
                _ => match verdict(trouble, &grant) {
                    Verdict::Lost(reason) | Verdict::Unreadable(reason) => (RefusalKind::Failed, reason),
                    Verdict::Stopped => (RefusalKind::Failed, "stopped".into()),
                },
            };
            editor.refused(&target.object, None, Refusal::new(kind, reason));
            return Ok(None);
        }
    };
    let primary_key = about.table.relation.key.clone();
    let part = Part { path: target.object.clone(), format: "table", encoding: None, primary_key };
    Ok(Some((about, part, records)))
}

/// Why nothing can be written to a table, whatever the rights.
pub fn unwritable(relation: &Relation, has_key: bool) -> Option<String> {
    let reason = if relation.is_foreign() {
        format!(
            "its rows lie in other places ({}): scan those as sources of their own, and erase there",
            relation.engine
        )
    } else if !relation.has_snapshot {
        format!(
            "the engine {} has no transactions, so that nothing could be undone: `ALTER TABLE {} ENGINE = InnoDB`, or delete by hand",
            relation.engine,
            relation.quoted()
        )
    } else if !has_key {
        "its rows cannot be told apart: give it a primary key, and scan again".into()
    } else {
        return None;
    };
    Some(reason)
}

/// Asks for each right that writing takes, of no row.
fn may_write(link: &mut Link, table: &Table) -> Result<(), Trouble> {
    let (quoted, key) = (table.relation.quoted(), Backticked(&table.columns[table.key[0]].name));
    link.run(&format!("SELECT 1 FROM {quoted} WHERE FALSE FOR UPDATE"))?;
    link.run(&format!("DELETE FROM {quoted} WHERE FALSE"))?;
    // A server checks the right to a column before it looks for rows; the key may be one that nobody may set.
    match link.run(&format!("UPDATE {quoted} SET {key} = {key} WHERE FALSE")) {
        Err(trouble) if !is_lost(&trouble) && !matches!(number(&trouble), Some(1142 | 1143 | 1044)) => Ok(()),
        done => done,
    }
}
