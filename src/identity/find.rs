//! The look-up: identifiers to fingerprints, fingerprints to locations, declared keys to further records.
//!
//! All subjects go through the index together, in sorted passes: one for what was supplied, then one for each
//! hop along declared keys.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_detect::{Fingerprint, Type};

use super::claim::PeopleTables;
use super::person::{About, Met, Person, key_role};
use super::probes::{Probe, probes};
use super::records::{Links, RecordId, record_id};
use super::shared::names_a_person;
use super::subject::{Identifier, Subject};
use crate::index::{Finding, IndexError, Keyring, Match, Reader};
use crate::scan::keys::Role;

/// Subjects that go through the index together: what is known of their records is in memory meanwhile.
const TOGETHER: usize = 8192;

/// Records of one identifier that are read before it is known whether they are needed, at most.
const MANY: usize = 256;

/// Hops along declared keys at most: customer → order → item → … never gets near it.
const HOPS: usize = 16;

/// How to look.
#[derive(Clone, Debug, Default)]
pub struct FindOptions {
    /// Also follow keys that merely mention the person, such as `support_rep_id`.
    pub follow_mentions: bool,
    /// Digests of identifiers that are known to be several people's, whatever stands there now: see
    /// [`Identifier::digest`]. Once one of those people is erased, nothing in the data tells it any more.
    pub shared: HashSet<[u8; 32]>,
    /// Values that are looked for as well, but only in records that are about the subject by what was supplied: they lead
    /// nowhere by themselves.
    pub beside: Vec<Identifier>,
}

/// Where a subject is.
#[derive(Clone, Debug)]
pub struct Location {
    /// The subject's id.
    pub subject: String,
    /// The finding there.
    pub finding: Finding,
    /// The chain that led here, from what was supplied.
    pub why: Vec<String>,
    /// Whether the identifier found here stands with several people, so that it led nowhere else.
    pub shared: bool,
    /// Whether only weak identifiers met here: perhaps a namesake.
    pub weak: bool,
    /// The key in another record of the subject that led to this one, if no identifier did.
    pub through: Option<Arc<Finding>>,
    /// Whether what led here does not say that the record is the subject's: it is another's, or nobody's, and the subject
    /// has a part in it or is mentioned.
    pub refers: bool,
}

/// What a look-up came to.
#[derive(Clone, Debug, Default)]
pub struct FindSummary {
    /// Locations given.
    pub locations: u64,
    /// Subjects with at least one.
    pub found: u64,
    /// Identifiers that stand with several people.
    pub shared: u64,
    /// Those of them that stand in a record that names somebody and is about none of the subjects: once the subjects are
    /// gone they are somebody else's, and nothing in the data tells that they were anything more.
    pub others: Vec<Identifier>,
}

/// Finds the subjects and gives their locations, subject by subject, each in canonical order.
///
/// # Errors
/// When the index is damaged.
pub fn find(
    reader: &Reader,
    keys: &Keyring,
    subjects: &[Subject],
    options: &FindOptions,
    each: &mut dyn FnMut(&Location) -> ControlFlow<()>,
) -> Result<FindSummary, IndexError> {
    let mut summary = FindSummary::default();
    let with_beside: Vec<Subject>;
    let mut subjects = subjects;
    if !options.beside.is_empty() {
        let with = |subject: &Subject| Subject {
            id: subject.id.clone(),
            identifiers: subject.identifiers.iter().chain(&options.beside).cloned().collect(),
        };
        with_beside = subjects.iter().map(with).collect();
        subjects = &with_beside;
    }
    for subjects in subjects.chunks(TOGETHER) {
        if find_some(reader, keys, subjects, options, &mut summary, each)?.is_break() {
            break;
        }
    }
    Ok(summary)
}

/// Finds subjects with one pass for each hop.
fn find_some(
    reader: &Reader,
    keys: &Keyring,
    subjects: &[Subject],
    options: &FindOptions,
    summary: &mut FindSummary,
    each: &mut dyn FnMut(&Location) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, IndexError> {
    let mut met: Vec<Vec<Met>> = subjects.iter().map(|_| Vec::new()).collect();
    let probes = probes(subjects, keys);
    look_up(reader, &probes, &mut |probe, found| {
        let fits = found.finding.kind == probe.kind || found.finding.kind == Type::Digest;
        // As along a key that was followed: whoever invited somebody has no part in what is theirs.
        let is_followed = options.follow_mentions || key_role(found.finding) != Some(Role::Mentions);
        if fits && is_followed && probe.scheme.is_none_or(|scheme| scheme == found.scheme) {
            let (finding, identifier, token) = (found.finding.clone(), probe.identifier, probe.token);
            met[probe.subject].push(Met { finding, identifier, token, is_mention: false });
        }
    })?;
    let mut links = Links::new(reader);
    let tables = PeopleTables::new(reader);
    links.read(asked_of(subjects, &met))?;
    let mut people = Vec::new();
    for (subject, met) in subjects.iter().zip(met) {
        let leading = subject.identifiers.len() - options.beside.len();
        let person = Person::new(subject, leading, met, &mut links, (&tables, options))?;
        summary.shared += person.shared.len() as u64;
        people.push(person);
    }
    follow_keys(reader, &mut people, &mut links, &tables, options)?;
    if summary.shared > 0 {
        let theirs: HashSet<&RecordId> = people.iter().flat_map(|person| person.records.keys()).collect();
        for person in people.iter().filter(|person| !person.shared.is_empty()) {
            let mut others = BTreeSet::new();
            for met in person.met.iter().filter(|met| person.shared.contains(&met.identifier)) {
                let record = record_id(&met.finding);
                if !theirs.contains(&record) && links.record(&record)?.iter().any(names_a_person) {
                    others.insert(met.identifier);
                }
            }
            summary.others.extend(others.into_iter().map(|number| person.subject.identifiers[number].clone()));
        }
    }
    for person in people {
        let locations = person.locations();
        summary.found += u64::from(!locations.is_empty());
        for location in &locations {
            summary.locations += 1;
            if each(location).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The records of which is asked whether they are several people's, so far as they are not very many: those of an
/// identifier that stands in thousands are read one by one, for the second name ends the question.
fn asked_of(subjects: &[Subject], met: &[Vec<Met>]) -> Vec<RecordId> {
    let mut asked = Vec::new();
    for (subject, met) in subjects.iter().zip(met) {
        let mut by_identifier: HashMap<usize, Vec<RecordId>> = HashMap::new();
        for met in met.iter().filter(|met| subject.identifiers[met.identifier].is_strong()) {
            by_identifier.entry(met.identifier).or_default().push(record_id(&met.finding));
        }
        asked.extend(by_identifier.into_values().filter(|records| records.len() <= MANY).flatten());
    }
    asked
}

/// One sorted pass over the index for all probes.
fn look_up(
    reader: &Reader,
    probes: &BTreeMap<Fingerprint, Vec<Probe>>,
    each: &mut dyn FnMut(&Probe, Match<'_>),
) -> Result<(), IndexError> {
    let (fingerprints, of): (Vec<_>, Vec<_>) = probes.iter().map(|(fingerprint, of)| (*fingerprint, of)).unzip();
    reader.lookup(&fingerprints, &mut |found| {
        for probe in of[found.probe] {
            each(probe, found);
        }
        ControlFlow::Continue(())
    })
}

/// Follows the keys of the subjects' records to the records that belong to them, hop by hop.
fn follow_keys(
    reader: &Reader,
    people: &mut [Person<'_>],
    links: &mut Links<'_>,
    tables: &PeopleTables<'_>,
    options: &FindOptions,
) -> Result<(), IndexError> {
    let mut new: Vec<(usize, RecordId)> = Vec::new();
    for (index, person) in people.iter().enumerate() {
        new.extend(person.records.keys().map(|record| (index, record.clone())));
    }
    for _ in 0..HOPS {
        let mut probes: BTreeMap<Fingerprint, Vec<Probe>> = BTreeMap::new();
        let mut chains: HashMap<(usize, Fingerprint), (Vec<String>, Arc<Finding>)> = HashMap::new();
        new.sort_unstable();
        new.dedup();
        links.read(new.iter().map(|(_, record)| record.clone()).collect())?;
        for (index, record) in new.drain(..) {
            let person = &mut people[index];
            if person.records[&record].leads || !person.leads(&record, links, tables, options)? {
                continue;
            }
            let about = person.records.get_mut(&record).expect("it was just asked");
            about.leads = true;
            for finding in links.record(&record)?.iter().filter(|finding| finding.kind == Type::Key) {
                let Some((Role::Own, domain)) = Role::of_rule(&finding.rule) else { continue };
                let chain = [about.why.clone(), vec![domain.to_owned()]].concat();
                if chains.insert((index, finding.fp), (chain, Arc::new(finding.clone()))).is_none() {
                    let probe = Probe { subject: index, identifier: 0, kind: Type::Key, scheme: None, token: None };
                    probes.entry(finding.fp).or_default().push(probe);
                }
            }
        }
        if probes.is_empty() {
            return Ok(());
        }
        look_up(reader, &probes, &mut |probe, found| {
            let is_followed = match key_role(found.finding) {
                Some(Role::Own | Role::Belongs | Role::Refers) => true,
                Some(Role::Mentions) => options.follow_mentions,
                None => false,
            };
            if !is_followed {
                return;
            }
            let person = &mut people[probe.subject];
            let (chain, through) = &chains[&(probe.subject, found.finding.fp)];
            let record = record_id(found.finding);
            if record == record_id(through) {
                return;
            }
            person.keyed.push((found.finding.clone(), chain.clone(), through.clone()));
            let about = person.records.entry(record.clone()).or_insert_with(|| About {
                why: chain.clone(),
                through: Some(through.clone()),
                keys: Vec::new(),
                leads: false,
            });
            about.keys.push(found.finding.fp);
            if !about.leads {
                new.push((probe.subject, record));
            }
        })?;
    }
    Ok(())
}
