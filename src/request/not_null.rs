//! Columns that take no null, in rows that stay and lose their values.
//!
//! Without a rule a value becomes null, which a database refuses for such a column, and with it the whole row. So the plan
//! asks the schema: a text becomes empty there, or a pseudonym where no two rows may have the same; anything else, such as a
//! date, stays, and is left with what to say about it in `[[erase]]`. What else stays of such rows is told by their columns.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use residuum_detect::{FieldPlan, Type};
use residuum_source::{KeyKind, ObjectPath, Record, Source};
use serde::{Deserialize, Serialize};

use super::led::RecordId;
use super::plan::{LeftState, Plan, PlannedAction, PlannedObject, PlannedRecord};
use super::policy::At;
use super::{Left, Planner, RequestError};
use crate::config::Strategy;
use crate::identity::Location;
use crate::index::Finding;
use crate::scan::seal_name;

/// What stands in a column that takes no null, where a null would.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InPlaceOfNull {
    /// An empty text.
    Empty,
    /// A pseudonym: no two rows may have the same there.
    Pseudonym,
    /// What stood there before.
    AsItWas,
}

/// Columns of which no two rows have the same, by their tables' names.
type Unique = HashSet<(String, String)>;

impl Planner<'_> {
    /// Notes what becomes of columns that take no null, and leaves what stays there; says which columns of rows stay.
    pub(super) fn keep_not_null(&self, plan: &mut Plan) -> Result<(), RequestError> {
        let mut worker = self.detector.worker();
        let mut uniques: HashMap<String, Unique> = HashMap::new();
        let Plan { objects, left, .. } = plan;
        for object in objects.iter_mut().filter(|object| object.size.is_table && object.records.iter().any(stays)) {
            let is_it = |source: &&dyn Source| seal_name(&mut worker, self.keys, source.name()) == object.source;
            let Some(source) = self.sources.iter().map(Box::as_ref).find(is_it) else { continue };
            let (Some(apply), (_, path)) = (source.as_apply(), object.paths(self.keys)?) else { continue };
            let unique = uniques.entry(object.source.clone()).or_insert_with(|| unique(source));
            for column in apply.not_null(&path) {
                let becomes = match column.is_text {
                    true if unique.contains(&(path.as_str().to_owned(), column.column.clone())) => {
                        InPlaceOfNull::Pseudonym
                    }
                    true => InPlaceOfNull::Empty,
                    false => InPlaceOfNull::AsItWas,
                };
                object.not_null.insert(seal_name(&mut worker, self.keys, &column.column), becomes);
            }
            self.say_what_stays(object, left)?;
        }
        Ok(())
    }

    /// Leaves values that stay because their columns take no null, and tells by name the columns of rows that stay.
    fn say_what_stays(&self, object: &mut PlannedObject, left: &mut Vec<Left>) -> Result<(), RequestError> {
        let of: BTreeMap<&Record, &PlannedRecord> =
            object.records.iter().filter(|of| stays(of)).map(|of| (&of.record, of)).collect();
        let ids: Vec<RecordId> = of.keys().map(|record| (object.object, (*record).clone())).collect();
        let mut replaced: BTreeSet<String> = BTreeSet::new();
        self.reader.findings_of_records(&ids, &mut |finding| {
            let Some(planned) = of.get(&finding.record.whole()) else { return ControlFlow::Continue(()) };
            let is_found = planned.evidence.iter().any(|at| at.fp == finding.fp);
            let is_meant = planned.action == PlannedAction::EditAll || is_found;
            if finding.kind == Type::Key || !is_meant || self.policy.keeps(finding).is_some() {
                return ControlFlow::Continue(());
            }
            if object.not_null.get(&*finding.field) == Some(&InPlaceOfNull::AsItWas) && self.becomes_null(finding) {
                let reason = "its column takes no null, and no text: it stays unless `[[erase]]` says of the field what \
                              stands there instead (strategy `constant` with a `value`)";
                for subject in &planned.subjects {
                    let location = Location {
                        subject: subject.clone(),
                        finding: finding.clone(),
                        why: Vec::new(),
                        shared: false,
                        weak: false,
                        through: None,
                        refers: false,
                    };
                    left.push(Left { location, state: LeftState::Manual(reason.to_owned()) });
                }
            } else {
                replaced.insert(finding.field.to_string());
            }
            ControlFlow::Continue(())
        })?;
        let whole = object.records.iter().filter(|of| of.action == PlannedAction::EditAll).count() as u64;
        if whole > 0 {
            let mut columns = BTreeSet::new();
            for text in self.reader.plans_of_object(object.object)? {
                let plans: Vec<FieldPlan> = serde_json::from_str(&text).unwrap_or_default();
                columns.extend(plans.into_iter().map(|plan| plan.field).filter(|field| !replaced.contains(field)));
            }
            if !columns.is_empty() {
                let columns = columns.into_iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
                object
                    .stays_behind
                    .push(format!("in rows that stay ({whole}) these columns stay as they are: {columns}"));
            }
        }
        Ok(())
    }

    /// Whether the policy makes a null of it.
    fn becomes_null(&self, finding: &Finding) -> bool {
        let Finding { source, object, field, kind, .. } = finding;
        let at = At { source, object, field, kind: *kind, categories: kind.categories() };
        matches!(self.policy.of_value(&at).strategy, Strategy::Null | Strategy::Delete | Strategy::DeleteObject)
    }
}

/// Whether it stays, with something in it replaced.
fn stays(planned: &PlannedRecord) -> bool {
    matches!(planned.action, PlannedAction::EditAll | PlannedAction::EditFound)
}

/// The columns of a source that are part of a key of their table.
fn unique(source: &dyn Source) -> Unique {
    let mut unique = Unique::new();
    for key in source.keys().unwrap_or_default() {
        if !matches!(key.kind, KeyKind::Foreign { .. }) {
            let object: &ObjectPath = &key.object;
            unique.extend(key.columns.into_iter().map(|column| (object.as_str().to_owned(), column)));
        }
    }
    unique
}
