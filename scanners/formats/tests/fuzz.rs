//! Every decoder and editor on damaged input: nothing panics, everything comes to an end and is told.
//!
//! Coverage-guided fuzzing needs a compiler that is not stable, so that this goes without: each file that another program
//! made is cut, flipped, doubled and mixed for as many seconds as `RESIDUUM_FUZZ_SECONDS` says (2 if it says nothing),
//! one thread for each decoder. A run that fails says with what seed, file and count of rounds it did; with
//! `RESIDUUM_FUZZ_DECODER`, `RESIDUUM_FUZZ_SEED` and `RESIDUUM_FUZZ_ROUND` it is done again, alone and from that round on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use residuum_source::conformance::check_shape;
use residuum_source::{
    Action, Batch, Change, Editor, Flow, Limits, NewValue, ObjectPath, Outcome, Part, Record, Refusal, Rows, Sink,
};

use residuum_formats::{Input, ReadAt, read};

/// What a decoder is tried on: the names of the files, by their beginning or end.
const DECODERS: &[(&str, &[&str])] = &[
    ("sheets", &["people.xlsx", "libreoffice.xlsx", "people.ods", "orphans.xlsx"]),
    ("documents", &["letter.docx", "libreoffice.docx", "letter.odt", "changed.odt", "show.pptx", "show.odp"]),
    ("old documents", &["people.xls", "libreoffice.xls", "people.xlsb", "old.doc", "message.msg"]),
    #[cfg(feature = "pdf")]
    ("pdf", &["libreoffice.pdf", "chromium.pdf", "reportlab.pdf", "owner.pdf", "form.pdf", "scanned.pdf"]),
    ("avro", &["null.avro", "deflate.avro", "snappy.avro", "zstandard.avro", "bzip2.avro", "xz.avro"]),
    ("bson", &["people.bson"]),
    #[cfg(feature = "orc")]
    ("orc", &["/orc/"]),
    ("images", &["photo.jpg", "drawing.png", "scan.tif", "photo.webp"]),
    ("parquet", &["types.parquet", "old.parquet"]),
    ("texts", &["/texts/"]),
];

/// One input may take so long, however damaged it is. Generous: the machine may be busy.
const MOST: Duration = Duration::from_secs(60);

#[test]
fn damaged_files_come_to_an_end() {
    let seconds = std::env::var("RESIDUUM_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    let seed = std::env::var("RESIDUUM_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1u64);
    let files = Arc::new(fixtures());
    // Libraries panic on what is damaged, which is caught and told: only what goes wrong here is worth a line.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|at| at.file().contains("scanners")) {
            usual(panic);
        }
    }));
    let (begun, time) = (Instant::now(), Duration::from_secs(seconds));
    let mut running = Vec::new();
    let only = std::env::var("RESIDUUM_FUZZ_DECODER").ok();
    for (decoder, names) in DECODERS.iter().filter(|(name, _)| only.as_deref().is_none_or(|only| only == *name)) {
        let files = files.clone();
        // One that hangs is found from outside.
        let last = Arc::new(Last::default());
        let at = last.clone();
        let run = move || {
            let is_one = |(path, _): &&(PathBuf, Vec<u8>)| names.iter().any(|name| is_of(path, name));
            fuzz(decoder, &files.iter().filter(is_one).collect::<Vec<_>>(), seed, begun, time, &at)
        };
        // By its name one knows a thread whose stack overflows.
        let thread = std::thread::Builder::new().name((*decoder).to_owned());
        running.push((decoder, last, thread.spawn(run).expect("a thread starts")));
    }
    while running.iter().any(|(.., thread)| !thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(50));
        for (decoder, last, thread) in &running {
            let since = Duration::from_millis(last.begun.load(Ordering::Relaxed));
            let round = last.round.load(Ordering::Relaxed);
            let hangs = !thread.is_finished() && begun.elapsed() >= since + MOST;
            assert!(!hangs, "{decoder} hangs in round {round}, RESIDUUM_FUZZ_SEED={seed}");
        }
    }
    for (decoder, _, thread) in running {
        let rounds = thread.join().unwrap_or_else(|_| panic!("{decoder} failed; its thread said how"));
        assert!(rounds > 0, "{decoder} was not tried");
    }
}

/// The last input that was begun.
#[derive(Default)]
struct Last {
    round: AtomicU64,
    /// When, in milliseconds.
    begun: AtomicU64,
}

fn fuzz(decoder: &str, files: &[&(PathBuf, Vec<u8>)], seed: u64, begun: Instant, time: Duration, last: &Last) -> u64 {
    let mut random = Random(seed ^ decoder.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte)));
    let mut rounds = 0;
    let first = std::env::var("RESIDUUM_FUZZ_ROUND").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let limits = Limits {
        batch_bytes: 4 << 10,
        whole_bytes: 16 << 20,
        expanded_bytes: 64 << 20,
        nesting: 64,
        ..Limits::default()
    };
    assert!(!files.is_empty(), "{decoder} has no files");
    while rounds == 0 || begun.elapsed() < time {
        let (path, whole) = files[random.below(files.len())];
        let mut bytes = whole.clone();
        let other = &files[random.below(files.len())].1;
        (0..1 + random.below(4)).for_each(|_| damage(&mut bytes, other, &mut random));
        if rounds < first {
            rounds += 1;
            continue;
        }
        last.begun.store(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
        last.round.store(rounds, Ordering::Relaxed);
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let started = Instant::now();
        let told = std::panic::catch_unwind(|| {
            let mut seen = Told::default();
            let object = ObjectPath::from_bytes(name.as_bytes());
            let flow = match rounds % 4 {
                0 => read(&object, Input::Stream(&mut bytes.as_slice()), &limits, &mut seen),
                _ => read(&object, Input::Stored(Arc::new(bytes.clone())), &limits, &mut seen),
            };
            assert!(flow.is_continue() && seen.open.is_empty() && seen.closed > 0, "every part is closed");
            if rounds % 2 == 1 {
                edit(&object, bytes.clone(), seen.records, &limits, rounds);
            }
        });
        let what = || format!("{decoder}: {name}, round {rounds}, RESIDUUM_FUZZ_SEED={seed}");
        assert!(told.is_ok(), "{}", what());
        assert!(started.elapsed() < MOST, "{} took {:?}", what(), started.elapsed());
        rounds += 1;
    }
    rounds
}

/// Deletes and replaces what was read: whatever the file is, that is done or refused, and the result can be read.
fn edit(object: &ObjectPath, bytes: Vec<u8>, records: BTreeMap<ObjectPath, Vec<Record>>, limits: &Limits, round: u64) {
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let mut editor = Meddle { round: round as usize };
    let plan = residuum_formats::edit::plan(object, &input, &records, limits, &mut editor);
    if plan.is_empty() || plan.removes_object() {
        return;
    }
    let mut out = Vec::new();
    // What is damaged may turn out not to be packed again.
    if plan.write(&input, &mut out).is_ok() {
        let mut seen = Told::default();
        assert!(read(object, Input::Stored(Arc::new(out)), limits, &mut seen).is_continue());
    }
}

/// An editor that deletes some records and replaces values of others.
struct Meddle {
    round: usize,
}

impl Editor for Meddle {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let mut changes = Vec::new();
        for record in 0..(batch.records.count() as usize).min(50) {
            let action = match (record + self.round) % 3 {
                0 => Action::Delete,
                _ => Action::Set(replacements(batch, record, self.round)),
            };
            changes.push(Change { record, action });
        }
        changes
    }

    fn close(&mut self) {}

    fn refused(&mut self, _: &ObjectPath, _: Option<&Record>, refusal: Refusal) {
        assert!(!refusal.reason.is_empty());
    }
}

/// A replacement of a stretch of the record's value in each column in which each record has one.
fn replacements(batch: &Batch, record: usize, round: usize) -> Vec<NewValue> {
    const NEW: [&[u8]; 6] = [b"", b"x", b"a,b\"c", b"<&>]]>", "\u{e9}\n\u{2713}".as_bytes(), b"'\\"];
    let mut values = Vec::new();
    for (column, of) in batch.columns.iter().enumerate() {
        let value = match &of.rows {
            Rows::Each => Some(record),
            Rows::Listed(rows) => rows.iter().position(|row| *row as usize == record),
            Rows::Dictionary(keys) => keys.get(record).map(|key| *key as usize),
        };
        let Some((&start, &end)) = value.and_then(|value| Some((of.offsets.get(value)?, of.offsets.get(value + 1)?)))
        else {
            continue;
        };
        let end = if round.is_multiple_of(2) { end } else { start + (end - start) / 2 };
        let new = NEW[(round + column) % NEW.len()].to_vec();
        values.push(NewValue { column, bytes: start..end, new: Some(new.into()) });
    }
    values
}

/// Notes what is opened and closed, and the records, and looks at the batches.
#[derive(Default)]
struct Told {
    open: Vec<ObjectPath>,
    closed: usize,
    records: BTreeMap<ObjectPath, Vec<Record>>,
}

impl Sink for Told {
    fn open(&mut self, part: Part) -> Flow {
        self.open.push(part.path);
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let part = self.open.last().expect("a batch belongs to an open part");
        check_shape(&batch);
        let records = self.records.entry(part.clone()).or_default();
        let count = (batch.records.count() as usize).min(50);
        records.extend((0..count).map(|record| batch.record(record).whole()));
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        assert!(!outcome.coverage.is_incomplete() || outcome.reason.is_some(), "what is not read is told why");
        self.open.pop();
        self.closed += 1;
        Flow::Continue(())
    }
}

/// Changes some bytes as broken disks, cut-off copies and ill will do.
fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        return bytes.push(0);
    }
    let at = random.below(bytes.len());
    let len = (1 + random.below(64)).min(bytes.len() - at);
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'<', b'[', b'('][random.below(7)],
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + len)),
        4 => {
            let block = bytes[at..at + len].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, block);
        }
        5 => (0..len).for_each(|i| bytes[at + i] = random.below(256) as u8),
        6 => {
            // A length or a position that is far off.
            let far: [u8; 4] = [u32::MAX, 1 << 31, 1 << 24, 0][random.below(4)].to_le_bytes();
            (0..4.min(bytes.len() - at)).for_each(|i| bytes[at + i] = far[i]);
        }
        7 => {
            let from = random.below(other.len().max(1)).min(other.len());
            let block = other[from..(from + 256).min(other.len())].to_vec();
            bytes.splice(at..at + len, block);
        }
        _ => {
            let block = bytes[at..at + len].to_vec();
            (0..random.below(200)).for_each(|_| drop(bytes.splice(at..at, block.iter().copied())));
        }
    }
}

/// Numbers that are the same for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.max(1);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn is_of(path: &Path, name: &str) -> bool {
    let whole = path.to_string_lossy();
    let is_made = [".md", ".py", ".js"].iter().any(|end| whole.ends_with(end));
    !is_made && (path.ends_with(name) || (name.starts_with('/') && whole.contains(name)))
}

/// Every file of `fixtures/` with what it holds.
fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be listed").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => {
                    let bytes = std::fs::read(&path).expect("it can be read");
                    // Damage to what is packed rarely gets further than the checksum.
                    found.extend(unpacked(&bytes).map(|bytes| (path.clone(), bytes)));
                    found.push((path, bytes));
                }
            }
        }
    }
    found.sort();
    found
}

/// The same archive with nothing packed, if it is one.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).ok()?;
        let name = member.name().ok()?.into_owned();
        out.start_file(name, stored).ok()?;
        std::io::copy(&mut member, &mut out).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}
