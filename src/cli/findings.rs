//! `residuum findings`: every live finding, in canonical order.

use std::io::Write as _;
use std::ops::ControlFlow;

use residuum_detect::Type;
use serde_json::json;

use super::common::{Common, Scope};
use super::exit::Exit;
use super::failure::Failure;
use super::location::{Names, Printer};
use super::output::{self, Format};
use super::{audit, coverage, known, rules};
use crate::audit::Act;
use crate::index::Filter;
use crate::report::Allowed;

/// List findings: where personal information stands
///
/// Every live finding in canonical order: by source, object, record, field, place and type. Nothing is read but the
/// index. Keys of records, by which a person's orders are found, are listed with `--type KEY` or `--keys`.
///
/// What `[[allow]]` in `residuum.toml` says is approved is left out and counted, unless `--all` is given; `find`, `erase`
/// and `verify` take no notice of it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum findings --type US_SSN
  residuum findings --source crm --object 'main.*' --format jsonl
  residuum findings --object 'exports/**' --format csv > findings.csv")]
pub(super) struct Args {
    /// Only this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only objects whose name matches this glob
    #[arg(long, value_name = "GLOB")]
    object: Option<String>,
    /// Only this type; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = type_name)]
    kinds: Vec<Type>,
    /// Keys of records as well
    #[arg(long)]
    keys: bool,
    /// What `[[allow]]` approves as well
    #[arg(long)]
    all: bool,
    /// Fingerprints as well, in JSON and JSON Lines: `[[allow]]` takes them. They are keyed and tell nothing of the value,
    /// but equal values have equal ones
    #[arg(long)]
    fingerprints: bool,
    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl", "csv"]))]
    format: Format,
    /// Open names that are personal themselves; the audit log says so
    #[arg(long)]
    show_values: bool,
}

/// A type by its name, in any case.
pub(super) fn type_name(text: &str) -> Result<Type, String> {
    let known = || Type::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    Type::from_name(&text.to_uppercase()).ok_or_else(|| format!("there is no such type; types are {}", known()))
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let scope = Scope::new(common)?;
    let index = common.open_index(&config)?;
    if args.show_values {
        let details = json!({ "show_values": true });
        audit::note(&config, common, Act { action: "findings".to_owned(), details, ..Act::default() })?;
    }
    let reader = index.reader()?;
    let rules = rules::load(&config)?;
    let mut out = output::stdout();
    let mut printer = Printer::new(&mut out, args.format, Names::new(index.keys(), args.show_values), &rules, false)?
        .with_fingerprints(args.fingerprints);
    let allowed = if args.all { Allowed::default() } else { Allowed::new(&config, index.keys()) };
    let mut left_out = 0;
    let source = args.source.as_deref().map(|given| known::source(&reader, index.keys(), given)).transpose()?;
    known::globs(&reader, &scope, common)?;
    let filter = Filter {
        source,
        object: args.object.clone(),
        kind: if let [only] = args.kinds[..] { Some(only) } else { None },
    };
    let wanted = |kind: Type| match kind {
        _ if args.kinds.contains(&kind) => true,
        Type::Key => args.keys,
        _ => args.kinds.is_empty(),
    };
    let mut printed = Ok(());
    reader.findings(&filter, &mut |finding| {
        if wanted(finding.kind) && scope.contains(&finding.object, &finding.field) {
            if allowed.has(finding) {
                left_out += 1;
            } else {
                printed = printer.finding(finding);
            }
        }
        if printed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    printed?;
    printer.finish()?;
    out.flush()?;
    super::report::say_allowed(common, left_out);
    coverage::exit(&reader, common)
}
