//! Rules as data: what is looked for, how, under which field names, and the proof that it is found.
//!
//! A rule names a recogniser of the detector (`email`, `card`), or brings a pattern or a dictionary of its own;
//! everything else is the same for all: type, categories, context words, field names, examples. The pack in
//! `rules/` is embedded; a user's folder extends or overrides it. Compiling is the detector's business.

mod check;
mod error;
mod parse;

use std::collections::BTreeMap;
use std::path::Path;

pub use check::RuleProblem;
pub use error::RuleError;

use crate::{Category, Type};

include!(concat!(env!("OUT_DIR"), "/pack.rs"));

/// A set of rules, in the order in which they were declared.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

/// One thing to look for.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name by which findings, plans and overrides refer to it.
    pub id: String,
    /// What it finds.
    pub kind: Type,
    /// A narrower kind, such as `uk_nino` for a national identity number.
    pub subtype: Option<String>,
    /// What it finds, in a sentence.
    pub description: String,
    /// The statute, standard or document that defines it.
    pub reference: String,
    /// Categories of Cal. Civ. Code §1798.140(v)(1) that a finding falls into.
    pub categories: Vec<Category>,
    /// How much harm disclosure does.
    pub sensitivity: Sensitivity,
    /// Whether it is sensitive personal information, §1798.140(ae).
    pub sensitive: bool,
    /// How it is found in running text.
    pub finder: Finder,
    /// A check, by name, that what a pattern or dictionary found must also pass: see [`crate::validate::by_name`].
    pub validator: Option<String>,
    /// How sure a finding in text is without any context, in thousandths.
    pub confidence: u16,
    /// Words that make a finding likelier, or without which it is none.
    pub context: Option<Context>,
    /// Field names under which it is expected, and how values are judged there.
    pub field: FieldHints,
    /// Text in which it must find exactly this.
    pub examples: Vec<Example>,
    /// Text in which it must find nothing.
    pub counterexamples: Vec<String>,
    /// Columns that must be planned as this rule, or must not.
    pub field_examples: Vec<FieldExample>,
}

/// How much harm disclosure does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sensitivity {
    /// Little by itself.
    Low,
    /// Some: it reaches or describes a person.
    Medium,
    /// Much: it opens accounts, or is sensitive by statute.
    High,
}

/// How a rule finds things in running text.
#[derive(Clone, PartialEq, Debug)]
pub enum Finder {
    /// A recogniser built into the detector, by name.
    Recogniser(String),
    /// A regular expression; a group named `value`, if there is one, is what is found.
    Pattern(String),
    /// Words, found whole and in any case.
    Dictionary(Vec<String>),
    /// Not at all: only fields are recognised, by name and values.
    FieldOnly,
}

/// Words near a candidate.
#[derive(Clone, PartialEq, Debug)]
pub struct Context {
    /// The words, lower case; a word of several is given with single spaces.
    pub words: Vec<String>,
    /// How many bytes before the candidate they may stand; after it, half as many.
    pub near: usize,
    /// What a word adds to the confidence, in thousandths.
    pub weight: u16,
    /// Whether a candidate without any of the words is none.
    pub required: bool,
}

/// Field names under which a rule is expected, and how values are judged there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FieldHints {
    /// Words of the name in order, joined by `_`; `@role` is any role of a person. Marks before it: `=` asks for the
    /// whole name, `?` for a person's other fields beside it, `~` for values that speak for it, too.
    pub names: Vec<String>,
    /// Words that speak against it, wherever they stand in the name.
    pub unless: Vec<String>,
    /// Share of values, in thousandths, that must be plausible under such a name.
    pub rate: u16,
    /// Share of values, in thousandths, that types a field whatever its name; 0 where values alone prove nothing.
    pub alone: u16,
    /// How a value is read: `standard` (the type's standard form), `anything`, a validator, a list, or the rule's pattern.
    pub values: ValueForm,
}

/// How values are judged in a field typed by a rule.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum ValueForm {
    /// A value is one if the type's standard form can be had from it.
    #[default]
    Standard,
    /// Every value is one.
    Anything,
    /// A value is one if the validator of this name accepts it.
    Validator(String),
    /// A value is one if the rule's pattern matches all of it and its validator accepts it.
    Pattern,
    /// A value is one if it stands in this list, compared in the type's standard form.
    List(Vec<String>),
}

/// Text with what a rule must find in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    /// The text.
    pub text: String,
    /// What it must find, in order.
    pub finds: Vec<String>,
    /// The standard form of the first find, where the example states it.
    pub standard: Option<String>,
}

/// A column with how it must be planned.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldExample {
    /// The object (table) it belongs to.
    pub object: String,
    /// Its name.
    pub field: String,
    /// Names of columns beside it.
    pub beside: Vec<String>,
    /// Its values.
    pub values: Vec<String>,
    /// Whether it must be planned as this rule, or must not.
    pub typed: bool,
}

impl RuleSet {
    /// The pack that comes with the program.
    ///
    /// # Panics
    /// If the embedded pack is malformed, which the tests exclude.
    pub fn builtin() -> Self {
        let mut set = Self { rules: Vec::new() };
        let file = |name: &str| PACK.iter().find(|(n, _)| *n == name).map(|(_, text)| (*text).to_owned());
        for (name, text) in PACK.iter().filter(|(name, _)| name.ends_with(".toml")) {
            set = set.extend_from_text(name, text, &file).expect("the embedded pack is checked by the tests");
        }
        set
    }

    /// A set without rules, to be extended.
    pub const fn empty() -> Self {
        Self { rules: Vec::new() }
    }

    /// Adds the rules in a folder of `.toml` files, in the order of their names.
    ///
    /// A rule with an `id` that exists replaces it; `disable = true` removes it.
    ///
    /// # Errors
    /// [`RuleError`] naming the file and the rule.
    pub fn extend_from_dir(mut self, folder: &Path) -> Result<Self, RuleError> {
        let mut files = BTreeMap::new();
        parse::collect(folder, folder, &mut files)?;
        let lists = files.clone();
        for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".toml")) {
            self = self.extend_from_text(name, text, &|list| lists.get(list).cloned())?;
        }
        Ok(self)
    }

    /// Adds the rules of one file; `list` gives the text of the word lists it may name.
    ///
    /// # Errors
    /// [`RuleError`] naming the file and the rule.
    pub fn extend_from_text(
        mut self,
        name: &str,
        text: &str,
        list: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RuleError> {
        for change in parse::file(name, text, list)? {
            match change {
                parse::Change::Put(rule) => match self.rules.iter_mut().find(|r| r.id == rule.id) {
                    Some(old) => *old = *rule,
                    None => self.rules.push(*rule),
                },
                parse::Change::Remove(id) => {
                    if !self.rules.iter().any(|r| r.id == id) {
                        return Err(RuleError::NothingToDisable { file: name.to_owned(), rule: id });
                    }
                    self.rules.retain(|r| r.id != id);
                }
            }
        }
        Ok(self)
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// Runs every example and counter-example through the real detector.
    pub fn check(&self) -> Vec<RuleProblem> {
        check::check(self)
    }
}
