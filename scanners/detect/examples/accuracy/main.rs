//! How right detection is: precision, recall and F1 for each type, in labelled text and in the columns of tables.
//!
//! `accuracy [--columns LABELS.csv FOLDER…] [DIR | TRUTH.jsonl | WRITTEN.txt]…`: a directory is one that
//! `residuum-corpus` made; a `.jsonl` has an object a line with `id`, `dataset`, `text`, `spans`, `optional_spans` and
//! `closed_types`, places in Unicode characters; a `.txt` has lines with their labels in them, as `written.txt`. More
//! may be named in `RESIDUUM_ACCURACY_TRUTH`, with commas between; without any, `written.txt` is compared. `--columns` takes labels of
//! fields and the folders with their tables, up to the next argument that ends in `.jsonl` or `.txt` or is a corpus.
//! `--nothing PATH… [--show]` counts by rule what is found where nothing personal is: logs, hashes, source code.
//! `--errors` names what was missed or wrong in fields. Ends with 1 if a figure is below its floor in `floors.toml`.
//!
//! Of a corpus the families that are text are read, for the types that text alone shows; CSV, SQL and archives, and the
//! names and addresses of people in fields, need the readers of formats and are no matter of this program.
#![allow(clippy::print_stdout, reason = "a program's output")]

mod columns;
mod corpora;
mod nothing;
mod reliability;
mod score;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use corpora::Outcome;
use nothing::Nothing;
use reliability::Reliability;
use residuum_detect::{Detector, RuleSet};
use score::{Mode, Tallies};

fn main() -> Outcome<ExitCode> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let more = std::env::var("RESIDUUM_ACCURACY_TRUTH").unwrap_or_default();
    arguments.extend(more.split(',').filter(|path| !path.is_empty()).map(str::to_owned));
    if let Some(at) = arguments.iter().position(|a| a == "--nothing") {
        let show = arguments.iter().any(|a| a == "--show");
        let detector = Detector::new(&RuleSet::builtin())?;
        let (mut nothing, mut worker) = (Nothing::default(), detector.worker());
        for path in arguments[at + 1..].iter().filter(|a| *a != "--show") {
            nothing.read(&detector, &mut worker, Path::new(path))?;
        }
        nothing.lines(show).iter().for_each(|line| println!("{line}"));
        return Ok(ExitCode::SUCCESS);
    }
    let errors = arguments.iter().position(|a| a == "--errors").map(|i| arguments.remove(i)).is_some();
    let mut fields = None;
    if let Some(at) = arguments.iter().position(|a| a == "--columns") {
        let is_truth = |a: &&String| {
            a.ends_with(".jsonl") || a.ends_with(".txt") || Path::new(a.as_str()).join("corpus.json").is_file()
        };
        let end = arguments[at + 1..].iter().position(|a| is_truth(&a)).map_or(arguments.len(), |n| at + 1 + n);
        let mut named: Vec<PathBuf> = arguments.drain(at..end).skip(1).map(PathBuf::from).collect();
        if named.len() < 2 {
            return Err("`--columns` needs labels and a folder with their tables".into());
        }
        fields = Some((named.remove(0), named));
    }
    if arguments.is_empty() && fields.is_none() {
        arguments.push(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/accuracy/written.txt").to_owned());
    }
    let detector = Detector::new(&RuleSet::builtin())?;
    let (mut tallies, mut reliability) = (Tallies::new(), Reliability::default());
    for path in &arguments {
        corpora::read(&detector, Path::new(path), &mut |sets, document| {
            score::add(&mut tallies, sets, document);
            reliability.add(document);
        })?;
    }
    for ((set, kind, mode), tally) in &tallies {
        println!("{set:<24} {kind:<20} {mode:<8} {tally}");
    }
    if let Some((labels, folders)) = fields {
        let fields = columns::judge(&detector, &labels, &folders)?;
        for ((set, kind), tally) in fields.tallies {
            println!("{set:<24} {kind:<20} columns  {tally}");
            tallies.insert((set, kind, Mode::Overlap), tally);
        }
        println!("columns fully right: {} of {}", fields.right.0, fields.right.1);
        fields.absent.iter().for_each(|table| println!("not found, so not judged: {table}"));
        fields.errors.iter().filter(|_| errors).for_each(|line| println!("{line}"));
    }
    if !arguments.is_empty() {
        reliability.lines().iter().chain(&reliability.by_rule()).for_each(|line| println!("{line}"));
    }
    let below = score::below(&include_str!("floors.toml").parse()?, &tallies);
    below.iter().for_each(|line| println!("{line}"));
    Ok(if below.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
