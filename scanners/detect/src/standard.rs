//! Canonical standard forms: the one spelling of a value under which it is fingerprinted.
//!
//! Index fingerprints depend on them: a change needs a new [`Scheme`](crate::Scheme).

use std::io::Write as _;

use crate::Type;
use crate::validate::{self, crypto, date, digest, email, finance, geo, net, phone, us, vehicle};

/// The canonical standard form of a value a person types in, for look-ups: `None` if it is not one.
pub fn standard_form(kind: Type, value: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write(kind, value.as_bytes(), false, &mut out).then_some(out)
}

/// Writes the standard form of a value into `out`, which is cleared first; `false` if the value is none of its kind.
///
/// `day_first` decides the order of dates whose order would be a guess.
pub fn write(kind: Type, value: &[u8], day_first: bool, out: &mut Vec<u8>) -> bool {
    out.clear();
    // The bytes of a digest may begin or end as white space does.
    let value = if kind == Type::Digest && digest::is_raw(value) { value } else { trim(value) };
    if value.is_empty() {
        return false;
    }
    match kind {
        Type::Email => {
            let address = strip_mailto(value);
            email::address(address) && lower(address, out)
        }
        Type::Phone => {
            let value = value.strip_prefix(b"tel:").unwrap_or(value);
            phone::parse(value, None).is_some_and(|e164| put(e164.as_bytes(), out))
        }
        Type::UsSsn => checked(value, us::ssn, out),
        Type::UsItin => checked(value, us::itin, out),
        Type::UsEin => checked(value, us::ein, out),
        Type::UsRouting => checked(value, us::aba, out),
        Type::Npi => checked(value, us::npi, out),
        Type::CreditCard => checked(value, finance::card, out),
        Type::Iban => checked(value, finance::iban, out),
        Type::Vin => checked(value, vehicle::vin_shape, out),
        Type::IpAddress => ip(value, out),
        Type::MacAddress => net::mac(value).is_some_and(|bytes| hex(&bytes, out)),
        Type::Maid => net::uuid(value).is_some_and(|bytes| bytes != [0; 16] && hex(&bytes, out)),
        Type::DeviceId | Type::CookieId => match net::uuid(value) {
            Some(bytes) => bytes != [0; 16] && hex(&bytes, out),
            None => put(value, out),
        },
        Type::PersonName | Type::City | Type::StreetAddress => fold_words(value, out),
        Type::PostalCode => postal_code(value, out),
        Type::Date | Type::DateOfBirth => {
            date::parse_ordered(value, day_first).is_some_and(|date| put(&date.standard(), out))
        }
        Type::Url => net::url(value) && url(value, out),
        Type::CryptoAddress => match crypto::address(value) {
            Some(crypto::Address::Base58) => put(value, out),
            Some(_) => lower(value, out),
            None => false,
        },
        Type::GeoCoordinate => geo::pair(value).is_some_and(|(lat, lon)| {
            // Adding zero turns a negative zero into zero.
            let round = |x: f64| (x * 10_000.0).round() / 10_000.0 + 0.0;
            write!(out, "{:.4},{:.4}", round(lat), round(lon)).is_ok()
        }),
        Type::Digest => {
            let mut bytes = [0; 64];
            let len = digest::decode(value, &mut bytes);
            len > 0 && put(&bytes[..len], out)
        }
        _ => lower_words(value, out),
    }
}

/// The value without white space around it.
#[inline]
pub fn trim(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

fn strip_mailto(value: &[u8]) -> &[u8] {
    match value.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"mailto:") => rest,
        _ => value,
    }
}

#[inline]
fn put(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(bytes);
    true
}

/// Lower case; letters beyond ASCII by Unicode's simple mapping.
#[inline]
fn lower(value: &[u8], out: &mut Vec<u8>) -> bool {
    if value.is_ascii() {
        let from = out.len();
        out.extend_from_slice(value);
        out[from..].make_ascii_lowercase();
        return true;
    }
    for c in String::from_utf8_lossy(value).chars().flat_map(char::to_lowercase) {
        push(c, out);
    }
    true
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Letters and digits in upper case, if `check` accepts them.
#[inline]
fn checked(value: &[u8], check: fn(&[u8]) -> bool, out: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 64];
    let Some(len) = validate::strip(value, &mut buffer) else { return false };
    check(&buffer[..len]) && put(&buffer[..len], out)
}

#[inline]
fn hex(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]));
    true
}

fn ip(value: &[u8], out: &mut Vec<u8>) -> bool {
    // A database writes addresses with the length of their network.
    let value = value.strip_suffix(b"/32").or_else(|| value.strip_suffix(b"/128")).unwrap_or(value);
    if net::ipv4(value).is_some() {
        // Accepted addresses are written as they stand: no leading zeros.
        return put(value, out);
    }
    let value = value.strip_prefix(b"[").and_then(|v| v.strip_suffix(b"]")).unwrap_or(value);
    let value = memchr::memchr(b'%', value).map_or(value, |zone| &value[..zone]);
    net::ipv6(value).is_some_and(|a| write!(out, "{a}").is_ok())
}

/// Upper-case letters and digits, 3 to 10 with at least one digit; a US ZIP+4 is cut to five digits.
fn postal_code(value: &[u8], out: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 64];
    let Some(len) = validate::strip(value, &mut buffer) else { return false };
    let code = &buffer[..len];
    if !(3..=10).contains(&len) || !code.iter().any(u8::is_ascii_digit) {
        return false;
    }
    put(if len == 9 && validate::all_digits(code) { &code[..5] } else { code }, out)
}

/// Scheme and host in lower case, no fragment.
fn url(value: &[u8], out: &mut Vec<u8>) -> bool {
    let value = memchr::memchr(b'#', value).map_or(value, |at| &value[..at]);
    let host = memchr::memmem::find(value, b"://").map_or(0, |at| at + 3);
    let end = value[host..].iter().position(|b| matches!(b, b'/' | b'?')).map_or(value.len(), |at| host + at);
    lower(&value[..end], out) && put(&value[end..], out)
}

/// Lower case, white space inside to one space.
fn lower_words(value: &[u8], out: &mut Vec<u8>) -> bool {
    for (i, word) in value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        lower(word, out);
    }
    !out.is_empty()
}

/// Letters without their marks, lower case; everything that is neither letter nor digit to one space.
fn fold_words(value: &[u8], out: &mut Vec<u8>) -> bool {
    if value.is_ascii() {
        // Never longer than the value: written in place, cut at the end.
        out.resize(value.len(), 0);
        let (mut len, mut gap) = (0, false);
        for &byte in value {
            if byte.is_ascii_alphanumeric() {
                if gap && len > 0 {
                    out[len] = b' ';
                    len += 1;
                }
                gap = false;
                out[len] = byte.to_ascii_lowercase();
                len += 1;
            } else {
                gap = true;
            }
        }
        out.truncate(len);
        return len > 0;
    }
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let mut gap = false;
    fold::each(text, |c| match c {
        Some(c) => {
            if gap && !out.is_empty() {
                out.push(b' ');
            }
            gap = false;
            push(c, out);
        }
        None => gap = true,
    });
    !out.is_empty()
}

mod fold {
    //! Compatibility decomposition without marks, and lower case: `É` and `E` and a mark give `e`.

    use unicode_normalization::UnicodeNormalization as _;
    use unicode_normalization::char::is_combining_mark;

    /// Calls `each` with every folded letter or digit, and with `None` for everything between.
    pub(super) fn each(text: &str, mut each: impl FnMut(Option<char>)) {
        for c in text.nfkd().filter(|&c| !is_combining_mark(c)) {
            match c {
                // Letters that do not decompose, and are written without their stroke.
                'ø' | 'Ø' => each(Some('o')),
                'ł' | 'Ł' => each(Some('l')),
                'đ' | 'Đ' => each(Some('d')),
                'ß' => [Some('s'), Some('s')].into_iter().for_each(&mut each),
                'æ' | 'Æ' => [Some('a'), Some('e')].into_iter().for_each(&mut each),
                'œ' | 'Œ' => [Some('o'), Some('e')].into_iter().for_each(&mut each),
                c if c.is_alphanumeric() => c.to_lowercase().for_each(|c| each(Some(c))),
                _ => each(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_have_one_spelling() {
        let cases: &[(Type, &str, Option<&str>)] = &[
            (Type::Email, " Jane.Doe@Example.COM ", Some("jane.doe@example.com")),
            (Type::Email, "mailto:jane@example.com", Some("jane@example.com")),
            (Type::Email, "jane", None),
            (Type::Phone, "(202) 555-0123", Some("12025550123")),
            (Type::Phone, "+1 202.555.0123 x45", Some("12025550123")),
            (Type::Phone, "+44 20 7946 0958", Some("442079460958")),
            (Type::Phone, "0044 20 7946 0958", Some("442079460958")),
            (Type::Phone, "+39 06 6982 0000", Some("390669820000")),
            (Type::Phone, "123", None),
            (Type::UsSsn, "123-45-6789", Some("123456789")),
            (Type::UsSsn, "000-45-6789", None),
            (Type::CreditCard, "4111 1111 1111 1111", Some("4111111111111111")),
            (Type::Iban, "gb82 west 1234 5698 7654 32", Some("GB82WEST12345698765432")),
            (Type::IpAddress, "2001:0DB8:0:0::1", Some("2001:db8::1")),
            (Type::IpAddress, "203.0.113.9/32", Some("203.0.113.9")),
            (Type::IpAddress, "256.0.0.1", None),
            (Type::MacAddress, "00-1B-44-11-3A-B7", Some("001b44113ab7")),
            (Type::Maid, "123E4567-E89B-12D3-A456-426614174000", Some("123e4567e89b12d3a456426614174000")),
            (Type::CookieId, " GA1.2.3 ", Some("GA1.2.3")),
            (Type::PersonName, "  José  O'Brien-Łuk ", Some("jose o brien luk")),
            (Type::PersonName, "Jose\u{301}", Some("jose")),
            (Type::StreetAddress, "12 Main St., Apt. #4", Some("12 main st apt 4")),
            (Type::PostalCode, "90210-1234", Some("90210")),
            (Type::PostalCode, "sw1a 1aa", Some("SW1A1AA")),
            (Type::PostalCode, "none", None),
            (Type::DateOfBirth, "2/29/1980", Some("19800229")),
            (Type::Url, "HTTPS://Example.COM/A?b#c", Some("https://example.com/A?b")),
            (Type::GeoCoordinate, "34.05224, -118.24368", Some("34.0522,-118.2437")),
            (Type::Gender, " Non  Binary", Some("non binary")),
        ];
        for (kind, value, want) in cases {
            let got = standard_form(*kind, value);
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{} {value}", kind.name());
        }
    }

    proptest! {
        /// A standard form is its own standard form, for every type whose form is text.
        #[test]
        fn standard_forms_are_fixed_points(text in "\\PC{0,40}", number in 0usize..49) {
            let kind = Type::ALL[number];
            prop_assume!(!matches!(kind, Type::Digest | Type::Phone));
            if let Some(form) = standard_form(kind, &text) {
                let form = String::from_utf8(form).unwrap();
                let again = standard_form(kind, &form);
                prop_assert_eq!(again.as_deref(), Some(form.as_bytes()), "{}", kind.name());
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), number in 0usize..49, day_first: bool) {
            let mut out = Vec::new();
            write(Type::ALL[number], &bytes, day_first, &mut out);
        }
    }
}
