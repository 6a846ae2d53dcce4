//! Fingerprints of what a column holds: those of short forms seen lately are remembered, the others are computed many
//! at a time.

use residuum_detect::fingerprint::digest_of;
use residuum_detect::{Fingerprint, IndexKey};

/// Whose fingerprint is wanted: a hit by its number, itself or in its look-up form.
pub(super) type Wanted = (u32, bool);

/// One thread's fingerprints.
pub(super) struct Fingerprints {
    slots: Vec<Slot>,
    /// Forms of this column that were looked for among those remembered, and that were there.
    looked_for: u32,
    remembered: u32,
    /// SHA-256 of the forms whose fingerprints are still to be computed.
    digests: Vec<[u8; 32]>,
    /// Who waits for which of them, and which slots.
    wanted: Vec<(Wanted, u16)>,
    open_slots: Vec<(u16, u16)>,
    computed: Vec<Fingerprint>,
}

/// A form with its fingerprint: a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    /// Of the form; [`Slot::WAITS`] is added while the number of its digest stands in place of the fingerprint.
    len: u8,
    form: [u8; Slot::LONGEST],
    fingerprint: [u8; 16],
}

impl Slot {
    const LONGEST: usize = 47;
    const WAITS: u8 = 0x80;
}

impl Fingerprints {
    const SLOTS: usize = 1 << 12;
    /// Digests that are fingerprinted together.
    const TOGETHER: usize = 256;
    /// Forms of a column after which it shows whether they repeat.
    const TRIED: u32 = 512;

    pub fn new() -> Self {
        let empty = Slot { len: 0, form: [0; Slot::LONGEST], fingerprint: [0; 16] };
        Self {
            slots: vec![empty; Self::SLOTS],
            looked_for: 0,
            remembered: 0,
            digests: Vec::with_capacity(Self::TOGETHER),
            wanted: Vec::with_capacity(Self::TOGETHER),
            open_slots: Vec::with_capacity(Self::TOGETHER),
            computed: Vec::with_capacity(Self::TOGETHER),
        }
    }

    /// The values of another column follow.
    pub fn begin_column(&mut self) {
        (self.looked_for, self.remembered) = (0, 0);
        // What a fault in the column before has left waiting.
        for (at, _) in self.open_slots.drain(..) {
            self.slots[usize::from(at)].len = 0;
        }
        self.wanted.clear();
        self.digests.clear();
    }

    /// The fingerprint of a form, if it is remembered; else it is given by [`Fingerprints::give`].
    #[inline]
    pub fn of(&mut self, form: &[u8], wanted: Wanted) -> Option<Fingerprint> {
        let repeats = self.looked_for < Self::TRIED || self.remembered >= self.looked_for / 16;
        if form.is_empty() || form.len() > Slot::LONGEST || !repeats {
            let digest = self.digest(form);
            self.wanted.push((wanted, digest));
            return None;
        }
        self.looked_for += 1;
        let at = hash(form) & (Self::SLOTS - 1);
        let slot = &self.slots[at];
        let len = usize::from(slot.len & !Slot::WAITS);
        if len == form.len() && slot.form[..len] == *form {
            self.remembered += 1;
            if slot.len & Slot::WAITS == 0 {
                return Some(Fingerprint(slot.fingerprint));
            }
            self.wanted.push((wanted, u16::from_le_bytes([slot.fingerprint[0], slot.fingerprint[1]])));
            return None;
        }
        let digest = self.digest(form);
        self.wanted.push((wanted, digest));
        self.open_slots.push((at as u16, digest));
        let slot = &mut self.slots[at];
        slot.len = form.len() as u8 | Slot::WAITS;
        slot.form[..form.len()].copy_from_slice(form);
        slot.fingerprint[..2].copy_from_slice(&digest.to_le_bytes());
        None
    }

    fn digest(&mut self, form: &[u8]) -> u16 {
        self.digests.push(digest_of(form));
        (self.digests.len() - 1) as u16
    }

    /// Whether so many are wanted that they should be given.
    pub fn are_many(&self) -> bool {
        self.wanted.len() >= Self::TOGETHER
    }

    /// Computes what is wanted.
    pub fn give(&mut self, key: &IndexKey, mut each: impl FnMut(Wanted, Fingerprint)) {
        self.computed.clear();
        key.fingerprints_of_digests(&self.digests, &mut self.computed);
        for (wanted, digest) in self.wanted.drain(..) {
            each(wanted, self.computed[usize::from(digest)]);
        }
        for (at, digest) in self.open_slots.drain(..) {
            let slot = &mut self.slots[usize::from(at)];
            // Another form may have taken the slot since.
            if slot.len & Slot::WAITS != 0 && slot.fingerprint[..2] == digest.to_le_bytes() {
                slot.len &= !Slot::WAITS;
                slot.fingerprint = self.computed[usize::from(digest)].0;
            }
        }
        self.digests.clear();
    }
}

fn hash(form: &[u8]) -> usize {
    let mut state = 0xcbf2_9ce4_8422_2325u64 ^ form.len() as u64;
    for chunk in form.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
    (state >> 20) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forms that repeat at once, later, in the same slot, and hardly ever; short, long and empty ones.
    #[test]
    fn every_form_gets_its_fingerprint() {
        let key = IndexKey::new([7; 32]);
        let mut fingerprints = Fingerprints::new();
        for column in 0..3u32 {
            let form = |i: u32| match (column, i % 5) {
                (_, 0) => String::new(),
                (_, 1) => "x".repeat(40 + i as usize % 20),
                (0, _) => format!("city {}", i % 7),
                (1, _) => format!("user{i}@example.com"),
                _ => format!("{}", i % 9_000),
            };
            let mut found: Vec<[Option<Fingerprint>; 2]> = Vec::new();
            fingerprints.begin_column();
            for i in 0..20_000 {
                let own = fingerprints.of(form(i).as_bytes(), (i, false));
                let lookup = fingerprints.of(form(i + 1).as_bytes(), (i, true));
                found.push([own, lookup]);
                if fingerprints.are_many() {
                    fingerprints.give(&key, |(i, lookup), fp| found[i as usize][usize::from(lookup)] = Some(fp));
                }
            }
            fingerprints.give(&key, |(i, lookup), fp| found[i as usize][usize::from(lookup)] = Some(fp));
            for (i, found) in (0..).zip(found) {
                let expected = [i, i + 1].map(|i| Some(key.fingerprint(form(i).as_bytes())));
                assert_eq!(found, expected, "column {column}, value {i}");
            }
            // As a fault leaves it.
            fingerprints.of(b"never given", (0, false));
        }
    }
}
