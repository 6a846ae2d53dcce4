//! What is live, summed up by source: objects by state, findings by type.
//!
//! Every row of the ledger and of the statistics is gone through. That is done a stretch of generations at a time, so that
//! what is grouped fits into a cache, and by several connections at once; and not at all while nothing has changed: a
//! million rows take longer than to find out that their files are as they were.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use residuum_detect::Type;
use residuum_source::Coverage;

use super::catalog::{Catalog, bulk};
use super::error::Result;
use super::inventory::SourceState;
use super::{LiveTotals, ScanTotal};

/// Generations of a stretch.
const STRETCH: i64 = 100_000;

/// Objects of sources by their worst state, which is a number as in [`Coverage::ALL`]: how many, and their records.
const OBJECTS: &str = "SELECT json_group_array(json_array(source, worst, n, r)) FROM (SELECT o.source, c.worst, \
    count(*) AS n, sum(c.records) AS r FROM (SELECT object, sum(records) AS records, max(CASE state WHEN 'read' THEN 0 \
    WHEN 'derived' THEN 1 WHEN 'excluded' THEN 2 WHEN 'unsupported' THEN 3 WHEN 'unreadable' THEN 4 ELSE 5 END) AS worst \
    FROM coverage WHERE generation BETWEEN ?1 AND ?2 AND generation NOT IN (SELECT id FROM generation WHERE state <> 1 \
    AND id BETWEEN ?1 AND ?2) GROUP BY generation, object) c JOIN object o ON o.id = c.object GROUP BY o.source, c.worst)";

/// Findings of sources by type, and a zero to keep the shape.
const FINDINGS: &str = "SELECT json_group_array(json_array(source, kind, n, 0)) FROM (SELECT o.source, f.kind, \
    sum(f.n_values) AS n FROM field_stat f JOIN object o ON o.id = f.object WHERE f.generation BETWEEN ?1 AND ?2 \
    AND f.generation NOT IN (SELECT id FROM generation WHERE state <> 1 AND id BETWEEN ?1 AND ?2) \
    GROUP BY o.source, f.kind)";

/// Part of the catalog's schema: the sums as the last scan left them, for as long as nothing has changed what is live.
pub(super) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS settled (sums TEXT NOT NULL);";

/// By source and what the statement groups by: how many, and their records.
type Sums = BTreeMap<(u32, u8), (u64, u64)>;

/// A row of [`Sums`], as the statements give it and the catalog keeps it.
type Row = (u32, u8, u64, u64);

/// What is live, by numbers.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct LiveSums {
    objects: Sums,
    findings: Sums,
}

/// Sums up the catalog as it was last committed, while nobody writes; or takes what was settled.
pub(super) fn sums(catalog: &mut Catalog) -> Result<LiveSums> {
    let settled: Vec<(Vec<Row>, Vec<Row>)> = catalog.rows("SELECT json_group_array(json(sums)) FROM settled", &[])?;
    let Some((objects, findings)) = settled.into_iter().next() else {
        return summed_up(catalog.file());
    };
    let mut sums = LiveSums::default();
    add(&mut sums.objects, objects);
    add(&mut sums.findings, findings);
    if cfg!(debug_assertions) {
        assert_eq!(sums, summed_up(catalog.file())?, "what changes what is live says so");
    }
    Ok(sums)
}

/// What is live changes, in the transaction that has begun.
pub(super) fn unsettle(catalog: &mut Catalog) -> Result<()> {
    catalog.run("DELETE FROM settled", &[]).map(drop)
}

impl LiveSums {
    /// With the names of the sources.
    pub(super) fn totals(&self, catalog: &mut Catalog) -> Result<LiveTotals> {
        let sources = sources(catalog)?;
        Ok(LiveTotals { states: states(&self.objects, &sources), findings: types(&self.findings, &sources) })
    }

    /// Keeps them, in the transaction that has begun.
    pub(super) fn settle(&self, catalog: &mut Catalog) -> Result<()> {
        let rows = |sums: &Sums| -> Vec<Row> { sums.iter().map(|(key, sum)| (key.0, key.1, sum.0, sum.1)).collect() };
        unsettle(catalog)?;
        catalog.run("INSERT INTO settled VALUES (?)", &[bulk(&(rows(&self.objects), rows(&self.findings)))]).map(drop)
    }
}

fn summed_up(file: &Path) -> Result<LiveSums> {
    let mut catalog = Catalog::snapshot(file)?;
    let stretches = stretches(&mut catalog)?;
    let work: Vec<_> = stretches.iter().flat_map(|stretch| [(OBJECTS, *stretch), (FINDINGS, *stretch)]).collect();
    let next = AtomicUsize::new(0);
    let one = |catalog: &mut Catalog| -> Result<LiveSums> {
        let mut sums = LiveSums::default();
        while let Some((sql, stretch)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let of = if *sql == OBJECTS { &mut sums.objects } else { &mut sums.findings };
            add(of, rows(catalog, sql, *stretch)?);
        }
        Ok(sums)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            (1..stretches.len().min(cores)).map(|_| scope.spawn(|| one(&mut Catalog::snapshot(file)?))).collect();
        let mut sums = one(&mut catalog)?;
        for other in others {
            let more = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            merge(&mut sums.objects, more.objects);
            merge(&mut sums.findings, more.findings);
        }
        Ok(sums)
    })
}

/// How many objects of each source are in which state.
pub(super) fn source_states(catalog: &mut Catalog) -> Result<Vec<SourceState>> {
    let mut objects = Sums::new();
    for stretch in stretches(catalog)? {
        add(&mut objects, rows(catalog, OBJECTS, stretch)?);
    }
    Ok(states(&objects, &sources(catalog)?))
}

/// The first and last generation of each stretch.
fn stretches(catalog: &mut Catalog) -> Result<Vec<[i64; 2]>> {
    let last: i64 = catalog.one("SELECT ifnull(max(id), 0) FROM generation", &[])?;
    Ok((1..=last).step_by(STRETCH as usize).map(|first| [first, first + STRETCH - 1]).collect())
}

fn rows(catalog: &mut Catalog, sql: &'static str, [first, last]: [i64; 2]) -> Result<Vec<Row>> {
    catalog.rows(sql, &[first.into(), last.into()])
}

fn add(sums: &mut Sums, rows: Vec<Row>) {
    merge(sums, rows.into_iter().map(|(source, by, n, records)| ((source, by), (n, records))));
}

fn merge(sums: &mut Sums, more: impl IntoIterator<Item = ((u32, u8), (u64, u64))>) {
    for (key, (n, records)) in more {
        let sum = sums.entry(key).or_default();
        *sum = (sum.0 + n, sum.1 + records);
    }
}

/// Names and kinds of sources by their numbers.
fn sources(catalog: &mut Catalog) -> Result<BTreeMap<u32, (String, String)>> {
    let rows: Vec<(u32, String, String)> =
        catalog.rows("SELECT json_group_array(json_array(id, name, kind)) FROM source", &[])?;
    Ok(rows.into_iter().map(|(id, name, kind)| (id, (name, kind))).collect())
}

fn states(objects: &Sums, sources: &BTreeMap<u32, (String, String)>) -> Vec<SourceState> {
    let state = |(&(source, worst), &(objects, records)): (&(u32, u8), &(u64, u64))| {
        let (source, kind) = sources.get(&source)?;
        let coverage = Coverage::ALL[usize::from(worst)];
        Some(SourceState {
            source: source.as_str().into(),
            source_kind: kind.as_str().into(),
            coverage,
            objects,
            records,
        })
    };
    let mut states: Vec<_> = objects.iter().filter_map(state).collect();
    states.sort_by(|a, b| a.source.cmp(&b.source)); // those of a source are in the order of states already
    states
}

fn types(findings: &Sums, sources: &BTreeMap<u32, (String, String)>) -> Vec<ScanTotal> {
    let total = |(&(source, kind), &(findings, _)): (&(u32, u8), &(u64, u64))| {
        let (source, _) = sources.get(&source)?;
        Some(ScanTotal { source: source.clone(), kind: Type::from_number(kind)?, findings })
    };
    let mut totals: Vec<_> = findings.iter().filter_map(total).collect();
    totals.sort_by(|a, b| a.source.cmp(&b.source)); // those of a source are in the order of types already
    totals
}
