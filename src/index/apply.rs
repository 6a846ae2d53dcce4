//! A commit: one transaction that makes units part of the index.
//!
//! A listed object gets a *generation* for each version that a scan reads. The generation is building while parts
//! of it are missing, live when the last is in, dead when a newer one took its place. A part that is in already is
//! not taken twice: its findings are noted as dead from the start.
//!
//! An archive of a million members is one unit: what became of its members is *staged* under the building
//! generation while it is read, so that the ledger of a unit need not fit into memory. It counts when the unit is in;
//! what a killed process staged goes before its part is read again.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use serde_json::{Value, json};

use super::catalog::{Arg, BUILDING, Catalog, DEAD, LIVE, bulk};
use super::error::{IndexError, Result};
use super::names::Fresh;
use super::writer::{RunningScan, State, Writer, sync_dir};
use super::{Commit, ListedPart, PendingSegment, UnitRecord, live, sums};
use crate::keyfile::hex;

/// Rows that travel to the catalog together.
const ROWS: usize = 20_000;

const COVERAGE: &str = "INSERT INTO coverage SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                   value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11 \
                   FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET state = excluded.state, \
                   reason = excluded.reason, bytes = bytes + excluded.bytes, records = records + excluded.records, \
                   members = members + excluded.members";
const FIELD_STATS: &str = "INSERT INTO field_stat SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                   value ->> 5, value ->> 6, value ->> 7 FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET \
                   n_values = n_values + excluded.n_values, n_records = n_records + excluded.n_records";
const FIELD_TOTALS: &str = "INSERT INTO field_total SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                   value ->> 5 FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET \
                   n_values = n_values + excluded.n_values, n_records = n_records + excluded.n_records";

/// The generation of findings that were never live.
const NEVER: i64 = 0;

pub(super) fn commit(writer: &Writer, commit: Commit) -> Result<()> {
    let mut state = writer.state();
    let scan = running(&state, commit.scan)?;
    let segments = || commit.units.iter().flat_map(|unit| &unit.segments);
    for segment in segments() {
        segment.place()?;
    }
    if segments().next().is_some() {
        sync_dir(&writer.index.segments())?;
    }
    let fresh = transact(writer, &mut state, scan, |application| application.apply(&commit))?;
    let mut names = writer.names();
    let listed = commit.units.iter().flat_map(|unit| &unit.listed).map(|part| part.object);
    listed.for_each(|object| names.seen.insert(object));
    names.kept(&fresh, commit.units.iter().flat_map(|unit| &unit.objects).map(|record| record.object));
    drop(names);
    commit.units.into_iter().flat_map(|unit| unit.segments).for_each(PendingSegment::keep);
    Ok(())
}

/// Puts what became of some members of a unit into the catalog before the unit is in; see the module.
pub(super) fn stage(writer: &Writer, scan: u32, unit: &UnitRecord) -> Result<()> {
    let mut state = writer.state();
    let scan = running(&state, scan)?;
    let fresh = transact(writer, &mut state, scan, |application| application.stage(unit))?;
    writer.names().kept(&fresh, unit.objects.iter().map(|record| record.object));
    Ok(())
}

fn running(state: &State, scan: u32) -> Result<RunningScan> {
    let running = state.scan.filter(|running| running.id == scan);
    running.ok_or_else(|| IndexError::Misuse(format!("scan {scan} is not running")))
}

/// One transaction, which keeps the names that are new, too.
fn transact(
    writer: &Writer,
    state: &mut State,
    scan: RunningScan,
    apply: impl FnOnce(&mut Application<'_>) -> Result<()>,
) -> Result<Fresh> {
    let fresh = writer.names().fresh();
    state.catalog.begin()?;
    let next = state.next_generation;
    let applied = live::unsettle(&mut state.catalog)
        .and_then(|()| fresh.write(&mut state.catalog, scan.id))
        .and_then(|()| apply(&mut Application::new(state, scan, writer.key())));
    if let Err(error) = state.catalog.end(applied) {
        state.next_generation = next;
        return Err(error);
    }
    Ok(fresh)
}

/// A generation that parts may be added to.
pub(super) struct Building {
    pub(super) id: i64,
    pub(super) version: String,
    pub(super) sound: bool,
    pub(super) parts: u32,
    scan: u32,
    digest: String,
    key: String,
    done: HashSet<u32>,
}

struct Application<'a> {
    state: &'a mut State,
    scan: RunningScan,
    key: String,
}

impl<'a> Application<'a> {
    fn new(state: &'a mut State, scan: RunningScan, key: String) -> Self {
        Self { state, scan, key }
    }

    fn apply(&mut self, commit: &Commit) -> Result<()> {
        let parts: Vec<&ListedPart> = commit.units.iter().flat_map(|unit| &unit.listed).collect();
        let mut generations = self.generations(&parts)?;
        let mut units = Vec::new();
        // For each unit, the generation of each listed object; NEVER for a part that is in already.
        let mut taken: Vec<HashMap<u32, i64>> = Vec::new();
        for unit in &commit.units {
            let mut of = HashMap::new();
            for part in &unit.listed {
                let building = generations.get_mut(&part.object).expect("made for every listed object");
                if building.done.insert(part.part) {
                    self.forget_staged(building, part.part)?;
                    units.push(json!([building.id, part.part, hex(&unit.id)]));
                    of.insert(part.object, building.id);
                } else {
                    of.insert(part.object, NEVER);
                }
            }
            taken.push(of);
        }
        self.insert("INSERT INTO unit SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)", &units)?;
        self.ledger(&commit.units, &taken)?;
        self.segments(commit, &taken)?;
        self.complete(generations.values())
    }

    /// Writes the ledger of some members of a unit that is still being read.
    fn stage(&mut self, unit: &UnitRecord) -> Result<()> {
        let generations = self.generations(&unit.listed.iter().collect::<Vec<_>>())?;
        let mut of = HashMap::new();
        for part in &unit.listed {
            let building = &generations[&part.object];
            let is_in = building.done.contains(&part.part);
            of.insert(part.object, if is_in { NEVER } else { building.id });
            if !is_in {
                self.forget_staged(building, part.part)?;
            }
        }
        self.ledger(std::slice::from_ref(unit), &[of])
    }

    /// Removes what an earlier process staged of a part, once, before the first of this one.
    fn forget_staged(&mut self, building: &Building, part: u32) -> Result<()> {
        let is_first = self.state.staged.insert((building.id, part));
        if !is_first || building.scan == self.scan.id {
            return Ok(());
        }
        for sql in [
            "DELETE FROM coverage WHERE generation = ? AND part = ?",
            "DELETE FROM field_stat WHERE generation = ? AND part = ?",
            "DELETE FROM field_total WHERE generation = ? AND part = ?",
        ] {
            self.state.catalog.run(sql, &[building.id.into(), part.into()])?;
        }
        Ok(())
    }

    /// The generation each listed object's parts belong to: one that is being built and fits, or a new one.
    fn generations(&mut self, parts: &[&ListedPart]) -> Result<BTreeMap<u32, Building>> {
        let objects: Vec<u32> = parts.iter().map(|part| part.object).collect();
        let mut building = building(&mut self.state.catalog, &objects)?;
        let mut generations = BTreeMap::<u32, Building>::new();
        let (mut dead, mut made) = (Vec::new(), Vec::new());
        for part in parts {
            if let Some(known) = generations.get(&part.object) {
                if known.version != part.version.text || known.parts != part.parts {
                    return Err(IndexError::Misuse("one commit holds two versions of an object".to_owned()));
                }
                continue;
            }
            let known = building.remove(&part.object);
            let fits = known.as_ref().is_some_and(|known| self.continues(known, part));
            let generation = match known {
                Some(known) if fits => known,
                other => {
                    dead.extend(other.map(|other| other.id));
                    let id = self.state.next_generation;
                    self.state.next_generation += 1;
                    let (text, sound) = (&part.version.text, part.version.sound);
                    made.push(json!([id, part.object, self.scan.id, text, sound, part.parts, self.key, BUILDING]));
                    Building {
                        id,
                        version: text.clone(),
                        sound,
                        parts: part.parts,
                        scan: self.scan.id,
                        digest: hex(&self.scan.digest),
                        key: self.key.clone(),
                        done: HashSet::new(),
                    }
                }
            };
            generations.insert(part.object, generation);
        }
        bury(&mut self.state.catalog, &dead)?;
        let sql = "INSERT INTO generation SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                   value ->> 5, value ->> 6, value ->> 7 FROM json_each(?)";
        self.insert(sql, &made)?;
        Ok(generations)
    }

    /// Whether a part may join what is being built.
    fn continues(&self, known: &Building, part: &ListedPart) -> bool {
        known.version == part.version.text
            && known.parts == part.parts
            && (known.scan == self.scan.id || resumable(known, self.scan, &self.key))
    }

    fn ledger(&mut self, units: &[UnitRecord], taken: &[HashMap<u32, i64>]) -> Result<()> {
        let (mut coverage, mut stats, mut totals) = (Vec::new(), Vec::new(), Vec::new());
        let mut present = Vec::new();
        for (unit, taken) in units.iter().zip(taken) {
            let part_of: HashMap<u32, u32> = unit.listed.iter().map(|part| (part.object, part.part)).collect();
            let mut listed_of = HashMap::new();
            for record in &unit.objects {
                let Some(&generation) = taken.get(&record.listed) else {
                    return Err(IndexError::Misuse(
                        "a unit names an object in a container that it does not list".to_owned(),
                    ));
                };
                listed_of.insert(record.object, record.listed);
                if generation == NEVER {
                    continue;
                }
                present.push(record.object);
                let bounded = |n: u64| n.min(i64::MAX as u64);
                coverage.push(json!([
                    generation,
                    record.object,
                    part_of[&record.listed],
                    record.coverage.name(),
                    record.reason,
                    record.format,
                    record.encoding,
                    bounded(record.bytes),
                    bounded(record.records),
                    bounded(record.members),
                    serde_json::to_string(&record.primary_key).expect("texts"),
                    record.plan,
                ]));
                self.insert_full(COVERAGE, &mut coverage)?;
            }
            let place = |object: u32| -> Result<Option<(i64, u32)>> {
                let listed = listed_of.get(&object).ok_or_else(|| {
                    IndexError::Misuse("a unit counts fields of an object that it does not name".to_owned())
                })?;
                Ok(Some((taken[listed], part_of[listed])).filter(|(generation, _)| *generation != NEVER))
            };
            for s in &unit.field_stats {
                if let Some((generation, part)) = place(s.object)? {
                    stats.push(json!([generation, s.object, s.field, s.kind as u8, s.rule, part, s.values, s.records]));
                    self.insert_full(FIELD_STATS, &mut stats)?;
                }
            }
            for t in &unit.field_totals {
                if let Some((generation, part)) = place(t.object)? {
                    totals.push(json!([generation, t.object, t.field, part, t.values, t.records]));
                    self.insert_full(FIELD_TOTALS, &mut totals)?;
                }
            }
        }
        self.insert(COVERAGE, &coverage)?;
        self.insert(FIELD_STATS, &stats)?;
        self.insert(FIELD_TOTALS, &totals)?;
        let sql = "UPDATE object SET gone = NULL WHERE gone IS NOT NULL AND id IN (SELECT value FROM json_each(?))";
        self.state.catalog.run(sql, &[bulk(&present)]).map(drop)
    }

    fn segments(&mut self, commit: &Commit, taken: &[HashMap<u32, i64>]) -> Result<()> {
        let mut anywhere: HashMap<u32, i64> = HashMap::new();
        let mut by_unit = Vec::new();
        for (unit, taken) in commit.units.iter().zip(taken) {
            let of: HashMap<u32, i64> = unit.objects.iter().map(|r| (r.object, taken[&r.listed])).collect();
            anywhere.extend(of.iter().map(|(&object, &generation)| (object, generation)));
            by_unit.push(of);
        }
        let staged = self.staged(commit, &anywhere)?;
        let (mut segments, mut files, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (unit, of) in commit.units.iter().zip(&by_unit) {
            for segment in &unit.segments {
                segments.push((segment.id, &self.key, segment.rows, segment.bytes()));
                files.push((segment.id, segment.files));
                for found in &segment.objects {
                    let named = of.get(&found.object).or_else(|| anywhere.get(&found.object));
                    let generation = named.or_else(|| staged.get(&found.object));
                    let generation = generation.ok_or_else(|| {
                        IndexError::Misuse("a segment holds findings of an object that no unit names".to_owned())
                    })?;
                    rows.push((segment.id, found.object, generation, found.first, found.rows));
                }
            }
        }
        sums::insert(&mut self.state.catalog, &files)?;
        insert_segments(&mut self.state.catalog, &segments, &rows)
    }

    /// The generations of objects that findings are of and no unit names: they were staged.
    fn staged(&mut self, commit: &Commit, named: &HashMap<u32, i64>) -> Result<HashMap<u32, i64>> {
        let found = commit.units.iter().flat_map(|unit| &unit.segments).flat_map(|segment| &segment.objects);
        let unnamed: HashSet<u32> =
            found.map(|rows| rows.object).filter(|object| !named.contains_key(object)).collect();
        if unnamed.is_empty() {
            return Ok(HashMap::new());
        }
        let parts = commit.units.iter().flat_map(|unit| &unit.listed);
        let listed: Vec<u32> = parts.map(|part| part.object).collect();
        let mut staged = HashMap::with_capacity(unnamed.len());
        for objects in unnamed.into_iter().collect::<Vec<_>>().chunks(ROWS) {
            let rows: Vec<(u32, i64)> = self.state.catalog.rows(
                "SELECT json_group_array(json_array(c.object, c.generation)) FROM coverage c \
                 JOIN generation g ON g.id = c.generation AND g.state = ?3 \
                 WHERE c.object IN (SELECT value FROM json_each(?1)) AND g.object IN (SELECT value FROM json_each(?2))",
                &[bulk(&objects), bulk(&listed), BUILDING.into()],
            )?;
            staged.extend(rows);
        }
        Ok(staged)
    }

    /// Makes generations live whose last part is in.
    fn complete<'g>(&mut self, generations: impl Iterator<Item = &'g Building>) -> Result<()> {
        let complete: Vec<i64> = generations.filter(|g| g.done.len() >= g.parts as usize).map(|g| g.id).collect();
        if complete.is_empty() {
            return Ok(());
        }
        let catalog = &mut self.state.catalog;
        let old: Vec<i64> = catalog.rows(
            "SELECT json_group_array(id) FROM generation WHERE state = ?2 AND object IN \
             (SELECT object FROM generation WHERE id IN (SELECT value FROM json_each(?1)))",
            &[bulk(&complete), LIVE.into()],
        )?;
        bury(catalog, &old)?;
        let sql = "UPDATE generation SET state = ?2 WHERE id IN (SELECT value FROM json_each(?1))";
        catalog.run(sql, &[bulk(&complete), LIVE.into()]).map(drop)
    }

    /// Inserts rows as soon as there are enough: an archive may have millions of members.
    fn insert_full(&mut self, sql: &'static str, rows: &mut Vec<Value>) -> Result<()> {
        if rows.len() >= ROWS {
            self.insert(sql, rows)?;
            rows.clear();
        }
        Ok(())
    }

    fn insert(&mut self, sql: &'static str, rows: &[Value]) -> Result<()> {
        for rows in rows.chunks(ROWS) {
            self.state.catalog.run(sql, &[bulk(&rows)])?;
        }
        Ok(())
    }
}

/// A segment as the catalog keeps it: id, key, rows, bytes.
pub(super) type SegmentRow<'a> = (u64, &'a String, u64, u64);

pub(super) fn insert_segments(
    catalog: &mut Catalog,
    segments: &[SegmentRow<'_>],
    objects: &[(u64, u32, &i64, u32, u32)],
) -> Result<()> {
    let sql = "INSERT INTO segment SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)";
    catalog.run(sql, &[bulk(&segments)])?;
    for rows in objects.chunks(20_000) {
        let sql = "INSERT INTO segment_object SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
                   FROM json_each(?)";
        catalog.run(sql, &[bulk(&rows)])?;
    }
    Ok(())
}

/// Marks generations as dead and forgets what they stood for; their rows go with the next compaction.
pub(super) fn bury(catalog: &mut Catalog, generations: &[i64]) -> Result<()> {
    if generations.is_empty() {
        return Ok(());
    }
    let which: [Arg; 1] = [bulk(&generations)];
    for sql in [
        "DELETE FROM coverage WHERE generation IN (SELECT value FROM json_each(?))",
        "DELETE FROM unit WHERE generation IN (SELECT value FROM json_each(?))",
        "DELETE FROM field_stat WHERE generation IN (SELECT value FROM json_each(?))",
        "DELETE FROM field_total WHERE generation IN (SELECT value FROM json_each(?))",
        "DELETE FROM generation WHERE id IN (SELECT value FROM json_each(?)) \
         AND NOT EXISTS (SELECT 1 FROM segment_object WHERE generation = generation.id)",
    ] {
        catalog.run(sql, &which)?;
    }
    let sql = "UPDATE generation SET state = ?2 WHERE id IN (SELECT value FROM json_each(?1))";
    catalog.run(sql, &[bulk(&generations), DEAD.into()]).map(drop)
}

/// Whether what an earlier scan began may be finished by this one.
pub(super) fn resumable(known: &Building, scan: RunningScan, key: &str) -> bool {
    known.sound && !scan.full && known.digest == hex(&scan.digest) && known.key == key
}

/// Generations of these objects that are being built, with the parts that are in.
pub(super) fn building(catalog: &mut Catalog, objects: &[u32]) -> Result<HashMap<u32, Building>> {
    type Row = (i64, u32, String, i64, u32, u32, String, String);
    // Mostly there is none of any object; the index over states tells so without a look at each of these.
    let sql = "SELECT EXISTS (SELECT 1 FROM generation WHERE state <> 1 AND state = ?)";
    if catalog.one::<i64>(sql, &[BUILDING.into()])? == 0 {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = catalog.rows(
        "SELECT json_group_array(json_array(g.id, g.object, g.version, g.sound, g.parts, g.scan, s.digest, g.key)) \
         FROM generation g JOIN scan s ON s.id = g.scan \
         WHERE g.state = ?2 AND g.object IN (SELECT value FROM json_each(?1))",
        &[bulk(&objects), BUILDING.into()],
    )?;
    let mut found: HashMap<u32, Building> = rows
        .into_iter()
        .map(|(id, object, version, sound, parts, scan, digest, key)| {
            (object, Building { id, version, sound: sound != 0, parts, scan, digest, key, done: HashSet::new() })
        })
        .collect();
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<i64> = found.values().map(|building| building.id).collect();
    let done: Vec<(i64, u32)> = catalog.rows(
        "SELECT json_group_array(json_array(generation, part)) FROM unit \
         WHERE generation IN (SELECT value FROM json_each(?))",
        &[bulk(&ids)],
    )?;
    let mut parts: HashMap<i64, HashSet<u32>> = HashMap::new();
    done.into_iter().for_each(|(generation, part)| {
        parts.entry(generation).or_default().insert(part);
    });
    found.values_mut().for_each(|building| building.done = parts.remove(&building.id).unwrap_or_default());
    Ok(found)
}
