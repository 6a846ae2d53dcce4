//! What the catalog knows of segment files as they were written: their sizes and digests.
//!
//! Segments of an index of format 1 have neither; they are read unchecked until they are merged or scanned again.

use std::path::Path;

use hashbrown::HashMap;

use super::catalog::{Catalog, bulk};
use super::error::{IndexError, Result};
use super::segment::{self, FileSum, Prints, Records};
use crate::keyfile::{hex, unhex};

/// Part of the catalog's schema.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS segment_file (
    segment INTEGER,
    part TEXT,
    bytes INTEGER NOT NULL,
    tail INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (segment, part)
) WITHOUT ROWID;
";

/// The two files of a segment.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct SegmentSums {
    pub(super) records: Option<FileSum>,
    pub(super) prints: Option<FileSum>,
}

impl SegmentSums {
    /// Bytes of both.
    pub(super) fn bytes(&self) -> u64 {
        [self.records, self.prints].iter().flatten().map(|sum| sum.bytes).sum()
    }
}

/// The files of all segments.
#[derive(Default)]
pub(super) struct Sums(HashMap<u64, SegmentSums>);

impl Sums {
    pub(super) fn load(catalog: &mut Catalog) -> Result<Self> {
        let known: i64 = catalog.one("SELECT count(*) FROM sqlite_master WHERE name = 'segment_file'", &[])?;
        if known == 0 {
            return Ok(Self::default());
        }
        let rows: Vec<(u64, String, u64, u64, String)> = catalog
            .rows("SELECT json_group_array(json_array(segment, part, bytes, tail, digest)) FROM segment_file", &[])?;
        let mut sums = Self::default();
        for (segment, part, bytes, tail, digest) in rows {
            let digest = unhex(&digest).and_then(|digest| digest.try_into().ok());
            let digest = digest.ok_or_else(|| IndexError::damaged(catalog.file(), "holds a digest that is none"))?;
            let sum = Some(FileSum { bytes, tail, digest });
            let of = sums.0.entry(segment).or_default();
            match part.as_str() {
                "records" => of.records = sum,
                "prints" => of.prints = sum,
                _ => return Err(IndexError::damaged(catalog.file(), "names a part that no segment has")),
            }
        }
        Ok(sums)
    }

    /// Opens the files of a segment, checked as far as they are read.
    pub(super) fn open(&self, dir: &Path, id: u64) -> Result<(Records, Prints)> {
        Ok((self.records(dir, id)?, self.prints(dir, id)?))
    }

    pub(super) fn records(&self, dir: &Path, id: u64) -> Result<Records> {
        let sum = self.0.get(&id).and_then(|of| of.records.as_ref());
        Records::open(&segment::records_file(dir, id), sum)
    }

    pub(super) fn prints(&self, dir: &Path, id: u64) -> Result<Prints> {
        let sum = self.0.get(&id).and_then(|of| of.prints.as_ref());
        Prints::open(&segment::prints_file(dir, id), sum)
    }
}

/// Notes the files of new segments.
pub(super) fn insert(catalog: &mut Catalog, segments: &[(u64, SegmentSums)]) -> Result<()> {
    let row = |id: u64, part: &'static str, sum: Option<FileSum>| {
        sum.map(|sum| (id, part, sum.bytes, sum.tail, hex(&sum.digest)))
    };
    let rows: Vec<_> = segments
        .iter()
        .flat_map(|(id, of)| [row(*id, "records", of.records), row(*id, "prints", of.prints)])
        .flatten()
        .collect();
    let sql = "INSERT INTO segment_file SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
               FROM json_each(?)";
    catalog.run(sql, &[bulk(&rows)]).map(drop)
}

/// Forgets the files of segments that are no more.
pub(super) fn remove(catalog: &mut Catalog, segments: &[u64]) -> Result<()> {
    let sql = "DELETE FROM segment_file WHERE segment IN (SELECT value FROM json_each(?))";
    catalog.run(sql, &[bulk(&segments)]).map(drop)
}
