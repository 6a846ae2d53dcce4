//! Segments are merged in bounded levels, and rewritten without what is to be forgotten.
//!
//! A level holds segments of about the same size; eight of them become one of the next. So a finding is rewritten
//! a handful of times at most, and a look-up meets a few dozen segments whatever their content. Rows whose version
//! is dead are left out on the way. Readers that are open keep the files they have open.

use std::ops::Range;
use std::sync::{MutexGuard, PoisonError};

use hashbrown::{HashMap, HashSet};
use residuum_detect::Fingerprint;
use residuum_source::Record;

use super::Findings;
use super::apply::insert_segments;
use super::catalog::{Catalog, DEAD, bulk};
use super::error::{IndexError, Result};
use super::merge::Merge;
use super::names::{load_objects, ranked};
use super::reader::{joined, ranges, without};
use super::segment::{
    self, Cursor, Print, PrintStream, Prints, PrintsWriter, Ranks, Records, RecordsWriter, Selection,
};
use super::writer::{ObjectRows, PendingSegment, Writer, prints_draft, records_draft, remove_segment, sync_dir};

/// Segments of a level that are merged into one.
const FAN_IN: usize = 8;
/// At most so many at once, when many small ones have gathered.
const MOST: usize = 64;
/// Levels hold segments of less than 8 Ki, 64 Ki, 512 Ki and 4 Mi findings; larger ones are not merged again.
const LEVELS: u32 = 4;

/// What a compaction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Compacted {
    /// Segments merged or dropped.
    pub before: u64,
    /// Segments written instead.
    pub after: u64,
    /// Findings dropped because they were not live.
    pub dropped: u64,
}

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
    /// Merges segments where a level is full and drops what is dead; returns at once when there is nothing to do.
    /// Scans go on meanwhile: any thread may call it after commits.
    ///
    /// # Errors
    /// [`IndexError::Full`] if the disk is, with the index as it was; [`IndexError::Damaged`] if a segment is.
    pub fn compact(&self) -> Result<Compacted> {
        let _alone = self.rewriting();
        let mut done = Compacted::default();
        loop {
            // The state is free for commits while the group is written.
            let group = next_group(&mut self.state().catalog)?;
            let Some(group) = group else { return Ok(done) };
            let rewritten = rewrite(self, &group, &HashMap::new())?;
            done.before += group.len() as u64;
            done.after += u64::from(rewritten.written);
            done.dropped += rewritten.dropped;
        }
    }

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

    fn rewriting(&self) -> MutexGuard<'_, ()> {
        // Nothing is guarded but the turn.
        self.rewriting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows_to_forget(&self, id: u64, what: &Retract) -> Result<Selection> {
        let dir = self.index.segments();
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
                let prints = Prints::open(&segment::prints_file(&dir, id))?;
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
                let file = Records::open(&segment::records_file(&dir, id))?;
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

/// Segments to be written as one: those of a full level, or one that is mostly dead.
fn next_group(catalog: &mut Catalog) -> Result<Option<Vec<u64>>> {
    let rows: Vec<(u64, String, u64, u64)> = catalog.rows(
        "SELECT json_group_array(json_array(s.id, s.key, s.n_rows, ifnull((SELECT sum(o.n_rows) FROM segment_object o \
         WHERE o.segment = s.id AND (o.generation = 0 OR o.generation IN (SELECT id FROM generation \
         WHERE state <> 1 AND state = ?))), 0)) ORDER BY s.id) FROM segment s",
        &[DEAD.into()],
    )?;
    if let Some((id, ..)) = rows.iter().find(|(_, _, rows, dead)| dead * 2 > *rows) {
        return Ok(Some(vec![*id]));
    }
    let mut levels: HashMap<(&str, u32), Vec<u64>> = HashMap::new();
    for (id, key, rows, dead) in &rows {
        let level = (0..LEVELS).find(|level| rows - dead < 1 << (13 + 3 * level));
        if let Some(level) = level {
            levels.entry((key, level)).or_default().push(*id);
        }
    }
    let mut full: Vec<_> = levels.into_iter().filter(|(_, ids)| ids.len() >= FAN_IN).collect();
    full.sort_unstable();
    for ((_, level), ids) in full {
        // Small ones are cheap to merge many at a time; of large ones no more than it takes.
        let most = if level == 0 { MOST } else { FAN_IN };
        let group = compatible(catalog, &ids, most)?;
        if group.len() >= FAN_IN {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

/// Segments in which no object stands in two versions that are not dead: a segment knows one version of each.
fn compatible(catalog: &mut Catalog, ids: &[u64], most: usize) -> Result<Vec<u64>> {
    let mut version: HashMap<u32, i64> = HashMap::new();
    let mut group = Vec::new();
    for &id in ids {
        let objects = objects_in(catalog, &[id])?;
        let fits = |row: &&ObjectIn| version.get(&row.object).is_none_or(|known| *known == row.generation);
        if objects.iter().filter(|row| !row.dead).all(|row| fits(&row)) {
            version.extend(objects.iter().filter(|row| !row.dead).map(|row| (row.object, row.generation)));
            group.push(id);
            if group.len() == most {
                break;
            }
        }
    }
    Ok(group)
}

/// Rows of an object in a segment.
struct ObjectIn {
    segment: u64,
    object: u32,
    generation: i64,
    rows: Range<u32>,
    dead: bool,
}

fn objects_in(catalog: &mut Catalog, segments: &[u64]) -> Result<Vec<ObjectIn>> {
    let rows: Vec<(u64, u32, i64, u32, u32, i64)> = catalog.rows(
        "SELECT json_group_array(json_array(o.segment, o.object, o.generation, o.first, o.n_rows, \
         o.generation = 0 OR ifnull(g.state, 2) = 2)) FROM segment_object o \
         LEFT JOIN generation g ON g.id = o.generation WHERE o.segment IN (SELECT value FROM json_each(?))",
        &[bulk(&segments)],
    )?;
    let object = |(segment, object, generation, first, count, dead)| ObjectIn {
        segment,
        object,
        generation,
        rows: first..first + count,
        dead: dead != 0,
    };
    Ok(rows.into_iter().map(object).collect())
}

struct Rewritten {
    id: Option<u64>,
    written: bool,
    dropped: u64,
}

/// Writes some segments as one, without what is dead and without what is to be forgotten, in one transaction.
fn rewrite(writer: &Writer, ids: &[u64], forget: &HashMap<u64, Selection>) -> Result<Rewritten> {
    let objects = objects_in(&mut writer.state().catalog, ids)?;
    let generations: HashMap<u32, i64> =
        objects.iter().filter(|row| !row.dead).map(|row| (row.object, row.generation)).collect();
    let key: String = writer.state().catalog.one("SELECT key FROM segment WHERE id = ?", &[(ids[0] as i64).into()])?;
    let dir = writer.index.segments();
    let mut cursors = Vec::new();
    let mut prints = Vec::new();
    let (mut all, mut less) = (0, Vec::new());
    for &id in ids {
        let records = Records::open(&segment::records_file(&dir, id))?;
        prints.push(Prints::open(&segment::prints_file(&dir, id))?);
        let mut gone: Selection =
            objects.iter().filter(|o| o.segment == id && o.dead).map(|o| o.rows.clone()).collect();
        joined(&mut gone);
        let rows = records.rows() as u32;
        if let Some(forget) = forget.get(&id) {
            let alive = without(0..rows, &gone);
            less.push((records.clone(), intersection(&alive, forget)));
            gone.extend(forget.iter().cloned());
            joined(&mut gone);
        }
        all += u64::from(rows);
        cursors.push((Cursor::new(records, without(0..rows, &gone)), rows));
    }
    let ranks = ranks(writer, objects.iter().filter(|row| !row.dead).map(|row| row.object).collect())?;
    let (cursors, sizes): (Vec<_>, Vec<_>) = cursors.into_iter().unzip();
    let (mut pending, map) = merge_records(writer.pending(), cursors, &sizes, &ranks)?;
    if pending.rows > 0 {
        pending.bytes += merge_prints(&pending, prints, &map)?;
        pending.place()?;
        sync_dir(&dir)?;
    }
    let mut counts = HashMap::new();
    less.into_iter().try_for_each(|(records, rows)| count(records, rows, &generations, &mut counts))?;
    let mut state = writer.state();
    state.catalog.begin()?;
    let swapped = swap(&mut state.catalog, ids, &pending, &key, &generations)
        .and_then(|()| counts.iter().try_for_each(|(of, less)| uncount(&mut state.catalog, of, *less)));
    state.catalog.end(swapped)?;
    drop(state);
    let rewritten = Rewritten {
        id: (pending.rows > 0).then_some(pending.id),
        written: pending.rows > 0,
        dropped: all - pending.rows,
    };
    if pending.rows > 0 {
        pending.keep();
    }
    ids.iter().for_each(|&id| remove_segment(&dir, id));
    Ok(rewritten)
}

fn ranks(writer: &Writer, mut objects: Vec<u32>) -> Result<Ranks> {
    let mut state = writer.state();
    objects.sort_unstable();
    objects.dedup();
    let names = load_objects(&mut state.catalog, &objects)?;
    let sources: Vec<(u32, String)> =
        state.catalog.rows("SELECT json_group_array(json_array(id, name)) FROM source", &[])?;
    let fields: Vec<(u32, String)> =
        state.catalog.rows("SELECT json_group_array(json_array(id, path)) FROM field", &[])?;
    let rules: Vec<(u16, String)> =
        state.catalog.rows("SELECT json_group_array(json_array(id, name)) FROM rule", &[])?;
    drop(state);
    let sources: HashMap<u32, String> = sources.into_iter().collect();
    let fields: HashMap<u32, String> = fields.into_iter().collect();
    let rules: HashMap<u16, String> = rules.into_iter().collect();
    let object = |id: &u32| names.get(id).map(|(source, path)| (sources.get(source), path));
    Ok(Ranks {
        objects: ranked(objects, object),
        fields: ranked(fields.keys().copied().collect(), |id| &fields[id]),
        rules: ranked(rules.keys().copied().collect(), |id| &rules[id]),
    })
}

/// Writes the merged `records` file; says where each row went, `u32::MAX` for those left out.
fn merge_records(
    mut pending: PendingSegment,
    cursors: Vec<Cursor>,
    sizes: &[u32],
    ranks: &Ranks,
) -> Result<(PendingSegment, Vec<Vec<u32>>)> {
    let mut map: Vec<Vec<u32>> = sizes.iter().map(|&rows| vec![u32::MAX; rows as usize]).collect();
    let mut writer = RecordsWriter::new(&records_draft(&pending));
    let mut block = Findings::new();
    let mut merge = Merge::new(cursors, ranks)?;
    let mut objects: Vec<ObjectRows> = Vec::new();
    let mut next = 0u32;
    let flush = |writer: &mut RecordsWriter, block: &mut Findings| -> Result<()> {
        let order: Vec<u32> = (0..block.len() as u32).collect();
        writer.group(block, &order)?;
        block.clear();
        Ok(())
    };
    while let Some((from, cursor)) = merge.peek() {
        map[from][cursor.row() as usize] = next;
        let object = cursor.block.object[cursor.at];
        match objects.last_mut() {
            Some(last) if last.object == object => last.rows += 1,
            _ => objects.push(ObjectRows { object, first: next, rows: 1 }),
        }
        next += 1;
        block.push_from(&cursor.block, cursor.at);
        if block.len() == segment::GROUP_ROWS {
            flush(&mut writer, &mut block)?;
        }
        merge.advance()?;
    }
    if !block.is_empty() {
        flush(&mut writer, &mut block)?;
    }
    if next > 0 {
        (pending.rows, pending.bytes) = writer.finish()?;
    }
    pending.objects = objects;
    Ok((pending, map))
}

/// Writes the merged `prints` file with the rows' new numbers; gives its bytes.
fn merge_prints(pending: &PendingSegment, prints: Vec<Prints>, map: &[Vec<u32>]) -> Result<u64> {
    let mut streams: Vec<PrintStream> = prints.into_iter().map(PrintStream::new).collect();
    let next = |stream: &mut PrintStream, map: &[u32]| -> Result<Option<Print>> {
        while let Some(print) = stream.next()? {
            match map.get(print.row as usize) {
                Some(&row) if row != u32::MAX => return Ok(Some(Print { row, ..print })),
                _ => {}
            }
        }
        Ok(None)
    };
    let mut heads = Vec::with_capacity(streams.len());
    for (stream, map) in streams.iter_mut().zip(map) {
        heads.push(next(stream, map)?);
    }
    let mut writer = PrintsWriter::new(&prints_draft(pending));
    let mut block = Vec::new();
    while let Some(first) = (0..heads.len()).filter(|&i| heads[i].is_some()).min_by_key(|&i| heads[i]) {
        block.extend(heads[first]);
        heads[first] = next(&mut streams[first], &map[first])?;
        if block.len() == segment::GROUP_ROWS {
            writer.group(&block)?;
            block.clear();
        }
    }
    if !block.is_empty() {
        writer.group(&block)?;
    }
    writer.finish()
}

fn swap(
    catalog: &mut Catalog,
    old: &[u64],
    new: &PendingSegment,
    key: &String,
    generations: &HashMap<u32, i64>,
) -> Result<()> {
    let which = [bulk(&old)];
    catalog.run("DELETE FROM segment WHERE id IN (SELECT value FROM json_each(?))", &which)?;
    catalog.run("DELETE FROM segment_object WHERE segment IN (SELECT value FROM json_each(?))", &which)?;
    if new.rows > 0 {
        let rows: Vec<_> = new
            .objects
            .iter()
            .map(|rows| (new.id, rows.object, &generations[&rows.object], rows.first, rows.rows))
            .collect();
        insert_segments(catalog, &[(new.id, key, new.rows, new.bytes)], &rows)?;
    }
    let sql = "DELETE FROM generation WHERE state <> 1 AND state = ? \
               AND NOT EXISTS (SELECT 1 FROM segment_object WHERE generation = generation.id)";
    catalog.run(sql, &[DEAD.into()]).map(drop)
}

/// What a count in the statistics is of: generation, object, field, type, rule.
type Counted = (i64, u32, u32, u8, u16);

/// Counts findings that are forgotten, and the records they are in.
fn count(
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
fn uncount(catalog: &mut Catalog, of: &Counted, (mut values, mut records): (i64, i64)) -> Result<()> {
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

fn intersection(a: &[Range<u32>], b: &[Range<u32>]) -> Selection {
    let mut common = Selection::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (start, end) = (x.start.max(y.start), x.end.min(y.end));
        if start < end {
            common.push(start..end);
        }
        if x.end < y.end { i += 1 } else { j += 1 }
    }
    common
}
