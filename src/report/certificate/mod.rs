//! A certificate as a person reads it: a page, or a document to file. What is signed is the JSON; these are copies of it
//! that say so, and how to check.

mod html;
#[cfg(feature = "pdf")]
mod pdf;

use sha2::{Digest as _, Sha256};

pub use html::html;
#[cfg(feature = "pdf")]
pub use pdf::pdf;

use super::human::{count, counted};
use crate::keyfile::hex;
use crate::proof::{Certificate, SourceStatement, Statement};

/// What stands on the page, in plain words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// The heading.
    pub title: String,
    /// What it comes to.
    pub lead: String,
    /// The details.
    pub parts: Vec<Part>,
}

/// Details under a heading.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// The heading.
    pub heading: &'static str,
    /// What is to be known first.
    pub text: String,
    /// Names and what belongs to them.
    pub facts: Vec<(String, String)>,
    /// One by one.
    pub list: Vec<String>,
}

impl Sheet {
    /// The page of a certificate; `file` are the bytes of the JSON it was read from, and `name` what that file is called.
    pub fn new(certificate: &Certificate, statement: &Statement, file: &[u8], name: &str) -> Self {
        let [began, ended] = &statement.scanned;
        let people = counted_as(statement.subjects, "person", "people");
        let lead = format!(
            "Between {began} and {ended} everything listed below was read again and searched for {people}. Nothing of \
             them was left there."
        );
        let parts = vec![
            of_whom(statement),
            looked_at(statement),
            not_examined(statement),
            Part {
                heading: "How far it can be relied on",
                text: format!(
                    "{} people were invented for this run and hidden among the data, each in several places; all of them \
                     were found.",
                    count(statement.canaries.planted)
                ),
                facts: vec![
                    ("Rules, SHA-256".to_owned(), statement.rules.clone()),
                    ("Program".to_owned(), statement.program.clone()),
                ],
                ..Part::default()
            },
            how_to_check(certificate, statement, file, name),
        ];
        Self { title: "Certificate that nothing is left".to_owned(), lead, parts }
    }
}

fn of_whom(statement: &Statement) -> Part {
    let kinds = statement.identifiers.iter().map(|(kind, n)| format!("{} {kind}", count(*n)));
    let mut facts = vec![
        ("Certificate".to_owned(), statement.id.clone()),
        ("Issued".to_owned(), statement.issued.clone()),
        ("Searched for".to_owned(), counted_as(statement.subjects, "person", "people")),
        ("By".to_owned(), kinds.collect::<Vec<_>>().join(", ")),
        ("Places with data about them".to_owned(), count(statement.places.residual + statement.places.joint)),
        ("Places where a namesake may be".to_owned(), count(statement.places.possible)),
    ];
    for (exception, places) in &statement.retained {
        facts.push((format!("Places kept under {exception}"), count(*places)));
    }
    if let Some(request) = &statement.request {
        facts.insert(2, ("Request".to_owned(), request.clone()));
    }
    Part {
        heading: "What is certified",
        text:
            "No name, address or number of anybody stands in this certificate. The opening that was made with it shows \
               whom it is about."
                .to_owned(),
        facts,
        ..Part::default()
    }
}

fn looked_at(statement: &Statement) -> Part {
    let source = |source: &SourceStatement| {
        let mut what = vec![counted(source.read, "object"), counted(source.records, "record")];
        if source.derived > 0 {
            what.push(format!("{} that hold nothing of their own", counted(source.derived, "object")));
        }
        if source.excluded > 0 {
            what.push(format!("{} left out by an approved policy", counted(source.excluded, "object")));
        }
        (format!("{} ({})", source.name, source.kind), what.join(", "))
    };
    Part {
        heading: "What was read",
        text: "All that these sources list was read, but for what is said beside them.".to_owned(),
        facts: statement.sources.iter().map(source).collect(),
        ..Part::default()
    }
}

fn not_examined(statement: &Statement) -> Part {
    Part {
        heading: "What was not searched",
        text: "No search sees everything. It does not see:".to_owned(),
        list: statement.not_examined.clone(),
        ..Part::default()
    }
}

fn how_to_check(certificate: &Certificate, statement: &Statement, file: &[u8], name: &str) -> Part {
    let key = certificate.public_key();
    Part {
        heading: "How to check it",
        text:
            "This is a copy for reading and is not signed itself. What is signed is the file of JSON that it was made \
               of. Whoever has that file and knows the signer's public key can check it with no network and without \
               trusting whoever gave it to them:"
                .to_owned(),
        facts: vec![
            ("File".to_owned(), name.to_owned()),
            ("SHA-256 of the file".to_owned(), hex(&Sha256::digest(file))),
            ("Public key of the signer (Ed25519)".to_owned(), key.to_owned()),
            ("Commitment to the identifiers".to_owned(), statement.commitment.clone()),
        ],
        list: vec![
            format!("sha256sum {name} gives the SHA-256 above: this page is a copy of that file."),
            format!("residuum certificate check {name} --public-key {key} says that it was signed and not changed."),
            "The signer's public key has to come from the signer by another way than this page: residuum audit head \
             prints it there."
                .to_owned(),
            "With --opening and the identifiers, the same command says that the certificate is about them.".to_owned(),
        ],
    }
}

fn counted_as(n: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { several })
}
