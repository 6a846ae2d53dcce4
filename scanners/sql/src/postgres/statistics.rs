//! What the planner's statistics hold: values of the tables' rows, also of rows that have been deleted since.
//!
//! `ANALYZE` keeps the most frequent values of each column, and values that divide it into stretches of equal count
//! (`pg_statistic`, shown by the views `pg_stats` and `pg_stats_ext`). They stay until the table is analysed again, which
//! after a `DELETE` may be long. A role sees the statistics of those columns that it may read.

use residuum_source::{Flow, Leftover, ObjectPath, SourceError};

use super::Postgres;
use super::session::{Link, SnapshotId};
use crate::link::Trouble;
use crate::quote::Text;

/// What the bytes are called.
const WHAT: &str = "statistics";

/// Hands out the values in the statistics, table by table.
pub(super) fn read(source: &Postgres, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
    // As they are now: what was cured while the tables were read is cured.
    let stopped = source.ask(&SnapshotId::of_its_own(), |link| {
        let extended = views_of_extended(link)?;
        for (schema, table) in tables(link, &extended)? {
            let object = ObjectPath::from_parts([schema.as_str(), table.as_str()]);
            for values in values(link, &schema, &table, &extended)? {
                let leftover = Leftover { object: &object, what: WHAT, page: 0, offset: 0, bytes: values.as_bytes() };
                if look(leftover).is_break() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    })?;
    if stopped { Err(SourceError::Stopped) } else { Ok(()) }
}

/// The views of extended statistics that this server has: of several columns since version 12, of expressions since 14.
fn views_of_extended(link: &mut Link) -> Result<Vec<String>, Trouble> {
    let rows = link.rows(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'pg_catalog' \
         AND table_name IN ('pg_stats_ext', 'pg_stats_ext_exprs') AND column_name = 'most_common_vals' ORDER BY 1",
    )?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

fn tables(link: &mut Link, extended: &[String]) -> Result<Vec<(String, String)>, Trouble> {
    let views = ["pg_stats"].into_iter().chain(extended.iter().map(String::as_str));
    let of_view = |view: &str| {
        format!(
            "SELECT schemaname::text, tablename::text FROM pg_catalog.{view} WHERE schemaname <> 'information_schema' AND schemaname !~ '^pg_'"
        )
    };
    let sql = views.map(of_view).collect::<Vec<_>>().join(" UNION ");
    let rows = link.rows(&format!("{sql} ORDER BY 1, 2"))?;
    Ok(rows.into_iter().filter_map(|row| <[_; 2]>::try_from(row).ok()).filter_map(|[s, t]| Some((s?, t?))).collect())
}

/// The values in a table's statistics, a text for each of its columns, as PostgreSQL writes arrays.
fn values(link: &mut Link, schema: &str, table: &str, extended: &[String]) -> Result<Vec<String>, Trouble> {
    let of_table = format!("schemaname = {} AND tablename = {}", Text(schema), Text(table));
    let mut sql = format!(
        "SELECT concat_ws(E'\\n', most_common_vals::text, histogram_bounds::text, most_common_elems::text) \
         FROM pg_catalog.pg_stats WHERE {of_table}"
    );
    for view in extended {
        let more = if view == "pg_stats_ext_exprs" { ", histogram_bounds::text, most_common_elems::text" } else { "" };
        sql.push_str(&format!(
            " UNION ALL SELECT concat_ws(E'\\n', most_common_vals::text{more}) FROM pg_catalog.{view} WHERE {of_table}"
        ));
    }
    let rows = link.rows(&sql)?;
    Ok(rows.into_iter().flatten().flatten().filter(|values| !values.is_empty()).collect())
}
