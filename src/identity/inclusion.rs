//! Inclusion: whether the values of a field are the identifiers of others than those whom its records are about.
//!
//! Where two fields of an object hold addresses and their names do not tell whose, values tell: nearly all of the field's
//! are in another field that identifies people, of the same object or of another (Papenbrock et al., "Divide &
//! Conquer-based Inclusion Dependency Discovery", PVLDB 2015), and those of the field beside it are not: every agent of a
//! customer is an employee, few customers are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::{Fingerprint, Scheme, Type};

use super::records::Links;
use crate::index::{Finding, IndexError};

/// Distinct values of each of the two fields that are looked up, at most.
const DISTINCT: usize = 64;
/// Findings of an object that are read to gather them.
const READ: usize = 20_000;
/// Places of those values that are looked at.
const PLACES: usize = 50_000;
/// Records and distinct values without which nothing is said.
const LEAST: (usize, usize) = (5, 2);

/// A field: the number of its object, and its name.
type FieldId = (u32, String);

/// What of a field was looked at.
#[derive(Default)]
struct Values {
    records: usize,
    distinct: BTreeSet<Fingerprint>,
}

impl Values {
    fn add(&mut self, fp: Fingerprint) {
        self.records += 1;
        if self.distinct.len() < DISTINCT {
            self.distinct.insert(fp);
        }
    }

    /// Share of the values that stand in a field, in thousandths.
    fn share(&self, places: &HashMap<Fingerprint, HashSet<FieldId>>, field: &FieldId) -> usize {
        let stands = |fp: &&Fingerprint| places.get(*fp).is_some_and(|fields| fields.contains(field));
        self.distinct.iter().filter(stands).count() * 1000 / self.distinct.len().max(1)
    }
}

impl Links<'_> {
    /// Whether the values of the field in which something was found are those of others than the ones whom the records are
    /// about: of those who stand `beside` it. Asked once for each pair of fields, by a bounded part of their values.
    pub(super) fn refers_to_another(&mut self, found: &Finding, beside: &Finding) -> Result<bool, IndexError> {
        let pair = (found.object_id, found.field.to_string(), beside.field.to_string());
        if let Some(known) = self.referring.get(&pair) {
            return Ok(*known);
        }
        let refers = self.is_included_elsewhere(found, beside)?;
        self.referring.insert(pair, refers);
        Ok(refers)
    }

    fn is_included_elsewhere(&mut self, found: &Finding, beside: &Finding) -> Result<bool, IndexError> {
        let kind = found.kind;
        let (mut here, mut other, mut read) = (Values::default(), Values::default(), 0);
        self.reader.findings_of_object(found.object_id, &mut |finding| {
            read += 1;
            match &*finding.field {
                field if finding.kind == kind && *field == *found.field => here.add(finding.fp),
                field if finding.kind == kind && *field == *beside.field => other.add(finding.fp),
                _ => {}
            }
            let is_enough = [&here, &other].iter().all(|values| values.distinct.len() >= DISTINCT);
            if is_enough || read >= READ { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if here.records < LEAST.0 || here.distinct.len() < LEAST.1 {
            return Ok(false);
        }
        let (places, fields) = self.places(kind, &here.distinct.union(&other.distinct).copied().collect::<Vec<_>>())?;
        let own = (found.object_id, found.field.to_string());
        let of_other = (beside.object_id, beside.field.to_string());
        for (field, example) in fields.iter().filter(|(field, _)| **field != own) {
            let is_included = here.share(&places, field) >= 950;
            let tells = match *field == of_other {
                true => other.share(&places, &own) < 950,
                false => other.share(&places, field) < 500,
            };
            if is_included && tells && self.is_typed(example)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The fields in which values of a type stand, and a finding of each.
    #[allow(clippy::type_complexity, reason = "two maps, taken apart at once")]
    fn places(
        &self,
        kind: Type,
        fps: &[Fingerprint],
    ) -> Result<(HashMap<Fingerprint, HashSet<FieldId>>, HashMap<FieldId, Finding>), IndexError> {
        let (mut places, mut fields) = (HashMap::<_, HashSet<FieldId>>::new(), HashMap::new());
        let mut looked_at = 0;
        self.reader.lookup(fps, &mut |met| {
            looked_at += 1;
            let finding = met.finding;
            if finding.kind == kind && met.scheme == Scheme::Canonical {
                let field = (finding.object_id, finding.field.to_string());
                fields.entry(field.clone()).or_insert_with(|| finding.clone());
                places.entry(finding.fp).or_default().insert(field);
            }
            if looked_at < PLACES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok((places, fields))
    }
}
