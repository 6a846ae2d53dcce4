//! Database servers that stop, end sessions, hold locks and refuse, and the network before them.

use std::fs;
use std::process::{Child, Command, Stdio};

use super::{Faults, Then};
use crate::link::{Fault, Link, When};
use crate::sandbox::Sandbox;
use crate::servers::{MariaDb, PASSWORD, Postgres, Private, secrets};

/// A table that takes a while and two small ones; `series` makes numbers up to the argument.
fn tables(series: impl Fn(u32) -> String) -> String {
    let (many, few) = (series(20_000), series(40));
    format!(
        "CREATE TABLE a(id int PRIMARY KEY, email varchar(99)); INSERT INTO a SELECT n, concat('a', n, '@example.com') FROM {few};
         CREATE TABLE big(id int PRIMARY KEY, email varchar(99), note text);
         INSERT INTO big SELECT n, concat('big', n, '@example.com'), repeat('x', 1000) FROM {many};
         CREATE TABLE z(id int PRIMARY KEY, email varchar(99)); INSERT INTO z SELECT n, concat('z', n, '@example.com') FROM {few};"
    )
}

fn postgres_tables() -> String {
    tables(|n| format!("generate_series(1, {n}) n"))
}

fn mariadb_tables() -> String {
    tables(|n| format!("(SELECT seq AS n FROM seq_1_to_{n}) s"))
}

/// Slow enough to be met in the middle.
const SLOW: &str = "max_rows = 10000\nlock_timeout = \"1s\"\nconnect_timeout = \"3s\"\nanswer_timeout = \"3s\"";

/// Held in the middle of a table for as long as it takes to end the session there, however much else the machine does.
fn held(place: &str) -> Link {
    Link::before(place, Fault::Held, When::Sent(4 << 20), 1)
}

/// The same source, for one that is patient.
fn patient(source: &str) -> String {
    source.replace("answer_timeout = \"3s\"", "answer_timeout = \"120s\"")
}

/// What is said of a server that does not answer.
const SILENT: &str = "the server was asked and has said nothing for 3 s";

/// What is wrong on every server, with a source that is reached at a place.
fn on_the_way(
    faults: &Faults,
    place: &str,
    source: &dyn Fn(&str) -> String,
    lost: &'static str,
    refused: [&'static str; 2],
) {
    let configure = |place: &str| faults.sandbox.file("residuum.toml", source(place));
    let in_the_middle = When::Sent(4 << 20);
    let rows = [
        ("slow", Fault::Slow, When::Sent(0), usize::MAX, Then::Identical),
        ("reset in the middle of a table", Fault::Reset, in_the_middle, 1, Then::Named("unreadable", "big", lost)),
        ("closed in the middle of a table", Fault::Closed, in_the_middle, 1, Then::Named("unreadable", "big", lost)),
        ("silent in the middle of a table", Fault::Silent, in_the_middle, 1, Then::Named("unreadable", "big", SILENT)),
        ("lets in and says nothing", Fault::Silent, When::Sent(0), usize::MAX, Then::Ends(refused[1])),
    ];
    for (name, fault, when, times, then) in rows {
        let link = Link::before(place, fault, when, times);
        configure(&link.place());
        faults.row(name, faults.scan(), then);
        assert!(link.spoilt() > 0, "{name}: it happened");
        configure(place);
        faults.heals();
    }
    faults.sandbox.file("password", "not-the-password\n");
    faults.row("a wrong password", faults.scan(), Then::Ends(refused[0]));
    faults.sandbox.file("password", format!("{PASSWORD}\n"));
    faults.heals();
    configure("127.0.0.1:1");
    faults.row("nobody listens there", faults.scan(), Then::Ends(refused[1]));
    configure(place);
    faults.heals();
}

/// A server that stops to answer ends a verification without a certificate, and an erasure without writing. (It keeps the
/// session that went silent, and its lock, until the network of this test is no more.)
fn nothing_waits_for_ever(
    faults: &Faults,
    place: &str,
    source: &dyn Fn(&str) -> String,
    deleting: &'static str,
    left: &dyn Fn() -> u64,
) {
    let configure = |place: &str| faults.sandbox.file("residuum.toml", source(place));
    let before = left();
    {
        let link = Link::before(place, Fault::Silent, When::Sent(4 << 20), 1);
        configure(&link.place());
        let nobody = ["verify", "--index", "index", "--email", "nobody@example.org", "--certificate", "none.json"];
        faults.sandbox.run(nobody).exits(2).says(SILENT).says("no certificate was made");
        assert!(link.spoilt() > 0 && !faults.sandbox.path("none.json").exists());
    }
    configure(place);
    faults.heals();
    let erase = ["erase", "--index", "index", "--email", "a7@example.com", "--apply"];
    {
        let link = Link::before(place, Fault::Silent, When::Asked(deleting), usize::MAX);
        configure(&link.place());
        // Another attempt may meet the lock that the silent session still has.
        let run = faults.sandbox.run(erase).exits(2);
        assert!(run.stdout.contains(SILENT) || run.stdout.contains("(locked)"), "{}{}", run.stdout, run.stderr);
        assert!(link.spoilt() > 0);
        assert_eq!(left(), before, "nothing was written");
    }
    configure(place);
}

/// A client that holds a lock until it is dropped.
struct Holder(Child);

impl Holder {
    fn new(command: &mut Command, is_held: impl Fn() -> bool) -> Self {
        let holder =
            Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
        while !is_held() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const READING: &str = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'residuum'";

#[test]
fn postgres_fails_as_the_table_says() {
    let Some(database) = Postgres::new("faults", &postgres_tables()) else { return };
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    sandbox.file("residuum.toml", database.source("shop", SLOW));
    let faults = Faults::new("PostgreSQL", sandbox);
    let source = |place: &str| database.source_at("shop", place, SLOW);
    on_the_way(
        &faults,
        database.place(),
        &source,
        "connection lost while reading",
        ["wrong password for", "no connection for"],
    );

    let is_reading = |_: &Child| database.count(&format!("SELECT count(*) {READING} AND query LIKE 'COPY%big%'")) > 0;
    let end = |link: &Link| {
        database.run(&format!("SELECT pg_terminate_backend(pid) {READING} AND query LIKE 'COPY%'"));
        link.release();
    };
    let named = Then::Named("unreadable", "public.big", "connection lost while reading");
    let rows = ["the session that reads is ended", "it is ended, and that of the next scan, too"];
    for (name, is_again) in rows.into_iter().zip([false, true]) {
        let link = held(database.place());
        faults.sandbox.file("residuum.toml", patient(&source(&link.place())));
        let is_held = |child: &Child| link.spoilt() > 0 && is_reading(child);
        let end = || end(&link);
        let run = if is_again { faults.again_and(is_held, end) } else { faults.scan_and(is_held, end) };
        faults.row(name, run, named);
    }
    faults.sandbox.file("residuum.toml", source(database.place()));
    faults.heals();

    let mut psql = Command::new("psql");
    psql.args(["-XAtq", "-d", &format!("postgres://app@{}/{}", database.place(), database.name()), "-c"]);
    psql.arg("BEGIN; LOCK TABLE z IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)");
    let held =
        "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'z'::regclass";
    let holder = Holder::new(&mut psql, || database.count(held) > 0);
    let run = faults.scan();
    drop(holder);
    faults.row("a table is locked", run, Then::Named("unreadable", "public.z", "another session holds a lock on it"));
    database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND datname = current_database()");
    faults.heals();

    let name = database.name();
    database.run(&format!("REVOKE pg_read_all_data FROM {name}; GRANT SELECT ON a, big TO {name}"));
    faults.row(
        "a table without the right to read it",
        faults.scan(),
        Then::Named("unreadable", "public.z", "permission denied"),
    );
    database.run(&format!("GRANT pg_read_all_data TO {name}; GRANT DELETE, UPDATE ON a TO {name}"));
    faults.heals();
    let left = || database.count("SELECT count(*) FROM a");
    nothing_waits_for_ever(&faults, database.place(), &source, "DELETE FROM", &left);
}

#[test]
fn mariadb_fails_as_the_table_says() {
    let Some(database) = MariaDb::new("faults", &mariadb_tables()) else { return };
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    sandbox.file("residuum.toml", database.source("shop", SLOW));
    let faults = Faults::new("MariaDB", sandbox);
    let source = |place: &str| database.source_at("shop", place, SLOW);
    on_the_way(
        &faults,
        database.place(),
        &source,
        "connection lost while reading",
        ["wrong user or password for", "no connection for"],
    );

    let name = database.name();
    let sessions = |filter: &str| {
        let sql = format!("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{name}' {filter}");
        database.run(&sql).lines().map(|id| format!("KILL {id};")).collect::<String>()
    };
    let reading = "AND INFO LIKE 'SELECT SQL_NO_CACHE%big%'";
    let is_reading = |_: &Child| !sessions(reading).is_empty();
    let end = |link: &Link| {
        database.run(&sessions(reading));
        link.release();
    };
    let named = Then::Named("unreadable", ".big", "connection lost while reading");
    {
        let link = held(database.place());
        faults.sandbox.file("residuum.toml", patient(&source(&link.place())));
        let run = faults.scan_and(|child: &Child| link.spoilt() > 0 && is_reading(child), || end(&link));
        faults.row("the session that reads is ended", run, named);
    }
    faults.sandbox.file("residuum.toml", source(database.place()));
    faults.heals();

    let mut holder = Command::new("mariadb");
    let (host, port) = database.place().split_once(':').expect("host and port");
    holder.args([
        "--no-defaults",
        "-h",
        host,
        "-P",
        port,
        "-u",
        "app",
        name,
        "-e",
        "LOCK TABLES z WRITE; SELECT sleep(600)",
    ]);
    let held = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT sleep(600)%'";
    let holder = Holder::new(&mut holder, || database.count(held) > 0);
    let run = faults.scan();
    let sleeping =
        "SELECT concat('KILL ', ID) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT sleep(600)%'";
    database.run(&database.run(sleeping));
    drop(holder);
    faults.row("a table is locked", run, Then::Named("unreadable", ".z", "lock"));
    faults.heals();

    database.run(&format!("REVOKE SELECT ON {name}.* FROM {name}; GRANT SELECT ON {name}.a TO {name}; GRANT SELECT ON {name}.big TO {name}; GRANT INSERT ON {name}.z TO {name}"));
    faults.row("a table without the right to read it", faults.scan(), Then::Rest("GRANT SELECT"));
    database.run(&format!("GRANT SELECT, UPDATE, DELETE ON {name}.* TO {name}"));
    faults.heals();
    let left = || database.count("SELECT count(*) FROM a");
    // Without TLS, so that the network knows what is asked.
    let plain = |place: &str| {
        let url = database.url_at(place);
        source(place).replace(&url, &format!("{url}?ssl-mode=disabled"))
    };
    nothing_waits_for_ever(&faults, database.place(), &plain, "DELETE FROM", &left);
}

/// Scans a server of its own, which is stopped in the middle.
fn stopped(section: &'static str, sandbox: Sandbox, server: Private, source: String, reading: &dyn Fn() -> bool) {
    sandbox.file("residuum.toml", source);
    let faults = Faults::new(section, sandbox);
    let run = faults.scan_and(|_| reading(), || server.stop());
    faults.row("the server is stopped in the middle", run, Then::Rest("connection"));
    let _ = fs::remove_dir_all(faults.sandbox.path("index"));
    faults.sandbox.run(["scan", "--index", "index"]).exits(1).says("no connection for");
}

#[test]
fn a_postgres_that_stops() {
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    let Some(server) = Private::start("postgres", "RESIDUUM_TEST_POSTGRES") else { return };
    let database = Postgres::on(server.url(), "stops", &postgres_tables());
    let query = format!("SELECT count(*) {READING} AND query LIKE 'COPY%big%'");
    let source = database.source("shop", SLOW);
    stopped("PostgreSQL", sandbox, server, source, &|| database.count(&query) > 0);
    std::mem::forget(database);
}

#[test]
fn a_mariadb_that_stops() {
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    let Some(server) = Private::start("mariadb", "RESIDUUM_TEST_MARIADB") else { return };
    let database = MariaDb::on(server.url(), "stops", &mariadb_tables());
    let query = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SQL_NO_CACHE%big%'";
    let source = database.source("shop", SLOW);
    stopped("MariaDB", sandbox, server, source, &|| database.count(query) > 0);
    std::mem::forget(database);
}
