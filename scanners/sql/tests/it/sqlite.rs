//! SQLite databases as applications leave them: with logs, without, damaged, locked, oddly named and typed.

mod apply;

use std::path::{Path, PathBuf};

use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{
    Coverage, Flow, KeyKind, KeyValue, Limits, Logical, Record, RecordKind, Source, SourceError, SplitTarget,
};
use residuum_sql::Sqlite;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::reading::{column, objects};

struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn database(&self, sql: &str) -> PathBuf {
        let path = self.path("test.db");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open("test", path).unwrap()
}

fn read(source: &dyn Source, name: &str) -> Collect {
    Collect::unit(source, &conformance::whole(source, name), &Limits::default()).unwrap()
}

const PEOPLE: &str = "
    CREATE TABLE people(id INTEGER PRIMARY KEY, email TEXT UNIQUE, note);
    WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)
        INSERT INTO people SELECT i * 3, 'person' || i || '@example.com', CASE i % 3 WHEN 0 THEN i WHEN 1 THEN x'00ff41' END FROM s;";

#[test]
fn sqlite_conforms() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!(
        "{PEOPLE}
        CREATE TABLE loose(a, b TEXT);
        WITH RECURSIVE s(i) AS (SELECT -500 UNION ALL SELECT i + 1 FROM s WHERE i < 500)
            INSERT INTO loose(rowid, a, b) SELECT i, i * 1.5, 'loose' || i FROM s;
        CREATE TABLE pairs(region TEXT, code BLOB, total INT, PRIMARY KEY(code, region)) WITHOUT ROWID;
        WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 900)
            INSERT INTO pairs SELECT 'r' || (i % 7), CAST('c' || i AS BLOB), i FROM s;
        CREATE TABLE empty(x);
        CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, x);
        INSERT INTO counted(x) VALUES ('one');
        CREATE VIEW addresses AS SELECT email FROM people;
        CREATE VIRTUAL TABLE search USING fts5(body);
        INSERT INTO search VALUES ('reach me at jane@example.com');
        ANALYZE;"
    ));
    let expected = Expected::new()
        .object("main.people", 3000)
        .object("main.loose", 1001)
        .object("main.pairs", 900)
        .object("main.empty", 0)
        .object("main.counted", 1)
        .object("main.search_content", 1)
        .not_read("main.addresses", Coverage::Derived)
        .not_read("main.search", Coverage::Derived)
        .not_read("main.sqlite_sequence", Coverage::Derived)
        .value("main.people", "email", "person3000@example.com")
        .value("main.people", "note", "\u{0}")
        .value("main.search_content", "c0", "reach me at jane@example.com");
    let source = open(&path);
    conformance::check(&source, &expected);
    let people = objects(&source).into_iter().find(|o| o.path.as_str() == "main.people").unwrap();
    assert!(source.split(&people, SplitTarget { bytes: 8 << 10 }).unwrap().len() > 5);
    assert!(people.records.is_some_and(|records| (2900..3100).contains(&records)), "{:?}", people.records);
    assert_eq!(people.primary_key, ["id"]);
    assert!(people.version.sound);
    let mut sample = Collect::default();
    source.sample(&people, 100, &mut sample).unwrap();
    assert_eq!(sample.records("main.people"), 100 / 8 * 8 + 8, "eight stretches of thirteen");
    assert_eq!(sandbox.files(), ["test.db"]);
}

#[test]
fn every_value_keeps_its_own_type() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "CREATE TABLE t(n INTEGER, born DATE, j JSON, full TEXT GENERATED ALWAYS AS (n || '/' || j) VIRTUAL);
         INSERT INTO t VALUES (7, '1980-02-03', '{\"a\":1}'), ('not a number', 5551234567.0, x'6a616e65'), (NULL, 1e300, '');",
    );
    let collect = read(&open(&path), "main.t");
    assert_eq!(column(&collect, "main.t", "n"), ["7", "not a number", ""]);
    assert_eq!(column(&collect, "main.t", "born"), ["1980-02-03", "5551234567", "1e300"]);
    assert_eq!(column(&collect, "main.t", "j"), ["{\"a\":1}", "", "", "jane"]);
    assert_eq!(column(&collect, "main.t", "full")[0], "7/{\"a\":1}");
    let (jane, ..) = collect.values["main.t"].iter().find(|(.., value)| value == b"jane").unwrap();
    assert_eq!(jane, &Record::Number(RecordKind::Rowid, 2));
}

#[test]
fn records_are_told_apart() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "CREATE TABLE alias(id INTEGER PRIMARY KEY, v); INSERT INTO alias VALUES (-4, 'a');
         CREATE TABLE text_key(k TEXT PRIMARY KEY, v); INSERT INTO text_key VALUES ('it''s', 'a'), (NULL, 'b');
         CREATE TABLE mixed(k INT PRIMARY KEY, v); INSERT INTO mixed VALUES (5, 'a'), ('x', 'b');
         CREATE TABLE blob_key(k BLOB PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO blob_key VALUES (x'0aff', 'a');
         CREATE TABLE hidden(rowid TEXT, oid TEXT, v); INSERT INTO hidden VALUES ('r', 'o', 'a');
         CREATE TABLE lost(rowid, oid, _rowid_, v); INSERT INTO lost VALUES ('r', 'o', 'x', 'a');",
    );
    let source = open(&path);
    let text = |s: &str| KeyValue::Text(s.into());
    let cases = [
        ("main.alias", vec![Record::pk(&[KeyValue::Integer(-4)])]),
        ("main.text_key", vec![Record::pk(&[text("it's")]), Record::pk(&[KeyValue::Null])]),
        ("main.mixed", vec![Record::pk(&[KeyValue::Integer(5)]), Record::pk(&[text("x")])]),
        ("main.blob_key", vec![Record::pk(&[text("X'0AFF'")])]),
        ("main.hidden", vec![Record::Number(RecordKind::Rowid, 1)]),
        ("main.lost", vec![Record::Number(RecordKind::Row, 1)]),
    ];
    for (table, expected) in cases {
        let collect = read(&source, table);
        let records: Vec<_> =
            collect.values[table].iter().filter(|(_, field, _)| field == "v").map(|(r, ..)| r.clone()).collect();
        assert_eq!(records, expected, "{table}");
    }
}

#[test]
fn odd_names_are_read() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        r#"CREATE TABLE "my ""quoted"".table! %"("a ""b"".c" TEXT, "Ünïcode 列" TEXT);
           INSERT INTO "my ""quoted"".table! %" VALUES ('jane@example.com', '列');
           CREATE TABLE "select"("from" INTEGER PRIMARY KEY, "order" TEXT); INSERT INTO "select" VALUES (1, 'x');
           CREATE TABLE "Kunden_表"(id); INSERT INTO "Kunden_表" VALUES (1);"#,
    );
    let expected = Expected::new()
        .object(r#"main.my "quoted"%2Etable%21 %25"#, 1)
        .object("main.select", 1)
        .object("main.Kunden_表", 1)
        .value(r#"main.my "quoted"%2Etable%21 %25"#, r#"a "b".c"#, "jane@example.com");
    conformance::check(&open(&path), &expected);
}

#[test]
fn keys_come_from_the_schema() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(
        "CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT UNIQUE, a, b);
         CREATE UNIQUE INDEX ab ON customers(a, b);
         CREATE UNIQUE INDEX part ON customers(b) WHERE a IS NULL;
         CREATE UNIQUE INDEX expr ON customers(lower(email));
         CREATE TABLE orders(n INT, customer_id REFERENCES Customers, a, b, FOREIGN KEY(a, b) REFERENCES customers(a, b));
         CREATE TABLE stray(x REFERENCES nowhere(id));",
    );
    let keys = open(&path).keys().unwrap();
    let mut shown: Vec<_> = keys
        .iter()
        .map(|key| match &key.kind {
            KeyKind::Foreign { object, columns } => {
                format!("{} {} -> {} {}", key.object, key.columns.join(","), object, columns.join(","))
            }
            kind => format!("{} {} {kind:?}", key.object, key.columns.join(",")),
        })
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "main.customers a,b Unique",
            "main.customers email Unique",
            "main.customers id Primary",
            "main.orders a,b -> main.customers a,b",
            "main.orders customer_id -> main.customers id",
        ]
    );
}

#[test]
fn a_closed_wal_database_is_left_alone() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!("PRAGMA journal_mode = WAL; {PEOPLE}"));
    assert_eq!(sandbox.files(), ["test.db"]);
    let source = open(&path);
    assert_eq!(read(&source, "main.people").records("main.people"), 3000);
    let before = objects(&source)[0].version.clone();
    drop(source);
    assert_eq!(sandbox.files(), ["test.db"]);
    Connection::open(&path).unwrap().execute("INSERT INTO people VALUES (1, 'new@example.com', '')", []).unwrap();
    let source = open(&path);
    assert_ne!(objects(&source)[0].version, before, "a change is a new version");
    assert_eq!(objects(&source)[0].version, objects(&source)[0].version);
}

#[test]
fn a_live_wal_database_is_read_with_what_its_log_holds() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!("PRAGMA journal_mode = WAL; {PEOPLE}"));
    let writer = Connection::open(&path).unwrap();
    writer.execute("INSERT INTO people VALUES (1, 'logged@example.com', '')", []).unwrap();
    let source = open(&path);
    let before = objects(&source)[0].version.clone();
    assert_eq!(read(&source, "main.people").records("main.people"), 3001);
    writer.execute("INSERT INTO people VALUES (2, 'later@example.com', '')", []).unwrap();
    assert_eq!(read(&source, "main.people").records("main.people"), 3002);
    assert_ne!(objects(&source)[0].version, before, "the log is part of the version");
}

#[test]
fn a_log_without_its_index_is_read_from_a_copy() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(&format!("PRAGMA journal_mode = WAL; {PEOPLE}"));
    let writer = Connection::open(&path).unwrap();
    writer.execute("INSERT INTO people VALUES (1, 'logged@example.com', '')", []).unwrap();
    let crashed = Sandbox::new();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(sandbox.path(name), crashed.path(name)).unwrap();
    }
    let source = open(&crashed.path("test.db"));
    let collect = read(&source, "main.people");
    assert_eq!(collect.records("main.people"), 3001);
    assert!(column(&collect, "main.people", "email").contains(&"logged@example.com".to_owned()));
    assert!(source.check().unwrap().notes.iter().any(|note| note.contains("copied")));
    drop(source);
    assert_eq!(crashed.files(), ["test.db", "test.db-wal"]);
}

#[test]
fn an_interrupted_transaction_is_rolled_back_in_a_copy() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(PEOPLE);
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE people SET email = 'half' || id;").unwrap();
    let crashed = Sandbox::new();
    for name in ["test.db", "test.db-journal"] {
        std::fs::copy(sandbox.path(name), crashed.path(name)).unwrap();
    }
    let before = std::fs::read(crashed.path("test.db")).unwrap();
    let source = open(&crashed.path("test.db"));
    let collect = read(&source, "main.people");
    assert_eq!(collect.records("main.people"), 3000);
    assert!(column(&collect, "main.people", "email").iter().all(|email| email.starts_with("person")));
    drop(source);
    assert_eq!(std::fs::read(crashed.path("test.db")).unwrap(), before);
    assert_eq!(crashed.files(), ["test.db", "test.db-journal"]);
}

#[test]
fn bad_files_are_named_with_the_cure() {
    let sandbox = Sandbox::new();
    let missing = Sqlite::open("crm", &sandbox.path("missing.db")).unwrap_err();
    assert!(matches!(missing, SourceError::Unreachable { .. }), "{missing}");
    std::fs::write(sandbox.path("cipher.db"), [0x5a; 8192]).unwrap();
    let cipher = Sqlite::open("crm", &sandbox.path("cipher.db")).unwrap_err().to_string();
    assert!(cipher.contains("`cipher.db`") && cipher.contains("encrypted"), "{cipher}");
    std::fs::write(sandbox.path("empty.db"), []).unwrap();
    assert!(objects(&open(&sandbox.path("empty.db"))).is_empty());
}

#[test]
fn damage_is_reported_and_the_rest_is_read() {
    let sandbox = Sandbox::new();
    let path = sandbox
        .database(&format!("PRAGMA page_size = 4096; {PEOPLE} CREATE TABLE other(x); INSERT INTO other VALUES (1);"));
    let mut bytes = std::fs::read(&path).unwrap();
    // Page 1 holds the schema and the last pages the other table: the middle is the table of people.
    let pages = bytes.len() / 4096;
    for page in (pages / 2)..(pages / 2 + 2) {
        bytes[page * 4096..(page + 1) * 4096].fill(0xee);
    }
    std::fs::write(&path, bytes).unwrap();
    let source = open(&path);
    let people = read(&source, "main.people");
    let (_, outcome) = &people.closed[0];
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.records < 3000);
    assert!(outcome.reason.as_ref().unwrap().contains("damaged"), "{outcome:?}");
    assert_eq!(read(&source, "main.other").records("main.other"), 1);
}

#[test]
fn a_locked_database_says_so() {
    let sandbox = Sandbox::new();
    let path = sandbox.database(PEOPLE);
    let source = open(&path);
    let unit = conformance::whole(&source, "main.people");
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let collect = Collect::unit(&source, &unit, &Limits::default()).unwrap();
    let (_, outcome) = &collect.closed[0];
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.as_ref().unwrap().contains("locked"), "{outcome:?}");
}

#[test]
fn long_values_come_by_windows() {
    for (encoding, keyed) in [("UTF-8", ""), ("UTF-16", ""), ("UTF-8", "PRIMARY KEY"), ("UTF-8", "WITHOUT ROWID")] {
        let sandbox = Sandbox::new();
        let (key, without) = if keyed.starts_with('W') { ("PRIMARY KEY", keyed) } else { (keyed, "") };
        let path = sandbox.database(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t(id TEXT {key}, body, tail TEXT) {without};
             INSERT INTO t VALUES ('a', 'short', 'x');
             INSERT INTO t VALUES ('b', '€' || replace(hex(zeroblob(200000)), '0', 'ab'), 'jane@example.com');
             INSERT INTO t VALUES ('c', zeroblob(300000), 'y');
             INSERT INTO t VALUES ('d', 'after', 'z');"
        ));
        let source = open(&path).long_value(100_000);
        let unit = conformance::whole(&source, "main.t");
        let mut windows = Windows::default();
        source.read(&unit, &Limits::default(), &mut windows).unwrap();
        assert_eq!(windows.records, 4, "{encoding} {keyed}");
        assert_eq!(windows.tails, ["x", "jane@example.com", "y", "z"], "{encoding} {keyed}");
        assert_eq!(windows.core_bytes, [(Logical::Text, 3 + 800_000), (Logical::Bytes, 300_000)], "{encoding} {keyed}");
    }
}

/// Writes to the database whenever a batch arrives.
struct Write<'w> {
    writer: &'w Connection,
    sql: &'w str,
    collect: Collect,
}

impl residuum_source::Sink for Write<'_> {
    fn open(&mut self, part: residuum_source::Part) -> Flow {
        self.collect.open(part)
    }

    fn batch(&mut self, batch: residuum_source::Batch) -> Flow {
        self.writer.execute_batch(self.sql).unwrap();
        self.collect.batch(batch)
    }

    fn close(&mut self, outcome: residuum_source::Outcome) -> Flow {
        self.collect.close(outcome)
    }
}

#[test]
fn writers_do_not_wait_for_a_reading() {
    for mode in ["DELETE", "WAL"] {
        let sandbox = Sandbox::new();
        let path = sandbox.database(&format!("PRAGMA journal_mode = {mode}; {PEOPLE} CREATE TABLE log(x);"));
        let writer = Connection::open(&path).unwrap();
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        writer.execute("INSERT INTO log VALUES (0)", []).unwrap();
        let source = open(&path);
        let unit = conformance::whole(&source, "main.people");
        let sql = "INSERT INTO log VALUES (1); UPDATE people SET note = 'changed' WHERE id % 2 = 0";
        let mut sink = Write { writer: &writer, sql, collect: Collect::default() };
        let limits = Limits { batch_bytes: 8 << 10, ..Limits::default() };
        source.read(&unit, &limits, &mut sink).unwrap();
        assert_eq!(sink.collect.records("main.people"), 3000, "{mode}");
        let logged: u32 = writer.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
        assert!(logged > 5, "{mode}: several batches");
    }
}

#[test]
fn rowids_that_may_have_changed_are_reported() {
    let sandbox = Sandbox::new();
    let path = sandbox
        .database(&format!("{PEOPLE} CREATE TABLE loose AS SELECT * FROM people; DELETE FROM loose WHERE id < 900;"));
    let source = open(&path);
    let listed = objects(&source);
    let parts = |name: &str| {
        let object = listed.iter().find(|o| o.path.as_str() == name).unwrap();
        let ranges = source.split(object, SplitTarget { bytes: 20 << 10 }).unwrap();
        assert!(ranges.len() > 2);
        residuum_source::Unit { objects: vec![object.clone()], range: ranges.last().unwrap().clone() }
    };
    let (loose, people) = (parts("main.loose"), parts("main.people"));
    Connection::open(&path).unwrap().execute_batch("VACUUM").unwrap();
    let outcome = |unit| Collect::unit(&source, unit, &Limits::default()).unwrap().closed.remove(0).1;
    let loose = outcome(&loose);
    assert_eq!(loose.coverage, Coverage::Unreadable);
    assert!(loose.reason.unwrap().contains("vacuumed"));
    assert_eq!(outcome(&people).coverage, Coverage::Read, "an integer primary key stays");
}

/// Sums up the windows of each long value.
#[derive(Default)]
struct Windows {
    tails: Vec<String>,
    core_bytes: Vec<(Logical, usize)>,
    records: u64,
}

impl residuum_source::Sink for Windows {
    fn open(&mut self, _: residuum_source::Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: residuum_source::Batch) -> Flow {
        conformance::check_shape(&batch);
        for column in &batch.columns {
            if let Some(window) = &column.window {
                if window.core.start == 0 && window.value_offset == 0 {
                    self.core_bytes.push((column.logical, 0));
                }
                self.core_bytes.last_mut().unwrap().1 += window.core.len();
            } else if &*column.field == "tail" {
                self.tails.extend((0..column.len()).map(|i| String::from_utf8(column.value(i).to_vec()).unwrap()));
            }
        }
        Flow::Continue(())
    }

    fn close(&mut self, outcome: residuum_source::Outcome) -> Flow {
        assert_eq!(outcome.coverage, Coverage::Read, "{outcome:?}");
        self.records += outcome.records;
        Flow::Continue(())
    }
}
