//! Where a row is: by its rowid or, in a table without rowids, by its key. From the identity of a record to there.

use std::collections::HashSet;

use residuum_source::{KeyValue, Record, RecordKind};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::Value as Json;

use super::error::Trouble;
use super::schema::Table;
use crate::quote::Ident;

/// Where a row is.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    /// By its rowid.
    Rowid(i64),
    /// By the values of its primary key.
    Key(Vec<Value>),
}

/// Places in one statement: an expression may not be nested deeper than a thousand levels.
pub const AT_ONCE: usize = 200;

impl Place {
    /// Of a row with its rowid, if it has one, before the table's columns.
    pub fn of(table: &Table, row: &Row<'_>, lead: usize) -> Result<Self, Trouble> {
        if lead == 1 {
            return Ok(Self::Rowid(row.get(0)?));
        }
        let key = table.key_columns().into_iter().map(|i| row.get(lead + i));
        Ok(Self::Key(key.collect::<Result<_, _>>()?))
    }
}

/// The places of records, as far as they exist; of some that were asked for by a key of no clear type there may be
/// several.
pub fn of_records(connection: &Connection, table: &Table, records: &[Record]) -> Result<Vec<Place>, Trouble> {
    let (mut places, mut keys) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Number(RecordKind::Rowid, rowid) if table.rowid.is_some() => {
                places.push(Place::Rowid(*rowid as i64));
            }
            Record::Number(RecordKind::Pk, key) if table.keeps_rowids => places.push(Place::Rowid(*key as i64)),
            Record::Number(RecordKind::Pk, key) => keys.extend(candidates(table, &[KeyValue::Integer(*key as i64)])),
            Record::Text(RecordKind::Pk, text) => keys.extend(candidates(table, &key_values(text))),
            _ => {}
        }
    }
    let keys: Vec<Place> = keys.into_iter().map(Place::Key).collect();
    let list = match &table.rowid {
        Some(rowid) => rowid.clone(),
        None => {
            let name = |i: usize| Ident(&table.columns[i].name).to_string();
            table.key_columns().into_iter().map(name).collect::<Vec<_>>().join(", ")
        }
    };
    for keys in keys.chunks(AT_ONCE) {
        let sql = format!("SELECT {list} FROM main.{} WHERE {}", Ident(&table.name), by_key(table, keys));
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(parameters(keys)))?;
        while let Some(row) = found.next()? {
            places.push(match &table.rowid {
                Some(_) => Place::Rowid(row.get(0)?),
                None => Place::Key((0..table.key_columns().len()).map(|i| row.get(i)).collect::<Result<_, _>>()?),
            });
        }
    }
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(format!("{place:?}")));
    places.sort_by_key(|place| if let Place::Rowid(rowid) = place { *rowid } else { 0 });
    Ok(places)
}

/// The condition that a row is at one of these places, of which all are of one kind; see [`parameters`].
pub fn condition(table: &Table, places: &[Place]) -> String {
    match (&table.rowid, places.first()) {
        (Some(rowid), Some(Place::Rowid(_))) => {
            let rowids = places.iter().filter_map(|place| match place {
                Place::Rowid(rowid) => Some(rowid.to_string()),
                Place::Key(_) => None,
            });
            format!("{rowid} IN ({})", rowids.collect::<Vec<_>>().join(", "))
        }
        _ => by_key(table, places),
    }
}

/// What is bound to the parameters of a condition.
pub fn parameters(places: &[Place]) -> Vec<Value> {
    let values = places.iter().filter_map(|place| match place {
        Place::Key(values) => Some(values.clone()),
        Place::Rowid(_) => None,
    });
    values.flatten().collect()
}

fn by_key(table: &Table, places: &[Place]) -> String {
    // `IS`, because SQLite allows nulls in a key.
    let equal = |i: usize| format!("{} IS ?", Ident(&table.columns[i].name));
    let one = format!("({})", table.key_columns().into_iter().map(equal).collect::<Vec<_>>().join(" AND "));
    vec![one; places.len()].join(" OR ")
}

fn key_values(text: &str) -> Vec<KeyValue> {
    let values: Vec<Json> = serde_json::from_str(text).unwrap_or_default();
    let value = |value: Json| match value {
        Json::Number(number) => number.as_i64().map_or_else(|| KeyValue::Text(number.to_string()), KeyValue::Integer),
        Json::String(text) => KeyValue::Text(text),
        _ => KeyValue::Null,
    };
    values.into_iter().map(value).collect()
}

/// The keys that are written as these values are: a key column without a type has numbers, texts and blobs whose
/// text is the same.
fn candidates(table: &Table, values: &[KeyValue]) -> Vec<Vec<Value>> {
    let columns = table.key_columns();
    if columns.len() != values.len() {
        return Vec::new();
    }
    let mut keys = vec![Vec::new()];
    for (value, column) in values.iter().zip(columns) {
        let forms = forms(value, table.columns[column].is_integer());
        keys = keys
            .iter()
            .flat_map(|key: &Vec<Value>| {
                forms.iter().map(|form| key.iter().cloned().chain([form.clone()]).collect::<Vec<_>>())
            })
            .collect();
    }
    keys
}

fn forms(value: &KeyValue, is_integer: bool) -> Vec<Value> {
    match value {
        KeyValue::Integer(number) if is_integer => vec![Value::Integer(*number)],
        KeyValue::Integer(number) => vec![Value::Integer(*number), Value::Text(number.to_string())],
        // An empty text is not told from a null.
        KeyValue::Null => vec![Value::Null, Value::Text(String::new())],
        KeyValue::Text(text) => {
            let mut forms = vec![Value::Text(text.clone())];
            if let Ok(number) = text.parse::<i64>() {
                forms.push(Value::Integer(number));
            } else if let Ok(number) = text.parse::<f64>() {
                forms.push(Value::Real(number));
            }
            forms.extend(blob(text).map(Value::Blob));
            forms
        }
    }
}

/// The bytes of `X'0AFF'`.
pub fn blob(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("X'")?.strip_suffix('\'')?;
    if digits.len() % 2 != 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}
