//! An inventory of personal information, and how it is shown: JSON, CSV or a page of its own; and a certificate as people
//! read it.
//!
//! [`Inventory`] is plain data, taken from an index once; the writers here turn it into text and do no other I/O.
//! Names in it are as the index shows them: what is personal in a name is sealed.

mod allowed;
pub mod certificate;
mod csv;
mod html;
pub(crate) mod human;
mod json;
pub mod map;
mod matrix;
mod plan;
mod read;

use std::collections::BTreeMap;

use residuum_detect::{Category, Type};
use residuum_source::Coverage;

pub use allowed::Allowed;
pub use csv::csv;
pub(crate) use csv::{csv_line, inert};
pub use html::html;
pub(crate) use html::{STYLE, escape};
pub use json::{json, jsonl};
pub use plan::{Done, LeftLine, ObjectLine, PlanPage, SourceCost, plan_html};

/// What is where.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The directory of the index.
    pub index: String,
    /// When this was put together, UTC.
    pub made: String,
    /// Scans, the last one first.
    pub scans: Vec<ScanLine>,
    /// Sources, by name.
    pub sources: Vec<SourceLine>,
    /// Fields in which something was found, by source, object and field.
    pub fields: Vec<FieldLine>,
    /// Everything listed, by what became of it.
    pub coverage: BTreeMap<Coverage, u64>,
    /// Everything listed that was not read, with the reason.
    pub ledger: Vec<LedgerLine>,
    /// What is different since the scan before the last.
    pub changes: Changes,
    /// Findings that are left out of all the other counts, because the owner allows them.
    pub allowed: u64,
}

/// One scan.
#[derive(Clone, Debug, Default)]
pub struct ScanLine {
    /// When it began, UTC.
    pub started: String,
    /// When it ended, UTC; `None` if it never did.
    pub ended: Option<String>,
    /// The sources it read.
    pub sources: Vec<String>,
    /// Whether only a sample was read.
    pub sampled: bool,
}

/// One source.
#[derive(Clone, Debug, Default)]
pub struct SourceLine {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Objects read, members of containers included.
    pub objects: u64,
    /// Bytes examined.
    pub bytes: u64,
    /// Records examined.
    pub records: u64,
    /// Findings.
    pub findings: u64,
}

/// One field with what was found in it.
#[derive(Clone, Debug, Default)]
pub struct FieldLine {
    /// The source.
    pub source: String,
    /// The object.
    pub object: String,
    /// The field; empty for running text.
    pub field: String,
    /// Values that are not null.
    pub values: u64,
    /// Records.
    pub records: u64,
    /// What was found, by count.
    pub types: Vec<TypeLine>,
    /// Categories of the statute, by the rules that found something.
    pub categories: Vec<Category>,
    /// Whether any of it is sensitive personal information, §1798.140(ae).
    pub sensitive: bool,
    /// Key domains the field belongs to, such as `crm.customers.id`.
    pub keys: Vec<String>,
    /// How the field was examined: `typed email`, `searched`, `skipped: …`.
    pub plan: String,
    /// Why it was examined so: names and counts, never values.
    pub evidence: Vec<String>,
}

/// How often one type was found in a field.
#[derive(Clone, Debug)]
pub struct TypeLine {
    /// The type.
    pub kind: Type,
    /// The rules that found it.
    pub rules: Vec<String>,
    /// Categories of the statute, by those rules.
    pub categories: Vec<Category>,
    /// Findings.
    pub values: u64,
    /// Records with at least one.
    pub records: u64,
    /// The share of the object's records with at least one.
    pub rate: f64,
}

/// Something listed that was not read.
#[derive(Clone, Debug)]
pub struct LedgerLine {
    /// The source.
    pub source: String,
    /// The object.
    pub object: String,
    /// The state.
    pub state: Coverage,
    /// Why.
    pub reason: String,
}

/// What is different since the scan before the last; names of objects as `source: object`.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Objects seen for the first time.
    pub new: Vec<String>,
    /// Objects known before and read again: their content changed, or could have.
    pub read_again: Vec<String>,
    /// Totals that are not what they were.
    pub totals: Vec<TotalChange>,
}

/// Findings of one type in one source, before and after the last scan.
#[derive(Clone, Debug)]
pub struct TotalChange {
    /// The source.
    pub source: String,
    /// The type.
    pub kind: Type,
    /// Findings when the scan before the last ended.
    pub before: u64,
    /// Findings when the last one ended.
    pub after: u64,
}

impl Inventory {
    /// Findings of one source that fall into a category.
    pub fn findings_in(&self, source: &str, category: Category) -> u64 {
        let fields = self.fields.iter().filter(|field| field.source == source);
        let types = fields.flat_map(|field| &field.types);
        types.filter(|t| t.categories.contains(&category)).map(|t| t.values).sum()
    }

    /// Findings of one type in one source.
    pub fn findings_of(&self, source: &str, kind: Type) -> u64 {
        let fields = self.fields.iter().filter(|field| field.source == source);
        fields.flat_map(|field| &field.types).filter(|t| t.kind == kind).map(|t| t.values).sum()
    }

    /// Findings by type, the most frequent first.
    pub fn by_type(&self) -> Vec<(Type, u64)> {
        let mut counts = BTreeMap::<Type, u64>::new();
        for found in self.fields.iter().flat_map(|field| &field.types) {
            *counts.entry(found.kind).or_default() += found.values;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|&(kind, n)| (std::cmp::Reverse(n), kind.name()));
        counts
    }

    /// Whether everything was listed, and all of it read, derived or excluded by policy.
    pub fn is_complete(&self) -> bool {
        let has_ended = self.scans.last().is_some_and(|scan| scan.ended.is_some());
        has_ended && self.coverage.iter().all(|(state, &n)| n == 0 || !state.is_incomplete())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small inventory with everything a writer may meet.
    pub(crate) fn sample() -> Inventory {
        let found = |kind: Type, values, records, rate| TypeLine {
            kind,
            rules: vec!["a_rule".into()],
            categories: kind.categories().to_vec(),
            values,
            records,
            rate,
        };
        Inventory {
            allowed: 0,
            index: ".residuum".into(),
            made: "2026-09-30T12:00:00Z".into(),
            scans: vec![ScanLine {
                started: "2026-09-30T11:00:00Z".into(),
                ended: Some("2026-09-30T11:00:02Z".into()),
                sources: vec!["crm".into()],
                sampled: false,
            }],
            sources: vec![
                SourceLine {
                    name: "crm".into(),
                    kind: "sqlite".into(),
                    objects: 2,
                    bytes: 9000,
                    records: 240,
                    findings: 258,
                },
                SourceLine {
                    name: "files".into(),
                    kind: "files".into(),
                    objects: 1,
                    bytes: 70,
                    records: 2,
                    findings: 1,
                },
            ],
            fields: vec![
                FieldLine {
                    source: "crm".into(),
                    object: "main.customers".into(),
                    field: "email".into(),
                    values: 240,
                    records: 240,
                    types: vec![found(Type::Email, 240, 240, 1.0)],
                    categories: vec![Category::A],
                    plan: "typed email".into(),
                    evidence: vec!["the name says `email`".into(), "200 of 200 values".into()],
                    ..FieldLine::default()
                },
                FieldLine {
                    source: "crm".into(),
                    object: "main.employees".into(),
                    field: "ssn".into(),
                    values: 18,
                    records: 18,
                    types: vec![found(Type::UsSsn, 18, 18, 1.0)],
                    categories: vec![Category::A, Category::B, Category::L],
                    sensitive: true,
                    plan: "typed ssn".into(),
                    ..FieldLine::default()
                },
                FieldLine {
                    source: "files".into(),
                    object: "notes/<script>alert(1)</script>, \"x\".txt".into(),
                    values: 2,
                    records: 2,
                    types: vec![found(Type::Email, 1, 1, 0.5)],
                    categories: vec![Category::A],
                    plan: "searched".into(),
                    ..FieldLine::default()
                },
            ],
            coverage: [(Coverage::Read, 3), (Coverage::Derived, 1), (Coverage::Unreadable, 1)].into(),
            ledger: vec![
                LedgerLine {
                    source: "crm".into(),
                    object: "main.big".into(),
                    state: Coverage::Derived,
                    reason: "a view".into(),
                },
                LedgerLine {
                    source: "files".into(),
                    object: "broken.zip".into(),
                    state: Coverage::Unreadable,
                    reason: "the archive ends early".into(),
                },
            ],
            changes: Changes { new: vec!["files: broken.zip".into()], ..Changes::default() },
        }
    }

    #[test]
    fn counts_are_by_category_and_type() {
        let inventory = sample();
        assert_eq!(inventory.findings_in("crm", Category::A), 258);
        assert_eq!(inventory.findings_in("crm", Category::L), 18);
        assert_eq!(inventory.findings_in("files", Category::L), 0);
        assert_eq!(inventory.by_type(), [(Type::Email, 241), (Type::UsSsn, 18)]);
        assert!(!inventory.is_complete());
    }
}
