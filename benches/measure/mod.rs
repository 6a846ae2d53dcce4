//! What the benches share: the program and the corpora they run on, a process's times, medians, and the check
//! of what was found against the ground truth.
//!
//! A bench first checks its counts and then takes turns between what it compares, so that a disturbance of the
//! machine meets both. It prints medians with the whole spread and ends with 1 if a claim does not hold.
//!
//! Environment: `RESIDUUM_BENCH_RUNS` (turns, 5), `RESIDUUM_BENCH_MB` (size of a corpus, 256), `RESIDUUM_BENCH_BINARY`
//! (another program than the one just built).

// Each bench is a program of its own and uses a part of this.
#![allow(dead_code)]

pub mod counts;
pub mod truth;

use residuum_corpus::{Corpus, Mix};
use std::env;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4 as _;

/// A bench gives up with a sentence.
pub type Outcome<T> = Result<T, String>;

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// How many times each side is run.
pub fn runs() -> usize {
    setting("RESIDUUM_BENCH_RUNS", 5).max(1) as usize
}

/// Where corpora are kept between runs.
pub fn corpora() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("corpora")
}

/// The corpus of a mix at the usual size, made if it is not there.
pub fn corpus(name: &str, mix: &Mix) -> Outcome<Corpus> {
    let megabytes = setting("RESIDUUM_BENCH_MB", 256);
    Corpus::reuse_or_generate(&corpora().join(format!("{name}-{megabytes}")), 1, megabytes << 20, mix)
        .map_err(|error| error.to_string())
}

/// A directory for indexes and keys, removed at the end.
pub struct Workspace(tempfile::TempDir);

impl Workspace {
    /// An empty one beside the corpora, on a real disk.
    pub fn new() -> Outcome<Self> {
        let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        tempfile::Builder::new().prefix("bench-").tempdir_in(parent).map(Self).map_err(|error| error.to_string())
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, with an index of this name and nothing of the machine's configuration.
    pub fn residuum(&self, index: &str) -> Command {
        let binary = env::var_os("RESIDUUM_BENCH_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_residuum").into());
        let mut command = Command::new(binary);
        command
            .env("HOME", self.0.path())
            .env("RESIDUUM_INDEX", self.path(index))
            .env("RESIDUUM_INDEX_KEY", "5a".repeat(32));
        command.env_remove("XDG_STATE_HOME").current_dir(self.0.path());
        command
    }

    /// Removes an index.
    pub fn remove(&self, index: &str) -> Outcome<()> {
        match std::fs::remove_dir_all(self.path(index)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("`{index}`: {error}")),
            _ => Ok(()),
        }
    }

    /// The bytes of all files of an index.
    pub fn size(&self, index: &str) -> Outcome<u64> {
        let (mut waiting, mut sum) = (vec![self.path(index)], 0);
        while let Some(dir) = waiting.pop() {
            for entry in std::fs::read_dir(&dir).map_err(|error| format!("`{}`: {error}", dir.display()))? {
                let entry = entry.map_err(|error| error.to_string())?;
                let about = entry.metadata().map_err(|error| error.to_string())?;
                if about.is_dir() {
                    waiting.push(entry.path());
                } else {
                    sum += about.len();
                }
            }
        }
        Ok(sum)
    }
}

/// Processor time of this process until now, in all of its threads; with the grain of the kernel's clock, 10 ms.
pub fn cpu() -> Outcome<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    // After the name, which is in brackets, user and system time are the 12th and 13th (proc(5)).
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// What one run of a process cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: Duration,
    /// In all of its threads.
    pub cpu: Duration,
    /// Its largest resident size in bytes.
    pub peak: u64,
}

/// Runs a command with its output thrown away; `codes` are the exit codes that count as done.
///
/// The peak is never under the largest size this program has had (the system counts a child from its fork), so a
/// bench keeps small until it has measured: [`truth`] is checked in a process of its own.
pub fn run(command: &mut Command, codes: &[i32]) -> Outcome<Cost> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{name}` does not start: {error}"))?;
    let mut errors = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        std::io::Read::read_to_string(&mut stderr, &mut errors).map_err(|error| error.to_string())?;
    }
    let used = child.wait4().map_err(|error| error.to_string())?;
    let wall = begun.elapsed();
    match used.status.code() {
        Some(code) if codes.contains(&code) => {}
        code => return Err(format!("`{name}` ended with {code:?}: {}", errors.trim_end())),
    }
    Ok(Cost { wall, cpu: used.rusage.utime + used.rusage.stime, peak: used.rusage.maxrss })
}

/// Does something that is not measured, and says how long it took.
pub fn step<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    println!("  {name} in {} s", Seconds(begun.elapsed()));
    done
}

/// The costs of several runs of the same thing.
#[derive(Clone, Debug, Default)]
pub struct Costs(Vec<Cost>);

impl Costs {
    /// Adds a run.
    pub fn push(&mut self, cost: Cost) {
        self.0.push(cost);
    }

    fn sorted<T: Ord + Copy>(&self, of: impl Fn(&Cost) -> T) -> Vec<T> {
        let mut all: Vec<_> = self.0.iter().map(of).collect();
        all.sort();
        all
    }

    /// The median time by the clock.
    pub fn wall(&self) -> Duration {
        median(&self.sorted(|cost| cost.wall))
    }

    /// One line: median and spread of the times, the speed for so many bytes, the peak.
    pub fn line(&self, name: &str, bytes: u64) -> String {
        let (wall, cpu) = (self.sorted(|cost| cost.wall), self.sorted(|cost| cost.cpu));
        let speed = bytes as f64 / 1e6 / median(&wall).as_secs_f64();
        format!(
            "  {name:<15} {:>8} s  ({} to {}, n = {})  {speed:>6.0} MB/s  cpu {} s  peak {} MiB",
            Seconds(median(&wall)),
            Seconds(wall[0]),
            Seconds(wall[wall.len() - 1]),
            wall.len(),
            Seconds(median(&cpu)),
            self.0.iter().map(|cost| cost.peak).max().unwrap_or(0) >> 20,
        )
    }
}

/// The middle of sorted values.
pub fn median<T: Copy>(sorted: &[T]) -> T {
    sorted[sorted.len() / 2]
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0.as_secs_f64())
    }
}

/// What a bench claims, with whether it held.
#[derive(Default)]
pub struct Claims(Vec<(String, bool)>);

impl Claims {
    /// States a claim.
    pub fn state(&mut self, claim: String, holds: bool) {
        println!("  {claim}: {}", if holds { "holds" } else { "DOES NOT HOLD" });
        self.0.push((claim, holds));
    }

    /// Ends a bench.
    pub fn end(self) -> Outcome<()> {
        let broken: Vec<_> = self.0.into_iter().filter(|(_, holds)| !holds).map(|(claim, _)| claim).collect();
        if broken.is_empty() { Ok(()) } else { Err(format!("does not hold: {}", broken.join("; "))) }
    }
}

/// Runs a bench: prints the machine, then what the bench says; ends with 1 if it fails.
pub fn bench(name: &str, body: impl FnOnce() -> Outcome<()>) -> std::process::ExitCode {
    if cfg!(debug_assertions) {
        println!("{name}: built without optimisation, these figures mean nothing");
    }
    println!("{name}: {}", machine());
    match body() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {name}: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// The machine in a line: processor, cores, memory, load.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = after(&read("/proc/meminfo"), "MemTotal");
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    format!("{}, {cores} cores, {memory}, load {load}", after(&read("/proc/cpuinfo"), "model name"))
}
