//! A subject with all that was found of them: which records are about them, and where those lead.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use residuum_detect::{Fingerprint, Type};
use residuum_source::Record;

use super::claim::{PeopleTables, is_of_a_role};
use super::find::{FindOptions, Location};
use super::mention::is_mention_of;
use super::probes::Token;
use super::records::{Links, RecordId, record_id};
use super::shared::stands_with_several;
use super::subject::{Identifier, Subject};
use crate::index::{Finding, IndexError, Place};
use crate::scan::keys::Role;

/// A finding that met an identifier of a subject.
pub(super) struct Met {
    pub finding: Finding,
    pub identifier: usize,
    pub token: Option<Token>,
    /// Whether it only mentions the subject in a record that is another's.
    pub is_mention: bool,
}

impl Met {
    /// Whether it is a key of another record that names somebody here, and not this record's own.
    fn is_named_by_a_key(&self) -> bool {
        key_role(&self.finding).is_some_and(|role| role != Role::Own)
    }
}

/// What a key says in a record that holds it.
pub(super) fn key_role(finding: &Finding) -> Option<Role> {
    Role::of_rule(&finding.rule).map(|(role, _)| role)
}

/// Records of one field in a row that are alike before the others are taken to be so.
const ALIKE: usize = 64;

/// A record about a subject.
pub(super) struct About {
    /// The chain that led there.
    pub why: Vec<String>,
    /// The key of another record that led there, if no identifier did.
    pub through: Option<Arc<Finding>>,
    /// The keys in it by which it was reached.
    pub keys: Vec<Fingerprint>,
    /// Whether it leads on: it is the subject's as far as keys and fields say.
    pub leads: bool,
}

/// A subject with all that was found of them.
pub(super) struct Person<'s> {
    pub subject: &'s Subject,
    /// How many of the identifiers were supplied; the others lead nowhere.
    leading: usize,
    pub met: Vec<Met>,
    /// Identifiers that stand with several people.
    pub shared: BTreeSet<usize>,
    /// Records that are about the subject.
    pub records: HashMap<RecordId, About>,
    /// Findings of keys that were followed, with what led there.
    pub keyed: Vec<(Finding, Vec<String>, Arc<Finding>)>,
    /// Records met by weak identifiers only, if nothing else was supplied.
    weak: HashSet<RecordId>,
}

impl<'s> Person<'s> {
    pub fn new(
        subject: &'s Subject,
        leading: usize,
        met: Vec<Met>,
        links: &mut Links<'_>,
        (tables, options): (&PeopleTables<'_>, &FindOptions),
    ) -> Result<Self, IndexError> {
        let mut person = Self {
            subject,
            leading,
            met,
            shared: BTreeSet::new(),
            records: HashMap::new(),
            keyed: Vec::new(),
            weak: HashSet::new(),
        };
        person.mark_mentions(links, tables)?;
        let supplied = &subject.identifiers[..leading];
        for (identifier, given) in supplied.iter().enumerate().filter(|(_, given)| given.is_strong()) {
            let here: Vec<_> =
                person.met.iter().filter(|met| met.identifier == identifier).map(|m| record_id(&m.finding)).collect();
            let is_known = !here.is_empty() && given.digest().is_some_and(|digest| options.shared.contains(&digest));
            let is_shared = is_known
                || !matches!(given, Identifier::Key { .. }) && {
                    let asked = person.said_in(identifier, links)?;
                    stands_with_several(given.kind(), asked.as_deref().unwrap_or(&here), links)?
                };
            if is_shared {
                person.shared.insert(identifier);
                continue;
            }
            for record in here {
                let about = || About { why: vec![name(given)], through: None, keys: Vec::new(), leads: false };
                person.records.entry(record).or_insert_with(about);
            }
            // What a key names is somebody's by what the key says, whether it was given or followed.
            for met in person.met.iter().filter(|met| met.identifier == identifier && met.is_named_by_a_key()) {
                let about = person.records.get_mut(&record_id(&met.finding)).expect("entered just now");
                about.keys.push(met.finding.fp);
            }
        }
        let only_weak = !supplied.iter().any(Identifier::is_strong);
        if only_weak {
            person.weak = person.met_by_all();
        }
        Ok(person)
    }

    /// Marks what only mentions the subject. Of an identifier that stands in very many records the first of each field
    /// tell.
    fn mark_mentions(&mut self, links: &mut Links<'_>, tables: &PeopleTables<'_>) -> Result<(), IndexError> {
        let theirs: HashSet<Fingerprint> = self.met.iter().map(|met| met.finding.fp).collect();
        let mut seen: HashMap<(usize, u32, Arc<str>), (usize, bool)> = HashMap::new();
        for at in 0..self.met.len() {
            let Met { finding, identifier, .. } = &self.met[at];
            let given = &self.subject.identifiers[*identifier];
            if *identifier >= self.leading || !given.is_strong() || matches!(given, Identifier::Key { .. }) {
                continue;
            }
            let of_field = (*identifier, finding.object_id, finding.field.clone());
            let (count, is_mention) = seen.get(&of_field).copied().unwrap_or_default();
            self.met[at].is_mention = match count {
                ALIKE.. => is_mention,
                _ => {
                    let here = links.record(&record_id(finding))?;
                    let is_mention = is_mention_of(finding, &here, &theirs, links, tables)?;
                    let count =
                        if seen.get(&of_field).is_none_or(|(_, held)| *held == is_mention) { count + 1 } else { 0 };
                    seen.insert(of_field, (count, is_mention));
                    is_mention
                }
            };
        }
        Ok(())
    }

    /// The records that say by an identifier who they are about, if there are some beside those in whose texts it is
    /// mentioned: a mention in another's record makes it nobody else's.
    fn said_in(&self, identifier: usize, links: &mut Links<'_>) -> Result<Option<Vec<RecordId>>, IndexError> {
        let (mut said, mut is_mentioned) = (Vec::new(), false);
        for met in self.met.iter().filter(|met| met.identifier == identifier) {
            match !met.is_mention && links.is_typed(&met.finding)? {
                true => said.push(record_id(&met.finding)),
                false => is_mentioned = true,
            }
        }
        Ok((is_mentioned && !said.is_empty()).then_some(said))
    }

    /// Whether a record leads on to what its own keys name: one that is another's, and in which the subject is mentioned,
    /// leads to what is the other's.
    pub fn leads(
        &self,
        record: &RecordId,
        links: &mut Links<'_>,
        tables: &PeopleTables<'_>,
        options: &FindOptions,
    ) -> Result<bool, IndexError> {
        let about = &self.records[record];
        let here = links.record(record)?;
        if !about.keys.is_empty() && (options.follow_mentions || tables.is_theirs(&here, &about.keys)?) {
            return Ok(true);
        }
        if about.through.is_some() {
            return Ok(false);
        }
        let met: Vec<&Met> = self.met.iter().filter(|met| record_id(&met.finding) == *record).collect();
        if met.iter().all(|met| met.is_named_by_a_key() || met.is_mention) {
            return Ok(false);
        }
        for met in met.iter().filter(|met| met.identifier < self.leading && !self.shared.contains(&met.identifier)) {
            let given = &self.subject.identifiers[met.identifier];
            let is_said = |links: &mut Links<'_>| -> Result<bool, IndexError> {
                Ok(!met.is_mention && links.is_typed(&met.finding)? && !is_of_a_role(&met.finding.field))
            };
            let is_key = matches!(given, Identifier::Key { .. }) && !met.is_named_by_a_key();
            if given.is_strong() && (is_key || is_said(links)?) {
                return Ok(true);
            }
        }
        let is_known = |finding: &Finding| met.iter().any(|met| met.finding.fp == finding.fp);
        for finding in here.iter().filter(|finding| !is_known(finding)) {
            let is_ones_own = matches!(finding.kind, Type::Email | Type::UsSsn | Type::UsItin);
            if is_ones_own && links.is_typed(finding)? {
                return Ok(false);
            }
        }
        Ok(!tables.names_another(&here, &about.keys)?)
    }

    /// Records in which every supplied identifier stands; a name counts whole, or with each of its parts.
    fn met_by_all(&self) -> HashSet<RecordId> {
        let mut in_record: HashMap<RecordId, BTreeSet<(usize, Option<usize>)>> = HashMap::new();
        for met in &self.met {
            let part = met.token.map(|(token, _)| token);
            in_record.entry(record_id(&met.finding)).or_default().insert((met.identifier, part));
        }
        let tokens = |identifier: usize| {
            self.met.iter().filter(|m| m.identifier == identifier).find_map(|m| m.token).map_or(0, |(_, n)| n)
        };
        let complete = |found: &BTreeSet<(usize, Option<usize>)>| {
            (0..self.leading).all(|identifier| {
                let parts = tokens(identifier);
                found.contains(&(identifier, None))
                    || (parts > 0 && (0..parts).all(|part| found.contains(&(identifier, Some(part)))))
            })
        };
        in_record.into_iter().filter(|(_, found)| complete(found)).map(|(record, _)| record).collect()
    }

    /// All locations, in canonical order, each once.
    pub fn locations(self) -> Vec<Location> {
        let mut found: Vec<Location> = Vec::new();
        let id = || self.subject.id.clone();
        let tokens_met = |record: &RecordId, identifier: usize| -> BTreeSet<usize> {
            let here = self.met.iter().filter(|met| met.identifier == identifier && record_id(&met.finding) == *record);
            here.filter_map(|met| met.token).map(|(token, _)| token).collect()
        };
        for met in &self.met {
            let given = &self.subject.identifiers[met.identifier];
            let record = record_id(&met.finding);
            let shared = self.shared.contains(&met.identifier);
            let weak = self.weak.contains(&record);
            let (why, through) = match self.records.get(&record) {
                _ if given.is_strong() && met.identifier < self.leading => (vec![name(given)], None),
                Some(about) => ([about.why.clone(), vec![name(given)]].concat(), about.through.clone()),
                None if weak => (vec![name(given)], None),
                None => continue,
            };
            let all_parts = met.token.is_none_or(|(_, count)| tokens_met(&record, met.identifier).len() == count);
            if all_parts {
                let finding = met.finding.clone();
                let refers = met.is_mention
                    || met.is_named_by_a_key() && !self.records.get(&record).is_some_and(|about| about.leads);
                found.push(Location { subject: id(), finding, why, shared, weak, through, refers });
            }
        }
        for (finding, why, through) in &self.keyed {
            let about = &self.records[&record_id(finding)];
            found.push(Location {
                subject: id(),
                finding: finding.clone(),
                why: why.clone(),
                shared: false,
                weak: false,
                through: Some(through.clone()),
                refers: !about.leads,
            });
        }
        found.sort_by(|a, b| order(&a.finding).cmp(&order(&b.finding)).then(a.why.len().cmp(&b.why.len())));
        found.dedup_by(|b, a| order(&a.finding) == order(&b.finding));
        found
    }
}

fn name(given: &Identifier) -> String {
    match given {
        Identifier::Value { kind, .. } => kind.name().to_owned(),
        Identifier::Sha256 { kind, .. } => format!("SHA-256 of {}", kind.name()),
        Identifier::Fingerprint { kind, .. } => format!("accepted {}", kind.name()),
        Identifier::Key { domain, .. } => domain.clone(),
    }
}

/// The canonical order of findings.
fn order(finding: &Finding) -> (&str, &str, &Record, &str, Place, Type, &str) {
    (&finding.source, &finding.object, &finding.record, &finding.field, finding.place, finding.kind, &finding.rule)
}
