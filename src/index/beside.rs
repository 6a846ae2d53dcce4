//! What else stands in records: of very many of them, in one pass.

use std::ops::ControlFlow;

use hashbrown::HashMap;
use residuum_source::Record;

use super::catalog::{LIVE, bulk};
use super::error::Result;
use super::ranges::joined;
use super::segment::Selection;
use super::{Finding, Reader};

/// Objects whose places are asked for by one statement.
const OBJECTS: usize = 20_000;

impl Reader {
    /// Gives the live findings of these records in canonical order, as [`Reader::record_findings`] gives those of one:
    /// all of a record come one after the other.
    ///
    /// Records are given ascending. A page in which several of them lie is decoded once, so that a hundred thousand
    /// records of a table cost about as much as reading what identifies the rows between the first and the last.
    ///
    /// # Errors
    /// [`IndexError::Damaged`](super::IndexError::Damaged) if a segment cannot be read.
    pub fn findings_of_records(
        &self,
        records: &[(u32, Record)],
        each: &mut dyn FnMut(&Finding) -> ControlFlow<()>,
    ) -> Result<()> {
        debug_assert!(records.is_sorted(), "a pass goes through the segments once");
        let objects: Vec<&[(u32, Record)]> = records.chunk_by(|a, b| a.0 == b.0).collect();
        for objects in objects.chunks(OBJECTS) {
            let wanted: HashMap<u32, &[(u32, Record)]> =
                objects.iter().map(|records| (records[0].0, *records)).collect();
            let numbers: Vec<u32> = objects.iter().map(|records| records[0].0).collect();
            let selections = self.rows_of_records(&numbers, &wanted)?;
            let order: Vec<u32> = self.catalog().rows(
                "SELECT json_group_array(o.id ORDER BY s.name, o.path) FROM object o JOIN source s ON s.id = o.source \
                 WHERE o.id IN (SELECT value FROM json_each(?1))",
                &[bulk(&numbers)],
            )?;
            let ranks = self.ranks(order.iter().copied().zip(0..).collect())?;
            let mut flow = ControlFlow::Continue(());
            self.walk(selections, &ranks, Some(&order), &mut |_, _, finding| {
                flow = each(finding);
                flow
            })?;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The live rows of these records in each segment.
    fn rows_of_records(&self, objects: &[u32], wanted: &HashMap<u32, &[(u32, Record)]>) -> Result<Vec<Selection>> {
        let places: Vec<(u64, u32, u32, u32)> = self.catalog().rows(
            "SELECT json_group_array(json_array(so.segment, so.first, so.n_rows, so.object)) FROM segment_object so \
             JOIN generation g ON g.id = so.generation AND g.state = ?2 \
             WHERE so.object IN (SELECT value FROM json_each(?1))",
            &[bulk(&objects), LIVE.into()],
        )?;
        let numbers: HashMap<u64, usize> = self.segments.iter().enumerate().map(|(i, s)| (s.id, i)).collect();
        let mut selections = vec![Selection::new(); self.segments.len()];
        for (segment, first, count, object) in places {
            if let Some((&number, records)) = numbers.get(&segment).zip(wanted.get(&object)) {
                let records = records.iter().map(|(_, record)| record);
                self.segments[number].records.of_records(first..first + count, records, &mut selections[number])?;
            }
        }
        selections.iter_mut().for_each(joined);
        Ok(selections)
    }
}
