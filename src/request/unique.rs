//! Fields whose values the schema wants to differ: what a correction cannot put there, and has to put there first.
//!
//! A new value that another record has already is refused by the database for the one table that declares it, after
//! other places were changed. So it is looked for before anything is, and because somebody may be entered meanwhile, the
//! tables that may refuse are written first.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use residuum_detect::Fingerprint;
use residuum_source::{KeyKind, ObjectPath, Record, TableKey};

use super::correction::Corrections;
use super::plan::{Plan, PlannedObject};
use super::{Planner, RequestError};
use crate::index::display;
use crate::scan::seal_name;

/// Declared keys by source, as the index names it.
type Schemas = BTreeMap<String, Vec<TableKey>>;

/// A field that is to hold a value which another record of its table has, and of which the schema allows one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Taken {
    /// The source, as outputs show it.
    pub source: String,
    /// The table.
    pub object: String,
    /// The field.
    pub field: String,
}

impl Planner<'_> {
    /// Where another record than those to be corrected has a new value in a field that allows it once.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn taken(&self, plan: &Plan, corrections: &Corrections) -> Result<Vec<Taken>, RequestError> {
        let probes: Vec<Fingerprint> = self.keys.all().flat_map(|key| corrections.new_prints(key)).collect();
        let schemas = self.schemas(plan);
        let mut wanted: Vec<(&PlannedObject, String, HashSet<Record>)> = Vec::new();
        for object in &plan.objects {
            let records: HashSet<Record> = object.records.iter().map(|of| of.record.whole()).collect();
            wanted.extend(
                self.unique_fields(object, &schemas)?.into_iter().map(|field| (object, field, records.clone())),
            );
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut taken = BTreeSet::new();
        self.reader.lookup(&probes, &mut |found| {
            let finding = found.finding;
            for (object, field, records) in &wanted {
                let is_here = finding.object_id == object.object && *finding.field == **field;
                if is_here && !records.contains(&finding.record.whole()) {
                    let (source, part) = (display(&object.source), display(&object.part));
                    taken.insert(Taken { source, object: part, field: display(field) });
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(taken.into_iter().collect())
    }

    /// Parts the objects of a plan: those that may refuse a value, with what refers to them by it, and all others.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn unique_first(&self, plan: &Plan) -> Result<[Vec<PlannedObject>; 2], RequestError> {
        let schemas = self.schemas(plan);
        let mut first: BTreeSet<(String, ObjectPath)> = BTreeSet::new();
        for object in &plan.objects {
            let (_, path) = object.paths(self.keys)?;
            for field in self.unique_fields(object, &schemas)? {
                let field = self.keys.reveal(&field)?;
                for key in &schemas[&object.source] {
                    let refers = match &key.kind {
                        KeyKind::Foreign { object, columns } => *object == path && *columns == [field.clone()],
                        _ => false,
                    };
                    if refers {
                        first.insert((object.source.clone(), key.object.clone()));
                    }
                }
                first.insert((object.source.clone(), path.clone()));
            }
        }
        let mut parts = [Vec::new(), Vec::new()];
        for object in &plan.objects {
            let (_, path) = object.paths(self.keys)?;
            parts[usize::from(!first.contains(&(object.source.clone(), path)))].push(object.clone());
        }
        Ok(parts)
    }

    /// The fields of an object in which something is to be corrected and of whose values the schema allows each once.
    fn unique_fields(&self, object: &PlannedObject, schemas: &Schemas) -> Result<BTreeSet<String>, RequestError> {
        let (_, path) = object.paths(self.keys)?;
        let keys = &schemas[&object.source];
        let mut fields = BTreeSet::new();
        for evidence in object.records.iter().flat_map(|record| &record.evidence) {
            let field = self.keys.reveal(&evidence.field)?;
            let is_alone = |key: &TableKey| key.object == path && key.columns == [field.clone()];
            let differs = |key: &TableKey| matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
            if keys.iter().any(|key| is_alone(key) && differs(key)) {
                fields.insert(evidence.field.clone());
            }
        }
        Ok(fields)
    }

    /// What the schemas of a plan's sources declare; nothing of one that cannot say so.
    fn schemas(&self, plan: &Plan) -> Schemas {
        let mut schemas: Schemas = plan.objects.iter().map(|object| (object.source.clone(), Vec::new())).collect();
        let mut worker = self.detector.worker();
        for source in self.sources {
            if let Some(keys) = schemas.get_mut(&seal_name(&mut worker, self.keys, source.name())) {
                *keys = source.keys().unwrap_or_default();
            }
        }
        schemas
    }
}
