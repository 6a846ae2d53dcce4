//! Staying deleted: who was erased, so that they are recognised when a backup or an import brings them back, and which
//! backups still hold them (11 CCR § 7022(b)–(e)).
//!
//! Of an identifier its SHA-256 is kept, sealed under the index's key: it meets plain and hashed values in a look-up and
//! tells nothing without the key. An entry ends when it is lifted, as when somebody becomes a customer anew.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use residuum_detect::{IndexKey, Type};
use serde::Serialize;

use super::RequestError;
use crate::clock::{today, utc};
use crate::identity::{Identifier, Subject};
use crate::index::catalog::{Catalog, bulk};
use crate::index::{IndexError, Keyring};
use crate::keyfile::hex;

/// Why somebody, or something, should not come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// They were erased.
    Erased,
    /// The value was wrong and was corrected (§ 7023(k)).
    Corrected,
    /// Not that it should not come back: it stood with several people when one of them was erased, so that what is left
    /// of it is the others'.
    Shared,
}

impl Reason {
    /// The name used in outputs and on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Corrected => "corrected",
            Self::Shared => "shared",
        }
    }
}

/// Since when somebody counts as erased who is in the ledger already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// Since they were entered, unless the entry had ended.
    First,
    /// Since now: something of them was there and was erased.
    Now,
}

/// Somebody in the ledger, without a word about who they are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Suppressed {
    /// What they are called in outputs.
    pub id: String,
    /// Why they are in it.
    pub reason: String,
    /// Since when, UTC.
    pub since: String,
    /// The request it was for.
    pub request: Option<String>,
    /// Types of their identifiers.
    pub types: Vec<String>,
    /// When it ended, UTC.
    pub lifted: Option<String>,
}

/// A backup that may hold people who were erased since it was taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Backup {
    /// What it is called.
    pub name: String,
    /// The source it is of.
    pub source: String,
    /// The day it was taken, `YYYY-MM-DD`.
    pub taken: String,
    /// The last day it is kept.
    pub expires: Option<String>,
    /// When it was last restored and what came back erased again, UTC.
    pub replayed: Option<String>,
    /// People who were erased on that day or later, whom it may therefore hold.
    pub may_hold: u64,
}

/// The ledger, in the directory of an index.
pub struct Suppression {
    catalog: Catalog,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS person (
    id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since TEXT NOT NULL,
    request TEXT,
    lifted TEXT
);
CREATE TABLE IF NOT EXISTS identifier (
    person TEXT NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (person, sealed)
);
CREATE TABLE IF NOT EXISTS backup (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    taken TEXT NOT NULL,
    expires TEXT,
    replayed TEXT
);
";

impl Suppression {
    /// The file in the directory of an index.
    pub fn file(index: &Path) -> PathBuf {
        index.join("suppression.sqlite")
    }

    /// Opens the ledger of an index; makes it if there is none.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn open(index: &Path) -> Result<Self, RequestError> {
        Ok(Self { catalog: Catalog::append_only(&Self::file(index), SCHEMA)? })
    }

    /// Enters people; who is in it already, with the same identifiers and for the same reason, is entered once, whatever
    /// the key of the index was then.
    ///
    /// Names, addresses and other weak identifiers are not kept: they would bring back namesakes. Somebody without a
    /// strong one, or known by the key of a record only, cannot be recognised; how many those are is the result.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(
        &mut self,
        keys: &Keyring,
        people: &[Vec<Identifier>],
        reason: Reason,
        request: Option<&str>,
        since: Since,
    ) -> Result<u64, RequestError> {
        let mut unknown = 0;
        let (mut persons, mut identifiers) = (Vec::new(), Vec::new());
        for person in people {
            let mut digests: Vec<(Type, String)> = person.iter().filter_map(digest).collect();
            digests.sort_unstable();
            digests.dedup();
            if digests.is_empty() {
                unknown += 1;
                continue;
            }
            let id = self.id_of(keys, reason, &digests)?;
            persons.push((id.clone(), reason.name(), utc(SystemTime::now()), request));
            for (kind, text) in digests {
                identifiers.push((id.clone(), kind.name(), keys.seal_name(kind, &text)));
            }
        }
        self.catalog.begin()?;
        let added = self.insert(&persons, &identifiers, since);
        self.catalog.end(added)?;
        Ok(unknown)
    }

    /// The id of an entry: the one that was made under whichever key, else one under the current key.
    fn id_of(&mut self, keys: &Keyring, reason: Reason, digests: &[(Type, String)]) -> Result<String, IndexError> {
        let under = |key: &IndexKey| {
            let mut id = blake3::Hasher::new_keyed(&key.derive("residuum 2026 suppression"));
            id.update(reason.name().as_bytes());
            digests.iter().for_each(|(kind, text)| {
                id.update(kind.name().as_bytes()).update(text.as_bytes());
            });
            hex(&id.finalize().as_bytes()[..8])
        };
        let ids: Vec<String> = keys.all().map(under).collect();
        if ids.len() > 1 {
            let known: Vec<String> = self.catalog.rows(
                "SELECT json_group_array(id) FROM person WHERE id IN (SELECT value FROM json_each(?1))",
                &[bulk(&ids)],
            )?;
            if let Some(known) = ids.iter().find(|id| known.contains(id)) {
                return Ok(known.clone());
            }
        }
        Ok(ids.into_iter().next().expect("there is a current key"))
    }

    fn insert(
        &mut self,
        persons: &impl Serialize,
        identifiers: &impl Serialize,
        since: Since,
    ) -> Result<(), IndexError> {
        // Who was lifted and is erased once more is in it again.
        self.catalog.run(
            "INSERT INTO person SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, NULL FROM json_each(?1) WHERE true \
             ON CONFLICT DO UPDATE SET since = iif(?2 = 'now' OR lifted IS NOT NULL, excluded.since, since), \
             request = coalesce(excluded.request, request), lifted = NULL",
            &[bulk(persons), if since == Since::Now { "now" } else { "first" }.into()],
        )?;
        self.catalog.run(
            "INSERT OR IGNORE INTO identifier SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)",
            &[bulk(identifiers)],
        )?;
        Ok(())
    }

    /// The people in the ledger for a reason, to be looked up by what is kept of them.
    ///
    /// # Errors
    /// When it cannot be read, or the key that sealed it is not at hand.
    pub fn subjects(&mut self, keys: &Keyring, reason: Reason) -> Result<Vec<Subject>, RequestError> {
        let rows: Vec<(String, String, String)> = self.catalog.rows(
            "SELECT json_group_array(json_array(i.person, i.kind, i.sealed) ORDER BY i.person, i.sealed) \
             FROM identifier i JOIN person p ON p.id = i.person AND p.lifted IS NULL AND p.reason = ?1",
            &[reason.name().into()],
        )?;
        let mut subjects: Vec<Subject> = Vec::new();
        for (id, kind, sealed) in rows {
            let kind = Type::from_name(&kind);
            let digest = crate::identity::decode_digest(&keys.reveal(&sealed)?);
            let (Some(kind), Some(digest)) = (kind, digest) else {
                let what = format!("entry `{id}` of the ledger of those erased cannot be read");
                return Err(IndexError::Misuse(what).into());
            };
            if subjects.last().is_none_or(|last| last.id != id) {
                subjects.push(Subject { id, identifiers: Vec::new() });
            }
            subjects.last_mut().expect("pushed above").identifiers.push(Identifier::Sha256 { kind, digest });
        }
        Ok(subjects)
    }

    /// Digests of the identifiers that are several people's; none where there is no ledger.
    ///
    /// # Errors
    /// When it cannot be read, or the key that sealed it is not at hand.
    pub fn shared(index: &Path, keys: &Keyring) -> Result<HashSet<[u8; 32]>, RequestError> {
        if !Self::file(index).exists() {
            return Ok(HashSet::new());
        }
        let known = Self::open(index)?.subjects(keys, Reason::Shared)?;
        Ok(known.iter().flat_map(|of| &of.identifiers).filter_map(Identifier::digest).collect())
    }

    /// Everybody in the ledger, those who were lifted included, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(&mut self) -> Result<Vec<Suppressed>, RequestError> {
        type Row = (String, String, String, Option<String>, Option<String>, Vec<String>);
        let rows: Vec<Row> = self.catalog.rows(
            "SELECT json_group_array(json_array(id, reason, since, request, lifted, json((SELECT json_group_array(kind) \
             FROM (SELECT DISTINCT kind FROM identifier WHERE person = id ORDER BY kind)))) ORDER BY since, id) FROM person",
            &[],
        )?;
        let of =
            |(id, reason, since, request, lifted, types): Row| Suppressed { id, reason, since, request, types, lifted };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Ends an entry; whether there was one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lift(&mut self, id: &str) -> Result<bool, RequestError> {
        let now = utc(SystemTime::now());
        let sql = "UPDATE person SET lifted = ?1 WHERE id = ?2 AND lifted IS NULL";
        Ok(self.catalog.run(sql, &[now.as_str().into(), id.into()])? > 0)
    }

    /// Registers a backup, or what is new about one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn register(&mut self, backup: &Backup) -> Result<(), RequestError> {
        let row = [(&backup.name, &backup.source, &backup.taken, &backup.expires)];
        self.catalog.run(
            "INSERT INTO backup SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, NULL FROM json_each(?1) WHERE true \
             ON CONFLICT DO UPDATE SET source = excluded.source, taken = excluded.taken, expires = excluded.expires",
            &[bulk(&row)],
        )?;
        Ok(())
    }

    /// The backups, oldest first, those that have expired included, with how many of those erased they may hold.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn backups(&mut self) -> Result<Vec<Backup>, RequestError> {
        type Row = (String, String, String, Option<String>, Option<String>, u64);
        let rows: Vec<Row> = self.catalog.rows(
            "SELECT json_group_array(json_array(name, source, taken, expires, replayed, (SELECT count(*) FROM person \
             WHERE reason = 'erased' AND lifted IS NULL AND substr(since, 1, 10) >= taken)) ORDER BY taken, name) \
             FROM backup",
            &[],
        )?;
        let of = |(name, source, taken, expires, replayed, may_hold): Row| Backup {
            name,
            source,
            taken,
            expires,
            replayed,
            may_hold,
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// The backups that are still kept, as [`Suppression::backups`] gives them.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn kept_backups(&mut self) -> Result<Vec<Backup>, RequestError> {
        let today = today();
        let mut backups = self.backups()?;
        backups.retain(|backup| backup.expires.as_ref().is_none_or(|last| *last >= today));
        Ok(backups)
    }

    /// Notes that what a restored backup brought back was erased again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replayed(&mut self, name: &str) -> Result<(), RequestError> {
        let now = utc(SystemTime::now());
        self.catalog.run("UPDATE backup SET replayed = ?1 WHERE name = ?2", &[now.as_str().into(), name.into()])?;
        Ok(())
    }
}

/// The digest under which an identifier is known again.
fn digest(identifier: &Identifier) -> Option<(Type, String)> {
    identifier.digest().filter(|_| identifier.is_strong()).map(|digest| (identifier.kind(), hex(&digest)))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn person(email: &str) -> Vec<Identifier> {
        let of = |kind, value| Identifier::value(kind, "", value).expect("an identifier");
        vec![of(Type::Email, email), of(Type::PersonName, "Jane Roe")]
    }

    #[test]
    fn who_is_entered_is_known_again_and_not_in_clear() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let keys = Keyring::new(IndexKey::new([9; 32]), Vec::new());
        let mut ledger = Suppression::open(directory.path()).expect("a ledger");
        let people = [person("jane@example.com"), person("kim@example.com"), vec![person("x@example.com").remove(1)]];
        let unknown = ledger.add(&keys, &people, Reason::Erased, Some("R-1"), Since::Now).expect("entered");
        assert_eq!(unknown, 1, "a name alone would bring back namesakes");
        ledger.add(&keys, &people[..1], Reason::Erased, None, Since::Now).expect("entered again");
        let listed = ledger.list().expect("a list");
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|of| of.types == ["EMAIL"] && of.request.as_deref() == Some("R-1")));
        let subjects = ledger.subjects(&keys, Reason::Erased).expect("subjects");
        let jane: [u8; 32] = Sha256::digest("jane@example.com").into();
        let is_jane =
            |of: &Identifier| matches!(of, Identifier::Sha256 { kind: Type::Email, digest } if *digest == jane);
        let found = subjects.iter().find(|subject| subject.identifiers.iter().any(is_jane)).expect("she is in it");
        assert!(ledger.subjects(&keys, Reason::Corrected).expect("subjects").is_empty());
        let rotated = Keyring::new(IndexKey::new([8; 32]), vec![IndexKey::new([9; 32])]);
        assert_eq!(ledger.subjects(&rotated, Reason::Erased).expect("subjects").len(), 2, "under an older key as well");
        assert!(ledger.lift(&found.id).expect("lifted") && !ledger.lift(&found.id).expect("once"));
        assert_eq!(ledger.subjects(&keys, Reason::Erased).expect("subjects").len(), 1);
        ledger.add(&keys, &people[..1], Reason::Erased, None, Since::Now).expect("erased once more");
        assert_eq!(ledger.subjects(&keys, Reason::Erased).expect("subjects").len(), 2);
        drop(ledger);
        let bytes = std::fs::read(Suppression::file(directory.path())).expect("the file");
        for clear in ["jane", &hex(&jane)] {
            let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
            assert!(!found, "nothing stands there in clear");
        }
    }

    #[test]
    fn a_backup_holds_who_was_erased_since() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let keys = Keyring::new(IndexKey::new([9; 32]), Vec::new());
        let mut ledger = Suppression::open(directory.path()).expect("a ledger");
        ledger.add(&keys, &[person("jane@example.com")], Reason::Erased, None, Since::Now).expect("entered");
        let backup = |name: &str, taken: &str, expires: Option<&str>| Backup {
            name: name.to_owned(),
            source: "crm".to_owned(),
            taken: taken.to_owned(),
            expires: expires.map(str::to_owned),
            replayed: None,
            may_hold: 0,
        };
        for of in [
            backup("old", "2020-01-01", Some("2020-12-31")),
            backup("weekly", "2026-01-04", None),
            backup("later", "2999-01-01", None),
        ] {
            ledger.register(&of).expect("registered");
        }
        let may_hold = |backups: Vec<Backup>| -> Vec<(String, u64)> {
            backups.into_iter().map(|of| (of.name, of.may_hold)).collect()
        };
        let of = |name: &str, people| (name.to_owned(), people);
        assert_eq!(may_hold(ledger.kept_backups().expect("a list")), [of("weekly", 1), of("later", 0)]);
        let all = may_hold(ledger.backups().expect("a list"));
        assert_eq!(
            all,
            [of("old", 1), of("weekly", 1), of("later", 0)],
            "one that has expired can be restored as well"
        );
        ledger.replayed("weekly").expect("noted");
        assert!(ledger.kept_backups().expect("a list")[0].replayed.is_some());
    }

    #[test]
    fn who_comes_back_and_is_erased_again_counts_from_then() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let keys = Keyring::new(IndexKey::new([9; 32]), Vec::new());
        let mut ledger = Suppression::open(directory.path()).expect("a ledger");
        let people = [person("jane@example.com")];
        ledger.add(&keys, &people, Reason::Erased, Some("R-1"), Since::Now).expect("entered");
        ledger.catalog.run("UPDATE person SET since = '2020-01-10T00:00:00Z'", &[]).expect("as if long ago");
        let since = |ledger: &mut Suppression| ledger.list().expect("a list")[0].since[..4].to_owned();
        ledger.add(&keys, &people, Reason::Erased, None, Since::First).expect("nothing was left of her");
        assert_eq!(since(&mut ledger), "2020");
        ledger.add(&keys, &people, Reason::Erased, None, Since::Now).expect("she was back");
        assert_ne!(since(&mut ledger), "2020", "a backup taken in between holds her");
        assert_eq!(ledger.list().expect("a list")[0].request.as_deref(), Some("R-1"), "what is known of it stays");
        let rotated = Keyring::new(IndexKey::new([8; 32]), vec![IndexKey::new([9; 32])]);
        ledger.add(&rotated, &people, Reason::Erased, None, Since::Now).expect("under a new key");
        let listed = ledger.list().expect("a list");
        assert_eq!(listed.len(), 1, "she has one entry, whatever the key");
        assert!(ledger.lift(&listed[0].id).expect("lifted"));
        assert!(ledger.subjects(&rotated, Reason::Erased).expect("subjects").is_empty());
    }
}
