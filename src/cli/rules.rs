//! `residuum rules`: what is looked for, and whether each rule keeps what it promises.

use std::io::Write as _;

use residuum_detect::{Rule, RuleSet};
use serde_json::json;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style, json_line};
use super::table::{Align, Table};
use crate::config::Config;
use crate::report::human::counted;

/// Check or list the rules
///
/// A rule says what is looked for: a recogniser, a pattern or a list of words; a validator; words that should stand
/// near; names of fields; the categories of the statute it falls into; and examples that prove it. The built-in pack
/// is extended or overridden by the folders under `rules` in `residuum.toml`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Run every rule's examples and counter-examples through the detector
    ///
    /// Exits with 1 if one of them does not hold.
    Check,
    /// List the rules with their types and categories
    List {
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json", "jsonl"]))]
        format: Format,
    },
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let rules = load(&common.resolve()?)?;
    match args.command {
        Command::Check => check(&rules, common),
        Command::List { format } => list(&rules, format),
    }
}

/// The built-in rules, extended by the configuration's folders.
pub(super) fn load(config: &Config) -> Result<RuleSet, Failure> {
    config.rules.iter().try_fold(RuleSet::builtin(), |rules, folder| {
        let advice = "`rules` in `residuum.toml` and `RESIDUUM_RULES` name folders of `.toml` files";
        rules.extend_from_dir(folder).hint(advice)
    })
}

fn check(rules: &RuleSet, common: &Common) -> Result<Exit, Failure> {
    let problems = rules.check();
    let mut out = output::stdout();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    out.flush()?;
    if !problems.is_empty() {
        let what = counted(problems.len() as u64, "example");
        return Err(Failure::new(format_args!("{what} of the rules did not hold"))
            .hint("each is named above with what came instead"));
    }
    let each = |number: fn(&Rule) -> usize| rules.rules().iter().map(number).sum::<usize>() as u64;
    common.say(format_args!(
        "{} hold: {}, {}, {}",
        counted(rules.rules().len() as u64, "rule"),
        counted(each(|r| r.examples.len()), "example"),
        counted(each(|r| r.counterexamples.len()), "counter-example"),
        counted(each(|r| r.field_examples.len()), "field example"),
    ));
    Ok(Exit::Done)
}

fn list(rules: &RuleSet, format: Format) -> Result<Exit, Failure> {
    let mut out = output::stdout();
    let letters = |rule: &Rule| rule.categories.iter().map(|c| c.letter()).collect::<Vec<_>>();
    let object = |rule: &Rule| {
        json!({
            "rule": rule.id, "type": rule.kind.name(), "subtype": rule.subtype, "categories": letters(rule),
            "sensitive": rule.sensitive, "description": rule.description, "reference": rule.reference,
        })
    };
    match format {
        Format::Json => json_line(&mut out, &rules.rules().iter().map(object).collect::<Vec<_>>())?,
        Format::Jsonl => rules.rules().iter().try_for_each(|rule| json_line(&mut out, &object(rule)))?,
        _ => {
            let columns = ["rule", "type", "categories", "description"].map(|name| (name, Align::Left));
            let mut table = Table::new(&mut out, Style::stdout(), &columns);
            for rule in rules.rules() {
                table.row(vec![
                    rule.id.clone(),
                    rule.kind.name().into(),
                    letters(rule).join(" "),
                    rule.description.clone(),
                ])?;
            }
            table.finish()?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
