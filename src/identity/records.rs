//! What stands in records of the index.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_detect::{FieldPlan, Treatment};
use residuum_source::Record;

use super::mention::Plainly;
use crate::index::{Finding, IndexError, Reader};

/// A record: the number of its object and what identifies it there.
pub(super) type RecordId = (u32, Record);

/// The record that a finding belongs to with what stands beside it: of a cell of a sheet, its row.
pub(super) fn record_id(finding: &Finding) -> RecordId {
    (finding.object_id, finding.record.whole())
}

/// What stands in records, asked for once.
pub(super) struct Links<'r> {
    pub(super) reader: &'r Reader,
    records: HashMap<RecordId, Arc<Vec<Finding>>>,
    typed: HashMap<u32, Arc<HashSet<String>>>,
    /// Of two fields of an object, whether the values of the first are others' than those who stand in the second.
    pub(super) referring: HashMap<(u32, String, String), bool>,
    /// What names of fields say of who stands there.
    pub(super) plainly: HashMap<(u32, Arc<str>), Plainly>,
}

impl<'r> Links<'r> {
    pub(super) fn new(reader: &'r Reader) -> Self {
        Self {
            reader,
            records: HashMap::new(),
            typed: HashMap::new(),
            referring: HashMap::new(),
            plainly: HashMap::new(),
        }
    }

    /// Whether something stands in a field that holds nothing but what its name says, rather than in a text.
    pub(super) fn is_typed(&mut self, finding: &Finding) -> Result<bool, IndexError> {
        if let Some(typed) = self.typed.get(&finding.object_id) {
            return Ok(typed.contains(&*finding.field));
        }
        let mut typed = HashSet::new();
        for text in self.reader.plans_of_object(finding.object_id)? {
            let plans: Vec<FieldPlan> = serde_json::from_str(&text).unwrap_or_default();
            let is_typed = |plan: &FieldPlan| matches!(plan.treatment, Treatment::Typed(_));
            typed.extend(plans.into_iter().filter(is_typed).map(|plan| plan.field));
        }
        let is_typed = typed.contains(&*finding.field);
        self.typed.insert(finding.object_id, Arc::new(typed));
        Ok(is_typed)
    }

    /// Reads what stands in these records, in one pass, so that it is at hand.
    pub(super) fn read(&mut self, mut ids: Vec<RecordId>) -> Result<(), IndexError> {
        ids.retain(|id| !self.records.contains_key(id));
        ids.sort_unstable();
        ids.dedup();
        let mut read: Option<(RecordId, Vec<Finding>)> = None;
        self.reader.findings_of_records(&ids, &mut |finding| {
            let id = record_id(finding);
            match &mut read {
                Some((of, findings)) if *of == id => findings.push(finding.clone()),
                _ => {
                    let done = read.replace((id, vec![finding.clone()]));
                    self.records.extend(done.map(|(id, findings)| (id, Arc::new(findings))));
                }
            }
            ControlFlow::Continue(())
        })?;
        self.records.extend(read.map(|(id, findings)| (id, Arc::new(findings))));
        for id in ids {
            self.records.entry(id).or_default();
        }
        Ok(())
    }

    pub(super) fn record(&mut self, id: &RecordId) -> Result<Arc<Vec<Finding>>, IndexError> {
        if let Some(known) = self.records.get(id) {
            return Ok(known.clone());
        }
        let mut findings = Vec::new();
        self.reader.record_findings(id.0, &id.1, &mut |finding| {
            findings.push(finding.clone());
            ControlFlow::Continue(())
        })?;
        let findings = Arc::new(findings);
        self.records.insert(id.clone(), findings.clone());
        Ok(findings)
    }
}
