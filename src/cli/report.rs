//! `residuum report`: the inventory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style, printable};
use super::table::{Align, Table};
use super::{coverage, known, rules};
use crate::index::display;
use crate::report::human::{bytes, count, counted, percent};
use crate::report::{self, Allowed, FieldLine, Inventory};

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
    /// Say how a field was examined and why: `FIELD`, `OBJECT.FIELD`, `OBJECT`, the end of a name, or a glob
    #[arg(long, value_name = "FIELD", conflicts_with = "format")]
    explain: Option<String>,
    /// What `[[allow]]` in `residuum.toml` approves as well
    #[arg(long)]
    all: bool,
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
    let allowed = if args.all { Allowed::default() } else { Allowed::new(&config, index.keys()) };
    let mut inventory = Inventory::read_without(&index, &rules::load(&config)?, &allowed)?;
    if let Some(source) = &args.source {
        let source = display(&known::source(&index.reader()?, index.keys(), source)?);
        inventory.sources.retain(|line| line.name == source);
        inventory.fields.retain(|line| line.source == source);
        inventory.ledger.retain(|line| line.source == source);
        let changes = &mut inventory.changes;
        changes.totals.retain(|line| line.source == source);
        let start = format!("{source}: ");
        [&mut changes.new, &mut changes.read_again]
            .into_iter()
            .for_each(|of| of.retain(|name| name.starts_with(&start)));
    }
    known::globs(&index.reader()?, &scope, common)?;
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
    say_allowed(common, inventory.allowed);
    coverage::exit(&index.reader()?, common)
}

/// Says how many findings were left out because they are approved.
pub(super) fn say_allowed(common: &Common, findings: u64) {
    if findings > 0 {
        common.say(format_args!(
            "{} left out, approved by `[[allow]]` in residuum.toml: `--all` has them",
            counted(findings, "finding")
        ));
    }
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

/// The names by which a field may be asked for.
fn names_of(field: &FieldLine) -> [String; 5] {
    let full = format!("{}.{}", field.object, field.field);
    let with_source = format!("{}.{full}", field.source);
    let short = format!("{}.{full}", crate::index::display(&field.source));
    [field.field.clone(), field.object.clone(), full, with_source, short]
}

/// The fields meant: those so called, those a glob matches, or the one whose name ends so.
fn chosen<'i>(inventory: &'i Inventory, name: &str) -> Result<Vec<&'i FieldLine>, Failure> {
    let fields = || inventory.fields.iter();
    let called = |is: &dyn Fn(&str) -> bool| fields().filter(|field| names_of(field).iter().any(|n| is(n))).collect();
    let exact: Vec<_> = called(&|known| known == name);
    if !exact.is_empty() {
        return Ok(exact);
    }
    if name.contains(['*', '?', '[', '{']) {
        let glob = globset::Glob::new(name).doing(format_args!("`{name}` is not a glob"))?.compile_matcher();
        let matched: Vec<_> = called(&|known| !known.is_empty() && glob.is_match(known));
        if !matched.is_empty() {
            return Ok(matched);
        }
    }
    let wanted = name.to_lowercase();
    let ends: Vec<&FieldLine> = called(&|known| {
        let known = known.to_lowercase();
        known.strip_suffix(&wanted).is_some_and(|before| before.is_empty() || before.ends_with(['.', '/', '!']))
    });
    if let [_] = ends[..] {
        return Ok(ends);
    }
    let near: Vec<&FieldLine> =
        if ends.is_empty() { called(&|known| known.to_lowercase().contains(&wanted)) } else { ends };
    const SHOWN: usize = 10;
    let hint = match near.len() {
        0 => "nothing was found there, or it is called otherwise: `residuum report` lists fields, \
              `residuum report --format json` all that is known"
            .to_owned(),
        n => {
            let names: Vec<_> = near.iter().take(SHOWN).map(|f| format!("`{}`", printable(&names_of(f)[4]))).collect();
            let more =
                if n > SHOWN { format!(" and {} more; a glob takes them all", n - SHOWN) } else { String::new() };
            format!("perhaps {}{more}", names.join(", "))
        }
    };
    let what = if near.len() > 1 { "no one field" } else { "no field" };
    Err(Failure::new(format_args!("{what} `{}` is in the inventory", printable(name))).hint(hint))
}

/// Says of every field that is meant how it was examined, what was found, and why so.
fn explain(inventory: &Inventory, name: &str, out: &mut dyn Write, style: Style) -> Result<(), Failure> {
    let found = chosen(inventory, name)?;
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
