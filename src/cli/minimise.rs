//! `residuum minimise`: records that have been kept for too long, or for nothing.

use std::io::Write as _;

use residuum_detect::Detector;
use serde_json::json;

use super::common::Common;
use super::desk::Desk;
use super::erasure::{Erasure, print_outcome, print_plan};
use super::exit::Exit;
use super::failure::Failure;
use super::location::Names;
use super::output::{self, Format, printable};
use super::scan::{choose, open, stop_on_signal, warn};
use super::{audit, rules};
use crate::audit::Act;
use crate::config::Day;
use crate::map::Map;
use crate::report::human::counted;
use crate::request::{self, Corrections, Minimisation, Policy, Store};

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

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    let configured = choose(&config, &args.sources)?;
    warn(&config, &configured, common);
    let (sources, unreachable) = open(&configured, common)?;
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
    let mut planned = plan()?;
    let mut out = output::stdout();
    let names = Names::new(index.keys(), false);
    let shown = Erasure { names, format: args.format, title: "Plan of minimisation", request: None, people: None };
    print_plan(&mut out, &shown, &planned.plan, args.apply)?;
    out.flush()?;
    if args.apply && !planned.plan.is_empty() {
        let store = Store::named(&config.index, "minimise");
        let done = desk.act(|with| request::carry_out(with, &planned.plan.objects, Some(&store), None))?;
        desk.look_again(&done)?;
        planned = plan()?;
        print_outcome(&mut out, &shown, &done, &planned.plan)?;
        out.flush()?;
        note(
            "minimised",
            json!({ "deleted": done.deleted, "edited": done.edited, "refused": done.refused.len(),
                "left": planned.plan.records(), "proofs": done.proofs(index.keys()) }),
        )?;
        let (deleted, edited) = (counted(done.deleted, "record"), counted(done.edited, "record"));
        common.say(format_args!("{deleted} deleted, {edited} edited"));
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
    let is_judged = planned.kept.iter().all(|kept| kept.records.is_some());
    let is_done = is_judged && unreachable.is_empty() && (left == 0 || !args.apply);
    Ok(if is_done { Exit::Done } else { Exit::Incomplete })
}
