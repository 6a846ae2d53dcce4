//! What a database holds: its tables, their columns and keys, and how large they are.

use residuum_source::{KeyKind, TableKey};
use rusqlite::Connection;

use super::error::Trouble;
use crate::quote::Ident;

/// A number that changes when the schema does, and with `VACUUM`.
pub fn cookie(connection: &Connection) -> Result<i64, Trouble> {
    Ok(connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?)
}

/// All tables of a database.
#[derive(Debug)]
pub struct Schema {
    /// In order of their names.
    pub tables: Vec<Table>,
    weight: u128,
}

/// A table or what looks like one.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its columns, those of virtual tables left out.
    pub columns: Vec<TableColumn>,
    /// The expression that gives a row's rowid, if it has one that can be named.
    pub rowid: Option<String>,
    /// Whether `VACUUM` leaves rowids as they are, because the primary key is one.
    pub keeps_rowids: bool,
    rows: Option<u64>,
}

/// What a table is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// It holds rows.
    Table,
    /// It selects from others.
    View,
    /// SQLite keeps names and counts in it.
    Kept,
    /// A module answers for it, from tables of this database or from elsewhere.
    Virtual {
        /// The module.
        module: String,
        /// Whether tables of this database hold its data.
        shadows: bool,
    },
}

/// A column.
#[derive(Debug)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its declared type, in upper case.
    pub declared: String,
    /// Its place in the primary key, from 1; 0 outside it.
    pub key: usize,
}

impl TableColumn {
    /// Whether SQLite turns what looks like an integer into one (section 3.1 of its `datatype3.html`).
    pub fn is_integer(&self) -> bool {
        self.declared.contains("INT")
    }
}

impl Schema {
    /// Reads the whole schema.
    pub fn read(connection: &Connection) -> Result<Self, Trouble> {
        let mut listed = connection.prepare(
            "SELECT l.name, l.type, l.wr, coalesce(s.sql, '') FROM pragma_table_list AS l \
             LEFT JOIN main.sqlite_schema AS s ON s.type = 'table' AND s.name = l.name \
             WHERE l.schema = 'main' AND l.name <> 'sqlite_schema' ORDER BY l.name",
        )?;
        let rows = listed.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let shadowed = |name: &str| {
            let own = format!("{name}_");
            rows.iter().any(|(other, kind, ..)| kind == "shadow" && other.starts_with(&own))
        };
        let mut tables = Vec::new();
        for (name, kind, without_rowid, sql) in &rows {
            let kind = match kind.as_str() {
                "view" => Kind::View,
                "virtual" => Kind::Virtual { module: module_of(sql), shadows: shadowed(name) },
                _ if matches!(name.as_str(), "sqlite_sequence" | "sqlite_stat1") => Kind::Kept,
                _ => Kind::Table,
            };
            let mut table =
                Table { name: name.clone(), kind, columns: Vec::new(), rowid: None, keeps_rowids: false, rows: None };
            if table.kind == Kind::Table {
                table.describe(connection, *without_rowid)?;
                // A damaged table has no estimate; reading it says what is wrong.
                table.rows = table.count_about(connection).ok().flatten();
            }
            tables.push(table);
        }
        let weight = tables.iter().map(Table::weight).sum();
        Ok(Self { tables, weight })
    }

    /// One table by name.
    pub fn table(connection: &Connection, name: &str) -> Result<Table, Trouble> {
        let mut found = connection.prepare(
            "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 AND type IN ('table', 'shadow')",
        )?;
        let mut rows = found.query([name])?;
        let Some(row) = rows.next()? else {
            return Err(Trouble::Reason("there is no such table any more: scan again".into()));
        };
        let without_rowid = row.get(0)?;
        let mut table = Table {
            name: name.to_owned(),
            kind: Kind::Table,
            columns: Vec::new(),
            rowid: None,
            keeps_rowids: false,
            rows: None,
        };
        table.describe(connection, without_rowid)?;
        Ok(table)
    }

    /// About how many rows and bytes a table has: the file's bytes are shared out by rows and columns.
    pub fn estimate(&self, table: &Table, file: u64) -> (Option<u64>, Option<u64>) {
        if table.kind != Kind::Table {
            return (None, None);
        }
        let bytes = (u128::from(file) * table.weight()).checked_div(self.weight);
        (table.rows, bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }
}

impl Table {
    /// The columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<String> {
        self.key_columns().into_iter().map(|i| self.columns[i].name.clone()).collect()
    }

    /// The same, as indexes.
    pub fn key_columns(&self) -> Vec<usize> {
        let mut columns: Vec<_> = (0..self.columns.len()).filter(|&i| self.columns[i].key > 0).collect();
        columns.sort_by_key(|&i| self.columns[i].key);
        columns
    }

    /// The smallest and largest rowid.
    pub fn bounds(&self, connection: &Connection) -> Result<Option<(i64, i64)>, Trouble> {
        let Some(rowid) = &self.rowid else { return Ok(None) };
        let table = Ident(&self.name);
        // Two look-ups: one statement with both would read the whole table.
        let bound = |which: &str| {
            let sql = format!("SELECT {which}({rowid}) FROM main.{table}");
            connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0))
        };
        Ok(bound("min")?.zip(bound("max")?))
    }

    /// About how many rows, without reading them all: a look at as many places of the rowids as it takes to tell
    /// dense from sparse. `None` for a large table without rowids.
    fn count_about(&self, connection: &Connection) -> Result<Option<u64>, Trouble> {
        let table = Ident(&self.name);
        let few = format!("SELECT count(*) FROM (SELECT 1 FROM main.{table} LIMIT {FEW})");
        let count: i64 = connection.query_row(&few, [], |row| row.get(0))?;
        if count < FEW {
            return Ok(Some(count.unsigned_abs()));
        }
        let (Some(rowid), Some((first, last))) = (&self.rowid, self.bounds(connection)?) else { return Ok(None) };
        let width = (i128::from(last) - i128::from(first) + 1).div_euclid(PLACES) + 1;
        let mut place = connection.prepare(&format!(
            "SELECT count(*), max(r) FROM (SELECT {rowid} AS r FROM main.{table} NOT INDEXED \
             WHERE {rowid} >= ?1 AND {rowid} <= ?2 ORDER BY {rowid} LIMIT {AT_A_PLACE})"
        ))?;
        let mut rows = 0;
        for i in 0..PLACES {
            let start = i128::from(first) + i * width;
            let end = (start + width - 1).min(i128::from(last));
            if start > end {
                break;
            }
            let (count, reached): (i64, Option<i64>) =
                place.query_row([start as i64, end as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows += match reached {
                Some(reached) if count == AT_A_PLACE => {
                    i128::from(count) * width / (i128::from(reached) - start + 1).max(1)
                }
                _ => i128::from(count),
            };
        }
        Ok(u64::try_from(rows).ok())
    }

    fn describe(&mut self, connection: &Connection, without_rowid: bool) -> Result<(), Trouble> {
        let mut columns = connection.prepare("SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1, 'main')")?;
        let mut rows = columns.query([&self.name])?;
        while let Some(row) = rows.next()? {
            // 1 is a hidden column of a virtual table; 2 and 3 are generated columns, which are read.
            if row.get::<_, i64>(3)? != 1 {
                let declared: String = row.get(1)?;
                self.columns.push(TableColumn {
                    name: row.get(0)?,
                    declared: declared.to_ascii_uppercase(),
                    key: row.get::<_, i64>(2)? as usize,
                });
            }
        }
        let hides = |alias: &&str| !self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(alias));
        // An integer primary key that has an index of its own is not the rowid: `INTEGER PRIMARY KEY DESC`.
        let indexed = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk')";
        let alias = match self.key_columns()[..] {
            [only] if !without_rowid && self.columns[only].declared == "INTEGER" => {
                let indexed = connection.query_row(indexed, [&self.name], |row| row.get::<_, bool>(0))?;
                (!indexed).then(|| Ident(&self.columns[only].name).to_string())
            }
            _ => None,
        };
        let named = ["rowid", "_rowid_", "oid"].into_iter().find(hides).map(str::to_owned);
        self.keeps_rowids = alias.is_some();
        self.rowid = named.or(alias).filter(|_| !without_rowid);
        Ok(())
    }

    fn weight(&self) -> u128 {
        match self.kind {
            // Without a rowid, rows cannot be counted without reading them all: neither few nor many.
            Kind::Table => {
                let unknown = if self.rowid.is_some() { 0 } else { 1_000 };
                u128::from(self.rows.unwrap_or(unknown)) * self.columns.len() as u128
            }
            _ => 0,
        }
    }
}

/// A table with fewer rows is counted.
const FEW: i64 = 1_000;
/// Places at which the rowids of a larger one are looked at, and rows looked at there.
const PLACES: i128 = 16;
const AT_A_PLACE: i64 = 64;

/// The keys that the schema declares: primary, unique without a condition, and foreign ones.
pub fn keys(connection: &Connection) -> Result<Vec<TableKey>, Trouble> {
    let schema = Schema::read(connection)?;
    let mut keys = Vec::new();
    for table in schema.tables.iter().filter(|table| table.kind == Kind::Table) {
        let primary = table.primary_key();
        if !primary.is_empty() {
            keys.push(TableKey { object: table.path(), columns: primary, kind: KeyKind::Primary });
        }
        keys.extend(unique_keys(connection, table)?);
        keys.extend(foreign_keys(connection, table, &schema)?);
    }
    Ok(keys)
}

fn unique_keys(connection: &Connection, table: &Table) -> Result<Vec<TableKey>, Trouble> {
    let mut indexes = connection.prepare(
        "SELECT l.name, i.name FROM pragma_index_list(?1, 'main') AS l, pragma_index_info(l.name, 'main') AS i \
         WHERE l.\"unique\" AND NOT l.partial AND l.origin <> 'pk' ORDER BY l.seq, i.seqno",
    )?;
    let rows = indexes.query_map([&table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut keys: Vec<TableKey> = Vec::new();
    // A column without a name is an expression, and no key of values as they stand.
    for (_, columns) in grouped(rows.collect::<Result<Vec<(String, Option<String>)>, _>>()?) {
        if let Some(columns) = columns.into_iter().collect() {
            keys.push(TableKey { object: table.path(), columns, kind: KeyKind::Unique });
        }
    }
    Ok(keys)
}

fn foreign_keys(connection: &Connection, table: &Table, schema: &Schema) -> Result<Vec<TableKey>, Trouble> {
    let mut listed = connection
        .prepare("SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq")?;
    let rows = listed.query_map([&table.name], |row| {
        let column: (String, String, Option<String>) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((row.get::<_, i64>(0)?, column))
    })?;
    let mut keys = Vec::new();
    for (_, columns) in grouped(rows.collect::<Result<Vec<_>, _>>()?) {
        let Some((name, ..)) = columns.first() else { continue };
        // SQLite compares names without case and lets a key refer to a table that does not exist.
        let Some(other) = schema.tables.iter().find(|other| other.name.eq_ignore_ascii_case(name)) else { continue };
        let named: Option<Vec<String>> = columns.iter().map(|(_, _, to)| to.clone()).collect();
        let to = named.unwrap_or_else(|| other.primary_key());
        let from: Vec<String> = columns.into_iter().map(|(_, from, _)| from).collect();
        if from.len() == to.len() {
            let kind = KeyKind::Foreign { object: other.path(), columns: to };
            keys.push(TableKey { object: table.path(), columns: from, kind });
        }
    }
    Ok(keys)
}

/// A foreign key of another table, or of the table itself, that refers to a table.
#[derive(Debug)]
pub struct Reference {
    /// The table that has it.
    pub table: String,
    /// Its columns there.
    pub from: Vec<String>,
    /// The columns referred to.
    pub to: Vec<String>,
    /// What happens when these change: `CASCADE`, `NO ACTION`, …
    pub on_update: String,
}

/// The foreign keys that refer to a table.
pub fn references_to(connection: &Connection, table: &Table) -> Result<Vec<Reference>, Trouble> {
    let mut listed = connection.prepare(
        "SELECT l.name, f.id, f.\"from\", f.\"to\", f.on_update FROM pragma_table_list AS l, \
             pragma_foreign_key_list(l.name, 'main') AS f \
         WHERE l.schema = 'main' AND l.type = 'table' AND lower(f.\"table\") = lower(?1) ORDER BY l.name, f.id, f.seq",
    )?;
    let rows = listed.query_map([&table.name], |row| {
        let key: (String, i64) = (row.get(0)?, row.get(1)?);
        let column: (String, Option<String>, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((key, column))
    })?;
    let mut references = Vec::new();
    for ((name, _), columns) in grouped(rows.collect::<Result<Vec<_>, _>>()?) {
        let named: Option<Vec<String>> = columns.iter().map(|(_, to, _)| to.clone()).collect();
        let to = named.unwrap_or_else(|| table.primary_key());
        let on_update = columns.first().map(|(.., action)| action.clone()).unwrap_or_default();
        references.push(Reference {
            table: name,
            from: columns.into_iter().map(|(from, ..)| from).collect(),
            to,
            on_update,
        });
    }
    Ok(references)
}

/// Groups neighbours with the same first part.
fn grouped<K: PartialEq, V>(rows: Vec<(K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in rows {
        match groups.last_mut() {
            Some((last, values)) if *last == key => values.push(value),
            _ => groups.push((key, vec![value])),
        }
    }
    groups
}

/// The module's name in `CREATE VIRTUAL TABLE t USING module(…)`.
fn module_of(sql: &str) -> String {
    let mut words = sql.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("using"));
    let module = words.nth(1).unwrap_or("unknown");
    module.split('(').next().unwrap_or(module).to_owned()
}

/// What the schema says of tables, views, triggers and indexes: their names, and their definitions as they were typed.
pub fn texts(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut statement = connection.prepare("SELECT ifnull(sql, '') || ' ' || name FROM sqlite_schema")?;
    let texts = statement.query_map([], |row| row.get(0))?;
    Ok(texts.collect::<Result<_, _>>()?)
}
