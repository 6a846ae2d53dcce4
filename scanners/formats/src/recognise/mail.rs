//! Whether a text is mail: a message, or a box of messages.

use crate::mail::{begins_message, name_of};

/// Headers that mail has, and those of them that little else has.
const KNOWN: [&str; 16] = [
    "from",
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "delivered-to",
    "x-original-to",
    "dkim-signature",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "reply-to",
    "sender",
    "content-type",
];
const OWN: usize = 8;
/// Lines of headers that are looked at.
const LINES: usize = 400;

/// Whether a text that begins so is mail; then, whether it is a box of messages.
pub(crate) fn mail(head: &[u8], name: &[u8]) -> Option<bool> {
    let first = head.split(|&b| b == b'\n').next().unwrap_or_default();
    if begins_message(first) {
        return is_message(&head[(first.len() + 1).min(head.len())..], 2).then_some(true);
    }
    let named = matches!(super::suffix(name).as_str(), "eml" | "emlx" | "mht" | "mhtml");
    is_message(head, if named { 1 } else { 3 }).then_some(false)
}

/// Whether a text begins with headers, so many of them known to mail.
fn is_message(head: &[u8], least: usize) -> bool {
    let mut known = [false; KNOWN.len()];
    for line in head.split(|&b| b == b'\n').take(LINES) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if matches!(line[0], b' ' | b'\t') || line.starts_with(b">From ") {
            continue;
        }
        let Some(name) = name_of(line) else {
            return false;
        };
        if let Some(at) = KNOWN.iter().position(|header| name.eq_ignore_ascii_case(header.as_bytes())) {
            known[at] = true;
        }
    }
    known.iter().filter(|known| **known).count() >= least && known[..OWN].contains(&true)
}
