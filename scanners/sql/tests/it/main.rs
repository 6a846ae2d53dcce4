//! The SQL connectors against real databases.

#[allow(dead_code)] // what one connector needs of it is unused without that
mod editing;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[allow(dead_code)] // what one connector needs of it is unused without that
mod reading;
#[cfg(feature = "sqlite")]
mod sqlite;
