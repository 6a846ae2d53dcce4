//! The table of strings that the cells of a workbook share.
//!
//! It may hold strings that no cell uses: values that were deleted and still stand in the file.

use residuum_source::{Flow, Logical, RecordKind, Sink};

use super::super::xml::{Tag, Visitor};
use crate::values::{Key, Values};

/// All strings, and which of them cells use.
pub(in crate::office) struct Strings {
    bytes: String,
    ends: Vec<usize>,
    used: Vec<bool>,
    /// How many bytes they may have.
    most: u64,
    /// Whether there were more.
    pub is_cut: bool,
    inside: u32,
    phonetic: u32,
}

impl Strings {
    pub fn new(most: u64) -> Self {
        let (bytes, ends, used) = (String::new(), Vec::new(), Vec::new());
        Self { bytes, ends, used, most, is_cut: false, inside: 0, phonetic: 0 }
    }

    /// String `i`, which is used from now on.
    pub fn get(&mut self, i: usize) -> Option<&str> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.used[i] = true;
        Some(&self.bytes[start..end])
    }

    /// Hands over those that no cell has used.
    pub fn unused(&self, part: &str, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
        for (i, _) in self.used.iter().enumerate().filter(|(_, used)| !**used) {
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            let text = &self.bytes[start..self.ends[i]];
            if !text.trim().is_empty() {
                values.begin(Key::Name(RecordKind::Part, format!("{part} string {i}, in no cell")), sink)?;
                values.value("(unused string)", Logical::Text, text.as_bytes(), sink)?;
            }
        }
        Flow::Continue(())
    }

    fn push(&mut self, text: &str) {
        if (self.bytes.len() + text.len() + 16 * self.ends.len()) as u64 > self.most {
            self.is_cut = true;
        } else {
            self.bytes.push_str(text);
        }
    }
}

impl Visitor for Strings {
    fn start(&mut self, tag: &Tag<'_>, _: &mut dyn Sink) -> Flow {
        match tag.local() {
            "t" => self.inside += 1,
            "rPh" => {
                // How it is read aloud; not a part of the word.
                self.phonetic += 1;
                self.push("\n");
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn end(&mut self, local: &str, _: &mut dyn Sink) -> Flow {
        match local {
            "t" => self.inside = self.inside.saturating_sub(1),
            "rPh" => self.phonetic = self.phonetic.saturating_sub(1),
            "si" if !self.is_cut => {
                self.ends.push(self.bytes.len());
                self.used.push(false);
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn text(&mut self, text: &str, _: &mut dyn Sink) -> Flow {
        if self.inside > 0 {
            self.push(&unescaped(text));
        }
        Flow::Continue(())
    }
}

/// Characters that XML cannot hold are written `_x000D_` (ECMA-376 part 1, 22.9.2.19).
pub(in crate::office) fn unescaped(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32).filter(|_| rest[at + 6..].starts_with('_')) {
            Some(c) => {
                plain.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                plain.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}
