//! Versions that hold what was erased: named, or removed where the settings say so.

use residuum_s3::{S3, S3Options};
use residuum_source::RefusalKind;

use crate::bucket::{Bucket, names};
use crate::editor::{delete, delete_all, target};
use crate::edits::PEOPLE;

const BOB: &str = "bob@example.com";

fn source(bucket: &Bucket, versions: bool, erase_versions: bool) -> S3 {
    let options = S3Options { versions, erase_versions, ..bucket.options("") };
    S3::connect("test", &options).expect("the bucket can be listed")
}

#[test]
fn the_version_before_is_named() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("before.csv", PEOPLE);
    bucket.keep_versions();
    bucket.put("a.csv", PEOPLE);
    let source = source(&bucket, false, false);
    for key in ["a.csv", "before.csv"] {
        let (before, _) = bucket.versions(key);
        let edited = delete_all(&source, key, BOB);
        let [note] = edited.notes() else { panic!("{edited:?}") };
        for part in [before[0].as_str(), "still holds it", "`erase_versions = true`", "`versions = true`", "lifecycle"]
        {
            assert!(note.contains(part), "{note}");
        }
        assert_eq!(bucket.body(key, Some(&before[0])), PEOPLE.as_bytes());
        assert_eq!(bucket.versions(key).0.len(), 2);
    }
}

#[test]
fn the_version_before_is_removed() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("before.csv", PEOPLE);
    bucket.keep_versions();
    bucket.put("a.csv", PEOPLE);
    let source = source(&bucket, false, true);
    for key in ["a.csv", "before.csv"] {
        let edited = delete_all(&source, key, BOB);
        let [note] = edited.notes() else { panic!("{edited:?}") };
        assert!(note.contains("was removed"), "{note}");
        let (after, _) = bucket.versions(key);
        assert_eq!(after.len(), 1);
        assert!(!String::from_utf8_lossy(&bucket.body(key, Some(&after[0]))).contains(BOB));
    }
}

#[test]
fn older_versions_are_removed_as_a_whole_or_refused() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    bucket.put("a.csv", PEOPLE);
    bucket.put("a.csv", PEOPLE.replace(BOB, "nobody"));
    bucket.put("a.csv", PEOPLE.replace("Ann", "Zoe"));
    let (ids, _) = bucket.versions("a.csv");
    let name = |id: &str| format!("a.csv?versionId={id}");

    let reads = source(&bucket, true, false);
    let edited = delete_all(&reads, &name(&ids[2]), BOB);
    edited.refusal(RefusalKind::Unsupported, &["`erase_versions = true`", "lifecycle"]);
    assert_eq!(bucket.versions("a.csv").0, ids);

    let erases = source(&bucket, true, true);
    let nothing = delete_all(&erases, &name(&ids[1]), BOB);
    assert_eq!((nothing.receipts.len(), nothing.refused.len()), (0, 0), "what holds nothing stays");
    let oldest = target(&erases, &name(&ids[2]), BOB);
    let edited = delete(&erases, &oldest, BOB, &mut || ());
    assert!(edited.notes()[0].contains("removed as a whole"), "{edited:?}");
    assert_eq!((edited.receipts[0].deleted, edited.receipts[0].after), (1, None));
    delete(&erases, &oldest, BOB, &mut || ()).refusal(RefusalKind::Changed, &["no such object"]);

    let edited = delete_all(&erases, "a.csv", BOB);
    assert!(edited.notes()[0].contains(&ids[0]), "{edited:?}");
    let (left, _) = bucket.versions("a.csv");
    assert_eq!(left.len(), 2);
    assert_eq!(left[1], ids[1]);
    for id in &left {
        assert!(!String::from_utf8_lossy(&bucket.body("a.csv", Some(id))).contains(BOB));
    }
}

#[test]
fn an_older_version_that_became_the_current_one_is_left_alone() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    bucket.put("a.csv", PEOPLE);
    bucket.put("a.csv", PEOPLE);
    let (ids, _) = bucket.versions("a.csv");
    let source = source(&bucket, true, true);
    let older = target(&source, &format!("a.csv?versionId={}", ids[1]), BOB);
    let remove = bucket.client.delete_object().bucket(&bucket.name).key("a.csv").version_id(&ids[0]).send();
    bucket.run(remove).expect("a version can be removed");
    delete(&source, &older, BOB, &mut || ()).refusal(RefusalKind::Changed, &[]);
    assert_eq!(bucket.body("a.csv", None), PEOPLE.as_bytes());
}

#[test]
fn an_object_that_goes_leaves_a_marker_and_no_version_comes_back() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    let letter = "From: ann@example.com\r\nTo: bob@example.com\r\nSubject: hello\r\n\r\nDear Bob\r\n";
    for (erase_versions, key) in [(false, "named.eml"), (true, "removed.eml")] {
        bucket.put(key, letter.replace("Dear", "First"));
        bucket.put(key, letter);
        let (before, _) = bucket.versions(key);
        let source = source(&bucket, false, erase_versions);
        let edited = delete_all(&source, key, BOB);
        let notes = edited.notes().join("; ");
        assert!(notes.contains(&before[0]), "{notes}");
        assert_eq!(notes.contains("still holds it"), !erase_versions, "{notes}");
        let left = if erase_versions { vec![before[1].clone()] } else { before };
        assert_eq!(bucket.versions(key), (left, 1));
        assert!(!names(&source).contains(&key.to_owned()), "it is not there any more");
    }
}
