//! Rows that cannot go because others refer to them by a foreign key, and those stay: the customer of an invoice that the
//! law wants kept.
//!
//! The database would refuse to delete them when the plan is carried out, with what belongs to them gone already. So a
//! plan is asked beforehand: the schema says which tables refer to which, the index which rows do. To what is kept under
//! an exception a row is left with its key, under the same exception, and has its personal values replaced, as in any
//! record that cannot go; what other rows refer to is left whole, to a person. What the index does not know, such as a
//! row written since the scan, the database still refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::{Fingerprint, Type};
use residuum_source::{History, KeyKind, Record};

use super::led::RecordId;
use super::plan::{LeftState, Plan, PlannedAction, PlannedObject};
use super::{Planner, RequestError};
use crate::identity::Location;
use crate::index::{Finding, IndexError, display};
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// Fields of a table, by source, object and the names of the fields; as the index has them, but for the fields' names.
type Fields = (String, String, String);

/// The foreign keys of the databases that a plan writes to.
#[derive(Default)]
struct ForeignKeys {
    /// What fields refer to, in the same source: object and fields.
    refer_to: HashMap<Fields, Vec<(String, String)>>,
    /// Tables that hold fields to which others refer, and partitions of such tables.
    referred: HashSet<(String, String)>,
    /// Sources whose tables may keep rows of the past.
    may_keep_history: HashSet<String>,
}

/// A key of a row that is to go.
struct Owned {
    of: RecordId,
    field: String,
    finding: Finding,
}

/// Rows that refer to rows that are to go.
#[derive(Default)]
struct References {
    /// Rows that go themselves, each with those it refers to.
    between: HashMap<RecordId, BTreeSet<RecordId>>,
    /// Rows to which some refer that stay, with what is to be said of it.
    kept: BTreeMap<RecordId, LeftState>,
    /// Rows of partitions: a key refers to them through the table that they are part of, if that has no such row itself.
    through: Vec<(Fingerprint, String, RecordId, RecordId, LeftState)>,
    /// Tables that hold a key as their own.
    holders: HashSet<(Fingerprint, String)>,
}

impl Planner<'_> {
    /// Leaves the rows of a plan to which others refer that stay, and says why.
    pub(super) fn keep_referred(&self, plan: &mut Plan) -> Result<(), RequestError> {
        let keys = self.foreign_keys(plan)?;
        let may_be = |object: &PlannedObject| keys.referred.contains(&(object.source.clone(), object.part.clone()));
        let mut asked: Vec<RecordId> = going(&plan.objects).filter(|(of, _)| may_be(of)).map(|(_, id)| id).collect();
        if asked.is_empty() {
            return Ok(());
        }
        asked.sort_unstable();
        let goes: HashSet<RecordId> = going(&plan.objects).map(|(_, id)| id).collect();
        let owned = self.owned(&asked)?;
        let kept = self.references(plan, &keys, &owned, &goes)?.settled();
        if kept.is_empty() {
            return Ok(());
        }
        let holding = self.holding_values(kept.keys())?;
        let own: HashMap<&RecordId, &Finding> = owned.values().flatten().map(|key| (&key.of, &key.finding)).collect();
        let Plan { objects, left, .. } = plan;
        for object in objects.iter_mut() {
            let number = object.object;
            let before = object.records.len();
            let mut is_other = false;
            object.records.retain_mut(|planned| {
                let id = (number, planned.record.clone());
                let Some(state) = kept.get(&id).filter(|_| planned.action == PlannedAction::Delete) else {
                    return true;
                };
                let location = |subject: &String| Location {
                    subject: subject.clone(),
                    finding: own[&id].clone(),
                    why: Vec::new(),
                    shared: false,
                    weak: false,
                    through: None,
                    refers: false,
                };
                let of_subject = |subject| super::Left { location: location(subject), state: state.clone() };
                left.extend(planned.subjects.iter().map(of_subject));
                planned.action = PlannedAction::EditAll;
                is_other = true;
                // What stays for no exception is not done by halves: somebody has to say what becomes of it.
                matches!(state, LeftState::Retained { .. }) && holding.contains(&id)
            });
            if is_other || object.records.len() != before {
                self.count_statements(object);
            }
        }
        objects.retain(|object| !object.records.is_empty());
        Ok(())
    }

    /// The foreign keys of the databases that a plan deletes from. Where they cannot be had, the database refuses what
    /// they forbid when the plan is carried out.
    fn foreign_keys(&self, plan: &Plan) -> Result<ForeignKeys, IndexError> {
        let sources: BTreeSet<&str> =
            plan.objects.iter().filter(|object| object.size.is_table).map(|object| object.source.as_str()).collect();
        let mut found = ForeignKeys::default();
        let mut worker = self.detector.worker();
        for source in self.sources {
            let name = seal_name(&mut worker, self.keys, source.name());
            if !sources.contains(name.as_str()) {
                continue;
            }
            if source.kind() == "mysql" {
                found.may_keep_history.insert(name.clone());
            }
            for key in source.keys().unwrap_or_default() {
                let KeyKind::Foreign { object, columns } = &key.kind else { continue };
                let mut sealed = |path: &str| seal_name(&mut worker, self.keys, path);
                let (from, to) = (sealed(key.object.as_str()), sealed(object.as_str()));
                found.referred.insert((name.clone(), to.clone()));
                found.referred.insert((name.clone(), from.clone()));
                let fields = (name.clone(), from, key.columns.join("+"));
                found.refer_to.entry(fields).or_default().push((to, columns.join("+")));
            }
        }
        Ok(found)
    }

    /// The keys of records, in ascending order, by their fingerprints.
    fn owned(&self, records: &[RecordId]) -> Result<BTreeMap<Fingerprint, Vec<Owned>>, IndexError> {
        let mut owned: BTreeMap<Fingerprint, Vec<Owned>> = BTreeMap::new();
        let mut failed = None;
        self.reader.findings_of_records(records, &mut |finding| {
            if !matches!(Role::of_rule(&finding.rule), Some((Role::Own, _))) {
                return ControlFlow::Continue(());
            }
            match self.keys.reveal(&finding.field) {
                Ok(field) => {
                    let of = (finding.object_id, finding.record.whole());
                    owned.entry(finding.fp).or_default().push(Owned { of, field, finding: finding.clone() });
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(owned), Err)
    }

    /// Which rows refer to those that own these keys.
    fn references(
        &self,
        plan: &Plan,
        keys: &ForeignKeys,
        owned: &BTreeMap<Fingerprint, Vec<Owned>>,
        goes: &HashSet<RecordId>,
    ) -> Result<References, IndexError> {
        let is_retained = |left: &&super::Left| matches!(left.state, LeftState::Retained { .. });
        let mut retained: HashMap<RecordId, &LeftState> = HashMap::new();
        for left in plan.left.iter().filter(is_retained) {
            let finding = &left.location.finding;
            retained.insert((finding.object_id, finding.record.whole()), &left.state);
        }
        let why = |finding: &Finding, id: &RecordId| {
            let (source, object) = (&*finding.source, &*finding.object);
            let retention =
                self.policy.retained(source, object).or_else(|| self.policy.retained_within(source, object));
            let state = retained.get(id).map(|state| (*state).clone());
            stays(state.or_else(|| retention.map(LeftState::retained)), object, &finding.field)
        };
        let mut references = References::default();
        let mut histories: HashMap<u32, Option<History>> = HashMap::new();
        let mut failed = None;
        let (probes, of): (Vec<Fingerprint>, Vec<&Vec<Owned>>) = owned.iter().map(|(fp, of)| (*fp, of)).unzip();
        self.reader.lookup(&probes, &mut |found| {
            let (fp, finding) = (probes[found.probe], found.finding);
            if finding.kind != Type::Key {
                return ControlFlow::Continue(());
            }
            if matches!(Role::of_rule(&finding.rule), Some((Role::Own, _))) {
                references.holders.insert((fp, finding.object.to_string()));
            }
            let field = match self.keys.reveal(&finding.field) {
                Ok(field) => field,
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            };
            let from = (finding.object_id, finding.record.whole());
            // Rows of the past are held to no key.
            let history = histories.entry(from.0).or_insert_with(|| {
                let is_history_kept = keys.may_keep_history.contains(&*finding.source);
                is_history_kept.then(|| self.history_of(&finding.source, &finding.object)).flatten()
            });
            if history.as_ref().is_some_and(|history| history.holds(&finding.record)) {
                return ControlFlow::Continue(());
            }
            let fields = (finding.source.to_string(), finding.object.to_string(), field);
            for (object, columns) in keys.refer_to.get(&fields).into_iter().flatten() {
                for own in of[found.probe].iter().filter(|own| own.of != from && own.finding.source == finding.source) {
                    let of_own = (own.finding.source.to_string(), own.finding.object.to_string(), own.field.clone());
                    let is_part = || {
                        let whole = keys.refer_to.get(&of_own);
                        whole.is_some_and(|whole| whole.contains(&(object.clone(), columns.clone())))
                    };
                    if *own.finding.object == **object && own.field == *columns {
                        references.add(goes, from.clone(), own.of.clone(), || why(finding, &from));
                    } else if is_part() {
                        let state = why(finding, &from);
                        references.through.push((fp, object.clone(), from.clone(), own.of.clone(), state));
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        for (fp, object, from, to, state) in std::mem::take(&mut references.through) {
            if !references.holders.contains(&(fp, object)) {
                references.add(goes, from, to, || state.clone());
            }
        }
        Ok(references)
    }

    /// Which of these records hold something that is replaced in a record that stays.
    fn holding_values<'r>(&self, ids: impl Iterator<Item = &'r RecordId>) -> Result<HashSet<RecordId>, IndexError> {
        let ids: Vec<RecordId> = ids.cloned().collect();
        let mut holding = HashSet::new();
        self.reader.findings_of_records(&ids, &mut |finding| {
            if finding.kind != Type::Key && self.policy.keeps(finding).is_none() {
                holding.insert((finding.object_id, finding.record.whole()));
            }
            ControlFlow::Continue(())
        })?;
        Ok(holding)
    }
}

impl References {
    fn add(&mut self, goes: &HashSet<RecordId>, from: RecordId, to: RecordId, why: impl FnOnce() -> LeftState) {
        if goes.contains(&from) {
            self.between.entry(from).or_default().insert(to);
            return;
        }
        // An exception says more than that somebody has to see to it.
        let is_said = |state: &LeftState| matches!(state, LeftState::Retained { .. });
        match self.kept.get(&to) {
            Some(known) if is_said(known) => {}
            Some(_) => {
                let state = why();
                if is_said(&state) {
                    self.kept.insert(to, state);
                }
            }
            None => drop(self.kept.insert(to, why())),
        }
    }

    /// The rows that stay, with those to which they refer in turn.
    fn settled(self) -> BTreeMap<RecordId, LeftState> {
        let Self { between, mut kept, .. } = self;
        let mut open: Vec<RecordId> = kept.keys().cloned().collect();
        while let Some(id) = open.pop() {
            let state = kept[&id].clone();
            for to in between.get(&id).into_iter().flatten() {
                if !kept.contains_key(to) {
                    kept.insert(to.clone(), state.clone());
                    open.push(to.clone());
                }
            }
        }
        kept
    }
}

/// The records that go, each with its object.
fn going(objects: &[PlannedObject]) -> impl Iterator<Item = (&PlannedObject, (u32, Record))> {
    let tables = objects.iter().filter(|object| object.size.is_table);
    tables.flat_map(|object| {
        let go = object.records.iter().filter(|planned| planned.action == PlannedAction::Delete);
        go.map(move |planned| (object, (object.object, planned.record.clone())))
    })
}

/// Why a row stays to which one of this table refers by a key, that is itself left for this reason.
fn stays(of_referring: Option<LeftState>, table: &str, key: &str) -> LeftState {
    let (table, key) = (display(table), display(key));
    match of_referring {
        Some(LeftState::Retained { exception, reason, approved_by }) => {
            let reason = format!("referred to by a row of `{table}` that is kept: {reason}");
            LeftState::Retained { exception, reason, approved_by }
        }
        _ => LeftState::Manual(format!(
            "rows of `{table}` that stay refer to it by `{key}`: change or delete those first, or say with `[[erase]]` \
             how its own values are replaced, strategy `null` or another that keeps the row"
        )),
    }
}
