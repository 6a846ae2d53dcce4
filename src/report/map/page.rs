//! Pages of the account: the picture of its flows, and everything.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::super::html::{begin, end, escape};
use super::super::human::count;
use super::{Account, end_label, graph as picture, purpose_label, tables};
use crate::map::{Place, State};

/// Writes the picture of the flows as a page, with the flows as a table below.
///
/// # Errors
/// When it cannot be written.
pub fn graph(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::with_capacity(64 << 10);
    begin(&mut page, "What flows where", &escape(&account.made));
    page.push_str("</header>\n<main>\n");
    flows(&mut page, account);
    end(&mut page, &account.made, "");
    out.write_all(page.as_bytes())
}

/// Writes everything as a page: flows, fields, recipients, gaps.
///
/// # Errors
/// When it cannot be written.
pub fn html(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::with_capacity(64 << 10);
    begin(&mut page, "Data map", &escape(&account.made));
    figures(&mut page, account);
    page.push_str("<main>\n<h2>Flows</h2>\n");
    flows(&mut page, account);
    recipients(&mut page, account);
    gaps(&mut page, account);
    out.write_all(page.as_bytes())?;
    page.clear();
    let missing = tables::gaps(account);
    table(
        &mut page,
        "Fields",
        &["Source", "Object", "Field", "Types", "Findings", "From", "For", "To", "Kept", "Owner", "Missing"],
    );
    for holding in account.holdings {
        let said = account.map.of(&holding.source, &holding.object, &holding.field);
        let types: Vec<_> = holding.types.iter().map(|(kind, _)| chip(kind.name(), kind.is_sensitive())).collect();
        let to: Vec<_> = said.recipients().map(|(way, name)| format!("{} ({})", escape(name), way.name())).collect();
        let to = if to.is_empty() && said.says_recipients() { "nobody".to_owned() } else { to.join("<br>") };
        let purposes = said.purposes.into_iter().flatten().map(|p| escape(p.name()));
        let business = said.business_purposes.into_iter().flatten().map(|p| p.title().to_owned());
        let lacks = missing.get(&tables::place(holding)).into_iter().flatten().map(|gap| chip(gap.name(), true));
        let field = if holding.field.is_empty() {
            "<span class=\"soft\">text</span>".to_owned()
        } else {
            format!("<code>{}</code>", escape(&holding.field))
        };
        let cells = [
            escape(&holding.source),
            format!("<code>{}</code>", escape(&holding.object)),
            field,
            types.join(""),
            count(holding.findings),
            said.sources.into_iter().flatten().map(|s| escape(s.name())).collect::<Vec<_>>().join("<br>"),
            purposes.chain(business).collect::<Vec<_>>().join("<br>"),
            to,
            said.retention.map(|retention| escape(&retention.to_string())).unwrap_or_default(),
            escape(said.owner.unwrap_or_default()),
            lacks.collect::<String>(),
        ];
        row(&mut page, &cells);
        if page.len() > 1 << 16 {
            out.write_all(page.as_bytes())?;
            page.clear();
        }
    }
    page.push_str("</tbody></table></div>\n");
    end(&mut page, &account.made, "");
    out.write_all(page.as_bytes())
}

fn figures(page: &mut String, account: &Account<'_>) {
    let open = account.gaps.iter().filter(|gap| gap.state.remains()).count() as u64;
    let sensitive = account.holdings.iter().filter(|holding| holding.sensitive > 0).count() as u64;
    page.push_str("<ul class=\"figures\">\n");
    let figures = [
        ("", account.holdings.iter().map(|holding| holding.findings).sum(), "findings"),
        ("", account.holdings.len() as u64, "fields with personal information"),
        (if sensitive > 0 { "grave" } else { "" }, sensitive, "of them sensitive"),
        ("", account.map.recipients().count() as u64, "recipients"),
        (if open > 0 { "grave" } else { "good" }, open, "gaps not accepted"),
    ];
    for (class, number, label) in figures {
        let _ = writeln!(page, "<li class=\"{class}\"><b>{}</b>{label}</li>", count(number));
    }
    page.push_str("</ul>\n</header>\n");
}

fn flows(page: &mut String, account: &Account<'_>) {
    let _ = write!(
        page,
        "<div class=\"panel\">{}<ul class=\"key\"><li><i></i>used, disclosed or processed</li>\
         <li class=\"grave\"><i></i>sold or shared; within a band, sensitive</li><li class=\"good\"><i></i>stays here</li>\
         <li class=\"none\"><i></i>dashed: not said</li></ul></div>\n\
         <p class=\"soft\">A band is as wide as its number of findings. A finding with two purposes or three recipients is \
         in each of them.</p>\n",
        picture::svg(account)
    );
    table(page, "Every flow", &["Source", "Purpose", "Way", "Recipient", "Findings", "Sensitive"]);
    let mut flows = account.flows();
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.findings));
    for flow in &flows {
        let end = flow.recipient.as_deref().map_or_else(|| end_label(flow), str::to_owned);
        let cells = [
            escape(&flow.source),
            escape(purpose_label(flow.purpose.as_deref())),
            flow.way.name().to_owned(),
            escape(&end),
            count(flow.findings),
            count(flow.sensitive),
        ];
        row(page, &cells);
    }
    page.push_str("</tbody></table></div>\n");
}

fn recipients(page: &mut String, account: &Account<'_>) {
    table(page, "Recipients", &["Name", "Category", "Kind", "Contract", "Told through"]);
    for known in account.map.recipients() {
        let text = |text: &Option<String>| text.as_deref().map_or_else(|| chip("missing", true), escape);
        let cells = [
            escape(&known.name),
            escape(known.category.name()),
            known.kind.name().to_owned(),
            text(&known.contract),
            text(&known.notify),
        ];
        row(page, &cells);
    }
    page.push_str("</tbody></table></div>\n");
}

fn gaps(page: &mut String, account: &Account<'_>) {
    table(page, "Gaps, by risk", &["Risk", "Where", "Missing", "Findings", "Owner", "Due", "State"]);
    for gap in account.gaps {
        let place = match &gap.place {
            Place::Field { source, object, field } => {
                format!("{}: <code>{}</code> <code>{}</code>", escape(source), escape(object), escape(field))
            }
            Place::Recipient(name) => format!("recipient {}", escape(name)),
            Place::Hold(title) => escape(title).to_string(),
        };
        let state = match &gap.state {
            State::Accepted { by, until, reason } => {
                format!("accepted by {} until {until}: {}", escape(by), escape(reason))
            }
            state => state.name().to_owned(),
        };
        let cells = [
            format!("{:.1}", gap.risk),
            place,
            gap.kind.name().to_owned(),
            count(gap.findings),
            escape(gap.owner.as_deref().unwrap_or_default()),
            gap.due.map(|day| day.to_string()).unwrap_or_default(),
            state,
        ];
        row(page, &cells);
    }
    page.push_str("</tbody></table></div>\n");
}

fn table(page: &mut String, title: &str, heads: &[&str]) {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let _ = write!(page, "<h2>{title}</h2>\n<div class=\"panel\"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n");
}

/// A row of cells that are markup already.
fn row(page: &mut String, cells: &[String]) {
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    let _ = writeln!(page, "<tr>{cells}</tr>");
}

fn chip(text: &str, is_grave: bool) -> String {
    format!("<span class=\"chip{}\">{text}</span>", if is_grave { " grave" } else { "" })
}
