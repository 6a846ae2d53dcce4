//! Text in headers, where nothing but ASCII goes: the encoded words of mail (RFC 2047), in which S3 gives and takes
//! metadata that hold anything else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The text of a header. What is no encoded word, or in a charset that is not UTF-8 or one byte for each character, stays.
pub(crate) fn decoded(text: &str) -> String {
    let (mut out, mut rest, mut after_word) = (String::new(), text, false);
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        // White space between two encoded words belongs to neither.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        match encoded_word(word) {
            Some((plain, len)) => {
                out.push_str(&plain);
                (rest, after_word) = (&word[len..], true);
            }
            None => {
                out.push_str("=?");
                (rest, after_word) = (&word[2..], false);
            }
        }
    }
    out.push_str(rest);
    out
}

/// The header of a text.
pub(crate) fn encoded(text: &str) -> String {
    match text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        true => text.to_owned(),
        false => format!("=?UTF-8?B?{}?=", BASE64.encode(text)),
    }
}

/// The word that a text begins with, and how long it stands there.
fn encoded_word(text: &str) -> Option<(String, usize)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (how, rest) = rest.split_once('?')?;
    let (payload, _) = rest.split_once("?=")?;
    let bytes = match how {
        "B" | "b" => BASE64.decode(payload).ok()?,
        "Q" | "q" => quoted(payload)?,
        _ => return None,
    };
    // A language may follow the charset (RFC 2231).
    let charset = charset.split('*').next().unwrap_or_default().to_ascii_lowercase();
    let plain = match charset.as_str() {
        "utf-8" | "us-ascii" => String::from_utf8(bytes).ok()?,
        "iso-8859-1" => bytes.into_iter().map(char::from).collect(),
        _ => return None,
    };
    Some((plain, "=?".len() + charset_len(text) + "?".len() + how.len() + "?".len() + payload.len() + "?=".len()))
}

fn charset_len(text: &str) -> usize {
    text["=?".len()..].find('?').unwrap_or(0)
}

fn quoted(payload: &str) -> Option<Vec<u8>> {
    let (mut out, mut bytes) = (Vec::new(), payload.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_and_all_else_stays() {
        for (text, plain) in [
            ("jane@example.com", "jane@example.com"),
            ("=?UTF-8?B?Wm/DqyBSb2U=?=", "Zo\u{eb} Roe"),
            ("=?utf-8?q?Zo=C3=AB_Roe?=", "Zo\u{eb} Roe"),
            ("=?iso-8859-1?Q?Zo=EB?= <zoe@example.com>", "Zo\u{eb} <zoe@example.com>"),
            ("=?UTF-8?Q?a?= =?UTF-8?Q?b?= c", "ab c"),
            ("=?UTF-8*en?Q?a?=", "a"),
            ("1 =? 2", "1 =? 2"),
            ("=?koi8-r?B?8A==?=", "=?koi8-r?B?8A==?="),
            ("=?UTF-8?Q?=ZZ?=", "=?UTF-8?Q?=ZZ?="),
            ("=?UTF-8?Q?never ends", "=?UTF-8?Q?never ends"),
        ] {
            assert_eq!(decoded(text), plain, "{text}");
        }
        for text in ["plain", "Zo\u{eb}", "a\u{1f600}b", "tab\there"] {
            assert!(encoded(text).is_ascii() && decoded(&encoded(text)) == text, "{text}");
        }
    }
}
