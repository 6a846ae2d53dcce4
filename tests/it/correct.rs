//! A new value that somebody else has already: nothing is corrected by halves.

use crate::sandbox::Sandbox;
use crate::servers::{self, Postgres, sqlite};

const OLD: &str = "jane.roe@example.com";
const NEW: &str = "jane.doe@example.com";

/// Two customers, each with an order that has their address as well; addresses of customers differ.
fn tables() -> String {
    format!(
        "CREATE TABLE a_orders (id int PRIMARY KEY, email text); \
         CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, city text); \
         INSERT INTO people VALUES (1, '{OLD}', 'Rome'), (2, '{NEW}', 'Oslo'), (3, 'ann@example.net', 'Bonn'); \
         INSERT INTO a_orders VALUES (7, '{OLD}'), (8, '{NEW}'), (9, 'ann@example.net');"
    )
}

/// What happens to a correction to an address that is somebody's, and to one that is nobody's.
fn check(sandbox: &Sandbox, sql: &dyn Fn(&str) -> String) {
    sandbox.run(["scan"]).exits(0);
    let all = || sql("SELECT id, email FROM people ORDER BY id") + &sql("SELECT id, email FROM a_orders ORDER BY id");
    let before = all();
    let change = format!("EMAIL={OLD}");
    let correct = |new: &str, more: &[&str]| {
        let args = ["correct", "--email", OLD, "--old", &change, "--new", new];
        sandbox.run(args.iter().chain(more))
    };
    let plan = correct(NEW, &[]).exits(0);
    plan.says("warning: `--apply` would change nothing: another record has the new value")
        .says("`email` of")
        .nowhere("jane");
    correct(NEW, &["--apply"]).exits(1).says("allows it once: `email` of").says("hint: ").nowhere("jane");
    assert_eq!(all(), before, "nothing was changed");
    // In other letters it is the same address.
    correct("Jane.Doe@Example.com", &["--apply"]).exits(1).says("allows it once");
    correct("j.roe@example.com", &["--apply"]).exits(0).says("2 records corrected");
    assert_eq!(all(), before.replace(OLD, "j.roe@example.com"));
}

#[test]
fn an_address_of_another_customer_is_not_given_in_sqlite() {
    let sandbox = Sandbox::new();
    sqlite(&sandbox.path("shop.sqlite"), &tables());
    sandbox.file("residuum.toml", "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    check(&sandbox, &|text| sqlite(&sandbox.path("shop.sqlite"), text));
}

#[test]
fn an_address_of_another_customer_is_not_given_in_postgresql() {
    let Some(postgres) = Postgres::new("taken", &tables()) else { return };
    postgres.run(&format!("GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}", postgres.name()));
    let sandbox = Sandbox::new();
    servers::secrets(&sandbox);
    sandbox.file("residuum.toml", postgres.source("crm", ""));
    check(&sandbox, &|text| postgres.run(text));
}

/// What is refused for a reason that nothing told beforehand is refused before anything else is written.
#[test]
fn what_may_refuse_goes_first() {
    let sandbox = Sandbox::new();
    let guard = "CREATE TRIGGER t BEFORE UPDATE ON people WHEN NEW.city = 'Rome' BEGIN SELECT RAISE(ABORT, 'no'); END;";
    sqlite(&sandbox.path("shop.sqlite"), &(tables() + guard));
    sandbox.file("residuum.toml", "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    sandbox.run(["scan"]).exits(0);
    let change = format!("EMAIL={OLD}");
    let run = sandbox.run(["correct", "--email", OLD, "--old", &change, "--new", "j.roe@example.com", "--apply"]);
    run.exits(2).says("nothing else was changed");
    let orders = sqlite(&sandbox.path("shop.sqlite"), "SELECT email FROM a_orders WHERE id = 7");
    assert_eq!(orders.trim(), OLD);
}
