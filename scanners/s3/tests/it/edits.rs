//! Records are deleted and values replaced, with all that stands beside the body as it was.

use std::io::Write as _;
use std::process::{Command, Stdio};

use aws_sdk_s3::types::{ObjectLockLegalHoldStatus, StorageClass};
use residuum_s3::{S3, S3Options};
use residuum_source::RefusalKind;
use residuum_source::conformance::{Edits, check_apply};

use crate::bucket::{Bucket, names};
use crate::editor::{delete, delete_all, target};

pub const PEOPLE: &str = "id,name,email\n1,Ann,ann@example.com\n2,Bob,bob@example.com\n3,\"Cy, Jr\",cy@example.com\n";

/// What Python makes of a text.
fn python(code: &str, text: &str) -> Vec<u8> {
    let mut run = Command::new("python3")
        .args(["-c", code])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs `python3`");
    run.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    run.wait_with_output().expect("it ends").stdout
}

const GZIP: &str = "import gzip,sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read()))";
const ZIP: &str = "import io,sys,zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('crm/people.csv', sys.stdin.buffer.read())
    z.writestr('readme.txt', 'left alone\\n')
sys.stdout.buffer.write(out.getvalue())";

#[test]
fn every_kind_of_object_is_edited_as_asked_and_nothing_else() {
    // s3s-fs lists `%` as it stands and says that it is encoded.
    for (bucket, key, name) in
        [(Bucket::on_moto(), "a b+c/é%20.csv", "a b+c/é%2520.csv"), (Bucket::on_signed(), "a b/é.csv", "a b/é.csv")]
    {
        let Some(bucket) = bucket else { continue };
        let lines = "{\"id\":1,\"email\":\"ann@example.com\"}\n{\"id\":2,\"email\":\"bob@example.com\"}\n";
        bucket.put("plain.csv", PEOPLE);
        bucket.put("lines.jsonl", lines);
        bucket.put("app.log", "one\nlogin bob@example.com ok\nthree\n");
        bucket.put(key, PEOPLE);
        bucket.put("packed.csv.gz", python(GZIP, PEOPLE));
        bucket.put("packed.zip", python(ZIP, PEOPLE));
        let source = bucket.source("");
        for (part, field) in [
            ("plain.csv", "email"),
            ("lines.jsonl", "email"),
            ("app.log", ""),
            (name, "email"),
            ("packed.csv.gz!packed.csv", "email"),
            ("packed.zip!crm/people.csv", "email"),
        ] {
            let deleted = check_apply(&source, &Edits::new(part).delete(field, "bob@example.com"));
            assert_eq!((deleted.len(), deleted[0].deleted, deleted[0].changed), (1, 1, 0), "{part}");
            assert_ne!(deleted[0].before, deleted[0].after);
            assert_eq!(deleted[0].notes, [] as [&str; 0], "{part}: conditions are checked, and no version stays");
        }
        let set = Edits::new("plain.csv").set("email", "ann@example.com", "ann@example.org");
        assert_eq!(check_apply(&source, &set)[0].changed, 1);
        let expected = "id,name,email\n1,Ann,ann@example.org\n3,\"Cy, Jr\",cy@example.com\n";
        assert_eq!(String::from_utf8_lossy(&bucket.body("plain.csv", None)), expected);
        assert_eq!(names(&source).len(), 6, "nothing else stands there: {:?}", names(&source));
    }
}

#[test]
fn what_stands_beside_the_body_stays() {
    for (bucket, is_moto) in [(Bucket::on_moto(), true), (Bucket::on_signed(), false)] {
        let Some(bucket) = bucket else { continue };
        let put = bucket.client.put_object().bucket(&bucket.name).key("a.csv").body(PEOPLE.as_bytes().to_vec().into());
        let put = put
            .content_type("text/csv; charset=utf-8")
            .content_disposition("attachment; filename=\"a.csv\"")
            .content_language("en")
            .cache_control("max-age=60")
            .metadata("owner", "crm team")
            .metadata("run", "42");
        let all = "http://acs.amazonaws.com/groups/global/AllUsers";
        let put = match is_moto {
            true => put
                .tagging("team=crm%20%3D%2B%20co&empty=")
                .grant_read(format!("uri=\"{all}\""))
                .storage_class(StorageClass::StandardIa)
                .website_redirect_location("/elsewhere"),
            false => put,
        };
        bucket.run(put.send()).expect("it can be put");
        let head =
            || bucket.run(bucket.client.head_object().bucket(&bucket.name).key("a.csv").send()).expect("it is there");
        let before = head();
        let source = bucket.source("");
        assert_eq!(delete_all(&source, "a.csv", "bob@example.com").notes(), [] as [&str; 0]);
        let after = head();
        assert_ne!(after.e_tag(), before.e_tag());
        assert_eq!(after.content_type(), Some("text/csv; charset=utf-8"));
        assert_eq!(after.content_disposition(), before.content_disposition());
        assert_eq!(after.content_language(), before.content_language());
        assert_eq!(after.cache_control(), before.cache_control());
        assert_eq!(after.metadata(), before.metadata());
        assert_eq!(after.metadata().map(|metadata| metadata.len()), Some(2));
        assert_eq!(after.storage_class(), before.storage_class());
        assert_eq!(after.website_redirect_location(), before.website_redirect_location());
        if is_moto {
            let tags = bucket.client.get_object_tagging().bucket(&bucket.name).key("a.csv").send();
            let tags = bucket.run(tags).expect("tags can be read").tag_set;
            let mut tags: Vec<_> = tags.iter().map(|tag| (tag.key(), tag.value())).collect();
            tags.sort_unstable();
            assert_eq!(tags, [("empty", ""), ("team", "crm =+ co")]);
            let acl = bucket.client.get_object_acl().bucket(&bucket.name).key("a.csv").send();
            let acl = bucket.run(acl).expect("the access list can be read");
            let grants = acl.grants().iter().filter(|grant| grant.grantee().and_then(|g| g.uri()) == Some(all)).count();
            assert_eq!(grants, 1, "{acl:?}");
        }
    }
}

/// A table of more than 8 MiB, which is read in ranges, with one record that is to go near its end.
fn large() -> String {
    let rows = (1..=300_000).map(|i| format!("{i},Ann {i},person{i}@example.com\n"));
    ["id,name,email\n".to_owned()].into_iter().chain(rows).collect()
}

#[test]
fn what_somebody_else_writes_meanwhile_stays() {
    for bucket in [Bucket::on_moto(), Bucket::on_signed()].into_iter().flatten() {
        let source = bucket.source("");
        for (key, body, text) in
            [("small.csv", PEOPLE.to_owned(), "bob@example.com"), ("large.csv", large(), "person299000@example.com")]
        {
            bucket.put(key, body.clone());
            let found = target(&source, key, text);
            let theirs = body.replace("Ann", "Zoe");
            let edited = delete(&source, &found, text, &mut || bucket.put(key, theirs.clone()));
            edited.refusal(RefusalKind::Changed, &["somebody else wrote to it"]);
            assert!(bucket.body(key, None) == theirs.as_bytes(), "{key}: theirs stays");

            let mut removed = false;
            let edited = delete(&source, &target(&source, key, text), text, &mut || {
                if !std::mem::replace(&mut removed, true) {
                    bucket.delete(key);
                }
            });
            edited.refusal(RefusalKind::Changed, &[]);
            assert_eq!(names(&source), [] as [&str; 0], "{key}: it stays removed");
        }
    }
}

#[test]
fn what_is_no_longer_what_was_found_is_left_alone() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.put("a.csv", PEOPLE);
    let source = bucket.source("");
    let found = target(&source, "a.csv", "bob@example.com");
    let theirs = PEOPLE.replace("Ann", "Zoe");
    bucket.put("a.csv", theirs.clone());
    delete(&source, &found, "bob@example.com", &mut || ()).refusal(RefusalKind::Changed, &["scan it again"]);
    assert_eq!(bucket.body("a.csv", None), theirs.as_bytes());
    bucket.delete("a.csv");
    delete(&source, &found, "bob@example.com", &mut || ()).refusal(RefusalKind::Changed, &["no such object"]);
}

#[test]
fn large_objects_are_put_in_parts() {
    for (bucket, is_moto) in [(Bucket::on_moto(), true), (Bucket::on_signed(), false)] {
        let Some(bucket) = bucket else { continue };
        let body = large();
        let put = bucket.client.put_object().bucket(&bucket.name).key("large.csv").metadata("owner", "crm");
        bucket.run(put.body(body.clone().into_bytes().into()).send()).expect("it can be put");
        let options = S3Options { part_bytes: 5 << 20, ..bucket.options("") };
        let source = S3::connect("test", &options).expect("the bucket can be listed");
        let edited = delete_all(&source, "large.csv", "person299000@example.com");
        let [note] = edited.notes() else { panic!("{edited:?}") };
        assert!(note.contains("If-Match") && note.contains("not known"), "{note}");
        let expected = body.replace("299000,Ann 299000,person299000@example.com\n", "");
        assert!(bucket.body("large.csv", None) == expected.as_bytes(), "moto: {is_moto}");
        let head = bucket.client.head_object().bucket(&bucket.name).key("large.csv").send();
        let head = bucket.run(head).expect("it is there");
        assert_eq!(head.metadata().and_then(|metadata| metadata.get("owner")).map(String::as_str), Some("crm"));
        assert!(head.e_tag().is_some_and(|etag| etag.contains("-3")), "in three parts: {:?}", head.e_tag());
    }
}

#[test]
fn an_object_of_which_nothing_stays_is_removed() {
    for bucket in [Bucket::on_moto(), Bucket::on_signed()].into_iter().flatten() {
        bucket.put("letter.eml", "From: ann@example.com\r\nTo: bob@example.com\r\nSubject: hello\r\n\r\nDear Bob\r\n");
        bucket.put("other.txt", "left alone\n");
        let source = bucket.source("");
        let edited = delete_all(&source, "letter.eml", "bob@example.com");
        assert!(edited.notes()[0].contains("removed"), "{edited:?}");
        assert_eq!(edited.receipts[0].after, None);
        assert_eq!(names(&source), ["other.txt"]);
    }
}

#[test]
fn locks_and_archives_are_refused_with_the_cure() {
    let Some(bucket) = Bucket::with_locks() else { return };
    let put =
        |key: &str| bucket.client.put_object().bucket(&bucket.name).key(key).body(PEOPLE.as_bytes().to_vec().into());
    let held = put("held.csv").object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On);
    bucket.run(held.send()).expect("it can be held");
    let until = std::time::SystemTime::now() + std::time::Duration::from_secs(3_600);
    let retained = put("retained.csv")
        .object_lock_mode(aws_sdk_s3::types::ObjectLockMode::Governance)
        .object_lock_retain_until_date(until.into());
    bucket.run(retained.send()).expect("it can be retained");
    let source = bucket.source("");
    let edited = delete_all(&source, "held.csv", "bob@example.com");
    edited.refusal(RefusalKind::Constraint, &["legal hold", "put-object-legal-hold"]);
    let edited = delete_all(&source, "retained.csv", "bob@example.com");
    edited.refusal(RefusalKind::Constraint, &["retained until", "s3:BypassGovernanceRetention"]);

    let found = target(&source, "held.csv", "bob@example.com");
    bucket.run(put("held.csv").storage_class(StorageClass::Glacier).send()).expect("it can be put");
    let cold = residuum_source::Target { version: None, ..found };
    let edited = delete(&source, &cold, "bob@example.com", &mut || ());
    edited.refusal(RefusalKind::Unsupported, &["restore-object"]);
}
