//! What `residuum scan --plan` prints: what would be read, how much, and about how long it would take.

use std::io::Write as _;

use residuum_source::Coverage;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::output::{self, Format, Style};
use crate::report::human::{bytes, count, counted, duration};
use crate::scan::{ScanPlan, SourcePlan};

/// Prints a plan.
pub(super) fn print(plan: &ScanPlan, format: Format) -> Result<(), Failure> {
    let mut out = output::stdout();
    match format {
        Format::Json => {
            let document = json!({
                "sources": plan.sources.iter().map(source_json).collect::<Value>(),
                "bytes_per_second": plan.bytes_per_second,
                "seconds": plan.estimate().as_secs_f64(),
            });
            serde_json::to_writer_pretty(&mut out, &document).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        _ => {
            let style = Style::stdout();
            for source in &plan.sources {
                print_source(source, &mut out, style)?;
            }
            let rate = bytes(plan.bytes_per_second);
            writeln!(out, "about {} if storage keeps up ({rate}/s detected here)", duration(plan.estimate()))?;
        }
    }
    Ok(out.flush()?)
}

fn print_source(source: &SourcePlan, out: &mut dyn std::io::Write, style: Style) -> std::io::Result<()> {
    writeln!(out, "{} ({})", style.bold(&source.name), source.kind)?;
    if let Some(error) = &source.error {
        writeln!(out, "  {}: {error}", style.yellow("not listed to its end"))?;
    }
    let (objects, size) = source.to_read;
    writeln!(out, "  to read: {}, {}", counted(objects, "object"), bytes(size))?;
    for (name, size) in &source.largest {
        writeln!(out, "    {:>7}  {name}", bytes(*size))?;
    }
    for (name, reason) in &source.read_in_part {
        writeln!(out, "  {}: {name}: {reason}", style.yellow("read in part"))?;
    }
    if source.unchanged > 0 {
        writeln!(out, "  unchanged: {}", counted(source.unchanged, "object"))?;
    }
    for (state, n) in &source.not_read {
        writeln!(out, "  not read, {}: {}", state.name(), count(*n))?;
    }
    Ok(())
}

fn source_json(source: &SourcePlan) -> Value {
    let of = |state: &Coverage| (state.name().to_owned(), json!(source.not_read.get(state).copied().unwrap_or(0)));
    let not_read: Map<_, _> = Coverage::ALL.iter().filter(|state| **state != Coverage::Read).map(of).collect();
    json!({
        "source": source.name, "kind": source.kind, "objects": source.to_read.0, "bytes": source.to_read.1,
        "unchanged": source.unchanged, "not_read": not_read, "error": source.error,
        "read_in_part": source.read_in_part.iter().map(|(name, reason)| json!({ "object": name, "reason": reason }))
            .collect::<Value>(),
        "largest": source.largest.iter().map(|(name, size)| json!({ "object": name, "bytes": size })).collect::<Value>(),
    })
}
