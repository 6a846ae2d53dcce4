//! Points in time: seconds since the beginning of 2015 and, apart from them, nanoseconds.
//!
//! What is not marked as an instant is the time on a clock where the writer was, counted from the beginning of 2015 on
//! that clock; where clocks are put forward in summer, what a clock showed takes the rules of the place.

use std::sync::Arc;

use arrow_array::types::{TimestampMicrosecondType, TimestampNanosecondType};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::NullBuffer;
use chrono::{DateTime, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use super::column::{arrow, spread};
use super::ints::Ints;
use super::stream::damaged;
use crate::Fault;

/// The beginning of 2015 in seconds since that of 1970.
const BEGIN: i64 = 1_420_070_400;
const NANOS: i128 = 1_000_000_000;

/// What clocks showed where a stripe was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Zone {
    /// The same distance to UTC all the time, which does not matter.
    Fixed,
    Named(Tz),
}

impl Zone {
    /// The zone of this name, as Java and the database of time zones have them.
    pub fn of(name: &str) -> Option<Self> {
        let is_fixed = matches!(name, "" | "UTC" | "GMT" | "Z" | "UCT" | "Zulu")
            || ["GMT+", "GMT-", "UTC+", "UTC-", "+", "-"].iter().any(|begin| {
                let digits = name.strip_prefix(begin);
                digits
                    .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b':'))
            });
        match is_fixed {
            true => Some(Self::Fixed),
            false => name.parse().ok().map(Self::Named),
        }
    }
}

/// The points in time of a column.
pub(super) struct Times<'s> {
    pub seconds: Ints<'s>,
    pub nanos: Ints<'s>,
    /// None if they are instants, whatever clocks showed.
    pub zone: Option<Zone>,
}

impl Times<'_> {
    /// The next `count` of them, among `n` values with nulls.
    pub fn next(&mut self, n: usize, count: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, Fault> {
        let (mut seconds, mut nanos) = (Vec::new(), Vec::new());
        self.seconds.append(count, &mut seconds)?;
        self.nanos.append(count, &mut nanos)?;
        let mut times = Vec::with_capacity(count);
        for (&seconds, &nanos) in seconds.iter().zip(&nanos) {
            times.push(self.time(seconds, nanos).ok_or_else(|| damaged("a time makes no sense"))?);
        }
        // Microseconds reach a thousand times as far: to the ends of calendars that stand for never.
        let is_fine = times.iter().any(|time| time % 1000 != 0);
        let exact: Option<Vec<i64>> = times.iter().map(|time| i64::try_from(*time).ok()).collect();
        let zone = self.zone.is_none().then_some("+00:00");
        if let Some(exact) = exact.filter(|_| is_fine) {
            let values = spread(exact, nulls.as_ref(), n).into();
            let array = arrow(PrimitiveArray::<TimestampNanosecondType>::try_new(values, nulls))?;
            return Ok(Arc::new(array.with_timezone_opt(zone)));
        }
        let micros: Option<Vec<i64>> = times.iter().map(|time| i64::try_from(time.div_euclid(1000)).ok()).collect();
        let micros = micros.ok_or_else(|| damaged("a time makes no sense"))?;
        let values = spread(micros, nulls.as_ref(), n).into();
        let array = arrow(PrimitiveArray::<TimestampMicrosecondType>::try_new(values, nulls))?;
        Ok(Arc::new(array.with_timezone_opt(zone)))
    }

    /// Nanoseconds since 1970.
    fn time(&self, seconds: i64, nanos: i64) -> Option<i128> {
        // The lower three bits tell how many zeros were left out, if more than one.
        let zeros = (nanos & 7) as u32;
        let nanos = (nanos >> 3).checked_mul(if zeros == 0 { 1 } else { 10i64.pow(zeros + 1) })?;
        // Some writers count back from a whole second before 1970.
        let nanos = Some(nanos).filter(|nanos| (-NANOS..NANOS).contains(&i128::from(*nanos)))?;
        let begin = match self.zone {
            Some(Zone::Named(zone)) => BEGIN - offset(zone, BEGIN),
            _ => BEGIN,
        };
        let mut seconds = seconds.checked_add(begin)?;
        // Before 1970 writers round up (ORC-763).
        if seconds < 0 && nanos > 999_999 {
            seconds = seconds.checked_sub(1)?;
        }
        let shown = match self.zone {
            Some(Zone::Named(zone)) => seconds.checked_add(offset(zone, seconds))?,
            _ => seconds,
        };
        Some(i128::from(shown) * NANOS + i128::from(nanos))
    }
}

/// How far clocks were ahead of UTC at a point in time.
fn offset(zone: Tz, seconds: i64) -> i64 {
    let at = DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc());
    let at = at.or_else(|| NaiveDate::from_ymd_opt(2015, 1, 1)?.and_hms_opt(0, 0, 0));
    at.map_or(0, |at| i64::from(zone.offset_from_utc_datetime(&at).fix().local_minus_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_the_names_of_java_too() {
        for (name, expected) in [
            ("UTC", Some(Zone::Fixed)),
            ("GMT+05:30", Some(Zone::Fixed)),
            ("-0800", Some(Zone::Fixed)),
            ("Europe/Berlin", Some(Zone::Named(Tz::Europe__Berlin))),
            ("GMT+", None),
            ("Mars/Olympus", None),
        ] {
            assert_eq!(Zone::of(name), expected, "{name}");
        }
    }
}
