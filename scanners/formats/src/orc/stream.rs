//! A stretch of a file that is packed chunk by chunk, unpacked one chunk at a time.
//!
//! Each chunk begins with three bytes: its length and whether it stands as it is. Unpacked, it is no longer than the
//! block size of the file; what claims to be longer is damaged.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use residuum_source::Limits;

use crate::container::{Within, unpack};
use crate::{Fault, ReadAt};

/// How the chunks of a file are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    /// There are no chunks: everything stands as it is.
    None,
    Zlib,
    Snappy,
    Lz4,
    Zstd,
}

/// The most that a block size may be: the length of a chunk has 23 bits.
pub(super) const MAX_BLOCK: u64 = 1 << 23;
/// What is read at a time of what is not packed.
const PIECE: u64 = 64 << 10;

/// The bytes of a file and how they are packed.
pub(super) struct Storage<'w> {
    pub from: Arc<dyn ReadAt>,
    pub packing: Packing,
    /// The most that a chunk expands to.
    pub block: u64,
    pub within: &'w Within<'w>,
    /// Bytes that the chunks of all open streams hold.
    held: Cell<u64>,
}

impl<'w> Storage<'w> {
    pub fn new(from: Arc<dyn ReadAt>, packing: Packing, block: u64, within: &'w Within<'w>) -> Self {
        Self { from, packing, block, within, held: Cell::new(0) }
    }

    pub fn limits(&self) -> &'w Limits {
        self.within.limits
    }

    /// All bytes of a stretch, unpacked; `what` it is, is told if there are more than `most`.
    pub fn all(&self, stretch: Range<u64>, most: u64, what: &str) -> Result<Vec<u8>, Fault> {
        let mut stream = Stream::new(self, stretch);
        let mut all = Vec::new();
        while !stream.fill()?.is_empty() {
            if (all.len() + stream.window().len()) as u64 > most {
                return Err(Fault::limit(format!("{what} is longer than {most} bytes; raise the limit `whole_bytes`")));
            }
            all.extend_from_slice(stream.window());
            stream.consume(stream.window().len());
        }
        Ok(all)
    }

    /// The bytes of a stretch as they stand.
    pub fn exactly(&self, stretch: Range<u64>) -> Result<Vec<u8>, Fault> {
        exactly(self.from.as_ref(), stretch)
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Vec<u8>, Fault> {
        let unpacked = match self.packing {
            Packing::None => packed.to_vec(),
            Packing::Zlib => unpack::deflate(packed, self.within, self.block)?,
            Packing::Zstd => unpack::zstd(packed, self.within, self.block)?,
            Packing::Snappy => {
                let length = snap::raw::decompress_len(packed).map_err(|_| damaged("a chunk cannot be unpacked"))?;
                if length as u64 > self.block {
                    return Err(damaged("a chunk is longer than the file says"));
                }
                self.within.spend(length as u64)?;
                snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| damaged("a chunk cannot be unpacked"))?
            }
            Packing::Lz4 => {
                let mut unpacked = vec![0; self.block as usize];
                let length = lz4_flex::block::decompress_into(packed, &mut unpacked)
                    .map_err(|_| damaged("a chunk cannot be unpacked"))?;
                self.within.spend(length as u64)?;
                unpacked.truncate(length);
                unpacked.shrink_to_fit();
                unpacked
            }
        };
        if unpacked.len() as u64 > self.block {
            return Err(damaged("a chunk is longer than the file says"));
        }
        Ok(unpacked)
    }
}

/// The bytes of a stretch.
pub(super) fn exactly(from: &dyn ReadAt, stretch: Range<u64>) -> Result<Vec<u8>, Fault> {
    if stretch.end > from.size() || stretch.start > stretch.end {
        return Err(damaged("it is cut off"));
    }
    let mut bytes = vec![0; (stretch.end - stretch.start) as usize];
    let mut read = 0;
    while read < bytes.len() {
        let at = stretch.start + read as u64;
        match from.read_at(&mut bytes[read..], at).map_err(|error| Fault::from_io(&error, at))? {
            0 => return Err(damaged("it is cut off")),
            n => read += n,
        }
    }
    Ok(bytes)
}

pub(super) fn damaged(what: &str) -> Fault {
    Fault::unreadable(what)
}

/// Bytes of a stretch, front to back.
pub(super) struct Stream<'s> {
    storage: &'s Storage<'s>,
    /// What has not been read.
    rest: Range<u64>,
    chunk: Vec<u8>,
    at: usize,
}

impl<'s> Stream<'s> {
    pub fn new(storage: &'s Storage<'_>, stretch: Range<u64>) -> Self {
        Self { storage, rest: stretch, chunk: Vec::new(), at: 0 }
    }

    /// What has been unpacked and not consumed.
    pub fn window(&self) -> &[u8] {
        &self.chunk[self.at..]
    }

    /// Reads on if nothing is left of a chunk, and gives the window; it is empty only at the end.
    pub fn fill(&mut self) -> Result<&[u8], Fault> {
        while self.at == self.chunk.len() && !self.rest.is_empty() {
            self.storage.held.set(self.storage.held.get() - self.chunk.len() as u64);
            (self.chunk, self.at) = (Vec::new(), 0);
            self.chunk = self.next_chunk()?;
            let (held, most) = (self.storage.held.get() + self.chunk.len() as u64, self.storage.limits().whole_bytes);
            self.storage.held.set(held);
            if held > most {
                return Err(Fault::limit(format!(
                    "what is unpacked of all columns at once is more than {most} bytes; raise the limit `whole_bytes`"
                )));
            }
        }
        Ok(self.window())
    }

    pub fn consume(&mut self, n: usize) {
        self.at += n;
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        if self.at == self.chunk.len() && self.fill()?.is_empty() {
            return Err(damaged("it ends too early"));
        }
        self.at += 1;
        Ok(self.chunk[self.at - 1])
    }

    /// Appends the next `n` bytes.
    pub fn append(&mut self, n: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = n;
        while left > 0 {
            let window = self.fill()?;
            if window.is_empty() {
                return Err(damaged("it ends too early"));
            }
            let part = left.min(window.len());
            out.extend_from_slice(&window[..part]);
            self.consume(part);
            left -= part;
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        if let Some(here) = self.window().get(..N) {
            bytes.copy_from_slice(here);
            self.consume(N);
        } else {
            for byte in &mut bytes {
                *byte = self.byte()?;
            }
        }
        Ok(bytes)
    }

    /// A whole number of variable length, of at most 128 bits.
    pub fn varint(&mut self) -> Result<u128, Fault> {
        let mut value = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(damaged("a number is too long"))
    }

    fn next_chunk(&mut self) -> Result<Vec<u8>, Fault> {
        if self.storage.packing == Packing::None {
            let end = self.rest.end.min(self.rest.start + PIECE);
            let piece = self.storage.exactly(self.rest.start..end)?;
            self.rest.start = end;
            return Ok(piece);
        }
        let begin = self.rest.start + 3;
        if begin > self.rest.end {
            return Err(damaged("a chunk is cut off"));
        }
        let head = self.storage.exactly(self.rest.start..begin)?;
        let head = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        let end = begin + u64::from(head >> 1);
        if end > self.rest.end {
            return Err(damaged("a chunk is cut off"));
        }
        self.rest.start = end;
        let is_packed = head & 1 == 0;
        if !is_packed && end - begin > self.storage.block {
            return Err(damaged("a chunk is longer than the file says"));
        }
        let chunk = self.storage.exactly(begin..end)?;
        if is_packed { self.storage.unpacked(&chunk) } else { Ok(chunk) }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.storage.held.set(self.storage.held.get() - self.chunk.len() as u64);
    }
}
