//! The certificate of a `verify`: what speaks against one, what it says, and its two files.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use residuum_source::{Coverage, Source};
use serde_json::json;

use super::{Args, Seen};
use crate::audit::Act;
use crate::cli::common::Common;
use crate::cli::failure::{Explain as _, Failure};
use crate::cli::people;
use crate::clock::utc;
use crate::identity::Subject;
use crate::index::SourceState;
use crate::proof::{self, Canaries, Certificate, Opening, Places, SourceStatement, Statement};
use crate::signature::Signer;

/// Writes the certificate and what opens it, and notes it in the audit log.
pub(super) fn certify(
    path: &Path,
    args: &Args,
    subjects: &[Subject],
    seen: Seen<'_>,
    common: &Common,
    note: impl FnOnce(Act) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let opening = Opening::new().doing("a certificate could not be made")?;
    let statement = Statement {
        version: Statement::VERSION,
        id: opening.certificate.clone(),
        issued: utc(SystemTime::now()),
        program: concat!("residuum ", env!("CARGO_PKG_VERSION")).to_owned(),
        request: args.request.clone(),
        subjects: subjects.len() as u64,
        identifiers: people::kinds(subjects).into_iter().map(|(k, n)| (k.to_owned(), n as u64)).collect(),
        commitment: opening.commitment(subjects),
        scanned: seen.scanned,
        rules: seen.rules,
        sources: looked_at(seen.states),
        places: seen.places,
        retained: seen.retained,
        canaries: seen.canaries,
        not_examined: not_examined(seen.sources, seen.some_unchanged, seen.empty),
    };
    let signer = Signer::load_or_make()?;
    let certificate = Certificate::sign(&statement, &signer);
    let opener = opener_of(path);
    write(&opener, format!("{}\n", serde_json::to_string_pretty(&opening)?).as_bytes(), 0o600)?;
    // The certificate last: what was not noted or cannot be opened is none.
    let written = note(args.act("certified", json!({ "certificate": opening.certificate })))
        .and_then(|()| write(path, certificate.to_json().as_bytes(), 0o644));
    if written.is_err() {
        let _ = std::fs::remove_file(&opener); // it would be in the way of the next try, and opens nothing
    }
    written?;
    common.say(format_args!("the certificate is in {}, signed by {}", path.display(), signer.public_key()));
    common.say(format_args!("what opens its commitment is in {}: give it to the person", opener.display()));
    Ok(())
}

/// What speaks against a certificate.
pub(super) fn against(places: Places, canaries: Canaries, complete: bool, empty: bool) -> Option<&'static str> {
    match () {
        () if places.residual > 0 => Some("data of the person are left"),
        () if places.joint > 0 => Some("an identifier stands with several people: say first whose records these are"),
        () if !complete => Some(
            "not everything could be looked at; approve what is to be left out with `[[exclude]]` in `residuum.toml`",
        ),
        () if !canaries.all_found() => Some("not every canary was found: this run cannot be relied on"),
        () if empty => Some("there was nothing to look at: is everything mounted, and may the user see it?"),
        () => None,
    }
}

/// What was looked at, by source.
fn looked_at(states: &[SourceState]) -> Vec<SourceStatement> {
    let mut statements: Vec<SourceStatement> = Vec::new();
    for state in states {
        if statements.last().is_none_or(|last| last.name != *state.source) {
            let (name, kind) = (state.source.to_string(), state.source_kind.to_string());
            statements.push(SourceStatement { name, kind, read: 0, derived: 0, excluded: 0, records: 0 });
        }
        let statement = statements.last_mut().expect("pushed above");
        statement.records += state.records;
        match state.coverage {
            Coverage::Derived => statement.derived += state.objects,
            Coverage::Excluded => statement.excluded += state.objects,
            // A certificate is made only where nothing is in any other state.
            _ => statement.read += state.objects,
        }
    }
    statements
}

fn not_examined(sources: &[Box<dyn Source>], some_unchanged: bool, empty: &[String]) -> Vec<String> {
    let mut all: Vec<String> = proof::NEVER_EXAMINED.iter().map(|what| (*what).to_owned()).collect();
    if some_unchanged {
        all.push(proof::NOT_READ_AGAIN.to_owned());
        if sources.iter().any(|source| source.kind() == "s3") {
            all.push(proof::TAGS_NOT_READ_AGAIN.to_owned());
        }
    }
    // A path may name a person, and a certificate does not.
    let nothing = |n: usize| format!("{n} of {} sources, in which there was nothing at the time", sources.len());
    all.extend((!empty.is_empty()).then(|| nothing(empty.len())));
    for source in sources {
        for what in proof::not_examined(source.kind()) {
            if !all.iter().any(|known| known == what) {
                all.push((*what).to_owned());
            }
        }
    }
    all
}

/// A certificate is never overwritten, and a scan is not made in vain.
pub(super) fn may_be_made(path: &Path) -> Result<(), Failure> {
    for path in [path.to_owned(), opener_of(path)] {
        if path.exists() {
            let hint = "nothing is overwritten: name a new file, or move the old one away";
            return Err(Failure::new(format_args!("`{}` is there already", path.display())).hint(hint));
        }
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    match dir.filter(|dir| !dir.is_dir()) {
        Some(dir) => {
            Err(Failure::new(format_args!("there is no directory `{}`", dir.display()))
                .hint("make it, or name another"))
        }
        None => Ok(()),
    }
}

fn opener_of(certificate: &Path) -> PathBuf {
    certificate.with_extension("opening.json")
}

/// Writes a new file, all of it or none.
pub(in crate::cli) fn write(path: &Path, text: &[u8], mode: u32) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    if written.as_ref().is_err_and(|error| error.kind() != std::io::ErrorKind::AlreadyExists) {
        let _ = std::fs::remove_file(path); // half a file would be in the way of the next try
    }
    written.doing(format_args!("`{}` cannot be made", path.display()))
}
