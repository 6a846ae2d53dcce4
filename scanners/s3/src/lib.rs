//! Buckets that speak the protocol of S3 as a source.
//!
//! [`S3`] lists the keys under a prefix and reads objects through `residuum-formats`, small ones whole and several at
//! a time, large ones in ranges asked for ahead. Every request is conditional on the state that was listed, so that
//! an object is read in one state or named as changed. A scan writes nothing.
//!
//! Records are deleted and values replaced by putting a new body in the place of the old one, conditional on what was
//! read, with all that stands beside it: metadata, tags, grants, encryption, storage class ([`apply`]).
//!
//! What is listed and not read stands in the ledger with its cure: objects in an archive (`GLACIER`, `DEEP_ARCHIVE`
//! and the archive tiers of `INTELLIGENT_TIERING`) are *unreadable* until they are restored; older versions are a
//! *limit* unless [`S3Options::versions`] is set, and then objects named `key?versionId=…`; delete markers are
//! *derived*, for they hold nothing.
//!
//! Credentials come as AWS's own tools find them: the environment, a profile (keys, `role_arn`,
//! `credential_process`), a web identity, a container's, and last the metadata service of a machine of EC2, which is
//! given two seconds. Single sign-on is left out: `aws configure export-credentials` gives its credentials to the
//! environment.
//!
//! [`list`] lists, [`get`] asks for a stretch until it is there, [`object`] reads ahead in a large object, [`read`]
//! from one small object to the next, [`error`] says what refusals mean. [`head`] looks at what stands under a key,
//! [`kept`] at what must stay beside a new body, which [`spool`] holds and [`replace`] puts there. [`beside`] is what people
//! write beside a body: metadata and tags, which are read and edited, too.

mod apply;
mod asked;
mod beside;
mod check;
mod client;
mod conditions;
mod error;
mod fetch;
mod get;
mod head;
mod kept;
mod key;
mod list;
mod object;
mod options;
mod read;
mod replace;
mod spool;
mod stored;
mod words;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use residuum_source::{
    Apply, Check, Coverage, Fetch, Flow, Limits, Object, ObjectPath, Sink, Source, SourceError, Unit,
};
use tokio::runtime::{Builder, Handle, Runtime};

use self::beside::Beside;
use self::conditions::Conditions;
use self::error::{Place, Said, What};
use self::get::Getter;
use self::key::Names;
use self::list::{Aside, Listing, Versioning, entry};
pub use self::options::{Patience, S3Options};

/// Threads that move bytes; reading and detecting are done by the caller's.
const DRIVERS: usize = 2;

/// What S3 takes for a part that is not the last one.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const SMALLEST_PART: u64 = 5 << 20;

/// The objects of a bucket under a prefix.
///
/// Methods block; inside an asynchronous program call them from a thread that may.
pub struct S3 {
    name: String,
    place: Place,
    names: Names,
    versions: bool,
    erase_versions: bool,
    may_be_empty: bool,
    /// Whether the ledger says as a whole that tags may not be read.
    tags_are_denied: AtomicBool,
    part_bytes: u64,
    /// Whether the server checks conditions when it writes; found out before the first writing.
    conditions: OnceLock<Conditions>,
    listing: Listing,
    getter: Arc<Getter>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // whoever drops it may be asynchronous
        }
    }
}

impl S3 {
    /// Finds credentials and asks for the first key, so that what is wrong with the settings is told at once.
    ///
    /// # Errors
    /// [`SourceError::Config`] for a URL or endpoint that cannot be used or a bucket that is not there,
    /// [`SourceError::Credentials`] if there are none or they are refused, [`SourceError::Unreachable`] if there is
    /// no answer.
    pub fn connect(name: &str, options: &S3Options) -> Result<Self, SourceError> {
        let (bucket, prefix) = options.target(name)?;
        let runtime = Builder::new_multi_thread().worker_threads(DRIVERS).thread_name("s3").enable_all().build();
        let runtime = runtime.map_err(|error| SourceError::Config {
            source_name: name.to_owned(),
            reason: format!("no threads can be started for it: {error}"),
        })?;
        let (client, place) = runtime.block_on(client::client(name, &bucket, options))?;
        let getter = Arc::new(Getter::new(name, client.clone(), &bucket, options)?);
        let names = Names::new(&prefix);
        let listing = Listing { client, bucket, prefix, requester_pays: options.requester_pays, page: 1 };
        let mut source = Self {
            name: name.to_owned(),
            place,
            names,
            versions: options.versions,
            erase_versions: options.erase_versions,
            may_be_empty: options.may_be_empty,
            tags_are_denied: AtomicBool::new(false),
            part_bytes: options.part_bytes.max(SMALLEST_PART),
            conditions: OnceLock::new(),
            listing,
            getter,
            runtime: Some(runtime),
        };
        let first = source.listing.current(source.handle(), &source.names, &mut |_| Flow::Break(residuum_source::Stop));
        let _ = first.map_err(|said| source.refused(&said, "s3:ListBucket"))?;
        source.listing.page = 1_000;
        Ok(source)
    }

    fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it runs until the source is dropped").handle()
    }

    /// What a refusal means for the source as a whole.
    fn refused(&self, said: &Said, permission: &str) -> SourceError {
        said.source(&self.name, &self.place, permission)
    }

    /// What the ledger says where tags may not be read: who may not is not told either that there are any. One object is
    /// asked for.
    fn no_tags(&self, first: &ObjectPath) -> Option<Object> {
        let (key, version) = self.names.key(first);
        let mut beside = Beside::default();
        let asked = self.handle().block_on(beside.ask_for_tags(&self.getter, &key, version.as_deref()));
        let reason = "whether objects have tags cannot be told: grant `s3:GetObjectTagging` (with `versions` \
                      `s3:GetObjectVersionTagging`), or approve with `[[exclude]]` of the object `?tags` that they are not read";
        let is_denied = matches!(asked, Err(Said { what: What::Denied, .. }));
        self.tags_are_denied.store(is_denied, Ordering::Relaxed);
        match asked {
            Err(Said { what: What::Denied, .. }) => Some(entry(key::TAGS, Coverage::Unreadable, reason.to_owned())),
            // What else is wrong is told where the object is read.
            Ok(()) | Err(_) => None,
        }
    }

    /// Lists everything under the prefix.
    fn list_all(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<Flow, SourceError> {
        let keeps_versions = self.versions || self.versioning()? != Versioning::Off;
        let listed = if keeps_versions { self.list_versions(found)? } else { None };
        Ok(match listed {
            Some((Flow::Continue(()), aside)) => entries(aside).into_iter().try_for_each(found),
            Some((stopped, _)) => stopped,
            None => {
                let listed = self.listing.current(self.handle(), &self.names, found);
                listed.map_err(|said| self.refused(&said, "s3:ListBucket"))?
            }
        })
    }

    /// What the ledger says of a prefix with which no key begins. Unlike a directory it is not there at all then, and a
    /// slip in it would pass for a bucket in which nothing is left.
    fn nothing(&self) -> Option<Object> {
        let (bucket, prefix) = (&self.place.bucket, &self.listing.prefix);
        let reason = format!(
            "no key of bucket `{bucket}` begins with the prefix of `url`: check it (`aws s3 ls`), or set \
             `may_be_empty = true` for the source if there may be nothing"
        );
        (!prefix.is_empty() && !self.may_be_empty).then(|| entry(key::NOTHING, Coverage::Unreadable, reason))
    }

    /// Whether older versions are kept.
    fn versioning(&self) -> Result<Versioning, SourceError> {
        let asked = self.handle().block_on(self.listing.versioning());
        asked.map_err(|said| self.refused(&said, "s3:GetBucketVersioning"))
    }

    /// Lists by versions; `None` where that is not allowed and not asked for.
    fn list_versions(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<Option<(Flow, Aside)>, SourceError> {
        let mut begun = false;
        let mut found = |object| {
            begun = true;
            found(object)
        };
        match self.listing.versions(self.handle(), &self.names, self.versions, &mut found) {
            Ok(listed) => Ok(Some(listed)),
            Err(Said { what: What::Denied | What::Unknown, .. }) if !self.versions && !begun => Ok(None),
            Err(said) => Err(self.refused(&said, "s3:ListBucketVersions")),
        }
    }
}

impl Source for S3 {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "s3"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        let (mut listed_any, mut first) = (false, None);
        let listed = self.list_all(&mut |object| {
            listed_any = true;
            if first.is_none() && object.not_read.is_none() {
                first = Some(object.path.clone());
            }
            found(object)
        })?;
        let hole = match first {
            _ if listed.is_break() => None,
            Some(first) => self.no_tags(&first),
            None if listed_any => None,
            None => self.nothing(),
        };
        match listed.is_continue() && hole.is_none_or(|hole| found(hole).is_continue()) {
            true => Ok(()),
            false => Err(SourceError::Stopped),
        }
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        read::read(self, unit, limits, sink)
    }

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        check::check(self)
    }
}

/// What the ledger says of versions that are not read.
fn entries(aside: Aside) -> Vec<Object> {
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    let mut entries = Vec::new();
    if aside.older > 0 {
        let reason = format!(
            "{} older version{} of the objects: only current ones are read; set `versions = true` to read all",
            aside.older,
            plural(aside.older)
        );
        entries.push(entry(key::OLDER, Coverage::Limit, reason));
    }
    if aside.markers > 0 {
        let reason = format!("{} delete marker{}: they hold nothing", aside.markers, plural(aside.markers));
        entries.push(entry(key::MARKERS, Coverage::Derived, reason));
    }
    entries
}
