//! The look-up: identifiers to fingerprints, fingerprints to locations, declared keys to further records.
//!
//! All subjects go through the index together, in sorted passes: one for what was supplied, then one for each
//! hop along declared keys.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use md5::Md5;
use residuum_detect::{FieldPlan, Fingerprint, IndexKey, Scheme, Treatment, Type};
use residuum_source::Record;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::claim::{PeopleTables, is_of_a_role};
use super::shared::{names_a_person, stands_with_several};
use super::subject::{Identifier, Subject};
use crate::index::{Finding, IndexError, Keyring, Match, Place, Reader};
use crate::scan::composite;
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
    /// Whether the keys that led here do not say that the record is the subject's: it is another's, or nobody's.
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

/// A record: the number of its object and what identifies it there.
pub(super) type RecordId = (u32, Record);

/// A part of a name: which, and of how many.
type Token = (usize, usize);

/// What a fingerprint is looked for as.
#[derive(Clone)]
struct Probe {
    subject: usize,
    identifier: usize,
    /// What a finding must be to count: this type, or a digest of it.
    kind: Type,
    scheme: Option<Scheme>,
    /// Set for a part of a name.
    token: Option<Token>,
}

/// A finding that met an identifier of a subject.
struct Met {
    finding: Finding,
    identifier: usize,
    token: Option<Token>,
}

impl Met {
    /// Whether it is a key of another record that names somebody here, and not this record's own.
    fn is_named_by_a_key(&self) -> bool {
        key_role(&self.finding).is_some_and(|role| role != Role::Own)
    }
}

/// What a key says in a record that holds it.
fn key_role(finding: &Finding) -> Option<Role> {
    Role::of_rule(&finding.rule).map(|(role, _)| role)
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
            met[probe.subject].push(Met { finding, identifier, token });
        }
    })?;
    let mut links = Links::new(reader);
    let tables = PeopleTables::new(reader);
    links.read(asked_of(subjects, &met))?;
    let mut people = Vec::new();
    for (subject, met) in subjects.iter().zip(met) {
        let leading = subject.identifiers.len() - options.beside.len();
        let person = Person::new(subject, leading, met, &mut links, options)?;
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

/// The fingerprints of all that was supplied, under every live key.
fn probes(subjects: &[Subject], keys: &Keyring) -> BTreeMap<Fingerprint, Vec<Probe>> {
    let mut probes: BTreeMap<Fingerprint, Vec<Probe>> = BTreeMap::new();
    for (subject, person) in subjects.iter().enumerate() {
        for (identifier, given) in person.identifiers.iter().enumerate() {
            for key in keys.all() {
                let mut add = |fingerprint, kind, scheme, token| {
                    probes.entry(fingerprint).or_default().push(Probe { subject, identifier, kind, scheme, token });
                };
                match given {
                    Identifier::Value { kind, form } => {
                        let form = form.expose();
                        add(key.fingerprint(form), *kind, Some(Scheme::Canonical), None);
                        for fingerprint in digests(key, *kind, form) {
                            add(fingerprint, Type::Digest, None, None);
                        }
                        if *kind == Type::PersonName {
                            for (form, token) in name_forms(form) {
                                add(key.fingerprint(&form), *kind, Some(Scheme::Canonical), token);
                            }
                        }
                        if *kind == Type::DateOfBirth {
                            add(key.fingerprint(form), Type::Date, Some(Scheme::Canonical), None);
                        }
                        if *kind == Type::DeviceId {
                            add(key.fingerprint(form), Type::Maid, Some(Scheme::Canonical), None);
                            add(key.fingerprint(form), Type::CookieId, Some(Scheme::Canonical), None);
                        }
                    }
                    Identifier::Sha256 { kind, digest } => add(key.fingerprint_of_digest(digest), *kind, None, None),
                    Identifier::Fingerprint { kind, fp } => add(*fp, *kind, None, None),
                    Identifier::Key { domain, value } => {
                        add(key.fingerprint_of_key(domain, &key_value(domain, value.expose())), Type::Key, None, None);
                    }
                }
            }
        }
    }
    probes
}

/// The text of a key as a scan fingerprints it; the parts of a key of several fields are separated by commas.
fn key_value(domain: &str, value: &str) -> Vec<u8> {
    let fields = domain.rsplit('.').next().unwrap_or_default();
    if !fields.contains('+') {
        return value.trim().as_bytes().to_vec();
    }
    composite(&value.split(',').map(|part| part.trim().as_bytes()).collect::<Vec<_>>())
}

/// The fingerprints under which a digest of a value stands, for the digests and forms in common use.
fn digests(key: &IndexKey, kind: Type, form: &[u8]) -> Vec<Fingerprint> {
    let mut forms = vec![form.to_vec()];
    if kind == Type::Phone {
        forms.push([b"+", form].concat()); // as advertising platforms ask for it
        if let Some(national) = form.strip_prefix(b"1") {
            forms.push(national.to_vec());
        }
    }
    let mut found = Vec::new();
    for (i, form) in forms.iter().enumerate() {
        if i > 0 {
            found.push(key.fingerprint_of_digest(&Sha256::digest(form).into()));
        }
        found.push(key.fingerprint_of_other_digest("md5", &Md5::digest(form)));
        found.push(key.fingerprint_of_other_digest("sha1", &Sha1::digest(form)));
    }
    found
}

/// Other ways a full name stands: family name first, and its parts in fields of their own.
fn name_forms(form: &[u8]) -> Vec<(Vec<u8>, Option<Token>)> {
    let text = String::from_utf8_lossy(form);
    let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    if tokens.len() < 2 {
        return Vec::new();
    }
    let (last, first) = (tokens[tokens.len() - 1], &tokens[..tokens.len() - 1]);
    let mut forms = vec![(format!("{last} {}", first.join(" ")).into_bytes(), None)];
    let count = tokens.len();
    forms.extend(tokens.iter().enumerate().map(|(i, token)| (token.as_bytes().to_vec(), Some((i, count)))));
    if first.len() > 1 {
        forms.push((first.join(" ").into_bytes(), Some((0, count))));
    }
    forms
}

/// What stands in records, asked for once.
pub(super) struct Links<'r> {
    reader: &'r Reader,
    records: HashMap<RecordId, Arc<Vec<Finding>>>,
    typed: HashMap<u32, Arc<HashSet<String>>>,
}

impl<'r> Links<'r> {
    pub(super) fn new(reader: &'r Reader) -> Self {
        Self { reader, records: HashMap::new(), typed: HashMap::new() }
    }

    /// Whether something stands in a field that holds nothing but what its name says, rather than in a text.
    fn is_typed(&mut self, finding: &Finding) -> Result<bool, IndexError> {
        if let Some(typed) = self.typed.get(&finding.object_id) {
            return Ok(typed.contains(&*finding.field));
        }
        let mut typed = HashSet::new();
        for text in self.reader.plans_of_object(finding.object_id)? {
            let plans: Vec<FieldPlan> = serde_json::from_str(&text).unwrap_or_default();
            let is_typed = |plan: &FieldPlan| matches!(plan.treatment, Treatment::Typed(_));
            typed.extend(plans.into_iter().filter(is_typed).map(|plan| plan.field));
        }
        let is_typed = typed.contains(&*finding.field);
        self.typed.insert(finding.object_id, Arc::new(typed));
        Ok(is_typed)
    }

    /// Reads what stands in these records, in one pass, so that it is at hand.
    fn read(&mut self, mut ids: Vec<RecordId>) -> Result<(), IndexError> {
        ids.retain(|id| !self.records.contains_key(id));
        ids.sort_unstable();
        ids.dedup();
        let mut read: Option<(RecordId, Vec<Finding>)> = None;
        self.reader.findings_of_records(&ids, &mut |finding| {
            let id = record_id(finding);
            match &mut read {
                Some((of, findings)) if *of == id => findings.push(finding.clone()),
                _ => {
                    let done = read.replace((id, vec![finding.clone()]));
                    self.records.extend(done.map(|(id, findings)| (id, Arc::new(findings))));
                }
            }
            ControlFlow::Continue(())
        })?;
        self.records.extend(read.map(|(id, findings)| (id, Arc::new(findings))));
        for id in ids {
            self.records.entry(id).or_default();
        }
        Ok(())
    }

    pub(super) fn record(&mut self, id: &RecordId) -> Result<Arc<Vec<Finding>>, IndexError> {
        if let Some(known) = self.records.get(id) {
            return Ok(known.clone());
        }
        let mut findings = Vec::new();
        self.reader.record_findings(id.0, &id.1, &mut |finding| {
            findings.push(finding.clone());
            ControlFlow::Continue(())
        })?;
        let findings = Arc::new(findings);
        self.records.insert(id.clone(), findings.clone());
        Ok(findings)
    }
}

/// A record about a subject.
struct About {
    /// The chain that led there.
    why: Vec<String>,
    /// The key of another record that led there, if no identifier did.
    through: Option<Arc<Finding>>,
    /// The keys in it by which it was reached.
    keys: Vec<Fingerprint>,
    /// Whether it leads on: it is the subject's as far as keys and fields say.
    leads: bool,
}

/// A subject with all that was found of them.
struct Person<'s> {
    subject: &'s Subject,
    /// How many of the identifiers were supplied; the others lead nowhere.
    leading: usize,
    met: Vec<Met>,
    /// Identifiers that stand with several people.
    shared: BTreeSet<usize>,
    /// Records that are about the subject.
    records: HashMap<RecordId, About>,
    /// Findings of keys that were followed, with what led there.
    keyed: Vec<(Finding, Vec<String>, Arc<Finding>)>,
    /// Records met by weak identifiers only, if nothing else was supplied.
    weak: HashSet<RecordId>,
}

impl<'s> Person<'s> {
    fn new(
        subject: &'s Subject,
        leading: usize,
        met: Vec<Met>,
        links: &mut Links<'_>,
        options: &FindOptions,
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

    /// The records that say by an identifier who they are about, if there are some beside those in whose texts it is
    /// mentioned: a mention in another's record makes it nobody else's.
    fn said_in(&self, identifier: usize, links: &mut Links<'_>) -> Result<Option<Vec<RecordId>>, IndexError> {
        let (mut said, mut is_mentioned) = (Vec::new(), false);
        for met in self.met.iter().filter(|met| met.identifier == identifier) {
            match links.is_typed(&met.finding)? {
                true => said.push(record_id(&met.finding)),
                false => is_mentioned = true,
            }
        }
        Ok((is_mentioned && !said.is_empty()).then_some(said))
    }

    /// Whether a record leads on to what its own keys name: one that is another's, and in which the subject is mentioned,
    /// leads to what is the other's.
    fn leads(
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
        if met.iter().all(|met| met.is_named_by_a_key()) {
            return Ok(false);
        }
        for met in met.iter().filter(|met| met.identifier < self.leading && !self.shared.contains(&met.identifier)) {
            let given = &self.subject.identifiers[met.identifier];
            let is_key = matches!(given, Identifier::Key { .. }) && !met.is_named_by_a_key();
            if given.is_strong() && (is_key || links.is_typed(&met.finding)? && !is_of_a_role(&met.finding.field)) {
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
    fn locations(self) -> Vec<Location> {
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
                let refers = met.is_named_by_a_key() && !self.records.get(&record).is_some_and(|about| about.leads);
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

/// The record that a finding belongs to with what stands beside it: of a cell of a sheet, its row.
fn record_id(finding: &Finding) -> RecordId {
    (finding.object_id, finding.record.whole())
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
