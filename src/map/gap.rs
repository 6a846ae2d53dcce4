//! What is found and not accounted for, the gravest first.

use std::collections::BTreeMap;

use super::{Holding, IdleHold, Map, Statement};
use crate::config::{CountsFrom, Day, GapKind, Recipient, RetentionPeriod};

/// Something that the map does not say and a disclosure needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// Where it is missing.
    pub place: Place,
    /// What is missing.
    pub kind: GapKind,
    /// What would close it, in a few words with the settings' names.
    pub cure: String,
    /// Findings that it concerns.
    pub findings: u64,
    /// Those of them that are sensitive personal information.
    pub sensitive: u64,
    /// Sensitivity times how much; see [`gaps`].
    pub risk: f64,
    /// Who is to close it.
    pub owner: Option<String>,
    /// By when.
    pub due: Option<Day>,
    /// How it stands.
    pub state: State,
}

/// Where something is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What is said of a field.
    Field {
        /// The source.
        source: String,
        /// The object.
        object: String,
        /// The field; empty for running text.
        field: String,
    },
    /// What is said of a recipient.
    Recipient(String),
    /// A `[[retain]]`, as it stands in the file.
    Hold(String),
}

/// How a gap stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// To be closed.
    Open,
    /// Should have been closed.
    Overdue,
    /// Somebody answers for it for now.
    Accepted {
        /// Who.
        by: String,
        /// The last day.
        until: Day,
        /// Why.
        reason: String,
    },
}

impl State {
    /// The name in outputs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Accepted { .. } => "accepted",
        }
    }

    /// Whether something is left to do.
    pub const fn remains(&self) -> bool {
        !matches!(self, Self::Accepted { .. })
    }
}

/// What is missing of the fields that hold something and of the recipients that get it, by descending risk.
///
/// The risk of a gap is its sensitivity, ten where there is sensitive personal information and one elsewhere, times how
/// much there is, one plus the decimal logarithm of the sensitive findings or of all. So one Social Security number
/// comes before a hundred million e-mail addresses, and of two fields the one with more before the other.
///
/// Before all comes a hold that keeps nothing, as if there were sensitive personal information in it.
pub fn gaps(map: &Map, holdings: &[Holding], idle: &[IdleHold], today: Day) -> Vec<Gap> {
    let mut all: Vec<Gap> = idle.iter().map(|hold| of_hold(map, hold, today)).collect();
    let mut received = BTreeMap::<&str, (u64, u64)>::new();
    for holding in holdings {
        let said = map.of(&holding.source, &holding.object, &holding.field);
        let place = Place::Field {
            source: holding.source.clone(),
            object: holding.object.clone(),
            field: holding.field.clone(),
        };
        let (owner, due) = (said.owner.map(str::to_owned), said.due);
        for (kind, cure) in missing(&said) {
            let amount = (holding.findings, holding.sensitive);
            all.push(gap(map, kind, cure, place.clone(), amount, (owner.clone(), due), today));
        }
        // Nobody receives one field twice, however many ways lead there.
        let names: std::collections::BTreeSet<_> = said.recipients().map(|(_, name)| name).collect();
        for known in names.into_iter().filter_map(|name| map.recipient(name)) {
            let of = received.entry(&known.name).or_default();
            *of = (of.0 + holding.findings, of.1 + holding.sensitive);
        }
    }
    for (name, amount) in received {
        let Some(Recipient { contract, notify, owner, due, .. }) = map.recipient(name) else { continue };
        let missing = [
            (contract.is_none(), GapKind::Contract, "`contract`: where the one is that §1798.100(d) asks for"),
            (notify.is_none(), GapKind::Notify, "`notify`: how it is told of deletions, corrections and opt-outs"),
        ];
        for (_, kind, cure) in missing.into_iter().filter(|(is_missing, ..)| *is_missing) {
            let place = Place::Recipient(name.to_owned());
            all.push(gap(map, kind, cure.to_owned(), place, amount, (owner.clone(), *due), today));
        }
    }
    let is_hold = |gap: &Gap| matches!(gap.place, Place::Hold(_));
    all.sort_by(|a, b| {
        is_hold(b)
            .cmp(&is_hold(a))
            .then(b.risk.total_cmp(&a.risk))
            .then_with(|| (&a.place, a.kind).cmp(&(&b.place, b.kind)))
    });
    all
}

/// That a hold keeps nothing.
fn of_hold(map: &Map, hold: &IdleHold, today: Day) -> Gap {
    let gap = gap(map, GapKind::Hold, hold.to_string(), Place::Hold(hold.title.clone()), (0, 1), (None, None), today);
    Gap { sensitive: 0, ..gap }
}

/// What a statement about a field does not say.
fn missing(said: &Statement<'_>) -> Vec<(GapKind, String)> {
    let mut all = Vec::new();
    if said.purposes.is_none() && said.business_purposes.is_none_or(<[_]>::is_empty) {
        all.push((GapKind::Purposes, "`purposes`: what it is for".to_owned()));
    }
    if said.sources.is_none() {
        all.push((GapKind::Sources, "`sources`: whom it is collected from".to_owned()));
    }
    if !said.says_recipients() {
        let settings = [
            (said.sold_to.is_none(), "`sold_to`"),
            (said.shared_with.is_none(), "`shared_with`"),
            (said.disclosed_to.is_none(), "`disclosed_to`"),
        ];
        let settings: Vec<_> =
            settings.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, name)| name).collect();
        all.push((GapKind::Recipients, format!("{}: who gets it, `[]` for nobody", settings.join(", "))));
    }
    match said.retention {
        None => all.push((GapKind::Retention, "`retention`: how long it is kept".to_owned())),
        Some(RetentionPeriod::For { from: CountsFrom::Collection, .. }) if said.collected_at.is_none() => {
            let cure = "`collected_at`, or `from` or `after` of `retention`: what the period counts from".to_owned();
            all.push((GapKind::CollectedAt, cure));
        }
        Some(_) => {}
    }
    if said.owner.is_none() {
        all.push((GapKind::Owner, "`owner`: who answers for it".to_owned()));
    }
    all
}

fn gap(
    map: &Map,
    kind: GapKind,
    cure: String,
    place: Place,
    (findings, sensitive): (u64, u64),
    (owner, due): (Option<String>, Option<Day>),
    today: Day,
) -> Gap {
    let state = match map.accepted(kind, &place, today) {
        Some(a) => State::Accepted { by: a.approved_by.clone(), until: a.until, reason: a.reason.clone() },
        None if due.is_some_and(|due| due < today) => State::Overdue,
        None => State::Open,
    };
    let (weight, amount) = if sensitive > 0 { (10.0, sensitive) } else { (1.0, findings) };
    let risk = weight * (1.0 + (amount.max(1) as f64).log10());
    Gap { place, kind, cure, findings, sensitive, risk, owner, due, state }
}
