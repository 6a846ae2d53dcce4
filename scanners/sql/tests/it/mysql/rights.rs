//! Who may read what, and how a connection is made.

use residuum_source::{Coverage, Object, Sensitive, Source, SourceError};
use residuum_sql::{MySql, MySqlOptions};

use super::Database;
use crate::reading::{column, named, objects, read};

fn reason<'o>(objects: &'o [Object], name: &str) -> &'o str {
    let (state, reason) = named(objects, name).not_read.as_ref().unwrap();
    assert_eq!(*state, Coverage::Unreadable);
    reason
}

#[test]
fn missing_rights_are_named_with_the_cure() {
    let Some(database) = Database::new(
        "CREATE TABLE granted(id int PRIMARY KEY, x text); INSERT INTO granted VALUES (1, 'seen');
        CREATE TABLE `se cret`(x text); INSERT INTO `se cret` VALUES ('unseen');
        CREATE TABLE invisible(x text); INSERT INTO invisible VALUES ('unseen');
        CREATE TABLE partial(id int PRIMARY KEY, shown text, hidden text); INSERT INTO partial VALUES (1, 'seen', 'unseen')",
    ) else {
        return;
    };
    let user = database.user();
    database.run(&format!(
        "GRANT SELECT ON granted TO {user}; GRANT INSERT ON `se cret` TO {user}; GRANT SELECT (id, shown) ON partial TO {user}"
    ));
    let source = database.connect_as(&user);
    let listed = objects(&source);
    assert_eq!(read(&source, named(&listed, &database.at("granted"))).records(&database.at("granted")), 1);

    let name = &database.name;
    let cases = [
        (database.at("se cret"), format!("GRANT SELECT ON `{name}`.`se cret` TO '{user}'@'%'")),
        // What the user has no right on at all, the server does not show.
        (database.at("*"), format!("`GRANT SELECT ON {name}.* TO '{user}'@'%'`")),
    ];
    let check = source.check().unwrap();
    for (table, cure) in &cases {
        assert!(reason(&listed, table).contains(cure), "{table}: {}", reason(&listed, table));
        assert!(check.problems.iter().any(|p| p.contains(table) && p.contains(cure)), "{:?}", check.problems);
    }
    assert!(check.what.starts_with("MariaDB ") && check.what.contains(&user), "{}", check.what);

    let partial = read(&source, named(&listed, &database.at("partial")));
    let (_, outcome) = &partial.closed[0];
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Unreadable, 1));
    let said = outcome.reason.as_ref().unwrap();
    assert!(said.contains(&format!("`GRANT SELECT ON {name}.partial TO")), "{said}");
    assert_eq!(named(&listed, &database.at("partial")).read_in_part.as_ref(), Some(said), "the listing says so, too");
    assert!(check.problems.iter().any(|problem| problem.contains(said)), "{:?}", check.problems);
    assert_eq!(column(&partial, &database.at("partial"), "shown"), ["seen"]);

    // Rights taken away after the listing.
    database.run(&format!("REVOKE SELECT ON granted FROM {user}"));
    let (_, outcome) = read(&source, named(&listed, &database.at("granted"))).closed.remove(0);
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.unwrap().contains("permission denied"));

    database.run(&format!("GRANT SELECT ON {name}.* TO {user}"));
    let source = database.connect_as(&user);
    let listed = objects(&source);
    assert!(listed.iter().all(|object| object.not_read.is_none()), "{listed:?}");
    assert_eq!(listed.len(), 4);
    assert_eq!(source.check().unwrap().problems, Vec::<String>::new());
}

#[test]
fn without_a_database_all_are_listed_but_the_servers_own() {
    let Some(database) = Database::new("CREATE TABLE t(x text); INSERT INTO t VALUES ('a@example.com')") else {
        return;
    };
    let everything = |options: MySqlOptions| MySqlOptions {
        url: Sensitive::new(options.url.expose().rsplit_once('/').unwrap().0.to_owned()),
        ..options
    };
    let source = MySql::connect("all", everything(MySqlOptions::new(&database.url))).unwrap();
    let listed = objects(&source);
    assert_eq!(read(&source, named(&listed, &database.at("t"))).records(&database.at("t")), 1);
    assert!(!listed.iter().any(|o| o.path.as_str().starts_with("mysql.") || o.path.as_str().ends_with(".*")));

    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}", database.name));
    let source = MySql::connect("all", everything(database.options_as(&user))).unwrap();
    let listed = objects(&source);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(reason(&listed, "*.*").contains("name one in the URL"));
}

#[test]
fn rights_wider_than_needed_are_noted() {
    let Some(database) = Database::new("CREATE TABLE t(x int)") else { return };
    let user = database.user();
    database.run(&format!("GRANT SELECT, UPDATE ON {}.* TO {user}", database.name));
    let notes = |source: MySql| source.check().unwrap().notes.join("\n");
    assert!(notes(database.connect()).contains("ALL PRIVILEGES: reading needs only `SELECT`"));
    assert!(notes(database.connect_as(&user)).contains("has UPDATE: reading needs only `SELECT`"));
}

#[test]
fn connecting_fails_with_the_cure() {
    let Some(database) = Database::new("") else { return };
    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}", database.name));
    let connect = |options: MySqlOptions| MySql::connect("crm", options).unwrap_err();

    let mut wrong = database.options_as(&user);
    wrong.password = Some(Sensitive::new("notthepassword".into()));
    let error = connect(wrong);
    assert!(matches!(error, SourceError::Credentials { .. }), "{error}");
    assert!(error.to_string().contains(&user) && error.to_string().contains("MYSQL_PWD"), "{error}");
    assert!(!error.to_string().contains("notthepassword"));

    let in_url = database.url.replace("://app@", &format!("://{user}:opensesame@"));
    MySql::connect("crm", MySqlOptions::new(in_url.replace("mysql://", "mariadb://"))).unwrap();

    let absent = database.url.replace(&database.name, "no_such_database");
    let error = connect(MySqlOptions::new(absent));
    assert!(matches!(error, SourceError::Config { .. }) && error.to_string().contains("no_such_database"), "{error}");

    let error = connect(MySqlOptions::new("mysql://app@127.0.0.1:1/x"));
    assert!(matches!(error, SourceError::Unreachable { .. }) && error.to_string().contains("127.0.0.1:1"), "{error}");

    if !database.run("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'ed25519'").is_empty() {
        database.run(&format!("ALTER USER {user}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('opensesame')"));
        let error = connect(database.options_as(&user));
        assert!(matches!(error, SourceError::Credentials { .. }), "{error}");
        assert!(error.to_string().contains("mysql_native_password"), "{error}");
    }
}

#[test]
fn few_connections_are_enough() {
    let Some(database) = Database::new("CREATE TABLE t(x int); INSERT INTO t VALUES (1)") else { return };
    let user = database.user();
    database.run(&format!(
        "GRANT SELECT ON {}.* TO {user}; ALTER USER {user}@'%' WITH MAX_USER_CONNECTIONS 2",
        database.name
    ));
    let options = MySqlOptions { sessions: 6, ..database.options_as(&user) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    assert_eq!(read(&source, named(&listed, &database.at("t"))).records(&database.at("t")), 1);
}

#[test]
fn tls_is_used_and_verified_as_the_url_says() {
    let Some(database) = Database::new("") else { return };
    let certificate = database.run("SELECT @@ssl_cert");
    if certificate.is_empty() || certificate == "NULL" {
        return;
    }
    let authority = format!("{}/../ca.crt", certificate.rsplit_once('/').unwrap().0);
    let url = |host: &str, query: &str| {
        MySqlOptions::new(format!("{}?{query}", database.url.replace("@127.0.0.1:", &format!("@{host}:"))))
    };
    let trusting = |host: &str, mode: &str| url(host, &format!("ssl-mode={mode}&ssl-ca={authority}"));
    let note = |options| MySql::connect("crm", options).unwrap().check().unwrap().notes.join("\n");
    assert!(note(url("127.0.0.1", "ssl-mode=disabled")).contains("not encrypted"));
    for mode in ["preferred", "required"] {
        assert!(note(url("127.0.0.1", &format!("ssl-mode={mode}"))).contains("encrypted with TLS"), "{mode}");
    }
    assert!(note(trusting("127.0.0.1", "verify_ca")).contains("encrypted with TLS"));
    assert!(note(trusting("localhost", "verify_identity")).contains("encrypted with TLS"));
    for (case, options) in [
        ("an authority that is not trusted", url("127.0.0.1", "ssl-mode=verify_ca")),
        ("a name that is not the certificate's", trusting("127.0.0.1", "verify_identity")),
    ] {
        let error = MySql::connect("crm", options).unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{case}: {error}");
        assert!(error.to_string().contains("ssl-ca"), "{case}: {error}");
    }
}
