//! What a REST API holds and how it is asked: the description that the owner writes, read and checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// An API as its owner describes it. Everything has a default but the resources.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// How requests say who asks. Default `none`.
    #[serde(default)]
    pub auth: Auth,
    /// The user of `basic`.
    pub user: Option<String>,
    /// The header of `header`, such as `X-Api-Key`.
    pub header: Option<String>,
    /// Further headers of every request; no secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Requests a second at most, by all threads together. Default 10.
    #[serde(default = "ten")]
    pub requests_per_second: f64,
    /// Seconds that one request may take, its answer included. Default 60.
    #[serde(default = "sixty")]
    pub timeout_seconds: u64,
    /// How often a request is tried again. Default 5.
    #[serde(default = "five")]
    pub retries: u32,
    /// Seconds that the server may ask to wait before a request is tried again. Default 120.
    #[serde(default = "two_minutes")]
    pub longest_wait_seconds: u64,
    /// Allow `http://` to other machines. Default `false`.
    #[serde(default)]
    pub allow_plain: bool,
    /// Certificates in PEM that are trusted instead of the public authorities.
    pub ca_file: Option<PathBuf>,
    /// What is read.
    #[serde(default)]
    pub resource: Vec<Resource>,
}

/// How requests say who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// User and password (RFC 7617).
    Basic,
    /// A token (RFC 6750).
    Bearer,
    /// A key in a header of its own.
    Header,
}

/// A list of records.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The object's name in every output.
    pub name: String,
    /// Where it is, from the source's URL on.
    pub path: String,
    /// Parameters of every request.
    #[serde(default)]
    pub query: BTreeMap<String, Parameter>,
    /// Where in an answer the items are: member names with dots between; empty if the answer is the array.
    #[serde(default)]
    pub items: String,
    /// The fields that identify a record; without any, records are numbered as they are listed.
    #[serde(default)]
    pub key: Key,
    /// How a list goes on. Default `none`: one answer has everything.
    #[serde(default)]
    pub pages: Pages,
    /// Where one record is with all its fields: a path with fields of the list in braces, such as `customers/{id}`.
    pub detail: Option<String>,
    /// Where in such an answer the record is.
    #[serde(default)]
    pub detail_item: String,
}

/// A parameter's value.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Parameter {
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(i64),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// One field or several.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// One.
    One(String),
    /// Several, in this order.
    Several(Vec<String>),
}

impl Default for Key {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Key {
    /// The fields.
    pub fn fields(&self) -> &[String] {
        match self {
            Self::One(field) => std::slice::from_ref(field),
            Self::Several(fields) => fields,
        }
    }
}

/// How a list goes on from one answer to the next.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Pages {
    /// It does not.
    None {},
    /// Pages are numbered. The list ends with an empty page, or as `total` or `last` say.
    Number {
        /// The parameter. Default `page`.
        #[serde(default = "page")]
        parameter: String,
        /// The first page's number. Default 1.
        #[serde(default = "one")]
        first: u64,
        /// Where in an answer the number of all items is.
        total: Option<String>,
        /// Where in an answer the number of the last page is.
        last: Option<String>,
    },
    /// Items are counted. The list ends with an empty answer, or as `total` says.
    Offset {
        /// The parameter. Default `offset`.
        #[serde(default = "offset")]
        parameter: String,
        /// Where in an answer the number of all items is.
        total: Option<String>,
    },
    /// An answer has the mark at which the next begins. The list ends without one, or as `more` says.
    Cursor {
        /// The parameter. Default `cursor`.
        #[serde(default = "cursor")]
        parameter: String,
        /// Where in an answer the mark is.
        next: Option<String>,
        /// Where in the last item the mark is, for servers that take an item's key.
        item: Option<String>,
        /// Where in an answer it says whether there is more.
        more: Option<String>,
    },
    /// The header `Link` has the next answer's address as `rel="next"` (RFC 8288).
    Link {},
    /// The answer itself has the next one's address.
    Url {
        /// Where.
        next: String,
    },
}

impl Default for Pages {
    fn default() -> Self {
        Self::None {}
    }
}

impl Description {
    /// What cannot work, with what would.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self, has_secret: bool) -> Result<(), String> {
        match self.auth {
            Auth::None if has_secret => {
                return Err(
                    "a password is given, but `auth` says nobody asks for one: set it to `basic`, `bearer` or `header`"
                        .to_owned(),
                );
            }
            Auth::None => {}
            _ if !has_secret => {
                return Err(
                    "`auth` needs a secret: give `password_env`, `password_file` or `password_command`".to_owned()
                );
            }
            Auth::Basic if self.user.is_none() => return Err("`auth = \"basic\"` needs `user`".to_owned()),
            Auth::Header if self.header.is_none() => {
                return Err("`auth = \"header\"` needs `header`, such as `X-Api-Key`".to_owned());
            }
            _ => {}
        }
        if !(self.requests_per_second > 0.0 && self.requests_per_second.is_finite()) || self.timeout_seconds == 0 {
            return Err("`requests_per_second` and `timeout_seconds` must be greater than 0".to_owned());
        }
        if self.resource.is_empty() {
            return Err("it needs at least one `[[source.http.resource]]`".to_owned());
        }
        for (i, resource) in self.resource.iter().enumerate() {
            resource.check().map_err(|reason| format!("resource `{}`: {reason}", resource.name))?;
            if self.resource[..i].iter().any(|other| other.name == resource.name) {
                return Err(format!("resource `{}` is described twice", resource.name));
            }
        }
        Ok(())
    }
}

impl Resource {
    fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("it needs a `name`".to_owned());
        }
        if let Pages::Cursor { next, item, .. } = &self.pages
            && next.is_some() == item.is_some()
        {
            return Err("pages by cursor need one of `next` and `item`: where the mark is".to_owned());
        }
        if let Some(detail) = &self.detail {
            let fields = crate::address::fields(detail).ok_or("`detail` has a brace that is not closed")?;
            if fields.is_empty() {
                return Err("`detail` needs a field of the list in braces, such as `customers/{id}`".to_owned());
            }
        }
        Ok(())
    }
}

const fn ten() -> f64 {
    10.0
}
const fn sixty() -> u64 {
    60
}
const fn two_minutes() -> u64 {
    120
}
const fn five() -> u32 {
    5
}
const fn one() -> u64 {
    1
}
fn page() -> String {
    "page".to_owned()
}
fn offset() -> String {
    "offset".to_owned()
}
fn cursor() -> String {
    "cursor".to_owned()
}
