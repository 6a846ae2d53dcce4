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
    let key = |row: usize| {
        let text = findings.text[row];
        let number = if text == 0 { findings.number[row] } else { texts[text as usize - 1].into() };
        let kind = u8::from(text != 0) << 7 | findings.record_kind[row];
        // A field's rank is cut at 24 bits; the comparison of rows decides between fields beyond.
        let field = field.rank(findings.field[row]).min(0x00ff_ffff);
        u128::from(object.rank(findings.object[row])) << 96
            | u128::from(kind) << 88
            | u128::from(number) << 24
            | u128::from(field)
    };
    let mut keys: Vec<(u128, u32)> = (0..findings.len()).map(key).zip(0..).collect();
    let compare = |a: &(u128, u32), b: &(u128, u32)| {
        a.0.cmp(&b.0).then_with(|| ranks.compare_in_record(findings, a.1 as usize, findings, b.1 as usize))
    };
    // Readers give columns of ordered records: long runs, which a stable sort merges.
    keys.sort_by(compare);
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Sorts by fingerprint: once by the leading bits, which are as good as random, then in buckets that fit the cache.
pub(in crate::index) fn sort_prints(prints: Vec<Print>) -> Vec<Print> {
    const BITS: u32 = 11;
    if prints.len() < 1 << (BITS + 3) {
        let mut prints = prints;
        prints.sort_unstable();
        return prints;
    }
    let bucket = |print: &Print| usize::from(u16::from_be_bytes([print.fp.0[0], print.fp.0[1]]) >> (16 - BITS));
    let mut starts = vec![0usize; (1 << BITS) + 1];
    prints.iter().for_each(|print| starts[bucket(print) + 1] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut at = starts.clone();
    let mut sorted = prints.clone();
    for print in prints {
        let at = &mut at[bucket(&print)];
        sorted[*at] = print;
        *at += 1;
    }
    starts.windows(2).for_each(|ends| sorted[ends[0]..ends[1]].sort_unstable());
    sorted
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
