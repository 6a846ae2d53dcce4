//! What can go wrong with a source, one variant for each thing a caller can do about it.

use crate::ObjectPath;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error of a source as a whole, or of one object in it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source's configuration or URL cannot be used.
    #[error("source `{source_name}` cannot be used: {reason}")]
    Config {
        /// The source.
        source_name: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The source cannot be reached; trying again later may help.
    #[error("source `{source_name}` cannot be reached: {reason}")]
    Unreachable {
        /// The source.
        source_name: String,
        /// Which address, and what to check.
        reason: String,
        /// What the system or the server said.
        #[source]
        cause: Option<Cause>,
    },
    /// The credentials were refused.
    #[error("source `{source_name}` refused the credentials: {reason}")]
    Credentials {
        /// The source.
        source_name: String,
        /// Which user or key, and where they are taken from. Never the secret.
        reason: String,
    },
    /// The connection broke while an object was read; what was read before stands.
    #[error("connection lost while reading `{object}`: {reason}")]
    Lost {
        /// The object.
        object: ObjectPath,
        /// What the system or the server said, without values.
        reason: String,
    },
    /// The object cannot be read: no permission, damaged, gone.
    #[error("`{object}` cannot be read: {reason}")]
    Unreadable {
        /// The object.
        object: ObjectPath,
        /// Why, and the cure if there is one.
        reason: String,
    },
    /// The sink asked to stop.
    #[error("stopped")]
    Stopped,
}

impl SourceError {
    /// What it says without the name of an object, which may be personal: for whoever names the object otherwise.
    pub fn reason(&self) -> String {
        match self {
            Self::Lost { reason, .. } | Self::Unreadable { reason, .. } => reason.clone(),
            error => error.to_string(),
        }
    }

    /// An object that cannot be read, for this reason.
    pub fn unreadable(object: &ObjectPath, reason: impl Into<String>) -> Self {
        Self::Unreadable { object: object.clone(), reason: reason.into() }
    }
}
