//! `residuum find`: where is this person?

use std::io::Write as _;
use std::ops::ControlFlow;

use serde_json::json;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::Failure;
use super::location::{Names, Printer};
use super::output::{self, Format};
use super::people::{self, People};
use super::{audit, coverage, expand, known, rules};
use crate::audit::Act;
use crate::identity::{self, FindOptions};
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
  residuum find --email jane@example.com --expand
  residuum find --sha256 EMAIL=8c87b489ce35cf2e2f39f80e282cb2e804932a56a213983eeeb428407d43b52d
  residuum find --identifiers people.csv --id-domain crm.customers.id --format csv

Columns of the file: subject_id, user_id, first, last, name, email, phone, dob, ssn, card, device_id, ip, street,
city, state, zip; any of them, in any order.")]
pub(super) struct Args {
    #[command(flatten)]
    people: People,
    /// Follow keys that merely mention the person, such as a support agent's number in customers' records
    #[arg(long)]
    mentions: bool,
    /// Also say which identifiers stand beside the person's, to be accepted with `--accept`
    ///
    /// Nothing is followed by itself: each says where it stands, how many records it would add, and whether it stands with
    /// several people. With `--accept` it counts as the person's, here and in `disclose`, `erase` and `verify`, and the next
    /// `--expand` starts from it as well.
    #[arg(long)]
    expand: bool,
    /// How to print locations
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "csv"]))]
    format: Format,
    /// Open names that are personal themselves; the audit log says so
    #[arg(long)]
    show_values: bool,
    /// Why, for the audit log: every look-up is noted in it, without the identifiers
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let subjects = args.people.subjects(common)?;
    let config = common.resolve()?;
    let scope = Scope::new(common)?;
    let index = common.open_index(&config)?;
    let details =
        json!({ "subjects": subjects.len(), "identifiers": people::kinds(&subjects), "show_values": args.show_values });
    audit::note(
        &config,
        common,
        Act { action: "find".to_owned(), purpose: args.purpose.clone(), details, ..Act::default() },
    )?;
    let reader = index.reader()?;
    known::domains(&reader, &subjects)?;
    known::globs(&reader, &scope, common)?;
    let rules = rules::load(&config)?;
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, args.format, Names::new(index.keys(), args.show_values), &rules, true)?;
    let options = FindOptions { follow_mentions: args.mentions, ..FindOptions::default() };
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
    if args.expand {
        let found = identity::candidates(&reader, index.keys(), &subjects)?;
        expand::print(&mut out, args.format, Names::new(index.keys(), args.show_values), &found)?;
    }
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
