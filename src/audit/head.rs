//! Heads: how far the log went at some time, kept where whoever can change the log cannot.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Entry;
use crate::keyfile::{self, hex};

/// The last entry of a log at some time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Which log: a random name it was given when it was made.
    pub log: String,
    /// The entry's number.
    pub seq: u64,
    /// Its digest.
    pub digest: String,
    /// When it was written.
    pub time: String,
    /// Who signed it.
    pub public_key: String,
    /// The entry's signature.
    pub signature: String,
}

impl Head {
    pub(super) fn of(log: String, entry: &Entry) -> Self {
        Self {
            log,
            seq: entry.seq,
            digest: entry.digest.clone(),
            time: entry.time.clone(),
            public_key: entry.public_key.clone(),
            signature: entry.signature.clone(),
        }
    }

    /// The heads that this user's state directory keeps of logs in the place of this file, each with where it is kept: of
    /// the log that is there now, and of any that was there before, so that a log that was replaced shows.
    pub(super) fn kept(file: &Path, log: &str) -> Vec<(PathBuf, Self)> {
        let Some((heads, place)) = place(file) else { return Vec::new() };
        let is_of_place = |path: &PathBuf| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_head = path.extension().is_some_and(|extension| extension == "json");
            // Earlier programs named the place or the log alone.
            is_head && (stem.starts_with(&place) || stem == log)
        };
        let mut paths: Vec<PathBuf> = fs::read_dir(heads).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.retain(is_of_place);
        paths.sort();
        let head = |path: PathBuf| Some((serde_json::from_slice(&fs::read(&path).ok()?).ok()?, path));
        paths.into_iter().filter_map(head).map(|(head, path)| (path, head)).collect()
    }

    /// Keeps the head in the state directory. It is an additional safety: where it cannot be kept, a head has to be
    /// kept by hand.
    pub(super) fn keep(&self, file: &Path) {
        let Some((heads, place)) = place(file) else { return };
        // Of a log that was replaced the head of the old one stays beside it, so that `audit verify` tells.
        let path = heads.join(format!("{place}-{}.json", self.log));
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let text = serde_json::to_string(self).expect("a head is plain data");
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let kept = made.and_then(|()| fs::write(&draft, text)).and_then(|()| {
            // Another process may have gone on meanwhile: the later head counts.
            let known = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
            if known.is_some_and(|known| known.seq > self.seq) {
                return fs::remove_file(&draft);
            }
            fs::rename(&draft, &path)
        });
        if let Err(error) = kept {
            tracing::debug!("the head of the audit log is not kept: {error}");
        }
    }
}

/// Where heads are kept, and how the names of those begin that are of logs in the place of this file.
fn place(file: &Path) -> Option<(PathBuf, String)> {
    let place = fs::canonicalize(file).or_else(|_| std::path::absolute(file)).ok()?;
    let name = hex(&Sha256::digest(place.as_os_str().as_encoded_bytes())[..16]);
    Some((keyfile::state_directory()?.join("heads"), name))
}

/// Heads that the log has to pass.
pub(super) struct Anchors<'h> {
    log: &'h str,
    heads: Vec<(&'h Head, Option<bool>)>,
    last: u64,
}

impl<'h> Anchors<'h> {
    pub(super) fn new(log: &'h str, heads: &'h [Head]) -> Self {
        Self { log, heads: heads.iter().map(|head| (head, None)).collect(), last: 0 }
    }

    /// Takes the next entry.
    pub(super) fn pass(&mut self, entry: &Entry) {
        self.last = entry.seq;
        for (head, passed) in self.heads.iter_mut().filter(|(head, _)| head.seq == entry.seq) {
            *passed = Some(head.digest == entry.digest);
        }
    }

    /// What does not fit.
    pub(super) fn missed(self) -> Vec<String> {
        let mut missed = Vec::new();
        for (head, passed) in &self.heads {
            let seq = head.seq;
            if head.log != self.log {
                missed.push(format!("the head of entry {seq} is another log's: was this log put in its place?"));
            } else if *passed == Some(false) {
                missed.push(format!("entry {seq} is not the one that was anchored on {}", head.time));
            } else if passed.is_none() {
                let what =
                    format!("the log ends with entry {}, and entry {seq} was anchored on {}", self.last, head.time);
                missed.push(format!("{what}: what stood at the end was cut off"));
            }
        }
        missed
    }
}

/// The user by the system's account, else as the environment has it, else by number.
pub(super) fn actor() -> String {
    let uid = fs::metadata("/proc/self").map(|process| process.uid()).ok();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse().ok() == Some(uid?)).then(|| name.to_owned())
    });
    let environment =
        || ["USER", "LOGNAME"].iter().find_map(|name| env::var(name).ok().filter(|name| !name.is_empty()));
    account.or_else(environment).or_else(|| uid.map(|uid| uid.to_string())).unwrap_or_else(|| "unknown".to_owned())
}
