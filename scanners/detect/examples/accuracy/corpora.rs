//! Corpora: text with labels of three kinds, and what the detector finds in it.

use std::collections::BTreeSet;
use std::path::Path;

use residuum_detect::{Detector, Type, Worker};
use serde_json::Value;

use super::score::{self, Document, Found, Span};

pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Families of the generated corpus that are searched as text.
const TEXTS: &[&str] = &["app", "orders", "tickets", "web", "xml"];

/// Types that the generated corpus labels everywhere.
const LABELLED: &[&str] =
    &["EMAIL", "PHONE", "US_SSN", "CREDIT_CARD", "IBAN", "IP_ADDRESS", "DATE_OF_BIRTH", "DEVICE_ID"];

/// Reads what stands at `path` and hands over each document with the sets it belongs to.
pub fn read(detector: &Detector, path: &Path, each: &mut dyn FnMut(&[String], &Document)) -> Outcome<()> {
    let mut worker = detector.worker();
    if path.is_dir() {
        for family in TEXTS {
            for document in generated(detector, path, family, &mut worker)? {
                each(&[format!("generated {family}"), "generated".to_owned()], &document);
            }
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    if path.extension().is_some_and(|e| e == "txt") {
        for line in lines.filter(|line| !line.starts_with('#')) {
            each(&["written".to_owned()], &written(detector, line, &mut worker)?);
        }
        return Ok(());
    }
    for line in lines {
        let (set, document) = labelled(detector, &serde_json::from_str(line)?, &mut worker)?;
        each(&[set, "labelled".to_owned()], &document);
    }
    Ok(())
}

/// A line with its labels in it: `born {{DATE_OF_BIRTH|1985-03-03}} in Ohio`. Every type is labelled exhaustively.
fn written(detector: &Detector, line: &str, worker: &mut Worker<'_>) -> Outcome<Document> {
    let (mut text, mut required, mut rest) = (String::new(), Vec::new(), line);
    while let Some(at) = rest.find("{{") {
        text.push_str(&rest[..at]);
        let (label, behind) = rest[at + 2..].split_once("}}").ok_or("a label that is not closed")?;
        let (kind, value) = label.split_once('|').ok_or("a label without its value")?;
        let start = text.len() as u64;
        text.push_str(value);
        required.push((start, text.len() as u64, kind.to_owned()));
        rest = behind;
    }
    text.push_str(rest);
    let closed = Type::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    let found = search(detector, worker, text.as_bytes(), u64::from);
    Ok(Document { id: text, required, optional: Vec::new(), closed, found })
}

/// A line of labelled text, with what is found in it.
fn labelled(detector: &Detector, line: &Value, worker: &mut Worker<'_>) -> Outcome<(String, Document)> {
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
    let found = search(detector, worker, text.as_bytes(), character);
    let set = line["dataset"].as_str().unwrap_or("?").to_owned();
    let id = line["id"].as_str().unwrap_or_default().to_owned();
    Ok((set, Document { id, required: spans("spans")?, optional: spans("optional_spans")?, closed, found }))
}

/// The files of a family in a generated corpus, with what is found in each; places in bytes.
fn generated(detector: &Detector, corpus: &Path, family: &str, worker: &mut Worker<'_>) -> Outcome<Vec<Document>> {
    let mut documents = Vec::new();
    let Ok(files) = std::fs::read_dir(corpus.join("data").join(family)) else { return Ok(documents) };
    for file in files {
        let file = file?;
        let text = std::fs::read(file.path())?;
        let name = format!("{}.jsonl", file.file_name().to_string_lossy());
        let truth = std::fs::read_to_string(corpus.join("truth").join(family).join(&name))?;
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
        let found = search(detector, worker, &text, u64::from);
        documents.push(Document { id: name, required, optional, closed, found });
    }
    Ok(documents)
}

fn search(detector: &Detector, worker: &mut Worker<'_>, text: &[u8], place: impl Fn(u32) -> u64) -> Vec<Found> {
    let mut found = Vec::new();
    worker.text(text, 0..text.len(), &mut |hit, _| {
        let span = (place(hit.start), place(hit.end), score::kind(hit.kind.name()));
        found.push(Found { span, rule: detector.rule(hit.rule).id.clone(), confidence: hit.confidence });
    });
    found
}
