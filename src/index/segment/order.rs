//! The two orders of a segment.
//!
//! Canonical order is by names, not by the numbers that stand for them: source, object, record, field, place,
//! type, rule. It is the same whatever threads found what in which turn. Numbers are therefore replaced by the
//! ranks of their names, and a whole row becomes one 128-bit key that decides nearly always.

use std::cmp::Ordering;

use hashbrown::HashMap;

use super::Print;
use crate::index::Findings;

/// Ranks of names by their numbers, as far as a buffer or a set of segments uses them.
#[derive(Default, Debug)]
pub(in crate::index) struct Ranks {
    pub(in crate::index) objects: HashMap<u32, u32>,
    pub(in crate::index) fields: HashMap<u32, u32>,
    pub(in crate::index) rules: HashMap<u16, u32>,
}

impl Ranks {
    /// Compares a row of one buffer with a row of another.
    pub(in crate::index) fn compare(&self, a: &Findings, i: usize, b: &Findings, j: usize) -> Ordering {
        let objects = || self.objects[&a.object[i]].cmp(&self.objects[&b.object[j]]);
        let same = if a.object[i] == b.object[j] { Ordering::Equal } else { objects() };
        same.then_with(|| record_key(a, i).cmp(&record_key(b, j))).then_with(|| self.compare_in_record(a, i, b, j))
    }

    /// Compares two rows of one record.
    fn compare_in_record(&self, a: &Findings, i: usize, b: &Findings, j: usize) -> Ordering {
        let fields = || self.fields[&a.field[i]].cmp(&self.fields[&b.field[j]]);
        let same = if a.field[i] == b.field[j] { Ordering::Equal } else { fields() };
        let place = |f: &Findings, i: usize| (f.place[i], f.start[i], f.length[i], f.kind[i]);
        same.then_with(|| place(a, i).cmp(&place(b, j)))
            .then_with(|| self.rules[&a.rule[i]].cmp(&self.rules[&b.rule[j]]))
            .then_with(|| (a.confidence[i], a.fp[i]).cmp(&(b.confidence[j], b.fp[j])))
    }
}

/// A record as [`residuum_source::Record`] orders it: numbers before texts.
fn record_key(findings: &Findings, i: usize) -> (bool, u8, u64, &str) {
    let text = match findings.text[i] {
        0 => "",
        text => findings.texts.get(text as usize - 1),
    };
    (findings.text[i] != 0, findings.record_kind[i], findings.number[i], text)
}

/// The rows of a buffer in canonical order.
pub(in crate::index) fn canonical(findings: &Findings, ranks: &Ranks) -> Vec<u32> {
    let texts = text_ranks(findings);
    let mut object = Last::new(&ranks.objects);
    let mut field = Last::new(&ranks.fields);
    let mut key = |row: usize| {
        let text = findings.text[row];
        Key {
            object: object.rank(findings.object[row]),
            kind: u8::from(text != 0) << 7 | findings.record_kind[row],
            number: if text == 0 { findings.number[row] } else { texts[text as usize - 1].into() },
            // A field's rank is cut at 24 bits; the comparison of rows decides between fields beyond.
            field: field.rank(findings.field[row]).min(0x00ff_ffff),
        }
    };
    let compare = |&i: &u32, &j: &u32| ranks.compare_in_record(findings, i as usize, findings, j as usize);
    let widths = Widths::of(findings, ranks, &mut key);
    if let Some(widths) = widths {
        return widths.order(findings.len(), key, compare);
    }
    let wide = |Key { object, kind, number, field }| {
        u128::from(object) << 96 | u128::from(kind) << 88 | u128::from(number) << 24 | u128::from(field)
    };
    let mut keys: Vec<(u128, u32)> = (0..findings.len()).map(|row| wide(key(row))).zip(0..).collect();
    keys.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)));
    keys.into_iter().map(|(_, row)| row).collect()
}

/// What rows are ordered by before their places are.
#[derive(Clone, Copy)]
struct Key {
    object: u32,
    kind: u8,
    number: u64,
    field: u32,
}

/// How many bits the parts of the keys of a buffer differ in, where these and the number of the row fit one word: a
/// buffer is of few objects and fields, and its records are close together.
struct Widths {
    least_number: u64,
    kind: u32,
    number: u32,
    field: u32,
    row: u32,
}

impl Widths {
    fn of(findings: &Findings, ranks: &Ranks, key: &mut impl FnMut(usize) -> Key) -> Option<Self> {
        let bits = |greatest: u64| u64::BITS - greatest.leading_zeros();
        let (mut least, mut greatest) = (u64::MAX, 0);
        let (mut object, mut kind, mut field) = (0, 0, 0);
        for row in 0..findings.len() {
            let key = key(row);
            (least, greatest) = (least.min(key.number), greatest.max(key.number));
            (object, kind, field) = (object | key.object, kind | key.kind, field | key.field);
        }
        // A cut rank does not tell one field from another, and rows of several need not stand together then.
        let tells_fields = ranks.fields.len() < 0x00ff_ffff;
        let widths = Self {
            least_number: least,
            kind: bits(kind.into()),
            number: bits(greatest.saturating_sub(least)),
            field: bits(field.into()),
            row: bits(findings.len() as u64),
        };
        let all = bits(object.into()) + widths.kind + widths.number + widths.field + widths.row;
        (tells_fields && all <= u64::BITS).then_some(widths)
    }

    fn order(
        &self,
        rows: usize,
        mut key: impl FnMut(usize) -> Key,
        compare: impl Fn(&u32, &u32) -> Ordering,
    ) -> Vec<u32> {
        let packed = |row: usize| {
            let Key { object, kind, number, field } = key(row);
            let key = u64::from(object) << self.kind | u64::from(kind);
            let key = key << self.number | (number - self.least_number);
            (key << self.field | u64::from(field)) << self.row | row as u64
        };
        let mut keys: Vec<u64> = (0..rows).map(packed).collect();
        // Readers give columns of ordered records: long runs, which a stable sort merges.
        keys.sort();
        let mut order: Vec<u32> = keys.iter().map(|key| (key & ((1 << self.row) - 1)) as u32).collect();
        let mut start = 0;
        for same in keys.chunk_by(|a, b| a >> self.row == b >> self.row) {
            if same.len() > 1 {
                order[start..start + same.len()].sort_by(&compare);
            }
            start += same.len();
        }
        order
    }
}

/// Sorts by fingerprint: twice by leading bits, which are as good as random, then what is left together.
///
/// Prints of a fingerprint that stand in the order of rows already cost no more than the rest.
pub(in crate::index) fn sort_prints(mut prints: Vec<Print>) -> Vec<Print> {
    const FIRST: u32 = 11;
    const SECOND: u32 = 8;
    let key = |print: &Print| (u128::from_be_bytes(print.fp.0), print.kind, print.scheme, print.row);
    if prints.len() < 1 << (FIRST + 3) {
        prints.sort_by_key(key);
        return prints;
    }
    let mut buckets = prints.clone();
    let mut ends = [0; 1 << FIRST];
    scatter(&prints, &mut buckets, &mut ends, |bits| bits >> (u32::BITS - FIRST));
    let mut start = 0;
    for end in ends {
        let (from, into) = (&buckets[start..end], &mut prints[start..end]);
        let mut ends = [0; 1 << SECOND];
        scatter(from, into, &mut ends, |bits| bits >> (u32::BITS - FIRST - SECOND) & ((1 << SECOND) - 1));
        let mut first = 0;
        for end in ends {
            if end - first > 1 {
                into[first..end].sort_by_key(key);
            }
            first = end;
        }
        start = end;
    }
    prints
}

/// Distributes prints over buckets by some of their leading bits, and says where each bucket ends.
fn scatter<const N: usize>(from: &[Print], into: &mut [Print], ends: &mut [usize; N], of: impl Fn(u32) -> u32) {
    let bucket = |print: &Print| of(u32::from_be_bytes(*print.fp.0.first_chunk().expect("16 bytes"))) as usize % N;
    *ends = [0; N];
    from.iter().for_each(|print| ends[bucket(print)] += 1);
    let mut start = 0;
    for at in ends.iter_mut() {
        (*at, start) = (start, start + *at);
    }
    for print in from {
        let at = &mut ends[bucket(print)];
        into[*at] = *print;
        *at += 1;
    }
}

fn text_ranks(findings: &Findings) -> Vec<u32> {
    let texts = &findings.texts;
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| texts.get(a as usize).cmp(texts.get(b as usize)));
    let mut ranks = vec![0; texts.len()];
    let mut rank = 0;
    for (i, &text) in order.iter().enumerate() {
        if i > 0 && texts.get(order[i - 1] as usize) != texts.get(text as usize) {
            rank += 1;
        }
        ranks[text as usize] = rank;
    }
    ranks
}

/// Ranks with the last answer remembered: numbers repeat from row to row.
struct Last<'a> {
    ranks: &'a HashMap<u32, u32>,
    last: Option<(u32, u32)>,
}

impl<'a> Last<'a> {
    fn new(ranks: &'a HashMap<u32, u32>) -> Self {
        Self { ranks, last: None }
    }

    #[inline]
    fn rank(&mut self, number: u32) -> u32 {
        match self.last {
            Some((last, rank)) if last == number => rank,
            _ => {
                let rank = self.ranks[&number];
                self.last = Some((number, rank));
                rank
            }
        }
    }
}
