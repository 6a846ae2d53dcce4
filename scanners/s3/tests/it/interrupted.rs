//! Writing through a network and servers that fail, refuse or know less.

use std::time::Duration;

use residuum_s3::{Patience, S3, S3Options};
use residuum_source::RefusalKind;

use crate::bucket::{Bucket, names};
use crate::editor::{delete, delete_all, target};
use crate::edits::PEOPLE;
use crate::proxy::{Fault, Plan, Proxy};

const BOB: &str = "bob@example.com";

fn through(bucket: &Bucket, fault: Fault, on: &'static str, times: usize) -> (Proxy, S3) {
    let proxy = Proxy::before(&bucket.endpoint, Plan { fault, on, times });
    let patience = Patience { attempts: 3, pause: Duration::from_millis(10), ..Patience::default() };
    let options = S3Options { endpoint: Some(proxy.url()), patience, erase_versions: true, ..bucket.options("") };
    let source = S3::connect("test", &options).expect("the bucket can be listed");
    (proxy, source)
}

#[test]
fn requests_that_fail_are_repeated_and_those_carried_out_are_not() {
    for bucket in [Bucket::on_moto(), Bucket::on_signed()].into_iter().flatten() {
        for (fault, times) in [(Fault::Error(503, "SlowDown"), 2), (Fault::Refused, 1), (Fault::Unanswered, 1)] {
            bucket.put("a.csv", PEOPLE);
            let (proxy, source) = through(&bucket, fault, "/a.csv?x-id=PutObject", times);
            let edited = delete_all(&source, "a.csv", BOB);
            assert_eq!(edited.receipts.len(), 1, "{fault:?}: {edited:?}");
            assert_eq!(proxy.spoilt().len(), times, "{fault:?}");
            assert!(!String::from_utf8_lossy(&bucket.body("a.csv", None)).contains(BOB), "{fault:?}");
        }
        let (_proxy, source) = through(&bucket, Fault::Error(503, "SlowDown"), "/a.csv?x-id=PutObject", 99);
        bucket.put("a.csv", PEOPLE);
        delete_all(&source, "a.csv", BOB).refusal(RefusalKind::Failed, &["SlowDown", "try again"]);
        assert_eq!(bucket.body("a.csv", None), PEOPLE.as_bytes());
    }
}

#[test]
fn an_object_that_could_not_be_read_is_not_taken_for_a_short_one() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("a.csv", PEOPLE);
    let found = target(&bucket.source(""), "a.csv", BOB);
    let (_proxy, source) = through(&bucket, Fault::Error(503, "SlowDown"), "/a.csv?x-id=GetObject", 99);
    delete(&source, &found, BOB, &mut || ()).refusal(RefusalKind::Failed, &["could not be read again", "SlowDown"]);
}

#[test]
fn permissions_that_are_missing_are_named() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    for (on, permission) in [
        ("/a.csv?x-id=PutObject", "`s3:PutObject`"),
        ("/a.csv?tagging", "`s3:GetObjectTagging`"),
        ("HEAD /", "`s3:GetObject`"),
    ] {
        bucket.put("a.csv", PEOPLE);
        let found = target(&bucket.source(""), "a.csv", BOB);
        let (_proxy, source) = through(&bucket, Fault::Error(403, "AccessDenied"), on, 99);
        delete(&source, &found, BOB, &mut || ()).refusal(RefusalKind::ReadOnly, &[permission]);
        assert_eq!(bucket.body("a.csv", None), PEOPLE.as_bytes());
    }
    let (_proxy, source) = through(&bucket, Fault::Error(403, "AccessDenied"), "/a.csv?acl", 99);
    let edited = delete_all(&source, "a.csv", BOB);
    assert!(edited.notes()[0].contains("`s3:GetObjectAcl`"), "{edited:?}");

    bucket.put("a.csv", PEOPLE);
    let (_proxy, source) = through(&bucket, Fault::Error(403, "AccessDenied"), "DELETE /", 99);
    let edited = delete_all(&source, "a.csv", BOB);
    assert_eq!(edited.receipts.len(), 1, "it was written: {edited:?}");
    assert_eq!(edited.refused.len(), 1, "and is not erased: {edited:?}");
    assert_eq!(edited.refused[0].kind, RefusalKind::ReadOnly);
    for part in ["it was written", "still holds it", "`s3:DeleteObjectVersion`"] {
        assert!(edited.refused[0].reason.contains(part), "{edited:?}");
    }
}

#[test]
fn a_server_that_checks_no_conditions_is_told_by_the_receipt() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("a.csv", PEOPLE);
    let (_proxy, source) = through(&bucket, Fault::Unconditional, "x-id=PutObject", 99);
    let edited = delete_all(&source, "a.csv", BOB);
    let [note] = edited.notes() else { panic!("{edited:?}") };
    assert!(note.contains("does not check conditions"), "{note}");
    assert_eq!(names(&source), ["a.csv"], "what it was found out with is gone");

    bucket.put("a.csv", PEOPLE);
    let theirs = PEOPLE.replace("Ann", "Zoe");
    let found = target(&source, "a.csv", BOB);
    let edited = delete(&source, &found, BOB, &mut || bucket.put("a.csv", theirs.clone()));
    edited.refusal(RefusalKind::Changed, &["somebody else wrote to it"]);
    assert_eq!(bucket.body("a.csv", None), theirs.as_bytes());
}
