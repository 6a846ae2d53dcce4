//! Dates and times as ISO text, from the counts that binary formats keep.

use std::fmt::Write;

/// The date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"); the number
/// where it lies beyond the calendar.
pub(crate) fn date(days: i64, text: &mut String) {
    if !(-719_528..2_932_897).contains(&days) {
        let _ = write!(text, "{days}");
        return;
    }
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
}

/// A time of day that is counted in so many parts of a second.
pub(crate) fn time(count: i64, parts: u64, text: &mut String) {
    let parts = parts as i64;
    let (seconds, fraction) = (count.div_euclid(parts), count.rem_euclid(parts));
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(text, ".{fraction:0width$}", width = parts.ilog10() as usize);
    }
}

/// A point in time that is counted from 1970 in so many parts of a second.
pub(crate) fn timestamp(count: i64, parts: u64, text: &mut String) {
    let day = 86_400 * parts as i64;
    date(count.div_euclid(day), text);
    text.push('T');
    time(count.rem_euclid(day), parts, text);
}

/// A UUID of sixteen bytes.
pub(crate) fn uuid(bytes: &[u8], text: &mut Vec<u8>) {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend_from_slice(format!("{byte:02x}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_dates_and_times() {
        let text = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            text
        };
        for (days, shown) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (5_184, "1984-03-12"),
            (19_782, "2024-02-29"),
            (i64::MAX, "9223372036854775807"),
        ] {
            assert_eq!(text(&|out| date(days, out)), shown);
        }
        assert_eq!(text(&|out| timestamp(-1, 1_000, out)), "1969-12-31T23:59:59.999");
        assert_eq!(text(&|out| timestamp(1_714_521_600_000_000, 1_000_000, out)), "2024-05-01T00:00:00");
        assert_eq!(text(&|out| time(3_723_000, 1_000, out)), "01:02:03");
    }
}
