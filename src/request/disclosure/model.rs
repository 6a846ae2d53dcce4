//! What a person is told: their data by system, what is withheld and why, and the six groups of 11 CCR § 7024(k).

use std::collections::{BTreeMap, BTreeSet};

use residuum_detect::{Category, Type};
use residuum_source::Sensitive;
use serde_json::Value;

use super::withheld::Withheld;

/// All that is disclosed to one person.
#[derive(Debug, Default)]
pub struct Disclosure {
    /// When it was made, UTC.
    pub made: String,
    /// The request it answers.
    pub request: Option<String>,
    /// The first day of the window, `YYYY-MM-DD`.
    pub since: String,
    /// Whether it names categories only, and no specific pieces.
    pub categories_only: bool,
    /// Whether the index has read everything that is listed, and every source could be reached.
    pub index_is_complete: bool,
    /// The objects that hold the person, by source and name.
    pub objects: Vec<DisclosedObject>,
    /// The six groups.
    pub answer: super::answer::Answer,
    /// Every place that the index has of the person, with what became of it.
    pub places: Vec<Placed>,
    /// Fields of which the person contests what stands there, and that were not corrected (11 CCR § 7023(f)).
    pub contested: Vec<ContestedField>,
    /// What the data map does not say, and what else the reader of the log is to look at. Holds no value.
    pub warnings: Vec<String>,
}

/// A field that the person contests.
#[derive(Clone, Debug)]
pub struct ContestedField {
    /// Name of the source; as in [`DisclosedObject`].
    pub source: String,
    /// Name of the object.
    pub object: String,
    /// The field.
    pub field: String,
    /// When it was entered, UTC.
    pub made: String,
    /// The basis on which correcting it was denied.
    pub basis: String,
    /// What the person says.
    pub statement: Sensitive<String>,
}

/// An object of a system with the person's records in it.
#[derive(Debug)]
pub struct DisclosedObject {
    /// Name of the source; personal parts are sealed in this and the next.
    pub source: String,
    /// Name of the object.
    pub object: String,
    /// Names of the fields, in order.
    pub fields: Vec<String>,
    /// The records.
    pub records: Vec<DisclosedRecord>,
}

/// A record as the person gets it.
#[derive(Debug)]
pub struct DisclosedRecord {
    /// What its key is called in outputs: `row`, `pk`, ….
    pub kind: &'static str,
    /// Which it is; personal parts are sealed.
    pub key: Value,
    /// The day it was collected, if that is recorded.
    pub collected: Option<String>,
    /// Whether the data map says where the day of collection stands.
    pub is_dated: bool,
    /// Its values.
    pub values: Vec<DisclosedValue>,
    /// Whether only what was found of the person is shown, the record being another's or several people's.
    pub is_excerpt: bool,
}

/// A value as the person gets it.
#[derive(Debug)]
pub struct DisclosedValue {
    /// Which of the object's fields.
    pub field: usize,
    /// The text, with what may not be shown replaced.
    pub text: Sensitive<String>,
    /// Its categories; none if it is of none that is known.
    pub categories: BTreeSet<Category>,
    /// What was found in it.
    pub kinds: BTreeSet<Type>,
    /// What was withheld of it.
    pub withheld: BTreeSet<Withheld>,
    /// How many mentions of others were taken out.
    pub others: u32,
}

/// A place that the index has of the person, and what became of it.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Name of the source; personal parts are sealed in this and the next three.
    pub source: String,
    /// Name of the object.
    pub object: String,
    /// The kind of the record.
    pub record_kind: &'static str,
    /// The record's key.
    pub record: Value,
    /// The field.
    pub field: String,
    /// What was found there.
    pub kind: Type,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fate {
    /// It is in the package.
    Disclosed,
    /// It is of a type that is never shown, and is named in the package.
    Withheld(Withheld),
    /// The record was collected before the window.
    BeforeWindow,
    /// The identifier stands with several people, or in a record or a text of another's that does not mention the person by
    /// it.
    Joint,
    /// It is in the package, and what stands beside it in its part of a document is not: nothing tells it from what is
    /// others'.
    InPart,
    /// The record is in the package, without this: it is another person's there, or several people's.
    LeftOut,
    /// Only weak identifiers met: perhaps a namesake.
    Possible,
    /// The record is there no longer, or the person is not in it any more.
    Gone,
    /// What led to the record has changed, or could not be read: the record may be another's now.
    Changed,
    /// The name of the object itself says who it is about.
    ObjectName,
    /// It need not be searched, 11 CCR § 7024(c); the records as they are described to the person.
    NotSearched(String),
    /// Only categories are disclosed.
    CategoriesOnly,
    /// It could not be read, and why.
    NotFetched(String),
}

impl Fate {
    /// The code in outputs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Disclosed => "disclosed",
            Self::Withheld(_) => "withheld",
            Self::BeforeWindow => "before window",
            Self::Joint => "joint",
            Self::InPart => "in part",
            Self::LeftOut => "left out",
            Self::Possible => "possible",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::ObjectName => "object name",
            Self::NotSearched(_) => "not searched",
            Self::CategoriesOnly => "categories only",
            Self::NotFetched(_) => "not fetched",
        }
    }

    /// What the person is told of it.
    pub fn reason(&self) -> String {
        match self {
            Self::Disclosed => "shown in this package".to_owned(),
            Self::Withheld(what) => format!("held and not shown: {} ({})", what.title(), what.provision()),
            Self::BeforeWindow => "collected before the period that this answer covers (11 CCR § 7024(h))".to_owned(),
            Self::Joint => {
                "it stands with several people, or in what is another person's, whose data are not disclosed to you"
                    .to_owned()
            }
            Self::InPart => {
                "shown in this package by itself: others stand in the same document, and a person has to look at what stands beside it"
                    .to_owned()
            }
            Self::LeftOut => {
                "left out of a record that is in this package: there it is another person's, or stands with several people"
                    .to_owned()
            }
            Self::Possible => {
                "only a name, an address or a date meets there; it may be another person of that name".to_owned()
            }
            Self::Gone => {
                "the record has been deleted or changed since it was indexed and does not hold you any more".to_owned()
            }
            Self::Changed => {
                "what led to the record has changed since it was indexed, so that it may be another person's; it has to be scanned again"
                    .to_owned()
            }
            Self::ObjectName => {
                "the name of the object says who it is about; a person has to look at what else it holds".to_owned()
            }
            Self::NotSearched(what) => format!("not searched (11 CCR § 7024(c)): {what}"),
            Self::CategoriesOnly => {
                "this answer names categories only: the request was not verified for specific pieces (11 CCR § 7024(a))"
                    .to_owned()
            }
            Self::NotFetched(why) => format!("could not be read: {why}"),
        }
    }

    /// Whether something is left to do before the answer is complete.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::NotFetched(_) | Self::ObjectName | Self::Changed | Self::InPart)
    }
}

impl Disclosure {
    /// Whether the person contests what stands in a field.
    pub fn is_contested(&self, object: &DisclosedObject, field: &str) -> bool {
        let at = (&object.source, &object.object, field);
        self.contested.iter().any(|of| (&of.source, &of.object, of.field.as_str()) == at)
    }

    /// How many places had which fate.
    pub fn by_fate(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        self.places.iter().for_each(|place| *counts.entry(place.fate.code()).or_default() += 1);
        counts
    }

    /// How many values are shown of which category; the key is none for what is of no known one.
    pub fn by_category(&self) -> BTreeMap<Option<Category>, u64> {
        let mut counts = BTreeMap::new();
        for value in self.values() {
            if value.categories.is_empty() {
                *counts.entry(None).or_default() += 1;
            }
            value.categories.iter().for_each(|category| *counts.entry(Some(*category)).or_default() += 1);
        }
        counts
    }

    /// What is withheld where: type, source, object and field, with how many values hold one.
    pub fn withheld(&self) -> BTreeMap<(Withheld, &str, &str, &str), u64> {
        let mut counts = BTreeMap::new();
        for object in &self.objects {
            for value in object.records.iter().flat_map(|record| &record.values) {
                for what in &value.withheld {
                    let at =
                        (*what, object.source.as_str(), object.object.as_str(), object.fields[value.field].as_str());
                    *counts.entry(at).or_default() += 1;
                }
            }
        }
        counts
    }

    /// All values that are shown.
    pub fn values(&self) -> impl Iterator<Item = &DisclosedValue> {
        self.objects.iter().flat_map(|object| &object.records).flat_map(|record| &record.values)
    }

    /// Records that are shown.
    pub fn records(&self) -> u64 {
        self.objects.iter().map(|object| object.records.len() as u64).sum()
    }

    /// Mentions of other people that were taken out.
    pub fn others(&self) -> u64 {
        self.values().map(|value| u64::from(value.others)).sum()
    }

    /// Whether everything was looked at, and every place is disclosed or left out for a reason that lets it be.
    pub fn is_complete(&self) -> bool {
        self.index_is_complete && self.places.iter().all(|place| !place.fate.is_open())
    }

    /// Texts out of which others were taken.
    pub fn texts_about_others(&self) -> u64 {
        self.values().filter(|value| value.others > 0 && value.text.expose().contains(' ')).count() as u64
    }
}
