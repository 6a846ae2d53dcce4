//! What is wrong with settings, credentials or the way to the server is told with the cure.

use std::time::Duration;

use residuum_s3::{Patience, S3, S3Options};
use residuum_source::{Sensitive, SourceError};

use crate::bucket::Bucket;

fn refusal(options: &S3Options) -> SourceError {
    S3::connect("test", options).expect_err("it cannot be used")
}

#[track_caller]
fn says(error: &SourceError, parts: &[&str]) {
    let said = error.to_string();
    for part in parts {
        assert!(said.contains(part), "expected `{part}` in: {said}");
    }
}

fn elsewhere(endpoint: &str) -> S3Options {
    let patience = Patience { attempts: 2, pause: Duration::from_millis(10), ..Patience::default() };
    S3Options { endpoint: Some(endpoint.to_owned()), patience, anonymous: true, ..S3Options::new("s3://bucket") }
}

#[test]
fn urls_and_keys_that_cannot_be_right() {
    for (url, part) in [("s3://", "names no bucket"), ("s3:///key", "names no bucket"), ("s3://a b", "no bucket has")] {
        let error = refusal(&S3Options { anonymous: true, ..S3Options::new(url) });
        assert!(matches!(error, SourceError::Config { .. }), "{error:?}");
        says(&error, &[part]);
    }
    says(&refusal(&elsewhere("localhost:9000")), &["`endpoint` is `localhost:9000`"]);
    let short = S3Options { customer_key: Some(Sensitive::new("c2hvcnQ=".into())), ..elsewhere("http://127.0.0.1:1") };
    says(&refusal(&short), &["not 32 bytes in Base64"]);
}

#[test]
fn nobody_answers() {
    let error = refusal(&elsewhere("http://127.0.0.1:1"));
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    says(&error, &["no connection to `http://127.0.0.1:1`", "refused"]);
    let error = refusal(&elsewhere("http://nowhere.invalid"));
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    says(&error, &["no connection to `http://nowhere.invalid`"]);
}

#[test]
fn a_server_without_tls_is_told() {
    let Some(bucket) = Bucket::on_signed() else { return };
    let error = refusal(&elsewhere(&bucket.endpoint.replace("http://", "https://")));
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    says(&error, &["no acceptable TLS session", "speaks TLS"]);
}

#[test]
fn buckets_and_secrets_that_are_wrong() {
    for bucket in [Bucket::on_moto(), Bucket::on_signed()].into_iter().flatten() {
        let error = refusal(&S3Options { url: "s3://there-is-none".into(), ..bucket.options("") });
        assert!(matches!(error, SourceError::Config { .. }), "{error:?}");
        says(&error, &["no bucket `there-is-none`"]);
    }
    let Some(bucket) = Bucket::on_signed() else { return };
    let error = refusal(&S3Options { anonymous: true, ..bucket.options("") });
    assert!(matches!(error, SourceError::Credentials { .. }), "{error:?}");
    says(&error, &["s3:ListBucket"]);
    for (key, secret, cure) in [
        ("tester", "wrong-secret", "the secret key does not belong to the access key"),
        ("nobody", "tester-secret", "the access key is unknown there"),
    ] {
        let access_key = Some((key.to_owned(), Sensitive::new(secret.to_owned())));
        let error = refusal(&S3Options { access_key, ..bucket.options("") });
        assert!(matches!(error, SourceError::Credentials { .. }), "{error:?}");
        says(&error, &[cure]);
        assert!(!error.to_string().contains(secret), "{error}");
    }
}
