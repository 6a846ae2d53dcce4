//! Whether as much was found in a table as is there.

use super::{Outcome, Workspace};
use residuum_corpus::Corpus;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Compares the number of findings by type with the ground truth: a table's findings have no byte places.
pub fn verify(workspace: &Workspace, corpus: &Corpus) -> Outcome<()> {
    let mut command = workspace.residuum("index");
    let mut child = command
        .args(["findings", "--format", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut found = BTreeMap::<_, u64>::new();
    for line in BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("piped")?).lines() {
        let line = line.map_err(|error| error.to_string())?;
        let finding: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("`{line}`: {error}"))?;
        if let Some(kind) = finding["type"].as_str().and_then(super::truth::kind) {
            *found.entry(kind).or_default() += 1;
        }
    }
    child.wait().map_err(|error| error.to_string())?;
    for (kind, items) in corpus.items() {
        if super::truth::STRUCTURED.iter().all(|&(structured, _)| structured != kind) {
            continue;
        }
        let found = found.get(&kind).copied().unwrap_or(0);
        println!("    {:<14} items {:>9}  findings {found:>9}", kind.name(), items.required);
        let (low, high) = (items.required as f64 * 0.97, (items.required + items.optional) as f64 * 1.03);
        if !(low..=high).contains(&(found as f64)) {
            return Err(format!("{}: {found} findings where {} items are", kind.name(), items.required));
        }
    }
    Ok(())
}
