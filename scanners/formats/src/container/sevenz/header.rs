//! The directory of a 7z archive (7zFormat.txt of 7-Zip).
//!
//! It is read here rather than by a library, because memory has to be bounded before it is taken, and a member that
//! cannot be read must not hide the others.

use crate::Fault;

/// How members lie in the archive.
#[derive(Default, Debug)]
pub(super) struct Directory {
    /// Where packed data begin, behind the archive's own header.
    pub pack_at: u64,
    pub pack_sizes: Vec<u64>,
    pub blocks: Vec<Block>,
    pub names: Vec<u8>,
    /// What each member is, in the order of names.
    pub members: Vec<Member>,
}

/// What a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Member {
    /// The next piece of content.
    File,
    Empty,
    Directory,
    /// Says that a file was deleted.
    Deleted,
}

/// Members that are packed together, and how.
#[derive(Default, Debug)]
pub(super) struct Block {
    pub coders: Vec<Coder>,
    /// Which coder's input is which coder's output.
    pub pairs: Vec<(u64, u64)>,
    /// Inputs that are packed data.
    pub packed: Vec<u64>,
    /// Bytes that each coder gives.
    pub sizes: Vec<u64>,
    pub crc: Option<u32>,
    pub pieces: Vec<Piece>,
}

/// One step of packing, with one output.
#[derive(Debug)]
pub(super) struct Coder {
    pub method: Vec<u8>,
    pub inputs: u64,
    pub properties: Vec<u8>,
}

/// One member's content in a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub size: u64,
    pub crc: Option<u32>,
}

impl Block {
    /// The coder whose output is the block's content.
    pub fn last(&self) -> Option<usize> {
        (0..self.coders.len()).find(|&i| self.pairs.iter().all(|(_, output)| *output != i as u64))
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        self.last().and_then(|last| self.sizes.get(last)).copied().unwrap_or(0)
    }
}

/// What a header turned out to be.
pub(super) enum Parsed {
    Directory(Directory),
    /// It is packed itself.
    Packed(Directory),
}

const END: u64 = 0;
const HEADER: u64 = 1;
const PROPERTIES: u64 = 2;
const STREAMS: u64 = 4;
const FILES: u64 = 5;
const PACKED: u64 = 6;
const BLOCKS: u64 = 7;
const PIECES: u64 = 8;
const SIZES: u64 = 9;
const DIGESTS: u64 = 10;
const CODERS: u64 = 11;
const BLOCK_SIZES: u64 = 12;
const COUNTS: u64 = 13;
const NO_CONTENT: u64 = 14;
const EMPTY: u64 = 15;
const DELETED: u64 = 16;
const NAMES: u64 = 17;
const PACKED_HEADER: u64 = 23;

/// Coders and inputs of a block; 7-Zip has the same bound.
const MOST_CODERS: u64 = 32;

/// Reads a header.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, Fault> {
    let mut at = Cursor(bytes);
    let parsed = match at.number() {
        Some(HEADER) => header(&mut at).map(Parsed::Directory),
        Some(PACKED_HEADER) => {
            let mut directory = Directory::default();
            streams(&mut at, &mut directory).map(|()| Parsed::Packed(directory))
        }
        _ => None,
    };
    parsed.ok_or_else(|| Fault::unreadable("the directory of the 7z archive is damaged"))
}

fn header(at: &mut Cursor<'_>) -> Option<Directory> {
    let mut directory = Directory::default();
    loop {
        match at.number()? {
            END => return Some(directory),
            PROPERTIES => {
                while at.number()? != END {
                    let len = at.number()?;
                    at.take(len)?;
                }
            }
            STREAMS => streams(at, &mut directory)?,
            FILES => files(at, &mut directory)?,
            _ => return None,
        }
    }
}

fn streams(at: &mut Cursor<'_>, directory: &mut Directory) -> Option<()> {
    let mut told = false;
    loop {
        match at.number()? {
            END => break,
            PACKED => packed(at, directory)?,
            BLOCKS => blocks(at, directory)?,
            PIECES => {
                told = true;
                pieces(at, &mut directory.blocks)?;
            }
            _ => return None,
        }
    }
    if !told {
        for block in &mut directory.blocks {
            block.pieces = vec![Piece { size: block.size(), crc: block.crc }];
        }
    }
    Some(())
}

fn packed(at: &mut Cursor<'_>, directory: &mut Directory) -> Option<()> {
    directory.pack_at = at.number()?;
    let count = at.count()?;
    loop {
        match at.number()? {
            END => return Some(()),
            SIZES => directory.pack_sizes = (0..count).map(|_| at.number()).collect::<Option<_>>()?,
            DIGESTS => drop(at.digests(count)?),
            _ => return None,
        }
    }
}

fn blocks(at: &mut Cursor<'_>, directory: &mut Directory) -> Option<()> {
    (at.number()? == CODERS).then_some(())?;
    let count = at.count()?;
    (at.byte()? == 0).then_some(())?; // else they stand elsewhere, which no program writes
    directory.blocks = (0..count).map(|_| block(at)).collect::<Option<_>>()?;
    (at.number()? == BLOCK_SIZES).then_some(())?;
    for block in &mut directory.blocks {
        block.sizes = block.coders.iter().map(|_| at.number()).collect::<Option<_>>()?;
    }
    loop {
        match at.number()? {
            END => return Some(()),
            DIGESTS => {
                for (block, crc) in directory.blocks.iter_mut().zip(at.digests(count)?) {
                    block.crc = crc;
                }
            }
            _ => return None,
        }
    }
}

fn block(at: &mut Cursor<'_>) -> Option<Block> {
    let mut block = Block::default();
    let count = at.number().filter(|count| (1..=MOST_CODERS).contains(count))?;
    for _ in 0..count {
        let flags = at.byte()?;
        let method = at.take(u64::from(flags & 15))?.to_vec();
        let (inputs, outputs) = if flags & 16 != 0 { (at.number()?, at.number()?) } else { (1, 1) };
        let len = if flags & 32 != 0 { at.number()? } else { 0 };
        let properties = at.take(len)?.to_vec();
        // Several outputs were possible once; sizes and pairs then count otherwise.
        (flags & 128 == 0 && outputs == 1 && (1..=MOST_CODERS).contains(&inputs)).then_some(())?;
        block.coders.push(Coder { method, inputs, properties });
    }
    let inputs: u64 = block.coders.iter().map(|coder| coder.inputs).sum();
    block.pairs = (1..count).map(|_| Some((at.number()?, at.number()?))).collect::<Option<_>>()?;
    let packed = inputs.checked_sub(count - 1).filter(|packed| (1..=MOST_CODERS).contains(packed))?;
    block.packed = match packed {
        1 => vec![(0..inputs).find(|input| block.pairs.iter().all(|(paired, _)| paired != input))?],
        _ => (0..packed).map(|_| at.number()).collect::<Option<_>>()?,
    };
    Some(block)
}

fn pieces(at: &mut Cursor<'_>, blocks: &mut [Block]) -> Option<()> {
    let mut id = at.number()?;
    let mut counts = vec![1; blocks.len()];
    if id == COUNTS {
        for count in &mut counts {
            *count = at.number()?;
        }
        id = at.number()?;
    }
    for (block, &count) in blocks.iter_mut().zip(&counts) {
        // Each size but the last is told and takes a byte.
        (count <= 1 || id == SIZES && count - 1 <= at.0.len() as u64).then_some(())?;
        let mut left = block.size();
        for last in (1..=count).map(|n| n == count) {
            let size = if last { left } else { at.number()? };
            left = left.checked_sub(size)?;
            block.pieces.push(Piece { size, crc: None });
        }
        if let ([only], Some(crc)) = (block.pieces.as_mut_slice(), block.crc) {
            only.crc = Some(crc);
        }
    }
    if id == SIZES {
        id = at.number()?;
    }
    loop {
        match id {
            END => return Some(()),
            DIGESTS => {
                let unknown = blocks.iter_mut().flat_map(|block| &mut block.pieces).filter(|piece| piece.crc.is_none());
                let mut unknown: Vec<_> = unknown.collect();
                let digests = at.digests(unknown.len())?;
                unknown.iter_mut().zip(digests).for_each(|(piece, crc)| piece.crc = crc);
            }
            _ => return None,
        }
        id = at.number()?;
    }
}

fn files(at: &mut Cursor<'_>, directory: &mut Directory) -> Option<()> {
    let count = at.count()?;
    let (mut without, mut empty, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let id = at.number()?;
        if id == END {
            break;
        }
        let len = at.number()?;
        let mut property = Cursor(at.take(len)?);
        let count_without = without.iter().filter(|without| **without).count();
        match id {
            NO_CONTENT => without = property.bits(count)?,
            EMPTY => empty = property.bits(count_without)?,
            DELETED => deleted = property.bits(count_without)?,
            NAMES => {
                (property.byte()? == 0).then_some(())?;
                directory.names = property.0.to_vec();
            }
            _ => {}
        }
    }
    // Every name ends with a zero of two bytes.
    (directory.names.len() as u64 >= 2 * count as u64).then_some(())?;
    let mut nth = 0;
    directory.members = Vec::with_capacity(count);
    for i in 0..count {
        if !without.get(i).copied().unwrap_or(false) {
            directory.members.push(Member::File);
            continue;
        }
        let is = |bits: &[bool]| bits.get(nth).copied().unwrap_or(false);
        let kind = if is(&deleted) {
            Member::Deleted
        } else if is(&empty) {
            Member::Empty
        } else {
            Member::Directory
        };
        directory.members.push(kind);
        nth += 1;
    }
    Some(())
}

/// The next name: UTF-16 up to a zero, with `/` between directories, in UTF-8.
pub(super) fn next_name(names: &mut &[u8]) -> Vec<u8> {
    let units = names.as_chunks::<2>().0;
    let len = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let text = char::decode_utf16(units[..len].iter().map(|unit| u16::from_le_bytes(*unit)));
    let name: String = text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    *names = names.get(2 * len + 2..).unwrap_or_default();
    name.into_bytes()
}

/// What is left of a header.
struct Cursor<'h>(&'h [u8]);

impl<'h> Cursor<'h> {
    fn take(&mut self, n: u64) -> Option<&'h [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(n).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number whose first byte tells by its leading ones how many follow.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones().min(8);
        let low = self.take(more.into())?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        let high = if more >= 7 { 0 } else { u64::from(first) & (0x7f >> more) };
        Some(high.checked_shl(8 * more).unwrap_or(0) | low)
    }

    /// A number of things each of which takes a byte at least; a bound on memory.
    fn count(&mut self) -> Option<usize> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|&count| count <= self.0.len())
    }

    fn bits(&mut self, count: usize) -> Option<Vec<bool>> {
        let bytes = self.take(count.div_ceil(8) as u64)?;
        Some((0..count).map(|i| bytes[i / 8] >> (7 - i % 8) & 1 != 0).collect())
    }

    fn digests(&mut self, count: usize) -> Option<Vec<Option<u32>>> {
        let defined = if self.byte()? != 0 { vec![true; count] } else { self.bits(count)? };
        let mut digest = |defined: bool| -> Option<Option<u32>> {
            if !defined {
                return Some(None);
            }
            Some(Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?)))
        };
        defined.into_iter().map(&mut digest).collect()
    }
}
