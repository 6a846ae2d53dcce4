//! What a scan would read, how much, and about how long it would take; nothing is read or written.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use residuum_detect::Detector;
use residuum_source::{Coverage, Object};

use super::locator;
use super::options::Scope;
use super::{Scan, ScanError};
use crate::index::{Index, display};

/// What a scan would do.
#[derive(Clone, Debug, Default)]
pub struct ScanPlan {
    /// Source by source.
    pub sources: Vec<SourcePlan>,
    /// Globs that matched no listed object, as the flags that gave them. Those that may match fields or members of
    /// containers are not judged.
    pub unmatched: Vec<String>,
    /// Bytes a second that detection does on this machine with the threads asked for.
    pub bytes_per_second: u64,
}

/// What a scan would do with one source.
#[derive(Clone, Debug, Default)]
pub struct SourcePlan {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Objects and bytes as stored that would be read.
    pub to_read: (u64, u64),
    /// Objects among them of which not all would be read, with the reason; names as they may be shown.
    pub read_in_part: Vec<(String, String)>,
    /// Objects that have not changed.
    pub unchanged: u64,
    /// Objects that would not be read, by state.
    pub not_read: BTreeMap<Coverage, u64>,
    /// The largest objects that would be read, with their bytes; names as they may be shown.
    pub largest: Vec<(String, u64)>,
    /// Why the source could not be listed.
    pub error: Option<String>,
}

impl ScanPlan {
    /// About how long it would take, if storage and servers keep up with detection.
    pub fn estimate(&self) -> Duration {
        let bytes: u64 = self.sources.iter().map(|source| source.to_read.1).sum();
        Duration::from_secs_f64(bytes as f64 / self.bytes_per_second.max(1) as f64)
    }
}

impl Scan<'_> {
    /// Lists the sources and says what [`Scan::run`] would read.
    ///
    /// # Errors
    /// When the index is damaged or a glob is not one.
    pub fn plan(&self) -> Result<ScanPlan, ScanError> {
        let scope = Scope::new(&self.options).map_err(ScanError::from_glob)?;
        let known = known(self.index, &self.digest())?;
        let mut plan = ScanPlan {
            bytes_per_second: detection_rate(self.detector) * self.options.jobs as u64,
            ..ScanPlan::default()
        };
        let mut worker = self.detector.worker();
        for source in self.sources {
            let mut planned =
                SourcePlan { name: source.name().to_owned(), kind: source.kind().to_owned(), ..SourcePlan::default() };
            let listed = source.list(&mut |object| {
                if scope.is_outside(object.path.as_str()) {
                    return ControlFlow::Continue(());
                }
                let left_out = scope.leaves_out(source.name(), object.path.as_str()).map(|_| Coverage::Excluded);
                match left_out.or_else(|| object.not_read.as_ref().map(|(state, _)| *state)) {
                    Some(state) => *planned.not_read.entry(state).or_default() += 1,
                    None if !self.options.full && is_known(&known, source.name(), &object) => planned.unchanged += 1,
                    None => planned.read(&object),
                }
                if let Some(reason) = object.read_in_part.filter(|_| left_out.is_none()) {
                    planned.read_in_part.push((object.path.as_str().to_owned(), reason));
                }
                ControlFlow::Continue(())
            });
            let names = planned.largest.iter_mut().map(|(name, _)| name);
            for name in names.chain(planned.read_in_part.iter_mut().map(|(name, _)| name)) {
                *name = display(&locator::seal_name(&mut worker, self.index.keys(), name));
            }
            planned.error = listed.err().map(|error| error.to_string());
            plan.sources.push(planned);
        }
        if plan.sources.iter().all(|source| source.error.is_none()) && self.unreachable.is_empty() {
            plan.unmatched = scope.unmatched(false);
        }
        Ok(plan)
    }
}

impl SourcePlan {
    const LARGEST: usize = 5;

    fn read(&mut self, object: &Object) {
        let bytes = object.bytes.unwrap_or(0);
        self.to_read.0 += 1;
        self.to_read.1 += bytes;
        let at = self.largest.partition_point(|(_, b)| *b >= bytes);
        if at < Self::LARGEST {
            self.largest.insert(at, (object.path.as_str().to_owned(), bytes));
            self.largest.truncate(Self::LARGEST);
        }
    }
}

type Known = HashMap<(String, String), String>;

/// The versions of the objects that the last scan, under the same rules and limits, left in the index.
fn known(index: &Index, digest: &[u8; 32]) -> Result<Known, ScanError> {
    let reader = index.reader()?;
    let same = reader.scans()?.last().is_some_and(|scan| scan.digest == *digest && scan.sample.is_none());
    if !same {
        return Ok(Known::new());
    }
    let objects = reader.objects()?.into_iter().filter(|object| object.listed == object.object);
    let complete = objects.filter(|object| object.coverage != Coverage::Unreadable);
    Ok(complete.map(|object| ((object.source.to_string(), object.path.to_string()), object.version)).collect())
}

fn is_known(known: &Known, source: &str, object: &Object) -> bool {
    let version = known.get(&(source.to_owned(), object.path.as_str().to_owned()));
    object.version.sound && version.is_some_and(|version| *version == object.version.text)
}

/// Bytes a second that one thread examines, measured on invented text for a moment.
fn detection_rate(detector: &Detector) -> u64 {
    const LINE: &str = "2026-01-31T08:15:42.118Z INFO order 4711-0815 shipped to jane.roe@example.com from 192.0.2.17, \
                        took 118 ms, trace 5f0c9d2ab1e84c77, next of kin called at (202) 555-0123\n";
    let text = LINE.repeat(1 << 12);
    let mut worker = detector.worker();
    let started = Instant::now();
    let mut bytes = 0;
    while started.elapsed() < Duration::from_millis(60) {
        worker.text(text.as_bytes(), 0..text.len(), &mut |_, _| {});
        bytes += text.len();
    }
    (bytes as f64 / started.elapsed().as_secs_f64()) as u64
}
