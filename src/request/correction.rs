//! Correction: what stood there, and what is to stand there instead (11 CCR § 7023).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use residuum_detect::{Fingerprint, Type, standard_form};
use residuum_source::{Record, Sensitive};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::plan::{Evidence, LeftState, Plan, PlannedAction, PlannedRecord};
use super::{Planner, RequestError};
use crate::identity::{self, FindOptions, Identifier, InvalidIdentifier, Location, Subject};
use crate::index::Keyring;
use crate::keyfile::hex;

/// A value that is wrong, and the right one.
#[derive(Clone, Debug)]
pub struct Correction {
    kind: Type,
    old: Sensitive<String>,
    new: Sensitive<String>,
}

/// All corrections of a request, ready to be looked up by what stands in the data.
#[derive(Clone, Debug, Default)]
pub struct Corrections {
    all: Vec<Correction>,
    by_fp: HashMap<Fingerprint, Becomes>,
}

/// What a value becomes.
#[derive(Clone, Debug)]
enum Becomes {
    /// This text, as it was given.
    Text(Sensitive<String>),
    /// The digest of a standard form, in the notation of what stands there.
    Digest(Vec<u8>),
}

/// Old values in one record.
#[derive(Default)]
struct Wrong {
    subjects: BTreeSet<String>,
    evidence: BTreeSet<Evidence>,
    locations: Vec<Location>,
}

impl Correction {
    /// Of this type, from and to values as people write them.
    ///
    /// # Errors
    /// When one does not parse as its type, or they are the same.
    pub fn new(kind: Type, old: &str, new: &str) -> Result<Self, InvalidIdentifier> {
        Identifier::value(kind, "the old value", old)?;
        Identifier::value(kind, "the new value", new)?;
        Ok(Self { kind, old: Sensitive::new(old.trim().to_owned()), new: Sensitive::new(new.trim().to_owned()) })
    }

    /// The type.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// What was wrong, to be recognised if it comes back.
    pub fn old(&self) -> Option<Identifier> {
        Identifier::value(self.kind, "", self.old.expose()).ok()
    }

    fn new_value(&self) -> Option<Identifier> {
        Identifier::value(self.kind, "", self.new.expose()).ok()
    }
}

impl Corrections {
    /// Ready for values fingerprinted under these keys.
    pub fn new(all: Vec<Correction>, keys: &Keyring) -> Self {
        let mut corrections = Self { all, by_fp: HashMap::new() };
        for Correction { kind, old, new } in corrections.all.clone() {
            corrections.add(kind, old.expose(), new.expose(), keys);
            if kind == Type::PersonName {
                // Its parts stand in fields of their own; where their number differs nobody can say which is which.
                let parts = |name: &str| name.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                let (old, new) = (parts(old.expose()), parts(new.expose()));
                if old.len() == new.len() {
                    old.iter().zip(&new).filter(|(old, new)| old != new).for_each(|(old, new)| {
                        corrections.add(kind, old, new, keys);
                    });
                }
            }
        }
        corrections
    }

    fn add(&mut self, kind: Type, old: &str, new: &str, keys: &Keyring) {
        let (Some(old_form), Some(new_form)) = (standard_form(kind, old), standard_form(kind, new)) else { return };
        for key in keys.all() {
            self.by_fp.insert(key.fingerprint(&old_form), Becomes::Text(Sensitive::new(new.to_owned())));
            let digests: [(&str, Vec<u8>, Vec<u8>); 2] = [
                ("md5", Md5::digest(&old_form).to_vec(), Md5::digest(&new_form).to_vec()),
                ("sha1", Sha1::digest(&old_form).to_vec(), Sha1::digest(&new_form).to_vec()),
            ];
            for (algorithm, old, new) in digests {
                self.by_fp.insert(key.fingerprint_of_other_digest(algorithm, &old), Becomes::Digest(new));
            }
        }
    }

    /// The corrections, one by one.
    pub fn all(&self) -> &[Correction] {
        &self.all
    }

    /// What stands in place of a value afterwards, if it is one of those.
    pub(super) fn of(&self, fp: Fingerprint, kind: Type, value: &[u8]) -> Option<Vec<u8>> {
        match (self.by_fp.get(&fp)?, kind) {
            (Becomes::Text(new), Type::Digest) => {
                let form =
                    self.all.iter().find(|of| of.new == *new).and_then(|of| standard_form(of.kind, new.expose()))?;
                Some(written_like(value, &Sha256::digest(&form)))
            }
            (Becomes::Text(new), _) => Some(new.expose().clone().into_bytes()),
            (Becomes::Digest(digest), _) => Some(written_like(value, digest)),
        }
    }
}

/// A digest in the notation in which another one stands.
fn written_like(value: &[u8], digest: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    match value.len() == 2 * digest.len() {
        true if value.iter().any(u8::is_ascii_uppercase) => hex(digest).to_uppercase().into_bytes(),
        true => hex(digest).into_bytes(),
        false if value.len() == digest.len() => digest.to_vec(),
        false => STANDARD.encode(digest).into_bytes(),
    }
}

impl Planner<'_> {
    /// Plans the correction of values wherever they stand in records about people.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn correction(&self, subjects: &[Subject], corrections: &Corrections) -> Result<Plan, RequestError> {
        let (subjects, options) = looked_for(subjects, corrections);
        let mut plan = Plan::default();
        let mut found: HashMap<u32, HashMap<Record, Wrong>> = HashMap::new();
        identity::find(self.reader, self.keys, &subjects, &options, &mut |location| {
            let finding = &location.finding;
            match location {
                _ if !corrections.by_fp.contains_key(&finding.fp) => {}
                Location { weak: true, .. } => plan.leave(location, LeftState::Possible),
                Location { shared: true, .. } => plan.leave(location, LeftState::Joint),
                _ => {
                    let of_object = found.entry(finding.object_id).or_default();
                    let here = of_object.entry(finding.record.whole()).or_default();
                    here.subjects.insert(location.subject.clone());
                    here.evidence.insert(Evidence::of(finding));
                    here.locations.push(location.clone());
                }
            }
            ControlFlow::Continue(())
        })?;
        let sources = self.named_sources();
        let numbers: Vec<u32> = found.keys().copied().collect();
        for info in self.reader.objects_numbered(&numbers)? {
            let records = found.remove(&info.object).unwrap_or_default();
            let leave_all = |plan: &mut Plan, reason: &str| {
                for location in records.values().flat_map(|wrong| &wrong.locations) {
                    plan.leave(location, LeftState::Manual(reason.to_owned()));
                }
            };
            let formats = self.reader.formats_of(&info.source, &info.path)?;
            let ability = match sources.ability(&info.source, &info.path, &formats) {
                Ok(residuum_source::Ability::WholeObject) => {
                    leave_all(&mut plan, "values in files of this format cannot be replaced: correct it by hand");
                    continue;
                }
                Ok(ability) => ability,
                Err(reason) => {
                    leave_all(&mut plan, &reason);
                    continue;
                }
            };
            let mut planned: Vec<PlannedRecord> = Vec::new();
            for (record, wrong) in records {
                let (subjects, action) = (wrong.subjects.into_iter().collect(), PlannedAction::Correct);
                let evidence = wrong.evidence.into_iter().collect();
                planned.push(PlannedRecord { record, subjects, action, evidence });
            }
            planned.sort_by(|a, b| a.record.cmp(&b.record));
            plan.objects.push(self.planned_object(&info, formats, &ability, planned)?);
        }
        plan.objects.sort_by(|a, b| (&a.source, &a.part).cmp(&(&b.source, &b.part)));
        Ok(plan)
    }

    /// In how many places the new values stand, in records about these people.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn corrected(&self, subjects: &[Subject], corrections: &Corrections) -> Result<u64, RequestError> {
        let new = |of: &Correction| standard_form(of.kind, of.new.expose());
        let forms: Vec<Vec<u8>> = corrections.all.iter().filter_map(new).collect();
        let fps: HashSet<Fingerprint> =
            forms.iter().flat_map(|form| self.keys.all().map(|key| key.fingerprint(form))).collect();
        let (subjects, options) = looked_for(subjects, corrections);
        let mut places = 0;
        identity::find(self.reader, self.keys, &subjects, &options, &mut |location| {
            places += u64::from(fps.contains(&location.finding.fp) && !location.weak && !location.shared);
            ControlFlow::Continue(())
        })?;
        Ok(places)
    }
}

/// Whom a correction is about, and how they are looked for: old and new values only say what is wrong in the person's
/// records, for a wrong value is often another's right one. If what is corrected led to the person, the new value does
/// so as well, or a correction that was broken off could not go on.
fn looked_for(subjects: &[Subject], corrections: &Corrections) -> (Vec<Subject>, FindOptions) {
    let with_new = |subject: &Subject| {
        let leads =
            |of: &&Correction| of.old().is_some_and(|old| old.is_strong() && subject.identifiers.contains(&old));
        let new = corrections.all.iter().filter(leads).filter_map(Correction::new_value);
        Subject { id: subject.id.clone(), identifiers: subject.identifiers.iter().cloned().chain(new).collect() }
    };
    let values = corrections.all.iter().flat_map(|of| [of.old(), of.new_value()]).flatten();
    let options = FindOptions { beside: values.collect(), ..FindOptions::default() };
    (subjects.iter().map(with_new).collect(), options)
}
