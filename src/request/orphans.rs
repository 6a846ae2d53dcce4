//! Places that an erasure left and to which nothing leads once it is done.
//!
//! An order is found by the key of the customer who placed it. When the customer's row has gone, or has lost everything
//! but its key, the same person's e-mail finds the order no more, though it was left for somebody to look at, or is kept.
//! So such places are noted before anything is changed, under keyed fingerprints of the person's identifiers. What is
//! planned later for the same person and what is verified ask for them, and look in the index whether they still stand.
//!
//! Only places that a key led to are noted, and such in records in which the rest is replaced: an identifier leads to where
//! it stands as long as it stands there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use residuum_detect::{Fingerprint, IndexKey, Type};
use residuum_source::{Record, RecordKind};
use serde::{Deserialize, Serialize};

use super::plan::{Left, LeftState, Plan, fingerprint, record};
use super::policy::Policy;
use super::{RequestError, StoreError};
use crate::clock::utc;
use crate::identity::{Identifier, Location, Subject};
use crate::index::catalog::{Catalog, bulk};
use crate::index::{Finding, Keyring, Reader};
use crate::keyfile::hex;
use crate::scan::keys::Role;

/// The places, in the directory of an index.
pub struct Orphans {
    catalog: Catalog,
}

/// Of a place it is known where it is and why it was left, of a person no more than fingerprints.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS place (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    noted TEXT NOT NULL,
    told TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS of_record ON place (record);
CREATE TABLE IF NOT EXISTS of_person (
    identifier TEXT NOT NULL,
    place TEXT NOT NULL REFERENCES place (id),
    PRIMARY KEY (identifier, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS of_place ON of_person (place);
";

/// Rows that are written or asked for by one statement.
const ROWS: usize = 20_000;

/// A place, as it is noted. What is personal in names and keys is sealed, as in the index.
#[derive(Serialize, Deserialize)]
struct Told {
    source: String,
    object: String,
    #[serde(with = "record")]
    record: Record,
    field: String,
    rule: String,
    #[serde(with = "fingerprint")]
    fp: Fingerprint,
    state: LeftState,
}

impl Told {
    fn of(left: &Left) -> Self {
        let Finding { source, object, record, field, rule, fp, .. } = &left.location.finding;
        Self {
            source: source.to_string(),
            object: object.to_string(),
            record: record.whole(),
            field: field.to_string(),
            rule: rule.to_string(),
            fp: *fp,
            state: left.state.clone(),
        }
    }

    /// The same place has the same id, whatever was said of it.
    fn id(&self) -> String {
        let record = record_id(&self.source, &self.object, &self.record);
        digest(&[record.as_bytes(), self.field.as_bytes(), self.rule.as_bytes(), &self.fp.0])
    }

    /// Whether this is what was left. A line moves when one before it goes; a row with a key does not.
    fn is(&self, finding: &Finding) -> bool {
        let is_there = *finding.source == *self.source && *finding.object == *self.object;
        let is_same = *finding.rule == *self.rule && *finding.field == *self.field;
        is_there && is_same && (self.record.kind() != RecordKind::Pk || finding.record.whole() == self.record)
    }
}

impl Orphans {
    /// The file in the directory of an index.
    pub fn file(index: &Path) -> PathBuf {
        index.join("orphans.sqlite")
    }

    /// Opens the file of an index; makes it, for its owner's eyes only, if there is none.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn open(index: &Path) -> Result<Self, RequestError> {
        let file = Self::file(index);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Io { file, action: "made", cause }.into());
            }
            _ => {}
        }
        Ok(Self { catalog: Catalog::append_only(&Self::file(index), SCHEMA)? })
    }

    /// Notes what a plan leaves to which nothing may lead afterwards, before the plan is carried out. Of a record that it acts on
    /// nothing else holds any more than what it says now.
    ///
    /// By what is several people's nobody is known again; its digests are `shared`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(
        index: &Path,
        keys: &Keyring,
        subjects: &[Subject],
        shared: &HashSet<[u8; 32]>,
        plan: &Plan,
    ) -> Result<(), RequestError> {
        let mut acted_on: HashSet<(u32, &Record)> = HashSet::new();
        for object in &plan.objects {
            acted_on.extend(object.records.iter().map(|planned| (object.object, &planned.record)));
        }
        let is_noted = |left: &&Left| {
            let is_known_again = matches!(left.state, LeftState::Possible | LeftState::Orphaned { .. });
            let finding = &left.location.finding;
            let is_led_by_a_key = finding.kind == Type::Key;
            !is_known_again && (is_led_by_a_key || acted_on.contains(&(finding.object_id, &finding.record.whole())))
        };
        let mut left = plan.left.iter().filter(is_noted).peekable();
        if left.peek().is_none() && !Self::file(index).exists() {
            return Ok(());
        }
        let said_anew: Vec<String> = plan
            .objects
            .iter()
            .flat_map(|of| of.records.iter().map(move |planned| (of, &planned.record)))
            .filter(|(_, record)| record.kind() == RecordKind::Pk)
            .map(|(of, record)| record_id(&of.source, &of.part, record))
            .collect();
        let by_id: HashMap<&str, &Subject> = subjects.iter().map(|subject| (subject.id.as_str(), subject)).collect();
        let (mut places, mut of_person) = (BTreeMap::new(), Vec::new());
        let noted = utc(SystemTime::now());
        for left in left {
            let Some(subject) = by_id.get(left.location.subject.as_str()) else { continue };
            let told = Told::of(left);
            let id = told.id();
            for print in prints(keys.current(), subject, shared) {
                of_person.push((hex(&print.0), id.clone()));
            }
            let record = record_id(&told.source, &told.object, &told.record);
            places.insert(id, (record, &noted, serde_json::to_string(&told).expect("it is names and numbers")));
        }
        let places: Vec<_> = places.into_iter().map(|(id, (record, noted, told))| (id, record, noted, told)).collect();
        let catalog = &mut Self::open(index)?.catalog;
        catalog.begin()?;
        let written = (|| {
            for some in said_anew.chunks(ROWS) {
                catalog.run(
                    "DELETE FROM of_person WHERE place IN (SELECT id FROM place WHERE record IN (SELECT value FROM json_each(?1)))",
                    &[bulk(&some)],
                )?;
                catalog.run("DELETE FROM place WHERE record IN (SELECT value FROM json_each(?1))", &[bulk(&some)])?;
            }
            for some in places.chunks(ROWS) {
                catalog.run(
                    "INSERT OR REPLACE INTO place \
                     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
                    &[bulk(&some)],
                )?;
            }
            for some in of_person.chunks(ROWS) {
                catalog.run(
                    "INSERT OR IGNORE INTO of_person SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
                    &[bulk(&some)],
                )?;
            }
            Ok(())
        })();
        Ok(catalog.end(written)?)
    }

    /// The places that earlier erasures of these people left and that still stand, in the order of the index; none where
    /// nothing was noted.
    ///
    /// # Errors
    /// When the file or the index cannot be read.
    pub fn standing(
        index: &Path,
        reader: &Reader,
        keys: &Keyring,
        policy: &Policy,
        subjects: &[Subject],
        shared: &HashSet<[u8; 32]>,
    ) -> Result<Vec<Left>, RequestError> {
        if !Self::file(index).exists() {
            return Ok(Vec::new());
        }
        let catalog = &mut Self::open(index)?.catalog;
        let mut by_print: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for subject in subjects {
            for print in keys.all().flat_map(|key| prints(key, subject, shared)) {
                by_print.entry(hex(&print.0)).or_default().push(&subject.id);
            }
        }
        let asked: Vec<&String> = by_print.keys().collect();
        let mut noted: BTreeMap<Fingerprint, Vec<(&str, String, Told)>> = BTreeMap::new();
        let mut known: HashSet<(&str, String)> = HashSet::new();
        for some in asked.chunks(ROWS) {
            let rows: Vec<(String, String, String, String)> = catalog.rows(
                "SELECT json_group_array(json_array(o.identifier, p.id, p.noted, p.told) ORDER BY o.identifier, p.id) \
                 FROM of_person o JOIN place p ON p.id = o.place WHERE o.identifier IN (SELECT value FROM json_each(?1))",
                &[bulk(&some)],
            )?;
            for (identifier, id, day, told) in rows {
                for &subject in &by_print[&identifier] {
                    let Ok(told) = serde_json::from_str::<Told>(&told) else { continue };
                    if known.insert((subject, id.clone())) {
                        noted.entry(told.fp).or_default().push((subject, day[..10].to_owned(), told));
                    }
                }
            }
        }
        let probes: Vec<Fingerprint> = noted.keys().copied().collect();
        let mut standing = Vec::new();
        reader.lookup(&probes, &mut |found| {
            for (subject, day, told) in &noted[&probes[found.probe]] {
                if told.is(found.finding) {
                    let location = Location {
                        subject: (*subject).to_owned(),
                        finding: found.finding.clone(),
                        why: vec![format!("left by the erasure of {day}, and nothing else leads there any more")],
                        shared: false,
                        weak: false,
                        through: None,
                        refers: matches!(told.state, LeftState::Another(_)),
                    };
                    standing.push(Left { location, state: told.state.clone().orphaned(found.finding, policy) });
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(standing)
    }
}

impl LeftState {
    /// The same of a place that is found because it was noted.
    fn orphaned(self, finding: &Finding, policy: &Policy) -> Self {
        if let Some(retention) = policy.keeps(finding) {
            return Self::retained(retention);
        }
        let domain = Role::of_rule(&finding.rule).map_or("", |(_, domain)| domain).to_owned();
        match self {
            Self::Retained { exception, reason, approved_by } if policy.has_exception(&exception) => {
                Self::Retained { exception, reason, approved_by }
            }
            Self::Retained { exception, .. } => {
                let ended = format!("it was kept under {exception}, of which no `[[retain]]` says anything any more");
                Self::Orphaned { state: Box::new(Self::Manual(ended)), domain }
            }
            state => Self::Orphaned { state: Box::new(state), domain },
        }
    }
}

impl Plan {
    /// Adds what earlier erasures left, but for records of which this plan has something to say.
    pub fn add_orphans(&mut self, orphans: Vec<Left>) {
        if orphans.is_empty() {
            return;
        }
        let planned = self
            .objects
            .iter()
            .flat_map(|object| object.records.iter().map(|planned| (object.object, planned.record.clone())));
        let left = self.left.iter().filter(|left| left.state != LeftState::Possible);
        let left = left.map(|left| (left.location.finding.object_id, left.location.finding.record.whole()));
        let known: HashSet<(u32, Record)> = planned.chain(left).collect();
        let is_new = |left: &Left| {
            let finding = &left.location.finding;
            !known.contains(&(finding.object_id, finding.record.whole()))
        };
        self.left.extend(orphans.into_iter().filter(is_new));
    }
}

/// What a record is called among the places.
fn record_id(source: &str, object: &str, record: &Record) -> String {
    let (kind, number) = ([record.kind() as u8], record.number().to_le_bytes());
    let text = record.text().unwrap_or_default();
    digest(&[source.as_bytes(), object.as_bytes(), &kind, &number, text.as_bytes()])
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hex(&hasher.finalize().as_bytes()[..16])
}

/// Fingerprints of what is a person's alone, under a key.
fn prints<'s>(
    key: &'s IndexKey,
    subject: &'s Subject,
    shared: &'s HashSet<[u8; 32]>,
) -> impl Iterator<Item = Fingerprint> + 's {
    let is_own = |of: &&Identifier| of.is_strong() && of.digest().is_none_or(|digest| !shared.contains(&digest));
    subject.identifiers.iter().filter(is_own).map(|identifier| identifier.fingerprint(key))
}
