//! Writes what an editor decides about rows, inside a transaction that the connector has open.
//!
//! First the rows of all tables are locked and shown, chunk by chunk, those that others refer to before those that refer
//! to them: what is decided about an order is decided with its customer under lock. Then, table by table in the order
//! given, the rows that go are deleted and the others changed, as many at a time as the server takes. What the server
//! refuses is halved until the rows are found that it refuses. Tables that refer to each other in a circle are deleted
//! from together.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{Editor, Part, Receipt, Record, RecordKind, Refusal, RefusalKind};
use sha2::{Digest, Sha256};

use crate::edit::{Assign, Changed, Locked, RowDigest, Shown};

/// What was done, or why the server refuses it; else why the transaction cannot go on.
pub type Tried<T, E> = Result<Result<T, Refusal>, E>;

/// Tables within an open transaction, by number in the order in which they are written.
pub trait Tables {
    /// Where a row is.
    type Place;
    /// Why the transaction cannot go on.
    type Error;
    /// One of them.
    type Table<'t>: Table<Place = Self::Place, Error = Self::Error>
    where
        Self: 't;

    /// How many there are.
    fn count(&self) -> usize;

    /// The table of a number.
    fn table(&mut self, number: usize) -> Result<Self::Table<'_>, Self::Error>;

    /// Whether rows of one table may refer to rows of another, or to others of the same.
    fn refers(&self, from: usize, to: usize) -> bool;

    /// Which of the rows that are to go from a table cannot, because others refer to them that do not go: those of the
    /// tables of `with` are known to go as well.
    fn referred(
        &mut self,
        table: usize,
        going: &[Vec<Locked<Self::Place>>],
        with: Range<usize>,
    ) -> Result<Vec<(usize, Refusal)>, Self::Error>;

    /// Deletes the rows of tables that refer to each other, or to themselves, in a circle: all of them or none.
    fn delete_together(&mut self, going: &[Vec<Locked<Self::Place>>], tables: Range<usize>) -> Tried<(), Self::Error>;
}

/// A table within an open transaction.
pub trait Table {
    /// Where a row is.
    type Place;
    /// Why the transaction cannot go on.
    type Error;

    /// The names of its columns.
    fn columns(&self) -> Vec<Arc<str>>;

    /// Whether a record can be one of the table, by how its rows are told apart now.
    fn fits(&self, record: &Record) -> bool;

    /// Locks records, pushes them as a scan would, and notes where each is; gives those that cannot be locked.
    fn lock(
        &mut self,
        records: &[Record],
        shown: &mut Shown<'_, Self::Place>,
        places: &RefCell<Vec<Self::Place>>,
    ) -> Result<Vec<(Record, Refusal)>, Self::Error>;

    /// Whether a column is computed from others.
    fn is_generated(&self, column: usize) -> bool;

    /// Why a row cannot get this value, as far as the schema says.
    fn forbids(&self, value: &Assign) -> Option<Refusal>;

    /// Deletes rows, all of them or none.
    fn delete(&mut self, rows: &[Locked<Self::Place>]) -> Tried<(), Self::Error>;

    /// Changes rows, all of them or none; gives what stands in each afterwards.
    fn set(&mut self, rows: &[Changed<Self::Place>]) -> Tried<Vec<RowDigest>, Self::Error>;

    /// What there was to note while rows were changed; it is not told again.
    fn noted(&mut self) -> Vec<String>;

    /// What else is worth knowing once something was written, or deleted.
    fn remarks(&self, has_deleted: bool) -> Vec<String>;
}

/// Why a record is not shown that somebody else has locked.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub fn locked() -> Refusal {
    Refusal::new(RefusalKind::Locked, "another session has it locked: try again")
}

/// Why a row is not changed in which a computed column, named quoted, would keep what is to go.
pub fn still_computed(name: &dyn Display) -> Refusal {
    let reason = format!(
        "the column {name} is generated, and what is to go would still stand in it: change all columns that it is computed from"
    );
    Refusal::new(RefusalKind::Constraint, reason)
}

/// What a column takes, as far as the schema and this program's limits say.
pub struct Takes {
    /// It is computed from others.
    pub is_generated: bool,
    /// It has no nulls.
    pub is_not_null: bool,
    /// Bytes of a value, at most.
    pub most: u64,
}

impl Takes {
    /// Why the column of this name, quoted, cannot get this value.
    pub fn forbid(&self, value: &Assign, name: &dyn Display) -> Option<Refusal> {
        let (kind, reason) = match &value.new {
            _ if self.is_generated => {
                let reason = format!("the column {name} is generated: change the columns that it is computed from");
                (RefusalKind::Constraint, reason)
            }
            None if self.is_not_null => {
                let reason = format!("the column {name} is NOT NULL: give a value instead, or delete the record");
                (RefusalKind::Constraint, reason)
            }
            Some(new) if new.expose().len() as u64 > self.most => {
                (RefusalKind::Limit, format!("the new value of {name} is longer than {} bytes", self.most))
            }
            _ => return None,
        };
        Some(Refusal::new(kind, reason))
    }
}

/// Rows locked and shown at a time.
pub const LOCKED: usize = 5_000;
/// Rows written by one statement, at most.
pub const WRITTEN: usize = 10_000;
/// New values held before they are written, in bytes.
const HELD: usize = 32 << 20;

/// Shows records of tables to an editor and does what it asks; a receipt for each table in which anything was done.
///
/// `parts` are the tables with the records of each.
pub fn write<T: Tables>(
    tables: &mut T,
    parts: &[(Part, &[Record])],
    editor: &mut dyn Editor,
) -> Result<Vec<Receipt>, T::Error> {
    debug_assert_eq!(parts.len(), tables.count(), "each part is a table");
    let mut going: Vec<Vec<Locked<T::Place>>> = parts.iter().map(|_| Vec::new()).collect();
    let mut changing: Vec<Vec<Changed<T::Place>>> = parts.iter().map(|_| Vec::new()).collect();
    let mut done: Vec<Done> = parts.iter().map(|_| Done::default()).collect();
    for (number, (part, records)) in parts.iter().enumerate().rev() {
        let decided = show(&mut tables.table(number)?, part, records, editor, &mut done[number])?;
        (going[number], changing[number]) = decided;
    }
    let mut next = 0;
    while next < parts.len() {
        let group = next..end_of_circle(tables, next, &going);
        next = group.end;
        keep_referred(tables, &mut going, group.clone(), parts, editor)?;
        if is_circle(tables, &group, &going) {
            match tables.delete_together(&going, group.clone())? {
                Ok(()) => {
                    for number in group.clone() {
                        done[number].deleted(&std::mem::take(&mut going[number]));
                    }
                }
                // Of one table it may be single rows.
                Err(_) if group.len() == 1 => {}
                Err(refusal) => {
                    for number in group.clone() {
                        for row in going[number].drain(..) {
                            editor.refused(&parts[number].0.path, Some(&row.record), refusal.clone());
                        }
                    }
                }
            }
        }
        for number in group {
            let (part, table) = (&parts[number].0, &mut tables.table(number)?);
            // Rows that go make room for values that must not stand twice; those that did not fit into memory were set
            // before.
            delete(table, part, std::mem::take(&mut going[number]), editor, &mut done[number])?;
            set(table, part, std::mem::take(&mut changing[number]), editor, &mut done[number])?;
        }
    }
    let mut receipts = Vec::new();
    for (number, ((part, _), done)) in parts.iter().zip(done).enumerate() {
        let has_deleted = done.deleted > 0;
        if let Some(receipt) = done.receipt(part) {
            let remarks = tables.table(number)?.remarks(has_deleted);
            receipts.push(Receipt { notes: receipt.notes.into_iter().chain(remarks).collect(), ..receipt });
        }
    }
    Ok(receipts)
}

/// The end of the tables from one on that have to be deleted from together: rows that are to go from a later one refer
/// to rows of an earlier one.
fn end_of_circle<T: Tables>(tables: &T, first: usize, going: &[Vec<Locked<T::Place>>]) -> usize {
    let refers = |from: usize, to: usize| !going[from].is_empty() && !going[to].is_empty() && tables.refers(from, to);
    let (mut end, mut at) = (first + 1, first);
    while at < end {
        end =
            (end..going.len()).filter(|&later| refers(later, at)).map(|later| later + 1).max().unwrap_or(end).max(end);
        at += 1;
    }
    end
}

/// Whether rows that are to go may refer to each other in a circle.
fn is_circle<T: Tables>(tables: &T, group: &Range<usize>, going: &[Vec<Locked<T::Place>>]) -> bool {
    let only = group.start;
    group.len() > 1 || going[only].len() > 1 && tables.refers(only, only)
}

/// Leaves rows to which others refer that stay; a row that stays may be one that refers to another.
fn keep_referred<T: Tables>(
    tables: &mut T,
    going: &mut [Vec<Locked<T::Place>>],
    group: Range<usize>,
    parts: &[(Part, &[Record])],
    editor: &mut dyn Editor,
) -> Result<(), T::Error> {
    loop {
        let mut is_settled = true;
        for number in group.clone().filter(|&number| !going[number].is_empty()).collect::<Vec<_>>() {
            let referred = tables.referred(number, going, group.clone())?;
            is_settled &= referred.is_empty();
            let mut stay: HashMap<usize, Refusal> = referred.into_iter().collect();
            let mut row_number = 0;
            going[number].retain(|row| {
                let refusal = stay.remove(&row_number);
                row_number += 1;
                let goes = refusal.is_none();
                refusal.into_iter().for_each(|refusal| {
                    editor.refused(&parts[number].0.path, Some(&row.record), refusal);
                });
                goes
            });
        }
        if is_settled {
            return Ok(());
        }
    }
}

/// What is to become of the rows of a table.
type Rows<P> = (Vec<Locked<P>>, Vec<Changed<P>>);

/// Locks records and shows them to an editor; what it asks for is kept, unless that is too much to be held.
fn show<T: Table>(
    table: &mut T,
    part: &Part,
    records: &[Record],
    editor: &mut dyn Editor,
    done: &mut Done,
) -> Result<Rows<T::Place>, T::Error> {
    let (mut going, mut changing, mut held) = (Vec::new(), Vec::new(), 0);
    editor.open(part);
    let (records, others): (Vec<_>, Vec<_>) = records.iter().cloned().partition(|record| table.fits(record));
    for record in others {
        let refusal = match record.kind() {
            RecordKind::Document => {
                let reason = "a table is not deleted as a whole, nor its name: drop or rename it by hand";
                Refusal::new(RefusalKind::Unsupported, reason)
            }
            _ => {
                let reason = "its rows are told apart otherwise than when it was scanned: scan again";
                Refusal::new(RefusalKind::Changed, reason)
            }
        };
        editor.refused(&part.path, Some(&record), refusal);
    }
    for records in records.chunks(LOCKED) {
        let places = RefCell::new(Vec::new());
        let mut shown = Shown::new(editor, table.columns().into_iter(), records, &places);
        let others = table.lock(records, &mut shown, &places)?;
        let moved = shown.moved(records, &others);
        let decided = shown.decided();
        for (record, refusal) in others.into_iter().chain(moved).chain(decided.refused) {
            editor.refused(&part.path, Some(&record), refusal);
        }
        going.extend(decided.going);
        for (row, values) in decided.changing {
            // What is computed changes with what it is computed from: whether it did is seen afterwards.
            let (computed, values): (Vec<_>, Vec<_>) =
                values.into_iter().partition(|value| table.is_generated(value.column));
            let asked = if values.is_empty() { &computed } else { &values };
            match asked.iter().find_map(|value| table.forbids(value)) {
                Some(refusal) => editor.refused(&part.path, Some(&row.record), refusal),
                None => {
                    held += values.iter().chain(&computed).map(Assign::size).sum::<usize>();
                    changing.push((Locked { computed, ..row }, values));
                }
            }
        }
        if held > HELD {
            set(table, part, std::mem::take(&mut changing), editor, done)?;
            held = 0;
        }
    }
    editor.close();
    Ok((going, changing))
}

/// What was done to a table.
#[derive(Default)]
struct Done {
    deleted: u64,
    changed: u64,
    before: Vec<RowDigest>,
    after: Vec<RowDigest>,
    notes: Vec<String>,
}

impl Done {
    fn deleted<P>(&mut self, rows: &[Locked<P>]) {
        self.deleted += rows.len() as u64;
        self.before.extend(rows.iter().map(|row| row.before));
    }

    fn receipt(self, part: &Part) -> Option<Receipt> {
        if self.deleted + self.changed == 0 {
            return None;
        }
        // In whatever order the server gave the rows, the digest is the same.
        let digest = |mut rows: Vec<RowDigest>| {
            rows.sort_unstable();
            let mut all = Sha256::new();
            rows.iter().for_each(|row| all.update(row));
            Some(all.finalize().into())
        };
        Some(Receipt {
            object: part.path.as_str().to_owned(),
            deleted: self.deleted,
            changed: self.changed,
            before: digest(self.before),
            after: digest(self.after),
            notes: self.notes,
        })
    }
}

fn delete<T: Table>(
    table: &mut T,
    part: &Part,
    going: Vec<Locked<T::Place>>,
    editor: &mut dyn Editor,
    done: &mut Done,
) -> Result<(), T::Error> {
    halving(
        going,
        &mut |rows| table.delete(rows),
        &mut |row| row.record.clone(),
        &mut |rows, ()| done.deleted(rows),
        &mut |record, refusal| editor.refused(&part.path, Some(&record), refusal),
    )
}

fn set<T: Table>(
    table: &mut T,
    part: &Part,
    changing: Vec<Changed<T::Place>>,
    editor: &mut dyn Editor,
    done: &mut Done,
) -> Result<(), T::Error> {
    halving(
        changing,
        &mut |rows| table.set(rows),
        &mut |(row, _)| row.record.clone(),
        &mut |rows, after| {
            done.changed += rows.len() as u64;
            done.before.extend(rows.iter().map(|(row, _)| row.before));
            done.after.extend(after);
        },
        &mut |record, refusal| editor.refused(&part.path, Some(&record), refusal),
    )?;
    done.notes.extend(table.noted());
    Ok(())
}

/// Does something with rows, all at once where that can be; else with each half by itself.
fn halving<R, D, E>(
    mut rows: Vec<R>,
    work: &mut dyn FnMut(&[R]) -> Tried<D, E>,
    record: &mut dyn FnMut(&R) -> Record,
    done: &mut dyn FnMut(&[R], D),
    refused: &mut dyn FnMut(Record, Refusal),
) -> Result<(), E> {
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(WRITTEN));
        let mut open = vec![rows];
        while let Some(mut rows) = open.pop() {
            match work(&rows)? {
                Ok(given) => done(&rows, given),
                Err(refusal) => match &rows[..] {
                    [row] => refused(record(row), refusal),
                    _ => {
                        let later = rows.split_off(rows.len() / 2);
                        open.push(later);
                        open.push(rows);
                    }
                },
            }
        }
        rows = rest;
    }
    Ok(())
}
