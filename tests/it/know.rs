//! The right to know, checked from outside: every place of the index is answered for, the window is exact, and a package
//! can be read by whom it is for and by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox};

const JANE: &str = "jane.roe@example.com";

/// A shop in which Jane bought on these days; with an office telephone, what is only hers perhaps, and what is never shown.
fn shop(days: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut sql = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, name TEXT, phone TEXT, ssn TEXT);\n\
                   CREATE TABLE orders (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), email TEXT, day TEXT);\n\
                   CREATE TABLE asked (id INTEGER PRIMARY KEY, email TEXT, note TEXT);\n"
        .to_owned();
    for n in 1..=12 {
        let email = if n == 5 { JANE.to_owned() } else { format!("customer{n}@example.com") };
        let phone = if (5..=7).contains(&n) { "(202) 555-0199".to_owned() } else { format!("(202) 555-01{n:02}") };
        let name = ["Jane Roe", "Omar Diaz", "Kim Poe"][(n + 1) % 3];
        sql += &format!("INSERT INTO people VALUES ({n}, '{email}', '{name}', '{phone}', '536-22-87{n:02}');\n");
        sql += &format!("INSERT INTO asked VALUES ({n}, '{email}', 'asked about {email}');\n");
    }
    for (n, day) in days.iter().enumerate() {
        sql += &format!("INSERT INTO orders VALUES ({}, 5, '{JANE}', '{day}');\n", n + 1);
        sql += &format!("INSERT INTO orders VALUES ({}, 8, 'customer8@example.com', '{day}');\n", n + 101);
    }
    let made = Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(sql).status();
    assert!(made.expect("sqlite3 is installed").success());
    sandbox.file("data/app.log", format!("10:02 login of {JANE}\n10:03 login of customer4@example.com\n"));
    sandbox.file(
        "residuum.toml",
        "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n[[source]]\nname = \"files\"\nurl = \"data\"\n\
         [[map]]\nsource = \"shop\"\nobject = \"main.orders\"\ncollected_at = \"day\"\n\
         [[map]]\nsource = \"shop\"\nobject = \"main.asked\"\n[map.no_search]\nnot_searchable = \"a\"\n\
         kept_only_for = \"b\"\nnot_sold_or_used = \"c\"\ndescribed_as = \"questions of customers\"\n",
    );
    sandbox.run(["scan", "--quiet"]).exits(0);
    sandbox
}

fn disclose(sandbox: &Sandbox, more: &[&str]) -> Run {
    sandbox.run(["disclose", "--email", JANE, "--phone", "202-555-0199", "--quiet"].iter().chain(more))
}

fn read(package: &Path, name: &str) -> Value {
    let text = fs::read_to_string(package.join(name)).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The numbers of the orders in a package, with the days they were placed.
fn orders(data: &Value) -> BTreeMap<u64, String> {
    let systems = data["systems"].as_array().expect("systems").iter();
    let of = systems.filter(|system| system["object"].as_str().is_some_and(|name| name.ends_with("orders")));
    let records = of.flat_map(|system| system["records"].as_array().expect("records"));
    let pair = |record: &Value| {
        let number = record["record"]["key"]["id"].as_u64().expect("a number");
        (number, record["collected"].as_str().unwrap_or_default().to_owned())
    };
    records.map(pair).collect()
}

/// KNO-2: each place that the index has of a person is in the package, or stands there with the reason why it is not.
#[test]
fn every_place_of_the_index_is_disclosed_or_has_a_reason() {
    let sandbox = shop(&["2024-05-01", "2020-05-01"]);
    disclose(&sandbox, &["--output", "package"]).exits(0);
    let package = sandbox.path("package");
    let (data, completeness) = (read(&package, "data.json"), read(&package, "completeness.json"));
    let place = |system: &Value, object: &Value, record: &Value, field: &Value, kind: &Value| {
        json!([system, object, record, field, kind]).to_string()
    };
    let found = sandbox.run(["find", "--email", JANE, "--phone", "202-555-0199", "--format", "jsonl"]).exits(0).lines();
    let found: BTreeSet<String> = found
        .iter()
        .map(|at| place(&at["source"], &at["object"], &at["record"]["key"], &at["field"], &at["type"]))
        .collect();
    let each = completeness["each"].as_array().expect("places");
    let told: BTreeSet<String> = each
        .iter()
        .map(|at| place(&at["system"], &at["object"], &at["record"]["key"], &at["field"], &at["type"]))
        .collect();
    assert_eq!(told, found);

    let mut shown = BTreeSet::new();
    for system in data["systems"].as_array().expect("systems") {
        for record in system["records"].as_array().expect("records") {
            shown.insert(json!([system["object"], record["record"]["key"]]).to_string());
        }
    }
    let mut codes = BTreeSet::new();
    for at in each {
        let code = at["outcome"].as_str().expect("a code");
        let is_shown = shown.contains(&json!([at["object"], at["record"]["key"]]).to_string());
        if code == "disclosed" {
            assert!(is_shown, "{at}");
        } else {
            let told = data["not_disclosed"].as_array().expect("reasons");
            let told = told.iter().find(|of| of["object"] == at["object"] && of["reason"] == code);
            assert!(told.is_some_and(|of| of["text"].as_str().is_some_and(|text| !text.is_empty())), "{at}");
        }
        codes.insert(code);
    }
    let expected = ["before window", "disclosed", "joint", "not searched"];
    assert!(expected.iter().all(|code| codes.contains(code)), "{codes:?}");
}

/// KNO-3: nothing collected before the window is in the package, and nothing within is missing; what is older than 2022 is
/// there only if somebody asks for it.
#[test]
fn the_window_begins_on_its_day() {
    const DAYS: [&str; 7] = [
        "2019-03-01",
        "2021-12-31T23:59:59Z",
        "2022-01-01",
        "2023-06-30",
        "2023-07-01 00:00:00",
        "2025-01-01",
        "1719878400",
    ];
    let sandbox = shop(&DAYS);
    for (name, more, expected) in [
        ("whole", &[][..], &[3, 4, 5, 6, 7][..]),
        ("july", &["--since", "2023-07-01"], &[5, 6, 7]),
        ("older", &["--since", "2019-03-01"], &[1, 2, 3, 4, 5, 6, 7]),
        ("later", &["--since", "2025-01-02"], &[]),
    ] {
        disclose(&sandbox, &[more, &["--output", name][..]].concat()).exits(0);
        let data = read(&sandbox.path(name), "data.json");
        let orders = orders(&data);
        assert_eq!(orders.keys().copied().collect::<Vec<_>>(), expected, "{name}");
        let since = data["since"].as_str().expect("a day");
        assert!(since >= if name == "older" { "2019-03-01" } else { "2022-01-01" }, "{name}: {since}");
        assert!(orders.values().all(|day| day.as_str() >= since), "{name}: {orders:?}");
    }
}

/// KNO-7: a package that was encrypted with `age` says nothing to whom it is not for, and is whole to whom it is for.
#[test]
fn a_package_encrypted_with_age_is_read_with_the_key_alone() {
    let age = |arguments: &[&str], input: &[u8]| {
        let child = Command::new("age")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("it is installed");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("the writer does not panic");
        output
    };
    if Command::new("age").arg("--version").output().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: a package encrypted with age: `age` is not installed; `./test` installs it"
        );
        return;
    }
    let sandbox = shop(&["2024-05-01"]);
    let key = |name: &str| {
        let path = sandbox.path(name);
        let made = Command::new("age-keygen").arg("-o").arg(&path).output().expect("it is installed");
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        let public = said.rsplit("Public key: ").next().expect("a key").trim().to_owned();
        (path.to_str().expect("it is text").to_owned(), public)
    };
    let ((hers, public), (another, _)) = (key("hers.txt"), key("another.txt"));
    disclose(&sandbox, &["--output", "p.zip.age", "--encrypt-with", &format!("age -r {public}")]).exits(0);
    let sealed = fs::read(sandbox.path("p.zip.age")).expect("it was made");
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    for clear in [JANE.as_bytes(), b"index.html", b"data.json", b"PK\x03\x04"] {
        assert!(!sealed.windows(clear.len()).any(|window| window == clear), "{}", String::from_utf8_lossy(clear));
    }
    assert!(!age(&["-d", "-i", &another], &sealed).status.success(), "another's key opens nothing");
    let opened = age(&["-d", "-i", &hers], &sealed);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(opened.stdout)).expect("it is an archive");
    let data: Value = serde_json::from_reader(archive.by_name("data.json").expect("it is in it")).expect("it is JSON");
    assert_eq!(orders(&data).len(), 1, "{data}");
    // What it refuses makes no package.
    disclose(&sandbox, &["--output", "q.age", "--encrypt-with", "age -r age1nobody"])
        .exits(1)
        .says("`--encrypt-with` failed");
    assert!(!sandbox.path("q.age").exists());
}
