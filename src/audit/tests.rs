//! The log as its callers and its enemies see it.

use std::path::PathBuf;

use serde_json::json;

use super::*;

struct Sandbox {
    dir: tempfile::TempDir,
    signer: Signer,
}

impl Sandbox {
    /// A log with so many entries.
    fn with(entries: u64) -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap(), signer: Signer::new([7; 32]) };
        for n in 1..=entries {
            sandbox.append(n);
        }
        sandbox
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("audit.sqlite")
    }

    fn append(&self, n: u64) -> Head {
        let act = Act {
            action: "find".to_owned(),
            purpose: Some(format!("request {n}")),
            request: None,
            details: json!({ "subjects": n }),
        };
        AuditLog::open(&self.file()).unwrap().append(&act, &self.signer).unwrap()
    }

    /// What does not hold, given heads.
    fn problems(&self, heads: &[Head]) -> Vec<String> {
        let trusted = [self.signer.public_key()];
        AuditLog::read(&self.file()).unwrap().verify(heads, &trusted).unwrap().problems
    }

    /// Does to the file what nobody should, without the triggers.
    fn tamper(&self, sql: &'static str) {
        let mut catalog = Catalog::append_only(&self.file(), "SELECT 1").unwrap();
        catalog.run("DROP TRIGGER entry_stays", &[]).unwrap();
        catalog.run("DROP TRIGGER entry_remains", &[]).unwrap();
        catalog.run(sql, &[]).unwrap();
    }
}

#[test]
fn a_log_holds_and_gives_its_entries_back() {
    let sandbox = Sandbox::with(3);
    assert_eq!(sandbox.problems(&[]), [] as [String; 0]);
    let mut log = AuditLog::read(&sandbox.file()).unwrap();
    let mut seen = Vec::new();
    log.each(2, &mut |entry| seen.push((entry.seq, entry.purpose.unwrap_or_default(), entry.details))).unwrap();
    let expected = |n: u64| (n, format!("request {n}"), format!("{{\"subjects\":{n}}}"));
    assert_eq!(seen, [expected(2), expected(3)]);
    let head = log.head().unwrap().expect("it has entries");
    assert_eq!(head.seq, 3);
    drop(log);
    sandbox.append(4);
    assert_eq!(sandbox.problems(&[head]), [] as [String; 0], "an older head is passed");
}

#[test]
fn the_file_refuses_changes() {
    let sandbox = Sandbox::with(2);
    let mut catalog = Catalog::append_only(&sandbox.file(), "SELECT 1").unwrap();
    for sql in ["UPDATE entry SET actor = 'x'", "DELETE FROM entry", "DELETE FROM log", "UPDATE log SET id = 'x'"] {
        let refused = catalog.run(sql, &[]).expect_err(sql);
        let cause = std::error::Error::source(&refused).expect("SQLite says why").to_string();
        assert!(cause.contains("append-only"), "{sql}: {cause}");
    }
    drop(catalog);
    assert_eq!(sandbox.problems(&[]), [] as [String; 0]);
}

#[test]
fn tampering_shows() {
    let cases: [(&str, &str, &str); 10] = [
        ("an edit", "UPDATE entry SET purpose = 'another' WHERE seq = 3", "entry 3 was edited"),
        ("an edit of the time", "UPDATE entry SET time = '2020-01-01T00:00:00Z' WHERE seq = 1", "entry 1 was edited"),
        ("an edit of the details", "UPDATE entry SET details = '{}' WHERE seq = 5", "entry 5 was edited"),
        ("a removal", "DELETE FROM entry WHERE seq = 2", "entry 2 is missing"),
        ("a removal at the beginning", "DELETE FROM entry WHERE seq < 3", "entries 1 to 2 are missing"),
        (
            "a removal, renumbered",
            "DELETE FROM entry WHERE seq = 2; UPDATE entry SET seq = seq - 1 WHERE seq > 2",
            "entry 2 does not follow",
        ),
        (
            "a change of order",
            "UPDATE entry SET seq = -seq WHERE seq IN (2, 3); UPDATE entry SET seq = 5 + seq WHERE seq < 0",
            "entry 2 does not follow",
        ),
        (
            "another's signature",
            "UPDATE entry SET signature = (SELECT signature FROM entry WHERE seq = 1) WHERE seq = 4",
            "entry 4 is not signed",
        ),
        (
            "an addition",
            "INSERT INTO entry SELECT 0, time, actor, action, purpose, request, details, previous, digest, public_key, \
             signature FROM entry WHERE seq = 1",
            "1 entries stand before the first",
        ),
        ("a truncation", "DELETE FROM entry WHERE seq > 3", "cut off"),
    ];
    for (name, sql, expected) in cases {
        let sandbox = Sandbox::with(5);
        let head = AuditLog::read(&sandbox.file()).unwrap().head().unwrap().expect("it has entries");
        sandbox.tamper(sql);
        let problems = sandbox.problems(&[head]);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{name}: {problems:?}");
    }
}

#[test]
fn a_log_that_was_written_anew_shows() {
    let sandbox = Sandbox::with(5);
    let head = AuditLog::read(&sandbox.file()).unwrap().head().unwrap().expect("it has entries");
    let mut another = Sandbox::with(6);
    another.signer = Signer::new([8; 32]);
    let problems = another.problems(&[]);
    assert!(problems.iter().any(|problem| problem.contains("not one to be trusted")), "{problems:?}");
    let mut log = AuditLog::read(&another.file()).unwrap();
    let problems = log.verify(&[head], &[]).unwrap().problems;
    assert_eq!(problems, ["the head of entry 5 is another log's: was this log put in its place?"]);
}

#[test]
fn several_may_write_at_once() {
    let sandbox = Sandbox::with(1);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let sandbox = &sandbox;
            scope.spawn(move || (0..5).for_each(|i| drop(sandbox.append(n * 5 + i))));
        }
    });
    let verdict = AuditLog::read(&sandbox.file()).unwrap().verify(&[], &[]).unwrap();
    assert_eq!((verdict.entries, verdict.problems.len()), (21, 0), "{:?}", verdict.problems);
}
