//! Moments and days as outputs and records have them, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, to the second: `2026-09-30T14:05:09Z`.
pub(crate) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let of_day = seconds % 86_400;
    let day = day(seconds / 86_400);
    format!("{day}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// Today, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    day(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()) / 86_400)
}

/// A day counted from 1970-01-01 as `YYYY-MM-DD` (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub(crate) fn day(days: u64) -> String {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, date) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_454, "2026-01-01"), (20_779, "2026-11-22")]
        {
            assert_eq!(day(days), date);
        }
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(951_827_696)), "2000-02-29T12:34:56Z");
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(4_102_444_799)), "2099-12-31T23:59:59Z");
    }
}
