//! Findings are forgotten: segments are written anew without them, and the statistics corrected.

use std::ops::Range;

use hashbrown::{HashMap, HashSet};
use residuum_detect::Fingerprint;
use residuum_source::Record;

use super::catalog::{Catalog, bulk};
use super::compact::rewrite;
use super::error::{IndexError, Result};
use super::ranges::{joined, ranges};
use super::segment::{Cursor, Records, Selection};
use super::sums::Sums;
use super::writer::Writer;

/// What is to be forgotten.
#[derive(Clone, Debug)]
pub enum Retract {
    /// Every finding with one of these fingerprints, under any scheme; give them under every key.
    Fingerprints(Vec<Fingerprint>),
    /// Every finding of these objects.
    Objects(Vec<u32>),
    /// Every finding in these records.
    Records(Vec<(u32, Record)>),
}

/// What a retraction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retracted {
    /// Findings removed, those of dead versions included.
    pub findings: u64,
    /// Segments rewritten or dropped.
    pub segments: u64,
}

impl Writer {
    /// Rewrites the segments that hold certain findings without them, and checks that none is left. What scans
    /// find later is found again: erase it at the source first.
    ///
    /// # Errors
    /// [`IndexError::Full`] if the disk is; what was rewritten before stays so, and running it again is safe.
    pub fn retract(&self, what: &Retract) -> Result<Retracted> {
        let _alone = self.rewriting();
        let mut done = Retracted::default();
        let ids = segments(&mut self.state().catalog)?;
        for id in ids {
            let rows = self.rows_to_forget(id, what)?;
            if rows.is_empty() {
                continue;
            }
            done.findings += rows.iter().map(|rows| u64::from(rows.end - rows.start)).sum::<u64>();
            done.segments += 1;
            let rewritten = rewrite(self, &[id], &HashMap::from([(id, rows)]))?;
            if let Some(new) = rewritten.id
                && !self.rows_to_forget(new, what)?.is_empty()
            {
                return Err(IndexError::Misuse("findings to be forgotten are still there: run it again".to_owned()));
            }
        }
        // What was overwritten in the catalog is still in the write-ahead log until it is folded in; while readers
        // hold their state it stays, and goes when the last connection closes.
        self.state()
            .catalog
            .run("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 30000", &[])?;
        Ok(done)
    }

    fn rows_to_forget(&self, id: u64, what: &Retract) -> Result<Selection> {
        let dir = self.index.segments();
        let sums = Sums::load(&mut self.state().catalog)?;
        let of_objects = |objects: &[u32]| -> Result<Vec<(u32, u32, u32)>> {
            self.state().catalog.rows(
                "SELECT json_group_array(json_array(object, first, n_rows)) FROM segment_object \
                 WHERE segment = ?2 AND object IN (SELECT value FROM json_each(?1))",
                &[bulk(&objects), (id as i64).into()],
            )
        };
        match what {
            Retract::Fingerprints(probes) => {
                let mut probes = probes.clone();
                probes.sort_unstable();
                probes.dedup();
                let mut rows = HashSet::new();
                let prints = sums.prints(&dir, id)?;
                prints.lookup(&probes, |_, print| {
                    rows.insert(print.row);
                })?;
                Ok(ranges(rows))
            }
            Retract::Objects(objects) => {
                let mut rows: Selection =
                    of_objects(objects)?.into_iter().map(|(_, first, count)| first..first + count).collect();
                joined(&mut rows);
                Ok(rows)
            }
            Retract::Records(records) => {
                let objects: Vec<u32> = records.iter().map(|(object, _)| *object).collect();
                let of: HashMap<u32, Range<u32>> = of_objects(&objects)?
                    .into_iter()
                    .map(|(object, first, count)| (object, first..first + count))
                    .collect();
                if of.is_empty() {
                    return Ok(Selection::new());
                }
                let file = sums.records(&dir, id)?;
                let mut rows = Selection::new();
                for (object, record) in records {
                    if let Some(range) = of.get(object) {
                        rows.push(file.of_record(range.clone(), record)?);
                    }
                }
                rows.retain(|range| !range.is_empty());
                joined(&mut rows);
                Ok(rows)
            }
        }
    }
}

fn segments(catalog: &mut Catalog) -> Result<Vec<u64>> {
    catalog.rows("SELECT json_group_array(id ORDER BY id) FROM segment", &[])
}

/// What a count in the statistics is of: generation, object, field, type, rule.
pub(super) type Counted = (i64, u32, u32, u8, u16);

/// Counts findings that are forgotten, and the records they are in.
pub(super) fn count(
    records: Records,
    rows: Selection,
    generations: &HashMap<u32, i64>,
    counts: &mut HashMap<Counted, (i64, i64)>,
) -> Result<()> {
    let mut last: HashMap<Counted, Option<Record>> = HashMap::new();
    let mut cursor = Cursor::new(records, rows);
    while cursor.fill()? {
        let block = &cursor.block;
        for i in 0..block.len() {
            let Some(&generation) = generations.get(&block.object[i]) else { continue };
            let of = (generation, block.object[i], block.field[i], block.kind[i], block.rule[i]);
            let record = block.record(i);
            let another = last.get(&of) != Some(&record);
            if another {
                last.insert(of, record);
            }
            let entry = counts.entry(of).or_default();
            entry.0 += 1;
            entry.1 += i64::from(another);
        }
    }
    Ok(())
}

/// Takes a number of findings and records off the statistics, part by part as far as each reaches.
pub(super) fn uncount(catalog: &mut Catalog, of: &Counted, (mut values, mut records): (i64, i64)) -> Result<()> {
    let (generation, object, field, kind, rule) = *of;
    let place = || [generation.into(), object.into(), field.into(), i64::from(kind).into(), i64::from(rule).into()];
    let parts: Vec<(i64, i64, i64)> = catalog.rows(
        "SELECT json_group_array(json_array(part, n_values, n_records)) FROM field_stat \
         WHERE generation = ? AND object = ? AND field = ? AND kind = ? AND rule = ?",
        &place(),
    )?;
    for (part, n_values, n_records) in parts {
        let (v, r) = (values.min(n_values), records.min(n_records));
        (values, records) = (values - v, records - r);
        let mut args = Vec::from(place());
        args.extend([part.into(), v.into(), r.into()]);
        let sql = "UPDATE field_stat SET n_values = n_values - ?7, n_records = n_records - ?8 \
                   WHERE generation = ?1 AND object = ?2 AND field = ?3 AND kind = ?4 AND rule = ?5 AND part = ?6";
        catalog.run(sql, &args)?;
    }
    Ok(())
}
