//! Texts without anything personal in them, or hardly anything: logs, identifiers, hashes, source code. Whatever is
//! found there is counted by rule and set against the size.

use std::collections::BTreeMap;
use std::path::Path;

use residuum_detect::{Detector, Worker};

use super::corpora::Outcome;

/// What was found in how many bytes.
#[derive(Default)]
pub struct Nothing {
    bytes: u64,
    found: BTreeMap<(&'static str, String), (u64, Vec<String>)>,
}

impl Nothing {
    /// Searches a file or everything below a folder.
    pub fn read(&mut self, detector: &Detector, worker: &mut Worker<'_>, path: &Path) -> Outcome<()> {
        if path.is_dir() {
            let mut entries: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
            entries.sort_by_key(std::fs::DirEntry::file_name);
            return entries
                .iter()
                .filter(|e| !e.file_type().is_ok_and(|kind| kind.is_symlink()))
                .try_for_each(|entry| self.read(detector, worker, &entry.path()));
        }
        let Ok(text) = std::fs::read(path) else { return Ok(()) };
        if text[..text.len().min(8192)].contains(&0) {
            return Ok(());
        }
        self.bytes += text.len() as u64;
        for (i, piece) in text.chunks(PIECE).enumerate() {
            worker.text(piece, 0..piece.len(), &mut |hit, _| {
                let key = (hit.kind.name(), detector.rule(hit.rule).id.clone());
                let entry = self.found.entry(key).or_default();
                entry.0 += 1;
                // Some from everywhere: the first of each file, more as they become rarer.
                if entry.0.is_power_of_two() {
                    let (from, to) =
                        ((hit.start as usize).saturating_sub(40), (hit.end as usize + 20).min(piece.len()));
                    let shown = String::from_utf8_lossy(&piece[from..to]).replace(['\n', '\r'], "⏎");
                    entry.1.push(format!("{}+{i}: {shown}", path.display()));
                }
            });
        }
        Ok(())
    }

    /// A line for each rule, the most frequent first; `show` adds where it fired.
    pub fn lines(&self, show: bool) -> Vec<String> {
        let megabytes = self.bytes as f64 / 1e6;
        let mut rules: Vec<_> = self.found.iter().collect();
        rules.sort_by_key(|(_, found)| std::cmp::Reverse(found.0));
        let all: u64 = rules.iter().map(|(_, found)| found.0).sum();
        let mut lines = vec![format!("{megabytes:.0} MB, {all} findings, {:.3} a MB", all as f64 / megabytes)];
        for ((kind, rule), (count, places)) in rules {
            lines.push(format!("{kind:<20} {rule:<32} {count:>8}  {:.4} a MB", *count as f64 / megabytes));
            lines.extend(places.iter().filter(|_| show).map(|place| format!("    {place}")));
        }
        lines
    }
}

/// Bytes that are searched at a time.
const PIECE: usize = 8 << 20;
