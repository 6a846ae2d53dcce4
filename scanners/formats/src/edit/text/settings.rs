//! Values of TOML, INI, `.env` and properties.

use residuum_source::Refusal;

use super::yaml::double_quoted;
use super::{is_number, one_line, stretches};
use crate::edit::page::Page;
use crate::edit::splice::{TextSplice, can_encode};
use crate::edit::unsupported;
use crate::edit::wish::Set;
use crate::settings::Kind;

pub(super) fn value(set: &Set, kind: Kind, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    if set.field.is_empty() || set.field.starts_with('#') || set.field.ends_with("{key}") {
        return stretches(set, |new| match set.field.ends_with("{key}") && !is_name(new) {
            true => Err(unsupported("a key is a word: replace it by letters and digits")),
            false => one_line(new),
        });
    }
    match kind {
        Kind::Toml => toml(set, page),
        // A value of several lines is put on one.
        Kind::Properties if set.stretches.iter().any(|stretch| stretch.pieces.len() > 1) => {
            let whole = set.new_text().ok_or_else(|| unsupported("the value is longer than one batch"))?;
            Ok(vec![(set.raw.clone(), property(&whole, true, page))])
        }
        Kind::Properties => {
            let begins = set.stretches.first().is_some_and(|stretch| stretch.at.start == 0);
            stretches(set, |new| Ok(property(new, begins, page)))
        }
        Kind::Ini => match page.at(set.raw.start, -1) {
            Some(b'"') if page.at(set.raw.end, 0) == Some(b'"') => stretches(set, |new| Ok(double_quoted(new))),
            _ => stretches(set, |new| match new.trim_ascii().len() == new.len() {
                true => one_line(new),
                false => Err(unsupported("spaces around a value are lost there: replace it by a value without")),
            }),
        },
    }
}

fn is_name(new: &[u8]) -> bool {
    !new.is_empty() && new.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn toml(set: &Set, page: &Page) -> Result<Vec<TextSplice>, Refusal> {
    let (start, end, unit) = (set.raw.start, set.raw.end, page.unit());
    let quote = page.at(start, -1);
    let is_long = quote.is_some() && page.at(start, -2) == quote && page.at(start, -3) == quote;
    let whole = || set.new_text().ok_or_else(|| unsupported("the value is longer than one batch"));
    match quote {
        Some(b'"') => stretches(set, |new| Ok(double_quoted(new))),
        Some(b'\'') => {
            let fits = |new: &Vec<u8>| !new.iter().any(|b| *b == b'\'' || (*b < b' ' && *b != b'\t'));
            if set.stretches.iter().flat_map(|stretch| &stretch.new).all(fits) {
                return stretches(set, |new| Ok(new.to_vec()));
            }
            if is_long {
                return Err(unsupported(
                    "a string between three quotes takes no quotes or line breaks: replace it by a value without",
                ));
            }
            let written = [b"\"", double_quoted(&whole()?).as_slice(), b"\""].concat();
            Ok(vec![(start - unit..end + unit, written)])
        }
        _ => {
            let new = whole()?;
            let written = if is_number(&new) { new } else { [b"\"", double_quoted(&new).as_slice(), b"\""].concat() };
            Ok(vec![(start..end, written)])
        }
    }
}

/// A value of Java's properties.
fn property(new: &[u8], begins: bool, page: &Page) -> Vec<u8> {
    let mut written = Vec::with_capacity(new.len());
    for (i, c) in String::from_utf8_lossy(new).chars().enumerate() {
        let mut utf8 = [0; 4];
        let text = c.encode_utf8(&mut utf8);
        match c {
            '\\' => written.extend(b"\\\\"),
            '\n' => written.extend(b"\\n"),
            '\r' => written.extend(b"\\r"),
            '\t' => written.extend(b"\\t"),
            ' ' if i == 0 && begins => written.extend(b"\\u0020"),
            _ if !page.is_told && !c.is_ascii() || !can_encode(text, page.encoding) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    written.extend(format!("\\u{unit:04x}").bytes());
                }
            }
            _ => written.extend(text.bytes()),
        }
    }
    written
}
