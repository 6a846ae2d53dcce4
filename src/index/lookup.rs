//! Look-ups: from fingerprints to findings, many at a time in one sorted pass.

use std::ops::ControlFlow;

use hashbrown::HashMap;
use residuum_detect::{Fingerprint, Scheme};

use super::error::{IndexError, Result};
use super::names::ranked;
use super::ranges::{holds, ranges};
use super::segment::Cursor;
use super::{Findings, Match, Reader};

/// Probes looked up at a time, and hits held in memory at a time.
const PROBES: usize = 1 << 18;
const HITS: usize = 1 << 18;

/// A row under a probe.
#[derive(Clone, Copy)]
struct Hit {
    /// Position among the distinct probes of the pass.
    probe: usize,
    segment: usize,
    row: u32,
    scheme: Scheme,
}

pub(super) fn lookup(
    reader: &Reader,
    probes: &[Fingerprint],
    each: &mut dyn FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<()> {
    let mut order: Vec<usize> = (0..probes.len()).collect();
    order.sort_by_key(|&i| probes[i]);
    let groups: Vec<&[usize]> = order.chunk_by(|&a, &b| probes[a] == probes[b]).collect();
    let distinct: Vec<Fingerprint> = groups.iter().map(|group| probes[group[0]]).collect();
    let mut pass = Pass { reader, groups: &groups, each };
    let mut from = 0;
    for chunk in distinct.chunks(PROBES) {
        if pass.chunk(chunk, from)?.is_break() {
            break;
        }
        from += chunk.len();
    }
    Ok(())
}

struct Pass<'a> {
    reader: &'a Reader,
    /// For each distinct probe, the positions at which it was given.
    groups: &'a [&'a [usize]],
    each: &'a mut dyn FnMut(Match<'_>) -> ControlFlow<()>,
}

impl Pass<'_> {
    /// Looks up some distinct, ascending probes, of which the first has this number.
    fn chunk(&mut self, probes: &[Fingerprint], first: usize) -> Result<ControlFlow<()>> {
        let hits = self.hits(probes, first)?;
        match probes.len() {
            _ if hits.is_empty() => Ok(ControlFlow::Continue(())),
            _ if hits.len() <= HITS => self.emit(hits),
            1 => self.stream(first, &hits),
            many => {
                drop(hits);
                let (low, high) = probes.split_at(many / 2);
                if self.chunk(low, first)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.chunk(high, first + low.len())
            }
        }
    }

    fn hits(&self, probes: &[Fingerprint], first: usize) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        for (number, segment) in self.reader.segments.iter().enumerate() {
            let mut unknown = false;
            segment.prints.lookup(probes, |probe, print| match Scheme::from_number(print.scheme) {
                Some(_) if holds(&segment.dead, print.row) => {}
                Some(scheme) => hits.push(Hit { probe: first + probe, segment: number, row: print.row, scheme }),
                None => unknown = true,
            })?;
            if unknown {
                return Err(IndexError::damaged(segment.records.path(), "holds an unknown scheme"));
            }
        }
        Ok(hits)
    }

    /// Decodes every row once, then orders and gives them.
    fn emit(&mut self, mut hits: Vec<Hit>) -> Result<ControlFlow<()>> {
        hits.sort_unstable_by_key(|hit| (hit.segment, hit.row));
        let mut rows = Findings::new();
        // For each hit its row in `rows`.
        let mut at = Vec::with_capacity(hits.len());
        for of_segment in hits.chunk_by(|a, b| a.segment == b.segment) {
            let segment = &self.reader.segments[of_segment[0].segment];
            let mut cursor = Cursor::new(segment.records.clone(), ranges(of_segment.iter().map(|hit| hit.row)));
            cursor.fill()?;
            for (i, hit) in of_segment.iter().enumerate() {
                if i == 0 || of_segment[i - 1].row != hit.row {
                    while cursor.row() != hit.row {
                        cursor.next()?;
                    }
                    rows.push_from(&cursor.block, cursor.at);
                }
                at.push(rows.len() - 1);
            }
        }
        let mut objects = rows.object.clone();
        objects.sort_unstable();
        objects.dedup();
        let names = self.reader.object_names(&objects)?;
        let ranks = self.reader.ranks(ranked(objects, |id| (&names[id].source, &names[id].path)))?;
        let mut order: Vec<usize> = (0..hits.len()).collect();
        order.sort_by(|&a, &b| {
            let rows = || ranks.compare(&rows, at[a], &rows, at[b]);
            hits[a].probe.cmp(&hits[b].probe).then_with(rows).then(hits[a].scheme.cmp(&hits[b].scheme))
        });
        for of_probe in order.chunk_by(|&a, &b| hits[a].probe == hits[b].probe) {
            for &probe in self.groups[hits[of_probe[0]].probe] {
                for &i in of_probe {
                    let row = at[i];
                    let segment = &self.reader.segments[hits[i].segment];
                    let finding = self.reader.finding(segment, &rows, row, &names[&rows.object[row]])?;
                    if (self.each)(Match { probe, scheme: hits[i].scheme, finding: &finding }).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Gives the rows of one probe that has very many.
    fn stream(&mut self, probe: usize, hits: &[Hit]) -> Result<ControlFlow<()>> {
        let mut schemes: HashMap<(usize, u32), Vec<Scheme>> = HashMap::new();
        for hit in hits.iter().filter(|hit| hit.scheme != Scheme::Canonical) {
            schemes.entry((hit.segment, hit.row)).or_default().push(hit.scheme);
        }
        let canonical: Vec<Vec<u32>> =
            rows_by_segment(self.reader.segments.len(), hits, |hit| hit.scheme == Scheme::Canonical);
        let canonical: Vec<_> = canonical.into_iter().map(ranges).collect();
        let selections: Vec<_> =
            rows_by_segment(self.reader.segments.len(), hits, |_| true).into_iter().map(ranges).collect();
        let order: Vec<u32> = self.reader.catalog().rows(
            "SELECT json_group_array(o.id ORDER BY s.name, o.path) FROM object o JOIN source s ON s.id = o.source \
             WHERE o.id IN (SELECT object FROM segment_object)",
            &[],
        )?;
        let ranks = self.reader.ranks(order.iter().copied().zip(0..).collect())?;
        let mut flow = ControlFlow::Continue(());
        for &position in self.groups[probe] {
            self.reader.walk(selections.clone(), &ranks, Some(&order), &mut |segment, row, finding| {
                let plain = holds(&canonical[segment], row).then_some(Scheme::Canonical);
                let others = schemes.get(&(segment, row)).into_iter().flatten().copied();
                for scheme in plain.into_iter().chain(others) {
                    flow = (self.each)(Match { probe: position, scheme, finding });
                    if flow.is_break() {
                        break;
                    }
                }
                flow
            })?;
            if flow.is_break() {
                break;
            }
        }
        Ok(flow)
    }
}

fn rows_by_segment(segments: usize, hits: &[Hit], wanted: impl Fn(&Hit) -> bool) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); segments];
    hits.iter().filter(|hit| wanted(hit)).for_each(|hit| rows[hit.segment].push(hit.row));
    rows
}
