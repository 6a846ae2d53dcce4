//! Whose the id of a request is: one id for two people would put the answer to the second in the place of the first's.
//!
//! The register keeps no identifier, but for each request keyed fingerprints, hashed together with its id, so that they
//! neither meet those of the index nor those of another request. Somebody is known again by an identifier that led to
//! them before, or by a record that is theirs.

use std::collections::BTreeSet;

use super::register::Register;
use super::{RequestError, marks};
use crate::identity::{Identifier, Location, Subject};
use crate::index::catalog::bulk;
use crate::index::{IndexError, Keyring};
use crate::keyfile::hex;

/// What one person named for a request is known by.
#[derive(Clone, Debug, Default)]
pub struct Holder {
    marks: BTreeSet<String>,
}

/// What a person is known by who stands in these places; where no strong identifier was given, what was given counts.
pub fn holder<'l>(
    keys: &Keyring,
    request: &str,
    subject: &Subject,
    found: impl Iterator<Item = &'l Location> + Clone,
) -> Holder {
    // In a record that only refers to them they may stand beside the one whose it is.
    let theirs = found.filter(|at| !at.refers);
    let known = marks(keys, subject, theirs);
    let mut by: BTreeSet<String> = known.whom.into_iter().chain(known.records).collect();
    if by.is_empty() {
        for key in keys.all() {
            by.extend(subject.identifiers.iter().filter_map(|of| match of {
                Identifier::Value { form, .. } => Some(hex(&key.fingerprint(form.expose()).0)),
                Identifier::Sha256 { digest, .. } => Some(hex(&key.fingerprint_of_digest(digest).0)),
                Identifier::Fingerprint { fp, .. } => Some(hex(&fp.0)),
                Identifier::Key { .. } => None, // strong, and among the marks
            }));
        }
    }
    let mark = |by: &String| {
        let mut hasher = blake3::Hasher::new_derive_key("residuum 2026 holder of a request");
        hasher.update(&(request.len() as u64).to_le_bytes()).update(request.as_bytes()).update(by.as_bytes());
        hex(&hasher.finalize().as_bytes()[..16])
    };
    Holder { marks: by.iter().map(mark).collect() }
}

impl Register {
    /// How many of these people a request is not about; none of a request of which nobody is known.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn strangers(&mut self, request: &str, people: &[Holder]) -> Result<usize, RequestError> {
        let known: Vec<String> = self
            .catalog
            .rows("SELECT json_group_array(mark) FROM request_mark WHERE request = ?1", &[request.into()])?;
        if known.is_empty() {
            return Ok(0);
        }
        let known: BTreeSet<String> = known.into_iter().collect();
        Ok(people.iter().filter(|of| !of.marks.is_empty() && of.marks.is_disjoint(&known)).count())
    }

    /// Notes that a request is about these people.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn is_about(&mut self, request: &str, people: &[Holder]) -> Result<(), RequestError> {
        let marks: Vec<(&str, &String)> = people.iter().flat_map(|of| &of.marks).map(|mark| (request, mark)).collect();
        self.catalog.run(
            "INSERT OR IGNORE INTO request_mark SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
            &[bulk(&marks)],
        )?;
        Ok(())
    }

    /// Forgets whose requests were that the register has no more.
    pub(super) fn forget_whose(&mut self) -> Result<(), IndexError> {
        let sql = "DELETE FROM request_mark WHERE request NOT IN (SELECT id FROM request)";
        self.catalog.run(sql, &[]).map(drop)
    }
}
