//! What the user may read, and what the server therefore does not show.
//!
//! A server lists only the databases and tables that a user has some right on. So a listing is known to be whole
//! only where `SELECT` holds for all of a database; what may be hidden elsewhere is an entry of its own.

use std::collections::HashSet;

use residuum_source::{Coverage, Object, ObjectPath, Version};

use super::schema::{grant, schemas};
use super::session::{Link, Server};
use crate::link::Trouble;

/// The rights of the user who reads.
#[derive(Debug, Default)]
pub struct Rights {
    /// Who, as statements name it.
    pub user: String,
    /// Rights that reading does not need.
    pub needless: Vec<String>,
    reads_everything: bool,
    sees_databases: bool,
    /// Patterns of the databases of which all may be read, and of those taken from it again.
    granted: Vec<String>,
    revoked: Vec<String>,
    /// Tables of which some column may be read.
    tables: HashSet<(String, String)>,
    /// Tables of which every column may be read.
    whole: HashSet<(String, String)>,
}

impl Rights {
    /// Asks the server.
    pub fn of(link: &mut Link, server: &Server, database: Option<&str>) -> Result<Self, Trouble> {
        let mut rights = Self { user: server.user.clone(), ..Self::default() };
        for line in link.rows("SHOW GRANTS")?.into_iter().flatten().flatten() {
            rights.add(&line);
        }
        let filter = schemas("TABLE_SCHEMA", database);
        let tables = link.rows(&format!(
            "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.COLUMNS \
             WHERE {filter} AND FIND_IN_SET('select', PRIVILEGES)"
        ))?;
        rights.tables = tables.into_iter().filter_map(|row| <[_; 2]>::try_from(row).ok()).filter_map(pair).collect();
        Ok(rights)
    }

    /// Takes a line of `SHOW GRANTS`. Such a line may hold the hash of a password: it is not kept.
    fn add(&mut self, line: &str) {
        let Some((verb, rest)) = line.split_once(' ') else { return };
        let Some((list, rest)) = rest.split_once(" ON ") else { return };
        let object = rest.split(" TO ").next().and_then(|object| object.split(" FROM ").next()).unwrap_or_default();
        let listed: Vec<_> = list.split(", ").collect();
        let has = |right: &str| listed.iter().any(|held| *held == right || *held == "ALL PRIVILEGES");
        match (verb, object.strip_suffix(".*")) {
            ("GRANT", Some("*")) => {
                self.reads_everything |= has("SELECT");
                self.sees_databases |= has("SHOW DATABASES");
            }
            ("GRANT", Some(pattern)) if has("SELECT") => self.granted.push(unquoted(pattern)),
            ("GRANT", None) if has("SELECT") => {
                if let Some((schema, table)) = object.split_once("`.`") {
                    self.whole.insert((unquoted(&format!("{schema}`")), unquoted(&format!("`{table}"))));
                }
            }
            ("REVOKE", Some(pattern)) if has("SELECT") => self.revoked.push(unquoted(pattern)),
            _ => {}
        }
        let needless = ["ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "DROP", "ALTER", "CREATE", "SUPER", "FILE"];
        for right in needless.into_iter().filter(|right| verb == "GRANT" && listed.contains(right)) {
            if !self.needless.iter().any(|known| known == right) {
                self.needless.push(right.to_owned());
            }
        }
    }

    /// Whether every foreign key of the server is shown.
    pub fn sees_all_keys(&self) -> bool {
        self.reads_everything && self.revoked.is_empty()
    }

    /// Whether some column of a table may be read.
    pub fn may_read(&self, schema: &str, table: &str) -> bool {
        self.reads_all_of(schema) || self.tables.contains(&(schema.to_owned(), table.to_owned()))
    }

    /// Whether only some columns of a table may be read, and so are shown.
    pub fn reads_part_of(&self, schema: &str, table: &str) -> bool {
        let table = (schema.to_owned(), table.to_owned());
        !self.reads_all_of(schema) && !self.whole.contains(&table) && self.tables.contains(&table)
    }

    /// Whether every table of a database may be read, and so is shown.
    pub fn reads_all_of(&self, schema: &str) -> bool {
        let is_one = |patterns: &[String]| patterns.iter().any(|pattern| like(schema.as_bytes(), pattern.as_bytes()));
        (self.reads_everything || is_one(&self.granted)) && !is_one(&self.revoked)
    }

    /// Entries for what the server may hold and not show.
    pub fn hidden(&self, databases: &[String], named: Option<&str>, version: &Version) -> Vec<Object> {
        let entry = |path, reason| Object {
            not_read: Some((Coverage::Unreadable, reason)),
            ..Object::new(path, version.clone())
        };
        let mut entries = Vec::new();
        for schema in databases.iter().filter(|schema| !self.reads_all_of(schema)) {
            let reason = format!(
                "tables that this user has no right on are not shown by the server, so that there may be more: {}",
                grant(schema, "*", &self.user)
            );
            entries.push(entry(ObjectPath::from_parts([schema.as_str(), "*"]), reason));
        }
        if named.is_none() && !(self.reads_everything || self.sees_databases) {
            let reason = format!(
                "databases that this user has no right on are not shown by the server, so that there may be more: \
                 name one in the URL, or {}",
                grant("*", "*", &self.user)
            );
            entries.push(entry(ObjectPath::from_parts(["*", "*"]), reason));
        }
        entries
    }
}

fn pair(row: [Option<String>; 2]) -> Option<(String, String)> {
    let [schema, table] = row;
    schema.zip(table)
}

/// A name without its backticks.
fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("``", "`"))
}

/// Whether a name is like a pattern, with `%`, `_` and `\` as `LIKE` has them.
fn like(name: &[u8], pattern: &[u8]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        ([b'%', rest @ ..], _) => (0..=name.len()).any(|at| like(&name[at..], rest)),
        ([b'\\', wanted, rest @ ..], [first, others @ ..]) => wanted == first && like(others, rest),
        ([b'_', rest @ ..], [_, others @ ..]) => like(others, rest),
        ([wanted, rest @ ..], [first, others @ ..]) => wanted == first && like(others, rest),
        (_, []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_say_what_is_shown() {
        let cases: &[(&[&str], &str, bool)] = &[
            (&["GRANT ALL PRIVILEGES ON *.* TO `app`@`%` WITH GRANT OPTION"], "crm", true),
            (&["GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*D8'"], "crm", false),
            (&["GRANT SELECT, SHOW VIEW ON `crm`.* TO `a`@`%`"], "crm", true),
            (&["GRANT INSERT ON `crm`.* TO `a`@`%`"], "crm", false),
            (&["GRANT SELECT ON `crm\\_%`.* TO `a`@`%`"], "crm_2024", true),
            (&["GRANT SELECT ON `crm\\_%`.* TO `a`@`%`"], "crm2024", false),
            (&["GRANT SELECT ON `o``d d`.* TO `a`@`%`"], "o`d d", true),
            (&["GRANT SELECT (`id`) ON `crm`.`t` TO `a`@`%`", "GRANT SELECT ON `crm`.`u` TO `a`@`%`"], "crm", false),
            (&["GRANT SELECT ON *.* TO `a`@`%`", "REVOKE SELECT ON `crm`.* FROM `a`@`%`"], "crm", false),
            (&["GRANT `reader` TO `a`@`%`", "SET DEFAULT ROLE `reader` FOR `a`@`%`"], "crm", false),
        ];
        for (lines, schema, expected) in cases {
            let mut rights = Rights::default();
            lines.iter().for_each(|line| rights.add(line));
            assert_eq!(rights.reads_all_of(schema), *expected, "{lines:?} {schema}");
        }
        let mut rights = Rights::default();
        rights.add("GRANT SELECT (`id`) ON `c`.`part` TO `a`@`%`");
        rights.add("GRANT SELECT, INSERT (`x`) ON `c`.`a``b` TO `a`@`%`");
        rights.tables = ["part", "a`b"].map(|table| ("c".to_owned(), table.to_owned())).into();
        assert!(rights.reads_part_of("c", "part") && !rights.reads_part_of("c", "a`b"));
        assert!(rights.may_read("c", "part") && !rights.may_read("c", "other"));
    }
}
