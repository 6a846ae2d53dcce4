//! New values in the types that columns have.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;
use residuum_source::{Refusal, RefusalKind};

use crate::edit::unsupported;
use crate::edit::wish::Set;

/// Whether a column can hold what is wanted.
pub(super) fn check(column: &ColumnDescriptor, set: &Set) -> Result<(), Refusal> {
    let name = column.path().string();
    if set.is_null() {
        let info = column.self_type().get_basic_info();
        return match (info.has_repetition().then(|| info.repetition()), column.physical_type()) {
            (Some(Repetition::OPTIONAL), _) | (_, Physical::BYTE_ARRAY) => Ok(()),
            _ => Err(unsupported(format!("the column `{name}` takes no null: replace the value, or delete the row"))),
        };
    }
    let is_decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || column.converted_type() == ConvertedType::DECIMAL;
    let fits = match column.physical_type() {
        _ if is_decimal => false,
        Physical::BYTE_ARRAY => return Ok(()),
        Physical::INT32 if is_date(column) => new_text(set).and_then(|text| days(&text)).is_some(),
        Physical::INT32 if is_integer(column) => 0i32.edited(set, false).is_some(),
        Physical::INT64 if is_integer(column) => 0i64.edited(set, false).is_some(),
        Physical::FLOAT => 0f32.edited(set, false).is_some(),
        Physical::DOUBLE => 0f64.edited(set, false).is_some(),
        Physical::FIXED_LEN_BYTE_ARRAY if column.logical_type_ref() == Some(&LogicalType::Uuid) => {
            new_text(set).and_then(|text| uuid(&text)).is_some()
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false if set.text.is_none() => Err(Refusal::new(
            RefusalKind::Limit,
            format!("the value of `{name}` is longer than one batch; raise `batch_bytes`"),
        )),
        false => Err(unsupported(format!(
            "the column `{name}` cannot hold the new value: replace it by one of its type, by null, or delete the row"
        ))),
    }
}

fn is_date(column: &ColumnDescriptor) -> bool {
    column.logical_type_ref() == Some(&LogicalType::Date) || column.converted_type() == ConvertedType::DATE
}

fn is_integer(column: &ColumnDescriptor) -> bool {
    use ConvertedType as C;
    matches!(column.logical_type_ref(), None | Some(LogicalType::Integer { .. }))
        && matches!(
            column.converted_type(),
            C::NONE | C::INT_8 | C::INT_16 | C::INT_32 | C::INT_64 | C::UINT_8 | C::UINT_16 | C::UINT_32 | C::UINT_64
        )
}

fn new_text(set: &Set) -> Option<String> {
    String::from_utf8(set.new_text()?).ok()
}

/// Days since 1970-01-01 of a date (proleptic Gregorian calendar).
fn days(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next()?.parse::<i32>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
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
    /// The value as it is to be, null if it may be; what was checked can be written.
    fn edited(self, set: &Set, nullable: bool) -> Option<Self>;
}

/// Applies what is replaced to a value's bytes.
fn replaced(value: &[u8], set: &Set) -> Vec<u8> {
    let mut bytes = value.to_vec();
    for stretch in set.stretches.iter().rev() {
        if stretch.at.end <= bytes.len() {
            bytes.splice(stretch.at.clone(), stretch.new.iter().flatten().copied());
        }
    }
    bytes
}

impl Written for ByteArray {
    fn edited(self, set: &Set, nullable: bool) -> Option<Self> {
        (!(set.is_null() && nullable)).then(|| Self::from(replaced(self.data(), set)))
    }
}

impl Written for FixedLenByteArray {
    fn edited(self, set: &Set, _: bool) -> Option<Self> {
        let bytes = new_text(set).filter(|_| !set.is_null()).and_then(|text| uuid(&text))?;
        Some(Self::from(bytes))
    }
}

impl Written for i32 {
    fn edited(self, set: &Set, _: bool) -> Option<Self> {
        let text = new_text(set).filter(|_| !set.is_null())?;
        // Numbers without a sign are kept as those with one.
        let unsigned = || text.parse::<u32>().ok().map(u32::cast_signed);
        text.parse().ok().or_else(unsigned).or_else(|| days(&text))
    }
}

impl Written for i64 {
    fn edited(self, set: &Set, _: bool) -> Option<Self> {
        let text = new_text(set).filter(|_| !set.is_null())?;
        text.parse().ok().or_else(|| text.parse::<u64>().ok().map(u64::cast_signed))
    }
}

impl Written for f32 {
    fn edited(self, set: &Set, _: bool) -> Option<Self> {
        new_text(set).filter(|_| !set.is_null())?.parse().ok()
    }
}

impl Written for f64 {
    fn edited(self, set: &Set, _: bool) -> Option<Self> {
        new_text(set).filter(|_| !set.is_null())?.parse().ok()
    }
}

impl Written for bool {
    fn edited(self, _: &Set, _: bool) -> Option<Self> {
        Some(self)
    }
}

impl Written for Int96 {
    fn edited(self, _: &Set, _: bool) -> Option<Self> {
        None
    }
}
