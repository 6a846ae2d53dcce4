//! `residuum links`: joins that nobody has declared, suggested by values and accepted by the owner.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use residuum_detect::Detector;
use residuum_source::SourceError;
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style, json_line, printable};
use super::scan::{choose, make_index, open, stop_on_signal};
use super::table::{Align, Table};
use super::{audit, rules};
use crate::audit::Act;
use crate::config::Config;
use crate::identity::links::{self, End, Suggestion};
use crate::index::{IndexError, Keyring};
use crate::report::human::{count, counted};

/// Suggest and accept joins that no schema declares
///
/// `find` follows keys that schemas and `[[join]]` in `residuum.toml` declare, and no others. `suggest` looks for more:
/// fields, in files and across systems, whose values are keys of a table, or stand beside the same e-mail addresses as
/// those keys do. Nothing of it is followed before somebody accepts it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum links suggest
  residuum links accept 1 3
  residuum scan               the new keys are indexed")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Read the sources and say which fields refer to which keys, with what speaks for it
    Suggest {
        /// Where to look [default: every source of `residuum.toml`]
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl"]))]
        format: Format,
    },
    /// Add suggestions to `residuum.toml` as `[[join]]`
    Accept {
        /// Their numbers, as `suggest` gave them last
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<usize>,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
    },
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    match &args.command {
        Command::Suggest { sources, format } => suggest(&config, sources, *format, common),
        Command::Accept { numbers, purpose } => accept(&config, numbers, purpose.as_deref(), common),
    }
}

/// What was suggested last: names and counts, no values.
fn file(config: &Config) -> PathBuf {
    config.index.join("links.json")
}

fn suggest(config: &Config, sources: &[String], format: Format, common: &Common) -> Result<Exit, Failure> {
    let configured = choose(config, sources, common)?;
    let (sources, unreachable) = open(&configured, common)?;
    let declared: HashSet<End> = config
        .joins
        .iter()
        .map(|join| End {
            source: join.from.source.clone(),
            object: join.from.object.clone(),
            field: join.from.field.clone(),
        })
        .collect();
    let stop = stop_on_signal()?;
    let suggested = match links::suggest(&sources, &declared, &config.limits, &stop) {
        Err(SourceError::Stopped) => return Err(Failure::new("interrupted: nothing was suggested")),
        suggested => suggested?,
    };
    let mut found = suggested.links;
    // A join over a glob declares each of the objects it matches.
    found.retain(|of| !declared.iter().any(|join| covers(join, &of.from)));
    // A path or a field may name a person: what is kept and printed is sealed as in the index.
    let index = make_index(config, common)?;
    let detector = Detector::new(&rules::load(config)?)?;
    let mut worker = detector.worker();
    for end in found.iter_mut().flat_map(|of| [&mut of.from, &mut of.to]) {
        end.each(&mut |name| crate::scan::seal_name(&mut worker, index.keys(), name));
    }
    let kept = serde_json::to_vec_pretty(&found)?;
    fs::write(file(config), kept).doing(format_args!("`{}` cannot be written", file(config).display()))?;
    let mut out = output::stdout();
    match format {
        Format::Json => {
            shorten(&mut found);
            writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
        }
        Format::Jsonl => {
            shorten(&mut found);
            for (number, of) in found.iter().enumerate() {
                json_line(&mut out, &json!({ "number": number + 1, "suggestion": of }))?;
            }
        }
        _ => print(&mut out, &found)?,
    }
    out.flush()?;
    common.say(format_args!(
        "{}{}",
        counted(found.len() as u64, "suggestion"),
        if found.is_empty() { "" } else { "; `residuum links accept NUMBER` adds one to the configuration" }
    ));
    if suggested.unread > 0 {
        let unread = counted(suggested.unread, "object");
        common.say(format_args!("warning: {unread} could not be read in full, which `residuum scan` names"));
    }
    if suggested.is_cut {
        common.say("warning: there are more fields than are compared: name fewer sources at a time");
    }
    let is_complete = unreachable.is_empty() && suggested.unread == 0 && !suggested.is_cut;
    Ok(if is_complete { Exit::Done } else { Exit::Incomplete })
}

/// Names as outputs have them.
fn shorten(found: &mut [Suggestion]) {
    for end in found.iter_mut().flat_map(|of| [&mut of.from, &mut of.to]) {
        end.each(&mut crate::index::display);
    }
}

fn covers(join: &End, from: &End) -> bool {
    let is_match = globset::Glob::new(&join.object).is_ok_and(|glob| glob.compile_matcher().is_match(&from.object));
    join.source == from.source && join.field == from.field && (is_match || join.object == from.object)
}

fn print(out: &mut dyn std::io::Write, found: &[Suggestion]) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    let columns = [
        ("", Align::Right),
        ("field", Align::Left),
        ("refers to", Align::Left),
        ("values that are keys", Align::Right),
        ("addresses that agree", Align::Right),
        ("named alike", Align::Left),
    ];
    let mut table = Table::new(out, Style::stdout(), &columns);
    for (number, of) in found.iter().enumerate() {
        let name = |end: &End| format!("{} {}.{}", end.source, end.object, end.field);
        let share = |part: u64, all: u64| match all {
            0 => String::new(),
            all => format!("{} of {}", count(part), count(all)),
        };
        let cells = [
            (number + 1).to_string(),
            name(&of.from),
            name(&of.to),
            share(of.included, of.distinct) + if of.sampled { " (sampled)" } else { "" },
            share(of.agreeing, of.pairs),
            if of.named_alike { "yes" } else { "" }.to_owned(),
        ];
        table.row(cells.iter().map(|cell| printable(&crate::index::display(cell))).collect())?;
    }
    Ok(table.finish()?)
}

fn accept(config: &Config, numbers: &[usize], purpose: Option<&str>, common: &Common) -> Result<Exit, Failure> {
    let cure = "run `residuum links suggest` first";
    let text = fs::read(file(config)).doing("nothing was suggested yet").hint(cure)?;
    let found: Vec<Suggestion> =
        serde_json::from_slice(&text).doing("the last suggestions cannot be read").hint(cure)?;
    let index = common.open_index(config)?;
    let mut joins = String::new();
    for &number in numbers {
        let of = number.checked_sub(1).and_then(|at| found.get(at)).ok_or_else(|| {
            Failure::new(format_args!("there is no suggestion {number}")).hint(format!("there are {}", found.len()))
        })?;
        joins.push_str(&join(&opened(index.keys(), &of.from)?, &opened(index.keys(), &of.to)?));
    }
    let path = config.file.clone().unwrap_or_else(|| Path::new(crate::config::FILE_NAME).to_owned());
    let details = json!({ "joins": numbers.len(), "file": path });
    let act = Act { action: "accept links".to_owned(), purpose: purpose.map(str::to_owned), details, ..Act::default() };
    audit::note(config, common, act)?;
    let doing = format!("`{}` cannot be written", path.display());
    let mut file = OpenOptions::new().append(true).create(true).open(&path).doing(&doing)?;
    file.write_all(joins.as_bytes()).and_then(|()| file.sync_all()).doing(&doing)?;
    let joins = counted(numbers.len() as u64, "join");
    common.say(format_args!("{joins} added to {}; `residuum scan` indexes the keys", path.display()));
    Ok(Exit::Done)
}

/// With names as the sources have them.
fn opened(keys: &Keyring, end: &End) -> Result<End, IndexError> {
    let name = |name: &str| keys.reveal(name);
    Ok(End { source: name(&end.source)?, object: name(&end.object)?, field: name(&end.field)? })
}

/// A suggestion as the configuration has it.
fn join(from: &End, to: &End) -> String {
    let end = |end: &End| {
        let text = |text: &str| toml::Value::from(text).to_string();
        format!("{{ source = {}, object = {}, field = {} }}", text(&end.source), text(&end.object), text(&end.field))
    };
    format!("\n[[join]]\nfrom = {}\nto = {}\n", end(from), end(to))
}
