//! Segments are merged in bounded levels, and written anew without what is dead or to be forgotten.
//!
//! A level holds segments of about the same size; sixteen of them become one of the next. So a finding is rewritten
//! a handful of times at most, and a look-up meets a few dozen segments whatever their content. Rows whose version
//! is dead are left out on the way. Readers that are open keep the files they have open.

use std::ops::Range;
use std::sync::{MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::apply::insert_segments;
use super::catalog::{Catalog, DEAD, bulk};
use super::error::Result;
use super::merge::Merge;
use super::names::{load_objects, ranked};
use super::ranges::{intersection, joined, without};
use super::retract::{count, uncount};
use super::segment::{
    self, Cursor, FileSum, Print, PrintStream, Prints, PrintsWriter, Ranks, RecordsWriter, Selection,
};
use super::sums::{self, Sums};
use super::writer::{ObjectRows, PendingSegment, Writer, prints_draft, records_draft, remove_segment, sync_dir};
use super::{Findings, live};

/// Segments of a level that are merged into one.
const FAN_IN: usize = 16;
/// At most so many at once, when many small ones have gathered.
const MOST: usize = 64;
/// Levels hold segments of less than 8 Ki, 128 Ki, 2 Mi and 32 Mi findings; larger ones are not merged again.
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
            done.after += u64::from(rewritten.id.is_some());
            done.dropped += rewritten.dropped;
        }
    }

    pub(super) fn rewriting(&self) -> MutexGuard<'_, ()> {
        // Nothing is guarded but the turn.
        self.rewriting.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        let level = (0..LEVELS).find(|level| rows - dead < 1 << (13 + 4 * level));
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

/// What was written instead of some segments.
pub(super) struct Rewritten {
    /// The new segment, unless nothing was left.
    pub(super) id: Option<u64>,
    dropped: u64,
}

/// Writes some segments as one, without what is dead and without what is to be forgotten, in one transaction.
pub(super) fn rewrite(writer: &Writer, ids: &[u64], forget: &HashMap<u64, Selection>) -> Result<Rewritten> {
    let objects = objects_in(&mut writer.state().catalog, ids)?;
    let generations: HashMap<u32, i64> =
        objects.iter().filter(|row| !row.dead).map(|row| (row.object, row.generation)).collect();
    let key: String = writer.state().catalog.one("SELECT key FROM segment WHERE id = ?", &[(ids[0] as i64).into()])?;
    let dir = writer.index.segments();
    let sums = Sums::load(&mut writer.state().catalog)?;
    let mut cursors = Vec::new();
    let mut prints = Vec::new();
    let (mut all, mut less) = (0, Vec::new());
    for &id in ids {
        let (records, in_order) = sums.open(&dir, id)?;
        prints.push(in_order);
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
        pending.files.prints = Some(merge_prints(&pending, prints, &map)?);
        pending.place()?;
        sync_dir(&dir)?;
    }
    let mut counts = HashMap::new();
    less.into_iter().try_for_each(|(records, rows)| count(records, rows, &generations, &mut counts))?;
    let mut state = writer.state();
    state.catalog.begin()?;
    let swapped = swap(&mut state.catalog, ids, &pending, &key, &generations)
        .and_then(|()| if counts.is_empty() { Ok(()) } else { live::unsettle(&mut state.catalog) })
        .and_then(|()| counts.iter().try_for_each(|(of, less)| uncount(&mut state.catalog, of, *less)));
    state.catalog.end(swapped)?;
    drop(state);
    let rewritten = Rewritten { id: (pending.rows > 0).then_some(pending.id), dropped: all - pending.rows };
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
        let (rows, sum) = writer.finish()?;
        pending.rows = rows;
        pending.files.records = Some(sum);
    }
    pending.objects = objects;
    Ok((pending, map))
}

/// Writes the merged `prints` file with the rows' new numbers.
fn merge_prints(pending: &PendingSegment, prints: Vec<Prints>, map: &[Vec<u32>]) -> Result<FileSum> {
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
    sums::remove(catalog, old)?;
    catalog.run("DELETE FROM segment_object WHERE segment IN (SELECT value FROM json_each(?))", &which)?;
    if new.rows > 0 {
        let rows: Vec<_> = new
            .objects
            .iter()
            .map(|rows| (new.id, rows.object, &generations[&rows.object], rows.first, rows.rows))
            .collect();
        insert_segments(catalog, &[(new.id, key, new.rows, new.bytes())], &rows)?;
        sums::insert(catalog, &[(new.id, new.files)])?;
    }
    let sql = "DELETE FROM generation WHERE state <> 1 AND state = ? \
               AND NOT EXISTS (SELECT 1 FROM segment_object WHERE generation = generation.id)";
    catalog.run(sql, &[DEAD.into()]).map(drop)
}
