//! What whoever wrote a Parquet file noted about it: the footer's key-value metadata, and what Arrow keeps there of its
//! own schema, in which each column may have notes, too.
//!
//! Notes are one record. Arrow writes the notes of a table twice, as entries of their own and within `ARROW:schema`; they
//! are read once and replaced in both.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_ipc::convert::fb_to_schema;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parquet::arrow::encode_arrow_schema;
use parquet::file::metadata::KeyValue;
use residuum_source::{Record, RecordKind};

use crate::arrays::Beside;
use crate::json::append_key;

/// The name of the record.
pub(super) const NAME: &str = "metadata";

/// Where Arrow keeps its schema, as Base64 of a message of its own.
const ARROW: &str = "ARROW:schema";

/// What Arrow itself notes of a column: its number, and what it is an extension of.
const OF_ARROW: [&str; 2] = ["PARQUET:", "ARROW:extension:name"];

/// Whether a record is that of the notes.
pub(crate) fn is_notes(record: &Record) -> bool {
    matches!(record, Record::Text(RecordKind::Part, name) if name == NAME)
}

/// The notes of a footer.
pub(super) fn of(entries: Option<&Vec<KeyValue>>) -> Beside {
    let mut beside = Beside::default();
    for_each(entries, &mut |field, value| {
        if !value.is_empty() {
            beside.entry(&field.into(), value.as_bytes().to_vec());
        }
    });
    beside
}

/// What is to stand in place of a note: of this field, with this value. `None` is nothing.
pub(crate) struct NewNote {
    pub field: Arc<str>,
    pub old: Vec<u8>,
    pub new: Option<String>,
}

/// Whether a note stands there.
pub(crate) fn is_there(entries: Option<&Vec<KeyValue>>, note: &NewNote) -> bool {
    let mut is_there = false;
    for_each(entries, &mut |field, value| is_there |= *field == *note.field && value.as_bytes() == note.old);
    is_there
}

/// The entries with these notes in place of the old ones; other entries stay as they are, byte by byte.
pub(crate) fn replaced(entries: Option<&Vec<KeyValue>>, notes: &[NewNote]) -> Option<Vec<KeyValue>> {
    let new_of = |field: &str, value: &str| {
        notes.iter().find(|note| *note.field == *field && note.old == value.as_bytes()).map(|note| note.new.clone())
    };
    let replaced = |entry: &KeyValue| {
        let mut entry = entry.clone();
        let value = entry.value.as_deref().unwrap_or_default();
        match arrow_schema(&entry.key, value) {
            Some(schema) => {
                let changed = with_notes(&schema, &new_of);
                if changed != schema {
                    entry.value = Some(encode_arrow_schema(&changed));
                }
            }
            None => {
                if let Some(new) = new_of(&name_of(&entry.key), value) {
                    entry.value = new;
                }
            }
        }
        entry
    };
    entries.map(|entries| entries.iter().map(replaced).collect())
}

/// Shows each note once: its field and its value.
fn for_each(entries: Option<&Vec<KeyValue>>, each: &mut dyn FnMut(&str, &str)) {
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    let known = |key: &str, value: &str| {
        entries.iter().any(|entry| entry.key == key && entry.value.as_deref().unwrap_or_default() == value)
    };
    for KeyValue { key, value } in entries {
        let value = value.as_deref().unwrap_or_default();
        let Some(schema) = arrow_schema(key, value) else {
            each(&name_of(key), value);
            continue;
        };
        for (key, value) in sorted(schema.metadata()).filter(|(key, value)| !known(key, value)) {
            each(&name_of(key), value);
        }
        of_fields(schema.fields(), "", each);
    }
}

fn of_fields(fields: &Fields, parent: &str, each: &mut dyn FnMut(&str, &str)) {
    for field in fields {
        let mut path = parent.to_owned();
        append_key(&mut path, field.name().as_bytes());
        for (key, value) in sorted(field.metadata()).filter(|(key, _)| !OF_ARROW.iter().any(|own| key.starts_with(own)))
        {
            each(&beneath(&path, key), value);
        }
        within(field.data_type(), &mut |fields| of_fields(fields, &path, each));
    }
}

/// The field of a note on a column.
fn beneath(path: &str, key: &str) -> String {
    let mut name = path.to_owned();
    append_key(&mut name, key.as_bytes());
    name
}

fn name_of(key: &str) -> String {
    beneath("", key)
}

fn sorted(notes: &HashMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    let mut notes: Vec<_> = notes.iter().collect();
    notes.sort_unstable();
    notes.into_iter()
}

/// The fields that a type has within it.
fn within(data_type: &DataType, each: &mut dyn FnMut(&Fields)) {
    match data_type {
        DataType::Struct(fields) => each(fields),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => each(&Fields::from(vec![field.clone()])),
        DataType::Dictionary(_, values) => within(values, each),
        _ => {}
    }
}

/// Arrow's schema, where an entry is one that can be understood. The library is careful, but does not promise never to
/// panic on what is damaged.
fn arrow_schema(key: &str, value: &str) -> Option<Schema> {
    if key != ARROW {
        return None;
    }
    let bytes = BASE64.decode(value).ok()?;
    // The message stands behind its length, in newer files with a mark before that.
    let message = match bytes.get(..4)? == [0xff; 4] {
        true => bytes.get(8..)?,
        false => &bytes,
    };
    catch_unwind(AssertUnwindSafe(|| {
        let message = arrow_ipc::root_as_message(message).ok()?;
        Some(fb_to_schema(message.header_as_schema()?))
    }))
    .unwrap_or(None)
}

type NewOf<'n> = &'n dyn Fn(&str, &str) -> Option<Option<String>>;

fn with_notes(schema: &Schema, new_of: NewOf<'_>) -> Schema {
    let fields: Fields = schema.fields().iter().map(|field| field_with_notes(field, "", new_of)).collect();
    Schema::new_with_metadata(fields, notes_with(schema.metadata(), &name_of, new_of))
}

fn field_with_notes(field: &FieldRef, parent: &str, new_of: NewOf<'_>) -> FieldRef {
    let path = beneath(parent, field.name());
    let inner = |field: &FieldRef| field_with_notes(field, &path, new_of);
    let data_type = type_with_notes(field.data_type(), &inner);
    let notes = notes_with(field.metadata(), &|key| beneath(&path, key), new_of);
    Arc::new(Field::clone(field).with_data_type(data_type).with_metadata(notes))
}

fn type_with_notes(data_type: &DataType, inner: &dyn Fn(&FieldRef) -> FieldRef) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::List(field) => DataType::List(inner(field)),
        DataType::LargeList(field) => DataType::LargeList(inner(field)),
        DataType::ListView(field) => DataType::ListView(inner(field)),
        DataType::LargeListView(field) => DataType::LargeListView(inner(field)),
        DataType::FixedSizeList(field, n) => DataType::FixedSizeList(inner(field), *n),
        DataType::Map(field, is_sorted) => DataType::Map(inner(field), *is_sorted),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(type_with_notes(values, inner)))
        }
        other => other.clone(),
    }
}

fn notes_with(
    notes: &HashMap<String, String>,
    field: &dyn Fn(&str) -> String,
    new_of: NewOf<'_>,
) -> HashMap<String, String> {
    let new = |(key, value): (&String, &String)| match new_of(&field(key), value) {
        Some(new) => new.map(|new| (key.clone(), new)),
        None => Some((key.clone(), value.clone())),
    };
    notes.iter().filter_map(new).collect()
}
