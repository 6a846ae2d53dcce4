//! What becomes of a record, decided as it stands at the moment of writing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use residuum_detect::{Category, Detector, FieldPlan, Literals, RuleId, Type};
use residuum_source::{
    Action, Batch, Change, Editor, NewValue, ObjectPath, Part, Record, RecordKind, Records, Refusal, RefusalKind,
    Sensitive,
};

use super::carry_out::CarryOut;
use super::change::{New, new_value};
use super::correction::Corrections;
use super::led::{Chains, RecordId, Standing};
use super::minimise;
use super::not_null::InPlaceOfNull;
use super::plan::{Evidence, PlannedAction, PlannedRecord};
use super::policy::{At, Policy, Replacement};
use crate::config::Strategy;
use crate::index::Keyring;
use crate::scan::keys::Role;
use crate::scan::{Again, KeysWanted, Sight};

/// One part of an object with the records to be acted on, its names opened.
pub(super) struct PartToEdit<'p> {
    pub source: &'p str,
    /// The name as the index has it, over which the policy's globs go.
    pub name: &'p str,
    pub plans: Vec<FieldPlan>,
    /// In their order, so that those within some lines are found without looking at all.
    pub records: BTreeMap<Record, &'p PlannedRecord>,
    /// Number of the object in the index.
    pub object: u32,
    /// What stands in the place of a null, by column.
    pub not_null: HashMap<String, InPlaceOfNull>,
    /// What led to its records, where the records that led there are shown as well; see [`super::led`].
    pub chains: Option<&'p Chains>,
    /// Records that led to others and are only looked at, each with the name that the index has for it.
    pub witnesses: HashMap<Record, Record>,
}

/// What becomes of the records of one part.
#[derive(Default)]
pub(super) struct Decided {
    /// Records that are to go, and those that are edited, as far as they were not refused.
    pub deleted: BTreeSet<Record>,
    pub edited: BTreeSet<Record>,
    /// Records in which something of the person stands, and stays as the owner wants it.
    pub stays: HashSet<Record>,
    /// Records that were shown.
    pub seen: HashSet<Record>,
    /// What was not done: the whole part, and single records, of which the last word counts.
    pub refused: Vec<Refusal>,
    pub refused_records: BTreeMap<Record, Refusal>,
    /// Of those, records to which nothing leads any more.
    pub unled: HashSet<Record>,
}

/// What is to become of a record.
enum Becomes {
    /// Nothing of the person stands there.
    Untouched,
    /// What stands there stays.
    Stays,
    Changed(Action),
}

/// Decides by the plan, the policy and what stands in each record now.
pub(super) struct ByPlan<'a> {
    pub detector: &'a Detector,
    pub keys: &'a Keyring,
    pub policy: &'a Policy,
    /// What wrong values become, in a correction.
    pub corrections: &'a Corrections,
    pub literals: Option<&'a dyn Literals>,
    /// By opened name.
    pub parts: BTreeMap<ObjectPath, PartToEdit<'a>>,
    pub nesting: u32,
    /// The key of pseudonyms, of this run.
    pub run_key: [u8; 32],
    /// By part; what concerns a whole object stands under its name.
    pub decided: BTreeMap<ObjectPath, Decided>,
    /// What stands in the records that led to others, and in those to which they led, as far as they were shown.
    pub standing: Standing,
    /// Records that led to others and are locked by somebody else.
    pub unseen: HashSet<RecordId>,
    open: Vec<(ObjectPath, Option<Again<'a>>)>,
}

impl<'a> ByPlan<'a> {
    pub fn new(with: &CarryOut<'a>, run_key: [u8; 32]) -> Self {
        Self {
            detector: with.detector,
            keys: with.index.keys(),
            policy: with.policy,
            corrections: with.corrections,
            literals: with.literals,
            parts: BTreeMap::new(),
            nesting: with.limits.nesting,
            run_key,
            decided: BTreeMap::new(),
            standing: Standing::default(),
            unseen: HashSet::new(),
            open: Vec::new(),
        }
    }

    /// What is to be done with one record, given all that stands in it now.
    fn decide(
        &self,
        part: &PartToEdit<'_>,
        planned: &PlannedRecord,
        batch: &Batch,
        at: usize,
        here: &[&Sight],
    ) -> Result<Becomes, Refusal> {
        let is_old = planned.evidence.iter().any(|evidence| minimise::holds(evidence, batch, at) == Some(true));
        let is_evidence = |sight: &Sight| planned.evidence.iter().any(|evidence| sight.is(evidence.fp));
        let found: Vec<&Sight> = here.iter().copied().filter(|sight| is_evidence(sight)).collect();
        let leads = |sight: &&Sight| planned.evidence.iter().any(|of| of.leads() && sight.is(of.fp));
        let takes_all = !matches!(planned.action, PlannedAction::EditFound | PlannedAction::Correct);
        if (found.is_empty() || takes_all && !found.iter().any(leads)) && !is_old {
            return Ok(Becomes::Untouched);
        }
        let corrects = planned.action == PlannedAction::Correct;
        let values = match planned.action {
            PlannedAction::Delete | PlannedAction::DeleteObject => return Ok(Becomes::Changed(Action::Delete)),
            PlannedAction::EditFound | PlannedAction::Correct => self.replacements(part, batch, &found, corrects)?,
            PlannedAction::EditAll => {
                // The field that says how old a record is stays: without it nobody could tell any more.
                let tells_age = |field: &str| {
                    let is_of_age = |evidence: &&Evidence| minimise::holds(evidence, batch, at).is_some();
                    planned.evidence.iter().filter(is_of_age).any(|evidence| evidence.field == field)
                };
                let here: Vec<&Sight> = here.iter().copied().filter(|sight| !tells_age(&sight.field)).collect();
                self.replacements(part, batch, &here, false)?
            }
        };
        Ok(if values.is_empty() { Becomes::Stays } else { Becomes::Changed(Action::Set(values)) })
    }

    /// The replacements of what stands somewhere, none within another.
    fn replacements(
        &self,
        part: &PartToEdit<'_>,
        batch: &Batch,
        sights: &[&Sight],
        corrects: bool,
    ) -> Result<Vec<NewValue>, Refusal> {
        let mut sights = sights.to_vec();
        sights.sort_by_key(|sight| (sight.column, sight.bytes.start, std::cmp::Reverse(sight.bytes.end)));
        let mut values: Vec<NewValue> = Vec::new();
        for sight in sights {
            let Some(value) = self.replacement(part, batch, sight, corrects) else { continue };
            if let Some(last) = values.last_mut()
                && last.column == sight.column
                && sight.bytes.start < last.bytes.end
            {
                // What stands across the end of another goes with it.
                last.bytes.end = last.bytes.end.max(value.bytes.end);
                continue;
            }
            if sight.is_encoded {
                let reason = "it stands in encoded text, such as Base64, beside other data: to be done by hand";
                return Err(Refusal::new(RefusalKind::Unsupported, reason));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// What is to be done with the records of a batch.
    fn changes(&mut self, path: &ObjectPath, batch: &Batch, again: &mut Again<'_>) -> Vec<Change> {
        let Some(part) = self.parts.get(path) else { return Vec::new() };
        let is_looked_at = part.chains.is_some() && !part.witnesses.is_empty();
        if Self::wanted(part, batch).is_empty() && !is_looked_at {
            return Vec::new();
        }
        let mut sights = again.look(batch);
        self.note(path, batch, again, &sights);
        let Some(part) = self.parts.get(path) else { return Vec::new() };
        let wanted = Self::wanted(part, batch);
        let mut keys = KeysWanted::new();
        for evidence in wanted.iter().flat_map(|(.., planned)| &planned.evidence) {
            if let Some((_, domain)) = Role::of_rule(&evidence.rule) {
                keys.entry((&evidence.field, domain)).or_default().insert(evidence.fp);
            }
        }
        sights.extend(again.keys(batch, &keys));
        let mut by_record: HashMap<usize, Vec<&Sight>> = HashMap::new();
        sights.iter().for_each(|sight| by_record.entry(sight.record).or_default().push(sight));
        let (mut changes, mut all) = (Vec::new(), Vec::new());
        for (at, record, planned) in wanted {
            let here = by_record.get(&at).map_or(&[][..], Vec::as_slice);
            let becomes = match self.decide(part, planned, batch, at, here) {
                Ok(Becomes::Changed(action)) => match self.is_unled(part, &record) {
                    Some(refusal) => Err(refusal),
                    None => Ok(Becomes::Changed(action)),
                },
                becomes => becomes,
            };
            if let Ok(Becomes::Changed(action)) = &becomes {
                changes.push(Change { record: at, action: action.clone() });
            }
            all.push((record, becomes));
        }
        // A record may be shown in several batches, of which most hold nothing of the person: what was said in one of
        // them is not taken back in the next.
        let decided = self.decided.entry(path.clone()).or_default();
        for (record, becomes) in all {
            decided.seen.insert(record.clone());
            match becomes {
                Ok(Becomes::Changed(Action::Delete)) => {
                    decided.refused_records.remove(&record);
                    decided.edited.remove(&record);
                    decided.deleted.insert(record);
                }
                Ok(Becomes::Changed(Action::Set(_))) if !decided.deleted.contains(&record) => {
                    decided.edited.insert(record);
                }
                Ok(Becomes::Stays) => drop(decided.stays.insert(record)),
                Err(refusal) if !decided.deleted.contains(&record) => {
                    if refusal.kind == RefusalKind::Changed {
                        decided.unled.insert(record.clone());
                    }
                    decided.refused_records.insert(record, refusal);
                }
                Ok(Becomes::Changed(_) | Becomes::Untouched) | Err(_) => {}
            }
        }
        changes
    }

    fn replacement(&self, part: &PartToEdit<'_>, batch: &Batch, sight: &Sight, corrects: bool) -> Option<NewValue> {
        let new = |value: &[u8], is_whole: bool| match corrects {
            true => self.corrections.of(sight.fp, sight.kind, value).map_or(New::Kept, New::Text),
            false => self.erased(part, sight, value, is_whole),
        };
        let column = &batch.columns[sight.column];
        if sight.is_nested {
            return nested(column.bytes.as_slice(), sight, &new);
        }
        let is_text = matches!(batch.records, Records::Lines { .. }) || column.window.is_some();
        let of_value = column.value_at(sight.bytes.start);
        let (start, end) = (column.offsets[of_value], column.offsets[of_value + 1]);
        let is_blank = |range: std::ops::Range<u32>| {
            column.bytes[range.start as usize..range.end as usize].trim_ascii().is_empty()
        };
        let is_whole = !is_text && is_blank(start..sight.bytes.start) && is_blank(sight.bytes.end..end);
        let bytes = if is_whole { start..end } else { sight.bytes.clone() };
        let new = match new(&column.bytes[sight.bytes.start as usize..sight.bytes.end as usize], is_whole) {
            New::Null if sight.kind != Type::Key => match part.not_null.get(&*column.field) {
                None => None,
                Some(InPlaceOfNull::Empty) => Some(Sensitive::new(Vec::new())),
                Some(InPlaceOfNull::AsItWas) => return None,
                Some(InPlaceOfNull::Pseudonym) => {
                    let with = Replacement { strategy: Strategy::Pseudonym, text: "" };
                    let value = &column.bytes[sight.bytes.start as usize..sight.bytes.end as usize];
                    match new_value(&with, sight.kind, value, is_whole, &self.run_key) {
                        New::Kept => return None,
                        New::Null => None,
                        New::Text(text) => Some(Sensitive::new(text)),
                    }
                }
            },
            New::Kept => return None,
            New::Null => None,
            New::Text(text) => Some(Sensitive::new(text)),
        };
        Some(NewValue { column: sight.column, bytes, new })
    }

    /// What the policy makes of a value.
    fn erased(&self, part: &PartToEdit<'_>, sight: &Sight, value: &[u8], is_whole: bool) -> New {
        let at = At {
            source: part.source,
            object: part.name,
            field: &sight.field,
            kind: sight.kind,
            categories: self.categories(sight.rule),
        };
        let with = self.policy.of_value(&at);
        // A record's own key, or the one that says whose it is, goes with the record only.
        let stays = sight.kind == Type::Key && with.strategy != Strategy::Deidentify;
        if stays || self.policy.retained_value(&at).is_some() {
            return New::Kept;
        }
        new_value(&with, sight.kind, value, is_whole, &self.run_key)
    }

    fn categories(&self, rule: RuleId) -> &[Category] {
        self.detector.rules().get(usize::from(rule.0)).map_or(&[], |rule| rule.categories.as_slice())
    }

    /// The records of a batch that are to be acted on, each with its place in the batch.
    fn wanted<'p>(part: &PartToEdit<'p>, batch: &Batch) -> Vec<(usize, Record, &'p PlannedRecord)> {
        if let Records::Lines { first, .. } = batch.records {
            let lines = batch.columns.first().map_or(0, |column| column.bytes.split(|&byte| byte == b'\n').count());
            let line = |number| Record::Number(RecordKind::Line, number);
            let of_line = |(record, planned): (&Record, &&'p PlannedRecord)| {
                ((record.number() - first) as usize, record.clone(), *planned)
            };
            return part.records.range(line(first)..line(first + lines as u64)).map(of_line).collect();
        }
        let known = |at: usize| {
            let record = batch.record(at).whole();
            part.records.get(&record).map(|planned| (at, record, *planned))
        };
        (0..batch.records.count() as usize).filter_map(known).collect()
    }
}

/// A replacement within nested text, which stays valid JSON: a string that goes as a whole goes with its quotes.
fn nested(text: &[u8], sight: &Sight, new: &dyn Fn(&[u8], bool) -> New) -> Option<NewValue> {
    let (start, end) = (sight.bytes.start as usize, sight.bytes.end as usize);
    let is_quoted = start > 0 && text[start - 1] == b'"' && text.get(end) == Some(&b'"');
    let ends_token = |byte: Option<&u8>| byte.is_none_or(|byte| b" \t\r\n,:[]{}".contains(byte));
    let is_bare = ends_token(start.checked_sub(1).map(|at| &text[at])) && ends_token(text.get(end));
    let whole = if is_quoted { start - 1..end + 1 } else { start..end };
    let replaced = match new(&text[start..end], is_quoted || is_bare) {
        New::Kept => return None,
        New::Null => b"null".to_vec(),
        New::Text(text) => {
            let quoted = serde_json::Value::from(String::from_utf8_lossy(&text).into_owned()).to_string().into_bytes();
            if is_quoted || is_bare { quoted } else { quoted[1..quoted.len() - 1].to_vec() }
        }
    };
    let bytes = whole.start as u32..whole.end as u32;
    Some(NewValue { column: sight.column, bytes, new: Some(Sensitive::new(replaced)) })
}

impl Editor for ByPlan<'_> {
    fn open(&mut self, part: &Part) {
        // A connector that begins again opens again: what was decided before was not done.
        self.decided.remove(&part.path);
        if let Some(of) = self.parts.get(&part.path) {
            self.standing.of.retain(|(object, _), _| *object != of.object);
            self.unseen.retain(|(object, _)| *object != of.object);
        }
        let again = self
            .parts
            .get(&part.path)
            .map(|of| Again::new(self.detector, self.keys, of.plans.clone(), self.literals, self.nesting));
        self.open.push((part.path.clone(), again));
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let Some((path, Some(mut again))) = self.open.pop() else { return Vec::new() };
        let changes = self.changes(&path, batch, &mut again);
        self.open.push((path, Some(again)));
        changes
    }

    fn close(&mut self) {
        self.open.pop();
    }

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        let of_part = self.parts.get(part);
        if let Some(record) = record.map(Record::whole) {
            if let Some(of) = of_part.filter(|of| !of.records.contains_key(&record)) {
                // It is only looked at, to say whether what it led to is still the person's.
                self.unseen.extend(of.id(&record).filter(|_| refusal.kind == RefusalKind::Locked));
                return;
            }
            let decided = self.decided.entry(part.clone()).or_default();
            decided.deleted.remove(&record);
            decided.edited.remove(&record);
            decided.refused_records.insert(record, refusal);
            return;
        }
        if let Some(of) = of_part.filter(|of| of.records.is_empty()) {
            if refusal.kind == RefusalKind::Locked {
                self.unseen.extend(of.witnesses.values().map(|record| (of.object, record.clone())));
            }
            return;
        }
        for (of, decided) in &mut self.decided {
            if of == part || of.outermost() == *part {
                decided.deleted.clear();
                decided.edited.clear();
            }
        }
        self.decided.entry(part.clone()).or_default().refused.push(refusal);
    }
}

/// What to say of a record in which nothing of the person stands any more.
pub(super) fn changed() -> Refusal {
    Refusal::new(RefusalKind::Changed, "what was found in the record does not stand there any more")
}
