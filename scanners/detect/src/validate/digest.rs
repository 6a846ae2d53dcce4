//! Digests that stand for an identifier: hexadecimal of 32, 40, 64 or 128 digits, or 32 bytes in Base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::net::hex;

/// Decodes a digest into `out` and gives its length; 0 where it is none.
#[inline]
pub fn decode(value: &[u8], out: &mut [u8; 64]) -> usize {
    match value.len() {
        32 | 40 | 64 | 128 => {
            for (i, pair) in value.chunks_exact(2).enumerate() {
                let (Some(high), Some(low)) = (hex(pair[0]), hex(pair[1])) else { return 0 };
                out[i] = high << 4 | low;
            }
            value.len() / 2
        }
        44 | 43 => {
            let mut bytes = [0; 64];
            let read = if value.len() == 43 {
                URL_SAFE_NO_PAD.decode_slice(value, &mut bytes)
            } else {
                STANDARD.decode_slice(value, &mut bytes).or_else(|_| URL_SAFE.decode_slice(value, &mut bytes))
            };
            if read != Ok(32) {
                return 0;
            }
            out[..32].copy_from_slice(&bytes[..32]);
            32
        }
        _ => 0,
    }
}

/// Whether bytes look like a digest rather than like a number or a word: several digits and several letters.
pub fn mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    digits >= 4 && letters >= 4
}
