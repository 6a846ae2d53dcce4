//! Claim: `residuum detect` answers for one line within 100 ms of its start.
//!
//!     cargo bench --bench detect_start
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod measure;

use measure::{Claims, Outcome, Workspace};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const GOAL: Duration = Duration::from_millis(100);

const LINE: &str =
    "{\"id\":1,\"text\":\"Jane Doe <jane.doe@example.com>, (415) 555-0123, card 4111 1111 1111 1111\"}\n";

fn main() -> ExitCode {
    measure::bench("detect_start", || {
        let workspace = Workspace::new()?;
        let mut times = Vec::new();
        for _ in 0..measure::runs() * 10 {
            times.push(once(workspace.residuum("index").args(["detect", "--input", "jsonl"]))?);
        }
        times.sort();
        let (median, worst) = (measure::median(&times), times[times.len() - 1]);
        println!("  first line out after {median:.1?} (median; {:.1?} to {worst:.1?}, n = {})", times[0], times.len());
        let mut claims = Claims::default();
        claims.state(format!("every start within {GOAL:?}"), worst < GOAL);
        claims.end()
    })
}

/// The time from the start of the process to its first line of output.
fn once(command: &mut Command) -> Outcome<Duration> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let (stdin, stdout) = (child.stdin.take().ok_or("piped")?, child.stdout.take().ok_or("piped")?);
    // The input stays open: the answer must not wait for its end.
    (&stdin).write_all(LINE.as_bytes()).map_err(|error| error.to_string())?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    let time = begun.elapsed();
    drop(stdin);
    child.wait().map_err(|error| error.to_string())?;
    let found: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("`{line}`: {error}"))?;
    let types: Vec<_> = found["findings"].as_array().into_iter().flatten().filter_map(|f| f["type"].as_str()).collect();
    for kind in ["EMAIL", "PHONE", "CREDIT_CARD"] {
        if !types.contains(&kind) {
            return Err(format!("found {types:?}, not {kind}"));
        }
    }
    Ok(time)
}
