//! How a scan goes, for the person watching: a bar on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use residuum_source::Coverage;

use super::output::Style;
use crate::report::human::{bytes, count, counted, duration};
use crate::scan::{NotRead, Observer, Progress};

/// Seconds between plain lines.
const EVERY: u64 = 5;
/// Objects that are named while the scan runs; the ledger has them all.
const NAMED: u64 = 200;

/// Tells on standard error how a scan goes.
pub(super) struct Watcher {
    bar: Option<ProgressBar>,
    quiet: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    told: u64,
    not_read: u64,
}

impl Watcher {
    /// A watcher that suits where standard error goes.
    pub(super) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:24} {msg}").expect("the template is constant");
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            bar
        });
        Self { bar, quiet, state: Mutex::default() }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| drop(writeln!(std::io::stderr(), "{line}"))),
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Observer for Watcher {
    fn progress(&self, progress: &Progress) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(bar) = &self.bar {
            bar.set_length(progress.bytes_total.max(1));
            bar.set_position(progress.bytes_done);
            bar.set_message(status(progress));
        } else if !self.quiet {
            let due = progress.elapsed.as_secs() / EVERY;
            if due > state.told {
                state.told = due;
                self.say(&format!("{} {}", duration(progress.elapsed), status(progress)));
            }
        }
    }

    fn not_read(&self, entry: &NotRead) {
        if self.quiet || !entry.state.is_incomplete() {
            return;
        }
        let named = {
            let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state.not_read += 1;
            state.not_read
        };
        if named <= NAMED {
            self.say(&not_read(entry, Style::stderr()));
        } else if named == NAMED + 1 {
            self.say("warning: more objects are not read; the ledger names them all: `residuum report`");
        }
    }
}

/// `warning: files: broken.zip is unreadable: the archive ends early`.
pub(super) fn not_read(entry: &NotRead, style: Style) -> String {
    let object = crate::index::display(&entry.object);
    let of = if object.is_empty() { entry.source.clone() } else { format!("{}: `{object}`", entry.source) };
    let state = match entry.state {
        Coverage::Limit => "stopped at a limit".to_owned(),
        state => format!("is {}", state.name()),
    };
    format!("{}: {of} {state}: {}", style.yellow("warning"), entry.reason)
}

/// `1.2 GB of 4.0 GB · 12 of 340 objects · 310 MB/s · 12,345 findings · 9 s left`.
fn status(progress: &Progress) -> String {
    let seconds = progress.elapsed.as_secs_f64().max(0.001);
    let rate = progress.bytes_examined as f64 / seconds;
    let mut parts = Vec::new();
    if progress.bytes_total > 0 {
        parts.push(format!(
            "{} of {}",
            bytes(progress.bytes_done.min(progress.bytes_total)),
            bytes(progress.bytes_total)
        ));
    }
    let more = if progress.listed { "" } else { "at least " };
    parts.push(format!("{} of {more}{}", count(progress.objects_done), counted(progress.objects_total, "object")));
    parts.push(format!("{}/s", bytes(rate as u64)));
    parts.push(counted(progress.findings, "finding"));
    if let Some(left) = left(progress) {
        parts.push(format!("{} left", duration(left)));
    }
    parts.join(" · ")
}

/// The time left, once everything is listed and enough is done to judge by.
fn left(progress: &Progress) -> Option<Duration> {
    let done = progress.bytes_done as f64 / progress.bytes_total.max(1) as f64;
    let known = progress.listed && done > 0.02 && done < 1.0 && progress.elapsed > Duration::from_secs(2);
    known.then(|| Duration::from_secs((progress.elapsed.as_secs_f64() * (1.0 - done) / done).ceil() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_how_far_and_how_long() {
        let progress = Progress {
            elapsed: Duration::from_secs(10),
            listed: true,
            objects_total: 40,
            objects_done: 10,
            bytes_total: 4_000_000_000,
            bytes_done: 1_000_000_000,
            bytes_examined: 2_000_000_000,
            findings: 1,
        };
        assert_eq!(status(&progress), "1.0 GB of 4.0 GB · 10 of 40 objects · 200 MB/s · 1 finding · 30.0 s left");
        let early = Progress { listed: false, elapsed: Duration::from_secs(1), ..progress };
        assert!(status(&early).contains("10 of at least 40 objects"), "{}", status(&early));
        assert!(!status(&early).contains("left"));
    }
}
