//! Rows that a database does something about when they go or change: triggers, columns that it computes, and sources
//! that cannot be written to at all.

use crate::sandbox::Sandbox;
use crate::servers::{self, MariaDb, Postgres, sqlite};

/// Whom it is about.
const JANE: &str = "jane.roe@example.com";

/// A sandbox with one database as its source, in which everything is scanned.
fn scanned(source: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    servers::secrets(&sandbox);
    sandbox.file("residuum.toml", source);
    sandbox.run(["scan"]).exits(0);
    sandbox
}

fn grants_of_postgres(database: &Postgres) {
    let role = database.name();
    database.run(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ));
}

#[test]
fn triggers_of_postgresql_find_what_they_name() {
    let Some(postgres) = Postgres::new(
        "triggers",
        "CREATE TABLE people (id int PRIMARY KEY, email text); CREATE TABLE tickets (id int PRIMARY KEY, email text, agent_email text); \
         CREATE TABLE trail (n serial PRIMARY KEY, what text, of int); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO trail (what, of) VALUES (lower(TG_OP), OLD.id); RETURN coalesce(NEW, OLD); END $$; \
         CREATE TRIGGER t AFTER DELETE OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION note(); \
         CREATE TRIGGER t BEFORE DELETE OR UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION note(); \
         INSERT INTO people VALUES (1, 'jane.roe@example.com'), (2, 'omar@example.org'); \
         INSERT INTO tickets VALUES (7, 'omar@example.org', 'jane.roe@example.com'), (8, 'omar@example.org', 'ann@example.net');",
    ) else {
        return;
    };
    grants_of_postgres(&postgres);
    let sandbox = scanned(&postgres.source("crm", ""));
    sandbox
        .run(["erase", "--email", JANE, "--apply"])
        .exits(0)
        .says("1 record deleted, 1 record edited")
        .says("until `ANALYZE` of their tables")
        .nowhere("42P01");
    assert_eq!(postgres.run("SELECT what, of FROM trail ORDER BY of"), "delete|1\nupdate|7");
    assert_eq!(postgres.run("SELECT id FROM people"), "2");
    // A schema of the role's own path is found as well.
    postgres.run(&format!(
        "CREATE SCHEMA apart; CREATE TABLE apart.gone (id int); GRANT USAGE ON SCHEMA apart TO {0}; \
         GRANT INSERT ON apart.gone TO {0}; ALTER ROLE {0} SET search_path = apart, public; \
         CREATE FUNCTION note_apart() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO gone VALUES (OLD.id); RETURN OLD; END $$; \
         CREATE TRIGGER u BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION note_apart(); \
         INSERT INTO people VALUES (3, 'jane.roe@example.com')",
        postgres.name()
    ));
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0).says("1 record deleted");
    assert_eq!(postgres.run("SELECT id FROM apart.gone"), "3");
}

/// Tickets whose columns for searching the database computes; the agent's is part of a record of somebody else's.
fn tickets(kind: &str, low: &str) -> String {
    format!(
        "CREATE TABLE tickets (id int PRIMARY KEY, email {kind}, agent_email {kind}, low {kind} GENERATED ALWAYS AS (lower(agent_email)) {low}); \
         INSERT INTO tickets (id, email, agent_email) VALUES (7, 'omar@example.org', 'Jane.Roe@Example.com'), \
         (8, 'omar@example.org', 'ann@example.net')"
    )
}

/// Jane stands in ticket 7 as its agent, twice; she is corrected and then erased.
fn computed_columns_follow(name: &str, sandbox: &Sandbox, row: &dyn Fn() -> String) {
    let correct = ["correct", "--email", JANE, "--old", "EMAIL=jane.roe@example.com", "--new", "Jane.Poe@example.com"];
    sandbox.run(correct.iter().chain(&["--apply"])).exits(0).nowhere("not done");
    assert_eq!(row().replace('\t', "|"), "Jane.Poe@example.com|jane.poe@example.com", "{name}");
    sandbox
        .run(["erase", "--email", "jane.poe@example.com", "--apply"])
        .exits(0)
        .says("1 record edited")
        .nowhere("not done");
    assert!(!row().to_lowercase().contains("jane"), "{name}: {}", row());
}

#[test]
fn computed_columns_change_with_what_they_are_computed_from() {
    let sandbox = Sandbox::new();
    for stored in ["STORED", "VIRTUAL"] {
        let path = sandbox.path(format!("{stored}.sqlite"));
        sqlite(&path, &tickets("TEXT", stored));
        let sandbox = scanned(&format!("[[source]]\nname = \"shop\"\nurl = \"sqlite:{}\"\n", path.display()));
        computed_columns_follow(stored, &sandbox, &|| {
            sqlite(&path, "SELECT agent_email, low FROM tickets WHERE id = 7")
        });
    }
    if let Some(postgres) = Postgres::new("computed", &tickets("text", "STORED")) {
        grants_of_postgres(&postgres);
        let sandbox = scanned(&postgres.source("crm", ""));
        computed_columns_follow("PostgreSQL", &sandbox, &|| {
            postgres.run("SELECT agent_email, low FROM tickets WHERE id = 7")
        });
    }
    for (name, low) in [("computed_stored", "STORED"), ("computed_virtual", "VIRTUAL")] {
        if let Some(mariadb) = MariaDb::new(name, &tickets("varchar(99)", low)) {
            mariadb.run(&format!("GRANT UPDATE, DELETE ON {0}.* TO {0}", mariadb.name()));
            let sandbox = scanned(&mariadb.source("crm", ""));
            computed_columns_follow(name, &sandbox, &|| {
                mariadb.run("SELECT agent_email, low FROM tickets WHERE id = 7")
            });
        }
    }
}

/// What is computed from something else than what is found is told, and the row stays as it is.
#[test]
fn a_computed_column_that_would_keep_it_refuses_the_change() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("shop.sqlite");
    sqlite(
        &path,
        "CREATE TABLE tickets (id INTEGER PRIMARY KEY, email TEXT, agent_email TEXT, user TEXT, \
         agent_contact TEXT GENERATED ALWAYS AS (user || '@example.com') STORED); \
         INSERT INTO tickets (id, email, agent_email, user) VALUES (7, 'omar@example.org', 'jane.roe@example.com', 'jane.roe')",
    );
    let sandbox = scanned(&format!("[[source]]\nname = \"shop\"\nurl = \"sqlite:{}\"\n", path.display()));
    let run = sandbox.run(["erase", "--email", JANE, "--apply"]).exits(2);
    run.prints("is generated, and what is to go would still stand in it");
    assert_eq!(sqlite(&path, "SELECT agent_email FROM tickets"), JANE);
}

#[test]
fn nothing_is_changed_while_a_source_cannot_be_reached() {
    let sandbox = Sandbox::new();
    sqlite(
        &sandbox.path("crm.sqlite"),
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO people VALUES (1, 'jane.roe@example.com')",
    );
    let csv = "id,email\n1,jane.roe@example.com\n2,omar@example.org\n";
    sandbox.file("data/people.csv", csv);
    sandbox.file(
        "residuum.toml",
        "[[source]]\nname = \"files\"\nurl = \"data\"\n[[source]]\nname = \"crm\"\nurl = \"sqlite:crm.sqlite\"\n",
    );
    sandbox.run(["scan"]).exits(0);
    std::fs::rename(sandbox.path("crm.sqlite"), sandbox.path("away")).expect("it is there");
    let correction = ["correct", "--email", JANE, "--old", "EMAIL=jane.roe@example.com", "--new", "j@example.com"];
    let erasure = ["erase", "--email", JANE];
    for command in [&erasure[..], &correction[..]] {
        sandbox.run(command).exits(2).says("the plan is incomplete").says("`crm` cannot be reached");
        let run = sandbox.run(command.iter().chain(&["--apply"])).exits(1);
        run.says("nothing was changed: `crm` cannot be reached").says("name the sources");
        assert_eq!(std::fs::read_to_string(sandbox.path("data/people.csv")).expect("it is there"), csv);
    }
    sandbox.run(["erase", "files", "--email", JANE, "--apply"]).says("1 record deleted");
    std::fs::rename(sandbox.path("away"), sandbox.path("crm.sqlite")).expect("it is there");
    sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0).says("1 record deleted");
}

/// What the catalog says that nothing can be written to stands in the plan, and not only in what is refused.
#[test]
fn a_plan_leaves_what_cannot_be_written_to() {
    let check = |name: &str, sandbox: &Sandbox, objects: &[(&str, &str)]| {
        let plan = sandbox.run(["erase", "--email", JANE, "--format", "jsonl"]).exits(0).lines();
        for (object, cure) in objects {
            let of: Vec<_> =
                plan.iter().filter(|line| line["object"].as_str().is_some_and(|o| o.ends_with(object))).collect();
            let manual = |line: &&serde_json::Value| {
                line["state"] == "manual" && line["reason"].as_str().is_some_and(|reason| reason.contains(cure))
            };
            assert!(!of.is_empty() && of.iter().all(manual), "{name}, {object}: {of:?}");
        }
        assert!(plan.iter().any(|line| line["action"] == "delete record"), "{name}: {plan:?}");
        let done = sandbox.run(["erase", "--email", JANE, "--apply"]).exits(2).says("1 record deleted");
        done.nowhere("not done");
    };
    if let Some(postgres) = Postgres::new(
        "unwritable",
        "CREATE TABLE people (id int PRIMARY KEY, email text); \
         INSERT INTO people VALUES (1, 'jane.roe@example.com'), (2, 'omar@example.org'); \
         CREATE MATERIALIZED VIEW directory AS SELECT id, email FROM people",
    ) {
        grants_of_postgres(&postgres);
        let sandbox = scanned(&postgres.source("crm", ""));
        check("PostgreSQL", &sandbox, &[("directory", "REFRESH MATERIALIZED VIEW")]);
    }
    if let Some(mariadb) = MariaDb::new(
        "unwritable",
        "CREATE TABLE people (id int PRIMARY KEY, email varchar(99)); CREATE TABLE keyless (n int, email varchar(99)); \
         CREATE TABLE old (id int PRIMARY KEY, email varchar(99)) ENGINE = MyISAM; \
         INSERT INTO people VALUES (1, 'jane.roe@example.com'), (2, 'omar@example.org'); \
         INSERT INTO keyless VALUES (1, 'jane.roe@example.com'); INSERT INTO old VALUES (1, 'jane.roe@example.com')",
    ) {
        mariadb.run(&format!("GRANT UPDATE, DELETE ON {0}.* TO {0}", mariadb.name()));
        let sandbox = scanned(&mariadb.source("crm", ""));
        check("MariaDB", &sandbox, &[("keyless", "primary key"), ("old", "ENGINE = InnoDB")]);
    }
}
