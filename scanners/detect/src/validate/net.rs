//! Network and device addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 address in dotted decimal, without leading zeros (RFC 6943 §3.1.1).
#[inline]
pub fn ipv4(value: &[u8]) -> Option<Ipv4Addr> {
    if !(7..=15).contains(&value.len()) {
        return None;
    }
    let (mut octets, mut at, mut current, mut digits) = ([0u8; 4], 0usize, 0u32, 0u32);
    for &byte in value {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && current == 0 {
                    return None;
                }
                current = current * 10 + u32::from(byte - b'0');
                digits += 1;
                if current > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && at < 3 => {
                octets[at] = current as u8;
                (at, current, digits) = (at + 1, 0, 0);
            }
            _ => return None,
        }
    }
    octets[3] = current as u8;
    (at == 3 && digits > 0).then(|| Ipv4Addr::from(octets))
}

/// An IPv6 address in any form of RFC 4291 §2.2, without zone or brackets.
#[inline]
pub fn ipv6(value: &[u8]) -> Option<Ipv6Addr> {
    if !(2..=45).contains(&value.len()) || memchr::memchr(b':', value).is_none() {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Whether an address can belong to someone: neither unspecified, loopback nor broadcast.
pub fn personal_v4(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_broadcast() || address.is_multicast())
        && address.octets()[0] != 0
}

/// Whether an address can belong to someone: neither unspecified, loopback nor multicast.
pub fn personal_v6(address: Ipv6Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

/// A 48-bit hardware address: six groups with `:` or `-`, or three with `.` (IEEE 802).
#[inline]
pub fn mac(value: &[u8]) -> Option<[u8; 6]> {
    let (width, separator) = match value.len() {
        17 if value[2] == b':' || value[2] == b'-' => (2, value[2]),
        14 if value[4] == b'.' => (4, b'.'),
        _ => return None,
    };
    let (mut out, mut digits) = ([0u8; 6], 0usize);
    for (i, &byte) in value.iter().enumerate() {
        if i % (width + 1) == width {
            if byte != separator {
                return None;
            }
            continue;
        }
        out[digits / 2] = out[digits / 2] << 4 | hex(byte)?;
        digits += 1;
    }
    Some(out)
}

/// A UUID: 8-4-4-4-12 hexadecimal digits (RFC 9562 §4), braces allowed, or 32 without hyphens.
#[inline]
pub fn uuid(value: &[u8]) -> Option<[u8; 16]> {
    let value = match value {
        [b'{', inner @ .., b'}'] => inner,
        _ => value,
    };
    let hyphens = match value.len() {
        36 => true,
        32 => false,
        _ => return None,
    };
    let (mut out, mut digits) = ([0u8; 16], 0usize);
    for (i, &byte) in value.iter().enumerate() {
        if hyphens && matches!(i, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        out[digits / 2] = out[digits / 2] << 4 | hex(byte)?;
        digits += 1;
    }
    Some(out)
}

/// Whether a whole value is a web address: scheme `http`, `https` or `ftp`, and a host.
pub fn url(value: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(value, b"://") else { return false };
    let scheme = &value[..at];
    let known = [&b"http"[..], b"https", b"ftp", b"ftps"].iter().any(|s| s.eq_ignore_ascii_case(scheme));
    let rest = &value[at + 3..];
    let host_end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let host = &rest[..host_end];
    known
        && host.len() >= 3
        && value.iter().fold(ANYWHERE, |all, b| all & OF_URL[usize::from(*b)]) != 0
        && host.iter().fold(IN_HOST, |all, b| all & OF_URL[usize::from(*b)]) != 0
}

const ANYWHERE: u8 = 1;
const IN_HOST: u8 = 2;

/// Where in a web address a byte may stand.
static OF_URL: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b > b' ' && !matches!(b, b'"' | b'<' | b'>') {
            table[byte] |= ANYWHERE;
        }
        let punctuation =
            matches!(b, b'.' | b'-' | b'_' | b':' | b'@' | b'[' | b']' | b'%' | b'~' | b'!' | b'$' | b'&')
                || matches!(b, b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
        if b.is_ascii_alphanumeric() || b >= 0x80 || punctuation {
            table[byte] |= IN_HOST;
        }
        byte += 1;
    }
    table
};

/// The value of a hexadecimal digit.
#[inline]
pub fn hex(byte: u8) -> Option<u8> {
    let value = HEX[usize::from(byte)];
    (value < 16).then_some(value)
}

/// The value of each hexadecimal digit; 255 for every other byte. Digits and letters come at random, so a table rather
/// than branches.
static HEX: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};
