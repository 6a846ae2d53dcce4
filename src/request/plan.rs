//! The plan: what is to be done with each record that was found, and what is left with the reason.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use residuum_detect::Fingerprint;
use residuum_source::{ObjectPath, Record};
use serde::{Deserialize, Serialize};

use super::carry_out::CarriedOut;
use super::cost::Size;
use super::led::{self, Chains, RecordId};
use super::not_null::InPlaceOfNull;
use crate::config::Retention;
use crate::identity::{Identifier, Location};
use crate::index::{Finding, IndexError, Keyring};

/// What is to be done about people, and what is not.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Objects with records to act on, in order of sources and names.
    pub objects: Vec<PlannedObject>,
    /// What is not acted on.
    pub left: Vec<Left>,
    /// Identifiers that somebody else has as well, who stays.
    pub shared: Vec<Identifier>,
    /// Records that are left because it is not known whose they are.
    pub(super) undecided: HashSet<RecordId>,
}

/// An object, or a member of one, with the records to act on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedObject {
    /// Name of the source, as the index has it.
    pub source: String,
    /// Number of the object in the index.
    pub object: u32,
    /// Its name; personal parts are sealed.
    pub part: String,
    /// Name of the listed object it is, or lies in; sealed as well.
    pub listed: String,
    /// The version of that in which the records were found, if it proves anything.
    pub version: Option<String>,
    /// Its format with those of the containers around it, outermost first.
    pub formats: Vec<String>,
    /// How its records can be edited: `splice`, `rewrite`, `whole object only`.
    pub ability: String,
    /// Columns of the primary key.
    pub primary_key: Vec<String>,
    /// How large it is, and what it takes to write to it; of a plan kept by an earlier version nothing is known.
    #[serde(default)]
    pub size: Size,
    /// What stays behind when its records go, as a table's history or an object's older versions do, and what to run; of a
    /// plan kept by an earlier version nothing is known.
    #[serde(default)]
    pub stays_behind: Vec<String>,
    /// Columns that take no null, with what stands there instead; sealed where their names are personal. Of a plan kept by
    /// an earlier version nothing is known.
    #[serde(default)]
    pub(super) not_null: BTreeMap<String, InPlaceOfNull>,
    /// The records, ascending.
    pub records: Vec<PlannedRecord>,
    /// What led to the records of the plan; not kept with it, for it is asked before anything is done.
    #[serde(skip)]
    pub(super) chains: Arc<Chains>,
}

/// A record to act on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlannedRecord {
    /// Which; sealed where its key is personal, a row of a sheet rather than a cell.
    #[serde(with = "record")]
    pub record: Record,
    /// Ids of the subjects it is about.
    pub subjects: Vec<String>,
    /// What is done.
    pub action: PlannedAction,
    /// What stood in it of them: at least one must still stand there when it is written.
    pub evidence: Vec<Evidence>,
}

/// What is done with a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedAction {
    /// It goes.
    Delete,
    /// The whole object goes.
    DeleteObject,
    /// Every personal value in it is replaced as the policy says.
    EditAll,
    /// What was found of the subjects is replaced as the policy says; the record is also others', or is text.
    EditFound,
    /// Old values are replaced by new ones.
    Correct,
}

impl PlannedAction {
    /// What outputs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete record",
            Self::DeleteObject => "delete object",
            Self::EditAll => "replace all personal values",
            Self::EditFound => "replace what was found",
            Self::Correct => "correct",
        }
    }
}

/// Something of a subject in a record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// The field.
    pub field: String,
    /// The rule that found it; for a key, role and domain.
    pub rule: String,
    /// Its fingerprint.
    #[serde(with = "fingerprint")]
    pub fp: Fingerprint,
    /// Whether it only stands beside what identifies the person: a name says of no record that it is theirs.
    #[serde(default)]
    pub is_beside: bool,
}

/// A place that is not acted on.
#[derive(Clone, Debug)]
pub struct Left {
    /// The location.
    pub location: Location,
    /// Why.
    pub state: LeftState,
}

/// Why a place is left.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftState {
    /// The identifier stands with several people.
    Joint,
    /// A key in this field names the person, and does not say that the record is theirs.
    Another(String),
    /// Only weak identifiers met.
    Possible,
    /// An exception or a hold says so.
    Retained {
        /// Its tag.
        exception: String,
        /// Why.
        reason: String,
        /// Who approved it.
        approved_by: String,
    },
    /// A person has to do it; what and why.
    Manual(String),
    /// An earlier erasure left it, and nothing leads there any more.
    Orphaned {
        /// Why it was left.
        state: Box<LeftState>,
        /// The domain of the key that led there; empty of what is no key.
        domain: String,
    },
}

impl LeftState {
    pub(super) fn retained(retention: &Retention) -> Self {
        Self::Retained {
            exception: retention.exception.clone(),
            reason: retention.reason.clone(),
            approved_by: retention.approved_by.clone(),
        }
    }

    /// The name used in outputs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Orphaned { state, .. } => state.name(),
            Self::Joint | Self::Another(_) => "joint",
            Self::Possible => "possible",
            Self::Retained { .. } => "retained",
            Self::Manual(_) => "manual",
        }
    }

    /// What there is to say about it.
    pub fn reason(&self) -> String {
        match self {
            Self::Joint => "the identifier stands, or stood, with several people: look the person up by what is theirs alone, such as \
                 the key of their record (`--id`); if it was one person's, `residuum suppression lift` the entry `shared`"
                .to_owned(),
            Self::Another(field) => format!(
                "`{field}` names the person, and does not say that the record is theirs: `[[erase]]` with strategy `delete` \
                 or `deidentify` says what becomes of it"
            ),
            Self::Possible => "only weak identifiers meet there: perhaps a namesake".to_owned(),
            Self::Retained { exception, reason, approved_by } => {
                format!("{exception}: {reason} (approved by {approved_by})")
            }
            Self::Manual(what) => what.clone(),
            Self::Orphaned { state, domain } if domain.is_empty() => {
                format!("{}; nothing leads there any more but the key of the record (`--id`)", state.reason())
            }
            Self::Orphaned { state, domain } => {
                format!("{}; nothing leads there any more but the key: `--id {domain}=…`", state.reason())
            }
        }
    }
}

impl Plan {
    pub(super) fn leave(&mut self, location: &Location, state: LeftState) {
        self.left.push(Left { location: location.clone(), state });
    }

    /// How many records are acted on.
    pub fn records(&self) -> u64 {
        self.objects.iter().map(|object| object.records.len() as u64).sum()
    }

    /// Whether nothing is left that nobody said should be: what is retained, and what is perhaps a namesake's.
    pub fn is_settled(&self) -> bool {
        let is_accepted = |left: &Left| matches!(left.state, LeftState::Retained { .. } | LeftState::Possible);
        self.is_empty() && self.left.iter().all(is_accepted)
    }

    /// Takes out records in which everything is as the owner wants it though they are still found: how many.
    pub fn without(&mut self, done: &CarriedOut) -> u64 {
        let before = self.records();
        for object in &mut self.objects {
            let (source, part) = (&object.source, &object.part);
            let is_done = |of: &PlannedRecord| {
                of.action != PlannedAction::Correct
                    && done.stays.contains(&(source.clone(), part.clone(), of.record.clone()))
            };
            object.records.retain(|record| !is_done(record));
        }
        self.objects.retain(|object| !object.records.is_empty());
        before - self.records()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

impl PlannedRecord {
    /// Whether it has fields and only what was found in it is replaced, for it is not the person's alone.
    pub(super) fn is_found_only(&self) -> bool {
        self.action == PlannedAction::EditFound && self.evidence.iter().any(|at| !at.field.is_empty())
    }
}

impl PlannedObject {
    /// The names of listed object and part, opened.
    pub(super) fn paths(&self, keys: &Keyring) -> Result<(ObjectPath, ObjectPath), IndexError> {
        let open = |name: &str| {
            let opened = keys.reveal(name)?;
            ObjectPath::from_escaped(&opened)
                .map_err(|_| IndexError::Misuse(format!("`{name}` is not a name of an object")))
        };
        Ok((open(&self.listed)?, open(&self.part)?))
    }
}

impl Evidence {
    pub(super) fn of(finding: &Finding) -> Self {
        let is_beside = !led::leads(finding.kind);
        Self { field: finding.field.to_string(), rule: finding.rule.to_string(), fp: finding.fp, is_beside }
    }

    /// Whether it identifies the person.
    pub(super) fn leads(&self) -> bool {
        !self.is_beside
    }
}

/// A fingerprint as hexadecimal digits.
pub(super) mod fingerprint {
    use residuum_detect::Fingerprint;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(fp: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::keyfile::hex(&fp.0))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = (text.len() == 32).then(|| u128::from_str_radix(&text, 16).ok()).flatten();
        number.map(|number| Fingerprint(number.to_be_bytes())).ok_or_else(|| D::Error::custom("not a fingerprint"))
    }
}

/// A record as kind, number and text.
pub(super) mod record {
    use residuum_source::{Record, RecordKind};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(record: &Record, serializer: S) -> Result<S::Ok, S::Error> {
        (record.kind() as u8, record.number(), record.text()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        let (kind, number, text) = <(u8, u64, Option<String>)>::deserialize(deserializer)?;
        let kind = RecordKind::from_number(kind).ok_or_else(|| D::Error::custom("not a kind of record"))?;
        Ok(match text {
            Some(text) => Record::Text(kind, text),
            None => Record::Number(kind, number),
        })
    }
}
