//! What the two catalogues have in common: the tags, what they call things, and what cannot be named to them.
//!
//! Tags say the type itself (`EMAIL`) and its category of the statute, not just "sensitive": who looks at a column wants
//! to know what is in it. Only categories and types that were found anywhere become tags.

use std::collections::{BTreeMap, BTreeSet};

use residuum_detect::{Category, Type};

use super::Account;
use crate::map::Holding;

/// What a catalogue calls the sources.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By source, its kind and what stands in the catalogue before an object's name.
    pub sources: BTreeMap<String, Known>,
}

/// What a catalogue calls one source.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The kind of source: `postgres`, `mysql`, `sqlite`, `files`, `s3`, …
    pub kind: String,
    /// What the owner says stands before an object's name; otherwise what is usual for the kind.
    pub prefix: Option<String>,
    /// The database of the URL, for those that have one.
    pub database: Option<String>,
}

/// What was left out of an export, for whoever tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Left {
    /// Fields of objects or with names that are sealed, which the catalogue cannot know.
    pub sealed: u64,
    /// Fields that are no column of a table in the catalogue.
    pub no_column: u64,
}

impl Known {
    /// Whether it is a database with tables.
    pub(super) fn is_database(&self) -> bool {
        ["postgres", "mysql", "sqlite"].contains(&self.kind.as_str())
    }
}

/// The tags of a holding.
pub(super) fn tags(holding: &Holding) -> (&[Category], impl Iterator<Item = Type>) {
    (&holding.categories, holding.types.iter().map(|(kind, _)| *kind))
}

/// All tags there are.
pub(super) fn all(account: &Account<'_>) -> (BTreeSet<Category>, BTreeSet<Type>) {
    let categories = account.holdings.iter().flat_map(|holding| holding.categories.iter().copied());
    let types = account.holdings.iter().flat_map(|holding| holding.types.iter().map(|(kind, _)| *kind));
    (categories.collect(), types.collect())
}

/// What a type is, in words: its name with spaces.
pub(super) fn words(kind: Type) -> String {
    kind.name().replace('_', " ").to_lowercase()
}

/// Whether a part of a name is sealed, as outputs show it.
pub(super) fn is_sealed(name: &str) -> bool {
    name.contains('⟨')
}
