//! The command line: reads arguments, calls the library, prints. One file for each subcommand.
//!
//! Data goes to standard output, everything else to standard error. Nothing else in the library prints, and
//! nothing here knows how a scan or a look-up works. What scripts may rely on is the formats, the field names
//! and the [`exit`] codes.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::common::Common;
use self::exit::Exit;
use self::failure::Failure;
use self::output::Style;

mod audit;
mod backups;
mod certificate;
mod changes;
mod common;
mod completions;
mod contests;
mod correct;
mod coverage;
mod demo;
mod desk;
mod detect;
mod disclose;
mod erase;
mod erasure;
mod exit;
mod expand;
mod failure;
mod feed;
mod find;
mod findings;
mod index;
mod kept;
mod keys;
mod known;
mod links;
mod location;
mod lock;
mod man;
mod map;
mod minimise;
mod notices;
mod output;
mod people;
mod plan;
mod progress;
mod report;
mod request;
mod rules;
mod scan;
mod sources;
mod suppression;
mod table;
mod telling;
mod verify;

/// Finds every trace of a person in an organisation's data.
///
/// Residuum scans files and databases for personal information, keeps the exact place of every item in an index
/// that holds no values, and answers where one person is in milliseconds.
#[derive(Parser)]
#[command(
    name = "residuum",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Start with `residuum demo`: it makes an invented company, scans it and finds one person in it.",
    after_long_help = AFTER_HELP
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  residuum demo                                   an invented company, scanned and searched
  residuum scan exports/ sqlite:crm.sqlite        scan a directory and a database into the index
  residuum report                                 what is where
  residuum find --email jane@example.com          where is this person?
  residuum findings --type US_SSN --format jsonl  every finding of one type
  residuum disclose --email jane@example.com --output R-2041.zip   a package of what is held of them
  residuum erase --email jane@example.com         what would be erased; `--apply` does it
  residuum verify --email jane@example.com        is anything of this person left?

Exit codes:
  0  done, and coverage is complete
  1  could not run: usage, configuration, credentials, damaged index
  2  done, but something listed is unsupported, unreadable or over a limit; `map check`: gaps remain
  3  `find`: no location; `verify`: something remains; `audit verify`, `certificate check`: does not hold (3 wins over 2)";

#[derive(Subcommand)]
enum Command {
    Scan(scan::Args),
    Findings(findings::Args),
    Find(find::Args),
    Report(report::Args),
    Map(map::Args),
    Detect(detect::Args),
    Rules(rules::Args),
    Sources(sources::Args),
    Index(index::Args),
    Keys(keys::Args),
    Links(links::Args),
    Disclose(disclose::Args),
    Erase(erase::Args),
    Correct(correct::Args),
    Minimise(minimise::Args),
    Verify(verify::Args),
    Certificate(certificate::Args),
    Suppression(suppression::Args),
    Backups(backups::Args),
    Contests(contests::Args),
    Lock(Box<lock::Args>),
    Notices(notices::Args),
    Request(request::Args),
    Audit(audit::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    fn run(&self, common: &Common) -> Result<Exit, Failure> {
        match self {
            Self::Scan(args) => scan::run(args, common),
            Self::Findings(args) => findings::run(args, common),
            Self::Find(args) => find::run(args, common),
            Self::Report(args) => report::run(args, common),
            Self::Map(args) => map::run(args, common),
            Self::Detect(args) => detect::run(args, common),
            Self::Rules(args) => rules::run(args, common),
            Self::Sources(args) => sources::run(args, common),
            Self::Index(args) => index::run(args, common),
            Self::Links(args) => links::run(args, common),
            Self::Keys(args) => keys::run(args, common),
            Self::Disclose(args) => disclose::run(args, common),
            Self::Erase(args) => erase::run(args, common),
            Self::Minimise(args) => minimise::run(args, common),
            Self::Correct(args) => correct::run(args, common),
            Self::Verify(args) => verify::run(args, common),
            Self::Suppression(args) => suppression::run(args, common),
            Self::Backups(args) => backups::run(args, common),
            Self::Contests(args) => contests::run(args, common),
            Self::Lock(args) => lock::run(args, common),
            Self::Notices(args) => notices::run(args, common),
            Self::Request(args) => request::run(args, common),
            Self::Certificate(args) => certificate::run(args, common),
            Self::Audit(args) => audit::run(args, common),
            Self::Demo(args) => demo::run(args, common),
            Self::Completions(args) => completions::run(args),
            Self::Man(args) => man::run(args, common),
        }
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let (cli, matches) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help that was asked for is data and goes to standard output; clap knows which is which.
            let _ = error.print();
            let asked =
                matches!(error.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion);
            return if asked { Exit::Done.into() } else { Exit::CouldNotRun.into() };
        }
    };
    common::start_log(cli.common.verbose);
    // A file that may not grow further is then an error that a command names, and not the end of the process.
    let _ = signal_hook::flag::register(signal_hook::consts::signal::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    match kept::without_names(&matches, &cli.common).and_then(|()| cli.command.run(&cli.common)) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::Done.into(),
        Err(failure) => {
            let text = failure.render();
            let style = Style::stderr();
            let text = match text.split_once(':') {
                Some((label, rest)) => format!("{}:{rest}", style.red(label)),
                None => text,
            };
            let _ = std::io::stderr().write_all(text.as_bytes());
            Exit::CouldNotRun.into()
        }
    }
}

fn parse() -> Result<(Cli, clap::ArgMatches), clap::Error> {
    let matches = Cli::command().try_get_matches()?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_and_help_text_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_is_explained() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "`{}` says nothing of itself", command.get_name());
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "`{} {}` says nothing of itself", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }
}
