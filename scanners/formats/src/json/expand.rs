//! Values that are JSON texts, such as a `jsonb` column or a cell of a CSV file, path by path.

use residuum_source::{Column, OffsetMap, Rows, Run};

use super::columns::Building;
use super::lexer::Origin;
use super::paths::ROOT;
use super::span::{Layout, Span, SpanKind, Step};
use super::walk::Walker;

/// A field inside the values of another.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The field's values: `payload.user.email` for a path in the values of `payload`. The rows are the parent's.
    /// There is a place if the parent has one.
    pub column: Column,
    /// From offsets in this column's bytes to offsets in the *parent column's* bytes, whether there is a place or
    /// not. The position within the parent's value `i` is that minus the parent's `offsets[i]`, with
    /// `i = parent.value_at(within.start(at))`.
    pub within: OffsetMap,
}

/// Takes the JSON texts in a column apart.
///
/// What is not JSON stays as it is, under the parent's own name, and so do strings and numbers that are a whole
/// value and what is nested deeper than `nesting` (as JSON text). A column that is a window of a longer
/// value stays as it is.
pub fn expand(column: &Column, nesting: u32) -> Vec<Expanded> {
    if column.window.is_some() {
        return vec![Expanded { column: column.clone(), within: OffsetMap::linear(0) }];
    }
    let mut walker = Walker::new(Layout::Value, column.field.clone(), nesting);
    let mut buildings: Vec<Building> = Vec::new();
    let mut of_node: Vec<u32> = Vec::new();
    for value in 0..column.len() {
        let (from, to) = (column.offsets[value], column.offsets[value + 1]);
        let row = match &column.rows {
            Rows::Each | Rows::Dictionary(_) => value as u32,
            Rows::Listed(rows) => rows[value],
        };
        walker.restart();
        if !walk(&mut walker, &column.bytes[..to as usize], from as usize) {
            walker.restart();
            walker.spans.push(Span { node: ROOT, start: from, end: to, kind: SpanKind::Plain });
        }
        for &span in &walker.spans {
            of_node.resize(walker.paths.len().max(of_node.len()), u32::MAX);
            let slot = &mut of_node[span.node as usize];
            if *slot == u32::MAX {
                *slot = buildings.len() as u32;
                let root = span.node == ROOT;
                let field = if root { column.field.clone() } else { walker.paths.field(span.node) };
                buildings.push(Building::named(field));
            }
            buildings[*slot as usize].push(span, &column.bytes, Origin::Linear(0), row);
        }
    }
    buildings.into_iter().map(|building| finish(building, column)).collect()
}

/// Walks through one value; false if it is not JSON.
fn walk(walker: &mut Walker, buf: &[u8], from: usize) -> bool {
    let mut pos = from;
    if buf[from..].trim_ascii().is_empty() {
        return true;
    }
    loop {
        match walker.step(buf, &mut pos, true) {
            Step::Full => walker.taken(0, 0),
            Step::Done => return true,
            _ => return false,
        }
    }
}

fn finish(building: Building, parent: &Column) -> Expanded {
    let records = if parent.rows == Rows::Each { parent.len() as u64 } else { u64::MAX };
    let values = building.rows().to_vec();
    let mut column = building.finish(records);
    let mut within = column.place.take().unwrap_or_default();
    if let Rows::Dictionary(keys) = &parent.rows {
        let distinct = values.windows(2).all(|pair| pair[0] < pair[1]);
        match distinct {
            true => column.rows = Rows::Dictionary(keys.iter().map(|&key| index_of(&values, key)).collect()),
            false => (column, within) = repeated(&column, &within, &values, keys),
        }
    }
    column.place = parent.place.as_ref().map(|place| compose(&within, place, column.bytes.len() as u32));
    Expanded { column, within }
}

fn index_of(values: &[u32], key: u32) -> u32 {
    values.binary_search(&key).map_or(u32::MAX, |i| i as u32)
}

/// A dictionary's values that fall into several each have to be given once for each record.
fn repeated(column: &Column, within: &OffsetMap, values: &[u32], keys: &[u32]) -> (Column, OffsetMap) {
    let mut listed = Column { logical: column.logical, ..Column::new(column.field.clone()) };
    let (mut place, mut rows) = (OffsetMap::default(), Vec::new());
    for (row, key) in keys.iter().enumerate() {
        let first = values.partition_point(|value| value < key);
        let count = values[first..].iter().take_while(|value| *value == key).count();
        for i in first..first + count {
            let start = listed.bytes.len() as u32;
            for run in within.slice(column.offsets[i], column.offsets[i + 1]).runs() {
                place.push(Run { start: start + run.start, ..*run });
            }
            listed.push(column.value(i));
            rows.push(row as u32);
        }
    }
    listed.rows = Rows::Listed(rows);
    (listed, place)
}

/// The map that leads through `inner` and then through `outer`; `len` bytes are mapped.
fn compose(inner: &OffsetMap, outer: &OffsetMap, len: u32) -> OffsetMap {
    let mut map = OffsetMap::default();
    let runs = inner.runs();
    map.reserve(runs.len());
    for (i, run) in runs.iter().enumerate() {
        let end = runs.get(i + 1).map_or(len, |next| next.start);
        let raw = run.raw as u32;
        if run.width == 1 && run.raw_width == 1 {
            for piece in outer.slice(raw, raw + (end - run.start)).runs() {
                map.push(Run { start: run.start + piece.start, ..*piece });
            }
            continue;
        }
        for (n, start) in (run.start..end).step_by(usize::from(run.width.max(1))).enumerate() {
            let from = raw + n as u32 * u32::from(run.raw_width);
            let (first, past) = (outer.start(from), outer.end(from + u32::from(run.raw_width)));
            map.push(Run { start, width: run.width, raw_width: (past - first) as u16, raw: first });
        }
    }
    map
}
