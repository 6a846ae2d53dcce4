//! `residuum erase`: what is to be erased of a person, and erasing it.

use std::collections::BTreeSet;
use std::io::Write as _;

use residuum_detect::Detector;
use serde_json::json;

use super::common::Common;
use super::desk::Desk;
use super::erasure::{Erasure, Told, print_outcome, print_plan, print_plan_anew};
use super::exit::Exit;
use super::failure::Failure;
use super::location::Names;
use super::notices::say_open;
use super::output::{self, Format};
use super::people::{self, People};
use super::scan::{all_reached, choose, open, plan_in_full, stop_on_signal, warn};
use super::telling::{Received, Telling, is_theirs};
use super::{audit, coverage, known, rules};
use crate::audit::Act;
use crate::identity::{FindOptions, Identifier, Subject};
use crate::map::Map;
use crate::proof::{Edges, Wanted};
use crate::report::human::counted;
use crate::request::{
    self, About, Answered, CarriedOut, Corrections, Nature, Orphans, Plan, Policy, Reason, Reply, Since, Store,
    Suppression,
};
use crate::scan::{Summary, seal_name};

/// Plan what is to be erased of a person, and erase it
///
/// Looks the person up in the index, as `find` does, and plans for each record what is done with it: a record of the
/// person's own goes; in one that is also somebody else's, and in running text, what was found is replaced. `[[erase]]`
/// in `residuum.toml` says otherwise, by object, field, type or category (`delete`, `delete-object`, `null`, `constant`,
/// `pseudonym`, `mask`, `deidentify`), and `[[retain]]` what is kept, under which exception. What stands with several
/// people, or is perhaps a namesake's, is left and named.
///
/// With `--apply` the plan is carried out: databases in transactions, files by writing a new one beside the old. Each
/// record is read again at that moment; one in which nothing of the person stands any more is left alone. What was
/// written to is scanned again, and what is found then is planned anew. Interrupted, the same command goes on.
///
/// If a source cannot be reached, the plan says so and exits with 2, and `--apply` changes nothing in any: name the sources
/// to go on without it.
///
/// Exits with 2 if something of the person is left that nobody said should be.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum erase --email jane@example.com                        what would be done
  residuum erase --email jane@example.com --format jsonl         the same, a line a record
  residuum erase --email jane@example.com --format html >plan.html
  residuum erase --email jane@example.com --request R-2041 --apply
  residuum erase --identifiers people.csv --id-domain crm.customers.id --apply
  residuum erase --resurrected --apply                           whom a restored backup has brought back

`residuum verify` then says whether anything is left, and certifies it.")]
pub(super) struct Args {
    /// Where to erase [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    people: People,
    /// Those who were erased before and are back, by a restored backup or an import
    #[arg(long)]
    resurrected: bool,
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

/// Plans carried out after each other at most: what a scan finds that changed meanwhile is planned anew.
const ROUNDS: usize = 3;

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    super::known::no_globs(common, "erase")?;
    if !args.resurrected {
        let subjects = args.people.subjects_in_full()?;
        return erase(&subjects, &args.sources, &args.how(), common);
    }
    if !args.people.is_empty() {
        let cure = "leave out one of them: `residuum suppression list` says who is meant by `--resurrected`";
        return Err(Failure::new("`--resurrected` takes nobody else").hint(cure));
    }
    all_resurrected(&args.sources, &How { resurrected: true, ..args.how() }, common)
}

/// Erases in these sources whoever was erased before and is back, or says what would be.
pub(super) fn resurrected(
    sources: &[String],
    apply: bool,
    request: Option<String>,
    common: &Common,
) -> Result<Exit, Failure> {
    let purpose = Some("erased before, and back".to_owned());
    all_resurrected(
        sources,
        &How {
            apply,
            resurrected: true,
            request,
            received: Received::default(),
            purpose,
            format: Format::Table,
            show_values: false,
        },
        common,
    )
}

fn all_resurrected(sources: &[String], how: &How, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    let subjects = Suppression::open(&config.index)?.subjects(index.keys(), Reason::Erased)?;
    if subjects.is_empty() {
        common.say("nobody was erased yet, so nobody can be back");
        return Ok(Exit::Done);
    }
    erase(&subjects, sources, how, common)
}

/// What is asked for, besides whom.
struct How {
    apply: bool,
    /// Whether it is about all who were erased before.
    resurrected: bool,
    request: Option<String>,
    received: Received,
    purpose: Option<String>,
    format: Format,
    show_values: bool,
}

impl Args {
    fn how(&self) -> How {
        let (request, purpose) = (self.request.clone(), self.purpose.clone());
        How {
            apply: self.apply,
            resurrected: false,
            request,
            received: self.received.clone(),
            purpose,
            format: self.format,
            show_values: self.show_values,
        }
    }
}

fn erase(subjects: &[Subject], sources: &[String], how: &How, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let configured = choose(&config, sources, common)?;
    warn(&config, &configured, common);
    let index = common.open_index(&config)?;
    let request = how.request.as_deref().filter(|_| !how.resurrected); // those who are back are others each time
    is_theirs(&config, &index, request, subjects, how.apply)?;
    let (sources, unreachable) = open(&configured, common)?;
    if how.apply {
        all_reached(&unreachable)?;
    }
    let rules = rules::load(&config)?;
    let detector = Detector::new(&rules)?;
    let policy = Policy::new(&config);
    let corrections = Corrections::default();
    let wanted = how.apply.then(|| Wanted::new(subjects, Edges::Clear));
    let stop = stop_on_signal()?;
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
    let mut options =
        FindOptions { shared: Suppression::shared(&config.index, index.keys())?, ..FindOptions::default() };
    let plan = |desk: &Desk<'_>, options: &FindOptions| -> Result<Plan, Failure> {
        let reader = index.reader()?;
        known::domains(&reader, subjects)?;
        let mut planned = desk.planner(&reader).erasure(subjects, options)?;
        let keys = index.keys();
        planned.add_orphans(Orphans::standing(&config.index, &reader, keys, &policy, subjects, &options.shared)?);
        Ok(planned)
    };
    let note = |action: &str, details| {
        let (purpose, request) = (how.purpose.clone(), how.request.clone());
        audit::note(&config, common, Act { action: action.to_owned(), purpose, request, details })
    };
    note(
        if how.apply { "erase" } else { "plan erasure" },
        json!({ "subjects": subjects.len(), "identifiers": people::kinds(subjects), "show_values": how.show_values }),
    )?;
    let store = Store::new(&config.index, index.keys(), subjects);
    let (mut done, mut last_scan) = (CarriedOut::default(), None);
    let noted = |done: &CarriedOut, left: Option<usize>| {
        let proofs = done.proofs(index.keys());
        note(
            "erased",
            json!({ "deleted": done.deleted, "edited": done.edited, "gone": done.gone, "refused": done.refused.len(),
                "left": left, "interrupted": done.interrupted, "proofs": proofs }),
        )
    };
    if how.apply && store.is_begun() {
        common.say("an erasure of the same people was begun and not ended: it goes on first");
        done = desk.act(|with| request::resume(with, &store))?.unwrap_or_default();
        last_scan = desk.look_again(&done)?;
    }
    known::holds(&index.reader()?, &config, common)?;
    let mut planned = plan(&desk, &options)?;
    let mut out = output::stdout();
    let names = Names::new(index.keys(), how.show_values);
    let shown = Erasure {
        names,
        format: how.format,
        title: "Plan of erasure",
        request: how.request.as_deref(),
        people: Some(subjects.len() as u64),
    };
    print_plan(&mut out, &shown, &planned, how.apply)?;
    out.flush()?;
    if !how.apply {
        let reader = index.reader()?;
        let covered = coverage::exit(&reader, common)?;
        common.say(match planned.is_empty() {
            true if planned.left.is_empty() => "nothing to be erased".to_owned(),
            true => format!("{} left as they are, with the reason above", counted(planned.left.len() as u64, "place")),
            false => format!("{} to act on; `--apply` does it", counted(planned.records(), "record")),
        });
        return Ok(plan_in_full(&unreachable, covered, common));
    }
    // Recipients are told of those who came back, not of everybody who was erased before.
    let back: Vec<Subject>;
    let told = match how.resurrected {
        true => {
            let whom = subjects_of(&planned);
            back = subjects.iter().filter(|subject| whom.contains(&subject.id)).cloned().collect();
            back.as_slice()
        }
        false => subjects,
    };
    let telling = Telling {
        config: &config,
        common,
        index: &index,
        map: Map::new(&config)?,
        request: how.request.as_deref(),
        received: &how.received,
        nature: Nature::Delete,
        about: About { subjects: told, corrections: &corrections },
    };
    telling.make(&planned)?;
    let mut whom = subjects_of(&planned);
    // Before anything goes: what stands with several people now stands with the others alone afterwards.
    let shared: Vec<_> = planned.shared.drain(..).map(|identifier| vec![identifier]).collect();
    if !shared.is_empty() {
        let mut ledger = Suppression::open(&config.index)?;
        ledger.add(index.keys(), &shared, Reason::Shared, how.request.as_deref(), Since::First)?;
        options.shared.extend(shared.iter().flatten().filter_map(Identifier::digest));
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        if planned.is_empty() || done.interrupted {
            break;
        }
        if !rounds.is_empty() {
            print_plan_anew(&mut out, &shown, &planned)?;
        }
        rounds.push(planned.records());
        Orphans::note(&config.index, index.keys(), subjects, &options.shared, &planned)?;
        let now = desk.act(|with| request::carry_out(with, &planned.objects, Some(&store), how.request.as_deref()))?;
        let nothing_done = now.deleted + now.edited == 0;
        let looked = desk.look_again(&now);
        done.add(now);
        let next = looked.and_then(|looked| {
            last_scan = looked.or(last_scan.take());
            let next = plan(&desk, &options)?;
            telling.make(&next)?;
            Ok(next)
        });
        planned = match next {
            Ok(next) => next,
            Err(failure) => {
                noted(&done, None)?; // what was done was done
                store.noted()?;
                return Err(failure);
            }
        };
        planned.without(&done);
        whom.extend(subjects_of(&planned));
        if nothing_done {
            break;
        }
    }
    if done.found_only > 0 {
        common.say(format_args!(
            "note: in {} that are also others', or documents, only what was found was replaced; what else stands there \
             of the person stays unless `[[erase]]` says what becomes of it",
            counted(done.found_only, "record")
        ));
    }
    done.forget_done(&planned);
    let is_changed = done.deleted + done.edited > 0;
    let (notices, is_done) = (telling.notices()?, is_done(&done, &planned, last_scan.as_ref()));
    let reply = Reply::new(&Answered {
        left: &planned,
        is_changed: is_changed || done.gone > 0 || telling.was_done()?,
        is_done,
        notices: &notices,
        map: &telling.map,
    });
    print_outcome(
        &mut out,
        &shown,
        &done,
        &planned,
        &Told { notices: &notices, reply: Some(&reply), rounds: &rounds },
    )?;
    out.flush()?;
    noted(&done, Some(planned.left.len()))?;
    telling.answered(reply.response, reply.basis())?;
    match done.interrupted {
        true => store.noted()?,
        false => store.end()?,
    }
    if !done.interrupted && (is_changed || planned.is_settled()) {
        // Of those who were erased before, only who had come back is entered anew.
        let is_meant = |subject: &&Subject| !how.resurrected || whom.contains(&subject.id);
        // By what others have as well nobody is recognised.
        let is_own = |of: &&Identifier| of.digest().is_none_or(|digest| !options.shared.contains(&digest));
        let own = |subject: &Subject| subject.identifiers.iter().filter(is_own).cloned().collect::<Vec<_>>();
        let people: Vec<_> = subjects.iter().filter(is_meant).map(own).collect();
        let since = if is_changed { Since::Now } else { Since::First };
        let unknown = Suppression::open(&config.index)?.add(
            index.keys(),
            &people,
            Reason::Erased,
            how.request.as_deref(),
            since,
        )?;
        if unknown > 0 {
            let who = counted(unknown, "person");
            common.say(format_args!(
                "note: {who} without an e-mail or the like would not be recognised if they came back"
            ));
        }
    }
    say_open(&notices, common);
    let mut worker = detector.worker();
    let is_touched = |source: &dyn residuum_source::Source| {
        source.kind() == "postgres" && done.touched.contains_key(&seal_name(&mut worker, index.keys(), source.name()))
    };
    if is_changed && sources.iter().map(Box::as_ref).any(is_touched) {
        common.say("note: PostgreSQL's statistics keep values of rows that are gone until `ANALYZE` of their tables: run it before `verify`");
    }
    Ok(conclude(common, &done, is_done, last_scan.as_ref()))
}

/// Ids of the people of whom a plan erases something.
fn subjects_of(plan: &Plan) -> BTreeSet<String> {
    plan.objects.iter().flat_map(|object| &object.records).flat_map(|record| record.subjects.clone()).collect()
}

/// Whether nothing is left that nobody said should be.
fn is_done(done: &CarriedOut, plan: &Plan, last: Option<&Summary>) -> bool {
    let is_unled = done.refused.iter().any(|refused| refused.is_unled);
    plan.is_settled() && !is_unled && !done.interrupted && last.is_none_or(Summary::is_complete)
}

/// Says how it ended.
fn conclude(common: &Common, done: &CarriedOut, is_done: bool, last: Option<&Summary>) -> Exit {
    let say = |text: String| common.say(text);
    say(format!("{} deleted, {} edited", counted(done.deleted, "record"), counted(done.edited, "record")));
    if done.interrupted {
        say("interrupted: the same command goes on where this one stopped".to_owned());
    }
    if let Some(last) = last.filter(|last| !last.is_complete()) {
        let n = last.incomplete.len() as u64;
        say(format!("warning: {} could not be scanned again: `residuum report` names them", counted(n, "object")));
    }
    match is_done {
        true => say("nothing is left to do; `residuum verify` looks everywhere again, and certifies it".to_owned()),
        false => say("not everything is done: what is left stands above, with the reason".to_owned()),
    }
    if is_done { Exit::Done } else { Exit::Incomplete }
}
