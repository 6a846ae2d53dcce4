//! Looking at fetched records again: what stands where in their values, as it is now.

use std::ops::Range;
use std::sync::Arc;

use residuum_detect::{Detector, FieldPlan, Fingerprint, Literals, RuleId, Type};
use residuum_source::{Batch, Rows};

use super::fetched::{self, Fetched};
use crate::index::Keyring;
use crate::scan::{Again, KeysWanted};

/// Something that stands in a value of a record.
pub(in crate::request) struct Seen {
    /// Which of the record's fields.
    pub field: usize,
    /// Which of the field's values.
    pub value: usize,
    /// Where in it.
    pub range: Range<usize>,
    /// The field's name, a path in nested values.
    pub path: Arc<str>,
    pub kind: Type,
    pub rule: Option<RuleId>,
    /// Its fingerprint under the current key; of a key of a table, the one that was wanted.
    pub fp: Fingerprint,
    /// Its fingerprints under older keys of the index.
    pub older: Box<[Fingerprint]>,
}

impl Seen {
    /// Its fingerprints under every key.
    pub fn fps(&self) -> impl Iterator<Item = Fingerprint> {
        std::iter::once(self.fp).chain(self.older.iter().copied())
    }

    /// Whether the index may have it under this fingerprint.
    pub fn is(&self, fp: Fingerprint) -> bool {
        self.fps().any(|of| of == fp)
    }
}

/// A value within a nested one.
pub(in crate::request) struct Within {
    pub field: usize,
    pub value: usize,
    pub range: Range<usize>,
    pub path: Arc<str>,
}

/// A record with what stands in it.
pub(in crate::request) struct Looked {
    pub fetched: Fetched,
    pub seen: Vec<Seen>,
    pub within: Vec<Within>,
}

impl Looked {
    /// What was seen, as it stands there.
    pub fn bytes(&self, seen: &Seen) -> &[u8] {
        &self.fetched.fields[seen.field].values[seen.value][seen.range.clone()]
    }
}

/// A key whose places are asked for: field, domain and fingerprint.
pub(in crate::request) type KeyWanted = (String, String, Fingerprint);

/// Bytes of records that are looked at together.
const TOGETHER: usize = 8 << 20;

/// Looks at records with the plans of the scan; `keys` are looked for as well.
pub(in crate::request) fn look(
    detector: &Detector,
    keyring: &Keyring,
    plans: &[FieldPlan],
    literals: Option<&dyn Literals>,
    nesting: u32,
    records: Vec<Fetched>,
    keys: &[KeyWanted],
) -> Vec<Looked> {
    let mut again = Again::new(detector, keyring, plans.to_vec(), literals, nesting);
    let (mut looked, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
    for record in records {
        let size: usize = record.fields.iter().flat_map(|field| &field.values).map(Vec::len).sum();
        if bytes + size > TOGETHER && !waiting.is_empty() {
            look_at(&mut again, std::mem::take(&mut waiting), keys, &mut looked);
            bytes = 0;
        }
        bytes += size;
        waiting.push(record);
    }
    look_at(&mut again, waiting, keys, &mut looked);
    looked
}

fn look_at(again: &mut Again<'_>, records: Vec<Fetched>, keys: &[KeyWanted], looked: &mut Vec<Looked>) {
    if records.is_empty() {
        return;
    }
    let batch = fetched::batch(&records);
    let mut all: Vec<Looked> =
        records.into_iter().map(|fetched| Looked { fetched, seen: Vec::new(), within: Vec::new() }).collect();
    let mut sights: Vec<_> = again.look(&batch).into_iter().map(|sight| (Some(sight.rule), sight)).collect();
    let mut wanted = KeysWanted::new();
    for (field, domain, fp) in keys {
        wanted.entry((field, domain)).or_default().insert(*fp);
    }
    sights.extend(again.keys(&batch, &wanted).into_iter().map(|sight| (None, sight)));
    for (rule, sight) in sights {
        let Some(record) = all.get_mut(sight.record) else { continue };
        let Some((field, value, range)) = place(&batch, record, sight.record, sight.column, &sight.bytes) else {
            continue;
        };
        let (path, kind, fp, older) = (sight.field, sight.kind, sight.fp, sight.older);
        record.seen.push(Seen { field, value, range, path, kind, rule, fp, older });
    }
    for nested in again.nested(&batch) {
        let Some(record) = all.get_mut(nested.record) else { continue };
        if let Some((field, value, range)) = place(&batch, record, nested.record, nested.column, &nested.bytes) {
            record.within.push(Within { field, value, range, path: nested.field });
        }
    }
    looked.extend(all);
}

/// Which field and value of a record some bytes of a column are, and where in it.
fn place(
    batch: &Batch,
    record: &Looked,
    row: usize,
    column: usize,
    bytes: &Range<u32>,
) -> Option<(usize, usize, Range<usize>)> {
    let column = &batch.columns[column];
    let of_column = column.value_at(bytes.start);
    let first = match &column.rows {
        Rows::Listed(rows) => rows.partition_point(|&of| (of as usize) < row),
        Rows::Each | Rows::Dictionary(_) => of_column,
    };
    let start = column.offsets[of_column];
    let field = record.fetched.fields.iter().position(|field| field.name == column.field)?;
    let value = of_column.checked_sub(first).filter(|&value| value < record.fetched.fields[field].values.len())?;
    Some((field, value, (bytes.start - start) as usize..(bytes.end - start) as usize))
}
