//! From a person to what they are told: their places in the index, the records as they are now, and what of them may be
//! shown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Category, Detector, FieldPlan, Fingerprint, Literals, Treatment, Type};
use residuum_source::{Limits, ObjectPath, Record, RecordKind, Source};
use serde_json::Value;

use super::answer::Answer;
use super::fetched::{self, Fetched};
use super::joint::{self, Others};
use super::look::{KeyWanted, Looked, Seen, look};
use super::model::{DisclosedObject, DisclosedRecord, Disclosure, Fate, Placed};
use super::redact::Why;
use super::show::{Show, Shown};
use super::whose::{
    Known, Roles, is_named_after_people, is_of_a_thing, is_of_another, is_of_staff, list_of, names_a_person,
};
use super::{category, literals, window};
use crate::identity::{self, FindOptions, Location, Subject};
use crate::index::{Finding, IndexError, Keyring, ObjectInfo, Reader, display};
use crate::map::Map;
use crate::request::RequestError;
use crate::request::led::{self, Chains, KeyAt};
use crate::request::opened::{field_plans, opened};
use crate::request::owners::Owners;
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// The field of what stands in the name of an object itself.
const NAME_FIELD: &str = "(name)";

/// Hops along keys from a thing to what it belongs to, at most, as a look-up follows them.
const HOPS: usize = 16;

/// Bytes of records that one disclosure holds at most.
const MOST: u64 = 256 << 20;

/// Discloses what is held of a person.
pub struct Discloser<'a> {
    /// The index to look in.
    pub reader: &'a Reader,
    /// Its keys.
    pub keys: &'a Keyring,
    /// The rules by which records are looked at again.
    pub detector: &'a Detector,
    /// The sources that can be reached.
    pub sources: &'a [Box<dyn Source>],
    /// What the owner says of the data.
    pub map: &'a Map,
    /// The person's identifiers as they are written, where a verification has found something by them.
    pub literals: Option<&'a dyn Literals>,
    /// Whether the index has read everything that is listed, and every source could be reached.
    pub index_is_complete: bool,
    /// Bounds on what an object may cost.
    pub limits: &'a Limits,
    /// Becomes true when it should stop.
    pub stop: &'a AtomicBool,
    /// Told which of how many objects is read next.
    pub progress: &'a dyn Fn(usize, usize),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The first day of the window, `YYYY-MM-DD`.
    pub since: String,
    /// Whether categories are asked for only.
    pub categories_only: bool,
    /// The request it answers.
    pub request: Option<String>,
}

/// An object that holds records of the person.
pub(super) struct Held<'a> {
    pub info: ObjectInfo,
    pub plans: HashMap<String, FieldPlan>,
    /// The records by what the index calls them, with the positions of their places.
    records: BTreeMap<Record, Vec<usize>>,
    source: Option<&'a dyn Source>,
}

/// A record that still holds the person.
pub(super) struct HeldRecord {
    /// As the index calls it.
    pub record: Record,
    /// Positions of its places.
    pub places: Vec<usize>,
    pub looked: Looked,
    /// What the index has in it.
    pub findings: Vec<Finding>,
    /// The roles in which the person stands in it.
    pub roles: Roles,
    /// Whether it is the person's own.
    pub is_own: bool,
    /// Keys of things by which it is theirs if the thing is: of an item, that of its order.
    things: Vec<Fingerprint>,
    /// What was seen that says who fills another role in it: it is their own only if they fill that as well.
    rivals: Vec<usize>,
    /// What of it is another holder's, as far as the person's own is not known.
    others: Others,
}

/// How a person stands in a record.
struct Standing {
    roles: Roles,
    /// Whether the record is their own by what stands in it.
    is_own: bool,
    /// Keys of things by which it is theirs if the thing is.
    things: Vec<Fingerprint>,
}

/// Places with what became of them, as it turns out.
struct Places {
    all: Vec<Location>,
    fates: Vec<Option<Fate>>,
}

impl Discloser<'_> {
    /// Looks a person up and gathers what is held of them.
    ///
    /// Every place that the index has is accounted for in [`Disclosure::places`].
    ///
    /// # Errors
    /// When the index cannot be read, or it was asked to stop. What a source refuses is told in the disclosure.
    pub fn disclose(&self, subject: &Subject, scope: &Scope) -> Result<Disclosure, RequestError> {
        let mut places = self.find(subject)?;
        let known = Known::new(subject, places.all.iter().filter(|at| !at.weak && !at.shared));
        let held = self.held(&mut places)?;
        let chains = Chains::new(|| places.all.iter());
        let (mut keys, mut standing) = (chains.keys(), led::Standing::default());
        let mut answer = Answer::default();
        let owners = Owners::new(self.reader);
        let mut disclosed: Vec<(usize, Vec<HeldRecord>)> = Vec::new();
        let mut left = MOST;
        let count = held.len();
        for (number, object) in held.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(RequestError::Stopped);
            }
            (self.progress)(number + 1, count);
            let said = self.map.object(&object.info.source, &object.info.path).field("");
            let fate = match () {
                () if said.no_search.is_some() => said.no_search.map(|why| Fate::NotSearched(why.described_as.clone())),
                () if scope.categories_only => Some(Fate::CategoriesOnly),
                () => None,
            };
            if let Some(fate) = fate {
                self.answer_from_index(&held, object, (&owners, &places.all), &mut answer)?;
                places.settle(object.records.values().flatten(), &fate);
                // What is not to be read counts as the index has it.
                let keys = keys.remove(&object.info.object).unwrap_or_default();
                for (record, at) in &object.records {
                    let fps = at.iter().map(|&at| places.all[at].finding.fp).chain(keys.iter().map(|key| key.2));
                    standing.of.insert((object.info.object, record.clone()), fps.collect());
                }
                continue;
            }
            let led = keys.remove(&object.info.object).unwrap_or_default();
            match self.current(object, (&owners, &places.all), led, &mut left)? {
                Ok(records) => {
                    let there: HashSet<&Record> = records.iter().map(|held| &held.record).collect();
                    let gone = object.records.iter().filter(|(record, _)| !there.contains(record));
                    let gone: Vec<usize> = gone.flat_map(|(_, at)| at).copied().collect();
                    places.settle(&gone, &Fate::Gone);
                    disclosed.push((number, records));
                }
                Err(why) => {
                    self.answer_from_index(&held, object, (&owners, &places.all), &mut answer)?;
                    places.settle(object.records.values().flatten(), &Fate::NotFetched(why));
                }
            }
        }
        for (number, records) in &disclosed {
            for held_record in records {
                let fps = held_record.looked.seen.iter().flat_map(Seen::fps).collect();
                standing.of.insert((held[*number].info.object, held_record.record.clone()), fps);
            }
        }
        let broken = chains.broken(&standing);
        for (number, records) in &mut disclosed {
            let object = held[*number].info.object;
            records.retain(|record| {
                let Some(keys) = broken.get(&(object, record.record.clone())) else { return true };
                let leads = |&&at: &&usize| {
                    let Location { finding, shared, weak, .. } = &places.all[at];
                    let is_there = || record.looked.seen.iter().any(|seen| seen.is(finding.fp));
                    !shared && !weak && led::leads(finding.kind) && !keys.contains(&finding.fp) && is_there()
                };
                let stays = record.places.iter().any(|at| leads(&at));
                if !stays {
                    places.settle(&record.places, &Fate::Changed);
                }
                stays
            });
        }
        let elsewhere = self.elsewhere(&known, &places.all, &held, &disclosed)?;
        let known = self.knows(known, &elsewhere, &held, &mut disclosed);
        let mut objects = self.show(&held, disclosed, &known, scope, &mut places, &mut answer)?;
        objects.retain(|object| !object.records.is_empty());
        let undated =
            objects.iter().flat_map(|object| &object.records).filter(|record| record.collected.is_none()).count();
        let mut warnings = Vec::new();
        if undated > 0 && !scope.categories_only {
            warnings.push(format!(
                "{undated} records have no recorded day of collection, or one that can be read in two ways, and are included: `collected_at` in `[[map]]` says where it stands"
            ));
        }
        let answer = answer.resolved(self.map);
        warnings.extend(answer.gaps.iter().cloned());
        Ok(Disclosure {
            made: crate::clock::utc(std::time::SystemTime::now()),
            request: scope.request.clone(),
            since: scope.since.clone(),
            categories_only: scope.categories_only,
            index_is_complete: self.index_is_complete,
            objects,
            answer,
            places: places.placed(),
            warnings,
        })
    }

    /// The person's places; what is joint or perhaps a namesake's is settled at once.
    fn find(&self, subject: &Subject) -> Result<Places, RequestError> {
        let mut all = Vec::new();
        let subjects = std::slice::from_ref(subject);
        identity::find(self.reader, self.keys, subjects, &FindOptions::default(), &mut |location| {
            all.push(location.clone());
            ControlFlow::Continue(())
        })?;
        let fates = vec![None; all.len()];
        Ok(Places { all, fates })
    }

    /// The objects with records to be read.
    fn held(&self, places: &mut Places) -> Result<Vec<Held<'_>>, RequestError> {
        let mut records: BTreeMap<u32, BTreeMap<Record, Vec<usize>>> = BTreeMap::new();
        for (at, location) in places.all.iter().enumerate() {
            if &*location.finding.field == NAME_FIELD {
                places.fates[at] = Some(match location {
                    Location { shared: true, .. } => Fate::Joint,
                    Location { weak: true, .. } => Fate::Possible,
                    _ => Fate::ObjectName,
                });
                continue;
            }
            let of_object = records.entry(location.finding.object_id).or_default();
            of_object.entry(location.finding.record.whole()).or_default().push(at);
        }
        for at in records.values().flat_map(BTreeMap::values) {
            let leads = |&&at: &&usize| !places.all[at].shared && !places.all[at].weak;
            if at.iter().find(leads).is_none() {
                for &at in at {
                    places.fates[at] = Some(if places.all[at].shared { Fate::Joint } else { Fate::Possible });
                }
            }
        }
        for of_object in records.values_mut() {
            of_object.retain(|_, at| places.fates[at[0]].is_none());
        }
        records.retain(|_, of_object| !of_object.is_empty());
        let numbers: Vec<u32> = records.keys().copied().collect();
        let mut worker = self.detector.worker();
        let names: Vec<String> = self.sources.iter().map(|of| seal_name(&mut worker, self.keys, of.name())).collect();
        let mut held = Vec::new();
        for info in self.reader.objects_numbered(&numbers)? {
            let plans = field_plans(self.reader, self.keys, info.object)?;
            let plans = plans.into_iter().map(|plan| (plan.field.clone(), plan)).collect();
            let source = names.iter().position(|name| **name == *info.source).map(|at| self.sources[at].as_ref());
            let records = records.remove(&info.object).unwrap_or_default();
            held.push(Held { info, plans, records, source });
        }
        held.sort_by(|a, b| (&a.info.source, &a.info.path).cmp(&(&b.info.source, &b.info.path)));
        Ok(held)
    }

    /// An object's records as they are now, those that hold the person still; or why they cannot be read.
    fn current(
        &self,
        object: &Held<'_>,
        (owners, all): (&Owners<'_>, &[Location]),
        led_on: Vec<KeyAt>,
        left: &mut u64,
    ) -> Result<Result<Vec<HeldRecord>, String>, RequestError> {
        let Some(source) = object.source else {
            return Ok(Err("the source was not named or cannot be reached".to_owned()));
        };
        let name = |name: &str| -> Result<ObjectPath, IndexError> {
            let name = self.keys.reveal(name)?;
            ObjectPath::from_escaped(&name).map_err(|_| IndexError::Misuse("a name of an object is none".to_owned()))
        };
        let part = name(&object.info.path)?;
        let mut by_source: HashMap<Record, &Record> = HashMap::new();
        for record in object.records.keys() {
            by_source.insert(opened(self.keys, record)?.whole(), record);
        }
        let mut wanted: Vec<Record> = by_source.keys().cloned().collect();
        wanted.sort();
        let fetched = match fetched::fetch(source, &part.outermost(), &part, &wanted, self.limits, *left) {
            Ok(fetched) => fetched,
            // What a system says of an object may hold its name, and that another person's.
            Err(why) => return Ok(Err(display(&seal_name(&mut self.detector.worker(), self.keys, &why)))),
        };
        *left = left.saturating_sub(fetched.iter().map(size).sum());
        // Keys that led here, and others of the same domains: they are somebody else's.
        let key_of = |finding: &Finding| Role::of_rule(&finding.rule).map(|(role, domain)| (role, domain.to_owned()));
        let led = object.records.values().flatten().map(|&at| &all[at].finding);
        let domains: HashSet<String> = led.filter_map(key_of).map(|(_, domain)| domain).collect();
        let mut keys: Vec<KeyWanted> = Vec::new();
        for (field, rule, fp) in led_on {
            if let Some((_, domain)) = Role::of_rule(&rule) {
                keys.push((self.keys.reveal(&field)?, domain.to_owned(), fp));
            }
        }
        let mut findings: HashMap<&Record, Vec<Finding>> = HashMap::new();
        for (record, at) in &object.records {
            let here = self.findings(object, record)?;
            let of_locations = at.iter().map(|&at| &all[at].finding);
            let others = here.iter().filter(|finding| {
                key_of(finding).is_some_and(|(role, domain)| role != Role::Own && domains.contains(&domain))
            });
            for finding in of_locations.chain(others) {
                if let Some((_, domain)) = key_of(finding) {
                    keys.push((self.keys.reveal(&finding.field)?, domain, finding.fp));
                }
            }
            findings.insert(record, here);
        }
        keys.sort_by(|a, b| (&a.0, &a.1, a.2.0).cmp(&(&b.0, &b.1, b.2.0)));
        keys.dedup();
        let plans: Vec<FieldPlan> = object.plans.values().cloned().collect();
        let mut records = Vec::new();
        for looked in look(self.detector, self.keys, &plans, self.literals, self.limits.nesting, fetched, &keys) {
            let Some(&record) = by_source.get(&looked.fetched.record) else { continue };
            let places = object.records[record].clone();
            let is_there = |&at: &usize| {
                let leads = !all[at].shared && !all[at].weak;
                leads && looked.seen.iter().any(|seen| seen.is(all[at].finding.fp))
            };
            if !places.iter().any(is_there) {
                continue; // it does not hold the person any more
            }
            let findings = findings.remove(record).unwrap_or_default();
            let standing = self.standing((object, record, &places), (owners, all), &findings, Some(&looked))?;
            let Standing { roles, is_own, things } = standing;
            let is_rival =
                |seen: &Seen| names_a_person(seen.kind) && object.is_typed(&seen.path) && roles.has_rival(&seen.path);
            let rivals = (0..looked.seen.len()).filter(|&at| is_rival(&looked.seen[at])).collect();
            let others = Others::new();
            let record = record.clone();
            records.push(HeldRecord { record, places, looked, findings, roles, is_own, things, rivals, others });
        }
        records.sort_by(|a, b| a.record.cmp(&b.record));
        Ok(Ok(records))
    }

    /// What the index has in a record.
    fn findings(&self, object: &Held<'_>, record: &Record) -> Result<Vec<Finding>, IndexError> {
        let mut here = Vec::new();
        self.reader.record_findings(object.info.object, record, &mut |finding| {
            here.push(finding.clone());
            ControlFlow::Continue(())
        })?;
        Ok(here)
    }

    /// How the person stands in a record, and whether it is their own: a field of it is theirs or its key says so, and it
    /// is no running text. Of a record that was not read again the index tells.
    fn standing(
        &self,
        (object, record, places): (&Held<'_>, &Record, &[usize]),
        (owners, all): (&Owners<'_>, &[Location]),
        findings: &[Finding],
        looked: Option<&Looked>,
    ) -> Result<Standing, IndexError> {
        let (mut fields, mut things) = (Vec::new(), Vec::new());
        for &at in places.iter().filter(|&&at| !all[at].shared && !all[at].weak) {
            let finding = &all[at].finding;
            let field = self.keys.reveal(&finding.field)?;
            let is_there = looked.is_none_or(|looked| looked.seen.iter().any(|seen| seen.is(finding.fp)));
            match Role::of_rule(&finding.rule) {
                _ if !is_there => {}
                Some((Role::Belongs, domain))
                    if domain.rsplit('.').nth(1).is_some_and(|of| is_of_a_thing(&field, of)) =>
                {
                    things.push(finding.fp);
                }
                Some((Role::Own | Role::Belongs, _)) => fields.push(field),
                _ if object.is_typed(&field) => fields.push(field),
                _ => {}
            }
        }
        let mut names = Vec::new();
        match looked {
            Some(looked) => names.extend(looked.fetched.fields.iter().map(|field| field.name.to_string())),
            None => names.extend(findings.iter().map(|of| self.keys.reveal(&of.field)).collect::<Result<Vec<_>, _>>()?),
        }
        let is_element = record.kind() == RecordKind::Row;
        let list = if is_element { list_of(names.iter().map(String::as_str)) } else { String::new() };
        let led = Roles::in_list(list.clone(), fields.iter().map(String::as_str));
        // A line of JSON Lines has fields, a line of a log has none.
        let is_running_text =
            looked.is_some_and(|looked| looked.fetched.fields.iter().all(|field| field.name.is_empty()));
        let is_text = is_running_text || matches!(record.kind(), RecordKind::Part | RecordKind::Page);
        let is_own = !is_text && led.is_own() && !self.serves_another(&led, findings)?;
        if is_text || !things.is_empty() && self.names_an_owner(owners, places, all, findings)? {
            things.clear();
        }
        let as_thing = if things.is_empty() { None } else { Some("") };
        let roles = Roles::in_list(list, fields.iter().map(String::as_str).chain(as_thing));
        Ok(Standing { roles, is_own, things })
    }

    /// Whether a key that did not lead to a record says that it is of somebody else.
    fn names_an_owner(
        &self,
        owners: &Owners<'_>,
        places: &[usize],
        all: &[Location],
        findings: &[Finding],
    ) -> Result<bool, IndexError> {
        for finding in findings.iter().filter(|of| places.iter().all(|&at| all[at].finding.fp != of.fp)) {
            if let Some((Role::Belongs | Role::Mentions, domain)) = Role::of_rule(&finding.rule)
                && !domain.rsplit('.').nth(1).is_some_and(is_of_staff)
                && owners.is_of_people(domain)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the person stands in a record as an employee, and a key says whom they serve there.
    fn serves_another(&self, roles: &Roles, findings: &[Finding]) -> Result<bool, IndexError> {
        let refers =
            |finding: &&Finding| matches!(Role::of_rule(&finding.rule), Some((Role::Belongs | Role::Mentions, _)));
        for finding in findings.iter().filter(|_| roles.is_employee()).filter(refers) {
            if roles.has_rival(&self.keys.reveal(&finding.field)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds to what is known to be theirs what stands in records of their own, in fields that are about them. Records in
    /// which another role is filled come last: by then it may be known that it is they who fill it.
    fn knows(
        &self,
        mut known: Known,
        elsewhere: &HashSet<Fingerprint>,
        held: &[Held<'_>],
        disclosed: &mut [(usize, Vec<HeldRecord>)],
    ) -> Known {
        let all = |disclosed: &mut [(usize, Vec<HeldRecord>)], learn: &mut dyn FnMut(usize, &mut HeldRecord)| {
            for (number, records) in disclosed {
                records.iter_mut().for_each(|record| learn(*number, record));
            }
        };
        for has_rivals in [false, true] {
            all(disclosed, &mut |number, record| {
                if record.rivals.is_empty() != has_rivals {
                    record.is_own &= record.rivals.iter().all(|&at| record.knows(&known, &record.looked.seen[at]));
                    record.learn(&held[number], elsewhere, &mut known);
                }
            });
        }
        // What belongs to a thing of theirs is theirs, and what belongs to that.
        loop {
            let own = disclosed.iter().flat_map(|(_, records)| records).filter(|record| record.is_own);
            let keys = own.flat_map(|record| &record.findings);
            let keys: HashSet<Fingerprint> = keys
                .filter(|finding| matches!(Role::of_rule(&finding.rule), Some((Role::Own, _))))
                .map(|finding| finding.fp)
                .collect();
            let mut is_more = false;
            all(disclosed, &mut |number, record| {
                let has_rivals = record.rivals.iter().any(|&at| !record.knows(&known, &record.looked.seen[at]));
                if !record.is_own && !has_rivals && record.things.iter().any(|of| keys.contains(of)) {
                    (record.is_own, is_more) = (true, true);
                    record.learn(&held[number], elsewhere, &mut known);
                }
            });
            if !is_more {
                return known;
            }
        }
    }

    /// What stands in records of the person's and elsewhere in records of others.
    fn elsewhere(
        &self,
        known: &Known,
        places: &[Location],
        held: &[Held<'_>],
        disclosed: &[(usize, Vec<HeldRecord>)],
    ) -> Result<HashSet<Fingerprint>, IndexError> {
        let (mut wanted, mut names, mut people) = (HashSet::new(), known.fps().clone(), HashSet::new());
        for (number, record) in disclosed.iter().flat_map(|(of, records)| records.iter().map(|record| (*of, record))) {
            for seen in &record.looked.seen {
                if joint::is_ones_own(seen.kind) && !record.knows(known, seen) {
                    wanted.extend(seen.fps().map(|fp| (seen.kind, fp)));
                }
                if seen.kind == Type::PersonName && held[number].is_typed(&seen.path) && record.roles.has(&seen.path) {
                    names.extend(seen.fps());
                }
            }
            let owned = record.findings.iter().filter_map(|finding| Role::of_rule(&finding.rule));
            let table = |domain: &str| domain.rsplit('.').nth(1).is_some_and(is_named_after_people);
            people.extend(owned.filter(|(role, of)| *role == Role::Own && table(of)).map(|(_, of)| of.to_owned()));
        }
        joint::elsewhere(self.reader, places, &wanted, &names, &people)
    }

    fn show(
        &self,
        held: &[Held<'_>],
        disclosed: Vec<(usize, Vec<HeldRecord>)>,
        known: &Known,
        scope: &Scope,
        places: &mut Places,
        answer: &mut Answer,
    ) -> Result<Vec<DisclosedObject>, RequestError> {
        let mut show = Show::new(self.detector, self.keys, known);
        disclosed.iter().flat_map(|(_, records)| records).for_each(|record| show.note_withheld(record));
        let mut objects = Vec::new();
        for (number, records) in disclosed {
            let object = &held[number];
            let said = self.map.object(&object.info.source, &object.info.path);
            let collected_at = said.field("").collected_at;
            let mut out = DisclosedObject {
                source: display(&object.info.source),
                object: display(&object.info.path),
                fields: Vec::new(),
                records: Vec::new(),
            };
            for record in records {
                let collected = collected_at.and_then(|field| window::collected(&record.looked.fetched, field));
                let is_before = collected.as_ref().is_some_and(|day| *day < scope.since);
                let shown = show.record(object, &record, &mut out.fields);
                let is_told = shown.tells();
                for &at in &record.places {
                    let fate = match is_before {
                        true => Fate::BeforeWindow,
                        false => self.fate(&places.all[at].finding, &record, &shown)?,
                    };
                    // The record is there, without this.
                    places.fates[at] = Some(match fate {
                        Fate::Joint if is_told => Fate::LeftOut,
                        Fate::Disclosed if shown.is_excerpt && record.has_lists() => Fate::InPart,
                        fate => fate,
                    });
                }
                if is_before || !is_told {
                    continue;
                }
                for (field, category) in &shown.held {
                    answer.add(&out.source, &out.object, field, std::iter::once(*category));
                }
                out.records.push(DisclosedRecord {
                    kind: record.record.kind().name(),
                    key: shown_key(record.record.key_json(&object.info.primary_key)),
                    is_dated: collected_at.is_some(),
                    collected,
                    values: shown.values,
                    is_excerpt: shown.is_excerpt,
                });
            }
            objects.push(out);
        }
        literals::replace(&mut objects, &show.into_literals())?;
        Ok(objects)
    }

    /// What became of a place in a record that is shown; of several of the same value in its field, of one that is.
    fn fate(&self, place: &Finding, record: &HeldRecord, shown: &Shown) -> Result<Fate, IndexError> {
        let field = self.keys.reveal(&place.field)?;
        // The field of a key of several fields is `a+b`.
        let is_in = |path: &str| path == field || place.kind == Type::Key && field.split('+').any(|part| part == path);
        let here = record.looked.seen.iter().filter(|seen| seen.is(place.fp) && is_in(&seen.path));
        Ok(match here.map(|seen| shown.why_not(seen)).min() {
            None => Fate::Gone,
            Some(None) => Fate::Disclosed,
            Some(Some(Why::Never(what))) => Fate::Withheld(what),
            Some(Some(Why::Another(_))) => Fate::Joint,
        })
    }

    /// Whether one of these keys is of a thing that is the person's own, by the index.
    fn is_a_thing_theirs(
        &self,
        held: &[Held<'_>],
        things: &[Fingerprint],
        (owners, all): (&Owners<'_>, &[Location]),
        hops: usize,
    ) -> Result<bool, IndexError> {
        let mut of = Vec::new();
        if hops > 0 && !things.is_empty() {
            self.reader.lookup(things, &mut |found| {
                if matches!(Role::of_rule(&found.finding.rule), Some((Role::Own, _))) {
                    of.push((found.finding.object_id, found.finding.record.whole()));
                }
                ControlFlow::Continue(())
            })?;
        }
        for (number, record) in of {
            let Some(object) = held.iter().find(|object| object.info.object == number) else { continue };
            let Some(places) = object.records.get(&record) else { continue };
            let here = self.findings(object, &record)?;
            let standing = self.standing((object, &record, places), (owners, all), &here, None)?;
            if standing.is_own || self.is_a_thing_theirs(held, &standing.things, (owners, all), hops - 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Which categories are held of the person in records that are not read, as the index has them: as if they were shown,
    /// but for the window.
    fn answer_from_index(
        &self,
        held: &[Held<'_>],
        object: &Held<'_>,
        (owners, all): (&Owners<'_>, &[Location]),
        answer: &mut Answer,
    ) -> Result<(), IndexError> {
        let (source, name) = (display(&object.info.source), display(&object.info.path));
        answer.is_undated = true;
        for (record, places) in &object.records {
            let leads = places.iter().map(|&at| &all[at]).filter(|at| !at.shared && !at.weak);
            let theirs: HashSet<Fingerprint> = leads.map(|at| at.finding.fp).collect();
            let here = self.findings(object, record)?;
            let Standing { roles, is_own, things } =
                self.standing((object, record, places), (owners, all), &here, None)?;
            let is_own = is_own || self.is_a_thing_theirs(held, &things, (owners, all), HOPS)?;
            let mut findings = Vec::new();
            for finding in here.into_iter().filter(|finding| finding.kind != Type::Key) {
                findings.push((self.keys.reveal(&finding.field)?, finding));
            }
            let names_another = |finding: &Finding| names_a_person(finding.kind) && !theirs.contains(&finding.fp);
            let has_rival = findings
                .iter()
                .any(|(field, finding)| names_another(finding) && object.is_typed(field) && roles.has_rival(field));
            let is_whole = is_own && !has_rival;
            for (field, finding) in &findings {
                let is_anothers =
                    !roles.has(field) || is_of_another(field) || names_another(finding) && !object.is_typed(field);
                if theirs.contains(&finding.fp) || is_whole && !is_anothers {
                    let rule = self.detector.rules().iter().find(|rule| rule.id == *finding.rule);
                    let categories = rule.map_or(finding.kind.categories(), |rule| rule.categories.as_slice());
                    answer.add(&source, &name, &display(&finding.field), categories.iter().copied());
                }
            }
            if let Some(category) = category::of_name(&name, "").filter(|_| is_whole) {
                answer.add(&source, &name, "", std::iter::once::<Category>(category));
            }
        }
        Ok(())
    }
}

impl HeldRecord {
    /// Adds to what is known to be theirs what stands in it in fields about them, if it is their own.
    fn learn(&mut self, object: &Held<'_>, elsewhere: &HashSet<Fingerprint>, known: &mut Known) {
        self.others = joint::others(object, self, known, elsewhere);
        if !self.is_own || self.record.kind() == RecordKind::Document {
            return;
        }
        for seen in &self.looked.seen {
            let is_theirs = object.is_typed(&seen.path) && self.roles.has(&seen.path) && !is_of_another(&seen.path);
            if is_theirs && seen.kind != Type::Key && !self.others.contains(&joint::place(seen)) {
                seen.fps().for_each(|fp| known.add(seen.kind, fp, self.looked.bytes(seen)));
            }
        }
    }

    /// Whether it is a document with lists, of which nothing tells which values stand in one element.
    fn has_lists(&self) -> bool {
        let is_document = self.record.kind() == RecordKind::Document;
        is_document && self.looked.fetched.fields.iter().any(|field| field.name.contains("[]"))
    }

    /// Whether something in it is another holder's; what is known to be the person's is not.
    pub fn is_another_holders(&self, known: &Known, seen: &Seen) -> bool {
        self.others.contains(&joint::place(seen)) && !self.knows(known, seen)
    }

    /// Whether something in it is the person's by what is known of them, or is a part of their own address.
    pub fn knows(&self, known: &Known, seen: &Seen) -> bool {
        let has = |seen: &Seen| seen.fps().any(|fp| known.has(seen.kind, fp, self.looked.bytes(seen)));
        let is_around = |of: &&Seen| {
            of.kind == Type::Email
                && (of.field, of.value) == (seen.field, seen.value)
                && of.range.start <= seen.range.start
                && of.range.end >= seen.range.end
        };
        has(seen) || may_be_part(seen.kind) && self.looked.seen.iter().filter(is_around).any(has)
    }

    /// Whether what the index has found somewhere in it is a part of an address that is the person's.
    pub fn is_part_of_theirs(&self, known: &Known, finding: &Finding) -> bool {
        let is_around =
            |of: &&Finding| of.kind == Type::Email && of.field == finding.field && of.place.holds(finding.place);
        let mut around = self.findings.iter().filter(is_around);
        may_be_part(finding.kind) && around.any(|of| known.has(of.kind, of.fp, b""))
    }
}

/// Whether a value of this type may be a part of an address, taken for something by itself.
const fn may_be_part(kind: Type) -> bool {
    matches!(kind, Type::Username | Type::PersonName | Type::Url | Type::Organization)
}

impl Held<'_> {
    /// Whether a field holds what its name says rather than text in which something is said.
    pub fn is_typed(&self, field: &str) -> bool {
        self.plans.get(field).is_some_and(|plan| matches!(plan.treatment, Treatment::Typed(_)))
    }
}

impl Places {
    fn settle<'n>(&mut self, at: impl IntoIterator<Item = &'n usize>, fate: &Fate) {
        at.into_iter().for_each(|&at| self.fates[at] = Some(fate.clone()));
    }

    fn placed(self) -> Vec<Placed> {
        let placed = |(location, fate): (Location, Option<Fate>)| {
            let finding = location.finding;
            Placed {
                source: display(&finding.source),
                object: display(&finding.object),
                record_kind: finding.record.kind().name(),
                record: shown_key(finding.record.key_json(&finding.primary_key)),
                field: display(&finding.field),
                kind: finding.kind,
                // What nothing was said of is not passed over in silence.
                fate: fate
                    .unwrap_or_else(|| Fate::NotFetched("the index does not know its object any more".to_owned())),
            }
        };
        self.all.into_iter().zip(self.fates).map(placed).collect()
    }
}

fn size(record: &Fetched) -> u64 {
    record.fields.iter().flat_map(|field| &field.values).map(|value| value.len() as u64).sum()
}

/// A key whose personal parts stay sealed, shortened.
pub(super) fn shown_key(value: Value) -> Value {
    match value {
        Value::String(text) => row_of_sheet(&text).unwrap_or_else(|| Value::String(display(&text))),
        Value::Array(items) => items.into_iter().map(shown_key).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, item)| (name, shown_key(item))).collect(),
        other => other,
    }
}

/// The row of a sheet, which stands as its cells do without the column: `["Clients",18`.
fn row_of_sheet(text: &str) -> Option<Value> {
    let (sheet, row): (String, u64) = serde_json::from_str(&format!("{text}]")).ok()?;
    Some(serde_json::json!({ "sheet": display(&sheet), "row": row }))
}
