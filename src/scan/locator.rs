//! Names and keys that are personal data themselves.
//!
//! An e-mail as a primary key, a person's name in a path, a JSON map keyed by phone numbers: whatever part of a
//! locator yields a finding is sealed before it enters the index, and printed as `⟨EMAIL:1f3a…⟩`.

use std::ops::Range;

use residuum_detect::{Type, Worker};

use crate::index::Keyring;

/// Whether a value of this type in a name says who somebody is.
pub(crate) fn is_personal(kind: Type) -> bool {
    use Type::*;
    !matches!(kind, Date | Age | Gender | City | Organization | Occupation | Url | Key | Other)
}

/// Seals the personal stretches of a name.
pub(super) fn seal_name(worker: &mut Worker<'_>, keys: &Keyring, name: &str) -> String {
    let mut found = personal_stretches(worker, name, 0);
    let mut start = 0;
    for component in name.split_inclusive(['/', '!']) {
        found.extend(behind_extensions(worker, component.trim_end_matches(['/', '!']), start));
        start += component.len();
    }
    if found.is_empty() {
        return name.to_owned();
    }
    found.sort_unstable_by_key(|(_, stretch)| (stretch.start, std::cmp::Reverse(stretch.end)));
    let (mut sealed, mut at) = (String::new(), 0);
    for (kind, stretch) in found {
        let stands_clear =
            stretch.start >= at && name.is_char_boundary(stretch.start) && name.is_char_boundary(stretch.end);
        if stands_clear {
            sealed.push_str(&name[at..stretch.start]);
            at = stretch.end;
            sealed.push_str(&keys.seal_name(kind, &name[stretch]));
        }
    }
    sealed.push_str(&name[at..]);
    sealed
}

/// The personal stretches of a text that stands at `offset` of a name.
fn personal_stretches(worker: &mut Worker<'_>, text: &str, offset: usize) -> Vec<(Type, Range<usize>)> {
    let mut found = Vec::new();
    worker.text(text.as_bytes(), 0..text.len(), &mut |hit, _| {
        if is_personal(hit.kind) {
            found.push((hit.kind, offset + hit.start as usize..offset + hit.end as usize));
        }
    });
    found
}

/// In `jane@example.com.csv.gz` the extensions hide where the address ends.
fn behind_extensions(worker: &mut Worker<'_>, component: &str, offset: usize) -> Vec<(Type, Range<usize>)> {
    let mut stem = component;
    for _ in 0..3 {
        let Some((shorter, extension)) = stem.rsplit_once('.') else { break };
        if shorter.is_empty() || extension.len() > 8 {
            break;
        }
        stem = shorter;
        let found = personal_stretches(worker, stem, offset);
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
        ] {
            let stored = sealed(name);
            assert!(!stored.contains(secret), "{stored}");
            assert_eq!(keys.reveal(&stored).expect("sealed with this key"), name);
            assert_eq!(stored, sealed(name), "the same name is sealed alike");
        }
    }
}
