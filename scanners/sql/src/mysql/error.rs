//! What the server or the way to it says, sorted by what a scan does next, with the cure and without values.

use residuum_source::SourceError;
use sqlx::mysql::MySqlDatabaseError;

use super::options::Target;
use crate::link::{Trouble, Verdict, is_tls};

/// The server's number for an error.
pub fn number(trouble: &Trouble) -> Option<u16> {
    match trouble {
        Trouble::Sql(error) => number_of(error),
        _ => None,
    }
}

fn number_of(error: &sqlx::Error) -> Option<u16> {
    match error {
        sqlx::Error::Database(said) => said.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number),
        _ => None,
    }
}

/// Whether the session is gone.
pub fn is_lost(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Lost(_) => true,
        Trouble::Sql(sqlx::Error::Database(_)) => number(trouble).is_some_and(|number| ENDED.contains(&number)),
        Trouble::Sql(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => true,
        _ => false,
    }
}

/// What a trouble means for the object being read; `grant` is the statement that would allow reading it.
pub fn verdict(trouble: Trouble, grant: &str) -> Verdict {
    let lost = is_lost(&trouble);
    let error = match trouble {
        Trouble::Stopped => return Verdict::Stopped,
        Trouble::Lost(reason) => return Verdict::Lost(reason),
        Trouble::Unreadable(reason) => return Verdict::Unreadable(reason),
        Trouble::Sql(error) => error,
    };
    let Some(number) = number_of(&error) else {
        let reason = format!("{error}");
        return if lost { Verdict::Lost(reason) } else { Verdict::Unreadable(reason) };
    };
    if lost {
        return Verdict::Lost(format!("the server ended the session (error {number})"));
    }
    Verdict::Unreadable(match number {
        1142 | 1143 | 1044 | 1370 => format!("permission denied: {grant}"),
        1205 => "another session holds a lock on it, as `ALTER TABLE` does: scan again when that is done".into(),
        1412 | 1146 | 1054 | 1049 => "it was dropped, truncated or altered while it was scanned: scan again".into(),
        1317 | 1969 | 3024 => format!("the server cancelled the reading (error {number}): scan again"),
        1034 | 1035 | 1126 | 1194 | 1195 | 1459 => {
            format!("the server says the table is damaged (error {number}): `REPAIR TABLE` or a backup helps")
        }
        1932 | 1033 | 1812 => {
            format!("the server has no data for this table (error {number}): look at its error log")
        }
        1286 => "the server does not have the storage engine of this table: install its plugin".into(),
        1104 => "the server takes the statement for too large: raise `max_join_size` for this user".into(),
        1021 | 1114 => format!("the server has no space left for its working memory (error {number})"),
        // Messages may quote values: only the number is passed on.
        _ => format!("the server cannot read it (error {number}): `perror {number}` and its error log say more"),
    })
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
    let number = number_of(&error);
    let reason = match (number, &error) {
        (Some(1045 | 1698), _) => {
            let reason = format!(
                "wrong user or password for {shown}; the password is taken from the source's settings, the URL or `MYSQL_PWD`"
            );
            return SourceError::Credentials { source_name, reason };
        }
        (Some(1130 | 1820 | 1862 | 4151), sqlx::Error::Database(said)) => {
            return SourceError::Credentials { source_name, reason: format!("{}, for {shown}", said.message()) };
        }
        (Some(1044 | 1049), sqlx::Error::Database(said)) => {
            return SourceError::Config { source_name, reason: format!("{}, for {shown}", said.message()) };
        }
        (Some(number @ (1040 | 1203 | 1226)), _) => format!(
            "the server takes no more connections (error {number}), for {shown}: raise `max_connections` or the user's limit"
        ),
        (Some(1129), _) => format!("the server blocks this machine, for {shown}: `FLUSH HOSTS` there lets it in again"),
        (Some(3159), _) => format!("the server requires TLS, for {shown}: add `ssl-mode=required` to the URL"),
        (Some(number), _) => format!("the server refuses (error {number}), for {shown}"),
        (None, sqlx::Error::Protocol(said)) if said.contains("authentication plugin") => {
            let reason = format!(
                "{shown} is identified in a way this program does not know: use `mysql_native_password` or `caching_sha2_password`"
            );
            return SourceError::Credentials { source_name, reason };
        }
        (None, sqlx::Error::Configuration(said)) if said.to_string().contains("RSA") => {
            let reason = format!("the password of {shown} is only sent over TLS: add `ssl-mode=required` to the URL");
            return SourceError::Credentials { source_name, reason };
        }
        (None, sqlx::Error::Configuration(_)) => {
            let reason = format!("the settings for {shown} cannot be used: check the files that the URL names");
            return SourceError::Config { source_name, reason };
        }
        (None, error) if is_tls(error) => format!(
            "no acceptable TLS session for {shown}: check `ssl-mode` and `ssl-ca` in the URL and the server's certificate"
        ),
        (None, _) => {
            format!("no connection for {shown}: check that the server runs there and accepts connections")
        }
    };
    let cause: Option<Box<dyn std::error::Error + Send + Sync>> =
        if number.is_none() { Some(Box::new(error)) } else { None };
    SourceError::Unreachable { source_name, reason, cause }
}

/// Errors after which the session is over: shutdown, killed, timed out, network.
const ENDED: &[u16] = &[1053, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3032, 3169, 4031];
