//! Files with holes: stretches of content, and zeros between them.

use std::io::{self, Read};

use super::header::{Extended, decimal, number};
use super::{BLOCK, LONGEST};
use crate::{Bytes, Fault};

/// The map in a header of GNU's older form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Map {
    list: Vec<(u64, u64)>,
    size: u64,
    /// More of it follows in blocks of their own.
    goes_on: bool,
}

impl Map {
    /// The map in a header, if it is one.
    pub fn of_header(block: &[u8; BLOCK]) -> Option<Self> {
        let mut list = Vec::new();
        take_in(&block[386..482], &mut list)?;
        Some(Self { list, size: number(&block[483..495])?, goes_on: block[482] != 0 })
    }
}

/// Where the stretches of a file with holes are.
pub(super) struct Stretch {
    /// Position and length of each.
    pub list: Vec<(u64, u64)>,
    /// The size of the file.
    pub size: u64,
    /// Bytes of the member's own that the map took.
    pub used: u64,
}

/// Entries that a map may have.
const MOST: usize = LONGEST as usize / 24;

/// The stretches of a file, if it has holes. Reads on where the map stands before the content.
pub(super) fn stretches(
    bytes: &mut Bytes<'_>,
    header: &Option<Map>,
    extended: &Extended,
    stored: u64,
) -> Result<Option<Stretch>, Fault> {
    let damaged = || Fault::unreadable("the map of its holes is damaged");
    let stretch = if let Some(map) = header {
        let Map { mut list, size, mut goes_on } = map.clone();
        while goes_on {
            let block = bytes.fill(BLOCK).first_chunk::<BLOCK>().ok_or_else(damaged)?;
            goes_on = block[504] != 0;
            take_in(&block[..504], &mut list).ok_or_else(damaged)?;
            bytes.consume(BLOCK);
            within(&list)?;
        }
        Stretch { list, size, used: 0 }
    } else if let Some(size) = extended.real_size {
        let (numbers, used) = match (&extended.map, extended.map_inside) {
            (_, true) => map_inside(bytes, stored).ok_or_else(damaged)?,
            (Some(map), _) => (map.split(|&b| b == b',').map(decimal).collect::<Option<_>>().ok_or_else(damaged)?, 0),
            (None, false) => return Ok(None),
        };
        let list = numbers.as_chunks::<2>().0.iter().map(|&[at, len]| (at, len)).collect();
        Stretch { list, size, used }
    } else {
        return Ok(None);
    };
    within(&stretch.list)?;
    let mut end = 0u64;
    for &(at, len) in &stretch.list {
        if at < end {
            return Err(damaged());
        }
        end = at.checked_add(len).ok_or_else(damaged)?;
    }
    if end > stretch.size { Err(damaged()) } else { Ok(Some(stretch)) }
}

fn within(list: &[(u64, u64)]) -> Result<(), Fault> {
    if list.len() > MOST {
        return Err(Fault::limit(format!("it has more than {MOST} holes")));
    }
    Ok(())
}

/// Takes in pairs of numbers of 12 bytes each; unused ones are empty.
fn take_in(pairs: &[u8], list: &mut Vec<(u64, u64)>) -> Option<()> {
    for pair in pairs.chunks_exact(24).take_while(|pair| pair[0] != 0) {
        list.push((number(&pair[..12])?, number(&pair[12..])?));
    }
    Some(())
}

/// A map before the content: how many pairs, then those, a number a line, padded.
fn map_inside(bytes: &mut Bytes<'_>, stored: u64) -> Option<(Vec<u64>, u64)> {
    let most = stored.min(LONGEST) as usize;
    let (mut numbers, mut at) = (Vec::new(), 0);
    let mut count = None;
    while count.is_none_or(|count| (numbers.len() as u64) < count) {
        let window = bytes.fill((at + 24).min(most));
        let line = window.get(at..)?;
        let end = memchr::memchr(b'\n', line)?;
        let number = decimal(&line[..end])?;
        at += end + 1;
        match count {
            None => count = Some(number.checked_mul(2)?),
            Some(_) => numbers.push(number),
        }
        if at > most {
            return None;
        }
    }
    let used = at.next_multiple_of(BLOCK);
    if bytes.fill(used).len() < used {
        return None;
    }
    bytes.consume(used);
    Some((numbers, used as u64))
}

/// The bytes of a file with holes, zeros included.
pub(super) struct Sparse<R> {
    inner: R,
    list: std::vec::IntoIter<(u64, u64)>,
    /// The stretch at hand or ahead.
    next: (u64, u64),
    at: u64,
    size: u64,
}

impl<R> Sparse<R> {
    pub fn new(inner: R, list: Vec<(u64, u64)>, size: u64) -> Self {
        let mut list = list.into_iter();
        let next = list.next().unwrap_or((size, 0));
        Self { inner, list, next, at: 0, size }
    }
}

impl<R: Read> Read for Sparse<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.next.0 + self.next.1 && self.next.0 < self.size {
            self.next = self.list.next().unwrap_or((self.size, 0));
        }
        let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        if self.at < self.next.0 {
            let n = most(self.next.0 - self.at);
            buf[..n].fill(0);
            self.at += n as u64;
            return Ok(n);
        }
        let n = most((self.next.0 + self.next.1).saturating_sub(self.at));
        let n = self.inner.read(&mut buf[..n])?;
        self.at += n as u64;
        Ok(n)
    }
}
