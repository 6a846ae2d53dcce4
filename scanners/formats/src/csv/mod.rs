//! Separated values.

use residuum_source::{Flow, Limits, ObjectPath, Sink};

use crate::Text;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dialect {}

impl Dialect {
    pub(crate) fn sniff(_: &[u8], _: bool, _: &str) -> Option<Self> {
        None
    }
}

pub(crate) fn read(path: &ObjectPath, text: Text<'_>, _: &Dialect, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    crate::lines::read(path, "csv", text, limits, sink)
}
