//! The cells of one sheet: blanked, replaced, and looked at for what else holds what is gone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use residuum_source::{Record, Refusal};

use super::Rows;
use super::parts::{Element, elements, elements_and_tags, position, position_in_row};
use crate::Fault;
use crate::edit::splice::Splice;
use crate::edit::{not_found_again, unsupported};

/// What is known across the sheets of a workbook.
pub(super) struct State<'s> {
    strings: &'s [Element],
    /// Shared strings that cells still use.
    pub used: BTreeSet<usize>,
    /// Shared strings that edited cells used.
    pub freed: BTreeSet<usize>,
    /// Texts that are gone, and numbers by their bits.
    gone: BTreeSet<String>,
    gone_numbers: HashSet<u64>,
    /// A cell with a formula was blanked.
    pub formula_gone: bool,
}

impl<'s> State<'s> {
    pub fn new(strings: &'s [Element]) -> Self {
        let (used, freed, gone) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { strings, used, freed, gone, gone_numbers: HashSet::new(), formula_gone: false }
    }

    /// Notes what a cell held. Up to two characters say nothing about anybody, and stand in many results.
    fn goes(&mut self, cell: &Cell<'_>, shared: Option<usize>) {
        let was = match (shared, &cell.value) {
            (Some(i), _) => &self.strings[i].text,
            (None, Some(value)) => &value.text,
            (None, None) => &cell.element.text,
        };
        let was = was.trim();
        if was.len() > 2 {
            match number(cell, was) {
                Some(number) => drop(self.gone_numbers.insert(number)),
                None => drop(self.gone.insert(was.to_owned())),
            }
        }
    }

    /// Whether the result of a formula holds what is gone: a text as a part, a number as a whole.
    fn is_stale(&self, cell: &Cell<'_>, result: &str) -> bool {
        match number(cell, result.trim()) {
            Some(number) => self.gone_numbers.contains(&number),
            None => cell.kind == "str" && self.gone.iter().any(|gone| result.contains(gone.as_str())),
        }
    }
}

/// What was done with a sheet.
pub(super) struct Done {
    pub splices: Vec<Splice>,
    /// The ids of links that are gone.
    pub links: Vec<String>,
}

/// A cell.
struct Cell<'e> {
    element: &'e Element,
    row: u32,
    column: u32,
    kind: String,
    /// What stands in its elements of these names.
    value: Option<Element>,
    formula: Option<Element>,
}

/// The rows, by their tags alone, and the cells of a sheet.
fn rows_and_cells(text: &str) -> Result<Vec<Element>, Fault> {
    elements_and_tags(text, &["c"], "row")
}

/// The cells of a sheet, with where they are: counted as the reader counts them, or another row would be edited.
fn cells<'e>(text: &str, all: &'e [Element]) -> Result<Vec<Cell<'e>>, Fault> {
    let mut found = Vec::new();
    let (mut row, mut column) = (0u32, u32::MAX);
    for element in all {
        if element.name == "row" {
            row = element.attribute("r").and_then(|r| r.parse().ok()).unwrap_or(row.saturating_add(1));
            column = u32::MAX;
            continue;
        }
        let at = element.attribute("r").and_then(|at| position(&at));
        column = at.map_or(column.wrapping_add(1), |(_, column)| column);
        let inner = text.get(element.content..element.to).unwrap_or_default();
        let inner = inner.rfind("</").map_or("", |end| &inner[..end]);
        let of = |name: &str| -> Result<Option<Element>, Fault> { Ok(elements(inner, &[name])?.into_iter().next()) };
        let kind = element.attribute("t").unwrap_or_default();
        found.push(Cell { element, row: row.max(1), column, kind, value: of("v")?, formula: of("f")? });
    }
    Ok(found)
}

/// Takes out of the wishes what cannot be done, and says why. `commented` are the rows with comments.
pub(super) fn check(
    text: &str,
    rows: &mut Rows,
    commented: &BTreeSet<u32>,
) -> Result<BTreeMap<Record, Refusal>, Fault> {
    let all = rows_and_cells(text)?;
    let mut refused = BTreeMap::new();
    let (mut rows_met, mut cells_met) = (commented.clone(), BTreeSet::new());
    rows_met.extend(elements(text, &["hyperlink"])?.iter().filter_map(row_of));
    for cell in cells(text, &all)? {
        rows_met.insert(cell.row);
        cells_met.insert((cell.row, cell.column));
        let Some(formula) = &cell.formula else { continue };
        let of_row = rows.deleted.get(&cell.row).cloned();
        let of_cell = rows.sets.get(&(cell.row, cell.column)).map(|(record, _)| record.clone());
        let Some(record) = of_row.or_else(|| of_cell.clone()) else { continue };
        let reaches = formula.attribute("ref").is_some_and(|range| range.contains(':'));
        let reason = match (reaches, of_cell.is_some()) {
            (true, _) => "a cell of the row holds the formula of others as well: change it in Excel",
            (false, true) => "the value is the result of a formula: change what it is computed from",
            (false, false) => continue,
        };
        refused.entry(record).or_insert_with(|| unsupported(reason));
    }
    let rows_unmet = rows.deleted.iter().filter(|(row, _)| !rows_met.contains(row)).map(|(_, record)| record);
    let cells_unmet = rows.sets.iter().filter(|(at, _)| !cells_met.contains(at)).map(|(_, (record, _))| record);
    for record in rows_unmet.chain(cells_unmet) {
        refused.entry(record.clone()).or_insert_with(not_found_again);
    }
    rows.deleted.retain(|_, record| !refused.contains_key(record));
    rows.sets.retain(|_, (record, _)| !refused.contains_key(record));
    Ok(refused)
}

/// The row that a comment or a link stands in.
pub(super) fn row_of(element: &Element) -> Option<u32> {
    element.attribute("ref").and_then(|at| position_in_row(&at)).map(|(row, _)| row)
}

/// Blanks and replaces the cells that are wanted.
pub(super) fn edited(text: &str, rows: &Rows, state: &mut State<'_>) -> Result<Done, Fault> {
    let all = rows_and_cells(text)?;
    let mut done = Done { splices: Vec::new(), links: Vec::new() };
    for cell in cells(text, &all)? {
        let set = rows.sets.get(&(cell.row, cell.column)).map(|(_, set)| set);
        let is_deleted = rows.deleted.contains_key(&cell.row);
        if !is_deleted && set.is_none() {
            continue;
        }
        state.formula_gone |= cell.formula.is_some();
        let shared = string_of(&cell).filter(|i| *i < state.strings.len());
        state.freed.extend(shared);
        state.goes(&cell, shared);
        let new = match set.filter(|_| !is_deleted && !set.is_some_and(super::Set::is_null)) {
            Some(set) => filled(&cell, &set.new_text().unwrap_or_default()),
            None => blank(&cell),
        };
        done.splices.push(Splice { old: cell.element.range(), new });
    }
    links(text, rows, &mut done)?;
    Ok(done)
}

/// Takes out the links of deleted rows.
fn links(text: &str, rows: &Rows, done: &mut Done) -> Result<(), Fault> {
    let all = elements(text, &["hyperlink"])?;
    let is_gone = |link: &&Element| row_of(link).is_some_and(|row| rows.deleted.contains_key(&row));
    let gone: Vec<&Element> = all.iter().filter(is_gone).collect();
    if gone.is_empty() {
        return Ok(());
    }
    done.links.extend(gone.iter().filter_map(|link| link.attribute("id")));
    // A list of links may not be empty.
    match elements(text, &["hyperlinks"])?.first() {
        Some(list) if gone.len() == all.len() => done.splices.push(Splice { old: list.range(), new: Vec::new() }),
        _ => done.splices.extend(gone.iter().map(|link| Splice { old: link.range(), new: Vec::new() })),
    }
    Ok(())
}

/// Notes which strings the cells of a sheet use that stay, and takes out results of formulas that hold what is gone.
pub(super) fn stale_results(text: &str, edited: &[Splice], state: &mut State<'_>) -> Result<Vec<Splice>, Fault> {
    let all = rows_and_cells(text)?;
    let edited: HashSet<u64> = edited.iter().map(|splice| splice.old.start).collect();
    let mut stale = Vec::new();
    for cell in cells(text, &all)? {
        if edited.contains(&cell.element.range().start) {
            continue;
        }
        state.used.extend(string_of(&cell));
        if cell.formula.is_some()
            && let Some(value) = &cell.value
            && state.is_stale(&cell, &value.text)
        {
            let from = (cell.element.content + value.from) as u64;
            stale.push(Splice { old: from..from + (value.to - value.from) as u64, new: Vec::new() });
        }
    }
    Ok(stale)
}

/// The shared string that a cell shows.
fn string_of(cell: &Cell<'_>) -> Option<usize> {
    cell.value.as_ref().filter(|_| cell.kind == "s")?.text.trim().parse().ok()
}

/// The bits of the number that a cell holds, however it is written.
fn number(cell: &Cell<'_>, text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok().filter(|_| is_number(cell))?;
    Some(number.to_bits())
}

fn is_number(cell: &Cell<'_>) -> bool {
    cell.kind.is_empty() || cell.kind == "n"
}

/// The tag of a cell without content, with its place and format.
fn blank(cell: &Cell<'_>) -> Vec<u8> {
    let kept = ["r", "s"].into_iter().filter_map(|name| Some((name, cell.element.attribute(name)?)));
    let kept: String = kept.map(|(name, value)| format!(" {name}=\"{value}\"")).collect();
    format!("<{}{kept}/>", cell.element.qualified()).into_bytes()
}

/// A cell that holds a text, or a number where it held one.
fn filled(cell: &Cell<'_>, new: &[u8]) -> Vec<u8> {
    let tag = blank(cell);
    let open = String::from_utf8_lossy(&tag[..tag.len() - 2]).into_owned();
    let (name, prefix) = (cell.element.qualified(), cell.element.prefix());
    let text = String::from_utf8_lossy(new);
    if is_number(cell) && crate::edit::text::is_number(new) {
        return format!("{open}><{prefix}v>{text}</{prefix}v></{name}>").into_bytes();
    }
    // Characters that XML cannot hold are written `_x000D_`, and so is what looks like that.
    let mut written = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '\t' | '\n' => written.push(c),
            '_' if text[at..].starts_with("_x") => written.push_str("_x005F_"),
            _ if c.is_control() => written.push_str(&format!("_x{:04X}_", u32::from(c))),
            _ => written.push(c),
        }
    }
    format!(
        "{open} t=\"inlineStr\"><{prefix}is><{prefix}t xml:space=\"preserve\">{written}</{prefix}t></{prefix}is></{name}>"
    )
    .into_bytes()
}
