//! Names that a command is given and the index may not know: sources, key domains, globs.

use std::collections::BTreeSet;

use super::common::{Common, Scope};
use super::failure::Failure;
use super::output::printable;
use crate::config::Config;
use crate::identity::{Identifier, Subject};
use crate::index::{Keyring, Reader, display};
use crate::map::{idle_holds, nearest};
use crate::scan::keys::Role;

/// The source's name as it is stored: as given, as it is printed, or sealed because it is personal itself.
pub(super) fn source(reader: &Reader, keys: &Keyring, given: &str) -> Result<String, Failure> {
    let stored = reader.sources()?;
    let bare = given.trim_end_matches('/');
    let is_it = |name: &&String| {
        let revealed = keys.reveal(name).unwrap_or_default();
        [name.as_str(), &display(name), &revealed].iter().any(|known| [given, bare].contains(known))
    };
    if let Some(name) = stored.iter().find(is_it) {
        return Ok(name.clone());
    }
    // What was given is not repeated if it might be somebody's name in a path.
    let what = if given.contains(['@', '/', ' ']) { String::new() } else { format!(" `{given}`") };
    let names: Vec<_> = stored.iter().map(|name| format!("`{}`", display(name))).collect();
    let hint =
        if names.is_empty() { "nothing was scanned yet".to_owned() } else { format!("it has {}", names.join(", ")) };
    Err(Failure::new(format_args!("the index has no such source{what}")).hint(hint))
}

/// Refuses key domains that nothing in the index is of.
pub(super) fn domains(reader: &Reader, subjects: &[Subject]) -> Result<(), Failure> {
    let rules = reader.rules()?;
    let known: BTreeSet<&str> = rules.iter().filter_map(|rule| Role::of_rule(rule)).map(|(_, domain)| domain).collect();
    let given = subjects.iter().flat_map(|subject| &subject.identifiers).filter_map(|identifier| match identifier {
        Identifier::Key { domain, .. } => Some(domain.as_str()),
        _ => None,
    });
    let Some(unknown) = given.into_iter().find(|domain| !known.contains(domain)) else { return Ok(()) };
    const SHOWN: usize = 40;
    let mut names: Vec<_> = known.iter().take(SHOWN).map(|domain| format!("`{domain}`")).collect();
    if known.len() > SHOWN {
        names.push(format!("and {} more", known.len() - SHOWN));
    }
    let hint = match names.is_empty() {
        true => "no scanned schema declares keys; `[[join]]` in `residuum.toml` does".to_owned(),
        false => format!("there are {}", names.join(", ")),
    };
    Err(Failure::new(format_args!("the index has no key domain `{unknown}`")).hint(hint))
}

/// Refuses a field that the object does not have, all named as outputs do; running text has none.
pub(super) fn field(reader: &Reader, source: &str, object: &str, field: &str) -> Result<(), Failure> {
    let here = reader.fields()?.into_iter().filter(|of| display(&of.source) == source && display(&of.object) == object);
    let names: BTreeSet<String> = here.map(|of| display(&of.field)).filter(|name| !name.is_empty()).collect();
    if field.is_empty() || names.contains(field) {
        return Ok(());
    }
    let near = nearest(field, names.iter().map(String::as_str).collect());
    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    let hint = match near.is_empty() {
        true => "it is running text: `--field ''` says so".to_owned(),
        false => format!("nearest are {}; `residuum report` has them all", near.join(", ")),
    };
    // What was given is not repeated if it might be a value of somebody's.
    let what = if field.contains(['@', ' ']) { String::new() } else { format!(" `{field}`") };
    Err(Failure::new(format_args!("{object} has no field{what}")).hint(hint))
}

/// Says which exceptions and holds keep nothing, before something goes that they were to keep.
pub(super) fn holds(reader: &Reader, config: &Config, common: &Common) -> Result<(), Failure> {
    for hold in idle_holds(&config.retain, reader)? {
        common.say(format_args!("warning: {}", printable(&hold.to_string())));
    }
    Ok(())
}

/// Refuses `--include` and `--exclude` where a command acts on whole people: half an erasure that nobody notices is worse
/// than none.
pub(super) fn no_globs(common: &Common, command: &str) -> Result<(), Failure> {
    if common.include.is_empty() && common.exclude.is_empty() {
        return Ok(());
    }
    let cure = "leave them out: what is to be kept stands in `[[retain]]`, and sources can be named";
    Err(Failure::new(format_args!("`{command}` takes neither `--include` nor `--exclude`")).hint(cure))
}

/// Says which of `--include` and `--exclude` match nothing that the index knows.
pub(super) fn globs(reader: &Reader, scope: &Scope, common: &Common) -> Result<(), Failure> {
    if common.include.is_empty() && common.exclude.is_empty() {
        return Ok(());
    }
    let mut names: Vec<(String, String)> = Vec::new();
    names.extend(reader.objects()?.into_iter().map(|object| (object.path.to_string(), String::new())));
    names.extend(reader.fields()?.into_iter().map(|field| (field.object.to_string(), field.field.to_string())));
    for glob in scope.unmatched(&names) {
        common.say(format_args!("warning: `{glob}` matches no object or field of the index"));
    }
    Ok(())
}
