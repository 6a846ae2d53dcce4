//! Flags that every command understands, and what they resolve to.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::config::Config;
use crate::index::{Index, KEY_FILE_VARIABLE, KEY_VARIABLE, Keyring};

use super::failure::{Explain as _, Failure};

/// Flags common to all commands.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct Common {
    /// Configuration file [default: `residuum.toml` if there is one here]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Common options")]
    pub config: Option<PathBuf>,
    /// Directory of the index [default: `.residuum`, or `RESIDUUM_INDEX`]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Common options")]
    pub index: Option<PathBuf>,
    /// Threads that read and detect [default: one for each core, or `RESIDUUM_JOBS`]
    #[arg(long, short, global = true, value_name = "N", value_parser = threads, help_heading = "Common options")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Only objects whose name matches this glob; may be repeated
    ///
    /// Over names as outputs give them: `exports/**/*.csv`, `public.orders`, `2025.zip!**`. A container is read if
    /// any of its members may match.
    #[arg(long, global = true, value_name = "GLOB", help_heading = "Common options")]
    pub include: Vec<String>,
    /// Leave out objects and fields whose name matches this glob; may be repeated
    ///
    /// A field is matched by its name (`internal_*`) or as `OBJECT.FIELD` (`public.orders.note`). What is left out is
    /// in the ledger.
    #[arg(long, global = true, value_name = "GLOB", help_heading = "Common options")]
    pub exclude: Vec<String>,
    /// Print nothing on standard error but errors
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = "Common options")]
    pub quiet: bool,
    /// Say more on standard error; twice for still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Common options")]
    pub verbose: u8,
}

impl Common {
    /// The configuration with these flags applied to it.
    pub(super) fn resolve(&self) -> Result<Config, Failure> {
        let advice =
            "`docs/configuration.md` lists every setting of `residuum.toml`; `--config FILE` names another file";
        let mut config = Config::load(self.config.as_deref()).hint(advice)?;
        if let Some(index) = &self.index {
            config.use_index(index);
        }
        if let Some(jobs) = self.jobs {
            config.jobs = jobs.get();
        }
        Ok(config)
    }

    /// The index as it is, for reading.
    pub(super) fn open_index(&self, config: &Config) -> Result<Index, Failure> {
        Ok(Index::open(&config.index, self.keys(config)?)?)
    }

    /// The keys of an index that exists.
    pub(super) fn keys(&self, config: &Config) -> Result<Keyring, Failure> {
        match keys_of(config) {
            Some(file) if Index::exists(&config.index)? => Ok(Keyring::from_file(file)?),
            _ => Ok(Keyring::load(&config.index)?),
        }
    }

    /// The keys of an index that may be about to be made.
    pub(super) fn keys_or_make(&self, config: &Config) -> Result<Keyring, Failure> {
        match keys_of(config) {
            Some(file) => Ok(Keyring::from_file(file)?),
            None => Ok(Keyring::load_or_make(&config.index)?),
        }
    }

    /// A line for the person watching, unless they asked for quiet.
    pub(super) fn say(&self, line: impl std::fmt::Display) {
        use std::io::Write as _;
        if !self.quiet {
            // Whoever closed standard error does not want to hear it.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

/// A number of threads.
fn threads(text: &str) -> Result<std::num::NonZeroUsize, String> {
    let wrong = || "give a number of threads from 1 on, or leave it out: there is one for each core then".to_owned();
    text.parse().map_err(|_| wrong())
}

/// The configured file of keys, unless the environment gives others.
fn keys_of(config: &Config) -> Option<&Path> {
    let given = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    config.key_file.as_deref().filter(|_| !given(KEY_VARIABLE) && !given(KEY_FILE_VARIABLE))
}

/// Sends the log to standard error: warnings, or more with `-v`; `RESIDUUM_LOG` overrides.
///
/// Only what this program itself says is in it. Libraries log what they send and receive: keys of objects, statements,
/// pieces of answers.
pub(super) fn start_log(verbose: u8) {
    use tracing_subscriber::filter::{FilterExt as _, filter_fn};
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
    use tracing_subscriber::util::SubscriberInitExt as _;
    use tracing_subscriber::{EnvFilter, Registry};
    let level = ["error", "residuum=info,warn", "residuum=debug,info"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_env("RESIDUUM_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let ours = filter_fn(|about| {
        about.target() == "residuum"
            || about.target().starts_with("residuum_")
            || about.target().starts_with("residuum::")
    });
    let log =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time().with_filter(filter.and(ours));
    // A second call, as in tests, keeps the first.
    let _ = Registry::default().with(log).try_init();
}

/// `--include` and `--exclude` over findings: the same globs that a scan takes.
pub(super) struct Scope {
    include: GlobSet,
    exclude: GlobSet,
    globs: (Vec<String>, Vec<String>),
}

/// The names by which globs know a field of an object.
fn names<'n>(object: &'n str, field: &'n str) -> [std::borrow::Cow<'n, str>; 4] {
    let outermost = object.split('!').next().unwrap_or(object);
    let full = if field.is_empty() { object.to_owned() } else { format!("{object}.{field}") };
    [object.into(), outermost.into(), field.into(), full.into()]
}

impl Scope {
    /// Compiles the globs.
    pub(super) fn new(common: &Common) -> Result<Self, Failure> {
        let set = |flag: &str, globs: &[String]| {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(Glob::new(glob).doing(format_args!("`{flag} {glob}` is not a glob"))?);
            }
            set.build().doing(format_args!("the globs of `{flag}` are too many or too large"))
        };
        let globs = (common.include.clone(), common.exclude.clone());
        Ok(Self { include: set("--include", &common.include)?, exclude: set("--exclude", &common.exclude)?, globs })
    }

    /// Whether a finding in this field of this object is asked for.
    pub(super) fn contains(&self, object: &str, field: &str) -> bool {
        if self.include.is_empty() && self.exclude.is_empty() {
            return true;
        }
        let matches = |set: &GlobSet| names(object, field).iter().any(|name| set.is_match(&**name));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }

    /// The globs that match none of these objects and fields, as the flags that gave them.
    pub(super) fn unmatched(&self, known: &[(String, String)]) -> Vec<String> {
        let mut unmatched = Vec::new();
        for (flag, set, globs) in
            [("--include", &self.include, &self.globs.0), ("--exclude", &self.exclude, &self.globs.1)]
        {
            let mut seen = vec![false; globs.len()];
            for (object, field) in known {
                for name in names(object, field).iter().filter(|name| !name.is_empty()) {
                    set.matches(&**name).into_iter().for_each(|glob| seen[glob] = true);
                }
            }
            let missed = globs.iter().zip(seen).filter(|(_, seen)| !seen);
            unmatched.extend(missed.map(|(glob, _)| format!("{flag} {glob}")));
        }
        unmatched
    }
}
