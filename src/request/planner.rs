//! Making a plan: which records are a person's own, which are also others', and what cannot be acted on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::{Detector, FieldPlan, Fingerprint, Treatment, Type};
use residuum_source::{Ability, Apply, Record, RecordKind, Source};

use super::RequestError;
use super::cost::Size;
use super::plan::{Evidence, LeftState, Plan, PlannedAction, PlannedObject, PlannedRecord};
use super::policy::{Policy, can_go};
use crate::config::Strategy;
use crate::identity::{self, FindOptions, Location, Subject};
use crate::index::{Finding, IndexError, Keyring, ObjectInfo, Reader};
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// The field of what stands in the name of an object itself.
const NAME_FIELD: &str = "(name)";

/// Makes plans.
pub struct Planner<'a> {
    /// The index to plan from.
    pub reader: &'a Reader,
    /// Its keys.
    pub keys: &'a Keyring,
    /// Opens the names of sources.
    pub detector: &'a Detector,
    /// The sources that can be reached.
    pub sources: &'a [Box<dyn Source>],
    /// The owner's rules.
    pub policy: &'a Policy,
}

type RecordId = (u32, Record);

/// What was found of whom in one record.
#[derive(Default)]
struct Gathered {
    /// Each once: locations come subject by subject.
    subjects: Vec<String>,
    locations: Vec<Location>,
}

impl Gathered {
    /// Most records have one location or two, and there may be millions of them: no more room is taken than that.
    fn add(&mut self, location: &Location) {
        if self.subjects.last() != Some(&location.subject) {
            self.subjects.reserve_exact(1);
            self.subjects.push(location.subject.clone());
        }
        if self.locations.len() < 4 {
            self.locations.reserve_exact(1);
        }
        // What led here is not asked again.
        let Location { subject, finding, shared, weak, .. } = location;
        let (subject, finding) = (subject.clone(), finding.clone());
        self.locations.push(Location { subject, finding, why: Vec::new(), shared: *shared, weak: *weak });
    }
}

impl Planner<'_> {
    /// Plans the erasure of people.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn erasure(&self, subjects: &[Subject], options: &FindOptions) -> Result<Plan, RequestError> {
        let mut gathered: BTreeMap<RecordId, Gathered> = BTreeMap::new();
        let mut plan = Plan::default();
        let found = identity::find(self.reader, self.keys, subjects, options, &mut |location| {
            match location {
                Location { weak: true, .. } => plan.leave(location, LeftState::Possible),
                Location { shared: true, .. } => plan.leave(location, LeftState::Joint),
                _ => {
                    let id = (location.finding.object_id, location.finding.record.whole());
                    gathered.entry(id).or_default().add(location);
                }
            }
            ControlFlow::Continue(())
        })?;
        plan.shared = found.others;
        let numbers: Vec<u32> = gathered.keys().map(|(object, _)| *object).collect();
        let infos: HashMap<u32, ObjectInfo> =
            self.reader.objects_numbered(&numbers)?.into_iter().map(|info| (info.object, info)).collect();
        let mut records = gathered.into_iter().peekable();
        while let Some(((object, _), _)) = records.peek() {
            let object = *object;
            let mut of_object = Vec::new();
            while let Some(((_, record), here)) = records.next_if(|((of, _), _)| *of == object) {
                of_object.push((record, here));
            }
            if let Some(info) = infos.get(&object) {
                self.plan_object(info, of_object, &mut plan)?;
            }
        }
        plan.objects.sort_by(|a, b| (&a.source, &a.part).cmp(&(&b.source, &b.part)));
        Ok(plan)
    }

    fn plan_object(
        &self,
        info: &ObjectInfo,
        records: Vec<(Record, Gathered)>,
        plan: &mut Plan,
    ) -> Result<(), RequestError> {
        let leave_all = |plan: &mut Plan, records: &[(Record, Gathered)], state: &LeftState| {
            for location in records.iter().flat_map(|(_, here)| &here.locations) {
                plan.leave(location, state.clone());
            }
        };
        let shown = crate::index::display(&info.path);
        if let Some(retention) = self.policy.retained(&info.source, &info.path) {
            let state = LeftState::Retained {
                exception: retention.exception.clone(),
                reason: retention.reason.clone(),
                approved_by: retention.approved_by.clone(),
            };
            leave_all(plan, &records, &state);
            return Ok(());
        }
        let formats = self.reader.formats_of(&info.source, &info.path)?;
        let wanted = self.policy.of_records(&info.source, &info.path);
        let ability = match self.ability(&info.source, &formats) {
            Ok(ability) => ability,
            Err(reason) => {
                leave_all(plan, &records, &LeftState::Manual(reason));
                return Ok(());
            }
        };
        if ability == Ability::WholeObject && wanted != Some(Strategy::DeleteObject) {
            let reason =
                format!("`{shown}` can only be deleted as a whole: `[[erase]]` with strategy `delete-object` does so");
            leave_all(plan, &records, &LeftState::Manual(reason));
            return Ok(());
        }
        let typed = self.typed_fields(info.object)?;
        let others = match wanted {
            Some(Strategy::Delete | Strategy::DeleteObject) => HashSet::new(),
            _ => self.others_too(info.object, &records, &typed)?,
        };
        let mut planned = Vec::new();
        for (record, here) in records {
            let (of_name, here_locations): (Vec<_>, Vec<_>) =
                here.locations.iter().partition(|location| &*location.finding.field == NAME_FIELD);
            if wanted != Some(Strategy::DeleteObject) {
                let reason = "the object's name itself says who it is about: rename it, or delete it";
                of_name.iter().for_each(|location| plan.leave(location, LeftState::Manual(reason.to_owned())));
                if here_locations.is_empty() {
                    continue;
                }
            }
            let action = self.action(info, &record, is_own(&here, &typed), others.contains(&record), wanted);
            if action == PlannedAction::EditFound && here.locations.iter().all(|at| at.finding.kind == Type::Key) {
                let reason =
                    "the record refers to the person by a key, and to others: say with `[[erase]]` what becomes of it";
                here.locations.iter().for_each(|at| plan.leave(at, LeftState::Manual(reason.to_owned())));
                continue;
            }
            let evidence: BTreeSet<Evidence> = here.locations.iter().map(|at| Evidence::of(&at.finding)).collect();
            planned.push(PlannedRecord {
                record,
                subjects: here.subjects,
                action,
                evidence: evidence.into_iter().collect(),
            });
        }
        if planned.is_empty() {
            return Ok(());
        }
        plan.objects.push(self.planned_object(info, formats, &ability, planned)?);
        Ok(())
    }

    pub(super) fn planned_object(
        &self,
        info: &ObjectInfo,
        formats: Vec<String>,
        ability: &Ability,
        records: Vec<PlannedRecord>,
    ) -> Result<PlannedObject, RequestError> {
        let is_deleted = |record: &&PlannedRecord| record.action == PlannedAction::Delete;
        let deleted = records.iter().filter(is_deleted).count() as u64;
        let statements =
            self.apply_of(&info.source).and_then(|apply| apply.statements(deleted, records.len() as u64 - deleted));
        let size = Size {
            is_table: statements.is_some(),
            bytes: if info.object == info.listed { info.bytes } else { self.reader.bytes_of_listed(info.listed)? },
            records: info.records,
            statements: statements.unwrap_or(0),
        };
        Ok(PlannedObject {
            source: info.source.to_string(),
            object: info.object,
            part: info.path.to_string(),
            listed: info.path.split('!').next().unwrap_or_default().to_owned(),
            version: matches!(&*info.source_kind, "files" | "s3").then(|| info.version.clone()),
            formats,
            ability: ability.name().to_owned(),
            primary_key: info.primary_key.clone(),
            size,
            records,
        })
    }

    /// What writes to a source, if it can be reached and written to.
    fn apply_of(&self, source: &str) -> Option<&dyn Apply> {
        let mut worker = self.detector.worker();
        let found = self.sources.iter().find(|of| seal_name(&mut worker, self.keys, of.name()) == source)?;
        found.as_apply()
    }

    /// How records of these formats can be edited in a source, or what a person has to do.
    pub(super) fn ability(&self, source: &str, formats: &[String]) -> Result<Ability, String> {
        let mut worker = self.detector.worker();
        let mut shown = |name: &str| seal_name(&mut worker, self.keys, name);
        let Some(found) = self.sources.iter().find(|of| shown(of.name()) == source) else {
            return Err(format!("source `{source}` was not named or cannot be reached: name it, and plan again"));
        };
        let Some(apply) = found.as_apply() else {
            return Err(format!(
                "nothing can be written to sources of kind `{}`: erase it there by hand",
                found.kind()
            ));
        };
        let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
        match apply.ability(&formats) {
            Ability::Manual(what) => Err(what),
            ability => Ok(ability),
        }
    }

    /// The fields whose values are what their name says, rather than text in which something is said.
    fn typed_fields(&self, object: u32) -> Result<HashSet<String>, RequestError> {
        let mut typed = HashSet::new();
        for text in self.reader.plans_of_object(object)? {
            let plans: Vec<FieldPlan> = serde_json::from_str(&text).unwrap_or_default();
            let is_typed = |plan: &FieldPlan| matches!(plan.treatment, Treatment::Typed(_));
            typed.extend(plans.into_iter().filter(is_typed).map(|plan| plan.field));
        }
        Ok(typed)
    }

    /// What is done with a record: it goes if it is the person's own, and nobody else's.
    fn action(
        &self,
        info: &ObjectInfo,
        record: &Record,
        is_own: bool,
        is_others_too: bool,
        wanted: Option<Strategy>,
    ) -> PlannedAction {
        if wanted == Some(Strategy::DeleteObject) {
            return PlannedAction::DeleteObject;
        }
        if !is_own || matches!(record.kind(), RecordKind::Part | RecordKind::Page) {
            return PlannedAction::EditFound;
        }
        let wants_delete = wanted.is_none_or(Strategy::deletes);
        // A document is seldom one person's: what else stands in it goes only if the owner says so.
        let is_document = wanted.is_none() && !can_go(record.kind());
        if is_document || is_others_too {
            return PlannedAction::EditFound;
        }
        let may_go = can_go(record.kind()) && !self.policy.retains_values(&info.source, &info.path);
        if wants_delete && may_go { PlannedAction::Delete } else { PlannedAction::EditAll }
    }

    /// The people's own records, of those given in ascending order, in which other people stand as well: another
    /// address or number of a kind that each person has one of, or a second key of the same domain.
    fn others_too(
        &self,
        object: u32,
        records: &[(Record, Gathered)],
        typed: &HashSet<String>,
    ) -> Result<HashSet<Record>, IndexError> {
        let own = records.iter().filter(|(_, here)| is_own(here, typed));
        let own: Vec<(u32, Record)> = own.map(|(record, _)| (object, record.clone())).collect();
        let mut others: HashSet<Record> = HashSet::new();
        let (mut of, mut found): (Option<usize>, HashSet<Fingerprint>) = (None, HashSet::new());
        self.reader.findings_of_records(&own, &mut |finding| {
            let record = finding.record.whole();
            let Ok(at) = records.binary_search_by(|(of, _)| of.cmp(&record)) else {
                return ControlFlow::Continue(());
            };
            let here = &records[at].1;
            // All findings of a record come one after the other.
            if of != Some(at) {
                of = Some(at);
                found = here.locations.iter().map(|location| location.finding.fp).collect();
            }
            let tells_people_apart = match finding.kind {
                Type::Email | Type::UsSsn | Type::UsItin => true,
                Type::Key => is_second_key(finding, here),
                _ => false,
            };
            if tells_people_apart && !found.contains(&finding.fp) {
                others.insert(record);
            }
            ControlFlow::Continue(())
        })?;
        Ok(others)
    }
}

/// Whether a record is a person's own: their key says so, or a field that holds nothing but such a value.
fn is_own(here: &Gathered, typed: &HashSet<String>) -> bool {
    here.locations.iter().any(|location| {
        let finding = &location.finding;
        let by_key = matches!(Role::of_rule(&finding.rule), Some((Role::Own | Role::Belongs, _)));
        by_key || typed.contains(&*finding.field)
    })
}

/// Whether a key refers to the same domain as one that led here, and so to somebody else.
fn is_second_key(finding: &Finding, here: &Gathered) -> bool {
    let Some((Role::Belongs | Role::Mentions, domain)) = Role::of_rule(&finding.rule) else { return false };
    here.locations.iter().any(|location| {
        matches!(Role::of_rule(&location.finding.rule), Some((Role::Belongs | Role::Own, of)) if of == domain)
    })
}
