//! Carrying a plan out: batch by batch, each noted when it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use residuum_detect::{Detector, Literals};
use residuum_source::{Limits, Receipt, Record, Refusal, RefusalKind, Source};
use serde_json::{Value, json};

use super::RequestError;
use super::batches::batches;
use super::correction::Corrections;
use super::led::still_led;
use super::plan::{Plan, PlannedObject};
use super::policy::Policy;
use super::store::{Done, Store};
use super::write::{Run, write};
use crate::index::{Index, Keyring};
use crate::keyfile::hex;

/// What was done of a plan.
#[derive(Debug, Default)]
pub struct CarriedOut {
    /// Records that are gone.
    pub deleted: u64,
    /// Records in which values were replaced.
    pub edited: u64,
    /// Records in which nothing of the person stood any more, or that were gone already.
    pub gone: u64,
    /// What was not done: source, object, record and why.
    pub refused: Vec<Refused>,
    /// Of those edited, records with fields in which only what was found was replaced: they are others' too.
    pub found_only: u64,
    /// Records that are still found, with their source and object, and in which everything is as the owner wants it:
    /// what stands there is kept, or has been replaced before.
    pub stays: BTreeSet<(String, String, Record)>,
    /// What sources said of it.
    pub receipts: Vec<Written>,
    /// Proofs of what was done before an interruption, as [`CarriedOut::proofs`] gives them.
    pub(super) earlier: Vec<Value>,
    /// Listed objects that were written to, or at least tried, by source; as the index names them.
    pub touched: BTreeMap<String, BTreeSet<String>>,
    /// Whether it was asked to stop before the end.
    pub interrupted: bool,
}

impl CarriedOut {
    /// Adds what was done in another round; of what was refused twice the last word counts.
    pub fn add(&mut self, later: Self) {
        let again: BTreeSet<_> = later.refused.iter().map(Refused::of).collect();
        self.refused.retain(|refused| !again.contains(&refused.of()));
        self.merge(later);
    }

    /// Forgets what was refused and has been done since, by what is planned now: all of which there is no plan any
    /// more, but for what was said of a whole object that was written, or that trying again would not change.
    pub fn forget_done(&mut self, plan: &Plan) {
        let planned: BTreeSet<(&str, &str)> =
            plan.objects.iter().map(|of| (of.source.as_str(), of.part.as_str())).collect();
        let written: BTreeSet<(&str, &str)> =
            self.receipts.iter().map(|of| (of.source.as_str(), of.object.as_str())).collect();
        self.refused.retain(|refused| {
            let is_written = written.contains(&(refused.source.as_str(), refused.object.as_str()));
            let is_planned = planned.contains(&(refused.source.as_str(), refused.object.as_str()));
            let kind = refused.refusal.kind;
            let may_be_done = !refused.is_unled
                && (refused.record.is_some() || kind == RefusalKind::Changed || kind.is_passing() && !is_written);
            is_planned || !may_be_done
        });
    }

    fn merge(&mut self, later: Self) {
        self.deleted += later.deleted;
        self.edited += later.edited;
        self.gone += later.gone;
        self.found_only += later.found_only;
        self.stays.extend(later.stays);
        self.refused.extend(later.refused);
        self.earlier.extend(later.earlier);
        self.receipts.extend(later.receipts);
        for (source, objects) in later.touched {
            self.touched.entry(source).or_default().extend(objects);
        }
        self.interrupted |= later.interrupted;
    }

    /// For each object written to: what stood there before and what stands there now, as keyed digests that prove
    /// which content was meant and tell nothing of it.
    pub fn proofs(&self, keys: &Keyring) -> Vec<Value> {
        self.earlier.iter().cloned().chain(self.receipts.iter().map(|written| written.proof(keys))).collect()
    }
}

/// What a source said of an object that it wrote.
#[derive(Debug)]
pub struct Written {
    /// Name of the source.
    pub source: String,
    /// The object; personal parts sealed.
    pub object: String,
    /// What was done; the name in it is opened.
    pub receipt: Receipt,
}

impl Written {
    fn proof(&self, keys: &Keyring) -> Value {
        let Self { source, receipt, .. } = self;
        let key = keys.current().derive("residuum 2026 proof of change");
        let keyed = |digest: Option<[u8; 32]>| digest.map(|digest| hex(blake3::keyed_hash(&key, &digest).as_bytes()));
        let object = keyed(Some(blake3::hash(receipt.object.as_bytes()).into()));
        json!({ "source": source, "object": object, "deleted": receipt.deleted, "changed": receipt.changed,
            "before": keyed(receipt.before), "after": keyed(receipt.after) })
    }
}

/// A record, or with none a whole object, that was not written.
#[derive(Debug)]
pub struct Refused {
    /// Name of the source.
    pub source: String,
    /// The object; personal parts sealed.
    pub object: String,
    /// The record, sealed as the index has it.
    pub record: Option<Record>,
    /// Columns of its key.
    pub primary_key: Vec<String>,
    /// Why.
    pub refusal: Refusal,
    /// Whether nothing leads to the record any more: what is planned anew does not say whose it is.
    pub is_unled: bool,
}

impl Refused {
    fn of(&self) -> (String, String, Option<Record>) {
        (self.source.clone(), self.object.clone(), self.record.clone())
    }
}

/// All that is needed to act.
pub struct CarryOut<'a> {
    /// Where the plan was made from; also what the sources are named by.
    pub index: &'a Index,
    /// The rules by which records are looked at again.
    pub detector: &'a Detector,
    /// The sources.
    pub sources: &'a [Box<dyn Source>],
    /// The owner's rules.
    pub policy: &'a Policy,
    /// What wrong values become, in a correction; none in an erasure.
    pub corrections: &'a Corrections,
    /// The identifiers themselves, of which a verification finds what no rule does.
    pub literals: Option<&'a dyn Literals>,
    /// Bounds on what an object may cost.
    pub limits: &'a Limits,
    /// Becomes true when it should stop; what was begun is finished.
    pub stop: &'a AtomicBool,
    /// Told how many records of how many are done.
    pub progress: &'a dyn Fn(u64, u64),
}

/// Carries out a plan; one that is kept in a store meanwhile can be gone on with, until [`Store::end`].
///
/// # Errors
/// When the store or the index cannot be used. What a source refuses, or that it is gone, is told in the outcome.
pub fn carry_out(
    with: &CarryOut<'_>,
    objects: &[PlannedObject],
    store: Option<&Store>,
    request: Option<&str>,
) -> Result<CarriedOut, RequestError> {
    let mut outcome = CarriedOut::default();
    let led = still_led(with, &with.index.reader()?, objects, &mut outcome)?;
    let objects = led.as_deref().unwrap_or(objects);
    if let Some(store) = store {
        store.begin(request, objects)?;
    }
    outcome.merge(go_on(with, objects, 0, store)?);
    Ok(outcome)
}

/// Goes on with an erasure that was begun; `None` if there is none. What was done before it was broken off is told as
/// well.
///
/// # Errors
/// As for [`carry_out`].
pub fn resume(with: &CarryOut<'_>, store: &Store) -> Result<Option<CarriedOut>, RequestError> {
    let Some(begun) = store.resume()? else { return Ok(None) };
    let Done { batches, deleted, edited, gone, found_only, proofs } = begun.done;
    let mut outcome = CarriedOut { deleted, edited, gone, found_only, earlier: proofs, ..CarriedOut::default() };
    outcome.add(go_on(with, &begun.objects, batches, Some(store))?);
    Ok(Some(outcome))
}

fn go_on(
    with: &CarryOut<'_>,
    objects: &[PlannedObject],
    done: u64,
    store: Option<&Store>,
) -> Result<CarriedOut, RequestError> {
    let reader = with.index.reader()?;
    let mut run_key = [0; 32];
    getrandom::fill(&mut run_key).map_err(|error| RequestError::Random(error.to_string()))?;
    let mut outcome = CarriedOut::default();
    let batches = batches(with, objects)?;
    let all: u64 = objects.iter().map(|object| object.records.len() as u64).sum();
    let mut records = 0;
    for (number, (source, batch)) in batches.iter().enumerate() {
        records += batch.iter().map(|(_, records)| records.len() as u64).sum::<u64>();
        if (number as u64) < done {
            // It was written, but perhaps not looked at again.
            for (object, _) in batch {
                outcome.touched.entry(object.source.clone()).or_default().insert(object.listed.clone());
            }
            continue;
        }
        if with.stop.load(Ordering::Relaxed) {
            outcome.interrupted = true;
            return Ok(outcome);
        }
        // Of the batch in which it stopped, some may be done.
        let may_be_done = done > 0 && number as u64 == done;
        let mut now = CarriedOut::default();
        write(with, &reader, *source, batch, Run { key: run_key, may_be_done }, &mut now)?;
        let keys = with.index.keys();
        store.map_or(Ok(()), |store| store.done(&Done::new(number as u64 + 1, &now, keys)))?;
        outcome.merge(now);
        (with.progress)(records, all);
    }
    Ok(outcome)
}
