//! Writing: what a connector must do that can erase and correct, and who decides what is written.
//!
//! A connector reads the records again at the moment of writing, under whatever lock it has, and asks an [`Editor`]
//! what becomes of each. So nothing is written by a row number remembered from a scan: a record that has changed
//! meanwhile is seen as it is now, and the editor can leave it alone.
//!
//! ```text
//! target ─lock and read→ batch ─editor→ changes ─write→ receipt
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use crate::{Batch, Limits, ObjectPath, Part, Record, RecordKind, Sensitive, Source, SourceError, Version};

/// Records of one listed object that are to be shown to the editor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The object, as the source lists it.
    pub object: ObjectPath,
    /// What it was when the records were found. If this version is sound and no longer the object's, the target is
    /// refused as [`RefusalKind::Changed`].
    pub version: Option<Version>,
    /// The records by the part that holds them, the object itself or a member of it; ascending, none sealed.
    pub records: BTreeMap<ObjectPath, Vec<Record>>,
}

/// What is to be done with one record of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which record of the batch; for running text the number of line feeds before it.
    pub record: usize,
    /// What is done.
    pub action: Action,
}

/// What is done with a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// It goes, as a whole: a row, a line with its end, an element of an array, the document.
    Delete,
    /// Values in it are replaced; every other byte stays.
    Set(Vec<NewValue>),
}

/// A replacement of one value, or of a stretch of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewValue {
    /// Index into [`Batch::columns`].
    pub column: usize,
    /// The stretch of the column's bytes that is replaced, within one value.
    pub bytes: Range<u32>,
    /// What stands there afterwards, not yet escaped: the connector writes it as the format demands. `None`, only for a
    /// whole value, is null where the format has it, else an empty value.
    pub new: Option<Sensitive<Vec<u8>>>,
}

/// Why a change was not made, one kind for each thing a caller can do about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RefusalKind {
    /// The object or the record is no longer what it was: scan again, plan again.
    Changed,
    /// Somebody else holds a lock: try again.
    Locked,
    /// A constraint, a foreign key or a trigger forbids it: plan otherwise.
    Constraint,
    /// No right to write.
    ReadOnly,
    /// The format, or what owns the file, does not allow it: to be done by hand.
    Unsupported,
    /// It would cost more than a limit allows.
    Limit,
    /// Writing failed: the disk is full, the server answered with an error.
    Failed,
}

impl RefusalKind {
    /// The name used in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Locked => "locked",
            Self::Constraint => "constraint",
            Self::ReadOnly => "read-only",
            Self::Unsupported => "unsupported",
            Self::Limit => "limit",
            Self::Failed => "failed",
        }
    }

    /// Whether trying again later, without planning anew, may help.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Locked | Self::Failed)
    }
}

/// A change that was not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The kind.
    pub kind: RefusalKind,
    /// What exactly, with the cure if there is one. Never a value.
    pub reason: String,
}

impl Refusal {
    /// A refusal for this reason.
    pub fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// Decides what becomes of records, as they are at the moment of writing.
///
/// Only records of the [`Target`] are shown, but a batch may hold others beside them, which are left alone.
///
/// The same record may be shown in several batches of a part: in windows of a long value, or where a column is in two
/// forms. What is asked for adds up: an answer that asks for nothing takes none back, and a deletion goes before
/// replacements. A connector that has to begin again opens the part again; what was asked for and refused before then
/// does not count.
pub trait Editor {
    /// A part of the object begins.
    fn open(&mut self, part: &Part);

    /// What is to be done with the records of a batch of the part opened last; each record at most once.
    fn edit(&mut self, batch: &Batch) -> Vec<Change>;

    /// The part opened last ends.
    fn close(&mut self);

    /// Changes were not made: of one record, or, without one, of all records of a part or an object.
    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal);
}

/// What was written to one object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Receipt {
    /// The object.
    pub object: String,
    /// Records deleted.
    pub deleted: u64,
    /// Records in which something was replaced.
    pub changed: u64,
    /// SHA-256 of the object's bytes, or of the affected rows, before. A caller that keeps it keys it first.
    pub before: Option<[u8; 32]>,
    /// The same of what stands there afterwards.
    pub after: Option<[u8; 32]>,
    /// Things done beside that are worth knowing: older versions removed, rows that went with a foreign key.
    pub notes: Vec<String>,
}

/// How records of a format can be edited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ability {
    /// In place: every byte that is not replaced stays the same.
    Splice,
    /// By writing the object anew: every other record stays logically the same.
    Rewrite,
    /// Only by deleting the whole object.
    WholeObject,
    /// Not at all; what a person has to do.
    Manual(String),
}

impl Ability {
    /// The name used in outputs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Splice => "splice",
            Self::Rewrite => "rewrite",
            Self::WholeObject => "whole object only",
            Self::Manual(_) => "manual",
        }
    }
}

/// Rows of the past that a table keeps: they were changed or deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct History {
    /// Which value of a record's key says until when it was of the present.
    pub ends: usize,
    /// Of a row of the past that value comes before this text.
    pub before: String,
    /// How they are got rid of.
    pub cure: String,
}

impl History {
    /// Whether a record is of the past.
    pub fn holds(&self, record: &Record) -> bool {
        let Some(text) = record.text().filter(|_| record.kind() == RecordKind::Pk) else { return false };
        let values: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
        values.get(self.ends).and_then(serde_json::Value::as_str).is_some_and(|ended| ended < self.before.as_str())
    }
}

/// A column that takes no null.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotNull {
    /// Its name.
    pub column: String,
    /// Whether it takes any text.
    pub is_text: bool,
}

/// A source in which records can be deleted and values replaced.
pub trait Apply: Source {
    /// How records can be edited that stand in this chain of formats, outermost first: `["zip", "csv"]`.
    fn ability(&self, formats: &[&str]) -> Ability;

    /// The same of one object, as far as the source's catalog says beforehand what [`Apply::apply`] would refuse: a table
    /// without a key, a view that holds copies. An answer that cannot be had is that of the formats.
    fn ability_of(&self, _object: &ObjectPath, formats: &[&str]) -> Ability {
        self.ability(formats)
    }

    /// What a plan says of an object beside what becomes of its records: what stays behind when they go, and what to run.
    /// No answer that cannot be had is given.
    fn stays_behind(&self, _object: &ObjectPath) -> Vec<String> {
        Vec::new()
    }

    /// Which of an object's records are of the past, kept by the database and not to be written, if it keeps such.
    fn history_of(&self, _object: &ObjectPath) -> Option<History> {
        None
    }

    /// The columns of a table that take no null, computed ones left out. No answer that cannot be had is given.
    fn not_null(&self, _object: &ObjectPath) -> Vec<NotNull> {
        Vec::new()
    }

    /// About how many statements lock so many records of a table, delete some and change the others; `None` for what is
    /// no database.
    fn statements(&self, _deleted: u64, _changed: u64) -> Option<u64> {
        None
    }

    /// Shows the targets' records to the editor and makes the changes it asks for.
    ///
    /// A database does so in one transaction: all that is not refused, or nothing. Where each object is written by
    /// itself, as files are, each is changed at once or not at all, and an object that fails is refused while the
    /// others go on. A record that does not exist any more is not shown, and is no error; one of which that cannot be
    /// said, because nothing but its place is known or records are told apart otherwise by now, is refused as
    /// [`RefusalKind::Changed`]. Targets are taken in the order given, which the caller chooses so that records that
    /// refer to others go first.
    ///
    /// One receipt for each object in which something was written.
    ///
    /// # Errors
    /// When the source cannot be reached or the transaction did not go through: then nothing was written by it.
    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError>;
}
