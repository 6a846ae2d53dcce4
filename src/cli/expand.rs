//! What `find --expand` prints: identifiers that stand beside a person's, with the word that accepts each.

use std::io::Write;

use serde_json::{Value, json};

use super::failure::Failure;
use super::location::Names;
use super::output::{Format, Style, json_line, printable};
use super::table::{Align, Table};
use crate::identity::Candidate;
use crate::keyfile::hex;
use crate::report::human::count;

/// Prints candidates after the locations: a table of their own, or lines of their own.
pub(super) fn print(out: &mut dyn Write, format: Format, names: Names<'_>, found: &[Candidate]) -> Result<(), Failure> {
    let accept = |of: &Candidate| format!("{}:{}", of.kind.name(), hex(&of.fp.0));
    match format {
        Format::Jsonl | Format::Json | Format::Csv => {
            for of in found {
                let beside = of.beside.iter().map(|(source, object, field)| {
                    json!({ "source": names.show(source), "object": names.show(object), "field": names.show(field) })
                });
                let candidate = json!({
                    "type": of.kind.name(), "accept": accept(of), "records": of.records, "more_records": of.more,
                    "shared": of.shared, "beside": beside.collect::<Vec<Value>>(),
                });
                json_line(&mut *out, &json!({ "subject": of.subject, "candidate": candidate }))?;
            }
        }
        _ if found.is_empty() => {}
        _ => {
            writeln!(out, "\nbeside them, and perhaps theirs:")?;
            let columns = [
                ("subject", Align::Left),
                ("records", Align::Right),
                ("would add", Align::Right),
                ("beside", Align::Left),
                ("accept with", Align::Left),
            ];
            let mut table = Table::new(out, Style::stdout(), &columns);
            for of in found {
                let beside: Vec<String> = of
                    .beside
                    .iter()
                    .map(|(source, object, field)| {
                        format!("{} {}.{}", names.show(source), names.show(object), names.show(field))
                    })
                    .collect();
                let accept = match of.shared {
                    true => format!("{}, which stands with several people", of.kind.name()),
                    false => format!("--accept {}", accept(of)),
                };
                let cells = [of.subject.clone(), count(of.records), count(of.more), beside.join(", "), accept];
                table.row(cells.iter().map(|cell| printable(cell)).collect())?;
            }
            table.finish()?;
        }
    }
    Ok(())
}
