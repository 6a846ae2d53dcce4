//! A new body while it is made: in memory while it is small, else in a file that has no name and that nobody else can
//! open, and that is gone with the process.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::read::SMALL;

/// Bytes that can be read again, with their digest.
#[derive(Default)]
pub(crate) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
    digest: Sha256,
}

impl Spool {
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The digest of all that was written.
    pub fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    /// A stretch of it.
    pub fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        let Some(file) = &self.file else {
            return Ok(Bytes::copy_from_slice(&self.memory[range.start as usize..range.end as usize]));
        };
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.len + bytes.len() as u64 > SMALL {
            let mut file = tempfile::tempfile()?;
            file.write_all(&self.memory)?;
            (self.file, self.memory) = (Some(file), Vec::new());
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.digest.update(bytes);
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_bodies_are_read_as_they_were_written() {
        for pieces in [0, 1, 3_000] {
            let piece: Vec<u8> = (0..7_001u32).map(|i| (i % 251) as u8).collect();
            let mut spool = Spool::default();
            (0..pieces).for_each(|_| spool.write_all(&piece).expect("there is room"));
            assert_eq!(spool.file.is_some(), spool.len() > SMALL, "{pieces}");
            let all = piece.repeat(pieces);
            assert_eq!(spool.len(), all.len() as u64);
            assert_eq!(spool.bytes(0..spool.len()).expect("it can be read"), all);
            assert_eq!(spool.digest(), <[u8; 32]>::from(Sha256::digest(&all)));
            let (from, to) = (all.len() / 3, all.len() / 2);
            assert_eq!(spool.bytes(from as u64..to as u64).expect("it can be read"), all[from..to]);
        }
    }
}
