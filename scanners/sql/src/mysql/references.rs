//! The foreign keys that refer to a table, known before anything is deleted from it.

use residuum_source::{Refusal, RefusalKind};

use super::error::is_lost;
use super::schema::{Relation, quoted};
use super::session::{Link, Server, TextRow};
use crate::link::Trouble;
use crate::quote::{Backticked, Hexadecimal};

/// A foreign key, of another table or of the table itself, that refers to a table.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its name.
    name: String,
    /// The table that has it, as it stands in statements.
    pub table: String,
    /// Whether that is the table itself.
    pub is_own: bool,
    /// What happens when the columns referred to change: `CASCADE`, `RESTRICT`, …
    pub on_update: String,
    /// Its columns, and the columns referred to.
    pairs: Vec<(String, String)>,
}

impl Relation {
    /// The foreign keys that refer to the table, of tables that the server shows to this user; see [`Unseen`].
    pub fn references(&self, link: &mut Link) -> Result<Vec<Reference>, Trouble> {
        let rows = link.rows(&format!(
            "SELECT k.CONSTRAINT_SCHEMA, k.CONSTRAINT_NAME, k.TABLE_SCHEMA, k.TABLE_NAME, r.UPDATE_RULE, \
                 k.COLUMN_NAME, k.REFERENCED_COLUMN_NAME \
             FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r \
                 ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME \
                     AND r.TABLE_NAME = k.TABLE_NAME \
             WHERE k.REFERENCED_TABLE_SCHEMA = {} AND k.REFERENCED_TABLE_NAME = {} \
             ORDER BY k.TABLE_SCHEMA, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
            Hexadecimal(&self.schema),
            Hexadecimal(&self.name)
        ))?;
        let of = |rows: &[TextRow]| {
            let text = |row: &TextRow, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
            let first = &rows[0];
            Reference {
                name: text(first, 1),
                table: quoted(&text(first, 2), &text(first, 3)),
                is_own: (text(first, 2), text(first, 3)) == (self.schema.clone(), self.name.clone()),
                on_update: text(first, 4),
                pairs: rows.iter().map(|row| (text(row, 5), text(row, 6))).collect(),
            }
        };
        Ok(rows.chunk_by(|a, b| a[..4] == b[..4]).map(of).collect())
    }
}

/// Foreign keys and triggers that the server may have and does not show, because the user has no right on their tables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unseen {
    /// How many keys there are that are not shown and would delete or change rows; `None` if nobody can say.
    keys: Option<u64>,
    /// Whether the table may have triggers that are not shown.
    pub triggers: bool,
}

impl Relation {
    /// What may concern the table and is not shown to this user.
    pub fn unseen(&self, link: &mut Link, server: &Server) -> Result<Unseen, Trouble> {
        // The grantee stands there as it does in a `GRANT`. What a user has through a role only is not found here, and
        // said to be unseen.
        let (user, schema, name) = (Hexadecimal(&server.user), Hexadecimal(&self.schema), Hexadecimal(&self.name));
        let has = |table: &str, right: &str, of: &str| {
            format!(
                "EXISTS (SELECT 1 FROM information_schema.{table} WHERE GRANTEE = {user} AND PRIVILEGE_TYPE = '{right}'{of})"
            )
        };
        let rights = link.rows(&format!(
            "SELECT {}, {} OR {} OR {}",
            has("USER_PRIVILEGES", "SELECT", ""),
            has("USER_PRIVILEGES", "TRIGGER", ""),
            has("SCHEMA_PRIVILEGES", "TRIGGER", &format!(" AND {schema} LIKE TABLE_SCHEMA")),
            has("TABLE_PRIVILEGES", "TRIGGER", &format!(" AND TABLE_SCHEMA = {schema} AND TABLE_NAME = {name}"))
        ))?;
        let is =
            |i: usize| rights.first().and_then(|row| row.get(i)).is_some_and(|value| value.as_deref() == Some("1"));
        let keys = if is(0) { Some(0) } else { self.unseen_keys(link, server)? };
        Ok(Unseen { keys, triggers: !is(1) })
    }

    /// How many foreign keys InnoDB itself knows that would delete or change rows and are not shown; that may ask who
    /// has the right `PROCESS`.
    fn unseen_keys(&self, link: &mut Link, server: &Server) -> Result<Option<u64>, Trouble> {
        let known = if server.is_mariadb { "INNODB_SYS_FOREIGN" } else { "INNODB_FOREIGN" };
        // InnoDB has names as those of files, and the first four bits of a type are for `CASCADE` and `SET NULL`.
        let of_file = |name: &str| format!("CAST(CONVERT({name} USING filename) AS BINARY)");
        let (schema, name) = (Hexadecimal(&self.schema).to_string(), Hexadecimal(&self.name).to_string());
        let counted = link.rows(&format!(
            "SELECT COUNT(*) FROM information_schema.{known} AS i \
             WHERE CAST(i.REF_NAME AS BINARY) IN (CONCAT({}, '/', {}), CAST(CONCAT({schema}, '/', {name}) AS BINARY)) AND i.TYPE & 15 <> 0 AND NOT EXISTS \
                 (SELECT 1 FROM information_schema.KEY_COLUMN_USAGE AS k \
                  WHERE k.REFERENCED_TABLE_SCHEMA = {schema} AND k.REFERENCED_TABLE_NAME = {name} AND CAST(i.ID AS BINARY) IN \
                      (CAST(CONCAT(k.CONSTRAINT_SCHEMA, '/', k.CONSTRAINT_NAME) AS BINARY), \
                       CONCAT({}, '/', CAST(k.CONSTRAINT_NAME AS BINARY))))",
            of_file(&schema),
            of_file(&name),
            of_file("k.CONSTRAINT_SCHEMA")
        ));
        match counted {
            Ok(rows) => Ok(rows.into_iter().flatten().next().flatten().and_then(|count| count.parse().ok())),
            Err(trouble) if is_lost(&trouble) => Err(trouble),
            Err(_) => Ok(None),
        }
    }
}

impl Unseen {
    /// Why nothing goes from a table to which keys refer that are not shown.
    pub fn refusal(&self, user: &str) -> Option<Refusal> {
        let keys = self.keys.filter(|&keys| keys > 0)?;
        let reason = format!(
            "{keys} foreign keys of tables that are not shown to this user refer to it, and rows there would go or change with it: `GRANT SELECT` on those tables to {user}"
        );
        Some(Refusal::new(RefusalKind::Constraint, reason))
    }

    /// What is to be said of deleted rows to which rows elsewhere may have referred.
    pub fn note(&self, user: &str) -> Option<String> {
        let note = || {
            format!(
                "foreign keys of tables that this user has no right on are not shown, and rows there may have gone or changed with it: `GRANT PROCESS ON *.* TO {user}`"
            )
        };
        self.keys.is_none().then(note)
    }
}

impl Reference {
    /// Whether it refers to a column of this name.
    pub fn refers_to(&self, column: &str) -> bool {
        self.pairs.iter().any(|(_, to)| to.eq_ignore_ascii_case(column))
    }

    /// The condition that the row `c` refers to the row `p`.
    pub fn condition(&self) -> String {
        let equal = |(from, to): &(String, String)| format!("p.{} = c.{}", Backticked(to), Backticked(from));
        self.pairs.iter().map(equal).collect::<Vec<_>>().join(" AND ")
    }

    /// Why nothing goes from a table whose referring rows may not be read.
    pub fn unseen(&self, user: &str) -> Refusal {
        let (name, table) = (Backticked(&self.name), &self.table);
        let reason = format!(
            "rows of {table} may refer to it (foreign key {name}), and cannot be read: GRANT SELECT ON {table} TO {user}"
        );
        Refusal::new(RefusalKind::ReadOnly, reason)
    }

    /// Why a row stays that others refer to.
    pub fn refers(&self, rows: u64, cure: &str) -> Refusal {
        let (name, table) = (Backticked(&self.name), &self.table);
        let reason = format!("{rows} rows of {table} refer to it (foreign key {name}): {cure}");
        Refusal::new(RefusalKind::Constraint, reason)
    }
}
