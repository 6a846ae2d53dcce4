//! Detection: rules compiled into one detector; text and fields to hits.
//!
//! No I/O, no locks, no keys, and nothing compiled or allocated per value in the hot loop. What comes in is
//! bytes (running text, or the values of a field); what goes out is [`Hit`]s with the value's standard form,
//! which the caller turns into a [`Fingerprint`] and forgets.

pub mod fingerprint;
mod hit;
mod types;

pub use fingerprint::{Fingerprint, IndexKey, Scheme};
pub use hit::{Hit, RuleId};
pub use types::{Category, Type};
