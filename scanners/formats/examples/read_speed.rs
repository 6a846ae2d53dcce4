//! How fast files are read: `cargo run --release -p residuum-formats --example read_speed FILE…`.
//!
//! Prints, for each file, what became of it, its records and values, and bytes per second of the best of five
//! readings, so that a figure always stands next to the counts it is for.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::sync::Arc;
use std::time::Instant;

use residuum_formats::{Input, read};
use residuum_source::{Batch, Flow, Limits, ObjectPath, Outcome, Part, Sink};

#[derive(Default)]
struct Count {
    values: u64,
    bytes: u64,
    records: u64,
    states: Vec<String>,
}

impl Sink for Count {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.values += batch.columns.iter().map(|c| c.len() as u64).sum::<u64>();
        self.bytes += batch.columns.iter().map(|c| c.bytes.len() as u64).sum::<u64>();
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.records += outcome.records;
        self.states.push(format!("{} {}", outcome.coverage.name(), outcome.reason.unwrap_or_default()));
        Flow::Continue(())
    }
}

fn main() -> std::io::Result<()> {
    for file in std::env::args().skip(1) {
        let bytes = Arc::new(std::fs::read(&file)?);
        let mut best = f64::MAX;
        let mut count = Count::default();
        for _ in 0..5 {
            count = Count::default();
            let start = Instant::now();
            let _ = read(
                &ObjectPath::from_bytes(file.as_bytes()),
                Input::Stored(bytes.clone()),
                &Limits::default(),
                &mut count,
            );
            best = best.min(start.elapsed().as_secs_f64());
        }
        let rate = bytes.len() as f64 / best / 1e6;
        println!("{file}: {:?}", count.states);
        println!("  {} records, {} values of {} bytes; {rate:.0} MB/s", count.records, count.values, count.bytes);
    }
    Ok(())
}
