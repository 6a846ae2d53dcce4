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

/// The user by the system's account, else as the environment has it, else nobody.
fn user() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").map(|process| process.uid()).ok();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse().ok() == Some(uid?)).then(|| name.to_owned())
    });
    let environment =
        || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    account.or_else(environment).or_else(|| uid.map(|uid| uid.to_string()))
}

/// Notes that values are about to be shown. Without the note they are not.
pub(super) fn note(index: &Path, command: &str) -> Result<(), Failure> {
    let line = json!({
        "time": utc(SystemTime::now()), "command": command, "show_values": true, "user": user(), "process": std::process::id(),
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
