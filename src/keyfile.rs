//! Keys of 32 bytes as text, in files for their owner's eyes, in the user's state directory: what the index's key and
//! the signing key have in common.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What [`key`] takes, for messages.
pub(crate) const FORM: &str = "32 bytes as 64 hexadecimal digits or in Base64";

/// Where this user's programs keep what outlives them (XDG Base Directory Specification); `None` if the environment
/// names neither it nor a home.
pub(crate) fn state_directory() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join("residuum"))
}

/// Words on lines that are not comments: the keys in a file.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// A key from its text, of the [`FORM`].
pub(crate) fn key(word: &str) -> Option<[u8; 32]> {
    match word.len() {
        64 => unhex(word),
        _ => STANDARD.decode(word).ok(),
    }
    .and_then(|bytes| bytes.try_into().ok())
}

/// The mode of a file that others than its owner may read, with what to do about it.
pub(crate) fn readable_by_others(file: &File, path: &Path) -> io::Result<Option<String>> {
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0)
        .then(|| format!("could be read by others at `{0}` (mode {mode:03o}): run `chmod 600 {0}`", path.display())))
}

/// Writes a new file that only the owner may read, and its directory; never over one that is there.
pub(crate) fn keep(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]].map(char::from);
    bytes.iter().flat_map(digits).collect()
}

/// Bytes from hexadecimal digits of either case; `None` for anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks(2).map(pair).collect())?
}
