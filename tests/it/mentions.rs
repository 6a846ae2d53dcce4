//! Who stands in a field of their own in another's record is mentioned there: the record is the other's, and one's own stays
//! one's own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::servers::sqlite;

/// Ann and Bob are customers, Mia works there; `{column}` of customers names somebody else.
fn shop(column: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sqlite(
        &sandbox.path("s.db"),
        &format!(
            "CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
             CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, \"{column}\" TEXT);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers(id), total TEXT);
             INSERT INTO employees VALUES (1, 'Mia Stone', 'mia@example.com'), (2, 'Leo Marsh', 'leo@example.com');
             INSERT INTO customers VALUES (1, 'Ann Poe', 'ann@example.com', 'leo@example.com'),
                 (2, 'Bob Hale', 'bob@example.com', 'ann@example.com'), (3, 'Cy Lund', 'cy@example.com', 'mia@example.com'),
                 (4, 'Dee Roe', 'dee@example.com', 'mia@example.com'), (5, 'Eve Moe', 'eve@example.com', 'mia@example.com');
             INSERT INTO orders VALUES (10, 1, '1.50'), (20, 2, '2.50'), (30, 3, '3.50');"
        ),
    );
    sandbox.run(["scan", "sqlite:s.db", "--quiet"]).exits(0);
    sandbox
}

fn rows(sandbox: &Sandbox, sql: &str) -> String {
    sqlite(&sandbox.path("s.db"), sql)
}

/// Objects and keys of what was found, with a mark where it is several people's.
fn found(sandbox: &Sandbox, arguments: &[&str]) -> BTreeSet<String> {
    let arguments = ["find", "--format", "jsonl"].iter().chain(arguments);
    let told = |line: Value| {
        let key = line["record"]["key"].as_object().map_or(line["record"]["key"].to_string(), |key| {
            key.values().map(Value::to_string).collect::<Vec<_>>().join(",")
        });
        let object = line["object"].as_str().expect("a name").trim_start_matches("main.").to_owned();
        format!("{object} {key}{}", if line["shared"] == true { " shared" } else { "" })
    };
    sandbox.run(arguments).exits(0).lines().into_iter().map(told).collect()
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|&one| one.to_owned()).collect()
}

/// Whatever the column is called in which she stands.
const COLUMNS: [&str; 14] = [
    "referred_by",
    "gift_to",
    "cc",
    "assigned_to",
    "approvedBy",
    "account_manager_email",
    "agent",
    "emergency_email",
    "spouse_email",
    "friend_email",
    "employee_email",
    "notify",
    "backup_person",
    "x7",
];

#[test]
fn a_column_that_names_somebody_else_takes_nothing_from_anybody() {
    for column in COLUMNS {
        let sandbox = shop(column);
        let ann = found(&sandbox, &["--email", "ann@example.com"]);
        assert_eq!(ann, set(&["customers 1", "customers 2", "orders 10"]), "{column}");
        let mia = found(&sandbox, &["--email", "mia@example.com"]);
        assert_eq!(mia, set(&["customers 3", "customers 4", "customers 5", "employees 1"]), "{column}");
        let bob = found(&sandbox, &["--email", "bob@example.com"]);
        assert_eq!(bob, set(&["customers 2", "orders 20"]), "{column}");

        let erased = sandbox.run(["erase", "sqlite:s.db", "--email", "ann@example.com", "--apply"]);
        erased.exits(0).says("2 records deleted, 1 record edited").never_says("joint");
        assert_eq!(rows(&sandbox, "SELECT id, email FROM customers WHERE id < 3"), "2|bob@example.com", "{column}");
        assert_eq!(rows(&sandbox, "SELECT id FROM orders"), "20\n30", "{column}");
        let erased = sandbox.run(["erase", "sqlite:s.db", "--email", "mia@example.com", "--apply"]);
        erased.exits(0).says("1 record deleted, 3 records edited");
        assert_eq!(rows(&sandbox, "SELECT count(*) FROM customers"), "4", "{column}: no customer goes with her");
        assert_eq!(rows(&sandbox, "SELECT id FROM employees"), "2", "{column}");
        sandbox.run(["verify", "sqlite:s.db", "--email", "mia@example.com"]).exits(0);
    }
}

/// An approval is not the approver's, and a listing with nobody else in it is its seller's.
#[test]
fn what_somebody_did_something_with_is_nobodys() {
    for (columns, values, left) in [
        ("title TEXT, approved_by TEXT", "'Budget', 'mia@example.com'", "1|Budget|"),
        ("seller_name TEXT, seller_email TEXT", "'Mia Stone', 'mia@example.com'", ""),
    ] {
        let sandbox = Sandbox::new();
        sqlite(
            &sandbox.path("s.db"),
            &format!(
                "CREATE TABLE papers (id INTEGER PRIMARY KEY, {columns}); INSERT INTO papers VALUES (1, {values});
                 CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
                 INSERT INTO employees VALUES (1, 'Mia Stone', 'mia@example.com'), (2, 'Leo Marsh', 'leo@example.com');"
            ),
        );
        sandbox.run(["scan", "sqlite:s.db", "--quiet"]).exits(0);
        sandbox.run(["erase", "sqlite:s.db", "--email", "mia@example.com", "--apply"]).exits(0);
        assert_eq!(rows(&sandbox, "SELECT * FROM papers"), left, "{columns}");
    }
}

/// Of two columns of addresses whose names say nothing, one holds addresses that stand in the other.
#[test]
fn values_tell_a_reference_where_names_do_not() {
    let sandbox = Sandbox::new();
    let people = ["ann", "bob", "cy", "dee", "eve", "fay", "gus", "hal", "ida", "jo"];
    let by = ["", "ann", "ann", "bob", "cy", "cy", "dee", "eve", "eve", ""];
    let at = |name: &str| if name.is_empty() { String::new() } else { format!("{name}@example.com") };
    let mut rows = String::from("c1,c2,c3\n");
    people.iter().zip(by).for_each(|(one, by)| rows += &format!("{one} Poe,{},{}\n", at(one), at(by)));
    sandbox.file("data/people.csv", rows);
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    assert_eq!(
        found(&sandbox, &["--email", "ann@example.com"]),
        set(&["people.csv 2", "people.csv 3", "people.csv 4"])
    );
    let erased = sandbox.run(["erase", "data", "--email", "ann@example.com", "--apply"]);
    erased.exits(0).says("1 record deleted, 2 records edited");
}

/// What looks like it and is not: what people share stays everybody's, and a second address is one's own.
#[test]
fn what_people_share_is_no_mention() {
    let sandbox = Sandbox::new();
    sqlite(
        &sandbox.path("s.db"),
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, work_email TEXT, phone TEXT, office_phone TEXT,
             assigned_to TEXT);
         CREATE TABLE customers_2019 (id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers(id), total TEXT);
         INSERT INTO customers VALUES
             (1, 'Ann Poe', 'ann@example.com', 'a.poe@example.net', '202-555-0101', '202-555-0150', 'desk@example.com'),
             (2, 'Alan Poe', 'alan@example.com', NULL, '202-555-0101', '202-555-0150', 'desk@example.com'),
             (3, 'Ann Poe', 'ann.poe@example.org', NULL, '202-555-0103', NULL, NULL),
             (4, 'Dee Roe', 'desk@example.com', NULL, '202-555-0104', NULL, NULL),
             (5, 'Eve Moe', 'desk@example.com', NULL, '202-555-0105', NULL, NULL);
         INSERT INTO customers_2019 VALUES (1, 'Zed Low', 'zed@example.com', '202-555-0103');
         INSERT INTO orders VALUES (10, 1, '1'), (20, 2, '2'), (30, 3, '3'), (40, 4, '4');",
    );
    sandbox.run(["scan", "sqlite:s.db", "--quiet"]).exits(0);
    for (what, arguments, expected) in [
        ("a household's number", ["--phone", "202-555-0101"], &["customers 1 shared", "customers 2 shared"][..]),
        ("an office's number", ["--phone", "202-555-0150"], &["customers 1 shared", "customers 2 shared"]),
        ("a recycled number", ["--phone", "202-555-0103"], &["customers 3 shared", "customers_2019 1 shared"]),
        (
            "a role's mailbox",
            ["--email", "desk@example.com"],
            &["customers 1 shared", "customers 2 shared", "customers 4 shared", "customers 5 shared"],
        ),
        ("a namesake", ["--email", "ann.poe@example.org"], &["customers 3", "orders 30"]),
        ("an address for work", ["--email", "a.poe@example.net"], &["customers 1", "orders 10"]),
    ] {
        assert_eq!(found(&sandbox, &arguments), set(expected), "{what}");
    }
}

/// Whose the address is, theirs is the number beside it, and theirs is the record that names a spouse.
#[test]
fn a_number_beside_an_address_is_of_the_same_person() {
    for (header, second, left) in [
        ("email,ssn", "778-62-8144", "email,ssn\n"),
        ("email,spouse_ssn", "778-62-8144", "email,spouse_ssn\n"),
        ("holder1_email,holder2_email", "bob@example.com", "holder1_email,holder2_email\n,bob@example.com\n"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.file("data/people.csv", format!("{header}\nann@example.com,{second}\n"));
        sandbox.run(["scan", "data", "--quiet"]).exits(0);
        sandbox.run(["erase", "data", "--email", "ann@example.com", "--apply"]).exits(0);
        let after = std::fs::read_to_string(sandbox.path("data/people.csv")).expect("it is text");
        assert_eq!(after, left, "{header}");
    }
}
