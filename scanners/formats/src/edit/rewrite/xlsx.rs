//! Workbooks of Excel: cells are blanked rather than moved, so that formulas and other rows stay where they are.
//!
//! A row that is deleted loses its values, comments and links and keeps the formats of its cells; a new value stands in
//! the cell itself. Shared strings that no cell uses any more are emptied, results of other formulas that hold a value
//! of three characters or more that is gone are taken out (the program that opens the workbook computes them again), and the order of computing is
//! left out where a formula has gone. Everything else in the package is copied as it stands.
//!
//! Each part that is looked at is held in memory, a quarter of [`Limits::whole_bytes`] at most.

mod parts;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use residuum_source::{Limits, ObjectPath, Record, RecordKind, Refusal};

use self::parts::{Element, Parts, elements};
use crate::edit::splice::{Splice, copy};
use crate::edit::walk::{Job, What, document};
use crate::edit::wish::{Set, Wishes};
use crate::edit::{not_found_again, unsupported};
use crate::{Bytes, Fault, Input, ReadAt};

/// What is done with the parts of a workbook.
#[derive(Default)]
pub(in crate::edit) struct Edits {
    splices: BTreeMap<String, Vec<Splice>>,
    dropped: BTreeSet<String>,
}

/// What is wanted of the rows of one sheet, counted from 1.
#[derive(Default)]
struct Rows {
    deleted: BTreeMap<u32, Record>,
    /// Replaced cells by row and column, counted from 0.
    sets: BTreeMap<(u32, u32), (Record, Set)>,
}

/// Finds out which wishes can be written.
pub(super) fn settle(
    from: Arc<dyn ReadAt>,
    wishes: Wishes,
    limits: &Limits,
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> Result<(Edits, u64, u64), Fault> {
    let mut parts = Parts::open(from, limits)?;
    let book = parts.related("", "officeDocument")?.pop().map_or("xl/workbook.xml".to_owned(), |(_, part)| part);
    let sheets = parts.sheets(&book)?;
    let (mut by_sheet, unused, mut counts) = sorted(wishes, &sheets, refuse);
    let shared = parts.related(&book, "sharedStrings")?.pop().map(|(_, part)| part);
    let strings = shared.as_ref().map(|part| parts.text(part)).transpose()?.unwrap_or_default();
    let strings: Vec<Element> = elements(&strings, &["si"])?;
    let (mut edits, mut state) = (Edits::default(), sheet::State::new(&strings));
    state.freed.extend(unused.keys());
    // The sheets that are edited first: what goes there is looked for in the others.
    for (name, part) in &sheets {
        let Some(rows) = by_sheet.get_mut(name) else { continue };
        let text = parts.text(part)?;
        let comments = comments(&mut parts, part)?;
        let commented = comments.iter().map(|(row, ..)| *row).collect();
        for (record, refusal) in sheet::check(&text, rows, &commented)? {
            counts.take_back(&record);
            refuse(&record, refusal);
        }
        let done = sheet::edited(&text, rows, &mut state)?;
        edits.splices.entry(part.clone()).or_default().extend(done.splices);
        for (_, part, splice) in comments.into_iter().filter(|(row, ..)| rows.deleted.contains_key(row)) {
            edits.splices.entry(part).or_default().push(splice);
        }
        without_links(&mut parts, part, &done.links, &mut edits)?;
    }
    for (_, part) in &sheets {
        let text = parts.text(part)?;
        let splices = edits.splices.entry(part.clone()).or_default();
        splices.extend(sheet::stale_results(&text, splices, &mut state)?);
    }
    for (string, record) in unused {
        if string >= strings.len() || state.used.contains(&string) {
            counts.take_back(&record);
            refuse(&record, not_found_again());
        }
    }
    if let Some(shared) = &shared {
        let of_freed = |(_, string): (usize, &Element)| Splice { old: string.range(), new: string.emptied() };
        let freed = strings.iter().enumerate().filter(|(i, _)| state.freed.contains(i) && !state.used.contains(i));
        edits.splices.entry(shared.clone()).or_default().extend(freed.map(of_freed));
    }
    if state.formula_gone {
        without_chain(&mut parts, &book, &mut edits)?;
    }
    edits.splices.retain(|_, splices| !splices.is_empty());
    edits.splices.values_mut().for_each(|splices| splices.sort_by_key(|splice| splice.old.start));
    Ok((edits, counts.deleted.len() as u64, counts.changed.len() as u64))
}

/// Records that are edited so far.
#[derive(Default)]
struct Counts {
    deleted: BTreeSet<Record>,
    changed: BTreeSet<Record>,
}

impl Counts {
    fn take_back(&mut self, record: &Record) {
        self.deleted.remove(record);
        self.changed.remove(record);
    }
}

/// The wishes by sheet, and the shared strings that are to go though no cell uses them; what is neither is refused.
fn sorted(
    wishes: Wishes,
    sheets: &[(String, String)],
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> (BTreeMap<String, Rows>, BTreeMap<usize, Record>, Counts) {
    let (mut by_sheet, mut unused, mut counts) = (BTreeMap::<String, Rows>::new(), BTreeMap::new(), Counts::default());
    let of_row = |record: &Record| row_of(record).filter(|(name, _)| sheets.iter().any(|(sheet, _)| sheet == name));
    let no_row =
        || unsupported("it stands in the workbook beside its cells: change it in Excel (File, Info, Inspect Document)");
    for record in &wishes.deletes {
        match (of_row(record), unused_string(record)) {
            (Some((sheet, row)), _) => {
                by_sheet.entry(sheet).or_default().deleted.insert(row, record.clone());
                counts.deleted.insert(record.clone());
            }
            (None, Some(string)) => {
                unused.insert(string, record.clone());
                counts.deleted.insert(record.clone());
            }
            (None, None) => refuse(record, no_row()),
        }
    }
    for (record, sets) in wishes.sets.into_iter().filter(|(record, _)| !wishes.deletes.contains(record)) {
        let Some((sheet, row)) = of_row(&record) else {
            refuse(&record, no_row());
            continue;
        };
        if sets.iter().any(|set| set.letter.is_none() || set.text.is_none()) {
            let reason = "a comment, link or formula, or a very long text, is not replaced: change it in Excel, or delete the row";
            refuse(&record, unsupported(reason));
            continue;
        }
        let rows = by_sheet.entry(sheet).or_default();
        for set in sets {
            rows.sets.insert((row, set.letter.unwrap_or_default()), (record.clone(), set));
        }
        counts.changed.insert(record);
    }
    (by_sheet, unused, counts)
}

/// The sheet and the row that a record is.
fn row_of(record: &Record) -> Option<(String, u32)> {
    let text = record.text().filter(|_| record.kind() == RecordKind::Cell)?;
    serde_json::from_str(&format!("{text}]")).ok()
}

/// The shared string that a record is which no cell uses.
fn unused_string(record: &Record) -> Option<usize> {
    let text = record.text().filter(|_| record.kind() == RecordKind::Part)?;
    text.strip_suffix(", in no cell")?.rsplit_once(" string ")?.1.parse().ok()
}

/// The comments on a sheet: the row each stands at, its part, and how it is taken out.
fn comments(parts: &mut Parts, sheet: &str) -> Result<Vec<(u32, String, Splice)>, Fault> {
    let mut found = Vec::new();
    for kind in ["comments", "threadedComment"] {
        for (_, part) in parts.related(sheet, kind)? {
            let text = parts.text(&part)?;
            let comments = elements(&text, &["comment", "threadedComment"])?;
            let placed = comments.iter().filter_map(|comment| Some((sheet::row_of(comment)?, comment.range())));
            found.extend(placed.map(|(row, old)| (row, part.clone(), Splice { old, new: Vec::new() })));
        }
    }
    Ok(found)
}

/// Takes out what links that are gone lead to.
fn without_links(parts: &mut Parts, sheet: &str, links: &[String], edits: &mut Edits) -> Result<(), Fault> {
    let relations = parts::relations_of(sheet);
    if !links.is_empty() && parts.has(&relations) {
        let text = parts.text(&relations)?;
        let all = elements(&text, &["Relationship"])?;
        let gone = all.iter().filter(|one| one.attribute("Id").is_some_and(|id| links.contains(&id)));
        let splices = gone.map(|one| Splice { old: one.range(), new: Vec::new() });
        edits.splices.entry(relations).or_default().extend(splices);
    }
    Ok(())
}

/// Leaves out the order in which formulas are computed: it must not name a cell without one.
fn without_chain(parts: &mut Parts, book: &str, edits: &mut Edits) -> Result<(), Fault> {
    for (id, part) in parts.related(book, "calcChain")? {
        let name = format!("/{part}");
        for (list, element, attribute, wanted) in [
            ("[Content_Types].xml".to_owned(), "Override", "PartName", name.as_str()),
            (parts::relations_of(book), "Relationship", "Id", id.as_str()),
        ] {
            let text = parts.text(&list)?;
            let all = elements(&text, &[element])?;
            let gone = all.iter().filter(|one| one.attribute(attribute).as_deref() == Some(wanted));
            let splices = gone.map(|one| Splice { old: one.range(), new: Vec::new() });
            edits.splices.entry(list).or_default().extend(splices);
        }
        edits.dropped.insert(part);
    }
    Ok(())
}

/// Writes the workbook with its edited parts.
pub(super) fn write(edits: &Edits, from: Arc<dyn ReadAt>, limits: &Limits, out: &mut dyn Write) -> Result<(), Fault> {
    let within = crate::container::Within::new(limits, from.size());
    let path = ObjectPath::from_bytes(b"");
    document(&path, Bytes::new(Input::Stored(from)), &within, &mut Members { edits }, out)
}

/// Edits the members of the package.
struct Members<'e> {
    edits: &'e Edits,
}

fn part_of(path: &ObjectPath) -> String {
    String::from_utf8_lossy(&path.levels().pop().unwrap_or_default())
        .replace('\\', "/")
        .trim_start_matches('/')
        .to_owned()
}

impl Job for Members<'_> {
    fn what(&mut self, path: &ObjectPath) -> What {
        let part = part_of(path);
        let is = |name: &String| name.eq_ignore_ascii_case(&part);
        match () {
            () if self.edits.dropped.iter().any(is) => What::Drop,
            () if self.edits.splices.keys().any(is) => What::Edit,
            () => What::Keep,
        }
    }

    fn is_dry(&self) -> bool {
        false
    }

    fn edit(&mut self, path: &ObjectPath, mut bytes: Bytes<'_>, out: &mut dyn Write) -> Result<(), Fault> {
        let part = part_of(path);
        let splices = self.edits.splices.iter().find(|(name, _)| name.eq_ignore_ascii_case(&part));
        copy(&mut bytes, splices.map_or(&[], |(_, splices)| splices), out)
    }

    fn len_after(&self, _: &ObjectPath) -> Option<u64> {
        None
    }
}
