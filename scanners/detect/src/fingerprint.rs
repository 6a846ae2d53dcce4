//! Keyed fingerprints: how a value is known again without being kept.
//!
//! `fp = first 16 bytes of keyed-BLAKE3(index key, SHA-256(standard form))`. The inner hash is plain SHA-256
//! so that a digest of a value, from a DROP list, a customer-match list or a column of hashed e-mails, enters
//! at that point and meets the plain value. Other digests enter as `SHA-256(algorithm ‖ digest)`.
//! Without the key a fingerprint tells nothing.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Type;

/// A secret key of an index, 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexKey([u8; 32]);

/// The keyed fingerprint of a value in some standard form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

/// How a value was standardised before it was fingerprinted. The numbers are stored in indexes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Scheme {
    /// The standard form used for linking; version 1.
    Canonical = 0,
    /// California's DROP, specification 1.2.0. Lossy: never links.
    Drop12 = 1,
}

impl Scheme {
    /// The name used in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical-1",
            Self::Drop12 => "drop-1.2",
        }
    }

    /// The scheme with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Canonical),
            1 => Some(Self::Drop12),
            _ => None,
        }
    }
}

/// SHA-256 of a standard form, the inner hash of its fingerprint.
#[inline]
pub fn digest_of(standard_form: &[u8]) -> [u8; 32] {
    Sha256::digest(standard_form).into()
}

impl IndexKey {
    /// Takes the bytes of a key.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing the key where it belongs: outside the index.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's public name: 8 bytes that tell keys apart and reveal nothing of them.
    pub fn id(&self) -> [u8; 8] {
        let derived = blake3::derive_key("residuum 2026 index key id", &self.0);
        derived[..8].try_into().expect("8 of 32 bytes")
    }

    /// A key for another purpose, such as sealing locators. Knowing it does not give this key.
    pub fn derive(&self, context: &'static str) -> [u8; 32] {
        blake3::derive_key(context, &self.0)
    }

    /// The fingerprint of a standard form.
    #[inline]
    pub fn fingerprint(&self, standard_form: &[u8]) -> Fingerprint {
        self.fingerprint_of_digest(&digest_of(standard_form))
    }

    /// The fingerprint of a value of which only the SHA-256 digest is known.
    #[inline]
    pub fn fingerprint_of_digest(&self, sha256: &[u8; 32]) -> Fingerprint {
        let hash = blake3::keyed_hash(&self.0, sha256);
        Fingerprint(hash.as_bytes()[..16].try_into().expect("16 of 32 bytes"))
    }

    /// Appends the fingerprints of values of which the SHA-256 digests are known: many at a time cost a fraction.
    pub fn fingerprints_of_digests(&self, digests: &[[u8; 32]], out: &mut Vec<Fingerprint>) {
        let rest = self.by_sixteens(digests, out);
        out.extend(rest.iter().map(|digest| self.fingerprint_of_digest(digest)));
    }

    /// Takes as many as can be taken together; gives back the others.
    #[cfg(target_arch = "x86_64")]
    fn by_sixteens<'d>(&self, digests: &'d [[u8; 32]], out: &mut Vec<Fingerprint>) -> &'d [[u8; 32]] {
        if !std::is_x86_feature_detected!("avx512f") {
            return digests;
        }
        let (together, rest) = digests.as_chunks::<16>();
        for sixteen in together {
            // SAFETY: the processor has the feature that the function is compiled for.
            out.extend_from_slice(&unsafe { x86::keyed(&self.0, sixteen) });
        }
        rest
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn by_sixteens<'d>(&self, digests: &'d [[u8; 32]], _: &mut Vec<Fingerprint>) -> &'d [[u8; 32]] {
        digests
    }

    /// The fingerprint of a value of which only another digest is known, such as `md5`.
    pub fn fingerprint_of_other_digest(&self, algorithm: &str, digest: &[u8]) -> Fingerprint {
        let inner = Sha256::new().chain_update(algorithm).chain_update(digest).finalize();
        self.fingerprint_of_digest(&inner.into())
    }

    /// The fingerprint of a key value in its domain, such as `crm.customers.id`.
    pub fn fingerprint_of_key(&self, domain: &str, value: &[u8]) -> Fingerprint {
        let inner = Sha256::new().chain_update(b"key\0").chain_update(domain).chain_update(b"\0").chain_update(value);
        self.fingerprint_of_digest(&inner.finalize().into())
    }
}

/// Calls `each` with every look-up scheme in which a value stands differently from its canonical form.
///
/// Lossy schemes answer lists that come in that form and never link people.
#[inline]
pub fn lookup_forms(kind: Type, canonical: &[u8], mut each: impl FnMut(Scheme, &[u8])) {
    if kind == Type::Phone && canonical.len() > 10 {
        each(Scheme::Drop12, &canonical[canonical.len() - 10..]);
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey(id {})", Hex(&self.id()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", Hex(&self.0))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: IndexKey = IndexKey::new([7; 32]);

    #[test]
    fn a_plain_value_and_its_digest_meet() {
        let digest: [u8; 32] = Sha256::digest(b"jane@example.com").into();
        assert_eq!(KEY.fingerprint(b"jane@example.com"), KEY.fingerprint_of_digest(&digest));
        assert_ne!(KEY.fingerprint(b"jane@example.com"), KEY.fingerprint(b"john@example.com"));
        assert_ne!(KEY.fingerprint(b"a"), IndexKey::new([8; 32]).fingerprint(b"a"));
    }

    #[test]
    fn many_digests_give_what_each_gives() {
        let digests: Vec<[u8; 32]> = (0..100u32).map(|i| digest_of(&i.to_le_bytes())).collect();
        for key in [KEY, IndexKey::new(std::array::from_fn(|i| (i as u8).wrapping_mul(9)))] {
            for count in [0, 1, 15, 16, 17, 32, 100] {
                let mut together = Vec::new();
                key.fingerprints_of_digests(&digests[..count], &mut together);
                let one_by_one: Vec<_> = digests[..count].iter().map(|d| key.fingerprint_of_digest(d)).collect();
                assert_eq!(together, one_by_one, "{count}");
            }
        }
    }

    #[test]
    fn domains_keep_equal_keys_apart() {
        assert_ne!(KEY.fingerprint_of_key("crm.customers.id", b"7"), KEY.fingerprint_of_key("shop.orders.id", b"7"));
    }

    #[test]
    fn a_phone_has_a_drop_form() {
        let mut forms = Vec::new();
        lookup_forms(Type::Phone, b"12025550123", |scheme, form| forms.push((scheme, form.to_vec())));
        assert_eq!(forms, [(Scheme::Drop12, b"2025550123".to_vec())]);
    }

    #[test]
    fn printing_a_key_does_not_give_it() {
        assert!(!format!("{KEY:?}").contains("07070707"));
    }
}
