//! How formats of text write what is wanted: one file for each that has rules of its own.
//!
//! A record's replacements are made all or not at all; what cannot be made is told.

mod cards;
mod csv;
mod json;
mod lines;
mod mail;
mod markup;
mod settings;
mod sql;
mod w3c;
mod yaml;

use std::collections::BTreeMap;
use std::ops::Range;

use residuum_source::{Record, Refusal};

use super::look::Kind;
use super::page::Page;
use super::splice::{Splice, TextSplice, encode};
use super::unsupported;
use super::wish::{Piece, Set, Wishes};
use crate::recognise::TextFormat;

/// What is done with a part.
#[derive(Default)]
pub(super) struct Settled {
    pub splices: Vec<Splice>,
    pub deleted: u64,
    pub changed: u64,
}

/// Settles how the wishes of one part are written.
pub(super) fn settle(
    mut wishes: Wishes,
    kind: &Kind,
    page: &Page,
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> Settled {
    let mut settled = Settled::default();
    let mut taken = Taken::default();
    if let Kind::Sql { .. } = kind {
        sql::check(&mut wishes, page, refuse);
    }
    for record in &wishes.deletes {
        match wishes.pieces.contains_key(record) {
            true => settled.deleted += 1,
            false => refuse(record, unsupported("this record cannot be taken out of its file: replace its values")),
        }
    }
    for cut in cuts(&wishes, kind, page) {
        taken.add(&cut);
        settled.splices.push(Splice { old: cut, new: Vec::new() });
    }
    for (record, sets) in wishes.sets.iter().filter(|(record, _)| !wishes.deletes.contains(*record)) {
        let pieces = wishes.pieces.get(record).map_or(&[][..], Vec::as_slice);
        match of_record(sets, pieces, kind, page).and_then(|splices| taken.reserve(splices)) {
            Ok(splices) => {
                settled.changed += 1;
                settled.splices.extend(splices);
            }
            Err(refusal) => refuse(record, refusal),
        }
    }
    settled.splices.sort_by_key(|splice| (splice.old.start, splice.old.end));
    settled
}

/// What goes with the deleted records.
fn cuts(wishes: &Wishes, kind: &Kind, page: &Page) -> Vec<Range<u64>> {
    let pieces = wishes.deleted_pieces();
    let all = || pieces.iter().map(|(_, piece)| *piece);
    match kind {
        Kind::Text(TextFormat::Csv(dialect)) => lines::cut(all(), page, dialect.newline),
        Kind::Text(TextFormat::Json | TextFormat::JsonLines) => json::cut(&pieces, page),
        Kind::Sql { .. } => sql::cut(wishes, &pieces, page),
        Kind::Text(TextFormat::Lines(_) | TextFormat::W3c | TextFormat::Sql) => lines::cut(all(), page, b'\n'),
        Kind::Text(TextFormat::Settings(_) | TextFormat::Cards(_)) => lines::cut(all(), page, b'\n'),
        Kind::Text(TextFormat::Yaml) => yaml::cut(all(), page),
        Kind::Text(TextFormat::Xml | TextFormat::Html) => markup::cut(all(), page),
        // A message stands in one list, its texts in others.
        Kind::Mail => all().filter(|piece| piece.list == 0).map(|piece| piece.bytes.clone()).collect(),
        Kind::Other => Vec::new(),
    }
}

/// The splices that replace values of one record.
fn of_record(sets: &[Set], pieces: &[Piece], kind: &Kind, page: &Page) -> Result<Vec<Splice>, Refusal> {
    let mut all: Vec<Splice> = Vec::new();
    for set in sets {
        let splices = match kind {
            Kind::Text(TextFormat::Csv(dialect)) => csv::value(set, dialect, page)?,
            Kind::Text(TextFormat::Json | TextFormat::JsonLines) => json::value(set, page)?,
            Kind::Text(TextFormat::Lines(_)) => lines::value(set)?,
            Kind::Sql { backslash } => sql::value(set, pieces.first(), *backslash, page)?,
            Kind::Text(TextFormat::Sql) | Kind::Other => {
                return Err(unsupported("values of this format are not replaced"));
            }
            Kind::Text(TextFormat::Xml) => markup::xml(set, page)?,
            Kind::Text(TextFormat::Html) => markup::html(set, page)?,
            Kind::Text(TextFormat::Yaml) => yaml::value(set, page)?,
            Kind::Text(TextFormat::Settings(kind)) => settings::value(set, *kind, page)?,
            Kind::Text(TextFormat::Cards(_)) => cards::value(set, page)?,
            Kind::Text(TextFormat::W3c) => w3c::value(set, page)?,
            Kind::Mail => mail::value(set, pieces, page)?,
        };
        for (old, new) in splices {
            let splice = Splice { old, new: encode(&new, page.encoding)? };
            // A name and its components are fields of the same bytes.
            if !all.contains(&splice) {
                all.push(splice);
            }
        }
    }
    Ok(all)
}

/// Each stretch replaced as it is, written by a function.
fn stretches(set: &Set, mut write: impl FnMut(&[u8]) -> Result<Vec<u8>, Refusal>) -> Result<Vec<TextSplice>, Refusal> {
    let mut all = Vec::new();
    for stretch in &set.stretches {
        let new = write(stretch.new.as_deref().unwrap_or_default())?;
        let mut pieces = stretch.pieces.iter();
        all.extend(pieces.next().map(|first| (first.clone(), new)));
        all.extend(pieces.map(|rest| (rest.clone(), Vec::new())));
    }
    Ok(all)
}

/// Text that must stay on its line.
fn one_line(new: &[u8]) -> Result<Vec<u8>, Refusal> {
    match new.iter().any(|b| matches!(b, b'\n' | b'\r')) {
        true => Err(unsupported("a line break cannot be written there: replace it by a value of one line")),
        false => Ok(new.to_vec()),
    }
}

/// Whether a text is a number as JSON and SQL write it.
pub(super) fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let leads = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    !leads
        && digits.first().is_some_and(u8::is_ascii_digit)
        && serde_json::from_slice::<serde_json::Number>(text).is_ok()
}

/// Which bytes are replaced already.
#[derive(Default)]
struct Taken(BTreeMap<u64, u64>);

impl Taken {
    fn add(&mut self, range: &Range<u64>) {
        self.0.insert(range.start, range.end);
    }

    fn meets(&self, range: &Range<u64>) -> bool {
        let before = self.0.range(..range.end.max(range.start + 1)).next_back();
        before.is_some_and(|(_, end)| *end > range.start)
    }

    /// Takes the bytes of splices, all or none.
    fn reserve(&mut self, mut splices: Vec<Splice>) -> Result<Vec<Splice>, Refusal> {
        splices.sort_by_key(|splice| (splice.old.start, splice.old.end));
        let overlaps = splices.windows(2).any(|two| two[1].old.start < two[0].old.end);
        if overlaps || splices.iter().any(|splice| self.meets(&splice.old)) {
            return Err(unsupported("two replacements are of the same bytes: ask for one of them"));
        }
        splices.iter().for_each(|splice| self.add(&splice.old));
        Ok(splices)
    }
}
