//! What goes where: from a source, for a purpose, to a recipient.

use std::collections::BTreeMap;

use super::{Holding, Map, Statement};

/// Findings that take one way from a source through a purpose to a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The source.
    pub source: String,
    /// The purpose; `None` if none is said.
    pub purpose: Option<String>,
    /// How it goes on from there.
    pub way: Way,
    /// The recipient; `None` for [`Way::Nobody`] and [`Way::Unsaid`].
    pub recipient: Option<String>,
    /// Findings in the fields that take this way.
    pub findings: u64,
    /// Those of them that are sensitive personal information.
    pub sensitive: u64,
}

/// Findings of a source that are used for a purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The source.
    pub source: String,
    /// The purpose; `None` if none is said.
    pub purpose: Option<String>,
    /// Findings.
    pub findings: u64,
    /// Those of them that are sensitive personal information.
    pub sensitive: u64,
}

/// How personal information reaches a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// It is sold, §1798.140(ad).
    Sold,
    /// It is shared for cross-context behavioral advertising, §1798.140(ah).
    Shared,
    /// It is disclosed for a business purpose.
    Disclosed,
    /// A service provider or contractor processes it.
    Processed,
    /// It is said to go nowhere.
    Nobody,
    /// It is not said where it goes.
    Unsaid,
}

impl Way {
    /// All, the one that asks for most attention first.
    pub const ALL: [Self; 6] = [Self::Sold, Self::Shared, Self::Unsaid, Self::Disclosed, Self::Processed, Self::Nobody];

    /// The name in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Shared => "shared",
            Self::Disclosed => "disclosed",
            Self::Processed => "processed",
            Self::Nobody => "nobody",
            Self::Unsaid => "unsaid",
        }
    }
}

/// Every way that findings take, by source, purpose, way and recipient.
///
/// A field with two purposes or three recipients takes every way between them with all of its findings: who may use it
/// for both uses all of it for both. The sum over flows is therefore more than there are findings. Where some
/// recipients are named and a list is missing, the flow to whoever is not said is there beside them.
pub fn flows(map: &Map, holdings: &[Holding]) -> Vec<Flow> {
    type Key = (String, Option<String>, Way, Option<String>);
    let mut all = BTreeMap::<Key, (u64, u64)>::new();
    for holding in holdings {
        let said = map.of(&holding.source, &holding.object, &holding.field);
        let purposes = purposes(&said);
        let mut ends: Vec<_> = said.recipients().map(|(way, name)| (way, Some(name.to_owned()))).collect();
        if !said.says_recipients() {
            ends.push((Way::Unsaid, None));
        } else if ends.is_empty() {
            ends.push((Way::Nobody, None));
        }
        for purpose in &purposes {
            for (way, recipient) in &ends {
                let key = (holding.source.clone(), purpose.clone(), *way, recipient.clone());
                let sum = all.entry(key).or_default();
                sum.0 += holding.findings;
                sum.1 += holding.sensitive;
            }
        }
    }
    let flow = |((source, purpose, way, recipient), (findings, sensitive))| Flow {
        source,
        purpose,
        way,
        recipient,
        findings,
        sensitive,
    };
    all.into_iter().map(flow).collect()
}

/// What of a source is used for what, by source and purpose. Each finding counts once for each purpose it has, however
/// many recipients there are.
pub fn uses(map: &Map, holdings: &[Holding]) -> Vec<Use> {
    let mut all = BTreeMap::<(String, Option<String>), (u64, u64)>::new();
    for holding in holdings {
        for purpose in purposes(&map.of(&holding.source, &holding.object, &holding.field)) {
            let sum = all.entry((holding.source.clone(), purpose)).or_default();
            sum.0 += holding.findings;
            sum.1 += holding.sensitive;
        }
    }
    let one = |((source, purpose), (findings, sensitive))| Use { source, purpose, findings, sensitive };
    all.into_iter().map(one).collect()
}

/// The purposes as they are drawn: the owner's words, else the statute's, else that none is said.
fn purposes(said: &Statement<'_>) -> Vec<Option<String>> {
    let own: Vec<_> = said.purposes.into_iter().flatten().map(|purpose| Some(purpose.name().to_owned())).collect();
    let of_statute = said.business_purposes.into_iter().flatten().map(|purpose| Some(purpose.title().to_owned()));
    match own.is_empty() {
        false => own,
        true => Some(of_statute.collect::<Vec<_>>()).filter(|all| !all.is_empty()).unwrap_or_else(|| vec![None]),
    }
}
