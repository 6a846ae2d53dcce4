//! Neighbours: what stands beside a candidate tells a number from a part of a longer thing.

/// The byte at `i`, or 0 past either end; `i` may come from a wrapping subtraction.
#[inline]
pub(super) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// The byte `back` before `i`, or 0.
#[inline]
pub(super) fn before(text: &[u8], i: usize, back: usize) -> u8 {
    at(text, i.wrapping_sub(back))
}

/// Whether a letter, digit or underscore ends just before `i`.
///
/// Beyond ASCII, Latin, Greek and Cyrillic letters count; Chinese or Japanese does not part words by spaces.
#[inline]
pub(super) fn word_before(text: &[u8], i: usize) -> bool {
    match before(text, i, 1) {
        b'0'..=b'9' | b'A'..=b'Z' | b'_' => true,
        b'a'..=b'z' => !escape_before(text, i),
        0x80..=0xbf => matches!(before(text, i, 2), 0xc3..=0xdf),
        _ => false,
    }
}

/// Whether a letter, digit or underscore begins at `i`.
#[inline]
pub(super) fn word_after(text: &[u8], i: usize) -> bool {
    matches!(at(text, i), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | 0xc3..=0xdf)
}

/// Whether an escape such as `\n` ends just before `i`.
#[inline]
pub(super) fn escape_before(text: &[u8], i: usize) -> bool {
    before(text, i, 2) == b'\\' && matches!(before(text, i, 1), b'n' | b't' | b'r' | b'f' | b'b' | b'v')
}

/// Whether nothing on the left makes a group of digits at `i` part of something longer: no word, and no `-`, `.`,
/// `/` or `+` with a word behind it; nor a currency sign or the `%` of an escape.
#[inline]
pub(super) fn free_left(text: &[u8], i: usize) -> bool {
    match before(text, i, 1) {
        b'-' | b'.' | b'/' | b'+' => !word_before(text, i - 1),
        b'$' | b'%' => false,
        _ => !word_before(text, i),
    }
}

/// Whether nothing on the right makes a group of digits ending at `i` part of something longer.
#[inline]
pub(super) fn free_right(text: &[u8], i: usize) -> bool {
    match at(text, i) {
        b'-' | b'.' | b'/' | b'+' => !word_after(text, i + 1),
        b'@' => false,
        _ => !word_after(text, i),
    }
}

/// Whether another group of digits stands on the left, a single space away.
#[inline]
pub(super) fn digits_left(text: &[u8], i: usize) -> bool {
    before(text, i, 1) == b' ' && before(text, i, 2).is_ascii_digit()
}

/// Whether another group of digits stands on the right, a single space away.
#[inline]
pub(super) fn digits_right(text: &[u8], i: usize) -> bool {
    at(text, i) == b' ' && at(text, i + 1).is_ascii_digit()
}
