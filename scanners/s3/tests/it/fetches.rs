//! Records are read again, those asked for and no others.

use residuum_s3::{S3, S3Options};
use residuum_source::conformance::Collect;
use residuum_source::{Limits, ObjectPath, Record, RecordKind, Source as _, SourceError};

use crate::bucket::{Bucket, names};
use crate::editor::target;
use crate::edits::PEOPLE;

fn fetched(source: &S3, part: &str, records: &[Record]) -> Result<Vec<String>, SourceError> {
    let part = ObjectPath::from_escaped(part).expect("a valid name");
    let mut sink = Collect::default();
    source.as_fetch().expect("it can be fetched from").fetch(&part, records, &Limits::default(), &mut sink)?;
    let values = sink.values.values().flatten();
    Ok(values.map(|(.., value)| String::from_utf8_lossy(value).into_owned()).collect())
}

#[test]
fn current_and_older_records_are_fetched() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    bucket.put("a.txt", "one\nolder\nthree\n");
    bucket.put("a.txt", "one\nnewer\nthree\n");
    bucket.put("a.csv", PEOPLE);
    let all = S3::connect("test", &S3Options { versions: true, ..bucket.options("") }).expect("it can be listed");
    let found =
        |name: &str, text: &str| target(&all, name, text).records.into_values().next().expect("it stands there");
    // Running text is found by where a stretch of it begins.
    let line = [Record::Number(RecordKind::Line, found("a.txt", "newer")[0].number() + 1)];
    assert_eq!(fetched(&all, "a.txt", &line).expect("it is there"), ["newer"]);
    let older = names(&all).into_iter().find(|name| name.contains("?versionId=")).expect("one is listed");
    assert_eq!(fetched(&all, &older, &line).expect("it is there"), ["older"]);
    let values = fetched(&all, "a.csv", &found("a.csv", "bob@example.com")).expect("it is there");
    assert!(values.iter().any(|value| value == "bob@example.com"), "{values:?}");
    assert!(!values.iter().any(|value| value == "ann@example.com"), "{values:?}");
    assert_eq!(
        fetched(&all, "a.txt", &[Record::Number(RecordKind::Line, 99)]).expect("none is no error"),
        [] as [&str; 0]
    );

    let error = fetched(&all, "gone.txt", &line).expect_err("there is none");
    assert!(matches!(error, SourceError::Unreadable { .. }), "{error:?}");
    bucket.put_archived("cold.txt", aws_sdk_s3::types::StorageClass::Glacier);
    let error = fetched(&all, "cold.txt", &line).expect_err("it lies in an archive");
    assert!(error.to_string().contains("restore-object"), "{error}");
}
