//! How a plan of erasure, and what was done of it, is printed.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::failure::Failure;
use super::location::{Names, record_text};
use super::output::{Format, Style, json_line, printable};
use super::table::{Align, Table};
use crate::report::human::{bytes, count, counted};
use crate::report::{Done, LeftLine, ObjectLine, PlanPage, SourceCost, plan_html};
use crate::request::{
    CarriedOut, Cost, LeftState, Notice, Plan, PlannedObject, PlannedRecord, Refused, Reply, Written,
};

/// How to print it.
pub(super) struct Erasure<'a> {
    pub names: Names<'a>,
    pub format: Format,
    /// What it is a plan of, for its page.
    pub title: &'static str,
    /// The request it is for.
    pub request: Option<&'a str>,
    /// How many people it is about, if it is about people.
    pub people: Option<u64>,
}

/// What came of a plan beside what was done: whom it makes us tell.
#[derive(Default)]
pub(super) struct Told<'a> {
    /// Recipients.
    pub notices: &'a [Notice],
    /// The person.
    pub reply: Option<&'a Reply>,
    /// How many records were planned, and then found and planned anew by what was scanned again, round by round; empty
    /// where it is planned once.
    pub rounds: &'a [u64],
}

impl Told<'_> {
    /// What the counts are of, where it is more than the first plan.
    fn rounds_text(&self) -> Option<String> {
        let (first, later) = self.rounds.split_first()?;
        let later: u64 = later.iter().sum();
        (later > 0).then(|| {
            let (first, later) = (counted(*first, "record"), counted(later, "record"));
            format!("{first} planned at first, and {later} more after what was written had been scanned again")
        })
    }
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
            for note in shown.behind(plan) {
                json_line(&mut *out, &note)?;
            }
            for left in shown.left(plan) {
                json_line(&mut *out, &left)?;
            }
        }
        Format::Json | Format::Html if is_applied => {} // one document: with what was done
        Format::Html => plan_html(&shown.page(plan, None), &mut *out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &shown.plan(plan)).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        _ => shown.plan_table(out, plan)?,
    }
    Ok(())
}

/// Prints what is planned anew and carried out as well, after what was written has been scanned again.
pub(super) fn print_plan_anew(out: &mut dyn Write, shown: &Erasure<'_>, plan: &Plan) -> Result<(), Failure> {
    if shown.format == Format::Table {
        writeln!(out, "\nplanned anew, after what was written had been scanned again:")?;
    }
    print_plan(out, shown, plan, true)
}

/// Prints what was done, and what is left of it.
pub(super) fn print_outcome(
    out: &mut dyn Write,
    shown: &Erasure<'_>,
    done: &CarriedOut,
    plan: &Plan,
    told: &Told<'_>,
) -> Result<(), Failure> {
    let document = json!({
        "deleted": done.deleted, "edited": done.edited, "gone": done.gone, "interrupted": done.interrupted,
        "refused": done.refused.iter().map(|refused| shown.refused(refused)).collect::<Vec<_>>(),
        "notes": done.receipts.iter().flat_map(|written| shown.notes(written)).collect::<Vec<_>>(),
        "notices": told.notices, "reply": told.reply, "planned": told.rounds,
    });
    match shown.format {
        Format::Jsonl => json_line(&mut *out, &json!({ "outcome": document, "left": shown.left(plan) }))?,
        Format::Json => {
            let all = json!({ "outcome": document, "left": shown.plan(plan) });
            serde_json::to_writer_pretty(&mut *out, &all).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Format::Html => plan_html(&shown.page(plan, Some((done, told))), &mut *out)?,
        _ => {
            if !(told.rounds.is_empty() || plan.is_empty() && plan.left.is_empty()) {
                writeln!(out, "\nas it stands now:")?;
                shown.plan_table(out, plan)?;
            }
            if let Some(text) = told.rounds_text() {
                writeln!(out, "{text}")?;
            }
            for refused in &done.refused {
                writeln!(out, "not done: {}", printable(&shown.refused_text(refused)))?;
            }
            for note in shown.note_texts(done) {
                writeln!(out, "note: {}", printable(&note))?;
            }
            for notice in told.notices {
                writeln!(out, "{}", printable(&notice_text(notice)))?;
            }
            if let Some(reply) = told.reply {
                writeln!(out, "reply ({}):", reply.response.name())?;
                for paragraph in &reply.text {
                    writeln!(out, "  {}", printable(paragraph))?;
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

    /// What stays behind when records go.
    fn behind(&self, plan: &Plan) -> Vec<Value> {
        let of = |object: &PlannedObject| -> Vec<Value> {
            let (source, part) = (self.names.show(&object.source), self.names.show(&object.part));
            let note = |note: &String| json!({ "source": source, "object": part, "action": "note", "note": self.names.show(note) });
            object.stays_behind.iter().map(note).collect()
        };
        plan.objects.iter().flat_map(of).collect()
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

    /// What a source had to say beside what was asked for.
    fn notes(&self, written: &Written) -> impl Iterator<Item = Value> {
        let (source, object) = (self.names.show(&written.source), self.names.show(&written.object));
        written.receipt.notes.iter().map(move |note| json!({ "source": source, "object": object, "note": note }))
    }

    fn refused(&self, refused: &Refused) -> Value {
        let key = refused.record.as_ref().map(|record| self.names.show_json(record.key_json(&refused.primary_key)));
        json!({
            "source": self.names.show(&refused.source), "object": self.names.show(&refused.object),
            "record": refused.record.as_ref().map(|record| json!({ "kind": record.kind().name(), "key": key })),
            "state": refused.refusal.kind.name(), "reason": self.names.show(&refused.refusal.reason),
        })
    }

    fn refused_text(&self, refused: &Refused) -> String {
        let told = self.refused(refused);
        let record = refused
            .record
            .as_ref()
            .map_or_else(String::new, |record| format!(", {}", record_text(record.kind(), &told["record"]["key"])));
        let object = told["object"].as_str().unwrap_or_default();
        let reason = told["reason"].as_str().unwrap_or_default();
        format!("{object}{record} ({}): {reason}", refused.refusal.kind.name())
    }

    fn note_texts(&self, done: &CarriedOut) -> Vec<String> {
        done.receipts.iter().flat_map(|written| self.notes(written)).map(note_text).collect()
    }

    /// What its page says.
    fn page(&self, plan: &Plan, done: Option<(&CarriedOut, &Told<'_>)>) -> PlanPage {
        let name = |name: &str| self.names.show(name).into_owned();
        let costs = plan.costs().into_iter().map(|(source, cost)| {
            let of_source = || plan.objects.iter().filter(move |object| object.source == source);
            SourceCost {
                source: name(source),
                objects: of_source().count() as u64,
                records: of_source().map(|object| object.records.len() as u64).sum(),
                bytes_read: cost.bytes_read,
                bytes_written: cost.bytes_written,
                rows_locked: cost.rows_locked,
                statements: cost.statements,
                bytes_scanned: cost.bytes_scanned,
            }
        });
        let mut all: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut objects = Vec::new();
        for object in &plan.objects {
            for (action, records) in actions(object) {
                *all.entry(action).or_default() += records;
                objects.push(ObjectLine {
                    source: name(&object.source),
                    object: name(&object.part),
                    format: object.formats.join("!"),
                    action,
                    records,
                    method: object.ability.clone(),
                });
            }
        }
        let left = left_by_reason(plan).into_iter().map(|((source, object, state), places)| LeftLine {
            source: name(&source),
            object: name(&object),
            places,
            state: state.name(),
            reason: name(&state.reason()),
            exception: match state {
                LeftState::Retained { exception, .. } => Some(exception),
                _ => None,
            },
        });
        PlanPage {
            title: self.title,
            made: crate::clock::utc(std::time::SystemTime::now()),
            request: self.request.map(str::to_owned),
            people: self.people,
            costs: costs.collect(),
            actions: all.into_iter().collect(),
            objects,
            notes: self.behind(plan).into_iter().map(note_text).collect(),
            left: left.collect(),
            is_opened: self.names.are_opened(),
            done: done.map(|(done, told)| Done {
                deleted: done.deleted,
                edited: done.edited,
                gone: done.gone,
                refused: done.refused.iter().map(|refused| self.refused_text(refused)).collect(),
                notes: told.rounds_text().into_iter().chain(self.note_texts(done)).collect(),
                interrupted: done.interrupted,
                notices: told.notices.iter().map(notice_text).collect(),
                reply: told.reply.map_or_else(Vec::new, |reply| reply.text.clone()),
            }),
        }
    }

    /// What it costs, in a sentence.
    fn cost_text(cost: &Cost) -> String {
        let mut parts = vec![format!("reads {}, writes {}", bytes(cost.bytes_read), bytes(cost.bytes_written))];
        if cost.rows_locked > 0 {
            let (rows, statements) = (counted(cost.rows_locked, "row"), counted(cost.statements, "statement"));
            parts.push(format!("locks {rows} in about {statements}"));
        }
        parts.push(format!("{} to be scanned again", bytes(cost.bytes_scanned)));
        parts.join("; ")
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
        json!({
            "records": plan.records(), "cost": plan.cost(), "objects": objects.collect::<Vec<_>>(),
            "notes": self.behind(plan), "left": self.left(plan)
        })
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
            writeln!(out, "cost: {}", Self::cost_text(&plan.cost()))?;
            for note in self.behind(plan) {
                writeln!(out, "note: {}", printable(&note_text(note)))?;
            }
        }
        if plan.left.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}left:", if plan.objects.is_empty() { "" } else { "\n" })?;
        let columns = [
            ("source", Align::Left),
            ("object", Align::Left),
            ("places", Align::Right),
            ("state", Align::Left),
            ("reason", Align::Left),
        ];
        let mut table = Table::new(out, style, &columns);
        for ((source, object, state), n) in left_by_reason(plan) {
            let (source, object) = (self.names.show(&source), self.names.show(&object));
            let (n, reason) = (count(n), state.reason());
            let reason = self.names.show(&reason);
            let cells = [&*source, &object, &n, state.name(), &reason];
            table.row(cells.iter().map(|cell| printable(cell)).collect())?;
        }
        Ok(table.finish()?)
    }
}

fn notice_text(notice: &Notice) -> String {
    let Notice { id, recipient, instruction, state, due, .. } = notice;
    format!("notice {id}: {recipient} is told to {instruction}, due {due}: {state}")
}

/// Something worth knowing of an object, in a sentence.
fn note_text(note: Value) -> String {
    let of = |name: &str| note[name].as_str().unwrap_or_default().to_owned();
    format!("{} in {}: {}", of("object"), of("source"), of("note"))
}

/// How many places are left, by source, object and reason.
fn left_by_reason(plan: &Plan) -> BTreeMap<(String, String, LeftState), u64> {
    let mut by_reason = BTreeMap::new();
    for left in &plan.left {
        let finding = &left.location.finding;
        let at = (finding.source.to_string(), finding.object.to_string(), left.state.clone());
        *by_reason.entry(at).or_default() += 1;
    }
    by_reason
}

/// How many records of an object are dealt with in which way.
fn actions(object: &PlannedObject) -> BTreeMap<&'static str, u64> {
    let mut actions = BTreeMap::new();
    for record in &object.records {
        *actions.entry(record.action.name()).or_default() += 1;
    }
    actions
}
