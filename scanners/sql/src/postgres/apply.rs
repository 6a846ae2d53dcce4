//! Deletes and changes rows, in one transaction over all tables.
//!
//! Rows are locked (`FOR UPDATE`) by the statement that shows them, and addressed by their places from there on: a row
//! that this transaction has locked does not move. Constraints are checked at once rather than at the end, so that what
//! one forbids is known by row. A connection that breaks leaves nothing behind.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use residuum_source::{Editor, Limits, Part, Receipt, Record, Refusal, RefusalKind, SourceError, Target};

use super::read::Table;
use super::session::Link;
use super::writing::{About, Together};
use super::{Postgres, error, parts};
use crate::link::{Failed, Trouble, Verdict};
use crate::quote::Ident;
use crate::write::write;

/// See [`residuum_source::Apply::apply`].
pub fn apply(
    source: &Postgres,
    targets: &[Target],
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Vec<Receipt>, SourceError> {
    let whole = |trouble: Trouble| match trouble.is_lost() {
        true => trouble.verdict("", "").lost(targets),
        false => error::source(&source.name, &source.target, trouble),
    };
    let begun = source.link_to_write().map_err(|failed| match failed {
        Failed::Connect(error) => error,
        Failed::Begin(trouble) => whole(trouble),
    })?;
    let Some(mut link) = begun else {
        let refusal = Refusal::new(RefusalKind::ReadOnly, "the server is a standby: write to its primary server");
        targets.iter().for_each(|target| editor.refused(&target.object, None, refusal.clone()));
        return Ok(Vec::new());
    };
    let (mut all, mut parts) = (Vec::new(), Vec::new());
    for target in targets {
        if let Some((about, part, records)) = described(source, &mut link, target, limits, editor).map_err(whole)? {
            all.push(about);
            parts.push((part, records));
        }
    }
    let receipts = write(&mut Together { all, link: &mut link }, &parts, editor).map_err(whole)?;
    if receipts.is_empty() {
        source.keep(link, "ROLLBACK");
        return Ok(receipts);
    }
    source.written.store(true, Ordering::Relaxed);
    link.run("COMMIT").map_err(whole)?;
    // The next batch writes by the same session, whose server has read the catalog once.
    source.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    Ok(receipts)
}

/// A table with the records of it that are to be shown.
type Described<'t> = (About, Part, &'t [Record]);

/// What is known of a table that can be written to.
fn described<'t>(
    source: &Postgres,
    link: &mut Link,
    target: &'t Target,
    limits: &Limits,
    editor: &mut dyn Editor,
) -> Result<Option<Described<'t>>, Trouble> {
    let records = target.records.get(&target.object).map_or(&[][..], Vec::as_slice);
    if records.is_empty() {
        return Ok(None);
    }
    let described = link.undoable(|link| {
        let table = Table::now(source, &target.object, link)?;
        Ok(match unwritable(&table, link, &source.server.role)? {
            Some(refusal) => Err(refusal),
            None => Ok(About::of(table, link, source, limits)?),
        })
    })?;
    let role = &source.server.role;
    let described = described.unwrap_or_else(|trouble| {
        let (schema, name) = parts(&target.object);
        let grant = grant(&format!("{}.{}", Ident(&schema), Ident(&name)), role);
        Err(match trouble.code().as_deref() {
            Some("42501") => match trouble.verdict(&Ident(role).to_string(), &grant) {
                Verdict::Lost(reason) | Verdict::Unreadable(reason) => Refusal::new(RefusalKind::ReadOnly, reason),
                Verdict::Stopped => Refusal::new(RefusalKind::Failed, "stopped"),
            },
            Some("55P03") => Refusal::new(RefusalKind::Locked, "another session has the table locked: try again"),
            Some("42P01" | "3F000") => {
                Refusal::new(RefusalKind::Changed, "there is no such table any more: scan again")
            }
            _ => match trouble.verdict(&Ident(role).to_string(), &grant) {
                Verdict::Lost(reason) | Verdict::Unreadable(reason) => Refusal::new(RefusalKind::Failed, reason),
                Verdict::Stopped => Refusal::new(RefusalKind::Failed, "stopped"),
            },
        })
    });
    let about = match described {
        Ok(about) => about,
        Err(refusal) => {
            editor.refused(&target.object, None, refusal);
            return Ok(None);
        }
    };
    let primary_key = about.table.relation.primary_key.clone();
    let part = Part { path: target.object.clone(), format: "table", encoding: None, primary_key };
    Ok(Some((about, part, records)))
}

/// Why nothing can be written to a table.
fn unwritable(table: &Table, link: &mut Link, role: &str) -> Result<Option<Refusal>, Trouble> {
    let relation = &table.relation;
    if let Some(reason) = relation.holds_no_rows_of_its_own() {
        return Ok(Some(Refusal::new(RefusalKind::Unsupported, reason)));
    }
    let oid = relation.oid();
    let rights = link.rows(&format!(
        "SELECT bool_and(has_table_privilege({oid}, p)), row_security_active({oid}::oid) \
         FROM unnest('{{SELECT,UPDATE,DELETE}}'::text[]) AS p"
    ))?;
    let is = |i: usize| rights.first().and_then(|row| row.get(i)).is_some_and(|value| value.as_deref() == Some("t"));
    Ok(match (is(0), is(1)) {
        (false, _) => {
            let grant = grant(&relation.quoted(), role);
            Some(Refusal::new(RefusalKind::ReadOnly, format!("permission denied: {grant}")))
        }
        (true, true) => Some(Refusal::new(RefusalKind::ReadOnly, error::hidden_rows(&Ident(role).to_string()))),
        (true, false) => None,
    })
}

fn grant(table: &str, role: &str) -> String {
    format!("`GRANT SELECT, UPDATE, DELETE ON {table} TO {}`", Ident(role))
}
