//! Killed writers, full disks, damaged files, two writers.

use std::fs;

use super::*;

#[test]
fn two_writers_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let error = index.writer().err().expect("the index is taken").to_string();
    assert!(error.contains(&std::process::id().to_string()) && error.contains("--index"), "{error}");
    index.reader().unwrap();
    drop(writer);
    index.writer().unwrap();
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    scan(&index.writer().unwrap(), "s", &[("a", "1", &[1])]);
    let segments = dir.path().join("segments");
    for stray in ["000000000009.records.new", "000000000008.records.parquet", "000000000008.prints.parquet"] {
        fs::write(segments.join(stray), "half").unwrap();
    }
    fs::write(segments.join("not-ours.txt"), "").unwrap();
    index.reader().unwrap();
    index.writer().unwrap();
    let mut names: Vec<_> =
        fs::read_dir(&segments).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(!dir.path().join("catalog.sqlite-wal").exists(), "a writer that ends leaves no log");
    assert_eq!(names, ["000000000001.prints.parquet", "000000000001.records.parquet", "not-ours.txt"]);
    assert_eq!(index.reader().unwrap().len(), 1);
}

/// A copy of the directory as it stands, which is what a kill at this moment leaves.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_kill_between_any_two_steps_leaves_the_state_before() {
    let dir = tempfile::tempdir().unwrap();
    let original = index(&dir.path().join("index"));
    let writer = original.writer().unwrap();
    scan(&writer, "s", &[("a", "1", &[1]), ("b", "1", &[2])]);
    let source = writer.source("s", "files");
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let killed = |name: &str| {
        let copied = dir.path().join(name);
        copy(original.dir(), &copied);
        let index = index(&copied);
        let writer = index.writer().unwrap();
        writer.compact().unwrap();
        (
            places(&findings(&index.reader().unwrap(), &Filter::default())),
            fs::read_dir(copied.join("segments")).unwrap().count(),
        )
    };
    let a = writer.object(source, "a");
    assert_eq!(killed("begun").0, ["a:1", "b:1"]);
    let pending = unit(&writer, a, "2", &[7, 8]);
    assert_eq!(killed("written"), (vec!["a:1".into(), "b:1".into()], 4), "the new segment's files are removed");
    pending.segments[0].place().unwrap();
    assert_eq!(killed("placed"), (vec!["a:1".into(), "b:1".into()], 4));
    drop(pending);
    writer.commit(Commit { scan, units: vec![unit(&writer, a, "2", &[7, 8])] }).unwrap();
    assert_eq!(killed("committed").0, ["a:1", "a:2", "b:1"]);
}

#[test]
fn damage_is_named_with_its_cure() {
    type Harm = fn(&Path);
    let cases: [(&str, Harm); 7] = [
        ("format.json", |dir| fs::remove_file(dir.join("format.json")).unwrap()),
        ("format.json", |dir| fs::write(dir.join("format.json"), "{").unwrap()),
        ("catalog.sqlite", |dir| fs::remove_file(dir.join("catalog.sqlite")).unwrap()),
        ("catalog.sqlite", |dir| fs::write(dir.join("catalog.sqlite"), [1; 9000]).unwrap()),
        ("records.parquet", |dir| fs::remove_file(dir.join("segments/000000000001.records.parquet")).unwrap()),
        ("prints.parquet", |dir| fs::write(dir.join("segments/000000000001.prints.parquet"), "PAR1").unwrap()),
        ("segments", |dir| fs::remove_dir_all(dir.join("segments")).unwrap()),
    ];
    for (name, harm) in cases {
        let dir = tempfile::tempdir().unwrap();
        scan(&index(dir.path()).writer().unwrap(), "s", &[("a", "1", &[1])]);
        harm(dir.path());
        let opened = Index::open(dir.path(), Keyring::new(KEY, Vec::new())).and_then(|index| index.reader());
        let error = opened.err().expect("a damaged index does not open").to_string();
        assert!(error.contains(name) && error.contains("scan again"), "{name}: {error}");
    }
}

#[test]
fn a_newer_format_and_a_missing_index_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ring = || Keyring::new(KEY, Vec::new());
    assert!(matches!(Index::open(&dir.path().join("none"), ring()), Err(IndexError::Missing(_))));
    index(dir.path());
    fs::write(dir.path().join("format.json"), r#"{"format":3,"shape":"unknown"}"#).unwrap();
    assert!(matches!(Index::open(dir.path(), ring()), Err(IndexError::Newer { found: 3, .. })));
}

#[test]
fn a_directory_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    scan(&index.writer().unwrap(), "s", &[("a", "1", &[1])]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let read = index.reader().map(|reader| reader.len());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read.unwrap(), 1);
}
