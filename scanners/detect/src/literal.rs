//! Values that the caller looks for wherever they stand, beside what rules find.
//!
//! Rules tell from its shape and its surroundings what a value is. Whoever looks for certain values needs neither: nine
//! digits alone in a field say nothing, and are somebody's number all the same if they are the digits looked for. What is
//! encoded or compressed inside a value is decoded for them as for rules, and places are those of the encoded bytes.

use std::ops::Range;

use crate::text::{Found, Scratch, Texts};
use crate::{RuleId, Type};

/// Knows certain values, and in which ways they are written.
pub trait Literals: Send + Sync {
    /// Calls `each` for every one of them in a text, or in one value of a field.
    fn find(&self, text: &[u8], each: &mut dyn FnMut(Literal<'_>));
}

/// One of the values looked for, at a place.
#[derive(Clone, Debug)]
pub struct Literal<'a> {
    /// Its bytes in the text.
    pub place: Range<usize>,
    /// What it is; a [`Type::Digest`] where only a digest of it stands.
    pub kind: Type,
    /// Its standard form; of a digest the bytes under which a look-up meets it.
    pub form: &'a [u8],
}

/// How sure a literal is, in thousandths: the very value stands there.
const CONFIDENCE: u16 = 1000;

/// Takes the literals found in decoded content out of what rules found: they settle no overlaps.
pub(crate) fn set_apart(scratch: &mut Scratch) {
    let Scratch { found, literals, .. } = scratch;
    literals.clear();
    literals.extend(found.extract_if(.., |found| found.rule == RuleId::LITERAL.0));
}

/// Adds the literals of the texts themselves, and those that were set apart, in canonical order.
pub(crate) fn add(wanted: &dyn Literals, scratch: &mut Scratch, texts: Texts<'_>, core: &Range<usize>) {
    let Scratch { found, literals, forms, .. } = scratch;
    found.append(literals);
    for ends in texts.offsets.windows(2) {
        let (start, end) = (ends[0] as usize, ends[1] as usize);
        if start >= end {
            continue;
        }
        wanted.find(&texts.bytes[start..end], &mut |literal| {
            let place = start + literal.place.start..start + literal.place.end;
            if !core.contains(&place.start) {
                return;
            }
            let form = forms.len() as u32;
            forms.extend_from_slice(literal.form);
            found.push(Found {
                start: place.start as u32,
                end: place.end as u32,
                form,
                form_len: literal.form.len() as u32,
                rule: RuleId::LITERAL.0,
                confidence: CONFIDENCE,
                weak: None,
                word: None,
                decoded: false,
                encoded: false,
                kind: literal.kind,
            });
        });
    }
    found.sort_by_key(Found::order);
}
