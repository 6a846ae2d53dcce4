//! What stands in a stretch of a columnar file and in none of its rows: entries of dictionaries that no row uses, and
//! least and greatest values that the file still gives for rows that are gone.
//!
//! Writers make both from rows, and whoever deletes rows without making them anew leaves them behind.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray};
use residuum_source::{Batch, Column, Flow, RecordKind, Records, Rows, Sink};

use super::{LONG, LongValue};

/// Values of one stretch of a file that no row has, as far as it was read.
#[derive(Default)]
pub(crate) struct Beside {
    columns: BTreeMap<Arc<str>, Values>,
}

#[derive(Default)]
struct Values {
    /// Of dictionaries.
    entries: HashSet<Vec<u8>>,
    /// Whether the entries were taken in.
    has_dictionary: bool,
    /// Of the footer, each with whether it is whole.
    bounds: Vec<(Vec<u8>, bool)>,
}

impl Beside {
    /// Takes in a least or greatest value, which may be cut.
    pub fn bound(&mut self, name: &Arc<str>, bound: Vec<u8>, is_whole: bool) {
        self.columns.entry(name.clone()).or_default().bounds.push((bound, is_whole));
    }

    /// Takes in a value that is whole.
    pub fn entry(&mut self, name: &Arc<str>, entry: Vec<u8>) {
        self.columns.entry(name.clone()).or_default().entries.insert(entry);
    }

    /// Takes in the dictionary of a column.
    pub fn dictionary(&mut self, name: &Arc<str>, entries: &ArrayRef) {
        let values = self.columns.entry(name.clone()).or_default();
        // A column has one dictionary, which may come anew with every batch.
        if std::mem::replace(&mut values.has_dictionary, true) {
            return;
        }
        let texts: &BinaryArray = entries.as_binary();
        let short = (0..texts.len()).filter(|&i| texts.is_valid(i)).map(|i| texts.value(i));
        values.entries.extend(short.filter(|text| !text.is_empty() && text.len() <= LONG).map(<[u8]>::to_vec));
    }

    /// Leaves out what rows have.
    pub fn in_rows(&mut self, column: &Column) {
        let Some(values) = self.columns.get_mut(&column.field) else { return };
        for value in (0..column.len()).map(|i| column.value(i)) {
            if values.entries.is_empty() && values.bounds.is_empty() {
                return;
            }
            values.leave_out(value);
        }
    }

    /// Leaves out a value that a row has and that is too long for its column.
    pub fn in_row(&mut self, long: &LongValue) {
        if let Some(values) = self.columns.get_mut(&long.field) {
            values.leave_out(&long.bytes);
        }
    }

    /// Hands over what is left as a record of this name, in batches of about this many bytes.
    pub fn hand_over(self, name: &str, batch_bytes: usize, sink: &mut dyn Sink) -> Flow {
        for (field, values) in self.columns {
            let bounds = values.bounds.into_iter().map(|(bound, _)| bound);
            let mut texts: Vec<Vec<u8>> = values.entries.into_iter().chain(bounds).collect();
            texts.sort_unstable();
            texts.dedup();
            let mut texts = texts.into_iter().peekable();
            while texts.peek().is_some() {
                let mut column = Column::new(field.clone());
                while let Some(text) = texts.next_if(|_| column.bytes.len() < batch_bytes) {
                    column.push(&text);
                }
                column.rows = Rows::Listed(vec![0; column.len()]);
                let records = Records::Named { kind: RecordKind::Part, names: vec![name.to_owned()] };
                sink.batch(Batch { records, columns: vec![column], raw_bytes: 0 })?;
            }
        }
        Flow::Continue(())
    }
}

impl Values {
    fn leave_out(&mut self, value: &[u8]) {
        self.entries.remove(value);
        self.bounds.retain(|(bound, is_whole)| match is_whole {
            true => bound != value,
            false => !value.starts_with(without_last_character(bound)),
        });
    }
}

/// The last character of a bound that was cut may be one more than that of the value.
fn without_last_character(bound: &[u8]) -> &[u8] {
    let is_first = |byte: &u8| byte & 0xc0 != 0x80;
    &bound[..bound.iter().rposition(is_first).unwrap_or(0)]
}

/// How the name of such a record ends.
pub(crate) const NO_ROW: &str = ", in no row";
