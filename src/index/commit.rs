//! What a scan tells the index: the scan itself, units done, and what became of each object.

use residuum_detect::Type;
use residuum_source::{Coverage, TableKey, Version};

use super::{PendingSegment, SourceState};

/// A scan that begins.
#[derive(Clone, Debug, Default)]
pub struct ScanInfo {
    /// Digest of everything besides the objects that decides what is found: rules, recognisers, limits.
    /// Units of an interrupted scan count as done only under the same digest.
    pub digest: [u8; 32],
    /// Everything is read again: nothing that an earlier, interrupted scan did is taken over.
    pub full: bool,
    /// The scan looks at so many records of each object only.
    pub sample: Option<u64>,
}

/// How a scan ended.
#[derive(Clone, Debug, Default)]
pub struct ScanEnd {
    /// Sources that were listed to their end: their objects that this scan did not see are marked as gone.
    pub complete: Vec<u32>,
    /// The scan was stopped before its end.
    pub interrupted: bool,
}

/// A scan as the index knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScanRecord {
    /// Its number; scans count from 1.
    pub id: u32,
    /// When it began, seconds since 1970.
    pub started: u64,
    /// When it ended; `None` while it runs, or if it was killed.
    pub ended: Option<u64>,
    /// As [`ScanInfo::digest`].
    pub digest: [u8; 32],
    /// As [`ScanInfo::full`].
    pub full: bool,
    /// As [`ScanInfo::sample`].
    pub sample: Option<u64>,
    /// As [`ScanEnd::interrupted`].
    pub interrupted: bool,
    /// Live findings at its end, by source and type.
    pub totals: Vec<ScanTotal>,
}

/// Live findings of one type in one source when a scan ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScanTotal {
    /// The source.
    pub source: String,
    /// The type.
    pub kind: Type,
    /// Findings.
    pub findings: u64,
}

/// What is live when a scan has ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LiveTotals {
    /// Objects by source and state.
    pub states: Vec<SourceState>,
    /// Findings by source and type.
    pub findings: Vec<ScanTotal>,
}

/// What one transaction makes part of the index.
#[derive(Debug, Default)]
pub struct Commit {
    /// The scan, as [`Writer::begin_scan`](super::Writer::begin_scan) numbered it.
    pub scan: u32,
    /// Units that are done.
    pub units: Vec<UnitRecord>,
}

/// A unit that was read to its end.
#[derive(Debug, Default)]
pub struct UnitRecord {
    /// Its identity.
    pub id: [u8; 32],
    /// The listed objects it covers, or the part of the one object.
    pub listed: Vec<ListedPart>,
    /// What became of each data object: the listed ones and the members of containers.
    pub objects: Vec<ObjectRecord>,
    /// The findings. A segment shared by several units of a commit stands with one of them, and these units
    /// have no object in common.
    pub segments: Vec<PendingSegment>,
    /// What was found in each field.
    pub field_stats: Vec<FieldStats>,
    /// What there was to look at in each field.
    pub field_totals: Vec<FieldTotals>,
}

/// Which part of a listed object a unit covers.
#[derive(Clone, Debug)]
pub struct ListedPart {
    /// The listed object.
    pub object: u32,
    /// Its version when it was listed.
    pub version: Version,
    /// Which part, counted from 0.
    pub part: u32,
    /// How many parts the object was split into. When the last of them is committed, the new version of the
    /// object takes the place of the old.
    pub parts: u32,
}

impl ListedPart {
    /// A listed object that one unit covers whole.
    pub fn whole(object: u32, version: Version) -> Self {
        Self { object, version, part: 0, parts: 1 }
    }
}

/// What became of a data object, or of the part of it that the unit covers.
#[derive(Clone, Debug)]
pub struct ObjectRecord {
    /// The object.
    pub object: u32,
    /// The listed object it is, or lies in.
    pub listed: u32,
    /// The state.
    pub coverage: Coverage,
    /// Why, unless it was simply read. Never holds a value.
    pub reason: Option<String>,
    /// The format recognised.
    pub format: Option<String>,
    /// How its text is encoded.
    pub encoding: Option<String>,
    /// Bytes read.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Members, for a container.
    pub members: u64,
    /// Columns of the primary key by which its records are identified.
    pub primary_key: Vec<String>,
    /// The field plans, as JSON.
    pub plan: Option<String>,
}

impl ObjectRecord {
    /// A listed object with this state and nothing else to say.
    pub fn new(object: u32, coverage: Coverage) -> Self {
        Self {
            object,
            listed: object,
            coverage,
            reason: None,
            format: None,
            encoding: None,
            bytes: 0,
            records: 0,
            members: 0,
            primary_key: Vec::new(),
            plan: None,
        }
    }
}

/// How often one rule found one type in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldStats {
    /// The object.
    pub object: u32,
    /// The field.
    pub field: u32,
    /// The type.
    pub kind: Type,
    /// The rule.
    pub rule: u16,
    /// Findings.
    pub values: u64,
    /// Records with at least one.
    pub records: u64,
}

/// How much there was to look at in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTotals {
    /// The object.
    pub object: u32,
    /// The field.
    pub field: u32,
    /// Values that are not null.
    pub values: u64,
    /// Records.
    pub records: u64,
}

/// What the index knows of a listed object, for the scan that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownObject {
    /// The object's number.
    pub object: u32,
    /// The version whose findings are live.
    pub live: Option<LiveVersion>,
    /// What an earlier scan left unfinished and this one may go on with: only under the same digest, of a version
    /// whose equality proves unchanged content, and not in a full scan.
    pub partial: Option<PartialVersion>,
}

/// The version of an object whose findings are live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVersion {
    /// The version.
    pub version: Version,
    /// Digest of the scan that read it.
    pub digest: [u8; 32],
    /// Whether that scan looked at a sample only.
    pub sampled: bool,
    /// The worst state of its parts and members.
    pub coverage: Coverage,
    /// Whether its fingerprints are under the current key.
    pub current_key: bool,
}

/// A version of an object of which some units are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialVersion {
    /// The version; a listing with another one starts anew.
    pub version: Version,
    /// How many parts it was split into; another number starts anew.
    pub parts: u32,
    /// Numbers and units of the parts done.
    pub done: Vec<(u32, [u8; 32])>,
}

/// A key declared in a schema or by the owner, with the object that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredKey {
    /// The source.
    pub source: String,
    /// The key.
    pub key: TableKey,
}
