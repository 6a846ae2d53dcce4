//! Bytes in runs, and truth values of which each byte holds eight.

use super::stream::Stream;
use crate::Fault;

/// The bytes of a stream.
pub(super) struct Runs<'s> {
    stream: Stream<'s>,
    /// How many bytes of a run are left, and what each of them is unless it stands in the stream.
    left: usize,
    same: Option<u8>,
}

impl<'s> Runs<'s> {
    pub fn new(stream: Stream<'s>) -> Self {
        Self { stream, left: 0, same: None }
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        if self.left == 0 {
            let head = self.stream.byte()?;
            (self.left, self.same) = match head {
                0..0x80 => (usize::from(head) + 3, Some(self.stream.byte()?)),
                _ => (256 - usize::from(head), None),
            };
        }
        self.left -= 1;
        match self.same {
            Some(same) => Ok(same),
            None => self.stream.byte(),
        }
    }
}

/// The truth values of a stream.
pub(super) struct Bits<'s> {
    bytes: Runs<'s>,
    byte: u8,
    left: u32,
}

impl<'s> Bits<'s> {
    pub fn new(stream: Stream<'s>) -> Self {
        Self { bytes: Runs::new(stream), byte: 0, left: 0 }
    }

    /// The next one; the upper bit of a byte is the first.
    pub fn bit(&mut self) -> Result<bool, Fault> {
        if self.left == 0 {
            (self.byte, self.left) = (self.bytes.byte()?, 8);
        }
        self.left -= 1;
        Ok(self.byte >> self.left & 1 == 1)
    }
}
