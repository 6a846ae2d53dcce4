//! `residuum keys`: where the index's keys are, whether they work, copies and replacements of them.

use std::io::Write as _;
use std::path::PathBuf;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Style};
use super::table::{Align, Table};
use crate::index::{KeyOrigin, Keyring, id_text};
use crate::report::human::count;

/// Check, back up or replace the keys of the index
///
/// Fingerprints and sealed names in the index are made with a key that is kept elsewhere; without it the index tells
/// nothing and finds nobody.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say which keys there are, where they come from and whether they are the index's
    Check,
    /// Copy all keys to a new file that only you may read
    ///
    /// Keep it where the index is not. `RESIDUUM_INDEX_KEY_FILE` takes such a file.
    Backup {
        /// The file to make
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a new key; older ones stay readable until what they protect is scanned again
    ///
    /// Follow it with `residuum scan --full`. Keys that come from the environment are replaced there instead.
    Rotate,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    match &args.command {
        Command::Check => {
            let index = common.open_index(&config)?;
            let in_use = index.reader()?.keys_in_use()?;
            let mut out = output::stdout();
            let mut table = Table::new(
                &mut out,
                Style::stdout(),
                &[("key", Align::Left), ("role", Align::Left), ("findings", Align::Right)],
            );
            for (i, key) in index.keys().all().enumerate() {
                let id = id_text(key);
                let findings = in_use.iter().find(|(used, _)| *used == id).map_or(0, |(_, n)| *n);
                table.row(vec![id, if i == 0 { "current" } else { "older" }.to_owned(), count(findings)])?;
            }
            table.finish()?;
            out.flush()?;
            common.say(format_args!("from {}", origin(index.keys())));
            let held: Vec<_> = index.keys().all().map(id_text).collect();
            if let Some((missing, n)) = in_use.iter().find(|(id, n)| *n > 0 && !held.contains(id)) {
                let message = format!("key {missing} is not at hand, and {} findings are under it", count(*n));
                return Err(Failure::new(message).hint("put its backup back, or scan with `--full`"));
            }
            Ok(Exit::Done)
        }
        Command::Backup { file } => {
            common.keys(&config)?.backup(file).hint("name a file that does not exist yet")?;
            common.say(format_args!("the keys are in {}; keep it apart from the index", file.display()));
            Ok(Exit::Done)
        }
        Command::Rotate => {
            let index = common.open_index(&config)?.rotate()?;
            common.say(format_args!(
                "the new key is {}, kept in {}",
                id_text(index.keys().current()),
                origin(index.keys())
            ));
            common.say("run `residuum scan --full` so that everything is under it; until then older keys stay in use");
            Ok(Exit::Done)
        }
    }
}

fn origin(keys: &Keyring) -> String {
    match keys.origin() {
        KeyOrigin::Given => "the program".to_owned(),
        KeyOrigin::Environment => "the environment".to_owned(),
        KeyOrigin::File(path) | KeyOrigin::State(path) | KeyOrigin::Made(path) => path.display().to_string(),
    }
}
