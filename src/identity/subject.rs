//! The people who are looked for: their identifiers in standard form, wrapped so that they are not printed.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use residuum_detect::{Fingerprint, IndexKey, Type, standard_form};
use residuum_source::Sensitive;
use sha2::{Digest as _, Sha256};

/// A person who is looked for.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the caller calls them in outputs; never one of the identifiers.
    pub id: String,
    /// What is known of them.
    pub identifiers: Vec<Identifier>,
}

/// Something that identifies a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    /// A value in its canonical standard form.
    Value {
        /// Its type.
        kind: Type,
        /// The form.
        form: Sensitive<Vec<u8>>,
    },
    /// A value of which only the SHA-256 is known.
    Sha256 {
        /// The value's type.
        kind: Type,
        /// The digest of the value in some scheme's standard form.
        digest: [u8; 32],
    },
    /// A value of which only the fingerprint in an index is known: found beside others, and accepted as the person's.
    Fingerprint {
        /// The value's type.
        kind: Type,
        /// The canonical fingerprint.
        fp: Fingerprint,
    },
    /// The key of a record in a domain, such as `crm.customers.id`.
    Key {
        /// The domain.
        domain: String,
        /// The key.
        value: Sensitive<String>,
    },
}

/// An identifier that cannot be used. Never holds it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidIdentifier {
    /// The value does not parse as its type.
    #[error("the value given for {what} is not one: {expected}")]
    Value {
        /// The option or column.
        what: String,
        /// What would be.
        expected: &'static str,
    },
    /// `NAME=VALUE` was expected.
    #[error("{what} takes {expected}")]
    Pair {
        /// The option.
        what: &'static str,
        /// The form expected.
        expected: &'static str,
    },
    /// A column of an identifiers file is not known: its number, and its name if that can only be one.
    #[error(
        "column {number} of the identifiers file{name} is not known; the first line names the columns, of {columns}",
        columns = COLUMNS.join(", ")
    )]
    Column {
        /// Counted from 1.
        number: usize,
        /// The name between backticks, or nothing where it might be somebody's data.
        name: String,
    },
    /// The identifiers file is not CSV.
    #[error("line {line} of the identifiers file: {reason}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

const COLUMNS: [&str; 16] = [
    "subject_id",
    "user_id",
    "first",
    "last",
    "email",
    "phone",
    "dob",
    "ssn",
    "card",
    "device_id",
    "ip",
    "street",
    "city",
    "state",
    "zip",
    "name",
];

impl Identifier {
    /// A value as a person writes it.
    ///
    /// # Errors
    /// When it does not parse as its type.
    pub fn value(kind: Type, what: &str, text: &str) -> Result<Self, InvalidIdentifier> {
        let form = standard_form(kind, text.trim()).filter(|form| !form.is_empty());
        let form = form.ok_or_else(|| InvalidIdentifier::Value { what: what.to_owned(), expected: expected(kind) })?;
        Ok(Self::Value { kind, form: Sensitive::new(form) })
    }

    /// `DOMAIN=VALUE`.
    ///
    /// # Errors
    /// When it has no `=`.
    pub fn key(text: &str) -> Result<Self, InvalidIdentifier> {
        let wrong = InvalidIdentifier::Pair { what: "--id", expected: "DOMAIN=VALUE, such as `crm.customers.id=42`" };
        let (domain, value) = text.split_once('=').ok_or(wrong)?;
        Ok(Self::Key { domain: domain.trim().to_owned(), value: Sensitive::new(value.trim().to_owned()) })
    }

    /// `KIND=DIGEST`, the digest in hex or Base64.
    ///
    /// # Errors
    /// When the kind is not a type or the digest is not 32 bytes.
    pub fn sha256(text: &str) -> Result<Self, InvalidIdentifier> {
        let wrong = InvalidIdentifier::Pair {
            what: "--sha256",
            expected: "KIND=DIGEST: a type such as `EMAIL` and 64 hexadecimal digits or 44 characters of Base64",
        };
        let Some((kind, digest)) = text.split_once('=') else { return Err(wrong) };
        let kind = Type::from_name(&kind.trim().to_uppercase());
        let (Some(kind), Some(digest)) = (kind, decode_digest(digest.trim())) else { return Err(wrong) };
        Ok(Self::Sha256 { kind, digest })
    }

    /// `TYPE:FINGERPRINT`, as an expansion gives it.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn accepted(text: &str) -> Result<Self, InvalidIdentifier> {
        let wrong =
            || InvalidIdentifier::Pair { what: "--accept", expected: "TYPE:FINGERPRINT, as `find --expand` gives it" };
        let (kind, digits) = text.trim().split_once(':').ok_or_else(wrong)?;
        let kind = Type::from_name(&kind.to_uppercase()).ok_or_else(wrong)?;
        let is_form = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_form.then(|| u128::from_str_radix(digits, 16).ok()).flatten();
        let fp = Fingerprint(number.ok_or_else(wrong)?.to_be_bytes());
        Ok(Self::Fingerprint { kind, fp })
    }

    /// The type looked for; `KEY` for a key.
    pub fn kind(&self) -> Type {
        match self {
            Self::Value { kind, .. } | Self::Sha256 { kind, .. } | Self::Fingerprint { kind, .. } => *kind,
            Self::Key { .. } => Type::Key,
        }
    }

    /// The SHA-256 of its standard form; `None` of a key or a fingerprint.
    pub fn digest(&self) -> Option<[u8; 32]> {
        match self {
            Self::Value { form, .. } => Some(Sha256::digest(form.expose()).into()),
            Self::Sha256 { digest, .. } => Some(*digest),
            Self::Fingerprint { .. } | Self::Key { .. } => None,
        }
    }

    /// Its canonical fingerprint under a key.
    pub(crate) fn fingerprint(&self, key: &IndexKey) -> Fingerprint {
        match self {
            Self::Value { form, .. } => key.fingerprint(form.expose()),
            Self::Sha256 { digest, .. } => key.fingerprint_of_digest(digest),
            Self::Fingerprint { fp, .. } => *fp,
            Self::Key { domain, value } => key.fingerprint_of_key(domain, value.expose().as_bytes()),
        }
    }

    /// Whether it identifies a person on its own.
    pub fn is_strong(&self) -> bool {
        Self::is_strong_as(self.kind())
    }

    /// Whether a value of this type identifies a person on its own.
    pub(crate) fn is_strong_as(kind: Type) -> bool {
        use Type::*;
        !matches!(
            kind,
            PersonName
                | StreetAddress
                | PostalCode
                | City
                | DateOfBirth
                | Date
                | Age
                | Gender
                | Nationality
                | Ethnicity
                | Religion
                | UnionMembership
                | SexualOrientation
                | Health
                | Genetic
                | Occupation
                | Organization
                | Password
                | UsRouting
                | IpAddress
                | GeoCoordinate
                | Url
                | Other
        )
    }
}

/// Decodes 32 bytes of hex or Base64.
pub(crate) fn decode_digest(text: &str) -> Option<[u8; 32]> {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let byte = |i: usize| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok();
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        return bytes?.try_into().ok();
    }
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    decoded.try_into().ok()
}

/// Reads an identifiers file; `user_ids` is the domain of its column `user_id`.
///
/// A cell that does not parse as its type is left out and counted: the second value of the result.
///
/// # Errors
/// When the file is not CSV with known columns.
pub fn read_subjects(csv: impl Read, user_ids: Option<&str>) -> Result<(Vec<Subject>, u64), InvalidIdentifier> {
    let mut rows = rows(csv)?.into_iter();
    let header: Vec<String> = rows.next().unwrap_or_default().iter().map(|name| name.trim().to_lowercase()).collect();
    if let Some(unknown) = header.iter().position(|name| !COLUMNS.contains(&name.as_str())) {
        let word = &header[unknown];
        let is_a_name = word.len() <= 16 && word.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-'));
        let has_known = header.iter().any(|name| COLUMNS.contains(&name.as_str()));
        let name =
            if is_a_name && (has_known || word.contains(['_', '-'])) { format!(" (`{word}`)") } else { String::new() };
        return Err(InvalidIdentifier::Column { number: unknown + 1, name });
    }
    if header.iter().any(|name| name == "user_id") && user_ids.is_none() {
        let expected = "a domain such as `crm.customers.id` when the file has a column `user_id`";
        return Err(InvalidIdentifier::Pair { what: "--id-domain", expected });
    }
    let (mut subjects, mut left_out) = (Vec::new(), 0);
    for (index, row) in rows.enumerate() {
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if row.len() != header.len() {
            let reason = format!("{} cells where the header has {}", row.len(), header.len());
            return Err(InvalidIdentifier::Line { line: index as u64 + 2, reason });
        }
        let cell = |name: &str| {
            let at = header.iter().position(|h| h == name)?;
            Some(row[at].trim()).filter(|value| !value.is_empty())
        };
        let id = cell("subject_id").map_or_else(|| (index + 1).to_string(), str::to_owned);
        let mut identifiers = Vec::new();
        let mut add = |kind: Type, text: &str| match Identifier::value(kind, "", text) {
            Ok(identifier) => identifiers.push(identifier),
            Err(_) => left_out += 1,
        };
        for (column, kind) in [
            ("email", Type::Email),
            ("phone", Type::Phone),
            ("dob", Type::DateOfBirth),
            ("ssn", Type::UsSsn),
            ("card", Type::CreditCard),
            ("device_id", Type::DeviceId),
            ("ip", Type::IpAddress),
            ("street", Type::StreetAddress),
            ("city", Type::City),
            ("zip", Type::PostalCode),
            ("name", Type::PersonName),
        ] {
            if let Some(value) = cell(column) {
                add(kind, value);
            }
        }
        let name = [cell("first"), cell("last")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        if !name.is_empty() {
            add(Type::PersonName, &name);
        }
        if let (Some(value), Some(domain)) = (cell("user_id"), user_ids) {
            identifiers.push(Identifier::Key { domain: domain.to_owned(), value: Sensitive::new(value.to_owned()) });
        }
        subjects.push(Subject { id, identifiers });
    }
    Ok((subjects, left_out))
}

/// All rows of a CSV file (RFC 4180), blank lines left out.
pub(crate) fn rows(mut csv: impl Read) -> Result<Vec<Vec<String>>, InvalidIdentifier> {
    let mut text = Vec::new();
    let unreadable = |error: std::io::Error| InvalidIdentifier::Line { line: 1, reason: error.to_string() };
    csv.read_to_end(&mut text).map_err(unreadable)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let mut reader = csv_core::Reader::new();
    let (mut rows, mut input) = (Vec::new(), text);
    let (mut cells, mut ends) = (vec![0; 4 << 10], vec![0; 64]);
    let (mut filled, mut ended) = (0, 0);
    loop {
        let (result, read, wrote, fields) = reader.read_record(input, &mut cells[filled..], &mut ends[ended..]);
        input = &input[read..];
        filled += wrote;
        ended += fields;
        match result {
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            csv_core::ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            csv_core::ReadRecordResult::End => return Ok(rows),
            csv_core::ReadRecordResult::Record => {
                let mut start = 0;
                let row = ends[..ended].iter().map(|&end| {
                    let cell = String::from_utf8_lossy(&cells[start..end]).into_owned();
                    start = end;
                    cell
                });
                rows.push(row.collect());
                (filled, ended) = (0, 0);
            }
        }
    }
}

fn expected(kind: Type) -> &'static str {
    match kind {
        Type::Email => "an address such as `jane@example.com`",
        Type::Phone => "a number such as `+1 202 555 0123`",
        Type::DateOfBirth | Type::Date => "a date such as `1985-07-04`",
        Type::UsSsn => "nine digits",
        Type::CreditCard => "a card number with a valid check digit",
        Type::IpAddress => "an IPv4 or IPv6 address",
        Type::PostalCode => "a postal code such as `90210`",
        _ => "text of that type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_people_is_read() {
        let csv = "subject_id,first,last,email,phone,user_id\nA,Jane,Roe,Jane@Example.com,202-555-0123,7\n\nB,,,not an address,,\n";
        let (subjects, left_out) = read_subjects(csv.as_bytes(), Some("crm.customers.id")).expect("it is valid");
        assert_eq!(subjects.len(), 2);
        assert_eq!((subjects[0].id.as_str(), subjects[0].identifiers.len()), ("A", 4));
        assert_eq!((subjects[1].identifiers.len(), left_out), (0, 1));
        assert!(!format!("{subjects:?}").contains("jane"), "printing a subject shows no identifier");
    }

    #[test]
    fn mistakes_are_named_without_values() {
        let read = |csv: &str| read_subjects(csv.as_bytes(), None).map(drop).expect_err("it is wrong").to_string();
        assert!(read("e-mail\nx\n").contains("`e-mail`"));
        let headless = read("jane@example.com,Jane Roe\n");
        assert!(headless.contains("column 1") && !headless.contains("jane"), "{headless}");
        assert!(read("user_id\n7\n").contains("--id-domain"));
        assert!(read("email,phone\na@example.com\n").contains("line 2"));
        let error = Identifier::value(Type::Email, "--email", "secret-value").expect_err("no address").to_string();
        assert!(error.contains("--email") && !error.contains("secret"), "{error}");
        assert!(Identifier::sha256("EMAIL=abc").is_err() && Identifier::key("7").is_err());
    }

    #[test]
    fn digests_come_in_hex_and_base64() {
        let hex = "28 0d 7c".replace(' ', "") + &"00".repeat(29);
        let bytes = decode_digest(&hex).expect("64 hexadecimal digits");
        assert_eq!(decode_digest(&STANDARD.encode(bytes)), Some(bytes));
        assert_eq!(decode_digest("abcd"), None);
    }
}
