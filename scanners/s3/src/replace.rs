//! Requests that write: a body put in the place of another, an object or a version removed.
//!
//! Each is conditional on what was read. One that broke may have been carried out all the same, and repeating it would
//! then be refused as a change of somebody else; so what stands there is looked at first.

use std::ops::Range;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use residuum_source::{Refusal, RefusalKind};
use sha2::{Digest as _, Sha256};

use crate::error::{Said, What};
use crate::get::{CustomerKey, Getter, Wanted};
use crate::head::{self, is_same};
use crate::kept::Kept;
use crate::spool::Spool;

/// S3 takes no more parts of one object.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const MOST_PARTS: u64 = 10_000;

/// The bytes for which [`crate::Patience::answer`] is meant.
const PER_ANSWER: u64 = 8 << 20;

/// A piece read back at a time.
const PIECE: u64 = 4 << 20;

/// The object that is written to.
pub(crate) struct Place<'o> {
    pub getter: &'o Getter,
    pub key: &'o str,
    /// What was read, and is to be replaced.
    pub was: &'o HeadObjectOutput,
}

/// What a writing came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// The version that it made.
    version: Option<String>,
    /// It only put a marker before the versions that are there.
    is_marker: bool,
}

impl Done {
    /// The version that was replaced, if the bucket keeps it.
    pub fn left_behind(&self, was: &HeadObjectOutput) -> Option<String> {
        let old = was.version_id().unwrap_or(head::NULL);
        let is_kept = match &self.version {
            // Where versions are suspended, what is written or the marker takes the place of the one called `null`.
            Some(new) => new != old,
            None => self.is_marker || old != head::NULL,
        };
        is_kept.then(|| old.to_owned())
    }
}

/// What stands there now.
enum Now {
    Same,
    Gone,
    Other(Box<HeadObjectOutput>),
}

/// Gives a request that makes an object all that stands beside the body of the old one.
macro_rules! as_it_was {
    ($place:expr, $kept:expr, $request:expr) => {{
        let (getter, was, kept): (&Getter, &HeadObjectOutput, &Kept) = ($place.getter, $place.was, $kept);
        let request = $request
            .bucket(&getter.bucket)
            .key($place.key)
            .set_request_payer(getter.payer())
            .set_metadata(Some(kept.beside.own.clone()))
            .set_content_type(was.content_type.clone())
            .set_content_encoding(was.content_encoding.clone())
            .set_content_disposition(kept.beside.disposition.clone())
            .set_content_language(was.content_language.clone())
            .set_cache_control(was.cache_control.clone())
            .set_website_redirect_location(kept.beside.redirect.clone())
            .set_storage_class(was.storage_class.clone())
            .set_server_side_encryption(was.server_side_encryption.clone())
            .set_ssekms_key_id(was.ssekms_key_id.clone())
            .set_bucket_key_enabled(was.bucket_key_enabled)
            .set_tagging(kept.tags())
            .set_grant_full_control(kept.grants.full_control.clone())
            .set_grant_read(kept.grants.read.clone())
            .set_grant_read_acp(kept.grants.read_acp.clone())
            .set_grant_write_acp(kept.grants.write_acp.clone());
        with_customer_key!($place, request)
    }};
}

/// Encrypts with the owner's key what was encrypted with it.
macro_rules! with_customer_key {
    ($place:expr, $request:expr) => {
        match $place.customer_key() {
            Some(CustomerKey { key, md5 }) => {
                $request.sse_customer_algorithm("AES256").sse_customer_key(key.expose()).sse_customer_key_md5(md5)
            }
            None => $request,
        }
    };
}

impl Place<'_> {
    /// Puts a body in the place of the old one, in parts if it is larger than one may be.
    pub async fn put(&self, spool: &Spool, kept: &Kept, part_bytes: u64) -> Result<Done, Refusal> {
        let digest = spool.digest();
        let is_done = async |now: &Now| match now {
            Now::Other(now) => {
                now.metadata().cloned().unwrap_or_default() == kept.beside.own
                    && self.holds(now, spool.len(), digest).await
            }
            Now::Same | Now::Gone => false,
        };
        if spool.len() <= part_bytes {
            return self.until_settled(async |if_match| self.put_once(spool, kept, if_match).await, is_done).await;
        }
        let upload = as_it_was!(self, kept, self.getter.client.create_multipart_upload());
        let upload = upload.customize().mutate_request(expires(self.was)).send().await;
        let upload = upload.map_err(|error| not_written(&Said::of(&error)))?;
        let id = upload.upload_id().unwrap_or_default().to_owned();
        let put = async {
            let parts = self.parts(spool, &id, part_bytes.max(spool.len().div_ceil(MOST_PARTS))).await?;
            // Putting the parts there may have taken hours.
            self.is_as_it_was().await?;
            self.until_settled(async |if_match| self.complete(&id, parts.clone(), if_match).await, is_done).await
        };
        let put = put.await;
        if put.is_err() {
            let abort = self.getter.client.abort_multipart_upload().bucket(&self.getter.bucket).key(self.key);
            // What is left is not the object's, and a rule of the bucket's may remove it.
            let _ = abort.upload_id(&id).set_request_payer(self.getter.payer()).send().await;
        }
        put
    }

    /// Removes the object; where the bucket keeps versions, by putting a marker before them.
    pub async fn delete(&self) -> Result<Done, Refusal> {
        let delete = async |if_match: Option<String>| {
            let request = self.getter.client.delete_object().bucket(&self.getter.bucket).key(self.key);
            let request = request.set_if_match(if_match).set_request_payer(self.getter.payer());
            let answer = request.customize().config_override(once(self.getter, 0)).send().await;
            let answer = answer.map_err(|error| Said::of(&error))?;
            let is_marker = answer.delete_marker() == Some(true);
            Ok(Done { version: answer.version_id, is_marker })
        };
        self.until_settled(delete, async |now: &Now| matches!(now, Now::Gone)).await
    }

    async fn put_once(&self, spool: &Spool, kept: &Kept, if_match: Option<String>) -> Result<Done, Said> {
        let body = read(spool, 0..spool.len())?;
        let request = as_it_was!(self, kept, self.getter.client.put_object()).set_if_match(if_match).body(body.into());
        let request = request.customize().mutate_request(expires(self.was));
        let answer = request.config_override(once(self.getter, spool.len())).send().await;
        let answer = answer.map_err(|error| Said::of(&error))?;
        Ok(Done { version: answer.version_id, is_marker: false })
    }

    async fn parts(&self, spool: &Spool, id: &str, bytes: u64) -> Result<CompletedMultipartUpload, Refusal> {
        let mut parts = CompletedMultipartUpload::builder();
        for (number, from) in (1..).zip((0..spool.len()).step_by(usize::try_from(bytes).unwrap_or(usize::MAX))) {
            let body = read(spool, from..(from + bytes).min(spool.len())).map_err(|said| not_written(&said))?;
            let part = self.getter.client.upload_part().bucket(&self.getter.bucket).key(self.key).upload_id(id);
            let part = with_customer_key!(self, part.part_number(number).set_request_payer(self.getter.payer()));
            let long = aws_sdk_s3::config::Builder::new().timeout_config(long_enough(self.getter, bytes));
            let part = part.body(body.into()).customize().config_override(long).send().await;
            let part = part.map_err(|error| not_written(&Said::of(&error)))?;
            let done = CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .set_checksum_crc32(part.checksum_crc32)
                .set_checksum_crc32_c(part.checksum_crc32_c)
                .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
                .set_checksum_sha1(part.checksum_sha1)
                .set_checksum_sha256(part.checksum_sha256);
            parts = parts.parts(done.build());
        }
        Ok(parts.build())
    }

    async fn complete(
        &self,
        id: &str,
        parts: CompletedMultipartUpload,
        if_match: Option<String>,
    ) -> Result<Done, Said> {
        let request = self.getter.client.complete_multipart_upload().bucket(&self.getter.bucket).key(self.key);
        let request = request.upload_id(id).multipart_upload(parts).set_if_match(if_match);
        let request = with_customer_key!(self, request.set_request_payer(self.getter.payer()));
        let answer = request.customize().config_override(once(self.getter, 0)).send().await;
        let answer = answer.map_err(|error| Said::of(&error))?;
        Ok(Done { version: answer.version_id, is_marker: false })
    }

    /// Sends a request until it was carried out or cannot be; whether what stands there now is what was wanted, the
    /// second one says.
    async fn until_settled(
        &self,
        send: impl AsyncFn(Option<String>) -> Result<Done, Said>,
        is_done: impl AsyncFn(&Now) -> bool,
    ) -> Result<Done, Refusal> {
        let mut if_match = self.was.e_tag.clone();
        let mut failures = 0;
        loop {
            let said = match send(if_match.clone()).await {
                Ok(done) => return Ok(done),
                Err(said) => said,
            };
            failures += 1;
            let Ok(now) = self.now().await else { return Err(not_known(&said)) };
            let may_be_ours = failures > 1 || said.what.passes();
            if may_be_ours && is_done(&now).await {
                return self.done(now).await;
            }
            match now {
                // Some servers say of what they do not know that they do not know it.
                Now::Same if said.what == What::Unknown && if_match.is_some() => if_match = None,
                Now::Same if said.what.passes() && failures < self.getter.patience.attempts => {
                    tokio::time::sleep(self.getter.pause(failures)).await;
                }
                Now::Same => return Err(not_written(&said)),
                Now::Gone | Now::Other(_) => return Err(changed()),
            }
        }
    }

    /// What a request came to whose answer was lost.
    async fn done(&self, now: Now) -> Result<Done, Refusal> {
        if let Now::Other(now) = now {
            return Ok(Done { version: now.version_id, is_marker: false });
        }
        let Some(old) = self.was.version_id() else { return Ok(Done { version: None, is_marker: false }) };
        // The marker stands before it, or is called `null` itself and has taken its place.
        let is_replaced = old == head::NULL
            && match self.getter.head(self.key, Some(old)).await {
                Ok(_) => false,
                Err(Said { what: What::Gone | What::Unknown, .. }) => true,
                Err(said) => return Err(not_known(&said)),
            };
        Ok(Done { version: is_replaced.then(|| old.to_owned()), is_marker: true })
    }

    async fn now(&self) -> Result<Now, Said> {
        match self.getter.head(self.key, None).await {
            Ok(now) if is_same(&now, self.was) => Ok(Now::Same),
            Ok(now) => Ok(Now::Other(Box::new(now))),
            Err(Said { what: What::Gone, .. }) => Ok(Now::Gone),
            Err(said) => Err(said),
        }
    }

    /// Whether nobody has written to it since it was read.
    pub async fn is_as_it_was(&self) -> Result<(), Refusal> {
        match self.now().await {
            Ok(Now::Same) => Ok(()),
            Ok(Now::Gone | Now::Other(_)) => Err(changed()),
            Err(said) => Err(not_written(&said)),
        }
    }

    /// Whether what stands there has these bytes.
    async fn holds(&self, now: &HeadObjectOutput, size: u64, digest: [u8; 32]) -> bool {
        let (key, etag) = (self.key.to_owned(), now.e_tag().map(str::to_owned));
        let wanted = Wanted { key, etag, size, ..Wanted::default() };
        let (mut read, mut at) = (Sha256::new(), 0);
        while at < size && head::size(now) == size {
            let end = (at + PIECE).min(size);
            let Ok(bytes) = self.getter.get(&wanted, at..end).await else { return false };
            read.update(&bytes);
            at = end;
        }
        at == size && <[u8; 32]>::from(read.finalize()) == digest
    }

    fn customer_key(&self) -> Option<&CustomerKey> {
        self.getter.customer_key.as_ref().filter(|_| self.was.sse_customer_algorithm().is_some())
    }
}

/// Removes a version for good, or an object of a bucket that keeps none.
pub(crate) async fn remove_version(getter: &Getter, key: &str, version: Option<&str>) -> Result<(), Said> {
    let request = getter.client.delete_object().bucket(&getter.bucket).key(key);
    let request = request.set_version_id(version.map(str::to_owned)).set_request_payer(getter.payer());
    match request.send().await.map_err(|error| Said::of(&error)) {
        Ok(_) | Err(Said { what: What::Gone, .. }) => Ok(()),
        Err(said) => Err(said),
    }
}

/// Sets when it expires for those who keep a copy, as it was written, which need not be a time.
fn expires(was: &HeadObjectOutput) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let expires = was.expires_string().map(str::to_owned);
    move |request| {
        if let Some(expires) = &expires {
            let _ = request.headers_mut().try_insert("expires", expires.clone());
        }
    }
}

/// A request that is not repeated unseen.
fn once(getter: &Getter, bytes: u64) -> aws_sdk_s3::config::Builder {
    let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
    once.timeout_config(long_enough(getter, bytes))
}

/// The SDK counts the time that a body takes to go up as time without an answer.
fn long_enough(getter: &Getter, bytes: u64) -> TimeoutConfig {
    let long = getter.patience.answer.saturating_mul(1 + u32::try_from(bytes / PER_ANSWER).unwrap_or(u32::MAX - 1));
    TimeoutConfig::builder().read_timeout(long).operation_attempt_timeout(long).build()
}

fn read(spool: &Spool, range: Range<u64>) -> Result<bytes::Bytes, Said> {
    spool.bytes(range).map_err(|error| Said::ours(What::Other, &format!("its new body cannot be read back: {error}")))
}

/// It is not what was read any more.
pub(crate) fn changed() -> Refusal {
    let reason =
        "somebody else wrote to it while it was edited, and that was left alone; scan again when it is at rest";
    Refusal::new(RefusalKind::Changed, reason)
}

/// Why it is not known what is there now.
fn not_known(said: &Said) -> Refusal {
    let Refusal { kind, reason } = not_written(said);
    Refusal::new(kind, format!("{reason}; whether it was written is not known"))
}

/// Why nothing was written, with the cure.
pub(crate) fn not_written(said: &Said) -> Refusal {
    let detail = &said.detail;
    let (kind, reason) = match said.what {
        What::Changed | What::Gone => return changed(),
        What::Denied => (
            RefusalKind::ReadOnly,
            format!(
                "access denied ({detail}): grant `s3:PutObject`, with tags `s3:PutObjectTagging`, with grants \
                 `s3:PutObjectAcl`, with KMS `kms:GenerateDataKey`; and `s3:DeleteObject` for objects that go as a whole"
            ),
        ),
        What::NoCredentials | What::Credentials => {
            (RefusalKind::ReadOnly, format!("the credentials are not accepted ({detail}): renew them and try again"))
        }
        What::Broken | What::Late => {
            (RefusalKind::Failed, format!("the connection broke or was too slow ({detail}): try again"))
        }
        What::Busy => (RefusalKind::Failed, format!("the server refuses to serve now ({detail}): try again later")),
        What::Tls => (RefusalKind::Failed, format!("there was no acceptable TLS session ({detail})")),
        What::Archived => (RefusalKind::Unsupported, crate::error::ARCHIVED.to_owned()),
        What::Unknown => (RefusalKind::Unsupported, format!("the server cannot do what is asked ({detail})")),
        What::Encryption | What::Region | What::NoBucket | What::Other => {
            (RefusalKind::Failed, format!("the server refused ({detail})"))
        }
    };
    Refusal::new(kind, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_left_behind_is_one_that_is_still_there() {
        let (null, one, two) = (Some(head::NULL), Some("v1"), Some("v2"));
        for (case, was, version, is_marker, left) in [
            ("no versions, written", None, None, false, None),
            ("no versions, removed", None, None, false, None),
            ("versions, written", one, two, false, one),
            ("versions, removed", one, two, true, one),
            ("versions, of before them written", null, two, false, null),
            ("versions, of before them removed", null, two, true, null),
            ("suspended, written", null, null, false, None),
            ("suspended, removed", null, null, true, None),
            ("suspended, of before that written", one, null, false, one),
            ("suspended, of before that removed", one, null, true, one),
            ("the answer was lost, removed", one, None, true, one),
        ] {
            let was = HeadObjectOutput::builder().set_version_id(was.map(str::to_owned)).build();
            let done = Done { version: version.map(str::to_owned), is_marker };
            assert_eq!(done.left_behind(&was).as_deref(), left, "{case}");
        }
    }
}
