//! `residuum verify`: is anything of this person left?

pub(super) mod certify;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use residuum_detect::Detector;
use residuum_source::{ObjectPath, Record, RecordKind, Source};
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::Failure;
use super::location::{Names, Printer};
use super::output::{self, Format, Style};
use super::people::{self, People};
use super::progress::Watcher;
use super::scan::{choose, make_index, open, own_index, stop_on_signal, warn, warn_empty};
use super::{audit, known, rules};
use crate::audit::Act;
use crate::clock::utc;
use crate::identity::{FindOptions, Subject};
use crate::index::{Finding, Index, Reader, SourceState};
use crate::keyfile::hex;
use crate::proof::{self, Canaries, Edges, Places, State, Traces, Wanted};
use crate::report::human::{count, counted};
use crate::request::{Left, LeftState, Orphans, Planner, Policy, Suppression};
use crate::scan::{Scan, ScanOptions, seal_name};

/// Verify that nothing of a person is left
///
/// Reads all sources again and looks for the person's identifiers, plain, hashed, encoded or compressed, by themselves
/// and along declared keys. Each place that is found is `residual`; `joint`, if the identifier stands with several
/// people; `possible`, if only weak identifiers meet there, as of a namesake; or `retained` under a `[[retain]]` of
/// `residuum.toml`. Canaries, people invented for this run,
/// go the same way and must all be found.
///
/// Identifiers are looked for as they are written, too, wherever they stand: bare digits in a field `x`, MD5, SHA-1, SHA-256
/// and SHA-512 in a line of a log, in every field, also as bytes, and in names; such places have `literal` as their reason. Where no
/// record stands, as on pages that SQLite has freed and in its logs, the bytes are looked at, and so are PostgreSQL's
/// statistics and what is written into its schema: comments, defaults, labels, views, functions. Row versions that
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

impl Args {
    /// An entry of the audit log.
    fn act(&self, action: &str, details: serde_json::Value) -> Act {
        let (purpose, request) = (self.purpose.clone(), self.request.clone());
        Act { action: action.to_owned(), purpose, request, details }
    }
}

/// What a run saw, of which a certificate tells.
struct Seen<'r> {
    scanned: [String; 2],
    rules: String,
    states: &'r [SourceState],
    empty: &'r [String],
    sources: &'r [Box<dyn Source>],
    some_unchanged: bool,
    places: Places,
    retained: BTreeMap<String, u64>,
    canaries: Canaries,
}

/// Objects that could not be looked at, named one by one; the report has them all.
const SHOWN: usize = 20;

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    args.certificate.as_deref().map_or(Ok(()), certify::may_be_made)?;
    let subjects = args.people.subjects_in_full()?;
    let config = common.resolve()?;
    let configured = choose(&config, &args.sources, common)?;
    warn(&config, &configured, common);
    let (sources, unreachable) = open(&configured, common)?;
    let missing = unreachable.len();
    let rules = rules::load(&config)?;
    let detector = Detector::new(&rules)?;
    let index = make_index(&config, common)?;
    super::telling::is_theirs(&config, &index, args.request.as_deref(), &subjects, false)?;
    let details = json!({
        "subjects": subjects.len(), "identifiers": people::kinds(&subjects), "show_values": args.show_values,
        "sources": sources.len() + missing,
    });
    let note = |act| audit::note(&config, common, act);
    note(args.act("verify", details))?;
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
        note(args.act("verified", json!({ "complete": false, "stopped": true })))?;
        return Ok(Exit::Incomplete);
    }
    let scanned = [began, utc(SystemTime::now())];
    known::domains(&index.reader()?, &subjects)?;
    let traces = proof::leftovers(&sources, &detector, index.keys(), &subjects, &stop);
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, args.format, Names::new(index.keys(), args.show_values), &rules, true)?;
    let policy = Policy::new(&config);
    let known = FindOptions { shared: Suppression::shared(&config.index, index.keys())?, ..FindOptions::default() };
    let of = Of { index: &index, dir: &config.index, detector: &detector, sources: &sources, policy: &policy };
    let printed = of.print(&mut printer, &subjects, &known, &traces, &stop)?;
    let Printed { places, retained, keyed } = printed;
    printer.finish()?;
    out.flush()?;
    let in_full = common.include.is_empty() && common.exclude.is_empty();
    let stopped = stop.load(Ordering::Relaxed);
    super::scan::warn_unmatched(&summary.unmatched, common);
    let complete = summary.is_complete() && missing == 0 && traces.unread.is_empty() && in_full && !stopped;
    if !in_full {
        common.say("not looked at: what `--include` and `--exclude` leave out");
    }
    conclude(common, places, canaries, complete);
    say_what_is_past(common, &keyed, &sources, &detector, &index)?;
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
    warn_empty(&summary.empty, common);
    for (source, reason) in &traces.unread {
        common.say(format_args!("not looked at: what `{source}` has freed: {reason}"));
    }
    let empty = summary.sources.iter().map(|state| state.objects).sum::<u64>() == 0;
    let against = certify::against(places, canaries, complete, empty);
    let outcome = json!({
        "residual": places.residual, "joint": places.joint, "possible": places.possible, "retained": retained, "complete": complete,
        "canaries": canaries, "certified": args.certificate.is_some() && against.is_none(),
    });
    match (&args.certificate, against) {
        (Some(path), None) => {
            let seen = Seen {
                scanned,
                rules: hex(&detector.digest()),
                states: &summary.sources,
                empty: &summary.empty,
                sources: &sources,
                some_unchanged: summary.unchanged > 0,
                places,
                retained,
                canaries,
            };
            certify::certify(path, args, &subjects, seen, common, note)?;
        }
        (Some(_), Some(reason)) => common.say(format_args!("no certificate was made: {reason}")),
        (None, _) => {}
    }
    note(args.act("verified", outcome))?;
    Ok(match () {
        () if places.residual + places.joint > 0 => Exit::No,
        () if !complete || !canaries.all_found() => Exit::Incomplete,
        () => Exit::Done,
    })
}

/// What was printed.
struct Printed {
    places: Places,
    /// Those that are kept, by exception.
    retained: BTreeMap<String, u64>,
    /// Rows with a key of several values in which something is left, by source and object.
    keyed: BTreeMap<(String, String), Vec<Record>>,
}

/// Says which places are rows of the past that a table keeps, and what deletes them.
fn say_what_is_past(
    common: &Common,
    keyed: &BTreeMap<(String, String), Vec<Record>>,
    sources: &[Box<dyn Source>],
    detector: &Detector,
    index: &Index,
) -> Result<(), Failure> {
    let mut worker = detector.worker();
    for source in sources {
        let (name, Some(apply)) = (seal_name(&mut worker, index.keys(), source.name()), source.as_apply()) else {
            continue;
        };
        for ((_, object), records) in keyed.iter().filter(|((of, _), _)| *of == name) {
            let Ok(path) = ObjectPath::from_escaped(&index.keys().reveal(object)?) else { continue };
            let Some(history) = apply.history_of(&path) else { continue };
            let past = records.iter().filter(|record| history.holds(record)).count() as u64;
            if past > 0 {
                let rows = counted(past, "row");
                let shown = Names::new(index.keys(), false).show(object).into_owned();
                common.say(format_args!("{shown}: {rows} of the table's history: {}", history.cure));
            }
        }
    }
    Ok(())
}

/// What places are of, and whoever knows what is kept there.
struct Of<'v> {
    index: &'v Index,
    /// The directory of the index.
    dir: &'v Path,
    detector: &'v Detector,
    sources: &'v [Box<dyn Source>],
    policy: &'v Policy,
}

impl Of<'_> {
    /// Prints the places.
    fn print(
        &self,
        printer: &mut Printer<'_>,
        subjects: &[Subject],
        options: &FindOptions,
        traces: &Traces,
        stop: &AtomicBool,
    ) -> Result<Printed, Failure> {
        let Self { index, policy, .. } = *self;
        let reader = index.reader()?;
        let (mut retained, mut keyed) = (BTreeMap::new(), BTreeMap::new());
        let kept = self.kept(&reader, subjects, options)?;
        let exception = |finding: &Finding| {
            let of_record = || kept.get(&(finding.object_id, finding.record.whole())).cloned();
            policy.keeps(finding).map(|retention| retention.exception.clone()).or_else(of_record)
        };
        let orphans = Orphans::standing(self.dir, &reader, index.keys(), policy, subjects, &options.shared)?;
        let of_record = |left: &Left| (left.location.finding.object_id, left.location.finding.record.whole());
        let mut unseen: HashSet<(u32, Record)> = orphans.iter().map(of_record).collect();
        let mut printed = Ok(());
        let is_retained = |finding: &Finding| exception(finding).is_some();
        let mut places =
            proof::remaining(&reader, index.keys(), subjects, options, &is_retained, &mut |state, location| {
                if state == State::Retained {
                    *retained.entry(exception(&location.finding).unwrap_or_default()).or_default() += 1;
                }
                let Finding { source, object, object_id, record, .. } = &location.finding;
                if !unseen.is_empty() && state != State::Possible {
                    unseen.remove(&(*object_id, record.whole()));
                }
                if state == State::Residual && record.kind() == RecordKind::Pk && record.text().is_some() {
                    let of_object: &mut Vec<Record> =
                        keyed.entry((source.to_string(), object.to_string())).or_default();
                    if of_object.last() != Some(record) {
                        of_object.push(record.clone());
                    }
                }
                printed = printer.remaining(state, location);
                if printed.is_err() || stop.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
        printed?;
        for orphan in orphans.iter().filter(|orphan| unseen.contains(&of_record(orphan))) {
            let said = match &orphan.state {
                LeftState::Retained { exception, .. } => Some(exception.clone()),
                _ => exception(&orphan.location.finding),
            };
            let state = match (&said, orphan.state.name()) {
                (Some(_), _) => State::Retained,
                (None, "joint") => State::Joint,
                (None, _) => State::Residual,
            };
            *places.of(state) += 1;
            said.into_iter().for_each(|exception| *retained.entry(exception).or_default() += 1);
            printer.remaining(state, &orphan.location)?;
        }
        for trace in &traces.found {
            *places.of(trace.state) += 1;
            printer.trace(trace)?;
        }
        Ok(Printed { places, retained, keyed })
    }

    /// Records that stay under an exception because what is kept refers to them, or for a value in them, and in which
    /// an erasure would change nothing any more; each with the exception.
    fn kept(
        &self,
        reader: &Reader,
        subjects: &[Subject],
        options: &FindOptions,
    ) -> Result<HashMap<(u32, Record), String>, Failure> {
        let Self { index, detector, sources, policy, .. } = *self;
        if !policy.retains() {
            return Ok(HashMap::new());
        }
        let planner = Planner { reader, keys: index.keys(), detector, sources, policy };
        let plan = planner.erasure(subjects, options)?;
        let mut kept = HashMap::new();
        for left in &plan.left {
            if let LeftState::Retained { exception, .. } = &left.state {
                let finding = &left.location.finding;
                kept.insert((finding.object_id, finding.record.whole()), exception.clone());
            }
        }
        for object in &plan.objects {
            object.records.iter().for_each(|planned| drop(kept.remove(&(object.object, planned.record.clone()))));
        }
        // What is kept is kept by what it holds of the person: a place of which something else is to be said is not.
        for left in plan.left.iter().filter(|left| !matches!(left.state, LeftState::Retained { .. })) {
            kept.remove(&(left.location.finding.object_id, left.location.finding.record.whole()));
        }
        Ok(kept)
    }
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
