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
    in_service
        && digits[3] >= b'2'
        && !(digits[4] == b'1' && digits[5] == b'1')
        && (ISLANDS.binary_search(&(area as u16)).is_err() || listed(digits))
}

/// Whether libphonenumber knows ten digits: outside the United States and Canada exchanges are few and listed.
#[cold]
fn listed(digits: &[u8]) -> bool {
    let mut text = *b"+1          ";
    text[2..].copy_from_slice(digits);
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| PHONE_NUMBER_UTIL.parse(text, None::<Region>).ok());
    parsed.is_some_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
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

/// Area codes in which not every exchange exists, ascending.
const ISLANDS: &[u16] = &[
    242, 246, 264, 268, 284, 340, 345, 441, 473, 524, 649, 664, 670, 671, 684, 721, 758, 767, 784, 868, 869, 876, 983,
];

/// Area codes in service, one bit each: those for which libphonenumber's metadata knows a number (a test compares).
const AREA_CODES: [u64; 16] = [
    0,
    0,
    0,
    0x7f45_9cbf_9ff7_fe00,
    0xff7f_e002_1a97_79d3,
    0x5003_bb07_cebb_5efb,
    0xaf6d_d38f_f7fe_0006,
    0x7ff0_0011_cf71_8405,
    0xfcde_a091_387f_ffff,
    0x92f4_dff7_ff00_1f7a,
    0xe002_5f41_e97f_0ee3,
    0xad66_18d6_5df3_ff3f,
    0xf63f_f7ff_000f_7cfe,
    0x0100_f37f_dfc7_b9cb,
    0x95ba_ff4f_21ff_7ff0,
    0x0000_0000_279c_bc00,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether some, and whether all, of an area's exchanges are known to the metadata.
    fn exchanges(area: usize) -> (bool, bool) {
        let known = |exchange: usize| listed(format!("{area}{exchange}4579").as_bytes());
        let exchanges = || (200..1000).filter(|e| e % 100 != 11);
        (exchanges().any(known), exchanges().step_by(7).all(known))
    }

    #[test]
    fn area_codes_are_those_of_the_metadata() {
        let (mut table, mut islands) = ([0u64; 16], Vec::new());
        for area in 200..1000usize {
            let (some, all) = exchanges(area);
            table[area / 64] |= u64::from(some) << (area % 64);
            if some && !all {
                islands.push(area as u16);
            }
        }
        assert_eq!((AREA_CODES, ISLANDS), (table, &*islands), "the table should be {table:#018x?}");
    }

    /// The fast path and libphonenumber agree on every ten digits tried.
    #[test]
    fn the_fast_path_agrees_with_libphonenumber() {
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let digits = format!("{:010}", state >> 20 & 0x2_ffff_ffff);
            let digits = &digits[digits.len() - 10..];
            if &digits[4..6] == "11" {
                // The metadata does not leave out service codes.
                continue;
            }
            let theirs = PHONE_NUMBER_UTIL
                .parse(format!("+1{digits}"), None::<Region>)
                .is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number));
            assert_eq!(nanp(digits.as_bytes()), theirs, "{digits}");
        }
    }
}
