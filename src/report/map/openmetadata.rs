//! Tags for OpenMetadata: requests to its API, one a line, in the order in which they are to be made.
//!
//! Each line has a method, a path and a body; the bodies are `CreateClassification`, `CreateTag` and `UpdateColumn` of
//! its published schemas (as of 2.0). OpenMetadata knows columns of tables, so only databases are told of, and other
//! sources if the owner says what they are called there. `UpdateColumn` sets the tags of a column to those given; they
//! are marked as suggested, so that somebody decides.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Account;
use super::tags::{self, Catalogue, Known, Left};

/// Writes the requests.
///
/// # Errors
/// When they cannot be written.
pub fn openmetadata(account: &Account<'_>, catalogue: &Catalogue, out: &mut dyn Write) -> io::Result<Left> {
    let (categories, types) = tags::all(account);
    let mut request = |method: &str, path: String, body: Value| {
        writeln!(out, "{}", json!({ "method": method, "path": path, "body": body }))
    };
    let classification =
        |name: &str, about: &str| json!({ "name": name, "description": about, "mutuallyExclusive": false });
    let statute = classification("CCPA", "Categories of personal information, Cal. Civ. Code §1798.140(v)(1)");
    request("PUT", "/v1/classifications".into(), statute)?;
    let found = classification("PersonalInformation", "Types of personal information that residuum found");
    request("PUT", "/v1/classifications".into(), found)?;
    for category in categories {
        let body = json!({ "classification": "CCPA", "name": category.letter(), "displayName": category.title(), "description": category.title() });
        request("PUT", "/v1/tags".into(), body)?;
    }
    for kind in types {
        let about = format!("Holds {}", tags::words(kind));
        let body = json!({ "classification": "PersonalInformation", "name": kind.name(), "description": about });
        request("PUT", "/v1/tags".into(), body)?;
    }
    let mut left = Left::default();
    for holding in account.holdings {
        if [&holding.source, &holding.object, &holding.field].iter().any(|name| tags::is_sealed(name)) {
            left.sealed += 1;
            continue;
        }
        let known = catalogue.sources.get(&holding.source);
        let Some(known) = known.filter(|k| (k.is_database() || k.prefix.is_some()) && !holding.field.is_empty()) else {
            left.no_column += 1;
            continue;
        };
        let (categories, types) = tags::tags(holding);
        let names = categories.iter().map(|category| format!("CCPA.{}", category.letter()));
        let names = names.chain(types.map(|kind| format!("PersonalInformation.{}", kind.name())));
        let labels = names.map(|name| {
            json!({ "tagFQN": name, "source": "Classification", "labelType": "Automated", "state": "Suggested" })
        });
        let name = full_name(known, &holding.source, &holding.object, &holding.field);
        let path = format!("/v1/columns/name/{}?entityType=table", encoded(&name));
        request("PUT", path, json!({ "tags": labels.collect::<Value>() }))?;
    }
    Ok(left)
}

/// `service.database.schema.table.column`; a part with a dot in it is quoted.
fn full_name(known: &Known, source: &str, object: &str, field: &str) -> String {
    let quoted = |part: &str| match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\\\"")),
        false => part.to_owned(),
    };
    let prefix = known.prefix.clone().unwrap_or_else(|| {
        // The connectors for MySQL and SQLite call their one database `default`.
        let database = known.database.as_deref().filter(|_| known.kind == "postgres").unwrap_or("default");
        format!("{}.{}", quoted(source), quoted(database))
    });
    let object = if known.is_database() { object.to_owned() } else { quoted(object) };
    // Fields of fields are columns of columns, named with dots as here.
    format!("{prefix}.{object}.{field}")
}

/// Text as a segment of a path, RFC 3986.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
