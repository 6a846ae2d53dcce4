//! Whole numbers in runs: the encodings RLE version 1 and 2 of the ORC specification.

use super::stream::{Stream, damaged};
use crate::Fault;

/// The numbers of a stream.
pub(super) struct Ints<'s> {
    stream: Stream<'s>,
    is_second: bool,
    is_signed: bool,
    /// The run that was read last, of which `at` numbers have been given.
    run: Vec<i64>,
    at: usize,
}

impl<'s> Ints<'s> {
    /// `is_second`: in version 2 of the encoding.
    pub fn new(stream: Stream<'s>, is_second: bool, is_signed: bool) -> Self {
        Self { stream, is_second, is_signed, run: Vec::new(), at: 0 }
    }

    /// Appends the next `n` numbers.
    pub fn append(&mut self, n: usize, out: &mut Vec<i64>) -> Result<(), Fault> {
        let mut left = n;
        while left > 0 {
            if self.at == self.run.len() {
                self.run.clear();
                self.at = 0;
                if self.is_second { self.second() } else { self.first() }?;
            }
            let part = left.min(self.run.len() - self.at);
            out.extend_from_slice(&self.run[self.at..self.at + part]);
            self.at += part;
            left -= part;
        }
        Ok(())
    }

    /// A run in version 1: numbers a fixed step apart, or one by one.
    fn first(&mut self) -> Result<(), Fault> {
        let head = self.stream.byte()?;
        if head < 0x80 {
            let step = i64::from(self.stream.byte()? as i8);
            let mut value = self.varint()?;
            for _ in 0..usize::from(head) + 3 {
                self.run.push(value);
                value = value.wrapping_add(step);
            }
        } else {
            for _ in 0..256 - usize::from(head) {
                let value = self.varint()?;
                self.run.push(value);
            }
        }
        Ok(())
    }

    /// A run in version 2.
    fn second(&mut self) -> Result<(), Fault> {
        let head = self.stream.byte()?;
        match head >> 6 {
            0 => {
                let value = self.big_endian(usize::from(head >> 3 & 7) + 1)?;
                let value = self.decoded(value);
                self.run.resize(usize::from(head & 7) + 3, value);
            }
            1 => {
                let length = self.length(head)?;
                let mut values = self.packed(length, width(head >> 1))?;
                values.iter_mut().for_each(|value| *value = self.decoded(*value as u64));
                self.run = values;
            }
            2 => self.patched(head)?,
            _ => self.steps(head)?,
        }
        Ok(())
    }

    /// Numbers by the steps between them, all in one direction.
    fn steps(&mut self, head: u8) -> Result<(), Fault> {
        let length = self.length(head)?;
        let mut value = self.varint()?;
        let step = unzigzag(self.bits_64()?);
        self.run.push(value);
        if head >> 1 & 0x1f == 0 {
            for _ in 1..length {
                value = value.wrapping_add(step);
                self.run.push(value);
            }
            return Ok(());
        }
        let Some(more) = length.checked_sub(2) else { return Err(damaged("a run is too short")) };
        value = value.wrapping_add(step);
        self.run.push(value);
        for by in self.packed(more, width(head >> 1))? {
            value = if step < 0 { value.wrapping_sub(by) } else { value.wrapping_add(by) };
            self.run.push(value);
        }
        Ok(())
    }

    /// Numbers above a base, the upper bits of the few that are much larger apart from the others.
    fn patched(&mut self, head: u8) -> Result<(), Fault> {
        let length = self.length(head)?;
        let (third, fourth) = (self.stream.byte()?, self.stream.byte()?);
        let value_width = width(head >> 1);
        let patch_width = width(third);
        let gap_width = u32::from(fourth >> 5) + 1;
        if patch_width + gap_width > 64 {
            return Err(damaged("a patch is too wide"));
        }
        let base_bytes = usize::from(third >> 5) + 1;
        let base = self.big_endian(base_bytes)?;
        // The upper bit is the sign.
        let sign = 1u64 << (base_bytes * 8 - 1);
        let base = if base & sign == 0 { base as i64 } else { ((base & !sign) as i64).wrapping_neg() };
        let mut values = self.packed(length, value_width)?;
        let patches = self.packed(usize::from(fourth & 0x1f), closest(patch_width + gap_width))?;
        let mut at = 0usize;
        for patch in patches {
            let patch = patch as u64;
            at = at.saturating_add((patch >> patch_width) as usize);
            let upper = patch & (u64::MAX >> (64 - patch_width));
            // A gap that is longer than its bits can say is bridged by patches of nothing.
            if upper == 0 {
                continue;
            }
            let Some(value) = values.get_mut(at) else { return Err(damaged("a patch lies behind its run")) };
            *value |= upper.checked_shl(value_width).unwrap_or(0) as i64;
        }
        values.iter_mut().for_each(|value| *value = value.wrapping_add(base));
        self.run = values;
        Ok(())
    }

    /// The length of a run, of which the first byte of its head has one bit.
    fn length(&mut self, head: u8) -> Result<usize, Fault> {
        Ok((usize::from(head & 1) << 8 | usize::from(self.stream.byte()?)) + 1)
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, Fault> {
        let mut value = 0;
        for _ in 0..bytes {
            value = value << 8 | u64::from(self.stream.byte()?);
        }
        Ok(value)
    }

    /// Numbers of so many bits, upper bit first, up to the end of a byte.
    fn packed(&mut self, n: usize, width: u32) -> Result<Vec<i64>, Fault> {
        let mut values = Vec::with_capacity(n);
        let (mut bits, mut left) = (0u128, 0);
        for _ in 0..n {
            while left < width {
                bits = bits << 8 | u128::from(self.stream.byte()?);
                left += 8;
            }
            left -= width;
            values.push((bits >> left) as u64 as i64 & (u64::MAX >> (64 - width)) as i64);
            bits &= (1 << left) - 1;
        }
        Ok(values)
    }

    fn varint(&mut self) -> Result<i64, Fault> {
        let value = self.bits_64()?;
        Ok(self.decoded(value))
    }

    fn bits_64(&mut self) -> Result<u64, Fault> {
        u64::try_from(self.stream.varint()?).map_err(|_| damaged("a number is too long"))
    }

    fn decoded(&self, value: u64) -> i64 {
        if self.is_signed { unzigzag(value) } else { value as i64 }
    }
}

/// Numbers with their sign in the lowest bit.
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// How many bits five bits of a head say.
fn width(code: u8) -> u32 {
    match code & 0x1f {
        code @ 0..=23 => u32::from(code) + 1,
        code @ 24..=27 => 26 + 2 * u32::from(code - 24),
        code => 40 + 8 * u32::from(code - 28),
    }
}

/// The next width that numbers are packed in.
fn closest(bits: u32) -> u32 {
    match bits {
        ..=24 => bits,
        25..=32 => bits.next_multiple_of(2),
        _ => bits.next_multiple_of(8),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use residuum_source::Limits;

    use super::*;
    use crate::container::Within;
    use crate::orc::stream::{Packing, Storage};

    fn decode(bytes: &[u8], is_second: bool, is_signed: bool, n: usize) -> Result<Vec<i64>, Fault> {
        let limits = Limits::default();
        let within = Within::new(&limits, bytes.len() as u64);
        let storage = Storage::new(Arc::new(bytes.to_vec()), Packing::None, 1 << 10, &within);
        let mut out = Vec::new();
        Ints::new(Stream::new(&storage, 0..bytes.len() as u64), is_second, is_signed).append(n, &mut out)?;
        Ok(out)
    }

    /// The examples of the specification (ORC v1, "Run Length Encoding"), and what they leave open.
    #[test]
    fn runs_are_read() {
        let patched = [0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a];
        let patched =
            [&patched[..], &[0x64, 0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8]].concat();
        let of_patched: Vec<i64> = [2030, 2000, 2020, 1000000].into_iter().chain((2040..=2190).step_by(10)).collect();
        for (name, bytes, is_second, is_signed, expected) in [
            ("run", &[0x61, 0x00, 0x07][..], false, false, vec![7; 100]),
            ("run of steps", &[0x61, 0xff, 0x64], false, false, (1..=100).rev().collect()),
            ("literals", &[0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b], false, false, vec![2, 3, 6, 7, 11]),
            ("signed literals", &[0xfe, 0x03, 0x04], false, true, vec![-2, 2]),
            ("short repeat", &[0x0a, 0x27, 0x10], true, false, vec![10000; 5]),
            (
                "direct",
                &[0x5e, 3, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef],
                true,
                false,
                vec![23713, 43806, 57005, 48879],
            ),
            ("patched base", &patched, true, false, of_patched),
            ("delta", &[0xc6, 9, 2, 2, 0x22, 0x42, 0x42, 0x46], true, false, vec![2, 3, 5, 7, 11, 13, 17, 19, 23, 29]),
            ("fixed delta", &[0xc0, 4, 0x0a, 0x03], true, true, vec![5, 3, 1, -1, -3]),
        ] {
            assert_eq!(decode(bytes, is_second, is_signed, expected.len()), Ok(expected), "{name}");
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut], is_second, is_signed, 100).is_err(), "{name} cut at {cut}");
            }
        }
    }

    #[test]
    fn damaged_runs_are_told() {
        for (name, bytes) in [
            ("a patch behind its run", &[0x80, 0, 0, 0xe1, 0, 0xff, 0xff, 0xff][..]),
            ("a run of steps of one number", &[0xc2, 0, 2, 2]),
            (
                "a number of more than 64 bits",
                &[0xc0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            ),
        ] {
            assert!(decode(bytes, true, false, 1).is_err(), "{name}");
        }
    }
}
