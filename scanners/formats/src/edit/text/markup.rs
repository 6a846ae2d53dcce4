//! XML and HTML: text and attributes escaped, CDATA as it is; elements with their line where nothing else stands on it.

use std::ops::Range;

use residuum_source::{Refusal, RefusalKind};

use super::{one_line, stretches};
use crate::edit::page::{MARGIN, Page};
use crate::edit::splice::{TextSplice, can_encode};
use crate::edit::unsupported;
use crate::edit::wish::{Piece, Set};

/// Where in a document a value stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Text,
    Attribute,
    /// What may not hold this.
    Raw(&'static [u8]),
}

/// Replaces values of XML.
pub(super) fn xml(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let step = set.field.rsplit('.').next().unwrap_or_default();
    let place = match step {
        "#comment" => Place::Raw(b"--"),
        "#pi" => Place::Raw(b"?>"),
        "#doctype" => return in_declaration(set),
        "{key}" => return Err(unsupported("the name of an element or attribute is not replaced: change it by hand")),
        _ if step.ends_with('@') => {
            return Err(unsupported("it stands in a tag that is not well-formed: change it by hand"));
        }
        _ if step.contains('@') => Place::Attribute,
        _ => Place::Text,
    };
    let is_control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r');
    if set.stretches.iter().flat_map(|stretch| &stretch.new).any(|new| new.iter().any(is_control)) {
        return Err(unsupported("XML cannot hold a control character: replace it by a value without"));
    }
    replace(set, place, page)
}

/// Replaces values of HTML.
pub(super) fn html(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let field = &*set.field;
    let place = match field {
        "#comment" => Place::Raw(b"--"),
        "script" | "style" => Place::Raw(b"<"),
        "#doctype" => return in_declaration(set),
        _ => Place::Text,
    };
    // The value of a form's field is an attribute whose field has no `@`: what stands before it tells.
    let is_quoted = matches!(page.at(set.raw.start, -1), Some(b'"' | b'\''))
        && page.at(set.raw.start, -2).is_some_and(|b| b == b'=' || b.is_ascii_whitespace());
    match place {
        Place::Text if field.contains('@') && !is_quoted => stretches(set, |new| {
            let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@' | b'/' | b':');
            match !new.is_empty() && new.iter().all(is_plain) {
                true => Ok(new.to_vec()),
                false => {
                    Err(unsupported("the attribute has no quotes, which the new value needs: replace it by one word"))
                }
            }
        }),
        Place::Text if is_quoted => replace(set, Place::Attribute, page),
        place => replace(set, place, page),
    }
}

fn replace(set: &Set, place: Place, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let mut all = Vec::new();
    for stretch in &set.stretches {
        let at = stretch.pieces.first().map_or(set.raw.start, |piece| piece.start);
        let new = stretch.new.as_deref().unwrap_or_default();
        let written = match place {
            Place::Raw(never) => {
                let ends_so = !never.is_empty() && new.last() == never.first();
                if memchr::memmem::find(new, never).is_some() || ends_so {
                    let never = String::from_utf8_lossy(never);
                    return Err(unsupported(format!(
                        "`{never}` cannot be written there: replace it by a value without"
                    )));
                }
                new.to_vec()
            }
            Place::Text => match in_cdata(page, at) {
                Some(true) => sections(new),
                Some(false) => escaped(new, place, page),
                None if new.iter().any(|b| matches!(b, b'<' | b'&' | b'>')) => {
                    let reason = "whether it stands in a CDATA section is not in sight: replace it by a value without \
                                  `<`, `&` and `>`";
                    return Err(Refusal::new(RefusalKind::Limit, reason));
                }
                None => new.to_vec(),
            },
            Place::Attribute => escaped(new, place, page),
        };
        let mut pieces = stretch.pieces.iter();
        all.extend(pieces.next().map(|first| (first.clone(), written)));
        all.extend(pieces.map(|rest| (rest.clone(), Vec::new())));
    }
    Ok(all)
}

fn in_declaration(set: &Set) -> Result<Vec<TextSplice>, Refusal> {
    stretches(set, |new| match new.iter().any(|b| matches!(b, b'<' | b'>' | b'"' | b'\'' | b'%' | b'&')) {
        true => Err(unsupported("markup cannot be written into a document type: replace it by a value without")),
        false => one_line(new),
    })
}

/// Whether a place is within a CDATA section, if that is in sight.
fn in_cdata(page: &Page, at: u64) -> Option<bool> {
    let most = (MARGIN / page.unit()) as usize;
    let before = page.before(at, most);
    let begins = memchr::memmem::rfind(&before, b"<![CDATA[");
    let ends = memchr::memmem::rfind(&before, b"]]>");
    match (begins, ends) {
        (Some(begins), ends) => Some(ends.is_none_or(|ends| ends < begins)),
        (None, Some(_)) => Some(false),
        (None, None) => (before.len() < most).then_some(false),
    }
}

/// Text in a CDATA section: the mark of its end is cut in two.
fn sections(new: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(new);
    match text.contains("]]>") {
        true => text.replace("]]>", "]]]]><![CDATA[>").into_bytes(),
        false => new.to_vec(),
    }
}

fn escaped(new: &[u8], place: Place, page: &Page) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for chunk in new.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut utf8 = [0; 4];
            let text = c.encode_utf8(&mut utf8);
            // A document of nothing but ASCII may declare any encoding: a reference is right in all.
            let is_sure = page.is_told && can_encode(text, page.encoding);
            match (c, place) {
                ('<', _) => written.extend(b"&lt;"),
                ('&', _) => written.extend(b"&amp;"),
                ('>', _) => written.extend(b"&gt;"),
                ('"', Place::Attribute) => written.extend(b"&quot;"),
                ('\'', Place::Attribute) => written.extend(b"&#39;"),
                ('\r', _) | ('\n' | '\t', Place::Attribute) => {
                    written.extend(format!("&#{};", u32::from(c)).bytes());
                }
                _ if !c.is_ascii() && !is_sure => written.extend(format!("&#{};", u32::from(c)).bytes()),
                _ => written.extend(text.bytes()),
            }
        }
        written.extend(chunk.invalid());
    }
    written
}

/// Takes elements out, with the lines on which nothing else stands.
pub(super) fn cut<'p>(pieces: impl Iterator<Item = &'p Piece>, page: &Page) -> Vec<Range<u64>> {
    let (unit, most) = (page.unit(), (MARGIN / page.unit()) as usize);
    let blank = |b: &&u8| matches!(b, b' ' | b'\t');
    let whole = |piece: &Piece| {
        let Range { start, end } = piece.bytes;
        let (before, after) = (page.before(start, most), page.after(end, most));
        let indent = before.iter().rev().take_while(blank).count();
        let spaces = after.iter().take_while(blank).count();
        let begins = before.len() == indent || before[before.len() - indent - 1] == b'\n';
        let line_end = match &after[spaces..] {
            [b'\r', b'\n', ..] => Some(2),
            [b'\n', ..] => Some(1),
            _ => None,
        };
        match line_end {
            Some(len) if begins => start - indent as u64 * unit..end + (spaces as u64 + len) * unit,
            _ => start..end,
        }
    };
    pieces.map(whole).collect()
}
