//! Findings that the owner knows and has approved: `[[allow]]`. Reports leave them out; the index keeps them.

use std::fmt;
use std::path::{Path, PathBuf};

use residuum_detect::{Fingerprint, Type};
use residuum_source::Sensitive;
use serde::Deserialize;

use super::policy::ScopeFile;
use super::{ConfigError, PolicyScope};

/// Findings that are left out of reports until a day, with who approved it and why.
#[derive(Clone)]
pub struct Allowance {
    /// Where they stand, and their type.
    pub scope: PolicyScope,
    /// The rule that finds them.
    pub rule: Option<String>,
    /// Only these values, by their fingerprints under any live key of the index; all, if there is none of these and no
    /// value either.
    pub fingerprints: Vec<Fingerprint>,
    /// Only these values, in standard form.
    pub values: Vec<Sensitive<Vec<u8>>>,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// Last day it holds, `YYYY-MM-DD`; forever without.
    pub until: Option<String>,
}

impl Allowance {
    /// Whether it is about certain values only.
    pub fn is_about_values(&self) -> bool {
        !self.fingerprints.is_empty() || !self.values.is_empty()
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, rule, fingerprints, values, .. } = self;
        let (fingerprints, values) = (fingerprints.len(), values.len());
        write!(f, "Allowance {{ {scope:?}, rule: {rule:?}, {fingerprints} fingerprints, {values} values }}")
    }
}

/// `[[allow]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowFile {
    source: Option<String>,
    object: Option<String>,
    field: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    rule: Option<String>,
    #[serde(default)]
    fingerprints: Vec<String>,
    values_file: Option<PathBuf>,
    reason: String,
    approved_by: String,
    until: Option<String>,
}

impl AllowFile {
    pub(super) fn resolve(self, beside: &impl Fn(PathBuf) -> PathBuf) -> Result<Allowance, ConfigError> {
        let Self { source, object, field, kind, rule, fingerprints, values_file, reason, approved_by, until } = self;
        let place = format!("the `[[allow]]` with reason `{reason}`");
        let wrong = |reason: String| ConfigError::Value { place: place.clone(), reason };
        let said = [&source, &object, &field, &kind, &rule].into_iter().any(Option::is_some);
        if !said && fingerprints.is_empty() && values_file.is_none() {
            let scopes = "`source`, `object`, `field`, `type`, `rule`, `fingerprints` or `values_file`";
            return Err(wrong(format!("it would allow everything: say what it is about, by {scopes}")));
        }
        let scope = ScopeFile { source, object, field, kind, category: None }.resolve(&place)?;
        super::policy::check_approval(&place, &reason, &approved_by, until.as_deref())?;
        let fingerprint = |text: &String| {
            let wrong = || wrong(format!("`{text}` is no fingerprint: `residuum findings --fingerprints` prints them"));
            crate::keyfile::unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Fingerprint).ok_or_else(wrong)
        };
        let values = match values_file.map(beside) {
            None => Vec::new(),
            Some(file) => values(&file, scope.kind, &wrong)?,
        };
        let fingerprints = fingerprints.iter().map(fingerprint).collect::<Result<_, _>>()?;
        Ok(Allowance { scope, rule, fingerprints, values, reason, approved_by, until })
    }
}

/// The values in a file, one a line, in standard form.
fn values(
    file: &Path,
    kind: Option<Type>,
    wrong: &impl Fn(String) -> ConfigError,
) -> Result<Vec<Sensitive<Vec<u8>>>, ConfigError> {
    let Some(kind) = kind else { return Err(wrong("values are of a `type`: say which".to_owned())) };
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(format!("its file of values, `{shown}`, cannot be read: {error}")))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(i, line)| {
            let form = residuum_detect::standard_form(kind, line.trim()).map(Sensitive::new);
            form.ok_or_else(|| wrong(format!("line {} of `{shown}` is no {}", i + 1, kind.name())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, directory: &Path) -> Result<Allowance, ConfigError> {
        let file: AllowFile = toml::from_str(text).expect("the settings are known");
        file.resolve(&|path| directory.join(path))
    }

    #[test]
    fn allowances_are_read_and_what_makes_no_sense_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("cards.txt"), "# test numbers\n4111 1111 1111 1111\n").unwrap();
        std::fs::write(directory.path().join("bad.txt"), "4111 1111 1111 1111\nnone\n").unwrap();
        let approved = "reason = \"test data\"\napproved_by = \"privacy office\"\n";
        let allowed = read(&format!("{approved}type = \"CREDIT_CARD\"\nvalues_file = \"cards.txt\""), directory.path());
        let allowed = allowed.unwrap();
        assert!(allowed.is_about_values() && !format!("{allowed:?}").contains("4111"), "{allowed:?}");
        assert_eq!(allowed.values[0].expose(), b"4111111111111111");
        assert!(!read(&format!("{approved}rule = \"cookie_id\""), directory.path()).unwrap().is_about_values());
        for (settings, told) in [
            (approved.to_owned(), "would allow everything"),
            (format!("{approved}type = \"SHOE\""), "no type"),
            (format!("{approved}fingerprints = [\"12\"]"), "no fingerprint"),
            (format!("{approved}values_file = \"cards.txt\""), "say which"),
            (format!("{approved}type = \"CREDIT_CARD\"\nvalues_file = \"bad.txt\""), "line 2"),
            (format!("{approved}type = \"CREDIT_CARD\"\nvalues_file = \"none.txt\""), "cannot be read"),
            (format!("{approved}rule = \"x\"\nuntil = \"soon\""), "last day"),
            ("rule = \"x\"\nreason = \"\"\napproved_by = \"me\"".to_owned(), "neither is empty"),
        ] {
            let error = read(&settings, directory.path()).expect_err(&settings).to_string();
            assert!(error.contains(told) && !error.contains("4111"), "{error}");
        }
    }
}
