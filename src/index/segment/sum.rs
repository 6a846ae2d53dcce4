//! Sums over a segment's files: a flipped bit is noticed by whoever reads it.
//!
//! A file is data first and ends with a *tail*: indexes of pages and the footer. The footer holds a sum of each
//! block of the data, the catalog holds a digest of the tail, which so is one of the whole file. Both are computed
//! while the file is written. A reader checks the tail when it opens the file and each block when it reads from it,
//! so a look-up checks what it needs and no more. (Parquet has page checksums of its own; its writer does not
//! write them, and they would leave out the indexes and the footer.)

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::index::error::{IndexError, Result};

/// Bytes of a block: about what a look-up reads of a column at once.
const BLOCK: usize = 16 << 10;
/// Bytes of a block's sum, the first of its BLAKE3. It tells damage, not forgery.
const SUM: usize = 8;
/// Under which name the footer holds the sums.
pub(super) const NAME: &str = "residuum.sums";

/// What the catalog knows of a file as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::index) struct FileSum {
    /// Bytes of the file.
    pub(in crate::index) bytes: u64,
    /// Bytes of its tail.
    pub(in crate::index) tail: u64,
    /// BLAKE3 of its tail.
    pub(in crate::index) digest: [u8; 32],
}

/// A file that is written and summed.
pub(super) struct Summed {
    file: BufWriter<File>,
    bytes: u64,
    block: Vec<u8>,
    sums: Vec<u8>,
    /// Bytes of the data and the digest of what follows, once the tail has begun.
    tail: Option<(u64, blake3::Hasher)>,
}

impl Summed {
    pub(super) fn new(file: File) -> Self {
        let file = BufWriter::with_capacity(1 << 18, file);
        Self { file, bytes: 0, block: Vec::with_capacity(BLOCK), sums: Vec::new(), tail: None }
    }

    /// Ends the data; gives the sums of its blocks, for the footer.
    pub(super) fn begin_tail(&mut self) -> String {
        if !self.block.is_empty() {
            self.sums.extend(sum(&self.block));
            self.block.clear();
        }
        self.tail = Some((self.bytes, blake3::Hasher::new()));
        STANDARD.encode(&self.sums)
    }

    /// Hands everything to the disk.
    pub(super) fn finish(&mut self) -> io::Result<FileSum> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let (data, digest) = self.tail.as_ref().ok_or_else(|| io::Error::other("a file without a footer"))?;
        Ok(FileSum { bytes: self.bytes, tail: self.bytes - data, digest: *digest.finalize().as_bytes() })
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        if let Some((_, digest)) = &mut self.tail {
            digest.update(bytes);
            return Ok(());
        }
        let mut left = bytes;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(BLOCK - self.block.len()));
            if self.block.is_empty() && now.len() == BLOCK {
                self.sums.extend(sum(now));
            } else {
                self.block.extend_from_slice(now);
                if self.block.len() == BLOCK {
                    self.sums.extend(sum(&self.block));
                    self.block.clear();
                }
            }
            left = later;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn sum(block: &[u8]) -> [u8; SUM] {
    blake3::hash(block).as_bytes()[..SUM].try_into().expect("a digest is longer")
}

/// A file that is checked as it is read.
pub(super) struct Checked {
    pub(super) file: File,
    pub(super) length: u64,
    /// The tail, which was checked when the file was opened; empty for a file without sums.
    tail: Bytes,
    sums: Vec<u8>,
}

impl Checked {
    /// Opens a file; without a sum, as indexes of format 1 have none, nothing is checked.
    pub(super) fn open(path: &Path, file: File, written: Option<&FileSum>) -> Result<Self> {
        let length = file.metadata().map_err(IndexError::io(path, "read"))?.len();
        let mut checked = Self { file, length, tail: Bytes::new(), sums: Vec::new() };
        let Some(written) = written else { return Ok(checked) };
        if length != written.bytes || written.tail > length {
            let what = format!("has {length} bytes, where {} were written", written.bytes);
            return Err(IndexError::damaged(path, what));
        }
        let mut tail = vec![0; written.tail as usize];
        checked.file.read_exact_at(&mut tail, length - written.tail).map_err(IndexError::io(path, "read"))?;
        if *blake3::hash(&tail).as_bytes() != written.digest {
            return Err(IndexError::damaged(path, "is not what was written: the digest of its end differs"));
        }
        checked.tail = tail.into();
        Ok(checked)
    }

    /// Takes the sums out of the footer.
    pub(super) fn take_sums(&mut self, path: &Path, metadata: &ParquetMetaData) -> Result<()> {
        if self.tail.is_empty() {
            return Ok(());
        }
        let entries = metadata.file_metadata().key_value_metadata();
        let text = entries.and_then(|all| all.iter().find(|entry| entry.key == NAME)?.value.as_deref());
        let sums = text.and_then(|text| STANDARD.decode(text).ok());
        let blocks = self.data().div_ceil(BLOCK as u64) as usize;
        let sums = sums.filter(|sums| sums.len() == blocks * SUM);
        self.sums = sums.ok_or_else(|| IndexError::damaged(path, "has no sums of its blocks"))?;
        Ok(())
    }

    /// Bytes before the tail.
    fn data(&self) -> u64 {
        self.length - self.tail.len() as u64
    }

    /// Reads a range, which lies within the file.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond its end, `InvalidData` for a block that is not as it was written.
    pub(super) fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let data = self.data();
        if start >= data && !self.tail.is_empty() {
            return Ok(self.tail.slice((start - data) as usize..(end - data) as usize));
        }
        if self.tail.is_empty() || length == 0 {
            let mut buffer = vec![0; length];
            self.file.read_exact_at(&mut buffer, start)?;
            return Ok(buffer.into());
        }
        if end > data {
            let parts = [self.read(start, (data - start) as usize)?, self.read(data, (end - data) as usize)?];
            return Ok(parts.concat().into());
        }
        let first = start / BLOCK as u64;
        let from = first * BLOCK as u64;
        let to = end.next_multiple_of(BLOCK as u64).min(data);
        let mut buffer = vec![0; (to - from) as usize];
        self.file.read_exact_at(&mut buffer, from)?;
        for (block, bytes) in (first as usize..).zip(buffer.chunks(BLOCK)) {
            if self.sums.get(block * SUM..block * SUM + SUM) != Some(&sum(bytes)) {
                let text = format!("the {} bytes from {} are not what was written", bytes.len(), block * BLOCK);
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(Bytes::from(buffer).slice((start - from) as usize..(end - from) as usize))
    }

    /// Reads all of it; says whether it had sums to be checked by.
    pub(super) fn read_all(&self) -> io::Result<bool> {
        let mut at = 0;
        while at < self.length {
            at += self.read(at, (self.length - at).min(1 << 20) as usize)?.len() as u64;
        }
        Ok(!self.tail.is_empty())
    }
}
