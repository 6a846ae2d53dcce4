//! Values of Arrow arrays as a person reads them.

use std::fmt::{self, Write};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use residuum_source::Logical;

/// Appends value `i`, which is not null, to the bytes.
pub(super) type Writer<'a> = Box<dyn FnMut(usize, &mut Vec<u8>) + 'a>;

/// What values of a type are.
pub(super) fn logical(data_type: &DataType) -> Logical {
    match data_type {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) if *scale > 0 => Logical::Number,
        DataType::Decimal128(..) | DataType::Decimal256(..) => Logical::Integer,
        data_type if data_type.is_integer() => Logical::Integer,
        data_type if data_type.is_floating() => Logical::Number,
        DataType::Date32 | DataType::Date64 => Logical::Date,
        DataType::Timestamp(..) => Logical::Timestamp,
        _ => Logical::Text,
    }
}

/// How the values of an array are written.
pub(super) fn writer(array: &ArrayRef) -> Writer<'_> {
    match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            Box::new(|i, out| float(values.value(i).to_f32(), out))
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            Box::new(|i, out| float(values.value(i), out))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(|i, out| float(values.value(i), out))
        }
        _ => formatted(array),
    }
}

/// Writes a UUID.
pub(super) fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        write_to(out, format_args!("{byte:02x}"));
    }
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Writer<'_>
where
    T::Native: Into<i128>,
{
    let values: &PrimitiveArray<T> = array.as_primitive();
    Box::new(|i, out| integer(values.value(i).into(), out))
}

/// Writes a number of at most 64 bits.
fn integer(value: i128, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut rest) = ([0; 20], 20, value.unsigned_abs() as u64);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Whole numbers without a fraction: programs keep numbers of accounts and telephones as floating point.
fn float(value: impl Into<f64> + fmt::Display + fmt::LowerExp + Copy, out: &mut Vec<u8>) {
    match value.into().abs() {
        0.0 | 1e-5..1e17 => write_to(out, format_args!("{value}")),
        _ => write_to(out, format_args!("{value:e}")),
    }
}

/// Dates, times, decimals and what else there is.
fn formatted(array: &ArrayRef) -> Writer<'_> {
    let options = FormatOptions::new();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => {
            Box::new(move |i, out| {
                let start = out.len();
                if write!(Utf8(out), "{}", formatter.value(i)).is_err() {
                    // A date beyond the calendar: the number it is stored as.
                    out.truncate(start);
                    raw_number(array, i, out);
                }
            })
        }
        Err(_) => Box::new(move |i, out| raw_number(array, i, out)),
    }
}

fn raw_number(array: &ArrayRef, i: usize, out: &mut Vec<u8>) {
    let number = arrow_cast::cast(&array.slice(i, 1), &DataType::Int64);
    if let Ok(number) = number {
        write_to(out, format_args!("{}", number.as_primitive::<Int64Type>().value(0)));
    }
}

fn write_to(out: &mut Vec<u8>, value: fmt::Arguments<'_>) {
    Utf8(out).write_fmt(value).expect("writing to memory cannot fail");
}

/// Bytes that text is appended to.
struct Utf8<'a>(&'a mut Vec<u8>);

impl Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_whole() {
        let cases = [i128::from(i64::MIN), -1, 0, 7, 1_000_000, i128::from(i64::MAX), i128::from(u64::MAX)];
        for number in cases {
            let mut out = Vec::new();
            integer(number, &mut out);
            assert_eq!(out, number.to_string().into_bytes());
        }
        for (number, text) in [(2025550143.0, "2025550143"), (0.5, "0.5"), (1e300, "1e300"), (0.0, "0")] {
            let mut out = Vec::new();
            float(number, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
