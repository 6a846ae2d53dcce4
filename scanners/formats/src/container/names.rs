//! The names of an archive's members, each once.
//!
//! An archive may hold several members of one name: appended versions of a file, say. All of them are read, and
//! places are told apart by name, so the second `a.csv` is called `a.csv#2`, the third `a.csv#3`.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// The names given so far, by a digest: an archive may have millions.
#[derive(Default)]
pub(crate) struct Names {
    /// How often a name has been given.
    given: HashMap<u64, u32, BuildHasherDefault<DefaultHasher>>,
}

impl Names {
    /// The name of the next member, with a number if others have had it.
    pub fn next(&mut self, name: &[u8]) -> Vec<u8> {
        let digest = self.digest(name);
        let mut count = self.given.get(&digest).copied().unwrap_or(0);
        let mut given = name.to_vec();
        loop {
            count += 1;
            if count > 1 {
                given.truncate(name.len());
                given.extend_from_slice(format!("#{count}").as_bytes());
            }
            // Somebody may have called a file so.
            if count == 1 || !self.has(&given) {
                break;
            }
        }
        self.given.insert(digest, count);
        if count > 1 {
            self.given.insert(self.digest(&given), 1);
        }
        given
    }

    /// Whether a member of this name was there before.
    pub fn has(&self, name: &[u8]) -> bool {
        self.given.contains_key(&self.digest(name))
    }

    fn digest(&self, name: &[u8]) -> u64 {
        self.given.hasher().hash_one(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_name_of_its_own() {
        let mut names = Names::default();
        let given: Vec<_> =
            ["a", "a", "a#2", "a", "a#2", "b"].map(|n| String::from_utf8(names.next(n.as_bytes())).unwrap()).into();
        assert_eq!(given, ["a", "a#2", "a#2#2", "a#3", "a#2#3", "b"]);
        let mut names = Names::default();
        let given: Vec<_> = ["a#2", "a", "a"].map(|n| String::from_utf8(names.next(n.as_bytes())).unwrap()).into();
        assert_eq!(given, ["a#2", "a", "a#3"]);
    }
}
