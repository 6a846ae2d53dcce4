//! Random documents, printed in random ways, are read as the generator meant them and as serde_json reads them.

use proptest::prelude::*;
use residuum_source::conformance::check_shape;
use residuum_source::{Batch, Column, Limits, OffsetMap, Record, RecordKind, Records, Rows};

use super::{assert_places, keep};
use crate::Encoding;
use crate::json::expand;

#[derive(Clone, Debug)]
enum Json {
    Literal(&'static str),
    Number(String),
    Text(Vec<(char, u8)>),
    Array(Vec<(Json, u8)>),
    Object(Vec<(usize, Json, u8)>),
}

/// Keys with the step they are in a path and whether they are values.
const KEYS: [(&str, &str, bool); 8] = [
    ("a", "a", false),
    ("b", "b", false),
    ("e.x", "e%2Ex", false),
    ("", "\"\"", false),
    ("Jane Doe", "Jane Doe", true),
    ("jane@example.com", "{}", true),
    ("größe", "größe", true),
    ("q\"q\\", "q%22q\\", false),
];

fn json() -> impl Strategy<Value = Json> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (-1e9..1e9f64).prop_map(|n| format!("{n:.3}")),
        (0..999u32, -30..30i32).prop_map(|(n, e)| format!("{n}E{e}")),
    ];
    let text = proptest::collection::vec((any::<char>(), any::<u8>()), 0..40).prop_map(Json::Text);
    let plain = "[ -~]{0,20}".prop_map(|text| Json::Text(text.chars().map(|c| (c, 0)).collect()));
    let literal = prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(Json::Literal);
    let leaf = prop_oneof![number.prop_map(Json::Number), text, plain, literal];
    leaf.prop_recursive(6, 60, 8, |inner| {
        let array = proptest::collection::vec((inner.clone(), any::<u8>()), 0..8).prop_map(Json::Array);
        let members = proptest::collection::btree_map(0..KEYS.len(), (inner, any::<u8>()), 0..6);
        let object = members.prop_map(|m| Json::Object(m.into_iter().map(|(k, (v, how))| (k, v, how)).collect()));
        prop_oneof![array, object]
    })
}

impl Json {
    fn print(&self, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Number(text) => out.push_str(text),
            Self::Text(chars) => print_string(chars.iter().copied(), out),
            Self::Array(elements) => {
                out.push('[');
                for (i, (element, how)) in elements.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    blanks(*how, out);
                    element.print(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (i, (key, value, how)) in members.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    blanks(*how, out);
                    print_string(KEYS[*key].0.chars().map(|c| (c, how / 16)), out);
                    blanks(how / 3, out);
                    out.push(':');
                    blanks(how / 5, out);
                    value.print(out);
                }
                out.push('}');
            }
        }
    }

    /// What must be found: field and value.
    fn expect(&self, field: &str, out: &mut Vec<(String, String)>) {
        let step = |step: &str| if field.is_empty() { step.to_owned() } else { format!("{field}.{step}") };
        let named = || if field.is_empty() { "$".to_owned() } else { field.to_owned() };
        match self {
            Self::Literal(_) => {}
            Self::Number(text) => out.push((named(), text.clone())),
            Self::Text(chars) => out.push((named(), chars.iter().map(|(c, _)| c).collect())),
            Self::Array(elements) => elements.iter().for_each(|(e, _)| e.expect(&format!("{field}[]"), out)),
            Self::Object(members) => {
                for (key, value, _) in members {
                    let (key, name, itself) = KEYS[*key];
                    if itself {
                        out.push((step("{key}"), key.to_owned()));
                    }
                    value.expect(&step(name), out);
                }
            }
        }
    }
}

fn blanks(how: u8, out: &mut String) {
    out.push_str(["", "", " ", "\n ", "\t", "\r\n  "][usize::from(how % 6)]);
}

fn print_string(chars: impl Iterator<Item = (char, u8)>, out: &mut String) {
    out.push('"');
    for (c, how) in chars {
        let short = "\"\"\\\\//\u{8}b\u{c}f\nn\rr\tt".chars().collect::<Vec<_>>();
        let short = short.chunks(2).find(|pair| pair[0] == c).map(|pair| pair[1]);
        match (short, how % 4) {
            (Some(letter), 0 | 1) => out.extend(['\\', letter]),
            _ if how % 4 > 0 || c.is_control() || matches!(c, '"' | '\\') => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&if how > 128 { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn found(batches: &[Batch], object: &[u8]) -> Vec<(Record, String, String)> {
    let mut found = Vec::new();
    for batch in batches {
        for column in &batch.columns {
            assert_places(column, object);
            for i in 0..column.len() {
                let row = match &column.rows {
                    Rows::Each => i,
                    Rows::Listed(rows) => rows[i] as usize,
                    Rows::Dictionary(_) => panic!("JSON has no dictionaries"),
                };
                let value = String::from_utf8(column.value(i).to_vec()).unwrap();
                assert!(!matches!(batch.records, Records::Lines { .. }));
                found.push((batch.record(row), column.field.to_string(), value));
            }
        }
    }
    found.sort();
    found
}

proptest! {
    /// serde_json agrees that it is JSON; what the generator meant is found, at its place, whatever the batch size.
    #[test]
    fn every_value_is_found_at_its_place(documents in proptest::collection::vec(json(), 1..6), batch_bytes in 1usize..400) {
        let mut small = Limits { batch_bytes, ..Limits::default() };
        for document in &documents {
            let (mut printed, mut expected) = (String::new(), Vec::new());
            document.print(&mut printed);
            let value: serde_json::Value = serde_json::from_str(&printed).expect("the generator prints JSON");
            prop_assert_eq!(count(&value), count_json(document));
            // The field of an array's elements is that of a document; of a document, everything is expected as it is.
            let elements = matches!(document, Json::Array(_));
            document.expect("", &mut expected);
            if elements {
                expected.clear();
                let Json::Array(elements) = document else { unreachable!() };
                elements.iter().for_each(|(element, _)| element.expect("", &mut expected));
            }
            expected.sort();
            let whole = found(&keep(printed.as_bytes(), Encoding::Utf8, false, &Limits::default()).batches, printed.as_bytes());
            let pairs: Vec<_> = whole.iter().map(|(_, field, value)| (field.clone(), value.clone())).collect();
            let mut pairs = pairs;
            pairs.sort();
            prop_assert_eq!(pairs, expected);
            let pieces = found(&keep(printed.as_bytes(), Encoding::Utf8, false, &small).batches, printed.as_bytes());
            prop_assert_eq!(pieces, whole);
        }

        // The same documents as lines, and as values of a column.
        small.batch_bytes += 1;
        let texts: Vec<String> = documents.iter().map(|document| {
            let mut printed = String::new();
            document.print(&mut printed);
            serde_json::from_str::<serde_json::Value>(&printed).unwrap().to_string()
        }).collect();
        let lines = texts.join("\n");
        let by_line = found(&keep(lines.as_bytes(), Encoding::Utf8, true, &small).batches, lines.as_bytes());
        for (record, ..) in &by_line {
            prop_assert_eq!(record.kind(), RecordKind::Line);
        }
        let mut column = Column::new("p");
        texts.iter().for_each(|text| column.push(text.as_bytes()));
        column.place = Some(OffsetMap::linear(1000));
        let mut expanded = Vec::new();
        for child in expand(&column, 512) {
            let (column, within) = (child.column, child.within);
            prop_assert!(column.place.as_ref().unwrap().runs().iter().zip(within.runs()).all(|(a, b)| a.raw == b.raw + 1000));
            let batch = Batch { records: Records::Sequence { kind: RecordKind::Line, first: 1, count: texts.len() as u64 },
                columns: vec![Column { place: Some(within), ..column }], raw_bytes: 0 };
            check_shape(&batch);
            let values = found(&[batch], texts.concat().as_bytes());
            expanded.extend(values.into_iter().map(|(record, field, value)| {
                let field = field.strip_prefix("p").unwrap();
                let field = field.strip_prefix('.').unwrap_or(field);
                (record, if field.is_empty() { "$".to_owned() } else { field.to_owned() }, value)
            }));
        }
        expanded.sort();
        prop_assert_eq!(expanded, by_line);
    }

    /// Whatever the bytes, reading ends, every byte is read and every batch is well formed.
    #[test]
    fn random_bytes_are_read(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(br#"{}[]",:\un0 1ae"#.to_vec()), Just(b'\n')], 0..400), lines in any::<bool>(), batch_bytes in 1usize..100) {
        let limits = Limits { batch_bytes, nesting: 4, ..Limits::default() };
        keep(&bytes, Encoding::Utf8, lines, &limits);
        let mut column = Column::new("p");
        bytes.split(|b| *b == b'\n').for_each(|value| column.push(value));
        expand(&column, 4);
    }
}

fn count(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(elements) => elements.iter().map(count).sum(),
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        _ => 1,
    }
}

fn count_json(json: &Json) -> usize {
    match json {
        Json::Array(elements) => elements.iter().map(|(e, _)| count_json(e)).sum(),
        Json::Object(members) => members.iter().map(|(_, v, _)| count_json(v)).sum(),
        _ => 1,
    }
}
