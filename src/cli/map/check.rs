//! `residuum map check`: what is found and not accounted for.

use std::io::Write;

use serde_json::json;

use super::super::notices::say_open;
use super::super::output::{self, Format, Style, json_line, printable};
use super::super::table::{Align, Table};
use super::{Common, Exit, Failure, Read, Which, coverage, read};
use crate::config::Day;
use crate::map::{Gap, Holding, Place, State, remarks};
use crate::report::human::{count, counted};
use crate::report::{csv_line, inert};
use crate::request::Register;

/// List what is found and not accounted for, by risk
///
/// A gap is a field with personal information of which it is not said what it is for (`purposes`), whom it is collected
/// from (`sources`), who gets it (`recipients`), how long it is kept (`retention`), from when on (`collected_at`) or
/// who answers for it (`owner`); or somebody who gets it without a `contract` or a way to `notify` them; or a `[[retain]]`
/// that keeps nothing (`hold`), because it has ended or names what there is not. Its risk is
/// sensitivity, 10 for sensitive personal information and 1 for other, times 1 plus the decimal logarithm of how many
/// findings there are. It is `open`, `overdue` once its day has passed, or `accepted` by somebody until a day. What the
/// map says without effect is told as a warning, and so are recipients that have not been told of an erasure or a
/// correction, or have not confirmed it (`residuum notices`).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum map check
  residuum map check --source crm --gap retention
  residuum map check --format jsonl | jq 'select(.state == \"overdue\")'

Exit codes:
  0  no gap, or none that is not accepted
  2  gaps remain, a recipient is overdue, or the index does not cover everything")]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// Only gaps of this kind; may be repeated
    #[arg(long, value_name = "GAP", value_parser = ["purposes", "sources", "recipients", "retention", "collected_at", "owner", "contract", "notify", "hold"])]
    gap: Vec<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "csv"]))]
    format: Format,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let Read { config, index, map, holdings, mut gaps, today } = read(&args.which, common)?;
    let names: Vec<_> = config.sources.iter().map(|source| source.name.clone()).collect();
    for remark in remarks(&map, &names, &index.reader()?, &holdings, today)? {
        common.say(format_args!("warning: {}", printable(&remark.to_string())));
    }
    gaps.retain(|gap| args.gap.is_empty() || args.gap.iter().any(|name| name == gap.kind.name()));
    let mut out = output::stdout();
    match args.format {
        Format::Json => {
            let all: Vec<_> = gaps.iter().map(as_json).collect();
            serde_json::to_writer_pretty(&mut out, &all).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Format::Jsonl => gaps.iter().try_for_each(|gap| json_line(&mut out, &as_json(gap)))?,
        Format::Csv => csv(&gaps, &mut out)?,
        Format::Table | Format::Html => print(&gaps, &holdings, &mut out, Style::stdout())?,
    }
    out.flush()?;
    for hold in gaps.iter().filter(|gap| matches!(gap.place, Place::Hold(_))) {
        common.say(format_args!("warning: {}", printable(&hold.cure)));
    }
    if map.is_empty() {
        common.say("hint: nothing is said yet: `[[map]]` in `residuum.toml` does, `docs/map.md` has an example");
    }
    let is_late = match Register::existing(&config.index)? {
        Some(mut register) => say_open(&register.notices(None)?, common),
        None => false,
    };
    // What the scan did not see has not been accounted for either.
    let covered = coverage::exit(&index.reader()?, common)?;
    Ok(if is_late || gaps.iter().any(|gap| gap.state.remains()) { Exit::Incomplete } else { covered })
}

/// Source, object, field and recipient of a gap; those it does not have are empty.
fn place(gap: &Gap) -> [&str; 4] {
    match &gap.place {
        Place::Field { source, object, field } => [source, object, field, ""],
        Place::Recipient(name) => ["", "", "", name],
        Place::Hold(_) => ["", "", "", ""],
    }
}

/// Who accepts a gap, until when and why.
fn acceptance(gap: &Gap) -> Option<(&str, Day, &str)> {
    match &gap.state {
        State::Accepted { by, until, reason } => Some((by, *until, reason)),
        State::Open | State::Overdue => None,
    }
}

fn as_json(gap: &Gap) -> serde_json::Value {
    let [source, object, field, recipient] = place(gap).map(|name| Some(name).filter(|name| !name.is_empty()));
    let is_field = source.is_some();
    let accepted = acceptance(gap);
    json!({
        "risk": (gap.risk * 10.0).round() / 10.0,
        "source": source,
        "object": object,
        "field": field.or(is_field.then_some("")),
        "recipient": recipient,
        "gap": gap.kind.name(),
        "cure": gap.cure,
        "findings": gap.findings,
        "sensitive": gap.sensitive,
        "owner": gap.owner,
        "due": gap.due.map(|day| day.to_string()),
        "state": gap.state.name(),
        "accepted": accepted.map(|(by, until, reason)| json!({ "by": by, "until": until.to_string(), "reason": reason })),
    })
}

fn csv(gaps: &[Gap], out: &mut dyn Write) -> std::io::Result<()> {
    const HEAD: [&str; 14] = [
        "risk",
        "source",
        "object",
        "field",
        "recipient",
        "gap",
        "cure",
        "findings",
        "sensitive",
        "owner",
        "due",
        "state",
        "accepted_by",
        "accepted_until",
    ];
    csv_line(out, HEAD)?;
    for gap in gaps {
        let [source, object, field, recipient] = place(gap).map(inert);
        let (by, until) = acceptance(gap).map_or(("", String::new()), |(by, until, _)| (by, until.to_string()));
        let row: [&str; 14] = [
            &format!("{:.1}", gap.risk),
            &source,
            &object,
            &field,
            &recipient,
            gap.kind.name(),
            &gap.cure,
            &gap.findings.to_string(),
            &gap.sensitive.to_string(),
            gap.owner.as_deref().unwrap_or_default(),
            &gap.due.map(|day| day.to_string()).unwrap_or_default(),
            gap.state.name(),
            by,
            &until,
        ];
        csv_line(out, row)?;
    }
    Ok(())
}

/// For people: what is missing in one place and stands alike is one row.
fn print(gaps: &[Gap], holdings: &[Holding], out: &mut dyn Write, style: Style) -> std::io::Result<()> {
    use Align::{Left, Right};
    if !gaps.is_empty() {
        let columns = [
            ("risk", Right),
            ("where", Left),
            ("findings", Right),
            ("missing", Left),
            ("owner", Left),
            ("due", Left),
            ("state", Left),
        ];
        let mut table = Table::new(out, style, &columns);
        let is_alike = |a: &Gap, b: &Gap| a.place == b.place && a.state == b.state;
        for alike in gaps.chunk_by(is_alike) {
            let first = &alike[0];
            let kinds: Vec<_> = alike.iter().map(|gap| gap.kind.name()).collect();
            let place = match &first.place {
                Place::Field { source, object, field } if field.is_empty() => format!("{source}: {object}"),
                Place::Field { source, object, field } => format!("{source}: {object} {field}"),
                Place::Recipient(name) => format!("recipient {name}"),
                Place::Hold(title) => title.clone(),
            };
            let state = match &first.state {
                State::Accepted { by, until, .. } => format!("accepted by {by} until {until}"),
                state => state.name().to_owned(),
            };
            table.row(vec![
                format!("{:.1}", first.risk),
                printable(&place),
                count(first.findings),
                kinds.join(", "),
                printable(first.owner.as_deref().unwrap_or("—")),
                first.due.map_or("—".to_owned(), |day| day.to_string()),
                printable(&state),
            ])?;
        }
        table.finish()?;
        writeln!(out)?;
    }
    let of = |name: &str| gaps.iter().filter(|gap| gap.state.name() == name).count() as u64;
    let states = ["open", "overdue", "accepted"].map(|name| format!("{} {name}", count(of(name))));
    let with_gaps: std::collections::BTreeSet<_> = gaps.iter().map(|gap| &gap.place).collect();
    let fields = with_gaps.iter().filter(|place| matches!(place, Place::Field { .. })).count() as u64;
    writeln!(
        out,
        "{}: {}; {} of {} with personal information have none",
        counted(gaps.len() as u64, "gap"),
        states.join(", "),
        count(holdings.len() as u64 - fields),
        counted(holdings.len() as u64, "field")
    )
}
