//! A MariaDB or MySQL server as a source.
//!
//! Tables are read by `SELECT` inside read-only transactions with a consistent snapshot, large ones by ranges of an
//! integer key. Nothing is written, no lock is taken that a writer waits for (neither `LOCK TABLES` nor `FLUSH TABLES
//! WITH READ LOCK`), and what `SELECT` holds against `ALTER TABLE` is given back after each unit.
//!
//! What the server guarantees, and what not:
//!
//! - A table of a transactional engine (InnoDB) that is read whole is read as it was at one moment.
//! - Whether that moment is the same for all tables depends on the server and the rights of the user, see
//!   [`moment`]; an object's version says which it is, and `sources check` how to have one for all. The proof that it
//!   is one is the position of MariaDB's binary log. It does not cover what others write past that log
//!   (`sql_log_bin = 0`, `binlog_ignore_db`).
//! - Where there is no moment for all, a table that is cut into ranges of its key is of one moment for each range: a
//!   row whose key is changed meanwhile may be missed, or seen twice; the object's outcome says so. Keys that number
//!   rows are not changed as a rule, and nothing else is relied upon: any other row that is there throughout is read
//!   once.
//! - MyISAM, Aria, MEMORY and the like have no snapshots, and are read as they are at that time; the object's
//!   version, its outcome and `sources check` say so. Rows that are written meanwhile may be missed or seen twice.
//!   Such an engine locks the whole table while rows are sent, so it is read by short statements.
//! - Records of a table without a primary or other unique key are told apart by counting rows, and their numbers
//!   hold within that reading only: the next may count otherwise.
//! - Nothing tells soundly whether a table has changed (`UPDATE_TIME` is not kept over a restart, and not for every
//!   engine; `CHECKSUM TABLE` reads all of it): every scan reads every table in full.
//! - A table that keeps its history (`WITH SYSTEM VERSIONING`) is read with it: what was changed or deleted is
//!   still there.
//! - A view is derived. What the server does not show, because the user has no right on it, is an entry of its own.
//!
//! Erasing and correcting have a transaction of their own, see [`apply`]; [`writing`] has its statements, and [`find`]
//! finds records again.
//!
//! [`session`] holds connections, [`schema`] says what there is and [`rights`] what is hidden, [`types`] how each
//! type is asked for, [`table`] has the statements, and [`read`] puts it together. Tested against MariaDB 10.11;
//! MySQL 8 speaks the same protocol and has the same catalog, and is untested.

mod apply;
mod check;
mod error;
mod find;
mod keys;
mod moment;
mod options;
mod read;
mod references;
mod refused;
mod rights;
mod schema;
mod session;
mod table;
mod types;
mod writing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use residuum_source::{
    Ability, Apply, Check, Editor, Fetch, Flow, History, Limits, NotNull, Object, ObjectPath, Pick, Range, Receipt,
    Record, Sink, Source, SourceError, SplitTarget, TableKey, Target, Unit, Version,
};

use self::moment::{ENDED, Held, Moment, Reach};
pub use self::options::MySqlOptions;
use self::rights::Rights;
use self::schema::Relation;
use self::session::{Link, Server};
use crate::link::{Failed, Trouble};
use crate::quote::Hexadecimal;

/// A MariaDB or MySQL server, or one database of it.
///
/// Make one for each scan: where the server is seen at one moment, that is the moment of the first listing, and lasts
/// until the value is dropped or [`MySqlOptions::snapshot_age`] has passed. Methods block; inside an asynchronous
/// program call them from a thread that may.
pub struct MySql {
    name: String,
    options: MySqlOptions,
    target: options::Target,
    server: Server,
    moment: Mutex<Option<Arc<Moment>>>,
    /// Whether this source was written to, so that the next listing is of another moment.
    written: AtomicBool,
}

impl std::fmt::Debug for MySql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MySql").field("name", &self.name).finish_non_exhaustive()
    }
}

impl MySql {
    /// Connects to a server.
    ///
    /// # Errors
    /// [`SourceError::Config`] for a URL that cannot be used, [`SourceError::Credentials`] if the server refuses
    /// the user or password, [`SourceError::Unreachable`] if it cannot be reached, speaks no TLS that is
    /// acceptable, or takes no more connections.
    pub fn connect(name: &str, options: MySqlOptions) -> Result<Self, SourceError> {
        let target = options.resolve(name)?;
        let mut link = Link::connect(name, &target, &options)?;
        let server = link.server(&options).map_err(|trouble| error::source(name, &target, trouble))?;
        Ok(Self {
            name: name.to_owned(),
            options,
            target,
            server,
            moment: Mutex::default(),
            written: AtomicBool::new(false),
        })
    }

    fn reach(&self) -> Reach<'_> {
        Reach { name: &self.name, target: &self.target, options: &self.options, server: &self.server }
    }

    /// The moment at which the server is seen; a new one if there is none, and on a new listing where the old has
    /// ended.
    fn moment(&self, listing: bool) -> Result<Arc<Moment>, SourceError> {
        let mut held = self.moment.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |m: &Arc<Moment>| m.age() > self.options.snapshot_age || !m.is_whole();
        if listing && (self.written.swap(false, Ordering::Relaxed) || held.as_ref().is_some_and(is_over)) {
            *held = None;
        }
        match held.as_ref() {
            Some(moment) => Ok(moment.clone()),
            None => Ok(held.insert(Arc::new(Moment::take(&self.reach())?)).clone()),
        }
    }

    /// The moment at which an object was listed.
    fn moment_of(&self, object: &Object) -> Result<Arc<Moment>, SourceError> {
        let mut held = self.moment.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|moment| moment.is_kept() && moment.age() > self.options.snapshot_age) {
            *held = None;
            let reason = "the snapshot of this scan has reached its greatest age: scan again, or allow an older one";
            return Err(SourceError::Unreachable {
                source_name: self.name.clone(),
                reason: reason.into(),
                cause: None,
            });
        }
        let is_same = |moment: &&Arc<Moment>| {
            !moment.is_kept() || object.version.text.strip_prefix(moment.id()).is_some_and(|rest| rest.starts_with(' '))
        };
        let lost = || SourceError::Lost { object: object.path.clone(), reason: ENDED.into() };
        held.as_ref().filter(is_same).cloned().ok_or_else(lost)
    }

    /// Runs statements that concern the server as a whole.
    fn ask<T>(
        &self,
        moment: &Arc<Moment>,
        ask: impl FnOnce(&mut Held) -> Result<T, Trouble>,
    ) -> Result<T, SourceError> {
        let whole = |trouble: Trouble| error::source(&self.name, &self.target, trouble);
        let mut held = moment.session(&self.reach()).map_err(|failed| match failed {
            Failed::Connect(error) => error,
            Failed::Begin(trouble) => whole(trouble),
        })?;
        let answer = ask(&mut held);
        // An error of a statement leaves the session as it was.
        match answer {
            Err(trouble) if error::is_lost(&trouble) => Err(whole(trouble)),
            answer => {
                held.give_back();
                answer.map_err(whole)
            }
        }
    }

    fn database(&self) -> Option<&str> {
        self.target.database.as_deref()
    }
}

impl Source for MySql {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "mysql"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        let moment = self.moment(true)?;
        let objects = self.ask(&moment, |link| {
            let rights = Rights::of(link, &self.server, self.database())?;
            let relations = Relation::all(link, self.database())?;
            let mut objects: Vec<_> = relations.iter().map(|relation| relation.object(&moment, &rights)).collect();
            let version = Version::snapshot(format!("{} hidden", moment.id()));
            let databases = schema::databases(link, self.database())?;
            objects.extend(rights.hidden(&databases, self.database(), &version));
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
        let moment = self.moment(false)?;
        self.ask(&moment, |link| keys::keys(link, self.database()))
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

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        let moment = self.moment(false)?;
        self.ask(&moment, |link| check::check(link, &self.server, &moment, self.database()))
    }
}

impl Fetch for MySql {
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

impl Apply for MySql {
    fn ability(&self, _: &[&str]) -> Ability {
        Ability::Splice
    }

    fn ability_of(&self, object: &ObjectPath, _: &[&str]) -> Ability {
        let (schema, name) = parts(object);
        let relation =
            self.moment(false).and_then(|moment| self.ask(&moment, |link| Relation::one(link, &schema, &name)));
        let hindrance = relation.ok().and_then(|relation| apply::unwritable(&relation, !relation.key.is_empty()));
        hindrance.map_or(Ability::Splice, Ability::Manual)
    }

    fn stays_behind(&self, object: &ObjectPath) -> Vec<String> {
        let cure = |history: History| {
            format!(
                "the table keeps its history, and what goes from it, or is replaced, stands there until it is deleted as \
                 well: {}",
                history.cure
            )
        };
        self.history_of(object).map(cure).into_iter().collect()
    }

    fn history_of(&self, object: &ObjectPath) -> Option<History> {
        let (schema, name) = parts(object);
        let moment = self.moment(false).ok()?;
        self.ask(&moment, |link| Relation::one(link, &schema, &name)?.history(link)).ok().flatten()
    }

    fn not_null(&self, object: &ObjectPath) -> Vec<NotNull> {
        let (schema, name) = parts(object);
        let (schema, name) = (Hexadecimal(&schema), Hexadecimal(&name));
        let Ok(moment) = self.moment(false) else { return Vec::new() };
        let columns = self.ask(&moment, |link| {
            link.rows(&format!(
                "SELECT COLUMN_NAME, LOWER(DATA_TYPE) IN ('char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext') \
                 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {name} \
                 AND IS_NULLABLE = 'NO' AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY ORDINAL_POSITION"
            ))
        });
        let text = |row: &[Option<String>], i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let rows = columns.unwrap_or_default();
        rows.iter().map(|row| NotNull { column: text(row, 0), is_text: text(row, 1) == "1" }).collect()
    }

    fn statements(&self, deleted: u64, changed: u64) -> Option<u64> {
        let named = |records: u64| records.div_ceil(find::AT_ONCE as u64);
        // Each row that stays is changed, and read again, by itself.
        Some(named(deleted + changed) + named(deleted) + 2 * changed)
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        apply::apply(self, targets, limits, editor)
    }
}

/// The database and name of a listed table.
fn parts(path: &ObjectPath) -> (String, String) {
    let mut parts = path.parts().into_iter();
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
