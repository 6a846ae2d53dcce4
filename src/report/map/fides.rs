//! The account as datasets of fides, in its YAML (fideslang 3): what a privacy request there walks.
//!
//! A dataset is a source, or a schema of a database; a collection an object, a field a field, nested where a name has
//! dots, for fides addresses fields so. Primary keys are `primary_key`. What leads from one collection to another
//! (`references`) and which field *identifies* a consumer (`identity`) is left to the owner: fides gives out and erases
//! what it reaches from there, and an address in a field may be somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use residuum_detect::Type;

use super::Account;
use crate::config::BusinessPurpose;
use crate::index::{IndexError, Reader, display};
use crate::map::{Holding, Statement};

/// What the index knows of an object beside its fields.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The kind of the source.
    pub kind: String,
    /// Columns of the primary key.
    pub primary_key: Vec<String>,
}

/// The objects with holdings, by source and object.
///
/// # Errors
/// When the index cannot be read.
pub fn tables(reader: &Reader, holdings: &[Holding]) -> Result<BTreeMap<(String, String), Table>, IndexError> {
    let names = holdings.iter().map(|holding| (holding.source.clone(), holding.object.clone()));
    let mut all: BTreeMap<_, _> = names.map(|name| (name, Table::default())).collect();
    reader.each_object(&mut |object| {
        if let Some(table) = all.get_mut(&(display(&object.source), display(&object.path))) {
            (table.kind, table.primary_key) = (object.source_kind.to_string(), object.primary_key);
        }
    })?;
    Ok(all)
}

/// Datasets on their way, by source and schema: the collections of each, by name.
type Datasets<'a> = BTreeMap<(&'a str, Option<&'a str>), BTreeMap<&'a str, Collection<'a>>>;

#[derive(Default)]
struct Collection<'a> {
    object: &'a str,
    fields: BTreeMap<String, Field>,
}

#[derive(Default)]
struct Field {
    is_list: bool,
    is_key: bool,
    about: String,
    categories: BTreeSet<&'static str>,
    uses: BTreeSet<&'static str>,
    fields: BTreeMap<String, Field>,
}

/// Writes the datasets.
///
/// # Errors
/// When they cannot be written.
pub fn fides(account: &Account<'_>, known: &BTreeMap<(String, String), Table>, out: &mut dyn Write) -> io::Result<()> {
    let kind = |source: &str, object: &str| {
        known.get(&(source.to_owned(), object.to_owned())).map_or("", |table| table.kind.as_str())
    };
    let mut datasets = Datasets::new();
    for holding in account.holdings {
        let of = kind(&holding.source, &holding.object);
        let collection = collection(&mut datasets, of, &holding.source, &holding.object);
        let said = account.map.of(&holding.source, &holding.object, &holding.field);
        let field = nested(&mut collection.fields, if holding.field.is_empty() { "(text)" } else { &holding.field });
        fill(field, holding, &said);
    }
    for ((source, object), table) in known {
        let fields = &mut collection(&mut datasets, &table.kind, source, object).fields;
        for column in &table.primary_key {
            nested(fields, column).is_key = true;
        }
    }
    writeln!(
        out,
        "# Made by residuum {} on {}. Names of people in names are sealed.",
        env!("CARGO_PKG_VERSION"),
        account.made
    )?;
    if datasets.is_empty() {
        return writeln!(out, "dataset: []");
    }
    writeln!(out, "dataset:")?;
    for (key, (source, schema)) in keys(&datasets) {
        writeln!(out, "  - fides_key: {}", scalar(&key))?;
        writeln!(out, "    name: {}", scalar(source))?;
        if let Some(schema) = schema {
            writeln!(out, "    fides_meta:\n      namespace:\n        schema: {}", scalar(schema))?;
        }
        writeln!(out, "    collections:")?;
        for (name, collection) in &datasets[&(source, schema)] {
            writeln!(out, "      - name: {}", scalar(name))?;
            let said = account.map.of(source, collection.object, "");
            let about = about(&said);
            if !about.is_empty() {
                writeln!(out, "        description: {}", scalar(&about))?;
            }
            writeln!(out, "        fields:")?;
            fields(out, &collection.fields, 10)?;
        }
    }
    Ok(())
}

/// The collection of an object, in the dataset it belongs to.
fn collection<'d, 'a>(
    datasets: &'d mut Datasets<'a>,
    kind: &str,
    source: &'a str,
    object: &'a str,
) -> &'d mut Collection<'a> {
    let (schema, name) = split(kind, object);
    let collection = datasets.entry((source, schema)).or_default().entry(name).or_default();
    collection.object = object;
    collection
}

fn fields(out: &mut dyn Write, all: &BTreeMap<String, Field>, indent: usize) -> io::Result<()> {
    let space = " ".repeat(indent);
    for (name, field) in all {
        writeln!(out, "{space}- name: {}", scalar(name))?;
        if !field.about.is_empty() {
            writeln!(out, "{space}  description: {}", scalar(&field.about))?;
        }
        for (label, keys) in [("data_categories", &field.categories), ("data_uses", &field.uses)] {
            if !keys.is_empty() {
                writeln!(out, "{space}  {label}:")?;
                keys.iter().try_for_each(|key| writeln!(out, "{space}    - {key}"))?;
            }
        }
        let is_object = !field.fields.is_empty();
        if field.is_key || field.is_list || is_object {
            writeln!(out, "{space}  fides_meta:")?;
        }
        if field.is_key {
            writeln!(out, "{space}    primary_key: true")?;
        }
        match (is_object, field.is_list) {
            (true, true) => writeln!(out, "{space}    data_type: \"object[]\"")?,
            (true, false) => writeln!(out, "{space}    data_type: object")?,
            (false, true) => writeln!(out, "{space}    data_type: \"string[]\"")?,
            (false, false) => {}
        }
        if is_object {
            writeln!(out, "{space}  fields:")?;
            fields(out, &field.fields, indent + 4)?;
        }
    }
    Ok(())
}

/// The field with a name, in the fields that its dots lead through.
fn nested<'f>(fields: &'f mut BTreeMap<String, Field>, name: &str) -> &'f mut Field {
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) if !first.is_empty() && !rest.is_empty() => (first, Some(rest)),
        _ => (name, None),
    };
    let bare = first.strip_suffix("[]").filter(|bare| !bare.is_empty()).unwrap_or(first);
    let field = fields.entry(bare.to_owned()).or_default();
    field.is_list |= bare != first;
    match rest {
        Some(rest) => nested(&mut field.fields, rest),
        None => field,
    }
}

fn fill(field: &mut Field, holding: &Holding, said: &Statement<'_>) {
    field.categories.extend(holding.types.iter().map(|(kind, _)| category(*kind)));
    field.uses.extend(said.business_purposes.into_iter().flatten().map(|purpose| data_use(*purpose)));
    let types: Vec<_> = holding.types.iter().map(|(kind, n)| format!("{} {n}", kind.name())).collect();
    field.about = format!("found: {}", types.join(", "));
}

/// What is said of a whole object, in a line.
fn about(said: &Statement<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(purposes) = said.purposes {
        parts.push(format!("for {}", purposes.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ")));
    }
    if let Some(sources) = said.sources {
        parts.push(format!("from {}", sources.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")));
    }
    let to: Vec<_> = said.recipients().map(|(way, name)| format!("{name} ({})", way.name())).collect();
    if !to.is_empty() {
        parts.push(format!("to {}", to.join(", ")));
    }
    parts.extend(said.retention.map(|retention| format!("kept {retention}")));
    parts.extend(said.owner.map(|owner| format!("owner {owner}")));
    parts.join("; ")
}

/// The schema of a database's object, and the rest of its name.
fn split<'o>(kind: &str, object: &'o str) -> (Option<&'o str>, &'o str) {
    match object.split_once('.') {
        Some((schema, table)) if ["postgres", "mysql", "sqlite"].contains(&kind) => (Some(schema), table),
        _ => (None, object),
    }
}

/// A key of fides: letters, digits, `_` and `-`. A dot would end it where fides names a collection.
fn key(source: &str, schema: Option<&str>) -> String {
    let name = schema.map_or_else(|| source.to_owned(), |schema| format!("{source}_{schema}"));
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

/// The datasets by key. Of several whose keys would be the same, as of `crm_eu` and `crm.eu`, all but the first have a number;
/// one whose key is its name comes first, so that it keeps it.
fn keys<'a>(datasets: &Datasets<'a>) -> BTreeMap<String, (&'a str, Option<&'a str>)> {
    let mut all: Vec<_> = datasets.keys().map(|&(source, schema)| (key(source, schema), (source, schema))).collect();
    all.sort_by_key(|(key, (source, schema))| (schema.is_none() && key != source, (*source, *schema)));
    let mut keys = BTreeMap::new();
    for (key, dataset) in all {
        let numbered = (2..).map(|n| format!("{key}_{n}"));
        let free = std::iter::once(key.clone()).chain(numbered).find(|key| !keys.contains_key(key));
        keys.insert(free.expect("there are more numbers than datasets"), dataset);
    }
    keys
}

/// A scalar of YAML: plain where that is safe beyond doubt, else quoted as in JSON, which YAML 1.2 understands.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    // `no` and its kind are truth values in YAML 1.1, which Python's reader speaks.
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if is_plain && !WORDS.contains(&text.to_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The category of fides' default taxonomy (fideslang 3.1) that a type falls into.
fn category(kind: Type) -> &'static str {
    match kind {
        Type::Email => "user.contact.email",
        Type::Phone => "user.contact.phone_number",
        Type::UsSsn | Type::UsItin | Type::NationalId => "user.government_id.national_identification_number",
        Type::UsDriverLicense => "user.government_id.drivers_license_number",
        Type::UsPassport => "user.government_id.passport_number",
        Type::UsEin | Type::MedicalLicense | Type::Npi => "user.government_id",
        Type::Vin | Type::LicensePlate => "user.government_id.vehicle_registration",
        Type::CreditCard => "user.financial.credit_card",
        Type::Iban | Type::UsBankAccount | Type::UsRouting => "user.financial.bank_account",
        Type::CryptoAddress => "user.financial",
        Type::PersonName => "user.name",
        Type::StreetAddress => "user.contact.address.street",
        Type::PostalCode => "user.contact.address.postal_code",
        Type::City => "user.contact.address.city",
        Type::DateOfBirth => "user.demographic.date_of_birth",
        Type::Age => "user.demographic.age_range",
        Type::Gender => "user.demographic.gender",
        Type::Nationality => "user.demographic",
        Type::Ethnicity => "user.demographic.race_ethnicity",
        Type::Religion => "user.demographic.religious_belief",
        Type::UnionMembership => "user.workplace",
        Type::SexualOrientation => "user.demographic.sexual_orientation",
        Type::Health => "user.health_and_medical",
        Type::Biometric => "user.biometric",
        Type::Genetic => "user.health_and_medical.genetic",
        Type::Mrn => "user.health_and_medical.record_id",
        Type::Occupation => "user.job_title",
        Type::Organization => "user.workplace",
        Type::Username => "user.account.username",
        Type::Password => "user.authorization.password",
        Type::ApiKey => "user.authorization.credentials",
        Type::IpAddress => "user.device.ip_address",
        Type::MacAddress | Type::DeviceId | Type::Maid => "user.device.device_id",
        Type::CookieId => "user.device.cookie_id",
        Type::Url => "user.behavior.browsing_history",
        Type::GeoCoordinate => "user.location.precise",
        Type::Digest => "user.unique_id.pseudonymous",
        Type::Key => "user.unique_id",
        Type::Date | Type::Other => "user",
    }
}

/// The use of fides' default taxonomy that is nearest to a business purpose.
fn data_use(purpose: BusinessPurpose) -> &'static str {
    match purpose {
        BusinessPurpose::Auditing => "analytics.reporting.ad_performance",
        BusinessPurpose::Security => "essential.service.security",
        BusinessPurpose::Debugging => "essential.service.operations",
        BusinessPurpose::TransientUse => "functional.service",
        BusinessPurpose::Services => "essential.service",
        BusinessPurpose::Advertising => "marketing.advertising.first_party",
        BusinessPurpose::Research => "functional.service.improve",
        BusinessPurpose::Quality => "essential.service.operations.improve",
    }
}
