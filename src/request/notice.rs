//! Whom a business has to tell of an erasure or a correction: the service providers and contractors that process what it
//! was about, and third parties to whom that was sold or with whom it was shared (Cal. Civ. Code § 1798.105(c), 11 CCR
//! § 7022(b)(2)–(3), (f), § 7023(c)).
//!
//! A notice is kept from the moment before anything is changed, so that an interruption loses none. Its id is a keyed
//! digest of the request, the recipient and the people: a second run makes no second one, and who writes the letter must
//! name the same people again, because nothing here says who they are.

use std::collections::{BTreeMap, BTreeSet};

use residuum_detect::{Category, IndexKey};
use serde::Serialize;

use super::RequestError;
use super::correction::Corrections;
use super::plan::{LeftState, Plan, PlannedAction};
use super::register::Register;
use super::store::whom;
use crate::clock::today;
use crate::config::{CalendarSpan, Day, RecipientKind};
use crate::identity::Subject;
use crate::index::catalog::bulk;
use crate::index::{IndexError, Keyring, display};
use crate::keyfile::hex;
use crate::map::{Holding, Map, Way};

/// The time in which a request is answered, from its receipt (11 CCR § 7021(b)).
const TO_ANSWER: CalendarSpan = CalendarSpan { months: 0, days: 45 };

/// The same where nobody said when the request came: it may be weeks old.
const TO_ANSWER_AT_LEAST: CalendarSpan = CalendarSpan { months: 0, days: 10 };

/// What a request asks for, as far as others have to be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nature {
    /// That personal information is deleted.
    Delete,
    /// That it is corrected.
    Correct,
    /// That it is known to be contested, where correcting it was denied (§ 7023(f)).
    Contest,
}

impl Nature {
    /// The name in outputs and on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Correct => "correct",
            Self::Contest => "note as contested",
        }
    }

    fn of(name: &str) -> Self {
        [Self::Correct, Self::Contest].into_iter().find(|of| of.name() == name).unwrap_or(Self::Delete)
    }
}

/// A field that a notice is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct NoticeField {
    /// The source, as outputs show it.
    pub source: String,
    /// The object.
    pub object: String,
    /// The field; empty for the object as a whole, or its running text.
    pub field: String,
    /// Letters of the categories found there.
    pub categories: Vec<&'static str>,
    /// The exception under which it is kept, and may be used for nothing else; `None` if it is not.
    pub kept: Option<String>,
}

/// A notice that is about to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The recipient, as the map calls it.
    pub recipient: String,
    /// What it is to the business.
    pub kind: RecipientKind,
    /// What it is about.
    pub fields: BTreeSet<NoticeField>,
}

/// Somebody who has to be told, and how that stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// What it is called.
    pub id: String,
    /// Who is told, as the map calls them.
    pub recipient: String,
    /// What they are to the business: service provider, contractor or third party.
    pub kind: String,
    /// What they are told to do: `delete`, `correct`, `note as contested`, or `freeze` where all of it is kept under an exception.
    pub instruction: String,
    /// The request it is for.
    pub request: String,
    /// How many people it is about.
    pub people: u64,
    /// Letters of the categories it is about.
    pub categories: Vec<String>,
    /// When it was made, UTC.
    pub made: String,
    /// The last day on which it can be complied with in time, `YYYY-MM-DD`.
    pub due: String,
    /// When the letter was last written, UTC.
    pub written: Option<String>,
    /// The day it went out.
    pub sent: Option<String>,
    /// Days of reminders.
    pub reminders: Vec<String>,
    /// The day the recipient confirmed that they have complied.
    pub acknowledged: Option<String>,
    /// Why a third party is not told: facts, not a phrase.
    pub excuse: Option<String>,
    /// Who approved that.
    pub approved_by: Option<String>,
    /// How it stands: `to send`, `sent`, `acknowledged`, `excused`.
    pub state: &'static str,
    /// Whether the day has passed and nobody has confirmed.
    pub overdue: bool,
}

/// The people a notice is about, with what is corrected of theirs.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// They.
    pub subjects: &'a [Subject],
    /// Old and new values; none in an erasure.
    pub corrections: &'a Corrections,
}

/// A request by which notices are made.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// Its id.
    pub request: &'a str,
    /// What it asks for.
    pub nature: Nature,
    /// The day it was received, if that is known.
    pub received: Option<Day>,
}

/// Who has to be told of what becomes of fields, by what the map says of them.
///
/// A third party is told of an erasure if the field is sold to it or shared with it; of a correction, service providers and
/// contractors only are; that a field is contested, everybody who gets it.
pub fn drafts(map: &Map, fields: BTreeSet<NoticeField>, nature: Nature) -> Vec<Draft> {
    let mut by_recipient: BTreeMap<&str, Draft> = BTreeMap::new();
    for field in fields {
        let said = map.object(&field.source, &field.object).field(&field.field);
        for (way, name) in said.recipients() {
            let Some(recipient) = map.recipient(name) else { continue };
            let is_told = match recipient.kind {
                RecipientKind::ServiceProvider | RecipientKind::Contractor => true,
                RecipientKind::ThirdParty => match nature {
                    Nature::Delete => matches!(way, Way::Sold | Way::Shared),
                    Nature::Correct => false,
                    Nature::Contest => true,
                },
            };
            if is_told {
                let draft = by_recipient.entry(&recipient.name).or_insert_with(|| Draft {
                    recipient: recipient.name.clone(),
                    kind: recipient.kind,
                    fields: BTreeSet::new(),
                });
                draft.fields.insert(field.clone());
            }
        }
    }
    by_recipient.into_values().collect()
}

/// The fields that a plan changes or keeps: where records go everything in them, where values are replaced theirs.
pub fn fields(map: &Map, holdings: &[Holding], plan: &Plan) -> BTreeSet<NoticeField> {
    let letters = |categories: &[Category]| categories.iter().map(|of| of.letter()).collect::<Vec<_>>();
    let mut held: BTreeMap<(&str, &str), BTreeMap<&str, &Holding>> = BTreeMap::new();
    for holding in holdings {
        held.entry((&holding.source, &holding.object)).or_default().insert(&holding.field, holding);
    }
    let mut all = BTreeSet::new();
    for planned in &plan.objects {
        let (source, object) = (display(&planned.source), display(&planned.part));
        let here = held.get(&(source.as_str(), object.as_str()));
        let evidence = planned.records.iter().flat_map(|record| &record.evidence);
        let mut names: BTreeSet<String> = evidence.map(|at| display(&at.field)).collect();
        let is_whole = |action| !matches!(action, PlannedAction::EditFound | PlannedAction::Correct);
        if planned.records.iter().any(|record| is_whole(record.action)) {
            names.insert(String::new());
            names.extend(here.into_iter().flat_map(|here| here.keys()).map(|&name| name.to_owned()));
            names.extend(map.object(&source, &object).named_fields().map(str::to_owned));
        }
        for field in names {
            let found = here.and_then(|here| here.get(field.as_str()));
            let categories = found.map_or_else(Vec::new, |holding| letters(&holding.categories));
            all.insert(NoticeField { source: source.clone(), object: object.clone(), field, categories, kept: None });
        }
    }
    for left in &plan.left {
        let LeftState::Retained { exception, .. } = &left.state else { continue };
        let at = &left.location.finding;
        all.insert(NoticeField {
            source: display(&at.source),
            object: display(&at.object),
            field: display(&at.field),
            categories: letters(at.kind.categories()),
            kept: Some(exception.clone()),
        });
    }
    all
}

impl About<'_> {
    /// The id of the notice to a recipient under a key.
    fn id(&self, key: &IndexKey, occasion: (&str, &str), recipient: &str) -> String {
        let (request, nature) = occasion;
        let mut id = blake3::Hasher::new_keyed(&key.derive("residuum 2026 notice"));
        for text in [request, nature, recipient] {
            id.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        id.update(whom(key, self.subjects).as_bytes());
        for print in self.corrections.prints(key) {
            id.update(&print);
        }
        hex(&id.finalize().as_bytes()[..8])
    }

    /// Whether a notice is about these people, and corrects these values, under whichever key it was made.
    pub fn is_of(&self, keys: &Keyring, notice: &Notice) -> bool {
        let nature = Nature::of(&notice.instruction);
        keys.all().any(|key| self.id(key, (&notice.request, nature.name()), &notice.recipient) == notice.id)
    }
}

/// A notice of the register with its fields, as it is read.
type Row = (
    (String, String, String, String, String, u64),
    (String, String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>),
    Vec<String>,
    Vec<(String, bool)>,
);

impl Register {
    /// The ids of the notices to these recipients: those that there are, and those to be made.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn ids(
        &mut self,
        keys: &Keyring,
        occasion: &Occasion<'_>,
        about: About<'_>,
        drafts: &[Draft],
    ) -> Result<Vec<(String, bool)>, RequestError> {
        let mut ids = Vec::new();
        for draft in drafts {
            let under = |key| about.id(key, (occasion.request, occasion.nature.name()), &draft.recipient);
            let possible: Vec<String> = keys.all().map(under).collect();
            let known: Vec<String> = self.catalog.rows(
                "SELECT json_group_array(id) FROM notice WHERE id IN (SELECT value FROM json_each(?1))",
                &[bulk(&possible)],
            )?;
            let is_known = !known.is_empty();
            ids.push((known.into_iter().chain(possible).next().expect("there is a current key"), is_known));
        }
        Ok(ids)
    }

    /// Makes notices under these ids; of those that there are, what they are about is added to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn give(
        &mut self,
        occasion: &Occasion<'_>,
        people: usize,
        drafts: &[Draft],
        ids: &[(String, bool)],
    ) -> Result<(), RequestError> {
        let made = crate::clock::utc(std::time::SystemTime::now());
        let due = occasion
            .received
            .map_or_else(|| Day::today().after(TO_ANSWER_AT_LEAST), |received| received.after(TO_ANSWER));
        let (mut notices, mut fields) = (Vec::new(), Vec::new());
        for (draft, (id, _)) in drafts.iter().zip(ids) {
            let of = (id, &draft.recipient, draft.kind.name(), occasion.nature.name(), occasion.request);
            notices.push((of, people, &made, due.to_string()));
            for field in &draft.fields {
                let NoticeField { source, object, field, categories, kept } = field;
                let kept = kept.as_deref().unwrap_or_default();
                fields.push((id, source, object, field, categories.concat(), kept));
            }
        }
        self.catalog.begin()?;
        let given = self.insert_notices(&notices, &fields);
        self.catalog.end(given)?;
        Ok(())
    }

    fn insert_notices(&mut self, notices: &impl Serialize, fields: &impl Serialize) -> Result<(), IndexError> {
        self.catalog.run(
            "INSERT OR IGNORE INTO notice (id, recipient, kind, nature, request, people, made, due) \
             SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', value ->> '$[0][4]', \
             value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)",
            &[bulk(notices)],
        )?;
        self.catalog.run(
            "INSERT INTO notice_field SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 \
             FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET \
             categories = iif(length(excluded.categories) > length(categories), excluded.categories, categories)",
            &[bulk(fields)],
        )?;
        Ok(())
    }

    /// All notices, or those of a request; the first made first.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn notices(&mut self, request: Option<&str>) -> Result<Vec<Notice>, RequestError> {
        let rows: Vec<Row> = self.catalog.rows(
            "SELECT json_group_array(json_array(json_array(id, recipient, kind, nature, request, people), \
             json_array(made, due, written, sent, acknowledged, excuse, approved_by), \
             json((SELECT json_group_array(day ORDER BY day) FROM reminder WHERE notice = id)), \
             json((SELECT json_group_array(json_array(categories, json(iif(kept = '', 'false', 'true')))) \
             FROM notice_field WHERE notice = id))) ORDER BY made, recipient, id) \
             FROM notice WHERE ?1 = '' OR request = ?1",
            &[request.unwrap_or_default().into()],
        )?;
        let today = today();
        Ok(rows.into_iter().map(|row| Notice::of(row, &today)).collect())
    }

    /// The fields that a notice is about.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn notice_fields(&mut self, id: &str) -> Result<Vec<NoticeField>, RequestError> {
        let rows: Vec<(String, String, String, String, String)> = self.catalog.rows(
            "SELECT json_group_array(json_array(source, object, field, categories, kept) ORDER BY source, object, field, kept) \
             FROM notice_field WHERE notice = ?1",
            &[id.into()],
        )?;
        let of = |(source, object, field, categories, kept): (_, _, _, String, String)| NoticeField {
            source,
            object,
            field,
            categories: Category::ALL.into_iter().map(Category::letter).filter(|of| categories.contains(of)).collect(),
            kept: Some(kept).filter(|kept| !kept.is_empty()),
        };
        Ok(rows.into_iter().map(of).collect())
    }

    /// Notes that the letter was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn written(&mut self, id: &str) -> Result<(), RequestError> {
        let now = crate::clock::utc(std::time::SystemTime::now());
        self.catalog.run("UPDATE notice SET written = ?1 WHERE id = ?2", &[now.as_str().into(), id.into()])?;
        Ok(())
    }

    /// Notes that it went out on a day; of one that has gone out before, that the recipient was reminded.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sent(&mut self, notice: &Notice, day: Day) -> Result<(), RequestError> {
        let (id, day) = (notice.id.as_str(), day.to_string());
        let sql = match notice.sent {
            None => "UPDATE notice SET sent = ?1 WHERE id = ?2",
            Some(_) => "INSERT OR IGNORE INTO reminder (day, notice) VALUES (?1, ?2)",
        };
        self.catalog.run(sql, &[day.as_str().into(), id.into()])?;
        Ok(())
    }

    /// Notes that the recipient confirmed on a day that they have complied.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn acknowledged(&mut self, id: &str, day: Day) -> Result<(), RequestError> {
        let day = day.to_string();
        self.catalog.run("UPDATE notice SET acknowledged = ?1 WHERE id = ?2", &[day.as_str().into(), id.into()])?;
        Ok(())
    }

    /// Notes why a third party is not told, and who approved it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn excused(&mut self, id: &str, because: &str, approved_by: &str) -> Result<(), RequestError> {
        self.catalog.run(
            "UPDATE notice SET excuse = ?1, approved_by = ?2 WHERE id = ?3",
            &[because.into(), approved_by.into(), id.into()],
        )?;
        Ok(())
    }
}

impl Notice {
    fn of(((id, recipient, kind, nature, request, people), times, reminders, fields): Row, today: &str) -> Self {
        let (made, due, written, sent, acknowledged, excuse, approved_by) = times;
        let is_kept_only = nature == Nature::Delete.name() && fields.iter().all(|(_, is_kept)| *is_kept);
        let letters: String = fields.into_iter().map(|(letters, _)| letters).collect();
        let state = match () {
            () if acknowledged.is_some() => "acknowledged",
            () if excuse.is_some() => "excused",
            () if sent.is_some() => "sent",
            () => "to send",
        };
        Self {
            id,
            recipient,
            kind,
            instruction: if is_kept_only { "freeze".to_owned() } else { nature },
            request,
            people,
            categories: Category::ALL
                .map(Category::letter)
                .into_iter()
                .filter(|of| letters.contains(of))
                .map(str::to_owned)
                .collect(),
            made,
            overdue: matches!(state, "to send" | "sent") && due.as_str() < today,
            due,
            written,
            sent,
            reminders,
            acknowledged,
            excuse,
            approved_by,
            state,
        }
    }

    /// Whether somebody has to do something about it still.
    pub fn is_open(&self) -> bool {
        matches!(self.state, "to send" | "sent")
    }
}
