//! Why the reading of an object stopped before its end.
//!
//! Faults travel through [`std::io::Error`], so that a limit reached or a corrupt stream found deep in a
//! chain of decompressors arrives unchanged at the reader of the innermost member.

use std::io;

use residuum_source::{Coverage, Outcome};

/// A reason not to read on, with the coverage it leaves.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// [`Coverage::Unreadable`], [`Coverage::Limit`] or [`Coverage::Unsupported`].
    pub coverage: Coverage,
    /// What happened, where, and the cure if there is one. Never holds a value.
    pub reason: String,
}

impl Fault {
    /// A limit was reached.
    pub fn limit(reason: impl Into<String>) -> Self {
        Self { coverage: Coverage::Limit, reason: reason.into() }
    }

    /// The bytes cannot be had, or are not what they claim to be.
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self { coverage: Coverage::Unreadable, reason: reason.into() }
    }

    /// The format, or a variant of it, is one that we do not read.
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self { coverage: Coverage::Unsupported, reason: reason.into() }
    }

    /// The fault an I/O error carries, or an unreadable one that tells what the system said and where.
    pub fn from_io(error: &io::Error, position: u64) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(fault) => fault.clone(),
            None => Self::unreadable(format!("reading failed at byte {position}: {error}")),
        }
    }
}

impl From<Outcome> for Fault {
    fn from(outcome: Outcome) -> Self {
        Self { coverage: outcome.coverage, reason: outcome.reason.unwrap_or_default() }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}
