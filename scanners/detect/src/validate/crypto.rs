//! Cryptocurrency addresses, all with their check sums: Base58Check, Bech32, Bech32m, EIP-55.

use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

/// A family of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// Base58Check: Bitcoin (P2PKH, P2SH), Litecoin, Dogecoin, Dash, Tron. Case matters.
    Base58,
    /// Bech32 or Bech32m (BIP 173, BIP 350). Lower case is canonical.
    Bech32,
    /// Ethereum and its kin (EIP-55). Lower case is canonical.
    Ethereum,
}

/// The family of an address; `None` if it is none.
#[inline]
pub fn address(value: &[u8]) -> Option<Address> {
    match value.len() {
        42 if value[0] == b'0' && value[1] | 32 == b'x' => ethereum(&value[2..]).then_some(Address::Ethereum),
        14..=90 if bech32(value) => Some(Address::Bech32),
        26..=35 if base58(value) => Some(Address::Base58),
        _ => None,
    }
}

/// Whether 40 hexadecimal digits are an Ethereum address: mixed case must be the check sum of EIP-55; one case is not
/// proof but what many programs write.
pub fn ethereum(digits: &[u8]) -> bool {
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) || super::repeated(digits) {
        return false;
    }
    let (upper, lower) = (digits.iter().any(u8::is_ascii_uppercase), digits.iter().any(|b| b.is_ascii_lowercase()));
    if !(upper && lower) {
        return true;
    }
    let mut lowered = [0; 40];
    lowered.copy_from_slice(digits);
    lowered.make_ascii_lowercase();
    let hash = Keccak256::digest(lowered);
    digits.iter().enumerate().all(|(i, b)| {
        let nibble = if i % 2 == 0 { hash[i / 2] >> 4 } else { hash[i / 2] & 15 };
        !b.is_ascii_alphabetic() || b.is_ascii_uppercase() == (nibble >= 8)
    })
}

/// Whether a value is Base58Check of a version byte we know and 20 bytes, with its check sum.
pub fn base58(value: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 25];
    for &c in value {
        let Some(mut carry) = ALPHABET.iter().position(|&a| a == c) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += 58 * usize::from(*byte);
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    // Each leading zero byte is written as one `1`.
    if bytes.iter().take_while(|&&b| b == 0).count() != value.iter().take_while(|&&c| c == b'1').count() {
        return false;
    }
    // Bitcoin 00 and 05, its test network 6f and c4, Litecoin 30 and 32, Dogecoin 1e, Dash 4c, Tron 41.
    let known = matches!(bytes[0], 0x00 | 0x05 | 0x6f | 0xc4 | 0x30 | 0x32 | 0x1e | 0x4c | 0x41);
    known && Sha256::digest(Sha256::digest(&bytes[..21]))[..4] == bytes[21..]
}

/// Whether a value is a Bech32 or Bech32m address of a network we know.
pub fn bech32(value: &[u8]) -> bool {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let Some(separator) = memchr::memrchr(b'1', value) else { return false };
    let (prefix, payload) = (&value[..separator], &value[separator + 1..]);
    let known = [&b"bc"[..], b"tb", b"ltc", b"addr", b"cosmos"].iter().any(|p| p.eq_ignore_ascii_case(prefix));
    let mixed = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    if !known || mixed || payload.len() < 14 {
        return false;
    }
    let lower = |b: &u8| b.to_ascii_lowercase();
    let mut sum = 1u32;
    prefix.iter().map(lower).for_each(|b| sum = step(sum, b >> 5));
    sum = step(sum, 0);
    prefix.iter().map(lower).for_each(|b| sum = step(sum, b & 31));
    for byte in payload.iter().map(lower) {
        let Some(five_bits) = CHARSET.iter().position(|&c| c == byte) else { return false };
        sum = step(sum, five_bits as u8);
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

fn step(sum: u32, five_bits: u8) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let sum = (sum & 0x1ff_ffff) << 5 ^ u32::from(five_bits);
    GENERATOR.iter().enumerate().filter(|(i, _)| top >> i & 1 == 1).fold(sum, |sum, (_, g)| sum ^ g)
}
