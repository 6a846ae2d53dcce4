//! Whether what was found is what is there.
//!
//! An item counts as found if a finding of its type overlaps it; a finding is right if it overlaps an item of its
//! type, a required or an optional one. Only the structured types count: those a pattern could find.

use super::Outcome;
use residuum_corpus::{Corpus, Kind};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The types that are compared, with the names a finding may have for them.
pub const STRUCTURED: &[(Kind, &[&str])] = &[
    (Kind::Email, &["EMAIL"]),
    (Kind::Phone, &["PHONE"]),
    (Kind::UsSsn, &["US_SSN"]),
    (Kind::CreditCard, &["CREDIT_CARD"]),
    (Kind::Iban, &["IBAN"]),
    (Kind::IpAddress, &["IP_ADDRESS"]),
    (Kind::DateOfBirth, &["DATE_OF_BIRTH"]),
    (Kind::DeviceId, &["DEVICE_ID", "MAID", "COOKIE_ID"]),
];

/// A finding or a match: from here to there, of a type if the tool knows types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    pub start: u64,
    pub end: u64,
    pub kind: Option<Kind>,
}

/// The structured type of this name.
pub fn kind(name: &str) -> Option<Kind> {
    STRUCTURED.iter().find(|(_, names)| names.contains(&name)).map(|&(kind, _)| kind)
}

/// How well one type was found.
#[derive(Clone, Copy, Default, Debug)]
pub struct Score {
    /// Required items.
    pub items: u64,
    /// Those of them that were found.
    pub found: u64,
    /// Findings.
    pub findings: u64,
    /// Those of them that are wrong.
    pub wrong: u64,
}

impl Score {
    /// The share of the items that was found.
    pub fn recall(&self) -> f64 {
        if self.items == 0 { 1.0 } else { self.found as f64 / self.items as f64 }
    }

    /// The share of the findings that is right.
    pub fn precision(&self) -> f64 {
        if self.findings == 0 { 1.0 } else { 1.0 - self.wrong as f64 / self.findings as f64 }
    }
}

/// Compares findings by object with the corpus; matches without a type are right wherever an item is, and count
/// under `None`.
pub fn compare(corpus: &Corpus, mut found: BTreeMap<String, Vec<Place>>) -> Outcome<BTreeMap<Option<Kind>, Score>> {
    let mut scores = BTreeMap::<Option<Kind>, Score>::new();
    for places in found.values_mut() {
        places.sort_unstable();
        places.dedup();
    }
    let mut right: BTreeMap<String, Vec<bool>> =
        found.iter().map(|(object, places)| (object.clone(), vec![false; places.len()])).collect();
    // Truth comes in the order of objects and bytes: each object's findings are walked once.
    let (mut object, mut from) = (String::new(), 0);
    corpus
        .truth(|item| {
            if STRUCTURED.iter().all(|&(kind, _)| kind != item.kind) {
                return;
            }
            if object != item.file {
                (object, from) = (item.file.clone(), 0);
            }
            let mut hit = false;
            if let (Some(places), Some(right)) = (found.get(&object), right.get_mut(&object)) {
                // No finding is longer than this, so none that starts earlier can reach the item.
                while places.get(from).is_some_and(|place| place.start + 4096 < item.byte_start) {
                    from += 1;
                }
                let near = places[from..].iter().take_while(|place| place.start < item.byte_end).enumerate();
                for (at, place) in near {
                    if place.end > item.byte_start && place.kind.is_none_or(|kind| kind == item.kind) {
                        (hit, right[from + at]) = (true, true);
                    }
                }
            }
            if !item.optional {
                let score = scores.entry(Some(item.kind)).or_default();
                score.items += 1;
                score.found += u64::from(hit);
            }
        })
        .map_err(|error| error.to_string())?;
    for (object, places) in &found {
        for (place, right) in places.iter().zip(&right[object]) {
            let score = scores.entry(place.kind).or_default();
            score.findings += 1;
            score.wrong += u64::from(!right);
        }
    }
    Ok(scores)
}

/// The scores as lines; a share stands only where there is something to take it of.
pub fn table(scores: &BTreeMap<Option<Kind>, Score>) -> String {
    let mut out = String::new();
    for (kind, score) in scores {
        write!(out, "    {:<14}", kind.map_or("any type", Kind::name)).expect("a string takes everything");
        if score.items > 0 {
            write!(out, "  items {:>9}  recall {:.4}", score.items, score.recall()).expect("a string takes everything");
        }
        if score.findings > 0 {
            write!(out, "  findings {:>9}  precision {:.4}", score.findings, score.precision())
                .expect("a string takes everything");
        }
        out.push('\n');
    }
    out
}
