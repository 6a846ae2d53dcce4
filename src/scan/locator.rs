//! Names and keys that are personal data themselves.
//!
//! An e-mail as a primary key, a person's name in a path, a JSON map keyed by phone numbers: whatever part of a
//! locator yields a finding is sealed before it enters the index, and printed as `⟨EMAIL:1f3a…⟩`.

use residuum_detect::{Hit, Type, Worker};

use crate::index::Keyring;

/// Whether a value of this type in a name says who somebody is.
pub(crate) fn is_personal(kind: Type) -> bool {
    use Type::*;
    !matches!(kind, Date | Age | Gender | City | Organization | Occupation | Url | Key | Other)
}

/// Seals the personal stretches of a name.
pub(super) fn seal_name(worker: &mut Worker<'_>, keys: &Keyring, name: &str) -> String {
    let mut found: Vec<Hit> = Vec::new();
    worker.text(name.as_bytes(), 0..name.len(), &mut |hit, _| {
        if is_personal(hit.kind) {
            found.push(*hit);
        }
    });
    if found.is_empty() {
        return name.to_owned();
    }
    found.sort_unstable_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let (mut sealed, mut at) = (String::new(), 0);
    for hit in found {
        let (start, end) = (hit.start as usize, hit.end as usize);
        let stands_clear = start >= at && name.is_char_boundary(start) && name.is_char_boundary(end);
        if stands_clear {
            sealed.push_str(&name[at..start]);
            sealed.push_str(&keys.seal_name(hit.kind, &name[start..end]));
            at = end;
        }
    }
    sealed.push_str(&name[at..]);
    sealed
}
