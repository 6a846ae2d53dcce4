//! The directory of a zip archive, and the headers of its members.

use std::io;

use memchr::memmem;

use crate::{Fault, ReadAt};

/// An entry of the directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed: u64,
    pub size: u64,
    pub header: u64,
}

impl Entry {
    pub fn is_directory(&self) -> bool {
        self.name.ends_with(b"/") && self.size == 0
    }

    pub fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }
}

/// Fills the buffer from this position on.
pub(crate) fn read_exact_at(from: &dyn ReadAt, buf: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match from.read_at(&mut buf[done..], at.saturating_add(done as u64)) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Reads the central directory (APPNOTE.TXT 4.3.12 to 4.3.16), zip64 included.
pub(super) fn directory(archive: &dyn ReadAt, whole_bytes: u64) -> Result<Vec<Entry>, Fault> {
    parse(&locate(archive, whole_bytes)?)
}

/// The directory as it stands.
pub(crate) struct Located {
    pub bytes: Vec<u8>,
    /// Where it begins.
    pub start: u64,
    /// How far everything is from where the archive says that it is.
    pub shift: u64,
    /// Where the record at the archive's end begins.
    pub end: u64,
    /// It is told of by the records of zip64.
    pub is_zip64: bool,
    expected: u64,
}

/// Finds the central directory.
pub(crate) fn locate(archive: &dyn ReadAt, whole_bytes: u64) -> Result<Located, Fault> {
    let size = archive.size();
    let tail_len = size.min(22 + 65_535 + 20);
    let tail_at = size - tail_len;
    let mut tail = vec![0; tail_len as usize];
    read_exact_at(archive, &mut tail, tail_at).map_err(|e| Fault::from_io(&e, tail_at))?;
    let fits = |at: &usize| at + 22 <= tail.len() && at + 22 + usize::from(u16_at(&tail, at + 20)) <= tail.len();
    let end = memmem::rfind_iter(&tail, b"PK\x05\x06").find(fits);
    let Some(end) = end else {
        return Err(Fault::unreadable("the archive has no directory at its end: it is cut off or damaged"));
    };
    let mut len = u64::from(u32_at(&tail, end + 12));
    let mut at = u64::from(u32_at(&tail, end + 16));
    let mut directory_end = tail_at + end as u64;
    let mut expected = u64::from(u16_at(&tail, end + 10));
    let mut is_zip64 = false;
    let locator = end.checked_sub(20).filter(|&at| tail[at..].starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        let told = u64_at(&tail, locator + 8);
        let mut zip64 = [0; 56];
        // The record stands where it says or, with data before the archive, just before its locator.
        let places = [told, (tail_at + locator as u64).saturating_sub(56)];
        let read =
            |&&place: &&u64| read_exact_at(archive, &mut zip64, place).is_ok() && zip64.starts_with(b"PK\x06\x06");
        if let Some(&place) = places.iter().find(read) {
            (expected, len, at) = (u64_at(&zip64, 32), u64_at(&zip64, 40), u64_at(&zip64, 48));
            directory_end = place;
            is_zip64 = true;
        }
    }
    if len > whole_bytes {
        let reason =
            format!("the archive's directory is longer than {whole_bytes} bytes; raise the limit `whole_bytes`");
        return Err(Fault::limit(reason));
    }
    let start = directory_end.checked_sub(len).ok_or_else(|| damaged("it is longer than the archive"))?;
    // Whatever stands before the archive, such as a program that unpacks it, shifts every position.
    let shift = start.checked_sub(at).ok_or_else(|| damaged("it begins after its own end"))?;
    let mut bytes = vec![0; len as usize];
    read_exact_at(archive, &mut bytes, start).map_err(|e| Fault::from_io(&e, start))?;
    Ok(Located { bytes, start, shift, end: tail_at + end as u64, is_zip64, expected })
}

fn damaged(what: &str) -> Fault {
    Fault::unreadable(format!("the archive's directory is damaged: {what}"))
}

/// The entries of a directory.
pub(crate) fn parse(located: &Located) -> Result<Vec<Entry>, Fault> {
    let Located { shift, expected, .. } = *located;
    let mut entries = Vec::new();
    let mut rest = located.bytes.as_slice();
    while rest.len() >= 46 && rest.starts_with(b"PK\x01\x02") {
        let lens = [28, 30, 32].map(|at| usize::from(u16_at(rest, at)));
        let total = 46 + lens.iter().sum::<usize>();
        let Some(record) = rest.get(..total) else {
            return Err(damaged("an entry is cut off"));
        };
        rest = &rest[total..];
        entries.push(entry(record, lens, shift));
    }
    // The count of an archive without zip64 wraps at 65,536 entries.
    if entries.len() as u64 & 0xffff != expected & 0xffff {
        return Err(damaged(&format!("it has {} entries and should have {expected}", entries.len())));
    }
    Ok(entries)
}

fn entry(record: &[u8], lens: [usize; 3], shift: u64) -> Entry {
    let mut entry = Entry {
        name: record[46..46 + lens[0]].to_vec(),
        flags: u16_at(record, 8),
        method: u16_at(record, 10),
        crc: u32_at(record, 16),
        compressed: u64::from(u32_at(record, 20)),
        size: u64::from(u32_at(record, 24)),
        header: u64::from(u32_at(record, 42)),
    };
    let mut extra = &record[46 + lens[0]..46 + lens[0] + lens[1]];
    while extra.len() >= 4 {
        let len = usize::from(u16_at(extra, 2)).min(extra.len() - 4);
        let (mut field, kind) = (&extra[4..4 + len], u16_at(extra, 0));
        extra = &extra[4 + len..];
        if kind == 1 {
            for value in [&mut entry.size, &mut entry.compressed, &mut entry.header] {
                if *value == 0xffff_ffff && field.len() >= 8 {
                    *value = u64_at(field, 0);
                    field = &field[8..];
                }
            }
        }
    }
    entry.header = entry.header.saturating_add(shift);
    entry
}

/// Where a member's data begin, after its own header.
pub(crate) fn data_of(archive: &dyn ReadAt, entry: &Entry) -> Result<u64, Fault> {
    let mut header = [0; 30];
    let at = entry.header;
    let read = read_exact_at(archive, &mut header, at);
    if read.is_err() || !header.starts_with(b"PK\x03\x04") {
        return Err(Fault::unreadable(format!("the archive has no header for it at byte {at}: it is damaged")));
    }
    Ok(at + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28)))
}

/// A member's own header at this position, and where its data begin.
pub(super) fn local_header(archive: &dyn ReadAt, at: u64) -> Option<(Entry, u64)> {
    let mut header = [0; 30];
    read_exact_at(archive, &mut header, at).ok()?;
    if !header.starts_with(b"PK\x03\x04") {
        return None;
    }
    let (name_len, extra_len) = (u16_at(&header, 26), u16_at(&header, 28));
    let mut names = vec![0; usize::from(name_len) + usize::from(extra_len)];
    read_exact_at(archive, &mut names, at + 30).ok()?;
    // The same record as in the directory, with the fields where the directory has them.
    let mut record = vec![0; 46];
    record[8..28].copy_from_slice(&header[6..26]);
    record.extend_from_slice(&names);
    let entry = entry(&record, [name_len.into(), extra_len.into(), 0], at);
    Some((entry, at + 30 + names.len() as u64))
}

/// The end of the data descriptor that follows a member's data: its fields have two widths, with or without a mark.
pub(super) fn after_descriptor(archive: &dyn ReadAt, at: u64) -> u64 {
    let is_header = |&at: &u64| {
        let mut mark = [0; 4];
        read_exact_at(archive, &mut mark, at).is_ok() && (mark == *b"PK\x03\x04" || mark == *b"PK\x01\x02")
    };
    [16, 12, 24, 20].map(|len| at + len).into_iter().find(is_header).unwrap_or(at + 16)
}
