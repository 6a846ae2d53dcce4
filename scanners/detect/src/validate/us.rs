//! Numbers given out by, or used in, the United States.

use super::{all_digits, luhn_sum, number, repeated, weighted};

/// Whether nine digits can be a Social Security number.
///
/// SSA Program Operations Manual RM 10201.035: no area 000, 666 or 900 to 999, no group 00, no serial 0000;
/// 078-05-1120 and 219-09-9999 were voided after advertisements printed them. Nine equal digits are a filler.
#[inline]
pub fn ssn(digits: &[u8]) -> bool {
    if digits.len() != 9 || !all_digits(digits) {
        return false;
    }
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    let issuable = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
    issuable && !repeated(digits) && digits != b"078051120" && digits != b"219099999"
}

/// Whether nine digits can be an individual taxpayer identification number.
///
/// IRS Publication 1915 and Internal Revenue Manual 3.21.263: 9xx with a fourth and fifth digit of 50 to 65,
/// 70 to 88, 90 to 92 or 94 to 99.
#[inline]
pub fn itin(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && digits[0] == b'9'
        && matches!(number(&digits[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
        && !repeated(digits)
}

/// Whether nine digits can be an employer identification number, by the prefixes that the IRS has assigned
/// to its campuses and to the Internet ("How EINs are assigned and valid EIN prefixes").
#[inline]
pub fn ein(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && !matches!(number(&digits[..2]), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
        && number(&digits[2..]) != 0
}

/// Whether nine digits are an ABA routing transit number: Federal Reserve prefix and check digit
/// (ABA Routing Number Policy; weights 3, 7, 1).
#[inline]
pub fn aba(digits: &[u8]) -> bool {
    digits.len() == 9
        && all_digits(digits)
        && matches!(number(&digits[..2]), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Whether ten digits are a national provider identifier: 45 CFR §162.406, Luhn with the prefix 80840.
#[inline]
pub fn npi(digits: &[u8]) -> bool {
    // The prefix 80840 adds 24 to the sum.
    digits.len() == 10
        && all_digits(digits)
        && matches!(digits[0], b'1' | b'2')
        && luhn_sum(digits, 24).is_multiple_of(10)
}

/// Whether two letters and seven digits are a DEA registration number (21 CFR §1301; check digit by DEA practice).
pub fn dea(value: &[u8]) -> bool {
    if value.len() != 9 || !all_digits(&value[2..]) {
        return false;
    }
    let registrant = matches!(value[0], b'A'..=b'H' | b'J'..=b'M' | b'P'..=b'U' | b'X');
    let initial = value[1].is_ascii_uppercase() || value[1] == b'9';
    let digits = &value[2..];
    registrant && initial && weighted(digits, &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(digits[6] & 15)
}

/// Whether eleven characters are a Medicare beneficiary identifier: the format of CMS, "Understanding the
/// Medicare Beneficiary Identifier Format"; letters without S, L, O, I, B, Z.
pub fn mbi(value: &[u8]) -> bool {
    let letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
    let digit = |b: u8| b.is_ascii_digit();
    let either = |b: u8| letter(b) || digit(b);
    value.len() == 11
        && matches!(value[0], b'1'..=b'9')
        && letter(value[1])
        && either(value[2])
        && digit(value[3])
        && letter(value[4])
        && either(value[5])
        && digit(value[6])
        && letter(value[7])
        && letter(value[8])
        && digit(value[9])
        && digit(value[10])
}

/// Whether a value has the shape of a US passport number: nine digits, or since 2021 a letter and eight digits
/// (22 CFR §51; Department of State, Next Generation Passport). The shape proves nothing alone.
pub fn passport(value: &[u8]) -> bool {
    value.len() == 9
        && (value[0].is_ascii_digit() || value[0].is_ascii_uppercase())
        && all_digits(&value[1..])
        && !repeated(&value[1..])
}

/// Whether a value has the shape of an account number at a US bank: 4 to 17 digits (Nacha, DFI account number
/// field). The shape proves nothing alone.
pub fn bank_account(value: &[u8]) -> bool {
    (4..=17).contains(&value.len()) && all_digits(value) && !repeated(value)
}

/// Shapes of driver's licence numbers, one a line: state or states, then alternatives of letters (`A`),
/// digits (`9`) and either (`*`), each with a count. From the AAMVA DL/ID number formats.
const LICENSES: &[&[(u8, u8)]] = &[
    // A letter and digits: CA 7; NY, MI, MN, FL, MD 12; IL 11; MA, VA, AZ, WV, OK 8/9; KY 8/9; NJ 14; WI 13; …
    &[(b'A', 1), (b'9', 6)],
    &[(b'A', 1), (b'9', 7)],
    &[(b'A', 1), (b'9', 8)],
    &[(b'A', 1), (b'9', 9)],
    &[(b'A', 1), (b'9', 11)],
    &[(b'A', 1), (b'9', 12)],
    &[(b'A', 1), (b'9', 13)],
    &[(b'A', 1), (b'9', 14)],
    // Two letters and digits: OH 6, WV 5, GU, ID 6 + letter.
    &[(b'A', 2), (b'9', 5)],
    &[(b'A', 2), (b'9', 6)],
    &[(b'A', 2), (b'9', 6), (b'A', 1)],
    // WA: five letters of the surname, an initial, then mixed; since 2018 WDL and nine characters.
    &[(b'A', 5), (b'*', 7)],
    &[(b'A', 3), (b'*', 9)],
    // NH: 2 digits, 3 letters, 5 digits; or 3 letters and 8 digits.
    &[(b'9', 2), (b'A', 3), (b'9', 5)],
    &[(b'A', 3), (b'9', 8)],
    &[(b'A', 3), (b'9', 6)],
    // ND: 3 letters of the surname and 6 digits; KS: letter digit letter digit letter; MO: 9 digits and a letter.
    &[(b'A', 1), (b'9', 1), (b'A', 1), (b'9', 1), (b'A', 1)],
    &[(b'9', 9), (b'A', 1)],
    &[(b'9', 8), (b'A', 1)],
    &[(b'9', 8), (b'A', 2)],
    &[(b'9', 7), (b'A', 1)],
    &[(b'9', 3), (b'A', 1), (b'9', 6)],
    // Digits alone: AL, AK, AR, CO, CT, DE, DC, GA, HI, IA, ID, IN, LA, ME, MS, MT, NE, NV, NM, NC, OR, PA, RI, SC, SD,
    // TN, TX, UT, VT, WY …
    &[(b'9', 6)],
    &[(b'9', 7)],
    &[(b'9', 8)],
    &[(b'9', 9)],
    &[(b'9', 10)],
    &[(b'9', 11)],
    &[(b'9', 12)],
    &[(b'9', 13)],
    &[(b'9', 14)],
];

/// Whether a value has the shape of a driver's licence number of some state. The shape proves nothing alone.
pub fn driver_license(value: &[u8]) -> bool {
    LICENSES.iter().any(|shape| fits(shape, value)) && !repeated(value)
}

fn fits(shape: &[(u8, u8)], mut value: &[u8]) -> bool {
    for &(class, count) in shape {
        let Some((head, tail)) = value.split_at_checked(usize::from(count)) else { return false };
        let of_class = |b: &u8| match class {
            b'A' => b.is_ascii_uppercase(),
            b'9' => b.is_ascii_digit(),
            _ => b.is_ascii_uppercase() || b.is_ascii_digit(),
        };
        if !head.iter().all(of_class) {
            return false;
        }
        value = tail;
    }
    value.is_empty()
}
