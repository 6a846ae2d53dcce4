//! Writing Avro files anew: records left out, values replaced, the head with its schema as it was.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use super::MAX_DEPTH;
use super::block::Blocks;
use super::schema::{self, Number, Schema, Schemas};
use super::value::{counted, long, take};
use crate::container::Within;
use crate::json::append_key;
use crate::{Bytes, Fault, Input, ReadAt};

/// A value as it stands in a record.
pub(crate) struct Place {
    pub field: String,
    /// Which of the record's values of the field it is.
    pub nth: usize,
    /// Its bytes in the block, the length before them and the branch of a union included.
    pub bytes: Range<usize>,
    /// How it may be written anew.
    pub kind: Kind,
    /// What stands before it if it is in a union, and what stands for null in that.
    pub branch: Option<(Vec<u8>, Option<Vec<u8>>)>,
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Text or bytes, behind their length.
    Text,
    Int,
    Long,
    Float,
    Double,
    /// In a way that is not written: dates, decimals, symbols.
    Other,
}

/// The records of a file, block by block.
pub(crate) struct Records<'w> {
    blocks: Blocks<'w, 'w>,
    schemas: Schemas,
    /// Where the blocks begin.
    pub head: u64,
}

/// What a block holds.
pub(crate) enum Content {
    /// As it is packed: nothing in it is wanted.
    Packed(Vec<u8>),
    Open(Block),
}

/// A block, unpacked: for each record where it stands, and the places of its values if they were wanted.
pub(crate) struct Block {
    pub content: Vec<u8>,
    pub records: Vec<(u64, Range<usize>, Vec<Place>)>,
}

impl<'w> Records<'w> {
    pub fn open(from: &Arc<dyn ReadAt>, within: &'w Within<'w>) -> Result<Self, Fault> {
        let blocks = Blocks::open(Bytes::new(Input::Stored(from.clone())), within)?;
        let schemas = schema::parse(&blocks.schema, within.limits.nesting.min(MAX_DEPTH)).map_err(Fault::unreadable)?;
        let head = blocks.position();
        Ok(Self { blocks, schemas, head })
    }

    /// The next block, whose first record has the number `first`: unpacked if any of its records is `wanted`, with the
    /// places in those that `is_wanted` says.
    pub fn next(
        &mut self,
        first: u64,
        wanted: &dyn Fn(Range<u64>) -> bool,
        is_wanted: &dyn Fn(u64) -> bool,
    ) -> Result<Option<(u64, Content)>, Fault> {
        let Some((count, packed)) = self.blocks.next_packed()? else { return Ok(None) };
        if !wanted(first..first.saturating_add(count)) {
            return Ok(Some((count, Content::Packed(packed))));
        }
        let content = self.blocks.unpacked(packed)?;
        let damaged = || Fault::unreadable(format!("a block of the file is damaged behind row {first}"));
        let (mut records, mut at) = (Vec::new(), 0);
        for row in first..first.saturating_add(count) {
            let mut walk = Walk { schemas: &self.schemas, content: &content, at, path: String::new(), places: None };
            walk.places = is_wanted(row).then(Vec::new);
            walk.value(&self.schemas.root, None, 0).ok_or_else(damaged)?;
            if walk.at == at {
                return Err(Fault::unsupported("its records hold nothing"));
            }
            records.push((row, at..walk.at, walk.places.unwrap_or_default()));
            at = walk.at;
        }
        match at == content.len() {
            true => Ok(Some((count, Content::Open(Block { content, records })))),
            false => Err(damaged()),
        }
    }

    /// The entries of the head.
    pub fn entries(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.blocks.entries
    }

    /// Writes a block with this mark behind it.
    pub fn write(&self, count: u64, packed: &[u8], mark: &[u8; 16], out: &mut dyn Write) -> Result<(), Fault> {
        let mut head = encoded(count as i64);
        head.extend(encoded(packed.len() as i64));
        for bytes in [&head, packed, mark] {
            out.write_all(bytes).map_err(|error| Fault::from_io(&error, 0))?;
        }
        Ok(())
    }

    /// The content of a block, packed.
    pub fn packed(&self, content: &[u8]) -> Result<Vec<u8>, Fault> {
        self.blocks.packed(content).map_err(|error| Fault::from_io(&error, 0))
    }
}

/// A walk over one record.
struct Walk<'s> {
    schemas: &'s Schemas,
    content: &'s [u8],
    at: usize,
    path: String,
    places: Option<Vec<Place>>,
}

/// The bytes of a union's branch, and those of its null.
type Branch = (Vec<u8>, Option<Vec<u8>>);

impl Walk<'_> {
    fn read<T>(&mut self, read: impl FnOnce(&mut &[u8]) -> Option<T>) -> Option<T> {
        let mut rest = self.content.get(self.at..)?;
        let before = rest.len();
        let value = read(&mut rest)?;
        self.at += before - rest.len();
        Some(value)
    }

    fn long(&mut self) -> Option<i64> {
        self.read(|rest| long(rest).ok())
    }

    fn take(&mut self, len: usize) -> Option<()> {
        self.read(|rest| take(rest, len).ok().map(drop))
    }

    /// Passes over bytes behind their length; says whether there are any.
    fn counted(&mut self) -> Option<bool> {
        self.read(|rest| counted(rest).ok().map(|bytes| !bytes.is_empty()))
    }

    fn note(&mut self, from: usize, kind: Kind, branch: Option<Branch>) {
        let Some(places) = &mut self.places else { return };
        let nth = places.iter().filter(|place| place.field == self.path).count();
        let from = from - branch.as_ref().map_or(0, |(before, _)| before.len());
        places.push(Place { field: self.path.clone(), nth, bytes: from..self.at, kind, branch });
    }

    fn value(&mut self, schema: &Schema, branch: Option<Branch>, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let from = self.at;
        match schema {
            Schema::Null => {}
            Schema::Boolean => self.take(1)?,
            Schema::Int(number) | Schema::Long(number) => {
                self.long()?;
                let kind = match schema {
                    _ if *number != Number::Plain => Kind::Other,
                    Schema::Int(_) => Kind::Int,
                    _ => Kind::Long,
                };
                self.note(from, kind, branch);
            }
            Schema::Float => {
                self.take(4)?;
                self.note(from, Kind::Float, branch);
            }
            Schema::Double => {
                self.take(8)?;
                self.note(from, Kind::Double, branch);
            }
            Schema::Bytes(Some(_)) => {
                self.counted()?;
                self.note(from, Kind::Other, branch);
            }
            // What is empty is no value.
            Schema::Bytes(None) | Schema::String => {
                if self.counted()? {
                    self.note(from, Kind::Text, branch);
                }
            }
            Schema::Fixed(size, fixed) => {
                self.take(*size)?;
                if !matches!(fixed, schema::Fixed::Duration) && *size > 0 {
                    self.note(from, Kind::Other, branch);
                }
            }
            Schema::Enum(_) => {
                self.long()?;
                self.note(from, Kind::Other, branch);
            }
            Schema::Union(branches) => {
                let number = self.long()?;
                let chosen = branches.get(usize::try_from(number).ok()?)?.clone();
                let null = branches.iter().position(|branch| matches!(**branch, Schema::Null));
                let before = self.content.get(from..self.at)?.to_vec();
                self.value(&chosen, Some((before, null.map(|null| encoded(null as i64)))), depth + 1)?;
            }
            Schema::Named(number) => {
                let named = self.schemas.named.get(*number)?.clone()?;
                self.value(&named, branch, depth + 1)?;
            }
            Schema::Record(fields) => {
                let len = self.path.len();
                for (name, schema) in fields {
                    append_key(&mut self.path, name.as_bytes());
                    self.value(schema, None, depth + 1)?;
                    self.path.truncate(len);
                }
            }
            Schema::Array(items) => self.blocks(|walk| {
                let len = walk.path.len();
                walk.path.push_str("[]");
                walk.value(items, None, depth + 1)?;
                walk.path.truncate(len);
                Some(())
            })?,
            Schema::Map(values) => self.blocks(|walk| {
                let (len, begin) = (walk.path.len(), walk.at);
                walk.path.push_str(if len == 0 { "{key}" } else { ".{key}" });
                if walk.counted()? {
                    walk.note(begin, Kind::Text, None);
                }
                walk.path.truncate(len);
                walk.path.push_str(if len == 0 { "{}" } else { ".{}" });
                walk.value(values, None, depth + 1)?;
                walk.path.truncate(len);
                Some(())
            })?,
        }
        Some(())
    }

    /// The items of an array or a map; where a block says how many bytes it has, a replacement would make that wrong.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Some(());
            }
            let noted = self.places.as_ref().map_or(0, Vec::len);
            let is_sized = count < 0;
            if is_sized {
                count = count.checked_neg()?;
                self.long()?;
            }
            for _ in 0..count {
                let before = self.at;
                item(self)?;
                // An item of nothing takes no bytes: a count may then be anything.
                if self.at == before && count > 1 << 16 {
                    return None;
                }
            }
            if let Some(places) = self.places.as_mut().filter(|_| is_sized) {
                places[noted..].iter_mut().for_each(|place| place.kind = Kind::Other);
            }
        }
    }
}

/// A whole number of variable length (zig-zag).
pub(crate) fn encoded(value: i64) -> Vec<u8> {
    let mut rest = (value << 1 ^ value >> 63) as u64;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}
