//! Correction: what stood there, and what is to stand there instead (11 CCR § 7023).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use md5::Md5;
use residuum_detect::{Fingerprint, IndexKey, Type, standard_form};
use residuum_source::{Record, Sensitive};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::led::{self, Chains};
use super::plan::{Evidence, LeftState, Plan, PlannedAction, PlannedRecord};
use super::redigest::{forms, redigested};
use super::{Planner, RequestError};
use crate::identity::{self, FindOptions, Identifier, InvalidIdentifier, Location, Subject};
use crate::index::Keyring;

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

/// What a value becomes; of a digest, what it is one of.
#[derive(Clone, Debug)]
struct Becomes {
    kind: Type,
    old: Sensitive<String>,
    new: Sensitive<String>,
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

    /// The values, old and new, for whoever has to correct them elsewhere.
    pub fn values(&self) -> (&Sensitive<String>, &Sensitive<String>) {
        (&self.old, &self.new)
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
        let Some(old_form) = standard_form(kind, old).filter(|_| standard_form(kind, new).is_some()) else { return };
        let becomes = || Becomes { kind, old: Sensitive::new(old.to_owned()), new: Sensitive::new(new.to_owned()) };
        for key in keys.all() {
            let mut add = |fp| drop(self.by_fp.insert(fp, becomes()));
            add(key.fingerprint(&old_form));
            add(key.fingerprint_of_digest(&Sha256::digest(old.trim()).into()));
            for form in forms(kind, &old_form) {
                add(key.fingerprint_of_digest(&Sha256::digest(&form).into()));
                add(key.fingerprint_of_other_digest("md5", &Md5::digest(&form)));
                add(key.fingerprint_of_other_digest("sha1", &Sha1::digest(&form)));
                add(key.fingerprint_of_other_digest("sha512", &Sha512::digest(&form)));
            }
        }
    }

    /// The corrections, one by one.
    pub fn all(&self) -> &[Correction] {
        &self.all
    }

    /// Fingerprints of the values, old and new, by which the same corrections are known again.
    pub(super) fn prints(&self, key: &IndexKey) -> Vec<[u8; 16]> {
        let print = |kind, value: &Sensitive<String>| {
            key.fingerprint(&standard_form(kind, value.expose()).unwrap_or_default()).0
        };
        let both = |of: &Correction| [print(of.kind, &of.old), print(of.kind, &of.new)].concat();
        let mut all: Vec<Vec<u8>> = self.all.iter().map(both).collect();
        all.sort_unstable();
        all.iter().flat_map(|both| both.chunks_exact(16)).map(|of| of.try_into().expect("it is as long")).collect()
    }

    /// Fingerprints of the values that are to stand there.
    pub(super) fn new_prints(&self, key: &IndexKey) -> Vec<Fingerprint> {
        let print = |of: &Correction| standard_form(of.kind, of.new.expose()).map(|form| key.fingerprint(&form));
        self.all.iter().filter_map(print).collect()
    }

    /// What stands in place of a value afterwards, if it is one of those.
    pub(super) fn of(&self, fp: Fingerprint, kind: Type, value: &[u8]) -> Option<Vec<u8>> {
        let Becomes { kind: of, old, new } = self.by_fp.get(&fp)?;
        match kind {
            Type::Digest => redigested(*of, old.expose(), new.expose(), value),
            _ => Some(new.expose().clone().into_bytes()),
        }
    }

    /// The old values, as a person in whose data they are looked for: as written, and by digests under any name.
    pub fn wanted(&self) -> Subject {
        let of = |of: &Correction| {
            let digest = Sha256::digest(of.old.expose()).into();
            of.old().into_iter().chain([Identifier::Sha256 { kind: of.kind, digest }]).collect::<Vec<_>>()
        };
        Subject { id: "old".to_owned(), identifiers: self.all.iter().flat_map(of).collect() }
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
        let mut leading: Vec<Location> = Vec::new();
        identity::find(self.reader, self.keys, &subjects, &options, &mut |location| {
            let finding = &location.finding;
            leading.extend(led::leads(finding.kind).then(|| location.clone()));
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
        let chains = Arc::new(Chains::new(|| leading.iter()));
        plan.objects.iter_mut().for_each(|object| object.chains = chains.clone());
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
    let new = corrections.all.iter().filter_map(Correction::new_value);
    let beside = corrections.wanted().identifiers.into_iter().chain(new).collect();
    let options = FindOptions { beside, ..FindOptions::default() };
    (subjects.iter().map(with_new).collect(), options)
}
