//! Digests that stand for an identifier: hexadecimal of 32, 40, 64 or 128 digits, 32 bytes in Base64, or the 16, 20, 32
//! or 64 bytes themselves, as binary columns have them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use super::net::hex;

/// Decodes a digest into `out` and gives its length; 0 where it is none.
#[inline]
pub fn decode(value: &[u8], out: &mut [u8; 64]) -> usize {
    match value.len() {
        16 | 20 | 32 | 64 if is_raw(value) => {
            out[..value.len()].copy_from_slice(value);
            value.len()
        }
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

/// Whether a value is a digest's bytes rather than text: of a hundred thousand MD5s three would be text.
#[inline]
pub fn is_raw(value: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t') || *byte == 0x7f;
    matches!(value.len(), 16 | 20 | 32 | 64) && (value.iter().any(is_control) || std::str::from_utf8(value).is_err())
}

/// Whether bytes look like a digest rather than like a number or a word: several digits and several letters.
pub fn mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    digits >= 4 && letters >= 4
}
