//! Zip archives, by their directory; a cut-off archive without one by the headers of its members.
//!
//! The directory is read here rather than by a library, because every entry counts: libraries keep one of
//! several entries with the same name.

use std::io::{self, Read};
use std::sync::Arc;

use flate2::Crc;
use memchr::memmem;
use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Sink};

use super::inflate::Inflate;
use super::stream::Named;
use super::{Within, open, outcome, read_member};
use crate::{Bytes, Fault, Input, ReadAt, close_unread, read_part, stored_or_held};

/// Reads the members of a zip archive.
pub(crate) fn zip(path: &ObjectPath, bytes: Bytes<'_>, within: &Within<'_>, sink: &mut dyn Sink) -> Flow {
    let archive = match stored_or_held(bytes, within.limits, "zip archive") {
        Ok(archive) => archive,
        Err(outcome) => return close_unread(path, "zip", outcome, sink),
    };
    let directory = match directory(&*archive, within.limits.whole_bytes) {
        Ok(entries) => entries,
        Err(fault) if fault.coverage == Coverage::Unreadable => {
            return without_directory(path, archive, &fault, within, sink);
        }
        Err(fault) => return close_unread(path, "zip", outcome(0, 0, Some(fault)), sink),
    };
    if let Some((format, what)) = office_document(&directory, &archive) {
        let reason = format!("{what} cannot be read yet; export it in a format that can, such as CSV");
        return close_unread(path, format, Outcome::not_read(Coverage::Unsupported, reason), sink);
    }
    let deeper = match open(path, "zip", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut members = 0;
    for entry in &directory {
        if entry.is_directory() {
            continue;
        }
        members += 1;
        read_entry(path, &archive, entry, &deeper, sink)?;
    }
    sink.close(outcome(archive.size(), members, None))
}

/// An entry of the directory.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u64,
    size: u64,
    header: u64,
}

impl Entry {
    fn is_directory(&self) -> bool {
        self.name.ends_with(b"/") && self.size == 0
    }

    fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }
}

fn read_entry(
    path: &ObjectPath,
    archive: &Arc<dyn ReadAt>,
    entry: &Entry,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let member = path.member(&entry.name);
    if entry.is_encrypted() {
        let reason = "it is encrypted; give the archive without a password to have it read";
        return close_unread(&member, "encrypted", Outcome::not_read(Coverage::Unreadable, reason), sink);
    }
    let from = match data_of(&**archive, entry) {
        Ok(from) => from,
        Err(fault) => return close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink),
    };
    let data: Arc<dyn ReadAt> = Arc::new(Slice { inner: archive.clone(), from, len: entry.compressed });
    if entry.method == 0 && wants_random_access(&*data) {
        return read_part(&member, Bytes::new(Input::Stored(data)), within, sink);
    }
    let data = Bytes::new(Input::Stored(data));
    match decoder(data, entry.method) {
        Ok(decoder) => {
            let mut checked = Checked { inner: decoder, crc: Crc::new(), given: 0, expected: entry };
            read_member(&member, &mut within.expand(&mut checked), within, sink)
        }
        Err(fault) => close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink),
    }
}

fn decoder<'b>(data: Bytes<'b>, method: u16) -> Result<Box<dyn Read + 'b>, Fault> {
    let named =
        |what| move |inner: Box<dyn Read + 'b>| -> Box<dyn Read + 'b> { Box::new(Named { inner, what, given: 0 }) };
    Ok(match method {
        0 => Box::new(data),
        8 => Box::new(Inflate::new(data)),
        9 => named("deflate64")(Box::new(deflate64::Deflate64Decoder::with_buffer(data))),
        12 => named("bzip2")(Box::new(::bzip2::bufread::BzDecoder::new(data))),
        93 => match ::zstd::stream::read::Decoder::with_buffer(data) {
            Ok(decoder) => named("zstd")(Box::new(decoder)),
            Err(error) => return Err(Fault::from_io(&error, 0)),
        },
        other => {
            let name = match other {
                1 => "shrink",
                6 => "implode",
                14 => "LZMA",
                95 => "xz",
                96 => "JPEG",
                97 => "WavPack",
                98 => "PPMd",
                _ => "unknown",
            };
            let reason =
                format!("its compression method {other} ({name}) cannot be read; pack it with deflate or zstd");
            return Err(Fault::unsupported(reason));
        }
    })
}

/// A stored member that is itself read by position: Parquet, or a zip archive.
fn wants_random_access(data: &dyn ReadAt) -> bool {
    let mut head = [0; 4];
    let got = read_exact_at(data, &mut head, 0).is_ok();
    got && matches!(&head, b"PAR1" | b"PARE" | b"PK\x03\x04")
}

/// Some bytes of an object as an object.
struct Slice {
    inner: Arc<dyn ReadAt>,
    from: u64,
    len: u64,
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

/// Compares length and checksum at the end with what the directory says.
struct Checked<'e, R> {
    inner: R,
    crc: Crc,
    given: u64,
    expected: &'e Entry,
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.crc.update(&buf[..n]);
        self.given += n as u64;
        if n == 0 && !buf.is_empty() {
            let (given, size) = (self.given, self.expected.size);
            if given != size {
                let reason = format!("it ends after {given} bytes; the archive's directory says {size}");
                return Err(Fault::unreadable(reason).into());
            }
            if self.crc.sum() != self.expected.crc {
                let reason = format!("its checksum does not match after {given} bytes");
                return Err(Fault::unreadable(reason).into());
            }
        }
        Ok(n)
    }
}

fn read_exact_at(from: &dyn ReadAt, buf: &mut [u8], at: u64) -> io::Result<()> {
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
fn directory(archive: &dyn ReadAt, whole_bytes: u64) -> Result<Vec<Entry>, Fault> {
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
        }
    }
    if len > whole_bytes {
        let reason =
            format!("the archive's directory is longer than {whole_bytes} bytes; raise the limit `whole_bytes`");
        return Err(Fault::limit(reason));
    }
    let damaged = |what: &str| Fault::unreadable(format!("the archive's directory is damaged: {what}"));
    let start = directory_end.checked_sub(len).ok_or_else(|| damaged("it is longer than the archive"))?;
    // Whatever stands before the archive, such as a program that unpacks it, shifts every position.
    let shift = start.checked_sub(at).ok_or_else(|| damaged("it begins after its own end"))?;
    let mut bytes = vec![0; len as usize];
    read_exact_at(archive, &mut bytes, start).map_err(|e| Fault::from_io(&e, start))?;
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
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
fn data_of(archive: &dyn ReadAt, entry: &Entry) -> Result<u64, Fault> {
    let mut header = [0; 30];
    let at = entry.header;
    let read = read_exact_at(archive, &mut header, at);
    if read.is_err() || !header.starts_with(b"PK\x03\x04") {
        return Err(Fault::unreadable(format!("the archive has no header for it at byte {at}: it is damaged")));
    }
    Ok(at + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28)))
}

/// Documents that are zip archives but are not read as such.
fn office_document(entries: &[Entry], archive: &Arc<dyn ReadAt>) -> Option<(&'static str, &'static str)> {
    let has = |prefix: &[u8]| entries.iter().any(|e| e.name.starts_with(prefix));
    if has(b"[Content_Types].xml") {
        return Some(if has(b"xl/") {
            ("xlsx", "a workbook (xlsx)")
        } else if has(b"word/") {
            ("docx", "a text document (docx)")
        } else if has(b"ppt/") {
            ("pptx", "a presentation (pptx)")
        } else {
            ("ooxml", "an Office document")
        });
    }
    let kind = entries.first().filter(|e| e.name == b"mimetype" && e.method == 0 && e.size < 200)?;
    let mut mime = vec![0; kind.size as usize];
    read_exact_at(&**archive, &mut mime, data_of(&**archive, kind).ok()?).ok()?;
    mime.starts_with(b"application/vnd.oasis.opendocument").then_some(("odf", "an OpenDocument file"))
}

/// Reads the members of a cut-off archive one after the other, as far as they go.
fn without_directory(
    path: &ObjectPath,
    archive: Arc<dyn ReadAt>,
    why: &Fault,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let deeper = match open(path, "zip", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let (mut members, mut at) = (0, 0);
    while let Some((entry, data_at)) = local_header(&*archive, at) {
        let described_after = entry.flags & 8 != 0 && entry.compressed == 0;
        let data: Arc<dyn ReadAt> = if described_after {
            Arc::new(Slice { inner: archive.clone(), from: data_at, len: archive.size() - data_at })
        } else {
            Arc::new(Slice { inner: archive.clone(), from: data_at, len: entry.compressed })
        };
        let member = path.member(&entry.name);
        let mut next = data_at.saturating_add(entry.compressed);
        if entry.is_directory() && !described_after {
            at = next;
            continue;
        }
        members += 1;
        if entry.is_encrypted() {
            let reason = "it is encrypted; give the archive without a password to have it read";
            close_unread(&member, "encrypted", Outcome::not_read(Coverage::Unreadable, reason), sink)?;
        } else if described_after && entry.method == 8 {
            let mut inflate = Inflate::new(Bytes::new(Input::Stored(data)));
            read_member(&member, &mut deeper.expand(&mut inflate), &deeper, sink)?;
            let left = io::copy(&mut inflate, &mut io::sink());
            if left.is_err() {
                break;
            }
            next = after_descriptor(&*archive, data_at + inflate.inner().position());
        } else {
            match decoder(Bytes::new(Input::Stored(data)), entry.method) {
                Ok(decoder) if !described_after => {
                    let mut checked = Checked { inner: decoder, crc: Crc::new(), given: 0, expected: &entry };
                    read_member(&member, &mut deeper.expand(&mut checked), &deeper, sink)?;
                }
                Ok(_) => {
                    let fault =
                        Fault::unreadable("its length stands only in the archive's directory, which is missing");
                    close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink)?;
                    break;
                }
                Err(fault) => close_unread(&member, "unknown", outcome(0, 0, Some(fault)), sink)?,
            }
        }
        at = next;
    }
    let reason = format!("{}; {members} members were read by their own headers, up to byte {at}", why.reason);
    sink.close(outcome(archive.size(), members, Some(Fault::unreadable(reason))))
}

fn local_header(archive: &dyn ReadAt, at: u64) -> Option<(Entry, u64)> {
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
fn after_descriptor(archive: &dyn ReadAt, at: u64) -> u64 {
    let is_header = |&at: &u64| {
        let mut mark = [0; 4];
        read_exact_at(archive, &mut mark, at).is_ok() && (mark == *b"PK\x03\x04" || mark == *b"PK\x01\x02")
    };
    [16, 12, 24, 20].map(|len| at + len).into_iter().find(is_header).unwrap_or(at + 16)
}
