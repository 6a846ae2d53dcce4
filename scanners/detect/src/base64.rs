//! Base64 in either alphabet of RFC 4648, as it stands in the midst of other text.

/// The value of each Base64 character, of both alphabets; 64 for every other byte.
pub static DIGIT: [u8; 256] = {
    let mut table = [64; 256];
    let mut value = 0;
    while value < 26 {
        table[b'A' as usize + value] = value as u8;
        table[b'a' as usize + value] = value as u8 + 26;
        value += 1;
    }
    let mut digit = 0;
    while digit < 10 {
        table[b'0' as usize + digit] = digit as u8 + 52;
        digit += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
};

/// Appends the bytes of a text of such characters, without padding; of the last, incomplete quad what is whole.
pub fn decode(text: &[u8], bytes: &mut Vec<u8>) {
    for quad in text.chunks(4) {
        let bits =
            quad.iter().enumerate().fold(0u32, |bits, (i, b)| bits | u32::from(DIGIT[usize::from(*b)]) << (26 - 6 * i));
        bytes.extend_from_slice(&bits.to_be_bytes()[..quad.len() * 3 / 4]);
    }
}
