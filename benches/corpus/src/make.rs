//! Writes the files of a corpus, each from its own stream of random numbers, several at a time.

use crate::family::Maker;
use crate::page::Page;
use crate::random::Random;
use crate::truth::write_line;
use crate::{CorpusError, Family, FileMade, Items, Kind, Mix, at};
use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use zip::write::SimpleFileOptions;

/// No file is longer than about this, so that readers of whole files have something to share.
const FILE: u64 = 64 << 20;

/// A page is written out when it is this long.
const PAGE: usize = 1 << 20;

/// A file to be made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    family: Family,
    wrap: Wrap,
    part: (u64, u64),
    bytes: u64,
}

/// What a file is wrapped in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrap {
    Nothing,
    Gzip,
    /// A zip archive of customers and orders.
    Zip,
}

impl Plan {
    fn name(&self) -> String {
        let inner = self.family.file_name(self.part.0 + 1);
        match self.wrap {
            Wrap::Nothing => format!("{}/{inner}", self.family),
            Wrap::Gzip => format!("archive/{inner}.gz"),
            Wrap::Zip => format!("archive/{inner}"),
        }
    }
}

/// The files that make up a size and a mix.
pub(crate) fn plan(size: u64, mix: &Mix) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut add = |family, wrap, share: u64| {
        // Two files at least of anything that is not small, or one thread would have all the work.
        let parts = share.div_ceil(FILE).max(if share > 8 << 20 { 2 } else { 1 });
        plans.extend((0..parts).map(|part| Plan { family, wrap, part: (part, parts), bytes: share / parts }));
    };
    for (family, share) in mix.shares(size) {
        if family == Family::Archive {
            add(Family::App, Wrap::Gzip, share / 4);
            add(Family::Web, Wrap::Gzip, share / 4);
            add(Family::Archive, Wrap::Zip, share / 2);
        } else {
            add(family, Wrap::Nothing, share);
        }
    }
    plans
}

/// Makes the files of a plan.
pub(crate) fn make(dir: &Path, seed: u64, people: u32, plans: &[Plan]) -> Result<Vec<FileMade>, CorpusError> {
    let waiting = Mutex::new(plans.iter().enumerate());
    let next = || waiting.lock().expect("no thread panics while it takes a plan").next();
    let work = || {
        let mut made = Vec::new();
        while let Some((number, plan)) = next() {
            let maker = Maker { random: Random::new(seed, number as u64), seed, people, record: 0, part: plan.part };
            made.push(file(dir, plan, maker)?);
        }
        Ok(made)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(plans.len().max(1));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut files = Vec::new();
        for worker in workers {
            files.extend(worker.join().expect("a maker does not panic")?);
        }
        Ok(files)
    })
}

/// Where the ground truth of a file stands.
pub(crate) fn truth_path(dir: &Path, file: &str) -> PathBuf {
    dir.join("truth").join(format!("{file}.jsonl"))
}

fn file(dir: &Path, plan: &Plan, mut maker: Maker) -> Result<FileMade, CorpusError> {
    let name = plan.name();
    let create = |path: &Path| {
        fs::create_dir_all(path.parent().expect("it stands in a folder")).map_err(at(path))?;
        File::create(path).map_err(at(path))
    };
    let (path, truth_path) = (dir.join("data").join(&name), truth_path(dir, &name));
    let mut out = create(&path)?;
    let mut tally = Tally { truth: create(&truth_path)?, line: Vec::new(), items: BTreeMap::new() };
    let (bytes, records) = match plan.wrap {
        Wrap::Nothing => records(plan.family, plan.bytes, &mut maker, &name, &mut out, &mut tally),
        Wrap::Gzip => {
            let inner = plan.family.file_name(plan.part.0 + 1);
            // Without a time in the head the bytes depend on the seed alone.
            let mut out = GzBuilder::new().filename(inner.as_str()).write(out, Compression::fast());
            let object = format!("{name}!{inner}");
            let made = records(plan.family, plan.bytes, &mut maker, &object, &mut out, &mut tally);
            made.and_then(|made| out.finish().map(|_| made))
        }
        Wrap::Zip => zip(plan, &mut maker, &name, out, &mut tally),
    }
    .map_err(at(&path))?;
    Ok(FileMade {
        file: name,
        family: if plan.wrap == Wrap::Nothing { plan.family } else { Family::Archive },
        bytes,
        records,
        items: tally.items,
    })
}

/// Writes a zip archive of customers and orders.
fn zip(plan: &Plan, maker: &mut Maker, name: &str, out: File, tally: &mut Tally) -> io::Result<(u64, u64)> {
    let mut archive = zip::ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(zip::DateTime::default());
    let mut sum = (0, 0);
    for family in [Family::Crm, Family::Orders] {
        let inner = format!("{family}/{}", family.file_name(plan.part.0 + 1));
        archive.start_file(inner.as_str(), options).map_err(io::Error::other)?;
        maker.record = 0;
        let (bytes, records) = records(family, plan.bytes / 2, maker, &format!("{name}!{inner}"), &mut archive, tally)?;
        sum = (sum.0 + bytes, sum.1 + records);
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(sum)
}

/// Writes records of a family until there are `target` bytes; gives the bytes and the records.
fn records(
    family: Family,
    target: u64,
    maker: &mut Maker,
    object: &str,
    out: &mut dyn Write,
    tally: &mut Tally,
) -> io::Result<(u64, u64)> {
    let mut page = Page::default();
    let mut written = 0;
    family.head(&mut page);
    while written + (page.bytes.len() as u64) < target {
        family.record(&mut page, maker);
        if page.bytes.len() >= PAGE {
            written += tally.page(&mut page, object, written, out)?;
        }
    }
    family.tail(&mut page);
    written += tally.page(&mut page, object, written, out)?;
    Ok((written, maker.record))
}

/// The ground truth of a file in the making.
struct Tally {
    truth: File,
    line: Vec<u8>,
    items: BTreeMap<Kind, Items>,
}

impl Tally {
    /// Writes a page that starts at `base` in `object`, and its truth; gives the page's length.
    fn page(&mut self, page: &mut Page, object: &str, base: u64, out: &mut dyn Write) -> io::Result<u64> {
        out.write_all(&page.bytes)?;
        self.line.clear();
        for item in &page.items {
            write_line(&mut self.line, object, base, item);
            let items = self.items.entry(item.kind).or_default();
            if item.optional { items.optional += 1 } else { items.required += 1 }
        }
        self.truth.write_all(&self.line)?;
        let length = page.bytes.len() as u64;
        page.bytes.clear();
        page.items.clear();
        Ok(length)
    }
}
