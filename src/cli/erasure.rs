//! How a plan of erasure, and what was done of it, is printed.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::failure::Failure;
use super::location::{Names, record_text};
use super::output::{Format, Style, json_line, printable};
use super::table::{Align, Table};
use crate::report::human::count;
use crate::request::{CarriedOut, LeftState, Plan, PlannedObject, PlannedRecord, Refused};

/// How to print it.
pub(super) struct Erasure<'a> {
    pub names: Names<'a>,
    pub format: Format,
}

/// Prints a plan: what is to be done, and what is left.
pub(super) fn print_plan(
    out: &mut dyn Write,
    shown: &Erasure<'_>,
    plan: &Plan,
    is_applied: bool,
) -> Result<(), Failure> {
    match shown.format {
        Format::Jsonl => {
            for object in &plan.objects {
                for record in &object.records {
                    json_line(&mut *out, &shown.record(object, record))?;
                }
            }
            for left in shown.left(plan) {
                json_line(&mut *out, &left)?;
            }
        }
        Format::Json if is_applied => {} // one document: with what was done
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &shown.plan(plan)).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        _ => shown.plan_table(out, plan)?,
    }
    Ok(())
}

/// Prints what was done, and what is left of it.
pub(super) fn print_outcome(
    out: &mut dyn Write,
    shown: &Erasure<'_>,
    done: &CarriedOut,
    plan: &Plan,
) -> Result<(), Failure> {
    let document = json!({
        "deleted": done.deleted, "edited": done.edited, "gone": done.gone, "interrupted": done.interrupted,
        "refused": done.refused.iter().map(|refused| shown.refused(refused)).collect::<Vec<_>>(),
        "notes": done.receipts.iter().flat_map(|(source, receipt)| {
            receipt.notes.iter().map(move |note| json!({ "source": source, "object": receipt.object, "note": note }))
        }).collect::<Vec<_>>(),
    });
    match shown.format {
        Format::Jsonl => json_line(&mut *out, &json!({ "outcome": document }))?,
        Format::Json => {
            let all = json!({ "outcome": document, "left": shown.plan(plan) });
            serde_json::to_writer_pretty(&mut *out, &all).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        _ => {
            for refused in &done.refused {
                let told = shown.refused(refused);
                let record = refused.record.as_ref().map_or_else(String::new, |record| {
                    format!(", {}", record_text(record.kind(), &told["record"]["key"]))
                });
                writeln!(
                    out,
                    "not done: {}{record} ({}): {}",
                    printable(told["object"].as_str().unwrap_or_default()),
                    refused.refusal.kind.name(),
                    printable(&refused.refusal.reason)
                )?;
            }
            for (source, receipt) in &done.receipts {
                for note in &receipt.notes {
                    writeln!(
                        out,
                        "note: {} in {}: {}",
                        shown.names.show(&receipt.object),
                        shown.names.show(source),
                        printable(note)
                    )?;
                }
            }
        }
    }
    Ok(())
}

impl Erasure<'_> {
    fn record(&self, object: &PlannedObject, record: &PlannedRecord) -> Value {
        let key = self.names.show_json(record.record.key_json(&object.primary_key));
        let mut fields: Vec<_> = record.evidence.iter().map(|at| self.names.show(&at.field).into_owned()).collect();
        fields.dedup();
        json!({
            "source": self.names.show(&object.source), "object": self.names.show(&object.part),
            "record": { "kind": record.record.kind().name(), "key": key },
            "action": record.action.name(), "subjects": record.subjects, "fields": fields,
            "method": object.ability, "format": object.formats.join("!"),
        })
    }

    fn left(&self, plan: &Plan) -> Vec<Value> {
        let each = plan.left.iter().map(|left| {
            let finding = &left.location.finding;
            let key = self.names.show_json(finding.record.key_json(&finding.primary_key));
            json!({
                "source": self.names.show(&finding.source), "object": self.names.show(&finding.object),
                "record": { "kind": finding.record.kind().name(), "key": key }, "action": "left",
                "state": left.state.name(), "reason": self.names.show(&left.state.reason()), "subjects": [left.location.subject],
                "field": self.names.show(&finding.field), "type": finding.kind.name(),
                "exception": match &left.state {
                    LeftState::Retained { exception, .. } => Some(exception),
                    _ => None,
                },
            })
        });
        each.collect()
    }

    fn refused(&self, refused: &Refused) -> Value {
        let key = refused.record.as_ref().map(|record| self.names.show_json(record.key_json(&refused.primary_key)));
        json!({
            "source": self.names.show(&refused.source), "object": self.names.show(&refused.object),
            "record": refused.record.as_ref().map(|record| json!({ "kind": record.kind().name(), "key": key })),
            "state": refused.refusal.kind.name(), "reason": refused.refusal.reason,
        })
    }

    /// Objects with counts, and what is left, place by place.
    fn plan(&self, plan: &Plan) -> Value {
        let objects = plan.objects.iter().map(|object| {
            let actions = actions(object).into_iter().map(|(name, n)| (name.to_owned(), json!(n)));
            json!({
                "source": self.names.show(&object.source), "object": self.names.show(&object.part),
                "format": object.formats.join("!"), "method": object.ability, "records": object.records.len(),
                "actions": actions.collect::<serde_json::Map<_, _>>(),
            })
        });
        json!({ "records": plan.records(), "objects": objects.collect::<Vec<_>>(), "left": self.left(plan) })
    }

    fn plan_table(&self, out: &mut dyn Write, plan: &Plan) -> Result<(), Failure> {
        let style = Style::stdout();
        if !plan.objects.is_empty() {
            let columns = [
                ("source", Align::Left),
                ("object", Align::Left),
                ("format", Align::Left),
                ("action", Align::Left),
                ("records", Align::Right),
                ("how", Align::Left),
            ];
            let mut table = Table::new(out, style, &columns);
            for object in &plan.objects {
                for (action, n) in actions(object) {
                    let (source, part) = (self.names.show(&object.source), self.names.show(&object.part));
                    let format = object.formats.join("!");
                    let n = count(n);
                    let cells = [&*source, &part, &format, action, &n, &object.ability];
                    table.row(cells.iter().map(|cell| printable(cell)).collect())?;
                }
            }
            table.finish()?;
        }
        if plan.left.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}left:", if plan.objects.is_empty() { "" } else { "\n" })?;
        let mut by_reason: BTreeMap<(String, String, LeftState), u64> = BTreeMap::new();
        for left in &plan.left {
            let finding = &left.location.finding;
            let at = (finding.source.to_string(), finding.object.to_string(), left.state.clone());
            *by_reason.entry(at).or_default() += 1;
        }
        let columns = [
            ("source", Align::Left),
            ("object", Align::Left),
            ("places", Align::Right),
            ("state", Align::Left),
            ("reason", Align::Left),
        ];
        let mut table = Table::new(out, style, &columns);
        for ((source, object, state), n) in by_reason {
            let (source, object) = (self.names.show(&source), self.names.show(&object));
            let (n, reason) = (count(n), state.reason());
            let reason = self.names.show(&reason);
            let cells = [&*source, &object, &n, state.name(), &reason];
            table.row(cells.iter().map(|cell| printable(cell)).collect())?;
        }
        Ok(table.finish()?)
    }
}

/// How many records of an object are dealt with in which way.
fn actions(object: &PlannedObject) -> BTreeMap<&'static str, u64> {
    let mut actions = BTreeMap::new();
    for record in &object.records {
        *actions.entry(record.action.name()).or_default() += 1;
    }
    actions
}
