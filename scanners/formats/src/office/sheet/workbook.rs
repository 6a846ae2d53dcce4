//! A workbook of Open XML: which sheets there are and what parts belong to them.

use std::collections::HashMap;

use residuum_source::{Flow, Sink};

use super::super::package::{Package, relations_of, resolve};
use super::super::xml::{Tag, Visitor};
use super::comments::Comments;
use super::formats::Formats;
use super::strings::Strings;
use super::worksheet;
use crate::Fault;
use crate::values::Values;

/// Reads the sheets of a workbook and gives the number of their rows.
pub(in crate::office) fn read(package: &mut Package<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    let main = relations(package, "", sink)?;
    let book = main.of_type("officeDocument").next().unwrap_or("xl/workbook.xml").to_owned();
    let parts = relations(package, &book, sink)?;
    let mut workbook = Workbook::default();
    package.walk(&book, &mut workbook, sink)?;
    if !package.has(&book) {
        package.fault(&book, Fault::unreadable("the part that names the sheets is missing"));
    }
    let mut formats = Formats::default();
    formats.from_1904 = workbook.from_1904;
    for part in parts.of_type("styles") {
        package.walk(part, &mut formats, sink)?;
    }
    let whole = package.within().limits.whole_bytes;
    let mut strings = Strings::new(whole);
    let shared = parts.of_type("sharedStrings").next().unwrap_or("xl/sharedStrings.xml").to_owned();
    package.walk(&shared, &mut strings, sink)?;
    if strings.is_cut {
        let reason = format!("its strings are longer than {whole} bytes together; raise the limit `whole_bytes`");
        package.fault(&shared, Fault::limit(reason));
    }
    for (name, id) in &workbook.sheets {
        let Some(part) = parts.by_id.get(id).cloned() else {
            package.fault(&book, Fault::unreadable("a sheet that it names is missing"));
            continue;
        };
        worksheet::read(package, &part, name, &mut strings, &formats, values, sink)?;
        let beside = relations(package, &part, sink)?;
        for part in beside.of_type("comments").chain(beside.of_type("threadedComment")) {
            package.walk(part, &mut Comments::new(values, name), sink)?;
        }
    }
    strings.unused(&shared, values, sink)?;
    values.flush(sink)
}

/// What a part refers to inside of the document.
#[derive(Default)]
pub(in crate::office) struct Relations {
    part: String,
    by_id: HashMap<String, String>,
    types: Vec<(String, String)>,
}

/// Reads what a part refers to.
pub(in crate::office) fn relations(
    package: &mut Package<'_>,
    part: &str,
    sink: &mut dyn Sink,
) -> std::ops::ControlFlow<residuum_source::Stop, Relations> {
    let mut relations = Relations { part: part.to_owned(), ..Relations::default() };
    package.look(&relations_of(part), &mut relations, sink)?;
    std::ops::ControlFlow::Continue(relations)
}

impl Relations {
    /// The parts that are referred to as this.
    pub fn of_type<'r>(&'r self, kind: &'r str) -> impl Iterator<Item = &'r str> {
        self.types.iter().filter(move |(of, _)| of == kind).map(|(_, part)| part.as_str())
    }

    /// The part with this id.
    pub fn by_id(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }
}

impl Visitor for Relations {
    fn start(&mut self, tag: &Tag<'_>, _: &mut dyn Sink) -> Flow {
        let is_outside = tag.attribute("TargetMode").is_some_and(|mode| mode == "External");
        if tag.local() == "Relationship"
            && !is_outside
            && let (Some(id), Some(target), Some(kind)) =
                (tag.attribute("Id"), tag.attribute("Target"), tag.attribute("Type"))
        {
            let target = resolve(&self.part, &target);
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            self.types.push((kind, target.clone()));
            self.by_id.insert(id, target);
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

/// The names of the sheets with the ids of their parts, hidden ones included.
#[derive(Default)]
struct Workbook {
    sheets: Vec<(String, String)>,
    from_1904: bool,
}

impl Visitor for Workbook {
    fn start(&mut self, tag: &Tag<'_>, _: &mut dyn Sink) -> Flow {
        match tag.local() {
            "sheet" => {
                if let (Some(name), Some(id)) = (tag.attribute("name"), tag.attribute("id")) {
                    self.sheets.push((name, id));
                }
            }
            "workbookPr" => self.from_1904 = tag.is("date1904"),
            _ => {}
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
