//! The pipeline as a library: a source held in memory, scanned into an index, and one person found in it.
//!
//! ```sh
//! cargo run --example pipeline
//! ```

use std::error::Error;
use std::io::Write as _;
use std::ops::ControlFlow;

use residuum::identity::{self, FindOptions, Identifier, Subject};
use residuum::index::{Index, Keyring};
use residuum::scan::{Scan, ScanOptions, Silent};
use residuum_detect::{Detector, IndexKey, RuleSet, Type};
use residuum_source::{KeyKind, Memory, ObjectPath, Source, TableKey};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();

    // A source: anything that implements `Source`. Connectors for files and databases are opened with `connect`.
    let key = |object: &str, column: &str, kind| TableKey {
        object: ObjectPath::from_parts([object]),
        columns: vec![column.to_owned()],
        kind,
    };
    let customers = KeyKind::Foreign { object: ObjectPath::from_parts(["customers"]), columns: vec!["id".to_owned()] };
    let shop = Memory::new("shop")
        .table("customers", &["id", "email"], &[&["1", "jane@example.com"], &["2", "omar@example.org"]])
        .table("orders", &["id", "customer_id", "item"], &[&["70", "2", "tent"], &["71", "1", "stove"]])
        .key(key("customers", "id", KeyKind::Primary))
        .key(key("orders", "customer_id", customers));
    let sources: [Box<dyn Source>; 1] = [Box::new(shop)];

    // An index, and the key that everything in it is under. A real key is random and kept elsewhere.
    let directory = tempfile::tempdir()?;
    let keys = Keyring::new(IndexKey::new([7; 32]), Vec::new());
    let index = Index::create_or_open(&directory.path().join("index"), keys)?;

    // The scan: rules compiled once, sources in, index out.
    let detector = Detector::new(&RuleSet::builtin())?;
    let summary = Scan::new(&sources, &detector, &index, ScanOptions::default()).run(&Silent)?;
    writeln!(out, "{} findings in {} records", summary.findings, summary.records)?;

    // The look-up: by an identifier however it is written, and along the declared keys.
    let subjects = [Subject {
        id: "1".to_owned(),
        identifiers: vec![Identifier::value(Type::Email, "email", " Jane@Example.com")?],
    }];
    let mut lines = Vec::new();
    identity::find(&index.reader()?, index.keys(), &subjects, &FindOptions::default(), &mut |location| {
        let found = &location.finding;
        let place = found.record.key_json(&found.primary_key);
        lines.push(format!("{} {place} {}: {}", found.object, found.field, location.why.join(" → ")));
        ControlFlow::Continue(())
    })?;
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(())
}
