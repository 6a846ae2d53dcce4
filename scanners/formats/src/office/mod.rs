//! Documents that are zip archives of XML: Open XML (Word, Excel, PowerPoint) and OpenDocument.
//!
//! Everything in them is read: what people see, and what stands in the file beside it: hidden sheets and columns, strings
//! that no cell uses any more, comments, deleted text, properties, caches. Parts that are no XML, such as images,
//! macros and embedded documents, are members of the document as those of an archive are.
//!
//! Records are cells of sheets, slides (as pages), and named parts: paragraphs and rows of tables, counted.

mod generic;
mod package;
mod paragraphs;
mod sheet;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod workbooks;
pub(crate) mod xml;

use std::sync::Arc;

use residuum_source::{Coverage, Flow, Logical, ObjectPath, Outcome, RecordKind, Sink};

use crate::container::{self, Entry, Within};
use crate::values::{Key, Values};
use crate::{Fault, ReadAt};
pub(crate) use generic::Generic;
use package::Package;
pub(crate) use package::{relations_of, resolve};
use paragraphs::{Paragraphs, Place};
pub(crate) use sheet::{position, position_in_row};

/// Which kind of document it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Xlsx,
    Xlsb,
    Docx,
    Pptx,
    OtherOpenXml,
    Ods,
    Odt,
    Odp,
    OtherOpenDocument,
}

impl Kind {
    /// The kind of an OpenDocument file, by what it says it is.
    pub fn of_mimetype(mime: &[u8]) -> Option<Self> {
        let kind = mime.strip_prefix(b"application/vnd.oasis.opendocument.")?;
        Some(match kind {
            _ if kind.starts_with(b"spreadsheet") => Self::Ods,
            _ if kind.starts_with(b"text") => Self::Odt,
            _ if kind.starts_with(b"presentation") => Self::Odp,
            _ => Self::OtherOpenDocument,
        })
    }

    fn format(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Xlsb => "xlsb",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::OtherOpenXml => "ooxml",
            Self::Ods => "ods",
            Self::Odt => "odt",
            Self::Odp => "odp",
            Self::OtherOpenDocument => "odf",
        }
    }

    fn is_odf(self) -> bool {
        matches!(self, Self::Ods | Self::Odt | Self::Odp | Self::OtherOpenDocument)
    }
}

/// Reads a document whose archive has these entries.
///
/// Memory is bounded by a batch, one element of XML and the shared strings of a workbook, which may take
/// [`residuum_source::Limits::whole_bytes`].
pub(crate) fn read(
    path: &ObjectPath,
    kind: Kind,
    archive: Arc<dyn ReadAt>,
    entries: Vec<Entry>,
    within: &Within<'_>,
    sink: &mut dyn Sink,
) -> Flow {
    let size = archive.size();
    let deeper = match container::open(path, kind.format(), within, sink) {
        Ok(deeper) => deeper,
        Err(flow) => return flow,
    };
    let mut package = Package::new(archive, entries, &deeper);
    let mut values = Values::new(within.limits);
    match kind {
        Kind::Xlsx => sheet::workbook::read(&mut package, &mut values, sink)?,
        Kind::Pptx => slides(&mut package, &mut values, sink)?,
        Kind::Xlsb => binary_workbook(&mut package, &mut values, sink)?,
        _ => {}
    }
    for part in package.left() {
        other_part(&mut package, &part, kind, &mut values, sink)?;
    }
    values.flush(sink)?;
    let records = values.records;
    let members = package.members(path, sink)?;
    let read = Outcome { members, ..Outcome::read(size, records) };
    sink.close(match package.outcome() {
        Some(fault) => Outcome { coverage: fault.coverage, reason: Some(fault.reason), ..read },
        None => read,
    })
}

/// A workbook whose sheets are binary.
fn binary_workbook(package: &mut Package<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let most = package.within().limits.whole_bytes / 4;
    let is_read = |part: &String| {
        let part = part.to_ascii_lowercase();
        let known = ["workbook", "sharedstrings", "styles", "calcchain", "worksheets/"];
        part.ends_with(".bin") && known.iter().any(|known| part.starts_with(&format!("xl/{known}")))
    };
    let parts: Vec<String> = package.left().into_iter().filter(is_read).collect();
    for part in &parts {
        // The library unpacks without a limit and passes over cells in a short form: this looks at both first.
        let is_sheet = part.to_ascii_lowercase().contains("worksheets/");
        package.read(part, &mut |from| {
            let mut records = Vec::new();
            let read = std::io::Read::read_to_end(&mut std::io::Read::take(from, most + 1), &mut records);
            std::ops::ControlFlow::Continue(match read {
                Err(error) => Err(Fault::from_io(&error, 0)),
                Ok(length) if length as u64 > most => {
                    let reason = format!(
                        "it is longer than {most} bytes; raise the limit `whole_bytes`, a quarter of which it may have"
                    );
                    Err(Fault::limit(reason))
                }
                Ok(_) if is_sheet && workbooks::has_short_cells(&records) => {
                    Err(Fault::unsupported("it holds cells in a short form that is not read; save it as xlsx"))
                }
                Ok(_) => Ok(()),
            })
        })?;
    }
    if package.outcome().is_some_and(|fault| fault.coverage != Coverage::Unsupported) {
        return Flow::Continue(());
    }
    let read = match package.bytes() {
        Ok(bytes) => workbooks::xlsb(&bytes, package.within(), values, sink)?,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = read {
        package.fault("xl/workbook.bin", fault);
    }
    Flow::Continue(())
}

/// Slides in the order in which they are shown.
fn slides(package: &mut Package<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let main = sheet::workbook::relations(package, "", sink)?;
    let show = main.of_type("officeDocument").next().unwrap_or("ppt/presentation.xml").to_owned();
    let parts = sheet::workbook::relations(package, &show, sink)?;
    let mut order = SlideOrder::default();
    package.look(&show, &mut order, sink)?;
    for (number, id) in (1..).zip(&order.0) {
        if let Some(part) = parts.by_id(id) {
            package.walk(part, &mut Paragraphs::new(values, Place::Page(number), false), sink)?;
        }
    }
    Flow::Continue(())
}

#[derive(Default)]
struct SlideOrder(Vec<String>);

impl xml::Visitor for SlideOrder {
    fn start(&mut self, tag: &xml::Tag<'_>, _: &mut dyn Sink) -> Flow {
        if tag.local() == "sldId" {
            self.0.extend(tag.exactly("r:id"));
        }
        Flow::Continue(())
    }

    fn end(&mut self, _: &str, _: &mut dyn Sink) -> Flow {
        Flow::Continue(())
    }

    fn text(&mut self, _: &str, _: &mut dyn Sink) -> Flow {
        Flow::Continue(())
    }
}

/// Reads a part that nothing has asked for yet, if it is XML.
fn other_part(package: &mut Package<'_>, part: &str, kind: Kind, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let folded = part.to_ascii_lowercase();
    let (folder, file) = folded.rsplit_once('/').unwrap_or(("", &folded));
    if folded == "mimetype" {
        return package.read(part, &mut |from| {
            let read = std::io::copy(from, &mut std::io::sink());
            std::ops::ControlFlow::Continue(read.map(drop).map_err(|error| Fault::from_io(&error, 0)))
        });
    }
    if folder.ends_with("printersettings") {
        return printer(package, part, values, sink);
    }
    let Some(stem) =
        file.strip_suffix(".xml").or_else(|| file.strip_suffix(".rels")).or_else(|| file.strip_suffix(".rdf"))
    else {
        return Flow::Continue(());
    };
    if kind.is_odf() {
        if folded == "meta-inf/manifest.xml" {
            let mut encrypted = Encrypted(false);
            package.look(part, &mut encrypted, sink)?;
            if encrypted.0 {
                let reason = "it is encrypted; save it without a password to have it read";
                package.fault(part, Fault::unreadable(reason));
            }
        } else if kind == Kind::Ods && matches!(stem, "content") {
            let within = package.within();
            let mut content = sheet::ods::Ods::new(values, within);
            package.walk(part, &mut content, sink)?;
            if let Some(fault) = content.over {
                package.fault(part, fault);
            }
            return Flow::Continue(());
        } else if matches!(stem, "content" | "styles") {
            let words =
                if folded == "content.xml" { String::new() } else { format!("{} ", part.trim_end_matches(".xml")) };
            return package.walk(part, &mut Paragraphs::new(values, Place::Part(words), true), sink);
        }
        return package.walk(part, &mut Generic::new(values, part), sink);
    }
    let is_text = match kind {
        Kind::Docx => {
            let known = ["document", "header", "footer", "footnotes", "endnotes", "comments", "glossary"];
            folder.starts_with("word")
                && known.iter().any(|known| stem.starts_with(known))
                && !stem.contains("extensible")
        }
        _ => PARAGRAPHS.iter().any(|known| folder.ends_with(known)),
    };
    if is_text && file.ends_with(".xml") {
        let words = if stem == "document" { String::new() } else { format!("{} ", name_of(part)) };
        return package.walk(part, &mut Paragraphs::new(values, Place::Part(words), false), sink);
    }
    package.walk(part, &mut Generic::new(values, part), sink)
}

/// Folders whose parts hold paragraphs.
const PARAGRAPHS: &[&str] = &[
    "comments",
    "diagrams",
    "drawings",
    "handoutmasters",
    "notesmasters",
    "notesslides",
    "slidelayouts",
    "slidemasters",
    "slides",
];

/// Reads what a system noted of the printer and the page: names stand in it as text, of one or two bytes a letter.
fn printer(package: &mut Package<'_>, part: &str, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let mut bytes = Vec::new();
    package.read(part, &mut |from| {
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(from, PRINTER), &mut bytes);
        std::ops::ControlFlow::Continue(read.map(drop).map_err(|error| Fault::from_io(&error, 0)))
    })?;
    let is_text = |b: &u8| (0x20..0x7f).contains(b);
    let narrow = bytes.split(|b| !is_text(b)).map(<[u8]>::to_vec);
    let wide = [0, 1].into_iter().flat_map(|from| {
        let pairs = bytes.get(from..).unwrap_or_default().chunks_exact(2);
        let letters: Vec<u8> = pairs.map(|pair| if pair[1] == 0 && is_text(&pair[0]) { pair[0] } else { 0 }).collect();
        letters.split(|b| *b == 0).map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    for text in narrow.chain(wide).filter(|text| text.len() >= 6) {
        values.begin(Key::Name(RecordKind::Part, part.to_owned()), sink)?;
        values.value("(printer)", Logical::Text, &text, sink)?;
    }
    Flow::Continue(())
}

/// Such a note has some kilobytes.
const PRINTER: u64 = 4 << 20;

/// The name of a part without folders and ending.
fn name_of(part: &str) -> &str {
    let file = part.rsplit('/').next().unwrap_or(part);
    file.split('.').next().unwrap_or(file)
}

/// Whether a document's manifest says that its parts are encrypted.
struct Encrypted(bool);

impl xml::Visitor for Encrypted {
    fn start(&mut self, tag: &xml::Tag<'_>, _: &mut dyn Sink) -> Flow {
        self.0 |= tag.local() == "encryption-data";
        Flow::Continue(())
    }

    fn end(&mut self, _: &str, _: &mut dyn Sink) -> Flow {
        Flow::Continue(())
    }

    fn text(&mut self, _: &str, _: &mut dyn Sink) -> Flow {
        Flow::Continue(())
    }
}
