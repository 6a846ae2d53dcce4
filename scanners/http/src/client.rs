//! Requests: `GET` only, at the pace allowed, tried again where that may help, never to another server.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use residuum_source::Sensitive;
use serde_json::value::RawValue;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Error, Proxy};
use url::Url;

use crate::address;
use crate::describe::{Auth, Description};

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The first wait before a request is tried again; each is twice the one before, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Redirects followed, all on the same server.
const REDIRECTS: u32 = 5;

/// Asks one server.
pub struct Client {
    agent: Agent,
    headers: HeaderMap,
    interval: Duration,
    retries: u32,
    longest_wait: Duration,
    /// When the next request may go out.
    next: Mutex<Instant>,
}

/// An answer: JSON, whole.
pub struct Answer {
    /// The body.
    pub json: Box<RawValue>,
    /// The address of the next answer, as the header `Link` gives it.
    pub next_link: Option<String>,
}

/// Why there is no answer. Says nothing of values: neither addresses with their parameters nor bodies.
#[derive(Debug)]
pub enum Trouble {
    /// The credentials do not do: the status.
    Refused(u16),
    /// There is nothing at the address.
    NotFound,
    /// The server cannot be reached.
    Unreachable(String),
    /// The answer is longer than is allowed.
    TooLong(u64),
    /// Anything else.
    Unusable(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(401) => f.write_str("the credentials were refused (401): check the secret and `auth`"),
            Self::Refused(status) => {
                write!(f, "the credentials do not allow reading it ({status}): ask for the right to read")
            }
            Self::NotFound => f.write_str("there is nothing at its address (404): check `path`"),
            Self::Unreachable(reason) | Self::Unusable(reason) => f.write_str(reason),
            Self::TooLong(most) => {
                write!(
                    f,
                    "an answer is longer than {most} bytes: ask for smaller pages, or raise the limit `whole_bytes`"
                )
            }
        }
    }
}

/// How one attempt ended without an answer.
enum Failed {
    /// It may help to try again, after so long if the server says so.
    Again(Trouble, Option<Duration>),
    Final(Trouble),
}

impl Client {
    /// A client for the server at `base`; nothing is asked yet.
    ///
    /// # Errors
    /// What of the description cannot be used. Never the secret.
    pub fn new(base: &Url, description: &Description, secret: Option<&Sensitive<String>>) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &description.headers {
            let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
            let value = HeaderValue::try_from(value)
                .map_err(|_| format!("header `{name}` has a value that no header may have"))?;
            headers.insert(name, value);
        }
        if let Some((name, mut value)) = credentials(description, secret)? {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let proxy = if address::is_loopback(base) { None } else { Proxy::try_from_env() };
        let mut tls = TlsConfig::builder();
        if let Some(file) = &description.ca_file {
            let shown = file.display();
            let pem = std::fs::read(file).map_err(|error| format!("`ca_file` `{shown}` cannot be read: {error}"))?;
            let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            if certificates.is_empty() {
                return Err(format!("`ca_file` `{shown}` holds no certificate in PEM"));
            }
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(Duration::from_secs(description.timeout_seconds)))
            .user_agent(concat!("residuum/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(tls.build())
            .build();
        Ok(Self {
            agent: config.new_agent(),
            headers,
            interval: Duration::from_secs_f64(1.0 / description.requests_per_second),
            retries: description.retries,
            longest_wait: Duration::from_secs(description.longest_wait_seconds),
            next: Mutex::new(Instant::now()),
        })
    }

    /// Asks for the JSON at an address of at most so many bytes.
    ///
    /// # Errors
    /// When there is none, after as many attempts as are allowed.
    pub fn get(&self, url: &Url, most: u64) -> Result<Answer, Trouble> {
        let mut attempt = 0;
        loop {
            self.wait_for_turn();
            let (trouble, asked) = match self.follow(url, most) {
                Ok(answer) => return Ok(answer),
                Err(Failed::Final(trouble)) => return Err(trouble),
                Err(Failed::Again(trouble, asked)) => (trouble, asked),
            };
            let wait = asked.unwrap_or_else(|| backoff(attempt));
            if attempt >= self.retries {
                return Err(trouble);
            }
            if wait > self.longest_wait {
                let (seconds, most) = (wait.as_secs(), self.longest_wait.as_secs());
                return Err(Trouble::Unusable(format!(
                    "{trouble}; the server asks to wait {seconds} s, longer than `longest_wait_seconds` = {most}: scan again later"
                )));
            }
            attempt += 1;
            self.hold(wait);
        }
    }

    /// Waits until a request may go out; every thread takes a turn of its own.
    fn wait_for_turn(&self) {
        loop {
            let now = Instant::now();
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            if *next <= now {
                *next = now + self.interval;
                return;
            }
            let wait = *next - now;
            drop(next);
            std::thread::sleep(wait);
        }
    }

    /// Nobody asks for so long.
    fn hold(&self, wait: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Instant::now() + wait);
    }

    /// One attempt, through redirects on the same server.
    fn follow(&self, url: &Url, most: u64) -> Result<Answer, Failed> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.agent.get(url.as_str());
            if let Some(headers) = request.headers_mut() {
                headers.extend(self.headers.clone());
            }
            let mut response = request.call().map_err(failed)?;
            let status = response.status().as_u16();
            let text = |name: &HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
            match status {
                200..=299 => {
                    let links = response.headers().get_all(header::LINK).iter().filter_map(|link| link.to_str().ok());
                    let next_link = address::next_link(links);
                    let length = text(&header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
                    if length.is_some_and(|length: u64| length > most) {
                        return Err(Failed::Final(Trouble::TooLong(most)));
                    }
                    let body = response.body_mut().with_config().limit(most).read_to_vec().map_err(failed)?;
                    return Ok(Answer { json: parse(status, body)?, next_link });
                }
                301..=303 | 307 | 308 => {
                    let to = text(&header::LOCATION).ok_or_else(|| unusable("the server redirects to nowhere"))?;
                    url = address::resolve(&url, to).map_err(|reason| Failed::Final(Trouble::Unusable(reason)))?;
                }
                401 | 403 => return Err(Failed::Final(Trouble::Refused(status))),
                404 | 410 => return Err(Failed::Final(Trouble::NotFound)),
                408 | 425 | 429 | 500 | 502..=504 => {
                    let asked = text(&header::RETRY_AFTER).and_then(|text| retry_after(text, SystemTime::now()));
                    let trouble = Trouble::Unusable(format!("the server answered {status}, and so at every attempt"));
                    return Err(Failed::Again(trouble, asked));
                }
                _ => return Err(unusable(format!("the server answered {status}"))),
            }
        }
        Err(unusable("the server redirects without end"))
    }
}

/// The header that says who asks.
fn credentials(
    description: &Description,
    secret: Option<&Sensitive<String>>,
) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let Some(secret) = secret.map(|secret| secret.expose()) else { return Ok(None) };
    let (name, value) = match description.auth {
        Auth::None => return Ok(None),
        Auth::Basic => {
            let user = description.user.as_deref().unwrap_or_default();
            (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))))
        }
        Auth::Bearer => (header::AUTHORIZATION, format!("Bearer {secret}")),
        Auth::Header => {
            let name = description.header.as_deref().unwrap_or_default();
            let name =
                HeaderName::try_from(name).map_err(|_| format!("`header = \"{name}\"` is no name of a header"))?;
            (name, secret.clone())
        }
    };
    let value =
        HeaderValue::try_from(value).map_err(|_| "the secret has characters that no header may have".to_owned())?;
    Ok(Some((name, value)))
}

/// A body as JSON. One that ends early was cut off on the way.
fn parse(status: u16, body: Vec<u8>) -> Result<Box<RawValue>, Failed> {
    let empty = status == 204 || body.trim_ascii().is_empty();
    let body = if empty { b"null".to_vec() } else { body };
    serde_json::from_slice(&body).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => {
            Failed::Again(Trouble::Unusable("the answer ended early, and so at every attempt".to_owned()), None)
        }
        _ => unusable("the answer is not JSON: check `path`, or set `Accept` in `headers`"),
    })
}

fn unusable(reason: impl Into<String>) -> Failed {
    Failed::Final(Trouble::Unusable(reason.into()))
}

fn failed(error: Error) -> Failed {
    let again = |what: &str| Failed::Again(Trouble::Unusable(format!("{what}, and so at every attempt")), None);
    match error {
        Error::Timeout(timeout) => {
            again(&format!("no answer in time ({timeout}): raise `timeout_seconds`, or ask for smaller pages"))
        }
        Error::BodyExceedsLimit(most) => Failed::Final(Trouble::TooLong(most)),
        Error::HostNotFound => Failed::Final(Trouble::Unreachable("its host is not known: check `url`".to_owned())),
        Error::ConnectionFailed => {
            Failed::Again(Trouble::Unreachable("nothing answers at its address: check `url`".to_owned()), None)
        }
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Failed::Again(Trouble::Unreachable("nothing listens at its address: check `url`".to_owned()), None)
        }
        // The reason is a word of the library or of the system, about certificates and connections.
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.to_string().contains("certificate")) => {
            Failed::Final(Trouble::Unreachable(untrusted(&error.to_string())))
        }
        Error::Rustls(error) if error.to_string().contains("certificate") => {
            Failed::Final(Trouble::Unreachable(untrusted(&error.to_string())))
        }
        Error::Rustls(error) => Failed::Final(Trouble::Unreachable(no_tls(&error.to_string()))),
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Failed::Final(Trouble::Unreachable(no_tls(&error.to_string())))
        }
        Error::Io(error) => again(&format!("the connection broke ({})", error.kind())),
        Error::Tls(reason) => Failed::Final(Trouble::Unreachable(no_tls(reason))),
        Error::Protocol(_) => again("the answer is not HTTP as it should be"),
        Error::BadUri(_) | Error::Http(_) => unusable("an address cannot be asked for"),
        _ => again("the request failed"),
    }
}

/// Why a server's certificate will not do, with the cure. What the library says of one is a word of its own, and the
/// names that the certificate is for.
fn untrusted(said: &str) -> String {
    let cure = if said.contains("not valid for name") || said.contains("NotValidForName") {
        "is for another host: write the name that it is for into `url`"
    } else if said.contains("NotValidYet") || said.contains("not valid yet") {
        "is not valid yet: is this machine's clock right?"
    } else if said.contains("xpired") {
        "has expired: have it renewed, or set this machine's clock"
    } else if said.contains("CaUsedAsEndEntity") {
        "is an authority's own, as those are that servers sign for themselves: have one issued for the host, and set \
         `ca_file` to the certificate of the authority that issued it"
    } else {
        "is not signed by an authority that is trusted: set `ca_file` to the certificate of the one that signed it"
    };
    format!("its certificate {cure} ({said})")
}

fn no_tls(said: &str) -> String {
    format!("no TLS connection ({said}): does `url` name a port that speaks TLS 1.2 or 1.3?")
}

/// `Retry-After` as seconds or as a date, in any of HTTP's forms (RFC 9110, §10.2.3 and §5.6.7).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// Twice as long with every attempt, and a random part of it, so that many clients do not come back together.
fn backoff(attempt: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << attempt.min(16)).min(LONGEST_BACKOFF);
    let random = RandomState::new().hash_one(attempt) as f64 / u64::MAX as f64;
    longest.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_understood_in_every_form() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37)),
            ("Sun Nov  6 08:49:37 1994", Some(37)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn waits_grow_and_differ() {
        for attempt in 0..20 {
            let longest = FIRST_WAIT.saturating_mul(1 << attempt.min(16)).min(LONGEST_BACKOFF);
            let waits: Vec<_> = (0..20).map(|_| backoff(attempt)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest && *wait >= longest / 2), "{attempt}");
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
