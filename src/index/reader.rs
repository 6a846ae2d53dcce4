//! The one who reads: a consistent view of the live findings and of the ledger.
#![expect(missing_docs, unused_variables, reason = "being filled in")]

use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_detect::{Fingerprint, Scheme, Type};
use residuum_source::{Coverage, Record};

use super::error::Result;
use super::{DeclaredKey, Index, Place, ScanRecord};

/// A consistent view of an index.
pub struct Reader {}

/// Which findings are asked for; empty means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Name of the source.
    pub source: Option<String>,
    /// Pattern over the object's name: `*` within a directory, `**` across.
    pub object: Option<String>,
    /// The type.
    pub kind: Option<Type>,
}

/// A finding with its names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Name of the source.
    pub source: Arc<str>,
    /// Number of the object.
    pub object_id: u32,
    /// Name of the object; personal parts are sealed.
    pub object: Arc<str>,
    /// Columns of the primary key by which the object's records are identified, for `Record::key_json`.
    pub primary_key: Arc<[String]>,
    /// The record; what is personal in it is sealed.
    pub record: Record,
    /// The field.
    pub field: Arc<str>,
    /// Where the value stands.
    pub place: Place,
    /// The type.
    pub kind: Type,
    /// The rule.
    pub rule: Arc<str>,
    /// How sure, in thousandths.
    pub confidence: u16,
    /// The canonical fingerprint.
    pub fp: Fingerprint,
}

/// A finding that a look-up met.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    /// Which of the given fingerprints, by its position.
    pub probe: usize,
    /// The scheme under which the two are equal.
    pub scheme: Scheme,
    /// The finding.
    pub finding: &'a Finding,
}

/// What became of one data object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    pub object: u32,
    pub source: Arc<str>,
    pub source_kind: Arc<str>,
    pub path: String,
    /// The listed object it is, or lies in.
    pub listed: u32,
    pub version: String,
    pub coverage: Coverage,
    pub reason: Option<String>,
    pub format: Option<String>,
    pub encoding: Option<String>,
    pub bytes: u64,
    pub records: u64,
    pub members: u64,
    pub primary_key: Vec<String>,
    /// The scan that read it.
    pub scan: u32,
    /// The scan that saw it first.
    pub first_scan: u32,
    /// Only a sample of it was looked at.
    pub sampled: bool,
}

/// Objects by state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CoverageTotals {
    pub read: u64,
    pub derived: u64,
    pub excluded: u64,
    pub unsupported: u64,
    pub unreadable: u64,
    pub limit: u64,
    pub bytes: u64,
    pub records: u64,
}

/// What stands in one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldInfo {
    pub source: Arc<str>,
    pub object_id: u32,
    pub object: Arc<str>,
    pub field: Arc<str>,
    pub n_values: u64,
    pub n_records: u64,
    pub types: Vec<FieldType>,
}

/// One type in one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldType {
    pub kind: Type,
    pub rule: Arc<str>,
    pub n_values: u64,
    pub n_records: u64,
}

/// How the fields of an object were treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectPlan {
    pub source: Arc<str>,
    pub object: String,
    /// As JSON, as the scan gave it.
    pub plan: String,
}

/// An object of which some parts are read and others not yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfinished {
    pub source: Arc<str>,
    pub object: String,
    pub done: u32,
    pub parts: u32,
}

impl Reader {
    pub(super) fn open(index: &Index) -> Result<Self> {
        todo!()
    }
    pub fn findings(&self, filter: &Filter, each: &mut dyn FnMut(&Finding) -> ControlFlow<()>) -> Result<()> {
        todo!()
    }
    pub fn lookup(&self, probes: &[Fingerprint], each: &mut dyn FnMut(Match<'_>) -> ControlFlow<()>) -> Result<()> {
        todo!()
    }
    pub fn record_findings(&self, object: u32, record: &Record, each: &mut dyn FnMut(&Finding) -> ControlFlow<()>) -> Result<()> {
        todo!()
    }
    pub fn coverage(&self) -> Result<CoverageTotals> {
        todo!()
    }
    pub fn objects(&self) -> Result<Vec<ObjectInfo>> {
        todo!()
    }
    pub fn fields(&self) -> Result<Vec<FieldInfo>> {
        todo!()
    }
    pub fn scans(&self) -> Result<Vec<ScanRecord>> {
        todo!()
    }
    pub fn plans(&self) -> Result<Vec<ObjectPlan>> {
        todo!()
    }
    pub fn declared_keys(&self) -> Result<Vec<DeclaredKey>> {
        todo!()
    }
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        todo!()
    }
    pub fn keys_in_use(&self) -> Result<Vec<(String, u64)>> {
        todo!()
    }
}
