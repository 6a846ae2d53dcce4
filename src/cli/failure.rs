//! Why a command could not run, as the person at the terminal reads it.
//!
//! One line `error: …`, one `cause: …` for each error underneath, and a `hint: …` where something can be done.
//! A reader that went away (`residuum findings | head`) is no failure.

use std::fmt::Write as _;
use std::io;

/// An error with the advice that goes with it.
pub(super) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// A failure that is all in its message.
    pub(super) fn new(message: impl std::fmt::Display) -> Self {
        Self { error: anyhow::anyhow!("{message}"), hint: None }
    }

    /// The same with advice.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What was being done when it happened.
    pub(super) fn context(mut self, doing: impl std::fmt::Display) -> Self {
        self.error = self.error.context(doing.to_string());
        self
    }

    /// Whether the reader of our output went away.
    pub(super) fn is_broken_pipe(&self) -> bool {
        let broken = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
        self.error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
    }

    /// Whether it is our output that could not be written.
    pub(super) fn is_of_output(&self) -> bool {
        self.error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(super::output::is_of_output))
    }

    /// The text, a line for each error of the chain.
    pub(super) fn render(&self) -> String {
        let mut text = format!("error: {}\n", one_line(&self.error.to_string()));
        let mut before = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let said = cause.to_string();
            // Libraries often repeat their cause in their own message.
            if !before.contains(&said) {
                let _ = writeln!(text, "cause: {}", one_line(&said));
            }
            before = said;
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), hint: None }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Adds what was being done, and advice, to anything that can fail.
pub(super) trait Explain<T> {
    /// Says what was being done.
    fn doing(self, what: impl std::fmt::Display) -> Result<T, Failure>;
    /// Says what would help.
    fn hint(self, hint: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Explain<T> for Result<T, E> {
    fn doing(self, what: impl std::fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| error.into().context(what))
    }

    fn hint(self, hint: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| error.into().hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_from_the_outside_in() {
        let gone = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let failure: Failure = gone.into();
        let failure = failure.context("`crm.sqlite` cannot be opened").hint("check the path");
        assert_eq!(
            failure.render(),
            "error: `crm.sqlite` cannot be opened\ncause: no such file\nhint: check the path\n"
        );
        assert!(!failure.is_broken_pipe());
    }

    #[test]
    fn a_cause_already_told_is_not_told_again() {
        let failure = Failure::new("disk full").context("writing failed: disk full");
        assert_eq!(failure.render(), "error: writing failed: disk full\n");
    }

    #[test]
    fn a_reader_that_left_is_recognised_under_context() {
        let failure: Failure = io::Error::from(io::ErrorKind::BrokenPipe).into();
        assert!(failure.context("printing").is_broken_pipe());
    }
}
