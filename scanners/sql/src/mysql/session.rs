//! Connections, and what was learned about the server behind them.

use futures_util::TryStreamExt;
use residuum_source::SourceError;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Decode, Row, ValueRef};

use super::error;
use super::options::{MySqlOptions, Target};
use crate::link::Trouble;

/// A connection. Its statements go by the text protocol, in which the server writes every value as text in the
/// session's character set, whatever the column's, and bytes as they are; nothing is left prepared.
pub type Link = crate::link::Link<MySqlConnection>;

/// A row of text.
pub type TextRow = Vec<Option<String>>;

/// What was learned about the server when the source was opened.
#[derive(Debug)]
pub struct Server {
    /// `MariaDB 10.11.14`.
    pub shown: String,
    /// Whether it is MariaDB.
    pub is_mariadb: bool,
    /// Who reads, as statements name it.
    pub user: String,
    /// Tells servers apart.
    pub system: String,
    /// The longest value that a function gives, in bytes: beyond it the server gives a null.
    pub max_packet: u64,
    /// Settings made in every session.
    settings: String,
}

impl Link {
    /// Connects.
    pub fn connect(name: &str, target: &Target, options: &MySqlOptions) -> Result<Self, SourceError> {
        let opened = Self::open(&target.connect, options.patience(), &target.silences);
        opened.map_err(|error| error::source(name, target, Trouble::Sql(error)))
    }

    /// Runs a statement and takes its rows one by one. A row that is refused leaves the rest unread: what comes next
    /// on this connection reads them first.
    pub fn stream(&mut self, sql: &str, row: &mut dyn FnMut(&MySqlRow) -> Result<(), Trouble>) -> Result<(), Trouble> {
        // Every statement of this crate is made of its own text, quoted identifiers and numbers.
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.with(async |connection| -> Result<(), Trouble> {
            let mut rows = query.fetch(connection);
            while let Some(next) = rows.try_next().await? {
                row(&next)?;
            }
            Ok(())
        })
    }

    /// Runs statements and gives their rows.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, Trouble> {
        let mut rows = Vec::new();
        self.stream(sql, &mut |row| {
            let value = |i| Ok(value(row, i)?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
            rows.push((0..row.len()).map(value).collect::<Result<TextRow, Trouble>>()?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs statements.
    pub fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        self.stream(sql, &mut |_| Ok(()))
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub fn affected(&mut self, sql: &str) -> Result<u64, Trouble> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = self.with(async |connection| query.execute(connection).await)?;
        Ok(done.rows_affected())
    }

    /// Runs a statement with values for its parameters and gives the number of rows that it found.
    pub fn bound(&mut self, sql: &str, values: Vec<Sent>) -> Result<u64, Trouble> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
        for value in values {
            query = match value {
                Sent::Null => query.bind(None::<String>),
                Sent::Text(text) => query.bind(text),
                Sent::Bytes(bytes) => query.bind(bytes),
            };
        }
        let done = self.with(async |connection| query.execute(connection).await)?;
        Ok(done.rows_affected())
    }

    /// Does something that is undone by itself if it is refused.
    pub fn undoable<T, R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<Result<T, R>, Trouble>,
    ) -> Result<Result<T, R>, Trouble> {
        self.run("SAVEPOINT residuum")?;
        let done = work(self)?;
        if done.is_err() {
            self.run("ROLLBACK TO SAVEPOINT residuum")?;
        }
        Ok(done)
    }

    /// Learns about the server.
    pub fn server(&mut self, options: &MySqlOptions) -> Result<Server, Trouble> {
        let about =
            self.rows("SELECT VERSION(), CURRENT_USER(), @@hostname, @@port, @@server_id, @@max_allowed_packet")?;
        let about = about.into_iter().next().unwrap_or_default();
        let field = |i: usize| about.get(i).cloned().flatten().unwrap_or_default();
        let mut names: Vec<_> = SETTINGS.iter().map(|(name, _)| format!("'{name}'")).collect();
        names.extend(["'server_uid'", "'server_uuid'"].map(str::to_owned));
        let variables = self.rows(&format!("SHOW VARIABLES WHERE Variable_name IN ({})", names.join(", ")))?;
        let known = |name: &str| variables.iter().find(|row| row.first().is_some_and(|n| n.as_deref() == Some(name)));
        let mut settings = format!("SET SESSION lock_wait_timeout = {}", options.lock_timeout.as_secs().max(1));
        for (name, value) in SETTINGS.iter().filter(|(name, _)| known(name).is_some()) {
            settings.push_str(&format!(", {name} = {value}"));
        }
        settings.push_str("; SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        let own = known("server_uuid").or_else(|| known("server_uid")).and_then(|row| row.get(1).cloned().flatten());
        let is_mariadb = field(0).contains("MariaDB");
        let number = field(0).split('-').next().unwrap_or_default().to_owned();
        Ok(Server {
            shown: format!("{} {number}", if is_mariadb { "MariaDB" } else { "MySQL" }),
            is_mariadb,
            user: grantee(&field(1)),
            system: own.unwrap_or_else(|| format!("{}:{}:{}", field(2), field(3), field(4))),
            max_packet: field(5).parse().unwrap_or(1 << 20),
            settings,
        })
    }

    /// Makes the settings without which reading would not be complete or polite.
    pub fn settle(&mut self, server: &Server) -> Result<(), Trouble> {
        self.run(&server.settings)
    }
}

/// What is sent for a parameter.
pub enum Sent {
    /// No value.
    Null,
    /// Text, which the server turns into what its column holds.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Where a transaction can go back to; a later one of the same name takes its place, so that one statement within
/// several that are undone together has a name of its own.
pub const SAVEPOINT: &str = "SAVEPOINT residuum_rows";
/// Goes back there. That there is no such place any more says that the server has undone all of the transaction.
pub const ROLLBACK_TO: &str = "ROLLBACK TO SAVEPOINT residuum_rows";

/// Value `i` of a row, `None` for a null.
#[inline]
pub fn value(row: &MySqlRow, i: usize) -> Result<Option<&[u8]>, Trouble> {
    let value = row.try_get_raw(i)?;
    if value.is_null() {
        return Ok(None);
    }
    let bytes = <&[u8] as Decode<sqlx::MySql>>::decode(value)
        .map_err(|_| Trouble::Lost("the server sent a row that makes no sense".into()));
    bytes.map(Some)
}

/// `user@host` as `GRANT … TO` takes it.
fn grantee(user: &str) -> String {
    let (user, host) = user.rsplit_once('@').unwrap_or((user, "%"));
    format!("'{user}'@'{host}'")
}

/// Settings that make reading complete, its text one and the same everywhere, and its burden small.
const SETTINGS: &[(&str, &str)] = &[
    ("sql_mode", "''"),
    ("time_zone", "'+00:00'"),
    // Rows beyond a limit, or tables beyond a size, would be left out.
    ("sql_select_limit", "18446744073709551615"),
    ("sql_big_selects", "1"),
    ("sql_safe_updates", "0"),
    ("system_versioning_asof", "DEFAULT"),
    ("information_schema_stats_expiry", "0"),
    ("sql_quote_show_create", "1"),
    // A unit may take long, and a session waits while others read; that neither blocks anybody is seen to by giving
    // locks back after each.
    ("max_statement_time", "0"),
    ("max_execution_time", "0"),
    ("idle_transaction_timeout", "0"),
    ("idle_readonly_transaction_timeout", "0"),
    ("wait_timeout", "2147483"),
    ("net_read_timeout", "86400"),
    ("net_write_timeout", "86400"),
];
