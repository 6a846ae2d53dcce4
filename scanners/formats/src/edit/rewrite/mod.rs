//! Formats that are written anew: every other record stays logically the same.

pub(super) mod avro;
pub(super) mod parquet;
pub(super) mod xlsx;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use residuum_source::{Limits, Record, Refusal};

use super::wish::Wishes;
use crate::{Fault, ReadAt};

/// What is written anew, once it is settled.
pub(super) enum Rewrite {
    Avro(avro::Edits),
    Parquet(parquet::Edits),
    Xlsx(xlsx::Edits),
}

/// A rewriting with the counts of what it does.
pub(super) struct Settled {
    pub rewrite: Rewrite,
    pub deleted: u64,
    pub changed: u64,
}

/// Settles what is written anew; nothing if nothing is left of it.
pub(super) fn settle(
    from: Arc<dyn ReadAt>,
    wishes: Wishes,
    limits: &Limits,
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> Result<Option<Settled>, Fault> {
    let (rewrite, deleted, changed) = match wishes.format {
        "avro" => {
            let (edits, deleted, changed) = avro::settle(from, wishes, limits, refuse)?;
            (Rewrite::Avro(edits), deleted, changed)
        }
        "xlsx" => {
            let (edits, deleted, changed) = xlsx::settle(from, wishes, limits, refuse)?;
            (Rewrite::Xlsx(edits), deleted, changed)
        }
        _ => {
            let (edits, deleted, changed) = caught(|| parquet::settle(from, wishes, limits, refuse))?;
            (Rewrite::Parquet(edits), deleted, changed)
        }
    };
    Ok((deleted + changed > 0).then_some(Settled { rewrite, deleted, changed }))
}

impl Rewrite {
    pub fn write(&self, from: Arc<dyn ReadAt>, limits: &Limits, out: &mut dyn Write) -> Result<(), Fault> {
        match self {
            Self::Avro(edits) => avro::write(edits, from, limits, out),
            Self::Parquet(edits) => caught(|| parquet::write(edits, from, limits, out)),
            Self::Xlsx(edits) => xlsx::write(edits, from, limits, out),
        }
    }
}

/// Runs what the library does; a panic on damaged bytes is an error like others.
fn caught<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let nonsense = |_| Err(Fault::unreadable("it cannot be written anew: its bytes make no sense"));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(nonsense)
}
