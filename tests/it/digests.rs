//! Digests of somebody's identifiers in fields whose names say nothing: `find` gives them and `erase` takes them out,
//! whichever algorithm and notation; what has their shape and is something else is no finding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::sandbox::Sandbox;
use crate::servers::sqlite;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Letters in turn small and large.
fn mixed(text: &str) -> String {
    let turn = |(i, c): (usize, char)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c };
    text.chars().enumerate().map(turn).collect()
}

/// What is made of bytes, by name.
type Named<T> = (&'static str, fn(&[u8]) -> T);

const ALGORITHMS: [Named<Vec<u8>>; 4] = [
    ("md5", |text| Md5::digest(text).to_vec()),
    ("sha1", |text| Sha1::digest(text).to_vec()),
    ("sha256", |text| Sha256::digest(text).to_vec()),
    ("sha512", |text| Sha512::digest(text).to_vec()),
];

/// How the bytes of a digest stand as a literal of SQL.
const NOTATIONS: [Named<String>; 5] = [
    ("hex", |bytes| format!("'{}'", hex(bytes))),
    ("upper", |bytes| format!("'{}'", hex(bytes).to_uppercase())),
    ("mixed", |bytes| format!("'{}'", mixed(&hex(bytes)))),
    ("base64", |bytes| format!("'{}'", STANDARD.encode(bytes))),
    ("raw", |bytes| format!("x'{}'", hex(bytes))),
];

const PEOPLE: [&str; 5] = ["ann@example.com", "bob@example.com", "cy@example.com", "+12025550123", "+12025550124"];

#[test]
fn a_column_of_bare_digests_is_found_by_what_they_are_of() {
    let sandbox = Sandbox::new();
    let mut sql = String::new();
    for (algorithm, digest) in ALGORITHMS {
        for (notation, written) in NOTATIONS {
            let table = format!("t_{algorithm}_{notation}");
            sql += &format!(
                "CREATE TABLE {table} (n INTEGER PRIMARY KEY, h {});",
                if notation == "raw" { "BLOB" } else { "TEXT" }
            );
            for (n, person) in PEOPLE.iter().enumerate() {
                sql += &format!("INSERT INTO {table} VALUES ({}, {});", n + 1, written(&digest(person.as_bytes())));
            }
        }
    }
    sqlite(&sandbox.path("s.db"), &sql);
    sandbox.run(["scan", "sqlite:s.db", "--quiet"]).exits(0);
    for (arguments, n) in [(["--email", "Bob@Example.com"], 2), (["--phone", "(202) 555-0124"], 5)] {
        let found = sandbox.run(["find", "--format", "jsonl"].iter().chain(&arguments)).exits(0).lines();
        assert_eq!(found.len(), ALGORITHMS.len() * NOTATIONS.len(), "{found:?}");
        assert!(found.iter().all(|line| line["type"] == "DIGEST" && line["record"]["key"]["n"] == n), "{found:?}");
    }
    let count = (ALGORITHMS.len() * NOTATIONS.len()) as u64;
    let erased = sandbox.run(["erase", "sqlite:s.db", "--email", "ann@example.com", "--apply"]);
    erased.exits(0).says(&format!("{count} records deleted"));
    sandbox.run(["verify", "sqlite:s.db", "--email", "ann@example.com"]).exits(0);
}

/// What has the shape of a digest and is none of a person.
#[test]
fn identifiers_of_things_are_no_digests_of_people() {
    let sandbox = Sandbox::new();
    let of = |n: u8| hex(&Sha1::digest([n]));
    let md5 = |n: u8| hex(&Md5::digest([n]));
    let uuid = |n: u8| {
        let mut bytes = Md5::digest([n]);
        (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
        hex(&bytes)
    };
    let rows = |header: &str, row: &dyn Fn(u8) -> String| {
        (1..40).fold(format!("{header}\n"), |text, n| format!("{text}{}\n", row(n)))
    };
    sandbox.file("data/commits.csv", rows("at,c2", &|n| format!("2026-01-{:02},{}", n % 28 + 1, of(n))));
    sandbox.file("data/log.csv", rows("commit,trace_id,id", &|n| format!("{},{},{}", of(n), md5(n), md5(n + 100))));
    sandbox.file("data/visits.csv", rows("c1,c2", &|n| format!("{n},{}", uuid(n))));
    sandbox
        .file("data/notes.txt", (1..9).map(|n| format!("built from {} and {}\n", of(n), uuid(n))).collect::<String>());
    sandbox.file("data/words.csv", rows("c1,c2", &|n| format!("{n},internationalization{:02}", n)));
    sandbox.run(["scan", "data", "--quiet"]).exits(0);
    let found: Vec<Value> = sandbox.run(["findings", "--type", "DIGEST", "--format", "jsonl"]).exits(0).lines();
    assert!(found.is_empty(), "{found:?}");
}
