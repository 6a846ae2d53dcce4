//! New values in the types that columns have.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;
use residuum_source::{Refusal, RefusalKind};

use crate::edit::unsupported;
use crate::edit::wish::Set;

/// A new value in the form that its column has.
pub(super) enum New {
    Null,
    /// Bytes with stretches of them replaced.
    Bytes(Set),
    Fixed(Vec<u8>),
    /// A whole number of any width; without a sign it is kept as one with a sign.
    Integer(i64),
    Float(f32),
    Double(f64),
}

/// What a column is to hold, if it can.
pub(super) fn new_value(column: &ColumnDescriptor, set: Set) -> Result<New, Refusal> {
    let name = column.path().string();
    if set.is_null() {
        let info = column.self_type().get_basic_info();
        return match (info.has_repetition().then(|| info.repetition()), column.physical_type()) {
            (Some(Repetition::OPTIONAL), _) => Ok(New::Null),
            // Empty, where there is no null.
            (_, Physical::BYTE_ARRAY) => Ok(New::Bytes(set)),
            _ => Err(unsupported(format!("the column `{name}` takes no null: replace the value, or delete the row"))),
        };
    }
    let is_decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || column.converted_type() == ConvertedType::DECIMAL;
    if column.physical_type() == Physical::BYTE_ARRAY && !is_decimal {
        return Ok(New::Bytes(set));
    }
    let text = new_text(&set);
    let new = text.as_deref().filter(|_| !is_decimal).and_then(|text| match column.physical_type() {
        Physical::INT32 if is_date(column) => days(text).map(|days| New::Integer(days.into())),
        Physical::INT32 | Physical::INT64 => integer(text, integer_type(column)?).map(New::Integer),
        Physical::FLOAT => text.parse().ok().map(New::Float),
        Physical::DOUBLE => text.parse().ok().map(New::Double),
        Physical::FIXED_LEN_BYTE_ARRAY if column.logical_type_ref() == Some(&LogicalType::Uuid) => {
            uuid(text).map(New::Fixed)
        }
        _ => None,
    });
    new.ok_or_else(|| match set.text {
        None => {
            let reason = format!("the value of `{name}` is longer than one batch; raise `batch_bytes`");
            Refusal::new(RefusalKind::Limit, reason)
        }
        Some(_) => unsupported(format!(
            "the column `{name}` cannot hold the new value: replace it by one of its type, by null, or delete the row"
        )),
    })
}

fn is_date(column: &ColumnDescriptor) -> bool {
    column.logical_type_ref() == Some(&LogicalType::Date) || column.converted_type() == ConvertedType::DATE
}

/// How many bits the whole numbers of a column have, and whether they have a sign.
fn integer_type(column: &ColumnDescriptor) -> Option<(u32, bool)> {
    use ConvertedType as C;
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Integer(int)), _) => {
            let bits = u32::try_from(int.bit_width).ok().filter(|bits| (1..=64).contains(bits))?;
            Some((bits, int.is_signed))
        }
        (Some(_), _) => None,
        (None, C::INT_8) => Some((8, true)),
        (None, C::INT_16) => Some((16, true)),
        (None, C::INT_32) => Some((32, true)),
        (None, C::INT_64) => Some((64, true)),
        (None, C::UINT_8) => Some((8, false)),
        (None, C::UINT_16) => Some((16, false)),
        (None, C::UINT_32) => Some((32, false)),
        (None, C::UINT_64) => Some((64, false)),
        (None, C::NONE) => Some((if column.physical_type() == Physical::INT32 { 32 } else { 64 }, true)),
        (None, _) => None,
    }
}

/// A whole number, if it has that many bits; those without a sign are kept as those with one.
fn integer(text: &str, (bits, is_signed): (u32, bool)) -> Option<i64> {
    let number: i128 = text.parse().ok()?;
    let (least, end) = if is_signed { (-(1i128 << (bits - 1)), 1i128 << (bits - 1)) } else { (0, 1i128 << bits) };
    (least..end).contains(&number).then_some(number as i64)
}

fn new_text(set: &Set) -> Option<String> {
    String::from_utf8(set.new_text()?).ok()
}

/// Days since 1970-01-01 of a date (proleptic Gregorian calendar).
fn days(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next()?.parse::<i32>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn uuid(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|&b| b != b'-').collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    (digits.len() == 32).then(|| pairs.collect::<Option<Vec<u8>>>())?
}

/// A value of a column that can be written anew.
pub(super) trait Written: Sized {
    /// The value as it is to be, or null; nothing if it is not the one that was to be replaced, or of another type.
    fn edited(self, new: &New) -> Option<Option<Self>>;
}

/// The bytes of a value with what is replaced in them, if they are what they were.
fn replaced(value: &[u8], set: &Set) -> Option<Vec<u8>> {
    if set.text.as_deref().is_some_and(|text| text != value) {
        return None;
    }
    let mut bytes = value.to_vec();
    for stretch in set.stretches.iter().rev() {
        bytes.get(stretch.at.clone())?;
        bytes.splice(stretch.at.clone(), stretch.new.iter().flatten().copied());
    }
    Some(bytes)
}

impl Written for ByteArray {
    fn edited(self, new: &New) -> Option<Option<Self>> {
        match new {
            New::Null => Some(None),
            New::Bytes(set) => Some(Some(Self::from(replaced(self.data(), set)?))),
            _ => None,
        }
    }
}

/// Writes what is replaced in a column of this type.
macro_rules! written {
    ($type:ty, $form:pat => $value:expr) => {
        impl Written for $type {
            fn edited(self, new: &New) -> Option<Option<Self>> {
                match new {
                    New::Null => Some(None),
                    $form => Some(Some($value)),
                    _ => None,
                }
            }
        }
    };
}

written!(FixedLenByteArray, New::Fixed(bytes) => Self::from(bytes.clone()));
// The number fits, or is one without a sign that has as many bits.
written!(i32, New::Integer(number) => *number as Self);
written!(i64, New::Integer(number) => *number);
written!(f32, New::Float(number) => *number);
written!(f64, New::Double(number) => *number);

impl Written for bool {
    fn edited(self, new: &New) -> Option<Option<Self>> {
        matches!(new, New::Null).then_some(None)
    }
}

impl Written for Int96 {
    fn edited(self, new: &New) -> Option<Option<Self>> {
        matches!(new, New::Null).then_some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_the_bits_of_their_column() {
        for (text, bits, is_signed, expected) in [
            ("2147483647", 32, true, Some(2_147_483_647)),
            ("-2147483648", 32, true, Some(-2_147_483_648)),
            ("3000000000", 32, true, None),
            ("3000000000", 32, false, Some(3_000_000_000)),
            ("-5", 32, false, None),
            ("300", 8, true, None),
            ("255", 8, false, Some(255)),
            ("9223372036854775808", 64, true, None),
            ("18446744073709551615", 64, false, Some(-1)),
            ("18446744073709551616", 64, false, None),
            ("1984-02-29", 32, true, None),
            ("1.0", 64, true, None),
        ] {
            assert_eq!(integer(text, (bits, is_signed)), expected, "{text} in {bits} bits");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1984-02-29", Some(5172)),
            ("2000-02-29", Some(11_016)),
            ("1900-02-29", None),
            ("2020-02-31", None),
            ("2021-04-31", None),
            ("2021-13-01", None),
        ] {
            assert_eq!(days(text), expected, "{text}");
        }
    }
}
