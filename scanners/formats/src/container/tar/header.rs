//! Headers of tar archives: POSIX ustar and pax, GNU, and the plain ones before them.

use super::BLOCK;
use super::sparse::Map;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File,
    HardLink,
    SymbolicLink,
    Device,
    Directory,
    Pipe,
    /// A name that is too long for a header, of the entry that follows.
    LongName,
    LongLink,
    /// Records about the entry that follows (POSIX.1-2017, pax Extended Header).
    Extended,
    GlobalExtended,
    Label,
    /// A file with holes, in GNU's older form.
    Sparse,
}

impl Kind {
    pub fn is_link(self) -> bool {
        matches!(self, Self::HardLink | Self::SymbolicLink)
    }

    /// Whether it has no content.
    pub fn is_nothing(self) -> bool {
        matches!(self, Self::Device | Self::Pipe | Self::Label) || self.is_link()
    }
}

/// A header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub kind: Kind,
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub size: u64,
    pub sparse: Option<Map>,
}

impl Header {
    /// A block that is a header: it carries the sum of its own bytes.
    pub fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        let told = number(&block[148..156])?;
        let unsigned: u64 = block.iter().map(|&b| u64::from(b)).sum();
        let in_sum: u64 = block[148..156].iter().map(|&b| u64::from(b)).sum();
        let sum = unsigned - in_sum + 8 * u64::from(b' ');
        // Some old programs summed signed bytes.
        let high = block.iter().enumerate().filter(|(i, b)| **b >= 0x80 && !(148..156).contains(i)).count() as u64;
        if told != sum && told.wrapping_add(256 * high) != sum || sum == 8 * u64::from(b' ') {
            return None;
        }
        let kind = match block[156] {
            b'1' => Kind::HardLink,
            b'2' => Kind::SymbolicLink,
            b'3' | b'4' => Kind::Device,
            b'5' => Kind::Directory,
            b'6' => Kind::Pipe,
            b'L' => Kind::LongName,
            b'K' => Kind::LongLink,
            b'x' | b'X' => Kind::Extended,
            b'g' => Kind::GlobalExtended,
            b'V' => Kind::Label,
            b'S' => Kind::Sparse,
            _ => Kind::File,
        };
        let mut name = text(&block[..100]).to_vec();
        let is_posix = block[257..263] == *b"ustar\0";
        let prefix = text(&block[345..500]);
        if is_posix && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        Some(Self {
            kind,
            name,
            link: text(&block[157..257]).to_vec(),
            size: number(&block[124..136])?,
            sparse: if kind == Kind::Sparse { Some(Map::of_header(block)?) } else { None },
        })
    }
}

/// What stands before an entry about it.
#[derive(Default, Debug)]
pub(crate) struct Extended {
    pub name: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    /// Of a file with holes: its real name and size, and where its stretches are, as `offset,length,…`.
    pub real_name: Option<Vec<u8>>,
    pub real_size: Option<u64>,
    pub map: Option<Vec<u8>>,
    /// The map stands before the content.
    pub map_inside: bool,
}

impl Extended {
    /// Takes in the content of a long name or of an extended header.
    pub fn take_in(&mut self, kind: Kind, value: &[u8]) {
        match kind {
            Kind::LongName => self.name = Some(text(value).to_vec()),
            Kind::LongLink => self.link = Some(text(value).to_vec()),
            _ => self.records(value),
        }
    }

    /// `LENGTH KEY=VALUE\n`, again and again.
    fn records(&mut self, mut rest: &[u8]) {
        while let Some(space) = memchr::memchr(b' ', rest) {
            let Some(len) = decimal(&rest[..space]).and_then(|len| usize::try_from(len).ok()) else { return };
            let Some(record) = rest.get(space + 1..len) else { return };
            rest = &rest[len..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = memchr::memchr(b'=', record) else { continue };
            self.record(&record[..equals], &record[equals + 1..]);
        }
    }

    fn record(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" => self.name = Some(value.to_vec()),
            b"GNU.sparse.name" => self.real_name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = decimal(value),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.real_size = decimal(value),
            b"GNU.sparse.major" => self.map_inside = value == b"1",
            b"GNU.sparse.map" => self.map = Some(value.to_vec()),
            // The oldest form has a record for each number.
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                let map = self.map.get_or_insert_default();
                if !map.is_empty() {
                    map.push(b',');
                }
                map.extend_from_slice(value);
            }
            _ => {}
        }
    }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// A number in octal or, where the first bit is set, in binary.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let bytes = field.iter().enumerate().map(|(i, &b)| if i == 0 { b & 0x7f } else { b });
        return bytes.into_iter().try_fold(0u64, |n, b| n.checked_mul(256)?.checked_add(b.into()));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |n, &b| {
        let digit = (b'0'..=b'7').contains(&b).then(|| u64::from(b - b'0'))?;
        n.checked_mul(8)?.checked_add(digit)
    })
}

/// A number in decimal.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
