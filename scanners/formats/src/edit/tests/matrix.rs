//! `docs/formats-matrix.md`: what can be done with each format, each claim of it tried on a file.
//!
//! `RESIDUUM_WRITE_MATRIX=1` writes it; otherwise it is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use residuum_source::{
    Ability, Action, Apply, Batch, Change, Editor, Limits, ObjectPath, Part, Record, Refusal, Target,
};

use super::packed;
use super::store::Store;
use crate::edit::ability;
use crate::recognise;
use crate::testing::read_bytes;

/// Deletes whatever it is shown.
#[derive(Default)]
pub(super) struct DeleteAll {
    only: BTreeSet<Record>,
    pub refused: Vec<Refusal>,
}

impl DeleteAll {
    /// Deletes only these.
    pub fn of(only: BTreeSet<Record>) -> Self {
        Self { only, refused: Vec::new() }
    }
}

impl Editor for DeleteAll {
    fn open(&mut self, _: &Part) {}

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let is_one = |record: &usize| self.only.is_empty() || self.only.contains(&batch.record(*record).whole());
        let records = (0..batch.records.count() as usize).filter(is_one);
        records.map(|record| Change { record, action: Action::Delete }).collect()
    }

    fn close(&mut self) {}

    fn refused(&mut self, _: &ObjectPath, _: Option<&Record>, refusal: Refusal) {
        self.refused.push(refusal);
    }
}

/// The format of each file that records are read from, with one such file.
fn read_formats() -> BTreeMap<&'static str, (String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> =
        super::cases().into_iter().map(|case| (case.name.to_owned(), case.bytes)).collect();
    for folder in ["documents", "images", "orc", "parquet", "records", "texts"] {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(folder);
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let is_made = |path: &PathBuf| path.extension().is_some_and(|end| end == "py" || end == "js" || end == "md");
        for path in names.into_iter().filter(|path| !is_made(path)) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(path).unwrap()));
        }
    }
    let mut formats = BTreeMap::new();
    for (name, bytes) in files {
        let seen = read_bytes(&name, &bytes);
        let (part, outcome) = seen.closed.last().expect("something is closed");
        if outcome.records > 0 {
            formats.entry(part.format).or_insert((name, bytes));
        }
    }
    formats
}

#[test]
fn the_matrix_says_what_is_so() {
    let formats = read_formats();
    let mut text = String::from(HEAD);
    let mut rows = BTreeMap::new();
    for (format, (name, bytes)) in &formats {
        let says = ability(&[format]);
        check(format, name, bytes, &says);
        let only = if *format == "html" { ", values only" } else { "" };
        rows.insert(*format, format!("{}{only}", says.name()));
    }
    // Built without it, there is nothing to try.
    for left_out in ["orc", "pdf"] {
        rows.entry(left_out).or_insert_with(|| ability(&[left_out]).name().to_owned());
    }
    for (format, says) in rows {
        let _ = writeln!(text, "| {format} | yes | yes | {says} |");
    }
    let unread: BTreeMap<_, _> = recognise::unread().collect();
    for (format, what) in unread.iter().filter(|(format, _)| !formats.contains_key(*format)) {
        let _ = writeln!(text, "| {format} | no: {what} | no | whole object only, by hand |");
    }
    text.push_str(CONTAINERS);
    for container in ["gzip", "zstd", "bzip2", "xz", "lz4", "zip", "tar"] {
        // That it is so is tried for each format by `every_format_is_edited_in_containers`.
        assert_eq!(ability(&[container, "csv"]), Ability::Splice, "{container}");
        let says = match container {
            "zip" => "untouched members copied as they stand, edited ones packed again with their method",
            "tar" => "untouched members copied block by block, edited ones with a new size and sum",
            _ => "packed again",
        };
        let _ = writeln!(text, "| {container} | as the format in it | {says} |");
    }
    for container in ["7z", "eml", "mbox", "docx", "xlsx", "pdf", "ole"] {
        let Ability::Manual(what) = ability(&[container, "csv"]) else { panic!("`{container}` is not written") };
        let _ = writeln!(text, "| {container} | manual | {what} |");
    }
    text.push_str(NOTES);
    for (format, what) in [
        ("parquet", "key-value metadata, and Arrow's notes on columns"),
        ("avro", "entries of the head"),
        ("orc", "user metadata"),
    ] {
        // The cases of `rewritten.rs` edit them.
        let _ = writeln!(text, "| {format}: {what} | `metadata` | yes | yes | {} |", ability(&[format]).name());
    }
    text.push_str(OF_S3);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats-matrix.md");
    if std::env::var_os("RESIDUUM_WRITE_MATRIX").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let is = std::fs::read_to_string(path).unwrap_or_default();
    assert!(is == text, "`docs/formats-matrix.md` is old: run this test with RESIDUUM_WRITE_MATRIX=1\n{text}");
}

/// Tries what is claimed of a format.
fn check(format: &str, name: &str, bytes: &[u8], says: &Ability) {
    match says {
        // The other tests edit each case.
        Ability::Splice | Ability::Rewrite => {
            let edited: BTreeSet<&str> = super::cases()
                .iter()
                .filter_map(|case| read_bytes(case.name, &case.bytes).closed.last().map(|(part, _)| part.format))
                .collect();
            assert!(edited.contains(format), "a case edits `{format}`");
        }
        Ability::WholeObject => {
            for (name, bytes, part) in [
                (name.to_owned(), bytes.to_vec(), name.to_owned()),
                ("a.zip".to_owned(), packed::zip(&[("x.txt", b"x\n"), (name, bytes)]), format!("a.zip!{name}")),
            ] {
                whole_object(format, &name, bytes, &part);
            }
        }
        Ability::Manual(_) => {}
    }
}

/// Deletes all records of a file, or of a member of an archive, and with them the file or the member.
fn whole_object(format: &str, name: &str, bytes: Vec<u8>, part: &str) {
    let seen = read_bytes(name, &bytes);
    let records: BTreeSet<Record> =
        seen.values.iter().filter(|value| value.part == part).map(|value| value.record.whole()).collect();
    let path = ObjectPath::from_escaped(part).unwrap();
    let target = Target {
        object: path.outermost(),
        version: None,
        records: BTreeMap::from([(path, records.into_iter().collect())]),
    };
    let store = Store::with(name, bytes);
    let mut editor = DeleteAll::default();
    let receipts = store.apply(&[target], &Limits::default(), &mut editor).expect("it is there");
    assert!(editor.refused.is_empty() && receipts.len() == 1, "{format}: {:?}", editor.refused);
    match store.bytes(name) {
        None => assert_eq!(name, part),
        Some(bytes) => {
            let after = read_bytes(name, &bytes);
            let names: Vec<_> = after.names().into_iter().map(|(name, ..)| name.to_owned()).collect();
            assert!(names.contains(&"a.zip!x.txt".to_owned()) && !names.contains(&part.to_owned()), "{names:?}");
        }
    }
}

const HEAD: &str = "# What can be done with each format

Made by a test (`scanners/formats/src/edit/tests/matrix.rs`), which tries *Find* and *Edit* on a file of each format; do not edit it by hand.

- **Find**: its records are read by a scan, with the place of what is found.
- **Fetch**: their current values are read again for a disclosure.
- **Edit**: *splice*: records are deleted and values replaced in place, every other byte stays the same; *rewrite*: the object is
  written anew, every other record stays logically the same; *whole object only*: the object, or the member of an archive, is deleted
  when a record of it is to go (in `[[erase]]`: `strategy = \"delete-object\"`); *manual*: a person has to do it.

What a format cannot hold (a new value in the file's encoding, a line break in a log, the name of an element) is refused, record by
record, with the reason. Files of a Delta or Iceberg table are refused: the table's own engine has to delete.

| Format | Find | Fetch | Edit |
| --- | --- | --- | --- |
";

const NOTES: &str = "
## Beside the records

What somebody noted about a file or an object is a record of its own.

| Where | Record | Find | Fetch | Edit |
| --- | --- | --- | --- | --- |
";

/// Tried by `scanners/s3/tests/it/beside.rs`.
const OF_S3: &str = "| S3: metadata of one's own, `Content-Disposition`, redirect, tags | `metadata` of `KEY!?metadata` | yes | yes | rewrite: the object is put anew with the same body |
";

const CONTAINERS: &str = "
## Inside of something else

| Around it | Edit | How |
| --- | --- | --- |
";
