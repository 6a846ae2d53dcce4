//! What the connectors for servers share: a connection with the runtime that drives it, and what can go wrong.

mod patience;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use residuum_source::{ObjectPath, SourceError, Stop, Target};
use sqlx::Connection;
use tokio::runtime::{Builder, Handle, Runtime};

use self::patience::{Silent, patient};

/// A connection, driven by the thread that uses it.
pub struct Link<C: Connection> {
    /// `None` once the server has been silent for too long: what it may still send belongs to nobody.
    connection: Option<C>,
    runtime: Runtime,
    patience: Patience,
}

/// How long one waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a session.
    pub connect: Duration,
    /// For the next word of an answer.
    pub answer: Duration,
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
    /// Connects.
    pub fn open(options: &C::Options, patience: Patience, silences: &Silences) -> Result<Self, sqlx::Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
        let connecting = async {
            let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
            tokio::time::timeout(silences.shorten(patience.connect), C::connect_with(options))
                .await
                .unwrap_or_else(|_| Err(late()))
        };
        let connected = runtime.block_on(connecting);
        silences
            .note(matches!(&connected, Err(sqlx::Error::Io(error)) if error.kind() == std::io::ErrorKind::TimedOut));
        let connection = connected?;
        Ok(Self { connection: Some(connection), runtime, patience })
    }

    /// Does something with the connection. A server that says nothing for longer than is waited for is lost, and so is
    /// the connection: a slow one, or a reader that takes its time, is not.
    pub fn with<T, E: Into<Trouble>>(&mut self, work: impl AsyncFnOnce(&mut C) -> Result<T, E>) -> Result<T, Trouble> {
        let longest = self.patience.answer;
        let silent = || Trouble::Lost(silence(longest));
        let connection = self.connection.as_mut().ok_or_else(silent)?;
        match self.runtime.block_on(patient(longest, work(connection), is_to_stop)) {
            Ok(done) => done.map_err(Into::into),
            Err(why) => {
                self.connection = None;
                Err(if why == Silent::Stopped { Trouble::Stopped } else { silent() })
            }
        }
    }
}

/// Becomes true when this process is to end. It is the process's and not a source's because a signal is: a reader learns
/// that it shall stop from its sink, and one that waits for a server has nothing to give to a sink.
static TO_STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on, whoever waits for a silent server does so no longer once this is true. The first that is given counts.
pub fn end_waits_when(stop: Arc<AtomicBool>) {
    let _ = TO_STOP.set(stop);
}

fn is_to_stop() -> bool {
    TO_STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// How often in a row a server let nobody in and said nothing.
///
/// Each table is asked for anew, and a server that has stopped to answer would take the whole time-out for each of
/// thousands: it gets half of it after each time, and all of it again once it has answered.
#[derive(Default, Debug)]
pub struct Silences(AtomicU32);

impl Silences {
    /// No wait is made shorter than this.
    const SHORTEST: Duration = Duration::from_millis(500);

    fn shorten(&self, wait: Duration) -> Duration {
        let halved = wait / (1 << self.0.load(Ordering::Relaxed).min(16));
        halved.max(Self::SHORTEST).min(wait)
    }

    fn note(&self, was_silent: bool) {
        match was_silent {
            true => drop(self.0.fetch_add(1, Ordering::Relaxed)),
            false => self.0.store(0, Ordering::Relaxed),
        }
    }
}

/// What is said of a server that does not answer.
fn silence(longest: Duration) -> String {
    format!(
        "the server was asked and has said nothing for {} s: look whether it still works, try again, or raise \
         `answer_timeout` if it needs longer",
        longest.as_secs_f64()
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_again_and_again_is_waited_for_less() {
        let (silences, whole) = (Silences::default(), Duration::from_secs(15));
        let mut waited = Duration::ZERO;
        for _ in 0..1_000 {
            waited += silences.shorten(whole);
            silences.note(true);
        }
        assert!(waited < Duration::from_secs(15 * 2 + 500), "{waited:?}");
        assert_eq!(
            silences.shorten(Duration::from_millis(20)),
            Duration::from_millis(20),
            "never longer than asked for"
        );
        silences.note(false);
        assert_eq!(silences.shorten(whole), whole);
    }
}
