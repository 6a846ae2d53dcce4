//! Canaries: people invented for one run, whom the run must find, or its silence about others means nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use residuum_detect::{Detector, Type};
use residuum_source::{Memory, Source};
use sha2::{Digest as _, Sha256};

use crate::identity::{self, FindOptions, Identifier, Subject};
use crate::index::{Index, IndexError, Keyring};
use crate::keyfile::hex;
use crate::scan::{Scan, ScanError, ScanOptions, Silent};

/// How many canaries were planted, and how many of them were found in every place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Canaries {
    /// Planted.
    pub planted: u64,
    /// Found, each in all of its places.
    pub found: u64,
}

impl Canaries {
    /// Whether none was missed.
    pub fn all_found(&self) -> bool {
        self.planted > 0 && self.planted == self.found
    }
}

/// People planted in each run.
const PLANTED: usize = 5;
/// Places of each: a field, running text, a Base64 wrapping, a SHA-256.
const PLACES: u64 = 4;

/// Plants canaries in an index of their own, under the same keys, scans and looks for them.
///
/// # Errors
/// When there is no room for a temporary index, or no random number.
pub fn plant(detector: &Detector, keys: &Keyring, options: &ScanOptions) -> Result<Canaries, ScanError> {
    let no_room =
        |error: std::io::Error| ScanError::Index(IndexError::Misuse(format!("canaries have no place: {error}")));
    let emails: Vec<String> = (0..PLANTED).map(|_| invented()).collect::<Result<_, _>>()?;
    let rows: Vec<[String; 5]> = emails
        .iter()
        .enumerate()
        .map(|(i, email)| {
            let wrapped = STANDARD.encode(format!("{{\"contact\": \"{email}\"}}"));
            let digest = hex(&Sha256::digest(email));
            [i.to_string(), email.clone(), format!("please write to {email} again"), wrapped, digest]
        })
        .collect();
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let columns = ["id", "email", "note", "payload", "email_sha256"];
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Memory::new("canaries").table("planted", &columns, &rows))];
    let directory = tempfile::tempdir().map_err(no_room)?;
    let index = Index::create_or_open(directory.path(), Keyring::new(keys.current().clone(), Vec::new()))?;
    let options = ScanOptions { jobs: options.jobs, limits: options.limits.clone(), ..ScanOptions::default() };
    Scan::new(&sources, detector, &index, options).run(&Silent)?;
    let subjects: Vec<Subject> = emails
        .iter()
        .enumerate()
        .filter_map(|(i, email)| {
            let identifier = Identifier::value(Type::Email, "canary", email).ok()?;
            Some(Subject { id: i.to_string(), identifiers: vec![identifier] })
        })
        .collect();
    let mut places = [0; PLANTED];
    identity::find(&index.reader()?, index.keys(), &subjects, &FindOptions::default(), &mut |location| {
        if let Some(places) = location.subject.parse().ok().and_then(|i: usize| places.get_mut(i)) {
            *places += 1;
        }
        std::ops::ControlFlow::Continue(())
    })?;
    let found = places.iter().filter(|&&places| places >= PLACES).count() as u64;
    Ok(Canaries { planted: PLANTED as u64, found })
}

/// An address that nobody has: of a domain that is reserved (RFC 2606), with 64 random bits.
fn invented() -> Result<String, ScanError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        ScanError::Index(IndexError::Misuse(format!("the system gives no random numbers: {error}")))
    })?;
    Ok(format!("canary.{}@example.com", hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use residuum_detect::{IndexKey, RuleSet};

    use super::*;

    #[test]
    fn canaries_are_found_by_a_detector_and_not_without_rules() {
        let keys = Keyring::new(IndexKey::new([3; 32]), Vec::new());
        let planted = |rules: &RuleSet| {
            let detector = Detector::new(rules).expect("the rules are valid");
            plant(&detector, &keys, &ScanOptions::default()).expect("there is room")
        };
        assert!(planted(&RuleSet::builtin()).all_found());
        let nothing = planted(&RuleSet::empty());
        assert!(nothing.planted == 5 && nothing.found == 0 && !nothing.all_found());
    }
}
