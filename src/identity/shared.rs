//! Whose an identifier is: one person's, or that of several who share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use residuum_detect::{Fingerprint, Type};

use super::records::{Links, RecordId};
use crate::index::{Finding, IndexError, Place};
use crate::scan::keys::Role;

/// Whether the records that hold an identifier are those of several people: in fields of one name they name different
/// people, or give different dates of birth.
///
/// Of what a household shares, such as a telephone, fields of one name say the same thing in whatever object. An e-mail
/// address is mostly one person's, and one object has `Jane Roe` where another has `Jane M. Roe`, which no fingerprint
/// tells from another name: there the fields of each object are compared by themselves.
///
/// What may be shared is several people's, too, if records have no e-mail address and no name in common: a customer and
/// an employee with one number.
pub(super) fn stands_with_several(kind: Type, records: &[RecordId], links: &mut Links<'_>) -> Result<bool, IndexError> {
    let is_ones_own = matches!(kind, Type::Email | Type::UsSsn | Type::UsItin);
    let mut names: BTreeMap<(Option<u32>, Arc<str>), BTreeSet<Fingerprint>> = BTreeMap::new();
    let mut first: Option<Named> = None;
    let mut seen = BTreeSet::new();
    for record in records.iter().filter(|record| seen.insert((*record).clone())) {
        let stands_here = links.record(record)?;
        let belongs = |f: &Finding| matches!(Role::of_rule(&f.rule), Some((Role::Belongs | Role::Refers, _)));
        if stands_here.iter().any(belongs) {
            continue; // an order names whom it is sent to; whose it is, its key says
        }
        for finding in stands_here.iter().filter(|finding| names_a_person(finding)) {
            let object = is_ones_own.then_some(finding.object_id);
            let held = names.entry((object, finding.field.clone())).or_default();
            held.insert(finding.fp);
            if held.len() > 1 {
                return Ok(true);
            }
        }
        let named = Named::of(&stands_here);
        match &first {
            _ if is_ones_own || named.addresses.is_empty() => {}
            Some(first) if first.is_another_than(&named) => return Ok(true),
            Some(_) => {}
            None => first = Some(named),
        }
    }
    Ok(false)
}

/// What says in a record who it is about.
struct Named {
    addresses: BTreeSet<Fingerprint>,
    names: BTreeSet<Fingerprint>,
}

impl Named {
    fn of(record: &[Finding]) -> Self {
        let of = |kind| record.iter().filter(move |f| f.kind == kind && fills_field(f)).map(|f| f.fp).collect();
        Self { addresses: of(Type::Email), names: of(Type::PersonName) }
    }

    fn is_another_than(&self, other: &Self) -> bool {
        self.addresses.is_disjoint(&other.addresses) && self.names.is_disjoint(&other.names)
    }
}

/// Whether a finding is a field that says who a record is about.
pub(super) fn names_a_person(finding: &Finding) -> bool {
    matches!(finding.kind, Type::PersonName | Type::DateOfBirth) && !finding.field.is_empty() && fills_field(finding)
}

/// Whether a finding is what its field is for, rather than something said in running text: the rules that type a
/// field whole say so by their confidence, and their place starts where the value does.
fn fills_field(finding: &Finding) -> bool {
    match finding.place {
        Place::Value { start, .. } => start == 0,
        Place::Object { .. } => true,
    }
}
