//! The look-back window: the day a record was collected, and the day from which records are disclosed.

use super::fetched::Fetched;
use crate::request::age;

/// The earliest day that an answer has to go back to (Cal. Civ. Code § 1798.130(a)(2)(B), 11 CCR § 7024(h)).
pub const EARLIEST: &str = "2022-01-01";

/// The day that a field of a record says, `YYYY-MM-DD`; `None` if it says none that can be read in one way only.
pub(super) fn collected(record: &Fetched, field: &str) -> Option<String> {
    let of = record.fields.iter().find(|of| *of.name == *field)?;
    let day = String::from_utf8(age::day(of.values.first()?)?.to_vec()).ok()?;
    Some(format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]))
}
