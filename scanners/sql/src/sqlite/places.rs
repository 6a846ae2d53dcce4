//! Where a row is: by its rowid or, in a table without rowids, by its key. From the identity of a record to there.

use std::collections::HashSet;

use residuum_source::{KeyValue, Record, RecordKind};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::error::Trouble;
use super::schema::Table;
use crate::key;
use crate::quote::{Ident, bytes_of};

/// Where a row is.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    /// By its rowid.
    Rowid(i64),
    /// By the values of its primary key.
    Key(Vec<Value>),
}

/// Places in one statement: an expression may not be nested deeper than a thousand levels, and a statement has at most
/// 32,766 parameters (`SQLITE_MAX_VARIABLE_NUMBER`).
pub fn at_once(table: &Table) -> usize {
    (32_766 / (FORMS * table.key_columns().len().max(1))).clamp(1, 200)
}

/// Values that are written alike, at most: a text, a number, a blob.
const FORMS: usize = 3;

impl Table {
    /// Whether a record can be one of this table, by how its rows are told apart.
    pub fn fits(&self, record: &Record) -> bool {
        let key = self.key_columns();
        match record {
            Record::Number(RecordKind::Rowid, _) => key.is_empty() && self.rowid.is_some(),
            _ => {
                let are_integers: Vec<bool> = key.into_iter().map(|i| self.columns[i].is_integer()).collect();
                key::fits(record, &are_integers)
            }
        }
    }
}

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
            record => keys.extend(key::values(record).and_then(|values| candidates(table, &values))),
        }
    }
    let list = match &table.rowid {
        Some(rowid) => rowid.clone(),
        None => {
            let name = |i: usize| Ident(&table.columns[i].name).to_string();
            table.key_columns().into_iter().map(name).collect::<Vec<_>>().join(", ")
        }
    };
    for keys in keys.chunks(at_once(table)) {
        let conditions: Vec<String> = keys.iter().map(|forms| is_one_of(table, forms)).collect();
        let sql = format!("SELECT {list} FROM main.{} WHERE {}", Ident(&table.name), conditions.join(" OR "));
        let mut statement = connection.prepare(&sql)?;
        let values = keys.iter().flatten().flatten().filter(|value| **value != Value::Null);
        let mut found = statement.query(params_from_iter(values))?;
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

/// For each column of a key what is written as the value is: a key column without a type has numbers, texts and blobs
/// whose text is the same.
fn candidates(table: &Table, values: &[KeyValue]) -> Option<Vec<Vec<Value>>> {
    let columns = table.key_columns();
    let forms = |(value, column): (&KeyValue, usize)| forms(value, table.columns[column].is_integer());
    (columns.len() == values.len()).then(|| values.iter().zip(columns).map(forms).collect())
}

/// The condition that each column of a row's key has one of its candidates; what is not null is bound to a parameter.
fn is_one_of(table: &Table, forms: &[Vec<Value>]) -> String {
    let one = |(column, forms): (usize, &Vec<Value>)| {
        let name = Ident(&table.columns[column].name);
        let bound = forms.iter().filter(|form| **form != Value::Null).count();
        let is_in = format!("{name} IN ({})", vec!["?"; bound].join(", "));
        // `IN` finds no null, and SQLite allows nulls in a key.
        if bound < forms.len() { format!("({is_in} OR {name} IS NULL)") } else { is_in }
    };
    let all: Vec<_> = table.key_columns().into_iter().zip(forms).map(one).collect();
    format!("({})", all.join(" AND "))
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
    bytes_of(text.strip_prefix("X'")?.strip_suffix('\'')?)
}
