//! Commits finished units in groups: small units share a segment, a transaction covers many.

use std::time::{Duration, Instant};

use super::ScanError;
use super::run::Shared;
use super::unit::Finished;
use crate::index::{Commit, Findings, UnitRecord};

/// Findings that are gathered from small units before a segment is written for them.
const GATHERED: usize = 1 << 18;
/// Units and objects that a transaction covers; what became of each is held in memory until then, a few hundred bytes
/// an object.
const UNITS: usize = 4096;
const OBJECTS: usize = 1 << 15;
/// How long a finished unit waits for others at most.
const WAIT: Duration = Duration::from_secs(2);
/// Transactions after which segments are merged while the scan goes on, so that their number stays small.
const MERGED_AFTER: u32 = 64;

/// Gathers finished units and commits them.
pub(super) struct Committer<'s> {
    shared: &'s Shared<'s>,
    units: Vec<UnitRecord>,
    objects: usize,
    gathered: Findings,
    since: Instant,
    commits: u32,
}

impl<'s> Committer<'s> {
    pub fn new(shared: &'s Shared<'s>) -> Self {
        let (gathered, since) = (Findings::new(), Instant::now());
        Self { shared, units: Vec::new(), objects: 0, gathered, since, commits: 0 }
    }

    /// Takes a finished unit. One that was cut short by a stop is forgotten: it will be read again.
    pub fn add(&mut self, unit: Finished) -> Result<(), ScanError> {
        if let Some(error) = unit.results.error {
            return Err(error.into());
        }
        if self.shared.go_on().is_break() {
            return Ok(());
        }
        if self.units.is_empty() {
            self.since = Instant::now();
        }
        let (field_stats, field_totals) = unit.results.statistics.rows();
        for findings in &unit.results.buffers {
            self.gathered.append(findings);
        }
        self.objects += unit.objects.len();
        self.units.push(UnitRecord {
            id: unit.id,
            listed: unit.listed,
            objects: unit.objects,
            segments: unit.results.segments,
            field_stats,
            field_totals,
        });
        Ok(())
    }

    /// Commits if enough has been gathered or waited for.
    pub fn commit_if_due(&mut self) -> Result<(), ScanError> {
        let is_much = self.gathered.len() >= GATHERED || self.units.len() >= UNITS || self.objects >= OBJECTS;
        if is_much || self.since.elapsed() >= WAIT { self.finish() } else { Ok(()) }
    }

    /// Commits what has been gathered.
    pub fn finish(&mut self) -> Result<(), ScanError> {
        let Some(last) = self.units.last_mut() else { return Ok(()) };
        if !self.gathered.is_empty() {
            last.segments.push(self.shared.writer.write_segment(&mut self.gathered)?);
            self.gathered.clear();
        }
        let units = std::mem::take(&mut self.units);
        self.objects = 0;
        self.shared.writer.commit(Commit { scan: self.shared.scan, units })?;
        self.commits += 1;
        if self.commits.is_multiple_of(MERGED_AFTER) {
            self.shared.writer.compact()?;
        }
        Ok(())
    }
}
