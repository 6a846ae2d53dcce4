//! Digests of identifiers: in hexadecimal, Base64 and the shape of a UUID, and as the bytes they are.

use std::ops::Range;

use md5::Md5;
use residuum_detect::base64;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::filter::Filter;
use super::{Edges, Value, written};

/// Digests that programs make of identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    const fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `text`, at the beginning of `out`.
    fn digest(self, text: &[u8], out: &mut [u8; 64]) {
        match self {
            Self::Md5 => out[..16].copy_from_slice(&Md5::digest(text)),
            Self::Sha1 => out[..20].copy_from_slice(&Sha1::digest(text)),
            Self::Sha256 => out[..32].copy_from_slice(&Sha256::digest(text)),
            Self::Sha512 => out.copy_from_slice(&Sha512::digest(text)),
        }
    }
}

/// All digests that are looked for. Of each its first eight bytes are kept; what begins so is computed again.
pub(super) struct Digests {
    /// In order, each with what it is one of.
    firsts: Vec<u64>,
    of: Vec<Source>,
    filter: Filter,
}

/// Takes a value's number, the place of a digest of it, and the digest's bytes if a look-up tries it, else none.
type Each<'e> = dyn FnMut(u32, Range<usize>, &[u8]) + 'e;

/// What a digest is one of.
#[derive(Clone, Copy)]
struct Source {
    value: u32,
    /// Number of the written form, and of the algorithm: `4 * form + algorithm`.
    how: u8,
}

impl Digests {
    pub fn new(values: &[Value]) -> Self {
        let mut all: Vec<(u64, u32, u8)> = Vec::new();
        let mut out = [0; 64];
        for (number, value) in values.iter().enumerate() {
            let number = number as u32;
            if value.is_digest {
                all.push((first(&value.form), number, Algorithm::Sha256 as u8));
                continue;
            }
            let (forms, _) = written::hashed(value);
            for (form, text) in forms.iter().enumerate() {
                for algorithm in Algorithm::ALL {
                    algorithm.digest(text, &mut out);
                    all.push((first(&out), number, 4 * form as u8 + algorithm as u8));
                }
            }
        }
        all.sort_unstable();
        let mut filter = Filter::for_keys(all.len());
        all.iter().for_each(|(first, ..)| filter.add(*first));
        let firsts = all.iter().map(|(first, ..)| *first).collect();
        let of = all.iter().map(|&(_, value, how)| Source { value, how }).collect();
        Self { firsts, of, filter }
    }

    /// Calls `each` with every digest that stands in these bytes.
    pub fn find(&self, text: &[u8], edges: Edges, values: &[Value], each: &mut Each<'_>) {
        if self.firsts.is_empty() {
            return;
        }
        self.in_bytes(text, edges, values, each);
        let mut at = 0;
        while at < text.len() {
            let length = text[at..].iter().take_while(|b| base64::DIGIT[usize::from(**b)] < 64).count();
            if length >= SHORTEST {
                self.in_word(text, at..at + length, edges, values, each);
            }
            at += length + 1;
        }
    }

    /// Looks for digests as bytes: a whole value is one or, where values have no edges, some of the bytes are.
    fn in_bytes(&self, bytes: &[u8], edges: Edges, values: &[Value], each: &mut Each<'_>) {
        let is_length = Algorithm::ALL.iter().any(|algorithm| algorithm.len() == bytes.len());
        let places = match edges {
            Edges::Clear if is_length => 0..1,
            Edges::Clear => return,
            Edges::Any => 0..(bytes.len() + 1).saturating_sub(Algorithm::Md5.len()),
        };
        for start in places {
            let key = first(&bytes[start..]);
            if self.filter.may_have(key) {
                self.compare(key, &bytes[start..], start, |bytes| bytes, values, &mut |value, place, digest| {
                    if edges == Edges::Any || place == (0..bytes.len()) {
                        each(value, place, digest);
                    }
                });
            }
        }
    }

    /// Looks at a stretch of letters, digits, `+`, `/`, `-` and `_`.
    fn in_word(&self, text: &[u8], word: Range<usize>, edges: Edges, values: &[Value], each: &mut Each<'_>) {
        let (mut nibbles, mut run) = (0u64, 0);
        for at in word.clone() {
            match (text[at] as char).to_digit(16) {
                Some(nibble) => (nibbles, run) = (nibbles << 4 | u64::from(nibble), run + 1),
                None => run = 0,
            }
            if run >= 16 && self.filter.may_have(nibbles) {
                let start = at - 15;
                let digits = hex_bytes(&text[start..word.end.min(start + 128)]);
                self.compare(nibbles, &digits, start, |bytes| 2 * bytes, values, each);
            }
        }
        for start in word.clone() {
            let begins = start == word.start || !text[start - 1].is_ascii_alphanumeric();
            if (begins || edges == Edges::Any) && word.end - start >= SHORTEST {
                let bytes = base64_bytes(&text[start..start + BASE64_FIRST]);
                let key = first(&bytes);
                if self.filter.may_have(key) {
                    let bytes = base64_bytes(&text[start..word.end.min(start + 88)]);
                    self.compare(key, &bytes, start, |bytes| (4 * bytes).div_ceil(3), values, each);
                }
            }
            if begins && let Some(bytes) = uuid(&text[start..word.end]) {
                self.compare(first(&bytes), &bytes, start, |_| UUID, values, each);
            }
        }
    }

    /// Compares bytes that begin as some digest does; `width` gives how many characters so many bytes stand in.
    #[cold]
    fn compare(
        &self,
        key: u64,
        bytes: &[u8],
        start: usize,
        width: impl Fn(usize) -> usize,
        values: &[Value],
        each: &mut Each<'_>,
    ) {
        let from = self.firsts.partition_point(|first| *first < key);
        let mut out = [0; 64];
        for at in (from..self.firsts.len()).take_while(|at| self.firsts[*at] == key) {
            let Source { value: number, how } = self.of[at];
            let algorithm = Algorithm::ALL[usize::from(how % 4)];
            let Some(stands) = bytes.get(..algorithm.len()) else { continue };
            let value = &values[number as usize];
            let place = start..start + width(algorithm.len());
            if value.is_digest {
                if *stands == *value.form {
                    each(number, place, stands);
                }
                continue;
            }
            let (forms, tried) = written::hashed(value);
            let form = usize::from(how / 4);
            algorithm.digest(&forms[form], &mut out);
            if *stands == out[..algorithm.len()] {
                let is_tried = form < tried;
                each(number, place, if is_tried { stands } else { &[] });
            }
        }
    }
}

/// Characters of the shortest digest: MD5 in Base64.
const SHORTEST: usize = 22;
/// Characters of Base64 that hold eight bytes.
const BASE64_FIRST: usize = 11;
/// Characters of a UUID.
const UUID: usize = 36;

fn first(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// The bytes of the hexadecimal digits that a text begins with.
fn hex_bytes(text: &[u8]) -> Vec<u8> {
    let digit = |b: u8| (b as char).to_digit(16).map(|digit| digit as u8);
    text.as_chunks::<2>().0.iter().map_while(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn base64_bytes(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    base64::decode(text, &mut bytes);
    bytes
}

/// The bytes of a UUID that a text begins with: programs store an MD5 so.
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text = text.first_chunk::<UUID>()?;
    if [8, 13, 18, 23].iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let digits: Vec<u8> = text.iter().copied().filter(|b| *b != b'-').collect();
    hex_bytes(&digits).try_into().ok()
}
