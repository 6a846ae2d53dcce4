//! The parts of a package as text, and elements of them with their places.

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use quick_xml::events::Event;
use residuum_source::Limits;

use crate::container::directory::{Entry, locate, parse};
use crate::container::{Within, with_entry};
use crate::{Fault, ReadAt};

pub(super) use crate::office::{position, position_in_row, relations_of, resolve};

/// The parts of a package.
pub(super) struct Parts<'l> {
    archive: Arc<dyn ReadAt>,
    entries: HashMap<String, Entry>,
    limits: &'l Limits,
}

impl<'l> Parts<'l> {
    pub fn open(archive: Arc<dyn ReadAt>, limits: &'l Limits) -> Result<Self, Fault> {
        let entries = parse(&locate(&*archive, limits.whole_bytes)?)?;
        let name = |entry: &Entry| folded(&String::from_utf8_lossy(&entry.name).replace('\\', "/"));
        let entries = entries.into_iter().map(|entry| (name(&entry), entry)).collect();
        Ok(Self { archive, entries, limits })
    }

    pub fn has(&self, part: &str) -> bool {
        self.entries.contains_key(&folded(part))
    }

    /// A part as text.
    pub fn text(&self, part: &str) -> Result<String, Fault> {
        let Some(entry) = self.entries.get(&folded(part)) else {
            return Err(Fault::unreadable(format!("the workbook has no part `{part}`")));
        };
        let (most, mut bytes) = (self.limits.whole_bytes / 4, Vec::new());
        let within = Within::new(self.limits, self.archive.size());
        let read = with_entry(&self.archive, entry, &within, &mut |from| from.take(most + 1).read_to_end(&mut bytes))?;
        read.map_err(|error| Fault::from_io(&error, 0))?;
        if bytes.len() as u64 > most {
            let reason = format!(
                "`{part}` of the workbook is longer than {most} bytes; raise the limit `whole_bytes`, a quarter of which it may have"
            );
            return Err(Fault::limit(reason));
        }
        String::from_utf8(bytes).map_err(|_| Fault::unsupported(format!("`{part}` of the workbook is not UTF-8")))
    }

    /// The parts that a part refers to as this, with the ids of the references.
    pub fn related(&self, part: &str, kind: &str) -> Result<Vec<(String, String)>, Fault> {
        let list = if part.is_empty() { "_rels/.rels".to_owned() } else { relations_of(part) };
        if !self.has(&list) {
            return Ok(Vec::new());
        }
        let text = self.text(&list)?;
        let is_one = |element: &Element| {
            element.attribute("Type").is_some_and(|of| of.rsplit('/').next() == Some(kind))
                && element.attribute("TargetMode").is_none_or(|mode| mode != "External")
        };
        let all = elements(&text, &["Relationship"])?;
        let named = |element: &Element| Some((element.attribute("Id")?, resolve(part, &element.attribute("Target")?)));
        Ok(all.iter().filter(|element| is_one(element)).filter_map(named).collect())
    }

    /// The names of the sheets with their parts.
    pub fn sheets(&self, book: &str) -> Result<Vec<(String, String)>, Fault> {
        let text = self.text(book)?;
        let mut parts: HashMap<String, String> = HashMap::new();
        for kind in ["worksheet", "chartsheet", "dialogsheet", "macrosheet"] {
            parts.extend(self.related(book, kind)?);
        }
        let sheets = elements(&text, &["sheet"])?;
        let named = |sheet: &Element| Some((sheet.attribute("name")?, parts.get(&sheet.attribute("id")?)?.clone()));
        Ok(sheets.iter().filter_map(named).filter(|(_, part)| self.has(part)).collect())
    }
}

fn folded(name: &str) -> String {
    name.trim_start_matches('/').to_ascii_lowercase()
}

/// An element with its content, or the tag it begins with.
pub(super) struct Element {
    pub name: String,
    /// Where it stands.
    pub from: usize,
    pub to: usize,
    /// Its qualified name and attributes, as they stand.
    pub tag: String,
    /// Where its content begins; the same as `to` if it has none.
    pub content: usize,
    /// All text in it.
    pub text: String,
}

impl Element {
    pub fn range(&self) -> Range<u64> {
        self.from as u64..self.to as u64
    }

    /// The value of the attribute with this local name.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let tag = quick_xml::events::BytesStart::from_content(self.tag.as_str(), self.qualified().len());
        let found = tag
            .attributes()
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.local_name().as_ref() == name)?;
        quick_xml::escape::unescape(&found.value).ok().map(|value| value.into_owned())
    }

    pub fn qualified(&self) -> &str {
        self.tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default()
    }

    /// The prefix of its name, with the colon.
    pub fn prefix(&self) -> &str {
        self.qualified().rsplit_once(':').map_or("", |(prefix, _)| &self.qualified()[..=prefix.len()])
    }

    /// A shared string without text: there must be as many as before.
    pub fn emptied(&self) -> Vec<u8> {
        let (name, prefix) = (self.qualified(), self.prefix());
        format!("<{name}><{prefix}t/></{name}>").into_bytes()
    }
}

/// The elements of these local names in the order they begin; one within another of them is not taken.
pub(super) fn elements(text: &str, names: &[&str]) -> Result<Vec<Element>, Fault> {
    elements_and_tags(text, names, "")
}

/// The elements of these local names, and of one that holds them the tags it begins with, in the order they begin.
pub(super) fn elements_and_tags(text: &str, names: &[&str], holder: &str) -> Result<Vec<Element>, Fault> {
    let mut reader = quick_xml::Reader::from_str(text);
    // The library passes over a mark of the encoding and does not count it.
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut all, mut open): (Vec<Element>, Option<(Element, usize)>) = (Vec::new(), None);
    loop {
        let from = mark + reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|_| Fault::unreadable("the XML of the workbook is damaged"))?;
        let to = mark + reader.buffer_position() as usize;
        match (event, &mut open) {
            (Event::Eof, _) => return Ok(all),
            (Event::Start(_), Some((_, depth))) => *depth += 1,
            (Event::Start(tag), None) if tag.local_name().as_ref() == holder => {
                all.push(Element { to, ..element(text, from, to, holder, 1) });
            }
            (Event::Empty(tag), None) if tag.local_name().as_ref() == holder => {
                all.push(element(text, from, to, holder, 2));
            }
            (Event::Start(tag), None) if names.contains(&tag.local_name().as_ref()) => {
                open = Some((element(text, from, to, tag.local_name().as_ref(), 1), 0));
            }
            (Event::Empty(tag), None) if names.contains(&tag.local_name().as_ref()) => {
                all.push(element(text, from, to, tag.local_name().as_ref(), 2));
            }
            (Event::End(_), Some((_, 0))) => {
                if let Some((mut element, _)) = open.take() {
                    element.to = to;
                    all.push(element);
                }
            }
            (Event::End(_), Some((_, depth))) => *depth -= 1,
            (Event::Text(piece), Some((element, _))) => element.text.push_str(&piece.xml10_content()),
            (Event::CData(piece), Some((element, _))) => element.text.push_str(&piece.xml10_content()),
            (Event::GeneralRef(reference), Some((element, _))) => {
                let name = reference.xml10_content();
                let known = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = known.or_else(|| quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned));
                element.text.push_str(&known.unwrap_or_default());
            }
            _ => {}
        }
    }
}

/// An element that begins with the tag `from..to`, whose last `end` bytes close it.
fn element(text: &str, from: usize, to: usize, name: &str, end: usize) -> Element {
    let tag = text.get(from + 1..to - end).unwrap_or_default().to_owned();
    Element { name: name.to_owned(), from, to, tag, content: to, text: String::new() }
}
