//! Files that are edited, killed meanwhile, changed by others, or not to be written at all.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use residuum_source::conformance::{Collect, Edits, check_apply};
use residuum_source::{
    Action, Apply, Batch, Change, Editor, Fetch, Limits, NewValue, ObjectPath, Part, Record, RecordKind, Refusal,
    RefusalKind, Sensitive, Source, SourceError, Target, Version,
};

use super::fault;
use crate::Files;

/// Replaces `ann@example.com` wherever it is shown, and does something when it is asked.
#[derive(Default)]
struct Remove<'a> {
    act: Option<&'a dyn Fn()>,
    shown: usize,
    refused: Vec<Refusal>,
}

impl Editor for Remove<'_> {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        if let Some(act) = self.act.take() {
            act();
        }
        self.shown += 1;
        let text = String::from_utf8_lossy(&batch.columns[0].bytes).into_owned();
        let change = |(at, old): (usize, &str)| Change {
            record: text[..at].matches('\n').count(),
            action: Action::Set(vec![NewValue {
                column: 0,
                bytes: at as u32..(at + old.len()) as u32,
                new: Some(Sensitive::new(b"-".to_vec())),
            }]),
        };
        text.match_indices("ann@example.com").map(change).collect()
    }

    fn close(&mut self) {}

    fn refused(&mut self, _: &ObjectPath, _: Option<&Record>, refusal: Refusal) {
        self.refused.push(refusal);
    }
}

const BEFORE: &str = "one\nmail ann@example.com\nthree\n";
const AFTER: &str = "one\nmail -\nthree\n";

fn target(name: &str) -> Target {
    let object = ObjectPath::from_bytes(name.as_bytes());
    let lines = (1..4).map(|n| Record::Number(RecordKind::Line, n)).collect();
    Target { object: object.clone(), version: None, records: BTreeMap::from([(object, lines)]) }
}

/// Edits `a.txt` and gives what was refused.
fn edit(files: &Files, name: &str) -> Vec<Refusal> {
    let mut editor = Remove::default();
    files.apply(&[target(name)], &Limits::default(), &mut editor).expect("the source is there");
    editor.refused
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_conform() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/people.csv"), "id,email\n1,a@example.com\n2,b@example.com\n").unwrap();
    fs::write(dir.path().join("a.log"), BEFORE).unwrap();
    let files = Files::new("tree", dir.path()).unwrap();
    let receipts = check_apply(&files, &Edits::new("sub/people.csv").delete("email", "a@example.com"));
    assert_eq!((receipts.len(), receipts[0].deleted), (1, 1));
    assert!(receipts[0].before.is_some() && receipts[0].after.is_some() && receipts[0].before != receipts[0].after);
    check_apply(&files, &Edits::new("a.log").set("", "ann@example.com", "-"));
    assert_eq!(fs::read_to_string(dir.path().join("a.log")).unwrap(), AFTER);
}

#[test]
fn what_a_file_is_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.txt");
    fs::write(&path, BEFORE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let with = |name: &str, value: &[u8]| {
        let file = fs::File::open(&path).unwrap();
        rustix::fs::fsetxattr(&file, name, value, rustix::fs::XattrFlags::empty())
    };
    let has_attributes = with("user.origin", b"crm").is_ok();
    // Behind a link inside of the source, the target is written and the link stays.
    symlink("a.txt", dir.path().join("link")).unwrap();
    let files = Files::new("tree", dir.path()).unwrap();
    assert_eq!(edit(&files, "link"), []);
    assert!(fs::symlink_metadata(dir.path().join("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&path).unwrap(), AFTER);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    if has_attributes {
        let mut value = [0; 8];
        let file = fs::File::open(&path).unwrap();
        let len = rustix::fs::fgetxattr(&file, "user.origin", &mut value[..]).unwrap();
        assert_eq!(&value[..len], b"crm");
    }
    assert_eq!(names(dir.path()), ["a.txt", "link"]);
}

#[test]
fn a_killed_run_leaves_the_old_file_or_the_new_one() {
    for (point, expected) in [("created", BEFORE), ("written", BEFORE), ("synced", BEFORE), ("renamed", AFTER)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        fs::write(&path, BEFORE).unwrap();
        // Somebody's file that only looks like ours stays.
        fs::write(dir.path().join(".a.txt.residuum-00000000"), "theirs").unwrap();
        let files = Files::new("tree", dir.path()).unwrap();
        fault::AT.set(Some(point));
        assert_eq!(edit(&files, "a.txt").len(), 1, "{point}");
        fault::AT.set(None);
        assert_eq!(fs::read_to_string(&path).unwrap(), expected, "{point}");
        let left = names(dir.path()).len();
        assert_eq!(left, if expected == BEFORE { 3 } else { 2 }, "{point}");
        assert_eq!(edit(&files, "a.txt"), [], "{point}: again");
        assert_eq!(fs::read_to_string(&path).unwrap(), AFTER, "{point}: again");
        assert_eq!(names(dir.path()), [".a.txt.residuum-00000000", "a.txt"], "{point}: again");
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.txt");
    let files = Files::new("tree", dir.path()).unwrap();
    let other = BEFORE.replace("three", "THREE");
    let rewrite: &dyn Fn() = &|| fs::write(&path, &other).unwrap();
    let swap: &dyn Fn() = &|| {
        fs::write(dir.path().join("b"), &other).unwrap();
        fs::rename(dir.path().join("b"), &path).unwrap();
    };
    for (name, act) in [("rewritten", rewrite), ("replaced", swap)] {
        fs::write(&path, BEFORE).unwrap();
        let mut editor = Remove { act: Some(act), ..Remove::default() };
        let receipts = files.apply(&[target("a.txt")], &Limits::default(), &mut editor).unwrap();
        assert!(receipts.is_empty(), "{name}");
        assert_eq!(editor.refused[0].kind, RefusalKind::Changed, "{name}: {}", editor.refused[0].reason);
        assert_eq!(fs::read_to_string(&path).unwrap(), other, "{name}");
        assert_eq!(names(dir.path()), ["a.txt"], "{name}");
    }
    let old = Target { version: Some(Version::sound("another")), ..target("a.txt") };
    let mut editor = Remove::default();
    files.apply(&[old, target("gone.txt")], &Limits::default(), &mut editor).unwrap();
    assert_eq!(editor.refused.iter().map(|r| r.kind).collect::<Vec<_>>(), [RefusalKind::Changed; 2]);
    assert_eq!(editor.shown, 0);
}

#[test]
fn what_is_not_to_be_written_is_refused_with_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["linked.txt", "protected.txt", "delta/part.txt", "ice/data/part.txt"] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), BEFORE).unwrap();
    }
    fs::hard_link(at("linked.txt"), at("other.txt")).unwrap();
    fs::set_permissions(at("protected.txt"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir_all(at("delta/_delta_log")).unwrap();
    fs::write(at("delta/_delta_log/00000000000000000000.json"), "{}").unwrap();
    fs::create_dir_all(at("ice/metadata")).unwrap();
    fs::write(at("ice/metadata/v1.metadata.json"), "{}").unwrap();
    fs::write(outside.path().join("far.txt"), BEFORE).unwrap();
    symlink(outside.path().join("far.txt"), at("far.txt")).unwrap();
    let files = Files::new("tree", dir.path()).unwrap();
    for (name, kind, says) in [
        ("linked.txt", RefusalKind::Unsupported, "2 names"),
        ("protected.txt", RefusalKind::ReadOnly, "chmod"),
        ("delta/part.txt", RefusalKind::Unsupported, "VACUUM"),
        ("ice/data/part.txt", RefusalKind::Unsupported, "expire_snapshots"),
        ("far.txt", RefusalKind::Unsupported, "out of this source"),
    ] {
        let refused = edit(&files, name);
        assert!(
            refused.len() == 1 && refused[0].kind == kind && refused[0].reason.contains(says),
            "{name}: {refused:?}"
        );
        assert_eq!(fs::read_to_string(at(name)).unwrap(), BEFORE, "{name}");
    }
}

#[test]
fn records_are_fetched_from_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.csv"), "id,email\n1,a@example.com\n2,b@example.com\n3,c@example.com\n").unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(dir.path().join("a.zip")).unwrap());
    for name in ["x.txt", "y.txt", "z.txt"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, format!("first of {name}\nsecond of {name}\n").as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let files = Files::new("tree", dir.path()).unwrap();
    let fetch = |part: &str, record: Record| {
        let mut seen = Collect::default();
        let part = ObjectPath::from_escaped(part).unwrap();
        files.fetch(&part, &[record], &Limits::default(), &mut seen).map(|()| seen)
    };
    let seen = fetch("a.csv", Record::Number(RecordKind::Row, 2)).unwrap();
    let values: Vec<&[u8]> = seen.values["a.csv"].iter().map(|(_, _, value)| value.as_slice()).collect();
    assert_eq!(values, [b"2".as_slice(), b"b@example.com"]);
    let seen = fetch("a.zip!y.txt", Record::Number(RecordKind::Line, 2)).unwrap();
    assert_eq!(seen.values["a.zip!y.txt"][0].2, b"second of y.txt");
    assert_eq!(seen.closed.len(), 1, "nothing else is shown");
    assert!(fetch("gone.csv", Record::Number(RecordKind::Row, 2)).is_err());
    assert!(files.as_apply().is_some() && files.as_fetch().is_some());

    assert!(fetch("a.zip!gone.txt", Record::Number(RecordKind::Line, 1)).unwrap().closed.is_empty());
    let whole = fs::read(dir.path().join("a.zip")).unwrap();
    let third = whole.windows(5).position(|name| name == b"z.txt").unwrap();
    fs::write(dir.path().join("a.zip"), &whole[..third]).unwrap();
    assert!(fetch("a.zip!x.txt", Record::Number(RecordKind::Line, 1)).is_ok());
    let error = fetch("a.zip!z.txt", Record::Number(RecordKind::Line, 1)).unwrap_err();
    assert!(matches!(error, SourceError::Unreadable { .. }), "what may still be there is not gone: {error:?}");
}
