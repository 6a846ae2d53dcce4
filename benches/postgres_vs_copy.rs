//! Claim: scanning a PostgreSQL table takes at most 1.3 times as long as `COPY … TO STDOUT >/dev/null`.
//!
//! A table of a million customers is made in the schema `residuum_bench` of the database that
//! `RESIDUUM_TEST_POSTGRES` names, and dropped at the end.
//!
//!     RESIDUUM_TEST_POSTGRES=postgres://… cargo bench --bench postgres_vs_copy
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Costs, Outcome, Workspace};
use residuum_corpus::{Corpus, Family, Mix};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

const GOAL: f64 = 1.3;

/// A customer takes a little less in CSV.
const BYTES_PER_ROW: u64 = 240;

fn main() -> ExitCode {
    measure::bench("postgres_vs_copy", || {
        let Ok(url) = std::env::var("RESIDUUM_TEST_POSTGRES") else {
            return Err("no server: set RESIDUUM_TEST_POSTGRES to the URL of one that may be written to".to_owned());
        };
        let rows = measure::setting("RESIDUUM_BENCH_ROWS", 1_000_000);
        let dir = measure::corpora().join(format!("customers-{rows}"));
        let corpus = Corpus::reuse_or_generate(&dir, 1, rows * BYTES_PER_ROW, &Mix::only(Family::Crm))
            .map_err(|error| error.to_string())?;
        load(&url, &corpus)?;
        let outcome = compare(&url, &corpus);
        psql(&url, "DROP SCHEMA residuum_bench CASCADE")?;
        outcome
    })
}

fn compare(url: &str, corpus: &Corpus) -> Outcome<()> {
    let rows: u64 = corpus.files.iter().map(|file| file.records).sum();
    let workspace = Workspace::new()?;
    let scan = || {
        let mut command = workspace.residuum("index");
        command.args(["scan", "--quiet", "--include", "residuum_bench.*", url]);
        command
    };
    let copy = || {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-d", url, "-c", "COPY residuum_bench.customers TO STDOUT"]);
        command
    };

    measure::run(&mut scan(), &[0])?;
    measure::counts::verify(&workspace, corpus)?;

    let (mut ours, mut theirs) = (Costs::default(), Costs::default());
    for _ in 0..measure::runs() {
        theirs.push(measure::run(&mut copy(), &[0])?);
        workspace.remove("index")?;
        ours.push(measure::run(&mut scan(), &[0])?);
    }
    println!("  {rows} rows, {} bytes as CSV", corpus.bytes());
    println!("{}", ours.line("residuum", corpus.bytes()));
    println!("{}", theirs.line("COPY", corpus.bytes()));
    let ratio = ours.wall().as_secs_f64() / theirs.wall().as_secs_f64();
    let mut claims = Claims::default();
    claims.state(format!("{ratio:.2} times the time of COPY, at most {GOAL}"), ratio <= GOAL);
    claims.end()
}

/// Makes the table from the corpus, every column text.
fn load(url: &str, corpus: &Corpus) -> Outcome<()> {
    let mut script = String::from("DROP SCHEMA IF EXISTS residuum_bench CASCADE;\nCREATE SCHEMA residuum_bench;\n");
    let first = corpus.data().join(&corpus.files[0].file);
    let mut head = String::new();
    std::fs::File::open(&first)
        .and_then(|file| BufReader::new(file).read_line(&mut head))
        .map_err(|error| format!("`{}`: {error}", first.display()))?;
    let columns: Vec<_> = head.trim_end().split(',').map(|name| format!("{name} text")).collect();
    writeln!(script, "CREATE TABLE residuum_bench.customers ({});", columns.join(", "))
        .expect("a string takes everything");
    for file in &corpus.files {
        let path = corpus.data().join(&file.file);
        writeln!(script, "\\copy residuum_bench.customers FROM '{}' WITH (FORMAT csv, HEADER)", path.display())
            .expect("a string takes everything");
    }
    script.push_str("VACUUM ANALYZE residuum_bench.customers;\n");
    let mut child = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url])
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`psql` does not start: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("standard input is piped")?;
    std::io::Write::write_all(&mut stdin, script.as_bytes()).map_err(|error| error.to_string())?;
    drop(stdin);
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("the table could not be made".to_owned()) }
}

fn psql(url: &str, command: &str) -> Outcome<()> {
    let status = Command::new("psql")
        .args(["-X", "-q", "-d", url, "-c", command])
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("`psql` could not do `{command}`")),
    }
}
