//! Making a plan: which records are a person's own, which are also others', and what cannot be acted on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_detect::{Detector, FieldPlan, Fingerprint, Treatment, Type};
use residuum_source::{Ability, Apply, History, ObjectPath, Record, RecordKind, Source};

use super::RequestError;
use super::cost::Size;
use super::led::Chains;
use super::owners::Owners;
use super::plan::{Evidence, LeftState, Plan, PlannedAction, PlannedObject, PlannedRecord};
use super::policy::{Policy, can_go};
use crate::config::Strategy;
use crate::identity::mention::{is_mentioned_beside, is_of_people};
use crate::identity::roles::{Roles, is_of_another};
use crate::identity::{self, FindOptions, Identifier, Location, Subject};
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
        // What led here is not told again.
        let Location { subject, finding, shared, weak, through, refers, .. } = location;
        let (subject, finding, through) = (subject.clone(), finding.clone(), through.clone());
        let (shared, weak, refers) = (*shared, *weak, *refers);
        self.locations.push(Location { subject, finding, why: Vec::new(), shared, weak, through, refers });
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
        let (owners, sources) = (Owners::new(self.reader), self.named_sources());
        let chains = Arc::new(Chains::new(|| gathered.values().flat_map(|here| &here.locations)));
        let mut records = gathered.into_iter().peekable();
        while let Some(((object, _), _)) = records.peek() {
            let object = *object;
            let mut of_object = Vec::new();
            while let Some(((_, record), here)) = records.next_if(|((of, _), _)| *of == object) {
                of_object.push((record, here));
            }
            if let Some(info) = infos.get(&object) {
                self.plan_object(info, of_object, &owners, &sources, &mut plan)?;
            }
        }
        self.keep_undecided(&chains, &mut plan)?;
        self.keep_referred(&mut plan)?;
        self.keep_not_null(&mut plan)?;
        plan.objects.iter_mut().for_each(|object| object.chains = chains.clone());
        plan.objects.sort_by(|a, b| (&a.source, &a.part).cmp(&(&b.source, &b.part)));
        Ok(plan)
    }

    fn plan_object(
        &self,
        info: &ObjectInfo,
        records: Vec<(Record, Gathered)>,
        owners: &Owners<'_>,
        sources: &NamedSources<'_>,
        plan: &mut Plan,
    ) -> Result<(), RequestError> {
        let leave_all = |plan: &mut Plan, records: &[(Record, Gathered)], state: &LeftState| {
            for location in records.iter().flat_map(|(_, here)| &here.locations) {
                plan.leave(location, state.clone());
            }
        };
        let shown = crate::index::display(&info.path);
        if let Some(retention) = self.policy.retained(&info.source, &info.path) {
            leave_all(plan, &records, &LeftState::retained(retention));
            return Ok(());
        }
        let formats = self.reader.formats_of(&info.source, &info.path)?;
        let ability = match sources.ability(&info.source, &info.path, &formats) {
            Ok(ability) => ability,
            Err(reason) => {
                leave_all(plan, &records, &LeftState::Manual(reason));
                return Ok(());
            }
        };
        // Where records go one by one, an object goes with none of them.
        let wanted = match self.policy.of_records(&info.source, &info.path) {
            Some(Strategy::DeleteObject) if ability != Ability::WholeObject => Some(Strategy::Delete),
            wanted => wanted,
        };
        if ability == Ability::WholeObject {
            let why_not = if wanted != Some(Strategy::DeleteObject) {
                Some(LeftState::Manual(format!(
                    "`{shown}` can only be deleted as a whole: `[[erase]]` with strategy `delete-object` does so"
                )))
            } else {
                self.policy.retained_within(&info.source, &info.path).map(LeftState::retained)
            };
            if let Some(state) = why_not {
                leave_all(plan, &records, &state);
                return Ok(());
            }
        }
        let records = self.of_the_present(info, records, plan);
        let typed = self.typed_fields(info.object)?;
        let beside = match wanted {
            Some(Strategy::DeleteObject) => Beside::default(),
            _ => self.beside(info, &records, &typed, owners)?,
        };
        let object = Around { info, wanted, typed, beside };
        let planned: Vec<PlannedRecord> =
            records.into_iter().filter_map(|(record, here)| self.plan_record(&object, record, here, plan)).collect();
        if planned.is_empty() {
            return Ok(());
        }
        plan.objects.push(self.planned_object(info, formats, &ability, planned)?);
        Ok(())
    }

    /// Records without those of the past, which a table keeps and nobody can write to; they are left, with what to run.
    fn of_the_present(
        &self,
        info: &ObjectInfo,
        records: Vec<(Record, Gathered)>,
        plan: &mut Plan,
    ) -> Vec<(Record, Gathered)> {
        let Some(history) = self.history_of(&info.source, &info.path) else { return records };
        let (past, present): (Vec<_>, Vec<_>) = records.into_iter().partition(|(record, _)| history.holds(record));
        let reason = format!("it is a row of the table's history, and stays until that is deleted: {}", history.cure);
        for location in past.iter().flat_map(|(_, here)| &here.locations) {
            plan.leave(location, LeftState::Manual(reason.clone()));
        }
        present
    }

    /// Which of an object's records are of the past, by the names that the index has.
    pub(super) fn history_of(&self, source: &str, object: &str) -> Option<History> {
        let path = ObjectPath::from_escaped(&self.keys.reveal(object).ok()?).ok()?;
        self.apply_of(source)?.history_of(&path)
    }

    /// What is to be done with a record, if anything; what is left of it goes into the plan.
    fn plan_record(
        &self,
        object: &Around<'_>,
        record: Record,
        here: Gathered,
        plan: &mut Plan,
    ) -> Option<PlannedRecord> {
        let Around { info, wanted, typed, beside } = object;
        let (of_name, in_it): (Vec<_>, Vec<_>) =
            here.locations.iter().partition(|location| &*location.finding.field == NAME_FIELD);
        if *wanted != Some(Strategy::DeleteObject) {
            let reason = "the object's name itself says who it is about: rename it, or delete it";
            of_name.iter().for_each(|location| plan.leave(location, LeftState::Manual(reason.to_owned())));
            if in_it.is_empty() {
                return None;
            }
        }
        let is_others_too = *wanted != Some(Strategy::Delete) && beside.others.contains(&record);
        // Whoever says that records of an object go says so of those, too, that a key names without saying whose they are.
        let by_key = |at: &Location| at.finding.kind == Type::Key;
        let is_own = is_own(&here, typed) || *wanted == Some(Strategy::Delete) && here.locations.iter().any(by_key);
        let action = self.action(info, &record, is_own, is_others_too, *wanted);
        let has_values = action == PlannedAction::EditAll && beside.values.contains(&record);
        let mut is_all_kept = !in_it.is_empty();
        for location in in_it {
            match self.policy.keeps(&location.finding) {
                Some(retention) => plan.leave(location, LeftState::retained(retention)),
                None => is_all_kept = false,
            }
        }
        if is_all_kept && !has_values {
            return None;
        }
        let only_keys = here.locations.iter().all(|at| at.finding.kind == Type::Key);
        let refers = only_keys && here.locations.iter().all(|at| at.refers);
        let reason = match action {
            PlannedAction::EditFound if refers && *wanted != Some(Strategy::Deidentify) => {
                let state = LeftState::Another(here.locations[0].finding.field.to_string());
                plan.undecided.insert((info.object, record));
                here.locations.iter().for_each(|at| plan.leave(at, state.clone()));
                return None;
            }
            PlannedAction::EditFound if only_keys && !refers => {
                plan.undecided.insert((info.object, record));
                "the record refers to the person by a key, and to others: say with `[[erase]]` what becomes of it"
            }
            // A key goes with its record only.
            PlannedAction::EditAll if only_keys && *wanted != Some(Strategy::Deidentify) && !has_values => {
                "the record stays, and holds nothing of the person but a key: `[[erase]]` with strategy `delete` or \
                 `deidentify` says otherwise"
            }
            _ => {
                let evidence: BTreeSet<Evidence> = here.locations.iter().map(|at| Evidence::of(&at.finding)).collect();
                let evidence = evidence.into_iter().collect();
                return Some(PlannedRecord { record, subjects: here.subjects, action, evidence });
            }
        };
        here.locations.iter().for_each(|at| plan.leave(at, LeftState::Manual(reason.to_owned())));
        None
    }

    pub(super) fn planned_object(
        &self,
        info: &ObjectInfo,
        formats: Vec<String>,
        ability: &Ability,
        records: Vec<PlannedRecord>,
    ) -> Result<PlannedObject, RequestError> {
        let is_table = self.apply_of(&info.source).and_then(|apply| apply.statements(0, 0)).is_some();
        let size = Size {
            is_table,
            bytes: if info.object == info.listed { info.bytes } else { self.reader.bytes_of_listed(info.listed)? },
            records: info.records,
            statements: 0,
        };
        // What a system says of an object may hold its name.
        let mut worker = self.detector.worker();
        let path = self.keys.reveal(&info.path).ok().and_then(|name| ObjectPath::from_escaped(&name).ok());
        let stays_behind = self.apply_of(&info.source).zip(path).map(|(apply, path)| apply.stays_behind(&path));
        let stays_behind =
            stays_behind.unwrap_or_default().into_iter().map(|note| seal_name(&mut worker, self.keys, &note));
        let mut object = PlannedObject {
            source: info.source.to_string(),
            object: info.object,
            part: info.path.to_string(),
            listed: info.path.split('!').next().unwrap_or_default().to_owned(),
            version: matches!(&*info.source_kind, "files" | "s3").then(|| info.version.clone()),
            formats,
            ability: ability.name().to_owned(),
            primary_key: info.primary_key.clone(),
            size,
            stays_behind: stays_behind.collect(),
            not_null: BTreeMap::new(),
            records,
            chains: Default::default(),
        };
        self.count_statements(&mut object);
        Ok(object)
    }

    /// Notes how many statements it takes to write to an object.
    pub(super) fn count_statements(&self, object: &mut PlannedObject) {
        let deleted = object.records.iter().filter(|record| record.action == PlannedAction::Delete).count() as u64;
        let changed = object.records.len() as u64 - deleted;
        let statements = self.apply_of(&object.source).and_then(|apply| apply.statements(deleted, changed));
        object.size.statements = statements.unwrap_or(0);
    }

    /// What writes to a source, if it can be reached and written to.
    fn apply_of(&self, source: &str) -> Option<&dyn Apply> {
        let mut worker = self.detector.worker();
        let found = self.sources.iter().find(|of| seal_name(&mut worker, self.keys, of.name()) == source)?;
        found.as_apply()
    }

    /// The sources that can be reached, by what the index calls them.
    pub(super) fn named_sources(&self) -> NamedSources<'_> {
        let mut worker = self.detector.worker();
        let sources = self.sources.iter().map(Box::as_ref);
        NamedSources(sources.map(|source| (seal_name(&mut worker, self.keys, source.name()), source)).collect())
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

    /// What stands in people's own records, of those given in ascending order, beside what led there.
    fn beside(
        &self,
        info: &ObjectInfo,
        records: &[(Record, Gathered)],
        typed: &HashSet<String>,
        owners: &Owners<'_>,
    ) -> Result<Beside, IndexError> {
        let own = records.iter().filter(|(_, here)| is_own(here, typed));
        let own: Vec<(u32, Record)> = own.map(|(record, _)| (info.object, record.clone())).collect();
        let mut beside = Beside::default();
        // By domain, and field of a key that names somebody in a role.
        let mut belonging: BTreeMap<(String, Option<Arc<str>>), HashSet<Record>> = BTreeMap::new();
        let (mut of, mut found): (Option<usize>, HashSet<Fingerprint>) = (None, HashSet::new());
        // In the very record of a person the one address is theirs.
        let mut ones_own: Vec<(Type, Fingerprint)> = Vec::new();
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
                ones_own = here.locations.iter().map(|at| (at.finding.kind, at.finding.fp)).collect();
            }
            if finding.kind != Type::Key && self.policy.keeps(finding).is_none() {
                beside.values.insert(record.clone());
            }
            if !found.contains(&finding.fp) {
                let is_their_first = (here.is_their_record() || here.is_of_the_same(finding, typed))
                    && is_ones_own(finding.kind)
                    && ones_own.iter().all(|(kind, fp)| *kind != finding.kind || *fp == finding.fp);
                match Role::of_rule(&finding.rule) {
                    Some((Role::Belongs, domain)) if here.keys().next().is_none() => {
                        belonging.entry((domain.to_owned(), None)).or_default().insert(record);
                    }
                    Some((Role::Mentions | Role::Refers, domain)) if here.keys().next().is_none() => {
                        let key = (domain.to_owned(), Some(finding.field.clone()));
                        belonging.entry(key).or_default().insert(record);
                    }
                    _ if is_their_first => ones_own.push((finding.kind, finding.fp)),
                    _ if here.mentions(finding, typed) => {}
                    _ if tells_people_apart(finding, here) => drop(beside.others.insert(record)),
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        })?;
        for ((domain, key), of_domain) in belonging {
            for record in of_domain {
                let at = records.binary_search_by(|(of, _)| of.cmp(&record)).expect("it was found there");
                let fields: Vec<&str> = records[at].1.locations.iter().map(|at| &*at.finding.field).collect();
                let is_anothers = match &key {
                    None => owners.say_it_is_anothers(&domain, &fields)?,
                    Some(key) => owners.say_it_is_also_anothers(&info.path, (key, &domain), &fields)?,
                };
                if is_anothers {
                    beside.others.insert(record);
                }
            }
        }
        Ok(beside)
    }
}

/// The sources that can be reached, by what the index calls them.
pub(super) struct NamedSources<'p>(HashMap<String, &'p dyn Source>);

impl NamedSources<'_> {
    /// How records of these formats can be edited in an object of a source, or what a person has to do.
    pub fn ability(&self, source: &str, path: &str, formats: &[String]) -> Result<Ability, String> {
        let Some(found) = self.0.get(source) else {
            return Err(format!("source `{source}` was not named or cannot be reached: name it, and plan again"));
        };
        let Some(apply) = found.as_apply() else {
            return Err(format!(
                "nothing can be written to sources of kind `{}`: erase it there by hand",
                found.kind()
            ));
        };
        let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
        let of_object = ObjectPath::from_escaped(path).map(|object| apply.ability_of(&object, &formats));
        match of_object.unwrap_or_else(|_| apply.ability(&formats)) {
            Ability::Manual(what) => Err(what),
            ability => Ok(ability),
        }
    }
}

/// What is known of an object when one of its records is planned.
struct Around<'o> {
    info: &'o ObjectInfo,
    /// What the owner wants done with its records.
    wanted: Option<Strategy>,
    /// Fields that hold nothing but what their name says.
    typed: HashSet<String>,
    beside: Beside,
}

/// Records that are people's own, by what stands in them beside what led there.
#[derive(Default)]
struct Beside {
    /// Other people.
    others: HashSet<Record>,
    /// Values that an erasure replaces, whosever they are.
    values: HashSet<Record>,
}

impl Gathered {
    /// Domains of the keys that led here and say that the record is the person's.
    fn keys(&self) -> impl Iterator<Item = &str> {
        let own = self.locations.iter().filter(|at| !at.refers);
        own.filter_map(|at| Role::of_rule(&at.finding.rule)).map(|(_, domain)| domain)
    }

    /// Whether this stands in a field of its own that says less plainly whose the record is than one that led here: it
    /// mentions somebody in the record of a person. A ticket is not only the requester's: there the agent has a part.
    fn mentions(&self, finding: &Finding, typed: &HashSet<String>) -> bool {
        let leads = |at: &&Location| at.through.is_none() && !at.refers && typed.contains(&*at.finding.field);
        let led = self.locations.iter().filter(leads).map(|at| &*at.finding.field);
        let is_of_a_person = is_of_people(&finding.object) || self.is_their_record();
        is_of_a_person && typed.contains(&*finding.field) && is_mentioned_beside(&finding.field, &finding.object, led)
    }

    /// Whether something of which each person has one led here, and this stands beside it in a field that is about the
    /// same: whose the address is, theirs is the number.
    fn is_of_the_same(&self, finding: &Finding, typed: &HashSet<String>) -> bool {
        let leads = |at: &&Location| at.through.is_none() && !at.refers && is_ones_own(at.finding.kind);
        let led = self.locations.iter().filter(leads).map(|at| &*at.finding.field);
        let mut led = led.filter(|field| typed.contains(*field)).peekable();
        let (is_led, field) = (led.peek().is_some(), &*finding.field);
        let roles = Roles::new(led);
        is_led && typed.contains(field) && roles.has(field) && !roles.is_other_number(field) && !is_of_another(field)
    }

    /// Whether the record's own key led here: it is the very record of the person.
    fn is_their_record(&self) -> bool {
        self.locations.iter().any(|at| matches!(Role::of_rule(&at.finding.rule), Some((Role::Own, _))))
    }
}

/// Whether each person has one of their own.
const fn is_ones_own(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::UsSsn | Type::UsItin)
}

/// Whether something that did not lead to a record says that it is about somebody else as well: an identifier of which
/// each person has one, another value of the one type that led there, or a second key of a domain.
fn tells_people_apart(finding: &Finding, here: &Gathered) -> bool {
    match finding.kind {
        kind if is_ones_own(kind) => true,
        // Of keys that name two people it was asked which says more.
        Type::Key => match Role::of_rule(&finding.rule) {
            Some((Role::Belongs, domain)) => {
                here.keys().any(|of| of == domain) && here.locations.iter().all(|at| at.through.is_none())
            }
            _ => false,
        },
        kind => Identifier::is_strong_as(kind) && here.locations.iter().all(|at| at.finding.kind == kind),
    }
}

/// Whether a record is a person's own: a key that led there says so, or a field that holds nothing but such a value.
fn is_own(here: &Gathered, typed: &HashSet<String>) -> bool {
    let is_said = |at: &Location| at.through.is_none() && !at.refers && typed.contains(&*at.finding.field);
    here.locations.iter().any(|at| is_said(at) || at.finding.kind == Type::Key && !at.refers)
}
