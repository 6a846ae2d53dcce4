//! The inventory as one JSON document; its field names are relied on by scripts.

use std::io::{self, Write};

use residuum_source::Coverage;
use serde_json::{Map, Value, json};

use super::{FieldLine, Inventory};

/// Writes the inventory as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn json(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    let sources = inventory.sources.iter().map(|s| {
        json!({ "source": s.name, "kind": s.kind, "objects": s.objects, "bytes": s.bytes, "records": s.records, "findings": s.findings })
    });
    let scans = inventory
        .scans
        .iter()
        .map(|s| json!({ "started": s.started, "ended": s.ended, "sources": s.sources, "sampled": s.sampled }));
    let ledger = inventory
        .ledger
        .iter()
        .map(|l| json!({ "source": l.source, "object": l.object, "state": l.state.name(), "reason": l.reason }));
    let coverage: Map<_, _> = Coverage::ALL
        .iter()
        .map(|state| (state.name().to_owned(), json!(inventory.coverage.get(state).copied().unwrap_or(0))))
        .collect();
    let changes = &inventory.changes;
    let totals = changes
        .totals
        .iter()
        .map(|t| json!({ "source": t.source, "type": t.kind.name(), "before": t.before, "after": t.after }));
    let document = json!({
        "index": inventory.index,
        "made": inventory.made,
        "fields": inventory.fields.iter().map(field).collect::<Value>(),
        "coverage": coverage,
        "complete": inventory.is_complete(),
        "allowed": inventory.allowed,
        "ledger": ledger.collect::<Value>(),
        "sources": sources.collect::<Value>(),
        "scans": scans.collect::<Value>(),
        "changes": { "new": changes.new, "read_again": changes.read_again, "totals": totals.collect::<Value>() },
    });
    serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes the inventory's fields, one JSON object a line.
///
/// # Errors
/// When they cannot be written.
pub fn jsonl(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    inventory.fields.iter().try_for_each(|line| writeln!(out, "{}", field(line)))
}

fn field(line: &FieldLine) -> Value {
    let types = line.types.iter().map(|t| {
        json!({ "type": t.kind.name(), "n_values": t.values, "n_records": t.records, "rate": round(t.rate), "rules": t.rules })
    });
    json!({
        "source": line.source,
        "object": line.object,
        "field": line.field,
        "types": types.collect::<Value>(),
        "categories": line.categories.iter().map(|c| c.letter()).collect::<Vec<_>>(),
        "sensitive": line.sensitive,
        "n_values": line.values,
        "n_records": line.records,
        "keys": line.keys,
        "plan": line.plan,
        "evidence": line.evidence,
    })
}

/// Six digits say all that a count of a billion can.
fn round(rate: f64) -> f64 {
    (rate * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_fields_others_rely_on() {
        let mut out = Vec::new();
        json(&super::super::tests::sample(), &mut out).unwrap();
        let document: Value = serde_json::from_slice(&out).unwrap();
        let first = &document["fields"][0];
        assert_eq!(first["object"], "main.customers");
        assert_eq!(
            first["types"][0],
            json!({"type": "EMAIL", "n_values": 240, "n_records": 240, "rate": 1.0, "rules": ["a_rule"]})
        );
        assert_eq!(first["categories"], json!(["A"]));
        let coverage = json!({"read": 3, "derived": 1, "excluded": 0, "unsupported": 0, "unreadable": 1, "limit": 0});
        assert_eq!(document["coverage"], coverage);
    }
}
