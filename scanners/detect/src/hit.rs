//! What a detector reports.

use crate::Type;

/// Which rule of the compiled set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RuleId(pub u16);

impl RuleId {
    /// No rule: a value that the caller looks for by itself; see [`Literals`](crate::Literals).
    pub const LITERAL: Self = Self(u16::MAX);
}

/// A personal item found in some bytes, without its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// First byte, counted in the text or value that was given.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The rule that found it.
    pub rule: RuleId,
    /// What it is.
    pub kind: Type,
    /// How sure, in thousandths.
    pub confidence: u16,
    /// Whether it stands in Base64, hexadecimal, UTF-16 or what is compressed, beside other data: its bytes hold more than
    /// it, and cannot be replaced by themselves. Escapes of single characters can.
    pub is_encoded: bool,
}
