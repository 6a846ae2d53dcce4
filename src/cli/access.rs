//! The access log: who had sealed names opened, and when. One JSON object a line in the index's directory.
//!
//! It holds the command and its filters' names, never a value: what was looked for is not written down.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::SystemTime;

use serde_json::json;

use super::failure::{Explain as _, Failure};
use crate::report::human::utc;

/// The log's name in the index's directory.
const FILE: &str = "access.jsonl";

/// Notes that values are about to be shown. Without the note they are not.
pub(super) fn note(index: &Path, command: &str) -> Result<(), Failure> {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let line = json!({
        "time": utc(SystemTime::now()), "command": command, "show_values": true, "user": user, "process": std::process::id(),
    });
    let file = index.join(FILE);
    let written = OpenOptions::new().create(true).append(true).open(&file).and_then(|mut log| {
        // One call, so that lines of several processes do not mix.
        log.write_all(format!("{line}\n").as_bytes())?;
        log.sync_data()
    });
    let doing = format!("values are not shown, because `{}` cannot be written", file.display());
    written
        .doing(doing)
        .hint("showing values is audited; run without `--show-values`, or with the right to write there")
}
