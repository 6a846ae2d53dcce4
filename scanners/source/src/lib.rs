//! The contract between the places that hold data and everything that looks at it.
//!
//! A [`Source`] lists its [`Object`]s, splits them into [`Unit`]s of work and reads a unit by pushing
//! [`Batch`]es into a [`Sink`]. A batch is columns of bytes with offsets and, for every byte, the place
//! it came from; nothing here knows what personal information is, and nothing here does I/O.
//!
//! ```text
//! source ─list→ object ─split→ unit ─read→ batch
//! ```
//!
//! Rarer powers are traits of their own ([`Fetch`], [`Apply`]): a connector without them is read-only by type.
//! Every connector passes [`conformance`], the in-memory one first.

mod apply;
mod batch;
pub mod conformance;
mod error;
mod location;
mod memory;
mod name;
mod object;
mod offsets;
mod order;
mod pick;
mod sensitive;
mod source;

pub use apply::{
    Ability, Action, Apply, Change, Editor, History, NewValue, NotNull, Receipt, Refusal, RefusalKind, Target,
};
pub use batch::{Batch, Column, Logical, Records, Rows, Window};
pub use error::SourceError;
pub use location::{KeyValue, Record, RecordKind};
pub use memory::{Memory, Table};
pub use name::{InvalidName, ObjectPath, escape_component};
pub use object::{Coverage, KeyKind, Leftover, Object, Outcome, Part, Range, TableKey, Unit, Version};
pub use offsets::{Ascending, OffsetMap, Run};
pub use order::referring_first;
pub use pick::Pick;
pub use sensitive::Sensitive;
pub use source::{Check, Extent, Fetch, Flow, Limits, Sink, Source, SplitTarget, Stop};
