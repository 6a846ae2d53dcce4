//! Whether a text is XML or a page, and which encoding it says it is in.

use memchr::memmem;

use crate::Encoding;
use crate::markup::{begins_name, in_name};

/// A kind of markup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Xml,
    Html,
}

/// Elements that pages are made of and XML rarely has at its top.
const HTML: [&str; 31] = [
    "html", "head", "body", "title", "meta", "link", "script", "style", "div", "span", "p", "table", "tr", "td", "ul",
    "ol", "dl", "h1", "h2", "h3", "h4", "br", "hr", "img", "form", "input", "center", "font", "section", "nav",
    "button",
];

/// The kind of a text that begins so.
pub(super) fn kind(head: &[u8], suffix: &str) -> Option<Kind> {
    let text = head.trim_ascii_start();
    if text.first() != Some(&b'<') {
        return None;
    }
    let declared = super::starts_like(text, b"<?xml");
    let first = after_prolog(text);
    let doctype = super::starts_like(first, b"<!doctype ");
    if super::starts_like(first, b"<!doctype html") {
        return Some(Kind::Html);
    }
    let name = first.get(1..).filter(|rest| rest.first().is_some_and(|b| begins_name(*b))).unwrap_or_default();
    let name = &name[..name.iter().take(16).take_while(|b| in_name(**b)).count()];
    let is_html = HTML.iter().any(|tag| name.eq_ignore_ascii_case(tag.as_bytes()));
    match suffix {
        _ if name.eq_ignore_ascii_case(b"html") => Some(Kind::Html),
        "html" | "htm" | "xhtml" if !name.is_empty() || doctype => Some(Kind::Html),
        _ if declared || doctype => Some(Kind::Xml),
        "xml" | "xsd" | "xsl" | "xslt" | "svg" | "rss" | "atom" | "kml" | "gpx" | "wsdl" if !name.is_empty() => {
            Some(Kind::Xml)
        }
        _ if is_html && closes(first, name) => Some(Kind::Html),
        _ if !name.is_empty() && crate::xml::looks_like_xml(first) => Some(Kind::Xml),
        _ => None,
    }
}

/// The encoding a text declares, if it is one that has to be declared.
pub(crate) fn declared(head: &[u8]) -> Option<Encoding> {
    let text = head.trim_ascii_start();
    if text.first() != Some(&b'<') {
        return None;
    }
    let text = &text[..text.len().min(2048)];
    let lower = text.to_ascii_lowercase();
    let xml = lower.starts_with(b"<?xml").then(|| &lower[..memmem::find(&lower, b"?>").unwrap_or(0)]);
    let in_xml = xml.and_then(|xml| memmem::find(xml, b"encoding").map(|at| at + 8));
    let in_meta = || {
        memmem::find(&lower, b"<meta").and_then(|meta| memmem::find(&lower[meta..], b"charset").map(|at| meta + at + 7))
    };
    let value = lower[in_xml.or_else(in_meta)?..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let len = value.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.')).count();
    Encoding::labelled(&value[..len])
}

/// The text after declarations, comments and white space, at a document type or the first tag.
fn after_prolog(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        let (begin, end): (&[u8], &[u8]) = if rest.starts_with(b"<?") { (b"<?", b"?>") } else { (b"<!--", b"-->") };
        if !rest.starts_with(begin) {
            return rest;
        }
        match memmem::find(rest, end) {
            Some(at) => rest = &rest[at + end.len()..],
            None => return &[],
        }
    }
}

/// Whether an element of this name ends somewhere, or needs no end.
fn closes(text: &[u8], name: &[u8]) -> bool {
    let end = [b"</", name].concat();
    let void: [&[u8]; 6] = [b"meta", b"link", b"br", b"hr", b"img", b"input"];
    memmem::find(text, &end).is_some() || void.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}
