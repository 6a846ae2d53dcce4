//! What a caller of the Parquet reader sees.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{Field, Int32Type};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use residuum_source::conformance::{Collect, check_shape};
use residuum_source::{
    Batch, Coverage, Flow, Limits, Logical, ObjectPath, Outcome, Part, Record, RecordKind, Rows, Sink,
};

use super::read;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/parquet").join(name)).unwrap()
}

fn collect(bytes: Vec<u8>, limits: &Limits) -> (Vec<String>, Outcome) {
    let (path, mut sink) = (ObjectPath::from_bytes(b"x"), Collect::default());
    assert!(read(&path, Arc::new(bytes), limits, &mut sink).is_continue());
    let mut values = sink.values.remove("x").unwrap();
    // What stands in no row has a test of its own.
    values.retain(|(record, _, value)| !value.is_empty() && record.kind() != RecordKind::Part);
    values.sort();
    let show = |(record, field, value): (Record, String, Vec<u8>)| {
        let (row_group, row) = (record.number() >> 40, record.number() & ((1 << 40) - 1));
        assert_eq!(record.kind(), RecordKind::RowGroup);
        format!("{row_group}/{row} {field}={}", value.escape_ascii())
    };
    (values.into_iter().map(show).collect(), sink.closed.remove(0).1)
}

/// Keeps whole batches.
#[derive(Default)]
struct Keep(Vec<Batch>);

impl Sink for Keep {
    fn open(&mut self, _: Part) -> Flow {
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        check_shape(&batch);
        self.0.push(batch);
        Flow::Continue(())
    }

    fn close(&mut self, _: Outcome) -> Flow {
        Flow::Continue(())
    }
}

fn batches(bytes: Vec<u8>, limits: &Limits) -> Vec<Batch> {
    let mut keep = Keep::default();
    assert!(read(&ObjectPath::from_bytes(b"x"), Arc::new(bytes), limits, &mut keep).is_continue());
    keep.0
}

fn write(columns: Vec<(&str, ArrayRef)>, rows: usize) -> Vec<u8> {
    let (mut bytes, properties) =
        (Vec::new(), WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build());
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// What is noted about a file.
fn notes(bytes: Vec<u8>) -> Vec<String> {
    let (path, mut sink) = (ObjectPath::from_bytes(b"x"), Collect::default());
    assert!(read(&path, Arc::new(bytes), &Limits::default(), &mut sink).is_continue());
    let is_note = |record: &Record| matches!(record, Record::Text(RecordKind::Part, name) if name == "metadata");
    let notes = sink.values.remove("x").unwrap_or_default().into_iter().filter(|(record, ..)| is_note(record));
    let mut notes: Vec<_> = notes.map(|(_, field, value)| format!("{field}={}", value.escape_ascii())).collect();
    notes.sort();
    notes
}

#[test]
fn what_the_writer_noted_is_read_once() {
    let expected = [
        "email.contact=Jane Roe <jane@example.com>",
        "owner=jane@example.com",
        "purpose=billing",
        "user.mail.source=joe@example.com",
    ];
    assert_eq!(notes(fixture("notes.parquet")), expected);
    assert_eq!(notes(fixture("types.parquet")), [] as [&str; 0], "Arrow's own schema is no note");
    assert_eq!(notes(fixture("old.parquet")), [] as [&str; 0]);
    // What Arrow keeps for itself is looked at as it stands where it cannot be understood.
    let mut bytes = fixture("notes.parquet");
    let at = memchr::memmem::find(&bytes, b"ARROW:schema").unwrap() + 40;
    bytes[at..at + 8].copy_from_slice(b"////////");
    let damaged = notes(bytes);
    assert!(damaged.iter().any(|note| note.starts_with("owner=")), "{damaged:?}");
    assert!(
        damaged.iter().any(|note| note.contains("ARROW:schema") || note.starts_with("email.contact")),
        "{damaged:?}"
    );
}

#[test]
fn every_type_reads_as_a_person_reads_it() {
    let expected = [
        "0/0 a%2Eb=dot",
        "0/0 born=1980-05-04",
        "0/0 dec=12.50",
        "0/0 email=jane@example.com",
        "0/0 f=2025550143",
        "0/0 half=1.5",
        "0/0 id=1",
        r"0/0 invalid=caf\xe9",
        r#"0/0 json={\"mail\":\"jane@example.com\"}"#,
        "0/0 legacy=plain bytes",
        "0/0 local=2024-01-31T12:30:00",
        "0/0 matrix[][]=1",
        "0/0 matrix[][]=2",
        "0/0 matrix[][]=3",
        "0/0 name=Jane",
        "0/0 orders[].n=1",
        "0/0 orders[].sku=s1",
        "0/0 orders[].sku=s2",
        "0/0 phones.{key}=jane@example.com",
        "0/0 phones.{}=+12025550143",
        "0/0 raw=jane",
        "0/0 seen=2024-01-31T12:30:00Z",
        "0/0 tags[]=a",
        "0/0 tags[]=b",
        "0/0 time=12:30:01",
        "0/0 u8=255",
        "0/0 user.at.zip=94110",
        "0/0 user.mail=jane@example.com",
        "0/0 uuid=550e8400-e29b-41d4-a716-446655440000",
        "0/1 email=joe@example.com",
        "0/1 f=0.5",
        "0/1 id=2",
        "0/1 invalid=ok",
        "0/1 legacy=that are text",
        r"0/1 raw=\xff\xfe\x00",
        "1/0 born=1999-12-31",
        "1/0 dec=-0.05",
        "1/0 email=jane@example.com",
        "1/0 id=3",
        "1/0 json=[]",
        "1/0 matrix[][]=4",
        "1/0 orders[].n=3",
        "1/0 u8=0",
    ];
    for batch_bytes in [1, 1 << 20] {
        let (values, outcome) = collect(fixture("types.parquet"), &Limits { batch_bytes, ..Limits::default() });
        assert_eq!(values, expected);
        assert_eq!(outcome, Outcome::read(fixture("types.parquet").len() as u64, 3));
    }
    let first = batches(fixture("types.parquet"), &Limits::default()).remove(0);
    let logical = |name: &str| first.columns.iter().find(|c| &*c.field == name).unwrap().logical;
    let expected = [
        ("id", Logical::Integer),
        ("f", Logical::Number),
        ("dec", Logical::Number),
        ("born", Logical::Date),
        ("seen", Logical::Timestamp),
        ("raw", Logical::Bytes),
        ("legacy", Logical::Text),
        ("uuid", Logical::Uuid),
        ("json", Logical::Json),
        ("email", Logical::Text),
        ("invalid", Logical::Text),
    ];
    for (name, kind) in expected {
        assert_eq!(logical(name), kind, "{name}");
    }
}

#[test]
fn old_files_read_the_same() {
    let (values, outcome) = collect(fixture("old.parquet"), &Limits::default());
    assert!(values.contains(&"0/0 seen=2024-01-31T12:30:00".to_owned()), "{values:?}");
    assert!(values.contains(&"0/2 email=jane@example.com".to_owned()), "{values:?}");
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, 3));
}

#[test]
fn what_is_encrypted_is_named_and_the_rest_is_read() {
    let (values, outcome) = collect(fixture("encrypted.parquet"), &Limits::default());
    assert_eq!((values.len(), outcome.coverage), (0, Coverage::Unreadable));
    assert_eq!(outcome.reason.as_deref(), Some("encrypted, and the keys are not known"));

    let (values, outcome) = collect(fixture("encrypted_column.parquet"), &Limits::default());
    assert_eq!(values, ["0/0 city=Oakland", "0/0 id=1", "0/1 city=Fresno", "0/1 id=2"]);
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Unreadable, 2));
    assert_eq!(outcome.reason.as_deref(), Some("encrypted, and the keys are not known: `email`"));
}

#[test]
fn damaged_files_say_so() {
    let whole = fixture("types.parquet");
    let end = whole.len();
    let mut footer = whole.clone();
    footer[end - 60..end - 8].fill(0xff);
    let mut length = whole.clone();
    length[end - 8..end - 4].fill(0xff);
    let cases = [
        ("cut off", whole[..end - 100].to_vec(), "the file is truncated"),
        ("only the magic", b"PAR1".to_vec(), "it is truncated"),
        ("damaged footer", footer, "footer"),
        ("wrong length", length, "the footer claims 4294967295 bytes"),
    ];
    for (name, bytes, reason) in cases {
        let (values, outcome) = collect(bytes, &Limits::default());
        assert_eq!((values.len(), outcome.coverage), (0, Coverage::Unreadable), "{name}");
        assert!(outcome.reason.as_ref().unwrap().contains(reason), "{name}: {:?}", outcome.reason);
    }
    let limits = Limits { whole_bytes: 100, ..Limits::default() };
    assert_eq!(collect(whole, &limits).1.coverage, Coverage::Limit);
}

/// Without an end to it the library would skip them one by one, for minutes.
#[test]
fn a_page_header_with_a_list_of_two_thousand_million_numbers_is_damaged() {
    let mut bytes = fixture("types.parquet");
    // Thrift: field 15, a list of doubles, 2^31 - 1 of them.
    bytes[4..11].copy_from_slice(&[0xf9, 0xf7, 0xff, 0xff, 0xff, 0xff, 0x07]);
    let (_, outcome) = collect(bytes, &Limits::default());
    assert_eq!(outcome.coverage, Coverage::Unreadable, "{:?}", outcome.reason);
}

#[test]
fn a_damaged_row_group_does_not_hide_the_others() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..3000));
    let texts = (0..3000).map(|i| format!("person{i}@example.com"));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let mut bytes = write(vec![("id", ids), ("email", texts)], 1000);
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    let page = reader.metadata().row_group(1).column(1).data_page_offset() as usize;
    bytes[page..page + 8].fill(0xff);
    let (values, outcome) = collect(bytes, &Limits::default());
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(outcome.reason.as_ref().unwrap().starts_with("row group 1: "), "{:?}", outcome.reason);
    assert!(values.contains(&"0/999 email=person999@example.com".to_owned()));
    assert!(values.contains(&"2/0 email=person2000@example.com".to_owned()));
}

#[test]
fn dictionary_values_stand_once() {
    let cities = ["Oakland", "Fresno", "Chico"];
    let value = |i: usize| (!i.is_multiple_of(5)).then(|| cities[i % 3]);
    let column: DictionaryArray<Int32Type> = (0..20_000).map(value).collect();
    let bytes = write(vec![("city", Arc::new(column))], 20_000);
    let batches = batches(bytes, &Limits::default());
    let mut rows = 0;
    for batch in &batches {
        let column = &batch.columns[0];
        let Rows::Dictionary(keys) = &column.rows else { panic!("a dictionary stays one") };
        assert!(column.len() <= 3);
        for (i, key) in keys.iter().enumerate() {
            let expected = value(rows + i).unwrap_or_default();
            let found = if *key == u32::MAX { &[] } else { column.value(*key as usize) };
            assert_eq!(found, expected.as_bytes());
        }
        rows += keys.len();
    }
    assert_eq!(rows, 20_000);
}

#[test]
fn long_values_come_in_windows_and_batches_are_bounded() {
    let limits = Limits { batch_bytes: 32 << 10, ..Limits::default() };
    let long = "jane@example.com, ".repeat(20_000);
    let short: Vec<String> = (0..500).map(|i| format!("{i} {}", "x".repeat(2_000))).collect();
    let values = short.iter().map(String::as_str).chain([long.as_str()]);
    let bytes = write(vec![("text", Arc::new(StringArray::from_iter_values(values)))], 10_000);
    let (mut cores, mut count) = (String::new(), 0);
    for batch in batches(bytes, &limits) {
        let column = &batch.columns[0];
        assert!(column.bytes.len() <= 2 * limits.batch_bytes + 10_000, "{} bytes", column.bytes.len());
        match &column.window {
            Some(window) => {
                assert_eq!(cores.len() as u64, window.value_offset + u64::from(window.core.start));
                let core = window.core.start as usize..window.core.end as usize;
                cores.push_str(std::str::from_utf8(&column.bytes[core]).unwrap());
                assert_eq!(batch.record(0), Record::row_group(0, 500));
            }
            None => count += (0..column.len()).filter(|&i| !column.value(i).is_empty()).count(),
        }
    }
    assert_eq!(count, 500);
    assert!(cores == long);
}

proptest! {
    /// Nested values written by the Arrow writer come back under their rows, whatever the batch size.
    #[test]
    fn nested_values_keep_their_rows(
        rows in proptest::collection::vec(proptest::option::of(proptest::collection::vec(proptest::option::of(0i32..100), 0..4)), 1..60),
        row_group in 1usize..40,
        batch_bytes in 1usize..2000,
    ) {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(rows.clone());
        let text: BinaryArray = rows.iter().map(|r| r.as_ref().map(|r| format!("{r:?}").into_bytes())).collect();
        let nulls = rows.iter().map(|row| row.as_ref().is_none_or(|row| row.len() != 2)).collect::<Vec<_>>();
        let inner: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows.len() as i32));
        let field = Arc::new(Field::new("n", inner.data_type().clone(), true));
        let pair = StructArray::new(vec![field].into(), vec![inner], Some(nulls.clone().into()));
        let bytes = write(vec![("l", Arc::new(list)), ("t", Arc::new(text)), ("s", Arc::new(pair))], row_group);
        let (found, outcome) = collect(bytes, &Limits { batch_bytes, ..Limits::default() });
        let mut expected = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let record = format!("{}/{}", i / row_group, i % row_group);
            for value in row.iter().flatten().flatten() {
                expected.push(format!("{record} l[]={value}"));
            }
            expected.extend(row.as_ref().map(|row| format!("{record} t={}", format!("{row:?}").escape_default())));
            if nulls[i] {
                expected.push(format!("{record} s.n={i}"));
            }
        }
        let mut found = found;
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(outcome.records, rows.len() as u64);
    }

    /// A file with any bytes overwritten is read or refused, without a panic that escapes.
    #[test]
    fn damage_anywhere_is_survived(at in 0usize..12_800, with in any::<[u8; 4]>()) {
        let mut bytes = fixture("types.parquet");
        let at = at.min(bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&with);
        let (_, outcome) = collect(bytes, &Limits::default());
        prop_assert!(outcome.coverage == Coverage::Read || outcome.reason.is_some());
    }
}

/// A file of `rows` whose only column has the dictionary of a file that had `gone` as well, or bounds that say so.
fn with_remains(rows: &[&str], gone: &str, in_dictionary: bool) -> Vec<u8> {
    use parquet::data_type::ByteArray;
    use parquet::file::statistics::Statistics;
    let open = |rows: &[&str]| {
        let bytes =
            bytes::Bytes::from(write(vec![("email", Arc::new(StringArray::from(rows.to_vec())) as ArrayRef)], 99));
        (bytes.clone(), SerializedFileReader::new(bytes).unwrap())
    };
    let ((old, old_reader), (new, new_reader)) = (open(&[rows, &[gone]].concat()), open(rows));
    let (of_old, of_new) = (old_reader.metadata().row_group(0).column(0), new_reader.metadata().row_group(0).column(0));
    let (from, of) = if in_dictionary { (&old, of_old) } else { (&new, of_new) };
    let dictionary = from.slice(of.dictionary_page_offset().unwrap() as usize..of.data_page_offset() as usize);
    let end = (of_new.dictionary_page_offset().unwrap() + of_new.compressed_size()) as usize;
    let chunk = bytes::Bytes::from([&dictionary[..], &new[of_new.data_page_offset() as usize..end]].concat());
    let bound = || Some(ByteArray::from(gone.as_bytes().to_vec()));
    let stale = Statistics::byte_array(bound(), bound(), None, Some(0), false);
    let metadata = of_new.clone().into_builder();
    let metadata = metadata.set_dictionary_page_offset(Some(0)).set_data_page_offset(dictionary.len() as i64);
    let metadata =
        metadata.set_total_compressed_size(chunk.len() as i64).set_total_uncompressed_size(chunk.len() as i64);
    let statistics = if in_dictionary { of_new.statistics().unwrap().clone() } else { stale };
    let close = parquet::column::writer::ColumnCloseResult {
        bytes_written: chunk.len() as u64,
        rows_written: rows.len() as u64,
        metadata: metadata.set_statistics(statistics).build().unwrap(),
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    let schema = new_reader.metadata().file_metadata().schema_descr().root_schema_ptr();
    let properties = Arc::new(WriterProperties::builder().set_offset_index_disabled(true).build());
    let mut writer = parquet::file::writer::SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    group.append_column(&chunk, close).unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn what_no_row_has_any_more_is_a_record_of_its_own() {
    let rows = ["kim@example.com", "lee@example.com", "kim@example.com"];
    for in_dictionary in [true, false] {
        let bytes = with_remains(&rows, "zoe@example.com", in_dictionary);
        for batch_bytes in [Limits::default().batch_bytes, 64] {
            let batches = batches(bytes.clone(), &Limits { batch_bytes, ..Limits::default() });
            let (beside, of_rows): (Vec<_>, Vec<_>) =
                batches.iter().partition(|batch| batch.record(0).kind() == RecordKind::Part);
            let [beside] = beside[..] else { panic!("{in_dictionary}: {} batches", beside.len()) };
            assert_eq!(beside.record(0).text(), Some("row group 0, in no row"));
            let column = &beside.columns[0];
            assert_eq!((&*column.field, &*column.bytes), ("email", &b"zoe@example.com"[..]), "{in_dictionary}");
            assert_eq!(of_rows.iter().map(|batch| batch.records.count()).sum::<u64>(), 3);
        }
    }
    // The program that made this wrote the whole dictionary of a categorical column into both row groups.
    let of_both = batches(fixture("types.parquet"), &Limits::default());
    let beside: Vec<_> = of_both.iter().filter(|batch| batch.record(0).kind() == RecordKind::Part).collect();
    let [beside] = beside[..] else { panic!("{} batches", beside.len()) };
    assert_eq!(
        (beside.record(0).text(), &*beside.columns[0].bytes),
        (Some("row group 1, in no row"), &b"joe@example.com"[..])
    );
    let clean = write(vec![("email", Arc::new(StringArray::from(rows.to_vec())) as ArrayRef)], 2);
    assert!(batches(clean, &Limits::default()).iter().all(|batch| batch.record(0).kind() == RecordKind::RowGroup));
}
