//! From events of the parser to fields and records.

use residuum_source::{Flow, RecordKind};
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
        Self { text, gather, nesting, layout, open, records: 0, marks: marks(as_str(text)), seen: 0, broken: None }
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
            Event::DocumentStart(_) if self.layout == Layout::Documents => self.begin(),
            Event::DocumentEnd if self.layout == Layout::Documents => self.gather.in_document(),
            Event::Scalar(says, style, ..) => {
                self.comments(from)?;
                self.scalar(says, *style, from, to)?;
                self.seen = self.seen.max(to);
            }
            Event::MappingStart(..) => self.start(true),
            Event::SequenceStart(..) => self.start(false),
            Event::MappingEnd | Event::SequenceEnd => self.end(),
            Event::Alias(_) => {
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
        if is_literal {
            return Flow::Continue(());
        }
        let is_element = self.layout == Layout::Elements && self.open.len() == 1 && !self.open[0].is_mapping;
        if is_element {
            self.begin();
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

    fn start(&mut self, is_mapping: bool) {
        let is_record = match self.layout {
            Layout::Documents => false,
            Layout::Elements => self.open.len() == 1 && !self.open[0].is_mapping,
            Layout::Members => {
                is_mapping && self.open.len() == 2 && self.open[0].is_mapping && !self.open[1].is_mapping
            }
        };
        let path = self.next_path();
        if is_record {
            self.begin();
        }
        self.open.push(Open { path, value: None, is_mapping, is_record, keys: 0 });
    }

    fn end(&mut self) {
        if self.open.pop().is_some_and(|open| open.is_record) {
            self.gather.in_document();
        }
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
