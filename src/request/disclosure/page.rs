//! The page of a package: readable without scripts, by a screen reader and on paper.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use residuum_detect::Category;

use super::answer::{CategoryAnswer, Told};
use super::model::{DisclosedObject, Disclosure};
use super::package::{csv_name, key_text, not_disclosed};
use crate::report::human::{count, counted};
use crate::report::{STYLE, escape};

/// The page.
pub(super) fn page(disclosure: &Disclosure) -> String {
    let mut page = String::with_capacity(64 << 10);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Your personal information</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<header>\n<h1>Your personal information</h1>\n<p class=\"soft\">{}Made on {}. It covers what was \
         collected since {}.</p>\n",
        disclosure.request.as_ref().map_or_else(String::new, |id| format!("Request {}. ", escape(id))),
        escape(&disclosure.made),
        escape(&disclosure.since)
    );
    figures(&mut page, disclosure);
    page.push_str("</header>\n<main>\n<nav aria-label=\"Contents\"><h2>Contents</h2>\n<ul>\n");
    let mut sections = vec![("answer", "What is collected, why, and who gets it")];
    if !disclosure.categories_only {
        sections.extend([("categories", "Your information by category"), ("systems", "Your information by system")]);
    }
    if !disclosure.contested.is_empty() {
        sections.push(("contested", "What you contest"));
    }
    sections.extend([("withheld", "Held and not shown"), ("not-disclosed", "What is not in this package")]);
    for (id, title) in &sections {
        let _ = writeln!(page, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    page.push_str("</ul></nav>\n");
    answer(&mut page, disclosure);
    if !disclosure.categories_only {
        by_category(&mut page, disclosure);
        by_system(&mut page, disclosure);
    }
    contested(&mut page, disclosure);
    withheld(&mut page, disclosure);
    left(&mut page, disclosure);
    page.push_str(
        "</main>\n<footer>Keep this page as you would keep a letter from your bank.</footer>\n</body>\n</html>\n",
    );
    page
}

fn figures(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<ul class=\"figures\">\n");
    let mut figure = |class: &str, number: String, label: &str| {
        let _ = writeln!(page, "<li class=\"{class}\"><b>{number}</b>{label}</li>");
    };
    figure("", count(disclosure.answer.categories.len() as u64), "categories");
    if !disclosure.categories_only {
        figure("", count(disclosure.objects.len() as u64), "objects that hold you");
        figure("", count(disclosure.records()), "records shown");
    }
    match disclosure.is_complete() {
        true => figure("good", "complete".to_owned(), "every place is accounted for"),
        false => figure("grave", "not complete".to_owned(), "something could not be read"),
    }
    page.push_str("</ul>\n");
}

/// A table's beginning: its caption, and its columns.
fn table(page: &mut String, caption: &str, columns: &[&str]) {
    let _ = write!(
        page,
        "<div class=\"panel\"><table>\n<caption class=\"soft\">{}</caption>\n<thead><tr>",
        escape(caption)
    );
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(column));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

const END: &str = "</tbody></table></div>\n";

fn title(category: Category) -> String {
    format!("{} {}", category.letter(), category.title())
}

/// The six groups, a table each (11 CCR § 7024(k)).
fn answer(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<section id=\"answer\"><h2>What is collected, why, and who gets it</h2>\n");
    let categories = &disclosure.answer.categories;
    if categories.is_empty() {
        page.push_str("<p>No category of personal information was found of you.</p>\n</section>\n");
        return;
    }
    if disclosure.answer.is_undated {
        page.push_str(
            "<p>Some of the records were not read to make this answer; the categories that they hold are told whatever the day \
             they were collected.</p>\n",
        );
    }
    page.push_str("<h3>1. Categories of personal information collected</h3>\n");
    table(page, "Categories of Cal. Civ. Code §1798.140(v)(1)", &["Category", "Held in"]);
    for of in categories {
        let held: Vec<_> = of.held_in.iter().map(|(source, object)| escape(&format!("{source}: {object}"))).collect();
        let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", title(of.category), held.join("<br>"));
    }
    page.push_str(END);
    type Group = (&'static str, &'static str, &'static str, fn(&CategoryAnswer) -> &Told);
    let groups: [Group; 5] = [
        ("2. Categories of sources", "Collected from", "nobody", |of| &of.sources),
        ("3. Purposes", "Collected, used, sold or shared for", "nothing", |of| &of.purposes),
        ("4. Categories of third parties it is disclosed to", "Disclosed to", "nobody", |of| &of.third_parties),
        ("5. Sold or shared", "Sold to or shared with", "nobody", |of| &of.sold_or_shared),
        ("6. Disclosed for a business purpose", "Disclosed for a business purpose to", "nobody", |of| &of.disclosed),
    ];
    for (heading, column, none, told) in groups {
        let _ = writeln!(page, "<h3>{heading}</h3>");
        table(page, heading, &["Category", column]);
        for of in categories {
            let text = escape(&told(of).text(none));
            let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{text}</td></tr>", title(of.category));
        }
        page.push_str(END);
    }
    page.push_str("</section>\n");
}

/// The values by category: each place once with its distinct values.
fn by_category(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<section id=\"categories\"><h2>Your information by category</h2>\n");
    type Fields<'d> = BTreeMap<(&'d str, &'d str, &'d str), (u64, Vec<&'d str>)>;
    let mut by: BTreeMap<(bool, Option<Category>), Fields<'_>> = BTreeMap::new();
    for object in &disclosure.objects {
        for value in object.records.iter().flat_map(|record| &record.values) {
            let at = (object.source.as_str(), object.object.as_str(), object.fields[value.field].as_str());
            let mut add = |category: Option<Category>| {
                let (n, texts) = by.entry((category.is_none(), category)).or_default().entry(at).or_default();
                *n += 1;
                let text = value.text.expose().as_str();
                if texts.len() < MOST_SHOWN && !texts.contains(&text) {
                    texts.push(text);
                }
            };
            value.categories.iter().for_each(|category| add(Some(*category)));
            if value.categories.is_empty() {
                add(None);
            }
        }
    }
    for ((_, category), fields) in by {
        let heading = category.map_or_else(|| "Other data in your records".to_owned(), title);
        let _ = writeln!(page, "<h3>{heading}</h3>");
        table(page, &heading, &["System", "Object", "Field", "Values"]);
        for ((source, object, field), (n, texts)) in fields {
            let shown: Vec<String> = texts.iter().map(|text| escape(text)).collect();
            let more = if n > texts.len() as u64 {
                format!("<br><span class=\"soft\">{} in all</span>", counted(n, "value"))
            } else {
                String::new()
            };
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><th scope=\"row\">{}</th><td class=\"value\">{}{more}</td></tr>",
                escape(source),
                escape(object),
                field_name(field),
                shown.join("<br>")
            );
        }
        page.push_str(END);
    }
    page.push_str("</section>\n");
}

/// Distinct values of a field that stand under a category; all stand under the system.
const MOST_SHOWN: usize = 20;

fn field_name(field: &str) -> String {
    if field.is_empty() { "text".to_owned() } else { escape(field) }
}

fn by_system(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<section id=\"systems\"><h2>Your information by system</h2>\n");
    for (number, object) in disclosure.objects.iter().enumerate() {
        let _ = writeln!(
            page,
            "<h3>{}: {}</h3>\n<p class=\"soft\">{}, also in <code>{}</code></p>",
            escape(&object.source),
            escape(&object.object),
            counted(object.records.len() as u64, "record"),
            escape(&csv_name(number, object))
        );
        for record in &object.records {
            records_table(page, disclosure, object, record);
        }
    }
    page.push_str("</section>\n");
}

fn records_table(
    page: &mut String,
    disclosure: &Disclosure,
    object: &DisclosedObject,
    record: &super::model::DisclosedRecord,
) {
    let key = key_text(&record.key);
    let collected = match (&record.collected, record.is_dated) {
        (Some(day), _) => format!(", collected {day}"),
        (None, true) => ", day of collection not given in the record".to_owned(),
        (None, false) => ", day of collection not recorded".to_owned(),
    };
    let excerpt = if record.is_excerpt { "; only what concerns you" } else { "" };
    let caption = format!("{} {key}{collected}{excerpt}", record.kind);
    table(page, caption.trim(), &["Field", "Value", "Category"]);
    for value in &record.values {
        let letters: Vec<&str> = value.categories.iter().map(|category| category.letter()).collect();
        let is_contested = disclosure.is_contested(object, &object.fields[value.field]);
        let mark = if is_contested { " <strong>(contested by you)</strong>" } else { "" };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"value\">{}{mark}</td><td>{}</td></tr>",
            field_name(&object.fields[value.field]),
            escape(value.text.expose()),
            if letters.is_empty() { "other".to_owned() } else { letters.join(" ") }
        );
    }
    page.push_str(END);
}

fn contested(page: &mut String, disclosure: &Disclosure) {
    if disclosure.contested.is_empty() {
        return;
    }
    page.push_str("<section id=\"contested\"><h2>What you contest</h2>\n");
    page.push_str(
        "<p>You have said that these are wrong, and they were not corrected. Whoever gets them is told so.</p>\n",
    );
    table(page, "Fields that you contest", &["System", "Object", "Field", "You say", "Why it stands"]);
    for of in &disclosure.contested {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"value\">{}</td><td>{}</td></tr>",
            escape(&of.source),
            escape(&of.object),
            field_name(&of.field),
            escape(of.statement.expose()),
            escape(&of.basis)
        );
    }
    page.push_str(END);
    page.push_str("</section>\n");
}

fn withheld(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<section id=\"withheld\"><h2>Held and not shown</h2>\n");
    let withheld = disclosure.withheld();
    if withheld.is_empty() {
        page.push_str("<p>Nothing in the records shown is of a type that may never be shown.</p>\n</section>\n");
        return;
    }
    page.push_str("<p>The law forbids to send you these; you are told that they are held, and where.</p>\n");
    table(
        page,
        "Information that is held and never shown",
        &["What", "Why not", "System", "Object", "Field", "Values"],
    );
    for ((what, source, object, field), n) in withheld {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
            escape(what.title()),
            escape(what.provision()),
            escape(source),
            escape(object),
            field_name(field),
            count(n)
        );
    }
    page.push_str(END);
    page.push_str("</section>\n");
}

fn left(page: &mut String, disclosure: &Disclosure) {
    page.push_str("<section id=\"not-disclosed\"><h2>What is not in this package</h2>\n");
    let _ = writeln!(
        page,
        "<p>You were found in {}. Every one of them is in this package or below; <code>completeness.json</code> has them one by one.</p>",
        counted(disclosure.places.len() as u64, "place")
    );
    let lines = not_disclosed(disclosure);
    if !lines.is_empty() {
        table(page, "Places that are not shown, with the reason", &["System", "Object", "Places", "Reason"]);
        for line in &lines {
            let text = |name: &str| escape(line[name].as_str().unwrap_or_default());
            let _ = writeln!(
                page,
                "<tr><td>{}</td><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td></tr>",
                text("system"),
                text("object"),
                line["places"],
                text("text")
            );
        }
        page.push_str(END);
    }
    if disclosure.others() > 0 {
        let _ = writeln!(
            page,
            "<p>{} of other people were taken out of your records, to protect them.</p>",
            counted(disclosure.others(), "mention")
        );
    }
    page.push_str("</section>\n");
}
