//! Parts that are read without knowing what they are for: properties, caches of pivot tables, links, lists of people.
//!
//! The record is the part; fields are called after elements, and after attributes as `element@attribute`.

use residuum_source::{Flow, Logical, RecordKind, Sink};

use super::xml::{Tag, Visitor};
use crate::values::{Key, Values};

/// Attributes that say something about people or places wherever they stand.
const TELLING: &[&str] = &[
    "alt",
    "author",
    "descr",
    "displayName",
    "email",
    "fullName",
    "initials",
    "string",
    "title",
    "tooltip",
    "userId",
    "userName",
    "value",
];

/// Folders and files of which every attribute may hold a value.
const ALL: &[&str] = &[
    "pivotcache",
    "connections",
    "externallink",
    "persons/",
    "comment",
    "customxml",
    "querytable",
    "tables/",
    "slicer",
    "users",
    "webextension",
    "people",
    "datamashup",
    "recipient",
    "xfa",
    "metadata ",
];

/// Reads a part's texts and attributes.
pub(crate) struct Generic<'v, 'l> {
    values: &'v mut Values<'l>,
    part: String,
    all: bool,
    /// The elements around, each with the text that has been met.
    open: Vec<(String, String)>,
}

impl<'v, 'l> Generic<'v, 'l> {
    pub fn new(values: &'v mut Values<'l>, part: &str) -> Self {
        let folded = part.to_ascii_lowercase();
        let all = ALL.iter().any(|place| folded.contains(place));
        Self { values, part: part.to_owned(), all, open: Vec::new() }
    }

    fn value(&mut self, field: &str, value: &str, sink: &mut dyn Sink) -> Flow {
        let value = value.trim();
        // Settings are mostly yes or no.
        if matches!(value, "" | "true" | "false") {
            return Flow::Continue(());
        }
        self.values.begin(Key::Name(RecordKind::Part, self.part.clone()), sink)?;
        self.values.value(field, Logical::Text, value.as_bytes(), sink)
    }
}

impl Visitor for Generic<'_, '_> {
    fn start(&mut self, tag: &Tag<'_>, sink: &mut dyn Sink) -> Flow {
        let local = tag.local();
        let mut name = local.to_owned();
        if matches!(local, "Relationship") {
            if tag.attribute("TargetMode").is_some_and(|mode| mode == "External") {
                let target = tag.attribute("Target").unwrap_or_default();
                self.value("(link)", &target, sink)?;
            }
        } else {
            for (attribute, value) in tag.attributes() {
                let attribute = attribute.rsplit(':').next().unwrap_or_default().to_owned();
                if self.all || TELLING.contains(&attribute.as_str()) {
                    self.value(&format!("{local}@{attribute}"), &value, sink)?;
                }
            }
        }
        // A property that an author made up, with the name that it was given.
        if matches!(local, "property" | "user-defined" | "config-item")
            && let Some(given) = tag.attribute("name")
        {
            name = given;
        } else if let Some((outer, _)) = self.open.last().filter(|(_, _)| is_variant(local)) {
            name = outer.clone();
        }
        self.open.push((name, String::new()));
        Flow::Continue(())
    }

    fn end(&mut self, _: &str, sink: &mut dyn Sink) -> Flow {
        match self.open.pop() {
            Some((name, text)) => self.value(&name, &text, sink),
            None => Flow::Continue(()),
        }
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        if let Some((_, held)) = self.open.last_mut() {
            held.push_str(text);
        }
        Flow::Continue(())
    }
}

/// The types of a property's value (ECMA-376 part 1, 22.4).
fn is_variant(local: &str) -> bool {
    matches!(local, "lpwstr" | "lpstr" | "bstr" | "i4" | "i8" | "int" | "r8" | "decimal" | "bool" | "filetime" | "date")
}
