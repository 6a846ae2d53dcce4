//! The lines of mail, and where a part or message ends.

use memchr::memchr;

use crate::Bytes;

/// Lines longer than this come in pieces.
const MAX_LINE: usize = 64 << 10;

/// Why the content of a part ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The boundary of an open multipart, counted from the outermost.
    Boundary { level: usize, closes: bool },
    /// Another message of the box begins.
    Message,
    /// The bytes end.
    Bytes,
}

/// What stands next.
pub(super) enum Next {
    /// A line, or a piece of one, of the content: so many bytes of the window.
    Line(usize),
    End(End),
}

/// Mail, line by line.
pub(super) struct Lines<'a> {
    pub bytes: Bytes<'a>,
    is_box: bool,
    /// A line begins here.
    begins: bool,
    /// The line before was empty.
    after_empty: bool,
    /// Boundaries of the multiparts open, outermost first.
    pub boundaries: Vec<Vec<u8>>,
}

impl<'a> Lines<'a> {
    pub fn new(bytes: Bytes<'a>, is_box: bool) -> Self {
        Self { bytes, is_box, begins: true, after_empty: true, boundaries: Vec::new() }
    }

    /// The next line, or why there is none. Boundaries are passed over, the beginning of a message is not.
    pub fn next(&mut self) -> Next {
        let len = self.line_len();
        if len == 0 {
            return Next::End(End::Bytes);
        }
        let line = &self.bytes.window()[..len];
        if self.begins {
            if self.is_box && self.after_empty && begins_message(line) {
                return Next::End(End::Message);
            }
            if let Some(end) = self.boundary(line) {
                self.pass(len);
                return Next::End(end);
            }
        }
        Next::Line(len)
    }

    /// Passes over a line, or a piece of one.
    pub fn pass(&mut self, len: usize) {
        let line = &self.bytes.window()[..len];
        self.after_empty = self.begins && line.trim_ascii_end().is_empty();
        self.begins = line.ends_with(b"\n");
        self.bytes.consume(len);
    }

    /// How long the line is that stands next, with its end; a piece of it if it is very long.
    pub fn line_len(&mut self) -> usize {
        let mut seen = 0;
        loop {
            let window = self.bytes.window();
            if let Some(at) = memchr(b'\n', &window[seen..window.len().min(MAX_LINE)]) {
                return seen + at + 1;
            }
            seen = window.len();
            if seen >= MAX_LINE || self.bytes.ended() {
                return seen.min(MAX_LINE);
            }
            self.bytes.fill(seen + 1);
        }
    }

    fn boundary(&self, line: &[u8]) -> Option<End> {
        let rest = line.strip_prefix(b"--")?.trim_ascii_end();
        self.boundaries.iter().enumerate().rev().find_map(|(level, boundary)| {
            match rest.strip_prefix(boundary.as_slice())?.trim_ascii_start() {
                b"" => Some(End::Boundary { level, closes: false }),
                b"--" => Some(End::Boundary { level, closes: true }),
                _ => None,
            }
        })
    }
}

/// Whether a message of a box begins with this line: `From`, an address, a time.
pub(crate) fn begins_message(line: &[u8]) -> bool {
    let clock = |five: &[u8]| matches!(five, [a, b, b':', c, d] if [a, b, c, d].iter().all(|b| b.is_ascii_digit()));
    line.len() < 512 && line.starts_with(b"From ") && line.windows(5).any(clock)
}
