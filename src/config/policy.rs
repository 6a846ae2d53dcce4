//! What erasure does with what it finds, and what is kept: `[[erase]]` and `[[retain]]`.

use globset::{Glob, GlobMatcher};
use residuum_detect::{Category, Type};
use serde::Deserialize;

use super::ConfigError;

/// What is done with data that are to be erased.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The record goes: a row, a line, an element.
    Delete,
    /// Where a format's records cannot go one by one, the file, the stored object or the member of an archive goes, with
    /// everything in it; elsewhere as [`Strategy::Delete`].
    DeleteObject,
    /// Values become null, or empty where the format has no null.
    Null,
    /// Values become a text.
    Constant,
    /// Values become a text that is the same wherever the same value stood in this run, under a key that is destroyed
    /// at its end.
    Pseudonym,
    /// Letters become `x`, digits `0`; length and punctuation stay.
    Mask,
    /// What identifies goes, with the keys that lead back; dates of birth keep the year, postal codes three digits.
    Deidentify,
}

impl Strategy {
    /// The name used in the configuration and in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::DeleteObject => "delete-object",
            Self::Null => "null",
            Self::Constant => "constant",
            Self::Pseudonym => "pseudonym",
            Self::Mask => "mask",
            Self::Deidentify => "deidentify",
        }
    }

    /// Whether the record is there no longer afterwards.
    pub const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteObject)
    }
}

/// A rule for data that are to be erased. The first that fits counts.
#[derive(Clone, Debug)]
pub struct EraseRule {
    /// What it is about.
    pub scope: PolicyScope,
    /// What is done.
    pub strategy: Strategy,
    /// The text of [`Strategy::Constant`].
    pub value: String,
}

/// Data that are kept though they were to be erased, with the exception that allows it (Cal. Civ. Code § 1798.105(d),
/// § 1798.145) or the hold that demands it.
#[derive(Clone, Debug)]
pub struct Retention {
    /// What it is about.
    pub scope: PolicyScope,
    /// The tag of the exception, such as `105d8_legal`, or `hold`.
    pub exception: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// Last day it holds, `YYYY-MM-DD`; forever without.
    pub until: Option<String>,
}

/// Which data a policy is about; what is not said is not asked for.
#[derive(Clone, Debug, Default)]
pub struct PolicyScope {
    /// The source's name.
    pub source: Option<String>,
    /// Over the object's name.
    pub object: Option<GlobMatcher>,
    /// Over the field's name or path.
    pub field: Option<GlobMatcher>,
    /// The type found.
    pub kind: Option<Type>,
    /// The category found.
    pub category: Option<Category>,
}

impl PolicyScope {
    /// Whether it is about whole records rather than about certain values in them.
    pub fn is_about_records(&self) -> bool {
        self.field.is_none() && self.kind.is_none() && self.category.is_none()
    }

    /// Whether an object lies in it.
    pub fn has_object(&self, source: &str, object: &str) -> bool {
        self.source.as_ref().is_none_or(|of| of == source) && self.object.as_ref().is_none_or(|of| of.is_match(object))
    }

    /// Whether a value lies in it, its object being known to.
    pub fn has_value(&self, field: &str, kind: Type, categories: &[Category]) -> bool {
        self.field.as_ref().is_none_or(|of| of.is_match(field))
            && self.kind.is_none_or(|of| of == kind)
            && self.category.is_none_or(|of| categories.contains(&of))
    }
}

/// Tags of the exceptions: those of § 1798.105(d) in its text since 2023, the exemptions of § 1798.145 and § 1798.146,
/// and a legal hold.
pub const EXCEPTIONS: [&str; 11] = [
    "105d1_transaction",
    "105d2_security",
    "105d3_debug",
    "105d4_speech",
    "105d5_calecpa",
    "105d6_research",
    "105d7_internal",
    "105d8_legal",
    "145_exempt",
    "146_health",
    "hold",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeFile {
    pub source: Option<String>,
    pub object: Option<String>,
    pub field: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub category: Option<String>,
}

/// `[[erase]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EraseFile {
    source: Option<String>,
    object: Option<String>,
    field: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    category: Option<String>,
    strategy: Strategy,
    value: Option<String>,
}

/// `[[retain]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetainFile {
    source: Option<String>,
    object: Option<String>,
    field: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    category: Option<String>,
    exception: String,
    reason: String,
    approved_by: String,
    until: Option<String>,
}

impl EraseFile {
    pub(super) fn resolve(self) -> Result<EraseRule, ConfigError> {
        let Self { source, object, field, kind, category, strategy, value } = self;
        let place = format!("the `[[erase]]` with strategy `{}`", strategy.name());
        let wrong = |reason: &str| ConfigError::Value { place: place.clone(), reason: reason.to_owned() };
        let scope = ScopeFile { source, object, field, kind, category }.resolve(&place)?;
        if strategy.deletes() && !scope.is_about_records() {
            return Err(wrong("whole records are deleted: leave out `field`, `type` and `category`, or take `null`"));
        }
        if value.is_some() != (strategy == Strategy::Constant) {
            return Err(wrong("`value` is the text of strategy `constant`, and only of that"));
        }
        Ok(EraseRule { scope, strategy, value: value.unwrap_or_default() })
    }
}

impl RetainFile {
    pub(super) fn resolve(self) -> Result<Retention, ConfigError> {
        let Self { source, object, field, kind, category, exception, reason, approved_by, until } = self;
        let place = format!("the `[[retain]]` with exception `{exception}`");
        let scope = ScopeFile { source, object, field, kind, category }.resolve(&place)?;
        let value = |reason: String| ConfigError::Value { place: place.clone(), reason };
        if !EXCEPTIONS.contains(&exception.as_str()) {
            return Err(value(format!("`exception` is one of {}", EXCEPTIONS.join(", "))));
        }
        check_approval(&place, &reason, &approved_by, until.as_deref())?;
        Ok(Retention { scope, exception, reason, approved_by, until })
    }
}

/// Whether a policy says who approved it, why, and until when.
pub(super) fn check_approval(
    place: &str,
    reason: &str,
    approved_by: &str,
    until: Option<&str>,
) -> Result<(), ConfigError> {
    let wrong = |reason: &str| Err(ConfigError::Value { place: place.to_owned(), reason: reason.to_owned() });
    if until.is_some_and(|until| until.parse::<super::Day>().is_err()) {
        return wrong("`until` is the last day it holds, written like `2033-12-31`");
    }
    if reason.trim().is_empty() || approved_by.trim().is_empty() {
        return wrong("`reason` and `approved_by` say why and who: neither is empty");
    }
    Ok(())
}

impl ScopeFile {
    pub(super) fn resolve(self, place: &str) -> Result<PolicyScope, ConfigError> {
        let value = |reason: String| ConfigError::Value { place: place.to_owned(), reason };
        let glob = |text: Option<String>| {
            let made = text.map(|text| Glob::new(&text)).transpose();
            made.map(|glob| glob.map(|glob| glob.compile_matcher())).map_err(|error| value(error.to_string()))
        };
        let kind = self.kind.map(|name| {
            Type::from_name(&name).ok_or_else(|| value(format!("`{name}` is no type: `residuum rules list` has them")))
        });
        let category = self.category.map(|letter| {
            Category::from_letter(&letter)
                .ok_or_else(|| value(format!("`{letter}` is no category: they are the letters A to L")))
        });
        Ok(PolicyScope {
            source: self.source,
            object: glob(self.object)?,
            field: glob(self.field)?,
            kind: kind.transpose()?,
            category: category.transpose()?,
        })
    }
}
