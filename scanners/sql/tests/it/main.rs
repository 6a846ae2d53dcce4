//! The SQL connectors against real databases.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod reading;
#[cfg(feature = "sqlite")]
mod sqlite;
