//! Exceptions and holds that keep nothing: a name mistyped in `[[retain]]` would cost what it was to keep.

use std::collections::BTreeSet;
use std::fmt;

use crate::config::{PolicyScope, Retention, edits};
use crate::index::{IndexError, Reader, display};

/// A `[[retain]]` that keeps nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleHold {
    /// Which one, as it stands in the file.
    pub title: String,
    /// Why it keeps nothing, and what to do.
    pub reason: String,
}

impl fmt::Display for IdleHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} keeps nothing: {}", self.title, self.reason)
    }
}

/// The exceptions and holds that keep nothing: they have ended, or are about nothing that the index has.
///
/// Costs a pass over the objects of the index and one over its fields, if there are any.
///
/// # Errors
/// When the index cannot be read.
pub fn idle_holds(retained: &[Retention], reader: &Reader) -> Result<Vec<IdleHold>, IndexError> {
    if retained.is_empty() {
        return Ok(Vec::new());
    }
    let mut is_met = vec![false; retained.len()];
    let mut has_objects = vec![false; retained.len()];
    let mut names: BTreeSet<(String, String)> = BTreeSet::new();
    reader.each_object(&mut |object| {
        for (i, retention) in retained.iter().enumerate() {
            if retention.scope.has_object(&object.source, &object.path) {
                has_objects[i] = true;
                is_met[i] |= retention.scope.is_about_records();
            }
        }
        names.insert((display(&object.source), display(&object.path)));
    })?;
    for field in reader.fields()? {
        for (i, retention) in retained.iter().enumerate().filter(|(_, of)| !of.scope.is_about_records()) {
            let scope = &retention.scope;
            let is_it = |kind| scope.has_value(&field.field, kind, kind.categories());
            is_met[i] |= scope.has_object(&field.source, &field.object) && field.types.iter().any(|of| is_it(of.kind));
        }
    }
    let today = crate::config::Day::today().to_string();
    let mut idle = Vec::new();
    for (i, retention) in retained.iter().enumerate() {
        let title = title(i + 1, retention);
        if let Some(until) = retention.until.as_ref().filter(|until| until.as_str() < today.as_str()) {
            let reason = format!("it held until {until}; have it approved anew with another `until`, or remove it");
            idle.push(IdleHold { title, reason });
        } else if !is_met[i] {
            idle.push(IdleHold { title, reason: nothing_met(&retention.scope, has_objects[i], &names) });
        }
    }
    Ok(idle)
}

/// What is said of it, so that it is found in the file.
fn title(number: usize, retention: &Retention) -> String {
    let scope = &retention.scope;
    let glob = |of: &Option<globset::GlobMatcher>| of.as_ref().map(|of| of.glob().glob().to_owned());
    let named = [
        ("source", scope.source.clone()),
        ("object", glob(&scope.object)),
        ("field", glob(&scope.field)),
        ("type", scope.kind.map(|kind| kind.name().to_owned())),
        ("category", scope.category.map(|category| category.letter().to_string())),
    ];
    let named: Vec<String> =
        named.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name} `{value}`"))).collect();
    format!("`[[retain]]` no. {number} ({}, {})", retention.exception, named.join(", "))
}

/// Why it is about nothing, and the names that may be meant.
fn nothing_met(scope: &PolicyScope, has_objects: bool, names: &BTreeSet<(String, String)>) -> String {
    if has_objects {
        return "its objects have nothing of that `field`, `type` or `category`; `residuum report` says what they have"
            .to_owned();
    }
    let quoted = |names: Vec<&str>| names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let sources: BTreeSet<&str> = names.iter().map(|(source, _)| source.as_str()).collect();
    if let Some(source) = scope.source.as_ref().filter(|source| !sources.contains(display(source).as_str())) {
        let known = quoted(nearest(source, sources));
        return format!("the index has nothing of source `{source}`; nearest are {known}");
    }
    let is_meant = |source: &str| scope.source.as_ref().is_none_or(|of| display(of) == source);
    let objects = names.iter().filter(|(source, _)| is_meant(source)).map(|(_, object)| object.as_str()).collect();
    let text = scope.object.as_ref().map_or("", |object| object.glob().glob());
    match quoted(nearest(text, objects)) {
        known if known.is_empty() => "the index has no object; scan first".to_owned(),
        known => format!("the index has no object `{text}`; nearest are {known}, and `**` also matches `/`"),
    }
}

/// The names that are most like a text, three at most: those that hold it first.
pub(crate) fn nearest<'n>(text: &str, names: BTreeSet<&'n str>) -> Vec<&'n str> {
    let text = text.to_lowercase();
    let distance = |name: &&str| {
        let name = name.to_lowercase();
        let is_part = !text.is_empty() && name.contains(&text);
        (!is_part, edits(&name, &text))
    };
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_cached_key(distance);
    names.truncate(3);
    names
}
