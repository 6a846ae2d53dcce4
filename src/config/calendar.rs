//! Days and spans of the calendar, as people write them into the configuration: `2027-06-30`, `2y`, `1y 6mo`, `90d`.
//!
//! How long something is kept is agreed in years and months, which are not a number of seconds; the other spans of the
//! configuration ([`Span`](super::Span)) are. There are no time zones here: a day is a day.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Day {
    year: i32,
    month: u8,
    day: u8,
}

/// A length of time by the calendar. Months are added before days; a day that a month does not have becomes its last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct CalendarSpan {
    /// Months, of which twelve are a year.
    pub months: u32,
    /// Days, of which seven are a week.
    pub days: u32,
}

impl Day {
    /// A day, if there is one with this date.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let is_day = (1..=9999).contains(&year) && (1..=12).contains(&month);
        (is_day && (1..=last_of(year, month)).contains(&day)).then_some(Self { year, month, day })
    }

    /// Today in UTC.
    pub fn today() -> Self {
        crate::clock::today().parse().expect("the clock writes days as they are read here")
    }

    /// The day that lies so much later; the last one there is, if that is beyond the year 9999.
    pub fn after(self, span: CalendarSpan) -> Self {
        self.shifted(i64::from(span.months), i64::from(span.days))
    }

    /// The day that lies so much earlier: what was collected before it has been kept for longer than the span.
    pub fn before(self, span: CalendarSpan) -> Self {
        self.shifted(-i64::from(span.months), -i64::from(span.days))
    }

    fn shifted(self, months: i64, days: i64) -> Self {
        const FIRST: Day = Day { year: 1, month: 1, day: 1 };
        const LAST: Day = Day { year: 9999, month: 12, day: 31 };
        let month = i64::from(self.year) * 12 + i64::from(self.month) - 1 + months;
        let year = month.div_euclid(12).clamp(0, 10_000) as i32;
        let month = month.rem_euclid(12) as u8 + 1;
        let number = number(year, month, self.day.min(last_of(year, month))) + days;
        from_number(number.clamp(FIRST.number(), LAST.number()))
    }

    fn number(self) -> i64 {
        number(self.year, self.month, self.day)
    }
}

impl CalendarSpan {
    /// As ISO 8601 writes it: `P1Y6M`, `P90D`.
    pub fn iso8601(self) -> String {
        let part = |n: u32, unit: &str| if n > 0 { format!("{n}{unit}") } else { String::new() };
        format!("P{}{}{}", part(self.months / 12, "Y"), part(self.months % 12, "M"), part(self.days, "D"))
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('-').collect();
        let is_form = matches!(parts[..], [y, m, d] if (y.len(), m.len(), d.len()) == (4, 2, 2))
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let number = |i: usize| parts.get(i).and_then(|part| part.parse::<u16>().ok());
        let day = match (number(0), number(1), number(2)) {
            (Some(y), Some(m), Some(d)) if is_form => Self::new(i32::from(y), m as u8, d as u8),
            _ => None,
        };
        day.ok_or_else(|| format!("`{text}` is no day; write it like `2027-06-30`"))
    }
}

impl FromStr for CalendarSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no span of the calendar; write years `2y`, months `18mo`, weeks `6w`, days `90d`, or together `1y 6mo`"
            )
        };
        let mut span = Self { months: 0, days: 0 };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let number: u32 = number.parse().ok().filter(|n| *n <= 9999).ok_or_else(wrong)?;
            let (sum, more) = match unit {
                "y" => (&mut span.months, number * 12),
                "mo" => (&mut span.months, number),
                "w" => (&mut span.days, number * 7),
                "d" => (&mut span.days, number),
                _ => return Err(wrong()),
            };
            *sum = sum.checked_add(more).ok_or_else(wrong)?;
            rest = tail.trim_start();
        }
        if span.months == 0 && span.days == 0 { Err(wrong()) } else { Ok(span) }
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl TryFrom<String> for CalendarSpan {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for CalendarSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.months / 12, "year"), (self.months % 12, "month"), (self.days, "day")];
        for (i, (n, unit)) in parts.into_iter().filter(|(n, _)| *n > 0).enumerate() {
            let (gap, plural) = (if i > 0 { " " } else { "" }, if n == 1 { "" } else { "s" });
            write!(f, "{gap}{n} {unit}{plural}")?;
        }
        Ok(())
    }
}

fn last_of(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 0000-03-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn number(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
}

/// The day with this number.
fn from_number(number: i64) -> Day {
    let era = number.div_euclid(146_097);
    let of_era = number.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let day = of_year - (153 * part + 2) / 5 + 1;
    Day { year: (year + era * 400 + i64::from(month <= 2)) as i32, month: month as u8, day: day as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_by_the_calendar() {
        for (day, span, after) in [
            ("2026-11-22", "90d", "2027-02-20"),
            ("2026-11-22", "2y", "2028-11-22"),
            ("2024-02-29", "1y", "2025-02-28"),
            ("2026-01-31", "1mo", "2026-02-28"),
            ("2026-01-31", "1y 1mo 1d", "2027-03-01"),
            ("2026-12-31", "6w", "2027-02-11"),
            ("9990-01-01", "9999y", "9999-12-31"),
        ] {
            let (day, span): (Day, CalendarSpan) = (day.parse().unwrap(), span.parse().unwrap());
            assert_eq!(day.after(span).to_string(), after, "{day} + {span}");
        }
        let today: Day = "2026-03-31".parse().unwrap();
        assert_eq!(today.before("1mo".parse().unwrap()).to_string(), "2026-02-28");
        assert_eq!(today.before("2y 31d".parse().unwrap()).to_string(), "2024-02-29");
        assert_eq!(today.before("9999y".parse().unwrap()).to_string(), "0001-01-01");
        assert!(Day::today() > today);
    }

    #[test]
    fn every_day_has_one_number() {
        let mut day = Day::new(1999, 12, 30).unwrap();
        for _ in 0..1000 {
            let next = from_number(day.number() + 1);
            assert!(next > day && Day::new(next.year, next.month, next.day) == Some(next), "{day} {next}");
            day = next;
        }
        assert_eq!(day.to_string(), "2002-09-25");
    }

    #[test]
    fn spans_are_written_as_people_and_as_standards_do() {
        for (text, shown, iso) in [
            ("18mo", "1 year 6 months", "P1Y6M"),
            ("90d", "90 days", "P90D"),
            ("1y2w", "1 year 14 days", "P1Y14D"),
            ("2y", "2 years", "P2Y"),
        ] {
            let span: CalendarSpan = text.parse().unwrap();
            assert_eq!((span.to_string().as_str(), span.iso8601().as_str()), (shown, iso));
        }
        assert!("9999y".repeat(40_000).parse::<CalendarSpan>().is_err(), "it is longer than can be counted");
        for text in ["", "2", "y", "0d", "3m", "-2y", "2 years", "99999d", "1y, 2mo"] {
            assert!(text.parse::<CalendarSpan>().is_err(), "{text}");
        }
        for text in [
            "2027-02-29",
            "2027-13-01",
            "27-01-01",
            "2027-1-1",
            "soon",
            "2027-01-01T00:00",
            "2027-01-257",
            "2027-+1-+1",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
