//! The key that signs: Ed25519 (RFC 8032), for entries of the audit log and certificates.
//!
//! Like an index's key it never lies beside what it protects: it comes from the environment, or is made on first use
//! in the user's state directory, for the owner's eyes only. Whoever checks needs the public half, which is printed
//! wherever something is signed.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::keyfile::{self, hex};

/// Environment variable that holds the signing key: 32 bytes in hexadecimal digits or Base64.
pub const KEY_VARIABLE: &str = "RESIDUUM_SIGNING_KEY";
/// Environment variable that names a file with the signing key.
pub const KEY_FILE_VARIABLE: &str = "RESIDUUM_SIGNING_KEY_FILE";

/// Why nothing can be signed, or a signature cannot be judged. Never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The key is not one, or others may read it.
    #[error("the signing key {0}")]
    Key(String),
    /// The system refused.
    #[error("`{}` could not be {action}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// The key of whoever signs.
pub struct Signer {
    key: SigningKey,
    /// Where it was made just now.
    made: Option<PathBuf>,
}

impl Signer {
    /// The key from the environment, else from the state directory, where it is made on first use.
    ///
    /// # Errors
    /// When it cannot be had or kept.
    pub fn load_or_make() -> Result<Self, SignatureError> {
        if let Some(signer) = Self::from_environment()? {
            return Ok(signer);
        }
        let path = state_path()?;
        match read(&path) {
            Ok(text) => Ok(Self { key: parse(&text, &format!("in `{}`", path.display()))?, made: None }),
            Err(SignatureError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error),
        }
    }

    /// The key of whoever runs this, if there is one already.
    pub fn of_this_user() -> Option<Self> {
        if let Ok(Some(signer)) = Self::from_environment() {
            return Some(signer);
        }
        let text = fs::read_to_string(state_path().ok()?).ok()?;
        Some(Self { key: parse(&text, "there").ok()?, made: None })
    }

    /// A signer with a given key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&key), made: None }
    }

    /// The public half, as 64 hexadecimal digits.
    pub fn public_key(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }

    /// Signs bytes; gives 128 hexadecimal digits.
    pub fn sign(&self, bytes: &[u8]) -> String {
        hex(&self.key.sign(bytes).to_bytes())
    }

    /// The file the key was made in by this call, to be named to the user once.
    pub fn made(&self) -> Option<&Path> {
        self.made.as_deref()
    }

    fn from_environment() -> Result<Option<Self>, SignatureError> {
        let set = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
        if let Some(text) = set(KEY_VARIABLE) {
            return Ok(Some(Self { key: parse(&text, &format!("in `{KEY_VARIABLE}`"))?, made: None }));
        }
        let Some(path) = set(KEY_FILE_VARIABLE).map(PathBuf::from) else { return Ok(None) };
        Ok(Some(Self { key: parse(&read(&path)?, &format!("in `{}`", path.display()))?, made: None }))
    }

    fn make(path: PathBuf) -> Result<Self, SignatureError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            SignatureError::Key(format!("cannot be made: the system gives no random numbers ({error})"))
        })?;
        let text =
            format!("# signs audit entries and certificates; the public key is printed with them\n{}\n", hex(&bytes));
        keyfile::keep(&path, &text).map_err(|cause| SignatureError::Io {
            file: path.clone(),
            action: "made",
            cause,
        })?;
        Ok(Self { key: SigningKey::from_bytes(&bytes), made: Some(path) })
    }
}

/// Whether this key signed these bytes; false also for what is no key or no signature.
pub fn is_signed_by(public_key: &str, bytes: &[u8], signature: &str) -> bool {
    let key = unhex(public_key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let signature = unhex(signature).map(|bytes| Signature::from_bytes(&bytes));
    matches!((key, signature), (Some(key), Some(signature)) if key.verify_strict(bytes, &signature).is_ok())
}

fn state_path() -> Result<PathBuf, SignatureError> {
    let none = || SignatureError::Key(format!("has no place: set `HOME`, `{KEY_FILE_VARIABLE}` or `{KEY_VARIABLE}`"));
    Ok(keyfile::state_directory().ok_or_else(none)?.join("signing.key"))
}

/// The text of a file that only its owner may read.
fn read(path: &Path) -> Result<String, SignatureError> {
    let failed = |cause| SignatureError::Io { file: path.to_owned(), action: "read", cause };
    let mut file = File::open(path).map_err(failed)?;
    if let Some(why) = keyfile::readable_by_others(&file, path).map_err(failed)? {
        return Err(SignatureError::Key(why));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn parse(text: &str, whence: &str) -> Result<SigningKey, SignatureError> {
    let key = keyfile::words(text).next().and_then(keyfile::key);
    let wrong = || SignatureError::Key(format!("{whence} is not one: {} are needed", keyfile::FORM));
    key.map(|key| SigningKey::from_bytes(&key)).ok_or_else(wrong)
}

/// So many bytes from twice as many hexadecimal digits.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    keyfile::unhex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let key = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let signer = Signer::new(key);
        assert_eq!(signer.public_key(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = signer.sign(&[0x72]);
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(signature, expected);
        assert!(is_signed_by(&signer.public_key(), &[0x72], &signature));
        for (key, bytes, signature) in [
            (signer.public_key(), b"\x73".as_slice(), signature.clone()),
            (Signer::new([1; 32]).public_key(), b"\x72", signature.clone()),
            (signer.public_key(), b"\x72", signature.replace('9', "8")),
            ("not a key".to_owned(), b"\x72", signature.clone()),
            (signer.public_key(), b"\x72", String::new()),
        ] {
            assert!(!is_signed_by(&key, bytes, &signature), "{key} {signature}");
        }
    }

    #[test]
    fn keys_are_read_and_what_is_none_is_refused() {
        let text = "# mine\n4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n";
        let base64 = STANDARD.encode(parse(text, "here").unwrap().to_bytes());
        assert_eq!(parse(&base64, "here").unwrap().to_bytes(), parse(text, "here").unwrap().to_bytes());
        for text in ["", "abcd", "# nothing\n", &"zz".repeat(32)] {
            let error = parse(text, "in `file`").expect_err("it is no key").to_string();
            assert!(error.contains("in `file`") && (text.is_empty() || !error.contains(text)), "{error}");
        }
    }
}
