//! The masked pass: 64 bytes at a time become bit masks of what each byte is.
//!
//! Everything that looks for candidates in running text works on these masks: where words and numbers start,
//! how long they are, where an `@` stands. Three implementations give identical masks and are chosen once, at
//! run time, by what the processor can do. What a candidate means is left to [`crate::text`].

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

/// What the 64 bytes of a block are; bit `i` stands for byte `i`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub(crate) struct Masks {
    /// `0` to `9`.
    pub digit: u64,
    /// `A` to `Z`, `a` to `z`, and every byte of a character beyond ASCII.
    pub letter: u64,
    /// `A` to `Z`.
    pub upper: u64,
    /// `@`.
    pub at: u64,
    /// `:`.
    pub colon: u64,
    /// `-`.
    pub dash: u64,
    /// `.`.
    pub dot: u64,
    /// `%` and `&`: an escape may begin here.
    pub escape: u64,
    /// `\`: an escape may begin here, the next byte with it.
    pub backslash: u64,
    /// Bytes of characters beyond ASCII.
    pub high: u64,
}

/// An implementation of the pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kernel {
    /// Plain 64-bit arithmetic.
    Portable,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors with mask registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// The fastest one this processor runs.
    pub(crate) fn best() -> Self {
        *Self::available().last().expect("the portable kernel runs everywhere")
    }

    /// All that this processor runs, slowest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
            if std::is_x86_feature_detected!("avx512bw") && std::is_x86_feature_detected!("avx512f") {
                kernels.push(Self::Avx512);
            }
        }
        kernels
    }

    /// Writes the masks of `bytes` to `masks`, one entry for each 64 bytes begun; bits past the end are zero.
    pub(crate) fn classify(self, bytes: &[u8], masks: &mut Vec<Masks>) {
        masks.clear();
        masks.resize(bytes.len().div_ceil(64), Masks::default());
        let (whole, tail) = bytes.as_chunks::<64>();
        match self {
            Self::Portable => portable::classify(whole, masks),
            // SAFETY: `available` lists the kernel only where the processor has the features it is compiled for,
            // and no other code makes one.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::classify_avx2(whole, masks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { x86::classify_avx512(whole, masks) },
        }
        if let Some(last) = masks.get_mut(whole.len()) {
            // Zero bytes belong to no class.
            let mut padded = [0; 64];
            padded[..tail.len()].copy_from_slice(tail);
            *last = portable::block(&padded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masks(kernel: Kernel, bytes: &[u8]) -> Vec<Masks> {
        let mut masks = Vec::new();
        kernel.classify(bytes, &mut masks);
        masks
    }

    /// The definition, byte by byte.
    fn plain(bytes: &[u8]) -> Vec<Masks> {
        let mut masks = vec![Masks::default(); bytes.len().div_ceil(64)];
        for (i, byte) in bytes.iter().enumerate() {
            let (mask, bit) = (&mut masks[i / 64], 1 << (i % 64));
            let set = |of: &mut u64, yes: bool| *of |= if yes { bit } else { 0 };
            set(&mut mask.digit, byte.is_ascii_digit());
            set(&mut mask.letter, byte.is_ascii_alphabetic() || *byte >= 0x80);
            set(&mut mask.upper, byte.is_ascii_uppercase());
            set(&mut mask.at, *byte == b'@');
            set(&mut mask.colon, *byte == b':');
            set(&mut mask.dash, *byte == b'-');
            set(&mut mask.dot, *byte == b'.');
            set(&mut mask.escape, matches!(byte, b'%' | b'&'));
            set(&mut mask.backslash, *byte == b'\\');
            set(&mut mask.high, *byte >= 0x80);
        }
        masks
    }

    #[test]
    fn every_byte_in_every_position() {
        for kernel in Kernel::available() {
            for shift in 0..64 {
                let bytes: Vec<u8> = (0..shift).map(|_| b' ').chain(0..=255).collect();
                assert_eq!(masks(kernel, &bytes), plain(&bytes), "{kernel:?}, shifted by {shift}");
            }
        }
    }

    proptest! {
        #[test]
        fn kernels_agree(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            for kernel in Kernel::available() {
                prop_assert_eq!(masks(kernel, &bytes), plain(&bytes));
            }
        }
    }
}
