//! Zip archives: untouched members are copied with their headers as they stand, in their order; the directory is written
//! anew with the new places. What stands between members and belongs to none is left out, for it may be an older
//! version of one that is edited.

use std::io::{self, Write};
use std::sync::Arc;

use flate2::Crc;
use residuum_source::ObjectPath;

use super::{Job, What, pack, part, written};
use crate::container::directory::{Entry, Located, data_of, locate, parse, read_exact_at};
use crate::container::{Names, Within, office_document, wants_random_access, with_entry};
use crate::edit::splice::Count;
use crate::{Bytes, Fault, Input, ReadAt, Slice, sound};

/// A member with its record in the directory.
struct Member {
    entry: Entry,
    record: Vec<u8>,
    path: Option<ObjectPath>,
    what: What,
    /// Where it stands afterwards.
    at: u64,
}

pub(super) fn zip(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let archive = Archive::open(bytes, "zip archive", within)?;
    if office_document(&archive.entries, &archive.bytes).is_some() {
        return Err(Fault::unsupported(
            "what is embedded in an office document is not written: open the document, and change or remove it there",
        ));
    }
    archive.again(path, within, job, out)
}

/// A document that is a zip archive, whose members are its parts.
pub(in crate::edit) fn document(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    Archive::open(bytes, "document", within)?.again(path, within, job, out)
}

/// An archive with its directory.
struct Archive {
    bytes: Arc<dyn ReadAt>,
    located: Located,
    entries: Vec<Entry>,
}

impl Archive {
    fn open(bytes: Bytes<'_>, what: &'static str, within: &Within<'_>) -> Result<Self, Fault> {
        let bytes = sound(bytes, within.limits, what)?;
        let located = locate(&*bytes, within.limits.whole_bytes)?;
        let entries = parse(&located)?;
        Ok(Self { bytes, located, entries })
    }

    /// Walks through the members, and writes the archive with what became of them.
    fn again(
        self,
        path: &ObjectPath,
        within: &Within<'_>,
        job: &mut dyn Job,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let Self { bytes: archive, located, entries } = self;
        let mut members = members(path, entries, &located, job)?;
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|&i| members[i].entry.header);
        // Members that share bytes would be written once for each: far more than there is.
        let ends = order.iter().map(|&i| (members[i].entry.header + 30).saturating_add(members[i].entry.compressed));
        let nexts = order.iter().skip(1).map(|&i| members[i].entry.header).chain([located.start]);
        if ends.zip(nexts).any(|(end, next)| end > next) {
            return Err(Fault::unreadable("members of the archive overlap: unpack it, and pack it again"));
        }
        if job.is_dry() {
            for member in members.iter().filter(|member| matches!(member.what, What::Open | What::Edit)) {
                content(member, &archive, within, job, &mut io::sink())?;
            }
            return Ok(());
        }
        let mut out = Counted { out, at: 0 };
        let first = order.first().map_or(located.start, |&i| members[i].entry.header);
        let mut mark = [0; 4];
        let is_member = read_exact_at(&*archive, &mut mark, 0).is_ok() && mark == *b"PK\x03\x04";
        // A program that unpacks the archive stays; a member that the directory does not list does not.
        if !is_member || located.shift > 0 {
            copy(&archive, 0, first.min(located.start), &mut out)?;
        }
        for i in order {
            let member = &mut members[i];
            member.at = out.at;
            match member.what {
                What::Drop => {}
                What::Keep => kept(member, &archive, &mut out)?,
                What::Open | What::Edit => edited(member, &archive, within, job, &mut out)?,
            }
        }
        members.retain(|member| member.what != What::Drop);
        directory(&members, &located, &archive, &mut out)
    }
}

fn members(path: &ObjectPath, entries: Vec<Entry>, located: &Located, job: &mut dyn Job) -> Result<Vec<Member>, Fault> {
    let (mut names, mut rest) = (Names::default(), located.bytes.as_slice());
    let mut members = Vec::new();
    for entry in entries {
        let len = record_len(rest).ok_or_else(|| Fault::unreadable("the archive's directory is damaged"))?;
        let record = rest[..len].to_vec();
        rest = &rest[len..];
        let path = (!entry.is_directory()).then(|| path.member(&names.next(&entry.name)));
        let what = path.as_ref().map_or(What::Keep, |path| job.what(path));
        if entry.is_encrypted() && what != What::Keep && what != What::Drop {
            return Err(Fault::unsupported("a member of the archive is encrypted: unpack it, and pack it again"));
        }
        members.push(Member { entry, record, path, what, at: 0 });
    }
    Ok(members)
}

fn record_len(record: &[u8]) -> Option<usize> {
    let len = |at: usize| Some(usize::from(u16::from_le_bytes([*record.get(at)?, *record.get(at + 1)?])));
    let whole = 46 + len(28)? + len(30)? + len(32)?;
    (whole <= record.len()).then_some(whole)
}

/// Walks through a member's content.
fn content(
    member: &Member,
    archive: &Arc<dyn ReadAt>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let Some(path) = &member.path else { return Ok(()) };
    if member.entry.method == 0 && !member.entry.is_encrypted() {
        let from = data_of(&**archive, &member.entry)?;
        let data = Slice { inner: archive.clone(), from, len: member.entry.compressed };
        if wants_random_access(&data) {
            return part(path, Bytes::new(Input::Stored(Arc::new(data))), within, job, out);
        }
    }
    with_entry(archive, &member.entry, within, &mut |from| {
        part(path, Bytes::new(Input::Stream(from)), within, job, out)
    })?
}

/// A member as it stands: header, data, and what describes them behind.
fn kept(member: &Member, archive: &Arc<dyn ReadAt>, out: &mut Counted<'_>) -> Result<(), Fault> {
    let Entry { header, compressed, .. } = member.entry;
    let data = data_of(&**archive, &member.entry)?;
    let end = data.saturating_add(compressed);
    let behind = if member.entry.flags & 8 != 0 { descriptor_len(&**archive, &member.entry, end) } else { 0 };
    copy(archive, header, end + behind, out)
}

/// How long the data descriptor is (APPNOTE.TXT 4.3.9): with a mark or without, of two widths.
fn descriptor_len(archive: &dyn ReadAt, entry: &Entry, at: u64) -> u64 {
    let mut held = [0; 24];
    let got = (0..=24).rev().find(|&n| read_exact_at(archive, &mut held[..n], at).is_ok()).unwrap_or(0);
    for mark in [4, 0] {
        for wide in [false, true] {
            let sizes = match wide {
                true => [entry.compressed.to_le_bytes().to_vec(), entry.size.to_le_bytes().to_vec()].concat(),
                false => [(entry.compressed as u32).to_le_bytes(), (entry.size as u32).to_le_bytes()].concat(),
            };
            let mut expected = if mark > 0 { b"PK\x07\x08".to_vec() } else { Vec::new() };
            expected.extend(entry.crc.to_le_bytes());
            expected.extend(sizes);
            if held[..got].starts_with(&expected) {
                return expected.len() as u64;
            }
        }
    }
    0
}

/// A member packed again.
fn edited(
    member: &mut Member,
    archive: &Arc<dyn ReadAt>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut Counted<'_>,
) -> Result<(), Fault> {
    // Packed twice, because its header says how long it is: holding it might take more memory than there is. Within
    // archives in archives this doubles with each level, each time from the same budget of unpacked bytes.
    let mut count = Count(0);
    let (size, crc) = packed(member, archive, within, job, &mut count)?;
    let compressed = count.0;
    let method = method_again(member.entry.method);
    let mut fixed = [0; 30];
    read_exact_at(&**archive, &mut fixed, member.entry.header).map_err(written)?;
    let (name_len, extra_len) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
    let mut names = vec![0; usize::from(name_len) + usize::from(extra_len)];
    read_exact_at(&**archive, &mut names, member.entry.header + 30).map_err(written)?;
    let (name, extra) = names.split_at(usize::from(name_len));
    let mut extra = without_zip64(extra);
    let is_wide = size >= WIDE || compressed >= WIDE;
    if is_wide {
        let sizes = [size.to_le_bytes(), compressed.to_le_bytes()].concat();
        extra.extend([&[1, 0, 16, 0], sizes.as_slice()].concat());
    }
    // The sizes stand here, and no longer behind the data.
    let flags = u16_at(&fixed, 6) & !8;
    fixed[6..8].copy_from_slice(&flags.to_le_bytes());
    fixed[8..10].copy_from_slice(&method.to_le_bytes());
    fixed[14..18].copy_from_slice(&crc.to_le_bytes());
    fixed[18..22].copy_from_slice(&narrow(compressed, is_wide).to_le_bytes());
    fixed[22..26].copy_from_slice(&narrow(size, is_wide).to_le_bytes());
    fixed[28..30].copy_from_slice(&(extra.len() as u16).to_le_bytes());
    for bytes in [&fixed[..], name, &extra] {
        out.write_all(bytes).map_err(written)?;
    }
    let before = out.at;
    packed(member, archive, within, job, out)?;
    if out.at - before != compressed {
        return Err(Fault::unreadable("a member of the archive packs to another length the second time"));
    }
    let entry = &mut member.entry;
    (entry.size, entry.compressed, entry.crc, entry.method) = (size, compressed, crc, method);
    entry.flags &= !8;
    Ok(())
}

const WIDE: u64 = 0xffff_ffff;

fn narrow(value: u64, is_wide: bool) -> u32 {
    if is_wide { u32::MAX } else { value as u32 }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The method a member is packed with again: deflate where we only unpack.
fn method_again(method: u16) -> u16 {
    if matches!(method, 0 | 12 | 93 | 95) { method } else { 8 }
}

/// Packs a member, and says how long it was before and with what sum.
fn packed(
    member: &Member,
    archive: &Arc<dyn ReadAt>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(u64, u32), Fault> {
    let packer = match method_again(member.entry.method) {
        0 => pack::store(out),
        12 => pack::bzip2(out),
        93 => pack::zstd(out),
        95 => pack::xz(out),
        _ => pack::deflate(out),
    };
    let mut packer = packer.map_err(written)?;
    let mut summed = Summed { out: &mut packer, crc: Crc::new(), len: 0 };
    content(member, archive, within, job, &mut summed)?;
    let told = (summed.len, summed.crc.sum());
    packer.finish().map_err(written)?;
    Ok(told)
}

/// Extra fields but for that of zip64.
fn without_zip64(mut extra: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while extra.len() >= 4 {
        let len = (4 + usize::from(u16_at(extra, 2))).min(extra.len());
        if u16_at(extra, 0) != 1 {
            kept.extend_from_slice(&extra[..len]);
        }
        extra = &extra[len..];
    }
    kept.extend_from_slice(extra);
    kept
}

/// Writes the directory and the end of the archive.
fn directory(
    members: &[Member],
    located: &Located,
    archive: &Arc<dyn ReadAt>,
    out: &mut Counted<'_>,
) -> Result<(), Fault> {
    let start = out.at;
    for member in members {
        let record = record(member, member.at.saturating_sub(located.shift));
        out.write_all(&record).map_err(written)?;
    }
    let (count, len, at) = (members.len() as u64, out.at - start, start - located.shift);
    if located.is_zip64 || count >= 0xffff || len >= WIDE || at >= WIDE {
        let end = out.at - located.shift;
        let mut wide = b"PK\x06\x06".to_vec();
        wide.extend(44u64.to_le_bytes());
        wide.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        [count, count, len, at].iter().for_each(|n| wide.extend(n.to_le_bytes()));
        wide.extend(b"PK\x06\x07\0\0\0\0");
        wide.extend(end.to_le_bytes());
        wide.extend(1u32.to_le_bytes());
        out.write_all(&wide).map_err(written)?;
    }
    let mut end = [0; 22];
    read_exact_at(&**archive, &mut end, located.end).map_err(written)?;
    let short = |n: u64| (n.min(0xffff) as u16).to_le_bytes();
    end[8..10].copy_from_slice(&short(count));
    end[10..12].copy_from_slice(&short(count));
    end[12..16].copy_from_slice(&(len.min(WIDE) as u32).to_le_bytes());
    end[16..20].copy_from_slice(&(at.min(WIDE) as u32).to_le_bytes());
    out.write_all(&end).map_err(written)?;
    // The comment, and whatever stands behind it.
    copy(archive, located.end + 22, archive.size(), out)
}

/// A member's record in the directory, with its new place and sizes.
fn record(member: &Member, at: u64) -> Vec<u8> {
    let Entry { flags, method, crc, compressed, size, .. } = member.entry;
    let mut record = member.record.clone();
    let (name_len, extra_len) = (usize::from(u16_at(&record, 28)), usize::from(u16_at(&record, 30)));
    let extra_at = 46 + name_len;
    let mut extra = without_zip64(&record[extra_at..extra_at + extra_len]);
    let mut wide = Vec::new();
    for value in [size, compressed, at] {
        if value >= WIDE {
            wide.extend(value.to_le_bytes());
        }
    }
    if !wide.is_empty() {
        extra.extend([1, 0, wide.len() as u8, 0]);
        extra.extend(wide);
    }
    record[8..10].copy_from_slice(&flags.to_le_bytes());
    record[10..12].copy_from_slice(&method.to_le_bytes());
    record[16..20].copy_from_slice(&crc.to_le_bytes());
    record[20..24].copy_from_slice(&(compressed.min(WIDE) as u32).to_le_bytes());
    record[24..28].copy_from_slice(&(size.min(WIDE) as u32).to_le_bytes());
    record[42..46].copy_from_slice(&(at.min(WIDE) as u32).to_le_bytes());
    record[30..32].copy_from_slice(&(extra.len() as u16).to_le_bytes());
    record.splice(extra_at..extra_at + extra_len, extra);
    record
}

fn copy(archive: &Arc<dyn ReadAt>, from: u64, to: u64, out: &mut dyn Write) -> Result<(), Fault> {
    let len = to.saturating_sub(from);
    let slice = Slice { inner: archive.clone(), from, len };
    let mut bytes = Bytes::new(Input::Stored(Arc::new(slice)));
    super::copy_all(&mut bytes, out)?;
    match bytes.position() == len {
        true => Ok(()),
        false => Err(Fault::unreadable("the archive ends in the middle of a member")),
    }
}

/// An output that knows its position.
struct Counted<'o> {
    out: &'o mut dyn Write,
    at: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Sums up what is written before it is packed.
struct Summed<'o> {
    out: &'o mut dyn Write,
    crc: Crc,
    len: u64,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.crc.update(&bytes[..n]);
        self.len += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
