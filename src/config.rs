//! The configuration: `residuum.toml`, then the environment, then the command line, resolved once.
//!
//! [`Config::load`] reads the file and the environment; the command line overrides fields of the result. Every
//! field has one meaning and one default, given here. Secrets are never in the file: a source names the
//! environment variable, file or command that holds its password.

mod allow;
mod calendar;
mod map;
mod policy;
mod source;
mod vocabulary;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use residuum_source::Limits;
use serde::Deserialize;

use self::allow::AllowFile;
pub use self::allow::Allowance;
pub use self::calendar::{CalendarSpan, Day};
pub use self::map::{
    AcceptedGap, CountsFrom, Environment, GapKind, MapEntry, NoSearch, Recipient, RecipientKind, RetentionPeriod, glob,
};
use self::policy::{EraseFile, RetainFile};
pub use self::policy::{EraseRule, PolicyScope, Retention, Strategy};
pub use self::source::{SourceConfig, Span};
pub(crate) use self::vocabulary::edits;
pub use self::vocabulary::{BusinessPurpose, Purpose, RecipientCategory, SourceCategory};

/// The name looked for in the current directory.
pub const FILE_NAME: &str = "residuum.toml";

/// The name of the audit log in the directory of the index.
const AUDIT_LOG: &str = "audit.sqlite";

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, if any.
    pub file: Option<PathBuf>,
    /// Directory of the index. Default `.residuum`; `RESIDUUM_INDEX`.
    pub index: PathBuf,
    /// File with the keys of the index, mode `0600`; `RESIDUUM_INDEX_KEY` and `RESIDUUM_INDEX_KEY_FILE` go before it.
    /// Default: one made in the user's state directory.
    pub key_file: Option<PathBuf>,
    /// The audit log. Default: `audit.sqlite` in the directory of the index; `RESIDUUM_AUDIT`.
    pub audit: PathBuf,
    /// Threads that read and detect. Default: the machine's cores; `RESIDUUM_JOBS`.
    pub jobs: usize,
    /// Named sources, in the order of the file.
    pub sources: Vec<SourceConfig>,
    /// Folders of rules that extend or override the built-in pack. `RESIDUUM_RULES`, separated by `:`.
    pub rules: Vec<PathBuf>,
    /// Joins that no schema declares.
    pub joins: Vec<Join>,
    /// Objects left out by an approved policy.
    pub exclusions: Vec<Exclusion>,
    /// Findings that reports leave out.
    pub allow: Vec<Allowance>,
    /// What erasure does with what it finds; the first that fits counts.
    pub erase: Vec<EraseRule>,
    /// What is kept though it were to be erased; the first that fits counts.
    pub retain: Vec<Retention>,
    /// What is said of sources, objects and fields, in the order of the file.
    pub map: Vec<MapEntry>,
    /// Those who get personal information.
    pub recipients: Vec<Recipient>,
    /// Gaps of the map that somebody answers for.
    pub accepted_gaps: Vec<AcceptedGap>,
    /// Bounds on what one object may cost.
    pub limits: Limits,
}

/// A field that holds the keys of another object's records, declared by the owner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The field that refers.
    pub from: FieldName,
    /// The key it refers to.
    pub to: FieldName,
}

/// A field of an object of a source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldName {
    /// The source's name.
    pub source: String,
    /// The object's name; a glob in [`Join::from`].
    pub object: String,
    /// The field's name or path.
    pub field: String,
}

/// Objects that a policy leaves out, with who approved it, why and until when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The source's name.
    pub source: String,
    /// A glob over object names.
    pub object: String,
    /// Who approved it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// Last day it holds, `YYYY-MM-DD`; forever without.
    pub until: Option<String>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration `{file}` cannot be read")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("configuration `{file}` is not valid")]
    Parse {
        /// The file.
        file: PathBuf,
        /// Where and why.
        #[source]
        cause: Box<toml::de::Error>,
    },
    /// A value cannot be used.
    #[error("{place}: {reason}")]
    Value {
        /// The setting or variable.
        place: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A source's password could not be had.
    #[error("the password or key of source `{source_name}` could not be read from {place}: {reason}")]
    Password {
        /// The source.
        source_name: String,
        /// Variable, file or command.
        place: String,
        /// Why. Never the secret.
        reason: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    index: Option<PathBuf>,
    key_file: Option<PathBuf>,
    audit: Option<PathBuf>,
    jobs: Option<usize>,
    #[serde(default)]
    rules: Vec<PathBuf>,
    #[serde(default)]
    source: Vec<SourceConfig>,
    #[serde(default)]
    join: Vec<Join>,
    #[serde(default)]
    exclude: Vec<Exclusion>,
    #[serde(default)]
    allow: Vec<AllowFile>,
    #[serde(default)]
    erase: Vec<EraseFile>,
    #[serde(default)]
    retain: Vec<RetainFile>,
    #[serde(default)]
    map: Vec<MapEntry>,
    #[serde(default)]
    recipient: Vec<Recipient>,
    #[serde(default)]
    accepted_gap: Vec<AcceptedGap>,
    #[serde(default)]
    limits: LimitsFile,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    depth: Option<u32>,
    expanded_bytes: Option<u64>,
    ratio: Option<u64>,
    nesting: Option<u32>,
    batch_bytes: Option<usize>,
    whole_bytes: Option<u64>,
}

impl Config {
    /// Reads the given file, or `residuum.toml` if there is one here, and the environment.
    ///
    /// Relative paths in the file count from the file's directory.
    ///
    /// # Errors
    /// When a named file cannot be read or anything in it is not valid.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment = std::env::vars().filter(|(name, _)| name.starts_with("RESIDUUM_")).collect();
        Self::load_with(file, &environment)
    }

    fn load_with(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let found = file.map(Path::to_owned).or_else(|| Some(PathBuf::from(FILE_NAME)).filter(|f| f.is_file()));
        let settings = found.as_deref().map(read).transpose()?.unwrap_or_default();
        let beside = |path: PathBuf| match found.as_deref().and_then(Path::parent) {
            Some(directory) => directory.join(path),
            None => path,
        };
        let jobs = match environment.get("RESIDUUM_JOBS") {
            Some(text) => threads("RESIDUUM_JOBS", text.trim().parse().ok())?,
            None => settings.jobs.map_or_else(|| Ok(default_jobs()), |jobs| threads("jobs", Some(jobs)))?,
        };
        let rules = match environment.get("RESIDUUM_RULES") {
            Some(list) => std::env::split_paths(list).collect(),
            None => settings.rules.into_iter().map(beside).collect(),
        };
        let index = match environment.get("RESIDUUM_INDEX") {
            Some(path) => PathBuf::from(path),
            None => settings.index.map_or_else(|| PathBuf::from(".residuum"), beside),
        };
        let mut sources = settings.source;
        for source in &mut sources {
            source.resolve(&beside)?;
        }
        check_names(&sources)?;
        settings.exclude.iter().try_for_each(Exclusion::check)?;
        map::check(&settings.map, &settings.recipient, &settings.accepted_gap)?;
        let allow = settings.allow.into_iter().map(|of| of.resolve(&beside)).collect::<Result<_, _>>()?;
        let audit = match environment.get("RESIDUUM_AUDIT") {
            Some(path) => PathBuf::from(path),
            None => settings.audit.map_or_else(|| index.join(AUDIT_LOG), beside),
        };
        Ok(Self {
            audit,
            key_file: settings.key_file.map(beside),
            file: found,
            index,
            jobs,
            sources,
            rules,
            joins: settings.join,
            exclusions: settings.exclude,
            allow,
            erase: settings.erase.into_iter().map(EraseFile::resolve).collect::<Result<_, _>>()?,
            retain: settings.retain.into_iter().map(RetainFile::resolve).collect::<Result<_, _>>()?,
            map: settings.map,
            recipients: settings.recipient,
            accepted_gaps: settings.accepted_gap,
            limits: settings.limits.resolve(),
        })
    }

    /// Takes another directory of the index, and the audit log in it if that was in the former one.
    pub fn use_index(&mut self, index: &Path) {
        if self.audit == self.index.join(AUDIT_LOG) {
            self.audit = index.join(AUDIT_LOG);
        }
        index.clone_into(&mut self.index);
    }

    /// The source with this name, or one made from a path or URL.
    pub fn source(&self, name_or_url: &str) -> SourceConfig {
        let named = self.sources.iter().find(|source| source.name == name_or_url);
        named.cloned().unwrap_or_else(|| SourceConfig::from_url(name_or_url))
    }
}

impl Exclusion {
    fn check(&self) -> Result<(), ConfigError> {
        let place = || format!("the exclusion of `{}` in source `{}`", self.object, self.source);
        if self.until.as_deref().is_some_and(|until| until.parse::<Day>().is_err()) {
            let reason = "`until` is the last day it holds, written like `2027-06-30`".to_owned();
            return Err(ConfigError::Value { place: place(), reason });
        }
        let globbed = globset::Glob::new(&self.object);
        globbed.map(drop).map_err(|error| ConfigError::Value { place: place(), reason: error.to_string() })
    }
}

/// Whether this is a day written `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    text.parse::<Day>().is_ok()
}

impl LimitsFile {
    fn resolve(self) -> Limits {
        let default = Limits::default();
        Limits {
            depth: self.depth.unwrap_or(default.depth),
            expanded_bytes: self.expanded_bytes.unwrap_or(default.expanded_bytes),
            ratio: self.ratio.unwrap_or(default.ratio),
            nesting: self.nesting.unwrap_or(default.nesting),
            batch_bytes: self.batch_bytes.unwrap_or(default.batch_bytes).clamp(4 << 10, 64 << 20),
            whole_bytes: self.whole_bytes.unwrap_or(default.whole_bytes),
        }
    }
}

/// Whether a URL has a password in it. On a command line it would be seen by every user of the machine.
pub fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let in_query = url.split_once('?').is_some_and(|(_, query)| query.split('&').any(|p| p.starts_with("password=")));
    user.contains(':') || in_query
}

/// A URL as it may be shown: without the password, the user kept.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let path = path.split('?').next().unwrap_or_default();
    format!("{scheme}://{shown}{path}")
}

fn read(file: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|cause| ConfigError::Read { file: file.to_owned(), cause })?;
    toml::from_str(&text).map_err(|cause| ConfigError::Parse { file: file.to_owned(), cause: Box::new(cause) })
}

/// A number of threads.
fn threads(place: &str, number: Option<usize>) -> Result<usize, ConfigError> {
    let reason = "must be a number of threads from 1 on, such as `4`; without it there is one for each core";
    let wrong = || ConfigError::Value { place: place.to_owned(), reason: reason.to_owned() };
    number.filter(|n| *n > 0).ok_or_else(wrong)
}

fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

fn check_names(sources: &[SourceConfig]) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    for SourceConfig { name, .. } in sources {
        let place = || format!("source `{name}`");
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(allowed) {
            let reason = "a name consists of letters, digits, `-`, `_` and `.`".to_owned();
            return Err(ConfigError::Value { place: place(), reason });
        }
        if !seen.insert(name) {
            return Err(ConfigError::Value { place: place(), reason: "the name is given twice".to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join(FILE_NAME);
        std::fs::write(&file, text).expect("it can be written");
        let mut config = Config::load_with(Some(&file), &BTreeMap::new())?;
        config.index = config.index.strip_prefix(directory.path()).map(Path::to_owned).unwrap_or(config.index);
        Ok(config)
    }

    #[test]
    fn a_full_file_is_understood() {
        let config = load(
            r#"
            index = "pi"
            jobs = 3
            rules = ["our-rules"]
            [[source]]
            name = "crm"
            url = "postgres://scanner@db.example.com/crm"
            password_env = "CRM_PASSWORD"
            max_rate = 20
            max_readers = 1
            snapshot_age = "6h"
            [[source]]
            name = "exports"
            url = "exports"
            [[join]]
            from = { source = "exports", object = "orders*.csv", field = "customer_id" }
            to = { source = "crm", object = "public.customers", field = "id" }
            [[exclude]]
            source = "exports"
            object = "scratch/**"
            approved_by = "privacy office"
            reason = "synthetic test data"
            until = "2027-06-30"
            [limits]
            depth = 3
            "#,
        )
        .expect("it is valid");
        assert_eq!((config.index.to_str(), config.jobs, config.limits.depth), (Some("pi"), 3, 3));
        assert_eq!(config.sources.len(), 2);
        let crm = &config.sources[0];
        assert_eq!((crm.max_rate, crm.max_rows, crm.max_readers), (Some(20.0), None, Some(1)));
        assert_eq!(crm.snapshot_age, Some(Span(std::time::Duration::from_secs(6 * 3600))));
        assert!(Path::new(&config.sources[1].url).is_absolute(), "paths count from the file");
        assert_eq!(config.joins[0].to.field, "id");
        assert_eq!(config.source("crm").url, "postgres://scanner@db.example.com/crm");
        assert_eq!(config.source("some/dir").name, "some/dir");
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("indx = 1", "is not valid"),
            ("jobs = 0", "from 1 on"),
            (
                "[[exclude]]\nsource = \"a\"\nobject = \"b\"\napproved_by = \"c\"\nreason = \"d\"\nuntil = \"soon\"",
                "like `2027-06-30`",
            ),
            ("[[source]]\nname = \"a b\"\nurl = \".\"", "a name consists of"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\n[[source]]\nname = \"a\"\nurl = \".\"", "given twice"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\nmax_rate = -1", "must be above 0"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\nmax_readers = 0", "at least 1"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\nlock_timeout = \"5\"", "is not valid"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\npassword_env = \"A\"\npassword_file = \"b\"", "give one of"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\nversions = true", "`versions` is for sources at `s3://…`"),
            ("[[source]]\nname = \"a\"\nurl = \".\"\nsnapshot_age = \"1h\"", "is for sources at `postgres://…` and"),
            (
                "[[source]]\nname = \"a\"\nurl = \"mysql://h/d\"\nidle_timeout = \"1h\"",
                "is for sources at `postgres://…`",
            ),
        ];
        for (text, expected) in cases {
            let error = load(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn passwords_in_urls_are_noticed() {
        for (url, has) in [
            ("postgres://u:secret@h/db", true),
            ("postgres://h/db?user=u&password=x", true),
            ("postgres://u@h:5432/db", false),
            ("data/a:b@c", false),
        ] {
            assert_eq!(has_password(url), has, "{url}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let cases = [
            ("postgres://u:secret@h:5/db?sslmode=require", "postgres://u@h:5/db"),
            ("postgres://h/db", "postgres://h/db"),
            ("postgres://u:p@ss:w@h/db", "postgres://u@h/db"),
            ("data/exports", "data/exports"),
        ];
        for (url, shown) in cases {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
