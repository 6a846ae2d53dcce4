//! Codes: words of letters and digits that a check digit or a length proves: IBAN, VIN, digests, wallets, UUIDs.

use super::cx::Confidence;
use super::near::{at, before, escape_before, word_after, word_before};
use super::{Cx, Recogniser};
use crate::validate::{crypto, digest, finance, net, vehicle};
use crate::{Type, run, standard};

/// An IBAN that begins at `start`, compact or in groups of four.
pub(super) fn iban(cx: &mut Cx<'_>, start: usize) {
    let text = cx.text;
    let country = [text[start].to_ascii_uppercase(), text[start + 1].to_ascii_uppercase()];
    let Some(length) = finance::iban_length(country) else { return };
    let mut code = [0; 34];
    let (mut i, mut len) = (start, 0);
    let (mut separator, mut groups) = (0, 0);
    let (mut upper, mut lower) = (false, false);
    while len < length {
        let byte = at(text, i);
        if byte.is_ascii_alphanumeric() {
            (upper, lower) = (upper | byte.is_ascii_uppercase(), lower | byte.is_ascii_lowercase());
            code[len] = byte.to_ascii_uppercase();
            len += 1;
        } else if len > 0
            && len % 4 == 0
            && i == start + len + groups
            && groups == len / 4 - 1
            && matches!(byte, b' ' | b'-')
            && (separator == 0 || separator == byte)
            && at(text, i + 1).is_ascii_alphanumeric()
        {
            separator = byte;
            groups += 1;
        } else {
            return;
        }
        i += 1;
    }
    let even = groups == 0 || groups == (length - 1) / 4;
    let one_case = !(upper && lower);
    // Pieces of a UUID or of a digest have neighbours that go on behind a hyphen, or are hexadecimal throughout.
    let joined = word_before(text, start)
        || word_after(text, i)
        || before(text, start, 1) == b'-' && word_before(text, start - 1)
        || at(text, i) == b'-' && word_after(text, i + 1);
    let code = &code[..length];
    let hexadecimal = lower && code.iter().all(u8::is_ascii_hexdigit) && !code[4..].iter().all(u8::is_ascii_digit);
    if even && one_case && !joined && !hexadecimal && finance::iban(code) {
        cx.report(Recogniser::Iban, start, i, Confidence::Rule, |out| out.extend_from_slice(code));
    }
}

/// Looks at a word of 16 letters and digits or more; gives its end.
pub(super) fn long_word(cx: &mut Cx<'_>, start: usize) -> usize {
    let text = cx.text;
    // The `n` of a `\n` before it is no letter of it.
    let start = if escape_before(text, start + 1) { start + 1 } else { start };
    let len = run::alphanumerics(text, start, LONGEST);
    let end = start + len;
    let word = &text[start..end];
    let joined = |b: u8| matches!(b, b'_' | b'-' | b'+' | b'/' | b'=');
    let alone = !joined(before(text, start, 1)) || !word_before(text, start.wrapping_sub(1));
    match len {
        17 if alone && cx.engine.wants(Recogniser::Vin) && vehicle::vin(word) => vin(cx, start, end),
        32 | 40 | 56 | 64 | 96 | 128 if run::is_hex(word) => digest(cx, start, end),
        20.. if credential(cx, start, end) => {}
        26..=62 if alone && !word_after(text, end) => wallet(cx, start, end),
        _ => {}
    }
    end
}

/// A token that its issuer marks: an access key, an API key, a signed token.
fn credential(cx: &mut Cx<'_>, start: usize, end: usize) -> bool {
    let text = cx.text;
    let word = &text[start..end];
    let end = match word {
        [b'A', b'K' | b'S', b'I', b'A', rest @ ..] if rest.len() == 16 => end,
        [b'A', b'I', b'z', b'a', ..] => {
            end + stretch(&text[end..], |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        }
        [b'e', b'y', b'J', ..] => {
            let end = start + stretch(&text[start..], |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            // Header, payload and signature (RFC 7519 §3).
            if text[start..end].iter().filter(|b| **b == b'.').count() != 2 {
                return false;
            }
            end
        }
        _ => return false,
    };
    let fits = match word[0] {
        b'A' if word[1] == b'I' => end - start == 39,
        b'A' => word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
        _ => end - start >= 40,
    };
    fits && !word_before(text, start)
        && cx.report(Recogniser::Credential, start, end, Confidence::Rule, |out| {
            out.extend_from_slice(&text[start..end])
        })
}

fn stretch(text: &[u8], of: impl Fn(u8) -> bool) -> usize {
    text.iter().take(LONGEST).take_while(|b| of(**b)).count()
}

fn vin(cx: &mut Cx<'_>, start: usize, end: usize) {
    let word = &cx.text[start..end];
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    if (3..=16).contains(&digits) && !word_after(cx.text, end) {
        let text = cx.text;
        cx.report(Recogniser::Vin, start, end, Confidence::Rule, |out| {
            out.extend(text[start..end].iter().map(u8::to_ascii_uppercase));
        });
    }
}

fn digest(cx: &mut Cx<'_>, start: usize, end: usize) {
    let word = &cx.text[start..end];
    if word.len() == 32 && cx.welcome(Recogniser::Uuid, start, end) && net::uuid(word).is_some() {
        // Without hyphens it may be either; only a word beside it says so.
        if cx.report(Recogniser::Uuid, start, end, Confidence::OnlyInContext, |out| {
            out.extend(word.iter().map(u8::to_ascii_lowercase));
        }) {
            return;
        }
    }
    if !cx.engine.wants(Recogniser::Digest) || !cx.welcome(Recogniser::Digest, start, end) {
        return;
    }
    let mut bytes = [0; 64];
    let len = digest::decode(word, &mut bytes);
    if len > 0 && digest::mixed(word) {
        cx.report(Recogniser::Digest, start, end, Confidence::Rule, |out| out.extend_from_slice(&bytes[..len]));
    }
}

fn wallet(cx: &mut Cx<'_>, start: usize, end: usize) {
    if !cx.engine.wants(Recogniser::Crypto) {
        return;
    }
    let word = &cx.text[start..end];
    let begins = matches!(word[0], b'1' | b'3' | b'L' | b'M' | b'D' | b'X' | b'b' | b'l' | b'0' | b't' | b'r' | b'B');
    if !begins || crypto::address(word).is_none() {
        return;
    }
    let mut form = std::mem::take(cx.form);
    if standard::write(Type::CryptoAddress, word, false, &mut form) {
        cx.report(Recogniser::Crypto, start, end, Confidence::Rule, |out| out.extend_from_slice(&form));
    }
    *cx.form = form;
}

/// A UUID whose first hyphen is at `i`.
pub(super) fn uuid(cx: &mut Cx<'_>, i: usize) {
    let text = cx.text;
    let Some(start) = i.checked_sub(8) else { return };
    let end = start + 36;
    if end > text.len() || !cx.welcome(Recogniser::Uuid, start, end) {
        return;
    }
    let Some(bytes) = net::uuid(&text[start..end]) else { return };
    let longer = |b: u8| matches!(b, b'-');
    if word_before(text, start)
        || word_after(text, end)
        || longer(at(text, end))
        || longer(before(text, start, 1))
        || bytes == [0; 16]
    {
        return;
    }
    cx.report(Recogniser::Uuid, start, end, Confidence::Rule, |out| {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        out.extend(bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]));
    });
}

/// A dictionary entry of `rule`.
pub(super) fn entry(cx: &mut Cx<'_>, rule: u16, start: usize, end: usize) {
    let text = cx.text;
    if word_before(text, start) || word_after(text, end) {
        return;
    }
    let engine = cx.engine;
    let compiled = &engine.rules[usize::from(rule)];
    let distance = cx.distance(rule, start, end);
    let value = &text[start..end];
    if (compiled.required && distance.is_none()) || compiled.validator.is_some_and(|valid| !valid(value)) {
        return;
    }
    let mut form = std::mem::take(cx.form);
    if standard::write(compiled.kind, value, false, &mut form) {
        cx.push(rule, start, end, Confidence::Rule, distance, |out| out.extend_from_slice(&form));
    }
    *cx.form = form;
}

const LONGEST: usize = 4096;
