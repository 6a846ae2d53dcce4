//! The text of one page, put together from where its pieces stand.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::font::{Font, for_encoding, number};
use super::said;
use crate::Fault;

/// What a page shows.
#[derive(Default)]
pub(super) struct Page {
    pub text: String,
    pub has_pictures: bool,
    pub fault: Option<Fault>,
}

/// Forms within forms.
const DEPTH: u32 = 16;
/// Forms that one page may draw.
const FORMS: u32 = 20_000;
/// Saved states.
const STATES: usize = 512;

/// Reads the text of a page, whose streams may each expand to `most` bytes.
pub(super) fn text(document: &Document, page: ObjectId, most: usize) -> Page {
    let mut drawing = Drawing { document, most, page: Page::default(), end: None, forms: 0 };
    let content = match document.get_page_content_with_limit(page, most) {
        Ok(content) => content,
        Err(error) => {
            drawing.page.fault = Some(said(&error));
            return drawing.page;
        }
    };
    let resources = resources_of(document, page);
    drawing.draw(&content, &resources, IDENTITY, 0);
    drawing.page
}

/// A page's resources and those it inherits, nearest first.
fn resources_of(document: &Document, page: ObjectId) -> Vec<&Dictionary> {
    let (mut found, mut at) = (Vec::new(), Some(page));
    for _ in 0..64 {
        let Some(node) = at.and_then(|id| document.get_dictionary(id).ok()) else { break };
        found.extend(node.get_deref(b"Resources", document).and_then(Object::as_dict).ok());
        at = node.get(b"Parent").and_then(Object::as_reference).ok();
    }
    found
}

type Matrix = [f64; 6];
const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First `a`, then `b`.
fn times(a: Matrix, b: Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

/// What is saved and restored (ISO 32000-1, 8.4 and 9.3).
#[derive(Clone)]
struct State<'f> {
    to_page: Matrix,
    font: Option<Rc<Font<'f>>>,
    size: f64,
    of_code: f64,
    of_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

struct Drawing<'d> {
    document: &'d Document,
    most: usize,
    page: Page,
    /// Where the last text ended, and how large it was.
    end: Option<(f64, f64, f64)>,
    forms: u32,
}

impl<'d> Drawing<'d> {
    fn draw(&mut self, content: &[u8], resources: &[&'d Dictionary], to_page: Matrix, depth: u32) {
        let document = self.document;
        let of_kind = |kind: &[u8], name: &[u8]| {
            resources.iter().find_map(|resources| {
                let named = resources.get_deref(kind, document).and_then(Object::as_dict).ok()?;
                Some(document.dereference(named.get(name).ok()?).ok()?.1)
            })
        };
        let encodings: Vec<(Vec<u8>, &Dictionary, Dictionary)> = resources
            .iter()
            .filter_map(|resources| resources.get_deref(b"Font", document).and_then(Object::as_dict).ok())
            .flat_map(|fonts| fonts.iter())
            .filter_map(|(name, font)| Some((name.clone(), document.dereference(font).ok()?.1.as_dict().ok()?)))
            .map(|(name, font)| (name, font, for_encoding(font, document)))
            .collect();
        let mut fonts: HashMap<&[u8], Rc<Font<'_>>> = HashMap::new();
        let mut state = State {
            to_page,
            font: None,
            size: 0.0,
            of_code: 0.0,
            of_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let (mut saved, mut text, mut line) = (Vec::new(), IDENTITY, IDENTITY);
        for operation in Content::decode_iter(content) {
            let Ok(operation) = operation else {
                self.page.fault.get_or_insert(Fault::unreadable("its content is damaged, and not read from there on"));
                return;
            };
            let operands = &operation.operands;
            let n = |at: usize| operands.get(at).and_then(|n| number(n, document)).unwrap_or(0.0);
            let matrix = || [n(0), n(1), n(2), n(3), n(4), n(5)];
            let next_line = |line: &mut Matrix, x: f64, y: f64| *line = times([1.0, 0.0, 0.0, 1.0, x, y], *line);
            match operation.operator.as_str() {
                "q" if saved.len() < STATES => saved.push(state.clone()),
                "Q" => state = saved.pop().unwrap_or(state),
                "cm" => state.to_page = times(matrix(), state.to_page),
                "BT" => (text, line) = (IDENTITY, IDENTITY),
                "Tc" => state.of_code = n(0),
                "Tw" => state.of_space = n(0),
                "Tz" => state.stretch = n(0) / 100.0,
                "TL" => state.leading = n(0),
                "Ts" => state.rise = n(0),
                "Tf" => {
                    state.size = n(1);
                    let name = operands.first().and_then(|name| name.as_name().ok()).unwrap_or_default();
                    let known = encodings.iter().find(|(of, ..)| of == name);
                    state.font = known.map(|(name, font, encoding)| {
                        let made = || Rc::new(Font::new(font, encoding, document, self.most));
                        fonts.entry(name.as_slice()).or_insert_with(made).clone()
                    });
                }
                "Td" => {
                    next_line(&mut line, n(0), n(1));
                    text = line;
                }
                "TD" => {
                    state.leading = -n(1);
                    next_line(&mut line, n(0), n(1));
                    text = line;
                }
                "Tm" => {
                    line = matrix();
                    text = line;
                }
                "T*" => {
                    next_line(&mut line, 0.0, -state.leading);
                    text = line;
                }
                "Tj" => self.show(operands.first(), &state, &mut text),
                "'" => {
                    next_line(&mut line, 0.0, -state.leading);
                    text = line;
                    self.show(operands.first(), &state, &mut text);
                }
                "\"" => {
                    (state.of_space, state.of_code) = (n(0), n(1));
                    next_line(&mut line, 0.0, -state.leading);
                    text = line;
                    self.show(operands.get(2), &state, &mut text);
                }
                "TJ" => {
                    for piece in operands.first().and_then(|list| list.as_array().ok()).into_iter().flatten() {
                        match number(piece, document) {
                            Some(back) => {
                                let x = -back / 1000.0 * state.size * state.stretch;
                                text = times([1.0, 0.0, 0.0, 1.0, x, 0.0], text);
                            }
                            None => self.show(Some(piece), &state, &mut text),
                        }
                    }
                }
                "BI" | "EI" | "sh" => self.page.has_pictures |= operation.operator != "sh",
                "Do" => {
                    let name = operands.first().and_then(|name| name.as_name().ok()).unwrap_or_default();
                    let Some(Ok(drawn)) = of_kind(b"XObject", name).map(Object::as_stream) else { continue };
                    if drawn.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Image") {
                        self.page.has_pictures = true;
                        continue;
                    }
                    self.forms += 1;
                    if depth >= DEPTH || self.forms > FORMS {
                        let reason = "it draws forms within forms without end";
                        self.page.fault.get_or_insert(Fault::limit(reason));
                        continue;
                    }
                    let content = match drawn.get_plain_content_with_limit(self.most) {
                        Ok(content) => content,
                        Err(error) => {
                            self.page.fault.get_or_insert(said(&error));
                            continue;
                        }
                    };
                    let own = drawn.dict.get_deref(b"Resources", document).and_then(Object::as_dict).ok();
                    let matrix = drawn.dict.get_deref(b"Matrix", document).and_then(Object::as_array).ok();
                    let matrix = matrix.map_or(IDENTITY, |matrix| {
                        let at = |i: usize| matrix.get(i).and_then(|n| number(n, document)).unwrap_or(IDENTITY[i]);
                        [at(0), at(1), at(2), at(3), at(4), at(5)]
                    });
                    let resources: Vec<_> = own.map_or_else(|| resources.to_vec(), |own| vec![own]);
                    self.draw(&content, &resources, times(matrix, state.to_page), depth + 1);
                }
                _ => {}
            }
        }
    }

    /// Adds a string, apart from what is there as far as it stands apart.
    fn show(&mut self, string: Option<&Object>, state: &State<'_>, text: &mut Matrix) {
        let (Some(Ok(string)), Some(font)) = (string.map(Object::as_str), &state.font) else { return };
        let place = times([state.stretch, 0.0, 0.0, 1.0, 0.0, state.rise], times(*text, state.to_page));
        let (x, y) = (place[4], place[5]);
        let along = place[0].hypot(place[1]);
        let size = state.size.abs() * (place[0] * place[3] - place[1] * place[2]).abs().sqrt();
        let (width, codes, spaces) = font.width(string);
        let advance = width / 1000.0 * state.size + codes as f64 * state.of_code + spaces as f64 * state.of_space;
        if let Some(shown) = font.text(string) {
            if let Some((end_x, end_y, end_size)) = self.end
                && along > 0.0
            {
                let (dx, dy) = (x - end_x, y - end_y);
                let (cos, sin) = (place[0] / along, place[1] / along);
                let (onward, aside) = (dx * cos + dy * sin, (dy * cos - dx * sin).abs());
                let size = size.max(end_size * 0.5);
                let is_apart = shown.starts_with(char::is_whitespace) || self.page.text.ends_with(char::is_whitespace);
                // Raised and lowered text stays on its line.
                if aside > 0.6 * size || onward < -2.0 * size {
                    self.page.text.push('\n');
                } else if !is_apart && (onward > 0.17 * size || onward < -0.5 * size) {
                    self.page.text.push(' ');
                }
            }
            // Ligatures and the like are letters to whoever searches.
            shown.chars().for_each(|c| push_letters(c, &mut self.page.text));
        }
        *text = times([1.0, 0.0, 0.0, 1.0, advance * state.stretch, 0.0], *text);
        let after = times(*text, state.to_page);
        self.end = Some((after[4], after[5], size));
    }
}

fn push_letters(c: char, text: &mut String) {
    let letters = match c {
        '\u{fb00}' => "ff",
        '\u{fb01}' => "fi",
        '\u{fb02}' => "fl",
        '\u{fb03}' => "ffi",
        '\u{fb04}' => "ffl",
        '\u{fb05}' | '\u{fb06}' => "st",
        '\0' | '\u{ad}' => "",
        c => return text.push(c),
    };
    text.push_str(letters);
}
