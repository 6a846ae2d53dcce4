//! Compound files (MS-CFB): streams in a tree, as old Office documents and Outlook messages keep them.

use crate::Fault;

/// A file's streams.
pub(super) struct Compound<'b> {
    bytes: &'b [u8],
    sector: usize,
    mini_sector: usize,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    cutoff: u64,
    /// All entries, each with the names of the storages around it.
    pub entries: Vec<Entry>,
}

/// A stream.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name, behind the names of the storages around it: `__attach_version1.0_#00000000/__substg1.0_37010102`.
    pub path: String,
    start: u32,
    size: u64,
}

const END: u32 = 0xffff_fffe;
const NONE: u32 = 0xffff_ffff;

impl<'b> Compound<'b> {
    /// Reads the directory.
    pub fn open(bytes: &'b [u8]) -> Result<Self, Fault> {
        let damaged = || Fault::unreadable("it is damaged: its directory cannot be read");
        let header = bytes.get(..512).ok_or_else(damaged)?;
        let (shift, mini_shift) = (u16_at(header, 30), u16_at(header, 32));
        if !(9..=12).contains(&shift) || mini_shift != 6 {
            return Err(damaged());
        }
        let sector = 1usize << shift;
        let mut compound = Self {
            bytes,
            sector,
            mini_sector: 64,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            cutoff: u64::from(u32_at(header, 56)),
            entries: Vec::new(),
        };
        // Where the table of sectors stands: 109 places in the header, the others in a chain.
        let mut tables: Vec<u32> = (0..109).map(|i| u32_at(header, 76 + 4 * i)).collect();
        let (mut next, mut seen) = (u32_at(header, 68), 0);
        while next < END - 3 && seen <= bytes.len() / sector {
            let table = compound.sector(next).ok_or_else(damaged)?;
            let places = table.chunks_exact(4).map(|b| u32_at(b, 0)).collect::<Vec<_>>();
            let (last, places) = places.split_last().ok_or_else(damaged)?;
            tables.extend(places);
            (next, seen) = (*last, seen + 1);
        }
        for table in tables.into_iter().filter(|table| *table < END - 3) {
            let Some(table) = compound.sector(table) else { continue };
            let entries: Vec<u32> = table.chunks_exact(4).map(|b| u32_at(b, 0)).collect();
            compound.fat.extend(entries);
        }
        let mini_fat = compound.chain(u32_at(header, 60), u64::MAX);
        compound.mini_fat = mini_fat.chunks_exact(4).map(|b| u32_at(b, 0)).collect();
        let directory = compound.chain(u32_at(header, 48), u64::MAX);
        let root = directory.get(..128).ok_or_else(damaged)?;
        compound.mini = compound.chain(u32_at(root, 116), u64::from(u32_at(root, 120)));
        compound.walk(&directory);
        Ok(compound)
    }

    /// The stream at this path.
    pub fn stream(&self, path: &str) -> Option<Vec<u8>> {
        self.entries.iter().find(|entry| entry.path == path).map(|entry| self.content(entry))
    }

    /// What a stream holds, as far as it can be found.
    pub fn content(&self, entry: &Entry) -> Vec<u8> {
        if entry.size >= self.cutoff {
            return self.chain(entry.start, entry.size);
        }
        let (mut content, mut at, mut steps) = (Vec::new(), entry.start, 0);
        while at < END && (content.len() as u64) < entry.size && steps <= self.mini_fat.len() {
            let start = at as usize * self.mini_sector;
            let Some(sector) = self.mini.get(start..(start + self.mini_sector).min(self.mini.len())) else { break };
            content.extend_from_slice(sector);
            (at, steps) = (self.mini_fat.get(at as usize).copied().unwrap_or(END), steps + 1);
        }
        content.truncate(entry.size as usize);
        content
    }

    fn sector(&self, number: u32) -> Option<&'b [u8]> {
        let start = (number as usize + 1).checked_mul(self.sector)?;
        let end = (start + self.sector).min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    fn chain(&self, start: u32, size: u64) -> Vec<u8> {
        let (mut content, mut at, mut steps) = (Vec::new(), start, 0);
        while at < END - 3 && (content.len() as u64) < size && steps <= self.bytes.len() / self.sector {
            let Some(sector) = self.sector(at) else { break };
            content.extend_from_slice(sector);
            (at, steps) = (self.fat.get(at as usize).copied().unwrap_or(END), steps + 1);
        }
        content.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        content
    }

    /// Lists the streams of the tree, each entry once.
    fn walk(&mut self, directory: &[u8]) {
        let entries: Vec<&[u8]> = directory.chunks_exact(128).collect();
        let mut seen = vec![false; entries.len()];
        let child = entries.first().map_or(NONE, |root| u32_at(root, 76));
        let mut open = vec![(child, String::new())];
        while let Some((number, around)) = open.pop() {
            let Some(entry) =
                entries.get(number as usize).filter(|_| !std::mem::replace(&mut seen[number as usize], true))
            else {
                continue;
            };
            open.push((u32_at(entry, 68), around.clone()));
            open.push((u32_at(entry, 72), around.clone()));
            let len = usize::from(u16_at(entry, 64)).clamp(2, 64) - 2;
            let name = utf16(&entry[..len]);
            let path = if around.is_empty() { name } else { format!("{around}/{name}") };
            match entry[66] {
                1 if path.len() < 4096 => open.push((u32_at(entry, 76), path)),
                2 => self.entries.push(Entry { path, start: u32_at(entry, 116), size: u64::from(u32_at(entry, 120)) }),
                _ => {}
            }
        }
        self.entries.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// Text in UTF-16, low byte first.
pub(super) fn utf16(bytes: &[u8]) -> String {
    String::from_utf16_lossy(&bytes.chunks_exact(2).map(|pair| u16_at(pair, 0)).collect::<Vec<_>>())
}
