//! Scans as the index sees them: when one begins and ends, what is known of an object, what is gone.

use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::HashMap;
use residuum_source::{Coverage, KeyKind, TableKey, Version};
use serde_json::json;

use super::apply::{building, bury, resumable};
use super::catalog::{BUILDING, Catalog, LIVE, bulk};
use super::error::{IndexError, Result};
use super::names::Numbers;
use super::writer::{RunningScan, Writer};
use super::{KnownObject, LiveTotals, LiveVersion, PartialVersion, ScanEnd, ScanInfo, ScanTotal, live};
use crate::keyfile::{hex, unhex};

pub(super) fn begin(writer: &Writer, info: &ScanInfo) -> Result<u32> {
    let mut state = writer.state();
    let catalog = &mut state.catalog;
    catalog.begin()?;
    let begun = insert(catalog, info);
    let id = catalog.end(begun)?;
    state.scan = Some(RunningScan { id, digest: info.digest, full: info.full });
    drop(state);
    writer.names().seen = Numbers::default();
    Ok(id)
}

fn insert(catalog: &mut Catalog, info: &ScanInfo) -> Result<u32> {
    let sql = "INSERT INTO scan (started, digest, full_scan, sample) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)";
    catalog.run(sql, &[bulk(&[json!([now(), hex(&info.digest), info.full, info.sample])])])?;
    catalog.one("SELECT max(id) FROM scan", &[])
}

pub(super) fn end(writer: &Writer, scan: u32, end: &ScanEnd) -> Result<LiveTotals> {
    let seen = std::mem::take(&mut writer.names().seen);
    let mut state = writer.state();
    if state.scan.is_none_or(|running| running.id != scan) {
        return Err(IndexError::Misuse(format!("scan {scan} is not running")));
    }
    let catalog = &mut state.catalog;
    catalog.begin()?;
    let marked = mark_gone(catalog, scan, end, &seen);
    catalog.end(marked)?;
    let sums = live::sums(catalog)?;
    let totals = sums.totals(catalog)?;
    catalog.begin()?;
    let noted = note_end(catalog, scan, end, &totals.findings).and_then(|()| sums.settle(catalog));
    catalog.end(noted)?;
    state.scan = None;
    Ok(totals)
}

fn mark_gone(catalog: &mut Catalog, scan: u32, end: &ScanEnd, seen: &Numbers) -> Result<()> {
    if end.complete.is_empty() {
        return Ok(());
    }
    // What was not seen is little, mostly: a set here costs a fraction of a join there.
    let sql = "SELECT json_group_array(object) FROM generation WHERE state IN (?1, ?2)";
    let there: Vec<u32> = catalog.rows(sql, &[BUILDING.into(), LIVE.into()])?;
    let unseen: Vec<u32> = there.into_iter().filter(|object| !seen.contains(*object)).collect();
    let gone: Vec<(u32, i64)> = catalog.rows(
        "SELECT json_group_array(json_array(g.object, g.id)) FROM generation g JOIN object o ON o.id = g.object \
         WHERE o.source IN (SELECT value FROM json_each(?1)) AND g.state IN (?3, ?4) \
         AND g.object IN (SELECT value FROM json_each(?2))",
        &[bulk(&end.complete), bulk(&unseen), BUILDING.into(), LIVE.into()],
    )?;
    if gone.is_empty() {
        return Ok(());
    }
    let generations: Vec<i64> = gone.iter().map(|(_, generation)| *generation).collect();
    let members: Vec<u32> = catalog.rows(
        "SELECT json_group_array(DISTINCT object) FROM coverage WHERE generation IN (SELECT value FROM json_each(?))",
        &[bulk(&generations)],
    )?;
    live::unsettle(catalog)?;
    bury(catalog, &generations)?;
    let objects: Vec<u32> = gone.iter().map(|(object, _)| *object).chain(members).collect();
    let sql = "UPDATE object SET gone = ?2 WHERE gone IS NULL AND id IN (SELECT value FROM json_each(?1))";
    catalog.run(sql, &[bulk(&objects), scan.into()]).map(drop)
}

fn note_end(catalog: &mut Catalog, scan: u32, end: &ScanEnd, totals: &[ScanTotal]) -> Result<()> {
    let totals: Vec<_> = totals.iter().map(|of| (&of.source, of.kind as u8, of.findings)).collect();
    let sql = "UPDATE scan SET ended = ?2, interrupted = ?3, totals = ?4 WHERE id = ?1";
    let interrupted = i64::from(end.interrupted).into();
    catalog.run(sql, &[scan.into(), now().into(), interrupted, bulk(&totals)]).map(drop)
}

pub(super) fn known(writer: &Writer, source: u32, paths: &[&str]) -> Result<Vec<Option<KnownObject>>> {
    let ids: Vec<Option<u32>> = {
        let names = writer.names();
        paths.iter().map(|path| names.known_object(source, path)).collect()
    };
    let objects: Vec<u32> = ids.iter().flatten().copied().collect();
    if objects.is_empty() {
        return Ok(vec![None; paths.len()]);
    }
    let mut state = writer.state();
    let scan =
        state.scan.ok_or_else(|| IndexError::Misuse("what is known depends on the scan: begin one".to_owned()))?;
    let mut live = live(&mut state.catalog, &objects, &writer.key())?;
    let mut partial = HashMap::new();
    for (object, building) in building(&mut state.catalog, &objects)? {
        if resumable(&building, scan, &writer.key()) {
            let done = done(&mut state.catalog, building.id)?;
            let version = Version { text: building.version, sound: building.sound };
            partial.insert(object, PartialVersion { version, parts: building.parts, done });
        }
    }
    let mut known = |object: u32| {
        let known = KnownObject { object, live: live.remove(&object), partial: partial.remove(&object) };
        (known.live.is_some() || known.partial.is_some()).then_some(known)
    };
    Ok(ids.into_iter().map(|id| id.and_then(&mut known)).collect())
}

fn live(catalog: &mut Catalog, objects: &[u32], key: &str) -> Result<HashMap<u32, LiveVersion>> {
    type Row = (u32, i64, String, i64, u32, i64);
    let scans: Vec<(u32, String, Option<u64>)> =
        catalog.rows("SELECT json_group_array(json_array(id, digest, sample)) FROM scan", &[])?;
    let scans: HashMap<u32, ([u8; 32], bool)> =
        scans.into_iter().map(|(id, of, sample)| (id, (digest(&of), sample.is_some()))).collect();
    let rows: Vec<Row> = match stretch(objects.iter().copied().map(i64::from)) {
        Some([first, last]) => catalog.rows(
            "SELECT json_group_array(json_array(g.object, g.id, g.version, g.sound, g.scan, g.key = ?4)) \
             FROM generation g WHERE g.object BETWEEN ?1 AND ?2 AND g.state = ?3",
            &[first.into(), last.into(), LIVE.into(), key.into()],
        )?,
        None => catalog.rows(
            "SELECT json_group_array(json_array(g.object, g.id, g.version, g.sound, g.scan, g.key = ?3)) \
             FROM generation g WHERE g.state = ?2 AND g.object IN (SELECT value FROM json_each(?1))",
            &[bulk(&objects), LIVE.into(), key.into()],
        )?,
    };
    let generations: Vec<i64> = rows.iter().map(|row| row.1).collect();
    let unread = worst_states(catalog, &generations)?;
    let version = |(object, generation, text, sound, scan, current): Row| {
        let (digest, sampled) = scans.get(&scan).copied().unwrap_or_default();
        let live = LiveVersion {
            version: Version { text, sound: sound != 0 },
            digest,
            sampled,
            coverage: unread.get(&generation).copied().unwrap_or(Coverage::Read),
            current_key: current != 0,
        };
        (object, live)
    };
    Ok(rows.into_iter().map(version).collect())
}

/// The worst that became of anything in generations, where that is not that it was read.
fn worst_states(catalog: &mut Catalog, generations: &[i64]) -> Result<HashMap<i64, Coverage>> {
    let rows: Vec<(i64, String)> = match stretch(generations.iter().copied()) {
        Some([first, last]) => catalog.rows(
            "SELECT json_group_array(json_array(generation, state)) FROM (SELECT DISTINCT generation, state \
             FROM coverage WHERE generation BETWEEN ?1 AND ?2 AND state <> ?3)",
            &[first.into(), last.into(), Coverage::Read.name().into()],
        )?,
        None => catalog.rows(
            "SELECT json_group_array(json_array(generation, state)) FROM (SELECT DISTINCT generation, state \
             FROM coverage WHERE generation IN (SELECT value FROM json_each(?1)) AND state <> ?2)",
            &[bulk(&generations), Coverage::Read.name().into()],
        )?,
    };
    let mut worst = HashMap::new();
    for (generation, state) in rows {
        let of = worst.entry(generation).or_insert(Coverage::Read);
        *of = (*of).max(coverage(&state)?);
    }
    Ok(worst)
}

/// The first and last of numbers that stand so close together that reading all between them costs less than looking each
/// up: objects and their generations are numbered as they are listed, and listed in the same order again.
fn stretch(numbers: impl ExactSizeIterator<Item = i64> + Clone) -> Option<[i64; 2]> {
    let (first, last) = (numbers.clone().min()?, numbers.clone().max()?);
    ((last - first) / 2 < numbers.len() as i64).then_some([first, last])
}

fn done(catalog: &mut Catalog, generation: i64) -> Result<Vec<(u32, [u8; 32])>> {
    let sql = "SELECT json_group_array(json_array(part, id) ORDER BY part) FROM unit WHERE generation = ?";
    let rows: Vec<(u32, String)> = catalog.rows(sql, &[generation.into()])?;
    Ok(rows.into_iter().map(|(part, id)| (part, digest(&id))).collect())
}

pub(super) fn set_keys(writer: &Writer, source: u32, keys: &[TableKey]) -> Result<()> {
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let (kind, to) = match &key.kind {
                KeyKind::Primary => ("primary", None),
                KeyKind::Unique => ("unique", None),
                KeyKind::Foreign { object, columns } => ("foreign", Some((object.as_str(), columns))),
            };
            let columns = |columns: &Vec<String>| serde_json::to_string(columns).expect("texts");
            let (to_object, to_columns) = to.map(|(object, to)| (object, columns(to))).unzip();
            json!([source, key.object.as_str(), columns(&key.columns), kind, to_object, to_columns])
        })
        .collect();
    let mut state = writer.state();
    let fresh = writer.names().fresh();
    let scan = state.scan.map_or(0, |scan| scan.id);
    let catalog = &mut state.catalog;
    catalog.begin()?;
    let set = fresh
        .write(catalog, scan)
        .and_then(|()| catalog.run("DELETE FROM declared_key WHERE source = ?", &[source.into()]))
        .and_then(|_| {
            let sql = "INSERT INTO declared_key SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
                       value ->> 5 FROM json_each(?)";
            catalog.run(sql, &[bulk(&rows)])
        });
    catalog.end(set)?;
    writer.names().kept(&fresh, std::iter::empty());
    Ok(())
}

/// A digest as the catalog keeps it; another text, which nothing here writes, equals no digest.
pub(super) fn digest(text: &str) -> [u8; 32] {
    unhex(text).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

pub(super) fn coverage(name: &str) -> Result<Coverage> {
    let unknown = || IndexError::Misuse(format!("the catalog holds a state `{name}` that this program does not know"));
    Coverage::from_name(name).ok_or_else(unknown)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
