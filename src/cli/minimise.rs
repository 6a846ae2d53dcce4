//! `residuum minimise`: records that have been kept for too long, or for nothing.

use std::io::Write as _;

use residuum_detect::Detector;
use serde_json::json;

use super::common::Common;
use super::desk::Desk;
use super::erasure::{Erasure, Told, print_outcome, print_plan};
use super::exit::Exit;
use super::failure::Failure;
use super::location::Names;
use super::output::{self, Format, printable};
use super::scan::{all_reached, choose, open, stop_on_signal, warn};
use super::telling::say_untold;
use super::{audit, coverage, known, rules};
use crate::audit::Act;
use crate::config::Day;
use crate::map::Map;
use crate::report::human::counted;
use crate::request::{self, CarriedOut, Corrections, KeptBecause, Minimisation, Policy, Store};

/// Plan the erasure of records that are kept for too long or for nothing
///
/// Reads the objects of which `[[map]]` in `residuum.toml` says how long they are kept (`retention`, from `collected_at`
/// or another field on) or that they are for nothing (`purposes = []`), and plans to erase the records that are past
/// their time: a plan of erasure like any other, under the same `[[erase]]` and `[[retain]]`. With `--apply` it is
/// carried out, and what was written to is scanned again.
///
/// Exits with 2 if something could not be judged or is left, with the reason.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum minimise                        what is past its time
  residuum minimise crm --apply            erase it

  [[map]]
  source = \"crm\"
  object = \"public.carts\"
  retention = \"90d\"
  collected_at = \"created_at\"")]
pub(super) struct Args {
    /// Where to look [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// Carry the plan out
    #[arg(long)]
    apply: bool,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// How to print the plan, and what was done
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "html"]))]
    format: Format,
}

/// Plans carried out after each other at most: what a scan finds that changed meanwhile is planned anew.
const ROUNDS: usize = 3;

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    let configured = choose(&config, &args.sources, common)?;
    warn(&config, &configured, common);
    let (sources, unreachable) = open(&configured, common)?;
    if args.apply {
        all_reached(&unreachable)?;
    }
    let detector = Detector::new(&rules::load(&config)?)?;
    let (map, policy, corrections) = (Map::new(&config)?, Policy::new(&config), Corrections::default());
    let stop = stop_on_signal()?;
    let desk = Desk {
        common,
        config: &config,
        index: &index,
        detector: &detector,
        sources: &sources,
        policy: &policy,
        corrections: &corrections,
        wanted: None,
        stop: &stop,
    };
    let note = |action: &str, details| {
        audit::note(
            &config,
            common,
            Act { action: action.to_owned(), purpose: args.purpose.clone(), details, ..Act::default() },
        )
    };
    note(if args.apply { "minimise" } else { "plan minimisation" }, json!({ "sources": sources.len() }))?;
    let plan = || -> Result<Minimisation, Failure> {
        let reader = index.reader()?;
        Ok(desk.planner(&reader).minimisation(&map, Day::today(), &config.limits, &stop)?)
    };
    known::holds(&index.reader()?, &config, common)?;
    let store = Store::named(&config.index, "minimise");
    let mut done = CarriedOut::default();
    let mut last_scan = None;
    if args.apply && store.is_begun() {
        common.say("a minimisation was begun and not ended: it goes on first");
        done = desk.act(|with| request::resume(with, &store))?.unwrap_or_default();
        last_scan = desk.look_again(&done)?;
    }
    let mut planned = plan()?;
    let mut out = output::stdout();
    let names = Names::new(index.keys(), false);
    let shown = Erasure { names, format: args.format, title: "Plan of minimisation", request: None, people: None };
    print_plan(&mut out, &shown, &planned.plan, args.apply)?;
    out.flush()?;
    if args.apply {
        say_untold(&config, common, &index, &map, &planned.plan)?;
    }
    if args.apply && (store.is_begun() || !planned.plan.is_empty()) {
        let mut trouble = None;
        for _ in 0..ROUNDS {
            if planned.plan.is_empty() || done.interrupted {
                break;
            }
            let now = desk.act(|with| request::carry_out(with, &planned.plan.objects, Some(&store), None))?;
            let nothing_done = now.deleted + now.edited == 0;
            let looked = desk.look_again(&now);
            done.add(now);
            let next = looked.and_then(|looked| {
                last_scan = looked.or(last_scan.take());
                if done.interrupted { Ok(Minimisation::default()) } else { plan() }
            });
            match next {
                Ok(next) => planned = next,
                Err(failure) => {
                    trouble = Some(failure); // what was done was done
                    break;
                }
            }
            planned.plan.without(&done);
            if nothing_done {
                break;
            }
        }
        note(
            "minimised",
            json!({ "deleted": done.deleted, "edited": done.edited, "refused": done.refused.len(),
                "left": planned.plan.records(), "interrupted": done.interrupted, "proofs": done.proofs(index.keys()) }),
        )?;
        match done.interrupted || trouble.is_some() {
            true => store.noted()?,
            false => store.end()?,
        }
        if let Some(failure) = trouble {
            return Err(failure);
        }
        done.forget_done(&planned.plan);
        print_outcome(&mut out, &shown, &done, &planned.plan, &Told::default())?;
        out.flush()?;
        let (deleted, edited) = (counted(done.deleted, "record"), counted(done.edited, "record"));
        common.say(format_args!("{deleted} deleted, {edited} edited"));
        if !done.stays.is_empty() {
            common.say(format_args!(
                "{} past their time stay, as `[[erase]]` says, with nothing that it would replace",
                counted(done.stays.len() as u64, "record")
            ));
        }
        if done.interrupted {
            common.say("interrupted: the same command goes on where this one stopped");
            return Ok(Exit::Incomplete);
        }
    }
    for kept in &planned.kept {
        let records = kept.records.map_or_else(String::new, |n| format!(", {}", counted(n, "record")));
        let (source, object) = (names.show(&kept.source), names.show(&kept.object));
        common.say(printable(&format!("kept: {object} of {source}{records}: {}", kept.reason)));
    }
    let left = planned.plan.records();
    common.say(match (left, args.apply) {
        (0, _) => "nothing is past its time that could go".to_owned(),
        (n, false) => format!("{} past their time; `--apply` erases them", counted(n, "record")),
        (n, true) => format!("{} are still past their time", counted(n, "record")),
    });
    let is_settled = planned.kept.iter().all(|kept| kept.because == KeptBecause::Retained);
    let is_read = last_scan.is_none_or(|scan| scan.is_complete()) && unreachable.is_empty();
    let is_done = is_settled && is_read && (left == 0 || !args.apply);
    let covered = coverage::exit(&index.reader()?, common)?;
    Ok(if is_done { covered } else { Exit::Incomplete })
}
