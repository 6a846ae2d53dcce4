//! What is kept keeps what it refers to: a plan of erasure knows it before anything goes.

use std::path::Path;

use crate::sandbox::Sandbox;
use crate::servers::{self, MariaDb, Moto, Postgres, sqlite};

const JANE: &str = "jane.roe@example.com";

/// Customers with orders and their items, and an invoice that refers to the customer, and in `of_orders` to the order.
fn shop(text: &str, of_orders: bool) -> String {
    let order = if of_orders { "REFERENCES orders (id)" } else { "" };
    format!(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email {text}, phone {text});
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), total {text});
         CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), what {text});
         CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
             order_id INTEGER {order}, sum {text});
         INSERT INTO customers VALUES (1, 'omar@example.com', '(202) 555-0101'), (17, '{JANE}', '(202) 555-0117');
         INSERT INTO orders VALUES (10, 1, '1.50'), (170, 17, '2.50'), (171, 17, '3.50');
         INSERT INTO items VALUES (1, 10, 'tea'), (2, 170, 'tea'), (3, 171, 'milk');
         INSERT INTO invoices VALUES (1, 1, 10, '1.50'), (2, 17, 170, '2.50');"
    )
}

const RETAIN: &str = "[[retain]]\nobject = \"*invoices\"\nexception = \"105d8_legal\"\n\
                      reason = \"tax law asks for ten years\"\napproved_by = \"legal\"\n";

/// A database of each kind that is there, with what asks it.
enum Store {
    Sqlite,
    Postgres(Postgres),
    MariaDb(MariaDb),
}

impl Store {
    fn all(name: &str, sql: &dyn Fn(&str) -> String) -> Vec<Self> {
        let mut all = vec![Self::Sqlite];
        all.extend(Postgres::new(name, &sql("text")).map(Self::Postgres));
        all.extend(MariaDb::new(name, &sql("VARCHAR(200)")).map(Self::MariaDb));
        all
    }

    /// A company with it, scanned.
    fn scanned(&self, sql: &dyn Fn(&str) -> String, more: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        servers::secrets(&sandbox);
        let source = match self {
            Self::Sqlite => {
                sqlite(&sandbox.path("shop.db"), &sql("TEXT"));
                "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.db\"\n".to_owned()
            }
            Self::Postgres(server) => {
                server.run(&format!("GRANT pg_write_all_data TO {}", server.name()));
                server.source("shop", "")
            }
            Self::MariaDb(server) => {
                server.run(&format!("GRANT SELECT, UPDATE, DELETE ON {0}.* TO '{0}'@'%'", server.name()));
                server.source("shop", "")
            }
        };
        sandbox.file("residuum.toml", format!("{source}{more}"));
        sandbox.run(["scan", "--quiet"]).exits(0);
        sandbox
    }

    /// What stands there, a row a line.
    fn rows(&self, directory: &Path, sql: &str) -> String {
        match self {
            Self::Sqlite => sqlite(&directory.join("shop.db"), sql),
            Self::Postgres(server) => server.run(sql),
            Self::MariaDb(server) => server.run(sql).replace('\t', "|"),
        }
    }
}

/// The customer of a kept invoice stays with nothing but the key, and so does its order; what nobody refers to goes.
#[test]
fn what_a_kept_row_refers_to_stays_under_the_same_exception() {
    for of_orders in [false, true] {
        let sql = |text: &str| shop(text, of_orders);
        for store in Store::all(if of_orders { "keptorder" } else { "keptrow" }, &sql) {
            let sandbox = store.scanned(&sql, RETAIN);
            let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
            let plan = ["erase", "--email", JANE, "--format", "json", "--quiet"];
            let planned = sandbox.run(plan).exits(0).nowhere("jane").json();
            let of = |state: &str| -> Vec<String> {
                let left = planned["left"].as_array().expect("a list");
                let of_state = left.iter().filter(|left| left["state"] == state);
                let mut objects: Vec<_> = of_state
                    .filter(|left| left["reason"].as_str().is_some_and(|why| why.contains("referred to by a row of")))
                    .map(|left| left["object"].as_str().expect("a name").to_owned())
                    .collect();
                objects.sort();
                objects
            };
            let kept = of("retained");
            let expected: &[&str] = if of_orders { &["customers", "orders"] } else { &["customers"] };
            assert_eq!(kept.len(), expected.len(), "{planned}");
            assert!(kept.iter().zip(expected).all(|(of, name)| of.ends_with(name)), "{kept:?}");
            assert!(planned.to_string().contains("105d8_legal"), "{planned}");

            let apply = ["erase", "--email", JANE, "--apply", "--format", "json"];
            let done = sandbox.run(apply).exits(0).nowhere("jane").json();
            assert_eq!(done["outcome"]["refused"].as_array().map(Vec::len), Some(0), "{done}");
            let customers = "SELECT id, COALESCE(email, '-'), COALESCE(phone, '-') FROM customers ORDER BY id";
            assert_eq!(rows(customers), "1|omar@example.com|(202) 555-0101\n17|-|-");
            assert_eq!(rows("SELECT id FROM invoices ORDER BY id"), "1\n2", "what the law wants is kept");
            let orders = if of_orders { "10\n170" } else { "10" };
            assert_eq!(rows("SELECT id FROM orders ORDER BY id"), orders);
            assert_eq!(rows("SELECT id FROM items ORDER BY id"), "1", "what nobody refers to goes");
            sandbox.run(["verify", "--email", JANE, "--quiet"]).exits(0);
            // By the key that stays she is found, and everything is as it should be.
            if !matches!(store, Store::MariaDb(_)) {
                let by_key = ["erase", "--id", "shop.customers.id=17", "--apply"];
                sandbox
                    .run(by_key)
                    .exits(0)
                    .prints("referred to by a row of")
                    .says("0 records deleted, 0 records edited");
            }
        }
    }
}

/// What refers to a person's row and is neither theirs nor kept is somebody's to see to, before anything of the row goes.
#[test]
fn what_others_refer_to_is_left_whole() {
    let sql = |text: &str| {
        format!(
            "CREATE TABLE emp (id INTEGER PRIMARY KEY, email {text});
             CREATE TABLE payslips (id INTEGER PRIMARY KEY, employee_id INTEGER REFERENCES emp (id), net {text});
             CREATE TABLE cust (id INTEGER PRIMARY KEY, name {text}, account_manager INTEGER REFERENCES emp (id));
             INSERT INTO emp VALUES (1, 'mia@example.com'), (2, 'leo@example.com');
             INSERT INTO payslips VALUES (7, 1, '900'), (8, 2, '901');
             INSERT INTO cust VALUES (5, 'Jo Smith', 1), (6, 'Kim Diaz', 2);"
        )
    };
    for store in Store::all("keptrep", &sql) {
        let sandbox = store.scanned(&sql, "");
        let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
        let plan = sandbox.run(["erase", "--email", "mia@example.com"]).exits(0);
        plan.prints("manual").prints("cust` that stay refer to it by `account_manager`").nowhere("mia@");
        sandbox.run(["erase", "--email", "mia@example.com", "--apply"]).exits(2).nowhere("not done");
        assert_eq!(rows("SELECT id, email FROM emp ORDER BY id"), "1|mia@example.com\n2|leo@example.com");
        assert_eq!(rows("SELECT id FROM payslips"), "8", "what is hers and nobody refers to goes");
        let config = std::fs::read_to_string(sandbox.path("residuum.toml")).expect("it is text");
        sandbox.file("residuum.toml", format!("{config}[[erase]]\nobject = \"*emp\"\nstrategy = \"null\"\n"));
        sandbox.run(["erase", "--email", "mia@example.com", "--apply"]).exits(0);
        assert_eq!(rows("SELECT id, COALESCE(email, '-') FROM emp ORDER BY id"), "1|-\n2|leo@example.com");
        assert_eq!(rows("SELECT id FROM cust ORDER BY id"), "5\n6");
    }
}

/// Where a row stays and a column takes no null something else stands there, and what has to stay is said beforehand.
#[test]
fn a_column_that_takes_no_null_is_planned_for() {
    let sql = |text: &str| {
        format!(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email {text} NOT NULL UNIQUE, first_name {text} NOT NULL,
                 phone {text}, date_of_birth DATE NOT NULL, plan {text} NOT NULL);
             CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), sum {text});
             INSERT INTO customers VALUES (1, 'omar@example.com', 'Omar', '(202) 555-0101', '1980-02-03', 'gold'),
                 (17, '{JANE}', 'Jane', '(202) 555-0117', '1981-03-04', 'gold'),
                 (18, 'kim@example.com', 'Kim', '(202) 555-0118', '1982-04-05', 'gold');
             INSERT INTO invoices VALUES (1, 1, '1.50'), (2, 17, '2.50'), (3, 18, '3.50');"
        )
    };
    for store in Store::all("notnull", &sql) {
        let sandbox = store.scanned(&sql, RETAIN);
        let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
        let plan = sandbox.run(["erase", "--email", JANE]).exits(0).nowhere("jane");
        let plan = plan.prints("these columns stay as they are: `date_of_birth`, `id`, `plan`");
        plan.prints("takes no null, and no text").prints("manual");
        sandbox.run(["erase", "--email", JANE, "--apply"]).exits(2).nowhere("not done").says("1 record edited");
        let of = "SELECT CASE WHEN email LIKE 'p-%@pseudonym.invalid' THEN 'p' ELSE email END, first_name, \
                  COALESCE(phone, '-'), plan FROM customers ORDER BY id";
        assert_eq!(
            rows(of),
            "omar@example.com|Omar|(202) 555-0101|gold\np||-|gold\nkim@example.com|Kim|(202) 555-0118|gold"
        );
        assert_eq!(rows("SELECT date_of_birth FROM customers WHERE id = 17"), "1981-03-04");
        sandbox.run(["verify", "--email", JANE]).exits(3).prints("date_of_birth").says("1 place residual");
        let config = std::fs::read_to_string(sandbox.path("residuum.toml")).expect("it is text");
        let constant = "[[erase]]\nfield = \"date_of_birth\"\nstrategy = \"constant\"\nvalue = \"1900-01-01\"\n";
        sandbox.file("residuum.toml", format!("{config}{constant}"));
        sandbox.run(["erase", "--email", "kim@example.com", "--apply"]).exits(0).nowhere("not done");
        assert_eq!(rows("SELECT date_of_birth FROM customers WHERE id = 18"), "1900-01-01");
        assert_eq!(rows("SELECT count(DISTINCT email) FROM customers"), "3", "no two have the same");
    }
}

/// What an erasure left to somebody is not forgotten when the row has gone, or lost everything but its key, that led
/// there: neither by what is planned next nor by a verification, until it is gone.
#[test]
fn what_was_left_is_known_when_nothing_leads_there_any_more() {
    let sql = |text: &str| {
        format!(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email {text}, phone {text});
             CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
                 recipient_email {text});
             CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), what {text});
             CREATE TABLE parts (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES items (id), what {text});
             CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), sum {text});
             INSERT INTO customers VALUES (1, 'omar@example.com', '(202) 555-0101'), (17, '{JANE}', '(202) 555-0117');
             INSERT INTO orders VALUES (10, 1, NULL), (170, 17, NULL), (171, 17, 'kim@example.com');
             INSERT INTO items VALUES (1, 10, 'tea'), (2, 170, 'tea'), (3, 171, 'milk');
             INSERT INTO parts VALUES (1, 1, 'leaf'), (2, 2, 'leaf'), (3, 3, 'cup');
             INSERT INTO invoices VALUES (1, 1, '1.50'), (2, 17, '2.50');"
        )
    };
    for store in Store::all("orphans", &sql) {
        let sandbox = store.scanned(&sql, RETAIN);
        let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
        let erase = || sandbox.run(["erase", "--email", JANE, "--apply"]);
        let done = erase().exits(2).nowhere("jane").nowhere("not done").prints("as it stands now:");
        let done = done.prints("reply (open)").prints("nothing leads there any more but the key: `--id ");
        done.prints("it belongs to a record of").never_says("nothing is left to do");
        let customers = "SELECT id, COALESCE(email, '-') FROM customers ORDER BY id";
        assert_eq!(rows(customers), "1|omar@example.com\n17|-", "it keeps its key for the invoice");
        assert_eq!(rows("SELECT id FROM orders ORDER BY id"), "10\n171", "one is also somebody else's");
        assert_eq!(rows("SELECT id FROM items ORDER BY id"), "1\n3", "what belongs to that stays with it");
        assert_eq!(rows("SELECT id FROM parts ORDER BY id"), "1\n3", "all the way down");
        let noted = std::fs::read(sandbox.path(".residuum/orphans.sqlite")).expect("it is there");
        assert!(!noted.windows(4).any(|window| window == b"jane"), "nothing stands there in clear");
        // By the address nothing is found any more, and nobody says that all is done.
        for _ in 0..2 {
            erase().exits(2).prints("reply (open)").never_says("nothing is left to do").says("0 records deleted");
        }
        sandbox.run(["erase", "--email", JANE]).exits(0).prints("left:").prints("nothing leads there any more");
        let verify = ["verify", "--email", JANE, "--certificate", "certificate.json"];
        let run = sandbox.run(verify).exits(3).says("no certificate was made").nowhere("jane");
        run.prints("orders").prints("left by the erasure of");
        assert!(!sandbox.path("certificate.json").exists());
        // Under another address of nobody nothing of it is said, and nothing of others'.
        sandbox.run(["verify", "--email", "omar@example.com", "--format", "jsonl"]).exits(3).nowhere("171");

        let by_hand =
            ["DELETE FROM parts WHERE id = 3", "DELETE FROM items WHERE id = 3", "DELETE FROM orders WHERE id = 171"];
        by_hand.iter().for_each(|sql| drop(rows(sql)));
        let json = ["verify", "--email", JANE, "--certificate", "certificate.json", "--format", "jsonl"];
        let places = sandbox.run(json).exits(0).nowhere("jane").lines();
        let objects: Vec<_> = places.iter().map(|place| place["object"].as_str().unwrap_or_default()).collect();
        assert!(places.iter().all(|place| place["state"] == "retained"), "{objects:?}");
        assert!(
            ["customers", "invoices"].iter().all(|name| objects.iter().any(|of| of.ends_with(name))),
            "{objects:?}"
        );
        let certificate = std::fs::read_to_string(sandbox.path("certificate.json")).expect("it was made");
        assert!(certificate.contains("105d8_legal"), "{certificate}");
        erase().exits(0).says("nothing is left to do");
        // By the key as well: her own row is kept under the exception of what refers to it.
        if !matches!(store, Store::MariaDb(_)) {
            let by_key = ["verify", "--id", "shop.customers.id=17"];
            sandbox.run(by_key).exits(0).says("nothing residual").prints("retained");
        }
        // When the law wants it no longer it is nobody's to keep.
        let config = std::fs::read_to_string(sandbox.path("residuum.toml")).expect("it is text");
        sandbox.file("residuum.toml", config.split("[[retain]]").next().expect("a beginning"));
        sandbox.run(["verify", "--email", JANE, "--quiet"]).exits(3);
    }
}

/// Rows that refer to each other in a circle go together, in one transaction, whether the keys can be deferred or not.
#[test]
fn rows_that_refer_to_each_other_go_together() {
    for deferred in ["", "DEFERRABLE INITIALLY DEFERRED"] {
        let sql = |text: &str| {
            let fk = |name: &str, to: &str| match text {
                // MariaDB has no keys that can be deferred.
                "VARCHAR(200)" => format!("CONSTRAINT {name} FOREIGN KEY ({name}) REFERENCES {to} (id)"),
                _ => format!("CONSTRAINT {name} FOREIGN KEY ({name}) REFERENCES {to} (id) {deferred}"),
            };
            let (account, account_later) = match text {
                "TEXT" => (format!(", {}", fk("main_account_id", "accounts")), String::new()),
                _ => (String::new(), format!("ALTER TABLE users ADD {};", fk("main_account_id", "accounts"))),
            };
            format!(
                "CREATE TABLE users (id INTEGER PRIMARY KEY, email {text}, main_account_id INTEGER{account});
                 CREATE TABLE accounts (id INTEGER PRIMARY KEY, iban {text}, user_id INTEGER NOT NULL, {});
                 CREATE TABLE emp (id INTEGER PRIMARY KEY, email {text}, manager_id INTEGER, {});
                 INSERT INTO users VALUES (1, '{JANE}', NULL), (2, 'omar@example.com', NULL);
                 INSERT INTO accounts VALUES (10, 'x', 1), (11, 'y', 1), (20, 'z', 2);
                 INSERT INTO emp VALUES (1, '{JANE}', NULL), (2, 'leo@example.com', 1), (3, 'mia@example.com', 2);
                 INSERT INTO emp VALUES (4, 'kim@example.com', NULL);
                 {account_later}
                 UPDATE users SET main_account_id = id * 10; UPDATE emp SET manager_id = 3 WHERE id = 1;",
                fk("user_id", "users"),
                fk("manager_id", "emp")
            )
        };
        for store in Store::all(if deferred.is_empty() { "circle" } else { "circledeferred" }, &sql) {
            let sandbox = store.scanned(&sql, "");
            let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
            sandbox.file("who.csv", format!("subject_id,email\n1,{JANE}\n2,leo@example.com\n3,mia@example.com\n"));
            let alone = sandbox.run(["erase", "--email", "leo@example.com"]).exits(0);
            alone.prints("that stay refer to it by `manager_id`");
            let done = sandbox.run(["erase", "--identifiers", "who.csv", "--apply"]).exits(0).nowhere("not done");
            done.says("6 records deleted");
            assert_eq!(rows("SELECT id FROM users"), "2");
            assert_eq!(rows("SELECT id FROM accounts"), "20");
            assert_eq!(rows("SELECT id FROM emp"), "4");
        }
    }
}

/// A table with a history keeps what is deleted: the plan says so with what to run, and what stands in the history is
/// found until that has been done.
#[test]
fn what_a_history_keeps_is_said_and_found() {
    let sql = format!(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(200), city VARCHAR(20)) WITH SYSTEM VERSIONING;
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, FOREIGN KEY (customer_id) REFERENCES customers (id));
         INSERT INTO customers VALUES (1, 'omar@example.com', 'Salem'), (17, '{JANE}', 'Salem');
         INSERT INTO orders VALUES (10, 1), (170, 17);
         UPDATE customers SET city = 'Austin' WHERE id = 17;"
    );
    let Some(server) = MariaDb::new("history", &sql) else { return };
    let store = Store::MariaDb(server);
    let sandbox = store.scanned(&|_| sql.clone(), "");
    let erase = |more: &[&str]| sandbox.run(["erase", "--email", JANE].iter().chain(more));
    let plan = erase(&[]).exits(0).nowhere("jane");
    plan.prints("note: ")
        .prints("keeps its history")
        .prints("DELETE HISTORY FROM")
        .prints("a row of the table's history");
    erase(&["--format", "html"]).exits(0).prints("What stays behind").prints("DELETE HISTORY FROM");
    let planned = erase(&["--format", "json"]).exits(0).json();
    assert_eq!(
        planned["records"], 2,
        "the row of the past is not planned, and the order is found by the key: {planned}"
    );

    erase(&["--apply"]).exits(2).nowhere("not done").says("2 records deleted");
    let rows = |sql: &str| store.rows(&sandbox.path("."), sql);
    assert_eq!(rows("SELECT id FROM orders"), "10");
    assert_eq!(rows("SELECT id FROM customers"), "1");
    sandbox.run(["verify", "--email", JANE]).exits(3).says("of the table's history: DELETE HISTORY FROM");
    let Store::MariaDb(server) = &store else { return };
    server.run("DELETE HISTORY FROM customers");
    sandbox.run(["verify", "--email", JANE, "--quiet"]).exits(0);
    assert_eq!(rows("SELECT count(*) FROM customers FOR SYSTEM_TIME ALL"), "1");
}

/// A bucket that keeps versions: the plan says how many there are, which go, and what it takes for the others.
#[test]
fn what_becomes_of_older_versions_stands_in_the_plan() {
    let Some(bucket) = Moto::new("versionsplan") else { return };
    bucket.keep_versions();
    for n in 0..3 {
        bucket.put("crm.csv", format!("id,email\n1,{JANE}\n2,omar{n}@example.com\n").as_bytes());
    }
    for (options, said, left) in [
        ("", "is current stays as an older one, and there are 2 older ones", "set `erase_versions = true`, and"),
        ("erase_versions = true", "is current is removed, and there are 2 older ones", "set `versions = true`"),
        ("versions = true", "it is an older version, which nothing can write into, and stays", "that hold the person"),
        ("versions = true\nerase_versions = true", "and removed as a whole", "are planned by themselves"),
    ] {
        let sandbox = Sandbox::new();
        servers::secrets(&sandbox);
        sandbox.file("residuum.toml", format!("{}\n{options}\n", bucket.source("bucket")));
        sandbox.run(["scan", "--quiet"]);
        let plan = sandbox.run(["erase", "--email", JANE]);
        plan.prints(said).prints(left).nowhere("jane");
    }
}
