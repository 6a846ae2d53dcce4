//! What stands in a value that is wholly Base64 or hexadecimal of something else: nine digits in groups are a Social
//! Security number in any writing, though nothing beside them says so once they are decoded.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::withheld::Withheld;

/// How many encodings within one another are undone, as in discovery.
const DEPTH: usize = 3;

/// Characters of the shortest word that is looked at: six bytes in Base64.
const SHORTEST: usize = 8;

/// The texts that stand encoded in a word, the outermost first; none if it is none, or not of a text.
pub(super) fn texts(word: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for _ in 0..DEPTH {
        let word = found.last().map_or(word, String::as_str).trim();
        match decoded(word) {
            Some(text) => found.push(text),
            None => break,
        }
    }
    found
}

/// What is withheld of a text that was encoded, by its form alone: a number in the groups of a Social Security number,
/// or of a payment card.
pub(super) fn by_form(text: &str) -> Option<Withheld> {
    let text = text.trim();
    let groups: Vec<&str> = text.split(['-', ' ']).collect();
    if !groups.iter().all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    match groups.iter().map(|group| group.len()).collect::<Vec<_>>()[..] {
        [3, 2, 4] => Some(Withheld::SocialSecurity),
        _ if (13..=19).contains(&digits.len()) && is_luhn(&digits) => Some(Withheld::Card),
        _ => None,
    }
}

/// The words of a text that may be encoded content.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    text.split(move |c| !is_part(c)).filter(|word| word.len() >= SHORTEST)
}

fn decoded(word: &str) -> Option<String> {
    if word.len() < SHORTEST {
        return None;
    }
    let of_hex = hexadecimal(word).and_then(readable);
    of_hex.or_else(|| {
        let plain: String = word.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let plain = plain.replace('-', "+").replace('_', "/");
        readable(LENIENT.decode(plain).ok()?)
    })
}

fn hexadecimal(word: &str) -> Option<Vec<u8>> {
    let word = word.strip_prefix("0x").or_else(|| word.strip_prefix("\\x")).unwrap_or(word);
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = word.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let is_readable = !text.trim().is_empty() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace());
    is_readable.then_some(text)
}

/// ISO/IEC 7812-1, annex B.
fn is_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) => twice / 10 + twice % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Padded or not, and whatever the last bits are.
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
    fn what_is_encoded_is_read_and_told_by_its_form() {
        let cases = [
            ("OTE3LTI3LTExMTk=", Some(Withheld::SocialSecurity)),
            ("OTE3LTI3LTExMTk", Some(Withheld::SocialSecurity)),
            ("3931372d32372d31313139", Some(Withheld::SocialSecurity)),
            ("\\x3931372D32372D31313139", Some(Withheld::SocialSecurity)),
            ("T1RFM0xUSTNMVEV4TVRrPQ==", Some(Withheld::SocialSecurity)),
            ("NDExMSAxMTExIDExMTEgMTExMQ==", Some(Withheld::Card)),
            ("NDExMSAxMTExIDExMTEgMTExMg==", None),
            ("aGVsbG8gd29ybGQ=", None),
            ("customers", None),
            ("917-27-1119", None),
        ];
        for (word, expected) in cases {
            assert_eq!(texts(word).iter().find_map(|text| by_form(text)), expected, "{word}");
        }
        assert_eq!(words("a \"OTE3LTI3LTExMTk=\", b").collect::<Vec<_>>(), ["OTE3LTI3LTExMTk="]);
    }
}
