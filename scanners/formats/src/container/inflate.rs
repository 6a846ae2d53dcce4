//! Deflate, giving every byte that can be had before it finds the data corrupt.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use crate::Fault;

/// Decompresses one deflate stream without header from a buffered reader and leaves the reader just after it.
pub(super) struct Inflate<R> {
    from: R,
    decompress: Decompress,
    ended: bool,
    corrupt: bool,
}

impl<R: BufRead> Inflate<R> {
    pub fn new(from: R) -> Self {
        Self { from, decompress: Decompress::new(false), ended: false, corrupt: false }
    }

    /// The reader, which stands behind the compressed data once they have been read to their end.
    pub fn inner(&mut self) -> &mut R {
        &mut self.from
    }

    /// Begins anew with the stream that follows.
    pub fn reset(&mut self) {
        self.decompress.reset(false);
        (self.ended, self.corrupt) = (false, false);
    }

    fn fault(&self, what: &str) -> io::Error {
        let given = self.decompress.total_out();
        Fault::unreadable(format!("the compressed data {what} after {given} bytes of content")).into()
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.corrupt {
            return Err(self.fault("are corrupt"));
        }
        while !self.ended && !out.is_empty() {
            let input = self.from.fill_buf()?;
            let at_end = input.is_empty();
            let (before_in, before_out) = (self.decompress.total_in(), self.decompress.total_out());
            let status = self.decompress.decompress(input, out, FlushDecompress::None);
            let used = (self.decompress.total_in() - before_in) as usize;
            let given = (self.decompress.total_out() - before_out) as usize;
            self.from.consume(used);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if given == 0 && at_end => return Err(self.fault("end in the middle")),
                Ok(_) => {}
                Err(_) if given == 0 => return Err(self.fault("are corrupt")),
                Err(_) => self.corrupt = true,
            }
            if given > 0 {
                return Ok(given);
            }
        }
        Ok(0)
    }
}
