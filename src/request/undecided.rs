//! Records that belong to one of which it is not known whose it is: the lines of an order that is also somebody else's.
//!
//! The order is left for somebody to say what becomes of it. Were its lines erased meanwhile, whoever it belongs to would be
//! left with an empty order. So what only such a record led to stays with it, all the way down.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use residuum_detect::Type;

use super::led::{Chains, RecordId};
use super::plan::{LeftState, Plan, PlannedRecord};
use super::{Left, Planner};
use crate::identity::Location;
use crate::index::{IndexError, display};

impl Planner<'_> {
    /// Leaves the records of a plan to which nothing led but records that are left undecided, and says why.
    pub(super) fn keep_undecided(&self, chains: &Chains, plan: &mut Plan) -> Result<(), IndexError> {
        let mut undecided = std::mem::take(&mut plan.undecided);
        let mut kept: BTreeMap<RecordId, (String, PlannedRecord)> = BTreeMap::new();
        loop {
            let before = kept.len();
            for object in &mut plan.objects {
                let number = object.object;
                object.records.retain(|planned| {
                    let id = (number, planned.record.clone());
                    let above: Vec<&RecordId> = chains.led_only_by(&id).collect();
                    if above.is_empty() || above.iter().any(|of| !undecided.contains(*of)) {
                        return true;
                    }
                    let of = chains.place_of(above[0]).map_or("", |(_, object)| object).to_owned();
                    kept.insert(id.clone(), (of, planned.clone()));
                    false
                });
            }
            if kept.len() == before {
                break;
            }
            undecided.extend(kept.keys().cloned());
        }
        if kept.is_empty() {
            return Ok(());
        }
        for object in &mut plan.objects {
            self.count_statements(object);
        }
        plan.objects.retain(|object| !object.records.is_empty());
        self.say_undecided(&kept, plan)
    }

    /// Tells of each record once for each person and key.
    fn say_undecided(
        &self,
        kept: &BTreeMap<RecordId, (String, PlannedRecord)>,
        plan: &mut Plan,
    ) -> Result<(), IndexError> {
        let ids: Vec<RecordId> = kept.keys().cloned().collect();
        let mut said: HashSet<(RecordId, String)> = HashSet::new();
        self.reader.findings_of_records(&ids, &mut |finding| {
            let id = (finding.object_id, finding.record.whole());
            let Some((of, planned)) = kept.get(&id) else { return ControlFlow::Continue(()) };
            let is_it = planned.evidence.iter().any(|at| at.fp == finding.fp && *at.field == *finding.field);
            if finding.kind != Type::Key || !is_it || !said.insert((id, finding.field.to_string())) {
                return ControlFlow::Continue(());
            }
            let reason = format!(
                "it belongs to a record of `{}` that is left, and stays with it: what becomes of that decides",
                display(of)
            );
            for subject in planned.subjects.iter().collect::<BTreeSet<_>>() {
                let location = Location {
                    subject: subject.clone(),
                    finding: finding.clone(),
                    why: Vec::new(),
                    shared: false,
                    weak: false,
                    through: None,
                    refers: false,
                };
                plan.left.push(Left { location, state: LeftState::Manual(reason.clone()) });
            }
            ControlFlow::Continue(())
        })
    }
}
