//! Payment cards and bank accounts.

use super::{all_digits, luhn_sum, number, repeated};

/// Whether digits are a payment card number: issuer range, its lengths and Luhn (ISO/IEC 7812).
#[inline]
pub fn card(digits: &[u8]) -> bool {
    // Issuer before sum: most candidates end there.
    issuer(digits).is_some() && luhn_sum(digits, 0).is_multiple_of(10) && !repeated(digits)
}

/// The network whose range and length digits fall into.
///
/// Ranges as the networks publish them. Maestro is taken at 16 and more digits only: at 12 to 15 its ranges say
/// nothing against an order number.
#[inline]
pub fn issuer(digits: &[u8]) -> Option<&'static str> {
    let len = digits.len();
    if !(13..=19).contains(&len) || !all_digits(digits) {
        return None;
    }
    let six = number(&digits[..6]);
    let long = (16..=19).contains(&len);
    match six {
        400_000..=499_999 if matches!(len, 13 | 16 | 19) => Some("visa"),
        510_000..=559_999 | 222_100..=272_099 if len == 16 => Some("mastercard"),
        340_000..=349_999 | 370_000..=379_999 if len == 15 => Some("american express"),
        601_100..=601_199 | 644_000..=659_999 if long => Some("discover"),
        300_000..=305_999 | 309_500..=309_599 | 380_000..=399_999 if matches!(len, 14 | 16..=19) => Some("diners club"),
        360_000..=369_999 if len >= 14 => Some("diners club"),
        352_800..=358_999 if long => Some("jcb"),
        620_000..=629_999 | 810_000..=817_199 if long => Some("unionpay"),
        220_000..=220_499 if long => Some("mir"),
        508_000..=508_999 | 606_900..=608_999 | 817_200..=829_999 if len == 16 => Some("rupay"),
        979_200..=979_299 if len == 16 => Some("troy"),
        500_000..=509_999 | 560_000..=589_999 | 639_000..=639_099 | 670_000..=679_999 if long => Some("maestro"),
        _ => None,
    }
}

/// Countries of the SWIFT IBAN registry with the length of their IBANs, sorted.
const IBAN_LENGTHS: &[([u8; 2], u8)] = &[
    (*b"AD", 24),
    (*b"AE", 23),
    (*b"AL", 28),
    (*b"AT", 20),
    (*b"AZ", 28),
    (*b"BA", 20),
    (*b"BE", 16),
    (*b"BG", 22),
    (*b"BH", 22),
    (*b"BI", 27),
    (*b"BR", 29),
    (*b"BY", 28),
    (*b"CH", 21),
    (*b"CR", 22),
    (*b"CY", 28),
    (*b"CZ", 24),
    (*b"DE", 22),
    (*b"DJ", 27),
    (*b"DK", 18),
    (*b"DO", 28),
    (*b"EE", 20),
    (*b"EG", 29),
    (*b"ES", 24),
    (*b"FI", 18),
    (*b"FK", 18),
    (*b"FO", 18),
    (*b"FR", 27),
    (*b"GB", 22),
    (*b"GE", 22),
    (*b"GI", 23),
    (*b"GL", 18),
    (*b"GR", 27),
    (*b"GT", 28),
    (*b"HN", 28),
    (*b"HR", 21),
    (*b"HU", 28),
    (*b"IE", 22),
    (*b"IL", 23),
    (*b"IQ", 23),
    (*b"IS", 26),
    (*b"IT", 27),
    (*b"JO", 30),
    (*b"KW", 30),
    (*b"KZ", 20),
    (*b"LB", 28),
    (*b"LC", 32),
    (*b"LI", 21),
    (*b"LT", 20),
    (*b"LU", 20),
    (*b"LV", 21),
    (*b"LY", 25),
    (*b"MC", 27),
    (*b"MD", 24),
    (*b"ME", 22),
    (*b"MK", 19),
    (*b"MN", 20),
    (*b"MR", 27),
    (*b"MT", 31),
    (*b"MU", 30),
    (*b"NI", 28),
    (*b"NL", 18),
    (*b"NO", 15),
    (*b"OM", 23),
    (*b"PK", 24),
    (*b"PL", 28),
    (*b"PS", 29),
    (*b"PT", 25),
    (*b"QA", 29),
    (*b"RO", 24),
    (*b"RS", 22),
    (*b"RU", 33),
    (*b"SA", 24),
    (*b"SC", 31),
    (*b"SD", 18),
    (*b"SE", 24),
    (*b"SI", 19),
    (*b"SK", 24),
    (*b"SM", 27),
    (*b"SO", 23),
    (*b"ST", 25),
    (*b"SV", 28),
    (*b"TL", 23),
    (*b"TN", 24),
    (*b"TR", 26),
    (*b"UA", 29),
    (*b"VA", 22),
    (*b"VG", 24),
    (*b"XK", 20),
    (*b"YE", 30),
];

/// Countries of the registry whose account numbers are digits throughout, sorted.
const IBAN_DIGITS: &[[u8; 2]] = &[
    *b"AE", *b"AT", *b"BA", *b"BE", *b"CR", *b"CZ", *b"DE", *b"DK", *b"EE", *b"ES", *b"FI", *b"FO", *b"GL", *b"HR",
    *b"HU", *b"IL", *b"IS", *b"LT", *b"ME", *b"NO", *b"PL", *b"PT", *b"RS", *b"SE", *b"SI", *b"SK", *b"TL", *b"TN",
    *b"VA", *b"XK",
];

/// The length of the IBANs of a country.
pub fn iban_length(country: [u8; 2]) -> Option<usize> {
    let at = IBAN_LENGTHS.binary_search_by_key(&country, |entry| entry.0).ok()?;
    Some(usize::from(IBAN_LENGTHS[at].1))
}

/// Whether upper-case letters and digits are an IBAN: country, its length, digits where
/// the country has only digits, ISO 7064 MOD 97-10 (ISO 13616).
#[inline]
pub fn iban(value: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = value.first_chunk() else { return false };
    if !(c.is_ascii_digit() && d.is_ascii_digit()) || iban_length([a, b]) != Some(value.len()) {
        return false;
    }
    if IBAN_DIGITS.binary_search(&[a, b]).is_ok() && !all_digits(&value[4..]) {
        return false;
    }
    let mut rest = 0u32;
    for &byte in value[4..].iter().chain(&value[..4]) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A' + 10),
            _ => return false,
        } % 97;
    }
    rest == 1
}
