//! `residuum sources`: whether what is configured can be reached and read whole.

use std::io::Write as _;

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{self, Format, Style};
use super::scan;
use crate::connect::connect;

/// Check sources before they are scanned
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say whether each source can be reached, and what would be left unread
    ///
    /// Exits with 1 if a source cannot be reached, and with 2 if part of one could not be read; each problem is named
    /// with its cure.
    Check {
        /// What to check [default: every source of `residuum.toml`]
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
        /// How to print the answers
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "jsonl"]))]
        format: Format,
    },
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let Command::Check { sources, format } = &args.command;
    let config = common.resolve()?;
    let style = Style::stdout();
    let mut out = output::stdout();
    let (mut unreachable, mut problems) = (false, false);
    for source in scan::choose(&config, sources, common)? {
        let answer = connect(&source).map_err(Failure::from).and_then(|source| Ok((source.kind(), source.check()?)));
        if *format == Format::Jsonl {
            let line = match &answer {
                Ok((kind, check)) => serde_json::json!({
                    "source": source.name, "kind": kind, "reached": true, "what": check.what, "notes": check.notes,
                    "problems": check.problems,
                }),
                Err(failure) => {
                    serde_json::json!({ "source": source.name, "reached": false, "error": failure.render().trim_end() })
                }
            };
            output::json_line(&mut out, &line)?;
        }
        match answer {
            Ok((_, check)) => {
                problems |= !check.problems.is_empty();
                if *format != Format::Jsonl {
                    let verdict =
                        if check.problems.is_empty() { style.green("ok") } else { style.yellow("incomplete") };
                    writeln!(out, "{}  {verdict}  {}", style.bold(&source.name), check.what)?;
                    check.problems.iter().try_for_each(|problem| writeln!(out, "  problem: {problem}"))?;
                    check.notes.iter().try_for_each(|note| writeln!(out, "  note: {note}"))?;
                }
            }
            Err(failure) => {
                unreachable = true;
                out.flush()?;
                if *format != Format::Jsonl {
                    writeln!(out, "{}  {}", style.bold(&source.name), style.red("not reached"))?;
                    failure.render().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(match (unreachable, problems) {
        (true, _) => Exit::CouldNotRun,
        (false, true) => Exit::Incomplete,
        (false, false) => Exit::Done,
    })
}
