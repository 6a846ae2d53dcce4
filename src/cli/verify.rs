//! `residuum verify`: is anything of this person left?

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use residuum_detect::{Detector, RuleSet};
use residuum_source::{Coverage, Source};
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::location::{Names, Printer};
use super::output::{self, Format, Style};
use super::people::{self, People};
use super::progress::Watcher;
use super::scan::{choose, make_index, open, own_index, stop_on_signal, warn};
use super::{audit, known, rules};
use crate::audit::Act;
use crate::clock::utc;
use crate::identity::Subject;
use crate::index::{Finding, Index, Reader, SourceState};
use crate::proof::{self, Canaries, Certificate, Edges, Opening, Places, SourceStatement, Statement, Traces, Wanted};
use crate::report::human::{count, counted};
use crate::request::Policy;
use crate::scan::{Scan, ScanOptions};
use crate::signature::{Signer, hex};

/// Verify that nothing of a person is left
///
/// Reads all sources again and looks for the person's identifiers, plain, hashed, encoded or compressed, by themselves
/// and along declared keys. Each place that is found is `residual`; `joint`, if the identifier stands with several
/// people; `possible`, if only weak identifiers meet there, as of a namesake; or `retained` under a `[[retain]]` of
/// `residuum.toml`. Canaries, people invented for this run,
/// go the same way and must all be found.
///
/// Identifiers are looked for as they are written, too, wherever they stand: bare digits in a field `x`, MD5, SHA-1, SHA-256
/// and SHA-512 in a line of a log, in every field and in names; such places have `literal` as their reason. Where no
/// record stands, as on pages that SQLite has freed and in its logs, the bytes are looked at. Row versions that
/// PostgreSQL and MariaDB have not overwritten yet are not seen; the certificate says what to run.
///
/// With `--certificate` a signed statement is written, if nothing is residual, every listed object was read and every
/// canary found. It holds no identifier, but a commitment to them that the file `FILE.opening.json` opens: give it to the
/// person. `residuum certificate check` checks it offline.
///
/// Exits with 3 if anything residual or joint is found, else with 2 if not everything could be looked at.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum verify --email jane@example.com --phone '+1 202 555 0123'
  residuum verify --identifiers erased.csv --format jsonl
  residuum verify crm exports/ --email jane@example.com --request R-2041 --certificate R-2041.json")]
pub(super) struct Args {
    /// What to look at [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    people: People,
    /// Write a certificate to a new file, if there is nothing against it
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The request it is for; stands in the certificate and in the audit log, so no name or address
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Take objects that have not changed since the last scan as the index has them; the certificate says so
    #[arg(long)]
    incremental: bool,
    /// How to print places
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl"]))]
    format: Format,
    /// Open names that are personal themselves; the audit log says so
    #[arg(long)]
    show_values: bool,
}

/// Objects that could not be looked at, named one by one; the report has them all.
const SHOWN: usize = 20;

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    args.certificate.as_deref().map_or(Ok(()), may_be_made)?;
    let subjects = args.people.subjects_in_full()?;
    let config = common.resolve()?;
    let configured = choose(&config, &args.sources)?;
    warn(&config, &configured, common);
    let (sources, unreachable) = open(&configured, common)?;
    let missing = unreachable.len();
    let rules = rules::load(&config)?;
    let detector = Detector::new(&rules)?;
    let index = make_index(&config, common)?;
    let details = json!({
        "subjects": subjects.len(), "identifiers": people::kinds(&subjects), "show_values": args.show_values,
        "sources": sources.len() + missing,
    });
    let act = |action: &str, details| Act {
        action: action.to_owned(),
        purpose: args.purpose.clone(),
        request: args.request.clone(),
        details,
    };
    audit::note(&config, common, act("verify", details))?;
    let options = ScanOptions {
        full: !args.incremental,
        sample: None,
        jobs: config.jobs,
        include: common.include.clone(),
        exclude: common.exclude.clone(),
        exclusions: [config.exclusions.clone(), own_index(&config.index, &configured)].concat(),
        joins: config.joins.clone(),
        limits: config.limits.clone(),
    };
    let canaries = proof::plant(&detector, index.keys(), &options)?;
    let stop = stop_on_signal()?;
    let began = utc(SystemTime::now());
    let watcher = Watcher::new(common.quiet);
    let wanted = Wanted::new(&subjects, Edges::Clear);
    let scan = Scan::new(&sources, &detector, &index, options).with_unreachable(unreachable).stop_when(&stop);
    let summary = scan.looking_for(&wanted).run(&watcher);
    drop(wanted);
    watcher.finish();
    let summary = summary?;
    if stop.load(Ordering::Relaxed) {
        common.say("stopped: nothing can be said of what is left");
        audit::note(&config, common, act("verified", json!({ "complete": false, "stopped": true })))?;
        return Ok(Exit::Incomplete);
    }
    let scanned = [began, utc(SystemTime::now())];
    let reader = index.reader()?;
    known::domains(&reader, &subjects)?;
    let traces = proof::leftovers(&sources, &detector, index.keys(), &subjects, &stop);
    let policy = Policy::new(&config);
    let mut retained = BTreeMap::new();
    let places = print(args, &rules, &index, &reader, &subjects, &traces, &stop, &policy, &mut retained)?;
    let in_full = common.include.is_empty() && common.exclude.is_empty();
    let stopped = stop.load(Ordering::Relaxed);
    let complete = summary.is_complete() && missing == 0 && traces.unread.is_empty() && in_full && !stopped;
    if !in_full {
        common.say("not looked at: what `--include` and `--exclude` leave out");
    }
    conclude(common, places, canaries, complete);
    for entry in summary.incomplete.iter().take(SHOWN) {
        let entry = super::progress::not_read(entry, Style::plain());
        common.say(format_args!("not looked at: {}", entry.trim_start_matches("warning: ")));
    }
    if summary.unchanged > 0 {
        common.say(format_args!(
            "not looked for in {}: {}",
            counted(summary.unchanged, "object"),
            proof::NOT_READ_AGAIN
        ));
    }
    for (source, reason) in &traces.unread {
        common.say(format_args!("not looked at: what `{source}` has freed: {reason}"));
    }
    let empty = summary.sources.iter().map(|state| state.objects).sum::<u64>() == 0;
    let against = against(places, canaries, complete, empty);
    let outcome = json!({
        "residual": places.residual, "joint": places.joint, "possible": places.possible, "retained": retained, "complete": complete,
        "canaries": canaries, "certified": args.certificate.is_some() && against.is_none(),
    });
    if let Some(path) = &args.certificate {
        match against {
            Some(reason) => common.say(format_args!("no certificate was made: {reason}")),
            None => {
                let opening = Opening::new().doing("a certificate could not be made")?;
                let statement = Statement {
                    version: Statement::VERSION,
                    id: opening.certificate.clone(),
                    issued: utc(SystemTime::now()),
                    program: concat!("residuum ", env!("CARGO_PKG_VERSION")).to_owned(),
                    request: args.request.clone(),
                    subjects: subjects.len() as u64,
                    identifiers: people::kinds(&subjects).into_iter().map(|(k, n)| (k.to_owned(), n as u64)).collect(),
                    commitment: opening.commitment(&subjects),
                    scanned,
                    rules: hex(&detector.digest()),
                    sources: looked_at(&summary.sources),
                    places,
                    retained: retained.clone(),
                    canaries,
                    not_examined: not_examined(&sources, summary.unchanged > 0),
                };
                let signer = Signer::load_or_make()?;
                let certificate = Certificate::sign(&statement, &signer);
                let opener = opener_of(path);
                write(&opener, &format!("{}\n", serde_json::to_string_pretty(&opening)?), 0o600)?;
                // The certificate last: what was not noted or cannot be opened is none.
                audit::note(&config, common, act("certified", json!({ "certificate": opening.certificate })))?;
                write(path, &certificate.to_json(), 0o644)?;
                common.say(format_args!("the certificate is in {}, signed by {}", path.display(), signer.public_key()));
                common.say(format_args!("what opens its commitment is in {}: give it to the person", opener.display()));
            }
        }
    }
    audit::note(&config, common, act("verified", outcome))?;
    Ok(match () {
        () if places.residual + places.joint > 0 => Exit::No,
        () if !complete || !canaries.all_found() => Exit::Incomplete,
        () => Exit::Done,
    })
}

/// Prints the places and counts them; those that are kept by exception.
#[expect(clippy::too_many_arguments, reason = "what is printed comes from everywhere")]
fn print(
    args: &Args,
    rules: &RuleSet,
    index: &Index,
    reader: &Reader,
    subjects: &[Subject],
    traces: &Traces,
    stop: &AtomicBool,
    policy: &Policy,
    retained: &mut BTreeMap<String, u64>,
) -> Result<Places, Failure> {
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, args.format, Names::new(index.keys(), args.show_values), rules, true)?;
    let mut printed = Ok(());
    let is_retained = |finding: &Finding| policy.keeps(finding).is_some();
    let mut places = proof::remaining(reader, index.keys(), subjects, &is_retained, &mut |state, location| {
        if let Some(retention) = policy.keeps(&location.finding) {
            *retained.entry(retention.exception.clone()).or_default() += 1;
        }
        printed = printer.remaining(state, location);
        if printed.is_err() || stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    printed?;
    for trace in &traces.found {
        *places.of(trace.state) += 1;
        printer.trace(trace)?;
    }
    printer.finish()?;
    out.flush()?;
    Ok(places)
}

fn conclude(common: &Common, places: Places, canaries: Canaries, complete: bool) {
    let Places { residual, joint, possible, retained } = places;
    let looked = if complete { "everything was looked at" } else { "not everything could be looked at" };
    common.say(format_args!(
        "{}: {} joint, {} possible, {} retained; {looked}; {} of {} canaries found",
        if residual == 0 { "nothing residual".to_owned() } else { format!("{} residual", counted(residual, "place")) },
        count(joint),
        count(possible),
        count(retained),
        canaries.found,
        canaries.planted
    ));
}

/// What speaks against a certificate.
fn against(places: Places, canaries: Canaries, complete: bool, empty: bool) -> Option<&'static str> {
    match () {
        () if places.residual > 0 => Some("data of the person are left"),
        () if places.joint > 0 => Some("an identifier stands with several people: say first whose records these are"),
        () if !complete => Some(
            "not everything could be looked at; approve what is to be left out with `[[exclude]]` in `residuum.toml`",
        ),
        () if !canaries.all_found() => Some("not every canary was found: this run cannot be relied on"),
        () if empty => Some("there was nothing to look at: is everything mounted, and may the user see it?"),
        () => None,
    }
}

/// What was looked at, by source.
fn looked_at(states: &[SourceState]) -> Vec<SourceStatement> {
    let mut statements: Vec<SourceStatement> = Vec::new();
    for state in states {
        if statements.last().is_none_or(|last| last.name != *state.source) {
            let (name, kind) = (state.source.to_string(), state.source_kind.to_string());
            statements.push(SourceStatement { name, kind, read: 0, derived: 0, excluded: 0, records: 0 });
        }
        let statement = statements.last_mut().expect("pushed above");
        statement.records += state.records;
        match state.coverage {
            Coverage::Derived => statement.derived += state.objects,
            Coverage::Excluded => statement.excluded += state.objects,
            // A certificate is made only where nothing is in any other state.
            _ => statement.read += state.objects,
        }
    }
    statements
}

fn not_examined(sources: &[Box<dyn Source>], some_unchanged: bool) -> Vec<String> {
    let mut all: Vec<String> = proof::NEVER_EXAMINED.iter().map(|what| (*what).to_owned()).collect();
    if some_unchanged {
        all.push(proof::NOT_READ_AGAIN.to_owned());
    }
    for source in sources {
        for what in proof::not_examined(source.kind()) {
            if !all.iter().any(|known| known == what) {
                all.push((*what).to_owned());
            }
        }
    }
    all
}

/// A certificate is never overwritten, and a scan is not made in vain.
fn may_be_made(path: &Path) -> Result<(), Failure> {
    for path in [path.to_owned(), opener_of(path)] {
        if path.exists() {
            let hint = "nothing is overwritten: name a new file, or move the old one away";
            return Err(Failure::new(format_args!("`{}` is there already", path.display())).hint(hint));
        }
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    match dir.filter(|dir| !dir.is_dir()) {
        Some(dir) => {
            Err(Failure::new(format_args!("there is no directory `{}`", dir.display()))
                .hint("make it, or name another"))
        }
        None => Ok(()),
    }
}

fn opener_of(certificate: &Path) -> PathBuf {
    certificate.with_extension("opening.json")
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if written.as_ref().is_err_and(|error| error.kind() != std::io::ErrorKind::AlreadyExists) {
        let _ = std::fs::remove_file(path); // half a file would be in the way of the next try
    }
    written.doing(format_args!("`{}` cannot be made", path.display()))
}
