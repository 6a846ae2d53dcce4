//! Claim: scanning gzip and zstd files takes at most 1.3 times as long as unpacking them.
//!
//! The other side is this program itself: the same decoders, as many threads, output thrown away. The same text is
//! scanned unpacked first, and a time counts only if as many findings come out of each form.
//!
//!     cargo bench --bench compressed
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};

use measure::{Claims, Costs, Outcome, Workspace};
use residuum_corpus::{Corpus, Family, Mix};

const GOAL: f64 = 1.3;

/// Under this name in the environment stands the directory to unpack: the other side.
const UNPACK: &str = "RESIDUUM_BENCH_UNPACK";

fn main() -> ExitCode {
    if let Ok(dir) = env::var(UNPACK) {
        return match unpack(Path::new(&dir)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    measure::bench("compressed", compare)
}

fn threads() -> u64 {
    measure::setting("RESIDUUM_BENCH_THREADS", 2)
}

fn compare() -> Outcome<()> {
    let corpus = measure::corpus(Family::App.name(), &Mix::only(Family::App))?;
    let workspace = Workspace::new()?;
    let plain = findings(&workspace, &corpus.data())?;
    if plain == 0 {
        return Err("nothing is found in the text as it is".to_owned());
    }
    let mut claims = Claims::default();
    for form in ["gz", "zst"] {
        let packed = pack(&corpus, &workspace, form).map_err(|error| error.to_string())?;
        println!("\n{form}: {} bytes in {} files, {} findings", corpus.bytes(), corpus.files.len(), plain);
        let found = findings(&workspace, &packed)?;
        if found != plain {
            return Err(format!("{form}: {found} findings, {plain} in the same text unpacked"));
        }
        let this = env::current_exe().map_err(|error| error.to_string())?;
        let (mut ours, mut theirs) = (Costs::default(), Costs::default());
        for turn in 0..=measure::runs() {
            workspace.remove("index")?;
            let our = measure::run(&mut scan(&workspace, &packed), &[0])?;
            let their = measure::run(Command::new(&this).env(UNPACK, &packed), &[0])?;
            // The first turn warms the page cache.
            if turn > 0 {
                ours.push(our);
                theirs.push(their);
            }
        }
        println!("{}", ours.line("residuum", corpus.bytes()));
        println!("{}", theirs.line("unpacking", corpus.bytes()));
        let ratio = ours.wall().as_secs_f64() / theirs.wall().as_secs_f64();
        claims.state(format!("{form}: {ratio:.2} times as long as unpacking, at most {GOAL}"), ratio <= GOAL);
    }
    claims.end()
}

fn scan(workspace: &Workspace, dir: &Path) -> Command {
    let mut command = workspace.residuum("index");
    command.args(["scan", "--quiet", "--jobs", &threads().to_string()]).arg(dir);
    command
}

/// How many findings a scan of this directory leaves.
fn findings(workspace: &Workspace, dir: &Path) -> Outcome<usize> {
    workspace.remove("index")?;
    measure::run(&mut scan(workspace, dir), &[0])?;
    let output = workspace.residuum("index").args(["findings", "--format", "jsonl"]).output();
    let output = output.map_err(|error| error.to_string())?;
    Ok(output.stdout.iter().filter(|&&b| b == b'\n').count())
}

/// The corpus with every file packed by itself, as log rotation leaves it.
fn pack(corpus: &Corpus, workspace: &Workspace, form: &str) -> io::Result<PathBuf> {
    let dir = workspace.path(form);
    fs::create_dir_all(&dir)?;
    for (number, path) in files_of(&corpus.data())?.into_iter().enumerate() {
        let out = BufWriter::new(File::create(dir.join(format!("{number}.log.{form}")))?);
        let mut from = File::open(path)?;
        if form == "gz" {
            let mut out = flate2::write::GzEncoder::new(out, flate2::Compression::new(6));
            io::copy(&mut from, &mut out)?;
            out.finish()?;
        } else {
            zstd::stream::copy_encode(from, out, 3)?;
        }
    }
    Ok(dir)
}

/// The files under a directory.
fn files_of(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut waiting, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// Unpacks every file of a directory to nowhere.
fn unpack(dir: &Path) -> io::Result<()> {
    let (files, next) = (files_of(dir)?, AtomicUsize::new(0));
    let one = || -> io::Result<()> {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let from = BufReader::with_capacity(64 << 10, File::open(path)?);
            let mut unpacked: Box<dyn Read> = match path.extension().is_some_and(|suffix| suffix == "gz") {
                true => Box::new(flate2::bufread::MultiGzDecoder::new(from)),
                false => Box::new(zstd::Decoder::with_buffer(from)?),
            };
            let mut buffer = vec![0; 64 << 10];
            while unpacked.read(&mut buffer)? > 0 {}
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads()).map(|_| scope.spawn(one)).collect();
        started
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
