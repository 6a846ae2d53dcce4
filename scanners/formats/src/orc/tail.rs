//! The tail of a file: how it is packed, its columns and where its stripes are.
//!
//! Everything that reading relies on is checked here: columns form a tree that is not too deep, stripes lie in the file
//! one behind the other, and lengths are what there is room for. The numbers of fields are those of `orc_proto.proto`.

use std::ops::Range;
use std::sync::Arc;

use super::proto::{Damaged, Value, fields};
use super::stream::{MAX_BLOCK, Packing, Storage, damaged, exactly};
use super::types::{Type, check_tree};
use crate::container::Within;
use crate::{Fault, ReadAt};

/// What is known of a file before its rows are read.
pub(super) struct Tail {
    pub columns: Vec<Type>,
    pub stripes: Vec<Stripe>,
    /// How many rows the footer says there are.
    pub rows: u64,
    /// Columns that are encrypted, by number; of theirs, what stands in clear is masked.
    pub encrypted: Vec<u32>,
    /// What whoever wrote the file noted about it: names and values.
    pub notes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Why the statistics of stripes are not known, if they are not.
    pub fault: Option<Fault>,
    /// Statistics of the file's columns, and of the columns of each stripe.
    footer: Vec<u8>,
    metadata: Vec<u8>,
    statistics: Vec<Range<usize>>,
    of_stripes: Vec<Range<usize>>,
}

/// Where a stripe is, and how many rows it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stripe {
    /// Its indexes and data, one stream behind the other.
    pub streams: Range<u64>,
    pub footer: Range<u64>,
    pub rows: u64,
}

/// A footer may have this part of what may be held in memory: taken apart it is larger.
pub(super) const PART: u64 = 16;
/// A column takes less than this in memory, its readers included.
const COLUMN: u64 = 512;

impl From<Damaged> for Fault {
    fn from(_: Damaged) -> Self {
        damaged("it makes no sense")
    }
}

/// Reads the tail of a file, which says how the file is packed.
pub(super) fn read<'w>(from: Arc<dyn ReadAt>, within: &'w Within<'w>) -> Result<(Storage<'w>, Tail), Fault> {
    let size = from.size();
    let Some(end) = size.checked_sub(1).filter(|end| *end > 3) else {
        return Err(damaged("too short for an ORC file: it is truncated"));
    };
    let length = u64::from(exactly(from.as_ref(), end..size)?[0]);
    let cut = || damaged(&format!("no postscript at the end (byte {end}): the file is truncated"));
    let start = end.checked_sub(length).ok_or_else(cut)?;
    let postscript = Postscript::parse(&exactly(from.as_ref(), start..end)?).map_err(|_| cut())?;
    if !postscript.has_magic {
        return Err(cut());
    }
    let packing = match postscript.compression {
        0 => Packing::None,
        1 => Packing::Zlib,
        2 => Packing::Snappy,
        4 => Packing::Lz4,
        5 => Packing::Zstd,
        3 => return Err(Fault::unsupported("packed with LZO, which is not read; write the file with zstd or zlib")),
        other => {
            let reason =
                format!("packed in a way that is not known (number {other}); write the file with zstd or zlib");
            return Err(Fault::unsupported(reason));
        }
    };
    let block = if postscript.block == 0 { 256 << 10 } else { postscript.block };
    if block > MAX_BLOCK {
        return Err(damaged(&format!("chunks of {block} bytes are more than the format knows: it is damaged")));
    }
    let too_long = || damaged("the footer claims more bytes than the file holds");
    let footer = start.checked_sub(postscript.footer).filter(|at| *at >= 3).ok_or_else(too_long)?;
    let metadata = footer.checked_sub(postscript.metadata).filter(|at| *at >= 3).ok_or_else(too_long)?;
    let storage = Storage::new(from, packing, block, within);
    let whole = within.limits.whole_bytes;
    let in_footer = |fault: Fault| Fault { reason: format!("the footer cannot be read: {}", fault.reason), ..fault };
    let mut tail = Tail {
        columns: Vec::new(),
        stripes: Vec::new(),
        rows: 0,
        encrypted: Vec::new(),
        notes: Vec::new(),
        fault: None,
        footer: storage.all(footer..start, whole / PART, "it").map_err(in_footer)?,
        metadata: Vec::new(),
        statistics: Vec::new(),
        of_stripes: Vec::new(),
    };
    tail.parse_footer(metadata, within).map_err(in_footer)?;
    // Without them the rows can be read all the same.
    tail.fault = storage
        .all(metadata..footer, whole, "it")
        .and_then(|bytes| tail.parse_metadata(bytes))
        .map_err(|fault| place("the statistics of the stripes", fault))
        .err();
    Ok((storage, tail))
}

#[derive(Default)]
struct Postscript {
    footer: u64,
    compression: u64,
    block: u64,
    metadata: u64,
    has_magic: bool,
}

impl Postscript {
    fn parse(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut parsed = Self::default();
        fields::<Damaged>(bytes, |field, value| {
            match field {
                1 => parsed.footer = value.number()?,
                2 => parsed.compression = value.number()?,
                3 => parsed.block = value.number()?,
                5 => parsed.metadata = value.number()?,
                8000 => parsed.has_magic = value.bytes()? == b"ORC",
                _ => {}
            }
            Ok(())
        })?;
        Ok(parsed)
    }
}

impl Tail {
    /// `end`: where the stripes end.
    fn parse_footer(&mut self, end: u64, within: &Within<'_>) -> Result<(), Fault> {
        let footer = std::mem::take(&mut self.footer);
        let most = (within.limits.whole_bytes / COLUMN) as usize;
        fields::<Fault>(&footer, |field, value| {
            match field {
                3 => {
                    let behind = self.stripes.last().map_or(3, |last| last.footer.end);
                    let stripe = Stripe::parse(value.bytes()?, behind..end)
                        .map_err(|fault| place(&format!("stripe {}", self.stripes.len()), fault))?;
                    self.stripes.push(stripe);
                }
                4 if self.columns.len() == most => {
                    return Err(Fault::limit(format!(
                        "it has more than {most} columns; raise the limit `whole_bytes`"
                    )));
                }
                4 => {
                    let column = Type::parse(value.bytes()?)
                        .map_err(|fault| place(&format!("column {}", self.columns.len()), fault))?;
                    self.columns.push(column);
                }
                5 => self.notes.push(note(value.bytes()?)?),
                6 => self.rows = value.number()?,
                7 => self.statistics.push(range_in(&footer, value.bytes()?)),
                10 => self.encryption(value.bytes()?)?,
                _ => {}
            }
            Ok(())
        })?;
        check_tree(&self.columns, within.limits.nesting as usize)?;
        let rows = self.stripes.iter().try_fold(0u64, |sum, stripe| sum.checked_add(stripe.rows));
        if rows.is_none_or(|rows| i64::try_from(rows).is_err()) {
            return Err(damaged("it claims more rows than can be counted"));
        }
        self.footer = footer;
        Ok(())
    }

    fn parse_metadata(&mut self, metadata: Vec<u8>) -> Result<(), Fault> {
        let mut of_stripes = Vec::new();
        fields::<Fault>(&metadata, |field, value| {
            if field == 1 && of_stripes.len() < self.stripes.len() {
                of_stripes.push(range_in(&metadata, value.bytes()?));
            }
            Ok(())
        })?;
        (self.metadata, self.of_stripes) = (metadata, of_stripes);
        Ok(())
    }

    /// The statistics of the columns in all of the file, in the order of columns.
    pub fn statistics(&self) -> impl Iterator<Item = &[u8]> {
        self.statistics.iter().map(|range| &self.footer[range.clone()])
    }

    /// Those of a stripe.
    pub fn statistics_of(&self, stripe: usize) -> Result<Vec<&[u8]>, Damaged> {
        let mut all = Vec::new();
        let Some(range) = self.of_stripes.get(stripe) else { return Ok(all) };
        fields::<Damaged>(&self.metadata[range.clone()], |field, value| {
            if field == 1 {
                all.push(value.bytes()?);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The roots of the columns that are encrypted.
    fn encryption(&mut self, message: &[u8]) -> Result<(), Damaged> {
        fields::<Damaged>(message, |field, value| match (field, value) {
            (3, Value::Bytes(variant)) => fields::<Damaged>(variant, |field, value| {
                if field == 1 {
                    self.encrypted.push(u32::try_from(value.number()?).map_err(|_| Damaged)?);
                }
                Ok(())
            }),
            _ => Ok(()),
        })
    }
}

fn note(message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Damaged> {
    let (mut name, mut text) = (Vec::new(), Vec::new());
    fields::<Damaged>(message, |field, value| {
        match field {
            1 => name = value.bytes()?.to_vec(),
            2 => text = value.bytes()?.to_vec(),
            _ => {}
        }
        Ok(())
    })?;
    Ok((name, text))
}

fn place(what: &str, fault: Fault) -> Fault {
    Fault { reason: format!("{what}: {}", fault.reason), ..fault }
}

/// Where in a message a part of it stands.
fn range_in(message: &[u8], part: &[u8]) -> Range<usize> {
    let at = part.as_ptr() as usize - message.as_ptr() as usize;
    at..at + part.len()
}

impl Stripe {
    /// A stripe within a stretch of the file.
    fn parse(message: &[u8], within: Range<u64>) -> Result<Self, Fault> {
        let (mut offset, mut index, mut data, mut footer, mut rows) = (0, 0, 0, 0, 0);
        fields::<Damaged>(message, |field, value| {
            match field {
                1 => offset = value.number()?,
                2 => index = value.number()?,
                3 => data = value.number()?,
                4 => footer = value.number()?,
                5 => rows = value.number()?,
                _ => {}
            }
            Ok(())
        })?;
        let streams = u64::checked_add(index, data).and_then(|length| offset.checked_add(length));
        let end = streams.and_then(|end| end.checked_add(footer)).filter(|end| *end <= within.end);
        match (streams, end) {
            (Some(streams), Some(end)) if offset >= within.start && footer > 0 => {
                Ok(Self { streams: offset..streams, footer: streams..end, rows })
            }
            _ => Err(damaged("it does not lie between the one before it and the footer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_lie_where_they_can() {
        // offset, index, data, footer, rows
        let stripe = |numbers: [u8; 5]| -> Vec<u8> {
            numbers.iter().enumerate().flat_map(|(i, number)| [(i as u8 + 1) << 3, *number]).collect()
        };
        let sound = Stripe { streams: 3..23, footer: 23..28, rows: 7 };
        assert_eq!(Stripe::parse(&stripe([3, 5, 15, 5, 7]), 3..28), Ok(sound));
        for (name, numbers) in [
            ("over the one before", [2, 5, 15, 5, 7]),
            ("into the footer", [3, 5, 15, 6, 7]),
            ("without a footer", [3, 5, 15, 0, 7]),
        ] {
            assert!(Stripe::parse(&stripe(numbers), 3..28).is_err(), "{name}");
        }
        let far = [&[8, 3, 24][..], &[0xff; 9], &[1]].concat();
        assert!(Stripe::parse(&far, 3..28).is_err());
    }
}
