//! Acting on what was found of people: plans of erasure and correction, carried out where the data are.
//!
//! ```text
//! planner.rs   locations → plan.rs: what is to be done with each record, and what is left with the reason
//! correction.rs old values → new ones, planned the same way
//! minimise.rs  records past their time, or for nothing, planned the same way; age.rs: when they were collected
//! owners.rs    keys that say whose a record is
//! led.rs       what led to a record over keys, and whether it still does
//! policy.rs    which strategy a record or a value gets, what is retained
//! referred.rs  rows that stay because what stays refers to them
//! not_null.rs  columns in which a null would be refused, and those that stay in rows that do
//! undecided.rs records that stay with one of which it is not known whose it is
//! orphans.rs   what is left and nothing leads to afterwards, noted so that later plans and verifications know it
//! cost.rs      what has to be read, written and locked
//! editor.rs    what becomes of a record as it is at the moment of writing
//! change.rs    a strategy → the bytes that stand there afterwards
//! carry_out.rs plan → batches (batches.rs), each noted when it is done; write.rs: a batch → targets → receipts
//! witness.rs   records that led to others, looked at under the lock under which those are written
//! disclosure/  what is held of a person, fetched as it is now and shown to them
//! store.rs     plans and what was done of them, on disk
//! register.rs  what is kept of requests; notice.rs: who has to be told, letter.rs: what they are told;
//!              log.rs: the six things kept of every request; reply.rs: what the person is told;
//!              contest.rs: what a person says is wrong
//! lock.rs      what is kept → SQL that keeps it for its purpose
//! unique.rs    new values that the schema allows once, and that somebody has already
//! theirs.rs    whose the id of a request is, so that it is not given to another person
//! suppression.rs who was erased, to be recognised when they come back; backups that hold them
//! ```
//!
//! opened.rs has what the index keeps sealed, as sources know it.
//!
//! A plan holds no value: records are sealed where they are personal, and what has to stand in them is a keyed
//! fingerprint. It is carried out by looking again: a record in which nothing of the person stands any more is left
//! alone, so that doing it twice is harmless.

mod age;
mod batches;
mod carry_out;
mod change;
mod contest;
mod correction;
mod cost;
pub mod disclosure;
mod editor;
mod led;
mod letter;
mod lock;
mod log;
mod minimise;
mod not_null;
mod notice;
mod opened;
mod orphans;
mod owners;
mod plan;
mod planner;
mod policy;
mod redigest;
mod referred;
mod register;
mod reply;
mod store;
mod suppression;
#[cfg(test)]
mod tests;
mod theirs;
mod undecided;
mod unique;
mod witness;
mod write;

pub use carry_out::{CarriedOut, CarryOut, Refused, Written, carry_out, resume};
pub use contest::{Contest, Contested, Decision, Marks, marks};
pub use correction::{Correction, Corrections};
pub use cost::{Cost, Size};
pub use letter::letter;
pub use lock::{Dialect, Lock};
pub use log::{LoggedRequest, Outcome, Response};
pub use minimise::{Kept, KeptBecause, Minimisation};
pub use notice::{About, Draft, Nature, Notice, NoticeField, Occasion, drafts, fields};
pub use orphans::Orphans;
pub use plan::{Evidence, Left, LeftState, Plan, PlannedAction, PlannedObject, PlannedRecord};
pub use planner::Planner;
pub use policy::Policy;
pub use register::Register;
pub use reply::{Answered, Denied, Reply};
pub use store::{Store, StoreError};
pub use suppression::{Backup, Reason, Since, Suppressed, Suppression};
pub use theirs::{Holder, holder};
pub use unique::Taken;

use residuum_source::SourceError;

use crate::index::IndexError;
use crate::scan::ScanError;

/// Why nothing could be planned or done.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The plan cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source cannot be used at all.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// There is no temporary directory.
    #[error("a temporary directory cannot be made")]
    Directory(#[source] std::io::Error),
    /// A package cannot be checked.
    #[error("the package cannot be checked")]
    Scan(#[source] ScanError),
    /// What is withheld in one place cannot be looked for in others.
    #[error("what is withheld is too much to be looked for everywhere: disclose by fewer sources at a time")]
    Literals(#[source] aho_corasick::BuildError),
    /// A file of a package was not read to its end when it was checked.
    #[error("`{file}` of the package could not be checked to its end: {reason}")]
    Unchecked {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// It was asked to stop.
    #[error("interrupted")]
    Stopped,
}
