//! US postal addresses in running text: street lines, post office boxes, and city, state and ZIP code.
//!
//! A street line is told by its number and its suffix (USPS Publication 28, Appendix C1), a city and a ZIP code by the
//! state between them. Nothing is guessed from a number and a word alone.

use std::ops::Range;

/// Street suffixes that are hardly anything else.
pub(crate) const SUFFIXES: &[&str] = &[
    "street",
    "avenue",
    "ave",
    "road",
    "rd",
    "lane",
    "ln",
    "boulevard",
    "blvd",
    "parkway",
    "pkwy",
    "highway",
    "hwy",
    "terrace",
    "turnpike",
    "expressway",
    "broadway",
    "cul de sac",
];

/// Street suffixes that are other words, too: only behind capitals.
pub(crate) const COMMON_SUFFIXES: &[&str] = &[
    "st", "dr", "drive", "ct", "court", "cir", "circle", "pl", "place", "ter", "way", "sq", "square", "trl", "trail",
    "loop", "alley", "plaza", "pike", "crossing", "path", "row", "run", "ridge", "point", "heights", "park", "route",
];

/// States, territories and military mail, with their names.
pub(crate) const STATES: &[&str] = &[
    "al",
    "ak",
    "az",
    "ar",
    "ca",
    "co",
    "ct",
    "de",
    "dc",
    "fl",
    "ga",
    "hi",
    "id",
    "il",
    "in",
    "ia",
    "ks",
    "ky",
    "la",
    "me",
    "md",
    "ma",
    "mi",
    "mn",
    "ms",
    "mo",
    "mt",
    "ne",
    "nv",
    "nh",
    "nj",
    "nm",
    "ny",
    "nc",
    "nd",
    "oh",
    "ok",
    "or",
    "pa",
    "ri",
    "sc",
    "sd",
    "tn",
    "tx",
    "ut",
    "vt",
    "va",
    "wa",
    "wv",
    "wi",
    "wy",
    "pr",
    "gu",
    "vi",
    "aa",
    "ae",
    "ap",
    "alabama",
    "alaska",
    "arizona",
    "arkansas",
    "california",
    "colorado",
    "connecticut",
    "delaware",
    "florida",
    "georgia",
    "hawaii",
    "idaho",
    "illinois",
    "indiana",
    "iowa",
    "kansas",
    "kentucky",
    "louisiana",
    "maine",
    "maryland",
    "massachusetts",
    "michigan",
    "minnesota",
    "mississippi",
    "missouri",
    "montana",
    "nebraska",
    "nevada",
    "new hampshire",
    "new jersey",
    "new mexico",
    "new york",
    "north carolina",
    "north dakota",
    "ohio",
    "oklahoma",
    "oregon",
    "pennsylvania",
    "rhode island",
    "south carolina",
    "south dakota",
    "tennessee",
    "texas",
    "utah",
    "vermont",
    "virginia",
    "washington",
    "west virginia",
    "wisconsin",
    "wyoming",
];

/// Words that no street is named with before its suffix: a sentence goes on.
const STOPS: &[&[u8]] = &[
    b"in", b"the", b"of", b"at", b"on", b"and", b"to", b"for", b"a", b"an", b"is", b"are", b"was", b"from", b"with",
    b"by", b"or", b"people", b"his", b"her", b"their", b"my", b"our", b"per", b"takes", b"took", b"down", b"this",
    b"that", b"every", b"each", b"miles", b"minutes", b"hours", b"days", b"percent", b"than", b"times", b"into",
];

const DIRECTIONS: &[&[u8]] = &[
    b"n",
    b"s",
    b"e",
    b"w",
    b"ne",
    b"nw",
    b"se",
    b"sw",
    b"north",
    b"south",
    b"east",
    b"west",
    b"northeast",
    b"northwest",
    b"southeast",
    b"southwest",
];

const UNITS: &[&[u8]] =
    &[b"apt", b"apartment", b"suite", b"ste", b"unit", b"floor", b"fl", b"room", b"rm", b"bldg", b"building", b"lot"];

/// How far back a street line or a city is looked for.
const REACH: usize = 80;

/// The street line whose suffix stands at `start..end`: `1234 Elm Street NW, Apt 5B`.
pub(crate) fn street(text: &[u8], start: usize, end: usize, common: bool) -> Option<Range<usize>> {
    let broadway = text[start..end].eq_ignore_ascii_case(b"broadway");
    if common && !text[start].is_ascii_uppercase() {
        return small_street(text, start, end);
    }
    let (mut at, mut names) = (start, usize::from(broadway));
    for _ in 0..6 {
        let word = word_before(text, at)?;
        let this = &text[word.clone()];
        if is_house_number(this) && names > 0 {
            // `Old Number 6 Highway`: the number belongs to the name.
            let numbered = word_before(text, word.start).is_some_and(|w| {
                [&b"number"[..], b"no", b"route", b"highway", b"county", b"state"]
                    .iter()
                    .any(|n| n.eq_ignore_ascii_case(&text[w.clone()]))
            });
            if !numbered {
                return stands_free(text, word.start).then(|| word.start..with_unit(text, end));
            }
        }
        if STOPS.iter().any(|s| s.eq_ignore_ascii_case(this))
            || (common && !this[0].is_ascii_uppercase() && !this[0].is_ascii_digit())
        {
            return None;
        }
        names += 1;
        at = word.start;
    }
    None
}

/// A street line in small letters, `504 parkwood drive`: a number of two digits or more, a name that no measure is
/// called by, and the end of a clause behind it.
fn small_street(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let suffix = &text[start..end];
    if ![&b"st"[..], b"dr", b"drive", b"ct", b"cir", b"court", b"circle", b"pl"].contains(&suffix) {
        return None;
    }
    let dotted = end + usize::from(text.get(end) == Some(&b'.'));
    let rest = &text[dotted..text.len().min(dotted + 8)];
    let word = &rest[rest.iter().take_while(|b| matches!(b, b' ' | b',')).count()..];
    let closes = rest.is_empty()
        || matches!(rest[0], b'\n' | b'\r' | b',' | b';' | b'"' | b')')
        || dotted > end
        || UNITS.iter().any(|unit| word.starts_with(unit))
        || word.starts_with(b"#")
        || word.starts_with(b"in ");
    let (mut at, mut names) = (start, 0);
    while closes && names < 3 {
        let before = word_before(text, at)?;
        let this = &text[before.clone()];
        if names > 0 && is_house_number(this) && this.len() >= 2 {
            return stands_free(text, before.start).then(|| before.start..with_unit(text, end));
        }
        let numbered = this[0].is_ascii_digit() && this.ends_with(b"th");
        let stops = STOPS.iter().chain(MEASURES).any(|stop| stop.eq_ignore_ascii_case(this));
        if stops || !(numbered || this.len() >= 3 && this.iter().all(u8::is_ascii_alphabetic) || is_direction(this)) {
            return None;
        }
        (at, names) = (before.start, names + 1);
    }
    None
}

/// The city and the postal code behind a street line that ends at `end`, where no state stands between them:
/// `, Springfield 62704`, `, London NW1 6XE`, `, Ottawa, ON K1M 1M4`.
pub(crate) fn city_and_code(text: &[u8], end: usize) -> Option<(Range<usize>, Range<usize>)> {
    let separators = |at: usize| text[at..].iter().take(2).take_while(|b| matches!(b, b' ' | b',' | b'\n')).count();
    let start = end + separators(end);
    let (mut at, mut city) = (start, start);
    for _ in 0..5 {
        if let Some(length) = postal_code(&text[at..]) {
            let free = !text.get(at + length).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
            return (city > start && free).then(|| (start..city, at..at + length));
        }
        let length =
            text[at..].iter().take(24).take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80 || **b == b'-').count();
        let word = &text[at..at + length];
        if length < 2 || !(word[0].is_ascii_uppercase() || word[0] >= 0x80) {
            return None;
        }
        let province = length == 2 && word.iter().all(u8::is_ascii_uppercase);
        at += length;
        if !province {
            city = at;
        }
        at += separators(at);
    }
    None
}

/// Length of a postal code of the US, Canada or the United Kingdom at the beginning.
fn postal_code(text: &[u8]) -> Option<usize> {
    let shape = |pattern: &[u8]| {
        pattern.len() <= text.len()
            && pattern.iter().zip(text).all(|(p, b)| match p {
                b'9' => b.is_ascii_digit(),
                b'A' => b.is_ascii_uppercase(),
                _ => p == b,
            })
    };
    const SHAPES: [&[u8]; 9] =
        [b"99999-9999", b"99999", b"A9A 9A9", b"A9A9A9", b"A9 9AA", b"A99 9AA", b"AA9 9AA", b"AA99 9AA", b"AA9A 9AA"];
    SHAPES.iter().find(|pattern| shape(pattern)).map(|pattern| pattern.len())
}

/// Words before a suffix that make it something else: `16 gb drive`, `90 minute drive`.
const MEASURES: &[&[u8]] = &[
    b"gb",
    b"tb",
    b"mb",
    b"hard",
    b"disk",
    b"flash",
    b"usb",
    b"minute",
    b"hour",
    b"mile",
    b"day",
    b"week",
    b"month",
    b"year",
    b"km",
    b"network",
    b"thumb",
    b"solid",
    b"state",
    b"food",
    b"tennis",
    b"supreme",
    b"district",
    b"inner",
    b"full",
    b"half",
    b"first",
    b"second",
    b"third",
    b"test",
    b"long",
    b"short",
    b"external",
    b"backup",
    b"inch",
    b"shared",
    b"line",
    b"wheel",
    b"fund",
    b"donation",
    b"blood",
    b"people",
    b"cases",
    b"judges",
];

/// The post office box whose `box` stands at `start..end`.
pub(crate) fn post_office_box(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let before = &text[start.saturating_sub(13)..start];
    let lead = [&b"p.o. "[..], b"p.o.", b"po ", b"p o ", b"p. o. ", b"post office ", b"apartado postal "];
    let lead =
        lead.iter().find(|l| before.len() >= l.len() && before[before.len() - l.len()..].eq_ignore_ascii_case(l));
    let numbered = || {
        // `Box # 209` at the beginning of a line.
        let begins = start == 0 || text[start - 1] == b'\n';
        begins && text[start] == b'B' && text[end..].iter().take(3).any(|b| *b == b'#')
    };
    let from = match lead {
        Some(lead) => start - lead.len(),
        None => match route_before(text, start) {
            Some(from) => from,
            None => numbered().then_some(start)?,
        },
    };
    let gap = text[end..].iter().take(3).take_while(|b| matches!(b, b' ' | b'#' | b':')).count();
    let digits = text[end + gap..].iter().take_while(|b| b.is_ascii_digit()).count();
    // `Box 23A`
    let after = end + gap + digits;
    let lettered = text.get(after).is_some_and(u8::is_ascii_uppercase)
        && !text.get(after + 1).is_some_and(u8::is_ascii_alphanumeric);
    let free = from == 0 || !text[from - 1].is_ascii_alphanumeric();
    (gap > 0 && (1..=7).contains(&digits) && free).then(|| from..after + usize::from(lettered))
}

/// Where the route or the unit before a box begins: `RR 2 Box 152`, `HC 68 Box 23A`, `PSC 802 Box 74`.
fn route_before(text: &[u8], start: usize) -> Option<usize> {
    const ROUTES: [&[u8]; 14] = [
        b"rr",
        b"r.r.",
        b"rd",
        b"rfd",
        b"rural route",
        b"hc",
        b"hcr",
        b"highway contract",
        b"star route",
        b"psc",
        b"cmr",
        b"unit",
        b"omr",
        b"route",
    ];
    let number = text[..start].trim_ascii_end();
    let number = number.strip_suffix(b",").unwrap_or(number);
    let digits = number.iter().rev().take(6).take_while(|b| b.is_ascii_digit()).count();
    let route = number[..number.len() - digits].trim_ascii_end();
    let route = route.strip_suffix(b"#").unwrap_or(route).trim_ascii_end();
    let ends = |name: &&&[u8]| {
        route.len() >= name.len()
            && route[route.len() - name.len()..].eq_ignore_ascii_case(name)
            && !route[..route.len() - name.len()].last().is_some_and(u8::is_ascii_alphanumeric)
    };
    let longest = ROUTES.iter().filter(ends).max_by_key(|name| name.len())?;
    let near = start - route.len() <= 12 && (1..=5).contains(&digits);
    near.then(|| route.len() - longest.len())
}

/// What stands around a state: `12 Oak Ave, Springfield, IL 62704-1234`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The city before the state.
    pub city: Option<Range<usize>>,
    /// The ZIP code after it.
    pub code: Range<usize>,
    /// The street line before the city, where it has a number.
    pub street: Option<Range<usize>>,
}

/// The city and the ZIP code around the state at `start..end`.
pub(crate) fn place(text: &[u8], start: usize, end: usize) -> Option<Place> {
    let state = &text[start..end];
    let written = match state.len() {
        2 => state.iter().all(u8::is_ascii_uppercase),
        _ => state[0].is_ascii_uppercase(),
    };
    let gap = text[end..].iter().take(4).take_while(|b| matches!(b, b' ' | b',' | b'.')).count();
    if !written || gap == 0 || (start > 0 && !matches!(text[start - 1], b' ' | b',' | b'\t' | b'\n')) {
        return None;
    }
    let from = end + gap;
    let digits = |at: usize| text[at.min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut to = match digits(from) {
        5 => from + 5,
        _ => return None,
    };
    if text.get(to) == Some(&b'-') && digits(to + 1) == 4 {
        to += 5;
    }
    if text.get(to).is_some_and(|b| b.is_ascii_alphanumeric() || (matches!(b, b'-' | b'/') && digits(to + 1) > 0)) {
        return None;
    }
    let city = city_before(text, start);
    let line = |city: &Range<usize>| numbered_line(text, city.start).or_else(|| named_line(text, city.start));
    let street = city.as_ref().and_then(line);
    Some(Place { city, code: from..to, street })
}

/// Up to four capitalised words before the state; a comma before them, a number, or a street's suffix ends them.
fn city_before(text: &[u8], state: usize) -> Option<Range<usize>> {
    let end = state - text[..state].iter().rev().take(3).take_while(|b| matches!(b, b' ' | b',')).count();
    let (mut start, mut at) = (end, end);
    for _ in 0..4 {
        let Some(word) = word_before(text, at) else { break };
        let this = &text[word.clone()];
        let suffix = |list: &[&str]| list.iter().any(|s| s.as_bytes().eq_ignore_ascii_case(this));
        let ends = !this[0].is_ascii_uppercase() && this[0] < 0x80
            || this.iter().any(u8::is_ascii_digit)
            || suffix(SUFFIXES)
            || (start < end
                && (suffix(COMMON_SUFFIXES)
                    && !matches!(this.to_ascii_lowercase().as_slice(), b"st" | b"park" | b"point")))
            || (start < end
                && this.len() > 2
                && is_direction(this)
                && word_before(text, word.start).is_some_and(|w| is_suffix(&text[w])));
        if ends {
            break;
        }
        (start, at) = (word.start, word.start);
        if text[..at].last().is_some_and(|b| *b == b',') || text[..at].ends_with(b", ") {
            break;
        }
    }
    (end - start >= 3).then_some(start..end)
}

fn is_suffix(word: &[u8]) -> bool {
    SUFFIXES.iter().chain(COMMON_SUFFIXES).any(|s| s.as_bytes().eq_ignore_ascii_case(word))
}

fn is_direction(word: &[u8]) -> bool {
    DIRECTIONS.iter().any(|d| d.eq_ignore_ascii_case(word))
}

/// The words before a city back to a house number, on the same line.
fn numbered_line(text: &[u8], city: usize) -> Option<Range<usize>> {
    let end = city - text[..city].iter().rev().take(3).take_while(|b| matches!(b, b' ' | b',')).count();
    let (mut at, mut names, mut found) = (end, 0, None);
    for _ in 0..8 {
        let skip = text[..at].iter().rev().take(2).take_while(|b| matches!(b, b' ' | b',' | b'#')).count();
        let Some(word) = word_before(text, at - skip + usize::from(skip > 0 && text[at - 1] == b' ')) else { break };
        let this = &text[word.clone()];
        if is_house_number(this) && names > 0 && stands_free(text, word.start) {
            found = Some(word.start..end);
        }
        if STOPS.iter().any(|s| s.eq_ignore_ascii_case(this)) || end - word.start > REACH {
            break;
        }
        names += usize::from(this[0].is_ascii_alphabetic());
        at = word.start;
    }
    found
}

/// The words before a city back to the beginning of the line or a comma, if they name a road without a number:
/// `Anchor Inn Road`, `Highway 34 East`, `Box 63`.
fn named_line(text: &[u8], city: usize) -> Option<Range<usize>> {
    let end = city - text[..city].iter().rev().take(3).take_while(|b| matches!(b, b' ' | b',')).count();
    let (mut at, mut names_road) = (end, false);
    for _ in 0..6 {
        let Some(word) = word_before(text, at) else { break };
        let this = &text[word.clone()];
        if !(this[0].is_ascii_uppercase() || this[0].is_ascii_digit()) {
            return None;
        }
        names_road |=
            SUFFIXES.iter().any(|s| s.as_bytes().eq_ignore_ascii_case(this)) || this.eq_ignore_ascii_case(b"box");
        at = word.start;
        if at == 0 || matches!(text[at - 1], b'\n' | b',' | b'"' | b'\t') {
            break;
        }
    }
    let opens = at == 0 || matches!(text[at - 1], b'\n' | b',' | b'"' | b'\t') || text[..at].ends_with(b", ");
    (names_road && opens && end - at >= 6).then_some(at..end)
}

/// The word that ends just before `at`, a space between; letters, digits and `.'-#`.
fn word_before(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = match at.checked_sub(1).map(|i| text[i]) {
        Some(b' ') => at - 1,
        _ => at,
    };
    let of_word = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || matches!(b, b'.' | b'\'' | b'-' | b'/');
    let length = text[..end].iter().rev().take(24).take_while(|b| of_word(b)).count();
    (length > 0).then(|| end - length..end)
}

/// `12`, `12B`, `94-210`, `12 1/2` without its fraction.
fn is_house_number(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let hyphens = word.iter().filter(|b| **b == b'-').count();
    word[0].is_ascii_digit()
        && digits + letters + hyphens == word.len()
        && (1..=6).contains(&digits)
        && letters <= 1
        && hyphens <= 1
        && (letters == 0 || word[word.len() - 1].is_ascii_alphabetic())
}

/// Whether what begins at `start` is no part of a longer number or word.
fn stands_free(text: &[u8], start: usize) -> bool {
    !start.checked_sub(1).is_some_and(|i| {
        text[i].is_ascii_alphanumeric() || matches!(text[i], b'$' | b'.' | b'-' | b'/' | b'%' | b'+' | b'_')
    })
}

/// The end of a street line with a direction and a unit behind its suffix.
fn with_unit(text: &[u8], suffix_end: usize) -> usize {
    let mut end =
        suffix_end + usize::from(text.get(suffix_end) == Some(&b'.') && text.get(suffix_end + 1) == Some(&b' '));
    let word_at = |at: usize| {
        let length = text[at..].iter().take(12).take_while(|b| b.is_ascii_alphanumeric()).count();
        at..at + length
    };
    if text.get(end) == Some(&b' ') {
        let word = word_at(end + 1);
        let this = &text[word.clone()];
        if is_direction(this) && (this.len() > 2 || this.iter().all(u8::is_ascii_uppercase)) {
            end = word.end;
        }
    }
    if numbered_road(&text[..suffix_end]) && text.get(end) == Some(&b' ') {
        let number = word_at(end + 1);
        if (1..=4).contains(&number.len()) && text[number.start].is_ascii_digit() {
            end = number.end;
        }
    }
    let gap = text[end..].iter().take(2).take_while(|b| matches!(b, b' ' | b',')).count();
    let unit = word_at(end + gap);
    // `, 21st Floor`
    let ordinal = &text[unit.clone()];
    if gap > 0 && ordinal.first().is_some_and(u8::is_ascii_digit) && ordinal.last().is_some_and(u8::is_ascii_alphabetic)
    {
        let floor = word_at((unit.end + 1).min(text.len()));
        if text[floor.clone()].eq_ignore_ascii_case(b"floor") || text[floor.clone()].eq_ignore_ascii_case(b"fl") {
            return floor.end;
        }
    }
    let (known, mut at) = if text.get(end + gap) == Some(&b'#') {
        (true, end + gap)
    } else {
        (gap > 0 && UNITS.iter().any(|u| u.eq_ignore_ascii_case(&text[unit.clone()])), unit.end)
    };
    if known {
        at += text[at..].iter().take(3).take_while(|b| matches!(b, b' ' | b'.' | b'#')).count();
        let number = word_at(at);
        if (1..=6).contains(&number.len()) && (text[number.clone()].iter().any(u8::is_ascii_digit) || number.len() == 1)
        {
            return number.end;
        }
    }
    end.min(text.len())
}

/// Whether a road that ends here is called by a number: `County Road`, `State Route`, `US Highway`.
fn numbered_road(text: &[u8]) -> bool {
    [
        &b"county road"[..],
        b"county rd",
        b"state route",
        b"state road",
        b"us highway",
        b"u.s. highway",
        b"highway",
        b"hwy",
    ]
    .iter()
    .any(|road| text.len() >= road.len() && text[text.len() - road.len()..].eq_ignore_ascii_case(road))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_are_read_around_their_suffix() {
        let cases = [
            ("lives at 1234 Elm Street, Apt 5B, in", "Street", false, Some("1234 Elm Street, Apt 5B")),
            ("222 7th Street Southeast Washington", "Street", false, Some("222 7th Street Southeast")),
            ("12188 Old Number 6 Highway Eutawville", "Highway", false, Some("12188 Old Number 6 Highway")),
            ("3 elm boulevard", "boulevard", false, Some("3 elm boulevard")),
            ("2 Broadway", "Broadway", false, Some("2 Broadway")),
            ("10 people in the street", "street", false, None),
            ("paid $12 Elm Street", "Street", false, None),
            ("42 Oak Dr. #3, Reno", "Dr", true, Some("42 Oak Dr. #3")),
            ("5 times we drive", "drive", true, None),
        ];
        for (text, suffix, common, want) in cases {
            let at = text.find(suffix).unwrap();
            let got = street(text.as_bytes(), at, at + suffix.len(), common).map(|r| &text[r]);
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn places_are_read_around_their_state() {
        let cases = [
            ("12 Oak Ave, Springfield, IL 62704-1234.", "IL", "Springfield", "62704-1234", Some("12 Oak Ave")),
            ("New Iberia LA 70560", "LA", "New Iberia", "70560", None),
            ("94-210 Leokane Suite 105 Waipahu HI 96797", "HI", "Waipahu", "96797", Some("94-210 Leokane Suite 105")),
            (
                "4931 South State Street Salt Lake City UT 84107",
                "UT",
                "Salt Lake City",
                "84107",
                Some("4931 South State Street"),
            ),
            (
                "844 6th Street Northwest Winter Haven FL 33881",
                "FL",
                "Winter Haven",
                "33881",
                Some("844 6th Street Northwest"),
            ),
        ];
        for (text, state, city, code, line) in cases {
            let at = text.rfind(state).unwrap();
            let got = place(text.as_bytes(), at, at + 2).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(got.city.map(|r| &text[r]), Some(city), "{text}");
            assert_eq!(&text[got.code], code);
            assert_eq!(got.street.map(|r| &text[r]), line, "{text}");
        }
        assert_eq!(place(b"ok OR 123456", 3, 5), None);
        assert_eq!(place(b"we saw in 12345", 7, 9), None);
    }

    #[test]
    fn boxes_are_read() {
        let text = b"hey P.O. Box 234234 hey";
        assert_eq!(post_office_box(text, 9, 12), Some(4..19));
        assert_eq!(post_office_box(b"the box 12", 4, 7), None);
        assert_eq!(post_office_box(b"Box # 209 Somewhere", 0, 3), Some(0..9));
        assert_eq!(post_office_box(b"in Box # 209", 3, 6), None);
    }
}
