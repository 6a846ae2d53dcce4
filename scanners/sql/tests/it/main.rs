//! The SQL connectors against real databases.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod reading;
#[cfg(feature = "sqlite")]
mod sqlite;
