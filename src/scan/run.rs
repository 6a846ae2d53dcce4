//! The threads of a scan: one lists, several read and detect, one commits.
//!
//! ```text
//! lister ─units→ workers ─finished units→ committer (the calling thread)
//!                  └─batches of a large unit→ idle workers
//! ```
//!
//! All channels are bounded, so memory is (workers + queue) × batch size plus the findings of units in progress.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use residuum_detect::{Detector, Literals};
use residuum_source::{Coverage, Flow, Outcome, Stop};

use super::commit::Committer;
use super::examine::{Examiner, Job, Rules};
use super::keys::KeyDomains;
use super::list::{Listed, SourceState};
use super::options::{ScanOptions, Scope};
use super::progress::{Counters, NotRead, Observer};
use super::unit::{self, Finished, InProgress, ToRead};
use super::{ScanError, list};
use crate::index::{Keyring, Writer};

/// What all threads of a scan share.
pub(super) struct Shared<'s> {
    pub sources: Vec<SourceState<'s>>,
    pub detector: &'s Detector,
    pub keys: &'s Keyring,
    pub writer: &'s Writer,
    pub domains: &'s KeyDomains,
    pub options: &'s ScanOptions,
    pub scope: &'s Scope,
    pub observer: &'s dyn Observer,
    pub counters: Counters,
    pub rules: Rules,
    /// Values that are looked for beside what rules find.
    pub literals: Option<&'s dyn Literals>,
    /// The index's number of this scan.
    pub scan: u32,
    /// Of all that decides what is found, besides the objects.
    pub digest: [u8; 32],
    /// Set from outside, such as by Ctrl-C.
    pub asked_to_stop: &'s AtomicBool,
    /// Set by an error that ends the scan.
    pub cancelled: &'s AtomicBool,
    pub queue: Queue,
}

/// Batches that idle workers may take over.
pub(super) struct Queue {
    send: Sender<(Arc<InProgress>, Job)>,
    receive: Receiver<(Arc<InProgress>, Job)>,
    idle: AtomicUsize,
    reading: AtomicUsize,
}

impl Queue {
    pub fn new(jobs: usize) -> Self {
        let (send, receive) = bounded(jobs.max(1));
        Self { send, receive, idle: AtomicUsize::new(0), reading: AtomicUsize::new(0) }
    }
}

/// A unit for a worker, or objects that are only to be accounted for.
pub(super) enum Work {
    Read(ToRead),
    Account(Box<Finished>),
}

impl<'s> Shared<'s> {
    /// Stops every thread at the next batch.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    pub fn go_on(&self) -> Flow {
        let stop = self.asked_to_stop.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed);
        if stop { ControlFlow::Break(Stop) } else { ControlFlow::Continue(()) }
    }

    pub fn count(&self, bytes: u64, findings: u64) {
        self.counters.bytes_examined.fetch_add(bytes, Ordering::Relaxed);
        self.counters.findings.fetch_add(findings, Ordering::Relaxed);
    }

    /// Tells the observer what was not read.
    pub fn note_outcome(&self, source: usize, object: &str, outcome: &Outcome) {
        if outcome.coverage.is_incomplete() && self.go_on().is_continue() {
            self.note(source, object, outcome.coverage, outcome.reason.as_deref().unwrap_or_default());
        }
    }

    pub fn note(&self, source: usize, object: &str, state: Coverage, reason: &str) {
        self.observer.not_read(&NotRead {
            source: self.sources[source].shown.clone(),
            object: object.to_owned(),
            state,
            reason: reason.to_owned(),
        });
    }

    /// Gives a job to an idle worker; gives it back if there is none.
    pub fn offload(&self, progress: &Arc<InProgress>, job: Job) -> Option<Job> {
        if self.queue.idle.load(Ordering::Relaxed) == 0 {
            return Some(job);
        }
        progress.expect_one();
        match self.queue.send.try_send((progress.clone(), job)) {
            Ok(()) => None,
            Err(TrySendError::Full((_, job)) | TrySendError::Disconnected((_, job))) => {
                progress.expect_one_less();
                Some(job)
            }
        }
    }

    /// Takes over a batch of another unit, if one waits.
    pub fn help(&self, examiner: &mut Examiner<'_>) -> bool {
        match self.queue.receive.try_recv() {
            Ok((progress, job)) => {
                progress.work_for_reader(self, examiner, &job);
                true
            }
            Err(_) => false,
        }
    }

    /// Runs all threads to the end.
    pub fn run(&self) -> Result<Listed, ScanError> {
        let jobs = self.options.jobs.max(1);
        let (units, todo) = bounded::<Work>(jobs * 4);
        let (done, finished) = bounded::<Finished>(jobs * 4);
        std::thread::scope(|scope| {
            let lister = scope.spawn(|| list::list(self, units));
            for _ in 0..jobs {
                let (todo, done) = (todo.clone(), done.clone());
                scope.spawn(move || self.work(&todo, &done));
            }
            drop((todo, done));
            let committed = self.commit_all(&finished);
            if committed.is_err() {
                self.cancel();
                finished.iter().for_each(drop); // lets the workers finish
            }
            let listed = lister.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            committed?;
            match listed.error {
                Some(error) => Err(error.into()),
                None => Ok(listed),
            }
        })
    }

    fn work(&self, todo: &Receiver<Work>, done: &Sender<Finished>) {
        let mut examiner = Examiner::new(self.detector, self.keys, &self.rules, self.literals);
        loop {
            while self.help(&mut examiner) {}
            self.queue.idle.fetch_add(1, Ordering::Relaxed);
            let next = crossbeam_channel::select! {
                recv(self.queue.receive) -> job => job.map(Next::Help).unwrap_or(Next::Wait),
                recv(todo) -> work => work.map(|w| Next::Read(Box::new(w))).unwrap_or(Next::NoMoreUnits),
                default(Duration::from_millis(50)) => Next::Wait,
            };
            if let Next::Read(_) = next {
                self.queue.reading.fetch_add(1, Ordering::SeqCst);
            }
            self.queue.idle.fetch_sub(1, Ordering::Relaxed);
            match next {
                Next::Wait => {}
                Next::Help((progress, job)) => progress.work_for_reader(self, &mut examiner, &job),
                Next::Read(work) => {
                    let finished = match *work {
                        Work::Account(finished) => *finished,
                        Work::Read(work) => {
                            let objects = work.listed.iter().filter(|part| part.part == 0).count();
                            let finished = unit::read(self, &mut examiner, work);
                            self.counters.objects_done.fetch_add(objects as u64, Ordering::Relaxed);
                            finished
                        }
                    };
                    let sent = done.send(finished);
                    self.queue.reading.fetch_sub(1, Ordering::SeqCst);
                    if sent.is_err() {
                        return;
                    }
                }
                Next::NoMoreUnits => return self.help_until_done(&mut examiner),
            }
        }
    }

    /// No unit is left: the other workers' batches are.
    fn help_until_done(&self, examiner: &mut Examiner<'_>) {
        self.queue.idle.fetch_add(1, Ordering::Relaxed);
        while self.queue.reading.load(Ordering::SeqCst) > 0 {
            if let Ok((progress, job)) = self.queue.receive.recv_timeout(Duration::from_millis(2)) {
                progress.work_for_reader(self, examiner, &job);
            }
        }
        while self.help(examiner) {}
    }

    fn commit_all(&self, finished: &Receiver<Finished>) -> Result<(), ScanError> {
        let started = Instant::now();
        let mut committer = Committer::new(self);
        let mut told = started;
        loop {
            match finished.recv_timeout(Duration::from_millis(100)) {
                Ok(unit) => committer.add(unit)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            committer.commit_if_due()?;
            if told.elapsed() >= Duration::from_millis(100) {
                told = Instant::now();
                self.observer.progress(&self.counters.progress(started.elapsed()));
            }
        }
        committer.finish()?;
        self.observer.progress(&self.counters.progress(started.elapsed()));
        Ok(())
    }
}

enum Next {
    Wait,
    NoMoreUnits,
    Help((Arc<InProgress>, Job)),
    Read(Box<Work>),
}
