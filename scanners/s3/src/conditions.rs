//! Whether a server checks conditions (`If-Match`) when it writes. AWS does; among others are some that take the header
//! and ignore it, so that a change made by somebody else in between would be lost without a word.
//!
//! It is found out before the first writing: an empty object is put under a name of our own that nothing has, on the
//! condition that something stands there. A server that checks refuses and has written nothing; one that does not has
//! an object more, which is removed at once.

use crate::S3;
use crate::error::{Said, What};
use crate::replace;

/// What is known of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conditions {
    /// It is AWS, which checks all of them.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>
    Documented,
    /// It was seen to check those of `PutObject`.
    Checked,
    /// It was seen to ignore them.
    Ignored,
    /// It could not be found out.
    Unknown,
}

/// A request that is conditional.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    Put,
    CompleteMultipart,
    Delete,
}

/// An ETag that no object has: the MD5 of something would have to be this.
const NO_ETAG: &str = "\"00000000000000000000000000000000\"";

impl Conditions {
    /// What a receipt says of it.
    pub fn note(self, request: Request) -> Option<&'static str> {
        match (self, request) {
            (Self::Documented, _) | (Self::Checked, Request::Put) => None,
            (Self::Ignored, _) => Some(
                "the server does not check conditions (`If-Match`): that nobody else wrote to the object was looked at \
                 directly before, and a change between that and the writing would be lost",
            ),
            (Self::Checked | Self::Unknown, _) => Some(
                "whether the server checks the condition (`If-Match`) of this request is not known; that nobody else \
                 wrote to the object was looked at directly before",
            ),
        }
    }
}

impl S3 {
    /// Whether the server checks conditions.
    pub(crate) fn conditions(&self) -> Conditions {
        *self.conditions.get_or_init(|| {
            let at = self.place.at.as_str();
            if at == "AWS" || at.contains(".amazonaws.com") {
                return Conditions::Documented;
            }
            self.handle().block_on(self.probe())
        })
    }

    async fn probe(&self) -> Conditions {
        let getter = &self.getter;
        let key = format!("{}.residuum-condition-{:016x}", self.names.folder(), fastrand::u64(..));
        let put = getter.client.put_object().bucket(&getter.bucket).key(&key).set_request_payer(getter.payer());
        match put.if_match(NO_ETAG).send().await.map_err(|error| Said::of(&error)) {
            Err(Said { what: What::Changed | What::Gone, .. }) => Conditions::Checked,
            Err(Said { what: What::Unknown, .. }) => Conditions::Ignored,
            Err(_) => Conditions::Unknown,
            Ok(put) => {
                // Without its version a bucket that keeps versions would only mark it.
                let _ = replace::remove_version(getter, &key, put.version_id()).await;
                Conditions::Ignored
            }
        }
    }
}
