//! What dictionaries, indexes and statistics hold and no row: of a stripe, and of the whole file.

use std::sync::Arc;

use super::File;
use super::proto::{Damaged, fields};
use super::streams::Streams;
use super::types::Kind;
use crate::Fault;
use crate::arrays::Beside;
use crate::arrays::beside::NO_ROW;
use crate::json::append_key;

/// What stands beside the rows of a stripe.
pub(super) fn of(file: &File<'_>, stripe: usize, streams: &mut Streams<'_>, faults: &mut Vec<Fault>) -> Beside {
    let mut beside = Beside::default();
    for (number, entries) in std::mem::take(&mut streams.dictionaries) {
        if let Some(name) = file.fields.name(number) {
            beside.dictionary(name, &entries);
        }
    }
    match file.tail.statistics_of(stripe) {
        Ok(statistics) => add(file, statistics.into_iter(), &mut beside),
        Err(Damaged) => faults.push(Fault::unreadable("its statistics make no sense")),
    }
    for (name, number) in texts(file) {
        let index = streams.index(number).and_then(|index| {
            let Some(index) = index else { return Ok(()) };
            for bound in of_index(&index)? {
                bound.add(name, true, &mut beside);
            }
            Ok(())
        });
        if let Err(fault) = index {
            faults.push(Fault { reason: format!("the index of column `{name}`: {}", fault.reason), ..fault });
        }
    }
    beside
}

/// What the statistics of the file say, as long as no row has been read.
pub(super) fn of_file(file: &File<'_>) -> Beside {
    let mut beside = Beside::default();
    add(file, file.tail.statistics(), &mut beside);
    beside
}

/// What whoever wrote the file noted about it.
pub(super) fn of_notes(file: &File<'_>) -> Beside {
    let mut beside = Beside::default();
    for (name, text) in file.tail.notes.iter().filter(|(_, text)| !text.is_empty()) {
        let mut field = String::new();
        append_key(&mut field, name);
        beside.entry(&field.into(), text.clone());
    }
    beside
}

/// The name of the record that holds what stands beside the rows of a stripe.
pub(super) fn of_stripe(number: usize) -> String {
    format!("stripe {number}{NO_ROW}")
}

/// The name of the record that holds what stands in the file's own statistics.
pub(super) fn of_all() -> String {
    format!("statistics{NO_ROW}")
}

/// The columns that hold texts: their names and numbers.
fn texts<'f>(file: &'f File<'_>) -> impl Iterator<Item = (&'f Arc<str>, u32)> {
    let leaves = file.fields.names.iter().zip(file.fields.leaves.iter().copied());
    leaves.filter(|(_, number)| file.tail.columns[*number as usize].kind == Kind::Text)
}

/// Takes in the statistics of all columns. One that makes no sense says nothing.
fn add<'s>(file: &File<'_>, statistics: impl Iterator<Item = &'s [u8]>, beside: &mut Beside) {
    let statistics: Vec<&[u8]> = statistics.collect();
    for (name, number) in texts(file) {
        let of_column = statistics.get(number as usize).and_then(|message| of_texts(message).ok());
        of_column.into_iter().flatten().for_each(|bound| bound.add(name, false, beside));
    }
}

/// A least or a greatest value.
struct Bound {
    text: Vec<u8>,
    is_whole: bool,
}

impl Bound {
    /// There may be very many in an index.
    fn add(self, name: &Arc<str>, is_one_of_many: bool, beside: &mut Beside) {
        match self.is_whole && is_one_of_many {
            _ if self.text.is_empty() => {}
            true => beside.entry(name, self.text),
            false => beside.bound(name, self.text, self.is_whole),
        }
    }
}

/// The bounds in the statistics of a column of texts.
fn of_texts(statistics: &[u8]) -> Result<Vec<Bound>, Damaged> {
    let mut bounds = Vec::new();
    fields::<Damaged>(statistics, |field, value| {
        if field != 4 {
            return Ok(());
        }
        fields::<Damaged>(value.bytes()?, |field, value| {
            // Least and greatest value, or what is below and above them if they are too long.
            if matches!(field, 1 | 2 | 4 | 5) {
                bounds.push(Bound { text: value.bytes()?.to_vec(), is_whole: field <= 2 });
            }
            Ok(())
        })
    })?;
    Ok(bounds)
}

/// The bounds in an index: of each stretch of rows.
fn of_index(index: &[u8]) -> Result<Vec<Bound>, Damaged> {
    let mut bounds = Vec::new();
    fields::<Damaged>(index, |field, entry| {
        if field != 1 {
            return Ok(());
        }
        fields::<Damaged>(entry.bytes()?, |field, statistics| {
            if field == 2 {
                bounds.extend(of_texts(statistics.bytes()?)?);
            }
            Ok(())
        })
    })?;
    Ok(bounds)
}
