//! How far a class of bytes goes: what recognisers ask of almost every candidate, without a branch for each byte.

/// How many digits follow each other from `from` on.
#[inline]
pub(crate) fn digits(text: &[u8], from: usize) -> usize {
    let mut i = from;
    while let Some(window) = text.get(i..).and_then(|rest| rest.first_chunk::<8>()) {
        let values = u64::from_le_bytes(*window) ^ 0x3030_3030_3030_3030;
        // A byte above nine sets its highest bit, and a carry out of it can only reach bytes behind the first such.
        let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
        i += others.trailing_zeros() as usize / 8;
        if others != 0 {
            return i - from;
        }
    }
    i + text[i..].iter().take_while(|b| b.is_ascii_digit()).count() - from
}

/// How many ASCII letters and digits follow each other from `from` on, at most `most`.
#[inline]
pub(crate) fn alphanumerics(text: &[u8], from: usize, most: usize) -> usize {
    text[from..].iter().take(most).take_while(|b| CLASS[usize::from(**b)] & ALPHANUMERIC != 0).count()
}

/// Whether all bytes are hexadecimal digits.
#[inline]
pub(crate) fn is_hex(word: &[u8]) -> bool {
    word.iter().fold(HEX, |all, b| all & CLASS[usize::from(*b)]) != 0
}

const ALPHANUMERIC: u8 = 1;
const HEX: u8 = 2;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] =
            if b.is_ascii_hexdigit() { HEX } else { 0 } | if b.is_ascii_alphanumeric() { ALPHANUMERIC } else { 0 };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_ends_a_run_or_does_not() {
        for byte in 0..=255u8 {
            for at in 0..10 {
                let mut text = [b'5'; 12];
                text[at] = byte;
                let expected = if byte.is_ascii_digit() { 12 } else { at };
                assert_eq!(digits(&text, 0), expected, "{byte} at {at}");
            }
            assert_eq!(alphanumerics(&[b'a', byte], 0, 9) == 2, byte.is_ascii_alphanumeric());
            assert_eq!(is_hex(&[b'a', byte, b'0']), byte.is_ascii_hexdigit());
        }
    }

    proptest! {
        #[test]
        fn digits_are_counted(text in "[0-9:/\\x00-\\x7fé]{0,40}", from in 0usize..40) {
            let text = text.as_bytes();
            let from = from.min(text.len());
            let plain = text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
            prop_assert_eq!(digits(text, from), plain);
        }
    }
}
