//! SQL dumps.

use residuum_source::{Flow, Limits, ObjectPath, Sink};

use crate::Text;

pub(crate) fn is_dump(_: &[u8]) -> bool {
    false
}

pub(crate) fn read(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    crate::lines::read(path, "sql", text, limits, sink)
}
