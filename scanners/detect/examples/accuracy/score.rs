//! Counting: which labels are found, and which findings are wrong.
//!
//! A label is found when a finding of its type overlaps it, or has its very place. Several findings inside one label
//! are one hit; one finding serves several labels only if it is not much longer than they are together. A finding is
//! wrong only where its type is labelled exhaustively and neither a required nor an optional label touches it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

/// From here to there, of a type.
pub type Span = (u64, u64, String);

/// What was found, by which rule, and how sure it was, in thousandths.
pub struct Found {
    pub span: Span,
    pub rule: String,
    pub confidence: u16,
}

/// Tallies by set, type and mode.
pub type Tallies = BTreeMap<(String, String, Mode), Tally>;

/// A text's labels and findings.
pub struct Document {
    /// What it is called.
    pub id: String,
    /// Labels that are to be found.
    pub required: Vec<Span>,
    /// Labels that may be found.
    pub optional: Vec<Span>,
    /// Types of which every item is labelled.
    pub closed: BTreeSet<String>,
    /// What was found.
    pub found: Vec<Found>,
}

/// When a finding is that of a label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mode {
    /// They share a character.
    Overlap,
    /// They begin and end together.
    Exact,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if *self == Self::Overlap { "overlap" } else { "exact" })
    }
}

/// How often it was right.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    found: u64,
    missed: u64,
    found_where_closed: u64,
    wrong: u64,
    unjudged: u64,
}

/// Other names of types.
pub fn kind(name: &str) -> String {
    let name = name.trim().to_uppercase();
    match name.as_str() {
        "US_DRIVER_LICENCE" => "US_DRIVER_LICENSE",
        "EMAIL_ADDRESS" => "EMAIL",
        "PERSON" => "PERSON_NAME",
        "PHONE_NUMBER" => "PHONE",
        "SSN" => "US_SSN",
        "ADDRESS" => "STREET_ADDRESS",
        "DOB" => "DATE_OF_BIRTH",
        other => other,
    }
    .to_owned()
}

/// Adds a document to its sets and to all.
pub fn add(tallies: &mut Tallies, sets: &[String], document: &Document) {
    for mode in [Mode::Overlap, Mode::Exact] {
        for (kind, tally) in compare(document, mode) {
            for set in sets.iter().map(String::as_str).chain(["all"]) {
                *tallies.entry((set.to_owned(), kind.clone(), mode)).or_default() += &tally;
            }
        }
    }
}

/// What is below its floor, in words; a floor of a set that was not compared says nothing.
pub fn below(floors: &toml::Table, tallies: &Tallies) -> Vec<String> {
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

/// The tally of each type.
pub fn compare(document: &Document, mode: Mode) -> BTreeMap<String, Tally> {
    let mut tallies = BTreeMap::new();
    let found: Vec<Span> = document.found.iter().map(|found| found.span.clone()).collect();
    let kinds: BTreeSet<&String> = document.required.iter().chain(&found).map(|span| &span.2).collect();
    for kind in kinds {
        let of = |spans: &[Span]| {
            let mut places: Vec<_> = spans.iter().filter(|s| s.2 == *kind).map(|s| (s.0, s.1)).collect();
            places.sort_unstable();
            places
        };
        let (required, optional, mut found) = (of(&document.required), of(&document.optional), of(&found));
        found.dedup();
        let tally = one(&required, &optional, &found, document.closed.contains(kind), mode);
        tallies.insert(kind.clone(), tally);
    }
    tallies
}

fn one(required: &[(u64, u64)], optional: &[(u64, u64)], found: &[(u64, u64)], closed: bool, mode: Mode) -> Tally {
    let overlap = |a: (u64, u64), b: (u64, u64)| a.0 < b.1 && b.0 < a.1;
    let touches = |labels: &[(u64, u64)], place| labels.iter().any(|label| overlap(*label, place));
    let is_wide = |place: (u64, u64)| {
        let labels = required.iter().filter(|label| overlap(**label, place));
        place.1 - place.0 > 8 + 2 * labels.map(|label| label.1 - label.0).sum::<u64>()
    };
    let wide: Vec<bool> = found.iter().map(|place| is_wide(*place)).collect();
    let mut used = vec![false; found.len()];
    let mut tally = Tally::default();
    for label in required {
        let hit = (0..found.len()).find(|&i| match mode {
            Mode::Exact => !used[i] && found[i] == *label,
            Mode::Overlap => overlap(*label, found[i]) && !(wide[i] && used[i]),
        });
        match hit {
            Some(i) => {
                used[i] = true;
                tally.found += 1;
            }
            None => tally.missed += 1,
        }
    }
    tally.found_where_closed = if closed { tally.found } else { 0 };
    for (place, _) in found.iter().zip(&used).filter(|(_, used)| !**used) {
        let touching = touches(required, *place);
        if touching && mode == Mode::Overlap {
            continue;
        }
        if touching && !closed {
            tally.unjudged += 1;
        } else if !touches(optional, *place) {
            *if closed { &mut tally.wrong } else { &mut tally.unjudged } += 1;
        }
    }
    tally
}

impl Tally {
    /// Of one thing that is to be found or not, and is found or not, where everything is known.
    pub fn of_one(wanted: bool, found: bool) -> Self {
        let hit = u64::from(wanted && found);
        Self {
            found: hit,
            missed: u64::from(wanted && !found),
            found_where_closed: hit,
            wrong: u64::from(found && !wanted),
            unjudged: 0,
        }
    }

    /// Share of the findings that are right, where findings can be wrong.
    pub fn precision(&self) -> Option<f64> {
        share(self.found_where_closed, self.found_where_closed + self.wrong)
    }

    /// Share of the labels that are found.
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    /// Their harmonic mean.
    pub fn f1(&self) -> Option<f64> {
        let (p, r) = (self.precision()?, self.recall()?);
        (p + r > 0.0).then(|| 2.0 * p * r / (p + r))
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.found_where_closed += other.found_where_closed;
        self.wrong += other.wrong;
        self.unjudged += other.unjudged;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, missed, wrong, unjudged, .. } = self;
        write!(
            f,
            "labels {:>6} found {found:>6} missed {missed:>5} wrong {wrong:>5} unjudged {unjudged:>5}",
            found + missed
        )?;
        let judged = self.found_where_closed + wrong;
        write!(f, "  precision {}", Share(self.precision(), self.found_where_closed, judged))?;
        write!(f, "  recall {}", Share(self.recall(), *found, found + missed))?;
        match self.f1() {
            Some(f1) => write!(f, "  f1 {f1:.4}"),
            None => f.write_str("  f1   -"),
        }
    }
}

/// A share with its 95 % interval by Wilson's score.
pub struct Share(pub Option<f64>, pub u64, pub u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(share) = self.0 else { return f.pad("  -                   ") };
        let (low, high) = wilson(self.1, self.2);
        write!(f, "{share:.4} [{low:.4} {high:.4}]")
    }
}

/// Wilson's score interval at 95 %.
fn wilson(hits: u64, all: u64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (all as f64, hits as f64 / all as f64);
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}
