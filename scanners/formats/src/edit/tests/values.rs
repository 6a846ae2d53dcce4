//! New values in columns that have a type, and which of several values it is that is replaced.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int32Array, ListArray, RecordBatch, StringArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use parquet::arrow::ArrowWriter;
use residuum_source::{Limits, RefusalKind};

use super::told::{Do, edit};
use crate::avro::edit::encoded;
use crate::testing::read_bytes;

fn parquet(column: ArrayRef) -> Vec<u8> {
    let mut bytes = Vec::new();
    let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// An Avro file of one block (Apache Avro 1.12, "Object Container Files"), not packed.
fn avro(schema: &str, count: i64, content: &[u8]) -> Vec<u8> {
    let text = |text: &[u8]| [encoded(text.len() as i64), text.to_vec()].concat();
    let mark = [7; 16];
    let mut bytes = b"Obj\x01".to_vec();
    for piece in [encoded(1), text(b"avro.schema"), text(schema.as_bytes()), encoded(0), mark.to_vec()] {
        bytes.extend(piece);
    }
    for piece in [encoded(count), text(content), mark.to_vec()] {
        bytes.extend(piece);
    }
    bytes
}

#[test]
fn a_number_that_a_column_cannot_hold_is_no_other_number() {
    let signed: fn(i32) -> ArrayRef = |n| Arc::new(Int32Array::from(vec![1, n]));
    let unsigned: fn(i32) -> ArrayRef = |n| Arc::new(UInt32Array::from(vec![1, n as u32]));
    let date: fn(i32) -> ArrayRef = |_| Arc::new(Date32Array::from(vec![0, 18_320]));
    for (case, column, holds, new, fits) in [
        ("signed", signed, "5550100", "2147483647", true),
        ("signed", signed, "5550100", "3000000000", false),
        ("signed", signed, "5550100", "1984-02-29", false),
        ("unsigned", unsigned, "5550100", "3000000000", true),
        ("unsigned", unsigned, "5550100", "-5", false),
        ("a date", date, "2020-02-28", "2020-02-29", true),
        ("a date", date, "2020-02-28", "2020-02-31", false),
    ] {
        let before = parquet(column(5_550_100));
        let told = edit("a.parquet", &before, "a.parquet", holds, Do::Replace(new), &Limits::default());
        match fits {
            true => {
                assert_eq!((told.changed, told.refused.len()), (1, 0), "{case} {new}");
                assert_eq!(read_bytes("a.parquet", &told.bytes).field("a")[1].1, new, "{case}");
            }
            false => told.is_refused(&before, "cannot hold the new value", case),
        }
    }
    let schema = |kind: &str| format!(r#"{{"type":"record","name":"r","fields":[{{"name":"n","type":"{kind}"}}]}}"#);
    for (kind, fits) in [("int", false), ("long", true)] {
        let before = avro(&schema(kind), 1, &encoded(5_550_100));
        let told = edit("a.avro", &before, "a.avro", "5550100", Do::Replace("3000000000"), &Limits::default());
        match fits {
            true => assert_eq!((told.changed, told.refused.len()), (1, 0), "{kind}"),
            false => told.is_refused(&before, "cannot hold the new value", kind),
        }
    }
}

#[test]
fn a_long_value_is_replaced_or_refused_and_never_left() {
    let long = format!("{} bob@example.com", "x".repeat(1_100_000));
    let fields = Fields::from(vec![Field::new("body", DataType::Utf8, true)]);
    let bodies = |texts: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(texts)) };
    let of_struct = |nulls: Option<NullBuffer>| -> ArrayRef {
        Arc::new(StructArray::new(fields.clone(), vec![bodies(vec![&long, "y", "z"])], nulls))
    };
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let offsets = OffsetBuffer::from_lengths([2, 1]);
    let list = ListArray::new(item, offsets, bodies(vec!["y", &long, "z"]), None);
    for (case, column, replaced) in [
        ("a column", bodies(vec!["y", &long]), true),
        ("a structure", of_struct(None), true),
        ("a structure that may be null", of_struct(Some(NullBuffer::from(vec![true, false, true]))), false),
        ("a list", Arc::new(list), false),
    ] {
        let before = parquet(column);
        let told = edit("a.parquet", &before, "a.parquet", "bob@example.com", Do::Replace("-"), &Limits::default());
        if replaced {
            assert_eq!((told.changed, told.refused.len()), (1, 0), "{case}");
            let left = read_bytes("a.parquet", &told.bytes);
            let is_left = |bytes: &[u8]| memchr::memmem::find(bytes, b"bob@example.com").is_some();
            assert!(!left.values.iter().any(|value| is_left(&value.bytes)), "{case}");
        } else {
            told.is_refused(&before, "longer than a batch", case);
            assert_eq!(told.refused[0].2.kind, RefusalKind::Limit, "{case}");
        }
    }
}

#[test]
fn values_behind_a_long_one_are_told_apart() {
    let schema = r#"{"type":"record","name":"r","fields":[{"name":"tags","type":{"type":"array","items":"string"}}]}"#;
    let text = |text: &str| [encoded(text.len() as i64), text.as_bytes().to_vec()].concat();
    let tags = ["a".repeat(60_000), "b".repeat(100_000), "c".repeat(60_000), "bob@example.com".to_owned()];
    let content = [encoded(tags.len() as i64), tags.iter().flat_map(|tag| text(tag)).collect(), encoded(0)].concat();
    let before = avro(schema, 1, &content);
    let limits = Limits { batch_bytes: 1 << 10, ..Limits::default() };
    let told = edit("a.avro", &before, "a.avro", "bob@example.com", Do::Replace("-"), &limits);
    assert_eq!((told.changed, told.refused.len()), (1, 0), "{:?}", told.refused);
    let after = [encoded(4), tags[..3].iter().flat_map(|tag| text(tag)).collect(), text("-"), encoded(0)].concat();
    assert!(memchr::memmem::find(&told.bytes, &after).is_some(), "the others stay");
}
