//! Logs in the extended format of the W3C, as IIS and CloudFront write them: fields as the log itself names them.
//!
//! A record is a line, by its number. `#Fields:` names what follows, as often as it stands there; other directives are
//! the field `#comment`. A `-` stands for nothing. A line beyond what the fields name is text.
//!
//! Of the logs that have a form this is the one read by field: a user is a bare word here, which only its field tells.
//! The logs of Apache, nginx and syslog, and logfmt, stay lines of text: what is personal in them is found there.

use residuum_source::{Flow, Limits, ObjectPath, Part, Record, RecordKind, Sink};

use crate::Text;
use crate::gather::{FieldId, Gather, Value};
use crate::json::key_is_data;
use crate::markup::Scan;

/// Fields of a line; what comes after is text.
const MAX_FIELDS: usize = 1024;

/// Whether a text that begins so is such a log.
pub(crate) fn is_log(head: &[u8]) -> bool {
    let directives = head.split(|&b| b == b'\n').take(20).take_while(|line| line.starts_with(b"#"));
    directives.into_iter().any(|line| line.starts_with(b"#Fields:"))
}

/// Reads such a log.
pub(crate) fn read(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "w3c", encoding, primary_key: Vec::new() })?;
    let mut gather = Gather::new(limits, sink);
    let (text_field, comment) = (gather.field(""), gather.field("#comment"));
    let mut log = Log { scan: Scan::new(text), gather, text_field, comment, fields: Vec::new(), separator: b' ' };
    let mut line = 0;
    while !log.scan.look().is_empty() {
        line += 1;
        log.gather.begin(RecordKind::Line, line);
        let begin = log.scan.position();
        log.line()?;
        if log.gather.wants_extents() {
            log.gather.extent(Record::Number(RecordKind::Line, line), 0, begin..log.scan.position());
        }
        log.gather.flush_if_full(log.scan.position())?;
    }
    log.gather.flush(log.scan.position())?;
    let (records, mut scan) = (log.gather.records, log.scan);
    scan.text.consume(scan.pos);
    sink.close(scan.text.outcome(records))
}

struct Log<'s, 'a> {
    scan: Scan<'a>,
    gather: Gather<'s>,
    text_field: FieldId,
    comment: FieldId,
    fields: Vec<FieldId>,
    separator: u8,
}

impl Log<'_, '_> {
    fn line(&mut self) -> Flow {
        if self.scan.look().starts_with(b"#") {
            let mut value = Value::default();
            self.rest_of_line(self.comment, &mut value)?;
            return Flow::Continue(());
        }
        for i in 0..=MAX_FIELDS {
            let Some(&field) = self.fields.get(i) else {
                return self.rest_of_line(self.text_field, &mut Value::default());
            };
            if self.value(field)? {
                break;
            }
        }
        Flow::Continue(())
    }

    /// Reads a value and what ends it; says whether that was the end of the line.
    fn value(&mut self, field: FieldId) -> std::ops::ControlFlow<residuum_source::Stop, bool> {
        let separator = self.separator;
        self.scan.look();
        let mut value = Value::default();
        let end = loop {
            let rest = self.scan.rest();
            match memchr::memchr2(separator, b'\n', rest) {
                Some(len) if value.is_empty() => {
                    let (from, end) = (self.scan.pos, rest[len]);
                    let says = if end == b'\n' {
                        rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len])
                    } else {
                        &rest[..len]
                    };
                    if says != b"-" {
                        let to = from + says.len();
                        self.gather.push(field, &self.scan.text, from, to);
                    }
                    self.scan.pass(len + 1);
                    break end;
                }
                Some(len) => {
                    let end = rest[len];
                    self.scan.keep(&mut value, len);
                    self.scan.pass(1);
                    break end;
                }
                None => {
                    let len = rest.len();
                    self.scan.keep(&mut value, len);
                    self.gather.pour(field, &mut value, self.scan.position())?;
                    if !self.scan.more() {
                        break b'\n';
                    }
                }
            }
        };
        self.gather.push_value(field, &mut value, self.scan.position())?;
        std::ops::ControlFlow::Continue(end == b'\n')
    }

    fn rest_of_line(&mut self, field: FieldId, value: &mut Value) -> Flow {
        while !self.scan.keep_until(value, b"\n") {
            self.gather.pour(field, value, self.scan.position())?;
            if !self.scan.more() {
                break;
            }
        }
        if let Some(names) = value.bytes.strip_prefix(b"#Fields:").filter(|_| field == self.comment) {
            self.separator = if names.contains(&b'\t') { b'\t' } else { b' ' };
            let names: Vec<String> = names
                .split(|b| b.is_ascii_whitespace())
                .filter(|name| !name.is_empty())
                .take(MAX_FIELDS)
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect();
            let plain = |name: &String| if key_is_data(name.as_bytes()) { "{}".to_owned() } else { name.clone() };
            self.fields = names.iter().map(|name| self.gather.field(&plain(name))).collect();
        }
        self.gather.push_value(field, value, self.scan.position())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use residuum_source::{Limits, RecordKind};

    use crate::testing::{cases, read_bytes, read_stream, read_with};

    #[test]
    fn lines_by_field() {
        let log = "#Software: x\r\n#Fields: date c-ip cs-username cs(User-Agent)\r\n2026-03-14 198.51.100.7 jane M/5.0+(X)\r\n\
                   2026-03-14 198.51.100.8 - M too many\r\nshort\r\n#Fields: cs-username\r\nkim";
        for seen in [read_bytes("a.log", log.as_bytes()), read_stream("a.log", log.as_bytes(), &Limits::default())] {
            assert_eq!(seen.names(), [("a.log", "w3c", "read")]);
            assert_eq!(seen.outcome("a.log").records, 7);
            let text = |values: &[(u64, &str)]| values.iter().map(|(n, v)| (*n, (*v).to_owned())).collect::<Vec<_>>();
            assert_eq!(seen.field("cs-username"), text(&[(3, "jane"), (7, "kim")]));
            assert_eq!(seen.field("c-ip"), text(&[(3, "198.51.100.7"), (4, "198.51.100.8")]));
            assert_eq!(seen.field("cs(User-Agent)"), text(&[(3, "M/5.0+(X)"), (4, "M")]));
            assert_eq!(seen.field(""), text(&[(4, "too many")]));
            assert_eq!(seen.field("date"), text(&[(3, "2026-03-14"), (4, "2026-03-14"), (5, "short")]));
            assert!(seen.values.iter().all(|v| v.record.kind() == RecordKind::Line));
            for value in seen.values.iter().filter(|v| !v.bytes.is_empty()) {
                let (start, end) = value.raw.expect("text has places");
                assert_eq!(&log.as_bytes()[start as usize..end as usize], value.bytes);
            }
        }
    }

    proptest! {
        #![proptest_config(cases(96))]

        /// Whatever stands in the lines, every byte is read and places hold the values.
        #[test]
        fn anything_is_read(lines in proptest::collection::vec("[a-z@. #é-]{0,30}", 0..20), batch_bytes in 1usize..100) {
            let log = format!("#Fields: a b c\n{}", lines.join("\n"));
            let limits = Limits { batch_bytes, ..Limits::default() };
            for seen in [read_with("a", log.as_bytes(), &limits), read_stream("a", log.as_bytes(), &limits)] {
                prop_assert_eq!(seen.closed[0].1.bytes, log.len() as u64);
                for value in seen.values.iter().filter(|v| !v.bytes.is_empty()) {
                    let (start, end) = value.raw.expect("text has places");
                    prop_assert_eq!(&log.as_bytes()[start as usize..end as usize], &value.bytes[..]);
                }
            }
        }
    }
}
