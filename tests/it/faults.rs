//! What goes wrong in files and databases, and what a scan makes of it: each row of `docs/faults.md`, from a real run.
//!
//! S3's rows are in `s3/mod.rs`.

#[cfg(feature = "http")]
pub(crate) mod api;
mod databases;
mod files;
mod sqlite;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

/// What a scan makes of a fault.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The findings are those of a scan without it.
    Identical,
    /// One object is named with this state and reason, and the others are read.
    Named(&'static str, &'static str, &'static str),
    /// What was not read yet is named for this reason, and the others are read.
    Rest(&'static str),
    /// The scan does not begin, for this reason.
    Ends(&'static str),
}

/// A connector's part of the table, with a sandbox where all is well to begin with.
struct Faults {
    section: &'static str,
    sandbox: Sandbox,
    /// What a scan without a fault finds.
    whole: String,
}

impl Faults {
    fn new(section: &'static str, sandbox: Sandbox) -> Self {
        sandbox.run(["scan", "--index", "whole"]).exits(0);
        let whole = findings(&sandbox, "whole");
        assert!(whole.lines().count() > 50, "there is something to be found");
        Self { section, sandbox, whole }
    }

    /// A scan into a new index.
    fn scan(&self) -> Run {
        let _ = fs::remove_dir_all(self.sandbox.path("index"));
        Run::of(&mut self.scanning())
    }

    /// The same, with something done once it has come as far as told. It keeps to one thread.
    fn scan_and(&self, until: impl Fn(&Child) -> bool, act: impl FnOnce()) -> Run {
        let _ = fs::remove_dir_all(self.sandbox.path("index"));
        self.again_and(until, act)
    }

    /// The same, into the index of the scan before.
    fn again_and(&self, until: impl Fn(&Child) -> bool, act: impl FnOnce()) -> Run {
        let mut command = self.scanning();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        while !until(&child) {
            assert!(child.try_wait().expect("it is our child").is_none(), "the scan ended before it came so far");
            std::thread::sleep(Duration::from_millis(5));
        }
        act();
        Run::new(&command, child.wait_with_output().expect("it ends"))
    }

    fn scanning(&self) -> Command {
        self.sandbox.command(["scan", "--jobs", "1", "--index", "index"])
    }

    /// Checks what a scan made of a fault, and that the table says so.
    #[track_caller]
    fn row(&self, name: &str, run: Run, then: Then) {
        let cell = match then {
            Then::Identical => {
                run.exits(0);
                self.agrees(name, |_| false);
                "findings identical, exit 0".to_owned()
            }
            Then::Named(state, object, reason) => {
                let run = run.exits(2);
                let (table, said) = (self.ledger(), run.stderr);
                assert_eq!(table.len(), 1, "{name}: {table:?}");
                let (of, line) =
                    (table[0]["object"].as_str().unwrap_or_default(), table[0]["reason"].as_str().unwrap_or_default());
                assert!(
                    table[0]["state"] == state && of.ends_with(object) && line.contains(reason),
                    "{name}: {table:?}"
                );
                assert!(said.contains(reason) && said.contains(object), "{name}: {said}");
                self.agrees(name, |of| of.ends_with(object) || of.starts_with(&format!("{object}/")));
                format!("object `{state}`: {reason} …; the rest identical, exit 2")
            }
            Then::Rest(reason) => {
                let run = run.exits(2);
                let table = self.ledger();
                assert!(!table.is_empty(), "{name}: something is left");
                for line in &table {
                    let said = line["reason"].as_str().unwrap_or_default();
                    assert!(line["state"] == "unreadable" && said.contains(reason), "{name}: {line}");
                }
                assert!(run.stderr.contains(reason), "{name}: {}", run.stderr);
                let names: Vec<_> = table.iter().map(|line| line["object"].as_str().unwrap_or_default()).collect();
                self.agrees(name, |of| names.contains(&of));
                format!("what was not read yet is `unreadable`: {reason} …; the rest identical, exit 2")
            }
            Then::Ends(reason) => {
                run.exits(1).says(reason);
                format!("{reason} …; exit 1")
            }
        };
        let table = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md")).expect("it is there");
        let section = table.split("\n## ").find(|part| part.starts_with(self.section)).unwrap_or_default();
        let row = section.lines().find(|line| line.starts_with(&format!("| {name} |")));
        assert_eq!(row, Some(&*format!("| {name} | {cell} |")), "docs/faults.md, {}", self.section);
    }

    /// With the fault gone, the next scan into the same index leaves what there would have been without it.
    #[track_caller]
    fn heals(&self) {
        Run::of(&mut self.scanning()).exits(0);
        self.agrees("afterwards", |_| false);
    }

    /// Whether the findings are those of a scan without a fault, besides those of some objects.
    #[track_caller]
    fn agrees(&self, name: &str, is_named: impl Fn(&str) -> bool) {
        let others = |findings: &str| {
            let is_other = |line: &&str| {
                let line: Value = serde_json::from_str(line).expect("it is JSON");
                !is_named(line["object"].as_str().unwrap_or_default())
            };
            findings.lines().filter(is_other).map(str::to_owned).collect::<Vec<_>>()
        };
        let (found, whole) = (others(&findings(&self.sandbox, "index")), others(&self.whole));
        assert!(found == whole, "{name}: {} findings instead of {}", found.len(), whole.len());
    }

    /// What stands in the ledger as a hole.
    fn ledger(&self) -> Vec<Value> {
        let report = self.sandbox.run(["report", "--index", "index", "--format", "json"]).exits(2).json();
        let lines = report["ledger"].as_array().cloned().unwrap_or_default();
        lines.into_iter().filter(|line| line["state"] != "derived" && line["state"] != "excluded").collect()
    }
}

fn findings(sandbox: &Sandbox, index: &str) -> String {
    sandbox.run(["findings", "--index", index, "--format", "jsonl"]).stdout
}
