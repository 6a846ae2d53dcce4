//! The connector for REST APIs: lists of records that a server gives in JSON, page by page.
//!
//! ```text
//! describe.rs  what the owner says: resources, pages, keys, credentials
//! address.rs   where requests may go
//! client.rs    one request: pace, retries, redirects, time-outs
//! pages.rs     answer after answer until the list ends
//! json.rs      places in answers
//! records.rs   items → batches
//! ```
//!
//! Only `GET` is ever sent, and only to the server that the source names: an address in an answer, a redirect or a
//! description that leads elsewhere is refused. Answers are read whole, one page at a time. A list is not a snapshot:
//! what changes while it is read may be missed or come twice, which is the server's to prevent; pages by cursor mostly
//! do.

mod address;
mod client;
mod describe;
mod json;
mod pages;
mod records;

use std::time::{SystemTime, UNIX_EPOCH};

use residuum_source::{
    Check, Coverage, Flow, Limits, Object, ObjectPath, Outcome, Part, Sensitive, Sink, Source, SourceError, Unit,
    Version,
};
use serde_json::value::RawValue;
use url::Url;

pub use describe::{Auth, Description, Key, Pages, Parameter, Resource};

use client::{Client, Trouble};
use pages::{Next, Walk};
use records::Items;

/// An API that is scanned.
pub struct Http {
    name: String,
    base: Url,
    client: Client,
    description: Description,
    /// When it was opened, which stands for a version: an API says nothing of what has changed.
    opened: u64,
}

impl Http {
    /// Prepares to ask the API at a URL; nothing is asked yet.
    ///
    /// # Errors
    /// [`SourceError::Config`] if URL, description and secret do not fit together.
    pub fn new(
        name: &str,
        url: &str,
        description: Description,
        secret: Option<&Sensitive<String>>,
    ) -> Result<Self, SourceError> {
        let wrong = |reason: String| SourceError::Config { source_name: name.to_owned(), reason };
        description.check(secret.is_some()).map_err(wrong)?;
        let base = address::base(url, description.allow_plain).map_err(wrong)?;
        let client = Client::new(&base, &description, secret).map_err(wrong)?;
        for resource in &description.resource {
            let walk = Walk::new(&base, resource).map(drop);
            walk.map_err(|reason| wrong(format!("resource `{}`: {reason}", resource.name)))?;
        }
        let opened = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        Ok(Self { name: name.to_owned(), base, client, description, opened })
    }

    fn resource(&self, path: &ObjectPath) -> Result<&Resource, SourceError> {
        let found = self.description.resource.iter().find(|resource| path_of(resource) == *path);
        found.ok_or_else(|| {
            SourceError::unreadable(path, "the description has no such resource any more: list it again")
        })
    }

    /// Reads a list to its end; gives why it was not, if so.
    fn list_all(
        &self,
        resource: &Resource,
        limits: &Limits,
        items: &mut Items<'_>,
    ) -> Result<Option<Outcome>, SourceError> {
        let stopped = |_| SourceError::Stopped;
        let mut walk = match Walk::new(&self.base, resource) {
            Ok(walk) => walk,
            Err(reason) => return Ok(Some(Outcome::not_read(Coverage::Unreadable, reason))),
        };
        let (mut missing, mut gone) = (None, 0);
        loop {
            let answer = match self.client.get(&walk.url, limits.whole_bytes) {
                Ok(answer) => answer,
                Err(Trouble::NotFound) if walk.ends_with_nothing() => break,
                Err(trouble) => {
                    items.flush().map_err(stopped)?;
                    return Ok(Some(self.broken(resource, walk.page(), &trouble)));
                }
            };
            let Some(listed) = json::at(&answer.json, &resource.items).and_then(json::items) else {
                items.flush().map_err(stopped)?;
                return Ok(Some(Outcome::not_read(Coverage::Unreadable, no_items(resource, walk.page()))));
            };
            for item in &listed {
                match self.whole(resource, item, limits) {
                    Ok(Some(answer)) => match json::at(&answer, &resource.detail_item) {
                        Some(whole) => items.push(item, whole),
                        None => {
                            missing.get_or_insert_with(|| "a detail has nothing at `detail_item`: check it".to_owned());
                            items.push(item, item)
                        }
                    },
                    Ok(None) => items.push(item, item),
                    Err(Trouble::NotFound) => {
                        gone += 1;
                        items.push(item, item)
                    }
                    Err(trouble) => {
                        items.flush().map_err(stopped)?;
                        let mut outcome = self.broken(resource, walk.page(), &trouble);
                        outcome.reason = outcome.reason.map(|reason| format!("a record's detail: {reason}"));
                        return Ok(Some(outcome));
                    }
                }
                .map_err(stopped)?;
            }
            match walk.next(&answer, &listed) {
                Next::More => {}
                Next::End => break,
                Next::Broken(reason) => {
                    missing = Some(reason);
                    break;
                }
            }
        }
        items.flush().map_err(stopped)?;
        if missing.is_none() && items.without_key > 0 {
            let fields = resource.key.fields().join("`, `");
            missing = Some(format!(
                "{} of {} records have no `{fields}`, so that their places are not exact: set `key` to what each has",
                items.without_key, items.records
            ));
        }
        let reason = missing.map(|reason| (Coverage::Unreadable, reason)).or_else(|| {
            (gone > 0).then(|| {
                (Coverage::Read, format!("{gone} records had no detail any more (404) and were read as listed"))
            })
        });
        Ok(reason.map(|(coverage, reason)| Outcome::not_read(coverage, reason)))
    }

    /// A record with all its fields, if the resource says where.
    fn whole(&self, resource: &Resource, item: &RawValue, limits: &Limits) -> Result<Option<Box<RawValue>>, Trouble> {
        let Some(template) = &resource.detail else { return Ok(None) };
        let value = |field: &str| json::at(item, field).and_then(json::text);
        let path = address::fill(template, &value)
            .ok_or_else(|| Trouble::Unusable(format!("an item lacks a field of `{template}`")))?;
        let url = address::resolve(&self.base, &path).map_err(Trouble::Unusable)?;
        Ok(Some(self.client.get(&url, limits.whole_bytes)?.json))
    }

    fn broken(&self, resource: &Resource, page: u64, trouble: &Trouble) -> Outcome {
        let coverage = if let Trouble::TooLong(_) = trouble { Coverage::Limit } else { Coverage::Unreadable };
        Outcome::not_read(coverage, format!("`{}`, page {page}: {trouble}", resource.path))
    }
}

impl Source for Http {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "http"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        for resource in &self.description.resource {
            let version = Version::snapshot(format!("asked at {}", self.opened));
            let object =
                Object { primary_key: resource.key.fields().to_vec(), ..Object::new(path_of(resource), version) };
            if found(object).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            let resource = self.resource(&object.path)?;
            let primary_key = resource.key.fields().to_vec();
            let part = Part { path: object.path.clone(), format: "json", encoding: Some("UTF-8"), primary_key };
            if sink.open(part).is_break() {
                return Err(SourceError::Stopped);
            }
            let mut items = Items::new(sink, resource.key.fields(), limits.batch_bytes, limits.nesting);
            let ended = self.list_all(resource, limits, &mut items)?;
            let read = Outcome::read(items.bytes, items.records);
            let outcome = match ended {
                Some(Outcome { coverage, reason, .. }) => Outcome { coverage, reason, ..read },
                None => read,
            };
            if sink.close(outcome).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<Check, SourceError> {
        let resources = &self.description.resource;
        let what = format!("REST API at {}, {} resources", self.base, resources.len());
        let mut check = Check { what, ..Check::default() };
        let mut refused = 0;
        for resource in resources {
            let problem = match self.first(resource) {
                Ok(problem) => problem,
                Err(Trouble::Unreachable(reason)) => {
                    let source_name = self.name.clone();
                    return Err(SourceError::Unreachable { source_name, reason, cause: None });
                }
                Err(trouble) => {
                    refused += usize::from(matches!(trouble, Trouble::Refused(401)));
                    Some(trouble.to_string())
                }
            };
            check.problems.extend(problem.map(|problem| format!("`{}`: {problem}", resource.name)));
        }
        if refused == resources.len() {
            let reason = Trouble::Refused(401).to_string();
            return Err(SourceError::Credentials { source_name: self.name.clone(), reason });
        }
        if self.base.scheme() == "http" && !address::is_loopback(&self.base) {
            check.notes.push("the connection is not encrypted, as `allow_plain` says".to_owned());
        }
        for resource in resources.iter().filter(|resource| resource.key.fields().is_empty()) {
            let name = &resource.name;
            check.notes.push(format!(
                "`{name}` has no `key`: its records are numbered, which holds while the list stays as it is"
            ));
        }
        Ok(check)
    }
}

impl Http {
    /// Asks for the first answer of a list; gives what would leave it unread.
    fn first(&self, resource: &Resource) -> Result<Option<String>, Trouble> {
        let walk = Walk::new(&self.base, resource).map_err(Trouble::Unusable)?;
        let answer = self.client.get(&walk.url, Limits::default().whole_bytes)?;
        let Some(listed) = json::at(&answer.json, &resource.items).and_then(json::items) else {
            return Ok(Some(no_items(resource, 1)));
        };
        let Some(item) = listed.first() else { return Ok(None) };
        let lacks = |field: &&String| json::at(item, field).and_then(json::text).is_none();
        if let Some(field) = resource.key.fields().iter().find(lacks) {
            return Ok(Some(format!("its first item has no `{field}`: check `key`")));
        }
        let whole = self.whole(resource, item, &Limits::default())?;
        let no_detail = whole.is_some_and(|answer| json::at(&answer, &resource.detail_item).is_none());
        Ok(no_detail.then(|| "a detail has nothing at `detail_item`: check it".to_owned()))
    }
}

fn path_of(resource: &Resource) -> ObjectPath {
    ObjectPath::from_parts([resource.name.as_str()])
}

fn no_items(resource: &Resource, page: u64) -> String {
    let place =
        if resource.items.is_empty() { "the answer itself".to_owned() } else { format!("`{}`", resource.items) };
    format!("`{}`, page {page}: {place} is no array: set `items` to where the records are", resource.path)
}
