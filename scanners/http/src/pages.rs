//! From answer to answer until a list ends.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::value::RawValue;
use url::Url;

use crate::address;
use crate::client::Answer;
use crate::describe::{Pages, Resource};
use crate::json;

/// Where in a list one is.
pub struct Walk<'r> {
    resource: &'r Resource,
    /// The first answer's address.
    start: Url,
    /// The address of the answer that is being asked for.
    pub url: Url,
    /// Answers that had items.
    pages: u64,
    /// Items given so far.
    items: u64,
    /// Marks that were followed, to notice a list that runs in a circle.
    seen: HashSet<u64>,
    /// How many items there are, as the server said last.
    total: Option<u64>,
}

/// What comes after an answer.
pub enum Next {
    /// The next answer, at [`Walk::url`].
    More,
    /// The list has ended.
    End,
    /// The list goes on, but not further here: the reason.
    Broken(String),
}

impl<'r> Walk<'r> {
    /// The beginning of a list.
    ///
    /// # Errors
    /// When the resource's address is none, or not on the source's server.
    pub fn new(base: &Url, resource: &'r Resource) -> Result<Self, String> {
        let mut start = address::resolve(base, &resource.path)?;
        for (name, value) in &resource.query {
            start.query_pairs_mut().append_pair(name, &value.to_string());
        }
        let url = match &resource.pages {
            Pages::Number { parameter, first, .. } => with(&start, parameter, &first.to_string()),
            Pages::Offset { parameter, .. } => with(&start, parameter, "0"),
            _ => start.clone(),
        };
        Ok(Self { resource, start, url, pages: 0, items: 0, seen: HashSet::new(), total: None })
    }

    /// Which answer is being asked for, counted from 1.
    pub fn page(&self) -> u64 {
        self.pages + 1
    }

    /// Goes on after an answer with these items.
    pub fn next(&mut self, answer: &Answer, items: &[&RawValue]) -> Next {
        let place = |path: &Option<String>| path.as_deref().and_then(|path| json::at(&answer.json, path));
        self.items += items.len() as u64;
        self.pages += 1;
        match &self.resource.pages {
            Pages::None {} => Next::End,
            Pages::Number { parameter, first, total, last } => {
                self.total = place(total).and_then(json::number).or(self.total);
                let at = first + self.pages - 1;
                let is_last = place(last).and_then(json::number).is_some_and(|last| at >= last);
                if items.is_empty() || is_last || self.has_all() {
                    return self.end();
                }
                self.url = with(&self.start, parameter, &(at + 1).to_string());
                Next::More
            }
            Pages::Offset { parameter, total } => {
                self.total = place(total).and_then(json::number).or(self.total);
                if items.is_empty() || self.has_all() {
                    return self.end();
                }
                // Servers may give fewer than were asked for: what counts is what came.
                self.url = with(&self.start, parameter, &self.items.to_string());
                Next::More
            }
            Pages::Cursor { parameter, next, item, more } => {
                if place(more).is_some_and(|more| matches!(more.get(), "false" | "0" | "null")) {
                    return Next::End;
                }
                let of_item = |path: &String| json::at(items.last()?, path);
                let mark = place(next).or_else(|| item.as_ref().and_then(of_item));
                let Some(mark) = mark.and_then(json::text).filter(|mark| !mark.is_empty() && mark != "false") else {
                    if item.is_some() && !items.is_empty() {
                        return Next::Broken("the last item of an answer has no mark: check `item`".to_owned());
                    }
                    return Next::End;
                };
                let url = with(&self.start, parameter, &mark);
                self.follow(url)
            }
            Pages::Link {} => match &answer.next_link {
                Some(to) => self.follow_to(to),
                None => Next::End,
            },
            Pages::Url { next } => {
                match json::at(&answer.json, next).and_then(json::text).filter(|to| !to.is_empty()) {
                    Some(to) => self.follow_to(&to),
                    None => Next::End,
                }
            }
        }
    }

    /// Whether nothing at the address of a later page means that the list has ended: some servers say so.
    pub fn ends_with_nothing(&self) -> bool {
        matches!(self.resource.pages, Pages::Number { total: None, last: None, .. }) && self.pages > 0
    }

    fn has_all(&self) -> bool {
        self.total.is_some_and(|total| self.items >= total)
    }

    fn end(&self) -> Next {
        match self.total {
            Some(total) if self.items < total => Next::Broken(format!(
                "the server has {total} items and gave {}: the list changed while it was read, or `total` counts \
                 something else",
                self.items
            )),
            _ => Next::End,
        }
    }

    fn follow_to(&mut self, to: &str) -> Next {
        match address::resolve(&self.url, to) {
            Ok(url) => self.follow(url),
            Err(reason) => Next::Broken(reason),
        }
    }

    fn follow(&mut self, url: Url) -> Next {
        let mut hasher = DefaultHasher::new();
        url.as_str().hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) || url == self.url {
            return Next::Broken("the list runs in a circle: the server gives the same next page twice".to_owned());
        }
        self.url = url;
        Next::More
    }
}

/// The address with a parameter, in place of one of the same name.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(known, _)| known != name).map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    url
}
