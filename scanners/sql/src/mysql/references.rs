//! The foreign keys that refer to a table, known before anything is deleted from it.

use residuum_source::{Refusal, RefusalKind};

use super::schema::{Relation, quoted};
use super::session::{Link, TextRow};
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
    /// The foreign keys that refer to the table, of tables that the server shows to this user.
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

    /// Why a row stays that others refer to.
    pub fn refers(&self, rows: u64, cure: &str) -> Refusal {
        let (name, table) = (Backticked(&self.name), &self.table);
        let reason = format!("{rows} rows of {table} refer to it (foreign key {name}): {cure}");
        Refusal::new(RefusalKind::Constraint, reason)
    }
}
