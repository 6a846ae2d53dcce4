//! Vehicles and other things with a number on them.

use super::{all_digits, luhn, repeated};

/// Whether 17 characters are a vehicle identification number with its check digit (49 CFR §565.15).
#[inline]
pub fn vin(value: &[u8]) -> bool {
    if !vin_shape(value) {
        return false;
    }
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = value.iter().zip(WEIGHTS).map(|(&b, w)| transliterate(b) * w).sum();
    let check = match sum % 11 {
        10 => b'X',
        digit => b'0' + digit as u8,
    };
    value[8] == check
}

/// Whether 17 characters could be a vehicle identification number anywhere (ISO 3779: no I, O, Q).
/// Vehicles made for other markets carry no check digit.
#[inline]
pub fn vin_shape(value: &[u8]) -> bool {
    value.len() == 17
        && value.iter().all(|&b| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"IOQ".contains(&b)))
        && value[13..].iter().all(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_uppercase)
        && !repeated(&value[..11])
}

fn transliterate(byte: u8) -> u32 {
    u32::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'H' => byte - b'A' + 1,
        b'J'..=b'R' => byte - b'J' + 1,
        _ => byte - b'S' + 2,
    })
}

/// Whether 15 digits are an IMEI (3GPP TS 23.003 §6.2.1, Luhn).
pub fn imei(value: &[u8]) -> bool {
    value.len() == 15 && all_digits(value) && luhn(value) && !repeated(value)
}
