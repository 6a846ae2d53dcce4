//! From the identities of records to the rows: by the values of their key, as they stand in statements.

use residuum_source::Record;

use super::table::Table;
use super::types::{Form, MyColumn};
use crate::key::texts;
use crate::link::Trouble;
use crate::quote::{Backticked, Hexadecimal};

/// Where a row is: the values of its key, as they stand in a statement.
pub type Place = Vec<String>;

/// Rows named in one statement: beyond a thousand, the server makes a table of them that it searches whole.
pub const AT_ONCE: usize = 500;

/// The places of records.
pub fn of_records(table: &Table, records: &[Record]) -> Vec<Place> {
    let place = |texts: Vec<String>| {
        let fits = texts.len() == table.key.len();
        fits.then(|| table.key.iter().zip(&texts).map(|(&i, text)| literal(&table.columns[i], text)).collect())
    };
    records.iter().filter_map(texts).filter_map(place).collect()
}

/// The condition that a row is at one of these places.
pub fn condition(table: &Table, alias: &str, places: &[Place]) -> String {
    let name = |&i: &usize| format!("{alias}{}", Backticked(&table.columns[i].name));
    if let [only] = &table.key[..] {
        let values: Vec<_> = places.iter().flatten().map(String::as_str).collect();
        return format!("{} IN ({})", name(only), values.join(", "));
    }
    let equal = |place: &Place| {
        let pairs = table.key.iter().zip(place).map(|(i, value)| format!("{} = {value}", name(i)));
        format!("({})", pairs.collect::<Vec<_>>().join(" AND "))
    };
    format!("({})", places.iter().map(equal).collect::<Vec<_>>().join(" OR "))
}

/// The place of a row whose key's values are these, as they are read.
pub fn of_row(table: &Table, mut value: impl FnMut(usize) -> Result<Vec<u8>, Trouble>) -> Result<Place, Trouble> {
    let one = |&i: &usize| {
        let text = String::from_utf8(value(i)?).map_err(|_| Trouble::Lost("a key is no text".into()))?;
        Ok(literal(&table.columns[i], &text))
    };
    table.key.iter().map(one).collect()
}

/// A value of a key's column in a statement. Texts stand as hexadecimal digits.
pub fn literal(column: &MyColumn, text: &str) -> String {
    use residuum_source::Logical;
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
    let is_digits = text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    match (column.form, column.logical) {
        (Form::Digits, _) if text == "0x" => "''".to_owned(),
        (Form::Digits, _) if is_digits => text.to_owned(),
        (Form::Text | Form::Bits, Logical::Integer | Logical::Number) if is_number => text.to_owned(),
        _ => Hexadecimal(text).to_string(),
    }
}
