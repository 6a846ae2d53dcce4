//! One source of the configuration: where it is, its secrets, and what may be asked of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use residuum_source::Sensitive;
use serde::Deserialize;

use super::{ConfigError, without_credentials};

/// One source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Its name in every output; letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where it is: a path, `file://…`, `sqlite:PATH`, `postgres://…`, `mysql://…`, `s3://bucket/prefix`, `https://…`.
    pub url: String,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// Command whose first line of output is the password.
    pub password_command: Option<String>,
    /// What a REST API holds and how it is asked, as `residuum-http` describes it; only for `https://…`.
    pub http: Option<toml::Table>,
    /// Follow symbolic links that lead out of the tree. Default `false`.
    #[serde(default)]
    pub follow_symlinks: bool,
    /// S3: address of a server that is not AWS. Default: the environment's or the profile's.
    pub endpoint: Option<String>,
    /// S3: certificates in PEM of authorities to trust instead of those the system knows.
    pub ca_file: Option<PathBuf>,
    /// S3: the bucket's region. Default: the environment's or the profile's, else `us-east-1`.
    pub region: Option<String>,
    /// S3: whether the bucket stands in the path rather than in the host's name. Default: if there is an endpoint.
    pub path_style: Option<bool>,
    /// S3: profile in AWS's configuration files. Default: the environment's.
    pub profile: Option<String>,
    /// S3: access key, whose secret is the password. Default: credentials from where AWS's own tools find them.
    pub access_key: Option<String>,
    /// S3: ask without credentials. Default `false`.
    #[serde(default)]
    pub anonymous: bool,
    /// S3: requests in a row that may fail before an object is given up. Default 6.
    pub attempts: Option<u32>,
    /// S3: how long a request may go without a byte before it has failed. Default `20s`.
    pub timeout: Option<Span>,
    /// S3: read every version of every object. Default `false`.
    #[serde(default)]
    pub versions: bool,
    /// S3: remove versions that hold what is to be erased. Default `false`: they stay, and are named.
    #[serde(default)]
    pub erase_versions: bool,
    /// S3: that no key begins with the prefix is as it should be. Default `false`: it is a hole, for it may be a slip.
    #[serde(default)]
    pub may_be_empty: bool,
    /// S3: agree to pay for requests and traffic. Default `false`.
    #[serde(default)]
    pub requester_pays: bool,
    /// S3: environment variable with the key of objects encrypted by their owner (SSE-C), 32 bytes in Base64.
    pub customer_key_env: Option<String>,
    /// S3: file with that key.
    pub customer_key_file: Option<PathBuf>,
    /// Megabytes (10^6 bytes, decompressed) read in a second, at most.
    pub max_rate: Option<f64>,
    /// Records read in a second, at most.
    pub max_rows: Option<f64>,
    /// Readers at a time, at most, together with those of other sources on the same host. Default: every thread.
    pub max_readers: Option<usize>,
    /// How long connecting may take. Default `15s`.
    pub connect_timeout: Option<Span>,
    /// How long a database may say nothing while it is to answer. Default `10m`.
    pub answer_timeout: Option<Span>,
    /// How long to wait for a table that is being altered. Default `5s`.
    pub lock_timeout: Option<Span>,
    /// PostgreSQL: how long a single statement may run. Default: without end.
    pub statement_timeout: Option<Span>,
    /// PostgreSQL: how long the server waits for this program within a transaction. Default `10m`.
    pub idle_timeout: Option<Span>,
    /// How long a snapshot may be held open. Default `24h`.
    pub snapshot_age: Option<Span>,
}

/// A length of time, such as `500ms`, `30s`, `10m`, `6h` or `2d`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(NO_SPAN.to_owned()),
        };
        let number: Option<u64> = number.parse().ok();
        let span = number.and_then(|n| n.checked_mul(milliseconds)).filter(|ms| *ms > 0);
        span.map(|ms| Self(Duration::from_millis(ms))).ok_or_else(|| NO_SPAN.to_owned())
    }
}

const NO_SPAN: &str = "a time is a whole number above 0 with its unit, such as `500ms`, `30s`, `10m`, `6h` or `2d`";

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl SourceConfig {
    /// A source given on the command line: it is named after its location, without credentials.
    pub fn from_url(url: &str) -> Self {
        // A directory is the same with and without a slash behind it.
        let url = if url.contains("://") { url } else { url.trim_end_matches('/') };
        let url = if url.is_empty() { "/" } else { url };
        Self { name: without_credentials(url), url: url.to_owned(), ..Self::default() }
    }

    /// The password from the place the configuration names, if it names one.
    ///
    /// # Errors
    /// When that place does not give one.
    pub fn password(&self) -> Result<Option<Sensitive<String>>, ConfigError> {
        if let Some(secret) = self.secret(self.password_env.as_deref(), self.password_file.as_deref())? {
            return Ok(Some(secret));
        }
        if let Some(command) = &self.password_command {
            let place = format!("command `{command}`");
            let fail = |place: String, reason: String| self.no_secret(place, reason);
            let output =
                std::process::Command::new("sh").arg("-c").arg(command).stderr(std::process::Stdio::inherit()).output();
            let output = output.map_err(|e| fail(place.clone(), e.to_string()))?;
            if !output.status.success() {
                return Err(fail(place, format!("it ended with {}", output.status)));
            }
            return Ok(Some(first_line(String::from_utf8_lossy(&output.stdout).into_owned())));
        }
        Ok(None)
    }

    /// The key of objects that their owner encrypted, if the configuration names a place for it.
    ///
    /// # Errors
    /// When that place does not give one.
    pub fn customer_key(&self) -> Result<Option<Sensitive<String>>, ConfigError> {
        self.secret(self.customer_key_env.as_deref(), self.customer_key_file.as_deref())
    }

    /// A secret from a variable or a file.
    fn secret(&self, variable: Option<&str>, file: Option<&Path>) -> Result<Option<Sensitive<String>>, ConfigError> {
        if let Some(variable) = variable {
            let value = std::env::var(variable);
            return value
                .map(|v| Some(Sensitive::new(v)))
                .map_err(|_| self.no_secret(format!("`${variable}`"), "it is not set".to_owned()));
        }
        if let Some(file) = file {
            let text = std::fs::read_to_string(file);
            return text
                .map(|t| Some(first_line(t)))
                .map_err(|e| self.no_secret(format!("`{}`", file.display()), e.to_string()));
        }
        Ok(None)
    }

    fn no_secret(&self, place: String, reason: String) -> ConfigError {
        ConfigError::Password { source_name: self.name.clone(), place, reason }
    }

    /// A setting that is given and means nothing for a source at such a URL, with the URLs it is for.
    fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        const S3: (&[&str], &str) = (&["s3"], "`s3://…`");
        const API: (&[&str], &str) = (&["https", "http"], "`https://…`");
        const POSTGRES: (&[&str], &str) = (&["postgres", "postgresql"], "`postgres://…`");
        const DATABASE: (&[&str], &str) =
            (&["postgres", "postgresql", "mysql", "mariadb"], "`postgres://…` and `mysql://…`");
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        let given = [
            ("http", self.http.is_some(), API),
            ("endpoint", self.endpoint.is_some(), S3),
            ("ca_file", self.ca_file.is_some(), S3),
            ("region", self.region.is_some(), S3),
            ("path_style", self.path_style.is_some(), S3),
            ("profile", self.profile.is_some(), S3),
            ("access_key", self.access_key.is_some(), S3),
            ("anonymous", self.anonymous, S3),
            ("attempts", self.attempts.is_some(), S3),
            ("timeout", self.timeout.is_some(), S3),
            ("versions", self.versions, S3),
            ("erase_versions", self.erase_versions, S3),
            ("may_be_empty", self.may_be_empty, S3),
            ("requester_pays", self.requester_pays, S3),
            ("customer_key_env", self.customer_key_env.is_some(), S3),
            ("customer_key_file", self.customer_key_file.is_some(), S3),
            ("connect_timeout", self.connect_timeout.is_some(), DATABASE),
            ("answer_timeout", self.answer_timeout.is_some(), DATABASE),
            ("lock_timeout", self.lock_timeout.is_some(), DATABASE),
            ("snapshot_age", self.snapshot_age.is_some(), DATABASE),
            ("statement_timeout", self.statement_timeout.is_some(), POSTGRES),
            ("idle_timeout", self.idle_timeout.is_some(), POSTGRES),
        ];
        let wrong = given.into_iter().find(|(_, given, (schemes, _))| *given && !schemes.contains(&scheme));
        wrong.map(|(setting, _, (_, meant))| (setting, meant))
    }

    /// Checks what is given, and counts paths from the file's directory.
    pub(super) fn resolve(&mut self, beside: &dyn Fn(PathBuf) -> PathBuf) -> Result<(), ConfigError> {
        let places = [self.password_env.is_some(), self.password_file.is_some(), self.password_command.is_some()];
        if places.iter().filter(|&&given| given).count() > 1 {
            return Err(ConfigError::Value {
                place: format!("source `{}`", self.name),
                reason: "give one of `password_env`, `password_file` and `password_command`".to_owned(),
            });
        }
        if let Some((setting, meant)) = self.misplaced() {
            return Err(ConfigError::Value {
                place: format!("source `{}`", self.name),
                reason: format!("`{setting}` is for sources at {meant}"),
            });
        }
        if self.customer_key_env.is_some() && self.customer_key_file.is_some() {
            return Err(ConfigError::Value {
                place: format!("source `{}`", self.name),
                reason: "give one of `customer_key_env` and `customer_key_file`".to_owned(),
            });
        }
        self.customer_key_file = self.customer_key_file.take().map(beside);
        let bounds = [("max_rate", self.max_rate), ("max_rows", self.max_rows)];
        let wrong = bounds.iter().find(|(_, bound)| bound.is_some_and(|bound| !(bound > 0.0 && bound.is_finite())));
        if let Some((name, _)) = wrong {
            return Err(ConfigError::Value {
                place: format!("`{name}` of source `{}`", self.name),
                reason: "must be above 0; leave it out for no bound".to_owned(),
            });
        }
        if self.max_readers == Some(0) {
            return Err(ConfigError::Value {
                place: format!("`max_readers` of source `{}`", self.name),
                reason: "must be at least 1; leave it out for as many as there are threads".to_owned(),
            });
        }
        self.password_file = self.password_file.take().map(beside);
        self.ca_file = self.ca_file.take().map(beside);
        if let Some(toml::Value::String(file)) = self.http.as_mut().and_then(|http| http.get_mut("ca_file")) {
            *file = beside(PathBuf::from(&*file)).display().to_string();
        }
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            self.url = format!("sqlite:{}", beside(PathBuf::from(path.trim_start_matches("//"))).display());
        } else if !self.url.contains("://") {
            self.url = beside(PathBuf::from(&self.url)).display().to_string();
        }
        Ok(())
    }
}

fn first_line(text: String) -> Sensitive<String> {
    Sensitive::new(text.lines().next().unwrap_or_default().to_owned())
}
