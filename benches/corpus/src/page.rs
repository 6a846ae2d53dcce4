//! A piece of a file in the making: its bytes and the personal items in them.

use crate::truth::{Form, Kind};

/// An item on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub start: u32,
    pub end: u32,
    pub subject: u32,
    pub kind: Kind,
    pub form: Form,
    pub optional: bool,
}

/// Bytes to be written, with the places of the items in them.
#[derive(Default, Debug)]
pub(crate) struct Page {
    pub bytes: Vec<u8>,
    pub items: Vec<Item>,
}

impl Page {
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes a number in decimal.
    #[inline]
    pub fn number(&mut self, number: u64) {
        self.digits(number, 1);
    }

    /// Writes a number in decimal, with zeros before it up to `width` digits.
    #[inline]
    pub fn digits(&mut self, mut number: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        while number > 0 {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        let start = at.min(digits.len() - width);
        self.raw(&digits[start..]);
    }

    /// Writes the lowest `digits` hexadecimal digits of a number.
    #[inline]
    pub fn hex(&mut self, number: u64, digits: u32) {
        for digit in (0..digits).rev() {
            self.byte(b"0123456789abcdef"[(number >> (4 * digit) & 15) as usize]);
        }
    }

    /// Writes an item and notes where it stands.
    #[inline]
    pub fn item(&mut self, kind: Kind, subject: u32, write: impl FnOnce(&mut Self)) {
        self.mark(kind, Form::Plain, false, subject, write);
    }

    /// Writes an item that a detector may report or not: its bytes alone do not prove what it is.
    #[inline]
    pub fn maybe(&mut self, kind: Kind, subject: u32, write: impl FnOnce(&mut Self)) {
        self.mark(kind, Form::Plain, true, subject, write);
    }

    /// Writes an item in some encoding and notes where it stands.
    #[inline]
    pub fn mark(&mut self, kind: Kind, form: Form, optional: bool, subject: u32, write: impl FnOnce(&mut Self)) {
        let start = self.bytes.len() as u32;
        write(self);
        let end = self.bytes.len() as u32;
        self.items.push(Item { start, end, subject, kind, form, optional });
    }
}
