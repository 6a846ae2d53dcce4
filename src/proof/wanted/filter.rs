//! A filter that turns away nearly all keys that are not in a set, with one look into memory.

/// A one-word Bloom filter: two bits of one word for each key.
pub(super) struct Filter {
    words: Box<[u64]>,
}

impl Filter {
    /// Of so many keys, all of which are added later.
    pub fn for_keys(count: usize) -> Self {
        // Sixteen bits for each key: of other keys about one in fifty passes.
        let words = (count / 4).max(16).next_power_of_two();
        Self { words: vec![0; words].into() }
    }

    pub fn add(&mut self, key: u64) {
        let (word, bits) = self.place(key);
        self.words[word] |= bits;
    }

    #[inline]
    pub fn may_have(&self, key: u64) -> bool {
        let (word, bits) = self.place(key);
        self.words[word] & bits == bits
    }

    #[inline]
    fn place(&self, key: u64) -> (usize, u64) {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mixed ^ mixed >> 32;
        let word = (mixed.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) as usize & (self.words.len() - 1);
        (word, 1 << (mixed & 63) | 1 << (mixed >> 6 & 63))
    }
}
