//! Tags for DataHub: a file of metadata change proposals, for its `file` source.
//!
//! The proposals are patches: they add tags to columns and take none away, so what people have tagged stays. Their form
//! is that of DataHub's own `DatasetPatchBuilder`, as of acryl-datahub 1.7.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Account;
use super::tags::{self, Catalogue, Known, Left};
use crate::config::Environment;
use crate::map::Holding;

/// Writes the tags of all columns, and what the tags mean, as a list of proposals. Datasets are named as DataHub's own
/// connectors name them: `urn:li:dataset:(urn:li:dataPlatform:postgres,shop.public.customers,PROD)`.
///
/// What is found in text, or in a container's member, is a tag of the whole dataset.
///
/// # Errors
/// When it cannot be written.
pub fn datahub(account: &Account<'_>, catalogue: &Catalogue, out: &mut dyn Write) -> io::Result<Left> {
    let (categories, types) = tags::all(account);
    let mut proposals = Vec::new();
    for category in categories {
        let about = format!("{}: Cal. Civ. Code §1798.140(v)(1)({})", category.title(), category.letter());
        proposals.push(tag(&format!("CCPA.{}", category.letter()), &about));
    }
    for kind in types {
        proposals.push(tag(&format!("PersonalInformation.{}", kind.name()), &format!("Holds {}", tags::words(kind))));
    }
    let mut left = Left::default();
    for holding in account.holdings {
        if [&holding.source, &holding.object, &holding.field].iter().any(|name| tags::is_sealed(name)) {
            left.sealed += 1;
            continue;
        }
        let none = Known::default();
        let known = catalogue.sources.get(&holding.source).unwrap_or(&none);
        let environment = account.map.of(&holding.source, &holding.object, &holding.field).environment;
        proposals.push(patch(holding, known, environment));
    }
    serde_json::to_writer_pretty(&mut *out, &proposals).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(left)
}

/// What a tag is.
fn tag(name: &str, about: &str) -> Value {
    json!({
        "entityType": "tag",
        "entityUrn": format!("urn:li:tag:{name}"),
        "changeType": "UPSERT",
        "aspectName": "tagProperties",
        "aspect": { "json": { "name": name, "description": about } },
    })
}

/// The tags of one field.
fn patch(holding: &Holding, known: &Known, environment: Option<Environment>) -> Value {
    let (outer, is_member) = match holding.object.split_once('!') {
        Some((outer, _)) => (outer, true),
        None => (holding.object.as_str(), false),
    };
    let (categories, types) = tags::tags(holding);
    let names = categories.iter().map(|category| format!("CCPA.{}", category.letter()));
    let names = names.chain(types.map(|kind| format!("PersonalInformation.{}", kind.name())));
    let of_dataset = is_member || holding.field.is_empty();
    let operations: Vec<_> = names
        .map(|name| {
            let urn = format!("urn:li:tag:{name}");
            let path = match of_dataset {
                // Tags of a dataset are told apart by who gave them, too; nobody is said.
                true => format!("/tags//{urn}"),
                false => format!("/editableSchemaFieldInfo/{}/globalTags/tags/{urn}", pointer(&holding.field)),
            };
            json!({ "op": "add", "path": path, "value": { "tag": urn } })
        })
        .collect();
    let (aspect, value) = match of_dataset {
        true => {
            let keys = json!({ "tags": ["attribution\u{241f}source", "tag"] });
            ("globalTags", json!({ "arrayPrimaryKeys": keys, "patch": operations }))
        }
        false => ("editableSchemaMetadata", Value::Array(operations)),
    };
    json!({
        "entityType": "dataset",
        "entityUrn": urn(known, outer, environment),
        "changeType": "PATCH",
        "aspectName": aspect,
        "aspect": { "value": value.to_string(), "contentType": "application/json-patch+json" },
    })
}

/// The name of a dataset. A prefix of the owner's may begin with the platform: `hive:warehouse`.
fn urn(known: &Known, object: &str, environment: Option<Environment>) -> String {
    let usual = match known.kind.as_str() {
        "postgres" | "mysql" | "sqlite" | "s3" => known.kind.as_str(),
        _ => "file",
    };
    let (platform, prefix) = match known.prefix.as_deref() {
        Some(prefix) => prefix.split_once(':').unwrap_or((usual, prefix)),
        // In MySQL an object's name begins with the database.
        None if known.kind == "mysql" => (usual, ""),
        None => (usual, known.database.as_deref().unwrap_or_default()),
    };
    let gap = match prefix {
        "" => "",
        _ if ["file", "s3"].contains(&platform) => "/",
        _ => ".",
    };
    // Commas and parentheses have a meaning in an URN; DataHub percent-encodes them in names.
    let name: String = format!("{prefix}{gap}{object}").chars().map(encoded).collect();
    let environment = match environment {
        Some(Environment::Staging) => "STG",
        Some(Environment::Development) => "DEV",
        Some(Environment::Test) => "TEST",
        _ => "PROD",
    };
    format!("urn:li:dataset:(urn:li:dataPlatform:{platform},{name},{environment})")
}

fn encoded(c: char) -> String {
    match c {
        ',' => "%2C".to_owned(),
        '(' => "%28".to_owned(),
        ')' => "%29".to_owned(),
        c => c.to_string(),
    }
}

/// A part of a JSON Pointer, RFC 6901.
fn pointer(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}
