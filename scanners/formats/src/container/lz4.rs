//! The frames of an lz4 file, one after the other (LZ4 Frame Format 1.6.4, and the older format without one).
//!
//! Frames are read here rather than by a library, because libraries take a file that is cut off between two blocks
//! for one that has ended.

use std::hash::Hasher as _;
use std::io::{self, Read};

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

use crate::{Bytes, Fault};

/// How far back a linked block may refer.
const WINDOW: usize = 64 << 10;
/// Bytes of content in a block of the older format.
const OLD_BLOCK: usize = 8 << 20;

const FRAME: u32 = 0x184d_2204;
const OLD: u32 = 0x184c_2102;

/// Whether a file goes on with this mark; what skippable frames hold is for other programs.
fn is_skippable(mark: u32) -> bool {
    mark & 0xffff_fff0 == 0x184d_2a50
}

/// Decompresses all frames of a file.
pub(super) struct Lz4<'a> {
    bytes: Bytes<'a>,
    frame: Option<Frame>,
    /// The window's bytes, then those of the block that is being given.
    content: Vec<u8>,
    /// Of the window, how much is filled, up to its end.
    known: usize,
    /// What is still to be given, as a range of `content`.
    next: usize,
    end: usize,
    given: u64,
}

/// The frame that is being read.
struct Frame {
    old: bool,
    linked: bool,
    blocks_checked: bool,
    block: usize,
    checksum: Option<XxHash32>,
    left: Option<u64>,
}

impl<'a> Lz4<'a> {
    pub fn new(bytes: Bytes<'a>) -> Self {
        Self { bytes, frame: None, content: Vec::new(), known: 0, next: WINDOW, end: WINDOW, given: 0 }
    }

    /// The compressed bytes.
    pub fn bytes(&mut self) -> &mut Bytes<'a> {
        &mut self.bytes
    }

    /// Looks at the next `n` bytes.
    fn need(&mut self, n: usize) -> io::Result<&[u8]> {
        let given = self.given;
        if self.bytes.fill(n).len() < n {
            return Err(match self.bytes.fault() {
                Some(fault) => fault.clone().into(),
                None => {
                    Fault::unreadable(format!("the lz4 data end in the middle after {given} bytes of content")).into()
                }
            });
        }
        Ok(&self.bytes.window()[..n])
    }

    fn number(&mut self) -> io::Result<u32> {
        let number = self.need(4)?.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        self.bytes.consume(4);
        Ok(number)
    }

    fn corrupt(&self, what: &str) -> io::Error {
        Fault::unreadable(format!("the lz4 data are corrupt after {} bytes of content: {what}", self.given)).into()
    }

    /// Whether nothing follows.
    fn at_end(&mut self) -> io::Result<bool> {
        let at_end = self.bytes.fill(1).is_empty();
        match self.bytes.fault() {
            Some(fault) if at_end => Err(fault.clone().into()),
            _ => Ok(at_end),
        }
    }

    /// Reads the head of the next frame; false if there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.at_end()? {
            let at = self.bytes.position();
            let mark = self.number()?;
            if is_skippable(mark) {
                let mut left = self.number()? as usize;
                while left > 0 {
                    self.need(1)?;
                    let n = self.bytes.window().len().min(left);
                    self.bytes.consume(n);
                    left -= n;
                }
                continue;
            }
            self.known = 0;
            self.frame = Some(match mark {
                FRAME => self.frame_head()?,
                OLD => Frame {
                    old: true,
                    linked: false,
                    blocks_checked: false,
                    block: OLD_BLOCK,
                    checksum: None,
                    left: None,
                },
                _ => return Err(self.corrupt(&format!("there is no frame at byte {at}"))),
            });
            return Ok(true);
        }
        Ok(false)
    }

    fn frame_head(&mut self) -> io::Result<Frame> {
        let flags = self.need(2)?[0];
        let len = 2 + if flags & 8 != 0 { 8 } else { 0 } + if flags & 1 != 0 { 4 } else { 0 };
        let head = self.need(len + 1)?.to_vec();
        self.bytes.consume(len + 1);
        if flags >> 6 != 1 || (hash(&head[..len]) >> 8) as u8 != head[len] {
            return Err(self.corrupt("the head of a frame is damaged"));
        }
        if flags & 1 != 0 {
            let reason = "it was packed with a dictionary that is not in it; unpack it with `lz4 -d -D DICTIONARY`";
            return Err(Fault::unsupported(reason).into());
        }
        let block = match head[1] >> 4 & 7 {
            size @ 4..=7 => 1 << (8 + 2 * size),
            _ => return Err(self.corrupt("the head of a frame is damaged")),
        };
        let size = head.get(2..10).filter(|_| flags & 8 != 0);
        Ok(Frame {
            old: false,
            linked: flags & 0x20 == 0,
            blocks_checked: flags & 0x10 != 0,
            block,
            checksum: (flags & 4 != 0).then(|| XxHash32::with_seed(0)),
            left: size.and_then(<[u8]>::first_chunk).map(|size| u64::from_le_bytes(*size)),
        })
    }

    /// Decompresses the next block; false at the end of the file.
    fn next_block(&mut self) -> io::Result<bool> {
        loop {
            let Some(frame) = &self.frame else {
                if self.next_frame()? {
                    continue;
                }
                return Ok(false);
            };
            let (old, linked, checked, most) = (frame.old, frame.linked, frame.blocks_checked, frame.block);
            if old && self.at_end()? {
                self.frame = None;
                return Ok(false);
            }
            let head = self.need(4)?.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if old && (head == FRAME || head == OLD || is_skippable(head)) {
                self.frame = None;
                continue;
            }
            self.bytes.consume(4);
            if head == 0 && !old {
                self.end_of_frame()?;
                continue;
            }
            let (stored, len) =
                if old { (false, head as usize) } else { (head >> 31 == 1, (head & !(1 << 31)) as usize) };
            // A block that grew by packing is stored instead; only the older format has no such means.
            if len > if old { most + most / 255 + 16 } else { most } {
                return Err(self.corrupt("a block is longer than its frame allows"));
            }
            self.remember(linked);
            self.need(len + if checked { 4 } else { 0 })?;
            self.content.resize(WINDOW + most, 0);
            let block = &self.bytes.window()[..len];
            let sum = self.bytes.window()[len..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if checked && hash(block) != sum {
                return Err(self.corrupt("the checksum of a block does not match"));
            }
            let (window, out) = self.content.split_at_mut(WINDOW);
            let done = if stored {
                out[..len].copy_from_slice(block);
                Ok(len)
            } else if self.known > 0 {
                decompress_into_with_dict(block, out, &window[WINDOW - self.known..])
            } else {
                decompress_into(block, out)
            };
            let Ok(done) = done else { return Err(self.corrupt("a block cannot be unpacked")) };
            self.bytes.consume(len + if checked { 4 } else { 0 });
            (self.next, self.end) = (WINDOW, WINDOW + done);
            if let Some(frame) = &mut self.frame {
                if let Some(checksum) = &mut frame.checksum {
                    checksum.write(&self.content[WINDOW..self.end]);
                }
                frame.left = frame.left.map(|left| left.wrapping_sub(done as u64));
            }
            if done > 0 {
                return Ok(true);
            }
        }
    }

    /// Keeps the end of the last block for the next one to refer to.
    fn remember(&mut self, linked: bool) {
        self.known = if linked { WINDOW.min(self.known + (self.end - WINDOW)) } else { 0 };
        if self.known > 0 {
            self.content.copy_within(self.end - self.known..self.end, WINDOW - self.known);
        }
        (self.next, self.end) = (WINDOW, WINDOW);
    }

    fn end_of_frame(&mut self) -> io::Result<()> {
        let Some(frame) = self.frame.take() else { return Ok(()) };
        if let Some(checksum) = &frame.checksum
            && self.number()? != checksum.finish() as u32
        {
            return Err(self.corrupt("the checksum of the content does not match"));
        }
        if frame.left.is_some_and(|left| left != 0) {
            return Err(self.corrupt("the content is not as long as the frame says"));
        }
        (self.next, self.end) = (WINDOW, WINDOW);
        Ok(())
    }
}

impl Read for Lz4<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.next == self.end && (buf.is_empty() || !self.next_block()?) {
            return Ok(0);
        }
        let n = buf.len().min(self.end - self.next);
        buf[..n].copy_from_slice(&self.content[self.next..self.next + n]);
        self.next += n;
        self.given += n as u64;
        Ok(n)
    }
}

fn hash(bytes: &[u8]) -> u32 {
    XxHash32::oneshot(0, bytes)
}
