//! The cells of one sheet: blanked, replaced, and looked at for what else holds what is gone.

use std::collections::BTreeSet;

use residuum_source::{Record, Refusal};

use super::Rows;
use super::parts::{Element, elements, position};
use crate::Fault;
use crate::edit::splice::Splice;
use crate::edit::unsupported;

/// What is known across the sheets of a workbook.
pub(super) struct State<'s> {
    strings: &'s [Element],
    /// Shared strings that cells still use.
    pub used: BTreeSet<usize>,
    /// Shared strings that edited cells used.
    pub freed: BTreeSet<usize>,
    /// Texts that are gone.
    gone: BTreeSet<String>,
    /// A cell with a formula was blanked.
    pub formula_gone: bool,
}

impl<'s> State<'s> {
    pub fn new(strings: &'s [Element]) -> Self {
        Self { strings, used: BTreeSet::new(), freed: BTreeSet::new(), gone: BTreeSet::new(), formula_gone: false }
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

/// The cells of a sheet, with where they are.
fn cells<'e>(text: &str, all: &'e [Element]) -> Result<Vec<Cell<'e>>, Fault> {
    let mut found = Vec::new();
    let (mut row, mut column) = (0, u32::MAX);
    for element in all {
        if element.name == "row" {
            // A row is met before its cells: only its tag is looked at.
            row = element.attribute("r").and_then(|r| r.parse().ok()).unwrap_or(row + 1);
            column = u32::MAX;
            continue;
        }
        let at = element.attribute("r").and_then(|at| position(&at));
        (row, column) = at.unwrap_or((row, column.wrapping_add(1)));
        let inner = text.get(element.content..element.to).unwrap_or_default();
        let inner = inner.rfind("</").map_or("", |end| &inner[..end]);
        let of = |name: &str| -> Result<Option<Element>, Fault> { Ok(elements(inner, &[name])?.into_iter().next()) };
        let kind = element.attribute("t").unwrap_or_default();
        found.push(Cell { element, row, column, kind, value: of("v")?, formula: of("f")? });
    }
    Ok(found)
}

/// The rows, by their tags alone, and the cells of a sheet.
fn rows_and_cells(text: &str) -> Result<Vec<Element>, Fault> {
    let mut all = elements(text, &["c"])?;
    let mut at = 0;
    // A tag `<row` begins no other element of a sheet.
    while let Some(found) = text[at..].find("row ").map(|found| at + found) {
        at = found + 4;
        let before = text[..found].rfind('<').unwrap_or(0);
        let prefix = &text[before + 1..found];
        if !(prefix.is_empty() || prefix.ends_with(':')) || text.as_bytes().get(before) != Some(&b'<') {
            continue;
        }
        let Some(end) = text[found..].find('>').map(|end| found + end) else { break };
        let tag = text[before + 1..end].trim_end_matches('/').to_owned();
        all.push(Element { name: "row".into(), from: before, to: end, tag, content: end, text: String::new() });
    }
    all.sort_by_key(|element| element.from);
    Ok(all)
}

/// Takes out of the wishes what cannot be done, and says why.
pub(super) fn check(text: &str, rows: &mut Rows) -> Result<Vec<(Record, Refusal)>, Fault> {
    let all = rows_and_cells(text)?;
    let mut refused: Vec<(Record, Refusal)> = Vec::new();
    for cell in cells(text, &all)? {
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
        refused.push((record, unsupported(reason)));
    }
    let is_refused = |of: &Record| refused.iter().any(|(record, _)| record == of);
    rows.deleted.retain(|_, record| !is_refused(record));
    rows.sets.retain(|_, (record, _)| !is_refused(record));
    refused.dedup_by(|a, b| a.0 == b.0);
    Ok(refused)
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
        let was = match shared {
            Some(i) => state.strings[i].text.clone(),
            None if cell.kind.is_empty() || cell.kind == "n" => String::new(),
            None => cell.element.text.clone(),
        };
        if was.trim().len() > 2 {
            state.gone.insert(was.trim().to_owned());
        }
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
    let is_gone = |link: &&Element| {
        let row = link.attribute("ref").and_then(|at| position(&at)).map(|(row, _)| row);
        row.is_some_and(|row| rows.deleted.contains_key(&row))
    };
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
    let mut stale = Vec::new();
    for cell in cells(text, &all)? {
        if edited.iter().any(|splice| splice.old == cell.element.range()) {
            continue;
        }
        state.used.extend(string_of(&cell));
        if cell.formula.is_some()
            && cell.kind == "str"
            && let Some(value) = &cell.value
            && state.gone.iter().any(|gone| value.text.contains(gone.as_str()))
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
    let was_number = cell.kind.is_empty() || cell.kind == "n";
    if was_number && crate::edit::text::is_number(new) {
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
