//! `residuum correct`: a wrong value, replaced wherever it stands in a person's records.

use std::io::Write as _;

use residuum_detect::Detector;
use serde_json::json;

use super::changes::Changes;
use super::common::Common;
use super::desk::Desk;
use super::erasure::{Erasure, Told, print_outcome, print_plan};
use super::exit::Exit;
use super::failure::Failure;
use super::location::Names;
use super::notices::say_open;
use super::output::{self, Format, printable};
use super::people::{self, People};
use super::scan::{all_reached, choose, open, plan_in_full, stop_on_signal, warn};
use super::telling::{Received, Telling, is_theirs};
use super::{audit, coverage, known, rules};
use crate::audit::Act;
use crate::map::Map;
use crate::proof::{Edges, Wanted};
use crate::report::human::counted;
use crate::request::{
    self, About, CarriedOut, Correction, Corrections, Nature, Plan, Policy, Reason, Response, Since, Suppression, Taken,
};

/// Plan the correction of a person's data, and correct them
///
/// Finds the records about the person, as `find` does, and in them the old value in any way it is written, its hashes
/// included, and plans to put the new one there. With `--apply` it is done: everything is read again first, for digests
/// of the old value in fields of any name; databases are changed in transactions, files by writing a new one beside the old.
/// A digest of a form of the old value that the new one does not have is left, and named. What was written to is then scanned again, and both values are counted: the old one is to
/// be gone, the new one to stand in its places. A name of as many words is also corrected in fields that hold one of
/// them. Values in argument lists can be seen by other users of the machine: `--changes` takes them from a file.
///
/// If a source cannot be reached, the plan says so and exits with 2, and `--apply` changes nothing in any: name the sources
/// to go on without it.
///
/// Exits with 2 if the old value is left somewhere.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum correct --email jane@old.example.com --old EMAIL=jane@old.example.com --new jane@new.example.com
  residuum correct --id crm.customers.id=1042 --changes changes.csv --request R-2077 --apply

Columns of the file: type, old, new.")]
pub(super) struct Args {
    /// Where to correct [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    people: People,
    #[command(flatten)]
    changes: Changes,
    /// Carry the plan out
    #[arg(long)]
    apply: bool,
    /// The request it is for; stands in the audit log, so no name or address
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    #[command(flatten)]
    received: Received,
    /// How to print the plan, and what was done
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "html"]))]
    format: Format,
    /// Open names that are personal themselves; the audit log says so
    #[arg(long)]
    show_values: bool,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    super::known::no_globs(common, "correct")?;
    let subjects = args.people.subjects_in_full()?;
    if subjects.len() > 1 {
        return Err(Failure::new("corrections are of one person's data: name one").hint("call it once for each"));
    }
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    let corrections = Corrections::new(args.changes.corrections()?, index.keys());
    let configured = choose(&config, &args.sources, common)?;
    warn(&config, &configured, common);
    is_theirs(&config, &index, args.request.as_deref(), &subjects, args.apply)?;
    let (sources, unreachable) = open(&configured, common)?;
    if args.apply {
        all_reached(&unreachable)?;
    }
    let detector = Detector::new(&rules::load(&config)?)?;
    let policy = Policy::new(&config);
    let stop = stop_on_signal()?;
    let wanted = args.apply.then(|| Wanted::new(&[corrections.wanted()], Edges::Clear));
    let desk = Desk {
        common,
        config: &config,
        index: &index,
        detector: &detector,
        sources: &sources,
        policy: &policy,
        corrections: &corrections,
        wanted: wanted.as_ref(),
        stop: &stop,
    };
    let types: Vec<_> = corrections.all().iter().map(|of| of.kind().name()).collect();
    let note = |action: &str, details| {
        let (purpose, request) = (args.purpose.clone(), args.request.clone());
        audit::note(&config, common, Act { action: action.to_owned(), purpose, request, details })
    };
    note(
        if args.apply { "correct" } else { "plan correction" },
        json!({ "identifiers": people::kinds(&subjects), "types": types, "show_values": args.show_values }),
    )?;
    let plan = || -> Result<Plan, Failure> {
        let reader = index.reader()?;
        known::domains(&reader, &subjects)?;
        Ok(desk.planner(&reader).correction(&subjects, &corrections)?)
    };
    known::holds(&index.reader()?, &config, common)?;
    let read = if args.apply { Some(desk.look_everywhere(&configured)?) } else { None };
    let planned = plan()?;
    let taken = desk.planner(&index.reader()?).taken(&planned, &corrections)?;
    let mut out = output::stdout();
    let shown = Erasure {
        names: Names::new(index.keys(), args.show_values),
        format: args.format,
        title: "Plan of correction",
        request: args.request.as_deref(),
        people: Some(1),
    };
    print_plan(&mut out, &shown, &planned, args.apply)?;
    out.flush()?;
    if args.apply {
        nobody_has_it(&taken)?;
    } else {
        if let Err(failure) = nobody_has_it(&taken) {
            common.say(failure.render().trim_end().replacen("error:", "warning: `--apply` would change nothing:", 1));
        }
        let covered = coverage::exit(&index.reader()?, common)?;
        common.say(match planned.is_empty() {
            true => "the old value stands nowhere in the person's records".to_owned(),
            false => format!("{} to correct; `--apply` does it", counted(planned.records(), "record")),
        });
        common.say("`--apply` reads everything again, and looks for digests of the old value in fields of any name");
        return Ok(plan_in_full(&unreachable, covered, common));
    }
    let telling = Telling {
        config: &config,
        common,
        index: &index,
        map: Map::new(&config)?,
        request: args.request.as_deref(),
        received: &args.received,
        nature: Nature::Correct,
        about: About { subjects: &subjects, corrections: &corrections },
    };
    telling.make(&planned)?;
    // What may refuse the new value goes first: if it does, nothing is done by halves.
    let [first, rest] = desk.planner(&index.reader()?).unique_first(&planned)?;
    let carry_out = |objects: &[_]| desk.act(|with| request::carry_out(with, objects, None, args.request.as_deref()));
    let mut done = CarriedOut::default();
    for part in [first, rest].iter().filter(|part| !part.is_empty()) {
        if !done.refused.is_empty() {
            common.say("nothing else was changed: what was refused is told above, and the same command goes on once it is mended");
            break;
        }
        if !done.interrupted {
            done.add(carry_out(part)?);
        }
    }
    let scanned = desk.look_again(&done)?;
    let left = plan()?;
    let reader = index.reader()?;
    let new = desk.planner(&reader).corrected(&subjects, &corrections)?;
    let notices = telling.notices()?;
    print_outcome(&mut out, &shown, &done, &left, &Told { notices: &notices, ..Told::default() })?;
    out.flush()?;
    note(
        "corrected",
        json!({ "edited": done.edited, "refused": done.refused.len(), "records_left": left.records(),
            "left": left.left.len(), "new_places": new, "proofs": done.proofs(index.keys()) }),
    )?;
    let old: Vec<_> = corrections.all().iter().filter_map(Correction::old).map(|old| vec![old]).collect();
    if !done.interrupted && (done.edited > 0 || left.is_settled()) {
        let since = if done.edited > 0 { Since::Now } else { Since::First };
        Suppression::open(&config.index)?.add(index.keys(), &old, Reason::Corrected, args.request.as_deref(), since)?;
    }
    let is_done =
        left.is_settled() && !done.interrupted && [read, scanned].into_iter().flatten().all(|scan| scan.is_complete());
    common.say(format_args!(
        "{} corrected; the old value stands in {} of the person, the new one in {}",
        counted(done.edited, "record"),
        counted(left.records(), "record"),
        counted(new, "place")
    ));
    telling.answered(if is_done { Response::Complied } else { Response::Open }, Vec::new())?;
    say_open(&notices, common);
    Ok(if is_done { Exit::Done } else { Exit::Incomplete })
}

/// Refuses a correction that a database would refuse in one place after it was made in others.
fn nobody_has_it(taken: &[Taken]) -> Result<(), Failure> {
    if taken.is_empty() {
        return Ok(());
    }
    let places: Vec<String> =
        taken.iter().map(|of| printable(&format!("`{}` of {} in {}", of.field, of.object, of.source))).collect();
    Err(Failure::new(format_args!(
        "another record has the new value already where the schema allows it once: {}",
        places.join(", ")
    ))
    .hint(
        "`residuum find` with the new value says whose it is: of somebody else's the new value is wrong; if both records \
         are this person's, make one of them in their system, and scan again",
    ))
}
