//! The files of a package: a page to read, JSON and CSV for programs, and what everything is.
//!
//! ```text
//! index.html         the answer, by category and by system; no script, nothing loaded
//! data.json          the same for programs
//! csv/001-….csv      one table for each object
//! completeness.json  every place that the index has, with what became of it
//! README.txt         what these are
//! ```

use serde_json::{Value, json};

use super::model::{ContestedField, DisclosedObject, DisclosedRecord, Disclosure};
use super::page;
use crate::report::{csv_line, inert};

/// One file of a package.
pub struct PackageFile {
    /// Its name, `/` between folders.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// The object whose values it holds, if it is one's.
    pub object: Option<String>,
}

/// The version of the JSON's form.
const FORMAT: &str = "residuum-disclosure/1";

/// The files of a disclosure.
pub fn files(disclosure: &Disclosure) -> Vec<PackageFile> {
    let file = |name: &str, bytes: Vec<u8>| PackageFile { name: name.to_owned(), bytes, object: None };
    let text = |value: &Value| {
        let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
        text.push(b'\n');
        text
    };
    let mut files = vec![
        file("README.txt", readme(disclosure).into_bytes()),
        file("completeness.json", text(&completeness(disclosure))),
        file("data.json", text(&data(disclosure))),
    ];
    if !disclosure.categories_only {
        for (number, object) in disclosure.objects.iter().enumerate() {
            let name = csv_name(number, object);
            files.push(PackageFile { name, bytes: csv(object), object: Some(object.object.clone()) });
        }
    }
    // What opens the package comes last: without it there is none.
    files.push(file("index.html", page::page(disclosure).into_bytes()));
    files
}

/// The name of an object's table.
pub(super) fn csv_name(number: usize, object: &DisclosedObject) -> String {
    let name = format!("{}-{}", object.source, object.object);
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let name: String = name.chars().take(80).map(safe).collect();
    format!("csv/{:03}-{}.csv", number + 1, name.trim_end_matches(".csv"))
}

/// Everything, for programs.
fn data(disclosure: &Disclosure) -> Value {
    let told = |told: &super::answer::Told| json!({ "names": told.names, "recorded": !told.is_open });
    let letters = |select: fn(&super::answer::CategoryAnswer) -> &super::answer::Told| -> Value {
        disclosure
            .answer
            .categories
            .iter()
            .map(|of| (of.category.letter().to_owned(), told(select(of))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let categories: Vec<Value> = disclosure
        .answer
        .categories
        .iter()
        .map(|of| {
            let held_in: Vec<Value> =
                of.held_in.iter().map(|(source, object)| json!({ "system": source, "object": object })).collect();
            json!({ "category": of.category.letter(), "title": of.category.title(), "held_in": held_in })
        })
        .collect();
    let withheld: Vec<Value> = disclosure
        .withheld()
        .into_iter()
        .map(|((what, source, object, field), n)| {
            json!({ "what": what.title(), "provision": what.provision(), "system": source, "object": object, "field": field,
                "values": n })
        })
        .collect();
    let systems: Vec<Value> = disclosure
        .objects
        .iter()
        .filter(|_| !disclosure.categories_only)
        .map(|object| {
            let records: Vec<Value> =
                object.records.iter().map(|record| record_json(disclosure, object, record)).collect();
            json!({ "system": object.source, "object": object.object, "records": records })
        })
        .collect();
    json!({
        "format": FORMAT,
        "made": disclosure.made,
        "request": disclosure.request,
        "scope": if disclosure.categories_only { "categories" } else { "specific pieces" },
        "since": disclosure.since,
        "answer": {
            "categories_collected": categories,
            "categories_of_sources": letters(|of| &of.sources),
            "purposes": letters(|of| &of.purposes),
            "categories_of_third_parties": letters(|of| &of.third_parties),
            "sold_or_shared": letters(|of| &of.sold_or_shared),
            "disclosed_for_a_business_purpose": letters(|of| &of.disclosed),
            "whatever_the_day": disclosure.answer.is_undated,
        },
        "withheld": withheld,
        "contested": contested(disclosure),
        "not_disclosed": not_disclosed(disclosure),
        "systems": systems,
    })
}

/// What the person contests, with what they say of it.
fn contested(disclosure: &Disclosure) -> Vec<Value> {
    let one = |of: &ContestedField| {
        json!({ "system": of.source, "object": of.object, "field": of.field, "since": of.made, "denied_because": of.basis,
            "statement": of.statement.expose() })
    };
    disclosure.contested.iter().map(one).collect()
}

fn record_json(disclosure: &Disclosure, object: &DisclosedObject, record: &DisclosedRecord) -> Value {
    let values: Vec<Value> = record
        .values
        .iter()
        .map(|value| {
            let categories: Vec<&str> = value.categories.iter().map(|category| category.letter()).collect();
            let withheld: Vec<&str> = value.withheld.iter().map(|what| what.title()).collect();
            let field = &object.fields[value.field];
            json!({ "field": field, "value": value.text.expose(), "categories": categories, "withheld": withheld,
                "others_removed": value.others, "contested": disclosure.is_contested(object, field) })
        })
        .collect();
    json!({ "record": { "kind": record.kind, "key": record.key }, "collected": record.collected,
        "excerpt": record.is_excerpt, "values": values })
}

/// What is not in the package, by object and reason.
pub(super) fn not_disclosed(disclosure: &Disclosure) -> Vec<Value> {
    let mut counts = std::collections::BTreeMap::new();
    for place in &disclosure.places {
        if place.fate.code() != "disclosed" {
            let at = (place.source.as_str(), place.object.as_str(), place.fate.clone());
            *counts.entry(at).or_insert(0u64) += 1;
        }
    }
    let line = |((source, object, fate), n): ((&str, &str, super::model::Fate), u64)| json!({ "system": source, "object": object, "reason": fate.code(), "text": fate.reason(), "places": n });
    counts.into_iter().map(line).collect()
}

/// Every place of the index with what became of it, and the sums.
fn completeness(disclosure: &Disclosure) -> Value {
    let places: Vec<Value> = disclosure
        .places
        .iter()
        .map(|place| {
            json!({ "system": place.source, "object": place.object,
                "record": { "kind": place.record_kind, "key": place.record }, "field": place.field,
                "type": place.kind.name(), "outcome": place.fate.code() })
        })
        .collect();
    json!({ "places": disclosure.places.len(), "outcomes": disclosure.by_fate(), "records_disclosed": disclosure.records(),
        "complete": disclosure.is_complete(), "each": places })
}

/// An object's records as CSV, RFC 4180.
fn csv(object: &DisclosedObject) -> Vec<u8> {
    let mut out = Vec::new();
    let head = ["record", "collected"].into_iter().chain(object.fields.iter().map(String::as_str));
    let head: Vec<_> = head.map(inert).collect();
    csv_line(&mut out, head.iter().map(AsRef::as_ref)).expect("memory takes everything");
    for record in &object.records {
        let mut cells = vec![String::new(); object.fields.len() + 2];
        cells[0] = key_text(&record.key);
        cells[1] = record.collected.clone().unwrap_or_default();
        for value in &record.values {
            let cell = &mut cells[value.field + 2];
            if !cell.is_empty() {
                cell.push('\n');
            }
            cell.push_str(value.text.expose());
        }
        let cells: Vec<_> = cells.iter().map(|cell| inert(cell)).collect();
        csv_line(&mut out, cells.iter().map(AsRef::as_ref)).expect("memory takes everything");
    }
    out
}

/// A record's key in words.
pub(super) fn key_text(key: &Value) -> String {
    match key {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", key_text(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn readme(disclosure: &Disclosure) -> String {
    let what = match disclosure.categories_only {
        true => {
            "This package names the categories of personal information that are held of you. It shows no specific pieces.\n"
        }
        false => "This package holds the personal information that is held of you.\n",
    };
    let request = disclosure.request.as_ref().map_or_else(String::new, |id| format!("Request: {id}\n"));
    let warn = match disclosure.is_complete() {
        true => "",
        false => {
            "\nNOT COMPLETE: something could not be read; index.html says what, under \"What is not in this package\".\n"
        }
    };
    let undated =
        if disclosure.answer.is_undated { ", and of what was not read the categories, whatever the day" } else { "" };
    format!(
        "{what}{request}Made: {}\nCovers what was collected since: {}{undated}\n{warn}\n\
         index.html         the answer, to be read in any browser, also without a network\n\
         data.json          the same for programs\n\
         csv/               a table for each object that holds you\n\
         completeness.json  every place in which you were found, with what became of it\n\n\
         Some information is held and never shown: Social Security, driver's license and other government-issued numbers,\n\
         financial account numbers, health insurance and medical identification numbers, passwords, security questions\n\
         and answers, unique biometric data (California Code of Regulations, title 11, section 7024(d)). Where such a\n\
         thing stands, [withheld: ...] says what it is. Where other people are mentioned, [another person's ...] stands.\n\n\
         In the tables a cell that begins with =, +, - or @ has an apostrophe (') before it, so that no spreadsheet takes it\n\
         for a formula.\n",
        disclosure.made, disclosure.since
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read() {
        assert_eq!(key_text(&json!({ "id": 7, "region": "w" })), "id 7, region w");
        assert_eq!(key_text(&json!(12)), "12");
        let row = super::super::held::shown_key(json!("[\"Clients\",18"));
        assert_eq!((key_text(&row), &row["sheet"]), ("row 18, sheet Clients".to_owned(), &json!("Clients")));
    }
}
