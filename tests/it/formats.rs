//! A file of each format: what is found in it, in which field and record, and that its bytes stand where it says.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// A finding that must be there: type, field, record, and what stands at its bytes.
type Expected<'e> = (&'e str, &'e str, Value, &'e str);

/// Scans a file of `fixtures/` and looks for findings; what stands at a finding's bytes must be the value.
#[track_caller]
fn check(folder: &str, file: &str, object: &str, expected: &[Expected<'_>]) {
    let path = format!("{}/fixtures/{folder}/{file}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).expect("the fixture can be read");
    let sandbox = Sandbox::new();
    sandbox.file(format!("data/{file}"), &bytes);
    sandbox.run(["scan", "data"]).exits(0);
    let findings = sandbox.run(["findings", "--format", "jsonl"]).lines();
    for (kind, field, record, raw) in expected {
        let found = findings.iter().find(|finding| {
            let at = |name: &str| finding[name].as_u64().map(|at| at as usize);
            let stands = match (at("byte_start"), at("byte_end")) {
                (Some(start), Some(end)) => bytes.get(start..end) == Some(raw.as_bytes()),
                _ => false,
            };
            finding["object"] == object
                && finding["type"] == *kind
                && finding["field"] == *field
                && finding["record"] == *record
                && stands
        });
        let told = findings.iter().map(|finding| format!("\n{finding}")).collect::<String>();
        assert!(found.is_some(), "{object}: {kind} `{raw}` in `{field}` of {record}, among{told}");
    }
}

fn document() -> Value {
    json!({"kind": "document", "key": null})
}

fn row(number: u64) -> Value {
    json!({"kind": "row", "key": number})
}

#[test]
fn xml_and_html() {
    check(
        "texts",
        "customers.xml",
        "customers.xml",
        &[
            ("EMAIL", "customers.customer@email", row(3), "anna.schmidt@example.net"),
            ("PERSON_NAME", "customers.customer.name", row(1), "Maria Lopez"),
            ("PHONE", "customers.customer.phone", row(2), "(212) 555-0119"),
            ("PHONE", "customers.customer.note", row(3), "650.555.0177"),
            ("EMAIL", "customers.customer.#comment", row(1), "maria.old@example.com"),
        ],
    );
    check(
        "texts",
        "soap.xml",
        "soap.xml",
        &[("EMAIL", "Envelope.Body.people.person.email", row(2), "jose.munoz@example.org")],
    );
    check(
        "texts",
        "page.html",
        "page.html",
        &[
            ("EMAIL", "", document(), "jane.doe@example.com"),
            ("PHONE", "", document(), "415-555-0100"),
            ("PERSON_NAME", "Name", row(1), "Maria Lopez"),
            ("PHONE", "Phone", row(3), "650.555.0177"),
            ("EMAIL", "a@href", row(2), "jose.munoz@example.org"),
            ("EMAIL", "input.email", document(), "maria.lopez@example.com"),
            ("PERSON_NAME", "meta.author", document(), "Jane Doe"),
            ("EMAIL", "div@data-owner", document(), "anna.schmidt@example.net"),
            ("EMAIL", "script", document(), "jose.munoz@example.org"),
        ],
    );
}

fn part(name: &str) -> Value {
    json!({"kind": "part", "key": name})
}

#[test]
fn mail_with_what_it_carries() {
    check(
        "texts",
        "mail.eml",
        "mail.eml",
        &[
            ("EMAIL", "From", part("1"), "jose.munoz@example.org"),
            ("PHONE", "Subject", part("1"), "(212) 555-0119"),
            ("PHONE", "", part("1"), "(212=\r\n) 555-0119"),
            ("STREET_ADDRESS", "", part("1"), "7 Oak Avenue"),
        ],
    );
    check(
        "texts",
        "box.mbox",
        "box.mbox",
        &[("EMAIL", "From", part("3"), "anna.schmidt@example.net"), ("PERSON_NAME", "To", part("2"), "Jane Doe")],
    );
}

#[test]
fn cards_calendars_yaml_settings_and_logs() {
    check(
        "texts",
        "people.vcf",
        "people.vcf",
        &[
            ("EMAIL", "EMAIL", row(3), "anna.schmidt@example.net"),
            ("PERSON_NAME", "FN", row(1), "Maria Lopez"),
            ("PHONE", "TEL", row(2), "(212) 555-0119"),
        ],
    );
    check(
        "texts",
        "calls.ics",
        "calls.ics",
        &[
            ("EMAIL", "ATTENDEE", row(1), "maria.lopez@example.com"),
            ("PERSON_NAME", "ATTENDEE@CN", row(2), "José Muñoz"),
            ("PHONE", "DESCRIPTION", row(3), "650.555.0177"),
        ],
    );
    check(
        "texts",
        "people.yaml",
        "people.yaml",
        &[
            ("EMAIL", "customer.email", row(1), "maria.lopez@example.com"),
            ("EMAIL", "tags[]", row(2), "jose.munoz@example.org"),
        ],
    );
    check(
        "texts",
        "config.yml",
        "config.yml",
        &[("PHONE", "list[].phone", row(1), "+1 415 555 0142"), ("PHONE", "notes", document(), "415-555-0100")],
    );
    check(
        "texts",
        "people.toml",
        "people.toml",
        &[
            ("EMAIL", "customer.email", row(3), "anna.schmidt@example.net"),
            ("EMAIL", "quoted", document(), "jane.doe@example.com"),
        ],
    );
    check(
        "texts",
        "app.ini",
        "app.ini",
        &[
            ("EMAIL", "smtp.user", document(), "jane.doe@example.com"),
            ("PASSWORD", "smtp.password", document(), "Tr0ub4dor&3xyz"),
            ("PHONE", "owner.phone", document(), "415-555-0100"),
        ],
    );
    let line = |number: u64| json!({"kind": "line", "key": number});
    check(
        "texts",
        "u_ex260314.log",
        "u_ex260314.log",
        &[
            ("USERNAME", "cs-username", line(5), "maria"),
            ("IP_ADDRESS", "c-ip", line(7), "198.51.100.3"),
            ("EMAIL", "cs-uri-query", line(6), "email=jose.munoz@example.org"),
        ],
    );
}
