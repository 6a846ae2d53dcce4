//! The inventory as one page that needs nothing else: styles, chart and script are inside.
//!
//! It reads without scripts, follows the reader's light or dark setting, and prints. It loads nothing and says so
//! in its content security policy.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use residuum_detect::Category;
use residuum_source::Coverage;

use super::human::{bytes, count, percent};
use super::{FieldLine, Inventory, matrix};

/// Writes the inventory as a page.
///
/// # Errors
/// When it cannot be written.
pub fn html(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::with_capacity(64 << 10);
    head(&mut page, inventory);
    figures(&mut page, inventory);
    let _ = write!(
        page,
        "<main>\n<h2>Categories by source</h2>\n<div class=\"panel\">{}</div>\n",
        matrix::chart(inventory)
    );
    page.push_str(
        "<p class=\"soft\">Categories of Cal. Civ. Code §1798.140(v)(1). The area of a circle is the number of findings; \
         one finding may fall into several categories.</p>\n",
    );
    page.push_str("<div class=\"columns\">\n");
    types(&mut page, inventory);
    coverage(&mut page, inventory);
    page.push_str("</div>\n");
    out.write_all(page.as_bytes())?;
    page.clear();
    fields_head(&mut page, inventory);
    for field in &inventory.fields {
        field_row(&mut page, field);
        if page.len() > 1 << 16 {
            out.write_all(page.as_bytes())?;
            page.clear();
        }
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
    changes(&mut page, inventory);
    scans(&mut page, inventory);
    end(&mut page, &inventory.made, include_str!("page.js"));
    out.write_all(page.as_bytes())
}

fn head(page: &mut String, inventory: &Inventory) {
    let sources: Vec<_> = inventory.sources.iter().map(|s| escape(&s.name)).collect();
    let about = format!(
        "{} · index <code>{}</code> · {}",
        sources.join(", "),
        escape(&inventory.index),
        escape(&inventory.made)
    );
    begin(page, "Personal information inventory", &about);
}

/// Begins a page of this program's: what every one of them has, and a line of markup about this one. What follows is
/// within its `header`.
pub(super) fn begin(page: &mut String, title: &str, about: &str) {
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<header>\n\
         <h1>{title}</h1>\n\
         <p class=\"soft\">{about}</p>\n",
        include_str!("page.css"),
    );
}

/// Ends a page with what made it and when, and a script if it has one.
pub(super) fn end(page: &mut String, made: &str, script: &str) {
    let holds = "The page holds places and counts, no personal value; names that are personal themselves are sealed and look \
                 like <code>⟨EMAIL:1f3a…⟩</code>.";
    end_saying(page, made, script, holds);
}

/// Ends a page of which something else is to be said than that nothing in it is personal, as markup.
pub(super) fn end_saying(page: &mut String, made: &str, script: &str, holds: &str) {
    let script = if script.is_empty() { String::new() } else { format!("<script>\n{script}</script>\n") };
    let _ = write!(
        page,
        "</main>\n<footer>Made by residuum {} on {}. {holds}</footer>\n\
         {script}</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        escape(made),
    );
}

fn figures(page: &mut String, inventory: &Inventory) {
    let sum = |number: fn(&super::SourceLine) -> u64| inventory.sources.iter().map(number).sum::<u64>();
    let sensitive = inventory.fields.iter().filter(|f| f.sensitive).count() as u64;
    let open: u64 = inventory.coverage.iter().filter(|(state, _)| state.is_incomplete()).map(|(_, &n)| n).sum();
    page.push_str("<ul class=\"figures\">\n");
    let mut figure = |class: &str, number: String, label: &str| {
        let _ = writeln!(page, "<li class=\"{class}\"><b>{number}</b>{label}</li>");
    };
    figure("", count(sum(|s| s.findings)), "findings");
    figure("", count(inventory.fields.len() as u64), "fields with findings");
    figure(if sensitive > 0 { "grave" } else { "" }, count(sensitive), "of them sensitive");
    figure("", count(sum(|s| s.objects)), "objects read");
    figure("", count(sum(|s| s.records)), "records");
    figure("", bytes(sum(|s| s.bytes)), "examined");
    match open {
        0 => figure("good", "complete".into(), "coverage"),
        _ => figure("grave", count(open), "not or not fully read"),
    }
    page.push_str("</ul>\n</header>\n");
    if inventory.scans.iter().take(1).any(|scan| scan.sampled) {
        page.push_str("<main><p><strong>The last scan read a sample only.</strong> Counts are of that sample; absence proves nothing.</p></main>\n");
    }
}

fn types(page: &mut String, inventory: &Inventory) {
    let counts = inventory.by_type();
    let most = counts.first().map_or(1, |&(_, n)| n.max(1));
    page.push_str(
        "<section><h2>Types</h2>\n<div class=\"panel\"><table>\n<thead><tr><th scope=\"col\">Type</th>\
         <th scope=\"col\" class=\"n\">Findings</th><th scope=\"col\" style=\"width:45%\"></th></tr></thead>\n<tbody>\n",
    );
    for (kind, n) in counts {
        let grave = if kind.is_sensitive() { " grave" } else { "" };
        let _ = writeln!(
            page,
            "<tr><td><span class=\"chip{grave}\">{}</span></td><td class=\"n\">{}</td>\
             <td><span class=\"bar{grave}\" style=\"width:{:.1}%\"></span></td></tr>",
            kind.name(),
            count(n),
            n as f64 * 100.0 / most as f64
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn coverage(page: &mut String, inventory: &Inventory) {
    let of = |state: &Coverage| inventory.coverage.get(state).copied().unwrap_or(0);
    page.push_str("<section><h2>Coverage</h2>\n<div class=\"panel\">\n<div class=\"states\" aria-hidden=\"true\">");
    for state in Coverage::ALL.iter().filter(|state| of(state) > 0) {
        let _ = write!(page, "<span class=\"state-{}\" style=\"flex:{} 1 4px\"></span>", state.name(), of(state));
    }
    page.push_str(
        "</div>\n<table>\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Objects</th>\
                   <th scope=\"col\">Meaning</th></tr></thead>\n<tbody>\n",
    );
    for state in Coverage::ALL {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"soft\">{}</td></tr>",
            state.name(),
            count(of(&state)),
            meaning(state)
        );
    }
    page.push_str("</tbody></table>\n");
    if !inventory.ledger.is_empty() {
        let open = if inventory.is_complete() { "" } else { " open" };
        let _ = writeln!(
            page,
            "<details{open}><summary>{} not read, with the reason</summary>\n<table><tbody>",
            count(inventory.ledger.len() as u64)
        );
        for line in &inventory.ledger {
            let grave = if line.state.is_incomplete() { " grave" } else { "" };
            let _ = writeln!(
                page,
                "<tr><td><span class=\"chip{grave}\">{}</span></td><td>{}<br><code>{}</code><br><span class=\"soft\">{}</span></td></tr>",
                line.state.name(),
                escape(&line.source),
                escape(&line.object),
                escape(&line.reason)
            );
        }
        page.push_str("</tbody></table></details>\n");
    }
    page.push_str("</div></section>\n");
}

/// What a state says, in a few words.
pub(crate) const fn meaning(state: Coverage) -> &'static str {
    match state {
        Coverage::Read => "read completely",
        Coverage::Derived => "holds nothing of its own: a view, an index",
        Coverage::Excluded => "left out on purpose",
        Coverage::Unsupported => "its kind or format cannot be read",
        Coverage::Unreadable => "could not be read, or not to its end",
        Coverage::Limit => "a limit stopped the reading",
    }
}

fn fields_head(page: &mut String, inventory: &Inventory) {
    let options = |page: &mut String, values: &mut dyn Iterator<Item = (String, String)>| {
        page.push_str("<option value=\"\">all</option>");
        for (value, label) in values {
            let _ = write!(page, "<option value=\"{}\">{}</option>", escape(&value), escape(&label));
        }
    };
    page.push_str(
        "<h2>Fields</h2>\n<form class=\"controls\" id=\"controls\" hidden onsubmit=\"return false\">\
                   <label>Search<input type=\"search\" id=\"search\" placeholder=\"object, field, type\"></label>\
                   <label>Source<select id=\"source\">",
    );
    options(page, &mut inventory.sources.iter().map(|s| (s.name.clone(), s.name.clone())));
    page.push_str("</select></label><label>Category<select id=\"category\">");
    let present: BTreeSet<_> = inventory.fields.iter().flat_map(|f| &f.categories).copied().collect();
    options(page, &mut present.iter().map(|c: &Category| (c.letter().into(), format!("{} {}", c.letter(), c.title()))));
    page.push_str(
        "</select></label><label class=\"check\"><input type=\"checkbox\" id=\"sensitive\">sensitive only</label>\
         <output id=\"shown\" class=\"soft\" aria-live=\"polite\"></output></form>\n\
         <div class=\"panel\"><table id=\"fields\">\n<thead><tr>",
    );
    for (name, class) in [
        ("Source", ""),
        ("Object", ""),
        ("Field", ""),
        ("Types", ""),
        ("Categories", ""),
        ("Findings", "n"),
        ("Records", "n"),
        ("Examined", ""),
    ] {
        let _ = write!(page, "<th scope=\"col\" class=\"{class}\"><button type=\"button\">{name}</button></th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

fn field_row(page: &mut String, field: &FieldLine) {
    let letters: Vec<_> = field.categories.iter().map(|c| c.letter()).collect();
    let findings: u64 = field.types.iter().map(|t| t.values).sum();
    let name = if field.field.is_empty() {
        "<span class=\"soft\">text</span>".to_owned()
    } else {
        format!("<code>{}</code>", escape(&field.field))
    };
    let _ = write!(
        page,
        "<tr data-source=\"{0}\" data-categories=\"{1}\" data-sensitive=\"{2}\"><td>{0}</td><td><code>{3}</code></td><td>{name}</td><td>",
        escape(&field.source),
        letters.join(" "),
        field.sensitive,
        escape(&field.object)
    );
    for found in &field.types {
        let grave = if found.categories.contains(&Category::L) { " grave" } else { "" };
        let _ = write!(
            page,
            "<span class=\"chip{grave}\" title=\"{} of {} records ({})\">{} {}</span>",
            count(found.records),
            count(field.records),
            percent(found.rate),
            found.kind.name(),
            count(found.values)
        );
    }
    for key in &field.keys {
        let _ = write!(page, "<span class=\"chip soft\">key {}</span>", escape(key));
    }
    let titles: Vec<_> = field.categories.iter().map(|c| c.title()).collect();
    let _ = writeln!(
        page,
        "</td><td title=\"{}\">{}</td><td class=\"n\" data-n=\"{findings}\">{}</td><td class=\"n\" data-n=\"{}\">{}</td><td class=\"soft\" title=\"{}\">{}</td></tr>",
        titles.join(", "),
        letters.join(" "),
        count(findings),
        field.records,
        count(field.records),
        escape(&field.evidence.join("; ")),
        escape(&field.plan)
    );
}

fn changes(page: &mut String, inventory: &Inventory) {
    let changes = &inventory.changes;
    if changes.new.is_empty() && changes.read_again.is_empty() && changes.totals.is_empty() {
        return;
    }
    page.push_str("<h2>Since the scan before</h2>\n<div class=\"panel\">\n");
    if !changes.totals.is_empty() {
        page.push_str(
            "<table><thead><tr><th scope=\"col\">Source</th><th scope=\"col\">Type</th><th scope=\"col\" class=\"n\">Before</th>\
             <th scope=\"col\" class=\"n\">Now</th></tr></thead>\n<tbody>\n",
        );
    }
    for total in &changes.totals {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(&total.source),
            total.kind.name(),
            count(total.before),
            count(total.after)
        );
    }
    if !changes.totals.is_empty() {
        page.push_str("</tbody></table>\n");
    }
    let lists = [("New", &changes.new), ("Read again", &changes.read_again)];
    for (label, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
        let _ = writeln!(page, "<details><summary>{label}: {}</summary>", count(names.len() as u64));
        for name in *names {
            let _ = writeln!(page, "<code>{}</code><br>", escape(name));
        }
        page.push_str("</details>\n");
    }
    page.push_str("</div>\n");
}

fn scans(page: &mut String, inventory: &Inventory) {
    page.push_str("<h2>Scans</h2>\n<div class=\"panel\"><table>\n<thead><tr><th scope=\"col\">Began</th><th scope=\"col\">Ended</th>\
                   <th scope=\"col\">Sources</th></tr></thead>\n<tbody>\n");
    for scan in &inventory.scans {
        let ended = scan.ended.as_deref().unwrap_or("interrupted");
        let sampled = if scan.sampled { " (a sample)" } else { "" };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}{sampled}</td></tr>",
            escape(&scan.started),
            escape(ended),
            escape(&scan.sources.join(", "))
        );
    }
    page.push_str("</tbody></table></div>\n");
}

/// The style that all pages have.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Text as it may stand in HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut out = Vec::new();
        html(&super::super::tests::sample(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_cannot_become_markup() {
        let page = page();
        assert!(page.contains("notes/&lt;script&gt;alert(1)&lt;/script&gt;, &quot;x&quot;.txt"));
        assert_eq!(page.matches("<script>").count(), 1);
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page();
        assert!(page.contains("default-src 'none'"));
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_tag_that_opens_closes() {
        let page = page();
        for tag in [
            "table", "thead", "tbody", "tr", "td", "th", "div", "section", "main", "header", "footer", "svg",
            "details", "select", "form", "span", "ul", "li", "label",
        ] {
            let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
