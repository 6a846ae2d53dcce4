//! Keys of a bucket and the names of objects made of them, and what is remembered of an object's state.
//!
//! Names count from the last `/` of the source's prefix on: with `s3://b/exports/` the key `exports/a.csv` is
//! `a.csv`. A `?` in a key is written `%3F`, so that `a.csv?versionId=…` can only be an older version of `a.csv`,
//! and names that begin with `?` only something that is no key.

use residuum_source::{ObjectPath, Version, escape_component};

/// What separates a key from the version of it that is meant.
const VERSION: &str = "?versionId=";

/// The object that is called as the folder itself: a key that ends with the last `/` of the prefix.
const FOLDER: &str = "?folder";

/// The entry of the ledger for versions that are not read.
pub(crate) const OLDER: &str = "?older-versions";

/// The entry of the ledger for markers that stand where something was deleted.
pub(crate) const MARKERS: &str = "?delete-markers";

/// The entry of the ledger for a prefix under which there is nothing.
pub(crate) const NOTHING: &str = "?nothing";

/// The entry of the ledger for tags that may not be read.
pub(crate) const TAGS: &str = "?tags";

/// Gives names to keys, and keys to names.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    folder: String,
}

impl Names {
    pub fn new(prefix: &str) -> Self {
        Self { folder: prefix[..prefix.rfind('/').map_or(0, |at| at + 1)].to_owned() }
    }

    /// What every key begins with, up to the last `/`.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The name of a key, or of a version of it that is not the current one.
    pub fn name(&self, key: &str, older: Option<&str>) -> ObjectPath {
        let inner = key.strip_prefix(&self.folder).unwrap_or(key);
        let mut name = if inner.is_empty() { FOLDER.to_owned() } else { escape_component(inner.as_bytes(), b"?") };
        if let Some(version) = older {
            name.push_str(VERSION);
            name.push_str(&escape_component(version.as_bytes(), b"?"));
        }
        escaped(&name)
    }

    /// The key of a name, and the version if it is not the current one.
    pub fn key(&self, name: &ObjectPath) -> (String, Option<String>) {
        let outermost = name.outermost();
        let (inner, older) = match outermost.as_str().split_once(VERSION) {
            Some((inner, older)) => (inner, Some(real(older))),
            None => (outermost.as_str(), None),
        };
        let inner = if inner == FOLDER { String::new() } else { real(inner) };
        (format!("{}{inner}", self.folder), older)
    }
}

/// An entry that is no key.
pub(crate) fn escaped(name: &str) -> ObjectPath {
    ObjectPath::from_escaped(name).expect("every `%` was made by escaping")
}

fn real(escaped: &str) -> String {
    let levels = ObjectPath::from_escaped(escaped).map(|name| name.levels()).unwrap_or_default();
    String::from_utf8_lossy(&levels.into_iter().next().unwrap_or_default()).into_owned()
}

/// What a listing says of an object's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State {
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: i64,
    /// The version, where the bucket keeps several.
    pub version: Option<String>,
    /// With its quotes.
    pub etag: Option<String>,
}

impl State {
    /// As a version: equal ETags stand for equal bytes. A server without them proves nothing, for its times may be
    /// as coarse as a second.
    pub fn version(&self) -> Version {
        let Self { size, modified, version, etag } = self;
        let text = format!(
            "{size} bytes, modified {modified}, version {}, etag {}",
            version.as_deref().unwrap_or("-"),
            etag.as_deref().unwrap_or("-")
        );
        if etag.is_some() || version.is_some() { Version::sound(text) } else { Version::snapshot(text) }
    }

    /// Back from a version that a listing made.
    pub fn of(version: &Version) -> Option<Self> {
        let (size, rest) = version.text.split_once(" bytes, modified ")?;
        let (modified, rest) = rest.split_once(", version ")?;
        let (version, etag) = rest.split_once(", etag ")?;
        let given = |text: &str| (text != "-").then(|| text.to_owned());
        Some(Self {
            size: size.parse().ok()?,
            modified: modified.parse().ok()?,
            version: given(version),
            etag: given(etag),
        })
    }
}

/// A key as a listing of `encoding-type=url` has it: form encoding, where `+` is a space.
pub(crate) fn decoded(text: &str) -> Result<String, Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|d| std::str::from_utf8(d).ok());
        match (bytes[at], digits.and_then(|d| u8::from_str_radix(d, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).map_err(std::string::FromUtf8Error::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_keys() {
        let cases = [
            ("", "a.csv", None, "a.csv"),
            ("exports/", "exports/a b+é.csv", None, "a b+é.csv"),
            ("exports/20", "exports/2026/a.csv", None, "2026/a.csv"),
            ("20", "2026.csv", None, "2026.csv"),
            ("exports/", "exports/", None, "?folder"),
            ("", "50%20!off", None, "50%2520%21off"),
            ("", "a?versionId=x", None, "a%3FversionId=x"),
            ("", "a", Some("v?1"), "a?versionId=v%3F1"),
            ("", "//../x/", None, "//../x/"),
            ("", "line\nfeed", None, "line%0Afeed"),
        ];
        for (prefix, key, older, name) in cases {
            let names = Names::new(prefix);
            let made = names.name(key, older);
            assert_eq!(made.as_str(), name);
            assert_eq!(names.key(&made), (key.to_owned(), older.map(str::to_owned)), "{name}");
            assert_eq!(names.key(&made.member(b"inner")), names.key(&made), "a member lies in its container's object");
        }
    }

    #[test]
    fn states_come_back_from_versions() {
        let full = State { size: 7, modified: -1, version: Some("v".into()), etag: Some("\"a, etag b\"".into()) };
        let bare = State { size: 0, modified: 0, version: None, etag: None };
        for state in [&full, &bare] {
            assert_eq!(State::of(&state.version()).as_ref(), Some(state));
        }
        assert!(full.version().sound && !bare.version().sound);
        assert_eq!(State::of(&Version::sound("something else")), None);
    }

    #[test]
    fn keys_are_decoded_as_listings_encode_them() {
        for (text, key) in [("a+b%2Bc%20d", "a b+c d"), ("%C3%A9%2520", "é%20"), ("100%", "100%"), ("%zz%", "%zz%")] {
            assert_eq!(decoded(text).as_deref(), Ok(key));
        }
        assert_eq!(decoded("%FF"), Err(vec![0xff]));
    }
}
