//! What the server or the way to it says, sorted by what a scan does next, with the cure and without values.

use residuum_source::SourceError;

use super::options::Target;
use crate::link::{Trouble, Verdict, is_tls};

impl Trouble {
    /// The server's code for it.
    pub fn code(&self) -> Option<String> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().map(std::borrow::Cow::into_owned),
            _ => None,
        }
    }

    /// Whether the connection is gone.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Sql(sqlx::Error::Database(_)) => self.code().is_some_and(|code| ends_session(&code)),
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => true,
            _ => false,
        }
    }

    /// What it means for the object being read; `grant` is the statement that would allow reading it.
    pub fn verdict(self, role: &str, grant: &str) -> Verdict {
        let lost = self.is_lost();
        let error = match self {
            Self::Stopped => return Verdict::Stopped,
            Self::Lost(reason) => return Verdict::Lost(reason),
            Self::Unreadable(reason) => return Verdict::Unreadable(reason),
            Self::Sql(error) => error,
        };
        let sqlx::Error::Database(said) = &error else {
            let reason = format!("{error}");
            return if lost { Verdict::Lost(reason) } else { Verdict::Unreadable(reason) };
        };
        let (code, message) = (said.code().unwrap_or_default(), said.message());
        if lost {
            return Verdict::Lost(format!("the server ended the session: {message} (code {code})"));
        }
        Verdict::Unreadable(match code.as_ref() {
            "42501" if message.contains("row-level security") => hidden_rows(role),
            "42501" => format!("permission denied: {grant}"),
            "55P03" => "another session holds a lock on it, as `ALTER TABLE` does: scan again when that is done".into(),
            "57014" => format!("the server cancelled the reading: {message}"),
            "40001" | "40P01" => format!(
                "the server cancelled the reading: {message}; on a standby, `hot_standby_feedback = on` or a larger `max_standby_streaming_delay` avoids this"
            ),
            "42P01" | "42703" | "3F000" => "it was dropped or altered while it was scanned: scan again".into(),
            "54000" | "53200" => format!("a row is too large for the server to send: {message}"),
            // Errors of data quote the data.
            code if code.starts_with("22") => format!(
                "the server cannot give one of its values as UTF-8 text (code {code}): look for wrongly encoded values"
            ),
            _ => format!("the server says: {message} (code {code})"),
        })
    }
}

/// Why a table under row-level security is not read.
pub fn hidden_rows(role: &str) -> String {
    format!(
        "row-level security hides rows from this role, so it is not read: `ALTER ROLE {role} BYPASSRLS` or scan as the table's owner"
    )
}

/// A trouble that concerns the source as a whole.
pub fn source(name: &str, target: &Target, trouble: Trouble) -> SourceError {
    let source_name = name.to_owned();
    let error = match trouble {
        Trouble::Sql(error) => error,
        Trouble::Stopped => return SourceError::Stopped,
        Trouble::Lost(reason) | Trouble::Unreadable(reason) => {
            return SourceError::Unreachable { source_name, reason, cause: None };
        }
    };
    let shown = &target.shown;
    let said = match &error {
        sqlx::Error::Database(said) => said,
        _ if is_tls(&error) => {
            let reason = format!(
                "no acceptable TLS session for {shown}: check `sslmode` and `sslrootcert` in the URL and the server's certificate"
            );
            return SourceError::Unreachable { source_name, reason, cause: Some(Box::new(error)) };
        }
        sqlx::Error::Configuration(_) => {
            let reason = format!("the settings for {shown} cannot be used: check the files that the URL names");
            return SourceError::Config { source_name, reason };
        }
        _ => {
            let reason = format!("no connection for {shown}: check that the server runs there and accepts connections");
            return SourceError::Unreachable { source_name, reason, cause: Some(Box::new(error)) };
        }
    };
    let (code, message) = (said.code().unwrap_or_default(), said.message());
    match code.as_ref() {
        "28P01" => SourceError::Credentials {
            source_name,
            reason: format!(
                "wrong password for {shown}; it is taken from the source's settings, the URL, `PGPASSWORD`, or `PGPASSFILE` or `~/.pgpass`"
            ),
        },
        code if code.starts_with("28") => {
            SourceError::Credentials { source_name, reason: format!("{message}, for {shown}") }
        }
        "3D000" | "42501" => SourceError::Config { source_name, reason: format!("{message}, for {shown}") },
        "53300" => SourceError::Unreachable {
            source_name,
            reason: format!("{message}, for {shown}: scan with fewer jobs or raise `max_connections`"),
            cause: None,
        },
        _ => SourceError::Unreachable {
            source_name,
            reason: format!("{message} (code {code}), for {shown}"),
            cause: None,
        },
    }
}

/// Whether the session is over after an error of this code.
fn ends_session(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04")
}
