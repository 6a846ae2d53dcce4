//! The purpose lock: rows that were kept under an exception may be used for that purpose alone (11 CCR § 7022(f)), and SQL
//! for the owner to run makes the database see to it.
//!
//! In PostgreSQL a restrictive row-level policy hides the rows from every role that is no member of the one named, whatever
//! it reads them through. MariaDB and SQLite have no such policies: there a view leaves the rows out, and who reads the view
//! must have no right to the table. Nothing here is run, and it can be run again: rows are added, rights are not widened.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use residuum_source::{ObjectPath, RecordKind};
use serde_json::Value;

use super::RequestError;
use super::opened::opened;
use super::plan::{LeftState, Plan};
use super::policy::Policy;
use crate::index::{Keyring, display};

/// Columns of a primary key that a lock can tell rows by.
const COLUMNS: usize = 4;

/// A database that can be told to hide rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// PostgreSQL: row-level security.
    Postgres,
    /// MariaDB and MySQL: a view.
    MySql,
    /// SQLite: a view; it has no roles.
    Sqlite,
}

impl Dialect {
    /// Of a kind of source; `None` if it is no database that takes SQL.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "postgres" => Some(Self::Postgres),
            "mysql" => Some(Self::MySql),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    fn name(self, text: &str) -> String {
        match self {
            Self::MySql => format!("`{}`", text.replace('`', "``")),
            Self::Postgres | Self::Sqlite => format!("\"{}\"", text.replace('"', "\"\"")),
        }
    }

    fn text(self, text: &str) -> String {
        let text = text.replace('\'', "''");
        match self {
            Self::MySql => format!("'{}'", text.replace('\\', "\\\\")),
            // Whatever the server's setting, a backslash is one.
            Self::Postgres if text.contains('\\') => format!("E'{}'", text.replace('\\', "\\\\")),
            Self::Postgres | Self::Sqlite => format!("'{text}'"),
        }
    }

    /// A column as the text by which its row is told.
    fn as_text(self, column: &str) -> String {
        let kind = if self == Self::MySql { "CHAR" } else { "TEXT" };
        format!("CAST({column} AS {kind})")
    }
}

/// A kept row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    key: Vec<String>,
    exception: String,
    approved_by: String,
    purpose: String,
}

/// The kept rows of a table.
#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// Kept rows of a source, with what cannot be locked.
#[derive(Default)]
pub struct Lock {
    tables: BTreeMap<(String, String), Table>,
    /// Objects of which something is kept that no lock can tell, and why; as outputs show them.
    pub open: BTreeMap<String, &'static str>,
}

impl Lock {
    /// What a plan keeps in a source. Keys that are personal are opened, and stand in the SQL.
    ///
    /// # Errors
    /// When a sealed key cannot be opened.
    pub fn new(plan: &Plan, source: &str, policy: &Policy, keys: &Keyring) -> Result<Self, RequestError> {
        let mut lock = Self::default();
        for left in plan.left.iter().filter(|left| *left.location.finding.source == *source) {
            let LeftState::Retained { exception, reason, approved_by } = &left.state else { continue };
            let at = &left.location.finding;
            let mut leave = |why| {
                lock.open.insert(display(&at.object), why);
            };
            if policy.retained(&at.source, &at.object).is_none() {
                leave(
                    "values are kept in rows that stay for other purposes: take the right to their columns from others",
                );
                continue;
            }
            let columns: Vec<String> = at.primary_key.iter().map(|of| of.to_string()).collect();
            if at.record.kind() != RecordKind::Pk || columns.is_empty() || columns.len() > COLUMNS {
                leave(
                    "its rows have no primary key of one to four columns to tell them by: keep them in a table of their own",
                );
                continue;
            }
            let path = ObjectPath::from_escaped(&keys.reveal(&at.object)?).ok().map(|path| path.to_string());
            let Some((schema, table)) = path.as_deref().and_then(|path| path.split_once('.')) else {
                leave("it is no table of a database");
                continue;
            };
            let record = opened(keys, &at.record)?.key_json(&at.primary_key);
            let value = |column: &String| match &record[column.as_str()] {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let key: Vec<String> = columns.iter().map(value).collect();
            let of = lock.tables.entry((schema.to_owned(), table.to_owned())).or_default();
            let (exception, approved_by) = (exception.clone(), approved_by.clone());
            of.rows.push(Row { key, exception, approved_by, purpose: reason.clone() });
            of.columns = columns;
        }
        for table in lock.tables.values_mut() {
            table.rows.sort();
            table.rows.dedup();
        }
        Ok(lock)
    }

    /// How many rows it hides.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows.len() as u64).sum()
    }

    /// The statements: rows can be read by members of `role` alone; `readers` are given the views where there are views.
    pub fn sql(&self, dialect: Dialect, role: &str, readers: &[String]) -> String {
        match dialect {
            Dialect::Postgres => self.postgres(role),
            Dialect::MySql | Dialect::Sqlite => self.views(dialect, role, readers),
        }
    }

    /// The rows as tuples of a statement that inserts them.
    fn tuples(&self, dialect: Dialect, role: &str) -> String {
        let mut tuples = Vec::new();
        for ((schema, name), table) in &self.tables {
            let object = dialect.text(&format!("{schema}.{name}"));
            for Row { key, exception, approved_by, purpose } in &table.rows {
                let mut key = key.clone();
                key.resize(COLUMNS, String::new());
                let cells = key.iter().chain([exception, approved_by, purpose]).map(|cell| dialect.text(cell));
                let cells: Vec<String> = cells.chain([dialect.text(role)]).collect();
                tuples.push(format!("({object}, {})", cells.join(", ")));
            }
        }
        tuples.join(",\n")
    }

    /// The key of a row of a table, as texts, those that it does not have empty.
    fn key(dialect: Dialect, table: &Table, of: &str) -> Vec<String> {
        let text = |column: &String| dialect.as_text(&format!("{of}{}", dialect.name(column)));
        let mut key: Vec<String> = table.columns.iter().map(text).collect();
        key.resize(COLUMNS, "''".to_owned());
        key
    }

    fn postgres(&self, role: &str) -> String {
        let dialect = Dialect::Postgres;
        let mut sql = format!(
            "-- Rows that are kept under an exception can be read and changed by members of {role} alone (11 CCR § 7022(f)).\n\
             -- Superusers and roles with BYPASSRLS see them still: what scans and what dumps has to be one, `ALTER ROLE … \
             BYPASSRLS`.\n\
             -- To be run by the owner of the tables, once more for each request.\n\
             BEGIN;\n\
             CREATE SCHEMA IF NOT EXISTS residuum_lock;\n\
             GRANT USAGE ON SCHEMA residuum_lock TO PUBLIC;\n\
             CREATE TABLE IF NOT EXISTS residuum_lock.held (object text, k1 text, k2 text, k3 text, k4 text, exception text,\n\
             \x20   approved_by text, purpose text, role name, PRIMARY KEY (object, k1, k2, k3, k4, role));\n\
             REVOKE ALL ON residuum_lock.held FROM PUBLIC;\n\
             CREATE OR REPLACE FUNCTION residuum_lock.is_open(text, text, text, text, text, name) RETURNS boolean\n\
             \x20   LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lock$\n\
             \x20   SELECT NOT EXISTS (SELECT 1 FROM residuum_lock.held h WHERE (h.object, h.k1, h.k2, h.k3, h.k4) = ($1, $2, \
             $3, $4, $5))\n\
             \x20   OR EXISTS (SELECT 1 FROM residuum_lock.held h WHERE (h.object, h.k1, h.k2, h.k3, h.k4) = ($1, $2, $3, \
             $4, $5)\n\
             \x20       AND pg_has_role($6, h.role, 'MEMBER'))\n\
             $lock$;\n\
             INSERT INTO residuum_lock.held VALUES\n{}\nON CONFLICT DO NOTHING;\n",
            self.tuples(dialect, role)
        );
        for ((schema, name), table) in &self.tables {
            let object = format!("{}.{}", dialect.name(schema), dialect.name(name));
            let (regclass, named) = (dialect.text(&object), dialect.text(&format!("{schema}.{name}")));
            let key = Self::key(dialect, table, "").join(", ");
            let _ = write!(
                sql,
                "DO $lock$ BEGIN\n\
                 \x20   -- A table without row-level security stays open but for the kept rows; one that has its own keeps it.\n\
                 \x20   IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = {regclass}::regclass) THEN\n\
                 \x20       CREATE POLICY residuum_open ON {object} USING (true) WITH CHECK (true);\n\
                 \x20       ALTER TABLE {object} ENABLE ROW LEVEL SECURITY;\n\
                 \x20   END IF;\n\
                 \x20   ALTER TABLE {object} FORCE ROW LEVEL SECURITY;\n\
                 \x20   IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = {regclass}::regclass AND polname = \
                 'residuum_lock') THEN\n\
                 \x20       CREATE POLICY residuum_lock ON {object} AS RESTRICTIVE\n\
                 \x20           USING (residuum_lock.is_open({named}, {key}, current_user)) WITH CHECK (true);\n\
                 \x20   END IF;\n\
                 END $lock$;\n"
            );
        }
        sql.push_str("COMMIT;\n");
        sql
    }

    fn views(&self, dialect: Dialect, role: &str, readers: &[String]) -> String {
        let is_mysql = dialect == Dialect::MySql;
        let mut sql = match dialect {
            Dialect::MySql => format!(
                "-- Rows that are kept under an exception for {role} are left out of the views (11 CCR § 7022(f)).\n\
                 -- A right to the table, its database or the server shows them all the same: take it from everybody else, and \
                 give the view.\n"
            ),
            _ => format!(
                "-- Rows that are kept under an exception for {role} are left out of the views (11 CCR § 7022(f)).\n\
                 -- SQLite has no roles: whoever can open the file reads them; give others a copy made through the views.\n"
            ),
        };
        let (text, more) = if is_mysql { ("VARCHAR(150)", "TEXT") } else { ("TEXT", "TEXT") };
        let collation = if is_mysql { " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" } else { "" };
        let insert = if is_mysql { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
        // In MySQL a schema is a database, and the table of kept rows stands in each.
        let mut made = std::collections::BTreeSet::new();
        for ((schema, name), table) in &self.tables {
            let held = format!("{}.{}", dialect.name(schema), dialect.name("residuum_held"));
            if made.insert(schema) {
                let of_schema = Self {
                    tables: self.tables.iter().filter(|((of, _), _)| of == schema).map(Table::entry).collect(),
                    open: BTreeMap::new(),
                };
                let _ = write!(
                    sql,
                    "CREATE TABLE IF NOT EXISTS {held} (object {text}, k1 {text}, k2 {text}, k3 {text}, k4 {text},\n\
                     \x20   exception {more}, approved_by {more}, purpose {more}, role {more}, PRIMARY KEY (object, k1, k2, k3, \
                     k4)){collation};\n{insert} INTO {held} VALUES\n{};\n",
                    of_schema.tuples(dialect, role)
                );
            }
            let object = format!("{}.{}", dialect.name(schema), dialect.name(name));
            let view = format!("{}.{}", dialect.name(schema), dialect.name(&format!("{name}_unlocked")));
            let pairs = Self::key(dialect, table, "t.");
            let pairs: Vec<String> = pairs.iter().enumerate().map(|(n, key)| format!("h.k{} = {key}", n + 1)).collect();
            let create =
                if is_mysql { "CREATE OR REPLACE SQL SECURITY DEFINER VIEW" } else { "CREATE VIEW IF NOT EXISTS" };
            // A view of SQLite names tables of its own database without its name.
            let (object, held) = match dialect {
                Dialect::Sqlite => (dialect.name(name), dialect.name("residuum_held")),
                _ => (object, held),
            };
            let _ = writeln!(
                sql,
                "{create} {view} AS SELECT t.* FROM {object} t WHERE NOT EXISTS (SELECT 1 FROM {held} h\n    WHERE h.object = \
                 {} AND {});",
                dialect.text(&format!("{schema}.{name}")),
                pairs.join(" AND ")
            );
            for reader in readers.iter().filter(|_| is_mysql) {
                let _ = writeln!(sql, "GRANT SELECT ON {view} TO {};", account(dialect, reader));
            }
        }
        sql
    }
}

impl Table {
    fn entry<'t>((name, table): (&'t (String, String), &'t Self)) -> ((String, String), Self) {
        (name.clone(), Self { columns: table.columns.clone(), rows: table.rows.clone() })
    }
}

/// A user or role of MariaDB, `name` or `name@host`.
fn account(dialect: Dialect, reader: &str) -> String {
    match reader.rsplit_once('@') {
        Some((name, host)) => format!("{}@{}", dialect.text(name), dialect.text(host)),
        None => dialect.name(reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_stay_what_they_are() {
        for (dialect, name, text) in [
            (Dialect::Postgres, "\"a\"\"b`c\"", "E'o''\\\\x'"),
            (Dialect::Sqlite, "\"a\"\"b`c\"", "'o''\\x'"),
            (Dialect::MySql, "`a\"b``c`", "'o''\\\\x'"),
        ] {
            assert_eq!(dialect.name("a\"b`c"), name);
            assert_eq!(dialect.text("o'\\x"), text);
        }
        assert_eq!(account(Dialect::MySql, "ads@%"), "'ads'@'%'");
        assert_eq!(account(Dialect::MySql, "ads"), "`ads`");
    }
}
