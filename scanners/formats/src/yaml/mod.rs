//! YAML: scalars as fields by path, as in JSON; comments, too.
//!
//! A field is `customer.emails[]`; a key that is itself data is a value of `{key}`. Records are documents, if there are
//! several; else elements of the sequence that the document is, or mappings in a sequence of the mapping it is, as in
//! JSON; else the document. Aliases are not followed: what they stand for stands where its anchor is, once, so that
//! no bomb of aliases expands.
//!
//! The grammar is saphyr-parser's. It needs the text whole, so that a file longer than an eighth of
//! [`Limits::whole_bytes`] is read as lines; so is what stands behind something that is not YAML, a template mostly.

mod scalar;
#[cfg(test)]
mod tests;
mod walk;

use residuum_source::{Coverage, Flow, Limits, ObjectPath, Part, Sink};

use crate::Text;
use crate::gather::{Gather, Value};

/// Reads YAML.
pub(crate) fn read(path: &ObjectPath, mut text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let most = usize::try_from(limits.whole_bytes / 8).unwrap_or(usize::MAX);
    let is_text = |window: &[u8]| std::str::from_utf8(window).is_ok();
    if text.fill(most.saturating_add(1)).len() > most || !is_text(text.window()) {
        return crate::lines::read(path, "yaml", text, limits, sink);
    }
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "yaml", encoding, primary_key: Vec::new() })?;
    let mut gather = Gather::new(limits, sink);
    let len = text.window().len();
    let broken = {
        let mut walk = walk::Walk::new(&text, limits.nesting as usize, &mut gather);
        walk.run()?;
        walk.broken()
    };
    if let Some(broken) = &broken {
        let mut rest = Value::default();
        rest.keep(&text, broken.at, len);
        let field = gather.field("");
        gather.push_value(field, &mut rest, text.position_of(len))?;
    }
    gather.flush(text.position_of(len))?;
    let records = gather.records;
    text.consume(len);
    let outcome = match broken {
        Some(broken) if text.fault().is_none() => {
            let reason = format!("not YAML from line {} on; the rest was read as text", broken.line);
            text.outcome_with(records, Coverage::Read, reason)
        }
        _ => text.outcome(records),
    };
    sink.close(outcome)
}
