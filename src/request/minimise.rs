//! Minimisation: records that have been kept for longer than the data map says, or for which it names no purpose
//! (Cal. Civ. Code § 1798.100(a)(3) and (c)).
//!
//! What comes out is a plan of erasure like any other. Only objects in which a scan has found something personal are
//! looked at. When a record is written it is asked again how old it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Fingerprint, Type};
use residuum_source::{
    Ability, Batch, Flow, Limits, Object, Outcome, Part, Range, Record, RecordKind, Records, Sink, Source, Stop, Unit,
};
use serde_json::Value;

use super::age;
use super::plan::{Evidence, Plan, PlannedAction, PlannedRecord};
use super::policy::can_go;
use super::{Planner, RequestError};
use crate::config::{CountsFrom, Day, RetentionPeriod, Strategy};
use crate::index::{Keyring, ObjectInfo};
use crate::map::Map;
use crate::scan::seal_name;

/// What is not minimised, with the reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kept {
    /// Name of the source.
    pub source: String,
    /// The object.
    pub object: String,
    /// How many records it is about; unknown where nothing could be looked at.
    pub records: Option<u64>,
    /// Why.
    pub reason: String,
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
        Evidence { field, rule, fp: Fingerprint([0; 16]) }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::Before { .. } => "past retention",
            Self::NoPurpose => "without purpose",
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
                let is_ours =
                    |(of, path): &&(String, String)| *of == name && path.split('!').next() == Some(listed.as_str());
                let rules: HashMap<String, Rule> = infos
                    .keys()
                    .filter(is_ours)
                    .filter_map(|(_, path)| Some((path.clone(), rule(map, &name, path, today, &mut found.kept)?)))
                    .collect();
                if rules.is_empty() {
                    continue;
                }
                let mut ages = Ages {
                    rules,
                    shown: &mut shown,
                    keys: self.keys,
                    stop,
                    open: Vec::new(),
                    found: BTreeMap::new(),
                    unjudged: BTreeMap::new(),
                };
                read(source.as_ref(), object, limits, &mut ages, &name, &listed, &mut found.kept);
                for (path, n) in &ages.unjudged {
                    let reason = format!(
                        "{n} of its records have no day of collection that can be read in one way only: they stay"
                    );
                    found.kept.push(Kept { source: name.clone(), object: path.clone(), records: None, reason });
                }
                for (path, (rule, records)) in ages.found {
                    if let Some(info) = infos.get(&(name.clone(), path)) {
                        self.plan_overdue(info, &rule, records, &mut found)?;
                    }
                }
                if stop.load(Ordering::Relaxed) {
                    return Ok(found);
                }
            }
        }
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
        found: &mut Minimisation,
    ) -> Result<(), RequestError> {
        if records.is_empty() {
            return Ok(());
        }
        let keep = |reason: String| Kept {
            source: info.source.to_string(),
            object: info.path.to_string(),
            records: Some(records.len() as u64),
            reason,
        };
        if let Some(retention) = self.policy.retained(&info.source, &info.path) {
            let (exception, approved_by) = (&retention.exception, &retention.approved_by);
            found.kept.push(keep(format!("{exception}: {} (approved by {approved_by})", retention.reason)));
            return Ok(());
        }
        let formats = self.reader.formats_of(&info.source, &info.path)?;
        let ability = match self.ability(&info.source, &formats) {
            Ok(Ability::WholeObject) => {
                found
                    .kept
                    .push(keep("records of this format go only with the whole object: delete it by hand".to_owned()));
                return Ok(());
            }
            Ok(ability) => ability,
            Err(reason) => {
                found.kept.push(keep(reason));
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
        kept.push(Kept { source: source.to_owned(), object: path.to_owned(), records: None, reason });
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
        let (source, object) = (name.to_owned(), listed.to_owned());
        kept.push(Kept { source, object, records: None, reason: format!("it could not be read: {error}") });
    }
}

/// Gathers the records of an object that are past their time.
struct Ages<'a, 's> {
    rules: HashMap<String, Rule>,
    shown: &'s mut dyn FnMut(&str) -> String,
    keys: &'a Keyring,
    stop: &'a AtomicBool,
    open: Vec<String>,
    found: BTreeMap<String, (Rule, Vec<Record>)>,
    /// Records whose age cannot be told.
    unjudged: BTreeMap<String, u64>,
}

impl Sink for Ages<'_, '_> {
    fn open(&mut self, part: Part) -> Flow {
        let path = (self.shown)(part.path.as_str());
        self.open.push(path);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let path = self.open.last().cloned().unwrap_or_default();
        if let Some(rule) = self.rules.get(&path)
            && !matches!(batch.records, Records::Lines { .. })
        {
            let (_, records) = self.found.entry(path.clone()).or_insert_with(|| (rule.clone(), Vec::new()));
            for at in 0..batch.records.count() as usize {
                if rule.holds(&batch, at) {
                    records.push(sealed(&batch.record(at).whole(), self.keys));
                } else if !rule.can_judge(&batch, at) {
                    *self.unjudged.entry(path.clone()).or_default() += 1;
                }
            }
        }
        if self.stop.load(Ordering::Relaxed) { Flow::Break(Stop) } else { Flow::Continue(()) }
    }

    fn close(&mut self, _: Outcome) -> Flow {
        self.open.pop();
        Flow::Continue(())
    }
}

/// A record whose key is sealed: it may be personal, and is kept with the plan.
fn sealed(record: &Record, keys: &Keyring) -> Record {
    let Record::Text(RecordKind::Pk, text) = record else { return record.clone() };
    let values: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let seal = |value: Value| match value {
        Value::String(text) => Value::String(keys.seal_name(Type::Key, &text)),
        value => value,
    };
    Record::Text(RecordKind::Pk, Value::Array(values.into_iter().map(seal).collect()).to_string())
}
