//! How a server is reached: the URL, the password from wherever it is kept, and what a scan may cost.

use std::time::Duration;

use residuum_source::{Sensitive, SourceError};
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;

use crate::link::{Patience, Silences};

/// How to reach a MariaDB or MySQL server and how politely to read it.
#[derive(Clone, Debug)]
pub struct MySqlOptions {
    /// `mysql://user@host:port/database?ssl-mode=…&ssl-ca=…`, or `mariadb://…`. Without a database, all of them that
    /// are not the server's own. It may hold a password, so it is not shown.
    ///
    /// `ssl-mode` is `disabled`, `preferred` (the default: TLS where the server has it, its certificate not looked
    /// at), `required`, `verify_ca` or `verify_identity`; `ssl-ca` names a file of authorities, `ssl-cert` and
    /// `ssl-key` the client's own certificate, `socket` a Unix socket.
    pub url: Sensitive<String>,
    /// The password. Else that of the URL, or `MYSQL_PWD`.
    pub password: Option<Sensitive<String>>,
    /// How long connecting may take; 15 seconds unless told.
    pub connect_timeout: Duration,
    /// How long the server may say nothing while it is to answer, before its connection is given up; 10 minutes unless
    /// told. It bounds no answer that goes on, however slowly, and should be longer than the longest statement that
    /// gives nothing for a while.
    pub answer_timeout: Duration,
    /// How long to wait for a table that is being altered; 5 seconds unless told.
    pub lock_timeout: Duration,
    /// How long snapshots for the whole scan may be held open, during which the server keeps what writers replace;
    /// 24 hours unless told.
    pub snapshot_age: Duration,
    /// Sessions that see one moment together, where that can be had; more threads wait for one of them. One more than
    /// there are processors, at most 9, unless told.
    pub sessions: usize,
    /// Values longer than this are read by windows; 16 MiB unless told.
    pub long_value: u64,
}

/// Where to connect, resolved.
pub struct Target {
    /// For the driver; holds the password.
    pub connect: MySqlConnectOptions,
    /// The one database that is read, if one is named.
    pub database: Option<String>,
    /// For messages: `user` on `host:port`.
    pub shown: String,
    /// Of the server, so far.
    pub silences: Silences,
}

impl MySqlOptions {
    /// Reaches the server at a URL, with the defaults of every other option.
    pub fn new(url: impl Into<String>) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            url: Sensitive::new(url.into()),
            password: None,
            connect_timeout: Duration::from_secs(15),
            answer_timeout: Duration::from_secs(10 * 60),
            lock_timeout: Duration::from_secs(5),
            snapshot_age: Duration::from_secs(24 * 60 * 60),
            sessions: processors.min(8) + 1,
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
        let rest = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://"));
        let rest = rest.ok_or_else(|| bad("a URL of MariaDB or MySQL begins with `mysql://` or `mariadb://`"))?;
        // The driver would take a misspelt parameter for none, and connect without TLS.
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        let keys = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split('=').next().unwrap_or(pair));
        if keys.into_iter().any(|key| !PARAMETERS.contains(&key)) {
            return Err(bad("of parameters, a URL has `ssl-mode`, `ssl-ca`, `ssl-cert`, `ssl-key` and `socket`"));
        }
        let parsed: Result<MySqlConnectOptions, _> = url.parse();
        // What it says about a URL may quote it.
        let mut connect = parsed.map_err(|_| {
            bad("the URL is not `mysql://user@host:port/database?ssl-mode=disabled|preferred|required|verify_ca|verify_identity`; \
                 special characters in a name or password are percent-encoded")
        })?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (credentials, has_user) = match authority.rsplit_once('@') {
            Some((credentials, _)) => (credentials, !credentials.is_empty() && !credentials.starts_with(':')),
            None => ("", false),
        };
        if !has_user {
            return Err(bad("the URL names no user: `mysql://user@host:port/database`"));
        }
        if let Some(password) = &self.password {
            connect = connect.password(password.expose());
        } else if !credentials.contains(':')
            && let Ok(password) = std::env::var("MYSQL_PWD")
        {
            connect = connect.password(&password);
        }
        connect = connect.pipes_as_concat(false).no_engine_substitution(false).disable_statement_logging();
        let place = match connect.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", connect.get_host(), connect.get_port()),
        };
        let database = connect.get_database().map(str::to_owned);
        Ok(Target {
            shown: format!("`{}` on `{place}`", connect.get_username()),
            database,
            connect,
            silences: Silences::default(),
        })
    }
}

/// What may stand behind the `?` of a URL.
const PARAMETERS: &[&str] = &["ssl-mode", "sslmode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_urls_are_refused_without_being_shown() {
        let cases = [
            "postgres://u:geheim@h/d",
            "mysql://u:geheim@h:notaport/d",
            "mysql://u:geheim@h/d?ssl-mode=maybe",
            "mysql://u:geheim@h/d?sslrootcert=ca.pem",
            "mysql://:geheim@h/d",
            "mysql://geheim/d",
        ];
        for url in cases {
            let error = MySqlOptions::new(url).resolve("crm").err().expect(url).to_string();
            assert!(error.contains("`crm`") && !error.contains("geheim"), "{error}");
        }
        assert!(!format!("{:?}", MySqlOptions::new("mysql://u:geheim@h/d")).contains("geheim"));
    }

    #[test]
    fn the_target_is_shown_without_the_password() {
        for scheme in ["mysql", "mariadb"] {
            let url = format!("{scheme}://jo%40x:geheim@db.example.com:3307/crm");
            let target = MySqlOptions::new(url).resolve("crm").unwrap();
            assert_eq!(target.shown, "`jo@x` on `db.example.com:3307`");
            assert_eq!(target.database.as_deref(), Some("crm"));
        }
        assert_eq!(MySqlOptions::new("mysql://jo@h/").resolve("crm").unwrap().database, None);
    }
}
