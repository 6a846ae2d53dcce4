//! A file's bytes as the library wants them.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use residuum_source::{Coverage, Limits, Outcome};

use crate::{Fault, ReadAt};

/// A file's bytes.
#[derive(Clone)]
pub(crate) struct Storage(Arc<dyn ReadAt>);

/// Reads on from some position.
pub(crate) struct Onward {
    from: Arc<dyn ReadAt>,
    at: u64,
    /// How often something was asked for behind the end.
    behind: u32,
}

/// The library takes what a damaged header counts at its word and skips millions of elements that are not there, each by
/// reading nothing behind the end: it is told so after so many.
const MOST_BEHIND: u32 = 100;

impl Storage {
    pub(crate) fn new(from: Arc<dyn ReadAt>) -> Self {
        Self(from)
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.0.size()
    }

    /// The footer, without what frames it.
    pub(super) fn footer(&self, limits: &Limits) -> std::result::Result<Vec<u8>, Outcome> {
        let unreadable = |reason: String| Outcome::not_read(Coverage::Unreadable, reason);
        let failed = |error: io::Error| {
            let fault = Fault::from_io(&error, self.size().saturating_sub(8));
            Outcome::not_read(fault.coverage, fault.reason)
        };
        let Some(end) = self.size().checked_sub(8).filter(|end| *end >= 4) else {
            return Err(unreadable("too short for a Parquet file: it is truncated".into()));
        };
        let tail = self.exactly(end, 8).map_err(failed)?;
        match &tail[4..] {
            b"PAR1" => {}
            b"PARE" => return Err(unreadable("encrypted, and the keys are not known".into())),
            _ => return Err(unreadable(format!("no footer at the end (byte {end}): the file is truncated"))),
        }
        let length = u64::from(u32::from_le_bytes(tail[..4].try_into().expect("four bytes")));
        let Some(start) = end.checked_sub(length).filter(|start| *start >= 4) else {
            return Err(unreadable(format!("the footer claims {length} bytes, more than the file holds")));
        };
        if length > limits.whole_bytes {
            let reason = format!(
                "the footer of {length} bytes is larger than {} bytes; raise the limit `whole_bytes`",
                limits.whole_bytes
            );
            return Err(Outcome::not_read(Coverage::Limit, reason));
        }
        self.exactly(start, length as usize).map_err(failed)
    }

    fn exactly(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.size()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::with_capacity(length);
        Onward::new(&self.0, start).take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

impl Onward {
    fn new(from: &Arc<dyn ReadAt>, at: u64) -> Self {
        Self { from: from.clone(), at, behind: 0 }
    }
}

impl Read for Onward {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read_at(buf, self.at)?;
        self.at += n as u64;
        if n == 0 && !buf.is_empty() {
            self.behind += 1;
            if self.behind > MOST_BEHIND {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(n)
    }
}

impl Length for Storage {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for Storage {
    type T = BufReader<Onward>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(Onward::new(&self.0, start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self.exactly(start, length) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(ParquetError::General(format!("reading {length} bytes at {start} failed: {error}"))),
        }
    }
}
