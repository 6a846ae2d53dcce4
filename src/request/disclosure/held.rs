//! What is held of a person: objects, their records as they are now, and places with what became of each.

use std::collections::{BTreeMap, HashMap, HashSet};

use residuum_detect::{FieldPlan, Fingerprint, Treatment, Type};
use residuum_source::{Record, RecordKind, Source};
use serde_json::Value;

use super::joint::{self, Others};
use super::look::{Looked, Seen};
use super::model::{Fate, Placed};
use super::whose::Known;
use crate::identity::Location;
use crate::identity::roles::{Roles, is_of_another};
use crate::index::{Finding, ObjectInfo, display};

/// An object that holds records of the person.
pub(super) struct Held<'a> {
    pub info: ObjectInfo,
    pub plans: HashMap<String, FieldPlan>,
    /// The records by what the index calls them, with the positions of their places.
    pub records: BTreeMap<Record, Vec<usize>>,
    pub source: Option<&'a dyn Source>,
}

/// A record that still holds the person.
pub(super) struct HeldRecord {
    /// As the index calls it.
    pub record: Record,
    /// Positions of its places.
    pub places: Vec<usize>,
    pub looked: Looked,
    /// What the index has in it.
    pub findings: Vec<Finding>,
    /// The roles in which the person stands in it.
    pub roles: Roles,
    /// Whether it is the person's own.
    pub is_own: bool,
    /// Keys of things by which it is theirs if the thing is: of an item, that of its order.
    pub things: Vec<Fingerprint>,
    /// What was seen that says who fills another role in it: it is their own only if they fill that as well.
    pub rivals: Vec<usize>,
    /// What of it is another holder's, as far as the person's own is not known.
    pub others: Others,
}

impl HeldRecord {
    /// Adds to what is known to be theirs what stands in it in fields about them, if it is their own.
    pub fn learn(&mut self, object: &Held<'_>, elsewhere: &HashSet<Fingerprint>, known: &mut Known) {
        self.others = joint::others(object, self, known, elsewhere);
        if !self.is_own || self.record.kind() == RecordKind::Document {
            return;
        }
        for seen in &self.looked.seen {
            let is_theirs = object.is_typed(&seen.path) && self.roles.has(&seen.path) && !is_of_another(&seen.path);
            if is_theirs && seen.kind != Type::Key && !self.others.contains(&joint::place(seen)) {
                seen.fps().for_each(|fp| known.add(seen.kind, fp, self.looked.bytes(seen)));
            }
        }
    }

    /// Whether it is a document with lists, of which nothing tells which values stand in one element.
    pub fn has_lists(&self) -> bool {
        let is_document = self.record.kind() == RecordKind::Document;
        is_document && self.looked.fetched.fields.iter().any(|field| field.name.contains("[]"))
    }

    /// Whether something in it is another holder's; what is known to be the person's is not.
    pub fn is_another_holders(&self, known: &Known, seen: &Seen) -> bool {
        self.others.contains(&joint::place(seen)) && !self.knows(known, seen)
    }

    /// Whether something in it is the person's by what is known of them, or is a part of their own address.
    pub fn knows(&self, known: &Known, seen: &Seen) -> bool {
        let has = |seen: &Seen| seen.fps().any(|fp| known.has(seen.kind, fp, self.looked.bytes(seen)));
        let is_around = |of: &&Seen| {
            of.kind == Type::Email
                && (of.field, of.value) == (seen.field, seen.value)
                && of.range.start <= seen.range.start
                && of.range.end >= seen.range.end
        };
        has(seen) || may_be_part(seen.kind) && self.looked.seen.iter().filter(is_around).any(has)
    }

    /// Whether what the index has found somewhere in it is a part of an address that is the person's.
    pub fn is_part_of_theirs(&self, known: &Known, finding: &Finding) -> bool {
        let is_around =
            |of: &&Finding| of.kind == Type::Email && of.field == finding.field && of.place.holds(finding.place);
        let mut around = self.findings.iter().filter(is_around);
        may_be_part(finding.kind) && around.any(|of| known.has(of.kind, of.fp, b""))
    }
}

/// Whether a value of this type may be a part of an address, taken for something by itself.
const fn may_be_part(kind: Type) -> bool {
    matches!(kind, Type::Username | Type::PersonName | Type::Url | Type::Organization)
}

impl Held<'_> {
    /// Whether a field holds what its name says rather than text in which something is said.
    pub fn is_typed(&self, field: &str) -> bool {
        self.plans.get(field).is_some_and(|plan| matches!(plan.treatment, Treatment::Typed(_)))
    }
}

/// Places with what became of them, as it turns out.
pub(super) struct Places {
    pub all: Vec<Location>,
    pub fates: Vec<Option<Fate>>,
}

impl Places {
    pub fn settle<'n>(&mut self, at: impl IntoIterator<Item = &'n usize>, fate: &Fate) {
        at.into_iter().for_each(|&at| self.fates[at] = Some(fate.clone()));
    }

    pub fn placed(self) -> Vec<Placed> {
        let placed = |(location, fate): (Location, Option<Fate>)| {
            let finding = location.finding;
            Placed {
                source: display(&finding.source),
                object: display(&finding.object),
                record_kind: finding.record.kind().name(),
                record: shown_key(finding.record.key_json(&finding.primary_key)),
                field: display(&finding.field),
                kind: finding.kind,
                // What nothing was said of is not passed over in silence.
                fate: fate
                    .unwrap_or_else(|| Fate::NotFetched("the index does not know its object any more".to_owned())),
            }
        };
        self.all.into_iter().zip(self.fates).map(placed).collect()
    }
}

/// A key whose personal parts stay sealed, shortened.
pub(super) fn shown_key(value: Value) -> Value {
    match value {
        Value::String(text) => row_of_sheet(&text).unwrap_or_else(|| Value::String(display(&text))),
        Value::Array(items) => items.into_iter().map(shown_key).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, item)| (name, shown_key(item))).collect(),
        other => other,
    }
}

/// The row of a sheet, which stands as its cells do without the column: `["Clients",18`.
fn row_of_sheet(text: &str) -> Option<Value> {
    let (sheet, row): (String, u64) = serde_json::from_str(&format!("{text}]")).ok()?;
    Some(serde_json::json!({ "sheet": display(&sheet), "row": row }))
}
