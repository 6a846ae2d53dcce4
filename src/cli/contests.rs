//! `residuum contests`: what people say is wrong, what was decided about it, and what is marked as contested since.

use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use residuum_source::Sensitive;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::notices::say_open;
use super::output::{self, Format, Style, json_line, printable};
use super::people::{self, People};
use super::table::{Align, Table};
use super::telling::{Received, Telling, is_theirs};
use super::{audit, known, rules};
use crate::audit::Act;
use crate::config::Config;
use crate::identity::{self, FindOptions, Location, Subject};
use crate::index::{Index, Keyring, Reader, display};
use crate::map::{Map, holdings};
use crate::request::disclosure::ContestedField;
use crate::request::{
    About, Contest, Contested, Corrections, Decision, Nature, NoticeField, Register, Response, marks,
};

/// What people say is wrong, and what was decided about it
///
/// `add` keeps what a request to correct was decided on (11 CCR § 7023(b)): factors, documents, outcome and basis, and,
/// sealed, what the person says. Where it was denied, the field counts as contested (§ 7023(f)): `disclose` says so to the
/// person, and a notice is made for everybody to whom `[[map]]` says that the field goes. `correct` carries out what was
/// granted.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum contests add --source crm --object public.customers --field income --email jane@example.com --request R-2077 \\
    --statement says.txt --decision denied --basis 'the payslip of May confirms it' --factor 'came from the employer' \\
    --document payslip.pdf --decided-by legal
  residuum contests list
  residuum contests withdraw 5f0c6a…          it was corrected since, or the person says no more")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Enter what a person says of a field, and what was decided
    Add(Box<Add>),
    /// Print what is contested: where, what was decided and why
    List {
        /// Open what people say; the audit log says so
        #[arg(long)]
        show_values: bool,
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "jsonl"]))]
        format: Format,
    },
    /// End the mark of a field; the audit log keeps it
    Withdraw {
        /// The entry, as `list` gives it
        #[arg(value_name = "ID")]
        id: String,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        purpose: Option<String>,
    },
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    people: People,
    /// The source in which the field stands
    #[arg(long, value_name = "NAME")]
    source: String,
    /// The object
    #[arg(long, value_name = "NAME")]
    object: String,
    /// The field; empty for running text
    #[arg(long, value_name = "NAME")]
    field: String,
    /// A file with what the person says is wrong about it, at most 250 words
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// What was decided
    #[arg(long, value_name = "DECISION", value_parser = Decision::ALL.map(Decision::name))]
    decision: String,
    /// On what basis: the facts
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// What was weighed, such as how the information was obtained; may be repeated
    #[arg(long, value_name = "TEXT")]
    factor: Vec<String>,
    /// A document that was looked at; its SHA-256 is kept, the document is not; may be repeated
    #[arg(long, value_name = "FILE")]
    document: Vec<PathBuf>,
    /// Who decided
    #[arg(long, value_name = "WHO")]
    decided_by: String,
    /// The request; stands in the audit log, so no name or address
    #[arg(long, value_name = "ID")]
    request: String,
    #[command(flatten)]
    received: Received,
}

/// Words of a statement at most (§ 7023(f)(3)).
const WORDS: usize = 250;

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let index = common.open_index(&config)?;
    match &args.command {
        Command::Add(add) => return enter(add, &config, &index, common),
        Command::List { show_values, format } => {
            let all = Register::existing(&config.index)?.map_or_else(|| Ok(Vec::new()), |mut of| of.contests())?;
            if *show_values {
                let details = json!({ "entries": all.len(), "show_values": true });
                audit::note(&config, common, Act { action: "list contests".to_owned(), details, ..Act::default() })?;
            }
            print(&all, index.keys(), *show_values, *format)?;
        }
        Command::Withdraw { id, purpose } => {
            let (details, purpose) = (json!({ "contest": id }), purpose.clone());
            let action = "withdraw contest".to_owned();
            audit::note(&config, common, Act { action, purpose, details, ..Act::default() })?;
            let is_there = Register::existing(&config.index)?.map_or(Ok(false), |mut of| of.withdraw(id))?;
            if !is_there {
                return Err(Failure::new("there is no such entry that holds").hint("`residuum contests list` has them"));
            }
        }
    }
    Ok(Exit::Done)
}

fn enter(args: &Add, config: &Config, index: &Index, common: &Common) -> Result<Exit, Failure> {
    let subject = match <[Subject; 1]>::try_from(args.people.subjects_in_full()?) {
        Ok([subject]) => subject,
        Err(_) => return Err(Failure::new("more than one person is named").hint("call it once for each")),
    };
    let reader = index.reader()?;
    known::domains(&reader, std::slice::from_ref(&subject))?;
    let source = display(&known::source(&reader, index.keys(), &args.source)?);
    let found = found(&reader, index.keys(), &subject)?;
    let here: Vec<&Location> = found
        .iter()
        .filter(|at| display(&at.finding.source) == source && display(&at.finding.object) == args.object)
        .collect();
    if !here.iter().any(|at| !at.weak && !at.shared) {
        return Err(Failure::new(format_args!("the person is not found in {} of {source}", args.object))
            .hint("`residuum find` says where they are; names are as it prints them"));
    }
    known::field(&reader, &source, &args.object, &args.field)?;
    let marks = marks(index.keys(), &subject, here.iter().copied());
    if marks.whom.is_empty() {
        return Err(Failure::new("nothing that is named is the person's alone, so that they would not be known again")
            .hint("name an e-mail address, or the key of their record with `--id`"));
    }
    is_theirs(config, index, Some(&args.request), std::slice::from_ref(&subject), true)?;
    let holdings = holdings(&reader, &rules::load(config)?)?;
    let of_object = |of: &&crate::map::Holding| of.source == source && of.object == args.object;
    let holding = holdings.iter().filter(of_object).find(|of| of.field == args.field);
    let text = fs::read_to_string(&args.statement)
        .doing(format_args!("`{}` cannot be read as text", args.statement.display()))?;
    let statement = text.trim();
    let words = statement.split_whitespace().count();
    if statement.is_empty() || words > WORDS {
        return Err(Failure::new(format_args!("the statement has {words} words")).hint(format!(
            "from one to {WORDS} are kept and passed on (11 CCR § 7023(f)(3)): have the person shorten it"
        )));
    }
    let mut documents = Vec::new();
    for path in &args.document {
        let bytes = fs::read(path).doing(format_args!("`{}` cannot be read", path.display()))?;
        documents.push(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    let decision = Decision::ALL.into_iter().find(|of| of.name() == args.decision).unwrap_or(Decision::Denied);
    let details = json!({ "identifiers": people::kinds(std::slice::from_ref(&subject)), "source": source,
        "object": args.object, "field": args.field, "decision": decision.name(), "factors": args.factor.len(),
        "documents": documents, "decided_by": args.decided_by });
    let request = Some(args.request.clone());
    let act = Act { action: "enter contest".to_owned(), purpose: Some(args.basis.clone()), request, details };
    audit::note(config, common, act)?;
    let contested = Contested {
        request: &args.request,
        source: &source,
        object: &args.object,
        field: &args.field,
        statement,
        decision,
        basis: &args.basis,
        factors: &args.factor,
        documents: &documents,
        decided_by: &args.decided_by,
    };
    let id = Register::open(&config.index)?.contest(index.keys(), &contested, &marks)?;
    common.say(format_args!("entered as {id}"));
    let (subjects, corrections) = ([subject], Corrections::default());
    let telling = Telling {
        config,
        common,
        index,
        map: Map::new(config)?,
        request: Some(&args.request),
        received: &args.received,
        nature: Nature::Contest,
        about: About { subjects: &subjects, corrections: &corrections },
    };
    match decision {
        Decision::Granted => common.say("`residuum correct` carries it out"),
        Decision::Deleted => {
            common.say("`[[erase]]` says what becomes of the field, and `residuum erase` carries it out")
        }
        Decision::Denied => {
            let categories = holding.map_or_else(Vec::new, |of| of.categories.iter().map(|of| of.letter()).collect());
            let (object, field) = (args.object.clone(), args.field.clone());
            telling.make_of([NoticeField { source, object, field, categories, kept: None }].into())?;
            let basis = vec![args.basis.clone()];
            super::telling::log(config, Some(&args.request), "correct", &args.received, Response::Denied, basis)?;
            say_open(&telling.notices()?, common);
        }
    }
    Ok(Exit::Done)
}

/// Where the person stands by the index.
fn found(reader: &Reader, keys: &Keyring, subject: &Subject) -> Result<Vec<Location>, Failure> {
    let mut found = Vec::new();
    identity::find(reader, keys, std::slice::from_ref(subject), &FindOptions::default(), &mut |location| {
        found.push(location.clone());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The fields that a person contests, to be told in a disclosure; none where there is no register.
///
/// Where somebody contests a field of a record of theirs and it cannot be said that it is they, that is said to whoever
/// discloses: what one person says is never told to another.
pub(super) fn contested(
    config: &Config,
    index: &Index,
    subject: &Subject,
    common: &Common,
) -> Result<Vec<ContestedField>, Failure> {
    let Some(mut register) = Register::existing(&config.index)? else { return Ok(Vec::new()) };
    if register.contests()?.is_empty() {
        return Ok(Vec::new());
    }
    let found = found(&index.reader()?, index.keys(), subject)?;
    let marks = marks(index.keys(), subject, found.iter());
    let theirs = register.contested_by(&marks.whom)?;
    for of in register.contested_by(&marks.records)?.iter().filter(|of| !theirs.contains(of)) {
        common.say(printable(&format!(
            "warning: `{}` of {} is contested (request {}), and it cannot be said by whom: if by this person, name them as for \
             that request",
            of.field, of.object, of.request
        )));
    }
    let mut all = Vec::new();
    for of in theirs {
        let statement = Sensitive::new(index.keys().reveal(&of.statement)?);
        let Contest { source, object, field, made, basis, .. } = of;
        all.push(ContestedField { source, object, field, made, basis, statement });
    }
    Ok(all)
}

fn print(all: &[Contest], keys: &Keyring, show_values: bool, format: Format) -> Result<(), Failure> {
    let mut out = output::stdout();
    let says = |of: &Contest| -> Result<Option<String>, Failure> {
        Ok(if show_values { Some(keys.reveal(&of.statement)?) } else { None })
    };
    if format == Format::Jsonl {
        for of in all {
            let mut line = serde_json::to_value(of)?;
            line["statement"] = json!(says(of)?);
            json_line(&mut out, &line)?;
        }
        return Ok(out.flush()?);
    }
    let columns =
        ["contest", "request", "source", "object", "field", "decision", "basis", "by", "since", "withdrawn", "says"];
    let mut table = Table::new(&mut out, Style::stdout(), &columns.map(|name| (name, Align::Left)));
    for of in all {
        let says = says(of)?.unwrap_or_else(|| "sealed".to_owned());
        let withdrawn = of.withdrawn.as_deref().unwrap_or_default();
        let place = [&*of.id, &of.request, &of.source, &of.object, &of.field];
        let cells = [&*of.decision, &of.basis, &of.decided_by, &of.made, withdrawn, &says];
        table.row(place.iter().chain(&cells).map(|cell| printable(cell)).collect())?;
    }
    table.finish()?;
    Ok(out.flush()?)
}
