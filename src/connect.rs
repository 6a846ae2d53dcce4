//! From a configured source to its connector. The only file that knows which connectors exist.

mod among_files;
mod polite;

use std::path::{Path, PathBuf};

use residuum_files::{Files, Options};
use residuum_source::{Source, SourceError};
use residuum_sql::Sqlite;

use self::among_files::WithDatabases;
pub use self::polite::Hosts;
use crate::config::{ConfigError, SourceConfig};

/// Why a source could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Its configuration does not do.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The source itself does not do.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Opens a source.
///
/// A path to a SQLite database is opened as a database; any other path as files.
///
/// # Errors
/// When the URL names no kind of source, or the source cannot be opened.
pub fn connect(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    let name = config.name.as_str();
    if let Some(path) = config.url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Box::new(Sqlite::open(name, Path::new(path))?));
    }
    if config.url.starts_with("postgres://") || config.url.starts_with("postgresql://") {
        return postgres(config);
    }
    if config.url.starts_with("mysql://") || config.url.starts_with("mariadb://") {
        return mysql(config);
    }
    if config.url.starts_with("s3://") {
        return s3(config);
    }
    if config.url.starts_with("https://") || config.url.starts_with("http://") {
        return http(config);
    }
    let path = match config.url.strip_prefix("file://") {
        Some(path) => PathBuf::from(path),
        None if config.url.contains("://") => return Err(unknown(config).into()),
        None => PathBuf::from(&config.url),
    };
    if Sqlite::is_one(&path) {
        return Ok(Box::new(Sqlite::open(name, &path)?));
    }
    let options = Options { follow_symlinks: config.follow_symlinks };
    Ok(Box::new(WithDatabases::new(Files::new(name, &path)?.with_options(options))))
}

/// Ends the waits for servers that say nothing once this is true, so that a signal need not wait for them.
pub fn end_waits_when(stop: &std::sync::Arc<std::sync::atomic::AtomicBool>) {
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    residuum_sql::end_waits_when(stop.clone());
    #[cfg(not(any(feature = "mysql", feature = "postgres")))]
    let _ = stop;
}

/// The kind of source that a configuration means, whether or not it can be opened.
pub fn kind_of(config: &SourceConfig) -> &'static str {
    match config.url.split_once(':') {
        Some(("mysql" | "mariadb", _)) => "mysql",
        Some(("postgres" | "postgresql", _)) => "postgres",
        Some(("sqlite", _)) => "sqlite",
        Some(("s3", rest)) if rest.starts_with("//") => "s3",
        Some(("http" | "https", _)) => "http",
        _ => "files",
    }
}

#[cfg(feature = "mysql")]
fn mysql(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    use residuum_sql::{MySql, MySqlOptions};
    let mut options = MySqlOptions { password: config.password()?, ..MySqlOptions::new(&config.url) };
    set(&mut options.connect_timeout, config.connect_timeout);
    set(&mut options.answer_timeout, config.answer_timeout);
    set(&mut options.lock_timeout, config.lock_timeout);
    set(&mut options.snapshot_age, config.snapshot_age);
    Ok(Box::new(MySql::connect(&config.name, options)?))
}

#[cfg(not(feature = "mysql"))]
fn mysql(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    Err(left_out(config, "MariaDB and MySQL", "mysql").into())
}

#[cfg(feature = "postgres")]
fn postgres(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    use residuum_sql::{Postgres, PostgresOptions};
    let mut options = PostgresOptions { password: config.password()?, ..PostgresOptions::new(&config.url) };
    set(&mut options.connect_timeout, config.connect_timeout);
    set(&mut options.answer_timeout, config.answer_timeout);
    set(&mut options.lock_timeout, config.lock_timeout);
    set(&mut options.idle_timeout, config.idle_timeout);
    set(&mut options.snapshot_age, config.snapshot_age);
    options.statement_timeout = config.statement_timeout.map(|span| span.0);
    Ok(Box::new(Postgres::connect(&config.name, options)?))
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "s3"))]
fn set(setting: &mut std::time::Duration, given: Option<crate::config::Span>) {
    *setting = given.map_or(*setting, |span| span.0);
}

#[cfg(not(feature = "postgres"))]
fn postgres(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    Err(left_out(config, "PostgreSQL", "postgres").into())
}

#[cfg(feature = "s3")]
fn s3(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    use residuum_s3::{Patience, S3, S3Options};
    let access_key = match (&config.access_key, config.password()?) {
        (Some(key), Some(secret)) => Some((key.clone(), secret)),
        (None, None) => None,
        _ => {
            let reason = "its `access_key` and the secret, as `password_env`, `password_file` or `password_command`, \
                          are given together or not at all"
                .to_owned();
            return Err(SourceError::Config { source_name: config.name.clone(), reason }.into());
        }
    };
    let mut patience = Patience::default();
    patience.attempts = config.attempts.unwrap_or(patience.attempts).max(1);
    set(&mut patience.silence, config.timeout);
    let options = S3Options {
        patience,
        access_key,
        endpoint: config.endpoint.clone(),
        ca_file: config.ca_file.clone(),
        region: config.region.clone(),
        path_style: config.path_style,
        profile: config.profile.clone(),
        anonymous: config.anonymous,
        versions: config.versions,
        erase_versions: config.erase_versions,
        may_be_empty: config.may_be_empty,
        requester_pays: config.requester_pays,
        customer_key: config.customer_key()?,
        ..S3Options::new(&config.url)
    };
    Ok(Box::new(S3::connect(&config.name, &options)?))
}

#[cfg(not(feature = "s3"))]
fn s3(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    Err(left_out(config, "S3", "s3").into())
}

#[cfg(not(all(feature = "http", feature = "mysql", feature = "postgres", feature = "s3")))]
fn left_out(config: &SourceConfig, what: &str, feature: &str) -> SourceError {
    let reason = format!("this program was built without {what}; build it with `--features {feature}`");
    SourceError::Config { source_name: config.name.clone(), reason }
}

#[cfg(feature = "http")]
fn http(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    use residuum_http::{Description, Http};
    let Some(table) = &config.http else {
        let reason = "an API has to be described: give it `[source.http]` with resources in `residuum.toml`, as \
                      `docs/sources.md` shows"
            .to_owned();
        return Err(SourceError::Config { source_name: config.name.clone(), reason }.into());
    };
    let described = toml::Value::Table(table.clone()).try_into::<Description>();
    let place = || format!("`[source.http]` of source `{}`", config.name);
    let description =
        described.map_err(|error| ConfigError::Value { place: place(), reason: error.message().to_owned() })?;
    let secret = config.password()?;
    Ok(Box::new(Http::new(&config.name, &config.url, description, secret.as_ref())?))
}

#[cfg(not(feature = "http"))]
fn http(config: &SourceConfig) -> Result<Box<dyn Source>, ConnectError> {
    Err(left_out(config, "REST APIs", "http").into())
}

fn unknown(config: &SourceConfig) -> SourceError {
    let scheme = config.url.split("://").next().unwrap_or_default();
    let reason = format!(
        "`{scheme}` is no kind of source; use a path, `file://`, `sqlite:PATH`, `postgres://`, `mysql://`, `s3://` or \
         `https://`"
    );
    SourceError::Config { source_name: config.name.clone(), reason }
}
