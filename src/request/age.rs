//! When a record was collected, read from one of its fields.

use residuum_detect::{Type, standard_form};
use residuum_source::{Batch, Rows};

/// The day in a value, as `YYYYMMDD`: a date or a moment with the year first (ISO 8601), also without hyphens, or seconds,
/// milliseconds or microseconds since 1970. What could be read in two ways, as `05/11/2026`, is none: it decides what is
/// deleted, and what a person is not shown. Nor is `7/14/2023` one, for the next value of the field may be of the first kind.
pub(super) fn day(value: &[u8]) -> Option<[u8; 8]> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let of = |text: &str| standard_form(Type::Date, text).and_then(|form| form.try_into().ok());
    if text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: u64 = match text.len() {
            10 => text.parse().ok()?,
            13 => text.parse::<u64>().ok()? / 1000,
            16 => text.parse::<u64>().ok()? / 1_000_000,
            _ => return None,
        };
        return of(&crate::clock::day(seconds / 86_400));
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // With the year last its first two digits, 19 or 20, would stand where the month does.
        return if text.starts_with("19") || text.starts_with("20") {
            of(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
        } else {
            None
        };
    }
    // A time of day, a zone or a fraction behind the day changes nothing about it.
    let day = text.get(..10)?.as_bytes();
    let is_iso = day.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == day[4] && b"-/.".contains(byte),
        _ => byte.is_ascii_digit(),
    });
    if is_iso { of(&text[..10]) } else { None }
}

/// The value of a field in a record of a batch; the first, if it has several.
pub(super) fn value<'b>(batch: &'b Batch, record: usize, field: &str) -> Option<&'b [u8]> {
    let column = batch.columns.iter().find(|column| *column.field == *field)?;
    match &column.rows {
        Rows::Each => (record < column.len()).then(|| column.value(record)),
        Rows::Listed(rows) => {
            let at = rows.partition_point(|&row| (row as usize) < record);
            (rows.get(at) == Some(&(record as u32))).then(|| column.value(at))
        }
        Rows::Dictionary(keys) => {
            keys.get(record).filter(|key| **key != u32::MAX).map(|&key| column.value(key as usize))
        }
    }
}

/// Whether a record was collected before a day, `YYYYMMDD`.
pub(super) fn is_before(batch: &Batch, record: usize, field: &str, limit: &[u8; 8]) -> bool {
    value(batch, record, field).and_then(day).is_some_and(|day| day < *limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_where_they_can_be_read_in_one_way() {
        for (text, expected) in [
            ("2024-02-29", Some("20240229")),
            ("2024-02-29 10:20:30.5+01", Some("20240229")),
            ("2024-02-29T10:20:30Z", Some("20240229")),
            ("1709164800", Some("20240229")),
            ("1709164800123", Some("20240229")),
            ("", None),
            ("soon", None),
            ("05/11/2026", None),
            ("7/14/2023", None),
            ("20240229", Some("20240229")),
            ("20240230", None),
            ("29022024", None),
            ("01121912", None),
            ("1709164800123456", Some("20240229")),
            ("2024-02-29T10:20:30.5+01", Some("20240229")),
            ("26-11-10", None),
            ("2024/02/29", Some("20240229")),
            ("12345678901", None),
        ] {
            assert_eq!(day(text.as_bytes()).as_ref().map(|day| day.as_slice()), expected.map(str::as_bytes), "{text}");
        }
    }
}
