//! Content that stands encoded inside text.

use crate::text::{Cx, Scratch};

/// How many encodings within one another are undone.
pub(crate) const DEPTH: u8 = 3;

/// Buffers of the decoder.
#[derive(Default)]
pub(crate) struct Buffers {}

pub(crate) fn escaped(cx: &mut Cx<'_>, place: usize, _d: u8, _c: &mut Option<Box<Scratch>>, _b: &mut Buffers) -> usize {
    let _ = cx;
    place + 1
}

pub(crate) fn encoded(_cx: &mut Cx<'_>, _s: usize, _e: usize, _d: u8, _c: &mut Option<Box<Scratch>>, _b: &mut Buffers) {
}
