//! From TOML text to rules: the file format of `rules/README.md`, with errors that say what would be right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Context, Example, FieldExample, FieldHints, Finder, Rule, RuleError, Sensitivity, ValueForm};
use crate::{Category, Type, validate};

/// What a file asks for.
pub(super) enum Change {
    Put(Box<Rule>),
    Remove(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    id: String,
    #[serde(default)]
    disable: bool,
    r#type: Option<String>,
    subtype: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    reference: String,
    categories: Option<Vec<String>>,
    sensitivity: Option<String>,
    recogniser: Option<String>,
    pattern: Option<String>,
    dictionary: Option<Vec<String>>,
    dictionary_file: Option<String>,
    validator: Option<String>,
    confidence: Option<f64>,
    context: Option<ContextText>,
    #[serde(default)]
    field: FieldText,
    #[serde(default)]
    examples: Vec<ExampleText>,
    #[serde(default)]
    counterexamples: Vec<String>,
    #[serde(default)]
    field_examples: Vec<FieldExampleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextText {
    words: Vec<String>,
    near: Option<usize>,
    weight: Option<f64>,
    #[serde(default)]
    required: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FieldText {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    rate: Option<f64>,
    alone: Option<f64>,
    values: Option<String>,
    list: Option<Vec<String>>,
    list_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExampleText {
    text: String,
    finds: Vec<String>,
    standard: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldExampleText {
    #[serde(default)]
    object: String,
    field: String,
    #[serde(default)]
    beside: Vec<String>,
    values: Vec<String>,
    #[serde(default = "yes")]
    typed: bool,
}

fn yes() -> bool {
    true
}

/// Reads every `.toml` and `.txt` file below a folder, keyed by its path in the folder.
pub(super) fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<(), RuleError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| RuleError::Unreadable { path, source }
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "toml" || e == "txt") {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.insert(name, text);
        }
    }
    Ok(())
}

/// Reads one file.
pub(super) fn file(name: &str, text: &str, list: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Change>, RuleError> {
    let parsed: FileText = toml::from_str(text).map_err(|e| RuleError::Malformed {
        file: name.to_owned(),
        message: e.to_string().trim().replace('\n', " "),
    })?;
    let change = |rule: RuleText| {
        if rule.disable {
            return Ok(Change::Remove(rule.id));
        }
        let id = rule.id.clone();
        convert(rule, &|list_name| words(name, list_name, list))
            .map(|rule| Change::Put(Box::new(rule)))
            .map_err(|message| RuleError::Invalid { file: name.to_owned(), rule: id, message })
    };
    parsed.rule.into_iter().map(change).collect()
}

/// A word list beside the file, or named from the root: one word a line, `#` begins a comment.
fn words(file: &str, name: &str, list: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
    let beside = file.rsplit_once('/').map(|(folder, _)| format!("{folder}/{name}"));
    let text = beside.and_then(|n| list(&n)).or_else(|| list(name));
    let text = text.ok_or_else(|| format!("there is no word list `{name}` beside the rule file"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn convert(rule: RuleText, list: &dyn Fn(&str) -> Result<Vec<String>, String>) -> Result<Rule, String> {
    let well_formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    if rule.id.is_empty() || !rule.id.chars().all(well_formed) {
        return Err("an `id` consists of lower-case letters, digits, `_` and `.`".to_owned());
    }
    let kind = rule.r#type.as_deref().ok_or("`type` is missing")?;
    let kind =
        Type::from_name(kind).ok_or_else(|| format!("`{kind}` is not a type: `residuum rules list` shows them"))?;
    let categories = match rule.categories {
        None => kind.categories().to_vec(),
        Some(letters) => letters.iter().map(|l| category(l)).collect::<Result<_, _>>()?,
    };
    let sensitive = categories.contains(&Category::L);
    let sensitivity = match rule.sensitivity.as_deref() {
        Some("low") => Sensitivity::Low,
        Some("medium") => Sensitivity::Medium,
        Some("high") => Sensitivity::High,
        Some(other) => return Err(format!("`{other}` is not a sensitivity: `low`, `medium` or `high`")),
        None if sensitive => Sensitivity::High,
        None if categories.is_empty() => Sensitivity::Low,
        None => Sensitivity::Medium,
    };
    let dictionary = match (rule.dictionary, rule.dictionary_file) {
        (None, None) => None,
        (Some(words), None) => Some(words),
        (None, Some(name)) => Some(list(&name)?),
        (Some(_), Some(_)) => return Err("give `dictionary` or `dictionary_file`, not both".to_owned()),
    };
    let finder = match (rule.recogniser, rule.pattern, dictionary) {
        (Some(name), None, None) => Finder::Recogniser(name),
        (None, Some(pattern), None) => {
            // Only its grammar: it is compiled when a text or a field first needs it.
            let mut grammar = regex_syntax::ParserBuilder::new().utf8(false).unicode(!pattern.is_ascii()).build();
            grammar.parse(&pattern).map_err(|e| format!("`pattern` is not a regular expression: {e}"))?;
            Finder::Pattern(pattern)
        }
        (None, None, Some(words)) if words.is_empty() => return Err("the dictionary is empty".to_owned()),
        (None, None, Some(words)) => Finder::Dictionary(words),
        (None, None, None) => Finder::FieldOnly,
        _ => return Err("give one of `recogniser`, `pattern` and `dictionary`".to_owned()),
    };
    if let Some(name) = &rule.validator {
        known_validator(name)?;
    }
    let context = rule.context.map(context).transpose()?;
    let field = field(rule.field, &finder, list)?;
    if matches!(finder, Finder::FieldOnly) && field.names.is_empty() && field.alone == 0 {
        return Err("nothing is looked for: give `recogniser`, `pattern`, `dictionary` or `field.names`".to_owned());
    }
    let example = |e: ExampleText| Example { text: e.text, finds: e.finds, standard: e.standard };
    let field_example = |e: FieldExampleText| FieldExample {
        object: e.object,
        field: e.field,
        beside: e.beside,
        values: e.values,
        typed: e.typed,
    };
    Ok(Rule {
        id: rule.id,
        kind,
        subtype: rule.subtype,
        description: rule.description,
        reference: rule.reference,
        categories,
        sensitivity,
        sensitive,
        finder,
        validator: rule.validator,
        confidence: thousandths("confidence", rule.confidence.unwrap_or(0.9))?,
        context,
        field,
        examples: rule.examples.into_iter().map(example).collect(),
        counterexamples: rule.counterexamples,
        field_examples: rule.field_examples.into_iter().map(field_example).collect(),
    })
}

fn category(letter: &str) -> Result<Category, String> {
    Category::from_letter(letter).ok_or_else(|| format!("`{letter}` is not a category: give the letters `A` to `L`"))
}

fn context(text: ContextText) -> Result<Context, String> {
    if text.words.is_empty() {
        return Err("`context.words` is empty".to_owned());
    }
    Ok(Context {
        words: text.words.iter().map(|w| w.to_lowercase()).collect(),
        near: text.near.unwrap_or(40),
        weight: thousandths("context.weight", text.weight.unwrap_or(0.3))?,
        required: text.required,
    })
}

fn field(
    text: FieldText,
    finder: &Finder,
    list: &dyn Fn(&str) -> Result<Vec<String>, String>,
) -> Result<FieldHints, String> {
    let listed = match (text.list, text.list_file) {
        (Some(words), None) => Some(words),
        (None, Some(name)) => Some(list(&name)?),
        (None, None) => None,
        _ => return Err("give `field.list` or `field.list_file`, not both".to_owned()),
    };
    let values = match (text.values.as_deref(), listed) {
        (None | Some("list"), Some(words)) => ValueForm::List(words),
        (None, None) if matches!(finder, Finder::Pattern(_)) => ValueForm::Pattern,
        (None, None) => match finder {
            Finder::Dictionary(words) => ValueForm::List(words.clone()),
            _ => ValueForm::Standard,
        },
        (Some("standard"), None) => ValueForm::Standard,
        (Some("anything"), None) => ValueForm::Anything,
        (Some("pattern"), None) if matches!(finder, Finder::Pattern(_)) => ValueForm::Pattern,
        (Some("pattern"), None) => return Err("`field.values = \"pattern\"` needs a `pattern`".to_owned()),
        (Some(name), None) => {
            known_validator(name)?;
            ValueForm::Validator(name.to_owned())
        }
        (Some(_), Some(_)) => return Err("give `field.values` or a list, not both".to_owned()),
    };
    Ok(FieldHints {
        names: text.names.iter().map(|n| n.to_lowercase()).collect(),
        unless: text.unless.iter().map(|n| n.to_lowercase()).collect(),
        rate: thousandths("field.rate", text.rate.unwrap_or(0.5))?,
        alone: thousandths("field.alone", text.alone.unwrap_or(0.0))?,
        values,
    })
}

fn known_validator(name: &str) -> Result<(), String> {
    let known = validate::by_name(name).map(|_| ());
    known.ok_or_else(|| format!("there is no validator `{name}`: they are {}", validate::NAMES.join(", ")))
}

fn thousandths(name: &str, value: f64) -> Result<u16, String> {
    if (0.0..=1.0).contains(&value) {
        return Ok((value * 1000.0).round() as u16);
    }
    Err(format!("`{name}` is a number from 0 to 1"))
}
