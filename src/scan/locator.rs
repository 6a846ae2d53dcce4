//! Names and keys that are personal data themselves.
//!
//! An e-mail as a primary key, a person's name in a path, a JSON map keyed by phone numbers: whatever part of a
//! locator yields a finding is sealed before it enters the index, and printed as `⟨EMAIL:1f3a…⟩`.

use std::ops::Range;

use residuum_detect::{FieldPlan, Fingerprint, RuleId, Treatment, Type, Worker, first_last, last_first};
use residuum_source::KeyValue;

use crate::index::{IndexError, Keyring};

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

/// What stands before a sealed value of a key that is an integer, so that it is one again when it is opened.
const INTEGER: char = '#';

/// Seals a value of a key that is an integer.
pub(super) fn seal_integer(keys: &Keyring, kind: Type, value: i64) -> KeyValue {
    KeyValue::Text(format!("{INTEGER}{}", keys.seal_name(kind, &value.to_string())))
}

/// A value of a key as its source knows it.
///
/// # Errors
/// When it is sealed, and damaged or under a key that is not in the ring.
pub(crate) fn open_key_value(keys: &Keyring, value: String) -> Result<KeyValue, IndexError> {
    let sealed = value.strip_prefix(INTEGER).filter(|sealed| crate::index::is_sealed(sealed));
    match sealed {
        Some(sealed) => {
            let integer = keys.reveal(sealed)?.parse();
            integer.map(KeyValue::Integer).map_err(|_| IndexError::Misuse("a sealed integer is none".to_owned()))
        }
        None => keys.reveal(&value).map(KeyValue::Text),
    }
}

/// Seals the personal stretches of a name.
pub(crate) fn seal_name(worker: &mut Worker<'_>, keys: &Keyring, name: &str) -> String {
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
            let name = component.trim_end_matches(['/', '!']);
            // The slash behind a number in `415-555-0132/` goes on with it, for all that a text can tell.
            if name.len() < component.len() || inner > start {
                found.extend(stretches_of(worker, keys, name, inner));
            }
            found.extend(behind_extensions(worker, keys, name, inner));
            found.extend(filed(worker, keys, name, inner));
            inner += component.len();
        }
        start += level.len();
    }
    found.retain(|stretch| !is_host(name, stretch));
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

/// Whether it is the address of a server, as in `postgres://reader@192.0.2.7/shop`: that is nobody's.
fn is_host(name: &str, stretch: &Stretch) -> bool {
    let before = name[..stretch.range.start].trim_end_matches('[');
    let authority = before.rsplit_once("://").map(|(_, authority)| authority);
    stretch.kind == Type::IpAddress && authority.is_some_and(|authority| !authority.contains(['/', '?', '#']))
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

/// In `Schmidt, Anna/`, `Anna Schmidt/` and `born-1984-03-12/` a name of a file or directory is one of a person, or a date of birth: by
/// itself, or beside a name that is sealed.
fn filed(worker: &mut Worker<'_>, keys: &Keyring, component: &str, offset: usize) -> Vec<Stretch> {
    let mut found = Vec::new();
    let person = last_first(component).or_else(|| first_last(component));
    if let Some(range) = &person {
        found.extend(typed(worker, keys, "person_name", component, range.clone(), offset));
    }
    // `born_1984-03-12` reads as `born 1984-03-12`; between digits the hyphens belong to the date.
    let bytes = component.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let apart = |(at, c): (usize, &u8)| match c {
        b'_' => b' ',
        b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => b' ', // before an extension
        b'-' if !(is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))) => b' ',
        c => *c,
    };
    let spaced: Vec<u8> = bytes.iter().enumerate().map(apart).collect();
    let mut dates = Vec::new();
    worker.text(&spaced, 0..spaced.len(), &mut |hit, _| {
        if hit.kind == Type::DateOfBirth {
            dates.push(hit.start as usize..hit.end as usize);
        }
    });
    if let Some(person) = &person {
        dates.extend(dates_in(component, person.end));
    }
    for range in dates {
        found.extend(typed(worker, keys, "date_of_birth", component, range, offset));
    }
    found
}

/// Where dates such as `1984-03-12` and `12.03.1984` stand from a position on.
fn dates_in(text: &str, from: usize) -> Vec<Range<usize>> {
    const LENGTH: usize = 10;
    let bytes = text.as_bytes();
    let is_date = |at: &usize| {
        let shape = |year: Range<usize>, marks: [usize; 2]| {
            let date = &bytes[*at..*at + LENGTH];
            let fits = |(i, b): (usize, &u8)| if marks.contains(&i) { b"-._".contains(b) } else { b.is_ascii_digit() };
            date.iter().enumerate().all(fits) && matches!(&date[year], [b'1', b'9', ..] | [b'2', b'0', ..])
        };
        let apart = |at: Option<usize>| !at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        (shape(0..4, [4, 7]) || shape(6..10, [2, 5])) && apart(at.checked_sub(1)) && apart(Some(at + LENGTH))
    };
    let starts = from..(bytes.len() + 1).saturating_sub(LENGTH);
    starts.filter(is_date).map(|at| at..at + LENGTH).collect()
}

/// A stretch that is of this rule's type by its place, if it reads so.
fn typed(
    worker: &mut Worker<'_>,
    keys: &Keyring,
    rule: &str,
    text: &str,
    range: Range<usize>,
    offset: usize,
) -> Option<Stretch> {
    let plan = FieldPlan { treatment: Treatment::Typed(rule.to_owned()), confidence: 700, ..FieldPlan::search("") };
    let value = text.get(range.clone())?;
    let mut found = None;
    worker.values(&plan, value.as_bytes(), &[0, value.len() as u32], &mut |_, hit, form| {
        if matches!(hit.kind, Type::PersonName | Type::DateOfBirth) {
            let fingerprint = keys.current().fingerprint(form);
            let range = offset + range.start..offset + range.end;
            found = Some(Stretch { kind: hit.kind, rule: hit.rule, confidence: hit.confidence, range, fingerprint });
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
        for name in [
            "exports/2026-01-31.csv",
            "main.customers",
            "logs/app-1.2.3.log",
            "a!b/c.jsonl",
            "Jan, Feb/2026-01-31",
            "Paris, Texas",
            "postgres://reader@192.0.2.7:5432/shop",
            "mysql://198.51.100.7/shop",
            "postgres://[2001:db8::7]:5432/shop",
        ] {
            assert_eq!(sealed(name), name);
        }
        for (name, secret) in [
            ("mail/jane@example.com.txt", "jane@example.com"),
            ("mail/jane@example.com/sent.csv.gz", "jane@example.com"),
            ("dumps/jane@example.com.csv.gz!rows.csv", "jane@example.com"),
            ("calls/+1 202-555-0147.log", "202-555-0147"),
            ("hr/Schmidt, Anna/contract.pdf", "Anna"),
            ("hr/Anna Schmidt/contract.pdf", "Schmidt"),
            ("lk/528-82-2033/a.csv", "528-82"),
            ("lk/4111111111111111/a.csv", "411111"),
            ("lk/cust 415-555-0132/a.csv", "555"),
            ("z.zip!528-82-2033/a.csv", "528-82"),
            ("hr/Schmidt, Anna/+1 415-555-0132/a.csv", "555"),
            ("hr/Schmidt, Anna J. 1984-03-12.pdf", "Anna"),
            ("hr/Schmidt, Anna J. 1984-03-12.pdf", "1984"),
            ("hr/Schmidt, Anna (12.03.1984)/a.pdf", "1984"),
            ("patients/born-1984-03-12/notes.txt", "1984-03-12"),
            ("patients.zip!dob_1984-03-12.txt", "1984-03-12"),
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
