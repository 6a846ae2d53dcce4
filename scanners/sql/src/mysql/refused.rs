//! What the server says against a change, without what stands in the row.

use residuum_source::{Refusal, RefusalKind};

use super::error::number;
use crate::link::Trouble;

/// Why a change was not made. Messages may quote values: only the names between backticks are passed on, which the
/// server puts around tables and constraints, and the name of a key or a column at the end.
pub fn refusal(trouble: &Trouble) -> Refusal {
    let message = match trouble {
        Trouble::Sql(sqlx::Error::Database(error)) => error.message(),
        _ => "",
    };
    let forbidden = |reason: String| Refusal::new(RefusalKind::Constraint, reason);
    let after = |mark: &str| {
        let rest = message.rsplit_once(mark).map(|(_, rest)| rest)?;
        rest.split(['`', '\'']).next().filter(|name| !name.is_empty())
    };
    let named = |mark: &str| after(mark).map(|name| format!(" `{name}`")).unwrap_or_default();
    match number(trouble) {
        Some(1451 | 1452 | 1216 | 1217 | 1761 | 1762) => {
            let table = message.split_once("fails (`").and_then(|(_, rest)| rest.split_once("`.`"));
            let table = table.and_then(|(_, rest)| rest.split('`').next());
            let table = table.map(|table| format!(" of `{table}`")).unwrap_or_default();
            forbidden(format!("the foreign key{}{table} forbids it", named("CONSTRAINT `")))
        }
        Some(1062 | 1586) => {
            forbidden(format!("another row has this value already, and the key{} forbids that", named("for key '")))
        }
        Some(4025 | 3819) => forbidden(format!("the constraint CHECK{} forbids it", named("CONSTRAINT `"))),
        Some(1048) => forbidden(format!(
            "the column{} is NOT NULL: give a value instead, or delete the record",
            named("Column '")
        )),
        Some(1406) => forbidden(format!("the new value is too long for the column{}", named("for column '"))),
        Some(1366 | 1264 | 1265 | 1292 | 1411 | 1416 | 4078 | 3140 | 1367) => {
            forbidden("the new value is none of its column's type".into())
        }
        Some(1644 | 1442 | 1422) => forbidden("a trigger of the table forbids it".into()),
        Some(1906 | 3105 | 4118) => forbidden("the column is generated".into()),
        Some(1205 | 1020) => {
            Refusal::new(RefusalKind::Locked, "another session has a row locked that it needs: try again")
        }
        Some(1142 | 1143 | 1370 | 1227) => {
            Refusal::new(RefusalKind::ReadOnly, "permission denied to the table, or to what a trigger needs")
        }
        Some(1290 | 1792 | 1836) => Refusal::new(RefusalKind::ReadOnly, "the server takes no changes: it is read-only"),
        Some(1153 | 1301) => Refusal::new(RefusalKind::Limit, "the statement is longer than `max_allowed_packet`"),
        Some(number) => {
            let reason =
                format!("the server refuses it (error {number}): `perror {number}` and its error log say more");
            Refusal::new(RefusalKind::Failed, reason)
        }
        None => Refusal::new(RefusalKind::Failed, "the statement could not be sent"),
    }
}
