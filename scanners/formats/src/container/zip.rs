//! Zip archives, by their directory; a cut-off archive without one by the headers of its members.
//!
//! The directory is read here rather than by a library, because every entry counts: libraries keep one of
//! several entries with the same name.

use std::io::{self, Read};
use std::sync::Arc;

use flate2::Crc;
use lzma_rust2::LzmaReader;
use residuum_source::{Coverage, Flow, ObjectPath, Outcome, Sink};

use super::directory::{Entry, after_descriptor, data_of, directory, local_header, read_exact_at};
use super::inflate::Inflate;
use super::names::Names;
use super::stream::{Named, too_large, xz_decoder, zstd_decoder};
use super::{Within, open, outcome, read_member};
use crate::bytes::Slice;
use crate::{Bytes, Fault, Input, ReadAt, close_unread, office, read_part, stored_or_held};

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
    if let Some(kind) = office_document(&directory, &archive) {
        return office::read(path, kind, archive, directory, within, sink);
    }
    let deeper = match open(path, "zip", within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let (mut members, mut names) = (0, Names::default());
    for entry in &directory {
        if entry.is_directory() {
            continue;
        }
        members += 1;
        read_entry(&path.member(&names.next(&entry.name)), &archive, entry, &deeper, sink)?;
    }
    sink.close(outcome(archive.size(), members, None))
}

/// Reads a member as an object of its own.
pub(crate) fn read_entry(
    member: &ObjectPath,
    archive: &Arc<dyn ReadAt>,
    entry: &Entry,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    if entry.is_encrypted() {
        return close_unread(member, "encrypted", Outcome::not_read(Coverage::Unreadable, ENCRYPTED), sink);
    }
    let from = match data_of(&**archive, entry) {
        Ok(from) => from,
        Err(fault) => return close_unread(member, "unknown", outcome(0, 0, Some(fault)), sink),
    };
    let data: Arc<dyn ReadAt> = Arc::new(Slice { inner: archive.clone(), from, len: entry.compressed });
    if entry.method == 0 && wants_random_access(&*data) {
        return read_part(member, Bytes::new(Input::Stored(data)), within, sink);
    }
    let data = Bytes::new(Input::Stored(data));
    match decoder(data, entry, within.window()) {
        Ok(decoder) => {
            let mut checked = Checked { inner: decoder, crc: Crc::new(), given: 0, expected: entry };
            read_member(member, &mut within.expand(&mut checked), within, sink)
        }
        Err(fault) => close_unread(member, "unknown", outcome(0, 0, Some(fault)), sink),
    }
}

/// Gives a member's bytes to `run`, checked and taken from the budget.
///
/// # Errors
/// If there are none to give: it is encrypted, or packed in a way that we do not read.
pub(crate) fn with_entry<T>(
    archive: &Arc<dyn ReadAt>,
    entry: &Entry,
    within: &Within<'_>,
    run: &mut dyn FnMut(&mut dyn Read) -> T,
) -> Result<T, Fault> {
    if entry.is_encrypted() {
        return Err(Fault::unreadable(ENCRYPTED));
    }
    let from = data_of(&**archive, entry)?;
    let data: Arc<dyn ReadAt> = Arc::new(Slice { inner: archive.clone(), from, len: entry.compressed });
    let decoder = decoder(Bytes::new(Input::Stored(data)), entry, within.window())?;
    let mut checked = Checked { inner: decoder, crc: Crc::new(), given: 0, expected: entry };
    Ok(run(&mut within.expand(&mut checked)))
}

/// Why an encrypted member is not read.
pub(super) const ENCRYPTED: &str = "it is encrypted; give the archive without a password to have it read";

fn decoder<'b>(mut data: Bytes<'b>, entry: &Entry, window: u64) -> Result<Box<dyn Read + 'b>, Fault> {
    let named = |what| {
        move |inner: Box<dyn Read + 'b>| -> Box<dyn Read + 'b> { Box::new(Named { inner, what, given: 0, window }) }
    };
    Ok(match entry.method {
        0 => Box::new(data),
        8 => Box::new(Inflate::new(data)),
        9 => named("deflate64")(Box::new(deflate64::Deflate64Decoder::with_buffer(data))),
        12 => named("bzip2")(Box::new(::bzip2::bufread::BzDecoder::new(data))),
        14 => {
            // A version, the length of what follows, and that (APPNOTE.TXT 5.8.8).
            let &[_, _, 5, 0, properties, a, b, c, d, ..] = data.fill(9) else {
                return Err(Fault::unreadable("its compressed data are damaged: they do not begin as LZMA does"));
            };
            data.consume(9);
            let dictionary = u32::from_le_bytes([a, b, c, d]);
            if u64::from(dictionary) > window {
                return Err(too_large("LZMA", window));
            }
            let has_end_mark = entry.flags & 2 != 0;
            let size = if has_end_mark { u64::MAX } else { entry.size };
            let reader = LzmaReader::new_with_props(data, size, properties, dictionary, None);
            named("LZMA")(Box::new(reader.map_err(|error| Fault::from_io(&error, 0))?))
        }
        93 => Box::new(zstd_decoder(data, window).map_err(|error| Fault::from_io(&error, 0))?),
        95 => Box::new(xz_decoder(data, window)),
        other => {
            let name = match other {
                1 => "shrink",
                6 => "implode",
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
pub(crate) fn wants_random_access(data: &dyn ReadAt) -> bool {
    let mut head = [0; 4];
    let got = read_exact_at(data, &mut head, 0).is_ok();
    got && matches!(&head, b"PAR1" | b"PARE" | b"PK\x03\x04")
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

/// Which kind of document an archive is, if it is one.
pub(crate) fn office_document(entries: &[Entry], archive: &Arc<dyn ReadAt>) -> Option<office::Kind> {
    let has = |prefix: &[u8]| entries.iter().any(|e| e.name.starts_with(prefix));
    if has(b"[Content_Types].xml") {
        return Some(if has(b"xl/workbook.bin") {
            office::Kind::Xlsb
        } else if has(b"xl/") {
            office::Kind::Xlsx
        } else if has(b"word/") {
            office::Kind::Docx
        } else if has(b"ppt/") {
            office::Kind::Pptx
        } else {
            office::Kind::OtherOpenXml
        });
    }
    let kind = entries.first().filter(|e| e.name == b"mimetype" && e.method == 0 && e.size < 200)?;
    let mut mime = vec![0; kind.size as usize];
    read_exact_at(&**archive, &mut mime, data_of(&**archive, kind).ok()?).ok()?;
    office::Kind::of_mimetype(&mime)
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
    let (mut members, mut at, mut names) = (0, 0, Names::default());
    while let Some((entry, data_at)) = local_header(&*archive, at) {
        let described_after = entry.flags & 8 != 0 && entry.compressed == 0;
        let data: Arc<dyn ReadAt> = if described_after {
            Arc::new(Slice { inner: archive.clone(), from: data_at, len: archive.size() - data_at })
        } else {
            Arc::new(Slice { inner: archive.clone(), from: data_at, len: entry.compressed })
        };
        let mut next = data_at.saturating_add(entry.compressed);
        if entry.is_directory() && !described_after {
            at = next;
            continue;
        }
        members += 1;
        let member = path.member(&names.next(&entry.name));
        if entry.is_encrypted() {
            close_unread(&member, "encrypted", Outcome::not_read(Coverage::Unreadable, ENCRYPTED), sink)?;
        } else if described_after && entry.method == 8 {
            let mut inflate = Inflate::new(Bytes::new(Input::Stored(data)));
            read_member(&member, &mut deeper.expand(&mut inflate), &deeper, sink)?;
            let left = io::copy(&mut inflate, &mut io::sink());
            if left.is_err() {
                break;
            }
            next = after_descriptor(&*archive, data_at + inflate.inner().position());
        } else {
            match decoder(Bytes::new(Input::Stored(data)), &entry, deeper.window()) {
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
