//! Writing into a bucket: an object read, its new body made, and that put in its place if nobody wrote to it meanwhile.
//!
//! ```text
//! look (HEAD) ─ranges, If-Match→ plan ─→ spool ─tags, grants→ put, If-Match ─→ the version before removed or named
//! ```
//!
//! An object is read through once for the editor, once around what it wants, once for the digest and once to be written;
//! up to 8 MiB it is asked for once and held. Memory is bounded by that and by [`S3Options::part_bytes`].
//!
//! A bucket that keeps versions keeps what was replaced. With [`S3Options::erase_versions`] that version is removed, too,
//! and an older one, which nothing can write into, is removed as a whole if anything in it is to be erased; without
//! it the one stays, which the receipt says, and the other is refused.
//!
//! [`S3Options::part_bytes`]: crate::S3Options::part_bytes
//! [`S3Options::erase_versions`]: crate::S3Options::erase_versions

use std::sync::Arc;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use residuum_formats::ReadAt;
use residuum_formats::edit::{self, Plan, Unwritten};
use residuum_source::{Ability, Apply, Editor, Limits, ObjectPath, Receipt, Refusal, RefusalKind, SourceError, Target};

use crate::S3;
use crate::asked::Asked;
use crate::beside::{self, Beside};
use crate::conditions::Request;
use crate::error::{ARCHIVED, Said, What};
use crate::head::{is_archived, is_what_was_listed, lock};
use crate::kept::Kept;
use crate::list::{MANY, Versioning};
use crate::replace::{self, Done, Place, changed, not_written};
use crate::spool::Spool;
use crate::stored::Stored;

impl Apply for S3 {
    fn ability(&self, formats: &[&str]) -> Ability {
        match formats.last() {
            // It is not within the body, whatever that is.
            Some(&beside::FORMAT) => Ability::Rewrite,
            _ => edit::ability(formats),
        }
    }

    fn stays_behind(&self, object: &ObjectPath) -> Vec<String> {
        let (key, older) = self.names.key(object);
        if older.is_some() {
            let removed = "it is an older version, and removed as a whole";
            let stays =
                "it is an older version, which nothing can write into, and stays until `erase_versions = true` is set";
            return vec![if self.erase_versions { removed } else { stays }.to_owned()];
        }
        let keeps = self.versioning().unwrap_or(Versioning::Unknown);
        if keeps == Versioning::Off {
            return Vec::new();
        }
        let before = match self.handle().block_on(self.listing.older_versions(&key)) {
            Ok(0) if keeps == Versioning::Unknown => {
                return vec![
                    "there is no older version of it; whether the bucket keeps the one that is replaced it does not say: \
                     `s3:GetBucketVersioning` lets it be asked"
                        .to_owned(),
                ];
            }
            Err(_) if keeps == Versioning::Unknown => {
                return vec![
                    "whether the bucket keeps versions, in which what is replaced would stay, cannot be told: grant \
                     `s3:GetBucketVersioning` and `s3:ListBucketVersions`"
                        .to_owned(),
                ];
            }
            Ok(0) => "there is no older one".to_owned(),
            Ok(n @ 1..MANY) => format!("there are {n} older ones"),
            Ok(_) => format!("there are {MANY} older ones or more"),
            Err(_) => "how many older ones there are cannot be told: grant `s3:ListBucketVersions`".to_owned(),
        };
        let (becomes, cure) = match (self.erase_versions, self.versions) {
            (true, true) => ("is removed", "those that hold the person are planned by themselves"),
            (true, false) => ("is removed", "older ones are not read, and stay: set `versions = true`"),
            (false, true) => {
                ("stays as an older one", "set `erase_versions = true` to have those removed that hold the person")
            }
            (false, false) => (
                "stays as an older one",
                "set `erase_versions = true`, and `versions = true` to have older ones read and removed as well",
            ),
        };
        vec![format!("the bucket keeps versions: the one that is current {becomes}, and {before}; {cure}")]
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        let mut receipts = Vec::new();
        for target in targets {
            match self.edit(target, limits, editor) {
                Ok(receipt) => receipts.extend(receipt),
                Err(refusal) => editor.refused(&target.object, None, refusal),
            }
        }
        Ok(receipts)
    }
}

/// An object, or an older version of one, opened to be edited.
struct Old<'s> {
    source: &'s S3,
    key: String,
    older: Option<String>,
    head: HeadObjectOutput,
    stored: Arc<Stored>,
}

impl S3 {
    /// Edits one object; nothing if there was nothing to do.
    fn edit(&self, target: &Target, limits: &Limits, editor: &mut dyn Editor) -> Result<Option<Receipt>, Refusal> {
        let old = Old::open(self, target)?;
        let mut asked = Asked::new(editor, &target.records);
        let input: Arc<dyn ReadAt> = old.stored.clone();
        let plan = edit::plan(&target.object, &input, &target.records, limits, &mut asked);
        old.was_read()?;
        let beside = old.edit_beside(target, &mut asked)?;
        let mut receipt = Receipt { object: target.object.as_str().to_owned(), ..Receipt::default() };
        if let Some(version) = &old.older {
            (receipt.deleted, receipt.changed) = asked.count();
            if (receipt.deleted, receipt.changed) == (0, 0) {
                asked.tell();
                return Ok(None);
            }
            old.remove_older(version, &mut receipt)?;
            return Ok(Some(receipt));
        }
        asked.tell();
        if plan.is_empty() && beside.is_none() {
            return Ok(None);
        }
        (receipt.deleted, receipt.changed) = (plan.deleted, plan.changed + u64::from(beside.is_some()));
        old.may_be_replaced()?;
        receipt.before = Some(old.digest()?);
        let done = match plan.removes_object() {
            true => old.remove(&mut receipt)?,
            false => old.write(&input, &plan, beside, &mut receipt)?,
        };
        if let Some(version) = done.left_behind(&old.head) {
            old.settle_version(&version, target, &mut receipt, editor);
        }
        Ok(Some(receipt))
    }
}

impl<'s> Old<'s> {
    fn open(source: &'s S3, target: &Target) -> Result<Self, Refusal> {
        let (key, older) = source.names.key(&target.object);
        let looked = source.handle().block_on(source.getter.head(&key, older.as_deref()));
        let head = looked.map_err(|said| match said.what {
            What::Gone => Refusal::new(RefusalKind::Changed, "there is no such object any more"),
            What::Denied => {
                let reason = format!(
                    "access denied ({}): grant `s3:GetObject` (for older versions `s3:GetObjectVersion`)",
                    said.detail
                );
                Refusal::new(RefusalKind::ReadOnly, reason)
            }
            _ => not_written(&said),
        })?;
        if let Some(version) = &target.version
            && version.sound
            && !is_what_was_listed(&head, version)
        {
            return Err(Refusal::new(RefusalKind::Changed, "it is no longer what was scanned; scan it again"));
        }
        if is_archived(&head) {
            return Err(Refusal::new(RefusalKind::Unsupported, ARCHIVED));
        }
        let stored = Stored::open(source, &key, older.as_deref(), &head);
        match stored {
            Ok(stored) => Ok(Self { source, key, older, head, stored: Arc::new(stored) }),
            Err(fault) => Err(not_read(source, &key, older.as_deref(), &head, &fault.reason)),
        }
    }

    /// Shows the editor what stands beside the body, if that is wanted; gives what it is to be.
    fn edit_beside(&self, target: &Target, editor: &mut dyn Editor) -> Result<Option<Beside>, Refusal> {
        let path = Beside::path(&target.object);
        if !target.records.get(&path).is_some_and(|records| records.iter().any(Beside::is_record)) {
            return Ok(None);
        }
        let asked = Kept::beside(&self.source.getter, &self.key, self.older.as_deref(), &self.head);
        let beside = self.source.handle().block_on(asked)?;
        let Some(batch) = beside.batch() else { return Ok(None) };
        editor.open(&Beside::part(path));
        let changes = editor.edit(&batch);
        editor.close();
        beside.changed(&batch, &changes)
    }

    fn place(&self) -> Place<'_> {
        Place { getter: &self.source.getter, key: &self.key, was: &self.head }
    }

    /// Whether all could be read that was asked for.
    fn was_read(&self) -> Result<(), Refusal> {
        let fault = self.stored.fault();
        fault.map_or(Ok(()), |reason| Err(not_read(self.source, &self.key, self.older.as_deref(), &self.head, &reason)))
    }

    fn digest(&self) -> Result<[u8; 32], Refusal> {
        let digest = self.stored.digest();
        self.was_read()?;
        digest.map_err(|error| Refusal::new(RefusalKind::Failed, format!("it could not be read again: {error}")))
    }

    /// Whether a new body may stand in its place, and nothing is lost.
    fn may_be_replaced(&self) -> Result<(), Refusal> {
        if let Some(reason) = lock(&self.head) {
            return Err(Refusal::new(RefusalKind::Constraint, reason));
        }
        if let Some(missing @ 1..) = self.head.missing_meta() {
            let reason = format!("{missing} of its metadata cannot be read, and would be lost: rewrite it by hand");
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        Ok(())
    }

    /// Makes the new body and puts it in the place of the old one.
    fn write(
        &self,
        input: &Arc<dyn ReadAt>,
        plan: &Plan,
        beside: Option<Beside>,
        receipt: &mut Receipt,
    ) -> Result<Done, Refusal> {
        let mut spool = Spool::default();
        let written = match plan.is_empty() {
            true => self.stored.copy(&mut spool),
            false => plan.write(input, &mut spool),
        };
        self.was_read()?;
        written.map_err(|unwritten| match unwritten {
            Unwritten::Input(fault) => edit::refusal(&fault),
            Unwritten::Output(error) => {
                let reason =
                    format!("there is no room for its new body; free as much as it has, or set `TMPDIR` ({error})");
                Refusal::new(RefusalKind::Failed, reason)
            }
        })?;
        let conditions = self.source.conditions();
        let (place, part_bytes) = (self.place(), self.source.part_bytes);
        let (kept, done) = self.source.handle().block_on(async {
            let mut kept = Kept::of(place.getter, &self.key, &self.head).await?;
            kept.beside = beside.unwrap_or(kept.beside);
            place.is_as_it_was().await?;
            let done = place.put(&spool, &kept, part_bytes).await?;
            Ok::<_, Refusal>((kept, done))
        })?;
        let request = if spool.len() > part_bytes { Request::CompleteMultipart } else { Request::Put };
        receipt.after = Some(spool.digest());
        receipt.notes.extend(kept.notes);
        receipt.notes.extend(conditions.note(request).map(str::to_owned));
        Ok(done)
    }

    /// Removes the object as a whole.
    fn remove(&self, receipt: &mut Receipt) -> Result<Done, Refusal> {
        let conditions = self.source.conditions();
        let place = self.place();
        let done = self.source.handle().block_on(async {
            place.is_as_it_was().await?;
            place.delete().await
        })?;
        receipt.notes.push("the object was removed".to_owned());
        receipt.notes.extend(conditions.note(Request::Delete).map(str::to_owned));
        Ok(done)
    }

    /// Removes the version that was replaced, or says that it stays.
    fn settle_version(&self, version: &str, target: &Target, receipt: &mut Receipt, editor: &mut dyn Editor) {
        if !self.source.erase_versions {
            receipt.notes.push(format!(
                "the version before this one, `{version}`, still holds it: set `erase_versions = true`, and `versions = true` \
                 for those before it, or let a lifecycle rule remove versions that are not current"
            ));
            return;
        }
        match self.remove_version(version) {
            Ok(()) => receipt.notes.push(format!("the version before this one, `{version}`, was removed")),
            Err(Refusal { kind, reason }) => {
                let reason =
                    format!("it was written, but the version before it, `{version}`, still holds it: {reason}");
                receipt.notes.push(reason.clone());
                editor.refused(&target.object, None, Refusal::new(kind, reason));
            }
        }
    }

    /// Removes a version that is not the current one, as a whole.
    fn remove_older(&self, version: &str, receipt: &mut Receipt) -> Result<(), Refusal> {
        if !self.source.erase_versions {
            let reason = "it is an older version, which nothing can write into: set `erase_versions = true` to have such \
                          versions removed as a whole, or let a lifecycle rule remove them";
            return Err(Refusal::new(RefusalKind::Unsupported, reason));
        }
        if let Some(reason) = lock(&self.head) {
            return Err(Refusal::new(RefusalKind::Constraint, reason));
        }
        receipt.before = Some(self.digest()?);
        match self.source.handle().block_on(self.source.getter.head(&self.key, None)) {
            // What stood before it was removed: it is what everybody reads now.
            Ok(current) if current.version_id() == Some(version) => return Err(changed()),
            Ok(_) | Err(Said { what: What::Gone, .. }) => {}
            Err(said) => return Err(not_written(&said)),
        }
        self.remove_version(version)?;
        receipt.notes.push("the older version was removed as a whole".to_owned());
        Ok(())
    }

    fn remove_version(&self, version: &str) -> Result<(), Refusal> {
        let removed = replace::remove_version(&self.source.getter, &self.key, Some(version));
        self.source.handle().block_on(removed).map_err(|said| match said.what {
            What::Denied => {
                let reason = format!(
                    "removing it is denied ({}): grant `s3:DeleteObjectVersion`, and see that neither a lock nor MFA \
                     delete forbids it",
                    said.detail
                );
                Refusal::new(RefusalKind::ReadOnly, reason)
            }
            _ => not_written(&said),
        })
    }
}

/// Why it could not be read: somebody else wrote to it, or something failed.
fn not_read(source: &S3, key: &str, older: Option<&str>, head: &HeadObjectOutput, reason: &str) -> Refusal {
    match source.handle().block_on(source.getter.head(key, older)) {
        Ok(now) if crate::head::is_same(&now, head) => {
            Refusal::new(RefusalKind::Failed, format!("it could not be read again: {reason}"))
        }
        Ok(_) | Err(Said { what: What::Gone, .. }) => changed(),
        Err(_) => Refusal::new(RefusalKind::Failed, format!("it could not be read again: {reason}")),
    }
}
