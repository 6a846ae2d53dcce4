//! Tar archives: everything is copied block by block but for members that are edited, whose headers get the new size and
//! sum, and members that go. The archive streams: a size that is not known beforehand takes the member into memory.

use std::collections::HashSet;
use std::io::{self, Read, Write};

use residuum_source::ObjectPath;

use super::{Job, What, part, written};
use crate::container::Names;
use crate::container::Within;
use crate::container::tar::header::{Extended, Header, Kind};
use crate::container::tar::{BLOCK, LONGEST, padded};
use crate::{Bytes, Fault, Input};

pub(super) fn tar(
    path: &ObjectPath,
    bytes: Bytes<'_>,
    within: &Within<'_>,
    job: &mut dyn Job,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let (before, apart) = (Vec::new(), Vec::new());
    Archive { path, bytes, within, names: Names::default(), before, apart, gone: HashSet::new() }.walk(job, out)
}

struct Archive<'a, 'b> {
    path: &'a ObjectPath,
    bytes: Bytes<'b>,
    within: &'a Within<'a>,
    names: Names,
    /// Headers that belong to the next entry, with their contents, as they stand.
    before: Vec<(Header, Vec<u8>)>,
    /// Those that zeros separate from it: they are written already, and count all the same.
    apart: Vec<(Header, Vec<u8>)>,
    /// Names of members that go.
    gone: HashSet<Vec<u8>>,
}

impl Archive<'_, '_> {
    fn walk(&mut self, job: &mut dyn Job, out: &mut dyn Write) -> Result<(), Fault> {
        loop {
            let Some(block) = self.bytes.fill(BLOCK).first_chunk::<BLOCK>().copied() else {
                self.flush(out)?;
                let rest = self.bytes.window().to_vec();
                out.write_all(&rest).map_err(written)?;
                self.bytes.consume(rest.len());
                return self.bytes.fault().map_or(Ok(()), |fault| Err(fault.clone()));
            };
            self.bytes.consume(BLOCK);
            let Some(header) = Header::parse(&block) else {
                // Zeros at an end, behind which another archive may stand, or damage: it stays as it is.
                let held = std::mem::take(&mut self.before);
                held.iter().try_for_each(|(_, held)| out.write_all(held)).map_err(written)?;
                out.write_all(&block).map_err(written)?;
                if block.iter().all(|&b| b == 0) {
                    self.apart.extend(held);
                } else {
                    self.apart.clear();
                }
                continue;
            };
            if matches!(header.kind, Kind::LongName | Kind::LongLink | Kind::Extended | Kind::GlobalExtended) {
                if header.size > LONGEST {
                    return Err(Fault::limit(format!(
                        "an extended header of the tar archive is longer than {LONGEST} bytes"
                    )));
                }
                let mut held = block.to_vec();
                self.take(padded(header.size), &mut held)?;
                self.before.push((header, held));
                continue;
            }
            self.entry(header, block, job, out)?;
        }
    }

    fn entry(
        &mut self,
        header: Header,
        block: [u8; BLOCK],
        job: &mut dyn Job,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let mut extended = Extended::default();
        let apart = std::mem::take(&mut self.apart);
        let told = apart.iter().chain(&self.before);
        for (header, held) in told.filter(|(header, _)| header.kind != Kind::GlobalExtended) {
            extended.take_in(header.kind, &held[BLOCK..BLOCK + header.size as usize]);
        }
        let size = extended.size.unwrap_or(header.size);
        let is_sparse = header.sparse.is_some() || extended.map.is_some() || extended.map_inside;
        let name = extended.real_name.take().or(extended.name.take()).unwrap_or_else(|| header.name.clone());
        let is_directory =
            header.kind == Kind::Directory || (name.ends_with(b"/") && size == 0 && header.kind == Kind::File);
        let member = (!is_directory).then(|| self.path.member(&self.names.next(&name)));
        let what = member.as_ref().map_or(What::Keep, |member| job.what(member));
        let link = extended.link.take().unwrap_or_else(|| header.link.clone());
        if header.kind == Kind::HardLink && self.gone.contains(&link) {
            return Err(Fault::unsupported(
                "a hard link in the tar archive leads to the member that goes: unpack the archive, delete both, pack it again",
            ));
        }
        if what != What::Keep && !apart.is_empty() {
            return Err(Fault::unsupported(
                "an extended header stands apart from its member in the tar archive: unpack the archive and pack it again",
            ));
        }
        if what == What::Drop {
            self.gone.insert(name.clone());
        }
        match what {
            What::Keep => {
                self.flush(out)?;
                out.write_all(&block).map_err(written)?;
                self.copy(padded(size), out)
            }
            What::Drop => {
                self.before.retain(|(header, _)| header.kind == Kind::GlobalExtended);
                self.flush(out)?;
                self.copy(padded(size), &mut io::sink())
            }
            What::Open | What::Edit if is_sparse => Err(Fault::unsupported(
                "it is stored with holes in the tar archive, which is not written: unpack the archive and pack it again",
            )),
            What::Open | What::Edit => match member {
                Some(member) => self.edited(&member, size, block, job, out),
                None => Ok(()),
            },
        }
    }

    fn edited(
        &mut self,
        path: &ObjectPath,
        size: u64,
        block: [u8; BLOCK],
        job: &mut dyn Job,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let begin = self.bytes.position();
        let limit = self.within.limits.whole_bytes;
        let known = job.len_after(path);
        let mut content = (&mut self.bytes as &mut dyn Read).take(size);
        let bytes = Bytes::new(Input::Stream(&mut content)).expecting(size);
        if job.is_dry() {
            part(path, bytes, self.within, job, &mut io::sink())?;
        } else if let Some(len) = known {
            headers(&mut self.before, block, len, out)?;
            part(path, bytes, self.within, job, out)?;
            pad(len, out)?;
        } else {
            let mut held = Held { bytes: Vec::new(), most: limit };
            part(path, bytes, self.within, job, &mut held)?;
            let len = held.bytes.len() as u64;
            headers(&mut self.before, block, len, out)?;
            out.write_all(&held.bytes).map_err(written)?;
            pad(len, out)?;
        }
        self.before.clear();
        let read = self.bytes.position() - begin;
        self.copy(padded(size).saturating_sub(read), &mut io::sink())
    }

    /// Writes the headers held, as they stand.
    fn flush(&mut self, out: &mut dyn Write) -> Result<(), Fault> {
        for (_, held) in self.before.drain(..) {
            out.write_all(&held).map_err(written)?;
        }
        Ok(())
    }

    fn take(&mut self, len: u64, held: &mut Vec<u8>) -> Result<(), Fault> {
        self.copy(len, held)
    }

    /// Copies so many bytes.
    fn copy(&mut self, mut len: u64, out: &mut dyn Write) -> Result<(), Fault> {
        while len > 0 {
            let window = self.bytes.fill(1);
            if window.is_empty() {
                let short = Fault::unreadable("the tar archive ends in the middle of a member");
                return Err(self.bytes.fault().cloned().unwrap_or(short));
            }
            let n = usize::try_from(len).unwrap_or(usize::MAX).min(window.len());
            out.write_all(&window[..n]).map_err(written)?;
            self.bytes.consume(n);
            len -= n as u64;
        }
        Ok(())
    }
}

/// Writes an entry's headers with a new size.
fn headers(
    before: &mut Vec<(Header, Vec<u8>)>,
    mut block: [u8; BLOCK],
    len: u64,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    for (header, held) in before.drain(..) {
        if header.kind != Kind::Extended {
            out.write_all(&held).map_err(written)?;
            continue;
        }
        let content = &held[BLOCK..BLOCK + header.size as usize];
        let content = with_size(content, len);
        let mut first: [u8; BLOCK] = held[..BLOCK].try_into().expect("a block");
        set_size(&mut first, content.len() as u64);
        out.write_all(&first).map_err(written)?;
        out.write_all(&content).map_err(written)?;
        pad(content.len() as u64, out)?;
    }
    set_size(&mut block, len);
    out.write_all(&block).map_err(written)
}

/// The records of an extended header with a size in them replaced, if there is one.
fn with_size(content: &[u8], len: u64) -> Vec<u8> {
    let (mut rest, mut all) = (content, Vec::new());
    while let Some(space) = memchr::memchr(b' ', rest) {
        let told = std::str::from_utf8(&rest[..space]).ok().and_then(|told| told.parse::<usize>().ok());
        let Some(record) = told.and_then(|told| rest.get(..told)).filter(|record| record.len() > space) else { break };
        rest = &rest[record.len()..];
        if record[space + 1..].starts_with(b"size=") {
            let value = format!(" size={len}\n");
            // The length counts its own digits.
            let digits = (1..).find(|digits| (value.len() + digits).to_string().len() == *digits).unwrap_or(2);
            all.extend_from_slice(format!("{}{value}", value.len() + digits).as_bytes());
        } else {
            all.extend_from_slice(record);
        }
    }
    all.extend_from_slice(rest);
    all
}

/// Puts a size into a header, and the sum that then is right.
fn set_size(block: &mut [u8; BLOCK], len: u64) {
    if len < 1 << 33 {
        block[124..136].copy_from_slice(format!("{len:011o}\0").as_bytes());
    } else {
        block[124..136].fill(0);
        block[128..136].copy_from_slice(&len.to_be_bytes());
        block[124] = 0x80;
    }
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn pad(len: u64, out: &mut dyn Write) -> Result<(), Fault> {
    let zeros = padded(len) - len;
    out.write_all(&[0; BLOCK][..zeros as usize]).map_err(written)
}

/// A member in memory.
struct Held {
    bytes: Vec<u8>,
    most: u64,
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.most {
            let most = self.most;
            return Err(Fault::limit(format!(
                "what is packed again inside of a tar archive must be held in memory whole and is longer than {most} \
                 bytes; raise the limit `whole_bytes`, or unpack the archive"
            ))
            .into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
