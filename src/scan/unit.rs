//! Reading one unit: the sink that plans fields on their first batch, hands batches to whoever is idle, and
//! gathers what became of every object.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use residuum_detect::{FieldPlan, Treatment, Type};
use residuum_source::{
    Batch, Column, Coverage, Flow, Outcome, Part, Record, RecordKind, Records, Sink, SourceError, Stop, Unit,
};

use super::examine::{Examiner, Field, Job, KeyColumns, fingerprint_of};
use super::keys::{KeyFields, Role};
use super::locator::{self, Stretch};
use super::nested::{self, Within};
use super::progress::Stored;
use super::run::Shared;
use super::statistics::Statistics;
use crate::index::{
    FIELDS_LEFT_OUT, FindingRow, Findings, IndexError, ListedPart, ObjectRecord, PendingSegment, Place, UnitRecord,
};

/// Findings of a unit that are held in memory at most, in each thread's buffer, before a segment is written.
const BUFFERED: usize = 1 << 20;

/// A buffer with fewer findings shares a segment with other units.
const SHARED: usize = 1 << 17;

/// Members of a container whose ledger is held in memory at most.
const MEMBERS: usize = 10_000;

/// The field of what stands in the name of an object itself.
const NAME_FIELD: &str = "(name)";

/// A unit to be read.
pub(super) struct ToRead {
    pub source: usize,
    pub id: [u8; 32],
    pub unit: Unit,
    /// Which part of each listed object the unit covers.
    pub listed: Vec<ListedPart>,
}

/// A unit on its way, shared by the threads that examine its batches.
#[derive(Default)]
pub(super) struct InProgress {
    outstanding: AtomicUsize,
    stored: Stored,
    results: Mutex<Results>,
}

/// What the threads have gathered of a unit.
#[derive(Default)]
pub(super) struct Results {
    pub buffers: Vec<Findings>,
    pub statistics: Statistics,
    pub segments: Vec<PendingSegment>,
    pub error: Option<IndexError>,
    /// Objects on which the examination itself failed.
    faults: Vec<u32>,
}

/// A unit that has been read, or as much of it as could be.
pub(super) struct Finished {
    pub id: [u8; 32],
    pub listed: Vec<ListedPart>,
    pub objects: Vec<ObjectRecord>,
    pub results: Results,
}

impl InProgress {
    /// Examines a job with a buffer of this unit, and writes a segment when the buffer is full.
    pub fn work(&self, shared: &Shared<'_>, examiner: &mut Examiner<'_>, job: &Job) {
        let mut findings = self.lock().buffers.pop().unwrap_or_default();
        let mut statistics = Statistics::default();
        let before = findings.len();
        let examined = catch_unwind(AssertUnwindSafe(|| examiner.examine(job, &mut findings, &mut statistics)));
        self.stored.examined(&shared.counters, job.batch.raw_bytes);
        shared.count(job.batch.raw_bytes, (findings.len() - before) as u64);
        let written = (findings.len() >= BUFFERED).then(|| shared.writer.write_segment(&mut findings));
        let mut results = self.lock();
        results.statistics.merge(&statistics);
        results.buffers.push(findings);
        if examined.is_err() {
            results.faults.push(job.object);
        }
        match written {
            Some(Ok(segment)) => results.segments.push(segment),
            Some(Err(error)) => {
                results.error.get_or_insert(error);
                drop(results);
                shared.cancel();
            }
            None => {}
        }
    }

    /// Notes who is named by an object's name; what a container's name says is the container's.
    fn name(&self, shared: &Shared<'_>, object: u32, name: &str, stretches: &[Stretch]) {
        let own = name.rfind('!').map_or(0, |at| at + 1);
        let mut results = self.lock();
        let mut findings = results.buffers.pop().unwrap_or_default();
        for stretch in stretches.iter().filter(|stretch| stretch.range.start >= own) {
            findings.push(&FindingRow {
                object,
                field: shared.writer.field(NAME_FIELD),
                record: &Record::Number(RecordKind::Document, 0),
                place: Place::Value { start: stretch.range.start as u64, end: stretch.range.end as u64 },
                kind: stretch.kind,
                rule: shared.rules.number(stretch.rule),
                confidence: stretch.confidence,
                fp: stretch.fingerprint,
            });
        }
        results.buffers.push(findings);
    }

    /// Notes the literals in a name: of an object, of a field in it, or of some of its records.
    ///
    /// Those that the rules found as well, which gave `stretches`, are noted already.
    fn literals_in_name(&self, shared: &Shared<'_>, object: u32, field: u32, name: &str, stretches: &[Stretch]) {
        let Some(literals) = shared.literals else { return };
        let own = name.rfind('!').map_or(0, |at| at + 1); // what a container's name says is the container's
        let key = shared.keys.current();
        literals.find(&name.as_bytes()[own..], &mut |literal| {
            let place = own + literal.place.start..own + literal.place.end;
            let fp = fingerprint_of(key, literal.kind, literal.form);
            let overlaps = |s: &Stretch| s.range.start < place.end && place.start < s.range.end && s.fingerprint == fp;
            if stretches.iter().any(overlaps) {
                return;
            }
            let mut results = self.lock();
            let mut findings = results.buffers.pop().unwrap_or_default();
            findings.push(&FindingRow {
                object,
                field,
                record: &Record::Number(RecordKind::Document, 0),
                place: Place::Value { start: place.start as u64, end: place.end as u64 },
                kind: literal.kind,
                rule: shared.rules.literal,
                confidence: 1000,
                fp,
            });
            results.buffers.push(findings);
        });
    }

    /// Examines a job that another thread took over.
    pub fn work_for_reader(&self, shared: &Shared<'_>, examiner: &mut Examiner<'_>, job: &Job) {
        self.work(shared, examiner, job);
        self.outstanding.fetch_sub(1, Ordering::Release);
    }

    /// A job is about to be handed to another thread.
    pub fn expect_one(&self) {
        self.outstanding.fetch_add(1, Ordering::Release);
    }

    /// It was not, after all.
    pub fn expect_one_less(&self) {
        self.outstanding.fetch_sub(1, Ordering::Release);
    }

    /// Waits until all batches that were handed out are examined; examines others meanwhile.
    fn wait(&self, shared: &Shared<'_>, examiner: &mut Examiner<'_>) {
        while self.outstanding.load(Ordering::Acquire) > 0 {
            if !shared.help(examiner) {
                std::thread::yield_now();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Reads a unit to its end, whatever happens on the way.
pub(super) fn read(shared: &Shared<'_>, examiner: &mut Examiner<'_>, work: ToRead) -> Finished {
    let ToRead { source, id, unit, listed } = work;
    let bytes = unit.objects.iter().filter_map(|object| object.bytes).sum();
    let progress = Arc::new(InProgress { stored: Stored::new(bytes), ..InProgress::default() });
    let mut reading = Reading {
        shared,
        examiner,
        source,
        listed: &listed,
        progress: &progress,
        open: Vec::new(),
        closed: Vec::new(),
        outermost: 0,
        sample: shared.options.sample,
    };
    let read = || shared.sources[source].source.read(&unit, &shared.options.limits, &mut reading);
    let ended = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(fault(&unit)));
    let mut objects = reading.finish(&unit, ended);
    progress.wait(shared, examiner);
    progress.stored.done(&shared.counters);
    let mut results = std::mem::take(&mut *progress.lock());
    results.judge(&mut objects);
    for findings in results.buffers.iter_mut().filter(|findings| findings.len() >= SHARED) {
        match shared.writer.write_segment(findings) {
            Ok(segment) => results.segments.push(segment),
            Err(error) => {
                results.error.get_or_insert(error);
            }
        }
    }
    Finished { id, listed, objects, results }
}

impl Results {
    /// Adds to what reading an object said what examining it did.
    fn judge(&self, objects: &mut [ObjectRecord]) {
        for object in objects.iter_mut().filter(|object| self.faults.contains(&object.object)) {
            object.coverage = Coverage::Unreadable;
            object.reason = Some(FAULT.to_owned());
        }
        for object in objects.iter_mut().filter(|object| object.coverage == Coverage::Read) {
            let Some(cut) = self.statistics.cut.get(&object.object) else { continue };
            object.coverage = Coverage::Limit;
            object.reason = Some(format!(
                "{cut} encoded or compressed pieces inside its values were not searched to their end: decoded they \
                 are larger than 8 MiB or a thousand times their size, deeper than three encodings, or cut off; export \
                 them decoded"
            ));
        }
    }
}

/// A fault of ours must not end the scan of everything else, nor pass as a clean object.
const FAULT: &str = "a fault in this program while reading it; please report it with `RUST_BACKTRACE=1` output";

fn fault(unit: &Unit) -> SourceError {
    let object = unit.objects.first().expect("a unit has an object");
    SourceError::unreadable(&object.path, FAULT)
}

struct Reading<'r, 'x> {
    shared: &'r Shared<'r>,
    examiner: &'r mut Examiner<'x>,
    source: usize,
    listed: &'r [ListedPart],
    progress: &'r Arc<InProgress>,
    open: Vec<OpenPart>,
    closed: Vec<ObjectRecord>,
    /// Listed objects closed so far.
    outermost: usize,
    /// Records that a sampled scan still reads.
    sample: Option<u64>,
}

/// A part between `open` and `close`.
struct OpenPart {
    part: Part,
    name: String,
    object: u32,
    fields: HashMap<Arc<str>, Arc<Field>>,
    plans: Vec<FieldPlan>,
    nested: HashSet<Arc<str>>,
    keys: Option<Vec<KeyFields>>,
    left_out: Option<LeftOut>,
    /// Fields that `--exclude` leaves out.
    fields_left_out: BTreeSet<String>,
}

/// Why a member of a container that is read is not examined itself.
enum LeftOut {
    /// It is outside of `--include`: the scan is not about it.
    Outside,
    /// By policy or `--exclude`.
    Excluded(String),
}

impl Sink for Reading<'_, '_> {
    fn open(&mut self, part: Part) -> Flow {
        let shared = self.shared;
        let stretches = locator::personal_stretches(&mut self.examiner.worker, shared.keys, part.path.as_str());
        let name = locator::seal_stretches(shared.keys, part.path.as_str(), &stretches);
        let object = shared.writer.object(shared.sources[self.source].number, &name);
        self.progress.name(shared, object, part.path.as_str(), &stretches);
        self.progress.literals_in_name(shared, object, shared.writer.field(NAME_FIELD), part.path.as_str(), &stretches);
        let plans = shared.sources[self.source].plan_of(&part.path).unwrap_or_default();
        let is_member = !self.open.is_empty();
        let left_out = match shared.scope.leaves_out(shared.sources[self.source].source.name(), part.path.as_str()) {
            _ if !is_member => None, // what is listed was judged when it was listed
            Some(reason) => Some(LeftOut::Excluded(reason)),
            None => shared.scope.is_outside(part.path.as_str()).then_some(LeftOut::Outside),
        };
        let fields = HashMap::new();
        self.open.push(OpenPart {
            part,
            name,
            object,
            fields,
            plans,
            nested: HashSet::new(),
            keys: None,
            left_out,
            fields_left_out: BTreeSet::new(),
        });
        shared.go_on()
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.shared.go_on()?;
        if self.open.last().is_some_and(|open| open.left_out.is_some()) {
            return self.shared.go_on();
        }
        if let Some(left) = &mut self.sample {
            if *left == 0 {
                return Flow::Break(Stop);
            }
            *left = left.saturating_sub(batch.records.count().max(1));
        }
        let job = self.prepare(batch);
        if let Some(job) = self.shared.offload(self.progress, job) {
            self.progress.work(self.shared, self.examiner, &job);
        }
        self.shared.go_on()
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.close_part(outcome);
        self.shared.go_on()
    }

    fn go_on(&mut self) -> Flow {
        self.shared.go_on()
    }
}

impl Reading<'_, '_> {
    /// Resolves the fields of a batch, planning those that are new, and expands nested values.
    fn prepare(&mut self, mut batch: Batch) -> Job {
        let shared = self.shared;
        let open = self.open.last_mut().expect("a batch belongs to an open part");
        let mut within: Vec<Option<Within>> = vec![None; batch.columns.len()];
        let is_planned = |field: &Arc<str>| open.fields.contains_key(field);
        nested::expand(&mut open.nested, &is_planned, &mut batch, &mut within, shared.options.limits.nesting);
        let is_new = |column: &Column| !open.fields.contains_key(&column.field);
        if batch.columns.iter().any(is_new) {
            let planned = shared.detector.plan(open.part.path.as_str(), &batch);
            for (column, plan) in batch.columns.iter().zip(planned) {
                if open.fields.contains_key(&column.field) {
                    continue;
                }
                let before = open.plans.iter().find(|plan| *plan.field == *column.field).cloned();
                let plan = before.unwrap_or_else(|| {
                    open.plans.push(plan.clone());
                    plan
                });
                let name = locator::seal_name(&mut self.examiner.worker, shared.keys, &column.field);
                let id = shared.writer.field(&name);
                self.progress.literals_in_name(shared, open.object, id, &column.field, &[]);
                open.fields.insert(column.field.clone(), Arc::new(Field { id, plan }));
            }
        }
        let is_key =
            |index: usize| matches!(&batch.records, Records::Keyed { columns, .. } if columns.contains(&index));
        let left_out = |(index, column): (usize, &Column)| {
            let named = shared.scope.leaves_out_field(open.part.path.as_str(), &column.field);
            (named && !is_key(index)).then_some(index) // without its key a record could not be told from others
        };
        for index in batch.columns.iter().enumerate().filter_map(left_out).collect::<Vec<_>>() {
            nested::empty(&mut batch.columns[index]);
            open.fields_left_out.insert(batch.columns[index].field.to_string());
        }
        let fields = batch.columns.iter().map(|column| open.fields[&column.field].clone()).collect();
        let keys = key_columns(shared, self.source, open, &batch);
        Job { object: open.object, batch, fields, within, keys }
    }

    fn close_part(&mut self, mut outcome: Outcome) {
        let Some(mut open) = self.open.pop() else { return };
        match open.left_out.take() {
            Some(LeftOut::Outside) => return,
            Some(LeftOut::Excluded(reason)) => outcome = Outcome::not_read(Coverage::Excluded, reason),
            None => {}
        }
        if self.open.is_empty() {
            self.outermost += 1;
        }
        if !open.fields_left_out.is_empty() {
            let names: Vec<_> = open.fields_left_out.iter().map(|name| format!("`{name}`")).collect();
            let note = format!("{FIELDS_LEFT_OUT}{}", names.join(", "));
            outcome.reason = Some(outcome.reason.map_or_else(|| note.clone(), |reason| format!("{reason}; {note}")));
        }
        let shared = self.shared;
        shared.note_outcome(self.source, &open.name, &outcome);
        let plans: Vec<FieldPlan> = open.plans.into_iter().map(|plan| seal_plan(plan, shared, self.examiner)).collect();
        self.closed.push(ObjectRecord {
            listed: self.open.first().map_or(open.object, |outermost| outermost.object),
            reason: outcome.reason,
            format: Some(open.part.format.to_owned()),
            encoding: open.part.encoding.map(str::to_owned),
            bytes: outcome.bytes,
            records: outcome.records,
            members: outcome.members,
            primary_key: open.part.primary_key,
            plan: Some(serde_json::to_string(&plans).expect("plans are plain data")),
            ..ObjectRecord::new(open.object, outcome.coverage)
        });
        if self.closed.len() >= MEMBERS && !self.open.is_empty() {
            self.stage();
        }
    }

    /// Gives the ledger of the members closed so far to the index: an archive may have millions.
    fn stage(&mut self) {
        let shared = self.shared;
        self.progress.wait(shared, self.examiner);
        let mut objects = std::mem::take(&mut self.closed);
        let mut results = self.progress.lock();
        results.judge(&mut objects);
        let closed: HashSet<u32> = objects.iter().map(|record| record.object).collect();
        let statistics = results.statistics.take(&closed);
        results.faults.retain(|object| !closed.contains(object));
        drop(results);
        let of: HashSet<u32> = objects.iter().map(|record| record.listed).collect();
        let (field_stats, field_totals) = statistics.rows();
        let unit = UnitRecord {
            listed: self.listed.iter().filter(|part| of.contains(&part.object)).cloned().collect(),
            objects,
            field_stats,
            field_totals,
            ..UnitRecord::default()
        };
        if let Err(error) = shared.writer.stage(shared.scan, &unit) {
            self.progress.lock().error.get_or_insert(error);
            shared.cancel();
        }
    }

    /// Closes what an error left open, and accounts for the objects that were not reached.
    fn finish(mut self, unit: &Unit, ended: Result<(), SourceError>) -> Vec<ObjectRecord> {
        let reason = match ended {
            Ok(()) => None,
            Err(SourceError::Stopped) if self.sample == Some(0) => {
                let records = self.shared.options.sample.unwrap_or_default();
                Some((Coverage::Limit, format!("only a sample of about {records} records was read, as asked")))
            }
            Err(SourceError::Stopped) => Some((Coverage::Unreadable, "the scan was stopped".to_owned())),
            Err(error) => Some((Coverage::Unreadable, error.to_string())),
        };
        if let Some((state, reason)) = reason {
            while !self.open.is_empty() {
                self.close_part(Outcome::not_read(state, reason.clone()));
            }
            for object in unit.objects.iter().skip(self.outermost) {
                let _ = self.open(Part {
                    path: object.path.clone(),
                    format: "unknown",
                    encoding: None,
                    primary_key: Vec::new(),
                });
                self.close_part(Outcome::not_read(state, reason.clone()));
            }
        }
        self.closed
    }
}

/// A plan's field name is a locator, too.
fn seal_plan(mut plan: FieldPlan, shared: &Shared<'_>, examiner: &mut Examiner<'_>) -> FieldPlan {
    plan.field = locator::seal_name(&mut examiner.worker, shared.keys, &plan.field);
    plan
}

/// The keys that a batch's columns hold, with the rules they are indexed under.
fn key_columns(shared: &Shared<'_>, source: usize, open: &mut OpenPart, batch: &Batch) -> Vec<KeyColumns> {
    if open.keys.is_none() {
        let name = open.part.path.as_str();
        let mut keys = shared.domains.of(&shared.sources[source].shown, name);
        if !holds_people(shared, open) {
            // A record without a person of its own is also about whomever it mentions.
            keys.iter_mut().filter(|key| key.role == Role::Mentions).for_each(|key| key.role = Role::Refers);
        }
        open.keys = Some(keys);
    }
    let column_of = |field: &String| batch.columns.iter().position(|column| *column.field == **field);
    let mut found = Vec::new();
    for key in open.keys.as_deref().unwrap_or_default() {
        let Some(columns) = key.fields.iter().map(column_of).collect::<Option<Vec<_>>>() else { continue };
        let field = match columns.as_slice() {
            [only] => open.fields[&batch.columns[*only].field].id,
            _ => shared.writer.field(&key.fields.join("+")),
        };
        let rule = shared.writer.rule(&format!("{}{}", key.role.prefix(), key.domain));
        found.push(KeyColumns { rule, domain: key.domain.clone(), field, columns });
    }
    found
}

/// Whether an object's records are people: some field is typed as a strong identifier or a name.
fn holds_people(shared: &Shared<'_>, open: &OpenPart) -> bool {
    open.plans.iter().any(|plan| match &plan.treatment {
        Treatment::Typed(rule) => {
            let kind = shared.detector.rules().iter().find(|r| r.id == *rule).map(|r| r.kind);
            matches!(kind, Some(Type::Email | Type::Phone | Type::UsSsn | Type::PersonName | Type::DateOfBirth))
        }
        Treatment::Search | Treatment::Skip(_) => false,
    })
}
