//! Markup from front to back: a stack of open elements, the values in them, and what was wrong.

use memchr::memchr2;
use residuum_source::{Coverage, Flow, Limits, Outcome, Record, RecordKind, Sink, Stop};

use super::layout::{self, HEAD};
use super::tree::{NodeId, ROOT, Tree, local};
use crate::Text;
use crate::gather::{FieldId, Gather, Value};
use crate::markup::{Dialect, LOOK, Scan, attribute_name, in_name, is_space, tag_name};

/// A reader at some place of a document.
pub(super) struct Reader<'r, 'a> {
    scan: Scan<'a>,
    gather: Gather<'r>,
    tree: Tree,
    /// Paths of the elements open, down to the limit of nesting.
    open: Vec<NodeId>,
    nesting: usize,
    /// Elements open beyond it, and how many there were.
    deeper: u64,
    too_deep: u64,
    /// How many elements were open where the record began.
    record: Option<usize>,
    rows: u64,
    /// Where the record begins.
    begin: u64,
    /// The text of the element that has been met so far, across comments and CDATA.
    value: Value,
    /// The value of something else.
    aside: Value,
    /// The step of an attribute: `@` and its name.
    name: Vec<u8>,
    mismatched: u64,
    stray: u64,
    first_fault: Option<u64>,
    unfinished: Option<&'static str>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(text: Text<'a>, tree: Tree, limits: &Limits, sink: &'r mut dyn Sink) -> Self {
        Self {
            scan: Scan::new(text),
            gather: Gather::new(limits, sink),
            tree,
            open: Vec::new(),
            nesting: (limits.nesting as usize).max(1),
            deeper: 0,
            too_deep: 0,
            record: None,
            rows: 0,
            begin: 0,
            value: Value::default(),
            aside: Value::default(),
            name: vec![b'@'],
            mismatched: 0,
            stray: 0,
            first_fault: None,
            unfinished: None,
        }
    }

    /// Reads to the end.
    pub(super) fn run(mut self) -> Result<Outcome, Stop> {
        match self.read() {
            Flow::Continue(()) => Ok(self.outcome()),
            Flow::Break(stop) => Err(stop),
        }
    }

    fn read(&mut self) -> Flow {
        loop {
            let look = self.scan.look();
            let tag = look.strip_prefix(b"<").and_then(tag_name);
            match look {
                [] => break,
                _ if tag.is_some() => self.start_tag(tag.unwrap_or_default())?,
                [b'<', b'/', name @ ..] if tag_name(name).is_some() => self.end_tag()?,
                [b'<', b'?', ..] => self.instruction()?,
                [b'<', b'!', b'-', b'-', ..] => {
                    self.scan.pass(4);
                    self.aside(b"#comment", b"-->", "a comment")?;
                }
                rest if rest.starts_with(b"<![CDATA[") => self.cdata()?,
                [b'<', b'!', ..] => self.declaration()?,
                [b'<', ..] => {
                    self.fault();
                    self.stray += 1;
                    self.scan.keep(&mut self.value, 1);
                }
                [b'&', ..] => self.scan.keep_reference(&mut self.value, Dialect::Xml),
                _ => self.text()?,
            }
            self.gather.flush_if_full(self.scan.position())?;
        }
        self.end_text()?;
        self.gather.flush(self.scan.position())
    }

    /// Takes text as far as it is in sight, at once where it is the whole of a value.
    fn text(&mut self) -> Flow {
        let rest = self.scan.rest();
        let end = memchr2(b'<', b'&', rest);
        let len = end.unwrap_or(rest.len());
        if self.value.is_empty() {
            let begin = rest[..len].iter().take_while(|b| is_space(**b)).count();
            self.scan.pass(begin);
            let len = len - begin;
            let after = self.scan.rest().get(len + 1..).unwrap_or_default();
            let whole = (after.len() >= LOOK || self.scan.text.ended())
                && end.is_some_and(|end| self.scan.text.window()[self.scan.pos - begin + end] == b'<')
                && tag_name(after.strip_prefix(b"/").unwrap_or(after)).is_some();
            if len > 0 && whole {
                let from = self.scan.pos;
                let to = from + self.scan.rest()[..len].trim_ascii_end().len();
                let field = self.own_field();
                self.gather.push(field, &self.scan.text, from, to);
            } else {
                self.scan.keep(&mut self.value, len);
            }
            if whole {
                self.scan.pass(len);
            }
        } else {
            self.scan.keep(&mut self.value, len);
        }
        if end.is_none() {
            self.pour_text()?;
        }
        Flow::Continue(())
    }

    fn pour_text(&mut self) -> Flow {
        let field = self.own_field();
        self.gather.pour(field, &mut self.value, self.scan.position())
    }

    /// Ends the text that stands before a tag.
    fn end_text(&mut self) -> Flow {
        if self.value.is_empty() {
            return Flow::Continue(());
        }
        let field = self.own_field();
        self.gather.push_value(field, &mut self.value, self.scan.position())
    }

    fn own_field(&mut self) -> FieldId {
        let node = self.open.last().copied().unwrap_or(ROOT);
        self.tree.field(node, &mut self.gather)
    }

    fn cdata(&mut self) -> Flow {
        self.scan.pass(9);
        while !self.scan.keep_until(&mut self.value, b"]]>") {
            self.pour_text()?;
            if !self.scan.more() {
                self.unfinished.get_or_insert("a CDATA section");
                break;
            }
        }
        Flow::Continue(())
    }

    /// Takes what stands up to `end` as a value of its own.
    fn aside(&mut self, name: &[u8], end: &[u8], what: &'static str) -> Flow {
        let node = self.open.last().copied().unwrap_or(ROOT);
        let node = self.tree.special(node, name);
        let field = self.tree.field(node, &mut self.gather);
        self.scan.skip_space();
        while !self.scan.keep_until(&mut self.aside, end) {
            self.gather.pour(field, &mut self.aside, self.scan.position())?;
            if !self.scan.more() {
                self.unfinished.get_or_insert(what);
                break;
            }
        }
        self.gather.push_value(field, &mut self.aside, self.scan.position())
    }

    fn instruction(&mut self) -> Flow {
        self.scan.pass(2);
        if matches!(self.scan.rest(), [b'x', b'm', b'l', space, ..] if is_space(*space)) {
            // The declaration of the document itself: its version and encoding.
            let mut nothing = Value::default();
            while !self.scan.keep_until(&mut nothing, b"?>") {
                nothing = Value::default();
                if !self.scan.more() {
                    self.unfinished.get_or_insert("the XML declaration");
                    break;
                }
            }
            return Flow::Continue(());
        }
        self.aside(b"#pi", b"?>", "a processing instruction")
    }

    /// A document type: its declarations are text, whatever they would stand for.
    fn declaration(&mut self) -> Flow {
        let node = self.open.last().copied().unwrap_or(ROOT);
        let node = self.tree.special(node, b"#doctype");
        let field = self.tree.field(node, &mut self.gather);
        self.scan.pass(2);
        let mut brackets = 0u32;
        loop {
            let rest = self.scan.look();
            let plain = rest.iter().take_while(|b| !matches!(b, b'[' | b']' | b'>' | b'<' | b'"' | b'\'')).count();
            self.scan.keep(&mut self.aside, plain);
            if plain > 0 {
                self.gather.pour(field, &mut self.aside, self.scan.position())?;
                continue;
            }
            let (end, len): (&[u8], usize) = match self.scan.rest() {
                [] => {
                    self.unfinished.get_or_insert("the document type");
                    break;
                }
                [b'>', ..] if brackets == 0 => {
                    self.scan.pass(1);
                    break;
                }
                [b'[', ..] => {
                    brackets += 1;
                    (b"", 1)
                }
                [b']', ..] => {
                    brackets = brackets.saturating_sub(1);
                    (b"", 1)
                }
                [b'"', ..] => (b"\"", 1),
                [b'\'', ..] => (b"'", 1),
                [b'<', b'!', b'-', b'-', ..] => (b"-->", 4),
                _ => (b"", 1),
            };
            self.scan.keep(&mut self.aside, len);
            while !end.is_empty() && !self.scan.keep_until(&mut self.aside, end) {
                self.gather.pour(field, &mut self.aside, self.scan.position())?;
                if !self.scan.more() {
                    break;
                }
            }
            if !end.is_empty() && self.scan.pos >= end.len() {
                self.aside.keep(&self.scan.text, self.scan.pos - end.len(), self.scan.pos);
            }
        }
        self.gather.push_value(field, &mut self.aside, self.scan.position())
    }

    fn start_tag(&mut self, len: usize) -> Flow {
        self.end_text()?;
        self.scan.pass(1);
        let rest = self.scan.rest();
        let parent = self.open.last().copied().unwrap_or(ROOT);
        let step = self.tree.step(parent, local(&rest[..len]));
        if step.is_new && self.record.is_none() {
            // Met for the first time: what follows tells whether it repeats.
            self.scan.text.fill(self.scan.pos + HEAD);
            let ahead = &self.scan.text.window()[self.scan.pos - 1..];
            layout::learn(&mut self.tree, parent, &ahead[..ahead.len().min(HEAD)]);
        }
        let node = step.node;
        if self.record.is_none() && self.tree.node(node).is_record {
            self.record = Some(self.open.len());
            self.begin = self.scan.text.position_of(self.scan.pos - 1);
            self.rows += 1;
            self.gather.begin(RecordKind::Row, self.rows);
        }
        if let Some(key) = step.key {
            let field = self.tree.field(key, &mut self.gather);
            self.gather.push(field, &self.scan.text, self.scan.pos, self.scan.pos + len);
        }
        self.scan.pass(len);
        if self.open.len() < self.nesting {
            self.open.push(node);
        } else {
            self.deeper += 1;
            self.too_deep += 1;
        }
        self.attributes(node)
    }

    fn attributes(&mut self, node: NodeId) -> Flow {
        loop {
            self.scan.skip_space();
            match self.scan.look() {
                [b'>', ..] => {
                    self.scan.pass(1);
                    return Flow::Continue(());
                }
                [b'/', b'>', ..] => {
                    self.scan.pass(2);
                    let had = self.record;
                    self.close(1);
                    self.ends(had);
                    return Flow::Continue(());
                }
                [] => {
                    self.unfinished.get_or_insert("a tag");
                    return Flow::Continue(());
                }
                [b'<', ..] => {
                    self.fault();
                    self.stray += 1;
                    return Flow::Continue(());
                }
                _ => self.attribute(node)?,
            }
        }
    }

    fn attribute(&mut self, node: NodeId) -> Flow {
        let rest = self.scan.rest();
        let (len, has_value) = attribute_name(rest);
        if !has_value {
            self.fault();
            self.stray += 1;
            let node = self.tree.special(node, b"@");
            let field = self.tree.field(node, &mut self.gather);
            self.gather.push(field, &self.scan.text, self.scan.pos, self.scan.pos + len);
            self.scan.pass(len);
            return Flow::Continue(());
        }
        let name = &rest[..len];
        let field = if name == b"xmlns" || name.starts_with(b"xmlns:") {
            None
        } else {
            self.name.truncate(1);
            self.name.extend_from_slice(local(name));
            let step = self.tree.step(node, &self.name);
            if let Some(key) = step.key {
                let field = self.tree.field(key, &mut self.gather);
                self.gather.push(field, &self.scan.text, self.scan.pos, self.scan.pos + len);
            }
            Some(self.tree.field(step.node, &mut self.gather))
        };
        self.scan.pass(len);
        self.scan.skip_space();
        if self.scan.look().first() == Some(&b'=') {
            self.scan.pass(1);
        }
        self.scan.skip_space();
        let quote = match self.scan.look() {
            [quote @ (b'"' | b'\''), ..] => *quote,
            _ => b' ',
        };
        if quote != b' ' {
            self.scan.pass(1);
            let rest = self.scan.rest();
            if let Some(at) = memchr2(quote, b'&', rest).filter(|&at| rest[at] == quote) {
                let from = self.scan.pos;
                if let Some(field) = field {
                    self.gather.push(field, &self.scan.text, from, from + at);
                }
                self.scan.pass(at + 1);
                return Flow::Continue(());
            }
        } else {
            self.fault();
            self.stray += 1;
        }
        self.long_attribute(field, quote)
    }

    /// An attribute with references in it, or one that is not in sight to its end.
    fn long_attribute(&mut self, field: Option<FieldId>, quote: u8) -> Flow {
        loop {
            let rest = self.scan.look();
            let ends = |b: u8| b == quote || (quote == b' ' && (is_space(b) || b == b'>'));
            let len = rest.iter().take_while(|&&b| b != b'&' && !ends(b)).count();
            self.scan.keep(&mut self.aside, len);
            match self.scan.look() {
                [] => {
                    self.unfinished.get_or_insert("an attribute");
                    break;
                }
                [b'&', ..] => self.scan.keep_reference(&mut self.aside, Dialect::Xml),
                [b, ..] if ends(*b) => {
                    self.scan.pass(usize::from(quote != b' '));
                    break;
                }
                _ => {}
            }
            match field {
                Some(field) => self.gather.pour(field, &mut self.aside, self.scan.position())?,
                None => self.aside = Value::default(),
            }
        }
        match field {
            Some(field) => self.gather.push_value(field, &mut self.aside, self.scan.position()),
            None => {
                self.aside = Value::default();
                Flow::Continue(())
            }
        }
    }

    fn end_tag(&mut self) -> Flow {
        self.end_text()?;
        self.scan.pass(2);
        let rest = self.scan.rest();
        let len = rest.iter().take(LOOK - 4).take_while(|&&b| in_name(b)).count();
        let name = local(&rest[..len]);
        let closed = if self.deeper > 0 {
            Some(1)
        } else {
            self.open.iter().rev().position(|&node| self.tree.is_named(node, name)).map(|above| above + 1)
        };
        if closed != Some(1) {
            self.fault();
            self.mismatched += 1;
        }
        let had = self.record;
        self.close(closed.unwrap_or(0));
        self.scan.pass(len);
        self.scan.skip_space();
        if self.scan.look().first() == Some(&b'>') {
            self.scan.pass(1);
        }
        self.ends(had);
        Flow::Continue(())
    }

    /// Tells where the record stood, if one has ended here.
    fn ends(&mut self, had: Option<usize>) {
        if had.is_some() && self.record.is_none() && self.gather.wants_extents() {
            let record = Record::Number(RecordKind::Row, self.rows);
            self.gather.extent(record, 0, self.begin..self.scan.position());
        }
    }

    /// Closes the innermost elements.
    fn close(&mut self, count: usize) {
        if self.deeper > 0 && count == 1 {
            self.deeper -= 1;
            return;
        }
        self.open.truncate(self.open.len() - count);
        if self.record.is_some_and(|record| self.open.len() <= record) {
            self.record = None;
            self.gather.in_document();
        }
    }

    fn fault(&mut self) {
        self.first_fault.get_or_insert(self.scan.position());
    }

    fn outcome(&mut self) -> Outcome {
        self.scan.text.consume(self.scan.pos);
        self.scan.pos = 0;
        let (records, text) = (self.gather.records, &self.scan.text);
        if text.fault().is_some() {
            return text.outcome(records);
        }
        let mut reasons = Vec::new();
        let mut coverage = Coverage::Read;
        let open = self.open.len() as u64 + self.deeper;
        if self.unfinished.is_some() || open > 0 {
            coverage = Coverage::Unreadable;
            let what = self.unfinished.map_or_else(|| format!("{open} elements"), str::to_owned);
            reasons.push(format!("ends inside {what} at byte {}: it is incomplete", self.scan.position()));
        }
        if let Some(first) = self.first_fault {
            let (tags, stray) = (self.mismatched, self.stray);
            reasons.push(format!(
                "not well-formed from byte {first} on ({tags} end tags that do not match, {stray} other faults); \
                 all of it was read"
            ));
        }
        if self.too_deep > 0 {
            let (deep, nesting) = (self.too_deep, self.nesting);
            reasons
                .push(format!("{deep} elements nested deeper than {nesting} levels were read as part of that level"));
        }
        match reasons.is_empty() {
            true => text.outcome(records),
            false => text.outcome_with(records, coverage, reasons.join("; ")),
        }
    }
}
