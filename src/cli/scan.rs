//! `residuum scan`: sources into the index.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use residuum_detect::{Detector, IndexKey};
use residuum_source::{Coverage, Source};
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style};
use super::progress::{self, Watcher};
use super::table::{Align, Table};
use super::{coverage, plan, rules, suppression};
use crate::config::{Config, Exclusion, SourceConfig, has_password, without_credentials};
use crate::connect::{self, Hosts, kind_of};
use crate::index::{Index, KeyOrigin, Keyring};
use crate::report::human::{bytes, count, counted, duration};
use crate::scan::{Scan, ScanOptions, Summary, Unreachable};

/// Scan sources into the index
///
/// Reads every record of the sources, finds what is personal, and keeps where it stands, not what it is. What has not
/// changed since the last scan is not read again. A scan that was interrupted goes on where it stopped when the same
/// command is run again. Sources are only read.
///
/// A source is a path or `file://…`, `sqlite:PATH`, `postgres://…`, `mysql://…` (also `mariadb://…`; without a database
/// in it, all of the server's), `s3://bucket/prefix`, or a name from `residuum.toml`; without any, every source of
/// `residuum.toml` is scanned. Passwords come from the places that `residuum.toml` names, from `PGPASSWORD`, `~/.pgpass`
/// or `MYSQL_PWD`, credentials for S3 from where AWS's own tools find them. How TLS is used stands in the URL:
/// `?sslmode=verify-full` for PostgreSQL, `?ssl-mode=verify_identity` for MariaDB and MySQL.
///
/// The index's key is made on first use outside of the index, and its path is printed; `RESIDUUM_INDEX_KEY` or
/// `RESIDUUM_INDEX_KEY_FILE` give another. Exits with 2 if something listed could not be read: it is named on standard
/// error and in the ledger.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum scan exports/ sqlite:crm.sqlite
  residuum scan postgres://scanner@db.example.com/crm --exclude 'audit.*'
  residuum scan crm --full --jobs 8
  residuum scan exports/ --plan")]
pub(super) struct Args {
    /// What to scan [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Read everything again, changed or not
    #[arg(long)]
    full: bool,
    /// Read about so many records of each object only; such a scan certifies nothing
    #[arg(long, value_name = "N")]
    sample: Option<std::num::NonZeroU64>,
    #[command(flatten)]
    bounds: Bounds,
    /// Say what would be read and how much, and read nothing
    #[arg(long)]
    plan: bool,
    /// How to print the summary
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json"]))]
    format: Format,
}

/// How fast to read, whatever `residuum.toml` says.
#[derive(clap::Args)]
struct Bounds {
    /// Read at most so many megabytes a second of each source
    ///
    /// Decompressed, and averaged over a second. Goes before `max_rate` of a source in `residuum.toml`.
    #[arg(long, value_name = "MB", value_parser = above_zero)]
    max_rate: Option<f64>,
    /// Read at most so many records a second of each source
    #[arg(long, value_name = "N", value_parser = above_zero)]
    max_rows: Option<f64>,
    /// Read with at most so many readers at a time of each host
    #[arg(long, value_name = "N")]
    max_readers: Option<std::num::NonZeroUsize>,
}

impl Bounds {
    fn apply(&self, source: &mut SourceConfig) {
        source.max_rate = self.max_rate.or(source.max_rate);
        source.max_rows = self.max_rows.or(source.max_rows);
        source.max_readers = self.max_readers.map(std::num::NonZeroUsize::get).or(source.max_readers);
    }
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "a number above 0 is needed; leave the option out for no bound".to_owned())
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let mut configured = choose(&config, &args.sources, common)?;
    configured.iter_mut().for_each(|source| args.bounds.apply(source));
    warn(&config, &configured, common);
    let (sources, unreachable) = open(&configured, common)?;
    let failed = unreachable.len() as u64;
    let options = ScanOptions {
        full: args.full,
        sample: args.sample.map(std::num::NonZeroU64::get),
        jobs: config.jobs,
        include: common.include.clone(),
        exclude: common.exclude.clone(),
        exclusions: [config.exclusions.clone(), own_index(&config.index, &configured)].concat(),
        joins: config.joins.clone(),
        limits: config.limits.clone(),
    };
    let detector = Detector::new(&rules::load(&config)?)?;
    let for_plan = if args.plan && !Index::exists(&config.index)? { Some(tempfile::tempdir()?) } else { None };
    let index = match &for_plan {
        // A plan leaves no index behind, and no key.
        Some(directory) => Index::create_or_open(directory.path(), Keyring::new(random_key()?, Vec::new()))?,
        None => make_index(&config, common)?,
    };
    let stop = stop_on_signal()?;
    let scan = Scan::new(&sources, &detector, &index, options).with_unreachable(unreachable).stop_when(&stop);
    if args.plan {
        let plan = scan.plan()?;
        plan::print(&plan, args.format)?;
        warn_unmatched(&plan.unmatched, common);
        let unlisted = failed > 0 || plan.sources.iter().any(|source| source.error.is_some());
        return Ok(if unlisted { Exit::Incomplete } else { Exit::Done });
    }
    let watcher = Watcher::new(common.quiet);
    let summary = scan.run(&watcher);
    watcher.finish();
    let summary = summary?;
    let mut out = output::stdout();
    match args.format {
        Format::Json => print_json(&mut out, &summary)?,
        _ => print(&mut out, &summary)?,
    }
    out.flush()?;
    warn_unmatched(&summary.unmatched, common);
    warn_empty(&summary.empty, common);
    if !summary.interrupted {
        suppression::say(common, suppression::back(&config, &index)?);
    }
    if summary.interrupted {
        common.say("interrupted: what was finished is in the index; the same command goes on where this one stopped");
    }
    if summary.sampled {
        common.say("a sample was read: what was not found may still be there, and nothing can be certified");
    }
    Ok(if summary.is_complete() && failed == 0 { Exit::Done } else { Exit::Incomplete })
}

/// Scans sources as `residuum scan` does without any flag.
pub(super) fn again(sources: &[String], common: &Common) -> Result<Exit, Failure> {
    let bounds = Bounds { max_rate: None, max_rows: None, max_readers: None };
    let sources = sources.to_vec();
    run(&Args { sources, full: false, sample: None, bounds, plan: false, format: Format::Table }, common)
}

/// The sources named, or all that are configured, or all that the index has.
pub(super) fn choose(config: &Config, names: &[String], common: &Common) -> Result<Vec<SourceConfig>, Failure> {
    let chosen: Vec<_> = match names {
        [] if config.sources.is_empty() => scanned(config, common)?,
        [] => config.sources.clone(),
        names => names.iter().map(|name| config.source(name)).collect(),
    };
    if chosen.is_empty() {
        let hint = "name one, such as `residuum scan exports/ sqlite:crm.sqlite`, or list them in `residuum.toml`";
        return Err(Failure::new("there is no source to scan").hint(hint));
    }
    if let Some(url) = names.iter().find(|name| has_password(name)) {
        let hint = "leave it out and set `PGPASSWORD` or `MYSQL_PWD`, or name the source in `residuum.toml` with `password_env`, \
                    `password_file` or `password_command`";
        let shown = without_credentials(url);
        return Err(Failure::new(format_args!(
            "`{shown}` is given with a password, which other users of the machine can see"
        ))
        .hint(hint));
    }
    for (i, source) in chosen.iter().enumerate() {
        if chosen[..i].iter().any(|earlier| earlier.name == source.name) {
            return Err(Failure::new(format_args!("source `{}` is given twice", source.name)));
        }
    }
    Ok(chosen)
}

/// The sources that were scanned into the index, by the addresses that they were given by.
fn scanned(config: &Config, common: &Common) -> Result<Vec<SourceConfig>, Failure> {
    if !Index::exists(&config.index)? {
        return Ok(Vec::new());
    }
    let index = common.open_index(config)?;
    let names = index.reader()?.sources()?;
    names.iter().map(|name| Ok(SourceConfig::from_url(&index.keys().reveal(name)?))).collect()
}

/// Says what of the configuration has no effect.
pub(super) fn warn(config: &Config, chosen: &[SourceConfig], common: &Common) {
    let known = |name: &str| config.sources.iter().chain(chosen).any(|source| source.name == name);
    let names: Vec<_> = config.sources.iter().chain(chosen).map(|source| format!("`{}`", source.name)).collect();
    let names = names.iter().enumerate().filter(|(i, name)| !names[..*i].contains(name)).map(|(_, name)| &**name);
    let cure = format!("sources are {}", names.collect::<Vec<_>>().join(", "));
    for join in &config.joins {
        for (end, field) in [("from", &join.from), ("to", &join.to)] {
            if !known(&field.source) {
                let (source, object, field) = (&field.source, &field.object, &field.field);
                common.say(format_args!(
                    "warning: `{end}` of the `[[join]]` with `{object}.{field}` names source `{source}`, which there is not; {cure}"
                ));
            }
        }
    }
    for Exclusion { source, object, until, .. } in &config.exclusions {
        if !known(source) {
            common.say(format_args!(
                "warning: the `[[exclude]]` of `{object}` names source `{source}`, which there is not; {cure}"
            ));
        }
        if let Some(until) = until.as_ref().filter(|until| until.as_str() < crate::clock::today().as_str()) {
            common.say(format_args!(
                "warning: the `[[exclude]]` of `{object}` in `{source}` held until {until}: it is scanned again; have it \
                 approved anew with another `until`, or remove it"
            ));
        }
    }
}

pub(super) fn warn_unmatched(globs: &[String], common: &Common) {
    for glob in globs {
        common.say(format_args!(
            "warning: `{glob}` matches nothing; names are as `residuum report` gives them, `**` also matches `/`"
        ));
    }
}

/// Says of which sources nothing is known because there is nothing in them.
pub(super) fn warn_empty(sources: &[String], common: &Common) {
    for source in sources {
        common.say(format_args!(
            "warning: there is nothing in source `{source}`: is that its address, is everything mounted, and may the user see it?"
        ));
    }
}

/// The sources that could be opened, and those that could not.
pub(super) type Opened = (Vec<Box<dyn Source>>, Vec<Unreachable>);

/// Opens every source that can be; one that cannot is named and kept, and ends everything only if none can.
pub(super) fn open(configured: &[SourceConfig], common: &Common) -> Result<Opened, Failure> {
    let (mut sources, mut unreachable, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let hosts = Hosts::new(configured);
    for source in configured {
        match hosts.connect(source) {
            Ok(source) => sources.push(source),
            Err(error) => {
                let (name, kind) = (source.name.clone(), kind_of(source).to_owned());
                unreachable.push(Unreachable { name, kind, reason: error.to_string() });
                failures.push(Failure::from(error));
            }
        }
    }
    if failures.len() == 1 && sources.is_empty() {
        return Err(failures.remove(0));
    }
    for failure in failures {
        common.say(failure.render().trim_end());
    }
    if sources.is_empty() { Err(Failure::new("no source can be opened")) } else { Ok((sources, unreachable)) }
}

/// Whether what is planned is all there is to plan: says so of sources that cannot be reached.
pub(super) fn plan_in_full(unreachable: &[Unreachable], covered: Exit, common: &Common) -> Exit {
    if unreachable.is_empty() {
        return covered;
    }
    common.say(format_args!(
        "the plan is incomplete, and `--apply` does nothing: {} cannot be reached; cure that, or name the sources to go on with",
        names_of(unreachable)
    ));
    Exit::Incomplete
}

/// Nothing is changed while a source cannot be reached: what stands there would be left, and what leads there be gone.
///
/// # Errors
/// If one cannot.
pub(super) fn all_reached(unreachable: &[Unreachable]) -> Result<(), Failure> {
    if unreachable.is_empty() {
        return Ok(());
    }
    let what = format!("nothing was changed: {} cannot be reached", names_of(unreachable));
    Err(Failure::new(what).hint("cure that, as said above, or go on without: name the sources that it is about, as in `residuum erase crm exports`"))
}

fn names_of(unreachable: &[Unreachable]) -> String {
    unreachable.iter().map(|source| format!("`{}`", source.name)).collect::<Vec<_>>().join(", ")
}

/// The index, made if there is none; says where its key is kept when it is made.
pub(super) fn make_index(config: &Config, common: &Common) -> Result<Index, Failure> {
    let index = Index::create_or_open(&config.index, common.keys_or_make(config)?)?;
    if let KeyOrigin::Made(path) = index.keys().origin() {
        common.say(format_args!("the key of the new index is kept in {}", path.display()));
        common.say("without it the index cannot be searched: back it up with `residuum keys backup FILE`");
    }
    Ok(index)
}

/// A key from the system's random numbers, for an index that keeps its key itself or keeps nothing.
pub(super) fn random_key() -> Result<IndexKey, Failure> {
    let mut bytes = [0; 32];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| Failure::new(format_args!("the system gives no random numbers: {error}")))?;
    Ok(IndexKey::new(bytes))
}

/// An index that lies inside of a scanned directory is not scanned itself.
pub(super) fn own_index(index: &Path, sources: &[SourceConfig]) -> Vec<Exclusion> {
    let Ok(index) = std::path::absolute(index).map(|path| std::fs::canonicalize(&path).unwrap_or(path)) else {
        return Vec::new();
    };
    let inside = |source: &SourceConfig| {
        let root = std::fs::canonicalize(source.url.strip_prefix("file://").unwrap_or(&source.url)).ok()?;
        let inner = index.strip_prefix(&root).ok()?.to_str()?.to_owned();
        Some(Exclusion {
            source: source.name.clone(),
            object: format!("{}/**", globset::escape(&inner)),
            approved_by: "residuum".to_owned(),
            reason: "the index itself".to_owned(),
            until: None,
        })
    };
    sources.iter().filter_map(inside).filter(|exclusion| exclusion.object != "/**").collect()
}

/// Becomes true at the first Ctrl-C or request to terminate; the second one ends the program at once.
pub(super) fn stop_on_signal() -> Result<Arc<AtomicBool>, Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let exit = i32::from(Exit::CouldNotRun.code());
        // Registered first, so that it sees what the signal before this one has set.
        signal_hook::flag::register_conditional_shutdown(signal, exit, stop.clone())
            .doing("signals cannot be watched")?;
        signal_hook::flag::register(signal, stop.clone()).doing("signals cannot be watched")?;
    }
    connect::end_waits_when(&stop);
    Ok(stop)
}

/// Prints a summary for people.
pub(super) fn print(out: &mut dyn std::io::Write, summary: &Summary) -> Result<(), Failure> {
    let style = Style::stdout();
    let seconds = summary.elapsed.as_secs_f64().max(0.001);
    let rate = bytes((summary.bytes as f64 / seconds) as u64);
    writeln!(
        out,
        "{} · {} · {} read in {} ({rate}/s)",
        style.bold(&counted(summary.objects, "object")),
        counted(summary.records, "record"),
        bytes(summary.bytes),
        duration(summary.elapsed)
    )?;
    if summary.unchanged > 0 {
        let verb = if summary.unchanged == 1 { "was" } else { "were" };
        writeln!(out, "{} had not changed and {verb} not read again", counted(summary.unchanged, "listed object"))?;
    }
    if summary.gone > 0 {
        writeln!(out, "{} no longer listed", counted(summary.gone, "object"))?;
    }
    writeln!(out)?;
    let mut by_type: Vec<_> = summary.by_type.iter().filter(|(_, n)| **n > 0).collect();
    by_type.sort_by_key(|(kind, n)| (std::cmp::Reverse(**n), kind.name()));
    let mut table = Table::new(out, style, &[("type", Align::Left), ("findings", Align::Right)]);
    for (kind, n) in by_type {
        table.row(vec![kind.name().to_owned(), count(*n)])?;
    }
    table.row(vec!["total".to_owned(), count(summary.findings)])?;
    table.finish()?;
    writeln!(out)?;
    let of = |state: Coverage| summary.coverage.get(&state).copied().unwrap_or(0);
    let verdict = if summary.is_complete() { style.green("complete") } else { style.yellow("incomplete") };
    writeln!(out, "coverage {verdict}: {}", coverage::line(of))?;
    const SHOWN: usize = 20;
    for entry in summary.incomplete.iter().take(SHOWN) {
        writeln!(out, "  {}", progress::not_read(entry, Style::plain()).trim_start_matches("warning: "))?;
    }
    if summary.incomplete.len() > SHOWN {
        writeln!(out, "  and {} more: `residuum report`", count((summary.incomplete.len() - SHOWN) as u64))?;
    }
    Ok(())
}

fn print_json(out: &mut dyn std::io::Write, summary: &Summary) -> Result<(), Failure> {
    let by_type: serde_json::Map<_, _> =
        summary.by_type.iter().map(|(kind, n)| (kind.name().to_owned(), json!(n))).collect();
    let of = |state: &Coverage| (state.name().to_owned(), json!(summary.coverage.get(state).copied().unwrap_or(0)));
    let coverage: serde_json::Map<_, _> = Coverage::ALL.iter().map(of).collect();
    let incomplete = summary.incomplete.iter().map(|entry| {
        let object = crate::index::display(&entry.object);
        json!({ "source": entry.source, "object": object, "state": entry.state.name(), "reason": entry.reason })
    });
    let document = json!({
        "objects": summary.objects, "unchanged": summary.unchanged, "gone": summary.gone, "bytes": summary.bytes,
        "records": summary.records, "findings": summary.findings, "types": by_type, "coverage": coverage,
        "incomplete": incomplete.collect::<serde_json::Value>(), "complete": summary.is_complete(),
        "sampled": summary.sampled, "interrupted": summary.interrupted, "seconds": summary.elapsed.as_secs_f64(),
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
