//! From the identities of records to the rows: by key, or by place.

use residuum_source::{Record, RecordKind};
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe};

use super::read::Table;
use super::session::Link;
use super::types::Form;
use crate::key::texts;
use crate::link::Trouble;
use crate::quote::Ident;

/// The condition, with its `WHERE`, that a row is one of these records; `None` if no row can be.
///
/// The values of keys do not stand in it, because servers log statements: they are bound to a setting of the
/// transaction, which the condition reads, for `COPY` takes no parameters.
pub fn condition(link: &mut Link, table: &Table, records: &[Record]) -> Result<Option<String>, Trouble> {
    let (mut ctids, mut keys) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Number(RecordKind::Ctid, number) if table.key.is_empty() => ctids.push(*number),
            record => keys.extend(texts(record)),
        }
    }
    keys.retain(|key| key.len() == table.key.len() && !table.key.is_empty());
    if !ctids.is_empty() {
        return Ok(Some(format!(" WHERE ctid = ANY ({})", link.places(&ctids)?)));
    }
    if keys.is_empty() {
        return Ok(None);
    }
    let table_name = table.relation.quoted();
    let (mut arrays, mut names, mut equal) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &column) in table.key.iter().enumerate() {
        let values = keys.iter().map(|key| key[i].as_str());
        link.set(&format!("residuum.k{i}"), &array(values))?;
        let column = &table.columns[column];
        let own = format!("{table_name}.{}", Ident(&column.name));
        let (own, operator, base) = match column.form {
            // What has no text of its own is compared as it is read.
            Form::Json => (format!("to_json({own})::text"), "=", "text"),
            _ => (own, &*column.equal, &*column.base),
        };
        arrays.push(format!("current_setting('residuum.k{i}')::{base}[]"));
        names.push(format!("k{i}"));
        equal.push((own, operator));
    }
    if let ([(own, operator)], [values]) = (&equal[..], &arrays[..]) {
        return Ok(Some(format!(" WHERE {own} {operator} ANY ({values})")));
    }
    let equal = equal.iter().enumerate().map(|(i, (own, operator))| format!("{own} {operator} residuum_keys.k{i}"));
    Ok(Some(format!(
        " WHERE EXISTS (SELECT FROM unnest({}) AS residuum_keys({}) WHERE {})",
        arrays.join(", "),
        names.join(", "),
        equal.collect::<Vec<_>>().join(" AND ")
    )))
}

/// The condition that a row is at one of these places.
pub fn at(ctids: &[u64]) -> String {
    format!("ctid = ANY ({})", tids(ctids))
}

/// Places as an array.
pub fn tids(ctids: &[u64]) -> String {
    format!("'{}'::tid[]", list(ctids))
}

/// Places as the literal of an array, without its quotes.
fn list(ctids: &[u64]) -> String {
    let shown: Vec<_> = ctids.iter().map(|ctid| format!("\"{}\"", tid(*ctid))).collect();
    format!("{{{}}}", shown.join(","))
}

/// A place as the server writes it.
pub fn tid(ctid: u64) -> String {
    format!("({},{})", ctid >> 16, ctid & 0xffff)
}

/// Texts as the literal of an array.
fn array<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut literal = String::from("{");
    for (i, text) in texts.enumerate() {
        literal.push_str(if i > 0 { ",\"" } else { "\"" });
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(c);
        }
        literal.push('"');
    }
    literal.push('}');
    literal
}

impl Link {
    /// Gives a setting a value until the transaction ends, piece by piece.
    ///
    /// The driver writes a message of several TLS records in several packets and cannot be told `TCP_NODELAY`, so that the
    /// system keeps the last one back until the server has acknowledged the first, which that does some 40 ms later (RFC
    /// 896; RFC 1122, section 4.2.3.2). What goes in one record waits for nothing.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Trouble> {
        let mut rest = value;
        // That it `IS NULL` is never so: asked for as it is, the whole value would be sent back.
        let mut sql = "SELECT set_config($1, $2, true) IS NULL";
        loop {
            let piece;
            (piece, rest) = rest.split_at(rest.floor_char_boundary(PIECE));
            let mut arguments = PgArguments::default();
            arguments.add(name).and_then(|()| arguments.add(piece)).map_err(|_| Trouble::Lost("no value".into()))?;
            let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments);
            self.with(async |connection| query.persistent(false).execute(connection).await)?;
            if rest.is_empty() {
                return Ok(());
            }
            sql = "SELECT set_config($1, current_setting($1) || $2, true) IS NULL";
        }
    }

    /// An expression for places, until it is asked for others or the transaction ends: they are sent before, in pieces as
    /// keys are, rather than as a statement of their length.
    pub fn places(&mut self, ctids: &[u64]) -> Result<&'static str, Trouble> {
        let list = list(ctids);
        let (mut rest, mut before) = (&*list, "");
        while !rest.is_empty() {
            let piece;
            (piece, rest) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.run(&format!("SELECT set_config('residuum.places', {before}'{piece}', true) IS NULL"))?;
            before = "current_setting('residuum.places') || ";
        }
        Ok("pg_catalog.current_setting('residuum.places')::pg_catalog.tid[]")
    }
}

/// Bytes of a value sent at once: less than a TLS record holds, 16 KiB (RFC 8446, section 5.1).
const PIECE: usize = 12 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_the_server_reads_them() {
        assert_eq!(
            array(["a", "b \"c\"", "\\", "", "NULL", "{,}"].into_iter()),
            r#"{"a","b \"c\"","\\","","NULL","{,}"}"#
        );
        assert_eq!(tids(&[3 << 16 | 9, 1]), "'{\"(3,9)\",\"(0,1)\"}'::tid[]");
    }
}
