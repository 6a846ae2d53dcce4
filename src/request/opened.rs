//! What the index keeps sealed, opened: the keys of records and the names of fields, as sources know them.

use residuum_detect::FieldPlan;
use residuum_source::{KeyValue, Record, RecordKind};
use serde_json::Value;

use crate::index::{IndexError, Keyring, Reader};
use crate::scan::open_key_value;

/// How the scan treated an object's fields, their names opened.
pub(super) fn field_plans(reader: &Reader, keys: &Keyring, object: u32) -> Result<Vec<FieldPlan>, IndexError> {
    let mut plans = Vec::new();
    for text in reader.plans_of_object(object)? {
        let of_part: Vec<FieldPlan> = serde_json::from_str(&text).unwrap_or_default();
        for mut plan in of_part {
            plan.field = keys.reveal(&plan.field)?;
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// A record whose key, or whose sheet's name, is opened.
pub(super) fn opened(keys: &Keyring, record: &Record) -> Result<Record, IndexError> {
    let Record::Text(kind, text) = record else { return Ok(record.clone()) };
    if !crate::index::is_sealed(text) {
        return Ok(record.clone());
    }
    let array = |text: &str| serde_json::from_str::<Vec<Value>>(text).ok();
    if *kind == RecordKind::Pk {
        let value = |value: Value| match value {
            Value::String(text) => open_key_value(keys, text),
            Value::Number(number) => number.as_i64().map(KeyValue::Integer).ok_or_else(damaged),
            Value::Null => Ok(KeyValue::Null),
            _ => Err(damaged()),
        };
        let values = array(text).ok_or_else(damaged)?.into_iter().map(value);
        return Ok(Record::pk(&values.collect::<Result<Vec<_>, _>>()?));
    }
    // A row of a sheet is the beginning of an array; what stands in the texts of either is escaped.
    let open_all = |values: Vec<Value>| -> Result<String, IndexError> {
        let open = |value: Value| match value {
            Value::String(text) => keys.reveal(&text).map(Value::String),
            value => Ok(value),
        };
        Ok(Value::Array(values.into_iter().map(open).collect::<Result<_, _>>()?).to_string())
    };
    let text = match (array(text), array(&format!("{text}]"))) {
        (Some(values), _) => open_all(values)?,
        (None, Some(values)) => open_all(values)?.trim_end_matches(']').to_owned(),
        (None, None) => keys.reveal(text)?,
    };
    Ok(Record::Text(*kind, text))
}

fn damaged() -> IndexError {
    IndexError::Misuse("the key of a record is none".to_owned())
}
