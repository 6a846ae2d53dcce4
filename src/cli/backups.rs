//! `residuum backups`: which backups hold people who were erased since, and the hook to be run when one is restored.

use std::io::Write as _;

use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{self, Format, Style, json_line};
use super::table::{Align, Table};
use super::{audit, erase, scan};
use crate::audit::Act;
use crate::report::human::count;
use crate::request::{Backup, Suppression};

/// The register of backups, and what to do when one is restored
///
/// A backup need not be rewritten when somebody is erased, but whoever restores it has to erase them again before it is
/// used (11 CCR § 7022(d)). `list` says which backups may hold how many of them; `restored` scans the source that was
/// restored and erases again who was erased since: call it from the script that restores.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum backups add nightly-2026-11-22 --source crm --taken 2026-11-22 --expires 2027-02-20
  residuum backups list
  residuum backups restored nightly-2026-11-22 --apply    in the script that restores, before anybody connects")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Register a backup, or what is new about one
    Add {
        /// What it is called
        #[arg(value_name = "BACKUP")]
        name: String,
        /// The source it is of
        #[arg(long, value_name = "SOURCE")]
        source: String,
        /// The day it was taken, `YYYY-MM-DD`
        #[arg(long, value_name = "DATE", value_parser = day)]
        taken: String,
        /// The last day it is kept; it leaves the register then
        #[arg(long, value_name = "DATE", value_parser = day)]
        expires: Option<String>,
    },
    /// Print the backups that are kept, with how many of those erased each may hold
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "jsonl"]))]
        format: Format,
    },
    /// Scan what was restored, and erase again who was erased since
    ///
    /// Without `--apply` it says what would be erased. Exits with 2 as long as something is left to do.
    Restored {
        /// The backup that was restored
        #[arg(value_name = "BACKUP")]
        name: String,
        /// Erase them
        #[arg(long)]
        apply: bool,
        /// The request it is for, under which recipients are told; no name or address
        #[arg(long, value_name = "ID")]
        request: Option<String>,
    },
}

fn day(text: &str) -> Result<String, String> {
    let is_day = crate::config::is_date(text);
    is_day.then(|| text.to_owned()).ok_or_else(|| "a day is written `YYYY-MM-DD`".to_owned())
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let _ = common.open_index(&config)?; // who has no index has erased nobody
    let mut ledger = Suppression::open(&config.index)?;
    let mut out = output::stdout();
    match &args.command {
        Command::Add { name, source, taken, expires } => {
            if taken.as_str() > crate::clock::today().as_str() {
                let hint = "a backup is registered once it is taken; `--expires` is the day until which it is kept";
                return Err(Failure::new(format_args!("{taken} is still to come")).hint(hint));
            }
            if !config.sources.iter().any(|of| of.name == *source) {
                common.say(format_args!("warning: there is no source `{source}` in `residuum.toml`"));
            }
            let details = json!({ "backup": name, "source": source, "taken": taken, "expires": expires });
            audit::note(&config, common, Act { action: "register backup".to_owned(), details, ..Act::default() })?;
            let (name, source, taken) = (name.clone(), source.clone(), taken.clone());
            ledger.register(&Backup { name, source, taken, expires: expires.clone(), replayed: None, may_hold: 0 })?;
        }
        Command::List { format } => {
            let backups = ledger.kept_backups()?;
            if *format == Format::Jsonl {
                for backup in &backups {
                    json_line(&mut out, backup)?;
                }
                out.flush()?;
                return Ok(Exit::Done);
            }
            let columns = [
                ("backup", Align::Left),
                ("source", Align::Left),
                ("taken", Align::Left),
                ("expires", Align::Left),
                ("erased since", Align::Right),
                ("replayed", Align::Left),
            ];
            let mut table = Table::new(&mut out, Style::stdout(), &columns);
            for Backup { name, source, taken, expires, replayed, may_hold } in backups {
                let (expires, replayed) = (expires.unwrap_or_default(), replayed.unwrap_or_default());
                table.row(vec![name, source, taken, expires, count(may_hold), replayed])?;
            }
            table.finish()?;
        }
        Command::Restored { name, apply, request } => {
            let backups = ledger.backups()?;
            let backup = backups.iter().find(|backup| backup.name == *name).ok_or_else(|| {
                Failure::new(format_args!("there is no backup `{name}`")).hint("`residuum backups add` registers it")
            })?;
            let sources = [backup.source.clone()];
            common.say(format_args!("scanning `{}` as it was restored", backup.source));
            let scanned = scan::again(&sources, common)?;
            let erased = erase::resurrected(&sources, *apply, request.clone(), common)?;
            if *apply && erased == Exit::Done && scanned == Exit::Done {
                ledger.replayed(name)?;
            }
            return Ok(if erased == Exit::Done { scanned } else { erased });
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
