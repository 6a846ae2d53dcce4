//! Heads of statements: which table, which columns.

use super::value::Parsed;

/// What a statement puts rows into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub table: String,
    /// The columns it names.
    pub columns: Option<Vec<String>>,
}

/// The head of a statement that holds rows.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub target: Target,
    /// Bytes up to the first row.
    pub len: usize,
    /// Whether it is a `COPY`.
    pub copy: bool,
}

/// Whether a text begins so, in either case.
pub(super) fn starts_with(text: &[u8], words: &str) -> bool {
    text.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words.as_bytes()))
}

/// Whether a statement that may hold rows begins here.
pub(super) fn begins_data(text: &[u8]) -> bool {
    ["INSERT ", "REPLACE INTO ", "COPY "].iter().any(|words| starts_with(text, words))
}

/// The head of an `INSERT … VALUES (` or `COPY … FROM stdin;`.
pub(super) fn head(text: &[u8]) -> Parsed<Head> {
    let mut words = Words { text, at: 0 };
    let copy = words.take("COPY");
    if !copy {
        let insert = words.take("INSERT") || words.take("REPLACE");
        for word in ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "OR", "REPLACE", "IGNORE"] {
            words.take(word);
        }
        if !insert || !words.take("INTO") {
            return words.unparsed();
        }
    }
    let Some(table) = words.name() else {
        return words.unparsed();
    };
    let mut columns = None;
    if words.next_is(b'(') {
        let Some(names) = words.names() else {
            return words.unparsed();
        };
        columns = Some(names);
    }
    let target = Target { table, columns };
    if copy {
        // Only the text format: with options, the lines are given as text.
        if !(words.take("FROM") && words.take("stdin") && words.next_is(b';')) {
            return words.unparsed();
        }
        return match memchr::memchr(b'\n', &text[words.at..]) {
            Some(feed) => Parsed::Whole(Head { target, len: words.at + feed + 1, copy }),
            None => Parsed::More,
        };
    }
    if words.take("OVERRIDING") {
        let _ = (words.take("SYSTEM") || words.take("USER"), words.take("VALUE"));
    }
    if !(words.take("VALUES") || words.take("VALUE")) || !words.next_is(b'(') {
        return words.unparsed();
    }
    Parsed::Whole(Head { target, len: words.at, copy })
}

/// The table that a `CREATE TABLE` creates, and its columns.
pub(super) fn created(text: &[u8]) -> Option<(String, Vec<String>)> {
    let mut words = Words { text, at: 0 };
    words.take("CREATE");
    for word in ["GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN", "VIRTUAL"] {
        words.take(word);
    }
    if !words.take("TABLE") {
        return None;
    }
    for word in ["IF", "NOT", "EXISTS"] {
        words.take(word);
    }
    let table = words.name()?;
    if !words.next_is(b'(') {
        return None;
    }
    words.at += 1;
    let mut columns = Vec::new();
    loop {
        let constraint = [
            "CONSTRAINT",
            "PRIMARY",
            "UNIQUE",
            "KEY",
            "INDEX",
            "FOREIGN",
            "CHECK",
            "FULLTEXT",
            "SPATIAL",
            "EXCLUDE",
            "LIKE",
            "PERIOD",
        ]
        .iter()
        .any(|word| words.clone().take(word));
        if !constraint {
            columns.push(words.name()?);
        }
        match words.past_comma_or_end()? {
            b',' => {}
            _ => return Some((table, columns)),
        }
    }
}

#[derive(Clone)]
struct Words<'t> {
    text: &'t [u8],
    at: usize,
}

impl Words<'_> {
    /// A text that ends in the head may go on; one that does not fit is another statement.
    fn unparsed(&self) -> Parsed<Head> {
        if self.text.len().saturating_sub(self.at) < 64 { Parsed::More } else { Parsed::Broken }
    }

    fn space(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let spaces = rest.len() - rest.trim_ascii_start().len();
            self.at += spaces;
            let rest = &rest[spaces..];
            let comment = if rest.starts_with(b"--") {
                memchr::memchr(b'\n', rest).map(|at| at + 1)
            } else if rest.starts_with(b"/*") {
                memchr::memmem::find(rest, b"*/").map(|at| at + 2)
            } else {
                None
            };
            match comment {
                Some(len) => self.at += len,
                None => return,
            }
        }
    }

    fn take(&mut self, word: &str) -> bool {
        self.space();
        let rest = &self.text[self.at..];
        let ends = rest.get(word.len()).is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
        let taken = starts_with(rest, word) && ends;
        if taken {
            self.at += word.len();
        }
        taken
    }

    fn next_is(&mut self, b: u8) -> bool {
        self.space();
        self.text.get(self.at) == Some(&b)
    }

    /// A name, qualified or not. The schemas that databases use by default are left out.
    fn name(&mut self) -> Option<String> {
        let mut parts = vec![self.identifier()?];
        while self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            parts.push(self.identifier()?);
        }
        if parts.len() > 1 && ["public", "main", "dbo"].contains(&parts[0].as_str()) {
            parts.remove(0);
        }
        Some(parts.join("."))
    }

    fn identifier(&mut self) -> Option<String> {
        self.space();
        let rest = &self.text[self.at..];
        let close = match rest.first()? {
            b'`' => b'`',
            b'"' => b'"',
            b'[' => b']',
            _ => {
                let len = rest
                    .iter()
                    .take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80)
                    .count();
                self.at += len;
                return (len > 0).then(|| String::from_utf8_lossy(&rest[..len]).into_owned());
            }
        };
        let mut name = Vec::new();
        let mut at = 1;
        loop {
            let b = *rest.get(at)?;
            if b == close {
                if rest.get(at + 1) != Some(&close) {
                    break;
                }
                at += 1;
            }
            name.push(b);
            at += 1;
        }
        self.at += at + 1;
        Some(String::from_utf8_lossy(&name).into_owned())
    }

    /// A list of names in parentheses.
    fn names(&mut self) -> Option<Vec<String>> {
        self.at += 1;
        let mut names = Vec::new();
        loop {
            names.push(self.identifier()?);
            self.space();
            let b = *self.text.get(self.at)?;
            self.at += 1;
            match b {
                b',' => {}
                b')' => return Some(names),
                _ => return None,
            }
        }
    }

    /// Goes past the comma or parenthesis that ends this definition.
    fn past_comma_or_end(&mut self) -> Option<u8> {
        let mut depth = 0;
        loop {
            let b = *self.text.get(self.at)?;
            self.at += 1;
            match b {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b',' | b')' if depth == 0 => return Some(b),
                b'\'' | b'"' | b'`' => self.at += memchr::memchr(b, &self.text[self.at..])? + 1,
                _ => {}
            }
        }
    }
}
