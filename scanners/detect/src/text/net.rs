//! What a colon gives away: web addresses, IPv6, hardware addresses.

use std::io::Write as _;

use super::cx::Confidence;
use super::near::{at, before, word_after, word_before};
use super::{Cx, Recogniser};
use crate::validate::{net, plausible};
use crate::{Type, standard};

/// Looks at what stands around a colon at `i`.
pub(super) fn colon(cx: &mut Cx<'_>, i: usize) {
    if at(cx.text, i + 1) == b'/' {
        if at(cx.text, i + 2) == b'/' {
            password(cx, i);
            url(cx, i);
        }
        return;
    }
    if !is_clock(cx.text, i) {
        ipv6(cx, i);
    }
}

/// Whether the colon at `i` is the first of a time of day, `13:55:36`, and of nothing longer.
#[inline]
fn is_clock(text: &[u8], i: usize) -> bool {
    let Some(window) = i.checked_sub(2).and_then(|start| text.get(start..start + 8)) else { return false };
    let digits = [0, 1, 3, 4, 6, 7].iter().all(|n| window[*n].is_ascii_digit());
    digits && window[5] == b':' && !matches!(at(text, i + 6), b':' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
}

/// `www.…`, of which `www` stands from `start` to `end`.
pub(super) fn web(cx: &mut Cx<'_>, start: usize, end: usize) {
    let text = cx.text;
    if at(text, end) == b'.'
        && word_after(text, end + 1)
        && !word_before(text, start)
        && !matches!(before(text, start, 1), b'/' | b'@' | b'.' | b'-')
    {
        finish_url(cx, start, start);
    }
}

/// The password in `scheme://user:password@host`, of which `://` begins at `i`.
fn password(cx: &mut Cx<'_>, i: usize) {
    let text = cx.text;
    let authority = &text[i + 3..text.len().min(i + 3 + LONGEST_USER)];
    let authority = &authority[..authority.iter().position(|b| ENDS_AUTHORITY[usize::from(*b)]).unwrap_or(0)];
    if text.get(i + 3 + authority.len()) != Some(&b'@') || !before(text, i, 1).is_ascii_alphanumeric() {
        return;
    }
    let Some(colon) = memchr::memchr(b':', authority) else { return };
    let value = &authority[colon + 1..];
    if value.len() >= 3 && plausible::written_secret(value) {
        let (start, end) = (i + 4 + colon, i + 3 + authority.len());
        cx.report(Recogniser::UrlPassword, start, end, Confidence::Rule, |out| out.extend_from_slice(value));
    }
}

/// `https://…` from the colon at `i` to where the address ends.
fn url(cx: &mut Cx<'_>, i: usize) {
    if !cx.engine.wants(Recogniser::Url) {
        return;
    }
    let text = cx.text;
    let letters = text[..i].iter().rev().take(6).take_while(|b| b.is_ascii_alphabetic()).count();
    let scheme = (3..=5.min(letters)).rev().find(|n| {
        let scheme = &text[i - n..i];
        [&b"http"[..], b"https", b"ftp", b"ftps"].iter().any(|s| s.eq_ignore_ascii_case(scheme))
    });
    let Some(scheme) = scheme else { return };
    finish_url(cx, i - scheme, i + 3);
}

/// Reports the address that begins at `start`, of which the host begins at `host`.
fn finish_url(cx: &mut Cx<'_>, start: usize, host: usize) {
    let text = cx.text;
    let stretch = &text[host..text.len().min(host + LONGEST_URL)];
    let mut end = host + stretch.iter().position(|b| ENDS_URL[usize::from(*b)]).unwrap_or(stretch.len());
    // Punctuation at the end belongs to the sentence, a bracket to whatever opened it before the address.
    while end > host {
        let inner = &text[start..end];
        let opened = |open: u8, close: u8| {
            inner.iter().filter(|b| **b == open).count() >= inner.iter().filter(|b| **b == close).count()
        };
        match text[end - 1] {
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' | b'_' => end -= 1,
            b')' if !opened(b'(', b')') => end -= 1,
            b']' if !opened(b'[', b']') => end -= 1,
            b'}' if !opened(b'{', b'}') => end -= 1,
            _ => break,
        }
    }
    let mut form = std::mem::take(cx.form);
    let with_scheme;
    let mut address = &text[start..end];
    if start == host {
        with_scheme = [b"http://", address].concat();
        address = &with_scheme;
    }
    if standard::write(Type::Url, address, false, &mut form) {
        cx.report(Recogniser::Url, start, end, Confidence::Rule, |out| out.extend_from_slice(&form));
    }
    *cx.form = form;
}

/// An IPv6 address that holds the colon at `i`, the first of its token or nearly.
fn ipv6(cx: &mut Cx<'_>, i: usize) {
    if !cx.engine.wants(Recogniser::Ipv6) {
        return;
    }
    let text = cx.text;
    // The whole token of hexadecimal digits, colons and full stops around the colon.
    let of_address = |b: &&u8| OF_IPV6[usize::from(**b)];
    let right = text[i..].iter().take(LONGEST_IPV6).take_while(of_address).count();
    let left = text[..i].iter().rev().take(LONGEST_IPV6).take_while(of_address).count();
    let (mut start, mut end) = (i - left, i + right);
    // A time of day has two colons; an address has six and more, or two together.
    let (mut colons, mut double) = (0, false);
    for (here, b) in text[start..end].iter().enumerate() {
        let colon = *b == b':';
        colons += usize::from(colon);
        double |= colon && here > 0 && text[start + here - 1] == b':';
    }
    if colons < 6 && !double {
        return;
    }
    let key = text[start..i].iter().take_while(|b| b.is_ascii_alphabetic()).count();
    if key > 0 && start + key == i && left == key && (word_before(text, start) || key > 4) {
        // `addr:2001:db8::1`: the name before the colon is no part of the address.
        start = i + 1;
    }
    if let [b':', next, ..] = &text[start..end]
        && *next != b':'
    {
        start += 1;
    }
    while end > start && (text[end - 1] == b'.' || text[end - 1] == b':' && before(text, end, 2) != b':') {
        end -= 1;
    }
    let inside = &text[start..end];
    let beside = before(text, start, 1);
    let joined = word_before(text, start) || matches!(beside, b'.' | b'-') && word_before(text, start - 1);
    if joined || word_after(text, end) {
        return;
    }
    let Some(address) = net::ipv6(inside) else { return };
    // `a::b` is a name in a program, and so may be `::` without neighbours of a value.
    let alone = inside.len() == 2;
    let has_digit = inside.iter().any(u8::is_ascii_digit);
    if (alone && !standing_alone(text, start, end)) || (!alone && !has_digit && colons < 4) {
        return;
    }
    let sure = if net::personal_v6(address) { Confidence::Rule } else { Confidence::Less };
    let zone = if at(text, end) == b'%' {
        text[end + 1..].iter().take(16).take_while(|b| b.is_ascii_alphanumeric()).count()
    } else {
        0
    };
    let full_end = if zone > 0 { end + 1 + zone } else { end };
    cx.report(Recogniser::Ipv6, start, full_end, sure, |out| {
        let written = write!(out, "{address}");
        debug_assert!(written.is_ok(), "a vector takes what is written to it");
    });
}

fn standing_alone(text: &[u8], start: usize, end: usize) -> bool {
    let open = |b: u8| matches!(b, 0 | b' ' | b'\t' | b'\n' | b'=' | b'"' | b'\'' | b'[' | b'(' | b',');
    let close = |b: u8| matches!(b, 0 | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b']' | b')' | b',' | b';' | b'/');
    open(before(text, start, 1)) && close(at(text, end))
}

/// A hardware address whose first separator is at `i`.
pub(super) fn mac(cx: &mut Cx<'_>, i: usize) {
    let text = cx.text;
    let Some(start) = i.checked_sub(2) else { return };
    let end = start + 17;
    let Some(address) = text.get(start..end).and_then(net::mac) else { return };
    let separator = text[i];
    let longer = |b: u8, next: u8| b == separator && next.is_ascii_hexdigit();
    if word_before(text, start)
        || word_after(text, end)
        || longer(at(text, end), at(text, end + 1))
        || longer(before(text, start, 1), before(text, start, 2))
        || address == [0; 6]
        || address == [0xff; 6]
    {
        return;
    }
    cx.report(Recogniser::Mac, start, end, Confidence::Rule, |out| {
        for byte in address {
            let written = write!(out, "{byte:02x}");
            debug_assert!(written.is_ok(), "a vector takes what is written to it");
        }
    });
}

/// Bytes that an IPv6 address is written with.
static OF_IPV6: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_hexdigit() || matches!(byte as u8, b':' | b'.');
        byte += 1;
    }
    table
};
/// Bytes that no web address holds as they are.
static ENDS_URL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let control = byte <= b' ' as usize || byte == 0x7f;
        table[byte] = control || matches!(byte as u8, b'"' | b'<' | b'>' | b'\\' | b'`' | b'|' | b'^');
        byte += 1;
    }
    table
};
/// Bytes that end the user information of an address, `@` among them.
static ENDS_AUTHORITY: [bool; 256] = {
    let mut table = ENDS_URL;
    table[b'@' as usize] = true;
    table[b'/' as usize] = true;
    table[b'\'' as usize] = true;
    table
};
/// Longest user and password in an address.
const LONGEST_USER: usize = 128;
const LONGEST_URL: usize = 2048;
const LONGEST_IPV6: usize = 46;
