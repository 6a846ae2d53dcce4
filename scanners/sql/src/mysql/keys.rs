//! The keys that the schema declares.

use residuum_source::{KeyKind, ObjectPath, TableKey};

use super::schema::{Key, schemas};
use super::session::Link;
use crate::link::Trouble;

/// Primary keys, unique ones, and foreign keys.
pub fn keys(link: &mut Link, database: Option<&str>) -> Result<Vec<TableKey>, Trouble> {
    let keys = Key::all(link, &schemas("k.TABLE_SCHEMA", database))?;
    let path = |schema: &str, table: &str| ObjectPath::from_parts([schema, table]);
    let key = |key: Key| {
        let kind = match &key.refers {
            Some((schema, table, columns)) => {
                KeyKind::Foreign { object: path(schema, table), columns: columns.clone() }
            }
            None if key.is_primary => KeyKind::Primary,
            None => KeyKind::Unique,
        };
        TableKey { object: path(&key.schema, &key.table), columns: key.columns, kind }
    };
    Ok(keys.into_iter().map(key).collect())
}
