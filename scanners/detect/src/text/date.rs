//! Dates in running text: numeric with one separator, or with a month's name. A timestamp is not one.

use super::chain::{Gap, Group};
use super::cx::Confidence;
use super::near::{at, before, free_left, free_right, word_after, word_before};
use super::{Cx, Recogniser};
use crate::validate::date;

/// `2021-05-21`, `5/20/2021`, `21.5.2021`; gives the groups used.
pub(super) fn numeric(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let [a, b, c, ..] = groups else { return None };
    let gap = a.gap;
    if !matches!(gap, Gap::Dash | Gap::Slash | Gap::Dot) || b.gap != gap || c.gap == gap {
        return None;
    }
    if !matches!((a.len(), b.len(), c.len()), (4, 1 | 2, 1 | 2) | (1 | 2, 1 | 2, 2 | 4)) {
        return None;
    }
    let (start, end) = (a.start as usize, c.end as usize);
    let text = cx.text;
    let (found, used) = date::prefix(&text[start..end], false)?;
    if used != end - start || !(1900..2100).contains(&found.year) {
        return None;
    }
    let whole = start == 0 && end == text.len();
    // `1.19.14` is a version more often than a day.
    let sure = match (gap, c.len()) {
        _ if is_timestamp(text, start, end) => Confidence::OnlyInContext,
        (Gap::Dot, 2) if !whole && a.len() + b.len() < 4 => Confidence::OnlyInContext,
        _ => Confidence::Rule,
    };
    let joined = !free_left(text, start) || !(free_right(text, end) || matches!(at(text, end), b'T' | b't'));
    if joined || cx.refused(start) {
        return Some(3);
    }
    cx.report(Recogniser::Date, start, end, sure, |out| out.extend_from_slice(&found.standard()));
    Some(3)
}

/// Whether a line begins with `2026-01-01T00:00:24` at `start`: when a program did something, and no one's date.
#[inline]
pub(super) fn is_clock(text: &[u8], start: usize) -> bool {
    let Some(b) = text.get(start..start + 19) else { return false };
    let begins = matches!(before(text, start, 1), 0 | b'\n') || before(text, start, 1) == b'[';
    begins
        && (b[4], b[7], b[13], b[16]) == (b'-', b'-', b':', b':')
        && matches!(b[10], b'T' | b' ')
        && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12].iter().all(|i| b[*i].is_ascii_digit())
}

/// Eight digits that a word nearby says are a date.
pub(super) fn compact(cx: &mut Cx<'_>, start: usize, end: usize) {
    if let Some((found, 8)) = date::prefix(&cx.text[start..end], false)
        && (1900..2100).contains(&found.year)
    {
        let engine = cx.engine;
        // Only a date of birth: other dates without separators are file names and versions.
        for &rule in engine.users(Recogniser::Date) {
            if engine.rules[usize::from(rule)].required
                && let Some(distance) = cx.distance(rule, start, end)
            {
                cx.push(rule, start, end, Confidence::Less, Some(distance), |out| {
                    out.extend_from_slice(&found.standard())
                });
                return;
            }
        }
    }
}

/// A date around a month's name.
pub(super) fn month(cx: &mut Cx<'_>, name: usize, name_end: usize) {
    let text = cx.text;
    if word_before(text, name) && !before(text, name, 1).is_ascii_digit() {
        return;
    }
    // `01/Jan/2026:00:00:55` is the clock of a web server.
    if at(text, name_end) == b'/' && at(text, name_end + 5) == b':' {
        return;
    }
    let start = day_before(text, name).unwrap_or(name);
    let rest = &text[start..text.len().min(start + LONGEST)];
    if let Some((found, used)) = date::prefix(rest, false)
        && !word_before(text, start)
        && !word_after(text, start + used)
        && start + used > name_end
    {
        let end = start + used;
        let sure = if is_timestamp(text, start, end) { Confidence::OnlyInContext } else { Confidence::Rule };
        if !at(text, end).is_ascii_digit() {
            cx.report(Recogniser::Date, start, end, sure, |out| out.extend_from_slice(&found.standard()));
        }
        return;
    }
    partial(cx, start, name, name_end);
}

/// `21-May` and `May-21`, a day of some year; `May 2021`, `May-2021`, a month.
fn partial(cx: &mut Cx<'_>, start: usize, name: usize, name_end: usize) {
    let text = cx.text;
    let mut end = name_end;
    if start == name {
        let digits = text[(name_end + 1).min(text.len())..].iter().take(5).take_while(|b| b.is_ascii_digit()).count();
        let number = &text[name_end + usize::from(digits > 0)..][..digits];
        let dash = at(text, name_end) == b'-';
        match digits {
            1 | 2 if dash => {}
            4 if (dash || at(text, name_end) == b' ') && (number.starts_with(b"19") || number.starts_with(b"20")) => {}
            _ => return,
        }
        end = name_end + 1 + digits;
    } else if before(text, name, 1) != b'-' || name_end - name != 3 {
        return;
    }
    let joined = |b: u8| matches!(b, b'-' | b'.' | b'/' | b':' | b'_');
    let goes_on = joined(at(text, end)) && word_after(text, end + 1);
    if goes_on || word_after(text, end) || word_before(text, start) || joined(before(text, start, 1)) {
        return;
    }
    cx.report(Recogniser::Date, start, end, Confidence::Less, |out| {
        out.extend(text[start..end].iter().map(u8::to_ascii_lowercase));
    });
}

/// `05/2021`: a month.
pub(super) fn month_and_year(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let [month, year, ..] = groups else { return None };
    let slashed = month.gap == Gap::Slash && year.gap != Gap::Slash && month.len() <= 2 && year.len() == 4;
    let (start, end) = (month.start as usize, year.end as usize);
    let text = cx.text;
    if !slashed || !free_left(text, start) || !free_right(text, end) || cx.refused(start) {
        return None;
    }
    let number =
        |g: &Group| text[g.start as usize..g.end as usize].iter().fold(0u32, |n, d| n * 10 + u32::from(d & 15));
    if !(1..=12).contains(&number(month)) || !(1900..2100).contains(&number(year)) {
        return None;
    }
    cx.report(Recogniser::Date, start, end, Confidence::Less, |out| out.extend_from_slice(&text[start..end]));
    Some(2)
}

/// Where a day written before a month's name begins: `21 May`, `21-May`, `21st of May`, `21 de mayo`.
fn day_before(text: &[u8], name: usize) -> Option<usize> {
    let mut i = name;
    for word in [&b" of "[..], b" de "] {
        if text[..i].ends_with(word) {
            i -= word.len() - 1;
        }
    }
    i -= usize::from(matches!(before(text, i, 1), b' ' | b'-' | b'/' | b'.'));
    if [&b"st"[..], b"nd", b"rd", b"th"].iter().any(|suffix| text[..i].ends_with(suffix)) {
        i -= 2;
    }
    let digits = text[..i].iter().rev().take(3).take_while(|b| b.is_ascii_digit()).count();
    (1..=2).contains(&digits).then_some(i - digits)
}

/// Whether a time of day follows, which makes it the moment at which a program did something. Where a sentence leads
/// up to a date with the `T` of ISO 8601, as `the hearing is on …` does, it is a date all the same.
fn is_timestamp(text: &[u8], start: usize, end: usize) -> bool {
    let separator = at(text, end);
    let after = match separator {
        b'T' | b't' | b' ' | b':' | b'_' => end + 1,
        b',' if at(text, end + 1) == b' ' => end + 2,
        _ => return before(text, start, 1) == b':',
    };
    let clock = at(text, after).is_ascii_digit()
        && (at(text, after + 1) == b':' || at(text, after + 1).is_ascii_digit() && at(text, after + 2) == b':');
    clock && !(separator == b'T' && led_up_to(text, start))
}

/// Whether the word before leads up to a date: `is`, `on`, `since`.
fn led_up_to(text: &[u8], start: usize) -> bool {
    const LEADS: [&[u8]; 12] =
        [b"is", b"was", b"be", b"on", b"by", b"since", b"until", b"till", b"dated", b"before", b"after", b"from"];
    let separators =
        text[..start].iter().rev().take(2).take_while(|b| matches!(b, b' ' | b',' | b'\r' | b'\t')).count();
    let line = &text[..start - separators];
    let length =
        line.iter().rev().take(8).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    separators > 0 && LEADS.iter().any(|lead| lead.eq_ignore_ascii_case(&line[line.len() - length..]))
}

const LONGEST: usize = 40;
