//! The moment at which a server is seen.
//!
//! A snapshot cannot be handed from one session to another, and making two alike by force would stop every writer.
//! There are two ways, and an object's version says which it was:
//!
//! - *One moment* ([`Moment::is_kept`]). All sessions of a scan are opened first, take their snapshots one right
//!   after the other, and keep them to the end. Where the server writes a binary log, each says at which position of
//!   it the snapshot was taken (MariaDB's `Binlog_snapshot_position`): if writers came between, all are taken again,
//!   and equal positions prove that all see the same. Elsewhere they differ by as much as the version says, some
//!   microseconds. After each unit a session goes back to a savepoint, which lets go of the tables it read.
//! - *A moment for each unit.* A session that logs to a binary log keeps its hold on a table to the end of the
//!   transaction: MariaDB's `ROLLBACK TO SAVEPOINT` does not let go then. An `ALTER TABLE` would wait for the whole
//!   scan, and all writers behind it. So where a binary log is written and the user may not leave it
//!   (`SET SESSION sql_log_bin = 0` takes `BINLOG ADMIN`), a snapshot is taken for each unit and ended with it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use residuum_source::SourceError;

use super::error::{self, is_lost};
use super::options::{MySqlOptions, Target};
use super::session::{Link, Server};
use crate::link::{Failed, Trouble};

/// Sessions that see a server at one moment, or at one for each unit.
pub struct Moment {
    id: String,
    is_kept: bool,
    taken: Instant,
    pool: Mutex<Pool>,
    freed: Condvar,
}

struct Pool {
    idle: Vec<Session>,
    /// Sessions that have not ended, those in use included.
    open: usize,
    /// Sessions there were at first.
    total: usize,
}

struct Session {
    link: Link,
    /// The server's number for it.
    number: String,
    /// Whether it logs to a binary log, and so keeps its hold on tables to the end of a transaction.
    is_logged: bool,
}

/// How to reach the server that is read.
pub struct Reach<'a> {
    /// The source's name.
    pub name: &'a str,
    /// Where.
    pub target: &'a Target,
    /// At what cost.
    pub options: &'a MySqlOptions,
    /// What is known of it.
    pub server: &'a Server,
}

impl Reach<'_> {
    fn session(&self) -> Result<Session, SourceError> {
        let failed = |trouble| error::source(self.name, self.target, trouble);
        let mut link = Link::connect(self.name, self.target, self.options)?;
        let about = link.settle(self.server).and_then(|()| {
            // Nothing is written, so nothing would be logged; few users may say so.
            match link.run("SET SESSION sql_log_bin = 0") {
                Err(trouble) if is_lost(&trouble) => return Err(trouble),
                _ => {}
            }
            link.rows("SELECT CONNECTION_ID(), @@log_bin AND @@sql_log_bin")
        });
        let about = about.map_err(failed)?.into_iter().next().unwrap_or_default();
        let field = |i: usize| about.get(i).cloned().flatten().unwrap_or_default();
        Ok(Session { link, number: field(0), is_logged: field(1) != "0" })
    }
}

impl Moment {
    /// Opens sessions and takes their snapshots.
    pub fn take(reach: &Reach<'_>) -> Result<Self, SourceError> {
        let failed = |trouble| error::source(reach.name, reach.target, trouble);
        let mut sessions = vec![reach.session()?];
        let is_kept = !sessions[0].is_logged;
        while is_kept && sessions.len() < reach.options.sessions {
            match reach.session() {
                Ok(session) => sessions.push(session),
                // A server without a place for more is read by those there are.
                Err(SourceError::Unreachable { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        let seen = if is_kept { begin_all(&mut sessions).map_err(failed)? } else { EACH_UNIT.to_owned() };
        let clock = sessions[0].link.rows("SELECT DATE_FORMAT(SYSDATE(6), '%Y%m%dT%H%i%s.%f')").map_err(failed)?;
        let clock = clock.into_iter().flatten().next().flatten().unwrap_or_default();
        let id = format!("mysql {} {clock} #{} {seen}", reach.server.system, sessions[0].number);
        let (open, total) = (sessions.len(), sessions.len());
        let pool = Mutex::new(Pool { idle: sessions, open, total });
        Ok(Self { id, is_kept, taken: Instant::now(), pool, freed: Condvar::new() })
    }

    /// Whether it is one for all units.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Which it is: the server, when, and at which position of its binary log, or how many sessions see how long a
    /// stretch of time.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The same in words.
    pub fn note(&self) -> String {
        match self.id.rsplit(' ').next().unwrap_or_default() {
            EACH_UNIT => {
                "each table, or range of one, is seen at a moment of its own: the server writes a binary log; \
                          all are seen at one moment by a user with `BINLOG ADMIN`, or from a server that writes none"
                    .into()
            }
            "one-session" => "one session reads: all tables are seen at one moment".into(),
            several if several.contains("-sessions-within-") => {
                format!("the snapshots are not provably of one moment ({several}): MariaDB's `log_bin` would prove it")
            }
            position => format!("all sessions see one moment, that of position {position} in the binary log"),
        }
    }

    /// For how long it has been held.
    pub fn age(&self) -> Duration {
        self.taken.elapsed()
    }

    /// Whether it is one for all units, and all its sessions still run.
    pub fn is_whole(&self) -> bool {
        let mut pool = self.lock();
        self.is_kept && pool.open == pool.total && pool.idle.iter_mut().all(|session| session.link.run("DO 0").is_ok())
    }

    /// A session for one unit, inside its transaction; if the moment is kept, waits while all are in use.
    pub fn session(self: &Arc<Self>, reach: &Reach<'_>) -> Result<Held, Failed> {
        let held = |session| Held { moment: self.clone(), session: Some(session) };
        if self.is_kept {
            return self.idle().map(held).map_err(Failed::Begin);
        }
        // A connection that idled may have been closed by the server or by something between; a new one has not.
        let idle = self.lock().idle.pop();
        if let Some(mut session) = idle {
            match session.link.run(BEGIN) {
                Ok(()) => return Ok(held(session)),
                Err(trouble) if is_lost(&trouble) => {}
                Err(trouble) => return Err(Failed::Begin(trouble)),
            }
        }
        let mut session = reach.session().map_err(Failed::Connect)?;
        session.link.run(BEGIN).map_err(Failed::Begin)?;
        Ok(held(session))
    }

    fn idle(&self) -> Result<Session, Trouble> {
        let mut pool = self.lock();
        loop {
            if let Some(mut session) = pool.idle.pop() {
                match session.link.run("DO 0") {
                    Ok(()) => return Ok(session),
                    Err(trouble) => {
                        pool.open -= 1;
                        if !is_lost(&trouble) {
                            return Err(trouble);
                        }
                    }
                }
            } else if pool.open == 0 {
                return Err(Trouble::Lost(ENDED.into()));
            } else {
                pool = self.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes snapshots until all are of the same position, and says what they see.
fn begin_all(sessions: &mut [Session]) -> Result<String, Trouble> {
    let mut apart = Duration::ZERO;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            sessions.iter_mut().try_for_each(|session| session.link.run("ROLLBACK"))?;
        }
        let begun = Instant::now();
        sessions.iter_mut().try_for_each(|session| session.link.run(BEGIN))?;
        apart = begun.elapsed();
        let positions: Vec<_> = sessions.iter_mut().map(position).collect::<Result<_, _>>()?;
        match &positions[0] {
            Some(first) if positions.iter().all(|position| position.as_ref() == Some(first)) => {
                return Ok(first.clone());
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(match sessions.len() {
        1 => "one-session".into(),
        count => format!("{count}-sessions-within-{}us", apart.as_micros()),
    })
}

/// The position of the binary log at which a session's snapshot was taken, if the server tells.
fn position(session: &mut Session) -> Result<Option<String>, Trouble> {
    let rows = session.link.rows("SHOW STATUS LIKE 'Binlog_snapshot_%'")?;
    session.link.run(SAVEPOINT)?;
    let said: Vec<_> = rows.into_iter().filter_map(|row| row.into_iter().nth(1).flatten()).collect();
    // Without a log the file's name is empty.
    Ok(said.first().is_some_and(|file| !file.is_empty()).then(|| said.join(":")))
}

/// A session in use.
pub struct Held {
    moment: Arc<Moment>,
    /// `None` once it is given back or has ended.
    session: Option<Session>,
}

impl Held {
    /// Whether the moment is one for all units.
    pub fn is_kept(&self) -> bool {
        self.moment.is_kept
    }

    /// Ends a unit: lets go of what it read, and of the snapshot unless that is kept.
    pub fn give_back(mut self) {
        if let Some(mut session) = self.session.take() {
            let done = session.link.run(if self.moment.is_kept { RELEASE } else { "COMMIT" });
            self.put(done.is_ok().then_some(session));
        }
    }

    /// Ends a unit whose last statement was not read to its end. If the snapshot is kept, the server is asked to
    /// stop the statement; else the session is ended.
    pub fn give_back_unread(mut self, reach: &Reach<'_>) {
        if let Some(mut session) = self.session.take().filter(|_| self.moment.is_kept) {
            let stopped = Link::connect(reach.name, reach.target, reach.options)
                .is_ok_and(|mut link| link.run(&format!("KILL QUERY {}", session.number)).is_ok());
            let mut done = stopped;
            if stopped {
                // What comes first reads what is left, and may meet the end of the statement or that of its own.
                let _ = session.link.run("DO 0");
                done = session.link.run(RELEASE).is_ok() || session.link.run(RELEASE).is_ok();
            }
            self.put(done.then_some(session));
        }
    }

    fn put(&self, session: Option<Session>) {
        let mut pool = self.moment.lock();
        match session {
            Some(session) => pool.idle.push(session),
            None => pool.open = pool.open.saturating_sub(1),
        }
        drop(pool);
        self.moment.freed.notify_all();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.session.take().is_some() {
            self.put(None);
        }
    }
}

impl Deref for Held {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.session.as_ref().expect("a session is held until it is given back").link
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Link {
        &mut self.session.as_mut().expect("a session is held until it is given back").link
    }
}

/// Said where no session of the moment is left.
pub const ENDED: &str =
    "the sessions that held this scan's snapshots have ended, so the rest would be of another moment: scan again";

/// How often snapshots are taken before different ones will do.
const ATTEMPTS: usize = 20;

/// What stands in a version where there is no moment for all.
const EACH_UNIT: &str = "each-unit";

const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
/// Going back to it lets go of the tables read since, which their owner may then alter, and keeps the snapshot.
const SAVEPOINT: &str = "SAVEPOINT residuum";
const RELEASE: &str = "ROLLBACK TO SAVEPOINT residuum";
