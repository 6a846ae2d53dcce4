//! Avro: blocks in which nothing is edited keep their packed bytes, the others are packed anew; the head with schema and
//! codec stays. The mark between blocks is a new one, so that no reader takes a piece of the old file for one of this.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{Limits, Record, RecordKind, Refusal};

use crate::avro::edit::{Block, Content, Kind, Place, Records, encoded};
use crate::avro::note_field;
use crate::container::Within;
use crate::edit::splice::copy;
use crate::edit::wish::{Set, Wishes};
use crate::edit::{not_found_again, unsupported};
use crate::{Bytes, Fault, Input, ReadAt, Slice};

/// What is done with the rows.
pub(in crate::edit) struct Edits {
    notes: Vec<NewNote>,
    deleted: BTreeSet<u64>,
    sets: BTreeMap<u64, Vec<Set>>,
    mark: [u8; 16],
}

/// What becomes of what the writer noted.
struct NewNote {
    field: Arc<str>,
    old: Vec<u8>,
    new: Vec<u8>,
}

/// Finds out which wishes can be written.
pub(super) fn settle(
    from: Arc<dyn ReadAt>,
    wishes: Wishes,
    limits: &Limits,
    refuse: &mut dyn FnMut(&Record, Refusal),
) -> Result<(Edits, u64, u64), Fault> {
    let hash = |n: u8| RandomState::new().hash_one(n).to_le_bytes();
    let mark = [hash(0), hash(1)].concat().try_into().unwrap_or_default();
    let is_row = |record: &&Record| record.kind() == RecordKind::Row;
    let deleted: BTreeSet<u64> = wishes.deletes.iter().filter(is_row).map(Record::number).collect();
    let sets = wishes.sets.into_iter().filter(|(record, _)| !wishes.deletes.contains(record));
    let (sets, of_notes): (Vec<_>, Vec<_>) = sets.partition(|(record, _)| is_row(&record));
    let sets = sets.into_iter().map(|(record, sets)| (record.number(), sets)).collect();
    let mut edits = Edits { notes: Vec::new(), deleted, sets, mark };
    let within = Within::new(limits, from.size());
    let mut records = Records::open(&from, &within)?;
    let mut noted = 0;
    for (record, sets) in of_notes {
        let notes: Result<Vec<_>, Refusal> = sets.iter().map(|set| new_note(set, records.entries())).collect();
        match notes {
            Ok(notes) => {
                edits.notes.extend(notes);
                noted += 1;
            }
            Err(refusal) => refuse(&record, refusal),
        }
    }
    let mut refused = Vec::new();
    let mut first = 1;
    while let Some((count, block)) =
        records.next(first, &|rows| edits.touches(rows), &|row| edits.sets.contains_key(&row))?
    {
        let block = if let Content::Open(block) = block { Some(block) } else { None };
        let (content, rows) = block.as_ref().map_or((&[][..], &[][..]), |block| (&block.content, &block.records));
        for (row, _, places) in rows {
            let Some(sets) = edits.sets.get(row) else { continue };
            if let Err(refusal) = sets.iter().try_for_each(|set| written(set, places, content).map(drop)) {
                refused.push((*row, refusal));
            }
        }
        first += count;
    }
    let kind = RecordKind::Row;
    for (row, refusal) in refused {
        edits.sets.remove(&row);
        refuse(&Record::Number(kind, row), refusal);
    }
    let (deleted, changed) = (edits.deleted.len() as u64, edits.sets.len() as u64 + noted);
    Ok((edits, deleted, changed))
}

impl Edits {
    fn touches(&self, rows: Range<u64>) -> bool {
        self.deleted.range(rows.clone()).next().is_some() || self.sets.range(rows).next().is_some()
    }
}

/// What becomes of a note. An entry has no null, and is empty instead.
fn new_note(set: &Set, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<NewNote, Refusal> {
    let old = set.text.clone().ok_or_else(not_found_again)?;
    let is_it = |(name, value): &(Vec<u8>, Vec<u8>)| note_field(name) == *set.field && *value == old;
    if !entries.iter().any(is_it) {
        return Err(not_found_again());
    }
    let new = if set.is_null() { Vec::new() } else { set.new_text().unwrap_or_default() };
    Ok(NewNote { field: set.field.clone(), old, new })
}

/// Writes the head with notes in place of the old ones.
fn write_head(entries: &[(Vec<u8>, Vec<u8>)], edits: &Edits, out: &mut dyn Write) -> Result<(), Fault> {
    let mut head = b"Obj\x01".to_vec();
    head.extend(encoded(entries.len() as i64));
    for (name, value) in entries {
        let field = note_field(name);
        let new = edits.notes.iter().find(|note| *note.field == *field && note.old == *value);
        let value = new.map_or(value, |note| &note.new);
        for bytes in [name, value] {
            head.extend(encoded(bytes.len() as i64));
            head.extend_from_slice(bytes);
        }
    }
    head.push(0);
    out.write_all(&head).map_err(|error| Fault::from_io(&error, 0))
}

/// Writes the file anew.
pub(super) fn write(edits: &Edits, from: Arc<dyn ReadAt>, limits: &Limits, out: &mut dyn Write) -> Result<(), Fault> {
    let within = Within::new(limits, from.size());
    let mut records = Records::open(&from, &within)?;
    if edits.notes.is_empty() {
        // The head ends with the old mark.
        let head = Slice { inner: from.clone(), from: 0, len: records.head.saturating_sub(16) };
        copy(&mut Bytes::new(Input::Stored(Arc::new(head))), &[], out)?;
    } else {
        write_head(records.entries(), edits, out)?;
    }
    out.write_all(&edits.mark).map_err(|error| Fault::from_io(&error, 0))?;
    let mut first = 1;
    while let Some((count, block)) =
        records.next(first, &|rows| edits.touches(rows), &|row| edits.sets.contains_key(&row))?
    {
        match block {
            Content::Packed(packed) => records.write(count, &packed, &edits.mark, out)?,
            Content::Open(block) => {
                let (left, content) = edited(&block, edits)?;
                if left > 0 {
                    records.write(left, &records.packed(&content)?, &edits.mark, out)?;
                }
            }
        }
        first += count;
    }
    Ok(())
}

/// A block as it is to be, and how many records it then has.
fn edited(block: &Block, edits: &Edits) -> Result<(u64, Vec<u8>), Fault> {
    let (mut left, mut content) = (0, Vec::with_capacity(block.content.len()));
    for (row, stands, places) in block.records.iter().filter(|(row, ..)| !edits.deleted.contains(row)) {
        let mut replaced: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        for set in edits.sets.get(row).into_iter().flatten() {
            replaced.push(written(set, places, &block.content).map_err(|refusal| Fault::unreadable(refusal.reason))?);
        }
        replaced.sort_by_key(|(bytes, _)| bytes.start);
        let mut at = stands.start;
        for (bytes, new) in replaced {
            content.extend_from_slice(&block.content[at..bytes.start]);
            content.extend(new);
            at = bytes.end;
        }
        content.extend_from_slice(&block.content[at..stands.end]);
        left += 1;
    }
    Ok((left, content))
}

/// The bytes of a value that is replaced, within the block's `content`, and those that stand there afterwards.
fn written(set: &Set, places: &[Place], content: &[u8]) -> Result<(Range<usize>, Vec<u8>), Refusal> {
    let place = places.iter().find(|place| place.field == *set.field && place.nth == set.nth);
    let place = place.ok_or_else(|| unsupported(format!("`{}` cannot be replaced: delete the record", set.field)))?;
    let stands = content.get(place.bytes.clone()).unwrap_or_default();
    if place.kind == Kind::Text && set.text.as_deref().is_some_and(|text| !stands.ends_with(text)) {
        return Err(not_found_again());
    }
    let (before, null) = place.branch.clone().unwrap_or_default();
    if set.is_null() {
        let empty = || (place.kind == Kind::Text).then(|| [before.as_slice(), &[0]].concat());
        let none =
            || unsupported(format!("`{}` takes no null: replace it by a value, or delete the record", set.field));
        return Ok((place.bytes.clone(), null.or_else(empty).ok_or_else(none)?));
    }
    let wrong = || {
        unsupported(format!(
            "`{}` cannot hold the new value: replace it by one of its type, or delete the record",
            set.field
        ))
    };
    let new = set.new_text().ok_or_else(|| unsupported("the value is longer than one batch: delete the record"))?;
    let text = || std::str::from_utf8(&new).map_err(|_| wrong());
    let bytes = match place.kind {
        Kind::Text => [encoded(new.len() as i64), new.clone()].concat(),
        Kind::Int => encoded(text()?.parse::<i32>().map_err(|_| wrong())?.into()),
        Kind::Long => encoded(text()?.parse().map_err(|_| wrong())?),
        Kind::Float => text()?.parse::<f32>().map_err(|_| wrong())?.to_le_bytes().to_vec(),
        Kind::Double => text()?.parse::<f64>().map_err(|_| wrong())?.to_le_bytes().to_vec(),
        Kind::Other => return Err(wrong()),
    };
    Ok((place.bytes.clone(), [before, bytes].concat()))
}
