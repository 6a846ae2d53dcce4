//! `corpus`: makes a corpus in a directory.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use clap::Parser;
use residuum_corpus::{Corpus, Mix};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Makes invented data with its ground truth from a seed
///
/// Writes `DIR/data` (what to scan), `DIR/truth` (a JSON line for every personal item, one file for each
/// file of data) and `DIR/corpus.json` (what was made). The same seed, size and mix give the same bytes.
#[derive(Parser)]
struct Arguments {
    /// Where to; a corpus that is there already is written over
    dir: PathBuf,
    /// What the random numbers start from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many MB (of 1,000,000 bytes, after decompression)
    #[arg(long, default_value_t = 64)]
    size: u64,
    /// Which files: `estate`, a family, or weights as in `web=3,app=1`; the families are crm, orders, web, app,
    /// tickets, sql, xml and archive
    #[arg(long, default_value = "estate")]
    mix: Mix,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    match Corpus::generate(&arguments.dir, arguments.seed, arguments.size * 1_000_000, &arguments.mix) {
        Ok(corpus) => {
            for file in &corpus.files {
                let items: u64 = file.items.values().map(|items| items.required + items.optional).sum();
                println!("{:>12} bytes {:>9} records {:>9} items  {}", file.bytes, file.records, items, file.file);
            }
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("{} bytes in {seconds:.1} s: {:.0} MB/s", corpus.bytes(), corpus.bytes() as f64 / 1e6 / seconds);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(why) = cause {
                eprintln!("  because: {why}");
                cause = why.source();
            }
            ExitCode::FAILURE
        }
    }
}
