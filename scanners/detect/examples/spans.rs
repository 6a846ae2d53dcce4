//! What is found in labelled text: `spans [--rules DIR] FILE.jsonl… > predictions.jsonl`.
//!
//! Each line of input has `id` and `text`; each line of output has `id` and `findings`, places in Unicode characters.
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::path::Path;

use residuum_detect::{Detector, RuleSet};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let rules = if paths.first().is_some_and(|first| first == "--rules") {
        let folder = paths.drain(..2).nth(1).ok_or("`--rules` needs a folder")?;
        RuleSet::empty().extend_from_dir(Path::new(&folder))?
    } else {
        RuleSet::builtin()
    };
    let detector = Detector::new(&rules)?;
    let mut worker = detector.worker();
    for path in paths {
        for line in std::fs::read_to_string(&path)?.lines() {
            let document: Value = serde_json::from_str(line)?;
            let text = document["text"].as_str().ok_or("a line without `text`")?;
            let character = |at: u32| text.as_bytes()[..at as usize].iter().filter(|b| **b & 0xc0 != 0x80).count();
            let mut findings = Vec::new();
            worker.text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
                findings.push(json!({
                    "start": character(hit.start),
                    "end": character(hit.end),
                    "type": hit.kind.name(),
                    "rule": detector.rule(hit.rule).id,
                }));
            });
            println!("{}", json!({ "id": document["id"], "findings": findings }));
        }
    }
    Ok(())
}
