//! Rows that a database does something about when they go or change: triggers, columns that it computes, and sources
//! that cannot be written to at all.

use crate::sandbox::Sandbox;
use crate::servers::{self, Postgres};

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
