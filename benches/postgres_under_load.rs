//! Claim: a scan with `--max-rate 10 --max-readers 1` leaves the slowest transactions of a busy PostgreSQL less than
//! twice as slow as they were.
//!
//! `pgbench` asks for 200 transactions a second of its own tables in a database of its own, first alone, then beside a
//! scan of the same tables without any bound, then beside a bounded one. What counts is the latency that 99 of 100
//! transactions keep within, from when each was due, so that a queue is part of it.
//!
//!     RESIDUUM_TEST_POSTGRES=postgres://… cargo bench --bench postgres_under_load
//!
//! Environment: `RESIDUUM_BENCH_SECONDS` (30) of each phase, `RESIDUUM_BENCH_SCALE` (20) of `pgbench`, 15 MB each,
//! `RESIDUUM_BENCH_PGBENCH` where the program is.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Outcome, Workspace};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

const DATABASE: &str = "residuum_bench_load";

/// How much slower the slowest transactions may become beside a bounded scan.
const GOAL: f64 = 2.0;

fn main() -> ExitCode {
    measure::bench("postgres_under_load", || {
        let Ok(url) = std::env::var("RESIDUUM_TEST_POSTGRES") else {
            return Err("no server: set RESIDUUM_TEST_POSTGRES to the URL of one that may be written to".to_owned());
        };
        psql(&url, &format!("DROP DATABASE IF EXISTS {DATABASE}"))?;
        psql(&url, &format!("CREATE DATABASE {DATABASE}"))?;
        let outcome = compare(&in_database(&url)?);
        psql(&url, &format!("DROP DATABASE {DATABASE} WITH (FORCE)"))?;
        outcome
    })
}

fn compare(url: &str) -> Outcome<()> {
    let workspace = Workspace::new()?;
    let scale = measure::setting("RESIDUUM_BENCH_SCALE", 20).to_string();
    done(pgbench().args(["-i", "-q", "-s", &scale, url]))?;
    let alone = load(&workspace, url, None)?;
    let unbounded = load(&workspace, url, Some(&[]))?;
    let bounded = load(&workspace, url, Some(&["--max-rate", "10", "--max-readers", "1"]))?;
    for (name, latencies) in [("alone", &alone), ("beside a scan", &unbounded), ("beside a bounded scan", &bounded)] {
        let of = |share| latencies.quantile(share).as_secs_f64() * 1e3;
        println!(
            "  {name:<22} {:>6} transactions, half within {:.2} ms, 99 % within {:.2} ms, all within {:.2} ms",
            latencies.0.len(),
            of(0.5),
            of(0.99),
            of(1.0)
        );
    }
    let times = bounded.quantile(0.99).as_secs_f64() / alone.quantile(0.99).as_secs_f64();
    let mut claims = Claims::default();
    claims.state(format!("{times:.2} times as slow beside a bounded scan, less than {GOAL}"), times < GOAL);
    claims.end()
}

/// How long transactions took, shortest first.
struct Latencies(Vec<Duration>);

impl Latencies {
    fn quantile(&self, share: f64) -> Duration {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

/// Runs the load for one phase, with scans one after the other beside it.
fn load(workspace: &Workspace, url: &str, scan: Option<&[&str]>) -> Outcome<Latencies> {
    let logs = workspace.path("logs");
    std::fs::create_dir_all(&logs).map_err(|error| error.to_string())?;
    let seconds = measure::setting("RESIDUUM_BENCH_SECONDS", 30).to_string();
    let load = pgbench()
        .args(["-n", "-c", "4", "-R", "200", "-T", &seconds, "-l", "--log-prefix", "load", url])
        .current_dir(&logs)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut load = load.map_err(|error| format!("`pgbench` does not start: {error}"))?;
    if let Some(bounds) = scan {
        beside(workspace, url, bounds, &mut load)?;
    }
    let status = load.wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("`pgbench` ended with {status}"));
    }
    let latencies = read(&logs)?;
    std::fs::remove_dir_all(&logs).map_err(|error| error.to_string())?;
    Ok(latencies)
}

/// Scans until the load has ended; the last scan is stopped.
fn beside(workspace: &Workspace, url: &str, bounds: &[&str], load: &mut Child) -> Outcome<()> {
    let ended = |child: &mut Child| child.try_wait().map_err(|error| error.to_string());
    while ended(load)?.is_none() {
        let mut command = workspace.residuum("index");
        command.args(["scan", "--quiet", "--full"]).args(bounds).arg(url).stdout(Stdio::null());
        let mut scan = command.spawn().map_err(|error| error.to_string())?;
        loop {
            if let Some(status) = ended(&mut scan)? {
                if !status.success() {
                    return Err(format!("the scan ended with {status}"));
                }
                break;
            }
            if ended(load)?.is_some() {
                scan.kill().and_then(|()| scan.wait()).map_err(|error| error.to_string())?;
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The third word of each line of the logs is microseconds; the time that a transaction began late is part of it.
fn read(logs: &Path) -> Outcome<Latencies> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(logs).map_err(|error| error.to_string())? {
        let text = file.and_then(|file| std::fs::read_to_string(file.path())).map_err(|error| error.to_string())?;
        let micros = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
        all.extend(micros.map(Duration::from_micros));
    }
    all.sort_unstable();
    if all.len() < 1000 {
        return Err(format!("only {} transactions: `RESIDUUM_BENCH_SECONDS` is too small", all.len()));
    }
    Ok(Latencies(all))
}

/// Debian keeps it beside the server.
fn pgbench() -> Command {
    let beside_server = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin/pgbench")).collect();
        found.retain(|path| path.is_file());
        found.pop()
    };
    let given = std::env::var_os("RESIDUUM_BENCH_PGBENCH").map(PathBuf::from);
    Command::new(given.or_else(beside_server).unwrap_or_else(|| "pgbench".into()))
}

/// The same server's database for the load.
fn in_database(url: &str) -> Outcome<String> {
    let (server, query) = url.split_once('?').map_or((url, String::new()), |(url, query)| (url, format!("?{query}")));
    let (scheme, rest) = server.split_once("://").ok_or("RESIDUUM_TEST_POSTGRES is no URL")?;
    let authority = rest.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{authority}/{DATABASE}{query}"))
}

fn psql(url: &str, command: &str) -> Outcome<()> {
    done(
        Command::new("psql")
            .args(["-X", "-q", "-d", url, "-c", command])
            .env("PGOPTIONS", "-c client_min_messages=error"),
    )
}

fn done(command: &mut Command) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("`{name}` does not start: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("`{name}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()))
    }
}
