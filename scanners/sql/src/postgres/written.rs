//! How values of each type are written: from the text in which they are read back to what they are.

use super::read::Table;
use super::session::{Link, Server};
use super::types::{Form, PgColumn};
use crate::link::Trouble;
use crate::quote::{Ident, Text};
use residuum_source::Logical;

/// How a column is written to.
pub struct Written {
    /// Whether it may not be null.
    pub is_not_null: bool,
    /// Whether the server computes it.
    pub is_generated: bool,
    name: String,
    base: String,
    form: Form,
    compared: Compared,
}

/// How it is told that a column has taken a value.
#[derive(Clone, Copy)]
enum Compared {
    /// By the type's own equality: `1.5` is `1.50`.
    Equal,
    /// By text, because not every type has an equality that means the same.
    Text,
    /// As JSON.
    Json,
}

impl Written {
    /// The columns of a table.
    pub fn all(link: &mut Link, server: &Server, table: &Table) -> Result<Vec<Self>, Trouble> {
        let generated = match server.version {
            120_000.. => "a.attgenerated <> '' OR a.attidentity = 'a'",
            100_000.. => "a.attidentity = 'a'",
            _ => "false",
        };
        let rows = link.rows(&format!(
            "SELECT a.attname, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull), {generated} \
             FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped",
            table.relation.oid()
        ))?;
        let of = |column: &PgColumn| {
            let row = rows.iter().find(|row| row.first().is_some_and(|name| name.as_deref() == Some(&*column.name)));
            let is = |i: usize| row.and_then(|row| row.get(i)).is_some_and(|value| value.as_deref() == Some("t"));
            let compared = match (column.form, column.logical) {
                (Form::Json, _) if column.is_hstore() => Compared::Text,
                (Form::Json, _) => Compared::Json,
                (_, Logical::Integer | Logical::Number | Logical::Bool | Logical::Date | Logical::Timestamp) => {
                    Compared::Equal
                }
                _ if matches!(&*column.base, "jsonb" | "bpchar" | "uuid") => Compared::Equal,
                _ => Compared::Text,
            };
            Self {
                is_not_null: is(1),
                is_generated: is(2),
                name: column.name.clone(),
                base: column.base.clone(),
                form: column.form,
                compared,
            }
        };
        Ok(table.columns.iter().map(of).collect())
    }

    /// What is sent for a value; else what the column holds, which the value is not.
    pub fn parameter(&self, value: &[u8]) -> Result<String, &'static str> {
        if self.form == Form::Bytes {
            let digits = value.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return Ok("\\x".chars().chain(digits.map(char::from)).collect());
        }
        let text = std::str::from_utf8(value).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or("text, and the new value is none")?;
        match (self.form, self.compared) {
            (Form::Json, Compared::Text) => {
                hstore(text).ok_or("an hstore, and the new value is no JSON object of texts")
            }
            _ => Ok(text.to_owned()),
        }
    }

    /// The expression that makes a value of the column's type of what was sent.
    pub fn value(&self, table: &str, sent: &str) -> String {
        match (self.form, self.compared) {
            (Form::Json, Compared::Json) => self.populated(table, &format!("{sent}::json")),
            _ => format!("{sent}::{}", self.base),
        }
    }

    /// The condition that a column took a value.
    pub fn took(&self, column: &str, value: &str, sent: &str) -> String {
        match self.compared {
            Compared::Equal => format!("{column} IS NOT DISTINCT FROM {value}"),
            Compared::Text => format!("{column}::text IS NOT DISTINCT FROM {value}::text"),
            // A null is one in JSON, too.
            Compared::Json => format!("pg_catalog.to_json({column})::jsonb IS NOT DISTINCT FROM {sent}::jsonb"),
        }
    }

    /// The condition that what stands in a column comes back unchanged from what is read of it, if that is not plain.
    pub fn keeps(&self, table: &str, column: &str) -> Option<String> {
        let back = self.populated(table, &format!("pg_catalog.to_json({column})"));
        matches!(self.compared, Compared::Json).then(|| format!("({back})::text IS NOT DISTINCT FROM {column}::text"))
    }

    /// Whether something of a value may be lost on the way to its text and back.
    pub fn may_lose(&self) -> bool {
        matches!(self.compared, Compared::Json)
    }

    /// Arrays and composite values are made by the server from JSON, as it made JSON of them.
    fn populated(&self, table: &str, json: &str) -> String {
        let (name, key) = (Ident(&self.name), Text(&self.name));
        format!("(pg_catalog.json_populate_record(NULL::{table}, pg_catalog.json_build_object({key}, {json}))).{name}")
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A JSON object of texts as the literal of an hstore.
fn hstore(json: &str) -> Option<String> {
    let pairs: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let pair = |(key, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) => Some(format!("{}=>{}", quoted(key), quoted(text))),
        serde_json::Value::Null => Some(format!("{}=>NULL", quoted(key))),
        _ => None,
    };
    pairs.iter().map(pair).collect::<Option<Vec<_>>>().map(|pairs| pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::hstore;

    #[test]
    fn json_becomes_an_hstore() {
        assert_eq!(hstore(r#"{"a": "x \"y\"", "b": null}"#).as_deref(), Some(r#""a"=>"x \"y\"","b"=>NULL"#));
        assert_eq!(hstore("{}").as_deref(), Some(""));
        assert_eq!(hstore(r#"{"a": 1}"#), None);
    }
}
