//! Text of an object as UTF-8, with the place of every byte.
//!
//! [`Text`] is what every reader of a text-like format reads: a window of decoded bytes that is filled and
//! consumed. UTF-8 passes through untouched, invalid bytes included, without a copy; UTF-16 and
//! Windows-1252 (of which Latin-1 text is a part) are decoded with a map back to the object's own bytes.

use residuum_source::{Coverage, OffsetMap, Outcome, Run};

use crate::{Bytes, Fault};

/// How an object's text is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// UTF-8, or ASCII.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252; Latin-1 is read as it, as browsers do.
    Windows1252,
    /// One that the text itself declares.
    Declared(&'static encoding_rs::Encoding),
}

impl Encoding {
    /// The name outputs give.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "windows-1252",
            Self::Declared(encoding) => encoding.name(),
        }
    }

    /// The encoding that a text declares under this label, where bytes below 128 are ASCII in it; nothing for what is
    /// found by looking at the text anyway (UTF-8, UTF-16, Windows-1252 and what is read as it).
    pub fn labelled(label: &[u8]) -> Option<Self> {
        let encoding = encoding_rs::Encoding::for_label(label)?;
        let is_seen = encoding == encoding_rs::UTF_8 || encoding == encoding_rs::WINDOWS_1252;
        (!is_seen && encoding.is_ascii_compatible()).then_some(Self::Declared(encoding))
    }
}

/// Decoded text, front to back.
pub struct Text<'a> {
    bytes: Bytes<'a>,
    encoding: Encoding,
    /// UTF-8 is still a guess: nothing but ASCII was seen in the first `ascii` bytes of the window.
    undecided: bool,
    /// What it is if it is not UTF-8.
    otherwise: Encoding,
    ascii: usize,
    decoded: Vec<u8>,
    start: usize,
    map: OffsetMap,
    spare: OffsetMap,
}

/// How far around the first byte that is not ASCII one looks to tell UTF-8 from Windows-1252.
const JUDGED: usize = 4 << 10;

impl<'a> Text<'a> {
    /// The text of these bytes, whose window stands at the first byte after a byte order mark.
    pub fn new(bytes: Bytes<'a>, encoding: Encoding) -> Self {
        let undecided = encoding == Encoding::Utf8;
        let (map, spare) = (OffsetMap::default(), OffsetMap::default());
        let (otherwise, decoded) = (Encoding::Windows1252, Vec::new());
        Self { bytes, encoding, undecided, otherwise, ascii: 0, decoded, start: 0, map, spare }
    }

    /// The text of these bytes, which are in this encoding unless what is not ASCII turns out to be UTF-8.
    pub fn declared(bytes: Bytes<'a>, otherwise: Encoding) -> Self {
        Self { otherwise, ..Self::new(bytes, Encoding::Utf8) }
    }

    /// Text that was decoded before, with the place of every byte; the object has been read up to `end`.
    pub(crate) fn decoded(decoded: Vec<u8>, map: OffsetMap, end: u64) -> Self {
        Self { decoded, map, ..Self::new(Bytes::ended_at(end), Encoding::Windows1252) }
    }

    /// How the text is encoded.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What has been decoded and not consumed.
    pub fn window(&self) -> &[u8] {
        match self.encoding {
            Encoding::Utf8 => self.bytes.window(),
            _ => &self.decoded[self.start..],
        }
    }

    /// Reads on until the window holds `want` bytes or the text ends, and gives the window.
    ///
    /// What the window held stays where it is. More than `want` bytes may be there.
    pub fn fill(&mut self, want: usize) -> &[u8] {
        if self.encoding == Encoding::Utf8 {
            self.bytes.fill(want);
            if self.undecided {
                self.decide();
            }
        }
        if self.encoding != Encoding::Utf8 {
            self.decode(want);
        }
        self.window()
    }

    /// Drops the first `n` bytes of the window.
    ///
    /// # Panics
    /// If the window is shorter.
    pub fn consume(&mut self, n: usize) {
        if self.encoding == Encoding::Utf8 {
            self.bytes.consume(n);
            self.ascii = self.ascii.saturating_sub(n);
        } else {
            assert!(n <= self.decoded.len() - self.start, "only text in the window can be consumed");
            self.start += n;
        }
    }

    /// Whether nothing follows the window.
    pub fn ended(&self) -> bool {
        self.bytes.ended() && (self.encoding == Encoding::Utf8 || self.bytes.window().is_empty())
    }

    /// Position, in the object's own bytes, of the window's first byte.
    pub fn position(&self) -> u64 {
        if self.encoding == Encoding::Utf8 || self.start == self.decoded.len() {
            return self.bytes.position();
        }
        self.map.start(self.start as u32)
    }

    /// Position, in the object's own bytes, of byte `at` of the window.
    pub fn position_of(&self, at: usize) -> u64 {
        if self.encoding == Encoding::Utf8 {
            self.bytes.position() + at as u64
        } else if self.start + at >= self.decoded.len() {
            self.bytes.position()
        } else {
            self.map.start((self.start + at) as u32)
        }
    }

    /// Adds to a column's map the place of `window()[from..to]`, which was appended to the column at `at`.
    #[inline]
    pub fn place(&self, map: &mut OffsetMap, at: u32, from: usize, to: usize) {
        if self.encoding == Encoding::Utf8 {
            map.push(Run { start: at, width: 1, raw_width: 1, raw: self.bytes.position() + from as u64 });
        } else if from < to {
            self.place_decoded(map, at, self.start + from, self.start + to);
        }
    }

    /// Why the text ended early, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        self.bytes.fault()
    }

    /// What became of the object, once all has been consumed: read with this many records, or the fault.
    pub fn outcome(&self, records: u64) -> Outcome {
        let read = Outcome::read(self.bytes.position(), records);
        match self.fault() {
            Some(fault) => Outcome { coverage: fault.coverage, reason: Some(fault.reason.clone()), ..read },
            None => read,
        }
    }

    /// As [`Text::outcome`], for a reader that stopped early or left something out itself.
    pub fn outcome_with(&self, records: u64, coverage: Coverage, reason: impl Into<String>) -> Outcome {
        let read = Outcome::read(self.position(), records);
        Outcome { coverage, reason: Some(reason.into()), ..read }
    }

    fn place_decoded(&self, map: &mut OffsetMap, at: u32, from: usize, to: usize) {
        let (from, to) = (from as u32, to as u32);
        let runs = self.map.runs();
        let first = runs.partition_point(|run| run.start <= from).saturating_sub(1);
        for run in runs[first..].iter().take_while(|run| run.start < to) {
            let start = run.start.max(from);
            map.push(Run { start: at + (start - from), raw: self.map.start(start), ..*run });
        }
    }

    /// Settles whether bytes that are not ASCII are UTF-8, as soon as there are some.
    fn decide(&mut self) {
        let window = self.bytes.window();
        let ascii = self.ascii.min(window.len());
        // The whole at once is many times faster than byte by byte, and nearly always the answer.
        if window[ascii..].is_ascii() {
            self.ascii = window.len();
            return;
        }
        let at = ascii + window[ascii..].iter().take_while(|b| b.is_ascii()).count();
        self.undecided = false;
        self.bytes.fill(at + JUDGED);
        let window = self.bytes.window();
        if looks_like_windows_1252(&window[at..window.len().min(at + JUDGED)]) {
            self.encoding = self.otherwise;
        }
    }

    fn decode(&mut self, want: usize) {
        if self.decoded.len() - self.start >= want {
            return;
        }
        if self.start > 0 {
            let len = self.decoded.len() as u32;
            self.spare = self.map.slice(self.start as u32, len);
            if self.start == self.decoded.len() {
                self.spare = OffsetMap::default();
            }
            std::mem::swap(&mut self.map, &mut self.spare);
            self.decoded.drain(..self.start);
            self.start = 0;
        }
        while self.decoded.len() < want {
            let before = self.bytes.window().len();
            self.bytes.fill(before.max(4) + 1);
            let (position, ended) = (self.bytes.position(), self.bytes.ended());
            let window = self.bytes.window();
            let mut out = Out { bytes: &mut self.decoded, map: &mut self.map, raw: position };
            let used = match self.encoding {
                Encoding::Windows1252 => decode_windows_1252(window, &mut out),
                Encoding::Declared(encoding) => decode_declared(window, encoding, ended, &mut out),
                Encoding::Utf16Be => decode_utf16(window, u16::from_be_bytes, ended, &mut out),
                _ => decode_utf16(window, u16::from_le_bytes, ended, &mut out),
            };
            self.bytes.consume(used);
            if ended && self.bytes.window().is_empty() {
                return;
            }
        }
    }
}

/// Whether a stretch of text that starts with a byte beyond ASCII is Windows-1252 rather than UTF-8: most of
/// what is not ASCII does not form UTF-8 characters.
pub fn looks_like_windows_1252(text: &[u8]) -> bool {
    let (mut valid, mut invalid, mut rest) = (0u32, 0u32, text.len());
    for chunk in text.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u32;
        rest -= chunk.valid().len() + chunk.invalid().len();
        let cut_off = rest == 0 && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
        if !chunk.invalid().is_empty() && !cut_off {
            invalid += 1;
        }
    }
    invalid > valid
}

struct Out<'a> {
    bytes: &'a mut Vec<u8>,
    map: &'a mut OffsetMap,
    raw: u64,
}

impl Out<'_> {
    /// Appends a character that stands in `raw_width` bytes.
    fn push(&mut self, c: char, raw_width: u16) {
        let run = Run { start: self.bytes.len() as u32, width: c.len_utf8() as u16, raw_width, raw: self.raw };
        self.map.push(run);
        self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        self.raw += u64::from(raw_width);
    }
}

fn decode_windows_1252(bytes: &[u8], out: &mut Out<'_>) -> usize {
    let mut rest = bytes;
    while !rest.is_empty() {
        let ascii = rest.iter().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        if ascii > 0 {
            out.map.push(Run { start: out.bytes.len() as u32, width: 1, raw_width: 1, raw: out.raw });
            out.bytes.extend_from_slice(&rest[..ascii]);
            out.raw += ascii as u64;
            rest = &rest[ascii..];
        }
        while let Some((first, after)) = rest.split_first().filter(|(first, _)| !first.is_ascii()) {
            out.push(windows_1252(*first), 1);
            rest = after;
        }
    }
    bytes.len()
}

/// Decodes character by character, so that every one keeps its place.
fn decode_declared(bytes: &[u8], encoding: &'static encoding_rs::Encoding, ended: bool, out: &mut Out<'_>) -> usize {
    let mut i = 0;
    while i < bytes.len() {
        let ascii = bytes[i..].iter().position(|b| !b.is_ascii()).unwrap_or(bytes.len() - i);
        if ascii > 0 {
            out.map.push(Run { start: out.bytes.len() as u32, width: 1, raw_width: 1, raw: out.raw });
            out.bytes.extend_from_slice(&bytes[i..i + ascii]);
            out.raw += ascii as u64;
            i += ascii;
            continue;
        }
        if bytes.len() - i < 4 && !ended {
            break;
        }
        let (c, len) = character(&bytes[i..], encoding);
        out.push(c, len as u16);
        i += len;
    }
    i
}

/// The character that bytes begin with, and of how many bytes it is; none in an encoding with ASCII in it has more than
/// four.
pub(crate) fn character(bytes: &[u8], encoding: &'static encoding_rs::Encoding) -> (char, usize) {
    let decoded = (1..=4.min(bytes.len())).find_map(|len| {
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[..len])?;
        Some((text.chars().next()?, len))
    });
    decoded.unwrap_or((char::REPLACEMENT_CHARACTER, 1))
}

/// The character of a byte beyond ASCII; the five that Windows-1252 leaves open are control characters, as in
/// the WHATWG encoding standard.
pub(crate) fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => byte as char,
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, ended: bool, out: &mut Out<'_>) -> usize {
    let at = |i: usize| bytes.get(i..i + 2).map(|pair| unit([pair[0], pair[1]]));
    let mut i = 0;
    while let Some(first) = at(i) {
        match (first, at(i + 2)) {
            (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
                let c = 0x1_0000 + ((u32::from(first) - 0xd800) << 10) + (u32::from(second) - 0xdc00);
                out.push(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 4);
                i += 4;
            }
            (0xd800..=0xdbff, None) if !ended => return i,
            _ => {
                out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), 2);
                i += 2;
            }
        }
    }
    if ended && i < bytes.len() {
        out.push(char::REPLACEMENT_CHARACTER, 1);
        i += 1;
    }
    i
}
