//! The one who writes: numbers names, writes segments from any thread, commits, compacts, forgets.
#![expect(missing_docs, unused_variables, reason = "being filled in")]

use residuum_detect::Fingerprint;
use residuum_source::{Record, TableKey};

use super::error::Result;
use super::{Commit, Findings, Index, KnownObject, ScanEnd, ScanInfo};

/// The writer of an index; shared by reference among worker threads.
pub struct Writer {}

/// A segment that is written but not yet part of the index; dropped without a commit it is removed.
#[derive(Debug)]
pub struct PendingSegment {}

/// What a compaction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compacted {
    /// Segments merged or dropped.
    pub before: u64,
    /// Segments written instead.
    pub after: u64,
    /// Findings dropped because they were not live.
    pub dropped: u64,
}

/// What is to be forgotten.
#[derive(Clone, Debug)]
pub enum Retract {
    /// Every finding with one of these fingerprints, under any scheme.
    Fingerprints(Vec<Fingerprint>),
    /// Every finding of these objects.
    Objects(Vec<u32>),
    /// Every finding in these records.
    Records(Vec<(u32, Record)>),
}

/// What a retraction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retracted {
    /// Findings removed.
    pub findings: u64,
    /// Segments rewritten.
    pub segments: u64,
}

impl Writer {
    pub(super) fn open(index: &Index) -> Result<Self> {
        todo!()
    }
    pub fn source(&self, name: &str, kind: &str) -> u32 {
        todo!()
    }
    pub fn object(&self, source: u32, path: &str) -> u32 {
        todo!()
    }
    pub fn field(&self, path: &str) -> u32 {
        todo!()
    }
    pub fn rule(&self, id: &str) -> u16 {
        todo!()
    }
    pub fn listed(&self, object: u32) {
        todo!()
    }
    pub fn set_keys(&self, source: u32, keys: &[TableKey]) -> Result<()> {
        todo!()
    }
    pub fn known(&self, source: u32, path: &str) -> Result<Option<KnownObject>> {
        todo!()
    }
    pub fn known_many(&self, source: u32, paths: &[&str]) -> Result<Vec<Option<KnownObject>>> {
        todo!()
    }
    pub fn begin_scan(&self, info: &ScanInfo) -> Result<u32> {
        todo!()
    }
    pub fn end_scan(&self, scan: u32, end: &ScanEnd) -> Result<()> {
        todo!()
    }
    pub fn write_segment(&self, findings: &mut Findings) -> Result<PendingSegment> {
        todo!()
    }
    pub fn commit(&self, commit: Commit) -> Result<()> {
        todo!()
    }
    pub fn compact(&self) -> Result<Compacted> {
        todo!()
    }
    pub fn retract(&self, what: &Retract) -> Result<Retracted> {
        todo!()
    }
}
