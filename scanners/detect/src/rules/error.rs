//! What can be wrong with rules.

use std::path::PathBuf;

/// Why rules cannot be used. Every message names the file and the rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A file or folder of rules cannot be read.
    #[error("rules at `{path}` cannot be read")]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not TOML, or has unknown keys.
    #[error("`{file}` is not a rule file: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// What the TOML reader says, with the line.
        message: String,
    },
    /// A rule has a wrong value.
    #[error("rule `{rule}` in `{file}`: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// The rule's id.
        rule: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// A rule cannot be compiled.
    #[error("rule `{rule}` cannot be compiled: {message}")]
    Uncompilable {
        /// The rule's id.
        rule: String,
        /// Why.
        message: String,
    },
    /// A rule to be disabled does not exist.
    #[error("`{file}` disables rule `{rule}`, which does not exist: `residuum rules list` shows the ids")]
    NothingToDisable {
        /// The file.
        file: String,
        /// The id.
        rule: String,
    },
}
