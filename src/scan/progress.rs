//! What a scan tells while it runs, and what it says at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use residuum_detect::Type;
use residuum_source::Coverage;

use crate::index::SourceState;

/// Is told how a scan goes. Called from several threads, never in the hot loop.
pub trait Observer: Sync {
    /// Some work was done; called a few times a second at most.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }

    /// Something listed was not, or not completely, read.
    fn not_read(&self, entry: &NotRead) {
        let _ = entry;
    }
}

/// An observer that looks away.
pub struct Silent;

impl Observer for Silent {}

/// How far a scan is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Time since the start.
    pub elapsed: Duration,
    /// Whether every source has been listed, so that totals are final.
    pub listed: bool,
    /// Objects listed so far that are to be read.
    pub objects_total: u64,
    /// Objects read.
    pub objects_done: u64,
    /// Stored bytes of the listed objects that are to be read, as far as known.
    pub bytes_total: u64,
    /// Stored bytes read; an estimate while objects are being read.
    pub bytes_done: u64,
    /// Bytes examined, after decompression.
    pub bytes_examined: u64,
    /// Findings so far.
    pub findings: u64,
}

/// Something listed that was not, or not completely, read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct NotRead {
    /// The source's name.
    pub source: String,
    /// The object's name, sealed where it is personal.
    pub object: String,
    /// The state.
    pub state: Coverage,
    /// Why.
    pub reason: String,
}

/// What a scan did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Objects read, members of containers included.
    pub objects: u64,
    /// Listed objects that had not changed since they were last read.
    pub unchanged: u64,
    /// Objects that were in the index and are no longer listed.
    pub gone: u64,
    /// Bytes examined, after decompression.
    pub bytes: u64,
    /// Records examined.
    pub records: u64,
    /// Findings, keys not counted.
    pub findings: u64,
    /// Findings by type, keys not counted.
    pub by_type: BTreeMap<Type, u64>,
    /// Everything listed, members included, by what became of it.
    pub coverage: BTreeMap<Coverage, u64>,
    /// The same by source.
    pub sources: Vec<SourceState>,
    /// What blocks a certificate, in order.
    pub incomplete: Vec<NotRead>,
    /// Globs that matched nothing, as the flags that gave them: `--include public.*`.
    pub unmatched: Vec<String>,
    /// Sources that were listed to their end and in which there is nothing: perhaps not what is meant.
    pub empty: Vec<String>,
    /// Whether only a sample was read.
    pub sampled: bool,
    /// Whether the scan was stopped before its end.
    pub interrupted: bool,
    /// Time taken.
    pub elapsed: Duration,
}

impl Summary {
    /// Whether everything listed was read, derived or excluded.
    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty() && !self.interrupted
    }
}

/// The counters that threads share.
#[derive(Default)]
pub(super) struct Counters {
    pub objects_total: AtomicU64,
    pub objects_done: AtomicU64,
    pub bytes_total: AtomicU64,
    pub bytes_done: AtomicU64,
    pub bytes_examined: AtomicU64,
    /// Of the units that are done: bytes stored, and bytes examined, which archives and Parquet files hold more of.
    stored: AtomicU64,
    examined: AtomicU64,
    pub findings: AtomicU64,
    pub listed: AtomicBool,
}

impl Counters {
    pub fn progress(&self, elapsed: Duration) -> Progress {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            elapsed,
            listed: self.listed.load(Ordering::Relaxed),
            objects_total: get(&self.objects_total),
            objects_done: get(&self.objects_done),
            bytes_total: get(&self.bytes_total),
            bytes_done: get(&self.bytes_done),
            bytes_examined: get(&self.bytes_examined),
            findings: get(&self.findings),
        }
    }
}

/// Stored bytes of one unit, counted as done while it is read.
#[derive(Default)]
pub(super) struct Stored {
    bytes: u64,
    examined: AtomicU64,
    counted: AtomicU64,
}

impl Stored {
    pub fn new(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Some bytes were examined: as many stored ones are done as in the units before, and no more than there are.
    pub fn examined(&self, counters: &Counters, bytes: u64) {
        let examined = self.examined.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let before = (counters.stored.load(Ordering::Relaxed), counters.examined.load(Ordering::Relaxed));
        let share = if before.1 == 0 { 1.0 } else { (before.0 as f64 / before.1 as f64).min(1.0) };
        self.count(counters, ((examined as f64 * share) as u64).min(self.bytes));
    }

    /// The unit is done.
    pub fn done(&self, counters: &Counters) {
        self.count(counters, self.bytes);
        counters.stored.fetch_add(self.bytes, Ordering::Relaxed);
        counters.examined.fetch_add(self.examined.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn count(&self, counters: &Counters, done: u64) {
        let before = self.counted.fetch_max(done, Ordering::Relaxed);
        counters.bytes_done.fetch_add(done.saturating_sub(before), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_are_counted_while_a_unit_is_read() {
        let counters = Counters::default();
        let done = || counters.progress(Duration::ZERO).bytes_done;
        let first = Stored::new(400);
        first.examined(&counters, 100);
        assert_eq!(done(), 100);
        first.examined(&counters, 1500);
        assert_eq!(done(), 400, "never more than there are");
        first.done(&counters);
        // 400 stored bytes held 1,600: the next 800 examined are 200 stored.
        let second = Stored::new(1000);
        second.examined(&counters, 800);
        assert_eq!(done(), 600);
        second.done(&counters);
        assert_eq!(done(), 1400, "a unit that held less counts whole in the end");
    }
}
