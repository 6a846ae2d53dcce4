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

/// What was staged of a unit counts when the unit is in, and not before; what a killed writer staged counts never.
#[test]
fn what_is_staged_counts_with_its_unit() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let archive = |writer: &Writer| writer.object(writer.source("s", "files"), "all.tar");
    let member = |writer: &Writer, name: &str| writer.object(writer.source("s", "files"), &format!("all.tar!{name}"));
    let ledger = |index: &Index| -> Vec<String> {
        index.reader().unwrap().objects().unwrap().into_iter().map(|object| object.path.to_string()).collect()
    };
    // A unit without the archive's own record, of one member with an e-mail.
    let members = |writer: &Writer, name: &str, n: u32| {
        let listed = archive(writer);
        let object = member(writer, name);
        let mut unit = unit(writer, listed, "1", &[]);
        unit.objects = vec![ObjectRecord { listed, records: 1, ..ObjectRecord::new(object, Coverage::Read) }];
        let (field, rule) = (writer.field("email"), writer.rule("email"));
        unit.field_stats = vec![FieldStats { object, field, kind: Type::Email, rule, values: 1, records: 1 }];
        unit.field_totals = Vec::new();
        let mut findings = Findings::new();
        push(writer, &mut findings, object, &line(1), n);
        (unit, writer.write_segment(&mut findings).unwrap())
    };
    let killed = index.writer().unwrap();
    let scan = killed.begin_scan(&ScanInfo::default()).unwrap();
    killed.stage(scan, &members(&killed, "gone.txt", 7).0).unwrap();
    assert_eq!(ledger(&index), [] as [&str; 0], "the unit is not in");
    drop(killed);

    let writer = index.writer().unwrap();
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let (first, segment) = members(&writer, "a.txt", 1);
    writer.stage(scan, &first).unwrap();
    let (second, more) = members(&writer, "b.txt", 2);
    writer.stage(scan, &second).unwrap();
    let mut last = unit(&writer, archive(&writer), "1", &[]);
    last.segments = vec![segment, more];
    writer.commit(Commit { scan, units: vec![last] }).unwrap();
    let end = ScanEnd { complete: vec![writer.source("s", "files")], interrupted: false };
    writer.end_scan(scan, &end).unwrap();
    drop(writer);
    assert_eq!(ledger(&index), ["all.tar", "all.tar!a.txt", "all.tar!b.txt"]);
    let reader = index.reader().unwrap();
    assert_eq!(reader.len(), 2);
    let found: u64 = reader.fields().unwrap().iter().flat_map(|field| &field.types).map(|of| of.n_values).sum();
    assert_eq!(found, 2, "and so are the counts");
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
