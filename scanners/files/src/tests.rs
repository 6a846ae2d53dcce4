//! A directory of every format, made by other programs, and everything a file system can hold.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{Batch, Coverage, Flow, Limits, Object, Outcome, Part, Range, Sink, Source, SourceError, Unit};

use crate::{Files, Options, TableFormat, table_format};

/// Writes a tree with Python's own modules and says so if there is no Python.
const PYTHON: &str = r#"
import bz2, csv, gzip, io, json, tarfile, zipfile
people = [(i, f"Ann {i}", f"person{i}@example.com", 'says "hi",\nand more') for i in range(1, 301)]
def sheet(delimiter=","):
    out = io.StringIO()
    w = csv.writer(out, delimiter=delimiter)
    w.writerow(["id", "name", "email", "note"])
    w.writerows(people)
    return out.getvalue()
open("people.csv", "w", newline="").write(sheet())
open("people.tsv", "w", newline="").write(sheet("\t"))
open("utf16.csv", "w", newline="", encoding="utf-16").write(sheet(";"))
open("latin1.csv", "w", newline="", encoding="latin-1").write("id;name;email\n1;José Núñez;jose@example.com\n2;Zoë;zoe@example.com\n")
open("people.jsonl", "w").write("".join(json.dumps({"id": i, "contact": {"email": e}}) + "\n" for i, n, e, t in people))
open("app.log", "w").write("".join(f"2024-05-01T12:00:00Z INFO login {e}\n" for i, n, e, t in people))
gzip.open("people.csv.gz", "wt", newline="").write(sheet())
bz2.open("people.csv.bz2", "wt", newline="").write(sheet())
with zipfile.ZipFile("exports.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("crm/people.csv", sheet())
    z.writestr("empty/", "")
    z.writestr("readme.txt", "call person1@example.com\n")
inner = open("exports.zip", "rb").read()
with tarfile.open("all.tar.gz", "w:gz") as t:
    for name, data in (("a/exports.zip", inner), ("b/" + "long" * 40 + ".csv", sheet().encode())):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
open("cut.csv.gz", "wb").write(open("people.csv.gz", "rb").read()[:-200])
open("report.arrow", "wb").write(b"ARROW1" + bytes(64))
open("empty.csv", "w")
"#;

fn run(dir: &Path, program: &str, args: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(program).args(args).current_dir(dir).stdin(Stdio::null()).output().ok()?;
    assert!(output.status.success(), "`{program}`: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn a_tree_of_every_format_conforms() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "python3", &["-c", PYTHON]).expect("this test needs `python3`");
    let mut expected = Expected::new()
        .object("people.csv", 300)
        .object("people.tsv", 300)
        .object("utf16.csv", 300)
        .object("latin1.csv", 2)
        .object("people.jsonl", 300)
        .object("app.log", 300)
        .object("people.csv.gz!people.csv", 300)
        .object("people.csv.bz2!people.csv", 300)
        .object("exports.zip!crm/people.csv", 300)
        .object("exports.zip!readme.txt", 1)
        .object("all.tar.gz!all.tar!a/exports.zip!crm/people.csv", 300)
        .object(&format!("all.tar.gz!all.tar!b/{}.csv", "long".repeat(40)), 300)
        .object("empty.csv", 0)
        .not_read("cut.csv.gz!people.csv", Coverage::Unreadable)
        .not_read("report.arrow", Coverage::Unsupported)
        .value("people.csv", "email", "person300@example.com")
        .value("people.csv", "note", "says \"hi\",\nand more")
        .value("utf16.csv", "email", "person300@example.com")
        .value("latin1.csv", "name", "José Núñez")
        .value("people.jsonl", "contact.email", "person300@example.com")
        .value("app.log", "", "person300@example.com")
        .value("all.tar.gz!all.tar!a/exports.zip!crm/people.csv", "email", "person7@example.com");
    let sql = "create table people(id integer primary key, email text); \
               insert into people values(1,'it''s@example.com'),(2,'b@example.com');";
    if run(dir.path(), "sqlite3", &["people.db", sql]).is_some() {
        let dump = run(dir.path(), "sqlite3", &["people.db", ".dump"]).expect("it ran before");
        fs::write(dir.path().join("people.sql"), dump).unwrap();
        expected = expected
            .value("people.sql", "people.email", "it's@example.com")
            .not_read("people.db", Coverage::Unsupported);
    }
    for (program, suffix, options) in [("zstd", "zst", "-qk"), ("xz", "xz", "-qk"), ("lz4", "lz4", "-qkm")] {
        if run(dir.path(), program, &[options, "people.csv"]).is_some() {
            expected = expected.object(&format!("people.csv.{suffix}!people.csv"), 300);
        }
    }
    let files = Files::new("tree", dir.path()).unwrap();
    conformance::check(&files, &expected);
}

fn list(files: &Files) -> Vec<Object> {
    let mut objects = Vec::new();
    files
        .list(&mut |object| {
            objects.push(object);
            Flow::Continue(())
        })
        .unwrap();
    objects
}

fn state(objects: &[Object], name: &str) -> Option<Coverage> {
    let object = objects.iter().find(|o| o.path.as_str() == name);
    object.unwrap_or_else(|| panic!("`{name}` is listed")).not_read.as_ref().map(|(state, _)| *state)
}

#[test]
fn whatever_a_directory_holds_is_listed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("far.txt"), "x").unwrap();
    symlink(outside.path(), outside.path().join("again")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("a/b")).unwrap();
    fs::write(at("a/b/file.txt"), "x").unwrap();
    fs::write(at("50%!.txt"), "x").unwrap();
    fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    symlink(at("a/b/file.txt"), at("inner")).unwrap();
    symlink(dir.path(), at("a/loop")).unwrap();
    symlink("self", at("self")).unwrap();
    symlink("nowhere", at("broken")).unwrap();
    symlink(outside.path(), at("outer")).unwrap();
    run(dir.path(), "mkfifo", &["pipe"]).expect("`mkfifo` is there");
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();

    let files = Files::new("tree", dir.path()).unwrap();
    let objects = list(&files);
    let names: Vec<_> = objects.iter().map(|o| o.path.as_str()).collect();
    let expected =
        ["50%25%21.txt", "a/b/file.txt", "a/loop", "broken", "caf%E9.txt", "inner", "outer", "pipe", "self", "socket"];
    assert_eq!(names, expected);
    for (name, expected) in [
        ("a/b/file.txt", None),
        ("caf%E9.txt", None),
        ("inner", Some(Coverage::Derived)),
        ("a/loop", Some(Coverage::Derived)),
        ("self", Some(Coverage::Derived)),
        ("broken", Some(Coverage::Derived)),
        ("outer", Some(Coverage::Unsupported)),
        ("pipe", Some(Coverage::Unsupported)),
        ("socket", Some(Coverage::Unsupported)),
    ] {
        assert_eq!(state(&objects, name), expected, "{name}");
    }
    let unit = conformance::whole(&files, "caf%E9.txt");
    assert_eq!(Collect::unit(&files, &unit, &Limits::default()).unwrap().records("caf%E9.txt"), 1);
    assert!(files.check().unwrap().problems.iter().any(|p| p.contains("`pipe`")));

    let following = list(&files.with_options(Options { follow_symlinks: true }));
    assert_eq!(state(&following, "outer/far.txt"), None);
    assert_eq!(state(&following, "outer/again"), Some(Coverage::Derived), "a loop outside ends, too");
}

#[test]
fn one_file_is_a_source_and_nothing_is_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
    let files = Files::new("a", &dir.path().join("a.txt")).unwrap();
    conformance::check(&files, &Expected::new().object("a.txt", 2).value("a.txt", "", "two"));
    let error = Files::new("b", &dir.path().join("missing")).unwrap_err();
    assert!(matches!(error, SourceError::Config { .. }) && error.to_string().contains("there is no file or directory"));
}

#[test]
fn many_objects_of_a_unit_are_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..9 {
        fs::write(dir.path().join(format!("{i}.txt")), "x\n").unwrap();
    }
    let files = Files::new("tree", dir.path()).unwrap();
    let unit = Unit { objects: list(&files), range: Range::Whole };
    fs::remove_file(dir.path().join("4.txt")).unwrap();
    let read = Collect::unit(&files, &unit, &Limits::default()).unwrap();
    let closed: Vec<_> = read.closed.iter().map(|(p, o)| (p.path.as_str().to_owned(), o.coverage)).collect();
    assert_eq!(closed.len(), 9);
    assert_eq!(closed[4], ("4.txt".to_owned(), Coverage::Unreadable), "what is gone is named");
    assert!(
        closed
            .iter()
            .enumerate()
            .all(|(i, (name, state))| i == 4 || (*name == format!("{i}.txt") && *state == Coverage::Read))
    );
}

/// Does something to a file when its first batch comes.
struct Meddle<'f> {
    act: Option<&'f dyn Fn()>,
    outcome: Option<Outcome>,
}

impl Sink for Meddle<'_> {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }
    fn batch(&mut self, _: Batch) -> Flow {
        if let Some(act) = self.act.take() {
            act();
        }
        Flow::Continue(())
    }
    fn close(&mut self, outcome: Outcome) -> Flow {
        self.outcome = Some(outcome);
        Flow::Continue(())
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.txt");
    type Case<'c> = (&'c str, &'c dyn Fn(), Option<&'c str>);
    let cases: [Case<'_>; 4] = [
        ("untouched", &|| {}, None),
        ("grown", &|| fs::write(&path, "y\n".repeat(9_000)).unwrap(), Some("it changed while it was read")),
        ("shortened", &|| fs::write(&path, "").unwrap(), Some("it changed while it was read")),
        ("removed", &|| fs::remove_file(&path).unwrap(), Some("it was removed while it was read")),
    ];
    for (name, act, reason) in cases {
        fs::write(&path, "x\n".repeat(4_000)).unwrap();
        let files = Files::new("tree", dir.path()).unwrap();
        let unit = conformance::whole(&files, "a.txt");
        let mut sink = Meddle { act: Some(act), outcome: None };
        files.read(&unit, &Limits { batch_bytes: 1_000, ..Limits::default() }, &mut sink).unwrap();
        let outcome = sink.outcome.unwrap();
        assert_eq!(outcome.coverage == Coverage::Read, reason.is_none(), "{name}");
        assert!(outcome.reason.unwrap_or_default().starts_with(reason.unwrap_or_default()), "{name}");
    }
}

#[test]
fn versions_change_with_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.txt");
    fs::write(&path, "one").unwrap();
    let files = Files::new("tree", dir.path()).unwrap();
    let before = list(&files)[0].version.clone();
    assert_eq!(list(&files)[0].version, before);
    assert!(before.sound);
    fs::remove_file(&path).unwrap();
    fs::write(dir.path().join("other"), "").unwrap();
    fs::write(&path, "two").unwrap();
    assert_ne!(list(&files)[0].version, before);
}

#[test]
fn tables_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (path, content) in [
        ("sales/_delta_log/00000000000000000000.json", "{}"),
        ("sales/part-0.parquet", "x"),
        ("lake/metadata/v1.metadata.json", "{}"),
        ("lake/data/part-0.parquet", "x"),
        ("plain/metadata/readme.txt", "x"),
    ] {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), content).unwrap();
    }
    assert_eq!(table_format(&at("sales")), Some(TableFormat::Delta));
    assert_eq!(table_format(&at("lake")), Some(TableFormat::Iceberg));
    assert_eq!(table_format(&at("plain")), None);
    let files = Files::new("tree", dir.path()).unwrap();
    let part = residuum_source::ObjectPath::from_bytes(b"lake/data/part-0.parquet");
    assert_eq!(files.table_of(&part), Some(TableFormat::Iceberg));
    let notes = files.check().unwrap().notes;
    assert!(notes.iter().any(|note| note.starts_with("`sales` is a Delta table")), "{notes:?}");
}
