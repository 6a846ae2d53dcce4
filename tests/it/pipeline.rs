//! What a scan leaves depends on the data alone: not on threads, packs, kills, or how often it is run.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::sandbox::Sandbox;

/// A few hundred small files, a larger one, and a database.
fn data(sandbox: &Sandbox) {
    for i in 0..300 {
        let text = format!("id,email,phone\n{i},person{i}@example.com,(202) 555-01{:02}\n", i % 100);
        sandbox.file(format!("data/part{}/f{i}.csv", i % 7), text);
    }
    let mut log = String::new();
    for i in 0..60_000 {
        writeln!(log, "2026-01-31T08:15:42Z host{} request {i} from 198.51.100.{} took {} ms", i % 9, i % 250, i % 311)
            .expect("a string takes everything");
    }
    sandbox.file("data/logs/app.log", log);
    let mut sql = String::from(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), total REAL);
         CREATE TABLE order_items (order_id INTEGER REFERENCES orders(id), line INTEGER, sku TEXT, PRIMARY KEY (order_id, line));
         BEGIN;",
    );
    for i in 1..=400 {
        write!(sql, "INSERT INTO customers VALUES ({i}, 'Person {i}', 'person{i}@example.com');").expect("as above");
        write!(sql, "INSERT INTO orders VALUES ({}, {i}, {i}.5);", i + 1_000).expect("as above");
        write!(sql, "INSERT INTO order_items VALUES ({}, 1, 'SKU-{i}');", i + 1_000).expect("as above");
    }
    sql.push_str("COMMIT;");
    let mut child = std::process::Command::new("sqlite3")
        .arg(sandbox.path("shop.sqlite"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("the sqlite3 program is installed");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), sql.as_bytes()).expect("sqlite3 reads");
    assert!(child.wait().expect("it ends").success());
}

const SOURCES: [&str; 2] = ["data", "sqlite:shop.sqlite"];

fn findings(sandbox: &Sandbox, index: &str) -> String {
    let run = sandbox.run(["findings", "--index", index, "--format", "jsonl"]).exits(0);
    assert!(run.stdout.lines().count() > 1_000, "the data is full of findings");
    run.stdout
}

fn scan(sandbox: &Sandbox, index: &str, more: &[&str]) -> crate::sandbox::Run {
    let arguments = ["scan", SOURCES[0], SOURCES[1], "--index", index].into_iter().chain(more.iter().copied());
    sandbox.run(arguments)
}

#[test]
fn threads_do_not_change_the_findings() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    scan(&sandbox, "one", &["--jobs", "1"]).exits(0);
    scan(&sandbox, "four", &["--jobs", "4"]).exits(0);
    assert!(findings(&sandbox, "one") == findings(&sandbox, "four"), "one thread and four find the same");
    let json = sandbox.run(["report", "--index", "one", "--format", "json"]).exits(0).json();
    assert_eq!(json["coverage"]["read"], 301 + 3, "300 tables, a log, three tables of the database");
}

#[test]
fn killed_at_any_moment_a_scan_resumes_to_the_same_findings() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    scan(&sandbox, "whole", &[]).exits(0);
    let whole = findings(&sandbox, "whole");
    let rounds = if std::env::var_os("RESIDUUM_TEST_FULL").is_some() { 200 } else { 8 };
    for round in 0..rounds {
        let index = format!("killed{round}");
        for wait in [3 + 17 * (round % 10), 11 + 29 * (round % 7)] {
            let arguments = ["scan", SOURCES[0], SOURCES[1], "--index", &index, "--quiet"];
            let mut child =
                sandbox.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
            std::thread::sleep(Duration::from_millis(wait));
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
        scan(&sandbox, &index, &[]).exits(0);
        assert!(findings(&sandbox, &index) == whole, "round {round}: killed and resumed, the findings are the same");
        std::fs::remove_dir_all(sandbox.path(&index)).expect("an index can be removed");
    }
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    scan(&sandbox, "index", &[]).exits(0);
    let before = findings(&sandbox, "index");
    scan(&sandbox, "index", &[]).exits(0);
    assert!(findings(&sandbox, "index") == before);

    sandbox.file("data/part1/f1.csv", "id,email\n1,moved@example.org\n");
    std::fs::remove_file(sandbox.path("data/part2/f2.csv")).expect("it was written");
    scan(&sandbox, "index", &[]).exits(0);
    let after = findings(&sandbox, "index");
    assert!(!after.contains("part2/f2.csv"), "what is gone is no longer found");
    scan(&sandbox, "fresh", &[]).exits(0);
    assert!(after == findings(&sandbox, "fresh"), "an increment finds what a full scan finds");
    sandbox.run(["find", "--index", "index", "--email", "moved@example.org"]).exits(0).prints("part1/f1.csv");
}

#[test]
fn orders_are_found_by_the_customers_key() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    scan(&sandbox, "index", &[]).exits(0);
    let run = sandbox.run(["find", "--index", "index", "--email", "person7@example.com", "--format", "jsonl"]).exits(0);
    let found = run.lines();
    let at = |object: &str| found.iter().filter(|l| l["object"] == object).collect::<Vec<_>>();
    assert_eq!(at("part0/f7.csv").len(), 1, "{}", run.stdout);
    assert!(at("main.customers").iter().any(|l| l["record"]["key"] == serde_json::json!({"id": 7})), "{}", run.stdout);
    let orders = at("main.orders");
    assert_eq!(orders.len(), 1, "one order, holding nothing but the key: {}", run.stdout);
    assert_eq!(orders[0]["record"]["key"], serde_json::json!({"id": 1007}));
    assert_eq!(orders[0]["shared"], false);
    let why = orders[0]["why"].to_string();
    assert!(why.contains("EMAIL") && why.contains("customers.id"), "{why}");
    assert_eq!(at("main.order_items").len(), 1, "the items of the order: {}", run.stdout);
    let others = found.iter().filter(|l| l["object"] == "main.customers" && l["record"]["key"]["id"] != 7).count();
    assert_eq!(others, 0, "nobody else's record");
}

#[test]
fn a_declared_join_reaches_a_file() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    sandbox.file(
        "data/exports/orders.jsonl",
        "{\"order\": 5, \"cust\": 7, \"sku\": \"A-1\"}\n{\"order\": 6, \"cust\": 8, \"sku\": \"A-2\"}\n",
    );
    sandbox.file(
        "residuum.toml",
        r#"
        [[source]]
        name = "files"
        url = "data"
        [[source]]
        name = "shop"
        url = "sqlite:shop.sqlite"
        [[join]]
        from = { source = "files", object = "exports/*.jsonl", field = "cust" }
        to = { source = "shop", object = "main.customers", field = "id" }
        "#,
    );
    sandbox.run(["scan", "files", "shop"]).exits(0);
    let run = sandbox.run(["find", "--email", "person7@example.com", "--format", "jsonl"]).exits(0);
    let lines = run.lines();
    let exported: Vec<_> = lines.iter().filter(|l| l["object"] == "exports/orders.jsonl").collect();
    assert_eq!(exported.len(), 1, "{}", run.stdout);
    assert_eq!(exported[0]["record"]["key"], 1);
    sandbox.run(["find", "--id", "shop.customers.id=8", "--format", "jsonl"]).exits(0).prints("exports/orders.jsonl");
}

#[test]
fn a_scan_that_was_killed_is_not_complete() {
    let sandbox = Sandbox::new();
    data(&sandbox);
    let arguments = ["scan", SOURCES[0], SOURCES[1], "--index", "cut", "--quiet"];
    for wait in 0..40 {
        let mut child =
            sandbox.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(30 + 12 * wait));
        let has_ended = child.try_wait().expect("it can be asked").is_some();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if !has_ended && sandbox.path("cut/catalog.sqlite").exists() && sandbox.path("cut/format.json").exists() {
            let report =
                sandbox.run(["report", "--index", "cut", "--format", "json"]).exits(2).says("no scan has ended");
            assert_eq!(report.json()["complete"], false);
            scan(&sandbox, "cut", &[]).exits(0);
            sandbox.run(["report", "--index", "cut"]).exits(0);
            return;
        }
    }
    panic!("no kill met a scan that had begun and not ended");
}

#[test]
fn what_cannot_be_opened_stays_in_the_ledger() {
    let sandbox = Sandbox::new();
    sandbox.file("data/a.csv", "id,email\n1,a@example.com\n");
    sandbox.run(["scan", "data", "sqlite:nowhere.sqlite"]).exits(2);
    let report = sandbox.run(["report", "--format", "json"]).exits(2).json();
    assert_eq!((&report["complete"], &report["coverage"]["unreadable"]), (&false.into(), &1.into()));
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["report"]).exits(2);
}

#[test]
fn names_of_objects_and_addresses_in_links_are_found() {
    let sandbox = Sandbox::new();
    sandbox.file("data/mail/tom@example.com.txt", "nothing else\n");
    sandbox.file(
        "data/visits.jsonl",
        "{\"u\":\"https://shop.example/?m=ann%40example.com\"}\n{\"u\":\"https://shop.example/\"}\n",
    );
    sandbox.run(["scan", "data"]).exits(0);
    let named = sandbox.run(["find", "--email", "tom@example.com", "--format", "jsonl"]).exits(0);
    assert_eq!(named.lines()[0]["field"], "(name)");
    named.nowhere("tom@");
    sandbox.run(["find", "--email", "ann@example.com", "--format", "jsonl"]).exits(0).prints("visits.jsonl");
}

#[test]
fn a_field_that_is_left_out_is_not_examined() {
    let sandbox = Sandbox::new();
    sandbox.file("data/a.csv", "id,email,phone\n1,a@example.com,202-555-0101\n2,b@example.com,202-555-0102\n");
    sandbox.run(["scan", "data", "--exclude", "email"]).exits(0);
    let findings = sandbox.run(["findings", "--format", "jsonl"]).exits(0).nowhere("\"EMAIL\"");
    assert_eq!(findings.lines().len(), 2, "{}", findings.stdout);
}

#[test]
fn a_source_named_after_a_person_is_sealed_in_every_output() {
    let sandbox = Sandbox::new();
    sandbox.file("of ann.poe@example.com/a.txt", "x y@example.com\n");
    sandbox.run(["scan", "of ann.poe@example.com"]).exits(0).nowhere("ann.poe");
    for command in [&["findings", "--format", "jsonl"][..], &["report"], &["find", "--email", "y@example.com"]] {
        let run = sandbox.run(command).exits(0).nowhere("ann.poe");
        assert!(run.stdout.contains("⟨EMAIL:") && run.stdout.contains("…⟩"), "{}", run.stdout);
    }
}

#[test]
fn what_is_allowed_is_left_out_of_reports_alone() {
    let sandbox = Sandbox::new();
    sandbox.file("data/a.csv", "name,email,note\nAnn Poe,ann@example.com,x\nTest,test@example.com,ann@example.com\n");
    sandbox.file("data/fixtures/b.csv", "email\nbob@example.com\n");
    sandbox.file("known.txt", "# ours\ntest@example.com\n");
    let source = "[[source]]\nname = \"files\"\nurl = \"data\"\n";
    sandbox.file("residuum.toml", source);
    sandbox.run(["scan", "--quiet"]).exits(0);
    let emails = |arguments: &[&str]| {
        let run = sandbox.run(["findings", "--type", "EMAIL", "--format", "jsonl"].iter().chain(arguments)).exits(0);
        (run.lines().len(), run)
    };
    let (all, run) = emails(&["--fingerprints"]);
    assert_eq!(all, 4);
    let fingerprint = run.lines()[0]["fingerprint"].as_str().expect("it was asked for").to_owned();
    for (allowance, left) in [
        ("object = \"fixtures/**\"", 3),
        ("type = \"EMAIL\"\nvalues_file = \"known.txt\"", 3),
        (&*format!("fingerprints = [\"{fingerprint}\"]"), 2),
        (&*format!("field = \"note\"\nfingerprints = [\"{fingerprint}\"]"), 3),
        ("rule = \"email\"", 0),
        ("object = \"fixtures/**\"\nuntil = \"2020-01-01\"", 4),
    ] {
        let allow = format!("{source}[[allow]]\n{allowance}\nreason = \"ours\"\napproved_by = \"privacy office\"\n");
        sandbox.file("residuum.toml", allow);
        let (shown, run) = emails(&[]);
        assert_eq!(shown, left, "{allowance}");
        assert_eq!(run.stderr.contains("approved by `[[allow]]`"), left < 4, "{}", run.stderr);
        assert_eq!(emails(&["--all"]).0, 4, "{allowance}");
        let report = sandbox.run(["report", "--format", "json"]).exits(0).json();
        let fields = report["fields"].as_array().expect("a list");
        let types = fields.iter().flat_map(|field| field["types"].as_array().expect("a list"));
        let count: u64 =
            types.filter(|of| of["type"] == "EMAIL").map(|of| of["n_values"].as_u64().expect("a number")).sum();
        assert_eq!(count as usize, left, "{allowance}: {report}");
        sandbox.run(["find", "--email", "ann@example.com", "--format", "jsonl"]).exits(0).prints("a.csv");
        sandbox.run(["find", "--email", "bob@example.com", "--format", "jsonl"]).exits(0).prints("fixtures/b.csv");
    }
}
