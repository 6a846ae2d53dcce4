//! Values that hold records of their own: a column of JSON becomes one column for each path in it.

use std::collections::HashSet;
use std::sync::Arc;

use residuum_formats::json;
use residuum_source::{Batch, Column, Logical, OffsetMap, Records, Rows};

/// Where the values of an expanded column stand in the values they came from.
#[derive(Clone, Debug)]
pub(super) struct Within {
    /// The parent column.
    pub parent: usize,
    /// From the column's bytes to its parent column's bytes.
    map: OffsetMap,
    /// The parent column's offsets.
    parents: Arc<[u32]>,
}

impl Within {
    /// The bytes `start..end` of the column, counted in the parent's value.
    pub fn place(&self, start: u32, end: u32) -> (u64, u64) {
        let (start, end) = (self.map.start(start), self.map.end(end));
        let next = self.parents.partition_point(|&parent| u64::from(parent) <= start);
        let base = next.checked_sub(1).map_or(0, |value| u64::from(self.parents[value]));
        (start - base, end - base)
    }

    /// The bytes `start..end` of the column, counted in the parent column's bytes.
    pub fn range(&self, start: u32, end: u32) -> std::ops::Range<u32> {
        self.map.start(start) as u32..self.map.end(end) as u32
    }
}

/// Replaces columns of JSON by one column for each path in them. A text column is JSON if most of its values in
/// the part's first batch are.
///
/// `nested` holds the fields known to be JSON and is added to; `is_planned` tells fields that earlier batches had.
pub(super) fn expand(
    nested: &mut HashSet<Arc<str>>,
    is_planned: &dyn Fn(&Arc<str>) -> bool,
    batch: &mut Batch,
    within: &mut Vec<Option<Within>>,
    nesting: u32,
) {
    let is_key = |index: usize| match &batch.records {
        Records::Keyed { columns, .. } => columns.contains(&index),
        _ => false,
    };
    let mut expanded = Vec::new();
    for (index, column) in batch.columns.iter().enumerate() {
        let is_new = !is_planned(&column.field);
        if is_new && (column.logical == Logical::Json || (column.logical == Logical::Text && looks_like_json(column))) {
            nested.insert(column.field.clone());
        }
        if nested.contains(&column.field) && column.window.is_none() && !is_key(index) {
            expanded.push(index);
        }
    }
    for &index in &expanded {
        let parent = &batch.columns[index];
        let parents: Arc<[u32]> = parent.offsets.as_slice().into();
        let children = json::expand(parent, nesting);
        let names: HashSet<Arc<str>> = batch.columns.iter().map(|c| c.field.clone()).collect();
        let parent_field = parent.field.clone();
        let mut kept_parent = None;
        for child in children {
            let map = Some(Within { parent: index, map: child.within, parents: parents.clone() });
            if child.column.field == parent_field {
                kept_parent = Some((child.column, map));
            } else if !names.contains(&child.column.field) {
                batch.columns.push(child.column);
                if let Records::Cells { columns, .. } = &mut batch.records {
                    columns.push(columns.get(index).copied().unwrap_or(0)); // it stands in the same cell
                }
                within.push(map);
            }
        }
        match kept_parent {
            Some((column, map)) => (batch.columns[index], within[index]) = (column, map),
            None => empty(&mut batch.columns[index]),
        }
    }
}

fn looks_like_json(column: &Column) -> bool {
    let (mut json, mut other) = (0, 0);
    for i in 0..column.len().min(200) {
        match column.value(i).trim_ascii() {
            [] => {}
            [b'{', .., b'}'] => json += 1,
            [b'[', b'{' | b'"' | b'[' | b'0'..=b'9', .., b']'] => json += 1,
            _ => other += 1,
        }
    }
    json > 0 && json >= 9 * other
}

/// Takes the values out of a column, which keeps its place among the columns.
pub(super) fn empty(column: &mut Column) {
    column.bytes.clear();
    column.place = None;
    match &mut column.rows {
        Rows::Each => column.offsets.iter_mut().for_each(|offset| *offset = 0),
        Rows::Listed(rows) => {
            rows.clear();
            column.offsets.truncate(1);
        }
        Rows::Dictionary(keys) => {
            keys.fill(u32::MAX);
            column.offsets.truncate(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(values: &[&str]) -> Batch {
        let mut column = Column::new("payload");
        values.iter().for_each(|value| column.push(value.as_bytes()));
        let records =
            Records::Sequence { kind: residuum_source::RecordKind::Row, first: 1, count: values.len() as u64 };
        Batch { records, columns: vec![column], raw_bytes: 0 }
    }

    fn fields(batch: &mut Batch, nested: &mut HashSet<Arc<str>>, is_planned: bool) -> Vec<String> {
        let mut within: Vec<Option<Within>> = vec![None; batch.columns.len()];
        expand(nested, &|_| is_planned, batch, &mut within, 64);
        assert_eq!(within.len(), batch.columns.len(), "every column has its map");
        batch.columns.iter().map(|column| column.field.to_string()).collect()
    }

    #[test]
    fn a_text_column_of_json_is_expanded_and_stays_so() {
        let mut nested = HashSet::new();
        let mut first = batch(&[r#"{"user":{"email":"a@example.com"}}"#, "", r#"{"n":1}"#]);
        assert_eq!(fields(&mut first, &mut nested, false), ["payload", "payload.user.email", "payload.n"]);
        let email = &first.columns[1];
        assert_eq!((email.value(0), &email.rows), (&b"a@example.com"[..], &Rows::Listed(vec![0])));
        let mut later = batch(&[r#"{"x":"y"}"#]);
        assert_eq!(fields(&mut later, &mut nested, true), ["payload", "payload.x"]);
    }

    #[test]
    fn places_count_in_the_value_they_came_from() {
        let values = [r#"{"a":"x"}"#, r#"{"b": 1, "a": "y\u0040z"}"#];
        let mut batch = batch(&values);
        let mut within: Vec<Option<Within>> = vec![None];
        expand(&mut HashSet::new(), &|_| false, &mut batch, &mut within, 64);
        let at = batch.columns.iter().position(|column| &*column.field == "payload.a").expect("it is expanded");
        let (column, within) = (&batch.columns[at], within[at].as_ref().expect("the parent has no place of its own"));
        for (value, parent) in [(0, values[0]), (1, values[1])] {
            let (start, end) = within.place(column.offsets[value], column.offsets[value + 1]);
            let raw = &parent[start as usize..end as usize];
            assert_eq!(
                serde_json::from_str::<String>(&format!("\"{raw}\"")).expect("JSON").as_bytes(),
                column.value(value)
            );
        }
    }

    #[test]
    fn what_merely_looks_like_it_stays_text() {
        for values in [&["[note] call back", "[sic]"][..], &["{a} template", "plain", "{b}"], &["[1] first"]] {
            let mut batch = batch(values);
            assert_eq!(fields(&mut batch, &mut HashSet::new(), false), ["payload"], "{values:?}");
            assert_eq!(batch.columns[0].len(), values.len());
        }
    }
}
