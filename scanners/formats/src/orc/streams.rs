//! The streams of one stripe: which there are, how their columns are encoded, and the columns read from them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};

use super::File;
use super::bits::{Bits, Runs};
use super::column::{Column, Values, arrow};
use super::ints::Ints;
use super::proto::{Damaged, fields};
use super::stream::{Stream, damaged};
use super::tail::PART;
use super::times::{Times, Zone};
use super::types::Kind;
use crate::Fault;

/// What a stripe's footer says.
pub(super) struct Streams<'f> {
    file: &'f File<'f>,
    /// Where the streams are, by column and kind.
    places: HashMap<(u32, u64), Range<u64>>,
    encodings: Vec<Encoding>,
    /// None if the name of the zone is not known.
    zone: Option<Zone>,
    /// The dictionaries of texts, by column.
    pub dictionaries: Vec<(u32, ArrayRef)>,
    /// Bytes that dictionaries may still have.
    room: u64,
}

#[derive(Clone, Copy, Default)]
struct Encoding {
    kind: u64,
    entries: u64,
}

const PRESENT: u64 = 0;
const DATA: u64 = 1;
const LENGTH: u64 = 2;
const DICTIONARY: u64 = 3;
const SECONDARY: u64 = 5;
const ROW_INDEX: u64 = 6;

/// What an entry of a dictionary takes in memory besides its bytes.
const ENTRY: u64 = 32;

impl<'f> Streams<'f> {
    /// Reads the footer of a stripe.
    pub fn open(file: &'f File<'f>, number: usize) -> Result<Self, Fault> {
        let stripe = &file.tail.stripes[number];
        let most = file.storage.limits().whole_bytes;
        let footer = file.storage.all(stripe.footer.clone(), most / PART, "its footer")?;
        let (mut places, mut encodings, mut zone) = (HashMap::new(), Vec::new(), Some(Zone::Fixed));
        let mut at = stripe.streams.start;
        fields::<Fault>(&footer, |field, value| {
            match field {
                1 => {
                    let (column, kind, length) = stream(value.bytes()?)?;
                    let end = at.checked_add(length).filter(|end| *end <= stripe.streams.end);
                    let end = end.ok_or_else(|| damaged("its streams are longer than it is"))?;
                    if places.insert((column, kind), at..end).is_some() && kind <= ROW_INDEX {
                        return Err(damaged("it has two streams of the same kind for one column"));
                    }
                    at = end;
                }
                2 if encodings.len() < file.tail.columns.len() => encodings.push(encoding(value.bytes()?)?),
                3 => zone = std::str::from_utf8(value.bytes()?).ok().and_then(Zone::of),
                _ => {}
            }
            Ok(())
        })?;
        if encodings.len() != file.tail.columns.len() {
            return Err(damaged("it has other columns than the file"));
        }
        Ok(Self { file, places, encodings, zone, dictionaries: Vec::new(), room: most })
    }

    /// The columns that are in no other.
    pub fn columns(&mut self, faults: &mut Vec<Fault>) -> Result<Vec<Column<'f>>, Fault> {
        let file = self.file;
        match file.tail.columns[0].kind {
            Kind::Structure => {
                let roots = file.tail.columns[0].children.iter();
                roots.map(|number| self.column(*number, false, faults)).collect()
            }
            _ => Ok(vec![self.column(0, false, faults)?]),
        }
    }

    /// All bytes of the index of a column, if it has one.
    pub fn index(&self, number: u32) -> Result<Option<Vec<u8>>, Fault> {
        let storage = &self.file.storage;
        let Some(place) = self.places.get(&(number, ROW_INDEX)) else { return Ok(None) };
        storage.all(place.clone(), storage.limits().whole_bytes / PART, "an index").map(Some)
    }

    fn column(&mut self, number: u32, is_nested: bool, faults: &mut Vec<Fault>) -> Result<Column<'f>, Fault> {
        let file = self.file;
        let path = &file.fields.paths[number as usize];
        let named = |fault: Fault| Fault { reason: format!("column `{path}`: {}", fault.reason), ..fault };
        let values = self.values(number, is_nested, faults).map_err(named)?;
        // What is not read needs no nulls.
        let has_nulls = !matches!(values, Values::None) && self.places.contains_key(&(number, PRESENT));
        let present = has_nulls.then(|| Bits::new(self.stream(number, PRESENT)));
        Ok(Column { path: path.clone(), present, values })
    }

    fn values(&mut self, number: u32, is_nested: bool, faults: &mut Vec<Fault>) -> Result<Values<'f>, Fault> {
        let column = &self.file.tail.columns[number as usize];
        let encoding = self.encodings[number as usize];
        if encoding.kind > 3 {
            return Err(Fault::unsupported("encoded in a way that is not known; write the file with an older version"));
        }
        let ints = |kind, is_signed| Ints::new(self.stream(number, kind), encoding.kind >= 2, is_signed);
        Ok(match column.kind {
            Kind::Boolean => Values::None,
            Kind::Byte => Values::Bytes(Runs::new(self.stream(number, DATA))),
            Kind::Integer => Values::Integers(ints(DATA, true)),
            Kind::Float => Values::Floats(self.stream(number, DATA)),
            Kind::Double => Values::Doubles(self.stream(number, DATA)),
            Kind::Text if encoding.kind & 1 == 1 => {
                let (keys, lengths) = (ints(DATA, false), ints(LENGTH, false));
                let entries = self.dictionary(number, encoding.entries, lengths)?;
                Values::Entries { keys, entries, is_nested }
            }
            Kind::Text | Kind::Binary => {
                Values::Texts { lengths: ints(LENGTH, false), bytes: self.stream(number, DATA) }
            }
            Kind::Decimal => Values::Decimals {
                digits: self.stream(number, DATA),
                scales: ints(SECONDARY, true),
                scale: column.scale,
            },
            Kind::Date => Values::Dates(ints(DATA, true)),
            Kind::Instant => {
                Values::Times(Times { seconds: ints(DATA, true), nanos: ints(SECONDARY, false), zone: None })
            }
            Kind::Timestamp => match self.zone {
                zone @ Some(_) => {
                    Values::Times(Times { seconds: ints(DATA, true), nanos: ints(SECONDARY, false), zone })
                }
                None => {
                    let path = &self.file.fields.paths[number as usize];
                    faults.push(Fault::unreadable(format!(
                        "column `{path}` is not read: its times are those of a time zone that is not known"
                    )));
                    Values::None
                }
            },
            Kind::Structure => Values::Structure(self.children(number, faults)?),
            Kind::List | Kind::Map => {
                let lengths = ints(LENGTH, false);
                Values::List { lengths, elements: self.children(number, faults)? }
            }
            Kind::Union => {
                let tags = Runs::new(self.stream(number, DATA));
                Values::Union { tags, variants: self.children(number, faults)? }
            }
        })
    }

    fn children(&mut self, number: u32, faults: &mut Vec<Fault>) -> Result<Vec<Column<'f>>, Fault> {
        let file = self.file;
        file.tail.columns[number as usize].children.iter().map(|child| self.column(*child, true, faults)).collect()
    }

    /// The stream of a column; one that is left out is empty.
    fn stream(&self, number: u32, kind: u64) -> Stream<'f> {
        let place = self.places.get(&(number, kind)).cloned().unwrap_or_default();
        Stream::new(&self.file.storage, place)
    }

    /// The texts of which a column has the numbers.
    fn dictionary(&mut self, number: u32, entries: u64, mut lengths: Ints<'f>) -> Result<Arc<BinaryArray>, Fault> {
        let too_long = || {
            let most = self.file.storage.limits().whole_bytes;
            Fault::limit(format!("the dictionaries have more than {most} bytes; raise the limit `whole_bytes`"))
        };
        let room = self.room.checked_sub(entries.saturating_mul(ENTRY)).ok_or_else(too_long)?;
        let mut of_entries = Vec::new();
        lengths.append(entries as usize, &mut of_entries)?;
        let (mut offsets, mut end) = (Vec::with_capacity(of_entries.len() + 1), 0i32);
        offsets.push(0);
        for length in of_entries {
            let length = u64::try_from(length).map_err(|_| damaged("a length makes no sense"))?;
            let longer = i32::try_from(length).ok().and_then(|length| end.checked_add(length));
            end = longer.ok_or_else(too_long)?;
            offsets.push(end);
        }
        self.room = room.checked_sub(end as u64).ok_or_else(too_long)?;
        let mut bytes = Vec::new();
        self.stream(number, DICTIONARY).append(end as usize, &mut bytes)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let array = Arc::new(arrow(BinaryArray::try_new(offsets, bytes.into(), None))?);
        self.dictionaries.push((number, array.clone()));
        Ok(array)
    }
}

/// The column, the kind and the length of a stream.
fn stream(message: &[u8]) -> Result<(u32, u64, u64), Damaged> {
    let (mut kind, mut column, mut length) = (0, 0, 0);
    fields::<Damaged>(message, |field, value| {
        match field {
            1 => kind = value.number()?,
            2 => column = u32::try_from(value.number()?).map_err(|_| Damaged)?,
            3 => length = value.number()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((column, kind, length))
}

fn encoding(message: &[u8]) -> Result<Encoding, Damaged> {
    let mut parsed = Encoding::default();
    fields::<Damaged>(message, |field, value| {
        match field {
            1 => parsed.kind = value.number()?,
            2 => parsed.entries = value.number()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(parsed)
}
