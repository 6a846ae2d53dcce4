//! What stands under a key, without its body.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ObjectLockLegalHoldStatus, StorageClass};
use residuum_source::Version;

use crate::error::{Said, What};
use crate::get::{CustomerKey, Getter};
use crate::key::State;

/// What a bucket that keeps versions calls one from before it did.
pub(crate) const NULL: &str = "null";

impl Getter {
    /// Looks at the current object, or at a version.
    pub async fn head(&self, key: &str, version: Option<&str>) -> Result<HeadObjectOutput, Said> {
        let mut with_key = self.customer_key.is_some();
        loop {
            let mut request = self
                .client
                .head_object()
                .bucket(&self.bucket)
                .key(key)
                .set_version_id(version.map(str::to_owned))
                .set_request_payer(self.payer());
            if let Some(CustomerKey { key, md5 }) = self.customer_key.as_ref().filter(|_| with_key) {
                request =
                    request.sse_customer_algorithm("AES256").sse_customer_key(key.expose()).sse_customer_key_md5(md5);
            }
            match request.send().await.map_err(|error| Said::of(&error)) {
                // Among objects that need the key stand others that do not take it.
                Err(said) if said.what == What::Encryption && with_key => with_key = false,
                answer => return answer,
            }
        }
    }
}

/// How many bytes it has.
pub(crate) fn size(head: &HeadObjectOutput) -> u64 {
    head.content_length().and_then(|len| u64::try_from(len).ok()).unwrap_or(0)
}

/// Whether this is what a listing found. A server that lists no ETags leaves the size.
pub(crate) fn is_what_was_listed(head: &HeadObjectOutput, version: &Version) -> bool {
    let Some(listed) = State::of(version) else { return false };
    let no_other = |listed: Option<&str>, now: Option<&str>| listed.is_none() || now.is_none() || listed == now;
    let etag = no_other(listed.etag.as_deref().map(bare), head.e_tag().map(bare));
    let version = no_other(listed.version.as_deref(), head.version_id());
    listed.size == size(head) && etag && version
}

/// Whether both are of one object that nobody has written to in between.
pub(crate) fn is_same(one: &HeadObjectOutput, other: &HeadObjectOutput) -> bool {
    let state = |head: &HeadObjectOutput| {
        let version = head.version_id().filter(|id| *id != NULL).map(str::to_owned);
        (head.e_tag().map(|etag| bare(etag).to_owned()), version, head.last_modified().copied(), size(head))
    };
    state(one) == state(other) && one.metadata() == other.metadata()
}

/// Not all servers quote an ETag everywhere.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// Whether it can only be read once the archive has been asked for it.
pub(crate) fn is_archived(head: &HeadObjectOutput) -> bool {
    let is_cold = matches!(head.storage_class(), Some(StorageClass::Glacier | StorageClass::DeepArchive));
    let is_restored = head.restore().is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    (is_cold || head.archive_status().is_some()) && !is_restored
}

/// What forbids to remove this version, with the cure.
pub(crate) fn lock(head: &HeadObjectOutput) -> Option<String> {
    if head.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On) {
        let reason = "it is under legal hold, so that what stands there now would stay as a version: have the hold \
                      lifted (`aws s3api put-object-legal-hold`) and try again";
        return Some(reason.to_owned());
    }
    let until = head.object_lock_retain_until_date()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let is_over = u64::try_from(until.secs()).is_ok_and(|until| until <= now);
    let mode = head.object_lock_mode().map_or("object lock", aws_sdk_s3::types::ObjectLockMode::as_str);
    (!is_over).then(|| {
        format!(
            "it is retained until {until} ({mode}), so that what stands there now would stay as a version: try again \
             after that{}",
            if mode == "GOVERNANCE" { ", or have who may (`s3:BypassGovernanceRetention`) shorten it" } else { "" }
        )
    })
}
