//! The document to file: PDF 1.7 (ISO 32000-1) with the fonts that every reader has (§ 9.6.2.2).

use std::io;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, Stream, StringFormat, dictionary};

use super::Sheet;

/// A sheet of A4, in points, and its margins.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 56.0;
/// Where facts begin beside their names.
const COLUMN: f32 = 170.0;

/// The sheet as a PDF document.
///
/// # Errors
/// When it cannot be put together, which no sheet is known to cause.
pub fn pdf(sheet: &Sheet) -> io::Result<Vec<u8>> {
    let mut setter = Setter { pages: Vec::new(), operations: Vec::new(), at: HEIGHT - MARGIN };
    setter.paragraph(&sheet.title, Face::Bold, 18.0, MARGIN);
    setter.space(6.0);
    setter.paragraph(&sheet.lead, Face::Plain, 11.5, MARGIN);
    for part in &sheet.parts {
        setter.space(14.0);
        setter.keep(70.0);
        setter.paragraph(part.heading, Face::Bold, 12.5, MARGIN);
        setter.space(3.0);
        if !part.text.is_empty() {
            setter.paragraph(&part.text, Face::Plain, 10.0, MARGIN);
            setter.space(3.0);
        }
        for (name, fact) in &part.facts {
            setter.fact(name, fact);
        }
        for item in &part.list {
            setter.item(item);
        }
    }
    let pages = setter.finish();
    document(&sheet.title, pages)
}

/// A face of the standard fonts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Face {
    Plain,
    Bold,
}

impl Face {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "F1",
            Self::Bold => "F2",
        }
    }

    /// How wide a character is at a size of 1; of the bold face no wider than this in any but a few letters.
    fn width(self, c: char) -> f32 {
        let thousandths = match c {
            ' '..='~' => WIDTHS[c as usize - 0x20],
            '—' | '…' | 'Æ' => 1000,
            _ => 889,
        };
        let bolder = if self == Self::Bold { 1.07 } else { 1.0 };
        f32::from(thousandths) / 1000.0 * bolder
    }
}

/// Sets lines from the top of a page to its bottom.
struct Setter {
    pages: Vec<Vec<Operation>>,
    operations: Vec<Operation>,
    at: f32,
}

impl Setter {
    fn space(&mut self, points: f32) {
        self.at -= points;
    }

    /// Begins a new page unless so much room is left.
    fn keep(&mut self, points: f32) {
        if self.at - points < MARGIN {
            self.pages.push(std::mem::take(&mut self.operations));
            self.at = HEIGHT - MARGIN;
        }
    }

    fn line(&mut self, text: &str, face: Face, size: f32, x: f32) {
        let encoded = Object::String(encode(text), StringFormat::Literal);
        self.operations.extend([
            Operation::new("BT", vec![]),
            Operation::new("Tf", vec![face.name().into(), size.into()]),
            Operation::new("Td", vec![x.into(), self.at.into()]),
            Operation::new("Tj", vec![encoded]),
            Operation::new("ET", vec![]),
        ]);
    }

    fn paragraph(&mut self, text: &str, face: Face, size: f32, x: f32) {
        for line in wrap(text, face, size, WIDTH - MARGIN - x) {
            self.keep(size * 1.4);
            self.at -= size * 1.4;
            self.line(&line, face, size, x);
        }
    }

    fn fact(&mut self, name: &str, fact: &str) {
        const SIZE: f32 = 9.5;
        let names = wrap(name, Face::Bold, SIZE, COLUMN - 12.0);
        let facts = wrap(fact, Face::Plain, SIZE, WIDTH - 2.0 * MARGIN - COLUMN);
        for i in 0..names.len().max(facts.len()) {
            self.keep(SIZE * 1.4);
            self.at -= SIZE * 1.4;
            if let Some(name) = names.get(i) {
                self.line(name, Face::Bold, SIZE, MARGIN);
            }
            if let Some(fact) = facts.get(i) {
                self.line(fact, Face::Plain, SIZE, MARGIN + COLUMN);
            }
        }
        self.space(2.0);
    }

    fn item(&mut self, text: &str) {
        const SIZE: f32 = 9.5;
        self.keep(SIZE * 1.4);
        let first = self.at - SIZE * 1.4;
        let page = self.pages.len();
        self.paragraph(text, Face::Plain, SIZE, MARGIN + 12.0);
        let last = std::mem::replace(&mut self.at, first);
        if page == self.pages.len() {
            self.line("•", Face::Plain, SIZE, MARGIN + 2.0);
        }
        self.at = last - 2.0;
    }

    fn finish(mut self) -> Vec<Vec<Operation>> {
        self.pages.push(self.operations);
        self.pages
    }
}

/// Lines of a text that are no wider than `room`, of characters that the fonts have; what is too long for a line by itself
/// is cut.
fn wrap(text: &str, face: Face, size: f32, room: f32) -> Vec<String> {
    let text = printable(text);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0.0);
    let width = |text: &str| text.chars().map(|c| face.width(c)).sum::<f32>() * size;
    for word in text.split_whitespace() {
        let needed = width(word);
        if used > 0.0 && used + width(" ") + needed > room {
            lines.push(std::mem::take(&mut line));
            used = 0.0;
        }
        if used > 0.0 {
            line.push(' ');
            used += width(" ");
        }
        for c in word.chars() {
            let wide = face.width(c) * size;
            if used + wide > room && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

/// A text of characters that the fonts have; what they lack is written by its number.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_whitespace() => out.push(' '),
            c if in_win_ansi(c).is_some() => out.push(c),
            c => out.push_str(&format!("(U+{:04X})", c as u32)),
        }
    }
    out
}

/// A printable text in WinAnsiEncoding.
fn encode(text: &str) -> Vec<u8> {
    text.chars().filter_map(in_win_ansi).collect()
}

/// A character in WinAnsiEncoding (annex D).
fn in_win_ansi(c: char) -> Option<u8> {
    Some(match c {
        ' '..='~' | '\u{a0}'..='\u{ff}' => c as u32 as u8,
        '•' => 0x95,
        '…' => 0x85,
        '–' => 0x96,
        '—' => 0x97,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '€' => 0x80,
        '⟨' => b'<',
        '⟩' => b'>',
        _ => return None,
    })
}

fn document(title: &str, pages: Vec<Vec<Operation>>) -> io::Result<Vec<u8>> {
    let mut document = Document::with_version("1.7");
    let tree = document.new_object_id();
    let mut font = |name: &str| {
        document.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => name, "Encoding" => "WinAnsiEncoding",
        })
    };
    let fonts = dictionary! { "F1" => font("Helvetica"), "F2" => font("Helvetica-Bold") };
    let resources = document.add_object(dictionary! { "Font" => fonts });
    let mut kids: Vec<Object> = Vec::new();
    for operations in pages {
        let content = Content { operations }.encode().map_err(io::Error::other)?;
        let content = document.add_object(Stream::new(Dictionary::new(), content));
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => tree, "Contents" => content, "Resources" => resources,
            "MediaBox" => vec![0.into(), 0.into(), WIDTH.into(), HEIGHT.into()],
        });
        kids.push(page.into());
    }
    let count = kids.len() as i64;
    document.objects.insert(tree, dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count }.into());
    let catalog = document.add_object(dictionary! {
        "Type" => "Catalog", "Pages" => tree, "Lang" => Object::string_literal("en"),
        "ViewerPreferences" => dictionary! { "DisplayDocTitle" => true },
    });
    let about = document.add_object(dictionary! {
        "Title" => Object::string_literal(title), "Producer" => Object::string_literal("residuum"),
    });
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", about);
    document.compress();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}

/// Widths of Helvetica's characters from the space on, in thousandths (Adobe's metrics of the standard fonts).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: [(Face, f32, f32); 3] =
        [(Face::Plain, 10.0, 200.0), (Face::Bold, 18.0, 480.0), (Face::Plain, 9.5, 30.0)];

    #[test]
    fn lines_are_no_wider_than_their_room() {
        let english =
            "All that these sources list was read, but for what is said beside them. ".repeat(5) + &"3d40c1".repeat(40);
        let others = "Список источников 数据来源 ".repeat(9) + &"данныхклиентов".repeat(9) + "—…Æ".repeat(30).as_str();
        for (text, (face, size, room)) in
            [english, others].iter().flat_map(|text| SETTINGS.map(|setting| (text, setting)))
        {
            let lines = wrap(text, face, size, room);
            for line in &lines {
                let width = line.chars().map(|c| face.width(c)).sum::<f32>() * size;
                assert!(width <= room + 0.01 && !line.is_empty(), "{width} of {room}: {line}");
                assert_eq!(encode(line).len(), line.chars().count(), "it is set as it was measured: {line}");
            }
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(&printable(text)), "nothing is lost");
        }
    }

    #[test]
    fn a_reader_of_pdf_finds_all_of_it() {
        let part = |i: usize| super::super::Part {
            heading: "What was not searched",
            text: format!("Part {i} says (in brackets) what a \\ is."),
            facts: vec![
                ("Source".to_owned(), format!("crm{i} ⟨EMAIL:1f3a…⟩ Zoë")),
                ("Key".to_owned(), "3d40".repeat(16)),
            ],
            list: vec!["row versions that are kept until they are vacuumed".to_owned(); 4],
        };
        let sheet = Sheet {
            title: "A title".to_owned(),
            lead: "Nothing was left.".to_owned(),
            parts: (0..9).map(part).collect(),
        };
        let bytes = pdf(&sheet).expect("it can be put together");
        let read = Document::load_mem(&bytes).expect("it is a PDF document");
        let pages: Vec<u32> = read.get_pages().keys().copied().collect();
        assert!(pages.len() > 1, "it goes on on other pages");
        let text = read.extract_text(&pages).expect("it has text");
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        for words in
            ["Atitle", "Nothingwasleft.", "Part8says(inbrackets)whata\\is.", "crm8<EMAIL:1f3a…>Zoë", &"3d40".repeat(16)]
        {
            assert!(text.contains(words), "{words} in {text}");
        }
    }
}
