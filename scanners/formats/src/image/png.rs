//! Texts in PNG images (ISO/IEC 15948, 11.3.3) and comments in JPEG and GIF images.

use std::io::Read;

/// What a packed text may expand to.
const MOST: u64 = 16 << 20;

/// The texts of an image, each with its name.
pub(super) fn texts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, chunks @ ..] => chunk_texts(chunks),
        [0xff, 0xd8, ..] => comments(bytes),
        _ => Vec::new(),
    }
}

fn chunk_texts(mut rest: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    while let [a, b, c, d, behind @ ..] = rest {
        let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some((chunk, behind)) = behind.split_at_checked(len.saturating_add(4)) else { break };
        rest = behind.get(4..).unwrap_or_default();
        let (kind, data) = chunk.split_at(4);
        let mut parts = data.splitn(2, |byte| *byte == 0);
        let (Some(name), Some(text)) = (parts.next(), parts.next()) else { continue };
        let text = match kind {
            b"tEXt" => Some(text.to_vec()),
            b"zTXt" => text.get(1..).and_then(inflated),
            b"iTXt" => {
                // Whether it is packed and how, its language, its name in that language.
                let mut parts = text.get(2..).unwrap_or_default().splitn(3, |byte| *byte == 0);
                let text_itself = parts.nth(2).unwrap_or_default();
                if text.first() == Some(&1) { inflated(text_itself) } else { Some(text_itself.to_vec()) }
            }
            _ => None,
        };
        // XMP is read as such.
        if let Some(text) = text.filter(|_| name != b"XML:com.adobe.xmp") {
            found.push((String::from_utf8_lossy(name).into_owned(), text));
        }
    }
    found
}

fn inflated(packed: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    flate2::read::ZlibDecoder::new(packed).take(MOST).read_to_end(&mut text).ok()?;
    Some(text)
}

fn comments(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut rest) = (Vec::new(), bytes.get(2..).unwrap_or_default());
    while let [0xff, kind, high, low, ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low])).max(2);
        if *kind == 0xfe {
            found.push(("comment".to_owned(), rest.get(4..2 + len).unwrap_or_default().to_vec()));
        }
        if *kind == 0xda {
            break;
        }
        rest = rest.get(2 + len..).unwrap_or_default();
    }
    found
}
