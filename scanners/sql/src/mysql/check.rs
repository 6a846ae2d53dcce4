//! Whether all of a server or database can be read, and whether the user could do with less.

use residuum_source::{Check, Version};

use super::moment::Moment;
use super::rights::Rights;
use super::schema::{Relation, databases};
use super::session::{Link, Server};
use crate::link::Trouble;

/// Asks the server.
pub fn check(link: &mut Link, server: &Server, moment: &Moment, database: Option<&str>) -> Result<Check, Trouble> {
    let mut check = Check { what: format!("{}, read as {}", server.shown, server.user), ..Check::default() };
    let rights = Rights::of(link, server, database)?;
    if !rights.needless.is_empty() {
        let (user, held) = (&server.user, rights.needless.join(", "));
        check.notes.push(format!("the user {user} has {held}: reading needs only `SELECT`"));
        if !rights.sees_all_keys() {
            check.notes.push(format!(
                "foreign keys and triggers of tables that this user has no right on are not shown, and an erasure says so: `GRANT PROCESS, TRIGGER ON *.* TO {user}`"
            ));
        }
    }
    connection(link, server, moment, &mut check)?;
    let mut without = Vec::new();
    let hidden = rights.hidden(&databases(link, database)?, database, &Version::snapshot("check"));
    let relations = Relation::all(link, database)?;
    let listed = relations.iter().map(|relation| relation.object(moment, &rights)).chain(hidden);
    for object in listed {
        if let Some(reason) = object.read_in_part {
            check.problems.push(format!("`{}` is read in part: {reason}", object.path));
        }
        if let Some((state, reason)) = object.not_read.filter(|(state, _)| state.is_incomplete()) {
            check.problems.push(format!("`{}` is {}: {reason}", object.path, state.name()));
        }
    }
    for relation in relations.iter().filter(|relation| relation.not_read(&rights).is_none()) {
        if relation.is_foreign() {
            let (path, engine) = (relation.path(), &relation.engine);
            check.notes.push(format!("`{path}` is read through the engine {engine}, from where that has it"));
        } else if !relation.has_snapshot {
            without.push(format!("`{}` ({})", relation.path(), relation.engine));
        }
    }
    if !without.is_empty() {
        check.notes.push(format!("read without a snapshot, because the engine has none: {}", without.join(", ")));
    }
    Ok(check)
}

fn connection(link: &mut Link, server: &Server, moment: &Moment, check: &mut Check) -> Result<(), Trouble> {
    if !server.is_mariadb {
        check.notes.push("this program is tested against MariaDB, and not against MySQL".into());
    }
    let about = link.rows("SHOW STATUS WHERE Variable_name IN ('Ssl_version', 'Ssl_cipher')")?;
    let tls = about.iter().find(|row| row.first().is_some_and(|name| name.as_deref() == Some("Ssl_version")));
    let tls = tls.and_then(|row| row.get(1).cloned().flatten()).filter(|version| !version.is_empty());
    // `SELECT USER()` is who connected from where, unlike `CURRENT_USER()`.
    let from = link.rows("SELECT SUBSTRING_INDEX(USER(), '@', -1)")?;
    let from = from.into_iter().flatten().next().flatten().unwrap_or_default();
    check.notes.push(match (tls, matches!(from.as_str(), "localhost" | "127.0.0.1" | "::1")) {
        (Some(version), _) => format!("the connection is encrypted with {version}"),
        (None, true) => "the connection is not encrypted, and stays on this machine".into(),
        (None, false) => "the connection is not encrypted: add `ssl-mode=verify_identity` to the URL".into(),
    });
    check.notes.push(moment.note());
    Ok(())
}
