//! `residuum map`: what the data is for, where it comes from and who gets it, and what of that is not said.

mod check;
mod export;
mod graph;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::{coverage, known, output, rules};
use crate::clock::utc;
use crate::config::{Config, Day};
use crate::index::{Index, display};
use crate::map::{Gap, Holding, Map, gaps, holdings, idle_holds};
use crate::report::map::Account;

/// Account for the data: purposes, sources, recipients, retention
///
/// What `[[map]]`, `[[recipient]]` and `[[accepted_gap]]` in `residuum.toml` say, beside what the index has found.
/// Nothing is read but the two.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Check(check::Args),
    Graph(graph::Args),
    Export(export::Args),
}

/// Which fields are to be looked at.
#[derive(clap::Args)]
struct Which {
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// Where it is written to.
#[derive(clap::Args)]
struct To {
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, common),
        Command::Graph(args) => graph::run(args, common),
        Command::Export(args) => export::run(args, common),
    }
}

/// The map, the index, and what the index has in the fields that are asked for.
struct Read {
    config: Config,
    index: Index,
    map: Map,
    holdings: Vec<Holding>,
    gaps: Vec<Gap>,
    today: Day,
}

impl Read {
    fn account(&self) -> Account<'_> {
        let made = utc(SystemTime::now());
        Account { map: &self.map, holdings: &self.holdings, gaps: &self.gaps, today: self.today, made }
    }
}

fn read(which: &Which, common: &Common) -> Result<Read, Failure> {
    let config = common.resolve()?;
    let scope = Scope::new(common)?;
    let index = common.open_index(&config)?;
    let map = Map::new(&config)?;
    let reader = index.reader()?;
    let mut holdings = holdings(&reader, &rules::load(&config)?)?;
    if let Some(source) = &which.source {
        let source = display(&known::source(&reader, index.keys(), source)?);
        holdings.retain(|holding| holding.source == source);
    }
    known::globs(&reader, &scope, common)?;
    holdings.retain(|holding| scope.contains(&holding.object, &holding.field));
    let today = Day::today();
    let gaps = gaps(&map, &holdings, &idle_holds(&config.retain, &reader)?, today);
    Ok(Read { config, index, map, holdings, gaps, today })
}

/// Writes to a file or to standard output, and says what the index does not cover.
fn deliver(
    read: &Read,
    to: Option<&Path>,
    common: &Common,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    match to {
        Some(path) => {
            let failed = || format!("`{}` cannot be written", path.display());
            let mut file = BufWriter::new(File::create(path).doing(failed())?);
            write(&mut file).doing(failed())?;
            file.flush().doing(failed())?;
            common.say(format_args!("it is in {}", path.display()));
        }
        None => {
            let mut out = output::stdout();
            write(&mut out)?;
            out.flush()?;
        }
    }
    coverage::exit(&read.index.reader()?, common)
}
