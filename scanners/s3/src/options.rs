//! What a bucket is read and written with.

use std::path::PathBuf;
use std::time::Duration;

use residuum_source::{Sensitive, SourceError};

/// How a bucket is reached and what of it is read. `S3Options::new(url)` has the defaults.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// `s3://bucket/prefix`. The prefix is one of text, as everywhere in S3: `s3://b/2026` has `2026.csv`, too.
    pub url: String,
    /// Address of a server that is not AWS; without it the environment's (`AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT_URL`) or the profile's.
    pub endpoint: Option<String>,
    /// Certificates in PEM of authorities that are trusted instead of those the system knows.
    pub ca_file: Option<PathBuf>,
    /// The bucket's region; without it the environment's (`AWS_REGION`) or the profile's, else `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket stands in the path rather than in the host's name; without it, if there is an endpoint.
    pub path_style: Option<bool>,
    /// Profile in `~/.aws/config` and `~/.aws/credentials`; without it the environment's (`AWS_PROFILE`).
    pub profile: Option<String>,
    /// Access key and secret; without them they come from where AWS's own tools find them.
    pub access_key: Option<(String, Sensitive<String>)>,
    /// Ask without credentials, as public buckets allow.
    pub anonymous: bool,
    /// Read every version of every object instead of the current ones.
    pub versions: bool,
    /// Remove versions that hold what is to be erased: the one that was current when a record in it was, and, where
    /// [`S3Options::versions`] is set, older ones, as a whole.
    pub erase_versions: bool,
    /// That no key begins with the prefix is as it should be, and not a slip in it.
    pub may_be_empty: bool,
    /// Agree to pay for requests and traffic, as some buckets require.
    pub requester_pays: bool,
    /// Key of objects that are encrypted with one that their owner keeps (SSE-C): 32 bytes in Base64.
    pub customer_key: Option<Sensitive<String>>,
    /// Objects written that are larger go up in parts of this size, of which one at a time is in memory; 5 MiB at least.
    pub part_bytes: u64,
    /// How often and how patiently a request is repeated.
    pub patience: Patience,
}

/// How long one waits and how often one asks again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// Requests in a row that may fail before an object is given up; one that brought data starts the count anew.
    pub attempts: u32,
    /// The longest pause after the first failure; doubled each time, up to [`Patience::LONGEST_PAUSE`]. The pause
    /// taken is a random part of it.
    pub pause: Duration,
    /// For a connection to be made.
    pub connect: Duration,
    /// For an answer to begin, and then for each further piece of it.
    pub silence: Duration,
    /// For the whole answer to one request, which is for 8 MiB at most.
    pub answer: Duration,
}

impl Patience {
    /// No pause is longer.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(20);
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 6,
            pause: Duration::from_millis(250),
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            answer: Duration::from_secs(120),
        }
    }
}

impl S3Options {
    /// The defaults for this URL.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            endpoint: None,
            ca_file: None,
            region: None,
            path_style: None,
            profile: None,
            access_key: None,
            anonymous: false,
            versions: false,
            erase_versions: false,
            may_be_empty: false,
            requester_pays: false,
            customer_key: None,
            part_bytes: 64 << 20,
            patience: Patience::default(),
        }
    }

    /// The bucket and the prefix of its keys.
    pub(crate) fn target(&self, name: &str) -> Result<(String, String), SourceError> {
        let fail = |reason: &str| Err(SourceError::Config { source_name: name.to_owned(), reason: reason.to_owned() });
        let Some(rest) = self.url.strip_prefix("s3://") else {
            return fail("its URL does not begin with `s3://`");
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return fail("its URL names no bucket; write `s3://bucket` or `s3://bucket/prefix`");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !bucket.chars().all(allowed) {
            return fail(
                "its bucket's name has characters that no bucket has; of an access point give the alias, and the \
                 endpoint and credentials in the configuration",
            );
        }
        Ok((bucket.to_owned(), prefix.to_owned()))
    }
}
