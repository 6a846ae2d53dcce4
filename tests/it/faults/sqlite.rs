//! SQLite files that somebody writes to, and damaged ones.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Faults, Then};
use crate::sandbox::Sandbox;
use crate::servers::sqlite;

/// A large table between two small ones.
const SQL: &str = "CREATE TABLE a(id INTEGER PRIMARY KEY, email TEXT); CREATE TABLE big(id INTEGER PRIMARY KEY, email TEXT, note TEXT);
     CREATE TABLE z(id INTEGER PRIMARY KEY, email TEXT);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
     INSERT INTO big SELECT i, 'big' || i || '@example.com', hex(zeroblob(100)) FROM n;
     INSERT INTO a SELECT id, 'a' || id || '@example.com' FROM big WHERE id < 40;
     INSERT INTO z SELECT id, 'z' || id || '@example.com' FROM big WHERE id < 40;";

#[test]
fn sqlite_fails_as_the_table_says() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("shop.sqlite");
    sqlite(&path, SQL);
    sandbox.file("residuum.toml", "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    let faults = Faults::new("SQLite", sandbox);
    let whole = fs::read(&path).expect("it is there");

    let mut writer = Command::new("sqlite3");
    let mut writer =
        writer.arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sqlite3 is installed");
    let mut says = writer.stdin.take().expect("it is piped");
    writeln!(says, "BEGIN EXCLUSIVE; SELECT 'locked';").expect("it reads");
    let mut answer = [0; 7];
    std::io::Read::read_exact(writer.stdout.as_mut().expect("it is piped"), &mut answer).expect("it answers");
    let run = faults.scan();
    drop(says);
    writer.wait().expect("it ends");
    faults.row(
        "locked by a writer for longer than 5 s",
        run,
        Then::Ends("locked by another program for longer than 5 seconds"),
    );
    faults.heals();

    let mut damaged = whole.clone();
    let middle = damaged.len() / 4096 / 2;
    damaged[middle * 4096..(middle + 2) * 4096].fill(0xee);
    fs::write(&path, damaged).expect("it can be written");
    faults.row("damaged pages", faults.scan(), Then::Named("unreadable", "main.big", "the database is damaged here"));
    assert!(super::findings(&faults.sandbox, "index").contains("main.big"), "what comes before is found");
    fs::write(&path, &whole).expect("it can be written");
    faults.heals();

    fs::write(&path, &whole[..whole.len() / 2]).expect("it can be written");
    faults.row("cut off", faults.scan(), Then::Ends("the database is damaged here"));
    fs::write(&path, &whole).expect("it can be written");
    faults.heals();

    fs::write(&path, [0x5a; 8192]).expect("it can be written");
    faults.row("encrypted, or something else", faults.scan(), Then::Ends("not a SQLite database, or an encrypted one"));
    fs::write(&path, &whole).expect("it can be written");
    faults.heals();
}

/// A writer that was killed leaves a log, with what it wrote nowhere else.
#[test]
fn a_log_without_its_writer_is_read() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("shop.sqlite");
    sqlite(&path, SQL);
    sqlite(&path, "INSERT INTO z VALUES (99, 'logged@example.com')");
    sandbox.file("residuum.toml", "[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n");
    let faults = Faults::new("SQLite", sandbox);
    sqlite(&path, "DELETE FROM z WHERE id = 99");
    let script = "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;\nINSERT INTO z VALUES (99, 'logged@example.com');\n\
                  .system mkdir live && cp shop.sqlite shop.sqlite-wal live/\n";
    faults.sandbox.file("script", script);
    let made =
        Command::new("sqlite3").args(["shop.sqlite", ".read script"]).current_dir(faults.sandbox.path("")).output();
    assert!(made.expect("sqlite3 is installed").status.success());
    for name in ["shop.sqlite", "shop.sqlite-wal"] {
        fs::rename(faults.sandbox.path("live").join(name), faults.sandbox.path(name)).expect("it was copied");
    }
    assert!(fs::metadata(faults.sandbox.path("shop.sqlite-wal")).expect("it is there").len() > 0);
    faults.row("a write-ahead log that nobody has written back", faults.scan(), Then::Identical);
}
