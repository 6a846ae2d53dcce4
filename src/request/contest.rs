//! What a person says is wrong and the business has not corrected, or has: the decision, what it rests on, and the mark that
//! the field carries from then on (11 CCR § 7023(b), (f)).
//!
//! What the person said is sealed, and shown to nobody but them. Whom it is about is known again by keyed fingerprints of
//! their identifiers; of a record in which the field stands it is known that somebody contests it, and not who.

use std::collections::{BTreeSet, HashSet};

use residuum_detect::{Fingerprint, IndexKey, Type};
use serde::Serialize;

use super::RequestError;
use super::register::Register;
use crate::clock::utc;
use crate::identity::{Identifier, Location, Subject};
use crate::index::catalog::bulk;
use crate::index::{Finding, Keyring, display};
use crate::keyfile::hex;

/// What was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It is wrong and corrected.
    Granted,
    /// It stays: more likely than not it is right, or correcting it takes disproportionate effort.
    Denied,
    /// It is deleted instead (§ 7023(e)).
    Deleted,
}

impl Decision {
    /// All.
    pub const ALL: [Self; 3] = [Self::Granted, Self::Denied, Self::Deleted];

    /// The name in outputs and on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Deleted => "deleted",
        }
    }
}

/// A contested field and what was decided about it, as it is entered.
pub struct Contested<'a> {
    /// The request.
    pub request: &'a str,
    /// The source, as outputs show it.
    pub source: &'a str,
    /// The object.
    pub object: &'a str,
    /// The field.
    pub field: &'a str,
    /// What the person says is wrong about it; up to 250 words where it is about their health (§ 7023(f)(3)).
    pub statement: &'a str,
    /// What was decided.
    pub decision: Decision,
    /// On what basis.
    pub basis: &'a str,
    /// What was weighed: the nature of the information, how it was obtained, what the documents say (§ 7023(b)).
    pub factors: &'a [String],
    /// SHA-256 of the documents that were looked at.
    pub documents: &'a [String],
    /// Who decided.
    pub decided_by: &'a str,
}

/// A contested field of the register.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Contest {
    /// What it is called.
    pub id: String,
    /// The request.
    pub request: String,
    /// The source, as outputs show it.
    pub source: String,
    /// The object.
    pub object: String,
    /// The field.
    pub field: String,
    /// When it was entered, UTC.
    pub made: String,
    /// What was decided.
    pub decision: String,
    /// On what basis.
    pub basis: String,
    /// What was weighed.
    pub factors: Vec<String>,
    /// SHA-256 of the documents that were looked at.
    pub documents: Vec<String>,
    /// Who decided.
    pub decided_by: String,
    /// When it was withdrawn, UTC.
    pub withdrawn: Option<String>,
    /// What the person says, sealed.
    #[serde(skip)]
    pub statement: String,
}

/// Fingerprints by which a contested field is known again.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Of identifiers of the person. What several people have is not among them: it says of nobody who they are.
    pub whom: BTreeSet<String>,
    /// Of the records in which they stand. Others may stand there as well, so that these say that somebody contests the
    /// field, and not who.
    pub records: BTreeSet<String>,
}

/// The marks of a person who stands in these places.
pub fn marks<'l>(keys: &Keyring, subject: &Subject, found: impl Iterator<Item = &'l Location> + Clone) -> Marks {
    let several: HashSet<Fingerprint> = found.clone().filter(|at| at.shared).map(|at| at.finding.fp).collect();
    let mut marks = Marks::default();
    for key in keys.all() {
        for identifier in subject.identifiers.iter().filter(|of| of.is_strong()) {
            let fp = match identifier {
                Identifier::Value { form, .. } => key.fingerprint(form.expose()),
                Identifier::Sha256 { digest, .. } => key.fingerprint_of_digest(digest),
                Identifier::Fingerprint { fp, .. } => *fp,
                Identifier::Key { domain, value } => key.fingerprint_of_key(domain, value.expose().as_bytes()),
            };
            if !several.contains(&fp) {
                marks.whom.insert(hex(&fp.0));
            }
        }
        let theirs = found.clone().filter(|at| !at.weak && !at.shared);
        marks.records.extend(theirs.map(|at| hex(&record_mark(key, &at.finding))));
    }
    marks
}

/// Fingerprint of a record, by what the index calls it.
fn record_mark(key: &IndexKey, finding: &Finding) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_keyed(&key.derive("residuum 2026 contested record"));
    let record = finding.record.whole();
    for text in [&*finding.source, &*finding.object, &record.key_json(&finding.primary_key).to_string()] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().as_bytes()[..16].try_into().expect("it is as long")
}

type Row = (
    (String, String, String, String, String),
    (String, String, String, String, Option<String>, String),
    Vec<String>,
    Vec<String>,
);

impl Register {
    /// Enters a contested field with the marks of the person; the same once, what was decided last counts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn contest(&mut self, keys: &Keyring, of: &Contested<'_>, marks: &Marks) -> Result<String, RequestError> {
        let mut id = blake3::Hasher::new_keyed(&keys.current().derive("residuum 2026 contest"));
        let whom = marks.whom.iter().map(String::as_str);
        for text in [of.request, of.source, of.object, of.field].into_iter().chain(whom) {
            id.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        let id = hex(&id.finalize().as_bytes()[..8]);
        let place = (&id, of.request, of.source, of.object, of.field, utc(std::time::SystemTime::now()));
        let said = (of.decision.name(), of.decided_by, of.basis, keys.seal_name(Type::Other, of.statement));
        let marks: Vec<(&str, &str)> =
            marks.whom.iter().chain(&marks.records).map(|mark| (id.as_str(), mark.as_str())).collect();
        self.catalog.begin()?;
        let entered = (|| {
            self.catalog.run(
                "INSERT INTO contest SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', \
                 value ->> '$[0][4]', value ->> '$[0][5]', value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[1][2]', \
                 value ->> '$[1][3]', value -> 2, value -> 3, NULL FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET \
                 decision = excluded.decision, decided_by = excluded.decided_by, basis = excluded.basis, \
                 statement = excluded.statement, factors = excluded.factors, documents = excluded.documents, withdrawn = NULL",
                &[bulk(&[(place, said, of.factors, of.documents)])],
            )?;
            self.catalog.run(
                "INSERT OR IGNORE INTO contest_mark SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
                &[bulk(&marks)],
            )
        })();
        self.catalog.end(entered)?;
        Ok(id)
    }

    /// All contested fields, those withdrawn included; the first entered first.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn contests(&mut self) -> Result<Vec<Contest>, RequestError> {
        let rows: Vec<Row> = self.catalog.rows(
            "SELECT json_group_array(json_array(json_array(id, request, source, object, field), \
             json_array(made, decision, decided_by, basis, withdrawn, statement), json(factors), json(documents)) \
             ORDER BY made, id) FROM contest",
            &[],
        )?;
        Ok(rows.into_iter().map(Contest::of).collect())
    }

    /// The fields that are contested under any of these marks, and that were not corrected.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn contested_by(&mut self, marks: &BTreeSet<String>) -> Result<Vec<Contest>, RequestError> {
        let ids: Vec<String> = self.catalog.rows(
            "SELECT json_group_array(DISTINCT contest) FROM contest_mark WHERE mark IN (SELECT value FROM json_each(?1))",
            &[bulk(marks)],
        )?;
        let mut all = self.contests()?;
        all.retain(|of| ids.contains(&of.id) && of.withdrawn.is_none() && of.decision == Decision::Denied.name());
        Ok(all)
    }

    /// Ends the mark of a field; whether there was one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn withdraw(&mut self, id: &str) -> Result<bool, RequestError> {
        let now = utc(std::time::SystemTime::now());
        let sql = "UPDATE contest SET withdrawn = ?1 WHERE id = ?2 AND withdrawn IS NULL";
        Ok(self.catalog.run(sql, &[now.as_str().into(), id.into()])? > 0)
    }
}

impl Contest {
    fn of(((id, request, source, object, field), said, factors, documents): Row) -> Self {
        let (made, decision, decided_by, basis, withdrawn, statement) = said;
        Self {
            id,
            request,
            source,
            object,
            field,
            made,
            decision,
            basis,
            factors,
            documents,
            decided_by,
            withdrawn,
            statement,
        }
    }

    /// Whether it is about a field, named as outputs do.
    pub fn is_about(&self, source: &str, object: &str, field: &str) -> bool {
        (self.source.as_str(), self.object.as_str()) == (source, object) && self.field == display(field)
    }
}
