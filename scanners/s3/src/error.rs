//! What the server or the way to it says, sorted by what one does next, with the cure.
//!
//! Servers quote keys in their messages, and keys may be personal: only their codes are taken over.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use residuum_formats::Fault;
use residuum_source::SourceError;

/// What became of a request, in our words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    pub what: What,
    /// The code, or what the system says.
    pub detail: String,
    /// The region that the server says the bucket is in.
    pub region: Option<String>,
}

/// What a refused or failed request means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// No connection, or it broke.
    Broken,
    /// Nothing came in time.
    Late,
    /// The server asks for patience, or has a fault of its own.
    Busy,
    /// No TLS session that is acceptable.
    Tls,
    /// There are no credentials.
    NoCredentials,
    /// They are wrong, or no longer right.
    Credentials,
    /// They do not allow this.
    Denied,
    /// The bucket is elsewhere.
    Region,
    /// There is no such bucket.
    NoBucket,
    /// There is no such key or version.
    Gone,
    /// It is not what it was when it was listed.
    Changed,
    /// It lies in an archive.
    Archived,
    /// It is encrypted with a key that was not given, or is not with the one that was.
    Encryption,
    /// The server cannot do this.
    Unknown,
    /// Something else.
    Other,
}

impl What {
    /// Whether the same request may have an answer later.
    pub fn passes(self) -> bool {
        matches!(self, Self::Broken | Self::Late | Self::Busy)
    }
}

impl Said {
    /// What we say ourselves.
    pub fn ours(what: What, detail: &str) -> Self {
        Self { what, detail: detail.to_owned(), region: None }
    }

    /// Sorts an error of the SDK.
    pub fn of<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let header = |name| error.raw_response().and_then(|r| r.headers().get(name)).map(str::to_owned);
        let region = header("x-amz-bucket-region");
        let answered = match error {
            SdkError::ServiceError(said) => Some(said.err().code().unwrap_or_default().to_owned()),
            SdkError::ResponseError(_) if status >= 300 => Some(String::new()),
            _ => None,
        };
        match answered {
            Some(code) => {
                let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
                let detail = if code.is_empty() { format!("status {status}") } else { code.clone() };
                Self { what: meaning(status, &code), detail, region }
            }
            None => Self::on_the_way(error),
        }
    }

    /// An error before or after the answer.
    fn on_the_way<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        let first: &(dyn Error + 'static) = error;
        let chain: Vec<_> = std::iter::successors(Some(first), |&error| error.source()).collect();
        let innermost = chain.last().map(ToString::to_string).unwrap_or_default();
        let is_late = matches!(error, SdkError::TimeoutError(_))
            || matches!(error, SdkError::DispatchFailure(failure) if failure.is_timeout());
        let what = if let Some(error) = chain.iter().find_map(|e| e.downcast_ref::<CredentialsError>()) {
            match error {
                CredentialsError::InvalidConfiguration(_) => What::Credentials,
                _ => What::NoCredentials,
            }
        } else if is_late {
            What::Late
        } else if chain.iter().any(|error| is_tls(*error)) {
            What::Tls
        } else if matches!(error, SdkError::ConstructionFailure(_)) {
            What::Other
        } else {
            What::Broken
        };
        let detail = if what == What::Late { "no answer in time".to_owned() } else { innermost };
        Self { what, detail, region: None }
    }

    /// What it means that an object could not be read.
    pub fn object(&self, attempts: u32) -> Fault {
        let detail = &self.detail;
        Fault::unreadable(match self.what {
            What::Broken => format!("the connection broke {attempts} times ({detail}); scan again"),
            What::Late => format!("the server was silent or too slow {attempts} times; scan again"),
            What::Busy => {
                format!("the server refused {attempts} times ({detail}); scan again later, or with fewer jobs")
            }
            What::Tls => format!("there was no acceptable TLS session ({detail}); scan again"),
            What::NoCredentials | What::Credentials => {
                format!("the credentials are no longer accepted ({detail}); renew them and scan again")
            }
            What::Denied => format!(
                "access denied ({detail}); grant `s3:GetObject` (for older versions `s3:GetObjectVersion`) and, where \
                 it is encrypted with KMS, `kms:Decrypt`"
            ),
            What::Gone => "it was removed after it was listed; scan again".to_owned(),
            What::Changed => "it changed after it was listed; scan again when it is at rest".to_owned(),
            What::Archived => ARCHIVED.to_owned(),
            What::Encryption => format!(
                "it is encrypted with a key that its owner keeps, and the one given does not fit ({detail}); set \
                 `customer_key_env` or `customer_key_file`"
            ),
            What::Unknown => format!("the server cannot do what is asked ({detail})"),
            What::Region | What::NoBucket | What::Other => format!("the server refused ({detail})"),
        })
    }

    /// What it means for the bucket as a whole; `doing` is the permission that the request needs.
    pub fn source(&self, name: &str, place: &Place, doing: &str) -> SourceError {
        let source_name = name.to_owned();
        let Place { bucket, at, region } = place;
        let detail = &self.detail;
        let unreachable = |reason: String| SourceError::Unreachable {
            source_name: name.to_owned(),
            reason: format!("{reason} ({detail})"),
            cause: None,
        };
        let reason = match self.what {
            What::Broken => {
                return unreachable(format!(
                    "no connection to {at}: check `endpoint`, and that the server runs there and can be reached"
                ));
            }
            What::Late => return unreachable(format!("{at} does not answer: check `endpoint` and firewalls between")),
            What::Busy => return unreachable(format!("{at} refuses to serve now: try again later")),
            What::Tls => {
                return unreachable(format!("no acceptable TLS session with {at}: {}", cure_of_tls(detail)));
            }
            What::NoCredentials => {
                let reason =
                    "there are none: set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, name a `profile`, or \
                              set `anonymous = true` for a public bucket"
                        .to_owned();
                return SourceError::Credentials { source_name, reason };
            }
            What::Credentials => {
                let cure = match detail.as_str() {
                    "SignatureDoesNotMatch" => "the secret key does not belong to the access key",
                    "InvalidAccessKeyId" | "NotSignedUp" => {
                        "the access key is unknown there; check that it is one for this endpoint"
                    }
                    "RequestTimeTooSkewed" => "this machine's clock is wrong: set it",
                    "ExpiredToken" | "TokenRefreshRequired" => "the session has expired: renew it",
                    _ => "check the profile or the `AWS_…` variables they come from",
                };
                return SourceError::Credentials {
                    source_name,
                    reason: format!("{cure} ({detail}, for `{bucket}` at {at})"),
                };
            }
            What::Denied => {
                let reason =
                    format!("they do not allow `{doing}` on `{bucket}` ({detail}): grant it, `s3:GetObject`, too");
                return SourceError::Credentials { source_name, reason };
            }
            What::NoBucket | What::Gone => {
                format!("there is no bucket `{bucket}` at {at}: check the name and `endpoint`")
            }
            What::Region => match &self.region {
                Some(right) => {
                    format!("`{bucket}` is in the region `{right}`: set `region = \"{right}\"` or `AWS_REGION`")
                }
                None => format!(
                    "`{bucket}` is not in the region `{region}` or not at {at} ({detail}): set `region`, or `endpoint`"
                ),
            },
            _ => {
                format!("{at} refuses to list `{bucket}` ({detail}): check that `endpoint` speaks S3, and `path_style`")
            }
        };
        SourceError::Config { source_name, reason }
    }
}

/// What helps where there is no TLS session, by what the library says of it.
fn cure_of_tls(said: &str) -> &'static str {
    if said.contains("not valid for name") || said.contains("NotValidForName") {
        "its certificate is for another host: write the name that it is for into `endpoint`, or set `path_style` if the \
         bucket's name stands before it"
    } else if said.contains("NotValidYet") || said.contains("not valid yet") {
        "its certificate is not valid yet: is this machine's clock right?"
    } else if said.contains("xpired") {
        "its certificate has expired: have it renewed, or set this machine's clock"
    } else if said.contains("CaUsedAsEndEntity") {
        "its certificate is an authority's own, as those are that servers sign for themselves: have one issued for the \
         host, and set `ca_file` to the certificate of the authority that issued it"
    } else if said.contains("certificate") {
        "its certificate is not signed by an authority that the system knows: set `ca_file` to the certificate of the one \
         that signed it, or name it with `SSL_CERT_FILE`"
    } else {
        "check that `endpoint` speaks TLS 1.2 or 1.3 at this port"
    }
}

/// Whether TLS says so; it comes wrapped as an I/O error, whose `source` leaves it out.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

/// Where a bucket is, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub bucket: String,
    /// The endpoint, or AWS.
    pub at: String,
    pub region: String,
}

/// Why an object in an archive is not read.
pub(crate) const ARCHIVED: &str =
    "it lies in an archive that must be asked for it first; restore it (`aws s3api restore-object`) and scan again";

/// What an answer with this status and code means.
fn meaning(status: u16, code: &str) -> What {
    match code {
        "SlowDown"
        | "RequestTimeout"
        | "InternalError"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "TooManyRequests"
        | "OperationAborted"
        | "ConditionalRequestConflict" => What::Busy,
        "ExpiredToken"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "InvalidSecurity"
        | "NotSignedUp"
        | "RequestTimeTooSkewed"
        | "RequestExpired" => What::Credentials,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => What::Denied,
        "NoSuchBucket" => What::NoBucket,
        "NoSuchKey" | "NoSuchVersion" => What::Gone,
        "PreconditionFailed" | "InvalidRange" => What::Changed,
        "InvalidObjectState" => What::Archived,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => What::Region,
        "NotImplemented" | "MethodNotAllowed" => What::Unknown,
        _ => match status {
            301 | 302 | 307 | 308 => What::Region,
            400 => What::Encryption,
            401 => What::Credentials,
            403 => What::Denied,
            404 => What::Gone,
            412 | 416 => What::Changed,
            429 => What::Busy,
            405 | 501 => What::Unknown,
            500.. => What::Busy,
            _ => What::Other,
        },
    }
}
