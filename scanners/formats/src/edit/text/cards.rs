//! Properties of vCard and iCalendar (RFC 6350, RFC 5545).

use residuum_source::Refusal;

use super::{one_line, stretches};
use crate::edit::page::{MARGIN, Page};
use crate::edit::splice::TextSplice;
use crate::edit::unsupported;
use crate::edit::wish::Set;

/// Properties whose value has components, which `;` separates.
const STRUCTURED: [&str; 5] = ["N", "ADR", "ORG", "GENDER", "CLIENTPIDMAP"];

pub(super) fn value(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let step = set.field.rsplit('.').next().unwrap_or_default();
    if set.field.is_empty() {
        return stretches(set, one_line);
    }
    if step.contains('@') {
        let is_quoted = page.at(set.raw.start, -1) == Some(b'"');
        return stretches(set, |new| {
            let needs = new.iter().any(|b| matches!(b, b',' | b';' | b':'));
            if new.contains(&b'"') || (needs && !is_quoted) {
                return Err(unsupported(
                    "a parameter takes no quotes, nor `,`, `;` and `:` without: replace it by a value without",
                ));
            }
            one_line(new)
        });
    }
    let is_whole_structure = STRUCTURED.contains(&step);
    if is_quoted_printable(page, set.raw.start) {
        return stretches(set, |new| Ok(new.iter().flat_map(|&b| quoted_printable(b, is_whole_structure)).collect()));
    }
    stretches(set, |new| {
        let mut written = Vec::with_capacity(new.len());
        for &b in new {
            match b {
                b'\n' => written.extend(b"\\n"),
                b'\r' => {}
                b';' if is_whole_structure => written.push(b),
                b'\\' | b',' | b';' => written.extend([b'\\', b]),
                _ => written.push(b),
            }
        }
        Ok(written)
    })
}

fn quoted_printable(b: u8, is_whole_structure: bool) -> Vec<u8> {
    let is_plain = (b.is_ascii_graphic() || b == b' ') && b != b'=' && (b != b';' || is_whole_structure);
    if is_plain { vec![b] } else { format!("={b:02X}").into_bytes() }
}

/// Whether the property that a value belongs to says so (vCard 2.1).
fn is_quoted_printable(page: &Page, start: u64) -> bool {
    let before = page.before(start, (MARGIN / page.unit()) as usize);
    let mut from = before.len();
    // Back over the lines it is folded into, to the name.
    while let Some(feed) = before[..from].iter().rposition(|&b| b == b'\n') {
        let line = &before[feed + 1..];
        let is_folded = matches!(line.first(), Some(b' ' | b'\t')) || before[..feed].trim_ascii_end().ends_with(b"=");
        from = feed;
        if !is_folded {
            from = feed + 1;
            break;
        }
    }
    let head = &before[from.min(before.len())..];
    let head = &head[..head.iter().position(|&b| b == b':').unwrap_or(head.len())];
    memchr::memmem::find(&head.to_ascii_uppercase(), b"QUOTED-PRINTABLE").is_some()
}
