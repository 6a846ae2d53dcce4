//! Digests of values that are corrected: what a digest is one of, and the same of the new value in the same notation.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use residuum_detect::{Type, standard_form};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::keyfile::hex;
use crate::proof::hashed_forms;

/// The digest that stands in place of one of an old value; `None` if it is of a form of it that is not known, or of one
/// that the new value does not have.
pub(super) fn redigested(kind: Type, old: &str, new: &str, stands: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, bytes) = read(stands)?;
    let (old_forms, new_forms) = (forms(kind, &standard_form(kind, old)?), forms(kind, &standard_form(kind, new)?));
    // Where one has more forms than the other, as telephones of two countries, those after the first mean other things.
    let alike = if old_forms.len() == new_forms.len() { old_forms.len() } else { 1 };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = old_forms.into_iter().zip(new_forms).take(alike).collect();
    // As they were given.
    pairs.push((old.trim().as_bytes().to_vec(), new.trim().as_bytes().to_vec()));
    pairs.push((old.trim().to_lowercase().into_bytes(), new.trim().to_lowercase().into_bytes()));
    let (_, new) = pairs.iter().find(|(old, _)| algorithm(old) == bytes)?;
    Some(written_like(stands, &algorithm(new)))
}

type Algorithm = fn(&[u8]) -> Vec<u8>;

/// The texts of which programs make digests of a value in its standard form; the form itself at least.
pub(super) fn forms(kind: Type, form: &[u8]) -> Vec<Vec<u8>> {
    let forms = hashed_forms(kind, form);
    if forms.is_empty() { vec![form.to_vec()] } else { forms }
}

/// The bytes of a digest as they stand, and what made so many.
fn read(stands: &[u8]) -> Option<(Algorithm, Vec<u8>)> {
    let text = stands.trim_ascii();
    let bare: Vec<u8> =
        if is_uuid(text) { text.iter().copied().filter(|b| *b != b'-').collect() } else { text.to_vec() };
    let of_hex = || -> Option<Vec<u8>> {
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (pairs, rest) = bare.as_chunks::<2>();
        let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>()?;
        rest.is_empty().then_some(bytes)
    };
    let of_base64 = || {
        let plain: Vec<u8> = text
            .iter()
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte => *byte,
            })
            .collect();
        LENIENT.decode(plain).ok()
    };
    let whole = || Some(stands.to_vec());
    [of_hex(), of_base64(), whole()].into_iter().flatten().find_map(|bytes| Some((algorithm(bytes.len())?, bytes)))
}

fn algorithm(length: usize) -> Option<Algorithm> {
    Some(match length {
        16 => |text| Md5::digest(text).to_vec(),
        20 => |text| Sha1::digest(text).to_vec(),
        32 => |text| Sha256::digest(text).to_vec(),
        64 => |text| Sha512::digest(text).to_vec(),
        _ => return None,
    })
}

/// A digest in the notation in which another one stands.
fn written_like(value: &[u8], digest: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let digits = hex(digest);
    let digits = if value.iter().any(u8::is_ascii_uppercase) { digits.to_uppercase() } else { digits };
    if is_uuid(value) {
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        return parts.join("-").into_bytes();
    }
    if value.len() == digits.len() {
        return digits.into_bytes();
    }
    if value.len() == digest.len() {
        return digest.to_vec();
    }
    let text = LENIENT.encode(digest);
    let text = if value.ends_with(b"=") { text } else { text.trim_end_matches('=').to_owned() };
    let is_for_urls = value.iter().any(|byte| b"-_".contains(byte));
    if is_for_urls { text.replace('+', "-").replace('/', "_").into_bytes() } else { text.into_bytes() }
}

/// An MD5, as programs store it in a column of UUIDs.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text[at] == b'-')
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_becomes_that_of_the_new_value_in_its_own_notation() {
        let (old, new) = ("Jane.Roe@Example.com", "jane.poe@example.com");
        let of = |stands: &[u8]| redigested(Type::Email, old, new, stands);
        let lower = "jane.roe@example.com";
        let sha = |text: &str| hex(&Sha256::digest(text));
        let encoded = |text: &str| LENIENT.encode(Sha1::digest(text));
        let md5 = hex(&Md5::digest(new));
        let uuid = [&md5[..8], &md5[8..12], &md5[12..16], &md5[16..20], &md5[20..]].join("-");
        let old_md5 = hex(&Md5::digest(lower));
        let old_uuid = [&old_md5[..8], &old_md5[8..12], &old_md5[12..16], &old_md5[16..20], &old_md5[20..]].join("-");
        type Case<'a> = (&'a str, Vec<u8>, Option<Vec<u8>>);
        let cases: [Case<'_>; 8] = [
            ("SHA-256", sha(lower).into(), Some(sha(new).into())),
            ("in capitals", sha(lower).to_uppercase().into(), Some(sha(new).to_uppercase().into())),
            ("as it was given", sha(old).into(), Some(sha(new).into())),
            ("of capitals", sha("JANE.ROE@EXAMPLE.COM").into(), Some(sha("JANE.POE@EXAMPLE.COM").into())),
            ("SHA-1 in Base64", encoded(lower).into(), Some(encoded(new).into())),
            ("MD5 as a UUID", old_uuid.into(), Some(uuid.into())),
            ("bytes", Sha256::digest(lower).to_vec(), Some(Sha256::digest(new).to_vec())),
            ("another's", sha("kim@example.com").into(), None),
        ];
        for (name, stands, expected) in cases {
            assert_eq!(of(&stands), expected, "{name}");
        }
    }
}
