//! Minimisation: records that have been kept for longer than the data map says, or for which it names no purpose
//! (Cal. Civ. Code § 1798.100(a)(3) and (c)).
//!
//! What comes out is a plan of erasure like any other. Only objects in which a scan has found something personal are
//! looked at. When a record is written it is asked again how old it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Fingerprint, Type};
use residuum_source::{
    Ability, Batch, Flow, Limits, Object, Outcome, Part, Range, Record, Records, Sink, Source, Stop, Unit,
};

use super::age;
use super::opened::field_plans;
use super::plan::{Evidence, Left, LeftState, Plan, PlannedAction, PlannedRecord};
use super::planner::NamedSources;
use super::policy::can_go;
use super::{Planner, RequestError};
use crate::config::{CountsFrom, Day, RetentionPeriod, Strategy};
use crate::index::ObjectInfo;
use crate::map::Map;
use crate::scan::{Again, seal_name};

/// What is not minimised, with the reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kept {
    /// Name of the source.
    pub source: String,
    /// The object.
    pub object: String,
    /// How many records it is about; unknown where nothing could be looked at.
    pub records: Option<u64>,
    /// What it takes for them to go.
    pub because: KeptBecause,
    /// Why.
    pub reason: String,
}

/// What it takes for records to go that are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeptBecause {
    /// Nothing: an exception or a hold keeps them.
    Retained,
    /// A person has to do it.
    Manual,
    /// Somebody has to see to it that it can be said how old they are.
    Unjudged,
}

/// What is to be minimised.
#[derive(Debug, Default)]
pub struct Minimisation {
    /// The plan, one subject for each reason: `past retention`, `without purpose`.
    pub plan: Plan,
    /// What stays though it is past its time, or cannot be judged.
    pub kept: Vec<Kept>,
}

/// Rules of evidence: what has to be true of a record at the moment of writing.
const BEFORE: &str = "collected before ";
const NO_PURPOSE: &str = "no purpose";

/// Why the records of an object go.
#[derive(Clone)]
enum Rule {
    /// They were collected, as this field says, before a day, `YYYYMMDD`.
    Before { field: String, day: [u8; 8] },
    /// All of them: the map says that they are for nothing.
    NoPurpose,
}

impl Rule {
    fn evidence(&self) -> Evidence {
        let (field, rule) = match self {
            Self::Before { field, day } => (field.clone(), format!("{BEFORE}{}", String::from_utf8_lossy(day))),
            Self::NoPurpose => (String::new(), NO_PURPOSE.to_owned()),
        };
        Evidence { field, rule, fp: Fingerprint([0; 16]), is_beside: false }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Before { .. } => "past retention",
            Self::NoPurpose => "without purpose",
        }
    }

    /// Whether a batch shows what has to be known of its records; one of a window of a long value does not.
    fn is_shown_in(&self, batch: &Batch) -> bool {
        let is_window = batch.columns.iter().any(|column| column.window.is_some());
        match self {
            Self::Before { field, .. } => !is_window || batch.columns.iter().any(|column| *column.field == **field),
            Self::NoPurpose => true,
        }
    }

    /// Whether it can be said of a record whether it holds.
    fn can_judge(&self, batch: &Batch, record: usize) -> bool {
        match self {
            Self::Before { field, .. } => age::value(batch, record, field).and_then(age::day).is_some(),
            Self::NoPurpose => true,
        }
    }

    fn holds(&self, batch: &Batch, record: usize) -> bool {
        match self {
            Self::Before { field, day } => age::is_before(batch, record, field, day),
            Self::NoPurpose => true,
        }
    }
}

/// Whether evidence of age or purpose holds for a record now; `None` if it is evidence of something else.
pub(super) fn holds(evidence: &Evidence, batch: &Batch, record: usize) -> Option<bool> {
    if evidence.rule == NO_PURPOSE {
        return Some(true);
    }
    let day = evidence.rule.strip_prefix(BEFORE)?.as_bytes().try_into().ok()?;
    Some(age::is_before(batch, record, &evidence.field, &day))
}

impl Planner<'_> {
    /// Plans the erasure of records that are past their time on a day, or for nothing. Reads every object that the map
    /// says something about; memory is bounded by the records that go.
    ///
    /// # Errors
    /// When the index cannot be read, or a source not be listed.
    pub fn minimisation(
        &self,
        map: &Map,
        today: Day,
        limits: &Limits,
        stop: &AtomicBool,
    ) -> Result<Minimisation, RequestError> {
        let mut found = Minimisation::default();
        let mut infos: HashMap<(String, String), ObjectInfo> = HashMap::new();
        let mut holding: BTreeSet<u32> = BTreeSet::new();
        for field in self.reader.fields()? {
            if field.types.iter().any(|of| of.kind != Type::Key) {
                holding.insert(field.object_id);
            }
        }
        let numbers: Vec<u32> = holding.into_iter().collect();
        for info in self.reader.objects_numbered(&numbers)? {
            infos.insert((info.source.to_string(), info.path.to_string()), info);
        }
        // Parts by the listed object they are, or lie in.
        let mut parts: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
        for (source, path) in infos.keys() {
            let listed = path.split('!').next().unwrap_or_default();
            parts.entry((source, listed)).or_default().push(path);
        }
        let sources = self.named_sources();
        let mut worker = self.detector.worker();
        for source in self.sources {
            let name = seal_name(&mut worker, self.keys, source.name());
            let mut objects = Vec::new();
            source.list(&mut |object| {
                objects.push(object);
                Flow::Continue(())
            })?;
            for object in objects.iter().filter(|object| object.not_read.is_none()) {
                let mut shown = |path: &str| seal_name(&mut worker, self.keys, path);
                let listed = shown(object.path.as_str());
                let rules: HashMap<String, Rule> = parts
                    .get(&(name.as_str(), listed.as_str()))
                    .into_iter()
                    .flatten()
                    .filter_map(|path| Some(((*path).to_owned(), rule(map, &name, path, today, &mut found.kept)?)))
                    .collect();
                if rules.is_empty() {
                    continue;
                }
                let mut looks = HashMap::new();
                for path in rules.keys() {
                    let info = &infos[&(name.clone(), path.clone())];
                    let plans = field_plans(self.reader, self.keys, info.object)?;
                    looks.insert(path.clone(), Again::new(self.detector, self.keys, plans, None, limits.nesting));
                }
                let mut ages = Ages {
                    rules,
                    shown: &mut shown,
                    looks,
                    stop,
                    open: Vec::new(),
                    found: BTreeMap::new(),
                    unjudged: BTreeMap::new(),
                    partly: Vec::new(),
                };
                read(source.as_ref(), object, limits, &mut ages, &name, &listed, &mut found.kept);
                if stop.load(Ordering::Relaxed) {
                    return Err(RequestError::Stopped);
                }
                let partly = std::mem::take(&mut ages.partly);
                found.kept.extend(partly.into_iter().map(|(object, reason)| Kept {
                    source: name.clone(),
                    object,
                    records: None,
                    because: KeptBecause::Unjudged,
                    reason,
                }));
                for (path, n) in &ages.unjudged {
                    let reason = format!(
                        "{n} of its records have no day of collection that can be read in one way only: they stay"
                    );
                    let (source, object, because) = (name.clone(), path.clone(), KeptBecause::Unjudged);
                    found.kept.push(Kept { source, object, records: None, because, reason });
                }
                for (path, (rule, records)) in ages.found {
                    if let Some(info) = infos.get(&(name.clone(), path)) {
                        self.plan_overdue(info, &rule, records, &sources, &mut found)?;
                    }
                }
            }
        }
        self.keep_referred(&mut found.plan)?;
        self.keep_not_null(&mut found.plan)?;
        let mut referred: BTreeMap<(String, String, LeftState), u64> = BTreeMap::new();
        for Left { location, state } in found.plan.left.drain(..) {
            let (source, object) = (location.finding.source.to_string(), location.finding.object.to_string());
            *referred.entry((source, object, state)).or_default() += 1;
        }
        found.kept.extend(referred.into_iter().map(|((source, object, state), records)| {
            let is_retained = matches!(state, LeftState::Retained { .. });
            let because = if is_retained { KeptBecause::Retained } else { KeptBecause::Manual };
            Kept { source, object, records: Some(records), because, reason: state.reason() }
        }));
        found.plan.objects.sort_by(|a, b| (&a.source, &a.part).cmp(&(&b.source, &b.part)));
        found.kept.sort();
        found.kept.dedup();
        Ok(found)
    }

    fn plan_overdue(
        &self,
        info: &ObjectInfo,
        rule: &Rule,
        records: Vec<Record>,
        sources: &NamedSources<'_>,
        found: &mut Minimisation,
    ) -> Result<(), RequestError> {
        if records.is_empty() {
            return Ok(());
        }
        let keep = |because: KeptBecause, reason: String| Kept {
            source: info.source.to_string(),
            object: info.path.to_string(),
            records: Some(records.len() as u64),
            because,
            reason,
        };
        if let Some(retention) = self.policy.retained(&info.source, &info.path) {
            let (exception, approved_by) = (&retention.exception, &retention.approved_by);
            let reason = format!("{exception}: {} (approved by {approved_by})", retention.reason);
            found.kept.push(keep(KeptBecause::Retained, reason));
            return Ok(());
        }
        let formats = self.reader.formats_of(&info.source, &info.path)?;
        let ability = match sources.ability(&info.source, &info.path, &formats) {
            Ok(Ability::WholeObject) => {
                let reason = "records of this format go only with the whole object: delete it by hand".to_owned();
                found.kept.push(keep(KeptBecause::Manual, reason));
                return Ok(());
            }
            Ok(ability) => ability,
            Err(reason) => {
                found.kept.push(keep(KeptBecause::Manual, reason));
                return Ok(());
            }
        };
        let strategy = self.policy.of_records(&info.source, &info.path);
        let goes = strategy.is_none_or(Strategy::deletes) && !self.policy.retains_values(&info.source, &info.path);
        let planned = records.into_iter().map(|record| PlannedRecord {
            action: if goes && can_go(record.kind()) { PlannedAction::Delete } else { PlannedAction::EditAll },
            subjects: vec![rule.subject().to_owned()],
            evidence: vec![rule.evidence()],
            record,
        });
        let mut planned: Vec<PlannedRecord> = planned.collect();
        planned.sort_by(|a, b| a.record.cmp(&b.record));
        planned.dedup_by(|a, b| a.record == b.record);
        if !goes {
            // A record that stays is past its time for as long as something stands in it that would be replaced.
            let wanted: Vec<(u32, Record)> = planned.iter().map(|of| (info.object, of.record.clone())).collect();
            let mut holding = HashSet::new();
            self.reader.findings_of_records(&wanted, &mut |finding| {
                if finding.kind != Type::Key && self.policy.keeps(finding).is_none() {
                    holding.insert(finding.record.whole());
                }
                ControlFlow::Continue(())
            })?;
            planned.retain(|of| holding.contains(&of.record));
        }
        if planned.is_empty() {
            return Ok(());
        }
        found.plan.objects.push(self.planned_object(info, formats, &ability, planned)?);
        Ok(())
    }
}

/// Why records of an object would go, by the map.
fn rule(map: &Map, source: &str, path: &str, today: Day, kept: &mut Vec<Kept>) -> Option<Rule> {
    let of = map.of(source, path, "");
    if of.purposes.is_some_and(<[_]>::is_empty) {
        return Some(Rule::NoPurpose);
    }
    let RetentionPeriod::For { keep, from } = of.retention? else { return None };
    let field = match from {
        CountsFrom::Collection => of.collected_at.map(str::to_owned),
        CountsFrom::Field(field) => Some(field.clone()),
        CountsFrom::Event(_) => None,
    };
    let Some(field) = field else {
        let reason = "the map says how long it is kept, but no field from when on: give `collected_at`".to_owned();
        let (source, object, because) = (source.to_owned(), path.to_owned(), KeptBecause::Unjudged);
        kept.push(Kept { source, object, records: None, because, reason });
        return None;
    };
    let day: String = today.before(*keep).to_string().chars().filter(char::is_ascii_digit).collect();
    Some(Rule::Before { field, day: day.into_bytes().try_into().ok()? })
}

fn read(
    source: &dyn Source,
    object: &Object,
    limits: &Limits,
    ages: &mut Ages<'_, '_>,
    name: &str,
    listed: &str,
    kept: &mut Vec<Kept>,
) {
    let unit = Unit { objects: vec![object.clone()], range: Range::Whole };
    if let Err(error) = source.read(&unit, limits, ages) {
        let (source, object, because) = (name.to_owned(), listed.to_owned(), KeptBecause::Unjudged);
        // What a system says of an object may hold its name.
        let reason = (ages.shown)(&format!("it could not be read: {}", error.reason()));
        kept.push(Kept { source, object, records: None, because, reason });
    }
}

/// Gathers the records of an object that are past their time.
struct Ages<'a, 's> {
    rules: HashMap<String, Rule>,
    shown: &'s mut dyn FnMut(&str) -> String,
    /// What seals the records of a part.
    looks: HashMap<String, Again<'a>>,
    stop: &'a AtomicBool,
    open: Vec<String>,
    found: BTreeMap<String, (Rule, Vec<Record>)>,
    /// Records whose age cannot be told.
    unjudged: BTreeMap<String, u64>,
    /// Parts that were not read to their end, or have no fields to judge by, with the reason.
    partly: Vec<(String, String)>,
}

impl Sink for Ages<'_, '_> {
    fn open(&mut self, part: Part) -> Flow {
        let path = (self.shown)(part.path.as_str());
        self.open.push(path);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let path = self.open.last().cloned().unwrap_or_default();
        if let Some((rule, look)) = self.rules.get(&path).zip(self.looks.get_mut(&path)) {
            if matches!(batch.records, Records::Lines { .. }) {
                let reason = "lines of running text have no field by which they could be judged: see to them by hand";
                if !self.partly.iter().any(|(of, _)| *of == path) {
                    self.partly.push((path, reason.to_owned()));
                }
            } else if rule.is_shown_in(&batch) {
                let all = 0..batch.records.count() as usize;
                let due: Vec<usize> = all.clone().filter(|&at| rule.holds(&batch, at)).collect();
                let unjudged = all.filter(|&at| !rule.holds(&batch, at) && !rule.can_judge(&batch, at)).count();
                if unjudged > 0 {
                    *self.unjudged.entry(path.clone()).or_default() += unjudged as u64;
                }
                let (_, records) = self.found.entry(path).or_insert_with(|| (rule.clone(), Vec::new()));
                records.extend(look.sealed(&batch, &due));
            }
        }
        if self.stop.load(Ordering::Relaxed) { Flow::Break(Stop) } else { Flow::Continue(()) }
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        let path = self.open.pop().unwrap_or_default();
        if outcome.coverage.is_incomplete() && !self.stop.load(Ordering::Relaxed) {
            let why = outcome.reason.unwrap_or_else(|| outcome.coverage.name().to_owned());
            let reason = (self.shown)(&format!("it was not read to its end, so that not all is judged: {why}"));
            self.partly.push((path, reason));
        }
        Flow::Continue(())
    }
}
