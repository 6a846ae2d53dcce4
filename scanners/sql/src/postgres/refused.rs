//! What the server says against a change, without what stands in the row.

use residuum_source::{Refusal, RefusalKind};
use sqlx::postgres::PgDatabaseError;

use crate::link::Trouble;
use crate::quote::Ident;

/// Why a change was not made. The server's details quote values: only the names in it are passed on.
pub fn refusal(trouble: &Trouble) -> Refusal {
    let refuse = |kind, reason: String| Refusal::new(kind, reason);
    let error = match trouble {
        Trouble::Unreadable(reason) | Trouble::Lost(reason) => {
            return refuse(RefusalKind::Constraint, reason.clone());
        }
        Trouble::Sql(sqlx::Error::Database(error)) => error,
        _ => return refuse(RefusalKind::Failed, "the statement could not be sent".into()),
    };
    let code = error.code().unwrap_or_default();
    let name = |name: Option<&str>| name.map_or_else(String::new, |name| format!(" {}", Ident(name)));
    let (constraint, table) = (name(error.constraint()), name(error.table()));
    let column = name(error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::column));
    let forbidden = |reason: String| refuse(RefusalKind::Constraint, reason);
    match &*code {
        "23503" => forbidden(format!("the foreign key{constraint} of{table} forbids it")),
        "23505" => {
            forbidden(format!("another row has this value already, and the constraint{constraint} forbids that"))
        }
        "23502" => forbidden(format!("the column{column} is NOT NULL: give a value instead, or delete the record")),
        "23514" => forbidden(format!("the constraint CHECK{constraint} forbids it")),
        "23P01" => forbidden(format!("the constraint EXCLUDE{constraint} forbids it")),
        "22001" => forbidden("the new value is too long for its column".into()),
        "27000" | "P0001" | "P0000" | "P0004" => forbidden("a trigger of the table forbids it".into()),
        "428C9" => forbidden(format!("the column{column} is generated")),
        "55000" => forbidden(
            "the table is replicated and has no replica identity: `ALTER TABLE … REPLICA IDENTITY FULL`".into(),
        ),
        code if code.starts_with("22") => {
            forbidden(format!("the new value is none of its column's type (code {code})"))
        }
        "55P03" | "40P01" | "40001" => {
            refuse(RefusalKind::Locked, "another session has a row locked that it needs: try again".into())
        }
        "42501" => refuse(RefusalKind::ReadOnly, format!("permission denied to{table}, or to what a trigger needs")),
        "25006" => refuse(RefusalKind::ReadOnly, "the database takes no changes at present".into()),
        "57014" => refuse(RefusalKind::Failed, "the server cancelled the statement: it took too long".into()),
        code => refuse(RefusalKind::Failed, format!("the server refuses it (code {code}): its log says more")),
    }
}
