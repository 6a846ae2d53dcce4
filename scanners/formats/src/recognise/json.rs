//! Whether a text is JSON, and whether it is one document or one value a line.

/// A JSON document or JSON Lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Document,
    Lines,
}

/// How far the first JSON value of a text goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Walk {
    /// It ends here.
    Ends(usize),
    /// It goes on after what we see; so many names and values were seen.
    Open(usize),
    /// This is not JSON, after so many names and values.
    Broken(usize),
}

/// Lines looked at where the first is not whole.
const LINES: usize = 20;

/// The kind of a text whose beginning is `head`, by structure; `suffix` decides where that leaves a choice.
pub(super) fn kind(head: &[u8], complete: bool, suffix: &str) -> Option<Kind> {
    let named_lines = matches!(suffix, "jsonl" | "ndjson" | "ldjson" | "jsonlines");
    let named = named_lines || matches!(suffix, "json" | "geojson" | "har" | "ipynb");
    let start = head.len() - head.trim_ascii_start().len();
    let text = &head[start..];
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return match text.first()? {
            _ if named_lines || most_lines_are_json(head, complete) => Some(Kind::Lines),
            b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if named => Some(Kind::Document),
            _ => None,
        };
    }
    match walk(text) {
        Walk::Ends(end) => {
            let rest = &text[end..];
            match rest.trim_ascii_start().first() {
                None if named_lines => Some(Kind::Lines),
                None => Some(Kind::Document),
                // Several values: one after the other.
                Some(b'{' | b'[') => Some(Kind::Lines),
                Some(_) if named_lines || most_lines_are_json(head, complete) => Some(Kind::Lines),
                Some(_) if named => Some(Kind::Document),
                Some(_) => None,
            }
        }
        Walk::Open(_) if named_lines => Some(Kind::Lines),
        Walk::Open(seen) => (named || seen > 0 || !complete).then_some(Kind::Document),
        Walk::Broken(_) if named_lines || most_lines_are_json(head, complete) => Some(Kind::Lines),
        Walk::Broken(seen) => (named || seen >= 8).then_some(Kind::Document),
    }
}

fn most_lines_are_json(head: &[u8], complete: bool) -> bool {
    let mut lines: Vec<&[u8]> = head.split(|&b| b == b'\n').take(LINES + 1).collect();
    if lines.len() > LINES || !complete {
        lines.pop(); // cut off, or more than asked for
    }
    let lines: Vec<_> = lines.into_iter().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    let whole = |line: &&&[u8]| line.first() == Some(&b'{') && walk(line) == Walk::Ends(line.len());
    lines.len() >= 2 && lines.iter().filter(whole).count() * 2 > lines.len()
}

/// Walks the first value by its grammar, without looking inside strings and numbers.
fn walk(text: &[u8]) -> Walk {
    #[derive(PartialEq)]
    enum Next {
        Value,
        ValueOrEnd,
        Name,
        NameOrEnd,
        Colon,
        CommaOrEnd,
    }
    let mut open: Vec<u8> = Vec::new();
    let (mut next, mut seen, mut i) = (Next::Value, 0, 0);
    while let Some(&b) = text.get(i) {
        if b.is_ascii_whitespace() {
            i += 1;
            continue;
        }
        let value_may_stand = matches!(next, Next::Value | Next::ValueOrEnd);
        match b {
            b'{' | b'[' if value_may_stand => {
                open.push(b);
                next = if b == b'{' { Next::NameOrEnd } else { Next::ValueOrEnd };
                i += 1;
            }
            b'}' | b']' => {
                let fits = match next {
                    Next::CommaOrEnd => open.last() == Some(&(b - 2)),
                    Next::NameOrEnd => b == b'}',
                    Next::ValueOrEnd => b == b']',
                    _ => false,
                };
                if !fits {
                    return Walk::Broken(seen);
                }
                open.pop();
                i += 1;
                next = Next::CommaOrEnd;
            }
            b'"' if value_may_stand || matches!(next, Next::Name | Next::NameOrEnd) => {
                let Some(len) = string(&text[i + 1..]) else {
                    return Walk::Open(seen);
                };
                i += len + 2;
                seen += 1;
                next = if value_may_stand { Next::CommaOrEnd } else { Next::Colon };
            }
            b':' if next == Next::Colon => {
                next = Next::Value;
                i += 1;
            }
            b',' if next == Next::CommaOrEnd && !open.is_empty() => {
                next = if open.last() == Some(&b'{') { Next::Name } else { Next::Value };
                i += 1;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if value_may_stand => {
                let len = text[i..].iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
                if i + len == text.len() {
                    return Walk::Open(seen);
                }
                if !scalar(&text[i..i + len]) {
                    return Walk::Broken(seen);
                }
                i += len;
                seen += 1;
                next = Next::CommaOrEnd;
            }
            _ => return Walk::Broken(seen),
        }
        if open.is_empty() {
            return Walk::Ends(i);
        }
    }
    Walk::Open(seen)
}

/// The length of a string whose opening quote stands before `rest`.
fn string(rest: &[u8]) -> Option<usize> {
    let mut i = 0;
    loop {
        i += memchr::memchr2(b'"', b'\\', &rest[i..])?;
        if rest[i] == b'"' {
            return Some(i);
        }
        i += 2;
        if i > rest.len() {
            return None;
        }
    }
}

fn scalar(word: &[u8]) -> bool {
    match word {
        b"true" | b"false" | b"null" => true,
        _ => {
            let number = std::str::from_utf8(word).ok().and_then(|w| w.parse::<f64>().ok());
            number.is_some() && !word.iter().any(|b| b"nNiI".contains(b))
        }
    }
}
