//! Who may read what, and how a connection is made.

use residuum_source::{Coverage, Sensitive, Source, SourceError};
use residuum_sql::{Postgres, PostgresOptions};

use super::{Database, column, named, objects, read};

#[test]
fn missing_rights_are_named_with_the_cure() {
    let Some(database) = Database::new(
        r#"CREATE TABLE granted(id int PRIMARY KEY, x text); INSERT INTO granted VALUES (1, 'seen');
        CREATE TABLE secret(x text); INSERT INTO secret VALUES ('unseen');
        CREATE TABLE partial(id int PRIMARY KEY, shown text, hidden text); INSERT INTO partial VALUES (1, 'seen', 'unseen');
        CREATE TABLE rows(id int, x text); INSERT INTO rows VALUES (1, 'a'), (2, 'b');
        ALTER TABLE rows ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON rows USING (id = 1);
        CREATE SCHEMA closed; CREATE TABLE closed.t(x text);"#,
    ) else {
        return;
    };
    let role = database.role("");
    database.run(&format!("GRANT SELECT ON granted, rows TO {role}; GRANT SELECT (id, shown) ON partial TO {role}"));
    let source = database.connect_as(&role);
    let listed = objects(&source);
    assert_eq!(read(&source, named(&listed, "public.granted")).records("public.granted"), 1);

    let cases = [
        ("public.secret", format!(r#"`GRANT SELECT ON "public"."secret" TO "{role}"`"#)),
        ("public.rows", format!(r#"`ALTER ROLE "{role}" BYPASSRLS`"#)),
        ("closed.t", format!(r#"`GRANT USAGE ON SCHEMA "closed" TO "{role}"`"#)),
    ];
    let check = source.check().unwrap();
    for (table, cure) in &cases {
        let (state, reason) = named(&listed, table).not_read.clone().unwrap();
        assert_eq!(state, Coverage::Unreadable);
        assert!(reason.contains(cure), "{table}: {reason}");
        assert!(check.problems.iter().any(|p| p.contains(table) && p.contains(cure)), "{:?}", check.problems);
    }
    assert!(check.what.starts_with("PostgreSQL ") && check.what.contains(&role), "{}", check.what);

    // Listing, checking and reading say the same.
    let in_part = named(&listed, "public.partial").read_in_part.clone().unwrap();
    assert!(check.problems.contains(&format!("`public.partial` is read in part: {in_part}")), "{:?}", check.problems);
    let partial = read(&source, named(&listed, "public.partial"));
    assert_eq!(partial.closed[0].1.reason.as_ref(), Some(&in_part));
    let (_, outcome) = &partial.closed[0];
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Unreadable, 1));
    let reason = outcome.reason.as_ref().unwrap();
    assert!(reason.contains(r#"`GRANT SELECT ("hidden") ON "public"."partial" TO"#), "{reason}");
    assert_eq!(column(&partial, "public.partial", "shown"), ["seen"]);
    assert!(column(&partial, "public.partial", "hidden").is_empty());

    // Rights taken away, and policies made, after the listing.
    database.run(&format!("REVOKE SELECT ON granted FROM {role}"));
    let (_, outcome) = read(&source, named(&listed, "public.granted")).closed.remove(0);
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.unwrap().contains("permission denied"));
    database.run(&format!("GRANT SELECT ON granted TO {role}; ALTER TABLE granted ENABLE ROW LEVEL SECURITY"));
    let (_, outcome) = read(&source, named(&listed, "public.granted")).closed.remove(0);
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.unwrap().contains("BYPASSRLS"));

    database.run(&format!("ALTER ROLE {role} BYPASSRLS"));
    let source = database.connect_as(&role);
    assert_eq!(read(&source, named(&objects(&source), "public.rows")).records("public.rows"), 2);
}

#[test]
fn rights_wider_than_needed_are_noted() {
    let Some(database) = Database::new("CREATE TABLE t(x int)") else { return };
    let role = database.role("");
    database.run(&format!("GRANT SELECT, UPDATE ON t TO {role}"));
    let notes = |source: Postgres| source.check().unwrap().notes.join("\n");
    assert!(notes(database.connect()).contains("SUPERUSER"));
    assert!(notes(database.connect_as(&role)).contains("may write to 1 tables"));
}

#[test]
fn connecting_fails_with_the_cure() {
    let Some(database) = Database::new("") else { return };
    let role = database.role("");
    let connect = |options: PostgresOptions| Postgres::connect("crm", options).unwrap_err();

    let mut wrong = database.options_as(&role);
    wrong.password = Some(Sensitive::new("notthepassword".into()));
    let error = connect(wrong);
    assert!(matches!(error, SourceError::Credentials { .. }), "{error}");
    assert!(error.to_string().contains(&role) && error.to_string().contains("PGPASSWORD"), "{error}");
    assert!(!error.to_string().contains("notthepassword"));

    let in_url = database.url.replace("://app@", &format!("://{role}:opensesame@"));
    Postgres::connect("crm", PostgresOptions::new(&in_url)).unwrap();

    let absent = database.url.replace(&database.name, "no_such_database");
    let error = connect(PostgresOptions::new(absent));
    assert!(matches!(error, SourceError::Config { .. }) && error.to_string().contains("no_such_database"), "{error}");

    let error = connect(PostgresOptions::new("postgres://app@127.0.0.1:1/x"));
    assert!(matches!(error, SourceError::Unreachable { .. }) && error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[test]
fn tls_is_used_and_verified_as_the_url_says() {
    let Some(database) = Database::new("") else { return };
    if database.run("SHOW ssl") != "on" {
        return;
    }
    let certificate = database.run("SHOW ssl_cert_file");
    let authority = format!("{}/../ca.crt", certificate.rsplit_once('/').unwrap().0);
    let url = |host: &str, mode: &str| {
        let with_host = database.url.replace("@127.0.0.1:", &format!("@{host}:"));
        PostgresOptions::new(format!("{with_host}&sslmode={mode}"))
    };
    let trusting = |host: &str, mode: &str| {
        let options = url(host, mode);
        PostgresOptions::new(format!("{}&sslrootcert={authority}", options.url.expose()))
    };
    let note = |options| Postgres::connect("crm", options).unwrap().check().unwrap().notes.join("\n");
    assert!(note(url("127.0.0.1", "disable")).contains("not encrypted"));
    for mode in ["prefer", "require"] {
        assert!(note(url("127.0.0.1", mode)).contains("encrypted with TLS"), "{mode}");
    }
    assert!(note(trusting("127.0.0.1", "verify-ca")).contains("encrypted with TLS"));
    assert!(note(trusting("localhost", "verify-full")).contains("encrypted with TLS"));
    for (case, options) in [
        ("an authority that is not trusted", url("127.0.0.1", "verify-ca")),
        ("a name that is not the certificate's", trusting("127.0.0.1", "verify-full")),
    ] {
        let error = Postgres::connect("crm", options).unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{case}: {error}");
        assert!(error.to_string().contains("sslrootcert"), "{case}: {error}");
    }
}
