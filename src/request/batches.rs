//! A plan's records in the order in which they are written, cut into what is written together: what refers to others goes
//! first, and what refers to each other in a circle goes together.

use std::collections::BTreeMap;
use std::ops::Range;

use residuum_source::{KeyKind, ObjectPath, Source, TableKey, referring_first};

use super::RequestError;
use super::carry_out::CarryOut;
use super::plan::{PlannedObject, PlannedRecord};
use crate::index::{IndexError, Keyring};
use crate::scan::seal_name;

/// Records that are written together at most: in a database they are one transaction.
const BATCH: usize = 10_000;
/// The same of tables whose rows refer to each other in a circle: of those none can go without the others.
const CIRCLE: usize = 100_000;

/// Objects that are written together.
pub(super) type Batch<'p> = Vec<(&'p PlannedObject, &'p [PlannedRecord])>;

/// A batch with its source, if that can be reached.
pub(super) type OfSource<'p> = (Option<&'p dyn Source>, Batch<'p>);

/// The plan's records in the order in which they are written, cut into batches, each of one source.
pub(super) fn batches<'p>(
    with: &CarryOut<'p>,
    objects: &'p [PlannedObject],
) -> Result<Vec<OfSource<'p>>, RequestError> {
    let keys = with.index.keys();
    let mut worker = with.detector.worker();
    let names: Vec<String> = with.sources.iter().map(|source| seal_name(&mut worker, keys, source.name())).collect();
    let mut batches = Vec::new();
    for of_source in objects.chunk_by(|a, b| a.source == b.source) {
        let name = &of_source[0].source;
        let source = names.iter().position(|of| of == name).map(|at| with.sources[at].as_ref());
        let mut ordered: Vec<ObjectPath> = Vec::new();
        let mut by_path: BTreeMap<ObjectPath, Vec<&PlannedObject>> = BTreeMap::new();
        for object in of_source {
            let (listed, _) = object.paths(keys)?;
            let parts = by_path.entry(listed.clone()).or_default();
            if parts.is_empty() {
                ordered.push(listed);
            }
            parts.push(object);
        }
        let references = match source {
            Some(source) => references(source, name, of_source, keys)?,
            None => Vec::new(),
        };
        referring_first(&mut ordered, &references);
        let is_database = source.is_some_and(|source| matches!(source.kind(), "sqlite" | "postgres" | "mysql"));
        let mut batch: Batch<'p> = Vec::new();
        let mut together = 0..0;
        for (number, listed) in ordered.iter().enumerate() {
            let parts = &by_path[listed];
            if is_database && !together.contains(&number) {
                together = circle(&ordered, number, &references);
                let all = ordered[together.clone()].iter().flat_map(|listed| &by_path[listed]);
                let (all, held) = (all.map(|object| object.records.len()).sum::<usize>(), size(&batch));
                if !together.is_empty() && held > 0 && held + all > BATCH {
                    batches.push((source, std::mem::take(&mut batch)));
                }
            }
            let most = if together.contains(&number) { CIRCLE } else { BATCH };
            if !is_database {
                // A file is written once, with all that is done in it and in its members.
                batches.push((source, parts.iter().map(|object| (*object, object.records.as_slice())).collect()));
                continue;
            }
            for object in parts {
                let mut rest = object.records.as_slice();
                while !rest.is_empty() {
                    if size(&batch) >= most {
                        batches.push((source, std::mem::take(&mut batch)));
                    }
                    let (now, later) = rest.split_at(rest.len().min(most - size(&batch)));
                    batch.push((object, now));
                    rest = later;
                }
            }
        }
        if !batch.is_empty() {
            batches.push((source, batch));
        }
    }
    Ok(batches)
}

/// How many records a batch has.
fn size(batch: &Batch<'_>) -> usize {
    batch.iter().map(|(_, records)| records.len()).sum()
}

/// What refers to what in a source: by its foreign keys, and by the keys that led to the records of a plan.
fn references(
    source: &dyn Source,
    name: &str,
    objects: &[PlannedObject],
    keys: &Keyring,
) -> Result<Vec<TableKey>, RequestError> {
    let is_foreign = |key: &TableKey| matches!(key.kind, KeyKind::Foreign { .. });
    let mut references: Vec<TableKey> = source.keys().unwrap_or_default().into_iter().filter(is_foreign).collect();
    let Some(chains) = objects.first().map(|object| &object.chains) else { return Ok(references) };
    for (from, to) in chains.between_objects(name) {
        let path = |name: &str| -> Result<ObjectPath, RequestError> {
            let misuse = |_| IndexError::Misuse(format!("`{name}` is not a name of an object"));
            Ok(ObjectPath::from_escaped(&keys.reveal(name)?).map_err(misuse)?)
        };
        let (object, to) = (path(from)?, path(to)?);
        let is_known = |key: &TableKey| {
            let KeyKind::Foreign { object: of, .. } = &key.kind else { return false };
            (&key.object, of) == (&object, &to) || (&key.object, of) == (&to, &object)
        };
        if object != to && !references.iter().any(is_known) {
            references.push(TableKey {
                object,
                columns: Vec::new(),
                kind: KeyKind::Foreign { object: to, columns: Vec::new() },
            });
        }
    }
    Ok(references)
}

/// The tables from one on whose rows may refer to each other in a circle, though what refers to others comes first; none
/// if there is no such circle.
fn circle(ordered: &[ObjectPath], first: usize, references: &[TableKey]) -> Range<usize> {
    let refers = |from: &ObjectPath, to: &ObjectPath| {
        let is_it = |key: &TableKey| matches!(&key.kind, KeyKind::Foreign { object, .. } if key.object == *from && object == to);
        references.iter().any(is_it)
    };
    let (mut end, mut at) = (first, first);
    while at < end.max(first + 1) {
        let later = (at..ordered.len()).filter(|&later| refers(&ordered[later], &ordered[at])).max();
        end = end.max(later.map_or(0, |later| later + 1));
        at += 1;
    }
    first..end
}
