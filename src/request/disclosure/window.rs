//! The look-back window: the day a record was collected, and the day from which records are disclosed.

use residuum_detect::{Type, standard_form};

use crate::config::Day;

/// The earliest day that an answer has to go back to (Cal. Civ. Code § 1798.130(a)(2)(B), 11 CCR § 7024(h)).
pub const EARLIEST: &str = "2022-01-01";

/// The day that a value says, `YYYY-MM-DD`; `None` if it says none.
///
/// Dates are read as people and databases write them; a number of ten digits is seconds since 1970, one of thirteen
/// milliseconds.
pub(super) fn day(value: &str) -> Option<String> {
    let value = value.trim();
    if let Some(day) = value.get(..10).filter(|day| day.parse::<Day>().is_ok()) {
        return Some(day.to_owned());
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = value.parse().ok()?;
        return match value.len() {
            8 => {
                let day = format!("{}-{}-{}", &value[..4], &value[4..6], &value[6..]);
                day.parse::<Day>().is_ok().then_some(day)
            }
            10 => Some(crate::clock::day(number / 86_400)),
            13 => Some(crate::clock::day(number / 86_400_000)),
            _ => None,
        };
    }
    let text = value.split(['T', ' ']).next().filter(|first| first.len() >= 6).unwrap_or(value);
    let form = standard_form(Type::Date, text).or_else(|| standard_form(Type::Date, value))?;
    let form: String = String::from_utf8(form).ok()?.chars().filter(char::is_ascii_digit).collect();
    let day = format!("{}-{}-{}", form.get(..4)?, form.get(4..6)?, form.get(6..8)?);
    day.parse::<Day>().is_ok().then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_their_notations() {
        let cases = [
            ("2024-05-01", Some("2024-05-01")),
            ("2024-05-01T10:20:00Z", Some("2024-05-01")),
            ("2024-05-01 10:20:00.5+00", Some("2024-05-01")),
            ("20240501", Some("2024-05-01")),
            ("1714521600", Some("2024-05-01")),
            ("1714521600000", Some("2024-05-01")),
            ("7/14/2023", Some("2023-07-14")),
            ("7/14/2023 9:15", Some("2023-07-14")),
            ("July 14, 2023", Some("2023-07-14")),
            ("soon", None),
            ("2024-13-40", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(day(text).as_deref(), expected, "{text}");
        }
    }
}
