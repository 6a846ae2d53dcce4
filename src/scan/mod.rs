//! The scan: sources in, index out.
//!
//! ```text
//! list.rs     sources → objects → units, with everything accounted for that is not read
//! unit.rs     unit → batches, fields planned on the way
//! examine.rs  batch → findings
//! commit.rs   findings → index
//! ```
//!
//! The result depends neither on the number of threads nor on interruptions: a unit is committed whole or not at
//! all, and doing it twice is harmless.

mod again;
mod commit;
mod examine;
mod fingerprints;
pub mod keys;
mod list;
mod locator;
mod nested;
mod options;
mod preview;
mod progress;
mod run;
mod statistics;
mod unit;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use residuum_detect::{Detector, Literals};
use residuum_source::{Coverage, Source, SourceError, Version};

pub(crate) use again::{Again, KeysWanted, Sight};
pub(crate) use examine::composite;
pub(crate) use locator::{is_personal, open_key_value, seal_name};
pub use options::ScanOptions;
pub use preview::{ScanPlan, SourcePlan};
pub use progress::{NotRead, Observer, Progress, Silent, Summary};

use self::examine::Rules;
use self::keys::KeyDomains;
use self::list::{Listed, SourceState};
use self::options::Scope;
use self::run::{Queue, Shared};
use crate::index::{
    Commit, Index, IndexError, ListedPart, LiveTotals, ObjectRecord, ScanEnd, ScanInfo, UnitRecord, Writer,
};

/// A scan of sources into an index.
pub struct Scan<'s> {
    sources: &'s [Box<dyn Source>],
    detector: &'s Detector,
    index: &'s Index,
    options: ScanOptions,
    unreachable: Vec<Unreachable>,
    stop: &'s AtomicBool,
    literals: Option<&'s dyn Literals>,
}

/// A source that could not be opened; a scan keeps it in the ledger.
#[derive(Clone, Debug)]
pub struct Unreachable {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Why not.
    pub reason: String,
}

/// The object that stands in the ledger for a source as a whole.
const WHOLE_SOURCE: &str = "*";

/// The rule of findings that no rule made: a value that was looked for by itself stands there.
pub const LITERAL: &str = "literal";

/// Bytes of a batch when only a sample is read, so that it ends soon after the records asked for.
const SAMPLED_BATCH: usize = 8 << 10;

/// Why a scan could not run.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A source cannot be used at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A glob is not one.
    #[error("`{glob}` is not a glob: {reason}")]
    Glob {
        /// The glob.
        glob: String,
        /// Why not.
        reason: String,
    },
}

impl ScanError {
    fn from_glob(error: globset::Error) -> Self {
        Self::Glob { glob: error.glob().unwrap_or_default().to_owned(), reason: error.kind().to_string() }
    }
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl<'s> Scan<'s> {
    /// A scan of these sources; nothing happens before [`Scan::run`].
    pub fn new(sources: &'s [Box<dyn Source>], detector: &'s Detector, index: &'s Index, options: ScanOptions) -> Self {
        let mut options = options;
        if options.sample.is_some() {
            options.limits.batch_bytes = options.limits.batch_bytes.min(SAMPLED_BATCH);
        }
        Self { sources, detector, index, options, unreachable: Vec::new(), stop: &NEVER, literals: None }
    }

    /// Sources that belong to the scan and could not be opened: nothing of them is read, and the ledger says so.
    #[must_use]
    pub fn with_unreachable(mut self, sources: Vec<Unreachable>) -> Self {
        self.unreachable = sources;
        self
    }

    /// Stops when this becomes true: what is committed stays, the same scan resumes.
    #[must_use]
    pub fn stop_when(mut self, stop: &'s AtomicBool) -> Self {
        self.stop = stop;
        self
    }

    /// Looks for these values as well, wherever they stand: in every field, whatever its plan says, and in names.
    ///
    /// What is found stands in the index under the rule [`LITERAL`], until its object is read again without them.
    /// Objects that are taken as the index has them are not searched; [`ScanOptions::full`] reads them all.
    #[must_use]
    pub fn looking_for(mut self, literals: &'s dyn Literals) -> Self {
        self.literals = Some(literals);
        self
    }

    /// Runs to the end.
    ///
    /// An object that cannot be read is counted and named in the summary; it ends nothing.
    ///
    /// # Errors
    /// When the index cannot be written, or not one source could be listed.
    pub fn run(&self, observer: &dyn Observer) -> Result<Summary, ScanError> {
        let started = Instant::now();
        let scope = Scope::new(&self.options).map_err(ScanError::from_glob)?;
        // A directory's databases are looked for, and named, while the index is opened.
        let (domains, writer) = std::thread::scope(|scope| {
            let domains = scope.spawn(|| self.domains());
            let writer = self.index.writer();
            (domains.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), writer)
        });
        let ((domains, unreadable_schemas), writer) = (domains, writer?);
        let digest = self.digest();
        let info = ScanInfo { digest, full: self.options.full, sample: self.options.sample };
        let scan = writer.begin_scan(&info)?;
        let cancelled = AtomicBool::new(false);
        let number = |name: &str, kind: &str| writer.source(&self.shown(name), kind);
        let shared = Shared {
            sources: self
                .sources
                .iter()
                .map(|s| SourceState::new(s.as_ref(), self.shown(s.name()), number(s.name(), s.kind())))
                .collect(),
            detector: self.detector,
            keys: self.index.keys(),
            writer: &writer,
            domains: &domains,
            options: &self.options,
            scope: &scope,
            observer,
            counters: progress::Counters::default(),
            rules: Rules {
                of: self.detector.rules().iter().map(|rule| writer.rule(&rule.id)).collect(),
                literal: self.literals.map_or(0, |_| writer.rule(LITERAL)),
            },
            literals: self.literals,
            scan,
            digest,
            asked_to_stop: self.stop,
            cancelled: &cancelled,
            queue: Queue::new(self.options.jobs),
        };
        let listed = shared.run()?;
        let mut unreachable = self.unreachable.clone();
        unreachable.extend(listed.failed.iter().map(|(name, error)| {
            let kind = self.sources.iter().find(|s| s.name() == name).map_or("", |s| s.kind()).to_owned();
            Unreachable { name: name.clone(), kind, reason: format!("it could not be listed: {error}") }
        }));
        self.note_unreachable(&writer, scan, &unreachable)?;
        let interrupted = self.stop.load(Ordering::Relaxed);
        let end = ScanEnd { complete: listed.complete.clone(), interrupted };
        let totals = writer.end_scan(scan, &end)?;
        let progress = shared.counters.progress(started.elapsed());
        drop(shared);
        if !interrupted {
            writer.compact()?;
        }
        let mut summary = self.summarise(&listed, totals, unreadable_schemas, &progress, interrupted, started)?;
        if !interrupted && listed.failed.is_empty() && self.unreachable.is_empty() {
            summary.unmatched = scope.unmatched(listed.unchanged == 0);
        }
        Ok(summary)
    }

    /// A source's name as the index and outputs have it: a path may name a person.
    fn shown(&self, name: &str) -> String {
        locator::seal_name(&mut self.detector.worker(), self.index.keys(), name)
    }

    /// Puts sources into the ledger of which nothing could be read.
    fn note_unreachable(&self, writer: &Writer, scan: u32, sources: &[Unreachable]) -> Result<(), ScanError> {
        let mut units = Vec::new();
        for Unreachable { name, kind, reason } in sources {
            let object = writer.object(writer.source(&self.shown(name), kind), WHOLE_SOURCE);
            writer.listed(object);
            let version = Version::snapshot(format!("scan {scan}"));
            let record =
                ObjectRecord { reason: Some(reason.clone()), ..ObjectRecord::new(object, Coverage::Unreadable) };
            units.push(UnitRecord {
                id: *blake3::hash(format!("unreachable {scan} {object}").as_bytes()).as_bytes(),
                listed: vec![ListedPart::whole(object, version)],
                objects: vec![record],
                ..UnitRecord::default()
            });
        }
        if !units.is_empty() {
            writer.commit(Commit { scan, units })?;
        }
        Ok(())
    }

    /// Of all that decides what is found, besides the objects: rules, recognisers, field planning, limits, keys.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"residuum scan 2");
        hasher.update(&self.detector.digest());
        hasher.update(format!("{:?}", self.options.limits).as_bytes());
        hasher.update(format!("{:?}", self.options.joins).as_bytes());
        hasher.update(format!("{:?}", self.options.exclude).as_bytes());
        let within_containers: Vec<_> = self.options.include.iter().filter(|glob| glob.contains('!')).collect();
        hasher.update(format!("{within_containers:?}").as_bytes());
        hasher.update(format!("{:?}", self.options.sample).as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// The key domains, and the sources whose schema could not be read.
    fn domains(&self) -> (KeyDomains, Vec<(String, SourceError)>) {
        let (mut schemas, mut failed) = (Vec::new(), Vec::new());
        for source in self.sources {
            match source.keys() {
                Ok(keys) => schemas.push((self.shown(source.name()), keys)), // domains are named after it
                Err(error) => failed.push((source.name().to_owned(), error)),
            }
        }
        (KeyDomains::new(&schemas, &self.options.joins), failed)
    }

    fn summarise(
        &self,
        listed: &Listed,
        totals: LiveTotals,
        failed_schemas: Vec<(String, SourceError)>,
        progress: &Progress,
        interrupted: bool,
        started: Instant,
    ) -> Result<Summary, ScanError> {
        let mut summary = Summary {
            unchanged: listed.unchanged,
            empty: listed.empty.clone(),
            bytes: progress.bytes_examined,
            sampled: self.options.sample.is_some(),
            interrupted,
            elapsed: started.elapsed(),
            ..Summary::default()
        };
        let opened = self.sources.iter().map(|source| source.name());
        let names: Vec<String> =
            opened.chain(self.unreachable.iter().map(|s| &*s.name)).map(|n| self.shown(n)).collect();
        let is_ours = |source: &str| names.iter().any(|name| name == source);
        let is_complete = !totals.states.iter().any(|of| of.coverage.is_incomplete());
        for of in totals.states.into_iter().filter(|of| is_ours(&of.source)) {
            *summary.coverage.entry(of.coverage).or_default() += of.objects;
            if of.coverage == Coverage::Read {
                summary.objects += of.objects;
            }
            summary.records += of.records;
            summary.sources.push(of);
        }
        // To find what was left unseen among millions of objects takes a while, if only to find nothing.
        let incomplete = if is_complete { Vec::new() } else { self.index.reader()?.incomplete()? };
        for object in incomplete.into_iter().filter(|object| is_ours(&object.source)) {
            summary.incomplete.push(NotRead {
                source: object.source.to_string(),
                object: object.path.to_string(),
                state: object.coverage,
                reason: object.reason.unwrap_or_default(),
            });
        }
        for (source, error) in &failed_schemas {
            summary.incomplete.push(NotRead {
                source: source.clone(),
                object: String::new(),
                state: Coverage::Unreadable,
                reason: format!("its keys could not be read: {error}"),
            });
        }
        summary.incomplete.sort();
        summary.incomplete.dedup();
        for total in totals.findings.iter().filter(|total| names.contains(&total.source)) {
            if total.kind != residuum_detect::Type::Key {
                *summary.by_type.entry(total.kind).or_default() += total.findings;
                summary.findings += total.findings;
            }
        }
        Ok(summary)
    }
}
