//! `residuum request`: the register of requests, with what a business keeps of each.

use std::io::Write as _;

use serde_json::json;

use super::audit;
use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{self, Format, Style, json_line, printable};
use super::table::{Align, Table};
use super::telling::{self, Received, day};
use crate::audit::Act;
use crate::config::Day;
use crate::report::csv_line;
use crate::report::human::counted;
use crate::request::{LoggedRequest, Register, Response};

/// The register of requests: when each came, what it asked for, how it was answered, and why it was denied
///
/// `disclose`, `erase --apply` and `correct --apply` enter what they are called for with `--request`; `note` enters what was
/// decided elsewhere. The six things of 11 CCR § 7101(b) are kept, and not whom a request was about. Who reads the register
/// is in the audit log, with why; it is for nothing but reviewing and improving how requests are processed (§ 7101(d)).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum request list --purpose 'yearly review'
  residuum request note R-2050 --nature delete --received 2026-11-02 --manner 'web form' --response denied --basis 'not verified'
  residuum request purge                  forgets what was answered more than 24 months ago")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the requests; exits with 2 if one that was answered lacks any of the six things
    List {
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "jsonl", "csv"]))]
        format: Format,
    },
    /// Enter a request, or what is new about one
    Note {
        /// Its id; no name or address
        #[arg(value_name = "ID")]
        request: String,
        /// What it asks for
        #[arg(long, value_name = "NATURE", value_parser = ["know", "delete", "correct", "opt out", "limit"])]
        nature: String,
        /// The day it was received
        #[arg(long, value_name = "DATE", value_parser = day)]
        received: Option<Day>,
        /// How it was made, such as `web form`
        #[arg(long, value_name = "TEXT")]
        manner: Option<String>,
        /// How it was answered
        #[arg(long, value_name = "RESPONSE", default_value = "open", value_parser = ["complied", "complied in part", "denied", "nothing found", "open"])]
        response: String,
        /// Why it was denied, wholly or in part; may be repeated
        #[arg(long, value_name = "TEXT")]
        basis: Vec<String>,
    },
    /// Forget the requests that were answered more than 24 months ago, with notices that are settled
    Purge,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let _ = common.open_index(&config)?; // a wrong `--index` is no register without requests
    let note = |action: &str, purpose: &Option<String>, request: Option<&str>, details| {
        let (purpose, request) = (purpose.clone(), request.map(str::to_owned));
        audit::note(&config, common, Act { action: action.to_owned(), purpose, request, details })
    };
    match &args.command {
        Command::List { purpose, format } => {
            let all = Register::existing(&config.index)?.map_or_else(|| Ok(Vec::new()), |mut of| of.requests())?;
            note("read requests", purpose, None, json!({ "requests": all.len() }))?;
            print(&all, *format)?;
            let lacking = all.iter().filter(|of| of.is_closed() && !of.missing.is_empty()).count() as u64;
            if lacking > 0 {
                common.say(format_args!(
                    "warning: of {} that was answered not all is kept that 11 CCR § 7101(b) asks for; `residuum request note` adds it",
                    counted(lacking, "request")
                ));
                return Ok(Exit::Incomplete);
            }
        }
        Command::Note { request, nature, received, manner, response, basis } => {
            let all = [Response::Complied, Response::InPart, Response::Denied, Response::NothingFound, Response::Open];
            let response = all.into_iter().find(|of| of.name() == response).unwrap_or(Response::Open);
            if matches!(response, Response::Denied | Response::InPart) && basis.is_empty() {
                return Err(
                    Failure::new("a request is denied on a basis, wholly or in part").hint("`--basis` gives it")
                );
            }
            note("note request", &None, Some(request), json!({ "nature": nature, "response": response.name() }))?;
            let received = Received { received: *received, manner: manner.clone() };
            telling::log(&config, Some(request), nature, &received, response, basis.clone())?;
        }
        Command::Purge => {
            note("purge requests", &None, None, json!({}))?;
            let purged = match Register::existing(&config.index)? {
                Some(mut register) => register.purge(Day::today())?,
                None => 0,
            };
            common.say(format_args!("{} forgotten", counted(purged, "request")));
        }
    }
    Ok(Exit::Done)
}

fn print(all: &[LoggedRequest], format: Format) -> Result<(), Failure> {
    const COLUMNS: [&str; 8] =
        ["request", "nature", "received", "manner", "responded", "response", "basis for denial", "missing"];
    let cells = |of: &LoggedRequest| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (received, manner) = (text(&of.received), text(&of.manner));
        let (responded, response) = (text(&of.responded), text(&of.response));
        let (basis, missing) = (of.basis.join("; "), of.missing.join(", "));
        [of.request.clone(), of.nature.clone(), received, manner, responded, response, basis, missing]
    };
    let mut out = output::stdout();
    match format {
        Format::Jsonl => all.iter().try_for_each(|of| json_line(&mut out, of))?,
        Format::Csv => {
            csv_line(&mut out, COLUMNS)?;
            for of in all {
                let cells = cells(of);
                csv_line(
                    &mut out,
                    cells.each_ref().map(|cell| crate::report::inert(cell)).each_ref().map(|cell| &**cell),
                )?;
            }
        }
        _ => {
            let mut table = Table::new(&mut out, Style::stdout(), &COLUMNS.map(|name| (name, Align::Left)));
            for of in all {
                table.row(cells(of).iter().map(|cell| printable(cell)).collect())?;
            }
            table.finish()?;
        }
    }
    Ok(out.flush()?)
}
