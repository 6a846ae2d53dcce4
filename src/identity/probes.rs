//! What is looked for: the fingerprints of all that was supplied, in every form in which it may stand.

use std::collections::BTreeMap;

use md5::Md5;
use residuum_detect::{Fingerprint, IndexKey, Scheme, Type};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::subject::{Identifier, Subject};
use crate::index::Keyring;
use crate::scan::composite;

/// A part of a name: which, and of how many.
pub(super) type Token = (usize, usize);

/// What a fingerprint is looked for as.
#[derive(Clone)]
pub(super) struct Probe {
    pub subject: usize,
    pub identifier: usize,
    /// What a finding must be to count: this type, or a digest of it.
    pub kind: Type,
    pub scheme: Option<Scheme>,
    /// Set for a part of a name.
    pub token: Option<Token>,
}

/// The fingerprints of all that was supplied, under every live key.
pub(super) fn probes(subjects: &[Subject], keys: &Keyring) -> BTreeMap<Fingerprint, Vec<Probe>> {
    let mut probes: BTreeMap<Fingerprint, Vec<Probe>> = BTreeMap::new();
    for (subject, person) in subjects.iter().enumerate() {
        for (identifier, given) in person.identifiers.iter().enumerate() {
            for key in keys.all() {
                let mut add = |fingerprint, kind, scheme, token| {
                    probes.entry(fingerprint).or_default().push(Probe { subject, identifier, kind, scheme, token });
                };
                match given {
                    Identifier::Value { kind, form } => {
                        let form = form.expose();
                        add(key.fingerprint(form), *kind, Some(Scheme::Canonical), None);
                        for fingerprint in digests(key, *kind, form) {
                            add(fingerprint, Type::Digest, None, None);
                        }
                        if *kind == Type::PersonName {
                            for (form, token) in name_forms(form) {
                                add(key.fingerprint(&form), *kind, Some(Scheme::Canonical), token);
                            }
                        }
                        if *kind == Type::DateOfBirth {
                            add(key.fingerprint(form), Type::Date, Some(Scheme::Canonical), None);
                        }
                        if *kind == Type::DeviceId {
                            add(key.fingerprint(form), Type::Maid, Some(Scheme::Canonical), None);
                            add(key.fingerprint(form), Type::CookieId, Some(Scheme::Canonical), None);
                        }
                    }
                    Identifier::Sha256 { kind, digest } => add(key.fingerprint_of_digest(digest), *kind, None, None),
                    Identifier::Fingerprint { kind, fp } => add(*fp, *kind, None, None),
                    Identifier::Key { domain, value } => {
                        add(key.fingerprint_of_key(domain, &key_value(domain, value.expose())), Type::Key, None, None);
                    }
                }
            }
        }
    }
    probes
}

/// The text of a key as a scan fingerprints it; the parts of a key of several fields are separated by commas.
fn key_value(domain: &str, value: &str) -> Vec<u8> {
    let fields = domain.rsplit('.').next().unwrap_or_default();
    if !fields.contains('+') {
        return value.trim().as_bytes().to_vec();
    }
    composite(&value.split(',').map(|part| part.trim().as_bytes()).collect::<Vec<_>>())
}

/// The fingerprints under which a digest of a value stands, for the digests and forms in common use.
fn digests(key: &IndexKey, kind: Type, form: &[u8]) -> Vec<Fingerprint> {
    let mut forms = vec![form.to_vec()];
    if kind == Type::Phone {
        forms.push([b"+", form].concat()); // as advertising platforms ask for it
        if let Some(national) = form.strip_prefix(b"1") {
            forms.push(national.to_vec());
        }
    }
    let mut found = Vec::new();
    for (i, form) in forms.iter().enumerate() {
        if i > 0 {
            found.push(key.fingerprint_of_digest(&Sha256::digest(form).into()));
        }
        found.push(key.fingerprint_of_other_digest("md5", &Md5::digest(form)));
        found.push(key.fingerprint_of_other_digest("sha1", &Sha1::digest(form)));
        found.push(key.fingerprint_of_other_digest("sha512", &Sha512::digest(form)));
    }
    found
}

/// Other ways a full name stands: family name first, and its parts in fields of their own.
fn name_forms(form: &[u8]) -> Vec<(Vec<u8>, Option<Token>)> {
    let text = String::from_utf8_lossy(form);
    let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    if tokens.len() < 2 {
        return Vec::new();
    }
    let (last, first) = (tokens[tokens.len() - 1], &tokens[..tokens.len() - 1]);
    let mut forms = vec![(format!("{last} {}", first.join(" ")).into_bytes(), None)];
    let count = tokens.len();
    forms.extend(tokens.iter().enumerate().map(|(i, token)| (token.as_bytes().to_vec(), Some((i, count)))));
    if first.len() > 1 {
        forms.push((first.join(" ").into_bytes(), Some((0, count))));
    }
    forms
}
