//! The connectors for SQL databases: each lists tables, splits them, and reads them into batches.
//!
//! [`Sqlite`] reads a database file through SQLite itself; [`Postgres`] and [`MySql`] read a server over its own
//! protocol. A scan only ever reads, and leaves nothing behind; what erasure and correction write goes through one
//! transaction. A connector is a folder of its own and a feature of
//! its own; what they share is small: quoting, and the building of batches from rows.

// What only one of the connectors needs of the shared parts is unused without it.
#[cfg_attr(not(all(feature = "postgres", feature = "sqlite")), allow(dead_code))]
mod batch;
mod edit;
mod key;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod link;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg_attr(not(all(feature = "postgres", feature = "sqlite")), allow(dead_code))]
mod quote;
#[cfg(feature = "sqlite")]
mod sqlite;
mod window;
mod write;

#[cfg(any(feature = "mysql", feature = "postgres"))]
pub use link::end_waits_when;
#[cfg(feature = "mysql")]
pub use mysql::{MySql, MySqlOptions};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

/// Values longer than this are read by windows, so that one value never has to be held whole.
const LONG_VALUE: u64 = 16 << 20;
