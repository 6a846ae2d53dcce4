//! A real MariaDB server: every type, every right, and what goes wrong while it is read.
//!
//! These wait for `RESIDUUM_TEST_MARIADB`, the URL of a user who may do everything on a server that may be written
//! to, as `fixtures/servers/mariadb.sh` starts one. Each test makes a database of its own and drops it again.

mod apply;
mod moment;
mod rights;
mod types;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{Coverage, KeyValue, Limits, Logical, Range, Record, RecordKind, Sensitive, Source, SplitTarget};
use residuum_sql::{MySql, MySqlOptions};

use crate::reading::{Batches, column, named, objects, read, shown_keys, unit};

/// A database that lives as long as the test.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    /// Makes a database and runs statements in it; `None` if there is no server to test against.
    fn new(sql: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("RESIDUUM_TEST_MARIADB").ok().filter(|url| !url.is_empty())?;
        let name = format!("residuum_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        client(&server, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        client(&url, sql);
        Some(Self { server, name, url })
    }

    fn run(&self, sql: &str) -> String {
        client(&self.url, sql)
    }

    /// Makes a user with a password, to be dropped with the database.
    fn user(&self) -> String {
        let user = format!("{}_reader", self.name);
        self.run(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'opensesame'"));
        user
    }

    fn options(&self) -> MySqlOptions {
        MySqlOptions::new(&self.url)
    }

    fn connect(&self) -> MySql {
        MySql::connect("test", MySqlOptions::new(&self.url)).unwrap()
    }

    fn connect_as(&self, user: &str) -> MySql {
        MySql::connect("test", self.options_as(user)).unwrap()
    }

    fn options_as(&self, user: &str) -> MySqlOptions {
        let mut options = MySqlOptions::new(self.url.replace("://app@", &format!("://{user}@")));
        options.password = Some(Sensitive::new("opensesame".into()));
        options
    }

    /// A table's name as it is listed.
    fn at(&self, table: &str) -> String {
        format!("{}.{table}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        try_client(&self.server, &format!("DROP DATABASE IF EXISTS {name}; DROP USER IF EXISTS {name}_reader@'%'"));
    }
}

fn try_client(url: &str, sql: &str) -> (bool, String, String) {
    let rest = url.strip_prefix("mysql://").unwrap();
    let (authority, database) = rest.split_once('/').unwrap();
    let (user, place) = authority.split_once('@').unwrap();
    let (host, port) = place.split_once(':').unwrap();
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--default-character-set=utf8mb4", "-N", "-B", "-r", "-h", host, "-P", port]);
    command.args(["-u", user, "-e", sql, database]).stdin(Stdio::null());
    let output = command.output().expect("mariadb is installed: apt-get install mariadb-client");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn client(url: &str, sql: &str) -> String {
    let (ok, out, error) = try_client(url, sql);
    assert!(ok, "{error}\n{sql}");
    out
}

const MANY: &str = r#"
    CREATE TABLE people(id int PRIMARY KEY, email varchar(99) UNIQUE, note text);
    INSERT INTO people SELECT seq * 2, concat('person', seq, '@example.com'), concat('tab\t line\n back\\slash ', seq) FROM seq_1_to_5000;
    CREATE TABLE loose(a text, b decimal(20, 10));
    INSERT INTO loose SELECT concat('loose', seq), seq / 7.0 FROM seq_1_to_4000;
    DELETE FROM loose WHERE b < 20;
    CREATE TABLE pairs(region varchar(9), code varbinary(9), total int, PRIMARY KEY (code, region));
    INSERT INTO pairs SELECT concat('r', seq % 7), unhex(lpad(hex(seq), 8, '0')), seq FROM seq_1_to_900;
    CREATE TABLE events(at date NOT NULL, who int, what text, PRIMARY KEY (at, who))
        PARTITION BY RANGE COLUMNS (at) SUBPARTITION BY KEY (who) SUBPARTITIONS 2
        (PARTITION p2024 VALUES LESS THAN ('2025-01-01'), PARTITION later VALUES LESS THAN (MAXVALUE));
    INSERT INTO events SELECT date '2024-01-01' + INTERVAL seq DAY, seq, concat('event ', seq) FROM seq_0_to_700;
    CREATE TABLE huge(k bigint unsigned PRIMARY KEY, v text);
    INSERT INTO huge SELECT 18446744073709551615 - seq, 'x' FROM seq_0_to_99;
    CREATE TABLE chosen(a int, b varchar(9) NOT NULL UNIQUE, c text); INSERT INTO chosen VALUES (NULL, 'b', 'c');
    CREATE TABLE empty(x int);
    CREATE VIEW addresses AS SELECT email FROM people;
    CREATE SEQUENCE numbers;
    CREATE TABLE past(id int PRIMARY KEY, email varchar(99)) WITH SYSTEM VERSIONING;
    INSERT INTO past VALUES (1, 'then@example.com'), (2, 'gone@example.com'); UPDATE past SET email = 'now@example.com' WHERE id = 1;
    DELETE FROM past WHERE id = 2;
    CREATE TABLE old(id int PRIMARY KEY, email text) ENGINE = MyISAM; INSERT INTO old SELECT seq, 'old@example.com' FROM seq_1_to_300;
    CREATE TABLE aria(email text) ENGINE = Aria; INSERT INTO aria VALUES ('aria@example.com');
    CREATE TABLE fleeting(email varchar(99)) ENGINE = MEMORY; INSERT INTO fleeting VALUES ('memory@example.com');
    CREATE TABLE comma(email varchar(99) NOT NULL) ENGINE = CSV; INSERT INTO comma VALUES ('csv@example.com');
    CREATE TABLE `tä.ble %! ``x`` select`(`a "b"``.c` text, `select` int, `列` text);
    INSERT INTO `tä.ble %! ``x`` select` VALUES ('jane@example.com', 1, '列');
    ANALYZE TABLE people, loose, pairs, events, huge, old"#;

fn many(database: &Database) -> Expected {
    let at = |table: &str| database.at(table);
    let odd = at("tä%2Eble %25%21 `x` select");
    Expected::new()
        .object(&at("people"), 5000)
        .object(&at("loose"), 4000 - 139)
        .object(&at("pairs"), 900)
        .object(&at("events"), 701)
        .object(&at("huge"), 100)
        .object(&at("chosen"), 1)
        .object(&at("empty"), 0)
        .object(&at("past"), 3)
        .object(&at("old"), 300)
        .object(&at("aria"), 1)
        .object(&at("fleeting"), 1)
        .object(&at("comma"), 1)
        .object(&odd, 1)
        .not_read(&at("addresses"), Coverage::Derived)
        .not_read(&at("numbers"), Coverage::Derived)
        .value(&at("people"), "note", "tab\t line\n back\\slash 5000")
        .value(&at("past"), "email", "then@example.com")
        .value(&at("past"), "email", "gone@example.com")
        .value(&at("old"), "email", "old@example.com")
        .value(&at("comma"), "email", "csv@example.com")
        .value(&odd, "a \"b\"`.c", "jane@example.com")
        .value(&odd, "列", "列")
}

#[test]
fn mariadb_conforms() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let objects = objects(&source);
    let people = named(&objects, &database.at("people"));
    assert_eq!(people.primary_key, ["id"]);
    assert!(!people.version.sound && people.version.text.starts_with("mysql "), "{:?}", people.version);
    assert!(people.bytes.unwrap() > 100_000 && people.records.unwrap() > 1000, "{people:?}");
    assert_eq!(named(&objects, &database.at("chosen")).primary_key, ["b"]);
    assert_eq!(named(&objects, &database.at("past")).primary_key, ["id", "row_end"]);
    let ranges = source.split(people, SplitTarget { bytes: 64 << 10 }).unwrap();
    assert!(ranges.len() > 4 && matches!(ranges[0], Range::Keys { start: None, .. }), "{ranges:?}");
    let split = |table| source.split(named(&objects, &database.at(table)), SplitTarget { bytes: 1 }).unwrap();
    assert_eq!((split("loose"), split("pairs")), (vec![Range::Whole], vec![Range::Whole]));
    assert!(split("old").len() > 1, "tables without snapshots are cut, too");
    conformance::check(&source, &many(&database));

    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}", database.name));
    conformance::check(&database.connect_as(&user), &many(&database));
}

#[test]
fn every_table_has_the_rows_that_the_server_counts() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let listed = objects(&source);
    let tables = database.run("SHOW FULL TABLES");
    assert_eq!(tables.lines().count(), listed.len());
    for object in listed.iter().filter(|object| object.not_read.is_none()) {
        let name = object.path.parts()[1].replace('`', "``");
        let history = if name == "past" { "FOR SYSTEM_TIME ALL" } else { "" };
        let counted = database.run(&format!("SELECT count(*) FROM `{name}` {history}"));
        assert_eq!(read(&source, object).records(object.path.as_str()).to_string(), counted, "{name}");
    }
}

#[test]
fn engines_without_snapshots_are_named() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let listed = objects(&source);
    for (table, engine) in [("old", "MyISAM"), ("aria", "Aria"), ("fleeting", "MEMORY"), ("comma", "CSV")] {
        let object = named(&listed, &database.at(table));
        assert!(object.version.text.ends_with(&format!(" {engine} without-snapshot")), "{:?}", object.version);
        let (_, outcome) = read(&source, object).closed.remove(0);
        assert_eq!(outcome.coverage, Coverage::Read);
        assert!(outcome.reason.unwrap().contains(&format!("the engine {engine} has no snapshots")));
        let notes = source.check().unwrap().notes.join("\n");
        assert!(notes.contains(&format!("`{}` ({engine})", object.path)), "{notes}");
    }
    let (_, outcome) = read(&source, named(&listed, &database.at("people"))).closed.remove(0);
    assert_eq!(outcome.reason, None);
}

#[test]
fn records_are_told_apart() {
    let Some(database) = Database::new(
        "CREATE TABLE one(k bigint PRIMARY KEY, v text); INSERT INTO one VALUES (-4, 'a');
         CREATE TABLE two(v text, b uuid, a varchar(9), PRIMARY KEY (a, b));
         INSERT INTO two VALUES ('a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x');
         CREATE TABLE raw(k binary(2) PRIMARY KEY, v text); INSERT INTO raw VALUES (0x0aff, 'a');
         CREATE TABLE bits(k bit(9) PRIMARY KEY, v text); INSERT INTO bits VALUES (b'101', 'a');
         CREATE TABLE uniq(a int NULL UNIQUE, b int NOT NULL, c int NOT NULL, v text, UNIQUE (c, b)); INSERT INTO uniq VALUES (1, 2, 3, 'a');
         CREATE TABLE none(v text); INSERT INTO none VALUES ('gone'), ('a'), ('b'); DELETE FROM none WHERE v = 'gone'",
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let text = |s: &str| KeyValue::Text(s.into());
    let cases = [
        ("one", Record::pk(&[KeyValue::Integer(-4)])),
        ("two", Record::pk(&[text("x"), text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")])),
        ("raw", Record::pk(&[text("0x0aff")])),
        ("bits", Record::pk(&[KeyValue::Integer(5)])),
        ("uniq", Record::pk(&[KeyValue::Integer(3), KeyValue::Integer(2)])),
        ("none", Record::Number(RecordKind::Row, 1)),
    ];
    for (table, expected) in cases {
        let collect = read(&source, named(&listed, &database.at(table)));
        let (record, ..) = collect.values[&database.at(table)].iter().find(|(_, field, _)| field == "v").unwrap();
        assert_eq!(*record, expected, "{table}");
    }
}

#[test]
fn long_values_come_by_windows() {
    let Some(database) = Database::new(
        "CREATE TABLE t(id varchar(9), at datetime(6), body longtext CHARACTER SET latin1, raw mediumblob, tail text, PRIMARY KEY (at, id));
         INSERT INTO t VALUES ('a', '2024-01-01', 'short', 0x01, 'x'), ('it''s', '2024-01-02 03:04:05.678901', concat('€', repeat('jane doe ', 200000)), 0x02, 'jane@example.com'),
            ('c', '2024-01-03', '', repeat(unhex('00ff0afe'), 320000), 'y'), ('d', '2024-01-04', 'after', '', 'z');
         CREATE TABLE nokey AS SELECT body, tail FROM t",
    ) else {
        return;
    };
    let options = MySqlOptions { long_value: 512 << 10, ..MySqlOptions::new(&database.url) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    let mut batches = Batches::default();
    source.read(&unit(named(&listed, &database.at("t"))), &Limits::default(), &mut batches).unwrap();
    let expected = [("it's", Logical::Text, 3 + 9 * 200_000), ("c", Logical::Bytes, 4 * 320_000)];
    let mut seen: Vec<(Record, Logical, usize)> = Vec::new();
    for batch in &batches.0 {
        let Some(window) = &batch.columns[0].window else { continue };
        if window.value_offset == 0 && window.core.start == 0 {
            seen.push((batch.record(0), batch.columns[0].logical, 0));
            let start: &[u8] = if seen.len() == 1 { "€jane".as_bytes() } else { b"\x00\xff\x0a\xfe" };
            assert!(batch.columns[0].value(0).starts_with(start));
        }
        seen.last_mut().unwrap().2 += window.core.len();
    }
    assert_eq!(seen.len(), 2);
    for ((record, logical, length), (id, expected_logical, expected_length)) in seen.iter().zip(expected) {
        assert!(record.text().unwrap().ends_with(&format!("{id:?}]")), "{record:?}");
        assert_eq!((*logical, *length), (expected_logical, expected_length));
    }
    let collect = read(&source, named(&listed, &database.at("t")));
    assert_eq!(column(&collect, &database.at("t"), "tail"), ["x", "jane@example.com", "y", "z"]);

    let mut batches = Batches::default();
    source.read(&unit(named(&listed, &database.at("nokey"))), &Limits::default(), &mut batches).unwrap();
    let windows: Vec<_> = batches.0.iter().filter(|batch| batch.columns[0].window.is_some()).collect();
    assert!(windows.len() > 1 && windows.iter().all(|b| b.record(0) == Record::Number(RecordKind::Row, 2)));
}

#[test]
fn keys_come_from_the_schema() {
    let Some(database) = Database::new(
        "CREATE TABLE customers(id int PRIMARY KEY, email varchar(99) UNIQUE, a int, b int, UNIQUE (a, b));
         CREATE TABLE orders(n int, customer_id int, x int, INDEX (x), FOREIGN KEY (customer_id) REFERENCES customers(id));
         CREATE TABLE notes(a int, b int, FOREIGN KEY (a, b) REFERENCES customers(a, b))",
    ) else {
        return;
    };
    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}", database.name));
    let at = &database.name;
    let expected = [
        format!("{at}.customers a,b Unique"),
        format!("{at}.customers email Unique"),
        format!("{at}.customers id Primary"),
        format!("{at}.notes a,b -> {at}.customers a,b"),
        format!("{at}.orders customer_id -> {at}.customers id"),
    ];
    assert_eq!(shown_keys(&database.connect()), expected);
    assert_eq!(shown_keys(&database.connect_as(&user)), expected, "`SELECT` is enough to see them");
}

#[test]
fn a_sample_is_spread_and_repeatable() {
    let Some(database) = Database::new(
        "CREATE TABLE big(i int PRIMARY KEY, x text); INSERT INTO big SELECT seq, repeat('x', 100) FROM seq_1_to_100000",
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let sample = || {
        let mut collect = Collect::default();
        source.sample(named(&listed, &database.at("big")), 1000, &mut collect).unwrap();
        column(&collect, &database.at("big"), "i")
    };
    let first = sample();
    assert_eq!(first.len(), 1000);
    assert_eq!(first, sample());
    assert!(first.iter().any(|i| i.parse::<u32>().unwrap() > 80_000));
}
