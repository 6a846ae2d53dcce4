//! Opens a database file so that it is seen whole and nothing is left beside it.
//!
//! SQLite creates `-wal` and `-shm` files beside a database in WAL mode even for a reader, and a reader that may
//! not write cannot remove them again. So there are three ways to open one:
//!
//! * *live*: read-only, when no file has to be made for it: rollback journals, or WAL with both files there;
//! * *still*: as immutable, when it is in WAL mode but its log is empty or gone, which means that nobody has it
//!   open. Should somebody begin to write after all, the change is seen at the end and the reading reported;
//! * *copied*: a log without its index, or a rollback that a reader may not do: the database and its log are
//!   copied into a private directory, recovered there, read, and removed with the source.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, UNIX_EPOCH};

use residuum_source::ObjectPath;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempDir;

use super::error::{Trouble, code};

/// A database file and the connections to it that wait for the next reading.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    idle: Mutex<Vec<Lease>>,
    copy: Mutex<Option<Arc<Copy>>>,
}

/// A connection with what must stay true while it is used.
#[derive(Debug)]
pub struct Lease {
    connection: Connection,
    how: How,
    path: PathBuf,
}

#[derive(Clone, Debug)]
enum How {
    Live(FileId, Journal),
    Still(Stamp),
    Copied(Arc<Copy>),
}

/// A private copy of the database, removed when the last reading of it ends.
#[derive(Debug)]
struct Copy {
    stamp: Stamp,
    directory: TempDir,
}

/// What changes when the content of a database file changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    main: FileStamp,
    /// The change counter in the header, which every transaction outside WAL mode increments.
    counter: u32,
    wal: Option<FileStamp>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct FileStamp {
    size: u64,
    modified_ns: u128,
}

type FileId = (u64, u64);

/// How the database keeps its transactions apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Journal {
    /// A writer waits for readers before it commits.
    Rollback,
    /// Readers and writers do not wait for each other.
    Wal,
}

impl Database {
    /// The file at this path; nothing is opened yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default(), copy: Mutex::default() }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as an object, for errors that concern all of it.
    pub fn object(&self) -> ObjectPath {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        ObjectPath::from_bytes(name.as_encoded_bytes())
    }

    /// What identifies the content of the file now.
    pub fn stamp(&self) -> Result<Stamp, Trouble> {
        Ok(Header::read(&self.path).map_err(|error| unreadable(&error))?.stamp)
    }

    /// Whether the file is as it was when this stamp was taken; it is not opened for that.
    pub fn is_still(&self, stamp: &Stamp) -> bool {
        let main = std::fs::metadata(&self.path).is_ok_and(|metadata| FileStamp::of(&metadata) == stamp.main);
        let wal = std::fs::metadata(beside(&self.path, "-wal")).ok().map(|metadata| FileStamp::of(&metadata));
        let written = |wal: &Option<FileStamp>| wal.clone().filter(|wal| wal.size > 0);
        main && written(&wal) == written(&stamp.wal)
    }

    /// A connection, an idle one if it still fits the file. Values longer than `long_value` fail on it.
    pub fn take(&self, long_value: u64) -> Result<Lease, Trouble> {
        let header = Header::read(&self.path).map_err(|error| unreadable(&error))?;
        header.check()?;
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|lease| lease.fits(&header));
            idle.pop()
        };
        let lease = match (idle, header.way()) {
            (Some(lease), _) => lease,
            (None, Way::Live) => match self.open(How::Live(header.id, header.journal())) {
                Err(error) if code(&error).is_some_and(needs_copy) => self.copied(&header)?,
                opened => opened?,
            },
            (None, Way::Still) => self.open(How::Still(header.stamp.clone()))?,
            (None, Way::Copied) => self.copied(&header)?,
        };
        let limit = i32::try_from(long_value).unwrap_or(i32::MAX);
        lease.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit)?;
        Ok(lease)
    }

    /// Keeps a connection for the next reading.
    pub fn give_back(&self, lease: Lease) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lease);
    }

    /// What deserves attention about the way the file has to be opened.
    pub fn note(&self) -> Result<Option<String>, Trouble> {
        let header = Header::read(&self.path).map_err(|error| unreadable(&error))?;
        Ok(matches!(header.way(), Way::Copied).then(|| {
            "its write-ahead log has no index beside it, so the database is copied to a private temporary \
             directory to be read; closing it cleanly in its application avoids the copy"
                .into()
        }))
    }

    fn copied(&self, header: &Header) -> Result<Lease, Trouble> {
        let mut copy = self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match copy.as_ref().filter(|copy| copy.stamp == header.stamp) {
            Some(current) => current.clone(),
            None => {
                *copy = None; // the old copy makes room first
                copy.insert(Arc::new(Copy::make(&self.path)?)).clone()
            }
        };
        Ok(self.open(How::Copied(current))?)
    }

    fn open(&self, how: How) -> Result<Lease, rusqlite::Error> {
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &how {
            How::Live(..) => Connection::open_with_flags(&self.path, read_only)?,
            How::Still(_) => {
                Connection::open_with_flags(immutable_uri(&self.path), read_only | OpenFlags::SQLITE_OPEN_URI)?
            }
            How::Copied(copy) => {
                let recover = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(copy.database(), recover)?
            }
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // A file is not trusted to call functions; nothing is sorted or kept outside memory.
        connection.execute_batch(
            "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096;",
        )?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(Lease { connection, how, path: self.path.clone() })
    }
}

impl Lease {
    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether a writer has to wait while a statement reads.
    pub fn delays_writers(&self) -> bool {
        matches!(self.how, How::Live(_, Journal::Rollback))
    }

    /// Fails if the file may have changed under what was read.
    pub fn unchanged(&self) -> Result<(), Trouble> {
        let How::Still(then) = &self.how else { return Ok(()) };
        let now = Header::read(&self.path).map_err(|error| unreadable(&error))?.stamp;
        // A log that begins to grow beside the database does not touch it until it is written back.
        if (&now.main, now.counter) == (&then.main, then.counter) { Ok(()) } else { Err(Trouble::Changed) }
    }

    fn fits(&self, header: &Header) -> bool {
        match (&self.how, header.way()) {
            (How::Live(id, journal), Way::Live) => (*id, *journal) == (header.id, header.journal()),
            (How::Still(stamp), Way::Still) => *stamp == header.stamp,
            (How::Copied(copy), Way::Copied | Way::Live) => copy.stamp == header.stamp,
            _ => false,
        }
    }
}

impl Copy {
    fn make(source: &Path) -> Result<Self, Trouble> {
        let failed = |error: io::Error| {
            let reason = "its write-ahead log must be recovered in a private copy, which failed";
            Trouble::Reason(format!("{reason} ({error}): free space in the temporary directory or set `TMPDIR`"))
        };
        for _ in 0..COPY_ATTEMPTS {
            let stamp = Header::read(source).map_err(|error| unreadable(&error))?.stamp;
            let directory = tempfile::Builder::new().prefix("residuum-").tempdir().map_err(failed)?;
            let copy = Self { stamp, directory };
            copy_private(source, &copy.database()).map_err(failed)?;
            for suffix in ["-wal", "-journal"] {
                let beside = beside(source, suffix);
                if beside.exists() {
                    copy_private(&beside, &self::beside(&copy.database(), suffix)).map_err(failed)?;
                }
            }
            if Header::read(source).map_err(|error| unreadable(&error))?.stamp == copy.stamp {
                return Ok(copy);
            }
        }
        Err(Trouble::Changed)
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("copy.db")
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const COPY_ATTEMPTS: usize = 3;

fn needs_copy(code: i32) -> bool {
    matches!(
        code,
        ffi::SQLITE_READONLY_ROLLBACK
            | ffi::SQLITE_READONLY_RECOVERY
            | ffi::SQLITE_READONLY_CANTINIT
            | ffi::SQLITE_READONLY_CANTLOCK
            | ffi::SQLITE_READONLY_DIRECTORY
            | ffi::SQLITE_CANTOPEN
    )
}

fn copy_private(from: &Path, to: &Path) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::copy(&mut ToRead::open(from)?.file(), &mut options.open(to)?)
}

/// What the file says about itself before SQLite opens it.
struct Header {
    stamp: Stamp,
    id: FileId,
    magic: bool,
    wal_mode: bool,
    shm: bool,
}

enum Way {
    Live,
    Still,
    Copied,
}

/// Held for writing while a database is written to: to close any file is to give back all locks that this process has
/// on it (SQLite's `howtocorrupt.html`, section 2.2), those of SQLite among them.
static CLOSING: RwLock<()> = RwLock::new(());

/// Keeps every other thread from closing a database file that it read without SQLite.
pub fn keep_open() -> RwLockWriteGuard<'static, ()> {
    CLOSING.write().unwrap_or_else(PoisonError::into_inner)
}

/// A database file, or one beside it, that is read without SQLite, and closed when nothing is written.
pub struct ToRead(Option<File>);

impl ToRead {
    /// Opens it.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(|file| Self(Some(file)))
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for ToRead {
    fn drop(&mut self) {
        let _closing = CLOSING.read().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.take());
    }
}

/// Whether a file begins as every SQLite database does (SQLite file format, § 1.3).
pub fn is_database(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    let is_file = std::fs::metadata(path).is_ok_and(|m| m.is_file()); // opening a FIFO would wait for a writer
    is_file && ToRead::open(path).and_then(|read| read.file().read_exact(&mut magic)).is_ok() && magic == *MAGIC
}

/// The first bytes of a database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

impl Header {
    fn read(path: &Path) -> io::Result<Self> {
        let opened = ToRead::open(path)?;
        let mut file = opened.file();
        let metadata = file.metadata()?;
        let mut bytes = [0; 100];
        let mut length = 0;
        while length < bytes.len() {
            match file.read(&mut bytes[length..])? {
                0 => break,
                n => length += n,
            }
        }
        let wal = std::fs::metadata(beside(path, "-wal")).ok();
        let counter = u32::from_be_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
        Ok(Self {
            stamp: Stamp { main: FileStamp::of(&metadata), counter, wal: wal.as_ref().map(FileStamp::of) },
            id: file_id(&metadata),
            // A file of no bytes is a database without tables.
            magic: length == 0 || bytes.starts_with(MAGIC),
            wal_mode: bytes[18] == 2,
            shm: beside(path, "-shm").exists(),
        })
    }

    fn check(&self) -> Result<(), Trouble> {
        if self.magic {
            return Ok(());
        }
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), None).into())
    }

    fn journal(&self) -> Journal {
        if self.wal_mode { Journal::Wal } else { Journal::Rollback }
    }

    fn way(&self) -> Way {
        match &self.stamp.wal {
            _ if !self.wal_mode => Way::Live,
            Some(_) if self.shm => Way::Live,
            Some(wal) if wal.size > 0 => Way::Copied,
            _ => Way::Still,
        }
    }
}

impl Stamp {
    /// Bytes in the database file.
    pub fn size(&self) -> u64 {
        self.main.size
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sqlite {} {} {}", self.main.size, self.main.modified_ns, self.counter)?;
        // An empty log says nothing: readers make and remove one.
        match self.wal.as_ref().filter(|wal| wal.size > 0) {
            Some(wal) => write!(f, " wal {} {}", wal.size, wal.modified_ns),
            None => Ok(()),
        }
    }
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { size: metadata.len(), modified_ns: modified.map_or(0, |since| since.as_nanos()) }
    }
}

#[cfg(unix)]
fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn file_id(_: &Metadata) -> FileId {
    (0, 0)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn immutable_uri(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file://");
    for &byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(byte as char),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

fn unreadable(error: &io::Error) -> Trouble {
    Trouble::Reason(format!("the file cannot be read ({error}): check the path and its permissions"))
}
