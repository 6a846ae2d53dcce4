//! What reports leave out because the owner has approved it, by `[[allow]]`. Look-ups, erasure and proof see it all.

use std::ops::ControlFlow;

use hashbrown::{HashMap, HashSet};
use residuum_detect::{Fingerprint, Type};
use residuum_source::Record;

use crate::config::{Allowance, Config};
use crate::index::{FieldInfo, Finding, IndexError, Keyring, Reader};

/// An object's number, a field, a type and the rule that found it.
type FieldRule = (u32, String, Type, String);

/// The allowances of an owner, as of today, for one index.
#[derive(Default)]
pub struct Allowed {
    all: Vec<Of>,
}

struct Of {
    allowance: Allowance,
    /// The values it is about, under every live key; everything, if there is none.
    values: Option<HashSet<Fingerprint>>,
}

impl Of {
    fn has(&self, source: &str, object: &str, field: &str, kind: Type, rule: &str) -> bool {
        let Allowance { scope, rule: by, .. } = &self.allowance;
        scope.has_object(source, object) && scope.has_value(field, kind, &[]) && by.as_ref().is_none_or(|by| by == rule)
    }
}

impl Allowed {
    /// The allowances of a configuration; one whose last day is over holds no longer.
    pub fn new(config: &Config, keys: &Keyring) -> Self {
        let today = crate::clock::today();
        let holds = |of: &&Allowance| of.until.as_deref().is_none_or(|until| until >= today.as_str());
        let all = config.allow.iter().filter(holds).map(|allowance| {
            let made = allowance.values.iter();
            let made = made.flat_map(|form| keys.all().map(|key| key.fingerprint(form.expose())));
            let values = allowance.fingerprints.iter().copied().chain(made);
            let values = allowance.is_about_values().then(|| values.collect());
            Of { allowance: allowance.clone(), values }
        });
        Self { all: all.collect() }
    }

    /// Whether a finding is left out.
    pub fn has(&self, finding: &Finding) -> bool {
        let Finding { source, object, field, kind, rule, fp, .. } = finding;
        let is_it = |of: &Of| {
            of.values.as_ref().is_none_or(|values| values.contains(fp)) && of.has(source, object, field, *kind, rule)
        };
        *kind != Type::Key && self.all.iter().any(is_it)
    }

    /// Takes what is left out from the counts of fields, and gives how many findings that are.
    ///
    /// Records count as long as something stands in them that is not left out, of the same type by the same rule.
    pub(super) fn leave_out(&self, reader: &Reader, fields: &mut [FieldInfo]) -> Result<u64, IndexError> {
        let mut left_out = 0;
        for field in fields.iter_mut() {
            let FieldInfo { source, object, field, types, .. } = field;
            types.retain(|found| {
                let is_all = |of: &Of| of.values.is_none() && of.has(source, object, field, found.kind, &found.rule);
                let goes = found.kind != Type::Key && self.all.iter().any(is_all);
                left_out += if goes { found.n_values } else { 0 };
                !goes
            });
        }
        let values: HashSet<Fingerprint> =
            self.all.iter().filter_map(|of| of.values.as_ref()).flatten().copied().collect();
        let values: Vec<Fingerprint> = values.into_iter().collect();
        if values.is_empty() {
            return Ok(left_out);
        }
        let mut there: HashMap<FieldRule, (u64, HashSet<Record>)> = HashMap::new();
        reader.lookup(&values, &mut |met| {
            if met.finding.fp == values[met.probe] && self.has(met.finding) {
                let Finding { object_id, field, kind, rule, record, .. } = met.finding;
                let key = (*object_id, field.to_string(), *kind, rule.to_string());
                let (count, records) = there.entry(key).or_default();
                *count += 1;
                records.insert(record.clone());
            }
            ControlFlow::Continue(())
        })?;
        for info in fields {
            for found in &mut info.types {
                let key = (info.object_id, info.field.to_string(), found.kind, found.rule.to_string());
                let Some((count, records)) = there.remove(&key) else { continue };
                let mut only = records.len() as u64;
                for record in &records {
                    let mut others = false;
                    reader.record_findings(info.object_id, record, &mut |other| {
                        others = *other.field == *info.field
                            && other.kind == found.kind
                            && other.rule == found.rule
                            && !self.has(other);
                        if others { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    })?;
                    only -= u64::from(others);
                }
                left_out += count;
                found.n_values = found.n_values.saturating_sub(count);
                found.n_records = found.n_records.saturating_sub(only);
            }
        }
        Ok(left_out)
    }
}
