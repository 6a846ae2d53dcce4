//! `verify`, certificates and the audit log: what is left is found wherever it hides, and what is said holds.

use std::fs;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::sandbox::{Run, Sandbox};
use crate::servers::{self, Postgres};

/// Whom it is about, and how else somebody might write them down.
const JANE: &str = "jane.roe@example.com";

/// Files and a database about other people, under a configuration.
fn company() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("data/crm.csv", "id,name,email\n1,Omar Diaz,omar@example.org\n2,Ann Lee,ann@example.net\n");
    sandbox.file("data/app.log", "2026-01-31T08:15:42Z login of omar@example.org\n");
    sqlite(
        &sandbox,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, note TEXT); \
         INSERT INTO customers VALUES (1, 'omar@example.org', ''), (2, 'ann@example.net', 'likes tea')",
    );
    sandbox.file(
        "residuum.toml",
        "[[source]]\nname = \"files\"\nurl = \"data\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n",
    );
    sandbox
}

fn sqlite(sandbox: &Sandbox, sql: &str) {
    let status = std::process::Command::new("sqlite3").arg(sandbox.path("shop.sqlite")).arg(sql).status();
    assert!(status.expect("sqlite3 is installed").success(), "{sql}");
}

fn verify(sandbox: &Sandbox, certificate: &str) -> Run {
    sandbox.run(["verify", "--email", JANE, "--request", "R-7", "--certificate", certificate, "--quiet"])
}

#[test]
fn nothing_left_is_certified_and_the_certificate_holds() {
    let sandbox = company();
    let run = sandbox.run(["verify", "--email", JANE, "--request", "R-7", "--certificate", "c.json"]);
    run.exits(0).says("nothing residual").says("5 of 5 canaries found").says("the certificate is in c.json");
    let text = fs::read_to_string(sandbox.path("c.json")).expect("it was made");
    assert!(!text.contains("jane") && text.contains("\"request\": \"R-7\""), "{text}");
    let check = |more: &[&str]| sandbox.run(["certificate", "check", "c.json"].iter().chain(more));
    check(&[])
        .exits(0)
        .prints("the certificate holds")
        .prints("files (files)")
        .prints("shop (sqlite)")
        .prints("VACUUM");
    check(&["--opening", "c.opening.json", "--email", "JANE.ROE@example.com"]).exits(0).prints("these identifiers");
    check(&["--opening", "c.opening.json", "--email", "joan@example.com"])
        .exits(3)
        .prints("not about these identifiers");
    check(&["--email", JANE]).exits(1).says("without an opening");
    check(&["--public-key", "zz"]).exits(1).says("64 hexadecimal digits");
    check(&["--public-key", &"00".repeat(32)]).exits(3).prints("not the key to be trusted");
    let states = sandbox.run(["certificate", "check", "c.json", "--format", "json"]).exits(0).json();
    assert_eq!((states["subjects"].as_u64(), states["places"]["residual"].as_u64()), (Some(1), Some(0)), "{states}");
    assert_eq!(states["sources"][0]["read"], 2, "{states}");
    // As an auditor with nothing of ours sees it, and after a change.
    let mut command = sandbox.command(["certificate", "check", "c.json"]);
    command.env("HOME", sandbox.path("elsewhere"));
    Run::of(&mut command).exits(0).says("no public key was given");
    sandbox.file("c.json", text.replace("R-7", "R-8"));
    check(&[]).exits(3).prints("the signature does not fit");
    verify(&sandbox, "c.json").exits(1).says("is there already");
    // One that cannot be written leaves nothing that the next try would trip over.
    std::os::unix::fs::symlink("nowhere/d.json", sandbox.path("d.json")).expect("it can be made");
    verify(&sandbox, "d.json").exits(1).says("cannot be made");
    fs::remove_file(sandbox.path("d.json")).expect("it is there");
    verify(&sandbox, "d.json").exits(0);
    sandbox.file("c.json", "{");
    check(&[]).exits(3).prints("not a certificate");
}

#[test]
fn a_copy_that_is_left_is_found_wherever_it_is() {
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("memory takes everything");
        encoder.finish().expect("memory takes everything")
    };
    let digest: String = Sha256::digest(JANE).iter().map(|byte| format!("{byte:02x}")).collect();
    let zipped = |name: &str, content: &[u8]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a name");
        zip.write_all(content).expect("memory takes everything");
        zip.finish().expect("memory takes everything").into_inner()
    };
    let files: [(&str, &str, Vec<u8>); 8] = [
        ("a row", "data/x.csv", format!("id,email\n7,{JANE}\n8,bob@example.com\n").into()),
        ("a log line", "data/x.log", format!("08:15 failed login of {JANE} from 192.0.2.7\n").into()),
        ("in other letters", "data/x.txt", b"write to Jane.Roe@EXAMPLE.com soon\n".to_vec()),
        ("Base64", "data/x.json", format!("{{\"payload\": \"{}\"}}", STANDARD.encode(format!("to: {JANE}"))).into()),
        ("gzip in Base64", "data/x.json", format!("{{\"p\": \"{}\"}}", STANDARD.encode(gzip(JANE))).into()),
        ("a digest", "data/x.csv", format!("id,email_sha256\n7,{digest}\n").into()),
        ("a zip in a zip", "data/x.zip", zipped("in.zip", &zipped("mail.txt", format!("to {JANE}\n").as_bytes()))),
        ("a compressed dump", "data/d.sql.gz", gzip(&format!("INSERT INTO users VALUES (7, '{JANE}');\n"))),
    ];
    let sandbox = company();
    for (name, path, content) in files {
        sandbox.file(path, content);
        let run = sandbox.run(["verify", "--email", JANE, "--certificate", "c.json", "--format", "jsonl"]);
        let lines = run.exits(3).says("no certificate was made").lines();
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        assert_eq!((&lines[0]["state"], &lines[0]["source"]), (&"residual".into(), &"files".into()), "{name}");
        assert!(!sandbox.path("c.json").exists(), "{name}");
        fs::remove_file(sandbox.path(path)).expect("it was made");
    }
    let rows = [
        ("a row", "INSERT INTO customers VALUES (3, 'jane.roe@example.com', '')"),
        ("a note", "INSERT INTO customers VALUES (3, '', 'called Jane.Roe@example.com')"),
        ("another table", "CREATE TABLE history AS SELECT 1 AS v, '{\"old\": \"jane.roe@example.com\"}' AS change"),
        ("the definition of a view", "CREATE VIEW v AS SELECT * FROM customers WHERE email <> 'jane.roe@example.com'"),
    ];
    for (name, sql) in rows {
        sqlite(&sandbox, sql);
        let lines = sandbox.run(["verify", "--email", JANE, "--format", "jsonl"]).exits(3).lines();
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        assert_eq!(lines[0]["source"], "shop", "{name}");
        sqlite(
            &sandbox,
            "DELETE FROM customers WHERE id = 3; DROP TABLE IF EXISTS history; DROP VIEW IF EXISTS v; VACUUM",
        );
    }
    verify(&sandbox, "c.json").exits(0);
}

/// Jane's other identifiers, as they are given.
const PHONE: &str = "+1 202 555 0123";
const SSN: &str = "219-09-8761";

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Looks for Jane with all her identifiers; gives the places.
fn left_of_jane(sandbox: &Sandbox, name: &str) -> Vec<serde_json::Value> {
    let ssn = format!("US_SSN={SSN}");
    let people = ["--email", JANE, "--phone", PHONE, "--value", &ssn];
    let more = ["--certificate", "c.json", "--format", "jsonl", "--quiet"];
    let run = sandbox.run(["verify"].iter().chain(&people).chain(&more));
    assert!(!sandbox.path("c.json").exists(), "{name}: {} {}", run.stdout, run.stderr);
    run.exits(3).lines()
}

#[test]
fn what_nothing_types_is_found_all_the_same() {
    let sandbox = company();
    let md5 = hex(&Md5::digest(JANE));
    let sha1 = hex(&Sha1::digest("202-555-0123"));
    let sha256 = Sha256::digest("+12025550123");
    let sha512 = hex(&Sha512::digest(JANE));
    let files: [(&str, &str, String); 16] = [
        ("bare digits in a column", "data/x.csv", "id,x\n7,219098761\n8,398110034\n".into()),
        ("a bare telephone number in a column", "data/x.csv", "id,x\n7,2025550123\n8,77\n".into()),
        ("digits in a column of numbers", "data/x.jsonl", "{\"id\":7,\"x\":219098761}\n{\"id\":8,\"x\":5}\n".into()),
        ("digits in a column that is skipped", "data/x.csv", "id,created_at\n7,2026-01-01\n8,219098761\n".into()),
        ("bare digits in text", "data/x.txt", "the caller gave 219098761 and hung up\n".into()),
        ("bare digits in a log", "data/x.log", "08:15 GET /api/u/2025550123/orders 200\n".into()),
        ("MD5 in a log", "data/x.log", format!("08:15 pixel fired u={md5} ok\n")),
        (
            "MD5 as a UUID",
            "data/x.csv",
            format!("id,k\n7,{}-{}-{}-{}-{}\n", &md5[..8], &md5[8..12], &md5[12..16], &md5[16..20], &md5[20..]),
        ),
        ("SHA-1 of a written form", "data/x.csv", format!("id,h\n7,{sha1}\n")),
        ("SHA-256 with a plus sign", "data/x.log", format!("08:15 match {} sent\n", hex(&sha256).to_uppercase())),
        (
            "SHA-256 in Base64 in a URL",
            "data/x.log",
            format!("GET /p?em={}&v=1\n", STANDARD.encode(sha256).replace('=', "%3D")),
        ),
        ("SHA-512", "data/x.csv", format!("id,h\n7,{sha512}\n")),
        ("a digest behind an escape", "data/x.json", format!("{{\"u\": \"https://e.example/?a=%20{md5}%20\"}}")),
        ("digits in Base64", "data/x.json", format!("{{\"p\": \"{}\"}}", STANDARD.encode("customer 219098761 called"))),
        (
            "a key of a map",
            "data/x.json",
            "{\"people\": {\"219098761\": {\"a\": 1}, \"398110034\": {\"a\": 2}}}".into(),
        ),
        ("a field of fixed width", "data/x.txt", "0000219098761NY00\n".into()),
    ];
    for (name, path, content) in files {
        sandbox.file(path, content);
        let lines = left_of_jane(&sandbox, name);
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        let line = &lines[0];
        assert_eq!((&line["state"], &line["source"]), (&"residual".into(), &"files".into()), "{name}: {line}");
        assert!(line["object"].as_str().is_some_and(|object| path.ends_with(object)), "{name}: {line}");
        fs::remove_file(sandbox.path(path)).expect("it was made");
    }
    let rows = [
        ("a number", "CREATE TABLE t AS SELECT 1 AS id, 219098761 AS x"),
        ("a digest as bytes in hexadecimal", &format!("CREATE TABLE t AS SELECT 1 AS id, '{sha512}' AS x")),
        (
            "UTF-16 in bytes",
            &format!("CREATE TABLE t AS SELECT 1 AS id, x'{}' AS x", hex(&wide(&format!("to {JANE}")))),
        ),
        (
            "UTF-16 among other bytes",
            &format!("CREATE TABLE t AS SELECT 1 AS id, x'0102ff{}ffff' AS x", hex(&wide("219098761"))),
        ),
    ];
    for (name, sql) in rows {
        sqlite(&sandbox, sql);
        let lines = left_of_jane(&sandbox, name);
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        assert_eq!((&lines[0]["source"], &lines[0]["field"]), (&"shop".into(), &"x".into()), "{name}");
        sqlite(&sandbox, "DROP TABLE t; VACUUM");
    }
    // The place and the reason are told; of a place that a rule found as well, the rule's.
    sandbox.file("data/x.csv", "id,x,email\n7,219098761,Jane.Roe@example.com\n");
    let lines = left_of_jane(&sandbox, "both");
    let why: Vec<_> = lines.iter().map(|line| (line["field"].to_string(), line["why"].to_string())).collect();
    assert_eq!(why, [("\"email\"".into(), "[\"EMAIL\"]".into()), ("\"x\"".into(), "[\"US_SSN\",\"literal\"]".into())]);
    let x = &lines[1];
    assert_eq!(
        (&x["rule"], x["byte_start"].as_u64(), x["byte_end"].as_u64()),
        (&"literal".into(), Some(13), Some(22)),
        "{x}"
    );
    fs::remove_file(sandbox.path("data/x.csv")).expect("it was made");
    sandbox.file("data/219098761.txt", "nothing here\n");
    let lines = left_of_jane(&sandbox, "the name of a file");
    assert_eq!((lines.len(), &lines[0]["field"]), (1, &"(name)".into()), "{lines:?}");
    fs::remove_file(sandbox.path("data/219098761.txt")).expect("it was made");
    verify(&sandbox, "c.json").exits(0);
}

#[test]
fn what_is_hidden_in_an_encoding_is_found() {
    let sandbox = company();
    let url = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let token = [
        url(r#"{"alg":"HS256","typ":"JWT"}"#),
        url(&format!("{{\"sub\":\"7\",\"email\":\"{JANE}\"}}")),
        url("0123456789abcdef0123456789abcdef"),
    ];
    let files: [(&str, &str, String); 6] = [
        ("a JWT", "data/x.log", format!("08:15 Authorization: Bearer {}\n", token.join("."))),
        ("a JWT in a field", "data/x.csv", format!("id,session\n7,{}\n", token.join("."))),
        (
            "UTF-16 in Base64",
            "data/x.json",
            format!("{{\"p\": \"{}\"}}", STANDARD.encode(wide(&format!("Empfänger {JANE}")))),
        ),
        ("text in hexadecimal", "data/x.log", format!("08:15 body={} end\n", hex(format!("to {JANE}").as_bytes()))),
        (
            "text in hexadecimal as SQL writes it",
            "data/x.txt",
            format!("SET x = 0x{}\n", hex(JANE.as_bytes()).to_uppercase()),
        ),
        ("a short text in hexadecimal", "data/x.csv", format!("id,x\n7,{}\n", hex(b"219098761"))),
    ];
    for (name, path, content) in files {
        sandbox.file(path, content);
        let lines = left_of_jane(&sandbox, name);
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        assert_eq!((&lines[0]["state"], &lines[0]["source"]), (&"residual".into(), &"files".into()), "{name}");
        fs::remove_file(sandbox.path(path)).expect("it was made");
    }
}

#[test]
fn what_is_hidden_in_bytes_is_found() {
    let sandbox = company();
    let zlib = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(format!("hello {JANE}").as_bytes()).expect("memory takes everything");
        encoder.finish().expect("memory takes everything")
    };
    let mysql = [&(JANE.len() as u32 + 6).to_le_bytes()[..], &zlib].concat();
    let values = [
        ("zlib", format!("x'{}'", hex(&zlib))),
        ("zlib in hexadecimal", format!("'{}'", hex(&zlib))),
        ("as MySQL compresses", format!("x'{}'", hex(&mysql))),
        ("MD5", format!("x'{}'", hex(&Md5::digest(JANE)))),
        ("SHA-1", format!("x'{}'", hex(&Sha1::digest(JANE)))),
        ("SHA-256", format!("x'{}'", hex(&Sha256::digest(JANE)))),
        ("SHA-512", format!("x'{}'", hex(&Sha512::digest(JANE)))),
    ];
    for (name, value) in &values {
        sqlite(&sandbox, &format!("CREATE TABLE t AS SELECT 1 AS id, {value} AS x"));
        let lines = left_of_jane(&sandbox, name);
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        assert_eq!((&lines[0]["source"], &lines[0]["field"]), (&"shop".into(), &"x".into()), "{name}");
        sqlite(&sandbox, "DROP TABLE t; VACUUM");
    }
    let digest = |email: &str| hex(&Sha256::digest(email));
    let others = ["omar@example.org", "ann@example.net", "kim@example.com"].map(digest);
    sqlite(
        &sandbox,
        &format!(
            "CREATE TABLE audience (id INTEGER PRIMARY KEY, email_sha256 BLOB); INSERT INTO audience (email_sha256) \
             VALUES (x'{}'), (x'{}'), (x'{}'), (x'{}')",
            others[0],
            others[1],
            others[2],
            digest(JANE)
        ),
    );
    sandbox.run(["scan"]).exits(0);
    let found = sandbox.run(["find", "--email", JANE, "--format", "jsonl"]).exits(0).lines();
    assert_eq!((found.len(), &found[0]["field"]), (1, &"email_sha256".into()), "{found:?}");
    sandbox.run(["erase", "--email", JANE, "--apply"]).exits(0).says("1 record deleted");
    verify(&sandbox, "c.json").exits(0);
}

#[test]
fn what_is_written_into_a_schema_of_postgresql_is_found() {
    let Some(postgres) =
        Postgres::new("definitions", "CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'a')")
    else {
        return;
    };
    let sandbox = Sandbox::new();
    servers::secrets(&sandbox);
    sandbox.file("residuum.toml", postgres.source("crm", ""));
    for (name, sql, undo) in [
        ("a comment", "COMMENT ON TABLE t IS 'ask JANE'", "COMMENT ON TABLE t IS NULL"),
        ("a column's comment", "COMMENT ON COLUMN t.x IS 'of JANE'", "COMMENT ON COLUMN t.x IS NULL"),
        ("a schema's comment", "COMMENT ON SCHEMA public IS 'JANE'", "COMMENT ON SCHEMA public IS NULL"),
        ("a default", "ALTER TABLE t ALTER x SET DEFAULT 'JANE'", "ALTER TABLE t ALTER x DROP DEFAULT"),
        ("a constraint", "ALTER TABLE t ADD CONSTRAINT c CHECK (x <> 'JANE')", "ALTER TABLE t DROP CONSTRAINT c"),
        ("a label", "CREATE TYPE e AS ENUM ('a', 'JANE')", "DROP TYPE e"),
        ("a domain", "CREATE DOMAIN d AS text CHECK (VALUE <> 'JANE')", "DROP DOMAIN d"),
        ("a view", "CREATE VIEW v AS SELECT id FROM t WHERE x = 'JANE'", "DROP VIEW v"),
        ("an index", "CREATE INDEX i ON t (id) WHERE x = 'JANE'", "DROP INDEX i"),
        ("a function", "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'JANE' $$", "DROP FUNCTION f"),
        ("a policy", "CREATE POLICY p ON t USING (x = 'JANE')", "DROP POLICY p ON t"),
        (
            "a partition's bound",
            "CREATE TABLE parts (x text) PARTITION BY LIST (x); CREATE TABLE part PARTITION OF parts FOR VALUES IN ('JANE')",
            "DROP TABLE parts",
        ),
        ("the name of a table", "CREATE TABLE \"of JANE\" (id int)", "DROP TABLE \"of JANE\""),
    ] {
        postgres.run(&sql.replace("JANE", JANE));
        let lines = left_of_jane(&sandbox, name);
        assert!(lines.iter().any(|line| line["what"] == "definition" && line["type"] == "EMAIL"), "{name}: {lines:?}");
        postgres.run(&undo.replace("JANE", JANE));
    }
    verify(&sandbox, "c.json").exits(0);
}

#[test]
fn literals_of_weak_identifiers_are_possible_and_others_values_are_not_found() {
    let sandbox = company();
    sandbox.file(
        "data/x.log",
        "08:15 export for jane_roe from 192.0.2.70 n=2190987610 0.219098761 u=mary.jane.roe@example.com\n",
    );
    let ssn = format!("US_SSN={SSN}");
    let people = ["--email", JANE, "--name", "Jane Roe", "--value", &ssn, "--value", "IP_ADDRESS=192.0.2.7"];
    let lines = sandbox.run(["verify", "--format", "jsonl"].iter().chain(&people)).exits(0).lines();
    assert!(lines.iter().all(|line| line["state"] == "possible"), "{lines:?}");
}

#[test]
fn what_was_deleted_and_still_stands_in_the_file_is_found() {
    let sandbox = company();
    fs::copy(sandbox.path("shop.sqlite"), sandbox.path("data/copy.db")).expect("it can be copied");
    let filled = "PRAGMA secure_delete = OFF; INSERT INTO customers WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL \
                  SELECT i + 1 FROM n WHERE i < 400) SELECT i, 'other' || i || '@example.net', '' FROM n; \
                  INSERT INTO customers VALUES (500, 'Jane.Roe@example.com', '(202) 555-0123');";
    for (file, source, delete, what) in [
        ("shop.sqlite", "shop", "DELETE FROM customers WHERE id = 500", "free space of a page"),
        ("data/copy.db", "files", "DELETE FROM customers", "freed page"),
    ] {
        let run = |sql: &str| {
            let status = std::process::Command::new("sqlite3").arg(sandbox.path(file)).arg(sql).status();
            assert!(status.expect("sqlite3 is installed").success(), "{sql}");
        };
        run(&format!("{filled} {delete}"));
        let people = ["--email", JANE, "--phone", "202-555-0123", "--certificate", "c.json"];
        let lines = sandbox.run(["verify", "--format", "jsonl"].iter().chain(&people)).exits(3).lines();
        let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap_or_default()).collect();
        assert_eq!(kinds.len(), 2, "{lines:?}");
        assert!(kinds.contains(&"PHONE") && kinds.contains(&"EMAIL"), "{lines:?}");
        for line in &lines {
            assert_eq!((&line["source"], &line["what"]), (&source.into(), &what.into()), "{lines:?}");
        }
        sandbox.run(["verify"].iter().chain(&people)).exits(3).prints("stands outside of records");
        run("VACUUM");
        sandbox.run(["verify"].iter().chain(&people[..4])).exits(0);
    }
}

#[test]
fn values_in_the_statistics_of_postgresql_are_found() {
    let Some(postgres) = Postgres::new(
        "statistics",
        "CREATE TABLE people (id int PRIMARY KEY, email text, x bigint, tags text[]); \
         ALTER TABLE people SET (autovacuum_enabled = false); \
         INSERT INTO people SELECT n, 'o' || n || '@example.net', n, ARRAY['a', 'b'] FROM generate_series(1, 500) n; \
         INSERT INTO people SELECT n, 'jane.roe@example.com', 219098761, ARRAY['2025550123'] FROM generate_series(501, 900) n; \
         CREATE STATISTICS together (mcv) ON email, x FROM people; ANALYZE people; DELETE FROM people WHERE id > 500;",
    ) else {
        return;
    };
    let sandbox = Sandbox::new();
    servers::secrets(&sandbox);
    sandbox.file("residuum.toml", postgres.source("crm", ""));
    let lines = left_of_jane(&sandbox, "statistics");
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["EMAIL", "PHONE", "US_SSN"], "{lines:?}");
    for line in &lines {
        assert_eq!((&line["object"], &line["what"]), (&"public.people".into(), &"statistics".into()), "{line}");
        assert_eq!(
            (&line["state"], &line["cure"]),
            (&"residual".into(), &"run `ANALYZE` on the table".into()),
            "{line}"
        );
    }
    sandbox.run(["verify", "--email", JANE]).exits(3).prints("ANALYZE");
    postgres.run("ANALYZE people");
    verify(&sandbox, "c.json").exits(0);
}

#[test]
fn a_certificate_is_printed_for_people() {
    let sandbox = company();
    verify(&sandbox, "c.json").exits(0);
    let print = |more: &[&str]| sandbox.run(["certificate", "print", "c.json", "--quiet"].iter().chain(more));
    print(&["-o", "c.html"]).exits(0);
    print(&["-o", "c.html"]).exits(1).says("c.html");
    let json = fs::read(sandbox.path("c.json")).expect("it was made");
    let statement = sandbox.run(["certificate", "check", "c.json", "--format", "json"]).exits(0).json();
    let key = serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")["signature"]["public_key"].clone();
    let digest = hex(&Sha256::digest(&json));
    let words = [key.as_str().expect("a key"), &digest, "R-7", "1 person", "files (files)", "What was not searched"];
    let commitment = statement["commitment"].as_str().expect("a commitment");
    let page = fs::read_to_string(sandbox.path("c.html")).expect("it was made");
    for word in words.iter().chain(&[commitment]) {
        assert!(page.contains(word), "{word} in {page}");
    }
    assert!(page.contains("<html lang=\"en\">") && !page.contains("src=") && !page.contains("jane"), "{page}");
    print(&["--format", "pdf", "-o", "c.pdf"]).exits(0);
    let pdf = fs::read(sandbox.path("c.pdf")).expect("it was made");
    assert!(pdf.starts_with(b"%PDF-1.7") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
    // What does not hold is not printed.
    sandbox.file("c.json", String::from_utf8(json).expect("text").replace("R-7", "R-8"));
    print(&["-o", "d.html"]).exits(3);
    assert!(!sandbox.path("d.html").exists());
}

#[test]
fn what_was_not_looked_at_is_not_certified() {
    let sandbox = company();
    let noise: Vec<u8> = (0..4_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    sandbox.file("data/unknown.bin", &noise);
    let run = sandbox.run(["verify", "--email", JANE, "--certificate", "c.json"]);
    run.exits(2).says("not everything could be looked at").says("unknown.bin").says("no certificate was made");
    fs::remove_file(sandbox.path("data/unknown.bin")).expect("it was made");
    for glob in [["--exclude", "*.log"], ["--include", "crm.csv"]] {
        let run = sandbox.run(["verify", "--email", JANE, "--certificate", "c.json"].iter().chain(&glob));
        run.exits(2).says("leave out").says("no certificate was made: not everything");
    }
    assert!(!sandbox.path("c.json").exists());
    fs::remove_file(sandbox.path("shop.sqlite")).expect("it was made");
    sandbox.run(["verify", "--email", JANE, "--certificate", "c.json"]).exits(2).says("no certificate was made");
    sandbox.run(["verify"]).exits(1).says("nobody to look for");
    let empty = Sandbox::new();
    fs::create_dir(empty.path("data")).expect("it is new");
    let run = empty.run(["verify", "data", "--email", JANE, "--certificate", "c.json"]);
    run.says("no certificate was made: there was nothing to look at");
    empty
        .run(["verify", "data", "--email", JANE, "--certificate", "no/c.json"])
        .exits(1)
        .says("there is no directory `no`");
}

#[test]
fn nobody_is_certified_whose_identifiers_are_not_known() {
    let sandbox = company();
    let cases = [
        ("two in a cell", "subject_id,email\ns1,\"a@example.com; b@example.com\"\n", "1 cell of `p.csv` did not parse"),
        ("a bad one beside a good one", "email,phone\nnone,202-555-0123\n", "1 cell of `p.csv` did not parse"),
        ("no identifier", "subject_id,email\ns7,\n", "subject `s7` has no identifier"),
    ];
    for (name, people, says) in cases {
        sandbox.file("p.csv", people);
        let run = sandbox.run(["verify", "--identifiers", "p.csv", "--certificate", "c.json"]).exits(1).says(says);
        assert!(!sandbox.path("c.json").exists() && run.stdout.is_empty(), "{name}");
    }
}

#[test]
fn an_identifier_of_several_people_is_left() {
    let sandbox = company();
    sandbox.file("data/both.csv", format!("id,name,email\n1,Jane Doe,{JANE}\n2,Mark Smith,{JANE}\n"));
    let run = sandbox.run(["verify", "--email", JANE, "--certificate", "c.json", "--format", "jsonl"]);
    let lines = run.exits(3).says("no certificate was made: an identifier stands with several people").lines();
    assert!(lines.iter().any(|line| line["state"] == "joint"), "{lines:?}");
}

#[test]
fn namesakes_are_possible_and_no_residue() {
    let sandbox = company();
    let run =
        sandbox.run(["verify", "--email", JANE, "--name", "Ann Lee", "--certificate", "c.json", "--format", "jsonl"]);
    let lines = run.exits(0).says("1 possible").lines();
    assert_eq!(lines[0]["state"], "possible", "{lines:?}");
    sandbox.run(["certificate", "check", "c.json"]).exits(0).prints("1 places where a namesake may be");
}

#[test]
fn what_is_asked_is_audited_and_the_log_holds() {
    let sandbox = company();
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["audit", "verify"]).exits(1).says("there is no audit log");
    sandbox.run(["find", "--email", "omar@example.org", "--purpose", "request R-1"]).exits(0).says("signing.key");
    let purpose = ["--purpose", "request R-1 of nobody@example.org"];
    let asked = sandbox.run([&["find", "--email", "nobody@example.org"][..], &purpose].concat());
    asked.exits(3).says("request R-1 of ⟨EMAIL⟩");
    verify(&sandbox, "c.json").exits(0);
    sandbox.run(["audit", "verify"]).exits(0).prints("holds: 5 entries").never_says("no head was at hand");
    let lines = sandbox.run(["audit", "export"]).exits(0).nowhere("omar").nowhere("jane").nowhere("nobody").lines();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap_or_default()).collect();
    assert_eq!(actions, ["find", "find", "verify", "certified", "verified"]);
    assert_eq!((&lines[0]["purpose"], &lines[2]["request"]), (&"request R-1".into(), &"R-7".into()));
    assert!(lines[0]["details"].as_str().is_some_and(|details| details.contains("\"EMAIL\":1")), "{lines:?}");
    assert_eq!(sandbox.run(["audit", "export", "--from", "5"]).exits(0).lines().len(), 1);
    sandbox.run(["audit", "export", "--format", "csv"]).exits(0).prints("seq,time,actor,action");
    // A head that is kept, and a log that is cut off behind the back of the state directory.
    let head = sandbox.run(["audit", "head"]).exits(0).stdout;
    sandbox.file("head.json", head);
    let log = sandbox.path(".residuum/audit.sqlite");
    let cut = "DROP TRIGGER entry_remains; DELETE FROM entry WHERE seq = 5";
    assert!(std::process::Command::new("sqlite3").arg(&log).arg(cut).status().expect("sqlite3 is installed").success());
    sandbox.run(["audit", "verify"]).exits(3).prints("cut off").prints("does not hold");
    let mut command = sandbox.command(["audit", "verify", "--head", "head.json"]);
    command.env("HOME", sandbox.path("elsewhere"));
    Run::of(&mut command).exits(3).prints("cut off").says("no public key was given");
    sandbox.run(["audit", "verify", "--head", "residuum.toml"]).exits(1).says("is not a head");
    fs::write(&log, [7; 9_000]).expect("it can be written");
    sandbox.run(["audit", "verify"]).exits(1).says("audit.sqlite").says("keep it as evidence");
    sandbox.run(["find", "--email", "omar@example.org"]).exits(1).says("nothing was done");
    // A log that is put in the place of another.
    fs::remove_file(&log).expect("it is there");
    sandbox.run(["find", "--email", "omar@example.org"]).exits(0);
    let run = sandbox.run(["audit", "verify"]).exits(3).prints("was this log put in its place?");
    // Who put it there rightly is told how to say so; from then on the new log is anchored as the old one was.
    let kept = run.stderr.split('`').find(|word| word.contains("/heads/")).expect("the file is named").to_owned();
    sandbox.run(["find", "--email", "omar@example.org"]).exits(0);
    fs::remove_file(kept).expect("it is there");
    sandbox.run(["audit", "verify"]).exits(0).prints("holds: 2 entries").never_says("no head was at hand");
    let cut = "DROP TRIGGER entry_remains; DELETE FROM entry WHERE seq = 2";
    assert!(std::process::Command::new("sqlite3").arg(&log).arg(cut).status().expect("sqlite3 is installed").success());
    sandbox.run(["audit", "verify"]).exits(3).prints("cut off");
}
