//! Numbers: chains of digits that are cards, social security numbers, addresses, dates, telephone numbers.
//!
//! What the digits are is told by their grouping, one separator throughout, the check of the standard, and free
//! neighbours. A chain is read once; each group is tried as the beginning of every shape, the most telling first.

use super::chain::{Chain, Gap, Group, MOST};
use super::cx::Confidence;
use super::near::{self, at, before, digits_left, digits_right, free_left, free_right, word_after, word_before};
use super::{Cx, Recogniser, date, phone};
use crate::validate::{finance, net, us, vehicle};

/// Looks at the number that begins at `start`; gives the place from which to look further.
pub(super) fn number(cx: &mut Cx<'_>, start: usize) -> usize {
    let (first, width) = Group::read(cx.text, start);
    if first.gap == Gap::End {
        return single(cx, first);
    }
    if date::is_clock(cx.text, start) && !cx.in_required_context(Recogniser::Date, start, start + 10) {
        return start + 10;
    }
    let mut chain = Chain::default();
    chain.read(cx.text, first, width);
    let groups = chain.groups();
    // A decimal number, a status and a size: too few digits for anything but a month or a position.
    if let [a, b] = groups
        && a.len() + b.len() < 7
        && a.gap != Gap::Slash
        && !(a.gap == Gap::Dot && b.len() >= 3)
        && before(cx.text, start, 1) != b'+'
    {
        return b.end as usize;
    }
    let mut i = 0;
    while i < groups.len() {
        // Near the end of a full chain the rest is read anew, so that no shape is cut.
        if groups.len() == MOST && i + 6 > MOST && i > 0 {
            return groups[i].start as usize;
        }
        i += shape(cx, &groups[i..]).max(1);
    }
    let last = groups[groups.len() - 1];
    last.end as usize
}

/// A group without neighbours.
fn single(cx: &mut Cx<'_>, group: Group) -> usize {
    let end = group.end as usize;
    if group.len() >= 6 {
        contiguous(cx, group);
    }
    end
}

/// Tries the groups as the beginning of every shape; gives how many were used.
fn shape(cx: &mut Cx<'_>, groups: &[Group]) -> usize {
    let first = groups[0];
    match (first.len(), first.gap) {
        (1..=3, Gap::Dot) => {
            if let Some(used) = ipv4(cx, groups).or_else(|| coordinate(cx, groups)) {
                return used;
            }
        }
        (_, Gap::End) => {}
        (4, Gap::Space | Gap::Dash) => {
            if let Some(used) = card(cx, groups) {
                return used;
            }
        }
        _ => {}
    }
    if let Some(used) = phone::marked(cx, groups) {
        return used;
    }
    if let Some(used) = date::numeric(cx, groups).or_else(|| date::month_and_year(cx, groups)) {
        return used;
    }
    if let Some(used) = ssn(cx, groups).or_else(|| phone::grouped(cx, groups)).or_else(|| ein(cx, groups)) {
        return used;
    }
    if first.len() >= 6 {
        contiguous(cx, first);
    }
    1
}

/// Digits without separators: their number says what they might be, and little alone proves it.
fn contiguous(cx: &mut Cx<'_>, group: Group) {
    let (start, end) = (group.start as usize, group.end as usize);
    let text = cx.text;
    if !free_left(text, start) && before(text, start, 1) != b'+' {
        return;
    }
    if phone::marked(cx, &[group]).is_some() || !free_left(text, start) || !free_right(text, end) {
        return;
    }
    let digits = &text[start..end];
    let form = |out: &mut Vec<u8>| out.extend_from_slice(digits);
    match digits.len() {
        9 => {
            let mut claims = [Recogniser::Ssn; 4];
            let mut n = 0;
            let possible = [
                (Recogniser::Ssn, us::ssn(digits)),
                (Recogniser::Itin, us::itin(digits)),
                (Recogniser::Aba, us::aba(digits)),
                (Recogniser::Ein, us::ein(digits)),
            ];
            for (recogniser, _) in possible.iter().filter(|(_, yes)| *yes) {
                claims[n] = *recogniser;
                n += 1;
            }
            cx.report_best(&claims[..n], start, end, Confidence::OnlyInContext, form);
        }
        10 => {
            let telephone = phone::bare(cx, start, end);
            if !telephone && us::npi(digits) {
                cx.report(Recogniser::Npi, start, end, Confidence::OnlyInContext, form);
            }
        }
        8 => date::compact(cx, start, end),
        7 | 11 | 12 => {
            phone::bare(cx, start, end);
        }
        13..=19 => {
            let imei = digits.len() == 15 && vehicle::imei(digits);
            let is_card = finance::card(digits) && !cx.refused(start) && !among_constants(text, start, end);
            if is_card && !(imei && cx.engine.wants(Recogniser::Imei)) {
                cx.report(Recogniser::Card, start, end, Confidence::Rule, form);
            } else if is_card && imei {
                cx.report_best(&[Recogniser::Imei, Recogniser::Card], start, end, Confidence::Rule, form);
            } else if imei {
                cx.report(Recogniser::Imei, start, end, Confidence::OnlyInContext, form);
            } else if digits.len() <= 15 {
                phone::bare(cx, start, end);
            }
        }
        _ => {}
    }
}

/// Four groups of up to three digits with full stops.
fn ipv4(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let [a, b, c, d, ..] = groups else { return None };
    if b.gap != Gap::Dot || c.gap != Gap::Dot || d.gap == Gap::Dot {
        return None;
    }
    let (start, end) = (a.start as usize, d.end as usize);
    let text = cx.text;
    let address = net::ipv4(&text[start..end])?;
    let octets = address.octets();
    let left = match before(text, start, 1) {
        // `Chrome/120.0.0.0` is a version, `host/10.1.2.3` an address.
        b'/' => !word_before(text, start - 1) || octets[3] != 0 || octets[2] != 0 && octets[0] < 100,
        b'-' | b'.' | b'+' => !word_before(text, start - 1),
        _ => !word_before(text, start),
    };
    let right = match at(text, end) {
        b'-' | b'+' | b'.' => !word_after(text, end + 1),
        _ => !word_after(text, end),
    };
    if left && right && !cx.refused(start) {
        let sure = if net::personal_v4(address) { Confidence::Rule } else { Confidence::Less };
        cx.report(Recogniser::Ipv4, start, end, sure, |out| out.extend_from_slice(&text[start..end]));
    }
    Some(4)
}

/// A payment card in groups.
fn card(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    const SHAPES: [&[usize]; 7] =
        [&[4, 4, 4, 4, 3], &[4, 4, 4, 4, 2], &[4, 4, 4, 4, 1], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];
    let shape = SHAPES.iter().filter(|shape| has_shape(groups, shape, &[Gap::Space, Gap::Dash]));
    for shape in shape {
        let (start, end) = (groups[0].start as usize, groups[shape.len() - 1].end as usize);
        let mut digits = [0; 19];
        let digits = join(cx.text, &groups[..shape.len()], &mut digits);
        if free_left(cx.text, start) && free_right(cx.text, end) && finance::card(digits) {
            cx.report(Recogniser::Card, start, end, Confidence::Rule, |out| out.extend_from_slice(digits));
            return Some(shape.len());
        }
    }
    None
}

/// Nine digits as 3-2-4: a social security number, or a taxpayer's.
fn ssn(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    if !has_shape(groups, &[3, 2, 4], &[Gap::Dash, Gap::Space, Gap::Dot]) {
        return None;
    }
    let (start, end, gap) = (groups[0].start as usize, groups[2].end as usize, groups[0].gap);
    let spaced = gap == Gap::Space;
    let free = free_left(cx.text, start) && free_right(cx.text, end);
    if !free || spaced && (digits_left(cx.text, start) || digits_right(cx.text, end)) {
        return None;
    }
    let mut digits = [0; 9];
    let digits = join(cx.text, &groups[..3], &mut digits);
    let recogniser = match (us::ssn(digits), us::itin(digits)) {
        (true, _) => Recogniser::Ssn,
        (_, true) => Recogniser::Itin,
        _ => return None,
    };
    let sure = match gap {
        _ if cx.refused(start) => Confidence::OnlyInContext,
        Gap::Dash => Confidence::Rule,
        _ => Confidence::Less,
    };
    cx.report(recogniser, start, end, sure, |out| out.extend_from_slice(digits));
    Some(3)
}

/// Nine digits as 2-7: an employer's number.
fn ein(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    if !has_shape(groups, &[2, 7], &[Gap::Dash]) {
        return None;
    }
    let (start, end) = (groups[0].start as usize, groups[1].end as usize);
    let mut digits = [0; 9];
    let digits = join(cx.text, &groups[..2], &mut digits);
    if free_left(cx.text, start) && free_right(cx.text, end) && us::ein(digits) && !cx.refused(start) {
        cx.report(Recogniser::Ein, start, end, Confidence::Rule, |out| out.extend_from_slice(digits));
    }
    Some(2)
}

/// Latitude and longitude in decimal degrees with a comma between.
fn coordinate(cx: &mut Cx<'_>, groups: &[Group]) -> Option<usize> {
    let [a, b, ..] = groups else { return None };
    if b.len() < 3 || b.gap != Gap::End || !cx.engine.wants(Recogniser::Coordinate) {
        return None;
    }
    let text = cx.text;
    let mut start = a.start as usize;
    if matches!(before(text, start, 1), b'-' | b'+') {
        start -= 1;
    }
    let mut i = b.end as usize;
    let comma = matches!(at(text, i), b',' | b';');
    i += usize::from(comma);
    i += text[i.min(text.len())..].iter().take(2).take_while(|b| **b == b' ').count();
    i += usize::from(matches!(at(text, i), b'-' | b'+'));
    let whole = text.get(i..)?.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
    if !comma || !(1..=3).contains(&whole) || at(text, i + whole) != b'.' {
        return None;
    }
    let fraction = text[i + whole + 1..].iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    let end = i + whole + 1 + fraction;
    if fraction < 3 || word_before(text, start) || before(text, start, 1) == b'.' || word_after(text, end) {
        return None;
    }
    let mut form = std::mem::take(cx.form);
    if crate::standard::write(crate::Type::GeoCoordinate, &text[start..end], false, &mut form) {
        let precise = b.len() >= 4 && fraction >= 4 && !of_more_numbers(text, start, end);
        let sure = if precise { Confidence::Rule } else { Confidence::OnlyInContext };
        cx.report(Recogniser::Coordinate, start, end, sure, |out| out.extend_from_slice(&form));
    }
    *cx.form = form;
    Some(2)
}

/// Whether a pair of numbers is two of more: of a path to be drawn, of a row of measurements.
fn of_more_numbers(text: &[u8], start: usize, end: usize) -> bool {
    let parts = |b: &&u8| matches!(**b, b' ' | b',' | b';');
    let before = text[..start].iter().rev().take(3).take_while(parts).count();
    let after = text[end..].iter().take(3).take_while(parts).count();
    let signed = usize::from(matches!(at(text, end + after), b'-' | b'+'));
    // `m 28.176921,113.52518`: the beginning of a path in a drawing.
    let drawn = before == 1
        && near::before(text, start, 2).is_ascii_alphabetic()
        && matches!(near::before(text, start, 3), b' ' | b'"' | b'\'');
    drawn
        || before > 0 && near::before(text, start, before + 1).is_ascii_digit()
        || after > 0 && at(text, end + after + signed).is_ascii_digit()
}

/// Whether digits stand in a row of long numbers that are no cards: constants of a program.
fn among_constants(text: &[u8], start: usize, end: usize) -> bool {
    let parts = |b: &&u8| matches!(**b, b' ' | b',' | b'\n' | b'\r' | b'\t');
    let constant = |digits: &[u8]| (12..=20).contains(&digits.len()) && !finance::card(digits);
    let gap = text[end..].iter().take(40).take_while(parts).count();
    let next = &text[end + gap..];
    let next = &next[..next.iter().take(21).take_while(|b| b.is_ascii_digit()).count()];
    let back = text[..start].iter().rev().take(40).take_while(parts).count();
    let last = &text[..start - back];
    let last = &last[last.len() - last.iter().rev().take(21).take_while(|b| b.is_ascii_digit()).count()..];
    let parted = |stretch: &[u8]| stretch.contains(&b',');
    parted(&text[end..end + gap]) && constant(next) || parted(&text[start - back..start]) && constant(last)
}

/// Whether groups have these lengths, with one separator out of `gaps` between them throughout.
pub(super) fn has_shape(groups: &[Group], lengths: &[usize], gaps: &[Gap]) -> bool {
    let gap = groups[0].gap;
    groups.len() >= lengths.len()
        && gaps.contains(&gap)
        && groups.iter().zip(lengths).all(|(g, len)| g.len() == *len)
        && groups[..lengths.len() - 1].iter().all(|g| g.gap == gap)
}

/// The digits of groups, one after the other.
pub(super) fn join<'b>(text: &[u8], groups: &[Group], buffer: &'b mut [u8]) -> &'b [u8] {
    let mut len = 0;
    for group in groups {
        buffer[len..len + group.len()].copy_from_slice(&text[group.start as usize..group.end as usize]);
        len += group.len();
    }
    &buffer[..len]
}
