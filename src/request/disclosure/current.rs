//! The records of an object as they are now, those of them that hold the person still.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::FieldPlan;
use residuum_source::{ObjectPath, Record};

use super::fetched::{self, Fetched};
use super::gather::Discloser;
use super::held::{Held, HeldRecord};
use super::joint::Others;
use super::look::{KeyWanted, Seen, look};
use super::standing::Standing;
use super::whose::names_a_person;
use crate::identity::Location;
use crate::index::{Finding, IndexError, display};
use crate::request::RequestError;
use crate::request::led::KeyAt;
use crate::request::opened::opened;
use crate::request::owners::Owners;
use crate::scan::keys::Role;
use crate::scan::seal_name;

impl Discloser<'_> {
    /// An object's records as they are now, those that hold the person still; or why they cannot be read.
    pub(super) fn current(
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
    pub(super) fn findings(&self, object: &Held<'_>, record: &Record) -> Result<Vec<Finding>, IndexError> {
        let mut here = Vec::new();
        self.reader.record_findings(object.info.object, record, &mut |finding| {
            here.push(finding.clone());
            ControlFlow::Continue(())
        })?;
        Ok(here)
    }
}

fn size(record: &Fetched) -> u64 {
    record.fields.iter().flat_map(|field| &field.values).map(|value| value.len() as u64).sum()
}
