//! What the index has found, field by field: what the map must account for.

use std::collections::{BTreeMap, BTreeSet};

use residuum_detect::{Category, RuleSet, Type};

use crate::index::{IndexError, Reader, display};

/// A field that holds personal information.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// The source, as outputs show it.
    pub source: String,
    /// The object, as outputs show it.
    pub object: String,
    /// The field, as outputs show it; empty for running text.
    pub field: String,
    /// Findings by type, the most frequent first.
    pub types: Vec<(Type, u64)>,
    /// Findings.
    pub findings: u64,
    /// Categories of the statute, by the rules that found something.
    pub categories: Vec<Category>,
    /// Findings of sensitive personal information, §1798.140(ae).
    pub sensitive: u64,
}

/// The fields in which something was found that the statute has a category for, by source, object and field. Keys do not
/// count, nor do dates that are nobody's birth.
///
/// # Errors
/// When the index cannot be read.
pub fn holdings(reader: &Reader, rules: &RuleSet) -> Result<Vec<Holding>, IndexError> {
    let mut all = Vec::new();
    for info in reader.fields()? {
        let mut types = BTreeMap::<Type, u64>::new();
        let (mut categories, mut sensitive) = (BTreeSet::new(), 0);
        for found in info.types.iter().filter(|found| found.kind != Type::Key && found.n_values > 0) {
            *types.entry(found.kind).or_default() += found.n_values;
            let of_rule = rules.get(&found.rule).map_or(found.kind.categories(), |rule| &rule.categories);
            sensitive += if of_rule.contains(&Category::L) { found.n_values } else { 0 };
            categories.extend(of_rule);
        }
        if categories.is_empty() {
            continue;
        }
        let mut types: Vec<_> = types.into_iter().collect();
        types.sort_by_key(|&(kind, n)| (std::cmp::Reverse(n), kind.name()));
        all.push(Holding {
            source: display(&info.source),
            object: display(&info.object),
            field: display(&info.field),
            findings: types.iter().map(|(_, n)| n).sum(),
            sensitive,
            categories: categories.into_iter().collect(),
            types,
        });
    }
    all.sort_by(|a, b| (&a.source, &a.object, &a.field).cmp(&(&b.source, &b.object, &b.field)));
    Ok(all)
}
