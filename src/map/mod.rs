//! The data map: what a field is for, where its contents come from, who gets them and how long they are kept.
//!
//! [`Map`] is what the owner says in `[[map]]`, compiled; [`Map::of`] gives what holds for one field, and whoever
//! discloses, erases or minimises asks it there. [`holdings`] is what the index has found, field by field; where the
//! two meet, [`gaps`] are what is found and not accounted for, [`flows`] what goes where, and [`remarks`] what is said
//! and has no effect. How that is shown is [`crate::report`]'s.
//!
//! # Which entry wins
//!
//! Setting by setting, the most specific one that gives it: of a field before of an object before of a source, a name
//! before a glob, and of two alike the later in the file. Holds and other exceptions to erasure are `[[retain]]`'s;
//! [`Map::retained`] gives them for a field.

mod flow;
mod gap;
mod hold;
mod holding;
mod pattern;
mod remark;

use std::collections::{BTreeMap, HashMap};

pub use flow::{Flow, Use, Way, flows, uses};
pub use gap::{Gap, Place, State, gaps};
pub(crate) use hold::nearest;
pub use hold::{IdleHold, idle_holds};
pub use holding::{Holding, holdings};
pub use remark::{Remark, remarks};

use self::pattern::Pattern;
use crate::config::{
    AcceptedGap, BusinessPurpose, Config, Day, Environment, GapKind, MapEntry, NoSearch, Purpose, Recipient, Retention,
    RetentionPeriod, SourceCategory,
};
use crate::index::display;

/// What the owner says of all sources; read-only, shared by reference among threads.
#[derive(Debug, Default)]
pub struct Map {
    /// In ascending order of how specific they are: what comes later goes before.
    entries: Vec<Compiled>,
    /// Positions in `entries`, ascending.
    by_source: HashMap<String, Vec<usize>>,
    recipients: BTreeMap<String, Recipient>,
    accepted: Vec<Accepted>,
    retained: Vec<Retention>,
}

/// What holds for one object, to ask for its fields one after the other.
#[derive(Debug)]
pub struct ObjectMap<'m> {
    /// The entries that are about the object, in ascending order of how specific they are.
    entries: Vec<&'m Compiled>,
}

/// What is said of one field. `None` is not said; an empty list is said to be nobody or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement<'m> {
    /// Whom it is collected from.
    pub sources: Option<&'m [SourceCategory]>,
    /// What it is for.
    pub purposes: Option<&'m [Purpose]>,
    /// The business purposes it is disclosed for.
    pub business_purposes: Option<&'m [BusinessPurpose]>,
    /// Names of recipients that buy it; [`Map::recipient`] tells who they are.
    pub sold_to: Option<&'m [String]>,
    /// Names of recipients that it is shared with for cross-context behavioral advertising.
    pub shared_with: Option<&'m [String]>,
    /// Names of recipients that it is disclosed to for a business purpose.
    pub disclosed_to: Option<&'m [String]>,
    /// Names of service providers and contractors that process it.
    pub service_providers: Option<&'m [String]>,
    /// How long it is kept.
    pub retention: Option<&'m RetentionPeriod>,
    /// The field of the same object that says when a record was collected.
    pub collected_at: Option<&'m str>,
    /// What kind of system it stands in.
    pub environment: Option<Environment>,
    /// Who answers for it.
    pub owner: Option<&'m str>,
    /// The day by which its gaps are to be closed.
    pub due: Option<Day>,
    /// Why it need not be searched for a request to know.
    pub no_search: Option<&'m NoSearch>,
}

/// An entry with its names as patterns.
#[derive(Debug)]
struct Compiled {
    entry: MapEntry,
    object: Option<Pattern>,
    field: Option<Pattern>,
}

/// An accepted gap with its names as patterns.
#[derive(Debug)]
struct Accepted {
    gap: AcceptedGap,
    object: Option<Pattern>,
    field: Option<Pattern>,
}

impl Map {
    /// Compiles what a configuration says.
    ///
    /// # Errors
    /// When a name of an object or a field is neither a name nor a glob, which [`Config::load`] has refused before.
    pub fn new(config: &Config) -> Result<Self, globset::Error> {
        let pattern = |text: &Option<String>| text.as_deref().map(Pattern::new).transpose();
        let compiled = |entry: &MapEntry| {
            Ok(Compiled { object: pattern(&entry.object)?, field: pattern(&entry.field)?, entry: entry.clone() })
        };
        let mut entries = config.map.iter().map(compiled).collect::<Result<Vec<_>, globset::Error>>()?;
        // Stable: of two that are alike, the later in the file comes later.
        entries.sort_by_key(Compiled::specificity);
        let mut by_source = HashMap::<String, Vec<usize>>::new();
        for (i, Compiled { entry, .. }) in entries.iter().enumerate() {
            by_source.entry(display(&entry.source)).or_default().push(i);
        }
        let accepted = |gap: &AcceptedGap| {
            Ok(Accepted { object: pattern(&gap.object)?, field: pattern(&gap.field)?, gap: gap.clone() })
        };
        let accepted = config.accepted_gaps.iter().map(accepted).collect::<Result<_, globset::Error>>()?;
        let recipients = config.recipients.iter().map(|r| (r.name.clone(), r.clone())).collect();
        Ok(Self { entries, by_source, recipients, accepted, retained: config.retain.clone() })
    }

    /// What holds for a field of an object, all three named as in the index or as outputs show them.
    ///
    /// Costs a comparison with every entry about the source; for many fields of one object, [`Map::object`] is cheaper.
    /// Nothing is copied but references.
    pub fn of(&self, source: &str, object: &str, field: &str) -> Statement<'_> {
        self.object(source, object).field(field)
    }

    /// What holds for an object; an object in a container is also meant by the container's name.
    pub fn object(&self, source: &str, object: &str) -> ObjectMap<'_> {
        let object = display(object);
        let of_source = self.by_source.get(&display(source)).into_iter().flatten().map(|&i| &self.entries[i]);
        let is_meant = |entry: &&Compiled| entry.object.as_ref().is_none_or(|pattern| pattern.is_object(&object));
        ObjectMap { entries: of_source.filter(is_meant).collect() }
    }

    /// Who a recipient is that a statement names. There is one for every name that stands in a statement.
    pub fn recipient(&self, name: &str) -> Option<&Recipient> {
        self.recipients.get(name)
    }

    /// All recipients, by name.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients.values()
    }

    /// Whether anything is said to be sold, or shared for cross-context behavioral advertising.
    pub fn sells_or_shares(&self) -> bool {
        let is_some = |names: &Option<Vec<String>>| names.as_ref().is_some_and(|names| !names.is_empty());
        self.entries.iter().any(|of| is_some(&of.entry.sold_to) || is_some(&of.entry.shared_with))
    }

    /// The exceptions and holds of `[[retain]]` that anything in a field falls under on a day.
    pub fn retained(&self, of: &Holding, day: Day) -> impl Iterator<Item = &Retention> {
        let is_in_force = move |until: &str| until.parse::<Day>().is_ok_and(|until| until >= day);
        self.retained.iter().filter(move |retention| {
            let scope = &retention.scope;
            let mut kinds = of.types.iter().map(|(kind, _)| *kind);
            retention.until.as_deref().is_none_or(is_in_force)
                && scope.has_object(&of.source, &of.object)
                && kinds.any(|kind| scope.has_value(&of.field, kind, &of.categories))
        })
    }

    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Who accepts that something is missing of a field on a day.
    fn accepted(&self, kind: GapKind, place: &Place, today: Day) -> Option<&AcceptedGap> {
        let mut matching = self.accepted.iter().filter(|a| a.gap.gap == kind && a.is_of(place));
        matching.find(|a| a.gap.until >= today).map(|a| &a.gap)
    }
}

impl<'m> ObjectMap<'m> {
    /// The fields that entries about the object name, but for globs.
    pub fn named_fields(&self) -> impl Iterator<Item = &'m str> {
        let of = |entry: &&'m Compiled| entry.field.as_ref().is_some_and(Pattern::is_name);
        self.entries.iter().copied().filter(of).filter_map(|entry| entry.entry.field.as_deref())
    }

    /// What holds for a field of the object; of the object itself with an empty name.
    pub fn field(&self, field: &str) -> Statement<'m> {
        let field = display(field);
        let mut all = Statement::default();
        let is_meant = |entry: &&&Compiled| entry.field.as_ref().is_none_or(|pattern| pattern.is_match(&field));
        for Compiled { entry, .. } in self.entries.iter().filter(is_meant) {
            all.sources = entry.sources.as_deref().or(all.sources);
            all.purposes = entry.purposes.as_deref().or(all.purposes);
            all.business_purposes = entry.business_purposes.as_deref().or(all.business_purposes);
            all.sold_to = entry.sold_to.as_deref().or(all.sold_to);
            all.shared_with = entry.shared_with.as_deref().or(all.shared_with);
            all.disclosed_to = entry.disclosed_to.as_deref().or(all.disclosed_to);
            all.service_providers = entry.service_providers.as_deref().or(all.service_providers);
            all.retention = entry.retention.as_ref().or(all.retention);
            all.collected_at = entry.collected_at.as_deref().or(all.collected_at);
            all.environment = entry.environment.or(all.environment);
            all.owner = entry.owner.as_deref().or(all.owner);
            all.due = entry.due.or(all.due);
            all.no_search = entry.no_search.as_ref().or(all.no_search);
        }
        all
    }
}

impl Statement<'_> {
    /// Everybody who gets it, with the way it gets there.
    pub fn recipients(&self) -> impl Iterator<Item = (Way, &str)> {
        let lists = [
            (Way::Sold, self.sold_to),
            (Way::Shared, self.shared_with),
            (Way::Disclosed, self.disclosed_to),
            (Way::Processed, self.service_providers),
        ];
        lists.into_iter().flat_map(|(way, names)| names.into_iter().flatten().map(move |name| (way, name.as_str())))
    }

    /// Whether it is said whom it is sold to, shared with and disclosed to, be it nobody. Who names service providers has
    /// said nothing of third parties.
    pub fn says_recipients(&self) -> bool {
        self.sold_to.is_some() && self.shared_with.is_some() && self.disclosed_to.is_some()
    }
}

impl Compiled {
    fn specificity(&self) -> (u8, u8) {
        let of =
            |pattern: &Option<Pattern>| pattern.as_ref().map_or(0, |pattern| if pattern.is_name() { 2 } else { 1 });
        (of(&self.field), of(&self.object))
    }
}

impl Accepted {
    fn is_of(&self, place: &Place) -> bool {
        match place {
            Place::Hold(_) => false,
            Place::Recipient(name) => self.gap.recipient.as_ref() == Some(name),
            Place::Field { source, object, field } => {
                self.gap.source.as_deref().map(display).as_ref() == Some(source)
                    && self.object.as_ref().is_none_or(|pattern| pattern.is_object(object))
                    && self.field.as_ref().is_none_or(|pattern| pattern.is_match(field))
            }
        }
    }
}

#[cfg(test)]
mod tests;
