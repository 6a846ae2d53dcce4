//! What the catalog holds as text: comments, defaults, constraints, labels of enums, views, functions and what else people
//! write into a schema, with the values that they write into it.
//!
//! No row of a table shows it, and no scan of tables finds it; `pg_dump` copies it. Catalogs can be read by every role.

use residuum_source::{Flow, Leftover, ObjectPath, SourceError};

use super::Postgres;
use super::schema::USER_SCHEMAS;
use super::session::{Link, SnapshotId};
use crate::link::Trouble;

/// What the bytes are called.
const WHAT: &str = "definition";

/// Hands out the texts, one by one, under the name of what they belong to.
pub(super) fn read(source: &Postgres, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
    let stopped = source.ask(&SnapshotId::of_its_own(), |link| {
        for (schema, name, text) in texts(link, source.server.version)? {
            let object = ObjectPath::from_parts([schema.as_str(), name.as_str()]);
            let leftover = Leftover { object: &object, what: WHAT, page: 0, offset: 0, bytes: text.as_bytes() };
            if look(leftover).is_break() {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    if stopped { Err(SourceError::Stopped) } else { Ok(()) }
}

fn texts(link: &mut Link, version: u32) -> Result<Vec<(String, String, String)>, Trouble> {
    let rows = match link.rows(&query(version)) {
        // Servers that only look like PostgreSQL have other catalogs.
        Err(trouble) if matches!(trouble.code().as_deref(), Some("42P01" | "42703" | "42883" | "0A000")) => {
            return Err(Trouble::Unreadable("the server's catalogs are not PostgreSQL's".into()));
        }
        rows => rows?,
    };
    let row = |row: Vec<Option<String>>| match <[_; 3]>::try_from(row) {
        Ok([Some(schema), Some(name), Some(text)]) => Some((schema, name, text)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(row).filter(|(.., text)| !text.is_empty()).collect())
}

/// One query for all: schema, name and text.
fn query(version: u32) -> String {
    let of_class = |text: &str, from: &str| {
        format!(
            "SELECT n.nspname::text, c.relname::text, {text} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace {from} \
             AND {USER_SCHEMAS}"
        )
    };
    let columns =
        "(SELECT string_agg(a.attname, E'\\n') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)";
    let mut all = vec![
        of_class(&format!("concat_ws(E'\\n', c.relname, {columns})"), "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"),
        of_class("d.description", "JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid WHERE true"),
        of_class("pg_get_expr(d.adbin, d.adrelid)", "JOIN pg_attrdef d ON d.adrelid = c.oid WHERE true"),
        of_class("pg_get_constraintdef(k.oid)", "JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype = 'c'"),
        of_class("pg_get_viewdef(c.oid)", "WHERE c.relkind IN ('v', 'm')"),
        of_class(
            "pg_get_ruledef(r.oid)",
            "JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN' AND c.relkind IN ('r', 'p', 'v')",
        ),
        of_class(
            "pg_get_indexdef(i.indexrelid)",
            "JOIN pg_index i ON i.indrelid = c.oid WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)",
        ),
        of_class("pg_get_triggerdef(t.oid)", "JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal"),
        of_class(
            "concat_ws(E'\\n', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))",
            "JOIN pg_policy p ON p.polrelid = c.oid WHERE true",
        ),
        format!(
            "SELECT n.nspname::text, t.typname::text, string_agg(e.enumlabel, E'\\n') FROM pg_enum e \
             JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {USER_SCHEMAS} GROUP BY 1, 2"
        ),
        format!(
            "SELECT n.nspname::text, t.typname::text, concat_ws(E'\\n', t.typdefault, pg_get_constraintdef(k.oid)) FROM pg_type t \
             JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_constraint k ON k.contypid = t.oid \
             WHERE t.typtype = 'd' AND {USER_SCHEMAS}"
        ),
        format!(
            "SELECT n.nspname::text, p.proname::text, concat_ws(E'\\n', p.prosrc, pg_get_expr(p.proargdefaults, 0){}) FROM pg_proc p \
             JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {USER_SCHEMAS}",
            if version >= 140_000 { ", pg_get_function_sqlbody(p.oid)" } else { "" }
        ),
        // 16384 is the first number that is not the system's own; the schema `public` has a smaller one.
        "SELECT 'pg_catalog', 'pg_description', d.description FROM pg_description d \
         WHERE d.classoid <> 'pg_class'::regclass AND (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass)"
            .to_owned(),
        "SELECT 'pg_catalog', 'pg_shdescription', d.description FROM pg_shdescription d \
         JOIN pg_database b ON b.oid = d.objoid WHERE d.classoid = 'pg_database'::regclass AND b.datname = current_database()"
            .to_owned(),
    ];
    if version >= 100_000 {
        all.push(of_class("pg_get_expr(c.relpartbound, c.oid)", "WHERE c.relispartition"));
    }
    all.join(" UNION ALL ")
}
