//! One finding as it is printed: a line of `findings`, and of `find` with the chain that led to it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use residuum_detect::RuleSet;
use residuum_source::{Record, RecordKind};
use serde::Serialize;
use serde_json::Value;

use super::output::{Format, Style, json_line, printable};
use super::table::{Align, Table};
use crate::identity::Location;
use crate::index::{self, Finding, Keyring, Place};
use crate::proof::{State, Trace};
use crate::report::csv_line;

/// Shows names: sealed parts shortened, or opened if the reader asked for values.
#[derive(Clone, Copy)]
pub(super) struct Names<'k> {
    open_with: Option<&'k Keyring>,
}

impl<'k> Names<'k> {
    /// Names as anybody may see them, or opened with the keys.
    pub(super) fn new(keys: &'k Keyring, show_values: bool) -> Self {
        Self { open_with: show_values.then_some(keys) }
    }

    /// Whether names that are personal are shown.
    pub(super) const fn are_opened(&self) -> bool {
        self.open_with.is_some()
    }

    /// A name as it is printed. A part that no key opens stays sealed.
    pub(super) fn show<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !index::is_sealed(text) {
            return Cow::Borrowed(text);
        }
        let opened = self.open_with.and_then(|keys| keys.reveal(text).ok());
        Cow::Owned(opened.unwrap_or_else(|| index::display(text)))
    }

    /// The same for every text of a key.
    pub(super) fn show_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.show(&text).into_owned()),
            Value::Array(items) => items.into_iter().map(|item| self.show_json(item)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(name, item)| (name, self.show_json(item))).collect(),
            other => other,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    source: Cow<'a, str>,
    object: Cow<'a, str>,
    record: RecordLine,
    field: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    categories: &'a [&'static str],
    confidence: f64,
    byte_start: Option<u64>,
    byte_end: Option<u64>,
    value_start: Option<u64>,
    value_end: Option<u64>,
    rule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    possible: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

#[derive(Serialize)]
struct RecordLine {
    kind: &'static str,
    key: Value,
}

/// Prints findings in one format.
pub(super) struct Printer<'o> {
    out: Out<'o>,
    names: Names<'o>,
    categories: HashMap<String, Vec<&'static str>>,
    with_subject: bool,
    with_fingerprints: bool,
    any: bool,
}

enum Out<'o> {
    Table(Table<'o>),
    Json(&'o mut dyn Write),
    Jsonl(&'o mut dyn Write),
    Csv(&'o mut dyn Write),
}

const COLUMNS: [(&str, Align); 7] = [
    ("source", Align::Left),
    ("object", Align::Left),
    ("record", Align::Left),
    ("field", Align::Left),
    ("type", Align::Left),
    ("conf", Align::Right),
    ("place", Align::Left),
];

const CSV: [&str; 13] = [
    "source",
    "object",
    "record_kind",
    "record_key",
    "field",
    "type",
    "categories",
    "confidence",
    "byte_start",
    "byte_end",
    "value_start",
    "value_end",
    "rule",
];

impl<'o> Printer<'o> {
    /// A printer; `with_subject` adds what only look-ups know.
    pub(super) fn new(
        out: &'o mut dyn Write,
        format: Format,
        names: Names<'o>,
        rules: &RuleSet,
        with_subject: bool,
    ) -> io::Result<Self> {
        let out = match format {
            Format::Json => Out::Json(out),
            Format::Jsonl => Out::Jsonl(out),
            Format::Csv => {
                let (before, after): (&[&str], &[&str]) =
                    if with_subject { (&["subject"], &["why", "shared", "possible"]) } else { (&[], &[]) };
                csv_line(out, before.iter().chain(&CSV).chain(after).copied())?;
                Out::Csv(out)
            }
            _ => {
                let mut columns = COLUMNS.to_vec();
                if with_subject {
                    columns.insert(0, ("subject", Align::Left));
                    columns.push(("why", Align::Left));
                }
                Out::Table(Table::new(out, Style::stdout(), &columns))
            }
        };
        let letters = |rule: &residuum_detect::Rule| rule.categories.iter().map(|c| c.letter()).collect();
        let categories = rules.rules().iter().map(|rule| (rule.id.clone(), letters(rule))).collect();
        Ok(Self { out, names, categories, with_subject, with_fingerprints: false, any: false })
    }

    /// Prints fingerprints as well, in JSON and JSON Lines.
    pub(super) fn with_fingerprints(mut self, with: bool) -> Self {
        self.with_fingerprints = with;
        self
    }

    /// Prints a finding.
    pub(super) fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.print(finding, None, None)
    }

    /// Prints a location of somebody.
    pub(super) fn location(&mut self, location: &Location) -> io::Result<()> {
        self.print(&location.finding, Some(location), None)
    }

    /// Prints where an identifier of somebody stands outside of records.
    pub(super) fn trace(&mut self, trace: &Trace) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.any, true);
        let page = (trace.page > 0).then_some(trace.page);
        let line = serde_json::json!({
            "subject": trace.subject, "source": self.names.show(&trace.source), "object": self.names.show(&trace.object),
            "record": { "kind": "page", "key": page }, "what": trace.what, "type": trace.kind.name(),
            "state": trace.state.name(), "cure": trace.cure(),
        });
        match &mut self.out {
            Out::Jsonl(out) => json_line(*out, &line),
            Out::Json(out) => {
                out.write_all(if first { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut **out, &line).map_err(io::Error::from)
            }
            Out::Csv(_) => Ok(()),
            Out::Table(table) => {
                let record = page.map_or_else(String::new, |page| format!("page {page}"));
                let cells = [
                    &*trace.subject,
                    &self.names.show(&trace.source),
                    &self.names.show(&trace.object),
                    &record,
                    "",
                    trace.kind.name(),
                    "",
                    trace.what,
                    &format!("stands outside of records: {}", trace.cure()),
                ];
                table.row(cells.iter().map(|cell| printable(cell)).collect())
            }
        }
    }

    /// Prints a place where something of somebody is left.
    pub(super) fn remaining(&mut self, state: State, location: &Location) -> io::Result<()> {
        self.print(&location.finding, Some(location), Some(state))
    }

    fn print(&mut self, finding: &Finding, of: Option<&Location>, state: Option<State>) -> io::Result<()> {
        // The key domains' own rules are in no rule set: their type says it all.
        let categories = self.categories.entry(finding.rule.to_string());
        let categories = &*categories.or_insert_with(|| finding.kind.categories().iter().map(|c| c.letter()).collect());
        let ((byte_start, byte_end), (value_start, value_end)) = match finding.place {
            Place::Object { start, end } => ((Some(start), Some(end)), (None, None)),
            Place::Value { start, end } => ((None, None), (Some(start), Some(end))),
        };
        let key = self.names.show_json(finding.record.key_json(&finding.primary_key));
        let line = Line {
            subject: of.map(|location| location.subject.as_str()),
            source: self.names.show(&finding.source),
            object: self.names.show(&finding.object),
            record: RecordLine { kind: finding.record.kind().name(), key },
            field: self.names.show(&finding.field),
            kind: finding.kind.name(),
            categories,
            confidence: f64::from(finding.confidence) / 1000.0,
            byte_start,
            byte_end,
            value_start,
            value_end,
            rule: &finding.rule,
            fingerprint: self.with_fingerprints.then(|| crate::keyfile::hex(&finding.fp.0)),
            why: of.map(|location| location.why.as_slice()),
            shared: of.map(|location| location.shared),
            possible: of.map(|location| location.weak),
            state: state.map(State::name),
        };
        let first = !std::mem::replace(&mut self.any, true);
        match &mut self.out {
            Out::Jsonl(out) => json_line(*out, &line),
            Out::Json(out) => {
                out.write_all(if first { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut **out, &line).map_err(io::Error::from)
            }
            Out::Csv(out) => csv(*out, &line),
            Out::Table(table) => table.row(row(&line, &finding.record, self.with_subject)),
        }
    }

    /// Writes what is still held and ends the document.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.out {
            Out::Table(table) if self.any => table.finish(),
            Out::Json(out) => out.write_all(if self.any { b"\n]\n" } else { b"[]\n" }),
            _ => Ok(()),
        }
    }
}

fn csv(out: &mut dyn Write, line: &Line<'_>) -> io::Result<()> {
    let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let mut cells: Vec<Cow<'_, str>> = vec![
        (&*line.source).into(),
        line.object.as_ref().into(),
        line.record.kind.into(),
        match &line.record.key {
            Value::Null => "".into(),
            Value::String(text) => text.as_str().into(),
            key => key.to_string().into(),
        },
        line.field.as_ref().into(),
        line.kind.into(),
        line.categories.join(" ").into(),
        line.confidence.to_string().into(),
        number(line.byte_start).into(),
        number(line.byte_end).into(),
        number(line.value_start).into(),
        number(line.value_end).into(),
        line.rule.into(),
    ];
    if let (Some(subject), Some(why)) = (line.subject, line.why) {
        cells.insert(0, subject.into());
        cells.push(why.join(" > ").into());
        cells.push(line.shared.unwrap_or_default().to_string().into());
        cells.push(line.possible.unwrap_or_default().to_string().into());
    }
    csv_line(out, cells.iter().map(AsRef::as_ref))
}

fn row(line: &Line<'_>, record: &Record, with_subject: bool) -> Vec<String> {
    let place = match (line.byte_start, line.byte_end, line.value_start, line.value_end) {
        (Some(start), Some(end), ..) => format!("bytes {start}..{end}"),
        (_, _, Some(start), Some(end)) => format!("value {start}..{end}"),
        _ => String::new(),
    };
    let mut cells = vec![
        line.source.to_string(),
        line.object.to_string(),
        record_text(record.kind(), &line.record.key),
        line.field.to_string(),
        line.kind.to_owned(),
        format!("{:.2}", line.confidence),
        place,
    ];
    if with_subject {
        cells.insert(0, line.subject.unwrap_or_default().to_owned());
        let mut why = line.why.unwrap_or_default().join(" → ");
        if line.shared == Some(true) {
            why.push_str(" (stands with several people)");
        }
        if line.possible == Some(true) {
            why.push_str(" (perhaps a namesake)");
        }
        // What is left without an excuse goes without saying.
        if let Some(state) = line.state.filter(|state| *state != State::Residual.name()) {
            why = format!("{state}: {why}");
        }
        cells.push(why);
    }
    cells.iter().map(|cell| printable(cell)).collect()
}

/// A record in a few words: `line 12`, `id=7`, `row 3 of group 1`.
pub(super) fn record_text(kind: RecordKind, key: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (kind, key) {
        (RecordKind::Document, _) => "document".to_owned(),
        (RecordKind::RowGroup, key) => format!("row {} of group {}", key["row"], key["row_group"]),
        (RecordKind::Cell, Value::Object(cell)) if cell.contains_key("sheet") => {
            format!("{}!{}", text(&cell["sheet"]), text(&cell["cell"]))
        }
        (_, Value::Object(fields)) => {
            fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
        }
        (kind, key) => format!("{} {}", kind.name(), text(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use residuum_detect::{Fingerprint, IndexKey, Type};
    use residuum_source::KeyValue;
    use std::sync::Arc;

    fn printed(format: Format, show_values: bool) -> String {
        let keys = Keyring::new(IndexKey::new([7; 32]), Vec::new());
        let sealed = keys.seal_name(Type::Email, "jane@example.com");
        let finding = Finding {
            source: "crm".into(),
            object_id: 1,
            object: "main.people".into(),
            primary_key: Arc::from(["email".to_owned()]),
            record: Record::pk(&[KeyValue::Text(sealed)]),
            field: "phone".into(),
            place: Place::Value { start: 0, end: 12 },
            kind: Type::Phone,
            rule: "phone".into(),
            confidence: 950,
            fp: Fingerprint([0; 16]),
        };
        let mut out = Vec::new();
        let rules = RuleSet::empty();
        let mut printer = Printer::new(&mut out, format, Names::new(&keys, show_values), &rules, false).unwrap();
        printer.finding(&finding).unwrap();
        printer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_the_fields_others_rely_on() {
        let line: Value = serde_json::from_str(&printed(Format::Jsonl, true)).unwrap();
        let expected = serde_json::json!({
            "source": "crm", "object": "main.people", "record": {"kind": "pk", "key": {"email": "jane@example.com"}},
            "field": "phone", "type": "PHONE", "categories": ["A", "B"], "confidence": 0.95, "byte_start": null,
            "byte_end": null, "value_start": 0, "value_end": 12, "rule": "phone",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn sealed_names_stay_sealed_unless_asked_for() {
        for format in [Format::Table, Format::Json, Format::Jsonl, Format::Csv] {
            let text = printed(format, false);
            assert!(text.contains("⟨EMAIL:") && text.contains("…⟩") && !text.contains("jane"), "{format:?}: {text}");
            assert!(printed(format, true).contains("jane@example.com"), "{format:?}");
        }
    }

    #[test]
    fn records_are_told_in_a_few_words() {
        let cases = [
            (Record::Number(RecordKind::Line, 12), "line 12"),
            (Record::row_group(1, 3), "row 3 of group 1"),
            (Record::ctid(4, 2), "ctid (4,2)"),
            (Record::Number(RecordKind::Document, 0), "document"),
            (Record::pk(&[KeyValue::Integer(7), KeyValue::Text("eu".into())]), "key1=7 key2=eu"),
            (Record::Text(RecordKind::Cell, r#"["Sheet1","B7"]"#.into()), "Sheet1!B7"),
        ];
        for (record, text) in cases {
            assert_eq!(record_text(record.kind(), &record.key_json(&[])), text);
        }
    }
}
