//! `residuum completions`: a script that completes commands and flags in a shell.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::exit::Exit;
use super::failure::Failure;
use super::output;

/// Print a script that completes commands and flags
///
/// Examples:
///   residuum completions bash > /etc/bash_completion.d/residuum
///   residuum completions zsh > ~/.zfunc/_residuum
///   residuum completions fish > ~/.config/fish/completions/residuum.fish
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "residuum", &mut script);
    let mut out = output::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Done)
}
