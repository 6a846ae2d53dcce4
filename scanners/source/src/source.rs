//! The traits a connector implements, and the sink it writes to.

use std::ops::ControlFlow;

use crate::{Apply, Batch, Leftover, Object, ObjectPath, Outcome, Part, Range, Record, SourceError, TableKey, Unit};

/// Asks a reader to stop. Why is known to the sink that asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop;

/// Go on, or stop.
pub type Flow = ControlFlow<Stop>;

/// Receives what a reader finds, in the order it stands.
///
/// Parts nest: a container is opened, then each of its members is opened and closed, then the container is
/// closed. A batch belongs to the part opened last. Every part opened is closed, unless the sink stopped the
/// reader or the reader returned an error.
pub trait Sink {
    /// A data object begins.
    fn open(&mut self, part: Part) -> Flow;
    /// Some of its records.
    fn batch(&mut self, batch: Batch) -> Flow;
    /// It ends, so.
    fn close(&mut self, outcome: Outcome) -> Flow;
    /// Whether to go on, asked by a reader that waits: for a server, or because it is too fast.
    fn go_on(&mut self) -> Flow {
        Flow::Continue(())
    }
    /// Whether readers of text-like formats shall tell with [`Sink::extent`] where records begin and end: only who
    /// edits needs it, and who scans pays nothing for it.
    fn wants_extents(&self) -> bool {
        false
    }
    /// A record of the part opened last stands there. Records of one list come in the order they stand.
    fn extent(&mut self, extent: Extent) {
        let _ = extent;
    }
}

/// Where a whole record stands in its part's own bytes, with what belongs to it alone: the end of its line, its tags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The record. One that stands in several pieces, as two values on one line, has several extents.
    pub record: Record,
    /// What it is an element of: an array, a statement. Elements of one list may be separated by something.
    pub list: u64,
    /// Its bytes.
    pub bytes: std::ops::Range<u64>,
}

/// Bounds on what one object may cost. A limit that bites is reported as [`Coverage::Limit`](crate::Coverage::Limit).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Containers within containers.
    pub depth: u32,
    /// Bytes that all members of one listed object may expand to.
    pub expanded_bytes: u64,
    /// Expanded bytes for each stored byte, once more than 64 MiB have been expanded.
    pub ratio: u64,
    /// Levels of JSON and of other nested values.
    pub nesting: u32,
    /// Target size of a batch in bytes; memory is bounded by a small multiple of it for each thread.
    pub batch_bytes: usize,
    /// Bytes of a format that must be held in memory whole, such as the footer of a Parquet file.
    pub whole_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 8,
            expanded_bytes: 1 << 40,
            ratio: 2_000,
            nesting: 512,
            batch_bytes: 1 << 20,
            whole_bytes: 256 << 20,
        }
    }
}

/// How finely a source should split an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SplitTarget {
    /// About how many bytes of the object a unit should cover.
    pub bytes: u64,
}

impl Default for SplitTarget {
    fn default() -> Self {
        Self { bytes: 64 << 20 }
    }
}

/// What a source says when asked whether it can be scanned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Check {
    /// What it is, with its version: `PostgreSQL 15.18`, `directory`.
    pub what: String,
    /// Things that work but deserve attention: rights wider than needed, no TLS.
    pub notes: Vec<String>,
    /// Things that would leave something unread, each with its cure.
    pub problems: Vec<String>,
}

/// A place that holds data: lists its objects, splits them and reads them. Writing takes [`Apply`].
///
/// All methods block and may be called from several threads at once.
pub trait Source: Send + Sync {
    /// The name the owner gave it, or the location without credentials.
    fn name(&self) -> &str;

    /// The kind: `files`, `sqlite`, `postgres`, …
    fn kind(&self) -> &'static str;

    /// Lists every object, those that cannot be read included.
    ///
    /// # Errors
    /// When nothing can be listed. A part that cannot be listed, such as a directory without
    /// permission, is an object whose [`Object::not_read`] says so.
    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError>;

    /// The keys that the schema declares.
    ///
    /// # Errors
    /// When the schema cannot be read.
    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        Ok(Vec::new())
    }

    /// Splits an object into ranges that can be read independently and cover it.
    ///
    /// # Errors
    /// When the object is gone or the source cannot be reached.
    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        let _ = (object, target);
        Ok(vec![Range::Whole])
    }

    /// Pushes a bounded sample of an object's records, from which fields are planned before a split object is read.
    /// A source whose objects are never split needs none: fields are then planned on the first batch.
    ///
    /// # Errors
    /// As for [`Source::read`].
    fn sample(&self, object: &Object, records: u64, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let _ = (object, records, sink);
        Ok(())
    }

    /// Reads a unit into the sink.
    ///
    /// An object that turns out to be unreadable is closed with an [`Outcome`] that says so, and the next
    /// object of the unit is read.
    ///
    /// # Errors
    /// When the rest of the unit cannot be read, or [`SourceError::Stopped`] when the sink asked to stop.
    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError>;

    /// Hands out the bytes of the store in which no record stands, such as pages that were freed, as far as the
    /// connector can read them; no scan looks at them, and what was erased may still stand there.
    ///
    /// # Errors
    /// When they cannot be read, or [`SourceError::Stopped`] when the callback asked to stop.
    fn leftovers(&self, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
        let _ = look;
        Ok(())
    }

    /// The power to read the current values of single records, if the source has it.
    fn as_fetch(&self) -> Option<&dyn Fetch> {
        None
    }

    /// The power to delete records and to replace values, if the source has it: without it, it is read-only.
    fn as_apply(&self) -> Option<&dyn Apply> {
        None
    }

    /// Whether the source can be reached and all of it read, for `sources check`.
    ///
    /// # Errors
    /// When it cannot be reached at all.
    fn check(&self) -> Result<Check, SourceError>;
}

/// Reads the current values of records found earlier, as a disclosure needs them.
pub trait Fetch: Source {
    /// Pushes the given records of one part, the listed object or a member of it; none of them is sealed, and of a cell
    /// the whole row is meant. A record that no longer exists is left out; one of running text comes as a value of its
    /// own, and what is too long for one batch in pieces that follow each other.
    ///
    /// # Errors
    /// When the object cannot be read.
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError>;
}
