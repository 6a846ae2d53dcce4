//! The keys that the schema declares.

use std::collections::HashMap;

use residuum_source::{KeyKind, ObjectPath, TableKey};

use super::schema::{Key, schemas};
use super::session::{Link, TextRow};
use crate::link::Trouble;

/// Primary keys, unique ones, and foreign keys.
pub fn keys(link: &mut Link, database: Option<&str>) -> Result<Vec<TableKey>, Trouble> {
    let keys = Key::all(link, &schemas("k.TABLE_SCHEMA", database))?;
    let ends = row_ends(link, &schemas("t.TABLE_SCHEMA", database))?;
    let path = |schema: &str, table: &str| ObjectPath::from_parts([schema, table]);
    let key = |key: Key| {
        let kind = match &key.refers {
            Some((schema, table, columns)) => {
                KeyKind::Foreign { object: path(schema, table), columns: columns.clone() }
            }
            None if key.is_primary => KeyKind::Primary,
            None => KeyKind::Unique,
        };
        // With a history the server adds the time at which a row ended: it tells a row of the past from its successors,
        // which are the same customer's, and no other table refers to it.
        let mut columns = key.columns;
        if !matches!(kind, KeyKind::Foreign { .. })
            && let Some(end) = ends.get(&(key.schema.clone(), key.table.clone()))
            && columns.len() > 1
        {
            columns.retain(|column| !column.eq_ignore_ascii_case(end));
        }
        TableKey { object: path(&key.schema, &key.table), columns, kind }
    };
    Ok(keys.into_iter().map(key).collect())
}

/// The columns that say when rows ended, by database and name of the tables that keep a history.
fn row_ends(link: &mut Link, tables: &str) -> Result<HashMap<(String, String), String>, Trouble> {
    let rows = link.rows(&format!(
        "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, \
             (SELECT c.COLUMN_NAME FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = t.TABLE_SCHEMA \
                  AND c.TABLE_NAME = t.TABLE_NAME AND c.GENERATION_EXPRESSION = 'ROW END' LIMIT 1) \
         FROM information_schema.TABLES t WHERE {tables} AND t.TABLE_TYPE = 'SYSTEM VERSIONED'"
    ))?;
    let text = |row: &TextRow, i: usize| row.get(i).cloned().flatten();
    let of = |row: &TextRow| {
        let end = text(row, 2).unwrap_or_else(|| "row_end".to_owned());
        ((text(row, 0).unwrap_or_default(), text(row, 1).unwrap_or_default()), end)
    };
    Ok(rows.iter().map(of).collect())
}
