//! Digests that stand for an identifier: the 16, 20, 32 or 64 bytes of MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal or
//! Base64, or the bytes themselves, as binary columns have them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::net::hex;

/// Decodes a digest into `out` and gives its length; 0 where it is none. The Base64 of a text, such as an address, is no
/// digest whatever its length.
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
        22 | 24 | 27 | 28 | 43 | 44 | 86 | 88 => {
            let mut bytes = [0; 66]; // room for what padding stands for
            let read = match value.ends_with(b"=") {
                true => STANDARD.decode_slice(value, &mut bytes).or_else(|_| URL_SAFE.decode_slice(value, &mut bytes)),
                false => {
                    let read = URL_SAFE_NO_PAD.decode_slice(value, &mut bytes);
                    read.or_else(|_| STANDARD_NO_PAD.decode_slice(value, &mut bytes))
                }
            };
            let read = read.ok().filter(|&read| is_raw(&bytes[..read])).unwrap_or(0);
            out[..read].copy_from_slice(&bytes[..read]);
            read
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

/// Whether the values of a field are digests by their length and shape: nearly all have one length, and not nearly all have
/// the bytes of a UUID of a version in use (RFC 9562 §4), which one in thirteen digests has by chance.
pub fn are_most_of(values: &[&[u8]]) -> bool {
    let (mut lengths, mut uuids) = ([0usize; 65], 0);
    let mut bytes = [0; 64];
    for value in values {
        let length = decode(value, &mut bytes);
        if length > 0 && has_shape(value) && is_raw(&bytes[..length]) {
            lengths[length] += 1;
            uuids += usize::from(length == 16 && matches!(bytes[6] >> 4, 1 | 3 | 4 | 5 | 7) && bytes[8] >> 6 == 2);
        }
    }
    lengths.iter().any(|&count| count > 0 && count * 10 >= values.len() * 9 && uuids * 10 < count * 9)
}

/// Whether a value that decodes looks like a digest rather than like a number, a word or a name.
fn has_shape(value: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    is_raw(value)
        || match value.len() {
            32 | 40 | 64 | 128 => mixed(value),
            _ => has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit),
        }
}

/// Whether bytes look like a digest rather than like a number or a word: several digits and several letters.
pub fn mixed(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    digits >= 4 && letters >= 4
}
