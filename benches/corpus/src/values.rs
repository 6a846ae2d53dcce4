//! Values by their standards: check digits, groups, address ranges, UUIDs.

use crate::page::Page;

/// The digit that makes `body` followed by it pass Luhn's check.
pub(crate) fn luhn_digit(mut body: u64) -> u64 {
    let (mut sum, mut double) = (0, true);
    while body > 0 {
        let digit = body % 10 * if double { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        double = !double;
        body /= 10;
    }
    (10 - sum % 10) % 10
}

/// Writes a card number of `length` digits in groups (4-4-4-4, or 4-6-5 for fifteen).
pub(crate) fn grouped(page: &mut Page, number: u64, length: u32, separator: &[u8]) {
    let start = page.bytes.len();
    page.digits(number, length as usize);
    if separator.is_empty() {
        return;
    }
    let mut digits = [0; 16];
    let digits = &mut digits[..length as usize];
    digits.copy_from_slice(&page.bytes[start..]);
    page.bytes.truncate(start);
    let ends: &[usize] = if length == 15 { &[4, 10] } else { &[4, 8, 12] };
    for (at, &digit) in digits.iter().enumerate() {
        if ends.contains(&at) {
            page.raw(separator);
        }
        page.byte(digit);
    }
}

/// Writes an address from ranges set aside for documentation and for benchmarks (RFC 5737, 2544, 3849).
pub(crate) fn write_ip(page: &mut Page, own: u64, item: impl FnOnce(&mut Page, &dyn Fn(&mut Page))) {
    item(page, &|p| {
        if own % 100 < 7 {
            p.text("2001:db8:");
            p.hex(0x1000 + (own >> 8) % 0xf000, 4);
            p.byte(b':');
            p.hex(1 + (own >> 24) % 0xfff, 3);
            p.text("::");
            p.hex(0x10 + (own >> 40) % 0xff_00, 4);
            return;
        }
        let [a, b, c] = match (own >> 8) % 16 {
            0 => [192, 0, 2],
            1 => [198, 51, 100],
            2 => [203, 0, 113],
            _ => [198, 18 + (own >> 16) % 2, (own >> 24) % 256],
        };
        for part in [a, b, c] {
            p.number(part);
            p.byte(b'.');
        }
        p.number(1 + (own >> 32) % 254);
    });
}

/// Writes a random (version 4) UUID of 128 bits.
pub(crate) fn write_uuid(page: &mut Page, high: u64, low: u64) {
    page.hex(high >> 32, 8);
    page.byte(b'-');
    page.hex(high >> 16, 4);
    page.text("-4");
    page.hex(high, 3);
    page.byte(b'-');
    page.hex(8 | (low >> 62), 1);
    page.hex(low >> 48, 3);
    page.byte(b'-');
    page.hex(low, 12);
}
