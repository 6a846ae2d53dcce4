//! Whose a record is: an erasure takes what is the person's, and leaves what names them and is another's or nobody's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::sandbox::{Run, Sandbox};
use crate::servers::{self, Postgres, sqlite};

/// A database made by these statements and scanned.
fn scanned(sql: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sqlite(&sandbox.path("s.db"), sql);
    sandbox.run(["scan", "sqlite:s.db", "--quiet"]).exits(0);
    sandbox
}

fn erase(sandbox: &Sandbox, email: &str) -> Run {
    sandbox.run(["erase", "sqlite:s.db", "--email", email, "--apply"])
}

fn rows(sandbox: &Sandbox, sql: &str) -> String {
    sqlite(&sandbox.path("s.db"), sql)
}

const PEOPLE: &str = "
    CREATE TABLE emp (id INTEGER PRIMARY KEY, email TEXT);
    CREATE TABLE cust (id INTEGER PRIMARY KEY, email TEXT);
    INSERT INTO emp VALUES (1, 'mia@example.com'), (2, 'leo@example.com');
    INSERT INTO cust VALUES (5, 'c5@example.com'), (6, 'c6@example.com');
";

/// A ticket is its customer's, whatever the key is called that says who answered it.
#[test]
fn what_an_employee_does_for_a_customer_is_the_customers() {
    for key in
        ["support_rep_id", "handled_by", "assigned_to", "agent_id", "approvedBy", "created_by", "owner_id", "head"]
    {
        let tickets = format!(
            "{PEOPLE} CREATE TABLE tickets (id INTEGER PRIMARY KEY, subject TEXT, customer_id INT REFERENCES cust(id), \
             {key} INT REFERENCES emp(id));
             CREATE TABLE notes (id INTEGER PRIMARY KEY, ticket_id INT REFERENCES tickets(id), said TEXT);
             INSERT INTO tickets VALUES (1, 'late', 5, 1), (2, 'x', 6, 2); INSERT INTO notes VALUES (1, 1, 'sorry');"
        );
        let sandbox = scanned(&tickets);
        erase(&sandbox, "mia@example.com").exits(2).prints("joint").prints("`[[erase]]`").nowhere("mia@");
        assert_eq!(rows(&sandbox, "SELECT count(*) FROM tickets"), "2", "{key}");
        assert_eq!(rows(&sandbox, "SELECT count(*) FROM notes"), "1", "{key}");
        erase(&sandbox, "c5@example.com").exits(0).says("3 records deleted");
        assert_eq!(rows(&sandbox, "SELECT id, customer_id FROM tickets"), "2|6", "{key}");
        assert_eq!(rows(&sandbox, "SELECT count(*) FROM notes"), "0", "{key}: what belongs to the ticket goes with it");
    }
}

/// A department is not its head's, and a customer not their account manager's.
#[test]
fn what_is_nobodys_or_another_persons_stays() {
    let sandbox = scanned(
        "CREATE TABLE emp (id INTEGER PRIMARY KEY, email TEXT);
         CREATE TABLE departments (id INTEGER PRIMARY KEY, title TEXT, budget INT, head_id INT REFERENCES emp(id));
         CREATE TABLE cust (id INTEGER PRIMARY KEY, name TEXT, account_manager INT REFERENCES emp(id));
         CREATE TABLE invoices (id INTEGER PRIMARY KEY, cust_id INT REFERENCES cust(id), total TEXT);
         CREATE TABLE payslips (id INTEGER PRIMARY KEY, employee_id INT REFERENCES emp(id), net TEXT);
         INSERT INTO emp VALUES (1, 'mia@example.com'), (2, 'leo@example.com');
         INSERT INTO departments VALUES (1, 'sales', 5000, 1);
         INSERT INTO cust VALUES (1, 'Jo Smith', 1); INSERT INTO invoices VALUES (1, 1, '9.50');
         INSERT INTO payslips VALUES (1, 1, '900'), (2, 2, '901');",
    );
    let found = sandbox.run(["find", "--email", "mia@example.com", "--format", "jsonl"]).exits(0);
    assert!(found.stdout.contains("main.departments"), "she is found there: {}", found.stdout);
    assert!(!found.stdout.contains("main.invoices"), "and it leads to nothing of others: {}", found.stdout);
    erase(&sandbox, "mia@example.com").exits(2).prints("joint");
    let counts =
        "SELECT (SELECT count(*) FROM departments), (SELECT count(*) FROM cust), (SELECT count(*) FROM invoices)";
    assert_eq!(rows(&sandbox, counts), "1|1|1");
    assert_eq!(rows(&sandbox, "SELECT id FROM payslips"), "2", "what is hers goes");
}

/// What is left so goes, or loses the key, as soon as the owner says it.
#[test]
fn the_owner_says_what_becomes_of_records_that_a_key_names() {
    for (strategy, left) in [("delete", ""), ("deidentify", "1|sales|")] {
        let sandbox = Sandbox::new();
        sqlite(
            &sandbox.path("s.db"),
            "CREATE TABLE emp (id INTEGER PRIMARY KEY, email TEXT);
             CREATE TABLE departments (id INTEGER PRIMARY KEY, title TEXT, head_id INT REFERENCES emp(id));
             INSERT INTO emp VALUES (1, 'mia@example.com'), (2, 'leo@example.com');
             INSERT INTO departments VALUES (1, 'sales', 1);",
        );
        sandbox.file(
            "residuum.toml",
            format!(
                "[[source]]\nname = \"hr\"\nurl = \"sqlite:s.db\"\n[[erase]]\nobject = \"main.departments\"\nstrategy = \"{strategy}\"\n"
            ),
        );
        sandbox.run(["scan", "--quiet"]).exits(0);
        sandbox.run(["erase", "hr", "--email", "mia@example.com", "--apply"]).exits(0).never_says("not everything");
        assert_eq!(rows(&sandbox, "SELECT * FROM departments"), left, "{strategy}");
    }
}

/// Of two who stand in one record alike it is neither's alone.
#[test]
fn what_two_people_have_alike_is_left_to_a_person() {
    let sandbox = scanned(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
         CREATE TABLE messages (id INTEGER PRIMARY KEY, sender_id INT REFERENCES users(id), recipient_id INT REFERENCES users(id));
         CREATE TABLE sessions (id INTEGER PRIMARY KEY, user_id INT REFERENCES users(id), device TEXT);
         INSERT INTO users VALUES (1, 'mia@example.com'), (2, 'leo@example.com');
         INSERT INTO messages VALUES (1, 1, 2); INSERT INTO sessions VALUES (1, 1, 'tablet');",
    );
    erase(&sandbox, "mia@example.com").exits(2).prints("joint");
    assert_eq!(rows(&sandbox, "SELECT count(*) FROM messages"), "1");
    assert_eq!(rows(&sandbox, "SELECT count(*) FROM sessions"), "0");
}

/// A referral is the referrer's as well as the friend's, whose address goes out of it.
#[test]
fn a_friend_is_taken_out_of_a_referral_that_stays() {
    for columns in [
        "referrer_id INT REFERENCES customers(id), friend_email TEXT",
        "referrer_id INT REFERENCES customers(id), email TEXT",
    ] {
        let sandbox = scanned(&format!(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);
             CREATE TABLE referrals (id INTEGER PRIMARY KEY, {columns});
             INSERT INTO customers VALUES (5, 'c5@example.com'), (6, 'c6@example.com');
             INSERT INTO referrals VALUES (1, 5, 'mari@example.com'), (2, 6, 'kim@example.com');"
        ));
        erase(&sandbox, "mari@example.com").exits(0).says("0 records deleted, 1 record edited");
        assert_eq!(rows(&sandbox, "SELECT * FROM referrals"), "1|5|\n2|6|kim@example.com", "{columns}");
    }
}

/// Bob's note mentions Ann: her own record is hers nonetheless, his is his, and nothing of his is hers.
#[test]
fn a_mention_in_anothers_record_leaves_ones_own_to_oneself() {
    let sql = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT, notes TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers(id), total TEXT);
         INSERT INTO customers VALUES (1, 'ann@example.com', 'Ann Poe', 'calls on Mondays'),
             (2, 'bob@example.com', 'Bob Marsh', 'referred by ann@example.com'), (3, 'cy@example.com', 'Cy Lund', '');
         INSERT INTO orders VALUES (10, 1, '1.50'), (20, 2, '2.50'), (30, 3, '3.50');";
    for whom in [&["--email", "ann@example.com"][..], &["--id", "sqlite:s.db.customers.id=1"]] {
        let sandbox = scanned(sql);
        let arguments = ["erase", "sqlite:s.db", "--apply"].iter().chain(whom);
        sandbox.run(arguments).exits(0).says("2 records deleted");
        assert_eq!(rows(&sandbox, "SELECT id FROM customers"), "2\n3", "{whom:?}");
        assert_eq!(rows(&sandbox, "SELECT id FROM orders"), "20\n30", "{whom:?}");
        let notes = if whom[0] == "--id" { "referred by ann@example.com" } else { "referred by [erased]" };
        assert_eq!(rows(&sandbox, "SELECT notes FROM customers WHERE id = 2"), notes);
    }
    let sandbox = scanned(sql);
    sandbox.file("changes.csv", "type,old,new\nEMAIL,ann@example.com,ann.poe@example.com\n");
    let correct = ["correct", "sqlite:s.db", "--email", "ann@example.com", "--changes", "changes.csv", "--apply"];
    sandbox.run(correct).exits(0).says("2 records corrected");
    assert_eq!(rows(&sandbox, "SELECT email FROM customers WHERE id = 1"), "ann.poe@example.com");
}

/// By her number as by her address: whom Ann invited has a record and an address of his own. (That his record refers to
/// hers keeps the database from giving hers up.)
#[test]
fn a_key_that_is_given_leads_where_one_that_is_followed_does() {
    for whom in [["--email", "ann@example.com"], ["--id", "sqlite:s.db.users.id=1"]] {
        let sandbox = scanned(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, invited_by INT REFERENCES users(id));
             CREATE TABLE addresses (id INTEGER PRIMARY KEY, user_id INT REFERENCES users(id), street TEXT);
             INSERT INTO users VALUES (1, 'ann@example.com', NULL), (2, 'bob@example.com', 1);
             INSERT INTO addresses VALUES (10, 1, '1 Oak'), (20, 2, '2 Elm');",
        );
        let erased = sandbox.run(["erase", "sqlite:s.db", "--apply"].iter().chain(&whom));
        erased.exits(2).prints("refer to it by `invited_by`").says("1 record deleted");
        assert_eq!(rows(&sandbox, "SELECT id FROM users"), "1\n2", "{whom:?}");
        assert_eq!(rows(&sandbox, "SELECT id FROM addresses"), "20", "{whom:?}");
    }
}

/// Customers, orders and items of which each refers to the one before.
const CHAIN: &str = "
    CREATE TABLE c (id INTEGER PRIMARY KEY, email TEXT);
    CREATE TABLE o (id INTEGER PRIMARY KEY, cid INT REFERENCES c(id), ship_name TEXT);
    CREATE TABLE oi (id INTEGER PRIMARY KEY, oid INT REFERENCES o(id), what TEXT);
    INSERT INTO c VALUES (1, 'ann@example.com'), (2, 'bob@example.com');
    INSERT INTO o VALUES (10, 1, ''), (11, 1, ''), (20, 2, ''); INSERT INTO oi VALUES (100, 10, 'tea'), (110, 11, 'oat'), (200, 20, 'milk');
";

/// The order went to Bob after the scan: neither it nor its item is Ann's, and the rest of hers goes.
#[test]
fn a_record_that_a_chain_leads_to_no_longer_stays() {
    let sandbox = scanned(CHAIN);
    rows(&sandbox, "UPDATE o SET cid = 2 WHERE id = 10");
    let ran = erase(&sandbox, "ann@example.com").exits(2).nowhere("ann@");
    ran.prints("changed").prints("main.oi").prints("scan again").says("3 records deleted");
    assert_eq!(rows(&sandbox, "SELECT id FROM oi"), "100\n200");
    assert_eq!(rows(&sandbox, "SELECT id FROM o"), "10\n20");
    erase(&sandbox, "ann@example.com").exits(0).says("0 records deleted");
}

/// The customer of the key is somebody else since the scan.
#[test]
fn a_chain_whose_beginning_has_changed_leads_nowhere() {
    let sandbox = scanned(CHAIN);
    rows(&sandbox, "UPDATE c SET email = 'carl@example.com' WHERE id = 1");
    erase(&sandbox, "ann@example.com").exits(2).prints("changed").prints("scan again").says("0 records deleted");
    assert_eq!(rows(&sandbox, "SELECT id FROM c"), "1\n2");
    assert_eq!(rows(&sandbox, "SELECT id FROM o"), "10\n11\n20");
    assert_eq!(rows(&sandbox, "SELECT id FROM oi"), "100\n110\n200");
}

/// Nor is what a chain leads to no longer shown to them.
#[test]
fn what_a_chain_leads_to_no_longer_is_not_disclosed() {
    let disclosed = |change: &str| {
        let sandbox = scanned(CHAIN);
        rows(&sandbox, change);
        let ran = sandbox.run(["disclose", "sqlite:s.db", "--email", "ann@example.com", "--output", "p"]);
        (ran, std::fs::read_to_string(sandbox.path("p/data.json")).unwrap_or_default())
    };
    let (_, before) = disclosed("SELECT 1");
    assert!(["100", "110"].iter().all(|item| before.contains(item)), "{before}");
    let (ran, after) = disclosed("UPDATE o SET cid = 2 WHERE id = 10");
    ran.exits(2).says("scan again");
    assert!(after.contains("110") && !after.contains("100"), "{after}");
}

/// A mistyped hold would cost the evidence: it is said, with the name that is meant.
#[test]
fn a_hold_that_keeps_nothing_is_said() {
    let sandbox = Sandbox::new();
    sqlite(
        &sandbox.path("s.db"),
        "CREATE TABLE inv (id INTEGER PRIMARY KEY, email TEXT);
         INSERT INTO inv VALUES (1, 'ann@example.com'), (2, 'bob@example.com');",
    );
    let with = |hold: &str| {
        let hold = format!("{hold}\nexception = \"hold\"\nreason = \"a suit\"\napproved_by = \"legal\"\n");
        sandbox.file("residuum.toml", format!("[[source]]\nname = \"crm\"\nurl = \"sqlite:s.db\"\n[[retain]]\n{hold}"));
        let changes =
            ["correct", "--email", "ann@example.com", "--old", "EMAIL=ann@example.com", "--new", "a@example.com"];
        [
            sandbox.run(["erase", "--email", "ann@example.com"]),
            sandbox.run(changes),
            sandbox.run(["map", "check", "--gap", "hold", "--format", "json"]),
        ]
    };
    sandbox.file("residuum.toml", "[[source]]\nname = \"crm\"\nurl = \"sqlite:s.db\"\n");
    sandbox.run(["scan", "--quiet"]).exits(0);
    for (hold, said) in [
        ("object = \"inv\"", "nearest are `main.inv`"),
        ("source = \"zz\"", "nothing of source `zz`; nearest are `crm`"),
        ("object = \"main.inv\"\nuntil = \"2020-12-31\"", "held until 2020-12-31"),
        ("object = \"main.inv\"\nfield = \"mail\"", "nothing of that `field`"),
        ("type = \"US_SSN\"", "nothing of that `field`, `type`"),
    ] {
        let [erase, correct, map] = with(hold);
        for ran in [erase.exits(0), correct.exits(0)] {
            ran.says("warning: the `[[retain]]` no. 1 (hold, ").says("keeps nothing").says(said);
        }
        let map = map.exits(2).says(said).json();
        assert_eq!((&map[0]["gap"], &map[0]["state"]), (&"hold".into(), &"open".into()), "{map}");
    }
    for hold in
        ["object = \"main.inv\"", "object = \"**\"\nuntil = \"2999-12-31\"", "type = \"EMAIL\"", "field = \"email\""]
    {
        let [erase, correct, map] = with(hold);
        erase.prints("retained").never_says("keeps nothing");
        correct.never_says("keeps nothing");
        assert_eq!(map.never_says("keeps nothing").json(), serde_json::json!([]), "{hold}");
    }
}

/// The order becomes Bob's while the erasure, or the correction, waits for its lock: what is read again before a plan is
/// carried out still has it as Ann's, and under the lock it is seen that its item is not hers any more.
#[test]
fn a_chain_is_looked_at_once_more_under_the_locks_of_the_transaction() {
    for correct in [false, true] {
        let chain = CHAIN.replace("what TEXT", "full_name TEXT").replace("'tea'", "'Ann Smith'");
        let chain = chain.replace("'oat'", "'Kim Diaz'").replace("'milk'", "'Lee Brown'");
        let Some(server) = Postgres::new("chainlock", &chain) else { return };
        server.run(&format!("GRANT pg_write_all_data TO {}", server.name()));
        let sandbox = Sandbox::new();
        servers::secrets(&sandbox);
        sandbox.file("residuum.toml", server.source("shop", "lock_timeout = \"60s\""));
        sandbox.run(["scan", "--quiet"]).exits(0);

        let url = format!("postgres://app@{}/{}", server.place(), server.name());
        let mut other = Command::new("psql");
        other.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut other = other.spawn().expect("psql is there");
        let mut say = other.stdin.take().expect("it is piped");
        say.write_all(b"BEGIN; UPDATE o SET cid = 2 WHERE id = 10; SELECT 'held';\n").expect("it listens");
        let mut held = String::new();
        BufReader::new(other.stdout.take().expect("it is piped")).read_line(&mut held).expect("it answers");
        assert_eq!(held.trim(), "held");

        let ann = ["--email", "ann@example.com", "--apply"];
        let words: Vec<&str> = match correct {
            false => ["erase"].into_iter().chain(ann).collect(),
            true => ["correct", "--old", "PERSON_NAME=Ann Smith", "--new", "Ann Poe"].into_iter().chain(ann).collect(),
        };
        let mut command = sandbox.command(words);
        let ran = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        for _ in 0..600 {
            if server.count(waiting) > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        say.write_all(b"COMMIT;\n").expect("it listens");
        drop(say);
        let ran = ran.wait_with_output().expect("it ends");
        other.wait().expect("it ends");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains("what led to it has changed"), "{said}");
        assert_eq!(server.run("SELECT id FROM oi WHERE full_name = 'Ann Smith'"), "100", "{said}");
        if !correct {
            assert_eq!(server.run("SELECT id FROM oi ORDER BY id"), "100\n200", "{said}");
            assert_eq!(server.run("SELECT id FROM o ORDER BY id"), "10\n20", "{said}");
        }
    }
}
