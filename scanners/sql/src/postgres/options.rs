//! How a database is reached: the URL, the password from wherever it is kept, and what a scan may cost.

use std::time::Duration;

use residuum_source::{Sensitive, SourceError};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::link::{Patience, Silences};

/// How to reach a PostgreSQL database and how politely to read it.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://user@host:port/database?sslmode=…&sslrootcert=…`. What it leaves out comes from the environment
    /// variables that `psql` reads (`PGHOST`, `PGUSER`, `PGSSLMODE`, …). It may hold a password, so it is not shown.
    pub url: Sensitive<String>,
    /// The password. Else that of the URL, `PGPASSWORD`, or the line for this server in `PGPASSFILE` or `~/.pgpass`.
    pub password: Option<Sensitive<String>>,
    /// How long connecting may take; 15 seconds unless told.
    pub connect_timeout: Duration,
    /// How long the server may say nothing while it is to answer, before its connection is given up; 10 minutes unless
    /// told. It bounds no answer that goes on, however slowly, and should be longer than the longest statement that
    /// gives nothing for a while.
    pub answer_timeout: Duration,
    /// How long to wait for a table that is being altered; 5 seconds unless told.
    pub lock_timeout: Duration,
    /// How long a single statement may run, such as the reading of one range of a table; without end unless told.
    pub statement_timeout: Option<Duration>,
    /// How long a reader's transaction may wait for this program before the server ends it, should the program hang;
    /// 10 minutes unless told. The transaction that holds the snapshot may wait as long as the snapshot may be held.
    pub idle_timeout: Duration,
    /// How long the snapshot may be held open, during which `VACUUM` cannot clean up behind writers; 24 hours
    /// unless told.
    pub snapshot_age: Duration,
    /// Whether large tables are read by ranges of their blocks, as PostgreSQL 14 and later can; else by ranges of
    /// an integer key. Turn it off for a server that only looks like one.
    pub tid_ranges: bool,
    /// Values longer than this are read by windows; 16 MiB unless told.
    pub long_value: u64,
}

/// Where to connect, resolved.
pub struct Target {
    /// For the driver; holds the password.
    pub connect: PgConnectOptions,
    /// For messages: `user` on `host:port`.
    pub shown: String,
    /// Of the server, so far.
    pub silences: Silences,
}

impl PostgresOptions {
    /// Reaches the database at a URL, with the defaults of every other option.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Sensitive::new(url.into()),
            password: None,
            connect_timeout: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(10 * 60),
            lock_timeout: Duration::from_secs(5),
            statement_timeout: None,
            idle_timeout: Duration::from_secs(10 * 60),
            snapshot_age: Duration::from_secs(24 * 60 * 60),
            tid_ranges: true,
            long_value: crate::LONG_VALUE,
        }
    }

    /// How long the server is waited for.
    pub(super) fn patience(&self) -> Patience {
        Patience { connect: self.connect_timeout, answer: self.answer_timeout }
    }

    /// Takes the URL apart and fills in what it leaves out.
    pub(super) fn resolve(&self, name: &str) -> Result<Target, SourceError> {
        let bad = |reason: &str| SourceError::Config { source_name: name.to_owned(), reason: reason.to_owned() };
        let url = self.url.expose();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(bad("a PostgreSQL URL begins with `postgres://`"));
        }
        // The driver logs a malformed line of a password file, password and all: nobody listens here.
        let quiet = tracing::subscriber::NoSubscriber::default();
        let parsed: Result<PgConnectOptions, _> = tracing::subscriber::with_default(quiet, || url.parse());
        // What it says about a URL may quote it.
        let mut connect = parsed.map_err(|_| {
            bad("the URL is not `postgres://user@host:port/database?sslmode=disable|prefer|require|verify-ca|verify-full`; \
                 special characters in a name or password are percent-encoded")
        })?;
        if let Some(password) = &self.password {
            connect = connect.password(password.expose());
        }
        if connect.get_application_name().is_none() {
            connect = connect.application_name("residuum");
        }
        connect = connect.disable_statement_logging();
        let place = match connect.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", connect.get_host(), connect.get_port()),
        };
        Ok(Target {
            shown: format!("`{}` on `{place}`", connect.get_username()),
            connect,
            silences: Silences::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_urls_are_refused_without_being_shown() {
        let cases =
            ["mysql://u:geheim@h/d", "postgres://u:geheim@h:notaport/d", "postgres://u:geheim@h/d?sslmode=maybe"];
        for url in cases {
            let error = PostgresOptions::new(url).resolve("crm").err().expect(url).to_string();
            assert!(error.contains("`crm`") && !error.contains("geheim"), "{error}");
        }
        assert!(!format!("{:?}", PostgresOptions::new("postgres://u:geheim@h/d")).contains("geheim"));
    }

    #[test]
    fn the_target_is_shown_without_the_password() {
        let target = PostgresOptions::new("postgres://jo%40x:geheim@db.example.com:5433/crm").resolve("crm").unwrap();
        assert_eq!(target.shown, "`jo@x` on `db.example.com:5433`");
    }
}
