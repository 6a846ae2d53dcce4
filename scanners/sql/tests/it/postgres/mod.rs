//! A real PostgreSQL server: every type, every right, and what goes wrong while it is read.
//!
//! These wait for `RESIDUUM_TEST_POSTGRES`, the URL of a superuser on a server that may be written to, as
//! `fixtures/servers/postgres.sh` starts one. Each test makes a database of its own and drops it again.

mod apply;
mod moment;
mod rights;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{Coverage, KeyValue, Limits, Logical, Range, Record, RecordKind, Sensitive, Source, SplitTarget};
use residuum_sql::{Postgres, PostgresOptions};

use crate::reading::{Batches, check_first, column, named, objects, read, shown_keys, unit};

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
        let server = std::env::var("RESIDUUM_TEST_POSTGRES").ok().filter(|url| !url.is_empty())?;
        let name = format!("residuum_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        psql(&server, &format!("CREATE DATABASE {name}"));
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let url = format!("{}/{name}?{query}", base.rsplit_once('/').unwrap().0);
        psql(&url, sql);
        Some(Self { server, name, url })
    }

    fn run(&self, sql: &str) -> String {
        psql(&self.url, sql)
    }

    /// Makes a role with a password, to be dropped with the database.
    fn role(&self, options: &str) -> String {
        let role = format!("{}_reader", self.name);
        self.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'opensesame' {options}"));
        role
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new(&self.url)
    }

    fn connect(&self) -> Postgres {
        Postgres::connect("test", PostgresOptions::new(&self.url)).unwrap()
    }

    fn connect_as(&self, role: &str) -> Postgres {
        Postgres::connect("test", self.options_as(role)).unwrap()
    }

    fn options_as(&self, role: &str) -> PostgresOptions {
        let mut options = PostgresOptions::new(self.url.replace("://app@", &format!("://{role}@")));
        options.password = Some(Sensitive::new("opensesame".into()));
        options
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (name, role) = (&self.name, format!("{}_reader", self.name));
        try_psql(&self.server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        try_psql(&self.server, &format!("DROP ROLE IF EXISTS {role}"));
    }
}

fn try_psql(url: &str, sql: &str) -> (bool, String, String) {
    let mut command = Command::new("psql");
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]).stdin(Stdio::null());
    let output = command.output().expect("psql is installed: apt-get install postgresql-client");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn psql(url: &str, sql: &str) -> String {
    let (ok, out, error) = try_psql(url, sql);
    assert!(ok, "{error}\n{sql}");
    out
}

const MANY: &str = r#"
    CREATE TABLE people(id int PRIMARY KEY, email text UNIQUE, note text);
    INSERT INTO people SELECT i * 2, 'person' || i || '@example.com', E'tab\t line\n back\\slash ' || i FROM generate_series(1, 5000) i;
    CREATE TABLE loose(a text, b numeric);
    INSERT INTO loose SELECT 'loose' || i, i / 7.0 FROM generate_series(1, 4000) i;
    DELETE FROM loose WHERE b < 20;
    CREATE TABLE pairs(region text, code bytea, total int, PRIMARY KEY (code, region));
    INSERT INTO pairs SELECT 'r' || i % 7, decode(lpad(to_hex(i), 8, '0'), 'hex'), i FROM generate_series(1, 900) i;
    CREATE TABLE events(at date NOT NULL, who int, what text, PRIMARY KEY (at, who)) PARTITION BY RANGE (at);
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY HASH (who);
    CREATE TABLE events_2025_0 PARTITION OF events_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE events_2025_1 PARTITION OF events_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO events SELECT date '2024-01-01' + i, i, 'event ' || i FROM generate_series(0, 700) i;
    CREATE TABLE parent(x text); CREATE TABLE child(y text) INHERITS (parent);
    INSERT INTO parent VALUES ('own'); INSERT INTO child VALUES ('inherited', 'y');
    CREATE TABLE empty(x int);
    CREATE TABLE bare(); INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES;
    CREATE VIEW addresses AS SELECT email FROM people;
    CREATE MATERIALIZED VIEW kept AS SELECT email FROM people WHERE id <= 20;
    CREATE SCHEMA "Odd. ""Schema""!";
    CREATE TABLE "Odd. ""Schema""!"."tä.ble %"("a ""b"".c" text, "select" int, "列" text);
    INSERT INTO "Odd. ""Schema""!"."tä.ble %" VALUES ('jane@example.com', 1, '列');"#;

fn many() -> Expected {
    Expected::new()
        .object("public.people", 5000)
        .object("public.loose", 4000 - 139)
        .object("public.pairs", 900)
        .object("public.events_2024", 366)
        .object("public.kept", 10)
        .object("public.parent", 1)
        .object("public.child", 1)
        .object("public.empty", 0)
        .object("public.bare", 2)
        .object(r#"Odd%2E "Schema"%21.tä%2Eble %25"#, 1)
        .not_read("public.events", Coverage::Derived)
        .not_read("public.events_2025", Coverage::Derived)
        .not_read("public.addresses", Coverage::Derived)
        .value("public.people", "note", "tab\t line\n back\\slash 5000")
        .value("public.kept", "email", "person10@example.com")
        .value(r#"Odd%2E "Schema"%21.tä%2Eble %25"#, r#"a "b".c"#, "jane@example.com")
}

#[test]
fn postgres_conforms() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let objects = objects(&source);
    let people = named(&objects, "public.people");
    assert_eq!(people.primary_key, ["id"]);
    assert!(!people.version.sound && people.version.text.starts_with("pg "), "{:?}", people.version);
    assert!(people.bytes.unwrap() > 100_000, "sizes are known before the first analysis");
    let ranges = source.split(people, SplitTarget { bytes: 64 << 10 }).unwrap();
    assert!(ranges.len() > 4 && matches!(ranges.last(), Some(Range::Blocks { end: None, .. })), "{ranges:?}");
    let events: u64 = ["public.events_2025_0", "public.events_2025_1"]
        .iter()
        .map(|name| read(&source, named(&objects, name)).records(name))
        .sum();
    assert_eq!(events, 701 - 366);
    conformance::check(&source, &many());
}

#[test]
fn ranges_of_keys_serve_servers_without_ranges_of_blocks() {
    let Some(database) = Database::new(MANY) else { return };
    let options = PostgresOptions { tid_ranges: false, ..PostgresOptions::new(&database.url) };
    let source = Postgres::connect("test", options).unwrap();
    let objects = objects(&source);
    let ranges = source.split(named(&objects, "public.people"), SplitTarget { bytes: 64 << 10 }).unwrap();
    assert!(ranges.len() > 4 && matches!(ranges[0], Range::Keys { start: None, .. }), "{ranges:?}");
    assert_eq!(source.split(named(&objects, "public.loose"), SplitTarget { bytes: 1 }).unwrap(), [Range::Whole]);
    conformance::check(&source, &many());
}

#[test]
fn every_type_comes_as_text_that_can_be_searched() {
    let Some(database) = Database::new(
        r#"CREATE EXTENSION citext; CREATE EXTENSION hstore;
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE DOMAIN mail AS citext CHECK (VALUE LIKE '%@%');
        CREATE DOMAIN work_mail AS mail; CREATE DOMAIN mails AS text[]; CREATE DOMAIN picture AS bytea;
        CREATE TYPE address AS (street text, zip varchar(5));
        SET TimeZone = 'Europe/Berlin';
        CREATE TABLE t(i2 int2, i8 int8, n numeric, f8 float8, m money, v varchar, c char(6), ci citext, b bool, d date,
            t time, ts timestamp, tz timestamptz, iv interval, u uuid, ip inet, net cidr, mac macaddr, j json, jb jsonb,
            a text[], aa int[][], ad address, ads address[], r int4range, mr int4multirange, h hstore, by bytea, e mood,
            dm work_mail, dms mails, pic picture, x xml, tv tsvector, bits bit(4), p point, nm name, o oid, nothing text);
        INSERT INTO t VALUES (-7, 9223372036854775807, 12345678901234567890.5, 0.1, 12.5, 'v', 'c', 'Ci', true, '1980-02-03',
            '04:05:06', '1980-02-03 04:05:06.5', '1980-02-03 04:05:06+01', '1 day 2 hours', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
            '192.0.2.7', '192.0.2.0/24', '08:00:2b:01:02:03', '{"a": "x\ny"}', '{"b":  [1]}',
            ARRAY['jane@example.com', 'a "quoted", one', NULL], '{{1,2},{3,4}}', ROW('1 Main St', '02134'),
            ARRAY[ROW('2 Oak St', '02135')::address], '[1,5)', '{[1,5)}', 'mail=>jane@example.com', '\x00ff0a5c', 'sad',
            'Jane@Example.com', ARRAY['x@example.com'], '\x6a616e65', '<a>jane</a>', 'fat:1 cat', B'1010', '(1,2)', 'nm', 42, NULL);"#,
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let mut batches = Batches::default();
    source.read(&unit(named(&listed, "public.t")), &Limits::default(), &mut batches).unwrap();
    let cases: &[(&str, Logical, &[u8])] = &[
        ("i2", Logical::Integer, b"-7"),
        ("i8", Logical::Integer, b"9223372036854775807"),
        ("n", Logical::Number, b"12345678901234567890.5"),
        ("f8", Logical::Number, b"0.1"),
        ("m", Logical::Text, b"$12.50"),
        ("v", Logical::Text, b"v"),
        ("c", Logical::Text, b"c     "),
        ("ci", Logical::Text, b"Ci"),
        ("b", Logical::Bool, b"t"),
        ("d", Logical::Date, b"1980-02-03"),
        ("t", Logical::Text, b"04:05:06"),
        ("ts", Logical::Timestamp, b"1980-02-03 04:05:06.5"),
        ("tz", Logical::Timestamp, b"1980-02-03 03:05:06+00"),
        ("iv", Logical::Text, b"1 day 02:00:00"),
        ("u", Logical::Uuid, b"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("ip", Logical::Inet, b"192.0.2.7"),
        ("net", Logical::Inet, b"192.0.2.0/24"),
        ("mac", Logical::Text, b"08:00:2b:01:02:03"),
        ("j", Logical::Json, br#"{"a": "x\ny"}"#),
        ("jb", Logical::Json, br#"{"b": [1]}"#),
        ("a", Logical::Json, br#"["jane@example.com","a \"quoted\", one",null]"#),
        ("aa", Logical::Json, b"[[1,2],[3,4]]"),
        ("ad", Logical::Json, br#"{"street":"1 Main St","zip":"02134"}"#),
        ("ads", Logical::Json, br#"[{"street":"2 Oak St","zip":"02135"}]"#),
        ("r", Logical::Text, b"[1,5)"),
        ("mr", Logical::Text, b"{[1,5)}"),
        ("h", Logical::Json, br#"{"mail": "jane@example.com"}"#),
        ("by", Logical::Bytes, b"\x00\xff\x0a\x5c"),
        ("e", Logical::Text, b"sad"),
        ("dm", Logical::Text, b"Jane@Example.com"),
        ("dms", Logical::Json, br#"["x@example.com"]"#),
        ("pic", Logical::Bytes, b"jane"),
        ("x", Logical::Text, b"<a>jane</a>"),
        ("tv", Logical::Text, b"'cat' 'fat':1"),
        ("bits", Logical::Text, b"1010"),
        ("p", Logical::Text, b"(1,2)"),
        ("nm", Logical::Text, b"nm"),
        ("o", Logical::Integer, b"42"),
        ("nothing", Logical::Text, b""),
    ];
    check_first(&batches.0[0], cases);
}

#[test]
fn records_are_told_apart() {
    let Some(database) = Database::new(
        "CREATE TABLE one(k bigint PRIMARY KEY, v text); INSERT INTO one VALUES (-4, 'a');
         CREATE TABLE two(v text, b uuid, a text, PRIMARY KEY (a, b));
         INSERT INTO two VALUES ('a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x');
         CREATE TABLE raw(k bytea PRIMARY KEY, v text); INSERT INTO raw VALUES ('\\x0aff', 'a');
         CREATE TABLE none(v text); INSERT INTO none VALUES ('gone'), ('a'); DELETE FROM none WHERE v = 'gone';",
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let text = |s: &str| KeyValue::Text(s.into());
    let cases = [
        ("public.one", Record::pk(&[KeyValue::Integer(-4)])),
        ("public.two", Record::pk(&[text("x"), text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")])),
        ("public.raw", Record::pk(&[text("\\x0aff")])),
        ("public.none", Record::ctid(0, 2)),
    ];
    for (table, expected) in cases {
        let collect = read(&source, named(&listed, table));
        let (record, ..) = collect.values[table].iter().find(|(_, field, _)| field == "v").unwrap();
        assert_eq!(*record, expected, "{table}");
    }
}

#[test]
fn long_values_come_by_windows() {
    let Some(database) = Database::new(
        "CREATE TABLE t(id int PRIMARY KEY, body text, raw bytea, tail text, many text[]);
         INSERT INTO t VALUES (1, 'short', '\\x01', 'x', '{a}'),
            (2, '€' || (SELECT string_agg(md5(i::text), ' ') FROM generate_series(1, 60000) i), '\\x02', 'jane@example.com', '{b}'),
            (3, '', (SELECT string_agg(sha256(i::text::bytea), '') FROM generate_series(1, 40000) i), 'y', '{c}'),
            (4, 'after', '', 'z', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 20000) i));
         CREATE TABLE nokey AS SELECT body, tail FROM t;",
    ) else {
        return;
    };
    let options = PostgresOptions { long_value: 512 << 10, ..PostgresOptions::new(&database.url) };
    let source = Postgres::connect("test", options).unwrap();
    let listed = objects(&source);
    let mut batches = Batches::default();
    source.read(&unit(named(&listed, "public.t")), &Limits::default(), &mut batches).unwrap();
    let text: usize = database.run("SELECT octet_length(body) FROM t WHERE id = 2").parse().unwrap();
    let json: usize = database.run("SELECT octet_length(to_json(many)::text) FROM t WHERE id = 4").parse().unwrap();
    let expected = [(2, Logical::Text, text), (3, Logical::Bytes, 40000 * 32), (4, Logical::Text, json)];
    let mut seen = Vec::new();
    for batch in &batches.0 {
        let Some(window) = &batch.columns[0].window else { continue };
        assert_eq!(batch.columns.len(), 1);
        if window.value_offset == 0 && window.core.start == 0 {
            seen.push((batch.record(0).number(), batch.columns[0].logical, 0));
        }
        seen.last_mut().unwrap().2 += window.core.len();
    }
    assert_eq!(seen, expected);
    let tails: Vec<_> = batches.0[0]
        .columns
        .iter()
        .filter(|c| &*c.field == "tail")
        .flat_map(|c| (0..4).map(|i| c.value(i).to_vec()))
        .collect();
    assert_eq!(tails, [&b"x"[..], b"jane@example.com", b"y", b"z"]);
    assert_eq!(batches.1[0].records, 4);

    let mut batches = Batches::default();
    source.read(&unit(named(&listed, "public.nokey")), &Limits::default(), &mut batches).unwrap();
    assert!(batches.0.iter().any(|b| b.columns[0].window.is_some() && b.record(0).kind() == RecordKind::Ctid));
}

#[test]
fn keys_come_from_the_schema() {
    let Some(database) = Database::new(
        "CREATE TABLE customers(id int PRIMARY KEY, email text UNIQUE, a int, b int);
         CREATE UNIQUE INDEX ON customers(a, b); CREATE UNIQUE INDEX ON customers(b) WHERE a IS NULL;
         CREATE UNIQUE INDEX ON customers(lower(email));
         CREATE TABLE orders(n int, customer_id int REFERENCES customers, x int) PARTITION BY HASH (n);
         CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 1, REMAINDER 0);
         CREATE TABLE events(at int, k int, PRIMARY KEY (at, k)) PARTITION BY RANGE (at);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (9);
         CREATE TABLE notes(at int, k int, FOREIGN KEY (at, k) REFERENCES events(at, k));",
    ) else {
        return;
    };
    let shown = shown_keys(&database.connect());
    assert_eq!(
        shown,
        [
            "public.customers a,b Unique",
            "public.customers email Unique",
            "public.customers id Primary",
            "public.events at,k Primary",
            "public.events_1 at,k -> public.events at,k",
            "public.events_1 at,k Primary",
            "public.notes at,k -> public.events at,k",
            "public.orders customer_id -> public.customers id",
            "public.orders_0 customer_id -> public.customers id",
        ]
    );
}

#[test]
fn what_tables_do_not_show_is_listed() {
    let Some(database) = Database::new(
        "SELECT lo_from_bytea(0, 'jane@example.com');
         CREATE MATERIALIZED VIEW hollow AS SELECT 1 WITH NO DATA;
         CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         COPY (SELECT 'jane@example.com') TO PROGRAM 'cat > residuum_foreign.csv';
         CREATE FOREIGN TABLE outside(x text) SERVER files OPTIONS (filename 'residuum_foreign.csv');
         CREATE FOREIGN TABLE broken(x text) SERVER files OPTIONS (filename 'no such file');",
    ) else {
        return;
    };
    let source = database.connect();
    let expected = Expected::new()
        .not_read("pg_catalog.pg_largeobject", Coverage::Unsupported)
        .not_read("public.hollow", Coverage::Derived)
        .not_read("public.broken", Coverage::Unreadable)
        .object("public.outside", 1)
        .value("public.outside", "x", "jane@example.com");
    conformance::check(&source, &expected);
    database.run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
}

#[test]
fn a_sample_is_spread_and_repeatable() {
    let Some(database) = Database::new(
        "CREATE TABLE big AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 100000) i; ANALYZE big",
    ) else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let sample = || {
        let mut collect = Collect::default();
        source.sample(named(&listed, "public.big"), 1000, &mut collect).unwrap();
        column(&collect, "public.big", "i")
    };
    let first = sample();
    assert!((500..=1000).contains(&first.len()), "{}", first.len());
    assert_eq!(first, sample());
    assert!(first.iter().any(|i| i.parse::<u32>().unwrap() > 50_000));
}
