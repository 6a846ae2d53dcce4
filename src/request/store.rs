//! Plans on disk, with what was done of them: an erasure that was interrupted goes on where it stopped.
//!
//! A plan is a file of JSON Lines beside the index, mode `0600`: a head, a line for each object with its records, then a
//! line for each batch that was carried out. It holds no value, but says where people are, and needs the index's key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use residuum_detect::IndexKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CarriedOut, PlannedObject};
use crate::identity::Subject;
use crate::index::Keyring;
use crate::keyfile::hex;

/// Why a plan cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("`{}` could not be {action}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// It is not what was written.
    #[error("`{}` is not a plan of this program: remove it, and plan again", .0.display())]
    Damaged(PathBuf),
}

/// What a plan is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Of the file's form.
    pub format: u32,
    /// When it was made, UTC.
    pub created: String,
    /// The request it is for.
    pub request: Option<String>,
    /// Whom it is about, as a keyed digest of their identifiers.
    pub subjects: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Plan(Head),
    Object(Box<PlannedObject>),
    Done(Done),
    /// What was done until here stands in the audit log.
    Noted,
}

/// What was done of a plan, and of those that were carried out before it for the same request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    /// Batches up to this number are done.
    pub batches: u64,
    pub deleted: u64,
    pub edited: u64,
    pub gone: u64,
    pub found_only: u64,
    /// Keyed digests of what stood there before and after.
    pub proofs: Vec<Value>,
}

impl Done {
    /// Of a batch, with which this many are done.
    pub fn new(batches: u64, done: &CarriedOut, keys: &Keyring) -> Self {
        let CarriedOut { deleted, edited, gone, found_only, .. } = *done;
        Self { batches, deleted, edited, gone, found_only, proofs: done.proofs(keys) }
    }

    fn add(&mut self, later: Self) {
        self.batches = self.batches.max(later.batches);
        self.deleted += later.deleted;
        self.edited += later.edited;
        self.gone += later.gone;
        self.found_only += later.found_only;
        self.proofs.extend(later.proofs);
    }
}

/// The same to be written: an object with a hundred thousand records is not copied for it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Written<'p> {
    Plan(Head),
    Object(&'p PlannedObject),
    Done(&'p Done),
    Noted,
}

const FORMAT: u32 = 1;

/// The file of the plan for certain people.
pub struct Store {
    path: PathBuf,
}

/// A plan that was begun.
pub(super) struct Begun {
    pub objects: Vec<PlannedObject>,
    pub done: Done,
}

impl Store {
    /// The place of the plan for these people in the directory of an index.
    pub fn new(index: &Path, keys: &Keyring, subjects: &[Subject]) -> Self {
        let name = format!("{}.plan", &whom(keys.current(), subjects)[..32]);
        Self { path: index.join("erasures").join(name) }
    }

    /// The place of a plan that is about nobody in particular.
    pub fn named(index: &Path, name: &str) -> Self {
        Self { path: index.join("erasures").join(format!("{name}.plan")) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an erasure of these people was begun and not ended.
    pub fn is_begun(&self) -> bool {
        self.path.exists()
    }

    /// Keeps a plan before anything is done of it. What was done of the one that stands there stays known.
    pub(super) fn begin(&self, request: Option<&str>, objects: &[PlannedObject]) -> Result<(), StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir).map_err(self.io("made"))?;
        let earlier = self.resume()?.map(|begun| Done { batches: 0, ..begun.done }).unwrap_or_default();
        let draft = self.path.with_extension("new");
        let written = (|| {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            let mut out = BufWriter::new(file);
            let head = Head {
                format: FORMAT,
                created: crate::clock::utc(std::time::SystemTime::now()),
                request: request.map(str::to_owned),
                subjects: self.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            };
            write_line(&mut out, &Written::Plan(head))?;
            for object in objects {
                write_line(&mut out, &Written::Object(object))?;
            }
            write_line(&mut out, &Written::Done(&earlier))?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&draft, &self.path)?;
            File::open(dir)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.map_err(self.io("written"))
    }

    /// The plan that was begun, if there is one.
    pub(super) fn resume(&self) -> Result<Option<Begun>, StoreError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(self.io("read")(cause)),
        };
        let mut begun = Begun { objects: Vec::new(), done: Done::default() };
        for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
            let line = line.map_err(self.io("read"))?;
            if line.is_empty() {
                continue; // before what was written after a torn line
            }
            match serde_json::from_slice(&line) {
                Ok(Line::Plan(head)) if number == 0 && head.format == FORMAT => {}
                Ok(Line::Object(object)) if number > 0 => begun.objects.push(*object),
                Ok(Line::Done(done)) if number > 0 => begun.done.add(done),
                Ok(Line::Noted) if number > 0 => {
                    begun.done = Done { batches: begun.done.batches, ..Done::default() };
                }
                // What was being written when the power went.
                Err(_) if number > begun.objects.len() => {}
                _ => return Err(StoreError::Damaged(self.path.clone())),
            }
        }
        Ok(Some(begun))
    }

    /// Notes what was done.
    pub(super) fn done(&self, done: &Done) -> Result<(), StoreError> {
        self.append(&Written::Done(done))
    }

    /// The erasure was broken off; what was done of it is noted where it has to be, and not told again by who goes on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn noted(&self) -> Result<(), StoreError> {
        if self.is_begun() { self.append(&Written::Noted) } else { Ok(()) }
    }

    fn append(&self, line: &Written<'_>) -> Result<(), StoreError> {
        let noted = (|| {
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            // A line that was torn when the power went ends here.
            let mut text = b"\n".to_vec();
            write_line(&mut text, line)?;
            file.write_all(&text)?;
            file.sync_data()
        })();
        noted.map_err(self.io("written"))
    }

    /// The erasure has come to its end, and what was done is noted where it has to be.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn end(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io("removed")(error)),
            _ => Ok(()),
        }
    }

    fn io(&self, action: &'static str) -> impl Fn(io::Error) -> StoreError {
        let file = self.path.clone();
        move |cause| StoreError::Io { file: file.clone(), action, cause }
    }
}

fn write_line(mut out: impl io::Write, line: &Written<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")
}

/// Whom something is about: the same people under the same key, in whatever order.
pub(super) fn whom(key: &IndexKey, subjects: &[Subject]) -> String {
    let mut all: Vec<[u8; 16]> = Vec::new();
    for identifier in subjects.iter().flat_map(|subject| &subject.identifiers) {
        all.push(identifier.fingerprint(key).0);
    }
    all.sort_unstable();
    let mut hasher = blake3::Hasher::new_keyed(&key.derive("residuum 2026 plan"));
    for fp in &all {
        hasher.update(fp);
    }
    hex(hasher.finalize().as_bytes())
}
