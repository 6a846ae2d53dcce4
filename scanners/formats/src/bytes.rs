//! The bytes of one object from front to back, with a window to look ahead in.
//!
//! The same type stands under every reader: a file read by position, a member that streams out of a
//! decompressor. An error while reading is kept and looks like the end of the data, so that a reader first
//! gives what was readable and then asks for the [`Fault`].

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use crate::Fault;

/// Random access to an object's bytes: a file, a buffer, later a stored object read in ranges.
pub trait ReadAt: Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Reads into `buf` from position `at` on and says how many bytes; 0 only at the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let n = buf.len().min(self.len() - from);
        buf[..n].copy_from_slice(&self[from..from + n]);
        Ok(n)
    }
}

/// Where an object's bytes come from.
pub enum Input<'a> {
    /// They can be read at any position, more than once.
    Stored(Arc<dyn ReadAt>),
    /// They come once, from front to back.
    Stream(&'a mut dyn Read),
}

/// The bytes of one object, front to back.
pub struct Bytes<'a> {
    from: Input<'a>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    position: u64,
    ended: bool,
    fault: Option<Fault>,
    /// How many bytes there are, where that is known and small; it only decides how much room is made.
    expected: Option<u64>,
}

/// What is read at first.
const READ: usize = 64 << 10;

impl<'a> Bytes<'a> {
    /// The bytes of this input from its beginning.
    pub fn new(from: Input<'a>) -> Self {
        let expected = match &from {
            Input::Stored(stored) => Some(stored.size()),
            Input::Stream(_) => None,
        };
        Self { from, buf: Vec::new(), start: 0, end: 0, position: 0, ended: false, fault: None, expected }
    }

    /// No bytes, at this position of an object.
    pub(crate) fn ended_at(position: u64) -> Self {
        Self { position, ended: true, ..Self::new(Input::Stored(Arc::new(Vec::new()))) }
    }

    /// The same, of about this many bytes: a small stream takes a small buffer.
    pub fn expecting(self, bytes: u64) -> Self {
        Self { expected: Some(bytes), ..self }
    }

    /// What has been read and not consumed.
    pub fn window(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Reads on until the window holds `want` bytes or the data end, and gives the window.
    pub fn fill(&mut self, want: usize) -> &[u8] {
        while self.end - self.start < want && !self.ended {
            self.make_room(want);
            let at = self.position + (self.end - self.start) as u64;
            let free = &mut self.buf[self.end..];
            let read = match &mut self.from {
                Input::Stored(stored) => stored.read_at(free, at),
                Input::Stream(stream) => stream.read(free),
            };
            match read {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fault = Some(Fault::from_io(&error, at));
                    self.ended = true;
                }
            }
        }
        self.window()
    }

    /// Drops the first `n` bytes of the window.
    ///
    /// # Panics
    /// If the window is shorter.
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.end - self.start, "only bytes in the window can be consumed");
        self.start += n;
        self.position += n as u64;
    }

    /// Position in the object of the window's first byte.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether nothing follows the window.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Why the data ended early, if they did.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// The object itself, if it can be read at any position.
    pub fn stored(&self) -> Option<&Arc<dyn ReadAt>> {
        match &self.from {
            Input::Stored(stored) => Some(stored),
            Input::Stream(_) => None,
        }
    }

    /// Makes sure that at least one byte can be read; the buffer grows as data come, so that small objects stay cheap.
    fn make_room(&mut self, want: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end < self.buf.len() && (self.start == 0 || self.buf.len() - self.start >= want) {
            return;
        }
        self.buf.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buf.len() {
            let mut len = want.min((2 * self.end).max(READ));
            if let Some(expected) = self.expected {
                // One more than is left, so that the end shows at once.
                let left = expected.saturating_sub(self.position).saturating_add(1);
                len = len.max(READ).min(usize::try_from(left).unwrap_or(usize::MAX));
            }
            self.buf.resize(len.max(self.end + 1).next_multiple_of(4096), 0);
        }
    }
}

/// All bytes of an object that must be held in memory whole, which is called `what`.
pub(crate) fn read_all(from: &dyn ReadAt, most: u64, what: &str) -> Result<Vec<u8>, Fault> {
    let size = from.size();
    if size > most {
        let reason = format!(
            "{what} must be held in memory whole and is longer than {most} bytes; raise the limit `whole_bytes`"
        );
        return Err(Fault::limit(reason));
    }
    let mut bytes = vec![0; size as usize];
    let mut done = 0;
    while done < bytes.len() {
        match from.read_at(&mut bytes[done..], done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::from_io(&error, done as u64)),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// Some bytes of an object as an object.
pub(crate) struct Slice {
    pub inner: Arc<dyn ReadAt>,
    pub from: u64,
    pub len: u64,
}

impl ReadAt for Slice {
    fn size(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let most = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buf.len());
        if most == 0 { Ok(0) } else { self.inner.read_at(&mut buf[..most], self.from.saturating_add(at)) }
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let window = self.fill_buf()?;
        let n = window.len().min(out.len());
        out[..n].copy_from_slice(&window[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Bytes<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill(1);
        match &self.fault {
            Some(fault) if self.start == self.end => Err(fault.clone().into()),
            _ => Ok(self.window()),
        }
    }

    fn consume(&mut self, n: usize) {
        Bytes::consume(self, n);
    }
}
