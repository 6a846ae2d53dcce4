//! Everything at once: files, three kinds of database and two S3 servers in one scan, and the ledger set against what
//! the servers' own clients and another language count.

use std::collections::BTreeMap;
use std::process::Command;

use crate::sandbox::Sandbox;
use crate::servers::{MariaDb, Moto, Postgres, Signed, secrets, sqlite};

/// Counts addresses in every object under `tree` without anything of ours, and names what is there.
const COUNT: &str = r#"
import gzip, io, os, re, sqlite3, sys, tarfile, zipfile
def say(name, data): print(name, len(re.findall(rb'[\w.+-]+@[\w.-]+\.\w+', data)), sep='\t')
for folder, _, files in os.walk('tree'):
    for file in files:
        path = os.path.join(folder, file)
        name, data = os.path.relpath(path, 'tree'), open(path, 'rb').read()
        if name.endswith(('.tar.gz', '.gz', '.zip', '.db')): say(name, b'')
        if name.endswith('.tar.gz'):
            say(name + '!export.tar', b'')
            for member in (tar := tarfile.open(path)): say(name + '!export.tar!' + member.name, tar.extractfile(member).read())
        elif name.endswith('.zip'):
            for member in (z := zipfile.ZipFile(path)).namelist(): say(name + '!' + member, z.read(member))
        elif name.endswith('.gz'): say(name + '!' + name[:-3], gzip.decompress(data))
        elif name.endswith('.db'):
            db = sqlite3.connect(path)
            for table, in list(db.execute("select name from sqlite_schema where type = 'table'")):
                print(name + '!' + table, db.execute(f'select count(email) from {table}').fetchone()[0], sep='\t')
        else: say(name, data)
"#;

/// The archives among the files.
const PACK: &str = r#"
import gzip, io, tarfile, zipfile
mail = ''.join(f'From: m{i}@example.com\n' for i in range(7)) + 'Subject: hello\n\nwrite to jane.roe@example.com or (202) 555-0147\n'
people = ''.join('{"id": %d, "mail": "p%d@example.com"}\n' % (i, i) for i in range(50))
with tarfile.open('tree/export.tar.gz', 'w:gz') as tar:
    for name, text in (('notes/mail.txt', mail), ('people.jsonl', people)):
        info = tarfile.TarInfo(name); info.size = len(text.encode()); tar.addfile(info, io.BytesIO(text.encode()))
with zipfile.ZipFile('tree/old.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('crm.csv', 'id,email\n' + ''.join(f'{i},z{i}@example.com\n' for i in range(30)))
gzip.open('tree/app.log.gz', 'wt').write(''.join(f'login g{i}@example.com from 198.51.100.{i}\n' for i in range(100)))
"#;

const PEOPLE: &str = "CREATE TABLE customers(id int PRIMARY KEY, email varchar(99), phone varchar(30));
     CREATE TABLE orders(id int PRIMARY KEY, customer int REFERENCES customers(id), note varchar(99));
     CREATE TABLE leads(id int PRIMARY KEY, email varchar(99));
     CREATE VIEW emails AS SELECT email FROM customers;";

/// Jane stands in every source; others in one.
const JANE: [(&str, &str); 2] = [("--email", "jane.roe@example.com"), ("--phone", "+12025550147")];

fn python(sandbox: &Sandbox, script: &str) -> String {
    let output = Command::new("python3").args(["-c", script]).current_dir(sandbox.path("")).output();
    let output = output.expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names are UTF-8")
}

fn tree(sandbox: &Sandbox) {
    let rows: String = (0..200).map(|i| format!("{i},c{i}@example.com\n")).collect();
    sandbox.file("tree/crm/people.csv", format!("id,email\n{rows}200,jane.roe@example.com\n"));
    sandbox.file("tree/notes.txt", "called (202) 555-0147, then wrote to jane.roe@example.com and kim@example.com\n");
    sandbox.file("tree/vendor/sample.txt", "not.ours@example.com\n");
    python(sandbox, PACK);
    let users = "CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
         SELECT i + 1 FROM n WHERE i < 40) INSERT INTO users SELECT i, 'u' || i || '@example.com' FROM n";
    sqlite(&sandbox.path("tree/app.db"), users);
}

/// What is counted without us: addresses by source and object, nothing where an object has none.
#[derive(Default)]
struct Counted {
    emails: BTreeMap<(String, String), u64>,
    objects: BTreeMap<String, u64>,
}

impl Counted {
    fn add(&mut self, source: &str, object: &str, emails: u64) {
        *self.objects.entry(source.into()).or_default() += 1;
        if emails > 0 {
            self.emails.insert((source.into(), object.into()), emails);
        }
    }
}

#[test]
fn one_scan_of_everything_agrees_with_everybody_elses_counts() {
    let jane = "INSERT INTO customers VALUES (0, 'jane.roe@example.com', '(202) 555-0147'); INSERT INTO orders VALUES (9000, 0, 'a kettle');";
    let Some(postgres) = Postgres::new(
        "everything",
        &format!(
            "{PEOPLE} INSERT INTO customers SELECT i, 'pg' || i || '@example.com' FROM generate_series(1, 3000) i;
             INSERT INTO orders SELECT i, i, 'a lamp' FROM generate_series(1, 3000) i; {jane}
             CREATE TABLE events(at date, email text) PARTITION BY RANGE (at);
             CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
             CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
             INSERT INTO events SELECT date '2025-06-01' + i, 'e' || i || '@example.com' FROM generate_series(1, 500) i"
        ),
    ) else {
        return;
    };
    let Some(mariadb) = MariaDb::new(
        "everything",
        &format!(
            "{PEOPLE} INSERT INTO customers SELECT seq, concat('my', seq, '@example.com'), NULL FROM seq_1_to_2500;
             INSERT INTO orders SELECT seq, seq, 'a lamp' FROM seq_1_to_2500; {jane}"
        ),
    ) else {
        return;
    };
    let (Some(moto), Some(signed)) = (Moto::new("everything"), Signed::new("everything")) else { return };
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    tree(&sandbox);
    let shop = format!("{PEOPLE} INSERT INTO customers VALUES (1, 'lite1@example.com', NULL), (2, NULL, NULL); {jane}");
    sqlite(&sandbox.path("shop.sqlite"), &shop);
    for i in 0..25 {
        moto.put(
            &format!("in box/{i}+é &<%20>.txt"),
            format!("from mo{i}@example.com\nto mo@example.com\n").as_bytes(),
        );
        signed.put(&format!("crm/{i:02}.csv"), format!("id,email\n1,s{i}@example.com\n2,\n").as_bytes());
    }
    moto.put("jane.txt", b"jane.roe@example.com, (202) 555-0147\n");
    signed.put("jane.json", b"{\"email\": \"jane.roe@example.com\", \"phone\": \"(202) 555-0147\"}\n");
    let exclusion = "[[exclude]]\nsource = \"tree\"\nobject = \"vendor/*\"\napproved_by = \"the data officer\"\nreason = \"samples\"\n";
    let sources = [
        "[[source]]\nname = \"tree\"\nurl = \"tree\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n",
        &postgres.source("postgres", ""),
        &mariadb.source("mariadb", ""),
        &moto.source("moto"),
        &signed.source("signed"),
        exclusion,
    ];
    sandbox.file("residuum.toml", sources.concat());

    let scan = sandbox.run(["scan", "--format", "json"]).exits(0).json();
    assert_eq!(scan["complete"], true, "{scan}");

    // What the others count.
    let mut counted = Counted::default();
    for line in python(&sandbox, COUNT).lines().filter(|line| !line.starts_with("vendor/")) {
        let (object, emails) = line.split_once('\t').expect("two columns");
        counted.add("tree", object, emails.parse().expect("a number"));
    }
    let lite = |table: &str| sqlite(&sandbox.path("shop.sqlite"), &format!("SELECT count(email) FROM {table}"));
    for (table, has_emails) in [("customers", true), ("leads", true), ("orders", false)] {
        let sql = if has_emails { format!("SELECT count(email) FROM {table}") } else { "SELECT 0".to_owned() };
        counted.add("postgres", &format!("public.{table}"), postgres.count(&sql));
        counted.add("mariadb", &format!("{}.{table}", mariadb.name()), mariadb.count(&sql));
        let emails = if has_emails { lite(table).parse().expect("a number") } else { 0 };
        counted.add("shop", &format!("main.{table}"), emails);
    }
    for table in ["events_1", "events_2"] {
        counted.add(
            "postgres",
            &format!("public.{table}"),
            postgres.count(&format!("SELECT count(email) FROM {table}")),
        );
    }
    for key in moto.keys() {
        counted.add("moto", &key.replace('%', "%25"), if key == "jane.txt" { 1 } else { 2 });
    }
    signed.keys().iter().for_each(|key| counted.add("signed", key, 1));

    let report = sandbox.run(["report", "--format", "json"]).exits(0).json();
    let mut emails = BTreeMap::new();
    for line in sandbox.run(["findings", "--type", "EMAIL", "--format", "jsonl"]).exits(0).lines() {
        let text = |name: &str| line[name].as_str().expect("a name").to_owned();
        *emails.entry((text("source"), text("object"))).or_insert(0) += 1;
    }
    assert_eq!(emails, counted.emails, "addresses, object by object");
    let objects = report["sources"].as_array().expect("a list").iter();
    let objects: BTreeMap<_, _> = objects
        .map(|s| (s["source"].as_str().unwrap_or_default().to_owned(), s["objects"].as_u64().unwrap_or(0)))
        .collect();
    assert_eq!(objects, counted.objects, "objects that were read, source by source");
    let records = |source: &str| {
        let line = report["sources"].as_array().expect("a list").iter().find(|line| line["source"] == source);
        line.expect("it is listed")["records"].as_u64()
    };
    let all = "(SELECT count(*) FROM customers) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM leads)";
    let rows = postgres.count(&format!("SELECT {all} + (SELECT count(*) FROM events)"));
    assert_eq!(records("postgres"), Some(rows));
    assert_eq!(records("mariadb"), Some(mariadb.count(&format!("SELECT {all}"))));
    assert_eq!(records("shop"), sqlite(&sandbox.path("shop.sqlite"), &format!("SELECT {all}")).parse().ok());
    assert_eq!(records("signed"), Some(25 * 2 + 1));

    // What is not read has its reason, and there is nothing else.
    let state = |state: &str| {
        let entries = report["ledger"].as_array().expect("a list").iter().filter(|line| line["state"] == state);
        entries.map(|l| format!("{} {}", l["source"], l["object"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(state("excluded"), ["tree vendor/sample.txt"]);
    let derived = [
        &format!("mariadb {}.emails", mariadb.name()),
        "postgres public.emails",
        "postgres public.events",
        "shop main.emails",
    ];
    assert_eq!(state("derived"), derived);
    assert_eq!(report["ledger"].as_array().map(Vec::len), Some(5), "{}", report["ledger"]);

    // Jane is found wherever she was put, and nowhere else.
    for (option, value) in JANE {
        let found = sandbox.run(["find", option, value, "--format", "jsonl"]).exits(0).lines();
        let places: std::collections::BTreeSet<_> = found
            .iter()
            .filter(|l| l["type"] != "KEY")
            .map(|l| format!("{} {}", l["source"], l["object"]).replace('"', ""))
            .collect();
        let mut expected = vec![
            format!("mariadb {}.customers", mariadb.name()),
            "moto jane.txt".into(),
            "postgres public.customers".into(),
            "shop main.customers".into(),
            "signed jane.json".into(),
            "tree export.tar.gz!export.tar!notes/mail.txt".into(),
            "tree notes.txt".into(),
        ];
        if option == "--email" {
            expected.push("tree crm/people.csv".into());
        }
        expected.sort();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), expected, "{option}");
        let orders = found.iter().filter(|l| l["object"].as_str().is_some_and(|o| o.ends_with(".orders"))).count();
        assert_eq!(orders, 3, "her order in each database: {option}");
    }
}
