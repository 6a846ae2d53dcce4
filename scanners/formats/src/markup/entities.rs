//! References to characters: `&amp;`, `&#233;`, `&#xe9;`, and the names that HTML has for others.
//!
//! `entities.txt` is the table of the HTML standard, 13.5 "Named character references", in the form Python's
//! `html.entities.html5` gives it: a name, `*` if it may stand without a semicolon, the characters in hexadecimal.
//! Names that a document declares itself are left as they stand, so that none can expand into a bomb.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Whose rules apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// References end with a semicolon. The names of HTML are known, too: pages are kept as XML.
    Xml,
    /// Text of HTML: old names may stand without a semicolon.
    HtmlText,
    /// Attributes of HTML: there what looks like a parameter of an address is none.
    HtmlAttribute,
}

/// What a reference stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reference {
    /// The character, or the first of two.
    pub first: char,
    pub second: Option<char>,
    /// Bytes of the reference, from `&` on.
    pub len: usize,
}

/// The longest reference that is understood.
const LONGEST: usize = 36;

static NAMED: LazyLock<HashMap<&'static [u8], Named>> = LazyLock::new(|| {
    let lines = include_str!("entities.txt").lines();
    let named = lines.filter_map(|line| {
        let (name, codes) = line.split_once(' ')?;
        let mut codes = codes.split(' ').filter_map(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        let named = Named { first: codes.next()?, second: codes.next(), bare: name.ends_with('*') };
        Some((name.trim_end_matches('*').as_bytes(), named))
    });
    named.collect()
});

struct Named {
    first: char,
    second: Option<char>,
    /// It may stand without a semicolon.
    bare: bool,
}

/// The reference that a text begins with, which begins with `&`.
pub(crate) fn reference(text: &[u8], dialect: Dialect) -> Option<Reference> {
    let text = &text[..text.len().min(LONGEST)];
    match text.get(1)? {
        b'#' => numeric(text, dialect),
        _ => named(text, dialect),
    }
}

fn numeric(text: &[u8], dialect: Dialect) -> Option<Reference> {
    let (radix, from) = if matches!(text.get(2)?, b'x' | b'X') { (16, 3) } else { (10, 2) };
    let digits = text[from..].iter().take_while(|b| (**b as char).is_digit(radix)).count();
    let number = std::str::from_utf8(&text[from..from + digits]).ok()?;
    let ended = text.get(from + digits) == Some(&b';');
    if digits == 0 || (!ended && dialect == Dialect::Xml) {
        return None;
    }
    let code = u32::from_str_radix(number, radix).unwrap_or(u32::MAX);
    let first = match code {
        0x80..=0x9f if dialect != Dialect::Xml => crate::decode::windows_1252(code as u8),
        0 => char::REPLACEMENT_CHARACTER,
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Some(Reference { first, second: None, len: from + digits + usize::from(ended) })
}

fn named(text: &[u8], dialect: Dialect) -> Option<Reference> {
    let name = &text[1..1 + text[1..].iter().take_while(|b| b.is_ascii_alphanumeric()).count()];
    let known = |name: &[u8], ended: bool| {
        let named = NAMED.get(name).filter(|named| ended || named.bare)?;
        Some(Reference { first: named.first, second: named.second, len: 1 + name.len() + usize::from(ended) })
    };
    if text.get(1 + name.len()) == Some(&b';')
        && let Some(reference) = known(name, true)
    {
        return Some(reference);
    }
    match dialect {
        Dialect::Xml => None,
        Dialect::HtmlText => (1..=name.len()).rev().find_map(|len| known(&name[..len], false)),
        Dialect::HtmlAttribute if text.get(1 + name.len()) == Some(&b'=') => None,
        Dialect::HtmlAttribute => known(name, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_as_the_standards_say() {
        use Dialect::{HtmlAttribute, HtmlText, Xml};
        let cases = [
            ("&amp;x", Xml, Some(("&", 5))),
            ("&lt;", Xml, Some(("<", 4))),
            ("&#64;", Xml, Some(("@", 5))),
            ("&#x40;", Xml, Some(("@", 6))),
            ("&#x1F600;", Xml, Some(("😀", 9))),
            ("&#xD800;", Xml, Some(("\u{fffd}", 8))),
            ("&#99999999999;", Xml, Some(("\u{fffd}", 14))),
            ("&#64", Xml, None),
            ("&#64 ", HtmlText, Some(("@", 4))),
            ("&#128;", HtmlText, Some(("€", 6))),
            ("&eacute;", Xml, Some(("é", 8))),
            ("&lol9;", Xml, None),
            ("& b", Xml, None),
            ("&", HtmlText, None),
            ("&commat;", HtmlText, Some(("@", 8))),
            ("&copy2", HtmlText, Some(("©", 5))),
            ("&copy=2", HtmlAttribute, None),
            ("&copy;=2", HtmlAttribute, Some(("©", 6))),
            ("&notit;", HtmlText, Some(("¬", 4))),
            ("&NotEqualTilde;", HtmlText, Some(("≂̸", 15))),
        ];
        for (text, dialect, expected) in cases {
            let found = reference(text.as_bytes(), dialect);
            let found = found.map(|r| (String::from_iter([Some(r.first), r.second].into_iter().flatten()), r.len));
            assert_eq!(found, expected.map(|(text, len)| (text.to_owned(), len)), "{text}");
        }
    }
}
