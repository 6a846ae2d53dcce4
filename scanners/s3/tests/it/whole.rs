//! What is in a bucket is listed and read, all of it.

use std::io::Write as _;

use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{Limits, Range, Source as _, Unit};

use crate::bucket::{Bucket, list, names};

fn people(rows: usize) -> String {
    let rows = (1..=rows).map(|i| format!("{i},Ann {i},person{i}@example.com\n"));
    ["id,name,email\n".to_owned()].into_iter().chain(rows).collect()
}

fn conforms(bucket: &Bucket) {
    let lines: String = (0..500).map(|i| format!("INFO login person{i}@example.com\n")).collect();
    let json: String = (1..=300).map(|i| format!("{{\"id\":{i},\"email\":\"person{i}@example.com\"}}\n")).collect();
    bucket.put("crm/people.csv", people(300));
    bucket.put("crm/big.csv", people(400_000));
    bucket.put("app.log", lines);
    bucket.put("people.jsonl", json);
    bucket.put("empty.txt", "");
    bucket.put("scan.arrow", [b"ARROW1".as_slice(), &[0; 64]].concat());
    bucket.put("members.zip", zip());
    let expected = Expected::new()
        .object("crm/people.csv", 300)
        .object("crm/big.csv", 400_000)
        .value("crm/big.csv", "email", "person399999@example.com")
        .object("app.log", 500)
        .object("people.jsonl", 300)
        .value("people.jsonl", "email", "person300@example.com")
        .object("empty.txt", 0)
        .object("members.zip!0.csv", 150_000)
        .object("members.zip!2.csv", 150_000)
        .value("members.zip!2.csv", "email", "person150000@example.com")
        .not_read("scan.arrow", residuum_source::Coverage::Unsupported);
    conformance::check(&bucket.source(""), &expected);
}

/// Members that are stored as they are, larger together than what is read at once.
fn zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..3 {
        zip.start_file(format!("{i}.csv"), options).expect("a member begins");
        zip.write_all(people(150_000).as_bytes()).expect("memory takes it");
    }
    zip.finish().expect("it ends").into_inner()
}

#[test]
fn moto_conforms() {
    let Some(bucket) = Bucket::on_moto() else { return };
    conforms(&bucket);
}

#[test]
fn s3s_conforms() {
    let Some(bucket) = Bucket::on_signed() else { return };
    conforms(&bucket);
}

#[test]
fn listings_go_on_behind_the_first_thousand() {
    for bucket in [Bucket::on_signed(), Bucket::on_moto()].into_iter().flatten() {
        let key = |i: usize| format!("{}/{i:04}.txt", if i.is_multiple_of(2) { "even" } else { "odd" });
        bucket.put_many((0..2_500).map(|i| (key(i), format!("person{i}@example.com\n"))));
        let source = bucket.source("");
        let objects = list(&source);
        let mut expected: Vec<_> = (0..2_500).map(key).collect();
        expected.sort();
        assert_eq!(objects.iter().map(|o| o.path.to_string()).collect::<Vec<_>>(), expected);
        assert_eq!(names(&bucket.source("even/")).len(), 1_250);
        assert_eq!(names(&bucket.source("odd/00"))[0], "0001.txt", "names count from the last `/` of the prefix");
        assert_eq!(names(&bucket.source("nothing/")), ["?nothing"], "an empty prefix is a hole");

        let unit = Unit { objects, range: Range::Whole };
        let read = Collect::unit(&source, &unit, &Limits::default()).expect("a pack can be read");
        assert_eq!(read.closed.len(), 2_500);
        for (i, object) in unit.objects.iter().enumerate() {
            assert_eq!(read.closed[i].0.path, object.path, "in their order");
        }
        assert_eq!(read.values["odd/2499.txt"][0].2, b"person2499@example.com\n");
    }
}

#[test]
fn listings_by_versions_go_on_behind_the_first_thousand() {
    let Some(bucket) = Bucket::on_moto() else { return };
    bucket.keep_versions();
    for round in 0..2 {
        bucket.put_many((0..700).map(|i| (format!("{i:04}+é.txt"), format!("{round}\n"))));
    }
    let listed = names(&bucket.source(""));
    assert_eq!(listed.len(), 701, "700 current ones and an entry for the others");
    let options = residuum_s3::S3Options { versions: true, ..bucket.options("") };
    let all = names(&residuum_s3::S3::connect("test", &options).expect("it can be listed"));
    assert_eq!(all.len(), 1_400);
    assert_eq!(all.iter().filter(|name| name.contains("?versionId=")).count(), 700);
}

const ODD: &[&str] = &[
    "a b+c.txt",
    "é/ü.txt",
    "50%20off.txt",
    "%2F.txt",
    "日本語.txt",
    "it's \"quoted\".txt",
    "<a>&amp;.txt",
    "ends/with/",
    "what?versionId=x",
    "a!b.zip",
    "semi;colon,comma=:@$.txt",
    "#hash~*()[]{}|\\^`.txt",
    "dots/../up.txt",
    "dots/./here.txt",
    "twice//empty.txt",
];

#[test]
fn odd_keys_are_read_under_their_names() {
    let Some(bucket) = Bucket::on_moto() else { return };
    for (i, key) in ODD.iter().enumerate() {
        bucket.put(key, format!("content {i}\n"));
    }
    bucket.put("folder/", "");
    let source = bucket.source("");
    let objects = list(&source);
    assert_eq!(objects.len(), ODD.len() + 1, "{:?}", names(&source));
    let unit = Unit { objects, range: Range::Whole };
    let read = Collect::unit(&source, &unit, &Limits::default()).expect("a pack can be read");
    let mut contents: Vec<_> = read.values.values().flatten().map(|(.., value)| value.clone()).collect();
    contents.sort();
    let mut expected: Vec<_> = (0..ODD.len()).map(|i| format!("content {i}\n").into_bytes()).collect();
    expected.sort();
    assert_eq!(contents, expected, "{:?}", read.closed);
    for name in ["50%2520off.txt", "what%3FversionId=x", "a%21b.zip", "dots/../up.txt", "folder/"] {
        assert_eq!(read.closed.iter().filter(|(part, _)| part.path.as_str() == name).count(), 1, "{name}");
    }
    source.check().expect("it can be checked");
}
