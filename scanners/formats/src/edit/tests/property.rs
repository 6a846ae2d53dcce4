//! Random tables with hostile values: edited, read again, and compared with what other parsers read.

use proptest::prelude::*;
use residuum_source::conformance::{Edits, check_apply};

use super::store::Store;
use crate::testing::cases;

/// Values that separators, quotes, escapes and markup stand in.
fn hostile() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a",
        "b c",
        ",",
        ";",
        "\t",
        "\"",
        "'",
        "\\",
        "\n",
        "\r\n",
        "<",
        ">",
        "&",
        "]]>",
        "&amp;",
        "\u{e9}",
        "\u{1f600}",
        "0",
        "-1",
        "null",
        "#",
        ": ",
        "{",
        "}",
        "[",
        "(",
        ")",
        "%41",
        "=",
    ]);
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Rows of a key that is unique and a value.
fn rows() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(hostile(), 2..12).prop_map(|values| {
        let key = |(i, value): (usize, String)| (format!("key{i}x"), value);
        values.into_iter().enumerate().map(key).collect()
    })
}

/// Deletes one row and replaces the key of another, which so has a value that may need quoting.
fn edits(name: &str, field: &str, new: &str) -> Edits {
    Edits::new(name).delete(field, "key0x").set(field, "key1x", new)
}

/// A table after the edits.
fn expected(rows: &[(String, String)], new: &str) -> Vec<(String, String)> {
    let edited = |(key, value): &(String, String)| (key.replace("key1x", new), value.clone());
    rows.iter().filter(|(key, _)| key != "key0x").map(edited).collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn json_is_what_it_should_be(rows in rows(), new in hostile()) {
        let list: Vec<_> = rows.iter().map(|(key, value)| serde_json::json!({"id": key, "value": value})).collect();
        let parse = |text: &[u8]| -> Vec<(String, String)> {
            let list: Vec<serde_json::Value> = serde_json::from_slice(text).expect("it is JSON");
            list.iter().map(|row| (row["id"].as_str().unwrap().into(), row["value"].as_str().unwrap().into())).collect()
        };
        for text in [serde_json::to_vec(&list).unwrap(), serde_json::to_vec_pretty(&list).unwrap()] {
            let store = Store::with("a.json", text);
            check_apply(&store, &edits("a.json", "id", &new));
            prop_assert_eq!(parse(&store.bytes("a.json").unwrap()), expected(&rows, &new));
        }
        let lines: String = list.iter().map(|row| format!("{row}\n")).collect();
        let store = Store::with("a.jsonl", lines);
        check_apply(&store, &edits("a.jsonl", "id", &new));
        let after = store.bytes("a.jsonl").unwrap();
        let lines: Vec<_> = after.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
        let joined = [b"[", lines.join(&b',').as_slice(), b"]"].concat();
        prop_assert_eq!(parse(&joined), expected(&rows, &new));
    }

    #[test]
    fn xml_is_what_it_should_be(rows in rows(), new in hostile()) {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;").replace('"', "&quot;");
        let row = |(key, value): &(String, String)| format!("  <row id=\"{key}\"><v>x{}x</v></row>\n", escape(value));
        let text = format!("<rows>\n{}</rows>\n", rows.iter().map(row).collect::<String>());
        // White space around a value in an attribute is no part of it.
        let new = format!("x{new}x");
        let store = Store::with("a.xml", text);
        check_apply(&store, &edits("a.xml", "rows.row@id", &new));
        let after = String::from_utf8(store.bytes("a.xml").unwrap()).unwrap();
        let mut reader = quick_xml::Reader::from_str(&after);
        let mut ids = Vec::new();
        loop {
            match reader.read_event().expect("it is XML") {
                quick_xml::events::Event::Start(tag) if tag.name().0 == "row" => {
                    let id = tag.attributes().next().unwrap().unwrap();
                    ids.push(quick_xml::escape::unescape(&id.value).unwrap().into_owned());
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        let wanted: Vec<_> = expected(&rows, &new).into_iter().map(|(key, _)| key).collect();
        prop_assert_eq!(ids, wanted);
    }

    #[test]
    fn csv_is_what_it_should_be(rows in rows(), new in hostile(), always in any::<bool>(), ends in any::<bool>()) {
        let quoted = |text: &str| match always || text.contains([',', '"', '\n', '\r', ';', '\t']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let row = |(key, value): &(String, String)| format!("{},{},1", quoted(key), quoted(value));
        let lines: Vec<String> = std::iter::once("id,value,n".to_owned()).chain(rows.iter().map(row)).collect();
        let text = lines.join("\n") + if ends { "\n" } else { "" };
        let new = format!("x{new}x");
        let store = Store::with("a.csv", text);
        // What the dialect is found by is the text itself: a table that is no longer found is another matter.
        check_apply(&store, &edits("a.csv", "id", &new));
        let after = String::from_utf8(store.bytes("a.csv").unwrap()).unwrap();
        let wanted: Vec<String> = std::iter::once("id,value,n".to_owned()).chain(expected(&rows, &new).iter().map(|(key, value)| {
            // A cell is quoted where it has to be, and where it was.
            let needs = |text: &str| text.contains([',', '"', '\n', '\r']);
            let key = if needs(key) { format!("\"{}\"", key.replace('"', "\"\"")) } else { quoted_as(key, always, &new, &quoted) };
            format!("{key},{},1", quoted(value))
        })).collect();
        prop_assert_eq!(after, wanted.join("\n") + if ends { "\n" } else { "" });
    }

    #[test]
    fn sql_is_what_it_should_be(rows in rows(), new in hostile()) {
        let literal = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
        let row = |(key, value): &(String, String)| format!("('{key}','{}',1)", literal(value));
        let rows_text: Vec<String> = rows.iter().map(row).collect();
        for between in [",", ",\n"] {
            let text = format!("INSERT INTO `t` VALUES {};\n", rows_text.join(between));
            let store = Store::with("a.sql", text);
            check_apply(&store, &edits("a.sql", "t.column_1", &new));
            let after = String::from_utf8(store.bytes("a.sql").unwrap()).unwrap();
            let literal_new = new.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\r', "\\r");
            let kept: Vec<String> = rows_text[1..].iter().map(|row| row.replace("key1x", &literal_new)).collect();
            prop_assert_eq!(after, format!("INSERT INTO `t` VALUES {};\n", kept.join(between)));
        }
    }
}

/// A key as it stands: what was not replaced as it was, what was replaced in the quotes it stood in.
fn quoted_as(key: &str, always: bool, new: &str, quoted: &dyn Fn(&str) -> String) -> String {
    if always || key != new { quoted(key) } else { key.to_owned() }
}
