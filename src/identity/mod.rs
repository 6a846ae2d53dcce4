//! From a consumer's identifiers to locations.
//!
//! By default only the identifiers supplied and the declared keys lead anywhere. A weak identifier (a name, a
//! ZIP code, an address of a network) never links alone, and one that stands with several people links nobody:
//! giving one person another's data is a breach.

pub(crate) mod claim;
mod expand;
mod find;
mod inclusion;
pub mod links;
pub(crate) mod mention;
mod person;
mod probes;
mod records;
pub(crate) mod roles;
mod shared;
mod subject;
mod words;

pub use expand::{Candidate, candidates};
pub use find::{FindOptions, FindSummary, Location, find};
pub use subject::{Identifier, InvalidIdentifier, Subject, read_subjects};
pub(crate) use subject::{decode_digest, rows as csv_rows};
