//! `residuum certificate`: does this certificate hold, and what does it say to a person?

use std::io::Write as _;
use std::path::PathBuf;

use super::common::Common;
use super::exit::Exit;
use super::failure::{Explain as _, Failure};
use super::output::{self, Format, json_line};
use super::people::People;
use super::verify::certify;
use crate::proof::{Certificate, Invalid, Opening, Statement};
use crate::report::certificate::{self as sheet, Sheet};
use crate::report::human::count;
use crate::signature::Signer;

/// Check a certificate, or print it for people
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say whether a certificate holds; needs no index and no network
    ///
    /// It holds if it is signed by the key it names, nothing in it was changed, and it states that nothing was left. Whose
    /// key that is, whoever checks has to know: `--public-key`, or your own if you have one. With `--opening` and
    /// identifiers it is checked, too, that the certificate is about them. Exits with 3 if anything does not hold.
    #[command(after_help = "\
Examples:
  residuum certificate check R-2041.json --public-key 3d40…660c
  residuum certificate check R-2041.json --opening R-2041.opening.json --email jane@example.com")]
    Check(Box<Check>),
    /// Write a certificate as a page or a document, for people to read and to file
    ///
    /// The certificate is checked first: what does not hold is not printed, and the exit code is 3. The copy says in
    /// words what is certified, what was read and what was not searched, and how to check it; it carries the SHA-256 of
    /// the certificate and the signer's public key. What is signed is the JSON, not the copy.
    #[command(after_help = "\
Examples:
  residuum certificate print R-2041.json -o R-2041.html
  residuum certificate print R-2041.json --format pdf -o R-2041.pdf --public-key 3d40…660c")]
    Print(Print),
}

#[derive(clap::Args)]
struct Print {
    /// The certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "html", value_parser = ["html", "pdf"])]
    format: String,
    /// A new file to write to; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The public key of whoever may have signed; may be repeated [default: your own, if there is one]
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    public_key: Vec<String>,
}

#[derive(clap::Args)]
struct Check {
    /// The certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The public key of whoever may have signed; may be repeated [default: your own, if there is one]
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    public_key: Vec<String>,
    /// What opens the commitment to the identifiers
    #[arg(long, value_name = "FILE")]
    opening: Option<PathBuf>,
    #[command(flatten)]
    people: People,
    /// How to print what it states
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = Format::parser(&["table", "json"]))]
    format: Format,
}

/// A public key as it is printed.
pub(super) fn public_key(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let is_one = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_one {
        Ok(text)
    } else {
        Err("64 hexadecimal digits are needed, as `residuum audit head` prints them".to_owned())
    }
}

pub(super) fn run(args: &Args, common: &Common) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(args) => check(args, common),
        Command::Print(args) => copy(args, common),
    }
}

fn check(args: &Check, common: &Common) -> Result<Exit, Failure> {
    if args.opening.is_none() && !args.people.is_empty() {
        let hint = "the certificate holds no identifier: `--opening FILE` is needed to compare them";
        return Err(Failure::new("identifiers were given without an opening").hint(hint));
    }
    let doing = |path: &PathBuf| format!("`{}` cannot be read", path.display());
    let text = std::fs::read(&args.file).doing(doing(&args.file))?;
    let opening = match &args.opening {
        Some(path) => {
            let text = std::fs::read(path).doing(doing(path))?;
            Some(
                serde_json::from_slice::<Opening>(&text)
                    .doing(format_args!("`{}` opens no certificate", path.display()))?,
            )
        }
        None => None,
    };
    let subjects = match &opening {
        Some(_) => Some(args.people.subjects(common)?),
        None => None,
    };
    let trusted = trusted(&args.public_key);
    let checked = Certificate::parse(&text).and_then(|certificate| {
        let statement = certificate.check(&trusted)?;
        match (&opening, &subjects) {
            (Some(opening), Some(subjects))
                if opening.certificate != statement.id || opening.commitment(subjects) != statement.commitment =>
            {
                Err(Invalid::Commitment)
            }
            _ => Ok((statement, certificate)),
        }
    });
    let mut out = output::stdout();
    let (statement, certificate) = match checked {
        Ok(checked) => checked,
        Err(reason) => {
            writeln!(out, "`{}` does not hold: {reason}", args.file.display())?;
            out.flush()?;
            return Ok(Exit::No);
        }
    };
    match args.format {
        Format::Json => json_line(&mut out, &statement)?,
        _ => print(&mut out, &statement, &certificate, opening.is_some())?,
    }
    out.flush()?;
    note_any_signer(&trusted, common);
    Ok(Exit::Done)
}

/// Whose signature counts: the keys given, or else the user's own.
fn trusted(given: &[String]) -> Vec<String> {
    let own = if given.is_empty() { Signer::of_this_user().map(|s| s.public_key()) } else { None };
    given.iter().map(|key| key.trim().to_lowercase()).chain(own).collect()
}

fn note_any_signer(trusted: &[String], common: &Common) {
    if trusted.is_empty() {
        common.say("note: no public key was given, so any signer was taken for the right one; `--public-key` names it");
    }
}

/// Writes a copy for people.
fn copy(args: &Print, common: &Common) -> Result<Exit, Failure> {
    let text = std::fs::read(&args.file).doing(format_args!("`{}` cannot be read", args.file.display()))?;
    let trusted = trusted(&args.public_key);
    let checked = Certificate::parse(&text).and_then(|certificate| Ok((certificate.check(&trusted)?, certificate)));
    let (statement, certificate) = match checked {
        Ok(checked) => checked,
        Err(reason) => {
            common.say(format_args!("`{}` does not hold: {reason}", args.file.display()));
            return Ok(Exit::No);
        }
    };
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let sheet = Sheet::new(&certificate, &statement, &text, &name);
    let copy = if args.format == "pdf" { pdf(&sheet)? } else { sheet::html(&sheet).into_bytes() };
    if args.output.as_os_str() == "-" {
        let mut out = output::stdout();
        out.write_all(&copy)?;
        out.flush()?;
    } else {
        certify::write(&args.output, &copy, 0o644)?;
        common.say(format_args!("a copy for people is in {}", args.output.display()));
    }
    note_any_signer(&trusted, common);
    Ok(Exit::Done)
}

#[cfg(feature = "pdf")]
fn pdf(sheet: &Sheet) -> Result<Vec<u8>, Failure> {
    sheet::pdf(sheet).doing("the document could not be put together")
}

#[cfg(not(feature = "pdf"))]
fn pdf(_: &Sheet) -> Result<Vec<u8>, Failure> {
    Err(Failure::new("this program was built without PDF")
        .hint("take `--format html`, or build it with `--features pdf`"))
}

fn print(out: &mut dyn std::io::Write, statement: &Statement, by: &Certificate, opened: bool) -> Result<(), Failure> {
    writeln!(out, "the certificate holds: nothing residual on {}", statement.scanned[1])?;
    writeln!(out, "  signed by  {}", by.public_key())?;
    writeln!(out, "  issued     {} by {}, name {}", statement.issued, statement.program, statement.id)?;
    if let Some(request) = &statement.request {
        writeln!(out, "  request    {request}")?;
    }
    let kinds: Vec<_> = statement.identifiers.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let about = if opened { "; these identifiers" } else { "" };
    let people =
        if statement.subjects == 1 { "one person".to_owned() } else { format!("{} people", count(statement.subjects)) };
    writeln!(out, "  about      {people}, by {}{about}", kinds.join(", "))?;
    for source in &statement.sources {
        let (name, kind) = (&source.name, &source.kind);
        let (read, records, excluded) = (count(source.read), count(source.records), count(source.excluded));
        writeln!(
            out,
            "  looked at  {name} ({kind}): {read} objects, {records} records; {excluded} objects excluded by policy"
        )?;
    }
    writeln!(out, "  possible   {} places where a namesake may be", count(statement.places.possible))?;
    for (exception, places) in &statement.retained {
        writeln!(out, "  retained   {} places, under {exception}", count(*places))?;
    }
    writeln!(out, "  canaries   {} of {} found", statement.canaries.found, statement.canaries.planted)?;
    for what in &statement.not_examined {
        writeln!(out, "  not seen   {what}")?;
    }
    Ok(())
}
