//! What stands inside of something else: databases among files, members of archives, content packed into values.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::sandbox::Sandbox;

fn sqlite(sandbox: &Sandbox, file: &str, sql: &str) {
    let made = Command::new("sqlite3").arg(sandbox.path(file)).arg(sql).output().expect("sqlite3 is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

const PEOPLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT);
     CREATE VIEW addresses AS SELECT email FROM people;
     INSERT INTO people VALUES (7, 'jane@example.com'), (8, 'kim@example.com');";

/// The object of each finding.
fn objects(sandbox: &Sandbox) -> Vec<String> {
    let lines = sandbox.run(["findings", "--format", "jsonl"]).lines();
    lines.iter().map(|line| line["object"].as_str().expect("a name").to_owned()).collect()
}

/// A database that a copy cut off is named as what it is, not as one inside of something.
#[test]
fn a_database_that_was_cut_off_is_said_to_be() {
    let sandbox = Sandbox::new();
    sqlite(&sandbox, "whole.sqlite", PEOPLE);
    let whole = std::fs::read(sandbox.path("whole.sqlite")).expect("it was made");
    for length in [50, 5000] {
        sandbox.file("data/half.sqlite", &whole[..length]);
        let ran = sandbox.run(["scan", "data", "--index", &format!("i{length}")]).exits(2);
        ran.says("`half.sqlite` is unreadable: it is a SQLite database that was cut off").never_says("inside of");
    }
}

#[test]
fn a_database_among_files_is_read_table_by_table() {
    let sandbox = Sandbox::new();
    sandbox.file("data/note.txt", "call kim@example.com");
    sqlite(&sandbox, "data/crm.db", PEOPLE);
    // Of a writer that was killed: what it wrote stands in the log only.
    sqlite(&sandbox, "live.db", PEOPLE);
    let script = "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;\n\
                  INSERT INTO people VALUES (9, 'lee@example.com');\n.system cp live.db live.db-wal data/\n";
    sandbox.file("script", script);
    let made = Command::new("sqlite3").args(["live.db", ".read script"]).current_dir(sandbox.path("")).status();
    assert!(made.expect("sqlite3 is installed").success());
    assert!(fs::metadata(sandbox.path("data/live.db-wal")).expect("it was copied").len() > 0);
    let before = fs::read(sandbox.path("data/live.db-wal")).expect("it can be read");

    sandbox.run(["scan", "data"]).exits(0);
    let found: Vec<_> = objects(&sandbox).into_iter().filter(|object| object.contains('!')).collect();
    assert_eq!(found, [["crm.db!people"; 2].as_slice(), &["live.db!people"; 3]].concat());
    sandbox.run(["find", "--email", "lee@example.com"]).exits(0).prints("live.db!people");
    sandbox.run(["report", "--format", "json"]).exits(0).prints("\"derived\": 3"); // two views and the log
    assert_eq!(fs::read(sandbox.path("data/live.db-wal")).expect("it can be read"), before, "nothing is written");

    sandbox.run(["scan", "data"]).exits(0).prints("had not changed");
    sqlite(&sandbox, "data/crm.db", "INSERT INTO people VALUES (10, 'max@example.com')");
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["find", "--email", "max@example.com"]).exits(0).prints("crm.db!people");

    fs::write(sandbox.path("data/crm.db"), [b"SQLite format 3\0".as_slice(), &[0; 1008]].concat()).expect("it can be");
    sandbox.run(["scan", "data"]).exits(2).prints("crm.db");
}

#[test]
fn members_of_one_name_are_objects_of_their_own() {
    let sandbox = Sandbox::new();
    let mut out = tar::Builder::new(Vec::new());
    for who in ["jane", "kim"] {
        let text = format!("write to {who}@example.com\n");
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        out.append_data(&mut header, "note.txt", text.as_bytes()).expect("memory takes everything");
    }
    sandbox.file("data/notes.tar", out.into_inner().expect("as above"));
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["find", "--email", "jane@example.com"]).exits(0).prints("notes.tar!note.txt ");
    sandbox.run(["find", "--email", "kim@example.com"]).exits(0).prints("notes.tar!note.txt#2");
}

#[test]
fn links_out_of_a_tree_are_named_or_followed() {
    let sandbox = Sandbox::new();
    sandbox.file("data/note.txt", "call kim@example.com");
    sandbox.file("elsewhere/far.txt", "call jane@example.com");
    symlink(sandbox.path("elsewhere"), sandbox.path("data/out")).expect("a link can be made");
    sandbox.run(["scan", "data"]).exits(2).prints("a symbolic link out of this source").prints("follow_symlinks");
    sandbox.file("residuum.toml", "[[source]]\nname = \"all\"\nurl = \"data\"\nfollow_symlinks = true\n");
    sandbox.run(["scan", "--index", "followed"]).exits(0);
    sandbox.run(["find", "--index", "followed", "--email", "jane@example.com"]).exits(0).prints("out/far.txt");
}

#[test]
fn packed_values_that_are_not_searched_to_their_end_are_told() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let sandbox = Sandbox::new();
    let pack = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut out, bytes).expect("memory takes everything");
        STANDARD.encode(out.finish().expect("as above"))
    };
    let whole = pack(b"write to jane@example.com, please");
    let bomb = pack(&vec![b' '; 40 << 20]);
    sandbox.file("data/whole.txt", format!("payload={whole} end\n"));
    sandbox.run(["scan", "data"]).exits(0);
    sandbox.run(["find", "--email", "jane@example.com"]).exits(0);
    sandbox.run(["detect", "data/whole.txt"]).exits(0);
    sandbox.file("data/bomb.txt", format!("payload={bomb} end\n"));
    sandbox.run(["scan", "data"]).exits(2).prints("bomb.txt").prints("not searched to their end");
    sandbox.run(["detect", "data/bomb.txt"]).exits(2).says("not searched to their end");
    let line = serde_json::json!({"id": 1, "text": format!("payload={bomb} end")}).to_string();
    sandbox.run_on(line, ["detect", "--input", "jsonl", "-"]).exits(2).says("line 1").says("not searched to their end");
}

/// The keys that a database among files declares lead from a person to what is theirs.
#[test]
fn keys_of_a_database_among_files_are_followed() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("data")).expect("it is made");
    sqlite(
        &sandbox,
        "data/shop.db",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT); \
         CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users(id)); \
         INSERT INTO users VALUES (1, 'ann@example.com'), (2, 'bob@example.com'); INSERT INTO orders VALUES (10, 1), (11, 2)",
    );
    sandbox.run(["scan", "data"]).exits(0);
    let found = sandbox.run(["find", "--email", "ann@example.com", "--format", "jsonl"]).exits(0).lines();
    let mut objects: Vec<_> = found.iter().map(|line| line["object"].as_str().expect("a name")).collect();
    objects.sort_unstable();
    assert_eq!(objects, ["shop.db!orders", "shop.db!users"]);
}
