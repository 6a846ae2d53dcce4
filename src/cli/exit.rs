//! Exit codes, which scripts and schedulers rely on.

use std::process::ExitCode;

/// How a command ended. When two apply, the greater wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Exit {
    /// Done, and everything was covered.
    Done,
    /// It could not run: usage, configuration, credentials, damaged index.
    CouldNotRun,
    /// Done, but something listed was unsupported, unreadable or over a limit; `map check`: gaps remain.
    Incomplete,
    /// The answer is no: `find` has no location.
    No,
}

impl Exit {
    /// The number that scripts see.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::CouldNotRun => 1,
            Self::Incomplete => 2,
            Self::No => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
