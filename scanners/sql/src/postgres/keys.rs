//! The keys that the schema declares.

use residuum_source::{KeyKind, ObjectPath, TableKey};

use super::schema::USER_SCHEMAS;
use super::session::{Link, Server, TextRow};
use crate::link::Trouble;

/// Primary keys, unique ones without a condition, and foreign keys.
///
/// A key of a partition is also said to refer to the same columns of the partitioned table, because that is the
/// table that others' foreign keys refer to.
pub fn keys(link: &mut Link, server: &Server) -> Result<Vec<TableKey>, Trouble> {
    // A foreign key to a partitioned table is repeated for each of its partitions: the first says it all.
    let repeated = match server.version {
        110_000.. => {
            "AND NOT (k.contype = 'f' AND EXISTS (SELECT 1 FROM pg_constraint p \
             WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid))"
        }
        _ => "",
    };
    let root = match server.version {
        120_000.. => "CASE WHEN c.relispartition THEN pg_partition_root(c.oid) END",
        _ => "NULL::oid",
    };
    let constraints = link.rows(&format!(
        "SELECT k.oid, k.contype, n.nspname, c.relname, a.attname, fn.nspname, fc.relname, fa.attname, \
             rn.nspname, rc.relname \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS p(attnum, fattnum, place) \
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum \
         LEFT JOIN pg_class fc ON fc.oid = k.confrelid LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace \
         LEFT JOIN pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = p.fattnum \
         LEFT JOIN pg_class rc ON rc.oid = {root} LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace \
         WHERE k.contype IN ('p', 'u', 'f') AND {USER_SCHEMAS} {repeated} \
         ORDER BY n.nspname, c.relname, k.contype, k.oid, p.place"
    ))?;
    let indexes = link.rows(&format!(
        "SELECT i.indexrelid, 'u', n.nspname, c.relname, a.attname, NULL, NULL, NULL, NULL, NULL \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS p(attnum, place) \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum \
         WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND p.place <= i.indnkeyatts \
             AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) \
             AND {USER_SCHEMAS} ORDER BY n.nspname, c.relname, i.indexrelid, p.place"
    ))?;
    let mut keys = Vec::new();
    for rows in constraints.chunk_by(|a, b| a[0] == b[0]).chain(indexes.chunk_by(|a, b| a[0] == b[0])) {
        add(&mut keys, rows);
    }
    Ok(keys)
}

/// Adds the key of which these rows are the columns.
fn add(keys: &mut Vec<TableKey>, rows: &[TextRow]) {
    let text = |row: &TextRow, i: usize| row.get(i).cloned().flatten();
    let table =
        |row: &TextRow, i: usize| Some(ObjectPath::from_parts([text(row, i)?.as_str(), text(row, i + 1)?.as_str()]));
    let Some(object) = table(&rows[0], 2) else { return };
    let columns: Vec<_> = rows.iter().filter_map(|row| text(row, 4)).collect();
    let kind = match text(&rows[0], 1).as_deref() {
        Some("p") => KeyKind::Primary,
        Some("u") => KeyKind::Unique,
        _ => {
            let Some(other) = table(&rows[0], 5) else { return };
            KeyKind::Foreign { object: other, columns: rows.iter().filter_map(|row| text(row, 7)).collect() }
        }
    };
    if let (KeyKind::Primary | KeyKind::Unique, Some(root)) = (&kind, table(&rows[0], 8)) {
        let kind = KeyKind::Foreign { object: root, columns: columns.clone() };
        keys.push(TableKey { object: object.clone(), columns: columns.clone(), kind });
    }
    keys.push(TableKey { object, columns, kind });
}
