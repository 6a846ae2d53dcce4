//! Text for `residuum detect`, in windows: decoded as a scan decodes it, or as it comes where each line is answered.

use std::io::{self, Read};

use residuum_formats::{Bytes, Encoding, Input, Text, text_encoding};

/// How much of an input one looks at to tell its encoding.
const HEAD: usize = 64 << 10;

/// A window over text that is read on and consumed.
pub(super) enum Feed<'a> {
    /// In UTF-8, or taken for it: nobody waits for more than a line.
    Lines {
        /// Where it comes from.
        input: &'a mut dyn Read,
        /// The window.
        buffer: Vec<u8>,
        /// Bytes before the window.
        base: u64,
    },
    /// In any encoding.
    Decoded(Box<Text<'a>>),
}

impl<'a> Feed<'a> {
    pub(super) fn new(input: &'a mut dyn Read, line_buffered: bool) -> Self {
        if line_buffered {
            return Self::Lines { input, buffer: Vec::new(), base: 0 };
        }
        let mut bytes = Bytes::new(Input::Stream(input));
        let (encoding, mark) = text_encoding(bytes.fill(HEAD)).unwrap_or((Encoding::Utf8, 0));
        if encoding != Encoding::Utf8 {
            bytes.consume(mark); // in UTF-8 it is a character like others, as it always was
        }
        Self::Decoded(Box::new(Text::new(bytes, encoding)))
    }

    /// Reads until the window holds so many bytes, or a line if that is enough; says whether the input ended.
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        match self {
            Self::Lines { input, buffer, .. } => fill_lines(&mut **input, buffer, wanted),
            Self::Decoded(text) => {
                text.fill(wanted);
                match text.fault() {
                    Some(fault) => Err(fault.clone().into()),
                    None => Ok(text.ended()),
                }
            }
        }
    }

    pub(super) fn window(&self) -> &[u8] {
        match self {
            Self::Lines { buffer, .. } => buffer,
            Self::Decoded(text) => text.window(),
        }
    }

    /// Where byte `at` of the window stands in the input.
    pub(super) fn position_of(&self, at: usize) -> u64 {
        match self {
            Self::Lines { base, .. } => base + at as u64,
            Self::Decoded(text) => text.position_of(at),
        }
    }

    pub(super) fn consume(&mut self, n: usize) {
        match self {
            Self::Lines { buffer, base, .. } => {
                buffer.drain(..n);
                *base += n as u64;
            }
            Self::Decoded(text) => text.consume(n),
        }
    }
}

/// Reads until the buffer is as long as wanted or has a new line; says whether the input ended.
fn fill_lines(input: &mut dyn Read, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    while buffer.len() < wanted {
        let old = buffer.len();
        buffer.resize(wanted.min(old + (1 << 18)), 0);
        let read = loop {
            match input.read(&mut buffer[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        match read? {
            0 => return Ok(true),
            n if buffer[buffer.len() - n..].contains(&b'\n') => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_fills_to_the_mark_or_to_a_line() {
        let mut buffer = Vec::new();
        assert!(!fill_lines(&mut &b"one\ntwo"[..], &mut buffer, 4).unwrap());
        assert_eq!(buffer, b"one\n");
        buffer.clear();
        assert!(!fill_lines(&mut &b"one\ntwo"[..], &mut buffer, 100).unwrap());
        assert!(fill_lines(&mut &b""[..], &mut buffer, 100).unwrap());
    }
}
