//! Texts typed on a command line that are kept: in the register of requests, in the ledger, in the audit log.
//!
//! What is kept is about nobody by name (11 CCR § 7101(e)), and outlives whom it is about. So what is typed is looked at
//! as any other data are, before anything is done: what names somebody is refused, with the type of what was found and
//! not the value. It is refused rather than masked because a register in which `R-⟨PHONE⟩` stands twice has lost what told
//! the requests apart. A purpose is only read by people, and is masked where it is noted.

use std::ffi::OsStr;

use clap::{ArgMatches, CommandFactory as _};
use residuum_detect::{Detector, Type, Worker};

use super::common::Common;
use super::failure::Failure;
use super::rules;

/// What the arguments are called that are kept, with what to type instead. An argument with another name is not kept;
/// the test below knows them all.
const KEPT: [(&str, &str); 5] = [
    ("ID", "name the request, the notice or the entry by the id that it has in your own books, such as `R-2041`"),
    ("TEXT", "say it without them: refer to the request by its id, to a document by its name or day"),
    ("WHO", "name a function, such as `legal`, or somebody's name, and no address or number"),
    ("ROLE", "name a role of the database that is called after nobody"),
    ("BACKUP", "call the backup after its source and its day"),
];

/// Refuses what names somebody in a text that would be kept.
pub(super) fn without_names(matches: &ArgMatches, common: &Common) -> Result<(), Failure> {
    let typed = typed(matches);
    if typed.is_empty() {
        return Ok(());
    }
    let detector = Detector::new(&rules::load(&common.resolve()?)?)?;
    let mut worker = detector.worker();
    for Typed { argument, called, text, instead } in typed {
        if let Some(kind) = personal(&mut worker, called, &text) {
            let kind = kind.name();
            return Err(Failure::new(format_args!(
                "{argument} is kept, and holds what looks like a value of type {kind}"
            ))
            .hint(instead));
        }
    }
    Ok(())
}

/// A text to be kept.
struct Typed {
    argument: String,
    called: &'static str,
    text: String,
    instead: &'static str,
}

fn typed(matches: &ArgMatches) -> Vec<Typed> {
    let (mut command, mut matches) = (super::Cli::command(), matches);
    while let Some((name, of)) = matches.subcommand() {
        command = command.find_subcommand(name).expect("it was parsed by this").clone();
        matches = of;
    }
    let mut all = Vec::new();
    for arg in command.get_arguments() {
        let Some((called, instead)) = kept(arg) else { continue };
        let values = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
        let argument = match arg.get_long() {
            Some(long) => format!("`--{long}`"),
            None => format!("`{called}`"),
        };
        for text in values.map(OsStr::to_string_lossy) {
            all.push(Typed { argument: argument.clone(), called, text: text.into_owned(), instead });
        }
    }
    all
}

fn kept(arg: &clap::Arg) -> Option<(&'static str, &'static str)> {
    let names = arg.get_value_names()?;
    let is_it = |(called, _): &&(&str, &str)| names.iter().any(|name| name.as_str() == *called);
    KEPT.iter().find(is_it).copied().filter(|_| arg.get_id() != "purpose")
}

/// The type of what names somebody in a text.
fn personal(worker: &mut Worker<'_>, called: &str, text: &str) -> Option<Type> {
    let mut found = None;
    worker.text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
        let is_allowed = match called {
            // Who decided is of the business, and stands by it with their name.
            "WHO" => matches!(hit.kind, Type::PersonName | Type::Username),
            // Numbers of tickets and random ids look like these.
            "ID" => matches!(hit.kind, Type::DeviceId | Type::Maid | Type::CookieId | Type::Digest | Type::ApiKey),
            _ => false,
        };
        if crate::scan::is_personal(hit.kind) && !is_allowed {
            found = found.or(Some(hit.kind));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use residuum_detect::RuleSet;

    use super::*;

    #[test]
    fn what_names_somebody_is_told_from_what_does_not() {
        let detector = Detector::new(&RuleSet::builtin()).expect("the rules are good");
        let mut worker = detector.worker();
        let mut check = |called: &str, text: &str, expected: Option<Type>| {
            assert_eq!(personal(&mut worker, called, text), expected, "{called} `{text}`");
        };
        for id in [
            "R-2041",
            "DSR-2026-000123",
            "3f2b8c1e-9a4d-4f67-8b21-0c9d5e7a1b2c",
            "20261102-17",
            "INC0012345",
            "5f0c6a1b2c3d4e5f",
            "01HF7YAT31JZ9B2M3K4N5P6Q7R",
            "2026/11/0017",
            "JIRA-88213",
            "drop-2026-11",
        ] {
            check("ID", id, None);
        }
        check("ID", "jane.roe@example.com", Some(Type::Email));
        check("ID", "R-(202) 555-0147", Some(Type::Phone));
        for text in [
            "web form",
            "toll-free number",
            "not verified",
            "105d8_legal",
            "the payslip of May confirms it",
            "the buyer was dissolved in 2024",
            "letter of 2 May 2024, file 2024/118",
            "came from the employer",
        ] {
            check("TEXT", text, None);
        }
        check("TEXT", "jane.roe@example.com could not be verified", Some(Type::Email));
        check("TEXT", "she called from (202) 555-0147", Some(Type::Phone));
        check("TEXT", "paid with 4111 1111 1111 1111", Some(Type::CreditCard));
        check("WHO", "legal", None);
        check("WHO", "Mary Smith", None);
        check("WHO", "mary.smith@example.com", Some(Type::Email));
    }

    /// An argument that takes a text is kept or it is not, and whoever adds one says which.
    #[test]
    fn every_argument_that_takes_a_text_is_known() {
        // Files, names that the index or the configuration has to have, identifiers, numbers, days and choices.
        const NOT_KEPT: &[&str] = &[
            "ACCOUNT",
            "ADDRESS",
            "CODE",
            "COMMAND",
            "DATE",
            "DECISION",
            "DIR",
            "DOMAIN",
            "DOMAIN=VALUE",
            "FIELD",
            "FILE",
            "FILE.csv",
            "FORMAT",
            "GAP",
            "GLOB",
            "HEX",
            "KIND",
            "MB",
            "N",
            "NAME",
            "NATURE",
            "NUMBER",
            "PATH",
            "RESPONSE",
            "SHELL",
            "SOURCE",
            "SOURCE=NAME",
            "SPAN",
            "TYPE",
            "TYPE:FINGERPRINT",
            "TYPE=DIGEST",
            "TYPE=VALUE",
            "VALUE",
        ];
        fn walk(command: &clap::Command, unknown: &mut Vec<String>) {
            for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
                for name in arg.get_value_names().unwrap_or_default() {
                    if !NOT_KEPT.contains(&name.as_str()) && kept(arg).is_none() && arg.get_id() != "purpose" {
                        unknown.push(format!("{} {} {name}", command.get_name(), arg.get_id()));
                    }
                }
            }
            command.get_subcommands().for_each(|of| walk(of, unknown));
        }
        let mut unknown = Vec::new();
        walk(&super::super::Cli::command(), &mut unknown);
        assert!(unknown.is_empty(), "{unknown:#?}");
    }
}
