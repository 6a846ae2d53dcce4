//! Numbers as people see them: dates as ISO text, and digits in the groups that a format puts them in.
//!
//! A cell holds a number and the number of a style; what the style says decides whether 25569 is a date and whether
//! 12345678 is 012-34-5678 (ECMA-376 part 1, 18.8.30 and 18.8.31).

use residuum_source::{Flow, Logical, Sink};

use super::super::xml::{Tag, Visitor};

/// How the numbers of a style are shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::office) enum Format {
    /// As they are.
    Plain,
    /// As a date, a time, or both.
    Date { date: bool, time: bool },
    /// Digits in groups: each `0` of the pattern takes a digit.
    Digits(Vec<char>),
}

/// The formats of a workbook's styles.
#[derive(Default)]
pub(in crate::office) struct Formats {
    codes: std::collections::HashMap<u32, Format>,
    styles: Vec<Format>,
    in_cells: bool,
    /// Days are counted from 1904.
    pub from_1904: bool,
}

impl Formats {
    /// What a number shows in a style.
    pub fn show(&self, style: usize, number: &str) -> (Logical, String) {
        let Ok(value) = number.trim().parse::<f64>() else {
            return (Logical::Text, number.to_owned());
        };
        match self.styles.get(style).unwrap_or(&Format::Plain) {
            Format::Date { date, time } => match iso(value, *date, *time, self.from_1904) {
                Some(text) if *date && *time => (Logical::Timestamp, text),
                Some(text) if *date => (Logical::Date, text),
                Some(text) => (Logical::Text, text),
                None => plain(value, number),
            },
            Format::Digits(pattern) => match grouped(value, pattern) {
                Some(text) => (Logical::Text, text),
                None => plain(value, number),
            },
            Format::Plain => plain(value, number),
        }
    }

    fn format(&self, id: u32) -> Format {
        self.codes.get(&id).cloned().unwrap_or_else(|| built_in(id))
    }
}

impl Visitor for Formats {
    fn start(&mut self, tag: &Tag<'_>, _: &mut dyn Sink) -> Flow {
        let number = |name: &str| tag.attribute(name).and_then(|value| value.parse::<u32>().ok());
        match tag.local() {
            "numFmt" => {
                if let (Some(id), Some(code)) = (number("numFmtId"), tag.attribute("formatCode")) {
                    self.codes.insert(id, of_code(&code));
                }
            }
            "cellXfs" => self.in_cells = true,
            "xf" if self.in_cells => {
                let format = self.format(number("numFmtId").unwrap_or(0));
                self.styles.push(format);
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, _: &mut dyn Sink) -> Flow {
        if local == "cellXfs" {
            self.in_cells = false;
        }
        Flow::Continue(())
    }

    fn text(&mut self, _: &str, _: &mut dyn Sink) -> Flow {
        Flow::Continue(())
    }
}

/// The formats that every workbook has without naming them, those of East Asia included.
fn built_in(id: u32) -> Format {
    match id {
        14..=17 | 27..=31 | 34..=36 | 50..=54 | 57..=58 => Format::Date { date: true, time: false },
        18..=21 | 32..=33 | 45..=47 | 55..=56 => Format::Date { date: false, time: true },
        22 => Format::Date { date: true, time: true },
        _ => Format::Plain,
    }
}

/// What a format's code says, as far as it matters here.
pub(in crate::office) fn of_code(code: &str) -> Format {
    let (mut letters, mut pattern, mut is_pattern) = (String::new(), Vec::new(), true);
    let mut chars = code.split(';').next().unwrap_or_default().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => pattern.extend(chars.by_ref().take_while(|c| *c != '"')),
            '\\' | '!' => pattern.extend(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // Elapsed hours are a time; colours, conditions and languages are not.
                if matches!(inside.to_ascii_lowercase().as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss") {
                    letters.push('h');
                }
            }
            '_' | '*' => drop(chars.next()),
            '0' => pattern.push('0'),
            '-' | '(' | ')' | ' ' | '/' => pattern.push(c),
            '#' | '?' => pattern.push('#'),
            c => {
                is_pattern = false;
                letters.push(c.to_ascii_lowercase());
            }
        }
    }
    let has = |of: &[char]| letters.contains(of);
    if !letters.contains("general") && has(&['y', 'd']) {
        return Format::Date { date: true, time: has(&['h', 's']) };
    }
    if !letters.contains("general") && has(&['h', 's']) && !has(&['0', '#']) {
        return Format::Date { date: false, time: true };
    }
    // More than one digit that is always shown: leading zeros are a part of the value.
    let zeros = pattern.iter().filter(|c| **c == '0').count();
    let places = pattern.iter().filter(|c| matches!(c, '0' | '#')).count();
    let is_apart = pattern.iter().any(|c| !matches!(c, '0' | '#'));
    if is_pattern && places >= 4 && (zeros > 1 || is_apart) {
        return Format::Digits(pattern);
    }
    Format::Plain
}

/// A number without exponent, as long as that can be read.
fn plain(value: f64, number: &str) -> (Logical, String) {
    let is_short = !number.contains(['e', 'E']);
    let text = match value.abs() {
        // Seventeen digits are noise of the binary form: what is shown has fifteen.
        0.0 | 1e-5..1e15 if !is_short || number.len() > 16 => {
            let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
            rounded.to_string()
        }
        1e15..1e20 if !is_short => format!("{value:.0}"),
        _ => number.trim().to_owned(),
    };
    let logical =
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') { Logical::Integer } else { Logical::Number };
    (logical, text)
}

/// A whole number with its digits in the places of a pattern.
fn grouped(value: f64, pattern: &[char]) -> Option<String> {
    if value < 0.0 || value.fract() != 0.0 || value >= 1e15 {
        return None;
    }
    let digits = format!("{value}");
    let mut left = digits.bytes().rev();
    let mut shown = Vec::new();
    let first = pattern.iter().position(|c| matches!(c, '0' | '#'))?;
    for (i, c) in pattern.iter().enumerate().rev() {
        match c {
            '0' => shown.push(left.next().map_or('0', char::from)),
            '#' => shown.extend(left.next().map(char::from)),
            c => shown.push(*c),
        }
        if i == first {
            // Digits for which the pattern has no place stand before it.
            shown.extend(left.by_ref().map(char::from));
        }
    }
    Some(shown.iter().rev().collect::<String>().trim().to_owned())
}

/// A day number, with the time of day as its fraction, as ISO text.
pub(in crate::office) fn iso(value: f64, date: bool, time: bool, from_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&value) {
        return None; // up to the year 9999
    }
    let seconds = (value.fract() * 86_400.0).round() as u64;
    let (mut days, mut seconds) = (value.trunc() as i64, seconds);
    if seconds == 86_400 {
        (days, seconds) = (days + 1, 0);
    }
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if !date {
        // More than a day is a duration.
        let hours = days as u64 * 24 + seconds / 3600;
        return Some(format!("{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60));
    }
    // Day 60 of 1900 is a 29th of February that was none: up to there the count is one off.
    let unix = match from_1904 {
        true => days - 24_107,
        false if days < 60 => days - 25_568,
        false => days - 25_569,
    };
    let mut day = String::new();
    crate::moment::date(unix, &mut day);
    Some(if time && seconds > 0 { format!("{day}T{clock}") } else { day })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_their_format_says() {
        let cases = [
            ("General", "2025550143", "2025550143"),
            ("General", "1.23456789E9", "1234567890"),
            ("General", "4.0E-2", "0.04"),
            ("0.00", "0.10000000000000001", "0.1"),
            ("General", "1E+300", "1E+300"),
            ("000\\-00\\-0000", "12345678", "012-34-5678"),
            ("000-00-0000", "900123456", "900-12-3456"),
            ("00000", "2134", "02134"),
            ("00000\\-0000", "21340001", "02134-0001"),
            ("\\(000\\)\\ 000\\-0000", "2025550143", "(202) 555-0143"),
            ("[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "5550143", "555-0143"),
            ("#,##0.00", "1234567.5", "1234567.5"),
            ("yyyy\\-mm\\-dd", "44197", "2021-01-01"),
            ("m/d/yyyy", "1", "1900-01-01"),
            ("m/d/yyyy", "61", "1900-03-01"),
            ("dd/mm/yyyy\\ hh:mm", "44197.5", "2021-01-01T12:00:00"),
            ("[$-409]h:mm\\ AM/PM;@", "0.75", "18:00:00"),
            ("[h]:mm:ss", "1.5", "36:00:00"),
            ("m/d/yyyy", "-3", "-3"),
            ("m/d/yyyy", "oops", "oops"),
            ("0%", "0.5", "0.5"),
            ("[Red]\"day\"0", "5", "5"),
        ];
        for (code, number, shown) in cases {
            let formats = Formats { styles: vec![of_code(code)], ..Formats::default() };
            assert_eq!(formats.show(0, number).1, shown, "{code} {number}");
        }
        let formats = Formats { styles: vec![built_in(14)], from_1904: true, ..Formats::default() };
        assert_eq!(formats.show(0, "0"), (Logical::Date, "1904-01-01".into()));
        assert_eq!(formats.show(9, "0").0, Logical::Integer);
    }
}
