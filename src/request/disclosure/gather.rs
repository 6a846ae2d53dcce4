//! From a person to what they are told: their places in the index, the records as they are now, and what of them may be
//! shown.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Detector, Fingerprint, Literals, Type};
use residuum_source::{Limits, Record, Source};

use super::answer::Answer;
use super::held::{Held, HeldRecord, Places, shown_key};
use super::joint;
use super::look::Seen;
use super::model::{DisclosedObject, DisclosedRecord, Disclosure, Fate};
use super::redact::Why;
use super::show::{Show, Shown};
use super::whose::Known;
use super::{literals, window};
use crate::identity::roles::is_named_after_people;
use crate::identity::{self, FindOptions, Location, Subject};
use crate::index::{Finding, IndexError, Keyring, Reader, display};
use crate::map::Map;
use crate::request::RequestError;
use crate::request::led::{self, Chains};
use crate::request::opened::field_plans;
use crate::request::owners::Owners;
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// The field of what stands in the name of an object itself.
const NAME_FIELD: &str = "(name)";

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
        let mut warnings = Vec::new();
        warnings.extend(undated(&objects).filter(|_| !scope.categories_only));
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
            contested: Vec::new(),
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
}

/// Says of which objects the records do not tell when they were collected.
fn undated(objects: &[DisclosedObject]) -> Option<String> {
    const SHOWN: usize = 10;
    let of = |object: &DisclosedObject| object.records.iter().filter(|record| record.collected.is_none()).count();
    let here: Vec<(&DisclosedObject, usize)> = objects.iter().map(|object| (object, of(object))).collect();
    let here: Vec<_> = here.into_iter().filter(|(_, records)| *records > 0).collect();
    let records: usize = here.iter().map(|(_, records)| records).sum();
    let mut named: Vec<String> = here
        .iter()
        .take(SHOWN)
        .map(|(object, records)| format!("{records} of `{}` in `{}`", object.object, object.source))
        .collect();
    if here.len() > SHOWN {
        named.push(format!("and those of {} objects more", here.len() - SHOWN));
    }
    (records > 0).then(|| {
        format!(
            "{records} records have no recorded day of collection, or one that can be read in two ways, and are included: {}; \
             `collected_at` in `[[map]]` says where it stands",
            named.join(", ")
        )
    })
}
