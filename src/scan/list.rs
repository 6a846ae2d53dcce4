//! Listing: from sources to units of work, with everything accounted for that is not read.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use residuum_detect::{Detector, FieldPlan, Worker};
use residuum_source::{
    Batch, Coverage, Flow, Object, ObjectPath, Outcome, Part, Range, Sink, Source, SourceError, SplitTarget, Stop, Unit,
};

use super::locator;
use super::run::{Shared, Work};
use super::unit::{Finished, Results, ToRead};
use crate::index::{IndexError, KnownObject, ListedPart, ObjectRecord, is_sealed};

/// Objects up to this size share a pack.
const SMALL: u64 = 8 << 20;
/// Bytes and objects of a pack.
const PACK_BYTES: u64 = 64 << 20;
const PACK_OBJECTS: usize = 4_096;
/// A pack ends earlier while the first ones are made, so that every thread soon has work.
const FIRST_PACK_BYTES: u64 = 4 << 20;
/// Listed objects that are looked up in the index together, and how long the first of them waits at most.
const LOOKED_UP: usize = 4_096;
const WAIT: Duration = Duration::from_millis(100);
/// How many times as many may wait to be looked up.
const AHEAD: usize = 4;
/// Records sampled to plan the fields of an object that is split.
const SAMPLED: u64 = 1_000;

/// A source with what the scan knows of it.
pub(super) struct SourceState<'s> {
    pub source: &'s dyn Source,
    /// Its name as outputs have it.
    pub shown: String,
    /// Its number in the index.
    pub number: u32,
    plans: Mutex<HashMap<ObjectPath, Vec<FieldPlan>>>,
}

impl<'s> SourceState<'s> {
    pub fn new(source: &'s dyn Source, shown: String, number: u32) -> Self {
        Self { source, shown, number, plans: Mutex::default() }
    }

    /// The field plans made before an object was split.
    pub fn plan_of(&self, object: &ObjectPath) -> Option<Vec<FieldPlan>> {
        self.plans.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(object).cloned()
    }
}

/// How the listing went.
#[derive(Default, Debug)]
pub(super) struct Listed {
    /// The index's numbers of the sources that were listed to their end.
    pub complete: Vec<u32>,
    /// Objects that had not changed.
    pub unchanged: u64,
    /// Sources that were listed to their end and hold nothing at all.
    pub empty: Vec<String>,
    /// Sources that could not be listed, with the reason.
    pub failed: Vec<(String, SourceError)>,
    /// What ended the listing of everything.
    pub error: Option<IndexError>,
}

/// Lists all sources and sends their units.
pub(super) fn list(shared: &Shared<'_>, units: Sender<Work>) -> Listed {
    let mut listed = Listed::default();
    for index in 0..shared.sources.len() {
        if shared.go_on().is_break() {
            break;
        }
        let state = &shared.sources[index];
        let mut lister = Lister::new(shared, index, &units);
        let (ended, flow) = list_source(shared, state.source, &mut lister);
        listed.unchanged += lister.unchanged;
        if let Some(error) = lister.error {
            listed.error = Some(error);
            break;
        }
        match ended {
            Ok(()) if flow.is_continue() => {
                listed.complete.push(state.number);
                if lister.listed == 0 {
                    listed.empty.push(state.source.name().to_owned());
                }
            }
            Ok(()) | Err(SourceError::Stopped) => {}
            Err(error) => listed.failed.push((state.source.name().to_owned(), error)),
        }
    }
    shared.counters.listed.store(true, Ordering::Relaxed);
    listed
}

/// Lists a source in a thread of its own, so that what it has listed is looked up while it goes on.
fn list_source(shared: &Shared<'_>, source: &dyn Source, lister: &mut Lister<'_>) -> (Result<(), SourceError>, Flow) {
    let (listed, to_look_up) = crossbeam_channel::bounded(AHEAD);
    std::thread::scope(|scope| {
        let listing = scope.spawn(move || Ahead::new(shared, listed).list(source));
        let mut flow = to_look_up.iter().try_for_each(|objects| lister.look_up(objects));
        drop(to_look_up); // what lists notices that nobody looks anything up any more
        let ended = listing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if flow.is_continue() {
            flow = lister.flush();
        }
        (ended, flow)
    })
}

/// What is listed and not yet looked up.
struct Ahead<'l> {
    shared: &'l Shared<'l>,
    listed: Sender<Vec<Object>>,
    objects: Vec<Object>,
    since: Instant,
}

impl<'l> Ahead<'l> {
    fn new(shared: &'l Shared<'l>, listed: Sender<Vec<Object>>) -> Self {
        Self { shared, listed, objects: Vec::new(), since: Instant::now() }
    }

    fn list(mut self, source: &dyn Source) -> Result<(), SourceError> {
        let ended = source.list(&mut |object| self.object(object));
        // Also what was listed before it failed.
        let _ = self.send();
        ended
    }

    fn object(&mut self, object: Object) -> Flow {
        self.shared.go_on()?;
        if self.objects.is_empty() {
            self.since = Instant::now();
        }
        self.objects.push(object);
        if self.objects.len() >= LOOKED_UP || self.since.elapsed() >= WAIT { self.send() } else { Flow::Continue(()) }
    }

    fn send(&mut self) -> Flow {
        match self.listed.send(std::mem::take(&mut self.objects)) {
            Ok(()) => Flow::Continue(()),
            Err(_) => Flow::Break(Stop), // it was told why where they are looked up
        }
    }
}

struct Lister<'l> {
    shared: &'l Shared<'l>,
    source: usize,
    units: &'l Sender<Work>,
    worker: Worker<'l>,
    pack: Pack,
    packs: usize,
    accounted: Vec<(ListedPart, ObjectRecord)>,
    listed: u64,
    unchanged: u64,
    error: Option<IndexError>,
}

#[derive(Default)]
struct Pack {
    objects: Vec<Object>,
    listed: Vec<ListedPart>,
    bytes: u64,
}

impl<'l> Lister<'l> {
    fn new(shared: &'l Shared<'l>, source: usize, units: &'l Sender<Work>) -> Self {
        let worker = shared.detector.worker();
        Self {
            shared,
            source,
            units,
            worker,
            pack: Pack::default(),
            packs: 0,
            accounted: Vec::new(),
            listed: 0,
            unchanged: 0,
            error: None,
        }
    }

    /// Looks up what is listed and decides what becomes of it.
    ///
    /// Most names have nothing personal in them and are in the index as they are, which shows without looking for
    /// anything: what is there under the rules and the key of this scan was named by them. Only what is not found so, or
    /// has changed, is looked at and looked up by the name that the index would have.
    fn look_up(&mut self, mut ahead: Vec<Object>) -> Flow {
        self.listed += ahead.len() as u64;
        let plain: Vec<&str> = ahead.iter().map(|object| object.path.as_str()).collect();
        let known = match self.known(&plain) {
            Ok(known) => known,
            Err(error) => return self.fail(error),
        };
        let mut known = known.into_iter();
        ahead.retain(|object| {
            let is_outside = self.shared.scope.is_outside(object.path.as_str());
            let known = known.next().flatten().filter(|known| is_outside || self.is_unchanged(known, object));
            let is_there = known.is_some() && !is_sealed(object.path.as_str());
            if let Some(known) = known.filter(|_| is_there) {
                self.shared.writer.listed(known.object);
                self.unchanged += u64::from(!is_outside);
            }
            !is_there
        });
        let mut seal = |object: &Object| locator::seal_name(&mut self.worker, self.shared.keys, object.path.as_str());
        let names: Vec<String> = ahead.iter().map(&mut seal).collect();
        let known = match self.known(&names) {
            Ok(known) => known,
            Err(error) => return self.fail(error),
        };
        for ((name, object), known) in names.into_iter().zip(ahead).zip(known) {
            self.decide(name, object, known)?;
        }
        ControlFlow::Continue(())
    }

    /// What the index knows of objects of the source by their names there.
    fn known(&self, names: &[impl AsRef<str>]) -> Result<Vec<Option<KnownObject>>, IndexError> {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        self.shared.writer.known_many(self.shared.sources[self.source].number, &names)
    }

    fn decide(&mut self, name: String, object: Object, known: Option<KnownObject>) -> Flow {
        let shared = self.shared;
        let state = &shared.sources[self.source];
        if shared.scope.is_outside(object.path.as_str()) {
            // It is there still, as the index has it.
            known.iter().for_each(|known| shared.writer.listed(known.object));
            return ControlFlow::Continue(());
        }
        if let Some(known) = known.as_ref().filter(|known| self.is_unchanged(known, &object)) {
            shared.writer.listed(known.object);
            self.unchanged += 1;
            return ControlFlow::Continue(());
        }
        let number = shared.writer.object(state.number, &name);
        shared.writer.listed(number);
        let left_out = shared.scope.leaves_out(state.source.name(), object.path.as_str());
        let not_read = left_out.map(|reason| (Coverage::Excluded, reason)).or_else(|| object.not_read.clone());
        if let Some((coverage, reason)) = not_read {
            if coverage.is_incomplete() {
                shared.note(self.source, &name, coverage, &reason);
            }
            let record = ObjectRecord { reason: Some(reason), ..ObjectRecord::new(number, coverage) };
            self.accounted.push((ListedPart::whole(number, object.version), record));
            return if self.accounted.len() >= PACK_OBJECTS {
                self.send_accounted()
            } else {
                ControlFlow::Continue(())
            };
        }
        shared.counters.objects_total.fetch_add(1, Ordering::Relaxed);
        shared.counters.bytes_total.fetch_add(object.bytes.unwrap_or(0), Ordering::Relaxed);
        match object.bytes {
            Some(bytes) if bytes <= SMALL && shared.options.sample.is_none() && holds_files(state.source) => {
                self.add_to_pack(number, object, bytes)
            }
            _ => self.send_object(number, object, known),
        }
    }

    /// Whether what the index holds of an object is what a scan would find now.
    fn is_unchanged(&self, known: &KnownObject, object: &Object) -> bool {
        let shared = self.shared;
        if shared.options.full || !object.version.sound || object.not_read.is_some() {
            return false;
        }
        let is_same = known.live.as_ref().is_some_and(|live| {
            live.version == object.version
                && live.digest == shared.digest
                && live.current_key
                && (!live.sampled || shared.options.sample.is_some())
                && !matches!(live.coverage, Coverage::Unreadable)
        });
        let source = shared.sources[self.source].source.name();
        is_same && shared.scope.leaves_out(source, object.path.as_str()).is_none()
    }

    fn add_to_pack(&mut self, number: u32, object: Object, bytes: u64) -> Flow {
        self.pack.listed.push(ListedPart::whole(number, object.version.clone()));
        self.pack.objects.push(object);
        self.pack.bytes += bytes;
        let enough = if self.packs < 2 * self.shared.options.jobs { FIRST_PACK_BYTES } else { PACK_BYTES };
        if self.pack.bytes >= enough || self.pack.objects.len() >= PACK_OBJECTS {
            self.send_pack()
        } else {
            ControlFlow::Continue(())
        }
    }

    fn send_pack(&mut self) -> Flow {
        let pack = std::mem::take(&mut self.pack);
        if pack.objects.is_empty() {
            return ControlFlow::Continue(());
        }
        self.packs += 1;
        self.send_unit(Unit { objects: pack.objects, range: Range::Whole }, pack.listed)
    }

    /// Sends the units of one object, split if it is large.
    fn send_object(&mut self, number: u32, object: Object, known: Option<KnownObject>) -> Flow {
        let shared = self.shared;
        let state = &shared.sources[self.source];
        let target = SplitTarget::default();
        let is_large = shared.options.sample.is_none() && object.bytes.is_some_and(|bytes| bytes > target.bytes);
        let mut ranges = vec![Range::Whole];
        if is_large {
            let split = state.source.split(&object, target).and_then(|ranges| {
                if ranges.len() > 1 {
                    let mut planning = Planning { detector: shared.detector, plans: Vec::new() };
                    match state.source.sample(&object, SAMPLED, &mut planning) {
                        Ok(()) | Err(SourceError::Stopped) => {}
                        Err(error) => return Err(error),
                    }
                    let mut plans = state.plans.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    plans.insert(object.path.clone(), planning.plans);
                }
                Ok(ranges)
            });
            match split {
                Ok(split) => ranges = split,
                Err(error) => {
                    let reason = Some(error.to_string());
                    shared.note(self.source, object.path.as_str(), Coverage::Unreadable, &error.to_string());
                    let record = ObjectRecord { reason, ..ObjectRecord::new(number, Coverage::Unreadable) };
                    self.accounted.push((ListedPart::whole(number, object.version), record));
                    return ControlFlow::Continue(());
                }
            }
        }
        let parts = ranges.len() as u32;
        let partial = known.and_then(|known| known.partial);
        let done = partial.filter(|partial| partial.version == object.version && partial.parts == parts);
        let done = done.map(|partial| partial.done).unwrap_or_default();
        for (part, range) in ranges.into_iter().enumerate() {
            let listed = ListedPart { object: number, version: object.version.clone(), part: part as u32, parts };
            let mut piece = object.clone();
            piece.bytes = object.bytes.map(|bytes| bytes / u64::from(parts));
            let unit = Unit { objects: vec![piece], range };
            let id = self.unit_id(&unit);
            let is_done = done.iter().any(|(number, unit)| (*number, *unit) == (part as u32, id));
            if is_done {
                shared.counters.bytes_done.fetch_add(unit.objects[0].bytes.unwrap_or(0), Ordering::Relaxed);
            } else {
                self.send(Work::Read(ToRead { source: self.source, id, unit, listed: vec![listed] }))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn send_accounted(&mut self) -> Flow {
        let accounted = std::mem::take(&mut self.accounted);
        if accounted.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"accounted");
        for (part, _) in &accounted {
            hasher.update(&part.object.to_le_bytes()).update(part.version.text.as_bytes());
        }
        let (listed, objects) = accounted.into_iter().unzip();
        let id = *hasher.finalize().as_bytes();
        self.send(Work::Account(Box::new(Finished { id, listed, objects, results: Results::default() })))
    }

    fn flush(&mut self) -> Flow {
        self.send_pack()?;
        self.send_accounted()
    }

    fn send_unit(&self, unit: Unit, listed: Vec<ListedPart>) -> Flow {
        let id = self.unit_id(&unit);
        self.send(Work::Read(ToRead { source: self.source, id, unit, listed }))
    }

    /// A unit's identity: what is read, and all that decides what is found there.
    fn unit_id(&self, unit: &Unit) -> [u8; 32] {
        let state = &self.shared.sources[self.source];
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        field(&self.shared.digest);
        if self.shared.literals.is_some() {
            // Parts that a scan without them left behind, or another's, do not count: nothing tells whose they were.
            field(&self.shared.scan.to_le_bytes());
        }
        field(state.source.name().as_bytes());
        field(unit.range.to_string().as_bytes());
        for object in &unit.objects {
            field(object.path.as_str().as_bytes());
            field(object.version.text.as_bytes());
            let plans = state.plan_of(&object.path).unwrap_or_default();
            field(serde_json::to_string(&plans).expect("plans are plain data").as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    fn send(&self, work: Work) -> Flow {
        match self.units.send(work) {
            Ok(()) => self.shared.go_on(),
            Err(_) => ControlFlow::Break(Stop), // every worker has ended
        }
    }

    /// The catalog could not be used: nothing more is listed, and the scan ends with this error.
    fn fail(&mut self, error: IndexError) -> Flow {
        self.error.get_or_insert(error);
        self.shared.cancel();
        ControlFlow::Break(Stop)
    }
}

/// Whether a source's objects are files, each read whole, rather than tables.
fn holds_files(source: &dyn Source) -> bool {
    matches!(source.kind(), "files" | "s3")
}

/// A sink that plans fields on a sample.
struct Planning<'d> {
    detector: &'d Detector,
    plans: Vec<FieldPlan>,
}

impl Sink for Planning<'_> {
    fn open(&mut self, part: Part) -> Flow {
        let _ = part;
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        if self.plans.is_empty() {
            self.plans = self.detector.plan("", &batch);
        }
        ControlFlow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        let _ = outcome;
        ControlFlow::Continue(())
    }
}
