//! The six groups of 11 CCR § 7024(k), for this person: categories collected, categories of sources, purposes, categories
//! of third parties it is disclosed to, what is sold or shared to whom, and what is disclosed for a business purpose to
//! whom. Where the data map says nothing, the answer says that it is not recorded.

use std::collections::{BTreeMap, BTreeSet};

use residuum_detect::Category;

use crate::config::RecipientKind;
use crate::map::{Map, Statement, Way};

/// Source, object and field as outputs show them.
type Place = (String, String, String);

/// The six groups, by category of personal information.
#[derive(Debug, Default)]
pub struct Answer {
    held: BTreeMap<Category, BTreeSet<Place>>,
    /// Whether it tells of records that were not read, so that the days they were collected are not known.
    pub is_undated: bool,
    /// The categories held, in order.
    pub categories: Vec<CategoryAnswer>,
    /// What the data map does not say, one line an object and group.
    pub gaps: Vec<String>,
}

/// What there is to say of one category.
#[derive(Debug)]
pub struct CategoryAnswer {
    /// The category: the first group.
    pub category: Category,
    /// Systems and objects that hold it.
    pub held_in: BTreeSet<(String, String)>,
    /// Categories of sources it is collected from: the second group.
    pub sources: Told,
    /// Purposes: the third.
    pub purposes: Told,
    /// Categories of third parties it is disclosed to, for whatever reason: the fourth.
    pub third_parties: Told,
    /// Categories of third parties it is sold to or shared with: the fifth.
    pub sold_or_shared: Told,
    /// Categories of recipients it is disclosed to for a business purpose: the sixth.
    pub disclosed: Told,
}

/// What is said of something, and whether it is said of all of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Told {
    /// The names, none if it is said to be nobody.
    pub names: BTreeSet<String>,
    /// Whether the data map says nothing of some of the fields.
    pub is_open: bool,
}

impl Told {
    /// In words; `none` for what is said to be nobody, or nothing.
    pub fn text(&self, none: &str) -> String {
        let names = self.names.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        match (names.is_empty(), self.is_open) {
            (true, true) => "not recorded".to_owned(),
            (true, false) => none.to_owned(),
            (false, true) => format!("{names}; not recorded for a part of it"),
            (false, false) => names,
        }
    }

    fn add<'n>(&mut self, names: Option<impl Iterator<Item = &'n str>>) {
        match names {
            Some(names) => self.names.extend(names.map(str::to_owned)),
            None => self.is_open = true,
        }
    }
}

impl Answer {
    /// Adds that a field holds these categories of the person.
    pub(super) fn add(&mut self, source: &str, object: &str, field: &str, categories: impl Iterator<Item = Category>) {
        let place = (source.to_owned(), object.to_owned(), field.to_owned());
        for category in categories {
            self.held.entry(category).or_default().insert(place.clone());
        }
    }

    /// With what the data map says of those fields.
    pub(super) fn resolved(mut self, map: &Map) -> Self {
        let mut missing: BTreeMap<(String, String), BTreeSet<&'static str>> = BTreeMap::new();
        for (category, places) in &self.held {
            let mut all = CategoryAnswer {
                category: *category,
                held_in: BTreeSet::new(),
                sources: Told::default(),
                purposes: Told::default(),
                third_parties: Told::default(),
                sold_or_shared: Told::default(),
                disclosed: Told::default(),
            };
            for (source, object, field) in places {
                let said = map.of(source, object, field);
                all.add(map, &said);
                all.held_in.insert((source.clone(), object.clone()));
                let gaps = missing.entry((source.clone(), object.clone())).or_default();
                gaps.extend(not_said(&said));
            }
            self.categories.push(all);
        }
        for ((source, object), settings) in missing.into_iter().filter(|(_, settings)| !settings.is_empty()) {
            let settings = settings.into_iter().collect::<Vec<_>>().join(", ");
            self.gaps.push(format!(
                "`[[map]]` says nothing of {settings} for `{object}` in `{source}`: the answer says `not recorded`"
            ));
        }
        self
    }
}

impl CategoryAnswer {
    fn add(&mut self, map: &Map, said: &Statement<'_>) {
        self.sources.add(said.sources.map(|all| all.iter().map(|of| of.name())));
        let purposes = said.purposes.into_iter().flatten().map(|of| of.name());
        let purposes = purposes.chain(said.business_purposes.into_iter().flatten().map(|of| of.title()));
        self.purposes.add((said.purposes.is_some() || said.business_purposes.is_some()).then_some(purposes));
        let category = |name: &str| map.recipient(name).map(|recipient| recipient.category.name());
        let is_third = |name: &str| map.recipient(name).is_some_and(|of| of.kind == RecipientKind::ThirdParty);
        let of = |ways: &'static [Way], third_only: bool| {
            let all = said.recipients().filter(move |(way, _)| ways.contains(way));
            all.filter(move |(_, name)| !third_only || is_third(name)).filter_map(move |(_, name)| category(name))
        };
        let is_sale_said = said.sold_to.is_some() && said.shared_with.is_some();
        // Service providers are no third parties: who names them has not said whom else it is disclosed to.
        let is_third_said = is_sale_said && said.disclosed_to.is_some();
        let is_disclosure_said = said.disclosed_to.is_some() || said.service_providers.is_some();
        self.third_parties.add(is_third_said.then(|| of(&[Way::Sold, Way::Shared, Way::Disclosed], true)));
        self.sold_or_shared.add(is_sale_said.then(|| of(&[Way::Sold, Way::Shared], false)));
        self.disclosed.add(is_disclosure_said.then(|| of(&[Way::Disclosed, Way::Processed], false)));
        // Of lists of which one is missing the other is told.
        if !is_sale_said {
            self.sold_or_shared.names.extend(of(&[Way::Sold, Way::Shared], false).map(str::to_owned));
        }
        if !is_third_said {
            let named = of(&[Way::Sold, Way::Shared, Way::Disclosed], true);
            self.third_parties.names.extend(named.map(str::to_owned));
        }
    }
}

/// The settings that a statement lacks.
fn not_said(said: &Statement<'_>) -> Vec<&'static str> {
    let settings = [
        (said.sources.is_none(), "`sources`"),
        (said.purposes.is_none() && said.business_purposes.is_none(), "`purposes`"),
        (said.sold_to.is_none(), "`sold_to`"),
        (said.shared_with.is_none(), "`shared_with`"),
        (said.disclosed_to.is_none(), "`disclosed_to`"),
    ];
    settings.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, name)| name).collect()
}
