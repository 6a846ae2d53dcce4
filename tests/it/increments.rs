//! An increment finds what a full scan finds, byte for byte, after any edits to any kind of source.
//!
//! The edits are random from a seed, which is printed; `RESIDUUM_TEST_SEED` repeats a run. The usual run makes a few
//! rounds of them, `./test --full` five hundred edits.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::sandbox::Sandbox;
use crate::servers::{MariaDb, Moto, Postgres, Signed, secrets, sqlite};

/// Edits of a round.
const ROUND: u64 = 50;

fn rounds() -> u64 {
    if std::env::var_os("RESIDUUM_TEST_FULL").is_some() { 10 } else { 3 }
}

/// Random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.below(of.len())].clone()) }
    }
}

/// All sources, and the names of what there is in them.
struct World {
    random: Random,
    sandbox: Sandbox,
    postgres: Option<Postgres>,
    mariadb: Option<MariaDb>,
    moto: Option<Moto>,
    signed: Option<Signed>,
    files: BTreeSet<String>,
    keys: [BTreeSet<String>; 2],
    /// Statements for SQLite, PostgreSQL, MariaDB and the database among the files, run at the end of a round.
    sql: [String; 4],
    edits: Vec<String>,
    next: u64,
}

const TABLES: &str = "CREATE TABLE people(id int PRIMARY KEY, email varchar(99), note varchar(200));
     CREATE TABLE loose(email varchar(99), n int);
     INSERT INTO people VALUES (1, 'first@example.com', 'x'), (2, 'second@example.com', '(202) 555-0101'), (3, NULL, NULL);
     INSERT INTO loose VALUES ('loose1@example.com', 1), ('loose2@example.com', 2);\n";

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random(seed),
            sandbox: Sandbox::new(),
            postgres: Postgres::new("increments", TABLES),
            mariadb: MariaDb::new("increments", TABLES),
            moto: Moto::new("increments"),
            signed: Signed::new("increments"),
            files: BTreeSet::new(),
            keys: Default::default(),
            sql: Default::default(),
            edits: Vec::new(),
            next: 1_000,
        };
        secrets(&world.sandbox);
        fs::create_dir_all(world.sandbox.path("data")).expect("a folder can be made");
        for name in ["shop.sqlite", "data/crm.db"] {
            sqlite(&world.sandbox.path(name), TABLES);
        }
        for _ in 0..20 {
            world.edit_files(0);
            world.edit_keys(0, 0);
            world.edit_keys(1, 0);
        }
        let mut config = String::from(
            "[[source]]\nname = \"data\"\nurl = \"data\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n",
        );
        config.extend(world.postgres.as_ref().map(|d| d.source("postgres", "")));
        config.extend(world.mariadb.as_ref().map(|d| d.source("mariadb", "")));
        config.extend(world.moto.as_ref().map(|b| b.source("moto")));
        config.extend(world.signed.as_ref().map(|b| b.source("signed")));
        world.sandbox.file("residuum.toml", config);
        world
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A text that has somebody in it; those of one kind are equally long.
    fn text(&mut self) -> String {
        let n = self.number();
        format!("n,email\n{n},who{n:08}@example.com\n")
    }

    fn edit(&mut self) {
        match self.random.below(8) {
            0..3 => {
                let what = self.random.below(9);
                self.edit_files(what);
            }
            3 => {
                let (which, what) = (self.random.below(2), self.random.below(4));
                self.edit_keys(which, what);
            }
            4 => self.edit_rows(3),
            which => self.edit_rows(which - 5),
        }
    }

    fn edit_rows(&mut self, which: usize) {
        let n = self.number();
        let table = ["people", "loose"][self.random.below(2)];
        let statement = match (self.random.below(9), table) {
            (0..3, "people") => {
                format!("INSERT INTO people VALUES ({n}, 'row{n}@example.com', 'call (202) 555-01{:02}')", n % 100)
            }
            (0..3, _) => format!("INSERT INTO loose VALUES ('row{n}@example.com', {n})"),
            (3..5, _) => format!("UPDATE {table} SET email = 'moved{n}@example.com' WHERE email LIKE '%{}@%'", n % 10),
            (5, _) => format!("DELETE FROM {table} WHERE email LIKE '%{}@%'", self.random.below(100)),
            (6, _) => format!(
                "CREATE TABLE made{n}(id int PRIMARY KEY, mail varchar(99)); INSERT INTO made{n} VALUES (1, 'made{n}@example.com')"
            ),
            (7, _) => format!("DELETE FROM {table}; INSERT INTO loose VALUES ('alone{n}@example.com', 1)"),
            // Two rows change places, and the table keeps its size.
            (_, "people") => "UPDATE people SET id = -id".to_owned(),
            _ => format!("DROP TABLE IF EXISTS made{}", n - self.random.below(40) as u64),
        };
        self.edits.push(format!("{}: {statement}", ["SQLite", "PostgreSQL", "MariaDB", "data/crm.db"][which]));
        writeln!(self.sql[which], "{statement};").expect("a string takes everything");
    }

    fn edit_keys(&mut self, which: usize, what: usize) {
        let known: Vec<_> = self.keys[which].iter().cloned().collect();
        let (text, n) = (self.text(), self.number());
        let put = |world: &Self, key: &str, body: &[u8]| match (which, &world.moto, &world.signed) {
            (0, Some(moto), _) => moto.put(key, body),
            (1, _, Some(signed)) => signed.put(key, body),
            _ => {}
        };
        let said = match (what, self.random.one(&known)) {
            (1..3, Some(key)) => {
                put(self, &key, text.as_bytes());
                format!("put again {key}")
            }
            (3, Some(key)) => {
                match (which, &self.moto, &self.signed) {
                    (0, Some(moto), _) => moto.delete(&key),
                    (1, _, Some(signed)) => signed.delete(&key),
                    _ => {}
                }
                self.keys[which].remove(&key);
                format!("delete {key}")
            }
            _ => {
                let key = format!("f{}/{n}.csv", n % 3);
                put(self, &key, text.as_bytes());
                self.keys[which].insert(key.clone());
                format!("put {key}")
            }
        };
        self.edits.push(format!("{}: {said}", ["moto", "signed"][which]));
    }

    fn edit_files(&mut self, what: usize) {
        let known: Vec<_> = self.files.iter().cloned().collect();
        let (text, n) = (self.text(), self.number());
        let chosen = self.random.one(&known);
        let said = match (what, chosen) {
            (1, Some(name)) => {
                fs::write(self.path(&name), text).expect("a file can be written");
                format!("write again {name}")
            }
            (2, Some(name)) => {
                let mut file = OpenOptions::new().append(true).open(self.path(&name)).expect("it is there");
                file.write_all(format!("{n},added{n}@example.com\n").as_bytes()).expect("a file can be written");
                format!("append to {name}")
            }
            (3, Some(name)) => {
                let new = format!("moved/{n}.csv");
                fs::create_dir_all(self.path("moved")).expect("a folder can be made");
                fs::rename(self.path(&name), self.path(&new)).expect("a file can be renamed");
                self.files.remove(&name);
                self.files.insert(new.clone());
                format!("rename {name} to {new}")
            }
            (4, Some(name)) => {
                fs::remove_file(self.path(&name)).expect("it is there");
                self.files.remove(&name);
                format!("remove {name}")
            }
            (5, Some(name)) => {
                rewrite_unseen(&self.path(&name), n, false);
                format!("other content of the same size and time in {name}")
            }
            (6, Some(name)) => {
                rewrite_unseen(&self.path(&name), n, true);
                format!("another file of the same size and time for {name}")
            }
            (7, _) => {
                let name = format!("pack{}.tar.gz", n % 3);
                archive(&self.path(&name), &text, n);
                format!("archive {name}")
            }
            (8, Some(name)) => {
                // Two files change places: each has a size and a time that the index knows.
                let other = self.random.one(&known).expect("there is one");
                if other != name {
                    fs::rename(self.path(&name), self.path("swap")).expect("a file can be renamed");
                    fs::rename(self.path(&other), self.path(&name)).expect("a file can be renamed");
                    fs::rename(self.path("swap"), self.path(&other)).expect("a file can be renamed");
                }
                format!("swap {name} and {other}")
            }
            _ => {
                let name = format!("part{}/{n}.csv", n % 4);
                self.sandbox.file(format!("data/{name}"), text);
                self.files.insert(name.clone());
                format!("write {name}")
            }
        };
        self.edits.push(format!("files: {said}"));
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.sandbox.path(format!("data/{name}"))
    }

    /// Makes a round's edits.
    fn round(&mut self) {
        self.edits.clear();
        (0..ROUND).for_each(|_| self.edit());
        let [lite, postgres, mariadb, among_files] = std::mem::take(&mut self.sql);
        sqlite(&self.sandbox.path("shop.sqlite"), &lite);
        sqlite(&self.sandbox.path("data/crm.db"), &among_files);
        self.postgres.iter().for_each(|database| drop(database.run(&postgres)));
        self.mariadb.iter().for_each(|database| drop(database.run(&mariadb)));
    }

    /// What a scan into an index leaves there.
    fn scanned(&self, index: &str) -> (String, serde_json::Value) {
        self.sandbox.run(["scan", "--index", index, "--quiet"]).exits(0);
        let findings = self.sandbox.run(["findings", "--index", index, "--format", "jsonl"]).exits(0).stdout;
        let report = self.sandbox.run(["report", "--index", index, "--format", "json"]).exits(0).json();
        (findings, report)
    }
}

/// Puts other content of the same size in a file's place, and sets its time back.
fn rewrite_unseen(path: &Path, n: u64, by_another: bool) {
    let before = fs::metadata(path).expect("it is there");
    let mut content = format!("sly{n:08}@example.com\n").into_bytes();
    content.resize(before.len() as usize, b'.');
    let target = if by_another { path.with_extension("new") } else { path.to_owned() };
    fs::write(&target, &content).expect("a file can be written");
    let times = FileTimes::new().set_modified(before.modified().expect("it has one"));
    File::options().write(true).open(&target).and_then(|file| file.set_times(times)).expect("times can be set");
    fs::rename(&target, path).expect("a file can be renamed");
    let after = fs::metadata(path).expect("it is there");
    assert_eq!((before.len(), before.modified().ok()), (after.len(), after.modified().ok()));
}

/// A compressed archive with a member that is always there and one that is not.
fn archive(path: &Path, text: &str, n: u64) {
    let out =
        flate2::write::GzEncoder::new(File::create(path).expect("a file can be made"), flate2::Compression::fast());
    let mut out = tar::Builder::new(out);
    for name in ["people.csv".to_owned(), format!("member{}.csv", n % 5)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        out.append_data(&mut header, name, text.as_bytes()).expect("it is written");
    }
    out.into_inner().and_then(flate2::write::GzEncoder::finish).expect("it ends");
}

#[test]
fn an_increment_finds_what_a_full_scan_finds() {
    let given = std::env::var("RESIDUUM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    let mut world = World::new(seed);
    world.scanned("index");
    let servers = [world.postgres.is_some(), world.mariadb.is_some(), world.moto.is_some(), world.signed.is_some()];
    let least = if servers.iter().all(|is_there| *is_there) { 50 } else { 20 }; // files and SQLite hold less alone
    for round in 0..rounds() {
        world.round();
        let (found, report) = world.scanned("index");
        let fresh = format!("fresh{round}");
        let (expected, fresh_report) = world.scanned(&fresh);
        let told = || format!("RESIDUUM_TEST_SEED={seed}, round {round}, after\n{}", world.edits.join("\n"));
        if found != expected {
            let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) = (found.lines().collect(), expected.lines().collect());
            let only = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| {
                a.difference(b).take(5).copied().collect::<Vec<_>>().join("\n")
            };
            let (more, less) = (only(&ours, &theirs), only(&theirs, &ours));
            panic!("only in the increment:\n{more}\nonly in a full scan:\n{less}\n{}", told());
        }
        for part in ["coverage", "complete", "sources", "fields", "ledger"] {
            assert_eq!(report[part], fresh_report[part], "`{part}` of the report: {}", told());
        }
        assert!(found.lines().count() > least, "there is something to be found: {}", told());
        fs::remove_dir_all(world.sandbox.path(fresh)).expect("an index can be removed");
    }
}

#[test]
fn a_scan_of_a_part_notices_what_is_gone_from_it() {
    let sandbox = Sandbox::new();
    for name in ["a.csv", "b.csv", "c.csv"] {
        sandbox.file(format!("data/{name}"), format!("id,email\n1,{}@example.com\n", &name[..1]));
    }
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    for name in ["b.csv", "c.csv"] {
        fs::remove_file(sandbox.path(format!("data/{name}"))).expect("it is there");
    }
    sandbox.run(["scan", "data", "--quiet", "--include", "b.csv"]).exits(0);
    let findings = sandbox.run(["findings", "--format", "jsonl"]).exits(0).lines();
    let objects: Vec<_> = findings.iter().map(|finding| finding["object"].as_str().unwrap_or_default()).collect();
    assert_eq!(objects, ["a.csv"], "what the listing has no more is gone, whatever the scan is about");
}
