//! What a server holds: its tables, which of them the user may read, and how.

use std::collections::HashMap;

use residuum_source::{Coverage, History, Object, ObjectPath, Version};

use super::moment::Moment;
use super::rights::Rights;
use super::session::{Link, TextRow};
use super::types::{Form, MyColumn, MyType};
use crate::link::Trouble;
use crate::quote::{Backticked, Hexadecimal};

/// A table or what looks like one.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its database.
    pub schema: String,
    /// Its name there.
    pub name: String,
    /// The storage engine that keeps it.
    pub engine: String,
    /// The columns that tell its rows apart: the primary key, else a unique key without nulls.
    pub key: Vec<String>,
    /// Bytes it has, as last counted by the server.
    pub bytes: u64,
    /// Whether a session reads it at its snapshot.
    pub has_snapshot: bool,
    /// Rows it has, likewise.
    pub rows: Option<u64>,
    kind: String,
}

impl Relation {
    /// All that the server shows to this user, its own schemas left out unless one is named.
    pub fn all(link: &mut Link, database: Option<&str>) -> Result<Vec<Self>, Trouble> {
        Self::list(link, &schemas("t.TABLE_SCHEMA", database), &schemas("k.TABLE_SCHEMA", database))
    }

    /// One of them by name.
    pub fn one(link: &mut Link, schema: &str, name: &str) -> Result<Self, Trouble> {
        let filter =
            |t| format!("{t}.TABLE_SCHEMA = {} AND {t}.TABLE_NAME = {}", Hexadecimal(schema), Hexadecimal(name));
        let gone = || Trouble::Unreadable("it was dropped or renamed while it was scanned: scan again".into());
        Self::list(link, &filter("t"), &filter("k"))?.into_iter().next().ok_or_else(gone)
    }

    fn list(link: &mut Link, tables: &str, keys: &str) -> Result<Vec<Self>, Trouble> {
        let rows = link.rows(&format!(
            "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, t.TABLE_ROWS, t.DATA_LENGTH, e.TRANSACTIONS \
             FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE \
             WHERE {tables} ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME"
        ))?;
        let mut keyed: HashMap<(String, String), Vec<String>> = HashMap::new();
        for key in Key::all(link, keys)?.into_iter().filter(|key| key.identifies && key.refers.is_none()) {
            // The primary key comes first; after it, those by name.
            keyed.entry((key.schema, key.table)).or_insert(key.columns);
        }
        Ok(rows.iter().map(|row| Self::of(row, &mut keyed)).collect())
    }

    fn of(row: &TextRow, keyed: &mut HashMap<(String, String), Vec<String>>) -> Self {
        let text = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let key = keyed.remove(&(text(0), text(1))).unwrap_or_default();
        let rows = row.get(4).cloned().flatten().and_then(|rows| rows.parse().ok());
        Self {
            schema: text(0),
            name: text(1),
            kind: text(2),
            engine: text(3),
            rows,
            bytes: text(5).parse().unwrap_or(0),
            has_snapshot: text(6) == "YES",
            key,
        }
    }

    /// As an object of the source.
    pub fn object(&self, moment: &Moment, rights: &Rights) -> Object {
        let held = !matches!(self.kind.as_str(), "VIEW" | "SEQUENCE");
        let at = if self.has_snapshot { "" } else { " without-snapshot" };
        let not_read = self.not_read(rights);
        let is_part = not_read.is_none() && rights.reads_part_of(&self.schema, &self.name);
        Object {
            bytes: held.then_some(self.bytes),
            records: self.rows.filter(|_| held),
            primary_key: self.key.clone(),
            read_in_part: is_part.then(|| self.hidden_columns(&rights.user)),
            not_read,
            ..Object::new(self.path(), Version::snapshot(format!("{} {}{at}", moment.id(), self.engine)))
        }
    }

    /// Why the listing itself decides that it is not read.
    pub fn not_read(&self, rights: &Rights) -> Option<(Coverage, String)> {
        match self.kind.as_str() {
            "VIEW" => Some((Coverage::Derived, "a view: the tables it selects from are read".into())),
            "SEQUENCE" => Some((Coverage::Derived, "a sequence: it holds a counter, and no data".into())),
            _ if !rights.may_read(&self.schema, &self.name) => {
                Some((Coverage::Unreadable, format!("permission denied: {}", self.grant(&rights.user))))
            }
            _ => None,
        }
    }

    /// The name under which it is listed.
    pub fn path(&self) -> ObjectPath {
        ObjectPath::from_parts([self.schema.as_str(), self.name.as_str()])
    }

    /// Its name in a statement.
    pub fn quoted(&self) -> String {
        quoted(&self.schema, &self.name)
    }

    /// What its rows are selected from. Rows that were changed or deleted are still there in a table that keeps its
    /// history, and are read, too.
    pub fn source(&self) -> String {
        let history = if self.kind == "SYSTEM VERSIONED" { " FOR SYSTEM_TIME ALL" } else { "" };
        format!("{}{history}", self.quoted())
    }

    /// What rows are selected from that are locked so; those of the past cannot be.
    pub fn source_for(&self, locking: &str) -> String {
        if locking.is_empty() { self.source() } else { self.quoted() }
    }

    /// Whether rows that were changed or deleted are kept.
    pub fn keeps_history(&self) -> bool {
        self.kind == "SYSTEM VERSIONED"
    }

    /// Which of its rows are of the past, if it keeps those.
    pub fn history(&self, link: &mut Link) -> Result<Option<History>, Trouble> {
        if !self.keeps_history() {
            return Ok(None);
        }
        let (schema, name) = (Hexadecimal(&self.schema), Hexadecimal(&self.name));
        // Rows of the present end with the last moment that the type has; a day from now is before that.
        let rows = link.rows(&format!(
            "SELECT CAST(UTC_TIMESTAMP() + INTERVAL 1 DAY AS CHAR), \
                 (SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {name} \
                      AND GENERATION_EXPRESSION = 'ROW END' LIMIT 1)"
        ))?;
        let text = |i: usize| rows.first().and_then(|row| row.get(i)).cloned().flatten();
        let end = text(1).unwrap_or_else(|| "row_end".to_owned());
        let ends = self.key.iter().position(|key| key.eq_ignore_ascii_case(&end));
        let cure = format!("DELETE HISTORY FROM {}", self.quoted());
        Ok(ends.zip(text(0)).map(|(ends, before)| History { ends, before, cure }))
    }

    /// The statement that would allow this user to read it.
    pub fn grant(&self, user: &str) -> String {
        grant(&self.schema, &self.name, user)
    }

    /// Why it is read in part only, if the user has a right on some of its columns.
    pub fn hidden_columns(&self, user: &str) -> String {
        let grant = self.grant(user);
        format!("columns that this user has no right on are not shown by the server, nor read: {grant}")
    }

    /// Whether its rows lie in other places, maybe on other servers.
    pub fn is_foreign(&self) -> bool {
        matches!(self.engine.to_ascii_uppercase().as_str(), "FEDERATED" | "CONNECT" | "SPIDER" | "S3")
    }

    /// Its columns, those left out that the server does not show to this user.
    pub fn columns(&self, link: &mut Link) -> Result<Vec<MyColumn>, Trouble> {
        let (schema, name) = (Hexadecimal(&self.schema), Hexadecimal(&self.name));
        let json = link.rows(&format!(
            "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
             WHERE CONSTRAINT_SCHEMA = {schema} AND TABLE_NAME = {name} AND CHECK_CLAUSE LIKE 'json_valid(%'"
        ));
        // MySQL has a type of its own for JSON, and no such column here.
        let json: Vec<_> = json.unwrap_or_default().into_iter().flatten().flatten().collect();
        let rows = link.rows(&format!(
            "SELECT COLUMN_NAME, LOWER(DATA_TYPE), CHARACTER_SET_NAME, CHARACTER_OCTET_LENGTH, PRIVILEGES \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {name} \
             ORDER BY ORDINAL_POSITION"
        ))?;
        let mut columns: Vec<_> = rows.iter().map(|row| column(row, &json)).collect();
        // The time at which a row of the past ended tells it from its successors, and may stand in no list.
        for key in self.key.iter().filter(|_| self.kind == "SYSTEM VERSIONED") {
            if key.eq_ignore_ascii_case("row_end") && columns.iter().all(|column| column.name != *key) {
                let row = [key, "timestamp", "", "", "select"].map(|text| Some(text.to_owned()));
                columns.push(column(&row.to_vec(), &[]));
            }
        }
        Ok(columns)
    }
}

fn column(row: &TextRow, json: &[String]) -> MyColumn {
    let text = |i: usize| row.get(i).and_then(Option::as_deref).unwrap_or_default();
    let is_json = json.iter().any(|clause| *clause == format!("json_valid({})", Backticked(text(0))));
    let kind = MyType { name: text(1), charset: text(2), is_json };
    let (form, logical) = kind.form();
    MyColumn {
        name: text(0).to_owned(),
        form,
        logical,
        capacity: text(3).parse().unwrap_or_else(|_| kind.capacity()),
        growth: kind.growth(),
        readable: text(4).split(',').any(|right| right.eq_ignore_ascii_case("select")),
    }
}

/// A key that the schema declares.
pub struct Key {
    /// Its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// Whether it is the primary one.
    pub is_primary: bool,
    /// Whether no two rows have the same values in it, and none has a null.
    pub identifies: bool,
    /// The database, table and columns it refers to.
    pub refers: Option<(String, String, Vec<String>)>,
}

impl Key {
    /// Those of the tables that a condition on `k` chooses, primary keys before others.
    pub fn all(link: &mut Link, filter: &str) -> Result<Vec<Self>, Trouble> {
        let rows = link.rows(&format!(
            "SELECT k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, c.IS_NULLABLE, \
                 k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME \
             FROM information_schema.KEY_COLUMN_USAGE k LEFT JOIN information_schema.COLUMNS c \
                 ON c.TABLE_SCHEMA = k.TABLE_SCHEMA AND c.TABLE_NAME = k.TABLE_NAME AND c.COLUMN_NAME = k.COLUMN_NAME \
             WHERE {filter} ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME <> 'PRIMARY', \
                 k.REFERENCED_TABLE_NAME IS NOT NULL, k.CONSTRAINT_NAME, k.ORDINAL_POSITION"
        ))?;
        let same = |a: &TextRow, b: &TextRow| a[..3] == b[..3] && a[6].is_some() == b[6].is_some();
        Ok(rows.chunk_by(same).map(Self::of).collect())
    }

    fn of(rows: &[TextRow]) -> Self {
        let text = |row: &TextRow, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let list = |i: usize| rows.iter().map(|row| text(row, i)).collect::<Vec<_>>();
        let first = &rows[0];
        let is_primary = text(first, 2) == "PRIMARY";
        let refers = first[6].is_some().then(|| (text(first, 5), text(first, 6), list(7)));
        let identifies = is_primary || rows.iter().all(|row| text(row, 4) == "NO");
        Self { schema: text(first, 0), table: text(first, 1), columns: list(3), is_primary, identifies, refers }
    }
}

/// The databases that are read, in the server's order.
pub fn databases(link: &mut Link, database: Option<&str>) -> Result<Vec<String>, Trouble> {
    let filter = schemas("SCHEMA_NAME", database);
    let rows = link.rows(&format!("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE {filter} ORDER BY 1"))?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// The condition that a column names a database that is read.
pub fn schemas(column: &str, database: Option<&str>) -> String {
    match database {
        Some(database) => format!("{column} = {}", Hexadecimal(database)),
        None => format!("{column} NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')"),
    }
}

/// A table's name in a statement.
pub fn quoted(schema: &str, name: &str) -> String {
    format!("{}.{}", Backticked(schema), Backticked(name))
}

/// The statement that would allow a user to read a table, or `*` for all of a database.
pub fn grant(schema: &str, name: &str, user: &str) -> String {
    grant_of("SELECT", schema, name, user)
}

/// The statement that would give a user these rights.
pub fn grant_of(rights: &str, schema: &str, name: &str, user: &str) -> String {
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') || name == "*";
    match (plain(schema) && plain(name), name) {
        (true, _) => format!("`GRANT {rights} ON {schema}.{name} TO {user}`"),
        (false, "*") => format!("GRANT {rights} ON {}.* TO {user}", Backticked(schema)),
        // Backticks around the statement would end at its own.
        (false, _) => format!("GRANT {rights} ON {} TO {user}", quoted(schema, name)),
    }
}

/// The form of a column that is part of a key: it is printed and looked up again, so its bytes stand as digits.
pub fn as_key(column: &mut MyColumn) {
    if column.form == Form::Bytes {
        (column.form, column.logical) = (Form::Digits, residuum_source::Logical::Text);
    }
}
