//! `residuum disclose`: what is held of a person, for that person.

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use residuum_detect::{Detector, Literals};
use residuum_source::Source;
use serde_json::{Value, json};

use super::common::Common;
use super::contests::contested;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style};
use super::people::{self, People};
use super::scan::{choose, open, stop_on_signal, warn};
use super::table::{Align, Table};
use super::telling::{Received, is_theirs, log};
use super::{audit, coverage, known, rules};
use crate::audit::Act;
use crate::config::{CalendarSpan, Config, Day};
use crate::identity::Subject;
use crate::index::Index;
use crate::map::Map;
use crate::proof::{Edges, Wanted};
use crate::report::human::{count, counted};
use crate::request::Response;
use crate::request::disclosure::{self, Discloser, Disclosure, EARLIEST, Scope};

/// Disclose to a person what is held of them
///
/// Looks the person up in the index, reads the records as they are now, and writes a package for them: a page to read, JSON,
/// and a CSV file for each object; what is held by category and by system, where it comes from, what it is for and who
/// gets it, as `[[map]]` in `residuum.toml` says (11 CCR § 7024(k)).
///
/// Social Security and other government numbers, account and medical numbers, passwords, security questions and
/// biometric data are named and never shown (§ 7024(d)); the finished package is scanned, and not released if one is in
/// it. Where others are mentioned, that is taken out. What stands with several people, or is perhaps a namesake's, is
/// not disclosed, and named with the reason.
///
/// The package is the only thing that holds values. Its files can be read by their owner only; encrypt it
/// (`--encrypt-with`), and remove it when it was delivered.
///
/// Exits with 3 if there is no location, else with 2 if something could not be read; the package says so then.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum disclose --email jane@example.com --request R-2041 --output R-2041.zip
  residuum disclose --email jane@example.com --output R-2041.zip.age --encrypt-with 'age -r age1…'
  residuum disclose --email jane@example.com --dry-run              what would be in it, in counts
  residuum disclose --id crm.customers.id=1042 --output R-2042 --window 12mo
  residuum disclose --email jane@example.com --categories-only --output R-2043.zip")]
pub(super) struct Args {
    /// Where to read [default: every source of `residuum.toml`]
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    #[command(flatten)]
    people: People,
    /// The package to make: a new directory, or an archive if the name ends with `.zip`
    #[arg(long, value_name = "PATH", required_unless_present = "dry_run", conflicts_with = "dry_run")]
    output: Option<PathBuf>,
    /// Encrypt the package: a command that the archive goes through, such as `age -r age1…` or `gpg --encrypt -r …`
    ///
    /// It reads the zip archive on its standard input; what it prints is the package. Nothing is written that has not
    /// gone through it.
    #[arg(long, value_name = "COMMAND", requires = "output")]
    encrypt_with: Option<String>,
    /// Say what would be disclosed and what withheld, in counts, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out records collected before this day [default: 2022-01-01]
    #[arg(long, value_name = "DATE", value_parser = day, conflicts_with = "window")]
    since: Option<Day>,
    /// Leave out records collected longer ago than this, such as `12mo`
    #[arg(long, value_name = "SPAN", value_parser = span)]
    window: Option<CalendarSpan>,
    /// Name categories only, for a person who is not verified for more (§ 7024(a))
    #[arg(long)]
    categories_only: bool,
    /// The request it answers; stands in the package and in the audit log, so no name or address
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    #[command(flatten)]
    received: Received,
    /// How to print what the package holds, in counts
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json"]))]
    format: Format,
}

fn day(text: &str) -> Result<Day, String> {
    // Nothing of a wrong value is repeated.
    text.parse().map_err(|_| "a day is written `YYYY-MM-DD`".to_owned())
}

/// `12mo`, and `12m` as people say it.
fn span(text: &str) -> Result<CalendarSpan, String> {
    let months = text.strip_suffix('m').filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    months.map_or_else(|| text.parse(), |number| format!("{number}mo").parse())
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    super::known::no_globs(common, "disclose")?;
    let subject = one(args.people.subjects_in_full()?)?;
    if let Some(output) = &args.output {
        disclosure::may_be_made(output).hint("name a new directory, or a new archive such as `R-2041.zip`")?;
    }
    let config = common.resolve()?;
    let configured = choose(&config, &args.sources, common)?;
    warn(&config, &configured, common);
    let index = common.open_index(&config)?;
    let subjects = std::slice::from_ref(&subject);
    is_theirs(&config, &index, args.request.as_deref(), subjects, !args.dry_run)?;
    let detector = Detector::new(&rules::load(&config)?)?;
    let map = Map::new(&config)?;
    let stop = stop_on_signal()?;
    let note = |action: &str, details| {
        let (purpose, request) = (args.purpose.clone(), args.request.clone());
        audit::note(&config, common, Act { action: action.to_owned(), purpose, request, details })
    };
    let since = since(args);
    note(
        if args.dry_run { "plan disclosure" } else { "disclose" },
        json!({ "subjects": 1, "identifiers": people::kinds(subjects), "since": since.to_string(),
            "categories_only": args.categories_only, "encrypted": args.encrypt_with.is_some() }),
    )?;
    let (sources, unreachable) = open(&configured, common)?;
    let reader = index.reader()?;
    known::domains(&reader, subjects)?;
    let scope =
        Scope { since: since.to_string(), categories_only: args.categories_only, request: args.request.clone() };
    let wanted = Wanted::new(subjects, Edges::Clear);
    let covered = coverage::exit(&reader, common)?;
    let with = With {
        index_is_complete: covered == Exit::Done && unreachable.is_empty(),
        common,
        config: &config,
        index: &index,
        detector: &detector,
        sources: &sources,
        map: &map,
        wanted: &wanted,
        stop: &stop,
    };
    let mut disclosed = with.gather(&subject, &scope)?;
    if !scope.categories_only {
        disclosed.contested = contested(&config, &index, &subject, common)?;
    }
    if disclosed.places.is_empty() {
        common.say("no location: nothing is disclosed, and no package was made");
        note("disclosed", json!({ "places": 0 }))?;
        return Ok(Exit::No);
    }
    let files = with.checked(&disclosed)?;
    let digest = match &args.output {
        Some(output) => Some(disclosure::write(&files, output, args.encrypt_with.as_deref(), &stop)?),
        None => None,
    };
    let counts = counts(&disclosed, digest.as_deref());
    let noted = note(if args.dry_run { "planned disclosure" } else { "disclosed" }, counts.clone());
    if let Err(error) = noted {
        args.output.iter().for_each(|output| remove(output)); // what could not be noted is not released
        return Err(error);
    }
    if !args.dry_run {
        // What could not be read is owed still.
        let response = if disclosed.is_complete() { Response::Complied } else { Response::Open };
        log(&config, args.request.as_deref(), "know", &args.received, response, Vec::new())?;
    }
    let mut out = output::stdout();
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &counts).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        _ => print(&mut out, &disclosed)?,
    }
    out.flush()?;
    Ok(conclude(args, common, &disclosed, digest.as_deref()))
}

/// The one person it is about.
fn one(mut subjects: Vec<Subject>) -> Result<Subject, Failure> {
    match (subjects.pop(), subjects.is_empty()) {
        (Some(subject), true) => Ok(subject),
        _ => Err(Failure::new("a disclosure is for one person, and more than one is named")
            .hint("one package must never hold two people's data: call it once for each")),
    }
}

fn since(args: &Args) -> Day {
    match (args.since, args.window) {
        (Some(day), _) => day,
        (None, Some(span)) => Day::today().before(span),
        (None, None) => EARLIEST.parse().expect("the statute's day is one"),
    }
}

/// What gathering and checking need.
struct With<'a> {
    index_is_complete: bool,
    common: &'a Common,
    config: &'a Config,
    index: &'a Index,
    detector: &'a Detector,
    sources: &'a [Box<dyn Source>],
    map: &'a Map,
    wanted: &'a Wanted,
    stop: &'a AtomicBool,
}

impl With<'_> {
    fn gather(&self, subject: &Subject, scope: &Scope) -> Result<Disclosure, Failure> {
        let said = Cell::new(Instant::now());
        let progress = |number: usize, of: usize| {
            if said.get().elapsed() > Duration::from_secs(2) {
                said.set(Instant::now());
                self.common.say(format_args!("reading object {number} of {of}"));
            }
        };
        let reader = self.index.reader()?;
        let discloser = Discloser {
            reader: &reader,
            keys: self.index.keys(),
            detector: self.detector,
            sources: self.sources,
            map: self.map,
            literals: Some(self.wanted as &dyn Literals),
            index_is_complete: self.index_is_complete,
            limits: &self.config.limits,
            stop: self.stop,
            progress: &progress,
        };
        Ok(discloser.disclose(subject, scope)?)
    }

    /// The files of the package, if nothing is in them that may never be shown.
    fn checked(&self, disclosed: &Disclosure) -> Result<Vec<disclosure::PackageFile>, Failure> {
        let (leaks, files) = disclosure::leaks(disclosure::files(disclosed), self.detector)?;
        if leaks.is_empty() {
            return Ok(files);
        }
        let named: Vec<String> = leaks
            .iter()
            .map(|leak| {
                let of =
                    leak.object.as_ref().map_or_else(|| format!("`{}`", leak.file), |object| format!("`{object}`"));
                let field = if leak.field.is_empty() { String::new() } else { format!(", field `{}`", leak.field) };
                format!("a {} in what comes from {of}{field}", leak.what.title())
            })
            .collect();
        Err(Failure::new(format_args!("the package was not released: it would hold {}", named.join("; ")))
            .hint("scan the source again, and repeat; what is still found then has to be taken out by hand"))
    }
}

fn remove(package: &Path) {
    let _ = if package.is_dir() { std::fs::remove_dir_all(package) } else { std::fs::remove_file(package) };
}

/// What a package holds, in counts; no value.
fn counts(disclosed: &Disclosure, digest: Option<&str>) -> Value {
    let categories: serde_json::Map<_, _> = disclosed
        .by_category()
        .into_iter()
        .map(|(category, n)| (category.map_or("other", |category| category.letter()).to_owned(), json!(n)))
        .collect();
    let mut withheld = serde_json::Map::new();
    for ((what, ..), n) in disclosed.withheld() {
        let sum = withheld.get(what.title()).and_then(Value::as_u64).unwrap_or(0) + n;
        withheld.insert(what.title().to_owned(), json!(sum));
    }
    json!({
        "places": disclosed.places.len(), "outcomes": disclosed.by_fate(), "records": disclosed.records(),
        "values_by_category": categories, "withheld": withheld, "others_removed": disclosed.others(),
        "complete": disclosed.is_complete(), "gaps": disclosed.answer.gaps.len(), "sha256": digest,
    })
}

fn print(out: &mut dyn std::io::Write, disclosed: &Disclosure) -> Result<(), Failure> {
    let style = Style::stdout();
    let mut table = Table::new(
        out,
        style,
        &[("system", Align::Left), ("object", Align::Left), ("outcome", Align::Left), ("places", Align::Right)],
    );
    let mut by = std::collections::BTreeMap::new();
    for place in &disclosed.places {
        *by.entry((place.source.as_str(), place.object.as_str(), place.fate.code())).or_insert(0u64) += 1;
    }
    for ((source, object, code), n) in by {
        let cells = [source, object, code, &count(n)];
        table.row(cells.iter().map(|cell| output::printable(cell)).collect())?;
    }
    table.finish()?;
    writeln!(out)?;
    let mut table = Table::new(out, style, &[("category", Align::Left), ("values", Align::Right)]);
    for (category, n) in disclosed.by_category() {
        let name = category.map_or_else(|| "other data".to_owned(), |of| format!("{} {}", of.letter(), of.title()));
        table.row(vec![name, count(n)])?;
    }
    table.finish()?;
    let withheld = disclosed.withheld();
    if !withheld.is_empty() {
        writeln!(out)?;
        let columns =
            [("withheld", Align::Left), ("object", Align::Left), ("field", Align::Left), ("values", Align::Right)];
        let mut table = Table::new(out, style, &columns);
        for ((what, _, object, field), n) in withheld {
            let cells = [what.title(), object, field, &count(n)];
            table.row(cells.iter().map(|cell| output::printable(cell)).collect())?;
        }
        table.finish()?;
    }
    Ok(())
}

/// Says how it ended.
fn conclude(args: &Args, common: &Common, disclosed: &Disclosure, digest: Option<&str>) -> Exit {
    const SHOWN: usize = 20;
    for warning in disclosed.warnings.iter().take(SHOWN) {
        common.say(format_args!("warning: {warning}"));
    }
    if disclosed.warnings.len() > SHOWN {
        common
            .say(format_args!("warning: and {} more; `residuum map check` has them", disclosed.warnings.len() - SHOWN));
    }
    let changed = disclosed.by_fate().get(disclosure::Fate::Changed.code()).copied().unwrap_or_default();
    if changed > 0 {
        common.say(format_args!(
            "warning: what led to {} has changed since the scan, so that they may be another's, and are not shown: scan again, \
             and disclose anew",
            counted(changed, "place")
        ));
    }
    let mixed = disclosed.texts_about_others();
    if mixed > 0 {
        common.say(format_args!(
            "warning: others were taken out of {}: have somebody read them before the package goes out",
            counted(mixed, "text")
        ));
    }
    if let (Some(output), Some(digest)) = (&args.output, digest) {
        common.say(format_args!("the package is {}, SHA-256 {digest}", output.display()));
    }
    match disclosed.is_complete() {
        true => Exit::Done,
        false => {
            common.say("not everything could be read: the package says what is missing");
            Exit::Incomplete
        }
    }
}
