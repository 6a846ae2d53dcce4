//! What is known of single objects, for whoever acts on records in them.

use super::catalog::{LIVE, bulk};
use super::error::Result;
use super::{ObjectInfo, Reader};

impl Reader {
    /// The ledger of the objects with these numbers, in their order; what is not live is left out.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn objects_numbered(&self, numbers: &[u32]) -> Result<Vec<ObjectInfo>> {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        let mut found = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(20_000) {
            self.objects_of(some, &mut |object| found.push(object))?;
        }
        Ok(found)
    }

    /// How many bytes of a listed object were read, all of its members together.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn bytes_of_listed(&self, listed: u32) -> Result<u64> {
        let bytes: Vec<u64> = self.catalog().rows(
            "SELECT json_array(ifnull(sum(c.bytes), 0)) FROM coverage c \
             JOIN generation g ON g.id = c.generation AND g.state = ?1 WHERE g.object = ?2",
            &[LIVE.into(), listed.into()],
        )?;
        Ok(bytes.into_iter().sum())
    }

    /// How the fields of an object were treated, as JSON, one text for each of its parts that was planned by itself.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn plans_of_object(&self, object: u32) -> Result<Vec<String>> {
        self.catalog().rows(
            "SELECT json_group_array(c.plan ORDER BY c.part) FROM coverage c \
             JOIN generation g ON g.id = c.generation AND g.state = ?1 WHERE c.object = ?2 AND c.plan IS NOT NULL",
            &[LIVE.into(), object.into()],
        )
    }

    /// The formats of the containers around a part and its own, outermost first: the part `a.zip!b.csv` of a source has
    /// `["zip", "csv"]`.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn formats_of(&self, source: &str, part: &str) -> Result<Vec<String>> {
        let ends = part.match_indices('!').map(|(at, _)| at).chain([part.len()]);
        let names: Vec<&str> = ends.map(|end| &part[..end]).collect();
        self.catalog().rows(
            "SELECT json_group_array(ifnull(format, 'unknown') ORDER BY length(path)) FROM \
             (SELECT o.path AS path, max(c.format) AS format FROM object o JOIN source s ON s.id = o.source AND s.name = ?1 \
             JOIN coverage c ON c.object = o.id JOIN generation g ON g.id = c.generation AND g.state = ?2 \
             WHERE o.path IN (SELECT value FROM json_each(?3)) GROUP BY o.path)",
            &[source.into(), LIVE.into(), bulk(&names)],
        )
    }
}
