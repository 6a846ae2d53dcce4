//! `residuum suppression`: who was erased and must not come back; and whether they have.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::ControlFlow;

use serde_json::json;

use super::audit;
use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{self, Format, Style, json_line};
use super::table::{Align, Table};
use crate::audit::Act;
use crate::config::Config;
use crate::identity::{self, FindOptions};
use crate::index::Index;
use crate::report::human::counted;
use crate::request::{Policy, Reason, Suppression};

/// Who was erased or corrected, so that they are recognised when they come back
///
/// `erase --apply` enters whom it has erased, `correct --apply` the values that were wrong; of each identifier a sealed
/// digest is kept, of names and addresses none. Every scan looks for them and says what a restored backup or an import
/// has brought back; `erase --resurrected` plans it.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the entries: an id, since when, for which request, types of identifiers
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl"]))]
        format: Format,
    },
    /// Say where people and values of the ledger stand in the index
    ///
    /// Exits with 3 if any does.
    Check {
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json"]))]
        format: Format,
    },
    /// End an entry, as when somebody has become a customer anew; the audit log keeps it
    Lift {
        /// The entry, as `list` gives it
        #[arg(value_name = "ID")]
        id: String,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
    },
}

/// What has come back.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Back {
    /// People who were erased.
    pub people: u64,
    /// Places in which they stand.
    pub places: u64,
    /// Places of values that had been corrected.
    pub corrected: u64,
}

/// Looks in an index for those who were erased, and for values that were corrected; nothing without a ledger.
pub(super) fn back(config: &Config, index: &Index) -> Result<Back, Failure> {
    let mut back = Back::default();
    if !Suppression::file(&config.index).exists() {
        return Ok(back);
    }
    let mut ledger = Suppression::open(&config.index)?;
    let (reader, policy) = (index.reader()?, Policy::new(config));
    for reason in [Reason::Erased, Reason::Corrected] {
        let subjects = ledger.subjects(index.keys(), reason)?;
        if subjects.is_empty() {
            continue;
        }
        let (mut people, mut places) = (BTreeSet::new(), 0);
        identity::find(&reader, index.keys(), &subjects, &FindOptions::default(), &mut |location| {
            // What an exception keeps never went.
            let is_kept = || policy.keeps(&location.finding).is_some();
            if !location.weak && !location.shared && !is_kept() {
                people.insert(location.subject.clone());
                places += 1;
            }
            ControlFlow::Continue(())
        })?;
        match reason {
            Reason::Erased => (back.people, back.places) = (people.len() as u64, places),
            Reason::Corrected => back.corrected = places,
            Reason::Shared => {}
        }
    }
    Ok(back)
}

/// Says it, if anything has.
pub(super) fn say(common: &Common, back: Back) {
    if back.people > 0 {
        let (who, where_to) = (counted(back.people, "person"), counted(back.places, "place"));
        common.say(format_args!(
            "warning: back after an erasure: {who}, in {where_to}; `residuum erase --resurrected` plans it anew"
        ));
    }
    if back.corrected > 0 {
        common.say(format_args!(
            "warning: back after a correction: {} with the old value; correct them anew, and where they come from",
            counted(back.corrected, "place")
        ));
    }
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    let mut ledger = Suppression::open(&config.index)?;
    let mut out = output::stdout();
    match &args.command {
        Command::List { format } => {
            let entries = ledger.list()?;
            match format {
                Format::Json => json_line(&mut out, &entries)?,
                Format::Jsonl => entries.iter().try_for_each(|entry| json_line(&mut out, entry))?,
                _ => {}
            }
            if matches!(format, Format::Json | Format::Jsonl) {
                out.flush()?;
                return Ok(Exit::Done);
            }
            let columns = ["id", "reason", "since", "request", "identifiers", "lifted"].map(|name| (name, Align::Left));
            let mut table = Table::new(&mut out, Style::stdout(), &columns);
            for entry in entries {
                let (request, lifted) = (entry.request.unwrap_or_default(), entry.lifted.unwrap_or_default());
                table.row(vec![entry.id, entry.reason, entry.since, request, entry.types.join(" "), lifted])?;
            }
            table.finish()?;
        }
        Command::Check { format } => {
            let back = back(&config, &index)?;
            match format {
                Format::Json => json_line(
                    &mut out,
                    &json!({ "people": back.people, "places": back.places, "corrected_places": back.corrected }),
                )?,
                _ if back == Back::default() => writeln!(out, "nobody who was erased is back")?,
                _ => say(common, back),
            }
            out.flush()?;
            return Ok(if back == Back::default() { Exit::Done } else { Exit::No });
        }
        Command::Lift { id, purpose } => {
            let details = json!({ "entry": id });
            let act =
                Act { action: "lift suppression".to_owned(), purpose: purpose.clone(), details, ..Act::default() };
            audit::note(&config, common, act)?;
            if !ledger.lift(id)? {
                return Err(
                    Failure::new("there is no such entry that holds").hint("`residuum suppression list` has them")
                );
            }
            common.say("lifted: they may come back");
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
