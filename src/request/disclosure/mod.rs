//! The right to know: what is held of a person, fetched from the sources as it is now (Cal. Civ. Code § 1798.110, § 1798.130;
//! 11 CCR § 7024).
//!
//! ```text
//! gather.rs    places in the index → records as they are now → what may be shown
//! current.rs   an object of the index → its records as they are now; held.rs: what is held of them
//! standing.rs  the role in which the person stands in a record
//! fetched.rs   a source → records, pieces joined; look.rs: what stands where in them
//! whose.rs     theirs or another's; joint.rs: of several holders
//! withheld.rs  what is never shown, by value; named.rs: by name; redact.rs, literals.rs: taking it out
//! encoded.rs   a word → what stands in it encoded
//! show.rs      a record → its values
//! category.rs  names → categories; window.rs: the day of collection; answer.rs: the six groups
//! package.rs   a disclosure → files; page.rs: the page
//! check.rs     files → what of them may not be released; write.rs: files → a directory or an archive
//! ```
//!
//! A package holds values, and is the only thing here that does: nothing is written before it has been checked, nothing
//! under its name before it is complete.

mod answer;
mod category;
mod check;
mod current;
mod encoded;
mod fetched;
mod gather;
mod held;
mod joint;
mod literals;
mod look;
mod model;
mod named;
mod package;
mod page;
mod redact;
mod show;
mod standing;
#[cfg(test)]
mod tests;
mod whose;
mod window;
mod withheld;
mod write;

pub(super) use fetched::fetch;
pub(super) use look::{KeyWanted, look};

pub use answer::{Answer, CategoryAnswer, Told};
pub use check::{Leak, leaks};
pub use gather::{Discloser, Scope};
pub use model::{ContestedField, DisclosedObject, DisclosedRecord, DisclosedValue, Disclosure, Fate, Placed};
pub use package::{PackageFile, files};
pub use window::EARLIEST;
pub use withheld::Withheld;
pub use write::{WriteError, may_be_made, write};
