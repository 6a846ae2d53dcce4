//! From a batch to findings: detect, fingerprint, locate, forget the value.

use std::sync::Arc;

use memchr::memchr_iter;
use residuum_detect::{
    Detector, FieldPlan, Fingerprint, Hit, IndexKey, Literals, RuleId, Scheme, Type, Worker, fingerprint::lookup_forms,
};
use residuum_source::{Ascending, Batch, Column, KeyValue, Logical, Record, Records, Rows};

use super::fingerprints::Fingerprints;
use super::locator;
use super::nested::Within;
use super::statistics::Statistics;
use crate::index::{FindingRow, Findings, Keyring, Place};

/// A field of a part: its number in the index and how it is treated.
#[derive(Debug)]
pub(super) struct Field {
    pub id: u32,
    pub plan: FieldPlan,
}

/// Columns of a batch that together hold a key, and the rule under which it is indexed.
#[derive(Clone, Debug)]
pub(super) struct KeyColumns {
    pub rule: u16,
    pub domain: Arc<str>,
    pub field: u32,
    pub columns: Vec<usize>,
}

/// A batch with all that is needed to examine it anywhere.
pub(super) struct Job {
    pub object: u32,
    pub batch: Batch,
    /// Parallel to the batch's columns.
    pub fields: Vec<Arc<Field>>,
    /// Parallel to the batch's columns: for a column expanded out of nested values, where they stand in those. It counts
    /// only if the column's bytes have no place in the object themselves.
    pub within: Vec<Option<Within>>,
    pub keys: Vec<KeyColumns>,
}

/// One thread's detector with its scratch.
pub(super) struct Examiner<'a> {
    /// For names of objects, fields and records; what is sealed there depends on the rules alone.
    pub worker: Worker<'a>,
    /// For values.
    values: Worker<'a>,
    keys: &'a Keyring,
    rules: &'a Rules,
    fingerprints: Fingerprints,
    found: Vec<Found>,
    /// Whether what is found is fingerprinted under older keys as well, as what is already in the index may be.
    with_older: bool,
}

/// The index's numbers of rules.
pub(super) struct Rules {
    /// Of each of the detector's.
    pub of: Vec<u16>,
    /// Of what is no rule: values that are looked for by themselves.
    pub literal: u16,
}

impl Rules {
    pub fn number(&self, rule: RuleId) -> u16 {
        if rule == RuleId::LITERAL { self.literal } else { self.of[usize::from(rule.0)] }
    }
}

/// A hit with its fingerprint; the value is gone.
pub(super) struct Found {
    pub value: u32,
    pub hit: Hit,
    pub fingerprint: Fingerprint,
    /// Its fingerprints under older keys, if they are asked for.
    pub older: Box<[Fingerprint]>,
    lookup: Option<(Scheme, Fingerprint)>,
}

impl<'a> Examiner<'a> {
    /// An examiner that also looks for literals, if any are given.
    pub fn new(
        detector: &'a Detector,
        keys: &'a Keyring,
        rules: &'a Rules,
        literals: Option<&'a dyn Literals>,
    ) -> Self {
        let values = detector.worker().with_literals(literals);
        let fingerprints = Fingerprints::new();
        Self { worker: detector.worker(), values, keys, rules, fingerprints, found: Vec::new(), with_older: false }
    }

    /// One whose hits also have the fingerprints under older keys of the index.
    pub fn with_older_keys(self) -> Self {
        Self { with_older: true, ..self }
    }

    /// Examines a batch; findings and counts are added to what is there.
    pub fn examine(&mut self, job: &Job, findings: &mut Findings, statistics: &mut Statistics) {
        let mut locate = self.locate(&job.batch, &|column| &job.fields[column].plan);
        for (index, (column, field)) in job.batch.columns.iter().zip(&job.fields).enumerate() {
            self.detect(column, &field.plan, &job.batch.records);
            self.report(job, index, field, &mut locate, findings, statistics);
        }
        for key in &job.keys {
            self.keys_of(job, key, &mut locate, findings);
        }
        let cut = self.values.take_cut();
        if cut > 0 {
            *statistics.cut.entry(job.object).or_default() += cut;
        }
    }

    /// What seals the records of a batch; `plan` is how each of its columns is treated.
    fn locate<'b, 'p>(&mut self, batch: &'b Batch, plan: &dyn Fn(usize) -> &'p FieldPlan) -> Locate<'b> {
        let mut locate = Locate::new(batch);
        if let Records::Keyed { columns, .. } = &batch.records {
            for &column in columns {
                self.detect(&batch.columns[column], plan(column), &batch.records);
                locate.note_personal(column, &self.found);
            }
        }
        locate
    }

    /// These records of a batch as the index calls them: sealed where they are personal.
    pub fn sealed<'p>(
        &mut self,
        batch: &Batch,
        plan: &dyn Fn(usize) -> &'p FieldPlan,
        records: &[usize],
    ) -> Vec<Record> {
        let mut locate = self.locate(batch, plan);
        let Self { keys, worker, .. } = self;
        records.iter().map(|&record| locate.record(record as u32, 0, keys, worker).whole()).collect()
    }

    /// The hits of a column, in order of place.
    pub fn hits(&mut self, column: &Column, plan: &FieldPlan, records: &Records) -> &[Found] {
        self.detect(column, plan, records);
        &self.found
    }

    /// Fills `found` with the hits of a column, in order of place.
    fn detect(&mut self, column: &Column, plan: &FieldPlan, records: &Records) {
        let Self { values: worker, keys, fingerprints, found, with_older, .. } = self;
        found.clear();
        fingerprints.begin_column();
        let key = keys.current();
        let mut keep = |value: usize, hit: &Hit, form: &[u8]| {
            let number = found.len() as u32;
            // What is not known at once is given below.
            let fingerprint = match hit.kind {
                Type::Digest => fingerprint_of(key, hit.kind, form),
                _ => fingerprints.of(form, (number, false)).unwrap_or(LATER),
            };
            let mut lookup = None;
            lookup_forms(hit.kind, form, |scheme, form| {
                let fingerprint = fingerprints.of(form, (number, true)).unwrap_or(LATER);
                lookup = Some((scheme, fingerprint));
            });
            let older = match with_older {
                true => keys.all().skip(1).map(|key| fingerprint_of(key, hit.kind, form)).collect(),
                false => Box::default(),
            };
            found.push(Found { value: value as u32, hit: *hit, fingerprint, older, lookup });
            if fingerprints.are_many() {
                give(fingerprints, key, found);
            }
        };
        let is_running_text = matches!(records, Records::Lines { .. });
        if is_running_text || column.window.is_some() {
            let core =
                column.window.as_ref().map_or(0..column.bytes.len(), |w| w.core.start as usize..w.core.end as usize);
            worker.text(&column.bytes, core, &mut |hit, form| keep(0, hit, form));
        } else {
            worker.values(plan, &column.bytes, &column.offsets, &mut keep);
        }
        give(fingerprints, key, found);
        found.sort_unstable_by_key(|f| (f.hit.start, f.hit.end));
        drop_known_literals(found);
    }

    /// Turns the hits of a column into rows of the index.
    fn report(
        &mut self,
        job: &Job,
        index: usize,
        field: &Field,
        locate: &mut Locate<'_>,
        findings: &mut Findings,
        statistics: &mut Statistics,
    ) {
        let column = &job.batch.columns[index];
        let mut count = statistics.field(job.object, field.id, column, &job.batch.records);
        let mut lines = LineCounter::new(&column.bytes);
        let mut places = Places::new(column, job.within[index].as_ref());
        let holders = match &column.rows {
            Rows::Dictionary(keys) => Some(Holders::new(keys, column.len())),
            Rows::Each | Rows::Listed(_) => None,
        };
        for of_value in self.found.chunk_by(|a, b| a.value == b.value) {
            let value = of_value[0].value;
            let one = [match &column.rows {
                Rows::Listed(rows) => rows[value as usize],
                Rows::Each | Rows::Dictionary(_) => value,
            }];
            let records = holders.as_ref().map_or(&one[..], |holders| holders.of(value));
            for &holder in records {
                for found in of_value {
                    let hit = &found.hit;
                    let is_text = matches!(job.batch.records, Records::Lines { .. });
                    let record = if is_text { lines.before(hit.start) } else { holder };
                    let rule = self.rules.number(hit.rule);
                    count.hit(hit.kind, rule, record);
                    let row = findings.push(&FindingRow {
                        object: job.object,
                        field: field.id,
                        record: locate.record(record, index, self.keys, &mut self.worker),
                        place: places.of(found),
                        kind: hit.kind,
                        rule,
                        confidence: hit.confidence,
                        fp: found.fingerprint,
                    });
                    if let Some((scheme, fingerprint)) = found.lookup {
                        findings.lookup(row, scheme, fingerprint);
                    }
                }
            }
        }
    }

    /// Fingerprints the key values of a batch in their domain.
    fn keys_of(&mut self, job: &Job, key: &KeyColumns, locate: &mut Locate<'_>, findings: &mut Findings) {
        let columns: Vec<&Column> = key.columns.iter().map(|&c| &job.batch.columns[c]).collect();
        let first = key.columns.first().copied().unwrap_or(0);
        let mut push = |record: u32, value: &[u8], place: Place, worker: &mut Worker<'_>| {
            findings.push(&FindingRow {
                object: job.object,
                field: key.field,
                record: locate.record(record, first, self.keys, worker),
                place,
                kind: Type::Key,
                rule: key.rule,
                confidence: 1000,
                fp: self.keys.current().fingerprint_of_key(&key.domain, value),
            });
        };
        if let [column] = columns.as_slice() {
            let holders = match &column.rows {
                Rows::Dictionary(keys) => Some(Holders::new(keys, column.len())),
                Rows::Each | Rows::Listed(_) => None,
            };
            for value in 0..column.len() {
                let bytes = column.value(value).trim_ascii();
                if bytes.is_empty() {
                    continue;
                }
                let start = column.offsets[value];
                let place = match &column.place {
                    Some(map) => Place::Object { start: map.start(start), end: map.end(column.offsets[value + 1]) },
                    None => Place::Value { start: 0, end: column.value(value).len() as u64 },
                };
                match &column.rows {
                    Rows::Each => push(value as u32, bytes, place, &mut self.worker),
                    Rows::Listed(rows) => push(rows[value], bytes, place, &mut self.worker),
                    Rows::Dictionary(_) => {
                        let holders = holders.as_ref().expect("made for a dictionary");
                        holders.of(value as u32).iter().for_each(|&r| push(r, bytes, place, &mut self.worker));
                    }
                }
            }
            return;
        }
        if columns.iter().any(|column| column.rows != Rows::Each) {
            return; // a key of several fields is known only where every record has each of them
        }
        for record in 0..columns.first().map_or(0, |column| column.len()) {
            let parts: Vec<&[u8]> = columns.iter().map(|column| column.value(record).trim_ascii()).collect();
            if parts.iter().all(|part| !part.is_empty()) {
                let value = composite(&parts);
                push(record as u32, &value, Place::Value { start: 0, end: 0 }, &mut self.worker);
            }
        }
    }
}

/// What a hit has in place of a fingerprint that it waits for.
const LATER: Fingerprint = Fingerprint([0; 16]);

/// Gives hits the fingerprints that they wait for.
fn give(fingerprints: &mut Fingerprints, key: &IndexKey, found: &mut [Found]) {
    fingerprints.give(key, |(number, in_lookup_form), fingerprint| {
        let found = &mut found[number as usize];
        match &mut found.lookup {
            Some((_, lookup)) if in_lookup_form => *lookup = fingerprint,
            _ => found.fingerprint = fingerprint,
        }
    });
}

/// Drops the literals that a rule found as well, or that were found twice: as they stand, and decoded.
fn drop_known_literals(found: &mut Vec<Found>) {
    if !found.iter().any(|f| f.hit.rule == RuleId::LITERAL) {
        return;
    }
    // What a rule found comes first, and of the rest what stands first.
    let rank = |f: &Found| (f.fingerprint, f.hit.rule == RuleId::LITERAL, f.hit.start);
    found.sort_unstable_by_key(rank);
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    let mut by_rules = 0..0;
    for f in found.drain(..) {
        let Hit { start, end, rule, .. } = f.hit;
        if kept.get(by_rules.start).is_none_or(|first| first.fingerprint != f.fingerprint) {
            by_rules = kept.len()..kept.len();
        }
        if rule != RuleId::LITERAL {
            kept.push(f);
            by_rules.end = kept.len();
            continue;
        }
        let overlaps = |other: &Found| other.hit.start < end && start < other.hit.end;
        let rules = &kept[by_rules.clone()];
        let before = rules.partition_point(|other| other.hit.start < end);
        // The same value hardly stands within itself: of those that begin before, the last few are enough.
        let literals = &kept[by_rules.end..];
        let is_known = [&rules[..before], literals].iter().any(|of| of.iter().rev().take(8).any(overlaps));
        if !is_known {
            kept.push(f);
        }
    }
    kept.sort_unstable_by_key(|f| (f.hit.start, f.hit.end));
    *found = kept;
}

/// The text of a key of several values, as fingerprinted: each with its length, so that no two keys meet.
pub(crate) fn composite(parts: &[&[u8]]) -> Vec<u8> {
    let mut value = Vec::new();
    for part in parts {
        value.extend_from_slice(format!("{}:", part.len()).as_bytes());
        value.extend_from_slice(part);
    }
    value
}

/// Gives the places of a column's hits, which come in order.
struct Places<'j> {
    column: &'j Column,
    object: Option<Ascending<'j>>,
    within: Option<&'j Within>,
}

impl<'j> Places<'j> {
    fn new(column: &'j Column, within: Option<&'j Within>) -> Self {
        Self { column, object: column.place.as_ref().map(Ascending::new), within }
    }

    fn of(&mut self, found: &Found) -> Place {
        let (start, end) = (found.hit.start, found.hit.end);
        if let Some(map) = &mut self.object {
            let (start, end) = map.range(start, end);
            return Place::Object { start, end };
        }
        if let Some(within) = self.within {
            let (start, end) = within.place(start, end);
            return Place::Value { start, end };
        }
        let first = self.column.window.as_ref().map_or(0, |window| window.value_offset);
        let base = self.column.offsets.get(found.value as usize).copied().unwrap_or(0);
        Place::Value { start: first + u64::from(start - base), end: first + u64::from(end - base) }
    }
}

/// Gives the record of a finding, sealed where its key is personal; built once for each record.
struct Locate<'j> {
    batch: &'j Batch,
    personal: Vec<(u32, usize, Type)>, // (record, column, kind), for keyed batches
    cached: Option<(u32, usize, Record)>,
    /// The name of the sheet, sealed.
    sheet: Option<String>,
}

impl<'j> Locate<'j> {
    fn new(batch: &'j Batch) -> Self {
        Self { batch, personal: Vec::new(), cached: None, sheet: None }
    }

    fn note_personal(&mut self, column: usize, found: &[Found]) {
        let personal = found.iter().filter(|f| locator::is_personal(f.hit.kind));
        self.personal.extend(personal.map(|f| (f.value, column, f.hit.kind)));
        self.personal.sort_unstable();
    }

    /// What a record has in a column: that is a place of its own in a sheet only.
    fn record(&mut self, record: u32, column: usize, keys: &Keyring, worker: &mut Worker<'_>) -> &Record {
        let is_cell = matches!(self.batch.records, Records::Cells { .. });
        let column = if is_cell { column } else { 0 };
        let is_cached = self.cached.as_ref().is_some_and(|(cached, of, _)| (*cached, *of) == (record, column));
        if !is_cached {
            let made = self.make(record, column, keys, worker);
            self.cached = Some((record, column, made));
        }
        &self.cached.as_ref().expect("set above").2
    }

    fn make(&mut self, record: u32, column: usize, keys: &Keyring, worker: &mut Worker<'_>) -> Record {
        match &self.batch.records {
            Records::Cells { sheet, rows, columns } => {
                let sheet = self.sheet.get_or_insert_with(|| locator::seal_name(worker, keys, sheet));
                Record::cell(sheet, rows[record as usize], columns.get(column).copied().unwrap_or(0))
            }
            Records::Keyed { columns, .. } => {
                let from = self.personal.partition_point(|(r, ..)| *r < record);
                let here: Vec<_> = self.personal[from..].iter().take_while(|(r, ..)| *r == record).collect();
                if here.is_empty() {
                    return self.batch.record(record as usize);
                }
                let value = |&column: &usize| {
                    let held = &self.batch.columns[column];
                    let text = String::from_utf8_lossy(held.value(record as usize)).into_owned();
                    let integer = (held.logical == Logical::Integer).then(|| text.parse().ok()).flatten();
                    match (here.iter().find(|(_, c, _)| *c == column), integer) {
                        (Some((.., kind)), None) => KeyValue::Text(keys.seal_name(*kind, &text)),
                        (Some((.., kind)), Some(integer)) => locator::seal_integer(keys, *kind, integer),
                        (None, Some(integer)) => KeyValue::Integer(integer),
                        (None, None) => KeyValue::Text(text),
                    }
                };
                Record::pk(&columns.iter().map(value).collect::<Vec<_>>())
            }
            Records::Named { kind, names } => {
                Record::Text(*kind, locator::seal_name(worker, keys, &names[record as usize]))
            }
            Records::Lines { .. } | Records::Sequence { .. } | Records::Numbered { .. } => {
                self.batch.record(record as usize)
            }
        }
    }
}

/// Which records hold each value of a dictionary.
pub(super) struct Holders {
    starts: Vec<u32>,
    records: Vec<u32>,
}

impl Holders {
    pub fn new(keys: &[u32], values: usize) -> Self {
        let mut starts = vec![0u32; values + 1];
        let held = || keys.iter().enumerate().filter(|(_, key)| **key != u32::MAX);
        held().for_each(|(_, &key)| starts[key as usize + 1] += 1);
        for value in 0..values {
            starts[value + 1] += starts[value];
        }
        let mut next = starts.clone();
        let mut records = vec![0; starts[values] as usize];
        for (record, &key) in held() {
            records[next[key as usize] as usize] = record as u32;
            next[key as usize] += 1;
        }
        Self { starts, records }
    }

    pub fn of(&self, value: u32) -> &[u32] {
        &self.records[self.starts[value as usize] as usize..self.starts[value as usize + 1] as usize]
    }
}

/// Counts line feeds up to ascending positions.
pub(super) struct LineCounter<'b> {
    bytes: &'b [u8],
    at: usize,
    lines: u32,
}

impl<'b> LineCounter<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, lines: 0 }
    }

    pub fn before(&mut self, position: u32) -> u32 {
        let position = position as usize;
        self.lines += memchr_iter(b'\n', &self.bytes[self.at..position]).count() as u32;
        self.at = position;
        self.lines
    }
}

/// The fingerprint of a value by its standard form. A SHA-256 in the data enters as the inner hash, so that it meets the
/// plain value.
pub(super) fn fingerprint_of(key: &IndexKey, kind: Type, form: &[u8]) -> Fingerprint {
    if kind != Type::Digest {
        return key.fingerprint(form);
    }
    match <&[u8; 32]>::try_from(form) {
        Ok(sha256) => key.fingerprint_of_digest(sha256),
        Err(_) => {
            let algorithm = match form.len() {
                16 => "md5",
                20 => "sha1",
                _ => "sha512",
            };
            key.fingerprint_of_other_digest(algorithm, form)
        }
    }
}
