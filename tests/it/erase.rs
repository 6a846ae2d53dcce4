//! `erase`, `correct` and what they leave: a person is gone everywhere, and nobody else has lost anything.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::sandbox::{Run, Sandbox};
use crate::servers::{self, MariaDb, Postgres, sqlite};

/// Who is to be erased.
const JANE: &str = "jane.roe@example.com";

/// Customers of every store, by number.
const CUSTOMERS: usize = 40;

/// Jane's number.
const OF_JANE: usize = 17;

fn email(customer: usize) -> String {
    if customer == OF_JANE { JANE.to_owned() } else { format!("customer{customer}@example.com") }
}

fn name(customer: usize) -> (&'static str, &'static str) {
    const FIRST: [&str; 5] = ["Omar", "Ann", "Kim", "Lee", "Maria"];
    const LAST: [&str; 7] = ["Diaz", "Nguyen", "Smith", "Kowalski", "Brown", "Okafor", "Larsen"];
    // The namesake has the same name and is somebody else.
    if customer == OF_JANE || customer == 3 { ("Jane", "Roe") } else { (FIRST[customer % 5], LAST[customer % 7]) }
}

/// Statements that make a shop in a database: customers, their orders and items, tickets that agents answer.
fn shop(text: &str) -> String {
    let mut sql = format!(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email {text} NOT NULL, first_name {text}, last_name {text}, \
         phone {text});\nCREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), \
         total {text});\nCREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), \
         what {text});\nCREATE TABLE tickets (id INTEGER PRIMARY KEY, requester_email {text}, agent_email {text}, note {text});\n"
    );
    for customer in 1..=CUSTOMERS {
        let (first, last) = name(customer);
        sql += &format!(
            "INSERT INTO customers VALUES ({customer}, '{}', '{first}', '{last}', '(202) 555-01{:02}');\n",
            email(customer),
            customer % 100
        );
        for order in [customer * 10, customer * 10 + 1] {
            sql += &format!("INSERT INTO orders VALUES ({order}, {customer}, '{order}.50');\n");
            sql += &format!("INSERT INTO items VALUES ({order}, {order}, 'tea');\n");
        }
    }
    sql += &format!(
        "INSERT INTO tickets VALUES (1, 'customer1@example.com', 'agent@example.com', 'asks for {JANE}, her neighbour');\n\
         INSERT INTO tickets VALUES (2, '{JANE}', 'agent@example.com', 'wants to be deleted');\n\
         INSERT INTO tickets VALUES (3, 'customer2@example.com', 'agent@example.com', 'all is well');\n"
    );
    sql
}

/// All rows of a shop but those of Jane and the tickets in which she stands, as text.
const OTHERS: [&str; 4] = [
    "SELECT * FROM customers WHERE id <> 17 ORDER BY id",
    "SELECT * FROM orders WHERE customer_id <> 17 ORDER BY id",
    "SELECT * FROM items WHERE order_id NOT IN (170, 171) ORDER BY id",
    "SELECT id, agent_email FROM tickets ORDER BY id",
];

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a name");
        zip.write_all(content).expect("memory takes everything");
    }
    zip.finish().expect("memory takes everything").into_inner()
}

/// Files that hold customers, by name.
fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let mut csv = "id,email,first_name,last_name\n".to_owned();
    let (mut events, mut log) = (String::new(), String::new());
    let mut dump = "CREATE TABLE people (id int, email text);\n".to_owned();
    let mut profiles = Vec::new();
    for customer in 1..=CUSTOMERS {
        let (email, (first, last)) = (email(customer), name(customer));
        csv += &format!("{customer},{email},{first},\"{last}\"\n");
        events += &format!("{{\"event\":\"open\",\"user\":{{\"email\":\"{email}\",\"n\":{customer}}}}}\n");
        log += &format!("2026-01-31T08:15:{:02}Z login of {email} from web\n", customer % 60);
        dump += &format!("INSERT INTO people VALUES ({customer}, '{email}');\n");
        profiles.push(format!("  {{\"id\": {customer}, \"email\": \"{email}\", \"name\": \"{first} {last}\"}}"));
    }
    let json = format!("[\n{}\n]\n", profiles.join(",\n"));
    let inner = zip(&[("people.csv", csv.as_bytes()), ("read.me", b"nobody in here\n")]);
    BTreeMap::from([
        ("crm.csv", csv.clone().into_bytes()),
        ("events.jsonl", events.into_bytes()),
        ("app.log", log.clone().into_bytes()),
        ("app.log.1.gz", gzip(&log)),
        ("dump.sql", dump.into_bytes()),
        ("profiles.json", json.into_bytes()),
        ("archive.zip", zip(&[("inner.zip", &inner), ("other.txt", b"nothing personal\n")])),
    ])
}

/// The sources that need no server.
const LOCAL: &str =
    "[[source]]\nname = \"files\"\nurl = \"data\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n";

struct World {
    sandbox: Sandbox,
    postgres: Option<Postgres>,
    mariadb: Option<MariaDb>,
}

impl World {
    /// A company on everything that is there to be tested against.
    fn new(name: &str) -> Self {
        let sandbox = Sandbox::new();
        servers::secrets(&sandbox);
        for (name, content) in files() {
            sandbox.file(format!("data/{name}"), content);
        }
        sqlite(&sandbox.path("shop.sqlite"), &shop("TEXT"));
        let postgres = Postgres::new(name, &shop("text"));
        let mariadb = MariaDb::new(name, &shop("VARCHAR(200)"));
        let mut config = LOCAL.to_owned();
        if let Some(postgres) = &postgres {
            postgres.run(&format!("GRANT pg_write_all_data TO {}", postgres.name()));
            config += &postgres.source("pg", "");
        }
        if let Some(mariadb) = &mariadb {
            mariadb.run(&format!("GRANT SELECT, UPDATE, DELETE ON {0}.* TO '{0}'@'%'", mariadb.name()));
            config += &mariadb.source("maria", "");
        }
        sandbox.file("residuum.toml", config);
        Self { sandbox, postgres, mariadb }
    }

    /// What the stores hold of others, as other programs than ours see it.
    fn others(&self) -> Vec<String> {
        let mut all = Vec::new();
        for sql in OTHERS {
            all.push(sqlite(&self.sandbox.path("shop.sqlite"), sql));
            all.extend(self.postgres.as_ref().map(|server| server.run(sql)));
            all.extend(self.mariadb.as_ref().map(|server| server.run(sql)));
        }
        all
    }

    fn scan(&self) {
        self.sandbox.run(["scan", "--quiet"]).exits(0);
    }

    fn erase(&self) -> Run {
        self.sandbox.run(["erase", "--email", JANE, "--request", "R-7", "--apply", "--format", "json", "--quiet"])
    }

    fn is_gone(&self) {
        self.sandbox.run(["verify", "--email", JANE, "--quiet"]).exits(0);
    }

    /// Files without the lines in which Jane stands, to be compared before and after.
    fn text_without_jane(&self, name: &str) -> String {
        let text = fs::read_to_string(self.sandbox.path(format!("data/{name}"))).expect("it is text");
        let lines = text.lines().filter(|line| !line.contains(JANE) && !line.contains("[erased]"));
        lines.map(|line| line.trim_end_matches(',')).collect::<Vec<_>>().join("\n")
    }
}

/// DEL-1, DEL-2, DEL-11, REC-2 and REC-4 of the requirements: erased everywhere, the method and proofs recorded, nobody
/// else touched, a log that holds and names nobody.
#[test]
fn a_person_is_erased_from_everything_and_nobody_else() {
    let world = World::new("erase");
    world.scan();
    let others = world.others();
    const TEXTS: [&str; 5] = ["crm.csv", "events.jsonl", "app.log", "dump.sql", "profiles.json"];
    let texts: Vec<_> = TEXTS.iter().map(|name| world.text_without_jane(name)).collect();

    let planned = world.sandbox.run(["erase", "--email", JANE, "--format", "json", "--quiet"]).exits(0).json();
    let records = planned["records"].as_u64().expect("a number");
    assert!(records >= 8, "{planned}");
    assert_eq!(world.others(), others, "a plan changes nothing");

    let done = world.erase().exits(0).nowhere("jane").json();
    assert_eq!(done["outcome"]["refused"], Value::Array(Vec::new()), "{done}");
    assert_eq!(done["left"]["records"], 0, "{done}");
    world.is_gone();
    assert_eq!(world.others(), others, "others' rows are as they were");
    for (name, before) in TEXTS.iter().zip(texts) {
        assert_eq!(world.text_without_jane(name), before, "{name}");
    }
    for (server, count) in [
        (
            world.postgres.as_ref().map(|of| of.count("SELECT count(*) FROM orders WHERE customer_id = 17")),
            "PostgreSQL",
        ),
        (world.mariadb.as_ref().map(|of| of.count("SELECT count(*) FROM orders WHERE customer_id = 17")), "MariaDB"),
    ] {
        assert!(server.is_none_or(|rows| rows == 0), "her orders went with her in {count}");
    }
    let csv = fs::read_to_string(world.sandbox.path("data/crm.csv")).expect("it is text");
    assert_eq!(csv.lines().count(), CUSTOMERS, "a row is gone, the header is there");
    assert!(csv.contains("3,customer3@example.com,Jane,\"Roe\"\n"), "the namesake stays");
    let log = fs::read_to_string(world.sandbox.path("data/app.log")).expect("it is text");
    assert!(log.contains("login of [erased] from web"), "a line of a log stays");

    // Again there is nothing to do, and the audit log says what was done without a word about whom.
    world.sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0).says("0 records deleted");
    let log = world.sandbox.run(["audit", "export"]).exits(0).nowhere("jane").prints("\"erased\"").prints("R-7");
    assert!(log.stdout.contains("before"), "with what stood there before, as a keyed digest");
    world.sandbox.run(["audit", "verify"]).exits(0);
}

/// DEL-8 and DEL-9: a restored backup is recognised, and those erased are erased again.
#[test]
fn what_comes_back_is_recognised_and_erased_again() {
    let world = World::new("back");
    world.scan();
    world.erase().exits(0);
    world.sandbox.run(["suppression", "list"]).exits(0).prints("EMAIL").prints("R-7").nowhere("jane");
    world.sandbox.run(["suppression", "check"]).exits(0).prints("nobody");
    let taken = ["backups", "add", "nightly", "--source", "files", "--taken", "2026-01-04"];
    world.sandbox.run(taken).exits(0);
    let coming = ["backups", "add", "next", "--source", "files", "--taken", "2999-01-04"];
    world.sandbox.run(coming).exits(1).says("2999-01-04 is still to come");
    let old = ["backups", "add", "old", "--source", "shop", "--taken", "2020-01-04", "--expires", "2020-12-31"];
    world.sandbox.run(old).exits(0);
    world.sandbox.run(["backups", "list"]).exits(0).prints("nightly").nowhere("old");
    world.sandbox.run(["backups", "restored", "old"]).exits(0);
    // The restored backup.
    world.sandbox.file("data/crm.csv", files()["crm.csv"].clone());
    world.sandbox.run(["scan"]).exits(0).says("back after an erasure: 1 person");
    world.sandbox.run(["suppression", "check"]).exits(3).says("1 person");
    world.sandbox.run(["erase", "--resurrected"]).exits(0).prints("crm.csv").prints("delete record");
    world.sandbox.run(["backups", "restored", "nightly"]).exits(0).prints("crm.csv");
    world.sandbox.run(["backups", "restored", "nightly", "--apply"]).exits(0);
    world.is_gone();
    let listed = world.sandbox.run(["backups", "list", "--format", "jsonl"]).exits(0).lines();
    assert!(listed[0]["replayed"].is_string(), "{listed:?}");
    assert_eq!(listed[0]["may_hold"], 1, "{listed:?}");
}

/// DEL-4: what is kept is kept under an exception with its approver.
#[test]
fn policies_and_exceptions_decide_what_becomes_of_it() {
    let world = World::new("policy");
    // Where a server holds her that is not named, not everything would be done.
    let mut config = LOCAL.to_owned();
    config += r#"
[[erase]]
source = "shop"
object = "main.customers"
strategy = "pseudonym"

[[erase]]
source = "files"
object = "crm.csv"
strategy = "mask"

[[retain]]
source = "shop"
object = "main.orders"
exception = "105d8_legal"
reason = "tax law asks for seven years"
approved_by = "legal"
until = "2999-12-31"
"#;
    world.sandbox.file("residuum.toml", config);
    world.scan();
    let plan = world.sandbox.run(["erase", "shop", "files", "--email", JANE]).exits(0);
    plan.prints("replace all personal values").prints("105d8_legal").prints("tax law").nowhere("jane");
    world.sandbox.run(["erase", "shop", "files", "--email", JANE, "--apply"]).exits(0).never_says("not everything");
    // What is kept rightly has not come back.
    world.sandbox.run(["scan", "shop"]).never_says("back after");
    world.sandbox.run(["suppression", "check"]).exits(0).prints("nobody");
    let row = sqlite(&world.sandbox.path("shop.sqlite"), "SELECT email, first_name FROM customers WHERE id = 17");
    assert!(row.contains("@pseudonym.invalid") && !row.contains("Jane"), "{row}");
    let orders = sqlite(&world.sandbox.path("shop.sqlite"), "SELECT count(*) FROM orders WHERE customer_id = 17");
    assert_eq!(orders, "2", "what the law asks for is kept");
    let csv = fs::read_to_string(world.sandbox.path("data/crm.csv")).expect("it is text");
    assert!(csv.contains("17,xxxx.xxx@xxxxxxx.xxx,xxxx,\"xxx\"\n"), "{csv}");
}

/// A plan can be judged before it is carried out: what it reads, writes and locks, as numbers and as a page.
#[test]
fn a_plan_says_what_it_costs() {
    let world = World::new("cost");
    world.scan();
    let erase = ["erase", "--email", JANE, "--request", "R-9", "--quiet", "--format"];
    let plan = |more: &[&str]| world.sandbox.run(erase.iter().chain(more));

    let planned = plan(&["json"]).exits(0).json();
    let cost = |name: &str| planned["cost"][name].as_u64().expect("a number");
    let objects = planned["objects"].as_array().expect("objects");
    let rows: u64 = objects.iter().filter(|of| of["source"] != "files").filter_map(|of| of["records"].as_u64()).sum();
    assert_eq!(cost("rows_locked"), rows, "{planned}");
    let tables = objects.iter().filter(|of| of["source"] != "files").count() as u64;
    assert!(cost("statements") >= 2 * tables, "each table is locked and written to: {planned}");
    let plain = ["crm.csv", "events.jsonl", "app.log", "dump.sql", "profiles.json"];
    let sizes = plain.map(|name| fs::metadata(world.sandbox.path(format!("data/{name}"))).expect("it is there").len());
    let least: u64 = sizes.iter().sum();
    assert!(
        cost("bytes_read") >= least && cost("bytes_written") >= least,
        "files are read and written whole: {planned}"
    );
    assert!(cost("bytes_read") < 4 * least && cost("bytes_scanned") > cost("bytes_written"), "{planned}");
    world.sandbox.run(["erase", "--email", JANE]).exits(0).prints("cost: reads ").prints(" to be scanned again");

    let page = plan(&["html"]).exits(0).nowhere("jane");
    let said = ["<h1>Plan of erasure</h1>", "request R-9", "What it costs", "crm.csv", "delete record", "</html>"];
    said.into_iter().fold(page, Run::prints);
    let done = plan(&["html", "--apply"]).exits(0).nowhere("jane").prints("records deleted").prints("<h2>Done</h2>");
    assert_eq!(done.stdout.matches("<html").count(), 1, "one page, with what was done");
}

/// COR-2 and COR-3: the old value is gone, the new one stands there, and the old one is flagged when it comes back.
#[test]
fn a_value_is_corrected_in_every_place() {
    let world = World::new("correct");
    world.scan();
    let others = world.others();
    world.sandbox.file(
        "changes.csv",
        format!("type,old,new\nEMAIL,{JANE},jane.poe@example.com\nPERSON_NAME,Jane Roe,Jane Poe\n"),
    );
    let correct = |more: &[&str]| {
        let all = ["correct", "--email", JANE, "--changes", "changes.csv", "--request", "R-8"];
        world.sandbox.run(all.iter().chain(more))
    };
    correct(&[]).exits(0).prints("correct").says("`--apply` does it").nowhere("jane");
    correct(&["--apply"]).exits(0).says("the old value stands in 0 records").nowhere("jane");
    assert_eq!(world.others(), others, "others' rows are as they were");
    world.is_gone();
    let row = sqlite(&world.sandbox.path("shop.sqlite"), "SELECT email, last_name FROM customers WHERE id = 17");
    assert_eq!(row, "jane.poe@example.com|Poe");
    let csv = fs::read_to_string(world.sandbox.path("data/crm.csv")).expect("it is text");
    assert!(
        csv.contains("17,jane.poe@example.com,Jane,\"Poe\"\n")
            && csv.contains("3,customer3@example.com,Jane,\"Roe\"\n")
    );
    correct(&["--apply"]).exits(0).says("0 records corrected");
    world.sandbox.file("data/late.csv", format!("id,email\n9,{JANE}\n"));
    world.sandbox.run(["scan"]).exits(0).says("back after a correction");
}

/// Keys that are personal themselves are sealed, and the rows are found by them; integers, too.
#[test]
fn rows_whose_integer_key_is_personal_are_erased_and_minimised() {
    let sandbox = Sandbox::new();
    let mut sql = "CREATE TABLE people (phone INTEGER PRIMARY KEY, email TEXT, created_at TEXT);\n\
                   CREATE TABLE visits (phone INTEGER, n INTEGER, page TEXT, email TEXT, PRIMARY KEY (phone, n));\n"
        .to_owned();
    for customer in 1..=CUSTOMERS {
        let (phone, email) = (2_025_550_100 + customer, email(customer));
        let year = if customer == 5 { 1971 } else { 2025 };
        sql += &format!("INSERT INTO people VALUES ({phone}, '{email}', '{year}-01-31');\n");
        sql += &format!("INSERT INTO visits VALUES ({phone}, 1, '/a', '{email}'), ({phone}, 2, '/b', '{email}');\n");
    }
    sqlite(&sandbox.path("shop.sqlite"), &sql);
    sandbox.file(
        "residuum.toml",
        "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n[[map]]\nsource = \"shop\"\nobject = \"main.people\"\n\
         retention = \"40y\"\ncollected_at = \"created_at\"\n",
    );
    sandbox.run(["scan"]).exits(0);
    let found = sandbox.run(["find", "--email", JANE, "--format", "jsonl"]).exits(0).nowhere("20255501");
    assert_eq!(found.lines().len(), 3, "{}", found.stdout);
    sandbox.run(["find", "--email", JANE, "--show-values"]).exits(0).prints("2025550117");
    let disclosed = sandbox.run(["disclose", "--email", JANE, "--output", "package"]).exits(0);
    disclosed.nowhere("not fetched");
    sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0).says("3 records deleted").nowhere("20255501");
    sandbox.run(["verify", "--email", JANE, "--quiet"]).exits(0);
    let count = |of: &str| sqlite(&sandbox.path("shop.sqlite"), &format!("SELECT count(*) FROM {of}"));
    assert_eq!((count("people"), count("visits")), ("39".to_owned(), "78".to_owned()));

    sandbox.run(["minimise", "--format", "jsonl"]).exits(0).prints("delete record").nowhere("20255501");
    sandbox.run(["minimise", "--apply"]).exits(0).says("1 record deleted").nowhere("20255501");
    assert_eq!(count("people"), "38");
    assert!(sandbox.run(["audit", "export"]).exits(0).nowhere("20255501").stdout.contains("minimised"));
}

/// What is past its time and stays is no reason to come again, and what cannot be judged is said.
#[test]
fn minimise_says_what_is_left_and_comes_to_an_end() {
    let sandbox = Sandbox::new();
    let rows: String = (1..=9).map(|n| format!("{n},customer{n}@example.com,2001-01-0{n}\n")).collect();
    for name in ["carts", "held"] {
        sandbox.file(format!("data/{name}.csv"), format!("id,email,created_at\n{rows}"));
    }
    let map = "[[source]]\nname = \"files\"\nurl = \"data\"\n[[map]]\nsource = \"files\"\nretention = \"2y\"\n\
               collected_at = \"created_at\"\n[[erase]]\nobject = \"carts.csv\"\nstrategy = \"pseudonym\"\n[[retain]]\n\
               object = \"held.csv\"\nexception = \"hold\"\nreason = \"a suit\"\napproved_by = \"legal\"\n";
    sandbox.file("residuum.toml", map);
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["minimise", "--apply"]).exits(0).says("9 records edited").says("a suit").never_says("still past");
    let once = fs::read_to_string(sandbox.path("data/carts.csv")).expect("it is text");
    assert!(once.contains("@pseudonym.invalid") && !once.contains("@example.com"), "{once}");
    sandbox.run(["minimise", "--apply"]).exits(0).says("0 records edited");
    assert_eq!(
        fs::read_to_string(sandbox.path("data/carts.csv")).expect("it is text"),
        once,
        "no pseudonym of another"
    );

    sandbox.file("data/app.log", "2001-01-31T08:15:00Z login of customer1@example.com from web\n".repeat(9));
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["minimise"]).exits(2).says("app.log").says("running text");
}

#[test]
fn killed_at_any_moment_the_same_command_ends_in_the_same_state() {
    let rounds = if std::env::var_os("RESIDUUM_TEST_FULL").is_some() { 60 } else { 4 };
    let world = World::new("killed");
    world.scan();
    let others = world.others();
    let is_begun = || -> bool {
        fs::read_dir(world.sandbox.path(".residuum/erasures")).is_ok_and(|mut files| {
            files.any(|file| file.is_ok_and(|of| of.path().extension() == Some("plan".as_ref())))
        })
    };
    let mut hits = 0;
    for round in 0..rounds {
        let mut command = world.sandbox.command(["erase", "--email", JANE, "--apply", "--quiet"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        if round == 0 {
            // The first is killed once its plan stands there.
            while !is_begun() && child.try_wait().expect("it can be asked").is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
        } else {
            std::thread::sleep(Duration::from_millis(20 + 97 * round % 1500));
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        hits += u32::from(is_begun());
        if round % 3 == 2 {
            // Somebody scans in between: what was found then is no longer what is there.
            world.scan();
        }
    }
    assert!(hits > 0, "no erasure was killed that had begun");
    world.erase().exits(0);
    assert!(!is_begun(), "it has come to its end");
    world.is_gone();
    assert_eq!(world.others(), others, "others' rows are as they were");
    let left: Vec<_> = fs::read_dir(world.sandbox.path("data")).expect("it is there").flatten().collect();
    assert_eq!(left.len(), files().len(), "no temporary file is left: {left:?}");
}
