//! `residuum map export`: the map for people and for other catalogues.

use std::collections::BTreeMap;
use std::io::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::{Common, Exit, Failure, Read, To, Which, deliver, read};
use crate::connect::kind_of;
use crate::report::human::counted;
use crate::report::map::{Catalogue, Known, Left, csv, datahub, fides, fides_tables, html, json, openmetadata};

/// Write the map with what was found, for people and for other catalogues
///
/// `json`, `csv` and `html` have every field with what is said of it. `fides` is a file of datasets for fides, with primary
/// keys and categories. `datahub` is a file of metadata change proposals that add tags; `openmetadata` is a list of requests
/// to its API, one a line, that make tags and suggest them for columns of tables. What stands in a catalogue before an
/// object's name is taken from the source's URL, or given with `--as`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum map export --format html --output map.html
  residuum map export --format fides > .fides/datasets.yml
  residuum map export --format datahub --as crm=postgres:shop > tags.json
  residuum map export --format openmetadata --as crm=pg_prod.shop |
    while read -r line; do
      jq -c .body <<< \"$line\" | curl --fail -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
        -X \"$(jq -r .method <<< \"$line\")\" --data @- \"https://om.example.com/api$(jq -r .path <<< \"$line\")\"
    done")]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = parser())]
    format: Format,
    /// What stands in the catalogue before the names of a source's objects; may be repeated
    ///
    /// For OpenMetadata `SERVICE.DATABASE`, by default the source and the database of its URL; for DataHub
    /// `PLATFORM:PREFIX`, by default the kind of the source and its database.
    #[arg(long = "as", value_name = "SOURCE=NAME", value_parser = named)]
    names: Vec<(String, String)>,
    #[command(flatten)]
    to: To,
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Csv,
    Html,
    Fides,
    OpenMetadata,
    DataHub,
}

fn parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    let names = ["json", "csv", "html", "fides", "openmetadata", "datahub"];
    PossibleValuesParser::new(names).map(|name| match name.as_str() {
        "csv" => Format::Csv,
        "html" => Format::Html,
        "fides" => Format::Fides,
        "openmetadata" => Format::OpenMetadata,
        "datahub" => Format::DataHub,
        _ => Format::Json,
    })
}

fn named(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(source, name)| !source.is_empty() && !name.is_empty());
    let (source, name) = parts.ok_or("give the source and its name there, such as `crm=pg_prod.shop`")?;
    Ok((source.to_owned(), name.to_owned()))
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let read = read(&args.which, common)?;
    let account = read.account();
    let catalogue = catalogue(&read, &args.names)?;
    let mut left = Left::default();
    let write = |out: &mut dyn Write| {
        match args.format {
            Format::Json => json(&account, out)?,
            Format::Csv => csv(&account, out)?,
            Format::Html => html(&account, out)?,
            Format::Fides => fides(&account, &fides_tables(&read.index.reader()?, &read.holdings)?, out)?,
            Format::OpenMetadata => left = openmetadata(&account, &catalogue, out)?,
            Format::DataHub => left = datahub(&account, &catalogue, out)?,
        }
        Ok(())
    };
    let exit = deliver(&read, args.to.output.as_deref(), common, write)?;
    if left.sealed > 0 {
        common.say(format_args!(
            "warning: {} left out: their names are sealed, and a catalogue would not know them",
            counted(left.sealed, "field")
        ));
    }
    if left.no_column > 0 {
        common.say(format_args!(
            "warning: {} left out: tags in OpenMetadata stand on columns of tables; `--as SOURCE=SERVICE.DATABASE` says \
             where those of a source that is no database are",
            counted(left.no_column, "field")
        ));
    }
    Ok(exit)
}

/// What is known of the sources, by the names that outputs give them.
fn catalogue(read: &Read, names: &[(String, String)]) -> Result<Catalogue, Failure> {
    let mut sources = BTreeMap::<String, Known>::new();
    for state in read.index.reader()?.states()? {
        let name = crate::index::display(&state.source);
        sources.entry(name).or_default().kind = state.source_kind.to_string();
    }
    for source in &read.config.sources {
        let known = sources.entry(source.name.clone()).or_default();
        if known.kind.is_empty() {
            known.kind = kind_of(source).to_owned();
        }
        known.database = database(&source.url).map(str::to_owned);
    }
    for (source, name) in names {
        let Some(known) = sources.get_mut(source) else {
            let there_are: Vec<_> = sources.keys().map(|name| format!("`{name}`")).collect();
            let hint = format!("there are {}", there_are.join(", "));
            return Err(Failure::new(format_args!("`--as` names `{source}`, which is no source")).hint(hint));
        };
        known.prefix = Some(name.clone());
    }
    Ok(Catalogue { sources })
}

/// The database that a URL of a server names.
fn database(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let path = rest.split(['?', '#']).next()?.split_once('/')?.1;
    let is_server = ["postgres", "postgresql", "mysql", "mariadb"].contains(&scheme);
    Some(path.trim_end_matches('/')).filter(|name| is_server && !name.is_empty() && !name.contains('/'))
}
