//! What stands beside the body of an object and people write: metadata of their own (`x-amz-meta-…`), the name under which
//! it is to be saved, where it leads, and tags.
//!
//! It is a part of its own, `KEY!?metadata`, with one record. An answer that brings the body brings all of it but the
//! tags, of which it says how many there are; only then they are asked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::Tag;
use residuum_source::{
    Action, Batch, Change, Column, Coverage, Flow, ObjectPath, Outcome, Part, Record, RecordKind, Records, Refusal,
    RefusalKind, Rows, Sink,
};

use crate::S3;
use crate::error::{Said, What};
use crate::get::{Getter, Wanted};
use crate::words;

/// The format of such a part.
pub(crate) const FORMAT: &str = "s3-metadata";

/// The last level of its name: no key has one that begins so, for `?` is escaped in keys.
const MEMBER: &[u8] = b"?metadata";

/// The name of its record.
const RECORD: &str = "metadata";

const OWN: &str = "x-amz-meta-";
const DISPOSITION: &str = "content-disposition";
const REDIRECT: &str = "x-amz-website-redirect-location";
const TAG: &str = "tag ";

/// What an object has beside its body.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Beside {
    /// The owner's metadata, by their names without what they begin with.
    pub own: HashMap<String, String>,
    pub disposition: Option<String>,
    pub redirect: Option<String>,
    pub tags: Vec<Tag>,
    /// How many tags the server says there are; nothing where it does not say, as to a mere look.
    tag_count: Option<u32>,
    /// How many of the metadata the server could not say.
    missing: u32,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").field("own", &self.own.len()).field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}

macro_rules! beside {
    ($answer:expr) => {
        Beside {
            own: $answer.metadata().cloned().unwrap_or_default(),
            disposition: $answer.content_disposition().map(str::to_owned),
            redirect: $answer.website_redirect_location().map(str::to_owned),
            tags: Vec::new(),
            tag_count: $answer.tag_count().and_then(|count| u32::try_from(count).ok()),
            missing: $answer.missing_meta().and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        }
    };
}

impl Beside {
    /// As an answer with the body has it.
    pub fn of_get(answer: &GetObjectOutput) -> Self {
        let beside = beside!(answer);
        Self { tag_count: Some(beside.tag_count.unwrap_or(0)), ..beside }
    }

    /// As a look at the object has it.
    pub fn of_head(answer: &HeadObjectOutput) -> Self {
        beside!(answer)
    }

    /// The name of the part.
    pub fn path(object: &ObjectPath) -> ObjectPath {
        object.member(MEMBER)
    }

    /// Asks for the tags. Those of a server that knows none are none.
    pub async fn ask_for_tags(&mut self, getter: &Getter, key: &str, version: Option<&str>) -> Result<(), Said> {
        let tags = getter.client.get_object_tagging().bucket(&getter.bucket).key(key);
        let tags = tags.set_version_id(version.map(str::to_owned)).set_request_payer(getter.payer());
        match tags.send().await.map_err(|error| Said::of(&error)) {
            Ok(answer) => self.tags = answer.tag_set,
            Err(Said { what: What::Unknown | What::Gone, .. }) => {}
            Err(said) => return Err(said),
        }
        Ok(())
    }

    /// Fields with their values, in order.
    fn fields(&self) -> Vec<(String, String)> {
        let mut own: Vec<_> =
            self.own.iter().map(|(name, value)| (format!("{OWN}{name}"), words::decoded(value))).collect();
        own.sort_unstable();
        let headings = [(DISPOSITION, &self.disposition), (REDIRECT, &self.redirect)];
        let headings =
            headings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), words::decoded(value.as_ref()?))));
        let tags = self.tags.iter().map(|tag| (format!("{TAG}{}", tag.key()), tag.value().to_owned()));
        own.into_iter().chain(headings).chain(tags).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The record, if there is anything in it.
    pub fn batch(&self) -> Option<Batch> {
        let mut raw_bytes = 0;
        let column = |(field, value): (String, String)| {
            raw_bytes += value.len() as u64;
            let mut column = Column::new(field);
            column.push(value.as_bytes());
            column.rows = Rows::Listed(vec![0]);
            column
        };
        let columns: Vec<Column> = self.fields().into_iter().map(column).collect();
        let records = Records::Named { kind: RecordKind::Part, names: vec![RECORD.to_owned()] };
        (!columns.is_empty()).then_some(Batch { records, columns, raw_bytes })
    }

    /// The record as a part of an object.
    pub fn part(path: ObjectPath) -> Part {
        Part { path, format: FORMAT, encoding: None, primary_key: Vec::new() }
    }

    /// Whether a record of the part is meant that there is.
    pub fn is_record(record: &Record) -> bool {
        matches!(record, Record::Text(RecordKind::Part, name) if name == RECORD)
    }

    /// What it is to be after an editor's changes to its record; nothing if that is what it is.
    pub fn changed(&self, batch: &Batch, changes: &[Change]) -> Result<Option<Self>, Refusal> {
        let mut new = self.clone();
        for change in changes {
            let Action::Set(values) = &change.action else {
                (new.own, new.disposition, new.redirect, new.tags) = Default::default();
                continue;
            };
            let mut values: Vec<_> = values.iter().collect();
            // From the end, so that what stands before stays where it is.
            values.sort_by_key(|value| (value.column, std::cmp::Reverse(value.bytes.start)));
            for of_field in values.chunk_by(|one, other| one.column == other.column) {
                let column = &batch.columns[of_field[0].column];
                let mut text = Some(column.bytes.clone());
                for value in of_field {
                    let stretch = value.bytes.start as usize..value.bytes.end as usize;
                    match (&value.new, &mut text) {
                        (Some(with), Some(text)) => drop(text.splice(stretch, with.expose().iter().copied())),
                        _ => text = None,
                    }
                }
                let no_text = |_| Refusal::new(RefusalKind::Unsupported, format!("`{}` takes text only", column.field));
                new.set(&column.field, text.map(String::from_utf8).transpose().map_err(no_text)?);
            }
        }
        Ok((new != *self).then_some(new))
    }

    /// Sets a field; nothing removes it.
    fn set(&mut self, field: &Arc<str>, text: Option<String>) {
        let text = text.filter(|text| !text.is_empty());
        if let Some(name) = field.strip_prefix(OWN) {
            match text {
                Some(text) => drop(self.own.insert(name.to_owned(), words::encoded(&text))),
                None => drop(self.own.remove(name)),
            }
        } else if let Some(key) = field.strip_prefix(TAG) {
            self.tags.retain(|tag| tag.key() != key || text.is_some());
            for tag in self.tags.iter_mut().filter(|tag| tag.key() == key) {
                let value = allowed_in_tags(text.as_deref().unwrap_or_default());
                *tag = Tag::builder().key(key).value(value).build().expect("both are given");
            }
        } else if **field == *DISPOSITION {
            self.disposition = text.map(|text| words::encoded(&text));
        } else if **field == *REDIRECT {
            self.redirect = text.map(|text| words::encoded(&text));
        }
    }

    /// What of it cannot be told, and the cure.
    fn unread(&self) -> Option<String> {
        (self.missing > 0)
            .then(|| format!("{} of its metadata cannot be told by the server: write them anew in ASCII", self.missing))
    }
}

/// A tag may hold letters, digits, spaces and few signs.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
fn allowed_in_tags(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || " +-=._:/@".contains(c) { c } else { '_' }).collect()
}

/// Hands on what is read of an object, and before it is closed what stands beside it.
pub(crate) struct WithBeside<'s> {
    source: &'s S3,
    object: &'s ObjectPath,
    wanted: &'s Wanted,
    sink: &'s mut dyn Sink,
    depth: u32,
    /// An archive has a member of this name.
    is_taken: bool,
}

impl<'s> WithBeside<'s> {
    pub fn new(source: &'s S3, object: &'s ObjectPath, wanted: &'s Wanted, sink: &'s mut dyn Sink) -> Self {
        Self { source, object, wanted, sink, depth: 0, is_taken: false }
    }

    fn hand_over(&mut self) -> Flow {
        let (getter, wanted) = (&self.source.getter, self.wanted);
        let (key, version) = (wanted.key.as_str(), wanted.version.as_deref());
        let mut beside = match wanted.beside.get() {
            Some(beside) => beside.clone(),
            // Of what is empty no body was asked for.
            None if wanted.size == 0 => match self.source.handle().block_on(getter.head(key, version)) {
                Ok(head) => Beside::of_head(&head),
                Err(said) => return self.close_unread(said.object(getter.patience.attempts).reason),
            },
            None => return Flow::Continue(()),
        };
        let mut unread = beside.unread();
        if beside.tag_count != Some(0)
            && let Err(said) = self.source.handle().block_on(beside.ask_for_tags(getter, key, version))
        {
            let denied = said.what == What::Denied;
            let cure = match denied {
                true => "grant `s3:GetObjectTagging` (for older versions `s3:GetObjectVersionTagging`)".to_owned(),
                false => said.object(getter.patience.attempts).reason,
            };
            // That nobody may ask for any stands in the ledger once, as `?tags`, and not with each object.
            let is_told = denied && (beside.tag_count.is_none() || self.source.tags_are_denied.load(Ordering::Relaxed));
            unread = if is_told { unread } else { Some(format!("its tags cannot be read: {cure}")) };
        }
        let batch = beside.batch();
        if batch.is_none() && unread.is_none() {
            return Flow::Continue(());
        }
        self.sink.open(Beside::part(self.path()))?;
        let mut outcome = Outcome::read(batch.as_ref().map_or(0, |batch| batch.raw_bytes), u64::from(batch.is_some()));
        if let Some(batch) = batch {
            self.sink.batch(batch)?;
        }
        if let Some(reason) = unread {
            (outcome.coverage, outcome.reason) = (Coverage::Unreadable, Some(reason));
        }
        self.sink.close(outcome)
    }

    fn close_unread(&mut self, reason: String) -> Flow {
        self.sink.open(Beside::part(self.path()))?;
        self.sink.close(Outcome::not_read(Coverage::Unreadable, format!("its metadata cannot be read: {reason}")))
    }

    fn path(&self) -> ObjectPath {
        let path = Beside::path(self.object);
        // Two parts of one name would be taken for one.
        if self.is_taken { path.member(MEMBER) } else { path }
    }
}

impl Sink for WithBeside<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.depth += 1;
        self.is_taken |= part.path == Beside::path(self.object);
        self.sink.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.sink.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.depth -= 1;
        if self.depth == 0 {
            self.hand_over()?;
        }
        self.sink.close(outcome)
    }

    fn go_on(&mut self) -> Flow {
        self.sink.go_on()
    }

    fn wants_extents(&self) -> bool {
        self.sink.wants_extents()
    }

    fn extent(&mut self, extent: residuum_source::Extent) {
        self.sink.extent(extent);
    }
}

#[cfg(test)]
mod tests {
    use residuum_source::{NewValue, Sensitive};

    use super::*;

    fn some() -> Beside {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("both are given");
        Beside {
            own: [("owner", "jane@example.com"), ("name", "=?UTF-8?Q?Zo=C3=AB_Roe?="), ("run", "42")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            disposition: Some("attachment; filename=\"jane.pdf\"".to_owned()),
            tags: vec![tag("contact", "jane@example.com or bob@example.com"), tag("team", "crm")],
            ..Beside::default()
        }
    }

    fn set(field: &str, stretch: std::ops::Range<u32>, new: Option<&str>) -> Change {
        let batch = some().batch().expect("there is something");
        let column = batch.columns.iter().position(|column| *column.field == *field).expect("there is such a field");
        let new = new.map(|new| Sensitive::new(new.as_bytes().to_vec()));
        Change { record: 0, action: Action::Set(vec![NewValue { column, bytes: stretch, new }]) }
    }

    #[test]
    fn fields_are_read_as_people_wrote_them() {
        let batch = some().batch().expect("there is something");
        let fields: Vec<_> =
            batch.columns.iter().map(|column| (&*column.field, String::from_utf8_lossy(column.value(0)))).collect();
        let fields: Vec<_> = fields.iter().map(|(field, value)| (*field, &**value)).collect();
        assert_eq!(
            fields,
            [
                ("x-amz-meta-name", "Zo\u{eb} Roe"),
                ("x-amz-meta-owner", "jane@example.com"),
                ("x-amz-meta-run", "42"),
                ("content-disposition", "attachment; filename=\"jane.pdf\""),
                ("tag contact", "jane@example.com or bob@example.com"),
                ("tag team", "crm"),
            ]
        );
        assert!(Beside::default().batch().is_none());
        assert!(!format!("{:?}", some()).contains("jane"));
    }

    #[test]
    fn what_is_replaced_is_all_that_changes() {
        let (before, batch) = (some(), some().batch().expect("there is something"));
        let after = |change: Change| before.changed(&batch, &[change]).expect("it can be").expect("it changes");
        let gone = after(set("x-amz-meta-owner", 0..16, None));
        assert_eq!((gone.own.len(), gone.own.get("owner"), &gone.tags), (2, None, &before.tags));
        let part = after(set("tag contact", 0..16, Some("[erased]")));
        assert_eq!(part.tags[0].value(), "_erased_ or bob@example.com", "a tag takes no brackets");
        assert_eq!(part.own, before.own);
        let name = after(set("x-amz-meta-name", 0..4, Some("\u{c9}a")));
        assert_eq!(words::decoded(&name.own["name"]), "\u{c9}a Roe");
        assert!(name.own["name"].is_ascii());
        assert_eq!(after(set("tag team", 0..3, None)).tags.len(), 1);
        assert_eq!(
            after(set("content-disposition", 22..30, Some("x.pdf"))).disposition.as_deref(),
            Some("attachment; filename=\"x.pdf\"")
        );
        assert_eq!(before.changed(&batch, &[]), Ok(None));
    }
}
