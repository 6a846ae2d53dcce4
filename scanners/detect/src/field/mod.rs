//! Fields: which columns hold what, by name, by values and by what the source says of them.
//!
//! A [`FieldPlan`] is made from a profile (names and the values of one batch), committed with the scan, and
//! tells how every value of that field is treated. It holds names, counts and rates, never a value.

mod likeness;
mod name;
mod plan;
mod refusal;
#[cfg(test)]
mod tests;
mod values;

use serde::{Deserialize, Serialize};

pub(crate) use plan::Fields;
pub(crate) use refusal::Refusal;
pub(crate) use values::{Reading, read};

/// How the values of one field are treated.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct FieldPlan {
    /// The field's name.
    pub field: String,
    /// What is done with its values.
    pub treatment: Treatment,
    /// How sure a value that reads as the rule's type is one, in thousandths.
    pub confidence: u16,
    /// The rule that the name suggests, where the values do not bear it out.
    pub hint: Option<String>,
    /// Whether dates whose order would be a guess are read day first, because other values of the field are so.
    #[serde(default)]
    pub day_first: bool,
    /// What speaks for the treatment: names, counts, rates; never values.
    pub evidence: Vec<String>,
}

/// What is done with the values of a field.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub enum Treatment {
    /// Every value that reads as this rule's type is one; the others are searched as text.
    Typed(String),
    /// Every value is searched as text.
    Search,
    /// Values are not examined, for this sound reason.
    Skip(String),
}

impl FieldPlan {
    /// A plan to search a field as text.
    pub fn search(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            treatment: Treatment::Search,
            confidence: 0,
            hint: None,
            day_first: false,
            evidence: Vec::new(),
        }
    }
}
