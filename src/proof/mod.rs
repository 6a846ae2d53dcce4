//! Whether anything of a person is left, and a certificate that says so.
//!
//! A verification is the same scan as any other, in full, with the person's identifiers added and a look-up of them behind
//! it: what is plain, hashed, encoded or compressed meets in one fingerprint. What no rule would tell from other text, the
//! identifiers tell: they are looked for as they are written, too ([`Wanted`]). Each place that is found is *residual*, *joint* (an
//! identifier that stands with several people) or only *possible* (a namesake). Canaries, invented people planted anew in
//! each run, go through the same detector, keys and look-up, and all of them must be found.
//!
//! A certificate is made only if nothing residual was found, every listed object was read, and every canary was found. It
//! is JSON, signed, and checked offline with the public key: [`Certificate::check`]; `report::certificate` prints it. It names nobody: it holds a salted
//! commitment to the identifiers, which whoever has the opening and the identifiers can compare ([`Opening`]).
//!
//! Where no record stands, as on pages that SQLite has freed, connectors that can hand out the bytes, and the identifiers
//! are looked for as texts ([`leftovers`]). What no reader here looks at is named in the certificate ([`not_examined`]).

mod canary;
mod certificate;
mod leftover;
mod wanted;

use std::collections::HashSet;
use std::ops::ControlFlow;

pub use canary::{Canaries, plant};
pub use certificate::{Certificate, Invalid, Opening, SourceStatement, Statement};
pub use leftover::{Trace, Traces, leftovers};
pub use wanted::{Edges, Wanted, hashed_forms};

use crate::identity::{self, FindOptions, Location, Subject};
use crate::index::{Finding, IndexError, Keyring, Reader};
use crate::scan::LITERAL;

/// What a place of a person is, after an erasure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// Data about the person that should not be there.
    Residual,
    /// An identifier that stands with several people: whose record it is, a person has to say.
    Joint,
    /// Only weak identifiers meet there: perhaps a namesake.
    Possible,
    /// Kept under an exception that somebody approved.
    Retained,
}

impl State {
    /// The name used in outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual",
            Self::Joint => "joint",
            Self::Possible => "possible",
            Self::Retained => "retained",
        }
    }

    fn of(location: &Location) -> Self {
        match location {
            location if location.weak => Self::Possible,
            location if location.shared => Self::Joint,
            _ => Self::Residual,
        }
    }
}

/// Places by what they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Places {
    /// See [`State::Residual`].
    pub residual: u64,
    /// See [`State::Joint`].
    pub joint: u64,
    /// See [`State::Possible`].
    pub possible: u64,
    /// See [`State::Retained`].
    #[serde(default)]
    pub retained: u64,
}

impl Places {
    /// How many are in this state.
    pub fn of(&mut self, state: State) -> &mut u64 {
        match state {
            State::Residual => &mut self.residual,
            State::Joint => &mut self.joint,
            State::Possible => &mut self.possible,
            State::Retained => &mut self.retained,
        }
    }
}

/// Looks for what is left of people in an index, and gives each place with what it is.
///
/// A name or a date of birth leads nowhere where an e-mail is known, too; here it is looked for by itself as well, for
/// what is left of somebody may be a record that has lost the rest. What is retained under an exception is told by whoever
/// asks, and with `options` which identifiers are known to be several people's.
///
/// # Errors
/// When the index cannot be read.
pub fn remaining(
    reader: &Reader,
    keys: &Keyring,
    subjects: &[Subject],
    options: &FindOptions,
    is_retained: &dyn Fn(&Finding) -> bool,
    each: &mut dyn FnMut(State, &Location) -> ControlFlow<()>,
) -> Result<Places, IndexError> {
    let mut places = Places::default();
    let mut seen = HashSet::new();
    let mut take = |location: &Location| {
        let literal = (&*location.finding.rule == LITERAL).then(|| as_literal(location));
        let location = literal.as_ref().unwrap_or(location);
        let finding = &location.finding;
        let place = (finding.object_id, finding.record.clone(), finding.field.clone(), finding.place);
        if !seen.insert((location.subject.clone(), place)) {
            return ControlFlow::Continue(());
        }
        let state = if is_retained(finding) { State::Retained } else { State::of(location) };
        *places.of(state) += 1;
        each(state, location)
    };
    identity::find(reader, keys, subjects, options, &mut take)?;
    let weak = |subject: &Subject| {
        let weak: Vec<_> = subject.identifiers.iter().filter(|given| !given.is_strong()).cloned().collect();
        let adds = !weak.is_empty() && weak.len() < subject.identifiers.len();
        adds.then(|| Subject { id: subject.id.clone(), identifiers: weak })
    };
    let weak: Vec<Subject> = subjects.iter().filter_map(weak).collect();
    if !weak.is_empty() {
        identity::find(reader, keys, &weak, options, &mut take)?;
    }
    Ok(places)
}

/// A location that no rule led to, with the reason for it.
fn as_literal(location: &Location) -> Location {
    Location { why: [location.why.clone(), vec![LITERAL.to_owned()]].concat(), ..location.clone() }
}

/// What no verification looks at, whatever the source.
pub const NEVER_EXAMINED: [&str; 4] = [
    "identifiers written as nobody could foresee: a name in other letters or with a slip, parts of a number such as its \
     last four digits, numbers of fewer than nine digits, texts of fewer than six letters and names of one word where \
     nothing tells their type",
    "digests with a salt or a key, and other digests than MD5, SHA-1, SHA-256 and SHA-512 of the usual spellings",
    "what is encrypted, or encoded otherwise than in Base64, hexadecimal, gzip, zlib, UTF-16, percent signs and the \
     escapes of its format, and text in pictures and sound",
    "records that name the person only by a key whose own record is gone: give the key with `--id`",
];

/// What is not examined where objects that have not changed are taken as the index has them.
pub const NOT_READ_AGAIN: &str = "identifiers that nothing tells from other text, in objects that have not changed since they were scanned: verify \
     without `--incremental`";

/// The same of a bucket: no listing shows that tags were changed.
pub const TAGS_NOT_READ_AGAIN: &str = "tags of objects in buckets that have not changed but for them since they were scanned: verify without `--incremental`";

/// What no reader looks at in a source of this kind, with what to do about it.
pub fn not_examined(kind: &str) -> &'static [&'static str] {
    match kind {
        "sqlite" => &[
            "numbers on pages that SQLite has freed, and texts there that the end of a page cuts: `VACUUM` removes them",
        ],
        "postgres" => &[
            "row versions that PostgreSQL keeps until they are vacuumed, and indexes over them: run `VACUUM (FULL)`",
            "PostgreSQL's write-ahead log and its archive: they end with their retention",
            "names and comments of roles and of other databases of PostgreSQL's server, and options of foreign servers and tables",
            "statistics in `pg_statistic` of columns that the role may not read, and those of several columns \
             (`CREATE STATISTICS`) of tables that it does not own: run `ANALYZE` after the erasure",
        ],
        "mysql" => &[
            "InnoDB's undo and redo logs and free pages: run `OPTIMIZE TABLE`",
            "the binary log: run `PURGE BINARY LOGS` by your retention",
            "comments, defaults, constraints, labels of enumerations, views, routines, triggers and events, and names of tables \
             and columns of MariaDB and MySQL: `mysqldump --no-data --routines --events` writes them to a file, which can be scanned",
            "histograms of columns, which keep values of deleted rows: run `ANALYZE TABLE … PERSISTENT FOR ALL` in \
             MariaDB, `ANALYZE TABLE … DROP HISTOGRAM ON …` in MySQL",
        ],
        "files" => &[
            "free space of the file system, and its snapshots",
            "comments and unused stretches of archives, page indexes, Bloom filters and key-value metadata of single \
             columns of Parquet, and where links point to",
            "extended attributes of files",
            "numbers on pages that SQLite has freed, and texts there that the end of a page cuts: `VACUUM` removes them",
        ],
        "s3" => &[
            "versions and delete markers, unless `versions = true` is set for the source; replicas in other buckets",
            "headings of objects other than `Content-Disposition`, redirects and metadata of one's own, and annotations: \
             `aws s3api head-object` shows them",
            "comments and unused stretches of archives, page indexes, Bloom filters and key-value metadata of single \
             columns of Parquet",
        ],
        "http" => &["what the vendor keeps and its interface does not give"],
        _ => &[],
    }
}
