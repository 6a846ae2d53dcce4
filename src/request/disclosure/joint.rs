//! Records of several people: a household's, an account's with two holders. What identifies another holder is the
//! other's, whatever the field is called.
//!
//! Beside `holder1_email` that led to the person, what stands in `holder2_email` is somebody else's. Of what one person
//! alone has, such as an e-mail address, a second one is another's, unless the name of its field says that one person
//! has both, or it is known to be theirs; and not even then if it stands elsewhere in a record that names somebody else.
//! Once another holder stands in a record, what does not say whose it is of names, telephones and days of birth is
//! shown to neither.

use std::collections::HashSet;
use std::ops::ControlFlow;

use residuum_detect::{Fingerprint, Scheme, Type};
use residuum_source::Record;

use super::held::{Held, HeldRecord};
use super::look::Seen;
use super::whose::{Known, is_about_a_person, names_a_person};
use super::withheld::Withheld;
use crate::identity::Location;
use crate::identity::roles::{is_of_another, is_plural_of_one, number};
use crate::index::{Finding, IndexError, Reader};
use crate::scan::keys::Role;

/// What of a record's sights is another holder's: field, value and first byte.
pub(super) type Others = HashSet<(usize, usize, usize)>;

/// Where something was seen, as [`Others`] has it.
pub(super) fn place(seen: &Seen) -> (usize, usize, usize) {
    (seen.field, seen.value, seen.range.start)
}

/// What stands in a record of the person and is another holder's. `elsewhere` has what stands in records of others.
pub(super) fn others(
    object: &Held<'_>,
    record: &HeldRecord,
    known: &Known,
    elsewhere: &HashSet<Fingerprint>,
) -> Others {
    let seen = &record.looked.seen;
    let is_theirs: Vec<bool> = seen.iter().map(|seen| record.knows(known, seen)).collect();
    let is_own_field =
        |seen: &Seen| object.is_typed(&seen.path) && record.roles.has(&seen.path) && !is_of_another(&seen.path);
    let theirs = || seen.iter().zip(&is_theirs).filter(|(_, is_theirs)| **is_theirs).map(|(seen, _)| seen);
    let candidates: Vec<&Seen> = seen
        .iter()
        .zip(&is_theirs)
        .filter(|(seen, is_theirs)| !**is_theirs && seen.kind != Type::Key && is_own_field(seen))
        .map(|(seen, _)| seen)
        .collect();
    let is_second = |of: &Seen| {
        is_ones_own(of.kind)
            && theirs().any(|first| {
                let is_beside = (first.field, first.value) == (of.field, of.value);
                first.kind == of.kind && is_own_field(first) && (is_beside || !is_plural_of_one(&first.path, &of.path))
            })
    };
    let is_one_of_two = |of: &Seen| {
        let Some(here) = number(&of.path).filter(|_| record.roles.is_self(&of.path)) else { return false };
        let is_beside =
            |other: &Seen| record.roles.is_same_role(&other.path, &of.path) && number(&other.path).is_some();
        let has_another = candidates.iter().any(|other| is_beside(other) && number(&other.path) != Some(here.clone()));
        has_another && !theirs().any(is_beside)
    };
    let is_others = |of: &Seen| {
        is_about_a_person(of.kind)
            && (record.roles.is_other_number(&of.path)
                || is_second(of)
                || is_one_of_two(of)
                || is_ones_own(of.kind) && of.fps().any(|fp| elsewhere.contains(&fp)))
    };
    let mut others: Others = candidates.iter().filter(|seen| is_others(seen)).map(|seen| place(seen)).collect();
    if !others.is_empty() {
        let is_either_s = |seen: &&&Seen| {
            let names = names_a_person(seen.kind) || seen.kind == Type::DateOfBirth;
            (names || Withheld::of_type(seen.kind).is_some()) && number(&seen.path).is_none()
        };
        others.extend(candidates.iter().filter(is_either_s).map(|seen| place(seen)));
    }
    others
}

/// Whether a value of this type is one person's alone.
pub(super) const fn is_ones_own(kind: Type) -> bool {
    matches!(kind, Type::Email | Type::UsSsn | Type::UsItin)
}

/// Records of an identifier that are read to see whose they are, at most.
const MANY: usize = 64;

/// Which of these identifiers stand in a record that is not the person's and names somebody else: by a name that none of
/// the person's records has, or by the key of another row of the same people.
///
/// Only of types of which something led to the person: who was looked up by a key may have any address.
///
/// # Errors
/// When the index cannot be read.
pub(super) fn elsewhere(
    reader: &Reader,
    places: &[Location],
    wanted: &HashSet<(Type, Fingerprint)>,
    names: &HashSet<Fingerprint>,
    people: &HashSet<String>,
) -> Result<HashSet<Fingerprint>, IndexError> {
    let leads = |at: &&Location| !at.weak && !at.shared;
    let kinds: HashSet<Type> = places.iter().filter(leads).map(|at| at.finding.kind).collect();
    let mine: HashSet<(u32, Record)> =
        places.iter().filter(leads).map(|at| (at.finding.object_id, at.finding.record.whole())).collect();
    let wanted: Vec<(Type, Fingerprint)> = wanted.iter().copied().filter(|(kind, _)| kinds.contains(kind)).collect();
    let fps: Vec<Fingerprint> = wanted.iter().map(|(_, fp)| *fp).collect();
    let mut met: Vec<Vec<(u32, Record)>> = vec![Vec::new(); fps.len()];
    reader.lookup(&fps, &mut |found| {
        let (finding, of) = (found.finding, &mut met[found.probe]);
        let id = (finding.object_id, finding.record.whole());
        let is_it = found.scheme == Scheme::Canonical && finding.kind == wanted[found.probe].0;
        if is_it && !finding.field.is_empty() && of.len() < MANY && !mine.contains(&id) {
            of.push(id);
        }
        ControlFlow::Continue(())
    })?;
    let is_a_name = |finding: &Finding| finding.kind == Type::PersonName && !finding.field.is_empty();
    let is_row = |finding: &Finding| matches!(Role::of_rule(&finding.rule), Some((Role::Own, domain)) if people.contains(domain));
    let mut elsewhere = HashSet::new();
    for (fp, records) in fps.iter().zip(met) {
        for (object, record) in records {
            let (mut has_names, mut has_theirs, mut is_another_row) = (false, false, false);
            reader.record_findings(object, &record, &mut |finding| {
                has_names |= is_a_name(finding);
                has_theirs |= is_a_name(finding) && names.contains(&finding.fp);
                is_another_row |= is_row(finding);
                ControlFlow::Continue(())
            })?;
            if has_names && !has_theirs || is_another_row {
                elsewhere.insert(*fp);
            }
        }
    }
    Ok(elsewhere)
}
