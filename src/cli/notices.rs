//! `residuum notices`: service providers, contractors and third parties that have to be told of an erasure or a
//! correction, and whether they were.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::audit;
use super::changes::Changes;
use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, Style, json_line, printable};
use super::people::People;
use super::table::{Align, Table};
use super::telling::day;
use crate::audit::Act;
use crate::config::{Config, Day};
use crate::map::Map;
use crate::request::{About, Corrections, Nature, Notice, NoticeField, Register, disclosure, letter};

/// Who has to be told of an erasure or a correction, and whether they were
///
/// `erase --apply` and `correct --apply` make, for a `--request`, a notice to each service provider and contractor that
/// `[[map]]` names for what is changed, and of an erasure also to each third party that it is sold to or shared with
/// (11 CCR § 7022(b), § 7023(c)). What an exception keeps the recipient is told to use for nothing else. `write` makes the
/// letter, `sent` and `acknowledged` note what became of it, `excuse` why a third party is not told. Every step is in the
/// audit log. Nothing here says who a notice is about: only the letter does.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  residuum notices list --open
  residuum notices write 5f0c6a… --email jane@example.com --output carrier --encrypt-with 'age -r age1…'
  residuum notices sent 5f0c6a…                        it went out; once more, and it is a reminder
  residuum notices acknowledged 5f0c6a… --on 2026-12-03
  residuum notices excuse 77ab01… --because 'the buyer was dissolved in 2024' --approved-by legal")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the notices: to whom, what for, due when, and how each stands
    List {
        /// Only those of this request
        #[arg(long, value_name = "ID")]
        request: Option<String>,
        /// Only those that nobody has confirmed
        #[arg(long)]
        open: bool,
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "jsonl"]))]
        format: Format,
    },
    /// Write the letter of a notice: what is to be done, by when, and about whom
    ///
    /// The person, and what is corrected of theirs, is named again as it was for `erase` or `correct`: nothing that is kept
    /// says who they are, and a letter about somebody else is not written. The letter can be read by its owner only.
    Write(Box<Letter>),
    /// Note that a notice went out; of one that has gone out before, that the recipient was reminded
    Sent {
        /// The notice, as `list` gives it
        #[arg(value_name = "ID")]
        id: String,
        /// The day, if it is not today
        #[arg(long, value_name = "DATE", value_parser = day)]
        on: Option<Day>,
    },
    /// Note that the recipient has confirmed that it complied
    Acknowledged {
        /// The notice, as `list` gives it
        #[arg(value_name = "ID")]
        id: String,
        /// The day, if it is not today
        #[arg(long, value_name = "DATE", value_parser = day)]
        on: Option<Day>,
    },
    /// Note why a third party is not told: it is impossible, or takes disproportionate effort (§ 7022(b)(3))
    ///
    /// The person is owed a detailed explanation; the reply of `erase` gives it. Service providers and contractors have to
    /// be told whatever the effort.
    Excuse {
        /// The notice, as `list` gives it
        #[arg(value_name = "ID")]
        id: String,
        /// The facts
        #[arg(long, value_name = "TEXT")]
        because: String,
        /// Who approved it
        #[arg(long, value_name = "WHO")]
        approved_by: String,
    },
}

#[derive(clap::Args)]
struct Letter {
    /// The notice, as `list` gives it
    #[arg(value_name = "ID")]
    notice: String,
    #[command(flatten)]
    people: People,
    #[command(flatten)]
    changes: Changes,
    /// The letter to make: a new directory, or an archive if the name ends with `.zip`
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Encrypt it for the recipient: a command that the archive goes through, such as `age -r age1…`
    #[arg(long, value_name = "COMMAND")]
    encrypt_with: Option<String>,
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let mut register = match Register::existing(&config.index)? {
        Some(register) => register,
        None => {
            let _ = common.open_index(&config)?; // a wrong `--index` is no register without notices
            Register::open(&config.index)?
        }
    };
    match &args.command {
        Command::List { request, open, format } => {
            let mut notices = register.notices(request.as_deref())?;
            notices.retain(|notice| !open || notice.is_open());
            print(&notices, *format)?;
        }
        Command::Write(letter) => write(letter, &config, &mut register, common)?,
        Command::Sent { id, on } => {
            let notice = one(&mut register, id)?;
            let on = on.unwrap_or_else(Day::today);
            let action = if notice.sent.is_some() { "remind of notice" } else { "send notice" };
            noted(&config, common, action, &notice, json!({ "on": on.to_string() }))?;
            register.sent(&notice, on)?;
        }
        Command::Acknowledged { id, on } => {
            let notice = one(&mut register, id)?;
            if notice.sent.is_none() {
                return Err(Failure::new(format_args!("notice `{id}` was not sent"))
                    .hint("`residuum notices sent` notes that it was, with `--on` also of an earlier day"));
            }
            let on = on.unwrap_or_else(Day::today);
            noted(&config, common, "acknowledge notice", &notice, json!({ "on": on.to_string() }))?;
            register.acknowledged(id, on)?;
        }
        Command::Excuse { id, because, approved_by } => {
            let notice = one(&mut register, id)?;
            if notice.kind != "third party" {
                return Err(Failure::new(format_args!(
                    "`{}` is a {} and has to be told",
                    notice.recipient, notice.kind
                ))
                .hint("only third parties may be left untold, 11 CCR § 7022(b)(3): write the letter, and send it"));
            }
            // Why goes where it is looked at for names.
            let details = json!({ "notice": notice.id, "recipient": notice.recipient, "approved_by": approved_by });
            let (purpose, request) = (Some(because.clone()), Some(notice.request.clone()));
            audit::note(&config, common, Act { action: "excuse notice".to_owned(), purpose, request, details })?;
            register.excused(id, because, approved_by)?;
        }
    }
    Ok(Exit::Done)
}

fn one(register: &mut Register, id: &str) -> Result<Notice, Failure> {
    let mut all = register.notices(None)?;
    all.retain(|notice| notice.id == id);
    all.pop()
        .ok_or_else(|| Failure::new(format_args!("there is no notice `{id}`")).hint("`residuum notices list` has them"))
}

fn noted(
    config: &Config,
    common: &Common,
    action: &str,
    notice: &Notice,
    more: serde_json::Value,
) -> Result<(), Failure> {
    let details = json!({ "notice": notice.id, "recipient": notice.recipient, "details": more });
    let request = Some(notice.request.clone());
    audit::note(config, common, Act { action: action.to_owned(), purpose: None, request, details })
}

fn write(args: &Letter, config: &Config, register: &mut Register, common: &Common) -> Result<(), Failure> {
    disclosure::may_be_made(&args.output).hint("name a new directory, or a new archive such as `carrier.zip`")?;
    let notice = one(register, &args.notice)?;
    let keys = common.keys(config)?;
    let subjects = args.people.subjects_in_full()?;
    let corrections = match args.changes.is_empty() {
        true => Corrections::default(),
        false => Corrections::new(args.changes.corrections()?, &keys),
    };
    let about = About { subjects: &subjects, corrections: &corrections };
    if !about.is_of(&keys, &notice) {
        let what = if notice.instruction == "correct" { "what is corrected and of whom" } else { "whom it is about" };
        return Err(Failure::new(format_args!("notice `{}` is not about what is named here", notice.id)).hint(
            format!("name {what} with the same identifiers as for request `{}`, no more and no fewer", notice.request),
        ));
    }
    let map = Map::new(config)?;
    let recipient = map.recipient(&notice.recipient).ok_or_else(|| {
        Failure::new(format_args!("there is no `[[recipient]]` named `{}` any more", notice.recipient))
            .hint("put it back into `residuum.toml` until the notice is acknowledged")
    })?;
    noted(config, common, "write notice", &notice, json!({ "encrypted": args.encrypt_with.is_some() }))?;
    let fields = register.notice_fields(&notice.id)?;
    let mut statements = Vec::new();
    for contest in register.contests()?.iter().filter(|of| of.request == notice.request) {
        let is_of = |field: &NoticeField| contest.is_about(&field.source, &field.object, &field.field);
        if notice.instruction == Nature::Contest.name() && fields.iter().any(is_of) {
            statements.push(format!("{} {}: {}", contest.object, contest.field, keys.reveal(&contest.statement)?));
        }
    }
    let files = letter(&notice, recipient, &fields, about, &statements);
    let stop = AtomicBool::new(false);
    let digest = disclosure::write(&files, &args.output, args.encrypt_with.as_deref(), &stop)?;
    register.written(&notice.id)?;
    common.say(format_args!("the letter to `{}` is {}, SHA-256 {digest}", notice.recipient, args.output.display()));
    let how = recipient.notify.as_deref().unwrap_or("nobody said how: `notify` of its `[[recipient]]` does");
    common.say(format_args!(
        "it is told by: {}; `residuum notices sent {}` notes that it was",
        printable(how),
        notice.id
    ));
    Ok(())
}

fn print(notices: &[Notice], format: Format) -> Result<(), Failure> {
    let mut out = output::stdout();
    if format == Format::Jsonl {
        notices.iter().try_for_each(|notice| json_line(&mut out, notice))?;
        return Ok(out.flush()?);
    }
    let columns =
        ["notice", "recipient", "kind", "told to", "request", "categories", "due", "sent", "reminded", "state"];
    let mut table = Table::new(&mut out, Style::stdout(), &columns.map(|name| (name, Align::Left)));
    for notice in notices {
        let state = if notice.overdue { format!("{}, overdue", notice.state) } else { notice.state.to_owned() };
        let categories = notice.categories.concat();
        let cells = [
            &*notice.id,
            &notice.recipient,
            &notice.kind,
            &notice.instruction,
            &notice.request,
            &categories,
            &notice.due,
            notice.sent.as_deref().unwrap_or_default(),
            notice.reminders.last().map_or("", String::as_str),
            &state,
        ];
        table.row(cells.iter().map(|cell| printable(cell)).collect())?;
    }
    table.finish()?;
    Ok(out.flush()?)
}

/// Says who has not confirmed that they have complied, and who is late; whether anybody is late.
pub(super) fn say_open(notices: &[Notice], common: &Common) -> bool {
    let names = |which: &dyn Fn(&Notice) -> bool| -> Vec<String> {
        let of = notices.iter().filter(|notice| notice.is_open() && which(notice));
        of.map(|notice| format!("`{}` (request {}, due {})", notice.recipient, notice.request, notice.due)).collect()
    };
    for (what, which) in [
        ("not told yet", &(|notice: &Notice| notice.sent.is_none() && !notice.overdue) as &dyn Fn(&Notice) -> bool),
        ("told, and have not confirmed", &|notice: &Notice| notice.sent.is_some() && !notice.overdue),
        ("overdue", &|notice: &Notice| notice.overdue),
    ] {
        let names = names(which);
        if !names.is_empty() {
            common.say(printable(&format!("warning: {what}: {}; `residuum notices` has them", some(&names))));
        }
    }
    notices.iter().any(|notice| notice.overdue)
}

/// The first of many names.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ") + &more
}
