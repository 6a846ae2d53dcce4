//! One moment for all tables, and what happens when it ends.

use std::process::{Command, Stdio};
use std::time::Duration;

use residuum_source::conformance::Collect;
use residuum_source::{Batch, Coverage, Flow, Limits, Outcome, Part, Sink, Source, SourceError, SplitTarget, Unit};
use residuum_sql::{Postgres, PostgresOptions};

use super::{Database, MANY, column, named, objects, read, unit};

#[test]
fn all_tables_are_seen_at_the_moment_of_the_listing() {
    let Some(database) = Database::new(MANY) else { return };
    let source = database.connect();
    let listed = objects(&source);
    let people = named(&listed, "public.people");
    let ranges = source.split(people, SplitTarget { bytes: 64 << 10 }).unwrap();
    let (mut records, mut emails) = (0, Vec::new());
    for (i, range) in ranges.into_iter().enumerate() {
        // Rows move to other blocks between the ranges: none is missed, none is seen twice.
        database.run(&format!(
            "UPDATE people SET email = 'moved{i}-' || id, note = repeat('x', 500) WHERE id % 7 = {i} % 7;
             DELETE FROM people WHERE id % 11 = {i} % 11; INSERT INTO people VALUES (-{i} - 1, 'new{i}', '')"
        ));
        let unit = Unit { objects: vec![people.clone()], range };
        let collect = Collect::unit(&source, &unit, &Limits::default()).unwrap();
        records += collect.records("public.people");
        emails.extend(column(&collect, "public.people", "email"));
    }
    assert_eq!(records, 5000);
    emails.sort();
    emails.dedup();
    assert_eq!(emails.len(), 5000);
    assert!(emails.iter().all(|email| email.starts_with("person")));

    // What does not keep to snapshots is noticed, and between units no lock stands in anybody's way.
    let patient = "SET lock_timeout = '2s';";
    database.run(&format!("{patient} TRUNCATE loose; ALTER TABLE pairs DROP COLUMN total; DROP TABLE parent CASCADE"));
    let (_, outcome) = read(&source, named(&listed, "public.loose")).closed.remove(0);
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.unwrap().contains("truncated"));
    let (_, outcome) = read(&source, named(&listed, "public.parent")).closed.remove(0);
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.unwrap().contains("scan again"));
}

#[test]
fn a_locked_table_is_reported_and_the_rest_is_listed() {
    let Some(database) = Database::new("CREATE TABLE t(x int); CREATE TABLE u(x int)") else { return };
    let options = PostgresOptions { lock_timeout: Duration::from_millis(200), ..PostgresOptions::new(&database.url) };
    let source = Postgres::connect("test", options).unwrap();
    let listed = objects(&source);
    let mut holder = Command::new("psql");
    holder.args(["-XAtq", "-d", &database.url, "-c"]);
    holder.arg("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)");
    let mut holder = holder.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let held =
        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 't'::regclass";
    while database.run(held) != "1" {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (_, outcome) = read(&source, named(&listed, "public.t")).closed.remove(0);
    let again = objects(&source).len();
    let u = read(&source, named(&listed, "public.u"));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.as_ref().unwrap().contains("lock"), "{outcome:?}");
    assert_eq!(again, 2);
    assert_eq!(u.closed[0].1.coverage, Coverage::Read);
}

/// Ends the sessions that are reading when the first batch arrives.
struct EndSessions<'d> {
    database: &'d Database,
    batches: usize,
}

impl Sink for EndSessions<'_> {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, _: Batch) -> Flow {
        if self.batches == 0 {
            let ended = self.database.run(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE application_name = 'residuum' AND datname = current_database() AND query LIKE 'COPY%'",
            );
            assert_eq!(ended, "1");
        }
        self.batches += 1;
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        panic!("a lost object is not closed: {outcome:?}");
    }
}

#[test]
fn a_lost_connection_names_the_object() {
    let Some(database) =
        Database::new("CREATE TABLE big AS SELECT i, repeat('x', 1000) AS x FROM generate_series(1, 60000) i")
    else {
        return;
    };
    let source = database.connect();
    let listed = objects(&source);
    let big = named(&listed, "public.big");
    let mut sink = EndSessions { database: &database, batches: 0 };
    let lost = source.read(&unit(big), &Limits::default(), &mut sink).unwrap_err();
    assert!(matches!(&lost, SourceError::Lost { object, .. } if object == &big.path), "{lost}");
    assert!(sink.batches >= 1);
    assert_eq!(read(&source, big).records("public.big"), 60000, "the next reading connects anew");

    // Without the session that holds the snapshot, what is left would be of another moment.
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'residuum' AND datname = current_database()",
    );
    let lost = Collect::unit(&source, &unit(big), &Limits::default()).unwrap_err();
    assert!(matches!(&lost, SourceError::Lost { .. }) && lost.to_string().contains("snapshot"), "{lost}");
    let again = objects(&source);
    assert_eq!(read(&source, named(&again, "public.big")).records("public.big"), 60000, "a new listing, a new moment");
}

#[test]
fn a_snapshot_is_not_held_for_ever() {
    let Some(database) = Database::new("CREATE TABLE t(x int)") else { return };
    let options = PostgresOptions { snapshot_age: Duration::from_millis(100), ..PostgresOptions::new(&database.url) };
    let source = Postgres::connect("test", options).unwrap();
    let listed = objects(&source);
    std::thread::sleep(Duration::from_millis(150));
    let ended = Collect::unit(&source, &unit(&listed[0]), &Limits::default()).unwrap_err();
    assert!(ended.to_string().contains("greatest age"), "{ended}");
    let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(database.run(held), "0");
}
