//! `residuum index`: whether the index is as it was written.

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use crate::report::human::{bytes, count};

/// Check the index
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Read every file of the index and say which is damaged
    ///
    /// Look-ups check what they read. This reads everything: after a restore, or now and then. Exits with 1 if
    /// anything is not as it was written.
    Check,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let Command::Check = args.command;
    let config = common.resolve()?;
    let checked = common.open_index(&config)?.check()?;
    for file in checked.unsummed.iter().take(SHOWN) {
        common.say(format_args!("warning: `{}` has no digest, only its structure was checked", file.display()));
    }
    if checked.unsummed.len() > SHOWN {
        common.say(format_args!("warning: and so have {} more", count((checked.unsummed.len() - SHOWN) as u64)));
    }
    if !checked.unsummed.is_empty() {
        common.say("hint: `residuum scan` gives the catalog one, `residuum scan --full` everything");
    }
    let mut damaged = checked.damaged.iter();
    if let Some(first) = damaged.next() {
        for more in damaged.take(SHOWN) {
            // Not for those who asked for quiet only: it is an error.
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("error: {more}\n"));
        }
        return Err(Failure::new(first));
    }
    common.say(format_args!(
        "everything is as it was written: {} segment files and the catalog, {}",
        count(checked.files),
        bytes(checked.bytes)
    ));
    Ok(Exit::Done)
}

/// Files named one by one.
const SHOWN: usize = 20;
