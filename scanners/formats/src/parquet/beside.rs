//! What stands in a row group and in none of its rows: entries of dictionaries that no row uses, and least and greatest
//! values that the footer still gives for rows that are gone.
//!
//! Writers make both from rows, and whoever deletes rows without making them anew leaves them behind.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray};

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use residuum_source::{Batch, Column, Flow, Record, RecordKind, Records, Rows, Sink};

use super::flatten::LongValue;
use super::rows::LONG;
use super::schema::is_decimal;

/// Values of one row group that no row has, as far as it was read.
#[derive(Default)]
pub(super) struct Beside {
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
    /// What the footer says of the texts of a row group.
    pub fn new(row_group: &RowGroupMetaData, leaves: &[usize], names: &[Arc<str>]) -> Self {
        let mut beside = Self::default();
        for (&leaf, name) in leaves.iter().zip(names) {
            // A decimal in bytes is read as a number, and no text.
            let column = row_group.columns().get(leaf);
            let column = column.filter(|column| !is_decimal(column.column_descr().self_type()));
            let statistics = column.and_then(|column| column.statistics());
            let Some(Statistics::ByteArray(bounds)) = statistics else { continue };
            let values = beside.columns.entry(name.clone()).or_default();
            values.bounds.extend(whole_or_cut(bounds));
        }
        beside
    }

    /// Takes in the dictionary of a column.
    pub fn dictionary(&mut self, name: &Arc<str>, entries: &ArrayRef) {
        let values = self.columns.entry(name.clone()).or_default();
        // A column has one dictionary in a row group; the library gives it anew with every batch.
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

    /// Hands over what is left, in batches of about this many bytes.
    pub fn hand_over(self, row_group: usize, batch_bytes: usize, sink: &mut dyn Sink) -> Flow {
        let name = format!("row group {row_group}{NO_ROW}");
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
                let records = Records::Named { kind: RecordKind::Part, names: vec![name.clone()] };
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

const NO_ROW: &str = ", in no row";

/// The row group beside whose rows something stands.
pub(crate) fn row_group_of(record: &Record) -> Option<u32> {
    let Record::Text(RecordKind::Part, text) = record else { return None };
    text.strip_prefix("row group ")?.strip_suffix(NO_ROW)?.parse().ok()
}

/// The least and the greatest value, each with whether it is whole.
fn whole_or_cut(
    bounds: &ValueStatistics<parquet::data_type::ByteArray>,
) -> impl Iterator<Item = (Vec<u8>, bool)> + use<> {
    let of = |value: Option<&parquet::data_type::ByteArray>, is_whole| {
        value.map(|value| (value.data().to_vec(), is_whole)).filter(|(value, _)| !value.is_empty())
    };
    let least = of(bounds.min_opt(), bounds.min_is_exact());
    least.into_iter().chain(of(bounds.max_opt(), bounds.max_is_exact()))
}
