//! Names of objects as they are printed, stored and given on the command line.
//!
//! A name is the path of an object inside its source; an object inside a container is `outer!inner`.
//! `!` and `%` in a name are percent-encoded, and so are control characters, the two brackets that mark
//! a sealed component (`⟨`, `⟩`) and bytes that are not UTF-8, so that every name is one line of UTF-8
//! and the bytes of the real name can be had back.

use std::fmt;

/// The escaped name of an object inside its source, containers included.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ObjectPath(String);

/// A name that is not in escaped form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an object name: `%` must be followed by two hexadecimal digits")]
pub struct InvalidName(pub String);

impl ObjectPath {
    /// Names an object by the bytes of its path (`/` separates directories).
    pub fn from_bytes(path: &[u8]) -> Self {
        Self(escape_component(path, b""))
    }

    /// Names a database object; a `.` inside a part is escaped so that the dots separate.
    pub fn from_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let parts: Vec<_> = parts.into_iter().map(|part| escape_component(part.as_bytes(), b".")).collect();
        Self(parts.join("."))
    }

    /// Takes a name that is escaped already, as printed or stored.
    ///
    /// # Errors
    /// [`InvalidName`] if a `%` is not followed by two hexadecimal digits.
    pub fn from_escaped(name: &str) -> Result<Self, InvalidName> {
        let mut rest = name.as_bytes();
        while let Some(at) = rest.iter().position(|&b| b == b'%') {
            let digits = rest.get(at + 1..at + 3);
            if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                return Err(InvalidName(name.to_owned()));
            }
            rest = &rest[at + 3..];
        }
        Ok(Self(name.to_owned()))
    }

    /// Names a member of this container.
    #[must_use]
    pub fn member(&self, inner: &[u8]) -> Self {
        Self(format!("{}!{}", self.0, escape_component(inner, b"")))
    }

    /// The escaped form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The outermost object: the one the source itself lists.
    #[must_use]
    pub fn outermost(&self) -> Self {
        Self(self.0.split('!').next().unwrap_or_default().to_owned())
    }

    /// Whether another name is inside of this one, at any depth.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('!'))
    }

    /// What this is inside of, outermost first, and then itself.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.match_indices('!').map(|(at, _)| at).chain([self.0.len()]);
        ends.map(|end| Self(self.0[..end].to_owned()))
    }

    /// The real bytes of each level, outermost first.
    pub fn levels(&self) -> Vec<Vec<u8>> {
        self.0.split('!').map(unescape).collect()
    }

    /// The real name parts of a database object.
    pub fn parts(&self) -> Vec<String> {
        let text = |part| String::from_utf8_lossy(&unescape(part)).into_owned();
        self.0.split('.').map(text).collect()
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Percent-encodes what may not stand in a name, and the ASCII bytes of `also`.
pub fn escape_component(raw: &[u8], also: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            let escape = matches!(c, '!' | '%' | '⟨' | '⟩')
                || c.is_control()
                || u8::try_from(c).is_ok_and(|b| b.is_ascii() && also.contains(&b));
            if escape {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.bytes();
    while let Some(b) = bytes.next() {
        let digits = (b == b'%').then(|| [bytes.next(), bytes.next()]);
        match digits {
            Some([Some(high), Some(low)]) => {
                let value = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
                out.push(value(high) << 4 | value(low));
            }
            _ => out.push(b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_escape_what_separates() {
        let zip = ObjectPath::from_bytes(b"exports/50% off!.zip");
        assert_eq!(zip.as_str(), "exports/50%25 off%21.zip");
        let inner = zip.member(b"crm/customers.csv");
        assert_eq!(inner.as_str(), "exports/50%25 off%21.zip!crm/customers.csv");
        assert_eq!(inner.outermost(), zip);
        assert_eq!(ObjectPath::from_bytes(b"caf\xe9\n").as_str(), "caf%E9%0A");
        let table = ObjectPath::from_parts(["public", "v1.orders"]);
        assert_eq!(table.as_str(), "public.v1%2Eorders");
        assert_eq!(table.parts(), ["public", "v1.orders"]);
        assert!(ObjectPath::from_escaped("100%").is_err());
    }

    proptest! {
        #[test]
        fn every_name_gives_its_bytes_back(levels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20), 1..4)) {
            let mut path = ObjectPath::from_bytes(&levels[0]);
            for level in &levels[1..] {
                path = path.member(level);
            }
            prop_assert_eq!(path.levels(), levels);
            prop_assert_eq!(&ObjectPath::from_escaped(path.as_str()).unwrap(), &path);
        }
    }
}
