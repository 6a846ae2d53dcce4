//! Whose a value is that stands in a person's record: theirs, or somebody else's who is mentioned there.
//!
//! A value is the person's if it is one that led to them, or stands in a record of their own in a field that is about
//! the same role: beside `requester_email` that led here, `requester_name` is theirs and `agent_name` is not. Where a
//! name does not tell, the value is taken for another's: giving one person another's data is a breach.

use std::collections::HashSet;

use residuum_detect::{Fingerprint, Type, standard_form};

use crate::identity::{Identifier, Location, Subject};

/// What is known to be the person's.
#[derive(Default)]
pub(super) struct Known {
    fps: HashSet<Fingerprint>,
    /// Words of their names.
    names: HashSet<Vec<u8>>,
}

impl Known {
    /// What was supplied, and what led to the person.
    pub fn new<'l>(subject: &Subject, locations: impl Iterator<Item = &'l Location>) -> Self {
        let mut known = Self::default();
        known.fps.extend(locations.map(|location| location.finding.fp));
        for identifier in &subject.identifiers {
            if let Identifier::Value { kind: Type::PersonName, form } = identifier {
                known.add_name(form.expose());
            }
        }
        known
    }

    /// The fingerprints of what is theirs.
    pub fn fps(&self) -> &HashSet<Fingerprint> {
        &self.fps
    }

    /// Takes a value of a record of their own for theirs.
    pub fn add(&mut self, kind: Type, fp: Fingerprint, value: &[u8]) {
        self.fps.insert(fp);
        if kind == Type::PersonName
            && let Some(form) = standard_form(kind, &String::from_utf8_lossy(value))
        {
            self.add_name(&form);
        }
    }

    fn add_name(&mut self, form: &[u8]) {
        self.names.extend(form.split(|&byte| byte == b' ').filter(|word| word.len() > 1).map(<[u8]>::to_vec));
    }

    /// Whether a value is theirs. A name is, if all of its words are; an initial is if a word of theirs begins so.
    pub fn has(&self, kind: Type, fp: Fingerprint, value: &[u8]) -> bool {
        if self.fps.contains(&fp) {
            return true;
        }
        if kind != Type::PersonName || self.names.is_empty() {
            return false;
        }
        let Some(form) = standard_form(kind, &String::from_utf8_lossy(value)) else { return false };
        let words: Vec<&[u8]> = form.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect();
        let is_theirs = |word: &&[u8]| match word {
            [initial] | [initial, b'.'] => self.names.iter().any(|name| name[0] == *initial),
            word => self.names.contains(*word) || TITLES.iter().any(|title| title.as_bytes() == *word),
        };
        words.iter().all(is_theirs) && words.iter().any(|word| self.names.contains(*word))
    }
}

/// Words before a name, which identify nobody.
const TITLES: [&str; 8] = ["mr", "mrs", "ms", "miss", "dr", "mr.", "mrs.", "ms."];

/// Whether a value of this type says by itself who somebody is.
pub(super) const fn names_a_person(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::Phone | Type::PersonName | Type::Username | Type::Npi | Type::Maid | Type::Vin)
}

/// Whether a record of another's in which a value of the person's stands mentions them by it: a city or a gender is many
/// people's.
pub(super) fn mentions_a_person(kind: Type) -> bool {
    names_a_person(kind) || Identifier::is_strong_as(kind)
}

/// Whether a value of this type is about somebody, and so another's where another person is mentioned beside it.
pub(super) const fn is_about_a_person(kind: Type) -> bool {
    !matches!(kind, Type::Date | Type::Organization | Type::Url | Type::Other | Type::Key | Type::City)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_theirs_if_all_of_it_is() {
        let mut known = Known::default();
        let fp = |n: u8| Fingerprint([n; 16]);
        known.add(Type::PersonName, fp(1), b"Jane");
        known.add(Type::PersonName, fp(2), b"Roe");
        for (name, expected) in [
            ("Jane Roe", true),
            ("ROE Jane", true),
            ("J. Roe", true),
            ("Ms. Roe", true),
            ("Daniel Roe", false),
            ("Kim Poe", false),
            ("Jane R. Poe", false),
        ] {
            assert_eq!(known.has(Type::PersonName, fp(9), name.as_bytes()), expected, "{name}");
        }
        assert!(known.has(Type::Email, fp(1), b"") && !known.has(Type::Email, fp(3), b"jane@example.com"));
    }
}
