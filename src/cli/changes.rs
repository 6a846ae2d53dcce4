//! Wrong values and right ones on the command line, or in a file: what a correction is of.

use std::fs;
use std::path::PathBuf;

use residuum_detect::Type;

use super::failure::{Explain as _, Failure};
use crate::request::Correction;

/// The flags that say what is corrected.
#[derive(clap::Args)]
pub(super) struct Changes {
    /// A value that is wrong, with its type; may be repeated, each with its `--new`
    #[arg(long, value_name = "TYPE=VALUE")]
    old: Vec<String>,
    /// The right value
    #[arg(long, value_name = "VALUE")]
    new: Vec<String>,
    /// A CSV file of corrections, one a line
    #[arg(long, value_name = "FILE.csv")]
    changes: Option<PathBuf>,
}

impl Changes {
    /// Whether nothing is to be corrected.
    pub(super) fn is_empty(&self) -> bool {
        self.old.is_empty() && self.new.is_empty() && self.changes.is_none()
    }

    /// The corrections asked for; at least one.
    pub(super) fn corrections(&self) -> Result<Vec<Correction>, Failure> {
        if self.old.len() != self.new.len() {
            return Err(Failure::new("each `--old` needs its `--new`").hint("give them in pairs, in the same order"));
        }
        let mut corrections = Vec::new();
        for (old, new) in self.old.iter().zip(&self.new) {
            let wrong = || {
                Failure::new("`--old` takes TYPE=VALUE")
                    .hint("such as `--old EMAIL=…`; `residuum rules list` has the types")
            };
            let (kind, old) = old.split_once('=').ok_or_else(wrong)?;
            let kind = Type::from_name(&kind.trim().to_uppercase()).ok_or_else(wrong)?;
            corrections.push(Correction::new(kind, old, new)?);
        }
        if let Some(path) = &self.changes {
            let text = fs::read(path).doing(format_args!("`{}` cannot be read", path.display()))?;
            corrections.extend(from_csv(&text).doing(format_args!("`{}` cannot be used", path.display()))?);
        }
        if corrections.is_empty() {
            return Err(
                Failure::new("nothing to correct").hint("give `--old TYPE=VALUE --new VALUE`, or `--changes FILE.csv`")
            );
        }
        Ok(corrections)
    }
}

/// Corrections, one a line, with a header; nothing of a line is repeated in an error.
fn from_csv(text: &[u8]) -> Result<Vec<Correction>, anyhow::Error> {
    let rows = crate::identity::csv_rows(text)?;
    let mut rows = rows.into_iter();
    let header: Vec<String> = rows.next().unwrap_or_default().iter().map(|name| name.trim().to_lowercase()).collect();
    anyhow::ensure!(header == ["type", "old", "new"], "the first line names the columns: type,old,new");
    let mut corrections = Vec::new();
    for (number, row) in rows.enumerate() {
        let line = number + 2;
        anyhow::ensure!(row.len() == 3, "line {line} has {} cells where 3 are needed", row.len());
        let kind = Type::from_name(&row[0].trim().to_uppercase());
        let kind = kind.ok_or_else(|| anyhow::anyhow!("line {line}: the first cell is no type"))?;
        let correction = Correction::new(kind, &row[1], &row[2]);
        corrections.push(correction.map_err(|error| anyhow::anyhow!("line {line}: {error}"))?);
    }
    Ok(corrections)
}
