//! What a database holds: its tables, which of them the role may read, and how.

use std::collections::HashMap;

use residuum_source::{Coverage, Object, ObjectPath};

use super::error::hidden_rows;
use super::session::{Link, Server, SnapshotId, TextRow};
use super::types::{PgColumn, PgType};
use crate::link::Trouble;
use crate::quote::{Ident, Text};

/// A table or what looks like one.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name in the schema.
    pub name: String,
    /// Its columns of the primary key, in key order.
    pub primary_key: Vec<String>,
    /// Blocks it has, as last counted by the server.
    pub blocks: u64,
    /// Rows it has, likewise.
    pub rows: Option<u64>,
    /// The file that holds it: another one after `TRUNCATE` or a rewrite.
    pub node: u32,
    oid: u32,
    kind: Kind,
    heap: bool,
    toast_blocks: u64,
    measured: Option<u64>,
    usable_schema: bool,
    readable: bool,
    partly_readable: bool,
    /// The columns that the role may not read, quoted, if it may read others.
    denied: Option<String>,
    hides_rows: bool,
    populated: bool,
    server: Option<String>,
}

/// What a relation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Table,
    Partitioned,
    Materialized,
    View,
    Foreign,
}

impl Relation {
    /// All that a user can see as tables, system schemas left out.
    pub fn all(link: &mut Link, server: &Server, id: &SnapshotId) -> Result<Vec<Self>, Trouble> {
        // Sizes of tables that were never analysed are looked up, which waits for a lock on one being altered.
        match Self::list(link, "", true) {
            Err(trouble) if trouble.code().as_deref() == Some("55P03") => {
                link.run("ROLLBACK")?;
                link.begin(server, id)?;
                Self::list(link, "", false)
            }
            listed => listed,
        }
    }

    /// One of them by name.
    pub fn one(link: &mut Link, schema: &str, name: &str) -> Result<Self, Trouble> {
        let filter = format!("AND n.nspname = {} AND c.relname = {}", Text(schema), Text(name));
        let gone = || Trouble::Unreadable("it was dropped or renamed while it was scanned: scan again".into());
        Self::list(link, &filter, false)?.into_iter().next().ok_or_else(gone)
    }

    fn list(link: &mut Link, filter: &str, measure: bool) -> Result<Vec<Self>, Trouble> {
        let measured = if measure { MEASURED } else { "NULL" };
        let rows = link.rows(&format!(
            "SELECT c.oid, n.nspname, c.relname, c.relkind, coalesce(am.amname, ''), c.relpages, c.reltuples, \
                 coalesce(t.relpages, 0), coalesce(pg_relation_filenode(c.oid), 0), \
                 has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), \
                 has_any_column_privilege(c.oid, 'SELECT'), row_security_active(c.oid), c.relispopulated, \
                 s.srvname, {measured}, \
                 CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') AND has_any_column_privilege(c.oid, 'SELECT') THEN ( \
                     SELECT string_agg('\"' || replace(a.attname, '\"', '\"\"') || '\"', ', ' ORDER BY a.attnum) \
                     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                         AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) END \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_class t ON t.oid = c.reltoastrelid \
             LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver \
             WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND c.relpersistence <> 't' AND {USER_SCHEMAS} {filter} \
             ORDER BY n.nspname, c.relname"
        ))?;
        let keys = link.rows(&format!(
            "SELECT k.conrelid, a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS p(attnum, place) \
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum \
             WHERE k.contype = 'p' AND {USER_SCHEMAS} {filter} ORDER BY k.conrelid, p.place"
        ))?;
        let mut primary: HashMap<String, Vec<String>> = HashMap::new();
        for row in keys {
            if let [Some(table), Some(column)] = &row[..] {
                primary.entry(table.clone()).or_default().push(column.clone());
            }
        }
        Ok(rows.iter().map(|row| Self::of(row, &primary)).collect())
    }

    fn of(row: &TextRow, primary: &HashMap<String, Vec<String>>) -> Self {
        let text = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let is = |i: usize| text(i) == "t";
        let number = |i: usize| text(i).parse::<i64>().map_or(0, |n| n.max(0).unsigned_abs());
        Self {
            oid: text(0).parse().unwrap_or(0),
            schema: text(1),
            name: text(2),
            kind: match text(3).as_str() {
                "p" => Kind::Partitioned,
                "m" => Kind::Materialized,
                "v" => Kind::View,
                "f" => Kind::Foreign,
                _ => Kind::Table,
            },
            heap: text(4) == "heap",
            blocks: number(5),
            // -1 before the first analysis; earlier versions say 0.
            rows: text(6).parse::<f64>().ok().filter(|rows| *rows >= 0.0 && number(5) > 0).map(|rows| rows as u64),
            toast_blocks: number(7),
            node: text(8).parse().unwrap_or(0),
            usable_schema: is(9),
            readable: is(10),
            partly_readable: is(11),
            hides_rows: is(12),
            populated: is(13),
            server: row.get(14).cloned().flatten(),
            measured: row.get(15).cloned().flatten().and_then(|size| size.parse().ok()),
            denied: row.get(16).cloned().flatten(),
            primary_key: primary.get(&text(0)).cloned().unwrap_or_default(),
        }
    }

    /// As an object of the source.
    pub fn object(&self, server: &Server, id: &SnapshotId) -> Object {
        let held = matches!(self.kind, Kind::Table | Kind::Materialized);
        let not_read = self.not_read(&server.role);
        let bytes = self.measured.unwrap_or((self.blocks + self.toast_blocks) * server.block_size);
        Object {
            bytes: held.then_some(bytes),
            records: self.rows.filter(|_| held),
            primary_key: self.primary_key.clone(),
            read_in_part: self.denied(&server.role).filter(|_| not_read.is_none()),
            not_read,
            ..Object::new(self.path(), server.version_of(id, self.node))
        }
    }

    /// The name under which it is listed.
    pub fn path(&self) -> ObjectPath {
        ObjectPath::from_parts([self.schema.as_str(), self.name.as_str()])
    }

    /// Its name in a statement.
    pub fn quoted(&self) -> String {
        format!("{}.{}", Ident(&self.schema), Ident(&self.name))
    }

    /// The statements that would allow this role to read it.
    pub fn grant(&self, role: &str) -> String {
        let role = Ident(role);
        let select = format!("`GRANT SELECT ON {} TO {role}`", self.quoted());
        match self.usable_schema {
            true => select,
            false => format!("`GRANT USAGE ON SCHEMA {} TO {role}` and {select}", Ident(&self.schema)),
        }
    }

    /// Which columns are not read, with the statement that would allow it.
    pub fn denied(&self, role: &str) -> Option<String> {
        let (columns, role) = (self.denied.as_ref()?, Ident(role));
        Some(format!("columns {columns} are not read: `GRANT SELECT ({columns}) ON {} TO {role}`", self.quoted()))
    }

    /// Why the listing itself decides that it is not read.
    fn not_read(&self, role: &str) -> Option<(Coverage, String)> {
        match self.kind {
            Kind::View => Some((Coverage::Derived, "a view: the tables it selects from are read".into())),
            Kind::Partitioned => Some((Coverage::Derived, "a partitioned table: its partitions are read".into())),
            Kind::Materialized if !self.populated => {
                Some((Coverage::Derived, "a materialized view that holds nothing yet".into()))
            }
            _ if !self.usable_schema || !(self.readable || self.partly_readable) => {
                Some((Coverage::Unreadable, format!("permission denied: {}", self.grant(role))))
            }
            _ if self.hides_rows => Some((Coverage::Unreadable, hidden_rows(&Ident(role).to_string()))),
            _ => None,
        }
    }

    /// Whether its rows have places, in order, and the role may ask for them.
    pub fn has_ctid(&self) -> bool {
        self.heap && self.kind != Kind::Foreign && self.readable
    }

    /// Its number in the catalog.
    pub fn oid(&self) -> u32 {
        self.oid
    }

    /// Why nothing can be written to it, whatever the rights.
    pub fn holds_no_rows_of_its_own(&self) -> Option<String> {
        Some(match self.kind {
            Kind::Table if self.heap => return None,
            Kind::Table => "its rows have no places that hold for a transaction: erase them there by hand".into(),
            Kind::Partitioned => "a partitioned table: its partitions hold the rows".into(),
            Kind::View => "a view: the tables it selects from hold the rows".into(),
            Kind::Materialized => {
                format!("a materialized view: `REFRESH MATERIALIZED VIEW {}` once its tables are done", self.quoted())
            }
            Kind::Foreign => {
                let server = self.server.as_deref().unwrap_or_default();
                format!("a foreign table of the server `{server}`: scan that as a source of its own, and erase there")
            }
        })
    }

    /// The foreign server it is read from, if it is a foreign table.
    pub fn foreign_server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Its columns.
    pub fn columns(&self, link: &mut Link) -> Result<Vec<PgColumn>, Trouble> {
        let rows = link.rows(&format!(
            "SELECT a.attname, b.typname, n.nspname = 'pg_catalog', b.typtype, b.typcategory, \
                 a.attlen = -1 AND a.attstorage <> 'p', has_column_privilege(a.attrelid, a.attnum, 'SELECT'), \
                 format_type(b.oid, -1), coalesce(( \
                     SELECT format('OPERATOR(%I.=)', s.nspname) FROM pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace \
                     WHERE o.oprname = '=' AND o.oprleft = b.oid AND o.oprright = b.oid LIMIT 1), '=') \
             FROM pg_attribute a CROSS JOIN LATERAL ( \
                 WITH RECURSIVE d(oid, typtype, typbasetype) AS ( \
                     SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid \
                     UNION ALL \
                     SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t JOIN d ON d.typtype = 'd' AND t.oid = d.typbasetype \
                 ) SELECT oid FROM d WHERE typtype <> 'd') AS d \
             JOIN pg_type b ON b.oid = d.oid JOIN pg_namespace n ON n.oid = b.typnamespace \
             WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            self.oid
        ))?;
        let column = |row: &TextRow| {
            let text = |i: usize| row.get(i).and_then(Option::as_deref).unwrap_or_default();
            let kind = PgType { name: text(1), own: text(2) == "t", kind: text(3), category: text(4) };
            let (form, logical) = kind.form();
            let bounded = matches!(text(1), "numeric" | "inet" | "cidr");
            PgColumn {
                name: text(0).to_owned(),
                form,
                logical,
                extensible: text(5) == "t" && !bounded,
                readable: text(6) == "t",
                base: text(7).to_owned(),
                equal: text(8).to_owned(),
            }
        };
        Ok(rows.iter().map(column).collect())
    }

    /// Bytes of its blocks, and of those that hold its long values, as they are now.
    pub fn sizes(&self, link: &mut Link) -> Result<(u64, u64), Trouble> {
        let sizes = link.rows(&format!(
            "SELECT pg_relation_size(oid), CASE WHEN reltoastrelid <> 0 THEN pg_relation_size(reltoastrelid) END \
             FROM pg_class WHERE oid = {}",
            self.oid
        ))?;
        let size = |i: usize| {
            let text = sizes.first().and_then(|row| row.get(i)).cloned().flatten();
            text.and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Ok((size(0), size(1)))
    }
}

/// Large objects are data that no table shows; they are not read, and said so.
pub fn large_objects(link: &mut Link, server: &Server, id: &SnapshotId) -> Result<Option<Object>, Trouble> {
    let rows = match link.rows("SELECT count(*) FROM pg_largeobject_metadata") {
        // Servers that only look like PostgreSQL have none.
        Err(trouble) if trouble.code().is_some() => return Ok(None),
        rows => rows?,
    };
    let count: u64 = rows.into_iter().flatten().next().flatten().and_then(|n| n.parse().ok()).unwrap_or(0);
    let object = || Object {
        records: Some(count),
        not_read: Some((
            Coverage::Unsupported,
            format!("{count} large objects are not read: `lo_export` writes them to files, which can be scanned"),
        )),
        ..Object::new(ObjectPath::from_parts(["pg_catalog", "pg_largeobject"]), server.version_of(id, 0))
    };
    Ok((count > 0).then(object))
}

/// Schemas that are not the system's own; temporary tables belong to the session that made them.
pub const USER_SCHEMAS: &str =
    "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'";

/// The size of a table that the server has not counted yet, unless another session has locked it.
const MEASURED: &str = "CASE WHEN c.relpages <= 0 AND c.relkind IN ('r', 'm') AND NOT EXISTS ( \
    SELECT 1 FROM pg_locks l WHERE l.relation = c.oid AND l.granted AND l.mode = 'AccessExclusiveLock') \
    THEN pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) END";
