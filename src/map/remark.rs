//! What the map says and has no effect, or contradicts itself: told, so that a slip of the pen is no silent gap.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::{Compiled, Holding, Map};
use crate::config::{AcceptedGap, CountsFrom, Day, MapEntry, RetentionPeriod};
use crate::index::{IndexError, Reader, display};

/// Something to tell the owner of the map.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// An entry or an accepted gap names a source that there is not.
    UnknownSource {
        /// Which one, and the name it gives.
        title: String,
        /// The name.
        source: String,
        /// The sources there are.
        known: Vec<String>,
    },
    /// An entry is about objects or fields of which the index has none.
    MatchesNothing(String),
    /// A setting names a field that none of its objects has.
    NoSuchField {
        /// The entry.
        title: String,
        /// The setting.
        setting: &'static str,
        /// The name it gives.
        field: String,
    },
    /// A recipient that no entry names.
    Unused(String),
    /// An acceptance that has ended.
    Ended {
        /// The accepted gap.
        title: String,
        /// Its last day.
        until: Day,
    },
    /// A source that need not be searched because it is not sold, of which a field is sold or shared.
    SoldWhereNotSearched {
        /// The source.
        source: String,
        /// The object.
        object: String,
        /// The field.
        field: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSource { title, source, known } => {
                let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "the {title} names source `{source}`, which there is not; sources are {}", known.join(", "))
            }
            Self::MatchesNothing(title) => write!(
                f,
                "the {title} is about nothing that the index has: names are as `residuum report` gives them, `**` also matches `/`"
            ),
            Self::NoSuchField { title, setting, field } => write!(
                f,
                "`{setting}` of the {title} names the field `{field}`, which none of these objects has; `residuum report \
                 --format json` has the names"
            ),
            Self::Unused(name) => write!(f, "nothing goes to the recipient `{name}`: no `[[map]]` names it"),
            Self::Ended { title, until } => write!(
                f,
                "the {title} held until {until}: the gap is open again; close it, or have it accepted anew with another `until`"
            ),
            Self::SoldWhereNotSearched { source, object, field } => write!(
                f,
                "{source}: {object} {field} need not be searched because it is not sold or used commercially (11 CCR \
                 §7024(c)), and is said to be sold or shared: one of them is wrong"
            ),
        }
    }
}

/// What is to be told of a map beside an index; `configured` are names of sources that may not have been scanned yet.
///
/// Costs a pass over the objects of the index and one over its fields.
///
/// # Errors
/// When the index cannot be read.
pub fn remarks(
    map: &Map,
    configured: &[String],
    reader: &Reader,
    holdings: &[Holding],
    today: Day,
) -> Result<Vec<Remark>, IndexError> {
    let sources: BTreeSet<String> = reader.sources()?.iter().chain(configured).map(|name| display(name)).collect();
    let unknown = |title: String, source: &str| {
        let is_known = sources.contains(&display(source));
        let known = || sources.iter().cloned().collect();
        (!is_known).then(|| Remark::UnknownSource { title, source: source.to_owned(), known: known() })
    };
    let mut all: Vec<_> = map.entries.iter().filter_map(|c| unknown(c.entry.title(), &c.entry.source)).collect();
    let of_gap = |gap: &AcceptedGap| gap.source.as_ref().and_then(|source| unknown(gap.title(), source));
    all.extend(map.accepted.iter().filter_map(|a| of_gap(&a.gap)));

    let seen = Seen::look(map, reader)?;
    for (i, Compiled { entry, .. }) in map.entries.iter().enumerate() {
        if !sources.contains(&display(&entry.source)) {
            continue;
        }
        if !seen.entries.contains(&i) {
            all.push(Remark::MatchesNothing(entry.title()));
            continue;
        }
        for (setting, field) in named_fields(entry) {
            if !seen.fields.contains(&(i, setting)) {
                all.push(Remark::NoSuchField { title: entry.title(), setting, field: field.to_owned() });
            }
        }
    }
    let named: BTreeSet<_> = map
        .entries
        .iter()
        .flat_map(|c| c.entry.recipients())
        .flat_map(|(_, names)| names.unwrap_or_default())
        .collect();
    all.extend(map.recipients().filter(|r| !named.contains(&r.name)).map(|r| Remark::Unused(r.name.clone())));
    let ended = map.accepted.iter().filter(|a| a.gap.until < today);
    all.extend(ended.map(|a| Remark::Ended { title: a.gap.title(), until: a.gap.until }));
    for Holding { source, object, field, .. } in holdings {
        let said = map.of(source, object, field);
        let is_sold = [said.sold_to, said.shared_with].iter().any(|names| names.is_some_and(|names| !names.is_empty()));
        if said.no_search.is_some() && is_sold {
            let (source, object, field) = (source.clone(), object.clone(), field.clone());
            all.push(Remark::SoldWhereNotSearched { source, object, field });
        }
    }
    Ok(all)
}

/// Entries that the index has something for, by position, and their settings that name a field which there is.
#[derive(Default)]
struct Seen {
    entries: HashSet<usize>,
    fields: HashSet<(usize, &'static str)>,
}

impl Seen {
    fn look(map: &Map, reader: &Reader) -> Result<Self, IndexError> {
        let mut seen = Self::default();
        // An entry about objects is about something as soon as there is one, found anything in it or not.
        let mut objects = Vec::new();
        reader.each_object(&mut |object| {
            let source = display(&object.source);
            let waiting = map.by_source.get(&source).into_iter().flatten().filter(|i| !seen.entries.contains(i));
            let name = display(&object.path);
            for &i in waiting.collect::<Vec<_>>() {
                let Compiled { object, field, .. } = &map.entries[i];
                if field.is_none() && object.as_ref().is_none_or(|pattern| pattern.is_object(&name)) {
                    objects.push(i);
                }
            }
            seen.entries.extend(objects.drain(..));
        })?;
        let mut of_object = HashMap::new();
        for info in reader.fields()? {
            let (source, field) = (display(&info.source), display(&info.field));
            let entries = of_object.entry(info.object_id).or_insert_with(|| {
                let name = display(&info.object);
                let of_source = map.by_source.get(&source).into_iter().flatten().copied();
                let is_meant = |i: &usize| map.entries[*i].object.as_ref().is_none_or(|p| p.is_object(&name));
                of_source.filter(is_meant).collect::<Vec<_>>()
            });
            for &i in &*entries {
                let Compiled { entry, field: pattern, .. } = &map.entries[i];
                if pattern.as_ref().is_none_or(|pattern| pattern.is_match(&field)) {
                    seen.entries.insert(i);
                }
                let named = named_fields(entry).into_iter().filter(|(_, name)| display(name) == field);
                seen.fields.extend(named.map(|(setting, _)| (i, setting)));
            }
        }
        Ok(seen)
    }
}

/// The fields that an entry's settings name.
fn named_fields(entry: &MapEntry) -> Vec<(&'static str, &str)> {
    let mut named: Vec<_> = entry.collected_at.iter().map(|field| ("collected_at", field.as_str())).collect();
    if let Some(RetentionPeriod::For { from: CountsFrom::Field(field), .. }) = &entry.retention {
        named.push(("retention", field));
    }
    named
}
