//! One moment for all tables, and what happens when it ends.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use residuum_source::conformance::Collect;
use residuum_source::{
    Batch, Coverage, Flow, Limits, Outcome, Part, Sink, Source, SourceError, SplitTarget, Stop, Unit,
};
use residuum_sql::{MySql, MySqlOptions};

use super::{Database, MANY};
use crate::reading::{column, named, objects, read, unit};

#[test]
fn all_tables_are_seen_at_the_moment_of_the_listing() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let listed = objects(&source);
    let people = named(&listed, &database.at("people"));
    assert!(people.version.text.contains(" binlog."), "the sessions see one moment: {:?}", people.version);
    let ranges = source.split(people, SplitTarget { bytes: 64 << 10 }).unwrap();
    assert!(ranges.len() > 2);
    let (mut records, mut emails) = (0, Vec::new());
    for (i, range) in ranges.into_iter().enumerate() {
        database.run(&format!(
            "UPDATE people SET email = concat('moved{i}-', id), id = -id WHERE id % 7 = {i} % 7;
             DELETE FROM people WHERE id % 11 = {i} % 11; INSERT INTO people VALUES (100000 + {i}, 'new{i}', '')"
        ));
        let unit = Unit { objects: vec![people.clone()], range };
        let collect = Collect::unit(&source, &unit, &Limits::default()).unwrap();
        records += collect.records(&database.at("people"));
        emails.extend(column(&collect, &database.at("people"), "email"));
    }
    assert_eq!(records, 5000);
    emails.sort();
    emails.dedup();
    assert_eq!(emails.len(), 5000);
    assert!(emails.iter().all(|email| email.starts_with("person")));

    // What does not keep to snapshots is noticed, and between units no lock stands in anybody's way.
    database.run(
        "SET lock_wait_timeout = 2; TRUNCATE loose; ALTER TABLE people ADD z int;
         DROP TABLE chosen",
    );
    for table in ["loose", "chosen"] {
        let (_, outcome) = read(&source, named(&listed, &database.at(table))).closed.remove(0);
        assert_eq!(outcome.coverage, Coverage::Unreadable, "{table}");
        assert!(outcome.reason.unwrap().contains("scan again"), "{table}");
    }
    let (_, outcome) = read(&source, people).closed.remove(0);
    assert!(outcome.records == 5000 || outcome.coverage == Coverage::Unreadable, "{outcome:?}");
    let events = read(&source, named(&listed, &database.at("events")));
    assert_eq!(events.records(&database.at("events")), 701);
}

#[test]
fn where_locks_would_last_each_unit_has_its_own_moment() {
    let Some(database) = Database::new(MANY) else { return };
    let user = database.user();
    database.run(&format!("GRANT SELECT ON {}.* TO {user}", database.name));
    let source = database.connect_as(&user);
    let listed = objects(&source);
    let people = named(&listed, &database.at("people"));
    assert!(people.version.text.ends_with(" each-unit InnoDB"), "{:?}", people.version);
    assert!(source.check().unwrap().notes.join("\n").contains("each table, or range of one, is seen at a moment"));
    let ranges = source.split(people, SplitTarget { bytes: 64 << 10 }).unwrap();
    let mut ids = Vec::new();
    for (i, range) in ranges.into_iter().enumerate() {
        // No lock is left over from the last range.
        database.run(&format!(
            "SET lock_wait_timeout = 2; ALTER TABLE people ADD c{i} int; UPDATE people SET email = concat(id, '-{i}');
             INSERT INTO people(id, email) VALUES (100000 + {i}, 'new')"
        ));
        let unit = Unit { objects: vec![people.clone()], range };
        let collect = Collect::unit(&source, &unit, &Limits::default()).unwrap();
        assert!(
            collect.closed[0].1.reason.as_ref().unwrap().contains("read by ranges of id, each at a moment of its own")
        );
        ids.extend(column(&collect, &database.at("people"), "id"));
    }
    let mut ids: Vec<u32> = ids.iter().map(|id| id.parse().unwrap()).filter(|id| *id < 100_000).collect();
    ids.sort();
    assert_eq!(ids, (1..=5000).map(|i| i * 2).collect::<Vec<_>>(), "each row that is there throughout is read once");

    for session in sessions(&database, "") {
        database.run(&format!("KILL {session}"));
    }
    let events = read(&source, named(&listed, &database.at("events")));
    assert_eq!(events.records(&database.at("events")), 701, "a session that was ended is replaced");
    assert_eq!(events.closed[0].1.reason, None);
}

/// A session that does something until it is ended.
fn holder(database: &Database, sql: &str) -> Child {
    let rest = database.url.strip_prefix("mysql://app@").unwrap();
    let (place, name) = rest.split_once('/').unwrap();
    let (host, port) = place.split_once(':').unwrap();
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "-h", host, "-P", port, "-u", "app", name, "-e", sql]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_for(database: &Database, sql: &str, expected: &str) {
    for _ in 0..500 {
        if database.run(sql) == expected {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it did not come to `{expected}`: {sql}");
}

#[test]
fn a_locked_table_is_reported_and_the_rest_is_listed() {
    let Some(database) = Database::new("CREATE TABLE t(x int); CREATE TABLE u(x int)") else { return };
    let options = MySqlOptions { lock_timeout: Duration::from_secs(1), ..MySqlOptions::new(&database.url) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    let mut holder = holder(&database, "LOCK TABLES t WRITE; SELECT SLEEP(60)");
    let sleeping = format!(
        "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = '{}' AND INFO = 'SELECT SLEEP(60)'",
        database.name
    );
    wait_for(&database, &sleeping, "1");
    let (_, outcome) = read(&source, named(&listed, &database.at("t"))).closed.remove(0);
    let u = read(&source, named(&listed, &database.at("u")));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.as_ref().unwrap().contains("lock"), "{outcome:?}");
    assert_eq!(u.closed[0].1.coverage, Coverage::Read);
    let killed = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{}' AND INFO = 'SELECT SLEEP(60)'",
        database.name
    );
    for id in database.run(&killed).lines() {
        database.run(&format!("KILL {id}"));
    }
}

/// Does something when the first batch arrives.
struct AtFirstBatch<F: FnMut()> {
    act: F,
    batches: usize,
    flow: Flow,
}

impl<F: FnMut()> Sink for AtFirstBatch<F> {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, _: Batch) -> Flow {
        if self.batches == 0 {
            (self.act)();
        }
        self.batches += 1;
        self.flow
    }

    fn close(&mut self, _: Outcome) -> Flow {
        Flow::Continue(())
    }
}

const BIG: &str =
    "CREATE TABLE big(i int PRIMARY KEY, x text); INSERT INTO big SELECT seq, repeat('x', 1000) FROM seq_1_to_60000;
     CREATE TABLE old(i int PRIMARY KEY, x text) ENGINE = MyISAM; INSERT INTO old SELECT seq, repeat('x', 1000) FROM seq_1_to_30000";

fn sessions(database: &Database, filter: &str) -> Vec<String> {
    let sql = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{}' AND ID <> CONNECTION_ID() {filter}",
        database.name
    );
    database.run(&sql).lines().map(str::to_owned).collect()
}

#[test]
fn a_lost_connection_names_the_object() {
    let Some(database) = Database::new(BIG) else { return };
    let options = MySqlOptions { sessions: 2, ..MySqlOptions::new(&database.url) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    let big = named(&listed, &database.at("big"));
    let end_reading = || {
        let reading = sessions(&database, "AND INFO LIKE 'SELECT SQL_NO_CACHE%'");
        assert_eq!(reading.len(), 1);
        database.run(&format!("KILL {}", reading[0]));
    };
    let mut sink = AtFirstBatch { act: end_reading, batches: 0, flow: Flow::Continue(()) };
    let lost = source.read(&unit(big), &Limits::default(), &mut sink).unwrap_err();
    assert!(matches!(&lost, SourceError::Lost { object, .. } if object == &big.path), "{lost}");
    assert!(sink.batches >= 1);
    let again = read(&source, big);
    assert_eq!(again.records(&database.at("big")), 60000, "another session sees the same moment");

    // Without any of the sessions that hold snapshots, what is left would be of another moment.
    for session in sessions(&database, "") {
        database.run(&format!("KILL {session}"));
    }
    let lost = Collect::unit(&source, &unit(big), &Limits::default()).unwrap_err();
    assert!(matches!(&lost, SourceError::Lost { .. }) && lost.to_string().contains("snapshot"), "{lost}");
    let again = objects(&source);
    let big = named(&again, &database.at("big"));
    assert_eq!(read(&source, big).records(&database.at("big")), 60000, "a new listing, a new moment");
    let old = Collect::unit(&source, &unit(named(&listed, &database.at("big"))), &Limits::default()).unwrap_err();
    assert!(old.to_string().contains("another moment"), "{old}");
}

#[test]
fn who_stops_reading_keeps_the_moment() {
    let Some(database) = Database::new(BIG) else { return };
    let options = MySqlOptions { sessions: 1, ..MySqlOptions::new(&database.url) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    let big = named(&listed, &database.at("big"));
    database.run("DELETE FROM big WHERE i > 10");
    for _ in 0..3 {
        let mut sink = AtFirstBatch { act: || (), batches: 0, flow: Flow::Break(Stop) };
        assert!(matches!(source.read(&unit(big), &Limits::default(), &mut sink), Err(SourceError::Stopped)));
        assert_eq!(sink.batches, 1);
    }
    assert_eq!(read(&source, big).records(&database.at("big")), 60000, "the one session is still there");
}

#[test]
fn no_writer_waits_for_a_reader() {
    let Some(database) = Database::new(BIG) else { return };
    let source = database.connect();
    let listed = objects(&source);
    for table in ["big", "old"] {
        // While batches are taken slowly, rows are written.
        let write = || {
            drop(database.run(&format!("SET lock_wait_timeout = 2; UPDATE {table} SET x = 'changed' WHERE i = 29999; INSERT INTO {table} VALUES (-1, 'new')")))
        };
        let mut sink = AtFirstBatch { act: write, batches: 0, flow: Flow::Continue(()) };
        source.read(&unit(named(&listed, &database.at(table))), &Limits::default(), &mut sink).unwrap();
        assert!(sink.batches > 10, "{table}");
    }
}

#[test]
fn a_snapshot_is_not_held_for_ever() {
    let Some(database) = Database::new("CREATE TABLE t(x int)") else { return };
    let options = MySqlOptions { snapshot_age: Duration::from_millis(100), ..MySqlOptions::new(&database.url) };
    let source = MySql::connect("test", options).unwrap();
    let listed = objects(&source);
    std::thread::sleep(Duration::from_millis(150));
    let ended = Collect::unit(&source, &unit(&listed[0]), &Limits::default()).unwrap_err();
    assert!(ended.to_string().contains("greatest age"), "{ended}");
    let count = format!(
        "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = '{}' AND ID <> CONNECTION_ID()",
        database.name
    );
    wait_for(&database, &count, "0");
}
