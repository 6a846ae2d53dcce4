//! `residuum demo`, counted: what is in the company by construction is what the scan finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox};

/// Runs the program inside the demonstration's directory.
fn inside(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    Run::of(sandbox.command(arguments).current_dir(sandbox.path("residuum-demo")))
}

/// Findings of one type by object and field.
fn by_field(findings: &[Value], kind: &str) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for line in findings.iter().filter(|line| line["type"] == kind) {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        *counts.entry((text("object"), text("field"))).or_default() += 1;
    }
    counts
}

#[test]
fn the_company_is_found_as_it_was_made() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["demo"]).exits(0).prints("Larkspur Outfitters").prints("residuum-demo/report.html");
    assert!(run.stdout.contains("amelia.okafor@example.com") && run.stderr.is_empty(), "{}", run.stderr);
    assert!(sandbox.path("residuum-demo/.residuum/catalog.sqlite").is_file());

    let findings = inside(&sandbox, &["findings", "--format", "jsonl"]).exits(0).lines();
    let emails = by_field(&findings, "EMAIL");
    let count = |counts: &BTreeMap<(String, String), usize>, object: &str, field: &str| {
        counts.get(&(object.to_owned(), field.to_owned())).copied().unwrap_or(0)
    };
    for (object, field, expected) in [
        ("main.customers", "email", 240),
        ("main.employees", "email", 18),
        ("exports/kunden-2026-09.csv", "E-Mail", 40),
        ("events/web-2026-09.jsonl", "user.email", 200),
        ("archive/2025.zip!2025/returns.csv", "customer_email", 50),
        ("logs/app.log", "", 7),
        ("logs/access.log", "", 26),
    ] {
        assert_eq!(count(&emails, object, field), expected, "e-mails in {object} {field}: {emails:#?}");
    }
    assert_eq!(count(&by_field(&findings, "US_SSN"), "main.employees", "ssn"), 18);
    assert_eq!(count(&by_field(&findings, "PHONE"), "main.customers", "phone"), 240);
    assert_eq!(count(&by_field(&findings, "IP_ADDRESS"), "logs/access.log", ""), 900);
    assert!(
        by_field(&findings, "CREDIT_CARD").keys().all(|(object, _)| object == "main.support_notes"),
        "cards are in notes only"
    );
    assert!(by_field(&findings, "US_SSN").keys().all(|(_, field)| field == "ssn"), "an article number is no SSN");
}

#[test]
fn the_customer_is_found_everywhere_and_why() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo"]).exits(0);
    let find = |arguments: &[&str]| inside(&sandbox, &[&["find", "--format", "jsonl"], arguments].concat()).lines();
    let locations = find(&["--email", "amelia.okafor@example.com"]);
    let objects: BTreeMap<String, usize> = locations.iter().fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line["object"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        counts
    });
    for object in [
        "main.customers",
        "main.orders",
        "main.support_notes",
        "events/web-2026-09.jsonl",
        "logs/access.log",
        "logs/app.log",
        "warehouse/newsletter.parquet",
        "warehouse/shipments.parquet",
        "archive/2025.zip!2025/returns.csv",
        "mail/please-delete.txt",
    ] {
        assert!(objects.contains_key(object), "{object} is not among {objects:#?}");
    }
    let orders: Vec<_> = locations.iter().filter(|line| line["object"] == "main.orders").collect();
    let keys: BTreeSet<_> = orders.iter().map(|order| order["record"]["key"]["id"].to_string()).collect();
    assert_eq!(keys.len(), 3, "{orders:#?}");
    for order in orders {
        let why = order["why"].as_array().expect("a chain");
        assert!(why[0] == "EMAIL" && why.iter().any(|step| step == "crm.customers.id"), "{order}");
    }
    // The telephone is the couple's: both records are told, and it leads nowhere else.
    let by_phone = find(&["--phone", "206-555-0141"]);
    let customers: BTreeSet<_> =
        by_phone.iter().filter(|line| line["object"] == "main.customers").map(|l| l["record"].to_string()).collect();
    assert_eq!(customers.len(), 2, "{by_phone:#?}");
    assert!(by_phone.iter().all(|line| line["shared"] == true && line["object"] != "main.orders"), "{by_phone:#?}");
}

#[test]
fn it_makes_its_own_directory_again_and_nobody_elses() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo", "--quiet"]).exits(0);
    let first = fs::read(sandbox.path("residuum-demo/files/events/web-2026-09.jsonl")).expect("it was made");
    sandbox.run(["demo", "--quiet"]).exits(0);
    assert_eq!(fs::read(sandbox.path("residuum-demo/files/events/web-2026-09.jsonl")).expect("it was made"), first);
    let other = Sandbox::new();
    other.file("residuum-demo/thesis.txt", "years of work");
    other.run(["demo"]).exits(1).says("left alone").says("hint: ");
    assert!(other.path("residuum-demo/thesis.txt").is_file());
}

#[test]
fn nothing_in_the_index_can_be_read_without_the_key() {
    let sandbox = Sandbox::new();
    sandbox.run(["demo"]).exits(0);
    let mut waiting = vec![sandbox.path("residuum-demo/.residuum")];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("it can be read");
            for value in ["amelia.okafor", "Okafor", "555-01"] {
                assert!(
                    !bytes.windows(value.len()).any(|w| w == value.as_bytes()),
                    "`{value}` is in {}",
                    path.display()
                );
            }
        }
    }
    fs::remove_file(sandbox.path("residuum-demo/demo.key")).expect("it was made");
    inside(&sandbox, &["find", "--email", "amelia.okafor@example.com"]).exits(1).says("demo.key");
}
