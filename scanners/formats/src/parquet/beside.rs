//! What the footer and the dictionaries of a Parquet row group hold and none of its rows.

use std::sync::Arc;

use parquet::data_type::ByteArray;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::{Statistics, ValueStatistics};
use residuum_source::{Record, RecordKind};

use super::schema::is_decimal;
use crate::arrays::Beside;
use crate::arrays::beside::NO_ROW;

/// What the footer says of the texts of a row group.
pub(super) fn of(row_group: &RowGroupMetaData, leaves: &[usize], names: &[Arc<str>]) -> Beside {
    let mut beside = Beside::default();
    for (&leaf, name) in leaves.iter().zip(names) {
        // A decimal in bytes is read as a number, and no text.
        let column = row_group.columns().get(leaf);
        let column = column.filter(|column| !is_decimal(column.column_descr().self_type()));
        let statistics = column.and_then(|column| column.statistics());
        let Some(Statistics::ByteArray(bounds)) = statistics else { continue };
        whole_or_cut(bounds).for_each(|(bound, is_whole)| beside.bound(name, bound, is_whole));
    }
    beside
}

/// The name of the record that holds what stands beside the rows of a row group.
pub(super) fn name(row_group: usize) -> String {
    format!("row group {row_group}{NO_ROW}")
}

/// The row group beside whose rows something stands.
pub(crate) fn row_group_of(record: &Record) -> Option<u32> {
    let Record::Text(RecordKind::Part, text) = record else { return None };
    text.strip_prefix("row group ")?.strip_suffix(NO_ROW)?.parse().ok()
}

/// The least and the greatest value, each with whether it is whole.
fn whole_or_cut(bounds: &ValueStatistics<ByteArray>) -> impl Iterator<Item = (Vec<u8>, bool)> + use<> {
    let of = |value: Option<&ByteArray>, is_whole| {
        value.map(|value| (value.data().to_vec(), is_whole)).filter(|(value, _)| !value.is_empty())
    };
    let least = of(bounds.min_opt(), bounds.min_is_exact());
    least.into_iter().chain(of(bounds.max_opt(), bounds.max_is_exact()))
}
