//! Claim: scanning a million files again that have not changed takes at most twice as long as `find` with `stat`.
//!
//! The files are small and stand a thousand to a directory, in each one address. A time counts only if the first scan
//! has found every address, and the next ones have read nothing and left as many findings.
//!
//!     cargo bench --bench rescan_vs_find
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use measure::{Claims, Costs, Outcome, Workspace};

const GOAL: f64 = 2.0;

/// Files in a directory.
const TOGETHER: u64 = 1_000;

fn main() -> ExitCode {
    measure::bench("rescan_vs_find", compare)
}

fn compare() -> Outcome<()> {
    let count = measure::setting("RESIDUUM_BENCH_FILES", 1_000_000);
    let workspace = Workspace::new()?;
    let files = measure::step("the files were made", || files(count))?;
    let first = measure::step("the first scan", || measure::run(&mut scan(&workspace, &files), &[0]))?;
    let found = findings(&workspace)?;
    if found != count {
        return Err(format!("{found} findings in {count} files with an address each"));
    }
    let (mut ours, mut theirs) = (Costs::default(), Costs::default());
    for turn in 0..=measure::runs() {
        let our = measure::run(&mut scan(&workspace, &files), &[0])?;
        let their = measure::run(&mut find(&files), &[0])?;
        // The first turn warms the cache of names and inodes.
        if turn > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    let read = bytes_read(&workspace, &files)?;
    if (read, findings(&workspace)?) != (0, count) {
        return Err(format!("{read} bytes of unchanged files were read, {found} findings are left"));
    }
    println!("\n{count} files, first scan with {} MiB at most", first.peak >> 20);
    println!("{}", ours.line("residuum", 0));
    println!("{}", theirs.line("find", 0));
    let ratio = ours.wall().as_secs_f64() / theirs.wall().as_secs_f64();
    let mut claims = Claims::default();
    claims.state(format!("{ratio:.2} times as long as find with stat, at most {GOAL}"), ratio <= GOAL);
    claims.end()
}

fn scan(workspace: &Workspace, files: &Path) -> Command {
    let mut command = workspace.residuum("index");
    let threads = measure::setting("RESIDUUM_BENCH_THREADS", 2);
    command.args(["scan", "--quiet", "--jobs", &threads.to_string()]).arg(files);
    command
}

/// What `scan` asks of every file: what it is, how large, and when it was changed.
fn find(files: &Path) -> Command {
    let mut command = Command::new("find");
    command.arg(files).args(["-type", "f", "-printf", "%s %T@ %C@ %i\\n"]);
    command
}

/// How many findings there are.
fn findings(workspace: &Workspace) -> Outcome<u64> {
    let mut command = workspace.residuum("index");
    let mut child = command.args(["findings", "--format", "jsonl"]).stdout(Stdio::piped()).spawn().map_err(text)?;
    let out = BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("its output is piped")?);
    let lines = out.split(b'\n').try_fold(0, |sum, line| line.map(|_| sum + 1)).map_err(text)?;
    if child.wait().map_err(text)?.success() { Ok(lines) } else { Err("`findings` failed".to_owned()) }
}

/// How many bytes one more scan reads.
fn bytes_read(workspace: &Workspace, files: &Path) -> Outcome<u64> {
    let mut command = workspace.residuum("index");
    let output = command.args(["scan", "--quiet", "--format", "json"]).arg(files).output().map_err(text)?;
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(text)?;
    outcome["bytes"].as_u64().ok_or_else(|| format!("no count of bytes in {outcome}"))
}

/// The files, made once.
fn files(count: u64) -> Outcome<PathBuf> {
    let directory = measure::corpora().join(format!("files-{count}"));
    let done = directory.with_extension("done");
    if done.exists() {
        return Ok(directory);
    }
    for number in 0..count {
        let folder = directory.join(format!("{:04}", number / TOGETHER));
        if number % TOGETHER == 0 {
            fs::create_dir_all(&folder).map_err(text)?;
        }
        let content = format!("ticket {number}: please answer to person{number}@example.com\n");
        fs::write(folder.join(format!("{number:07}.txt")), content).map_err(text)?;
    }
    fs::write(done, "").map_err(text)?;
    Ok(directory)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
