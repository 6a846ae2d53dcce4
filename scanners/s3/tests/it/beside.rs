//! What people write beside a body, metadata and tags, is read, fetched and edited.

use std::collections::BTreeMap;

use residuum_s3::S3;
use residuum_source::conformance::{self, Collect, Edits, check_apply};
use residuum_source::{Coverage, Fetch as _, Limits, ObjectPath, Record, RecordKind};

use crate::bucket::Bucket;
use crate::edits::PEOPLE;

/// Puts an object with metadata and tags that name Jane, and such that do not.
fn put(bucket: &Bucket, key: &str, body: &[u8]) {
    let put = bucket.client.put_object().bucket(&bucket.name).key(key).body(body.to_vec().into());
    let put = put
        .metadata("owner", "jane@example.com")
        .metadata("name", "=?UTF-8?B?Wm/DqyBSb2U=?=")
        .metadata("run", "42")
        .content_type("text/plain")
        .content_disposition("attachment; filename=\"jane@example.com.txt\"")
        .tagging("contact=jane%40example.com&team=crm");
    bucket.run(put.send()).expect("it can be put");
}

/// What stands beside the body of an object: fields and values, and how the part was closed.
fn beside(source: &S3, name: &str) -> (BTreeMap<String, String>, Coverage) {
    let collect = Collect::unit(source, &conformance::whole(source, name), &Limits::default()).expect("it is read");
    let part = format!("{name}!?metadata");
    let fields = collect.values.get(&part).into_iter().flatten();
    let fields = fields.map(|(record, field, value)| {
        assert_eq!(*record, Record::Text(RecordKind::Part, "metadata".into()));
        (field.clone(), String::from_utf8_lossy(value).into_owned())
    });
    let closed = collect.closed.iter().find(|(of, _)| of.path.as_str() == part);
    (fields.collect(), closed.map_or(Coverage::Read, |(_, outcome)| outcome.coverage))
}

#[test]
fn it_is_read_of_every_kind_of_object() {
    let Some(bucket) = Bucket::on_moto() else { return };
    let large = b"nothing of note happened in this line of the log\n".repeat(200_000);
    assert!(large.len() > 8 << 20, "it is read in parts");
    for (key, body) in
        [("a.csv", PEOPLE.as_bytes()), ("empty", b""), ("large.log", &large), ("binary", b"\0\x01\xfe\xff")]
    {
        put(&bucket, key, body);
    }
    bucket.put("none.csv", PEOPLE);
    let source = bucket.source("");
    for name in ["a.csv", "empty", "large.log", "binary"] {
        let (fields, coverage) = beside(&source, name);
        let fields: Vec<_> = fields.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
        assert_eq!(coverage, Coverage::Read, "{name}");
        assert_eq!(
            fields,
            [
                ("content-disposition", "attachment; filename=\"jane@example.com.txt\""),
                ("tag contact", "jane@example.com"),
                ("tag team", "crm"),
                ("x-amz-meta-name", "Zo\u{eb} Roe"),
                ("x-amz-meta-owner", "jane@example.com"),
                ("x-amz-meta-run", "42"),
            ],
            "{name}"
        );
    }
    assert!(beside(&source, "none.csv").0.is_empty(), "where there is nothing there is no part");

    let part = ObjectPath::from_escaped("a.csv!?metadata").expect("it is one");
    let mut fetched = Collect::default();
    let record = Record::Text(RecordKind::Part, "metadata".into());
    source.fetch(&part, &[record], &Limits::default(), &mut fetched).expect("it can be fetched");
    let has = |field: &str| fetched.values["a.csv!?metadata"].iter().any(|(_, of, _)| of == field);
    assert!(has("x-amz-meta-owner") && has("tag contact") && !fetched.values.contains_key("a.csv"));
}

#[test]
fn it_is_edited_and_the_body_stays() {
    for (bucket, has_tags) in [(Bucket::on_moto(), true), (Bucket::on_signed(), false)] {
        let Some(bucket) = bucket else { continue };
        for (key, body) in [("a.csv", PEOPLE.as_bytes()), ("empty", b"")] {
            put(&bucket, key, body);
            let source = bucket.source("");
            let part = format!("{key}!?metadata");
            let mut edits = Edits::new(&part)
                .null("x-amz-meta-owner", "jane@example.com")
                .set("x-amz-meta-name", "Zo\u{eb} Roe", "\u{2014}")
                .set("content-disposition", "jane@example.com", "file");
            if has_tags {
                edits = edits.null("tag contact", "jane@example.com");
            }
            let receipts = check_apply(&source, &edits);
            assert_eq!((receipts.len(), receipts[0].changed, receipts[0].deleted), (1, 1, 0), "{key}");
            assert_eq!(bucket.body(key, None), body, "{key}");
            let head = bucket.client.head_object().bucket(&bucket.name).key(key).send();
            let head = bucket.run(head).expect("it is there");
            let metadata = head.metadata().expect("there are some");
            assert_eq!(
                (metadata.len(), metadata.get("run").map(String::as_str)),
                (2, Some("42")),
                "{key}: {metadata:?}"
            );
            assert_eq!(head.content_type(), Some("text/plain"), "{key}");
            let (fields, _) = beside(&source, key);
            assert!(!fields.values().any(|value| value.contains("jane")), "{key}: {fields:?}");
            assert_eq!(fields.get("tag team").map(String::as_str), has_tags.then_some("crm"), "{key}");
        }
    }
}

#[test]
fn a_body_and_what_is_beside_it_are_written_at_once() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    put(&bucket, "a.csv", PEOPLE.as_bytes());
    let source = bucket.source("");
    let before = bucket.versions("a.csv").0.len();
    check_apply(&source, &Edits::new("a.csv!?metadata").null("x-amz-meta-owner", "jane@example.com"));
    check_apply(&source, &Edits::new("a.csv").delete("email", "bob@example.com"));
    assert_eq!(bucket.versions("a.csv").0.len(), before + 2);
    let (fields, _) = beside(&source, "a.csv");
    assert!(!fields.contains_key("x-amz-meta-owner") && fields.contains_key("tag contact"), "{fields:?}");
}
