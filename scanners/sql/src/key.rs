//! Keys as records hold them: read back, and compared with how a table tells its rows apart now.

use residuum_source::{KeyValue, Record, RecordKind};
use serde_json::Value as Json;

/// The values of a record's key; `None` if it is told apart otherwise.
pub fn values(record: &Record) -> Option<Vec<KeyValue>> {
    let text = match record {
        Record::Number(RecordKind::Pk, number) => return Some(vec![KeyValue::Integer(*number as i64)]),
        Record::Text(RecordKind::Pk, text) => text,
        _ => return None,
    };
    let values: Vec<Json> = serde_json::from_str(text).ok()?;
    let value = |value: Json| match value {
        Json::Number(number) => number.as_i64().map_or_else(|| KeyValue::Text(number.to_string()), KeyValue::Integer),
        Json::String(text) => KeyValue::Text(text),
        _ => KeyValue::Null,
    };
    Some(values.into_iter().map(value).collect())
}

/// The same as a server reads them. What is empty is written as a null there, and a primary key has no null.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub fn texts(record: &Record) -> Option<Vec<String>> {
    let text = |value| match value {
        KeyValue::Integer(number) => number.to_string(),
        KeyValue::Text(text) => text,
        KeyValue::Null => String::new(),
    };
    Some(values(record)?.into_iter().map(text).collect())
}

/// Whether a record can be one of a table with a key of these columns, of which it is said whether they hold integers.
pub fn fits(record: &Record, are_integers: &[bool]) -> bool {
    let Some(values) = values(record) else { return false };
    let fits = |(value, &is_integer): (&KeyValue, &bool)| match value {
        KeyValue::Integer(_) => is_integer,
        KeyValue::Text(text) => !(is_integer && text.parse::<i64>().is_ok()),
        KeyValue::Null => true,
    };
    values.len() == are_integers.len() && values.iter().zip(are_integers).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_of_a_key_like_its_own() {
        let text = |text: &str| Record::Text(RecordKind::Pk, text.to_owned());
        let cases: &[(&str, Record, &[bool], bool)] = &[
            ("one number", Record::Number(RecordKind::Pk, 7), &[true], true),
            ("a number, and the column holds texts now", Record::Number(RecordKind::Pk, 7), &[false], false),
            ("a number, and the key has two columns now", Record::Number(RecordKind::Pk, 7), &[true, true], false),
            ("a number, and there is no key now", Record::Number(RecordKind::Pk, 7), &[], false),
            ("a text", text(r#"["x"]"#), &[false], true),
            ("a text of digits, and the column holds integers now", text(r#"["7"]"#), &[true], false),
            ("a number beyond 64 bits", text(r#"["18446744073709551610"]"#), &[true], true),
            ("several", text(r#"["x",-7,null]"#), &[false, true, false], true),
            ("fewer than there are now", text(r#"["x",-7]"#), &[false, true, false], false),
            ("a place", Record::ctid(3, 9), &[true], false),
            ("a rowid", Record::Number(RecordKind::Rowid, 7), &[true], false),
            ("no key at all", text("x"), &[false], false),
        ];
        for (name, record, are_integers, expected) in cases {
            assert_eq!(fits(record, are_integers), *expected, "{name}");
        }
    }

    #[cfg(any(feature = "mysql", feature = "postgres"))]
    #[test]
    fn keys_are_read_as_servers_take_them() {
        let record = Record::Text(RecordKind::Pk, r#"["x",-7,null]"#.to_owned());
        assert_eq!(texts(&record), Some(vec!["x".into(), "-7".into(), String::new()]));
        assert_eq!(texts(&Record::Number(RecordKind::Pk, -7i64 as u64)), Some(vec!["-7".into()]));
    }
}
