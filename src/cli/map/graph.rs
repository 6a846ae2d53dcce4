//! `residuum map graph`: what flows where.

use std::io::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::{Common, Exit, Failure, To, Which, deliver, read};
use crate::report::map::{dot, graph_html, graph_json, mermaid};

/// Draw what flows from sources through purposes to recipients
///
/// Bands are as wide as the number of findings; what is sold, shared or sensitive stands out, what nobody has said is
/// dashed. A page that needs nothing else, or a file for Graphviz, for Mermaid, or as JSON.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum map graph --output flows.html
  residuum map graph --format dot | dot -Tsvg > flows.svg
  residuum map graph --source crm --format mermaid")]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "html", value_parser = parser())]
    format: Format,
    #[command(flatten)]
    to: To,
}

#[derive(Clone, Copy)]
enum Format {
    Html,
    Dot,
    Mermaid,
    Json,
}

fn parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["html", "dot", "mermaid", "json"]).map(|name| match name.as_str() {
        "dot" => Format::Dot,
        "mermaid" => Format::Mermaid,
        "json" => Format::Json,
        _ => Format::Html,
    })
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let read = read(&args.which, common)?;
    let account = read.account();
    let write = |out: &mut dyn Write| {
        match args.format {
            Format::Html => graph_html(&account, out)?,
            Format::Dot => dot(&account, out)?,
            Format::Mermaid => mermaid(&account, out)?,
            Format::Json => graph_json(&account, out)?,
        }
        Ok(())
    };
    deliver(&read, args.to.output.as_deref(), common, write)
}
