//! Whether confidence means something: of the findings said to be 90 % sure, nine of ten should be right.
//!
//! Documents fall into two halves by their names. On one half each rule's share of right findings is counted, to set
//! its confidence by; the table is made of the other half.

use std::collections::BTreeMap;

use super::score::{Document, Share};

/// Findings that could be judged, by how sure the detector was.
#[derive(Default)]
pub struct Reliability {
    /// Right and all, by tenths of confidence, of the half that is not looked at when confidence is set.
    bins: BTreeMap<u16, (u64, u64, u64)>,
    /// Right, all and summed confidence by rule, of the other half.
    rules: BTreeMap<String, (u64, u64, u64)>,
}

impl Reliability {
    /// Judges the findings of a document where that can be done: a label touches them, or all of their type are known.
    pub fn add(&mut self, document: &Document) {
        let setting = document.id.bytes().fold(0u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(b))) % 2 == 0;
        for found in &document.found {
            let touches = |spans: &[(u64, u64, String)]| {
                spans.iter().any(|s| s.2 == found.span.2 && s.0 < found.span.1 && found.span.0 < s.1)
            };
            let right = touches(&document.required);
            if !right && (touches(&document.optional) || !document.closed.contains(&found.span.2)) {
                continue;
            }
            let sure = u64::from(found.confidence);
            let entry = if setting {
                self.rules.entry(found.rule.clone()).or_default()
            } else {
                self.bins.entry(found.confidence.min(999) / 100).or_default()
            };
            *entry = (entry.0 + u64::from(right), entry.1 + 1, entry.2 + sure);
        }
    }

    /// The table, a line each, and the expected calibration error below it.
    pub fn lines(&self) -> Vec<String> {
        let all: u64 = self.bins.values().map(|bin| bin.1).sum();
        let mut error = 0.0;
        let mut lines = Vec::new();
        for (tenth, (right, count, sure)) in &self.bins {
            let said = *sure as f64 / *count as f64 / 1000.0;
            let share = *right as f64 / *count as f64;
            error += (said - share).abs() * *count as f64 / all as f64;
            lines.push(format!(
                "confidence 0.{tenth}  findings {count:>8}  said {said:.3}  right {}",
                Share(Some(share), *right, *count)
            ));
        }
        lines.push(format!("expected calibration error {error:.4} over {all} findings"));
        lines
    }

    /// What each rule says and how often it is right, of the half to set it by; with one right and one wrong finding added,
    /// so that few findings move little.
    pub fn by_rule(&self) -> Vec<String> {
        let rules = self.rules.iter().filter(|(_, (_, all, _))| *all >= ENOUGH).map(|(rule, (right, all, sure))| {
            let said = *sure as f64 / *all as f64 / 1000.0;
            let share = (*right + 1) as f64 / (*all + 2) as f64;
            format!("rule {rule:<32} said {said:.3}  to be set by {share:.3}  ({right} of {all} right)")
        });
        rules.collect()
    }
}

/// Findings of a rule that say something about it.
const ENOUGH: u64 = 20;
