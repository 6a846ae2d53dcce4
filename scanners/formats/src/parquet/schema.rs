//! The schema of a Parquet file as it is read: what each leaf is to us, and what the library is told.
//!
//! Strings are read as raw bytes, so that a value with invalid UTF-8 is a value and not the end of a row
//! group; and with wide offsets, so that a batch may hold more than 2 GiB. Strings of a column that is
//! dictionary-encoded throughout stay a dictionary.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition, Type as Physical};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use crate::arrays::{Leaf, unique};
use crate::json::append_key;

/// What each leaf is, in order.
pub(super) fn leaves(schema: &SchemaDescriptor) -> Vec<Leaf> {
    let leaf = |logical: Option<&LogicalType>, converted| match (logical, converted) {
        (Some(LogicalType::Json), _) | (_, ConvertedType::JSON) => Leaf::Json,
        (Some(LogicalType::Uuid), _) => Leaf::Uuid,
        (Some(LogicalType::String | LogicalType::Enum), _) | (_, ConvertedType::UTF8 | ConvertedType::ENUM) => {
            Leaf::Text
        }
        _ => Leaf::Other,
    };
    schema.columns().iter().map(|column| leaf(column.logical_type_ref(), column.converted_type())).collect()
}

/// The same schema with strings that are plain bytes.
pub(super) fn without_strings(node: &Type) -> Result<TypePtr> {
    let info = node.get_basic_info();
    let id = info.has_id().then(|| info.id());
    let repetition = if info.has_repetition() { Some(info.repetition()) } else { None };
    let plain = match node {
        Type::GroupType { fields, .. } => {
            let fields = fields.iter().map(|field| without_strings(field)).collect::<Result<_>>()?;
            let mut builder = Type::group_type_builder(node.name())
                .with_logical_type(info.logical_type_ref().cloned())
                .with_converted_type(info.converted_type())
                .with_fields(fields)
                .with_id(id);
            if let Some(repetition) = repetition {
                builder = builder.with_repetition(repetition);
            }
            builder.build()?
        }
        Type::PrimitiveType { physical_type: Physical::BYTE_ARRAY, .. } if !is_decimal(node) => {
            Type::primitive_type_builder(node.name(), Physical::BYTE_ARRAY)
                .with_repetition(repetition.unwrap_or(Repetition::OPTIONAL))
                .with_id(id)
                .build()?
        }
        Type::PrimitiveType { .. } => node.clone(),
    };
    Ok(Arc::new(plain))
}

pub(super) fn is_decimal(node: &Type) -> bool {
    let info = node.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || info.converted_type() == ConvertedType::DECIMAL
}

/// How a row group's columns are to be read, given the types the library would choose.
pub(super) fn wanted(schema: &Schema, parquet: &SchemaDescriptor, row_group: &RowGroupMetaData) -> Schema {
    let mut leaf = 0;
    let field = |field: &FieldRef| {
        let first = leaf;
        leaf += count_leaves(field.data_type());
        let flat =
            parquet.root_schema().get_fields().iter().any(|root| root.name() == field.name() && root.is_primitive());
        let dictionary = flat && *field.data_type() == DataType::Binary && only_dictionary(row_group, first);
        match dictionary {
            true => with_type(field, DataType::Dictionary(DataType::Int32.into(), DataType::Binary.into())),
            false => widened(field),
        }
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

fn widened(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Binary => DataType::LargeBinary,
        // The name of a time zone needs a table of them; this one is known without.
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(widened).collect::<Fields>()),
        DataType::List(element) => DataType::List(widened(element)),
        DataType::Map(entries, sorted) => DataType::Map(widened(entries), *sorted),
        other => other.clone(),
    };
    with_type(field, data_type)
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

/// Whether all data pages of a column are dictionary-encoded, so that no dictionary has to be made.
fn only_dictionary(row_group: &RowGroupMetaData, leaf: usize) -> bool {
    let column = row_group.column(leaf);
    let dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    match column.page_encoding_stats_mask() {
        Some(mask) => mask.encodings().all(dictionary),
        None => column.dictionary_page_offset().is_some(),
    }
}

/// How many leaves a type has.
pub(super) fn count_leaves(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| count_leaves(field.data_type())).sum(),
        DataType::List(element) | DataType::Map(element, _) => count_leaves(element.data_type()),
        _ => 1,
    }
}

/// The names of the leaves: paths as those of JSON, each only once.
pub(super) fn names(schema: &Schema) -> Vec<Arc<str>> {
    let mut names: Vec<String> = Vec::new();
    schema.fields().iter().for_each(|field| append_names(field, "", &mut names));
    unique(names)
}

fn append_names(field: &Field, parent: &str, names: &mut Vec<String>) {
    let mut name = parent.to_owned();
    append_key(&mut name, field.name().as_bytes());
    append_type_names(field.data_type(), name, names);
}

fn append_type_names(data_type: &DataType, name: String, names: &mut Vec<String>) {
    match data_type {
        DataType::Struct(fields) => fields.iter().for_each(|field| append_names(field, &name, names)),
        DataType::List(element) => append_type_names(element.data_type(), name + "[]", names),
        DataType::Map(entries, _) => {
            if let DataType::Struct(fields) = entries.data_type() {
                for (field, step) in fields.iter().zip([".{key}", ".{}"]) {
                    append_type_names(field.data_type(), format!("{name}{step}"), names);
                }
            }
        }
        _ => names.push(name),
    }
}
