//! `residuum report`: the inventory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style, printable};
use super::table::{Align, Table};
use super::{coverage, rules};
use crate::report::human::{bytes, count, counted, percent};
use crate::report::{self, FieldLine, Inventory};

/// Report what personal information is where
///
/// The inventory by source, object and field: types, counts, rates, the categories of Cal. Civ. Code §1798.140(v)(1);
/// what was read and what was not; what is different since the scan before. Nothing is read but the index.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum report
  residuum report --format html --output inventory.html
  residuum report --format json | jq '.fields[] | select(.sensitive)'
  residuum report --explain main.customers.email")]
pub(super) struct Args {
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Say how a field was examined and why: `FIELD`, `OBJECT.FIELD` or `OBJECT`
    #[arg(long, value_name = "FIELD", conflicts_with = "format")]
    explain: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "csv", "html"]))]
    format: Format,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let scope = Scope::new(common)?;
    let index = common.open_index(&config)?;
    let mut inventory = Inventory::read(&index, &rules::load(&config)?)?;
    if let Some(source) = &args.source {
        if !inventory.sources.iter().any(|line| line.name == *source) {
            let names: Vec<_> = inventory.sources.iter().map(|line| format!("`{}`", line.name)).collect();
            return Err(Failure::new(format_args!("the index has no source `{source}`"))
                .hint(format!("it has {}", names.join(", "))));
        }
        inventory.sources.retain(|line| line.name == *source);
        inventory.fields.retain(|line| line.source == *source);
        inventory.ledger.retain(|line| line.source == *source);
    }
    inventory.fields.retain(|line| scope.contains(&line.object, &line.field));
    match &args.output {
        Some(path) => {
            let failed = || format!("`{}` cannot be written", path.display());
            let mut file = BufWriter::new(File::create(path).doing(failed())?);
            write(args, &inventory, &mut file, Style::plain()).doing(failed())?;
            file.flush().doing(failed())?;
            common.say(format_args!("the report is in {}", path.display()));
        }
        None => {
            let mut out = output::stdout();
            write(args, &inventory, &mut out, Style::stdout())?;
            out.flush()?;
        }
    }
    coverage::exit(&index.reader()?, common)
}

fn write(args: &Args, inventory: &Inventory, out: &mut dyn Write, style: Style) -> Result<(), Failure> {
    if let Some(name) = &args.explain {
        return explain(inventory, name, out, style);
    }
    match args.format {
        Format::Json => report::json(inventory, out)?,
        Format::Jsonl => report::jsonl(inventory, out)?,
        Format::Csv => report::csv(inventory, out)?,
        Format::Html => report::html(inventory, out)?,
        Format::Table => print(inventory, out, style)?,
    }
    Ok(())
}

/// Prints an inventory for people.
pub(super) fn print(inventory: &Inventory, out: &mut dyn Write, style: Style) -> std::io::Result<()> {
    use Align::{Left, Right};
    let columns = [
        ("source", Left),
        ("object", Left),
        ("field", Left),
        ("type", Left),
        ("findings", Right),
        ("records", Right),
        ("rate", Right),
        ("categories", Left),
    ];
    let mut table = Table::new(out, style, &columns);
    for field in &inventory.fields {
        for found in &field.types {
            let letters = found.categories.iter().map(|c| c.letter()).collect::<Vec<_>>().join(" ");
            let name = if field.field.is_empty() { "(text)" } else { &field.field };
            table.row(vec![
                printable(&field.source),
                printable(&field.object),
                printable(name),
                found.kind.name().to_owned(),
                count(found.values),
                count(found.records),
                percent(found.rate),
                letters,
            ])?;
        }
    }
    table.finish()?;
    writeln!(out)?;
    for source in &inventory.sources {
        writeln!(
            out,
            "{} ({}): {} in {}, {}, {}",
            style.bold(&source.name),
            source.kind,
            counted(source.findings, "finding"),
            counted(source.objects, "object"),
            counted(source.records, "record"),
            bytes(source.bytes)
        )?;
    }
    for change in &inventory.changes.totals {
        let (kind, before, after) = (change.kind.name(), count(change.before), count(change.after));
        writeln!(out, "since the scan before, {}: {kind} {before} → {after}", change.source)?;
    }
    let verdict = if inventory.is_complete() { style.green("complete") } else { style.yellow("incomplete") };
    writeln!(
        out,
        "coverage {verdict}: {}",
        coverage::line(|state| inventory.coverage.get(&state).copied().unwrap_or(0))
    )?;
    for line in &inventory.ledger {
        writeln!(
            out,
            "  {}  {}: {}: {}",
            line.state.name(),
            line.source,
            printable(&line.object),
            printable(&line.reason)
        )?;
    }
    Ok(())
}

/// Says of every field that matches how it was examined, what was found, and why so.
fn explain(inventory: &Inventory, name: &str, out: &mut dyn Write, style: Style) -> Result<(), Failure> {
    let matches = |field: &&FieldLine| {
        let full = format!("{}.{}", field.object, field.field);
        let with_source = format!("{}.{full}", field.source);
        [&field.field, &field.object, &full, &with_source].into_iter().any(|known| known == name)
    };
    let found: Vec<_> = inventory.fields.iter().filter(matches).collect();
    if found.is_empty() {
        let hint = "nothing was found there, or it is called otherwise: `residuum report` lists fields, `residuum report --format json` all that is known";
        return Err(Failure::new(format_args!("no field `{name}` is in the inventory")).hint(hint));
    }
    for field in found {
        writeln!(out, "{}", style.bold(&printable(&format!("{}: {} {}", field.source, field.object, field.field))))?;
        writeln!(out, "  examined: {}", field.plan)?;
        for evidence in &field.evidence {
            writeln!(out, "  because:  {evidence}")?;
        }
        for types in &field.types {
            let (records, of) = (count(types.records), count(field.records));
            let by = types.rules.join(", ");
            writeln!(
                out,
                "  found:    {} {} in {records} of {of} records ({}), by rule {by}",
                count(types.values),
                types.kind.name(),
                percent(types.rate)
            )?;
        }
        for category in &field.categories {
            writeln!(out, "  category: {} {}", category.letter(), category.title())?;
        }
        for key in &field.keys {
            writeln!(out, "  key:      {key}")?;
        }
    }
    Ok(())
}
