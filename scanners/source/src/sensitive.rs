//! A wrapper that keeps a personal value out of logs, errors and reports.

use std::fmt;

/// A personal value in memory: printing it shows only its length.
///
/// It is deliberately neither `Serialize` nor `Display`. Reading it takes a call to [`Sensitive::expose`],
/// which is easy to find in a review.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value itself; the caller answers for where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value; the caller answers for where it goes.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sensitive({} bytes)", self.0.as_ref().len())
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_shows_the_length_only() {
        let value = Sensitive::new("jane@example.com".to_owned());
        assert_eq!(format!("{value:?}"), "Sensitive(16 bytes)");
        assert_eq!(value.expose(), "jane@example.com");
    }
}
