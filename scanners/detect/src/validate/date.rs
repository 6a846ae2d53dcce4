//! Calendar dates as people and programs write them.

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Date {
    /// 1800 to 2199.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Whether day and month could be exchanged: the order was a guess.
    pub ambiguous: bool,
}

impl Date {
    fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u32::from(leap),
            1..=12 => 31,
            _ => return None,
        };
        ((1800..2200).contains(&year) && (1..=days).contains(&day)).then_some(Self {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            ambiguous: false,
        })
    }

    /// `YYYYMMDD`.
    pub fn standard(self) -> [u8; 8] {
        let number = u32::from(self.year) * 10_000 + u32::from(self.month) * 100 + u32::from(self.day);
        let mut out = [b'0'; 8];
        let mut rest = number;
        for byte in out.iter_mut().rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out
    }
}

/// A whole value as a date, month first where that is a guess; a time of day may follow.
pub fn parse(value: &[u8]) -> Option<Date> {
    parse_ordered(value, false)
}

/// A whole value as a date, with the order of day and month where that is a guess.
#[inline]
pub fn parse_ordered(value: &[u8], day_first: bool) -> Option<Date> {
    let (date, used) = prefix(value, day_first)?;
    (used == value.len() || time(&value[used..])).then_some(date)
}

/// A date at the beginning of some bytes, with the number of bytes it takes.
///
/// `1980-02-29`, `1980/2/29`, `19800229`, `2/29/1980`, `29.02.80`, `2-29-1980`, `29 Feb 1980`, `Feb. 29th, 1980`,
/// `29-FEB-1980`, Spanish `29 de febrero de 1980`.
#[inline]
pub fn prefix(value: &[u8], day_first: bool) -> Option<(Date, usize)> {
    let mut at = 0;
    let (first, width) = digits(value, &mut at);
    match width {
        0 => month_first(value),
        8 => Some((Date::new(first / 10_000, first / 100 % 100, first % 100)?, 8)),
        4 => year_first(value, first, at),
        1 | 2 => small_first(value, first, at, day_first),
        _ => None,
    }
}

fn year_first(value: &[u8], year: u32, mut at: usize) -> Option<(Date, usize)> {
    let separator = separator(value, at)?;
    at += 1;
    let month = match digits(value, &mut at) {
        (month, 1 | 2) => month,
        (_, 0) => month_name(value, &mut at)?,
        _ => return None,
    };
    if value.get(at) != Some(&separator) {
        return None;
    }
    at += 1;
    match digits(value, &mut at) {
        (day, 1 | 2) => Some((Date::new(year, month, day)?, at)),
        _ => None,
    }
}

fn small_first(value: &[u8], first: u32, mut at: usize, day_first: bool) -> Option<(Date, usize)> {
    let mut try_name = at;
    ordinal(value, &mut try_name);
    if let Some(found) = day_and_name(value, first, try_name) {
        return Some(found);
    }
    let separator = separator(value, at)?;
    at += 1;
    let (second, width) = digits(value, &mut at);
    if !matches!(width, 1 | 2) || value.get(at) != Some(&separator) {
        return None;
    }
    at += 1;
    let year = year(value, &mut at)?;
    let (month, day) = match (first > 12, second > 12) {
        (true, false) => (second, first),
        (false, true) => (first, second),
        (false, false) if day_first => (second, first),
        (false, false) => (first, second),
        (true, true) => return None,
    };
    let mut date = Date::new(year, month, day)?;
    date.ambiguous = first <= 12 && second <= 12 && first != second;
    Some((date, at))
}

/// `29 Feb 1980`, `29-FEB-80`, `29 de febrero de 1980`, `29th of February, 1980`.
fn day_and_name(value: &[u8], day: u32, mut at: usize) -> Option<(Date, usize)> {
    gap(value, &mut at);
    word(value, &mut at, b"of ");
    word(value, &mut at, b"de ");
    let month = month_name(value, &mut at)?;
    gap(value, &mut at);
    word(value, &mut at, b"de ");
    word(value, &mut at, b"del ");
    let year = year(value, &mut at)?;
    Some((Date::new(year, month, day)?, at))
}

/// `Feb. 29th, 1980`.
fn month_first(value: &[u8]) -> Option<(Date, usize)> {
    let mut at = 0;
    let month = month_name(value, &mut at)?;
    gap(value, &mut at);
    let (day, width) = digits(value, &mut at);
    if !matches!(width, 1 | 2) {
        return None;
    }
    ordinal(value, &mut at);
    let before = at;
    gap(value, &mut at);
    if at == before {
        return None;
    }
    let year = year(value, &mut at)?;
    Some((Date::new(year, month, day)?, at))
}

/// A year of four digits, or of two: up to 30 is this century.
fn year(value: &[u8], at: &mut usize) -> Option<u32> {
    if value.get(*at) == Some(&b'\'') {
        *at += 1;
    }
    match digits(value, at) {
        (year, 4) => Some(year),
        (year, 2) => Some(if year <= 30 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

fn separator(value: &[u8], at: usize) -> Option<u8> {
    value.get(at).copied().filter(|b| matches!(b, b'-' | b'/' | b'.'))
}

/// Up to nine digits and how many they are.
#[inline]
fn digits(value: &[u8], at: &mut usize) -> (u32, usize) {
    let start = *at;
    let mut number = 0u32;
    while let Some(digit) = value.get(*at).filter(|b| b.is_ascii_digit()) {
        if *at - start == 9 {
            break;
        }
        number = number * 10 + u32::from(digit & 15);
        *at += 1;
    }
    (number, *at - start)
}

fn ordinal(value: &[u8], at: &mut usize) {
    for suffix in [&b"st"[..], b"nd", b"rd", b"th"] {
        word(value, at, suffix);
    }
}

/// Spaces, a comma, a full stop, a hyphen between the parts.
fn gap(value: &[u8], at: &mut usize) {
    while value.get(*at).is_some_and(|b| matches!(b, b' ' | b',' | b'.' | b'-' | b'/')) {
        *at += 1;
    }
}

fn word(value: &[u8], at: &mut usize, word: &[u8]) -> bool {
    let found = value.get(*at..*at + word.len()).is_some_and(|v| v.eq_ignore_ascii_case(word));
    if found {
        *at += word.len();
    }
    found
}

/// A month by its English or Spanish name, whole or three letters (four for `sept`).
fn month_name(value: &[u8], at: &mut usize) -> Option<u32> {
    const NAMES: [(&[u8], u32); 24] = [
        (b"january", 1),
        (b"february", 2),
        (b"march", 3),
        (b"april", 4),
        (b"may", 5),
        (b"june", 6),
        (b"july", 7),
        (b"august", 8),
        (b"september", 9),
        (b"october", 10),
        (b"november", 11),
        (b"december", 12),
        (b"enero", 1),
        (b"febrero", 2),
        (b"marzo", 3),
        (b"abril", 4),
        (b"mayo", 5),
        (b"junio", 6),
        (b"julio", 7),
        (b"agosto", 8),
        (b"septiembre", 9),
        (b"octubre", 10),
        (b"noviembre", 11),
        (b"diciembre", 12),
    ];
    let rest = value.get(*at..)?;
    let len = rest.iter().take(11).take_while(|b| b.is_ascii_alphabetic()).count();
    // `29FEB1980` and `Feb 29` alike: the letters end where the name ends.
    let name = &rest[..len];
    if len < 3 {
        return None;
    }
    let short = len == 3 || (len == 4 && name[..4].eq_ignore_ascii_case(b"sept"));
    let matches = |full: &[u8]| {
        full.eq_ignore_ascii_case(name) || (short && full[..len.min(full.len())].eq_ignore_ascii_case(name))
    };
    let month = NAMES.iter().find(|(full, _)| matches(full))?.1;
    *at += len;
    Some(month)
}

/// A time of day after a date: `T10:00:00.000Z`, ` 10:00`, ` 12:00:00 AM`, with an offset.
fn time(value: &[u8]) -> bool {
    let (b' ' | b'T' | b't') = value[0] else { return false };
    let rest = &value[1..];
    rest.len() <= 24
        && rest.len() >= 5
        && rest[0].is_ascii_digit()
        && rest.contains(&b':')
        && rest.iter().all(|b| b.is_ascii_digit() || b":.+-ZzAaPpMmUTC ".contains(b))
}
