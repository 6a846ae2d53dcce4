//! `residuum demo`: an invented company, scanned, reported and searched, all in this process.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use residuum_detect::{Detector, RuleSet, Type};
use residuum_source::Coverage;

use super::common::Common;
use super::coverage;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::location::{Names, Printer};
use super::output::{self, Format, Style};
use super::scan;
use super::table::{Align, Table};
use crate::config::{Config, FILE_NAME};
use crate::connect::connect;
use crate::demo::{self, Company};
use crate::identity::{self, FindOptions, Identifier, Subject};
use crate::index::{Index, Keyring};
use crate::report::human::{counted, duration};
use crate::report::{self, Inventory};
use crate::scan::{Scan, ScanOptions, Silent};

/// Make an invented company, scan it, find one person in it, erase them and certify it
///
/// Makes `residuum-demo/` here: a database, exports, events, logs, Parquet files and an archive of a company with 240
/// customers who do not exist. Scans it, prints what is where, looks one customer up by e-mail, shows every place and
/// why it is one, writes a report, erases them, looks everywhere again and certifies that nothing is left. Nothing outside of the directory is touched, and there is no network traffic.
/// Run again, it makes the same directory anew.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, common: &Common) -> Result<Exit, Failure> {
    let started = Instant::now();
    let style = Style::stdout();
    let directory = Path::new(demo::DIRECTORY);
    let company = demo::make(directory).hint("run it in another directory, or move that one away")?;
    let mut out = output::stdout();
    let customers = company.count("customers");
    writeln!(out, "{}", style.bold("1. An invented company"))?;
    writeln!(
        out,
        "Larkspur Outfitters and its {customers} customers do not exist. Their data is in {}/.\n",
        directory.display()
    )?;
    out.flush()?;

    let config = Config::load(Some(&directory.join(FILE_NAME)))?;
    let rules = RuleSet::builtin();
    let index = make_index(&config)?;
    let summary = {
        let sources: Vec<_> = config.sources.iter().map(connect).collect::<Result<_, _>>()?;
        let detector = Detector::new(&rules)?;
        let jobs = common.jobs.map_or(config.jobs, std::num::NonZeroUsize::get);
        let options =
            ScanOptions { jobs, joins: config.joins.clone(), limits: config.limits.clone(), ..ScanOptions::default() };
        Scan::new(&sources, &detector, &index, options).run(&Silent)?
    };
    writeln!(out, "{}", style.bold("2. Scanned: what is where"))?;
    let inventory = Inventory::read(&index, &rules)?;
    types_by_source(&inventory, &mut out, style)?;
    let of = |state: Coverage| summary.coverage.get(&state).copied().unwrap_or(0);
    writeln!(
        out,
        "\n{} in {}; coverage: {}\n",
        counted(summary.findings, "finding"),
        duration(summary.elapsed),
        coverage::line(of)
    )?;

    writeln!(out, "{}", style.bold(&format!("3. Where is {}?", company.subject_email)))?;
    let (places, records) = find(&company, &index, &rules, &mut out)?;
    writeln!(
        out,
        "\n{} in {}. The orders hold no e-mail: they were found through the customer number, the newsletter\n\
         through the SHA-256 of the address, which is all that stands there.\n",
        counted(places as u64, "place"),
        counted(records as u64, "record")
    )?;

    let page = directory.join("report.html");
    let mut file = fs::File::create(&page).doing(format_args!("`{}` cannot be written", page.display()))?;
    report::html(&inventory, &mut file)?;
    writeln!(out, "{}", style.bold("4. Erased, and certified"))?;
    writeln!(
        out,
        "What follows are commands as anybody would give them, in a copy of the company, {}/. The letter in which\n\
         the customer asks for it is kept: a `[[retain]]` in residuum.toml says so, and the certificate, too.\n",
        directory.join(demo::AFTER).display()
    )?;
    let after = demo::copy(directory)?;
    let email = company.subject_email.as_str();
    for command in [
        &["scan", "--format", "json"][..],
        &["disclose", "--email", email, "--request", "R-1", "--output", "disclosure"],
        &["erase", "--email", email],
        &["erase", "--email", email, "--request", "R-1", "--apply", "--format", "json"],
        &["verify", "--email", email, "--request", "R-1", "--certificate", "certificate.json"],
        &["certificate", "check", "certificate.json"],
        &["audit", "verify"],
    ] {
        step(&after, command, &mut out)?;
    }

    writeln!(out, "{}", style.bold("5. Look around"))?;
    writeln!(out, "The report: {}", page.display())?;
    writeln!(out, "\n  cd {}", directory.display())?;
    for next in [
        "residuum report",
        "residuum findings --type US_SSN",
        &format!("residuum find --id crm.customers.id={}", company.subject_id),
        "residuum report --explain main.support_notes.note",
        "residuum map check         # what is not accounted for",
        "residuum scan              # nothing has changed: nothing is read",
    ] {
        writeln!(out, "  {next}")?;
    }
    writeln!(out, "\nAll of it took {}.", duration(started.elapsed()))?;
    out.flush()?;
    Ok(if summary.is_complete() { Exit::Done } else { Exit::Incomplete })
}

/// Runs a command of this program in the directory, as a person would, and prints it with what it says.
fn step(directory: &Path, arguments: &[&str], out: &mut dyn std::io::Write) -> Result<(), Failure> {
    let shown: Vec<_> = arguments.iter().filter(|word| !matches!(**word, "--format" | "json")).copied().collect();
    writeln!(out, "$ residuum {}", shown.join(" "))?;
    out.flush()?;
    let program = std::env::current_exe().doing("this program cannot be found again")?;
    let mut command = std::process::Command::new(program);
    // The key that signs is the demo's own, and so is where the head of its audit log is kept.
    command.args(arguments).current_dir(directory).env("XDG_STATE_HOME", std::path::absolute(directory.join("state"))?);
    for variable in
        ["RESIDUUM_INDEX", "RESIDUUM_AUDIT", "RESIDUUM_RULES", "RESIDUUM_INDEX_KEY", "RESIDUUM_INDEX_KEY_FILE"]
    {
        command.env_remove(variable);
    }
    let ran = command.output().doing(format_args!("`residuum {}` cannot be run", shown.join(" ")))?;
    if !arguments.contains(&"json") {
        out.write_all(&ran.stdout)?;
    }
    out.write_all(&ran.stderr)?;
    writeln!(out)?;
    match ran.status.code() {
        Some(0 | 2) => Ok(()),
        code => Err(Failure::new(format_args!("`residuum {}` ended with {code:?}", shown.join(" ")))),
    }
}

/// An index with a key of its own beside it, so that the directory can be thrown away whole.
fn make_index(config: &Config) -> Result<Index, Failure> {
    let keys = Keyring::new(scan::random_key()?, Vec::new());
    if let Some(file) = &config.key_file {
        keys.backup(file)?;
    }
    Ok(Index::create_or_open(&config.index, keys)?)
}

/// Types down, sources across.
fn types_by_source(inventory: &Inventory, out: &mut dyn std::io::Write, style: Style) -> std::io::Result<()> {
    let mut columns = vec![("type", Align::Left)];
    columns.extend(inventory.sources.iter().map(|source| (source.name.as_str(), Align::Right)));
    columns.push(("where", Align::Left));
    let mut table = Table::new(out, style, &columns);
    for (kind, _) in inventory.by_type() {
        let mut row = vec![kind.name().to_owned()];
        for source in &inventory.sources {
            row.push(match inventory.findings_of(&source.name, kind) {
                0 => "·".to_owned(),
                n => crate::report::human::count(n),
            });
        }
        row.push(places(inventory, kind));
        table.row(row)?;
    }
    table.finish()
}

/// The objects that hold most of a type, by their short names.
fn places(inventory: &Inventory, kind: Type) -> String {
    let mut places: Vec<(u64, &str)> = Vec::new();
    for field in &inventory.fields {
        let n: u64 = field.types.iter().filter(|found| found.kind == kind).map(|found| found.values).sum();
        let name = field.object.rsplit(['/', '!']).next().unwrap_or(&field.object);
        match places.iter_mut().find(|(_, known)| *known == name) {
            Some((sum, _)) => *sum += n,
            None if n > 0 => places.push((n, name)),
            None => {}
        }
    }
    places.sort_by_key(|&(n, name)| (std::cmp::Reverse(n), name));
    let more = places.len().saturating_sub(3);
    let shown: Vec<_> = places.iter().take(3).map(|(_, name)| *name).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Prints where the subject is and gives the number of places and records.
fn find(
    company: &Company,
    index: &Index,
    rules: &RuleSet,
    out: &mut dyn std::io::Write,
) -> Result<(usize, usize), Failure> {
    let email = Identifier::value(Type::Email, "--email", &company.subject_email)?;
    let subjects = [Subject { id: "1".to_owned(), identifiers: vec![email] }];
    let mut printer = Printer::new(out, Format::Table, Names::new(index.keys(), false), rules, true)?;
    let (mut printed, mut places, mut records) = (Ok(()), 0, BTreeSet::new());
    identity::find(&index.reader()?, index.keys(), &subjects, &FindOptions::default(), &mut |location| {
        places += 1;
        records.insert((location.finding.object_id, location.finding.record.clone()));
        printed = printer.location(location);
        if printed.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    printed?;
    printer.finish()?;
    Ok((places, records.len()))
}
