//! E-mail addresses around an `@`, as people and programs write them.
//!
//! From the `@` outwards: a local part of what stands unquoted in practice, or a quoted string; a domain of labels.
//! Escapes count as what they stand for: `%40` and `\u0040` are an `@`, `%2B` a plus, and the `n` of a `\n` before
//! an address is no letter of it.

use super::cx::Confidence;
use super::near::{at, before, word_before};
use super::{Cx, Recogniser, named};
use crate::validate::{email, net};

/// The width of an escaped `@` at `i`: `%40`, `\u0040`, `&#64;`, `&#x40;`, `&commat;`, or with the `%` escaped again.
#[inline]
pub(super) fn escaped_at(text: &[u8], i: usize) -> Option<usize> {
    const FORMS: [&[u8]; 7] = [b"%40", b"%2540", br"\u0040", br"\x40", b"&#64;", b"&#x40;", b"&commat;"];
    let second = at(text, i + 1);
    if !matches!(second, b'4' | b'2' | b'u' | b'x' | b'#' | b'c') {
        return None;
    }
    FORMS.iter().find(|form| text[i..].starts_with(form)).map(|form| form.len())
}

/// Looks at the address around an `@` at `i` that is `width` bytes wide.
pub(super) fn around(cx: &mut Cx<'_>, i: usize, width: usize) {
    let text = cx.text;
    let Some(end) = domain_end(text, i + width) else { return };
    let start = if before(text, i, 1) == b'"' { quoted_start(text, i) } else { local_start(text, i, width > 1) };
    let Some(start) = start.filter(|start| !is_user_information(text, *start)) else { return };
    let mut shown = false;
    let mut form = std::mem::take(cx.form);
    form.clear();
    decode(&text[start..i], &mut form);
    let local = form.len();
    form.push(b'@');
    decode(&text[i + width..end], &mut form);
    // `git@github.com` is where a program fetches from.
    let service =
        &form[..local] == b"git" && CODE_HOSTS.iter().any(|host| host.eq_ignore_ascii_case(&form[local + 1..]));
    if !service && email::local_part(&form[..local]) && email::domain(&form[local + 1..]) {
        if !crate::standard::write(crate::Type::Email, &form.clone(), false, &mut form) {
            form.make_ascii_lowercase();
        }
        cx.report(Recogniser::Email, start, end, Confidence::Rule, |out| out.extend_from_slice(&form));
        shown = true;
    }
    *cx.form = form;
    if shown {
        named::before_address(cx, start, i);
    }
}

/// Whether what begins at `start` is the password in `scheme://user:password@host`, which is no mailbox.
fn is_user_information(text: &[u8], start: usize) -> bool {
    if before(text, start, 1) != b':' {
        return false;
    }
    let user = text[..start - 1].iter().rev().take(64).take_while(|b| b.is_ascii_alphanumeric() || b"._-%".contains(b));
    text[..start - 1 - user.count()].ends_with(b"://")
}

/// Where an unquoted local part that ends at `end` begins. `encoded` says that its surroundings are percent-encoded.
fn local_start(text: &[u8], end: usize, encoded: bool) -> Option<usize> {
    let mut i = end;
    while i > 0 && end - i < LONGEST_LOCAL {
        let byte = text[i - 1];
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'+' => {}
            b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'\'' if i < end || matches!(byte, b'#' | b'~' | b'$') => {}
            0x80..=0xff => match character_before(text, i) {
                Some(width) => {
                    i -= width;
                    continue;
                }
                None => break,
            },
            _ => break,
        }
        // The two digits of an escape are no part of it, unless the escape stands for one.
        if i >= 3 && text[i - 3] == b'%' && is_hex(text[i - 2]) && is_hex(byte) {
            match percent(text, i - 3) {
                Some(b'+' | b'.' | b'_' | b'-') => {
                    i -= 3;
                    continue;
                }
                Some(c) if encoded && c.is_ascii_alphanumeric() => {
                    i -= 3;
                    continue;
                }
                Some(_) => break,
                None => {}
            }
        }
        i -= 1;
    }
    i += escape_width(text, i, end);
    // What opens or sets off an address is no part of it.
    i += text[i..end]
        .iter()
        .take_while(|b| matches!(b, b'.' | b'\'' | b'*' | b'~' | b'!' | b'^' | b'-' | b'#' | b'$'))
        .count();
    let known_length = end - i;
    (1..=LONGEST_LOCAL).contains(&known_length).then_some(i)
}

/// How many bytes at `i` belong to an escape that begins just before: the `n` of `\n`, the `u000a` of `\u000a`.
fn escape_width(text: &[u8], i: usize, end: usize) -> usize {
    if before(text, i, 1) != b'\\' {
        return 0;
    }
    match text.get(i) {
        Some(b'u') if i + 5 <= end && text[i + 1..i + 5].iter().all(|b| is_hex(*b)) => 5,
        Some(b'x') if i + 3 <= end && text[i + 1..i + 3].iter().all(|b| is_hex(*b)) => 3,
        Some(b'n' | b't' | b'r' | b'b' | b'f' | b'v' | b'0') if i + 1 < end => 1,
        _ => 0,
    }
}

/// Where a quoted local part whose closing quote is just before `end` begins.
fn quoted_start(text: &[u8], end: usize) -> Option<usize> {
    let inner_end = end - 1;
    // In JSON text the quotes themselves are escaped.
    let inner_end = if before(text, inner_end, 1) == b'\\' { inner_end - 1 } else { inner_end };
    let from = inner_end.saturating_sub(LONGEST_LOCAL);
    let opening = from + memchr::memrchr(b'"', &text[from..inner_end])?;
    let quoted = opening + 1 < inner_end && !text[opening + 1..inner_end].contains(&b'\n');
    (quoted && !word_before(text, opening)).then_some(opening)
}

/// Where the domain that begins at `start` ends: labels of letters, digits and inner hyphens.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let mut i = start;
    let mut end = start;
    let mut label_has_letter = false;
    while i < text.len() && i - start < LONGEST_DOMAIN {
        match text[i] {
            b'a'..=b'z' | b'A'..=b'Z' => label_has_letter = true,
            b'0'..=b'9' => {}
            b'-' => {
                i += 1;
                continue;
            }
            b'.' => {
                if i != end || i == start {
                    break;
                }
                label_has_letter = false;
                i += 1;
                continue;
            }
            0x80..=0xff => match character_at(text, i) {
                Some(width) => {
                    label_has_letter = true;
                    i += width;
                    end = i;
                    continue;
                }
                None => break,
            },
            _ => break,
        }
        i += 1;
        end = i;
    }
    // A last label of digits is no top level: `user@10.0.0.1` is no address we know.
    (label_has_letter || text[start..end].iter().any(u8::is_ascii_alphabetic)).then_some(())?;
    trim_to_name(text, start, end)
}

/// Cuts labels off the end that cannot be a top-level domain: in `a@b.com.2` the address is `a@b.com`.
fn trim_to_name(text: &[u8], start: usize, mut end: usize) -> Option<usize> {
    loop {
        let dot = memchr::memrchr(b'.', &text[start..end])?;
        let top = &text[start + dot + 1..end];
        let punycode = top.len() > 4 && top[..4].eq_ignore_ascii_case(b"xn--");
        if top.len() >= 2 && (punycode || top.iter().all(|b| b.is_ascii_alphabetic() || *b >= 0x80)) {
            return Some(end);
        }
        end = start + dot;
    }
}

/// Writes bytes with their percent escapes and JSON's resolved.
fn decode(bytes: &[u8], out: &mut Vec<u8>) {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%'
            && let Some(byte) = percent(bytes, i)
        {
            out.push(byte);
            i += 3;
        } else if bytes[i] == b'\\' {
            i += 1;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
}

fn percent(text: &[u8], i: usize) -> Option<u8> {
    Some(net::hex(*text.get(i + 1)?)? << 4 | net::hex(*text.get(i + 2)?)?)
}

/// The width of the letter beyond ASCII that ends at `i`; `None` if it is none.
fn character_before(text: &[u8], i: usize) -> Option<usize> {
    let width = (1..=4.min(i)).find(|n| text[i - n] & 0xc0 != 0x80)?;
    letter(&text[i - width..i])
}

/// The width of the letter beyond ASCII at `i`; `None` if it is none.
fn character_at(text: &[u8], i: usize) -> Option<usize> {
    let width = match text[i] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    letter(text.get(i..i + width)?)
}

fn letter(bytes: &[u8]) -> Option<usize> {
    let character = std::str::from_utf8(bytes).ok()?.chars().next()?;
    let mark = matches!(character as u32, 0x300..=0x36f | 0x900..=0xdff | 0xe31..=0xe4e);
    (character.is_alphanumeric() || mark).then_some(bytes.len())
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// Where code is kept, and `git` is everybody's account.
const CODE_HOSTS: [&[u8]; 6] =
    [b"github.com", b"gitlab.com", b"bitbucket.org", b"codeberg.org", b"git.sr.ht", b"ssh.dev.azure.com"];
/// RFC 5321 §4.5.3.1.1, with room for escapes.
const LONGEST_LOCAL: usize = 96;
/// RFC 5321 §4.5.3.1.2.
const LONGEST_DOMAIN: usize = 255;
