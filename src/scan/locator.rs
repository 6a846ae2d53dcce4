//! Names and keys that are personal data themselves.
//!
//! An e-mail as a primary key, a person's name in a path, a JSON map keyed by phone numbers: whatever part of a
//! locator yields a finding is sealed before it enters the index, and printed as `⟨EMAIL:1f3a…⟩`.

use std::ops::Range;

use residuum_detect::{Fingerprint, RuleId, Type, Worker};

use crate::index::Keyring;

/// Whether a value of this type in a name says who somebody is.
pub(crate) fn is_personal(kind: Type) -> bool {
    use Type::*;
    !matches!(kind, Date | Age | Gender | City | Organization | Occupation | Url | Key | Other)
}

/// A stretch of a name that is personal.
pub(super) struct Stretch {
    pub kind: Type,
    pub rule: RuleId,
    pub confidence: u16,
    pub range: Range<usize>,
    pub fingerprint: Fingerprint,
}

/// Seals the personal stretches of a name.
pub(super) fn seal_name(worker: &mut Worker<'_>, keys: &Keyring, name: &str) -> String {
    let stretches = personal_stretches(worker, keys, name);
    seal_stretches(keys, name, &stretches)
}

/// Seals these stretches of a name.
pub(super) fn seal_stretches(keys: &Keyring, name: &str, stretches: &[Stretch]) -> String {
    let (mut sealed, mut at) = (String::new(), 0);
    for Stretch { kind, range, .. } in stretches {
        sealed.push_str(&name[at..range.start]);
        sealed.push_str(&keys.seal_name(*kind, &name[range.clone()]));
        at = range.end;
    }
    sealed.push_str(&name[at..]);
    sealed
}

/// The personal stretches of a name, in order, none within another.
///
/// Each level of a container is looked at by itself: `!` may stand in an address.
pub(super) fn personal_stretches(worker: &mut Worker<'_>, keys: &Keyring, name: &str) -> Vec<Stretch> {
    let (mut found, mut start) = (Vec::new(), 0);
    for level in name.split_inclusive('!') {
        found.extend(stretches_of(worker, keys, level.trim_end_matches('!'), start));
        let mut inner = start;
        for component in level.split_inclusive('/') {
            found.extend(behind_extensions(worker, keys, component.trim_end_matches(['/', '!']), inner));
            inner += component.len();
        }
        start += level.len();
    }
    found.sort_by_key(|stretch| (stretch.range.start, std::cmp::Reverse(stretch.range.end)));
    let mut at = 0;
    found.retain(|stretch| {
        let range = &stretch.range;
        let stands_clear = range.start >= at && name.is_char_boundary(range.start) && name.is_char_boundary(range.end);
        at = if stands_clear { range.end } else { at };
        stands_clear
    });
    found
}

/// The personal stretches of a text that stands at `offset` of a name.
fn stretches_of(worker: &mut Worker<'_>, keys: &Keyring, text: &str, offset: usize) -> Vec<Stretch> {
    let mut found = Vec::new();
    worker.text(text.as_bytes(), 0..text.len(), &mut |hit, form| {
        if is_personal(hit.kind) {
            found.push(Stretch {
                kind: hit.kind,
                rule: hit.rule,
                confidence: hit.confidence,
                range: offset + hit.start as usize..offset + hit.end as usize,
                fingerprint: keys.current().fingerprint(form),
            });
        }
    });
    found
}

/// In `jane@example.com.csv.gz` the extensions hide where the address ends.
fn behind_extensions(worker: &mut Worker<'_>, keys: &Keyring, component: &str, offset: usize) -> Vec<Stretch> {
    let mut stem = component;
    for _ in 0..3 {
        let Some((shorter, extension)) = stem.rsplit_once('.') else { break };
        if shorter.is_empty() || extension.len() > 8 {
            break;
        }
        stem = shorter;
        let found = stretches_of(worker, keys, stem, offset);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use residuum_detect::{Detector, IndexKey, RuleSet};

    use super::*;

    #[test]
    fn personal_parts_of_names_are_sealed_and_come_back() {
        let detector = Detector::new(&RuleSet::builtin()).expect("the built-in rules compile");
        let keys = Keyring::new(IndexKey::new([7; 32]), Vec::new());
        let mut worker = detector.worker();
        let mut sealed = |name: &str| seal_name(&mut worker, &keys, name);
        for name in ["exports/2026-01-31.csv", "main.customers", "logs/app-1.2.3.log", "a!b/c.jsonl"] {
            assert_eq!(sealed(name), name);
        }
        for (name, secret) in [
            ("mail/jane@example.com.txt", "jane@example.com"),
            ("mail/jane@example.com/sent.csv.gz", "jane@example.com"),
            ("dumps/jane@example.com.csv.gz!rows.csv", "jane@example.com"),
            ("calls/+1 202-555-0147.log", "202-555-0147"),
            ("good.zip!jane@example.com/notes.txt", "jane@example.com"),
        ] {
            let stored = sealed(name);
            assert_eq!(stored.split('!').next(), sealed(name.split('!').next().expect("a level")).split('!').next());
            assert!(!stored.contains(secret), "{stored}");
            assert_eq!(keys.reveal(&stored).expect("sealed with this key"), name);
            assert_eq!(stored, sealed(name), "the same name is sealed alike");
        }
    }
}
