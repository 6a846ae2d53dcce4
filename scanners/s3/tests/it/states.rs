//! Objects that change, are deleted, have older versions or lie in an archive.

use aws_sdk_s3::types::StorageClass;
use residuum_s3::{S3, S3Options};
use residuum_source::conformance::{self, Collect};
use residuum_source::{Coverage, Flow, Limits, Range, Source as _, SourceError, Unit};

use crate::bucket::{Bucket, list, names};
use crate::proxy::{Fault, Plan, Proxy};

#[test]
fn versions_change_with_content_only() {
    for (bucket, knows_etags) in [(Bucket::on_moto(), true), (Bucket::on_signed(), false)] {
        let Some(bucket) = bucket else { continue };
        bucket.put("a.txt", "one\n");
        let source = bucket.source("");
        let before = list(&source)[0].version.clone();
        assert_eq!(list(&source)[0].version, before);
        assert_eq!(before.sound, knows_etags, "{before:?}");
        bucket.put("a.txt", "two\n");
        assert!(!knows_etags || list(&source)[0].version != before);
    }
}

#[test]
fn what_changes_after_it_was_listed_is_named() {
    let Some(bucket) = Bucket::on_moto() else { return };
    for name in ["changed.txt", "gone.txt", "same.txt"] {
        bucket.put(name, "one\n");
    }
    let large = "line of text that is long enough to make many\n".repeat(400_000);
    bucket.put("large.txt", large.clone());
    let source = bucket.source("");
    let unit = Unit { objects: list(&source), range: Range::Whole };
    bucket.put("changed.txt", "two\n");
    bucket.put("large.txt", large.replace("line", "LINE"));
    bucket.delete("gone.txt");
    let read = Collect::unit(&source, &unit, &Limits::default()).expect("what can be read is");
    let told = |name: &str| {
        let (_, outcome) = read.closed.iter().find(|(part, _)| part.path.as_str() == name).expect("it is told");
        (outcome.coverage, outcome.reason.clone().unwrap_or_default())
    };
    assert_eq!(told("same.txt").0, Coverage::Read);
    for (name, reason) in [("changed.txt", "it changed"), ("large.txt", "it changed"), ("gone.txt", "it was removed")] {
        let (state, said) = told(name);
        assert_eq!(state, Coverage::Unreadable, "{name}");
        assert!(said.starts_with(reason), "{name}: {said}");
        assert!(read.values[name].is_empty(), "{name}");
    }
}

#[test]
fn older_versions_are_named_or_read() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("plain.txt", "before versions\n");
    bucket.keep_versions();
    for text in ["first\n", "second\n", "third\n"] {
        bucket.put("a.txt", text);
    }
    bucket.put("deleted.txt", "still there\n");
    bucket.delete("deleted.txt");

    let source = bucket.source("");
    let objects = list(&source);
    let listed: Vec<_> = objects.iter().map(|o| o.path.as_str()).collect();
    assert_eq!(listed, ["a.txt", "plain.txt", "?older-versions", "?delete-markers"]);
    let (state, reason) = objects[2].not_read.as_ref().expect("it is no object");
    assert_eq!(*state, Coverage::Limit);
    assert!(reason.starts_with("3 older versions") && reason.contains("`versions = true`"), "{reason}");
    let (state, reason) = objects[3].not_read.as_ref().expect("it is no object");
    assert_eq!((*state, reason.as_str()), (Coverage::Derived, "1 delete marker: they hold nothing"));
    let unit = conformance::whole(&source, "a.txt");
    assert_eq!(
        Collect::unit(&source, &unit, &Limits::default()).expect("it can be read").values["a.txt"][0].2,
        b"third\n"
    );

    let all = S3::connect("test", &S3Options { versions: true, ..bucket.options("") }).expect("it can be listed");
    let objects: Vec<_> = list(&all).into_iter().filter(|o| o.not_read.is_none()).collect();
    let unit = Unit { objects, range: Range::Whole };
    let read = Collect::unit(&all, &unit, &Limits::default()).expect("versions can be read");
    assert!(read.closed.iter().all(|(_, outcome)| outcome.coverage == Coverage::Read), "{:?}", read.closed);
    let mut texts: Vec<_> =
        read.values.iter().map(|(name, seen)| (name.split("?versionId=").next(), &seen[0].2)).collect();
    texts.sort();
    let texts: Vec<_> = texts.iter().map(|(name, text)| (name.unwrap_or_default(), text.as_slice())).collect();
    let expected: [(&str, &[u8]); 5] = [
        ("a.txt", b"first\n"),
        ("a.txt", b"second\n"),
        ("a.txt", b"third\n"),
        ("deleted.txt", b"still there\n"),
        ("plain.txt", b"before versions\n"),
    ];
    assert_eq!(texts, expected);
    assert_eq!(read.values["a.txt"][0].2, b"third\n", "the current version has the plain name");
    assert!(
        names(&all).contains(&"?delete-markers".to_owned()) && !names(&all).contains(&"?older-versions".to_owned())
    );
}

#[test]
fn who_may_not_list_versions_lists_current_objects() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    bucket.put("a b+c.txt", "first\n");
    bucket.put("a b+c.txt", "second\n");
    let plan = Plan { fault: Fault::Error(403, "AccessDenied"), on: "?versions", times: usize::MAX };
    let proxy = Proxy::before(&bucket.endpoint, plan);
    let options = S3Options { endpoint: Some(proxy.url()), ..bucket.options("") };
    let source = S3::connect("test", &options).expect("it can be listed");
    assert_eq!(names(&source), ["a b+c.txt"]);
    let check = source.check().expect("it can be checked");
    assert!(check.problems.is_empty(), "{check:?}");
    assert!(check.notes.iter().any(|note| note.contains("s3:ListBucketVersions")), "{check:?}");

    let all = S3::connect("test", &S3Options { versions: true, ..options }).expect("it can be listed");
    let error = all.list(&mut |_| Flow::Continue(())).expect_err("versions were asked for");
    assert!(matches!(error, SourceError::Credentials { .. }) && error.to_string().contains("s3:ListBucketVersions"));
}

#[test]
fn archives_are_named_with_the_cure() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("warm.txt", "warm\n");
    bucket.put_archived("instant.txt", StorageClass::GlacierIr);
    bucket.put_archived("cold.txt", StorageClass::Glacier);
    bucket.put_archived("colder.txt", StorageClass::DeepArchive);
    let source = bucket.source("");
    let told: Vec<_> = list(&source).into_iter().filter_map(|o| Some((o.path.to_string(), o.not_read?))).collect();
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cold.txt", "colder.txt"]);
    for (name, (state, reason)) in &told {
        assert_eq!(*state, Coverage::Unreadable);
        assert!(reason.contains("restore-object"), "{name}: {reason}");
    }
    let problems = source.check().expect("it can be checked").problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
}
