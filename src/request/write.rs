//! Writing one batch: what is planned, opened into targets, shown to the editor, and what became of each record.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use residuum_source::{ObjectPath, Receipt, Record, Refusal, RefusalKind, Source, SourceError, Target, Version};

use super::RequestError;
use super::batches::Batch;
use super::carry_out::{CarriedOut, CarryOut, Refused, Written};
use super::editor::{ByPlan, Decided, PartToEdit, changed};
use super::not_null::InPlaceOfNull;
use super::opened::{field_plans, opened};
use super::plan::{PlannedAction, PlannedObject, PlannedRecord};
use crate::index::{Keyring, Reader};
use crate::scan::seal_name;

/// Attempts at a batch in which something was locked, or whose connection was lost.
const ATTEMPTS: u32 = 4;

/// A lock is waited for by the connector, for as long as its `lock_timeout` says: after so long it is not tried again.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a run decides once.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// The key of pseudonyms.
    pub key: [u8; 32],
    /// Whether an earlier run stopped within this batch, so that some of it may be done.
    pub may_be_done: bool,
}

/// A record of a part, opened.
pub(super) type Id = (ObjectPath, Record);

/// A batch on its way.
pub(super) struct Writing<'p> {
    pub batch: &'p Batch<'p>,
    pub targets: Vec<Target>,
    pub editor: ByPlan<'p>,
    /// What the index calls objects and parts, by their opened names.
    names: HashMap<String, &'p str>,
    /// What has not been settled yet.
    pub open: BTreeMap<Id, (&'p PlannedObject, &'p PlannedRecord)>,
    /// Records that led to others: they are shown as well, and stay as they are.
    pub witnesses: BTreeSet<Id>,
}

/// Writes one batch, again if somebody held a lock.
pub(super) fn write(
    with: &CarryOut<'_>,
    reader: &Reader,
    source: Option<&dyn Source>,
    batch: &Batch<'_>,
    run: Run,
    outcome: &mut CarriedOut,
) -> Result<(), RequestError> {
    let mut writing = Writing::new(with, reader, batch, run, outcome)?;
    if writing.targets.is_empty() {
        return Ok(());
    }
    let Some(apply) = source.and_then(Source::as_apply) else {
        let reason = "the source was not named, cannot be reached, or cannot be written to";
        writing.refuse_all(&Refusal::new(RefusalKind::ReadOnly, reason), outcome);
        return Ok(());
    };
    let began = Instant::now();
    for attempt in 1..=ATTEMPTS {
        let is_last = attempt == ATTEMPTS;
        match apply.apply(&writing.targets, with.limits, &mut writing.editor) {
            Ok(receipts) => {
                let is_last = is_last || began.elapsed() > PATIENCE;
                outcome.receipts.extend(receipts.into_iter().map(|receipt| writing.written(with, receipt)));
                if !writing.settle(run, is_last, outcome) {
                    return Ok(());
                }
            }
            Err(SourceError::Lost { .. } | SourceError::Unreachable { .. }) if !is_last => {
                writing.editor.decided.clear();
            }
            Err(error) => {
                // The object is named beside it, and what a system says may hold its name.
                let reason = seal_name(&mut with.detector.worker(), with.index.keys(), &error.reason());
                writing.refuse_all(&Refusal::new(RefusalKind::Failed, reason), outcome);
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_millis(100 << attempt));
    }
    Ok(())
}

impl<'p> Writing<'p> {
    fn new(
        with: &CarryOut<'p>,
        reader: &Reader,
        batch: &'p Batch<'p>,
        run: Run,
        outcome: &mut CarriedOut,
    ) -> Result<Self, RequestError> {
        let keys = with.index.keys();
        let editor = ByPlan::new(with, run.key);
        let mut writing = Self {
            batch,
            targets: Vec::new(),
            editor,
            names: HashMap::new(),
            open: BTreeMap::new(),
            witnesses: BTreeSet::new(),
        };
        for (object, records) in batch {
            if let Some(refusal) = kept_now(with, object, records) {
                outcome.refused.push(Refused::new(object, None, refusal));
                continue;
            }
            let (listed, part) = object.paths(keys)?;
            writing.names.insert(listed.as_str().to_owned(), &object.listed);
            writing.names.insert(part.as_str().to_owned(), &object.part);
            let at = writing.targets.iter().position(|target| target.object == listed).unwrap_or_else(|| {
                let version = object.version.clone().map(Version::sound);
                writing.targets.push(Target { object: listed.clone(), version, records: BTreeMap::new() });
                writing.targets.len() - 1
            });
            let target = writing.targets[at].records.entry(part.clone()).or_default();
            if !writing.editor.parts.contains_key(&part) {
                let plans = field_plans(reader, keys, object.object)?;
                let to_edit = PartToEdit {
                    source: &object.source,
                    name: &object.part,
                    plans,
                    records: Default::default(),
                    object: object.object,
                    not_null: not_null(object, keys)?,
                    chains: Some(&*object.chains).filter(|chains| object.size.is_table && !chains.is_empty()),
                    witnesses: HashMap::new(),
                };
                writing.editor.parts.insert(part.clone(), to_edit);
            }
            let to_edit = writing.editor.parts.get_mut(&part).expect("inserted above");
            for planned in *records {
                let record = opened(keys, &planned.record)?;
                target.push(record.clone());
                to_edit.records.insert(record.clone(), planned);
                writing.open.insert((part.clone(), record), (object, planned));
            }
            outcome.touched.entry(object.source.clone()).or_default().insert(object.listed.clone());
        }
        writing.add_witnesses(reader, keys)?;
        for records in writing.targets.iter_mut().flat_map(|target| target.records.values_mut()) {
            records.sort();
            records.dedup();
        }
        Ok(writing)
    }

    /// Takes what was decided and done into the outcome; whether something is to be tried again.
    fn settle(&mut self, run: Run, is_last: bool, outcome: &mut CarriedOut) -> bool {
        let all = std::mem::take(&mut self.editor.decided);
        let mut again: BTreeSet<Id> = BTreeSet::new();
        let is_tried_again = |refusal: &Refusal| refusal.kind == RefusalKind::Locked && !is_last;
        for (part, decided) in &all {
            outcome.deleted += decided.deleted.len() as u64;
            outcome.edited += decided.edited.len() as u64;
            for refusal in &decided.refused {
                let is_here = |(of, _): &&Id| of == part || of.outermost() == *part;
                let ids: Vec<Id> = self.open.keys().filter(is_here).cloned().collect();
                if is_tried_again(refusal) {
                    again.extend(ids);
                    continue;
                }
                let object = ids.first().and_then(|id| self.open.get(id)).map_or(self.batch[0].0, |(object, _)| object);
                self.open.retain(|id, _| ids.binary_search(id).is_err());
                outcome.refused.push(Refused::new(object, None, refusal.clone()));
            }
            for (record, refusal) in &decided.refused_records {
                let id = (part.clone(), record.clone());
                if is_tried_again(refusal) {
                    again.insert(id);
                    continue;
                }
                let of = self.open.remove(&id);
                let object = of.map_or(self.batch[0].0, |(object, _)| object);
                let record = of.map(|(_, planned)| planned.record.clone());
                outcome.refused.push(match record {
                    Some(record) if decided.unled.contains(&id.1) => {
                        for (source, listed) in object.chains.led_from(&(object.object, record.clone())) {
                            outcome.touched.entry(source.to_owned()).or_default().insert(listed.to_owned());
                        }
                        Refused::unled(object, record, refusal.clone())
                    }
                    record => Refused::new(object, record, refusal.clone()),
                });
            }
        }
        let none = Decided::default();
        for (id, (object, planned)) in std::mem::take(&mut self.open) {
            let decided = all.get(&id.0).unwrap_or(&none);
            if again.contains(&id) {
                self.open.insert(id, (object, planned));
            } else if decided.edited.contains(&id.1) {
                outcome.found_only += u64::from(planned.is_found_only());
            } else if decided.deleted.contains(&id.1) {
            } else if decided.stays.contains(&id.1) {
                let (source, part) = (object.source.clone(), object.part.clone());
                outcome.stays.insert((source, part, planned.record.clone()));
            } else if decided.seen.contains(&id.1) && !run.may_be_done {
                outcome.refused.push(Refused::new(object, Some(planned.record.clone()), changed()));
            } else {
                outcome.gone += 1;
            }
        }
        for target in &mut self.targets {
            for (part, records) in &mut target.records {
                records.retain(|record| {
                    let id = (part.clone(), record.clone());
                    again.contains(&id) || self.witnesses.contains(&id)
                });
            }
            target.records.retain(|_, records| !records.is_empty());
        }
        self.targets.retain(|target| !target.records.is_empty());
        !again.is_empty()
    }

    /// A receipt with what the index calls its object.
    fn written(&self, with: &CarryOut<'_>, receipt: Receipt) -> Written {
        let object = match self.names.get(&receipt.object) {
            Some(name) => (*name).to_owned(),
            None => seal_name(&mut with.detector.worker(), with.index.keys(), &receipt.object),
        };
        Written { source: self.batch[0].0.source.clone(), object, receipt }
    }

    /// Refuses what is not settled yet.
    fn refuse_all(&self, refusal: &Refusal, outcome: &mut CarriedOut) {
        let open: BTreeSet<&str> = self.open.values().map(|(object, _)| object.part.as_str()).collect();
        for (object, _) in self.batch.iter().filter(|(object, _)| open.contains(object.part.as_str())) {
            outcome.refused.push(Refused::new(object, None, refusal.clone()));
        }
    }
}

/// What stands in the place of a null, by the names of the columns.
fn not_null(object: &PlannedObject, keys: &Keyring) -> Result<HashMap<String, InPlaceOfNull>, RequestError> {
    let opened = object.not_null.iter().map(|(column, becomes)| Ok((keys.reveal(column)?, *becomes)));
    opened.collect()
}

/// Why nothing is done to an object any more, if an exception has come to keep it since it was planned.
fn kept_now(with: &CarryOut<'_>, object: &PlannedObject, records: &[PlannedRecord]) -> Option<Refusal> {
    let (source, part) = (&object.source, &object.part);
    let goes = |of: &PlannedRecord| matches!(of.action, PlannedAction::Delete | PlannedAction::DeleteObject);
    let corrects = |of: &PlannedRecord| of.action == PlannedAction::Correct;
    let retention = match with.policy.retained(source, part) {
        Some(retention) => (!records.iter().all(corrects)).then_some(retention),
        None => with.policy.retained_within(source, part).filter(|_| records.iter().any(goes)),
    }?;
    let (exception, reason) = (&retention.exception, &retention.reason);
    Some(Refusal::new(RefusalKind::Constraint, format!("kept since it was planned, {exception}: {reason}")))
}

impl Refused {
    fn new(object: &PlannedObject, record: Option<Record>, refusal: Refusal) -> Self {
        Self {
            source: object.source.clone(),
            object: object.part.clone(),
            record,
            primary_key: object.primary_key.clone(),
            refusal,
            is_unled: false,
        }
    }

    /// Of a record to which nothing leads any more.
    pub(super) fn unled(object: &PlannedObject, record: Record, refusal: Refusal) -> Self {
        Self { is_unled: true, ..Self::new(object, Some(record), refusal) }
    }
}
