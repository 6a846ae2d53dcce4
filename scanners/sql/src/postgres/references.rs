//! The foreign keys that refer to a table, known before anything is deleted from it.

use residuum_source::{Refusal, RefusalKind};

use super::schema::Relation;
use super::session::{Link, Server};
use crate::link::Trouble;
use crate::quote::Ident;

/// A foreign key, of another table or of the table itself, that refers to a table.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// The table that has it, as it stands in statements.
    pub table: String,
    /// Whether that table's partitions hold its rows.
    pub is_partitioned: bool,
    /// Whether the role sees all its rows.
    pub is_readable: bool,
    /// What happens when a row referred to goes: `a` and `r` forbid it, `c`, `n` and `d` change what refers.
    pub on_delete: String,
    /// The same when the columns referred to change.
    pub on_update: String,
    /// Its columns, the columns referred to, and the operators that compare them.
    pub pairs: Vec<(String, String, String)>,
}

impl Relation {
    /// The foreign keys that refer to the table or, for a partition, to what it is part of.
    pub fn references(&self, link: &mut Link, server: &Server) -> Result<Vec<Reference>, Trouble> {
        // A key of a partitioned table is repeated for its partitions: the first says it all.
        let repeated = match server.version {
            110_000.. => {
                "AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.oid = k.conparentid AND f.confrelid = k.confrelid)"
            }
            _ => "",
        };
        let rows = link.rows(&format!(
            "SELECT k.oid, k.conname, n.nspname, c.relname, c.relkind = 'p', \
                 has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') \
                     AND NOT row_security_active(c.oid), \
                 k.confdeltype, k.confupdtype, a.attname, fa.attname, format('OPERATOR(%I.%s)', o_n.nspname, o.oprname) \
             FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             CROSS JOIN LATERAL unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS p(attnum, fattnum, op, place) \
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum \
             JOIN pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = p.fattnum \
             JOIN pg_operator o ON o.oid = p.op JOIN pg_namespace o_n ON o_n.oid = o.oprnamespace \
             WHERE k.contype = 'f' AND k.confrelid = {} {repeated} ORDER BY k.oid, p.place",
            self.oid()
        ))?;
        let of = |rows: &[Vec<Option<String>>]| {
            let text = |row: &Vec<Option<String>>, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
            let first = &rows[0];
            Reference {
                name: text(first, 1),
                table: format!("{}.{}", Ident(&text(first, 2)), Ident(&text(first, 3))),
                is_partitioned: text(first, 4) == "t",
                is_readable: text(first, 5) == "t",
                on_delete: text(first, 6),
                on_update: text(first, 7),
                pairs: rows.iter().map(|row| (text(row, 8), text(row, 9), text(row, 10))).collect(),
            }
        };
        Ok(rows.chunk_by(|a, b| a[0] == b[0]).map(of).collect())
    }
}

impl Reference {
    /// Whether rows that refer would be deleted or changed by this action.
    pub fn carries(action: &str) -> bool {
        matches!(action, "c" | "n" | "d")
    }

    /// Whether it refers to a column of this name.
    pub fn refers_to(&self, column: &str) -> bool {
        self.pairs.iter().any(|(_, to, _)| to == column)
    }

    /// The condition that the row `c` refers to the row `p`.
    pub fn condition(&self) -> String {
        let equal =
            |(from, to, operator): &(String, String, String)| format!("p.{} {operator} c.{}", Ident(to), Ident(from));
        self.pairs.iter().map(equal).collect::<Vec<_>>().join(" AND ")
    }

    /// Why a row stays that others refer to.
    pub fn refers(&self, rows: u64, cure: &str) -> Refusal {
        let (name, table) = (Ident(&self.name), &self.table);
        let reason = format!("{rows} rows of {table} refer to it (foreign key {name}): {cure}");
        Refusal::new(RefusalKind::Constraint, reason)
    }

    /// Why nothing goes from a table whose referring rows cannot be seen.
    pub fn unseen(&self, role: &str) -> Refusal {
        let (name, table, role) = (Ident(&self.name), &self.table, Ident(role));
        let reason = format!(
            "rows of {table} may change with it (foreign key {name}), and cannot be seen: `GRANT SELECT ON {table} TO {role}`, and `BYPASSRLS` if it has policies"
        );
        Refusal::new(RefusalKind::Constraint, reason)
    }
}
