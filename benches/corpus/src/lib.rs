//! Invented data with its ground truth, made from a seed.
//!
//! [`Corpus::generate`] writes an estate of files into a directory: `data/` is what a scan is pointed at,
//! `truth/` has a JSON line for every personal item in it ([`Truth`]), and `corpus.json` says what was made.
//! The same seed, size and mix give the same bytes, on every machine and with any number of threads.
//! No value belongs to anyone; the README says which ranges they come from.
//!
//! Nothing here knows the scanner: the shapes were written from the descriptions of the data, not from the rules.

mod family;
mod make;
mod mix;
mod noise;
mod page;
mod person;
mod random;
mod truth;
mod values;
mod words;

pub use family::Family;
pub use mix::Mix;
pub use truth::{Form, Kind, Truth};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Counts up whenever the same seed starts to give other bytes.
const EDITION: u32 = 2;

/// A corpus on disk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Corpus {
    #[serde(skip)]
    dir: PathBuf,
    edition: u32,
    /// What it was made from.
    pub seed: u64,
    /// The size that was asked for, in bytes after decompression.
    pub size: u64,
    /// The shares of the families.
    pub mix: Mix,
    /// How many people there are; subjects are numbered from 1.
    pub people: u32,
    /// What was made, in the order of the names.
    pub files: Vec<FileMade>,
}

/// A file of a corpus.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FileMade {
    /// Its name, relative to the data directory.
    pub file: String,
    /// What it is.
    pub family: Family,
    /// Its bytes, after decompression.
    pub bytes: u64,
    /// Its records.
    pub records: u64,
    /// Its items by type.
    pub items: BTreeMap<Kind, Items>,
}

/// How many items of a type there are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Items {
    /// Those that are to be found.
    pub required: u64,
    /// Those that may be found or not.
    pub optional: u64,
}

/// Why a corpus could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The directory holds something else.
    #[error("`{}` is not empty and holds no corpus: name a directory that may be written over", .0.display())]
    Foreign(PathBuf),
    /// A file could not be read or written.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what was written there.
    #[error("`{}` line {line} is damaged: generate the corpus again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
}

impl Corpus {
    /// Makes about `size` bytes (after decompression) in `dir`, over what an earlier call left there.
    ///
    /// # Errors
    /// If `dir` holds anything else, or cannot be written.
    pub fn generate(dir: &Path, seed: u64, size: u64, mix: &Mix) -> Result<Self, CorpusError> {
        let manifest = dir.join("corpus.json");
        let foreign = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) && !manifest.exists();
        if foreign {
            return Err(CorpusError::Foreign(dir.to_owned()));
        }
        for name in ["data", "truth"] {
            let old = dir.join(name);
            if old.exists() {
                fs::remove_dir_all(&old).map_err(at(&old))?;
            }
        }
        let people = u32::try_from(size / 1400).unwrap_or(u32::MAX).max(100);
        fs::create_dir_all(dir).map_err(at(dir))?;
        // The mark that this directory is ours, until the real one takes its place.
        fs::write(&manifest, "{}\n").map_err(at(&manifest))?;
        let mut files = make::make(dir, seed, people, &make::plan(size, mix))?;
        files.sort_by(|a, b| a.file.cmp(&b.file));
        let corpus = Self { dir: dir.to_owned(), edition: EDITION, seed, size, mix: mix.clone(), people, files };
        let json = serde_json::to_vec_pretty(&corpus).expect("a map with string keys is JSON");
        fs::write(&manifest, json).map_err(at(&manifest))?;
        Ok(corpus)
    }

    /// The corpus in `dir` if it is the one asked for; otherwise makes it.
    ///
    /// # Errors
    /// As [`Corpus::generate`].
    pub fn reuse_or_generate(dir: &Path, seed: u64, size: u64, mix: &Mix) -> Result<Self, CorpusError> {
        match Self::open(dir) {
            Ok(had) if (had.edition, had.seed, had.size, &had.mix) == (EDITION, seed, size, mix) => Ok(had),
            _ => Self::generate(dir, seed, size, mix),
        }
    }

    /// The corpus that stands in `dir`.
    ///
    /// # Errors
    /// If there is none or its description is damaged.
    pub fn open(dir: &Path) -> Result<Self, CorpusError> {
        let path = dir.join("corpus.json");
        let json = fs::read(&path).map_err(at(&path))?;
        let corpus: Self = serde_json::from_slice(&json).map_err(|source| CorpusError::Damaged {
            path,
            line: source.line(),
            source,
        })?;
        Ok(Self { dir: dir.to_owned(), ..corpus })
    }

    /// The directory to scan.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The bytes of all files, after decompression.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// How many items of each type there are.
    pub fn items(&self) -> BTreeMap<Kind, Items> {
        let mut all = BTreeMap::<_, Items>::new();
        for (&kind, items) in self.files.iter().flat_map(|file| &file.items) {
            let sum = all.entry(kind).or_default();
            sum.required += items.required;
            sum.optional += items.optional;
        }
        all
    }

    /// Reads the ground truth, file by file in the order of the names, each in the order of its bytes.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn truth(&self, mut each: impl FnMut(Truth)) -> Result<(), CorpusError> {
        for file in &self.files {
            let path = make::truth_path(&self.dir, &file.file);
            let lines = BufReader::with_capacity(1 << 20, fs::File::open(&path).map_err(at(&path))?).lines();
            for (number, line) in lines.enumerate() {
                let truth = serde_json::from_str(&line.map_err(at(&path))?);
                each(truth.map_err(|source| CorpusError::Damaged { path: path.clone(), line: number + 1, source })?);
            }
        }
        Ok(())
    }
}

/// Says which file an error of the system is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> CorpusError + '_ {
    move |source| CorpusError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
