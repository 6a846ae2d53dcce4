//! Telephone numbers in running text, national and international, as people write them.
//!
//! A plus sign, an area code in parentheses, or groups of 3-3-4 with one separator say "telephone"; bare digits need
//! a word that does. The number that is meant is checked by [`crate::validate::phone`].

use rlibphonenumber::enums::Region;

use super::chain::{Gap, Group};
use super::cx::Confidence;
use super::near::{before, digits_left, digits_right, free_left, free_right, word_after, word_before};
use super::number::{has_shape, join};
use super::{Cx, Recogniser};
use crate::validate::phone::{self, E164};

/// A number marked as a telephone number by `+`, `00`, or an area code in parentheses; gives the groups used.
pub(super) fn marked(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let start = groups[0].start as usize;
    match before(cx.text, start, 1) {
        b'+' => international(cx, groups, start - 1),
        b'(' if before(cx.text, start, 2) == b'+' => international(cx, groups, start - 2),
        b'(' => parenthesised(cx, groups, start - 1, 0),
        _ if groups[0].gap == Gap::Open && groups[0].len() == 1 && cx.text[start] == b'1' => {
            parenthesised(cx, groups, start, 1)
        }
        _ if groups[0].len() >= 2 && cx.text[start..].starts_with(b"00") => dialled(cx, groups, 2),
        _ if groups[0].len() >= 3 && cx.text[start..].starts_with(b"011") => dialled(cx, groups, 3),
        _ => None,
    }
}

/// `+44 20 7946 0958`, `(+41) 22 730 5989`, `+44 (0)20 7946 0958`.
fn international(cx: &mut Cx<'_>, groups: &[Group], plus: usize) -> Option<usize> {
    // Most plus signs with digits behind them are offsets of a time zone.
    if groups[0].gap == Gap::End && groups[0].len() < 7 {
        return None;
    }
    let start = if before(cx.text, plus, 1) == b'(' { plus - 1 } else { plus };
    if word_before(cx.text, start) || before(cx.text, start, 1) == b'+' {
        return None;
    }
    let mut digits = [0; 24];
    let (most, _) = collect(cx.text, groups, 15, &mut digits);
    for used in (1..=most).rev() {
        let (_, len) = collect(cx.text, &groups[..used], 15, &mut digits);
        let end = groups[used - 1].end as usize;
        if len < 7 || !ends_well(cx.text, end) {
            continue;
        }
        let valid = phone::world(&digits[..len]);
        let american = digits[0] == b'1' && len == 11;
        if valid.is_some() || (american && used == most) {
            let sure = if valid.is_some() { Confidence::Rule } else { Confidence::Less };
            let end = extension(cx.text, end).unwrap_or(end);
            report(cx, start, end, sure, valid, &digits[..len]);
            return Some(used);
        }
        if used == most && (10..=13).contains(&len) {
            let end = extension(cx.text, end).unwrap_or(end);
            if report(cx, start, end, Confidence::OnlyInContext, None, &digits[..len]) {
                return Some(used);
            }
        }
    }
    None
}

/// `(202) 555-0123`, with `before` groups (a `1`) in front of the area code.
fn parenthesised(cx: &mut Cx<'_>, groups: &[Group], start: usize, before: usize) -> Option<usize> {
    let [area, exchange, line, ..] = groups.get(before..)? else { return None };
    let shape = area.gap == Gap::Close && (area.len(), exchange.len(), line.len()) == (3, 3, 4);
    let joined = matches!(exchange.gap, Gap::Dash | Gap::Dot | Gap::Space | Gap::Wide);
    let end = line.end as usize;
    if !shape || !joined || !ends_well(cx.text, end) || word_before(cx.text, start) {
        return None;
    }
    let mut digits = [0; 10];
    let digits = join(cx.text, &groups[before..before + 3], &mut digits);
    let sure = if phone::nanp(digits) { Confidence::Rule } else { Confidence::Less };
    american(cx, start, end, sure, digits);
    Some(before + 3)
}

/// `00 44 20 7946 0958` and `011 44 …`: the prefix dialled for a call abroad.
fn dialled(cx: &mut Cx<'_>, groups: &[Group], prefix: usize) -> Option<usize> {
    let start = groups[0].start as usize;
    // In a longer chain of groups the zeros are some of its digits.
    if !free_left(cx.text, start) || digits_left(cx.text, start) {
        return None;
    }
    let mut digits = [0; 24];
    let (most, _) = collect(cx.text, groups, 15 + prefix, &mut digits);
    for used in (1..=most).rev() {
        let (_, len) = collect(cx.text, &groups[..used], 15 + prefix, &mut digits);
        let end = groups[used - 1].end as usize;
        if len < 9 + prefix || digits[prefix] == b'0' || !ends_well(cx.text, end) {
            continue;
        }
        if let Some(number) = phone::world(&digits[prefix..len]) {
            // Zeros in front are also how counters are padded: without separators only context decides.
            let sure = if used > 1 { Confidence::Less } else { Confidence::OnlyInContext };
            return report(cx, start, end, sure, Some(number), &[]).then_some(used);
        }
    }
    None
}

/// `202-555-0123`, `1.202.555.0123`, `202 555 0123`, `202/555-0123`; other groupings beside a word that says telephone.
pub(super) fn grouped(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let start = groups[0].start as usize;
    let one = groups.len() > 3 && groups[0].len() == 1 && cx.text[start] == b'1';
    let main = &groups[usize::from(one)..];
    let even = has_shape(main, &[3, 3, 4], &[Gap::Dash, Gap::Dot, Gap::Space, Gap::Wide]);
    let slashed = main.len() >= 3 && main[0].gap == Gap::Slash && main[1].gap == Gap::Dash && lengths(main, &[3, 3, 4]);
    if !even && !slashed {
        return local(cx, groups).or_else(|| elsewhere(cx, groups));
    }
    let end = main[2].end as usize;
    let spaced = main[0].gap == Gap::Space;
    let beside = spaced && (digits_left(cx.text, start) || digits_right(cx.text, end));
    if !free_left(cx.text, start) || !ends_well(cx.text, end) || beside || cx.refused(start) {
        return None;
    }
    let mut digits = [0; 10];
    let digits = join(cx.text, &main[..3], &mut digits);
    let sure = match main[0].gap {
        // 555 is what people write when they mean no one.
        _ if !phone::nanp(digits) && !digits.starts_with(b"555") => Confidence::OnlyInContext,
        Gap::Dash if phone::nanp(digits) => Confidence::Rule,
        _ => Confidence::Less,
    };
    american(cx, start, end, sure, digits).then_some(3 + usize::from(one))
}

/// `555-0134` and `415 5550134`, right behind a word that says telephone.
fn local(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let [first, last, ..] = groups else { return None };
    let joined = matches!(first.gap, Gap::Dash | Gap::Space | Gap::Dot);
    let full = (first.len(), last.len()) == (3, 7);
    let (start, end) = (first.start as usize, last.end as usize);
    if !(joined && (full || (first.len(), last.len()) == (3, 4) && first.gap == Gap::Dash)) {
        return None;
    }
    let free = free_left(cx.text, start) && ends_well(cx.text, end) && !digits_right(cx.text, end);
    if !free || matches!(cx.text[start], b'0' | b'1') || cx.refused(start) || !right_behind(cx, start, end) {
        return None;
    }
    let mut digits = [0; 10];
    let digits = join(cx.text, &groups[..2], &mut digits);
    if full {
        phone::nanp(digits).then(|| american(cx, start, end, Confidence::OnlyInContext, digits));
        return phone::nanp(digits).then_some(2);
    }
    report(cx, start, end, Confidence::OnlyInContext, None, digits).then_some(2)
}

/// Whether a word that says telephone stands right before.
fn right_behind(cx: &mut Cx<'_>, start: usize, end: usize) -> bool {
    let engine = cx.engine;
    engine.users(Recogniser::Phone).iter().any(|rule| cx.distance(*rule, start, end).is_some_and(|away| away <= 12))
}

/// A number in another country's national form: only beside a word that says telephone.
fn elsewhere(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let start = groups[0].start as usize;
    let text = cx.text;
    if text[start] != b'0' {
        return without_trunk(cx, groups);
    }
    if groups[0].len() > 5 || !free_left(text, start) || digits_left(text, start) {
        return None;
    }
    let mut digits = [0; 24];
    let (most, len) = collect(text, groups, 12, &mut digits);
    let end = groups[most - 1].end as usize;
    let complete = most == groups.len() || !matches!(groups[most - 1].gap, Gap::Space | Gap::Dash | Gap::Dot);
    if len < 9 || !complete || !ends_well(text, end) || !in_context(cx, start, end) {
        return None;
    }
    let number = NATIONAL.iter().find_map(|region| phone::parse(&digits[..len], Some(*region)))?;
    report(cx, start, end, Confidence::Less, Some(number), &[]).then_some(most)
}

/// A number of a country whose national form has no zero in front, in groups: right behind a word that says telephone.
fn without_trunk(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let text = cx.text;
    let enclosed = groups[0].gap == Gap::Close && before(text, groups[0].start as usize, 1) == b'(';
    let start = groups[0].start as usize - usize::from(enclosed);
    let mut digits = [0; 24];
    let (most, len) = collect(text, groups, 11, &mut digits);
    if most < 2 {
        return None;
    }
    let end = groups[most - 1].end as usize;
    let gaps = &groups[usize::from(enclosed)..most - 1];
    let even = gaps.iter().all(|group| group.gap == gaps[0].gap);
    let shaped = most == groups.len() && (9..=11).contains(&len) && groups[..most].iter().all(|g| g.len() >= 2);
    let free = free_left(text, start) && !digits_left(text, start) && ends_well(text, end);
    if !shaped || !even || !free || cx.refused(start) || !right_behind(cx, start, end) {
        return None;
    }
    let mut numbers = WITHOUT_TRUNK.iter().filter_map(|region| phone::parse(&digits[..len], Some(*region)));
    let number = numbers.next()?;
    // Where several countries have it, it is its digits.
    let only = numbers.next().is_none().then_some(number);
    report(cx, start, end, Confidence::Less, only, &digits[..len]).then_some(most)
}

/// Bare digits: only beside a word that says telephone, or with an extension behind.
pub(super) fn bare(cx: &mut Cx<'_>, start: usize, end: usize) -> bool {
    let digits = &cx.text[start..end];
    let extended = extension(cx.text, end);
    if cx.refused(start) {
        return false;
    }
    match digits {
        [b'1', rest @ ..] if rest.len() == 10 && phone::nanp(rest) => {
            american(cx, start, end, sure(extended), &digits[1..])
        }
        rest if rest.len() == 10 && (phone::nanp(rest) || extended.is_some() || rest.starts_with(b"555")) => {
            american(cx, start, end, sure(extended), digits)
        }
        [b'0', ..] if (9..=12).contains(&digits.len()) && in_context(cx, start, end) => {
            let number = NATIONAL.iter().find_map(|region| phone::parse(digits, Some(*region)));
            number.is_some() && report(cx, start, end, Confidence::Less, number, &[])
        }
        // Of India's mobile numbers ten digits are written.
        [b'6'..=b'9', ..] if digits.len() == 10 && right_behind(cx, start, end) => {
            let number = phone::parse(digits, Some(Region::IN));
            number.is_some() && report(cx, start, end, Confidence::Less, number, &[])
        }
        // Of China's mobile numbers eleven digits are written.
        [b'1', b'3'..=b'9', ..] if digits.len() == 11 && right_behind(cx, start, end) => {
            let number = phone::parse(digits, Some(Region::CN));
            number.is_some() && report(cx, start, end, Confidence::Less, number, &[])
        }
        [b'2'..=b'9', ..] if digits.len() >= 11 && in_context(cx, start, end) => {
            let number = phone::world(digits);
            number.is_some() && report(cx, start, end, Confidence::Less, number, &[])
        }
        _ => false,
    }
}

fn sure(extension: Option<usize>) -> Confidence {
    if extension.is_some() { Confidence::Less } else { Confidence::OnlyInContext }
}

fn in_context(cx: &mut Cx<'_>, start: usize, end: usize) -> bool {
    let engine = cx.engine;
    engine.users(Recogniser::Phone).iter().any(|rule| cx.distance(*rule, start, end).is_some())
}

fn american(cx: &mut Cx<'_>, start: usize, end: usize, sure: Confidence, digits: &[u8]) -> bool {
    let end = extension(cx.text, end).unwrap_or(end);
    cx.report(Recogniser::Phone, start, end, sure, |out| {
        out.push(b'1');
        out.extend_from_slice(digits);
    })
}

fn report(cx: &mut Cx<'_>, start: usize, end: usize, sure: Confidence, number: Option<E164>, digits: &[u8]) -> bool {
    cx.report(Recogniser::Phone, start, end, sure, |out| match &number {
        Some(number) => out.extend_from_slice(number.as_bytes()),
        None => out.extend_from_slice(digits),
    })
}

/// The digits of as many groups as belong to one number of at most `most` digits; a trunk zero `(0)` is left out.
fn collect(text: &[u8], groups: &[Group], most: usize, digits: &mut [u8; 24]) -> (usize, usize) {
    let (mut used, mut len) = (0, 0);
    for (i, group) in groups.iter().enumerate() {
        let bytes = &text[group.start as usize..group.end as usize];
        let trunk = i > 0 && groups[i - 1].gap == Gap::Open && group.gap == Gap::Close && bytes == b"0";
        if !trunk {
            if len + bytes.len() > most {
                break;
            }
            digits[len..len + bytes.len()].copy_from_slice(bytes);
            len += bytes.len();
        }
        used = i + 1;
    }
    (used, len)
}

/// Whether a number may end here: free, or an extension follows.
fn ends_well(text: &[u8], end: usize) -> bool {
    free_right(text, end) || extension(text, end).is_some()
}

/// The end of an extension that begins at `end`: ` ext 527`, `x623`, ` x 623`, `;ext=4`.
fn extension(text: &[u8], end: usize) -> Option<usize> {
    let mut i = end;
    i += text.get(i..)?.iter().take(2).take_while(|b| matches!(b, b' ' | b',' | b';')).count();
    let letters = text.get(i..)?.iter().take(10).take_while(|b| b.is_ascii_alphabetic()).count();
    let word = &text[i..i + letters];
    if ![&b"x"[..], b"ext", b"extn", b"extension"].iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return None;
    }
    i += letters;
    i += text[i..].iter().take(2).take_while(|b| matches!(b, b' ' | b'.' | b':' | b'=' | b'#')).count();
    let digits = text[i..].iter().take(8).take_while(|b| b.is_ascii_digit()).count();
    ((1..=7).contains(&digits) && !word_after(text, i + digits)).then_some(i + digits)
}

fn lengths(groups: &[Group], lengths: &[usize]) -> bool {
    groups.iter().zip(lengths).all(|(g, len)| g.len() == *len)
}

/// Plans without a zero in front: Spain, Poland, Portugal, Czechia, Brazil.
const WITHOUT_TRUNK: [Region; 5] = [Region::ES, Region::PL, Region::PT, Region::CZ, Region::BR];
/// Plans tried, in this order, for a number in national form that is not American.
const NATIONAL: [Region; 8] =
    [Region::GB, Region::FR, Region::DE, Region::AU, Region::IN, Region::NL, Region::IT, Region::JP];
