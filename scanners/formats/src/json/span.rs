//! What a walk through JSON says to whoever asked for it.

use super::paths::NodeId;

/// What a stretch of the slice is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SpanKind {
    /// A string, between its quotes, that says what stands there.
    Plain,
    /// A string with escapes.
    Escaped,
    /// A whole number.
    Integer,
    /// Another number.
    Number,
    /// A record begins here: a value of its own, on some line.
    Line,
    /// The next element of an array of records begins.
    Row,
    /// What follows belongs to the document as a whole.
    Document,
    /// An element of a list begins here, whose number is in place of the node; only noted where extents are wanted.
    Begins,
    /// It ends here.
    Ends,
    /// Nested too deep to be walked (only noted for [`Layout::Value`]).
    TooDeep,
}

/// A stretch of the slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) node: NodeId,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: SpanKind,
}

/// What is a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Each value of a sequence.
    Lines,
    /// The document.
    Document,
    /// Each element of the array that the document is.
    Elements,
    /// Each object in an array that is a member of the document; what stands beside them is the document's.
    Members,
    /// What stands in the arrays and objects that have so many around them: each object or array in an array, and each
    /// member of an object whose value is one, with its key. What stands beside them is the document's.
    Nested(u8),
    /// Nothing: the slice is one value of a record.
    Value,
}

/// Why the walker stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Many spans have come together; take them and go on.
    Full,
    /// The word at the position goes on past the slice; with `string` it is a string, perhaps a long one.
    More { string: bool },
    /// The tree of paths is large; begin it anew and go on.
    Reset,
    /// What stands at the position cannot stand there; this was expected.
    Bad(&'static str),
    /// A record is cut off by the line feed at the position.
    CutOff,
    /// The bytes end inside a value.
    Truncated,
    /// The bytes end, and all is well.
    Done,
}
