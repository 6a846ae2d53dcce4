//! Records that stay because others that are kept refer to them: a database deletes no row to which a foreign key leads.
//!
//! Told when the plan is made, so that what is planned is what is done.

use std::collections::{BTreeMap, HashMap};

use residuum_detect::Fingerprint;
use residuum_source::{KeyKind, TableKey};

use super::planner::{Gathered, NamedSources, RecordId};
use super::policy::Policy;
use crate::index::{Finding, ObjectInfo};
use crate::scan::keys::Role;

/// Records to which kept ones refer, directly or by way of others that stay, each with the object that does.
#[derive(Default)]
pub(super) struct Referred {
    by: HashMap<RecordId, String>,
}

impl Referred {
    /// Follows the foreign keys of what was found from the records that a policy keeps.
    pub fn new(
        gathered: &BTreeMap<RecordId, Gathered>,
        infos: &HashMap<u32, ObjectInfo>,
        policy: &Policy,
        sources: &NamedSources<'_>,
    ) -> Self {
        let is_kept =
            |object: &u32| infos.get(object).is_some_and(|info| policy.retained(&info.source, &info.path).is_some());
        let mut staying: Vec<&RecordId> = gathered.keys().filter(|(object, _)| is_kept(object)).collect();
        let mut referred = Self::default();
        if staying.is_empty() {
            return referred;
        }
        let mut keys = ForeignKeys::default();
        let mut owners: HashMap<(&str, Fingerprint), Vec<&RecordId>> = HashMap::new();
        for (id, here) in gathered {
            for finding in here.locations.iter().map(|location| &location.finding) {
                if let Some((Role::Own, domain)) = Role::of_rule(&finding.rule) {
                    owners.entry((domain, finding.fp)).or_default().push(id);
                }
            }
        }
        while let Some(id) = staying.pop() {
            let Some(info) = infos.get(&id.0) else { continue };
            for finding in gathered[id].locations.iter().map(|location| &location.finding) {
                let Some((Role::Belongs | Role::Mentions, domain)) = Role::of_rule(&finding.rule) else { continue };
                if !keys.has(info, finding, sources) {
                    continue;
                }
                for owner in owners.get(&(domain, finding.fp)).into_iter().flatten() {
                    let is_new = *owner != id && !is_kept(&owner.0) && !referred.by.contains_key(*owner);
                    if is_new {
                        referred.by.insert((*owner).clone(), crate::index::display(&info.path).to_string());
                        staying.push(owner);
                    }
                }
            }
        }
        referred
    }

    /// Why a record cannot be deleted, if others that stay refer to it.
    pub fn why_not(&self, id: &RecordId) -> Option<String> {
        let by = self.by.get(id)?;
        Some(format!(
            "rows of `{by}` that stay refer to it by a foreign key: `[[erase]]` with strategy `deidentify` empties it \
             instead"
        ))
    }
}

/// The foreign keys of the sources, asked for when they are needed.
#[derive(Default)]
struct ForeignKeys {
    by_source: HashMap<String, Vec<TableKey>>,
}

impl ForeignKeys {
    /// Whether a schema's foreign key, and not only the owner's word, makes a finding refer.
    fn has(&mut self, info: &ObjectInfo, finding: &Finding, sources: &NamedSources<'_>) -> bool {
        let keys = self.by_source.entry(info.source.to_string()).or_insert_with(|| sources.keys(&info.source));
        keys.iter().any(|key| {
            let is_of_it = key.object.as_str() == &*info.path && matches!(key.kind, KeyKind::Foreign { .. });
            is_of_it
                && (key.columns.iter().any(|column| **column == *finding.field)
                    || key.columns.join(",") == *finding.field)
        })
    }
}
