//! The keys of an index: where they are kept, how they are named, backed up and replaced.
//!
//! A key never lies in the index: the index notes the public names of its keys, newest first, and each key
//! is a file of its own named after it, in the user's state directory, or comes from the environment.
//! Older keys stay at hand until nothing in the index is under them.

use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use residuum_detect::IndexKey;

use super::error::{IndexError, Result};
use super::{Format, seal};
use crate::keyfile::{self, hex};

/// Environment variable that holds the key, or the current key and older ones, separated by commas.
pub const KEY_VARIABLE: &str = "RESIDUUM_INDEX_KEY";
/// Environment variable that names a file with the key, or the current key and older ones, one a line.
pub const KEY_FILE_VARIABLE: &str = "RESIDUUM_INDEX_KEY_FILE";

/// The keys of an index: the one that new findings are under, and older ones that still answer look-ups.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: IndexKey,
    older: Vec<IndexKey>,
    origin: KeyOrigin,
}

/// Where the keys come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyOrigin {
    /// From the program that made the ring.
    Given,
    /// From an environment variable.
    Environment,
    /// From a file named by an environment variable.
    File(PathBuf),
    /// From this file in the state directory, the current key's.
    State(PathBuf),
    /// As `State`, and made just now.
    Made(PathBuf),
}

impl Keyring {
    /// A ring of given keys.
    pub fn new(current: IndexKey, older: Vec<IndexKey>) -> Self {
        Self { current, older, origin: KeyOrigin::Given }
    }

    /// The keys of the index in this directory, wherever they are kept.
    ///
    /// # Errors
    /// [`IndexError::Missing`] without an index, [`IndexError::Key`] if a key cannot be had.
    pub fn load(dir: &Path) -> Result<Self> {
        let format = Format::read(dir)?.ok_or_else(|| IndexError::Missing(dir.to_owned()))?;
        match Self::from_environment()? {
            Some(ring) => Ok(ring),
            None => Self::from_state(&format),
        }
    }

    /// The keys of the index in this directory; for a directory without an index a key is made and kept,
    /// and [`Keyring::origin`] says where.
    ///
    /// # Errors
    /// [`IndexError::Key`] if a key cannot be had, or [`IndexError::Io`] if it cannot be kept.
    pub fn load_or_make(dir: &Path) -> Result<Self> {
        if let Some(ring) = Self::from_environment()? {
            return Ok(ring);
        }
        match Format::read(dir)? {
            Some(format) => Self::from_state(&format),
            None => {
                let current = random_key()?;
                let path = state_path(&current_id(&current))?;
                keep(&path, std::slice::from_ref(&current))?;
                Ok(Self { current, older: Vec::new(), origin: KeyOrigin::Made(path) })
            }
        }
    }

    /// The keys of the index that another process made meanwhile, if these were made for it just now.
    pub(super) fn instead_of_made(self, dir: &Path) -> Result<Self> {
        let KeyOrigin::Made(path) = &self.origin else { return Ok(self) };
        let is_its = Format::read(dir)?.is_some_and(|format| format.keys.contains(&current_id(&self.current)));
        if is_its {
            return Ok(self);
        }
        fs::remove_file(path).map_err(IndexError::io(path, "removed"))?;
        Self::load(dir)
    }

    /// The key that new findings are under.
    pub fn current(&self) -> &IndexKey {
        &self.current
    }

    /// Keys replaced since, newest first.
    pub fn older(&self) -> &[IndexKey] {
        &self.older
    }

    /// Every key, the current one first. A look-up probes with each of them.
    pub fn all(&self) -> impl Iterator<Item = &IndexKey> + Clone {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Where the keys come from.
    pub fn origin(&self) -> &KeyOrigin {
        &self.origin
    }

    /// Writes all keys to a new file that only the owner may read; [`KEY_FILE_VARIABLE`] takes such a file.
    ///
    /// # Errors
    /// [`IndexError::Io`] if the file exists or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<()> {
        let keys: Vec<_> = self.all().cloned().collect();
        keep(to, &keys)
    }

    /// The ring with a new current key, kept where the old one is. The index takes it with
    /// [`Index::rotate`](super::Index::rotate).
    pub(super) fn rotated(&self) -> Result<Self> {
        let current = random_key()?;
        let mut older = self.older.clone();
        older.insert(0, self.current.clone());
        let origin = match &self.origin {
            KeyOrigin::Given => KeyOrigin::Given,
            KeyOrigin::Environment | KeyOrigin::File(_) => {
                return Err(IndexError::Key {
                    id: id_text(&self.current),
                    reason: format!(
                        "comes from the environment: make a new key and put it first in `{KEY_VARIABLE}` or in the file \
                         of `{KEY_FILE_VARIABLE}`, before the old one"
                    ),
                });
            }
            KeyOrigin::State(_) | KeyOrigin::Made(_) => {
                let path = state_path(&current_id(&current))?;
                keep(&path, std::slice::from_ref(&current))?;
                KeyOrigin::State(path)
            }
        };
        Ok(Self { current, older, origin })
    }

    /// Seals a part of a locator that is itself personal; see [`seal`].
    pub fn seal_name(&self, kind: residuum_detect::Type, value: &str) -> String {
        seal::seal(&self.current, kind, value)
    }

    /// Opens every sealed part of a text; what is not sealed stays.
    ///
    /// # Errors
    /// [`IndexError::Sealed`] if a part is damaged or under a key that is not in the ring.
    pub fn reveal(&self, text: &str) -> Result<String> {
        seal::reveal(self.all(), text)
    }

    /// The keys in a file such as [`Keyring::backup`] writes.
    ///
    /// # Errors
    /// [`IndexError::Key`] if there is no key in it or others may read it.
    pub fn from_file(path: &Path) -> Result<Self> {
        let keys = read(path, "from a file")?;
        Ok(Self::from_keys(keys, KeyOrigin::File(path.to_owned())))
    }

    fn from_environment() -> Result<Option<Self>> {
        let refuse = |reason: String| IndexError::Key { id: "from the environment".to_owned(), reason };
        if let Some(text) = env::var_os(KEY_VARIABLE).filter(|text| !text.is_empty()) {
            let text = text.into_string().map_err(|_| refuse(format!("`{KEY_VARIABLE}` is not text")))?;
            let keys = parse(&text).map_err(|what| refuse(format!("`{KEY_VARIABLE}` {what}")))?;
            return Ok(Some(Self::from_keys(keys, KeyOrigin::Environment)));
        }
        if let Some(path) = env::var_os(KEY_FILE_VARIABLE).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            let keys = read(&path, "from the environment")?;
            return Ok(Some(Self::from_keys(keys, KeyOrigin::File(path))));
        }
        Ok(None)
    }

    fn from_state(format: &Format) -> Result<Self> {
        let mut keys = Vec::new();
        let mut origin = KeyOrigin::Given;
        for id in &format.keys {
            let path = state_path(id)?;
            if keys.is_empty() {
                origin = KeyOrigin::State(path.clone());
            }
            let found = read(&path, id)?;
            let key = found.into_iter().find(|key| id_text(key) == *id);
            keys.push(key.ok_or_else(|| IndexError::Key {
                id: id.clone(),
                reason: format!("is not in `{}`: put its backup there", path.display()),
            })?);
        }
        if keys.is_empty() {
            return Err(IndexError::Misuse("the index names no key: delete it and scan again".to_owned()));
        }
        Ok(Self::from_keys(keys, origin))
    }

    fn from_keys(mut keys: Vec<IndexKey>, origin: KeyOrigin) -> Self {
        let current = keys.remove(0);
        Self { current, older: keys, origin }
    }
}

/// A key's public name as text: 16 hexadecimal digits.
pub fn id_text(key: &IndexKey) -> String {
    hex(&key.id())
}

fn current_id(key: &IndexKey) -> String {
    id_text(key)
}

fn random_key() -> Result<IndexKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| IndexError::Misuse(format!("the system gives no random numbers for a key: {error}")))?;
    Ok(IndexKey::new(bytes))
}

/// Where a key is kept unless the environment says otherwise.
fn state_path(id: &str) -> Result<PathBuf> {
    let none = || IndexError::Key {
        id: id.to_owned(),
        reason: format!("has no place: set `HOME`, `{KEY_FILE_VARIABLE}` or `{KEY_VARIABLE}`"),
    };
    Ok(keyfile::state_directory().ok_or_else(none)?.join("keys").join(format!("{id}.key")))
}

fn keep(path: &Path, keys: &[IndexKey]) -> Result<()> {
    let mut text =
        String::from("# keys of a residuum index, current first: without them the index cannot be searched\n");
    for key in keys {
        text.push_str(&format!("{}\n", hex(key.expose())));
    }
    keyfile::keep(path, &text).map_err(IndexError::io(path, "made"))
}

fn read(path: &Path, id: &str) -> Result<Vec<IndexKey>> {
    let refuse = |reason: String| IndexError::Key { id: id.to_owned(), reason };
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refuse(format!(
                "is not at `{}`: put its backup there, or name it with `{KEY_FILE_VARIABLE}`",
                path.display()
            )));
        }
        Err(error) => return Err(IndexError::io(path, "read")(error)),
    };
    if let Some(why) = keyfile::readable_by_others(&file, path).map_err(IndexError::io(path, "read"))? {
        return Err(refuse(why));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(IndexError::io(path, "read"))?;
    parse(&text).map_err(|what| refuse(format!("`{}` {what}", path.display())))
}

/// Keys separated by commas or lines.
pub(super) fn parse(text: &str) -> Result<Vec<IndexKey>, String> {
    let key = |word: &str| {
        let key = keyfile::key(word).map(IndexKey::new);
        key.ok_or_else(|| format!("does not hold a key: {} are needed", keyfile::FORM))
    };
    let keys: Vec<_> = keyfile::words(text).map(key).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err("holds no key".to_owned()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn keys_parse_in_every_form() {
        let key = IndexKey::new([0xab; 32]);
        let hexadecimal = "ab".repeat(32);
        let base64 = STANDARD.encode([0xab; 32]);
        let cases = [hexadecimal.clone(), base64.clone(), format!("# mine\n{hexadecimal}\n"), format!(" {base64} \n")];
        for text in cases {
            assert!(parse(&text).unwrap() == [key.clone()], "{text}");
        }
        assert_eq!(parse(&format!("{hexadecimal},{}", "cd".repeat(32))).unwrap().len(), 2);
        for text in ["", "# only a comment", "abcd", &"zz".repeat(32), &"ab".repeat(31)] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/key");
        let key = IndexKey::new([9; 32]);
        keep(&path, std::slice::from_ref(&key)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read(&path, "x").unwrap() == [key.clone()]);
        assert!(keep(&path, &[key]).is_err(), "an existing key is never overwritten");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read(&path, "x").unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        let missing = read(&dir.path().join("none"), "1234").unwrap_err().to_string();
        assert!(missing.contains("1234") && missing.contains("backup"), "{missing}");
    }

    #[test]
    fn a_backup_gives_all_keys_back() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Keyring::new(IndexKey::new([1; 32]), vec![IndexKey::new([2; 32])]);
        let path = dir.path().join("backup");
        ring.backup(&path).unwrap();
        let keys = read(&path, "x").unwrap();
        assert!(keys.iter().eq(ring.all()));
        let rotated = ring.rotated().unwrap();
        assert!(rotated.older().iter().eq(ring.all()));
        assert!(rotated.current() != ring.current());
    }
}
