//! For tests: a detector of the engine's own recognisers, and what it finds in a text.

use std::sync::OnceLock;

use crate::{Detector, RuleSet};

const RULES: &str = r#"
[[rule]]
id = "email"
type = "EMAIL"
recogniser = "email"
[[rule]]
id = "phone"
type = "PHONE"
recogniser = "phone"
confidence = 0.8
context = { words = ["phone", "tel", "call", "mobile"], near = 40, weight = 0.1 }
[[rule]]
id = "ssn"
type = "US_SSN"
recogniser = "ssn"
context = { words = ["ssn", "social security"], near = 40, weight = 0.1 }
[[rule]]
id = "itin"
type = "US_ITIN"
recogniser = "itin"
[[rule]]
id = "card"
type = "CREDIT_CARD"
recogniser = "card"
[[rule]]
id = "iban"
type = "IBAN"
recogniser = "iban"
[[rule]]
id = "routing"
type = "US_ROUTING"
recogniser = "aba"
context = { words = ["routing", "aba"], near = 40, weight = 0.1, required = true }
[[rule]]
id = "ip4"
type = "IP_ADDRESS"
recogniser = "ipv4"
[[rule]]
id = "ip6"
type = "IP_ADDRESS"
recogniser = "ipv6"
[[rule]]
id = "mac"
type = "MAC_ADDRESS"
recogniser = "mac"
[[rule]]
id = "vin"
type = "VIN"
recogniser = "vin"
[[rule]]
id = "device"
type = "DEVICE_ID"
recogniser = "uuid"
context = { words = ["device id"], near = 40, weight = 0.1, required = true }
[[rule]]
id = "dob"
type = "DATE_OF_BIRTH"
recogniser = "date"
context = { words = ["dob", "born"], near = 32, weight = 0.3, required = true }
[[rule]]
id = "date"
type = "DATE"
recogniser = "date"
[[rule]]
id = "geo"
type = "GEO_COORDINATE"
recogniser = "coordinate"
[[rule]]
id = "wallet"
type = "CRYPTO_ADDRESS"
recogniser = "crypto"
[[rule]]
id = "key"
type = "API_KEY"
recogniser = "credential"
[[rule]]
id = "member"
type = "OTHER"
pattern = 'MBR-\d{6}\b'
[[rule]]
id = "locker"
type = "OTHER"
pattern = '\b[A-Z]\d{3}\b'
context = { words = ["locker"], near = 20, weight = 0.1, required = true }
[[rule]]
id = "blood"
type = "HEALTH"
dictionary = ["asthma", "type 1 diabetes", "1st degree burn"]
"#;

/// The detector of [`RULES`].
pub(crate) fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| {
        let rules = RuleSet::empty().extend_from_text("fixture.toml", RULES, &|_| None).expect("well-formed rules");
        Detector::new(&rules).expect("rules that compile")
    })
}

/// What is found in a text, as it stands.
pub(crate) fn found(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    detector().worker().text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
        found.push(&text[hit.start as usize..hit.end as usize]);
    });
    found
}

/// What is found, with its type.
pub(crate) fn typed(text: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    detector().worker().text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
        found.push((hit.kind.name(), &text[hit.start as usize..hit.end as usize]));
    });
    found
}

/// The standard forms of what is found.
pub(crate) fn standard_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    detector().worker().text(text.as_bytes(), 0..text.len(), &mut |_, form| {
        forms.push(String::from_utf8_lossy(form).into_owned());
    });
    forms
}
