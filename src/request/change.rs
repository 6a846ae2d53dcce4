//! What stands in place of a value that is erased.

use residuum_detect::Type;

use super::policy::{ERASED, Replacement};
use crate::config::Strategy;
use crate::keyfile::hex;

/// What becomes of a value.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum New {
    /// It stays as it is.
    Kept,
    /// It becomes null, or empty.
    Null,
    /// It becomes this.
    Text(Vec<u8>),
}

/// The replacement of a value of a type; `is_whole` if it is all that its field holds in the record.
///
/// The key is of one run and kept nowhere.
pub(super) fn new_value(with: &Replacement<'_>, kind: Type, value: &[u8], is_whole: bool, key: &[u8; 32]) -> New {
    if with.strategy == Strategy::Pseudonym && is_pseudonym(value) {
        return New::Kept;
    }
    let null = || if is_whole { New::Null } else { New::Text(ERASED.into()) };
    let new = match with.strategy {
        Strategy::Constant => New::Text(with.text.into()),
        Strategy::Mask => New::Text(masked(value)),
        Strategy::Pseudonym => New::Text(pseudonym(kind, value, key)),
        Strategy::Deidentify => deidentified(kind, value).unwrap_or_else(null),
        Strategy::Null | Strategy::Delete | Strategy::DeleteObject => null(),
    };
    match new {
        New::Text(text) if text == value => New::Kept,
        new => new,
    }
}

/// Letters become `x`, digits `0`, one for each character.
fn masked(value: &[u8]) -> Vec<u8> {
    let mask = |c: char| match c {
        c if c.is_alphabetic() => 'x',
        c if c.is_numeric() => '0',
        c => c,
    };
    String::from_utf8_lossy(value).chars().map(mask).collect::<String>().into_bytes()
}

/// Whether a value is the pseudonym of another run: its own would say as little.
fn is_pseudonym(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"p-") else { return false };
    let digits = name.strip_suffix(b"@pseudonym.invalid").unwrap_or(name);
    digits.len() == 16 && digits.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
}

/// A name of its own for a value: the same within a run, and like no real one (RFC 2606 reserves `.invalid`).
fn pseudonym(kind: Type, value: &[u8], key: &[u8; 32]) -> Vec<u8> {
    let mut form = Vec::new();
    if !residuum_detect::write_standard_form(kind, value, false, &mut form) {
        form = value.trim_ascii().to_ascii_lowercase();
    }
    let digest = blake3::keyed_hash(key, &form);
    let name = format!("p-{}", hex(&digest.as_bytes()[..8]));
    if kind == Type::Email { format!("{name}@pseudonym.invalid").into_bytes() } else { name.into_bytes() }
}

/// What may stay of a value in a record that nobody can be told from; `None` if it goes.
fn deidentified(kind: Type, value: &[u8]) -> Option<New> {
    match kind {
        Type::City | Type::Age | Type::Gender | Type::Date | Type::Organization | Type::Occupation => Some(New::Kept),
        Type::DateOfBirth => year_only(value).map(New::Text),
        Type::PostalCode => {
            let mut kept = 0;
            let coarse = value.iter().map(|&byte| match byte {
                b if b.is_ascii_alphanumeric() && kept < 3 => {
                    kept += 1;
                    b
                }
                b if b.is_ascii_alphanumeric() => b'0',
                b => b,
            });
            Some(New::Text(coarse.collect()))
        }
        _ => None,
    }
}

/// A date in its own notation with its year, on the first of January.
fn year_only(value: &[u8]) -> Option<Vec<u8>> {
    let groups: Vec<&[u8]> = value.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).collect();
    let numbers = || groups.iter().filter(|group| group[0].is_ascii_digit());
    let has_year = numbers().filter(|group| group.len() == 4).count() == 1;
    let is_numeric = numbers().count() >= 3 && !value.iter().any(u8::is_ascii_alphabetic);
    (has_year && is_numeric).then(|| {
        let coarse = groups.iter().enumerate().map(|(i, group)| match group.len() {
            4 => group.to_vec(),
            1 if group[0].is_ascii_digit() => b"1".to_vec(),
            2 if group[0].is_ascii_digit() && i < 5 => b"01".to_vec(),
            n if group[0].is_ascii_digit() => vec![b'0'; n],
            _ => group.to_vec(),
        });
        coarse.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_give_what_they_say() {
        let text = |text: &str| New::Text(text.into());
        let cases = [
            (Strategy::Null, Type::Email, "jane@example.com", true, New::Null),
            (Strategy::Null, Type::Email, "jane@example.com", false, text("[erased]")),
            (Strategy::Constant, Type::Email, "jane@example.com", true, text("gone")),
            (Strategy::Mask, Type::Email, "jané.7@example.com", true, text("xxxx.0@xxxxxxx.xxx")),
            (Strategy::Mask, Type::Phone, "+1 (202) 555-0123", true, text("+0 (000) 000-0000")),
            (Strategy::Constant, Type::Email, "gone", true, New::Kept),
            (Strategy::Pseudonym, Type::Email, "p-0123456789abcdef@pseudonym.invalid", true, New::Kept),
            (Strategy::Pseudonym, Type::PersonName, "p-0123456789abcdef", false, New::Kept),
            (Strategy::Deidentify, Type::DateOfBirth, "1985-07-04", true, text("1985-01-01")),
            (Strategy::Deidentify, Type::DateOfBirth, "7/14/1985", true, text("1/01/1985")),
            (Strategy::Deidentify, Type::DateOfBirth, "1985-07-04 10:20", true, text("1985-01-01 00:00")),
            (Strategy::Deidentify, Type::DateOfBirth, "July 4, 1985", true, New::Null),
            (Strategy::Deidentify, Type::PostalCode, "94601-1234", true, text("94600-0000")),
            (Strategy::Deidentify, Type::City, "Oakland", true, New::Kept),
            (Strategy::Deidentify, Type::PersonName, "Jane Roe", true, New::Null),
            (Strategy::Deidentify, Type::Key, "1042", true, New::Null),
        ];
        for (strategy, kind, value, is_whole, expected) in cases {
            let with = Replacement { strategy, text: "gone" };
            let new = new_value(&with, kind, value.as_bytes(), is_whole, &[7; 32]);
            assert_eq!(new, expected, "{strategy:?} of {kind:?} {value}");
        }
    }

    #[test]
    fn a_pseudonym_is_one_for_each_value_and_run() {
        let with = Replacement { strategy: Strategy::Pseudonym, text: "" };
        let of = |value: &str, key: u8| new_value(&with, Type::Email, value.as_bytes(), true, &[key; 32]);
        assert_eq!(of("jane@example.com", 1), of("Jane@Example.com", 1), "in any writing");
        assert_ne!(of("jane@example.com", 1), of("june@example.com", 1));
        assert_ne!(of("jane@example.com", 1), of("jane@example.com", 2));
        let New::Text(text) = of("jane@example.com", 1) else { panic!("a text") };
        assert!(text.starts_with(b"p-") && text.ends_with(b"@pseudonym.invalid"));
    }
}
