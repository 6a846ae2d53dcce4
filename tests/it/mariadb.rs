//! The program against a MariaDB server: what is planted is found, and what is counted agrees with the server.
//!
//! These wait for `RESIDUUM_TEST_MARIADB`, as the connector's own tests do.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::sandbox::{Run, Sandbox};

/// A database that lives as long as the test, with a user who may only read it.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new(name: &str, sql: &str) -> Option<Self> {
        let server = std::env::var("RESIDUUM_TEST_MARIADB").ok().filter(|url| !url.is_empty())?;
        let database = Self { server, name: format!("residuum_it_{}_{name}", std::process::id()) };
        let name = &database.name;
        database.run(&format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb4; USE {name}; {sql};
             CREATE USER {name}@'%' IDENTIFIED BY 'opensesame'; GRANT SELECT ON {name}.* TO {name}"
        ));
        Some(database)
    }

    fn place(&self) -> &str {
        let rest = self.server.split_once('@').expect("a URL with a user").1;
        rest.split('/').next().expect("a place")
    }

    fn url(&self) -> String {
        format!("mysql://{}@{}/{}", self.name, self.place(), self.name)
    }

    fn run(&self, sql: &str) -> String {
        let (host, port) = self.place().split_once(':').expect("host and port");
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--default-character-set=utf8mb4", "-N", "-B", "-h", host, "-P", port]);
        let output = command.args(["-u", "app", "-e", sql]).stdin(Stdio::null()).output().expect("mariadb starts");
        assert!(output.status.success(), "{}\n{sql}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs the program with the reader's password.
    fn residuum(&self, sandbox: &Sandbox, arguments: &[&str]) -> Run {
        Run::of(sandbox.command(arguments).env("MYSQL_PWD", "opensesame"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.run(&format!("DROP DATABASE {0}; DROP USER IF EXISTS {0}", self.name));
    }
}

const SHOP: &str = r#"
    CREATE TABLE customers(id int PRIMARY KEY AUTO_INCREMENT, email varchar(99) NOT NULL, phone bigint, born date);
    INSERT INTO customers(email, phone, born)
        SELECT concat('person', seq, '@example.com'), 12025550100 + seq % 100, date '1950-01-01' + INTERVAL seq DAY FROM seq_1_to_3000;
    CREATE TABLE orders(id int PRIMARY KEY, customer_id int NOT NULL, item text, FOREIGN KEY (customer_id) REFERENCES customers(id));
    INSERT INTO orders SELECT 100000 + seq, seq, 'a kettle' FROM seq_1_to_3000;
    CREATE TABLE kinds(id int PRIMARY KEY, l1 varchar(60) CHARACTER SET latin1, u16 varchar(60) CHARACTER SET utf16, c char(60), tt tinytext, mt mediumtext, lt longtext,
        vb varbinary(60), b binary(60), bl blob, gz longblob, j json, e enum('x', 'enum@example.com'), s set('a', 'set@example.com'), i4 inet4, i6 inet6,
        gv varchar(99) AS (concat('virtual', id, '@example.com')) VIRTUAL, gs varchar(99) AS (concat('stored', id, '@example.com')) STORED, hidden varchar(60) INVISIBLE,
        packed text COMPRESSED, d date, dt datetime, ts timestamp NULL, n decimal(20), note text);
    INSERT INTO kinds(id, l1, u16, c, tt, mt, lt, vb, b, bl, gz, j, e, s, i4, i6, hidden, packed, d, dt, n, note) VALUES
        (1, 'Müller latin@example.com', 'Łódź utf16@example.com', 'char@example.com', 'tiny@example.com', 'medium@example.com', 'long@example.com', 'varbinary@example.com',
         'binary@example.com', 'blob@example.com', from_base64('H4sIAAAAAAACA0uvyiwoSE1xSK1IzC3ISdVLzs8FAJAqFMATAAAA'), '{"contact": {"mail": "json@example.com"}}', 'enum@example.com', 'a,set@example.com',
         '192.0.2.7', '2001:db8::7', 'invisible@example.com', 'compressed@example.com', '0000-00-00', '0000-00-00 00:00:00', 12025550123, 'call (202) 555-0199'),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE past(id int PRIMARY KEY, email varchar(99)) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 'before@example.com');
    UPDATE past SET email = 'after@example.com';
    CREATE TABLE aria(email text) ENGINE = Aria; INSERT INTO aria VALUES ('aria@example.com'), ('aria2@example.com');
    CREATE TABLE `odd ``name`` ü`(`e mail` text); INSERT INTO `odd ``name`` ü` VALUES ('odd@example.com');
    CREATE VIEW emails AS SELECT email FROM customers"#;

#[test]
fn what_is_planted_is_found_and_counts_agree() {
    let sql = format!("SET sql_mode = ''; {SHOP}");
    let Some(database) = Database::new("shop", &sql) else { return };
    let sandbox = Sandbox::new();
    database.residuum(&sandbox, &["scan", &database.url()]).exits(0);

    let report = sandbox.run(["report", "--format", "json"]).exits(0).json();
    assert_eq!((&report["coverage"]["read"], &report["coverage"]["derived"]), (&6.into(), &1.into()));

    let found = sandbox.run(["findings", "--format", "jsonl"]).exits(0);
    let mut emails = BTreeMap::<String, u64>::new();
    for line in found.lines().iter().filter(|line| line["type"] == "EMAIL") {
        *emails.entry(line["object"].as_str().expect("a name").to_owned()).or_default() += 1;
    }
    let at = |table: &str| format!("{}.{table}", database.name);
    let counted = |table: &str, sql: &str| -> (String, u64) {
        (at(table), database.run(&format!("SELECT {sql}")).parse().expect("a number"))
    };
    let name = &database.name;
    let expected = BTreeMap::from([
        counted("customers", &format!("count(email) FROM {name}.customers")),
        (at("kinds"), 17 + 2), // the generated ones of the row of nulls
        counted("past", &format!("count(email) FROM {name}.past FOR SYSTEM_TIME ALL")),
        counted("aria", &format!("count(email) FROM {name}.aria")),
        counted("odd `name` ü", &format!("count(*) FROM {name}.`odd ``name`` ü`")),
    ]);
    assert_eq!(emails, expected);

    let planted = [
        ("latin", "l1"),
        ("utf16", "u16"),
        ("char", "c"),
        ("tiny", "tt"),
        ("medium", "mt"),
        ("long", "lt"),
        ("varbinary", "vb"),
        ("binary", "b"),
        ("blob", "bl"),
        ("gzipped", "gz"),
        ("json", "j.contact.mail"),
        ("enum", "e"),
        ("set", "s"),
        ("virtual1", "gv"),
        ("stored1", "gs"),
        ("invisible", "hidden"),
        ("compressed", "packed"),
    ];
    for (who, field) in planted {
        let email = format!("{who}@example.com");
        let run = sandbox.run(["find", "--email", &email, "--format", "jsonl"]).exits(0);
        let line = &run.lines()[0];
        assert_eq!((&line["object"], &line["field"]), (&at("kinds").into(), &field.into()), "{email}: {}", run.stdout);
        assert_eq!(line["record"]["key"], serde_json::json!({"id": 1}), "{email}");
    }
    for email in ["before@example.com", "after@example.com", "odd@example.com", "aria2@example.com"] {
        sandbox.run(["find", "--email", email]).exits(0);
    }
    let run = sandbox.run(["find", "--email", "person7@example.com", "--format", "jsonl"]).exits(0);
    let orders: Vec<_> = run.lines().into_iter().filter(|line| line["object"] == at("orders").as_str()).collect();
    assert_eq!(orders.len(), 1, "the order that holds nothing but the key: {}", run.stdout);
    assert_eq!(orders[0]["record"]["key"], serde_json::json!({"id": 100_007}));

    database
        .run(&format!("DELETE FROM {name}.orders WHERE customer_id = 7; DELETE FROM {name}.customers WHERE id = 7"));
    database.residuum(&sandbox, &["scan", &database.url()]).exits(0);
    sandbox.run(["find", "--email", "person7@example.com"]).exits(3);
}

#[test]
fn a_plan_a_check_and_what_goes_wrong() {
    let sql = "CREATE TABLE t(id int PRIMARY KEY, email text); INSERT INTO t VALUES (1, 'a@example.com'); CREATE TABLE u(x int)";
    let Some(database) = Database::new("check", sql) else { return };
    let (sandbox, url) = (Sandbox::new(), database.url());
    let plan = database.residuum(&sandbox, &["scan", "--plan", "--format", "json", &url]).exits(0).json();
    assert_eq!(plan["sources"][0]["kind"], "mysql", "{plan}");
    database.residuum(&sandbox, &["sources", "check", &url]).exits(0).prints("ok  MariaDB").prints("moment of its own");

    sandbox.run(["scan", &url]).exits(1).says("wrong user or password").says("MYSQL_PWD");
    let with_password = url.replace('@', ":opensesame@");
    sandbox.run(["scan", &with_password]).exits(1).says("MYSQL_PWD").nowhere("opensesame");
    sandbox.run(["scan", &format!("{url}?ssl_mode=required")]).exits(1).says("`ssl-mode`");

    sandbox.file("password", "opensesame\n");
    sandbox.file(
        "residuum.toml",
        format!(
            "[[source]]\nname = \"shop\"\nurl = \"{}\"\npassword_file = \"password\"\n",
            url.replace("mysql:", "mariadb:")
        ),
    );
    sandbox.run(["scan"]).exits(0);

    // Nobody may see that there are other tables, so nobody may say that all was read.
    let name = &database.name;
    database.run(&format!("REVOKE SELECT ON {name}.* FROM {name}; GRANT SELECT ON {name}.t TO {name}"));
    sandbox.run(["scan"]).exits(2).says(&format!("`GRANT SELECT ON {name}.* TO '{name}'@'%'`"));
    sandbox.run(["sources", "check"]).exits(2).prints("there may be more");
}
