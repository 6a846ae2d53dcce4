//! How right detection in text is: precision, recall and F1 for each type, against labelled text.
//!
//! `accuracy [DIR | TRUTH.jsonl]…`: a directory is one that `residuum-corpus` made, a file has a JSON object a line with `id`,
//! `dataset`, `text`, `spans`, `optional_spans` and `closed_types`, places in Unicode characters. More files may be named in
//! `RESIDUUM_ACCURACY_TRUTH`, with commas between. Ends with 1 if a figure is below its floor in `floors.toml`.
//!
//! Of a corpus the families that are text are read, for the types that text alone shows; CSV, SQL and archives, and the
//! names and addresses of people in fields, need the readers of formats and are no matter of this program.
#![allow(clippy::print_stdout, reason = "a program's output")]

mod score;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use residuum_detect::{Detector, RuleSet, Worker};
use score::{Document, Mode, Span, Tally};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Families of the generated corpus that are searched as text.
const TEXTS: &[&str] = &["app", "orders", "tickets", "web", "xml"];

/// Types that the generated corpus labels everywhere.
const LABELLED: &[&str] =
    &["EMAIL", "PHONE", "US_SSN", "CREDIT_CARD", "IBAN", "IP_ADDRESS", "DATE_OF_BIRTH", "DEVICE_ID"];

fn main() -> Outcome<ExitCode> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let more = std::env::var("RESIDUUM_ACCURACY_TRUTH").unwrap_or_default();
    paths.extend(more.split(',').filter(|path| !path.is_empty()).map(str::to_owned));
    if paths.is_empty() {
        return Err(
            "nothing to compare with: name a directory made by `residuum-corpus` or a file of labelled text".into()
        );
    }
    let detector = Detector::new(&RuleSet::builtin())?;
    let mut worker = detector.worker();
    let mut tallies = BTreeMap::<(String, String, Mode), Tally>::new();
    let mut add = |set: &str, document: &Document| {
        for mode in [Mode::Overlap, Mode::Exact] {
            for (kind, tally) in score::compare(document, mode) {
                *tallies.entry((set.to_owned(), kind.clone(), mode)).or_default() += tally;
                *tallies.entry(("all".to_owned(), kind, mode)).or_default() += tally;
            }
        }
    };
    for path in &paths {
        if Path::new(path).is_dir() {
            for family in TEXTS {
                for (name, document) in generated(Path::new(path), family, &mut worker)? {
                    add(&format!("generated {name}"), &document);
                    add("generated", &document);
                }
            }
        } else {
            for line in std::fs::read_to_string(path)?.lines().filter(|line| !line.trim().is_empty()) {
                let (set, document) = labelled(&serde_json::from_str(line)?, &mut worker)?;
                add(&set, &document);
                add("labelled", &document);
            }
        }
    }
    for ((set, kind, mode), tally) in &tallies {
        println!("{set:<24} {kind:<20} {mode:<8} {tally}");
    }
    let floors: toml::Table = include_str!("floors.toml").parse()?;
    let below = below(&floors, &tallies);
    below.iter().for_each(|line| println!("{line}"));
    Ok(if below.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is below its floor, in words; a floor of a set that was not compared says nothing.
fn below(floors: &toml::Table, tallies: &BTreeMap<(String, String, Mode), Tally>) -> Vec<String> {
    let mut lines = Vec::new();
    for (set, kinds) in floors {
        for (kind, floor) in kinds.as_table().into_iter().flatten() {
            let Some(tally) = tallies.get(&(set.clone(), kind.clone(), Mode::Overlap)) else { continue };
            for (name, share) in [("precision", tally.precision()), ("recall", tally.recall())] {
                let least = floor.get(name).and_then(toml::Value::as_float);
                if let (Some(least), Some(share)) = (least, share)
                    && share < least
                {
                    lines.push(format!("below its floor: {set} {kind} {name} {share:.4} < {least}"));
                }
            }
        }
    }
    lines
}

/// A line of labelled text, with what is found in it.
fn labelled(line: &Value, worker: &mut Worker<'_>) -> Outcome<(String, Document)> {
    let text = line["text"].as_str().ok_or("a line without `text`")?;
    let spans = |name: &str| -> Outcome<Vec<Span>> {
        let all = line[name].as_array().map_or(&[][..], Vec::as_slice);
        all.iter()
            .map(|span| {
                let place = |name: &str| span[name].as_u64().ok_or("a span without its place");
                Ok((place("start")?, place("end")?, score::kind(span["type"].as_str().ok_or("a span without `type`")?)))
            })
            .collect()
    };
    let closed = line["closed_types"].as_array().map_or(&[][..], Vec::as_slice);
    let closed = closed.iter().filter_map(Value::as_str).map(score::kind).collect();
    let character = |at: u32| text.as_bytes()[..at as usize].iter().filter(|b| **b & 0xc0 != 0x80).count() as u64;
    let found = search(worker, text.as_bytes(), character);
    let set = line["dataset"].as_str().unwrap_or("?").to_owned();
    Ok((set, Document { required: spans("spans")?, optional: spans("optional_spans")?, closed, found }))
}

/// The files of a family in a generated corpus, with what is found in each; places in bytes.
fn generated(corpus: &Path, family: &str, worker: &mut Worker<'_>) -> Outcome<Vec<(String, Document)>> {
    let mut documents = Vec::new();
    let Ok(files) = std::fs::read_dir(corpus.join("data").join(family)) else { return Ok(documents) };
    for file in files {
        let file = file?;
        let text = std::fs::read(file.path())?;
        let name = format!("{}.jsonl", file.file_name().to_string_lossy());
        let truth = std::fs::read_to_string(corpus.join("truth").join(family).join(name))?;
        let (mut required, mut optional) = (Vec::new(), Vec::new());
        for line in truth.lines() {
            let item: Value = serde_json::from_str(line)?;
            let place = |name: &str| item[name].as_u64().ok_or("an item without its place");
            let span = (place("byte_start")?, place("byte_end")?, item["type"].as_str().unwrap_or_default().to_owned());
            let list = if item["optional"] == true { &mut optional } else { &mut required };
            list.push(span);
        }
        let closed: BTreeSet<String> = LABELLED.iter().map(|kind| (*kind).to_owned()).collect();
        required.retain(|span| closed.contains(&span.2));
        let found = search(worker, &text, u64::from);
        documents.push((family.to_owned(), Document { required, optional, closed, found }));
    }
    Ok(documents)
}

fn search(worker: &mut Worker<'_>, text: &[u8], place: impl Fn(u32) -> u64) -> Vec<Span> {
    let mut found = Vec::new();
    worker.text(text, 0..text.len(), &mut |hit, _| {
        found.push((place(hit.start), place(hit.end), score::kind(hit.kind.name())));
    });
    found
}
