//! Connections, each with the runtime that drives it, and the snapshot they share.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use residuum_source::{SourceError, Version};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::error;
use super::options::{PostgresOptions, Target};
use crate::link::Trouble;

/// A connection. Its statements go by the simple protocol: nothing is left prepared, so that a pooler between is
/// no hindrance, and every setting is made anew in each transaction.
pub type Link = crate::link::Link<PgConnection>;

/// A row of text, as the simple protocol gives it.
pub type TextRow = Vec<Option<String>>;

/// What was learned about the server when the source was opened.
#[derive(Debug)]
pub struct Server {
    /// `150018`.
    pub version: u32,
    /// `PostgreSQL 15.18`, and what else it says of itself.
    pub shown: String,
    /// Bytes in a block.
    pub block_size: u64,
    /// The role that reads.
    pub role: String,
    /// Tells clusters apart.
    system: String,
    /// Settings made in every transaction.
    settings: String,
    /// The server ends a reader that waits longer for this program.
    idle_timeout: Duration,
    /// The server ends the transaction that holds the snapshot after as long without a word from this program.
    snapshot_age: Duration,
    /// Whether tables can be read by ranges of their blocks.
    pub tid_ranges: bool,
}

/// Which moment a transaction sees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotId {
    /// The name under which it is exported, if it is.
    name: Option<String>,
    /// Which transactions it sees: equal in two snapshots of one server only if they see the same.
    sees: String,
}

/// A session that holds a snapshot open for the others.
pub struct Snapshot {
    exporter: Link,
    id: SnapshotId,
    taken: Instant,
}

impl Link {
    /// Connects.
    pub fn connect(name: &str, target: &Target, options: &PostgresOptions) -> Result<Self, SourceError> {
        let opened = Self::open(&target.connect, options.patience(), &target.silences);
        opened.map_err(|error| error::source(name, target, Trouble::Sql(error)))
    }

    /// Runs statements and gives their rows.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, Trouble> {
        // Every statement of this crate is made of its own text, quoted identifiers and numbers.
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let rows = self.with(async |connection| query.fetch_all(connection).await)?;
        let text = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|i| row.try_get_unchecked(i)).collect();
        Ok(rows.iter().map(text).collect::<Result<_, sqlx::Error>>()?)
    }

    /// Runs statements.
    pub fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        self.rows(sql).map(drop)
    }

    /// Runs a `COPY … TO STDOUT` and gives its output piece by piece. After an error the connection is of no use.
    pub fn copy(&mut self, sql: &str, piece: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Trouble> {
        self.with(async |connection| -> Result<(), Trouble> {
            let mut pieces = connection.copy_out_raw(sql).await?;
            while let Some(bytes) = pieces.try_next().await? {
                piece(&bytes)?;
            }
            Ok(())
        })
    }

    /// Runs a statement and gives the number of rows that it touched.
    pub fn affected(&mut self, sql: &str) -> Result<u64, Trouble> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = self.with(async |connection| query.execute(connection).await)?;
        Ok(done.rows_affected())
    }

    /// Runs a statement with arrays of texts for its parameters, which the server's log does not show; its rows are
    /// texts.
    pub fn bound(&mut self, sql: &str, arrays: Vec<Vec<Option<String>>>) -> Result<Vec<TextRow>, Trouble> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
        for array in arrays {
            query = query.bind(array);
        }
        let rows = self.with(async |connection| query.fetch_all(connection).await)?;
        let text = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|i| row.try_get_unchecked(i)).collect();
        Ok(rows.iter().map(text).collect::<Result<_, sqlx::Error>>()?)
    }

    /// Does something that can be undone by itself: the inner error is that of what was undone.
    pub fn undoable<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Trouble>,
    ) -> Result<Result<T, Trouble>, Trouble> {
        self.run("SAVEPOINT residuum")?;
        match work(self) {
            Ok(done) => {
                self.run("RELEASE residuum")?;
                Ok(Ok(done))
            }
            Err(trouble) if trouble.is_lost() => Err(trouble),
            Err(trouble) => {
                self.run("ROLLBACK TO residuum; RELEASE residuum")?;
                Ok(Err(trouble))
            }
        }
    }

    /// Runs a statement that may fire triggers: they find names as in any other session of the role, not as this program's
    /// own queries do. To be called where an error goes back to a savepoint, which also brings back the path of those.
    pub fn with_names_of_role<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.run("SET LOCAL search_path TO DEFAULT")?;
        let done = work(self)?;
        self.run("SET LOCAL search_path = pg_catalog")?;
        Ok(done)
    }

    /// Learns about the server.
    pub fn server(&mut self, options: &PostgresOptions) -> Result<Server, Trouble> {
        let about = self.rows(
            "SELECT current_setting('server_version_num'), version(), current_setting('block_size'), current_user::text",
        )?;
        let about = about.first().cloned().unwrap_or_default();
        let field = |i: usize| about.get(i).cloned().flatten().unwrap_or_default();
        let version = field(0).parse().unwrap_or(0);
        let names: Vec<_> = SETTINGS.iter().map(|(name, _)| format!("'{name}'")).collect();
        let known = self.rows(&format!("SELECT name FROM pg_settings WHERE name IN ({})", names.join(", ")))?;
        let known: Vec<_> = known.into_iter().flatten().flatten().collect();
        let mut settings = format!("SET LOCAL lock_timeout = {};", milliseconds(options.lock_timeout));
        for (name, value) in SETTINGS.iter().filter(|(name, _)| known.iter().any(|known| known == name)) {
            settings.push_str(&format!("SET LOCAL {name} = {value};"));
        }
        let most = options.statement_timeout.unwrap_or_default();
        settings.push_str(&format!("SET LOCAL statement_timeout = {};", milliseconds(most)));
        // A server that only looks like one may not say which it is.
        let system = self.rows("SELECT system_identifier::text FROM pg_control_system()").ok();
        let system = system.and_then(|rows| rows.into_iter().flatten().next().flatten());
        Ok(Server {
            version,
            shown: field(1).split(" on ").next().unwrap_or_default().to_owned(),
            block_size: field(2).parse().unwrap_or(8192),
            role: field(3),
            system: system.unwrap_or_else(|| "unknown".into()),
            settings,
            idle_timeout: options.idle_timeout,
            snapshot_age: options.snapshot_age,
            tid_ranges: options.tid_ranges && version >= 140_000,
        })
    }

    /// Begins a transaction that sees a snapshot.
    pub fn begin(&mut self, server: &Server, id: &SnapshotId) -> Result<(), Trouble> {
        let import = id.name.as_ref().map(|name| format!("SET TRANSACTION SNAPSHOT '{name}';")).unwrap_or_default();
        let settings = server.settings(server.idle_timeout);
        let begun = self.rows(&format!("{BEGIN}{import}{settings}{}", server.sees()));
        let sees = match begun {
            Ok(rows) => rows.into_iter().flatten().next().flatten().unwrap_or_default(),
            Err(trouble) if matches!(trouble.code().as_deref(), Some("22023" | "55000" | "42704")) => {
                return Err(Trouble::Lost(SNAPSHOT_ENDED.into()));
            }
            Err(trouble) => return Err(trouble),
        };
        // Names of snapshots come again when a server is restarted.
        if id.name.is_some() && sees != id.sees { Err(Trouble::Lost(SNAPSHOT_ENDED.into())) } else { Ok(()) }
    }

    /// Begins a transaction that writes; says whether the server is a standby, which takes none.
    pub fn begin_to_write(&mut self, server: &Server) -> Result<bool, Trouble> {
        let standby = self.rows("SELECT pg_is_in_recovery()")?;
        if standby.into_iter().flatten().next().flatten().as_deref() == Some("t") {
            return Ok(true);
        }
        let settings = server.settings(server.idle_timeout);
        self.run(&format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;{settings}SET CONSTRAINTS ALL IMMEDIATE"))?;
        // Rows are addressed by key or place, thousands at a time. From some hundreds of places on, the planner would
        // rather read the whole table and throw away what it was not asked for, for every batch anew.
        self.run("SET LOCAL xmloption = content; SET LOCAL enable_seqscan = off").map(|()| false)
    }
}

impl Server {
    /// The version of a table's content: which server, which moment, and which file of it.
    pub fn version_of(&self, id: &SnapshotId, node: u32) -> Version {
        let name = id.name.as_deref().unwrap_or("-");
        Version::snapshot(format!("pg {} {name} {} {node}", self.system, id.sees))
    }

    /// Statements that make the settings of a transaction that may wait so long for this program.
    fn settings(&self, idle: Duration) -> String {
        format!("{}SET LOCAL idle_in_transaction_session_timeout = {};", self.settings, milliseconds(idle))
    }

    /// A statement whose one row says what the transaction sees.
    fn sees(&self) -> &'static str {
        if self.version >= 130_000 {
            "SELECT pg_current_snapshot()::text"
        } else {
            "SELECT txid_current_snapshot()::text"
        }
    }
}

impl SnapshotId {
    /// Each transaction sees its own moment.
    pub fn of_its_own() -> Self {
        Self { name: None, sees: String::new() }
    }

    /// The snapshot in which a table was listed, and the file the table had then.
    pub fn of_version(version: &Version) -> Option<(Self, u32)> {
        let mut words = version.text.split(' ').skip(2);
        let (name, sees, node) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        // It goes into a statement: only what a server makes passes.
        let is_name = name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        is_name.then(|| (Self { name: (name != "-").then(|| name.to_owned()), sees: sees.to_owned() }, node))
    }

    /// Whether several transactions see it.
    pub fn is_shared(&self) -> bool {
        self.name.is_some()
    }
}

impl Snapshot {
    /// Takes a snapshot and holds it open.
    pub fn take(mut exporter: Link, server: &Server) -> Result<Self, Trouble> {
        // No table is touched in this session, so it holds no lock on any.
        let begin = format!("{BEGIN}{}{}", server.settings(server.snapshot_age), server.sees());
        let rows = exporter.rows(&begin)?;
        let sees = rows.into_iter().flatten().next().flatten().unwrap_or_default();
        let name = match exporter.rows("SELECT pg_export_snapshot()") {
            Ok(rows) => rows.into_iter().flatten().next().flatten(),
            // A server that only looks like PostgreSQL: each table is read at a moment of its own.
            Err(trouble) if trouble.code().is_some() && !trouble.is_lost() => None,
            Err(trouble) => return Err(trouble),
        };
        Ok(Self { exporter, id: SnapshotId { name, sees }, taken: Instant::now() })
    }

    /// Which it is.
    pub fn id(&self) -> SnapshotId {
        self.id.clone()
    }

    /// For how long it has been held.
    pub fn age(&self) -> Duration {
        self.taken.elapsed()
    }

    /// Whether the session that holds it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.id.name.is_none() || self.exporter.run("SELECT 1").is_ok()
    }
}

/// As the server's settings have it: a 32-bit number of milliseconds, of which 0 is no limit.
fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;";

const SNAPSHOT_ENDED: &str = "the session that held this scan's snapshot has ended, so the rest of the table would be of another moment: scan again";

/// Settings that make reading complete, its text one and the same everywhere, and its burden small.
const SETTINGS: &[(&str, &str)] = &[
    // Rows that would be hidden are an error instead.
    ("row_security", "off"),
    ("search_path", "pg_catalog"),
    ("client_encoding", "'UTF8'"),
    ("standard_conforming_strings", "on"),
    ("bytea_output", "hex"),
    ("DateStyle", "'ISO, MDY'"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "'UTC'"),
    ("extra_float_digits", "1"),
    ("client_min_messages", "error"),
    // A unit may take long; that it blocks nobody is seen to by giving its locks back after each.
    ("transaction_timeout", "0"),
    ("tcp_keepalives_idle", "60"),
    ("tcp_keepalives_interval", "15"),
    // One process for each connection, in the order of the blocks.
    ("max_parallel_workers_per_gather", "0"),
    ("synchronize_seqscans", "off"),
    ("enable_tidscan", "on"),
    ("jit", "off"),
];
