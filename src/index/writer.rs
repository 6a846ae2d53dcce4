//! The one who writes: numbers names, writes segments from any thread, commits what is done.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashSet;
use residuum_detect::Scheme;
use residuum_source::TableKey;

use super::catalog::Catalog;
use super::error::{IndexError, Result};
use super::names::{Names, load_objects};
use super::segment::{self, Print, PrintsWriter, RecordsWriter};
use super::sums::{self, SegmentSums};
use super::{Commit, Findings, Index, KnownObject, LiveTotals, ScanEnd, ScanInfo, UnitRecord, id_text};
use super::{apply, live, rest, scans};

/// The writer of an index; shared by reference among worker threads.
pub struct Writer {
    pub(super) index: Index,
    pub(super) names: Mutex<Names>,
    pub(super) state: Mutex<State>,
    /// Held while segments are merged or rewritten.
    pub(super) rewriting: Mutex<()>,
    next_segment: AtomicU64,
    /// Last, so that the index is free for others only when all else is done.
    _lock: File,
}

/// What changes with every commit.
pub(super) struct State {
    pub(super) catalog: Catalog,
    pub(super) scan: Option<RunningScan>,
    pub(super) next_generation: i64,
    /// Generations and parts of which this writer has staged something, or needs not.
    pub(super) staged: HashSet<(i64, u32)>,
}

/// The scan that is running.
#[derive(Clone, Copy)]
pub(super) struct RunningScan {
    pub(super) id: u32,
    pub(super) digest: [u8; 32],
    pub(super) full: bool,
}

/// A segment that is written but not yet part of the index; dropped without a commit it is removed.
#[derive(Debug)]
pub struct PendingSegment {
    pub(super) id: u64,
    pub(super) rows: u64,
    pub(super) files: SegmentSums,
    pub(super) objects: Vec<ObjectRows>,
    dir: PathBuf,
    kept: bool,
}

/// Which rows of a segment are of which object.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectRows {
    pub(super) object: u32,
    pub(super) first: u32,
    pub(super) rows: u32,
}

impl Writer {
    pub(super) fn open(index: &Index) -> Result<Self> {
        let lock = lock(&index.dir)?;
        let file = index.catalog_file();
        // What is read of a damaged catalog is not used: that it is damaged comes first.
        let (checked, read) = rayon::join(
            || rest::check(&file),
            || {
                let mut catalog = Catalog::open(&file)?;
                Names::load(&mut catalog).map(|names| (catalog, names))
            },
        );
        checked?;
        let (mut catalog, names) = read?;
        rest::end(&file)?;
        catalog.run(sums::SCHEMA, &[])?;
        catalog.run(live::SCHEMA, &[])?;
        let live: Vec<u64> = catalog.rows("SELECT json_group_array(id) FROM segment", &[])?;
        remove_strays(&index.segments(), &live.iter().copied().collect())?;
        let next_segment = AtomicU64::new(live.into_iter().max().unwrap_or(0) + 1);
        let next_generation = catalog.one("SELECT ifnull(max(id), 0) + 1 FROM generation", &[])?;
        let names = Mutex::new(names);
        let state = Mutex::new(State { catalog, scan: None, next_generation, staged: HashSet::new() });
        Ok(Self { index: index.clone(), names, state, rewriting: Mutex::new(()), next_segment, _lock: lock })
    }

    /// The number of a source.
    pub fn source(&self, name: &str, kind: &str) -> u32 {
        self.names().source(name, kind)
    }

    /// The number of an object by its name, which is sealed where it is personal.
    pub fn object(&self, source: u32, path: &str) -> u32 {
        self.names().object(source, path)
    }

    /// The number of a field by its name, the same in every object.
    pub fn field(&self, path: &str) -> u32 {
        self.names().field(path)
    }

    /// The number of a rule.
    pub fn rule(&self, id: &str) -> u16 {
        self.names().rule(id)
    }

    /// Says that the running scan's listing has this object, read again or not. What no listing has any more is
    /// gone, see [`ScanEnd::complete`]; objects that are committed count as listed.
    pub fn listed(&self, object: u32) {
        self.names().seen.insert(object);
    }

    /// Keeps the keys that a source's schema and its owner declare, in place of those known before.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn set_keys(&self, source: u32, keys: &[TableKey]) -> Result<()> {
        scans::set_keys(self, source, keys)
    }

    /// What the index knows of a listed object; see [`Writer::known_many`].
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn known(&self, source: u32, path: &str) -> Result<Option<KnownObject>> {
        Ok(self.known_many(source, &[path])?.pop().flatten())
    }

    /// What the index knows of listed objects, in the order given: many at a time cost little more than one.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn known_many(&self, source: u32, paths: &[&str]) -> Result<Vec<Option<KnownObject>>> {
        scans::known(self, source, paths)
    }

    /// Begins a scan and gives its number.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn begin_scan(&self, info: &ScanInfo) -> Result<u32> {
        scans::begin(self, info)
    }

    /// Ends a scan: marks what is gone, notes what is live, and gives it.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub fn end_scan(&self, scan: u32, end: &ScanEnd) -> Result<LiveTotals> {
        scans::end(self, scan, end)
    }

    /// Writes a segment to the disk, not yet as a part of the index, and empties the buffer. Any thread may.
    ///
    /// # Errors
    /// [`IndexError::Full`] if the disk is; [`IndexError::Misuse`] for an empty buffer or a name without number.
    pub fn write_segment(&self, findings: &mut Findings) -> Result<PendingSegment> {
        if findings.is_empty() {
            return Err(IndexError::Misuse("a segment without findings is not written".to_owned()));
        }
        let ranks = self.ranks(findings)?;
        let order = segment::canonical(findings, &ranks);
        let mut pending = self.pending();
        let mut records = RecordsWriter::new(&records_draft(&pending));
        for rows in order.chunks(segment::GROUP_ROWS) {
            records.group(findings, rows)?;
        }
        let (rows, records) = records.finish()?;
        let mut prints = PrintsWriter::new(&prints_draft(&pending));
        for prints_group in prints_of(findings, &order).chunks(segment::GROUP_ROWS) {
            prints.group(prints_group)?;
        }
        pending.rows = rows;
        pending.files = SegmentSums { records: Some(records), prints: Some(prints.finish()?) };
        pending.objects = objects_of(order.iter().map(|&row| findings.object[row as usize]));
        findings.clear();
        Ok(pending)
    }

    /// Keeps what became of some members of a unit that is still being read, so that it need not be held in memory;
    /// it counts when the unit is committed. The unit's identity and segments do not matter here.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn stage(&self, scan: u32, unit: &UnitRecord) -> Result<()> {
        apply::stage(self, scan, unit)
    }

    /// Makes units part of the index, all of them or, on an error, none.
    ///
    /// # Errors
    /// [`IndexError::Full`] if the disk is; [`IndexError::Misuse`] if findings and objects do not fit together.
    pub fn commit(&self, commit: Commit) -> Result<()> {
        apply::commit(self, commit)
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        // Names stay consistent whatever happens to a thread that holds them: each call finishes its change.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A transaction that was not ended is rolled back when the next begins or the connection closes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn key(&self) -> String {
        id_text(self.index.keys.current())
    }

    /// A segment to be written.
    pub(super) fn pending(&self) -> PendingSegment {
        let id = self.next_segment.fetch_add(1, Ordering::Relaxed);
        PendingSegment {
            id,
            rows: 0,
            files: SegmentSums::default(),
            objects: Vec::new(),
            dir: self.index.segments(),
            kept: false,
        }
    }

    fn ranks(&self, findings: &Findings) -> Result<segment::Ranks> {
        let missing = match self.names().ranks(findings, &hashbrown::HashMap::new()) {
            Ok(ranks) => return Ok(ranks),
            Err(missing) => missing,
        };
        let loaded = load_objects(&mut self.state().catalog, &missing)?;
        self.names().ranks(findings, &loaded).map_err(|missing| {
            IndexError::Misuse(format!("findings name an object, {}, that has no number", missing[0]))
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Without a digest the catalog is as good, only unchecked until the next writer ends.
        if state.catalog.close().is_ok() {
            let _ = rest::begin(&self.index.catalog_file());
        }
    }
}

impl PendingSegment {
    /// How many findings.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is none; a written segment has some.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.files.bytes()
    }

    /// Gives the files their names, so that the catalog may name the segment.
    pub(super) fn place(&self) -> Result<()> {
        for (draft, file) in [
            (records_draft(self), segment::records_file(&self.dir, self.id)),
            (prints_draft(self), segment::prints_file(&self.dir, self.id)),
        ] {
            fs::rename(&draft, &file).map_err(IndexError::io(&file, "made"))?;
        }
        Ok(())
    }

    /// The catalog names the segment.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for PendingSegment {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed when the next writer starts.
            for draft in [records_draft(self), prints_draft(self)] {
                let _ = fs::remove_file(draft);
            }
            remove_segment(&self.dir, self.id);
        }
    }
}

pub(super) fn records_draft(pending: &PendingSegment) -> PathBuf {
    segment::records_file(&pending.dir, pending.id).with_extension("new")
}

pub(super) fn prints_draft(pending: &PendingSegment) -> PathBuf {
    segment::prints_file(&pending.dir, pending.id).with_extension("new")
}

pub(super) fn remove_segment(dir: &Path, id: u64) {
    for file in [segment::records_file(dir, id), segment::prints_file(dir, id)] {
        let _ = fs::remove_file(file);
    }
}

pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(IndexError::io(dir, "written"))
}

/// Which rows are of which object, from the objects of ordered rows.
pub(super) fn objects_of(objects: impl Iterator<Item = u32>) -> Vec<ObjectRows> {
    let mut found: Vec<ObjectRows> = Vec::new();
    for (row, object) in objects.enumerate() {
        match found.last_mut() {
            Some(last) if last.object == object => last.rows += 1,
            _ => found.push(ObjectRows { object, first: row as u32, rows: 1 }),
        }
    }
    found
}

/// What rows in this order are found under; those of one fingerprint in the order of rows, look-up forms last.
fn prints_of(findings: &Findings, order: &[u32]) -> Vec<Print> {
    let print = |row: u32, at: u32, scheme: Scheme, fp| Print {
        fp,
        kind: findings.kind[row as usize],
        scheme: scheme as u8,
        row: at,
    };
    let mut prints = Vec::with_capacity(order.len() + findings.lookups.len());
    let rows = order.iter().zip(0..);
    prints.extend(rows.map(|(&row, at)| print(row, at, Scheme::Canonical, findings.fp[row as usize])));
    if !findings.lookups.is_empty() {
        let mut place = vec![0u32; order.len()];
        order.iter().zip(0..).for_each(|(&row, at)| place[row as usize] = at);
        let lookups = findings.lookups.iter();
        prints.extend(lookups.map(|&(row, scheme, fp)| print(row, place[row as usize], scheme, fp)));
    }
    segment::sort_prints(prints)
}

/// Takes the index for this process; the system gives it back when the process ends, however it ends.
pub(super) fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(IndexError::io(&path, "written"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            return Err(IndexError::Locked { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(IndexError::io(&path, "locked")(error)),
    }
    // The number only serves the message to others; a full disk must not keep an index from being compacted.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// Removes what processes left behind that were killed before they committed, or after and before they cleaned up.
fn remove_strays(dir: &Path, live: &HashSet<u64>) -> Result<()> {
    let entries = fs::read_dir(dir).map_err(IndexError::io(dir, "read"))?;
    for entry in entries {
        let path = entry.map_err(IndexError::io(dir, "read"))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((number, rest)) = name.split_once('.') else { continue };
        let Ok(id) = number.parse::<u64>() else { continue };
        let ours = ["records.parquet", "prints.parquet", "records.new", "prints.new"].contains(&rest);
        if ours && (rest.ends_with("new") || !live.contains(&id)) {
            fs::remove_file(&path).map_err(IndexError::io(&path, "removed"))?;
        }
    }
    Ok(())
}
