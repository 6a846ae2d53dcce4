//! Whether the first record of separated values names the columns.

use std::collections::HashSet;

/// Whether the first row names the columns rather than being one of the records.
///
/// In doubt it is a record: a header read as a record costs nothing, a record read as a header hides what it holds.
pub(crate) fn has_header(rows: &[Vec<String>], width: usize) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let names: Vec<String> = first.iter().map(|cell| cell.trim().to_lowercase()).collect();
    let distinct = names.iter().filter(|name| !name.is_empty()).collect::<HashSet<_>>().len();
    let named = names.iter().filter(|name| !name.is_empty()).count();
    let column = |i: usize| {
        let cells = rest.iter().filter_map(move |row| row.get(i)).map(|cell| cell.trim());
        cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    let said = names.iter().filter(|name| name.split(|c: char| !c.is_alphanumeric()).any(is_word)).count();
    let numbered = |i: usize| most(&column(i), |cell| cell.bytes().any(|b| b.is_ascii_digit()));
    let plausible = names.iter().enumerate().all(|(i, name)| match name.as_str() {
        name if name.is_empty() || could_be_name(name) => true,
        // Numbers rather than answers stand below it.
        "no" => numbered(i),
        name => said * 2 >= named && could_be_period(name) && numbered(i),
    });
    if !plausible || named == 0 || named * 2 < names.len() || first.len() * 2 < width {
        return false;
    }
    let known = names.iter().filter(|name| is_known_word(name)).count();
    // People may be called Price or Street, but hardly in lower case.
    let written_as_names = first.iter().all(|cell| cell.contains('_') || !cell.chars().any(char::is_uppercase));
    if known * 2 > named
        || (known > 0 && written_as_names && names.iter().all(|name| is_identifier(name) || name.is_empty()))
    {
        return true;
    }
    if distinct * 10 < named * 9 {
        return false;
    }
    // A column of numbers, dates or addresses under a word.
    let typed = |i: usize| most(&column(i), |cell| !could_be_name(cell));
    let typed = (0..first.len()).filter(|&i| !names[i].is_empty() && typed(i)).count();
    typed > 0 && (known > 0 || typed * 3 >= named || names.iter().all(|name| is_identifier(name)))
}

/// Whether there are cells, and nearly all are so.
fn most(cells: &[&str], so: impl Fn(&str) -> bool) -> bool {
    !cells.is_empty() && cells.iter().filter(|cell| so(cell)).count() * 10 >= cells.len() * 8
}

/// `q1`, `total_2024`, `2023` and `2023_q1` name what was counted in some time: a value looks so, too.
fn could_be_period(name: &str) -> bool {
    let year = name.get(..4).is_some_and(|year| year.parse().is_ok_and(|year| (1900..=2100).contains(&year)));
    let starts =
        name.starts_with(|c: char| c.is_alphabetic()) || year && !name[4..].starts_with(|c: char| c.is_ascii_digit());
    starts && name.len() <= 64 && is_identifier(&name.replace('-', "_"))
}

/// A name is short, begins with a letter and holds no value: no address, no run of digits.
fn could_be_name(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let starts = cell.trim_start_matches(['#', '_', '$', '%', '(', '[', '*', '"']).chars().next();
    cell.len() <= 64
        && starts.is_some_and(char::is_alphabetic)
        && !cell.contains('@')
        && !cell.contains("://")
        && digits * 3 <= cell.len()
        && !matches!(cell.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "none" | "n/a" | "yes" | "no")
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// Words that name columns and are rarely values.
const WORDS: &[&str] = &[
    "id",
    "uuid",
    "guid",
    "key",
    "name",
    "names",
    "first",
    "last",
    "middle",
    "firstname",
    "lastname",
    "fullname",
    "surname",
    "username",
    "user",
    "email",
    "mail",
    "phone",
    "mobile",
    "tel",
    "telephone",
    "fax",
    "address",
    "street",
    "city",
    "state",
    "zip",
    "zipcode",
    "postal",
    "postcode",
    "country",
    "county",
    "region",
    "province",
    "birth",
    "dob",
    "birthday",
    "birthdate",
    "age",
    "gender",
    "sex",
    "ssn",
    "date",
    "time",
    "timestamp",
    "created",
    "updated",
    "modified",
    "at",
    "type",
    "status",
    "code",
    "number",
    "no",
    "num",
    "count",
    "total",
    "amount",
    "price",
    "cost",
    "qty",
    "quantity",
    "description",
    "desc",
    "comment",
    "comments",
    "note",
    "notes",
    "title",
    "subject",
    "message",
    "text",
    "value",
    "url",
    "ip",
    "host",
    "device",
    "customer",
    "account",
    "order",
    "invoice",
    "product",
    "item",
    "sku",
    "category",
    "company",
    "organization",
    "department",
    "job",
    "salary",
    "lat",
    "latitude",
    "lon",
    "lng",
    "longitude",
    "card",
    "iban",
    "currency",
    "vin",
    "plate",
    "license",
    "passport",
    "password",
    "token",
    "session",
    "agent",
    "index",
    "label",
    "flag",
    "active",
    "level",
    "source",
    "vorname",
    "nachname",
    "telefon",
    "adresse",
    "strasse",
    "ort",
    "plz",
    "land",
    "datum",
    "geburtsdatum",
    "nom",
    "prenom",
    "adresse_email",
    "nombre",
    "apellido",
    "correo",
    "direccion",
    "ciudad",
];

fn is_word(word: &str) -> bool {
    WORDS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// Whether a name in lower case holds a word that names columns.
pub(crate) fn is_known_word(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric()).any(is_word)
        || ["id", "name", "email", "date", "phone", "number", "address"].iter().any(|word| name.ends_with(word))
}
