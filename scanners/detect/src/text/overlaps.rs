//! Overlaps: where several rules claim the same place, who is right.
//!
//! What stands by its own proof (a check digit, an `@`) beats what only a word nearby makes a hit, and of those the
//! one whose word is nearest; a check digit with its word beats the grouping of a telephone number. Different things that truly stand in one another, an address in a URL, both stay.

use super::Found;
use super::compile::Compiled;
use crate::Type;

/// Drops the hits that another one at the same place refutes; `found` is in canonical order.
pub(super) fn settle(rules: &[Compiled], found: &mut Vec<Found>, dropped: &mut Vec<bool>) {
    let overlap = found.windows(2).any(|pair| pair[1].start < pair[0].end);
    if !overlap {
        return;
    }
    dropped.clear();
    dropped.resize(found.len(), false);
    for i in 0..found.len() {
        let this = found[i];
        let after = found[i + 1..].iter().take_while(|f| f.start < this.end).count();
        for j in i + 1..=i + after {
            match loser(rules, &this, &found[j]) {
                Some(Side::First) => dropped[i] = true,
                Some(Side::Second) => dropped[j] = true,
                None => {}
            }
        }
    }
    let mut each = dropped.iter();
    found.retain(|_| !each.next().copied().unwrap_or(false));
}

enum Side {
    First,
    Second,
}

fn loser(rules: &[Compiled], a: &Found, b: &Found) -> Option<Side> {
    if a.kind == Type::Url || b.kind == Type::Url {
        return None;
    }
    if a.rule == b.rule {
        // The longer one saw through an escape at which the other stopped.
        return if covers(a, b) { Some(Side::Second) } else { None };
    }
    if checked_beside_telephone(rules, a, b) {
        return Some(Side::First);
    }
    if checked_beside_telephone(rules, b, a) {
        return Some(Side::Second);
    }
    if let Some(side) = name_inside(a, b) {
        return Some(side);
    }
    match (a.weak, b.weak) {
        // A code with a check of its own is not made of others; a token may hold some, encoded.
        (None, None) if is_code(a.kind) && covers(a, b) && a.kind != b.kind && !b.decoded => Some(Side::Second),
        (None, None) if is_code(b.kind) && covers(b, a) && a.kind != b.kind && !a.decoded => Some(Side::First),
        (None, None) => None,
        (None, Some(_)) => covers(a, b).then_some(Side::Second),
        (Some(_), None) => covers(b, a).then_some(Side::First),
        (Some(x), Some(y)) => {
            let first_is_better = (x, b.confidence, a.rule) <= (y, a.confidence, b.rule);
            Some(if first_is_better { Side::Second } else { Side::First })
        }
    }
}

/// Whether `number`, with its check digit and its word, refutes a `telephone` that only its grouping proves, and that no
/// nearer word speaks for.
fn checked_beside_telephone(rules: &[Compiled], telephone: &Found, number: &Found) -> bool {
    telephone.kind == Type::Phone
        && rules[usize::from(number.rule)].checked
        && number.word.is_some_and(|word| telephone.word.is_none_or(|other| word < other))
}

/// Whether one of them is a name that is only part of the other: `Sterling` of Sterling & Associates; or a word of a
/// list of names that a nearby word explains: a practising `Muslim`.
fn name_inside(a: &Found, b: &Found) -> Option<Side> {
    let explains = |kind| {
        matches!(
            kind,
            Type::Organization | Type::Religion | Type::Nationality | Type::Ethnicity | Type::SexualOrientation
        )
    };
    match (a.kind, b.kind) {
        (kind, Type::PersonName) if explains(kind) && covers(a, b) => Some(Side::Second),
        (Type::PersonName, kind) if explains(kind) && covers(b, a) => Some(Side::First),
        _ => None,
    }
}

fn is_code(kind: Type) -> bool {
    matches!(kind, Type::Iban | Type::CryptoAddress | Type::ApiKey | Type::Vin | Type::MacAddress)
}

fn covers(strong: &Found, weak: &Found) -> bool {
    strong.start <= weak.start && weak.end <= strong.end
}
