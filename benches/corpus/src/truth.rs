//! The ground truth: one JSON line for each personal item that was written.

use crate::page::Item;
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// What an item is, by the names that findings use.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum Kind { $(#[doc = $doc] #[serde(rename = $name)] $variant,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The type's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    Email "EMAIL" "An e-mail address.",
    Phone "PHONE" "A telephone number.",
    UsSsn "US_SSN" "A US Social Security number.",
    CreditCard "CREDIT_CARD" "A payment card number.",
    Iban "IBAN" "An international bank account number.",
    IpAddress "IP_ADDRESS" "An IPv4 or IPv6 address.",
    DateOfBirth "DATE_OF_BIRTH" "A date of birth.",
    DeviceId "DEVICE_ID" "The identifier of a device, a UUID.",
    PersonName "PERSON_NAME" "A name or a part of one.",
    StreetAddress "STREET_ADDRESS" "Street and number.",
    City "CITY" "A city as part of an address.",
    PostalCode "POSTAL_CODE" "A ZIP code.",
    Username "USERNAME" "An account name.",
    Key "KEY" "The number of a customer.",
}

/// How an item is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As it is.
    #[default]
    Plain,
    /// Percent-encoded.
    Url,
    /// With a JSON escape in it.
    Json,
    /// With an XML character reference in it.
    Xml,
    /// In a Base64 text, of which the whole is the place.
    Base64,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Url => "url",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Base64 => "base64",
        }
    }
}

/// One personal item of the corpus.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Truth {
    /// The object, relative to the data directory; `outer!inner` for a member of an archive.
    pub file: String,
    /// First byte, in the decompressed object.
    pub byte_start: u64,
    /// One past the last byte.
    pub byte_end: u64,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whose it is.
    pub subject: u32,
    /// How it is written; left out of the line for `plain`.
    #[serde(default)]
    pub form: Form,
    /// Whether a detector may also leave it out: a name in running text, nine bare digits. Left out for `false`.
    #[serde(default)]
    pub optional: bool,
}

/// Appends the line of an item whose page starts at `base` in `file` (a JSON string's inside).
pub(crate) fn write_line(line: &mut Vec<u8>, file: &str, base: u64, item: &Item) {
    let number = |line: &mut Vec<u8>, mut number: u64| {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        line.extend_from_slice(&digits[at..]);
    };
    line.extend_from_slice(b"{\"file\":\"");
    line.extend_from_slice(file.as_bytes());
    line.extend_from_slice(b"\",\"byte_start\":");
    number(line, base + u64::from(item.start));
    line.extend_from_slice(b",\"byte_end\":");
    number(line, base + u64::from(item.end));
    line.extend_from_slice(b",\"type\":\"");
    line.extend_from_slice(item.kind.name().as_bytes());
    line.extend_from_slice(b"\",\"subject\":");
    number(line, u64::from(item.subject));
    if item.form != Form::Plain {
        line.extend_from_slice(b",\"form\":\"");
        line.extend_from_slice(item.form.name().as_bytes());
        line.push(b'"');
    }
    line.extend_from_slice(if item.optional { b",\"optional\":true}\n" } else { b"}\n" });
}
