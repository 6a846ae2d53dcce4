//! What the connectors for servers share: a connection with the runtime that drives it, and what can go wrong.

use std::time::Duration;

use residuum_source::{ObjectPath, SourceError, Stop, Target};
use sqlx::Connection;
use tokio::runtime::{Builder, Handle, Runtime};

/// A connection, driven by the thread that uses it.
pub struct Link<C: Connection> {
    /// `None` only while it is dropped.
    connection: Option<C>,
    runtime: Runtime,
}

impl<C: Connection> Drop for Link<C> {
    /// Says goodbye, so that the server's log does not complain; unless that would block an asynchronous caller.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && Handle::try_current().is_err()
        {
            let goodbye = async { tokio::time::timeout(GOODBYE, connection.close()).await };
            let _ = self.runtime.block_on(goodbye);
        }
    }
}

impl<C: Connection> Link<C> {
    /// Connects, within so much time.
    pub fn open(options: &C::Options, patience: Duration) -> Result<Self, sqlx::Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
        let connecting = async {
            let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
            tokio::time::timeout(patience, C::connect_with(options)).await.unwrap_or_else(|_| Err(late()))
        };
        let connection = runtime.block_on(connecting)?;
        Ok(Self { connection: Some(connection), runtime })
    }

    /// Does something with the connection.
    pub fn with<T>(&mut self, work: impl AsyncFnOnce(&mut C) -> T) -> T {
        let connection = self.connection.as_mut().expect("a link is without its connection only while it is dropped");
        self.runtime.block_on(work(connection))
    }
}

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why something could not be done.
#[derive(Debug)]
pub enum Trouble {
    /// The driver or the server says so.
    Sql(sqlx::Error),
    /// The rest of the unit cannot be read.
    Lost(String),
    /// The object cannot be read.
    Unreadable(String),
    /// The sink asked to stop.
    Stopped,
}

/// Whether a connection failed because there is no TLS session that will do. A certificate that is not acceptable
/// comes as invalid data of the connection.
pub fn is_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Why there is no connection that sees a moment.
pub enum Failed {
    /// None could be made.
    Connect(SourceError),
    /// It could be made, and its transaction not begun.
    Begin(Trouble),
}

/// What a trouble means for the object being read.
pub enum Verdict {
    /// The connection is gone, and with it the unit.
    Lost(String),
    /// The object cannot be read; others may.
    Unreadable(String),
    /// The sink asked to stop.
    Stopped,
}

impl Verdict {
    /// The connection broke while these were written to: nothing was, unless it did so while the server committed.
    pub fn lost(self, targets: &[Target]) -> SourceError {
        let reason = match self {
            Self::Lost(reason) | Self::Unreadable(reason) => reason,
            Self::Stopped => return SourceError::Stopped,
        };
        let object = targets.first().map_or_else(|| ObjectPath::from_bytes(b""), |target| target.object.clone());
        SourceError::Lost { object, reason }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Stop> for Trouble {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}
