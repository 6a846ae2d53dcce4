//! A page from front to back.

use std::fmt::Write as _;

use memchr::{memchr, memchr2};
use residuum_source::{Flow, RecordKind};

use super::tables::Tables;
use crate::Text;
use crate::gather::{FieldId, Gather, Value};
use crate::markup::{Dialect, LOOK, Scan, attribute_name, in_name, is_space, tag_name};

/// Attributes of one tag that are kept until its end; further ones are handed over as they come.
const MAX_ATTRIBUTES: usize = 256;

/// A reader at some place of a page.
pub(super) struct Reader<'g, 's, 'a> {
    scan: Scan<'a>,
    gather: &'g mut Gather<'s>,
    prefix: &'g str,
    /// Rows of tables are records.
    rows: bool,
    row: u64,
    tables: Tables,
    /// The text so far, and the field it belongs to.
    value: Value,
    field: FieldId,
    running: FieldId,
    /// The value of something else.
    aside: Value,
    /// The header cell being read: where in the value it begins, and its columns.
    header_cell: Option<(usize, usize)>,
    /// Name of the tag at hand in lower case.
    tag: String,
    field_name: String,
    attributes: Vec<Attribute>,
    /// How many of them belong to the tag.
    count: usize,
}

#[derive(Default)]
struct Attribute {
    name: String,
    value: Value,
}

/// What stands around an element in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flows {
    /// Within a line.
    Inline,
    /// On lines of its own.
    Block,
}

impl<'g, 's, 'a> Reader<'g, 's, 'a> {
    pub(super) fn new(text: Text<'a>, gather: &'g mut Gather<'s>, prefix: &'g str, rows: bool) -> Self {
        let running = gather.field(prefix);
        Self {
            scan: Scan::new(text),
            gather,
            prefix,
            rows,
            row: 0,
            tables: Tables::default(),
            value: Value::default(),
            field: running,
            running,
            aside: Value::default(),
            header_cell: None,
            tag: String::new(),
            field_name: String::new(),
            attributes: Vec::new(),
            count: 0,
        }
    }

    /// The text, once it has been read.
    pub(super) fn into_text(mut self) -> Text<'a> {
        self.scan.text.consume(self.scan.pos);
        self.scan.text
    }

    /// Reads to the end.
    pub(super) fn read(&mut self) -> Flow {
        loop {
            let look = self.scan.look();
            let tag = look.strip_prefix(b"<").and_then(tag_name);
            match look {
                [] => break,
                [b'<', ..] if tag.is_some() => self.start_tag(tag.unwrap_or_default())?,
                [b'<', b'/', rest @ ..] if tag_name(rest).is_some() => self.end_tag()?,
                [b'<', b'!', b'-', b'-', ..] => {
                    self.scan.pass(4);
                    self.aside("#comment", b"-->")?;
                }
                rest if rest.starts_with(b"<![CDATA[") => {
                    self.scan.pass(9);
                    while !self.scan.keep_until(&mut self.value, b"]]>") && self.scan.more() {
                        self.pour()?;
                    }
                }
                [b'<', b'!' | b'?', ..] => {
                    self.scan.pass(2);
                    self.aside("#comment", b">")?;
                }
                [b'<', ..] => self.scan.keep(&mut self.value, 1),
                [b'&', ..] => self.scan.keep_reference(&mut self.value, Dialect::HtmlText),
                _ => self.text()?,
            }
            self.gather.flush_if_full(self.scan.position())?;
        }
        self.end_text()
    }

    /// Takes text as far as it is in sight.
    fn text(&mut self) -> Flow {
        let rest = self.scan.rest();
        if self.value.is_empty() {
            let spaces = rest.iter().take_while(|b| is_space(**b)).count();
            if spaces > 0 {
                self.scan.pass(spaces);
                return Flow::Continue(());
            }
        }
        let len = memchr2(b'<', b'&', rest).unwrap_or(rest.len());
        self.scan.keep(&mut self.value, len);
        self.pour()
    }

    #[inline]
    fn pour(&mut self) -> Flow {
        self.gather.pour(self.field, &mut self.value, self.scan.position())
    }

    /// Hands over the text so far; what follows is not seen beside it.
    fn end_text(&mut self) -> Flow {
        self.gather.push_value(self.field, &mut self.value, self.scan.position())
    }

    /// Takes what stands up to `end` as a value of its own.
    fn aside(&mut self, name: &str, end: &[u8]) -> Flow {
        let field = self.named(format_args!("{name}"));
        self.scan.skip_space();
        loop {
            let done = self.scan.keep_until(&mut self.aside, end);
            self.gather.pour(field, &mut self.aside, self.scan.position())?;
            if done || !self.scan.more() {
                return self.gather.push_value(field, &mut self.aside, self.scan.position());
            }
        }
    }

    fn named(&mut self, name: std::fmt::Arguments<'_>) -> FieldId {
        self.field_name.clear();
        let dot = if self.prefix.is_empty() { "" } else { "." };
        write!(self.field_name, "{}{dot}{name}", self.prefix).expect("a string takes everything");
        self.gather.field(&self.field_name)
    }

    fn start_tag(&mut self, len: usize) -> Flow {
        let from = self.scan.position();
        self.scan.pass(1);
        self.tag.clear();
        self.tag.push_str(&String::from_utf8_lossy(&self.scan.rest()[..len]).to_ascii_lowercase());
        self.scan.pass(len);
        self.count = 0;
        self.attributes()?;
        let tag = std::mem::take(&mut self.tag);
        let opened = self.open(&tag, from);
        self.tag = tag;
        opened?;
        self.push_attributes()?;
        match self.tag.as_str() {
            "script" | "style" | "xmp" => self.raw_text(),
            _ => Flow::Continue(()),
        }
    }

    /// What the beginning of an element does to the text and to tables.
    fn open(&mut self, tag: &str, from: u64) -> Flow {
        match tag {
            "table" => {
                self.separate(b"\n", from);
                if !self.tables.is_in_row() || self.tables.depth == 0 {
                    self.end_row()?;
                }
                self.tables.begin();
            }
            "tr" if self.tables.is_outermost() => {
                self.end_row()?;
                self.end_text()?;
                self.tables.begin_row();
            }
            "td" if self.tables.is_outermost() && self.tables.is_in_row() => self.begin_cell(from)?,
            "th" if self.tables.is_outermost() && self.tables.is_in_row() => {
                self.end_cell()?;
                self.separate(b"\t", from);
                self.header_cell = Some((self.value.bytes.len(), self.span()));
            }
            "td" | "th" => self.separate(b"\t", from),
            _ if flows(tag) == Flows::Block => self.separate(b"\n", from),
            _ => {}
        }
        Flow::Continue(())
    }

    fn end_tag(&mut self) -> Flow {
        let from = self.scan.position();
        self.scan.pass(2);
        let len = self.scan.rest().iter().take(LOOK - 4).take_while(|&&b| in_name(b)).count();
        let tag = String::from_utf8_lossy(&self.scan.rest()[..len]).to_ascii_lowercase();
        self.scan.pass(len);
        // What stands behind the name is nothing, but it might say something.
        self.scan.skip_space();
        if self.scan.look().first() == Some(&b'>') {
            self.scan.pass(1);
        } else if let Some(end) = memchr(b'>', self.scan.look()) {
            self.scan.keep(&mut self.value, end);
            self.scan.pass(1);
        }
        match tag.as_str() {
            "table" => {
                if self.tables.is_outermost() {
                    self.end_row()?;
                }
                self.tables.end();
                self.separate(b"\n", from);
            }
            "tr" | "thead" | "tbody" if self.tables.is_outermost() => self.end_row()?,
            "td" | "th" if self.tables.is_outermost() => self.end_cell()?,
            _ if flows(&tag) == Flows::Block => self.separate(b"\n", from),
            _ => {}
        }
        Flow::Continue(())
    }

    /// A separator in the text where a tag stands, unless nothing or a separator stands before it.
    fn separate(&mut self, separator: &[u8], from: u64) {
        if self.value.bytes.last().is_some_and(|b| !matches!(b, b'\n' | b'\t')) {
            self.value.put(separator, from, from + 1);
        }
    }

    fn begin_cell(&mut self, from: u64) -> Flow {
        self.end_cell()?;
        let span = self.span();
        let (first, name) = self.tables.begin_cell(span);
        let name = name.map(str::to_owned);
        if first && self.rows {
            self.row += 1;
            self.gather.begin(RecordKind::Row, self.row);
        }
        match name {
            Some(name) => {
                self.end_text()?;
                self.field = self.named(format_args!("{name}"));
            }
            None => self.separate(b"\t", from),
        }
        Flow::Continue(())
    }

    fn end_cell(&mut self) -> Flow {
        if let Some((from, span)) = self.header_cell.take() {
            let text = self.value.bytes.get(from..).unwrap_or_default();
            self.tables.end_header_cell(text, span);
        }
        if self.field != self.running {
            self.end_text()?;
            self.field = self.running;
        }
        Flow::Continue(())
    }

    fn end_row(&mut self) -> Flow {
        if !self.tables.is_in_row() {
            return Flow::Continue(());
        }
        self.end_cell()?;
        self.end_text()?;
        self.tables.end_row();
        if self.rows {
            self.gather.in_document();
        }
        Flow::Continue(())
    }

    /// How many columns the cell takes whose tag is at hand.
    fn span(&self) -> usize {
        let attribute = self.attributes[..self.count].iter().find(|attribute| attribute.name == "colspan");
        let text = attribute.and_then(|attribute| std::str::from_utf8(&attribute.value.bytes).ok());
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(1)
    }

    fn attributes(&mut self) -> Flow {
        loop {
            self.scan.skip_space();
            match self.scan.look() {
                [b'>', ..] => {
                    self.scan.pass(1);
                    return Flow::Continue(());
                }
                [] | [b'<', ..] => return Flow::Continue(()),
                [b'/', ..] => self.scan.pass(1),
                _ => self.attribute()?,
            }
        }
    }

    fn attribute(&mut self) -> Flow {
        if self.count >= MAX_ATTRIBUTES {
            self.push_attributes()?;
            self.count = 0;
        }
        if self.count == self.attributes.len() {
            self.attributes.push(Attribute::default());
        }
        let at = self.count;
        self.count += 1;
        let rest = self.scan.rest();
        let (len, has_value) = attribute_name(rest);
        let Attribute { name, value } = &mut self.attributes[at];
        name.clear();
        if !has_value {
            // `checked` says nothing; what is no word may.
            let is_word = rest[..len].iter().all(|&b| b.is_ascii_alphabetic() || b == b'-');
            match is_word {
                true => self.scan.pass(len),
                false => self.scan.keep(value, len),
            }
            return Flow::Continue(());
        }
        name.push_str(&String::from_utf8_lossy(&rest[..len]).to_ascii_lowercase());
        self.scan.pass(len);
        self.scan.skip_space();
        if self.scan.look().first() == Some(&b'=') {
            self.scan.pass(1);
        }
        self.scan.skip_space();
        let quote = match self.scan.look() {
            [quote @ (b'"' | b'\''), ..] => {
                let quote = *quote;
                self.scan.pass(1);
                quote
            }
            _ => b' ',
        };
        self.attribute_value(at, quote)
    }

    fn attribute_value(&mut self, at: usize, quote: u8) -> Flow {
        let ends = |b: u8| if quote == b' ' { is_space(b) || b == b'>' } else { b == quote };
        loop {
            let rest = self.scan.look();
            let len = match quote {
                b' ' => rest.iter().take_while(|&&b| b != b'&' && !ends(b)).count(),
                quote => memchr2(quote, b'&', rest).unwrap_or(rest.len()),
            };
            self.scan.keep(&mut self.attributes[at].value, len);
            match self.scan.look() {
                [] => return Flow::Continue(()),
                [b'&', ..] => self.scan.keep_reference(&mut self.attributes[at].value, Dialect::HtmlAttribute),
                [b, ..] if ends(*b) => {
                    self.scan.pass(usize::from(quote != b' '));
                    return Flow::Continue(());
                }
                _ => {}
            }
            let field = self.attribute_field(at, None);
            self.gather.pour(field, &mut self.attributes[at].value, self.scan.position())?;
        }
    }

    /// The field of an attribute: by the element's name for what a form or a `meta` holds.
    fn attribute_field(&mut self, at: usize, element_name: Option<&str>) -> FieldId {
        let name = std::mem::take(&mut self.attributes[at].name);
        let tag = std::mem::take(&mut self.tag);
        let field = match element_name {
            Some(element) if matches!(name.as_str(), "value" | "content") => {
                self.named(format_args!("{tag}.{element}"))
            }
            _ => self.named(format_args!("{tag}@{name}")),
        };
        (self.attributes[at].name, self.tag) = (name, tag);
        field
    }

    /// Hands over the attributes of the tag at hand.
    fn push_attributes(&mut self) -> Flow {
        let naming = |attribute: &&Attribute| matches!(attribute.name.as_str(), "name" | "property" | "itemprop");
        let element = self.attributes[..self.count].iter().find(naming).map(|attribute| {
            let name = attribute.value.bytes.trim_ascii();
            let is_name = !name.is_empty()
                && name.len() <= 64
                && name.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:[]".contains(b));
            let digits = name.iter().filter(|b| b.is_ascii_digit()).count();
            (is_name && digits < 5).then(|| String::from_utf8_lossy(name).into_owned())
        });
        let element = element.flatten();
        for at in 0..self.count {
            if self.attributes[at].value.is_empty() {
                continue;
            }
            let field = self.attribute_field(at, element.as_deref());
            if self.attributes[at].name == "href" {
                // Whom to write to or call: the value is the address.
                let value = &mut self.attributes[at].value;
                let starts = |scheme: &&[u8]| {
                    value.bytes.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
                };
                let schemes: [&[u8]; 4] = [b"mailto:", b"tel:", b"sms:", b"callto:"];
                if let Some(scheme) = schemes.iter().find(|scheme| starts(scheme)) {
                    value.drop_front(scheme.len());
                }
            }
            self.gather.push_value(field, &mut self.attributes[at].value, self.scan.position())?;
        }
        self.count = 0;
        Flow::Continue(())
    }

    /// The content of an element that ends only with its own end tag.
    fn raw_text(&mut self) -> Flow {
        let tag = std::mem::take(&mut self.tag);
        let field = self.named(format_args!("{tag}"));
        loop {
            let rest = self.scan.look();
            match memchr(b'<', rest) {
                Some(0) => {
                    let ends = rest.get(1) == Some(&b'/')
                        && rest.get(2..2 + tag.len()).is_some_and(|name| name.eq_ignore_ascii_case(tag.as_bytes()));
                    if ends {
                        break;
                    }
                    self.scan.keep(&mut self.aside, 1);
                }
                Some(len) => self.scan.keep(&mut self.aside, len),
                None if rest.is_empty() => break,
                None => {
                    let len = rest.len();
                    self.scan.keep(&mut self.aside, len);
                }
            }
            self.gather.pour(field, &mut self.aside, self.scan.position())?;
        }
        self.tag = tag;
        self.gather.push_value(field, &mut self.aside, self.scan.position())
    }
}

/// Whether an element stands within a line of text.
fn flows(tag: &str) -> Flows {
    match tag {
        "a" | "abbr" | "acronym" | "b" | "bdi" | "bdo" | "big" | "cite" | "code" | "data" | "del" | "dfn" | "em"
        | "font" | "i" | "img" | "ins" | "kbd" | "label" | "mark" | "q" | "s" | "samp" | "small" | "span"
        | "strike" | "strong" | "sub" | "sup" | "time" | "tt" | "u" | "var" | "wbr" | "o:p" | "st1:personname" => {
            Flows::Inline
        }
        _ => Flows::Block,
    }
}
