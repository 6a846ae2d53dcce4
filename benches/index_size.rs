//! Claim: a finding costs at most 48 bytes of index, catalog and everything included.
//!
//!     cargo bench --bench index_size
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Outcome, Workspace};
use residuum_corpus::{Family, Mix};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

const GOAL: f64 = 48.0;

fn main() -> ExitCode {
    measure::bench("index_size", || {
        let workspace = Workspace::new()?;
        let mut claims = Claims::default();
        for family in [Family::Crm, Family::Web, Family::Orders] {
            let corpus = measure::corpus(family.name(), &Mix::only(family))?;
            workspace.remove("index")?;
            measure::run(workspace.residuum("index").args(["scan", "--quiet"]).arg(corpus.data()), &[0])?;
            let findings = count(workspace.residuum("index").args(["findings", "--format", "jsonl"]))?;
            // An index that lost findings would be small: no fewer than the structured items that have to be found.
            let items: u64 = corpus
                .items()
                .iter()
                .filter(|(kind, _)| measure::truth::STRUCTURED.iter().any(|(structured, _)| structured == *kind))
                .map(|(_, items)| items.required)
                .sum();
            if (findings as f64) < items as f64 * 0.97 {
                return Err(format!("{family}: {findings} findings where {items} items are"));
            }
            let each = workspace.size("index")? as f64 / findings as f64;
            claims.state(
                format!("{family}: {each:.1} bytes for each of {findings} findings, at most {GOAL}"),
                each <= GOAL,
            );
        }
        claims.end()
    })
}

/// How many lines a command prints.
fn count(command: &mut Command) -> Outcome<u64> {
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("piped")?);
    let mut lines = 0;
    loop {
        let bytes = reader.fill_buf().map_err(|error| error.to_string())?;
        if bytes.is_empty() {
            break;
        }
        lines += bytes.iter().filter(|&&b| b == b'\n').count() as u64;
        let length = bytes.len();
        reader.consume(length);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(lines) } else { Err(format!("`findings` ended with {status}")) }
}
