//! A PostgreSQL database as a source.
//!
//! One look at the database: a session of its own holds a snapshot open from the first listing on, and every
//! reading imports it, so that all tables are seen at one moment by as many connections as there are readers.
//! A table is read by `COPY … TO STDOUT`, large ones by ranges of their blocks. Nothing is written, no lock is
//! taken that a writer waits for, and the lock that `SELECT` takes is given back after each unit.
//!
//! Erasing and correcting have a transaction of their own, see [`apply`]; [`writing`] has its statements.
//!
//! [`session`] holds connections and the snapshot, [`schema`] says what there is, [`types`] how each type is
//! asked for, [`copy`] takes rows apart, [`read`] puts it together.

mod apply;
mod check;
mod copy;
mod definitions;
mod error;
mod find;
mod keys;
mod options;
mod read;
mod references;
mod refused;
mod schema;
mod session;
mod statistics;
mod types;
mod writing;
mod written;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use residuum_source::{
    Ability, Apply, Check, Editor, Fetch, Flow, Leftover, Limits, NotNull, Object, ObjectPath, Pick, Range, Receipt,
    Record, Sink, Source, SourceError, SplitTarget, TableKey, Target, Unit,
};

pub use self::options::PostgresOptions;
use self::schema::Relation;
use self::session::{Link, Server, Snapshot, SnapshotId};
use crate::link::{Failed, Trouble};

/// A PostgreSQL database, seen at one moment.
///
/// Make one for each scan: the moment is that of the first listing, and lasts until the value is dropped or
/// [`PostgresOptions::snapshot_age`] has passed. Methods block; inside an asynchronous program call them from a
/// thread that may.
pub struct Postgres {
    name: String,
    options: PostgresOptions,
    target: options::Target,
    server: Server,
    idle: Mutex<Vec<Link>>,
    snapshot: Mutex<Option<Snapshot>>,
    /// Whether this source was written to, so that the next listing is of another moment.
    written: AtomicBool,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connects to a database.
    ///
    /// # Errors
    /// [`SourceError::Config`] for a URL that cannot be used, [`SourceError::Credentials`] if the server refuses
    /// the user or password, [`SourceError::Unreachable`] if it cannot be reached, speaks no TLS that is
    /// acceptable, or takes no more connections.
    pub fn connect(name: &str, options: PostgresOptions) -> Result<Self, SourceError> {
        let target = options.resolve(name)?;
        let mut link = Link::connect(name, &target, &options)?;
        let server = link.server(&options).map_err(|error| error::source(name, &target, error))?;
        Ok(Self {
            name: name.to_owned(),
            options,
            target,
            server,
            idle: Mutex::new(vec![link]),
            snapshot: Mutex::default(),
            written: AtomicBool::new(false),
        })
    }

    /// A connection inside a transaction that sees this snapshot.
    fn link_in(&self, id: &SnapshotId) -> Result<Link, Failed> {
        // A connection that idled may have been closed by the server or by something between; a new one has not.
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut link) = idle {
            match link.begin(&self.server, id) {
                Ok(()) => return Ok(link),
                Err(trouble) if trouble.is_lost() => {}
                Err(trouble) => return Err(Failed::Begin(trouble)),
            }
        }
        let mut link = Link::connect(&self.name, &self.target, &self.options).map_err(Failed::Connect)?;
        link.begin(&self.server, id).map_err(Failed::Begin)?;
        Ok(link)
    }

    /// A connection inside a transaction that writes; `None` if the server is a standby, which takes none.
    fn link_to_write(&self) -> Result<Option<Link>, Failed> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut link) = idle {
            match link.begin_to_write(&self.server) {
                Ok(is_standby) => return Ok((!is_standby).then_some(link)),
                // As for reading: it may have been closed meanwhile, and a new one has not.
                Err(trouble) if trouble.is_lost() => {}
                Err(trouble) => return Err(Failed::Begin(trouble)),
            }
        }
        let mut link = Link::connect(&self.name, &self.target, &self.options).map_err(Failed::Connect)?;
        let is_standby = link.begin_to_write(&self.server).map_err(Failed::Begin)?;
        Ok((!is_standby).then_some(link))
    }

    fn give_back(&self, link: Link) {
        self.keep(link, "COMMIT");
    }

    /// Ends a connection's transaction, and keeps the connection for whoever is next.
    fn keep(&self, mut link: Link, end: &str) {
        if link.run(end).is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        }
    }

    /// The moment at which the database is seen; a new one if there is none, and on a new listing where the old
    /// has ended.
    fn moment(&self, listing: bool) -> Result<SnapshotId, SourceError> {
        let mut held = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |s: &mut Snapshot| s.age() > self.options.snapshot_age || !s.is_alive();
        if listing && (self.written.swap(false, Ordering::Relaxed) || held.as_mut().is_some_and(is_over)) {
            *held = None;
        }
        if let Some(snapshot) = held.as_ref() {
            return Ok(snapshot.id());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let taken = match idle.map(|link| Snapshot::take(link, &self.server)) {
            Some(Err(trouble)) if trouble.is_lost() => None,
            taken => taken,
        };
        let taken = match taken {
            Some(taken) => taken,
            None => Snapshot::take(Link::connect(&self.name, &self.target, &self.options)?, &self.server),
        };
        let taken = taken.map_err(|trouble| error::source(&self.name, &self.target, trouble))?;
        Ok(held.insert(taken).id())
    }

    /// Lets go of a snapshot that has been held for too long, and says so.
    fn end_old_moment(&self) -> Result<(), SourceError> {
        let mut held = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|snapshot| snapshot.age() <= self.options.snapshot_age) {
            return Ok(());
        }
        *held = None;
        let reason = "the snapshot of this scan has reached its greatest age: scan again, or allow an older one";
        Err(SourceError::Unreachable { source_name: self.name.clone(), reason: reason.into(), cause: None })
    }

    /// Runs statements that concern the database as a whole.
    fn ask<T>(&self, id: &SnapshotId, ask: impl FnOnce(&mut Link) -> Result<T, Trouble>) -> Result<T, SourceError> {
        let whole = |trouble: Trouble| error::source(&self.name, &self.target, trouble);
        let mut link = match self.link_in(id) {
            Ok(link) => link,
            Err(Failed::Connect(error)) => return Err(error),
            Err(Failed::Begin(trouble)) => return Err(whole(trouble)),
        };
        let answer = ask(&mut link).map_err(whole)?;
        self.give_back(link);
        Ok(answer)
    }
}

impl Source for Postgres {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        let id = self.moment(true)?;
        let objects = self.ask(&id, |link| {
            let relations = Relation::all(link, &self.server, &id)?;
            let mut objects: Vec<_> = relations.iter().map(|r| r.object(&self.server, &id)).collect();
            objects.extend(schema::large_objects(link, &self.server, &id)?);
            Ok(objects)
        })?;
        for object in objects {
            if found(object).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        let id = self.moment(false)?;
        self.ask(&id, |link| keys::keys(link, &self.server))
    }

    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        read::split(self, object, target)
    }

    fn sample(&self, object: &Object, records: u64, sink: &mut dyn Sink) -> Result<(), SourceError> {
        read::object(self, object, &read::What::Sample(records), &Limits::default(), sink)
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let what = read::What::Range(unit.range.clone());
        unit.objects.iter().try_for_each(|object| read::object(self, object, &what, limits, sink))
    }

    fn leftovers(&self, look: &mut dyn FnMut(Leftover<'_>) -> Flow) -> Result<(), SourceError> {
        statistics::read(self, look)?;
        definitions::read(self, look)
    }

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        let id = SnapshotId::of_its_own();
        self.ask(&id, |link| check::check(link, &self.server))
    }
}

impl Fetch for Postgres {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        read::records(self, part, records, limits, &mut Pick::new(part, records, sink))
    }
}

impl Apply for Postgres {
    fn ability(&self, _: &[&str]) -> Ability {
        Ability::Splice
    }

    fn ability_of(&self, object: &ObjectPath, _: &[&str]) -> Ability {
        let (schema, name) = parts(object);
        let relation = self.ask(&SnapshotId::of_its_own(), |link| Relation::one(link, &schema, &name));
        let hindrance = relation.ok().and_then(|relation| relation.holds_no_rows_of_its_own());
        hindrance.map_or(Ability::Splice, Ability::Manual)
    }

    fn not_null(&self, object: &ObjectPath) -> Vec<NotNull> {
        let (schema, name) = parts(object);
        let columns = self.ask(&SnapshotId::of_its_own(), |link| {
            let oid = Relation::one(link, &schema, &name)?.oid();
            let generated = match self.server.version {
                120_000.. => "a.attgenerated <> ''",
                _ => "false",
            };
            // A domain may allow some texts only.
            link.rows(&format!(
                "SELECT a.attname, t.typtype = 'b' AND t.typname IN ('text', 'varchar', 'bpchar', 'citext', 'name') \
                 FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = {oid} AND a.attnum > 0 \
                 AND NOT a.attisdropped AND NOT ({generated}) AND (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull))"
            ))
        });
        let text = |row: &[Option<String>], i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let rows = columns.unwrap_or_default();
        rows.iter().map(|row| NotNull { column: text(row, 0), is_text: text(row, 1) == "t" }).collect()
    }

    fn statements(&self, deleted: u64, changed: u64) -> Option<u64> {
        let locked = (deleted + changed).div_ceil(crate::write::LOCKED as u64);
        // What was changed is read again.
        let written = |records: u64| records.div_ceil(crate::write::WRITTEN as u64);
        Some(locked + written(deleted) + 2 * written(changed))
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        apply::apply(self, targets, limits, editor)
    }
}

/// The schema and name of a listed table.
fn parts(path: &ObjectPath) -> (String, String) {
    let mut parts = path.parts().into_iter();
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
