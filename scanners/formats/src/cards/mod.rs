//! vCard and iCalendar: properties as fields, a card or an event as record.
//!
//! Lines are unfolded and escapes undone (RFC 6350, RFC 5545; quoted-printable of vCard 2.1). A field is the property,
//! `EMAIL`, or one of its parameters, `ATTENDEE@CN`; the components of names and addresses are fields of their own,
//! `N.family_name`, `ADR.postal_code`; what stands in a component within a record has its name before it,
//! `VALARM.DESCRIPTION`. A record is a card, or a component of a calendar, numbered from 1; what a calendar says of
//! itself is the document's.

mod line;
#[cfg(test)]
mod tests;

use residuum_source::{Coverage, Flow, Limits, ObjectPath, Outcome, Part, Record, RecordKind, Sink};

use crate::Text;
use crate::gather::{FieldId, Gather, Value};
use crate::markup::Scan;
use line::{Property, keep_escaped};

/// Bytes of a property that are held; what is longer, a photograph mostly, is handed over as it comes, as it stands.
const HELD: usize = 64 << 10;
/// Components within components.
const MAX_OPEN: usize = 32;

/// Components of structured properties.
const NAME: [&str; 5] = ["family_name", "given_name", "additional_name", "prefix", "suffix"];
const ADDRESS: [&str; 7] = ["po_box", "unit", "street", "city", "state", "postal_code", "country"];

/// Whether a text that begins so is made of cards or events, and how the format is called.
pub(crate) fn format(head: &[u8]) -> Option<&'static str> {
    let text = head.trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    match () {
        () if begins(b"BEGIN:VCARD") => Some("vcard"),
        () if begins(b"BEGIN:VCALENDAR") => Some("icalendar"),
        () => None,
    }
}

/// Reads cards or calendars.
pub(crate) fn read(
    path: &ObjectPath,
    format: &'static str,
    text: Text<'_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format, encoding, primary_key: Vec::new() })?;
    let gather = Gather::new(limits, sink);
    let mut reader = Reader {
        scan: Scan::new(text),
        gather,
        open: Vec::new(),
        record: None,
        records: 0,
        begin: 0,
        line: Value::default(),
    };
    match reader.read() {
        Flow::Continue(()) => {}
        stop => return stop,
    }
    let outcome = reader.outcome();
    sink.close(outcome)
}

struct Reader<'s, 'a> {
    scan: Scan<'a>,
    gather: Gather<'s>,
    /// Components open.
    open: Vec<String>,
    /// How many were open where the record began.
    record: Option<usize>,
    records: u64,
    /// Where the record begins.
    begin: u64,
    /// The line at hand, unfolded.
    line: Value,
}

impl Reader<'_, '_> {
    fn read(&mut self) -> Flow {
        while !self.scan.look().is_empty() {
            let whole = self.unfold();
            self.property(whole)?;
            self.gather.flush_if_full(self.scan.position())?;
        }
        self.gather.flush(self.scan.position())
    }

    /// Puts a line together from those it is folded into. Says whether it is whole; if not, more of it follows.
    fn unfold(&mut self) -> bool {
        self.line = Value::default();
        loop {
            let whole = self.keep_line();
            if !whole {
                return false;
            }
            match self.scan.look().first() {
                Some(b' ' | b'\t') => self.scan.pass(1),
                _ if line::goes_on(&self.line.bytes) => {
                    self.line.bytes.pop();
                }
                _ => return true,
            }
        }
    }

    /// Takes a line up to its end; says whether the end was met before the line became too long.
    fn keep_line(&mut self) -> bool {
        loop {
            if self.line.bytes.len() >= HELD {
                return false;
            }
            let rest = self.scan.look();
            let end = memchr::memchr(b'\n', rest);
            let len = end.unwrap_or(rest.len()).min(HELD);
            if rest.is_empty() {
                return true;
            }
            let returns = end == Some(len) && len > 0 && rest[len - 1] == b'\r';
            self.scan.keep(&mut self.line, len - usize::from(returns));
            self.scan.pass(usize::from(returns));
            if end == Some(len) {
                self.scan.pass(1);
                // A line cut between its return and its feed.
                if self.line.bytes.last() == Some(&b'\r') {
                    self.line.bytes.pop();
                }
                return true;
            }
        }
    }

    fn property(&mut self, whole: bool) -> Flow {
        let (bytes, map) = self.line.take();
        let Some(property) = Property::parse(&bytes) else {
            // What is no property is text.
            let field = self.gather.field("");
            let mut value = Value::default();
            value.keep_mapped(&bytes, &map, 0);
            return self.finish(field, value, whole);
        };
        let name = String::from_utf8_lossy(&bytes[property.name.clone()]).to_ascii_uppercase();
        let text = &bytes[property.value..];
        let component = String::from_utf8_lossy(text).trim().to_ascii_uppercase();
        match name.as_str() {
            "BEGIN" => {
                self.begin(component, map.start(0));
                return Flow::Continue(());
            }
            "END" => {
                self.end(&component);
                return Flow::Continue(());
            }
            _ => {}
        }
        let field_name = self.field_name(&name);
        for (parameter, range) in &property.parameters {
            let parameter = String::from_utf8_lossy(&bytes[parameter.clone()]).to_ascii_uppercase();
            let field = self.gather.field(&format!("{field_name}@{parameter}"));
            let mut value = Value::default();
            value.keep_mapped(&bytes[range.clone()], &map, range.start as u32);
            self.gather.push_value(field, &mut value, self.scan.position())?;
        }
        let components: &[&str] = match name.as_str() {
            "N" => &NAME,
            "ADR" => &ADDRESS,
            _ => &[],
        };
        let mut at = property.value;
        if whole {
            for component in components {
                let mut value = Value::default();
                let len = line::component(&bytes[at..]);
                keep_escaped(&bytes, &map, at..at + len, property.is_quoted, &mut value);
                let field = self.gather.field(&format!("{field_name}.{component}"));
                self.gather.push_value(field, &mut value, self.scan.position())?;
                at = (at + len + 1).min(bytes.len());
            }
        }
        at += line::scheme(&bytes[at..]);
        let mut value = Value::default();
        keep_escaped(&bytes, &map, at..bytes.len(), property.is_quoted, &mut value);
        let field = self.gather.field(&field_name);
        self.finish(field, value, whole)
    }

    /// Hands a value over, and what follows of its line if that is long.
    fn finish(&mut self, field: FieldId, mut value: Value, whole: bool) -> Flow {
        let mut whole = whole;
        while !whole {
            let rest = self.scan.look();
            let end = memchr::memchr(b'\n', rest);
            let len = end.unwrap_or(rest.len());
            whole = rest.is_empty();
            self.scan.keep(&mut value, len);
            if end.is_some() {
                self.scan.pass(1);
                whole = !matches!(self.scan.look().first(), Some(b' ' | b'\t'));
                self.scan.pass(usize::from(!whole));
            }
            self.gather.pour(field, &mut value, self.scan.position())?;
        }
        self.gather.push_value(field, &mut value, self.scan.position())
    }

    fn field_name(&self, property: &str) -> String {
        let within = self.record.map_or(self.open.len(), |record| record + 1).min(self.open.len());
        let mut name = String::new();
        for step in self.open[within..].iter().map(String::as_str).chain([property]) {
            name.push_str(if name.is_empty() { "" } else { "." });
            name.push_str(step);
        }
        name
    }

    fn begin(&mut self, component: String, at: u64) {
        let is_record = match component.as_str() {
            "VCALENDAR" | "VTIMEZONE" => false,
            "VCARD" => true,
            _ => self.open.last().is_none_or(|around| around == "VCALENDAR"),
        };
        if is_record && self.record.is_none() {
            self.record = Some(self.open.len());
            self.begin = at;
            self.records += 1;
            self.gather.begin(RecordKind::Row, self.records);
        }
        if self.open.len() < MAX_OPEN {
            self.open.push(component);
        }
    }

    fn end(&mut self, component: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open == component) {
            self.open.truncate(at);
        }
        if self.record.is_some_and(|record| self.open.len() <= record) {
            self.record = None;
            self.gather.in_document();
            if self.gather.wants_extents() {
                let record = Record::Number(RecordKind::Row, self.records);
                self.gather.extent(record, 0, self.begin..self.scan.position());
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        self.scan.text.consume(self.scan.pos);
        self.scan.pos = 0;
        let (text, records) = (&self.scan.text, self.gather.records);
        match self.open.is_empty() || text.fault().is_some() {
            true => text.outcome(records),
            false => {
                let reason = format!("ends inside a card or event at byte {}: it is incomplete", text.position());
                text.outcome_with(records, Coverage::Unreadable, reason)
            }
        }
    }
}
