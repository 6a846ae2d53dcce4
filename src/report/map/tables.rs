//! The account as JSON and CSV; their field names are relied on by scripts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::Account;
use crate::config::{CountsFrom, GapKind, RetentionPeriod};
use crate::map::{Flow, Holding, Place, Statement, Use};
use crate::report::{csv_line, inert};

/// Writes everything that is said and found, as one JSON document.
///
/// # Errors
/// When it cannot be written.
pub fn json(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    let gaps = gaps(account);
    let fields = account.holdings.iter().map(|holding| {
        let said = account.map.of(&holding.source, &holding.object, &holding.field);
        field(account, holding, &said, gaps.get(&place(holding)).map_or(&[][..], Vec::as_slice))
    });
    let recipients = account.map.recipients().map(|r| {
        json!({
            "recipient": r.name,
            "category": r.category.name(),
            "kind": r.kind.name(),
            "contract": r.contract,
            "notify": r.notify,
            "owner": r.owner,
        })
    });
    let document = json!({
        "made": account.made,
        "fields": fields.collect::<Value>(),
        "recipients": recipients.collect::<Value>(),
        "flows": account.flows().iter().map(flow).collect::<Value>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes the flows alone, as one JSON document.
///
/// # Errors
/// When it cannot be written.
pub fn graph(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    let used = |used: &Use| json!({ "source": used.source, "purpose": used.purpose, "findings": used.findings, "sensitive": used.sensitive });
    let document = json!({
        "uses": account.uses().iter().map(used).collect::<Value>(),
        "flows": account.flows().iter().map(flow).collect::<Value>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn flow(flow: &Flow) -> Value {
    json!({
        "source": flow.source,
        "purpose": flow.purpose,
        "way": flow.way.name(),
        "recipient": flow.recipient,
        "findings": flow.findings,
        "sensitive": flow.sensitive,
    })
}

fn field(account: &Account<'_>, holding: &Holding, said: &Statement<'_>, gaps: &[GapKind]) -> Value {
    let retained = account.map.retained(holding, account.today).map(|retention| {
        json!({ "exception": retention.exception, "reason": retention.reason, "approved_by": retention.approved_by, "until": retention.until })
    });
    let no_search = said.no_search.map(|reason| {
        json!({
            "not_searchable": reason.not_searchable,
            "kept_only_for": reason.kept_only_for,
            "not_sold_or_used": reason.not_sold_or_used,
            "described_as": reason.described_as,
        })
    });
    json!({
        "source": holding.source,
        "object": holding.object,
        "field": holding.field,
        "types": holding.types.iter().map(|(kind, n)| json!({ "type": kind.name(), "findings": n })).collect::<Value>(),
        "categories": holding.categories.iter().map(|c| c.letter()).collect::<Vec<_>>(),
        "findings": holding.findings,
        "sensitive": holding.sensitive,
        "sources": said.sources.map(|all| all.iter().map(|s| s.name()).collect::<Vec<_>>()),
        "purposes": said.purposes.map(|all| all.iter().map(|p| p.name()).collect::<Vec<_>>()),
        "business_purposes": said.business_purposes.map(|all| all.iter().map(|p| p.title()).collect::<Vec<_>>()),
        "sold_to": said.sold_to,
        "shared_with": said.shared_with,
        "disclosed_to": said.disclosed_to,
        "service_providers": said.service_providers,
        "retention": said.retention.map(retention),
        "collected_at": said.collected_at,
        "environment": said.environment.map(|environment| environment.name()),
        "owner": said.owner,
        "due": said.due.map(|day| day.to_string()),
        "no_search": no_search,
        "retained": retained.collect::<Value>(),
        "gaps": gaps.iter().map(|gap| gap.name()).collect::<Vec<_>>(),
    })
}

fn retention(period: &RetentionPeriod) -> Value {
    let (span, from) = match period {
        RetentionPeriod::For { keep, from } => (Some(keep.iso8601()), Some(from)),
        RetentionPeriod::Until(_) => (None, None),
    };
    let from = from.map(|from| match from {
        CountsFrom::Collection => json!({ "collection": true }),
        CountsFrom::Field(field) => json!({ "field": field }),
        CountsFrom::Event(event) => json!({ "event": event }),
    });
    json!({ "text": period.to_string(), "span": span, "from": from })
}

/// Writes a row for each field with what is said of it; lists are separated by `; `, and what is not said is empty.
/// What is said to be nobody is `-`.
///
/// # Errors
/// When it cannot be written.
pub fn csv(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    const HEAD: [&str; 22] = [
        "source",
        "object",
        "field",
        "types",
        "categories",
        "findings",
        "sensitive",
        "sources",
        "purposes",
        "business_purposes",
        "sold_to",
        "shared_with",
        "disclosed_to",
        "service_providers",
        "retention",
        "collected_at",
        "environment",
        "owner",
        "due",
        "not_searched",
        "retained",
        "gaps",
    ];
    csv_line(out, HEAD)?;
    let gaps = gaps(account);
    for holding in account.holdings {
        let said = account.map.of(&holding.source, &holding.object, &holding.field);
        let types: Vec<_> = holding.types.iter().map(|(kind, _)| kind.name()).collect();
        let letters: Vec<_> = holding.categories.iter().map(|c| c.letter()).collect();
        let missing = gaps.get(&place(holding)).into_iter().flatten().map(|gap| gap.name());
        let retained = account.map.retained(holding, account.today).map(|r| r.exception.as_str());
        let row: [&str; 22] = [
            &inert(&holding.source),
            &inert(&holding.object),
            &inert(&holding.field),
            &types.join("; "),
            &letters.join(" "),
            &holding.findings.to_string(),
            &holding.sensitive.to_string(),
            &listed(said.sources, |s| s.name()),
            &listed(said.purposes, |p| p.name()),
            &listed(said.business_purposes, |p| p.title()),
            &listed(said.sold_to, String::as_str),
            &listed(said.shared_with, String::as_str),
            &listed(said.disclosed_to, String::as_str),
            &listed(said.service_providers, String::as_str),
            &said.retention.map(ToString::to_string).unwrap_or_default(),
            said.collected_at.unwrap_or_default(),
            said.environment.map_or("", |environment| environment.name()),
            said.owner.unwrap_or_default(),
            &said.due.map(|day| day.to_string()).unwrap_or_default(),
            said.no_search.map_or("", |reason| &reason.described_as),
            &retained.collect::<Vec<_>>().join("; "),
            &missing.collect::<Vec<_>>().join("; "),
        ];
        csv_line(out, row)?;
    }
    Ok(())
}

/// A list as one cell.
pub(super) fn listed<T>(list: Option<&[T]>, name: impl Fn(&T) -> &str) -> String {
    match list {
        None => String::new(),
        Some([]) => "-".to_owned(),
        Some(list) => list.iter().map(name).collect::<Vec<_>>().join("; "),
    }
}

/// What is missing of each field, accepted or not.
pub(super) fn gaps(account: &Account<'_>) -> BTreeMap<Place, Vec<GapKind>> {
    let mut all = BTreeMap::<Place, Vec<GapKind>>::new();
    for gap in account.gaps {
        all.entry(gap.place.clone()).or_default().push(gap.kind);
    }
    all
}

pub(super) fn place(holding: &Holding) -> Place {
    let (source, object, field) = (holding.source.clone(), holding.object.clone(), holding.field.clone());
    Place::Field { source, object, field }
}
