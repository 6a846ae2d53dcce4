//! What a source holds: objects with versions, units of work over them, and what became of each.

use crate::ObjectPath;

/// What identifies the content of an object: equal versions mean unchanged content only if `sound`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Version {
    /// Opaque text: size and modification time, ETag, snapshot.
    pub text: String,
    /// Whether an equal text proves that the content is the same.
    pub sound: bool,
}

impl Version {
    /// A version whose equality proves unchanged content.
    pub fn sound(text: impl Into<String>) -> Self {
        Self { text: text.into(), sound: true }
    }

    /// A version that names what was read but proves nothing about later content.
    pub fn snapshot(text: impl Into<String>) -> Self {
        Self { text: text.into(), sound: false }
    }
}

/// A key that the schema declares.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TableKey {
    /// The table that has the key.
    pub object: ObjectPath,
    /// Its columns, in key order.
    pub columns: Vec<String>,
    /// What the key says.
    pub kind: KeyKind,
}

/// Whether a key identifies this table's records or refers to another's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum KeyKind {
    /// Identifies the record.
    Primary,
    /// Identifies the record, too.
    Unique,
    /// Refers to a key of another table.
    Foreign {
        /// The table referred to.
        object: ObjectPath,
        /// Its columns, in the same order.
        columns: Vec<String>,
    },
}

/// One thing a source lists: a file, a table, a stored object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Its name inside the source.
    pub path: ObjectPath,
    /// What identifies its content.
    pub version: Version,
    /// Its size as stored, if the source knows; an estimate for tables.
    pub bytes: Option<u64>,
    /// Its number of records, if the source can estimate it.
    pub records: Option<u64>,
    /// Columns of the primary key, if records are identified by one.
    pub primary_key: Vec<String>,
    /// Set when the listing itself decides that the object is not read, with the reason:
    /// a view is [`Coverage::Derived`], a socket is [`Coverage::Unsupported`].
    pub not_read: Option<(Coverage, String)>,
    /// Set when the listing knows that some of the object will not be read, with the reason: columns that the role
    /// has no right to. What is read of it is told when it is read.
    pub read_in_part: Option<String>,
}

impl Object {
    /// An object that is to be read.
    pub fn new(path: ObjectPath, version: Version) -> Self {
        Self { path, version, bytes: None, records: None, primary_key: Vec::new(), not_read: None, read_in_part: None }
    }
}

/// The part of an object that a unit covers.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Range {
    /// All of it.
    Whole,
    /// Heap blocks `start..end` of a table; valid within one snapshot. `end` is `None` for the last range,
    /// which also covers blocks added since the table was split.
    Blocks {
        /// First block.
        start: u32,
        /// One past the last block.
        end: Option<u32>,
    },
    /// Rowids or integer keys `start..end`; open at either end with `None`.
    Keys {
        /// First key.
        start: Option<i64>,
        /// One past the last key.
        end: Option<i64>,
    },
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bound = |b: &Option<i64>| b.map_or_else(String::new, |b| b.to_string());
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Blocks { start, end: Some(end) } => write!(f, "blocks {start}..{end}"),
            Self::Blocks { start, end: None } => write!(f, "blocks {start}.."),
            Self::Keys { start, end } => write!(f, "keys {}..{}", bound(start), bound(end)),
        }
    }
}

/// A piece of work: one range of one object, or a pack of small objects read whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The objects, in the order they are read; more than one only with [`Range::Whole`].
    pub objects: Vec<Object>,
    /// Which part of the object.
    pub range: Range,
}

/// What became of an object. The last three block a certificate; the first three do not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Coverage {
    /// Read completely.
    Read,
    /// Holds nothing of its own: a view, an index.
    Derived,
    /// Left out by an approved policy.
    Excluded,
    /// Its kind or format cannot be read.
    Unsupported,
    /// It could not be read, or not to its end.
    Unreadable,
    /// A limit stopped the reading.
    Limit,
}

impl Coverage {
    /// All states, in the order outputs give them.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Derived, Self::Excluded, Self::Unsupported, Self::Unreadable, Self::Limit];

    /// The name used in outputs and in the index.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Derived => "derived",
            Self::Excluded => "excluded",
            Self::Unsupported => "unsupported",
            Self::Unreadable => "unreadable",
            Self::Limit => "limit",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether something was left unseen, so that nothing can be certified.
    pub const fn is_incomplete(self) -> bool {
        matches!(self, Self::Unsupported | Self::Unreadable | Self::Limit)
    }
}

/// A data object as it is opened while reading: the listed object itself or a member of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its full name.
    pub path: ObjectPath,
    /// The recognised format: `csv`, `jsonl`, `zip`, `table`, …
    pub format: &'static str,
    /// How its text is encoded, where that applies: `UTF-8`, `UTF-16LE`, `windows-1252`.
    pub encoding: Option<&'static str>,
    /// Columns of the primary key that [`Records::Keyed`](crate::Records::Keyed) uses.
    pub primary_key: Vec<String>,
}

/// What became of a part once it is closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The state.
    pub coverage: Coverage,
    /// Why, unless it was simply read. Never holds a value.
    pub reason: Option<String>,
    /// Bytes of its own read, after decompression by the containers around it.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Members, for a container.
    pub members: u64,
}

impl Outcome {
    /// Read to the end.
    pub const fn read(bytes: u64, records: u64) -> Self {
        Self { coverage: Coverage::Read, reason: None, bytes, records, members: 0 }
    }

    /// Not read, or not to the end.
    pub fn not_read(coverage: Coverage, reason: impl Into<String>) -> Self {
        Self { coverage, reason: Some(reason.into()), bytes: 0, records: 0, members: 0 }
    }
}

/// Bytes of a store in which no record stands.
#[derive(Clone, Copy)]
pub struct Leftover<'b> {
    /// The object that holds them: the database file, rather than one of its tables.
    pub object: &'b ObjectPath,
    /// What they are: `freed page`, `write-ahead log`.
    pub what: &'static str,
    /// The page, counted from 1; 0 where there are none.
    pub page: u64,
    /// Where the bytes begin in the page, or in the file that has none.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'b [u8],
}
