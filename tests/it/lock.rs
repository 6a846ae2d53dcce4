//! `lock`: the SQL that it prints, run by the servers themselves, keeps what is retained from every other purpose.

use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;
use crate::servers::{self, MariaDb, PASSWORD, Postgres, sqlite};

const JANE: &str = "jane.roe@example.com";

/// Orders and their parts, of which Jane's are kept; a backslash and quotes in keys are no trouble.
fn shop(text: &str) -> String {
    let mut sql = format!(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, email {text}, total {text});\n\
         CREATE TABLE parts (order_id INTEGER, code {text}, email {text}, PRIMARY KEY (order_id, code));\n\
         CREATE TABLE people (id INTEGER PRIMARY KEY, email {text});\n"
    );
    for n in 1..=9 {
        let email = if n == 5 { JANE.to_owned() } else { format!("customer{n}@example.com") };
        sql += &format!(
            "INSERT INTO people VALUES ({n}, '{email}');\nINSERT INTO orders VALUES ({n}, '{email}', '{n}.50');\n"
        );
        for code in ["tea", "o''clock"] {
            sql += &format!("INSERT INTO parts VALUES ({n}, '{code}', '{email}');\n");
        }
    }
    sql
}

const KEPT: &str = "\n[[retain]]\nsource = \"shop\"\nobject = \"*.orders\"\nexception = \"105d8_legal\"\n\
                    reason = \"tax law\"\napproved_by = \"legal\"\n[[retain]]\nsource = \"shop\"\nobject = \"*.parts\"\n\
                    exception = \"hold\"\nreason = \"a suit\"\napproved_by = \"legal\"\n";

fn company(source: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    servers::secrets(&sandbox);
    sandbox.file("residuum.toml", format!("{source}{KEPT}"));
    sandbox
}

/// The SQL for Jane's rows.
fn lock(sandbox: &Sandbox, more: &[&str]) -> String {
    let run = ["lock", "shop", "--email", JANE, "--role", "ROLE", "--request", "R-7"];
    sandbox.run(run.iter().chain(more)).exits(0).says("3 rows to be locked").nowhere("jane").stdout
}

/// DEL-5: in PostgreSQL other purposes' roles, the owner's among them, neither read nor change what is kept; its own does.
#[test]
fn postgresql_keeps_rows_for_their_purpose() {
    let Some(postgres) = Postgres::new("lock", &shop("text")) else { return };
    let sandbox = company(&postgres.source("shop", ""));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let (tax, ads, clerk) =
        (format!("{}_tax", postgres.name()), format!("{}_ads", postgres.name()), format!("{}_clerk", postgres.name()));
    postgres.run(&format!(
        "CREATE ROLE {tax}; CREATE ROLE {ads}; CREATE ROLE {clerk} IN ROLE {tax}; \
         GRANT SELECT, UPDATE, DELETE, INSERT ON orders, parts, people TO {tax}, {ads}, {clerk}; \
         CREATE VIEW totals AS SELECT * FROM orders; GRANT SELECT ON totals TO {ads}; ALTER TABLE parts OWNER TO {ads}"
    ));
    let sql = lock(&sandbox, &[]).replace("ROLE'", &format!("{tax}'")).replace(" of ROLE ", &format!(" of {tax} "));
    assert!(sql.contains("105d8_legal") && sql.contains("'tax law'") && sql.contains("'legal'"), "{sql}");
    let as_role = |role: &str, sql: &str| postgres.run(&format!("SET ROLE {role}; {sql}"));
    let count = |role: &str, table: &str| as_role(role, &format!("SELECT count(*) FROM {table}"));
    assert_eq!(count(&ads, "orders"), "9", "nothing that was printed was run");
    postgres.run(&sql);
    for (role, table, rows) in [
        (&ads, "orders", "8"),
        (&ads, "parts", "16"),
        (&ads, "people", "9"),
        (&tax, "orders", "9"),
        (&tax, "parts", "18"),
        (&clerk, "orders", "9"),
    ] {
        assert_eq!(count(role, table), rows, "{role} {table}");
    }
    as_role(&ads, "UPDATE orders SET total = '0'; DELETE FROM orders WHERE id = 5");
    assert_eq!(as_role(&clerk, "SELECT total FROM orders WHERE id = 5"), "5.50", "who cannot read it cannot change it");
    as_role(&clerk, "UPDATE orders SET total = '6.00' WHERE id = 5");
    as_role(&ads, "INSERT INTO orders VALUES (99, 'customer99@example.com', '1')");
    assert_eq!(count(&ads, "orders"), "9", "all else is as it was");
    // Again, and for another purpose: nothing is opened.
    postgres.run(&sql);
    postgres.run(&sql.replace(&tax, &clerk));
    assert_eq!((count(&ads, "orders"), count(&tax, "orders")), ("9".to_owned(), "10".to_owned()));
    // A table with policies of its own keeps them.
    postgres.run(&format!(
        "CREATE TABLE own (id INTEGER PRIMARY KEY, email text); INSERT INTO own VALUES (1, '{JANE}'), (2, 'lee@example.com'), \
         (3, 'kim@example.com'); ALTER TABLE own ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON own USING (id < 3); \
         GRANT SELECT ON own TO {tax}, {ads}; ALTER ROLE {} BYPASSRLS",
        postgres.name()
    ));
    sandbox.file("residuum.toml", format!("{}{KEPT}", postgres.source("shop", "")).replace("*.parts", "*.own"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let run = sandbox.run(["lock", "shop", "--email", JANE, "--role", &tax]).exits(0).says("2 rows");
    postgres.run(&run.stdout);
    assert_eq!((count(&ads, "own"), count(&tax, "own")), ("1".to_owned(), "2".to_owned()));
    postgres.run(&format!("DROP OWNED BY {tax}, {ads}, {clerk} CASCADE; DROP ROLE {tax}, {ads}, {clerk}"));
}

/// DEL-5: in MariaDB who may read the view only does not see what is kept, and cannot go round it.
#[test]
fn mariadb_gives_others_a_view_without_the_rows() {
    let Some(mariadb) = MariaDb::new("lock", &shop("VARCHAR(100)")) else { return };
    let sandbox = company(&mariadb.source("shop", ""));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let ads = format!("{}_ads", mariadb.name());
    mariadb.run(&format!("CREATE USER {ads}@'%' IDENTIFIED BY '{PASSWORD}'"));
    let sql = lock(&sandbox, &["--reader", &format!("{ads}@%")]);
    mariadb.run(&sql);
    mariadb.run(&sql);
    let as_ads = |sql: &str| {
        let (host, port) = mariadb.place().split_once(':').expect("host and port");
        let password = format!("-p{PASSWORD}");
        let mut command = Command::new("mariadb");
        command.args([
            "--no-defaults",
            "-N",
            "-B",
            "-h",
            host,
            "-P",
            port,
            "-u",
            &ads,
            &password,
            mariadb.name(),
            "-e",
            sql,
        ]);
        let output = command.stdin(Stdio::null()).output().expect("the client is installed");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    assert_eq!(as_ads("SELECT count(*) FROM orders_unlocked"), (true, "8".to_owned()));
    assert_eq!(as_ads("SELECT count(*), sum(order_id = 5) FROM parts_unlocked"), (true, "16\t0".to_owned()));
    for denied in ["orders", "parts", "residuum_held"] {
        assert!(!as_ads(&format!("SELECT * FROM {denied}")).0, "{denied}");
    }
    mariadb.run(&format!("DROP USER {ads}@'%'"));
}

/// SQLite has no roles: the view leaves the rows out, and the SQL says that this is all it can do.
#[test]
fn sqlite_has_a_view_without_the_rows() {
    let sandbox = company("[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    sqlite(&sandbox.path("shop.sqlite"), &shop("TEXT"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let sql = lock(&sandbox, &[]);
    assert!(sql.contains("SQLite has no roles"), "{sql}");
    sqlite(&sandbox.path("shop.sqlite"), &sql);
    sqlite(&sandbox.path("shop.sqlite"), &sql);
    let ask = |sql: &str| sqlite(&sandbox.path("shop.sqlite"), sql);
    assert_eq!(ask("SELECT count(*), sum(id = 5) FROM orders_unlocked"), "8|0");
    assert_eq!(ask("SELECT count(*), sum(order_id = 5) FROM parts_unlocked"), "16|0");
    assert_eq!(
        ask("SELECT exception, approved_by, purpose FROM residuum_held WHERE object = 'main.orders'"),
        "105d8_legal|legal|tax law"
    );
    // What cannot be told apart by a key is named, and what has no SQL is refused.
    ask(&format!("CREATE TABLE loose (email TEXT); INSERT INTO loose VALUES ('{JANE}')"));
    sandbox.file("data/a.csv", format!("email\n{JANE}\n"));
    let files = "[[source]]\nname = \"files\"\nurl = \"data\"\n";
    let config = format!("[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n{files}{KEPT}");
    sandbox.file("residuum.toml", config.replace("*.parts", "*.loose"));
    sandbox.run(["scan", "--quiet"]).exits(0);
    let run = sandbox.run(["lock", "shop", "--email", JANE, "--role", "tax"]).exits(2);
    run.says("main.loose can be locked: its rows have no primary key");
    sandbox.run(["lock", "files", "--email", JANE, "--role", "tax"]).exits(1).says("have no SQL");
}
