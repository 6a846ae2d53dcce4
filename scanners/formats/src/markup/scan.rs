//! A place in a text that streams, with enough in sight to understand the word that begins there.

use memchr::memmem;

use super::{Dialect, reference};
use crate::Text;
use crate::gather::Value;

/// How much is in sight at the beginning of a word; little in tests, so that words are met cut in two.
pub(crate) const LOOK: usize = if cfg!(test) { 64 } else { 2 << 10 };
/// How much is read at a time.
const READ: usize = if cfg!(test) { 1 } else { 128 << 10 };

/// The place.
pub(crate) struct Scan<'a> {
    pub text: Text<'a>,
    /// Position in the text's window.
    pub pos: usize,
}

impl<'a> Scan<'a> {
    pub fn new(text: Text<'a>) -> Self {
        Self { text, pos: 0 }
    }

    /// What is in sight: [`LOOK`] bytes at least, unless the text ends before.
    #[inline]
    pub fn look(&mut self) -> &[u8] {
        if self.text.window().len() - self.pos < LOOK && !self.text.ended() {
            self.text.consume(self.pos);
            self.pos = 0;
            self.text.fill(LOOK + READ);
        }
        self.rest()
    }

    /// What has been read and not passed.
    #[inline]
    pub fn rest(&self) -> &[u8] {
        &self.text.window()[self.pos..]
    }

    /// Reads on, if there is more.
    pub fn more(&mut self) -> bool {
        self.text.consume(self.pos);
        self.pos = 0;
        let had = self.text.window().len();
        self.text.fill(had + READ);
        self.text.window().len() > had
    }

    /// Position in the object's own bytes.
    pub fn position(&self) -> u64 {
        self.text.position_of(self.pos)
    }

    /// Passes over `n` bytes.
    #[inline]
    pub fn pass(&mut self, n: usize) {
        self.pos += n;
    }

    /// Passes over white space.
    pub fn skip_space(&mut self) {
        loop {
            let spaces = self.look().iter().take_while(|&&b| super::is_space(b)).count();
            self.pos += spaces;
            if spaces == 0 || !self.rest().is_empty() {
                return;
            }
        }
    }

    /// Takes `n` bytes into a value.
    #[inline]
    pub fn keep(&mut self, value: &mut Value, n: usize) {
        value.keep(&self.text, self.pos, self.pos + n);
        self.pos += n;
    }

    /// Takes the reference that begins here into a value, or its `&` if it is none.
    pub fn keep_reference(&mut self, value: &mut Value, dialect: Dialect) {
        let Some(found) = reference(self.look(), dialect) else {
            return self.keep(value, 1);
        };
        let mut utf8 = [0; 8];
        let first = found.first.encode_utf8(&mut utf8).len();
        let len = first + found.second.map_or(0, |second| second.encode_utf8(&mut utf8[first..]).len());
        value.put(&utf8[..len], self.position(), self.text.position_of(self.pos + found.len));
        self.pos += found.len;
    }

    /// Takes what is in sight into a value, up to and without `end`, which is passed over. Says whether it was there;
    /// if not, there is more to take if there is [`Scan::more`] to read.
    pub fn keep_until(&mut self, value: &mut Value, end: &[u8]) -> bool {
        let rest = self.rest();
        match memmem::find(rest, end) {
            Some(at) => {
                self.keep(value, at);
                self.pos += end.len();
                true
            }
            None => {
                // The beginning of the end may stand here.
                let most = if self.text.ended() { rest.len() } else { rest.len().saturating_sub(end.len() - 1) };
                self.keep(value, most);
                false
            }
        }
    }
}
