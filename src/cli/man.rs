//! `residuum man`: the manual, one page for the program and one for each command.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::CommandFactory as _;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output;

/// Print a manual page, or write all of them
///
/// Examples:
///   residuum man | man -l -
///   residuum man scan | man -l -
///   residuum man --dir ~/.local/share/man/man1
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The command whose page is wanted; several words for a command of a command [default: the program's own page]
    command: Vec<String>,
    /// Write every page into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let mut root = super::Cli::command();
    root.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir).doing(format_args!("`{}` cannot be made", dir.display()))?;
        clap_mangen::generate_to(root, dir).doing(format_args!("pages cannot be written to `{}`", dir.display()))?;
        common.say(format_args!("manual pages are in {}", dir.display()));
        return Ok(Exit::Done);
    }
    let mut command = root;
    for word in &args.command {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| {
            let names: Vec<_> = command.get_subcommands().map(|c| format!("`{}`", c.get_name())).collect();
            Failure::new(format_args!("there is no command `{word}`")).hint(format!("commands: {}", names.join(", ")))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    let mut out = output::stdout();
    out.write_all(&page)?;
    out.flush()?;
    Ok(Exit::Done)
}
