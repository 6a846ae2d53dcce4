//! From events of the parser to fields and records.

use std::ops::Range;

use residuum_source::{Flow, Record, RecordKind};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::scalar;
use crate::Text;
use crate::gather::{Gather, Value};
use crate::json::{append_key, key_is_data, key_is_spoken};

/// Keys of one mapping that are steps of paths; what comes after is data.
const MAX_KEYS: usize = 256;

/// Characters between two whose byte is noted.
const MARK: usize = 64;

/// What is a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Documents,
    /// Elements of the sequence that the document is.
    Elements,
    /// Mappings in a sequence that is a member of the mapping the document is.
    Members,
}

/// A mapping or sequence that is open.
struct Open {
    /// Its path.
    path: String,
    /// For a mapping, the path of the next value; nothing while a key is expected.
    value: Option<String>,
    is_mapping: bool,
    is_record: bool,
    keys: usize,
    /// Where it begins.
    from: usize,
    /// Where it stands as an element of a list, if that is in lines of its own; else where the flow mapping begins.
    stands: Option<Stands>,
}

/// Where a record stands.
enum Stands {
    Lines(Range<usize>),
    Flow(usize),
}

/// Where the text is no longer YAML.
pub(super) struct Broken {
    /// Byte of the text's window.
    pub at: usize,
    pub line: usize,
}

/// A walk through the events of a text that is in the window whole.
pub(super) struct Walk<'w, 'a, 's> {
    text: &'w Text<'a>,
    gather: &'w mut Gather<'s>,
    nesting: usize,
    layout: Layout,
    open: Vec<Open>,
    records: u64,
    /// Where the document at hand begins.
    document_from: usize,
    /// The byte of every so many-th character.
    marks: Vec<u32>,
    /// Up to where comments have been looked for.
    seen: usize,
    broken: Option<Broken>,
}

impl<'w, 'a, 's> Walk<'w, 'a, 's> {
    pub fn new(text: &'w Text<'a>, nesting: usize, gather: &'w mut Gather<'s>) -> Self {
        let layout = layout(as_str(text));
        let open = Vec::new();
        Self {
            text,
            gather,
            nesting,
            layout,
            open,
            records: 0,
            document_from: 0,
            marks: marks(as_str(text)),
            seen: 0,
            broken: None,
        }
    }

    /// Why the walk ended early, if it did.
    pub fn broken(&mut self) -> Option<Broken> {
        self.broken.take()
    }

    pub fn run(&mut self) -> Flow {
        let text = as_str(self.text);
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, span)) => {
                    let (from, to) = self.bytes_of(span);
                    self.event(&event, from, to)?;
                    self.gather.flush_if_full(self.text.position_of(to))?;
                }
                Err(_) => {
                    let at = self.seen;
                    let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count();
                    self.broken = Some(Broken { at, line });
                    return Flow::Continue(());
                }
            }
        }
        self.comments(text.len())
    }

    fn event(&mut self, event: &Event<'_>, from: usize, to: usize) -> Flow {
        match event {
            Event::DocumentStart(_) if self.layout == Layout::Documents => {
                self.document_from = if self.records == 0 { 0 } else { self.line_start(from) };
                self.begin();
            }
            Event::DocumentEnd if self.layout == Layout::Documents => {
                self.gather.in_document();
                let to = self.next_document(to);
                self.tell(0, self.document_from.min(to)..to);
            }
            Event::Scalar(says, style, ..) => {
                self.comments(from)?;
                self.scalar(says, *style, from, to)?;
                self.seen = self.seen.max(to);
            }
            Event::MappingStart(..) => self.start(true, from)?,
            Event::SequenceStart(..) => self.start(false, from)?,
            Event::MappingEnd | Event::SequenceEnd => self.end(to),
            Event::Alias(_) => {
                if self.is_in_list() {
                    self.tell_element(from, to, false);
                }
                self.next_path();
            }
            _ => {}
        }
        Flow::Continue(())
    }

    /// Comments between the scalars.
    fn comments(&mut self, to: usize) -> Flow {
        let window = self.text.window();
        while self.seen < to {
            let Some(hash) = memchr::memchr(b'#', &window[self.seen..to]).map(|at| self.seen + at) else {
                self.seen = to;
                break;
            };
            let begins = hash == 0 || window[hash - 1].is_ascii_whitespace();
            let end = memchr::memchr(b'\n', &window[hash..]).map_or(window.len(), |at| hash + at);
            self.seen = if begins { end } else { hash + 1 };
            let says = window[hash + 1..end].trim_ascii();
            if begins && !says.is_empty() {
                let at = hash + 1 + (window[hash + 1..end].len() - window[hash + 1..end].trim_ascii_start().len());
                let field = self.gather.field("#comment");
                self.gather.push(field, self.text, at, at + says.len());
            }
        }
        Flow::Continue(())
    }

    fn scalar(&mut self, says: &str, style: ScalarStyle, from: usize, to: usize) -> Flow {
        let depth = self.open.len();
        let name = match self.open.last_mut() {
            Some(open) if open.is_mapping && open.value.is_none() => {
                let (mut path, mut itself) = (open.path.clone(), false);
                open.keys += 1;
                if depth > self.nesting {
                    // Deeper than paths are told apart.
                } else if key_is_data(says.as_bytes()) || open.keys > MAX_KEYS {
                    path.push_str(if path.is_empty() { "{}" } else { ".{}" });
                    itself = true;
                } else {
                    append_key(&mut path, says.as_bytes());
                    itself = key_is_spoken(says.as_bytes());
                }
                open.value = Some(path);
                if !itself {
                    return Flow::Continue(());
                }
                format!("{}{}{{key}}", open.path, if open.path.is_empty() { "" } else { "." })
            }
            _ => self.next_path(),
        };
        let is_literal = style == ScalarStyle::Plain
            && matches!(says, "" | "~" | "null" | "true" | "false" | "Null" | "True" | "False");
        let is_in_list = self.is_in_list();
        let is_element = is_in_list && self.layout == Layout::Elements && !is_literal;
        if is_element {
            self.begin();
        }
        if is_in_list {
            self.tell_element(from, to, is_element);
        }
        if is_literal {
            return Flow::Continue(());
        }
        let mut value = Value::default();
        scalar::keep(self.text, from, to, says, style, &mut value);
        let field = self.gather.field(if name.is_empty() { "$" } else { &name });
        self.gather.push_value(field, &mut value, self.text.position_of(to))?;
        if is_element {
            self.gather.in_document();
        }
        Flow::Continue(())
    }

    fn start(&mut self, is_mapping: bool, from: usize) -> Flow {
        let is_in_list = self.is_in_list();
        let is_record = is_in_list && (is_mapping || self.layout == Layout::Elements);
        let path = self.next_path();
        if is_record {
            // What stands before it is not its own.
            self.comments(from)?;
            self.begin();
        }
        let stands = (is_in_list && self.gather.wants_extents()).then(|| self.item(from));
        self.open.push(Open { path, value: None, is_mapping, is_record, keys: 0, from, stands });
        Flow::Continue(())
    }

    fn end(&mut self, to: usize) {
        let Some(open) = self.open.pop() else { return };
        if let Some(stands) = open.stands {
            self.tell_standing(stands, to, open.is_record);
        }
        if open.is_record {
            self.gather.in_document();
        }
    }

    /// Whether what stands next is an element of a sequence whose elements are records.
    fn is_in_list(&self) -> bool {
        match (self.layout, self.open.as_slice()) {
            (Layout::Elements, [list]) => !list.is_mapping,
            (Layout::Members, [document, list]) => document.is_mapping && !list.is_mapping,
            _ => false,
        }
    }

    /// Tells where an element stands that is no mapping or sequence.
    fn tell_element(&mut self, from: usize, to: usize, is_record: bool) {
        if self.gather.wants_extents() {
            let stands = self.item(from);
            self.tell_standing(stands, to, is_record);
        }
    }

    /// Tells where an element of the innermost list stands that ends here: the record begun last, or none, which keeps
    /// those beside it apart.
    fn tell_standing(&mut self, stands: Stands, to: usize, is_record: bool) {
        // Where a list begins, no other does.
        let list = self.open.last().map_or(0, |list| self.text.position_of(list.from)) + 1;
        match stands {
            Stands::Lines(range) if is_record => self.tell(0, range),
            Stands::Lines(_) => {}
            Stands::Flow(from) if is_record => self.tell(list, from..to),
            Stands::Flow(from) => self.tell_other(list, from..to),
        }
    }

    /// Tells where something of the document stands, by bytes of the window.
    fn tell_other(&mut self, list: u64, bytes: Range<usize>) {
        let (from, to) = (self.text.position_of(bytes.start), self.text.position_of(bytes.end));
        self.gather.extent(Record::Number(RecordKind::Document, 0), list, from..to);
    }

    /// Tells where the record begun last stands, by bytes of the window.
    fn tell(&mut self, list: u64, bytes: Range<usize>) {
        // An anchor in it may be referred to from elsewhere, which then would stand for nothing.
        let here = &self.text.window()[bytes.clone()];
        let has_anchor = [b": &".as_slice(), b"- &"].iter().any(|mark| memchr::memmem::find(here, mark).is_some());
        if !self.gather.wants_extents() || bytes.is_empty() {
            return;
        }
        if has_anchor && list > 0 {
            self.tell_other(list, bytes);
        } else if !has_anchor {
            let (from, to) = (self.text.position_of(bytes.start), self.text.position_of(bytes.end));
            self.gather.extent(Record::Number(RecordKind::Row, self.records), list, from..to);
        }
    }

    /// Where the element stands whose content begins here: its lines, if a dash begins them.
    fn item(&self, from: usize) -> Stands {
        let window = self.text.window();
        let line = self.line_start(from);
        let before = &window[line..from];
        let dash = before.trim_ascii_end();
        let indent = dash.iter().take_while(|&&b| b == b' ').count();
        if dash.get(indent..) != Some(b"-") {
            return Stands::Flow(from);
        }
        let next_line = |at: usize| memchr::memchr(b'\n', &window[at..]).map_or(window.len(), |feed| at + feed + 1);
        let mut end = next_line(from);
        let mut at = end;
        while at < window.len() {
            let next = next_line(at);
            let text = &window[at..next];
            let spaces = text.iter().take_while(|&&b| b == b' ').count();
            if !text.trim_ascii().is_empty() {
                if spaces <= indent {
                    break;
                }
                end = next;
            }
            at = next;
        }
        Stands::Lines(line..end)
    }

    fn line_start(&self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.text.window()[..at]).map_or(0, |feed| feed + 1)
    }

    /// Where the document begins that follows, or the text ends.
    fn next_document(&self, from: usize) -> usize {
        let window = self.text.window();
        let mut at = self.line_start(from);
        while at < window.len() {
            if window[at..].starts_with(b"---") && at > self.document_from {
                return at;
            }
            at = memchr::memchr(b'\n', &window[at..]).map_or(window.len(), |feed| at + feed + 1);
        }
        at
    }

    fn begin(&mut self) {
        self.records += 1;
        self.gather.begin(RecordKind::Row, self.records);
    }

    /// The path of the value that stands next.
    fn next_path(&mut self) -> String {
        let (depth, layout) = (self.open.len(), self.layout);
        match self.open.last_mut() {
            None => String::new(),
            // A mapping or sequence that is itself a key.
            Some(open) if open.is_mapping => match open.value.take() {
                Some(path) => path,
                None => {
                    open.value = Some(format!("{}{}{{}}", open.path, if open.path.is_empty() { "" } else { "." }));
                    format!("{}{}{{key}}", open.path, if open.path.is_empty() { "" } else { "." })
                }
            },
            // Elements of the sequence that the document is are records, and no step of a path.
            Some(open) if depth > self.nesting || (depth == 1 && layout == Layout::Elements) => open.path.clone(),
            Some(open) => format!("{}[]", open.path),
        }
    }

    /// The bytes of a span, which counts characters; spans come in order, but for their ends.
    fn bytes_of(&self, span: Span) -> (usize, usize) {
        let text = as_str(self.text);
        let from = self.byte_of(text, span.start.index());
        let len: usize =
            text[from..].chars().take(span.end.index().saturating_sub(span.start.index())).map(char::len_utf8).sum();
        (from, from + len)
    }

    fn byte_of(&self, text: &str, character: usize) -> usize {
        let Some(&byte) = self.marks.get(character / MARK) else {
            return text.len();
        };
        let byte = byte as usize;
        byte + text[byte..].chars().take(character % MARK).map(char::len_utf8).sum::<usize>()
    }
}

/// The byte of every so many-th character.
fn marks(text: &str) -> Vec<u32> {
    text.char_indices().step_by(MARK).map(|(byte, _)| byte as u32).collect()
}

fn as_str<'t>(text: &'t Text<'_>) -> &'t str {
    std::str::from_utf8(text.window()).unwrap_or_default()
}

/// What the records of a text are.
fn layout(text: &str) -> Layout {
    let (mut documents, mut depth, mut sequence) = (0, 0, false);
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentStart(_), _)) => documents += 1,
            Ok((Event::SequenceStart(..), _)) => {
                sequence |= documents == 1 && depth == 0;
                depth += 1;
            }
            Ok((Event::MappingStart(..), _)) => depth += 1,
            Ok((Event::SequenceEnd | Event::MappingEnd, _)) => depth -= 1,
            Ok(_) => {}
            Err(_) => break,
        }
        if documents > 1 {
            return Layout::Documents;
        }
    }
    if sequence { Layout::Elements } else { Layout::Members }
}
