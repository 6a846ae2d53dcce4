//! Text of two bytes for each character inside values that are bytes: UTF-16, as Windows and Java write it.

/// Bytes that are looked at to tell.
const HEAD: usize = 128;

/// The order of bytes in a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Little,
    Big,
}

/// In which order of bytes these are UTF-16, if they are: a mark says so (RFC 2781 §3.2), or nearly every second byte
/// is zero beside one that prints.
#[inline]
pub(crate) fn order(bytes: &[u8]) -> Option<Order> {
    // Text of one byte for each character has no zeros: nearly every value ends here.
    match bytes {
        [0xff, 0xfe, ..] => return Some(Order::Little),
        [0xfe, 0xff, ..] => return Some(Order::Big),
        [first, second, _, _, _, _, _, _, ..] if *first == 0 || *second == 0 => {}
        _ => return None,
    }
    let prints = |b: u8| matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let (mut little, mut big) = (0, 0);
    let pairs = bytes[..bytes.len().min(HEAD)].as_chunks::<2>().0;
    for pair in pairs {
        little += usize::from(prints(pair[0]) && pair[1] == 0);
        big += usize::from(pair[0] == 0 && prints(pair[1]));
    }
    match () {
        () if little * 4 >= pairs.len() * 3 => Some(Order::Little),
        () if big * 4 >= pairs.len() * 3 => Some(Order::Big),
        () => None,
    }
}

/// Decodes UTF-16 into `out`, at most `most` bytes; gives whether that was all. What pairs with nothing becomes U+FFFD.
pub(super) fn decode(bytes: &[u8], order: Order, most: usize, out: &mut Vec<u8>) -> bool {
    let unit = |pair: &[u8; 2]| match order {
        Order::Little => u16::from_le_bytes(*pair),
        Order::Big => u16::from_be_bytes(*pair),
    };
    for c in char::decode_utf16(bytes.as_chunks::<2>().0.iter().map(unit)) {
        if out.len() + 4 > most {
            return false;
        }
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        if c != '\u{feff}' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_text_is_told_from_other_bytes() {
        let wide = |text: &str, order: Order| -> Vec<u8> {
            let bytes = |unit: u16| if order == Order::Little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        for order in [Order::Little, Order::Big] {
            for text in ["Jane Roe", "\u{feff}名前 Jane", "Zoë, 7 rue de l’Église"] {
                let bytes = wide(text, order);
                assert_eq!(super::order(&bytes), Some(order), "{text}");
                let mut out = Vec::new();
                assert!(decode(&bytes, order, 1 << 10, &mut out));
                assert_eq!(String::from_utf8(out).expect("it is text"), text.trim_start_matches('\u{feff}'));
            }
        }
        for other in [&b"Jane Roe, 12 Main St"[..], &[0; 64], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a\0b", b""] {
            assert_eq!(order(other), None, "{other:?}");
        }
        let mut out = Vec::new();
        assert!(!decode(&wide("a long text", Order::Big), Order::Big, 8, &mut out) && out.len() <= 8);
    }
}
