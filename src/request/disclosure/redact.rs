//! Taking out of a value what may not be shown, and saying what was.

use std::collections::BTreeSet;
use std::ops::Range;

use residuum_detect::Type;

use super::withheld::Withheld;

/// Why a stretch of a value is not shown. The greater counts where two meet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Why {
    /// It is another person's.
    Another(Option<Type>),
    /// It is of a type that is never shown.
    Never(Withheld),
}

impl Why {
    /// What stands in its place.
    pub fn mark(self) -> String {
        match self {
            Self::Another(Some(kind)) => format!("[another person's {}]", kind.name()),
            Self::Another(None) => "[another person's data]".to_owned(),
            Self::Never(what) => what.mark(),
        }
    }
}

/// A value after redaction.
#[derive(Debug, Default)]
pub(super) struct Redacted {
    pub text: String,
    pub withheld: BTreeSet<Withheld>,
    pub others: u32,
}

/// Replaces stretches of a value. Stretches that overlap become one, for the stronger of their reasons; in nested JSON a
/// stretch that is a value by itself, such as a number, is replaced by a string.
pub(super) fn redacted(value: &[u8], is_json: bool, stretches: &[(Range<usize>, Why)]) -> Redacted {
    let mut sorted: Vec<(Range<usize>, Why)> = stretches.to_vec();
    sorted.sort_by_key(|(range, _)| (range.start, range.end));
    let mut merged: Vec<(Range<usize>, Why)> = Vec::new();
    for (range, why) in sorted {
        match merged.last_mut() {
            Some((last, because)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                *because = (*because).max(why);
            }
            _ => merged.push((range, why)),
        }
    }
    let mut out = Redacted::default();
    let (mut at, mut is_quoted) = (0, false);
    for (range, why) in merged {
        let (start, end) = (range.start.min(value.len()), range.end.min(value.len()));
        out.text.push_str(&String::from_utf8_lossy(&value[at..start]));
        is_quoted = ends_quoted(&value[at..start], is_quoted);
        let ends_token = |byte: Option<&u8>| byte.is_none_or(|byte| b" \t\r\n,:[]{}".contains(byte));
        let is_bare = is_json
            && !is_quoted
            && ends_token(start.checked_sub(1).map(|at| &value[at]))
            && ends_token(value.get(end));
        is_quoted = ends_quoted(&value[start..end], is_quoted);
        let quote = if is_bare { "\"" } else { "" };
        out.text.push_str(quote);
        out.text.push_str(&why.mark());
        out.text.push_str(quote);
        match why {
            Why::Never(what) => drop(out.withheld.insert(what)),
            Why::Another(_) => out.others += 1,
        }
        at = end;
    }
    out.text.push_str(&String::from_utf8_lossy(&value[at..]));
    out
}

/// Whether a stretch of JSON ends within a string, given whether it begins in one.
fn ends_quoted(stretch: &[u8], mut is_quoted: bool) -> bool {
    let mut bytes = stretch.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if is_quoted => drop(bytes.next()),
            b'"' => is_quoted = !is_quoted,
            _ => {}
        }
    }
    is_quoted
}

/// Whether a text is JSON with something in it.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Of a text that mentions somebody, the lines in which they stand; the others become `[…]`.
pub(super) fn excerpt(value: &[u8], theirs: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut lines, mut start) = (Vec::new(), 0);
    for line in value.split_inclusive(|&byte| byte == b'\n') {
        let range = start..start + line.len();
        start = range.end;
        if theirs.iter().any(|stretch| stretch.start < range.end && stretch.end > range.start) {
            match lines.last_mut() {
                Some(Range { end, .. }) if *end == range.start => *end = range.end,
                _ => lines.push(range),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_replaced_and_the_stronger_reason_counts() {
        let value = b"call kim@example.com about 987-65-4320 today";
        let never = Why::Never(Withheld::SocialSecurity);
        let out = redacted(
            value,
            false,
            &[(5..20, Why::Another(Some(Type::Email))), (27..38, never), (30..38, Why::Another(None))],
        );
        assert_eq!(out.text, "call [another person's EMAIL] about [withheld: Social Security number] today");
        assert_eq!((out.others, out.withheld.len()), (1, 1));
    }

    #[test]
    fn json_stays_json() {
        let value = br#"{"ssn":987654320,"a":"987654320","b\\\"":"is 987654320 still"}"#;
        let why = Why::Never(Withheld::SocialSecurity);
        let out = redacted(value, true, &[(7..16, why), (22..31, why), (45..54, why)]);
        let json: serde_json::Value = serde_json::from_str(&out.text).expect("it stays valid");
        let within = format!("is {} still", why.mark());
        assert_eq!(
            (&json["ssn"], &json["a"], &json["b\\\""]),
            (&why.mark().into(), &why.mark().into(), &within.into())
        );
    }

    #[test]
    fn of_a_long_text_the_lines_in_which_somebody_stands_are_kept() {
        let text = b"one\ntwo jane\nthree\nfour jane\nfive jane\n";
        let kept: Vec<&[u8]> = excerpt(text, &[8..12, 24..28, 34..38]).into_iter().map(|range| &text[range]).collect();
        assert_eq!(kept, [&b"two jane\n"[..], b"four jane\nfive jane\n"]);
    }
}
