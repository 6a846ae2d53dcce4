//! What happens to objects from scan to scan.

use std::collections::BTreeMap;

use super::*;

#[test]
fn a_new_version_takes_the_place_of_the_old_when_its_last_part_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    scan(&writer, "s", &[("a", "1", &[1, 2]), ("b", "1", &[3])]);
    let all = |index: &Index| places(&findings(&index.reader().unwrap(), &Filter::default()));
    assert_eq!(all(&index), ["a:1", "a:2", "b:1"]);

    let before = index.reader().unwrap();
    let source = writer.source("s", "files");
    let (a, b) = (writer.object(source, "a"), writer.object(source, "b"));
    let number = writer.begin_scan(&ScanInfo::default()).unwrap();
    writer.listed(b);
    writer.commit(Commit { scan: number, units: vec![part(&writer, a, "2", 0, 2, &[7])] }).unwrap();
    assert_eq!(all(&index), ["a:1", "a:2", "b:1"], "half a version is not live");
    let unfinished = index.reader().unwrap().unfinished().unwrap();
    assert_eq!((unfinished[0].done, unfinished[0].parts, unfinished[0].live), (1, 2, true));
    writer.commit(Commit { scan: number, units: vec![part(&writer, a, "2", 1, 2, &[8])] }).unwrap();
    writer.end_scan(number, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
    assert_eq!(all(&index), ["a:1", "a:101", "b:1"]);
    assert_eq!(places(&findings(&before, &Filter::default())), ["a:1", "a:2", "b:1"], "a reader keeps its state");
    assert_eq!(index.reader().unwrap().len(), 3);
    assert!(lookup(&index.reader().unwrap(), &[fp(1)]).is_empty(), "superseded");
    let scans = before.scans().unwrap();
    assert_eq!((scans[0].id, scans[0].totals[0].findings, scans[0].ended.is_some()), (1, 3, true));
}

#[test]
fn records_far_apart_and_near_are_given_in_one_pass() {
    const ROWS: u64 = 60_000;
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let object = writer.object(source, "a");
    let mut rows = Findings::new();
    // Every thousandth record has so many findings that they fill pages.
    let findings_of = |n: u64| if n.is_multiple_of(10_000) { 9_000 } else { 1 };
    let records: Vec<Record> = (1..=ROWS).map(line).collect();
    for (n, record) in (1..=ROWS).zip(&records) {
        for i in 0..findings_of(n) {
            push(&writer, &mut rows, object, record, (n + i) as u32);
        }
    }
    let whole = unit(&writer, object, "1", &[]);
    let segments = vec![writer.write_segment(&mut rows).unwrap()];
    let number = writer.begin_scan(&ScanInfo::default()).unwrap();
    writer.commit(Commit { scan: number, units: vec![UnitRecord { segments, ..whole }] }).unwrap();
    writer.end_scan(number, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
    let reader = index.reader().unwrap();
    let cases: [(&str, Vec<u64>); 6] = [
        ("all", (1..=ROWS).collect()),
        ("one in ten", (1..=ROWS).step_by(10).collect()),
        ("one in seventeen thousand", (5..=ROWS).step_by(17_000).collect()),
        ("those of many findings, and their neighbours", vec![9_999, 10_000, 10_001, 30_000, 40_000, 50_000, 50_001]),
        ("the ends, and what is not there", vec![0, 1, ROWS, ROWS + 1]),
        ("none", vec![]),
    ];
    for (name, wanted) in cases {
        let asked: Vec<(u32, Record)> = wanted.iter().map(|&n| (object, line(n))).collect();
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        let mut each = |finding: &Finding| {
            *counts.entry(finding.record.number()).or_default() += 1;
            ControlFlow::Continue(())
        };
        reader.findings_of_records(&asked, &mut each).unwrap();
        let there = wanted.iter().filter(|n| (1..=ROWS).contains(n)).map(|&n| (n, findings_of(n)));
        assert_eq!(counts, there.collect(), "{name}");
    }
}

#[test]
fn what_is_listed_no_more_is_gone_and_may_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    scan(&writer, "s", &[("a", "1", &[1]), ("b", "1", &[2])]);
    scan(&writer, "t", &[("a", "1", &[3])]);
    scan(&writer, "s", &[("b", "2", &[2])]);
    let reader = index.reader().unwrap();
    assert_eq!(places(&findings(&reader, &Filter::default())), ["b:1", "a:1"], "another source is not touched");
    assert_eq!(reader.objects().unwrap().len(), 2);
    scan(&writer, "s", &[("a", "1", &[4]), ("b", "2", &[2])]);
    assert_eq!(index.reader().unwrap().objects().unwrap().len(), 3);
}

#[test]
fn members_go_with_their_container() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let zip = writer.object(source, "x.zip");
    let read = |version: &str, members: &[&str]| {
        let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
        let mut findings = Findings::new();
        let mut objects =
            vec![ObjectRecord { members: members.len() as u64, ..ObjectRecord::new(zip, Coverage::Read) }];
        for name in members {
            let member = writer.object(source, &format!("x.zip!{name}"));
            push(&writer, &mut findings, member, &line(1), 1);
            objects.push(ObjectRecord { listed: zip, ..ObjectRecord::new(member, Coverage::Read) });
        }
        let segments = vec![writer.write_segment(&mut findings).unwrap()];
        let listed = vec![ListedPart::whole(zip, Version::sound(version))];
        let unit = UnitRecord { listed, objects, segments, ..UnitRecord::default() };
        writer.commit(Commit { scan, units: vec![unit] }).unwrap();
        writer.end_scan(scan, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
    };
    read("1", &["b", "a"]);
    let names = |index: &Index| places(&findings(&index.reader().unwrap(), &Filter::default()));
    assert_eq!(names(&index), ["x.zip!a:1", "x.zip!b:1"]);
    read("2", &["c", "a"]);
    assert_eq!(names(&index), ["x.zip!a:1", "x.zip!c:1"]);
    let objects = index.reader().unwrap().objects().unwrap();
    assert_eq!(objects.iter().map(|o| &*o.path).collect::<Vec<_>>(), ["x.zip", "x.zip!a", "x.zip!c"]);
    assert_eq!((objects[0].members, objects[1].listed, objects[0].object), (2, zip, zip));
}

#[test]
fn an_interrupted_scan_is_taken_over_only_when_nothing_else_changed() {
    let cases = [
        ("the same again", ScanInfo::default(), "1", true),
        ("other rules", ScanInfo { digest: [1; 32], ..ScanInfo::default() }, "1", false),
        ("a full scan", ScanInfo { full: true, ..ScanInfo::default() }, "1", false),
        ("another version", ScanInfo::default(), "2", true),
    ];
    for (name, info, version, offered) in cases {
        let dir = tempfile::tempdir().unwrap();
        let index = index(dir.path());
        let writer = index.writer().unwrap();
        let source = writer.source("s", "files");
        let first = writer.begin_scan(&ScanInfo::default()).unwrap();
        let a = writer.object(source, "a");
        writer.commit(Commit { scan: first, units: vec![part(&writer, a, "1", 0, 2, &[1])] }).unwrap();
        drop(writer);

        let writer = index.writer().unwrap();
        let second = writer.begin_scan(&info).unwrap();
        let known = writer.known(source, "a").unwrap();
        let partial = known.and_then(|known| known.partial);
        assert_eq!(partial.is_some(), offered, "{name}");
        let same = partial.is_some_and(|partial| partial.version.text == version && partial.done.len() == 1);
        let a = writer.object(source, "a");
        if !same {
            writer.commit(Commit { scan: second, units: vec![part(&writer, a, version, 0, 2, &[11])] }).unwrap();
        }
        writer.commit(Commit { scan: second, units: vec![part(&writer, a, version, 1, 2, &[2])] }).unwrap();
        writer.end_scan(second, &ScanEnd { complete: vec![source], interrupted: false }).unwrap();
        let reader = index.reader().unwrap();
        assert_eq!(places(&findings(&reader, &Filter::default())), ["a:1", "a:101"], "{name}");
        assert_eq!(lookup(&reader, &[fp(1)]).len(), usize::from(same), "{name}");
        let known = {
            writer.begin_scan(&info).unwrap();
            writer.known(source, "a").unwrap().unwrap().live.unwrap()
        };
        assert_eq!((known.version.text.as_str(), known.digest, known.coverage), (version, info.digest, Coverage::Read));
        assert!(known.current_key && !known.sampled);
    }
}

#[test]
fn a_unit_done_twice_is_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let a = writer.object(source, "a");
    for _ in 0..2 {
        writer.commit(Commit { scan, units: vec![part(&writer, a, "1", 0, 2, &[1, 2])] }).unwrap();
    }
    writer.commit(Commit { scan, units: vec![part(&writer, a, "1", 1, 2, &[3])] }).unwrap();
    writer.end_scan(scan, &ScanEnd::default()).unwrap();
    let reader = index.reader().unwrap();
    assert_eq!(places(&findings(&reader, &Filter::default())), ["a:1", "a:2", "a:101"]);
    assert_eq!(reader.fields().unwrap()[0].types[0].n_values, 3);
    assert_eq!(writer.compact().unwrap().dropped, 2);
    assert_eq!(index.reader().unwrap().len(), 3);
}

#[test]
fn the_ledger_and_the_fields_add_parts_up() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let scan = writer.begin_scan(&ScanInfo { sample: Some(5), ..ScanInfo::default() }).unwrap();
    let (a, b) = (writer.object(source, "a"), writer.object(source, "b"));
    let mut second = part(&writer, a, "1", 1, 2, &[3]);
    second.objects[0].coverage = Coverage::Unreadable;
    second.objects[0].reason = Some("connection lost".to_owned());
    second.objects[0].plan = Some("[]".to_owned());
    let mut view = ObjectRecord::new(b, Coverage::Derived);
    view.reason = Some("a view".to_owned());
    view.primary_key = vec!["id".to_owned()];
    let listed = vec![ListedPart::whole(b, Version::snapshot("x"))];
    let unread = UnitRecord { id: [9; 32], listed, objects: vec![view], ..UnitRecord::default() };
    writer.commit(Commit { scan, units: vec![part(&writer, a, "1", 0, 2, &[1, 2]), second, unread] }).unwrap();
    let known = writer.known_many(source, &["b", "zzz", "a"]).unwrap();
    assert_eq!(known[2].as_ref().unwrap().live.as_ref().unwrap().coverage, Coverage::Unreadable);
    assert!(known[1].is_none() && known[0].as_ref().unwrap().live.as_ref().unwrap().sampled);
    writer.end_scan(scan, &ScanEnd::default()).unwrap();
    let reader = index.reader().unwrap();
    let totals = reader.coverage().unwrap();
    assert_eq!((totals.read, totals.unreadable, totals.derived, totals.records, totals.bytes), (0, 1, 1, 3, 90));
    assert!(totals.is_incomplete());
    let objects = reader.objects().unwrap();
    assert_eq!(objects[0].reason.as_deref(), Some("connection lost"));
    assert_eq!((objects[1].version.as_str(), objects[1].sampled, objects[1].scan), ("x", true, 1));
    assert_eq!(objects[1].primary_key, ["id"]);
    assert_eq!(reader.plans().unwrap().len(), 1);
    let fields = reader.fields().unwrap();
    assert_eq!((fields.len(), &*fields[0].field, fields[0].n_values, fields[0].n_records), (1, "email", 3, 3));
    assert_eq!((fields[0].types[0].kind, &*fields[0].types[0].rule), (Type::Email, "email"));
}

#[test]
fn what_is_retracted_is_nowhere_left() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    scan(&writer, "s", &[("a", "1", &[1, 2, 1]), ("b", "1", &[1, 3])]);
    scan(&writer, "s", &[("a", "1", &[1, 2, 1]), ("b", "2", &[3, 1])]);
    let done = writer.retract(&Retract::Fingerprints(vec![fp(1), fp(99)])).unwrap();
    assert_eq!(done.findings, 6, "those of dead versions included");
    let raw = |needle: Fingerprint| {
        let files = std::fs::read_dir(dir.path().join("segments")).unwrap();
        files
            .filter(|file| {
                let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
                bytes.windows(16).any(|window| window == needle.0)
            })
            .count()
    };
    assert_eq!(raw(fp(1)), 0, "not even in the bytes");
    assert!(raw(fp(2)) > 0);
    let reader = index.reader().unwrap();
    assert_eq!(places(&findings(&reader, &Filter::default())), ["a:2", "b:1"]);
    assert!(lookup(&reader, &[fp(1)]).is_empty());
    assert_eq!(reader.fields().unwrap().iter().map(|f| f.types[0].n_values).collect::<Vec<_>>(), [1, 1]);
    let b = writer.object(writer.source("s", "files"), "b");
    assert_eq!(writer.retract(&Retract::Records(vec![(b, line(1)), (b, line(7))])).unwrap().findings, 1);
    let a = writer.object(writer.source("s", "files"), "a");
    assert_eq!(writer.retract(&Retract::Objects(vec![a])).unwrap().findings, 1);
    let reader = index.reader().unwrap();
    assert!(reader.is_empty() && reader.segments() == 0);
}

#[test]
fn keys_are_declared_and_replaced() {
    use residuum_source::{KeyKind, ObjectPath, TableKey};
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("db", "sqlite");
    let table = |name: &str| ObjectPath::from_parts(["main", name]);
    let columns = |name: &str| vec![name.to_owned()];
    let kind = KeyKind::Foreign { object: table("customers"), columns: columns("id") };
    let keys = [
        TableKey { object: table("customers"), columns: columns("id"), kind: KeyKind::Primary },
        TableKey { object: table("orders"), columns: columns("customer_id"), kind },
    ];
    writer.set_keys(source, &keys[..1]).unwrap();
    writer.set_keys(source, &keys).unwrap();
    let declared = index.reader().unwrap().declared_keys().unwrap();
    assert!(declared.iter().all(|declared| declared.source == "db"));
    assert_eq!(declared.into_iter().map(|declared| declared.key).collect::<Vec<_>>(), keys);
}

#[test]
fn a_rotated_index_answers_under_both_keys() {
    let dir = tempfile::tempdir().unwrap();
    let old = index(dir.path());
    scan(&old.writer().unwrap(), "s", &[("a", "1", &[1])]);
    let index = old.rotate().unwrap();
    let ring = index.keys();
    let sealed = old.keys().seal_name(Type::Email, "jane@example.com");
    assert_eq!(ring.reveal(&sealed).unwrap(), "jane@example.com");
    {
        let writer = index.writer().unwrap();
        writer.begin_scan(&ScanInfo::default()).unwrap();
        let source = writer.source("s", "files");
        assert!(!writer.known(source, "a").unwrap().unwrap().live.unwrap().current_key);
    }
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let b = writer.object(source, "b");
    let mut findings = Findings::new();
    let record = line(1);
    let fp = ring.current().fingerprint(&1u32.to_le_bytes());
    let (field, rule) = (writer.field("email"), writer.rule("email"));
    let place = Place::Object { start: 0, end: 1 };
    findings.push(&FindingRow { object: b, field, record: &record, place, kind: Type::Email, rule, confidence: 1, fp });
    let unit = UnitRecord {
        listed: vec![ListedPart::whole(b, Version::sound("1"))],
        objects: vec![ObjectRecord::new(b, Coverage::Read)],
        segments: vec![writer.write_segment(&mut findings).unwrap()],
        ..UnitRecord::default()
    };
    writer.commit(Commit { scan, units: vec![unit] }).unwrap();
    writer.end_scan(scan, &ScanEnd::default()).unwrap();
    let reader = index.reader().unwrap();
    let probes: Vec<_> = ring.all().map(|key| key.fingerprint(&1u32.to_le_bytes())).collect();
    let mut found: Vec<_> = lookup(&reader, &probes).into_iter().map(|(_, _, finding)| finding.object).collect();
    found.sort();
    assert_eq!(found.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(reader.keys_in_use().unwrap().len(), 2);
    let stranger = Keyring::new(IndexKey::new([6; 32]), Vec::new());
    assert!(matches!(Index::open(dir.path(), stranger), Err(IndexError::Key { .. })));
}

#[test]
fn mistakes_of_a_caller_are_told_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let writer = index.writer().unwrap();
    let source = writer.source("s", "files");
    let (a, b) = (writer.object(source, "a"), writer.object(source, "b"));
    assert!(writer.known(source, "a").is_err(), "no scan is running");
    assert!(writer.known(source, "zzz").unwrap().is_none(), "whatever the scan, it is not known");
    assert!(writer.write_segment(&mut Findings::new()).is_err());
    let scan = writer.begin_scan(&ScanInfo::default()).unwrap();
    let mut foreign = unit(&writer, a, "1", &[1]);
    foreign.segments = unit(&writer, b, "1", &[1]).segments;
    foreign.field_stats.clear();
    assert!(writer.commit(Commit { scan, units: vec![foreign] }).is_err(), "findings of an object not named");
    assert!(writer.commit(Commit { scan: scan + 1, units: Vec::new() }).is_err());
    let two = vec![unit(&writer, a, "1", &[1]), unit(&writer, a, "2", &[2])];
    assert!(writer.commit(Commit { scan, units: two }).is_err(), "two versions at once");
    let left = std::fs::read_dir(dir.path().join("segments")).unwrap().count();
    assert_eq!(left, 0, "segments that are not committed are removed");
    writer.commit(Commit { scan, units: vec![unit(&writer, a, "1", &[1])] }).unwrap();
    assert_eq!(index.reader().unwrap().len(), 1);
    let error = index
        .reader()
        .unwrap()
        .findings(&Filter { object: Some("a[".into()), ..Filter::default() }, &mut |_| ControlFlow::Continue(()));
    assert!(error.unwrap_err().to_string().contains("pattern"));
}
