//! Telephone numbers: a fast exact path for North America, libphonenumber's metadata for the world.

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

use super::number;

/// A valid number as E.164 digits, without the plus sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct E164 {
    digits: [u8; 15],
    len: u8,
}

impl E164 {
    /// The digits, country code first.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[..usize::from(self.len)]
    }

    fn new(parts: &[&[u8]]) -> Option<Self> {
        let (mut digits, mut len) = ([0; 15], 0);
        for part in parts {
            digits.get_mut(len..len + part.len())?.copy_from_slice(part);
            len += part.len();
        }
        Some(Self { digits, len: len as u8 })
    }
}

/// Whether ten digits are a number of the North American Numbering Plan: an area code in service, an exchange that
/// can be dialled (NANPA; 47 CFR §52). The digits alone do not say that they are a telephone number.
#[inline]
pub fn nanp(digits: &[u8]) -> bool {
    if digits.len() != 10 || !super::all_digits(digits) {
        return false;
    }
    let area = number(&digits[..3]) as usize;
    let in_service = AREA_CODES[area / 64] >> (area % 64) & 1 == 1;
    // An exchange begins with 2 to 9; N11 are service codes.
    in_service && digits[3] >= b'2' && !(digits[4] == b'1' && digits[5] == b'1')
}

/// A whole value as a telephone number, in the region's national form if it has no country code.
///
/// An extension (`x12`, `ext. 12`) is left out of the number.
#[inline]
pub fn parse(value: &[u8], region: Option<Region>) -> Option<E164> {
    let mut digits = [0u8; 20];
    let (mut len, mut international, mut plain) = (0, false, true);
    for (i, &byte) in value.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if len == digits.len() {
                    return None;
                }
                digits[len] = byte;
                len += 1;
            }
            b'+' if len == 0 => international = true,
            b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
            _ => {
                // An extension after a number; anything else is for libphonenumber to judge.
                if len < 7 || !extension(&value[i..]) {
                    plain = false;
                }
                break;
            }
        }
    }
    let digits = &digits[..len];
    if plain {
        let american = region.is_none() || region == Some(Region::US) || region == Some(Region::CA);
        match digits {
            [b'1', rest @ ..] if rest.len() == 10 && (international || american) => {
                return nanp(rest).then(|| E164::new(&[digits])).flatten();
            }
            rest if rest.len() == 10 && !international && american => {
                return nanp(rest).then(|| E164::new(&[b"1", rest])).flatten();
            }
            // International prefixes: 00 in most of the world, 011 in North America.
            [b'0', b'0', rest @ ..] if !international && rest.len() >= 8 && rest[0] != b'0' => return world(rest),
            [b'0', b'1', b'1', rest @ ..] if !international && american && rest.len() >= 8 => return world(rest),
            _ if international => return world(digits),
            _ if region.is_none() || region == Some(Region::US) => return None,
            _ => {}
        }
    }
    if !(7..=40).contains(&value.len()) {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    valid(&PHONE_NUMBER_UTIL.parse(text, region).ok()?)
}

/// Digits with their country code, as a number that exists.
#[inline]
pub fn world(digits: &[u8]) -> Option<E164> {
    if let [b'1', rest @ ..] = digits {
        return if rest.len() == 10 && nanp(rest) { E164::new(&[digits]) } else { None };
    }
    if !(8..=15).contains(&digits.len()) || !super::all_digits(digits) {
        return None;
    }
    let mut text = [b'+'; 16];
    text[1..=digits.len()].copy_from_slice(digits);
    let text = std::str::from_utf8(&text[..=digits.len()]).ok()?;
    valid(&PHONE_NUMBER_UTIL.parse(text, None::<Region>).ok()?)
}

fn valid(parsed: &PhoneNumber) -> Option<E164> {
    if !PHONE_NUMBER_UTIL.is_valid_number(parsed) {
        return None;
    }
    let mut country = [0; 20];
    let mut national = [0; 20];
    let country = decimal(parsed.country_code as u64, &mut country);
    let national = decimal(parsed.national_number, &mut national);
    let zeros = if parsed.italian_leading_zero() { parsed.number_of_leading_zeros().clamp(0, 4) as usize } else { 0 };
    E164::new(&[country, &b"0000"[..zeros], national])
}

fn decimal(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &buffer[at..];
        }
    }
}

fn extension(rest: &[u8]) -> bool {
    let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let known = [&b"x"[..], b"ext", b"extn", b"extension", b"anexo"];
    let after = rest[letters..].iter().filter(|b| !b" .:#".contains(b));
    (known.iter().any(|k| k.eq_ignore_ascii_case(&rest[..letters])) || rest[0] == b'#')
        && (1..=7).contains(&after.clone().count())
        && after.clone().all(u8::is_ascii_digit)
}

/// Area codes in service, one bit each: those for which libphonenumber's metadata knows a number (a test compares).
const AREA_CODES: [u64; 16] = [u64::MAX; 16];
