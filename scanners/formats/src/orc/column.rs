//! The columns of a stripe, from their streams to Arrow's arrays.
//!
//! A value is in the streams of a column only if it is there: nulls, of the column or of what is around it, take a bit
//! of the stream that says so. How much a list or a text claims to hold is checked against what may be held in memory
//! before room is made for it.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int64Array, LargeBinaryArray, ListArray, NullArray, PrimitiveArray, StructArray,
};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field, Fields};

use super::bits::{Bits, Runs};
use super::ints::Ints;
use super::stream::{Stream, damaged};
use super::times::Times;
use crate::Fault;
use crate::arrays::LONG;
use crate::container::Within;

/// A column of a stripe.
pub(super) struct Column<'s> {
    /// What faults call it.
    pub path: String,
    pub present: Option<Bits<'s>>,
    pub values: Values<'s>,
}

/// Where a column has its values from.
pub(super) enum Values<'s> {
    /// Truth values, which nobody asks for.
    None,
    Bytes(Runs<'s>),
    Integers(Ints<'s>),
    Floats(Stream<'s>),
    Doubles(Stream<'s>),
    Texts {
        lengths: Ints<'s>,
        bytes: Stream<'s>,
    },
    /// Texts that stand once for many rows.
    Entries {
        keys: Ints<'s>,
        entries: Arc<BinaryArray>,
        /// A list or a structure cannot hold a dictionary.
        is_nested: bool,
    },
    Decimals {
        digits: Stream<'s>,
        scales: Ints<'s>,
        scale: u32,
    },
    Dates(Ints<'s>),
    Times(Times<'s>),
    Structure(Vec<Column<'s>>),
    /// Elements, or keys and values.
    List {
        lengths: Ints<'s>,
        elements: Vec<Column<'s>>,
    },
    Union {
        tags: Runs<'s>,
        variants: Vec<Column<'s>>,
    },
}

/// What a batch may still cost.
pub(super) struct Room<'w> {
    pub within: &'w Within<'w>,
    /// Bytes that may still be held.
    pub bytes: u64,
}

impl Room<'_> {
    /// Takes so much for values.
    fn take(&mut self, bytes: u64) -> Result<(), Fault> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => Err(Fault::limit(format!(
                "few rows take more than {} bytes in memory; raise the limit `whole_bytes`",
                self.within.limits.whole_bytes
            ))),
        }
    }
}

impl Column<'_> {
    /// The next `n` values. Where what is around it is null (`around`), a column has none.
    pub fn next(&mut self, n: usize, around: Option<&NullBuffer>, room: &mut Room<'_>) -> Result<ArrayRef, Fault> {
        let path = &self.path;
        let named = |fault: Fault| Fault { reason: format!("column `{path}`: {}", fault.reason), ..fault };
        room.take(n as u64)?;
        let nulls = nulls(self.present.as_mut(), n, around).map_err(named)?;
        let count = nulls.as_ref().map_or(n, |nulls| n - nulls.null_count());
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        match &mut self.values {
            Values::Structure(children) => {
                let mut arrays = Vec::with_capacity(children.len());
                for child in children {
                    arrays.push(child.next(n, nulls.as_ref(), room)?);
                }
                structure(arrays, n, nulls)
            }
            Values::Union { tags, variants } => {
                let mut of_rows = Vec::with_capacity(count);
                for _ in 0..count {
                    of_rows.push(tags.byte().map_err(named)?);
                }
                let of_rows = spread(of_rows.into_iter().map(Some).collect(), nulls.as_ref(), n);
                let mut arrays = Vec::with_capacity(variants.len());
                for (tag, variant) in variants.iter_mut().enumerate() {
                    let is_one = |of: &Option<u8>| of.is_some_and(|of| usize::from(of) == tag);
                    let around: NullBuffer = of_rows.iter().map(is_one).collect::<Vec<_>>().into();
                    arrays.push(variant.next(n, Some(&around), room)?);
                }
                structure(arrays, n, nulls)
            }
            Values::List { lengths, elements } => {
                let (offsets, total) = offsets(lengths, n, count, nulls.as_ref(), room).map_err(named)?;
                let offsets = offsets.into_iter().map(i32::try_from).collect::<Result<Vec<_>, _>>();
                let (Ok(offsets), Ok(total)) = (offsets, i32::try_from(total)) else {
                    return Err(named(Fault::limit("lists of so many elements are not read")));
                };
                room.within.spend(total as u64)?;
                let mut arrays = Vec::with_capacity(elements.len());
                for element in elements.iter_mut() {
                    arrays.push(element.next(total as usize, None, room)?);
                }
                let elements = match arrays.len() {
                    1 => arrays.remove(0),
                    _ => structure(arrays, total as usize, None)?,
                };
                let field = Arc::new(Field::new("", elements.data_type().clone(), true));
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Ok(Arc::new(arrow(ListArray::try_new(field, offsets, elements, nulls))?))
            }
            Values::None => Ok(Arc::new(NullArray::new(n))),
            _ if count == 0 => Ok(Arc::new(NullArray::new(n))),
            values => values.leaf(n, count, nulls, room).map_err(named),
        }
    }
}

impl Values<'_> {
    /// The next values of a column that holds no others: `count` that are there, among `n`.
    fn leaf(
        &mut self,
        n: usize,
        count: usize,
        nulls: Option<NullBuffer>,
        room: &mut Room<'_>,
    ) -> Result<ArrayRef, Fault> {
        room.take(16 * n as u64)?;
        let is_null = nulls.as_ref();
        Ok(match self {
            Self::Bytes(runs) => {
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(i64::from(runs.byte()? as i8));
                }
                Arc::new(arrow(Int64Array::try_new(spread(values, is_null, n).into(), nulls))?)
            }
            Self::Integers(ints) => {
                let mut values = Vec::with_capacity(count);
                ints.append(count, &mut values)?;
                Arc::new(arrow(Int64Array::try_new(spread(values, is_null, n).into(), nulls))?)
            }
            Self::Floats(stream) => {
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(f32::from_le_bytes(stream.array()?));
                }
                Arc::new(arrow(Float32Array::try_new(spread(values, is_null, n).into(), nulls))?)
            }
            Self::Doubles(stream) => {
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(f64::from_le_bytes(stream.array()?));
                }
                Arc::new(arrow(Float64Array::try_new(spread(values, is_null, n).into(), nulls))?)
            }
            Self::Texts { lengths, bytes } => {
                let (offsets, total) = offsets(lengths, n, count, is_null, room)?;
                let mut all = Vec::new();
                bytes.append(total as usize, &mut all)?;
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(arrow(LargeBinaryArray::try_new(offsets, all.into(), nulls))?)
            }
            Self::Entries { keys, entries, is_nested } => {
                let mut of_rows = Vec::with_capacity(count);
                keys.append(count, &mut of_rows)?;
                // Each row gets its own copy of what is nested or long.
                let (mut listed, mut copied) = (Vec::with_capacity(count), 0);
                for key in of_rows {
                    let key = usize::try_from(key).ok().filter(|key| *key < entries.len());
                    let key = key.ok_or_else(|| damaged("a row has an entry that is not in the dictionary"))?;
                    let length = entries.value_length(key) as u64;
                    copied += if *is_nested || length > LONG as u64 { length } else { 0 };
                    listed.push(key as i32);
                }
                room.take(copied)?;
                room.within.spend(copied)?;
                if *is_nested {
                    let mut all = Vec::with_capacity(copied as usize);
                    listed.iter().for_each(|key| all.extend_from_slice(entries.value(*key as usize)));
                    let lengths: Vec<usize> =
                        listed.iter().map(|key| entries.value_length(*key as usize) as usize).collect();
                    let offsets = OffsetBuffer::from_lengths(spread(lengths, is_null, n));
                    Arc::new(arrow(LargeBinaryArray::try_new(offsets, all.into(), nulls))?)
                } else {
                    let keys: PrimitiveArray<Int32Type> =
                        arrow(PrimitiveArray::try_new(spread(listed, is_null, n).into(), nulls))?;
                    Arc::new(arrow(DictionaryArray::try_new(keys, entries.clone()))?)
                }
            }
            Self::Decimals { digits, scales, scale } => {
                let mut of_values = Vec::with_capacity(count);
                scales.append(count, &mut of_values)?;
                let most = of_values.iter().copied().max().unwrap_or(0).max(i64::from(*scale));
                let least = of_values.iter().copied().min().unwrap_or(0);
                let scale = u32::try_from(most).ok().filter(|most| *most <= 38 && least >= 0);
                let scale = scale.ok_or_else(|| damaged("a number has more digits than there can be"))?;
                let mut values = Vec::with_capacity(count);
                for of_value in of_values {
                    let value = digits.varint()?;
                    let value = (value >> 1) as i128 ^ -((value & 1) as i128);
                    let value = value.checked_mul(10i128.pow(scale - of_value as u32));
                    values.push(value.ok_or_else(|| damaged("a number has more digits than there can be"))?);
                }
                let array = arrow(Decimal128Array::try_new(spread(values, is_null, n).into(), nulls))?;
                Arc::new(arrow(array.with_precision_and_scale(38, scale as i8))?)
            }
            Self::Dates(ints) => {
                let mut days = Vec::with_capacity(count);
                ints.append(count, &mut days)?;
                let days: Result<Vec<i32>, _> = days.into_iter().map(i32::try_from).collect();
                let days = days.map_err(|_| damaged("a day makes no sense"))?;
                Arc::new(arrow(Date32Array::try_new(spread(days, is_null, n).into(), nulls))?)
            }
            Self::Times(times) => times.next(n, count, nulls)?,
            Self::None | Self::Structure(_) | Self::List { .. } | Self::Union { .. } => {
                unreachable!("these are no leaves")
            }
        })
    }
}

/// Which of `n` values are null: those that the column says, and those around which something is.
fn nulls(present: Option<&mut Bits<'_>>, n: usize, around: Option<&NullBuffer>) -> Result<Option<NullBuffer>, Fault> {
    let Some(bits) = present else { return Ok(around.cloned()) };
    let mut built = BooleanBufferBuilder::new(n);
    for i in 0..n {
        let is_there = around.is_none_or(|around| around.is_valid(i)) && bits.bit()?;
        built.append(is_there);
    }
    Ok(Some(NullBuffer::new(built.finish())))
}

/// Values that are there, with something in the places of those that are not.
pub(super) fn spread<T: Copy + Default>(values: Vec<T>, nulls: Option<&NullBuffer>, n: usize) -> Vec<T> {
    let Some(nulls) = nulls else { return values };
    let mut spread = vec![T::default(); n];
    nulls.valid_indices().zip(values).for_each(|(i, value)| spread[i] = value);
    spread
}

/// Where each of `n` values begins and the last one ends, by their lengths; and how long all are.
fn offsets(
    lengths: &mut Ints<'_>,
    n: usize,
    count: usize,
    nulls: Option<&NullBuffer>,
    room: &mut Room<'_>,
) -> Result<(Vec<i64>, u64), Fault> {
    room.take(16 * n as u64)?;
    let mut of_values = Vec::with_capacity(count);
    lengths.append(count, &mut of_values)?;
    let (mut offsets, mut total) = (Vec::with_capacity(n + 1), 0i64);
    offsets.push(0);
    for length in spread(of_values, nulls, n) {
        let end = total.checked_add(length).filter(|_| length >= 0);
        total = end.ok_or_else(|| damaged("a length makes no sense"))?;
        offsets.push(total);
    }
    room.take(total as u64)?;
    Ok((offsets, total as u64))
}

/// Columns as one, which may hold none.
fn structure(arrays: Vec<ArrayRef>, n: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, Fault> {
    let field = |array: &ArrayRef| Field::new("", array.data_type().clone(), true);
    let fields: Fields = arrays.iter().map(field).collect();
    Ok(Arc::new(arrow(StructArray::try_new_with_length(fields, arrays, nulls, n))?))
}

/// What Arrow refuses was checked before, or is damaged.
pub(super) fn arrow<T>(made: Result<T, ArrowError>) -> Result<T, Fault> {
    made.map_err(|_| damaged("its values make no sense"))
}
