//! JSON documents and JSON Lines.

use residuum_source::{Coverage, Flow, Limits, ObjectPath, Outcome, Part, Sink};

use crate::Text;

/// Reads a JSON document.
pub fn read_json(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let _ = limits;
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "json", encoding, primary_key: Vec::new() })?;
    sink.close(Outcome::not_read(Coverage::Unsupported, "JSON is not read yet"))
}

/// Reads JSON Lines, or JSON values one after the other.
pub fn read_jsonl(path: &ObjectPath, text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let _ = limits;
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "jsonl", encoding, primary_key: Vec::new() })?;
    sink.close(Outcome::not_read(Coverage::Unsupported, "JSON Lines are not read yet"))
}
