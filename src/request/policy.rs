//! Which strategy a record or a value gets, and what is retained.

use residuum_detect::{Category, Type};
use residuum_source::RecordKind;

use crate::config::{Config, EraseRule, Retention, Strategy};
use crate::index::Finding;

/// The owner's rules of erasure, as of today.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    erase: Vec<EraseRule>,
    retain: Vec<Retention>,
}

/// What stands there after a value was taken out of a longer text.
pub(super) const ERASED: &str = "[erased]";

/// How one value is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Replacement<'p> {
    pub strategy: Strategy,
    /// The text of [`Strategy::Constant`].
    pub text: &'p str,
}

impl Policy {
    /// The rules of a configuration; a retention whose last day is over holds no longer.
    pub fn new(config: &Config) -> Self {
        let today = crate::clock::today();
        let holds = |retention: &&Retention| retention.until.as_deref().is_none_or(|until| until >= today.as_str());
        Self { erase: config.erase.clone(), retain: config.retain.iter().filter(holds).cloned().collect() }
    }

    /// The retention under which something that was found is kept.
    pub fn keeps(&self, finding: &Finding) -> Option<&Retention> {
        let at = At {
            source: &finding.source,
            object: &finding.object,
            field: &finding.field,
            kind: finding.kind,
            categories: finding.kind.categories(),
        };
        self.retained(&finding.source, &finding.object).or_else(|| self.retained_value(&at))
    }

    /// The retention under which whole records of an object are kept.
    pub(super) fn retained(&self, source: &str, object: &str) -> Option<&Retention> {
        self.retain.iter().find(|of| of.scope.is_about_records() && of.scope.has_object(source, object))
    }

    /// Whether anything is kept under this exception.
    pub(super) fn has_exception(&self, exception: &str) -> bool {
        self.retain.iter().any(|of| of.exception == exception)
    }

    /// Whether anything is kept at all.
    pub fn retains(&self) -> bool {
        !self.retain.is_empty()
    }

    /// Whether certain values of an object's records are kept, so that the records cannot go.
    pub(super) fn retains_values(&self, source: &str, object: &str) -> bool {
        self.retained_within(source, object).is_some()
    }

    /// A retention under which values of an object's records are kept.
    pub(super) fn retained_within(&self, source: &str, object: &str) -> Option<&Retention> {
        self.retain.iter().find(|of| !of.scope.is_about_records() && of.scope.has_object(source, object))
    }

    /// The retention under which a value is kept.
    pub(super) fn retained_value(&self, at: &At<'_>) -> Option<&Retention> {
        self.retain.iter().find(|of| of.scope.has_object(at.source, at.object) && at.lies_in(&of.scope))
    }

    /// What the owner wants done with whole records of an object, if anything was said.
    pub(super) fn of_records(&self, source: &str, object: &str) -> Option<Strategy> {
        let fits = |rule: &&EraseRule| rule.scope.is_about_records() && rule.scope.has_object(source, object);
        self.erase.iter().find(fits).map(|rule| rule.strategy)
    }

    /// How a value in a record that stays is replaced. Without a rule it becomes null, if it is all that its field
    /// holds, and a mark in a longer text.
    pub(super) fn of_value(&self, at: &At<'_>) -> Replacement<'_> {
        let fits = |rule: &&EraseRule| {
            !rule.strategy.deletes() && rule.scope.has_object(at.source, at.object) && at.lies_in(&rule.scope)
        };
        match self.erase.iter().find(fits) {
            Some(rule) => Replacement { strategy: rule.strategy, text: &rule.value },
            None => Replacement { strategy: Strategy::Null, text: ERASED },
        }
    }
}

/// A value that is to be erased.
pub(super) struct At<'a> {
    pub source: &'a str,
    pub object: &'a str,
    pub field: &'a str,
    pub kind: Type,
    pub categories: &'a [Category],
}

impl At<'_> {
    fn lies_in(&self, scope: &crate::config::PolicyScope) -> bool {
        scope.has_value(self.field, self.kind, self.categories)
    }
}

/// Whether records of this kind are things of their own, that can go without what stands around them.
pub(super) const fn can_go(kind: RecordKind) -> bool {
    !matches!(kind, RecordKind::Document | RecordKind::Part | RecordKind::Page)
}
