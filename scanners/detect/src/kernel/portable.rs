//! The pass without vector instructions: a class table, and a multiplication that gathers one bit of eight bytes.

use super::Masks;

/// Classifies whole blocks.
pub(super) fn classify(blocks: &[[u8; 64]], masks: &mut [Masks]) {
    for (block_bytes, mask) in blocks.iter().zip(masks) {
        *mask = block(block_bytes);
    }
}

/// Classifies one block.
pub(super) fn block(bytes: &[u8; 64]) -> Masks {
    let mut masks = Masks::default();
    let (eights, _) = bytes.as_chunks::<8>();
    for (i, eight) in eights.iter().enumerate() {
        let classes = u64::from_le_bytes(eight.map(|byte| CLASS[usize::from(byte)]));
        let shift = 8 * i;
        masks.digit |= gather(classes, DIGIT) << shift;
        masks.letter |= gather(classes, LETTER) << shift;
        masks.upper |= gather(classes, UPPER) << shift;
        masks.at |= gather(classes, AT) << shift;
        masks.colon |= gather(classes, COLON) << shift;
        masks.dash |= gather(classes, DASH) << shift;
        masks.escape |= gather(classes, ESCAPE) << shift;
        // Eight classes fill a byte of the table; the other two are compared.
        let others = u64::from_le_bytes(eight.map(|byte| u8::from(byte == b'.') | u8::from(byte == b'\\') << 1));
        masks.dot |= gather(others, 0) << shift;
        masks.backslash |= gather(others, 1) << shift;
        masks.high |= gather(classes, HIGH) << shift;
    }
    masks
}

/// Bit `bit` of each of the eight bytes, lowest byte first. The partial products do not overlap, so nothing carries.
#[inline]
fn gather(classes: u64, bit: u32) -> u64 {
    ((classes >> bit) & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

const DIGIT: u32 = 0;
const LETTER: u32 = 1;
const UPPER: u32 = 2;
const AT: u32 = 3;
const COLON: u32 = 4;
const DASH: u32 = 5;
const ESCAPE: u32 = 6;
const HIGH: u32 = 7;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => 1 << DIGIT,
            b'A'..=b'Z' => 1 << LETTER | 1 << UPPER,
            b'a'..=b'z' => 1 << LETTER,
            0x80..=0xff => 1 << LETTER | 1 << HIGH,
            b'@' => 1 << AT,
            b':' => 1 << COLON,
            b'-' => 1 << DASH,
            b'%' | b'&' => 1 << ESCAPE,
            _ => 0,
        };
        byte += 1;
    }
    table
};
