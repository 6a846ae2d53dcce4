//! What planning and acting for a person have in common: the index, the sources, the rules, and looking again.

use std::cell::Cell;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use residuum_detect::{Detector, Literals};
use residuum_source::Source;

use super::common::Common;
use super::failure::Failure;
use super::progress::Watcher;
use super::scan::own_index;
use crate::config::{Config, SourceConfig};
use crate::index::{Index, Reader};
use crate::proof::Wanted;
use crate::report::human::counted;
use crate::request::{self, CarriedOut, CarryOut, Corrections, Planner, Policy};
use crate::scan::{Scan, ScanOptions, Summary};

/// Everything that planning and acting need.
pub(super) struct Desk<'a> {
    pub common: &'a Common,
    pub config: &'a Config,
    pub index: &'a Index,
    pub detector: &'a Detector,
    pub sources: &'a [Box<dyn Source>],
    pub policy: &'a Policy,
    pub corrections: &'a Corrections,
    pub wanted: Option<&'a Wanted>,
    pub stop: &'a AtomicBool,
}

impl Desk<'_> {
    /// Plans from one state of the index.
    pub(super) fn planner<'p>(&'p self, reader: &'p Reader) -> Planner<'p> {
        let Self { index, detector, sources, policy, .. } = *self;
        Planner { reader, keys: index.keys(), detector, sources, policy }
    }

    /// Acts, and says on the way how far it has come.
    pub(super) fn act<T>(
        &self,
        doing: impl FnOnce(&CarryOut<'_>) -> Result<T, request::RequestError>,
    ) -> Result<T, Failure> {
        let said = Cell::new(Instant::now());
        let progress = |done: u64, all: u64| {
            if said.get().elapsed() > Duration::from_secs(2) {
                said.set(Instant::now());
                self.common.say(format_args!("{done} of {} written", counted(all, "record")));
            }
        };
        let with = CarryOut {
            index: self.index,
            detector: self.detector,
            sources: self.sources,
            policy: self.policy,
            corrections: self.corrections,
            literals: self.wanted.map(|wanted| wanted as &dyn Literals),
            limits: &self.config.limits,
            stop: self.stop,
            progress: &progress,
        };
        Ok(doing(&with)?)
    }

    /// Scans again what was written to, so that the index says what stands there now.
    pub(super) fn look_again(&self, done: &CarriedOut) -> Result<Option<Summary>, Failure> {
        if done.touched.is_empty() {
            return Ok(None);
        }
        let mut include = Vec::new();
        for name in done.touched.values().flatten() {
            include.push(globset::escape(&self.index.keys().reveal(name)?));
        }
        let options = ScanOptions {
            // What stands beside an object of S3 is no part of what its version is told by, nor is what is written within
            // the second in which it was scanned.
            full: true,
            jobs: self.config.jobs,
            include,
            exclusions: self.config.exclusions.clone(),
            joins: self.config.joins.clone(),
            limits: self.config.limits.clone(),
            ..ScanOptions::default()
        };
        self.scan(options).map(Some)
    }

    /// Reads everything again, and looks for what is wanted as it is written, by digests under any name included.
    pub(super) fn look_everywhere(&self, configured: &[SourceConfig]) -> Result<Summary, Failure> {
        self.scan(ScanOptions {
            full: true,
            jobs: self.config.jobs,
            exclusions: [self.config.exclusions.clone(), own_index(&self.config.index, configured)].concat(),
            joins: self.config.joins.clone(),
            limits: self.config.limits.clone(),
            ..ScanOptions::default()
        })
    }

    /// In a correction the old values are looked for as they are written, or digests that no rule knows would be lost.
    fn scan(&self, options: ScanOptions) -> Result<Summary, Failure> {
        let watcher = Watcher::new(self.common.quiet);
        let scan = Scan::new(self.sources, self.detector, self.index, options).stop_when(self.stop);
        let wanted = self.wanted.filter(|_| !self.corrections.all().is_empty());
        let scan = match wanted {
            Some(wanted) => scan.looking_for(wanted),
            None => scan,
        };
        let summary = scan.run(&watcher);
        watcher.finish();
        Ok(summary?)
    }
}
