//! `residuum audit`: whether the audit log is what was written, its entries, and its head.

use std::io::Write as _;
use std::path::PathBuf;

use residuum_detect::{Detector, Worker};

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, json_line};
use crate::audit::{Act, AuditLog, Head};
use crate::config::Config;
use crate::report::csv_line;
use crate::report::human::{count, counted};
use crate::signature::Signer;

/// Verify or export the audit log
///
/// Every look-up of a person, every verification and every time that sealed names are opened is an entry: when, which
/// user of the system, why, how many identifiers of which type; never an identifier. Entries are only added, each holds
/// the digest of the one before and is signed.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say whether the log is what was written
    ///
    /// Recomputes every digest and signature. An entry that was edited, removed, added or moved shows. Entries cut off
    /// at the end show against a head: the one in your state directory, or those given. Exits with 3 if anything does
    /// not hold.
    Verify {
        /// A head that was kept, as `residuum audit head` prints it; may be repeated
        #[arg(long, value_name = "FILE")]
        head: Vec<PathBuf>,
        /// The public key that signs, if it is not yours; may be repeated
        #[arg(long, value_name = "HEX", value_parser = super::certificate::public_key)]
        public_key: Vec<String>,
    },
    /// Print the last entry's number, digest and signature, to be kept where nobody who can change the log can
    Head,
    /// Print the entries
    Export {
        /// From this entry on
        #[arg(long, value_name = "N", default_value_t = 1)]
        from: u64,
        /// How to print them
        #[arg(long, value_name = "FORMAT", default_value = "jsonl", value_parser = Format::parser(&["jsonl", "csv"]))]
        format: Format,
    },
}

/// Notes what is about to be done. What cannot be noted is not done.
///
/// A purpose that names somebody is noted without them: the log outlives what is erased.
pub(super) fn note(config: &Config, common: &Common, mut act: Act) -> Result<(), Failure> {
    if act.purpose.is_some() || act.request.is_some() {
        let detector = Detector::new(&super::rules::load(config)?)?;
        let mut worker = detector.worker();
        for (option, text) in [("--purpose", &mut act.purpose), ("--request", &mut act.request)] {
            let Some(text) = text else { continue };
            let written = masked(&mut worker, text);
            if written != *text {
                common.say(format_args!(
                    "warning: `{option}` names somebody, and the audit log holds no name: it has `{written}`"
                ));
                *text = written;
            }
        }
    }
    let doing = format!("`{}` is audited, and nothing was done", act.action);
    let cure = "set `audit` in `residuum.toml`, or `RESIDUUM_AUDIT`, to a file that you may write to";
    let signer = Signer::load_or_make().doing(&doing)?;
    if let Some(path) = signer.made() {
        common.say(format_args!("the key that signs audit entries and certificates is kept in {}", path.display()));
    }
    let noted = AuditLog::open(&config.audit).and_then(|mut log| log.append(&act, &signer));
    noted.doing(doing).hint(cure)?;
    Ok(())
}

/// A text with the types of what is personal in it instead.
fn masked(worker: &mut Worker<'_>, text: &str) -> String {
    let (mut written, mut at) = (String::new(), 0);
    worker.text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
        let (start, end) = (hit.start as usize, hit.end as usize);
        if crate::scan::is_personal(hit.kind) && start >= at {
            written.push_str(&text[at..start]);
            written.push_str(&format!("⟨{}⟩", hit.kind.name()));
            at = end;
        }
    });
    written + &text[at..]
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    let config = common.resolve()?;
    let cure =
        "commands that are audited make it: `residuum find`, for one; `--index` or `RESIDUUM_AUDIT` name another";
    let mut log = AuditLog::read(&config.audit).hint(cure)?;
    let mut out = output::stdout();
    match &args.command {
        Command::Verify { head, public_key } => return verify(&mut log, head, public_key, common),
        Command::Head => {
            let head = log.head()?.ok_or_else(|| Failure::new("the audit log has no entry"))?;
            json_line(&mut out, &head)?;
        }
        Command::Export { from, format } => export(&mut log, *from, *format, &mut out)?,
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn verify(log: &mut AuditLog, heads: &[PathBuf], keys: &[String], common: &Common) -> Result<Exit, Failure> {
    let mut anchors = Vec::new();
    for path in heads {
        let doing = format!("`{}` is not a head as `residuum audit head` prints it", path.display());
        let text = std::fs::read(path).doing(&doing)?;
        anchors.push(serde_json::from_slice::<Head>(&text).doing(&doing)?);
    }
    let kept = log.kept_heads()?;
    let of_others: Vec<PathBuf> = kept.iter().filter(|(.., is_own)| !is_own).map(|(path, ..)| path.clone()).collect();
    anchors.extend(kept.into_iter().map(|(_, head, _)| head));
    let own = Signer::of_this_user().map(|signer| signer.public_key());
    let trusted: Vec<String> = keys.iter().map(|key| key.to_lowercase()).chain(own).collect();
    let verdict = log.verify(&anchors, &trusted)?;
    let mut out = output::stdout();
    for problem in &verdict.problems {
        writeln!(out, "{problem}")?;
    }
    let says = if verdict.problems.is_empty() { "holds" } else { "does not hold" };
    writeln!(out, "the audit log {says}: {}", counted(verdict.entries, "entry"))?;
    if let Some(head) = &verdict.head {
        writeln!(out, "head: entry {}, {}, {}", count(head.seq), head.time, head.digest)?;
    }
    for (key, first) in &verdict.keys {
        writeln!(out, "signed by {key} from entry {} on", count(*first))?;
    }
    out.flush()?;
    for path in of_others {
        common.say(format_args!(
            "note: another log was in this place; if this one took it rightly, delete what is kept of the other: `{}`",
            path.display()
        ));
    }
    if anchors.is_empty() {
        common.say(
            "note: no head was at hand, so entries cut off at the end would not show; keep one with `residuum audit head`",
        );
    }
    if trusted.is_empty() {
        common.say("note: no public key was given, so any signer was taken for the right one; `--public-key` names it");
    }
    Ok(if verdict.problems.is_empty() { Exit::Done } else { Exit::No })
}

fn export(log: &mut AuditLog, from: u64, format: Format, out: &mut dyn std::io::Write) -> Result<(), Failure> {
    const COLUMNS: [&str; 11] = [
        "seq",
        "time",
        "actor",
        "action",
        "purpose",
        "request",
        "details",
        "previous",
        "digest",
        "public_key",
        "signature",
    ];
    if format == Format::Csv {
        csv_line(out, COLUMNS)?;
    }
    let mut written = Ok(());
    log.each(from, &mut |entry| {
        if written.is_err() {
            return;
        }
        written = match format {
            Format::Csv => {
                let seq = entry.seq.to_string();
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (purpose, request) = (text(&entry.purpose), text(&entry.request));
                csv_line(
                    out,
                    [
                        seq.as_str(),
                        &entry.time,
                        &entry.actor,
                        &entry.action,
                        &purpose,
                        &request,
                        &entry.details,
                        &entry.previous,
                        &entry.digest,
                        &entry.public_key,
                        &entry.signature,
                    ],
                )
            }
            _ => json_line(out, &entry),
        };
    })?;
    Ok(written?)
}
