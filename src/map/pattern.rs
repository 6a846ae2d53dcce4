//! A name or a glob of the map over names as outputs show them.

use globset::GlobMatcher;

use crate::config::glob;
use crate::index::display;

/// A name, or a glob that stands for many.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, globset::Error> {
        let text = display(text);
        let is_glob = text.replace("[]", "").contains(['*', '?', '[', '{', '\\']);
        let glob = is_glob.then(|| glob(&text).map(|glob| glob.compile_matcher())).transpose()?;
        Ok(Self { text, glob })
    }

    /// Whether it stands for one name only.
    pub(super) fn is_name(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether it means this name. A name with signs of a glob in it is also meant by itself.
    pub(super) fn is_match(&self, name: &str) -> bool {
        self.text == name || self.glob.as_ref().is_some_and(|glob| glob.is_match(name))
    }

    /// Whether it means an object, by its own name or by that of a container it lies in.
    pub(super) fn is_object(&self, name: &str) -> bool {
        self.is_match(name) || name.match_indices('!').any(|(at, _)| self.is_match(&name[..at]))
    }
}
