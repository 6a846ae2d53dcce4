//! `residuum find`: where is this person?

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

use residuum_detect::Type;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::location::{Names, Printer};
use super::output::{self, Format};
use super::{access, coverage, known, rules};
use crate::identity::{self, FindOptions, Identifier, Subject};
use crate::report::human::counted;

/// Find where a person is
///
/// Looks identifiers up in the index, in whatever form they are written, plain or hashed, and follows declared keys:
/// an e-mail leads to the customer, the customer's number to orders that hold nothing else. Each location says why it
/// is one. A name, an address or a date of birth alone never links: all that are given must stand in one record.
///
/// Exits with 3 if there is no location.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum find --email jane@example.com
  residuum find --name 'Jane Roe' --dob 1985-07-04 --zip 94601
  residuum find --id crm.customers.id=1042 --format jsonl
  residuum find --sha256 EMAIL=8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d
  residuum find --identifiers people.csv --id-domain crm.customers.id --format csv

Columns of the file: subject_id, user_id, first, last, name, email, phone, dob, ssn, card, device_id, ip, street,
city, state, zip; any of them, in any order.")]
pub(super) struct Args {
    /// An e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// A telephone number; without a country code it is taken as American
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// A full name; weak: it counts only together with others, or as a possible namesake
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// A date of birth, best as `YYYY-MM-DD`; weak
    #[arg(long, value_name = "DATE")]
    dob: Vec<String>,
    /// A postal code; weak
    #[arg(long, value_name = "CODE")]
    zip: Vec<String>,
    /// Another identifier by its type, such as `US_SSN=…` or `IBAN=…`
    #[arg(long = "value", value_name = "TYPE=VALUE")]
    values: Vec<String>,
    /// The key of a record, such as `crm.customers.id=1042`
    #[arg(long, value_name = "DOMAIN=VALUE")]
    id: Vec<String>,
    /// The SHA-256 of an identifier, in hexadecimal or Base64, such as `EMAIL=8c87b4…`
    #[arg(long, value_name = "TYPE=DIGEST")]
    sha256: Vec<String>,
    /// A CSV file of people, one a line; `-` is standard input
    #[arg(long, value_name = "FILE.csv")]
    identifiers: Option<PathBuf>,
    /// Which keys the file's column `user_id` holds
    #[arg(long, value_name = "DOMAIN", requires = "identifiers")]
    id_domain: Option<String>,
    /// Follow keys that merely mention the person, such as a support agent's number in customers' records
    #[arg(long)]
    mentions: bool,
    /// How to print locations
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "csv"]))]
    format: Format,
    /// Open names that are personal themselves; noted in the index's access log
    #[arg(long)]
    show_values: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let subjects = subjects(args, common)?;
    let config = common.resolve()?;
    let scope = Scope::new(common)?;
    let index = common.open_index(&config)?;
    if args.show_values {
        access::note(index.dir(), "find")?;
    }
    let reader = index.reader()?;
    known::domains(&reader, &subjects)?;
    known::globs(&reader, &scope, common)?;
    let rules = rules::load(&config)?;
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, args.format, Names::new(index.keys(), args.show_values), &rules, true)?;
    let options = FindOptions { follow_mentions: args.mentions };
    let (mut printed, mut locations) = (Ok(()), 0);
    let summary = identity::find(&reader, index.keys(), &subjects, &options, &mut |location| {
        if scope.contains(&location.finding.object, &location.finding.field) {
            locations += 1;
            printed = printer.location(location);
        }
        if printed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    printed?;
    printer.finish()?;
    out.flush()?;
    if summary.shared > 0 {
        let what = counted(summary.shared, "identifier");
        common.say(format_args!("note: {what} stood with several people and led nowhere else"));
    }
    match subjects.len() {
        1 => common.say(counted(locations, "location")),
        n => common.say(format_args!(
            "{}; {} of {} found",
            counted(locations, "location"),
            summary.found,
            counted(n as u64, "subject")
        )),
    }
    let coverage = coverage::exit(&reader, common)?;
    Ok(if locations == 0 { Exit::No } else { coverage })
}

/// The people asked for: one from the flags, those of the file, or both.
fn subjects(args: &Args, common: &Common) -> Result<Vec<Subject>, Failure> {
    let mut given = Vec::new();
    let typed = [
        (Type::Email, "--email", &args.email),
        (Type::Phone, "--phone", &args.phone),
        (Type::PersonName, "--name", &args.name),
        (Type::DateOfBirth, "--dob", &args.dob),
        (Type::PostalCode, "--zip", &args.zip),
    ];
    for (kind, flag, values) in typed {
        for value in values {
            given.push(Identifier::value(kind, flag, value)?);
        }
    }
    for pair in &args.values {
        // Nothing of the pair is repeated: somebody may have given the value alone.
        let wrong = || {
            Failure::new("`--value` takes TYPE=VALUE")
                .hint("such as `--value US_SSN=…`; `residuum rules list` shows the types")
        };
        let (kind, value) = pair.split_once('=').ok_or_else(wrong)?;
        let kind = Type::from_name(&kind.trim().to_uppercase()).ok_or_else(wrong)?;
        given.push(Identifier::value(kind, "--value", value)?);
    }
    for pair in &args.id {
        given.push(Identifier::key(pair)?);
    }
    for pair in &args.sha256 {
        given.push(Identifier::sha256(pair)?);
    }
    let mut subjects = Vec::new();
    if !given.is_empty() {
        subjects.push(Subject { id: "1".to_owned(), identifiers: given });
    }
    if let Some(path) = &args.identifiers {
        let file: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).doing(format_args!("`{}` cannot be read", path.display()))?)
        };
        let doing = format!("`{}` cannot be used", path.display());
        let (people, left_out) = identity::read_subjects(file, args.id_domain.as_deref()).doing(doing)?;
        if left_out > 0 {
            let what = counted(left_out, "cell");
            common.say(format_args!(
                "warning: {what} of `{}` did not parse as their column's type and were left out",
                path.display()
            ));
        }
        subjects.extend(people);
    }
    if subjects.is_empty() {
        let hint =
            "give `--email`, `--phone`, `--name`, `--dob`, `--zip`, `--value`, `--id`, `--sha256` or `--identifiers`";
        return Err(Failure::new("nobody to look for").hint(hint));
    }
    Ok(subjects)
}
