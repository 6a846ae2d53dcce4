//! Whether all of a database can be read, and whether the role could do with less.

use residuum_source::Check;

use super::schema::{Relation, USER_SCHEMAS, large_objects};
use super::session::{Link, Server, SnapshotId};
use crate::link::Trouble;

/// Asks the server.
pub fn check(link: &mut Link, server: &Server) -> Result<Check, Trouble> {
    let mut check = Check { what: format!("{}, read as role `{}`", server.shown, server.role), ..Check::default() };
    rights(link, server, &mut check)?;
    connection(link, server, &mut check)?;
    let id = SnapshotId::of_its_own();
    for relation in Relation::all(link, server, &id)? {
        let object = relation.object(server, &id);
        if let Some(reason) = object.read_in_part {
            check.problems.push(format!("`{}` is read in part: {reason}", relation.path()));
        }
        if let Some((state, reason)) = object.not_read.filter(|(s, _)| s.is_incomplete()) {
            check.problems.push(format!("`{}` is {}: {reason}", relation.path(), state.name()));
        } else if let Some(foreign) = relation.foreign_server() {
            check.notes.push(format!("`{}` is a foreign table, read through the server `{foreign}`", relation.path()));
        }
    }
    if let Some((_, reason)) = large_objects(link, server, &id)?.and_then(|object| object.not_read) {
        check.problems.push(reason);
    }
    Ok(check)
}

fn rights(link: &mut Link, server: &Server, check: &mut Check) -> Result<(), Trouble> {
    let roles = link.rows(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = current_user",
    )?;
    let names = ["SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION"];
    let held = roles.first().into_iter().flat_map(|row| row.iter().zip(names));
    let held: Vec<_> = held.filter(|(value, _)| value.as_deref() == Some("t")).map(|(_, name)| name).collect();
    if !held.is_empty() {
        check.notes.push(format!(
            "the role `{}` has {}: reading needs only `SELECT`, see `pg_read_all_data`",
            server.role,
            held.join(", ")
        ));
        return Ok(());
    }
    let writable = link.rows(&format!(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {USER_SCHEMAS} \
             AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    ))?;
    let writable = writable.into_iter().flatten().next().flatten().unwrap_or_default();
    if writable != "0" {
        let role = &server.role;
        check.notes.push(format!("the role `{role}` may write to {writable} tables: reading needs only `SELECT`"));
    }
    Ok(())
}

fn connection(link: &mut Link, server: &Server, check: &mut Check) -> Result<(), Trouble> {
    let about = link.rows(
        "SELECT s.ssl, s.version, inet_client_addr() IS NULL, host(inet_client_addr()) IN ('127.0.0.1', '::1'), \
             pg_is_in_recovery(), (SELECT count(*) FROM pg_database WHERE datallowconn AND NOT datistemplate), \
             (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r') \
         FROM (SELECT 1) AS one LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()",
    )?;
    let about = about.first().cloned().unwrap_or_default();
    let text = |i: usize| about.get(i).and_then(Option::as_deref).unwrap_or_default();
    match (text(0), text(2) == "t" || text(3) == "t") {
        ("t", _) => check.notes.push(format!("the connection is encrypted with {}", text(1))),
        (_, true) => check.notes.push("the connection is not encrypted, and stays on this machine".into()),
        _ => check.notes.push("the connection is not encrypted: add `sslmode=verify-full` to the URL".into()),
    }
    if text(4) == "t" {
        check.notes.push("a standby: it cancels long readings unless `hot_standby_feedback` is on".into());
    }
    if text(5).parse().is_ok_and(|databases: u64| databases > 1) {
        check.notes.push(format!("one of {} databases of this server: each is a source of its own", text(5)));
    }
    if text(6) != "0" {
        check.notes.push(format!("{} temporary tables belong to their sessions and are not listed", text(6)));
    }
    if !server.tid_ranges {
        check.notes.push(
            "large tables are read by ranges of an integer key, or whole: ranges of blocks need PostgreSQL 14".into(),
        );
    }
    Ok(())
}
