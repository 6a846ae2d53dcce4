//! What a scan tells while it runs, and what it says at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use residuum_detect::Type;
use residuum_source::Coverage;

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
    /// What blocks a certificate, in order.
    pub incomplete: Vec<NotRead>,
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
