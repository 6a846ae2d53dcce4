//! Walks over the XML of a document's part: elements and text, without names of namespaces.
//!
//! Memory is bounded by one element or stretch of text; entities that a document declares itself are not expanded.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use residuum_source::{Flow, Limits, Sink, Stop};

use crate::recognise::{self, Format};
use crate::{Bytes, Encoding, Fault, Input, Text};

/// One element's beginning.
pub(crate) struct Tag<'e> {
    start: BytesStart<'e>,
}

/// Looks at elements and text in their order.
pub(crate) trait Visitor {
    /// An element begins.
    fn start(&mut self, tag: &Tag<'_>, sink: &mut dyn Sink) -> Flow;
    /// The element with this local name ends.
    fn end(&mut self, local: &str, sink: &mut dyn Sink) -> Flow;
    /// Some text; what stands together may come in pieces.
    fn text(&mut self, text: &str, sink: &mut dyn Sink) -> Flow;
}

/// Walks to the end, or says why that is not possible.
pub(crate) fn walk(
    from: &mut dyn Read,
    limits: &Limits,
    visitor: &mut dyn Visitor,
    sink: &mut dyn Sink,
) -> ControlFlow<Stop, Result<(), Fault>> {
    let most = (limits.whole_bytes / 4).max(1 << 20);
    let mut reader = Reader::from_reader(Source { text: text_of(from), since: 0, most });
    reader.config_mut().expand_empty_elements = true;
    let (mut buf, mut depth) = (Vec::new(), 0u32);
    loop {
        buf.clear();
        reader.get_mut().since = 0;
        let event = match reader.read_event_into(&mut buf) {
            Ok(event) => event,
            Err(error) => return ControlFlow::Continue(Err(fault(&error, reader.error_position()))),
        };
        match event {
            Event::Start(start) => {
                depth += 1;
                if depth > limits.nesting {
                    let reason = format!(
                        "its XML is nested more than {} levels deep; raise the limit `nesting`",
                        limits.nesting
                    );
                    return ControlFlow::Continue(Err(Fault::limit(reason)));
                }
                visitor.start(&Tag { start }, sink)?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visitor.end(end.local_name().as_ref(), sink)?;
            }
            Event::Text(text) => visitor.text(&text.xml10_content(), sink)?,
            Event::CData(text) => visitor.text(&text.xml10_content(), sink)?,
            Event::GeneralRef(reference) => {
                let known = reference.resolve_char_ref().ok().flatten().map(String::from);
                let name = reference.xml10_content();
                let text = known.or_else(|| resolve_predefined_entity(&name).map(str::to_owned));
                // An entity of the document's own is shown by its name.
                visitor.text(&text.unwrap_or_else(|| format!("&{name};")), sink)?;
            }
            Event::Eof if depth > 0 => {
                let reason = "its XML ends in the middle: it is cut off".to_owned();
                return ControlFlow::Continue(Err(Fault::unreadable(reason)));
            }
            Event::Eof => return ControlFlow::Continue(Ok(())),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {}
        }
    }
}

impl Tag<'_> {
    /// The name without its namespace.
    pub fn local(&self) -> &str {
        local(self.start.name().0)
    }

    /// The value of the first attribute with this name, namespaces aside.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.attributes().into_iter().find(|(key, _)| local(key) == name).map(|(_, value)| value)
    }

    /// The value of the attribute with exactly this name, as it stands.
    pub fn exactly(&self, name: &str) -> Option<String> {
        self.attributes().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether an attribute says yes.
    pub fn is(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on"))
    }

    /// All attributes as they are named, declarations of namespaces aside.
    pub fn attributes(&self) -> Vec<(String, String)> {
        let mut all = self.start.attributes();
        let all = all.with_checks(false).flatten();
        let named = all.filter(|attribute| !attribute.key.0.starts_with("xmlns"));
        let unescaped = |attribute: quick_xml::events::attributes::Attribute<'_>| {
            let value = quick_xml::escape::unescape(&attribute.value);
            let value = value.map_or_else(|_| attribute.value.to_string(), std::borrow::Cow::into_owned);
            (attribute.key.0.to_owned(), value)
        };
        named.map(unescaped).collect()
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn fault(error: &quick_xml::Error, at: u64) -> Fault {
    match error {
        quick_xml::Error::Io(error) => Fault::from_io(error, at),
        _ => Fault::unreadable(format!("its XML is damaged at byte {at}")),
    }
}

/// The bytes of XML as text: UTF-8 and UTF-16 are allowed.
fn text_of(from: &mut dyn Read) -> Text<'_> {
    let mut bytes = Bytes::new(Input::Stream(from));
    let encoding = match recognise::recognise(bytes.fill(4096)) {
        Format::Text { encoding: encoding @ (Encoding::Utf16Be | Encoding::Utf16Le), mark } => {
            bytes.consume(mark);
            encoding
        }
        _ => Encoding::Utf8,
    };
    Text::new(bytes, encoding)
}

/// Text as the library wants it, bounded between two events.
struct Source<'t> {
    text: Text<'t>,
    since: u64,
    most: u64,
}

impl Read for Source<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since > self.most {
            let most = self.most;
            let reason = format!(
                "an element or text in its XML is longer than {most} bytes; raise the limit `whole_bytes`, a quarter \
                 of which it may take"
            );
            return Err(Fault::limit(reason).into());
        }
        self.text.fill(1);
        match self.text.fault() {
            Some(fault) if self.text.window().is_empty() => Err(fault.clone().into()),
            _ => Ok(self.text.window()),
        }
    }

    fn consume(&mut self, n: usize) {
        self.since += n as u64;
        self.text.consume(n);
    }
}
