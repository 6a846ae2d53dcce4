//! Claim: a scan of text is faster than ripgrep searching for the same types with patterns, everything included.
//!
//! Application logs at least 2 times as fast, web logs 1.5 times, dense CSV as fast. Residuum validates, fingerprints
//! and writes an index that it did not have before; ripgrep writes its matches to nowhere. Both read warm files with
//! as many threads. `rg` 15 comes from the path or from `RESIDUUM_BENCH_RG`.
//!
//! The claim is about `patterns/all-types.txt`: for each type that the shipped rules find in running text the patterns one
//! would write, without check digits and with a handful of names. The time of rg with the 16 patterns of
//! `patterns/eight-types.txt` is printed beside it, for those who search for no more; residuum then still looks for all.
//!
//!     cargo install ripgrep --version 15.2.0 --locked
//!     cargo bench --bench text_vs_ripgrep
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::truth::{self, Place};
use measure::{Claims, Costs, Outcome, Workspace};
use residuum_corpus::{Corpus, Family, Mix};
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

/// Families with how much faster than ripgrep they have to be.
const GOALS: [(Family, f64); 3] = [(Family::App, 2.0), (Family::Web, 1.5), (Family::Crm, 1.0)];

/// What every structured type has to reach before a time counts.
const RECALL: f64 = 0.97;
const PRECISION: f64 = 0.97;

fn main() -> ExitCode {
    measure::bench("text_vs_ripgrep", || match env::var("RESIDUUM_BENCH_VERIFY") {
        Ok(family) => verify(family.parse()?),
        Err(_) => compare(),
    })
}

fn corpus(family: Family) -> Outcome<Corpus> {
    measure::corpus(family.name(), &Mix::only(family))
}

/// Patterns for every type that the shipped rules find in running text.
const ALL_TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/patterns/all-types.txt");
/// Patterns for e-mail, telephone, SSN, card, IBAN, IP, date and device.
const EIGHT_TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/patterns/eight-types.txt");

fn ripgrep(corpus: &Corpus, patterns: &str) -> Command {
    let program = env::var_os("RESIDUUM_BENCH_RG").unwrap_or_else(|| "rg".into());
    let mut command = Command::new(program);
    command.args(["--no-config", "-a", "-o", "-b", "--no-unicode", "-j", &threads(), "-f", patterns]);
    command.arg("./").current_dir(corpus.data());
    command
}

fn scan(workspace: &Workspace, corpus: &Corpus) -> Command {
    let mut command = workspace.residuum("index");
    command.args(["scan", "--quiet", "--jobs", &threads()]).arg(corpus.data());
    command
}

fn threads() -> String {
    measure::setting("RESIDUUM_BENCH_THREADS", 2).to_string()
}

fn compare() -> Outcome<()> {
    let version =
        Command::new(env::var_os("RESIDUUM_BENCH_RG").unwrap_or_else(|| "rg".into())).arg("--version").output();
    let version = version
        .map_err(|error| format!("`rg` does not start ({error}): install ripgrep 15 or set RESIDUUM_BENCH_RG"))?;
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    if !version.starts_with("ripgrep 15.") {
        return Err(format!("`{version}` is not ripgrep 15: set RESIDUUM_BENCH_RG to one that is"));
    }
    println!("against {version}, {} threads", threads());
    let workspace = Workspace::new()?;
    let mut claims = Claims::default();
    for (family, goal) in GOALS {
        let corpus = corpus(family)?;
        println!("\n{family}: {} bytes in {} files", corpus.bytes(), corpus.files.len());
        check_apart(family)?;
        let (mut ours, mut theirs, mut fewer) = (Costs::default(), Costs::default(), Costs::default());
        for turn in 0..=measure::runs() {
            workspace.remove("index")?;
            let our = measure::run(&mut scan(&workspace, &corpus), &[0])?;
            let their = measure::run(&mut ripgrep(&corpus, ALL_TYPES), &[0])?;
            let eight = measure::run(&mut ripgrep(&corpus, EIGHT_TYPES), &[0])?;
            // The first turn warms the page cache.
            if turn > 0 {
                ours.push(our);
                theirs.push(their);
                fewer.push(eight);
            }
        }
        println!("{}", ours.line("residuum", corpus.bytes()));
        println!("{}", theirs.line("rg, all types", corpus.bytes()));
        println!("{}", fewer.line("rg, 8 types", corpus.bytes()));
        let ratio = |rg: &Costs| rg.wall().as_secs_f64() / ours.wall().as_secs_f64();
        println!("{family}: {:.2} times as fast as rg searching for eight types only", ratio(&fewer));
        let ratio = ratio(&theirs);
        claims.state(format!("{family}: {ratio:.2} times as fast as rg, at least {goal:.1}"), ratio >= goal);
    }
    claims.end()
}

/// Checks a family in a process of its own, so that its memory is not taken for that of what is measured.
fn check_apart(family: Family) -> Outcome<()> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let status = Command::new(this).env("RESIDUUM_BENCH_VERIFY", family.name()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("{family}: the findings are not what is there, so their time means nothing")),
        Err(error) => Err(error.to_string()),
    }
}

fn verify(family: Family) -> Outcome<()> {
    let (workspace, corpus) = (Workspace::new()?, corpus(family)?);
    measure::run(&mut scan(&workspace, &corpus), &[0])?;

    let mut ours = BTreeMap::<String, Vec<Place>>::new();
    lines(workspace.residuum("index").args(["findings", "--format", "jsonl"]), |line| {
        let finding: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("`{line}`: {error}"))?;
        let Some(kind) = finding["type"].as_str().and_then(truth::kind) else { return Ok(()) };
        let place = (finding["object"].as_str(), finding["byte_start"].as_u64(), finding["byte_end"].as_u64());
        let (Some(object), Some(start), Some(end)) = place else { return Err(format!("no place in `{line}`")) };
        ours.entry(object.to_owned()).or_default().push(Place { start, end, kind: Some(kind) });
        Ok(())
    })?;
    let scores = truth::compare(&corpus, ours)?;
    print!("  residuum found\n{}", truth::table(&scores));

    let mut theirs = BTreeMap::<String, Vec<Place>>::new();
    lines(ripgrep(&corpus, ALL_TYPES).args(["--with-filename", "--no-heading"]), |line| {
        let mut parts = line.strip_prefix("./").unwrap_or(line).splitn(3, ':');
        let (Some(object), Some(Ok(start)), Some(value)) = (parts.next(), parts.next().map(str::parse), parts.next())
        else {
            return Err(format!("rg printed `{line}`"));
        };
        let end = start + value.len() as u64;
        theirs.entry(object.to_owned()).or_default().push(Place { start, end, kind: None });
        Ok(())
    })?;
    print!("  rg found\n{}", truth::table(&truth::compare(&corpus, theirs)?));

    let bad = |(_, score): &(_, &truth::Score)| score.recall() < RECALL || score.precision() < PRECISION;
    match scores.iter().find(bad) {
        None => Ok(()),
        Some((kind, score)) => Err(format!(
            "{}: recall {:.4}, precision {:.4}; {RECALL} and {PRECISION} are needed",
            kind.map_or("any type", |kind| kind.name()),
            score.recall(),
            score.precision()
        )),
    }
}

/// Runs a command and takes its output line by line.
fn lines(command: &mut Command, mut each: impl FnMut(&str) -> Outcome<()>) -> Outcome<()> {
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("standard output is piped")?;
    for line in BufReader::with_capacity(1 << 20, stdout).split(b'\n') {
        each(&String::from_utf8_lossy(&line.map_err(|error| error.to_string())?))?;
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` ended with {status}", command.get_program().to_string_lossy()))
    }
}
