//! One stretch of one object, asked for until it is there.
//!
//! The SDK repeats requests that fail before their answer begins; what breaks later it leaves to us. So it repeats
//! nothing here, and what an answer brought before it broke is kept: the next request asks for the rest.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::types::RequestPayer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use residuum_formats::Fault;
use residuum_source::{Sensitive, SourceError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::beside::Beside;
use crate::error::{Said, What};
use crate::options::{Patience, S3Options};

/// Requests of one source that are answered at a time.
const AT_ONCE: usize = 48;

/// An attempt that brought this much was no failure.
const PROGRESS: usize = 64 << 10;

/// Asks for objects of one bucket.
#[derive(Debug)]
pub(crate) struct Getter {
    pub client: Client,
    pub bucket: String,
    pub customer_key: Option<CustomerKey>,
    pub patience: Patience,
    requester_pays: bool,
    gate: Semaphore,
}

/// Which object, in which state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub key: String,
    /// Asked for by its version rather than as the current one.
    pub version: Option<String>,
    pub etag: Option<String>,
    pub size: u64,
    /// What stands beside its body, once an answer has told.
    pub beside: OnceLock<Beside>,
}

/// A key that goes with every request, and that the server forgets.
pub(crate) struct CustomerKey {
    pub key: Sensitive<String>,
    pub md5: String,
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerKey")
    }
}

impl Getter {
    pub fn new(name: &str, client: Client, bucket: &str, options: &S3Options) -> Result<Self, SourceError> {
        let customer_key = options.customer_key.as_ref().map(|key| CustomerKey::new(name, key)).transpose()?;
        Ok(Self {
            client,
            bucket: bucket.to_owned(),
            requester_pays: options.requester_pays,
            customer_key,
            patience: options.patience,
            gate: Semaphore::new(AT_ONCE),
        })
    }

    /// The bytes of this range, all of them.
    pub async fn get(&self, wanted: &Wanted, range: Range<u64>) -> Result<Bytes, Fault> {
        let len = (range.end - range.start) as usize;
        let mut got = BytesMut::with_capacity(len);
        let mut failures = 0;
        let mut with_key = self.customer_key.is_some();
        loop {
            let before = got.len();
            let attempt = self.attempt(wanted, &range, with_key, &mut got);
            let said = match timeout(self.patience.answer, attempt).await {
                Ok(Ok(())) => return Ok(got.freeze()),
                Ok(Err(said)) => said,
                Err(_) => Said::ours(What::Late, "too slow"),
            };
            if said.what == What::Encryption && with_key {
                with_key = false; // among objects that need the key stand others that do not take it
                continue;
            }
            failures = if got.len() - before >= PROGRESS { 1 } else { failures + 1 };
            if !said.what.passes() || failures >= self.patience.attempts {
                return Err(said.object(failures));
            }
            tokio::time::sleep(self.pause(failures)).await;
        }
    }

    /// Whether the one who asks pays.
    pub fn payer(&self) -> Option<RequestPayer> {
        self.requester_pays.then_some(RequestPayer::Requester)
    }

    /// A random part of a span that doubles with each failure, so that those who failed together do not come again
    /// together.
    pub fn pause(&self, failures: u32) -> Duration {
        let longest = self.patience.pause.saturating_mul(1 << (failures - 1).min(16)).min(Patience::LONGEST_PAUSE);
        longest.mul_f64(fastrand::f64())
    }

    /// Asks once for what is missing.
    async fn attempt(
        &self,
        wanted: &Wanted,
        range: &Range<u64>,
        with_key: bool,
        got: &mut BytesMut,
    ) -> Result<(), Said> {
        let _permit = self.gate.acquire().await.expect("the gate is never closed");
        let start = range.start + got.len() as u64;
        let whole = start == 0 && range.end == wanted.size;
        let mut request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&wanted.key)
            .set_version_id(wanted.version.clone())
            .set_if_match(wanted.etag.clone())
            .set_range((!whole).then(|| format!("bytes={start}-{}", range.end - 1)))
            .set_request_payer(self.payer());
        if let Some(CustomerKey { key, md5 }) = self.customer_key.as_ref().filter(|_| with_key) {
            request = request.sse_customer_algorithm("AES256").sse_customer_key(key.expose()).sse_customer_key_md5(md5);
        }
        let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = request.customize().config_override(once).send().await;
        let mut answer = answer.map_err(|error| Said::of(&error))?;
        wanted.beside.get_or_init(|| Beside::of_get(&answer));

        let changed = || Said::ours(What::Changed, "");
        // Some servers know no conditions.
        if let (Some(seen), Some(now)) = (wanted.etag.as_deref(), answer.e_tag())
            && seen != now
        {
            return Err(changed());
        }
        let mut skipped = 0; // what stands before the range, if the server gives everything
        match answer.content_range().and_then(content_range) {
            Some((first, total)) if first == start && total.is_none_or(|total| total == wanted.size) => {}
            Some((first, _)) if first == start => return Err(changed()),
            Some(_) => return Err(Said::ours(What::Other, "it gave another range")),
            None if answer.content_length().is_some_and(|len| len as u64 != wanted.size) => return Err(changed()),
            None => skipped = start,
        }
        let all = (range.end - range.start) as usize;
        loop {
            let piece = match timeout(self.patience.silence, answer.body.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => return Err(broken(&error)),
                Ok(None) => break,
                Err(_) => return Err(Said::ours(What::Late, "silent")),
            };
            let before = (piece.len() as u64).min(skipped);
            skipped -= before;
            let piece = &piece[before as usize..];
            got.extend_from_slice(&piece[..piece.len().min(all - got.len())]);
            if got.len() == all {
                break;
            }
        }
        if got.len() == all { Ok(()) } else { Err(Said::ours(What::Broken, "the answer was cut short")) }
    }
}

impl CustomerKey {
    fn new(name: &str, key: &Sensitive<String>) -> Result<Self, SourceError> {
        let bytes = BASE64.decode(key.expose().trim()).ok().filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or_else(|| SourceError::Config {
            source_name: name.to_owned(),
            reason: "its customer key is not 32 bytes in Base64".to_owned(),
        })?;
        Ok(Self { key: Sensitive::new(BASE64.encode(&bytes)), md5: BASE64.encode(Md5::digest(&bytes)) })
    }
}

/// `bytes 0-99/1234`: the first byte, and the whole size if it is told.
fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (span, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    Some((span.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

/// The answer broke in the middle.
fn broken(error: &(dyn std::error::Error + 'static)) -> Said {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    Said::ours(What::Broken, &innermost.to_string())
}
