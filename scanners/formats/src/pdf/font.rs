//! Fonts of a PDF document: from codes to text, and how wide it is.

use lopdf::{Dictionary, Document, Encoding, Object};

/// A font as far as reading needs it.
pub(super) struct Font<'d> {
    encoding: Option<Encoding<'d>>,
    /// Codes have two bytes.
    pub is_wide: bool,
    widths: Widths,
    /// From the units of widths to thousandths of the size.
    scale: f64,
}

enum Widths {
    Simple {
        first: i64,
        widths: Vec<f64>,
        missing: f64,
    },
    /// Ranges of codes with a width, sorted; and the width of all others.
    Wide {
        ranges: Vec<(u32, u32, f64)>,
        default: f64,
    },
}

/// Widths that are looked at; more than any font has.
const MOST: usize = 70_000;

/// The dictionary to read a font's encoding from: what says which characters codes stand for goes before what says
/// which glyphs.
pub(super) fn for_encoding(font: &Dictionary, document: &Document) -> Dictionary {
    let mut font = font.clone();
    font.set("Type", Object::Name(b"Font".to_vec()));
    if font.get_deref(b"ToUnicode", document).is_ok_and(|unicode| unicode.as_stream().is_ok()) {
        font.remove(b"Encoding");
    }
    font
}

impl<'d> Font<'d> {
    /// A font with the dictionary that [`for_encoding`] has made of it.
    pub fn new(font: &Dictionary, encoding: &'d Dictionary, document: &'d Document, most: usize) -> Self {
        let kind = font.get(b"Subtype").and_then(Object::as_name).unwrap_or_default();
        let is_wide = kind == b"Type0";
        let number = |of: &Dictionary, key: &[u8]| of.get_deref(key, document).ok().and_then(|n| number(n, document));
        let widths = if is_wide {
            let descendant = font
                .get_deref(b"DescendantFonts", document)
                .and_then(Object::as_array)
                .ok()
                .and_then(|fonts| document.dereference(fonts.first()?).ok())
                .and_then(|(_, font)| font.as_dict().ok());
            Widths::Wide {
                ranges: descendant.map(|font| wide_ranges(font, document)).unwrap_or_default(),
                default: descendant.and_then(|font| number(font, b"DW")).unwrap_or(1000.0),
            }
        } else {
            let widths = font.get_deref(b"Widths", document).and_then(Object::as_array);
            let missing = font
                .get_deref(b"FontDescriptor", document)
                .and_then(Object::as_dict)
                .ok()
                .and_then(|descriptor| number(descriptor, b"MissingWidth"));
            let name = font.get(b"BaseFont").and_then(Object::as_name).unwrap_or_default();
            // The fonts that every viewer has need not say how wide they are.
            let usual = if name.starts_with(b"Courier") { 600.0 } else { 500.0 };
            Widths::Simple {
                first: number(font, b"FirstChar").unwrap_or(0.0) as i64,
                widths: widths
                    .map(|widths| widths.iter().take(256).map(|w| self::number(w, document).unwrap_or(0.0)).collect())
                    .unwrap_or_default(),
                missing: missing.filter(|width| *width > 0.0).unwrap_or(usual),
            }
        };
        let matrix = font.get_deref(b"FontMatrix", document).and_then(Object::as_array).ok();
        let scale = matrix.and_then(|matrix| self::number(matrix.first()?, document)).map_or(1.0, |a| a.abs() * 1000.0);
        let encoding = encoding.get_font_encoding_with_limit(document, most).ok();
        Self { encoding, is_wide, widths, scale }
    }

    /// The text of a string, if the font says what its codes stand for.
    pub fn text(&self, string: &[u8]) -> Option<String> {
        self.encoding.as_ref()?.bytes_to_string(string).ok()
    }

    /// How wide a string is, in thousandths of the font's size; how many codes and how many spaces it has.
    pub fn width(&self, string: &[u8]) -> (f64, usize, usize) {
        let (mut sum, mut codes, mut spaces) = (0.0, 0, 0);
        for code in string.chunks(if self.is_wide { 2 } else { 1 }) {
            let code = code.iter().fold(0u32, |code, byte| code << 8 | u32::from(*byte));
            codes += 1;
            spaces += usize::from(!self.is_wide && code == 32);
            sum += self.code_width(code);
        }
        (sum * self.scale, codes, spaces)
    }

    fn code_width(&self, code: u32) -> f64 {
        match &self.widths {
            Widths::Simple { first, widths, missing } => {
                let at = usize::try_from(i64::from(code) - first).ok();
                at.and_then(|at| widths.get(at)).copied().unwrap_or(*missing)
            }
            Widths::Wide { ranges, default } => {
                let after = ranges.partition_point(|(first, ..)| *first <= code);
                let range = after.checked_sub(1).map(|at| ranges[at]).filter(|(_, last, _)| code <= *last);
                range.map_or(*default, |(.., width)| width)
            }
        }
    }
}

/// The widths of a font with wide codes (ISO 32000-1, 9.7.4.3).
fn wide_ranges(font: &Dictionary, document: &Document) -> Vec<(u32, u32, f64)> {
    let mut ranges = Vec::new();
    let Ok(widths) = font.get_deref(b"W", document).and_then(Object::as_array) else {
        return ranges;
    };
    let mut at = 0;
    while at + 1 < widths.len() && ranges.len() < MOST {
        let code = |at: usize| widths.get(at).and_then(|n| number(n, document)).map(|n| n as u32);
        let Some(first) = code(at) else { break };
        let list = document.dereference(&widths[at + 1]).ok().and_then(|(_, list)| list.as_array().ok());
        if let Some(list) = list {
            let width = |(i, width): (usize, &Object)| {
                let code = first.checked_add(i as u32)?;
                Some((code, code, number(width, document)?))
            };
            ranges.extend(list.iter().take(MOST).enumerate().filter_map(width));
            at += 2;
        } else {
            let width = widths.get(at + 2).and_then(|n| number(n, document));
            if let (Some(last), Some(width)) = (code(at + 1), width) {
                ranges.push((first, last, width));
            }
            at += 3;
        }
    }
    ranges.sort_by_key(|(first, ..)| *first);
    ranges
}

/// The number that an object is or refers to.
pub(super) fn number(object: &Object, document: &Document) -> Option<f64> {
    match document.dereference(object).ok()?.1 {
        Object::Integer(n) => Some(*n as f64),
        Object::Real(n) => Some(f64::from(*n)),
        _ => None,
    }
}
