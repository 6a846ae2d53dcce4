//! What led to a record over keys of other records, and whether it still does: an order is a customer's as long as its key
//! names them, and its items as long as the order is theirs.
//!
//! The index tells what stood there when it was scanned. Before anything is done to a record, or shown of it, the records
//! that led to it are read again, each with the key that led on and with what led to it in turn. Where they stand in the
//! database that is written to, they are looked at once more by the transaction that writes, which has them locked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use residuum_detect::{FieldPlan, Fingerprint, Type};
use residuum_source::{ObjectPath, Record, Refusal, RefusalKind, Source};

use super::RequestError;
use super::carry_out::{CarriedOut, CarryOut, Refused};
use super::disclosure::{KeyWanted, fetch, look};
use super::opened::{field_plans, opened};
use super::plan::{Evidence, PlannedAction, PlannedObject};
use crate::identity::{Identifier, Location};
use crate::index::{IndexError, Reader, display};
use crate::scan::keys::Role;
use crate::scan::seal_name;

/// Records that are read together where a source can fetch some.
const TOGETHER: usize = 10_000;

/// Bytes of records that are read together, at most.
const MOST: u64 = 256 << 20;

/// A record by the number of its object.
pub(super) type RecordId = (u32, Record);

/// A key by its field, its rule and its fingerprint.
pub(super) type KeyAt = (Arc<str>, Arc<str>, Fingerprint);

/// What led to the records of a plan, as far as that were keys of other records.
#[derive(Debug, Default)]
pub(super) struct Chains {
    records: HashMap<RecordId, Held>,
}

/// What led to a record.
#[derive(Debug)]
struct Held {
    source: Arc<str>,
    object: Arc<str>,
    /// What in it identifies the person by itself.
    direct: Vec<Fingerprint>,
    /// Keys of the person in it.
    keys: Vec<KeyAt>,
    led: Vec<Led>,
}

/// A key by which a record was reached.
#[derive(Debug)]
struct Led {
    /// In the record itself.
    by: Fingerprint,
    /// The record in which it stands as its own.
    of: RecordId,
    key: Fingerprint,
}

/// What stands in the records that led on.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub of: HashMap<RecordId, HashSet<Fingerprint>>,
}

impl Chains {
    /// What led to records, of all that was found.
    pub fn new<'l, I: Iterator<Item = &'l Location>>(locations: impl Fn() -> I) -> Self {
        let mut chains = Self::default();
        let id = |at: &Location| (at.finding.object_id, at.finding.record.whole());
        for at in locations() {
            let (Some(key), Type::Key) = (&at.through, at.finding.kind) else { continue };
            let of = (key.object_id, key.record.whole());
            let parent = chains.held(of.clone(), &key.source, &key.object);
            parent.keys.push((key.field.clone(), key.rule.clone(), key.fp));
            let by = at.finding.fp;
            let here = chains.held(id(at), &at.finding.source, &at.finding.object);
            here.keys.push((at.finding.field.clone(), at.finding.rule.clone(), by));
            here.led.push(Led { by, of, key: key.fp });
        }
        if chains.records.is_empty() {
            return chains;
        }
        for at in locations().filter(|at| at.through.is_none() && !at.weak && !at.shared) {
            let (kind, fp) = (at.finding.kind, at.finding.fp);
            let Some(here) = chains.records.get_mut(&id(at)).filter(|_| leads(kind)) else { continue };
            here.direct.push(fp);
            if kind == Type::Key {
                here.keys.push((at.finding.field.clone(), at.finding.rule.clone(), fp));
            }
        }
        chains
    }

    fn held(&mut self, id: RecordId, source: &Arc<str>, object: &Arc<str>) -> &mut Held {
        self.records.entry(id).or_insert_with(|| Held {
            source: source.clone(),
            object: object.clone(),
            direct: Vec::new(),
            keys: Vec::new(),
            led: Vec::new(),
        })
    }

    /// The records that led on, by source, object and its number.
    fn parents(&self) -> BTreeMap<(&str, &str, u32), BTreeSet<&Record>> {
        let mut parents: BTreeMap<_, BTreeSet<&Record>> = BTreeMap::new();
        for led in self.records.values().flat_map(|held| &held.led) {
            let held = &self.records[&led.of];
            parents.entry((&*held.source, &*held.object, led.of.0)).or_default().insert(&led.of.1);
        }
        parents
    }

    /// Keys that have to be looked for in records, by the number of the object.
    pub fn keys(&self) -> HashMap<u32, Vec<KeyAt>> {
        let mut keys: HashMap<u32, Vec<KeyAt>> = HashMap::new();
        for ((object, _), held) in &self.records {
            keys.entry(*object).or_default().extend(held.keys.iter().cloned());
        }
        keys
    }

    /// The records that hold the person as things stand.
    fn holding(&self, standing: &Standing) -> HashSet<&RecordId> {
        let stands = |id: &RecordId, fp: &Fingerprint| standing.of.get(id).is_some_and(|of| of.contains(fp));
        let mut holding: HashSet<&RecordId> = HashSet::new();
        loop {
            let is_led = |id: &RecordId, led: &Led| {
                holding.contains(&led.of) && stands(&led.of, &led.key) && stands(id, &led.by)
            };
            let holds = |(id, held): &(&RecordId, &Held)| {
                !holding.contains(id)
                    && (held.direct.iter().any(|fp| stands(id, fp)) || held.led.iter().any(|led| is_led(id, led)))
            };
            let more: Vec<&RecordId> = self.records.iter().filter(holds).map(|(id, _)| id).collect();
            if more.is_empty() {
                return holding;
            }
            holding.extend(more);
        }
    }

    /// The keys by which records were reached and that lead there no longer, with the objects whose records led there.
    pub fn broken(&self, standing: &Standing) -> HashMap<&RecordId, HashSet<Fingerprint>> {
        let holding = self.holding(standing);
        let leads =
            |led: &Led| holding.contains(&led.of) && standing.of.get(&led.of).is_some_and(|of| of.contains(&led.key));
        let mut broken: HashMap<&RecordId, HashSet<Fingerprint>> = HashMap::new();
        for (id, held) in self.records.iter().filter(|(_, held)| !held.led.is_empty()) {
            let whole: HashSet<Fingerprint> = held.led.iter().filter(|led| leads(led)).map(|led| led.by).collect();
            let of = held.led.iter().map(|led| led.by).filter(|by| !whole.contains(by)).collect::<HashSet<_>>();
            if !of.is_empty() {
                broken.insert(id, of);
            }
        }
        broken
    }

    /// Whether something else than these keys says of a record that it is the person's.
    fn is_led_but(&self, id: &RecordId, keys: &HashSet<Fingerprint>) -> bool {
        let is_other = |held: &Held| !held.direct.is_empty() || held.led.iter().any(|led| !keys.contains(&led.by));
        self.records.get(id).is_none_or(is_other)
    }

    /// Keys of the person in a record.
    pub fn keys_of(&self, id: &RecordId) -> &[KeyAt] {
        self.records.get(id).map_or(&[], |held| &held.keys)
    }

    /// Whether no keys of other records led anywhere.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a record led to others, or others to it.
    pub fn knows(&self, id: &RecordId) -> bool {
        self.records.contains_key(id)
    }

    /// Whether keys of other records had a part in it that a record was found.
    pub fn has(&self, id: &RecordId) -> bool {
        self.records.get(id).is_some_and(|held| !held.led.is_empty())
    }

    /// Whether a record is still the person's as far as records have been seen: of one that was not, nothing is said,
    /// for one that is gone names nobody else.
    pub fn still_leads_to(&self, id: &RecordId, seen: &Standing) -> bool {
        self.holds(id, seen, &mut HashSet::new())
    }

    fn holds<'s>(&'s self, id: &'s RecordId, seen: &Standing, above: &mut HashSet<&'s RecordId>) -> bool {
        let (Some(held), Some(here)) = (self.records.get(id), seen.of.get(id)) else { return true };
        let stands = |of: &RecordId, key: &Fingerprint| seen.of.get(of).is_none_or(|of| of.contains(key));
        if held.direct.iter().any(|fp| here.contains(fp)) {
            return true;
        }
        if !above.insert(id) {
            return false;
        }
        let is_led = held
            .led
            .iter()
            .any(|led| here.contains(&led.by) && stands(&led.of, &led.key) && self.holds(&led.of, seen, above));
        above.remove(id);
        is_led
    }

    /// The records whose keys alone led to a record; none if it says by itself whose it is.
    pub fn led_only_by(&self, id: &RecordId) -> impl Iterator<Item = &RecordId> {
        let held = self.records.get(id).filter(|held| held.direct.is_empty());
        held.into_iter().flat_map(|held| held.led.iter().map(|led| &led.of))
    }

    /// The records that led to a record, all the way.
    pub fn above(&self, id: &RecordId) -> BTreeSet<&RecordId> {
        let (mut open, mut all) = (vec![id], BTreeSet::new());
        while let Some(id) = open.pop() {
            let Some(held) = self.records.get(id) else { continue };
            let above = held.led.iter().map(|led| &led.of).filter(|of| all.insert(*of)).collect::<Vec<_>>();
            open.extend(above);
        }
        all
    }

    /// Source and name of the object of a record that led on.
    pub fn place_of(&self, id: &RecordId) -> Option<(&str, &str)> {
        self.records.get(id).map(|held| (&*held.source, &*held.object))
    }

    /// Which objects of a source hold records to which records of others have led: theirs and the others' names.
    pub fn between_objects(&self, source: &str) -> BTreeSet<(&str, &str)> {
        let of_source = self.records.values().filter(|held| &*held.source == source);
        let pairs = of_source.flat_map(|held| {
            let parents = held.led.iter().map(|led| &self.records[&led.of]).filter(|of| &*of.source == source);
            parents.map(|of| (&*held.object, &*of.object))
        });
        pairs.collect()
    }

    /// Listed objects whose records led to a record, all the way.
    pub fn led_from(&self, id: &RecordId) -> BTreeSet<(&str, &str)> {
        let (mut all, mut open, mut seen) = (BTreeSet::new(), vec![id], HashSet::from([id]));
        while let Some(held) = open.pop().and_then(|id| self.records.get(id)) {
            for led in held.led.iter().filter(|led| seen.insert(&led.of)) {
                let parent = &self.records[&led.of];
                all.insert((&*parent.source, parent.object.split('!').next().unwrap_or_default()));
                open.push(&led.of);
            }
        }
        all
    }
}

/// Whether what is of this type identifies somebody by itself.
pub(super) fn leads(kind: Type) -> bool {
    kind == Type::Key || Identifier::is_strong_as(kind)
}

/// The objects of a plan without the records to which nothing leads any more; those are refused, and what led there is
/// to be scanned again.
pub(super) fn still_led(
    with: &CarryOut<'_>,
    reader: &Reader,
    objects: &[PlannedObject],
    outcome: &mut CarriedOut,
) -> Result<Option<Vec<PlannedObject>>, RequestError> {
    let Some(chains) = objects.first().map(|object| object.chains.clone()) else { return Ok(None) };
    if chains.is_empty() {
        return Ok(None);
    }
    let (standing, unread) = stand_now(with, reader, &chains)?;
    let broken = chains.broken(&standing);
    if broken.is_empty() {
        return Ok(None);
    }
    let mut kept = objects.to_vec();
    for object in &mut kept {
        let mut records = std::mem::take(&mut object.records);
        records.retain_mut(|planned| {
            let id = (object.object, planned.record.clone());
            let Some(keys) = broken.get(&id) else { return true };
            planned.evidence.retain(|evidence| !keys.contains(&evidence.fp));
            let stays = match planned.action {
                // What is corrected says itself of no record whose it is.
                PlannedAction::Correct => chains.is_led_but(&id, keys),
                _ => planned.evidence.iter().any(Evidence::leads),
            };
            if !stays {
                let from = chains.led_from(&id);
                let why = from.iter().find_map(|(source, of)| unread.get(&((*source).to_owned(), (*of).to_owned())));
                outcome.refused.push(Refused::unled(object, planned.record.clone(), refusal(why)));
                for (source, listed) in from {
                    outcome.touched.entry(source.to_owned()).or_default().insert(listed.to_owned());
                }
            }
            stays
        });
        object.records = records;
    }
    kept.retain(|object| !object.records.is_empty());
    Ok(Some(kept))
}

/// Why nothing is done to a record to which nothing leads any more, or of which that could not be read.
pub(super) fn refusal(unread: Option<&String>) -> Refusal {
    match unread {
        Some(why) => Refusal::new(RefusalKind::Failed, format!("what led to it cannot be read again: {why}")),
        None => Refusal::new(
            RefusalKind::Changed,
            "what led to it has changed since the scan, so that it may be another's: scan again, and plan anew",
        ),
    }
}

/// Why records that led on could not be read, by source and listed object.
type Unread = BTreeMap<(String, String), String>;

/// What stands now in the records that led on.
fn stand_now(with: &CarryOut<'_>, reader: &Reader, chains: &Chains) -> Result<(Standing, Unread), RequestError> {
    let keyring = with.index.keys();
    let mut worker = with.detector.worker();
    let names: Vec<String> = with.sources.iter().map(|of| seal_name(&mut worker, keyring, of.name())).collect();
    let (mut standing, mut unread) = (Standing::default(), Unread::new());
    let mut keys = chains.keys();
    for ((source, object, number), records) in chains.parents() {
        let listed = object.split('!').next().unwrap_or_default();
        let mut fail = |why: String| drop(unread.insert((source.to_owned(), listed.to_owned()), why));
        let Some(at) = names.iter().position(|name| name == source) else {
            fail(format!("source `{}` was not named or cannot be reached", display(source)));
            continue;
        };
        let name = keyring.reveal(object)?;
        let part = ObjectPath::from_escaped(&name)
            .map_err(|_| IndexError::Misuse("a name of an object is none".to_owned()))?;
        let plans: Vec<FieldPlan> = field_plans(reader, keyring, number)?;
        let mut wanted: Vec<KeyWanted> = Vec::new();
        for (field, rule, fp) in keys.remove(&number).unwrap_or_default() {
            let Some((_, domain)) = Role::of_rule(&rule) else { continue };
            wanted.push((keyring.reveal(&field)?, domain.to_owned(), fp));
        }
        let mut by_source: HashMap<Record, Record> = HashMap::new();
        for record in records {
            by_source.insert(opened(keyring, record)?.whole(), record.clone());
        }
        let mut ordered: Vec<Record> = by_source.keys().cloned().collect();
        ordered.sort();
        let source: &dyn Source = with.sources[at].as_ref();
        let together = if source.as_fetch().is_some() { TOGETHER } else { ordered.len() };
        for some in ordered.chunks(together.max(1)) {
            let fetched = match fetch(source, &part.outermost(), &part, some, with.limits, MOST) {
                Ok(fetched) => fetched,
                Err(why) => {
                    fail(display(&seal_name(&mut with.detector.worker(), keyring, &why)));
                    break;
                }
            };
            let nesting = with.limits.nesting;
            for looked in look(with.detector, keyring, &plans, with.literals, nesting, fetched, &wanted) {
                if let Some(record) = by_source.get(&looked.fetched.record) {
                    let fps = looked.seen.iter().flat_map(|seen| seen.fps()).collect();
                    standing.of.insert((number, record.clone()), fps);
                }
            }
        }
    }
    Ok((standing, unread))
}
