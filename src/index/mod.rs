//! Where findings live: what was found where, and where a fingerprint stands.
//!
//! An index is a directory: `format.json` (format version and key names), `catalog.sqlite` (which objects, versions
//! and segments there are, what became of each object) and `segments/`. A segment is a batch of findings that
//! never changes, as two Parquet files: `records` in canonical order (what is in this record?) and `prints` in
//! order of fingerprints (where is this person?). Every file is checked as it is read: see `segment/sum.rs` and `rest.rs`.
//! A finding is live while the catalog says that the version of its
//! object is.
//!
//! One [`Writer`] at a time; any number of [`Reader`]s, each with the state it began with. The index knows nothing
//! of sources, rules or detection: names come sealed where they are personal, values come as fingerprints.

mod apply;
mod beside;
pub(crate) mod catalog;
mod check;
mod commit;
mod compact;
mod error;
mod findings;
mod inventory;
mod keys;
mod live;
mod lookup;
mod merge;
mod names;
mod ranges;
mod reader;
mod rest;
mod retract;
mod scans;
mod seal;
mod segment;
mod single;
mod sums;
mod writer;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use catalog::Catalog;
pub use check::Checked;
pub use commit::{
    Commit, DeclaredKey, FieldStats, FieldTotals, KnownObject, ListedPart, LiveTotals, LiveVersion, ObjectRecord,
    PartialVersion, ScanEnd, ScanInfo, ScanRecord, ScanTotal, UnitRecord,
};
pub use compact::Compacted;
pub use error::IndexError;
use error::Result;
pub use findings::{FindingRow, Findings, Place};
pub use inventory::{CoverageTotals, FieldInfo, FieldType, ObjectInfo, ObjectPlan, SourceState, Unfinished};
pub use keys::{KEY_FILE_VARIABLE, KEY_VARIABLE, KeyOrigin, Keyring, id_text};
pub use reader::{Filter, Finding, Match, Reader};
pub use retract::{Retract, Retracted};
pub use seal::{display, is_sealed};
pub use writer::{PendingSegment, Writer};

/// How the ledger begins to name the fields of an object that a scan left out.
pub(crate) const FIELDS_LEFT_OUT: &str = "left out by --exclude: ";

/// The newest format this program reads and the one it writes.
const FORMAT: u32 = 2;

/// An index: a directory and the keys to it.
#[derive(Clone, Debug)]
pub struct Index {
    dir: PathBuf,
    keys: Keyring,
}

impl Index {
    /// Opens the index in this directory, or makes an empty one.
    ///
    /// # Errors
    /// As for [`Index::open`], or when the directory cannot be made.
    pub fn create_or_open(dir: &Path, keys: Keyring) -> Result<Self> {
        if Format::read(dir)?.is_none() {
            let segments = dir.join("segments");
            fs::create_dir_all(&segments).map_err(IndexError::io(&segments, "made"))?;
            let _alone = writer::lock(dir)?;
            if Format::read(dir)?.is_none() {
                Self::create(dir, &keys)?;
                return Self::open(dir, keys);
            }
        }
        // Another process may have been quicker.
        Self::open(dir, keys.instead_of_made(dir)?)
    }

    fn create(dir: &Path, keys: &Keyring) -> Result<()> {
        let catalog = dir.join("catalog.sqlite");
        // One that cannot be read is what an attempt left whose disk was full.
        if !catalog.exists() || Catalog::snapshot(&catalog).is_err() {
            let draft = dir.join("catalog.sqlite.new");
            let _ = fs::remove_file(&draft);
            Catalog::create(&draft)?;
            fs::rename(&draft, &catalog).map_err(IndexError::io(&catalog, "made"))?;
        }
        Format::new(keys.all().map(id_text).collect()).write(dir)
    }

    /// Opens the index in this directory. Nothing is written.
    ///
    /// # Errors
    /// [`IndexError::Missing`] without one, [`IndexError::Key`] if the keys are not the index's,
    /// [`IndexError::Newer`] and [`IndexError::Damaged`] as they say.
    pub fn open(dir: &Path, keys: Keyring) -> Result<Self> {
        let format = Format::read(dir)?.ok_or_else(|| IndexError::Missing(dir.to_owned()))?;
        for file in ["catalog.sqlite", "segments"].map(|name| dir.join(name)) {
            if !file.exists() {
                return Err(IndexError::damaged(&file, "is missing"));
            }
        }
        let held: Vec<_> = keys.all().map(id_text).collect();
        let current = format.keys.first();
        if current.is_some_and(|id| !held.contains(id)) {
            return Err(IndexError::Key {
                id: current.cloned().unwrap_or_default(),
                reason: format!(
                    "is the key of `{}`, but key {} was given: give the right one in `{KEY_VARIABLE}` or \
                     `{KEY_FILE_VARIABLE}`, or use another directory",
                    dir.display(),
                    held[0]
                ),
            });
        }
        Ok(Self { dir: dir.to_owned(), keys })
    }

    /// Whether there is an index in this directory.
    ///
    /// # Errors
    /// When its `format.json` cannot be read.
    pub fn exists(dir: &Path) -> Result<bool> {
        Ok(Format::read(dir)?.is_some())
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The keys.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// Takes the index for writing, until the writer is dropped or the process ends.
    ///
    /// # Errors
    /// [`IndexError::Locked`] while another process has it.
    pub fn writer(&self) -> Result<Writer> {
        let writer = Writer::open(self)?;
        // What is written from here on has digests, which earlier programs would not keep. A key that came first in the environment is a rotation that the index learns of here.
        let ids: Vec<_> = self.keys.all().map(id_text).collect();
        let format = Format::read(&self.dir)?.ok_or_else(|| IndexError::Missing(self.dir.clone()))?;
        let missing: Vec<_> = format.keys.iter().filter(|id| !ids.contains(id)).cloned().collect();
        let keys = [ids, missing].concat();
        if (format.format, &format.keys) != (FORMAT, &keys) {
            Format::new(keys).write(&self.dir)?;
        }
        Ok(writer)
    }

    /// A view of the index as it is now, whatever a writer does meanwhile.
    ///
    /// # Errors
    /// [`IndexError::Damaged`] if a file is missing or not as it was written.
    pub fn reader(&self) -> Result<Reader> {
        Reader::open(self)
    }

    /// Makes a new current key. What is in the index stays under the old one, readable, until it is scanned again.
    ///
    /// # Errors
    /// [`IndexError::Locked`] while the index is written; [`IndexError::Key`] if the keys come from the environment.
    pub fn rotate(&self) -> Result<Self> {
        let _alone = self.writer()?;
        let index = Self { dir: self.dir.clone(), keys: self.keys.rotated()? };
        let keys = index.keys.all().map(id_text).collect();
        Format::new(keys).write(&self.dir)?;
        Ok(index)
    }

    fn catalog_file(&self) -> PathBuf {
        self.dir.join("catalog.sqlite")
    }

    fn segments(&self) -> PathBuf {
        self.dir.join("segments")
    }
}

/// What `format.json` holds.
#[derive(Serialize, Deserialize, Debug)]
struct Format {
    format: u32,
    /// Public names of the keys, the current one first.
    keys: Vec<String>,
    /// Of what stands above; empty in format 1.
    #[serde(default)]
    sum: String,
}

impl Format {
    fn new(keys: Vec<String>) -> Self {
        let sum = Self::sum(FORMAT, &keys);
        Self { format: FORMAT, keys, sum }
    }

    fn sum(format: u32, keys: &[String]) -> String {
        crate::keyfile::hex(&blake3::hash(format!("{format} {}", keys.join(" ")).as_bytes()).as_bytes()[..8])
    }

    fn read(dir: &Path) -> Result<Option<Self>> {
        let file = dir.join("format.json");
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && dir.join("catalog.sqlite").exists() => {
                // Made by a process that was killed between the two, or deleted since: only the latter has content.
                let empty = fs::read_dir(dir.join("segments")).is_ok_and(|mut entries| entries.next().is_none());
                return if empty { Ok(None) } else { Err(IndexError::damaged(&file, "is missing")) };
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(IndexError::io(&file, "read")(error)),
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let damaged = |_| IndexError::damaged(&file, "is not what was written");
        let Version { format: found } = serde_json::from_slice(&text).map_err(damaged)?;
        if found == 0 {
            return Err(IndexError::damaged(&file, "is not what was written"));
        }
        if found > FORMAT {
            return Err(IndexError::Newer { dir: dir.to_owned(), found, known: FORMAT });
        }
        let format: Self = serde_json::from_slice(&text).map_err(damaged)?;
        let sum = Self::sum(format.format, &format.keys);
        if format.sum != sum && (found > 1 || !format.sum.is_empty()) {
            return Err(IndexError::damaged(&file, "is not what was written"));
        }
        Ok(Some(format))
    }

    fn write(&self, dir: &Path) -> Result<()> {
        let file = dir.join("format.json");
        let draft = dir.join("format.json.new");
        let text = serde_json::to_string(self).expect("numbers and texts");
        let written = fs::File::create(&draft).and_then(|mut out| {
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            fs::rename(&draft, &file)?;
            fs::File::open(dir)?.sync_all()
        });
        written.map_err(IndexError::io(&file, "written"))
    }
}

#[cfg(test)]
mod tests;
