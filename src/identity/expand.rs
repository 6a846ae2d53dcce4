//! Expansion: what else may be a person's, by what stands beside their identifiers, for somebody to accept hop by hop.
//!
//! Nothing here is followed by itself. A second address in a person's own record is likely theirs; one in an order may be
//! the recipient's of a gift: who accepts one answers for it, and the next look-up starts from it as well.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::{Fingerprint, Scheme, Type};

use super::claim::PeopleTables;
use super::find::find;
use super::mention::is_mention_of;
use super::records::{Links, RecordId, record_id};
use super::shared::stands_with_several;
use super::{FindOptions, Identifier, Subject};
use crate::index::{Finding, IndexError, Keyring, Reader};

/// An identifier that stands beside those of a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The subject's id.
    pub subject: String,
    /// The identifier's type.
    pub kind: Type,
    /// Its fingerprint, by which it can be accepted.
    pub fp: Fingerprint,
    /// Where it stands beside them: source, object and field.
    pub beside: BTreeSet<(String, String, String)>,
    /// Records of the person in which it stands.
    pub records: u64,
    /// Records that it would add.
    pub more: u64,
    /// Whether it stands with several people, so that it would lead nowhere.
    pub shared: bool,
}

/// What stands beside people's identifiers in the records about them, most telling first.
///
/// # Errors
/// When the index cannot be read.
pub fn candidates(reader: &Reader, keys: &Keyring, subjects: &[Subject]) -> Result<Vec<Candidate>, IndexError> {
    let mut records: BTreeMap<String, BTreeSet<RecordId>> = BTreeMap::new();
    let mut known: BTreeMap<String, HashSet<Fingerprint>> = BTreeMap::new();
    find(reader, keys, subjects, &FindOptions::default(), &mut |location| {
        if !location.weak && !location.shared && !location.refers {
            let finding = &location.finding;
            let id = (finding.object_id, finding.record.whole());
            records.entry(location.subject.clone()).or_default().insert(id);
            known.entry(location.subject.clone()).or_default().insert(finding.fp);
        }
        ControlFlow::Continue(())
    })?;
    let mut found: BTreeMap<(String, Type, Fingerprint), Candidate> = BTreeMap::new();
    for (subject, records) in &records {
        for (object, record) in records {
            let mut here = HashSet::new();
            reader.record_findings(*object, record, &mut |finding| {
                let is_known = known[subject].contains(&finding.fp);
                let identifies = finding.kind != Type::Key && Identifier::is_strong_as(finding.kind);
                // What is said in running text may be anybody's.
                if identifies && !is_known && !finding.field.is_empty() {
                    let id = (subject.clone(), finding.kind, finding.fp);
                    let candidate = found.entry(id).or_insert_with(|| Candidate {
                        subject: subject.clone(),
                        kind: finding.kind,
                        fp: finding.fp,
                        beside: BTreeSet::new(),
                        records: 0,
                        more: 0,
                        shared: false,
                    });
                    let name = (finding.source.to_string(), finding.object.to_string(), finding.field.to_string());
                    candidate.beside.insert(name);
                    candidate.records += u64::from(here.insert(finding.fp));
                }
                ControlFlow::Continue(())
            })?;
        }
    }
    let mut candidates: Vec<Candidate> = found.into_values().collect();
    weigh(reader, &records, &mut candidates)?;
    candidates.sort_by(|a, b| {
        let weight = |of: &Candidate| (of.shared, std::cmp::Reverse(of.records), std::cmp::Reverse(of.more));
        (&a.subject, weight(a), a.kind, a.fp).cmp(&(&b.subject, weight(b), b.kind, b.fp))
    });
    Ok(candidates)
}

/// Where the candidates stand elsewhere, in one sorted pass.
fn weigh(
    reader: &Reader,
    records: &BTreeMap<String, BTreeSet<RecordId>>,
    candidates: &mut [Candidate],
) -> Result<(), IndexError> {
    let mut of_fp: BTreeMap<Fingerprint, Vec<usize>> = BTreeMap::new();
    candidates.iter().enumerate().for_each(|(i, of)| of_fp.entry(of.fp).or_default().push(i));
    let (fps, of): (Vec<_>, Vec<_>) = of_fp.into_iter().unzip();
    let mut everywhere: HashMap<usize, BTreeMap<RecordId, Finding>> = HashMap::new();
    reader.lookup(&fps, &mut |found| {
        let finding = found.finding;
        for &number in of[found.probe].iter().filter(|&&number| candidates[number].kind == finding.kind) {
            if found.scheme == Scheme::Canonical {
                everywhere.entry(number).or_default().insert(record_id(finding), finding.clone());
            }
        }
        ControlFlow::Continue(())
    })?;
    let (mut links, tables) = (Links::new(reader), PeopleTables::new(reader));
    for (number, all) in everywhere {
        let own = &records[&candidates[number].subject];
        candidates[number].more = all.keys().filter(|id| !own.contains(id)).count() as u64;
        let theirs = HashSet::from([candidates[number].fp]);
        let mut said = Vec::new();
        for (id, finding) in &all {
            if !is_mention_of(finding, &links.record(id)?, &theirs, &mut links, &tables)? {
                said.push(id.clone());
            }
        }
        let asked = if said.is_empty() { all.into_keys().collect() } else { said };
        candidates[number].shared = stands_with_several(candidates[number].kind, &asked, &mut links)?;
    }
    Ok(())
}
