//! The words of the California regulations for whom personal information comes from and whom it goes to, 11 CCR §7001,
//! and for the business purposes of the statute, Cal. Civ. Code §1798.140(e).
//!
//! The regulations name categories "with enough particularity to provide consumers with a meaningful understanding" of
//! who is meant, and let a business add its own. So any particular text is a category; what could be anybody (`partners`)
//! and what looks like a slip of the pen in one of theirs (`data broker's`) is refused with what would be right.

use std::fmt;

use serde::Deserialize;

/// A category of sources: persons or entities that personal information is collected from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct SourceCategory(String);

/// A category of recipients: whom personal information is sold to, shared with or disclosed to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct RecipientCategory(String);

/// What personal information is collected for, in the business's own words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Purpose(String);

/// A business purpose of §1798.140(e).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BusinessPurpose {
    /// (1) Auditing related to counting and verifying advertising impressions.
    Auditing,
    /// (2) Helping to ensure security and integrity.
    Security,
    /// (3) Debugging.
    Debugging,
    /// (4) Short-term, transient use.
    TransientUse,
    /// (5) Performing services on behalf of the business.
    Services,
    /// (6) Advertising and marketing, except cross-context behavioral advertising.
    Advertising,
    /// (7) Internal research for technological development.
    Research,
    /// (8) Verifying or maintaining quality or safety.
    Quality,
}

/// §7001, "categories of third parties"; the same are categories of sources.
const PARTIES: [&str; 7] = [
    "advertising networks",
    "internet service providers",
    "data analytics providers",
    "government entities",
    "operating systems and platforms",
    "social networks",
    "data brokers",
];

/// §7001, "categories of sources", names these besides.
const CONSUMER: &str = "the consumer directly";

/// Words that could mean anybody or anything.
const VAGUE: &[&str] = &[
    "affiliates",
    "business purposes",
    "companies",
    "entities",
    "etc",
    "external",
    "internal",
    "misc",
    "miscellaneous",
    "n/a",
    "none",
    "organisations",
    "organizations",
    "other",
    "other purposes",
    "others",
    "other sources",
    "partners",
    "business partners",
    "trusted partners",
    "providers",
    "recipients",
    "service providers",
    "sources",
    "suppliers",
    "tbd",
    "third parties",
    "third party",
    "todo",
    "unknown",
    "various",
    "vendors",
];

impl SourceCategory {
    /// The text that a disclosure gives.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl RecipientCategory {
    /// The text that a disclosure gives.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Purpose {
    /// The text that a disclosure gives.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl BusinessPurpose {
    /// What the statute calls it, shortened.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Auditing => "auditing of advertising impressions",
            Self::Security => "security and integrity",
            Self::Debugging => "debugging",
            Self::TransientUse => "short-term, transient use",
            Self::Services => "performing services",
            Self::Advertising => "advertising and marketing",
            Self::Research => "internal research",
            Self::Quality => "quality and safety",
        }
    }
}

impl TryFrom<String> for SourceCategory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if ["consumer", "consumers", "the consumer"].contains(&text.trim().to_lowercase().as_str()) {
            return Ok(Self(CONSUMER.to_owned()));
        }
        let known: Vec<_> = [CONSUMER].into_iter().chain(PARTIES).collect();
        particular(&text, &known, "category of sources").map(Self)
    }
}

impl TryFrom<String> for RecipientCategory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        particular(&text, &PARTIES, "category of recipients").map(Self)
    }
}

impl TryFrom<String> for Purpose {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.trim() {
            purpose if purpose.is_empty() || is_vague(purpose) => {
                Err(format!("the purpose `{purpose}` tells nobody anything; say what for, such as `fulfilling orders`"))
            }
            purpose => Ok(Self(purpose.to_owned())),
        }
    }
}

impl fmt::Display for SourceCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RecipientCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_vague(text: &str) -> bool {
    let text = text.to_lowercase().replace('-', " ");
    VAGUE.contains(&text.trim_end_matches(['.', '…']).trim())
}

/// A category: one of the regulations', or a text of the business's own that says who is meant.
fn particular(text: &str, known: &[&str], what: &str) -> Result<String, String> {
    let text = text.trim();
    let lower = text.to_lowercase();
    if let Some(name) = known.iter().find(|name| **name == lower) {
        return Ok((*name).to_owned());
    }
    if let Some(name) = known.iter().find(|name| edits(name, &lower) <= 2) {
        return Err(format!("`{text}` is no {what}; `{name}` is"));
    }
    if text.chars().filter(|c| c.is_alphabetic()).count() < 3 || is_vague(text) {
        let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        return Err(format!(
            "`{text}` is not particular enough for a {what} (11 CCR §7001): take {}, or say who is meant in words of your own",
            names.join(", ")
        ));
    }
    Ok(text.to_owned())
}

/// How many characters one must change, add or leave out to make one text of the other (Levenshtein).
pub(crate) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, d) in b.iter().enumerate() {
            let changed = before + usize::from(c != *d);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_the_regulations_or_particular() {
        for (text, name) in [
            ("Data Brokers", "data brokers"),
            ("consumer", "the consumer directly"),
            ("the consumer directly", "the consumer directly"),
            ("parcel carriers", "parcel carriers"),
            ("Larkspur Travel GmbH", "Larkspur Travel GmbH"),
        ] {
            assert_eq!(SourceCategory::try_from(text.to_owned()).unwrap().name(), name);
        }
        for (text, cure) in [
            ("data broker", "`data brokers` is"),
            ("goverment entities", "`government entities` is"),
            ("Third-Parties", "in words of your own"),
            ("partners", "`advertising networks`"),
            ("", "not particular enough"),
            ("x", "not particular enough"),
        ] {
            let error = RecipientCategory::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains(cure), "{text}: {error}");
        }
        assert!(Purpose::try_from(" TBD ".to_owned()).is_err());
        assert_eq!(Purpose::try_from(" fraud prevention ".to_owned()).unwrap().name(), "fraud prevention");
    }
}
