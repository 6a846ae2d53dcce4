//! Detection: rules compiled into one detector; text and fields to hits.
//!
//! No I/O, no locks, no keys, and nothing compiled or allocated per value in the hot loop. What comes in is
//! bytes (running text, or the values of a field); what goes out is [`Hit`]s with the value's standard form,
//! which the caller turns into a [`Fingerprint`] and forgets.

mod address;
pub mod base64;
mod detector;
mod dictionary;
mod field;
pub mod fingerprint;
mod hit;
mod kernel;
mod literal;
mod organization;
mod person;
mod rules;
mod run;
mod standard;
mod text;
mod types;
mod unwrap;
pub mod validate;

pub use detector::{Detector, Worker};
pub use field::{FieldPlan, Treatment};
pub use fingerprint::{Fingerprint, IndexKey, Scheme};
pub use hit::{Hit, RuleId};
pub use literal::{Literal, Literals};
pub use person::{first_last, last_first};
pub use rules::{
    Context, Example, FieldExample, FieldHints, Finder, Rule, RuleError, RuleProblem, RuleSet, Sensitivity, ValueForm,
};
pub use standard::{standard_form, write as write_standard_form};
pub use types::{Category, Type};
