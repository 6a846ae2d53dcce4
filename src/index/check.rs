//! Reads all of an index and says what is not as it was written.

use std::path::PathBuf;

use super::catalog::Catalog;
use super::error::{IndexError, Result};
use super::sums::Sums;
use super::{Index, rest};

/// What a check of the whole index found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Segment files read.
    pub files: u64,
    /// Bytes of them, and of the catalog.
    pub bytes: u64,
    /// Files that were read but have no digest: made by an earlier version, or a catalog whose last writer was
    /// killed. Only their structure was checked.
    pub unsummed: Vec<PathBuf>,
    /// Everything that is damaged, each with its file and the cure.
    pub damaged: Vec<IndexError>,
}

impl Index {
    /// Reads every file of the index whole and checks it by its digest.
    ///
    /// # Errors
    /// When the system refuses, or the catalog is so damaged that it does not name the segments. Other damage is in
    /// the result.
    pub fn check(&self) -> Result<Checked> {
        let mut checked = Checked::default();
        let file = self.catalog_file();
        if !rest::check(&file)? {
            checked.unsummed.push(file.clone());
        }
        checked.bytes += file.metadata().map_err(IndexError::io(&file, "read"))?.len();
        let mut catalog = Catalog::snapshot(&file)?;
        let said: String =
            catalog.one("SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check", &[])?;
        if said != "ok" {
            checked.damaged.push(IndexError::damaged(&file, format!("is not sound ({said})")));
        }
        let rows: Vec<(u64, u64)> =
            catalog.rows("SELECT json_group_array(json_array(id, n_rows) ORDER BY id) FROM segment", &[])?;
        let sums = Sums::load(&mut catalog)?;
        let dir = self.segments();
        for (id, n_rows) in rows {
            let records = sums.records(&dir, id).and_then(|records| {
                if records.rows() != n_rows {
                    let what = "has another number of rows than the catalog says";
                    return Err(IndexError::damaged(records.path(), what));
                }
                Ok((records.check()?, records.path().to_owned(), records.bytes()))
            });
            checked.note(records)?;
            let prints = sums.prints(&dir, id);
            let prints = prints.and_then(|prints| Ok((prints.check()?, prints.path().to_owned(), prints.bytes())));
            checked.note(prints)?;
        }
        Ok(checked)
    }
}

impl Checked {
    fn note(&mut self, file: Result<(bool, PathBuf, u64)>) -> Result<()> {
        self.files += 1;
        match file {
            Ok((summed, path, bytes)) => {
                self.bytes += bytes;
                if !summed {
                    self.unsummed.push(path);
                }
                Ok(())
            }
            Err(damaged @ IndexError::Damaged { .. }) => {
                self.damaged.push(damaged);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }
}
