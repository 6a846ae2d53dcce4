//! Records that led to others over keys, looked at under the lock under which those are written.
//!
//! Before a plan is carried out it is asked whether what led to its records still does ([`super::led`]). Somebody may
//! change that between then and the lock. So records that led on and stand in the same database are shown with those of a
//! batch, before them, and stay as they are: of what they do not lead to any more nothing is done.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use residuum_source::{Batch, ObjectPath, Record, Refusal, RefusalKind, Target};

use super::RequestError;
use super::editor::{ByPlan, PartToEdit};
use super::led::{self, Chains, RecordId};
use super::opened::{field_plans, opened};
use super::write::Writing;
use crate::index::{IndexError, Keyring, Reader};
use crate::scan::keys::Role;
use crate::scan::{Again, KeysWanted, Sight};

impl<'p> Writing<'p> {
    /// Has the records shown as well that led to those of a batch and stand in the same database: under lock they say
    /// whether they still do. They come last, for what comes last is shown first.
    pub fn add_witnesses(&mut self, reader: &Reader, keys: &Keyring) -> Result<(), RequestError> {
        let Some((first, _)) = self.batch.first().filter(|(of, _)| of.size.is_table && !of.chains.is_empty()) else {
            return Ok(());
        };
        let chains: &'p Chains = &first.chains;
        let mut above: BTreeSet<&'p RecordId> = BTreeSet::new();
        for (object, planned) in self.open.values() {
            above.extend(chains.above(&(object.object, planned.record.clone())));
        }
        for id @ (number, record) in above {
            let Some((source, name)) = chains.place_of(id).filter(|(source, _)| *source == first.source) else {
                continue;
            };
            let path = ObjectPath::from_escaped(&keys.reveal(name)?)
                .map_err(|_| IndexError::Misuse(format!("`{name}` is not a name of an object")))?;
            let opened = opened(keys, record)?;
            if !self.editor.parts.contains_key(&path) {
                let plans = field_plans(reader, keys, *number)?;
                let to_look_at = PartToEdit {
                    source,
                    name,
                    plans,
                    records: BTreeMap::new(),
                    not_null: HashMap::new(),
                    object: *number,
                    chains: Some(chains),
                    witnesses: HashMap::new(),
                };
                self.editor.parts.insert(path.clone(), to_look_at);
            }
            let part = self.editor.parts.get_mut(&path).expect("inserted above");
            if part.records.contains_key(&opened) {
                continue;
            }
            part.witnesses.insert(opened.clone(), record.clone());
            let at = self.targets.iter().position(|target| target.object == path).unwrap_or_else(|| {
                self.targets.push(Target { object: path.clone(), version: None, records: BTreeMap::new() });
                self.targets.len() - 1
            });
            self.targets[at].records.entry(path.clone()).or_default().push(opened.clone());
            self.witnesses.insert((path, opened));
        }
        Ok(())
    }
}

impl PartToEdit<'_> {
    /// What the index calls a record that is shown.
    pub fn id(&self, record: &Record) -> Option<RecordId> {
        let known = self.records.get(record).map(|planned| &planned.record).or_else(|| self.witnesses.get(record))?;
        Some((self.object, known.clone()))
    }
}

impl ByPlan<'_> {
    /// Notes what stands in records of a batch that led to others, or to which others led.
    pub fn note(&mut self, path: &ObjectPath, batch: &Batch, again: &Again<'_>, sights: &[Sight]) {
        let Some((part, chains)) = self.parts.get(path).and_then(|part| part.chains.map(|chains| (part, chains)))
        else {
            return;
        };
        let known = |at| {
            let id = part.id(&batch.record(at).whole()).filter(|id| chains.knows(id))?;
            Some((at, id))
        };
        let here: HashMap<usize, RecordId> = (0..batch.records.count() as usize).filter_map(known).collect();
        let mut keys = KeysWanted::new();
        for (field, rule, fp) in here.values().flat_map(|id| chains.keys_of(id)) {
            if let Some((_, domain)) = Role::of_rule(rule) {
                keys.entry((field, domain)).or_default().insert(*fp);
            }
        }
        let keys = again.keys(batch, &keys);
        for id in here.values() {
            self.standing.of.entry(id.clone()).or_default();
        }
        for sight in sights.iter().chain(&keys) {
            if let Some(of) = here.get(&sight.record).and_then(|id| self.standing.of.get_mut(id)) {
                of.extend(std::iter::once(sight.fp).chain(sight.older.iter().copied()));
            }
        }
    }

    /// Why nothing is done to a record, if what led to it does so no longer.
    pub fn is_unled(&self, part: &PartToEdit<'_>, record: &Record) -> Option<Refusal> {
        let (chains, id) = (part.chains?, part.id(record)?);
        if !chains.has(&id) {
            return None;
        }
        if !self.unseen.is_empty() && chains.above(&id).iter().any(|above| self.unseen.contains(*above)) {
            let reason = "another session has a record locked that led to it: try again";
            return Some(Refusal::new(RefusalKind::Locked, reason));
        }
        (!chains.still_leads_to(&id, &self.standing)).then(|| led::refusal(None))
    }
}
