//! Everything a bucket holds under a prefix, page by page; the next page is asked for while one is gone through.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketVersioningStatus, EncodingType, ObjectVersion, OptionalObjectAttributes, RequestPayer, RestoreStatus,
};
use residuum_source::{Coverage, Flow, Object, ObjectPath, Version};
use tokio::runtime::Handle;

use crate::error::{ARCHIVED, Said, What};
use crate::key::{self, Names, State};

/// What is listed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub client: Client,
    pub bucket: String,
    pub prefix: String,
    pub requester_pays: bool,
    /// Keys in a page; S3 gives 1,000 at most.
    pub page: i32,
}

/// Versions of one key that are counted before it is carried out what is planned.
pub(crate) const MANY: u64 = 1000;

/// Whether a bucket keeps older versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Versioning {
    /// It does not, or the server knows of no such thing.
    Off,
    /// It does, or did.
    On,
    /// The credentials do not allow to ask, or the answer is not understood.
    Unknown,
}

impl Versioning {
    /// What an answer says that is not of the form that S3 gives: some servers call its root otherwise.
    fn in_words(answer: &[u8]) -> Self {
        let answer = String::from_utf8_lossy(answer);
        let has = |text: &str| answer.contains(text);
        match () {
            () if ["Enabled", "Suspended"].iter().any(|state| has(&format!("<Status>{state}</Status>"))) => Self::On,
            // A bucket that never kept any has no status.
            () if has("Versioning") && !has("Status") => Self::Off,
            () => Self::Unknown,
        }
    }
}

/// One key, or one version of one.
#[derive(Debug)]
struct Listed {
    /// As the server gives it.
    key: String,
    is_encoded: bool,
    is_current: bool,
    version: Option<String>,
    size: i64,
    modified: Option<DateTime>,
    etag: Option<String>,
    class: String,
    restored: Option<RestoreStatus>,
}

/// A page, and where the next one begins.
#[derive(Default, Debug)]
struct Page {
    listed: Vec<Listed>,
    markers: u64,
    next: Option<Next>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Next {
    Token(String),
    Markers(Option<String>, Option<String>),
}

/// What was listed and is not read.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Aside {
    /// Versions that are not the current ones.
    pub older: u64,
    /// Markers that stand where something was deleted.
    pub markers: u64,
}

impl Listing {
    /// Whether the bucket keeps versions.
    pub async fn versioning(&self) -> Result<Versioning, Said> {
        match self.client.get_bucket_versioning().bucket(&self.bucket).send().await {
            Ok(answer) => Ok(match answer.status() {
                Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended) => Versioning::On,
                _ => Versioning::Off,
            }),
            Err(error) => match Said::of(&error) {
                Said { what: What::Denied, .. } => Ok(Versioning::Unknown),
                Said { what: What::Unknown, .. } => Ok(Versioning::Off),
                said => match error.raw_response().filter(|answer| answer.status().is_success()) {
                    Some(answer) => Ok(Versioning::in_words(answer.body().bytes().unwrap_or_default())),
                    None => Err(said),
                },
            },
        }
    }

    /// Lists the current objects.
    pub fn current(&self, handle: &Handle, names: &Names, found: &mut dyn FnMut(Object) -> Flow) -> Result<Flow, Said> {
        let mut aside = Aside::default();
        self.pages(handle, false, &mut |listed| found(object(names, listed)), &mut aside)
    }

    /// Lists versions: all of them, or only the current ones, and counts what is left.
    pub fn versions(
        &self,
        handle: &Handle,
        names: &Names,
        all: bool,
        found: &mut dyn FnMut(Object) -> Flow,
    ) -> Result<(Flow, Aside), Said> {
        let (mut older, mut aside) = (0, Aside::default());
        let mut one = |listed: Listed| {
            if !listed.is_current && !all {
                older += 1;
                return Flow::Continue(());
            }
            found(object(names, listed))
        };
        let flow = self.pages(handle, true, &mut one, &mut aside)?;
        Ok((flow, Aside { older, ..aside }))
    }

    fn pages(
        &self,
        handle: &Handle,
        versions: bool,
        one: &mut dyn FnMut(Listed) -> Flow,
        aside: &mut Aside,
    ) -> Result<Flow, Said> {
        let ask = |next: Option<Next>| {
            let listing = self.clone();
            handle.spawn(
                async move { if versions { listing.versions_page(next).await } else { listing.page(next).await } },
            )
        };
        let mut asked = ask(None);
        loop {
            let given_up = |_| Said::ours(What::Broken, "the request was given up");
            let page = handle.block_on(asked).map_err(given_up)??;
            let next = page.next.clone().map(|next| ask(Some(next)));
            aside.markers += page.markers;
            for listed in page.listed {
                if let Flow::Break(stop) = one(listed) {
                    if let Some(next) = next {
                        next.abort();
                    }
                    return Ok(Flow::Break(stop));
                }
            }
            match next {
                Some(next) => asked = next,
                None => return Ok(Flow::Continue(())),
            }
        }
    }

    async fn page(&self, next: Option<Next>) -> Result<Page, Said> {
        let token = next.and_then(|next| if let Next::Token(token) = next { Some(token) } else { None });
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).max_keys(self.page);
        let request = request
            .encoding_type(EncodingType::Url)
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
            .set_request_payer(self.payer())
            .set_continuation_token(token.clone());
        let answer = request.send().await.map_err(|error| listing_error(&error))?;
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let next = answer.next_continuation_token().map(str::to_owned).filter(|_| answer.is_truncated() == Some(true));
        if next.is_some() && next == token {
            return Err(Said::ours(What::Other, "its listing does not go on"));
        }
        if next.is_none() && answer.is_truncated() == Some(true) {
            return Err(Said::ours(What::Other, "its listing is cut short"));
        }
        let listed = answer.contents.unwrap_or_default().into_iter().map(|o| Listed {
            key: o.key.unwrap_or_default(),
            is_encoded,
            is_current: true,
            version: None,
            size: o.size.unwrap_or(0),
            modified: o.last_modified,
            etag: o.e_tag,
            class: o.storage_class.map(|class| class.as_str().to_owned()).unwrap_or_default(),
            restored: o.restore_status,
        });
        Ok(Page { listed: listed.collect(), markers: 0, next: next.map(Next::Token) })
    }

    async fn versions_page(&self, next: Option<Next>) -> Result<Page, Said> {
        let asked = next.clone();
        let (key, version) = match next {
            Some(Next::Markers(key, version)) => (key, version),
            _ => (None, None),
        };
        let request = self.client.list_object_versions().bucket(&self.bucket).prefix(&self.prefix).max_keys(self.page);
        let request = request
            .encoding_type(EncodingType::Url)
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus)
            .set_request_payer(self.payer())
            .set_key_marker(key)
            .set_version_id_marker(version);
        let answer = request.send().await.map_err(|error| listing_error(&error))?;
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        // The marker is a key, and is given as keys are.
        let marker = answer.next_key_marker().map(|key| match key::decoded(key) {
            Ok(key) if is_encoded => key,
            _ => key.to_owned(),
        });
        let next = Next::Markers(marker, answer.next_version_id_marker().map(str::to_owned));
        let next = (answer.is_truncated() == Some(true)).then_some(next);
        if next.is_some() && next == asked {
            return Err(Said::ours(What::Other, "its listing does not go on"));
        }
        let markers = answer.delete_markers().len() as u64;
        let listed = answer.versions.unwrap_or_default().into_iter().map(|o| Listed {
            key: o.key.unwrap_or_default(),
            is_encoded,
            is_current: o.is_latest.unwrap_or(true),
            // The current one is `null` where no versions are kept, and in a listing that knows none.
            version: o.version_id.filter(|id| id != "null" || o.is_latest == Some(false)),
            size: o.size.unwrap_or(0),
            modified: o.last_modified,
            etag: o.e_tag,
            class: o.storage_class.map(|class| class.as_str().to_owned()).unwrap_or_default(),
            restored: o.restore_status,
        });
        Ok(Page { listed: listed.collect(), markers, next })
    }

    /// How many versions of one key are not the current one, as far as its first [`MANY`] tell.
    pub async fn older_versions(&self, key: &str) -> Result<u64, Said> {
        let request = self.client.list_object_versions().bucket(&self.bucket).prefix(key).max_keys(MANY as i32);
        let answer = request.set_request_payer(self.payer()).send().await.map_err(|error| listing_error(&error))?;
        let is_older = |of: &&ObjectVersion| of.key() == Some(key) && of.is_latest() == Some(false);
        Ok(answer.versions().iter().filter(is_older).count() as u64)
    }

    fn payer(&self) -> Option<RequestPayer> {
        self.requester_pays.then_some(RequestPayer::Requester)
    }
}

/// A key in another form than UTF-8 cannot be asked for by the SDK.
fn object(names: &Names, listed: Listed) -> Object {
    let size = u64::try_from(listed.size).unwrap_or(0);
    let modified = listed.modified.and_then(|at| at.to_millis().ok()).unwrap_or(0);
    let state = State { size, modified, version: listed.version.clone(), etag: listed.etag };
    let key = match if listed.is_encoded { key::decoded(&listed.key) } else { Ok(listed.key) } {
        Ok(key) => key,
        Err(bytes) => {
            let mut object = Object::new(ObjectPath::from_bytes(&bytes), Version::snapshot(""));
            object.not_read = Some((Coverage::Unreadable, "its key is not UTF-8; copy it to one that is".to_owned()));
            return object;
        }
    };
    let older = listed.version.as_deref().filter(|_| !listed.is_current);
    let mut object = Object::new(names.name(&key, older), state.version());
    object.bytes = Some(size);
    let is_archived = matches!(listed.class.as_str(), "GLACIER" | "DEEP_ARCHIVE");
    // A copy that was taken out of the archive can be read until it expires.
    let is_restored = listed.restored.is_some_and(|r| r.restore_expiry_date().is_some());
    if is_archived && !is_restored {
        object.not_read = Some((Coverage::Unreadable, format!("{}: {ARCHIVED}", listed.class)));
    }
    object
}

/// An entry of the ledger that is no object.
pub(crate) fn entry(name: &str, state: Coverage, reason: String) -> Object {
    let mut object = Object::new(key::escaped(name), Version::snapshot(""));
    object.not_read = Some((state, reason));
    object
}

/// A status 404 on a listing is the bucket's.
fn listing_error<E>(error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> Said
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    let said = Said::of(error);
    match said.what {
        What::Gone => Said { what: What::NoBucket, ..said },
        What::Encryption => Said { what: What::Other, ..said },
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_another_form_is_read_for_what_it_says() {
        for (answer, says) in [
            ("<GetBucketVersioningResponse xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>", Versioning::Off),
            ("<GetBucketVersioningResponse><Status>Enabled</Status></GetBucketVersioningResponse>", Versioning::On),
            ("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", Versioning::On),
            ("<VersioningConfiguration><Status>Paused</Status></VersioningConfiguration>", Versioning::Unknown),
            ("<html>it works</html>", Versioning::Unknown),
            ("", Versioning::Unknown),
        ] {
            assert_eq!(Versioning::in_words(answer.as_bytes()), says, "{answer}");
        }
    }
}
