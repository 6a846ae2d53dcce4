//! How fast running text is searched: `search_speed [--rules DIR] FILE…` prints MB/s of one thread and the hits of each type.
//!
//! The best of ten passes over memory, in windows of a mebibyte as readers hand them over.
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use residuum_detect::{Detector, RuleSet};

/// Passes over each file.
const PASSES: usize = 10;

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
        let text = std::fs::read(&path)?;
        let (mut best, mut counts) = (f64::MAX, BTreeMap::new());
        for _ in 0..PASSES {
            counts.clear();
            let start = Instant::now();
            let mut at = 0;
            while at < text.len() {
                let to = text.len().min(at + (1 << 20));
                let to = memchr::memchr(b'\n', &text[to..]).map_or(text.len(), |n| to + n + 1);
                let from = at.saturating_sub(512);
                let window = &text[from..text.len().min(to + 512)];
                worker.text(window, at - from..to - from, &mut |hit, _| {
                    *counts.entry(hit.kind.name()).or_insert(0u64) += 1
                });
                at = to;
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let rate = text.len() as f64 / 1e6 / best;
        println!("{path}: {:.1} MB, {rate:.0} MB/s, {counts:?}", text.len() as f64 / 1e6);
    }
    Ok(())
}
