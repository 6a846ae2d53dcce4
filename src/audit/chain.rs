//! Entries, and what links them.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Act, Head, Verdict};
use crate::keyfile::hex;
use crate::signature::{Signer, is_signed_by};

/// What stands before the digest that is signed, so that no signature of ours is one of something else.
const SIGNED: &str = "residuum audit entry 1\n";

/// Problems that are named one by one; after a removal every later entry would be another.
const NAMED: usize = 20;

/// One entry. All of it but the signature is in the digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Entry {
    /// Its number; entries count from 1 without a gap.
    pub seq: u64,
    /// When, in UTC.
    pub time: String,
    /// The system's user.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// Why.
    pub purpose: Option<String>,
    /// For which request.
    pub request: Option<String>,
    /// Counts and names, as JSON.
    pub details: String,
    /// The digest of the entry before, or nothing for the first.
    pub previous: String,
    /// SHA-256 of all the above, as 64 hexadecimal digits.
    pub digest: String,
    /// Who signed, as 64 hexadecimal digits.
    pub public_key: String,
    /// Ed25519 over the digest, as 128 hexadecimal digits.
    pub signature: String,
}

/// An entry as the file has it.
pub(super) type Row =
    (u64, String, String, String, Option<String>, Option<String>, String, String, String, String, String);

impl Entry {
    /// The entry that follows another.
    pub(super) fn after(last: Option<&Self>, time: String, actor: String, act: &Act, signer: &Signer) -> Self {
        let mut entry = Self {
            seq: last.map_or(1, |last| last.seq + 1),
            time,
            actor,
            action: act.action.clone(),
            purpose: act.purpose.clone(),
            request: act.request.clone(),
            details: if act.details.is_null() { "{}".to_owned() } else { act.details.to_string() },
            previous: last.map(|last| last.digest.clone()).unwrap_or_default(),
            digest: String::new(),
            public_key: signer.public_key(),
            signature: String::new(),
        };
        entry.digest = entry.computed();
        entry.signature = signer.sign(signed(&entry.digest).as_bytes());
        entry
    }

    pub(super) fn from_row(row: Row) -> Self {
        let (seq, time, actor, action, purpose, request, details, previous, digest, public_key, signature) = row;
        Self { seq, time, actor, action, purpose, request, details, previous, digest, public_key, signature }
    }

    pub(super) fn row(&self) -> Value {
        json!([
            self.seq,
            self.time,
            self.actor,
            self.action,
            self.purpose,
            self.request,
            self.details,
            self.previous,
            self.digest,
            self.public_key,
            self.signature
        ])
    }

    /// The digest that the entry's content gives: SHA-256 of a JSON array without spaces.
    fn computed(&self) -> String {
        let content = json!([
            self.seq,
            self.time,
            self.actor,
            self.action,
            self.purpose,
            self.request,
            self.details,
            self.previous
        ]);
        hex(&Sha256::digest(content.to_string()))
    }
}

fn signed(digest: &str) -> String {
    format!("{SIGNED}{digest}")
}

/// Follows the entries and gathers what does not hold.
pub(super) struct Chain<'t> {
    trusted: &'t [String],
    last: Option<Entry>,
    verdict: Verdict,
    more: u64,
}

impl<'t> Chain<'t> {
    pub(super) fn new(trusted: &'t [String]) -> Self {
        Self { trusted, last: None, verdict: Verdict::default(), more: 0 }
    }

    /// Takes the next entry.
    pub(super) fn link(&mut self, entry: &Entry) {
        let expected = self.last.as_ref().map_or(1, |last| last.seq + 1);
        let seq = entry.seq;
        if seq != expected {
            let missing = if seq == expected + 1 {
                format!("entry {expected} is")
            } else {
                format!("entries {expected} to {} are", seq - 1)
            };
            self.problem(format!("{missing} missing"));
        } else if entry.previous != self.last.as_ref().map_or("", |last| &last.digest) {
            self.problem(format!("entry {seq} does not follow the one before it: one of them was replaced or moved"));
        }
        if entry.computed() != entry.digest {
            self.problem(format!("entry {seq} was edited: it is not what its digest says"));
        }
        if !is_signed_by(&entry.public_key, signed(&entry.digest).as_bytes(), &entry.signature) {
            self.problem(format!("entry {seq} is not signed by the key it names"));
        }
        if !self.verdict.keys.iter().any(|(key, _)| *key == entry.public_key) {
            self.verdict.keys.push((entry.public_key.clone(), seq));
            if !self.trusted.is_empty() && !self.trusted.contains(&entry.public_key) {
                self.problem(format!(
                    "entry {seq} is signed by the key {}, which is not one to be trusted",
                    entry.public_key
                ));
            }
        }
        self.verdict.entries += 1;
        self.last = Some(entry.clone());
    }

    pub(super) fn end(mut self, log: &str) -> Verdict {
        if self.more > 0 {
            self.verdict.problems.push(format!("and {} more", self.more));
        }
        self.verdict.head = self.last.map(|last| Head::of(log.to_owned(), &last));
        self.verdict
    }

    fn problem(&mut self, problem: String) {
        if self.verdict.problems.len() < NAMED {
            self.verdict.problems.push(problem);
        } else {
            self.more += 1;
        }
    }
}
