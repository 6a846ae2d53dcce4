//! A scan that ends early while its source changes, or for want of room, and what the next one makes of it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::link::{Fault, Link, When};
use crate::sandbox::{Run, Sandbox};
use crate::servers::{MariaDb, Postgres, secrets};

/// Tables of so many rows each.
const TABLES: usize = 6;
const ROWS: usize = 1_500;

/// How a scan is ended.
#[derive(Clone, Copy, Debug)]
enum End {
    Killed,
    CtrlC,
}

/// Statements that make the tables; `series` is how the server counts.
fn tables(series: &str) -> String {
    let table = |i| {
        format!(
            "CREATE TABLE t{i}(id int PRIMARY KEY, email varchar(99));
             INSERT INTO t{i} SELECT n, concat('before', n, 't{i}@example.com') FROM {series};\n"
        )
    };
    (0..TABLES).map(table).collect()
}

/// Every row is another one, some are gone and some are new.
fn changes() -> String {
    let change = |i| {
        format!(
            "UPDATE t{i} SET email = concat('after', id, 't{i}@example.com'); DELETE FROM t{i} WHERE id <= 10;
             INSERT INTO t{i} VALUES (0, 'new0t{i}@example.com'), (99999, 'new9t{i}@example.com');\n"
        )
    };
    (0..TABLES).map(change).collect()
}

/// Starts a scan and waits until something of it is in the index.
fn begun(sandbox: &Sandbox) -> (Command, Child, u64) {
    let mut command = sandbox.command(["scan", "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    loop {
        let report = sandbox.run(["report", "--format", "json"]);
        let objects =
            if report.stdout.is_empty() { 0 } else { report.json()["coverage"]["read"].as_u64().unwrap_or(0) };
        if objects > 0 {
            assert!(child.try_wait().expect("it is our child").is_none(), "the scan had time to end");
            return (command, child, objects);
        }
        assert!(child.try_wait().expect("it is our child").is_none(), "the scan ended before it was interrupted");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn interrupted(how: End, source: &dyn Fn(&str) -> String, run: &dyn Fn(&str) -> String) {
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    // Slow enough that something is committed long before the end.
    sandbox.file("residuum.toml", source("max_rows = 1000"));
    let (command, mut child, objects) = begun(&sandbox);
    assert!(objects < TABLES as u64, "it is in its middle");
    match how {
        End::Killed => child.kill().expect("it can be killed"),
        End::CtrlC => {
            let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
            assert!(sent.expect("a shell is there").success());
        }
    }
    let ended = Run::new(&command, child.wait_with_output().expect("it ends"));
    if let End::CtrlC = how {
        ended.exits(2).says("interrupted: what was finished is in the index");
    }
    let cut = sandbox.run(["report", "--format", "json"]).exits(2).json();
    assert_eq!(cut["complete"], false, "{how:?}: a scan that was cut short is not complete");
    run(&changes());
    sandbox.file("residuum.toml", source(""));
    sandbox.run(["scan"]).exits(0);
    let report = sandbox.run(["report", "--format", "json"]).exits(0).json();
    assert_eq!(report["coverage"]["read"], TABLES as u64);
    let again = report["changes"]["read_again"].as_array().map(Vec::len);
    assert_eq!(again, Some(TABLES), "{how:?}: the ledger says that every table was read again: {}", report["changes"]);

    let found = sandbox.run(["findings", "--format", "jsonl"]).exits(0).stdout;
    sandbox.run(["scan", "--index", "fresh"]).exits(0);
    let fresh = sandbox.run(["findings", "--index", "fresh", "--format", "jsonl"]).exits(0).stdout;
    assert!(found == fresh, "{how:?}: nothing of the final state is missed, and nothing of another is kept");
    assert_eq!(fresh.matches("\"EMAIL\"").count(), TABLES * (ROWS - 10 + 2));
    sandbox.run(["find", "--email", "new9t3@example.com"]).exits(0);
    sandbox.run(["find", "--email", &format!("after{ROWS}t5@example.com")]).exits(0);
    sandbox.run(["find", "--email", &format!("before{ROWS}t0@example.com")]).exits(3);
}

#[test]
fn interrupted_over_postgres_that_changes() {
    let Some(database) = Postgres::new("interrupted", &tables(&format!("generate_series(1, {ROWS}) n"))) else {
        return;
    };
    for how in [End::Killed, End::CtrlC] {
        database.run(&reset(&format!("generate_series(1, {ROWS}) n")));
        interrupted(how, &|more| database.source("shop", more), &|sql| database.run(sql));
    }
}

#[test]
fn interrupted_over_mariadb_that_changes() {
    let series = format!("(SELECT seq AS n FROM seq_1_to_{ROWS}) s");
    let Some(database) = MariaDb::new("interrupted", &tables(&series)) else { return };
    for how in [End::Killed, End::CtrlC] {
        database.run(&reset(&series));
        interrupted(how, &|more| database.source("shop", more), &|sql| database.run(sql));
    }
}

/// Statements that put the tables back as they were made.
fn reset(series: &str) -> String {
    (0..TABLES).map(|i| format!("DROP TABLE t{i};\n")).collect::<String>() + &tables(series)
}

/// A file system of a size, mounted as long as the test runs.
struct Small(PathBuf);

impl Small {
    /// `None` if this user may not mount one.
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&path).expect("a folder can be made");
        let mut mount = Command::new("mount");
        let status = mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&path);
        let is_mounted = status.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        is_mounted.then_some(Self(path))
    }

    fn resize(&self, size: &str) {
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &format!("remount,size={size}")]).arg(&self.0).status();
        assert!(status.expect("mount is installed").success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_named_and_room_is_all_it_takes() {
    let sandbox = Sandbox::new();
    let Some(small) = Small::mount(sandbox.path("small"), "1m") else {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: a full disk: only root may mount one\n");
        return;
    };
    for i in 0..12 {
        let rows: String =
            (0..4_000).map(|j| format!("{j},person{i}.{j}@example.com,198.51.100.{}\n", j % 250)).collect();
        sandbox.file(format!("data/f{i:02}.csv"), format!("id,email,ip\n{rows}"));
    }
    sandbox.run(["scan", "data", "--index", "whole"]).exits(0);
    let whole = sandbox.run(["findings", "--index", "whole", "--format", "jsonl"]).exits(0).stdout;
    for _ in 0..2 {
        let full = sandbox.run(["scan", "data", "--index", "small/index"]).exits(1);
        full.says("no space left while writing `small/index/").says("make room");
        sandbox.run(["index", "check", "--index", "small/index"]).exits(0);
        sandbox.run(["report", "--index", "small/index"]).exits(2);
    }
    small.resize("64m");
    sandbox.run(["scan", "data", "--index", "small/index"]).exits(0);
    let found = sandbox.run(["findings", "--index", "small/index", "--format", "jsonl"]).exits(0).stdout;
    assert!(found == whole, "with room again the same scan ends, and nothing is missed");
    sandbox.run(["index", "check", "--index", "small/index"]).exits(0);
}

/// A server that says nothing, for which ten minutes are waited, does not hold up who wants it to end.
fn silent(place: &str, source: &dyn Fn(&str) -> String) {
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    let link = Link::before(place, Fault::Silent, When::Sent(40 << 10), usize::MAX);
    sandbox.file("residuum.toml", source(&link.place()));
    let mut command = sandbox.command(["scan", "--jobs", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    while link.spoilt() == 0 {
        assert!(child.try_wait().expect("it is our child").is_none(), "the scan ended before the server was silent");
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(sent.expect("a shell is there").success());
    for _ in 0..1_000 {
        match child.try_wait().expect("it is our child") {
            Some(_) => break,
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    let _ = child.kill(); // a scan that waits still has no exit code
    let ended = Run::new(&command, child.wait_with_output().expect("it has ended"));
    ended.exits(2).says("interrupted: what was finished is in the index");
    drop(link);
    sandbox.file("residuum.toml", source(place));
    sandbox.run(["scan"]).exits(0);
    let findings = sandbox.run(["findings", "--type", "EMAIL", "--format", "jsonl"]).exits(0).lines();
    assert_eq!(findings.len(), TABLES * ROWS);
}

#[test]
fn ctrl_c_does_not_wait_for_a_silent_postgresql() {
    let Some(database) = Postgres::new("silent", &tables(&format!("generate_series(1, {ROWS}) n"))) else {
        return;
    };
    silent(database.place(), &|place| database.source_at("db", place, ""));
}

#[test]
fn ctrl_c_does_not_wait_for_a_silent_mariadb() {
    let Some(database) = MariaDb::new("silent", &tables(&format!("(SELECT seq AS n FROM seq_1_to_{ROWS}) s"))) else {
        return;
    };
    silent(database.place(), &|place| database.source_at("db", place, ""));
}
