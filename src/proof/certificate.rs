//! The certificate: what was looked at and that nothing was left, signed, without a personal value.

use std::collections::BTreeSet;
use std::fmt;

use residuum_detect::Type;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Canaries, Places};
use crate::identity::{Identifier, Subject};
use crate::keyfile::hex;
use crate::signature::{Signer, is_signed_by};

/// What stands before the bytes that are signed, so that no signature of ours is one of something else.
const SIGNED: &str = "residuum certificate 1\n";

/// The newest version of the form, and the only one.
const VERSION: u32 = 1;

/// A signed statement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What is stated. Kept as it was read, so that a later version's additions do not break its signature.
    certificate: Value,
    signature: Signature,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    algorithm: String,
    public_key: String,
    value: String,
}

/// What a certificate states.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// Version of the form.
    pub version: u32,
    /// A random name.
    pub id: String,
    /// When it was made, in UTC.
    pub issued: String,
    /// Which program made it.
    pub program: String,
    /// The request it is for.
    pub request: Option<String>,
    /// How many people were looked for.
    pub subjects: u64,
    /// Their identifiers by type.
    pub identifiers: std::collections::BTreeMap<String, u64>,
    /// SHA-256 over the opening's salt and the identifiers in standard form.
    pub commitment: String,
    /// When the scan began and ended, in UTC.
    pub scanned: [String; 2],
    /// Digest of the rules that were looked with.
    pub rules: String,
    /// What was looked at.
    pub sources: Vec<SourceStatement>,
    /// What was found.
    pub places: Places,
    /// Places that are kept, by the exception that allows it.
    #[serde(default)]
    pub retained: std::collections::BTreeMap<String, u64>,
    /// Canaries planted and found.
    pub canaries: Canaries,
    /// What was not looked at, and what to do about it.
    pub not_examined: Vec<String>,
}

/// What was looked at in one source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SourceStatement {
    /// Its name; personal parts are sealed.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Objects read.
    pub read: u64,
    /// Objects that hold nothing of their own.
    pub derived: u64,
    /// Objects left out by an approved policy.
    pub excluded: u64,
    /// Records read.
    pub records: u64,
}

/// With the identifiers it opens the commitment of a certificate. Whom it is about needs it; nobody else does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The certificate's name.
    pub certificate: String,
    /// 32 random bytes, as hexadecimal digits.
    pub salt: String,
}

/// Why a certificate does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Invalid {
    /// It is none.
    #[error("it is not a certificate of this form: {0}")]
    Form(String),
    /// It was changed, or is signed by somebody else.
    #[error("the signature does not fit: it was changed, or not signed by the key it names")]
    Signature,
    /// The signer is not to be trusted.
    #[error("it is signed by {0}, which is not the key to be trusted")]
    Signer(String),
    /// It states what no certificate of ours does.
    #[error("it does not state that nothing is left: {0}")]
    Statement(&'static str),
    /// It is not about these identifiers.
    #[error("it is not about these identifiers, or the opening is another certificate's")]
    Commitment,
}

impl Opening {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new() -> Result<Self, getrandom::Error> {
        let (mut id, mut salt) = ([0; 16], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut salt)?;
        Ok(Self { certificate: hex(&id), salt: hex(&salt) })
    }

    /// The commitment to these people's identifiers: their types and standard forms, in order, however they were
    /// written and in whatever order they were given.
    pub fn commitment(&self, subjects: &[Subject]) -> String {
        let mut forms: Vec<(Type, &str, Vec<u8>)> = Vec::new();
        for identifier in subjects.iter().flat_map(|subject| &subject.identifiers) {
            forms.push(match identifier {
                Identifier::Value { kind, form } => (*kind, "", form.expose().clone()),
                Identifier::Sha256 { kind, digest } => (*kind, "sha-256", digest.to_vec()),
                Identifier::Fingerprint { kind, fp } => (*kind, "fingerprint", fp.0.to_vec()),
                Identifier::Key { domain, value } => (Type::Key, domain, value.expose().clone().into_bytes()),
            });
        }
        forms.sort();
        forms.dedup();
        let mut hasher = Sha256::new();
        hasher.update(self.salt.as_bytes());
        for (kind, what, form) in forms {
            for part in [kind.name().as_bytes(), what.as_bytes(), &form] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        hex(&hasher.finalize())
    }
}

impl Certificate {
    /// Signs a statement. Whether it may be made is decided before: see [`Statement::is_clean`].
    pub fn sign(statement: &Statement, signer: &Signer) -> Self {
        let certificate = serde_json::to_value(statement).expect("a statement is plain data");
        let value = signer.sign(signed(&certificate).as_bytes());
        let signature = Signature { algorithm: "Ed25519".to_owned(), public_key: signer.public_key(), value };
        Self { certificate, signature }
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`Invalid::Form`].
    pub fn parse(json: &[u8]) -> Result<Self, Invalid> {
        // What stands twice would be read in one way here and in another elsewhere.
        let distinct = serde_json::from_slice::<DistinctKeys>(json).map(drop);
        distinct.and_then(|()| serde_json::from_slice(json)).map_err(|error| Invalid::Form(error.to_string()))
    }

    /// Checks it offline: the signature, the signer if any are trusted, and that it states what a certificate must.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, trusted: &[String]) -> Result<Statement, Invalid> {
        let Signature { algorithm, public_key, value } = &self.signature;
        if algorithm != "Ed25519" || !is_signed_by(public_key, signed(&self.certificate).as_bytes(), value) {
            return Err(Invalid::Signature);
        }
        if !trusted.is_empty() && !trusted.contains(public_key) {
            return Err(Invalid::Signer(public_key.clone()));
        }
        let statement: Statement =
            serde_json::from_value(self.certificate.clone()).map_err(|error| Invalid::Form(error.to_string()))?;
        statement.is_clean().map_err(Invalid::Statement)?;
        Ok(statement)
    }

    /// Who signed.
    pub fn public_key(&self) -> &str {
        &self.signature.public_key
    }

    /// As it is kept and sent: JSON with one line for each field.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a certificate is plain data");
        text.push('\n');
        text
    }
}

/// Any JSON in which no key of an object stands twice.
struct DistinctKeys;

impl<'de> Deserialize<'de> for DistinctKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for DistinctKeys {
    type Value = Self;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, Self)) = map.next_entry::<String, Self>()? {
            if let Some(twice) = keys.replace(key) {
                return Err(de::Error::custom(format!("`{twice}` stands in it twice")));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while let Some(Self) = seq.next_element()? {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

impl Statement {
    /// The version that is written.
    pub const VERSION: u32 = VERSION;

    /// Whether it states that nothing is left and everything was looked at.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn is_clean(&self) -> Result<(), &'static str> {
        match self {
            _ if self.version != VERSION => Err("its version is another"),
            _ if self.places.residual > 0 => Err("data about the person were found"),
            _ if !self.canaries.all_found() => Err("not all canaries were found"),
            _ if self.sources.is_empty() => Err("no source was looked at"),
            _ if self.places.joint > 0 => Err("identifiers that stand with several people were found"),
            _ if self.sources.iter().all(|s| s.read + s.derived + s.excluded == 0) => Err("nothing was looked at"),
            _ if self.subjects == 0 || self.identifiers.is_empty() => Err("nobody was looked for"),
            _ => Ok(()),
        }
    }
}

/// The bytes that are signed: compact JSON, the names of every object in order, whatever wrote them.
fn signed(certificate: &Value) -> String {
    format!("{SIGNED}{}", canonical(certificate))
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let field =
                |(name, value): &(&String, &Value)| format!("{}:{}", Value::String((*name).clone()), canonical(value));
            format!("{{{}}}", sorted.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn subject(email: &str) -> Vec<Subject> {
        let email = Identifier::value(Type::Email, "", email).expect("an address");
        let phone = Identifier::value(Type::Phone, "", "+1 202 555 0123").expect("a number");
        vec![Subject { id: "1".to_owned(), identifiers: vec![email, phone] }]
    }

    fn statement(opening: &Opening) -> Statement {
        Statement {
            version: VERSION,
            id: opening.certificate.clone(),
            issued: "2026-11-22T08:00:00Z".to_owned(),
            program: "residuum 0.1.0".to_owned(),
            request: Some("R-7".to_owned()),
            subjects: 1,
            identifiers: BTreeMap::from([("EMAIL".to_owned(), 1)]),
            commitment: opening.commitment(&subject("jane@example.com")),
            scanned: ["2026-11-22T07:00:00Z".to_owned(), "2026-11-22T07:30:00Z".to_owned()],
            rules: "00".repeat(32),
            sources: vec![SourceStatement {
                name: "crm".to_owned(),
                kind: "sqlite".to_owned(),
                read: 3,
                derived: 0,
                excluded: 0,
                records: 120,
            }],
            places: Places { possible: 2, ..Places::default() },
            retained: [].into(),
            canaries: Canaries { planted: 5, found: 5 },
            not_examined: Vec::new(),
        }
    }

    #[test]
    fn a_certificate_holds_and_any_change_shows() {
        let signer = Signer::new([7; 32]);
        let opening = Opening::new().expect("random numbers");
        let text = Certificate::sign(&statement(&opening), &signer).to_json();
        let parse = |text: &str| Certificate::parse(text.as_bytes());
        assert_eq!(parse(&text).unwrap().check(&[signer.public_key()]).unwrap(), statement(&opening));
        assert!(parse(&text).unwrap().check(&[]).is_ok());
        assert_eq!(parse(&text).unwrap().check(&["00".repeat(32)]), Err(Invalid::Signer(signer.public_key())));
        for (from, to) in
            [("\"possible\": 2", "\"possible\": 3"), ("R-7", "R-8"), ("07:30", "07:31"), ("\"read\": 3", "\"read\": 4")]
        {
            assert!(text.contains(from), "{from}");
            assert_eq!(parse(&text.replace(from, to)).unwrap().check(&[]), Err(Invalid::Signature), "{from}");
        }
        let compact: Value = serde_json::from_str(&text).unwrap();
        assert!(parse(&compact.to_string()).unwrap().check(&[]).is_ok(), "how it is laid out does not matter");
        assert!(!text.contains("jane"));
    }

    #[test]
    fn what_states_something_else_is_no_certificate() {
        let signer = Signer::new([7; 32]);
        let opening = Opening::new().expect("random numbers");
        type Change = fn(&mut Statement);
        let cases: [(&str, Change); 8] = [
            ("version", |s| s.version += 1),
            ("joint", |s| s.places.joint = 1),
            ("objects", |s| s.sources.iter_mut().for_each(|of| (of.read, of.derived, of.excluded) = (0, 0, 0))),
            ("identifiers", |s| s.identifiers.clear()),
            ("residual", |s| s.places.residual = 1),
            ("canaries", |s| s.canaries.found = 4),
            ("sources", |s| s.sources.clear()),
            ("nobody", |s| s.subjects = 0),
        ];
        for (name, change) in cases {
            let mut changed = statement(&opening);
            change(&mut changed);
            let checked = Certificate::sign(&changed, &signer).check(&[]);
            assert!(matches!(checked, Err(Invalid::Statement(_))), "{name}: {checked:?}");
        }
    }

    #[test]
    fn what_stands_twice_is_no_certificate() {
        let signer = Signer::new([7; 32]);
        let opening = Opening::new().expect("random numbers");
        let text = Certificate::sign(&statement(&opening), &signer).to_json();
        assert!(Certificate::parse(text.as_bytes()).is_ok());
        let twice = text.replace(r#""request": "R-7""#, r#""request": "R-9", "request": "R-7""#);
        let Err(Invalid::Form(why)) = Certificate::parse(twice.as_bytes()) else { panic!("`request` stands twice") };
        assert!(why.contains("`request` stands in it twice"), "{why}");
    }

    #[test]
    fn the_commitment_opens_for_the_same_identifiers_only() {
        let opening = Opening::new().expect("random numbers");
        let commitment = opening.commitment(&subject("jane@example.com"));
        assert_eq!(opening.commitment(&subject("  JANE@example.com ")), commitment, "however it is written");
        let mut turned = subject("jane@example.com");
        turned[0].identifiers.reverse();
        assert_eq!(opening.commitment(&turned), commitment, "in any order");
        assert_ne!(opening.commitment(&subject("joan@example.com")), commitment);
        assert_ne!(Opening::new().expect("random numbers").commitment(&subject("jane@example.com")), commitment);
    }
}
