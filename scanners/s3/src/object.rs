//! An object read by position: parts of it are asked for ahead, and several at a time.
//!
//! Reading that goes on where it was gets larger and larger parts, up to 4 MiB, and then four of them in flight; a
//! reader that jumps gets what it asks for and a little more. Several such readings may go on in one object, as when
//! the columns of a Parquet file are read side by side; they share what may be held, 24 MiB for each object.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use residuum_formats::{Fault, ReadAt};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::get::{Getter, Wanted};

/// The part a reading begins with; a format is recognised by its first 64 KiB.
const FIRST: u64 = 256 << 10;
/// The largest part.
const LARGEST: u64 = 4 << 20;
/// Parts of the largest size in flight.
const AHEAD: u64 = 4;
/// Held in all, in flight or not.
const HELD: u64 = (AHEAD + 2) * LARGEST;

/// An object of a bucket.
pub(crate) struct ObjectAt {
    getter: Arc<Getter>,
    wanted: Arc<Wanted>,
    handle: Handle,
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    /// By their first byte; none overlaps the next.
    held: BTreeMap<u64, Held>,
    clock: u64,
}

struct Held {
    len: u64,
    /// When it was last read from.
    used: u64,
    /// How far it has been read.
    read_to: u64,
    part: Arc<Part>,
}

/// Bytes that are asked for, or there.
pub(crate) struct Part {
    state: Mutex<State>,
    handle: Handle,
}

enum State {
    Asked(JoinHandle<Result<Bytes, Fault>>),
    There(Result<Bytes, Fault>),
}

impl Part {
    /// Asks for a range.
    pub fn ask(handle: &Handle, getter: &Arc<Getter>, wanted: &Arc<Wanted>, range: Range<u64>) -> Self {
        let (getter, wanted) = (getter.clone(), wanted.clone());
        let asked = handle.spawn(async move { getter.get(&wanted, range).await });
        Self { state: Mutex::new(State::Asked(asked)), handle: handle.clone() }
    }

    /// Waits for the bytes.
    pub fn wait(&self) -> Result<Bytes, Fault> {
        let mut state = lock(&self.state);
        if let State::Asked(asked) = &mut *state {
            let there = self.handle.block_on(asked);
            *state = State::There(there.unwrap_or_else(|_| Err(Fault::unreadable("the request was given up"))));
        }
        match &*state {
            State::There(there) => there.clone(),
            State::Asked(_) => unreachable!("it has been waited for"),
        }
    }

    fn is_there(&self) -> bool {
        matches!(&*lock(&self.state), State::There(_))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let State::Asked(asked) = &*lock(&self.state) {
            asked.abort();
        }
    }
}

impl ObjectAt {
    pub fn new(handle: &Handle, getter: &Arc<Getter>, wanted: Arc<Wanted>) -> Self {
        Self { getter: getter.clone(), wanted, handle: handle.clone(), parts: Mutex::default() }
    }

    /// The part that has the byte at `at`, with its first byte; asks for it and for what comes next.
    fn part(&self, at: u64, want: u64) -> (u64, Arc<Part>) {
        let mut parts = lock(&self.parts);
        parts.clock += 1;
        let (start, len) = match parts.at(at) {
            Some(found) => found,
            None => {
                let grown = parts.before(at).map_or(FIRST, |len| 2 * len);
                let most = (parts.free() / 2).clamp(FIRST, LARGEST);
                self.ask(&mut parts, at, grown.max(want).min(most))
            }
        };
        let (clock, end) = (parts.clock, start + len);
        let held = parts.held.get_mut(&start).expect("it was found or asked for");
        held.used = clock;
        held.read_to = held.read_to.max(at.saturating_add(want).min(end));
        let part = held.part.clone();
        // Who passes the middle of a part reads on; who asks for much wants it all.
        let goes_on = held.read_to >= start + len / 2;
        let far = if len >= LARGEST { AHEAD * LARGEST } else { 2 * len };
        let until = at.saturating_add(want).max(if goes_on { end + far } else { 0 }).min(end + AHEAD * LARGEST);
        self.ask_ahead(&mut parts, (end, len), until);
        parts.let_go(start);
        (start, part)
    }

    /// Asks for the parts behind one that ends at `end`, as far as `until`.
    fn ask_ahead(&self, parts: &mut Parts, (mut end, mut len): (u64, u64), until: u64) {
        while end < until.min(self.wanted.size) {
            let next = match parts.at(end) {
                Some(held) => held,
                None if parts.free() < len => return,
                None => self.ask(parts, end, (2 * len).min(LARGEST).min(parts.free())),
            };
            (end, len) = (next.0 + next.1, next.1);
        }
    }

    /// Asks for a part that begins at `at`; it ends before the next one that is held.
    fn ask(&self, parts: &mut Parts, at: u64, len: u64) -> (u64, u64) {
        let next = parts.held.range(at..).next().map_or(self.wanted.size, |(&start, _)| start);
        let len = len.min(next - at).min(self.wanted.size - at);
        let part = Arc::new(Part::ask(&self.handle, &self.getter, &self.wanted, at..at + len));
        parts.held.insert(at, Held { len, used: parts.clock, read_to: at, part });
        (at, len)
    }
}

impl Parts {
    /// The part that has this byte: its first byte and length.
    fn at(&self, at: u64) -> Option<(u64, u64)> {
        let (&start, held) = self.held.range(..=at).next_back()?;
        (at < start + held.len).then_some((start, held.len))
    }

    /// The length of the part that ends just before this byte.
    fn before(&self, at: u64) -> Option<u64> {
        let (start, len) = self.at(at.checked_sub(1)?)?;
        (start + len == at).then_some(len)
    }

    /// How much more may be held, if what has been read is let go of.
    fn free(&self) -> u64 {
        let unread = self.held.iter().filter(|&(&start, held)| held.read_to < start + held.len);
        HELD.saturating_sub(unread.map(|(_, held)| held.len).sum())
    }

    /// Lets go of what has been read, then of what was used longest ago, until no more than [`HELD`] is held.
    fn let_go(&mut self, keep: u64) {
        let mut sum: u64 = self.held.values().map(|held| held.len).sum();
        while sum > HELD {
            let old = self.held.iter().filter(|&(&start, held)| start != keep && held.part.is_there());
            let order = |&(&start, held): &(&u64, &Held)| (held.read_to < start + held.len, held.used);
            let Some((&start, held)) = old.min_by_key(order) else { return };
            sum -= held.len;
            self.held.remove(&start);
        }
    }
}

impl ReadAt for ObjectAt {
    fn size(&self) -> u64 {
        self.wanted.size
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        if buf.is_empty() || at >= self.wanted.size {
            return Ok(0);
        }
        let (start, part) = self.part(at, buf.len() as u64);
        let bytes = part.wait()?;
        let from = &bytes[(at - start) as usize..];
        let n = from.len().min(buf.len());
        buf[..n].copy_from_slice(&from[..n]);
        Ok(n)
    }
}

/// An object that is held whole.
pub(crate) struct Whole(pub Bytes);

impl ReadAt for Whole {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(self.0.len());
        let n = buf.len().min(self.0.len() - from);
        buf[..n].copy_from_slice(&self.0[from..from + n]);
        Ok(n)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
