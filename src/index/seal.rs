//! Sealing: names that are personal, encrypted so that only the holder of a key reads them.
//!
//! `⟨EMAIL:1f3a:BASE64⟩`: the type, a short tag to tell sealed names apart by eye, and the ciphertext.
//! Equal names seal to equal texts under one key, because names are compared and interned; that is why the
//! nonce is not random but derived from type and value with a key of its own. The value is padded to 16 bytes,
//! so its length shows roughly only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use residuum_detect::{IndexKey, Type};

use super::error::{IndexError, Result};
use crate::keyfile::hex;

const OPEN: char = '⟨';
const CLOSE: char = '⟩';
const NONCE: usize = 24;
const BLOCK: usize = 16;

pub(super) fn seal(key: &IndexKey, kind: Type, value: &str) -> String {
    let mut hasher = blake3::Hasher::new_keyed(&key.derive("residuum 2026 sealed name nonce"));
    hasher.update(kind.name().as_bytes()).update(b"\0").update(value.as_bytes());
    let hash = hasher.finalize();
    let nonce = &hash.as_bytes()[..NONCE];
    let mut padded = Vec::with_capacity(value.len() + BLOCK);
    padded.extend_from_slice(value.as_bytes());
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(BLOCK), 0);
    let payload = Payload { msg: &padded, aad: kind.name().as_bytes() };
    let sealed =
        cipher(key).encrypt(XNonce::from_slice(nonce), payload).expect("names are far below the cipher's limit");
    let bytes = [nonce, &sealed].concat();
    format!("{OPEN}{}:{}:{}{CLOSE}", kind.name(), hex(&nonce[..2]), URL_SAFE_NO_PAD.encode(bytes))
}

/// A text with each sealed part shortened to its type and tag: `⟨EMAIL:1f3a…⟩`.
pub fn display(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Plain(plain) => out.push_str(plain),
            Part::Sealed { kind, tag, .. } => out.push_str(&format!("{OPEN}{kind}:{tag}…{CLOSE}")),
        }
    }
    out
}

/// Whether a part of the text is sealed.
pub fn is_sealed(text: &str) -> bool {
    parts(text).any(|part| matches!(part, Part::Sealed { .. }))
}

pub(super) fn reveal<'k>(keys: impl Iterator<Item = &'k IndexKey> + Clone, text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Plain(plain) => out.push_str(plain),
            Part::Sealed { kind, body, .. } => out.push_str(&open(keys.clone(), kind, body)?),
        }
    }
    Ok(out)
}

fn open<'k>(mut keys: impl Iterator<Item = &'k IndexKey>, kind: &str, body: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| IndexError::Sealed("it is not Base64"))?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or(IndexError::Sealed("it is too short"))?;
    let payload = || Payload { msg: sealed, aad: kind.as_bytes() };
    let opened = keys.find_map(|key| cipher(key).decrypt(XNonce::from_slice(nonce), payload()).ok());
    let mut value = opened.ok_or(IndexError::Sealed("it was changed, or its key is not at hand"))?;
    let end = value.iter().rposition(|&byte| byte == 0x80).ok_or(IndexError::Sealed("its padding is wrong"))?;
    value.truncate(end);
    String::from_utf8(value).map_err(|_| IndexError::Sealed("it is not text"))
}

fn cipher(key: &IndexKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.derive("residuum 2026 sealed name").into())
}

enum Part<'a> {
    Plain(&'a str),
    Sealed { kind: &'a str, tag: &'a str, body: &'a str },
}

/// Splits a text; brackets that hold nothing sealed are plain.
fn parts(mut text: &str) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(at) = text[from..].find(OPEN).map(|at| from + at) {
            if let Some((sealed, length)) = sealed_at(&text[at..]) {
                if at > 0 {
                    let (plain, rest) = text.split_at(at);
                    text = rest;
                    return Some(Part::Plain(plain));
                }
                text = &text[length..];
                return Some(sealed);
            }
            from = at + OPEN.len_utf8();
        }
        Some(Part::Plain(std::mem::take(&mut text)))
    })
}

fn sealed_at(text: &str) -> Option<(Part<'_>, usize)> {
    let inside = text.strip_prefix(OPEN)?;
    let end = inside.find(CLOSE)?;
    let mut words = inside[..end].splitn(3, ':');
    let (kind, tag, body) = (words.next()?, words.next()?, words.next()?);
    let known = Type::from_name(kind).is_some() && tag.len() == 4 && !body.is_empty();
    let length = OPEN.len_utf8() + end + CLOSE.len_utf8();
    known.then_some((Part::Sealed { kind, tag, body }, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: IndexKey = IndexKey::new([3; 32]);

    #[test]
    fn a_sealed_name_hides_and_opens() {
        let sealed = seal(&KEY, Type::Email, "jane@example.com");
        assert!(!sealed.contains("jane") && sealed.starts_with("⟨EMAIL:") && sealed.ends_with('⟩'), "{sealed}");
        assert_eq!(sealed, seal(&KEY, Type::Email, "jane@example.com"), "equal names seal alike");
        assert_ne!(sealed, seal(&KEY, Type::Username, "jane@example.com"));
        let path = format!("mail/{sealed}/inbox!{}.eml", seal(&KEY, Type::Phone, "+1 202 555 0123"));
        assert_eq!(reveal([&KEY].into_iter(), &path).unwrap(), "mail/jane@example.com/inbox!+1 202 555 0123.eml");
        let shown = display(&path);
        assert!(shown.starts_with("mail/⟨EMAIL:") && shown.contains("…⟩/inbox!⟨PHONE:"), "{shown}");
        assert!(shown.len() < 70 && is_sealed(&path) && !is_sealed("mail/⟨x⟩"));
    }

    #[test]
    fn what_was_changed_or_is_under_another_key_does_not_open() {
        let sealed = seal(&KEY, Type::Email, "jane@example.com");
        let other = IndexKey::new([4; 32]);
        assert!(reveal([&other].into_iter(), &sealed).is_err());
        assert_eq!(reveal([&other, &KEY].into_iter(), &sealed).unwrap(), "jane@example.com");
        let renamed = sealed.replace("EMAIL", "PHONE");
        assert!(reveal([&KEY].into_iter(), &renamed).is_err(), "the type is sealed in");
        assert!(reveal([&KEY].into_iter(), "⟨EMAIL:1f3a:AAAA⟩").is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives(value in ".*", around in "[^⟨⟩]*") {
            let text = format!("{around}{}{around}", seal(&KEY, Type::Other, &value));
            prop_assert_eq!(reveal([&KEY].into_iter(), &text).unwrap(), format!("{around}{value}{around}"));
        }

        #[test]
        fn plain_text_stays(text in "[a⟨⟩:…é]*") {
            prop_assert_eq!(&reveal([&KEY].into_iter(), &text).unwrap(), &text);
            prop_assert_eq!(&display(&text), &text);
        }
    }
}
